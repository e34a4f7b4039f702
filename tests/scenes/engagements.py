"""Random engagements with their truth, and two judges of them that share no code with the airspace:
what really happened, and what an exact oracle with the same information would have allowed.

Rounds fall without drag over a flat range, so that their truth is a parabola. Aircraft fly with any
acceleration up to 1.5 g, some of them straight at the engagement. What is believed of them is the
truth with errors drawn from the covariance that the picture states, and with a radar turned by up
to half a degree.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from builders import a_frame, a_picture, a_radar, a_site, a_zone, an_effector, some_impacts, some_threats
from numba import njit

from skywarden.messages.frame import NO_ADDRESS, Aircraft
from skywarden.messages.picture import Tracks

NOW = 100.0
PAST, AHEAD, TICK = 16.0, 28.0, 0.1      # s of truth before and after now, and its step
HARDEST = 14.9          # m/s²: what the aircraft do at most
GRAVITY = 9.80665
SIGHT, BROADCAST, BOTH, SILENT_LIAR, NOBODY = 0, 1, 2, 3, 4     # how an aircraft is known
DENSITIES = (2, 8, 25, 60)
ACCURACIES = (4.0, 15.0, 50.0)
INTEGRITIES = ("good", "misaligned radar", "late and wrong broadcasts", "bare positions")


class Scene(NamedTuple):
    """One moment of a raid."""

    site: Any
    frame: Any
    picture: Any
    truth: np.ndarray       # (n, k, 3) of the aircraft, every TICK from NOW - PAST on
    known: np.ndarray       # (n,) how each is known
    rounds: np.ndarray      # (r, 6) the true rounds now
    stratum: tuple[int, int, int]


def effectors(rng: np.random.Generator) -> tuple[Any, ...]:
    """One of each of two kinds, somewhere in the middle."""
    made = []
    for kind in rng.choice(["gun", "interceptor", "directed-energy"], 2, p=[0.45, 0.45, 0.1]):
        light = kind == "directed-energy"
        made.append(an_effector(
            kind=str(kind), place=np.array([*rng.uniform(-600.0, 600.0, 2), 0.0]), speed=math.inf if light
            else rng.uniform(400.0, 1_000.0),
            reach_max=rng.uniform(1_500.0, 3_000.0) if kind == "gun" else rng.uniform(2_500.0, 5_000.0),
            engagement_s=rng.uniform(1.0, 3.0),
            reaction_s=rng.uniform(0.5, 2.0)))
    return tuple(made)


def site_of(rng: np.random.Generator) -> Any:
    """A range with two effectors and one radar."""
    return a_site(a_radar(place=np.array([*rng.uniform(-600.0, 600.0, 2), 10.0])), effectors=effectors(rng),
        zones=(a_zone(people=1e-3),))


def scene(rng: np.random.Generator, site: Any) -> Scene:
    """Two rounds and the traffic around them, as the picture has them and as they are."""
    stratum = (int(rng.integers(len(DENSITIES))), int(rng.integers(len(ACCURACIES))),
        int(rng.integers(len(INTEGRITIES))))
    n = DENSITIES[stratum[0]]
    integrity = INTEGRITIES[stratum[2]]
    sigma = ACCURACIES[stratum[1]] * rng.uniform(0.5, 1.5, n)
    radar = site.radars[0].place
    # the rounds: five to fourteen seconds from the ground
    left = rng.uniform(5.0, 14.0, 2)
    pace = rng.uniform(60.0, 140.0, 2)
    bearing = rng.uniform(0.0, 2.0 * math.pi, 2)
    rounds = np.column_stack([
        pace * left * np.sin(bearing), pace * left * np.cos(bearing), 0.5 * GRAVITY * left**2 * rng.uniform(0.7, 1.0,
            2), -pace * np.sin(bearing),
        -pace * np.cos(bearing), np.zeros(2)])
    rounds[:, 5] = (-rounds[:, 2] + 0.5 * GRAVITY * left**2) / left
    # the traffic: way from NOW - PAST on, places as they are about now
    speed, heading = rng.uniform(20.0, 240.0, n), rng.uniform(0.0, 2.0 * math.pi, n)
    pace3 = np.column_stack([speed * np.sin(heading), speed * np.cos(heading), rng.uniform(-8.0, 8.0, n)])
    place = np.column_stack([rng.uniform(-9_000.0, 9_000.0, (n, 2)), rng.uniform(50.0, 4_500.0, n)])
    truth, motion = flown(place - PAST * pace3, pace3, rng.random((n, 24, 4)), rng.choice(4, n, p=[0.4, 0.25, 0.15,
        0.2]))
    known = rng.choice(5, n, p=[0.45, 0.2, 0.28, 0.05, 0.02])
    # seen up to five seconds ago, heard up to fifteen where broadcasts are late
    seen = NOW - np.where(rng.random(n) < 0.7, 0.0, rng.uniform(0.0, 5.0, n))
    turn = rng.uniform(-0.5, 0.5) * math.pi / 180.0 if integrity == "misaligned radar" else rng.normal(0.0, 0.0005)
    tracks = np.flatnonzero((known == SIGHT) | (known == BOTH) | (known == SILENT_LIAR))
    claims = np.flatnonzero((known == BROADCAST) | (known == BOTH) | (known == SILENT_LIAR))
    state, covariance = believed(truth, motion, tracks, seen[tracks], sigma[tracks], rng)
    state[:, :3] = turned(state[:, :3] - radar, turn) + radar
    state[:, 3:6] = turned(state[:, 3:6], turn)
    shells, doubt = rounds.copy(), np.zeros((2, 6, 6))
    for k in range(2):
        doubt[k] = np.diag([25.0] * 3 + [1.0] * 3)
        shells[k] += rng.normal(size=6) * np.sqrt(np.diag(doubt[k]))
    shells[:, :3] = turned(shells[:, :3] - radar, turn) + radar
    m = tracks.size + 2
    whole, wide = np.zeros((m, 7)), np.zeros((m, 7, 7))
    whole[:2, :6], wide[:2, :6, :6] = shells, doubt
    whole[2:, :6], wide[2:, :6, :6] = state, covariance
    wide[2:, 6, 6] = 1e-8
    kind = np.zeros((m, 3))
    kind[:2, 0] = 1.0
    sure = rng.random(tracks.size) < 0.6
    kind[2:, 0] = np.where(sure, 0.0, rng.uniform(0.0, 0.9, tracks.size))
    kind[2:, 1] = np.where(sure, 1.0, 0.5 * (1.0 - kind[2:, 0]))
    kind[2:, 2] = 1.0 - kind[2:, 0] - kind[2:, 1]
    address = 0x400000 + np.arange(n)
    held = np.where((known[tracks] == BOTH) & (rng.random(tracks.size) < 0.7), address[tracks], NO_ADDRESS)
    table = Tracks(
        np.arange(1, m + 1), whole, wide, np.append([NOW, NOW], seen[tracks]), np.full(m, NOW - 6.0),
        np.full(m, 25, np.int32), kind,
        np.zeros(m, np.int32), np.append([NO_ADDRESS, NO_ADDRESS], held))
    frame = a_frame(NOW, aircraft=broadcasts(truth, motion, claims, known, address, integrity, rng))
    impacts = some_impacts(*[(1.0, NOW + left[k], 0.0, 0.0) for k in range(2)])
    threats = some_threats((1, 0, 0.9, NOW + left[0]), (2, 0, 0.9, NOW + left[1]), people=20.0)
    return Scene(site, frame, a_picture(NOW, tracks=table, impacts=impacts, threats=threats), truth, known, rounds,
        stratum)


def believed(truth: Any, motion: Any, rows: Any, seen: Any, sigma: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """State (m, 6) and covariance (m, 6, 6) now, of what was last seen with independent errors and
    has been dead reckoned since.
    """
    m = rows.size
    at = np.round((seen - NOW + PAST) / TICK).astype(int)
    after = NOW - (NOW - PAST + at * TICK)
    state = np.concatenate([truth[rows, at], motion[rows, at]], axis=1)
    state += rng.normal(size=(m, 6)) * np.column_stack([sigma] * 3 + [0.2 * sigma] * 3)
    state[:, :3] += state[:, 3:] * after[:, None]
    covariance = np.zeros((m, 6, 6))
    for k in range(3):
        slow = (0.2 * sigma) ** 2
        covariance[:, k, k] = sigma**2 + slow * after**2
        covariance[:, k, 3 + k] = covariance[:, 3 + k, k] = slow * after
        covariance[:, 3 + k, 3 + k] = slow
    return state, covariance


def broadcasts(
    truth: Any, motion: Any, rows: Any, known: Any, address: Any, integrity: str, rng: np.random.Generator
) -> Aircraft:
    """What the transponding say: within what they claim, but for those that are wrong while a radar sees them."""
    m = rows.size
    late = integrity == "late and wrong broadcasts"
    age = rng.uniform(0.0, 14.0 if late else 0.9, m)
    at = np.round((PAST - age) / TICK).astype(int)
    nacp = rng.integers(5, 10, m)
    accuracy = np.array([0, 18_520.0, 7_408.0, 3_704.0, 1_852.0, 926.0, 555.6, 185.2, 92.6, 30.0])[nacp] / 2.4477
    said = truth[rows, at] + rng.normal(size=(m, 3)) * accuracy[:, None]
    wrong = known[rows] == SILENT_LIAR
    said[wrong] += rng.normal(size=(int(wrong.sum()), 3)) * [3_000.0, 3_000.0, 500.0]
    if late:
        # a receiver's or its own clock stamps it later than it was true: by no more than its containment holds
        said[:, :2] += rng.normal(size=(m, 2)) * 10.0
    pace = motion[rows, at] + rng.normal(size=(m, 3)) * 1.0
    pressure = np.full(m, np.nan)
    if integrity == "bare positions":
        blind = rng.random(m) < 0.5
        pace[blind] = np.nan
        bare = rng.random(m) < 0.5
        up = said[:, 2] + 1790.0 + (said[:, :2] ** 2).sum(axis=1) / 12_742_000.0 + rng.normal(size=m) * 30.0
        # standard air: the height above the sea is the pressure altitude
        pressure[bare] = up[bare]
        said[bare, 2] = np.nan
    nic = np.where(rng.random(m) < 0.8, 8, -1)
    return Aircraft.empty(m)._replace(
        t=NOW - PAST + at * TICK, address=address[rows], position=said, velocity=pace, pressure_altitude=pressure,
        nic=nic.astype(np.int8),
        nacp=nacp.astype(np.int8))


def turned(vectors: Any, angle: float) -> Any:
    """Vectors (n, 3) turned about the vertical."""
    c, s = math.cos(angle), math.sin(angle)
    return vectors @ np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


@njit(cache=True)
def flown(place: Any, pace: Any, chance: Any, style: Any) -> tuple[Any, Any]:
    """(n, k, 3) places and velocities from NOW - PAST on; style 0 straight, 1 a steady turn, 2
    anything, 3 to the middle as hard as it can.
    """
    n, k = place.shape[0], round((PAST + AHEAD) / TICK) + 1
    where, speed = np.empty((n, k, 3)), np.empty((n, k, 3))
    for i in range(n):
        x, v = place[i].copy(), pace[i].copy()
        for j in range(k):
            where[i, j], speed[i, j] = x, v
            t = j * TICK - PAST
            leg = min(int((t + PAST) / 2.0), 23)
            a = np.zeros(3)
            if style[i] == 1:
                size = 6.0 * (2.0 * chance[i, 0, 0] - 1.0) / max(math.hypot(v[0], v[1]), 1.0)
                a[0], a[1] = size * v[1], -size * v[0]
            elif style[i] == 2 or (style[i] == 3 and t >= -chance[i, 0, 3] * 5.0):
                if style[i] == 2:
                    for c in range(3):
                        a[c] = 2.0 * chance[i, leg, c] - 1.0
                else:
                    a[0], a[1], a[2] = -x[0], -x[1], 1_000.0 * chance[i, 0, 1] - x[2]
                size = math.sqrt(a[0] ** 2 + a[1] ** 2 + a[2] ** 2)
                a = a * (HARDEST / max(size, 1e-9))
            x = x + v * TICK + 0.5 * a * TICK * TICK
            v = v + a * TICK
            fast = math.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
            if fast > 340.0:
                v = v * (340.0 / fast)
            if x[2] < 30.0:
                x[2] = 30.0
                v[2] = max(v[2], 0.0)
    return where, speed


@njit(cache=True)
def _way(shell: Any, place: Any, speed: float, out: float, t_hit: float, steers: bool, light: bool) -> Any:
    """Way of what leaves at `out` [s]: to where the round is when it gets there, how far that is
    [m], and when [s from now].
    """
    at = t_hit - NOW if steers else out - NOW
    for _ in range(6):
        x, y, z = shell[0] + shell[3] * at - place[0], shell[1] + shell[4] * at - place[1], shell[2] + (shell[5]
            - 0.5 * GRAVITY * at) * at - place[2]
        away = math.sqrt(x * x + y * y + z * z)
        if light or steers:
            break
        at = out - NOW + away / speed
    return x / away, y / away, z / away, away, at


@njit(cache=True)
def truly(
    truth: Any, shell: Any, place: Any, speed: float, far: float, t_from: float, t_hit: float, t_to: float,
    engagement: float, steers: bool, light: bool,
) -> Any:
    """(n,) least true distance [m] of each aircraft from what the effect truly occupies: its rounds
    or its body on their way to the true round, or its beam.
    """
    n = truth.shape[0]
    least = np.full(n, np.inf)
    leaves = 1 if steers else max(math.ceil(engagement / TICK), 1) + 1
    for j in range(leaves):
        out = t_from + j * TICK
        nx, ny, nz, _, _ = _way(shell, place, speed, out, t_hit, steers, light)
        flight = 0.0 if light else far / speed
        steps = max(math.ceil(flight / TICK), 1)
        for k in range(1 if light else steps + 1):
            when = out if light else min(out + k * TICK, out + flight)
            row = (when - NOW + PAST) / TICK
            low = min(int(row), truth.shape[1] - 2)
            part = row - low
            gone = 0.0 if light else speed * (when - out)
            for i in range(n):
                px = truth[i, low, 0] + part * (truth[i, low + 1, 0] - truth[i, low, 0]) - place[0]
                py = truth[i, low, 1] + part * (truth[i, low + 1, 1] - truth[i, low, 1]) - place[1]
                pz = truth[i, low, 2] + part * (truth[i, low + 1, 2] - truth[i, low, 2]) - place[2]
                along = px * nx + py * ny + pz * nz
                if light:
                    gone = min(max(along, 0.0), far)
                    off = math.sqrt((px - gone * nx) ** 2 + (py - gone * ny) ** 2 + (pz - gone * nz) ** 2)
                else:
                    # between this look and the next it goes on: the piece of line it covers till then counts
                    spot = min(max(along, gone), min(gone + speed * TICK, far))
                    off = math.sqrt((px - spot * nx) ** 2 + (py - spot * ny) ** 2 + (pz - spot * nz) ** 2)
                least[i] = min(least[i], off)
    return least


@njit(cache=True)
def oracle(
    shell: Any, width: float, misaligned: float, radar: Any, nearest: float, place: Any, speed: float, far: float,
    t_from: float, t_hit: float,
    engagement: float, steers: bool, light: bool,
    t: Any, seen: Any, position: Any, velocity: Any, covariance: Any, extra: Any, blind: Any, sigmas: float,
    manoeuvre: float,
    blind_pace: float, fastest: float, slow: float, quick: float, untimed: bool,
) -> float:
    """Least distance [m] between where an aircraft can be at all and what the effect occupies,
    moment by moment: exact up to a tenth of a second.

    The same containment and bounds on motion as are stated; the effect where it is at each moment,
    not its whole line for the whole time; a true ellipsoid's distance. width: angle by which the
    effect may fly beside its line [rad]; misaligned: that by which the radar (3,) may turn what it
    sees [rad], which with what is not known of the round counts where it is met, no nearer than
    `nearest` [m]; slow, quick: times its mean speed that it may have; untimed: it knows when the
    effect leaves, and where to, but not which way when, as nothing states that: every direction
    counts for as long as any.
    """
    n = t.shape[0]
    least = np.inf
    lasts = t_hit - t_from if steers else engagement
    leaves = 1 if steers and not untimed else max(math.ceil(lasts / TICK), 1) + 1
    for j in range(0, leaves, 2):
        out = t_from + j * TICK
        # what steers may go to where the round is at any time until they meet
        meets = out if untimed and steers else t_hit
        nx, ny, nz, away, at = _way(shell, place, speed, out, meets, steers, light)
        sx, sy, sz = place[0] + away * nx - radar[0], place[1] + away * ny - radar[1], place[2] + away * nz - radar[2]
        # the rounds are known to 5 m and 1 m/s now
        doubt = width + (sigmas * math.hypot(5.0, at) + misaligned * math.sqrt(sx * sx + sy * sy + sz * sz)) / max(
            away, nearest)
        begin, dwell = (t_from, 0.0 if steers else engagement) if untimed else (t_from if steers else out, 0.0)
        steps = 1 + math.ceil(dwell / TICK) if light else max(math.ceil((far / speed + dwell) / TICK), 1)
        for k in range(steps):
            when = begin + k * TICK if light else begin + (k + 0.5) * TICK
            gone, left = (0.0, 0.0) if light else (min(speed * (when - begin), far),
                min(speed * max(when - begin - dwell, 0.0), far))
            for i in range(n):
                dt, since = when - t[i], max(when - seen[i], 0.0)
                cx, cy = position[i, 0] + velocity[i, 0] * dt - place[0], position[i, 1] + velocity[i,
                    1] * dt - place[1]
                flat = math.isnan(position[i, 2])
                cz = 0.0 if flat else position[i, 2] + velocity[i, 2] * dt - place[2]
                along = cx * nx + cy * ny + (0.0 if flat else cz * nz)
                spot = min(max(along, 0.0), far) if light else min(max(along, slow * left), quick * gone, far)
                dx, dy, dz = cx - spot * nx, cy - spot * ny, 0.0 if flat else cz - spot * nz
                pace = math.sqrt(velocity[i, 0] ** 2 + velocity[i, 1] ** 2 + velocity[i, 2] ** 2)
                grown = blind_pace * abs(dt) if blind[i] else min(0.5 * manoeuvre * since * since,
                    (fastest + pace) * max(since, abs(dt)))
                size = math.sqrt(dx * dx + dy * dy + dz * dz)
                rest = extra[i] + grown + doubt * spot
                if size - rest > least + 3_000.0:
                    continue
                c = covariance[i]
                ux, uy, uz = dx / max(size, 1e-9), dy / max(size, 1e-9), dz / max(size, 1e-9)
                best = -np.inf
                for _ in range(6):
                    gx, gy, gz, q = 0.0, 0.0, 0.0, 0.0
                    u = (ux, uy, uz)
                    for a in range(3):
                        s = 0.0
                        for b in range(3):
                            s += (c[a, b] + dt * (c[a, 3 + b] + c[3 + a, b]) + dt * dt * c[3 + a, 3 + b]) * u[b]
                        q += u[a] * s
                        if a == 0:
                            gx = s
                        elif a == 1:
                            gy = s
                        else:
                            gz = s
                    root = math.sqrt(max(q, 1e-12))
                    value = ux * dx + uy * dy + uz * dz - sigmas * root
                    if value > best:
                        best = value
                    # the outward normal of the ellipsoid where it is nearest
                    vx, vy, vz = (dx - sigmas * gx / root, dy - sigmas * gy / root, 0.0 if flat
                        else dz - sigmas * gz / root)
                    long = math.sqrt(vx * vx + vy * vy + vz * vz)
                    if long < 1e-6:
                        break
                    ux, uy, uz = vx / long, vy / long, vz / long
                least = min(least, best - rest)
    return least
