"""`python -m outside --kind heavy_shell --raids 40 --seed 1`: that many raids of a kind through
`watch`, and what they were worth.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from multiprocessing import get_context
from typing import Any

from . import others, raids
from .acceptance import bars
from .reference import warnings
from .run import fly
from .score import Scene, Scored, by_reference, scene, score
from .table import row, scenes


def one(job: tuple[str, int, int, str]) -> Scored | Scene:
    """One raid, from its case's name and seed."""
    name, seed, number, beside = job
    raid = raids.drawn(raids.CASES[name], seed)
    told = fly(raid)
    if name in others.SCENES:
        return scene(raid, told)
    scored = score(raid, told, number)
    if beside:
        found = by_reference(raid, told, scored)
        scored = scored._replace(reference=found[0], expected=found[1])
    return scored._replace(rule=warnings(raid, told.plots)) if beside == "warner" else scored


def many(name: str, count: int, seed: int, processes: int = 1, beside: str = "", first: int = 0) -> list[Any]:
    """`count` raids of a case; each has its own seed, so that more of them begin with the same
    ones.
    """
    jobs = [(name, 1_000_003 * seed + k, k, beside) for k in range(first, first + count)]
    if processes < 2:
        return [one(job) for job in jobs]
    with get_context("spawn").Pool(processes) as pool:
        return pool.map(one, jobs, chunksize=2)


def main() -> int:
    parser = argparse.ArgumentParser(prog="outside", description=__doc__)
    parser.add_argument("--kind", action="append",
        help=f"one of {', '.join(raids.CASES)}; may be repeated; all main kinds without")
    parser.add_argument("--raids", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--reference", choices=("filter", "warner"), default="",
        help="beside the reference filter, or its warnings as well")
    parser.add_argument("--json", action="store_true", help="one JSON object a kind")
    told = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for name in told.kind or raids.MAIN:
        begun = time.perf_counter()
        found = many(name, told.raids, told.seed, told.processes, told.reference)
        figures = scenes(found) if name in others.SCENES else row(found)
        if told.json:
            print(json.dumps({"kind": name} | figures), flush=True)
        else:
            print(f"{name}: {time.perf_counter() - begun:.0f} s")
            for key, value in figures.items():
                print(f"    {key:16} {value}")
            if name not in others.SCENES:
                print("    short of", ", ".join(f"{key} {figure:.3g}" for key, (figure, kept) in bars(found).items()
                    if not kept) or "nothing")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
