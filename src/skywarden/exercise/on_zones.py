"""Decisions about zones: to warn or to spare one, to see a warning, to see what the system does
not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from skywarden.exercise import oracle
from skywarden.exercise.on_tracks import named_track
from skywarden.exercise.oracle import SPARE, WARN, Danger
from skywarden.exercise.reading import Instant
from skywarden.exercise.stimulus import GONE, SURFEIT, WRONG, Knowledge, Stimulus
from skywarden.messages.picture import CLEAR, RAISE
from skywarden.site.model import Site

LONGEST_S = 10.0        # time to acknowledge a warning, where there is so much [s]
SHORTEST_S = 3.0        # time to acknowledge that anybody is given [s]
QUIET_S = 10.0          # time without danger after which a zone's decision is over [s]
WORTHY = 0.25           # share of the price of a warning, as a probability, from which a zone asks for a decision
GRACE_S = 2.0           # time after which the system is taken not to see what it has not warned of [s]
MANY = 4                # zones to decide about at once, from which there is too much


@dataclass
class _Open:
    """A zone's decision while it lasts."""

    t: list[float] = field(default_factory=list)
    probability: list[float] = field(default_factory=list)
    due: list[float] = field(default_factory=list)
    endangered: float = -math.inf       # last time it was in danger [s]
    unwarned: list[float] = field(default_factory=list)
    warned: list[float] = field(default_factory=list)
    tracks: set[int] = field(default_factory=set)       # the likeliest of each frame
    told: bool = False                  # somebody said what it is that comes
    frozen: bool = False                # somebody's word has changed what is believed
    automatic: float = math.nan         # when the system warned by itself [s]
    at_once: int = 1                    # most zones to decide about at the same time
    degraded: bool = False              # a radar was not working
    shown: dict[float, tuple[tuple[str, float | str], ...]] = field(default_factory=dict)


class Zones:
    """Collects what there was to decide about each zone; fed instants in their order."""

    def __init__(self, site: Site) -> None:
        self._site, self._open = site, dict[int, _Open]()
        self._standing: set[int] = set()        # zones warned by the system in the frame before
        self.stimuli: list[Stimulus] = []

    def take(self, now: Instant, danger: Danger, said: Mapping[int, float]) -> None:
        """One instant, each zone's danger, and what is said of tracks.

        now  this instant of the record
        """
        raised = self._warnings(now, danger)
        reclassified = {track for track in map(named_track, now.acts) if track is not None}
        least = max(self._site.policy.clear_probability, 1e-3)
        current: list[int] = []
        for zone, declared in enumerate(self._site.zones):
            threatened = declared.warn and float(danger.probability[zone]) >= least
            if threatened or zone in raised:
                episode = self._open.setdefault(zone, _Open())
                if zone in raised or float(danger.probability[zone]) >= WORTHY * self._site.policy.warn_probability:
                    current.append(zone)
                episode.frozen |= bool(reclassified & episode.tracks)
                self._note(episode, zone, now, danger, raised, said)
            elif zone in self._open:
                episode = self._open[zone]
                episode.frozen |= bool(reclassified & episode.tracks)
                if not episode.frozen and now.t - episode.endangered <= QUIET_S:
                    self._note(episode, zone, now, danger, raised, said)
                if now.t - episode.endangered > QUIET_S:
                    self._close(zone)
        for zone in current:
            self._open[zone].at_once = max(self._open[zone].at_once, len(current))

    def end(self) -> None:
        """The record is over: what is open is closed."""
        for zone in sorted(self._open):
            self._close(zone)

    @property
    def busy(self) -> bool:
        """Whether there is anything to decide just now."""
        return bool(self._open)

    def _note(
        self, episode: _Open, zone: int, now: Instant, danger: Danger, raised: Mapping[int, float],
        said: Mapping[int, float],
    ) -> None:
        if zone in raised and math.isnan(episode.automatic):
            episode.automatic = raised[zone]
        probability, due = float(danger.probability[zone]), float(danger.due[zone])
        if probability >= max(self._site.policy.clear_probability, 1e-3) or not episode.t:
            episode.endangered = now.t
        if episode.frozen:
            return
        episode.tracks.add(int(danger.track[zone]))
        episode.told |= said.get(int(danger.track[zone]), 1.0) != 1.0
        episode.degraded |= bool((now.picture.health.radars != 0).any())
        episode.t.append(now.t)
        episode.probability.append(probability)
        episode.due.append(due)
        episode.unwarned.append(float(danger.unwarned[zone]))
        episode.warned.append(float(danger.warned[zone]))
        episode.shown[now.t] = _shown(now, zone, probability, due)

    def _warnings(self, now: Instant, danger: Danger) -> dict[int, float]:
        """Zones that the system warns by itself, each since when; makes the stimuli to
        acknowledge.
        """
        warnings, raised = now.picture.warnings, {}
        rows = zip(
            warnings.zone.tolist(), warnings.action.tolist(), warnings.since.tolist(), warnings.manual.tolist(),
            warnings.t_impact.tolist(), strict=True)
        for zone, action, since, manual, due in rows:
            if manual or zone >= len(self._site.zones) or action == CLEAR:
                continue
            raised[zone] = since
            if action == RAISE and zone not in self._standing:
                self.stimuli.append(self._to_see(now, zone, due, float(danger.probability[zone])))
        self._standing = set(raised)
        return {zone: since for zone, since in raised.items() if since >= now.t - 1e-9 or zone in self._open}

    def _to_see(self, now: Instant, zone: int, due: float, probability: float) -> Stimulus:
        declared = self._site.zones[zone]
        slack = due - declared.shelter_s - now.t
        limit = max(SHORTEST_S, min(LONGEST_S, slack)) if math.isfinite(slack) else LONGEST_S
        return Stimulus(
            "acknowledge", f"zone {declared.name}", now.t, now.t + limit, now.t + limit, "acknowledge", zone, now.t,
            automation=(WARN, now.t), shown=_shown(now, zone, probability, due))

    def _close(self, zone: int) -> None:
        """Make the stimuli of a zone's decision that is over."""
        episode = self._open.pop(zone)
        if not episode.t:
            return
        declared, price = self._site.zones[zone], self._site.policy.warn_probability
        decide, closes = _decided(episode, declared.shelter_s)
        known = Knowledge(
            tuple(episode.t), tuple(episode.probability), tuple(episode.due), (declared.people,) * len(episode.t),
            tuple(episode.unwarned), tuple(episode.warned))
        costs = self._site.costs
        plain = Stimulus(
            "alarm", f"zone {declared.name}", episode.t[0], closes, decide, WARN, zone, knowledge=known,
            shelter=declared.shelter_s, price=price, worth=costs.hurt_open if costs.stated else 1.0,
            shown=episode.shown[decide])
        first = _first_known(plain)
        plain = replace(plain, known=first)
        automatic = episode.automatic if episode.automatic <= closes else math.nan
        did = (SPARE, math.nan) if math.isnan(automatic) else (WARN, automatic)
        weighed = decide
        if did[0] == WARN and not episode.told:
            then = max(k for k, t in enumerate(known.t) if t <= max(automatic, known.t[0]) + 1e-9)
            # a warning that was right when it was given is held against nobody when the round turns out to miss
            weighed = known.t[then] if best_for_zone(plain, then)[0] == WARN else decide
        best, _ = best_for_zone(plain, known.t.index(weighed))
        if did[0] == best == SPARE and max(known.probability) < WORTHY * price:
            return      # nothing to decide: the danger never came near to being worth a warning
        blind = best == WARN and not automatic <= (decide if math.isnan(first) else max(decide, first)) + GRACE_S
        made: dict[str, Any] = {
            "best": best, "signal": best == WARN, "automation": did, "traps": _traps(best, did[0], blind, episode),
            "weighed": weighed}
        self.stimuli.append(replace(plain, **made))
        if blind and not math.isnan(first):
            last = max(first, closes - declared.shelter_s)
            made |= {"task": "detect", "opened": first, "closes": last}
            self.stimuli.append(replace(plain, **made))


