"""The lines of the ledgers: what became of each round, each zone and each warning. Where a round
came from has no place here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from skywarden.messages.truth import FLYING


class Sample(NamedTuple):
    """How good a prediction was at one moment."""

    t: float            # [s]
    to_impact: float    # until the true impact [s]
    error: float        # predicted to true impact, over the ground [m]
    covered: bool       # the true impact lay in the ellipse that should hold 90 % of them
    # distance of the true impact in units of the prediction's covariance, squared: chi-squared of 2 if that is honest
    squared: float = math.inf
    late: float = math.inf      # true minus predicted time of impact, in standard deviations
    nees: float = math.nan      # of the track's place and velocity: chi-squared of 6 if its covariance is honest


@dataclass
class RoundLine:
    """What became of one round. None where it never came to that.

    t_impact, impact  when and where it fell, or would have but for the simulated interception [s],
                      east north up [m]
    inside            within the smallest convex area around all zones
    inside_zones      zones whose polygon holds the impact; `zones` those of them that can be warned
    first_report      (when, people expected to be endangered, distance from the true impact [m]):
                      the first prediction made of it
    advice            (when, reason) each time the clearance's reason changed; `decision` the last
                      of them
    said              (when, what, who) an operator said about its track
    orders            simulated orders given; `engagements` adjudicated, `endings` how, each as in
                      `Engagements.outcome`
    lead_time_s       from the last of its zones' warnings to the impact [s]
    """

    number: int
    kind: str
    t_impact: float
    impact: tuple[float, float, float]
    inside: bool = False
    inside_zones: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    outcome: int = FLYING
    t_end: float | None = None
    seen_at: float | None = None
    tracked_at: float | None = None
    warned_at: float | None = None
    lead_time_s: float | None = None
    decision: str | None = None
    orders: int = 0
    engagements: int = 0
    endings: list[int] = field(default_factory=list)
    first_report: tuple[float, float, float] | None = None
    advice: list[tuple[float, str]] = field(default_factory=list)
    said: list[tuple[float, str, str]] = field(default_factory=list)
    # where it was first followed: bearing from the origin [rad], distance [m]; told coarsely only
    seen_from: tuple[float, float] | None = None
    tracks: set[int] = field(default_factory=set)
    samples: list[Sample] = field(default_factory=list)


@dataclass
class WarningLine:
    """One warning of one zone, from its raise to its all-clear. `false` is None where nobody can
    know.

    because    the tracks it was raised for, likeliest first: number, probability that it comes down
               there, that it is a projectile at all
    seen_at    when it was first acknowledged [s], `seen_by` by whom; None and empty where nobody
               did
    """

    zone: int
    raised: float
    cleared: float | None
    probability: float
    peak: float
    manual: bool
    false: bool | None
    because: tuple[tuple[int, float, float], ...] = ()
    seen_at: float | None = None
    seen_by: str = ""


class RemainsLine(NamedTuple):
    """One piece that an interception left: of which round (-1 none), of which sort, when and where
    it lands, and the zone it lands in.
    """

    number: int
    sort: int
    t: float
    place: tuple[float, float, float]
    zone: str | None


class MovementLine(NamedTuple):
    """One flight under the scenario's tower."""

    callsign: str
    arrives: bool       # it was to land; else to start
    word: int           # the tower's last, as in `Movements.word`
    late: float         # behind its plan [s]
    around: bool        # it has had to go around


class Closure(NamedTuple):
    """One time the runway was closed, as the rehearsal had it."""

    begun: float            # [s]
    ended: float | None     # [s]; None: still closed at the end
    why: tuple[str, ...]    # states in their order, as in `Airport.state`


class InboundLine(NamedTuple):
    """One powered object that was named as heading for a zone."""

    track: int
    named: float            # [s]
    arrives: float          # at the zone named first, as last expected [s]
    zones: tuple[int, ...]  # rows of the site's zones, in the order they were named
    peak: float             # highest probability of reaching one of them


class ZoneLine(NamedTuple):
    """One zone: rounds that fell into it, or would have, as (number, time), and its warnings."""

    name: str
    kind: str
    warn: bool
    hits: tuple[tuple[int, float], ...]
    warnings: tuple[WarningLine, ...]
