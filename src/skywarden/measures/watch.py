"""Who holds the watch, who handed it to whom, and what the one who took it knew: read from frames
and pictures alone.

Exactly one person holds the watch after every frame: the first frame's `take watch` begins it, and
each later one passes it on.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from skywarden.messages import commands
from skywarden.messages.commands import Command
from skywarden.messages.drill import Drill
from skywarden.messages.moment import Moment
from skywarden.messages.picture import CLEAR, PROJECTILE, Picture
from skywarden.messages.receipts import WORKING, Channels
from skywarden.site.model import Site

FACTS = (
    "warned",
    "next",
    "unacknowledged",
    "shelved",
    "rounds",
    "radars",
    "channels",
    "held",
    "status",
)  # critical facts of a hand-over
RECENT_S = 60.0  # seconds after which a fact read back is compared with nothing older
READ_S = 300.0  # seconds for which a fact read back counts towards taking the watch
AFTER_S = 600.0  # seconds after a hand-over in which errors cluster; acts within are marked
ROUND = 0.5  # probability above which a track counts as a round
NOTHING = "none"  # value of a fact that names nothing


class Handover(NamedTuple):
    """One passing of the watch."""

    t: float  # [s]
    before: str  # who held it; empty: nobody, at the very start
    after: str  # who holds it now
    why: str  # reason given where it was taken in spite of something
    read: int  # critical facts read back by the one who takes it
    right: int  # of them, those that were so
    unacknowledged: int  # warnings that stood and that nobody had acknowledged


@dataclass(frozen=True)
class Watch:
    """The watch after a frame; `after` gives the next one's. Nothing here is believed by anybody."""

    holder: str = ""
    since: float = math.nan
    seats: dict[str, str] = field(default_factory=dict)  # who sits where
    handovers: tuple[Handover, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)  # FACTS of the newest picture
    unacknowledged: tuple[str, ...] = ()  # zones whose warning nobody has seen yet
    engaged: float = -math.inf  # end of the last rehearsed engagement that was ordered [s]
    _standing: dict[int, float] = field(default_factory=dict)  # zone to the beginning of its warning
    _seen: frozenset[int] = frozenset()
    _shelved: dict[int, float] = field(default_factory=dict)  # zone to the end of its shelving [s]
    _holds: frozenset[str] = frozenset()
    _recent: tuple[tuple[float, dict[str, str]], ...] = ()  # facts that were so lately, and until when
    _read: dict[str, dict[str, tuple[float, bool]]] = field(
        default_factory=dict
    )  # by person and fact: when read back, and whether right

    def after(
        self, t: float, picture: Picture, drill: Drill | None, told: Sequence[Command], channels: Channels, site: Site
    ) -> Watch:
        """The watch after one more frame: its commands come first, as the defence takes them.

        t         time of the frame [s]
        picture   what is believed at this frame
        drill     the simulated engagement, None on live data
        told      what was commanded in this frame
        channels  state of the warning channels
        site      the site as its defender declared it
        """
        now = self._warned(picture)
        for command in told:
            now = now._told(t, command, site)
        now = replace(
            now, _shelved={zone: until for zone, until in now._shelved.items() if until > t and zone in now._standing}
        )
        unseen = tuple(
            site.zones[zone].name for zone in now._standing if zone not in now._seen and zone not in now._shelved
        )
        ends = [now.engaged, *(order.t_to for order in drill.orders)] if drill is not None else [now.engaged]
        now = replace(now, unacknowledged=unseen, engaged=max(ends))
        facts = now._facts(t, picture, drill, channels, site)
        recent = tuple(row for row in now._recent if row[0] > t - RECENT_S)
        if facts != now.facts:
            recent = (*recent, (t, now.facts)) if now.facts else recent
        return replace(now, facts=facts, _recent=recent)

    def read_back(self, who: str, t: float) -> frozenset[str]:
        """The critical facts that a person has read back within READ_S, rightly or not.

        who  name of the person
        t    time of the frame [s]
        """
        return frozenset(fact for fact, (when, _) in self._read.get(who, {}).items() if t - when <= READ_S)

    def near_handover(self, t: float) -> bool:
        """Whether the watch was passed on less than AFTER_S ago; its very beginning is no
        hand-over.

        t  time of the frame [s]
        """
        return any(0.0 <= t - one.t < AFTER_S for one in self.handovers[-3:] if one.before)

    def _warned(self, picture: Picture) -> Watch:
        w = picture.warnings
        standing = {
            int(zone): float(since)
            for zone, since, action in zip(w.zone, w.since, w.action, strict=True)
            if int(action) != CLEAR
        }
        fresh = {zone for zone, since in standing.items() if self._standing.get(zone) != since}
        return replace(
            self,
            _standing=standing,
            _seen=frozenset(zone for zone in self._seen if zone in standing and zone not in fresh),
            _shelved={zone: until for zone, until in self._shelved.items() if zone in standing and zone not in fresh},
        )

    def _told(self, t: float, command: Command, site: Site) -> Watch:
        kind, subject, who = command.kind, command.subject, command.who
        if kind == commands.TAKE and subject == commands.WATCH:
            return self._taken(t, who, command.why)
        if kind == commands.TAKE and subject in commands.SEATS and who != self.holder:
            return replace(self, seats={**self.seats, who: subject})
        if kind == commands.ANSWER and subject.startswith("handover "):
            fact = subject.partition(" ")[2]
            return self._answered(t, who, fact, command.why) if fact in FACTS else self
        if kind == commands.HOLD:
            return replace(self, _holds=self._holds | {subject})
        if kind == commands.RELEASE:
            return replace(self, _holds=frozenset() if subject == "all" else self._holds - {subject})
        zone = next(
            (
                i
                for i, z in enumerate(site.zones)
                if z.name == (subject.partition(" ")[2] if kind == commands.SHELVE else subject)
            ),
            None,
        )
        if zone is None:
            return self
        if kind == commands.ACKNOWLEDGE:
            return replace(self, _seen=self._seen | {zone})
        if kind == commands.SHELVE:
            seconds = _number(subject.split(" ")[0])
            return replace(self, _shelved={**self._shelved, zone: t + seconds if seconds > 0.0 else -math.inf})
        return self

    def _taken(self, t: float, who: str, why: str) -> Watch:
        if who == self.holder:
            return self
        read = {fact: right for fact, (when, right) in self._read.get(who, {}).items() if t - when <= READ_S}
        one = Handover(t, self.holder, who, why, len(read), sum(read.values()), len(self.unacknowledged))
        seats = {**self.seats, who: commands.WATCH}
        if self.holder:
            seats[self.holder] = commands.OBSERVER
        rest = {person: facts for person, facts in self._read.items() if person != who}
        return replace(self, holder=who, since=t, seats=seats, handovers=(*self.handovers, one), _read=rest)

    def _answered(self, t: float, who: str, fact: str, value: str) -> Watch:
        said = value.strip().casefold()
        known = [self.facts, *(facts for until, facts in self._recent if until > t - RECENT_S)]
        right = any(facts.get(fact, "").casefold() == said for facts in known)
        return replace(self, _read={**self._read, who: {**self._read.get(who, {}), fact: (t, right)}})

    def _facts(self, t: float, picture: Picture, drill: Drill | None, channels: Channels, site: Site) -> dict[str, str]:
        kind = picture.tracks.kind
        w = picture.warnings
        coming = [
            (float(at), int(zone))
            for zone, at, action in zip(w.zone, w.t_impact, w.action, strict=True)
            if int(action) != CLEAR and math.isfinite(at) and at > t
        ]
        holds = NOTHING if not self._holds else "all" if "all" in self._holds else "some"
        return {
            "warned": str(len(self._standing)),
            "next": site.zones[min(coming)[1]].name if coming else NOTHING,
            "unacknowledged": str(len(self.unacknowledged)),
            "shelved": str(len(self._shelved)),
            "rounds": str(int(np.sum(kind[:, PROJECTILE] > ROUND))) if kind.size else "0",
            "radars": str(int(np.sum(picture.health.radars != 0))),
            "channels": str(int(np.sum(channels.state != WORKING))),
            "held": holds,
            "status": drill.status if drill is not None and drill.status else NOTHING,
        }


class WatchLog:
    """The watch of a whole record, moment by moment."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.now = Watch()
        self.after_handover: deque[tuple[float, Command]] = deque(maxlen=2000)  # acts within AFTER_S of a hand-over

    def take(self, moment: Moment) -> None:
        """One moment on; moments come in time order."""
        frame = moment.frame
        self.now = self.now.after(frame.t, moment.picture, moment.drill, frame.commands, frame.channels, self._site)
        if self.now.near_handover(frame.t):
            self.after_handover.extend(
                (frame.t, command) for command in frame.commands if command.kind not in commands.UNBELIEVED
            )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
