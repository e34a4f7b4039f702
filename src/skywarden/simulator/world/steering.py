"""How a simulated aircraft gets from one path to another: turns with bounded bank and roll, climbs
and changes of pace with bounded rates.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

GRAVITY = 9.80665       # m/s², standard, CGPM 1901
TICK = 1.0              # s, one step
BANK = math.radians(25.0)   # steepest, as in civil procedures
SIDEWAYS = GRAVITY * math.tan(BANK)    # m/s², across the path, at that bank
ROLL = 0.8              # m/s³: so fast the sideways acceleration changes, some 4.5° of bank a second
UPWARDS = 1.0           # m/s²: so fast climb changes, a tenth of a g
CLIMB, SINK = 10.0, 7.0  # m/s, greatest
HASTE = 2.0             # m/s²: so fast pace changes; a take-off roll's
LOOK_AHEAD, LEAST_LOOK = 14.0, 60.0     # s of flight, and m at least, to the point of a route that is flown at
HEIGHT_TIME = 6.0       # s in which a difference of height is flown out, bounds permitting
FLARE = 3.0             # s ahead whose slope is flown: a change of climb takes time
SLOWEST = 1.0           # m/s, below which nobody turns


class Motion(NamedTuple):
    """One aircraft at one instant."""

    east: float     # [m]
    north: float    # [m]
    up: float       # [m]
    course: float   # clockwise from north [rad]
    pace: float     # over ground [m/s]
    climb: float    # [m/s]
    sideways: float # acceleration to the right [m/s²]


class Route(NamedTuple):
    """A way to be flown, point after point, none nearer to the next than a metre."""

    place: Array    # (k, 3) east north up [m]
    pace: Array     # (k,) over ground at each [m/s]
    length: Array   # (k,) from the first, over ground [m]
    left: Array     # (k,) to the last, at these paces [s]


def route(place: Array, pace: Array) -> Route:
    """A route along points (k, 3) [m] at paces (k,) [m/s]; points closer than a metre to the one
    before are left out.

    place  (k, 3) points, east north up [m]
    pace   (k,) pace at each point [m/s]
    """
    keep = [0]
    for k in range(1, len(place)):
        if math.hypot(place[k, 0] - place[keep[-1], 0], place[k, 1] - place[keep[-1], 1]) >= 1.0:
            keep.append(k)
    place, pace = np.asarray(place, np.float64)[keep], np.maximum(np.asarray(pace, np.float64)[keep], SLOWEST)
    step = np.hypot(*np.diff(place[:, :2], axis=0).T) if len(place) > 1 else np.zeros(0)
    length = np.concatenate([[0.0], np.cumsum(step)])
    took = np.concatenate([[0.0], np.cumsum(2.0 * step / (pace[:-1] + pace[1:]))])
    return Route(place, pace, length, took[-1] - took)


def at(motion: Motion, way: Route, index: int) -> int:
    """The point of a route that an aircraft has come to: the nearest of the next few after `index`.

    motion  the aircraft's place, course, pace and bank
    way     the route
    """
    last = min(index + 40, len(way.length) - 1)
    away = np.hypot(way.place[index : last + 1, 0] - motion.east, way.place[index : last + 1, 1] - motion.north)
    return index + int(np.argmin(away))


def follow(motion: Motion, way: Route, index: int) -> tuple[Motion, int]:
    """One TICK further along a route, from its point `index` on; and the point come to.

    motion  the aircraft's place, course, pace and bank
    way     the route

    Across: pursuit of a point ahead, sideways acceleration 2 v² sin(angle) / distance (Park, Deyst
    and How 2004). Up: the route's own slope, and a difference of height flown out in HEIGHT_TIME,
    within the bounds.
    """
    k = at(motion, way, index)
    ahead = min(int(np.searchsorted(way.length, way.length[k] + max(LOOK_AHEAD * motion.pace, LEAST_LOOK))),
        len(way.length) - 1)
    east, north = float(way.place[ahead, 0]) - motion.east, float(way.place[ahead, 1]) - motion.north
    away = max(math.hypot(east, north), 1.0)
    angle = wrapped(math.atan2(east, north) - motion.course)
    behind = abs(angle) > 0.5 * math.pi     # then as sharp as may be
    sideways = math.copysign(SIDEWAYS, angle) if behind else 2.0 * motion.pace**2 * math.sin(angle) / max(away,
        LEAST_LOOK)
    j = min(k + 1, len(way.length) - 1)
    # the slope to be flown when a change of climb begun now is done
    c = min(max(int(np.searchsorted(way.length, way.length[k] + FLARE * motion.pace)), j), len(way.length) - 1)
    run = float(way.length[c] - way.length[max(c - 1, 0)])
    slope = float(way.place[c, 2] - way.place[max(c - 1, 0), 2]) / run if run > 0.0 else 0.0
    after = moved(motion, sideways, float(way.pace[j]), slope * motion.pace + (float(way.place[k, 2])
        - motion.up) / HEIGHT_TIME)
    return after, at(after, way, k)


def circle(motion: Motion, middle: tuple[float, float], radius: float, side: int, up: float, pace: float) -> Motion:
    """One TICK towards and then round a circle, clockwise (`side` 1) or anticlockwise (-1), at a
    height and pace.

    motion  the aircraft's place, course, pace and bank
    middle  middle of the circle: east, north [m]
    radius  radius [m]
    up      height to be flown, above the site's origin [m]

    A field of courses: along the circle on it, towards it from outside, out of it from inside.
    """
    east, north = motion.east - middle[0], motion.north - middle[1]
    away = max(math.hypot(east, north), 1.0)
    wanted = math.atan2(east, north) + side * (0.5 * math.pi + math.atan(2.0 * (away - radius) / radius))
    turn = side * motion.pace / max(away, radius) if abs(away - radius) < 0.5 * radius else 0.0
    return moved(motion, motion.pace * (turn + wrapped(wanted - motion.course) / 6.0), pace,
        (up - motion.up) / HEIGHT_TIME)


def straight(motion: Motion, course: float, up: float, pace: float) -> Motion:
    """One TICK on a course, climbing or sinking to a height, at a pace.

    motion  the aircraft's place, course, pace and bank
    up      height to be flown, above the site's origin [m]
    """
    return moved(motion, motion.pace * wrapped(course - motion.course) / 6.0, pace, (up - motion.up) / HEIGHT_TIME)


def moved(motion: Motion, sideways: float, pace: float, climb: float) -> Motion:
    """One TICK on, as near to the wanted sideways acceleration [m/s²], pace [m/s] and climb [m/s]
    as bank, roll and engines allow.

    motion  the aircraft's place, course, pace and bank
    """
    wanted = min(max(sideways, -SIDEWAYS), SIDEWAYS)
    across = motion.sideways + min(max(wanted - motion.sideways, -ROLL * TICK), ROLL * TICK)
    faster = motion.pace + min(max(pace - motion.pace, -HASTE * TICK), HASTE * TICK)
    rise = min(max(climb, -SINK), CLIMB)
    rise = motion.climb + min(max(rise - motion.climb, -UPWARDS * TICK), UPWARDS * TICK)
    mean = 0.5 * (motion.pace + faster)
    turned = 0.5 * (motion.sideways + across) * TICK / max(mean, SLOWEST) if mean > SLOWEST else 0.0
    middle = motion.course + 0.5 * turned
    return Motion(
        motion.east + mean * TICK * math.sin(middle), motion.north + mean * TICK * math.cos(middle),
        motion.up + 0.5 * (motion.climb + rise) * TICK,
        wrapped(motion.course + turned), faster, rise, across)


def velocity(motion: Motion) -> tuple[float, float, float]:
    """East, north, up [m/s].

    motion  the aircraft's place, course, pace and bank
    """
    return motion.pace * math.sin(motion.course), motion.pace * math.cos(motion.course), motion.climb


def radius_at(pace: float) -> float:
    """Of a circle flown with two thirds of the steepest bank's pull [m]: some is kept to get back
    onto it.

    pace  speed [m/s]
    """
    return pace * pace / (0.66 * SIDEWAYS)


def wrapped(angle: float) -> float:
    """The same angle within half a turn either way [rad]."""
    return (angle + math.pi) % (2.0 * math.pi) - math.pi
