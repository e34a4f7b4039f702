"""Recorded detections in a CSV or Parquet table, given out as frames."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from skywarden.errors import Fault, TableError
from skywarden.files.tables import LINE, read_table
from skywarden.messages.frame import Aircraft, Detections, Frame, Inputs, Radars
from skywarden.messages.tables import Array, take
from skywarden.messages.truth import Truth
from skywarden.site.model import Site

NEEDED = ("time_s", "range_m", "azimuth_rad", "elevation_rad", "range_rate_mps")
OPTIONAL = ("sensor", "run", "snr_db")
MAY_BE_MISSING = ("elevation_rad", "range_rate_mps", "snr_db")     # an empty cell or nan: the radar gave none
MOST_FRAMES = 5_000_000
LATEST_TIME = 1e10              # s; the present is 1.8e9 s from 1970
FAULTS_A_KIND = 5               # of one kind in one column; the rest are counted
LATE_START = 60.0               # s: a run that begins later than this begins with its first detection


class Run(NamedTuple):
    """One independent run of a table: its name in the table, its detections in time order, and how
    many rows were equal to others and left out.
    """

    name: str
    detections: Detections
    twice: int = 0


class Table:
    """A Feed of one table: its runs one after the other (a table usually has one)."""

    def __init__(self, path: Path | str, site: Site) -> None:
        self.runs = read(path, site)
        self._site = site
        self._path = str(path)

    def __iter__(self) -> Iterator[tuple[Frame, Truth | None]]:
        if len(self.runs) > 1:
            raise TableError(Fault(self._path, None, f"the table holds {len(self.runs)} runs, a feed is one",
                                   "use `skywarden track`, or keep one value of column run"))
        for run in self.runs:
            for frame in frames(run.detections, self._site):
                yield frame, None

    def close(self) -> None:
        """Nothing stays open."""


def read(path: Path | str, site: Site) -> list[Run]:
    """The runs of a table, in the order of their first row.

    path  the table's file

    Columns time_s, range_m, azimuth_rad, elevation_rad, range_rate_mps (azimuth clockwise from
    north, range rate positive receding), optional sensor (number or name of the site's radar), run,
    snr_db. Rows may stand in any order; equal ones are one detection. Raises TableError with every
    fault found.
    """
    name = str(path)
    raw = read_table(Path(path), NEEDED, OPTIONAL)
    if raw.height == 0:
        raise TableError(Fault(name, None, "the table has a heading but no detections",
            "add one row for each detection"))
    faults: list[Fault] = []
    columns = {c: _numbers(raw, c, name, faults) for c in (*NEEDED, "snr_db") if c in raw.columns}
    sensor = _sensors(raw, site, name, faults)
    _check(columns, name, faults, raw)
    if faults:
        raise TableError(*faults)
    n = raw.height
    table = Detections.empty(n)._replace(
        t=columns["time_s"], sensor=sensor, range=columns["range_m"], azimuth=np.mod(columns["azimuth_rad"],
            2.0 * math.pi),
        elevation=columns["elevation_rad"], range_rate=columns["range_rate_mps"], snr=columns.get("snr_db",
            np.full(n, np.nan)))
    if "run" not in raw.columns:
        return [_run("0", take(table, np.argsort(table.t, kind="stable")))]
    label = raw["run"].cast(pl.String).fill_null("")
    codes = label.rank("dense").to_numpy()
    order = np.lexsort((table.t, codes))
    cuts = np.flatnonzero(np.diff(codes[order])) + 1
    parts = sorted(np.split(order, cuts), key=lambda rows: int(rows.min()))
    return [_run(str(label[int(rows[0])]), take(table, rows)) for rows in parts]


def _run(name: str, d: Detections) -> Run:
    """A run of detections `d` (in time order), of which those equal in time, sensor and all values
    are one: redundant networks, a file joined twice.
    """
    values = np.column_stack([np.asarray(column, np.float64) for column in d]) + 0.0       # -0.0 becomes 0.0
    values[np.isnan(values)] = np.nan
    _, first = np.unique(np.ascontiguousarray(values).view(np.dtype((np.void, values.shape[1] * 8))).ravel(),
        return_index=True)
    twice = values.shape[0] - first.shape[0]
    return Run(name, take(d, np.sort(first)) if twice else d, twice)


def frames(d: Detections, site: Site) -> Iterator[Frame]:
    """Frames every `site.policy.frame_s` up to the last of the detections `d` (in time order),
    empty ones included.
    """
    period = site.policy.frame_s
    if np.abs(d.t).max(initial=0.0) > LATEST_TIME:
        raise TableError(Fault("detections", None, f"a time is {d.t[np.abs(d.t).argmax()]:g} s, further off than the "
            "present is from 1970",
                               "give times in seconds, not in milli- or nanoseconds"))
    belongs = np.ceil(d.t / period - 1e-6).astype(np.int64)
    first = int(belongs[0]) if belongs[0] * period > LATE_START or belongs[0] < 0 else 0
    last = int(belongs[-1])
    if last - first > MOST_FRAMES:
        raise TableError(Fault("detections", None, f"times run from {d.t[0]:.0f} to {d.t[-1]:.0f} s: {last - first} "
            "frames",
                               "give times in seconds within one session, or split the table"))
    edges = np.searchsorted(belongs, np.arange(first, last + 2))
    heard = np.full(len(site.radars), -np.inf)
    for k in range(first, last + 1):
        frame = frame_of(k, take(d, np.arange(edges[k - first], edges[k - first + 1])), heard, site)
        heard = frame.radars.heard
        yield frame


def frame_number(t: float, site: Site) -> int:
    """The first frame at or after time `t` [s].

    site  the site as its defender declared it
    """
    return math.ceil(t / site.policy.frame_s - 1e-6)


def frame_of(k: int, d: Detections, heard: Array, site: Site) -> Frame:
    """Frame number `k`, at `k` times `site.policy.frame_s`, of nothing but detections `d`.

    heard  (radars,) when each radar had been heard last before it [s]; -inf never. `radars.heard`
           of the frame is the next one's
    """
    period = site.policy.frame_s
    t, radars = k * period, len(site.radars)
    revisit = np.array([max(r.revisit, period) for r in site.radars])
    turning = np.array([r.kind == "rotating" for r in site.radars], np.bool_)
    heard = heard.copy()
    np.maximum.at(heard, d.sensor, d.t)
    heard[~turning] = t             # a staring radar that sends nothing has still looked
    due = np.floor(t / revisit + 1e-6) > np.floor((t - period) / revisit + 1e-6)
    width = np.where(turning | ~due, 0.0, 2.0 * math.pi)      # where a rotating one points is not in the table
    state = Radars(np.ones(radars, np.bool_), heard, np.zeros(radars), width)
    return Frame(t, d, Aircraft.empty(), site.weather, (), state, Inputs.none(), 0.0)


def _numbers(raw: pl.DataFrame, column: str, name: str, faults: list[Fault]) -> Array:
    """The column as float64; text where a number should be becomes a fault."""
    series = raw[column]
    if series.dtype == pl.String:
        text = series.str.strip_chars()
        series = text.cast(pl.Float64, strict=False)
        blank = (text.fill_null("") == "").to_numpy()
        bad = series.is_null().to_numpy() & ~blank
        _report(faults, name, _lines(raw), bad, lambda i: f'{column}: "{text[i]}" is not a number',
            "write a plain number with a decimal point")
        series = series.fill_null(float("nan"))
    elif series.dtype.is_numeric():
        series = series.cast(pl.Float64).fill_null(float("nan"))
    else:
        faults.append(Fault(name, None, f"{column} holds {series.dtype}, not numbers",
            "store it as a floating-point column"))
        return np.zeros(raw.height)
    return np.array(series.to_numpy(), np.float64)


def _sensors(raw: pl.DataFrame, site: Site, name: str, faults: list[Fault]) -> Array:
    """Which of the site's radars saw each row: column `sensor`, a number or a radar's name; the
    first radar without it.
    """
    if not site.radars:
        faults.append(Fault(name, None, f'site "{site.name}" has no radar',
            "choose a site with the radar that made these detections"))
        return np.zeros(raw.height, np.int32)
    if "sensor" not in raw.columns:
        return np.zeros(raw.height, np.int32)
    known = {str(i): i for i in range(len(site.radars))} | {r.name: i for i, r in enumerate(site.radars)}
    text = raw["sensor"].cast(pl.String).fill_null("").str.strip_chars()
    values = text.replace_strict(known, default=-1, return_dtype=pl.Int32).to_numpy()
    names = ", ".join(f"{i} or {r.name}" for i, r in enumerate(site.radars))
    _report(faults, name, _lines(raw), values < 0,
        lambda i: f'sensor: "{text[i]}" is not a radar of site "{site.name}"', f"use {names}")
    return np.array(values, np.int32)


def _check(columns: dict[str, Array], name: str, faults: list[Fault], raw: pl.DataFrame) -> None:
    """Values no radar can give."""
    already = {(line, what.split(":")[0]) for _, line, what, _ in faults}
    lines = _lines(raw)
    for column in ("time_s", "range_m", "azimuth_rad"):
        wrong = ~np.isfinite(columns[column])
        wrong[np.isin(lines, [line for line, c in already if c == column and line is not None])] = False
        _report(faults, name, lines, wrong, _saying(column, columns[column], "is no usable value"),
            "give every detection a finite one")
    for column in MAY_BE_MISSING:
        if column in columns:
            wrong = np.isinf(columns[column])
            _report(faults, name, lines, wrong, _saying(column, columns[column], "is infinite"),
                "leave the cell empty where the radar gives none")
    far = columns["range_m"]
    _report(faults, name, lines, far <= 0.0, lambda i: f"range_m: {far[i]} is not positive",
        "give the slant range in metres")
    _report(faults, name, lines, np.isfinite(far) & (far > 1e7), lambda i: f"range_m: {far[i]} is beyond the earth",
        "give the slant range in metres")
    azimuth = columns["azimuth_rad"]
    _report(faults, name, lines, np.isfinite(azimuth) & ((azimuth > 2.0 * math.pi + 1e-6)
        | (azimuth < -math.pi - 1e-6)),
            lambda i: f"azimuth_rad: {azimuth[i]} is more than a full turn; is it in degrees?",
            "give radians clockwise from north, 0 to 6.2832")
    elevation = columns["elevation_rad"]
    _report(faults, name, lines, np.isfinite(elevation) & (np.abs(elevation) > 0.5 * math.pi + 1e-6),
            lambda i: f"elevation_rad: {elevation[i]} is beyond the zenith; is it in degrees?",
            "give radians above the horizontal")
    rate = columns["range_rate_mps"]
    _report(faults, name, lines, np.isfinite(rate) & (np.abs(rate) > 2e4),
        lambda i: f"range_rate_mps: {rate[i]} is impossible", "give metres a second")


def _saying(column: str, values: Array, what: str) -> Callable[[int], str]:
    return lambda i: f"{column}: {values[i]} {what}"


def _lines(raw: pl.DataFrame) -> Array:
    """The line of each row (n,), of a Parquet table the row's number from 2 on, as if it had a
    heading.
    """
    return raw[LINE].to_numpy() if LINE in raw.columns else np.arange(2, raw.height + 2)


def _report(faults: list[Fault], name: str, lines: Array, bad: Array, what: Callable[[int], str], do: str) -> None:
    """One fault for each of the first rows of mask `bad`, and a count of the rest."""
    rows = np.flatnonzero(bad)
    faults.extend(Fault(name, int(lines[i]), what(int(i)), do) for i in rows[:FAULTS_A_KIND])
    if rows.shape[0] > FAULTS_A_KIND:
        faults.append(Fault(name, int(lines[rows[FAULTS_A_KIND]]),
            f"{rows.shape[0] - FAULTS_A_KIND} more rows with the same fault", do))
