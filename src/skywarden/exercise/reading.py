"""The adapter between a record and the scorer: what a person could know, and did, frame by frame.
Truth is not read here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from skywarden.messages.commands import ANSWER, BREAK, NOTE, PACE, SAY, SHADOW, SHADOWING, TAKE, WATCH, Command
from skywarden.messages.drill import Drill
from skywarden.messages.frame import Delivered
from skywarden.messages.moment import Moment
from skywarden.messages.picture import Picture
from skywarden.messages.receipts import Channels

SCORED = (WATCH, SHADOWING)     # seats whose people are scored: the responsible one's, and one that nobody believes

__all__ = ["ANSWER", "BREAK", "NOTE", "SAY", "SHADOW", "TAKE", "WATCH", "Act", "Instant", "Seating", "Seats", "Told"]

VOIDS = frozenset({"resumed", "branched"})      # breaks that a trial does not outlive
STOPS = frozenset({"freeze", "blank"})          # breaks that take the times from a trial


class Told(NamedTuple):
    """A message as it was delivered: it can be known from then on."""

    t: float                            # [s]
    name: str                           # m1, m2, … in order of delivery
    sender: str
    kind: str                           # message | probe | question | workload | end
    text: str
    facts: tuple[tuple[str, str], ...]  # what it says, as key and value
    answer_s: float                     # seconds in which an answer is awaited; nan none

    def fact(self, key: str) -> str | None:
        """The value of the first fact of that key; None where it has none."""
        return next((value for name, value in self.facts if name == key), None)


class Act(NamedTuple):
    """One command of one person, that of a shadow seat unwrapped."""

    t: float            # of the frame it came in with [s]
    kind: str
    subject: str
    who: str
    why: str
    shadow: bool        # it was recorded and changed nothing


class Instant(NamedTuple):
    """One frame without its truth: what was shown and told, and what people did."""

    t: float
    picture: Picture
    drill: Drill | None
    acts: tuple[Act, ...]
    told: tuple[Told, ...]
    channels: Channels
    commands: tuple[Command, ...] = ()      # as they stand in the frame


class Seating(NamedTuple):
    """Somebody had a seat for a while."""

    who: str
    seat: str
    since: float        # [s]
    until: float        # [s]


def instant(moment: Moment) -> Instant:
    """The part of a moment that people could know or did."""
    frame = moment.frame
    acts = tuple(_act(frame.t, command) for command in frame.commands)
    told = tuple(_told(each) for each in frame.delivered)
    return Instant(frame.t, moment.picture, moment.drill, acts, told, frame.channels, frame.commands)


def instants(moments: Iterable[Moment]) -> Iterator[Instant]:
    """All of a record.

    moments  the record's moments, in order
    """
    return (instant(moment) for moment in moments)


class Seats:
    """Who had which seat when; fed instants in their order."""

    def __init__(self) -> None:
        self._now: dict[str, tuple[str, float]] = {}
        self._past: list[Seating] = []
        self._commands: dict[str, int] = {}
        self._first: float | None = None
        self._last = 0.0

    def take(self, now: Instant) -> None:
        """One instant.

        now  this instant of the record
        """
        self._first = now.t if self._first is None else self._first
        self._last = now.t
        for act in now.acts:
            if act.kind not in (PACE, BREAK) and act.who:
                self._commands[act.who] = self._commands.get(act.who, 0) + 1
            if act.kind == TAKE and not act.shadow:
                self._seat(act.who, act.subject.partition(" ")[0], now.t)

    def seatings(self) -> tuple[Seating, ...]:
        """Every seating of a seat that is scored. Where nobody ever took one, whoever
        commanded most had the watch.
        """
        now = [Seating(who, seat, since, math.inf) for who, (seat, since) in self._now.items()]
        taken = sorted((s for s in (*self._past, *now) if s.seat in SCORED), key=lambda s: (s.since,
            s.who))
        if taken or not self._commands or self._first is None:
            return tuple(taken)
        busiest = min(self._commands, key=lambda who: (-self._commands[who], who))
        return (Seating(busiest, WATCH, self._first, math.inf),)

    def _seat(self, who: str, seat: str, t: float) -> None:
        leaving = [who, *(other for other, (had, _) in self._now.items() if seat == WATCH == had)]
        for other in dict.fromkeys(leaving):
            if other in self._now:
                had, since = self._now.pop(other)
                self._past.append(Seating(other, had, since, t))
        self._now[who] = (seat, t)


def _act(t: float, command: Command) -> Act:
    if command.kind == SHADOW:
        kind, _, subject = command.subject.partition(" ")
        return Act(t, kind, subject, command.who, command.why, True)
    return Act(t, command.kind, command.subject, command.who, command.why, False)


def _told(delivered: Delivered) -> Told:
    facts = tuple((key, value) for key, _, value in (fact.partition("=") for fact in delivered.facts))
    text = next((text for text in delivered.texts if text), "")
    return Told(delivered.t, delivered.name, delivered.sender, delivered.kind, text, facts, float(delivered.answer_s))
