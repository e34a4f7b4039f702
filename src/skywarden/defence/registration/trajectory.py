"""Where aircraft say they flew in a few seconds: a parabola through each one's reports, with its
covariance. The reference that radars are held against.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skywarden.defence.registration.state import SEGMENT
from skywarden.messages.frame import NO_ADDRESS, SYSTEM_TRACK, Aircraft
from skywarden.messages.tables import Array

# Standard deviation of one horizontal component [m] by navigation accuracy category (95 % of radial error over 2.45);
# others UNKNOWN_SIGMA
NACP_SIGMA = {11: 1.2, 10: 4.1, 9: 12.2, 8: 37.8, 7: 75.5, 6: 226.0}
UNKNOWN_SIGMA = 60.0
HEIGHT_FACTOR = 1.5  # a satellite fix is so much worse in height
NO_HEIGHT_SIGMA = 1e5  # m, of the height of a report that gives none: radars' elevations are not held against it
VELOCITY_SIGMA = 2.0  # m/s, of a reported velocity's component, its age included
ACCELERATION = (3.0, 3.0, 1.0)  # m/s², deviation of an aircraft's east, north and up; illustrative
FEW = 4.0  # degrees of freedom that the declared accuracy counts against the reports' own scatter
SCALE = (0.02, 9.0)  # least and most of the reports' variance over the declared
JUMPS = 25.0  # normalised squared residual a degree of freedom from which reports are of no aircraft


class Trajectories(NamedTuple):
    """One row an aircraft. Position at time t: sum over c of coefficient c times s to the c, s = (t
    - middle) / half.
    """

    address: Array  # (n,) int64
    middle: float  # [s]
    half: float  # [s]
    coefficient: Array  # (n, 3, 3) power of s, axis [m]
    covariance: Array  # (n, 3, 3, 3) axis, power, power [m²]
    scatter: Array  # (n, 2) this segment's squared normalised residuals, and degrees of freedom


def reference_reports(a: Aircraft) -> Array:
    """Rows (k,) of reports that can serve: airborne, with address and place, and not from another
    tracker.

    a  reports of aircraft
    """
    return np.flatnonzero(
        (a.address != NO_ADDRESS)
        & np.isfinite(a.position[:, :2]).all(1)
        & np.isfinite(a.t)
        & ~a.on_ground
        & (a.source != SYSTEM_TRACK)
    )


def fitted(a: Aircraft, begin: float, known: Array, scatter: Array) -> Trajectories:
    """The trajectories in [begin, begin + SEGMENT) of every aircraft that reported in it.

    known, scatter  (k,) addresses, rising, and (k, 2) what is remembered of how their reports
    a               reports of aircraft
    scatter
    """
    half, middle = 0.5 * SEGMENT, begin + 0.5 * SEGMENT
    address, of = np.unique(a.address, return_inverse=True)
    n = address.shape[0]
    if n == 0:
        return Trajectories(address, middle, half, np.zeros((0, 3, 3)), np.zeros((0, 3, 3, 3)), np.zeros((0, 2)))
    sigma = np.array([NACP_SIGMA.get(int(c), UNKNOWN_SIGMA) for c in a.nacp])
    spot = np.minimum(np.searchsorted(known, address), max(known.shape[0] - 1, 0))
    ours = known[spot] == address if known.shape[0] else np.zeros(n, np.bool_)
    sums = np.where(ours[:, None], scatter[spot], 0.0) if known.shape[0] else np.zeros((n, 2))
    scale = np.sqrt(np.clip((FEW + sums[:, 0]) / (FEW + sums[:, 1]), *SCALE))
    position = np.where(np.isfinite(a.position), a.position, 0.0)
    deviation = (
        np.stack([sigma, sigma, np.where(np.isfinite(a.position[:, 2]), HEIGHT_FACTOR * sigma, NO_HEIGHT_SIGMA)], 1)
        * scale[of][:, None]
    )
    s = (a.t - middle) / half
    basis = np.stack([np.ones_like(s), s, s * s], 1)
    slope = np.stack([np.zeros_like(s), np.ones_like(s), 2.0 * s], 1) / half
    normal, right = np.zeros((n, 3, 3, 3)), np.zeros((n, 3, 3))
    for axis in range(3):
        w = deviation[:, axis] ** -2
        np.add.at(normal[:, axis], of, basis[:, :, None] * basis[:, None, :] * w[:, None, None])
        np.add.at(right[:, axis], of, basis * (w * position[:, axis])[:, None])
        moving = np.flatnonzero(np.isfinite(a.velocity[:, axis]))
        np.add.at(normal[:, axis], of[moving], slope[moving, :, None] * slope[moving, None, :] / VELOCITY_SIGMA**2)
        np.add.at(right[:, axis], of[moving], slope[moving] * (a.velocity[moving, axis] / VELOCITY_SIGMA**2)[:, None])
        normal[:, axis] += np.diag(
            [0.0, 1.0 / (300.0 * half) ** 2, 1.0 / (0.5 * ACCELERATION[axis] * half * half) ** 2]
        )
    covariance = np.linalg.inv(normal)
    coefficient = np.einsum("kaij,kaj->kia", covariance, right)
    off = position - np.einsum("ri,ria->ra", basis, coefficient[of])
    leverage = np.einsum("ri,raij,rj->ra", basis, covariance[of], basis) / deviation**2
    told = np.isfinite(a.position)
    squares, freedom = np.zeros(n), np.zeros(n)
    np.add.at(squares, of, np.where(told, (off / deviation) ** 2, 0.0).sum(1) * scale[of] ** 2)
    np.add.at(freedom, of, np.where(told, 1.0 - leverage, 0.0).sum(1))
    return Trajectories(
        address, middle, half, coefficient, covariance, np.stack([squares, np.maximum(freedom, 0.0)], 1)
    )


def believable(w: Trajectories) -> Array:
    """Which rows (n,) fly as something flies: their reports scatter as noise does, and do not jump.

    w  smoothed trajectories of aircraft
    """
    return np.asarray(w.scatter[:, 0] <= JUMPS * np.maximum(w.scatter[:, 1], 3.0))
