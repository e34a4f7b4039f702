"""What does not fall but comes: powered objects without a corroborated transponder that head for a
zone, a kind of threat of their own.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from skywarden.kernels.geometry.ground import ground_up
from skywarden.messages.frame import NO_ADDRESS, Frame
from skywarden.messages.picture import PROJECTILE, Inbound, Tracks
from skywarden.messages.tables import among, rows_of, take
from skywarden.site.model import Site
from skywarden.site.runways import runway_ends

Array = NDArray[Any]

NOBODY = np.zeros(0, np.int64)
# m/s, airspeed and ground speed of what is meant: above every bird, below every round worth the name
SLOWEST, FASTEST = 25.0, 300.0
# m above the ground, now and where it would pass the zone; the second from FAST on
HIGHEST, HIGHEST_FAST = 1500.0, 3000.0
FAST = 120.0            # m/s, speed from which an object may come in high and dive late
MARGIN = 150.0          # m beyond a zone's edge that count as reaching it
AHEAD = 90.0            # s, time to arrival from which on an object is named
# m²/s³, density of the accelerations across a course that is kept: 150 m after a minute; illustrative
BEND = 0.3
NAMED, KEPT = 0.5, 0.1  # probabilities from which an object is named, and below which it no longer is
PERSISTENT = 2.0        # s with a probability above NAMED after which an object is named
FORGOTTEN = 5.0         # s with a probability below KEPT after which an object is no longer named
SEEN, FOLLOWED = 8, 3.0 # detections, and seconds of track, before a course is judged at all
# s of straight and steady flight under power that a track must have shown, and that one must that echoes like an
# aircraft with people in it
SHOWN, SHOWN_BULKY = 5.0, 20.0
# cosine of the greatest change of course, share of the greatest change of speed, and share of the speed that climbs or
# sinks (from FAST on any), within which flight is straight and steady
STRAIGHT, STEADY, LEVEL = math.cos(math.radians(15.0)), 0.2, 0.35
# share of its speed from which an object that comes down is a falling piece, not a dive under power
SINKING = 0.8
# m, m, rad, of a runway's approach
APPROACH_LENGTH, APPROACH_HALF_WIDTH, APPROACH_HALF_ANGLE = 15_000.0, 150.0, math.radians(3.0)
APPROACH_SLOPES = math.tan(math.radians(1.5)), math.tan(math.radians(6.0))      # descent of what lands
APPROACH_ABOVE = 100.0  # m, slack about the heights those slopes give
APPROACH_SPEEDS = 25.0, 120.0   # m/s
ALIGNED = math.cos(math.radians(20.0))
DOUBTED = 2.0           # standard deviations of its climb by which a descent may seem to leave those slopes


class Flown(NamedTuple):
    """How long each track that a radar holds has flown straight and steadily, one row a track."""

    track: Array        # (k,) int64
    t: Array            # (k,) float64  of this row [s]
    seconds: Array      # (k,) float64
    velocity: Array     # (k, 3) when that began [m/s]


class State(NamedTuple):
    """Courses that led to a zone lately, one row a track and zone."""

    track: Array        # (n,) int64
    zone: Array         # (n,) int32
    begun: Array        # (n,) float64  since when its probability has been over NAMED [s]; nan it is not now
    since: Array        # (n,) float64  since when it has been named [s]; nan never
    last: Array         # (n,) float64  last time its probability was over KEPT [s]
    flown: Flown


def start() -> State:
    """Nothing comes."""
    never = np.zeros(0)
    return State(NOBODY, np.zeros(0, np.int32), never, never, never, Flown(NOBODY, never, never, np.zeros((0, 3))))


def watch_out(
    state: State, tracks: Tracks, followed: Array, frame: Frame, site: Site, bulky: Array = NOBODY,
) -> tuple[State, Inbound]:
    """Which powered objects head for which zones, one frame on.

    followed  (k,) int64 numbers of the tracks that a radar of the site holds; what only says where
              it is cannot be named
    bulky     (m,) int64 numbers of those that echo like an aircraft with people in it
    state     courses followed before this frame

    An object is named when its course has led to a zone, with probability NAMED, for PERSISTENT
    seconds, and it has flown straight and steadily for SHOWN. The probability is that of its
    passing within MARGIN of the zone if it keeps its course as powered flight does; whether it
    means to is not ours to know. docs/models/inbound.md
    """
    if not site.zones or (tracks.number.shape[0] == 0 and state.track.shape[0] == 0):
        return start(), Inbound.empty()
    flown = _flown(state.flown, take(tracks, np.flatnonzero(among(tracks.number, followed))), frame.t)
    own = take(tracks, _suspect(tracks, followed, frame, site))
    if own.number.shape[0] == 0 and state.track.shape[0] == 0:
        return state._replace(flown=flown), Inbound.empty()
    shown = _shown(own, flown, bulky)
    probability, due, miss = courses(own, frame.t, site)
    row, zone = np.nonzero(probability >= KEPT)
    keys = own.number[row] * len(site.zones) + zone
    old = state.track * len(site.zones) + state.zone
    kept = np.flatnonzero(~np.isin(old, keys) & (frame.t - state.last <= FORGOTTEN))
    order = np.argsort(old, kind="stable")
    spot = order[np.minimum(np.searchsorted(old[order], keys), max(old.shape[0] - 1, 0))] if old.shape[
        0] else np.zeros(keys.shape[0], np.int64)
    known = old[spot] == keys if old.shape[0] else np.zeros(keys.shape[0], np.bool_)
    begun = np.where(known, state.begun[spot], np.nan) if old.shape[0] else np.full(keys.shape[0], np.nan)
    since = np.where(known, state.since[spot], np.nan) if old.shape[0] else np.full(keys.shape[0], np.nan)
    p = probability[row, zone]
    begun = np.where(p < NAMED, np.nan, np.where(np.isnan(begun), frame.t, begun))
    since = np.where(np.isnan(since) & shown[row] & (frame.t - begun >= PERSISTENT - 1e-9), frame.t, since)
    after = State(
        np.concatenate((own.number[row], state.track[kept])), np.concatenate((zone.astype(np.int32), state.zone[kept])),
        np.concatenate((begun, np.full(kept.shape[0], np.nan))), np.concatenate((since, state.since[kept])),
        np.concatenate((np.full(row.shape[0], frame.t), state.last[kept])), flown)
    now = np.flatnonzero(np.isfinite(since))
    named = Inbound(own.number[row][now], zone[now].astype(np.int32), p[now], due[row, zone][now],
        miss[row, zone][now], since[now])
    return after, take(named, np.lexsort((named.zone, named.t)))


def _flown(before: Flown, tracks: Tracks, t: float) -> Flown:
    """How long each of `tracks` has now flown straight and steadily; what has once SHOWN it, has.

    What turns, slows down, or falls without the speed of a dive under power begins anew.
    """
    n, v = tracks.number.shape[0], tracks.state[:, 3:6]
    first, seconds, gone = v.copy(), np.zeros(n), np.zeros(n)
    at, known = rows_of(before.track, tracks.number)
    first[known], seconds[known], gone[known] = before.velocity[at], before.seconds[at], t - before.t[at]
    speed, began = np.maximum(np.linalg.norm(v, axis=1), 1e-6), np.maximum(np.linalg.norm(first, axis=1), 1e-6)
    same = ((v * first).sum(1) >= STRAIGHT * speed * began) & (np.abs(speed - began) <= STEADY * began)
    same &= (np.abs(v[:, 2]) <= LEVEL * speed) | (speed >= FAST)
    seconds = np.where(same, seconds + gone, np.where(seconds >= SHOWN, seconds, 0.0))
    return Flown(tracks.number, np.full(n, t), seconds, np.where(same[:, None], first, v))


def _shown(tracks: Tracks, flown: Flown, bulky: Array) -> Array:
    """Which of `tracks` (mask) have shown long enough that they fly under power."""
    long, some = flown.track[flown.seconds >= SHOWN_BULKY], flown.track[flown.seconds >= SHOWN]
    return np.asarray(among(tracks.number, long) | (among(tracks.number, some) & ~among(tracks.number, bulky)))


def _suspect(tracks: Tracks, followed: Array, frame: Frame, site: Site) -> Array:
    """Rows (k,) of tracks that fly under power, low and fast enough, say nothing of themselves and
    are not about to land.
    """
    v = tracks.state[:, 3:6]
    speed, level = np.sqrt((v**2).sum(1)), np.hypot(v[:, 0], v[:, 1])
    mine = (tracks.kind[:, PROJECTILE] < 0.5) & (tracks.address == NO_ADDRESS) & (speed >= SLOWEST) & (speed <= FASTEST)
    mine &= (tracks.hits >= SEEN) & (frame.t - tracks.born >= FOLLOWED) & (v[:, 2] > -SINKING * speed) & (level > 1.0)
    rows = np.flatnonzero(mine & among(tracks.number, followed))
    if rows.shape[0] == 0:
        return rows
    few = take(tracks, rows)
    wind = np.column_stack([np.interp(few.state[:, 2], frame.weather.up, frame.weather.wind[:, k]) for k in range(2)])
    airspeed = np.linalg.norm(np.column_stack((v[rows, :2] - wind, v[rows, 2])), axis=1)
    low = heights(few, site) <= np.where(speed[rows] >= FAST, HIGHEST_FAST, HIGHEST)
    return np.asarray(rows[(airspeed >= SLOWEST) & low & ~landing(few, site)])


def heights(tracks: Tracks, site: Site) -> Array:
    """Height (n,) above the ground [m].

    tracks  (n,) tracks
    site    the site as its defender declared it
    """
    return np.array([x[2] - ground_up(site.ground, x[0], x[1]) for x in tracks.state[:, :3]])


def courses(tracks: Tracks, t: float, site: Site) -> tuple[Array, Array, Array]:
    """For tracks (n,) and zones (z,), (n, z) each: probability of reaching the zone, time of
    arrival [s], by how much the straight course misses it [m].

    t     time of the frame [s]
    site  the site as its defender declared it
    """
    n, z = tracks.number.shape[0], len(site.zones)
    probability, due, miss = np.zeros((n, z)), np.full((n, z), math.inf), np.full((n, z), math.inf)
    above = heights(tracks, site)
    for i in range(n):
        x, v, P = tracks.state[i, :2], tracks.state[i, 3:5], tracks.covariance[i]
        speed = float(np.hypot(*v))
        u = v / speed
        across = np.array([u[1], -u[0]])
        spread = [float(across @ P[np.ix_(a, b)] @ across) for a, b in (((0, 1), (0, 1)), ((0, 1), (3, 4)),
            ((3, 4), (3, 4)))]
        ceiling = HIGHEST_FAST if float(np.linalg.norm(tracks.state[i, 3:6])) >= FAST else HIGHEST
        for k, zone in enumerate(site.zones):
            off = zone.polygon - x
            along, aside = off @ u, off @ across
            if along.max() + MARGIN <= 0.0:
                continue
            left = max(float(along.min()), 0.0) / speed
            if left > AHEAD or above[i] + tracks.state[i, 5] * left > ceiling:
                continue
            sigma = math.sqrt(max(spread[0] + 2.0 * left * spread[1] + left * left * spread[2] + BEND * left**3 / 3.0,
                1.0))
            low, high = float(aside.min()) - MARGIN, float(aside.max()) + MARGIN
            probability[i, k] = ndtr(high / sigma) - ndtr(low / sigma)
            due[i, k] = t + left
            miss[i, k] = max(low + MARGIN, -(high - MARGIN), 0.0)
    return probability, due, miss


def landing(tracks: Tracks, site: Site) -> Array:
    """Tracks (mask) that descend on a runway of the site as what lands there does, or leave it
    climbing.

    tracks  the picture's tracks
    """
    out = np.zeros(tracks.number.shape[0], np.bool_)
    if tracks.number.shape[0] == 0:
        return out
    x, v, above = tracks.state[:, :3], tracks.state[:, 3:6], heights(tracks, site)
    level = np.maximum(np.hypot(v[:, 0], v[:, 1]), 1e-3)
    slack = DOUBTED * np.sqrt(np.maximum(tracks.covariance[:, 5, 5], 0.0)) / level
    for place, heading, length in runway_ends(site):
        # `along` grows from the threshold outwards, where what lands comes from; `heading` is flown on landing
        off = x[:, :2] - place
        along, aside = -(off @ heading), np.abs(off @ np.array([heading[1], -heading[0]]))
        near = (along >= -length) & (along <= APPROACH_LENGTH) & (aside <= APPROACH_HALF_WIDTH
            + math.tan(APPROACH_HALF_ANGLE) * np.maximum(along, 0.0))
        course = (v[:, :2] @ heading) / level
        sink, gone = -v[:, 2] / level, np.maximum(along, 0.0)
        slope = (above >= APPROACH_SLOPES[0] * gone - APPROACH_ABOVE) & (above <= APPROACH_SLOPES[1] * gone
            + APPROACH_ABOVE)
        down = (course > ALIGNED) & slope & ((sink + slack >= APPROACH_SLOPES[0]) & (sink - slack <= APPROACH_SLOPES[1])
            | (along < 300.0) & (above < APPROACH_ABOVE))
        up = (course < -ALIGNED) & (v[:, 2] > 0.0)
        out |= near & (down | up) & (level >= APPROACH_SPEEDS[0]) & (level <= APPROACH_SPEEDS[1])
    return out
