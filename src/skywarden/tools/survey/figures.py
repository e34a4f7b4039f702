"""Numbers with the interval that holds the truth in 90 of 100 surveys, and the tables a survey is
made of.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from scipy.stats import beta, chi2, gamma

TAIL = 0.05  # probability left out at each end of an interval
NORMAL = 1.6448536269514722  # standard deviations that leave TAIL beyond


class Figure(NamedTuple):
    """A number, its 90 % interval, and how much it rests on."""

    value: float
    low: float
    high: float
    n: int  # looks, detections or degrees of freedom


class Band(NamedTuple):
    """A figure that holds between two values of range [m] or of azimuth [rad]."""

    begin: float
    end: float
    figure: Figure


@dataclass
class Surveyed:
    """One radar's survey; SI and radians. Where nothing could be measured the tables are empty and
    `notes` says why.
    """

    name: str
    period: float = math.nan  # seconds a look or a turn, as measured
    looks: int = 0
    references: int = 0  # aircraft that agree on its errors
    errors: tuple[Figure, ...] = ()  # range, azimuth, elevation, time
    noise: tuple[Figure, ...] = ()  # deviation in range, azimuth, elevation, range rate; nan where it measures none
    detection: Figure | None = None
    by_range: list[Band] = field(default_factory=list)
    by_azimuth: list[Band] = field(default_factory=list)
    # sectors in which it is surely half blind, from, to
    blind: list[tuple[float, float]] = field(default_factory=list)
    unjudged: list[tuple[float, float]] = field(default_factory=list)  # sectors in which too little flew
    false_alarms: Figure | None = None  # a look or turn, over all
    # range from, to, azimuth from, to
    cells: list[tuple[float, float, float, float, Figure]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def share(hits: int, trials: int) -> Figure:
    """A probability from so many hits: Jeffreys' interval. Brown, Cai and DasGupta, Statistical
    Science 16 (2001).

    trials  number of trials
    """
    misses = trials - hits
    low = 0.0 if hits == 0 else float(beta.ppf(TAIL, hits + 0.5, misses + 0.5))
    high = 1.0 if misses == 0 else float(beta.ppf(1.0 - TAIL, hits + 0.5, misses + 0.5))
    return Figure(hits / trials if trials else math.nan, low, high, trials)


def rate(count: int, looks: float) -> Figure:
    """Events a look, from a count over so many looks: Jeffreys' interval of a Poisson law."""
    low = 0.0 if count == 0 else float(gamma.ppf(TAIL, count + 0.5)) / looks
    return Figure(count / looks, low, float(gamma.ppf(1.0 - TAIL, count + 0.5)) / looks, count)


def deviation(squares: float, freedom: float, declared: float) -> Figure:
    """A standard deviation from the sum of squares over the declared variance, of so many degrees
    of freedom.
    """
    if freedom < 1.0 or not math.isfinite(declared):
        return Figure(math.nan, math.nan, math.nan, int(max(freedom, 0.0)))
    return Figure(
        declared * math.sqrt(squares / freedom),
        declared * math.sqrt(squares / float(chi2.ppf(1.0 - TAIL, freedom))),
        declared * math.sqrt(squares / float(chi2.ppf(TAIL, freedom))),
        round(freedom),
    )


def about(value: float, sigma: float, n: int) -> Figure:
    """A normally distributed estimate.

    value  the estimate
    sigma  its standard deviation, in the same unit
    n      number of detections it rests on
    """
    return Figure(value, value - NORMAL * sigma, value + NORMAL * sigma, n)
