"""Whether one exercise was passed as an exam: every competency that it asked for, and every family
of traps that it held.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from skywarden.exercise.score import counts_towards
from skywarden.exercise.stimulus import TRAPS, Trial

LEAST_CAUGHT = 0.75     # share of the traps of a family that have to be caught
LEAST_TRAPS = 3         # traps of a family from which an exam asks for them
LEAST_RIGHT = 0.65      # share of a competency's trials to be done right
LEAST_TRIALS = 8       # trials of a competency from which an exam decides about it


class Exam(NamedTuple):
    """What an exam says: passed, and what for not."""

    passed: bool
    why: tuple[str, ...]


def examine(trials: Sequence[Trial]) -> Exam:
    """Judge one exercise: no gate event, each competency shown where enough was asked, every
    family of traps
    caught.

    trials  decisions as they were met
    """
    counted = [trial for trial in trials if not trial.stimulus.void]
    why = [f"gate event: {trial.gate}" for trial in counted if trial.gate]
    for competency in sorted({t.stimulus.competency for t in counted}):
        outcomes = [t.right for t in counted if t.stimulus.competency == competency and counts_towards(t)]
        if len(outcomes) >= LEAST_TRIALS and sum(outcomes) < LEAST_RIGHT * len(outcomes):
            why.append(f"{competency}: {sum(outcomes)} of {len(outcomes)} right")
    for family in TRAPS:
        met = [t.right for t in counted if family in t.stimulus.traps]
        if len(met) >= LEAST_TRAPS and sum(met) < LEAST_CAUGHT * len(met):
            why.append(f"traps ({family}): {sum(met)} of {len(met)} caught")
    return Exam(not why, tuple(why))
