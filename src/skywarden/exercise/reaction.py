"""Reaction times with what was missed censored, and how they and the hits change over a long watch.

Source: docs/models/scoring.md, Times and Vigilance. Kaplan and Meier (1958) as scipy.stats.ecdf
computes it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import CensoredData, ecdf

from skywarden.messages.tables import Array

LONG_S = 45 * 60.0      # length of a watch from which a slope is worked out [s]
PER_S = 600.0           # time a slope is told for [s]
STEPS = 50              # Newton steps at most


class Wait(NamedTuple):
    """One time to react: seconds, and whether it ended in the act (else it is censored there)."""

    seconds: float
    acted: bool


class Times(NamedTuple):
    """Kaplan-Meier: `survival` of still not having acted, by seconds; None where no such time
    was reached.
    """

    n: int
    missed: int
    median: float | None
    quartiles: tuple[float | None, float | None]
    median_interval: tuple[float | None, float | None]
    curve: tuple[tuple[float, float], ...]


class Slope(NamedTuple):
    """Change over ten minutes of a long watch, each with its standard error; nan where too few
    trials tell.
    """

    log_odds_of_a_hit: float
    log_odds_error: float
    log_seconds: float
    log_seconds_error: float


def times(waits: Sequence[Wait]) -> Times | None:
    """The distribution of times to act; a miss says only that it would have taken longer. None
    of none.

    waits  seconds to each act, or until it was too late to act
    """
    if not waits:
        return None
    acted = [wait.seconds for wait in waits if wait.acted]
    late = [wait.seconds for wait in waits if not wait.acted]
    if not acted:
        return Times(len(waits), len(late), None, (None, None), (None, None), ())
    survival = ecdf(CensoredData(uncensored=acted, right=late)).sf
    at, still = survival.quantiles, survival.probabilities
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # the interval is undefined where nobody, or everybody, has acted: nan says so
        warnings.simplefilter("ignore")
        bounds = survival.confidence_interval(confidence_level=0.95, method="log-log")
        low, high = bounds.low.probabilities, bounds.high.probabilities
    curve = tuple(zip(at.tolist(), still.tolist(), strict=True))
    return Times(
        len(waits), len(late), _first(at, still, 0.5), (_first(at, still, 0.75), _first(at, still, 0.25)),
        (_first(at, low, 0.5), _first(at, high, 0.5)), curve)


def slope(when: Sequence[float], hit: Sequence[bool], seconds: Sequence[float]) -> Slope | None:
    """How hits and times changed over a watch of LONG_S or more; None of a shorter one, or of
    fewer than four trials.

    when     (n,) time of each trial [s]
    hit      (n,) whether it was acted on
    seconds  (n,) time to react [s]; nan where it was missed or is not timed
    """
    t, y, s = np.asarray(when, float), np.asarray(hit, float), np.asarray(seconds, float)
    if t.size < 4 or t.max() - t.min() < LONG_S:
        return None
    x = (t - t.mean()) / PER_S
    odds, odds_error = _logistic(x, y)
    timed = np.isfinite(s) & (s > 0.0)
    line, line_error = _line(x[timed], np.log(s[timed])) if timed.sum() >= 3 else (math.nan, math.nan)
    return Slope(odds, odds_error, line, line_error)


def _first(at: Array, below: Array, level: float) -> float | None:
    """The earliest time at which a falling curve is at `level` or lower."""
    reached = np.flatnonzero(below <= level + 1e-12)
    return float(at[reached[0]]) if reached.size else None


def _logistic(x: Array, y: Array) -> tuple[float, float]:
    """Slope of a logistic regression with Firth's correction, finite even where all were hit,
    and its standard error.
    """
    design = np.column_stack([np.ones_like(x), x])
    beta = np.zeros(2)
    for _ in range(STEPS):
        p = 1.0 / (1.0 + np.exp(-design @ beta))
        weight = p * (1.0 - p)
        information = design.T @ (design * weight[:, None])
        inverse = np.linalg.inv(information + 1e-12 * np.eye(2))
        lever = weight * np.einsum("ij,jk,ik->i", design, inverse, design)
        step = inverse @ (design.T @ (y - p + lever * (0.5 - p)))
        beta = beta + np.clip(step, -1.0, 1.0)
        if float(np.abs(step).max()) < 1e-12:
            break
    return float(beta[1]), float(math.sqrt(inverse[1, 1]))


def _line(x: Array, y: Array) -> tuple[float, float]:
    """Slope of a straight line by least squares, and its standard error."""
    centred = x - x.mean()
    spread = float(centred @ centred)
    if spread == 0.0:
        return math.nan, math.nan
    found = float(centred @ (y - y.mean())) / spread
    rest = y - y.mean() - found * centred
    return found, math.sqrt(float(rest @ rest) / max(x.size - 2, 1) / spread)
