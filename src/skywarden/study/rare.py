"""Probabilities too small to count: adaptive multilevel splitting, whose moves draw a few named
streams of a run's chance anew.

Cérou, Del Moral, Furon and Guyader (2012). Particles that pass a level are kept and varied under
the condition that they go on passing it; the probability
is the product of the shares that passed. Particles are means to a number: no table of them is given
out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

KEPT = 0.5  # share of particles that a level aims to keep
MOST_LEVELS = 100
MOST_REDRAWN = 3  # streams drawn anew by one move


class Luck(NamedTuple):
    """A run's chance: its seed, and streams that are drawn anew, each with the number of its new
    draw.
    """

    seed: int
    redrawn: tuple[tuple[str, int], ...] = ()


class Estimate(NamedTuple):
    """A probability from independent repeats, the interval of their mean, and what it took."""

    value: float
    low: float
    high: float
    repeats: tuple[float, ...]
    runs: int
    levels: tuple[int, ...]


Score = Callable[[Sequence[Luck]], Sequence[tuple[float, Sequence[str]]]]


def estimate(
    score: Score,
    level: float,
    less: bool,
    particles: int,
    repeats: int,
    moves: int,
    confidence: float,
    seed: int,
    told: Callable[[int, int], None] = lambda repeat, runs: None,
) -> Estimate:
    """Probability that a run's score reaches `level`.

    score       answers for many runs at once, each with its score and the names of the streams it
                drew from
    less        whether small scores are the rare ones
    told        called as it goes on: repeats done, runs made
    particles   number of runs at each level
    moves       number of redraws that each run is moved by at each level
    confidence  confidence of the interval, 0 to 1
    seed        seed of the random numbers
    """
    found, levels, runs = [], [], 0
    for repeat in range(repeats):
        one = _Splitting(score, less, np.random.default_rng([seed, repeat]), particles, moves)
        found.append(one.run(level, seed + repeat * particles))
        levels.append(one.levels)
        runs += one.runs
        told(repeat + 1, runs)
    value = float(np.mean(found))
    reach = float(student.ppf(0.5 + 0.5 * confidence, repeats - 1) * np.std(found, ddof=1) / math.sqrt(repeats))
    return Estimate(value, max(value - reach, 0.0), min(value + reach, 1.0), tuple(found), runs, tuple(levels))


class _Splitting:
    """One repeat."""

    def __init__(self, score: Score, less: bool, rng: np.random.Generator, particles: int, moves: int) -> None:
        self._score, self._sign, self._rng = score, -1.0 if less else 1.0, rng
        self._particles, self._moves = particles, moves
        self.runs = self.levels = 0

    def run(self, level: float, first_seed: int) -> float:
        """The probability; 0 where the particles die out on the way."""
        goal = self._sign * level
        luck = [Luck(first_seed + k) for k in range(self._particles)]
        scores, names = self._scored(luck)
        share = 1.0
        while self.levels < MOST_LEVELS:
            passed = scores >= goal
            threshold = self._threshold(scores, goal)
            if threshold >= goal:
                return share * float(passed.mean())
            keep = scores >= threshold
            if not keep.any():
                return 0.0
            share *= float(keep.mean())
            self.levels += 1
            luck, scores = self._varied([luck[k] for k in np.flatnonzero(keep)], scores[keep], names, threshold)
        return 0.0

    def _threshold(self, scores: np.ndarray, goal: float) -> float:
        """The next level: what half the particles reach, else, where many are equal, the next
        better score that some do.
        """
        ordered = np.sort(scores)[::-1]
        wanted = float(ordered[max(int(KEPT * len(scores)) - 1, 0)])
        if wanted <= ordered[-1]:  # all that is worst would be kept again, and no step made
            better = ordered[ordered > ordered[-1]]
            wanted = float(better[-1]) if better.size else goal
        return min(wanted, goal)

    def _varied(
        self, luck: list[Luck], scores: np.ndarray, names: list[str], threshold: float
    ) -> tuple[list[Luck], np.ndarray]:
        """As many particles as before, each from one that passed, varied by moves that keep what
        still passes.
        """
        rows = np.concatenate([np.arange(len(luck)), self._rng.integers(0, len(luck), self._particles - len(luck))])
        now, reached = [luck[k] for k in rows], scores[rows].copy()
        for _ in range(self._moves):
            tried = [self._moved(one, names) for one in now]
            got, _ = self._scored(tried)
            for k in np.flatnonzero(got >= threshold):
                now[k], reached[k] = tried[k], got[k]
        return now, reached

    def _moved(self, luck: Luck, names: list[str]) -> Luck:
        count = int(self._rng.integers(1, min(MOST_REDRAWN, len(names)) + 1))
        redrawn = dict(luck.redrawn)
        for k in self._rng.choice(len(names), count, replace=False):
            redrawn[names[int(k)]] = int(self._rng.integers(1, 2**62))
        return Luck(luck.seed, tuple(sorted(redrawn.items())))

    def _scored(self, luck: list[Luck]) -> tuple[np.ndarray, list[str]]:
        answers = self._score(luck)
        self.runs += len(luck)
        names = sorted({name for _, drawn in answers for name in drawn})
        return np.array([self._sign * score for score, _ in answers]), names
