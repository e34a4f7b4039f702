"""ADS-B as receivers pass it on: BaseStation text (SBS-1), aircraft.json, and readsb traces, from files and sockets."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from skywarden.errors import FeedError
from skywarden.feeds.places import report
from skywarden.feeds.sockets import Lines
from skywarden.feeds.source import Batch, Report
from skywarden.feeds.timeline import Timeline
from skywarden.formats.claim import Claim
from skywarden.messages.frame import ADSB
from skywarden.site.model import Site
from skywarden.units import FOOT, KNOT

FEET_A_MINUTE = FOOT / 60.0     # m/s
FORGOTTEN = 60.0                # s without a message until what an aircraft said is forgotten
FRESH = 12.0                    # s for which velocity and height are worth repeating beside a newer position
LONGEST = 1 << 26               # bytes of one line or of one whole JSON document
AIRBORNE, SURFACE = 3, 2        # BaseStation transmission types that carry a position
NOTHING = "", b""


class _Said(NamedTuple):
    """What one aircraft has said so far, each with its time."""

    heard: float
    callsign: str = ""
    speed: float = math.nan
    heading: float = math.nan
    climb: float = math.nan
    moved: float = -math.inf        # time of speed, heading and climb
    altitude: float = math.nan      # pressure altitude
    level: float = -math.inf        # time of it
    on_ground: bool = False


class SbsDecoder:
    """BaseStation lines in, batches out; a report goes out whenever an aircraft says where it is."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._timeline: Timeline[list[str]] = Timeline()
        self._said: dict[int, _Said] = {}

    def decode(self, line: bytes, arrived: float = math.nan) -> Batch:
        """One line's worth. Nothing in it can raise."""
        fields = _fields(line)
        if fields is None:
            return Batch(self._timeline.now, undecodable=len(line.strip()), arrived=arrived)
        if fields[0] != "MSG":
            return Batch(self._timeline.now, received=1, arrived=arrived)       # SEL, ID, AIR, STA, CLK: a change of the receiver's list
        return self._batch(self._timeline.admit(_when(fields), fields), 1, arrived)

    def flush(self) -> Batch:
        """What was still held back when the input ended."""
        return self._batch(self._timeline.flush(), 0, math.nan)

    def _batch(self, released: list[list[str]], received: int, arrived: float) -> Batch:
        rejected, self._timeline.rejected = self._timeline.rejected, 0
        reports: list[Report] = []
        for fields in released:
            claim = self._hear(fields)
            made = None if claim is None or math.isnan(claim.latitude) else report(claim, self._site)
            if made is not None:
                reports.append(made)
            elif claim is None or math.isfinite(claim.latitude):
                rejected += 1
        return Batch(self._timeline.now, tuple(reports), received, 0, rejected, arrived)

    def _hear(self, f: list[str]) -> Claim | None:
        """Remember what a message says; the aircraft's claim if it says where it is, one without a place if not, None if it cannot be."""
        address = _hex(f[4])
        if address < 0:
            return None
        t = self._timeline.now if math.isnan(_when(f)) else _when(f)
        said = self._said.get(address, _Said(t))
        if abs(t - said.heard) > FORGOTTEN:
            said = _Said(t)
        said = said._replace(heard=t)
        if f[10].strip():
            said = said._replace(callsign=f[10])
        altitude, speed, heading, climb = _float(f[11]) * FOOT, _float(f[12]) * KNOT, math.radians(_float(f[13])), _float(f[16]) * FEET_A_MINUTE
        if math.isfinite(altitude):
            said = said._replace(altitude=altitude, level=t)
        if math.isfinite(speed) or math.isfinite(heading):
            said = said._replace(speed=speed, heading=heading, climb=climb, moved=t)
        if f[21].strip() in ("-1", "1"):
            said = said._replace(on_ground=True)
        elif f[21].strip() == "0":
            said = said._replace(on_ground=False)
        self._said[address] = said
        if len(self._said) > 20_000:
            self._said = {a: s for a, s in self._said.items() if abs(t - s.heard) <= FORGOTTEN}
            if len(self._said) > 20_000:
                self._said.clear()
        fresh = abs(t - said.moved) <= FRESH
        return Claim(
            t, address, ADSB, said.callsign, math.radians(_float(f[14])), math.radians(_float(f[15])),
            pressure_altitude=said.altitude if abs(t - said.level) <= FRESH and not said.on_ground else math.nan,
            speed=said.speed if fresh else math.nan, heading=said.heading if fresh else math.nan, climb=said.climb if fresh else math.nan,
            on_ground=said.on_ground)


