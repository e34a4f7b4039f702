"""Counts what a run was worth, moment by moment: what flew, what was seen, who was warned in time,
what was a false warning.

Every figure is defined in docs/models/measures.md. Truth, where there is any, is only ever read
here to score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from skywarden.kernels.geometry.polygon import distance
from skywarden.measures.decisions import Decisions
from skywarden.measures.ledger import (
    Closure,
    InboundLine,
    MovementLine,
    RemainsLine,
    RoundLine,
    Sample,
    WarningLine,
    ZoneLine,
)
from skywarden.measures.operators import Operators, causes, track_of
from skywarden.messages.frame import CAUSES, NO_ADDRESS
from skywarden.messages.moment import Moment
from skywarden.messages.picture import AIRCRAFT, CLEAR, PROJECTILE, Inbound, Tracks
from skywarden.messages.tables import Array, rows
from skywarden.messages.truth import FELL, FLYING, STOPPED, WAITING, TrueRounds, Truth
from skywarden.site.model import Site

CLOSE = 100.0               # m: a track this near a round, and nearest to it, is that round's track
HELD_FOR = 1.0              # s: for so long, and the round counts as tracked
# probability of being a projectile from which a track may count as a round's, or an aircraft's
HALF_SURE = 0.5
SURE = 0.9                  # from which a track counts among `projectiles_tracked`
NEAR_ZONE = 500.0           # m: an impact this near a zone justifies a warning of it
AROUND = 5.0                # s: impacts this long before the raise or after the all-clear still belong to the warning
SAMPLE_S = 1.0              # between samples of the prediction's error
NINETY = 4.605              # chi-squared, 2 degrees of freedom, 90 %
ALONE = 1_000.0             # m: a track further than this from everything else surely is of what it is near to
BINS = 10                   # of probability, in the reliability of kinds
FAR = 1e6                   # m, stands for "no pair" in the assignment


class _Seen(NamedTuple):
    """Where a round's track was, when it last counted as that round's."""

    since: float
    last: float


class Measures:
    """Fed moment by moment, at the end of a run or from its record.

    site        whose zones and safety distance count
    simulation  whether truth is to be expected; without it only what can be known of live data is
                counted
    classes     names of the scenario's round classes, for the ledger
    """

    def __init__(self, site: Site, simulation: bool, classes: Sequence[str] = ()) -> None:
        self._site, self._simulation, self._classes = site, simulation, tuple(classes)
        self._hull = hull(np.concatenate([z.polygon for z in site.zones])) if site.zones else np.zeros((0, 2))
        self._rounds: dict[int, RoundLine] = {}
        self._close: dict[int, _Seen] = {}
        self._warnings: list[WarningLine] = []
        self._standing: dict[int, WarningLine] = {}
        self._projectiles: set[int] = set()
        self._true_aircraft: set[tuple[int, bytes]] = set()
        self._aircraft_tracks: set[tuple[str, int]] = set()
        self._hit_at_nothing = 0
        self.operators = Operators(site)
        self.decisions = Decisions()
        self.remains: list[RemainsLine] = []
        # by probability of being a projectile: tracks seen, rounds among them, sum of probabilities
        self.reliability = np.zeros((BINS, 3))
        self._sorted_at = -math.inf
        self.looks: dict[tuple[str, bool], int] = {}        # (verdict, whether it was true): how often
        self.movements: dict[tuple[int, str], MovementLine] = {}
        self.closures: list[Closure] = []
        # by track: powered objects that were named as heading for a zone
        self.inbound: dict[int, InboundLine] = {}
        self.minutes_closed = 0.0
        self._endangered = 0
        self.nearest_aircraft = math.inf        # of all simulated engagements, truly [m]
        self._frames = self._detections = self._undecodable = self._steps = 0
        self._causes = np.zeros(len(CAUSES), np.int64)
        # detections and reports of all frames: not believed, too late, without elevation
        self._unused = np.zeros(3, np.int64)
        self.end = 0.0

    def take(self, moment: Moment) -> None:
        """Count one moment. Moments come in time order."""
        frame, picture = moment.frame, moment.picture
        self.end = frame.t
        self._frames += 1
        self._detections += rows(frame.detections)
        self._undecodable, self._steps = int(frame.inputs.undecodable.sum()), int(frame.inputs.steps.sum())
        self._causes = frame.inputs.causes.sum(axis=0)
        health = picture.health
        self._unused += (health.rejected + health.disbelieved, health.late, health.unusable)
        self._warned(moment)
        self.operators.take(moment, self._standing)
        self._believed(picture.tracks)
        self._named(picture.inbound)
        self.decisions.take(picture)
        if moment.truth is not None:
            self._true(moment, moment.truth)

    def close(self) -> None:
        """Nothing is held."""

    def summary(self) -> dict[str, Any]:
        """The figures of a whole run, keys as `run --json` gives them. What live data cannot tell
        is null or 0; see docs/models/measures.md.
        """
        lines, zones = self.ledger(), self.zone_ledger()
        due = [line for line in lines if line.zones]
        leads = [line.lead_time_s for line in due if line.lead_time_s is not None]
        raised = [w for zone in zones for w in zone.warnings if not w.manual]
        return {
            "rounds": len(lines),
            "detected": sum(line.seen_at is not None for line in lines),
            "tracked": sum(line.tracked_at is not None for line in lines),
            "warned": len(leads) if self._simulation else len(raised),
            "lead_time_s": round(float(np.median(leads)), 3) if leads else None,
            "engaged": sum(line.engagements > 0 for line in lines),
            "stopped": sum(line.outcome == STOPPED for line in lines),
            "fell_inside": sum(line.outcome == FELL and line.inside for line in lines),
            "fell_outside": sum(line.outcome == FELL and not line.inside for line in lines),
            "false_warnings": sum(bool(w.false) for w in raised) if self._simulation or not raised else None,
            "aircraft": len(self._true_aircraft) if self._simulation else len(self._aircraft_tracks),
            "projectiles_tracked": len(self._projectiles),
            "inbound": len(self.inbound),
            "aircraft_endangered": self._endangered,
            "frames": self._frames,
            "detections": self._detections,
            "undecodable": self._undecodable,
            "rejected": int(self._causes.sum()),
            "rejected_by_cause": {cause: int(count) for cause, count in zip(CAUSES, self._causes, strict=True)
                if count},
            "clock_steps": self._steps,
            "not_believed": int(self._unused[0]),
            "too_late": int(self._unused[1]),
            "unusable": int(self._unused[2]),
        }

    def ledger(self) -> list[RoundLine]:
        """One line for every round launched, in the scenario's order."""
        return [self._settled(line) for _, line in sorted(self._rounds.items())]

    def zone_ledger(self) -> list[ZoneLine]:
        """One line for every zone: what hit it, or would have, and when it was warned."""
        lines = self.ledger()
        found = []
        for index, zone in enumerate(self._site.zones):
            hits = tuple((line.number, line.t_impact) for line in lines if zone.name in line.inside_zones)
            warnings = tuple(self._judged(w, lines) for w in self._warnings if w.zone == index)
            found.append(ZoneLine(zone.name, zone.kind, zone.warn, hits, warnings))
        return found

    def warnings(self) -> list[WarningLine]:
        """One line for every warning raised, in order."""
        return list(self._warnings)

    @property
    def endangered(self) -> int:
        """Simulated engagements with an aircraft truly nearer than the policy's safety distance."""
        return self._endangered

    @property
    def engaged_nothing(self) -> int:
        """Simulated engagements at places where no round was."""
        return self._hit_at_nothing

    def _warned(self, moment: Moment) -> None:
        t, w = moment.frame.t, moment.picture.warnings
        named = set()
        for i in range(rows(w)):
            zone, action = int(w.zone[i]), int(w.action[i])
            named.add(zone)
            line = self._standing.get(zone)
            if line is None and action != CLEAR:
                line = WarningLine(zone, float(w.since[i]), None, float(w.probability[i]), float(w.peak[i]),
                    bool(w.manual[i]), None,
                                   causes(moment, zone))
                self._warnings.append(line)
                self._standing[zone] = line
            if line is not None:
                line.peak, line.manual = max(line.peak, float(w.peak[i])), line.manual and bool(w.manual[i])
                if action == CLEAR:
                    line.cleared = t
                    del self._standing[zone]
        for zone in set(self._standing) - named:      # gone without a word
            self._standing.pop(zone).cleared = t

    def _named(self, coming: Inbound) -> None:
        for track, zone, p, t, since in zip(coming.track.tolist(), coming.zone.tolist(), coming.probability.tolist(),
                coming.t.tolist(),
                                            coming.since.tolist(), strict=True):
            line = self.inbound.get(track) or InboundLine(track, since, t, (), 0.0)
            zones = line.zones if zone in line.zones else (*line.zones, zone)
            self.inbound[track] = line._replace(arrives=t if zone == zones[0] else line.arrives, zones=zones,
                peak=max(line.peak, p))

    def _believed(self, tracks: Tracks) -> None:
        if rows(tracks) == 0:
            return
        self._projectiles.update(tracks.number[tracks.kind[:, PROJECTILE] >= SURE].tolist())
        if not self._simulation:
            for i in np.flatnonzero(tracks.kind[:, AIRCRAFT] >= HALF_SURE).tolist():
                address = int(tracks.address[i])
                self._aircraft_tracks.add(("track", int(tracks.number[i])) if address == NO_ADDRESS else ("address",
                    address))

    def _true(self, moment: Moment, truth: Truth) -> None:
        self._true_aircraft.update(zip(truth.aircraft.address.tolist(), truth.aircraft.callsign.tolist(), strict=True))
        r = truth.rounds
        for i in np.flatnonzero(r.outcome != WAITING).tolist():
            number = int(r.number[i])
            line = self._rounds.get(number)
            if line is None:
                line = self._rounds[number] = self._launched(r, i)
            line.outcome = int(r.outcome[i])
            line.t_end = float(r.t_end[i]) if math.isfinite(r.t_end[i]) else None
            if line.seen_at is None and r.detected[i] > 0:
                line.seen_at = truth.t
        self._paired(moment, r)
        self._sorted(moment, truth)
        self._engaged(truth)
        self._spoken(moment)
        self._looked(moment)
        self._moved(moment, truth)

    def _moved(self, moment: Moment, truth: Truth) -> None:
        """What the runway's being closed cost, and what the scenario's tower said to whom."""
        for address, callsign, arrives, word, late, around in zip(*(column.tolist() for column in truth.movements),
                strict=True):
            name = callsign.decode(errors="replace")
            self.movements[address, name] = MovementLine(name, arrives, word, late, around)
        if moment.drill is None:
            return
        airport = moment.drill.airport
        self.minutes_closed = airport.minutes_lost
        shut = bool(self.closures) and self.closures[-1].ended is None
        if airport.runway_open:
            if shut:
                self.closures[-1] = self.closures[-1]._replace(ended=truth.t)
        elif not shut:
            self.closures.append(Closure(truth.t, None, (airport.state,)))
        elif self.closures[-1].why[-1] != airport.state:
            self.closures[-1] = self.closures[-1]._replace(why=(*self.closures[-1].why, airport.state))

    def _launched(self, r: TrueRounds, i: int) -> RoundLine:
        east, north, up = (float(x) for x in r.impact[i])
        kind = int(r.kind[i])
        line = RoundLine(int(r.number[i]), self._classes[kind] if 0 <= kind < len(self._classes) else f"class {kind}",
            float(r.t_impact[i]), (east, north, up))
        within = [zone for zone in self._site.zones if distance(zone.polygon, east, north) == 0.0]
        line.inside_zones = tuple(zone.name for zone in within)
        line.zones = tuple(zone.name for zone in within if zone.warn)
        line.inside = self._hull.shape[0] >= 3 and distance(self._hull, east, north) == 0.0
        return line

    def _paired(self, moment: Moment, r: TrueRounds) -> None:
        """Which track is which round's, now: one to one, nearest in sum, none further than CLOSE."""
        tracks, t = moment.picture.tracks, moment.frame.t
        flying = np.flatnonzero((r.outcome == FLYING) & np.isfinite(r.position).all(axis=1))
        maybe = np.flatnonzero(tracks.kind[:, PROJECTILE] >= HALF_SURE)
        if not flying.size or not maybe.size:
            return
        gap = np.linalg.norm(r.position[flying][:, None, :] - tracks.state[maybe][None, :, :3], axis=2)
        cost = np.where(gap <= CLOSE, gap, FAR)
        for a, b in zip(*linear_sum_assignment(cost), strict=True):
            if cost[a, b] <= CLOSE:
                line, row = self._rounds[int(r.number[flying[a]])], int(maybe[b])
                self._followed(moment, t, line, row, np.concatenate([r.position[flying[a]], r.velocity[flying[a]]]))

    def _sorted(self, moment: Moment, truth: Truth) -> None:
        """Once a second: how often what was believed a projectile was one. Only tracks that are
        surely of a round or an aircraft count.
        """
        t, tracks = moment.frame.t, moment.picture.tracks
        if not rows(tracks) or t - self._sorted_at < SAMPLE_S - 1e-9:
            return
        self._sorted_at = t
        truths = truth.rounds.position[np.isfinite(truth.rounds.position[:, 0])], truth.aircraft.position
        gaps = [np.linalg.norm(tracks.state[:, None, :3] - there[None], axis=2).min(axis=1, initial=np.inf)
            for there in truths]
        for is_round, own, other in ((1, gaps[0], gaps[1]), (0, gaps[1], gaps[0])):
            for p in tracks.kind[(own <= CLOSE) & (other > ALONE), PROJECTILE].tolist():
                self.reliability[min(int(p * BINS), BINS - 1)] += (1, is_round, p)

    def _followed(self, moment: Moment, t: float, line: RoundLine, row: int, state: Array) -> None:
        """A round of this true state (6,) is the one that the track of `row` follows."""
        tracks = moment.picture.tracks
        track = int(tracks.number[row])
        before = self._close.get(line.number)
        frame_s = max(self._site.policy.frame_s, 1e-3)
        since = before.since if before is not None and t - before.last <= 2.5 * frame_s else t
        self._close[line.number] = _Seen(since, t)
        if line.tracked_at is None and t - since >= HELD_FOR - 1e-9:
            line.tracked_at = t
        line.tracks.add(track)
        if moment.drill is not None:
            for clearance in moment.drill.clearances:
                if clearance.track == track:
                    if clearance.reason != line.decision:
                        line.advice.append((t, clearance.reason))
                    line.decision = clearance.reason
            if any(order.track == track for order in moment.drill.orders):
                line.orders += 1
        impacts, threats = moment.picture.impacts, moment.picture.threats
        found = np.flatnonzero(impacts.track == track)
        if line.seen_from is None:
            east, north = tracks.state[row, :2].tolist()
            line.seen_from = math.atan2(east, north) % (2.0 * math.pi), math.hypot(east, north)
        if found.size and line.first_report is None:
            people = float(threats.people[threats.track == track].sum())
            line.first_report = t, people, float(np.hypot(*(impacts.place[found[0], :2] - np.array(line.impact[:2]))))
        if found.size and (not line.samples or t - line.samples[-1].t >= SAMPLE_S - 1e-9):
            nees = _squared(state - tracks.state[row, :6], tracks.covariance[row, :6, :6])
            line.samples.append(_sample(t, line, impacts.place[found[0]], float(impacts.t[found[0]]),
                impacts.covariance[found[0]], nees))

    def _engaged(self, truth: Truth) -> None:
        e = truth.engagements
        self._endangered += int((e.nearest_aircraft < self._site.policy.safety_distance).sum())
        self.nearest_aircraft = min(self.nearest_aircraft, float(e.nearest_aircraft.min(initial=math.inf)))
        for i in range(rows(e)):
            line = self._rounds.get(int(e.round[i]))
            if line is None:
                self._hit_at_nothing += 1
            else:
                line.engagements += 1
                line.endings.append(int(e.outcome[i]))
        for number, sort, t, place in zip(*(column.tolist() for column in truth.remains), strict=True):
            zone = next((z.name for z in self._site.zones if distance(z.polygon, place[0], place[1]) == 0.0), None)
            self.remains.append(RemainsLine(number, sort, t, (place[0], place[1], place[2]), zone))

    def _spoken(self, moment: Moment) -> None:
        """What operators say about a track goes into the line of the round it follows."""
        for command in moment.frame.commands:
            for line in self._rounds.values():
                if track_of(command) in line.tracks:
                    kind = " as ".join([command.kind, *command.subject.split(" ")[1:]])     # "reclassify as aircraft"
                    line.said.append((command.t, kind, command.who))

    def _looked(self, moment: Moment) -> None:
        """Whether what the rehearsal took an engagement's outcome for was true."""
        for seen in moment.drill.assessments if moment.drill is not None else ():
            lines = [line for line in self._rounds.values() if seen.track in line.tracks]
            stopped = any(line.outcome == STOPPED for line in lines)
            key = seen.verdict, stopped
            self.looks[key] = self.looks.get(key, 0) + 1

    def _settled(self, line: RoundLine) -> RoundLine:
        """With the lead time of its warning: every warned zone it falls into, or would have, under
        warning when it fell or was stopped.
        """
        over = min(line.t_impact, line.t_end if line.t_end is not None else math.inf)
        raised = []
        index = {zone.name: i for i, zone in enumerate(self._site.zones)}
        for name in line.zones:
            standing = [w.raised for w in self._warnings if w.zone == index[name] and w.raised <= over
                and (w.cleared is None or w.cleared >= over)]
            raised.append(min(standing, default=math.inf))
        done = bool(raised) and max(raised) < math.inf
        line.warned_at = max(raised) if done else None
        line.lead_time_s = line.t_impact - max(raised) if done else None
        return line

    def _judged(self, w: WarningLine, lines: Sequence[RoundLine]) -> WarningLine:
        """With the judgement whether anything came down near enough, in its time."""
        if not self._simulation:
            return w
        polygon = self._site.zones[w.zone].polygon
        # pieces of what was intercepted come down on people too
        pieces = any(w.raised - AROUND <= p.t <= _last(w) and distance(polygon, p.place[0], p.place[1]) <= NEAR_ZONE
            for p in self.remains)
        w.false = not w.manual and not pieces and not any(
            distance(polygon, line.impact[0], line.impact[1]) <= NEAR_ZONE and _within(w, line) for line in lines)
        return w


