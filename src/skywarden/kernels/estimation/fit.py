"""The trajectory that fits all detections at once: iterated least squares (Gauss-Newton) with a
prior, and the evidence for its model.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.kernels.ballistics.air import Air
from skywarden.kernels.ballistics.drag import Drags
from skywarden.kernels.ballistics.flight import Earth
from skywarden.kernels.estimation.kalman import LOG_2PI, invert
from skywarden.kernels.estimation.measure import Sensors, measure, residual
from skywarden.kernels.estimation.motion import DRAG, STATES, compound, flow

Array = NDArray[Any]

SURE_COUNT = 12
# The prior of kappa is log-normal, as drag differs between rounds by factors.
BOLDEST = 1.2           # greatest change of ln(kappa) in one iteration: the flight is far from linear in it
STRAIGHT_ENOUGH = 0.3   # change of ln(kappa) up to which the flight is taken to be linear in it
LEAST_KAPPA = 1e-3      # 1e4 m²/kg, below which no drag is told from another


@njit(cache=True, error_model="numpy")
def fit(
    t: Array, sensor: Array, z: Array, ratio: Array, count: int, law: int, n: int, drags: Drags, air: Air,
    earth: Earth, sensors: Sensors,
    prior_mean: Array, prior_variance: Array, iterations: int, x0: Array, x: Array, P: Array,
) -> float:
    """Fits one trajectory to `count` detections (`t` (k,), `sensor` (k,), `z` (k, 4), noise `ratio`
    (k,) of the books' variance).

    x0 (18,)  first guess of the state at t[0]; improved in place
    x, P        (18,), (18, 18) the state at t[count - 1] and its covariance, written

    prior_mean, prior_variance     (18,)  of the state at t[0]; of kappa, its median and the
                                   variance of its logarithm
    n           number of living states
    drags       the drag laws, tabulated over Mach number
    air         density, speed of sound and wind over height
    earth       gravity, radius and rotation of the earth at the site
    sensors     places, noise variances and ambiguity of the radars
    iterations  greatest number of Gauss-Newton iterations

    Entries whose prior variance is inf have no prior. Where kappa is estimated the fit works in its
    logarithm, and `P` is told in kappa again. Returns the log evidence of the model (Laplace): ln
    p(z | law), nan where the fit failed.
    """
    J, C, b = np.empty((n, n)), np.zeros((n, n)), np.empty(n)
    F, A, T = np.empty((6, STATES)), np.empty((6, STATES)), np.empty((6, STATES))
    H, v, expected, row = np.empty((4, 6)), np.empty(4), np.empty(4), np.empty(n)
    # of a standard deviation: with many detections the problem is straight on that scale
    near = 0.02 if count < SURE_COUNT else 0.5
    cost, constant, logdet = 0.0, 0.0, math.nan
    for turn in range(iterations + 1):
        cost, constant = _prior(prior_mean, prior_variance, x0, n, J, b)
        x[:] = x0
        A[:] = 0.0
        for i in range(6):
            A[i, i] = 1.0
        for d in range(count):
            if d > 0 and t[d] != t[d - 1]:
                flow(x, t[d] - t[d - 1], law, drags, air, earth, n, F)
                compound(F, A, n, T)
            k = sensor[d]
            measure(x, sensors.place[k], expected, H)
            residual(z[d], expected, sensors.span[k], v)
            cost, constant = _gathered(v, H, A, sensors.variance[k], ratio[d], x0[DRAG], n, row, J, b, cost, constant)
        for i in range(n):
            for j in range(i):
                J[j, i] = J[i, j]
        logdet = invert(J, n, C)
        if not math.isfinite(logdet):
            return math.nan
        if turn == iterations:
            break
        kappa = x0[DRAG]        # at which the slopes were taken
        if _corrected(C, b, n, near, x0):
            # the last correction was below the noise: propagate its effect linearly and stop
            cost = _carried_on(C, b, A, n, kappa, x0, x, cost)
            break
    _covariance_at_end(A, C, n, x0, T, P)
    return -0.5 * (cost + constant + logdet)


@njit(cache=True, error_model="numpy")
def _prior(mean: Array, variance: Array, x0: Array, n: int, J: Array, b: Array) -> tuple[float, float]:
    """Normal equations `J` (n, n), `b` (n,) begun with the prior at state `x0`; its cost and
    constant of the evidence.
    """
    cost, constant = 0.0, 0.0
    J[:] = 0.0
    for i in range(n):
        b[i] = 0.0
        if variance[i] < 1e30:
            off = math.log(mean[i] / x0[i]) if i == DRAG else mean[i] - x0[i]
            J[i, i] = 1.0 / variance[i]
            b[i] = off / variance[i]
            cost += off * b[i]
            constant += math.log(variance[i])
        else:
            constant -= LOG_2PI         # a flat prior of density one: the same for all models of a track
    return cost, constant


@njit(cache=True, error_model="numpy")
def _gathered(
    v: Array, H: Array, A: Array, variances: Array, ratio: float, kappa: float, n: int, row: Array, J: Array, b: Array,
    cost: float, constant: float,
) -> tuple[float, float]:
    """Normal equations gain one detection's residual `v` (4,) with slopes `H` (4, 6) of the state
    that `A` (6, n) carries back to the beginning; the cost and constant so far, with its own.
    """
    for m in range(4):
        variance = variances[m] * ratio
        if not math.isfinite(v[m]) or not math.isfinite(variance):
            continue
        for j in range(n):
            total = 0.0
            for i in range(6):
                total += H[m, i] * A[i, j]
            row[j] = total * kappa if j == DRAG else total
        w = 1.0 / variance
        cost += w * v[m] * v[m]
        constant += math.log(variance) + LOG_2PI
        for i in range(n):
            b[i] += w * row[i] * v[m]
            for j in range(i + 1):
                J[i, j] += w * row[i] * row[j]
    return cost, constant


@njit(cache=True, error_model="numpy")
def _corrected(C: Array, b: Array, n: int, near: float, x0: Array) -> bool:
    """First guess `x0` moves by one iteration's correction, in place; whether that was below the
    noise.
    """
    small = True
    for i in range(n):
        move = 0.0
        for j in range(n):
            move += C[i, j] * b[j]
        if i == DRAG:
            x0[i] = max(x0[i] * math.exp(min(max(move, -BOLDEST), BOLDEST)), LEAST_KAPPA)
        else:
            x0[i] += move
        if abs(move) > near * math.sqrt(C[i, i]) or (i == DRAG and abs(move) > STRAIGHT_ENOUGH):
            small = False
    return small


@njit(cache=True, error_model="numpy")
def _carried_on(C: Array, b: Array, A: Array, n: int, kappa: float, x0: Array, x: Array, cost: float) -> float:
    """State `x` at the end after the last correction, taken to be linear; the cost with it."""
    for i in range(6):
        for j in range(n):
            move = 0.0
            for k in range(n):
                move += C[j, k] * b[k]
            x[i] += A[i, j] * move * (kappa if j == DRAG else 1.0)
            if i == 0:
                cost -= move * b[j]
    for i in range(6, n):
        x[i] = x0[i]
    return cost


@njit(cache=True, error_model="numpy")
def _covariance_at_end(A: Array, C: Array, n: int, x0: Array, T: Array, P: Array) -> None:
    """Covariance `C` (n, n) of the state at the beginning carried to its end, into `P`, kappa as
    such.
    """
    P[:] = 0.0
    if n > DRAG:
        for j in range(n):      # from ln(kappa) to kappa, as everything else has it
            C[DRAG, j] *= x0[DRAG]
        for j in range(n):
            C[j, DRAG] *= x0[DRAG]
    for i in range(6):
        for j in range(n):
            total = 0.0
            for k in range(n):
                total += A[i, k] * C[k, j]
            T[i, j] = total
    for i in range(6):
        for j in range(i, 6):
            total = 0.0
            for k in range(n):
                total += T[i, k] * A[j, k]
            P[i, j] = total
            P[j, i] = total
        for j in range(6, n):
            P[i, j] = T[i, j]
            P[j, i] = T[i, j]
    for i in range(6, n):
        for j in range(6, n):
            P[i, j] = C[i, j]
