"""What people did in a run, and how long after the warning: every command, and who saw which
warning when.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skywarden.measures.ledger import WarningLine
from skywarden.measures.watch import WatchLog
from skywarden.messages import commands
from skywarden.messages.commands import Command
from skywarden.messages.moment import Moment
from skywarden.site.model import Site

ABOUT_ZONES = frozenset({commands.ACKNOWLEDGE, commands.ALARM, commands.CANCEL, commands.CORRECT,
    commands.GIVE_CLEAR, commands.SHELVE})
ABOUT_TRACKS = frozenset({commands.CONSENT, commands.RECLASSIFY})
# Kinds of commands that are words and seats: no deeds, and believed by nobody
WORDS = frozenset(commands.UNBELIEVED) - {commands.PACE}
MOST_ACTS = 2000        # commands told of one run; the rest is counted
MOST_TRACKS = 5         # tracks named that a warning was raised for, the likeliest first


class Act(NamedTuple):
    """One command of a person, or of a scenario's script."""

    t: float            # [s]
    kind: str           # one of `commands.KINDS`
    subject: str
    who: str
    why: str
    # since the warning it is about was raised, else since the first one that stood was [s]; nan where none stood
    after: float
    soon: bool = False  # whether it came within ten minutes of a hand-over of the watch


class Operators:
    """Collects what people did; fed each moment after its warnings are in the lines."""

    def __init__(self, site: Site) -> None:
        self._zones = {zone.name: index for index, zone in enumerate(site.zones)}
        self.acts: list[Act] = []
        self.watch = WatchLog(site)     # who had the watch, and who took it over
        self.more = 0               # commands beyond MOST_ACTS

    def take(self, moment: Moment, standing: dict[int, WarningLine]) -> None:
        """The commands of one moment; `standing` holds the line of the warning that stands in each
        zone.
        """
        self.watch.take(moment)
        for command in moment.frame.commands:
            if command.kind in WORDS:
                continue
            line = standing.get(self._zones.get(zone_of(command), -1))
            about = [line] if line is not None else list(standing.values()) if command.kind not in ABOUT_ZONES else []
            after = moment.frame.t - min((each.raised for each in about), default=math.nan)
            if len(self.acts) < MOST_ACTS:
                soon = self.watch.now.near_handover(moment.frame.t)
                self.acts.append(
                    Act(moment.frame.t, command.kind, command.subject, command.who, command.why, after, soon))
            else:
                self.more += 1
            if command.kind == commands.ACKNOWLEDGE and line is not None and line.seen_at is None:
                line.seen_at, line.seen_by = moment.frame.t, command.who

    def until_seen(self, lines: list[WarningLine]) -> list[float]:
        """Seconds from each warning to its acknowledgement, of those that were acknowledged.

        lines  a line for each warning
        """
        return [line.seen_at - line.raised for line in lines if line.seen_at is not None]


def zone_of(command: Command) -> str:
    """The name of the zone a command is about; empty where it is about none."""
    if command.kind not in ABOUT_ZONES:
        return ""
    return command.subject.partition(" ")[2] if command.kind == commands.SHELVE else command.subject


def track_of(command: Command) -> int | None:
    """The number of the track a command is about; None where it is about none."""
    number = command.subject.partition(" ")[0]
    return int(number) if command.kind in ABOUT_TRACKS and number.isascii() and number.isdecimal() and len(
        number) < 19 else None


def causes(moment: Moment, zone: int) -> tuple[tuple[int, float, float], ...]:
    """The tracks that endanger `zone`, likeliest first: number, probability that it comes down
    there, probability that it is a projectile at all.

    moment  the moment at which the zone is warned
    """
    threats, impacts = moment.picture.threats, moment.picture.impacts
    mine = np.flatnonzero(threats.zone == zone)
    mine = mine[np.argsort(-threats.probability[mine], kind="stable")][:MOST_TRACKS]
    sure = dict(zip(impacts.track.tolist(), impacts.p_projectile.tolist(), strict=True))
    return tuple((int(threats.track[k]), float(threats.probability[k]), sure.get(int(threats.track[k]), math.nan))
        for k in mine)
