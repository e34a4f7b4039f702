"""Files somebody wrote: every fault is named at once, with its line and value; nothing ends in a traceback."""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skywarden.errors import Fault, SiteError
from skywarden.site.load import load
from skywarden.tools.check import check_file

ROOT = Path(__file__).resolve().parents[2]
TOML = (ROOT / "sites/kabul/site.toml").read_text()
ZONES = (ROOT / "sites/kabul/zones.geojson").read_text()
RAID = (ROOT / "scenarios/kabul-2021-08-30.toml").read_text()
VICTIM = 3      # the zone whose declaration is spoilt
HEADER = "time_s,icao24,callsign,latitude_deg,longitude_deg,altitude_m\n"


def site_faults(folder: Path, toml: str = TOML, zones: str = ZONES) -> list[Fault]:
    (folder / "site.toml").write_text(toml)
    (folder / "zones.geojson").write_text(zones)
    return check_file(folder)


def scenario_faults(folder: Path, text: str) -> list[Fault]:
    (folder / "raid.toml").write_text(text)
    return check_file(folder / "raid.toml")


def spoilt(change: Callable[[dict[str, Any]], object]) -> str:
    data = json.loads(ZONES)
    change(data["features"][VICTIM])
    return json.dumps(data)


def corners() -> list[list[float]]:
    ring: list[list[float]] = json.loads(ZONES)["features"][VICTIM]["geometry"]["coordinates"][0]
    return ring


def shaped(kind: str, coordinates: object) -> str:
    return spoilt(lambda feature: feature.update(geometry={"type": kind, "coordinates": coordinates}))


@pytest.mark.parametrize("name", ["sites/kabul", "sites/range", "sites/range-weather", "sites/kabul/zones.geojson",
    "scenarios/kabul-2021-08-30.toml",
                                  "scenarios/quiet-night.toml", "scenarios/mortar-raid.toml",
                                  "scenarios/mixed-salvo-50.toml"])
def test_what_ships_is_without_fault(name: str) -> None:
    assert check_file(ROOT / name) == []


def test_every_fault_of_a_site_is_named_in_one_go_on_its_own_line(tmp_path: Path) -> None:
    toml = TOML.replace("elevation_m = 1791.0", "elevation_ft = 5877.0").replace("range_max_m = 20000.0",
        'range_max_m = "20 km"')
    toml = toml.replace("revisit_s = 0.25", "revisit_s = 250").replace('consent = "one"', "consent = 1")
    faults = site_faults(tmp_path, toml, spoilt(lambda feature: feature["properties"].update(people=-1)))
    lines = dict(enumerate(toml.splitlines(), 1))
    told = [(lines.get(f.line or 0, ""), f.what) for f in faults if f.file.endswith(".toml")]
    assert any("elevation_ft" in line and "unknown" in what for line, what in told)
    assert any("[origin]" in line and "elevation_m" in what and "missing" in what for line, what in told)
    assert any("20 km" in line and "20 km" in what for line, what in told)
    assert any("revisit_s = 250" in line and "250" in what for line, what in told)
    assert any("consent" in line and "1" in what for line, what in told)
    assert [f.what for f in faults if f.file.endswith("zones.geojson")] == ['zone "housing north-west": people is -1']


def test_a_misspelt_key_is_met_with_the_nearest_right_one(tmp_path: Path) -> None:
    (fault,) = site_faults(tmp_path, TOML.replace("hazard_radius_m", "hazard_radios_m"))
    assert "hazard_radios_m" in fault.what
    assert "hazard_radius_m" in fault.do


def test_no_fire_arcs_are_pairs_of_bearings(tmp_path: Path) -> None:
    def declared(arcs: str) -> str:
        return TOML.replace("[[effectors]]", f"[[effectors]]\nno_fire_deg = {arcs}", 1)

    for arcs in ("[10.0]", "[10.0, 10.0]", "[-10.0, 350.0]"):
        (fault,) = site_faults(tmp_path, declared(arcs))
        assert "pairs" in fault.what
        assert "clockwise" in fault.do
    assert site_faults(tmp_path, declared("[350.0, 20.0, 90.0, 110.0]")) == []
    first, second = load(tmp_path).effectors[0].no_fire
    assert [round(math.degrees(x)) for x in (*first, *second)] == [350, 30, 90, 20]


