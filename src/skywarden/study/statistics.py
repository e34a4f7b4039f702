"""Figures of many runs with their intervals. What a run holds hangs together, so whole runs are
what is counted, drawn anew and compared.

Equations and sources: docs/models/study.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import beta
from scipy.stats import t as student

from skywarden.messages.tables import Array

DRAWS = 2000  # of the bootstrap, always the same ones
FEWEST = 20  # pairs below which no difference is judged: the t distribution needs about so many


class Interval(NamedTuple):
    """A figure, and the interval that holds it with the stated confidence; `runs` it rests on."""

    value: float
    low: float
    high: float
    runs: int

    @property
    def half_width(self) -> float:
        """Half the interval's width; inf where one end is not known."""
        return 0.5 * (self.high - self.low)


def proportion(count: int, runs: int, confidence: float) -> Interval:
    """A proportion of independent runs, by Clopper and Pearson: it never holds less often than it
    says.

    count       number of runs in which it happened
    confidence  confidence level of the interval, 0 to 1
    """
    if runs == 0:
        return Interval(math.nan, 0.0, 1.0, 0)
    low, high = _clopper_pearson(float(count), float(runs), confidence)
    return Interval(count / runs, low, high, runs)


def _clopper_pearson(count: float, runs: float, confidence: float) -> tuple[float, float]:
    """Ends of the exact interval; counts may be effective ones, which are no whole numbers."""
    tail = 0.5 * (1.0 - confidence)
    if count <= 0.0:
        return 0.0, float(1.0 - (1.0 - confidence) ** (1.0 / runs))  # no event at all: one side takes the whole error
    if count >= runs:
        return float((1.0 - confidence) ** (1.0 / runs)), 1.0
    return float(beta.ppf(tail, count, runs - count + 1.0)), float(beta.ppf(1.0 - tail, count + 1.0, runs - count))


def mean(values: Array, confidence: float) -> Interval:
    """A mean of runs (n,): Student's interval, widened to the bootstrap's where that reaches
    further.

    values      (n,) the figure of each run
    confidence  confidence level of the interval, 0 to 1
    """
    values = np.asarray(values, float)
    return _widened(ratio_of(values, np.ones(len(values))), values, np.ones(len(values)), confidence)


def share(parts: Array, wholes: Array, confidence: float) -> Interval:
    """A share of things that come in runs, such as rounds unwarned of rounds due: sums over runs,
    divided.

    parts, wholes   (n,) of each run, 0 <= parts <= wholes
    confidence      confidence level of the interval, 0 to 1

    The interval is Clopper and Pearson's with the number of things that would, were they
    independent, have the variance between runs
    (Korn and Graubard 1998). Where all runs agree, a run counts as one thing.
    """
    parts, wholes = np.asarray(parts, float), np.asarray(wholes, float)
    used = wholes > 0.0
    runs, total = int(used.sum()), float(wholes.sum())
    if runs == 0:
        return Interval(math.nan, 0.0, 1.0, 0)
    value = float(parts.sum()) / total
    if 0.0 < value < 1.0 and runs > 1:
        spread = _spread(parts, wholes)
        effective = min(value * (1.0 - value) / spread**2, total) if spread > 0.0 else float(total)
        # few runs know their own variance badly: Korn and Graubard's correction by Student's t
        tail = 1.0 - 0.5 * (1.0 - confidence)
        effective *= (student.ppf(tail, total - 1.0) / student.ppf(tail, runs - 1.0)) ** 2 if total > 1.0 else 1.0
        effective = max(effective, 1.0)
    else:
        effective = float(runs)
    low, high = _clopper_pearson(value * effective, effective, confidence)
    return Interval(value, min(low, value), max(high, value), runs)


def ratio(parts: Array, wholes: Array, confidence: float) -> Interval:
    """A ratio of sums over runs that is no share, such as seconds a warned round: linearised,
    widened to the bootstrap's ends.

    parts       (n,) numerators, one of each run
    wholes      (n,) denominators, one of each run
    confidence  confidence level of the interval, 0 to 1
    """
    parts, wholes = np.asarray(parts, float), np.asarray(wholes, float)
    return _widened(ratio_of(parts, wholes), parts, wholes, confidence)


def ratio_of(parts: Array, wholes: Array) -> float:
    """Sum over sum, a ratio; nan where there is nothing.

    parts   (n,) numerators, one of each run
    wholes  (n,) denominators, one of each run
    """
    total = float(wholes.sum())
    return float(parts.sum()) / total if total > 0.0 else math.nan


def _widened(value: float, parts: Array, wholes: Array, confidence: float) -> Interval:
    runs = int((wholes > 0.0).sum())
    if runs < 2:
        return Interval(value, -math.inf, math.inf, runs)
    reach = float(student.ppf(1.0 - 0.5 * (1.0 - confidence), runs - 1)) * _spread(parts, wholes)
    low, high = bootstrap([(parts, wholes)], lambda sums: sums[0], confidence)
    return Interval(value, min(value - reach, low), max(value + reach, high), runs)