def best_for_zone(stimulus: Stimulus, row: int) -> tuple[str, float]:
    """The act of the least expected loss in a zone as it was known at an entry, and that loss;
    warning in time was open then.

    stimulus  what there was to decide, with what was known then
    row       row of what was known then
    """
    spare, warn = losses_of_zone(stimulus, row, min(stimulus.knowledge.t[row], _early(stimulus)))
    return (WARN, warn) if warn < spare else (SPARE, spare)


def losses_of_zone(stimulus: Stimulus, row: int, when: float) -> tuple[float, float]:
    """Expected loss of sparing a zone, and of warning it at `when` [s], with what is known at
    an entry.

    stimulus  what there was to decide, with what was known then
    row       row of what was known then

    Where the picture carries losses by the site's own costs, those count, and `when` moves but the
    share in the open.
    """
    known = stimulus.knowledge
    p, people, due = known.probability[row], known.stake[row], known.due[row]
    if row < len(known.unwarned) and math.isfinite(known.unwarned[row]) and math.isfinite(known.warned[row]):
        then, now = (oracle.unsheltered(due - t, stimulus.shelter) for t in (when, known.t[row]))
        return known.unwarned[row], known.warned[row] + known.unwarned[row] * (then - now)
    warn = oracle.loss_of_warning(p, people, due - when, stimulus.shelter, stimulus.price)
    return oracle.loss_of_sparing(p, people), warn


def _early(stimulus: Stimulus) -> float:
    return math.inf if math.isnan(stimulus.known) else stimulus.known


def _first_known(stimulus: Stimulus) -> float:
    """First moment, not after the last to decide, at which to warn was best; nan never."""
    for row, t in enumerate(stimulus.knowledge.t):
        if t > stimulus.decide:
            break
        spare, warn = losses_of_zone(stimulus, row, t)
        if warn < spare:
            return t
    return math.nan


def _decided(episode: _Open, shelter: float) -> tuple[float, float]:
    """The last frame in which waiting cost nobody shelter, and the impact after which no act
    helps.
    """
    before = episode.t[0]
    for t, due in zip(episode.t, episode.due, strict=True):
        if due - shelter < t:               # false where no impact is expected
            return before, max(due, before)
        before = t
    ends = [due for due in episode.due if math.isfinite(due)]
    return before, max(before, ends[-1]) if ends else before


def _traps(best: str, automation: str, blind: bool, episode: _Open) -> tuple[str, ...]:
    found = []
    if episode.degraded or blind:
        found.append(GONE)
    if best == SPARE and automation == WARN:
        found.append(WRONG)
    if episode.at_once >= MANY:
        found.append(SURFEIT)
    return tuple(found)


def _shown(now: Instant, zone: int, probability: float, due: float) -> tuple[tuple[str, float | str], ...]:
    silent = int((now.picture.health.radars != 0).sum())
    tracks = int((now.picture.threats.zone == zone).sum())
    return (("probability", probability), ("seconds to impact", due - now.t), ("tracks", tracks), ("radars in doubt",
        silent))
