"""What flies beside a raid, or instead of one: aircraft of every manner, birds, shots in the air,
illumination rounds, powered objects inbound.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from . import curves, flight
from .flight import INVERSE, PARAMETERS, STEP, Path, World
from .places import Place
from .radar import Body

GRAVITY = 9.81
LENGTH = 70.0           # s of a scene without a raid
MANNERS = ("level", "circling", "approach", "climb-out", "dive", "parabola", "bunt", "pop-up", "steep climb",
    "helicopter")
TOGETHER = 6            # aircraft in one run
SHOTS = (25, 90)        # bodies in a salute


def beside(aircraft: int, birds: int, until: float, draw: np.random.Generator) -> list[Body]:
    """Up to `aircraft` airliners and `birds` birds about a raid."""
    out = [craft("level", until, draw)[0] for _ in range(int(draw.integers(aircraft + 1)))]
    return out + [bird(until, draw) for _ in range(birds)]


def sampled(position: np.ndarray, t: float = 0.0) -> Path:
    """A path through positions (n, 3) each STEP."""
    velocity = np.gradient(position, STEP, axis=0)
    return Path(t, np.hstack([position, velocity]), t + (len(position) - 1) * STEP, position[-1])


def bird(until: float, draw: np.random.Generator) -> Body:
    """A bird that wanders."""
    n = int(until / STEP) + 2
    t = np.arange(n) * STEP
    heading = draw.uniform(0, 2 * math.pi) + 0.5 * np.sin(2 * math.pi * t / draw.uniform(8, 30) + draw.uniform(0, 6.28))
    step = draw.uniform(8, 18) * STEP * np.stack([np.sin(heading), np.cos(heading),
        0.1 * np.sin(t / draw.uniform(3, 9))], 1)
    at = np.array([*draw.normal(0, 2500, 2), draw.uniform(30, 800)])
    return Body(sampled(at + np.cumsum(step, 0)), draw.uniform(0.003, 0.03), 1.0, "bird")


def craft(manner: str, until: float, draw: np.random.Generator) -> list[Body]:
    """One aircraft flown in a manner of MANNERS, passing within some kilometres of the origin;
    in a list of one.
    """
    n = int(until / STEP) + 2
    t = np.arange(n) * STEP
    speed, gamma, turn, height = _profile(manner, t, draw)
    heading = draw.uniform(0, 2 * math.pi) + np.cumsum(turn) * STEP
    step = STEP * speed[:, None] * np.stack([np.cos(gamma) * np.sin(heading), np.cos(gamma) * np.cos(heading),
        np.sin(gamma)], 1)
    path = np.cumsum(step, 0)
    path[:, :2] += draw.normal(0, 1500, 2) - path[int(n * draw.uniform(0.3, 0.8)), :2]
    path[:, 2] += height - path[0, 2]
    low = path[:, 2].min()
    path[:, 2] += max(25.0 - low, 0.0)
    section = draw.uniform(0.5, 12.0) if manner not in ("level", "approach", "climb-out") else draw.uniform(3.0, 60.0)
    role = "aircraft" if draw.random() < 0.5 or manner == "approach" else "unreported"
    return [Body(sampled(path), section, 1.0, role)]


def _profile(manner: str, t: np.ndarray, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Speed, climb angle and rate of turn over time, and the height at the start, of one manner
    of flight.
    """
    u = draw.uniform
    flat, no = np.full(len(t), u(-0.02, 0.02)), np.zeros(len(t))
    if manner == "circling":
        speed, bank = u(70, 250), u(-1, 1) * math.tan(math.radians(60))
        return np.full(len(t), speed), flat, np.where((t > u(0, 15)) & (t < u(20, 60)), bank * GRAVITY / speed,
            0.0), u(300, 3000)
    if manner == "approach":
        return np.full(len(t), u(60, 80)), np.full(len(t), -math.radians(u(2.5, 6))), no, u(250, 700)
    if manner == "climb-out":
        return u(65, 90) + np.minimum(t, 20) * u(0, 2), np.full(len(t), math.radians(u(4, 16))), no, u(5, 60)
    if manner == "helicopter":
        return _helicopter(t, draw)
    if manner == "level":
        return np.full(len(t), u(65, 250)), flat, no, u(300, 8000)
    speed, start = u(120, 260), u(2, 14)
    if manner == "dive":
        steep, rate = -math.radians(u(12, 60)), u(15, 35) / speed
        height, out = u(1800, 5000), u(350, 900)
        long = (height - out) / (speed * math.sin(-steep))
        return np.full(len(t), speed), _angles(t, [(start, steep, rate), (start + long, u(-0.02, 0.15),
            u(25, 50) / speed)]), no, height
    if manner == "steep climb":
        steep, rate = math.radians(u(15, 65)), u(10, 30) / speed
        return np.full(len(t), speed), _angles(t, [(start, steep, rate), (start + u(6, 16), 0.0,
            8.0 / speed)]), no, u(25, 400)
    if manner == "pop-up":
        up, down, rate = math.radians(u(18, 40)), -math.radians(u(12, 30)), u(25, 45) / speed
        climb = u(3.5, 7.0)
        plan = [(start, up, rate), (start + climb, down, 18.0 / speed), (start + climb + u(5, 9), 0.05,
            u(30, 50) / speed)]
        return np.full(len(t), speed), _angles(t, plan), no, u(30, 90)
    return _free(manner, t, speed, start, draw)


