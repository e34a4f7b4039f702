"""Where hills bend the region of impact: along each axis of it the state is varied and flown down
anew, instead of slopes taken at their word.
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
from skywarden.kernels.estimation.descent import NOISES, descend
from skywarden.kernels.estimation.motion import STATES
from skywarden.kernels.geometry.ground import Ground

Array = NDArray[Any]

# Middles of eight equally likely parts of a standard normal distribution, widened by 8 % so that their mean square is
# 1; the outermost come first.
EIGHTHS = np.array([-1.6630, 1.6630, -0.9617, 0.9617, -0.5299, 0.5299, -0.1705, 0.1705])
SMALL = 5.0         # m of standard deviation; an axis that short needs none of this
# standard deviations by which an outermost flight comes down elsewhere than the slope says, from which all are flown
BENT = 0.25


@njit(cache=True, error_model="numpy")
def unbend(
    x: Array, P: Array, law: int, n: int, ground: Ground, drags: Drags, air: Air, earth: Earth, J: Array, left: float,
    mean: Array,
    covariance: Array,
) -> bool:
    """Restates the impact of state `x` (18,) with covariance `P` (18, 18) where hills make the
    slopes `J` (3, 18) of `descend` too simple.

    left        seconds of flight that `descend` found
    mean        (3,)    east, north and time of impact [m, m, s], in place
    covariance  (3, 3)  of them, in place: along an axis of the region that hills bend from eight
                        flights, otherwise by the slopes
    law         row of the drag law
    n           number of living states
    drags       the drag laws, tabulated over Mach number
    air         density, speed of sound and wind over height
    earth       gravity, radius and rotation of the earth at the site

    Returns whether anything was changed. Two flights an axis are spent on finding that out, none
    where the ground is flat or the axis SMALL.
    """
    if ground.up.size == 1:
        return False
    turn = 0.5 * math.atan2(2.0 * covariance[0, 1], covariance[0, 0] - covariance[1, 1])
    east, north = mean[0], mean[1]
    gain, moves, flown = np.empty(STATES), np.empty(3), np.empty((EIGHTHS.shape[0], 3))
    place, slopes, y, changed = np.empty(3), np.empty((3, STATES)), np.empty(STATES), False
    noise, spread = np.zeros(NOISES), np.empty((3, 3))
    for axis in range(2):
        ux, uy = math.cos(turn + 0.5 * math.pi * axis), math.sin(turn + 0.5 * math.pi * axis)
        # how the state varies with the place along it, for one standard deviation; and what that moves
        sigma = 0.0
        gain[:] = 0.0
        for i in range(n):
            for j in range(n):
                gain[i] += P[i, j] * (ux * J[0, j] + uy * J[1, j])
            sigma += (ux * J[0, i] + uy * J[1, i]) * gain[i]
        sigma = math.sqrt(max(sigma, 0.0))
        if not sigma > SMALL:
            continue
        for r in range(3):
            moves[r] = 0.0
            for i in range(n):
                moves[r] += J[r, i] * gain[i] / sigma
        bent = False
        for k in range(EIGHTHS.shape[0]):
            for i in range(STATES):
                y[i] = x[i] + EIGHTHS[k] / sigma * gain[i]
            after, _, _ = descend(y, law, n, ground, drags, air, earth, noise, place, slopes, spread)
            flown[k, 0], flown[k, 1], flown[k, 2] = place[0] - east, place[1] - north, after - left
            bent |= not math.hypot(flown[k, 0] - EIGHTHS[k] * moves[0],
                flown[k, 1] - EIGHTHS[k] * moves[1]) <= BENT * sigma
            if (k == 1 and not bent) or not math.isfinite(after):
                bent = False
                break
        if bent:
            _restate(flown, moves, mean, covariance)
            changed = True
    return changed


@njit(cache=True, error_model="numpy")
def _restate(flown: Array, moves: Array, mean: Array, covariance: Array) -> None:
    """What flights (k, 3) about the expected impact say in place of the slopes `moves` (3,) for one
    standard deviation.
    """
    share = 1.0 / flown.shape[0]
    shift = np.zeros(3)
    for r in range(3):
        for k in range(flown.shape[0]):
            shift[r] += share * flown[k, r]
        mean[r] += shift[r]
    for r in range(3):
        for c in range(3):
            covariance[r, c] -= moves[r] * moves[c]
            for k in range(flown.shape[0]):
                covariance[r, c] += share * (flown[k, r] - shift[r]) * (flown[k, c] - shift[c])
