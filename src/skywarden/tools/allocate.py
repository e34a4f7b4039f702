"""The `allocate` verb: a weapon-target assignment in the published text format is solved, with a
bound on how far the plan is from the best.

The format: a line `weapons targets mu` (shots of every weapon), one line a target's value, then
lines `weapon target probability`, counted from 0. A pair that is not named cannot fire. What is
minimised is the value left, sum v·prod(1 - p)^x.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from skywarden.errors import Fault, TableError
from skywarden.files.text import as_text, read_bytes
from skywarden.rehearsal.allocation import assign
from skywarden.rehearsal.allocation.assign import Problem

LARGEST_FILE = 512 * 2**20      # bytes
MOST_FAULTS = 20                # listed one by one; the rest are counted
MOST_CELLS = 4_000_000          # weapons x targets


def solve(instance: str | Path, time_limit: float = 60.0, quick: bool = False) -> dict[str, Any]:
    """Solve one instance file: objective, lower_bound, gap, seconds (kernels compiled before),
    optimal, and the assignment.

    time_limit  after which the best plan so far is given, with its bound [s]
    quick       the pairing that the rehearsal uses in every frame, in milliseconds, instead of the
                proof of the best

    Raises TableError with every fault of the file.
    """
    asked = read(Path(instance))
    assign.warm()
    begun = time.perf_counter()
    plan = assign.fast(asked) if quick else assign.exact(asked, lambda: begun + time_limit - time.perf_counter())
    seconds = time.perf_counter() - begun
    shooters, threats = np.nonzero(plan.counts.T)
    return {
        "objective": plan.objective,
        "lower_bound": plan.lower_bound,
        "gap": plan.gap,
        "seconds": round(seconds, 6),
        "optimal": plan.gap <= assign.CLOSE,
        "assignment": [[int(w), int(t), int(plan.counts[t, w])] for w, t in zip(shooters, threats, strict=True)],
    }


def read(path: Path) -> Problem:
    """The problem of one instance file. Raises TableError with every fault.

    path  the instance's file
    """
    name = str(path)
    told: list[Fault] = []
    content = read_bytes(path, told, LARGEST_FILE)
    text = as_text(name, content, told) if content is not None else None
    if text is None:
        do = "Give `weapons targets mu`, the targets' values, then `weapon target probability` lines."
        raise TableError(*(fault._replace(do=do) if fault.what == "is empty" else fault for fault in told))
    lines = [(number, row.split()) for number, row in enumerate(text.split("\n"), 1) if row.strip()]
    weapons, targets, shots = _header(name, lines)
    faults: list[Fault] = []
    values = np.zeros(targets)
    for k, (number, words) in enumerate(lines[1 : 1 + targets]):
        values[k] = _number(name, number, words, 0.0, np.inf, "a target's value, one number a line, not negative",
            faults)
    if len(lines) < 1 + targets:
        faults.append(Fault(name, lines[-1][0], f"{targets} targets are announced, {len(lines) - 1} values follow",
            "give one value a line for every target"))
    chance = np.full((targets, weapons), np.nan)
    for number, words in lines[1 + targets :]:
        _pair(name, number, words, chance, faults)
    if faults:
        rest = len(faults) - MOST_FAULTS
        more = [Fault(name, None, f"and {rest} more faults", "mend those above first")] if rest > 0 else []
        raise TableError(*faults[:MOST_FAULTS], *more)
    return assign.problem(values, np.nan_to_num(chance, nan=0.0), np.full(weapons, shots))


def _header(name: str, lines: list[tuple[int, list[str]]]) -> tuple[int, int, int]:
    words = lines[0][1] if lines else []
    try:
        weapons, targets, shots = (int(word) for word in words)
    except ValueError:
        weapons, targets, shots = 0, 0, 0
    if weapons < 1 or targets < 1 or not 1 <= shots <= 1_000_000 or weapons * targets > MOST_CELLS:
        found = " ".join(words)[:60] or "nothing"
        raise TableError(Fault(
            name, lines[0][0] if lines else None, f"starts with {found!r}",
            f"start with `weapons targets mu`: three whole numbers from 1, at most {MOST_CELLS:,} pairs, as in `50 100 "
            "1`"))
    return weapons, targets, shots


def _pair(name: str, number: int, words: list[str], chance: Any, faults: list[Fault]) -> None:
    """One `weapon target probability` line into `chance`, or a fault."""
    targets, weapons = chance.shape
    try:
        weapon, target = int(words[0]), int(words[1])
    except (ValueError, IndexError):
        weapon, target = -1, -1
    if not (0 <= weapon < weapons and 0 <= target < targets):
        faults.append(Fault(name, number, f"{' '.join(words)[:60]!r} names no pair",
            f"weapons count from 0 to {weapons - 1}, targets from 0 to {targets - 1}"))
        return
    if not np.isnan(chance[target, weapon]):
        faults.append(Fault(name, number, f"weapon {weapon} and target {target} have a probability already",
            "name every pair once"))
        return
    chance[target, weapon] = _number(name, number, words[2:], 0.0, 1.0,
        "a probability from 0 to 1 after weapon and target", faults)


def _number(
    name: str, number: int, words: list[str], least: float, most: float, what: str, faults: list[Fault]
) -> float:
    try:
        (value,) = (float(word) for word in words)
    except ValueError:
        value = np.nan
    if not (least <= value <= most and np.isfinite(value)):
        comma = " with a decimal point, not a comma" if any("," in word for word in words) else ""
        faults.append(Fault(name, number, f"{' '.join(words)[:60]!r} is not what belongs here", f"give {what}{comma}"))
        return 0.0
    return value
