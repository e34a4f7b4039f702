"""The declarations a scenario is made of. Rounds are described by how they come down; nothing here
or anywhere solves for a launch direction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from skywarden.kernels.ballistics.drag import Drags
from skywarden.messages.commands import Command

Array = NDArray[Any]
Span = tuple[float, float]      # drawn uniformly between the two
ARRIVAL, DEPARTURE = "arrival", "departure"     # `Flight.tower`


@dataclass(frozen=True, eq=False)
class RoundClass:
    """A generic class of round; every value illustrative, none of a real weapon."""

    name: str
    kind: str               # mortar | rocket | shell
    law: int                # row of `Scenario.drags`
    coefficient: float      # mean ballistic coefficient [kg/m²]
    spread: float           # its relative standard deviation from round to round
    burn_acceleration: float    # while burning, along the velocity [m/s²]; 0 no motor
    burn_out_height: float      # above the ground of the launch area [m]; where flying backwards the motor comes on
    burn_spread: float      # relative standard deviation of the acceleration, unknown to the defence
    drift: float            # sideways acceleration of spin per speed [1/s]; unknown to the defence
    cross_section: float    # mean radar cross-section [m²]
    swerling: int           # fluctuation model: 0, 1, 2, 3 or 4


@dataclass(frozen=True, eq=False)
class Area:
    """A named piece of ground."""

    name: str
    polygon: Array          # (k, 2) east, north [m]


@dataclass(frozen=True, eq=False)
class Raid:
    """Rounds of one class from one area onto one area."""

    name: str
    round_class: int        # row of `Scenario.classes`
    count: int
    start: float            # first round is launched [s]
    interval: Span          # between launches [s]
    launch: Area
    fall: Area
    fall_angle: Span        # below the horizontal at impact [rad]
    fall_speed: Span        # at impact [m/s]


@dataclass(frozen=True, eq=False)
class Flight:
    """One aircraft, as flown."""

    callsign: str
    address: int            # ICAO 24-bit address; -1 none
    transponder: bool
    cross_section: float    # [m²]
    t: Array                # (k,) [s], rising
    position: Array         # (k, 3) east north up [m]
    lie: Array              # (3,) added to every position it broadcasts [m]; zeros: honest
    gap: tuple[Span, ...]   # transmits nothing between [s]
    nic: int                # integrity it claims
    said_t: Array           # (m,) times of a recorded broadcast, flaws and all [s]; empty: it broadcasts where it is
    said: Array             # (m, 3) positions it broadcast [m]
    # ARRIVAL: lands here, DEPARTURE: starts here, each as the scenario's tower says; "": flies as written, whatever
    # happens
    tower: str = ""
    stands: float = 0.0     # so long it stands where it has come to, its transponder on [s]


@dataclass(frozen=True)
class Flow:
    """Traffic drawn from the run's seed, beside the flights that are written down."""

    per_week: float         # landings, starts and crossings within five nautical miles
    crossings: float        # share that only cross
    helicopters: float      # share of the others that are helicopters, to and from an apron
    silent: float           # share without a transponder


@dataclass(frozen=True, eq=False)
class WeatherTruth:
    """The air as it is."""

    up: Array               # (k,) [m]
    wind: Array             # (k, 2) towards east, north [m/s]
    temperature_offset: float   # [K]
    pressure_ratio: float
    wind_error: float       # standard deviation of a further, smooth profile error, drawn once a run [m/s]


@dataclass(frozen=True, eq=False)
class Clutter:
    """What the radars see that is neither a round nor an aircraft."""

    birds: int              # flying at a time
    flock: float            # mean birds a flock
    rotors: int             # turning on the ground or hovering
    rain: tuple[Array, ...] # polygons with returns drifting with the wind
    rain_rate: float        # expected returns a revisit and square kilometre
    false_alarm_factor: float   # on each radar's own rate


@dataclass(frozen=True)
class Outage:
    """A radar that is off."""

    radar: int              # row of `Site.radars`
    start: float            # [s]
    end: float              # [s]


