"""Are the sensors what they say they are: rows that cannot be are dropped and counted, silent and
doubtful radars named.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.frame import Aircraft, Detections, Frame
from skywarden.messages.picture import Health
from skywarden.messages.tables import take
from skywarden.site.model import Site

Array = NDArray[Any]

WORKING, SILENT, DOUBTFUL, LATE, MISALIGNED, ASTRAY = range(6)
LATE_FROM = 1.5         # s, lag of a radar's detections from which it is called late, or
LATE_LOOKS = 1.5        # times its revisit, whichever is longer
# Errors beyond which a radar is called misaligned where its site declares none [m, rad, rad, s]; three times those
# assumed of several radars, or more
TOLERATED = (90.0, math.radians(0.9), math.radians(0.9), 0.25)
OLDEST = 60.0           # s before the frame; older data are not a picture of now
AHEAD = 1.0             # s that a sender's clock may be ahead of the frame and its radar still be registered
FASTEST = 4000.0        # m/s of any range rate
FASTEST_AIRCRAFT = 700.0    # m/s
HIGHEST_AIRCRAFT = 30_000.0     # m
LOWEST_AIRCRAFT = -60_000.0     # m below the origin's horizontal plane: the earth curves away so far at 870 km
FARTHEST = 1e6          # m
SILENCE = 2.0           # s without a word, or
SILENT_LOOKS = 2.5      # times a radar's revisit, whichever is longer: it is silent
DOUBT_SHARE = 0.2       # of a radar's rows that could not be, from which it is doubted
# of a frame's share in the smoothed one, where it has DOUBT_ROWS rows or more; in proportion below
DOUBT_WEIGHT = 0.2
DOUBT_ROWS = 5


class Registered(NamedTuple):
    """What is known of the constant errors of the first radars of a site, one row a radar: range
    [m], azimuth, elevation [rad], time [s].
    """

    believed: Array     # (k,) bool     enough references agree
    estimate: Array     # (k, 4)
    sigma: Array        # (k, 4)
    applied: Array      # (k, 4) taken from the detections
    references: Array   # (k,) int64 that agree
    astray: Array       # (k,) bool
    offset: Array       # (k, 2) azimuth and elevation of an astray one [rad]
    disputed: Array     # (k,) bool


class State(NamedTuple):
    """What is remembered of each radar."""

    rejected: Array     # (radars,) smoothed share of its rows that could not be


def start(site: Site) -> State:
    """Nothing heard of any sensor yet.

    site  the site as its defender declared it
    """
    return State(np.zeros(len(site.radars)))


def examine(state: State, frame: Frame, site: Site) -> tuple[State, Frame, Health]:
    """The frame with only what can be true in it, and how far the sensors can be trusted.

    state  sensors' state before this frame
    site   the site as its defender declared it

    Nothing is thrown: a feed is untrusted input.
    """
    good = _possible(frame.detections, frame.t, len(site.radars))
    sane = _believable(frame.aircraft, frame.t)
    old = int(np.count_nonzero(~good & (frame.detections.t < frame.t - OLDEST)))
    rejected = int(good.size - np.count_nonzero(good)) + int(sane.size - np.count_nonzero(sane)) - old
    share = state.rejected
    if rejected or old or share.any():
        share = _shares(share, frame.detections, good)
    if rejected or old:
        frame = frame._replace(detections=take(frame.detections, good), aircraft=take(frame.aircraft, sane))
    radars = np.zeros(len(site.radars), np.int8)
    for k, radar in enumerate(site.radars):
        radars[k] = SILENT if _silent(frame, k, radar.revisit) else DOUBTFUL if share[k] > DOUBT_SHARE else WORKING
    return State(share), frame, Health(radars, frame.late_s, int(good.size), rejected, 0.0, frame.channels,
        np.full(len(site.radars), np.nan), old)


def timed(health: Health, lag: Array, late: int, unusable: int, disbelieved: int, site: Site) -> Health:
    """The health with what the tracker found: each radar's lag (radars,) [s], and how much of the
    frame was not used, by cause.

    unusable     detections that could not be used: too late, or out of order
    disbelieved  detections that contradict what the site knows
    site         the site as its defender declared it

    A radar that works, but whose detections come late, is called so: its tracks are predicted from
    older data.
    """
    slow = _declared(site).slow
    with np.errstate(invalid="ignore"):
        radars = np.where((health.radars == WORKING) & (lag > slow), LATE, health.radars).astype(np.int8)
    return health._replace(radars=radars, lag=lag, late=health.late + late, unusable=unusable, disbelieved=disbelieved)


def seeing(health: Health, site: Site) -> tuple[bool, float]:
    """Whether a radar works that finds what says nothing of itself (a site that has none is taken
    to be seen), and how late the detections of the latest of them come [s].

    health  health of radars and inputs
    """
    own = _declared(site).own
    works = own & (health.radars != SILENT) & (health.radars != DOUBTFUL)
    lag = np.nan_to_num(health.lag[works]) if health.lag.shape[0] == own.shape[0] else np.zeros(0)
    return bool(works.any() or not own.any()), float(lag.max(initial=0.0))


def aligned(health: Health, learnt: Registered, site: Site) -> Health:
    """The health with what is known of each radar's constant errors.

    learnt  what registration has learnt

    A radar whose error surely exceeds three times the deviation that its site declares (or
    TOLERATED), or on whose errors aircraft
    contradict one another, is misaligned; one that sees aircraft in quite another direction than
    they say is astray.
    """
    n, k = len(site.radars), learnt.estimate.shape[0]
    known = learnt.believed[:, None]
    tolerated = _declared(site).tolerated[:k]
    wrong = (known & (np.abs(learnt.estimate) - 2.0 * learnt.sigma > tolerated)).any(1) | learnt.disputed
    radars = health.radars.copy()
    mine = radars[:k]
    radars[:k] = np.where(
        (mine != SILENT) & learnt.astray, ASTRAY,
        np.where(((mine == WORKING) | (mine == LATE)) & wrong, MISALIGNED, mine))
    return health._replace(
        radars=radars, errors=_padded(np.where(known, learnt.estimate, np.nan), n),
        error_sigma=_padded(np.where(known, learnt.sigma, np.nan), n), corrected=_padded(learnt.applied, n),
        references=np.concatenate([learnt.references, np.zeros(n - k, learnt.references.dtype)]),
        astray=_padded(np.where(learnt.astray[:, None], learnt.offset, np.nan), n))


class Declared(NamedTuple):
    """What follows from a site's declaration of its radars: a row a radar."""

    slow: Array         # (n,) lag from which it is called late [s]
    own: Array          # (n,) bool, finds what says nothing of itself
    # (n, 4) errors beyond which it is called misaligned: range [m], azimuth, elevation [rad], time [s]
    tolerated: Array


