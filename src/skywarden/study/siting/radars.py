"""What a radar would see of the rounds that fly, from each candidate place: the columns of a
covering problem, and never a map.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from skywarden.feeds.simulated import Simulated
from skywarden.kernels.geometry.ground import ground_up
from skywarden.messages.tables import Array
from skywarden.simulator.scenario.model import Scenario
from skywarden.simulator.sensing.radar import covered
from skywarden.simulator.world import rounds
from skywarden.site.model import Radar, Site

STEP = 1.0  # s between samples of a flight


def flight_points(scenarios: Iterable[Scenario], site: Site, seeds: Iterable[int]) -> Array:
    """Where rounds are, second by second, of all scenarios and seeds pooled (n, 3) [m]. For
    coverage only; it is given out nowhere.

    site  the site as its defender declared it
    """
    found = []
    drawn = tuple(seeds)
    for scenario in scenarios:
        for seed in drawn:
            table = Simulated(scenario, site, seed=seed).world.rounds
            if not len(table.kind):
                continue
            for t in np.arange(float(table.t_launch.min()), float(table.t_impact.max()), STEP):
                states = rounds.states(table, float(t))
                found.append(states[np.isfinite(states[:, 0]), :3])
    return np.concatenate(found) if found else np.zeros((0, 3))


def covers(radar: Radar, height: float, places: Array, site: Site, points: Array) -> Array:
    """Which points a radar of this kind would see from each place, over the terrain:
    (p, k) bool.

    places   (p, 2) east, north [m]
    height   of its antenna above the ground [m]
    site     the site as its defender declared it
    """
    made = np.zeros((len(places), len(points)), np.bool_)
    for k, (east, north) in enumerate(places):
        place = np.array([east, north, ground_up(site.ground, float(east), float(north)) + height])
        made[k] = covered(replace(radar, place=place), site.ground, points)
    return made


def already(site: Site, points: Array) -> Array:
    """How many radars that stand and see rounds at all see each point, (n,).

    site    the site as its defender declared it
    points  (n, 3) east, north, up [m]
    """
    seen = np.zeros(len(points), np.int64)
    for radar in site.radars:
        if not radar.mode_s:
            seen += covered(radar, site.ground, points)
    return seen
