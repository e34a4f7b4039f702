"""Are the sensors what they say they are: rows that cannot be are dropped and counted, silent and doubtful radars named."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.frame import Aircraft, Detections, Frame
from skywarden.messages.picture import Health
from skywarden.messages.tables import take
from skywarden.site.model import Site

Array = NDArray[Any]

WORKING, SILENT, DOUBTFUL = 0, 1, 2
OLDEST = 60.0           # s before the frame; older data are not a picture of now
AHEAD = 0.5             # s after the frame; a little is the sender's clock
FASTEST = 4000.0        # m/s of any range rate
FASTEST_AIRCRAFT = 700.0    # m/s
HIGHEST_AIRCRAFT = 30_000.0     # m
FARTHEST = 1e6          # m
DOUBT_SHARE = 0.2       # of a radar's rows that could not be, from which it is doubted
DOUBT_ROWS = 5


class State(NamedTuple):
    """What is remembered of each radar."""

    rejected: Array     # (radars,) smoothed share of its rows that could not be


def start(site: Site) -> State:
    return State(np.zeros(len(site.radars)))


def examine(state: State, frame: Frame, site: Site) -> tuple[State, Frame, Health]:
    """The frame with only what can be true in it, and how far the sensors can be trusted.

    Nothing is thrown: a feed is untrusted input.
    """
    good = _possible(frame.detections, frame.t, len(site.radars))
    sane = _believable(frame.aircraft, frame.t)
    rejected = int(good.size - np.count_nonzero(good)) + int(sane.size - np.count_nonzero(sane))
    share = state.rejected
    if rejected:
        share = _shares(share, frame.detections, good)
        frame = frame._replace(detections=take(frame.detections, good), aircraft=take(frame.aircraft, sane))
    radars = np.zeros(len(site.radars), np.int8)
    for k, radar in enumerate(site.radars):
        if k >= frame.radars.up.size or not frame.radars.up[k] or frame.t - frame.radars.heard[k] > max(2.0, 2.5 * radar.revisit):
            radars[k] = SILENT
        elif share[k] > DOUBT_SHARE:
            radars[k] = DOUBTFUL
    return State(share), frame, Health(radars, frame.late_s, int(good.size), rejected, 0.0)


def _possible(d: Detections, t: float, radars: int) -> Array:
    with np.errstate(invalid="ignore"):
        elevation = np.isnan(d.elevation) | (np.abs(d.elevation) <= np.pi / 2)
        rate = np.isnan(d.range_rate) | (np.abs(d.range_rate) <= FASTEST)
        height = np.isnan(d.pressure_altitude) | (np.abs(d.pressure_altitude) <= 2 * HIGHEST_AIRCRAFT)
        return (
            (d.t <= t + AHEAD) & (d.t >= t - OLDEST) & (d.sensor >= 0) & (d.sensor < radars) & (d.range > 0.0) & (d.range <= FARTHEST)
            & (d.azimuth >= -1e-9) & (d.azimuth <= 2 * np.pi + 1e-9) & elevation & rate & height)


def _believable(a: Aircraft, t: float) -> Array:
    with np.errstate(invalid="ignore"):
        far = np.abs(a.position).max(axis=1, initial=0.0) <= FARTHEST if a.t.size else np.zeros(0, bool)
        place = np.isnan(a.position[:, :2]).any(axis=1) | far | (np.isnan(a.position[:, 2]) & (np.hypot(a.position[:, 0], a.position[:, 1]) <= FARTHEST))
        speed = np.sqrt((a.velocity**2).sum(axis=1))
        high = np.abs(a.pressure_altitude) > HIGHEST_AIRCRAFT
        return (a.t <= t + AHEAD) & (a.t >= t - OLDEST) & place & ~(speed > FASTEST_AIRCRAFT) & ~high & ~(a.position[:, 2] > HIGHEST_AIRCRAFT)


def _shares(share: Array, d: Detections, good: Array) -> Array:
    new = share.copy()
    for k in range(len(new)):
        mine = d.sensor == k
        if np.count_nonzero(mine) >= DOUBT_ROWS:
            new[k] = 0.8 * new[k] + 0.2 * (1.0 - float(np.mean(good[mine])))
    return new
