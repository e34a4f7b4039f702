"""One person's course through one competency: attempts, mastery, loss of it, from the trials of
sealed exercises alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from skywarden.exercise import sequential
from skywarden.exercise.score import counts_towards
from skywarden.exercise.sequential import MASTERED, NOT_YET, UNKNOWN
from skywarden.exercise.signal import proportion
from skywarden.exercise.stimulus import Trial

DAY = 86_400.0          # s
AGAIN_S = 7 * DAY       # time to train in before another attempt counts [s]
LASTS_S = 365 * DAY     # time for which mastery counts without a trial [s]


class Sitting(NamedTuple):
    """One person's part of one sealed exercise.

    at        when it began [s since 1970]; `until` when it ended
    form      which form it was; `seen` whether the person had met it before
    assessed  what assessors said: who, and whether passed
    mentors   who taught this person
    """

    record: str
    seal: str
    form: str
    at: float
    until: float
    seat: str
    trials: tuple[Trial, ...]
    seen: bool = False
    assessed: tuple[tuple[str, bool], ...] = ()
    mentors: tuple[str, ...] = ()


class Course(NamedTuple):
    """Where somebody is with a competency; `since` when that was decided [s since 1970], None
    while unknown.
    """

    state: str
    attempt: int
    since: float | None
    last: float | None      # newest trial [s since 1970]
    n: int                  # trials, ever
    right: int
    gates: int              # gate events, ever
    expired: bool

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share done right."""
        return proportion(self.right, self.n)


def course(sittings: Sequence[Sitting], competency: str, now: float) -> Course:
    """Follow a competency through the sittings, oldest first, up to `now` [s since 1970].

    A gate event, or a test that refuses, ends an attempt; the next begins with the first sitting a
    week later. Mastery goes on being tested by what follows, and lapses after a year without a
    trial.
    """
    state, attempt, since, last, gates = UNKNOWN, 1, None, None, 0
    outcomes: list[bool] = []
    for sitting in sittings:
        mine = [t for t in sitting.trials if t.stimulus.competency == competency and counts_towards(t)]
        if not mine or sitting.at > now:
            continue
        if state == MASTERED and last is not None and sitting.at - last > LASTS_S:
            state, attempt, since, outcomes = UNKNOWN, 1, None, []
        if state == NOT_YET and since is not None and sitting.at - since >= AGAIN_S:
            state, attempt, since, outcomes = UNKNOWN, attempt + 1, None, []
        for trial in mine:
            last = sitting.at + trial.stimulus.opened
            gates += bool(trial.gate)
            if state == NOT_YET:
                continue
            outcomes.append(trial.right)
            found = sequential.verdict(outcomes, attempt).state
            if trial.gate or found == NOT_YET:
                state, since = NOT_YET, last
            elif found == MASTERED:     # from here on a new test watches over it
                state, since, outcomes = MASTERED, last if state != MASTERED else since, []
    expired = state == MASTERED and last is not None and now - last > LASTS_S
    counted = _counted(sittings, competency, now)
    return Course(
        UNKNOWN if expired else state, attempt, since, last, len(counted), sum(counted), gates, expired)


def _counted(sittings: Sequence[Sitting], competency: str, now: float) -> list[bool]:
    """Every trial of a competency, done right or not."""
    return [t.right for s in sittings if s.at <= now for t in s.trials
            if t.stimulus.competency == competency and counts_towards(t)]