def _within(w: WarningLine, line: RoundLine) -> bool:
    """Whether a round's impact, real or prevented, or its being stopped falls into the time of a
    warning.
    """
    times = (line.t_impact,) if line.t_end is None else (line.t_impact, line.t_end)
    return any(w.raised - AROUND <= t <= _last(w) for t in times)


def _last(w: WarningLine) -> float:
    """Until when an impact still belongs to a warning [s]."""
    return math.inf if w.cleared is None else w.cleared + AROUND


def _sample(t: float, line: RoundLine, place: Array, when: float, covariance: Array, nees: float) -> Sample:
    off = place[:2] - np.array(line.impact[:2])
    squared = _squared(off, covariance[:2, :2])
    late = (line.t_impact - when) / math.sqrt(covariance[2, 2]) if covariance[2, 2] > 0.0 else math.inf
    return Sample(t, line.t_impact - t, float(np.hypot(*off)), 0.0 <= squared <= NINETY, squared, late, nees)


def _squared(off: Array, covariance: Array) -> float:
    """An error in units of its covariance, squared; inf where that has none."""
    try:
        squared = float(off @ np.linalg.solve(covariance, off))
    except np.linalg.LinAlgError:
        return math.inf
    return squared if squared >= 0.0 else math.inf


def hull(points: Array) -> Array:
    """Corners (k, 2) of the smallest convex polygon around points (n, 2) [m], counter-clockwise;
    fewer than three where they lie on a line.

    Andrew's monotone chain.
    """
    ordered = sorted({(float(e), float(n)) for e, n in points})
    halves = []
    for sequence in (ordered, ordered[::-1]):
        chain: list[tuple[float, float]] = []
        for p in sequence:
            while len(chain) >= 2 and (chain[-1][0] - chain[-2][0]) * (p[1] - chain[-2][1]) <= (chain[-1][1]
                    - chain[-2][1]) * (p[0] - chain[-2][0]):
                chain.pop()
            chain.append(p)
        halves.append(chain[:-1])
    return np.array(halves[0] + halves[1], np.float64).reshape(-1, 2)
