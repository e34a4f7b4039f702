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
SIGMAS = 5.0            # of the track's position at the interception
MISALIGNED = 0.009      # rad, half a degree: a radar's north may be off so far without being doubted, and all it sees with it
LEAST_HEIGHT = 30.0     # m above the ground: no interception below
LINES = 13              # between the first and the last direction of an engagement
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
    speed: float = math.inf     # with which the effect goes along the lines [m/s]; inf: it is everywhere on them at once
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
    """(n,) which tracks are surely projectiles, however they look: what answers to an aircraft's address never is."""
    return np.asarray((tracks.kind[:, PROJECTILE] >= site.policy.projectile_probability) & (tracks.address == NO_ADDRESS))


def look_ahead(row: int, picture: Picture, frame: Frame, site: Site) -> Ahead:
    """The future of a track (row of the picture's tracks), flown with its own drag through the air believed."""
    tracks = picture.tracks
    sigma = math.sqrt(max(float(tracks.covariance[row, 6, 6]), 0.0))
    path, height, doubt = _fly(
        tracks.state[row], sigma, int(tracks.law[row]), site.ground, site.drags, air_of(site, frame), site.earth, STEP, int(LOOK_AHEAD / STEP))
    below = np.flatnonzero(~(height >= LEAST_HEIGHT))
    end = int(below[0]) if below.size else len(path)
    return Ahead(frame.t, path[:end], height[:end], tracks.covariance[row, :6, :6], doubt, radar_places(site))


def velocity_at(ahead: Ahead, t: float) -> Array:
    """(3,) velocity of the track on its path at time t [m/s]; 0 where the path is a point."""
    if len(ahead.path) < 2:
        return np.zeros(3)
    k = min(max(int((t - ahead.t) / STEP), 0), len(ahead.path) - 2)
    return np.asarray((ahead.path[k + 1] - ahead.path[k]) / STEP)


def space_of(ahead: Ahead, effector: Effector) -> Space | None:
    """The earliest engagement of a track by an effector; None where it is never within reach in time."""
    far = burn_out(effector)
    k, reach = _earliest(
        ahead.path, ahead.height, effector.place, effector.speed, effector.reaction_s, effector.reach_min, min(effector.reach_max, far), effector.height_min)
    if k < 0:
        return None
    when = k * STEP
    leaves = when - reach / effector.speed      # light: at once
    steers = effector.kind == "interceptor"
    # a gun and a beam follow the track while they last; an interceptor may steer from where the track was to where it is met
    first, last = (leaves, when) if steers else (when, when + effector.engagement_s)
    lasts = far / effector.speed + (0.0 if steers else effector.engagement_s)
    ends, half_a_line, doubt = _sweep(ahead.path, first / STEP, last / STEP, effector.place, far, ahead.covariance, ahead.drag_sigma, last)
    return Space(
        ahead.t + leaves, ahead.t + when, ahead.t + max(leaves + lasts, when, leaves + STEP), effector.place, ahead.path[k], float(ahead.height[k]), ends,
        WIDTH + (doubt + slip(ahead.path[k], ahead.radars)) / max(reach, 1.0) + half_a_line, effector.speed, 0.0 if steers else effector.engagement_s)


def slip(place: Array, radars: Array) -> float:
    """How far a place may be off because a radar that saw it is misaligned [m]."""
    away = radars - place
    return MISALIGNED * math.sqrt(float((away * away).sum(axis=1).max(initial=0.0)))


@lru_cache(maxsize=8)
def radar_places(site: Site) -> Array:
    """(r, 3) places of the radars that see more than transponders [m]."""
    return np.array([radar.place for radar in site.radars if not radar.mode_s], np.float64).reshape(-1, 3)


def burn_out(effector: Effector) -> float:
    """How far from the effector its effect goes on, until burn-out or self-destruct [m]."""
    if not math.isfinite(effector.speed):
        return LIGHT_REACH
    return effector.speed * effector.self_destruct_s if math.isfinite(effector.self_destruct_s) else effector.reach_max


