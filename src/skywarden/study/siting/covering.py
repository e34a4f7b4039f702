"""Maximal covering: which few of many places cover most, to the optimum, with a bound of our own
beside the solver's word.

Church and ReVelle (1974). The solver is HiGHS through scipy; the bound is Lagrangian and shares
nothing with it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, hstack

from skywarden.messages.tables import Array

ROUNDS = 400  # of the subgradient, enough for a bound within a few percent
SLACK = 1e-9  # relative, of comparisons between sums of the same weights


class Problem(NamedTuple):
    """Places that may be taken, and what each would cover.

    covers   (sites, demands) bool
    weight   (demands,) of each demand, such as people; not negative
    folds    how many places must cover a demand for it to count
    already  (demands,) by how many things that stand it is covered already
    cost     (sites,) of each place
    """

    covers: Array
    weight: Array
    folds: int
    already: Array
    cost: Array

    @classmethod
    def of(
        cls, covers: Array, weight: Array, folds: int = 1, already: Array | None = None, cost: Array | None = None
    ) -> Problem:
        """With nothing standing already and a cost of 1 each where they are not given.

        covers  (c, d) whether each candidate covers each demand
        weight  (d,) weight of each demand
        folds   number of places that must cover a demand
        """
        sites, demands = covers.shape
        return cls(
            covers.astype(np.bool_),
            np.asarray(weight, float),
            folds,
            np.zeros(demands, np.int64) if already is None else already,
            np.ones(sites) if cost is None else np.asarray(cost, float),
        )


class Answer(NamedTuple):
    """What was chosen.

    sites    rows of the places taken
    value    weight covered, reckoned anew from these places, with what stands already
    bound    no choice of so many places covers more: our own Lagrangian bound
    solver   the solver's own bound
    cost     of the places taken
    proven   whether the solver closed its gap
    """

    sites: tuple[int, ...]
    value: float
    bound: float
    solver: float
    cost: float
    proven: bool

    @property
    def gap(self) -> float:
        """How far the value may be below the best, by the tighter of both bounds, as a share of the
        bound.
        """
        best = max(min(self.bound, self.solver), self.value)
        return (best - self.value) / best if best > 0.0 else 0.0


def value_of(problem: Problem, sites: tuple[int, ...]) -> float:
    """Weight covered by these places together with what stands.

    problem  places, demands, and which place covers which demand
    sites    indices of the places
    """
    times = problem.already + problem.covers[list(sites)].sum(axis=0)
    return float(problem.weight[times >= problem.folds].sum())


def solve(problem: Problem, count: int, seconds: float = 60.0) -> Answer:
    """The `count` places that cover most; of equally good ones the cheapest, where places differ in
    cost.

    problem  places, demands, and which place covers which demand
    seconds  longest time for each program [s]
    """
    small = _merged(problem)
    first = _program(small, count, seconds, None)
    chosen, bound, proven = first
    if chosen and float(np.ptp(problem.cost)) > 0.0:
        floor = value_of(problem, chosen) - _given(problem)
        cheaper, _, _ = _program(small, count, seconds, floor * (1.0 - SLACK))
        if cheaper and value_of(problem, cheaper) >= value_of(problem, chosen) * (1.0 - SLACK):
            chosen = cheaper
    value = value_of(problem, chosen)
    return Answer(
        chosen,
        value,
        lagrangian(problem, count, value),
        bound + _given(problem),
        float(problem.cost[list(chosen)].sum()),
        proven,
    )


def _given(problem: Problem) -> float:
    """Weight that is covered by what stands already."""
    return float(problem.weight[problem.already >= problem.folds].sum())


class _Small(NamedTuple):
    """A problem with demands that nothing can cover left out, and those that the same places cover
    put together.
    """

    covers: csr_array
    weight: Array
    need: Array
    cost: Array


def _merged(problem: Problem) -> _Small:
    need = np.maximum(problem.folds - problem.already, 0)
    left = (need > 0) & (problem.covers.sum(axis=0) >= need) & (problem.weight > 0.0)
    columns = np.vstack([problem.covers[:, left], need[left][None].astype(np.int64)]).T
    unique, row = np.unique(columns, axis=0, return_inverse=True)
    weight = np.bincount(row.ravel(), problem.weight[left], len(unique))
    return _Small(csr_array(unique[:, :-1].T.astype(float)), weight, unique[:, -1].astype(float), problem.cost)


def _program(small: _Small, count: int, seconds: float, floor: float | None) -> tuple[tuple[int, ...], float, bool]:
    """Places, bound and whether it is proven: of most weight, or with a `floor` under the weight of
    least cost.
    """
    sites, demands = small.covers.shape
    if demands == 0 or count == 0:
        return (), 0.0, True
    # need · y <= places that cover it; y may only be whole where more than one place is needed, else it is so by itself
    cover = LinearConstraint(
        hstack([-small.covers.T, eye_array(demands).multiply(small.need[:, None])]), ub=np.zeros(demands)
    )
    number = LinearConstraint(np.concatenate([np.ones(sites), np.zeros(demands)])[None], ub=[float(count)])
    limits = [cover, number]
    if floor is None:
        objective = np.concatenate([np.zeros(sites), -small.weight])
    else:
        objective = np.concatenate([small.cost, np.zeros(demands)])
        limits.append(LinearConstraint(np.concatenate([np.zeros(sites), small.weight])[None], lb=[floor]))
    whole = np.concatenate([np.ones(sites), (small.need > 1).astype(float)])
    done = milp(
        objective,
        constraints=limits,
        integrality=whole,
        bounds=Bounds(0.0, 1.0),
        options={"mip_rel_gap": 0.0, "time_limit": seconds},
    )
    if done.x is None:
        return (), float(small.weight.sum()), False
    chosen = tuple(np.flatnonzero(done.x[:sites] > 0.5).tolist())
    bound = -float(done.mip_dual_bound) if done.mip_dual_bound is not None and floor is None else math.inf
    return chosen, bound, bool(done.status == 0)


def lagrangian(problem: Problem, count: int, value: float) -> float:
    """An upper bound on what `count` places can cover, by a price on each demand's cover, improved
    by subgradient steps (Held and Karp).

    problem  places, demands, and which place covers which demand

    Whatever the prices, the bound holds; good prices make it tight. `value` of a known choice sets
    the length of the steps only.
    """
    need = np.maximum(problem.folds - problem.already, 0).astype(float)
    given = _given(problem)
    left = need > 0
    covers, weight, need = csr_array(problem.covers[:, left].astype(float)), problem.weight[left], need[left]
    if not weight.size or count == 0:
        return given
    price, best, stuck, scale = 0.5 * weight / need, float(weight.sum()), 0, 1.0
    columns = covers.T.tocsr()
    for _ in range(ROUNDS):
        gain = covers @ price
        chosen = np.argpartition(-gain, min(count, len(gain)) - 1)[:count]
        paid = weight - need * price
        bound = float(np.maximum(paid, 0.0).sum() + np.maximum(gain[chosen], 0.0).sum())
        if bound < best * (1.0 - 1e-6):
            best, stuck = bound, 0
        else:
            stuck += 1
            if stuck >= 15:
                scale, stuck = 0.5 * scale, 0
        taken = np.zeros(len(gain))
        taken[chosen] = 1.0
        slope = columns @ taken - need * (paid > 0.0)
        length = float(slope @ slope)
        if length == 0.0 or scale < 1e-4:
            break
        price = np.maximum(price - scale * max(bound - (value - given), 1e-9 * bound) / length * slope, 0.0)
    return given + best * (1.0 + 1e-12)


def frontier(answers: list[Answer]) -> list[Answer]:
    """Those of some answers that no other beats in both cost and cover, cheapest first."""
    return sorted(
        (
            a
            for a in answers
            if not any(
                b is not a and b.cost <= a.cost and b.value >= a.value and (b.cost < a.cost or b.value > a.value)
                for b in answers
            )
        ),
        key=lambda a: (a.cost, len(a.sites)),
    )
