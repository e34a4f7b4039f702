"""Skywarden for programs and notebooks: a few names that stay as they are.

    from skywarden import api

    result = api.run("kabul-2021-08-30", seed=7, record="night.rec")
    tracks = api.table("night.rec", "tracks")           # polars; .to_pandas() where pandas is wanted
    api.plot("night.rec").savefig("night.png")

    watcher = api.Watcher(api.site("kabul"))
    picture = watcher.step(0.25, range=[9000.0], azimuth=[0.3], elevation=[0.2], range_rate=[-180.0])

SI units and radians; places east, north, up of the site's origin in metres; times in seconds of the
run. On your own detections nothing but tracks, impacts, threats and warnings is computed; a run is
a simulation.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from skywarden.messages.frame import NO_ADDRESS, Aircraft, Detections, Frame, Inputs, Radars
from skywarden.messages.picture import KIND_NAMES, Picture
from skywarden.messages.tables import Array
from skywarden.pipeline.live import watching
from skywarden.record.reader import Record
from skywarden.session.once import Job, Result
from skywarden.session.once import run as run_job
from skywarden.site.coverage import coverage
from skywarden.site.load import from_sources
from skywarden.site.load import load as site
from skywarden.site.model import Site

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

__all__ = ["Job", "Picture", "Result", "Site", "Watcher", "covered", "many", "plot", "run", "site", "study", "table"]

TABLES = ("tracks", "impacts", "threats", "warnings")
Part = Literal["tracks", "impacts", "threats", "warnings"]
NEAR = 3000.0  # m around a zone that `covered` looks at


def run(
    scenario: str | Path,
    *,
    site: str | Path | None = None,
    seed: int | None = None,
    duration: float | None = None,
    record: str | Path | None = None,
) -> Result:
    """Fly a scenario in simulation as fast as it goes, to its end.

    scenario  name or file
    site      name or folder; None: the scenario's own
    seed      None: the scenario's own
    duration  [s]; None: the scenario's own
    record    file to write; None: none

    Returns its summary, its figures (docs/models/measures.md) and a row for each round that was due
    to be warned of. Raises SiteError, ScenarioError, RecordError or UsageError.
    """
    return run_job(
        Job(
            str(scenario),
            None if site is None else str(site),
            seed,
            duration,
            None if record is None else Path(record),
        )
    )


def many(
    scenario: str | Path,
    seeds: Iterable[int],
    *,
    site: str | Path | None = None,
    duration: float | None = None,
    workers: int = 1,
) -> pl.DataFrame:
    """Fly a scenario with many seeds; a row of figures for each, in their order.

    workers   processes; more than one need `if __name__ == "__main__":` around what calls this in a
              script
    site      name or path of the site, None for the one that the scenario names
    duration  length of each run [s], None for the scenario's

    For designs, intervals and resuming write a study's file instead, see `study`.
    """
    import polars as pl

    from skywarden.session.many import results

    jobs = [Job(str(scenario), None if site is None else str(site), seed, duration) for seed in seeds]
    rows = [{"seed": job.seed, **result.figures} for job, result in zip(jobs, results(jobs, workers), strict=True)]
    return pl.DataFrame(rows, infer_schema_length=None)


def study(file: str | Path, out: str | Path, *, workers: int = 1) -> Mapping[str, Any]:
    """Do what a study's file asks for, as `skywarden study` does, and return its summary; `out`
    holds page and tables.

    workers  processes that fly runs side by side

    Raises StudyError with every fault of the file.
    """
    from skywarden.session.study import Asked, run_study
    from skywarden.study.report import summary

    return summary(run_study(Asked(Path(file), Path(out), workers=workers)))


class Watcher:
    """The function that tracks, predicts and warns, stepped on your own arrays; it remembers
    between steps.

    site   what the defender knows: radars, zones, weather, policy
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self._watch, self._t = watching(site), -np.inf

    def step(
        self,
        t: float,
        *,
        range: ArrayLike = (),
        azimuth: ArrayLike = (),
        elevation: ArrayLike | None = None,
        range_rate: ArrayLike | None = None,
        times: ArrayLike | None = None,
        radar: ArrayLike = 0,
        aircraft: Aircraft | None = None,
    ) -> Picture:
        """The picture after one more frame. Frames come in time order, empty ones too: time goes on
        without echoes.

        t           of the frame [s]
        range       (n,) slant range [m]
        azimuth     (n,) clockwise from true north [rad]
        elevation   (n,) above the horizontal [rad]; None: the radar measures none
        range_rate  (n,) positive receding [m/s]; None: the radar measures none
        times       (n,) of the detections [s]; None: all at `t`
        radar       row of `site.radars`, one or (n,)
        aircraft    reports of aircraft, if any

        Raises ValueError where shapes differ, a value is not finite, a radar is not there, or time
        goes back.
        """
        if not t > self._t:
            raise ValueError(f"t {t} does not come after {self._t}")
        distance = np.atleast_1d(np.asarray(range, float))
        n = len(distance)
        sensor = _column("radar", radar, n).astype(np.int32)
        if n and not (sensor.min() >= 0 and sensor.max() < len(self.site.radars)):
            raise ValueError(f"radar is {sensor.min()} to {sensor.max()}; the site has {len(self.site.radars)}")
        blank = np.full(n, np.nan)
        detections = Detections(
            _finite("times", _column("times", t if times is None else times, n)),
            sensor,
            _finite("range", distance),
            np.mod(_finite("azimuth", _column("azimuth", azimuth, n)), 2.0 * np.pi),
            blank if elevation is None else _column("elevation", elevation, n),
            blank.copy() if range_rate is None else _column("range_rate", range_rate, n),
            blank.copy(),
            blank.copy(),
            np.full(n, NO_ADDRESS, np.int64),
        )
        self._t = t
        return self._watch(
            Frame(
                t,
                detections,
                Aircraft.empty() if aircraft is None else aircraft,
                self.site.weather,
                (),
                Radars.staring(len(self.site.radars), t),
                Inputs.none(),
                0.0,
            )
        )


