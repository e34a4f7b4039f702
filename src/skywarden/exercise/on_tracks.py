"""Decisions about tracks: a real round, or none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from skywarden.exercise import oracle
from skywarden.exercise.oracle import DISMISS, KEEP
from skywarden.exercise.reading import Act, Instant
from skywarden.exercise.stimulus import WRONG, Knowledge, Stimulus
from skywarden.messages.commands import RECLASSIFY
from skywarden.site.model import Site

SURELY = 0.95           # probability from which what is called no round, with people under it, is a gate event
LOST_S = 2.0            # time after which a track that is no longer in the picture is gone [s]
LIKELY = 0.5            # probability from which the system takes a track for a round


@dataclass
class _Open:
    """A track's decision while it lasts."""

    t: list[float] = field(default_factory=list)
    probability: list[float] = field(default_factory=list)
    due: list[float] = field(default_factory=list)
    stake: list[float] = field(default_factory=list)
    shelter: list[float] = field(default_factory=list)
    system: list[float] = field(default_factory=list)       # the system's own probability, before anybody's word
    peopled: bool = False
    frozen: bool = False
    seen: float = -math.inf


class Tracks:
    """Collects what there was to decide about each track that endangered people; fed instants
    in their order.
    """

    def __init__(self, site: Site) -> None:
        self._site, self._open, self._done = site, dict[int, _Open](), set[int]()
        self.stimuli: list[Stimulus] = []

    def take(self, now: Instant, said: Mapping[int, float]) -> None:
        """One instant, and by how much what is said of each track moves its odds.

        now  this instant of the record
        """
        named = {track for track in map(named_track, now.acts) if track is not None}
        for track in named & self._open.keys():
            self._open[track].frozen = True
        for track, (stake, shelter, due, peopled) in self._threats(now).items():
            if track not in self._done and (track in self._open or stake > 0.0):
                self._note(track, now, said.get(track, 1.0), stake, shelter, due, peopled)
        for number in now.picture.tracks.number.tolist():
            if number in self._open:
                self._open[number].seen = now.t
        for track in [track for track, episode in self._open.items() if now.t - episode.seen > LOST_S]:
            self._close(track)

    def end(self) -> None:
        """The record is over: what is open is closed."""
        for track in sorted(self._open):
            self._close(track)

    def _threats(self, now: Instant) -> dict[int, tuple[float, float, float, bool]]:
        """By track: people endangered if it is a round, shelter time of the first zone,
        impact [s], whether anybody is there.
        """
        impacts, threats, zones = now.picture.impacts, now.picture.threats, self._site.zones
        sure = dict(zip(impacts.track.tolist(), impacts.p_projectile.tolist(), strict=True))
        found: dict[int, tuple[float, float, float, bool]] = {}
        rows = zip(threats.track.tolist(), threats.zone.tolist(), threats.probability.tolist(), threats.t.tolist(),
            strict=True)
        for track, zone, probability, due in rows:
            believed = sure.get(track, 0.0)
            if zone < len(zones) and believed > 0.0 and probability >= self._site.policy.clear_probability:
                stake, shelter, first, peopled = found.get(track, (0.0, 0.0, math.inf, False))
                share = min(1.0, probability / believed)
                found[track] = (
                    stake + share * zones[zone].people, max(shelter, zones[zone].shelter_s), min(first, due),
                    peopled or zones[zone].people >= 1.0)
        return found

    def _note(
        self, track: int, now: Instant, factor: float, stake: float, shelter: float, due: float, peopled: bool,
    ) -> None:
        impacts = now.picture.impacts
        believed = float(impacts.p_projectile[int((impacts.track == track).argmax())])
        episode = self._open.setdefault(track, _Open())
        episode.seen = now.t
        if episode.frozen:
            return
        episode.peopled |= peopled
        row = (now.t, oracle.weighed(believed, factor), due, stake, shelter, believed)
        columns = (episode.t, episode.probability, episode.due, episode.stake, episode.shelter, episode.system)
        for column, value in zip(columns, row, strict=True):
            column.append(value)

    def _close(self, track: int) -> None:
        episode = self._open.pop(track)
        self._done.add(track)
        if not episode.t:
            return
        row = _decided(episode)
        decide, due = episode.t[row], episode.due[row]
        known = Knowledge(
            tuple(episode.t), tuple(episode.probability), tuple(episode.due), tuple(episode.stake))
        price = self._site.policy.warn_probability
        plain = Stimulus(
            "judge", f"track {track}", episode.t[0], max(due, decide), decide, KEEP, knowledge=known,
            price=price, grave=(DISMISS,) if episode.peopled else ())
        best, _ = best_for_track(plain, row)
        system = KEEP if episode.system[row] >= LIKELY else DISMISS
        wrong = (system == KEEP) != (best == KEEP) and episode.system[row] != episode.probability[row]
        first = next((t for k, t in enumerate(known.t) if best_for_track(plain, k)[0] == best), math.nan)
        shown: tuple[tuple[str, float | str], ...] = (
            ("probability", known.probability[row]), ("system's probability", episode.system[row]),
            ("people under it", known.stake[row]), ("seconds to impact", due - decide))
        self.stimuli.append(Stimulus(
            "judge", plain.about, plain.opened, plain.closes, decide, best, -1, first, best == KEEP,
                (system, plain.opened),
            known, 0.0, price, grave=plain.grave, traps=(WRONG,) if wrong else (), shown=shown))


def losses_of_track(stimulus: Stimulus, row: int) -> tuple[float, float]:
    """Expected loss of keeping a track as a round, and of dismissing it, with what is known at
    an entry.

    stimulus  what there was to decide, with what was known then
    row       row of the track in the picture of that moment
    """
    p, stake = stimulus.knowledge.probability[row], stimulus.knowledge.stake[row]
    return oracle.loss_of_keeping(p, stake, stimulus.price), oracle.loss_of_dismissing(p, stake)


def best_for_track(stimulus: Stimulus, row: int) -> tuple[str, float]:
    """The act of the least expected loss about a track as it was known at an entry, and that
    loss.

    stimulus  what there was to decide, with what was known then
    row       row of the track in the picture of that moment
    """
    keep, dismiss = losses_of_track(stimulus, row)
    return (KEEP, keep) if keep <= dismiss else (DISMISS, dismiss)


def named_track(act: Act) -> int | None:
    """The track of which somebody says what it is, whom the system believes; None of any other
    act.
    """
    if act.kind != RECLASSIFY or act.shadow:
        return None
    number = act.subject.partition(" ")[0]
    return int(number) if number.isdecimal() and len(number) < 19 else None


def _decided(episode: _Open) -> int:
    """The last entry at which waiting cost nobody shelter."""
    last = 0
    for k, (t, due, shelter) in enumerate(zip(episode.t, episode.due, episode.shelter, strict=True)):
        if due - shelter < t:
            break
        last = k
    return last
