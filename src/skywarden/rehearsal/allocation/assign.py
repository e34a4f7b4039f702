"""Which effector for which threat: threats x effectors -> a plan, what it leaves standing, and how
far from the best possible that can be.

The objective is the value expected to get through, sum v·prod(1 - p)^x, plus what is asked for each
shot kept in reserve and spent after all. A shot's worth falls with every shot before it at the same
threat, so no plan piles on one threat while another leaks.

`fast` pairs and mends in milliseconds and proves a bound with prices on shots (a Lagrangian
relaxation); `exact` goes on to the optimum by generating columns, sets of shots at a threat, for a
linear programme and then listing every set the optimum could still hold. Source:
docs/models/allocation.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csc_matrix

from skywarden.rehearsal.allocation.pricing import below, priced
from skywarden.rehearsal.allocation.quick import quick_plan

Array = NDArray[Any]

SURE = 1.0 - 1e-12      # a kill probability above this is taken for this
CLOSE = 1e-9            # relative gap that counts as none
ROUNDS = 60             # steps of the fast path's prices at most
NEAR_ENOUGH = 0.01      # gap at which the fast path stops improving
WARM = 400              # steps of the exact path's prices before the first linear programme
SMOOTH = 0.7            # share of the best prices so far in the prices that columns are generated at
ROOM = 20_000           # sets listed for one threat at most
MOST_LISTED = 200_000   # sets listed in all
STALL = 8               # steps without a higher bound after which prices move half as far
SINGLES = 4             # best single shots at each threat in the first programme


class Problem(NamedTuple):
    """What there is to decide."""

    values: Array       # (n,) what each threat would cost if let through
    chance: Array       # (n, w) probability that one shot stops it; 0 where it must not or cannot
    shots: Array        # (w,) int64, how many each effector may fire
    keep: Array         # (w,) what a shot kept is worth; 0 no reserve


class Plan(NamedTuple):
    """Who fires how often at what, and what that is worth beside the best that any plan could be."""

    counts: Array       # (n, w) int64
    objective: float    # value expected to get through, and the worth of shots spent
    lower_bound: float  # no plan has less

    @property
    def gap(self) -> float:
        """Share of the objective that the best plan could be below it."""
        return 0.0 if self.objective <= 0.0 else max(0.0, 1.0 - self.lower_bound / self.objective)


def problem(values: Array, chance: Array, shots: Array, keep: Array | None = None) -> Problem:
    """Check and complete a problem. Raises ValueError where shapes, signs or probabilities make no
    sense.

    values  (n,) value of each target
    chance  (w, n) kill probability of a shot of each effector at each target
    shots   (w,) shots each effector has
    keep    (w,) reserve value of a shot of each effector; None for nothing
    """
    values, chance, shots = np.ascontiguousarray(values, float), np.ascontiguousarray(chance,
        float), np.ascontiguousarray(shots, np.int64)
    keep = np.zeros(len(shots)) if keep is None else np.ascontiguousarray(keep, float)
    if chance.shape != (len(values), len(shots)) or keep.shape != shots.shape:
        raise ValueError(f"{len(values)} threats and {len(shots)} effectors need chances of that shape, not "
            f"{chance.shape}")
    if not (np.isfinite(values).all() and (values >= 0.0).all() and (shots >= 0).all() and (keep >= 0.0).all()):
        raise ValueError("values, shots and what is kept must be finite and not negative")
    if not ((chance >= 0.0) & (chance <= 1.0)).all():
        raise ValueError("chances are probabilities, 0 to 1")
    return Problem(values, chance, shots, keep)


def objective(asked: Problem, counts: Array) -> float:
    """What gets through under a plan, and the worth of the shots it spends.

    asked   the problem
    counts  (n, w) shots of each effector at each target
    """
    survive = np.exp(-(counts * _nats(asked)).sum(axis=1))
    return float(asked.values @ survive + asked.keep @ counts.sum(axis=0))


def fast(asked: Problem, rounds: int = ROUNDS) -> Plan:
    """A good plan and a proven bound, in milliseconds; the same answer each time.

    asked   the problem
    rounds  greatest number of rounds of improvement
    """
    if not asked.values.size or not asked.shots.size:
        return _nothing(asked)
    counts, bound, _ = quick_plan(asked.values, _nats(asked), asked.shots, asked.keep, rounds, NEAR_ENOUGH)
    reached = objective(asked, counts)
    return Plan(counts, reached, min(max(bound, 0.0), reached))


def exact(asked: Problem, left: Callable[[], float] = lambda: math.inf) -> Plan:
    """The best plan, or the best found in time with a bound that is true all the same.

    asked  the problem
    left   seconds still to be spent, asked now and then; a rehearsal never asks, as it has no clock
    """
    if not asked.values.size or not asked.shots.size:
        return _nothing(asked)
    nats = _nats(asked)
    counts, bound, prices = quick_plan(asked.values, nats, asked.shots, asked.keep, WARM, CLOSE)
    best = Plan(counts, objective(asked, counts), bound)
    best, prices, columns = _generate(asked, nats, best, prices, left)
    if best.gap > CLOSE and left() > 0.0:
        best = _better(best, _whole(asked, nats, columns, left)[0], best.lower_bound, asked)
    # share of the gap within which sets are listed: all of it proves the optimum, less proves a bound
    listed = 1.0
    while best.gap > CLOSE and left() > 0.0 and listed > 0.01:
        reach = listed * (best.objective - best.lower_bound)
        wanted = _listed(asked, nats, prices, reach)
        if wanted is None:
            listed /= 3.0
            continue
        found, proven = _whole(asked, nats, wanted, left)
        # a plan with a set that is not listed costs at least the bound and `reach`
        best = _better(best, found, min(proven, best.lower_bound + reach), asked)
        break
    return best


def warm() -> None:
    """Have every kernel compiled before somebody waits for an answer."""
    asked = problem(np.ones(2), np.full((2, 2), 0.5), np.ones(2, np.int64))
    nats = _nats(asked)
    fast(asked)
    _listed(asked, nats, np.zeros(2), 0.1)


class _Columns(NamedTuple):
    """Sets of shots: which threat, how many of each shooter."""

    threat: Array       # (k,)
    counts: Array       # (k, w)


def _nats(asked: Problem) -> Array:
    return np.asarray(-np.log1p(-np.minimum(asked.chance, SURE)))


def _nothing(asked: Problem) -> Plan:
    total = float(asked.values.sum())
    return Plan(np.zeros(asked.chance.shape, np.int64), total, total)


def _better(best: Plan, counts: Array | None, bound: float, asked: Problem) -> Plan:
    """The cheaper plan and the higher bound of the two."""
    reached = np.inf if counts is None else objective(asked, counts)
    if counts is not None and reached < best.objective:
        best = best._replace(counts=counts, objective=reached)
    return best._replace(lower_bound=min(max(best.lower_bound, bound), best.objective))


def _generate(
    asked: Problem, nats: Array, best: Plan, prices: Array, left: Callable[[], float]
) -> tuple[Plan, Array, _Columns]:
    """Linear programmes over ever more sets of shots, until no set that is left out could lower
    them. Returns the prices of the best bound, too.
    """
    pool = _Pool(asked, best.counts)
    at, step, stalled = prices, 1.0, 0
    for _ in range(WARM):       # prices first: the sets that pay at them make the first programme a good one
        costs, sets = priced(asked.values, nats, at + asked.keep, asked.shots)
        reached = float(costs.sum() - at @ asked.shots)
        pool.add(sets)
        if reached > best.lower_bound:
            best, prices, stalled = _better(best, None, reached, asked), at, 0
        else:
            stalled += 1
            if stalled == STALL:
                step, stalled = 0.5 * step, 0
        over = sets.sum(axis=0) - asked.shots
        over[(at <= 0.0) & (over < 0)] = 0
        if best.gap <= CLOSE or not over.any() or step < 1e-3 or left() < 0.0:
            break
        at = np.maximum(at + step * (best.objective - reached) / float(over @ over) * over, 0.0)
    while best.gap > CLOSE and left() > 0.0:
        columns = pool.columns()
        least, shadow = _programme(asked, nats, columns, left)
        if shadow is None:
            break
        grown = False
        # between the best prices and the newest: fewer detours
        for at in (SMOOTH * prices + (1.0 - SMOOTH) * shadow, shadow):
            costs, sets = priced(asked.values, nats, at + asked.keep, asked.shots)
            reached = float(costs.sum() - at @ asked.shots)
            if reached > best.lower_bound:
                best, prices = _better(best, None, reached, asked), at
            grown = pool.add(sets)
            if grown:
                break
        if not grown or least - best.lower_bound <= CLOSE * abs(least):
            break
    return best, prices, pool.columns()


class _Pool:
    """Sets of shots met so far, each once."""

    def __init__(self, asked: Problem, counts: Array) -> None:
        n, w = counts.shape
        self._seen: set[tuple[int, bytes]] = set()
        self._threat: list[int] = []
        self._counts: list[Array] = []
        self.add(np.zeros((n, w), np.int64))
        self.add(counts)
        gain = asked.values[:, None] * asked.chance
        for k in range(min(SINGLES, w)):        # the best single shots at every threat
            single = np.zeros((n, w), np.int64)
            single[np.arange(n), np.argsort(-gain, axis=1, kind="stable")[:, k]] = 1
            self.add(np.minimum(single, asked.shots))

    def add(self, sets: Array) -> bool:
        """Take in one set for each threat; whether any was new."""
        grown = False
        for threat, row in enumerate(sets):
            key = threat, row.tobytes()
            if key not in self._seen:
                self._seen.add(key)
                self._threat.append(threat)
                self._counts.append(row)
                grown = True
        return grown

    def columns(self) -> _Columns:
        return _Columns(np.array(self._threat), np.array(self._counts))


def _cost(asked: Problem, nats: Array, columns: _Columns) -> Array:
    survive = np.exp(-(columns.counts * nats[columns.threat]).sum(axis=1))
    return np.asarray(asked.values[columns.threat] * survive + columns.counts @ asked.keep)


def _one_each(asked: Problem, columns: _Columns) -> csc_matrix:
    k = len(columns.threat)
    return csc_matrix((np.ones(k), (columns.threat, np.arange(k))), shape=(len(asked.values), k))


def _programme(asked: Problem, nats: Array, columns: _Columns, left: Callable[[], float]) -> tuple[float, Array | None]:
    """The linear programme over these sets: its value, and the price of every effector's shots;
    None where it was not solved in time.
    """
    solved = linprog(
        _cost(asked, nats, columns), A_ub=csc_matrix(columns.counts.T), b_ub=asked.shots, A_eq=_one_each(asked,
            columns), b_eq=np.ones(len(asked.values)),
        method="highs", options={"time_limit": max(left(), 0.01)})
    return (float(solved.fun), np.maximum(-solved.ineqlin.marginals, 0.0)) if solved.status == 0 else (np.inf, None)


def _whole(asked: Problem, nats: Array, columns: _Columns, left: Callable[[], float]) -> tuple[Array | None, float]:
    """The best choice of whole sets among these, and the bound proven among them."""
    solved = milp(
        _cost(asked, nats, columns), integrality=np.ones(len(columns.threat)), bounds=Bounds(0, 1),
        constraints=[LinearConstraint(_one_each(asked, columns), 1, 1), LinearConstraint(csc_matrix(columns.counts.T),
            -np.inf, asked.shots)],
        options={"time_limit": max(left(), 0.01), "mip_rel_gap": 0.1 * CLOSE})
    proven = -np.inf if solved.mip_dual_bound is None else float(solved.mip_dual_bound)
    if solved.x is None:
        return None, proven
    chosen = np.flatnonzero(solved.x > 0.5)
    counts = np.zeros(asked.chance.shape, np.int64)
    counts[columns.threat[chosen]] = columns.counts[chosen]
    return counts, proven


def _listed(asked: Problem, nats: Array, prices: Array, reach: float) -> _Columns | None:
    """Every set that, at these prices, costs its threat less than `reach` above the cheapest; None
    where they are too many.
    """
    costs, _ = priced(asked.values, nats, prices + asked.keep, asked.shots)
    threats, counts, size = [], [], 0
    for t in range(len(asked.values)):
        found, all_found = below(asked.values[t], nats[t], prices + asked.keep, asked.shots, costs[t] + reach + CLOSE,
            ROOM)
        size += len(found)
        if not all_found or size > MOST_LISTED:
            return None
        threats.append(np.full(len(found), t))
        counts.append(found)
    return _Columns(np.concatenate(threats), np.concatenate(counts))
