"""What the one who takes the watch knew: the critical facts read back, each a trial."""

from __future__ import annotations

import math

from skywarden.exercise.reading import ANSWER, TAKE, WATCH, Instant
from skywarden.exercise.stimulus import NOTHING, Stimulus, Trial
from skywarden.measures.watch import FACTS, READ_S, RECENT_S, Watch
from skywarden.messages.commands import SHADOWING
from skywarden.site.model import Site


class Handovers:
    """Collects the facts read back before each hand-over; fed instants in their order."""

    def __init__(self, site: Site) -> None:
        self._site, self._watch = site, Watch()
        self._recent: list[tuple[float, dict[str, str]]] = []       # facts of the last minute, each until when
        self._read: dict[tuple[str, str], tuple[float, str, bool]] = {}
        self.trials: list[Trial] = []

    def take(self, now: Instant) -> None:
        """One instant. What is read back is held against the facts of this minute, those
        before this frame included.

        now  this instant of the record
        """
        before = self._watch
        self._watch = before.after(now.t, now.picture, now.drill, now.commands, now.channels, self._site)
        if self._watch.facts != before.facts and before.facts:
            self._recent.append((now.t, before.facts))
        self._recent = [row for row in self._recent if row[0] > now.t - RECENT_S]
        known = [before.facts, self._watch.facts, *(facts for _, facts in self._recent)]
        for act in now.acts:
            first, _, fact = act.subject.partition(" ")
            if act.kind == ANSWER and first == "handover" and fact in FACTS:
                said = act.why.strip().casefold()
                right = any(facts.get(fact, "").casefold() == said for facts in known)
                self._read[act.who, fact] = (now.t, act.why, right)
        for handover in self._watch.handovers[len(before.handovers):]:
            if handover.before:
                # who only shadows reads back as well, and is scored by the same facts
                shadows = {who for (who, _), (when, _, _) in self._read.items() if now.t - when <= READ_S
                           and who != handover.before and self._watch.seats.get(who) == SHADOWING}
                for who in (handover.after, *sorted(shadows - {handover.after})):
                    self._passed(who, now.t, before.facts)
        for act in now.acts:
            if act.kind == TAKE and act.shadow and act.subject == WATCH:
                self._passed(act.who, now.t, before.facts)

    def _passed(self, who: str, t: float, facts: dict[str, str]) -> None:
        self.trials += [self._trial(who, fact, t, facts.get(fact, "")) for fact in FACTS]

    def _trial(self, who: str, fact: str, t: float, was: str) -> Trial:
        when, said, right = self._read.pop((who, fact), (-math.inf, "", False))
        read = t - when <= READ_S
        stimulus = Stimulus(
            "handover", f"fact {fact}", t, t, t, ANSWER, known=t - READ_S, timed=False,
            shown=(("it was", was), ("read back", said if read else "not at all")))
        act = ANSWER if read else NOTHING
        return Trial(stimulus, who, act, when if read else math.nan, read and right, acted=read)
