"""Polar measurements about a place: range, azimuth, elevation, range rate, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]


@njit(cache=True, error_model="numpy")
def to_polar(position: Array, velocity: Array, place: Array) -> tuple[Array, Array, Array, Array]:
    """What a sensor at `place` would measure.

    position  (n, 3) east north up [m]
    velocity  (n, 3) [m/s]
    place     (3,)   [m]

    Returns range [m], azimuth clockwise from north, 0 … 2 pi [rad], elevation above the horizontal
    [rad], range rate positive receding [m/s], (n,) each. At the place itself the angles and the
    range rate are 0.
    """
    n = position.shape[0]
    distance, azimuth, elevation, rate = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        east, north, up = position[i, 0] - place[0], position[i, 1] - place[1], position[i, 2] - place[2]
        level = math.hypot(east, north)
        r = math.hypot(level, up)
        angle = math.atan2(east, north)
        distance[i] = r
        azimuth[i] = angle if angle >= 0.0 else angle + 2.0 * math.pi
        elevation[i] = math.atan2(up, level)
        rate[i] = (east * velocity[i, 0] + north * velocity[i, 1] + up * velocity[i, 2]) / r if r > 0.0 else 0.0
    return distance, azimuth, elevation, rate


@njit(cache=True, error_model="numpy")
def from_polar(range: Array, azimuth: Array, elevation: Array, place: Array) -> Array:
    """Positions (n, 3), east north up [m], from range [m], azimuth and elevation [rad], (n,) each,
    about `place` (3,) [m].
    """
    n = range.shape[0]
    position = np.empty((n, 3))
    i = 0
    while i < n:
        level = range[i] * math.cos(elevation[i])
        position[i, 0] = place[0] + level * math.sin(azimuth[i])
        position[i, 1] = place[1] + level * math.cos(azimuth[i])
        position[i, 2] = place[2] + range[i] * math.sin(elevation[i])
        i += 1
    return position


@njit(cache=True, error_model="numpy")
def wrap(angle: Any) -> Any:
    """The same angle, or array of angles, between -pi and pi [rad]."""
    return angle - 2.0 * math.pi * np.floor(angle / (2.0 * math.pi) + 0.5)
