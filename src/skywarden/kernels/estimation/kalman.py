"""One measurement improves one belief: the extended Kalman update, a scalar at a time, so that a
missing dimension is simply skipped.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]

LOG_2PI = math.log(2.0 * math.pi)


@njit(cache=True, error_model="numpy")
def update(x: Array, P: Array, n: int, v: Array, H: Array, R: Array) -> tuple[float, float, int]:
    """Improves state `x` (18,) and covariance `P` (18, 18), in place, by residuals `v` (4,) with
    slopes `H` (4, w) and variances `R` (4,).

    n  number of living states

    Slopes beyond the w given, 6 or 18, are zero. Dimensions whose residual or variance is nan are
    skipped. Returns the log-likelihood of the measurement, its normalised squared innovation, and
    how many dimensions counted. Scalar after scalar about one linearisation equals the joint
    update, as R is diagonal.
    """
    moved = np.zeros(x.shape[0])
    g = np.empty(x.shape[0])
    ll, nis, dims = 0.0, 0.0, 0
    width = min(n, H.shape[1])
    for d in range(4):
        if not math.isfinite(v[d]) or not math.isfinite(R[d]):
            continue
        s = R[d]
        e = v[d]
        g[:] = 0.0
        for k in range(width):
            for i in range(n):
                g[i] += H[d, k] * P[k, i]
        for i in range(width):
            s += H[d, i] * g[i]
            e -= H[d, i] * moved[i]
        w = e / s
        share = 1.0 / s
        for i in range(n):
            moved[i] += g[i] * w
            for j in range(n):
                P[i, j] -= g[i] * g[j] * share      # in this order exactly symmetric
        ll -= 0.5 * (e * w + math.log(s) + LOG_2PI)
        nis += e * w
        dims += 1
    for i in range(n):
        x[i] += moved[i]
    return ll, nis, dims


@njit(cache=True, error_model="numpy")
def innovation(P: Array, n: int, H: Array, S: Array, T: Array) -> None:
    """H P H' into `S` (4, 4), with `H` (4, w), w 6 or 18, and `T` (4, 18) as scratch.

    n  number of living states
    """
    width = min(n, H.shape[1])
    T[:] = 0.0
    for d in range(4):
        for k in range(width):
            for j in range(width):
                T[d, j] += H[d, k] * P[k, j]
    for d in range(4):
        for e in range(d, 4):
            total = 0.0
            for k in range(width):
                total += T[d, k] * H[e, k]
            S[d, e] = total
            S[e, d] = total


@njit(cache=True, error_model="numpy")
def closeness(S: Array, v: Array, R: Array, L: Array) -> tuple[float, float]:
    """Normalised squared distance and log-likelihood of residual `v` (4,) under innovation
    covariance `S` + diag(`R`); nan dimensions skipped.

    L  (4, 4) lower Cholesky factor of the innovation covariance, written
    """
    d2, logdet, dims = 0.0, 0.0, 0
    y = np.zeros(4)
    for i in range(4):
        if not math.isfinite(v[i]) or not math.isfinite(R[i]):
            for j in range(i + 1):
                L[i, j] = 0.0
            y[i] = 0.0
            L[i, i] = 1.0
            continue
        e = v[i]
        for j in range(i):
            if not math.isfinite(v[j]) or not math.isfinite(R[j]):
                L[i, j] = 0.0
                continue
            a = S[i, j]
            for k in range(j):
                a -= L[i, k] * L[j, k]
            L[i, j] = a / L[j, j]
            e -= L[i, j] * y[j]
        a = S[i, i] + R[i]
        for k in range(i):
            a -= L[i, k] * L[i, k]
        L[i, i] = math.sqrt(max(a, 1e-300))
        y[i] = e / L[i, i]
        d2 += y[i] * y[i]
        logdet += 2.0 * math.log(L[i, i])
        dims += 1
    return d2, -0.5 * (d2 + logdet + dims * LOG_2PI)


@njit(cache=True, error_model="numpy")
def invert(J: Array, n: int, out: Array) -> float:
    """Inverse of the symmetric positive matrix `J` (n, n) by Cholesky, into `out`; returns log det
    J, nan where it is not positive.
    """
    L = np.zeros((n, n))
    logdet = 0.0
    for i in range(n):
        for j in range(i + 1):
            a = J[i, j]
            for k in range(j):
                a -= L[i, k] * L[j, k]
            if i == j:
                if not a > 0.0:
                    return math.nan
                L[i, i] = math.sqrt(a)
                logdet += math.log(a)
            else:
                L[i, j] = a / L[j, j]
    W = np.zeros((n, n))
    for c in range(n):
        for i in range(c, n):
            a = 1.0 if i == c else 0.0
            for k in range(c, i):
                a -= L[i, k] * W[k, c]
            W[i, c] = a / L[i, i]
    for i in range(n):
        for j in range(i + 1):
            a = 0.0
            for k in range(i, n):
                a += W[k, i] * W[k, j]
            out[i, j] = a
            out[j, i] = a
    return logdet
