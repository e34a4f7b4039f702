"""What really flew, in a simulation. Travels beside the frame to the record and the tally; nothing that believes or warns may read it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skywarden.messages.tables import Array

WAITING, FLYING, FELL, STOPPED = 0, 1, 2, 3   # `TrueRounds.outcome`


class TrueRounds(NamedTuple):
    """Every round of the scenario, one row a round, the same rows in every frame."""

    number: Array       # (n,) int32
    kind: Array         # (n,) int32     row of `Scenario.classes`
    outcome: Array      # (n,) int8      WAITING, FLYING, FELL or STOPPED (by a simulated interception)
    position: Array     # (n, 3) float64 east north up [m]; nan unless flying and already within some sensor's coverage
    velocity: Array     # (n, 3) float64 [m/s]; likewise
    visible: Array      # (n,) bool      a working radar could detect it in this frame
    detected: Array     # (n,) int32     detections it has caused so far
    t_impact: Array     # (n,) float64   when it falls, or would have fallen but for the interception [s]
    impact: Array       # (n, 3) float64 where, east north up [m]
    t_end: Array        # (n,) float64   when it fell or was stopped [s]; nan until then


class TrueAircraft(NamedTuple):
    """Every aircraft flying now, one row an aircraft."""

    address: Array      # (n,) int64
    callsign: Array     # (n,) S8
    position: Array     # (n, 3) float64 [m]
    velocity: Array     # (n, 3) float64 [m/s]
    transponder: Array  # (n,) bool


class Engagements(NamedTuple):
    """Simulated engagements adjudicated in this frame, one row each."""

    effector: Array     # (n,) int32
    track: Array        # (n,) int64     the track the order named
    round: Array        # (n,) int32     the round that was really there; -1 nothing was
    t: Array            # (n,) float64
    place: Array        # (n, 3) float64 where it happened [m]
    stopped: Array      # (n,) bool
    nearest_aircraft: Array  # (n,) float64 true distance to the closest aircraft over the engagement's space and time [m]; inf none


class Truth(NamedTuple):
    """What was true at time `t`.

    `origin` says, for each detection of the frame: a round's number; -1 thermal false alarm; -2 clutter; -1000 - k aircraft k.
    """

    t: float
    rounds: TrueRounds
    aircraft: TrueAircraft
    engagements: Engagements
    origin: Array       # (n detections,) int32

    @classmethod
    def nothing(cls, t: float) -> Truth:
        """Nothing flies."""
        i4, z, z3 = np.zeros(0, np.int32), np.zeros(0), np.zeros((0, 3))
        no, i8 = np.zeros(0, np.bool_), np.zeros(0, np.int64)
        return cls(
            t, TrueRounds(i4, i4, np.zeros(0, np.int8), z3, z3, no, i4, z, z3, z), TrueAircraft(i8, np.zeros(0, "S8"), z3, z3, no),
            Engagements(i4, i8, i4, z, z3, no, z), i4,
        )
