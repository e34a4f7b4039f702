"""Tracker step at salvo50 and salvo200 against Stone Soup (EKF, GNN), in one run, on the same detections: python benchmarks/tracking_salvo.py [--full]

Needs the shared benchmark beside the repository; Stone Soup (extra `bench`) is skipped with a reason where it is not installed.
Prints ms a scan (median over scans with 90 % of the tracks or more) and their ratio. `--full` lets Stone Soup run all scans of salvo200 (minutes).
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from skywarden.defence import impact
from skywarden.defence.tracking import tracker
from skywarden.feeds import table
from skywarden.site.load import load

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared" / "benchmarks" / "tracking"


def ours(case: str, folder: Path) -> tuple[float, float, float]:
    """Median and 99th percentile of the tracker's step, and median of impact prediction, ms, over the crowded frames."""
    site = load("range")
    subprocess.run([sys.executable, str(SHARED / "convert.py"), case, str(folder / f"{case}.csv"), "--data", str(folder / "data")], check=True)
    (run,) = table.read(folder / f"{case}.csv", site)
    for _ in range(2):      # the first pass compiles
        state, rows = tracker.start(site), []
        for frame in table.frames(run.detections, site):
            a = time.perf_counter()
            state, tracks = tracker.track(state, frame, site)
            b = time.perf_counter()
            impact.predict(state, tracks, frame, site)
            rows.append((tracks.number.shape[0], 1e3 * (b - a), 1e3 * (time.perf_counter() - b)))
    table_ = np.array(rows)
    crowded = table_[table_[:, 0] >= 0.9 * table_[:, 0].max()]
    return float(np.median(crowded[:, 1])), float(np.quantile(crowded[:, 1], 0.99)), float(np.median(crowded[:, 2]))


def theirs(case: str, folder: Path, scans: int | None) -> float:
    """Stone Soup's median ms a scan over its crowded scans."""
    command = [sys.executable, str(SHARED / "stonesoup_run.py"), case, "ekf", "gnn", "7", "--data", "data", "--out", "out"]
    command += ["--max-scans", str(scans)] if scans else []
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"})
    rows = np.genfromtxt(folder / "out" / f"ss_{case}_ekf_gnn_7_time.csv", delimiter=",", names=True)
    crowded = rows[rows["ntracks"] >= 0.9 * rows["ntracks"].max()]
    return float(np.median(crowded["ms"]))


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--full", action="store_true")
    full = ask.parse_args().full
    if not SHARED.exists():
        print("skipped: the shared benchmark is not beside this repository")
        return
    peer = importlib.util.find_spec("stonesoup") is not None
    if not peer:
        print("Stone Soup skipped: not installed; `pip install -e .[bench]`")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, str(SHARED / "generate.py"), "data"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for case, scans in (("salvo50", None), ("salvo200", None if full else 62)):
            median, p99, falls = ours(case, folder)
            print(f"{case}: step median {median:.2f} ms, p99 {p99:.2f} ms; impacts {falls:.2f} ms")
            if peer:
                other = theirs(case, folder, scans)
                print(f"{case}: Stone Soup EKF + GNN {other:.0f} ms; ratio {other / median:.0f}")


if __name__ == "__main__":
    main()
