"""The height of the ground under a place, from one grid; flat ground is a grid of one cell."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray


class Ground(NamedTuple):
    """Heights on a regular grid of the site frame."""

    east0: float                # east of the first column [m]
    north0: float               # north of the first row [m]
    step: float                 # between columns, and between rows [m]
    up: NDArray[Any]            # (rows, columns) float64, rows northward: height above the site's origin [m]
    highest: float              # the greatest of `up` [m]
    sigma: float                # standard deviation of the heights' error [m]


def flat(up: float = 0.0) -> Ground:
    """Flat ground at height `up` [m] above the site's origin."""
    return Ground(0.0, 0.0, 1.0, np.full((1, 1), up), up, 0.0)


@njit(cache=True, error_model="numpy")
def ground_up(ground: Ground, east: float, north: float) -> float:
    """Height of the ground at one place [m], bilinear; outside the grid the nearest edge holds on.

    east   east of the site's origin [m]
    north  north of the site's origin [m]
    """
    rows, columns = ground.up.shape
    if rows == 1 and columns == 1:
        return ground.up[0, 0]
    x = min(max((east - ground.east0) / ground.step, 0.0), columns - 1.0)
    y = min(max((north - ground.north0) / ground.step, 0.0), rows - 1.0)
    i = min(int(x), columns - 2)
    j = min(int(y), rows - 2)
    fx, fy = x - i, y - j
    low = (1.0 - fx) * ground.up[j, i] + fx * ground.up[j, i + 1]
    high = (1.0 - fx) * ground.up[j + 1, i] + fx * ground.up[j + 1, i + 1]
    return (1.0 - fy) * low + fy * high