@njit(cache=True, error_model="numpy")
def _earliest(
    path: Array, height: Array, place: Array, speed: float, reaction: float, reach_min: float, reach_max: float, height_min: float,
) -> tuple[int, float]:
    """First point of a path that the effect can get to, leaving no sooner than `reaction` from now, and its distance [m]; -1 none."""
    for k in range(path.shape[0]):
        x, y, z = path[k, 0] - place[0], path[k, 1] - place[1], path[k, 2] - place[2]
        reach = math.sqrt(x * x + y * y + z * z)
        if z > 0.0 and height[k] >= height_min and reach_min <= reach <= reach_max and k * STEP - reach / speed >= reaction:
            return k, reach
    return -1, math.inf


@njit(cache=True, error_model="numpy")
def _sweep(
    path: Array, first: float, last: float, place: Array, far: float, covariance: Array, drag_sigma: float, after: float,
) -> tuple[Array, float, float]:
    """(LINES, 3) ends, `far` [m] off, of lines through the path from point `first` to point `last`, half the widest angle between two of them [rad],
    and how far off the path the track can be `after` seconds from now [m].
    """
    ends, widest = np.empty((LINES, 3)), 0.0
    for j in range(LINES):
        at = min(max(first + (last - first) * j / (LINES - 1), 0.0), path.shape[0] - 1.0)
        low = int(at)
        high = min(low + 1, path.shape[0] - 1)
        along = path[low] + (at - low) * (path[high] - path[low]) - place
        ends[j] = place + along * (far / max(math.sqrt((along * along).sum()), 1e-9))
        if j > 0:
            chord = ends[j] - ends[j - 1]
            widest = max(widest, 2.0 * math.asin(min(0.5 * math.sqrt((chord * chord).sum()) / far, 1.0)))
    # the largest variance in any direction is no more than the largest row sum of the matrix
    most = 0.0
    for i in range(3):
        row = 0.0
        for j in range(3):
            row += abs(covariance[i, j] + after * (covariance[i, 3 + j] + covariance[3 + i, j]) + after * after * covariance[3 + i, 3 + j])
        most = max(most, row)
    doubt = SIGMAS * math.hypot(math.sqrt(most), 0.5 * after * after * drag_sigma)
    return ends, 0.5 * widest, doubt if doubt < math.inf else math.inf


def air_of(site: Site, frame: Frame) -> Air:
    """The air as the frame's weather says it is."""
    w = frame.weather
    up, wind = (np.ascontiguousarray(column, np.float64).tobytes() for column in (w.up, w.wind))
    return _air(site, up, wind, w.temperature_offset, w.pressure_ratio)


@lru_cache(maxsize=16)
def _air(site: Site, up: bytes, wind: bytes, offset: float, ratio: float) -> Air:
    return with_weather(site.air, np.frombuffer(up).copy(), np.frombuffer(wind).reshape(-1, 2).copy(), offset, ratio)


@njit(cache=True, error_model="numpy")
def _fly(
    state: Array, sigma: float, law: int, ground: Ground, drags: Drags, air: Air, earth: Earth, step: float, steps: int,
) -> tuple[Array, Array, float]:
    """(steps + 1, 3) positions of a projectile from now on, every `step` seconds, and their heights; it stays where it has come under the ground.

    Third, what `sigma` of its inverse ballistic coefficient makes of its acceleration now [m/s²].
    """
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
    x, y, z, vx, vy, vz = state[0], state[1], state[2], state[3], state[4], state[5]
    ax, ay, az = acceleration(x, y, z, vx, vy, vz, law, inverse, 0.0, 0.0, drags, air, earth)
    bx, by, bz = acceleration(x, y, z, vx, vy, vz, law, inverse + sigma, 0.0, 0.0, drags, air, earth)
    return out, height, math.sqrt((bx - ax) ** 2 + (by - ay) ** 2 + (bz - az) ** 2)
