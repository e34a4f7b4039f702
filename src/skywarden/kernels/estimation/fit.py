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
    J = np.empty((n, n))
    C = np.zeros((n, n))
    b = np.empty(n)
    F = np.empty((6, STATES))
    A = np.empty((6, STATES))
    T = np.empty((6, STATES))
    H = np.empty((4, 6))
    v = np.empty(4)
    expected = np.empty(4)
    row = np.empty(n)
    # of a standard deviation: with many detections the problem is straight on that scale
    near = 0.02 if count < SURE_COUNT else 0.5
    cost = 0.0
    logdet = math.nan
    constant = 0.0
    for turn in range(iterations + 1):
        cost, constant = 0.0, 0.0
        J[:] = 0.0
        for i in range(n):
            b[i] = 0.0
            if prior_variance[i] < 1e30:
                off = math.log(prior_mean[i] / x0[i]) if i == DRAG else prior_mean[i] - x0[i]
                J[i, i] = 1.0 / prior_variance[i]
                b[i] = off / prior_variance[i]
                cost += off * b[i]
                constant += math.log(prior_variance[i])
            else:
                constant -= LOG_2PI         # a flat prior of density one: the same for all models of a track
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
            for m in range(4):
                variance = sensors.variance[k, m] * ratio[d]
                if not math.isfinite(v[m]) or not math.isfinite(variance):
                    continue
                for j in range(n):
                    total = 0.0
                    for i in range(6):
                        total += H[m, i] * A[i, j]
                    row[j] = total * x0[DRAG] if j == DRAG else total
                w = 1.0 / variance
                cost += w * v[m] * v[m]
                constant += math.log(variance) + LOG_2PI
                for i in range(n):
                    b[i] += w * row[i] * v[m]
                    for j in range(i + 1):
                        J[i, j] += w * row[i] * row[j]
        for i in range(n):
            for j in range(i):
                J[j, i] = J[i, j]
        logdet = invert(J, n, C)
        if not math.isfinite(logdet):
            return math.nan
        if turn == iterations:
            break
        small = True
        kappa = x0[DRAG]        # at which the slopes were taken
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
        if small:
            # the last correction was below the noise: propagate its effect linearly and stop
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
            break
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
    return -0.5 * (cost + constant + logdet)
