"""A simulated world as a feed: frames as radars and receivers would give them, with the truth
beside them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from skywarden.messages.frame import Detections, Frame, Inputs
from skywarden.messages.moment import Moment
from skywarden.messages.tables import Array
from skywarden.messages.truth import Truth
from skywarden.simulator.scenario.model import Scenario
from skywarden.simulator.sensing.adsb import Reports
from skywarden.simulator.sensing.chance import Chance
from skywarden.simulator.sensing.radar import covered
from skywarden.simulator.sensing.suite import Suite
from skywarden.simulator.sensing.targets import Targets
from skywarden.simulator.world import traffic
from skywarden.simulator.world.injects import reports_of
from skywarden.simulator.world.sirens import Sirens
from skywarden.simulator.world.world import RAIN_HEIGHT, World
from skywarden.site.model import Site

AFTER = 2.0             # s flown on after the last round is down


class Simulated:
    """A Feed that flies a scenario over a site, and a Sink that reads simulated orders and the
    runway's state out of the drills it is handed.

    seed      of all chance; None: the scenario's own
    duration  exactly so long [s]; None: the scenario's, or until the last round is down and the
              last late detection has come, if that is later
    redrawn   streams of chance that are drawn anew, see `Chance`

    The same scenario, site, seed and orders give the same bits. It flies once: iterate over it
    once. Raises ScenarioError where a raid cannot be flown.
    """

    def __init__(
        self, scenario: Scenario, site: Site, seed: int | None = None, duration: float | None = None,
        redrawn: Mapping[str, int] | None = None,
    ) -> None:
        self.scenario, self.site = scenario, site
        self.seed = scenario.seed if seed is None else seed
        self._duration = duration
        self._last: Targets | None = None       # all targets at the frame before
        self._chance = chance = Chance(self.seed, redrawn)
        self.world = World(scenario, site, chance)
        self._suite = Suite(scenario, site, self.world.wind(RAIN_HEIGHT), chance,
            self.world.injects if scenario.injects else None)
        self._sirens = Sirens(scenario.sirens, site, chance) if scenario.sirens else None
        self._reports = Reports(self.world.flights, site.receivers, site.ground, chance)

    @property
    def streams(self) -> tuple[str, ...]:
        """Names of the streams of chance that this run draws from, each of which can be drawn anew
        by itself.
        """
        single = [f"{name}:{number}" for name in ("rounds", "kill") for number in range(len(self.world.rounds.kind))]
        return tuple(sorted({*self._chance.names, *single} - {"rounds", "kill"}))

    def __iter__(self) -> Iterator[tuple[Frame, Truth]]:
        step = self.site.policy.frame_s
        number = 0
        while not self._over(number * step):
            yield self._frame(number, (number - 1) * step, number * step)
            number += 1

    def fire(self, name: str, who: str) -> None:
        """Fire an inject, or send a message, with the next frame; from any thread. Raises KeyError.

        name  name of the inject or message
        who   name of the instructor
        """
        self.world.injects.fire(name, who)

    def take(self, moment: Moment) -> None:
        """Let the world act on the orders of a drill, its tower on the runway's state, its sirens
        on warnings; answers to messages are noted.

        moment  frame, picture, and what else a sink of this kind may see
        """
        self.world.injects.hear(moment.frame.commands)
        if self._sirens is not None:
            self._sirens.warn(moment.frame.t, moment.picture.warnings, self.world.injects.dead_sirens(moment.frame.t))
        if moment.drill is not None:
            if moment.drill.orders:
                self.world.order(moment.drill.orders, moment.picture.tracks, moment.picture.t)
            self.world.runway(moment.drill.airport.runway_open, moment.picture.t)

    def close(self) -> None:
        """Nothing stays open."""

    def _over(self, t: float) -> bool:
        if self._duration is not None:
            return t > self._duration + 1e-9
        return t > max(self.scenario.duration, self.world.last_impact + AFTER) + 1e-9 and not self._suite.waiting

    def _frame(self, number: int, t_from: float, t_to: float) -> tuple[Frame, Truth]:
        """What came in between two frames, and what was true at the second."""
        world = self.world
        log, told = world.step(t_to)
        engagements, remains = world.engage(t_to)
        begin = max(t_from, 0.0) if number else 0.0
        before = self._last if self._last is not None else world.targets(begin)
        now = self._last = world.targets(t_to)
        plots, radars = self._suite.frame(number, begin if number else -math.inf, t_to, before, now, world.targets)
        craft = traffic.states(world.traffic, t_to)
        reports = self._reports.heard(begin, t_to, traffic.states(world.traffic, begin), craft,
            world.pressure_altitude(craft), world.claims(t_to))
        reports = reports_of(reports, world.injects.false_reports(begin, t_to, world.pressure_altitude))
        commands = tuple(sorted((c for c in self.scenario.operator if (begin < c.t <= t_to
            or (number == 0 and c.t <= 0.0))), key=lambda c: c.t))
        frame = Frame(t_to, Detections(*plots.detections), reports, self.site.weather, commands, radars, Inputs.none(),
            0.0, delivered=told)
        if self._sirens is not None:
            channels, receipts = self._sirens.report(t_to, world.injects.dead_sirens(t_to))
            frame = frame._replace(channels=channels, receipts=receipts)
        flying = world.true_rounds(t_to, self._visible(t_to, now.position), plots.origin)
        truth = Truth(t_to, flying, world.true_aircraft(t_to), engagements, plots.origin, remains,
            world.movements(t_to), log)
        return frame, truth

    def _visible(self, t: float, position: Array) -> Array:
        """Which rounds a working radar could detect at t."""
        n = len(self.world.rounds.kind)
        position = np.ascontiguousarray(position[:n])
        seen = np.zeros(n, np.bool_)
        for k, radar in enumerate(self.site.radars):
            if n and not radar.mode_s and self._suite.working(k, t):
                seen |= covered(radar, self.site.ground, position)
        return seen
