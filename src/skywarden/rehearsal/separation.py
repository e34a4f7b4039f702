"""How near each aircraft may come to the space of an engagement while it lasts, to what falls from
it, and to what flies on behind it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.rehearsal.aircraft.memory import MANOEUVRE, SIGMAS
from skywarden.rehearsal.aircraft.reachable import Tubes
from skywarden.rehearsal.fallout import ASIDE, BROKEN_OFF, GRAVITY, KEPT, RISE, SLOWED, SLOWEST, THROWN
from skywarden.rehearsal.space import Space

Array = NDArray[Any]

# for what only kernels call: no way in from Python is compiled, which takes a fifth of the time
INNER: dict[str, Any] = {"cache": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

FASTEST = 350.0         # m/s over the ground, of any aircraft: nothing is reached sooner
# m/s, at most, of an aircraft that does not report its velocity: an airliner at height with the wind behind it
BLIND_PACE = 300.0
STEP = 0.125            # s between the moments at which tubes and the engagement's space are compared
FINER = 16              # times finer they are where that decides
QUICK, SLOW = 1.05, 0.95    # times the mean speed, between which the effect goes along its lines
AIRFRAME = 300.0        # m², of an aircraft from below
ROOM = 100.0            # m kept by dead reckoning from what falls


class Separation(NamedTuple):
    """Each tube at its nearest approach to the space, and to what comes after it."""

    gap: Array      # (n,) between the two [m], negative where it reaches in
    when: Array     # (n,) moment of it [s]
    reach: Array    # (n,) from its dead reckoning towards the space [m]
    risk: Array     # (n,) probability that it is nearer than the safety distance after all
    falls: Array    # (n,) 1 where by dead reckoning it flies through the pieces that fall, 0 elsewhere
    whole: Array    # (n,) probability that a round broken off but whole meets it
    behind: Array   # (n,) probability that one piece that flies on behind the ends meets it


def separation(space: Space, tubes: Tubes, safety: float, falling: Array) -> Separation:
    """How near each tube comes to the engagement's space while it lasts; safety [m]; falling (11,)
    as `Below` has it, zeros for nothing.

    A line of the space, and every one between it and the next, counts as occupied from the slowest
    of what may have left last to the quickest of what may have left first. The gap is a lower
    bound: along the line from the nearest sphere of a cone to the aircraft, an ellipsoid reaches as
    far as its covariance in that direction says, and a plane across it parts the two. A tube that
    cannot be the nearest, nor nearer than four safety distances, is not worked out: a lower bound
    stands for it.
    """
    return Separation(*_separation(
        space.start, space.ends, space.spread, space.t_from, space.t_to, space.speed, space.dwell, tubes.t, tubes.seen,
        tubes.position, tubes.velocity,
        tubes.covariance, tubes.extra, tubes.blind, safety, falling))


def nearest(found: Separation) -> int:
    """The tube that comes nearest; -1 where there is none."""
    return -1 if found.gap.size == 0 else int(np.argmin(np.where(np.isnan(found.gap), -math.inf, found.gap)))


def closest(space: Space, tubes: Tubes) -> tuple[int, float]:
    """The tube that comes nearest to the engagement's space while it lasts, and by how much [m]; -1
    and inf where there is none.
    """
    found = separation(space, tubes, 0.0, np.zeros(11))
    near = nearest(found)
    return (near, float(found.gap[near])) if near >= 0 else (-1, math.inf)


class _Cones(NamedTuple):
    """The space of an engagement, as the kernels have it."""

    start: Array        # (3,) [m]
    # (2, lines, 5) axis of each line [m], its length squared, how far beyond the foot the nearest sphere lies; seen
    # from above, too
    axes: Array
    between: Array      # (2, lines - 1, 10) of each line and the next: see `_between`
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
    t: Array, seen: Array, position: Array, velocity: Array, covariance: Array, extra: Array, blind: Array,
    safety: float,
    falling: Array,
) -> tuple[Array, Array, Array, Array, Array, Array, Array]:
    """`separation`, seven columns (n,)."""
    n = t.shape[0]
    gaps, when, reach = np.full(n, np.inf), np.full(n, t_from), np.zeros(n)
    risk, falls, whole, behind = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    axes, far = _axes(start, ends, spread)
    between, half = _between(axes, far, spread)
    cloud = _cloud(falling)
    cones = _Cones(start, axes, between, far, spread, t_from, t_to, quickness, dwell)
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
        if falling[7] > 0.0:
            falls[i], whole[i] = _falls(tube, falling, cloud)
        behind[i] = _behind(cones, tube, ends, half)
    return gaps, when, reach, risk, falls, whole, behind


@njit(**INNER)
def _tube(
    i: int, t: Array, seen: Array, position: Array, velocity: Array, covariance: Array, extra: Array, blind: Array
) -> _Tube:
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
            # a cone seen from above is as wide as it is
            axes[flat, j, 4] = _beyond(spread * far, math.sqrt(axes[flat, j, 3]))
    return axes, far


@njit(**INNER)
def _between(axes: Array, far: float, spread: float) -> tuple[Array, float]:
    """(2, lines - 1, 10) of each line and the next: the way from one end to the other, of length 1;
    the foot of the start on it [m]; where along it the two ends lie [m]; the foot's length
    squared; how far beyond the foot of a place the nearest sphere lies. And half the widest
    angle between two lines [rad].
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
            row[9] = _beyond(spread * far, math.sqrt(row[8]))
            if flat == 0 and far > 0.0:
                half = max(half, math.asin(min(0.5 * length / far, 1.0)))
    return out, half


