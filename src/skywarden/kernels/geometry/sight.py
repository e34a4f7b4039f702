"""Whether a sensor can see a place, and how low it can see: straight over the terrain, with the air
bending the ray as if the earth were a third larger.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.kernels.geometry.ground import Ground, ground_up

Array = NDArray[Any]

EARTH_RADIUS = 6_371_000.0      # m, mean
# m; over an earth this large a bent ray is straight. Skolnik, Introduction to Radar Systems, ch. 8
BENT_RADIUS = 4.0 / 3.0 * EARTH_RADIUS
MOST_SAMPLES = 1024             # of the ground along one ray
TOUCH = 0.5                     # m; a sensor or round standing on the ground is not hidden by the spot it stands on


@njit(cache=True, error_model="numpy")
def bulge(along: float, total: float) -> float:
    """How far a ray stands above its chord [m], `along` of `total` metres on its way.

    The frame is a tangent plane, the earth's own curve is in the terrain heights; what is left is
    the bending of the ray, whose curvature in an atmosphere of effective radius 4/3 R is 1/R -
    3/(4R) = 1/(4R). Source: Skolnik, Introduction to Radar Systems, ch. 8.
    """
    return along * (total - along) / (8.0 * EARTH_RADIUS)


@njit(cache=True, error_model="numpy")
def surface_up(ground: Ground, east: float, north: float) -> float:
    """Height of the earth's surface at a place, up in the site frame [m]: the grid's, and from its
    edge on the earth's own curve.

    east   east of the site's origin [m]
    north  north of the site's origin [m]

    Flat ground is a sphere that touches the frame at the origin: 10 km away it lies 8 m below the
    plane.
    """
    if _flat(ground):
        return ground.up[0, 0] - (east * east + north * north) / (2.0 * EARTH_RADIUS)
    rows, columns = ground.up.shape
    x = min(max(east, ground.east0), ground.east0 + (columns - 1) * ground.step)
    y = min(max(north, ground.north0), ground.north0 + (rows - 1) * ground.step)
    return ground_up(ground, x, y) - (east * east + north * north - x * x - y * y) / (2.0 * EARTH_RADIUS)


@njit(cache=True, error_model="numpy")
def in_sight(ground: Ground, place: Array, position: Array) -> Array:
    """Which of positions (n, 3) a sensor at `place` (3,) sees over the ground, (n,) bool; a
    position of nan is not seen.
    """
    n = position.shape[0]
    out = np.zeros(n, np.bool_)
    flat = _flat(ground)
    over = max(0.0, place[2] - surface_up(ground, place[0], place[1]))
    for i in range(n):
        east, north, up = position[i, 0] - place[0], position[i, 1] - place[1], position[i, 2] - place[2]
        if not math.isfinite(east + north + up):
            continue
        total = math.hypot(east, north)
        height = position[i, 2] - surface_up(ground, position[i, 0], position[i, 1])
        if flat:
            out[i] = height >= _hidden(over, total) - TOUCH
            continue
        if height < -TOUCH:
            continue
        out[i] = True
        if min(place[2], position[i, 2]) > ground.highest:
            continue
        steps = min(max(2, int(2.0 * total / ground.step) + 1), MOST_SAMPLES)
        for k in range(1, steps):
            f = k / steps
            ray = place[2] + f * up + bulge(f * total, total)
            if ray + TOUCH < surface_up(ground, place[0] + f * east, place[1] + f * north):
                out[i] = False
                break
    return out


@njit(cache=True, error_model="numpy")
def lowest_seen(
    ground: Ground, place: Array, azimuth: Array, step: float, count: int, between: int
) -> tuple[Array, Array]:
    """How low a sensor sees over the ground, all around it.

    place    (3,)  the sensor, east north up [m]
    azimuth  (m,)  directions looked in, clockwise from north [rad]
    step           cells of distance along the ground [m]; `count` of them, asked for at the middle
                   of each
    between        samples of the ground a cell, odd: the middle one is the place asked for

    Returns (m, count) each: height of the ground there, and above that ground the least height that
    is seen [m], at least 0. Along one direction the ray that just clears everything so far is the
    steepest so far: one pass, where `in_sight` walks every ray.
    """
    m = azimuth.shape[0]
    surface, least = np.empty((m, count)), np.empty((m, count))
    flat = _flat(ground)
    over = max(0.0, place[2] - surface_up(ground, place[0], place[1]))
    fine = step / between
    for i in range(m):
        sine, cosine = math.sin(azimuth[i]), math.cos(azimuth[i])
        steepest = -math.inf
        for k in range(count * between):
            along = (k + 0.5) * fine
            up = surface_up(ground, place[0] + along * sine, place[1] + along * cosine)
            if k % between == between // 2:
                cell = k // between
                surface[i, cell] = up
                if flat:
                    least[i, cell] = max(0.0, _hidden(over, along) - TOUCH)
                else:
                    least[i, cell] = max(0.0, place[2] + steepest * along - along * along / (8.0 * EARTH_RADIUS) - up)
            steepest = max(steepest, (up - TOUCH - place[2]) / along + along / (8.0 * EARTH_RADIUS))
    return surface, least


@njit(cache=True, error_model="numpy")
def _flat(ground: Ground) -> bool:
    return ground.up.shape[0] == 1 and ground.up.shape[1] == 1


@njit(cache=True, error_model="numpy")
def _hidden(over: float, total: float) -> float:
    """Height hidden by the horizon of a smooth earth [m], `total` metres from a sensor that stands
    `over` metres above it.
    """
    beyond = max(0.0, total - math.sqrt(2.0 * BENT_RADIUS * over))
    return beyond * beyond / (2.0 * BENT_RADIUS)