@dataclass(frozen=True)
class Delay:
    """A radar whose data come late: frame assembly gets them `by` seconds after they were measured."""

    radar: int
    start: float
    end: float
    by: float


@dataclass(frozen=True)
class Misalignment:
    """A radar set up wrongly: what it measures and stamps, less the truth. Unknown to the defence."""

    radar: int
    start: float
    end: float
    range: float            # [m]
    azimuth: float          # clockwise [rad]
    elevation: float        # upwards [rad]
    time: float             # stamped later than measured [s]
    tilt: float = 0.0       # of its turntable [rad]: elevations read too high towards, too low away from
    towards: float = 0.0    # this azimuth [rad]


@dataclass(frozen=True, eq=False)
class Inject:
    """One change of the world, drawn at the start and made when it is fired.

    name      its own, and the name of its chance
    kind      one of `messages.truth.INJECTS` but a message
    at        when it is planned [s]; inf: at no time
    held      a person fires it; else it fires itself at its time
    lasts     how long it goes on [s]; inf: to the end
    subject   the radar or siren that it befalls; empty where it befalls none
    radar     row of `Site.radars` of that radar; -1 none
    turn      that a radar's azimuths are turned clockwise by [rad]
    by        seconds that a radar's data come late
    raid      rounds to be fired, or whose echoes one radar makes up; its start counts from the
              firing
    flight    that reports itself and does not exist; its times count from the firing
    clutter   birds, rotors and false alarms that come on top
    """

    name: str
    kind: str
    at: float
    held: bool
    lasts: float = math.inf
    subject: str = ""
    radar: int = -1
    turn: float = 0.0
    by: float = 0.0
    raid: Raid | None = None
    flight: Flight | None = None
    clutter: Clutter | None = None


@dataclass(frozen=True)
class Post:
    """A message, or a question put to the trainee.

    name     its own, never shown to a trainee
    at       when it is planned [s]; inf: at no time
    held     a person sends it
    kind     one of `messages.frame.DELIVERED_KINDS`
    sender   who says it, as shown
    texts    its words in the order of `LANGUAGES`; empty where not written
    true     whether what it says is so
    facts    what it tells, as "key=value"; for the scorer, never shown
    answer_s seconds within which an answer is awaited; nan none is
    choices  answers offered; empty: in the trainee's own words
    expect   the right answer; empty where there is none
    ends     the name of the message that this one ends; empty none
    """

    name: str
    at: float
    held: bool
    kind: str
    sender: str
    texts: tuple[str, ...]
    true: bool = True
    facts: tuple[str, ...] = ()
    answer_s: float = math.nan
    choices: tuple[str, ...] = ()
    expect: str = ""
    ends: str = ""


@dataclass(frozen=True)
class Siren:
    """A simulated siren: it answers each warning of its zones, until an inject makes it dead."""

    name: str
    zones: tuple[str, ...]      # that it is heard in; empty: all


@dataclass(frozen=True, eq=False)
class Scenario:
    """One hidden truth to be defended against."""

    name: str
    title: str
    site: str               # site it was written for
    epoch_ns: int           # UTC of t = 0 [ns since 1970]
    duration: float         # [s]
    seed: int
    classes: tuple[RoundClass, ...]
    drags: Drags
    raids: tuple[Raid, ...]
    flights: tuple[Flight, ...]
    weather: WeatherTruth
    clutter: Clutter
    outages: tuple[Outage, ...]
    delays: tuple[Delay, ...]
    operator: tuple[Command, ...]
    flow: Flow = Flow(0.0, 0.0, 0.0, 0.0)
    injects: tuple[Inject, ...] = ()
    posts: tuple[Post, ...] = ()
    sirens: tuple[Siren, ...] = ()
    misalignments: tuple[Misalignment, ...] = ()
    sources: Mapping[str, bytes] = field(default_factory=dict)  # the files it was read from, by name
