"""How fast the closed loop runs without a console: world, radars, watch and rehearse on one core.

    .venv/bin/python benchmarks/closed_loop.py [RUNS] [SCENARIO]
    .venv/bin/python benchmarks/closed_loop.py [RUNS] --against FOLDER

Prints simulated seconds a second of processor time for each seed and their median (goal: 60), and
what each part costs a frame. Real time is the peer. With --against, another clone of Skywarden
with a `.venv` of its own flies mixed-salvo-50 in turns with this one, and the ratio of both is
printed for each turn: a machine's load and speed are in neither. The other clone keeps its compiled
kernels where it does by itself, whatever NUMBA_CACHE_DIR says.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

from skywarden.feeds.simulated import Simulated
from skywarden.messages.moment import Moment
from skywarden.pipeline.simulated import rehearsing, watching
from skywarden.pipeline.simulated_warming import EXTRA
from skywarden.pipeline.warming import warm
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.simulator.scenario.load import site_of
from skywarden.site.load import load as load_site

SCENARIO = "mixed-salvo-50"
HERE = Path(__file__).resolve().parents[1]       # folder of this clone


def main(runs: int, name: str = SCENARIO) -> None:
    site = load_site(site_of(name))
    scenario = load_scenario(name, site)
    warm(site, EXTRA)
    for _ in Simulated(scenario, site, seed=0, duration=3.0):
        pass
    ratios = []
    for seed in range(1, runs + 1):
        begun = time.process_time()
        feed, watch, rehearse = Simulated(scenario, site, seed=seed), watching(site), rehearsing(site)
        cost, frames, t = [time.process_time() - begun, 0.0, 0.0, 0.0], 0, 0.0
        moments = iter(feed)
        while True:
            at = [time.process_time()]
            item = next(moments, None)
            if item is None:
                break
            frame, truth = item
            at.append(time.process_time())
            picture = watch(frame)
            at.append(time.process_time())
            drill = rehearse(frame, picture)
            at.append(time.process_time())
            feed.take(Moment(frame, picture, drill, truth))
            for k in range(3):
                cost[k + 1] += at[k + 1] - at[k]
            frames, t = frames + 1, frame.t
        spent = time.process_time() - begun
        ratios.append(t / spent)
        parts = ", ".join(f"{name} {1e3 * c / frames:.2f}" for name, c in zip(("world and radars", "watch",
            "rehearse"), cost[1:], strict=True))
        print(f"seed {seed}: {t:.0f} s in {spent:.2f} s, {t / spent:.0f}x real time; ms a frame: {parts}; drawing the "
            f"raid {1e3 * cost[0]:.0f} ms", flush=True)
    print(f"median {statistics.median(ratios):.0f}x real time on one core (goal 60)")


def against(folder: Path, turns: int) -> None:
    """Let this clone and another one fly in turns, each in a process of its own."""
    ratios = []
    for turn in range(1, turns + 1):
        first, second = (HERE, folder) if turn % 2 else (folder, HERE)
        speed = {first: _median_of(first)}
        speed[second] = _median_of(second)
        ours, theirs = speed[HERE], speed[folder]
        ratios.append(ours / theirs)
        print(f"turn {turn}: {ours:.0f}x and {theirs:.0f}x real time, ratio {ours / theirs:.2f}", flush=True)
    print(f"median ratio to {folder}: {statistics.median(ratios):.2f} (goal 2.5)")


def _median_of(clone: Path) -> float:
    """Real time's multiple in a clone, from what its own benchmark prints of three seeds.

    clone  folder of the clone; kernels compiled from other sources are none of its business, so that
           the folder of this clone's own is not handed on
    """
    own = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    around = dict(os.environ) if clone == HERE else own
    done = subprocess.run([str(clone / ".venv/bin/python"), str(clone / "benchmarks/closed_loop.py"), "3"], check=True,
        capture_output=True, text=True, env={**around, "NUMBA_NUM_THREADS": "1"})
    each = [float(t) / float(spent) for t, spent in re.findall(r"seed \d+: (\d+) s in ([\d.]+) s", done.stdout)]
    return statistics.median(each)


if __name__ == "__main__":
    asked = sys.argv[1:]
    count = int(asked.pop(0)) if asked and asked[0].isdecimal() else 3
    if asked[:1] == ["--against"]:
        against(Path(asked[1]).resolve(), count)
    else:
        main(count, *asked[:1])
