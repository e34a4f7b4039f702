"""Whether another tree of this repository, an older commit say, computes the same to the last digit:

    .venv/bin/python benchmarks/same_digits.py /other/tree/.venv/bin/python

Each tree works in a process of its own: flights to the ground (in lockstep and one by one) and a salvo tracked frame by
frame. Prints, for each, a digest of every bit of the result, and where they differ by how much at most.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

# Run in each tree; rooms were renamed since the first release, so each name is looked for in both houses.
RUN = """
import importlib, math, sys
import numpy as np

def room(name):
    for prefix in ("skywarden.kernels.", "skywarden."):
        try:
            return importlib.import_module(prefix + name)
        except ModuleNotFoundError:
            continue
    raise SystemExit(f"{name} is in neither house")

air, drag, fall = room("ballistics.air"), room("ballistics.drag"), room("ballistics.fall")
flight, ground = room("ballistics.flight"), room("geometry.ground")
rng, n = np.random.default_rng(11), 400
laws = drag.standard_drags(["G1", "G7"])
elevation, speed = np.radians(rng.uniform(10.0, 80.0, n)), rng.uniform(100.0, 700.0, n)
still = np.zeros(n)
state = np.stack([still, still, still, speed * np.cos(elevation), still, speed * np.sin(elevation)], axis=1)
law, inverse = rng.integers(0, 2, n), 1.0 / rng.uniform(600.0, 3000.0, n)
here = (ground.flat(), laws, air.icao(1790.0), flight.plain_earth(1790.0))
together = fall.fall(state, law, inverse, *here)
alone = fall.fall_exactly(state[:60], law[:60], inverse[:60], *here)
out = {"flights in lockstep": together, "flights one by one": alone}
out = {name: np.column_stack([np.asarray(column, float).reshape(len(column), -1) for column in found])
    for name, found in out.items()}

from skywarden.defence.tracking import tracker
from skywarden.messages.frame import Detections
from skywarden.site.load import load
table = importlib.import_module("skywarden.feeds.table")
site = load("range")
rows = ["time_s,range_m,azimuth_rad,elevation_rad,range_rate_mps"]
radar = site.radars[0]
for k in range(12):
    start = np.array([4000.0 + 300.0 * k, 2500.0 - 150.0 * k, 30.0])
    velocity = np.array([-150.0 - 4.0 * k, -60.0 + 9.0 * k, 170.0 + 3.0 * k])
    for t in np.arange(0.0, 12.0, radar.revisit):
        line = start + velocity * t - [0.0, 0.0, 4.9 * t * t] - radar.place
        r = math.sqrt(float(line @ line))
        rate = float(line @ (velocity - [0.0, 0.0, 9.8 * t])) / r
        noise = rng.normal(size=4).tolist()
        rows.append(f"{t + 2.0:.3f},{r + 5.0 * noise[0]!r},{math.atan2(line[0], line[1]) + 1e-3 * noise[1]!r},"
            f"{math.asin(line[2] / r) + 1e-3 * noise[2]!r},{rate + noise[3]!r}")
path = sys.argv[1] + ".csv"
open(path, "w").write("\\n".join(rows) + "\\n")
(run,) = table.read(path, site)
memory, seen = tracker.start(site), []
for frame in table.frames(run.detections, site):
    memory, tracks = tracker.track(memory, frame, site)
    seen.append(np.column_stack([np.full(tracks.number.size, frame.t), tracks.number, tracks.state]))
out["tracks of a salvo"] = np.concatenate(seen)
np.savez(sys.argv[1], **out)
"""


def computed(python: str, folder: Path) -> dict[str, np.ndarray]:
    """What the tree of this interpreter computes."""
    file = folder / "out.npz"
    folder.mkdir()
    environment = {"NUMBA_CACHE_DIR": str(folder / "kernels")} | os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    subprocess.run([python, "-c", RUN, str(file)], check=True, env=environment)
    with np.load(file) as found:
        return {name: found[name] for name in found.files}


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = computed(sys.executable, Path(folder) / "a"), computed(sys.argv[1], Path(folder) / "b")
    print(f"{'':24}{'rows':>8}  {'this tree':18}{'the other':18}")
    differ = 0
    for name, mine in ours.items():
        other = theirs[name]
        if mine.tobytes() == other.tobytes():
            verdict = "the same to the last bit"
        elif mine.shape == other.shape:
            off = np.nanmax(np.abs(mine - other))
            verdict = f"differs by {off:.2g} at most"
        else:
            verdict = f"differs: {len(mine)} rows here, {len(other)} there"
        differ += mine.tobytes() != other.tobytes()
        print(f"{name:24}{len(mine):8}  {_digest(mine):18}{_digest(other):18}{verdict}")
    return 1 if differ else 0


def _digest(values: np.ndarray) -> str:
    from hashlib import blake2b

    return blake2b(np.ascontiguousarray(values).tobytes(), digest_size=8).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
