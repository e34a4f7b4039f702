"""A study's file: every fault is told at once, what would rank places to fire from is refused, and
designs stay true files.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest

from skywarden.errors import Fault, StudyError
from skywarden.session.study import Asked, run_study
from skywarden.site.load import from_sources
from skywarden.site.load import load as load_site
from skywarden.study.designs import DesignError, scenario_files, site_files
from skywarden.study.plan import Condition, Design, Edit
from skywarden.study.reading import parsed

HEAD = 'scenarios = ["mortar-raid"]\nseeds = { first = 1, at_most = 3 }\n'
PLAIN = '[[designs]]\nname = "plain"\n'
REFUSED = [
    ('[[factors]]\nkey = "raids"\nvalues = [1]\n', 3),
    ('[[factors]]\nkey = "areas.launch.radius_m"\nvalues = [100, 200]\n', 4),
    ('[[factors]]\nkey = "clutter.rain_areas"\nvalues = [["launch"]]\n', 3),
    ('group = "launch"\n', 3),
    ('group = "raid"\n', 3),
    ('columns = ["launch_east_m"]\n', 3),
    ('columns = ["raid"]\n', 3),
    ('[[measures]]\nname = "launch_area"\n', 4),
    ('[[areas]]\nname = "elsewhere"\n', 3),
    ('[[raids]]\nname = "other"\n', 3),
    ('[[designs]]\nname = "other"\nset.raids.first.count = 3\n', 5),
    ('[[designs]]\nname = "other"\nadd.areas = [{ name = "x" }]\n', 5),
    ('[[designs]]\nname = "other"\nlaunch = "elsewhere"\n', 5),
]


def faults_of(text):
    faults: list[Fault] = []
    parsed(text.encode(), "study.toml", faults)
    return faults


def test_a_good_file_has_no_fault():
    assert faults_of(HEAD + PLAIN + '[[factors]]\nkey = "clutter.birds"\nvalues = [0, 20]\n') == []


@pytest.mark.parametrize(("text", "line"), REFUSED)
def test_what_would_rank_places_to_fire_from_is_refused(text, line):
    found = faults_of(HEAD + text + ("" if "[[designs]]" in text else PLAIN))
    assert found
    told = "\n".join(map(str, found))
    assert "rank places to fire from" in told or "always hold the same columns" in told
    assert abs((found[0].line or 0) - line) <= 1
    assert all(fault.do for fault in found)


def test_every_fault_is_told_at_once(tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text(
        'scenarios = []\nseeds = { first = -1, at_most = 0 }\nkeep_records = "best"\n'
        '[[designs]]\nname = "a"\nset.polcy.x = 1\n'
        '[[designs]]\nname = "a"\n[[measures]]\nname = "nothing"\n[stop]\nconfidence = 3\n[siting]\nwhat = "guns"\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "skywarden.cli", "study", str(file)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    for word in (
        "scenarios",
        '"first"',
        '"at_most"',
        "keep_records",
        "set.polcy",
        "used twice",
        "nothing",
        "confidence",
        "guns",
    ):
        assert word in done.stderr, word
    assert done.stderr.count("bad.toml:") >= 9


def test_a_design_that_does_not_fit_its_site_is_told_by_line(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(
        HEAD + '[[designs]]\nname = "one"\nset.radars.nobody.height_m = 3.0\n[[designs]]\nname = "two"\n'
        "set.policy.warn_probability = 3.0\n"
    )
    with pytest.raises(StudyError) as told:
        run_study(Asked(file, tmp_path / "out"))
    assert [fault.line for fault in told.value.faults] == [3, 6]
    assert 'nothing called "nobody"' in str(told.value)
    assert "warn_probability" in str(told.value)
    assert not (tmp_path / "out").exists()


def test_a_design_changes_the_sites_own_files():
    base = load_site("kabul")
    design = Design(
        "more",
        edits=(
            Edit("set", ("policy", "warn_probability"), 0.15),
            Edit("set", ("radars", "cram", "range_sigma_m"), 30.0),
            Edit("set", ("zones", base.zones[0].name, "people"), 7.0),
            Edit("add", ("radars",), {"copy": "cram", "name": "cram two", "east_m": 1250, "north_m": -280}),
            Edit("remove", ("effectors",), "gun north"),
        ),
    )
    files = site_files(base.sources, design)
    site = from_sources(files, "kabul")
    assert site.policy.warn_probability == 0.15
    assert [radar.name for radar in site.radars] == [*(radar.name for radar in base.radars), "cram two"]
    assert site.radars[-1].place[0] == 1250.0
    assert site.radars[0].range_sigma == 30.0
    assert site.zones[0].people == 7.0
    assert [effector.name for effector in site.effectors] == ["interceptor"]
    assert site.sources == files
    assert b"# a generic counter-battery array" in files["site.toml"]


def test_a_design_names_what_is_not_there():
    with pytest.raises(DesignError, match="taken"):
        site_files(load_site("kabul").sources, Design("x", edits=(Edit("add", ("radars",), {"name": "cram"}),)))


def test_a_condition_changes_only_what_it_names():
    text = b'name = "x"\nduration_s = 20\n[clutter]\nbirds = 2 # some\n[[raids]]\nname = "first"\n'
    outages = [{"radar": "cram", "start_s": 1.0, "end_s": 4.0}]
    files = scenario_files(
        {"scenario.toml": text},
        Condition("c", (("clutter.birds", 9), ("weather.wind_error_mps", 2.0), ("outages", outages))),
    )
    data = tomllib.loads(files["scenario.toml"].decode())
    assert data["clutter"] == {"birds": 9}
    assert data["weather"] == {"wind_error_mps": 2.0}
    assert data["outages"] == outages
    assert data["raids"] == [{"name": "first"}]
