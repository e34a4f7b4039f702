"""One target followed from Python, a step a call: flight, error growth and one radar's detection,
for notebooks and comparisons.

The tracker does not come this way: it moves all its tracks in one call. Here a call costs about 3
µs, of which the arithmetic is half, because everything that stays the same is packed into one row
of numbers first.

    world = pack(air, earth, drags)
    x, P, fit = follow(x, P, z, 0.25, place, variance, world)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.kernels.ballistics.air import Air
from skywarden.kernels.ballistics.drag import Drags
from skywarden.kernels.ballistics.flight import Earth
from skywarden.kernels.estimation.kalman import update
from skywarden.kernels.estimation.measure import measure, residual
from skywarden.kernels.estimation.motion import SIDE, STRAIGHT, carry, flow

Array = NDArray[Any]

FIXED = 18      # numbers before the tables
STATES = SIDE   # entries of a state here: neither drift nor lift is estimated


def pack(air: Air, earth: Earth, drags: Drags) -> Array:
    """Air, earth and drag laws as one row of numbers (k,), as `follow` wants them. Make it once.

    air    density, speed of sound and wind over height
    drags  the drag laws, tabulated over Mach number
    """
    laws, nodes = drags.mach.shape
    head = [
        air.kind, air.datum, air.temperature_offset, air.pressure_ratio, air.rho0, air.scale, air.sound0,
        air.sound_lapse, air.wind_up.shape[0],
        earth.gravity, earth.radius, earth.datum, *earth.spin, laws, nodes, drags.start.shape[1]]
    tables = (air.wind_up, air.wind, drags.mach, drags.cubic, drags.start, np.array([drags.cell]))
    return np.concatenate([np.array(head, np.float64), *(np.asarray(table, np.float64).ravel() for table in tables)])


def follow(
    x: Array, P: Array, z: Array, dt: float, place: Array, variance: Array, world: Array, law: int = 0, n: int = 7,
    q: float = 1e-4,
) -> tuple[Array, Array, float]:
    """Where the target is `dt` seconds on, now that one detection more has been seen: new state,
    new covariance, log-likelihood of the detection.

    x         (9,)    east north up [m], rates [m/s], kappa = 1e4 / BC [1e4 m²/kg], wind error east
                      and north [m/s]
    P         (9, 9)  covariance of `x`
    z         (4,)    range [m], azimuth clockwise from north, elevation [rad], range rate [m/s];
                      nan where not measured
    place     (3,)    the radar, east north up [m]
    variance  (4,)    of `z`
    world             from `pack`
    law               row of the drag laws, or STRAIGHT
    n                 states alive: 6 straight flight, 7 ballistic, 9 ballistic in uncertain wind
    q                 density of the white acceleration noise [m²/s³]

    All arrays float64. None is changed. Raises ValueError where a shape is wrong or the state or
    its covariance is not finite. Source: docs/models/filters.md. Against the joint update and a
    flight on its own: tests/kernels/test_estimation.py.
    """
    after, spread, fit = _follow(x, P, z, dt, place, variance, world, law, n, q)
    if fit != fit:
        raise ValueError(
            f"follow needs x (9,), P (9, 9), z (4,), place (3,), variance (4,), all float64, x and P finite, a law of "
            "the world's and n of 6, 7 or 9; "
            f"got {x.shape}, {P.shape}, {z.shape}, {place.shape}, {variance.shape}, law {law}, n {n}")
    return after, spread, fit


@njit(cache=True, error_model="numpy")
def _unpacked(world: Array) -> tuple[Air, Earth, Drags]:
    """What `pack` packed."""
    winds, laws, nodes, cells = int(world[8]), int(world[15]), int(world[16]), int(world[17])
    a = FIXED
    b = a + winds
    c = b + 2 * winds
    d = c + laws * nodes
    e = d + 4 * laws * nodes
    f = e + laws * cells
    air = Air(
        int(world[0]), world[1], world[2], world[3], world[4], world[5], world[6], world[7], world[a:b],
        world[b:c].reshape(winds, 2))
    earth = Earth(world[9], world[10], world[11], world[12:15])
    drags = Drags(world[c:d].reshape(laws, nodes), world[d:e].reshape(laws, nodes, 4),
        world[e:f].astype(np.int32).reshape(laws, cells), world[f])
    return air, earth, drags


@njit(cache=True, error_model="numpy")
def _follow(
    x: Array, P: Array, z: Array, dt: float, place: Array, variance: Array, world: Array, law: int, n: int, q: float,
) -> tuple[Array, Array, float]:
    sound = x.shape[0] == STATES and P.shape[0] == STATES and P.shape[1] == STATES and z.shape[0] == 4 and place.shape[
        0] == 3 and variance.shape[0] == 4
    if not sound or not (n == 6 or n == 7 or n == 9) or law < STRAIGHT or law >= world[15] or not math.isfinite(dt):
        return x, P, math.nan
    after, spread = x.copy(), P.copy()
    F, T, H, expected, v = np.zeros((6, STATES)), np.empty((6, STATES)), np.empty((4, 6)), np.empty(4), np.empty(4)
    if dt != 0.0:
        air, earth, drags = _unpacked(world)
        flow(after, dt, law, drags, air, earth, n, F)
        carry(spread, F, n, q, dt, T)
    measure(after, place, expected, H)
    residual(z, expected, math.inf, v)
    fit, _, _ = update(after, spread, n, v, H, variance)
    total = 0.0
    for i in range(n):
        total += after[i] * 0.0
        for j in range(n):
            total += spread[i, j] * 0.0
    return after, spread, fit + total
