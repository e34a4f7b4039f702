"""The scorer ranks people of known skill, tells slow from wrong, and is not taken in by who leans
on the system.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from exercise_builders import Problem, moments, range_site, recorded
from scipy.stats import kendalltau

from skywarden.exercise.examination import examine
from skywarden.exercise.of_record import score_record
from skywarden.exercise.policies import COMPLACENT, DISTRUSTING, EXPERT, Policy, play, trials
from skywarden.exercise.reading import instants
from skywarden.exercise.score import axis, decision_quality, reliance
from skywarden.exercise.sheet import read
from skywarden.exercise.stimulus import Stimulus, Trial

EVERY_S = 40.0


def posed(dangerous: int, harmless: int, blind: int = 0, wrong: int = 0) -> list[Problem]:
    """Problems one after the other: dangers and harmless ones; `blind` of the former unseen,
    `wrong` of the latter warned.
    """
    kinds = [(0.9, k >= blind) for k in range(dangerous)] + [(0.1, k < wrong) for k in range(harmless)]
    order = np.random.default_rng(1).permutation(len(kinds))
    return [Problem(10.0 + EVERY_S * k, kinds[j][0], warned=2.0 if kinds[j][1] else None) for k, j in enumerate(order)]


def read_off(problems: Sequence[Problem]) -> list[Stimulus]:
    """What there is to decide in the pictures of these problems."""
    made = moments(problems, [(0.0, "take", "watch", "x")], 20.0 + EVERY_S * len(problems), step=2.0)
    return list(read(instants(made), range_site()).stimuli)


@pytest.fixture(scope="module")
def sheet() -> list[Stimulus]:
    """120 zones to warn, unseen by the system, and 120 to spare."""
    return [s for s in read_off(posed(120, 120, blind=120)) if s.task == "alarm"]


def sensitivity(found: list[Trial]) -> tuple[float, float, tuple[float, float]]:
    told = axis("alarm", [found])["detection"]
    return told["d_prime"], told["c"], tuple(told["d_prime_interval"])


@pytest.mark.parametrize("runs", [12, pytest.param(100, marks=pytest.mark.prove)])
def test_five_people_of_known_skill_come_out_in_their_order(sheet: list[Stimulus], runs: int) -> None:
    skills = (0.5, 1.0, 1.5, 2.0, 2.5)
    taus, whole = [], 0
    for run in range(runs):
        chance = np.random.default_rng([41, run])
        found = [sensitivity(trials(sheet, Policy(f"d{skill}", skill), chance))[0] for skill in skills]
        taus.append(float(kendalltau(skills, found).statistic))
        whole += found == sorted(found)
    assert float(np.mean(taus)) >= 0.95
    assert whole / runs >= (0.8 if runs >= 100 else 0.6)


@pytest.mark.parametrize("runs", [12, pytest.param(1000, marks=pytest.mark.prove)])
def test_who_leans_to_yes_and_who_to_no_are_told_apart_at_equal_skill(sheet: list[Stimulus], runs: int) -> None:
    ordered = held = 0
    for run in range(runs):
        chance = np.random.default_rng([43, run])
        found = [sensitivity(trials(sheet, Policy("c", 1.5, lean), chance)) for lean in (-0.5, 0.0, 0.5)]
        ordered += found[0][1] < found[1][1] < found[2][1]
        held += sum(low <= 1.5 <= high for _, _, (low, high) in found)
    assert ordered / runs >= 0.95
    assert 0.92 <= held / (3 * runs) <= 0.98 if runs >= 1000 else held / (3 * runs) >= 0.8


def test_slow_but_right_and_fast_but_wrong_come_apart_on_their_own_axes(sheet: list[Stimulus]) -> None:
    slow = trials(sheet, Policy("slow", 4.0, median_s=10.0), np.random.default_rng(1))
    fast = trials(sheet, Policy("fast", 0.5, median_s=1.0), np.random.default_rng(2))
    assert decision_quality(slow) > 0.9 > 0.7 > decision_quality(fast)

    def typical(found: list[Trial]) -> float:
        return median(t.seconds for t in found if t.acted and math.isfinite(t.seconds))

    assert typical(slow) > 5.0 * typical(fast)


@pytest.mark.parametrize("runs", [40, pytest.param(400, marks=pytest.mark.prove)])
def test_who_leans_on_the_system_looks_like_an_expert_until_it_errs(runs: int) -> None:
    sheet = read_off(posed(40, 40, blind=8, wrong=8))
    off = [s for s in sheet if not s.traps]
    failed = passed = 0
    apart = []
    for run in range(runs):
        chance = np.random.default_rng([47, run])
        leaning, expert = (trials(off, policy, chance) for policy in (COMPLACENT, EXPERT))
        apart.append(np.mean([t.right for t in leaning]) - np.mean([t.right for t in expert]))
        failed += not examine(trials(sheet, COMPLACENT, chance)).passed
        passed += examine(trials(sheet, EXPERT, chance)).passed
    assert abs(float(np.mean(apart))) <= 0.02
    assert failed / runs >= 0.95
    assert passed / runs >= 0.8


def test_who_undoes_what_the_system_does_right_is_told_apart_from_who_believes_all_of_it() -> None:
    sheet, chance = read_off(posed(40, 40, blind=8, wrong=8)), np.random.default_rng(5)
    distrusting, leaning = (reliance(trials(sheet, policy, chance)) for policy in (DISTRUSTING, COMPLACENT))
    assert distrusting["overrode_when_right"] > 0.2 > 0.05 > leaning["overrode_when_right"]
    assert leaning["followed_when_wrong"] > 0.8


def test_what_a_policy_plays_scores_the_same_from_a_record_of_its_acts(tmp_path: Path) -> None:
    problems = posed(8, 8, blind=4, wrong=4)
    sheet = read_off(problems)
    policy = Policy("p", 1.5, median_s=4.0, spread=0.0)
    acts = play(sheet, policy, np.random.default_rng(3))
    commands = [(0.0, "take", "watch", "p"), *((act.t, act.kind, act.subject, "p") for act in acts)]
    path = recorded(tmp_path / "p.rec", moments(problems, commands, 20.0 + EVERY_S * 16, step=2.0))
    from_record = score_record(path)["people"]["p"]["tasks"]["alarm"]
    played = axis("alarm", [trials(sheet, policy, np.random.default_rng(3))])
    assert from_record["detection"] == played["detection"]
    assert from_record["regret_people"] == played["regret_people"]
