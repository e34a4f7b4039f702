"""What came in, at one instant: detections, aircraft reports, weather, commands and the state of
the radars.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skywarden.messages.commands import Command
from skywarden.messages.receipts import Channels, Receipts
from skywarden.messages.tables import Array

LANGUAGES = ("en", "fa", "ps")     # English, Dari, Pashto: order of `Delivered.texts`
DELIVERED_KINDS = ("message", "probe", "question", "workload", "end")   # `Delivered.kind`
NO_ADDRESS = -1       # a detection or track without an ICAO 24-bit address

# `Aircraft.source`: own position broadcast; a radar's interrogation; another tracker's track
ADSB, MODE_S, SYSTEM_TRACK = 0, 1, 2

# Why a message that came in whole was not used; columns of `Inputs.causes`.
NO_TIME, WRONG_TIME, ELSEWHERE, IMPOSSIBLE, MARKED, UNKNOWN_SENDER, NO_SUBJECT, CATEGORY, TWICE, SHED = range(10)
CAUSES = (
    "no time",          # it says no time, and nothing stands in for it
    "wrong time",       # its time agrees with none of its sender's other messages
    "elsewhere",        # its place is more than 500 km from the site
    "impossible",       # no place on earth, or a speed, climb or height that nothing flies
    "marked",           # its sender marks it as no target: simulated, a test, a reflection
    "unknown sender",   # none of the site's radars, or another radar put at the same place reports this address
    "no subject",       # no aircraft's address can be read in it
    "category",         # an ASTERIX category that is not read here
    "twice",            # equal to one that came before, as redundant networks give
    "shed",             # more came than could be decoded in time; the newest were
)


class Detections(NamedTuple):
    """What the radars saw, one row a detection (plot). Polar about the radar that saw it."""

    t: Array                  # (n,) float64  time of the detection itself [s from the record's epoch]
    sensor: Array             # (n,) int32    which radar: row of `Site.radars`
    range: Array              # (n,) float64  slant range [m]
    azimuth: Array            # (n,) float64  clockwise from true north [rad], 0 … 2 pi
    elevation: Array          # (n,) float64  above the horizontal [rad]; nan where the radar gives none
    range_rate: Array         # (n,) float64  positive receding [m/s]; nan where the radar gives none
    snr: Array                # (n,) float64  signal to noise [dB]; nan unknown
    pressure_altitude: Array  # (n,) float64  reported by the target's transponder, 1013.25 hPa [m]; nan none
    address: Array            # (n,) int64    ICAO 24-bit address replied; NO_ADDRESS none

    @classmethod
    def empty(cls, n: int = 0) -> Detections:
        """`n` rows with everything unknown."""
        unknown = np.full(n, np.nan)
        return cls(
            np.zeros(n), np.zeros(n, np.int32), unknown, unknown.copy(), unknown.copy(), unknown.copy(),
            unknown.copy(), unknown.copy(),
            np.full(n, NO_ADDRESS, np.int64),
        )


class Aircraft(NamedTuple):
    """What aircraft, or other trackers, say about themselves, one row a report. Claims, not facts:
    they can be wrong, late or forged.
    """

    t: Array                  # (n,) float64  time of applicability [s]
    address: Array            # (n,) int64    ICAO 24-bit address; NO_ADDRESS none
    callsign: Array           # (n,) S8       blank unknown
    position: Array           # (n, 3) float64 east north up [m]; nan where not reported
    velocity: Array           # (n, 3) float64 [m/s]; nan where not reported
    pressure_altitude: Array  # (n,) float64  [m]; nan none
    nic: Array                # (n,) int8     navigation integrity category (DO-260B); -1 unknown
    nacp: Array               # (n,) int8     navigation accuracy category, position; -1 unknown
    source: Array             # (n,) int8     ADSB, MODE_S or SYSTEM_TRACK
    on_ground: Array          # (n,) bool

    @classmethod
    def empty(cls, n: int = 0) -> Aircraft:
        """`n` rows with everything unknown."""
        return cls(
            np.zeros(n), np.full(n, NO_ADDRESS, np.int64), np.zeros(n, "S8"), np.full((n, 3), np.nan),
            np.full((n, 3), np.nan),
            np.full(n, np.nan), np.full(n, -1, np.int8), np.full(n, -1, np.int8), np.zeros(n, np.int8),
            np.zeros(n, np.bool_),
        )


class Weather(NamedTuple):
    """What the defender believes of the air: a wind profile with its uncertainty, and the offsets
    of the atmosphere.
    """

    up: Array                  # (k,) float64  heights above the site's origin, rising [m]
    wind: Array                # (k, 2) float64 towards east, north [m/s]
    wind_sigma: float          # standard deviation of each wind component, constant over a flight [m/s]
    temperature_offset: float  # added to the standard atmosphere's temperature [K]
    pressure_ratio: float      # of the standard atmosphere's pressure

    @classmethod
    def still(cls) -> Weather:
        """No wind, standard air."""
        return cls(np.zeros(1), np.zeros((1, 2)), 0.0, 0.0, 1.0)


class Radars(NamedTuple):
    """State of each radar of the site since the last frame, one row a radar, in the site's order."""

    up: Array           # (n,) bool     working, as far as its status messages or its silence tell
    heard: Array        # (n,) float64  time of its last message of any kind [s]; -inf never
    sector_from: Array  # (n,) float64  azimuth where this frame's look began [rad]
    # (n,) float64  how far it went, clockwise [rad]; 2 pi a whole turn or staring; 0 no look in this frame
    sector_width: Array

    @classmethod
    def staring(cls, n: int, t: float) -> Radars:
        """`n` radars that looked everywhere at time `t`."""
        return cls(np.ones(n, np.bool_), np.full(n, t), np.zeros(n), np.full(n, 2.0 * np.pi))


