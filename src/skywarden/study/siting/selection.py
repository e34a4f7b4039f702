"""Which of a few designs is best by flying them: the fully sequential procedure of Kim and Nelson
(2001), paired by seed.

With probability `confidence` at least, the one kept is best, whenever it is better than the others
by `matters` or more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skywarden.messages.tables import Array

FIRST = 20  # runs of each before the first one may be dropped


class Selected(NamedTuple):
    """The outcome: the row kept, runs flown of each design, and whether the procedure came to its
    end.
    """

    best: int
    runs: tuple[int, ...]
    finished: bool


def select(values: Array, matters: float, confidence: float, less: bool) -> Selected:
    """Run the procedure over rows at hand.

    values      (designs, runs) of a mean of runs, the same seeds in each column; nan where a run
                was not flown
    matters     smallest difference that counts
    less        whether small values are the good ones
    confidence  confidence level of the selection, 0 to 1
    """
    x = -values if less else values
    kinds, most = x.shape
    if kinds == 1:
        return Selected(0, (0,), True)
    first = min(FIRST, most)
    alpha = 1.0 - confidence
    eta = 0.5 * ((2.0 * alpha / (kinds - 1)) ** (-2.0 / (first - 1)) - 1.0)
    square = 2.0 * eta * (first - 1)
    start = x[:, :first]
    spread = np.array([[np.var(start[i] - start[k], ddof=1) for k in range(kinds)] for i in range(kinds)])
    left, runs = list(range(kinds)), [first] * kinds
    sums, r = start.sum(axis=1), first
    while True:
        reach = np.maximum(0.0, matters / (2.0 * r) * (square * spread / matters**2 - r))
        means = sums / r
        keep = [i for i in left if all(means[i] >= means[k] - reach[i, k] for k in left if k != i)]
        left = keep or [max(left, key=lambda i: means[i])]
        if len(left) == 1 or r >= most:
            break
        sums = sums + np.where(np.isin(np.arange(kinds), left), x[:, r], 0.0)
        r += 1
        for i in left:
            runs[i] = r
    return Selected(max(left, key=lambda i: sums[i] / r), tuple(runs), len(left) == 1)
