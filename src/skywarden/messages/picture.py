"""What we believe, and whom we warn: tracks, impacts, threats, warnings and the state of health."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skywarden.messages.receipts import Channels
from skywarden.messages.tables import Array

PROJECTILE, AIRCRAFT, OTHER = 0, 1, 2        # columns of `Tracks.kind`
KIND_NAMES = ("projectile", "aircraft", "other")

# `Warnings.action`: raised in this frame; still standing; cleared in this frame
RAISE, HELD, CLEAR = 1, 2, 3
ACTION_NAMES = {RAISE: "raise", HELD: "held", CLEAR: "clear"}

# `Warnings.stage`: what the people in the zone are told
NO_STAGE, PRE_ALERT, TAKE_COVER, STAY, IMPACTS_OVER, ALL_CLEAR = range(6)
STAGE_NAMES = ("none", "pre-alert", "take-cover", "stay", "impacts-over", "all-clear")

# `Losses.why`, `Losses.reason` and `PreAlerts.cause`: numbers of REASONS. Records keep them: new ones are added at
# the end
(
    NO_REASON, IMPROBABLE, UNSETTLED, COSTLY, BRIEF, WARNED, PROBABLE, URGENT, WORTH, BY_HAND, IMPACT_DUE, PROLONGED,
        NARROWED, PASSED, OUTAGE,
    TENTATIVE, RAID_GOES_ON, OPERATOR, TIME_OVER, RELEASED, CORRECTED, FIRED, COMING, FORETOLD_THERE,
        UNKNOWN_DIRECTION, NOBODY_TO_WARN,
    AFTER_IMPACT,
) = range(27)
REASONS = (
    "",
    "not probable enough",
    "the next scans will tell, and there is time to wait",
    "a warning would cost more than it saves",
    "not in enough frames running yet",
    "warned",
    "probable enough, and the place of impact is known",
    "people need the time that is left",
    "telling it now costs least",
    "raised by a person",
    "an impact is expected",
    "extended: a later impact is expected",
    "narrowed: its rounds are followed and endanger it no longer",
    "the last impact has passed, with its doubt, the fallout and a dwell",
    "held: no radar that works",
    "held: a track not yet confirmed may come down there",
    "held: warned twice in this raid, which goes on",
    "held: an operator gives the all-clear here",
    "its time is over",
    "released by a person",
    "corrected: the warning was wrong",
    "something was fired that may come down there",
    "an object under power heads for it",
    "another base foresees a round there",
    "something was fired; a radar's direction is not to be believed",
    "nobody there can be warned",
    "an impact was due: debris may fall, and more may come",
)


class Tracks(NamedTuple):
    """What we believe is flying: one row a confirmed track, newest belief, at the frame's time.
    Site frame.
    """

    number: Array       # (n,) int64      never used twice in a record
    state: Array        # (n, 7) float64  east north up [m], rates [m/s], inverse ballistic coefficient [m²/kg]
    covariance: Array   # (n, 7, 7) float64 of `state`, symmetric, positive
    seen: Array         # (n,) float64    time of last detection or report [s]
    born: Array         # (n,) float64    time of first detection [s]
    hits: Array         # (n,) int32      detections used so far
    kind: Array         # (n, 3) float64  probability: projectile, aircraft, other
    law: Array          # (n,) int32      drag law believed most: row of `Site.laws`; meaningful for projectiles
    address: Array      # (n,) int64      ICAO 24-bit address correlated with it; NO_ADDRESS none

    @classmethod
    def empty(cls) -> Tracks:
        """A table without rows."""
        i8, f8 = np.int64, np.float64
        return cls(
            np.zeros(0, i8), np.zeros((0, 7), f8), np.zeros((0, 7, 7), f8), np.zeros(0), np.zeros(0),
            np.zeros(0, np.int32),
            np.zeros((0, 3), f8), np.zeros(0, np.int32), np.zeros(0, i8),
        )


class Impacts(NamedTuple):
    """Where and when each track that may be a projectile comes down, one row a track. Site
    frame.
    """

    track: Array        # (n,) int64
    p_projectile: Array # (n,) float64      probability that it is a projectile at all
    t: Array            # (n,) float64      time of impact [s]
    place: Array        # (n, 3) float64    east north up [m]
    covariance: Array   # (n, 3, 3) float64 of east [m], north [m] and time [s] of impact
    speed: Array        # (n,) float64      at impact [m/s]
    fall_angle: Array   # (n,) float64      below the horizontal at impact [rad]

    @classmethod
    def empty(cls) -> Impacts:
        """A table without rows."""
        return cls(np.zeros(0, np.int64), *(np.zeros(s) for s in ((0,), (0,), (0, 3), (0, 3, 3), (0,), (0,))))


class Threats(NamedTuple):
    """Which zone each impact endangers, one row a track and zone with a probability worth
    naming.
    """

    track: Array        # (n,) int64
    zone: Array         # (n,) int32    row of `Site.zones`
    probability: Array  # (n,) float64  that this track is a projectile and lands within the hazard radius of the zone
    t: Array            # (n,) float64  time of impact [s]
    t_sigma: Array      # (n,) float64  its standard deviation [s]
    people: Array       # (n,) float64  expected number of people endangered: probability times the zone's people

    @classmethod
    def empty(cls) -> Threats:
        """A table without rows."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int32), *(np.zeros(0) for _ in range(4)))


