"""Allocation: published optima are reached and proven, the fast path keeps its bound, and the
leakage tables are reproduced.
"""

from __future__ import annotations

import csv
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import a_picture, a_site, a_zone, an_effector, some_threats, some_tracks
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from skywarden.cli import app
from skywarden.errors import TableError
from skywarden.rehearsal.allocation import assign, leakage, value
from skywarden.tools.allocate import read

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "allocation"
OPTIMA = {"50x100x1": 1734.302278, "50x100x2": 123.838458, "100x200x1": 2862.302805}     # published, tuliotoffolo/wta
published = pytest.mark.skipif(not SHARED.is_dir(), reason="the published instances are not beside this checkout")


@published
@pytest.mark.parametrize("name", OPTIMA)
def test_a_published_instance_is_solved_to_its_published_optimum_and_that_is_proven(name: str) -> None:
    done = CliRunner().invoke(app, ["allocate", str(SHARED / f"wta_{name}.txt"), "--time-limit", "60", "--json"])
    answer = json.loads(done.stdout)
    assert answer["objective"] == pytest.approx(OPTIMA[name], abs=1e-6)
    assert answer["lower_bound"] <= answer["objective"]
    assert answer["gap"] <= 1e-4
    header, *rest = (SHARED / f"wta_{name}.txt").read_text().splitlines()
    weapons, targets, shots = map(int, header.split())
    # what the plan leaves, from the file and the assignment alone
    left = np.array([float(v) for v in rest[:targets]])
    chance = {(int(w), int(t)): float(p) for w, t, p in (line.split() for line in rest[targets:])}
    used = np.zeros(weapons, int)
    for w, t, x in answer["assignment"]:
        left[t] *= (1.0 - chance[w, t]) ** x
        used[w] += x
    assert left.sum() == pytest.approx(answer["objective"], rel=1e-9)
    assert used.max() <= shots


def brute(asked: assign.Problem) -> float:
    """The least objective over all plans of one shot an effector, one by one."""
    best = np.inf
    n, w = asked.chance.shape
    for code in range((n + 1) ** w):
        counts = np.zeros((n, w), np.int64)
        for shooter in range(w):
            code, threat = divmod(code, n + 1)
            if threat < n:
                counts[threat, shooter] = 1
        best = min(best, assign.objective(asked, counts))
    return best


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1), st.booleans())
def test_no_plan_of_a_small_problem_beats_the_exact_one_and_no_bound_is_above_it(
    n: int, w: int, seed: int, reserve: bool
) -> None:
    chance = np.random.default_rng(seed)
    values, p = chance.uniform(0.0, 10.0, n), chance.uniform(0.0, 1.0, (n, w)) * (chance.random((n, w)) < 0.8)
    asked = assign.problem(values, p, np.ones(w, np.int64), chance.uniform(0.0, 2.0, w) if reserve else None)
    least = brute(asked)
    best, quick = assign.exact(asked), assign.fast(asked)
    assert best.objective == pytest.approx(least, rel=1e-7, abs=1e-9)
    for plan in (best, quick):
        assert plan.lower_bound <= least * (1.0 + 1e-9) + 1e-9 <= plan.objective * (1.0 + 1e-6) + 1e-8
        assert (plan.counts.sum(axis=0) <= 1).all()


@pytest.mark.parametrize("shots", [1, 2, 5])
def test_two_hundred_threats_and_twenty_effectors_are_paired_within_three_per_cent_of_the_bound(shots: int) -> None:
    for seed in range(4):
        chance = np.random.default_rng(seed)
        asked = assign.problem(chance.uniform(0.1, 30.0, 200), chance.uniform(0.1, 0.9, (200, 20)), np.full(20, shots))
        plan = assign.fast(asked)
        assert plan.gap <= 0.03
        assert plan.lower_bound <= assign.exact(asked).objective <= plan.objective * (1.0 + 1e-9)


def test_a_reserve_keeps_shots_that_would_save_less_than_they_are_worth() -> None:
    asked = assign.problem(np.array([10.0, 1.0]), np.full((2, 2), 0.5), np.array([3, 3]), np.array([1.0, 1.0]))
    plan = assign.exact(asked)
    assert plan.counts[1].sum() == 0            # half of a value of 1 is not worth a shot kept at 1
    assert plan.counts[0].sum() == 3            # the third shot at the value of 10 saves 1.25, a fourth would save 0.6


