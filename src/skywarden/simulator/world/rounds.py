"""Every round of a scenario, drawn by how it comes down and flown backwards to where it may have
come from.

A round's impact is drawn (place, angle, speed, approach), the flight is run backwards through the
true air, and it is kept when it happens to end inside the launch area. Nothing here or anywhere
else solves for a launch direction.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.errors import Fault, ScenarioError
from skywarden.kernels.ballistics.air import Air
from skywarden.kernels.ballistics.path import Path, fly, state_at
from skywarden.kernels.geometry.ground import ground_up
from skywarden.kernels.geometry.polygon import inside
from skywarden.simulator.scenario.model import Raid, Scenario, Span
from skywarden.simulator.sensing.chance import Chance
from skywarden.site.model import Site

Array = NDArray[Any]

TRIES = 3000            # draws of an impact before a raid is called impossible
# s between the kept points of a flight; between them a cubic, within 0.1 m even where a motor stops
STEP = 0.05
TOLERANCE = 1e-7        # of the backward flight; a few centimetres
LONGEST = 200.0         # s of flight
# speeds at impact that are tried where a raid is impossible [m/s], the bounds of `fall_speed_mps`
SPEEDS = 30.0, 900.0
MOST_SIGMAS = 3.0       # spreads of a class are cut off here
# approach bearings are drawn this much wider than the launch area looks, for wind and drift
SPREAD_BESIDE = math.radians(2.0)


class Rounds(NamedTuple):
    """The flights of all rounds, ready to be asked where they are. One row a round; points of all
    flights one after the other.
    """

    kind: Array         # (n,) int32    row of `Scenario.classes`
    raid: Array         # (n,) int32    row of `Scenario.raids`; -1 an inject's
    t_launch: Array     # (n,) float64  [s]
    t_impact: Array     # (n,) float64  [s]
    impact: Array       # (n, 3) float64 [m]
    first: Array        # (n + 1,) int64 row of `points` where each flight begins
    points: Array       # (k, 6) float64 states, evenly spaced from launch to impact


def draw(scenario: Scenario, site: Site, air: Air, chance: Chance) -> Rounds:
    """Draw and fly every round. Raises ScenarioError where no draw of a raid ever comes from its
    launch area.

    scenario  the scenario as it was read
    site      the site as its defender declared it
    air       density, speed of sound and wind over height
    chance    the named streams of random numbers
    """
    parts, before = [], 0
    for row, raid in enumerate(scenario.raids):
        parts.append(of_raid(scenario, row, raid, site, air, lambda k, n=before: chance.stream("rounds", n + k)))  # type: ignore[misc]
        before += raid.count
    return joined(parts)


def of_raid(
    scenario: Scenario, row: int, raid: Raid, site: Site, air: Air, luck: Callable[[int], np.random.Generator],
) -> Rounds:
    """The rounds of one raid.

    row       of `Scenario.raids`; -1 for a raid that is none of these
    luck      the chance of its k-th round
    scenario  the scenario as it was read
    site      the site as its defender declared it
    air       density, speed of sound and wind over height

    Raises ScenarioError where no draw ever comes from its launch area.
    """
    launches, ends, impacts, points = [], [], [], []
    t = raid.start
    for k in range(raid.count):
        own = luck(k)
        if k:
            t += float(own.uniform(*raid.interval))
        path = _one(scenario, row, raid, site, air, own)
        duration = -float(path.t[-1])
        n = max(math.ceil(duration / STEP), 1) + 1
        # state_at knows the path by its own, falling times
        points.append(state_at(path, np.linspace(float(path.t[-1]), 0.0, n)))
        launches.append(t)
        ends.append(t + duration)
        impacts.append(path.state[0, :3])
    n = raid.count
    first = np.concatenate([[0], np.cumsum([len(p) for p in points])]).astype(np.int64)
    return Rounds(
        np.full(n, raid.round_class, np.int32), np.full(n, row, np.int32), np.array(launches), np.array(ends),
        np.array(impacts), first, np.concatenate(points))


def joined(parts: Sequence[Rounds]) -> Rounds:
    """Several tables as one, their rows one after the other.

    parts  the tables
    """
    if not parts:
        return Rounds(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0), np.zeros(0), np.zeros((0, 3)),
            np.zeros(1, np.int64), np.zeros((0, 6)))
    lengths = np.concatenate([np.diff(part.first) for part in parts])
    kind, raid, launch, impact, place, points = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("kind", "raid", "t_launch", "t_impact", "impact", "points"))
    return Rounds(kind, raid, launch, impact, place, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), points)


def states(rounds: Rounds, t: float) -> Array:
    """State of every round at time t, (n, 6) position [m] and velocity [m/s]; nan before its launch
    and after its impact.

    rounds  true rounds
    """
    return _states(rounds.t_launch, rounds.t_impact, rounds.first, rounds.points, t)


def _one(scenario: Scenario, row: int, raid: Raid, site: Site, air: Air, draw: np.random.Generator) -> Path:
    """One accepted backward flight of a raid."""
    path, reached = _tried(scenario, raid, site, air, draw, TRIES)
    if path is None:
        raise ScenarioError(_impossible(scenario, row, raid, site, air, reached))
    return path


def _tried(
    scenario: Scenario, raid: Raid, site: Site, air: Air, draw: np.random.Generator, tries: int
) -> tuple[Path | None, list[float]]:
    """The first of so many draws that comes from the launch area, None where none does; and how far
    away the others came from [m].
    """
    kind = scenario.classes[raid.round_class]

    def spread(mean: float, relative: float) -> float:
        return mean * (1.0 + relative * float(np.clip(draw.standard_normal(), -MOST_SIGMAS, MOST_SIGMAS)))

    reached: list[float] = []
    for _ in range(tries):
        # drawn anew each time: a round with rare drag may be unable to fly from there to here at all
        coefficient, burn = spread(kind.coefficient, kind.spread), spread(kind.burn_acceleration, kind.burn_spread)
        start = _impact(raid, site, draw)
        path = fly(
            start, kind.law, 1.0 / coefficient, site.ground, scenario.drags, air, site.earth, LONGEST, TOLERANCE,
            forward=False,
            burn_acceleration=burn, burn_out_height=kind.burn_out_height, drift=kind.drift)
        if not path.landed:
            continue
        end = path.state[-1]
        if inside(raid.launch.polygon, end[0], end[1]):
            return path, reached
        reached.append(math.hypot(end[0] - start[0], end[1] - start[1]))
    return None, reached


def _impact(raid: Raid, site: Site, draw: np.random.Generator) -> Array:
    """A drawn state at impact (6,): somewhere in the fall area, coming from about where the launch
    area is.
    """
    east, north = _place_in(raid.fall.polygon, draw)
    corners = raid.launch.polygon
    middle = corners.mean(axis=0)
    towards = math.atan2(middle[0] - east, middle[1] - north)
    off = [_wrapped(math.atan2(c[0] - east, c[1] - north) - towards) for c in corners]
    bearing = towards + float(draw.uniform(min(off) - SPREAD_BESIDE, max(off) + SPREAD_BESIDE))
    angle, speed = float(draw.uniform(*raid.fall_angle)), float(draw.uniform(*raid.fall_speed))
    level = speed * math.cos(angle)
    return np.array([east, north, ground_up(site.ground, east, north), -level * math.sin(bearing),
        -level * math.cos(bearing), -speed * math.sin(angle)])


def _place_in(polygon: Array, draw: np.random.Generator) -> tuple[float, float]:
    """A uniformly drawn place inside a polygon; its middle corner where none is found (an area
    without surface).
    """
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    for _ in range(1000):
        place = draw.uniform(low, high)
        if inside(polygon, place[0], place[1]):
            return float(place[0]), float(place[1])
    return float(polygon[:, 0].mean()), float(polygon[:, 1].mean())


def _wrapped(angle: float) -> float:
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


def _fitting(scenario: Scenario, raid: Raid, site: Site, air: Air) -> Span | None:
    """Speeds at impact [m/s] with which rounds at the declared angles do come from the launch area;
    None where none do.

    Like everything here, only rounds as they come down are drawn: speeds are tried, and how far
    away each came from is read off.
    """
    draw = np.random.default_rng(0)
    launch, fall = raid.launch.polygon, raid.fall.polygon.mean(axis=0)
    away = np.hypot(*(launch - fall).T)
    still = np.array([inside(launch, fall[0], fall[1])])
    nearest, farthest = (0.0 if still.any() else float(away.min())), float(away.max())
    speeds = np.geomspace(*SPEEDS, 24)
    fit: list[float] = []
    for angle in raid.fall_angle:
        distance = np.full(len(speeds), np.nan)
        for k, speed in enumerate(speeds):
            path, reached = _tried(scenario, replace(raid, fall_angle=(angle, angle), fall_speed=(speed, speed)), site,
                air, draw, 3)
            ends = path.state[[0, -1], :2] if path is not None else None
            distance[k] = math.hypot(*(ends[1] - ends[0])) if ends is not None else np.mean(
                reached) if reached else np.nan
        known = np.isfinite(distance)
        fit += speeds[known & (distance >= nearest) & (distance <= farthest)].tolist()
        if known.sum() > 1 and distance[known].min() < farthest and distance[known].max() > nearest:
            fit += np.interp([max(nearest, distance[known].min()), min(farthest, distance[known].max())],
                distance[known], speeds[known]).tolist()
    if not fit:
        return None
    span = (max(SPEEDS[0], math.floor(min(fit) / 5.0) * 5.0), min(SPEEDS[1], math.ceil(max(fit) / 5.0) * 5.0))
    path, _ = _tried(scenario, replace(raid, fall_speed=span), site, air, draw, TRIES // 3)
    return span if path is not None else None


def _impossible(scenario: Scenario, row: int, raid: Raid, site: Site, air: Air, reached: list[float]) -> Fault:
    middle, fall = raid.launch.polygon.mean(axis=0), raid.fall.polygon.mean(axis=0)
    apart = math.hypot(*(middle - fall))
    fit = _fitting(scenario, raid, site, air)
    do = (f"fall_speed_mps = [{fit[0]:.0f}, {fit[1]:.0f}] would fit these angles and areas; or move or enlarge the "
        "launch area." if fit else
          "No speed fits these angles and areas: widen fall_angle_deg, choose another class, or move or enlarge the "
          "launch area.")
    ranges = (f"came from {min(reached):.0f} to {max(reached):.0f} m away" if reached
        else f"were still up after {LONGEST:.0f} s")
    return Fault(
        f'scenario "{scenario.name}"', None,
        f'{f"raid {row + 1}" if row >= 0 else "inject"} "{raid.name}": in {TRIES} draws no '
        f'{scenario.classes[raid.round_class].name} that falls on '
        f'"{raid.fall.name}" at '
        f"{math.degrees(raid.fall_angle[0]):.0f}-{math.degrees(raid.fall_angle[1]):.0f} degrees and "
        f"{raid.fall_speed[0]:.0f}-{raid.fall_speed[1]:.0f} m/s "
        f'came from "{raid.launch.name}", whose middle is {apart:.0f} m from there; they {ranges}',
        do)


@njit(cache=True, error_model="numpy")
def _states(t_launch: Array, t_impact: Array, first: Array, points: Array, t: float) -> Array:
    """Cubics through position and velocity of the neighbouring points."""
    n = t_launch.shape[0]
    out = np.full((n, 6), np.nan)
    for i in range(n):
        if not t_launch[i] <= t < t_impact[i]:
            continue
        last = first[i + 1] - first[i] - 1
        h = (t_impact[i] - t_launch[i]) / last
        k = min(int((t - t_launch[i]) / h), last - 1)
        s = (t - t_launch[i]) / h - k
        a, b = first[i] + k, first[i] + k + 1
        for j in range(3):
            p0, p1, m0, m1 = points[a, j], points[b, j], h * points[a, 3 + j], h * points[b, 3 + j]
            c2, c3 = 3.0 * (p1 - p0) - 2.0 * m0 - m1, 2.0 * (p0 - p1) + m0 + m1
            out[i, j] = p0 + s * (m0 + s * (c2 + s * c3))
            out[i, 3 + j] = (m0 + s * (2.0 * c2 + 3.0 * s * c3)) / h
    return out
