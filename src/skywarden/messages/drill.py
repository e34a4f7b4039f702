"""The rehearsed interception, simulations only: clearances, simulated orders and the airport's state. No aim, lead or fuze has a place here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

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
NOT_WORTH = "worth"                   # stopping it would endanger more than it spares, or the shot is worth more kept


@dataclass(frozen=True, slots=True)
class Clearance:
    """Whether a simulated engagement of one track by one effector would be safe, with the evidence.

    track, effector   track number; row of `Site.effectors`
    t_from, t_to      window of the engagement, until burn-out or self-destruct [s]
    cleared           True only with reason CLEAR_TO_ENGAGE
    reason            one of the words above
    until             earliest time at which asking again may help [s]; nan unknown
    aircraft          track number of the closest aircraft or unknown; -1 none
    distance          closest distance between the engagement's space and any reachable tube [m]; inf none
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

    def __post_init__(self) -> None:
        if self.cleared != (self.reason == CLEAR_TO_ENGAGE):
            raise ValueError(f"a clearance is cleared exactly when its reason is {CLEAR_TO_ENGAGE!r}; got {self.cleared} with {self.reason!r}")


@dataclass(frozen=True, slots=True)
class Order:
    """A simulated order: which track, which effector, in which time window, and the clearance it rests on. Nothing else, ever."""

    track: int
    effector: int
    t_from: float
    t_to: float
    clearance: Clearance

    def __post_init__(self) -> None:
        c = self.clearance
        if not c.cleared or (c.track, c.effector) != (self.track, self.effector) or not c.t_from <= self.t_from <= self.t_to <= c.t_to:
            raise ValueError("an order needs a clearance for the same track and effector whose window holds it")


FLIES_ON, SEEMS_STOPPED = "flies-on", "seems-stopped"     # `Assessment.verdict`


class Assessment(NamedTuple):
    """What the track says of an engagement after the look: evidence, no more. A supposed hit cancels no warning."""

    track: int
    effector: int
    t_hit: float          # when the effect should have met the round [s]
    verdict: str          # FLIES_ON: seen since; SEEMS_STOPPED: not seen since


class Allocation(NamedTuple):
    """How good this frame's pairing of threats and effectors is: people endangered, as the rehearsal counts them."""

    threats: int
    objective: float      # expected to get through
    lower_bound: float    # no pairing has less


class Airport(NamedTuple):
    """The runway as the rehearsal sees it."""

    runway_open: bool
    holds: int            # aircraft asked to hold, in the rehearsal
    minutes_lost: float


class Drill(NamedTuple):
    """What `rehearse` did at time `t`. `awaiting` names tracks cleared but waiting for a person's consent."""

    t: float
    status: str                          # weapon control status: "hold", "tight" or "free"
    clearances: tuple[Clearance, ...]
    orders: tuple[Order, ...]            # given in this frame
    awaiting: tuple[int, ...]
    airport: Airport
    assessments: tuple[Assessment, ...] = ()    # of engagements whose outcome was looked at in this frame
    allocation: Allocation = Allocation(0, 0.0, 0.0)