SHAPES = {
    "self-intersection": lambda c: ("Polygon", [[c[0], c[2], c[1], c[3], c[0]]]),
    "swapped": lambda c: ("Polygon", [[[y, x] for x, y in c]]),
    "LineString": lambda c: ("LineString", c),
    "Point": lambda c: ("Point", c[0]),
    "hole": lambda c: ("Polygon", [c, c]),
    "corners": lambda c: ("Polygon", [c[:2]]),
    "area": lambda c: ("Polygon", [[c[0], [c[0][0] + 1e-7, c[0][1]], [c[0][0], c[0][1] + 1e-7]]]),
    "degrees": lambda c: ("Polygon", [[[500_000.0, 3_800_000.0], [500_100.0, 3_800_000.0], [500_100.0, 3_800_100.0]]]),
    "km from": lambda c: ("Polygon", [[[x - 5.0, y] for x, y in c]]),
    "longitude, latitude": lambda c: ("Polygon", [["here", "there"]]),
    "missing": lambda c: (None, None),
}


@pytest.mark.parametrize("word", SHAPES)
def test_a_zone_that_is_no_simple_polygon_near_the_site_is_explained(word: str, tmp_path: Path) -> None:
    text = shaped(*SHAPES[word](corners()))
    faults = site_faults(tmp_path, zones=text)
    assert len(faults) == 1, faults
    assert word in faults[0].what
    assert "housing north-west" in faults[0].what


def test_a_multipolygon_becomes_a_zone_a_part_and_a_third_coordinate_is_ignored(tmp_path: Path) -> None:
    here = [[x, y, 12.0] for x, y in corners()]
    there = [[x + 0.02, y, 12.0] for x, y in corners()]
    assert site_faults(tmp_path, zones=shaped("MultiPolygon", [[here], [there]])) == []
    names = {zone.name for zone in load(tmp_path).zones}
    assert {"housing north-west 1", "housing north-west 2"} <= names
    assert len(names) == len(load(ROOT / "sites/kabul").zones) + 1


def test_an_attribute_left_blank_in_an_editor_takes_its_default(tmp_path: Path) -> None:
    assert site_faults(tmp_path, zones=spoilt(lambda f: f["properties"].update(people=None, shelter_s=None,
        warn=None))) == []
    zone = load(tmp_path).zones[VICTIM]
    assert (zone.people, zone.shelter_s, zone.warn) == (0.0, 10.0, True)


def test_two_zones_of_one_name_are_refused(tmp_path: Path) -> None:
    (fault,) = site_faults(tmp_path, zones=ZONES.replace("housing north-west", "hospital"))
    assert "hospital" in fault.what
    assert "2 times" in fault.what


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "9" * 400, "9" * 5000])
def test_a_number_that_is_none_is_a_fault(number: str, tmp_path: Path) -> None:
    assert site_faults(tmp_path, zones=ZONES.replace("69.203323", number))
    if number.isdigit():
        assert site_faults(tmp_path, toml=TOML.replace("1791.0", number))


@pytest.mark.parametrize("content", [b"", b"\n \n", bytes(range(256)) * 8, b"[" * 100_000, b"a\x00b",
    TOML.encode("utf-16")])
@pytest.mark.parametrize("name", ["raid.toml", "site.toml", "zones.geojson", "flights.csv"])
def test_empty_files_and_binary_junk_are_faults_of_every_reader(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(TOML)
    (tmp_path / "zones.geojson").write_text(ZONES)
    (tmp_path / name).write_bytes(content)
    faults = check_file(tmp_path / name)
    assert faults
    assert all(fault.what and fault.do for fault in faults)


@pytest.mark.parametrize("name", ["raid.toml", "flights.csv", "zones.geojson"])
def test_a_gigabyte_is_refused_unread(name: str, tmp_path: Path) -> None:
    with open(tmp_path / name, "wb") as file:
        file.truncate(2**30)        # sparse: it takes no room
    (fault,) = check_file(tmp_path / name)
    assert "1024 MiB" in fault.what


def test_a_missing_file_a_folder_a_pipe_and_a_stranger_are_told_apart(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "zones.geojson").mkdir()
    (tmp_path / "site.toml").write_text(TOML)
    assert "no such file" in check_file(tmp_path / "absent.toml")[0].what
    assert "pipe" in check_file(tmp_path / "pipe.toml")[0].what
    assert ".txt" in check_file(tmp_path / "notes.txt")[0].what
    assert "folder" in check_file(tmp_path)[0].what
    assert check_file(Path("x" * 5000))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_one_may_not_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "raid.toml").write_text(RAID)
    (tmp_path / "raid.toml").chmod(0)
    assert "may not be read" in check_file(tmp_path / "raid.toml")[0].what


