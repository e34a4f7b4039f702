"""Crowds of flights seen by one radar through the real tracker: rounds and aircraft of many
manners, generic and illustrative, many in the air at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from builders import a_site
from naive import seen_from

from skywarden.defence.tracking import tracker
from skywarden.kernels.ballistics.drag import standard_drags
from skywarden.kernels.estimation.motion import STATES, flow
from skywarden.messages.frame import Aircraft, Detections, Frame, Inputs, Radars, Weather

SITE = a_site()
DRAGS = standard_drags(["constant"])
SIGMA = np.array([15.0, 3e-3, 3e-3, 1.5])
LOOK, FINE, GRAVITY = 0.25, 0.05, 9.80665      # s, s, m/s²
ORDINARY = ("level", "turning", "taking off", "landing", "dive", "parabola", "bunt", "slow")
# up to 60° from near the ground: for seconds no radar of this noise can tell them from a round
EXTREME = ("steep climb", "parabola from low")
MANNERS = ORDINARY + EXTREME
PIECES = 5
NEAR = 150.0            # m, between a track and the flight it is of


class Flown(NamedTuple):
    """What was believed of each flight, one row a flight; times in seconds from its first
    detection, nan where it never came to that.
    """

    manner: np.ndarray          # (n,) str
    seen: np.ndarray            # (n,) detections
    projectile_after: np.ndarray    # first believed a projectile with 0.9 or more
    aircraft_after: np.ndarray      # first believed aircraft or other with 0.9 or more
    projectile_for: np.ndarray      # s so believed, in all
    aircraft_for: np.ndarray
    manned_for: np.ndarray          # s believed an aircraft with 0.5 or more
    other_for: np.ndarray           # s believed something else than either with 0.5 or more


def rounds(kind: str, n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Paths (k, 6) each LOOK of generic rounds from 2-4 km ("mortar") or 6.5-7.5 km ("rocket") to
    about the site's middle.
    """
    rocket = kind == "rocket"
    reach = rng.uniform(6500, 7500, n) if rocket else rng.uniform(2000, 4000, n)
    up = np.radians(rng.uniform(25, 42, n) if rocket else rng.uniform(48, 72, n))
    kappa = 1e4 / (rng.uniform(4000, 7000, n) if rocket else rng.uniform(2500, 5500, n))
    # roughly what drag takes is given back
    speed = np.sqrt(reach * GRAVITY / np.sin(2.0 * up)) * (1.0 + 1.2e-5 * kappa * reach)
    bearing = rng.uniform(0.0, 2.0 * math.pi, n)
    start = np.stack([np.sin(bearing), np.cos(bearing)], 1) * reach[:, None] + rng.normal([400.0, 300.0], 350.0, (n, 2))
    out = []
    for i in range(n):
        flat = speed[i] * math.cos(up[i])
        x = np.array([*start[i], 0.0, -flat * math.sin(bearing[i]), -flat * math.cos(bearing[i]),
            speed[i] * math.sin(up[i]), kappa[i], 0.0, 0.0])
        path = []
        while x[2] >= 0.0 and len(path) < 400:
            path.append(x[:6].copy())
            flow(x, LOOK, 0, DRAGS, SITE.air, SITE.earth, 7, np.zeros((6, STATES)))
        out.append(np.array(path))
    return out


