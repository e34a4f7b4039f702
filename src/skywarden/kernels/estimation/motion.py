"""How a target's state moves on, and how an error in it grows: ballistic flight with estimated drag
and wind, and straight flight.

The state inside a filter has eighteen entries: east north up [m], their rates [m/s], kappa = 1e4 /
BC [1e4 m²/kg], the error of the believed wind at the ground, east and north [m/s], the acceleration
to the right a unit of speed (spin drift) [1/s], by how much the wind's error is greater high above,
east and north [m/s], four departures of the drag curve from its law [ln], and the steady
acceleration across the flight that no drag law holds, upwards (lift) and to the right (askew)
[m/s²]. `n` says how many are alive: 6 straight flight, 7 ballistic, 16 in uncertain wind and by an
uncertain drag curve, 18 with lift besides. An array of nine ends with the wind at the ground.
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

STATES = 18
DRAG, WIND = 6, 7       # places of kappa and of the wind's error in the state
SIDE = 9                # place of the drift a unit of speed in the state
LIFT, ASKEW = 16, 17    # places of the steady acceleration across the flight in the state: upwards, to the right
SHEAR, SHAPE = 10, 12   # places of the wind error's change with height, and of the drag curve's departures
SHEAR_DEPTH = 3000.0    # m of height at which half of that change is reached
# Mach numbers between which each departure of a drag curve sets in: below the rise, its foot, its crest, beyond it
RAMPS = ((0.45, 0.80), (0.80, 0.92), (0.92, 1.08), (1.08, 1.70))
MOST_DEPARTED = 3.0     # ln: a drag curve off by a factor of twenty is no drag curve
SOUND_AT_SEA, SOUND_FALL = 340.0, 0.0039    # m/s, 1/s: speed of sound by height, near enough for a departure
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

    vx  velocity towards east [m/s]
    vy  velocity towards north [m/s]
    vz  velocity upwards [m/s]
    """
    level2 = vx * vx + vy * vy
    whole = math.sqrt(level2 + vz * vz) + 1e-9
    level = math.sqrt(level2) + 1e-9
    share = level2 / (level2 + UPRIGHT)
    return -share * vz * vx / (level * whole), -share * vz * vy / (
        level * whole), share * level / whole, share * vy / level, -share * vx / level


@njit(inline="always", error_model="numpy")
def aloft(z: float) -> float:
    """Share of the wind error's change with height that is reached at `z` [m] above the site's
    origin.
    """
    up = max(z, 0.0)
    return up / (up + SHEAR_DEPTH)


@njit(inline="always", error_model="numpy")
def curve_mach(speed: float, up: float) -> float:
    """Mach number at which a drag curve departs: of a speed through the air [m/s] at `up` [m] above
    the sea.
    """
    return speed / (SOUND_AT_SEA - SOUND_FALL * up)


@njit(inline="always", error_model="numpy")
def set_in(k: int, mach: float) -> float:
    """Share of departure `k` of a drag curve that has set in at a Mach number.

    mach  Mach number
    """
    return min(max((mach - RAMPS[k][0]) / (RAMPS[k][1] - RAMPS[k][0]), 0.0), 1.0)


@njit(inline="always", error_model="numpy")
def departed(x: Array, mach: float) -> float:
    """Logarithm of the drag of state `x` (18,) over its law's at a Mach number.

    mach  Mach number
    """
    total = 0.0
    for k in range(len(RAMPS)):
        total += x[SHAPE + k] * set_in(k, mach)
    return total


