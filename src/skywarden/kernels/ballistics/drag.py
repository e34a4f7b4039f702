"""Drag laws: how the drag coefficient depends on Mach number, as piecewise cubics that a kernel
looks up in constant time.

One law is a function C(M) such that the deceleration is  0.5 rho v² C(M) / BC.  For a constant law
                                                          C = 1 and BC = m / (Cd A).
For the standard laws G1 and G7 the field's coefficient is BC = m / (i d²), so C(M) = (pi / 4)
Cd(M).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.kernels.ballistics.standard_drag import STANDARD as STANDARD

Array = NDArray[Any]
Law = tuple[Array, Array, str]      # Mach numbers, factors C(M), "pchip" or "linear"
CELL = 0.025                        # Mach; every node of G1 and G7 is a multiple of it
MAX_CELLS = 4096


class Drags(NamedTuple):
    """Several drag laws in one set of arrays, so that one compiled kernel serves every round
    whatever its law. Row: a law.
    """

    mach: NDArray[Any]      # (laws, nodes) float64, rising; padded with inf
    # (laws, nodes, 4) float64: C(M) = c0 + c1 d + c2 d² + c3 d³, d = M - mach[node]; last node constant
    cubic: NDArray[Any]
    start: NDArray[Any]     # (laws, cells) int32: node at or before the start of each Mach cell of width `cell`
    cell: float             # width of a look-up cell in Mach number


def law(name: str) -> tuple[Array, Array]:
    """Mach numbers (k,) and factors C(M) (k,) of a named law: "G1", "G7" or "constant". Raises
    KeyError for another name.
    """
    if name == "constant":
        return np.zeros(1), np.ones(1)
    mach, cd = STANDARD[name]
    return mach.copy(), 0.25 * math.pi * cd


def standard_drags(names: Sequence[str]) -> Drags:
    """The named laws ("G1", "G7", "constant"), row by row, PCHIP on their nodes.

    names  names of the laws, a row each
    """
    return drags([(*law(name), "pchip") for name in names])


def drags(laws: Sequence[Law]) -> Drags:
    """Several laws as one look-up table.

    laws  (mach (k,), factor (k,), "pchip" | "linear") each; Mach rising from 0 or more, factor
          finite and not negative

    Below its first node and above its last one a law is held constant. Raises ValueError where a
    table is not one.
    """
    if not laws:
        raise ValueError("a round needs at least one drag law; got none")
    pieces = [_pieces(np.asarray(mach, np.float64), np.asarray(factor, np.float64), how) for mach, factor, how in laws]
    top = max(float(mach[-1]) for mach, _ in pieces)
    cell = max(CELL, top / (MAX_CELLS - 1))
    nodes, cells = max(len(mach) for mach, _ in pieces), int(top / cell) + 2
    table = Drags(np.full((len(pieces), nodes), np.inf), np.zeros((len(pieces), nodes, 4)),
        np.zeros((len(pieces), cells), np.int32), cell)
    for row, (mach, cubic) in enumerate(pieces):
        table.mach[row, : len(mach)] = mach
        table.cubic[row, : len(mach)] = cubic
        table.cubic[row, len(mach) :] = cubic[-1]
        table.start[row] = np.maximum(np.searchsorted(mach, np.arange(cells) * cell, side="right") - 1, 0)
    return table


def _pieces(mach: Array, factor: Array, how: str) -> tuple[Array, Array]:
    """Nodes from Mach 0 and the cubic that starts at each."""
    if mach.ndim != 1 or mach.shape != factor.shape or len(mach) == 0:
        raise ValueError(f"a drag law needs as many factors as Mach numbers, at least one; got shapes {mach.shape} and "
            f"{factor.shape}")
    if not (np.isfinite(mach).all() and np.isfinite(factor).all() and mach[0] >= 0.0 and (np.diff(mach) > 0.0).all()
            and (factor >= 0.0).all()):
        raise ValueError("a drag law's Mach numbers must be finite, rising and not negative, its factors finite and "
            "not negative")
    if how not in ("pchip", "linear"):
        raise ValueError(f'a drag law is interpolated by "pchip" or "linear", not {how!r}')
    cubic = np.zeros((len(mach), 4))
    cubic[:, 0] = factor
    if len(mach) > 1:
        h, secant = np.diff(mach), np.diff(factor) / np.diff(mach)
        if how == "linear" or len(mach) == 2:
            cubic[:-1, 1] = secant
        else:
            slope = _pchip_slopes(h, secant)
            cubic[:-1, 1] = slope[:-1]
            cubic[:-1, 2] = (3.0 * secant - 2.0 * slope[:-1] - slope[1:]) / h
            cubic[:-1, 3] = (slope[:-1] + slope[1:] - 2.0 * secant) / h**2
    if mach[0] > 0.0:
        return np.concatenate([[0.0], mach]), np.concatenate([[[factor[0], 0.0, 0.0, 0.0]], cubic])
    return mach, cubic


def _pchip_slopes(h: Array, secant: Array) -> Array:
    """Slope at each node that keeps the curve monotone between nodes.

    h, secant  (k - 1,) node distances and slopes of the chords
    Source: Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5 (1984) 300; ends by the one-sided
    three-point rule.
    """
    slope = np.zeros(len(h) + 1)
    left, right = secant[:-1], secant[1:]
    w1, w2 = 2.0 * h[1:] + h[:-1], h[1:] + 2.0 * h[:-1]
    same = left * right > 0.0
    slope[1:-1][same] = (w1 + w2)[same] / (w1[same] / left[same] + w2[same] / right[same])
    slope[0] = _end_slope(h[0], h[1], secant[0], secant[1])
    slope[-1] = _end_slope(h[-1], h[-2], secant[-1], secant[-2])
    return slope


def _end_slope(h0: float, h1: float, s0: float, s1: float) -> float:
    """Slope at an end node from the two nearest chords, limited to keep the shape."""
    slope = ((2.0 * h0 + h1) * s0 - h0 * s1) / (h0 + h1)
    if np.sign(slope) != np.sign(s0):
        return 0.0
    if np.sign(s0) != np.sign(s1) and abs(slope) > 3.0 * abs(s0):
        return 3.0 * s0
    return slope


@njit(cache=True, error_model="numpy")
def drag_factor(drags: Drags, law: int, mach: float) -> float:
    """C(M) of one law at one Mach number; held constant beyond the last node. nan stays nan.

    drags  the drag laws, tabulated over Mach number
    mach   Mach number
    """
    cells = drags.start.shape[1]
    k = int(min(mach / drags.cell, cells - 1.0))
    i = drags.start[law, max(k, 0)]
    last = drags.mach.shape[1] - 1
    while i < last and mach >= drags.mach[law, i + 1]:
        i += 1
    d = mach - drags.mach[law, i]
    return drags.cubic[law, i, 0] + d * (drags.cubic[law, i, 1] + d * (drags.cubic[law, i, 2] + d * drags.cubic[law, i,
        3]))
