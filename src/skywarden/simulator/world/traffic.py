"""Where every aircraft is: scripted legs or recorded flights, read between their points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.messages.frame import NO_ADDRESS
from skywarden.simulator.scenario.model import Flight

Array = NDArray[Any]

# m/s; points further apart than this are a jump in the recording: the aircraft stays, then is there
FASTEST = 400.0
TAXIING = 15.0          # m/s
SPARSE = 15.0           # s; between points further apart in time it flies straight, a curve would be invented


class Traffic(NamedTuple):
    """All flights, points one after the other. One row a flight."""

    address: Array      # (n,) int64; NO_ADDRESS none
    callsign: Array     # (n,) S8
    transponder: Array  # (n,) bool
    cross_section: Array  # (n,) float64 [m²]
    first: Array        # (n + 1,) int64 row where each flight begins
    t: Array            # (k,) [s]
    position: Array     # (k, 3) [m]
    velocity: Array     # (k, 3) [m/s], at each point
    bridge: Array       # (k,) int8: to the next point by a curve (0), straight (1), by a jump (2)
    # (n,) so long a flight stands at its last point, where it has come to at a walking or taxiing pace [s]
    stands: Array


def traffic(flights: Sequence[Flight]) -> Traffic:
    """The flights of a scenario, with the velocities their points imply."""
    first = np.concatenate([[0], np.cumsum([len(f.t) for f in flights])]).astype(np.int64)
    slopes = [_slopes(np.asarray(f.t, np.float64), np.asarray(f.position, np.float64)) for f in flights]
    return Traffic(
        np.array([f.address if f.address >= 0 else NO_ADDRESS for f in flights], np.int64),
        np.array([f.callsign.encode()[:8] for f in flights], "S8"),
        np.array([f.transponder for f in flights], np.bool_), np.array([f.cross_section for f in flights], np.float64),
        first,
        np.concatenate([np.zeros(0), *(f.t for f in flights)]),
        np.concatenate([np.zeros((0, 3)), *(f.position for f in flights)]),
        np.concatenate([np.zeros((0, 3)), *(v for v, _ in slopes)]), np.concatenate([np.zeros(0, np.int8),
            *(b for _, b in slopes)]),
        np.array([f.stands for f in flights], np.float64))


class Path(NamedTuple):
    """One flight's points."""

    t: Array            # (k,) [s]
    position: Array     # (k, 3) [m]
    velocity: Array     # (k, 3) [m/s]
    bridge: Array       # (k,) int8, as in `Traffic`


def path(t: Array, position: Array) -> Path:
    """Points (k,) and (k, 3) with the velocities they imply.

    t         (n,) times [s]
    position  (n, 3) east, north, up [m]
    """
    t, position = np.asarray(t, np.float64), np.asarray(position, np.float64)
    return Path(t, position, *_slopes(t, position))


def repathed(table: Traffic, paths: Mapping[int, Path]) -> Traffic:
    """The same flights, those of the rows named along other paths.

    table  the flights
    """
    rows = [paths.get(i) or Path(*(getattr(table, name)[table.first[i] : table.first[i + 1]] for name in Path._fields))
        for i in range(len(table.address))]
    first = np.concatenate([[0], np.cumsum([len(row.t) for row in rows])]).astype(np.int64)
    return table._replace(first=first, **{name: np.concatenate([getattr(row, name) for row in rows])
        for name in Path._fields})


def states(table: Traffic, t: float) -> Array:
    """State of every aircraft at time t, (n, 6) position [m] and velocity [m/s]; nan before its
    first and after its last point.

    table  the flights

    One that stands after its flight does so where that ended, if it was no faster than TAXIING
    then.
    """
    return _states(table.first, table.t, table.position, table.velocity, table.bridge, table.stands, t)


def spoken(table: Traffic, t: float) -> Array:
    """Which flights have a point within SPARSE before or after t, (n,) bool: where a recording is
    silent, so is its aircraft.

    table  the flights
    """
    out = np.zeros(len(table.address), np.bool_)
    for i in range(len(out)):
        own = table.t[table.first[i] : table.first[i + 1]]
        k = int(np.searchsorted(own, t))
        out[i] = (k < len(own) and own[k] - t <= SPARSE) or (k > 0 and t - own[k - 1] <= SPARSE)
    return out


def _slopes(t: Array, position: Array) -> tuple[Array, Array]:
    """Velocity at each point, and how to get to the next one. Slopes across a jump are not used."""
    n = len(t)
    velocity, bridge = np.zeros((n, 3)), np.zeros(n, np.int8)
    if n < 2:
        return velocity, bridge
    dt = np.maximum(np.diff(t), 1e-9)
    secant = np.diff(position, axis=0) / dt[:, None]
    jump = np.linalg.norm(secant, axis=1) > FASTEST
    bridge[:-1] = np.where(jump, 2, np.where(dt > SPARSE, 1, 0))
    good = ~jump
    for i in range(n):
        before, after = i > 0 and bool(good[i - 1]), i < n - 1 and bool(good[i])
        if before and after:
            share = dt[i] / (dt[i - 1] + dt[i])     # the nearer chord counts more: exact for a parabola
            velocity[i] = share * secant[i - 1] + (1.0 - share) * secant[i]
        elif before:
            velocity[i] = secant[i - 1]
        elif after:
            velocity[i] = secant[i]
        elif i:
            velocity[i] = velocity[i - 1]
    return velocity, bridge


@njit(cache=True, error_model="numpy")
def _states(
    first: Array, t: Array, position: Array, velocity: Array, bridge: Array, stands: Array, now: float
) -> Array:
    n = first.shape[0] - 1
    out = np.full((n, 6), math.nan)
    for i in range(n):
        low, high = first[i], first[i + 1] - 1
        if high >= low and t[high] < now <= t[high] + stands[i] and math.hypot(velocity[high, 0],
                velocity[high, 1]) <= TAXIING:
            out[i, :3] = position[high]
            out[i, 3:] = 0.0
            continue
        if high < low or not t[low] <= now <= t[high]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if t[middle] <= now:
                low = middle
            else:
                high = middle
        h = t[high] - t[low]
        s = (now - t[low]) / h if h > 0.0 else 0.0
        for j in range(3):
            p0, p1, m0, m1 = position[low, j], position[high, j], h * velocity[low, j], h * velocity[high, j]
            if bridge[low] == 2 or h <= 0.0:
                out[i, j] = p1 if s >= 1.0 else p0
                out[i, 3 + j] = velocity[high if s >= 1.0 else low, j]
            elif bridge[low] == 1:
                out[i, j] = p0 + s * (p1 - p0)
                out[i, 3 + j] = (p1 - p0) / h
            else:
                c2, c3 = 3.0 * (p1 - p0) - 2.0 * m0 - m1, 2.0 * (p0 - p1) + m0 + m1
                out[i, j] = p0 + s * (m0 + s * (c2 + s * c3))
                out[i, 3 + j] = (m0 + s * (2.0 * c2 + 3.0 * s * c3)) / h
    return out
