"""How fast the closed loop runs without a console: world, radars, watch and rehearse on
mixed-salvo-50, one core, against real time.

    .venv/bin/python benchmarks/closed_loop.py [RUNS]

Prints simulated seconds a second of processor time for each seed and their median (goal: 60), and
what each part costs a frame. Real time is the peer.
"""

from __future__ import annotations

import os
import statistics
import sys
import time

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


def main(runs: int) -> None:
    site = load_site(site_of(SCENARIO))
    scenario = load_scenario(SCENARIO, site)
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


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