def _angles(t: np.ndarray, plan: list[tuple[float, float, float]]) -> np.ndarray:
    """A climb angle that from each time of the plan goes to an angle at a rate."""
    out, now = np.zeros(len(t)), 0.0
    for i, when in enumerate(t):
        goal, rate = 0.0, 0.1
        for begin, angle, speed in plan:
            if when >= begin:
                goal, rate = angle, speed
        now += float(np.clip(goal - now, -rate * STEP, rate * STEP))
        out[i] = now
    return out


def _free(manner: str, t: np.ndarray, speed: float, start: float, draw: np.random.Generator) -> tuple[np.ndarray,
    np.ndarray, np.ndarray, float]:
    """A parabola flown without lift, its thrust against its drag, from a pull-up ("parabola")
    or from level flight ("bunt"), and the recovery.
    """
    steep = math.radians(draw.uniform(20, 55)) if manner == "parabola" else 0.0
    pull, dive = draw.uniform(15, 30), -math.radians(draw.uniform(20, 55))
    v, gamma, floating, ended = speed, 0.0, False, False
    speeds, angles = np.empty(len(t)), np.empty(len(t))
    for i, when in enumerate(t):
        if when >= start and not ended:
            if not floating and gamma >= steep - 1e-9:
                floating = True
            if floating:
                gamma -= GRAVITY * math.cos(gamma) / v * STEP
                v -= GRAVITY * math.sin(gamma) * STEP
                ended = gamma < dive
            else:
                gamma = min(gamma + pull / v * STEP, steep)
        elif ended:
            gamma = min(gamma + pull / v * STEP, 0.05)
        speeds[i], angles[i] = v, gamma
    return speeds, angles, np.zeros(len(t)), draw.uniform(1500, 5000)


