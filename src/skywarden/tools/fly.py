"""The `fly` verb: rounds given by their states are flown forward on an idealised range, to check
the flight model.

Flat ground, constant gravity, no rotation, one wind at all heights. It takes states and gives
impacts; it solves for nothing.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from skywarden.errors import Fault, TableError, UsageError
from skywarden.files.tables import LINE, read_table
from skywarden.kernels.ballistics.air import Air, exponential, icao, icao_geometric, with_weather
from skywarden.kernels.ballistics.drag import standard_drags
from skywarden.kernels.ballistics.fall import Falls, fall_exactly
from skywarden.kernels.ballistics.flight import plain_earth
from skywarden.kernels.geometry.ground import flat

Array = NDArray[Any]

DRAGS = ("G1", "G7", "constant")
NUMBERS = ("ballistic_coefficient_kgm2", "speed_mps", "elevation_deg", "bearing_deg", "height_m")
COLUMNS = ("drag", *NUMBERS)
ATMOSPHERES = ("isa", "isa-geometric", "exponential")
LONGEST_FLIGHT = 1_000.0        # s
LARGEST_FILE = 256 * 2**20      # bytes, some four million rounds
MOST_FAULTS = 100               # listed one by one; the rest are counted
CHUNK = 2_000                   # rounds flown between two marks of the progress bar

# Allowed values of each column, and what to do about others.
LIMITS = {
    "ballistic_coefficient_kgm2": (1e-3, 1e9,
        "give it in kg/m²: mass over form factor times calibre squared (G1, G7), over Cd times area (constant)"),
    "speed_mps": (0.0, 5_000.0, "give the speed in metres per second, 0 to 5000"),
    "elevation_deg": (-90.0, 90.0, "give the angle above the horizontal in degrees, -90 to 90"),
    "bearing_deg": (-360.0, 360.0, "give the direction clockwise from north in degrees, -360 to 360"),
    "height_m": (0.0, 80_000.0, "give the height above the ground in metres, 0 to 80000"),
}


def fly_rounds(
    rounds: str | Path, out: str | Path, wind: tuple[float, float] = (0.0, 0.0), atmosphere: str = "isa",
    isa_offset: float = 0.0,
    ground_height: float = 1790.0,
) -> int:
    """Fly a table of rounds to the ground and write where they land; returns how many.

    rounds         CSV or Parquet (by suffix): drag (G1, G7, constant), ballistic_coefficient_kgm2,
                   speed_mps, elevation_deg,
                   bearing_deg (clockwise from north), height_m (above the ground); other columns
                   are ignored
    out            CSV or Parquet (by suffix): impact_east_m, impact_north_m, time_of_flight_s,
                   impact_speed_mps, apex_m (above the
                   ground), a row a round, in the same order
    wind           where the air moves to, east and north [m/s]
    atmosphere     "isa": ICAO on geopotential height; "isa-geometric": the same formula on
                   geometric height; "exponential":
                   1.225 kg/m³ falling by e each 10,200 m, speed of sound 340.3 - 0.0041 h
    isa_offset     added to the standard temperature at unchanged pressure [K]
    ground_height  of the ground above mean sea level [m]

    Raises UsageError for an option out of bounds, TableError with every fault of the file, or of
    writing, otherwise. Source: docs/models/flight.md. Agrees with high-precision references to 0.1
    m: tests/kernels/test_flight.py
    """
    air = _air(wind, atmosphere, isa_offset, ground_height)
    source = Path(rounds)
    table, values = _checked(source, read_table(source, COLUMNS, largest=LARGEST_FILE))
    law = np.array([DRAGS.index(name) for name in table["drag"].to_list()], np.int32)
    elevation, bearing = np.radians(values["elevation_deg"]), np.radians(values["bearing_deg"])
    speed, level = values["speed_mps"], values["speed_mps"] * np.cos(elevation)
    still = np.zeros(len(speed))
    state = np.stack([still, still, values["height_m"], level * np.sin(bearing), level * np.cos(bearing),
        speed * np.sin(elevation)], axis=1)
    falls = _flown(state, law, 1.0 / values["ballistic_coefficient_kgm2"], air)
    _all_landed(source, table, falls)
    _write(Path(out), pl.DataFrame({
        "impact_east_m": falls.position[:, 0],
        "impact_north_m": falls.position[:, 1],
        "time_of_flight_s": falls.t,
        "impact_speed_mps": np.sqrt((falls.velocity**2).sum(axis=1)),
        "apex_m": falls.apex,
    }))
    return len(state)


def _air(wind: tuple[float, float], atmosphere: str, isa_offset: float, ground_height: float) -> Air:
    """The declared air, origin on the ground."""
    if atmosphere not in ATMOSPHERES:
        raise UsageError(f"atmosphere {atmosphere!r} is not known; choose one of {', '.join(ATMOSPHERES)}")
    if len(wind) != 2 or not all(math.isfinite(w) and abs(w) <= 150.0 for w in wind):
        raise UsageError(f"wind {wind!r} is not east,north in metres per second, each within ±150")
    if not (math.isfinite(isa_offset) and abs(isa_offset) <= 80.0):
        raise UsageError(f"ISA offset {isa_offset!r} is not a temperature difference in kelvin within ±80")
    if not -5_000.0 <= ground_height <= 20_000.0:
        raise UsageError(f"ground height {ground_height!r} is not metres above mean sea level, -5000 to 20000")
    if atmosphere == "exponential" and isa_offset != 0.0:
        raise UsageError("an ISA offset has no meaning in the exponential atmosphere; choose isa or isa-geometric, or "
            "leave the offset out")
    make = {"isa": icao, "isa-geometric": icao_geometric, "exponential": exponential}[atmosphere]
    return with_weather(make(ground_height), [0.0], [wind], isa_offset)


def _checked(file: Path, table: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, Array]]:
    """The table's numbers, once every value has been looked at. Raises TableError with all faults."""
    if table.height == 0:
        raise TableError(Fault(str(file), 1, "the table has a header but no round", "add a line a round"))
    faults: list[tuple[int, Fault]] = []
    drag = table["drag"].cast(pl.String, strict=False)
    for row in map(int, np.flatnonzero(~drag.is_in(DRAGS).fill_null(False).to_numpy())):
        faults.append(_fault(file, table, row, "drag", drag[row], "write G1, G7 or constant"))
    values: dict[str, Array] = {}
    for name in NUMBERS:
        column = table[name].cast(pl.Float64, strict=False).fill_null(math.nan).to_numpy()
        low, high, do = LIMITS[name]
        for row in map(int, np.flatnonzero(~((column >= low) & (column <= high)))):
            faults.append(_fault(file, table, row, name, table[name][row], do))
        values[name] = np.array(column)
    if faults:
        faults.sort(key=lambda pair: pair[0])
        listed = [fault for _, fault in faults[:MOST_FAULTS]]
        if len(faults) > MOST_FAULTS:
            listed.append(Fault(str(file), None, f"and {len(faults) - MOST_FAULTS:,} more values out of bounds",
                "correct these first"))
        raise TableError(*listed)
    return table.with_columns(drag), values


