"""The declared chance that one engagement stops a round: illustrative, and the same rule for the
rehearsal that plans and the world that decides.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit
from numpy.typing import NDArray

from skywarden.site.model import Effector

BEST = 0.95     # no effector is surer than this, however near


def kill_probability(
    effector: Effector, line: NDArray[Any] | tuple[float, ...], velocity: NDArray[Any] | tuple[float, ...]
) -> float:
    """Chance to stop a round that is met at `line` (3,) from the effector [m], flying with
    `velocity` (3,) [m/s].

    As declared at half reach and flying along the line of sight; half as much again at the
    effector, half as much at full reach, nothing outside its reach; less by `crossing_loss` times
    the squared sine of the angle under which it crosses the line of sight.
    """
    x, y, z = line
    return float(chance(
        x, y, z, velocity[0], velocity[1], velocity[2], effector.reach_min, effector.reach_max,
        effector.kill_probability, effector.crossing_loss))


@njit(cache=True, error_model="numpy")
def chance(
    x: float, y: float, z: float, vx: float, vy: float, vz: float, nearest: float, farthest: float, declared: float,
    crossing_loss: float
) -> float:
    """`kill_probability` of one pair, for kernels: line and velocity by component, the effector by
    its reach, declared probability and loss.

    x              line from the effector to the round, east [m]
    y              line from the effector to the round, north [m]
    z              line from the effector to the round, up [m]
    vx             velocity of the round towards east [m/s]
    vy             velocity of the round towards north [m/s]
    vz             velocity of the round upwards [m/s]
    nearest        least distance of an engagement [m]
    farthest       greatest distance of an engagement [m]
    crossing_loss  share of the probability that is lost on a crossing round
    """
    distance = math.sqrt(x * x + y * y + z * z)
    if not nearest <= distance <= farthest:
        return 0.0
    speed = math.sqrt(vx * vx + vy * vy + vz * vz)
    across = 0.0
    if distance > 0.0 and speed > 0.0 and crossing_loss > 0.0:
        along = (x * vx + y * vy + z * vz) / (distance * speed)
        across = max(0.0, 1.0 - along * along)
    return min(declared * (1.5 - distance / farthest) * (1.0 - crossing_loss * across), BEST)
