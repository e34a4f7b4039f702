"""Mastered, not yet, or unknown: Wald's sequential test of the share of trials done right.

Source: docs/models/scoring.md, Grading. A. Wald, Sequential Analysis, 1947.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

NOT_ENOUGH = 0.80       # share done right of somebody who must not be promoted
ENOUGH = 0.95           # share done right of somebody who should be
ALPHA = 0.05            # chance of promoting the former in a first attempt
BETA = 0.10             # chance of holding back the latter
# factor of ALPHA from one attempt to the next: all attempts together stay below 1 / (1 - LATER) of it
LATER = 0.25
MASTERED, NOT_YET, UNKNOWN = "mastered", "not yet", "unknown"


class Verdict(NamedTuple):
    """What the trials say so far; `used` is how many it took, `ratio` the log-likelihood ratio
    then.
    """

    state: str
    used: int
    ratio: float


def verdict(outcomes: Iterable[bool], attempt: int = 1) -> Verdict:
    """Go through trials in their order until the test decides; later ones change nothing.

    outcomes  whether each was done right
    attempt   from 1; each later one needs stronger evidence
    """
    upper, lower = bounds(attempt)
    gain, loss = math.log(ENOUGH / NOT_ENOUGH), math.log((1.0 - ENOUGH) / (1.0 - NOT_ENOUGH))
    ratio, used = 0.0, 0
    for right in outcomes:
        ratio += gain if right else loss
        used += 1
        if ratio >= upper:
            return Verdict(MASTERED, used, ratio)
        if ratio <= lower:
            return Verdict(NOT_YET, used, ratio)
    return Verdict(UNKNOWN, used, ratio)


def bounds(attempt: int = 1) -> tuple[float, float]:
    """Log-likelihood ratios at which the test accepts and refuses.

    attempt  number of the attempt, from 1
    """
    alpha = ALPHA * LATER ** (attempt - 1)
    return math.log((1.0 - BETA) / alpha), math.log(BETA / (1.0 - alpha))


def at_most(events: int, n: int) -> float | None:
    """Upper 95 % bound on the rate of gate events where none was seen in `n`: three in n. None
    where one was, or of none.
    """
    return None if events or not n else min(1.0, 3.0 / n)
