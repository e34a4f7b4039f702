"""Is a simulated engagement safe for every aircraft and for the people below? Default: no. Every answer carries its evidence."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

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
from skywarden.messages.frame import NO_ADDRESS, Aircraft, Frame
from skywarden.messages.picture import AIRCRAFT, Picture
from skywarden.messages.tables import join, take
from skywarden.rehearsal.space import Space, surely_projectiles
from skywarden.site.model import Site

Array = NDArray[Any]

SIGMAS = 4.0            # of an aircraft's position and velocity, within its reachable tube
MANOEUVRE = 15.0        # m/s², 1.5 g in any direction, speed changes included: harder than any civil aircraft turns, climbs or brakes
REPORT_RADIUS = 200.0   # m, about a report whose accuracy is unknown
REPORT_PACE = 10.0      # m/s, doubt of a reported velocity
BLIND_PACE = 300.0      # m/s, of one that was not reported: an airliner at height with the wind behind it
NACP_RADIUS = (0.0, 18_520.0, 7_408.0, 3_704.0, 1_852.0, 926.0, 555.6, 185.2, 92.6, 30.0, 10.0, 3.0)   # m, 95 %, by NACp (DO-260B)
BEYOND_95 = 2.0         # times that radius are taken
REMEMBERED = 20.0       # s, a report counts on when no track took it over
STEP = 0.25             # s between the moments at which tubes and the engagement's space are compared
LOW = 250.0             # m above the ground: an interception below it, over people, is refused for what falls from it
FRAGMENTS = 150.0       # m around the place below the interception that fragments are taken to reach
ASK_AGAIN = 1.0         # s
AHEAD = 6.0             # s before an effector must react that a clearance is worked out: time for a person to consent


class Tubes(NamedTuple):
    """Where each aircraft, or what may be one, can be: a growing ball about its dead reckoning."""

    number: Array       # (n,) track number; -1 a report no track belongs to
    unknown: Array      # (n,) bool, not known to be an aircraft
    t: Array            # (n,) of the position [s]
    seen: Array         # (n,) last seen or heard: it may have manoeuvred since [s]
    position: Array     # (n, 3) [m]; up is nan where the height is unknown: then it may be at any
    velocity: Array     # (n, 3) [m/s]; zero where unknown
    radius: Array       # (n,) at t [m]
    pace: Array         # (n,) doubt of the velocity, the radius grows by it [m/s]


def clear(row: int, effector: int, space: Space, tubes: Tubes, frame: Frame, picture: Picture, site: Site) -> Clearance:
    """The clearance, given or refused, for one track (row of the picture's tracks) and one effector."""
    track = int(picture.tracks.number[row])

    def answer(reason: str, until: float = math.nan, aircraft: int = -1, gap: float = math.inf) -> Clearance:
        return Clearance(track, effector, space.t_from, space.t_to, reason == CLEAR_TO_ENGAGE, reason, until, aircraft, gap, space.t_hit)

    if sensors_doubtful(picture):
        return answer(SENSORS_DOUBTFUL, frame.t + ASK_AGAIN)
    if not _in_sector(space, site.effectors[effector].azimuth_from, site.effectors[effector].azimuth_width):
        return answer(NO_FIRE_ARC)
    if space.t_from - frame.t > site.effectors[effector].reaction_s + AHEAD:
        return answer(OUT_OF_REACH, space.t_from - site.effectors[effector].reaction_s - AHEAD)
    near, gap = closest(space, tubes)
    number = int(tubes.number[near]) if near >= 0 else -1
    # not `>=`: a gap that is not a number is no gap
    if not gap >= site.policy.safety_distance:
        return answer(UNKNOWN_NEAR if tubes.unknown[near] else AIRCRAFT_NEAR, frame.t + ASK_AGAIN, number, gap)
    if falls_on_people(space, site):
        return answer(FALLOUT)
    return answer(CLEAR_TO_ENGAGE, aircraft=number, gap=gap)


def sensors_doubtful(picture: Picture) -> bool:
    """Whether any radar of the site is silent or doubtful: who may not see every aircraft does not engage."""
    return bool((picture.health.radars != 0).any())


def falls_on_people(space: Space, site: Site) -> bool:
    """Whether the interception would be low over people; fragments from higher up are not judged."""
    return space.hit_height < LOW and any(zone.people > 0.0 and distance(zone.polygon, space.hit[0], space.hit[1]) <= FRAGMENTS for zone in site.zones)


def _in_sector(space: Space, azimuth_from: float, width: float) -> bool:
    if width >= 2.0 * math.pi - 1e-9:
        return True
    bearing = np.arctan2(space.ends[:, 0] - space.start[0], space.ends[:, 1] - space.start[1])
    inside = (bearing - azimuth_from) % (2.0 * math.pi)
    return bool(((inside >= space.spread) & (inside <= width - space.spread)).all())


def remembered(before: Aircraft, frame: Frame) -> Aircraft:
    """The newest report of every address, those of this frame first of all; none older than REMEMBERED."""
    new = frame.aircraft
    if not new.t.size and not before.t.size:
        return before
    every = join(before, new)
    every = take(every, np.flatnonzero((every.t >= frame.t - REMEMBERED) & np.isfinite(every.position[:, :2]).all(axis=1)))
    order = np.argsort(every.t, kind="stable")[::-1]
    _, newest = np.unique(every.address[order], return_index=True)
    keep = order[newest]
    # what has no address cannot be told apart: all of this frame's
    nameless = np.flatnonzero((every.address == NO_ADDRESS) & (every.t > frame.t - 1.0))
    return take(every, np.sort(np.concatenate([keep[every.address[keep] != NO_ADDRESS], nameless])))


def tubes_of(reports: Aircraft, frame: Frame, picture: Picture, site: Site) -> Tubes:
    """Every aircraft, and everything not surely a projectile, as a reachable tube. What may be an aircraft counts as one.

    reports  what `remembered` keeps. Those of this frame count even where a track has taken them over: the two may contradict one another.
    """
    tracks = picture.tracks
    # not `<`: a probability that is not a number makes nothing a projectile
    maybe = np.flatnonzero(~surely_projectiles(tracks, site))
    followed = np.isin(reports.address, tracks.address[tracks.address != NO_ADDRESS])
    told = take(reports, np.flatnonzero(~followed | (reports.t > frame.t - site.policy.frame_s - 1e-9)))
    accuracy = np.array([BEYOND_95 * NACP_RADIUS[n] if 1 <= n < len(NACP_RADIUS) else REPORT_RADIUS for n in told.nacp.tolist()])
    blind = ~np.isfinite(told.velocity).all(axis=1)
    return Tubes(
        np.concatenate([tracks.number[maybe], np.full(told.t.size, -1)]),
        np.concatenate([~(tracks.kind[maybe, AIRCRAFT] >= 0.5), np.zeros(told.t.size, np.bool_)]),
        np.concatenate([np.full(maybe.size, picture.t), told.t]), np.concatenate([tracks.seen[maybe], told.t]),
        np.concatenate([tracks.state[maybe, :3], told.position]),
        np.concatenate([tracks.state[maybe, 3:6], np.where(np.isfinite(told.velocity), told.velocity, 0.0)]),
        np.concatenate([SIGMAS * _widest(tracks.covariance[maybe, :3, :3]), accuracy]),
        np.concatenate([SIGMAS * _widest(tracks.covariance[maybe, 3:6, 3:6]), np.where(blind, BLIND_PACE, REPORT_PACE)]))


def _widest(covariance: Array) -> Array:
    """(n,) standard deviation along the longest axis of each covariance (n, 3, 3); inf where that is not a number."""
    out = np.full(len(covariance), math.inf)
    sound = np.flatnonzero(np.isfinite(covariance).all(axis=(1, 2)))
    if sound.size:
        out[sound] = np.sqrt(np.maximum(np.linalg.eigvalsh(covariance[sound])[:, -1], 0.0))
    return out


def closest(space: Space, tubes: Tubes) -> tuple[int, float]:
    """The tube that comes nearest to the engagement's space while it lasts, and by how much [m]; -1 and inf where there is none.

    Every line of the space counts as occupied along its whole length and for the whole window: the margin of not modelling how it fills.
    """
    if tubes.number.size == 0:
        return -1, math.inf
    gaps = _gaps(
        space.start, space.ends, space.spread, space.t_from, space.t_to, tubes.t, tubes.seen, tubes.position, tubes.velocity, tubes.radius, tubes.pace)
    near = int(np.argmin(np.where(np.isnan(gaps), -math.inf, gaps)))
    return near, float(gaps[near])


@njit(cache=True, error_model="numpy")
def _gaps(
    start: Array, ends: Array, spread: float, t_from: float, t_to: float,
    t: Array, seen: Array, position: Array, velocity: Array, radius: Array, pace: Array,
) -> Array:
    """(n,) least distance from each tube to the lines from `start` to `ends` over the window [m]; negative where it reaches in.

    A tube that cannot be the nearest is not worked out: a lower bound above the least of the others stands for it.
    """
    n = t.shape[0]
    out = np.full(n, np.inf)
    least, far = math.inf, 0.0
    for j in range(ends.shape[0]):
        far = max(far, math.sqrt((ends[j, 0] - start[0]) ** 2 + (ends[j, 1] - start[1]) ** 2 + (ends[j, 2] - start[2]) ** 2))
    far *= 1.0 + spread
    steps = min(max(math.ceil((t_to - t_from) / STEP), 1), 2000)
    step = (t_to - t_from) / steps
    for i in range(n):
        anywhere = math.isnan(position[i, 2])
        speed = math.sqrt(velocity[i, 0] ** 2 + velocity[i, 1] ** 2 + velocity[i, 2] ** 2)
        late = max(t_to - t[i], t[i] - t_from, 0.0)
        most = radius[i] + (pace[i] + speed) * (late + step) + 0.5 * MANOEUVRE * (max(t_to - seen[i], 0.0) + step) ** 2
        up = 0.0 if anywhere else position[i, 2] - start[2]
        bound = math.sqrt((position[i, 0] - start[0]) ** 2 + (position[i, 1] - start[1]) ** 2 + up * up) - far - most
        if bound > least:
            out[i] = bound
            continue
        for k in range(steps + 1):
            at = t_from + k * step
            dt, since = at - t[i], max(at - seen[i], 0.0)
            x = position[i, 0] + velocity[i, 0] * dt - start[0]
            y = position[i, 1] + velocity[i, 1] * dt - start[1]
            z = 0.0 if anywhere else position[i, 2] + velocity[i, 2] * dt - start[2]
            # half a step of motion between the moments looked at belongs to the tube, and of its growth
            grown = radius[i] + pace[i] * (abs(dt) + 0.5 * step) + 0.5 * MANOEUVRE * (since + 0.5 * step) ** 2 + 0.5 * step * speed
            for j in range(ends.shape[0]):
                dx, dy = ends[j, 0] - start[0], ends[j, 1] - start[1]
                dz = 0.0 if anywhere else ends[j, 2] - start[2]
                length2 = dx * dx + dy * dy + dz * dz
                f = 0.0 if length2 == 0.0 else min(max((x * dx + y * dy + z * dz) / length2, 0.0), 1.0)
                gap = math.sqrt((x - f * dx) ** 2 + (y - f * dy) ** 2 + (z - f * dz) ** 2) - spread * f * math.sqrt(length2) - grown
                if not gap >= out[i]:       # also where it is not a number: that must be seen
                    out[i] = gap
        if out[i] < least:
            least = out[i]
    return out
