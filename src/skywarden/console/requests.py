"""What a page may ask for, checked word by word before anything believes it."""

from __future__ import annotations

import math
import re
import time
import unicodedata
from collections.abc import Mapping
from typing import Any

from skywarden.console.access.users import MAY, User
from skywarden.measures.watch import FACTS
from skywarden.messages import commands
from skywarden.messages.commands import Command
from skywarden.messages.picture import KIND_NAMES
from skywarden.site.model import Site

LONGEST_WHY = 200           # characters of a reason
LONGEST_SUBJECT = 200       # characters of what a command is about
LONGEST_NAME = 64           # characters of a user's name
LONGEST_TRACK = 18          # digits of a track's number; what more has is none
LARGEST = 1 << 53           # of a number in a request: beyond it a page's own arithmetic is not exact
DEEPEST = 12                # nesting of a request's JSON
LONGEST_SHELF_S = 600.0     # a warning may be put aside for ten minutes, not for good
NEEDS_WHY = frozenset({
    commands.ALARM, commands.CANCEL, commands.CORRECT, commands.RECLASSIFY, commands.WEAPONS, commands.SAY,
    commands.ANSWER})
MESSAGE = re.compile(r"m[1-9][0-9]{0,5}")       # name of a delivered message
WHOM = ("tower", "gate", "neighbour", "command", "crew", "all")     # who can be spoken to
NOTED = ("radar", "zone", "track", "channel", "mode", "attempt", "assessed", "mentor")  # what a note can be about
SCALES = ("mental", "physical", "temporal", "performance", "effort", "frustration")     # NASA-TLX
REHEARSAL = frozenset({commands.CONSENT, commands.HOLD, commands.RELEASE, commands.WEAPONS})
STATUSES = ("hold", "tight", "free")
SLOWEST, FASTEST = 0.5, 16.0    # seconds of the run, or of a tape, a second