def _column(name: str, values: ArrayLike, n: int) -> Array:
    made = np.asarray(values, float)
    if made.shape not in ((), (n,)):
        raise ValueError(f"{name} has the shape {made.shape}, where range has ({n},)")
    return np.ascontiguousarray(np.broadcast_to(made, (n,)))


def _finite(name: str, values: Array) -> Array:
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds a value that is no finite number")
    return values


def table(record: str | Path | Record, part: Part) -> pl.DataFrame:
    """What a record believed, as one table with a row for each moment and thing; times [s], places
    [m], rates [m/s].

    part   "tracks", "impacts", "threats" or "warnings"

    `.to_pandas()` makes a pandas table of it where pandas and pyarrow are installed. Raises
    RecordError.
    """
    import polars as pl

    if part not in TABLES:
        raise ValueError(f"there is no table {part!r}: it is one of {', '.join(TABLES)}")
    if not isinstance(record, Record):
        with Record(record) as opened:
            return table(opened, part)
    zones = [zone.name for zone in from_sources(record.header.site_sources, record.header.site).zones]
    parts = [_rows(moment.picture, part, zones) for moment in record.moments()]
    whole = [columns for columns in parts if len(columns["t"])] or parts[:1]
    return pl.DataFrame(
        {name: np.concatenate([columns[name] for columns in whole]) for name in whole[0]} if whole else {}
    )


