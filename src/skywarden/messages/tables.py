"""Tables are NamedTuples of equally long columns; these few verbs work on every one of them."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

T = TypeVar("T", bound=tuple[Any, ...])

FEW = 20_000    # pairs of values; so many are compared sooner than sorted


def rows(table: tuple[Array, ...]) -> int:
    """How many rows (n,) the columns of `table` have."""
    return int(table[0].shape[0])


def take(table: T, which: Array) -> T:
    """The rows of `table` that `which` (indices or a mask) names, as a new table."""
    rows = which.nonzero()[0] if which.dtype == np.bool_ else which
    return cast(T, type(table)._make([column.take(rows, 0) for column in table]))  # type: ignore[attr-defined]


def among(values: Array, these: Array) -> Array:
    """(n,) which of `values` (n,) are among `these` (m,)."""
    if values.size * these.size > FEW:
        return np.isin(values, these)
    return np.asarray((values[:, None] == these).any(axis=1))


def rows_of(numbers: Array, wanted: Array) -> tuple[Array, Array]:
    """Rows of `numbers` that hold what is wanted, and the rows of `wanted` they belong to.

    numbers  (n,) each of them once, in any order
    wanted   (m,) those that are looked for
    """
    if numbers.shape[0] == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.argsort(numbers, kind="stable")
    spot = np.minimum(np.searchsorted(numbers[order], wanted), numbers.shape[0] - 1)
    found = numbers[order][spot] == wanted
    return order[spot[found]], np.flatnonzero(found)


def join(first: T, *others: T) -> T:
    """All rows of the tables, one below the other, as a new table.

    first  the first table
    """
    if not others:
        return first
    return type(first)(*(np.concatenate(columns) for columns in zip(first, *others, strict=True)))