@lru_cache(maxsize=8)
def _declared(site: Site) -> Declared:
    told = np.array([(r.range_bias, r.azimuth_bias, r.elevation_bias, math.nan) for r in site.radars]).reshape(-1, 4)
    return Declared(
        np.array([max(LATE_FROM, LATE_LOOKS * radar.revisit) for radar in site.radars]),
        np.array([not radar.mode_s for radar in site.radars], np.bool_),
        np.where(np.isfinite(told) & (told > 0.0), 3.0 * told, np.array(TOLERATED)))


def _padded(table: Array, n: int) -> Array:
    """With rows of nan up to `n`."""
    return np.concatenate([table, np.full((n - table.shape[0], table.shape[1]), np.nan)])


def _silent(frame: Frame, radar: int, revisit: float) -> bool:
    """Whether a radar says it is down, or has not said anything for too long; a frame that does not
    mention it counts as silence.
    """
    if radar >= frame.radars.up.size or not frame.radars.up[radar]:
        return True
    # not `>`: a time that is not a number is no sign of life
    return not frame.t - frame.radars.heard[radar] <= max(SILENCE, SILENT_LOOKS * revisit)


def _possible(d: Detections, t: float, radars: int) -> Array:
    with np.errstate(invalid="ignore"):
        elevation = np.isnan(d.elevation) | (np.abs(d.elevation) <= np.pi / 2)
        rate = np.isnan(d.range_rate) | (np.abs(d.range_rate) <= FASTEST)
        height = np.isnan(d.pressure_altitude) | (np.abs(d.pressure_altitude) <= 2 * HIGHEST_AIRCRAFT)
        return (
            (d.t <= t + AHEAD) & (d.t >= t - OLDEST) & (d.sensor >= 0) & (d.sensor < radars) & (d.range > 0.0)
            & (d.range <= FARTHEST)
            & (d.azimuth >= -1e-9) & (d.azimuth <= 2 * np.pi + 1e-9) & elevation & rate & height)


def _believable(a: Aircraft, t: float) -> Array:
    """Reports that an aircraft could make; a report may leave out its position, its height or its
    velocity, as nan.
    """
    with np.errstate(invalid="ignore"):
        nowhere = np.isnan(a.position).all(axis=1)
        near = (np.abs(a.position[:, :2]) <= FARTHEST).all(axis=1)
        up = a.position[:, 2]
        height = np.isnan(up) | ((up >= LOWEST_AIRCRAFT) & (up <= HIGHEST_AIRCRAFT))
        speed = np.isnan(a.velocity) | (np.abs(a.velocity) <= FASTEST_AIRCRAFT)
        pressure = np.isnan(a.pressure_altitude) | (np.abs(a.pressure_altitude) <= HIGHEST_AIRCRAFT)
        return (a.t <= t + AHEAD) & (a.t >= t - OLDEST) & (nowhere | near) & height & speed.all(axis=1) & pressure


def _shares(share: Array, d: Detections, good: Array) -> Array:
    """The smoothed share of impossible rows of each radar, one frame on."""
    new = share.copy()
    for k in range(len(new)):
        mine = d.sensor == k
        rows = int(np.count_nonzero(mine))
        if rows:
            weight = DOUBT_WEIGHT * min(rows / DOUBT_ROWS, 1.0)
            new[k] += weight * (1.0 - float(np.mean(good[mine])) - new[k])
    return np.where(new < 1e-6, 0.0, new)
