"""How near each aircraft may come to the space of an engagement while it lasts, to what falls from it, and to what flies on behind it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.rehearsal.fallout import GRAVITY, SLOWEST
from skywarden.rehearsal.known import MANOEUVRE, SIGMAS
from skywarden.rehearsal.space import Space
from skywarden.rehearsal.tubes import Tubes

Array = NDArray[Any]

# for what only kernels call: no way in from Python is compiled, which takes a fifth of the time
INNER: dict[str, Any] = {"cache": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

FASTEST = 350.0         # m/s over the ground, of any aircraft: nothing is reached sooner
BLIND_PACE = 300.0      # m/s, at most, of an aircraft that does not report its velocity: an airliner at height with the wind behind it
STEP = 0.125            # s between the moments at which tubes and the engagement's space are compared
FINER = 4               # times finer they are where that decides
QUICK, SLOW = 1.05, 0.95    # times the mean speed, between which the effect goes along its lines
AIRFRAME = 300.0        # m², of an aircraft from below
ROOM = 100.0            # m kept by dead reckoning from what falls


class Separation(NamedTuple):
    """Each tube at its nearest approach to the space, and to what comes after it."""

    gap: Array      # (n,) between the two [m], negative where it reaches in
    when: Array     # (n,) moment of it [s]
    reach: Array    # (n,) from its dead reckoning towards the space [m]
    risk: Array     # (n,) probability that it is nearer than the safety distance after all
    falls: Array    # (n,) 1 where by dead reckoning it flies through what falls, 0 elsewhere
    behind: Array   # (n,) probability that one piece that flies on behind the ends meets it


def separation(space: Space, tubes: Tubes, safety: float, falling: Array) -> Separation:
    """How near each tube comes to the engagement's space while it lasts; safety [m]; falling (10,) as `Below` has it, its radius 0 for nothing.

    A line of the space counts as occupied from the slowest of what may have left last to the quickest of what may have left first. The gap is a lower
    bound: along the line from the nearest sphere of a cone to the aircraft, an ellipsoid reaches as far as its covariance in that direction says, and a
    plane across it parts the two. A tube that cannot be the nearest, nor nearer than four safety distances, is not worked out: a lower bound stands for it.
    """
    return Separation(*_separation(
        space.start, space.ends, space.spread, space.t_from, space.t_to, space.speed, space.dwell, tubes.t, tubes.seen, tubes.position, tubes.velocity,
        tubes.covariance, tubes.extra, tubes.blind, safety, falling))


def nearest(found: Separation) -> int:
    """The tube that comes nearest; -1 where there is none."""
    return -1 if found.gap.size == 0 else int(np.argmin(np.where(np.isnan(found.gap), -math.inf, found.gap)))


def closest(space: Space, tubes: Tubes) -> tuple[int, float]:
    """The tube that comes nearest to the engagement's space while it lasts, and by how much [m]; -1 and inf where there is none."""
    found = separation(space, tubes, 0.0, np.zeros(10))
    near = nearest(found)
    return (near, float(found.gap[near])) if near >= 0 else (-1, math.inf)


class _Cones(NamedTuple):
    """The space of an engagement, as the kernels have it."""

    start: Array        # (3,) [m]
    axes: Array         # (2, lines, 5) axis of each line [m], its length squared, how far beyond the foot the nearest sphere lies; seen from above, too
    far: float          # length of the longest [m]
    spread: float       # half angle of each cone [rad]
    t_from: float       # [s]
    t_to: float         # [s]
    quickness: float    # m/s, mean, of the effect; inf a beam
    dwell: float        # s from what leaves first to what leaves last


class _Tube(NamedTuple):
    """One aircraft, as the kernels have it."""

    t: float
    seen: float
    position: Array
    velocity: Array
    covariance: Array
    extra: float
    blind: bool
    speed: float


