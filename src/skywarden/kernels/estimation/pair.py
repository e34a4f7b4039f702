"""Which detection belongs to which track: the cheapest assignment, cluster by cluster."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]


@njit(cache=True, error_model="numpy")
def _root(parent: Array, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True, error_model="numpy")
def cheapest(cost: Array) -> Array:
    """Column for each row of `cost` (r, c), r <= c, of the cheapest complete assignment: shortest
    augmenting paths (Jonker and Volgenant 1987).
    """
    rows, columns = cost.shape
    u = np.zeros(rows + 1)
    v = np.zeros(columns + 1)
    owner = np.zeros(columns + 1, np.int64)
    way = np.zeros(columns + 1, np.int64)
    for i in range(1, rows + 1):
        owner[0] = i
        j0 = 0
        least = np.full(columns + 1, np.inf)
        used = np.zeros(columns + 1, np.bool_)
        while True:
            used[j0] = True
            i0 = owner[j0]
            delta = np.inf
            j1 = 0
            for j in range(1, columns + 1):
                if used[j]:
                    continue
                current = cost[i0 - 1, j - 1] - u[i0] - v[j]
                if current < least[j]:
                    least[j] = current
                    way[j] = j0
                if least[j] < delta:
                    delta = least[j]
                    j1 = j
            for j in range(columns + 1):
                if used[j]:
                    u[owner[j]] += delta
                    v[j] -= delta
                else:
                    least[j] -= delta
            j0 = j1
            if owner[j0] == 0:
                break
        while j0 != 0:
            j1 = way[j0]
            owner[j0] = owner[j1]
            j0 = j1
    out = np.full(rows, -1, np.int64)
    for j in range(1, columns + 1):
        if owner[j] > 0:
            out[owner[j] - 1] = j - 1
    return out


@njit(cache=True, error_model="numpy")
def assign(row: Array, column: Array, cost: Array, rows: int, columns: int) -> Array:
    """Which column each of `rows` takes, -1 none, so that the sum of costs is least; not taking any
    costs 0.

    row, column, cost  (k,) the pairs worth considering; a pair that costs 0 or more is never taken
    columns            number of columns
    Pairs fall into clusters that share no row and no column; each cluster is solved for itself.
    """
    taken = np.full(rows, -1, np.int64)
    parent = np.arange(rows + columns)
    k = cost.shape[0]
    for p in range(k):
        if cost[p] < 0.0:
            a, b = _root(parent, row[p]), _root(parent, rows + column[p])
            parent[max(a, b)] = min(a, b)
    members = np.zeros(rows + columns, np.int64)
    for p in range(k):
        if cost[p] < 0.0:
            members[_root(parent, row[p])] += 1
    place = np.full(rows + columns, -1, np.int64)
    head = np.full(rows + columns, -1, np.int64)
    following = np.full(k, -1, np.int64)
    for p in range(k - 1, -1, -1):
        if cost[p] < 0.0:
            r = _root(parent, row[p])
            following[p] = head[r]
            head[r] = p
    for r in range(rows + columns):
        if members[r] == 0:
            continue
        if members[r] == 1:
            taken[row[head[r]]] = column[head[r]]
            continue
        pr = np.empty(members[r], np.int64)
        pc = np.empty(members[r], np.int64)
        nr, nc = 0, 0
        p = head[r]
        while p >= 0:
            if place[row[p]] < 0:
                place[row[p]] = nr
                pr[nr] = row[p]
                nr += 1
            if place[rows + column[p]] < 0:
                place[rows + column[p]] = nc
                pc[nc] = column[p]
                nc += 1
            p = following[p]
        dense = np.full((nr, nc + nr), 1e9)
        for i in range(nr):
            dense[i, nc + i] = 0.0
        p = head[r]
        while p >= 0:
            i, j = place[row[p]], place[rows + column[p]]
            dense[i, j] = min(dense[i, j], cost[p])
            p = following[p]
        best = cheapest(dense)
        for i in range(nr):
            if best[i] < nc and dense[i, best[i]] < 0.0:
                taken[pr[i]] = pc[best[i]]
    return taken
