"""Small sites and scenarios made by hand, for tests that need one and nothing of the shipped files."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from skywarden.kernels.ballistics.air import exponential
from skywarden.kernels.ballistics.drag import standard_drags
from skywarden.kernels.ballistics.flight import plain_earth
from skywarden.kernels.geometry.ground import flat
from skywarden.messages.frame import Weather
from skywarden.simulator.scenario.model import Area, Clutter, Flight, Raid, RoundClass, Scenario, WeatherTruth
from skywarden.site.model import Effector, Origin, Policy, Radar, Receiver, Site

DATUM = 1790.0      # m, of the shared benchmark


def square(east: float, north: float, half: float) -> np.ndarray:
    """Corners (4, 2) of a square about a place [m]."""
    return np.array([[east - half, north - half], [east + half, north - half], [east + half, north + half],
        [east - half, north + half]])


def a_radar(**changes: Any) -> Radar:
    """The radar of the shared benchmark: staring, 15 m, 3 mrad, 3 mrad, 1.5 m/s, Pd 0.9, five false alarms."""
    plain = Radar(
        name="benchmark", kind="staring", place=np.zeros(3), revisit=0.25, range_min=300.0, range_max=15_000.0,
        elevation_min=math.radians(1.0),
        elevation_max=math.radians(85.0), azimuth_from=0.0, azimuth_width=2.0 * math.pi, range_sigma=15.0,
        azimuth_sigma=3e-3, elevation_sigma=3e-3,
        range_rate_sigma=1.5, reference_snr=math.nan, detection_probability=0.9, false_alarms=5.0, range_cell=0.0,
        azimuth_cell=0.0, elevation_cell=0.0,
        range_rate_cell=0.0, range_rate_span=math.inf, reference_range=math.nan, budget=math.inf, mode_s=False,
        sac_sic=(-1, -1))
    return replace(plain, **changes)


def a_real_radar(**changes: Any) -> Radar:
    """A radar with a signal model and resolution cells."""
    real: dict[str, Any] = {
        "name": "real", "reference_snr": 16.0, "reference_range": 24_000.0, "range_cell": 30.0,
        "azimuth_cell": math.radians(0.9),
        "elevation_cell": math.radians(0.9), "range_rate_cell": 4.0, "range_rate_span": 1200.0}
    return a_radar(**{**real, **changes})


def an_effector(**changes: Any) -> Effector:
    """A generic gun at the origin."""
    return replace(Effector("gun", "gun", np.zeros(3), 0.0, 2.0 * math.pi, 100.0, 3_000.0, 1.0, 800.0, 0.6, 3.0, 10),
        **changes)


def a_site(*radars: Radar, **changes: Any) -> Site:
    """The benchmark's idealised range: exponential air, constant gravity, no rotation, no wind, flat."""
    plain = Site(
        name="test", title="Test range", origin=Origin(0.6, 1.2, DATUM), air=exponential(DATUM),
        earth=plain_earth(DATUM), weather=Weather.still(),
        laws=("constant",), drags=standard_drags(["constant"]), ground=flat(), radars=radars or (a_radar(),),
        receivers=(Receiver(np.array([0.0, 0.0, 20.0]), 2e5),),
        effectors=(an_effector(),), zones=(),
        policy=Policy(0.25, 0.25, 0.02, 4.0, 30.0, 40.0, 120.0, 0.2, 0.95, 300.0, "none", "free"))
    return replace(plain, **changes)


def a_class(**changes: Any) -> RoundClass:
    """A mortar-like round of constant drag."""
    return replace(RoundClass("mortar", "mortar", 0, 4000.0, 0.1, 0.0, 0.0, 0.0, 0.0, 0.02, 1), **changes)


def a_raid(**changes: Any) -> Raid:
    """Five rounds from 3.3 km north-east onto the middle."""
    plain = Raid(
        "raid", 0, 5, 2.0, (0.5, 1.5), Area("north-east", square(2_300.0, 2_300.0, 500.0)),
        Area("middle", square(200.0, 100.0, 300.0)),
        (math.radians(50.0), math.radians(70.0)), (150.0, 230.0))
    return replace(plain, **changes)


