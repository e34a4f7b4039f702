"""Decisions in the rehearsal (simulated only): to consent to an engagement, and to hold while in
doubt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from skywarden.exercise import oracle
from skywarden.exercise.reading import Instant, Told
from skywarden.exercise.stimulus import NOTHING, Knowledge, Stimulus
from skywarden.messages.commands import CONSENT, HOLD, RELEASE
from skywarden.site.model import Site

GAP_S = 2.0             # time for which an engagement may stop waiting and still be the same [s]
HOLD_S = 10.0           # time to hold after doubt arises [s]


@dataclass
class _Awaiting:
    """An engagement that waits for a person."""

    t: list[float] = field(default_factory=list)
    allowed: list[float] = field(default_factory=list)
    decided: bool = False


class Drills:
    """Collects what there was to decide in the rehearsal; fed instants in their order."""

    def __init__(self, site: Site) -> None:
        self._site, self._awaiting = site, dict[int, _Awaiting]()
        self._doubt: tuple[bool, ...] = ()
        self._forbidden: frozenset[str] = frozenset()
        self._held = False
        self.stimuli: list[Stimulus] = []
        self.doubted: list[tuple[float, float]] = []        # spans in which to hold was no false hold [s]

    def take(self, now: Instant, told: tuple[Told, ...]) -> None:
        """One instant, and what was told and holds.

        now  this instant of the record
        """
        if now.drill is None:
            return
        forbidden = oracle.forbidding(told)
        self._doubts(now, forbidden)
        awaiting = set(now.drill.awaiting)
        for track in awaiting:
            episode = self._awaiting.setdefault(track, _Awaiting())
            episode.t.append(now.t)
            episode.allowed.append(0.0 if self._forbids(now, track, forbidden) else 1.0)
        for track in [track for track, episode in self._awaiting.items() if now.t - episode.t[-1] > GAP_S]:
            self._close(track, self._awaiting[track].t[-1])
        for act in now.acts:
            if not act.shadow:
                self._held = act.kind == HOLD or (self._held and act.kind != RELEASE)

    def end(self) -> None:
        """The record is over: what is open is closed."""
        for track in sorted(self._awaiting):
            self._close(track, self._awaiting[track].t[-1])

    def _forbids(self, now: Instant, track: int, forbidden: frozenset[str]) -> bool:
        threats = now.picture.threats
        zones = {self._site.zones[z].name for z in threats.zone[threats.track == track].tolist()
            if z < len(self._site.zones)}
        return "any" in forbidden or bool(zones & forbidden)

    def _close(self, track: int, t: float) -> None:
        episode = self._awaiting.pop(track)
        allowed = episode.allowed[-1] > 0.0
        n = len(episode.t)
        self.stimuli.append(Stimulus(
            "consent", f"track {track}", episode.t[0], t, episode.t[-1], CONSENT if allowed else NOTHING,
                known=episode.t[0],
            signal=allowed, knowledge=Knowledge(tuple(episode.t), tuple(episode.allowed), (math.nan,) * n, (0.0,) * n),
            grave=(CONSENT,), shown=(("told of an aircraft there", "no" if allowed else "yes"),)))

    def _doubts(self, now: Instant, forbidden: frozenset[str]) -> None:
        """Doubt arises with a radar that is not working or with somebody's word of an aircraft."""
        doubt = (*(bool(state) for state in now.picture.health.radars.tolist()), bool(forbidden - self._forbidden))
        before = self._doubt if len(self._doubt) == len(doubt) else (False,) * len(doubt)
        arisen = any(now_so and not was for now_so, was in zip(doubt, before, strict=True))
        held = self._held or (now.drill is not None and now.drill.status == "hold")
        if any(doubt[:-1]) or forbidden:
            since = self.doubted.pop()[0] if self.doubted and self.doubted[-1][1] >= now.t - HOLD_S else now.t
            self.doubted.append((since, now.t + HOLD_S))
        if arisen and not held:
            why = "told of an aircraft" if doubt[-1] else "a radar is not working"
            self.stimuli.append(Stimulus(
                "hold", "the rehearsal", now.t, now.t + HOLD_S, now.t + HOLD_S, HOLD, known=now.t,
                    shown=(("because", why),)))
        self._doubt, self._forbidden = (*doubt[:-1], False), forbidden
