"""Is a simulated engagement safe for every aircraft and for the people below? Default: no. Every answer carries its evidence."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.ballistics.air import Air
from skywarden.ballistics.drag import Drags
from skywarden.ballistics.flight import Earth, acceleration
from skywarden.geometry.polygon import distance
from skywarden.messages.drill import (
    AIRCRAFT_NEAR,
    CLEAR_TO_ENGAGE,
    FALLOUT,
    NO_FIRE_ARC,
    OUT_OF_REACH,
    SENSORS_DOUBTFUL,
    UNKNOWN_NEAR,
    Clearance,
)
from skywarden.messages.frame import NO_ADDRESS, Frame
from skywarden.messages.picture import AIRCRAFT, PROJECTILE, Picture
from skywarden.site.model import Effector, Site

Array = NDArray[Any]

SIGMAS = 4.0            # of an aircraft's position, within its reachable tube
MANOEUVRE = 15.0        # m/s², 1.5 g in any direction: harder than any civil aircraft turns or climbs
LEAST_SIGMA = 50.0      # m, of a report whose accuracy is unknown
NACP_RADIUS = (0.0, 18_520.0, 7_408.0, 3_704.0, 1_852.0, 926.0, 555.6, 185.2, 92.6, 30.0, 10.0, 3.0)   # m, 95 %, by NACp (DO-260B)
STEP = 0.25             # s between the moments at which tubes and the engagement's space are compared
LIGHT_REACH = 20_000.0  # m, how far directed energy is taken to go on
LOW = 250.0             # m above the ground: below it, fragments over people are refused
FRAGMENTS = 150.0       # m around the point of interception that fragments are taken to reach
LOOK_AHEAD = 60.0       # s of flight examined


class Space(NamedTuple):
    """What an engagement would occupy: a straight corridor, from now until burn-out or self-destruct."""

    t_from: float
    t_hit: float
    t_to: float
    start: Array        # (3,) effector [m]
    hit: Array          # (3,) where it would meet the track [m]
    end: Array          # (3,) where burn-out or self-destruct ends it [m]


class Tubes(NamedTuple):
    """Where each aircraft, or what may be one, can be: a growing ball about its dead reckoning."""

    number: Array       # (n,) track number; -1 a report no track belongs to
    unknown: Array      # (n,) bool, not known to be an aircraft
    t: Array            # (n,) of the position [s]
    position: Array     # (n, 3) [m]
    velocity: Array     # (n, 3) [m/s]; zero where unknown
    radius: Array       # (n,) at t [m]
    speed_sigma: Array  # (n,) uncertainty of the velocity [m/s]


def clear(row: int, effector: int, space: Space | None, tubes: Tubes, frame: Frame, picture: Picture, site: Site) -> Clearance:
    """The clearance, given or refused, for one track (row of the picture's tracks) and one effector."""
    t, track = frame.t, int(picture.tracks.number[row])

    def answer(reason: str, until: float = math.nan, aircraft: int = -1, gap: float = math.inf) -> Clearance:
        window = (t, t) if space is None else (space.t_from, space.t_to)
        return Clearance(track, effector, *window, reason == CLEAR_TO_ENGAGE, reason, until, aircraft, gap)

    if any(picture.health.radars[k] != 0 for k, radar in enumerate(site.radars) if not radar.mode_s):
        return answer(SENSORS_DOUBTFUL)
    if space is None:
        return answer(OUT_OF_REACH, t + 1.0)
    declared = site.effectors[effector]
    bearing = math.atan2(space.hit[0] - space.start[0], space.hit[1] - space.start[1])
    if (bearing - declared.azimuth_from) % (2.0 * math.pi) > declared.azimuth_width + 1e-9:
        return answer(NO_FIRE_ARC)
    near, gap = closest(space, tubes)
    if gap < site.policy.safety_distance:
        return answer(UNKNOWN_NEAR if tubes.unknown[near] else AIRCRAFT_NEAR, t + 1.0, int(tubes.number[near]), gap)
    for zone in site.zones:
        if zone.people > 0.0 and space.hit[2] < LOW and distance(zone.polygon, space.hit[0], space.hit[1]) <= FRAGMENTS:
            return answer(FALLOUT)
    return answer(CLEAR_TO_ENGAGE, aircraft=int(tubes.number[near]) if near >= 0 else -1, gap=gap)


def space_of(row: int, effector: Effector, picture: Picture, site: Site, air: Air, t: float) -> Space | None:
    """The earliest engagement of a track by an effector; None where it is never within reach."""
    tracks = picture.tracks
    path = ahead(tracks.state[row], int(tracks.law[row]), site.drags, air, site.earth, STEP, int(LOOK_AHEAD / STEP))
    gap = path - effector.place
    reach = np.sqrt((gap**2).sum(axis=1))
    ready = effector.reaction_s + (reach / effector.speed if math.isfinite(effector.speed) else 0.0)
    when = np.arange(len(path)) * STEP
    possible = np.flatnonzero((when >= ready) & (reach >= effector.reach_min) & (reach <= effector.reach_max) & (path[:, 2] > effector.place[2]))
    if possible.size == 0:
        return None
    k = int(possible[0])
    direction = gap[k] / reach[k]
    far = LIGHT_REACH if not math.isfinite(effector.speed) else effector.reach_max
    end = effector.place + direction * max(far, reach[k])
    rest = (far - reach[k]) / effector.speed if math.isfinite(effector.speed) else 0.0
    return Space(t, t + when[k], t + when[k] + max(rest, 0.0) + STEP, effector.place, path[k], end)


def tubes_of(frame: Frame, picture: Picture, site: Site) -> Tubes:
    """Every aircraft, and everything not surely a projectile, as a reachable tube."""
    tracks, reports = picture.tracks, frame.aircraft
    maybe = np.flatnonzero(tracks.kind[:, PROJECTILE] < site.policy.projectile_probability)
    spread = np.sqrt(np.maximum(np.linalg.eigvalsh(tracks.covariance[maybe][:, :3, :3])[:, -1], 0.0)) if maybe.size else np.zeros(0)
    pace = np.sqrt(np.maximum(np.linalg.eigvalsh(tracks.covariance[maybe][:, 3:6, 3:6])[:, -1], 0.0)) if maybe.size else np.zeros(0)
    known = set(tracks.address[tracks.address != NO_ADDRESS].tolist())
    alone = np.array([
        k for k in range(reports.t.size)
        if int(reports.address[k]) not in known and np.isfinite(reports.position[k]).all() and not reports.on_ground[k]], np.int64)
    velocity = np.where(np.isfinite(reports.velocity[alone]), reports.velocity[alone], 0.0)
    blind = np.where(np.isfinite(reports.velocity[alone]).all(axis=1), 10.0, 100.0)
    accuracy = np.array([NACP_RADIUS[n] if 1 <= n < len(NACP_RADIUS) else SIGMAS * LEAST_SIGMA for n in reports.nacp[alone].tolist()])
    return Tubes(
        np.concatenate([tracks.number[maybe], np.full(alone.size, -1)]), np.concatenate([tracks.kind[maybe, AIRCRAFT] < 0.5, np.zeros(alone.size, bool)]),
        np.concatenate([np.full(maybe.size, frame.t), reports.t[alone]]), np.concatenate([tracks.state[maybe, :3], reports.position[alone]]),
        np.concatenate([tracks.state[maybe, 3:6], velocity]), np.concatenate([SIGMAS * spread, 2.0 * accuracy]), np.concatenate([SIGMAS * pace, blind]))


def closest(space: Space, tubes: Tubes) -> tuple[int, float]:
    """The tube that comes nearest to the engagement's space while it lasts, and by how much [m]; -1 and inf where there is none.

    The corridor counts as occupied along its whole length from the order to its end: the margin of not modelling how it fills.
    """
    if tubes.number.size == 0:
        return -1, math.inf
    gaps = _gaps(space.start, space.end, space.t_from, space.t_to, tubes.t, tubes.position, tubes.velocity, tubes.radius, tubes.speed_sigma)
    near = int(np.argmin(gaps))
    return near, float(gaps[near])


@njit(cache=True, error_model="numpy")
def _gaps(start: Array, end: Array, t_from: float, t_to: float, t: Array, position: Array, velocity: Array, radius: Array, pace: Array) -> Array:
    """(n,) least distance from each tube to the segment over the window [m]; negative where it reaches in."""
    n = t.shape[0]
    out = np.full(n, np.inf)
    steps = min(math.ceil((t_to - t_from) / STEP), 2000)
    d = end - start
    length2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    for i in range(n):
        speed = math.sqrt(velocity[i, 0] ** 2 + velocity[i, 1] ** 2 + velocity[i, 2] ** 2)
        for k in range(steps + 1):
            dt = t_from + k * STEP - t[i]
            x = position[i, 0] + velocity[i, 0] * dt - start[0]
            y = position[i, 1] + velocity[i, 1] * dt - start[1]
            z = position[i, 2] + velocity[i, 2] * dt - start[2]
            f = 0.0 if length2 == 0.0 else min(max((x * d[0] + y * d[1] + z * d[2]) / length2, 0.0), 1.0)
            gap = math.sqrt((x - f * d[0]) ** 2 + (y - f * d[1]) ** 2 + (z - f * d[2]) ** 2)
            # half a step of motion between the moments looked at belongs to the tube
            grown = radius[i] + pace[i] * abs(dt) + 0.5 * MANOEUVRE * dt * dt + 0.5 * STEP * speed
            out[i] = min(out[i], gap - grown)
    return out


@njit(cache=True, error_model="numpy")
def ahead(state: Array, law: int, drags: Drags, air: Air, earth: Earth, step: float, steps: int) -> Array:
    """(steps + 1, 3) positions of a projectile from now on, every `step` seconds; it stays where it has come down below the origin's height - 1 km."""
    out = np.empty((steps + 1, 3))
    x, y, z, vx, vy, vz = state[0], state[1], state[2], state[3], state[4], state[5]
    inverse = max(state[6], 0.0)
    out[0, 0], out[0, 1], out[0, 2] = x, y, z
    for k in range(steps):
        if z > -1000.0:
            # midpoint rule: metres over a minute, far inside the tubes' own margins
            ax, ay, az = acceleration(x, y, z, vx, vy, vz, law, inverse, 0.0, 0.0, drags, air, earth)
            h = 0.5 * step
            mx, my, mz, ux, uy, uz = x + h * vx, y + h * vy, z + h * vz, vx + h * ax, vy + h * ay, vz + h * az
            ax, ay, az = acceleration(mx, my, mz, ux, uy, uz, law, inverse, 0.0, 0.0, drags, air, earth)
            x, y, z = x + step * ux, y + step * uy, z + step * uz
            vx, vy, vz = vx + step * ax, vy + step * ay, vz + step * az
        out[k + 1, 0], out[k + 1, 1], out[k + 1, 2] = x, y, z
    return out
