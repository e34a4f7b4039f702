"""Raids by kind: what is fired, from where, onto what; every number drawn from the stated bounds,
illustrative all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from . import curves, flight, others
from .flight import BLEED, BLEED_END, BURN, DRIFT, INVERSE, LIFT, PARAMETERS, PUSH, ROLL
from .places import Place, Zone, airport, camp, distance
from .radar import Body, Set, polar

QUIET = 6.0             # s before the first round, with clutter only
TAIL = 4.0              # s after the last impact
TRIES = 60              # draws of a launch until one falls within what its kind says
NEAR_MISS = (100.0, 500.0)  # m outside every zone, where a raid that misses is aimed
# m about the line where the hazard of a zone ends, where an `edge` raid is aimed, and its spread
EDGE, CLOSE = 25.0, 10.0


class Kind(NamedTuple):
    """Bounds of one kind of round, each drawn uniformly; a coefficient uniformly in its
    logarithm.
    """

    like: str                           # standard whose mean drag its curves have
    coefficient: tuple[float, float]    # mass over form factor times diameter squared [kg/m²]
    speed: tuple[float, float]          # at the muzzle, or off the rail where it burns [m/s]
    up: tuple[float, float]             # elevation of launch [deg]
    section: tuple[float, float]        # radar cross-section [m²]
    gain: tuple[float, float] = (0.0, 0.0)      # speed the motor adds [m/s]
    burn: tuple[float, float] = (0.0, 0.0)      # [s]
    reach: tuple[float, float] = (800.0, 19_000.0)  # distance flown that the kind accepts [m]
    drift: tuple[float, float] = (0.0, 0.0)     # spin drift [1/s]


KINDS = {
    "mortar": Kind("G1", (400.0, 1000.0), (140.0, 320.0), (48.0, 72.0), (0.008, 0.02), reach=(1500.0, 7500.0)),
    "near": Kind("G1", (400.0, 900.0), (85.0, 135.0), (45.0, 75.0), (0.008, 0.02), reach=(500.0, 1500.0)),
    "rocket": Kind("G1", (800.0, 1800.0), (35.0, 60.0), (25.0, 52.0), (0.015, 0.04), (250.0, 560.0), (1.0, 4.0),
        (3000.0, 15_000.0)),
    "low": Kind("G1", (800.0, 2000.0), (40.0, 60.0), (7.0, 18.0), (0.015, 0.04), (300.0, 560.0), (0.6, 2.0),
        (2500.0, 9000.0)),
    "heavy_shell": Kind("G7", (900.0, 3500.0), (260.0, 560.0), (32.0, 66.0), (0.015, 0.05), reach=(4000.0, 18_500.0),
        drift=(0.0, 0.0006)),
    "heavy_rocket": Kind("G1", (2000.0, 6000.0), (30.0, 60.0), (30.0, 58.0), (0.03, 0.1), (330.0, 620.0), (3.0, 10.0),
        (5000.0, 18_500.0)),
    "very_light": Kind("G1", (300.0, 1500.0), (90.0, 260.0), (45.0, 70.0), (0.004, 0.012), reach=(800.0, 5000.0)),
    "long_burn": Kind("G1", (900.0, 2200.0), (35.0, 60.0), (28.0, 55.0), (0.02, 0.05), (300.0, 560.0), (5.0, 9.0),
        (4000.0, 17_000.0)),
}
MAIN = ("mortar", "near", "rocket", "low", "heavy_shell", "heavy_rocket", "mixed")


@dataclass(frozen=True)
class Case:
    """A kind of raid with everything that differs from the ordinary."""

    kind: str
    family: str = "ordinary"                # of drag curves; "standard": G1 and G7 themselves
    lift: tuple[float, float] = (0.0, 0.0)  # [m/s²]
    drift: tuple[float, float] = (0.0, 0.0)
    bleed: bool = False
    # standard deviation of the wind's error at the ground and of its change each 2 km [m/s]
    wind: float = 1.5
    radars: tuple[Set, ...] = (Set(),)
    salvo: tuple[int, ...] = (1, 1, 2, 3, 4, 6, 8)
    outside: float = 0.3                    # share of raids aimed outside every zone
    aircraft: int = 1
    birds: int = 6
    edge: bool = False                      # aimed about the line where a zone's hazard ends
    beside: str = ""                        # scene that goes on beside the raid


COARSE = Set(revisit=1.0)
TURNING = Set(turning=True, revisit=3.0)
PAIR = (Set(), Set(name="cram2", place=(900.0, -600.0, 10.0), azimuth_bias=math.radians(0.6), range_bias=60.0))
CASES = {name: Case(name) for name in MAIN} | {
    "salvo": Case("mixed", salvo=(12, 20, 40)),
    "standard": Case("mixed", family="standard"), "own_curves": Case("mixed", family="wild"),
    "lift1": Case("mixed", lift=(0.5, 1.5)), "lift3": Case("mixed", lift=(2.5, 3.0)), "lift": Case("mixed",
        lift=(0.0, 3.0)),
    "drift": Case("heavy_shell", drift=(0.0006, 0.0015)), "bleed": Case("heavy_shell", bleed=True),
        "wind": Case("mixed", wind=3.5),
    "very_light": Case("very_light"), "long_burn": Case("long_burn"),
    "look1": Case("mixed", radars=(COARSE,)), "turning": Case("mixed", radars=(replace(TURNING, doppler=False),)),
    "turning_doppler": Case("mixed", radars=(TURNING,)), "late2": Case("mixed", radars=(Set(lag=2.0),)),
        "late5": Case("mixed", radars=(Set(lag=5.0),)),
    "two_radars": Case("mixed", radars=PAIR), "edge": Case("mixed", edge=True), "salute_beside": Case("mortar",
        beside="salute"),
} | {name: Case(name) for name in others.SCENES}


class Round(NamedTuple):
    """A round as it truly was."""

    kind: str
    body: Body
    parameters: np.ndarray      # of its flight
    curve: np.ndarray
    launched: float             # [s]


@dataclass(frozen=True, eq=False)
class Raid:
    """Everything true of one raid."""

    case: Case
    seed: int
    place: Place
    world: flight.World
    rounds: list[Round]
    others: list[Body] = field(default_factory=list)
    until: float = 0.0

    @property
    def bodies(self) -> list[Body]:
        return [r.body for r in self.rounds] + self.others


def world_of(place: Place, wind: float, draw: np.random.Generator) -> flight.World:
    """The true air over a place: what is believed, and an error of wind that walks with height,
    of temperature and of pressure.
    """
    up = np.arange(0.0, 14_001.0, 500.0)
    believed = np.stack([np.interp(up, place.wind_up, place.wind[:, k]) for k in range(2)], 1)
    steps = draw.normal(0.0, wind, (len(up), 2))
    steps[1:] *= 0.5            # a walk of `wind` in 2 km
    temperature, pressure = place.temperature + draw.normal(0.0, 3.0), 1.0 + draw.normal(0.0, 0.004)
    return flight.world(place.elevation, place.latitude, temperature, pressure, up, believed + np.cumsum(steps, 0))


def parameters_of(kind: Kind, case: Case, draw: np.random.Generator) -> np.ndarray:
    """Parameters of the flight that the rounds of one launcher have in common."""
    p = np.zeros(PARAMETERS)
    p[INVERSE] = 1.0 / math.exp(draw.uniform(*np.log(kind.coefficient)))
    if kind.burn[1] > 0.0:
        p[BURN] = draw.uniform(*kind.burn)
        p[PUSH] = draw.uniform(*kind.gain) / p[BURN]
    p[LIFT], p[ROLL] = draw.uniform(*case.lift), draw.uniform(0.0, 2.0 * math.pi)
    p[DRIFT] = draw.uniform(*(case.drift if case.drift[1] > 0.0 else kind.drift))
    if case.bleed:
        p[BLEED], p[BLEED_END] = draw.uniform(0.15, 0.35), draw.uniform(8.0, 25.0)
    return p


def curve_of(kind: Kind, case: Case, draw: np.random.Generator) -> np.ndarray:
    return curves.standard(kind.like) if case.family == "standard" else curves.drawn(curves.FAMILIES[case.family],
        kind.like, draw)


def fired(name: str, case: Case, raid_aim: np.ndarray, count: int, start: float, place: Place, world: flight.World,
    draw: np.random.Generator) -> list[Round]:
    """The rounds of one launcher at one aim: a launch is drawn, flown, moved so that it ends at
    the aim, and flown again from there.

    The flight is moved, never solved for: moving it does not change it but for the earth's curve.
    """
    kind = KINDS[name]
    for _ in range(TRIES):
        parameters, curve = parameters_of(kind, case, draw), curve_of(kind, case, draw)
        speed, up, bearing = draw.uniform(*kind.speed), math.radians(draw.uniform(*kind.up)), draw.uniform(0.0,
            2.0 * math.pi)
        trial = flight.fly(_muzzle(np.zeros(2), speed, up, bearing), parameters, curve, world)
        reached = math.hypot(*trial.place[:2])
        if kind.reach[0] <= reached <= kind.reach[1] and trial.end < flight.LONGEST - 1.0 and _seen_long(trial,
            raid_aim, case.radars[0]):
            break
    spread = CLOSE if case.edge else draw.uniform(20.0, 110.0) * min(max(reached / 5000.0, 0.3), 1.3)
    section = math.exp(draw.uniform(*np.log(kind.section)))
    out, t = [], start
    for _ in range(count):
        own = parameters.copy()
        own[INVERSE] *= 1.0 + draw.normal(0.0, 0.015)
        own[PUSH] *= 1.0 + draw.normal(0.0, 0.01)
        if case.lift[1] > 0.0:
            own[ROLL] = draw.uniform(0.0, 2.0 * math.pi)
        first = (speed * (1.0 + draw.normal(0.0, 0.004)), up + draw.normal(0.0, 0.003), bearing + draw.normal(0.0,
            0.004))
        trial = flight.fly(_muzzle(np.zeros(2), *first), own, curve, world)
        path = flight.fly(_muzzle(raid_aim + draw.normal(0.0, spread, 2) - trial.place[:2], *first), own, curve, world,
            t)
        out.append(Round(name, Body(path, section, 1.0, "round"), own, curve, t))
        t += draw.uniform(0.3, 4.0)
    return out


def _muzzle(at: np.ndarray, speed: float, up: float, bearing: float) -> np.ndarray:
    level = speed * math.cos(up)
    return np.array([*at, 1.0, level * math.sin(bearing), level * math.cos(bearing), speed * math.sin(up)])


def _seen_long(trial: flight.Path, aim: np.ndarray, radar: Set) -> bool:
    """Whether the launcher, moved, lies within the radar's range."""
    return bool(math.hypot(*(aim - trial.place[:2] - np.array(radar.place[:2]))) < radar.most - 500.0)


