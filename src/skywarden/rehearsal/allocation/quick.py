"""A good plan in milliseconds: shots given one by one, moved while that saves something, then
prices on shots that prove how far from the best it can be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.rehearsal.allocation.pricing import priced

Array = NDArray[Any]

STALL = 8               # rounds without a higher bound after which prices move half as far
MEND_EVERY = 4          # rounds between plans made from the prices
PASSES = 4              # passes of mending a plan
TINY = 1e-12            # share of a target's value below which a saving is none


@njit(cache=True)
def quick_plan(
    values: Array, nats: Array, shots: Array, keep: Array, rounds: int, enough: float
) -> tuple[Array, float, Array]:
    """Greedy, mended, then prices on shots: counts (n, w), a lower bound and the prices (w,) that
    prove it.

    values  (n,) value of each target
    nats    (n, w) nats of each target's survival that a shot of each effector takes
    shots   (w,) shots each effector has
    keep    (w,) reserve value of a shot of each effector
    rounds  greatest number of rounds of improvement
    enough  relative gap at which improvement ends
    """
    spared = np.empty(nats.shape)
    for t in range(len(values)):
        for w in range(len(shots)):
            spared[t, w] = np.exp(-nats[t, w])
    over, dear, prices = np.zeros(len(shots)), np.zeros(len(shots)), np.zeros(len(shots))
    counts = np.zeros(nats.shape, np.int64)
    _fill(values, spared, shots, keep, counts)
    _mend(values, spared, counts)
    least = _left_over(values, spared, keep, counts)
    at = _worth(values, spared, shots, keep, counts)
    bound, step, stalled = -np.inf, 1.0, 0
    for turn in range(rounds):
        for w in range(len(shots)):
            dear[w] = at[w] + keep[w]
        costs, sets = priced(values, nats, dear, shots)
        reached = 0.0
        for t in range(len(values)):
            reached += costs[t]
        for w in range(len(shots)):
            reached -= at[w] * shots[w]
        if reached > bound:
            bound, stalled = reached, 0
            for w in range(len(shots)):
                prices[w] = at[w]
        else:
            stalled += 1
            if stalled == STALL:
                step, stalled = 0.5 * step, 0
        size = _overdrawn(sets, shots, at, over)
        if turn % MEND_EVERY == 0:      # what the prices suggest, made possible, is often a better plan
            _drop(values, spared, shots, sets)
            _fill(values, spared, shots, keep, sets)
            _mend(values, spared, sets)
            found = _left_over(values, spared, keep, sets)
            if found < least:
                least = found
                for t in range(len(values)):
                    for w in range(len(shots)):
                        counts[t, w] = sets[t, w]
        if size == 0.0 or least - bound <= enough * least:
            break
        for w in range(len(shots)):
            at[w] = max(at[w] + step * (least - reached) / size * over[w], 0.0)
    return counts, bound, prices


@njit(cache=True)
def _overdrawn(sets: Array, shots: Array, prices: Array, over: Array) -> float:
    """Shots of each effector beyond those it has, into `over` (w,); the sum of their squares."""
    size = 0.0
    for w in range(len(shots)):
        over[w] = _fired(sets, w) - shots[w]
        if over[w] < 0.0 and prices[w] <= 0.0:
            over[w] = 0.0
        size += over[w] * over[w]
    return size


@njit(cache=True)
def _fired(counts: Array, w: int) -> int:
    fired = 0
    for t in range(counts.shape[0]):
        fired += counts[t, w]
    return fired


@njit(cache=True)
def _standing(values: Array, spared: Array, counts: Array) -> Array:
    """What is left of each threat. spared (n, w): the chance that it survives one shot."""
    standing = values.copy()
    for t in range(len(values)):
        for w in range(spared.shape[1]):
            for _ in range(counts[t, w]):
                standing[t] *= spared[t, w]
    return standing


@njit(cache=True)
def _left_over(values: Array, spared: Array, keep: Array, counts: Array) -> float:
    standing = _standing(values, spared, counts)
    total = 0.0
    for t in range(len(values)):
        total += standing[t]
        for w in range(len(keep)):
            total += counts[t, w] * keep[w]
    return total


@njit(cache=True)
def _fill(values: Array, spared: Array, shots: Array, keep: Array, counts: Array) -> None:
    """Add shots, the one that saves most first, until none saves more than it is worth kept."""
    standing = _standing(values, spared, counts)
    n = len(values)
    left, total = np.empty(len(shots), np.int64), 0
    for w in range(len(shots)):
        left[w] = max(shots[w] - _fired(counts, w), 0)
        total += left[w]
    best, shooter = np.empty(n), np.empty(n, np.int64)      # for every threat, its best shot
    for t in range(n):
        best[t], shooter[t] = _best_shot(standing[t], spared[t], left, keep)
    for _ in range(total):
        t = 0
        for k in range(1, n):
            if best[k] > best[t]:
                t = k
        if shooter[t] < 0:
            break
        w = shooter[t]
        counts[t, w] += 1
        left[w] -= 1
        standing[t] *= spared[t, w]
        for k in range(n):
            if k == t or (left[w] == 0 and shooter[k] == w):
                best[k], shooter[k] = _best_shot(standing[k], spared[k], left, keep)


@njit(cache=True)
def _best_shot(standing: float, spared: Array, left: Array, keep: Array) -> tuple[float, int]:
    """What the best shot at a threat saves, and whose it is; -1 none."""
    best, shooter = 0.0, -1
    for w in range(len(left)):
        gain = standing * (1.0 - spared[w]) - keep[w]
        if left[w] > 0 and gain > best:
            best, shooter = gain, w
    return best, shooter


@njit(cache=True)
def _drop(values: Array, spared: Array, shots: Array, counts: Array) -> None:
    """Take away the shots that an effector does not have, the least useful first."""
    standing = _standing(values, spared, counts)
    for w in range(len(shots)):
        for _ in range(max(_fired(counts, w) - shots[w], 0)):
            least, threat = np.inf, -1
            for t in range(len(values)):
                loss = standing[t] * (1.0 / spared[t, w] - 1.0)
                if counts[t, w] > 0 and loss < least:
                    least, threat = loss, t
            counts[threat, w] -= 1
            standing[threat] /= spared[threat, w]


@njit(cache=True)
def _mend(values: Array, spared: Array, counts: Array) -> None:
    """Move a shot to another threat, or let two shots change places, while that saves something."""
    standing = _standing(values, spared, counts)
    n, w = spared.shape
    used = np.zeros(n, np.int64)
    for t in range(n):
        for i in range(w):
            used[t] += counts[t, i]
    for _ in range(PASSES):
        changed = False
        for a in range(n):
            if used[a] == 0:
                continue
            for i in range(w):
                if counts[a, i] == 0:
                    continue
                without = standing[a] / spared[a, i]
                best, to, other = TINY * values[a], -1, -1
                for b in range(n):
                    if b == a:
                        continue
                    gain = standing[a] - without + standing[b] * (1.0 - spared[b, i])
                    if gain > best:
                        best, to, other = gain, b, -1
                    if used[b] == 0:
                        continue
                    for j in range(w):
                        if counts[b, j] > 0 and j != i:
                            gain = standing[a] + standing[b] - without * spared[a, j] - standing[b] * spared[b,
                                i] / spared[b, j]
                            if gain > best:
                                best, to, other = gain, b, j
                if to < 0:
                    continue
                counts[a, i] -= 1
                counts[to, i] += 1
                standing[a] = without
                standing[to] *= spared[to, i]
                if other >= 0:
                    counts[to, other] -= 1
                    counts[a, other] += 1
                    standing[a] *= spared[a, other]
                    standing[to] /= spared[to, other]
                else:
                    used[a] -= 1
                    used[to] += 1
                changed = True
        if not changed:
            break


@njit(cache=True)
def _worth(values: Array, spared: Array, shots: Array, keep: Array, counts: Array) -> Array:
    """A first price for every effector's shots: what its least useful shot saves; 0 where some are
    left.
    """
    standing = _standing(values, spared, counts)
    prices = np.zeros(len(shots))
    for w in range(len(shots)):
        if _fired(counts, w) < shots[w]:
            continue
        least = np.inf
        for t in range(len(values)):
            if counts[t, w] > 0:
                least = min(least, standing[t] * (1.0 / spared[t, w] - 1.0) - keep[w])
        prices[w] = max(least, 0.0) if least < np.inf else 0.0
    return prices
