"""Polygons on the ground: whether a place lies inside, how far it is, how large they are, and how
much of one a circle holds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
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
    """Distance from a place to a polygon (k, 2) [m]; 0 inside it.

    east   the place, east of the site's origin [m]
    north  the place, north of the site's origin [m]
    """
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


@njit(cache=True, error_model="numpy")
def area_within(polygon: Array, east: float, north: float, radius: float) -> float:
    """Area of the part of a polygon (k, 2) that lies in a circle [m²], exact for any simple
    polygon.

    east    middle of the circle, east of the site's origin [m]
    north   middle of the circle, north of the site's origin [m]
    radius  radius of the circle [m]

    Each edge makes a triangle with the middle of the circle; what the circle holds of it is a
    triangle and up to two sectors, with their sign. Agrees with a general polygon library to 1e-3
    of the circle: tests/kernels/test_geometry.py
    """
    k = polygon.shape[0]
    twice = 0.0
    ax, ay = polygon[k - 1, 0] - east, polygon[k - 1, 1] - north
    for i in range(k):
        bx, by = polygon[i, 0] - east, polygon[i, 1] - north
        dx, dy = bx - ax, by - ay
        square = dx * dx + dy * dy
        along = ax * dx + ay * dy
        under = along * along - square * (ax * ax + ay * ay - radius * radius)
        first, last = 1.0, 1.0          # the edge is inside the circle between these shares of its length
        if square > 0.0 and under > 0.0:
            first, last = (-along - math.sqrt(under)) / square, (-along + math.sqrt(under)) / square
            first, last = min(max(first, 0.0), 1.0), min(max(last, 0.0), 1.0)
        if first >= last:
            twice += radius * radius * math.atan2(ax * by - ay * bx, ax * bx + ay * by)
        else:
            px, py, qx, qy = ax + first * dx, ay + first * dy, ax + last * dx, ay + last * dy
            if first > 0.0:
                twice += radius * radius * math.atan2(ax * py - ay * px, ax * px + ay * py)
            twice += px * qy - py * qx
            if last < 1.0:
                twice += radius * radius * math.atan2(qx * by - qy * bx, qx * bx + qy * by)
        ax, ay = bx, by
    return abs(0.5 * twice)


def long_axis(polygon: Array) -> tuple[Array, Array, float]:
    """Middle of the corners (2,), direction (2,) in which they spread most, and how far they reach
    along it from the middle [m]: of a runway, its axis.

    polygon  (k, 2) corners [m]
    """
    middle = polygon.mean(axis=0)
    way = np.linalg.eigh(np.cov((polygon - middle).T))[1][:, -1]
    return middle, way, float(np.abs((polygon - middle) @ way).max())
