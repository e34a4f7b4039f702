"""What a segment of flight says of the radars' errors, and what all references that agree say
together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, gammaincinv

from skywarden.defence.registration.matching import Matches, blocks
from skywarden.defence.registration.state import TERMS
from skywarden.defence.registration.trajectory import Trajectories
from skywarden.messages.tables import Array

AGREES = 0.999  # of the references that are right, share that is taken for right
# probability of the disagreement of those taken for right, from which their covariance is widened by it
UNLIKELY = 0.01
# squared normalised residual a degree of freedom from which a segment is no flight seen by these radars
FITS = 9.0
STARTS, PASSES = 8, 5  # references from which agreement is sought, and rounds of adding to it
RANK = 1e-9  # eigenvalue of an information, over its greatest, from which a direction counts as observed


class Piece(NamedTuple):
    """What one aircraft's segment says of the errors (d,) of all radars."""

    information: Array  # (d, d)
    vector: Array  # (d,)
    fit: float  # squared normalised residual a degree of freedom


class Agreement(NamedTuple):
    """What the references that agree say together, with the prior."""

    estimate: Array  # (d,)
    covariance: Array  # (d, d)
    inside: Array  # (n,) bool


def piece(matches: list[Matches], w: Trajectories, k: int, radars: int) -> Piece:
    """Information of aircraft `k`'s segment on the errors of all radars; its own path, known from
    its reports, is eliminated.

    matches  detections matched to the trajectories, a table for each radar
    w        smoothed trajectories of aircraft
    """
    A, B, y, weight, _ = _rows(matches, w, k, radars)
    P, M = _path(w, k), A.T * weight
    inner = np.linalg.inv(np.linalg.inv(P) + M @ A)
    AB, Ay = M @ B, M @ y
    information = (B.T * weight) @ B - AB.T @ inner @ AB
    vector = (B.T * weight) @ y - AB.T @ inner @ Ay
    total = float(weight @ (y * y) - Ay @ inner @ Ay)
    values, vectors = np.linalg.eigh(0.5 * (information + information.T))
    seen = values > RANK * max(values[-1], 1e-300)
    along = vectors[:, seen].T @ vector
    return Piece(
        0.5 * (information + information.T),
        vector,
        max(total - float(along @ (along / values[seen])), 0.0) / max(y.shape[0] - int(seen.sum()), 1),
    )


def residuals(matches: list[Matches], w: Trajectories, k: int, errors: Array) -> Array:
    """(radars, 3, 2) sums of squared residuals in range, azimuth and elevation over the noise by
    the books, and degrees of freedom; (radars, TERMS) errors known.

    matches  detections matched to the trajectories, a table for each radar
    w        smoothed trajectories of aircraft
    k        row of the aircraft among the trajectories
    """
    radars = errors.shape[0]
    A, B, y, weight, which = _rows(matches, w, k, radars)
    M = A.T * weight
    inner = np.linalg.inv(np.linalg.inv(_path(w, k)) + M @ A)
    left = y - B @ errors.ravel()
    left = left - A @ (inner @ (M @ left))
    freedom = 1.0 - weight * np.einsum("ri,ij,rj->r", A, inner, A)
    out = np.zeros((radars * 3, 2))
    np.add.at(out[:, 0], which, weight * left * left)
    np.add.at(out[:, 1], which, np.maximum(freedom, 0.0))
    return out.reshape(radars, 3, 2)


def _path(w: Trajectories, k: int) -> Array:
    """Covariance (9, 9) of a trajectory's coefficients, power first, then axis."""
    P = np.zeros((9, 9))
    for axis in range(3):
        P[axis::3, axis::3] = w.covariance[k, axis]
    return P


def _rows(matches: list[Matches], w: Trajectories, k: int, radars: int) -> tuple[Array, Array, Array, Array, Array]:
    """One row a measured number: slopes with the path (m, 9) and with all errors (m, d), what is
    measured (m,), its weight (m,), radar and dimension (m,).
    """
    A, B, y, weight, which = [], [], [], [], []
    for r, m in enumerate(matches):
        rows = np.flatnonzero(m.of == k)
        if rows.shape[0] == 0:
            continue
        s = m.s[rows]
        basis = np.stack([np.ones_like(s), s, s * s], 1)
        slope = np.einsum("mi,mza->mzia", basis, m.slope[rows]).reshape(rows.shape[0], 3, 9)
        own = np.zeros((rows.shape[0], 3, TERMS * radars))
        own[:, :, TERMS * r : TERMS * (r + 1)] = blocks(m.rate[rows])
        told = np.isfinite(m.z[rows])
        A.append(slope[told])
        B.append(own[told])
        y.append(m.z[rows][told])
        weight.append(1.0 / m.variance[rows][told])
        which.append(np.broadcast_to(3 * r + np.arange(3), told.shape)[told])
    return np.concatenate(A), np.concatenate(B), np.concatenate(y), np.concatenate(weight), np.concatenate(which)


