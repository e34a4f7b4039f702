"""Polygons on the ground: whether a place lies inside, how far it is, how large they are."""

from __future__ import annotations

import math
from typing import Any

from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]


@njit(cache=True, error_model="numpy")
def inside(polygon: Array, east: float, north: float) -> bool:
    """Whether a place lies inside a polygon.

    polygon  (k, 2) corners east, north [m], closed implicitly, in either sense
    A place exactly on an edge may count as either. Even-odd rule.
    """
    k = polygon.shape[0]
    within = False
    j = k - 1
    for i in range(k):
        north_i, north_j = polygon[i, 1], polygon[j, 1]
        if (north_i > north) != (north_j > north):
            crossing = polygon[j, 0] + (north - north_j) / (north_i - north_j) * (polygon[i, 0] - polygon[j, 0])
            if east < crossing:
                within = not within
        j = i
    return within


@njit(cache=True, error_model="numpy")
def distance(polygon: Array, east: float, north: float) -> float:
    """Distance from a place to a polygon (k, 2) [m]; 0 inside it."""
    if inside(polygon, east, north):
        return 0.0
    k = polygon.shape[0]
    best = math.inf
    j = k - 1
    for i in range(k):
        along_e, along_n = polygon[i, 0] - polygon[j, 0], polygon[i, 1] - polygon[j, 1]
        length2 = along_e * along_e + along_n * along_n
        f = 0.0
        if length2 > 0.0:
            f = min(max(((east - polygon[j, 0]) * along_e + (north - polygon[j, 1]) * along_n) / length2, 0.0), 1.0)
        best = min(best, math.hypot(east - polygon[j, 0] - f * along_e, north - polygon[j, 1] - f * along_n))
        j = i
    return best


@njit(cache=True, error_model="numpy")
def area(polygon: Array) -> float:
    """Area of a polygon (k, 2) [m²]: positive counter-clockwise, negative clockwise."""
    k = polygon.shape[0]
    twice = 0.0
    j = k - 1
    for i in range(k):
        # about the last corner, so that a small zone far from the origin keeps its digits
        twice += (polygon[j, 0] - polygon[k - 1, 0]) * (polygon[i, 1] - polygon[k - 1, 1])
        twice -= (polygon[i, 0] - polygon[k - 1, 0]) * (polygon[j, 1] - polygon[k - 1, 1])
        j = i
    return 0.5 * twice
