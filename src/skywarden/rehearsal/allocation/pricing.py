"""Which sets of shots pay against one threat when every shot has a price: the kernels that fast and
exact allocation both stand on.

A set of shots at a threat of value v costs what is left of it, v·prod(1 - p)^x, plus the price of
every shot. Shots may be bought in parts in the continuous relaxation, cheapest a nat of survival
first; what it costs bounds every completion from below and prunes the search.

Throughout: value of the threat; nats (w,) = -log(1 - p) of a shot of each shooter; prices (w,) >=
0; shots (w,) each has at most.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]

TIE = 1e-12             # of the threat's value; costs nearer than this are equal
STEPS = 10_000          # nodes of one search; one that needs more answers with the bound it has


@njit(cache=True)
def useful(value: float, nats: Array, prices: Array, shots: Array, limit: float) -> Array:
    """Shooters that some set costing less than `limit` could hold, cheapest a nat of survival
    first.

    value   value of the target
    nats    (w,) nats of the target's survival that a shot of each effector takes
    prices  (w,) price of a shot of each effector
    shots   (w,) shots each effector has
    """
    order, n = np.empty(len(nats), np.int64), 0
    for w in range(len(nats)):
        if nats[w] > 0.0 and shots[w] > 0:
            k = n
            # sorted as they come: few, and mostly dear
            while k > 0 and prices[order[k - 1]] * nats[w] > prices[w] * nats[order[k - 1]]:
                order[k] = order[k - 1]
                k -= 1
            order[k] = w
            n += 1
    kept = np.empty(n, np.int64)
    size = 0
    for k in range(n):
        w = order[k]
        if prices[w] + relaxed(value * np.exp(-nats[w]), order[:n], 0, nats, prices, shots) < limit:
            kept[size] = w
            size += 1
    return kept[:size]


@njit(cache=True)
def relaxed(left: float, order: Array, start: int, nats: Array, prices: Array, shots: Array) -> float:
    """The least that what is left and the price of more shots can come to, from `order[start]` on,
    parts of shots allowed.

    nats    (w,) nats of the target's survival that a shot of each effector takes
    prices  (w,) price of a shot of each effector
    """
    paid = 0.0
    for k in range(start, len(order)):
        w = order[k]
        rate = prices[w] / nats[w]
        if left <= rate:
            break
        most = left * np.exp(-nats[w] * shots[w])
        if most <= rate:        # the last part bought leaves exactly `rate`
            return paid + rate * np.log(left / rate) + rate
        paid += prices[w] * shots[w]
        left = most
    return paid + left


@njit(cache=True)
def cheapest(value: float, nats: Array, prices: Array, shots: Array, counts: Array) -> float:
    """The least cost of any set of shots at one threat; the set itself goes into `counts` (w,).

    value   value of the target
    nats    (w,) nats of the target's survival that a shot of each effector takes
    prices  (w,) price of a shot of each effector

    A search cut off by `STEPS` keeps its best set and answers with the continuous bound: never more
    than the true least.
    """
    counts[:] = 0
    pays = False
    for w in range(len(nats)):
        # the first test is cheap
        if shots[w] > 0 and prices[w] < value * min(nats[w], 1.0) and prices[w] < value * -np.expm1(-nats[w]):
            pays = True
            break
    if not pays:            # a first shot that does not pay: no set does, for later shots save less
        return value
    least = value
    order = useful(value, nats, prices, shots, least)
    n, k = len(order), 0
    count, left, paid = np.zeros(n, np.int64), np.empty(n + 1), np.empty(n + 1)
    left[0], paid[0] = value, 0.0
    for _ in range(STEPS):
        if paid[k] + left[k] < least - TIE * value:
            least = paid[k] + left[k]
            counts[:] = 0
            for j in range(k):
                counts[order[j]] = count[j]
        over = k == n or paid[k] + relaxed(left[k], order, k, nats, prices, shots) >= least - TIE * value
        k = _onward(k, over, count, left, paid, order, nats, prices, shots)
        if k < 0:
            return least
    return min(least, relaxed(value, order, 0, nats, prices, shots))


@njit(cache=True)
def _onward(
    k: int, over: bool, count: Array, left: Array, paid: Array, order: Array, nats: Array, prices: Array, shots: Array
) -> int:
    """The next node of a walk through sets of shots, everything before `order[k]` decided; -1 where
    the walk is over.

    One shooter further, with every shot it has; where this branch is `over`, back to the last
    shooter that has a shot to give up. Mends count, left and paid.
    """
    if over:
        k -= 1
        while k >= 0 and count[k] == 0:
            k -= 1
        if k < 0:
            return -1
        count[k] -= 1
    else:
        count[k] = shots[order[k]]
    left[k + 1] = left[k] * np.exp(-nats[order[k]] * count[k])
    paid[k + 1] = paid[k] + prices[order[k]] * count[k]
    return k + 1


@njit(cache=True)
def priced(values: Array, nats: Array, prices: Array, shots: Array) -> tuple[Array, Array]:
    """For every threat its cheapest set of shots. values (n,), nats (n, w). Returns costs (n,) and
    counts (n, w).

    prices  (w,) price of a shot of each effector
    """
    costs, counts = np.empty(len(values)), np.zeros(nats.shape, np.int64)
    for t in range(len(values)):
        costs[t] = cheapest(values[t], nats[t], prices, shots, counts[t])
    return costs, counts


@njit(cache=True)
def below(value: float, nats: Array, prices: Array, shots: Array, limit: float, room: int) -> tuple[Array, bool]:
    """All sets of shots at one threat that cost less than `limit`: counts (sets, w), and whether
    they are all, or `room` or `STEPS` cut them off.

    value   value of the target
    nats    (w,) nats of the target's survival that a shot of each effector takes
    prices  (w,) price of a shot of each effector
    """
    order = useful(value, nats, prices, shots, limit)
    n, size, k = len(order), 0, 0
    found = np.zeros((room, len(nats)), np.int64)
    count, left, paid = np.zeros(n, np.int64), np.empty(n + 1), np.empty(n + 1)
    left[0], paid[0] = value, 0.0
    for _ in range(50 * STEPS):
        over = paid[k] + relaxed(left[k], order, k, nats, prices, shots) >= limit
        if k == n and not over:
            if size == room:
                return found, False
            for j in range(n):
                found[size, order[j]] = count[j]
            size += 1
        k = _onward(k, over or k == n, count, left, paid, order, nats, prices, shots)
        if k < 0:
            return found[:size], True
    return found[:size], False
