"""What a sensor can look at, one row a thing, in fixed rows: a thing that is not there has a
position of nan.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skywarden.messages.frame import NO_ADDRESS
from skywarden.messages.tables import Array, join

# first `Targets.key` of each sort; rounds begin at 0
AIRCRAFT_KEY, BIRD_KEY, ROTOR_KEY, DEBRIS_KEY = 1_000_000, 2_000_000, 3_000_000, 4_000_000
INJECT_KEY = 1 << 41      # first key of what injects bring
FALSE_ALARM, CLUTTER, DEBRIS, GHOST, FIRST_AIRCRAFT = -1, -2, -3, -4, -1000                    # `Truth.origin`


class Targets(NamedTuple):
    """Everything that can be seen, one row a thing."""

    key: Array              # (n,) int64     its name in the draws of chance
    origin: Array           # (n,) int32     as in `Truth.origin`
    position: Array         # (n, 3) float64 [m]
    velocity: Array         # (n, 3) float64 [m/s]
    cross_section: Array    # (n,) float64   mean [m²]
    swerling: Array         # (n,) int64     how it fluctuates
    spread: Array           # (n,) float64   half width of its own Doppler, rotor blades [m/s]
    address: Array          # (n,) int64     that its transponder replies with; NO_ADDRESS none
    pressure_altitude: Array  # (n,) float64 that its transponder replies with [m]; nan none

    @classmethod
    def plain(
        cls, key: Array, origin: Array, position: Array, velocity: Array, cross_section: Array, swerling: Array
    ) -> Targets:
        """Things without rotors and transponders.

        key            (n,) key of each object's random numbers
        origin         (n,) index of the truth behind each row
        position       (n, 3) east, north, up [m]
        velocity       (n, 3) velocity [m/s]
        cross_section  (n,) mean radar cross-section [m²]
        swerling       (n,) Swerling case of each target
        """
        n = len(key)
        return cls(
            np.asarray(key, np.int64), np.asarray(origin, np.int32), position, velocity, np.asarray(cross_section,
                np.float64),
            np.asarray(swerling, np.int64), np.zeros(n), np.full(n, NO_ADDRESS, np.int64), np.full(n, np.nan))


def together(first: Targets, *others: Targets) -> Targets:
    """All of them in one table.

    first  the first table
    """
    return join(first, *others)
