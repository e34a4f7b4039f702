"""How skill fades, and how probably a shift can do its work: one prior from what others measured,
updated by own data.

Source: docs/models/scoring.md, Readiness. Skill is on the scale of z, the normal quantile of the
share done right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from skywarden.exercise.sequential import NOT_ENOUGH
from skywarden.messages.tables import Array

MONTH = 30.4375 * 86_400.0      # s
# standard deviations of skill lost in a month without practice (meta-analysis, accuracy)
FADES = 0.08
FADES_SIGMA = 0.04              # standard deviation of that between people and skills
AT_FIRST = (0.0, 1.0)           # skill before any trial: mean and standard deviation
PRACTICE_SIGMA = 0.15           # standard deviation of what one exercise adds to a skill, or takes
CURRENT = 0.8                   # probability below which somebody has to refresh a skill
ENOUGH = float(ndtri(NOT_ENOUGH))       # skill from which one can be on a shift


class Skill(NamedTuple):
    """What is believed of a skill at a time: mean and covariance of (skill, loss a month)."""

    t: float            # [s since 1970]
    mean: Array         # (2,)
    covariance: Array   # (2, 2)

    def later(self, t: float) -> Skill:
        """The same at a later time [s since 1970], not practised in between.

        t  time [s since 1970]
        """
        months = max(t - self.t, 0.0) / MONTH
        step = np.array([[1.0, -months], [0.0, 1.0]])
        return Skill(t, step @ self.mean, step @ self.covariance @ step.T)

    def enough(self, t: float) -> float:
        """Probability that it is enough at a time.

        t  time [s since 1970]
        """
        then = self.later(t)
        return float(ndtr((then.mean[0] - ENOUGH) / math.sqrt(max(float(then.covariance[0, 0]), 1e-12))))

    def interval(self, t: float, level: float = 0.8) -> tuple[float, float]:
        """Interval that holds the share done right at a time with probability `level`.

        t  time [s since 1970]
        """
        then = self.later(t)
        half = float(ndtri(0.5 + 0.5 * level)) * math.sqrt(max(float(then.covariance[0, 0]), 0.0))
        return float(ndtr(then.mean[0] - half)), float(ndtr(then.mean[0] + half))


def follow(days: Sequence[tuple[float, int, int]]) -> Skill | None:
    """What is believed of a skill after exercises; None of none.

    days  (when [s since 1970], trials done right, trials), oldest first

    A Kalman filter on the skill and on its own loss a month: a person who fades faster than others
    is soon known to.
    """
    if not days:
        return None
    skill = Skill(days[0][0], np.array([AT_FIRST[0], FADES]), np.diag([AT_FIRST[1] ** 2, FADES_SIGMA**2]))
    for t, right, n in days:
        skill = skill.later(t)
        share = (right + 0.5) / (n + 1.0)
        z = float(ndtri(share))
        density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
        noise = share * (1.0 - share) / (n * density * density)
        covariance = skill.covariance + np.diag([PRACTICE_SIGMA**2, 0.0])
        gain = covariance[:, 0] / (covariance[0, 0] + noise)
        skill = Skill(t, skill.mean + gain * (z - skill.mean[0]), covariance - np.outer(gain, covariance[0]))
    return skill


def ready(current: Sequence[Sequence[float]], needed: int) -> float:
    """Probability that at least `needed` people of a shift are current, in every competency.

    current  by competency, each person's probability of being so; they are taken as independent
    """
    return math.prod(_at_least(needed, people) for people in current)


def _at_least(needed: int, people: Sequence[float]) -> float:
    """Exact, by adding one person after another."""
    exactly = np.zeros(len(people) + 1)
    exactly[0] = 1.0
    for p in people:
        exactly[1:] = exactly[1:] * (1.0 - p) + exactly[:-1] * p
        exactly[0] *= 1.0 - p
    return float(exactly[needed:].sum()) if needed <= len(people) else 0.0