def _fault(file: Path, table: pl.DataFrame, row: int, column: str, value: object, do: str) -> tuple[int, Fault]:
    """One bad value, with its row for sorting."""
    shown = "nothing" if value is None else repr(value)
    return row, Fault(str(file), _line(table, row), f"{_row(table, row)}column {column!r} holds {shown}", do)


def _line(table: pl.DataFrame, row: int) -> int | None:
    """Line of a CSV row; Parquet has none."""
    return int(table[LINE][row]) if LINE in table.columns else None


def _row(table: pl.DataFrame, row: int) -> str:
    """Where lines have no meaning, the row's number."""
    return "" if LINE in table.columns else f"row {row + 1}: "


def _flown(state: Array, law: Array, inverse: Array, air: Air) -> Falls:
    """Every round flown, with a progress bar where that takes time."""
    ground, drags, earth = flat(0.0), standard_drags(DRAGS), plain_earth(air.datum)
    parts = []
    with Progress(console=Console(stderr=True), transient=True, disable=len(state) < 5 * CHUNK) as progress:
        task = progress.add_task("flying", total=len(state))
        for i in range(0, len(state), CHUNK):
            s = slice(i, i + CHUNK)
            parts.append(fall_exactly(state[s], law[s], inverse[s], ground, drags, air, earth, LONGEST_FLIGHT))
            progress.advance(task, len(state[s]))
    return Falls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _all_landed(file: Path, table: pl.DataFrame, falls: Falls) -> None:
    """Raises TableError naming every round that never came down."""
    up = [int(i) for i in np.flatnonzero(~np.isfinite(falls.t))]
    if up:
        raise TableError(*(
            Fault(str(file), _line(table, i), f"{_row(table, i)}the round is still up after {LONGEST_FLIGHT:.0f} s",
                  "lower its speed, elevation or height, or correct its coefficient") for i in up[:MOST_FAULTS]))


def _write(file: Path, table: pl.DataFrame) -> None:
    try:
        if file.suffix.lower() == ".parquet":
            table.write_parquet(file)
        else:
            table.write_csv(file)
    except (OSError, pl.exceptions.PolarsError) as problem:
        what = f"the file cannot be written: {getattr(problem, 'strerror', None) or problem}"
        raise TableError(Fault(str(file), None, what, "check its folder, your permission and the space left")) from None
