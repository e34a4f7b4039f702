"""What the stages behind the tracker cost a frame: threat, warning and rehearsal with 200
projectiles, 20 zones, 30 aircraft and 4 effectors.

    .venv/bin/python benchmarks/defence_stages.py [FRAMES]

Prints the median and the 99th percentile of each in milliseconds, places of impact known to 10, 30
and 100 m. No peer does the same; the goals are 1 ms for the threats and 10 ms for everything, the
tracker included.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("NUMBA_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np
from builders import a_frame, a_picture, a_site, a_zone, an_effector, some_impacts, some_tracks

from skywarden.defence import threat, warning
from skywarden.messages.tables import join
from skywarden.rehearsal import rehearse

ROUNDS, AIRCRAFT, SIDE = 200, 30, 4


def main(frames: int) -> None:
    rng = np.random.default_rng(1)
    zones = tuple(a_zone(f"{e} {n}", 600.0 * (e - 2), 600.0 * n) for e in range(5) for n in range(SIDE))
    effectors = tuple(an_effector(name=f"gun {k}", place=np.array([600.0 * (k - 2), -200.0, 0.0])) for k in range(4))
    site = a_site(zones=zones, effectors=effectors)
    where = rng.uniform([-2000.0, -500.0], [2000.0, 2500.0], (ROUNDS, 2))
    rounds = some_tracks(*[(e, n + 1500.0, 1500.0, 0.0, -120.0, -60.0) for e, n in where])
    craft = some_tracks(*[(*rng.uniform(-9000.0, 9000.0, 2), 1500.0, 80.0, 0.0, 0.0) for _ in range(AIRCRAFT)],
        projectile=0.0)
    tracks = join(rounds, craft._replace(number=craft.number + ROUNDS))
    for sigma in (10.0, 30.0, 100.0):
        impacts = some_impacts(*[(1.0, 12.0, e, n) for e, n in where], sigma=sigma)
        latches, plan, cost = warning.start(site), rehearse.start(site), np.zeros((frames, 3))
        for k in range(frames + 2):
            frame = a_frame(0.0)
            begin = time.perf_counter()
            threats = threat.assess(impacts, frame, site)
            assessed = time.perf_counter()
            latches, told = warning.decide(latches, impacts, threats, frame, site)
            decided = time.perf_counter()
            picture = a_picture(
                0.0, tracks=tracks, impacts=impacts, threats=threats, warnings=told.warnings, losses=told.losses)
            asked = time.perf_counter()
            rehearse.rehearse(plan, frame, picture, site)
            if k >= 2:      # the first ones compile and fill caches
                cost[k - 2] = assessed - begin, decided - assessed, time.perf_counter() - asked
        median, most = (1e3 * np.percentile(cost, q, axis=0) for q in (50, 99))
        words = ", ".join(f"{name} {a:.2f} ({b:.2f})" for name, a, b in zip(("threat", "warning", "rehearsal"), median,
            most, strict=True))
        print(f"places known to {sigma:.0f} m, {threats.track.size} threats: median (p99) ms: {words}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
