"""Where a ballistic state comes down, and how an error in it moves that place and time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.kernels.ballistics.air import Air
from skywarden.kernels.ballistics.drag import Drags
from skywarden.kernels.ballistics.flight import Earth
from skywarden.kernels.estimation.motion import STATES, drag_doubt, growth, rk4
from skywarden.kernels.geometry.ground import Ground, ground_up

Array = NDArray[Any]

LONGEST_FALL = 150.0        # s
MOST_STEPS = 400
NOISES = 3                  # kinds of noise that act on the way
NEAR_ENOUGH = 0.01          # m, of the ground at the end
# s, longest steps; a kink in a drag law near the speed of sound costs half a metre at BRISK, 2 m at LONG
LONG, BRISK = 2.5, 1.0
FAST = 240.0                # m/s, from which the shorter holds


@njit(cache=True, error_model="numpy")
def descend(
    x: Array, law: int, n: int, ground: Ground, drags: Drags, air: Air, earth: Earth, noise: Array, place: Array,
    J: Array, N: Array,
) -> tuple[float, float, float]:
    """Flies state `x` (18,) to the ground.

    noise  (3,)    what will act on the way: density of white acceleration [m²/s³]; doubt of the
                   drag curve, as `drag_doubt`'s multiple;
                   variance of the wind's error gained a metre of height [m²/s² a metre]
    place  (3,)    where it comes down, written
    J      (3, 18) slopes of east, north and time of impact with respect to `x`, written
    N      (3, 3)  covariance of east, north and time of impact that `noise` gives, written
    law    row of the drag law
    n      number of living states
    drags  the drag laws, tabulated over Mach number
    air    density, speed of sound and wind over height
    earth  gravity, radius and rotation of the earth at the site

    Returns seconds until then, speed [m/s] and fall angle below the horizontal [rad]; nan where it
    is still up after LONGEST_FALL.
    """
    states = np.empty((MOST_STEPS + 2, STATES))
    lengths = np.empty(MOST_STEPS + 1)
    states[0] = x
    t = 0.0
    k = 0
    floor = ground_up(ground, x[0], x[1])
    # a rising state that an error put below the ground is flown on until it has risen, or falls
    risen = x[2] > floor
    h = 0.0
    while risen or x[5] > 0.0:
        if k >= MOST_STEPS or t > LONGEST_FALL:
            return math.nan, math.nan, math.nan
        h = _stride(states[k], floor, ground)
        rk4(states[k], h, law, drags, air, earth, states[k + 1])
        y = states[k + 1]
        floor = ground_up(ground, y[0], y[1])
        if y[2] <= floor and (risen or y[5] < 0.0):
            break
        risen = y[2] > floor
        lengths[k] = h
        k += 1
        t += h
    if not risen:
        states[k + 1] = states[k]
        h = 0.0
    else:
        h = _landed(states[k], states[k + 1], h, floor, law, ground, drags, air, earth)
    lengths[k] = h
    t += h
    y = states[k + 1]
    place[0], place[1], place[2] = y[0], y[1], y[2]
    _slopes_to_ground(y, ground, J)
    N[:] = 0.0
    _back_to_start(states, lengths, k, law, n, drags, air, earth, noise, J, N)
    speed = math.sqrt(y[3] * y[3] + y[4] * y[4] + y[5] * y[5])
    return t, speed, math.atan2(-y[5], math.sqrt(y[3] * y[3] + y[4] * y[4]))


@njit(cache=True, error_model="numpy")
def _landed(
    a: Array, b: Array, h: float, floor: float, law: int, ground: Ground, drags: Drags, air: Air, earth: Earth
) -> float:
    """Length [s] of the last step, from state `a`, shortened until it ends at the ground: a cubic
    through its two ends, then Newton on the height above the ground. State `b` at its end is
    written.
    """
    low, high = 0.0, h
    above = a[2] - ground_up(ground, a[0], a[1])
    part = _crossing(above, a[5], b[2] - floor, b[5], h)
    for _ in range(30):
        rk4(a, part, law, drags, air, earth, b)
        e = b[2] - ground_up(ground, b[0], b[1])
        h = part
        if abs(e) < NEAR_ENOUGH or high - low < 1e-6:
            break
        if e > 0.0:
            low = part
        else:
            high = part
        part -= e / min(b[5], -1.0)
        if not low < part < high:
            part = 0.5 * (low + high)
    return h


@njit(cache=True, error_model="numpy")
def _back_to_start(
    states: Array, lengths: Array, k: int, law: int, n: int, drags: Drags, air: Air, earth: Earth, noise: Array,
    J: Array, N: Array,
) -> None:
    """Slopes `J` of the impact and the covariance `N` that noise gives it, from the last of `k` + 1
    steps back to the first.
    """
    F = np.empty((6, STATES))
    for s in range(k, -1, -1):
        if lengths[s] == 0.0:
            continue
        _add_noise(states[s], states[s + 1], lengths[s], noise, n, J, N)
        growth(states[s], states[s + 1], lengths[s], law, drags, air, earth, F)
        _carried_back(F, n, J)


@njit(cache=True, error_model="numpy")
def _carried_back(F: Array, n: int, J: Array) -> None:
    """Slopes `J` of the impact become those with respect to the state before a step of growth `F`."""
    for r in range(3):
        # neither force depends on east and north: their columns stay
        a0, a1, a2, a3, a4, a5 = J[r, 0], J[r, 1], J[r, 2], J[r, 3], J[r, 4], J[r, 5]
        for j in range(2, n):
            total = J[r, j] if j >= 6 else 0.0
            J[r, j] = total + a0 * F[0, j] + a1 * F[1, j] + a2 * F[2, j] + a3 * F[3, j] + a4 * F[4, j] + a5 * F[5, j]


@njit(cache=True, error_model="numpy")
def _add_noise(a: Array, b: Array, h: float, noise: Array, n: int, J: Array, N: Array) -> None:
    """What acts over a step of `h` seconds between states `a` and `b` moves the impact as slopes
    `J` (3, 18) at the step's end say: added to `N` (3, 3).
    """
    drag = noise[1] * a[6] * a[6] * drag_doubt(a, b) if n > 6 else 0.0
    wind = noise[2] * abs(b[2] - a[2]) if n > 7 else 0.0
    for r in range(3):
        for c in range(r, 3):
            push = J[r, 3] * J[c, 3] + J[r, 4] * J[c, 4] + J[r, 5] * J[c, 5]
            air = J[r, 7] * J[c, 7] + J[r, 8] * J[c, 8] if n > 7 else 0.0
            N[r, c] += noise[0] * h * push + wind * air + (drag * J[r, 6] * J[c, 6] if n > 6 else 0.0)
            N[c, r] = N[r, c]


@njit(cache=True, error_model="numpy")
def _stride(x: Array, floor: float, ground: Ground) -> float:
    """Step length [s]: LONG, near the speed of sound and above BRISK; among hills a fifth of the
    time left, roughly, so that none is leapt over.
    """
    longest = LONG if x[3] * x[3] + x[4] * x[4] + x[5] * x[5] < FAST * FAST else BRISK
    if ground.up.size == 1 or (x[2] > ground.highest and x[2] + longest * x[5] > ground.highest):
        return longest
    up = max(x[2] - floor, 0.0)
    left = (x[5] + math.sqrt(x[5] * x[5] + 2.0 * 9.81 * up)) / 9.81
    return min(max(left / 5.0, 0.5), longest)


@njit(cache=True, error_model="numpy")
def _crossing(a: float, va: float, b: float, vb: float, h: float) -> float:
    """When within a step of `h` seconds a height goes through zero, that is `a` > 0 with rate `va`
    at its start, `b` <= 0 with `vb` at its end.
    """
    low, high = 0.0, 1.0
    s = min(max(a / max(a - b, 1e-9), 0.02), 1.0)
    c2, c3 = 3.0 * (b - a) - h * (2.0 * va + vb), 2.0 * (a - b) + h * (va + vb)
    for _ in range(8):
        e = a + s * (h * va + s * (c2 + s * c3))
        if abs(e) < 0.1 * NEAR_ENOUGH:
            break
        if e > 0.0:
            low = s
        else:
            high = s
        slope = h * va + s * (2.0 * c2 + 3.0 * s * c3)
        s -= e / slope if slope < 0.0 else 0.0
        if not low < s < high:
            s = 0.5 * (low + high)
    return s * h


@njit(cache=True, error_model="numpy")
def _slopes_to_ground(y: Array, ground: Ground, J: Array) -> None:
    """Slopes of east, north and time of meeting the (locally tilted) ground, with respect to a
    state `y` there, into `J` (3, 18).
    """
    d = 15.0
    gx = (ground_up(ground, y[0] + d, y[1]) - ground_up(ground, y[0] - d, y[1])) / (2.0 * d)
    gy = (ground_up(ground, y[0], y[1] + d) - ground_up(ground, y[0], y[1] - d)) / (2.0 * d)
    closing = y[5] - gx * y[3] - gy * y[4]
    closing = min(closing, -1.0)
    J[:] = 0.0
    normal = (-gx, -gy, 1.0)
    for j in range(3):
        J[2, j] = -normal[j] / closing
        J[0, j] = y[3] * J[2, j]
        J[1, j] = y[4] * J[2, j]
    J[0, 0] += 1.0
    J[1, 1] += 1.0
