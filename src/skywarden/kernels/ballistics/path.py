"""One flight, exactly: an adaptive integration from a state to the ground, forwards or backwards in
time.

Dormand-Prince 5(4); the crossing of the ground is located on the step itself, to well below a
millimetre. The world flies its truth with this; `fall` is the fast one for many rounds.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from skywarden.kernels.ballistics.air import Air, density_and_sound, wind_at
from skywarden.kernels.ballistics.drag import Drags
from skywarden.kernels.ballistics.flight import Earth, acceleration
from skywarden.kernels.geometry.ground import Ground, ground_up

Array = NDArray[Any]

MAX_STEPS = 20_000
LONGEST_STEP = 0.5          # s; keeps `state_at` far below a millimetre between nodes
# of Mach a step at most: the drag rises too sharply near Mach 1 for an error estimate to see it coming
MACH_STEP = 0.03
SHORTEST_STEP = 1e-7        # s; taken whatever its error
FASTEST = 10_000.0          # m/s; flown backwards, speed grows without bound: nothing of ours came from there
LEAST_BURN_SPEED = 15.0     # m/s; below it a motor flown backwards is off, as on the launcher
TOUCH = 1e-6                # m above the ground: a round has left it
CROSSINGS = 64              # places looked at in one step, at most

FLYING, GROUND = 0, 1


class Path(NamedTuple):
    """A flight as nodes in time; `state_at` reads between them."""

    t: Array            # (k,) float64, from 0; falling where flown backwards [s]
    state: Array        # (k, 6) east north up [m] and rates [m/s]
    rate: Array         # (k, 3) acceleration at each node [m/s²]; where a motor starts or stops, two nodes share a time
    landed: bool        # ended on the ground; False: still up at t_max


def fly(
    state: ArrayLike, law: int, inverse_coefficient: float, ground: Ground, drags: Drags, air: Air, earth: Earth,
    t_max: float = 300.0, tolerance: float = 1e-10, forward: bool = True,
    burn_acceleration: float = 0.0, burn_out_height: float = 0.0, drift: float = 0.0,
) -> Path:
    """Fly one round until it meets the ground.

    state                (6,) east north up [m] and rates [m/s]; may start on the ground
    law                  row of `drags`
    inverse_coefficient  1 / BC [m²/kg]
    t_max                longest time flown, either way [s]
    tolerance            relative error of a step; 1e-10 keeps a whole flight within a millimetre
    forward              False: back in time, until the round rises out of the ground it was
                         launched from
    burn_acceleration    of a motor along the velocity through the air [m/s²], on while the round is
                         on its launch side
                         less than `burn_out_height` above the ground [m]
    drift                sideways, to the right, per speed [1/s]: spin drift
    earth                gravity, radius and rotation of the earth at the site

    Raises ValueError where the state is not finite or the law does not exist.
    """
    start = np.array(state, np.float64)
    if start.shape != (6,) or not np.isfinite(start).all():
        raise ValueError(f"a flight starts from six finite numbers, position and velocity; got {state!r}")
    if not 0 <= law < len(drags.mach):
        raise ValueError(f"there are drag laws 0 to {len(drags.mach) - 1}; got {law}")
    t, states, rates, end = _fly(
        start, int(law), float(inverse_coefficient), ground, drags, air, earth, float(t_max), float(tolerance), 1.0
        if forward else -1.0,
        float(burn_acceleration), float(burn_out_height), float(drift))
    return Path(t, states, rates, end == GROUND)


def state_at(path: Path, t: ArrayLike) -> Array:
    """States (n, 6) at times t (n,) of one flight, (6,) at a single time; nan before its start and
    after its end.

    path  the flight's path

    Quintic through position, velocity and acceleration of the two nodes around each time: below 1
    mm and 1 mm/s off the true curve.
    """
    times = np.atleast_1d(np.asarray(t, np.float64))
    states = _between(path.t, path.state, path.rate, times)
    return states[0] if np.ndim(t) == 0 else states


def apex(path: Path) -> float:
    """Greatest height reached, up [m].

    path  the flight's path
    """
    return float(_apex(path.t, path.state, path.rate))


# Dormand and Prince, J. Comput. Appl. Math. 6 (1980) 19: nodes are not needed, the force does not depend on time.
A21 = 1 / 5
A31, A32 = 3 / 40, 9 / 40
A41, A42, A43 = 44 / 45, -56 / 15, 32 / 9
A51, A52, A53, A54 = 19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729
A61, A62, A63, A64, A65 = 9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656
B1, B3, B4, B5, B6 = 35 / 384, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84
E1, E3, E4, E5, E6, E7 = 71 / 57600, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40


@njit(cache=True, error_model="numpy")
def _slope(
    y: Array, out: Array, law: int, inverse: float, push: float, drift: float, drags: Drags, air: Air, earth: Earth
) -> None:
    """Derivative of a state, into `out`."""
    ax, ay, az = acceleration(y[0], y[1], y[2], y[3], y[4], y[5], law, inverse, push, drift, drags, air, earth)
    out[0], out[1], out[2], out[3], out[4], out[5] = y[3], y[4], y[5], ax, ay, az


@njit(cache=True, error_model="numpy")
def _step(
    y: Array, h: float, k: Array, work: Array, new: Array,
    law: int, inverse: float, push: float, drift: float, drags: Drags, air: Air, earth: Earth,
) -> None:
    """One step h from y, whose slope is k[0], into `new`; k[6] becomes the slope there."""
    for j in range(6):
        work[j] = y[j] + h * A21 * k[0, j]
    _slope(work, k[1], law, inverse, push, drift, drags, air, earth)
    for j in range(6):
        work[j] = y[j] + h * (A31 * k[0, j] + A32 * k[1, j])
    _slope(work, k[2], law, inverse, push, drift, drags, air, earth)
    for j in range(6):
        work[j] = y[j] + h * (A41 * k[0, j] + A42 * k[1, j] + A43 * k[2, j])
    _slope(work, k[3], law, inverse, push, drift, drags, air, earth)
    for j in range(6):
        work[j] = y[j] + h * (A51 * k[0, j] + A52 * k[1, j] + A53 * k[2, j] + A54 * k[3, j])
    _slope(work, k[4], law, inverse, push, drift, drags, air, earth)
    for j in range(6):
        work[j] = y[j] + h * (A61 * k[0, j] + A62 * k[1, j] + A63 * k[2, j] + A64 * k[3, j] + A65 * k[4, j])
    _slope(work, k[5], law, inverse, push, drift, drags, air, earth)
    for j in range(6):
        new[j] = y[j] + h * (B1 * k[0, j] + B3 * k[2, j] + B4 * k[3, j] + B5 * k[4, j] + B6 * k[5, j])
    _slope(new, k[6], law, inverse, push, drift, drags, air, earth)


@njit(cache=True, error_model="numpy")
def _error(y: Array, new: Array, h: float, k: Array, tolerance: float) -> float:
    """Estimated error of a step over what is allowed; nan counts as hopeless."""
    worst = 0.0
    for j in range(6):
        e = h * (E1 * k[0, j] + E3 * k[2, j] + E4 * k[3, j] + E5 * k[4, j] + E6 * k[5, j] + E7 * k[6, j])
        worst = max(worst, abs(e) / (tolerance * (1.0 + max(abs(y[j]), abs(new[j])))))
        if not math.isfinite(e):
            return 1e9
    return worst


@njit(cache=True, error_model="numpy")
def _quintic(y0: Array, a0: Array, y1: Array, a1: Array, h: float, s: float, out: Array) -> None:
    """State at the fraction s of a step h between two nodes, from position, velocity and
    acceleration at both.
    """
    for j in range(3):
        p, v, a = y0[j], y0[3 + j] * h, a0[j] * h * h
        dp, dv, da = y1[j] - p - v - 0.5 * a, y1[3 + j] * h - v - a, a1[j] * h * h - a
        c3, c4, c5 = 10.0 * dp - 4.0 * dv + 0.5 * da, -15.0 * dp + 7.0 * dv - da, 6.0 * dp - 3.0 * dv + 0.5 * da
        out[j] = p + s * (v + s * (0.5 * a + s * (c3 + s * (c4 + s * c5))))
        out[3 + j] = (v + s * (a + s * (3.0 * c3 + s * (4.0 * c4 + s * 5.0 * c5)))) / h


@njit(cache=True, error_model="numpy")
def _clearance(y: Array, ground: Ground) -> float:
    return y[2] - ground_up(ground, y[0], y[1])


@njit(cache=True, error_model="numpy")
def _crossing(
    y: Array, k: Array, new: Array, h: float, level: float, away: float, left: bool, ground: Ground, work: Array
) -> tuple[float, bool]:
    """First fraction of a step at which the height above the ground passes `level`; 2 where it does
    not.

    away  +1: looks for a fall through the level, once above it; -1: for a rise through it
    left  whether it was on the far side of the level already
    """
    lowest = min(y[2], new[2]) - 0.25 * abs(h) * abs(new[5] - y[5]) - TOUCH
    if left and away > 0.0 and lowest > ground.highest + level:
        return 2.0, True
    n = 4
    if ground.up.size > 1:
        n = min(max(4, int(4.0 * abs(h) * math.hypot(y[3], y[4]) / ground.step) + 1), CROSSINGS)
    before = 0.0
    for i in range(1, n + 1):
        s = i / n
        _quintic(y, k[0, 3:], new, k[6, 3:], h, s, work)
        g = away * (_clearance(work, ground) - level)
        if left and g <= 0.0:
            low, high = before, s
            for _ in range(48):
                middle = 0.5 * (low + high)
                _quintic(y, k[0, 3:], new, k[6, 3:], h, middle, work)
                if away * (_clearance(work, ground) - level) > 0.0:
                    low = middle
                else:
                    high = middle
            return high, True
        left = left or g > TOUCH
        before = s
    return 2.0, left


@njit(cache=True, error_model="numpy")
def _fly(
    start: Array, law: int, inverse: float, ground: Ground, drags: Drags, air: Air, earth: Earth, t_max: float,
    tolerance: float, sense: float,
    burn: float, burn_height: float, drift: float,
) -> tuple[Array, Array, Array, int]:
    """Nodes of one flight: times, states, accelerations, and whether it ended on the ground."""
    t, states, rates = np.empty(128), np.empty((128, 6)), np.empty((128, 3))
    k, work, new, y = np.empty((7, 6)), np.empty(6), np.empty(6), start.copy()
    clear = _clearance(y, ground)
    left = clear > TOUCH
    burning, above, spent = _motor(clear, burn, burn_height, sense)
    push = burn if burning else 0.0
    _slope(y, k[0], law, inverse, push, drift, drags, air, earth)
    n, now, h = 0, 0.0, 0.01
    t[0], states[0], rates[0] = 0.0, y, k[0, 3:]
    if not left and _stays(y, sense, ground):
        return t[:1].copy(), states[:1].copy(), rates[:1].copy(), GROUND
    for _ in range(MAX_STEPS):
        h = min(h, LONGEST_STEP, _longest(y, k[0], burning, burn, air), t_max - now)
        _step(y, sense * h, k, work, new, law, inverse, push, drift, drags, air, earth)
        error = _error(y, new, h, k, tolerance)
        if error > 1.0 and h > SHORTEST_STEP:
            h = max(h * max(0.2, 0.9 * error ** -0.2), 0.5 * SHORTEST_STEP)
            continue
        grown = h * min(4.0, 0.9 * max(error, 1e-9) ** -0.2)
        landed = switched = False
        if not spent:
            f, above = _crossing(y, k, new, sense * h, burn_height, -1.0 if burning else 1.0, burning or above, ground,
                work)
            if f <= 1.0:
                h, switched = f * h, True
                _step(y, sense * h, k, work, new, law, inverse, push, drift, drags, air, earth)
        f, left = _crossing(y, k, new, sense * h, 0.0, 1.0, left, ground, work)
        if f <= 1.0:
            landed = True
            h = _land(y, f * h, sense, k, work, new, ground, law, inverse, push, drift, drags, air, earth)
        now += h
        n += 1
        if n + 1 >= t.shape[0]:
            t, states, rates = _longer(t), _longer_rows(states), _longer_rows(rates)
        t[n], states[n], rates[n] = sense * now, new, k[6, 3:]
        y[:] = new
        k[0] = k[6]
        if landed:
            return t[: n + 1].copy(), states[: n + 1].copy(), rates[: n + 1].copy(), GROUND
        speed = math.sqrt(y[3] * y[3] + y[4] * y[4] + y[5] * y[5])
        if now >= t_max or not speed < FASTEST:
            break
        if not switched and burning and sense < 0.0 and speed < LEAST_BURN_SPEED:
            switched = True
        if switched:
            spent = burning
            burning = not burning
            push = burn if burning else 0.0
            _slope(y, k[0], law, inverse, push, drift, drags, air, earth)
            n += 1
            t[n], states[n], rates[n] = sense * now, y, k[0, 3:]
            grown = min(grown, 0.05)
        h = max(grown, SHORTEST_STEP)
    return t[: n + 1].copy(), states[: n + 1].copy(), rates[: n + 1].copy(), FLYING


@njit(cache=True, error_model="numpy")
def _motor(clear: float, burn: float, burn_height: float, sense: float) -> tuple[bool, bool, bool]:
    """Whether a motor burns at the start, whether the round is above its burn-out height, whether
    it is spent.

    It burns on the launch side of the burn-out height: forwards from the start until the round
    rises through it; backwards from where the round, having been above it, comes down through it.
    """
    burning = burn > 0.0 and sense > 0.0 and clear < burn_height
    return burning, clear > burn_height, burn <= 0.0 or (sense > 0.0 and not burning)


@njit(cache=True, error_model="numpy")
def _stays(y: Array, sense: float, ground: Ground) -> bool:
    """Whether a state on the ground moves into it, or along it, rather than away."""
    ahead = ground_up(ground, y[0] + sense * 1e-3 * y[3], y[1] + sense * 1e-3 * y[4])
    return sense * (y[5] - (ahead - ground_up(ground, y[0], y[1])) * sense * 1e3) <= 0.0


@njit(cache=True, error_model="numpy")
def _longest(y: Array, slope: Array, burning: bool, burn: float, air: Air) -> float:
    """The step may change neither the Mach number nor, with a motor on, the speed by much [s]."""
    wind_east, wind_north = wind_at(air, y[2])
    speed = math.sqrt((y[3] - wind_east) ** 2 + (y[4] - wind_north) ** 2 + y[5] ** 2)
    _, sound = density_and_sound(air, y[2])
    pull = math.sqrt(slope[3] ** 2 + slope[4] ** 2 + slope[5] ** 2)
    h = MACH_STEP * sound / max(pull, 1e-9)
    if burning:
        h = min(h, 0.2 * max(speed, 1.0) / burn)
    return h if h > SHORTEST_STEP else SHORTEST_STEP


@njit(cache=True, error_model="numpy")
def _land(
    y: Array, h: float, sense: float, k: Array, work: Array, new: Array, ground: Ground,
    law: int, inverse: float, push: float, drift: float, drags: Drags, air: Air, earth: Earth,
) -> float:
    """The step that ends on the ground, found by Newton from the interpolated one; `new` and k[6]
    become the state there.
    """
    for _ in range(6):
        _step(y, sense * h, k, work, new, law, inverse, push, drift, drags, air, earth)
        clear = _clearance(new, ground)
        for j in range(3):
            work[j] = new[j] + sense * 1e-4 * new[3 + j]
        fall = (_clearance(work, ground) - clear) * 1e4
        if abs(clear) < 1e-9 or fall >= 0.0:
            break
        h = max(h - clear / fall, 0.0)
    return h


@njit(cache=True, error_model="numpy")
def _longer(a: Array) -> Array:
    out = np.empty(2 * a.shape[0])
    out[: a.shape[0]] = a
    return out


@njit(cache=True, error_model="numpy")
def _longer_rows(a: Array) -> Array:
    out = np.empty((2 * a.shape[0], a.shape[1]))
    out[: a.shape[0]] = a
    return out


@njit(cache=True, error_model="numpy")
def _between(t: Array, state: Array, rate: Array, times: Array) -> Array:
    sense = 1.0 if t[-1] >= t[0] else -1.0
    out = np.full((times.shape[0], 6), np.nan)
    for i in range(times.shape[0]):
        at, last = sense * times[i], t.shape[0] - 1
        if not (sense * t[0] <= at <= sense * t[last]):
            continue
        low, high = 0, last
        while high - low > 1:
            middle = (low + high) // 2
            if sense * t[middle] <= at:
                low = middle
            else:
                high = middle
        h = t[high] - t[low]
        if h == 0.0:
            out[i] = state[high]
        else:
            _quintic(state[low], rate[low], state[high], rate[high], h, (times[i] - t[low]) / h, out[i])
    return out


@njit(cache=True, error_model="numpy")
def _apex(t: Array, state: Array, rate: Array) -> float:
    best = state[0, 2]
    out = np.empty(6)
    for i in range(1, t.shape[0]):
        best = max(best, state[i, 2])
        h = t[i] - t[i - 1]
        if h * state[i - 1, 5] > 0.0 and h * state[i, 5] < 0.0:
            low, high = 0.0, 1.0
            for _ in range(40):
                middle = 0.5 * (low + high)
                _quintic(state[i - 1], rate[i - 1], state[i], rate[i], h, middle, out)
                if h * out[5] > 0.0:
                    low = middle
                else:
                    high = middle
            best = max(best, out[2])
    return best
