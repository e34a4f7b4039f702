"""The corridor of an engagement as kernels have it: a fan of cones, and how near a place comes to
it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.rehearsal.aircraft.lost import SIGMAS

Array = NDArray[Any]

# for what only kernels call: no way in from Python is compiled, which takes a fifth of the time
INNER: dict[str, Any] = {"cache": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


class Cones(NamedTuple):
    """The corridor of an engagement, as the kernels have it."""

    start: Array        # (3,) [m]
    # (2, lines, 5) axis of each line [m], its length squared, how far beyond the foot the nearest sphere lies; seen
    # from above, too
    axes: Array
    between: Array      # (2, lines - 1, 10) of each line and the next: see `between_lines`
    far: float          # length of the longest [m]
    spread: float       # half angle of each cone [rad]
    t_from: float       # [s]
    t_to: float         # [s]
    quickness: float    # m/s, mean, of the effect; inf a beam
    dwell: float        # s from what leaves first to what leaves last


class Tube(NamedTuple):
    """One aircraft, as the kernels have it."""

    t: float
    seen: float
    position: Array
    velocity: Array
    covariance: Array
    extra: float
    blind: bool
    speed: float


@njit(**INNER)
def axes_of(start: Array, ends: Array, spread: float) -> tuple[Array, float]:
    """Axes of the lines, as `Cones` has them, and the length of the longest.

    start   (3,) where the lines start [m]
    ends    (k, 3) ends of the lines of the engagement's corridor [m]
    spread  half angle of each cone [rad]
    """
    lines = ends.shape[0]
    axes, far = np.empty((2, lines, 5)), 0.0
    for j in range(lines):
        dx, dy, dz = ends[j, 0] - start[0], ends[j, 1] - start[1], ends[j, 2] - start[2]
        far = max(far, math.sqrt(dx * dx + dy * dy + dz * dz))
        for flat in range(2):
            axes[flat, j, 0], axes[flat, j, 1], axes[flat, j, 2] = dx, dy, (0.0 if flat else dz)
            axes[flat, j, 3] = dx * dx + dy * dy + (0.0 if flat else dz * dz)
    for flat in range(2):
        for j in range(lines):
            # a cone seen from above is as wide as it is
            axes[flat, j, 4] = beyond(spread * far, math.sqrt(axes[flat, j, 3]))
    return axes, far


@njit(**INNER)
def between_lines(axes: Array, far: float, spread: float) -> tuple[Array, float]:
    """(2, lines - 1, 10) of each line and the next: the way from one end to the other, of length 1;
    the foot of the start on it [m]; where along it the two ends lie [m]; the foot's length
    squared; how far beyond the foot of a place the nearest sphere lies. And half the widest
    angle between two lines [rad].
    axes    (2, lines, 5) as `Cones` has them
    spread  half angle of each cone [rad]
    """
    lines = axes.shape[1]
    out, half = np.zeros((2, lines - 1, 10)), 0.0
    for flat in range(2):
        for j in range(lines - 1):
            a, b, row = axes[flat, j], axes[flat, j + 1], out[flat, j]
            length = math.sqrt((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2 + (b[2] - a[2]) ** 2)
            if length > 0.0:
                for c in range(3):
                    row[c] = (b[c] - a[c]) / length
            row[6] = a[0] * row[0] + a[1] * row[1] + a[2] * row[2]
            row[7] = row[6] + length
            for c in range(3):
                row[3 + c] = a[c] - row[6] * row[c]
            row[8] = row[3] ** 2 + row[4] ** 2 + row[5] ** 2
            row[9] = beyond(spread * far, math.sqrt(row[8]))
            if flat == 0 and far > 0.0:
                half = max(half, math.asin(min(0.5 * length / far, 1.0)))
    return out, half


@njit(**INNER)
def beyond(wide: float, length: float) -> float:
    """How far beyond the foot of a place, in shares of a line so long, the nearest sphere of its
    cone lies, for each metre that the place is off it.
    wide    radius of the cone at its end [m]
    length  length of the line [m]
    """
    if not wide < length:
        # seen from above, a steep cone is widest at its end, wherever that is
        return math.inf
    rate = wide / length
    return rate / math.sqrt(1.0 - rate * rate) / length


@njit(**INNER)
def deviation_along(nx: float, ny: float, nz: float, c: Array, dt: float) -> float:
    """Standard deviation [m] of a place along the direction (nx, ny, nz), of length 1, `dt` s after
    its covariance c (6, 6) was true; nan where that is no covariance.
    """
    variance = 0.0
    for a in range(3):
        na = nx if a == 0 else (ny if a == 1 else nz)
        for b in range(3):
            nb = nx if b == 0 else (ny if b == 1 else nz)
            variance += na * nb * (c[a, b] + dt * (c[a, 3 + b] + c[3 + a, b]) + dt * dt * c[3 + a, 3 + b])
    return math.sqrt(variance) if variance > 0.0 else (0.0 if variance > -1e-6 else math.nan)


@njit(**INNER)
def gap_at(
    x: float, y: float, z: float, dt: float, c: Array, ball: float, axes: Array, between: Array, wide: float,
    tail: float, head: float, gap: float,
) -> tuple[bool, float, float, float]:
    """One moment's gap to all lines and what is between them, of which the shares from `tail` to
    `head` are occupied: whether it is less than `gap`, and a lower bound of it [m]; then the
    lesser of the two, and the standard deviation towards the nearest place where it is this
    moment's [m].

    x, y, z    place by dead reckoning from where the lines start [m], `dt` s after its covariance c
               (6, 6) was true
    ball       what is added to its ellipsoid [m]
    axes       (lines, 5) as `Cones` has them
    between    (lines - 1, 10) likewise
    wide       radius of the cones at the end of the longest [m]
    """
    found, least, sigma, trace = False, math.inf, 0.0, 0.0
    for a in range(3):
        trace += c[a, a] + 2.0 * dt * c[a, 3 + a] + dt * dt * c[3 + a, 3 + a]
    # no direction has a larger standard deviation
    rest = ball + SIGMAS * math.sqrt(1.000001 * trace)
    lines = axes.shape[0]
    for j in range(2 * lines - 1):
        if j < lines:
            dx, dy, dz, f = axes[j, 0], axes[j, 1], axes[j, 2], head
            if axes[j, 4] < math.inf:
                f = (x * dx + y * dy + z * dz) / axes[j, 3]
                off = math.sqrt(max((x - f * dx) ** 2 + (y - f * dy) ** 2 + (z - f * dz) ** 2, 0.0))
                # the sphere of the cone that is nearest lies beyond the foot on its axis: it is wider there
                f = min(max(f + off * axes[j, 4], tail), head)
            qx, qy, qz = x - f * dx, y - f * dy, z - f * dz
        else:
            row = between[j - lines]
            aside = x * row[0] + y * row[1] + z * row[2]
            low, high = shares_between(aside, row[6], row[7], tail, head)
            if not low <= high:
                continue
            qx, qy, qz, f = x - aside * row[0], y - aside * row[1], z - aside * row[2], high
            if row[9] < math.inf:
                f = (qx * row[3] + qy * row[4] + qz * row[5]) / row[8]
                off = math.sqrt(max((qx - f * row[3]) ** 2 + (qy - f * row[4]) ** 2 + (qz - f * row[5]) ** 2, 0.0))
                f = min(max(f + off * row[9], low), high)
            qx, qy, qz = qx - f * row[3], qy - f * row[4], qz - f * row[5]
        off = math.sqrt(qx * qx + qy * qy + qz * qz)
        least = min(least, off - wide * f - rest)
        if off - wide * f - rest > gap:
            continue
        scale = 1.0 / off if off > 0.0 else 0.0
        nx, ny, nz = qx * scale, qy * scale, qz * scale
        if off == 0.0:
            nx = 1.0
        deviation = deviation_along(nx, ny, nz, c, dt)
        then = off - wide * f - SIGMAS * deviation - ball
        if not then >= gap:       # also where it is not a number: that must be seen
            found, gap, sigma = True, then, deviation
    return found, least, gap, sigma


@njit(**INNER)
def shares_between(aside: float, first: float, last: float, tail: float, head: float) -> tuple[float, float]:
    """From which share of two lines on, between `tail` and `head`, to which a place so far `aside`
    lies between the two, whose ends lie at first and last.
    """
    if first < 0.0:
        tail = max(tail, aside / first)
    elif first > 0.0:
        head = min(head, aside / first)
    elif aside < 0.0:
        head = -1.0
    if last > 0.0:
        tail = max(tail, aside / last)
    elif last < 0.0:
        head = min(head, aside / last)
    elif aside > 0.0:
        head = -1.0
    return tail, head
