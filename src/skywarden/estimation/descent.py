"""Where a ballistic state comes down, and how an error in it moves that place and time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.ballistics.air import Air
from skywarden.ballistics.drag import Drags
from skywarden.ballistics.flight import Earth
from skywarden.estimation.motion import STATES, growth, rk4
from skywarden.geometry.ground import Ground, ground_up

Array = NDArray[Any]

LONGEST_FALL = 150.0        # s
MOST_STEPS = 400


@njit(cache=True, error_model="numpy")
def descend(x: Array, law: int, n: int, ground: Ground, drags: Drags, air: Air, earth: Earth, place: Array, J: Array) -> tuple[float, float, float]:
    """Flies state `x` (9,) to the ground.

    place  (3,)    where it comes down, written
    J      (3, 9)  slopes of east, north and time of impact with respect to `x`, written

    Returns seconds until then, speed [m/s] and fall angle below the horizontal [rad]; nan where it is still up after LONGEST_FALL.
    """
    states = np.empty((MOST_STEPS + 2, STATES))
    lengths = np.empty(MOST_STEPS + 1)
    states[0] = x
    t = 0.0
    k = 0
    floor = ground_up(ground, x[0], x[1])
    below = x[2] <= floor
    while True:
        if k >= MOST_STEPS or t > LONGEST_FALL:
            return math.nan, math.nan, math.nan
        h = _stride(states[k], floor)
        rk4(states[k], h, law, drags, air, earth, states[k + 1])
        y = states[k + 1]
        floor = ground_up(ground, y[0], y[1])
        if (y[2] <= floor and (y[5] < 0.0 or not below)) or below:
            break
        lengths[k] = h
        k += 1
        t += h
    # the last step, shortened until it ends at the ground: Newton on the height above it, kept between the step's ends
    low, high = 0.0, h
    a = states[k, 2] - ground_up(ground, states[k, 0], states[k, 1])
    b = states[k + 1, 2] - floor
    part = h * min(max(a / max(a - b, 1e-9), 0.02), 1.0)
    if below:
        states[k + 1] = states[k]
    else:
        for _ in range(30):
            rk4(states[k], part, law, drags, air, earth, states[k + 1])
            e = states[k + 1, 2] - ground_up(ground, states[k + 1, 0], states[k + 1, 1])
            h = part
            if abs(e) < 1e-3 or high - low < 1e-6:
                break
            if e > 0.0:
                low = part
            else:
                high = part
            part -= e / min(states[k + 1, 5], -1.0)
            if not low < part < high:
                part = 0.5 * (low + high)
    if below:
        h = 0.0
    lengths[k] = h
    t += h
    y = states[k + 1]
    place[0], place[1], place[2] = y[0], y[1], y[2]
    _slopes_to_ground(y, ground, J)
    F = np.empty((6, STATES))
    row = np.empty(STATES)
    for s in range(k, -1, -1):
        if lengths[s] == 0.0:
            continue
        growth(states[s], states[s + 1], lengths[s], law, drags, air, earth, F)
        for r in range(3):
            for j in range(n):
                total = J[r, j] if j >= 6 else 0.0
                for i in range(6):
                    total += J[r, i] * F[i, j]
                row[j] = total
            for j in range(n):
                J[r, j] = row[j]
    speed = math.sqrt(y[3] * y[3] + y[4] * y[4] + y[5] * y[5])
    return t, speed, math.atan2(-y[5], math.sqrt(y[3] * y[3] + y[4] * y[4]))


@njit(cache=True, error_model="numpy")
def _stride(x: Array, floor: float) -> float:
    """Step length [s]: a sixth of the time left, roughly, between half a second and two seconds."""
    up = max(x[2] - floor, 0.0)
    left = (x[5] + math.sqrt(x[5] * x[5] + 2.0 * 9.81 * up)) / 9.81
    return min(max(left / 6.0, 0.5), 2.0)


@njit(cache=True, error_model="numpy")
def _slopes_to_ground(y: Array, ground: Ground, J: Array) -> None:
    """Slopes of east, north and time of meeting the (locally tilted) ground, with respect to a state `y` there, into `J` (3, 9)."""
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
