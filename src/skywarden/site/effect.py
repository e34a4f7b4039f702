"""The declared chance that one engagement stops a round: illustrative, and the same rule for the rehearsal that plans and the world that decides."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from skywarden.site.model import Effector

BEST = 0.95     # no effector is surer than this, however near


def kill_probability(effector: Effector, line: NDArray[Any] | tuple[float, ...], velocity: NDArray[Any] | tuple[float, ...]) -> float:
    """Chance to stop a round that is met at `line` from the effector [m], flying with `velocity` [m/s].

    As declared at half reach and flying along the line of sight; half as much again at the effector, half as much at full reach, nothing
    outside its reach; less by `crossing_loss` times the squared sine of the angle under which it crosses the line of sight.
    """
    distance = math.hypot(*line)
    if not effector.reach_min <= distance <= effector.reach_max:
        return 0.0
    speed = math.hypot(*velocity)
    across = 0.0
    if distance > 0.0 and speed > 0.0 and effector.crossing_loss > 0.0:
        along = sum(a * b for a, b in zip(line, velocity, strict=True)) / (distance * speed)
        across = max(0.0, 1.0 - along * along)
    return min(effector.kill_probability * (1.5 - distance / effector.reach_max) * (1.0 - effector.crossing_loss * across), BEST)
