"""What really flew, in a simulation. Travels beside the frame to the record and the tally; nothing
that believes or warns may read it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skywarden.messages.tables import Array

WAITING, FLYING, FELL, STOPPED = 0, 1, 2, 3   # `TrueRounds.outcome`
# `Engagements.outcome`: partly is broken off its path but whole; a dud is an effect that failed
MISSED, KILLED, PARTLY, DUD = 0, 1, 2, 3
# `Remains.sort`: pieces; a round that did not go off; what was fired and did not destroy itself
FRAGMENT, LIVE, SPENT = 0, 1, 2
INJECTS = ("raid", "ghosts", "adsb", "turn", "outage", "delay", "siren", "clutter", "message")     # `Injected.kind`
HELD_READY, DUE, FIRED, OVER, REPLIED = "held", "due", "fired", "over", "answered"
INJECT_STATES = (HELD_READY, DUE, FIRED, OVER, REPLIED)     # `Injected.state`
AS_PLANNED, HELD, WENT_AROUND, DIVERTED, WAITS, LANDED, DEPARTED, CANCELLED = range(8)      # `Movements.word`


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
    # (n,) float64 true distance to the closest aircraft over the engagement's space and time [m]; inf none
    nearest_aircraft: Array
    outcome: Array      # (n,) int8     MISSED, KILLED, PARTLY or DUD; the first and the last leave the round as it was


class Remains(NamedTuple):
    """What this frame's engagements leave to come down, one row a piece, whenever it lands."""

    round: Array        # (n,) int32    the round it was, or was meant for; -1 none
    sort: Array         # (n,) int8     FRAGMENT, LIVE or SPENT
    t: Array            # (n,) float64  when it lands [s]
    place: Array        # (n, 3) float64 where [m]

    @classmethod
    def none(cls) -> Remains:
        """A table without rows."""
        return cls(np.zeros(0, np.int32), np.zeros(0, np.int8), np.zeros(0), np.zeros((0, 3)))


class Movements(NamedTuple):
    """Flights under the scenario's tower and its word to each, one row a flight; landed, departed,
    called off: told of once.
    """

    address: Array      # (n,) int64
    callsign: Array     # (n,) S8
    arrives: Array      # (n,) bool     it is to land; else it starts here
    # (n,) int8     AS_PLANNED, HELD, WENT_AROUND (and then holds), DIVERTED, WAITS, LANDED, DEPARTED or CANCELLED
    word: Array
    late: Array         # (n,) float64  behind its plan, so far or as now expected [s]
    around: Array       # (n,) bool     it has had to go around

    @classmethod
    def none(cls) -> Movements:
        """No row."""
        no = np.zeros(0, np.bool_)
        return cls(np.zeros(0, np.int64), np.zeros(0, "S8"), no, np.zeros(0, np.int8), np.zeros(0), no)


class Injected(NamedTuple):
    """What happened to one inject, or message, of an exercise in this frame."""

    t: float            # [s]
    name: str           # its own name in the scenario
    kind: str           # one of INJECTS
    state: str          # one of INJECT_STATES
    who: str            # who fired it: an instructor, or "scenario"; of an answer, who gave it
    subject: str        # radar or siren that it befalls, or who sends the message; empty none
    says: str           # of a message, whether it is so: "true" or "false"; else empty
    expect: str         # of a message, the right answer; empty none
    number: int         # of a message: k of its delivered name "mk"; 0 none


class Truth(NamedTuple):
    """What was true at time `t`.

    `origin` says, for each detection of the frame: a round's number; -1 thermal false alarm; -2
    clutter; -3 a piece of something intercepted; -1000 - k aircraft k.
    """

    t: float
    rounds: TrueRounds
    aircraft: TrueAircraft
    engagements: Engagements
    origin: Array       # (n detections,) int32
    remains: Remains = Remains.none()
    movements: Movements = Movements.none()
    injects: tuple[Injected, ...] = ()

    @classmethod
    def nothing(cls, t: float) -> Truth:
        """Nothing flies.

        t  time of the frame [s]
        """
        i4, z, z3 = np.zeros(0, np.int32), np.zeros(0), np.zeros((0, 3))
        no, i8 = np.zeros(0, np.bool_), np.zeros(0, np.int64)
        return cls(
            t, TrueRounds(i4, i4, np.zeros(0, np.int8), z3, z3, no, i4, z, z3, z), TrueAircraft(i8, np.zeros(0, "S8"),
                z3, z3, no),
            Engagements(i4, i8, i4, z, z3, no, z, np.zeros(0, np.int8)), i4,
        )
