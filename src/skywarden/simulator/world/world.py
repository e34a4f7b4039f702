"""The simulated world as a whole: what is where at any time, and what simulated orders do to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.drill import Order
from skywarden.messages.frame import NO_ADDRESS, Delivered
from skywarden.messages.picture import Tracks
from skywarden.messages.tables import join
from skywarden.messages.truth import (
    FELL,
    FLYING,
    STOPPED,
    WAITING,
    Engagements,
    Injected,
    Movements,
    Remains,
    TrueAircraft,
    TrueRounds,
)
from skywarden.simulator.scenario.model import Scenario
from skywarden.simulator.sensing.chance import Chance
from skywarden.simulator.sensing.clutter import Wildlife
from skywarden.simulator.sensing.targets import AIRCRAFT_KEY, FIRST_AIRCRAFT, Targets, together
from skywarden.simulator.world import debris, engagement, flow, rounds, traffic
from skywarden.simulator.world.air import Altimeter, true_air
from skywarden.simulator.world.injects import Injects
from skywarden.simulator.world.tower import Tower
from skywarden.site.model import Site

Array = NDArray[Any]

RAIN_HEIGHT = 1_500.0       # m; rain drifts with the wind at this height
AIRCRAFT_SWERLING = 1


class World:
    """Everything true of one run. Rounds are fixed from the start; orders can only take them away,
    and leave pieces. Traffic is, but for the tower's word.
    """

    def __init__(self, scenario: Scenario, site: Site, chance: Chance) -> None:
        self.site = site
        self.air = true_air(site.air, scenario.weather, chance)
        drawn = rounds.draw(scenario, site, self.air, chance)
        self.injects = Injects(scenario, site, self.air, chance, len(drawn.kind))
        self.rounds = rounds.joined([drawn, self.injects.held])
        self._keys = np.concatenate([np.arange(len(drawn.kind)), self.injects.keys])
        self.flights = (*scenario.flights, *flow.drawn(scenario, site, chance))
        self.traffic = traffic.traffic(self.flights)
        self._gaps = [f.gap for f in self.flights]
        self._tower = Tower(self.flights, site)
        self._said = traffic.traffic([replace(f, t=f.said_t, position=f.said) for f in self.flights])
        self.wildlife = Wildlife(scenario.clutter, site.ground, chance)
        self._altimeter = Altimeter(self.air)
        self._luck = chance.keyed("kill")
        self._scenario, self._debris, self._scatter, self._pieces = scenario, debris.none(), chance.keyed("debris"), 0
        self._armed = bool(site.effectors)
        self._pending: list[engagement.Pending] = []
        n = len(self.rounds.kind)
        self.t_stopped, self._shots = np.full(n, np.inf), np.zeros(n, np.int64)
        self._seen, self._detected = np.zeros(n, np.bool_), np.zeros(n, np.int32)
        classes = [scenario.classes[k] for k in self.rounds.kind]
        self._section, self._swerling = np.array([c.cross_section for c in classes]), np.array([c.swerling
            for c in classes], np.int64)

    @property
    def last_impact(self) -> float:
        """When the last round is down, whatever is stopped [s]; -inf without rounds."""
        down = self.rounds.t_impact
        return float(down[np.isfinite(down)].max(initial=-np.inf))      # what is held comes down at no time yet

    def step(self, t: float) -> tuple[tuple[Injected, ...], tuple[Delivered, ...]]:
        """What happens to injects by t, and what is said to people. Once a frame, before anything
        else of it.
        """
        log, told = self.injects.step(t)
        if log:
            self.rounds = self.injects.launched(self.rounds)
        return log, told

    def wind(self, up: float) -> Array:
        """True wind (2,) at a height [m/s].

        up  height above the site's origin [m]
        """
        return np.array([np.interp(up, self.air.wind_up, self.air.wind[:, k]) for k in (0, 1)])

    def order(self, orders: tuple[Order, ...], tracks: Tracks, now: float) -> None:
        """Take note of simulated orders; they have their effect in their time.

        tracks  the picture's tracks
        now     time of the frame [s]
        """
        self._pending += [engagement.pending(o, tracks, now, self.rounds, self.t_stopped, self.site) for o in orders]

    def runway(self, is_open: bool, now: float) -> None:
        """Let the tower know whether the runway is open; flights under it do as it says, some
        seconds later.

        is_open  whether the airport is open
        now      time of the frame [s]
        """
        self.traffic = self._tower.step(self.traffic, is_open, now)

    def movements(self, t: float) -> Movements:
        """What the tower has said to whom, for the record. Once a frame.

        t  time of the frame [s]
        """
        return self._tower.told(t)

    def engage(self, t: float) -> tuple[Engagements, Remains]:
        """Decide every engagement due by t, and what comes down after it."""
        due = [p for p in self._pending if p.t <= t]
        self._pending = [p for p in self._pending if p.t > t]
        done, self.t_stopped, self._shots = engagement.adjudicate(
            due, self.rounds, self.t_stopped, self.traffic, self.site, self._luck, self._shots)
        remains = Remains.none()
        for k in range(len(done.t)):
            number, met = int(done.round[k]), float(done.t[k])
            there = rounds.states(self.rounds, met)[number] if number >= 0 else np.concatenate([done.place[k],
                np.zeros(3)])
            if not np.isfinite(there).all():
                continue
            kind = int(self.rounds.kind[number]) if number >= 0 else -1
            new, fallen = debris.left_by(
                int(done.outcome[k]), number, kind, met, there, self.site.effectors[int(done.effector[k])],
                self._pieces, self._scenario, self.site, self.air,
                self._scatter)
            self._debris = debris.joined(self._debris, new, t)
            self._pieces += debris.KEYS
            remains = join(remains, fallen)
        return done, remains

    def targets(self, t: float) -> Targets:
        """Everything a radar might see at time t, always the same rows."""
        shells = self._states(t)
        craft = traffic.states(self.traffic, t)
        n, m = len(shells), len(craft)
        own = Targets.plain(self._keys, np.arange(n), shells[:, :3], shells[:, 3:], self._section, self._swerling)
        there = Targets.plain(
            AIRCRAFT_KEY + np.arange(m), FIRST_AIRCRAFT - np.arange(m), craft[:, :3], craft[:, 3:],
            self.traffic.cross_section,
            np.full(m, AIRCRAFT_SWERLING))
        silent = np.array([any(a <= t < b for a, b in gaps) for gaps in self._gaps], np.bool_)
        there = there._replace(
            address=np.where(self.traffic.transponder & ~silent, self.traffic.address, NO_ADDRESS),
            pressure_altitude=self.pressure_altitude(craft))
        pieces = (debris.seen(self._debris, t),) if self._armed else ()
        return together(own, there, self.wildlife.at(t), *pieces, *self.injects.wildlife(t))

    def claims(self, t: float) -> Array:
        """Where recorded broadcasts say aircraft are at t, (flights, 6) [m], [m/s]; nan where there
        is none, or it was silent.
        """
        claim = traffic.states(self._said, t)
        claim[~traffic.spoken(self._said, t)] = np.nan
        return claim

    def pressure_altitude(self, states: Array) -> Array:
        """What altimeters read at states (n, 6) [m]; nan where nothing is."""
        out = np.full(len(states), np.nan)
        there = np.isfinite(states[:, 2])
        out[there] = self._altimeter.read(states[there, :3])
        return out

    def true_rounds(self, t: float, visible: Array, origin: Array) -> TrueRounds:
        """The rounds at t for the record.

        visible  (n,) bool: some working radar could detect it now. Before it first could, no record
                 may tell where a round is:
                 a flight's beginning is nobody's business
        origin   (k,) of this frame's detections
        """
        self._seen |= visible
        mine = origin[origin >= 0]
        self._detected += np.bincount(mine, minlength=len(self._detected)).astype(np.int32)
        state = self._states(t)
        state[~self._seen] = np.nan
        table = self.rounds
        stopped, fell = self.t_stopped <= t, table.t_impact <= t
        outcome = np.where(stopped, STOPPED, np.where(fell, FELL, np.where(t >= table.t_launch, FLYING,
            WAITING))).astype(np.int8)
        end = np.where(stopped, self.t_stopped, np.where(fell, table.t_impact, np.nan))
        return TrueRounds(
            np.arange(len(end), dtype=np.int32), table.kind.copy(), outcome, state[:, :3].copy(), state[:, 3:].copy(),
            visible, self._detected.copy(),
            table.t_impact.copy(), table.impact.copy(), end)

    def true_aircraft(self, t: float) -> TrueAircraft:
        """The aircraft flying at t."""
        state = traffic.states(self.traffic, t)
        on = np.isfinite(state[:, 0])
        return TrueAircraft(
            self.traffic.address[on], self.traffic.callsign[on], state[on, :3].copy(), state[on, 3:].copy(),
            self.traffic.transponder[on])

    def _states(self, t: float) -> Array:
        state = rounds.states(self.rounds, t)
        state[t >= self.t_stopped] = np.nan
        return state
