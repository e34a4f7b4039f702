"""Whether a sensor can see a place: straight over the terrain, with the air bending the ray as if the earth were a third larger."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.geometry.ground import Ground, ground_up

Array = NDArray[Any]

EARTH_RADIUS = 6_371_000.0      # m, mean
MOST_SAMPLES = 1024             # of the ground along one ray
TOUCH = 0.5                     # m; a sensor or round standing on the ground is not hidden by the spot it stands on


@njit(cache=True, error_model="numpy")
def bulge(along: float, total: float) -> float:
    """How far a ray stands above its chord [m], `along` of `total` metres on its way.

    The frame is a tangent plane, the earth's own curve is in the terrain heights; what is left is the bending of the ray, whose
    curvature in an atmosphere of effective radius 4/3 R is 1/R - 3/(4R) = 1/(4R). Source: Skolnik, Introduction to Radar Systems, ch. 8.
    """
    return along * (total - along) / (8.0 * EARTH_RADIUS)


@njit(cache=True, error_model="numpy")
def in_sight(ground: Ground, place: Array, position: Array) -> Array:
    """Which of positions (n, 3) a sensor at `place` (3,) sees over the terrain, (n,) bool; a position of nan is not seen."""
    n = position.shape[0]
    out = np.zeros(n, np.bool_)
    flat = ground.up.shape[0] == 1 and ground.up.shape[1] == 1
    for i in range(n):
        east, north, up = position[i, 0] - place[0], position[i, 1] - place[1], position[i, 2] - place[2]
        if not math.isfinite(east + north + up):
            continue
        total = math.hypot(east, north)
        lift = total * total / (8.0 * EARTH_RADIUS)     # the ray leaves towards this much above the place
        if position[i, 2] + (lift if flat else TOUCH) < ground_up(ground, position[i, 0], position[i, 1]):
            continue
        out[i] = True
        if flat or min(place[2], position[i, 2]) > ground.highest:
            continue
        steps = min(max(2, int(2.0 * total / ground.step) + 1), MOST_SAMPLES)
        for k in range(1, steps):
            f = k / steps
            ray = place[2] + f * up + bulge(f * total, total)
            if ray + TOUCH < ground_up(ground, place[0] + f * east, place[1] + f * north):
                out[i] = False
                break
    return out
