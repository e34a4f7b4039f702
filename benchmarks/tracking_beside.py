"""Tracker of this tree beside that of another, an older commit say, on the same fresh salvos:
python benchmarks/tracking_beside.py /other/tree/.venv/bin/python

Prints, a case, OSPA, mean start and the tracker's step of both, and the ratios with the standard
error over seeds. Both run one after the other on each seed, in a process of their own, twice (the
first pass compiles); a step is the CPU time of handing over one scan until its tracks are there, a
seed's the median over the scans that see something, one thread. Needs the shared benchmark beside
the repository.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared" / "benchmarks" / "tracking"
CASES = ("salvo50", "salvo200", "salvo50_clutter200", "salvo50_air4")
# What each tree runs in a process of its own, by names that both have: argument the detections, the tracks to write,
# and how many passes.
RUN = """
import gc, json, sys, time
import numpy as np, polars as pl
from skywarden.defence.tracking import tracker
from skywarden.feeds import table
from skywarden.site.load import load

site = load("range")
(run,) = table.read(sys.argv[1], site)
best = None
for _ in range(int(sys.argv[3])):
    state, rows, took = tracker.start(site), [], []
    gc.collect()
    gc.disable()
    for frame in table.frames(run.detections, site):
        begun = time.process_time_ns()
        state, tracks = tracker.track(state, frame, site)
        took.append((time.process_time_ns() - begun) / 1e6 if tracks.number.size else np.nan)
        n = tracks.number.shape[0]
        rows.append(np.column_stack((np.zeros(n), np.full(n, frame.t), tracks.number, tracks.state[:, :6],
            1.0 / np.maximum(tracks.state[:, 6], 1e-9))))
    gc.enable()
    best = np.array(took) if best is None else np.fmin(best, took)
names = ["run", "time_s", "track", "east_m", "north_m", "up_m", "east_mps", "north_mps", "up_mps",
    "ballistic_coefficient_kgm2"]
made = pl.DataFrame(np.concatenate(rows), schema=names).with_columns(pl.col("run", "track").cast(pl.Int64))
made.write_csv(sys.argv[2])
print(json.dumps({"step": float(np.nanmedian(best)), "worst": float(np.nanquantile(best, 0.99))}))
"""
SCORE = """
import json, sys, score
found = score.evaluate(sys.argv[1], sys.argv[2], data="data", quiet=True)[0]
print(json.dumps({"OSPA": float(found["OSPA"]), "start": float(found["lat_mean"]),
    "missed": int(found["never_tracked"]), "false": int(found["false_ids"])}))
"""


def figures(python: str, case: str, folder: Path, passes: int) -> dict[str, float]:
    """What the tree of interpreter `python` makes of `case` in `folder`: step [ms], OSPA [m], start [s].

    passes  over the detections, of which each scan's quickest counts
    """
    tracks = folder / "tracks.csv"
    own = os.environ | {"OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    if python != sys.executable and "NUMBA_CACHE_DIR" in own:
        own["NUMBA_CACHE_DIR"] += "-beside"
    ran = subprocess.run([python, "-c", RUN, f"{case}.csv", str(tracks), str(passes)], cwd=folder, check=True,
        capture_output=True, text=True, env=own)
    scored = subprocess.run([sys.executable, "-c", SCORE, case, str(tracks)], cwd=folder, check=True,
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(SHARED.resolve())})
    return json.loads(ran.stdout.splitlines()[-1]) | json.loads(scored.stdout.splitlines()[-1])


def ratio(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Ratio of the means (k,) over seeds of the two, and its standard error from the pairs."""
    each = ours / theirs
    return f"{ours.mean() / theirs.mean():.3f} ± {each.std() / max(len(each) - 1, 1) ** 0.5:.3f}"


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("other", help="interpreter of the other tree")
    ask.add_argument("--case", choices=CASES, action="append", help="default: all four")
    ask.add_argument("--seeds", type=int, default=8, help="how many fresh seeds")
    ask.add_argument("--first", type=int, default=500, help="the first of them")
    ask.add_argument("--passes", type=int, default=2, help="over the detections, of which each scan's quickest counts")
    told = ask.parse_args()
    if not SHARED.exists():
        print("skipped: the shared benchmark is not beside this repository")
        return
    print("| case | seeds | OSPA m, here and there | ratio | start s | ratio | step median ms | ratio | step p99 ms |"
        " missed | false |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    cases = told.case or CASES
    found: dict[str, list[list[dict[str, float]]]] = {case: [[], []] for case in cases}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in range(told.first, told.first + told.seeds):
            few = os.environ | {"FLIGHTS": "2", "SEED_OFFSET": str(seed)}
            subprocess.run([sys.executable, str(SHARED / "generate.py"), "data"], cwd=folder, check=True,
                stdout=subprocess.DEVNULL, env=few)
            for case in cases:
                subprocess.run([sys.executable, str(SHARED / "convert.py"), case, f"{case}.csv"], cwd=folder,
                    check=True)
                for k, python in enumerate((sys.executable, told.other)):
                    found[case][k].append(figures(python, case, folder, told.passes))
    for case, both in found.items():
        ours, theirs = ({key: np.array([one[key] for one in side]) for key in side[0]} for side in both)
        cells = [f"{ours[key].mean():.{digits}f}, {theirs[key].mean():.{digits}f} | {ratio(ours[key], theirs[key])}"
            for key, digits in (("OSPA", 2), ("start", 3), ("step", 2))]
        worst = f"{ours['worst'].mean():.1f}, {theirs['worst'].mean():.1f}"
        print(f"| {case} | {told.seeds} | {' | '.join(cells)} | {worst}"
            f" | {ours['missed'].sum()}, {theirs['missed'].sum()} | {ours['false'].sum()}, {theirs['false'].sum()} |",
            flush=True)


if __name__ == "__main__":
    main()
