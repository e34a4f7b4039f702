"""Damaged input for one kind of reader, as much of it as asked for, and a line of figures.

    PYTHONPATH=tests:tests/laws python -m fuzz ASTERIX --inputs 1000000 --seed 2
    PYTHONPATH=tests:tests/laws python -m fuzz csv --inputs 100000 --seconds 200

Seeds differ, so counts of several calls add up. It ends with an error where a reader throws anything
but a sentence. The library that reads Parquet ends its process now and then: such files are counted
as `ended` and read once more as a user would, in a process of their own, which gives a sentence.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import test_file_fuzz as files
import test_fuzz as feeds

from skywarden.errors import TableError
from skywarden.feeds.table import read

BATCH = 1_000  # Parquet files read by one process


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("kind", choices=[*feeds.TARGETS, *files.KINDS])
    asked.add_argument("--inputs", type=int, default=100_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--seconds", type=float, default=math.inf, help="ends after so long, with what was done")
    asked.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    given = asked.parse_args()
    until = time.monotonic() + given.seconds
    if given.kind == "parquet" and given.here is None:
        said = in_batches(given.inputs, given.seed, until)
    else:
        with tempfile.TemporaryDirectory() as made:
            said = one(given.kind, given.here or Path(made), given.inputs, given.seed, until)
    print(json.dumps({"kind": given.kind, "seed": given.seed} | said))


def one(kind: str, folder: Path, inputs: int, seed: int, until: float) -> dict[str, Any]:
    """What became of the inputs, all read in this process."""
    if kind in feeds.TARGETS:
        done, longest, grown = feeds.fuzzed(kind, folder, inputs, seed, until)
        return {"inputs": done, "longest_ms": round(1e3 * longest, 1), "grown_mb": round(grown / 1e6, 1)}
    number = folder / "number"
    tried = files.fuzzed(kind, folder, inputs, f"{kind} seed {seed}", until, lambda k: number.write_text(str(k)))
    return {"inputs": tried.inputs, "refused": tried.refused, "longest_ms": round(1e3 * tried.longest, 1),
        "grown_mb": round(tried.grown / 1e3, 1)}


def in_batches(inputs: int, seed: int, until: float) -> dict[str, Any]:
    """The same for Parquet, in one process after the other."""
    sums = {"inputs": 0, "refused": 0, "ended": 0}
    longest, number = 0.0, seed * 1_000_000
    while sums["inputs"] < inputs and time.monotonic() < until:
        number += 1
        with tempfile.TemporaryDirectory() as made:
            words = ["parquet", "--inputs", min(BATCH, inputs - sums["inputs"]), "--seed", number, "--here", made]
            child = subprocess.run([sys.executable, "-m", "fuzz", *map(str, words)], capture_output=True, check=False)
            if child.returncode > 0:
                raise SystemExit(child.stderr.decode()[-2_000:])
            if child.returncode < 0:
                sums["inputs"] += int((Path(made) / "number").read_text())
                sums["ended"] += 1
                with contextlib.suppress(TableError):
                    read(Path(made) / "t.parquet", files.SITE)
                continue
        said = json.loads(child.stdout)
        sums["inputs"] += said["inputs"]
        sums["refused"] += said["refused"]
        longest = max(longest, said["longest_ms"])
    return sums | {"longest_ms": longest}


if __name__ == "__main__":
    main()
