"""The declarations a site is made of. Validated by `load`, never changed afterwards. Inside: SI,
radians, east-north-up from the origin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from skywarden.kernels.ballistics.air import Air
from skywarden.kernels.ballistics.drag import Drags
from skywarden.kernels.ballistics.flight import Earth
from skywarden.kernels.geometry.ground import Ground
from skywarden.messages.frame import Weather

Array = NDArray[Any]


@dataclass(frozen=True)
class Origin:
    """Where the site frame has its zero."""

    latitude: float     # WGS-84 [rad]
    longitude: float    # WGS-84 [rad]
    elevation: float    # above mean sea level [m]


@dataclass(frozen=True, eq=False)
class Zone:
    """A piece of ground somebody may be hurt on, or that must stay usable."""

    name: str
    kind: str           # runway | apron | building | housing | fuel | alert-zone
    people: float       # usually there
    shelter_s: float    # time they need to reach shelter [s]
    warn: bool          # has a siren, speaker or person to warn it
    polygon: Array      # (k, 2) float64 east, north [m]; closed implicitly, counter-clockwise
    ambient_db: float = 60.0    # noise that a siren has to be heard over there, A-weighted [dB]


@dataclass(frozen=True, eq=False)
class Siren:
    """A siren or loudspeaker that people hear."""

    name: str
    place: Array        # (3,) east north up [m]
    level_db: float     # sound level at 30 m, A-weighted [dB]


# however strong the signal, a tenth of the declared errors stays: alignment, timing, calibration; illustrative
LEAST_NOISE_DB = -20.0


@dataclass(frozen=True, eq=False)
class Radar:
    """A sensor as the defender declares it: a generic class with illustrative parameters."""

    name: str
    kind: str                   # staring | rotating | scheduled
    place: Array                # (3,) east north up [m]
    revisit: float              # staring, scheduled: between looks at a target; rotating: a turn [s]
    range_min: float            # [m]
    range_max: float            # [m]
    elevation_min: float        # [rad]
    elevation_max: float        # [rad]
    azimuth_from: float         # sector covered, clockwise from [rad]
    azimuth_width: float        # [rad]; 2 pi all round
    range_sigma: float          # standard deviation at `reference_snr` (always, where that is nan) [m]
    azimuth_sigma: float        # [rad]
    elevation_sigma: float      # [rad]; nan: measures no elevation
    range_rate_sigma: float     # [m/s]; nan: measures no Doppler
    # [dB]; at other ratios sigma² scales with 1/snr, down to LEAST_NOISE_DB; nan: noise does not depend on it
    reference_snr: float
    detection_probability: float  # nominal, of a round well inside coverage
    false_alarms: float         # expected thermal false alarms a revisit
    range_cell: float           # resolution [m]; 0: perfect resolution
    azimuth_cell: float         # [rad]
    elevation_cell: float       # [rad]
    range_rate_cell: float      # [m/s]
    range_rate_span: float      # Doppler repeats every so much [m/s]; inf: unambiguous
    reference_range: float      # range at which 0 dBsm gives `reference_snr` [m]; nan: no signal model, Pd constant
    budget: float               # scheduled: dwells it can spend a second; inf otherwise
    mode_s: bool                # interrogates transponders: detections carry address and pressure altitude
    sac_sic: tuple[int, int]    # ASTERIX identity; (-1, -1) any
    # deviation of its constant error in range [m]; nan: assumed where several radars follow, else 0
    range_bias: float = math.nan
    azimuth_bias: float = math.nan      # the same in azimuth [rad]
    elevation_bias: float = math.nan    # the same in elevation [rad]


@dataclass(frozen=True, eq=False)
class Receiver:
    """An ADS-B receiver."""

    place: Array        # (3,) [m]
    range_max: float    # [m]


@dataclass(frozen=True, eq=False)
class Effector:
    """A generic interceptor class, illustrative, simulated only."""

    name: str
    kind: str                   # gun | interceptor | directed-energy
    place: Array                # (3,) east north up [m]
    azimuth_from: float         # sector allowed, clockwise from [rad]
    azimuth_width: float        # [rad]
    reach_min: float            # [m]
    reach_max: float            # [m]
    reaction_s: float           # from order to effect leaving [s]
    speed: float                # of the effect, mean over its reach [m/s]; inf: light
    kill_probability: float     # single engagement, at half reach, illustrative
    engagement_s: float         # how long one engagement occupies it [s]
    magazine: int               # engagements before reload
    burst: int = 1              # rounds or interceptors spent in one engagement
    # from the last engagement of a magazine until it is full again [s]; inf: not within a raid
    reload_s: float = math.inf
    slew_rate: float = math.inf  # how fast it turns to another direction [rad/s]
    # share of the kill probability lost against a round that flies straight across its line of sight
    crossing_loss: float = 0.0
    self_destruct_s: float = math.inf   # after leaving, spent rounds destroy themselves [s]; inf: at full reach
    dud_share: float = 0.0      # share of spent rounds that do not, and come down whole
    height_min: float = 30.0    # it meets nothing below this height above the ground [m]
    # arcs of its sector that nothing of an engagement may point into: clockwise from, width [rad]
    no_fire: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Channel:
    """One way out to people or to another system. It names files of secrets and holds none."""

    name: str
    url: str
    kind: str                   # live | exercise | simulation: the only kind of session that it speaks for
    zones: tuple[str, ...]      # names of those it tells; empty: all that can be warned
    secret: str = ""            # "file:NAME" of the key its messages are signed with
    password: str = ""          # "file:NAME" of the password or token of `user`
    user: str = ""
    relays: tuple[str, ...] = ()            # receivers that must answer
    languages: tuple[str, ...] = ("en",)
    monthly_test: bool = False  # whether a month without a passed test is shown as a fault
    tracks: bool = False        # simulation only: tracks are shown, too
    test_day: int = 1           # day of the month on which a channel with `monthly_test` is tested by itself
    test_hour: int = 10         # hour of that day, UTC


@dataclass(frozen=True)
class Policy:
    """What the site's owners decided. Every number here is theirs to change."""

    frame_s: float              # time between frames [s]
    warn_probability: float     # a zone is warned from this probability of being endangered
    clear_probability: float    # below it (after the impact time) a warning may be cleared
    # a warning is given at the latest this much before `shelter_s` plus impact, if the probability allows
    warn_margin_s: float
    all_clear_s: float          # a warning stands at least this long after the last expected impact [s]
    hazard_radius: float        # fragments endanger people within [m]
    raid_gap_s: float           # warnings further apart belong to another raid [s]
    engage_probability: float   # rehearsal: only what endangers a zone with at least this probability
    projectile_probability: float  # rehearsal: only what is a projectile with at least this probability
    safety_distance: float      # rehearsal: no aircraft's reachable tube within [m]
    consent: str                # rehearsal: "none" | "one" | "two" people must agree to an engagement
    weapons: str                # rehearsal: initial weapon control status "hold" | "tight" | "free"
    look_s: float = 1.0         # rehearsal: time after an engagement until its outcome is judged from the track [s]
    # rehearsal: people a round must endanger for the last shot of a magazine to be spent on it
    reserve: float = 0.0
    # correlation of the errors of two rounds of one salvo: wind and drag are shared; illustrative
    shared_error: float = 0.3
    # a zone is pre-alerted from this probability of being endangered; 1 never
    pre_alert_probability: float = 0.05
    fallout_s: float = 3.0      # after an impact, debris may come down for so long [s]
    dwell_s: float = 3.0        # the impacts are over once nothing was foreseen for so long [s]
    narrow_s: float = 10.0      # a zone whose rounds, all followed, endanger it no longer is released after so long [s]
    all_clear: str = "automatic"    # who gives the all-clear: "automatic" | "operator"