def test_every_fault_of_a_scenario_is_named_in_one_go(tmp_path: Path) -> None:
    text = RAID.replace('class = "small rocket"', 'class = "smal rocket"', 1).replace("fall_angle_deg",
        "fallangle_deg", 1)
    text = text.replace('launch = "launch"', 'launch = "lunch"', 1).replace("seed = 20210830",
        "seed = -1").replace("2021-08-30T02", "2021-13-30T02")
    text += '\n[[recordings]]\nfile = "absent.csv"\n[[outages]]\nradar = "cram"\nstart_s = 50\nend_s = 20\n'
    told = " | ".join(fault.what for fault in scenario_faults(tmp_path, text))
    for word in ("smal rocket", '"fall_angle_deg" is missing', "fallangle_deg", "lunch", "-1", "2021-13-30",
            "no such file", "end_s 20"):
        assert word in told, word


def test_a_raid_that_no_round_can_fly_is_found_before_the_run(tmp_path: Path) -> None:
    (fault,) = scenario_faults(tmp_path, RAID.replace("fall_speed_mps = [178, 185]", "fall_speed_mps = [60, 70]"))
    assert fault.file.endswith("raid.toml")
    assert '"first"' in fault.what
    fit = re.fullmatch(r"(fall_speed_mps = \[\d+, \d+\]) would fit .*", fault.do)
    assert fit is not None
    assert scenario_faults(tmp_path, RAID.replace("fall_speed_mps = [178, 185]", fit[1])) == []


def test_where_no_speed_fits_that_is_said(tmp_path: Path) -> None:
    (fault,) = scenario_faults(tmp_path, RAID.replace("latitude_deg = 34.61651", "latitude_deg = 35.2"))
    assert fault.do.startswith("No speed fits")


@pytest.mark.parametrize("content", [
    "a" + ".a" * 50_000 + " = 1\n", "x = {a" + " . b" * 50_000 + " = 1}\n", "#\n[" + " " * 10_000_000 + "\n",
    "[a" + ".a" * 50_000 + "]\n",
])
def test_a_file_made_to_take_for_ever_is_refused_at_once(content: str, tmp_path: Path) -> None:
    begun = time.monotonic()
    assert scenario_faults(tmp_path, content)
    assert time.monotonic() - begun < 5.0


def test_areas_swapped_crossed_or_named_twice_are_faults(tmp_path: Path) -> None:
    cross = '\n[[areas]]\nname = "p"\npolygon = [[69.20, 34.55], [69.21, 34.56], [69.21, 34.55], [69.20, 34.56]]\n'
    twice = '\n[[areas]]\nname = "p"\nlatitude_deg = 34.56\nlongitude_deg = 69.2\nradius_m = 5\n'
    far = '\n[[areas]]\nname = "q"\nlatitude_deg = 69.2\nlongitude_deg = 34.56\nradius_m = 5\n'
    faults = scenario_faults(tmp_path, RAID + cross + twice + far)
    told = " | ".join(f"{fault.what} {fault.do}" for fault in faults)
    assert len(faults) == 3
    assert "crosses itself" in told
    assert "used twice" in told
    assert "swapped" in told


@pytest.mark.parametrize(("rows", "word"), [
    ("a,b\n1,2\n", 'column "time_s"'), (HEADER, "no flight"), (HEADER + "0,abc123,X,47,8,3000ft\n", "3000ft"),
    (HEADER + '0,"' + "a" * 200_000 + '",X,47,8,1000\n', "no flight"),
])
def test_a_recording_that_is_none_is_explained(rows: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "flights.csv").write_text(rows)
    assert word in check_file(tmp_path / "flights.csv")[0].what


def test_load_raises_what_check_finds(tmp_path: Path) -> None:
    found = site_faults(tmp_path, TOML.replace("[policy]", "[policie]"))
    with pytest.raises(SiteError) as raised:
        load(tmp_path)
    assert list(raised.value.faults) == found
