"""How a target's state moves on, and how an error in it grows: ballistic flight with estimated drag
and wind, and straight flight.

The state inside a filter has eleven entries: east north up [m], their rates [m/s], kappa = 1e4 / BC
[1e4 m²/kg], the error of the believed wind, east and north [m/s], and the steady acceleration that
no drag law holds, across the flight: to the right (drift) and upwards (lift) [m/s²]. `n` says how
many are alive: 6 straight flight, 7 ballistic, 9 in uncertain wind, 10 with drift, 11 with lift
besides. An array of nine has neither.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.kernels.ballistics.air import Air, density_and_sound, wind_at
from skywarden.kernels.ballistics.drag import Drags, drag_factor
from skywarden.kernels.ballistics.flight import Earth, acceleration

Array = NDArray[Any]

STATES = 11
DRAG, WIND = 6, 7       # places of kappa and of the wind's error in the state
SIDE, LIFT = 9, 10      # places of the acceleration across the flight in the state
UPRIGHT = 25.0          # m²/s²: flight with less horizontal speed squared has no up and right across it worth naming
KAPPA = 1e-4            # m²/kg in one unit of kappa: keeps the covariance well scaled
LONGEST_STEP = 0.5      # s; fourth-order Runge-Kutta errs below 0.1 mm over a flight (docs/models/filters.md)
SOUND = 335.0           # m/s, speed of sound for the doubt of a drag curve
RISE, RISEN = 0.85, 1.15    # Mach numbers between which drag curves rise, each at its own place
# Variances of ln(kappa) gained a unit of Mach number: the curves of real rounds depart from a standard one by some 5 %
# a tenth of a Mach number
# below the speed of sound, 15 % about it, 3 % above it; from G1 beside G7 and published curves of finned and boat-
# tailed bodies.
WALK_SUBSONIC, WALK_RISING, WALK_SUPERSONIC = 0.015, 0.5, 0.012
STRAIGHT = -1           # `law` of straight flight


# The one force law, compiled into its caller: a call that hands over all the tables costs as much again as the
# arithmetic.
_acceleration = njit(inline="always", error_model="numpy")(acceleration.py_func)


@njit(cache=True, error_model="numpy")
def across(vx: float, vy: float, vz: float) -> tuple[float, float, float, float, float]:
    """Unit vectors across a velocity: upwards (east north up), and to the right (east north; it is
    level). Both shrink to nothing in vertical flight.
    """
    level2 = vx * vx + vy * vy
    whole = math.sqrt(level2 + vz * vz) + 1e-9
    level = math.sqrt(level2) + 1e-9
    share = level2 / (level2 + UPRIGHT)
    return -share * vz * vx / (level * whole), -share * vz * vy / (
        level * whole), share * level / whole, share * vy / level, -share * vx / level


@njit(cache=True, error_model="numpy")
def rk4(x: Array, h: float, law: int, drags: Drags, air: Air, earth: Earth, out: Array) -> None:
    """One Runge-Kutta step of `h` seconds of the state `x` (11,), written to `out` (11,). The
    wind's error shifts the air, not the ground.
    """
    b = x[6] * KAPPA
    we, wn = x[7], x[8]
    lifted = x.shape[0] > LIFT and (x[LIFT] != 0.0 or x[SIDE] != 0.0)
    px, py, pz, vx, vy, vz = x[0], x[1], x[2], x[3], x[4], x[5]
    ax, ay, az = 0.0, 0.0, 0.0              # acceleration of the stage before, and velocity there
    ux, uy, uz = vx, vy, vz
    # weighted sums of the stages' velocities and accelerations
    sx, sy, sz, tx, ty, tz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for stage in range(4):
        g = 0.0 if stage == 0 else (h if stage == 3 else 0.5 * h)
        qx, qy, qz = px + g * ux, py + g * uy, pz + g * uz
        ux, uy, uz = vx + g * ax, vy + g * ay, vz + g * az
        ax, ay, az = _acceleration(qx, qy, qz, ux - we, uy - wn, uz, law, b, 0.0, 0.0, drags, air, earth)
        if lifted:
            lx, ly, lz, rx, ry = across(ux, uy, uz)
            ax += x[LIFT] * lx + x[SIDE] * rx
            ay += x[LIFT] * ly + x[SIDE] * ry
            az += x[LIFT] * lz
        w = 1.0 if stage == 0 or stage == 3 else 2.0
        sx, sy, sz, tx, ty, tz = sx + w * ux, sy + w * uy, sz + w * uz, tx + w * ax, ty + w * ay, tz + w * az
    k = h / 6.0
    out[0], out[1], out[2] = px + k * sx, py + k * sy, pz + k * sz
    out[3], out[4], out[5] = vx + k * tx, vy + k * ty, vz + k * tz
    for j in range(6, x.shape[0]):
        out[j] = x[j]


@njit(cache=True, error_model="numpy")
def growth(a: Array, b: Array, h: float, law: int, drags: Drags, air: Air, earth: Earth, F: Array) -> None:
    """How errors grow over a step of `h` seconds between states `a` and `b`: rows 0-5 of the
    transition matrix, into `F` (6, 11).

    Second-order in `h` about the middle state; gravity's gradient and the earth's rotation are left
    out of it (not out of the flight).
    """
    z = 0.5 * (a[2] + b[2])
    we, wn = wind_at(air, z)
    ux, uy, uz = 0.5 * (a[3] + b[3]) - we - a[7], 0.5 * (a[4] + b[4]) - wn - a[8], 0.5 * (a[5] + b[5])
    s = math.sqrt(ux * ux + uy * uy + uz * uz) + 1e-9
    rho, sound = density_and_sound(air, z)
    rho2, sound2 = density_and_sound(air, z + 20.0)
    mach = s / sound
    c = drag_factor(drags, law, mach)
    slope = (drag_factor(drags, law, mach + 0.005) - drag_factor(drags, law, max(mach - 0.005, 0.0))) / (mach + 0.005
        - max(mach - 0.005, 0.0))
    per = -0.5 * KAPPA * rho * s * c                # drag acceleration per unit of kappa and of velocity
    f = per * a[6]
    stretch = f * (1.0 + mach * slope / max(c, 1e-12)) / (s * s)
    thin = f * ((rho2 - rho) / (20.0 * max(rho, 1e-12)) - mach * slope / max(c,
        1e-12) * (sound2 - sound) / (20.0 * max(sound, 1.0)))
    u = (ux, uy, uz)
    G = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            G[i, j] = stretch * u[i] * u[j]
        G[i, i] += f
    half = 0.5 * h * h
    F[:] = 0.0
    if F.shape[1] > LIFT:
        lx, ly, lz, rx, ry = across(0.5 * (a[3] + b[3]), 0.5 * (a[4] + b[4]), 0.5 * (a[5] + b[5]))
        F[0, LIFT], F[1, LIFT], F[2, LIFT] = half * lx, half * ly, half * lz
        F[0, SIDE], F[1, SIDE] = half * rx, half * ry
        for i in range(3):
            F[3 + i, LIFT] = half * (G[i, 0] * lx + G[i, 1] * ly + G[i, 2] * lz)
            F[3 + i, SIDE] = half * (G[i, 0] * rx + G[i, 1] * ry)
        F[3, LIFT] += h * lx
        F[4, LIFT] += h * ly
        F[5, LIFT] += h * lz
        F[3, SIDE] += h * rx
        F[4, SIDE] += h * ry
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
def drag_doubt(a: Array, b: Array) -> float:
    """Variance of ln(kappa) gained between states `a` and `b` (11,), as the true drag curve departs
    from the law's: a random walk in Mach number.
    """
    return abs(_walked(math.sqrt(b[3] * b[3] + b[4] * b[4] + b[5] * b[5]))
        - _walked(math.sqrt(a[3] * a[3] + a[4] * a[4] + a[5] * a[5])))


@njit(cache=True, error_model="numpy")
def _walked(speed: float) -> float:
    """Variance of ln(kappa) gained from rest to `speed` [m/s]."""
    mach = speed / SOUND
    return WALK_SUBSONIC * min(mach, RISE) + WALK_RISING * min(max(mach - RISE, 0.0),
        RISEN - RISE) + WALK_SUPERSONIC * max(mach - RISEN, 0.0)


@njit(cache=True, error_model="numpy")
def compound(F: Array, A: Array, n: int, scratch: Array) -> None:
    """A (6, 11) becomes F A, where rows 6-10 of both are the identity's."""
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
    """Covariance `P` (11, 11) moves on in place: F P F' plus white acceleration noise of density
    `q` [m²/s³] over `h` seconds.

    No force depends on east and north: the first two columns of `F` are the identity's, and are not
    read.
    """
    for i in range(6):
        for j in range(n):
            T[i, j] = P[i, j]
        for k in range(2, n):
            f = F[i, k] - 1.0 if i == k else F[i, k]
            for j in range(n):
                T[i, j] += f * P[k, j]
    for i in range(6):
        for j in range(i, 6):
            total = T[i, j] if j < 2 else 0.0
            for k in range(2, n):
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
    """State `x` (11,) moves on, in place, by `dt` seconds, forward or back; the whole error growth
    goes into `F` (6, 11).

    Straight flight where `law` is STRAIGHT; otherwise by steps of at most LONGEST_STEP.
    """
    if law == STRAIGHT:
        F[:] = 0.0
        for i in range(3):
            x[i] += dt * x[3 + i]
            F[i, i] = 1.0
            F[3 + i, 3 + i] = 1.0
            F[i, 3 + i] = dt
        return
    steps = max(1, math.ceil(abs(dt) / LONGEST_STEP - 1e-9))
    h = dt / steps
    y = np.empty(x.shape[0])
    rk4(x, h, law, drags, air, earth, y)
    growth(x, y, h, law, drags, air, earth, F)
    for i in range(6):
        x[i] = y[i]
    if steps > 1:
        G = np.empty(F.shape)
        T = np.empty(F.shape)
        for _ in range(1, steps):
            rk4(x, h, law, drags, air, earth, y)
            growth(x, y, h, law, drags, air, earth, G)
            for i in range(6):
                x[i] = y[i]
            compound(G, F, n, T)