def _helicopter(t: np.ndarray, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Low flight with quick stops, a climb on the spot or an autorotation."""
    which = draw.integers(3)
    speed = draw.uniform(15, 80) * (0.55 + 0.45 * np.cos(2 * math.pi * (t - draw.uniform(0, 20)) / draw.uniform(18,
        50)))
    turn = draw.uniform(-0.25, 0.25) * np.sin(t / draw.uniform(3, 9))
    if which == 0:
        return np.maximum(speed, 1.0), 0.12 * np.sin(t / draw.uniform(2, 7)), turn, draw.uniform(25, 200)
    if which == 1:
        return np.full(len(t), draw.uniform(8, 25)), np.full(len(t),
            math.radians(draw.uniform(20, 80))), turn, draw.uniform(25, 100)
    return np.full(len(t), draw.uniform(25, 45)), -math.radians(25) * np.ones(len(t)), turn, draw.uniform(900, 2000)


def aircraft(manner: str) -> Callable[[Place, World, np.random.Generator], list[Body]]:
    return lambda place, world, draw: [craft(manner, LENGTH, draw)[0] for _ in range(TOGETHER)]


def salute(place: Place, world: World, draw: np.random.Generator) -> list[Body]:
    """Small arms fired into the air 1 to 4 km away: bodies of 5.45 to 12.7 mm, some tumbling
    after their summit, each a weak echo.
    """
    bearing, far = draw.uniform(0, 2 * math.pi), draw.uniform(1_000.0, 3_500.0)
    middle = far * np.array([math.sin(bearing), math.cos(bearing)])
    out = []
    for _ in range(int(draw.integers(*SHOTS))):
        parameters = np.zeros(PARAMETERS)
        parameters[INVERSE] = 1.0 / math.exp(draw.uniform(*np.log([120.0, 800.0] if draw.random() < 0.8
            else [800.0, 3_500.0])))
        curve = curves.drawn(curves.ORDINARY, "G7", draw)
        start = _shot(middle + draw.normal(0, 80.0, 2), draw.uniform(600, 950), math.radians(draw.uniform(45, 88)),
            draw)
        path = flight.fly(start, parameters, curve, world, draw.uniform(1.0, 12.0))
        if draw.random() < 0.5:
            path = _tumbling(path, parameters, curve, world, draw)
        out.append(Body(path, math.exp(draw.uniform(*np.log([1e-4, 1e-3]))), 1.0, "shot"))
    return out


def tracers(place: Place, world: World, draw: np.random.Generator) -> list[Body]:
    """Bursts of automatic cannon that destroy themselves in the air after 6 to 12 s."""
    bearing, far = draw.uniform(0, 2 * math.pi), draw.uniform(800.0, 4_000.0)
    middle = far * np.array([math.sin(bearing), math.cos(bearing)])
    out = []
    for _ in range(int(draw.integers(2, 7))):
        start, up, towards, fuze = draw.uniform(1.0, 35.0), math.radians(draw.uniform(15, 80)), draw.uniform(0,
            2 * math.pi), draw.uniform(6.0, 12.0)
        for k in range(int(draw.integers(3, 12))):
            parameters = np.zeros(PARAMETERS)
            parameters[INVERSE] = 1.0 / draw.uniform(300.0, 900.0)
            first = _shot(middle, draw.uniform(880, 1000), up + draw.normal(0, 0.01), draw, towards + draw.normal(0,
                0.01))
            path = flight.fly(first, parameters, curves.drawn(curves.ORDINARY, "G7", draw), world, start + 0.12 * k)
            out.append(Body(_cut(path, fuze + draw.normal(0, 0.3)), draw.uniform(5e-4, 2e-3), 1.0, "shot"))
    return out


def illumination(place: Place, world: World, draw: np.random.Generator) -> list[Body]:
    """Mortar rounds that burst above the zones into a flare under its parachute; the carrier's
    burst ends it.
    """
    out = []
    for _ in range(int(draw.integers(1, 4))):
        parameters = np.zeros(PARAMETERS)
        parameters[INVERSE] = 1.0 / draw.uniform(500.0, 900.0)
        curve = curves.drawn(curves.ORDINARY, "G1", draw)
        first = _shot(np.zeros(2), draw.uniform(180, 280), math.radians(draw.uniform(50, 70)), draw)
        path = flight.fly(first, parameters, curve, world)
        falling = np.flatnonzero((path.states[:, 5] < 0.0) & (path.states[:, 2] < draw.uniform(350, 650)))
        burst = int(falling[0]) if len(falling) else len(path.states) - 2
        first[:2] -= path.states[burst, :2] - draw.normal(0, 700, 2)
        path = _cut(flight.fly(first, parameters, curve, world, draw.uniform(2.0, 12.0)), burst * STEP)
        out.append(Body(path, draw.uniform(0.01, 0.02), 1.0, "carrier"))
        n = int(max(LENGTH - path.end, 5.0) / STEP)
        rows = np.clip(path.place[2] / flight.AIR_STEP, 0, len(world.air) - 1)
        drift = np.array([*world.air[int(rows), 2:], -draw.uniform(3.5, 7.0)])
        slowing = 0.3 * path.states[-1, 3:] * (1.0 - np.exp(-np.arange(n)[:, None] * STEP / 0.5)) * 0.5
        out.append(Body(sampled(path.place + drift * STEP * np.arange(n)[:, None] + slowing, path.end),
            draw.uniform(0.02, 0.2), 1.0, "flare"))
    return out


def inbound(jet: bool, passing: bool) -> Callable[[Place, World, np.random.Generator], list[Body]]:
    """One powered object: level towards a zone, then down into it; or by, 300 to 1,500 m beside
    every zone.
    """
    def make(place: Place, world: World, draw: np.random.Generator) -> list[Body]:
        speed = draw.uniform(150, 200) if jet else draw.uniform(40, 90)
        zones = [zone for zone in place.zones if zone.warn]
        middle = zones[draw.integers(len(zones))].ring.mean(0)
        height, bearing = draw.uniform(80, 1200), draw.uniform(0, 2 * math.pi)
        ahead = np.array([math.sin(bearing), math.cos(bearing)])
        if passing:
            reach = max(float(np.abs(zone.ring @ [ahead[1], -ahead[0]]).max()) for zone in zones)
            side = (reach + draw.uniform(300, 1500)) * draw.choice([-1, 1])
            middle = side * np.array([ahead[1], -ahead[0]])
        steep = math.radians(draw.uniform(8, 60))
        level = min((LENGTH - 8.0) * speed, 9_000.0)
        away = np.arange(0.0, level, speed * STEP)[::-1]
        if passing:
            path = np.concatenate([middle - away[:, None] * ahead, middle + away[::-1, None] * ahead])
            path = np.column_stack([path, np.full(len(path), height)])
        else:
            up = np.minimum(height, away * math.tan(steep))
            path = np.column_stack([middle - away[:, None] * ahead, up])
        wander = np.cumsum(draw.normal(0, 0.02, path.shape), 0)
        return [Body(sampled(path + (wander - wander[-1] if not passing else wander), 2.0), draw.uniform(0.03, 0.4)
            if jet else math.exp(
            draw.uniform(*np.log([0.01, 0.1]))), 1.0, "unreported" if passing else "inbound")]
    return make


def birds(place: Place, world: World, draw: np.random.Generator) -> list[Body]:
    return [bird(LENGTH, draw) for _ in range(40)]


def _shot(at: np.ndarray, speed: float, up: float, draw: np.random.Generator,
    bearing: float | None = None) -> np.ndarray:
    bearing = draw.uniform(0, 2 * math.pi) if bearing is None else bearing
    level = speed * math.cos(up)
    return np.array([*at, 2.0, level * math.sin(bearing), level * math.cos(bearing), speed * math.sin(up)])


def _tumbling(path: Path, parameters: np.ndarray, curve: np.ndarray, world: World, draw: np.random.Generator) -> Path:
    """The path, from its summit on with two to six times the drag."""
    top = int(path.states[:, 2].argmax())
    more = parameters.copy()
    more[INVERSE] *= draw.uniform(2.0, 6.0)
    rest = flight.fly(path.states[top], more, curve, world, path.t + top * STEP)
    return Path(path.t, np.concatenate([path.states[:top], rest.states]), rest.end, rest.place)


def _cut(path: Path, after: float) -> Path:
    """The path's first `after` seconds."""
    n = min(max(int(after / STEP) + 1, 2), len(path.states))
    return Path(path.t, path.states[:n], path.t + (n - 1) * STEP, path.states[n - 1, :3])


SCENES: dict[str, Callable[[Place, World, np.random.Generator], list[Body]]] = {
    "salute": salute, "tracers": tracers, "illumination": illumination, "birds": birds, "drone_hit": inbound(False,
        False),
    "drone_by": inbound(False, True), "jet_hit": inbound(True, False), "jet_by": inbound(True, True),
} | {manner: aircraft(manner) for manner in MANNERS}