@dataclass(frozen=True)
class Costs:
    """What a warning saves and what it costs, as the site's owners see it. The usual values are
    illustrative.
    """

    hurt_open: float = 0.10     # share of a zone's people hurt by a round there, standing in the open
    hurt_lying: float = 0.05    # the same, lying down
    hurt_sheltered: float = 0.005   # the same, in shelter
    compliance: float = 0.85    # share of people who do as told
    reaction_s: float = 2.0     # from hearing to moving [s]
    hurt_running: float = 0.0005    # share of people hurt on their way to shelter
    hours_per_casualty: float = 5000.0  # person-hours of stopped work that weigh as much as one person hurt
    false_alarm: float = 0.10   # share of people who no longer heed the next true warning after a false one
    # share of the lead that was possible which waiting for a better place of impact must leave
    least_lead: float = 0.75
    stated: bool = False        # whether the site states them: else its `warn_probability` decides


@dataclass(frozen=True)
class Display:
    """How the site's people want to read what is shown; changes no belief."""

    # metres above the origin | feet above mean sea level | flight-level above the transition altitude, else feet
    aircraft_height: str = "metres"
    transition_altitude: float = 3048.0     # above mean sea level [m]


@dataclass(frozen=True, eq=False)
class Site:
    """A place under protection, everything the defender knows about it before the first frame."""

    name: str
    title: str
    origin: Origin
    air: Air                    # atmosphere of the declared kind, without wind; see `Weather`
    earth: Earth                # gravity and rotation
    weather: Weather            # believed until a frame brings something newer
    laws: tuple[str, ...]       # names of the drag laws held possible, rows of `drags`
    drags: Drags
    ground: Ground
    radars: tuple[Radar, ...]
    receivers: tuple[Receiver, ...]
    effectors: tuple[Effector, ...]
    zones: tuple[Zone, ...]
    policy: Policy
    costs: Costs = Costs()
    sirens: tuple[Siren, ...] = ()
    channels: tuple[Channel, ...] = ()
    wording: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # the site's own words, by language and step
    sender: str = ""            # who signs alerts, as CAP wants it; empty: skywarden@NAME
    replica: str = "a"          # which of several watchers of this site speaks
    display: Display = Display()
    # the files it was read from, by name: a record carries them
    sources: Mapping[str, bytes] = field(default_factory=dict)
