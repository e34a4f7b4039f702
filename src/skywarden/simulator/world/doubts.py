"""What makes a scenario without fault another than its writer meant: said by `check` and at the
start of a run, never refused.
"""

from __future__ import annotations

import math

import numpy as np

from skywarden.simulator.scenario.model import Scenario
from skywarden.simulator.world.world import World


def doubts(scenario: Scenario, world: World, until: float = math.inf) -> tuple[str, ...]:
    """Raids that come after the end, a sentence each; nothing where all is well.

    until     when the run is cut off [s], as by --duration; else it goes on until the last round is
              down
    scenario  the scenario as it was read
    world     the simulated world
    """
    said = []
    for row, raid in enumerate(scenario.raids):
        fired = world.rounds.t_launch[world.rounds.raid == row]
        begins, late = f'raid "{raid.name}" begins at {fired.min():.0f} s', int(np.sum(fired >= until))
        if late == len(fired):
            said.append(f"{begins}, and the run is cut off at {until:g} s: it never happens")
        elif late:
            said.append(f"{begins}, and the run is cut off at {until:g} s: {late} of its {len(fired)} rounds are never "
                "fired")
        elif fired.min() >= scenario.duration:
            said.append(f"{begins}, after the end (duration_s {scenario.duration:g}): the run goes on until its last "
                "round is down")
    return tuple(said)
