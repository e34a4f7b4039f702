"""Recorded exercises made by hand: pictures that pose one decision after another, and what somebody
did about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from builders import a_frame, a_picture, a_site, a_zone, some_impacts, some_threats, some_tracks

from skywarden.messages.commands import Command
from skywarden.messages.drill import Airport, Drill
from skywarden.messages.moment import Moment
from skywarden.messages.picture import HELD, RAISE, Warnings
from skywarden.messages.truth import FELL, Truth
from skywarden.record.header import Header
from skywarden.record.writer import Recorder

PEOPLE, SHELTER = 50.0, 5.0         # of `a_zone`
SITE_FILES = {
    "site.toml": b"""title = "Training range"
[origin]
latitude_deg = 34.5
longitude_deg = 69.2
elevation_m = 1790.0
[policy]
consent = "one"
[[radars]]
name = "north"
kind = "staring"
east_m = 0
north_m = 0
range_max_m = 15000
revisit_s = 1
range_sigma_m = 15
azimuth_sigma_mrad = 3
""",
}


class Problem(NamedTuple):
    """One decision: a track and the zone it endangers, for a while.

    probability  that it endangers the zone; `sure` that it is a round at all
    warned       the system warns the zone by itself, so long after the problem begins [s]; None: it does not
    said         what somebody says the track is; "" nobody does
    """

    begins: float
    probability: float
    sure: float = 1.0
    lasts: float = 20.0
    zone: int = 0
    warned: float | None = None
    track: int = 0
    seen: float = 1e9       # it is in the picture for so long [s]


def moments(
    problems: Sequence[Problem], commands: Iterable[tuple[float, str, str, str]], until: float, site: Any = None,
    step: float = 1.0, falls: Iterable[tuple[float, float, float]] = (), drill: bool = False,
) -> list[Moment]:
    """The record's moments, a frame every `step` seconds.

    commands  (t, kind, subject, who), each in the frame at or after its time; a fifth entry is its reason
    falls     (t, east, north) of rounds that truly fell
    """
    waiting = sorted(commands, key=lambda c: c[0])
    made = []
    for k in range(round(until / step) + 1):
        t = k * step
        now = [c for c in waiting if c[0] <= t + 1e-9]
        waiting = waiting[len(now):]
        said = tuple(Command(t, c[1], c[2], c[3], c[4] if len(c) > 4 else "") for c in now)
        frame = a_frame(t)._replace(commands=said)
        made.append(Moment(frame, picture(t, problems), a_drill(t) if drill else None, true(t, falls)))
    return made


def picture(t: float, problems: Sequence[Problem]) -> Any:
    """What is believed at `t`."""
    now = [p for p in problems if p.begins <= t < p.begins + min(p.lasts, p.seen)]
    numbers = np.array([p.track or 1 + problems.index(p) for p in now], np.int64)
    impacts = some_impacts(*[(p.sure, p.begins + p.lasts, 0.0, 0.0) for p in now])._replace(track=numbers)
    threats = some_threats(*[(1, p.zone, p.probability, p.begins + p.lasts) for p in now])._replace(track=numbers)
    tracks = some_tracks(*[(0.0, 0.0, 500.0, 0.0, 0.0, -50.0) for _ in now], t=t)._replace(number=numbers)
    return a_picture(t, tracks=tracks, impacts=impacts, threats=threats, warnings=warnings(t, now))


def warnings(t: float, now: Sequence[Problem]) -> Warnings:
    """Those of `now` that the system warns of."""
    rows = [p for p in now if p.warned is not None and t >= p.begins + p.warned]
    n = len(rows)
    since = np.array([p.begins + (p.warned or 0.0) for p in rows])
    due = np.array([p.begins + p.lasts for p in rows])
    action = np.where(since >= t - 1e-9, RAISE, HELD).astype(np.int8)
    p = np.array([p.probability for p in rows])
    return Warnings(
        np.array([p.zone for p in rows], np.int32), action, since, p, p, due, due + 30.0, np.ones(n, np.int32),
        np.arange(1, n + 1, dtype=np.int32), np.zeros(n, np.bool_), np.full(n, 2, np.int8))


def a_drill(t: float) -> Drill:
    """A rehearsal in which nothing waits."""
    return Drill(t, "free", (), (), (), Airport(True, 0, 0.0))


def true(t: float, falls: Iterable[tuple[float, float, float]]) -> Truth:
    """What is true: rounds that fell by `t`."""
    fell = list(falls)
    nothing, n = Truth.nothing(t), len(fell)
    at = np.array([f[0] for f in fell]).reshape(n)
    place = np.array([[east, north, 0.0] for _, east, north in fell]).reshape(n, 3)
    rounds = nothing.rounds._replace(
        number=np.arange(n, dtype=np.int32), kind=np.zeros(n, np.int32), outcome=np.where(at <= t, FELL,
            1).astype(np.int8),
        position=np.full((n, 3), np.nan), velocity=np.full((n, 3), np.nan), visible=np.zeros(n, np.bool_),
        detected=np.zeros(n, np.int32), t_impact=at, impact=place, t_end=np.where(at <= t, at, np.nan))
    return nothing._replace(rounds=rounds)


def range_site(zones: int = 1) -> Any:
    """A site of some zones far apart, each with fifty people who need five seconds."""
    return a_site(zones=tuple(a_zone(f"zone-{k}", east=2_000.0 * k) for k in range(zones)))


def site_files(zones: int = 1) -> dict[str, bytes]:
    """The same as the files of a record."""
    import json

    def corners(east: float) -> list[list[float]]:
        square = [(-100, -100), (100, -100), (100, 100), (-100, 100), (-100, -100)]
        return [[69.2 + (east + e) / 91_700.0, 34.5 + n / 110_900.0] for e, n in square]

    features = [
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [corners(2_000.0 * k)]},
         "properties": {"name": f"zone-{k}", "kind": "apron", "people": 50, "shelter_s": 5.0, "warn": True}}
        for k in range(zones)]
    return {**SITE_FILES, "zones.geojson": json.dumps({"type": "FeatureCollection", "features": features}).encode()}


def recorded(path: Path, made: Iterable[Moment], zones: int = 1, name: str = "drill", **changes: Any) -> Path:
    """A record of these moments, closed in order."""
    header = Header(
        "simulation", changes.get("epoch_ns", 1_700_000_000_000_000_000), "range", site_files(zones), name,
        {"drill.toml": name.encode()}, changes.get("seed", 1))
    recorder = Recorder(path, header)
    for moment in made:
        recorder.take(moment)
    recorder.conclude({"frames": 1})
    recorder.close()
    return path


def a_told_moment() -> tuple[Any, list[Moment], list[Moment]]:
    """A site; moments in which a likely round comes to a zone and the neighbour says it is
    none; the same without a word.
    """
    from skywarden.messages.frame import Delivered

    problem = [Problem(10.0, 0.55, sure=0.6, warned=1.0)]
    untold = moments(problem, [(0.0, "take", "watch", "amina")], 60.0)
    word = Delivered(12.0, "m1", "neighbour", "message", ("No round.",), ("zone=zone-0", "kind=other"), float("nan"),
        ())
    told = [m._replace(frame=m.frame._replace(delivered=(word,) if m.frame.t == 12.0 else ())) for m in untold]
    return range_site(), told, untold
