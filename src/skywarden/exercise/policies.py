"""Simulated trainees of known skill. They see what could be known and no truth; forms are judged by
them, and so is the scorer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden.exercise.on_tracks import SURELY
from skywarden.exercise.oracle import DISMISS, SPARE, WARN
from skywarden.exercise.reading import ANSWER, NOTE, SAY, Act
from skywarden.exercise.settle import settle
from skywarden.exercise.stimulus import Stimulus, Trial
from skywarden.messages.commands import ACKNOWLEDGE, ALARM, CONSENT, CORRECT, HOLD, RECLASSIFY


class Policy(NamedTuple):
    """How somebody decides.

    d_prime    how well signal and noise are told apart; `criterion` which way the answer leans,
               above 0 to no
    median_s   time to act [s], lognormal; `spread` standard deviation of its logarithm
    lapse      share of what asks for an act that is missed altogether
    trust      share of decisions in which the system's own act is taken over unseen
    """

    name: str
    d_prime: float
    criterion: float = 0.0
    median_s: float = 2.5
    spread: float = 0.3
    lapse: float = 0.0
    trust: float = 0.0


NOVICE = Policy("novice", 0.8, 0.1, 4.0, 0.5, 0.20, 0.2)
LEARNER = Policy("learner", 1.6, 0.0, 3.5, 0.4, 0.10, 0.2)
COMPETENT = Policy("competent", 3.4, 0.0, 2.5, 0.3, 0.02, 0.1)
EXPERT = Policy("expert", 4.6, 0.0, 2.0, 0.25, 0.005, 0.05)
COMPLACENT = Policy("complacent", 4.6, 0.0, 2.0, 0.25, 0.005, 0.97)
DISTRUSTING = Policy("distrusting", 1.0, 0.0, 2.5, 0.3, 0.01, -0.5)     # half of what the system does is undone unseen
POLICIES = (NOVICE, LEARNER, COMPETENT, EXPERT, COMPLACENT)             # by which forms are judged
DECISIONS = ("alarm", "judge", "consent")


def play(stimuli: Sequence[Stimulus], policy: Policy, chance: np.random.Generator) -> list[Act]:
    """What a policy does about each stimulus, in the order of time. Nothing of what it does
    changes another stimulus.

    stimuli  what there was to decide, one after the other
    chance   generator of random numbers
    """
    acts = [act for stimulus in stimuli for act in _met(stimulus, policy, chance)]
    return sorted(acts, key=lambda act: act.t)


def trials(stimuli: Sequence[Stimulus], policy: Policy, chance: np.random.Generator) -> list[Trial]:
    """The trials that its acts make, settled as anybody's are.

    stimuli  what there was to decide, one after the other
    policy   what the simulated trainee does about it
    chance   generator of random numbers
    """
    by_subject: dict[str, list[Act]] = {}
    for act, about in ((act, s.about) for s in stimuli for act in _met(s, policy, chance)):
        by_subject.setdefault(about, []).append(act)
    return [settle(s, policy.name, sorted(by_subject.get(s.about, ()), key=lambda act: act.t)) for s in stimuli]


def _met(s: Stimulus, policy: Policy, chance: np.random.Generator) -> list[Act]:
    seen, strays, evidence, delay = chance.random(), chance.random(), chance.standard_normal(), chance.standard_normal()
    wait = policy.median_s * math.exp(policy.spread * delay)
    since = s.opened if math.isnan(s.known) else s.known
    if s.task == "detect":
        return []           # the alarm about the same zone is the act
    if s.task not in DECISIONS:
        return [] if seen < policy.lapse else _done(s, since + wait, policy.name)
    yes = 0.5 * (1.0 if s.signal else -1.0) * policy.d_prime * _plainness(s) + evidence > policy.criterion
    automatic = s.automation[0] not in (SPARE, DISMISS)
    if s.automation[0] and s.task != "consent" and strays < abs(policy.trust):
        yes = automatic if policy.trust > 0.0 else not automatic
    if seen < policy.lapse:
        return []
    return _decided(s, bool(yes), automatic, since, wait, policy.name)


def _plainness(s: Stimulus) -> float:
    """Factor on how well a stimulus is told apart: a track that surely is what it is looks
    twice as plain.
    """
    sure = s.knowledge.probability[-1] if s.task == "judge" and s.knowledge.probability else 0.5
    return 2.0 if sure >= SURELY or sure <= 1.0 - SURELY else 1.0


def _decided(s: Stimulus, yes: bool, automatic: bool, since: float, wait: float, who: str) -> list[Act]:
    """The act that an answer of yes or no calls for; none where the system has done so already."""
    name = s.about.partition(" ")[2]
    if s.task == "consent":
        return [Act(since + wait, CONSENT, name, who, "", False)] if yes else []
    if s.task == "judge":
        return [] if yes else [Act(since + wait, RECLASSIFY, f"{name} other", who, "", False)]
    if yes == automatic:
        return []
    began = s.automation[1] if s.automation[0] == WARN and math.isfinite(s.automation[1]) else since
    return [Act(max(began, s.opened) + wait, ALARM if yes else CORRECT, name, who, "", False)]


def _done(s: Stimulus, t: float, who: str) -> list[Act]:
    """The prescribed acts of a task that is done or missed."""
    name = s.about.partition(" ")[2]
    if s.task == "acknowledge":
        return [Act(t, ACKNOWLEDGE, name, who, "", False)]
    if s.task == "hold":
        return [Act(t, HOLD, "all", who, "", False)]
    if s.task in ("radar", "channel"):
        words = {NOTE: s.about, SAY: "- crew", HOLD: "all"}
        return [Act(t + 0.5 * k, step, words[step], who, "", False) for k, step in enumerate(s.steps)]
    said = " ".join(field.partition("|")[0] for field in s.fields)
    return [Act(t, SAY if s.task == "message" else ANSWER, s.about, who, said, False)]


__all__ = ["COMPLACENT", "DISTRUSTING", "EXPERT", "POLICIES", "Policy", "play", "trials"]