@njit(**INNER)
def _beyond(wide: float, length: float) -> float:
    """How far beyond the foot of a place, in shares of a line so long, the nearest sphere of its
    cone lies, for each metre that the place is off it.
    """
    if not wide < length:
        # seen from above, a steep cone is widest at its end, wherever that is
        return math.inf
    rate = wide / length
    return rate / math.sqrt(1.0 - rate * rate) / length


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
    away = math.sqrt((tube.position[0] - cones.start[0]) ** 2 + (tube.position[1] - cones.start[1]) ** 2
        + up * up) - tube.speed * (late + step)
    return away - cones.far * (1.0 + cones.spread) - most, most


@njit(**INNER)
def _window(
    cones: _Cones, tube: _Tube, steps: int, step: float, safety: float
) -> tuple[float, float, float, float, float]:
    """Gap, when, reach and risk over the window, looked at in so many steps of `step` [s]; and how
    much nearer the two can come in one of them [m].
    """
    gap, when, sigma, grown, quickness = math.inf, cones.t_from, 0.0, 0.0, cones.quickness
    place, velocity, c, start, wide = (tube.position, tube.velocity, tube.covariance, cones.start,
        cones.spread * cones.far)
    anywhere, head, tail = math.isnan(place[2]), 1.0, 0.0
    axes, between = cones.axes[1 if anywhere else 0], cones.between[1 if anywhere else 0]
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
        ball = tube.extra + _growth(abs(dt) + 0.5 * step, since + 0.5 * step, tube.speed,
            tube.blind) + 0.5 * step * tube.speed
        found, least, gap, deviation = _moment(x, y, z, dt, c, ball, axes, between, wide, tail, head, gap)
        if found:
            when, sigma, grown = at, deviation, ball
        spare = least - gap
        k -= min(int(spare / nearer), k) + 1 if spare > nearer else 1
    spare = gap - safety + SIGMAS * sigma
    risk = _tail(spare / sigma) if sigma > 0.0 else (0.0 if spare >= 0.0 else 1.0)
    return gap, when, SIGMAS * sigma + grown, risk, nearer


