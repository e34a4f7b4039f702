"""How a target's state moves on, and how an error in it grows: ballistic flight with estimated drag and wind, and straight flight.

The state inside a filter has nine entries: east north up [m], their rates [m/s], kappa = 1e4 / BC [1e4 m²/kg], and the error of the believed
wind, east and north [m/s]. `n` says how many are alive: 6 straight flight, 7 ballistic, 9 ballistic in uncertain wind.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.ballistics.air import Air, density_and_sound, wind_at
from skywarden.ballistics.drag import Drags, drag_factor
from skywarden.ballistics.flight import Earth, acceleration

Array = NDArray[Any]

STATES = 9
KAPPA = 1e-4            # m²/kg in one unit of kappa: keeps the covariance well scaled
LONGEST_STEP = 0.5      # s; fourth-order Runge-Kutta errs below 0.1 mm over a flight (docs/models/filters.md)
STRAIGHT = -1           # `law` of straight flight


@njit(cache=True, error_model="numpy")
def rk4(x: Array, h: float, law: int, drags: Drags, air: Air, earth: Earth, out: Array) -> None:
    """One Runge-Kutta step of `h` seconds of the state `x` (9,), written to `out` (9,). The wind's error shifts the air, not the ground."""
    b = x[6] * KAPPA
    we, wn = x[7], x[8]
    px, py, pz, vx, vy, vz = x[0], x[1], x[2], x[3], x[4], x[5]
    ax1, ay1, az1 = acceleration(px, py, pz, vx - we, vy - wn, vz, law, b, 0.0, 0.0, drags, air, earth)
    g = 0.5 * h
    ux, uy, uz = vx + g * ax1, vy + g * ay1, vz + g * az1
    ax2, ay2, az2 = acceleration(px + g * vx, py + g * vy, pz + g * vz, ux - we, uy - wn, uz, law, b, 0.0, 0.0, drags, air, earth)
    sx, sy, sz = vx + g * ax2, vy + g * ay2, vz + g * az2
    ax3, ay3, az3 = acceleration(px + g * ux, py + g * uy, pz + g * uz, sx - we, sy - wn, sz, law, b, 0.0, 0.0, drags, air, earth)
    wx, wy, wz = vx + h * ax3, vy + h * ay3, vz + h * az3
    ax4, ay4, az4 = acceleration(px + h * sx, py + h * sy, pz + h * sz, wx - we, wy - wn, wz, law, b, 0.0, 0.0, drags, air, earth)
    k = h / 6.0
    out[0] = px + k * (vx + 2.0 * (ux + sx) + wx)
    out[1] = py + k * (vy + 2.0 * (uy + sy) + wy)
    out[2] = pz + k * (vz + 2.0 * (uz + sz) + wz)
    out[3] = vx + k * (ax1 + 2.0 * (ax2 + ax3) + ax4)
    out[4] = vy + k * (ay1 + 2.0 * (ay2 + ay3) + ay4)
    out[5] = vz + k * (az1 + 2.0 * (az2 + az3) + az4)
    out[6], out[7], out[8] = x[6], we, wn


