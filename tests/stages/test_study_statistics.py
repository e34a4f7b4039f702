"""Figures of many runs: intervals hold as often as they say, whenever a study stops, and
differences are found as seldom as they should.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import binom

from skywarden.study import analysis, stopping
from skywarden.study.plan import Wanted
from skywarden.study.rare import estimate
from skywarden.study.siting.covering import Problem, lagrangian, solve, value_of
from skywarden.study.siting.selection import select
from skywarden.study.statistics import difference, holm, mean, proportion, share

LEAK = 0.1274  # chance of one round to leak in the law of leak counts


def rows(name, values):
    """One run a seed, with one column."""
    return [[{name: float(value)}] for value in values]


def until_enough(draw, wanted, designs, most=1024):
    """Findings of a study whose runs `draw(n)` gives by design, at the look at which it stops."""
    for look, runs in stopping.looks(most):
        blocks = {design: rows(wanted.name, draw(design, runs)) for design in designs}
        found = analysis.findings([wanted], blocks, designs[0], (1, runs), 0.95, look)
        if analysis.enough([wanted], found):
            break
    return found


@pytest.mark.parametrize("p", [0.5, 0.1, 0.03])
def test_an_interval_holds_whenever_the_study_stops(p):
    wanted, rng = Wanted("any_unwarned", "less", half_width=0.06), np.random.default_rng(7)
    held = 0
    for _ in range(400):
        runs = rng.random(1024) < p
        figure = until_enough(lambda design, n, runs=runs: runs[:n], wanted, ("one",))[0].figure
        held += figure.low <= p <= figure.high
    assert held >= 400 * 0.94


def null_studies(count, p, seed):
    """How many of so many studies call two designs different that are the same, with half of their luck in common."""
    wanted, rng, called = Wanted("any_unwarned", "less", matters=0.05), np.random.default_rng(seed), 0
    for _ in range(count):
        common, apart = rng.random(512), rng.random((2, 512))
        both = {name: np.where(common < 0.5, apart[k], apart[0]) < p for k, name in enumerate("ab")}
        found = until_enough(lambda design, n, both=both: both[design][:n], wanted, ("a", "b"), 512)
        called += found[1].differs
    return called


def test_designs_that_are_the_same_are_seldom_called_different():
    assert null_studies(120, 0.3, 3) <= 0.061 * 120


@pytest.mark.prove
@pytest.mark.parametrize("p", [0.3, 0.05])
def test_two_thousand_studies_of_the_same_call_few_different(p):
    called = null_studies(2000, p, 11)
    print(f"\n{called} of 2000 null studies called different at p {p}")
    assert called <= 0.061 * 2000


def test_a_proportion_is_clopper_and_pearsons():
    found = proportion(0, 100, 0.95)
    assert found.high == pytest.approx(1.0 - 0.05**0.01)
    found = proportion(7, 50, 0.95)
    assert binom.sf(6, 50, found.low) == pytest.approx(0.025, abs=1e-6)
    assert binom.cdf(7, 50, found.high) == pytest.approx(0.025, abs=1e-6)


def test_rounds_of_a_run_hang_together():
    """Runs whose rounds all share one fate know no more than so many rounds."""
    fate = np.random.default_rng(1).random(60) < 0.3
    together = share(10.0 * fate, np.full(60, 10.0), 0.95)
    alone = proportion(int(fate.sum()), 60, 0.95)
    assert together.half_width > 0.9 * alone.half_width
    assert share(np.full(60, 3.0), np.full(60, 10.0), 0.95).half_width < 0.05


def test_a_share_holds_as_often_as_it_says():
    rng, held = np.random.default_rng(5), 0
    for _ in range(300):
        wholes = rng.integers(1, 6, 80)
        chance = rng.beta(0.8, 7.2, 80)  # mean 0.1, runs unlike each other
        parts = rng.binomial(wholes, chance)
        found = share(parts, wholes, 0.95)
        held += found.low <= 0.1 <= found.high
    assert held >= 300 * 0.94


def test_pairs_tell_small_differences_that_single_runs_do_not():
    rng = np.random.default_rng(2)
    common = rng.normal(30.0, 10.0, 64)
    ones = np.ones(64)
    found = difference((common + 0.5 + rng.normal(0.0, 0.5, 64), ones), (common, ones), 0.95)
    assert found.low > 0.0
    assert found.p < 1e-6
    assert found.gain > 100.0
    assert difference((common, ones), (common, ones), 0.95).p == 1.0


def test_few_pairs_judge_nothing():
    ones = np.ones(5)
    assert difference((np.arange(5.0) + 9.0, ones), (np.arange(5.0), ones), 0.95).p == 1.0


def test_runs_that_all_agree_leave_room_for_what_was_not_met():
    nothing, ones = np.zeros(40), np.ones(40)
    found = difference((nothing, ones), (nothing, ones), 0.95, share_of=True)
    assert found.low < 0.0 < found.high
    assert found.high == pytest.approx(1.0 - 0.05 ** (1 / 40))


def test_holm_is_holms():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_a_mean_takes_the_wider_of_two_intervals():
    skewed = np.random.default_rng(3).exponential(1.0, 40)
    found = mean(skewed, 0.95)
    assert found.low < 1.0 < found.high
    assert found.value == pytest.approx(skewed.mean())


# --- rare events -----------------------------------------------------------------------------------------------------


def leaks(threats):
    """A score for splitting whose law is known: rounds that leak, each by a stream of its own."""
    names = [f"kill:{k}" for k in range(threats)]

    def score(lucks):
        for luck in lucks:
            drawn = dict(luck.redrawn)
            uniform = [
                np.random.default_rng([luck.seed, k, drawn.get(name, 0)]).random() for k, name in enumerate(names)
            ]
            yield sum(u < LEAK for u in uniform), names

    return lambda lucks: list(score(lucks))


def test_splitting_meets_the_leak_law():
    found = estimate(leaks(5), 5.0, False, 60, 12, 4, 0.99, 1)
    assert found.low <= LEAK**5 <= found.high
    assert found.runs / 12 * 10.0 < 1.0 / LEAK**5


@pytest.mark.prove
@pytest.mark.parametrize("threats", [5, 8])
def test_splitting_meets_the_leak_law_in_fifty_repeats(threats):
    found = estimate(leaks(threats), float(threats), False, 100, 50, 5, 0.95, 3)
    print(
        f"\n{found.value:.3e} ({found.low:.3e} to {found.high:.3e}) of {LEAK**threats:.3e}, "
        f"{found.runs / 50:.0f} runs a repeat"
    )
    assert found.low <= LEAK**threats <= found.high


# --- siting ----------------------------------------------------------------------------------------------------------


def test_covering_equals_enumeration():
    rng = np.random.default_rng(1)
    for case in range(50):
        sites, demands, count, folds = (
            rng.integers(5, 10),
            rng.integers(10, 40),
            rng.integers(1, 4),
            rng.integers(1, 3),
        )
        problem = Problem.of(
            rng.random((sites, demands)) < 0.3,
            rng.integers(0, 20, demands),
            int(folds),
            rng.integers(0, 2, demands) if case % 3 == 0 else None,
            rng.integers(1, 5, sites) if case % 2 else None,
        )
        answer = solve(problem, int(count))
        choices = [c for n in range(count + 1) for c in itertools.combinations(range(sites), n)]
        best = max(value_of(problem, choice) for choice in choices)
        assert answer.value == pytest.approx(best)
        assert min(answer.bound, answer.solver) >= best - 1e-6
        if case % 2:
            assert answer.cost == pytest.approx(
                min(problem.cost[list(c)].sum() for c in choices if value_of(problem, c) >= best)
            )


@pytest.mark.prove
def test_seven_hundred_places_are_chosen_from_in_seconds():
    import time

    rng = np.random.default_rng(4)
    places, points = rng.random((707, 2)) * 4000.0, rng.random((1268, 2)) * 4000.0
    reach = rng.uniform(250.0, 600.0, 707)
    problem = Problem.of(
        np.linalg.norm(places[:, None] - points[None], axis=2) < reach[:, None], rng.integers(0, 10, 1268)
    )
    for count in (2, 4, 6, 8):
        begun = time.process_time()
        answer = solve(problem, count)
        took = time.process_time() - begun
        print(
            f"\n{count}: {answer.value:.0f} covered, bounds {answer.bound:.1f} (own) {answer.solver:.1f}, {took:.1f} s"
        )
        assert answer.proven
        assert answer.gap < 1e-6
        assert took < 20.0


def test_the_bound_holds_whatever_the_prices():
    rng = np.random.default_rng(9)
    problem = Problem.of(rng.random((12, 60)) < 0.2, rng.integers(1, 9, 60))
    best = max(value_of(problem, c) for c in itertools.combinations(range(12), 3))
    assert best <= lagrangian(problem, 3, 0.0) <= problem.weight.sum()


def test_the_selected_design_is_the_best_as_often_as_stated():
    rng, right = np.random.default_rng(6), 0
    for _ in range(400):
        common = rng.normal(0.0, 1.0, 400)
        values = np.array([common + rng.normal(shift, 0.6, 400) for shift in (0.3, 0.0, 0.3, 0.6)])
        right += select(values, 0.3, 0.97, less=True).best == 1
    assert right >= 400 * 0.94


def test_looks_spend_no_more_than_there_is():
    assert sum(1.0 - stopping.confidence_at(k, 0.95) for k in range(1, 10_000)) <= 0.05
    assert [runs for _, runs in stopping.looks(100)] == [32, 64, 100]
    assert not stopping.narrow(math.inf, 0.1)
