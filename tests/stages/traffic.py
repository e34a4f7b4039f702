"""Straight flights over a site of wrong radars: frames as they would come in, made without the
simulator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from naive import seen_from

from skywarden.messages.frame import NO_ADDRESS, Aircraft, Detections, Frame, Inputs, Radars, Weather
from skywarden.site.model import Site

POSITION_SIGMA, HEIGHT_SIGMA = 8.0, 12.0  # m, of a report's horizontal component and height
STEP = 0.25  # s between frames


@dataclass
class Traffic:
    """Flights (n, 6): place at time 0 [m] and velocity [m/s]; `lie` (n, 3) is added to what each
    says of itself, `late` (n,) [s] to when.
    """

    flights: np.ndarray
    lie: np.ndarray
    late: np.ndarray
    silent: np.ndarray


def some_traffic(rng: np.random.Generator, n: int = 4, **changes: Any) -> Traffic:
    """`n` straight flights within 4 to 14 km, half of them across the others' headings."""
    flights = np.empty((n, 6))
    for k in range(n):
        heading = (
            rng.uniform(0.0, 0.3) + (math.radians(60.0 + 30.0 * (k % 4)) if k % 2 else 0.0) + math.pi * (k // 2 % 2)
        )
        speed, turn, distance = (
            rng.uniform(60.0, 130.0),
            rng.uniform(0.0, 2.0 * math.pi),
            rng.uniform(4_000.0, 11_000.0),
        )
        v = speed * np.array([math.sin(heading), math.cos(heading), rng.uniform(-0.05, 0.05)])
        middle = np.array([distance * math.sin(turn), distance * math.cos(turn), rng.uniform(900.0, 3_000.0)])
        flights[k] = np.concatenate([middle - 30.0 * v, v])
    plain = {"lie": np.zeros((n, 3)), "late": np.zeros(n), "silent": np.zeros(n, np.bool_)}
    return Traffic(flights, **{**plain, **changes})


def some_errors(rng: np.random.Generator, radars: int) -> np.ndarray:
    """Errors (radars, 4) up to 150 m, 2°, 2° and 0.5 s."""
    return rng.uniform(-1.0, 1.0, (radars, 4)) * np.array([150.0, math.radians(2.0), math.radians(2.0), 0.5])


def frames(
    site: Site,
    traffic: Traffic,
    errors: np.ndarray,
    rng: np.random.Generator,
    duration: float = 60.0,
    ghosts: Any = None,
    phase: float = 0.0,
):
    """Frames of so many seconds: staring radars look every revisit, aircraft report twice a second,
    clutter as each radar declares.

    errors  (radars, 4) range, azimuth, elevation and time, measured or stamped less true
    ghosts  called with the time, gives more reports; None: none
    """
    n, number = len(traffic.flights), round(duration / STEP)
    address = 0x400000 + np.arange(n)
    sent = rng.uniform(0.0, 0.5, n)
    waiting: list[tuple[float, tuple]] = []
    for k in range(1, number + 1):
        t = k * STEP
        heard = []
        for i in range(n):
            while sent[i] <= t:
                if not traffic.silent[i]:
                    x = traffic.flights[i, :3] + sent[i] * traffic.flights[i, 3:]
                    heard.append(
                        (
                            sent[i] + traffic.late[i],
                            address[i],
                            x + traffic.lie[i] + rng.normal(size=3) * [POSITION_SIGMA, POSITION_SIGMA, HEIGHT_SIGMA],
                            traffic.flights[i, 3:] + 0.5 * rng.normal(size=3),
                        )
                    )
                sent[i] += 0.5 + rng.uniform(-0.1, 0.1)
        plots = []
        for r, radar in enumerate(site.radars):
            for look in (
                np.arange(math.floor((t - STEP) / radar.revisit) + 1, math.floor(t / radar.revisit + 1e-9) + 1)
                * radar.revisit
            ):
                plots += looked(site, r, radar, look, traffic.flights, errors[r], rng)
        waiting += [(max(p[0], 0.0), p) for p in plots]
        reports = aircraft(heard)
        if ghosts is not None:
            more = ghosts(t)
            reports = Aircraft(*(np.concatenate(pair) for pair in zip(reports, more, strict=True)))
        yield Frame(
            t,
            table(sorted((p for _, p in waiting), key=lambda p: p[0])),
            reports,
            Weather.still(),
            (),
            Radars.staring(len(site.radars), t),
            Inputs.none(),
            0.0,
        )
        waiting = []


def looked(site, r, radar, t, flights, error, rng):
    """Rows of one look."""
    out = []
    for f in flights:
        if rng.random() > radar.detection_probability:
            continue
        z = np.array(seen_from(f[:3] + t * f[3:], f[3:], radar.place))
        if not (radar.range_min < z[0] < radar.range_max and z[2] > radar.elevation_min):
            continue
        sigma = np.array([radar.range_sigma, radar.azimuth_sigma, radar.elevation_sigma, radar.range_rate_sigma])
        z = z + rng.normal(size=4) * sigma
        out.append((t + error[3], r, z[0] + error[0], (z[1] + error[1]) % (2 * math.pi), z[2] + error[2], z[3]))
    for _ in range(rng.poisson(radar.false_alarms)):
        out.append(
            (
                t + error[3],
                r,
                rng.uniform(radar.range_min, radar.range_max),
                rng.uniform(0, 2 * math.pi),
                rng.uniform(0.02, 1.2),
                rng.uniform(-450, 450),
            )
        )
    return out


def table(rows) -> Detections:
    d = Detections.empty(len(rows))
    if not rows:
        return d
    c = np.array(rows, np.float64)
    return d._replace(
        t=c[:, 0],
        sensor=c[:, 1].astype(np.int32),
        range=c[:, 2],
        azimuth=c[:, 3],
        elevation=c[:, 4],
        range_rate=c[:, 5],
        address=np.full(len(rows), NO_ADDRESS),
    )


def aircraft(rows) -> Aircraft:
    a = Aircraft.empty(len(rows))
    if not rows:
        return a
    return a._replace(
        t=np.array([r[0] for r in rows]),
        address=np.array([r[1] for r in rows], np.int64),
        position=np.array([r[2] for r in rows]),
        velocity=np.array([r[3] for r in rows]),
        nic=np.full(len(rows), 8, np.int8),
        nacp=np.full(len(rows), 9, np.int8),
    )