def test_faults_of_an_instance_are_named_by_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.txt"
    file.write_text("2 2 1\n3\n-4\n0 0 .5\n0 0 .5\n5 1 .4\n1 1 1.5\n")
    with pytest.raises(TableError) as told:
        read(file)
    assert [fault.line for fault in told.value.faults] == [3, 5, 6, 7]


def test_the_more_people_the_sooner_and_the_soonest_first() -> None:
    site = a_site(zones=(a_zone(),))
    tracks = some_tracks(*[(0.0, 900.0, 900.0, 0.0, -50.0, -50.0)] * 3)
    threats = some_threats((1, 0, 0.3, 10.0), (2, 0, 0.9, 10.0), (3, 0, 0.3, 5.0))
    assert [w.row for w in value.wanted(a_picture(tracks=tracks, threats=threats), site)] == [1, 2, 0]


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_no_threat_is_piled_on_and_no_effector_is_promised_twice(n: int, w: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    p = chance.uniform(0.0, 0.9, (n, w)) * (chance.random((n, w)) < 0.7)
    worths = chance.uniform(0.1, 10.0, n)
    pairs, plan = value.pairing(worths.tolist(), p, np.zeros(w))
    assert len({r for r, _ in pairs}) == len({c for _, c in pairs}) == len(pairs)
    assert all(p[r, c] > 0.0 for r, c in pairs)
    saved = sum(worths[r] * p[r, c] for r, c in pairs)
    assert plan.objective == pytest.approx(worths.sum() - saved)
    best = max(
        sum(worths[r] * p[r, c] for r, c in zip(rows, columns, strict=True))
        for size in range(min(n, w) + 1) for rows in itertools.combinations(range(n), size)
        for columns in itertools.permutations(range(w), size))
    assert plan.lower_bound <= worths.sum() - best + 1e-9
    assert saved >= 0.8 * best - 1e-9


def test_shots_are_dearer_the_fewer_are_left() -> None:
    plain = a_site(effectors=(an_effector(magazine=5),))
    site = replace(plain, policy=replace(plain.policy, reserve=2.0))
    assert value.kept([5], site)[0] == 0.0
    assert value.kept([3], site)[0] == pytest.approx(1.0)
    assert value.kept([1], site)[0] == pytest.approx(2.0)
    assert value.pairing([1.0], np.array([[0.9]]), value.kept([1], site))[0] == ()
    assert value.pairing([3.0], np.array([[0.9]]), value.kept([1], site))[0] == ((0, 0),)


@published
def test_every_row_of_the_leakage_table_is_reproduced() -> None:
    with open(SHARED / "leakage_reference.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == 92
    for row in table:
        threats, shots, chance = int(row["N_threats"]), int(row["M_interceptors"]), float(row["pk"])
        leakers, none = leakage.volley(threats, shots, chance)
        assert leakers == pytest.approx(float(row["uniform_expected_leakers"]), abs=1e-6)
        assert none == pytest.approx(float(row["prob_zero_leakers_uniform"]), abs=1e-6)
        best, first = leakage.shoot_look_shoot(threats, shots, chance)
        assert best == pytest.approx(float(row["SLS2_expected_leakers_opt"]), abs=1e-6)
        assert first == int(row["SLS2_first_stage_opt"])


def test_a_look_that_errs_costs_leakers_and_the_cost_is_what_a_simulation_shows() -> None:
    look = leakage.Look(alive_seen=0.9, dead_seen=0.8)
    best, first = leakage.shoot_look_shoot(6, 9, 0.7, look)
    assert best > leakage.shoot_look_shoot(6, 9, 0.7)[0]
    chance, leaked = np.random.default_rng(7), []
    for _ in range(20_000):
        each, more = divmod(first, 6)
        live = chance.random(6) < 0.3 ** (each + (np.arange(6) < more))
        said = np.flatnonzero(np.where(live, chance.random(6) < look.alive_seen, chance.random(6) > look.dead_seen))
        chance.shuffle(said)
        for k, target in enumerate(said):
            again, rest = divmod(9 - first, len(said))
            live[target] &= chance.random() < 0.3 ** (again + (k < rest))
        leaked.append(live.sum())
    error = np.std(leaked) / np.sqrt(len(leaked))
    assert abs(np.mean(leaked) - best) < 4.0 * error
