"""Many rounds to the ground at once, fast."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from skywarden.ballistics.air import Air
from skywarden.ballistics.drag import Drags
from skywarden.ballistics.flight import Earth, acceleration
from skywarden.ballistics.path import GROUND, _apex, _fly
from skywarden.geometry.ground import Ground, ground_up

Array = NDArray[Any]


class Falls(NamedTuple):
    """Where and when rounds come down, one row a round; nan where one is still up after `t_max`."""

    t: Array            # (n,) from the given state to the ground [s]
    position: Array     # (n, 3) east north up [m]
    velocity: Array     # (n, 3) [m/s]
    apex: Array         # (n,) greatest height reached, up [m]


def fall(
    state: ArrayLike, law: ArrayLike, inverse_coefficient: ArrayLike, ground: Ground, drags: Drags, air: Air, earth: Earth,
    t_max: float = 150.0, step: float = 0.25,
) -> Falls:
    """Fly each round to the ground.

    state                (n, 6) east north up [m] and rates [m/s]
    law                  (n,) or single: row of `drags`
    inverse_coefficient  (n,) or single: 1 / BC [m²/kg]
    step                 longest time step [s]
    """
    states, laws, inverse = _checked(state, law, inverse_coefficient, drags)
    out = _nowhere(len(states))
    _fall(states, laws, inverse, ground, drags, air, earth, t_max, step, out)
    return out


def fall_exactly(
    state: ArrayLike, law: ArrayLike, inverse_coefficient: ArrayLike, ground: Ground, drags: Drags, air: Air, earth: Earth,
    t_max: float = 1_000.0, tolerance: float = 1e-9,
) -> Falls:
    """The same as `fall`, each round by the adaptive integration of `path.fly`: within a millimetre, some fifty times slower."""
    states, laws, inverse = _checked(state, law, inverse_coefficient, drags)
    out = _nowhere(len(states))
    _fall_exactly(states, laws, inverse, ground, drags, air, earth, float(t_max), float(tolerance), out)
    return out


def _checked(state: ArrayLike, law: ArrayLike, inverse_coefficient: ArrayLike, drags: Drags) -> tuple[Array, Array, Array]:
    """Rows as the kernels want them. Raises ValueError for another shape or an unknown law."""
    states = np.ascontiguousarray(np.atleast_2d(np.asarray(state, np.float64)))
    if states.ndim != 2 or states.shape[1] != 6:
        raise ValueError(f"rounds need states (n, 6), position and velocity; got shape {states.shape}")
    laws = np.ascontiguousarray(np.broadcast_to(np.asarray(law, np.int32), len(states)))
    if len(laws) and not (laws.min() >= 0 and laws.max() < len(drags.mach)):
        raise ValueError(f"there are drag laws 0 to {len(drags.mach) - 1}; got {laws.min()} to {laws.max()}")
    return states, laws, np.ascontiguousarray(np.broadcast_to(np.asarray(inverse_coefficient, np.float64), len(states)))


def _nowhere(n: int) -> Falls:
    return Falls(np.full(n, np.nan), np.full((n, 3), np.nan), np.full((n, 3), np.nan), np.full(n, np.nan))


@njit(cache=True)
def _fall_exactly(
    state: Array, law: Array, inverse: Array, ground: Ground, drags: Drags, air: Air, earth: Earth, t_max: float, tolerance: float, out: Falls,
) -> None:
    for i in range(state.shape[0]):
        t, states, rates, end = _fly(state[i], law[i], inverse[i], ground, drags, air, earth, t_max, tolerance, 1.0, 0.0, 0.0, 0.0)
        if end == GROUND:
            out.t[i], out.apex[i] = t[-1], _apex(t, states, rates)
            out.position[i], out.velocity[i] = states[-1, :3], states[-1, 3:]


@njit(cache=True)
def _fall(state: Array, law: Array, inverse: Array, ground: Ground, drags: Drags, air: Air, earth: Earth, t_max: float, step: float, out: Falls) -> None:
    for i in range(state.shape[0]):
        x, y, z, u, v, w = state[i]
        l, b, t, top = law[i], inverse[i], 0.0, z
        while t < t_max:
            h = step
            a1, b1, c1 = acceleration(x, y, z, u, v, w, l, b, 0.0, 0.0, drags, air, earth)
            g = 0.5 * h
            a2, b2, c2 = acceleration(x + g * u, y + g * v, z + g * w, u + g * a1, v + g * b1, w + g * c1, l, b, 0.0, 0.0, drags, air, earth)
            a3, b3, c3 = acceleration(
                x + g * (u + g * a1), y + g * (v + g * b1), z + g * (w + g * c1), u + g * a2, v + g * b2, w + g * c2, l, b, 0.0, 0.0, drags, air, earth)
            a4, b4, c4 = acceleration(
                x + h * (u + g * a2), y + h * (v + g * b2), z + h * (w + g * c2), u + h * a3, v + h * b3, w + h * c3, l, b, 0.0, 0.0, drags, air, earth)
            x1 = x + h * (u + h / 6.0 * (a1 + a2 + a3))
            y1 = y + h * (v + h / 6.0 * (b1 + b2 + b3))
            z1 = z + h * (w + h / 6.0 * (c1 + c2 + c3))
            u1 = u + h / 6.0 * (a1 + 2.0 * a2 + 2.0 * a3 + a4)
            v1 = v + h / 6.0 * (b1 + 2.0 * b2 + 2.0 * b3 + b4)
            w1 = w + h / 6.0 * (c1 + 2.0 * c2 + 2.0 * c3 + c4)
            if w > 0.0 and w1 <= 0.0:
                top = max(top, z + 0.5 * w * w / max(-c1, 1e-9))
            top = max(top, z1)
            if z1 <= ground_up(ground, x1, y1) and w1 < 0.0:
                low, high = 0.0, 1.0
                for _ in range(40):
                    s = 0.5 * (low + high)
                    px, py, pz = _cubic(x, u, x1, u1, h, s), _cubic(y, v, y1, v1, h, s), _cubic(z, w, z1, w1, h, s)
                    if pz > ground_up(ground, px, py):
                        low = s
                    else:
                        high = s
                s = high
                out.t[i] = t + s * h
                out.position[i] = _cubic(x, u, x1, u1, h, s), _cubic(y, v, y1, v1, h, s), _cubic(z, w, z1, w1, h, s)
                out.velocity[i] = u + s * (u1 - u), v + s * (v1 - v), w + s * (w1 - w)
                out.apex[i] = top
                break
            x, y, z, u, v, w = x1, y1, z1, u1, v1, w1
            t += h


@njit(cache=True)
def _cubic(p0: float, v0: float, p1: float, v1: float, h: float, s: float) -> float:
    d = p1 - p0
    return p0 + s * (v0 * h + s * (3.0 * d - h * (2.0 * v0 + v1) + s * (h * (v0 + v1) - 2.0 * d)))
