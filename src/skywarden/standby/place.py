"""Which of the watchers this is, and how the pair fares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Place:
    """Which of the watchers this is.

    replica   its name
    rank      0 frames where both are there from the beginning; each next one waits longer
    silence   s without a word after which one that follows frames for itself
    listen    s that one which starts listens for somebody who frames already, and as much again for
              each rank
    """

    replica: str
    rank: int
    silence: float = 0.5
    listen: float = 1.0


class Status(NamedTuple):
    """How the pair fares, for health and metrics."""

    role: str
    n: int  # newest frame worked on
    heard: float | None  # age of the other's newest word [s]; None never heard
    compared: int  # pictures compared
    different: int  # of them, those that were not the same to the last bit
    takeovers: int
    joins: int
    left_out: int  # frames that the other did not survive, and that were left out here
    fault: str
