"""The `convert` verb: traffic as others keep it (readsb traces, aircraft.json, BaseStation,
OpenSky, the traffic library) as a CSV of recorded flights.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from skywarden.errors import Fault, TableError, UsageError
from skywarden.files.cells import plain_cell
from skywarden.files.first_look import HEAD, look
from skywarden.files.parquet import DamagedError, TooLongError, read_parquet
from skywarden.files.text import lines, read_bytes
from skywarden.units import FOOT

LARGEST_TEXT = 512 * 2**20      # bytes, unpacked
MOST_ROWS = 20_000_000          # rows of a Parquet table
COLUMNS = ("time_s", "icao24", "callsign", "latitude_deg", "longitude_deg", "altitude_m")
UNITS = {"ft": FOOT, "m": 1.0}

# Names that other programs give to each value, the first that a row has counts; heights with the length of their unit
# [m].
TIMES = ("time_s", "timestamp", "time", "ts", "utc", "datetime", "last_position", "lastposupdate", "snapshot_id")
ADDRESSES = ("icao24", "icao", "hex", "icao_hex", "hexident", "address", "mode_s")
CALLSIGNS = ("callsign", "flight", "call_sign", "ident")
LATITUDES = ("latitude_deg", "latitude", "lat")
LONGITUDES = ("longitude_deg", "longitude", "lon", "lng", "long")
HEIGHTS = (("altitude_m", 1.0), ("altitude_ft", FOOT), ("alt_baro", FOOT), ("altitude", FOOT), ("baroaltitude", 1.0),
    ("geoaltitude", 1.0), ("alt", FOOT),
           ("alt_geom", FOOT), ("height_m", 1.0))


class Position(NamedTuple):
    """Where one aircraft was once; nan or "" where it is not said."""

    time: float         # since 1970 [s], or of the file's own clock
    address: str
    callsign: str
    latitude: float     # [deg]
    longitude: float    # [deg]
    altitude: float     # [m]


def convert(source: Path, out: Path, unit: str | None = None) -> str:
    """Write the positions of `source` as recorded flights; returns a sentence about what they are.

    unit  "ft" or "m" where heights are not in the unit that their column usually has; None: feet,
          metres for OpenSky's and for names with _m
    out   the CSV file to write

    Read are JSON (readsb traces, aircraft.json in one document or a document a line, lists of rows,
    columns of values), BaseStation text, CSV and Parquet, packed by gzip or not. Raises TableError
    where none of it says where an aircraft was, UsageError for an unknown unit.
    """
    if unit is not None and unit not in UNITS:
        raise UsageError(f"--altitude {unit}: it is ft or m")
    found = sorted({p for p in _positions(source, UNITS[unit] if unit else None) if _usable(p)})
    if not found:
        raise TableError(Fault(str(source), None, "holds no position with a time, latitude and longitude",
                               "Give a readsb trace, aircraft.json, BaseStation text, or a table with timestamp, "
                               "icao24, latitude, longitude, altitude."))
    begin = found[0].time
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            write = csv.writer(file, lineterminator="\n")
            write.writerow(COLUMNS)
            write.writerows(_cells(p, begin) for p in found)
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}"
        raise TableError(Fault(str(out), None, what, "Check its folder, your permission and the space left.")) from None
    aircraft = len({p.address or p.callsign for p in found})
    when = f", from {datetime.fromtimestamp(begin, UTC):%Y-%m-%d %H:%M:%S} UTC on" if 1e8 < begin < 4e9 else ""
    return f"{out}: {len(found):,} positions of {aircraft:,} aircraft over {found[-1].time - begin:.0f} s{when}"


def _cells(p: Position, begin: float) -> tuple[str, ...]:
    altitude = "" if math.isnan(p.altitude) else f"{p.altitude:.1f}"
    name = plain_cell(p.callsign)
    return f"{p.time - begin:.3f}", plain_cell(p.address), name, f"{p.latitude:.7f}", f"{p.longitude:.7f}", altitude


def _usable(p: Position) -> bool:
    return math.isfinite(p.time) and abs(p.latitude) <= 90.0 and abs(p.longitude) <= 360.0 and bool(p.address
        or p.callsign)


def _positions(source: Path, metres: float | None) -> Iterator[Position]:
    """Every position of a file, by its first bytes."""
    try:
        with source.open("rb") as file:
            parquet = file.read(4) == b"PAR1"
        if parquet:
            yield from _parquet(source, metres)
            return
        text = _text(source)
    except OSError as error:
        raise TableError(Fault(str(source), None, f"cannot be read: {error.strerror or error}",
            "Check its name and your permission.")) from None
    seen = look(text[:HEAD])
    if seen.kind in ("json", "json lines"):
        for document in _documents(text):
            yield from _of_json(document, metres)
    elif text.lstrip().startswith((b"MSG,", b"SEL,", b"ID,", b"AIR,", b"STA,", b"CLK,", b"MLAT,")):
        yield from _of_basestation(text)
    elif seen.kind == "text":
        try:
            rows = csv.DictReader(io.StringIO(text.decode("utf-8", "replace"), newline=""))
            yield from (_of_row(row, metres) for row in rows)
        except csv.Error as error:
            raise TableError(Fault(str(source), None, f"is not CSV: {error}",
                "Export it again as comma-separated text.")) from None
    else:
        raise TableError(Fault(str(source), None, f"is {seen.name}", seen.do))


def _text(source: Path) -> bytes:
    """The file as UTF-8, unpacked. Raises TableError where it is far larger than traffic of a day."""
    parts, size = [], 0
    for line in lines(source):
        size += len(line)
        if size > LARGEST_TEXT:
            raise TableError(Fault(str(source), None, f"holds more than {LARGEST_TEXT // 2**20} MiB of text",
                "Split it by time."))
        parts.append(line)
    return b"".join(parts)


def _parquet(source: Path, metres: float | None) -> Iterator[Position]:
    faults: list[Fault] = []
    content = read_bytes(source, faults, LARGEST_TEXT)
    if content is None:
        raise TableError(*faults)
    try:
        table = read_parquet(content, None, most_rows=MOST_ROWS)
    except TooLongError as error:
        raise TableError(Fault(str(source), None, f"holds {error.rows:,} rows, more than {MOST_ROWS:,}",
            "Split it by time.")) from None
    except DamagedError as error:
        raise TableError(Fault(str(source), None, f"is a damaged Parquet table: {error}", "Write it again.")) from None
    for row in table.iter_rows(named=True):
        yield _of_row(row, metres)


def _documents(text: bytes) -> Iterator[Any]:
    """The JSON of a file: one document, or one a line; lines that are none are passed over."""
    try:
        yield json.loads(text)
        return
    except (ValueError, RecursionError):
        pass
    for line in text.split(b"\n"):
        try:
            yield json.loads(line.strip(b"\x1e \r\t") or b"null")
        except (ValueError, RecursionError):
            continue


def _of_json(document: Any, metres: float | None) -> Iterator[Position]:
    """Positions of one document, whichever of the known forms it has."""
    if isinstance(document, list):
        yield from (_of_row(row, metres) for row in document if isinstance(row, Mapping))
    elif not isinstance(document, Mapping):
        return
    elif isinstance(document.get("trace"), list):
        yield from _of_trace(document)
    elif isinstance(aircraft := document.get("aircraft", document.get("ac")), list):
        now = _time(document.get("now", document.get("ctime")))
        for entry in aircraft:
            if isinstance(entry, Mapping):
                ago = _number(entry.get("seen_pos"))
                yield _of_row({**entry, "time_s": now - (ago if math.isfinite(ago) else 0.0)}, metres)
    elif isinstance(states := document.get("states"), list):        # OpenSky's answer: rows of values by their place
        for state in states:
            if isinstance(state, list) and len(state) >= 8:
                when, place = _time(state[3] or document.get("time")), (_number(state[6]), _number(state[5]))
                yield Position(when, _address(state[0]), _word(state[1]), *place, _number(state[7]))
    # columns of values by row, as pandas writes them
    elif all(isinstance(value, Mapping) for value in document.values()) and document:
        keys: Iterable[Any] = next(iter(document.values()))
        yield from (_of_row({name: column.get(key) for name, column in document.items()}, metres) for key in keys)
    else:
        yield _of_row(document, metres)


def _of_trace(document: Mapping[str, Any]) -> Iterator[Position]:
    """A readsb trace: rows of seconds after `timestamp`, latitude, longitude, altitude [ft] …,
    details with the call sign.
    """
    begin, address, callsign = _number(document.get("timestamp")), _address(document.get("icao")), ""
    for row in document["trace"]:
        if isinstance(row, list) and len(row) >= 4:
            details = row[8] if len(row) > 8 and isinstance(row[8], Mapping) else {}
            callsign = _word(details.get("flight")) or callsign
            yield Position(begin + _number(row[0]), address, callsign, _number(row[1]), _number(row[2]),
                _number(row[3]) * FOOT)


def _of_basestation(text: bytes) -> Iterator[Position]:
    """MSG and MLAT lines that carry a place, with the call sign that the same address gave before."""
    callsigns: dict[str, str] = {}
    for line in text.decode("ascii", "replace").splitlines():
        f = line.strip().split(",")
        if f[0] not in ("MSG", "MLAT") or len(f) < 16:
            continue
        address = _address(f[4])
        if f[10].strip():
            callsigns[address] = f[10].strip()
        time = _time(f"{f[6]} {f[7]}") if f[7].strip() else _time(f"{f[8]} {f[9]}")
        yield Position(time, address, callsigns.get(address, ""), _number(f[14]), _number(f[15]), _number(f[11]) * FOOT)


def _of_row(row: Mapping[str, Any], metres: float | None) -> Position:
    """The position of one row, by the names of its columns."""
    low = {str(key).strip().lower(): value for key, value in row.items() if key is not None}
    height, unit = next(((low[name], length) for name, length in HEIGHTS if low.get(name) not in (None, "")),
        (math.nan, 1.0))
    latitude, longitude = _first(low, LATITUDES), _first(low, LONGITUDES)
    if latitude is None and isinstance(low.get("position"), str):      # "47.4,8.5", as Flightradar24 writes it
        latitude, _, longitude = low["position"].partition(",")
    return Position(
        _time(_first(low, TIMES)), _address(_first(low, ADDRESSES)), _word(_first(low, CALLSIGNS)), _number(latitude),
        _number(longitude),
        _number(height) * (unit if metres is None else metres))


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _number(value: Any) -> float:
    if value is None or isinstance(value, bool):
        return math.nan
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _word(value: Any) -> str:
    return str(value).strip()[:8] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _address(value: Any) -> str:
    """Six hexadecimal digits, what is left of them kept; a leading ~ marks an address that is not
    ICAO's, and is kept.
    """
    text = str(value).strip().lower() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text.zfill(6) if text and all(c in "0123456789abcdef" for c in text) else text[:10]


def _time(value: Any) -> float:
    """Seconds since 1970: of seconds, milli-, micro- or nanoseconds by their size, or of a date and
    time as text, UTC where it does not say.
    """
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    number = _number(value)
    if math.isfinite(number):
        for length in (1e17, 1e14, 1e11):
            if abs(number) > length:
                return number / {1e17: 1e9, 1e14: 1e6, 1e11: 1e3}[length]
        return number
    try:
        moment = datetime.fromisoformat(str(value).strip().replace("/", "-").replace("Z", "+00:00"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return math.nan
