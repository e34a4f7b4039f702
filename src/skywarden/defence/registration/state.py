"""What registration remembers: a few seconds of detections and reports, what each reference
aircraft said of the radars' errors, and the estimate.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from skywarden.messages.frame import Aircraft, Detections
from skywarden.messages.tables import Array
from skywarden.site.model import Site

# errors of a radar: range [m], azimuth [rad], elevation [rad], time [s]; measured less true, stamped less true
TERMS = 4
SEGMENT = 4.0  # s of flight that one reference trajectory spans
MOST_RADARS = 8  # radars that are registered, the first of a site
MOST_REFERENCES = 48  # reference aircraft whose information is kept apart
MOST_DETECTIONS = 2048  # detections that wait for their segment to close, a radar
MOST_REPORTS = 4096  # aircraft's reports that wait likewise
# Deviations of a radar's errors before anything is known: set up by hand, with a compass and a clock set over the
# network
PRIOR = (100.0, math.radians(1.2), math.radians(1.2), 0.3)
# Errors up to which a radar is corrected [m, rad, rad, s]: what is larger is a fault to be mended, not a number to be
# taken away
MOST_CORRECTED = (400.0, math.radians(5.0), math.radians(5.0), 0.75)


class Waiting(NamedTuple):
    """What came in and is not compared yet."""

    detections: Detections
    aircraft: Aircraft


class References(NamedTuple):
    """What each reference says of the errors of all radars, one row an aircraft or fixed echo; `d`
    is TERMS times the radars.
    """

    address: Array  # (n,) int64    of the aircraft; FIXED less its row for a fixed echo
    seen: Array  # (n,) float64  end of the last segment in which a radar saw it [s]
    information: Array  # (n, d, d)
    vector: Array  # (n, d)        information times errors
    segments: Array  # (n, radars) int64 segments in which each radar saw it
    # (n, radars, 2) where each radar sees it beside where it says it is, azimuth and elevation [rad]
    offset: Array
    steady: Array  # (n, radars) int64 segments in a row in which it did so at the same offset
    agrees: Array  # (n,) bool whether it was one of those that agree
    scatter: Array  # (n, 2) sum of squared normalised residuals of its reports, and their degrees of freedom


class State(NamedTuple):
    """Everything registration remembers; of bounded size however long it runs."""

    closed: float  # end of the last segment that was compared [s]
    wait: float  # how long after its end a segment is compared, for data that come late [s]
    waiting: Waiting
    references: References
    prior: Array  # (d, d) information before any reference, those that have gone included
    prior_vector: Array  # (d,)
    gone: Array  # (radars,) references that agreed and have gone, fading
    # (radars, 3, 2) sums of squared normalised residuals in range, azimuth and elevation, and degrees of freedom
    noise: Array
    estimate: Array  # (radars, TERMS)
    covariance: Array  # (d, d)
    witnesses: Array  # (radars,) int64 references that agree on the estimate
    applied: Array  # (radars, TERMS) what is taken from the detections now; zeros until an error is significant
    engaged: Array  # (radars,) bool whether anything is
    # (radars,) bool: sees aircraft in quite another direction than they say, so that its own direction is unknown
    astray: Array
    offset: Array  # (radars, 2) by how much then, azimuth and elevation [rad]
    # (radars,) bool: aircraft disagree on its errors so widely that they are no constants, as when it stands tilted
    disputed: Array


def registered(site: Site) -> int:
    """How many radars are registered.

    site  the site as its defender declared it
    """
    return min(len(site.radars), MOST_RADARS)


@lru_cache(maxsize=8)
def prior_of(site: Site) -> Array:
    """Deviations (radars, TERMS) of the errors [m, rad, rad, s] before anything is known: at least
    PRIOR, more where the site declares more.
    """
    told = np.array(
        [(r.range_bias, r.azimuth_bias, r.elevation_bias, np.nan) for r in site.radars[:MOST_RADARS]], np.float64
    ).reshape(-1, TERMS)
    return np.fmax(told, np.array(PRIOR))


def no_references(radars: int, n: int = 0) -> References:
    """`n` blank rows.

    radars  number of radars
    """
    d = TERMS * radars
    return References(
        np.zeros(n, np.int64),
        np.full(n, -np.inf),
        np.zeros((n, d, d)),
        np.zeros((n, d)),
        np.zeros((n, radars), np.int64),
        np.zeros((n, radars, 2)),
        np.zeros((n, radars), np.int64),
        np.zeros(n, np.bool_),
        np.zeros((n, 2)),
    )


def start(site: Site) -> State:
    """Nothing known but that radars are set up by hand.

    site  the site as its defender declared it
    """
    radars = registered(site)
    variance = prior_of(site).ravel() ** 2
    return State(
        -math.inf,
        1.0,
        Waiting(Detections.empty(), Aircraft.empty()),
        no_references(radars),
        np.diag(1.0 / variance),
        np.zeros(TERMS * radars),
        np.zeros(radars),
        np.zeros((radars, 3, 2)),
        np.zeros((radars, TERMS)),
        np.diag(variance),
        np.zeros(radars, np.int64),
        np.zeros((radars, TERMS)),
        np.zeros(radars, np.bool_),
        np.zeros(radars, np.bool_),
        np.zeros((radars, 2)),
        np.zeros(radars, np.bool_),
    )