def a_flight(**changes: Any) -> Flight:
    """An airliner flying east at 100 m/s, 1500 m up, a minute long."""
    t = np.arange(0.0, 61.0, 1.0)
    position = np.column_stack([-3_000.0 + 100.0 * t, np.full_like(t, 2_000.0), np.full_like(t, 1_500.0)])
    return replace(Flight("TEST1", 0xABCDEF, True, 40.0, t, position, np.zeros(3), (), 8, np.zeros(0),
        np.zeros((0, 3))), **changes)


def no_clutter(**changes: Any) -> Clutter:
    """Thermal false alarms only."""
    return replace(Clutter(0, 1.0, 0, (), 0.0, 1.0), **changes)


def a_scenario(**changes: Any) -> Scenario:
    """One raid of five, calm air, nothing else."""
    plain = Scenario(
        name="test", title="Test raid", site="test", epoch_ns=0, duration=40.0, seed=1, classes=(a_class(),),
        drags=standard_drags(["constant"]),
        raids=(a_raid(),), flights=(), weather=WeatherTruth(np.zeros(1), np.zeros((1, 2)), 0.0, 1.0, 0.0),
        clutter=no_clutter(), outages=(), delays=(),
        operator=())
    return replace(plain, **changes)


def filled(empty: Any, n: int, rng: np.random.Generator) -> Any:
    """A table like `empty` with `n` rows of chance in every column, nan and infinities among the numbers."""
    columns = []
    for column in empty:
        shape = (n, *column.shape[1:])
        if column.dtype.kind == "f":
            made = rng.normal(0.0, 1e3, shape)
            made[rng.random(shape) < 0.05] = np.nan
            made[rng.random(shape) < 0.02] = -np.inf
        elif column.dtype.kind == "S":
            made = np.array([b"TEST%d" % i for i in rng.integers(0, 99, n)], "S8").reshape(shape)
        else:
            made = rng.integers(0, 2, shape).astype(column.dtype)
        columns.append(made)
    return type(empty)(*columns)


def a_moment(t: float, n: int = 3, seed: int = 0, live: bool = False) -> Any:
    """A moment full of chance: `n` rows in every table; the picture is `a_picture` of the frame.
    Good for records, meaningless to a tracker.
    """
    from skywarden.messages.commands import Command
    from skywarden.messages.frame import Aircraft, Detections, Frame, Inputs, Radars
    from skywarden.messages.moment import Moment
    from skywarden.messages.truth import Truth

    rng = np.random.default_rng([seed, round(t * 1000)])
    frame = Frame(
        t, filled(Detections.empty(), n, rng), filled(Aircraft.empty(), n, rng), Weather.still(),
        (Command(t, "consent", "any", "Zoë", "why not"),),
        Radars.staring(1, t), Inputs.none(), 0.0)
    nothing = Truth.nothing(t)
    truth = nothing._replace(rounds=filled(nothing.rounds, n, rng), aircraft=filled(nothing.aircraft, n, rng))
    picture, drill = a_step(frame)
    return Moment(frame, picture, None if live else drill, None if live else truth)


def a_step(frame: Any) -> Any:
    """A picture and a drill that depend on the frame alone, every bit of its detections included:
    the plainest thing a check can repeat.
    """
    from skywarden.messages.drill import Airport, Clearance, Drill, Order
    from skywarden.messages.picture import Health, Impacts, Picture, Threats, Tracks, Warnings

    seed = np.frombuffer(b"".join(column.tobytes() for column in frame.detections), np.uint8)
    rng = np.random.default_rng([int(seed.astype(np.int64).sum()), round(frame.t * 1000)])
    n = frame.detections.t.shape[0]
    picture = Picture(
        frame.t, filled(Tracks.empty(), n, rng), filled(Impacts.empty(), n, rng), filled(Threats.empty(), n, rng),
        filled(Warnings.empty(), n, rng),
        Health(np.zeros(1, np.int8), frame.late_s, n, 0, 0.0))
    cleared = Clearance(n, 0, frame.t, frame.t + 2.0, True, "clear", math.nan, -1, math.inf)
    return picture, Drill(frame.t, "free", (cleared,), (Order(n, 0, frame.t, frame.t + 1.0, cleared),), (n, 7),
        Airport(True, 0, 0.5))


