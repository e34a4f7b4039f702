"""Where and when each track that may be a projectile comes down, and how sure that is."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from skywarden.defence.tracking import tracker
from skywarden.defence.tracking.bias import considered
from skywarden.defence.tracking.filter import best_law
from skywarden.defence.tracking.state import Block, Model
from skywarden.kernels.estimation.descent import descend
from skywarden.kernels.estimation.hills import unbend
from skywarden.kernels.estimation.motion import STATES
from skywarden.kernels.geometry.ground import Ground
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Impacts, Tracks
from skywarden.messages.tables import Array, rows_of
from skywarden.site.model import Site

WORTH_NAMING = 0.02         # probability of being a projectile from which an impact is given


def predict(memory: tracker.State, tracks: Tracks, frame: Frame, site: Site) -> Impacts:
    """The impact of every track of `tracks` that may be a projectile, from the tracker's ballistic
    hypotheses.

    memory  the tracker's state after this frame
    frame   what came in at this frame
    site    the site as its defender declared it

    The drag laws still followed are flown to the ground each, and matched in mean and covariance.
    The covariance is of east, north and time, and holds the error of state, drag, wind (as far as
    the weather declares one) and ground height.
    """
    b = memory.block
    if b.number.shape[0] == 0 or tracks.number.shape[0] == 0:
        return Impacts.empty()
    rows, at = rows_of(b.number, tracks.number)
    p = tracks.kind[at, 0]
    wanted = (p >= WORTH_NAMING)
    rows, at, p = rows[wanted], at[wanted], p[wanted]
    if rows.shape[0] == 0:
        return Impacts.empty()
    model = tracker.model_of(site, frame.weather)
    t, place, covariance, speed, angle = _impacts(considered(b, model), rows, model, site.ground)
    sound = np.isfinite(t) & np.isfinite(covariance).all((1, 2))
    return Impacts(tracks.number[at][sound], p[sound], t[sound], place[sound], covariance[sound], speed[sound],
        angle[sound])


@njit(cache=True, error_model="numpy")
def _impacts(b: Block, rows: Array, model: Model, ground: Ground) -> tuple[Array, Array, Array, Array, Array]:
    """Time, place, covariance, speed and fall angle of the impacts of tracks `rows`; nan where none
    is foreseen.
    """
    n = rows.shape[0]
    laws = b.x.shape[1] - 2
    t, place, covariance = np.full(n, math.nan), np.zeros((n, 3)), np.zeros((n, 3, 3))
    speed, angle = np.zeros(n), np.zeros(n)
    J = np.zeros((3, STATES))
    T = np.empty((3, STATES))
    N = np.empty((3, 3))
    where, mean = np.empty(3), np.empty(3)
    means, weights, law_cov = np.empty((laws, 3)), np.zeros(laws), np.zeros((laws, 3, 3))
    for k in range(n):
        i = rows[k]
        best = best_law(b, i)
        if best < 0:
            continue
        total = 0.0
        for law in range(laws):
            weights[law] = 0.0
            if not b.alive[i, law] or b.ll[i, law] < b.ll[i, best] - 4.0:
                continue
            left, v, a = descend(
                b.x[i, law], model.curve[law], model.living[law], ground, model.drags, model.air, model.earth,
                model.doubt[law], where, J, N)
            if not math.isfinite(left):
                continue
            w = math.exp(b.ll[i, law] - b.ll[i, best])
            weights[law] = w
            total += w
            means[law, 0], means[law, 1], means[law, 2] = where[0], where[1], b.time[i] + left
            _spread(b.p[i, law], J, N, model.living[law], ground.sigma, T, law_cov[law])
            unbend(
                b.x[i, law], b.p[i, law], model.curve[law], model.living[law], ground, model.drags, model.air,
                model.earth, J, left, means[law], law_cov[law])
            place[k, 2] += w * where[2]
            speed[k] += w * v
            angle[k] += w * a
        if total == 0.0:
            continue
        _mixed(means, law_cov, weights, total, mean, covariance[k])
        t[k], place[k, 0], place[k, 1] = mean[2], mean[0], mean[1]
        place[k, 2] /= total
        speed[k] /= total
        angle[k] /= total
    return t, place, covariance, speed, angle


@njit(cache=True, error_model="numpy")
def _spread(P: Array, J: Array, N: Array, n: int, ground_sigma: float, T: Array, out: Array) -> None:
    """Covariance of east, north and time of one law's impact into `out` (3, 3): that of the state
    by the slopes `J`, what is gained on the way `N`, and the height of the ground.
    """
    for r in range(3):
        for j in range(n):
            s = 0.0
            for c in range(n):
                s += J[r, c] * P[c, j]
            T[r, j] = s
    for r in range(3):
        for c in range(3):
            s = N[r, c] + J[r, 2] * J[c, 2] * ground_sigma * ground_sigma
            for j in range(n):
                s += T[r, j] * J[c, j]
            out[r, c] = s


@njit(cache=True, error_model="numpy")
def _mixed(means: Array, covariances: Array, weights: Array, total: float, mean: Array, out: Array) -> None:
    """Mean (3,) and covariance (3, 3) of the laws' impacts taken together, written to `mean` and
    added to `out`.
    """
    mean[:] = 0.0
    for law in range(weights.shape[0]):
        if weights[law] > 0.0:
            for r in range(3):
                mean[r] += weights[law] / total * means[law, r]
    for law in range(weights.shape[0]):
        if weights[law] > 0.0:
            for r in range(3):
                for c in range(3):
                    out[r, c] += weights[law] / total * (
                        covariances[law, r, c] + (means[law, r] - mean[r]) * (means[law, c] - mean[c]))
