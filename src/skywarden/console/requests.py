"""What a page may ask for, checked word by word before anything believes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from skywarden.console.access.sessions import MAY, User
from skywarden.messages import commands
from skywarden.messages.commands import Command
from skywarden.messages.picture import KIND_NAMES
from skywarden.site.model import Site

LONGEST_WHY = 200           # characters
LONGEST_SHELF_S = 600.0     # a warning may be put aside for ten minutes, not for good
NEEDS_WHY = frozenset({commands.ALARM, commands.CANCEL, commands.CORRECT, commands.RECLASSIFY, commands.WEAPONS})
REHEARSAL = frozenset({commands.CONSENT, commands.HOLD, commands.RELEASE, commands.WEAPONS})
STATUSES = ("hold", "tight", "free")
SLOWEST, FASTEST = 0.5, 16.0    # seconds of the run, or of a tape, a second


class RefusedError(Exception):
    """A request that is not carried out: `status` is the HTTP answer, the message a sentence for the user."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def command(asked: Mapping[str, Any], user: User, site: Site, mode: str, paced: bool = True) -> Command:
    """The command a page asked for, with t = 0: the session gives it the time of the frame it goes into. Raises `RefusedError`.

    paced  whether the run has a clock that can be slowed, stopped and sped up
    """
    kind, subject, why = (asked.get(key, "") for key in ("kind", "subject", "why"))
    if not all(isinstance(text, str) for text in (kind, subject, why)) or kind not in commands.KINDS:
        raise RefusedError(400, f"{kind!r} is no command.")
    if mode == "REPLAY":
        raise RefusedError(409, "This is a replay: there is nothing to command.")
    if kind not in MAY[user.role]:
        raise RefusedError(403, f"An {user.role} may not {kind}." if user.role[0] in "aeiou" else f"A {user.role} may not {kind}.")
    if kind in REHEARSAL and mode != "SIMULATION":
        raise RefusedError(409, "This is live data: nothing is rehearsed on it.")
    if kind == commands.PACE and not (paced and mode == "SIMULATION"):
        raise RefusedError(409, "This is live data: its time cannot be stopped." if mode == "LIVE" else "This run keeps the time of its feeds.")
    why = " ".join(why.split())
    if len(why) > LONGEST_WHY:
        raise RefusedError(400, f"The reason has {len(why)} characters; {LONGEST_WHY} are enough.")
    if kind in NEEDS_WHY and not why:
        raise RefusedError(400, "Say why: it goes into the record.")
    fault = _fault(kind, subject, site)
    if fault:
        raise RefusedError(400, fault)
    return Command(0.0, kind, subject, user.name, why)


def _fault(kind: str, subject: str, site: Site) -> str:
    """What is wrong with the subject of a command; empty where nothing is."""
    zones = {zone.name for zone in site.zones}
    words = subject.split(" ")
    if kind in (commands.ACKNOWLEDGE, commands.ALARM, commands.CANCEL, commands.CORRECT):
        return "" if subject in zones else f"There is no zone {subject!r}."
    if kind == commands.SHELVE:
        seconds = _float(words[0])
        if not 0.0 <= seconds <= LONGEST_SHELF_S:
            return f"A warning can be put aside for up to {LONGEST_SHELF_S:.0f} s."
        return "" if subject.partition(" ")[2] in zones else f"There is no zone {subject.partition(' ')[2]!r}."
    if kind == commands.RECLASSIFY:
        good = len(words) == 2 and words[0].isdecimal() and words[1] in (*KIND_NAMES, commands.UNMARKED)
        return "" if good else "Name a track's number and what it is: projectile, aircraft or other; none takes it back."
    if kind == commands.CONSENT:
        return "" if subject.isdecimal() else "Name the number of the track."
    if kind == commands.PACE:
        speed = _float(subject)
        return "" if speed == 0.0 or SLOWEST <= speed <= FASTEST else f"The pace is 0, which stands still, or from {SLOWEST:g} to {FASTEST:g}."
    if kind in (commands.HOLD, commands.RELEASE):
        known = {"all"} | {effector.name for effector in site.effectors}
        return "" if subject in known else f"There is no effector {subject!r}."
    return "" if subject in STATUSES else f"Weapon control status is {', '.join(STATUSES)}."


def seconds(asked: Mapping[str, Any], key: str, least: float, most: float) -> float:
    """A number of a request, within its limits. Raises `RefusedError`."""
    number = _float(asked.get(key))
    if not least <= number <= most:
        raise RefusedError(400, f"{key} is a number from {least:g} to {most:g}.")
    return number


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except ValueError:
        return math.nan
