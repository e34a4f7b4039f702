"""How long Skywarden takes to start: its help, a run's first picture, a study's worker, and all of
it with nothing compiled.

    .venv/bin/python benchmarks/starts.py [--cold]

Prints seconds of the wall and of the processor, the least of three. Goals: help 0.3 s, a warm run
to its end after one picture 2 s, a worker 1.5 s; --cold also compiles everything into an empty
folder, goal 35 s of the wall on two quiet cores.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time

COMMAND = [sys.executable, "-m", "skywarden.cli"]
ONE_PICTURE = [*COMMAND, "run", "kabul-2021-08-30", "--duration", "0.25", "--speed", "max", "--no-console", "--json"]
WORKER = [
    sys.executable,
    "-c",
    "from skywarden.session.once import Job, run; run(Job('kabul-2021-08-30', seed=1, duration=0.25))",
]


def timed(command: list[str], **more: str) -> tuple[float, float]:
    """Seconds of the wall and of the processor that a command takes, its children's included."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **more}
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - begun, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(cold: bool) -> None:
    timed(ONE_PICTURE)  # whatever is not compiled yet
    for name, command, goal in (
        ("help", [*COMMAND, "--help"], 0.3),
        ("warm run of one picture", ONE_PICTURE, 2.0),
        ("a study's worker", WORKER, 1.5),
    ):
        wall, cpu = map(min, zip(*(timed(command) for _ in range(3)), strict=True))
        print(f"{name:26s} {wall:6.2f} s wall, {cpu:6.2f} s processor (goal {goal} s)", flush=True)
    if cold:
        with tempfile.TemporaryDirectory() as folder:
            wall, cpu = timed(ONE_PICTURE, NUMBA_CACHE_DIR=folder)
        print(
            f"{'nothing compiled yet':26s} {wall:6.2f} s wall, {cpu:6.2f} s processor (goal 35 s on two quiet cores)"
        )


if __name__ == "__main__":
    main("--cold" in sys.argv[1:])