@njit(**INNER)
def _moment(
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
    axes       (lines, 5) as `_Cones` has them
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
            low, high = _inside(aside, row[6], row[7], tail, head)
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
def _inside(aside: float, first: float, last: float, tail: float, head: float) -> tuple[float, float]:
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


@njit(**INNER)
def _cloud(falling: Array) -> Array:
    """(k, 5) twice a second after the meeting: how far pieces are thrown aside, how far they have
    gone on with the round's velocity at most, how far they have fallen at least and at most, and
    the standard deviation of a round broken off but whole [m].
    """
    out = np.empty((int(2.0 * falling[7]) + 1, 5))
    pace = math.sqrt(falling[3] ** 2 + falling[4] ** 2 + falling[5] ** 2)
    for k in range(out.shape[0]):
        after = 0.5 * k
        out[k, 0] = min(SLOWED * math.log(1.0 + THROWN * after / SLOWED), ASIDE)
        out[k, 1] = SLOWED * math.log(1.0 + pace * after / SLOWED)
        out[k, 2] = SLOWEST * max(after - RISE, 0.0)
        # from rest, through air that slows them so
        out[k, 3] = SLOWED * math.log(math.cosh(after * math.sqrt(GRAVITY / SLOWED)))
        out[k, 4] = max(BROKEN_OFF * after, ROOM / 3.0)
    return out


@njit(**INNER)
def _falls(tube: _Tube, falling: Array, cloud: Array) -> tuple[float, float]:
    """1 where the tube's dead reckoning, looked at twice a second, flies through the pieces that
    fall, 0 elsewhere; and the probability that it meets a round broken off but whole, were there
    one.

    Pieces keep at most the round's velocity, at least none of it, are thrown to all sides, fall,
    drift, and are slowed by the square of their speed.
    """
    level = math.sqrt(falling[3] ** 2 + falling[4] ** 2)
    pace = math.sqrt(level * level + falling[5] ** 2)
    east, north = (falling[3] / level, falling[4] / level) if level > 0.0 else (1.0, 0.0)
    flat, climb = (level / pace, falling[5] / pace) if pace > 0.0 else (1.0, 0.0)
    through, whole = 0.0, 0.0
    for k in range(cloud.shape[0]):
        after = 0.5 * k
        dt, room = falling[6] + after - tube.t, cloud[k, 0] + ROOM + falling[10] * after
        # from where the wind has the middle of them
        x = tube.position[0] + tube.velocity[0] * dt - falling[0] - falling[8] * after
        y = tube.position[1] + tube.velocity[1] * dt - falling[1] - falling[9] * after
        z = tube.position[2] + tube.velocity[2] * dt - falling[2]
        anywhere = math.isnan(z)
        along, aside = x * east + y * north, x * north - y * east
        # in the plane of the round's way, the nearest place of pieces not thrown: straight above or below, else of the
        # highest, or of the lowest
        for turn in range(1 if anywhere else 3):
            gone = along / max(flat, 1e-9) if turn == 0 else along * flat + (z + cloud[k, 1 + turn]) * climb
            gone = min(max(gone, 0.0), cloud[k, 1])
            up = 0.0 if anywhere else max(z - gone * climb + cloud[k, 2], gone * climb - cloud[k, 3] - z, 0.0)
            # not `<=`: what is not a number is not elsewhere
            if not (along - gone * flat) ** 2 + aside * aside + up * up > room * room:
                through = 1.0
        # slowed by air, such a round has gone half as far at the least
        mx, mz = KEPT * falling[3] * after, 0.0 if anywhere else KEPT * falling[
            5] * after - 0.5 * GRAVITY * after * after
        my, height = KEPT * falling[4] * after, 0.0 if anywhere else z
        far2 = mx * mx + my * my + mz * mz
        part = min(max((x * mx + y * my + height * mz) / far2, 0.5), 1.0) if far2 > 0.0 else 1.0
        off2 = (x - part * mx) ** 2 + (y - part * my) ** 2 + (height - part * mz) ** 2
        variance = cloud[k, 4] ** 2
        whole = max(whole, math.exp(-0.5 * off2 / variance) * AIRFRAME / (2.0 * math.pi * variance))
    return through, whole


@njit(**INNER)
def _behind(cones: _Cones, tube: _Tube, ends: Array, half: float) -> float:
    """Probability that one piece of what does not destroy itself meets it: within a cone of the
    same lines, wider by `half` the angle to the next, up to three times as long.
    """
    most, far, start = 0.0, cones.far, cones.start
    dt = 0.5 * (cones.t_from + cones.t_to) - tube.t
    anywhere = math.isnan(tube.position[2])
    x, y = tube.position[0] + tube.velocity[0] * dt - start[0], tube.position[1] + tube.velocity[1] * dt - start[1]
    z = 0.0 if anywhere else tube.position[2] + tube.velocity[2] * dt - start[2]
    for j in range(ends.shape[0]):
        dx, dy = (ends[j, 0] - start[0]) / far, (ends[j, 1] - start[1]) / far
        dz = 0.0 if anywhere else (ends[j, 2] - start[2]) / far
        level2 = dx * dx + dy * dy + dz * dz
        # how far along the line the place is; seen from above a vertical one has it anywhere
        along = (x * dx + y * dy + z * dz) / level2 if level2 > 1e-9 else 2.0 * far
        if far < along < 3.0 * far:
            off = math.sqrt(max(x * x + y * y + z * z - along * along * level2, 0.0))
            broad = max(cones.spread * along, 1.0)
            if off < broad + half * along + tube.extra + 100.0:
                most = max(most, min(AIRFRAME / (math.pi * broad * broad), 1.0))
    return most


@njit(**INNER)
def _growth(dt: float, since: float, speed: float, blind: bool) -> float:
    """How far an aircraft can get from its dead reckoning [m]: `dt` s after its position was true,
    `since` s after it was last seen.
    """
    if blind:
        return BLIND_PACE * dt
    return min(0.5 * MANOEUVRE * since * since, (FASTEST + speed) * max(since, dt))


@njit(**INNER)
def _pace(since: float, speed: float, blind: bool, quickness: float, spread: float, c: Array) -> float:
    """How fast a tube and the occupied piece of a cone can come nearer to one another at most, as
    `_window` reckons them [m/s]; inf where that is not known.

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


def in_the_way(
    place: Array, hit: Array, t_from: Array, t_hit: Array, tubes: Tubes, safety: float
) -> tuple[Array, Array]:
    """(p,) which tube surely stands in the way of an effect going from `place` (p, 3) to `hit` (p,
    3) between two moments (p,), -1 none, and its distance [m].

    A glance at where the effect is in the middle of its window, nothing more: what it finds is
    refused, what it does not find is not cleared by that.
    """
    return _in_the_way(place, hit, t_from, t_hit, tubes.t, tubes.seen, tubes.position, tubes.velocity, tubes.extra,
        tubes.blind, safety)


@njit(cache=True, error_model="numpy")
def _in_the_way(
    place: Array, hit: Array, t_from: Array, t_hit: Array, t: Array, seen: Array, position: Array, velocity: Array,
    extra: Array, blind: Array, safety: float,
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
    """Seconds after `when` until a tube's dead reckoning is `needed` [m] away from every cone; nan
    within `most` seconds never.
    """
    chords = np.linalg.norm(np.diff(space.ends, axis=0), axis=1)
    wide = space.spread + 0.5 * float(chords.max(initial=0.0)) / max(float(np.linalg.norm(space.ends[0]
        - space.start)), 1.0)
    return _later(space.start, space.ends, wide, tubes.position[row], tubes.velocity[row], when - tubes.t[row], needed,
        most)


def compile_the_rare() -> None:
    """Compiles what is asked only where an aircraft stands in the way, which no invented flight shows."""
    _later(np.zeros(3), np.ones((1, 3)), 0.1, np.ones(3), np.ones(3), 0.0, 1e3, 1.0)


@njit(cache=True, error_model="numpy")
def _later(
    start: Array, ends: Array, spread: float, position: Array, velocity: Array, after: float, needed: float, most: float
) -> float:
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
            least = min(least, math.sqrt((x - f * dx) ** 2 + (y - f * dy) ** 2 + (z - f * dz) ** 2)
                - spread * f * math.sqrt(length2))
        if least >= needed:
            return float(k)
    return math.nan
