"""The `track` verb: recorded detections through the same `watch` as live ones, as fast as it can."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from skywarden.defence.watch import start, watch
from skywarden.errors import Fault, TableError
from skywarden.feeds.table import frames, read
from skywarden.files.cells import plain_cell
from skywarden.messages.frame import Detections
from skywarden.messages.picture import ACTION_NAMES, CLEAR, COMING, PRE_ALERT, RAISE, STAGE_NAMES, Picture
from skywarden.messages.tables import Array, take
from skywarden.site.hearing import hearing
from skywarden.site.model import Site

TRACKS = ("time_s", "track", "east_m", "north_m", "up_m", "east_mps", "north_mps", "up_mps",
    "ballistic_coefficient_kgm2", "p_projectile")
IMPACTS = ("time_s", "track", "impact_time_s", "east_m", "north_m", "cov_ee_m2", "cov_en_m2", "cov_nn_m2")
THREATS = ("time_s", "track", "zone", "kind", "probability", "arrival_time_s")
WARNINGS = ("time_s", "zone", "action", "probability", "lead_time_s")
# of the table itself, run before the clock counts: kernels compile on their first real input
WARM_UP_FRAMES = 40
LARGEST_COEFFICIENT = 1e9   # kg/m², written where no drag is seen

Rows = list[tuple[Any, ...]]


def track_file(detections: Path | str, site: Site, out_dir: Path | str, format: str = "csv") -> dict[str, float]:
    """Tracks, impacts, threats and warnings of every run of a table of detections, written to
    `out_dir` with a summary.

    format  "csv" or "parquet"
    site    the site as its defender declared it

    Returns the summary: frames, detections, rejected (rows equal to others), wall_s,
    step_ms_median, step_ms_p99, step_ms_max (of `watch` alone). Raises TableError where the table
    is wrong or the results cannot be written.
    """
    runs = read(detections, site)
    folder = Path(out_dir)
    _prepare(folder)
    begun = time.perf_counter()
    _warm(runs[0].detections, site)
    tracks, impacts, threats, warnings = [], [], [], []
    steps: list[int] = []
    for run in runs:
        state = start(site)
        for frame in frames(run.detections, site):
            before = time.perf_counter_ns()
            state, picture = watch(state, frame, site)
            steps.append(time.perf_counter_ns() - before)
            tracks.append((run.name, _track_rows(picture)))
            impacts.append((run.name, _impact_rows(picture)))
            threats.append((run.name, _threat_rows(picture, site)))
            warnings.append((run.name, _warning_rows(picture, site)))
    try:
        _write(folder, "tracks", TRACKS, tracks, format)
        _write(folder, "impacts", IMPACTS, impacts, format)
        _write(folder, "threats", THREATS, threats, format)
        _write(folder, "warnings", WARNINGS, warnings, format)
        ms = np.array(steps) / 1e6
        summary = {
            "frames": len(steps), "detections": sum(int(run.detections.t.shape[0]) for run in runs),
            "rejected": sum(run.twice for run in runs), "wall_s": time.perf_counter() - begun,
            "step_ms_median": float(np.median(ms)), "step_ms_p99": float(np.quantile(ms, 0.99)),
            "step_ms_max": float(ms.max()),
        }
        (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    except OSError as e:
        raise TableError(Fault(str(folder), None, f"the results cannot be written: {e.strerror or e}",
            "check space and permissions")) from None
    return summary


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise TableError(Fault(str(folder), None, f"the folder cannot be made: {e.strerror or e}",
            "choose another --out")) from None


def _warm(d: Detections, site: Site) -> None:
    """Runs the busiest stretch of the table once and forgets it, so that no measured step compiles."""
    middle = int(np.searchsorted(d.t, np.median(d.t)))
    state = start(site)
    for k, frame in enumerate(frames(take(d, np.arange(middle, d.t.shape[0])), site)):
        state, _ = watch(state, frame, site)
        if k > WARM_UP_FRAMES:
            break




def _track_rows(picture: Picture) -> tuple[Array, ...]:
    t = picture.tracks
    n = t.number.shape[0]
    coefficient = 1.0 / np.maximum(t.state[:, 6], 1.0 / LARGEST_COEFFICIENT)
    return (np.full(n, picture.t), t.number, *t.state[:, :6].T, coefficient, t.kind[:, 0])


def _impact_rows(picture: Picture) -> tuple[Array, ...]:
    i = picture.impacts
    n = i.track.shape[0]
    c = i.covariance
    return (np.full(n, picture.t), i.track, i.t, i.place[:, 0], i.place[:, 1], c[:, 0, 0], c[:, 0, 1], c[:, 1, 1])


def _threat_rows(picture: Picture, site: Site) -> tuple[Array, ...]:
    """What endangers each zone: impacts of projectiles, and powered objects that head for it."""
    falling, coming = picture.threats, picture.inbound
    track, zone, probability, when = (
        np.concatenate(pair) for pair in zip((falling.track, falling.zone, falling.probability, falling.t), coming[:4],
            strict=True))
    kind = np.array(["projectile"] * falling.track.shape[0] + ["inbound"] * coming.track.shape[0], object)
    return (np.full(track.shape[0], picture.t), track, np.array([site.zones[z].name for z in zone], object), kind,
        probability, when)


def _warning_rows(picture: Picture, site: Site) -> tuple[Array, ...]:
    """What is raised and cleared in this frame, and the pre-alerts: where an object that heads for
    a zone is named, and where something was fired that may come down there. `raise` means take
    cover only; `lead_time_s` counts to the ear, the sound's way from the siren taken off.
    """
    w = take(picture.warnings, np.flatnonzero((picture.warnings.action == RAISE) | (picture.warnings.action == CLEAR)))
    i = take(picture.inbound, np.flatnonzero((picture.inbound.since == picture.t) & np.array([site.zones[z].warn
        for z in picture.inbound.zone], np.bool_)))
    a = take(picture.pre_alerts, (picture.pre_alerts.since == picture.t) & (picture.pre_alerts.cause != COMING))
    zone = np.concatenate((w.zone, i.zone, a.zone)).astype(np.int64)
    actions = [ACTION_NAMES[int(act)] for act in w.action] + [STAGE_NAMES[PRE_ALERT]] * (i.zone.size + a.zone.size)
    lead = np.concatenate((w.t_impact, i.t, a.t_impact)) - picture.t - hearing(site).delay[zone]
    return (np.full(zone.shape[0], picture.t), np.array([site.zones[z].name for z in zone], object),
        np.array(actions, object), np.concatenate((w.probability, i.probability, a.probability)), lead)


def _write(
    folder: Path, name: str, columns: tuple[str, ...], parts: list[tuple[str, tuple[Array, ...]]], format: str
) -> None:
    """One table, its columns gathered from all frames, with the run in front."""
    sizes = [part[0].shape[0] for _, part in parts]
    names = np.repeat(np.arange(len(parts)), sizes)
    runs = pl.Series("run", [run for run, _ in parts], pl.String)
    numbers = runs.cast(pl.Int64, strict=False)
    label = (runs if numbers.null_count() else numbers).gather(names.tolist()) if len(parts) else numbers
    data: dict[str, Any] = {"run": label}
    for k, column in enumerate(columns):
        values = np.concatenate([part[k] for _, part in parts]) if parts else np.zeros(0)
        if column == "track":
            values = values.astype(np.int64)
        data[column] = pl.Series(column, values.tolist(), pl.String) if column in ("zone", "action", "kind") else values
    table = pl.DataFrame(data)
    if format == "parquet":
        table.write_parquet(folder / f"{name}.parquet")
    else:
        texts = [column for column, kind in table.schema.items() if kind == pl.String]
        made = [
            pl.Series(column, [plain_cell(text) for text in table[column].to_list()], pl.String) for column in texts]
        table.with_columns(made).write_csv(folder / f"{name}.csv")