def _rows(picture: Picture, part: str, zones: list[str]) -> dict[str, Array]:
    """The columns of one moment's part."""
    rows: Any = getattr(picture, part)
    n = len(rows[0])
    made: dict[str, Array] = {"t": np.full(n, picture.t)}
    if part == "tracks":
        made |= {"track": rows.number, **_xyz("", rows.state[:, :3]), **_xyz("_rate", rows.state[:, 3:6])}
        made |= {name: rows.kind[:, k] for k, name in enumerate(KIND_NAMES)}
        return made | {"address": rows.address}
    if part == "impacts":
        return made | {
            "track": rows.track,
            "projectile": rows.p_projectile,
            "t_impact": rows.t,
            **_xyz("", rows.place),
        }
    names = np.array([*zones, ""], object)[rows.zone] if n else np.zeros(0, object)
    if part == "threats":
        return made | {"track": rows.track, "zone": names, "probability": rows.probability, "t_impact": rows.t}
    return made | {"zone": names, "since": rows.since, "probability": rows.probability, "t_impact": rows.t_impact}


def _xyz(after: str, place: Array) -> dict[str, Array]:
    return {f"{name}{after}": np.ascontiguousarray(place[:, k]) for k, name in enumerate(("east", "north", "up"))}


def covered(site: Site, height: float = 500.0, near: float = NEAR) -> dict[str, float]:
    """Of each zone, which share of the ground within `near` of its middle some radar sees `height`
    above the ground [m].

    site  the site as its defender declared it

    Radars that only ask transponders do not count. Declared ranges, elevations and sectors, the
    terrain and the earth's curve are heeded; detection is never certain. Over all directions
    together: it tells no way in.
    """
    ways = np.linspace(0.0, 2.0 * np.pi, 72, endpoint=False)
    rings = near * np.sqrt((np.arange(12) + 0.5) / 12)  # each of the same area
    around = (rings[:, None, None] * np.stack([np.sin(ways), np.cos(ways)], axis=1)).reshape(-1, 2)
    seen = [(radar, coverage(site, radar, height)) for radar in site.radars if not radar.mode_s]
    found = {}
    for zone in site.zones:
        points = zone.polygon.mean(axis=0) + around
        visible = np.zeros(len(points), np.bool_)
        for radar, grid in seen:
            off = points - radar.place[:2]
            row = (
                np.mod(np.arctan2(off[:, 0], off[:, 1]) - grid.azimuth[0], 2.0 * np.pi)
                / (grid.azimuth[1] - grid.azimuth[0])
            ).astype(int)
            column = (np.hypot(*off.T) / grid.distance[1]).astype(int)
            within = (row < grid.seen.shape[0]) & (column < grid.seen.shape[1])
            visible[within] |= grid.seen[row[within], column[within]]
        found[zone.name] = float(visible.mean())
    return found


def plot(record: str | Path | Record) -> Figure:
    """Zones, tracks believed projectiles and where they were last expected to fall, over the
    ground, as a matplotlib figure.

    record  the record, opened or by its path
    """
    from matplotlib.figure import Figure

    if not isinstance(record, Record):
        with Record(os.fspath(record)) as opened:
            return plot(opened)
    figure = Figure(figsize=(8.0, 6.0), layout="constrained")
    axes = figure.add_subplot()
    for zone in from_sources(record.header.site_sources, record.header.site).zones:
        axes.fill(*zone.polygon.T / 1000.0, alpha=0.3, label=zone.name)
    tracks, impacts = table(record, "tracks"), table(record, "impacts")
    likely = tracks.filter(tracks["projectile"] >= 0.5)
    for (number,), own in likely.group_by("track", maintain_order=True):
        axes.plot(own["east"] / 1000.0, own["north"] / 1000.0, lw=1.2, color="tab:blue")
        last = impacts.filter((impacts["track"] == number) & (impacts["projectile"] >= 0.5)).tail(1)
        axes.plot(last["east"] / 1000.0, last["north"] / 1000.0, "x", color="tab:red")
    axes.set(
        xlabel="east of the site's origin [km]",
        ylabel="north [km]",
        aspect="equal",
        title=f"{record.header.scenario or 'live'}: tracks and expected impacts",
    )
    return figure