def _spread(parts: Array, wholes: Array) -> float:
    """Standard error of a ratio of sums over runs, by its linear part (Cochran 1977, 6.3)."""
    runs = int((wholes > 0.0).sum())
    residual = parts - ratio_of(parts, wholes) * wholes
    return float(np.sqrt(runs / max(runs - 1, 1) * (residual**2).sum()) / wholes.sum())


def bootstrap(
    groups: Sequence[tuple[Array, Array]],
    figure: object,
    confidence: float,
    draws: int = DRAWS,
) -> tuple[float, float]:
    """Ends of the interval of a figure when whole runs are drawn anew, the same runs of every group
    at once.

    groups      (parts, wholes) a group, each (n,) of the same n runs
    figure      takes the list of the groups' ratios (draws,), answers (draws,)
    confidence  confidence level of the interval, 0 to 1
    """
    assert callable(figure)
    runs = len(groups[0][0])
    rng = np.random.default_rng(0)
    made = []
    for _ in range(0, draws, 250):  # some at a time: a thousand runs by two thousand draws need not be held at once
        rows = rng.integers(0, runs, (min(250, draws), runs))
        with np.errstate(invalid="ignore", divide="ignore"):
            made.append(figure([parts[rows].sum(axis=1) / wholes[rows].sum(axis=1) for parts, wholes in groups]))
    drawn = np.concatenate(made)
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size:
        return -math.inf, math.inf
    tail = 50.0 * (1.0 - confidence)
    low, high = np.percentile(drawn, [tail, 100.0 - tail])
    return float(low), float(high)


class Difference(NamedTuple):
    """How much a design differs from the baseline, the same seeds in both.

    p           probability of so great a difference where there is none; 1 with fewer than FEWEST
                pairs
    gain        variance of a difference of unpaired runs over that of the paired one; nan where
                there is neither
    """

    value: float
    low: float
    high: float
    runs: int
    p: float
    gain: float

    @property
    def half_width(self) -> float:
        """Half the interval's width."""
        return 0.5 * (self.high - self.low)


def difference(
    ours: tuple[Array, Array], base: tuple[Array, Array], confidence: float, share_of: bool = False
) -> Difference:
    """Of two ratios of sums over the same runs, paired run by run: Student's interval of the linear
    part, widened to the bootstrap's.

    ours, base  (parts, wholes), each (n,), row by row of the same seed
    share_of    whether both lie between 0 and 1: then runs that all agree still leave the room that
                no event in so many runs leaves
    confidence  confidence level of the interval, 0 to 1
    """
    (a, m), (b, n) = ([np.asarray(column, float) for column in group] for group in (ours, base))
    runs, value = len(a), ratio_of(a, m) - ratio_of(b, n)
    if runs < 2 or not math.isfinite(value):
        return Difference(value, -math.inf, math.inf, runs, 1.0, math.nan)
    one, other = _linear(a, m), _linear(b, n)
    paired, apart = float(np.var(one - other, ddof=1)), float(np.var(one, ddof=1) + np.var(other, ddof=1))
    error = math.sqrt(paired / runs)
    reach = float(student.ppf(1.0 - 0.5 * (1.0 - confidence), runs - 1)) * error
    low, high = value - reach, value + reach
    if paired > 0.0:
        ends = bootstrap([(a, m), (b, n)], lambda sums: sums[0] - sums[1], confidence)
        low, high = min(low, ends[0]), max(high, ends[1])
    elif share_of:
        room = 1.0 - (1.0 - confidence) ** (1.0 / runs)
        low, high = max(value - room, -1.0), min(value + room, 1.0)
    p = 1.0
    if runs >= FEWEST:
        p = float(2.0 * student.sf(abs(value) / error, runs - 1)) if error > 0.0 else float(value == 0.0)
    return Difference(
        value, low, high, runs, p, apart / paired if paired > 0.0 else math.inf if apart > 0.0 else math.nan
    )


def _linear(parts: Array, wholes: Array) -> Array:
    """What each run adds to a ratio of sums, to first order, (n,)."""
    return np.asarray((parts - ratio_of(parts, wholes) * wholes) / wholes.mean())


def holm(p: Sequence[float]) -> list[float]:
    """Probabilities of several comparisons as Holm (1979) adjusts them: below 0.05 in all, one of
    them is wrong at most once in twenty.

    p  p-value of each comparison
    """
    order = sorted(range(len(p)), key=lambda k: p[k])
    adjusted, so_far = [1.0] * len(p), 0.0
    for rank, k in enumerate(order):
        so_far = max(so_far, min(1.0, (len(p) - rank) * p[k]))
        adjusted[k] = so_far
    return adjusted