@njit(cache=True, error_model="numpy")
def rk4(x: Array, h: float, law: int, drags: Drags, air: Air, earth: Earth, out: Array) -> None:
    """One Runge-Kutta step of `h` seconds of the state `x` (18,), written to `out` (18,). The
    wind's error shifts the air, not the ground.

    law    row of the drag law
    drags  the drag laws, tabulated over Mach number
    earth  gravity, radius and rotation of the earth at the site
    """
    drag, we, wn = x[6] * KAPPA, x[7], x[8]
    whole = x.shape[0] > LIFT
    lifted = whole and (x[LIFT] != 0.0 or x[ASKEW] != 0.0 or x[SIDE] != 0.0)
    shaped = False
    if whole:
        for k in range(len(RAMPS)):
            shaped |= x[SHAPE + k] != 0.0
    px, py, pz, vx, vy, vz = x[0], x[1], x[2], x[3], x[4], x[5]
    ax, ay, az = 0.0, 0.0, 0.0              # acceleration of the stage before, and velocity there
    ux, uy, uz = vx, vy, vz
    # weighted sums of the stages' velocities and accelerations
    sx, sy, sz, tx, ty, tz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for stage in range(4):
        g = 0.0 if stage == 0 else (h if stage == 3 else 0.5 * h)
        qx, qy, qz = px + g * ux, py + g * uy, pz + g * uz
        ux, uy, uz = vx + g * ax, vy + g * ay, vz + g * az
        if whole:
            share = aloft(qz)
            we, wn = x[7] + share * x[SHEAR], x[8] + share * x[SHEAR + 1]
        if shaped:
            back, aside = wind_at(air, qz)
            back, aside = ux - back - we, uy - aside - wn
            drag = x[6] * KAPPA * math.exp(departed(x, curve_mach(
                math.sqrt(back * back + aside * aside + uz * uz), qz + earth.datum)))
        ax, ay, az = _acceleration(qx, qy, qz, ux - we, uy - wn, uz, law, drag, 0.0, 0.0, drags, air, earth)
        if lifted:
            lx, ly, lz, rx, ry = across(ux, uy, uz)
            side = x[ASKEW] + x[SIDE] * math.sqrt(ux * ux + uy * uy + uz * uz)
            ax += x[LIFT] * lx + side * rx
            ay += x[LIFT] * ly + side * ry
            az += x[LIFT] * lz
        w = 1.0 if stage == 0 or stage == 3 else 2.0
        sx, sy, sz, tx, ty, tz = sx + w * ux, sy + w * uy, sz + w * uz, tx + w * ax, ty + w * ay, tz + w * az
    sixth = h / 6.0
    out[0], out[1], out[2] = px + sixth * sx, py + sixth * sy, pz + sixth * sz
    out[3], out[4], out[5] = vx + sixth * tx, vy + sixth * ty, vz + sixth * tz
    for j in range(6, x.shape[0]):
        out[j] = x[j]


@njit(cache=True, error_model="numpy")
def growth(a: Array, b: Array, h: float, law: int, drags: Drags, air: Air, earth: Earth, F: Array) -> None:
    """How errors grow over a step of `h` seconds between states `a` and `b`: rows 0-5 of the
    transition matrix, into `F` (6, 18).

    law    row of the drag law
    drags  the drag laws, tabulated over Mach number
    air    density, speed of sound and wind over height

    Second-order in `h` about the middle state; gravity's gradient and the earth's rotation are left
    out of it (not out of the flight).
    """
    z = 0.5 * (a[2] + b[2])
    we, wn = wind_at(air, z)
    we, wn = we + a[7], wn + a[8]
    whole, share = a.shape[0] > LIFT, aloft(z)
    if whole:
        we, wn = we + share * a[SHEAR], wn + share * a[SHEAR + 1]
    ux, uy, uz = 0.5 * (a[3] + b[3]) - we, 0.5 * (a[4] + b[4]) - wn, 0.5 * (a[5] + b[5])
    s = math.sqrt(ux * ux + uy * uy + uz * uz) + 1e-9
    at = curve_mach(s, z + earth.datum)
    per, stretch, thin = _drag_slopes(a, s, z, at, whole, law, drags, air)
    f = per * a[6]
    u = (ux, uy, uz)
    G = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            G[i, j] = stretch * u[i] * u[j]
        G[i, i] += f
    half = 0.5 * h * h
    F[:] = 0.0
    if whole:
        _steady(a, b, h, G, F)
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
            F[i, 3 + j] += half * G[i, j]
            F[3 + i, 3 + j] += h * G[i, j] + half * g2
            if j < 2:
                F[i, 7 + j] = -half * G[i, j]
                F[3 + i, 7 + j] = -h * G[i, j] - half * g2
            push += half * G[i, j] * per * u[j]
        F[3 + i, 5] += half * thin * u[i]
        F[i, 3 + i] += h
        F[3 + i, 3 + i] += 1.0
        F[3 + i, 6] = push
    if F.shape[1] > LIFT:
        for i in range(6):
            F[i, SHEAR], F[i, SHEAR + 1] = share * F[i, 7], share * F[i, 8]
            for k in range(len(RAMPS)):
                F[i, SHAPE + k] = F[i, 6] * a[6] * set_in(k, at)


