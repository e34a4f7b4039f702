"""Detection theory: how well signal and noise are told apart (d'), which way a person leans (c),
and how sure that is.

Source: docs/models/scoring.md, Detection. Equations 1 to 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, ndtri
from scipy.stats import chi2

from skywarden.messages.tables import Array

LEVEL = 0.95            # probability that an interval is meant to hold
FEW = 60                # trials of either sort below which an interval is the posterior's, not a bootstrap's
FORMS = 8               # forms from which whole forms are drawn anew in a bootstrap, not single trials
DRAWS = 2000            # bootstrap draws, always the same ones
GRID = 400              # quantiles of each posterior that are paired with one another
SEED = 0x5C0E           # seed of the bootstrap, fixed: the same counts give the same interval


class Counts(NamedTuple):
    """What was answered to signals and to noise."""

    hits: int
    signals: int
    false_alarms: int
    noises: int

    def __add__(self, other: tuple[int, ...]) -> Counts:  # type: ignore[override]
        """Both together."""
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))


class Detection(NamedTuple):
    """d' and c with their 95 % intervals; `rates` are corrected so that none is 0 or 1."""

    rates: tuple[float, float]
    d_prime: float
    criterion: float
    d_prime_interval: tuple[float, float]
    criterion_interval: tuple[float, float]


def rates(counts: Counts) -> tuple[float, float]:
    """Hit and false-alarm rate, log-linear: half an answer is added to each side, so that both
    stay inside (0, 1).

    counts  hits, misses, false alarms and correct rejections
    """
    return (counts.hits + 0.5) / (counts.signals + 1.0), (counts.false_alarms + 0.5) / (counts.noises + 1.0)


def sensitivity(counts: Counts) -> tuple[float, float]:
    """d' = z(H) - z(F) and c = -(z(H) + z(F)) / 2 of corrected rates.

    counts  hits, misses, false alarms and correct rejections
    """
    hit, false = (float(ndtri(rate)) for rate in rates(counts))
    return hit - false, -0.5 * (hit + false)


def detection(forms: Sequence[Counts]) -> Detection | None:
    """d' and c of all forms together, with intervals; None without both signals and noise.

    forms  counts of each form (exercise) that somebody did

    Fewer than FEW trials of either sort: equal-tailed interval of the posterior under Jeffreys'
    prior. Else a percentile bootstrap, by form where there are FORMS or more, by trial otherwise.
    """
    total = Counts(0, 0, 0, 0)
    for form in forms:
        total = total + form
    if not total.signals or not total.noises:
        return None
    if min(total.signals, total.noises) < FEW:
        hit, false = _posterior(total)
    else:
        hit, false = _bootstrap(forms, total)
    d_prime, criterion = sensitivity(total)
    return Detection(rates(total), d_prime, criterion, _middle(hit - false), _middle(-0.5 * (hit + false)))


def proportion(right: int, n: int) -> tuple[float, float]:
    """95 % interval of a share of `n` trials, exact (Clopper and Pearson); (0, 1) of none.

    right  number done right
    """
    tail = 0.5 * (1.0 - LEVEL)
    low = 0.0 if right == 0 else float(betaincinv(right, n - right + 1, tail))
    high = 1.0 if right == n else float(betaincinv(right + 1, n - right, 1.0 - tail))
    return low, high


def rate_per_hour(events: int, hours: float) -> tuple[float, float, float] | None:
    """Events an hour with the exact 95 % interval of a Poisson count (Garwood); None of no time.

    events  number of events
    hours   time in which they happened [h]
    """
    if hours <= 0.0:
        return None
    tail = 0.5 * (1.0 - LEVEL)
    low = 0.0 if events == 0 else 0.5 * float(chi2.ppf(tail, 2 * events))
    return events / hours, low / hours, 0.5 * float(chi2.ppf(1.0 - tail, 2 * events + 2)) / hours


def _posterior(counts: Counts) -> tuple[Array, Array]:
    """z of both rates on a grid of their posteriors, every pair, flat."""
    at = (np.arange(GRID) + 0.5) / GRID
    hit = ndtri(betaincinv(counts.hits + 0.5, counts.signals - counts.hits + 0.5, at))
    false = ndtri(betaincinv(counts.false_alarms + 0.5, counts.noises - counts.false_alarms + 0.5, at))
    return np.repeat(hit, GRID), np.tile(false, GRID)


def _bootstrap(forms: Sequence[Counts], total: Counts) -> tuple[Array, Array]:
    """z of both rates in DRAWS samples with replacement."""
    chance = np.random.Generator(np.random.PCG64(SEED))
    if len(forms) >= FORMS:
        table = np.array(forms)
        h, s, f, n = table[chance.integers(0, len(forms), (DRAWS, len(forms)))].sum(axis=1).T.astype(float)
    else:
        h = chance.binomial(total.signals, total.hits / total.signals, DRAWS).astype(float)
        f = chance.binomial(total.noises, total.false_alarms / total.noises, DRAWS).astype(float)
        s, n = np.full(DRAWS, float(total.signals)), np.full(DRAWS, float(total.noises))
    return ndtri((h + 0.5) / (s + 1.0)), ndtri((f + 0.5) / (n + 1.0))


def _middle(values: Array) -> tuple[float, float]:
    low, high = np.quantile(values, (0.5 * (1.0 - LEVEL), 0.5 * (1.0 + LEVEL)))
    return float(low), float(high)
