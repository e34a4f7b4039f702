"""What a radar would measure of a state, and how that changes with it: range, azimuth, elevation,
range rate.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]


class Sensors(NamedTuple):
    """The radars as the filters need them, one row a radar."""

    place: Array        # (s, 3) [m]
    variance: Array     # (s, 4) of range [m²], azimuth, elevation [rad²], range rate [m²/s²]; nan: not measured
    span: Array         # (s,) Doppler repeats every so much [m/s]; inf unambiguous


@njit(cache=True, error_model="numpy")
def wrap(a: float) -> float:
    """`a` [rad] between -pi and pi."""
    return a - 2.0 * math.pi * math.floor((a + math.pi) / (2.0 * math.pi))


@njit(cache=True, error_model="numpy")
def measure(x: Array, place: Array, z: Array, H: Array) -> None:
    """Range, azimuth, elevation and range rate of state `x` seen from `place` (3,), into `z` (4,);
    their slopes into `H` (4, 6).
    """
    px, py, pz = x[0] - place[0], x[1] - place[1], x[2] - place[2]
    vx, vy, vz = x[3], x[4], x[5]
    h2 = max(px * px + py * py, 1e-6)
    r2 = h2 + pz * pz
    r, h = math.sqrt(r2), math.sqrt(h2)
    rate = (px * vx + py * vy + pz * vz) / r
    z[0], z[1], z[2], z[3] = r, math.atan2(px, py), math.atan2(pz, h), rate
    H[:] = 0.0
    H[0, 0], H[0, 1], H[0, 2] = px / r, py / r, pz / r
    H[1, 0], H[1, 1] = py / h2, -px / h2
    H[2, 0], H[2, 1], H[2, 2] = -px * pz / (r2 * h), -py * pz / (r2 * h), h / r2
    H[3, 0], H[3, 1], H[3, 2] = vx / r - rate * px / r2, vy / r - rate * py / r2, vz / r - rate * pz / r2
    H[3, 3], H[3, 4], H[3, 5] = px / r, py / r, pz / r


@njit(cache=True, error_model="numpy")
def residual(z: Array, expected: Array, span: float, v: Array) -> None:
    """Measured minus expected into `v` (4,), angles the short way round, Doppler folded by `span`;
    nan stays nan.

    z  (4,) range [m], azimuth, elevation [rad], range rate [m/s], as measured
    """
    v[0] = z[0] - expected[0]
    v[1] = wrap(z[1] - expected[1])
    v[2] = z[2] - expected[2]
    v[3] = z[3] - expected[3]
    if span < 1e30:
        v[3] -= span * math.floor(v[3] / span + 0.5)


@njit(cache=True, error_model="numpy")
def cartesian(r: float, azimuth: float, elevation: float, place: Array, out: Array) -> None:
    """Where a detection is, east north up [m], into `out` (3,).

    r          range [m]
    azimuth    azimuth, clockwise from north [rad]
    elevation  elevation [rad]
    place      (3,) place of the radar, east north up [m]
    """
    h = r * math.cos(elevation)
    out[0] = place[0] + h * math.sin(azimuth)
    out[1] = place[1] + h * math.cos(azimuth)
    out[2] = place[2] + r * math.sin(elevation)