def torn(n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Paths of PIECES light pieces each of `n` rounds stopped in the air, BC 60 kg/m², 0.4 to 0.9
    of the round's velocity and 50 m/s of scatter.
    """
    out = []
    for path in rounds("rocket", n // 2, rng) + rounds("mortar", n - n // 2, rng):
        at = path[int(len(path) * rng.uniform(0.4, 0.85))]
        for _ in range(PIECES):
            x = np.concatenate([at[:3], rng.uniform(0.4, 0.9) * at[3:] + 50.0 * rng.normal(size=3),
                [1e4 / 60.0, 0.0, 0.0]])
            piece = []
            while x[2] >= 0.0 and len(piece) < 400:
                piece.append(x[:6].copy())
                for _ in range(round(LOOK / FINE)):
                    flow(x, FINE, 0, DRAGS, SITE.air, SITE.earth, 7, np.zeros((6, STATES)))
            out.append(np.array(piece))
    return out


def aircraft(manner: str, n: int, rng: np.random.Generator, seconds: float = 50.0) -> list[np.ndarray]:
    """Paths (k, 6) each LOOK of aircraft flown in one manner of MANNERS, passing within some 6 km."""
    steps = int(seconds / FINE)
    when = np.arange(steps) * FINE
    # rad/s·speed (m/s²), rad/s, m/s²
    pull, turn, thrust = np.zeros((n, steps)), np.zeros((n, steps)), np.zeros((n, steps))
    # lift none, thrust against drag
    free = np.zeros((n, steps), np.bool_)
    speed, climb, height = rng.uniform(65, 250, n), rng.uniform(-3, 3, n) / 150.0, rng.uniform(300, 2500, n)

    def during(begin: np.ndarray, length: np.ndarray) -> np.ndarray:
        return (when >= begin[:, None]) & (when < (begin + length)[:, None])

    if manner == "turning":
        bank = np.radians(rng.uniform(15, 65, n)) * rng.choice([-1, 1], n)
        turn[:] = np.where(during(rng.uniform(0, 15, n), rng.uniform(5, 40, n)), (GRAVITY * np.tan(bank) / speed)[:,
            None], 0.0)
    elif manner == "taking off":
        speed, height, climb = rng.uniform(60, 90, n), rng.uniform(5, 60, n), np.radians(rng.uniform(4, 15, n))
        thrust[:] = np.where(during(np.zeros(n), np.full(n, 20.0)), rng.uniform(0, 2, n)[:, None], 0.0)
    elif manner == "landing":
        speed, height, climb = rng.uniform(55, 80, n), rng.uniform(250, 700, n), -np.radians(rng.uniform(2.5, 5.5, n))
    elif manner == "steep climb":
        speed, height, climb = rng.uniform(110, 280, n), rng.uniform(20, 400, n), np.radians(rng.uniform(15, 60, n))
        over = during(rng.uniform(6, 20, n), np.degrees(climb) * speed / 400.0)
        pull[:] = np.where(over, -7.0, 0.0)
    elif manner == "dive":
        speed, height, climb = rng.uniform(110, 230, n), rng.uniform(1800, 4500, n), -np.radians(rng.uniform(10, 45, n))
        long = (height - rng.uniform(350, 900, n)) / (-speed * np.sin(climb))
        out = during(np.minimum(long, 30.0), -climb * speed / 30.0)
        pull[:] = np.where(out, 30.0, 0.0)
    elif manner in ("parabola", "parabola from low", "bunt"):
        speed = rng.uniform(130, 240, n)
        height = rng.uniform(60, 350, n) if "low" in manner else rng.uniform(1500, 5000, n)
        steep = np.radians(rng.uniform(20, 55, n)) if manner != "bunt" else np.zeros(n)
        begin, g = rng.uniform(-3, 12, n), rng.uniform(20, 35, n)
        rise = steep * speed / g
        fall = np.where(steep > 0, 2.0 * speed * np.sin(steep) / GRAVITY, rng.uniform(4, 10, n))
        pull[:] = np.where(during(begin, rise) | during(begin + rise + fall, (steep + 0.2) * speed / g), g[:, None],
            0.0)
        free[:] = during(begin + rise, fall)
        climb = np.where(begin < 0, np.minimum(steep, -begin * g / speed), 0.0)
    elif manner == "slow":
        speed, height = rng.uniform(12, 55, n), rng.uniform(30, 800, n)
        turn[:] = np.where(during(rng.uniform(0, 15, n), rng.uniform(5, 40, n)), rng.uniform(-0.3, 0.3, n)[:, None],
            0.0)
    heading, bearing = rng.uniform(0, 2 * math.pi, n), rng.uniform(0, 2 * math.pi, n)
    away = rng.uniform(1000, 6000, n)
    half = 0.5 * speed * seconds * rng.uniform(0.4, 1.0, n)
    p = np.stack([away * np.sin(bearing) - half * np.sin(heading), away * np.cos(bearing) - half * np.cos(heading),
        height], 1)
    out = np.empty((steps, n, 6))
    for k in range(steps):
        v = np.stack([speed * np.cos(climb) * np.sin(heading), speed * np.cos(climb) * np.cos(heading),
            speed * np.sin(climb)], 1)
        out[k, :, :3], out[k, :, 3:] = p, v
        p = p + FINE * v
        f = free[:, k]
        speed = np.maximum(speed + FINE * np.where(f, -GRAVITY * np.sin(climb), thrust[:, k]), 10.0)
        climb = climb + FINE * np.where(f, -GRAVITY * np.cos(climb), pull[:, k]) / speed
        heading = heading + FINE * turn[:, k]
    paths = []
    for i in range(n):
        path = out[:: int(LOOK / FINE), i]
        below = np.flatnonzero(path[:, 2] < 0.0)
        paths.append(path[: below[0]] if below.size else path)
    return paths


def fly(
    paths: list[np.ndarray], manner: str, rng: np.random.Generator, at_once: int = 60, false_alarms: float = 5.0,
    together: int = 1
) -> Flown:
    """All paths through the tracker, `at_once` in one scene, begun over 30 s, so many `together`:
    fresh tracker for every scene.
    """
    parts = [_scene(paths[k : k + at_once], rng, false_alarms, together) for k in range(0, len(paths), at_once)]
    return Flown(np.full(len(paths), manner), *(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _scene(
    paths: list[np.ndarray], rng: np.random.Generator, false_alarms: float, together: int
) -> tuple[np.ndarray, ...]:
    n = len(paths)
    begin = np.repeat(rng.integers(4, 124, -(-n // together)), together)[:n]
    seen, first = np.zeros(n, int), np.full(n, np.nan)
    projectile, other, projectile_for, other_for = np.full(n, np.nan), np.full(n, np.nan), np.zeros(n), np.zeros(n)
    manned_for, neither_for = np.zeros(n), np.zeros(n)
    state = tracker.start(SITE)
    for k in range(max(b + len(p) for b, p in zip(begin, paths, strict=True))):
        t = LOOK * k
        flying = np.array([i for i in range(n) if 0 <= k - begin[i] < len(paths[i])], int)
        x = np.array([paths[i][k - begin[i]] for i in flying]).reshape(-1, 6)
        z = np.array([seen_from(y[:3], y[3:], np.zeros(3)) for y in x]).reshape(-1, 4)
        hit = (z[:, 0] > 300.0) & (z[:, 0] < 15_000.0) & (z[:, 2] > math.radians(1.0)) & (z[:, 2]
            < math.radians(85.0)) & (rng.random(len(z)) < 0.9)
        seen[flying[hit]] += 1
        first[flying[hit]] = np.fmin(first[flying[hit]], t)
        plots = [z[hit] + rng.normal(size=(int(hit.sum()), 4)) * SIGMA, *_false(rng, false_alarms)]
        state, tracks = tracker.track(state, _frame(t, np.concatenate(plots)), SITE)
        if not tracks.number.size or not flying.size:
            continue
        apart = np.linalg.norm(tracks.state[:, None, :3] - x[None, :, :3], axis=2)
        whose = apart.argmin(1)
        near = apart[np.arange(len(whose)), whose] < NEAR
        for track in np.flatnonzero(near):
            i = flying[whose[track]]
            p = tracks.kind[track]
            if p[0] >= 0.9:
                projectile[i] = np.fmin(projectile[i], t - first[i])
                projectile_for[i] += LOOK
            if p[0] <= 0.1:
                other[i] = np.fmin(other[i], t - first[i])
                other_for[i] += LOOK
            manned_for[i] += LOOK * (p[1] >= 0.5)
            neither_for[i] += LOOK * (p[2] >= 0.5)
    return seen, projectile, other, projectile_for, other_for, manned_for, neither_for


def _false(rng: np.random.Generator, rate: float) -> Iterator[np.ndarray]:
    n = rng.poisson(rate)
    yield np.stack([rng.uniform(300, 15e3, n), rng.uniform(0, 2 * math.pi, n), rng.uniform(0.0175, 1.22, n),
        rng.uniform(-450, 450, n)], 1)


def _frame(t: float, z: np.ndarray) -> Frame:
    n = len(z)
    d = Detections.empty(n)._replace(
        t=np.full(n, t), range=z[:, 0].copy(), azimuth=z[:, 1] % (2.0 * math.pi), elevation=z[:, 2].copy(),
        range_rate=z[:, 3].copy())
    return Frame(t, d, Aircraft.empty(), Weather.still(), (), Radars.staring(1, t), Inputs.none(), 0.0)