class AircraftDecoder:
    """JSON documents of receivers in, batches out: snapshots of all aircraft in sight, or the trace of one."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._now = math.nan
        self._seen: dict[int, float] = {}       # time of each aircraft's last position: a snapshot repeats it until there is a newer one

    def decode(self, text: bytes, arrived: float = math.nan) -> Iterator[Batch]:
        """One document's worth. Nothing in it can raise."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            if text.strip():
                yield Batch(self._now, undecodable=len(text.strip()), arrived=arrived)
        elif isinstance(document.get("trace"), list):
            yield from self._trace(document, arrived)
        elif isinstance(document.get("aircraft"), list):
            yield self._snapshot(document, arrived)
        elif "hex" in document:
            yield self._snapshot({"now": document.get("now"), "aircraft": [document]}, arrived)
        else:
            yield Batch(self._now, undecodable=len(text.strip()), arrived=arrived)

    def _snapshot(self, document: dict[str, Any], arrived: float) -> Batch:
        now = _value(document, "now")
        if not 0.0 < now < 1e13:
            now = self._now if math.isfinite(self._now) else 0.0
        self._now = now if math.isnan(self._now) else max(self._now, now) if abs(now - self._now) < 86_400.0 else now
        reports: list[Report] = []
        rejected = 0
        for entry in document["aircraft"]:
            if not isinstance(entry, dict):
                rejected += 1
                continue
            claim = _entry(entry, now)
            if claim is None:
                rejected += 1
            elif math.isfinite(claim.latitude) and self._newer(claim):
                made = report(claim, self._site)
                if made is None:
                    rejected += 1
                else:
                    reports.append(made)
        return Batch(self._now, tuple(reports), len(document["aircraft"]), 0, rejected, arrived)

    def _newer(self, claim: Claim) -> bool:
        last = self._seen.get(claim.address, -math.inf)
        if len(self._seen) > 65_536:
            self._seen.clear()
        if -3600.0 < claim.t - last < 0.05:
            return False
        self._seen[claim.address] = claim.t
        return True

    def _trace(self, document: dict[str, Any], arrived: float) -> Iterator[Batch]:
        """One aircraft's positions: rows of seconds after `timestamp`, latitude, longitude, altitude, speed, track, flags, rate, details …"""
        begin, address = _value(document, "timestamp"), _hex(str(document.get("icao", "")))
        begin = begin if 0.0 < begin < 1e13 else 0.0
        callsign, rejected = "", 0
        rows = [row for row in document["trace"] if isinstance(row, list) and len(row) >= 6 and math.isfinite(_number(row[0]))]
        yield Batch(self._now, received=len(document["trace"]), rejected=len(document["trace"]) - len(rows), arrived=arrived)
        for row in sorted(rows, key=lambda row: _number(row[0])):
            details = row[8] if len(row) > 8 and isinstance(row[8], dict) else {}
            callsign = str(details.get("flight", callsign))
            ground = row[3] == "ground"
            t = begin + _number(row[0])
            claim = Claim(
                t, address, ADSB, callsign, math.radians(_number(row[1])), math.radians(_number(row[2])),
                altitude=_number(row[10]) * FOOT if len(row) > 10 and not ground else math.nan,
                pressure_altitude=math.nan if ground else _number(row[3]) * FOOT, speed=_number(row[4]) * KNOT, heading=math.radians(_number(row[5])),
                climb=_number(row[7]) * FEET_A_MINUTE if len(row) > 7 else math.nan,
                nic=_integrity(details, "nic"), nacp=_integrity(details, "nac_p"), on_ground=ground)
            made = report(claim, self._site) if address >= 0 else None
            self._now = t if math.isnan(self._now) else max(self._now, t)
            rejected = int(made is None)
            yield Batch(self._now, () if made is None else (made,), 0, 0, rejected, arrived)


class SbsFile:
    """BaseStation text, read to its end. Its times are the receiver's local times."""

    live, dated, relative = False, True, False

    def __init__(self, path: Path, site: Site) -> None:
        self.name = f"sbs {path.name}"
        self._path, self._decoder = path, SbsDecoder(site)

    def __iter__(self) -> Iterator[Batch]:
        for line in _lines(self._path):
            yield self._decoder.decode(line)
        yield self._decoder.flush()

    def poll(self) -> list[Batch]:
        return []

    def close(self) -> None:
        """The file is open only while it is read."""


class AircraftFile:
    """aircraft.json: one document in the whole file, or one on each line."""

    live, dated, relative = False, True, False

    def __init__(self, path: Path, site: Site) -> None:
        self.name = f"aircraft {path.name}"
        self._path, self._decoder = path, AircraftDecoder(site)

    def __iter__(self) -> Iterator[Batch]:
        if (whole := _document(self._path)) is not None:
            yield from self._decoder.decode(whole)
            return
        for line in _lines(self._path):
            yield from self._decoder.decode(line)

    def poll(self) -> list[Batch]:
        return []

    def close(self) -> None:
        """The file is open only while it is read."""


