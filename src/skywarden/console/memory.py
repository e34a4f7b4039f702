"""What the console remembers from one moment to the next because no single frame holds it:
acknowledgements, call signs, the list of events.

Everything here is read out of frames and pictures, so a replay of the same record builds the same
memory.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from skywarden.console.requests import number, track_number
from skywarden.console.shown import Shown, shown
from skywarden.measures.watch import Watch
from skywarden.messages import commands
from skywarden.messages.commands import Command
from skywarden.messages.drill import Assessment, Order
from skywarden.messages.frame import NO_ADDRESS, Aircraft, Delivered
from skywarden.messages.moment import Moment
from skywarden.messages.picture import CLEAR, COMING, REASONS, STAGE_NAMES, Inbound, Picture, Warnings
from skywarden.site.model import Site

MOST_EVENTS = 5000      # kept for the list of events; older ones are in the record
MOST_MESSAGES = 20      # newest messages shown
ENDED = "end"           # kind of a message that ends another one
MOST_ORDERS = 60        # newest simulated orders shown
MOST_JUDGED = 500       # newest marks of tracks remembered
RADAR_WORDS = ("working", "silent", "doubtful", "late", "misaligned", "astray: direction unknown")
# how bad a warning is: nothing is expected any more; something is; it is sure, or too near to reach shelter
STANDING, EXPECTED, IMMINENT = 0, 1, 2
SURE = 0.8              # probability from which a danger is called sure


class Claim(NamedTuple):
    """The newest report of an aircraft about itself."""

    t: float
    address: int
    callsign: str
    place: tuple[float, float, float]
    nic: int


@dataclass
class Mark:
    """What people did about the warning of one zone."""

    since: float = float("nan")
    alarm_by: str = ""
    alarm_why: str = ""
    seen_by: str = ""
    seen_t: float | None = None
    shelved_until: float | None = None
    shelved_by: str = ""
    shelved_why: str = ""
    shelved_stage: int = STANDING   # how bad it was then
    stage: int = STANDING
    back: str = ""                  # why it came back from the shelf: "worse" or "time"


class Held(NamedTuple):
    """A hold of simulated engagements: of what, by whom, and why where they said so."""

    what: str
    who: str
    why: str
    t: float


class Judged(NamedTuple):
    """What somebody says a track is."""

    kind: str
    who: str
    why: str
    t: float


@dataclass
class Memory:
    """Fed every moment in order by `see`; read by the views. Belongs to one thread at a time."""

    site: Site
    forget_s: float = 60.0      # a claim older than this is no longer shown [s]
    t: float = 0.0              # of the newest moment [s]
    frames: int = 0
    step_s: float = float("nan")
    last_event: int = 0
    events: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MOST_EVENTS))
    claims: dict[int, Claim] = field(default_factory=dict)
    marks: dict[int, Mark] = field(default_factory=dict)
    judged: dict[int, Judged] = field(default_factory=dict)
    consents: dict[int, list[str]] = field(default_factory=dict)
    holds: dict[str, Held] = field(default_factory=dict)
    orders: deque[tuple[float, Order]] = field(default_factory=lambda: deque(maxlen=MOST_ORDERS))
    looks: deque[tuple[float, Assessment]] = field(default_factory=lambda: deque(maxlen=MOST_ORDERS))
    _radars: tuple[int, ...] = ()
    _standing: dict[int, float] = field(default_factory=dict)
    _stages: dict[int, tuple[int, int]] = field(default_factory=dict)
    _alerted: frozenset[int] = frozenset()
    # tracks that were named as heading for a zone, and when last [s]
    coming: dict[int, float] = field(default_factory=dict)
    watch: Watch = field(default_factory=Watch)
    delivered: deque[Delivered] = field(default_factory=lambda: deque(maxlen=MOST_MESSAGES))

    def see(self, moment: Moment | Shown) -> None:
        """One moment on. Costs microseconds: it runs in the session's own loop."""
        seen = shown(moment)
        t, picture, drill = seen.t, seen.picture, seen.drill
        self.t, self.frames = t, self.frames + 1
        self._hear(seen.aircraft)
        self._warned(t, picture.warnings)
        self._staged(t, picture)
        for message in seen.delivered:
            self._hear_message(message)
        for command in seen.commands:
            self._told(t, command)
        self.watch = self.watch.after(t, picture, drill, seen.commands, seen.channels, self.site)
        self._unshelve(t)
        self._come(t, picture.inbound)
        self._watch_radars(t, tuple(picture.health.radars.tolist()))
        if drill is not None:
            for order in drill.orders:
                self.orders.append((round(t, 2), order))
                self.note(t, "order", zone=None, text=f"{order.track} {self.site.effectors[order.effector].name}")

            for look in drill.assessments:
                self.looks.append((round(t, 2), look))
                self.note(t, "look", zone=None, text=f"{look.track} {self.site.effectors[look.effector].name}",
                    why=look.verdict)

    def copy(self) -> Memory:
        """A snapshot that another thread may read while this one goes on."""
        return replace(
            self, events=self.events.copy(), claims=self.claims.copy(), judged=self.judged.copy(),
            marks={zone: replace(mark) for zone, mark in self.marks.items()}, consents={track: list(who) for track,
                who in self.consents.items()},
            orders=self.orders.copy(), looks=self.looks.copy(), coming=self.coming.copy(),
            _standing=self._standing.copy(), delivered=self.delivered.copy(),
        )

    def note(
        self, t: float, kind: str, *, zone: int | None, text: str = "", who: str = "", why: str = "", raid: int = 0
    ) -> None:
        """Add one event to the list.

        t     time [s] since the record's epoch
        kind  kind of the event
        zone  index of the zone, None for none
        text  what is said of it
        who   name of the person who did it, empty for the system
        why   the reason given
        raid  number of the raid
        """
        self.last_event += 1
        event = {"n": self.last_event, "t": round(t, 2), "kind": kind, "zone": zone, "text": text, "who": who,
            "why": why, "raid": raid}
        self.events.append(event)

    def since(self, number: int) -> list[dict[str, Any]]:
        """Events after `number`, oldest first."""
        return [event for event in tuple(self.events) if event["n"] > number]

    def mark(self, zone: int) -> Mark:
        """What people did about the warning of `zone`; an empty mark where nobody did anything."""
        return self.marks.get(zone) or Mark()

    def callsign(self, address: int) -> str:
        """The call sign last heard from `address`; empty where none was."""
        claim = self.claims.get(address) if address != NO_ADDRESS else None
        return claim.callsign if claim else ""

    def _hear_message(self, message: Delivered) -> None:
        if message.kind == ENDED:
            self.delivered = deque((m for m in self.delivered if m.name != message.name), maxlen=MOST_MESSAGES)
            return
        self.delivered.append(message)
        self.note(message.t, message.kind, zone=None, text=message.name, who=message.sender)

    def _hear(self, aircraft: Aircraft) -> None:
        for i, address in enumerate(aircraft.address.tolist()):
            if address == NO_ADDRESS:
                continue
            before = self.claims.get(address)
            name = bytes(aircraft.callsign[i]).decode("ascii", "replace").strip() or (before.callsign if before else "")
            east, north, up = (float(x) for x in aircraft.position[i])
            place = (east, north, up) if np.isfinite(east) or before is None else before.place
            t = float(aircraft.t[i]) if np.isfinite(east) or before is None else before.t
            self.claims[address] = Claim(t, address, name, place, int(aircraft.nic[i]))

    def _warned(self, t: float, warnings: Warnings) -> None:
        standing: dict[int, float] = {}
        for i in range(warnings.zone.shape[0]):
            zone, since = int(warnings.zone[i]), float(warnings.since[i])
            if int(warnings.action[i]) == CLEAR:
                continue
            standing[zone] = since
            if self._standing.get(zone) != since:
                mark = self.marks.get(zone)
                # a manual alarm given in this very frame has already left its mark, with the name and the reason
                self.marks[zone] = Mark(since, mark.alarm_by if mark else "", mark.alarm_why if mark else "")
                because = "manual" if warnings.manual[
                    i] else f"{int(warnings.tracks[i])} {float(warnings.probability[i]):.3f}"
                self.note(t, "raise", zone=zone, raid=int(warnings.raid[i]), text=because)
            left, shelter = float(warnings.t_impact[i]) - t, self.site.zones[zone].shelter_s
            self.marks.setdefault(zone, Mark(since)).stage = _stage(float(warnings.probability[i]), left, shelter)
        for zone in self._standing.keys() - standing.keys():
            self.marks.pop(zone, None)
            self.note(t, "clear", zone=zone)
        self._standing = standing

    def _staged(self, t: float, picture: Picture) -> None:
        """Note each change of what the people of a warned zone are told after cover, and each
        pre-alert, with its reason.
        """
        w, losses = picture.warnings, picture.losses
        why = dict(zip(losses.zone.tolist(), losses.reason.tolist(), strict=True))
        now = {zone: (stage, why.get(zone, 0)) for zone, stage, action in zip(w.zone.tolist(), w.stage.tolist(),
            w.action.tolist(), strict=True) if action != CLEAR}
        for zone, (stage, reason) in now.items():
            if zone in self._stages and self._stages[zone] != (stage, reason):
                self.note(t, "stage", zone=zone, text=STAGE_NAMES[stage], why=REASONS[reason])
        self._stages = now
        alerted = dict(zip(picture.pre_alerts.zone.tolist(), picture.pre_alerts.cause.tolist(), strict=True))
        for zone in alerted.keys() - self._alerted:
            if alerted[zone] != COMING:         # what comes under power is noted as itself
                self.note(t, "pre-alert", zone=zone, text=self.site.zones[zone].name, why=REASONS[alerted[zone]])
        self._alerted = frozenset(alerted)

    def _told(self, t: float, command: Command) -> None:
        kind, subject = command.kind, command.subject
        zone = self._zone(subject.split(" ", 1)[-1] if kind == commands.SHELVE else subject)
        if kind == commands.ALARM and zone is not None:
            self.marks.setdefault(zone, Mark()).alarm_by = command.who
            self.marks[zone].alarm_why = command.why
        elif kind == commands.ACKNOWLEDGE:
            if zone in self._standing:
                mark = self.marks[zone]
                mark.seen_by, mark.seen_t, mark.back = command.who, round(t, 2), ""
        elif kind == commands.SHELVE and zone is not None:
            seconds = number(subject.split(" ", 1)[0])
            mark = self.marks.setdefault(zone, Mark())
            mark.shelved_until, mark.shelved_by, mark.shelved_why = (t + seconds if seconds > 0.0
                else None), command.who, command.why
            mark.shelved_stage, mark.back = mark.stage, ""
        elif kind == commands.RECLASSIFY:
            digits, _, said = subject.partition(" ")
            track = track_number(digits)
            if track is not None:
                self.judged.pop(track, None)
                if said != commands.UNMARKED:
                    self.judged[track] = Judged(said, command.who, command.why, round(t, 2))
                    self.judged = dict(list(self.judged.items())[-MOST_JUDGED:])
        elif kind == commands.CONSENT and track_number(subject) is not None:
            given = self.consents.setdefault(int(subject), [])
            if command.who not in given:
                given.append(command.who)
        elif kind == commands.HOLD:
            before = self.holds.get(subject)        # said again, a hold keeps its time and may gain a reason
            self.holds = {**self.holds, subject: Held(subject, command.who, command.why or (before.why if before
                else ""), before.t if before else round(t, 2))}
        elif kind == commands.RELEASE:
            self.holds = {} if subject == "all" else {what: held for what, held in self.holds.items()
                if what != subject}
        self.note(t, kind, zone=zone, text=subject, who=command.who, why=command.why)

    def _unshelve(self, t: float) -> None:
        """Bring back what was put aside and got worse, which has to be seen anew, or whose time is
        up.
        """
        for zone, mark in self.marks.items():
            if mark.shelved_until is None:
                continue
            if mark.stage > mark.shelved_stage:
                mark.back, mark.seen_by, mark.seen_t = "worse", "", None
            elif t >= mark.shelved_until:
                mark.back = "time"
            else:
                continue
            mark.shelved_until = None
            self.note(t, "unshelve", zone=zone, text=mark.back)

    def _come(self, t: float, inbound: Inbound) -> None:
        """Note each object that heads for a zone, once: with the zone that it reaches first."""
        for track, zone in zip(inbound.track.tolist(), inbound.zone.tolist(), strict=True):
            if track not in self.coming:
                self.note(t, "inbound", zone=zone, text=f"{track} {self.site.zones[zone].name}")
            self.coming[track] = t
        if len(self.coming) > MOST_JUDGED:
            self.coming = dict(list(self.coming.items())[-MOST_JUDGED:])

    def _watch_radars(self, t: float, states: tuple[int, ...]) -> None:
        if states == self._radars:
            return
        for i, (before, now) in enumerate(zip(self._radars or (0,) * len(states), states, strict=False)):
            if before != now:
                self.note(t, "radar", zone=None, text=f"{self.site.radars[i].name} {RADAR_WORDS[now]}")
        self._radars = states

    def _zone(self, name: str) -> int | None:
        return next((i for i, zone in enumerate(self.site.zones) if zone.name == name), None)


def _stage(probability: float, left: float, shelter: float) -> int:
    """How bad a warning is, by the probability of a hit and the time [s] that is left and that
    people need.
    """
    if not left > 0.0:
        return STANDING
    return IMMINENT if probability >= SURE or left <= shelter else EXPECTED
