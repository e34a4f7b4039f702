"""The rehearsed interception, simulations only: clearances, simulated orders and the airport's
state. No aim, lead or fuze has a place here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skywarden.messages.tables import Array

# `Clearance.reason`: why it was refused; CLEAR_TO_ENGAGE is the only one under which an order may be built.
CLEAR_TO_ENGAGE = "clear"
AIRCRAFT_NEAR = "aircraft"            # an aircraft's reachable tube comes within the safety distance
UNKNOWN_NEAR = "unknown"              # so does something that may be an aircraft
NOT_SURE = "not-sure"                 # not surely a projectile
NO_THREAT = "no-threat"               # it endangers nothing
OUT_OF_REACH = "reach"                # no window in which the effector can reach it
NO_FIRE_ARC = "arc"                   # outside the effector's sector or inside a no-fire arc
FALLOUT = "fallout"                   # fragments would fall on people
SENSORS_DOUBTFUL = "sensors"          # a sensor needed for safety is silent or doubtful
WAITING = "look"                      # engaged already: its outcome is looked at first
WEAPONS_HOLD = "hold"                 # weapon control status or an operator's hold
EMPTY = "empty"                       # nothing left in the magazine


DEBRIS, PARTIAL, SPENT, DUD = 0, 1, 2, 3     # `Fallout.cause`
FALLOUT_NAMES = ("debris of the round", "a round only partly stopped", "spent effect", "duds of the effect")


class Reached(NamedTuple):
    """Where every aircraft, and whatever may be one, can be while an engagement lasts: one row
    each, at its nearest approach.
    """

    number: Array       # (n,) int64    track number; -1 a report no track belongs to
    address: Array      # (n,) int64    ICAO 24-bit address; NO_ADDRESS none
    unknown: Array      # (n,) bool     not known to be an aircraft
    backed: Array       # (n,) bool     a radar agrees with it; False: a claim that nobody corroborates
    seen: Array         # (n,) float64  last seen or heard: it may have manoeuvred since [s]
    t: Array            # (n,) float64  of the position [s]
    position: Array     # (n, 3) float64 [m]; up is nan where the height is unknown: then it may be at any
    velocity: Array     # (n, 3) float64 [m/s]; zero where unknown
    when: Array         # (n,) float64  its nearest approach [s]
    reach: Array        # (n,) float64  how far from its dead reckoning it can be by then, towards the engagement [m]
    gap: Array          # (n,) float64  from there to the engagement's space [m]; negative: it can be inside
    risk: Array         # (n,) float64  probability that it is nearer than the safety distance after all

    @classmethod
    def none(cls) -> Reached:
        """No row."""
        i, f, b = np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.bool_)
        return cls(i, i, b, b, f, f, np.zeros((0, 3)), np.zeros((0, 3)), f, f, f, f)


class Approaches(NamedTuple):
    """Approach and departure sectors of the runways, two for each: which of them are in use."""

    zone: Array         # (n,) int32    row of `Site.zones`
    place: Array        # (n, 2) float64 the runway's end, east north [m]
    bearing: Array      # (n,) float64  outwards, clockwise from north [rad]
    aircraft: Array     # (n,) int32    in it or on the runway, as far as is known

    @classmethod
    def none(cls) -> Approaches:
        """No row."""
        return cls(np.zeros(0, np.int32), np.zeros((0, 2)), np.zeros(0), np.zeros(0, np.int32))


class Fallout(NamedTuple):
    """Where what the engagement leaves can come down, one row a cause: a circle on the ground."""

    cause: Array        # (n,) int8     DEBRIS, PARTIAL, SPENT or DUD
    place: Array        # (n, 2) float64 east north [m]
    radius: Array       # (n,) float64  [m]
    pieces: Array       # (n,) float64  expected number of pieces that come down there
    people: Array       # (n,) float64  expected number of people they endanger

    @classmethod
    def none(cls) -> Fallout:
        """No row."""
        return cls(np.zeros(0, np.int8), np.zeros((0, 2)), *(np.zeros(0) for _ in range(3)))


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a clearance rests on. Equal where every bit is.

    t                 when it was worked out [s]; nan: nothing was, the answer did not depend on it
    place, ends       (3,) effector and (k, 3) ends of the lines of the space that the engagement
                      occupies until burn-out or self-destruct [m]
    spread            each line opens as a cone of so much half angle [rad]; a volume, no direction
                      is singled out and none has a time
    hit_height        lowest part of it that matters to people: the meeting, above the ground [m]
    arc               sector open to the effector: from, clockwise width [rad]; then the same of
                      each no-fire arc within it
    radars            (r,) int8 state of each radar of the site, as in `Health`
    unseen            bound on the probability of touching an aircraft that nobody sees; the whole
                      bound is the sum of this and the next three
    outside           the same of one outside its containment
    claims            the same of one whose broadcast is wrong beyond the integrity it claims
    fragments         the same by pieces outside the engagement's space
    stake             people that the round endangers if it is let through, as the threats say
    """

    t: float
    place: Array
    ends: Array
    spread: float
    hit_height: float
    arc: tuple[float, ...]
    radars: Array
    tubes: Reached
    approaches: Approaches
    fallout: Fallout
    unseen: float
    outside: float
    claims: float
    fragments: float
    stake: float

    @classmethod
    def none(cls) -> Evidence:
        """Of an answer that needed none."""
        nothing = (math.nan,) * 4
        return cls(math.nan, np.full(3, math.nan), np.zeros((0, 3)), math.nan, math.nan, (), np.zeros(0, np.int8),
            Reached.none(), Approaches.none(),
                   Fallout.none(), *nothing, math.nan)

    @property
    def bound(self) -> float:
        """The bound on the probability of touching an aircraft."""
        return self.unseen + self.outside + self.claims + self.fragments

    @property
    def people(self) -> float:
        """Expected number of people endangered by what comes down."""
        return float(self.fallout.people.sum())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Evidence) and _bits(self) == _bits(other)

    def __hash__(self) -> int:
        return hash((self.t, self.spread, self.tubes.number.size))


