"""Studies end to end: the same rows whoever flies them, nothing flown twice, records that check, a
page that needs nothing.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest

from skywarden.session.once import Job, run
from skywarden.session.study import Asked, run_study

STUDY = """
name = "two radars"
scenarios = ["mortar-raid"]
seeds = {{ first = 1, at_most = {seeds} }}
duration_s = {duration}
keep_records = "worst 1"
[[factors]]
key = "clutter.birds"
values = [0, 10]
[[designs]]
name = "as it stands"
baseline = true
[[designs]]
name = "a second radar"
add.radars = [{{ copy = "{radar}", name = "two", east_m = 900, north_m = -300 }}]
[[measures]]
name = "tracked_share"
[[measures]]
name = "lead_time_s"
[[measures]]
name = "any_unwarned"
"""


def study_file(folder, seeds=2, duration=8.0):
    from skywarden.simulator.scenario.load import site_of
    from skywarden.site.load import load

    radar = load(site_of("mortar-raid")).radars[0].name
    file = folder / "study.toml"
    file.write_text(STUDY.format(seeds=seeds, duration=duration, radar=radar))
    return file


def rows(out):
    return pl.read_parquet(out / "runs.parquet"), pl.read_parquet(out / "rounds.parquet")


def same(one, other):
    return all(a.equals(b) for a, b in zip(rows(one), rows(other), strict=True))


def test_one_worker_or_two_give_the_same_rows_and_more_seeds_use_what_is_there(tmp_path):
    first = run_study(Asked(study_file(tmp_path), tmp_path / "one", workers=1))
    assert (first.conducted.made, first.conducted.found) == (8, 0)
    run_study(Asked(study_file(tmp_path), tmp_path / "two", workers=2))
    assert same(tmp_path / "one", tmp_path / "two")
    again = run_study(Asked(study_file(tmp_path, seeds=3), tmp_path / "one", workers=1))
    assert (again.conducted.made, again.conducted.found) == (4, 8)
    runs, rounds = rows(tmp_path / "one")
    assert runs.height == 12
    assert not [
        name for name in (*runs.columns, *rounds.columns) if re.search("launch|raid|area|azimuth|bearing", name)
    ]
    judged(tmp_path / "one")


def judged(out):
    """The page, the summary and the records of a study that is done."""
    page = (out / "study.html").read_text()
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="https?:', page)
    assert page.count("<figure>") == len(re.findall(r"n = [1-9]\d* runs a design, seeds 1 to 3\.", page)) > 0
    summary = json.loads((out / "summary.json").read_text())
    assert {f["measure"] for f in summary["findings"]} == {"tracked_share", "lead_time_s", "any_unwarned"}
    assert all(f["seeds"] == [1, 3] for f in summary["findings"])
    records = sorted((out / "records").glob("*.rec"))
    assert len(records) == 2
    for command in (["replay", str(records[0]), "--check"], ["check", str(records[0])]):
        done = subprocess.run(
            [sys.executable, "-m", "skywarden.cli", *command], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.prove
def test_killed_half_way_it_goes_on_and_repeats_nothing(tmp_path):
    file, out = study_file(tmp_path, seeds=10), tmp_path / "killed"
    command = [sys.executable, "-m", "skywarden.cli", "study", str(file), "--out", str(out), "--workers", "2"]
    for ending in (signal.SIGKILL, signal.SIGTERM):
        driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
        kept = len(journal(out))
        while len(journal(out)) < kept + 8 and driver.poll() is None:
            time.sleep(0.2)
        driver.send_signal(ending)
        driver.wait(120)
    kept = len(journal(out))
    assert 16 <= kept < 40
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=600, check=True)
    summary = json.loads(done.stdout)
    assert summary["runs_found"] == kept
    assert summary["runs_made"] == 40 - kept
    run_study(Asked(file, tmp_path / "whole", workers=1))
    assert same(out, tmp_path / "whole")


def journal(out):
    """Keys of the runs kept so far."""
    lines = (
        (out / "store" / "journal.jsonl").read_bytes().splitlines()
        if (out / "store" / "journal.jsonl").exists()
        else []
    )
    parts = [pl.read_parquet(path)["key"].to_list() for path in (out / "store").glob("runs-*.parquet")]
    return {json.loads(line)["key"] for line in lines if line.endswith(b"}")} | {
        key for part in parts for key in part
    }


@pytest.mark.prove
def test_the_luck_of_a_shot_stays_with_the_round_whoever_shoots(tmp_path):
    """An interceptor moved by 600 m: what is stopped differs by far less between pairs than between strangers."""
    from skywarden.site.load import load
    from skywarden.study.designs import site_files
    from skywarden.study.plan import Design, Edit

    base = load("kabul")
    moved = site_files(
        base.sources, Design("moved", edits=(Edit("set", ("effectors", "interceptor", "east_m"), -300.0),))
    )
    stopped = np.array(
        [
            [
                run(Job("kabul-2021-08-30", seed=seed, duration=75.0) if site is None else job(seed, site)).figures[
                    "stopped"
                ]
                for seed in range(1, 41)
            ]
            for site in (None, moved)
        ],
        float,
    )
    paired, apart = np.var(stopped[1] - stopped[0], ddof=1), np.var(stopped[0], ddof=1) + np.var(stopped[1], ddof=1)
    print(f"\nvariance of the paired difference {paired:.4f}, of the unpaired {apart:.4f}")
    assert paired <= apart / 5.0


def job(seed, files):
    from skywarden.simulator.scenario.load import load as load_scenario
    from skywarden.site.load import load

    scenario = load_scenario("kabul-2021-08-30", load("kabul"))
    return Job(tuple(sorted(scenario.sources.items())), tuple(sorted(files.items())), seed, 75.0)
