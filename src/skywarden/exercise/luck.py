"""What chance added: loss in hindsight less loss as it could be expected. Told to the learner, part
of no grade.

This file alone of the exercise's scores reads what was true, and nothing that grades imports it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from skywarden.exercise.oracle import SPARE, WARN, unsheltered
from skywarden.exercise.stimulus import Trial
from skywarden.kernels.geometry.polygon import distance
from skywarden.messages.moment import Moment
from skywarden.messages.truth import FELL, TrueRounds
from skywarden.site.model import Site

AROUND_S = 5.0          # time around a decision in which an impact belongs to it [s]


class Fall(NamedTuple):
    """A round that really came down: when [s], and the zones it endangered."""

    t: float
    zones: frozenset[int]


class Falls:
    """Collects what really fell where, as moments pass by."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rounds: TrueRounds | None = None

    def watching(self, moments: Iterable[Moment]) -> Iterator[Moment]:
        """The same moments; what fell is noted on the way."""
        for moment in moments:
            if moment.truth is not None:
                self._rounds = moment.truth.rounds
            yield moment

    def found(self) -> list[Fall]:
        """Every round that fell, so far."""
        rounds = self._rounds
        if rounds is None:
            return []
        fell = np.flatnonzero(rounds.outcome == FELL)
        return [Fall(float(rounds.t_impact[k]), self._under(rounds.impact[k, :2])) for k in fell]

    def _under(self, place: np.ndarray) -> frozenset[int]:
        radius = self._site.policy.hazard_radius
        return frozenset(
            k for k, zone in enumerate(self._site.zones) if distance(zone.polygon, float(place[0]),
                float(place[1])) <= radius)


def luck(trial: Trial, falls: Sequence[Fall]) -> float:
    """Loss in hindsight less the loss that could be expected of the same act [people]; nan of
    what has no expected loss.

    trial  a decision as it was met
    falls  where and when each round came down
    """
    s = trial.stimulus
    if s.task != "alarm" or trial.act not in (WARN, SPARE) or math.isnan(trial.loss):
        return math.nan
    hits = [fall.t for fall in falls if s.zone in fall.zones and s.opened - AROUND_S <= fall.t <= s.closes + AROUND_S]
    people = s.knowledge.stake[0]
    if trial.act == SPARE:
        return (people if hits else 0.0) - trial.loss
    warned = trial.at if math.isfinite(trial.at) else s.automation[1]
    open_then = unsheltered(min(hits) - warned, s.shelter) if hits else 0.0
    return people * open_then + s.price * people - trial.loss
