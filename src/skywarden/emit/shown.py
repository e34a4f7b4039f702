"""What is shown of a simulation at one instant, and where it is on the earth."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skywarden.kernels.geometry.earth import to_earth
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Tracks
from skywarden.messages.tables import Array
from skywarden.messages.truth import Truth
from skywarden.simulator.scenario.model import Scenario
from skywarden.site.model import Site

DAY_NS = 86_400_000_000_000  # nanoseconds of a day


class Shown(NamedTuple):
    """One instant of a simulation. It exists only where there is a truth; it has no place for a
    drill.

    tracks   what the simulated defence believes is flying, positions in the site frame
    """

    t: float
    frame: Frame
    tracks: Tracks
    truth: Truth


class Stage:
    """Where and when a simulation plays: its scenario's time on its site's ground."""

    def __init__(self, scenario: Scenario, site: Site) -> None:
        self.site = site
        self._epoch_ns = scenario.epoch_ns

    def seconds(self, t: float) -> float:
        """UTC since 1970 [s] of a time of the run.

        t  time [s] since the record's epoch
        """
        return self._epoch_ns / 1e9 + t

    def time_of_day(self, t: float) -> float:
        """UTC since midnight [s] of a time of the run, exact to the microsecond.

        t  time [s] since the record's epoch
        """
        return ((self._epoch_ns % DAY_NS) / 1e9 + t) % 86_400.0

    def earth(self, position: Array) -> tuple[Array, Array, Array]:
        """Latitude and longitude [rad] and height above sea level [m] of positions (n, 3) in the
        site frame.

        position  (n, 3) east, north, up [m]
        """
        o = self.site.origin
        return to_earth(o.latitude, o.longitude, o.elevation, position)

    def local(self, velocity: Array, longitude: Array) -> Array:
        """Velocities (n, 3) of the site frame turned to the north of where they are.

        velocity   (n, 3) east north up in the site frame [m/s]
        longitude  (n,) where each is [rad]
        """
        o = self.site.origin
        turn = (longitude - o.longitude + math.pi) % (2.0 * math.pi) - math.pi
        turn = turn * math.sin(o.latitude)
        east, north = velocity[:, 0], velocity[:, 1]
        # a course of the site frame is this much further clockwise from the north that is there
        return np.column_stack(
            [east * np.cos(turn) + north * np.sin(turn), north * np.cos(turn) - east * np.sin(turn), velocity[:, 2]]
        )
