"""What a simulated engagement would occupy: where a track could be met, and the lines along which the effect would fly until it burns out."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.ballistics.air import Air, with_weather
from skywarden.ballistics.drag import Drags
from skywarden.ballistics.flight import Earth, acceleration
from skywarden.geometry.ground import Ground, ground_up
from skywarden.messages.frame import NO_ADDRESS, Frame
from skywarden.messages.picture import PROJECTILE, Picture, Tracks
from skywarden.site.model import Effector, Site

Array = NDArray[Any]

STEP = 0.25             # s between points of a predicted path
LOOK_AHEAD = 45.0       # s of flight examined
LIGHT_REACH = 20_000.0  # m, how far directed energy is taken to go on
SIGMAS = 4.0            # of the track's position at the interception
LEAST_HEIGHT = 30.0     # m above the ground: no interception below
LINES = 9               # between the first and the last direction of an engagement
WIDTH = 0.005           # rad, half the opening of the cone about each line: dispersion


class Space(NamedTuple):
    """Straight lines from the effector, opening to cones, occupied from `t_from` until burn-out or self-destruct at `t_to`."""

    t_from: float       # the effect leaves the effector [s]
    t_hit: float        # it would meet the track [s]
    t_to: float
    start: Array        # (3,) effector [m]
    hit: Array          # (3,) where it would meet the track [m]
    hit_height: float   # that, above the ground [m]
    ends: Array         # (lines, 3) where burn-out or self-destruct ends each line [m]
    spread: float       # half the opening of each cone [rad]


class Ahead(NamedTuple):
    """Where a track will be."""

    t: float            # now [s]
    path: Array         # (k, 3) every STEP from now on [m], as long as it is above LEAST_HEIGHT over the ground
    height: Array       # (k,) above the ground [m]
    place_sigma: float  # of its position now, along the longest axis [m]
    pace_sigma: float   # of its velocity [m/s]


def surely_projectiles(tracks: Tracks, site: Site) -> Array:
    """(n,) which tracks are surely projectiles, however they look: what answers to an aircraft's address never is."""
    return np.asarray((tracks.kind[:, PROJECTILE] >= site.policy.projectile_probability) & (tracks.address == NO_ADDRESS))


def look_ahead(row: int, picture: Picture, frame: Frame, site: Site) -> Ahead:
    """The future of a track (row of the picture's tracks), flown with its own drag through the air believed."""
    tracks = picture.tracks
    path, height = _fly(tracks.state[row], int(tracks.law[row]), site.ground, site.drags, air_of(site, frame), site.earth, STEP, int(LOOK_AHEAD / STEP))
    below = np.flatnonzero(~(height >= LEAST_HEIGHT))
    end = int(below[0]) if below.size else len(path)
    spread = [float(np.sqrt(max(np.linalg.eigvalsh(c)[-1], 0.0))) for c in (tracks.covariance[row, :3, :3], tracks.covariance[row, 3:6, 3:6])]
    return Ahead(frame.t, path[:end], height[:end], *spread)


def space_of(ahead: Ahead, effector: Effector) -> Space | None:
    """The earliest engagement of a track by an effector; None where it is never within reach in time."""
    gap = ahead.path - effector.place
    reach = np.sqrt((gap**2).sum(axis=1))
    when = np.arange(len(reach)) * STEP
    leaves = when - (reach / effector.speed if math.isfinite(effector.speed) else 0.0)
    possible = np.flatnonzero((leaves >= effector.reaction_s) & (reach >= effector.reach_min) & (reach <= effector.reach_max) & (gap[:, 2] > 0.0))
    if possible.size == 0:
        return None
    k = int(possible[0])
    t_from, t_hit = ahead.t + float(leaves[k]), ahead.t + float(when[k])
    light = not math.isfinite(effector.speed)
    far = LIGHT_REACH if light else effector.reach_max
    # a gun and a beam follow the track while they last; an interceptor may steer from where the track was to where it is met
    first, last = (float(leaves[k]), float(when[k])) if effector.kind == "interceptor" else (float(when[k]), float(when[k]) + effector.engagement_s)
    t_to = t_from + (0.0 if light else far / effector.speed) + (0.0 if effector.kind == "interceptor" else effector.engagement_s)
    aims = _between(ahead.path, first, last)
    along = aims - effector.place
    ends = effector.place + along / np.maximum(np.sqrt((along**2).sum(axis=1, keepdims=True)), 1e-9) * far
    half_a_line = 0.5 * float(np.sqrt(((ends[1:] - ends[:-1]) ** 2).sum(axis=1)).max(initial=0.0)) / far
    doubt = SIGMAS * (ahead.place_sigma + last * ahead.pace_sigma) / max(float(reach[k]), 1.0)
    return Space(
        t_from, t_hit, max(t_to, t_hit, t_from + STEP), effector.place, ahead.path[k], float(ahead.height[k]), np.ascontiguousarray(ends),
        WIDTH + doubt + half_a_line)


def _between(path: Array, first: float, last: float) -> Array:
    """(LINES, 3) points of a path from `first` to `last` [s], none beyond its end."""
    at = np.clip(np.linspace(first, last, LINES) / STEP, 0.0, len(path) - 1.0)
    low = np.minimum(at.astype(np.int64), max(len(path) - 2, 0))
    share = (at - low)[:, None]
    return np.asarray(path[low] + share * (path[np.minimum(low + 1, len(path) - 1)] - path[low]))


def air_of(site: Site, frame: Frame) -> Air:
    """The air as the frame's weather says it is."""
    w = frame.weather
    up, wind = (np.ascontiguousarray(column, np.float64).tobytes() for column in (w.up, w.wind))
    return _air(site, up, wind, w.temperature_offset, w.pressure_ratio)


@lru_cache(maxsize=16)
def _air(site: Site, up: bytes, wind: bytes, offset: float, ratio: float) -> Air:
    return with_weather(site.air, np.frombuffer(up).copy(), np.frombuffer(wind).reshape(-1, 2).copy(), offset, ratio)


@njit(cache=True, error_model="numpy")
def _fly(state: Array, law: int, ground: Ground, drags: Drags, air: Air, earth: Earth, step: float, steps: int) -> tuple[Array, Array]:
    """(steps + 1, 3) positions of a projectile from now on, every `step` seconds, and their heights; it stays where it has come under the ground."""
    out, height = np.empty((steps + 1, 3)), np.empty(steps + 1)
    x, y, z, vx, vy, vz = state[0], state[1], state[2], state[3], state[4], state[5]
    inverse = max(state[6], 0.0)
    out[0, 0], out[0, 1], out[0, 2] = x, y, z
    height[0] = z - ground_up(ground, x, y)
    for k in range(steps):
        if height[k] > 0.0:
            # midpoint rule: metres over a minute, far inside the margins kept
            ax, ay, az = acceleration(x, y, z, vx, vy, vz, law, inverse, 0.0, 0.0, drags, air, earth)
            h = 0.5 * step
            mx, my, mz, ux, uy, uz = x + h * vx, y + h * vy, z + h * vz, vx + h * ax, vy + h * ay, vz + h * az
            ax, ay, az = acceleration(mx, my, mz, ux, uy, uz, law, inverse, 0.0, 0.0, drags, air, earth)
            x, y, z = x + step * ux, y + step * uy, z + step * uz
            vx, vy, vz = vx + step * ax, vy + step * ay, vz + step * az
        out[k + 1, 0], out[k + 1, 1], out[k + 1, 2] = x, y, z
        height[k + 1] = z - ground_up(ground, x, y)
    return out, height