def agreed(prior: Array, prior_vector: Array, information: Array, vector: Array, before: Array) -> Agreement:
    """The largest consistent part of the references, found from several starts, and its estimate.

    prior, prior_vector   (d, d), (d,) information before these references
    information, vector   (n, d, d), (n, d) of each
    before                (n,) bool those that agreed last time: the first start
    A reference is consistent where its own estimate, in the directions that it observes, lies
    within AGREES of what the others say.
    """
    n = vector.shape[0]
    if n == 0:
        covariance = np.linalg.inv(prior)
        return Agreement(covariance @ prior_vector, covariance, np.zeros(0, np.bool_))
    views = [_view(information[k], vector[k]) for k in range(n)]
    limits = np.array([2.0 * gammaincinv(0.5 * max(len(v[1]), 1), AGREES) for v in views])
    strength = np.array([np.log1p(v[1]).sum() for v in views])
    starts = [before] if before.any() else []
    starts += [np.arange(n) == k for k in np.argsort(-strength, kind="stable")[:STARTS]]
    best, most = np.zeros(n, np.bool_), -np.inf
    for chosen in starts:
        inside, worth = _grown(prior, prior_vector, information, vector, views, limits, chosen)
        if worth > most:
            best, most = inside, worth
    estimate, covariance = _pooled(prior, prior_vector, information, vector, best)
    return Agreement(estimate, covariance * _widening(estimate, views, best), best)


def _view(information: Array, vector: Array) -> tuple[Array, Array, Array]:
    """A reference's own estimate: the directions (d, r) that it observes, their information (r,)
    and its estimate along them (r,).
    """
    # each kind of error in a unit of its own, so that rank means the same for metres and radians
    unit = 1.0 / np.sqrt(np.maximum(np.diag(information), 1e-30))
    values, vectors = np.linalg.eigh(information * unit[:, None] * unit[None, :])
    seen = values > 1e-6
    U = vectors[:, seen]
    return U / unit[:, None], values[seen], (U.T @ (unit * vector)) / values[seen]


def _pooled(prior: Array, prior_vector: Array, information: Array, vector: Array, inside: Array) -> tuple[Array, Array]:
    covariance = np.linalg.inv(prior + information[inside].sum(0))
    covariance = 0.5 * (covariance + covariance.T)
    return covariance @ (prior_vector + vector[inside].sum(0)), covariance


def _grown(
    prior: Array,
    prior_vector: Array,
    information: Array,
    vector: Array,
    views: list[tuple[Array, Array, Array]],
    limits: Array,
    start: Array,
) -> tuple[Array, float]:
    """The references that agree with those of `start`, and what the agreement is worth: the more of
    them and the nearer to the prior, the more.
    """
    inside = start.copy()
    squares = np.zeros(len(views))
    for _ in range(PASSES):
        estimate, covariance = _pooled(prior, prior_vector, information, vector, inside)
        squares = np.array([_apart(v, estimate, covariance, bool(i)) for v, i in zip(views, inside, strict=True)])
        grown = squares <= limits
        if (grown == inside).all():
            break
        inside = grown
    estimate, _ = _pooled(prior, prior_vector, information, vector, inside)
    off = estimate - np.linalg.solve(prior, prior_vector)
    return inside, float((limits - squares)[inside].sum() - off @ prior @ off)


def _apart(view: tuple[Array, Array, Array], estimate: Array, covariance: Array, own: bool) -> float:
    """Squared normalised distance of a reference's estimate from the pooled one, of which it is
    part or not.
    """
    U, values, along = view
    off = along - U.T @ estimate
    spread = U.T @ covariance @ U
    S = np.diag(1.0 / values) + (-spread if own else spread)
    if own:
        S = S + np.diag(1e-9 / values)
    try:
        return float(off @ np.linalg.solve(S, off))
    except np.linalg.LinAlgError:
        return float(off @ (values * off))


def _widening(estimate: Array, views: list[tuple[Array, Array, Array]], inside: Array) -> float:
    """Factor of the covariance where those inside disagree more than chance would have it: their
    squared distance a degree of freedom (Birge).
    """
    squares, freedom = 0.0, -estimate.shape[0]
    for k in np.flatnonzero(inside):
        U, values, along = views[k]
        off = along - U.T @ estimate
        squares += float(off @ (values * off))
        freedom += len(values)
    if freedom < 1 or chdtrc(freedom, squares) > UNLIKELY:
        return 1.0
    return max(squares / freedom, 1.0)
