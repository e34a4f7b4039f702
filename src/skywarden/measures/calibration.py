"""Were the stated doubts honest: ellipses and times of impact, the tracks' own covariances, the
probability of being a projectile. Simulations only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import gammaincinv, ndtri

from skywarden.measures.ledger import RoundLine
from skywarden.messages.tables import Array

NOMINAL = (0.5, 0.9, 0.99)
DRAWS = 400             # of the bootstrap
STATES = 6              # of a track's place and velocity


class Share(NamedTuple):
    """How often something held that should hold with probability `nominal`, and where 95 % of such
    records' shares would lie.
    """

    nominal: float
    held: float
    low: float
    high: float


class Calibration(NamedTuple):
    """What a record says of its own honesty: shares over samples a second apart. Bounds draw whole
    rounds anew, as samples of one round hang together.
    """

    rounds: int
    samples: int
    place: tuple[Share, ...]
    time: tuple[Share, ...]
    nees: tuple[float, float, float]    # mean over the states, which should be 1, and its bounds


def judge(ledger: Sequence[RoundLine]) -> Calibration | None:
    """Judge all samples of a record's rounds; None where there are none.

    ledger  a line for each round of the run
    """
    rounds = [line.samples for line in ledger if line.samples]
    if not rounds:
        return None
    squared = [np.array([s.squared for s in samples]) for samples in rounds]
    late = [np.abs([s.late for s in samples]) for samples in rounds]
    nees = [np.array([s.nees for s in samples if np.isfinite(s.nees)]) for samples in rounds]
    place = tuple(Share(p, *_mean([values <= 2.0 * gammaincinv(1.0, p) for values in squared])) for p in NOMINAL)
    time = tuple(Share(p, *_mean([values <= ndtri(0.5 + 0.5 * p) for values in late])) for p in NOMINAL)
    return Calibration(len(rounds), sum(len(s) for s in rounds), place, time,
        _mean([values / STATES for values in nees]))


def _mean(groups: Sequence[Array]) -> tuple[float, float, float]:
    """Mean over all values, and the interval that holds 95 % of it when whole groups are drawn
    anew; always the same draws.
    """
    sums, sizes = np.array([float(np.sum(g)) for g in groups]), np.array([len(g) for g in groups])
    if not sizes.sum():
        return float("nan"), float("nan"), float("nan")
    draws = np.random.default_rng(0).integers(0, len(groups), (DRAWS, len(groups)))
    means = sums[draws].sum(axis=1) / np.maximum(sizes[draws].sum(axis=1), 1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(sums.sum() / sizes.sum()), float(low), float(high)
