"""What ADS-B receivers hear: aircraft telling their own position, with the integrity they claim,
with gaps, losses and lies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skywarden.kernels.geometry.ground import Ground, ground_up
from skywarden.kernels.geometry.sight import in_sight
from skywarden.messages.frame import ADSB, Aircraft
from skywarden.messages.tables import join, take
from skywarden.simulator.scenario.model import Flight
from skywarden.simulator.sensing.chance import Chance
from skywarden.site.model import Receiver

Array = NDArray[Any]

PERIOD = 0.5            # s between position messages; DO-260B transmits twice a second
JITTER = 0.1            # s, either way, so that aircraft do not talk over one another for long; likewise
LOSS = 0.05             # of the messages are not received
POSITION_SIGMA = 8.0    # m, horizontal, of an honest satellite position
HEIGHT_SIGMA = 12.0     # m
VELOCITY_SIGMA = 0.5    # m/s, one component
JUMP = 200.0            # m; nobody flies so far between two frames: a recording's leap, with nothing in its middle
PARKED = 5.0            # m above the ground and
TAXIING = 40.0          # m/s: below both an aircraft says it is on the ground
LOSE, WHEN, EAST = 0, 1, 2      # slots of a report's draws; from EAST on: three of position, three of velocity
SLOTS = 8


class Reports:
    """Position reports of all flights with a transponder."""

    def __init__(
        self, flights: Sequence[Flight], receivers: Sequence[Receiver], ground: Ground, chance: Chance,
        name: str = "adsb",
    ) -> None:
        self._flights, self._receivers, self._ground = flights, receivers, ground
        self._talking = np.array([i for i, f in enumerate(flights) if f.transponder and f.address >= 0], np.int64)
        self._keyed = chance.keyed(name)
        self._phase = self._keyed.uniform(0, self._talking, 1)[:, 0] * PERIOD

    def heard(self, t_from: float, t_to: float, before: Array, now: Array, altitude: Array, claim: Array) -> Aircraft:
        """Reports sent in (t_from, t_to], in order of time.

        before, now  (flights, 6) states at both ends; nan where not flying
        altitude     (flights,) pressure altitude now [m]
        claim        (flights, 6) where a recorded broadcast says it is, at the time of `now`; nan
                     where a flight tells where it is itself
        """
        if not len(self._receivers) or not len(self._talking) or t_to <= t_from:
            return Aircraft.empty()
        reports = []
        for number in range(math.floor((t_from - JITTER) / PERIOD), math.floor((t_to + JITTER) / PERIOD) + 1):
            u = self._keyed.uniform(number + 1_000, self._talking, SLOTS)
            t = number * PERIOD + self._phase + JITTER * (2.0 * u[:, WHEN] - 1.0)
            sent = (t > t_from) & (t <= t_to) & (u[:, LOSE] >= LOSS)
            rows = np.flatnonzero(sent)
            if len(rows):
                z = self._keyed.normal(number + 1_000, self._talking[rows], SLOTS)[:, EAST:]
                reports.append(self._told(self._talking[rows], t[rows], (t[rows] - t_from) / (t_to - t_from), before,
                    now, altitude, claim, z))
        told = join(Aircraft.empty(), *reports)
        return take(told, np.argsort(told.t, kind="stable"))

    def _told(
        self, which: Array, t: Array, share: Array, before: Array, now: Array, altitude: Array, claim: Array, z: Array,
    ) -> Aircraft:
        """The reports of flights `which` that a receiver hears."""
        state = before[which] + share[:, None] * (now[which] - before[which])
        straddle = np.linalg.norm(now[which, :3] - before[which, :3], axis=1) > JUMP
        state[straddle] = before[which[straddle]]
        heard = np.isfinite(state[:, 0])
        reach = np.zeros(len(which), np.bool_)
        for receiver in self._receivers:
            near = np.linalg.norm(state[:, :3] - receiver.place, axis=1) <= receiver.range_max
            reach |= near & in_sight(self._ground, receiver.place, np.ascontiguousarray(state[:, :3]))
        recorded = np.array([len(self._flights[i].said_t) > 0 for i in which], np.bool_)
        heard &= reach & (np.isfinite(claim[which, 0]) | ~recorded)
        heard &= np.array([not any(a <= moment < b for a, b in self._flights[i].gap) for i, moment in zip(which, t,
            strict=True)], np.bool_)
        which, t, state, z, recorded = which[heard], t[heard], state[heard], z[heard], recorded[heard]
        flights = [self._flights[i] for i in which]
        n = len(flights)
        if n == 0:
            return Aircraft.empty()
        lie = np.array([f.lie for f in flights]).reshape(n, 3)
        above = state[:, 2] - np.array([ground_up(self._ground, e, north) for e, north in state[:, :2]])
        words = state.copy()
        words[recorded] = claim[which[recorded]]
        noise = np.where(recorded[:, None], 0.0, z)     # a recording has its own
        nic = np.clip([f.nic for f in flights], 0, 11).astype(np.int8)
        return Aircraft(
            t, np.array([f.address for f in flights], np.int64), np.array([f.callsign.encode()[:8] for f in flights],
                "S8"),
            words[:, :3] + lie + noise[:, :3] * np.array([POSITION_SIGMA, POSITION_SIGMA, HEIGHT_SIGMA]),
            words[:, 3:] + VELOCITY_SIGMA * noise[:, 3:6],
            altitude[which], nic, np.minimum(nic + (nic > 0), 9).astype(np.int8), np.full(n, ADSB, np.int8),
            (above < PARKED) & (np.linalg.norm(state[:, 3:5], axis=1) < TAXIING))
