"""Traffic drawn rather than written down: landings, starts, helicopters and crossings at a rate,
each flown as an aircraft could fly it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skywarden.kernels.geometry.ground import ground_up
from skywarden.kernels.geometry.polygon import long_axis
from skywarden.simulator.scenario.model import ARRIVAL, DEPARTURE, Flight, Scenario
from skywarden.simulator.sensing.chance import Chance
from skywarden.simulator.world import steering
from skywarden.simulator.world.steering import Motion, Route
from skywarden.site.model import Site
from skywarden.units import NAUTICAL_MILE

Array = NDArray[Any]

WEEK = 604_800.0        # s
WITHIN = 5.0 * NAUTICAL_MILE    # m: where an operation counts
EDGE = 30_000.0         # m from the origin, where flights come into the scene and leave it
# s: operations so long before the run may still be in the air, and so long after it already
BEFORE, AFTER = 600.0, 700.0
APART = 80.0            # s between two movements on the runway, at least
GLIDE = math.tan(math.radians(3.0))
# m from touching down: on the final by then, and turned onto it from there
LINED_UP, INTERCEPT = 12_000.0, 15_000.0
TOUCHES = 300.0         # m behind the threshold
STEP = 50.0             # m between the points of a drawn route
ROLL = 1.8              # m/s², taking off and braking
LONGEST = 3_000         # steps of a second that a flight is flown
CLEAR = 200.0           # m above the ground, away from the airport
FIRST_ADDRESS = 0xA10000
# s after its landing that a flight's transponder is on: it taxies and shuts down, here it stands
STANDS = 60.0


def drawn(scenario: Scenario, site: Site, chance: Chance) -> tuple[Flight, ...]:
    """The flights of `scenario.flow`, none where it is zero. The same seed draws the same.

    chance  the named streams of random numbers

    Operations come as a Poisson process; two on the runway are APART at least, the later one waits
    its turn. Landings and starts are into the wind and under the scenario's tower. A site without a
    runway has helicopters and crossings only.
    """
    flow = scenario.flow
    rate = flow.per_week / WEEK
    if rate <= 0.0:
        return ()
    rng = chance.stream("traffic")
    runway = _runway(site, np.array([np.interp(0.0, scenario.weather.up, scenario.weather.wind[:, k]) for k in (0, 1)]))
    pads = [zone.polygon.mean(axis=0) for zone in site.zones if zone.kind == "apron"] or [np.zeros(2)]
    taken = {flight.address for flight in scenario.flights}
    addresses = (a for a in range(FIRST_ADDRESS, FIRST_ADDRESS + 100_000 + len(taken)) if a not in taken)
    t, free = -BEFORE, -math.inf
    flights: list[Flight] = []
    while (t := t + float(rng.exponential(1.0 / rate))) < scenario.duration + AFTER:
        kind, helicopter, silent, lands = rng.random(4) < (flow.crossings, flow.helicopters, flow.silent, 0.5)
        dice = rng.random(6)
        tower, when = ARRIVAL if lands else DEPARTURE, t
        if kind:
            tower, (way, pace, middle) = "", _crossing(dice)
        elif helicopter or runway is None:
            way, pace, middle = _pad(pads[int(dice[5] * len(pads))], dice, lands)
        else:
            when = free = max(t, free + APART)
            way, pace, middle = _landing(*runway, dice) if lands else _start(*runway, dice)
        place = _above(way, site)
        flown, passed = _flown(place, pace, middle)
        begun = when - passed
        number = len(flights) + 1
        name = f"{'X' if kind else 'H' if helicopter else 'A'}{number:04d}"
        flight = Flight(
            name, next(addresses), not silent, 8.0 if helicopter and not kind else 40.0, begun + np.arange(len(flown)),
            flown, np.zeros(3), (), 8, np.zeros(0),
            np.zeros((0, 3)), tower, STANDS if lands and not kind and not silent else 0.0)
        if flight.t[-1] + flight.stands > 0.0 and flight.t[0] < scenario.duration:
            flights.append(flight)
    return tuple(flights)


def _runway(site: Site, wind: Array) -> tuple[Array, Array, float] | None:
    """Threshold (2,) [m], direction of landing (2,), length [m] of the first runway, into the wind;
    None without one.
    """
    zone = next((zone for zone in site.zones if zone.kind == "runway"), None)
    if zone is None:
        return None
    middle, axis, half = long_axis(zone.polygon)
    # the sign an eigenvector comes with is nobody's
    axis = axis * (1.0 if axis[0] > 0.0 or (axis[0] == 0.0 and axis[1] > 0.0) else -1.0)
    along = -axis if float(wind @ axis) > 0.0 else axis
    return middle - along * half, along, 2.0 * half


def _landing(
    threshold: Array, along: Array, length: float, dice: Array
) -> tuple[Array, Callable[[Array], Array], Array]:
    """Way-points (k, 3), pace over the distance still to go, and where it is down."""
    slow = 58.0 + 20.0 * dice[0]
    down = threshold + TOUCHES * along
    stop = threshold + max(length - 200.0, TOUCHES + 0.5 * slow * slow / ROLL + 50.0) * along
    left = float(np.hypot(*(stop - down)))
    way = [_edge(math.atan2(-along[0], -along[1]) + math.radians(140.0) * (dice[1] - 0.5), 1_200.0 + 1_300.0 * dice[2])]
    way += [np.array([*(down - along * far), far * GLIDE]) for far in (INTERCEPT, LINED_UP, 0.0)]
    way.append(np.array([*stop, 0.0]))

    def pace(to_go: Array) -> Array:
        braking = np.sqrt(8.0**2 + 2.0 * ROLL * np.maximum(to_go - 50.0, 0.0))
        air = slow * (1.0 + 0.6 * np.clip((to_go - left - 8_000.0) / 10_000.0, 0.0, 1.0))
        return np.where(to_go < left, np.minimum(braking, slow), air)

    return np.array(way), pace, down


def _start(threshold: Array, along: Array, length: float, dice: Array) -> tuple[Array, Callable[[Array], Array], Array]:
    """Likewise of a start: a roll, a climb, a turn to anywhere ahead; the place is where it begins."""
    fast = 62.0 + 20.0 * dice[0]
    begin = threshold + 60.0 * along
    off = begin + (0.5 * fast * fast / ROLL + 100.0) * along
    slope = 0.06 + 0.05 * dice[2]
    turn = begin + (5_000.0 + 2_000.0 * dice[3]) * along
    far = _edge(math.atan2(along[0], along[1]) + math.radians(200.0) * (dice[1] - 0.5), 0.0)
    at_turn = slope * float(np.hypot(*(turn - off)))
    far[2] = min(at_turn + slope * float(np.hypot(*(far[:2] - turn))), 3_000.0)
    way = np.array([[*begin, 0.0], [*off, 0.0], [*turn, at_turn], far])
    whole = float(np.hypot(*np.diff(way[:, :2], axis=0).T).sum())

    def pace(to_go: Array) -> Array:
        gone = whole - to_go
        return np.minimum(np.sqrt(9.0 + 2.0 * ROLL * np.maximum(gone, 0.0)),
            fast * (1.0 + 0.5 * np.clip((gone - 4_000.0) / 8_000.0, 0.0, 1.0)))

    return way, pace, begin


def _pad(pad: Array, dice: Array, lands: bool) -> tuple[Array, Callable[[Array], Array], Array]:
    """Likewise of a helicopter to or from a pad."""
    bearing, up, fast = 2.0 * math.pi * dice[0], 150.0 + 250.0 * dice[1], 45.0 + 20.0 * dice[2]
    outwards = np.array([math.sin(bearing), math.cos(bearing)])
    near = up / math.tan(math.radians(6.0))
    way = np.array([[*(pad + 0.6 * EDGE * outwards), up], [*(pad + near * outwards), up], [*(pad + 30.0 * outwards),
        3.0], [*pad, 3.0]])
    whole = float(np.hypot(*(way[0, :2] - pad)))

    def pace(to_go: Array) -> Array:
        near_pad = to_go if lands else whole - to_go
        return np.minimum(np.sqrt(25.0 + 1.6 * np.maximum(near_pad, 0.0)), fast)

    return way if lands else way[::-1].copy(), pace, pad


def _crossing(dice: Array) -> tuple[Array, Callable[[Array], Array], Array]:
    """Likewise of one that crosses straight within five nautical miles; the place is where it is
    nearest.
    """
    course, up, fast = 2.0 * math.pi * dice[0], 600.0 + 2_900.0 * dice[1], 50.0 + 90.0 * dice[2]
    along = np.array([math.sin(course), math.cos(course)])
    near = WITHIN * (2.0 * dice[3] - 1.0) * np.array([along[1], -along[0]])
    return np.array([[*(near + s * EDGE * along), up] for s in (-1.0, 1.0)]), lambda to_go: np.full(len(to_go),
        fast), near


def _edge(bearing: float, up: float) -> Array:
    return np.array([EDGE * math.sin(bearing), EDGE * math.cos(bearing), up])


def _above(way: Array, site: Site) -> Array:
    """Points (k, 3) every STEP along way-points, kept clear of the ground away from the airport."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(way[:, :2], axis=0).T))])
    s = np.append(np.arange(0.0, length[-1] - 1.0, STEP), length[-1])
    place = np.stack([np.interp(s, length, way[:, k]) for k in range(3)], axis=1)
    ground = np.array([ground_up(site.ground, east, north) for east, north in place[:, :2]])
    away = np.clip((np.hypot(place[:, 0], place[:, 1]) - 4_000.0) / 4_000.0, 0.0, 1.0)
    place[:, 2] = np.maximum(place[:, 2], ground + CLEAR * away)
    return place


def _flown(place: Array, pace_at: Callable[[Array], Array], middle: Array) -> tuple[Array, float]:
    """Positions (n, 3) a second apart along a route as an aircraft can fly it, and how many seconds
    after the first it is nearest to a place.
    """
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(place[:, :2], axis=0).T))])
    way = steering.route(place, pace_at(length[-1] - length))
    ahead = way.place[1] - way.place[0]
    motion, index = _at_rest(way, math.atan2(ahead[0], ahead[1])), 0
    flown = [motion[:3]]
    for _ in range(LONGEST):
        motion, index = steering.follow(motion, way, index)
        flown.append(motion[:3])
        if index >= len(way.length) - 1:
            break
    out = np.array(flown)
    return out, float(np.argmin(np.hypot(out[:, 0] - middle[0], out[:, 1] - middle[1])))


def _at_rest(way: Route, course: float) -> Motion:
    """At the beginning of a route, neither turning nor climbing."""
    east, north, up = way.place[0].tolist()
    return Motion(east, north, up, course, float(way.pace[0]), 0.0, 0.0)