class _Tcp:
    """Lines of a TCP stream, decoded when polled."""

    live, dated, relative = True, False, False

    def __init__(self, name: str, host: str, port: int, decode: Callable[[bytes, float], Iterator[Batch]]) -> None:
        self.name, self._decode = f"{name} {host}:{port}", decode
        self._inbox = Lines(host, port)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            yield from self.poll()
            time.sleep(0.02)

    def poll(self) -> list[Batch]:
        found = [batch for arrived, line in self._inbox.take() for batch in self._decode(line, arrived)]
        lost = self._inbox.lost()
        return [*found, Batch(math.nan, undecodable=lost)] if lost else found

    def close(self) -> None:
        self._inbox.close()


class SbsTcp(_Tcp):
    """BaseStation text from a receiver."""

    def __init__(self, host: str, port: int, site: Site) -> None:
        decoder = SbsDecoder(site)
        super().__init__("sbs tcp", host, port, lambda line, arrived: iter((decoder.decode(line, arrived),)))


class AircraftTcp(_Tcp):
    """JSON objects from a receiver, one a line."""

    def __init__(self, host: str, port: int, site: Site) -> None:
        super().__init__("aircraft tcp", host, port, AircraftDecoder(site).decode)


def _entry(entry: dict[str, Any], now: float) -> Claim | None:
    """The claim of one aircraft in a snapshot; without a place where it gives none, None where it is no aircraft with an address."""
    address = _hex(str(entry.get("hex", "")))
    if address < 0:
        return None
    said = entry.get("alt_baro", entry.get("altitude"))
    ground = said == "ground"
    place = entry if "lat" in entry else {}
    seen = _value(entry, "seen_pos")
    rate = _value(entry, "baro_rate")
    rate = rate if math.isfinite(rate) else _value(entry, "geom_rate")
    rate = rate if math.isfinite(rate) else _value(entry, "vert_rate")
    speed = _value(entry, "gs")
    return Claim(
        now - (seen if 0.0 <= seen < 3600.0 else 0.0), address, ADSB, str(entry.get("flight", "")),
        math.radians(_value(place, "lat")), math.radians(_value(place, "lon")), altitude=math.nan if ground else _value(entry, "alt_geom") * FOOT,
        pressure_altitude=math.nan if ground else _number(said) * FOOT, speed=(speed if math.isfinite(speed) else _value(entry, "speed")) * KNOT,
        heading=math.radians(_value(entry, "track")), climb=rate * FEET_A_MINUTE, nic=_integrity(entry, "nic"), nacp=_integrity(entry, "nac_p"),
        on_ground=ground)


def _fields(line: bytes) -> list[str] | None:
    """The 22 fields of a BaseStation line; None where it is none."""
    if len(line) > 512:
        return None
    try:
        fields = line.decode("ascii").strip().split(",")
    except UnicodeDecodeError:
        return None
    if fields[0] == "MSG" and len(fields) in (21, 22) and fields[1] in ("1", "2", "3", "4", "5", "6", "7", "8"):
        return fields if len(fields) == 22 else [*fields, ""]
    return fields if fields[0] in ("SEL", "ID", "AIR", "STA", "CLK") and len(fields) >= 10 else None


def _when(fields: list[str]) -> float:
    """Seconds since 1970 of a message's generated date and time, read as UTC; nan where they are none."""
    try:
        return datetime.strptime(f"{fields[6]} {fields[7]}"[:26], "%Y/%m/%d %H:%M:%S.%f").replace(tzinfo=UTC).timestamp()
    except ValueError:
        try:
            return datetime.strptime(f"{fields[6]} {fields[7]}", "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
        except ValueError:
            return math.nan


def _hex(text: str) -> int:
    """A 24-bit ICAO address; -1 where the text is none (a leading ~ marks an address that is not ICAO's)."""
    text = text.strip()
    try:
        address = int(text, 16) if len(text) == 6 and text.isalnum() else -1
    except ValueError:
        return -1
    return address if 0 < address < 0xFFFFFF else -1


def _float(text: str) -> float:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _number(value: Any) -> float:
    """A finite number; nan for anything else a JSON document may hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value) if math.isfinite(value) else math.nan
    except OverflowError:
        return math.nan


def _value(entry: dict[str, Any], key: str) -> float:
    return _number(entry.get(key))


def _integrity(entry: dict[str, Any], key: str) -> int:
    value = _value(entry, key)
    return int(value) if 0.0 <= value <= 15.0 else -1


def _lines(path: Path) -> Iterator[bytes]:
    """Lines of a file, however long the file; a line without end comes in pieces."""
    try:
        with path.open("rb") as file:
            while line := file.readline(LONGEST):
                yield line
    except OSError as error:
        raise FeedError(f"{path} cannot be read on: {error}; check the disk, or copy the file") from error


def _document(path: Path) -> bytes | None:
    """The whole file where it is one JSON document, None where its lines stand for themselves or it is too long to be one."""
    try:
        if path.stat().st_size > LONGEST:
            return None
        whole = path.read_bytes()
    except OSError as error:
        raise FeedError(f"{path} cannot be read: {error}; check the disk, or copy the file") from error
    try:
        json.loads(whole)
    except (ValueError, RecursionError):
        return None
    return whole
