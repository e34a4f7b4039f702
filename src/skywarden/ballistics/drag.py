"""Drag laws: how the drag coefficient depends on Mach number, as piecewise cubics that a kernel looks up in constant time.

One law is a function C(M) such that the deceleration is  0.5 rho v² C(M) / BC.  For a constant law C = 1 and BC = m / (Cd A).
For the standard laws G1 and G7 the field's coefficient is BC = m / (i d²), so C(M) = (pi / 4) Cd(M).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import njit
from numpy.typing import NDArray


class Drags(NamedTuple):
    """Several drag laws in one set of arrays, so that one compiled kernel serves every round whatever its law. Row: a law."""

    mach: NDArray[Any]      # (laws, nodes) float64, rising; padded with inf
    cubic: NDArray[Any]     # (laws, nodes, 4) float64: C(M) = c0 + c1 d + c2 d² + c3 d³, d = M - mach[node]; last node constant
    start: NDArray[Any]     # (laws, cells) int32: node at or before the start of each Mach cell of width `cell`
    cell: float             # width of a look-up cell in Mach number


@njit(cache=True)
def drag_factor(drags: Drags, law: int, mach: float) -> float:
    """C(M) of one law at one Mach number; held constant beyond the last node. nan stays nan."""
    cells = drags.start.shape[1]
    k = int(min(mach / drags.cell, cells - 1.0))
    i = drags.start[law, max(k, 0)]
    last = drags.mach.shape[1] - 1
    while i < last and mach >= drags.mach[law, i + 1]:
        i += 1
    d = mach - drags.mach[law, i]
    c = drags.cubic[law, i]
    return c[0] + d * (c[1] + d * (c[2] + d * c[3]))