def aim_of(place: Place, case: Case, outside: bool, draw: np.random.Generator) -> np.ndarray:
    """A point in a zone that can be warned, or 100 to 500 m outside all of them, or where a
    zone's hazard ends.
    """
    zones = [zone for zone in place.zones if zone.warn]
    while True:
        if case.edge:
            at = draw.uniform(-1_000.0, 1_000.0, 2)
            nearest = min(float(distance(at[None], z.ring)[0]) for z in zones)
            if nearest > 0.0 and abs(nearest - place.hazard) <= EDGE:
                return at
            continue
        zone = zones[draw.integers(len(zones))]
        middle, wide = zone.ring.mean(0), np.ptp(zone.ring, axis=0)
        at = middle + (draw.uniform(-0.5, 0.5, 2) * wide if not outside else draw.normal(0.0, 600.0, 2))
        nearest = min(float(distance(at[None], z.ring)[0]) for z in zones)
        if (not outside and nearest == 0.0) or (outside and NEAR_MISS[0] <= nearest <= NEAR_MISS[1]):
            return at


def drawn(case: Case, seed: int) -> Raid:
    """One raid of a case: the same seed, the same raid."""
    draw = np.random.default_rng([seed, 1201])
    place = (airport, camp)[seed % 2]()
    world = world_of(place, case.wind, draw)
    if case.kind in others.SCENES:
        bodies = others.SCENES[case.kind](place, world, draw)
        return Raid(case, seed, place, world, [], bodies + others.beside(case.aircraft, case.birds, others.LENGTH,
            draw), others.LENGTH + TAIL)
    count = int(case.salvo[draw.integers(len(case.salvo))])
    outside = bool(draw.random() < case.outside)
    rounds: list[Round] = []
    if case.kind == "mixed":
        names = [str(n) for n in draw.choice(list(KINDS)[:6], size=min(count, 1 + int(draw.integers(3))),
            replace=False)]
        shares = np.array_split(np.arange(count), len(names))
        for name, share in zip(names, shares, strict=True):
            rounds += fired(name, case, aim_of(place, case, outside, draw), len(share), QUIET + draw.uniform(0.0, 8.0),
                place, world, draw)
    else:
        groups = 1 if count < 6 else 2
        for share in np.array_split(np.arange(count), groups):
            rounds += fired(case.kind, case, aim_of(place, case, outside, draw), len(share), QUIET + draw.uniform(0.0,
                4.0), place, world, draw)
    last = max(r.body.path.end for r in rounds)
    until = last + TAIL + max(radar.lag for radar in case.radars)
    bodies = others.beside(case.aircraft, case.birds, until, draw)
    if case.beside:
        bodies += others.SCENES[case.beside](place, world, draw)
    return Raid(case, seed, place, world, rounds, bodies, until)


def zones_that_warn(place: Place) -> list[tuple[int, Zone]]:
    return [(k, zone) for k, zone in enumerate(place.zones) if zone.warn]


__all__ = ["CASES", "KINDS", "MAIN", "Case", "Kind", "Raid", "Round", "drawn", "polar"]
