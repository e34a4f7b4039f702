"""When a study has run enough: looks at doubling numbers of runs, each with its part of the error,
so that a look costs no honesty.

Look k may be wrong with probability alpha / (k (k + 1)); over all looks that is alpha at most,
whenever the study stops.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

FIRST = 32  # runs a design before the first look


def looks(at_most: int) -> Iterator[tuple[int, int]]:
    """(number of the look from 1, runs a design by then), up to all runs there may be.

    at_most  greatest number of runs a design
    """
    runs, k = FIRST, 1
    while runs < at_most:
        yield k, runs
        runs, k = 2 * runs, k + 1
    yield k, at_most


def confidence_at(look: int, confidence: float) -> float:
    """Confidence of the intervals of one look, so that those of all looks together hold with
    `confidence`.
    """
    return 1.0 - (1.0 - confidence) / (look * (look + 1))


def spent(look: int, p: float) -> float:
    """A probability found at one look, as it counts over all of them.

    p  p-value at that look
    """
    return min(1.0, p * look * (look + 1))


def narrow(half_width: float, wanted: float | None) -> bool:
    """Whether a figure is known as well as asked for; True where nothing was asked.

    half_width  half the width of the interval
    wanted      half width wanted, None for any
    """
    return wanted is None or (math.isfinite(half_width) and half_width <= wanted)


def decided(low: float, high: float, matters: float | None) -> bool:
    """Whether a difference is known to be one, or known to be too small to matter.

    low      lower end of the interval of the difference
    high     upper end of the interval of the difference
    matters  difference that matters, None for any
    """
    if low > 0.0 or high < 0.0:
        return True
    return matters is not None and -matters <= low and high <= matters