@njit(cache=True, error_model="numpy")
def growth(a: Array, b: Array, h: float, law: int, drags: Drags, air: Air, earth: Earth, F: Array) -> None:
    """How errors grow over a step of `h` seconds between states `a` and `b`: rows 0-5 of the transition matrix, into `F` (6, 9).

    Second-order in `h` about the middle state; gravity's gradient and the earth's rotation are left out of it (not out of the flight).
    """
    z = 0.5 * (a[2] + b[2])
    we, wn = wind_at(air, z)
    ux, uy, uz = 0.5 * (a[3] + b[3]) - we - a[7], 0.5 * (a[4] + b[4]) - wn - a[8], 0.5 * (a[5] + b[5])
    s = math.sqrt(ux * ux + uy * uy + uz * uz) + 1e-9
    rho, sound = density_and_sound(air, z)
    rho2, sound2 = density_and_sound(air, z + 20.0)
    mach = s / sound
    c = drag_factor(drags, law, mach)
    slope = (drag_factor(drags, law, mach + 0.005) - drag_factor(drags, law, max(mach - 0.005, 0.0))) / (mach + 0.005 - max(mach - 0.005, 0.0))
    per = -0.5 * KAPPA * rho * s * c                # drag acceleration per unit of kappa and of velocity
    f = per * a[6]
    stretch = f * (1.0 + mach * slope / max(c, 1e-12)) / (s * s)
    thin = f * ((rho2 - rho) / (20.0 * max(rho, 1e-12)) - mach * slope / max(c, 1e-12) * (sound2 - sound) / (20.0 * max(sound, 1.0)))
    u = (ux, uy, uz)
    G = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            G[i, j] = stretch * u[i] * u[j]
        G[i, i] += f
    half = 0.5 * h * h
    F[:] = 0.0
    for i in range(3):
        F[i, i] = 1.0
        F[i, 2] += half * thin * u[i]
        F[i, 6] = half * per * u[i]
        F[3 + i, 2] = h * thin * u[i]
        push = h * per * u[i]
        for j in range(3):
            g2 = 0.0
            for k in range(3):
                g2 += G[i, k] * G[k, j]
            F[i, 3 + j] = half * G[i, j]
            F[3 + i, 3 + j] = h * G[i, j] + half * g2
            if j < 2:
                F[i, 7 + j] = -half * G[i, j]
                F[3 + i, 7 + j] = -h * G[i, j] - half * g2
            push += half * G[i, j] * per * u[j]
        F[3 + i, 5] += half * thin * u[i]
        F[i, 3 + i] += h
        F[3 + i, 3 + i] += 1.0
        F[3 + i, 6] = push


@njit(cache=True, error_model="numpy")
def step(x: Array, h: float, law: int, drags: Drags, air: Air, earth: Earth, out: Array, F: Array) -> None:
    """One step of at most LONGEST_STEP: state into `out` (9,), error growth into `F` (6, 9). Straight flight where `law` is STRAIGHT."""
    if law == STRAIGHT:
        out[:] = x
        F[:] = 0.0
        for i in range(3):
            out[i] = x[i] + h * x[3 + i]
            F[i, i] = 1.0
            F[3 + i, 3 + i] = 1.0
            F[i, 3 + i] = h
        return
    rk4(x, h, law, drags, air, earth, out)
    growth(x, out, h, law, drags, air, earth, F)


@njit(cache=True, error_model="numpy")
def compound(F: Array, A: Array, n: int, scratch: Array) -> None:
    """A (6, 9) becomes F A, where rows 6-8 of both are the identity's."""
    for i in range(6):
        for j in range(n):
            total = F[i, j] if j >= 6 else 0.0
            for k in range(6):
                total += F[i, k] * A[k, j]
            scratch[i, j] = total
    for i in range(6):
        for j in range(n):
            A[i, j] = scratch[i, j]


@njit(cache=True, error_model="numpy")
def carry(P: Array, F: Array, n: int, q: float, h: float, T: Array) -> None:
    """Covariance `P` (9, 9) moves on in place: F P F' plus white acceleration noise of density `q` [m²/s³] over `h` seconds."""
    for i in range(6):
        for j in range(n):
            total = 0.0
            for k in range(n):
                total += F[i, k] * P[k, j]
            T[i, j] = total
    for i in range(6):
        for j in range(i, 6):
            total = 0.0
            for k in range(n):
                total += T[i, k] * F[j, k]
            P[i, j] = total
            P[j, i] = total
        for j in range(6, n):
            P[i, j] = T[i, j]
            P[j, i] = T[i, j]
    d = abs(h)
    for i in range(3):
        P[i, i] += q * d * d * d / 3.0
        P[i, 3 + i] += q * d * d / 2.0
        P[3 + i, i] = P[i, 3 + i]
        P[3 + i, 3 + i] += q * d


@njit(cache=True, error_model="numpy")
def flow(x: Array, dt: float, law: int, drags: Drags, air: Air, earth: Earth, n: int, F: Array) -> None:
    """State `x` (9,) moves on, in place, by `dt` seconds, forward or back; the whole error growth goes into `F` (6, 9)."""
    steps = max(1, math.ceil(abs(dt) / LONGEST_STEP - 1e-9))
    h = dt / steps
    y = np.empty(STATES)
    step(x, h, law, drags, air, earth, y, F)
    x[:] = y
    if steps > 1:
        G = np.empty((6, STATES))
        T = np.empty((6, STATES))
        for _ in range(1, steps):
            step(x, h, law, drags, air, earth, y, G)
            x[:] = y
            compound(G, F, n, T)