def a_zone(name: str = "apron", east: float = 0.0, north: float = 0.0, half: float = 100.0, **changes: Any) -> Any:
    """A square apron with fifty people who need five seconds to shelter."""
    from skywarden.site.model import Zone

    return replace(Zone(name, "apron", 50.0, 5.0, True, square(east, north, half)), **changes)


def a_frame(t: float = 0.0, *commands: tuple[str, str, str], **changes: Any) -> Any:
    """A frame in which nothing was seen; commands as (kind, subject, who)."""
    from skywarden.messages.commands import Command
    from skywarden.messages.frame import Aircraft, Detections, Frame, Inputs, Radars

    said = tuple(Command(t, kind, subject, who, "") for kind, subject, who in commands)
    return Frame(t, Detections.empty(), Aircraft.empty(), Weather.still(), said, Radars.staring(1, t), Inputs.none(),
        0.0)._replace(**changes)


def some_impacts(*rows: tuple[float, float, float, float], sigma: float = 10.0, t_sigma: float = 0.5) -> Any:
    """Impacts of tracks 1, 2, …; each row (projectile probability, time [s], east [m], north [m])."""
    from skywarden.messages.picture import Impacts

    n = len(rows)
    columns = np.array(rows, float).reshape(n, 4)
    place = np.column_stack([columns[:, 2:], np.zeros(n)])
    covariance = np.tile(np.diag([sigma**2, sigma**2, t_sigma**2]), (n, 1, 1))
    return Impacts(np.arange(1, n + 1), columns[:, 0], columns[:, 1], place, covariance, np.full(n, 200.0),
        np.full(n, 1.0))


def some_tracks(
    *rows: tuple[float, float, float, float, float, float], t: float = 0.0, projectile: Any = 1.0, sigma: float = 5.0,
    drag: float = 2.5e-4
) -> Any:
    """Tracks 1, 2, … from rows (east, north, up, rates): just seen, known to `sigma` [m] and a tenth of it in speed."""
    from skywarden.messages.frame import NO_ADDRESS
    from skywarden.messages.picture import Tracks

    n = len(rows)
    sure = np.broadcast_to(np.asarray(projectile, float), (n,))
    state = np.column_stack([np.array(rows, float).reshape(n, 6), np.full(n, drag)])
    covariance = np.tile(np.diag([sigma**2] * 3 + [(0.1 * sigma) ** 2] * 3 + [1e-10]), (n, 1, 1))
    return Tracks(
        np.arange(1, n + 1), state, covariance, np.full(n, t), np.full(n, t - 5.0), np.full(n, 20, np.int32),
        np.column_stack([sure, 1.0 - sure, np.zeros(n)]), np.zeros(n, np.int32), np.full(n, NO_ADDRESS))


def some_threats(*rows: tuple[int, int, float, float], people: float = 50.0) -> Any:
    """Threats from rows (track, zone, probability, time of impact [s])."""
    from skywarden.messages.picture import Threats

    columns = np.array(rows, float).reshape(len(rows), 4)
    probability = columns[:, 2].copy()
    return Threats(
        columns[:, 0].astype(np.int64), columns[:, 1].astype(np.int32), probability, columns[:, 3].copy(),
        np.full(len(rows), 0.5), people * probability)


def a_picture(t: float = 0.0, radars: int = 1, **tables: Any) -> Any:
    """A picture with every radar well and every table empty but those given."""
    from skywarden.messages.picture import Health, Impacts, Picture, Threats, Tracks, Warnings

    plain = Picture(
        t, Tracks.empty(), Impacts.empty(), Threats.empty(), Warnings.empty(), Health(np.zeros(radars, np.int8), 0.0,
            0, 0, 0.0))
    return plain._replace(**tables)