class Inputs(NamedTuple):
    """How each input has fared since the start, one row a feed."""

    name: Array         # (n,) S64
    received: Array     # (n,) int64    messages decoded
    undecodable: Array  # (n,) int64    bytes that could not be decoded, counted and survived
    rejected: Array     # (n,) int64    messages not used: the sum of `causes`
    heard: Array        # (n,) float64  time of the last message [s]; -inf never
    causes: Array       # (n, CAUSES) int64  of `rejected`, by cause, in the order of CAUSES
    steps: Array        # (n,) int64    times a sender's clock was set anew
    # (n,) float64  how far the worst sender's clock has wandered from ours since it was first heard [s]; nan unknown
    drift: Array

    @classmethod
    def none(cls) -> Inputs:
        """No row."""
        i, f = np.zeros(0, np.int64), np.zeros(0)
        return cls(np.zeros(0, "S64"), i, i, i, f, np.zeros((0, len(CAUSES)), np.int64), i, f)


class Delivered(NamedTuple):
    """Something said to the people at the console, as it was delivered: neither believed nor
    computed with.
    """

    t: float                    # [s]
    name: str                   # "m1", "m2", … in order of delivery; a kind "end" has the name of what it ends
    sender: str                 # who says it: "tower", "gate", "neighbour" …
    kind: str                   # one of DELIVERED_KINDS
    texts: tuple[str, ...]      # its words in the order of LANGUAGES; empty where not written
    facts: tuple[str, ...]      # what it tells, as "key=value"; for scoring, never shown
    answer_s: float             # seconds within which an answer is awaited; nan none is
    choices: tuple[str, ...]    # answers offered; none: in one's own words


class Frame(NamedTuple):
    """What came in by time `t`; detections carry their own, earlier or equal, times."""

    t: float
    detections: Detections
    aircraft: Aircraft
    weather: Weather
    commands: tuple[Command, ...]
    radars: Radars
    inputs: Inputs
    late_s: float       # by how much the loop was late for this frame [s]; 0 when it does not follow a clock
    channels: Channels = Channels.none()    # how the ways out to people fare
    receipts: Receipts = Receipts.none()    # what became of the messages sent, since the last frame
    delivered: tuple[Delivered, ...] = ()   # what was said to the people at the console since the last frame
