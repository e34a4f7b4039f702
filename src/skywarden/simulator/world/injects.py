"""The injects of an exercise at work: which are held, due, fired and over, and what each changes in
the world.

Everything an inject needs is drawn at the start under a chance name of its own, so that firing one,
at whatever time, leaves every other draw
as it was. What happened goes into the truth (`Truth.injects`), what was said to the trainee into
the frame (`Frame.delivered`).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skywarden.kernels.ballistics.air import Air
from skywarden.messages.commands import ANSWER, SAY, Command
from skywarden.messages.frame import Aircraft, Delivered
from skywarden.messages.tables import join, take
from skywarden.messages.truth import DUE, FIRED, HELD_READY, OVER, REPLIED, Injected
from skywarden.simulator.scenario.model import Delay, Inject, Outage, Post, Scenario
from skywarden.simulator.sensing.adsb import Reports
from skywarden.simulator.sensing.chance import Chance
from skywarden.simulator.sensing.clutter import FalseAlarms, Wildlife
from skywarden.simulator.sensing.targets import GHOST, INJECT_KEY, Targets, together
from skywarden.simulator.world import rounds, traffic
from skywarden.simulator.world.rounds import Rounds
from skywarden.site.model import Site

Array = NDArray[Any]

KEYS = 100_000  # names in the draws of chance that one inject may use
BY_SCENARIO = "scenario"


@dataclass
class _Ready:
    """One inject or message and what has become of it."""

    what: Inject | Post
    row: int
    state: str = HELD_READY
    fired: float = math.inf
    number: int = 0  # of the message as delivered
    flights: Rounds | None = None  # of a raid or of ghosts, times from the firing
    looks: tuple[Array, Array] = (np.zeros(0), np.zeros(0, np.int64))  # cross-sections and fluctuation of its rounds
    first: int = 0  # row of a raid's first round in the world's table
    wildlife: Wildlife | None = None
    alarms: dict[int, FalseAlarms] = field(default_factory=dict)
    reports: Reports | None = None
    path: traffic.Traffic | None = None

    @property
    def ends(self) -> float:
        return self.fired + (self.what.lasts if isinstance(self.what, Inject) else math.inf)

    def active(self, t: float) -> bool:
        """Whether it is at work at time t."""
        return self.fired <= t < self.ends


class Injects:
    """The injects and messages of a scenario. `fire` may be called from any thread; all else
    belongs to the feed.

    held   Rounds   of all held raids, launched at inf until fired; the world appends them to its
           own
    """

    def __init__(self, scenario: Scenario, site: Site, air: Air, chance: Chance, first_round: int) -> None:
        self._site, self._chance = site, chance
        self._lock = threading.Lock()
        self._asked: list[tuple[str, str]] = []
        self._answered: list[Command] = []
        self._begun, self._delivered = False, 0
        every: tuple[Inject | Post, ...] = (*scenario.injects, *scenario.posts)
        self._ready = [_Ready(what, row) for row, what in enumerate(every)]
        parts: list[Rounds] = []
        for ready in self._ready:
            if isinstance(ready.what, Inject):
                self._draw(ready, ready.what, scenario, air)
                if ready.what.kind == "raid" and ready.flights is not None:
                    ready.first = first_round + sum(len(p.kind) for p in parts)
                    parts.append(ready.flights)
        waiting = [
            p._replace(t_launch=np.full(len(p.kind), np.inf), t_impact=np.full(len(p.kind), np.inf)) for p in parts
        ]
        self.held = rounds.joined(waiting)
        self.keys = np.concatenate(
            [
                np.zeros(0, np.int64),
                *(
                    INJECT_KEY + KEYS * r.row + np.arange(len(r.flights.kind))
                    for r in self._ready
                    if r.flights is not None and self._kind(r) == "raid"
                ),
            ]
        )

    def fire(self, name: str, who: str) -> None:
        """Have an inject fired, or a message sent, with the next frame. Raises KeyError where there
        is none of that name.

        who  name of the instructor
        """
        if not any(ready.what.name == name for ready in self._ready):
            raise KeyError(name)
        with self._lock:
            self._asked.append((name, who))

    def hear(self, commands: Sequence[Command]) -> None:
        """What people said in the frame just made: it may answer a message.

        commands  what people commanded in that frame
        """
        self._answered += [c for c in commands if c.kind in (SAY, ANSWER)]

    def step(self, t: float) -> tuple[tuple[Injected, ...], tuple[Delivered, ...]]:
        """What happens to injects by the frame at t, and what is said in it. Once a frame."""
        log: list[Injected] = []
        told: list[Delivered] = []
        if not self._begun:
            self._begun = True
            log += [self._row(ready, t, HELD_READY, "") for ready in self._ready]
        with self._lock:
            asked, self._asked = self._asked, []
        for ready in self._ready:
            who = next((by for name, by in asked if name == ready.what.name), "")
            if ready.state in (HELD_READY, DUE) and (who or (not ready.what.held and ready.what.at <= t)):
                self._fire(ready, t)
                if isinstance(ready.what, Post):
                    told.append(self._say(ready, ready.what, t))
                log.append(self._row(ready, t, FIRED, who or BY_SCENARIO))
            elif ready.state == HELD_READY and ready.what.at <= t:
                ready.state = DUE
                log.append(self._row(ready, t, DUE, BY_SCENARIO))
            elif ready.state == FIRED and t >= ready.ends:
                ready.state = OVER
                log.append(self._row(ready, t, OVER, BY_SCENARIO))
        return (*log, *self._replies(t)), tuple(told)

    def launched(self, table: Rounds) -> Rounds:
        """The world's rounds with the launches of the held raids that have been fired.

        table  the rounds
        """
        fired = [r for r in self._ready if self._kind(r) == "raid" and r.flights is not None and math.isfinite(r.fired)]
        if not fired:
            return table
        launch, impact = table.t_launch.copy(), table.t_impact.copy()
        for ready in fired:
            assert ready.flights is not None
            there = slice(ready.first, ready.first + len(ready.flights.kind))
            launch[there], impact[there] = ready.fired + ready.flights.t_launch, ready.fired + ready.flights.t_impact
        return table._replace(t_launch=launch, t_impact=impact)

    def outages(self) -> list[Outage]:
        """Radars that injects have made silent."""
        return [Outage(r.what.radar, r.fired, r.ends) for r in self._of("outage")]

    def delays(self) -> list[Delay]:
        """Radars that injects have made late."""
        return [Delay(r.what.radar, r.fired, r.ends, r.what.by) for r in self._of("delay")]

    def turned(self, radar: int, t: Array) -> Array:
        """By how much azimuths that a radar measured at times t (n,) are off [rad]."""
        off = np.zeros(len(t))
        for ready in self._of("turn"):
            if ready.what.radar == radar:
                off += np.where((t > ready.fired) & (t <= ready.ends), ready.what.turn, 0.0)
        return off

    def dead_sirens(self, t: float) -> frozenset[str]:
        """Names of the sirens that do not answer at t."""
        return frozenset(ready.what.subject for ready in self._of("siren") if ready.active(t))

    def alarms(self, radar: int, t: float) -> list[FalseAlarms]:
        """What makes false alarms at a radar on top of its own, at t."""
        return [ready.alarms[radar] for ready in self._of("clutter") if ready.active(t) and radar in ready.alarms]

    def wildlife(self, t: float) -> list[Targets]:
        """Birds and rotors of clutter injects, always the same rows; nan where they are not there.

        t  time of the frame [s]
        """
        return [_there(ready.wildlife.at(t), ready.active(t)) for ready in self._ready if ready.wildlife is not None]

    def ghosts(self, radar: int, t: float) -> Targets | None:
        """Echoes that one radar makes up, always the same rows; None where no inject has any for
        it.

        t  time of the frame [s]
        """
        found = []
        for ready in self._ready:
            if (
                self._kind(ready) == "ghosts"
                and ready.flights is not None
                and isinstance(ready.what, Inject)
                and ready.what.radar == radar
            ):
                table = ready.flights
                shown = t - ready.fired if math.isfinite(ready.fired) else -np.inf
                state = rounds.states(table, shown) if math.isfinite(shown) else np.full((len(table.kind), 6), np.nan)
                n = len(table.kind)
                section, swerling = ready.looks
                found.append(
                    Targets.plain(
                        INJECT_KEY + KEYS * ready.row + np.arange(n),
                        np.full(n, GHOST, np.int32),
                        state[:, :3],
                        state[:, 3:],
                        section,
                        swerling,
                    )
                )
        return together(found[0], *found[1:]) if found else None

    def false_reports(self, t_from: float, t_to: float, altitude: Any) -> list[Aircraft]:
        """What aircraft that do not exist say about themselves in (t_from, t_to].

        altitude   states (n, 6) -> what altimeters would read there [m]
        """
        told = []
        for ready in self._of("adsb"):
            if not ready.active(t_to) or ready.what.flight is None:
                continue
            if ready.reports is None or ready.path is None:
                flight = replace(ready.what.flight, t=ready.what.flight.t + ready.fired)
                ready.path = traffic.traffic([flight])
                ready.reports = Reports(
                    [flight], self._site.receivers, self._site.ground, self._chance, f"inject {ready.what.name} adsb"
                )
            now = traffic.states(ready.path, t_to)
            nothing = np.full((1, 6), np.nan)
            told.append(
                ready.reports.heard(t_from, t_to, traffic.states(ready.path, t_from), now, altitude(now), nothing)
            )
        return told

    def _draw(self, ready: _Ready, inject: Inject, scenario: Scenario, air: Air) -> None:
        """All that chance has to say of an inject."""
        name = f"inject {inject.name}"
        if inject.raid is not None:
            ready.flights = rounds.of_raid(
                scenario, -1, inject.raid, self._site, air, lambda k: self._chance.stream(f"{name} rounds", k)
            )
            round_class = scenario.classes[inject.raid.round_class]
            n = len(ready.flights.kind)
            ready.looks = np.full(n, round_class.cross_section), np.full(n, round_class.swerling, np.int64)
        if inject.clutter is not None:
            ready.wildlife = Wildlife(
                inject.clutter, self._site.ground, self._chance, name, INJECT_KEY + KEYS * ready.row
            )
            if inject.clutter.false_alarm_factor > 0.0:
                ready.alarms = {
                    k: FalseAlarms(radar, self._chance, inject.clutter.false_alarm_factor, f"{name} {radar.name}")
                    for k, radar in enumerate(self._site.radars)
                    if inject.radar in (-1, k)
                }

    def _fire(self, ready: _Ready, t: float) -> None:
        ready.state, ready.fired = FIRED, t

    def _say(self, ready: _Ready, post: Post, t: float) -> Delivered:
        """A message as it is delivered, under a number instead of its telling name."""
        ended = next((other for other in self._ready if other.what.name == post.ends), None)
        if ended is not None and ended.number:
            ready.number = ended.number
        else:
            self._delivered += 1
            ready.number = self._delivered
        return Delivered(
            t, f"m{ready.number}", post.sender, post.kind, post.texts, post.facts, post.answer_s, post.choices
        )

    def _replies(self, t: float) -> list[Injected]:
        """Messages that were answered in the frame before, each once."""
        heard, self._answered = self._answered, []
        log = []
        for command in heard:
            name = command.subject.split(" ")[0]
            for ready in self._ready:
                if ready.number and f"m{ready.number}" == name and ready.state == FIRED:
                    ready.state = REPLIED
                    log.append(self._row(ready, t, REPLIED, command.who))
        return log

    def _row(self, ready: _Ready, t: float, state: str, who: str) -> Injected:
        what = ready.what
        if isinstance(what, Post):
            return Injected(
                t,
                what.name,
                "message",
                state,
                who,
                what.sender,
                "true" if what.true else "false",
                what.expect,
                ready.number,
            )
        return Injected(t, what.name, what.kind, state, who, what.subject, "", "", 0)

    def _of(self, kind: str) -> list[Any]:
        """Fired injects of a kind."""
        return [r for r in self._ready if self._kind(r) == kind and math.isfinite(r.fired)]

    @staticmethod
    def _kind(ready: _Ready) -> str:
        return ready.what.kind if isinstance(ready.what, Inject) else "message"


def _there(targets: Targets, active: bool) -> Targets:
    return targets if active else targets._replace(position=np.full_like(targets.position, np.nan))


def reports_of(own: Aircraft, others: list[Aircraft]) -> Aircraft:
    """Reports of one frame together, in order of time.

    own     true reports
    others  false reports
    """
    if not others:
        return own
    told = join(own, *others)
    return take(told, np.argsort(told.t, kind="stable"))
