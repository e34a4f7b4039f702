"""What a simulated engagement would occupy: where a track could be met, and the lines along which
the effect would fly until it burns out.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.kernels.ballistics.air import Air, with_weather
from skywarden.kernels.ballistics.drag import Drags
from skywarden.kernels.ballistics.flight import Earth, acceleration
from skywarden.kernels.geometry.ground import Ground, ground_up
from skywarden.messages.frame import NO_ADDRESS, Frame
from skywarden.messages.picture import PROJECTILE, Picture, Tracks
from skywarden.site.effect import chance
from skywarden.site.model import Effector, Site

Array = NDArray[Any]

STEP = 0.25             # s between points of a predicted path
LOOK_AHEAD = 45.0       # s of flight examined
LIGHT_REACH = 20_000.0  # m, how far directed energy is taken to go on
SIGMAS = 5.0            # of the track's position at the interception
# rad, half a degree: a radar's north may be off so far without being doubted, and all it sees with it
MISALIGNED = 0.009
LEAST_HEIGHT = 30.0     # m above the ground: no interception below
LINES = 9               # from the first to the last direction of an engagement
WIDTH = 0.005           # rad, half the opening of the cone about each line: dispersion


class Corridor(NamedTuple):
    """Straight lines from the effector, the plane between each and the next, and `spread` about all
    of it: occupied from `t_from` until burn-out or self-destruct at `t_to`.
    """

    t_from: float       # the effect leaves the effector [s]
    t_hit: float        # it would meet the track [s]
    t_to: float
    start: Array        # (3,) effector [m]
    hit: Array          # (3,) where it would meet the track [m]
    hit_height: float   # that, above the ground [m]
    ends: Array         # (lines, 3) where burn-out or self-destruct ends each line [m]
    # half the opening of the cones about the lines, and about every direction between one and the next [rad]
    spread: float
    # with which the effect goes along the lines [m/s]; inf: it is everywhere on them at once
    speed: float = math.inf
    dwell: float = math.inf     # how long it goes on leaving the effector [s]; 0 one body


class Ahead(NamedTuple):
    """Where a track will be."""

    t: float            # now [s]
    path: Array         # (k, 3) every STEP from now on [m], as long as it is above LEAST_HEIGHT over the ground
    height: Array       # (k,) above the ground [m]
    covariance: Array   # (6, 6) of its position and velocity now
    drag_sigma: float   # of its acceleration, from not knowing its drag [m/s²]
    radars: Array       # (r, 3) places of the radars that may have seen it [m]


def surely_projectiles(tracks: Tracks, site: Site) -> Array:
    """(n,) which tracks are surely projectiles, however they look: what answers to an aircraft's
    address never is.

    site  the site as its defender declared it
    """
    return np.asarray((tracks.kind[:, PROJECTILE] >= site.policy.projectile_probability)
        & (tracks.address == NO_ADDRESS))


class Futures(NamedTuple):
    """Where some tracks will be: one row each."""

    path: Array         # (n, k, 3) every STEP from now on [m]
    height: Array       # (n, k) above the ground [m]
    points: Array       # (n,) how many of them come before the track is LEAST_HEIGHT over the ground
    drag_sigma: Array   # (n,) of its acceleration, from not knowing its drag [m/s²]


class Windows(NamedTuple):
    """How each effector could meet each track soonest: one row a track, one column an effector."""

    at: Array           # (n, m) the point on the track's path; -1 it cannot
    t_from: Array       # (n, m) the effect leaves [s]; nan where it cannot
    t_hit: Array        # (n, m) it would meet the track [s]
    last: Array         # (n, m) an order after this would come too late [s]
    chance: Array       # (n, m) to stop it; 0 where it cannot


def futures(rows: Array, picture: Picture, frame: Frame, site: Site) -> Futures:
    """The futures of some tracks, (k,) rows of the picture's tracks, each flown with its own drag
    through the air believed.

    frame  what came in at this frame
    site   the site as its defender declared it
    """
    tracks = picture.tracks
    sigma = np.sqrt(np.maximum(tracks.covariance[rows, 6, 6], 0.0))
    return Futures(*_fly(
        np.ascontiguousarray(tracks.state[rows]), sigma, tracks.law[rows], site.ground, site.drags,
        air_of(site, frame), site.earth, STEP,
        int(LOOK_AHEAD / STEP)))


def ahead_of(found: Futures, k: int, row: int, picture: Picture, frame: Frame, site: Site) -> Ahead:
    """One of them: row `k`, which is row `row` of the picture's tracks.

    found  the futures worked out
    frame  what came in at this frame
    site   the site as its defender declared it
    """
    end = int(found.points[k])
    return Ahead(frame.t, found.path[k, :end], found.height[k, :end], picture.tracks.covariance[row, :6, :6],
        float(found.drag_sigma[k]), radar_places(site))


def look_ahead(row: int, picture: Picture, frame: Frame, site: Site) -> Ahead:
    """The future of one track (row of the picture's tracks).

    frame  what came in at this frame
    site   the site as its defender declared it
    """
    return ahead_of(futures(np.array([row]), picture, frame, site), 0, row, picture, frame, site)


def windows(found: Futures, reaction: Array, t: float, site: Site) -> Windows:
    """The earliest engagement of each track by each effector at time t, as `corridor_of` has it;
    reaction (n, m) [s] of each to turn to each.

    found  the futures worked out
    site   the site as its defender declared it
    """
    at, leaves, last, stops = _windows(found.path, found.height, found.points, _declared(site), reaction)
    return Windows(at, t + leaves, t + np.where(at >= 0, STEP * at, math.nan), t + last - reaction, stops)


@lru_cache(maxsize=8)
def _declared(site: Site) -> Array:
    """(m, 10) effectors: place, speed, least and greatest reach, burn-out, least height, declared
    probability, loss against crossing rounds.
    """
    return np.array([
        (*e.place, e.speed, e.reach_min, e.reach_max, burn_out(e), e.height_min, e.kill_probability, e.crossing_loss)
        for e in site.effectors]).reshape(-1, 10)


def corridor_of(ahead: Ahead, effector: Effector) -> Corridor | None:
    """The earliest engagement of a track by an effector; None where it is never within reach in
    time.

    ahead  the future of the track
    """
    far = burn_out(effector)
    k, reach = _earliest(
        ahead.path, ahead.height, effector.place, effector.speed, effector.reaction_s, effector.reach_min,
        min(effector.reach_max, far), effector.height_min)
    if k < 0:
        return None
    when = k * STEP
    leaves = when - reach / effector.speed      # light: at once
    steers = effector.kind == "interceptor"
    # a gun and a beam follow the track while they last; an interceptor may steer from where the track was to where it
    # is met
    first, last = (leaves, when) if steers else (when, when + effector.engagement_s)
    lasts = far / effector.speed + (0.0 if steers else effector.engagement_s)
    ends, spread = _sweep(
        ahead.path, first, last, effector.place, far, effector.reach_min, ahead.covariance, ahead.drag_sigma,
        ahead.radars)
    return Corridor(
        ahead.t + leaves, ahead.t + when, ahead.t + max(leaves + lasts, when, leaves + STEP), effector.place,
        ahead.path[k], float(ahead.height[k]), ends,
        WIDTH + spread, effector.speed, 0.0 if steers else effector.engagement_s)


@lru_cache(maxsize=8)
def radar_places(site: Site) -> Array:
    """(r, 3) places of the radars that see more than transponders [m].

    site  the site as its defender declared it
    """
    return np.array([radar.place for radar in site.radars if not radar.mode_s], np.float64).reshape(-1, 3)


def burn_out(effector: Effector) -> float:
    """How far from the effector its effect goes on, until burn-out or self-destruct [m]."""
    if not math.isfinite(effector.speed):
        return LIGHT_REACH
    return effector.speed * effector.self_destruct_s if math.isfinite(effector.self_destruct_s) else effector.reach_max


@njit(cache=True, error_model="numpy")
def _earliest(
    path: Array, height: Array, place: Array, speed: float, reaction: float, reach_min: float, reach_max: float,
    height_min: float,
) -> tuple[int, float]:
    """First point of a path that the effect can get to, leaving no sooner than `reaction` from now,
    and its distance [m]; -1 none.
    """
    for k in range(path.shape[0]):
        x, y, z = path[k, 0] - place[0], path[k, 1] - place[1], path[k, 2] - place[2]
        reach = math.sqrt(x * x + y * y + z * z)
        if z > 0.0 and height[
                k] >= height_min and reach_min <= reach <= reach_max and k * STEP - reach / speed >= reaction:
            return k, reach
    return -1, math.inf


@njit(cache=True, error_model="numpy")
def _windows(
    path: Array, height: Array, points: Array, declared: Array, reaction: Array
) -> tuple[Array, Array, Array, Array]:
    """(n, m) `_earliest` for every pair, when the effect leaves and when it would leave latest [s],
    and the chance to stop the round.
    """
    n, m = path.shape[0], declared.shape[0]
    index, leaves, last, stops = np.full((n, m), -1, np.int64), np.full((n, m), np.nan), np.full((n, m),
        np.nan), np.zeros((n, m))
    for i in range(n):
        for e in range(m):
            px, py, pz, speed, nearest, farthest = declared[e, 0], declared[e, 1], declared[e, 2], declared[e,
                3], declared[e, 4], declared[e, 5]
            far = min(farthest, declared[e, 6])
            for k in range(points[i]):
                x, y, z = path[i, k, 0] - px, path[i, k, 1] - py, path[i, k, 2] - pz
                reach = math.sqrt(x * x + y * y + z * z)
                if z > 0.0 and height[i, k] >= declared[e, 7] and nearest <= reach <= far:
                    leave = k * STEP - reach / speed
                    if not last[i, e] >= leave:
                        last[i, e] = leave
                    if index[i, e] < 0 and leave >= reaction[i, e]:
                        index[i, e], leaves[i, e] = k, leave
                        a = max(min(k, points[i] - 2), 0)
                        b = min(a + 1, points[i] - 1)
                        vx, vy, vz = path[i, b, 0] - path[i, a, 0], path[i, b, 1] - path[i, a, 1], path[i, b,
                            2] - path[i, a, 2]
                        stops[i, e] = chance(x, y, z, vx / STEP, vy / STEP, vz / STEP, nearest, farthest,
                            declared[e, 8], declared[e, 9])
    return index, leaves, last, stops


@njit(cache=True, error_model="numpy")
def _sweep(
    path: Array, first: float, last: float, place: Array, far: float, nearest: float, covariance: Array,
    drag_sigma: float, radars: Array,
) -> tuple[Array, float]:
    """(LINES, 3) ends, `far` [m] off, of lines through the path from `first` to `last` seconds on;
    and how far beside the triangles between them the track can be [rad], seen from `place` and
    from no nearer than `nearest` [m]: the path bends, the track is not known exactly, a radar
    may be misaligned.
    """
    ends, bulge, doubt, before, then = np.empty((LINES, 3)), 0.0, 0.0, 0.0, path[0]
    for j in range(LINES):
        after = first + (last - first) * j / (LINES - 1)
        at = min(max(after / STEP, 0.0), path.shape[0] - 1.0)
        low = int(at)
        high = min(low + 1, path.shape[0] - 1)
        here = path[low] + (at - low) * (path[high] - path[low])
        along = here - place
        away = math.sqrt((along * along).sum())
        ends[j] = place + along * (far / max(away, 1e-9))
        if j > 0:
            chord = ends[j] - ends[j - 1]
            # at its end the triangle is short of the arc
            beyond = 1.0 - math.sqrt(max(1.0 - 0.25 * (chord * chord).sum() / (far * far), 0.0))
            bulge = max(bulge, beyond + _bend(path, before, at, then, here, place))
        before, then = at, here
        # no variance in any direction is more than the largest row sum of the matrix
        most, slip = 0.0, 0.0
        for a in range(3):
            row = 0.0
            for b in range(3):
                row += abs(covariance[a, b] + after * (covariance[a, 3 + b] + covariance[3 + a, b])
                    + after * after * covariance[3 + a, 3 + b])
            most = max(most, row)
        for r in range(radars.shape[0]):
            off = radars[r] - here
            slip = max(slip, MISALIGNED * math.sqrt((off * off).sum()))
        # not `max`: what is not a number is not small
        wide = (SIGMAS * math.hypot(math.sqrt(most), 0.5 * after * after * drag_sigma) + slip) / max(away, nearest, 1.0)
        doubt = doubt if wide <= doubt else wide
    return ends, bulge + doubt if doubt < math.inf else math.inf


@njit(cache=True, error_model="numpy")
def _bend(path: Array, before: float, at: float, a: Array, b: Array, place: Array) -> float:
    """The widest angle, seen from `place`, by which a path's points between two of its places a and
    b leave the line between these [rad].
    """
    widest, line = 0.0, b - a
    length2 = max((line * line).sum(), 1e-12)
    for k in range(math.ceil(before), int(at) + 1):
        off = path[k] - a
        off = off - min(max((off * line).sum() / length2, 0.0), 1.0) * line
        away = path[k] - place
        widest = max(widest, math.sqrt((off * off).sum() / max((away * away).sum(), 1.0)))
    return widest


def air_of(site: Site, frame: Frame) -> Air:
    """The air as the frame's weather says it is.

    site  the site as its defender declared it
    """
    w = frame.weather
    up, wind = (np.ascontiguousarray(column, np.float64).tobytes() for column in (w.up, w.wind))
    return _air(site, up, wind, w.temperature_offset, w.pressure_ratio)


@lru_cache(maxsize=16)
def _air(site: Site, up: bytes, wind: bytes, offset: float, ratio: float) -> Air:
    return with_weather(site.air, np.frombuffer(up).copy(), np.frombuffer(wind).reshape(-1, 2).copy(), offset, ratio)


@njit(cache=True, error_model="numpy")
def _fly(
    states: Array, sigmas: Array, laws: Array, ground: Ground, drags: Drags, air: Air, earth: Earth, step: float,
    steps: int,
) -> tuple[Array, Array, Array, Array]:
    """(n, steps + 1, 3) positions of projectiles from now on, every `step` seconds, their heights
    (n, steps + 1), and how many of them come before one is less than LEAST_HEIGHT above the
    ground; behind that they are not filled.

    Fourth, what `sigma` of the inverse ballistic coefficient makes of the acceleration now [m/s²].
    """
    n = states.shape[0]
    out, height = np.zeros((n, steps + 1, 3)), np.zeros((n, steps + 1))
    points, pull = np.zeros(n, np.int64), np.empty(n)
    for i in range(n):
        x, y, z, vx, vy, vz = states[i, 0], states[i, 1], states[i, 2], states[i, 3], states[i, 4], states[i, 5]
        law, inverse = laws[i], max(states[i, 6], 0.0)
        bx, by, bz = acceleration(x, y, z, vx, vy, vz, law, inverse + sigmas[i], 0.0, 0.0, drags, air, earth)
        for k in range(steps + 1):
            up = z - ground_up(ground, x, y)
            ax, ay, az = acceleration(x, y, z, vx, vy, vz, law, inverse, 0.0, 0.0, drags, air, earth)
            if k == 0:
                pull[i] = math.sqrt((bx - ax) ** 2 + (by - ay) ** 2 + (bz - az) ** 2)
            if not up >= LEAST_HEIGHT:
                break
            out[i, k, 0], out[i, k, 1], out[i, k, 2] = x, y, z
            height[i, k] = up
            points[i] = k + 1
            # midpoint rule: metres over a minute, far inside the margins kept
            h = 0.5 * step
            mx, my, mz, ux, uy, uz = x + h * vx, y + h * vy, z + h * vz, vx + h * ax, vy + h * ay, vz + h * az
            ax, ay, az = acceleration(mx, my, mz, ux, uy, uz, law, inverse, 0.0, 0.0, drags, air, earth)
            x, y, z = x + step * ux, y + step * uy, z + step * uz
            vx, vy, vz = vx + step * ax, vy + step * ay, vz + step * az
    return out, height, points, pull
