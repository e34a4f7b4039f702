"""Many rounds to the ground at once, fast."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from skywarden.kernels.ballistics.air import Air
from skywarden.kernels.ballistics.drag import Drags
from skywarden.kernels.ballistics.flight import Earth
from skywarden.kernels.ballistics.lockstep import RISE, Tables, fall_all, tabulate
from skywarden.kernels.ballistics.path import GROUND, _apex, _fly
from skywarden.kernels.geometry.ground import Ground

Array = NDArray[Any]

LONGEST_STEP = 3.0      # s
SPARE = 512.0           # m; tables begin and end at multiples of it, so that they are not made anew for every state
HIGHEST = 80_000.0      # m above the origin; air above is as thin as there


class Falls(NamedTuple):
    """Where and when rounds come down, one row a round; nan where one is still up after `t_max`."""

    t: Array            # (n,) from the given state to the ground [s]
    position: Array     # (n, 3) east north up [m]
    velocity: Array     # (n, 3) [m/s]
    apex: Array         # (n,) greatest height reached, up [m]


def fall(
    state: ArrayLike, law: ArrayLike, inverse_coefficient: ArrayLike, ground: Ground, drags: Drags, air: Air,
    earth: Earth,
    t_max: float = 150.0, step: float = LONGEST_STEP, threads: int = 1,
) -> Falls:
    """Fly each round to the ground, thousands in a few milliseconds.

    state                (n, 6) east north up [m] and rates [m/s]
    law                  (n,) or single: row of `drags`
    inverse_coefficient  (n,) or single: 1 / BC [m²/kg]
    ground               flat or terrain; a round may start on it
    t_max                longest flight [s]
    step                 longest time step [s]; steps shorten by themselves where drag is strong or
                         about to change
    threads              cores to use; more than one pays from some thousand rounds on
    air                  density, speed of sound and wind over height
    earth                gravity, radius and rotation of the earth at the site

    Raises ValueError where shapes do not fit, a law does not exist or `threads` is not positive. A
    row that is not finite stays nan. Within 0.1 m of `fall_exactly` for 99 flights in a hundred:
    tests/kernels/test_fall.py. Source: docs/models/flight.md
    """
    if threads < 1:
        raise ValueError(f"flights need one thread or more; got {threads}")
    states, laws, inverse = _checked(state, law, inverse_coefficient, drags)
    out = np.full((len(states), 8), np.nan)
    if len(states):
        tables = _tables(drags, air, *_span(states, ground, t_max))

        def fly(rows: slice) -> None:
            fall_all(states[rows], laws[rows], inverse[rows], ground, tables, earth, float(t_max), float(step),
                out[rows])

        if threads == 1:
            fly(slice(None))
        else:
            size = -(-len(states) // threads)
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(fly, [slice(k, k + size) for k in range(0, len(states), size)]))
    return Falls(out[:, 0], out[:, 1:4], out[:, 4:7], out[:, 7])


def fall_exactly(
    state: ArrayLike, law: ArrayLike, inverse_coefficient: ArrayLike, ground: Ground, drags: Drags, air: Air,
    earth: Earth,
    t_max: float = 1_000.0, tolerance: float = 1e-10,
) -> Falls:
    """The same as `fall`, each round by the adaptive integration of `path.fly`: within a
    millimetre, some fifty times slower.

    state                (n, 6) east north up [m] and rates [m/s]
    law                  (n,) or single: row of `drags`
    inverse_coefficient  (n,) or single: 1 / BC [m²/kg]
    ground               flat or terrain
    drags                the drag laws, tabulated over Mach number
    air                  density, speed of sound and wind over height
    earth                gravity, radius and rotation of the earth at the site
    t_max                longest flight [s]
    tolerance            error allowed in a step, as `path.fly` takes it
    """
    states, laws, inverse = _checked(state, law, inverse_coefficient, drags)
    out = _nowhere(len(states))
    _fall_exactly(states, laws, inverse, ground, drags, air, earth, float(t_max), float(tolerance), out)
    return out


def _checked(
    state: ArrayLike, law: ArrayLike, inverse_coefficient: ArrayLike, drags: Drags
) -> tuple[Array, Array, Array]:
    """Rows as the kernels want them. Raises ValueError for another shape or an unknown law."""
    states = np.ascontiguousarray(np.atleast_2d(np.asarray(state, np.float64)))
    if states.ndim != 2 or states.shape[1] != 6:
        raise ValueError(f"rounds need states (n, 6), position and velocity; got shape {states.shape}")
    laws = np.ascontiguousarray(np.broadcast_to(np.asarray(law, np.int32), len(states)))
    if len(laws) and not (laws.min() >= 0 and laws.max() < len(drags.mach)):
        raise ValueError(f"there are drag laws 0 to {len(drags.mach) - 1}; got {laws.min()} to {laws.max()}")
    return states, laws, np.ascontiguousarray(np.broadcast_to(np.asarray(inverse_coefficient, np.float64), len(states)))


def _span(states: Array, ground: Ground, t_max: float) -> tuple[float, float]:
    """Heights between which the rounds will stay: the lowest ground, and as high as they would go
    in a vacuum.
    """
    up, climb = np.nan_to_num(states[:, 2]), np.clip(np.nan_to_num(states[:, 5]), 0.0, 9.5 * t_max)
    top = float((up + climb**2 / (2.0 * 9.5)).max())
    return min(float(ground.up.min()), float(up.min())), max(top, float(ground.highest))


@lru_cache(maxsize=1)
def _last() -> dict[str, tuple[Drags, Air, Tables]]:
    """The tables used last: a tracker asks for the same air and laws many times a second."""
    return {}


def _tables(drags: Drags, air: Air, low: float, high: float) -> Tables:
    """Air and laws sampled between two heights, made anew only when they changed."""
    base, top = math.floor(low / SPARE) * SPARE, (math.floor(min(high, HIGHEST) / SPARE) + 1.0) * SPARE
    kept = _last().get("tables")
    if kept is not None:
        same_drags = all(a is b for a, b in zip(kept[0][:3], drags[:3], strict=True))
        same_air = kept[1].wind is air.wind and kept[1].wind_up is air.wind_up and kept[1][:8] == air[:8]
        if same_drags and same_air and kept[2].base <= base and kept[2].base + (len(kept[2].air) - 2) * RISE >= top:
            return kept[2]
    tables = tabulate(drags, air, base, top)
    _last()["tables"] = (drags, air, tables)
    return tables


def _nowhere(n: int) -> Falls:
    return Falls(np.full(n, np.nan), np.full((n, 3), np.nan), np.full((n, 3), np.nan), np.full(n, np.nan))


@njit(cache=True, error_model="numpy")
def _fall_exactly(
    state: Array, law: Array, inverse: Array, ground: Ground, drags: Drags, air: Air, earth: Earth, t_max: float,
    tolerance: float, out: Falls,
) -> None:
    for i in range(state.shape[0]):
        t, states, rates, end = _fly(state[i], law[i], inverse[i], ground, drags, air, earth, t_max, tolerance, 1.0,
            0.0, 0.0, 0.0)
        if end == GROUND:
            out.t[i], out.apex[i] = t[-1], _apex(t, states, rates)
            out.position[i], out.velocity[i] = states[-1, :3], states[-1, 3:]
