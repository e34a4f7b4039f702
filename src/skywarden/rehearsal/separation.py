"""How near each aircraft may come to the corridor of an engagement while it lasts, to what falls
from it, and to what flies on behind it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from skywarden.rehearsal.aircraft.lost import MANOEUVRE, SIGMAS
from skywarden.rehearsal.aircraft.reachable import Tubes
from skywarden.rehearsal.cones import INNER, Array, Cones, Tube, axes_of, between_lines, gap_at
from skywarden.rehearsal.corridor import Corridor
from skywarden.rehearsal.fragments import cloud_of, fragments_met, stray_met

FASTEST = 350.0         # m/s over the ground, of any aircraft: nothing is reached sooner
# m/s, at most, of an aircraft that does not report its velocity: an airliner at height with the wind behind it
BLIND_PACE = 300.0
STEP = 0.125            # s between the moments at which tubes and the engagement's corridor are compared
FINER = 16              # times finer they are where that decides
QUICK, SLOW = 1.05, 0.95    # times the mean speed, between which the effect goes along its lines


class Separation(NamedTuple):
    """Each tube at its nearest approach to the corridor, and to what comes after it."""

    gap: Array      # (n,) between the two [m], negative where it reaches in
    when: Array     # (n,) moment of it [s]
    reach: Array    # (n,) from its dead reckoning towards the corridor [m]
    risk: Array     # (n,) probability that it is nearer than the safety distance after all
    falls: Array    # (n,) 1 where by dead reckoning it flies through the pieces that fall, 0 elsewhere
    whole: Array    # (n,) probability that a round broken off but whole meets it
    behind: Array   # (n,) probability that one piece that flies on behind the ends meets it


def separation(corridor: Corridor, tubes: Tubes, safety: float, falling: Array) -> Separation:
    """How near each tube comes to the engagement's corridor while it lasts; safety [m]; falling
    (11,) as `Below` has it, zeros for nothing.

    tubes  where each aircraft may be: dead reckoning and its error

    A line of the corridor, and every one between it and the next, counts as occupied from the
    slowest of what may have left last to the quickest of what may have left first. The gap is a
    lower bound: along the line from the nearest sphere of a cone to the aircraft, an ellipsoid
    reaches as far as its covariance in that direction says, and a plane across it parts the two. A
    tube that cannot be the nearest, nor nearer than four safety distances, is not worked out: a
    lower bound stands for it.
    """
    return Separation(*_separation(
        corridor.start, corridor.ends, corridor.spread, corridor.t_from, corridor.t_to, corridor.speed,
        corridor.dwell, tubes.t, tubes.seen, tubes.position, tubes.velocity, tubes.covariance, tubes.extra,
        tubes.blind, safety, falling))


def nearest(found: Separation) -> int:
    """The tube that comes nearest; -1 where there is none.

    found  each tube's nearest approach
    """
    return -1 if found.gap.size == 0 else int(np.argmin(np.where(np.isnan(found.gap), -math.inf, found.gap)))


def closest(corridor: Corridor, tubes: Tubes) -> tuple[int, float]:
    """The tube that comes nearest to the engagement's corridor while it lasts, and by how much [m];
    -1 and inf where there is none.

    tubes  where each aircraft may be: dead reckoning and its error
    """
    found = separation(corridor, tubes, 0.0, np.zeros(11))
    near = nearest(found)
    return (near, float(found.gap[near])) if near >= 0 else (-1, math.inf)


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
    axes, far = axes_of(start, ends, spread)
    between, half = between_lines(axes, far, spread)
    cloud = cloud_of(falling)
    cones = Cones(start, axes, between, far, spread, t_from, t_to, quickness, dwell)
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
            falls[i], whole[i] = fragments_met(tube, falling, cloud)
        behind[i] = stray_met(cones, tube, ends, half)
    return gaps, when, reach, risk, falls, whole, behind


@njit(**INNER)
def _tube(
    i: int, t: Array, seen: Array, position: Array, velocity: Array, covariance: Array, extra: Array, blind: Array
) -> Tube:
    speed = math.sqrt(velocity[i, 0] ** 2 + velocity[i, 1] ** 2 + velocity[i, 2] ** 2)
    return Tube(t[i], seen[i], position[i], velocity[i], covariance[i], extra[i], blind[i], speed)


@njit(**INNER)
def _plainly(cones: Cones, tube: Tube, step: float) -> tuple[float, float]:
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
    cones: Cones, tube: Tube, steps: int, step: float, safety: float
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
        found, least, gap, deviation = gap_at(x, y, z, dt, c, ball, axes, between, wide, tail, head, gap)
        if found:
            when, sigma, grown = at, deviation, ball
        spare = least - gap
        k -= min(int(spare / nearer), k) + 1 if spare > nearer else 1
    spare = gap - safety + SIGMAS * sigma
    risk = _tail(spare / sigma) if sigma > 0.0 else (0.0 if spare >= 0.0 else 1.0)
    return gap, when, SIGMAS * sigma + grown, risk, nearer


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

    t_from  (p,) when each effect leaves [s]
    t_hit   (p,) when each effect arrives [s]
    tubes   where each aircraft may be: dead reckoning and its error
    safety  safety distance [m]

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


def free_after(corridor: Corridor, tubes: Tubes, row: int, when: float, needed: float, most: float) -> float:
    """Seconds after `when` until a tube's dead reckoning is `needed` [m] away from every cone; nan
    within `most` seconds never.

    corridor  the corridor that the engagement occupies
    tubes     where each aircraft may be: dead reckoning and its error
    row       row of the tube
    """
    chords = np.linalg.norm(np.diff(corridor.ends, axis=0), axis=1)
    wide = corridor.spread + 0.5 * float(chords.max(initial=0.0)) / max(float(np.linalg.norm(corridor.ends[0]
        - corridor.start)), 1.0)
    return _later(corridor.start, corridor.ends, wide, tubes.position[row], tubes.velocity[row], when - tubes.t[row],
        needed, most)


def compile_the_rare() -> None:
    """Compiles what is asked only where an aircraft stands in the way, which no invented flight
    shows.
    """
    _later(np.zeros(3), np.ones((1, 3)), 0.1, np.ones(3), np.ones(3), 0.0, 1e3, 1.0)


@njit(cache=True, error_model="numpy")
def _later(
    start: Array, ends: Array, spread: float, position: Array, velocity: Array, after: float, needed: float, most: float
) -> float:
    """Seconds until a place moving on is `needed` [m] away from every cone; nan within `most`
    seconds never.
    """
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
