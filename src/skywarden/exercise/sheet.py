"""From a record to trials: everything there was to decide, and what each person on duty made of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from skywarden.exercise import oracle
from skywarden.exercise.on_drills import Drills
from skywarden.exercise.on_equipment import Equipment
from skywarden.exercise.on_tracks import Tracks
from skywarden.exercise.on_watch import Handovers
from skywarden.exercise.on_words import Words
from skywarden.exercise.on_zones import Zones
from skywarden.exercise.reading import ANSWER, BREAK, NOTE, STOPS, VOIDS, Act, Instant, Seating, Seats, Told
from skywarden.exercise.settle import settle
from skywarden.exercise.stimulus import NOTHING, Stimulus, Trial
from skywarden.messages.commands import ALARM, CONSENT, HOLD, PACE, RECLASSIFY, RELEASE
from skywarden.site.model import Site

BELIEVED = frozenset({ALARM, CONSENT, HOLD, RELEASE, RECLASSIFY, "cancel", "correct", "weapons"})
ATTEMPT = "attempt"             # what is noted of somebody who tried to act on a live channel
SCALES = ("mental", "physical", "temporal", "performance", "effort", "frustration")     # NASA-TLX, 0 to 100
PACE_ONE = 1.0                  # pace at which times count


@dataclass(frozen=True)
class Sheet:
    """All that a record holds for the scorer.

    stimuli    in the order in which they opened
    acts       of everybody, in their order
    seatings   who had which scored seat when
    handovers  facts read back by those who took the watch
    quiet      spans in which nothing was to be decided about a zone [s]
    doubted    spans in which to hold was no false hold [s]
    span       first and last time [s]
    frame_s    time between frames, the resolution of every time [s]
    """

    stimuli: tuple[Stimulus, ...]
    acts: tuple[Act, ...]
    seatings: tuple[Seating, ...]
    quiet: tuple[tuple[float, float], ...]
    doubted: tuple[tuple[float, float], ...]
    span: tuple[float, float]
    frame_s: float
    frames: int = 0
    handovers: tuple[Trial, ...] = ()

    def trials(self, seating: Seating) -> list[Trial]:
        """What one person made of every stimulus that opened while seated.

        seating  a seat and the time for which a person held it
        """
        mine = [act for act in self.acts if act.who == seating.who]
        met = [s for s in self.stimuli if seating.since <= s.opened < seating.until]
        found = [settle(stimulus, seating.who, mine) for stimulus in met]
        passed = [t for t in self.handovers if t.who == seating.who
            and seating.since <= t.stimulus.opened < seating.until]
        return [*found, *passed, *self._mode(seating, mine)]

    def of(self, who: str) -> list[Trial]:
        """All trials of a person, in whatever seat, in the order in which they opened.

        who  pseudonym of the person
        """
        found = [trial for seating in self.seatings if seating.who == who for trial in self.trials(seating)]
        return sorted(found, key=lambda trial: (trial.stimulus.opened, trial.stimulus.task, trial.stimulus.about))

    def workload(self, who: str) -> dict[str, float]:
        """The last value of each scale of the workload that a person gave.

        who  pseudonym of the person
        """
        given = {}
        for act in self.acts:
            first, _, scale = act.subject.partition(" ")
            if act.who == who and act.kind == ANSWER and first == "workload" and scale in SCALES:
                value = _number(act.why)
                if value is not None and 0.0 <= value <= 100.0:
                    given[scale] = value
        return given

    def _mode(self, seating: Seating, mine: list[Act]) -> list[Trial]:
        """Exercise or live: stated before the first act that is believed; a try at a live
        channel fails by itself.
        """
        here = [act for act in mine if seating.since <= act.t < seating.until]
        tried = [act for act in here if act.kind == NOTE and act.subject.partition(" ")[0] == ATTEMPT]
        first = next((act for act in here if act.kind in BELIEVED), None)
        if first is None and not tried:
            return []
        t = seating.since if math.isfinite(seating.since) else self.span[0]
        until = min(each.t for each in (*([first] if first else []), *tried))
        stated = next((act for act in here if act.kind == NOTE and act.subject.startswith("mode ") and act.t <= until),
            None)
        plain = Stimulus("mode", "drill or live", t, until, until, NOTE, known=t, grave=(ATTEMPT,))
        gate = "tried to act on the live channel in a drill" if tried else ""
        act, at = (stated.kind, stated.t) if stated is not None else (NOTHING, math.nan)
        right = stated is not None and not gate
        seconds = (stated.t if stated is not None else until) - t
        return [Trial(plain, seating.who, act, at, right, right, stated is not None, seconds, gate=gate,
            acts=tuple(tried))]


def read(moments: Iterable[Instant], site: Site) -> Sheet:
    """Everything there was to decide in a record's instants, in their order.

    moments  the instants, in order
    site     the site as its defender declared it
    """
    zones, tracks, drills, equipment, words = Zones(site), Tracks(site), Drills(site), Equipment(site), Words(site)
    seats, acts, quiet, told = Seats(), list[Act](), list[tuple[float, float]](), list[Told]()
    passed, first, last = Handovers(site), math.nan, math.nan
    frames, calm = 0, math.nan
    for now in moments:
        first = now.t if math.isnan(first) else first
        last, frames = now.t, frames + 1
        told += now.told
        holding = oracle.standing(told, now.t)
        said = oracle.said_of_tracks(holding, now.picture, site)
        zones.take(now, oracle.danger(now.picture, site, said, holding), said)
        tracks.take(now, said)
        drills.take(now, holding)
        equipment.take(now)
        words.take(now)
        passed.take(now)
        seats.take(now)
        acts += now.acts
        if zones.busy and not math.isnan(calm):
            quiet.append((calm, now.t))
            calm = math.nan
        elif not zones.busy and math.isnan(calm):
            calm = now.t
    for part in (zones, tracks, drills):
        part.end()
    if not math.isnan(calm):
        quiet.append((calm, last))
    found = [*zones.stimuli, *tracks.stimuli, *drills.stimuli, *equipment.stimuli, *words.stimuli]
    found = [_stopped(stimulus, acts) for stimulus in found]
    found.sort(key=lambda s: (s.opened, s.task, s.about))
    return Sheet(
        tuple(found), tuple(acts), seats.seatings(), tuple(quiet), tuple(drills.doubted), (first, last),
            site.policy.frame_s, frames, tuple(passed.trials))


def _stopped(stimulus: Stimulus, acts: list[Act]) -> Stimulus:
    """A stimulus with what the run's own pace and breaks make of it."""
    pace, timed = PACE_ONE, True
    # what came before a branch stands in the record that was branched from, and counts there
    void = any(act.kind == BREAK and act.subject == "branched" and stimulus.opened <= act.t for act in acts)
    for act in acts:
        if act.t > stimulus.closes:
            break
        if act.kind == PACE:
            pace = _number(act.subject) or 0.0
            timed &= act.t < stimulus.opened or pace == PACE_ONE
        elif act.t >= stimulus.opened and act.kind == BREAK:
            void |= act.subject in VOIDS
            timed &= act.subject not in STOPS
        if act.t <= stimulus.opened and act.kind == PACE:
            timed = pace == PACE_ONE
    return stimulus if timed and not void else replace(stimulus, timed=timed, void=void)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
