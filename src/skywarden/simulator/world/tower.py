"""The scenario's tower: while the runway is closed its landing flights hold, go around or divert
and its departures wait; then they come one by one.

It obeys one word a frame, open or closed, and draws nothing. Only flights that the scenario puts
under it listen; recorded ones fly as recorded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skywarden.kernels.geometry.ground import ground_up
from skywarden.messages.truth import (
    AS_PLANNED,
    CANCELLED,
    DEPARTED,
    DIVERTED,
    HELD,
    LANDED,
    WAITS,
    WENT_AROUND,
    Movements,
)
from skywarden.simulator.scenario.model import ARRIVAL, Flight
from skywarden.simulator.world import steering, traffic
from skywarden.simulator.world.steering import Motion, Route
from skywarden.simulator.world.traffic import Path, Traffic
from skywarden.site.model import Effector, Site

Array = NDArray[Any]

REACTION = 8.0          # s at least from the tower's knowing to an aircraft's first turn: a call, a reading back, hands
FIX_S = 150.0           # s before the end of its route at which a landing flight holds: some 9 km out
CALL = 90.0             # s before its fix at which a flight is told to hold
COMMITTED = 15.0        # s before the end of its descent from which a flight lands whatever the tower says
TOUCHED = 15.0          # m above the end of a landing flight's route at which its descent has ended
LEVELS = 300.0          # m between flights that hold over one fix, 1000 ft
NEAR_FIX = 6_000.0      # m: fixes nearer than that share their levels
CIRCUIT = 300.0         # m above the runway that a flight going around climbs to before it turns
STRAIGHT_ON = 90.0      # s after going around after which a flight turns at the latest
SPACING, START_SPACING = 90.0, 60.0     # s between two landings, and between a start and any other movement
PATIENCE = 1_200.0      # s of holding after which a flight diverts, illustrative
CANCEL = 5_400.0        # s of waiting after which a departure is called off, illustrative
PUT_OFF = 5.0           # s by which a waiting start is put off again and again
HOLD_PACE = (35.0, 110.0)   # m/s
# m from the origin where a diverted flight leaves the scene, and above its hold that it leaves at
AWAY, AWAY_UP = 30_000.0, 900.0
CLEAR_OF_GROUND = 250.0 # m
DECIDED = 20.0          # s of path laid at a time


@dataclass
class _Guided:
    """One flight under the tower."""

    row: int                    # of the traffic
    flight: Flight
    planned: float              # when it lands, or starts [s]
    way: Route
    fix: int                    # point of `way` over which it holds
    middle: tuple[float, float]     # of its circle there
    radius: float
    side: int                   # clockwise 1, anticlockwise -1
    descended: float            # s before the end of its route that its descent ends
    word: int = AS_PLANNED
    since: float = math.nan     # of its holding or waiting [s]
    level: float = 0.0          # to hold at [m]
    slot: float = math.nan      # when it is to land, or start, after it had to wait [s]
    shift: float = 0.0          # s that a departure starts late, so far
    laid_shift: float = 0.0     # of it, what the traffic knows
    late: float = 0.0           # s, of one that never came
    around: bool = False
    course: float = 0.0         # straight on, going around [rad]
    turned: float = math.nan    # when its newest word takes effect [s]
    # a TICK apart, with the point of `way` come to; empty: as planned
    steps: list[tuple[Motion, int]] = field(default_factory=list)
    t: float = math.nan         # of the newest step [s]
    gone: float = math.inf      # when its steps end [s]

    @property
    def arrives(self) -> bool:
        return self.flight.tower == ARRIVAL

    @property
    def expected(self) -> float:
        """When it is to land, or start, as things stand [s]."""
        return self.planned + self.shift if not self.arrives else self.slot if math.isfinite(
            self.slot) else self.planned

    def back_to(self, when: float) -> None:
        """Take back what was laid beyond `when`."""
        del self.steps[len(self.steps) - max(round((self.t - when) / steering.TICK), 0):]
        self.t, self.turned, self.gone = when, when, math.inf

    def at(self, when: float) -> tuple[Motion, int]:
        """The step laid for `when`, or the last one."""
        return self.steps[-1 - min(max(round((self.t - when) / steering.TICK), 0), len(self.steps) - 1)]


class Tower:
    """Guides the flights under it.

    Where they are in the next `reaction` seconds is laid out and never changes, so that whoever
    looks ahead so far sees what will be: an engagement is judged when it meets its round, though
    its effect flies on.
    """

    def __init__(self, flights: Sequence[Flight], site: Site) -> None:
        self._site = site
        self.reaction = max([REACTION, *(_lasts(effector) for effector in site.effectors)])
        self._guided = [_guided(row, flight, site) for row, flight in enumerate(flights) if flight.tower]
        self._before: list[tuple[float, bool]] = []     # who used the runway last: when [s], and whether landing

    def step(self, table: Traffic, is_open: bool, now: float) -> Traffic:
        """The traffic once the tower knows at `now` whether the runway is open. The table handed in
        is not changed.

        is_open  whether the airport is open
        """
        when = math.ceil(now + self.reaction)
        for g in self._guided:
            if g.arrives and not is_open:
                self._wave_off(g, table, now, when)
        self._stack()
        self._before = [(t, landing) for t, landing in self._before if t > now - SPACING]
        taken = self._before + [(g.expected, g.arrives) for g in self._guided if g.word == AS_PLANNED]
        if is_open:
            self._call_in(taken, when)
        for g in self._guided:
            if not g.arrives:
                self._start(g, is_open, taken, now)
        changed = {g.row: self._laid(g, table, now) for g in self._guided if g.steps and math.isinf(g.gone)
            and g.t < now + self.reaction + 2.0}
        for g in self._guided:
            if g.shift != g.laid_shift:
                changed[g.row] = traffic.path(g.flight.t + g.shift, g.flight.position)
                g.laid_shift = g.shift
            if g.word == CANCELLED:
                changed[g.row] = traffic.path(np.zeros(0), np.zeros((0, 3)))
        return traffic.repathed(table, changed) if changed else table

    def told(self, now: float) -> Movements:
        """Who listens to the tower at `now`, and its word to each. Who has landed, left or been
        called off is told of once; call it once a frame.
        """
        rows = [(g, self._word(g, now)) for g in self._guided if now >= (float(g.flight.t[0]) if g.arrives
            else g.planned)]
        done = {id(g) for g, word in rows if word in (LANDED, DEPARTED, CANCELLED) or (word == DIVERTED
            and g.gone <= now)}
        self._before += [(now, g.arrives) for g, word in rows if word in (LANDED, DEPARTED)]
        self._guided = [g for g in self._guided if id(g) not in done]
        return Movements(
            np.array([g.flight.address for g, _ in rows], np.int64), np.array([g.flight.callsign.encode()[:8] for g,
                _ in rows], "S8"),
            np.array([g.arrives for g, _ in rows], np.bool_), np.array([word for _, word in rows], np.int8),
            np.array([_late(g, now) for g, _ in rows], np.float64), np.array([g.around for g, _ in rows], np.bool_))

    def _word(self, g: _Guided, now: float) -> int:
        if g.word != AS_PLANNED:
            return g.word
        if g.arrives:
            return LANDED if now >= (g.gone if g.steps else g.planned) else AS_PLANNED
        return DEPARTED if now >= g.expected else WAITS if g.shift else AS_PLANNED

    def _wave_off(self, g: _Guided, table: Traffic, now: float, when: float) -> None:
        """The runway is closed: a landing flight holds before its fix, goes around after it, unless
        it is too late; who held too long diverts.
        """
        if g.word in (HELD, WENT_AROUND) and now - g.since > PATIENCE:
            g.word, g.late = DIVERTED, now - g.since
            g.back_to(when)
        if g.word != AS_PLANNED:
            return
        motion, index = self._there(g, table, when)
        if motion is None:
            return
        left, to_fix = float(g.way.left[index]), float(g.way.left[index] - g.way.left[g.fix])
        if to_fix > CALL or left <= g.descended + COMMITTED:
            return
        if g.steps:
            g.back_to(when)
        else:
            g.steps, g.t, g.turned = [(motion, index)], when, when
        g.word, g.since, g.slot, g.course = HELD if to_fix > 0.0 else WENT_AROUND, now, math.nan, motion.course
        g.around |= to_fix <= 0.0

    def _there(self, g: _Guided, table: Traffic, when: float) -> tuple[Motion | None, int]:
        """How a flight moves at `when`, and the point of its route that it has come to; None where
        it does not fly then.
        """
        if g.steps:
            return g.at(when) if g.gone > when else (None, 0)
        here, before = (traffic.states(table, t)[g.row] for t in (when, when - 1.0))
        if not np.isfinite(here).all():
            return None, 0
        pace, course = math.hypot(here[3], here[4]), math.atan2(here[3], here[4])
        turn = steering.wrapped(course - math.atan2(before[3], before[4])) if np.isfinite(
            before).all() and pace > 1.0 else 0.0
        across = min(max(pace * turn, -steering.SIDEWAYS), steering.SIDEWAYS)
        away = np.hypot(g.way.place[:, 0] - here[0], g.way.place[:, 1] - here[1])
        return Motion(float(here[0]), float(here[1]), float(here[2]), course, pace, float(here[5]),
            across), int(np.argmin(away))

    def _stack(self) -> None:
        """Levels for those that hold: who came first is lowest, a thousand feet between two over
        one fix.
        """
        holding = self._holding()
        for k, g in enumerate(holding):
            below = sum(math.hypot(o.middle[0] - g.middle[0], o.middle[1] - g.middle[1]) < NEAR_FIX
                for o in holding[:k])
            g.level = float(g.way.place[g.fix, 2]) + LEVELS * below

    def _holding(self) -> list[_Guided]:
        return sorted((g for g in self._guided if g.word in (HELD, WENT_AROUND)), key=lambda g: (g.since, g.row))

    def _call_in(self, taken: list[tuple[float, bool]], when: float) -> None:
        """Of those that hold, the first that is low enough and for whom the runway has room leaves
        its hold and lands.
        """
        for g in self._holding():
            motion, _ = g.at(when)
            fix = g.way.place[g.fix]
            at_level = motion.up - float(fix[2]) < 0.5 * LEVELS and motion.up - float(g.way.place[-1,
                2]) > 0.5 * CIRCUIT
            lands = when + float(g.way.left[g.fix]) + math.hypot(motion.east - fix[0],
                motion.north - fix[1]) / max(motion.pace, HOLD_PACE[0])
            there = math.hypot(motion.east - g.middle[0], motion.north - g.middle[1]) < 1.5 * g.radius
            if there and at_level and all(abs(lands - other) >= (SPACING if landing else START_SPACING) for other,
                    landing in taken):
                g.back_to(when)
                g.word, g.slot = AS_PLANNED, lands
                g.steps[-1] = motion, max(g.fix - 10, 0)
                taken.append((lands, True))
                return

    def _start(self, g: _Guided, is_open: bool, taken: list[tuple[float, bool]], now: float) -> None:
        """A departure about to start is put off while the runway is closed or taken, and called off
        in the end.
        """
        left = g.planned + g.shift - now - self.reaction
        if g.word == CANCELLED or math.isfinite(g.slot) or not 0.0 < left <= 2.0 or (is_open and not g.shift):
            return
        if is_open and all(abs(g.expected - other) >= START_SPACING for other, _ in taken):
            g.word, g.slot = AS_PLANNED, g.expected
            taken.append((g.expected, False))
        elif g.shift > CANCEL:
            g.word, g.late = CANCELLED, g.shift
        else:
            g.word = WAITS
            g.shift += PUT_OFF

    def _laid(self, g: _Guided, table: Traffic, now: float) -> Path:
        """Its path so far, and what its word makes of the next while."""
        while g.t < now + self.reaction + DECIDED and math.isinf(g.gone):
            g.steps.append(self._next(g, *g.steps[-1]))
            g.t += steering.TICK
            motion, index = g.steps[-1]
            landed = g.word == AS_PLANNED and (index >= len(g.way.length) - 1 or g.t > g.slot + PATIENCE)
            if landed or (g.word == DIVERTED and math.hypot(motion.east, motion.north) > AWAY):
                g.gone = g.t
        low, high = int(table.first[g.row]), int(table.first[g.row + 1])
        begun = g.t - steering.TICK * (len(g.steps) - 1)
        kept = low + int(np.searchsorted(table.t[low:high], begun - 1e-9))
        return Path(
            np.concatenate([table.t[low:kept], begun + steering.TICK * np.arange(len(g.steps))]),
            np.concatenate([table.position[low:kept], np.array([m[:3] for m, _ in g.steps])]),
            np.concatenate([table.velocity[low:kept], np.array([steering.velocity(m) for m, _ in g.steps])]),
            np.concatenate([table.bridge[low:kept], np.zeros(len(g.steps), np.int8)]))

    def _next(self, g: _Guided, m: Motion, index: int) -> tuple[Motion, int]:
        """One TICK on, as its word says."""
        if g.word == AS_PLANNED:
            return steering.follow(m, g.way, index)
        pace = _hold_pace(g.way, g.fix)
        ahead = [(m.east + s * m.pace * math.sin(m.course), m.north + s * m.pace * math.cos(m.course))
            for s in (0.0, 20.0, 60.0)]
        floor = max(ground_up(self._site.ground, east, north) for east, north in ahead) + CLEAR_OF_GROUND
        circuit = float(g.way.place[-1, 2]) + CIRCUIT
        if g.word == WENT_AROUND and m.up < circuit and g.t - g.turned < STRAIGHT_ON:
            return steering.straight(m, g.course, max(circuit + 100.0, floor), pace), index
        if g.word == DIVERTED:
            return steering.straight(m, math.atan2(m.east, m.north), max(g.level + AWAY_UP, floor), pace), index
        return steering.circle(m, g.middle, g.radius, g.side, max(g.level, floor), pace), index


def _guided(row: int, flight: Flight, site: Site) -> _Guided:
    """A flight before its first word."""
    t, place = np.asarray(flight.t, np.float64), np.asarray(flight.position, np.float64)
    pace = np.hypot(*np.gradient(place[:, :2], t, axis=0).T)
    way = steering.route(place, pace)
    fix = max(int(np.searchsorted(-way.left, -FIX_S, side="right")) - 1, 0)
    radius = steering.radius_at(_hold_pace(way, fix))
    ahead = way.place[min(fix + 1, len(way.place) - 1), :2] - way.place[fix, :2]
    right = np.array([ahead[1], -ahead[0]]) / max(float(np.hypot(*ahead)), 1e-9) * radius
    middles = {side: way.place[fix, :2] + side * right for side in (1, -1)}
    side = min(middles, key=lambda s: (ground_up(site.ground, *middles[s]), -s))
    low = np.flatnonzero(way.place[:, 2] <= way.place[-1, 2] + TOUCHED)
    descended = float(way.left[low[0]]) if low.size else 0.0
    planned = float(t[-1] if flight.tower == ARRIVAL else t[0])
    return _Guided(row, flight, planned, way, fix, (float(middles[side][0]), float(middles[side][1])), radius, side,
        descended)


def _hold_pace(way: Route, fix: int) -> float:
    return min(max(float(way.pace[fix]), HOLD_PACE[0]), HOLD_PACE[1])


def _late(g: _Guided, now: float) -> float:
    """Seconds lost by a flight, so far or as now expected."""
    if g.word in (DIVERTED, CANCELLED):
        return g.late
    if not g.arrives:
        return g.shift
    if g.word in (HELD, WENT_AROUND):
        return now - g.since
    return (g.gone if math.isfinite(g.gone) else g.expected) - g.planned if g.steps else 0.0


def _lasts(effector: Effector) -> float:
    """How long after an order's beginning its effect can be in the air [s]."""
    return effector.engagement_s + min(effector.reach_max / effector.speed, effector.self_destruct_s)