@njit(cache=True, error_model="numpy")
def _drag_slopes(
    a: Array, s: float, z: float, at: float, whole: bool, law: int, drags: Drags, air: Air
) -> tuple[float, float, float]:
    """Drag of state `a` at a speed `s` through the air [m/s] and a height `z` [m]: acceleration per
    unit of kappa and of velocity, how it grows along the velocity, and with height.
    """
    rho, sound = density_and_sound(air, z)
    rho2, sound2 = density_and_sound(air, z + 20.0)
    mach = s / sound
    c = drag_factor(drags, law, mach)
    slope = (drag_factor(drags, law, mach + 0.005) - drag_factor(drags, law, max(mach - 0.005, 0.0))) / (mach + 0.005
        - max(mach - 0.005, 0.0))
    per = -0.5 * KAPPA * rho * s * c                # drag acceleration per unit of kappa and of velocity
    steep = mach * slope / max(c, 1e-12)            # relative change of the drag factor over that of the Mach number
    if whole:
        per *= math.exp(departed(a, at))
        for k in range(len(RAMPS)):
            if RAMPS[k][0] < at < RAMPS[k][1]:
                steep += at * a[SHAPE + k] / (RAMPS[k][1] - RAMPS[k][0])
    f = per * a[6]
    stretch = f * (1.0 + steep) / (s * s)
    thin = f * ((rho2 - rho) / (20.0 * max(rho, 1e-12)) - steep * (sound2 - sound) / (20.0 * max(sound, 1.0)))
    return per, stretch, thin


@njit(cache=True, error_model="numpy")
def _steady(a: Array, b: Array, h: float, G: Array, F: Array) -> None:
    """Adds to `F` (6, 18) how errors grow by the steady acceleration across the flight, which turns
    with it, over a step of `h` seconds between states `a` and `b`; `G` (3, 3) holds the slopes of
    drag with velocity.
    """
    vx, vy, vz = 0.5 * (a[3] + b[3]), 0.5 * (a[4] + b[4]), 0.5 * (a[5] + b[5])
    half, speed = 0.5 * h * h, math.sqrt(vx * vx + vy * vy + vz * vz) + 1e-9
    lx, ly, lz, rx, ry = across(vx, vy, vz)
    up, right = (lx, ly, lz), (rx, ry, 0.0)
    for i in range(3):
        F[i, LIFT], F[i, ASKEW] = half * up[i], half * right[i]
        F[3 + i, LIFT] = h * up[i] + half * (G[i, 0] * lx + G[i, 1] * ly + G[i, 2] * lz)
        F[3 + i, ASKEW] = h * right[i] + half * (G[i, 0] * rx + G[i, 1] * ry)
    for i in range(6):
        F[i, SIDE] = speed * F[i, ASKEW]
    lift, side, level = a[LIFT], a[ASKEW] + a[SIDE] * speed, math.sqrt(vx * vx + vy * vy)
    if (lift == 0.0 and side == 0.0) or level * level < UPRIGHT:
        return
    v, ahead = (vx / speed, vy / speed, vz / speed), (vx / level, vy / level, 0.0)
    for i in range(3):
        for j in range(3):
            slope = (a[SIDE] * right[i] * v[j] - side * ahead[i] * right[j] / level
                - lift * (v[i] * up[j] + vz / level * right[i] * right[j]) / speed)
            F[i, 3 + j] += half * slope
            F[3 + i, 3 + j] += h * slope


@njit(cache=True, error_model="numpy")
def drag_now(x: Array, datum: float, slope: Array) -> float:
    """Kappa times what the drag curve of state `x` (18,) has departed from its law at its present
    Mach number.

    datum  height of the site's origin above the sea [m]
    slope  (18,) how that depends on the state, written
    """
    mach = curve_mach(math.sqrt(x[3] * x[3] + x[4] * x[4] + x[5] * x[5]), x[2] + datum)
    more = math.exp(min(max(departed(x, mach), -MOST_DEPARTED), MOST_DEPARTED))
    slope[:] = 0.0
    slope[DRAG] = more
    for k in range(len(RAMPS)):
        slope[SHAPE + k] = x[DRAG] * more * set_in(k, mach)
    return float(x[DRAG] * more)


@njit(cache=True, error_model="numpy")
def drag_doubt(a: Array, b: Array) -> float:
    """Variance of ln(kappa) gained between states `a` and `b` (18,), as the true drag curve departs
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
    """A (6, 18) becomes F A, where rows 6-17 of both are the identity's.

    n        number of living states
    scratch  (6, STATES) work space
    """
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
    """Covariance `P` (18, 18) moves on in place: F P F' plus white acceleration noise of density
    `q` [m²/s³] over `h` seconds.

    n  number of living states
    T  (6, STATES) work space

    No force depends on east and north: the first two columns of `F` are the identity's, and are not
    read.
    """
    for i in range(6):
        for j in range(n):
            T[i, j] = P[i, j]
        for k in range(2, n):
            f = F[i, k] - 1.0 if i == k else F[i, k]
            if f != 0.0:                # a departure of the drag curve that has not set in moves nothing
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
    """State `x` (18,) moves on, in place, by `dt` seconds, forward or back; the whole error growth
    goes into `F` (6, 18).

    drags  the drag laws, tabulated over Mach number
    air    density, speed of sound and wind over height
    earth  gravity, radius and rotation of the earth at the site
    n      number of living states

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
