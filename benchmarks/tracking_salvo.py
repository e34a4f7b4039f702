"""Tracker step with 180 tracks and more against Stone Soup's EKF + GNN and its KD-tree variant,
same detections: python benchmarks/tracking_salvo.py

Each is timed from outside, CPU time of handing over one scan until its tracks are there, one
thread, in one run on one machine. Stone Soup runs the salvo of two hundred up to the scan given
(`--scans`, 60: some four minutes on a quiet machine), a few scans with 180 tracks held; ours runs
the whole and is compared on those. Accuracy is the shared scorer's over the scans that all have
run. Needs the shared benchmark beside the repository; Stone Soup (extra `bench`) is skipped with a
reason where it is not installed.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from skywarden.defence import impact
from skywarden.defence.tracking import tracker
from skywarden.feeds import table
from skywarden.site.load import load

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared" / "benchmarks" / "tracking"
HELD = {"salvo50": 45, "salvo200": 180}     # tracks from which a scan counts
COLUMNS = ("run", "time_s", "track", "east_m", "north_m", "up_m", "east_mps", "north_mps", "up_mps",
    "ballistic_coefficient_kgm2")


def ours(case: str, folder: Path) -> dict[int, tuple[int, float, float]]:
    """By scan: tracks, ms of the tracker's step, ms of impact prediction; the tracks go to a table
    that the scorer reads.
    """
    site = load("range")
    subprocess.run([sys.executable, str(SHARED / "convert.py"), case, str(folder / f"{case}.csv"), "--data",
        str(folder / "data")], check=True)
    (run,) = table.read(folder / f"{case}.csv", site)
    out: dict[int, tuple[int, float, float]] = {}
    for _ in range(2):      # the first pass compiles
        state, rows = tracker.start(site), []
        gc.collect()
        gc.disable()
        for frame in table.frames(run.detections, site):
            a = time.process_time_ns()
            state, tracks = tracker.track(state, frame, site)
            b = time.process_time_ns()
            impact.predict(state, tracks, frame, site)
            c = time.process_time_ns()
            out[round(frame.t / 0.25)] = (tracks.number.shape[0], (b - a) / 1e6, (c - b) / 1e6)
            n = tracks.number.shape[0]
            rows.append(np.column_stack((np.zeros(n), np.full(n, frame.t), tracks.number, tracks.state[:, :6],
                1.0 / np.maximum(tracks.state[:, 6], 1e-9))))
        gc.enable()
    made = pl.DataFrame(np.concatenate(rows), schema=list(COLUMNS)).with_columns(pl.col("run", "track").cast(pl.Int64))
    made.write_csv(folder / f"{case}_ours.csv")
    return out


def theirs(case: str, kind: str, folder: Path, scans: int) -> dict[int, tuple[int, float]]:
    """By scan: tracks held, ms."""
    command = [sys.executable, str(SHARED / "stonesoup_run.py"), case, "ekf", kind, "7", "--max-scans", str(scans)]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=os.environ
        | {"OMP_NUM_THREADS": "1"})
    rows = np.genfromtxt(folder / "out" / f"ss_{case}_ekf_{kind}_7_time.csv", delimiter=",", names=True)
    return {int(row["scan"]): (int(row["ntracks"]), float(row["cpu_ms"])) for row in rows}


def accuracy(case: str, tracks: Path, folder: Path, scans: int) -> str:
    """The scorer's line over the first `scans` scans."""
    said = subprocess.run(
        [sys.executable, str(SHARED / "score.py"), case, str(tracks), str(scans)], cwd=folder, check=True,
        capture_output=True, text=True).stdout
    found = dict(part.split("=") for part in said.splitlines()[1].split())
    return (f"OSPA {found['OSPA']} m, missed {found['never_tracked']}, false {found['false_ids']}, start "
        f"{found['lat_mean']} s")


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--scans", type=int, default=60, help="how many scans of salvo200 Stone Soup runs")
    ask.add_argument("--case", choices=sorted(HELD), action="append", help="default: both")
    told = ask.parse_args()
    if not SHARED.exists():
        print("skipped: the shared benchmark is not beside this repository")
        return
    peer = importlib.util.find_spec("stonesoup") is not None
    if not peer:
        print("Stone Soup skipped: not installed; `pip install -e .[bench]`")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = os.environ | {"FLIGHTS": "2"}
        subprocess.run([sys.executable, str(SHARED / "generate.py"), "data"], cwd=folder, check=True,
            stdout=subprocess.DEVNULL, env=few)
        for case in told.case or ["salvo50", "salvo200"]:
            mine = ours(case, folder)
            crowded = np.array([ms for held, ms, _ in mine.values() if held >= HELD[case]])
            falls = np.array([ms for held, _, ms in mine.values() if held >= HELD[case]])
            print(f"{case}, {len(crowded)} scans with {HELD[case]} tracks or more: step median "
                f"{np.median(crowded):.2f} ms, p99 "
                  f"{np.quantile(crowded, 0.99):.2f} ms; impacts {np.median(falls):.2f} ms", flush=True)
            for kind, title in (("gnn", "EKF + GNN"), ("kdgnn", "EKF + GNN over a KD-tree")) if peer else ():
                other = theirs(case, kind, folder, told.scans)
                both = [scan for scan, (held, _) in other.items() if held >= HELD[case] and scan in mine
                    and mine[scan][0] >= HELD[case]]
                last = max(other) + 1
                if not both:
                    print(f"{case}: Stone Soup {title} holds {HELD[case]} tracks in none of its {last} scans")
                    continue
                slow, fast = np.array([other[s][1] for s in both]), np.array([mine[s][1] for s in both])
                print(f"{case}: Stone Soup {title}: median {np.median(slow):.0f} ms over {len(both)} scans, ours on "
                    f"the same {np.median(fast):.2f} ms; "
                      f"ratio {np.median(slow) / np.median(fast):.0f}; against ours over all its {len(crowded)} scans "
                      f"{np.median(slow) / np.median(crowded):.0f}", flush=True)
                their_tracks = folder / "out" / f"ss_{case}_ekf_{kind}_7_tracks.csv"
                print(f"  Stone Soup {accuracy(case, their_tracks, folder, last)}")
                part = folder / f"{case}_ours_part.csv"        # the scorer cuts the truth, not the tracks
                pl.read_csv(folder / f"{case}_ours.csv").filter(pl.col("time_s") < 0.25 * last).write_csv(part)
                print(f"  Skywarden  {accuracy(case, part, folder, last)}", flush=True)


if __name__ == "__main__":
    main()
