"""Aircraft that no radar sees any more: whether they are out of view, how far they may have got,
and which runway they are landing on.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.kernels.geometry.ground import ground_up
from skywarden.rehearsal.corridor import MISALIGNED, radar_places
from skywarden.site.model import Site
from skywarden.site.runways import runway_ends

Array = NDArray[Any]

SIGMAS = 5.0            # deviations of an aircraft's position within its tube: 3e-7 beyond on the side that matters
# m/s², 1.5 g in any direction, speed changes included: harder than any civil aircraft turns, climbs or brakes
MANOEUVRE = 15.0
RANGE_BIAS = 30.0       # m that a radar's ranges may be off without the radar being doubted
NEAR_VIEW = 30.0        # m, beside five deviations, above which what a radar looks at is surely in its view
LOST_S = 20.0           # s for which an aircraft lost low goes on counting
ROLLS_S = 75.0          # s for which one lost on its final goes on counting: it lands, rolls out and turns off
GENTLE = 5.0            # m/s²: half a g, harder than anybody turns or brakes low above the ground or on it
LOW = 100.0             # m above the ground up to which an aircraft counts as low
AT_REST, SHUT_S = 2.0, 5.0  # m/s, and s of silence: what stood still on the ground before it fell silent has shut down
GENTLY_S = 4.0          # s for which an aircraft on the ground goes on within GENTLE: to do more it has to get up first
FOUND_S = 2.0           # s within which a radar finds an aircraft again, once it is in view
FINAL = 4_000.0         # m before a runway within which an aircraft lost low is on final
FINAL_PACE = 25.0       # m/s along the runway, at least, of a landing aeroplane
FASTER = 10.0           # m/s that a landing aeroplane may be faster than when it was lost
BRAKES = 4.0            # m/s² of braking at most, rolling out
STRIP = 125.0           # m: radius about places on the runway's axis within which a landed aeroplane is
APART = 150.0           # m between those places: together they hold the runway and 100 m to either side of its axis
ON_STRIP_S = 6.0        # s for which an aeroplane that has landed stays on the strip


class Missing(NamedTuple):
    """Tracks that were, or might have been, of aircraft, as they were last known."""

    number: Array       # (n,)
    address: Array      # (n,)
    unknown: Array      # (n,) bool
    seen: Array         # (n,) last seen [s]
    t: Array            # (n,) of the state [s]
    state: Array        # (n, 6) [m, m/s]
    covariance: Array   # (n, 6, 6)


def no_missing() -> Missing:
    """A table without rows."""
    i, f = np.zeros(0, np.int64), np.zeros(0)
    return Missing(i, i, np.zeros(0, np.bool_), f, f, np.zeros((0, 6)), np.zeros((0, 6, 6)))


def bias_of(place: Array, site: Site) -> Array:
    """(n,) how far a radar's track may be off for reasons that its covariance does not know [m].

    place  (n, 3) east north up [m]
    site   the site as its defender declared it
    """
    radars = radar_places(site)
    if not len(radars):
        return np.full(len(place), RANGE_BIAS)
    away = place[:, None, :] - radars[None, :, :]
    return np.asarray(RANGE_BIAS + MISALIGNED * np.sqrt((away * away).sum(axis=2).max(axis=1, initial=0.0)))


def out_of_view(place: Array, sigma: Array, site: Site, secondary: bool) -> Array:
    """(n,) bool: below every radar's lowest elevation, or out of its range, so that no radar can be
    asked to see what is there.

    place      (n, 3) east north up [m]
    sigma      (n,) standard deviation of its height [m]
    site       the site as its defender declared it
    secondary  whether radars that hear transponders only count, too
    """
    out = np.ones(len(place), np.bool_)
    for radar in site.radars:
        if radar.mode_s and not secondary:
            continue
        away = place - radar.place
        flat = np.sqrt((away[:, :2] ** 2).sum(axis=1))
        floor = flat * math.tan(radar.elevation_min)
        out &= ~((away[:, 2] > floor + NEAR_VIEW + SIGMAS * sigma) & (flat < radar.range_max))
    return out


def came_down(them: Missing, site: Site) -> Array:
    """(n,) bool: sinking so fast, so low, that no aircraft could have pulled out of it.

    them  tracks as they were last seen
    site  the site as its defender declared it
    """
    ground = np.array([ground_up(site.ground, east, north) for east, north in them.state[:, :2]])
    sinking = -them.state[:, 5] - 3.0 * np.sqrt(np.maximum(them.covariance[:, 5, 5], 0.0))
    above = them.state[:, 2] - them.state[:, 5] * (them.t - them.seen) - ground + 3.0 * np.sqrt(
        np.maximum(them.covariance[:, 2, 2], 0.0))
    return np.asarray((sinking > 0.0) & (sinking * sinking > 2.0 * MANOEUVRE * np.maximum(above, 0.0)))


def hidden(place: Array, velocity: Array, t: Array, seen: Array, now: float, site: Site) -> tuple[Array, Array]:
    """(n,) each: how much farther [m] than it is known to be what is not seen any more may have
    got, and since when [s] it may do anything.

    place, velocity  (n, 3) east north up [m], [m/s], at times `t`
    t                (n,) times of both [s]
    seen             (n,) when each was last seen [s]
    now              time of this frame [s]
    site             the site as its defender declared it

    What was and is low and out of every radar's view would be seen again if it rose: so far it was
    GENTLE. Where it has been so for
    longer than LOST_S, or SHUT_S if it stood, it stands, and its time is nan. For all else the time
    is `seen`.
    """
    farther, since = np.zeros(seen.size), np.array(seen)
    old = np.flatnonzero((now - seen > FOUND_S) & np.isfinite(place[:, 2]))
    for moment in (seen, np.full(seen.size, now)):
        there = place[old] + velocity[old] * (moment - t)[old, None]
        low = np.array([up - ground_up(site.ground, east, north) <= LOW for east, north, up in there], np.bool_)
        old = old[low & out_of_view(there, np.zeros(old.size), site, secondary=False)]
        if not old.size:
            return farther, since
    ago = now - seen[old]
    farther[old] = 0.5 * GENTLE * ago * ago
    stood = (velocity[old] ** 2).sum(axis=1) <= AT_REST**2
    since[old] = np.where(ago <= np.where(stood, SHUT_S, LOST_S), now - FOUND_S, math.nan)
    return farther, since


def gently(seen: Array, which: Array, now: float) -> tuple[Array, Array]:
    """(n,) each: how much farther [m], and since when it may do anything [s], of what goes on
    within GENTLE for GENTLY_S (`which`), and then does anything.

    seen  (n,) when each was last seen [s]
    now   time of this frame [s]

    A parabola for MANOEUVRE that touches that motion's from above:  GENTLE/2 · t² up to GENTLY_S,
      from then on MANOEUVRE/2 · t² more, and never below it.
    """
    slower = 1.0 - GENTLE / MANOEUVRE
    return np.where(which, 0.5 * GENTLE * slower * GENTLY_S**2, 0.0), np.where(which, seen + slower * GENTLY_S, seen)


class Shadow(NamedTuple):
    """Where what was lost may be: rows as tubes have them."""

    number: Array
    address: Array
    unknown: Array
    t: Array
    seen: Array
    position: Array
    velocity: Array
    covariance: Array
    extra: Array


def shadows(lost: Missing, now: float, site: Site) -> Shadow:
    """What was lost low, and where it may be now: within GENTLE of its dead reckoning, because it
    would be seen again if it rose; or on the runway.

    lost  aircraft lost low, as they were last seen
    now   time of this frame [s]
    site  the site as its defender declared it
    """
    rows: list[tuple[int, int, bool, float, float, Array, Array, Array, float]] = []
    for k in range(lost.t.size):
        name = (int(lost.number[k]), int(lost.address[k]), bool(lost.unknown[k]))
        state, since = lost.state[k], now - float(lost.seen[k])
        if since <= LOST_S:
            one = slice(k, k + 1)
            farther, free = hidden(lost.state[one, :3], lost.state[one, 3:], lost.t[one], lost.seen[one], now, site)
            extra = float(bias_of(state[None, :3], site)[0]) + float(farther[0])
            if not math.isnan(free[0]):
                rows.append((*name, float(lost.t[k]), float(free[0]), state[:3], state[3:6], lost.covariance[k], extra))
        landing = final_of(state, site)
        if landing is not None:
            end, way, length, gone, pace = landing
            braking = min(since, pace / BRAKES)
            begin = max(gone + pace * braking - 0.5 * BRAKES * braking * braking, -FINAL)
            last = min(max(gone + (pace + FASTER) * since, begin), length + APART)
            for s in np.linspace(min(begin, last), last, max(math.ceil((last - begin) / APART), 1) + 1).tolist():
                spot = end + s * way
                place = np.array([*spot, ground_up(site.ground, float(spot[0]), float(spot[1]))])
                rows.append((*name, now, now + ON_STRIP_S, place, np.zeros(3), np.zeros((6, 6)), STRIP))
    if not rows:
        return _NO_SHADOW
    return Shadow(*(np.array(column) for column in zip(*rows, strict=True)))


_NO_SHADOW = Shadow(
    np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0), np.zeros(0), np.zeros((0, 3)),
    np.zeros((0, 3)), np.zeros((0, 6, 6)),
    np.zeros(0))


def final_of(state: Array, site: Site) -> tuple[Array, Array, float, float, float] | None:
    """The runway that something is landing on: its end (2,), the way along it (2,), its length, how
    far along it it is, and how fast; None where none is.

    state  (6,) position [m] and velocity [m/s] when it was last seen
    site   the site as its defender declared it
    """
    for end, way, length in runway_ends(site):
        off = state[:2] - end
        gone, across, pace = float(off @ way), abs(float(off[0] * way[1] - off[1] * way[0])), float(state[3:5] @ way)
        if -FINAL <= gone <= length and across <= 150.0 + 0.05 * max(-gone, 0.0) and pace >= FINAL_PACE:
            return end, way, length, gone, pace
    return None