@njit(cache=True, error_model="numpy")
def _separation(
    start: Array, ends: Array, spread: float, t_from: float, t_to: float, quickness: float, dwell: float,
    t: Array, seen: Array, position: Array, velocity: Array, covariance: Array, extra: Array, blind: Array, safety: float,
    falling: Array,
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """`separation`, six columns (n,)."""
    n = t.shape[0]
    gaps, when, reach = np.full(n, np.inf), np.full(n, t_from), np.zeros(n)
    risk, falls, behind = np.zeros(n), np.zeros(n), np.zeros(n)
    axes, far = _axes(start, ends, spread)
    cones = _Cones(start, axes, far, spread, t_from, t_to, quickness, dwell)
    steps = min(max(math.ceil((t_to - t_from) / STEP), 1), 2000)
    step = (t_to - t_from) / steps
    bounds, most, first = np.empty(n), np.empty(n), 0
    for i in range(n):
        tube = _tube(i, t, seen, position, velocity, covariance, extra, blind)
        bounds[i], most[i] = _plainly(cones, tube, step)
        if bounds[i] < bounds[first]:
            first = i
    least = math.inf
    for turn in range(n):       # what may be nearest comes first: most of the others need not be worked out then
        i = first if turn == 0 else (0 if turn == first else turn)
        tube = _tube(i, t, seen, position, velocity, covariance, extra, blind)
        if bounds[i] > least and bounds[i] > 4.0 * safety:
            gaps[i], reach[i] = bounds[i], most[i]
        else:
            for finer in (1, FINER):
                gaps[i], when[i], reach[i], risk[i], nearer = _window(cones, tube, finer * steps, step / finer, safety)
                # what half a step of motion keeps too near is looked at again, with steps a FINER part of that
                if not (gaps[i] < safety and gaps[i] + nearer >= safety):
                    break
        if gaps[i] < least:
            least = gaps[i]
        if falling[5] > 0.0:
            falls[i] = _falls(tube, falling)
        behind[i] = _behind(cones, tube, ends)
    return gaps, when, reach, risk, falls, behind


@njit(**INNER)
def _tube(i: int, t: Array, seen: Array, position: Array, velocity: Array, covariance: Array, extra: Array, blind: Array) -> _Tube:
    speed = math.sqrt(velocity[i, 0] ** 2 + velocity[i, 1] ** 2 + velocity[i, 2] ** 2)
    return _Tube(t[i], seen[i], position[i], velocity[i], covariance[i], extra[i], blind[i], speed)


@njit(**INNER)
def _axes(start: Array, ends: Array, spread: float) -> tuple[Array, float]:
    """Axes of the lines, as `_Cones` has them, and the length of the longest."""
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
            length = math.sqrt(axes[flat, j, 3])
            # a cone seen from above is as wide as it is
            rate = min(spread * far / length, 0.999) if length > 0.0 else 0.0
            axes[flat, j, 4] = rate / math.sqrt(1.0 - rate * rate) / length if length > 0.0 else 0.0
    return axes, far


@njit(**INNER)
def _plainly(cones: _Cones, tube: _Tube, step: float) -> tuple[float, float]:
    """A plain lower bound of the gap [m], and what it takes the tube to reach at most [m]."""
    late = max(cones.t_to - tube.t, tube.t - cones.t_from, 0.0)
    widest = 0.0
    for a in range(6):
        widest += tube.covariance[a, a] * (1.0 if a < 3 else late * late)
    grown = _growth(late + step, max(cones.t_to - tube.seen, 0.0) + step, tube.speed, tube.blind)
    most = SIGMAS * math.sqrt(2.0 * max(widest, 0.0)) + tube.extra + grown
    up = 0.0 if math.isnan(tube.position[2]) else tube.position[2] - cones.start[2]
    away = math.sqrt((tube.position[0] - cones.start[0]) ** 2 + (tube.position[1] - cones.start[1]) ** 2 + up * up) - tube.speed * (late + step)
    return away - cones.far * (1.0 + cones.spread) - most, most


@njit(**INNER)
def _window(cones: _Cones, tube: _Tube, steps: int, step: float, safety: float) -> tuple[float, float, float, float, float]:
    """Gap, when, reach and risk over the window, looked at in so many steps of `step` [s]; and how much nearer the two can come in one of them [m]."""
    gap, when, sigma, grown, quickness = math.inf, cones.t_from, 0.0, 0.0, cones.quickness
    place, velocity, c, start, wide = tube.position, tube.velocity, tube.covariance, cones.start, cones.spread * cones.far
    anywhere, head, tail = math.isnan(place[2]), 1.0, 0.0
    axes = cones.axes[1 if anywhere else 0]
    nearer = step * _pace(max(cones.t_to - tube.seen, 0.0) + step, tube.speed, tube.blind, quickness, cones.spread, c)
    # backwards, as a tube grows; how much nearer it can come in a step says how many steps cannot be the nearest
    k = steps
    while k >= 0:
        at = cones.t_from + k * step
        dt, since = at - tube.t, max(at - tube.seen, 0.0)
        if quickness < math.inf:
            head = min(max(QUICK * quickness * (at + 0.5 * step - cones.t_from) / cones.far, 0.0), 1.0)
            tail = min(max(SLOW * quickness * (at - 0.5 * step - cones.t_from - cones.dwell) / cones.far, 0.0), head)
        x, y = place[0] + velocity[0] * dt - start[0], place[1] + velocity[1] * dt - start[1]
        z = 0.0 if anywhere else place[2] + velocity[2] * dt - start[2]
        # half a step of motion between the moments looked at belongs to the tube, and of its growth
        ball = tube.extra + _growth(abs(dt) + 0.5 * step, since + 0.5 * step, tube.speed, tube.blind) + 0.5 * step * tube.speed
        found, least, gap, deviation = _moment(x, y, z, dt, c, ball, axes, wide, tail, head, gap)
        if found:
            when, sigma, grown = at, deviation, ball
        spare = least - gap
        k -= min(int(spare / nearer), k) + 1 if spare > nearer else 1
    spare = gap - safety + SIGMAS * sigma
    risk = _tail(spare / sigma) if sigma > 0.0 else (0.0 if spare >= 0.0 else 1.0)
    return gap, when, SIGMAS * sigma + grown, risk, nearer


@njit(**INNER)
def _moment(
    x: float, y: float, z: float, dt: float, c: Array, ball: float, axes: Array, wide: float, tail: float, head: float, gap: float,
) -> tuple[bool, float, float, float]:
    """One moment's gap to all lines, of which the shares from `tail` to `head` are occupied: whether it is less than `gap`, and a lower bound of it [m];
    then the lesser of the two, and the standard deviation towards the line where it is this moment's [m].

    x, y, z    place by dead reckoning from where the lines start [m], `dt` s after its covariance c (6, 6) was true
    ball       what is added to its ellipsoid [m]
    axes       (lines, 5) as `_Cones` has them
    wide       radius of the cones at the end of the longest [m]
    """
    found, least, sigma, trace = False, math.inf, 0.0, 0.0
    for a in range(3):
        trace += c[a, a] + 2.0 * dt * c[a, 3 + a] + dt * dt * c[3 + a, 3 + a]
    # no direction has a larger standard deviation
    rest = ball + SIGMAS * math.sqrt(1.000001 * trace)
    for j in range(axes.shape[0]):
        dx, dy, dz, length2 = axes[j, 0], axes[j, 1], axes[j, 2], axes[j, 3]
        f = 0.0
        if length2 > 0.0:
            f = (x * dx + y * dy + z * dz) / length2
            off = math.sqrt(max((x - f * dx) ** 2 + (y - f * dy) ** 2 + (z - f * dz) ** 2, 0.0))
            # the sphere of the cone that is nearest lies beyond the foot on its axis: it is wider there
            f = min(max(f + off * axes[j, 4], tail), head)
        qx, qy, qz = x - f * dx, y - f * dy, z - f * dz
        off = math.sqrt(qx * qx + qy * qy + qz * qz)
        least = min(least, off - wide * f - rest)
        if off - wide * f - rest > gap:
            continue
        scale = 1.0 / off if off > 0.0 else 0.0
        nx, ny, nz = qx * scale, qy * scale, qz * scale
        if off == 0.0:
            nx = 1.0
        variance = 0.0
        for a in range(3):
            na = nx if a == 0 else (ny if a == 1 else nz)
            for b in range(3):
                nb = nx if b == 0 else (ny if b == 1 else nz)
                variance += na * nb * (c[a, b] + dt * (c[a, 3 + b] + c[3 + a, b]) + dt * dt * c[3 + a, 3 + b])
        deviation = math.sqrt(variance) if variance > 0.0 else (0.0 if variance > -1e-6 else math.nan)
        then = off - wide * f - SIGMAS * deviation - ball
        if not then >= gap:       # also where it is not a number: that must be seen
            found, gap, sigma = True, then, deviation
    return found, least, gap, sigma


@njit(**INNER)
def _falls(tube: _Tube, falling: Array) -> float:
    """1 where the tube's dead reckoning, looked at twice a second, flies through what falls; 0 elsewhere.

    It spreads on its way, between the fall without air and that of the lightest pieces.
    """
    for k in range(int(2.0 * falling[9]) + 1):
        after = 0.5 * k
        dt, part = falling[7] + after - tube.t, min(after / falling[8], 1.0)
        x = tube.position[0] + tube.velocity[0] * dt - falling[0] - part * (falling[3] - falling[0])
        y = tube.position[1] + tube.velocity[1] * dt - falling[1] - part * (falling[4] - falling[1])
        z = tube.position[2] + tube.velocity[2] * dt - falling[2]
        low = min(falling[6], 0.0) * after - 0.5 * GRAVITY * after * after
        high = max(falling[6], 0.0) * min(after, 2.0) - SLOWEST * max(after - 2.0, 0.0)
        # not `>`: what is not a number is not elsewhere
        if not x * x + y * y > (part * falling[5] + ROOM) ** 2 and not z > high + ROOM and not z < low - ROOM:
            return 1.0
    return 0.0


@njit(**INNER)
def _behind(cones: _Cones, tube: _Tube, ends: Array) -> float:
    """Probability that one piece of what does not destroy itself meets it: within a cone of the same lines, up to three times as long."""
    most, far, start = 0.0, cones.far, cones.start
    dt = 0.5 * (cones.t_from + cones.t_to) - tube.t
    anywhere = math.isnan(tube.position[2])
    x, y = tube.position[0] + tube.velocity[0] * dt - start[0], tube.position[1] + tube.velocity[1] * dt - start[1]
    z = 0.0 if anywhere else tube.position[2] + tube.velocity[2] * dt - start[2]
    for j in range(ends.shape[0]):
        dx, dy = (ends[j, 0] - start[0]) / far, (ends[j, 1] - start[1]) / far
        dz = 0.0 if anywhere else (ends[j, 2] - start[2]) / far
        along = x * dx + y * dy + z * dz
        if far < along < 3.0 * far:
            off = math.sqrt(max(x * x + y * y + z * z - along * along * (dx * dx + dy * dy + dz * dz), 0.0))
            broad = max(cones.spread * along, 1.0)
            if off < broad + tube.extra + 100.0:
                most = max(most, min(AIRFRAME / (math.pi * broad * broad), 1.0))
    return most


@njit(**INNER)
def _growth(dt: float, since: float, speed: float, blind: bool) -> float:
    """How far an aircraft can get from its dead reckoning [m]: `dt` s after its position was true, `since` s after it was last seen."""
    if blind:
        return BLIND_PACE * dt
    return min(0.5 * MANOEUVRE * since * since, (FASTEST + speed) * max(since, dt))


@njit(**INNER)
def _pace(since: float, speed: float, blind: bool, quickness: float, spread: float, c: Array) -> float:
    """How fast a tube and the occupied piece of a cone can come nearer to one another at most, as `_window` reckons them [m/s]; inf where that is not known.

    since  s after it was last seen, at most
    """
    effect = QUICK * quickness * (1.0 + spread) if quickness < math.inf else 0.0
    grows = BLIND_PACE if blind else MANOEUVRE * since
    if not blind and 0.5 * MANOEUVRE * since > FASTEST + speed:
        grows = max(grows, FASTEST + speed)
    place, both, drift = c[0, 0] + c[1, 1] + c[2, 2], 2.0 * (c[0, 3] + c[1, 4] + c[2, 5]), c[3, 3] + c[4, 4] + c[5, 5]
    # the root of a square that is nowhere negative grows no faster than the root of its last part
    if not (place >= 0.0 and drift >= 0.0 and both * both <= 4.0 * place * drift * 1.000001):
        return math.inf
    return speed + effect + grows + 1.000001 * SIGMAS * math.sqrt(drift)


@njit(**INNER)
def _tail(z: float) -> float:
    """Probability that a standard normal value is beyond z."""
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def in_the_way(place: Array, hit: Array, t_from: Array, t_hit: Array, tubes: Tubes, safety: float) -> tuple[Array, Array]:
    """(p,) which tube surely stands in the way of an effect going from `place` (p, 3) to `hit` (p, 3) between two moments (p,), -1 none, and its distance [m].

    A glance at where the effect is in the middle of its window, nothing more: what it finds is refused, what it does not find is not cleared by that.
    """
    return _in_the_way(place, hit, t_from, t_hit, tubes.t, tubes.seen, tubes.position, tubes.velocity, tubes.extra, tubes.blind, safety)


@njit(cache=True, error_model="numpy")
def _in_the_way(
    place: Array, hit: Array, t_from: Array, t_hit: Array, t: Array, seen: Array, position: Array, velocity: Array, extra: Array, blind: Array, safety: float,
) -> tuple[Array, Array]:
    """`in_the_way`, at four places along each line."""
    which, gaps = np.full(place.shape[0], -1, np.int64), np.full(place.shape[0], np.inf)
    for p in range(place.shape[0]):
        for i in range(t.shape[0]):
            speed = math.sqrt(velocity[i, 0] ** 2 + velocity[i, 1] ** 2 + velocity[i, 2] ** 2)
            for k in range(1, 5):
                f = 0.25 * k
                at = t_from[p] + f * (t_hit[p] - t_from[p])
                square = 0.0
                for a in range(3):
                    off = position[i, a] + velocity[i, a] * (at - t[i]) - place[p, a] - f * (hit[p, a] - place[p, a])
                    square += 0.0 if math.isnan(position[i, a]) else off * off
                gap = math.sqrt(square) - extra[i] - _growth(abs(at - t[i]), max(at - seen[i], 0.0), speed, blind[i])
                if gap < safety and gap < gaps[p]:
                    which[p], gaps[p] = i, gap
    return which, gaps


def free_after(space: Space, tubes: Tubes, row: int, when: float, needed: float, most: float) -> float:
    """Seconds after `when` until a tube's dead reckoning is `needed` [m] away from every cone; nan within `most` seconds never."""
    return _later(space.start, space.ends, space.spread, tubes.position[row], tubes.velocity[row], when - tubes.t[row], needed, most)


def compile_the_rare() -> None:
    """Compiles what is asked only where an aircraft stands in the way, which no invented flight shows."""
    _later(np.zeros(3), np.ones((1, 3)), 0.1, np.ones(3), np.ones(3), 0.0, 1e3, 1.0)


@njit(cache=True, error_model="numpy")
def _later(start: Array, ends: Array, spread: float, position: Array, velocity: Array, after: float, needed: float, most: float) -> float:
    """Seconds until a place moving on is `needed` [m] away from every cone; nan within `most` seconds never."""
    for k in range(int(most) + 1):
        dt = after + k
        least = math.inf
        for j in range(ends.shape[0]):
            x, y = position[0] + velocity[0] * dt - start[0], position[1] + velocity[1] * dt - start[1]
            dx, dy, dz = ends[j, 0] - start[0], ends[j, 1] - start[1], ends[j, 2] - start[2]
            z = position[2] + velocity[2] * dt - start[2]
            if math.isnan(z):
                z, dz = 0.0, 0.0
            length2 = dx * dx + dy * dy + dz * dz
            f = min(max((x * dx + y * dy + z * dz) / length2, 0.0), 1.0) if length2 > 0.0 else 0.0
            least = min(least, math.sqrt((x - f * dx) ** 2 + (y - f * dy) ** 2 + (z - f * dz) ** 2) - spread * f * math.sqrt(length2))
        if least >= needed:
            return float(k)
    return math.nan