class RefusedError(Exception):
    """A request that is not carried out: `status` is the HTTP answer, the message a sentence for
    the user.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def command(asked: Mapping[str, Any], user: User, site: Site, mode: str, paced: bool = True) -> Command:
    """The command a page asked for, with t = 0: the session gives it the time of the frame it goes
    into. Raises `RefusedError`.

    paced  whether the run has a clock that can be slowed, stopped and sped up
    user   the person who is logged in
    site   the site as its defender declared it
    mode   what the page calls the run: SIMULATION, LIVE, REPLAY or EXERCISE
    """
    kind, subject, why = (asked.get(key, "") for key in ("kind", "subject", "why"))
    unfit = unfit_text(asked)
    if unfit:
        raise RefusedError(400, unfit)
    if isinstance(subject, str) and len(subject) > LONGEST_SUBJECT:
        raise RefusedError(400, f"What the command is about has {len(subject)} characters; {LONGEST_SUBJECT} are "
            "enough.")
    if not all(isinstance(text, str) for text in (kind, subject, why)) or kind not in commands.KINDS:
        raise RefusedError(400, f"{str(kind)[:40]!r} is no command.")
    if mode == "REPLAY":
        raise RefusedError(409, "This is a replay: there is nothing to command.")
    if kind not in MAY[user.role]:
        raise RefusedError(403, f"An {user.role} may not {kind}." if user.role[0] in "aeiou"
            else f"A {user.role} may not {kind}.")
    if kind in REHEARSAL and mode != "SIMULATION":
        raise RefusedError(409, "This is live data: nothing is rehearsed on it.")
    if kind == commands.PACE and not (paced and mode == "SIMULATION"):
        raise RefusedError(409, "This is live data: its time cannot be stopped." if mode == "LIVE"
            else "This run keeps the time of its feeds.")
    why = " ".join(why.split())
    if len(why) > LONGEST_WHY:
        raise RefusedError(400, f"The reason has {len(why)} characters; {LONGEST_WHY} are enough.")
    if kind in NEEDS_WHY and not why:
        raise RefusedError(400, "Say why: it goes into the record.")
    fault = _fault(kind, subject, site)
    if fault:
        raise RefusedError(400, fault)
    return Command(0.0, kind, subject, user.name, why, round(1e3 * time.time()))


def _fault(kind: str, subject: str, site: Site) -> str:
    """What is wrong with the subject of a command; empty where nothing is."""
    zones = {zone.name for zone in site.zones}
    words = subject.split(" ")
    if kind in (commands.ACKNOWLEDGE, commands.ALARM, commands.CANCEL, commands.CORRECT, commands.GIVE_CLEAR):
        return "" if subject in zones else f"There is no zone {subject!r}."
    if kind == commands.SHELVE:
        seconds = number(words[0])
        if not 0.0 <= seconds <= LONGEST_SHELF_S:
            return f"A warning can be put aside for up to {LONGEST_SHELF_S:.0f} s."
        return "" if subject.partition(" ")[2] in zones else f"There is no zone {subject.partition(' ')[2]!r}."
    if kind == commands.RECLASSIFY:
        good = len(words) == 2 and track_number(words[0]) is not None and words[1] in (*KIND_NAMES, commands.UNMARKED)
        return ("" if good else "Name a track's number and what it is: projectile, aircraft or other; none takes it "
            "back.")
    if kind == commands.CONSENT:
        return "" if track_number(subject) is not None else "Name the number of the track."
    if kind == commands.PACE:
        speed = number(subject)
        return ("" if speed == 0.0 or SLOWEST <= speed <= FASTEST
            else f"The pace is 0, which stands still, or from {SLOWEST:g} to {FASTEST:g}.")
    if kind in SPOKEN:
        return SPOKEN[kind](subject)
    if kind in (commands.HOLD, commands.RELEASE):
        known = {"all"} | {effector.name for effector in site.effectors}
        return "" if subject in known else f"There is no effector {subject!r}."
    return "" if subject in STATUSES else f"Weapon control status is {', '.join(STATUSES)}."


def _take_fault(subject: str) -> str:
    return "" if subject in commands.SEATS else f"A seat is {', '.join(commands.SEATS)}."


def _say_fault(subject: str) -> str:
    name, _, whom = subject.partition(" ")
    good = (name == "-" or MESSAGE.fullmatch(name)) and whom in WHOM
    return "" if good else f"Say it in answer to a message, or to none (-), to {', '.join(WHOM)}."


def _note_fault(subject: str) -> str:
    good = subject == "-" or (subject.partition(" ")[0] in NOTED and subject.partition(" ")[2])
    return "" if good else f"A note is about {', '.join(NOTED)} and a name, or about nothing (-)."


def _answer_fault(subject: str) -> str:
    what, _, which = subject.partition(" ")
    known = {"workload": SCALES, "handover": FACTS}.get(what, ())
    good = MESSAGE.fullmatch(subject) or which in known
    return "" if good else "Name the message that is answered, a scale of workload, or a fact of the hand-over."


SPOKEN = {
    commands.TAKE: _take_fault, commands.SAY: _say_fault, commands.NOTE: _note_fault, commands.ANSWER: _answer_fault}


def seconds(asked: Mapping[str, Any], key: str, least: float, most: float) -> float:
    """A number of a request, within its limits. Raises `RefusedError`.

    asked  what the page sent
    key    name of the number in the request
    least  least value allowed
    most   greatest value allowed
    """
    given = number(asked.get(key))
    if not least <= given <= most:
        raise RefusedError(400, f"{key} is a number from {least:g} to {most:g}.")
    return given


def number(value: Any) -> float:
    """A number of a request, however it is written; nan where it is none, or one too large to be
    any.

    value  the value as the request has it
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def track_number(text: str) -> int | None:
    """The number of a track as text of plain digits; None for anything else, and for what is too
    long to be one.
    """
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_TRACK else None


def unfit_text(value: Any, depth: int = 0) -> str:
    """What in a request's JSON no record, log or screen can hold, as a sentence; empty where all is
    fit.

    value  the parsed JSON: no half characters, no control characters or hidden changes of direction
           in any
           text or key (line ends and tabs are let through: fields that are one line join them), no
           number beyond `LARGEST`, no deeper nesting than `DEEPEST`
    depth  how deep in the document the value stands
    """
    if isinstance(value, str):
        return "" if all(map(_fit, value)) else (
            "A text holds half a character, a control character or a hidden change of direction. Type it anew.")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "" if -LARGEST <= value <= LARGEST else f"A number is too large; {LARGEST} is the largest."
    if isinstance(value, Mapping | list | tuple):
        if depth >= DEEPEST:
            return "The request is nested too deeply."
        parts = [*value.keys(), *value.values()] if isinstance(value, Mapping) else value
        return next((unfit for part in parts if (unfit := unfit_text(part, depth + 1))), "")
    return ""


def _fit(character: str) -> bool:
    """Whether a character may stand in text that people give."""
    if character.isprintable() or character in " \n\r\t":
        return True
    # joiners and marks of direction belong to Persian, Arabic and emoji; overrides of direction only hide what is
    # written
    return unicodedata.category(character) in ("Zs", "Mn", "Cn", "Co") or character in "\u200c\u200d\u200e\u200f"