def _bits(evidence: Evidence) -> tuple[Any, ...]:
    parts: list[Any] = []
    for name in Evidence.__slots__:
        value = getattr(evidence, name)
        for part in value if isinstance(value, tuple) and hasattr(value, "_fields") else (value,):
            array = np.asarray(part, None if isinstance(part, np.ndarray) else np.float64)
            parts.append((array.dtype.str, array.shape, array.tobytes()))
    return tuple(parts)


NO_EVIDENCE = Evidence.none()


@dataclass(frozen=True, slots=True)
class Clearance:
    """Whether a simulated engagement of one track by one effector would be safe, with the evidence.

    track, effector   track number; row of `Site.effectors`
    t_from, t_to      window of the engagement, until burn-out or self-destruct [s]
    cleared           True only with reason CLEAR_TO_ENGAGE
    reason            one of the words above
    until             earliest time at which asking again may help [s]; nan unknown
    aircraft          track number of the closest aircraft or unknown; -1 none
    distance          closest distance between the engagement's space and any reachable tube [m];
                      inf none
    """

    track: int
    effector: int
    t_from: float
    t_to: float
    cleared: bool
    reason: str
    until: float
    aircraft: int
    distance: float
    t_hit: float = math.nan     # when the effect should meet the round [s]; nan where that was not worked out
    evidence: Evidence = NO_EVIDENCE
    last: float = math.nan      # an order after this would come too late [s]; nan where that was not worked out

    def __post_init__(self) -> None:
        if self.cleared != (self.reason == CLEAR_TO_ENGAGE):
            raise ValueError(f"a clearance is cleared exactly when its reason is {CLEAR_TO_ENGAGE!r}; got "
                f"{self.cleared} with {self.reason!r}")


@dataclass(frozen=True, slots=True)
class Order:
    """A simulated order: which track, which effector, in which time window, and the clearance it
    rests on. Nothing else, ever.
    """

    track: int
    effector: int
    t_from: float
    t_to: float
    clearance: Clearance

    def __post_init__(self) -> None:
        c = self.clearance
        if not c.cleared or (c.track, c.effector) != (self.track,
                self.effector) or not c.t_from <= self.t_from <= self.t_to <= c.t_to:
            raise ValueError("an order needs a clearance for the same track and effector whose window holds it")


FLIES_ON, SEEMS_STOPPED = "flies-on", "seems-stopped"     # `Assessment.verdict`


class Assessment(NamedTuple):
    """What the track says of an engagement after the look: evidence, no more. A supposed hit
    cancels no warning.
    """

    track: int
    effector: int
    t_hit: float          # when the effect should have met the round [s]
    verdict: str          # FLIES_ON: seen since; SEEMS_STOPPED: not seen since


class Allocation(NamedTuple):
    """How good this frame's pairing of threats and effectors is: people endangered, as the
    rehearsal counts them.
    """

    threats: int
    objective: float      # expected to get through
    lower_bound: float    # no pairing has less


class Airport(NamedTuple):
    """The runway as the rehearsal sees it."""

    runway_open: bool
    holds: int            # aircraft asked to hold, in the rehearsal
    minutes_lost: float
    state: str = "open"   # "open", "threatened" by an impact expected, or "inspected" after one, or after debris
    reopens: float = math.nan   # when it opens again as things stand [s]; nan open
    went_around: int = 0  # aircraft on final while it was closed, so far
    diverted: int = 0     # that waited too long, so far
    delayed: int = 0      # flights that had to wait at all, each once


class Drill(NamedTuple):
    """What `rehearse` did at time `t`. `awaiting` names tracks cleared but waiting for a person's
    consent.
    """

    t: float
    status: str                          # weapon control status: "hold", "tight" or "free"
    clearances: tuple[Clearance, ...]
    orders: tuple[Order, ...]            # given in this frame
    awaiting: tuple[int, ...]
    airport: Airport
    assessments: tuple[Assessment, ...] = ()    # of engagements whose outcome was looked at in this frame
    allocation: Allocation = Allocation(0, 0.0, 0.0)
