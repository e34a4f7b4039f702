"""A raid through the product: its site loaded, its frames made, `watch` called on each, and what
was published kept.
"""

from __future__ import annotations

import math
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skywarden.defence.watch import start, watch
from skywarden.messages.frame import Aircraft, Detections, Frame, Inputs, Radars
from skywarden.messages.picture import CLEAR, RAISE
from skywarden.site.load import load

from . import flight
from .places import Place, write
from .radar import TURN, Plots, Set, observe
from .raids import Raid

REPORT_EVERY = 1.0      # s between the position reports of an aircraft with a transponder
REPORT_SIGMA = 10.0     # m of their error


class Moment(NamedTuple):
    """What was published in one frame, as far as it is judged."""

    t: float
    track: np.ndarray       # (n,) numbers of the tracks
    position: np.ndarray    # (n, 3)
    velocity: np.ndarray    # (n, 3)
    projectile: np.ndarray  # (n,) probability
    impact_track: np.ndarray
    impact_time: np.ndarray
    impact: np.ndarray      # (m, 2)
    covariance: np.ndarray  # (m, 2, 2)
    threat_track: np.ndarray
    threat_zone: np.ndarray
    threat: np.ndarray      # (k,) probability
    warned: np.ndarray      # zones under warning after this frame
    raised: np.ndarray      # zones raised in it
    cleared: np.ndarray
    inbound: tuple[tuple[int, int], ...] = ()    # powered objects named as threats: (track, zone)


class Told(NamedTuple):
    """All that a run published, and what the radars gave."""

    moments: list[Moment]
    plots: list[Plots]


@lru_cache(maxsize=32)
def site_of(name: str, place_of: Any, radars: tuple[Set, ...]) -> Any:
    """The product's site of a place, through files, as any user's."""
    with tempfile.TemporaryDirectory() as folder:
        return load(write(place_of(), radars, Path(folder) / name))


def site_for(place: Place, radars: tuple[Set, ...]) -> Any:
    from . import places
    return site_of(place.name, places.airport if place.name == "kabul" else places.camp, radars)


def frames(raid: Raid, plots: list[Plots], site: Any, draw: np.random.Generator) -> list[Frame]:
    """The frames of a raid: each radar's detections by the time they arrive, late where the
    feed is.
    """
    radars, period = raid.case.radars, raid.place.frame
    table, arrival = _table(radars, plots)
    belongs = np.ceil(arrival / period - 1e-6).astype(int)
    order = np.lexsort((table.t, belongs))
    table = Detections(*(column[order] for column in table))
    last = math.ceil(raid.until / period)
    edges = np.searchsorted(belongs[order], np.arange(last + 2))
    reports = _reports(raid, draw)
    out = []
    for k in range(last + 1):
        rows = slice(edges[k], edges[k + 1])
        t = k * period
        out.append(Frame(t, Detections(*(column[rows] for column in table)), _heard(reports, t - period, t),
            site.weather, (),
                         _radars(radars, t, period), Inputs.none(), 0.0))
    return out


def _table(radars: tuple[Set, ...], plots: list[Plots]) -> tuple[Detections, np.ndarray]:
    t = np.concatenate([p.t for p in plots])
    polar = np.concatenate([p.polar for p in plots])
    sensor = np.repeat(np.arange(len(plots)), [len(p.t) for p in plots]).astype(np.int32)
    doppler = np.array([radar.doppler for radar in radars])[sensor]
    lag = np.array([radar.lag for radar in radars])[sensor]
    return Detections.empty(len(t))._replace(
        t=t, sensor=sensor, range=np.maximum(polar[:, 0], 1.0), azimuth=polar[:, 1] % TURN, elevation=polar[:, 2],
        range_rate=np.where(doppler, polar[:, 3], np.nan),
            snr=10.0 * np.log10(np.concatenate([p.power for p in plots]))), t + lag


def _radars(radars: tuple[Set, ...], t: float, period: float) -> Radars:
    n = len(radars)
    heard, begin, width = np.zeros(n), np.zeros(n), np.zeros(n)
    for k, radar in enumerate(radars):
        own = t - radar.lag
        heard[k] = t if own >= 0.0 else -math.inf
        if own < 0.0:
            continue
        if radar.turning:
            begin[k], width[k] = TURN * ((own - period) / radar.revisit % 1.0), TURN * period / radar.revisit
        elif math.floor(own / radar.revisit + 1e-6) > math.floor((own - period) / radar.revisit + 1e-6):
            width[k] = TURN
    return Radars(np.ones(n, bool), heard, begin, width)


def _reports(raid: Raid, draw: np.random.Generator) -> list[tuple[float, int, np.ndarray]]:
    """What aircraft with transponders say of themselves: (time, address, state) in time order."""
    out = []
    for k, body in enumerate(raid.others):
        if body.role == "aircraft":
            when = np.arange(draw.uniform(0.0, REPORT_EVERY), raid.until, REPORT_EVERY)
            for t, state in zip(when, flight.at(body.path, when), strict=True):
                if np.isfinite(state).all():
                    out.append((float(t), 0x700000 + k, state + np.concatenate([draw.normal(0.0, REPORT_SIGMA, 3),
                        np.zeros(3)])))
    return sorted(out, key=lambda report: report[0])


def _heard(reports: list[tuple[float, int, np.ndarray]], after: float, until: float) -> Aircraft:
    now = [report for report in reports if after < report[0] <= until]
    n = len(now)
    table = Aircraft.empty(n)
    if not n:
        return table
    state = np.stack([report[2] for report in now])
    return table._replace(
        t=np.array([report[0] for report in now]), address=np.array([report[1] for report in now], np.int64),
            position=state[:, :3].copy(),
        velocity=state[:, 3:].copy(), nic=np.full(n, 8, np.int8), nacp=np.full(n, 9, np.int8))


def _coming(picture: Any) -> tuple[tuple[int, int], ...]:
    """Rows of the picture's threats that do not fall but come; none where the product has no
    such table.
    """
    table = getattr(picture, "inbound", None)
    return () if table is None else tuple(zip(table.track.tolist(), table.zone.tolist(), strict=True))


def seen(raid: Raid) -> list[Plots]:
    """What each radar detects: rounds have their noise to themselves, whatever flies beside
    them.
    """
    return [observe(radar, raid.bodies, raid.until, np.random.default_rng([raid.seed, 77, k])) for k,
        radar in enumerate(raid.case.radars)]


def fly(raid: Raid) -> Told:
    """The whole raid through `watch`, frame by frame."""
    plots = seen(raid)
    site = site_for(raid.place, raid.case.radars)
    state, moments, warned = start(site), [], set()
    for frame in frames(raid, plots, site, np.random.default_rng([raid.seed, 78])):
        state, picture = watch(state, frame, site)
        tracks, impacts, threats, warnings = picture.tracks, picture.impacts, picture.threats, picture.warnings
        raised, cleared = warnings.zone[warnings.action == RAISE], warnings.zone[warnings.action == CLEAR]
        warned = (warned | set(raised.tolist())) - set(cleared.tolist())
        moments.append(Moment(
            picture.t, tracks.number.copy(), tracks.state[:, :3].copy(), tracks.state[:, 3:6].copy(),
                tracks.kind[:, 0].copy(), impacts.track.copy(),
            impacts.t.copy(), impacts.place[:, :2].copy(), impacts.covariance[:, :2, :2].copy(), threats.track.copy(),
                threats.zone.copy(),
            threats.probability.copy(), np.array(sorted(warned), int), raised.copy(), cleared.copy(), _coming(picture)))
    return Told(moments, plots)