class Inbound(NamedTuple):
    """Powered objects that head for a zone and say nothing of themselves, one row an object and
    zone, soonest first. Not impacts: nothing falls here.
    """

    track: Array        # (n,) int64
    zone: Array         # (n,) int32    row of `Site.zones`
    # (n,) float64  that it passes within 150 m of the zone, if it keeps its course as powered flight does
    probability: Array
    t: Array            # (n,) float64  expected arrival there [s]
    miss: Array         # (n,) float64  by how much its straight course misses the zone [m]; 0 over it
    since: Array        # (n,) float64  when it was named [s]

    @classmethod
    def empty(cls) -> Inbound:
        """A table without rows."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int32), *(np.zeros(0) for _ in range(4)))


class Warnings(NamedTuple):
    """Zones under warning, or cleared in this frame, one row a zone, most urgent first. Latched
    until an all-clear.
    """

    zone: Array         # (n,) int32    row of `Site.zones`
    action: Array       # (n,) int8     RAISE, HELD or CLEAR
    since: Array        # (n,) float64  when it was raised [s]
    probability: Array  # (n,) float64  that at least one projectile endangers the zone, now
    peak: Array         # (n,) float64  the highest such probability while the warning stood
    t_impact: Array     # (n,) float64  earliest expected impact that endangers it [s]; nan when none is left
    until: Array        # (n,) float64  earliest time of the all-clear [s]
    tracks: Array       # (n,) int32    how many tracks endanger it now
    raid: Array         # (n,) int32    number of the raid it belongs to, from 1; 0 a manual alarm
    manual: Array       # (n,) bool     raised by a person
    stage: Array        # (n,) int8     NO_STAGE … ALL_CLEAR: what the people in the zone are told

    @classmethod
    def empty(cls) -> Warnings:
        """A table without rows."""
        i4 = np.int32
        i, f = np.zeros(0, i4), np.zeros(0)
        return cls(i, np.zeros(0, np.int8), f, f, f, f, f, i, i, np.zeros(0, np.bool_), np.zeros(0, np.int8))


class PreAlerts(NamedTuple):
    """Zones told that something was fired which may come down there: no warning yet, and none
    need follow. One row a zone.
    """

    zone: Array         # (n,) int32    row of `Site.zones`
    since: Array        # (n,) float64  when it was told [s]
    probability: Array  # (n,) float64  that at least one projectile endangers the zone, now
    t_impact: Array     # (n,) float64  earliest expected impact or arrival [s]; nan unknown
    until: Array        # (n,) float64  earliest end [s]
    cause: Array        # (n,) int8     row of REASONS

    @classmethod
    def empty(cls) -> PreAlerts:
        """A table without rows."""
        f = np.zeros(0)
        return cls(np.zeros(0, np.int32), f, f, f, f, np.zeros(0, np.int8))


class Losses(NamedTuple):
    """What each endangered or warned zone stands to lose, and why it is warned or not; one row
    a zone. Losses in people hurt or their equal.
    """

    zone: Array         # (n,) int32    row of `Site.zones`
    unwarned: Array     # (n,) float64  expected loss if it is not warned
    warned: Array       # (n,) float64  expected loss if it is told to take cover now, the cost of the warning included
    # (n,) float64  expected loss if it is told one frame later, unless the place is known by then to spare it
    waited: Array
    probability: Array  # (n,) float64  that at least one projectile endangers it, of those that may raise a warning
    threshold: Array    # (n,) float64  probability from which it is told to take cover now
    t_impact: Array     # (n,) float64  earliest expected impact that endangers it [s]; nan none
    why: Array          # (n,) int8     why it is warned or not: row of REASONS
    reason: Array       # (n,) int8     of a warned zone, why it is told what it is told: row of REASONS
    over: Array         # (n,) float64  of a warned zone, earliest time of IMPACTS_OVER [s]; nan none

    @classmethod
    def empty(cls) -> Losses:
        """A table without rows."""
        f, b = np.zeros(0), np.zeros(0, np.int8)
        return cls(np.zeros(0, np.int32), f, f, f, f, f, f, b, b, f)


class Health(NamedTuple):
    """How far the picture can be trusted right now."""

    # (n,) int8 per radar of the site: 0 working, 1 silent, 2 doubtful, 3 late, 4 misaligned, 5 astray: its direction
    # is unknown
    radars: Array
    late_s: float       # the frame's own lateness [s]
    detections: int     # in this frame
    rejected: int       # detections and reports not believed in this frame: impossible values, unknown radar
    step_s: float       # reserved for display by the loop; 0 inside `watch`, which knows no clock
    channels: Channels = Channels.none()    # how the ways out to people fare
    # (n,) float64  per radar, seconds within which nine of ten of its detections come; nan none yet
    lag: Array = np.zeros(0)
    late: int = 0       # detections of this frame not used: older than anything that could still be put in place
    unusable: int = 0   # detections of this frame not used: no elevation and no address
    # reports and replies of this frame not used: they contradict what is known of the aircraft
    disbelieved: int = 0
    # (n, 4) constant error of each radar in range [m], azimuth, elevation [rad] and time [s] as estimated; nan unknown
    errors: Array = np.zeros((0, 4))
    error_sigma: Array = np.zeros((0, 4))   # its standard deviation
    corrected: Array = np.zeros((0, 4))     # what of it is taken from the radar's detections before they are tracked
    references: Array = np.zeros(0, np.int64)   # (n,) aircraft and fixed echoes that agree on it
    # (n, 2) by how much an astray radar errs in azimuth and elevation [rad]; nan it does not
    astray: Array = np.zeros((0, 2))
    judged: int = 0     # of the latest rounds that came down, how many ellipses were judged
    held: int = 0       # of those, how many held: nine of ten are asked
    unkept: bool = False    # too few held: places of impact are less sure than they are said to be


class Picture(NamedTuple):
    """What `watch` believes at time `t`. It has no place for a clearance or an order."""

    t: float
    tracks: Tracks
    impacts: Impacts
    threats: Threats
    warnings: Warnings
    health: Health
    inbound: Inbound = Inbound.empty()
    pre_alerts: PreAlerts = PreAlerts.empty()
    losses: Losses = Losses.empty()
