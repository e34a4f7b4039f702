"""ADS-B as receivers' JSON: aircraft.json of dump1090, readsb and the services that pass it on,
older lists, and readsb traces; from files and sockets.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from skywarden.errors import FeedError
from skywarden.feeds.live import Live
from skywarden.feeds.places import report
from skywarden.feeds.sockets import Lines
from skywarden.feeds.source import Batch, Counts, Report
from skywarden.feeds.timeline import Timeline
from skywarden.feeds.unwrap import must_be_text, subject, text_lines
from skywarden.formats.claim import Claim
from skywarden.formats.numbers import finite
from skywarden.messages.frame import ADSB, NO_SUBJECT, NO_TIME, WRONG_TIME
from skywarden.site.model import Site
from skywarden.units import FOOT, KNOT

FEET_A_MINUTE = FOOT / 60.0         # m/s
LONGEST = 1 << 26                   # bytes of one JSON document
SAME = 0.05                         # s: a position no newer than this is the one there was
FORGOTTEN = 60.0                    # s: a position so much older than the newest there was is one of a clock set anew
MOST_AIRCRAFT = 65_536              # remembered; junk invents them without end
BETWEEN = 1.0                       # s between two documents of a file that tell no time, as dump1090 writes them
# of a snapshot's aircraft: dump1090 and readsb; the services' second version; Virtual Radar Server
LISTS = ("aircraft", "ac", "acList")
TIMES = ("now", "timestamp", "stm")         # of a snapshot
GEOMETRIC = 8                       # flag of a trace's row: its altitude is geometric
# a time below the first is in units of the second [s]: seconds to nanoseconds
SECONDS = ((1e10, 1.0), (1e13, 1e-3), (1e16, 1e-6), (1e19, 1e-9))
# Virtual Radar Server's names for what readsb calls otherwise.
VIRTUAL_RADAR = {"Icao": "hex", "Call": "flight", "Lat": "lat", "Long": "lon", "Alt": "alt_baro", "GAlt": "alt_geom",
    "Spd": "gs", "Trak": "track",
                 "Vsi": "baro_rate"}


class _Seen(NamedTuple):
    """The newest position there was of an aircraft [s, degrees]."""

    t: float
    latitude: float
    longitude: float


class AircraftDecoder:
    """JSON documents of receivers in, batches out: snapshots of all aircraft in sight, or the trace
    of one.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._timeline: Timeline[list[Any]] = Timeline()
        self._seen: dict[int, _Seen] = {}       # a snapshot repeats a position until there is a newer one

    def decode(self, text: bytes, arrived: float = math.nan, wall: float = math.nan) -> Iterator[Batch]:
        """One document's worth. Nothing in it can raise.

        arrived, wall   when it came in, by the monotonic clock and in UTC [s]; nan in a file
        text            the JSON document
        """
        document = parsed(text)
        if document is None or not understood(document):
            if text.strip():
                yield Batch(self._timeline.now, undecodable=len(text.strip()), arrived=arrived)
        else:
            yield from self.take(document, arrived, wall)

    def take(self, document: Any, arrived: float = math.nan, wall: float = math.nan) -> Iterator[Batch]:
        """The same of a document that has been parsed and is understood.

        arrived  when it arrived [s, monotonic clock]
        wall     when it arrived [s since 1970]
        """
        if isinstance(document, dict) and isinstance(document.get("trace"), list):
            yield from self._trace(document, arrived)
            return
        entries = listed(document)
        t = seconds(next((document[name] for name in TIMES if name in document), None)) if isinstance(document,
            dict) else math.nan
        if math.isnan(t):
            t = wall if math.isfinite(wall) else self._timeline.now + BETWEEN if math.isfinite(
                self._timeline.now) else 0.0
        yield self._batch(self._timeline.admit(t, entries, wall), len(entries), arrived)._replace(
            kinds={"aircraft": len(entries)})

    def flush(self) -> Batch:
        """What was still held back when the input ended."""
        return self._batch(self._timeline.flush(), 0, math.nan)

    def _batch(self, released: list[tuple[float, list[Any]]], received: int, arrived: float) -> Batch:
        refused: dict[int, int] = {}
        if self._timeline.rejected:
            refused[WRONG_TIME], self._timeline.rejected = self._timeline.rejected, 0
        steps, self._timeline.steps = tuple(self._timeline.steps), []
        reports: list[Report] = []
        for now, entries in released:
            for entry in entries:
                made = self._report(entry, now)
                if isinstance(made, Report):
                    reports.append(made)
                elif made is not None:
                    refused[made] = refused.get(made, 0) + 1
        return Batch(self._timeline.now, tuple(reports), received, 0, refused, arrived, (), steps)

    def _report(self, entry: Any, now: float) -> Report | int | None:
        """What an entry reports; why it cannot be; None where it gives no place, or the one it gave
        before.
        """
        if not isinstance(entry, dict):
            return NO_SUBJECT
        entry = _usual(entry)
        name = entry.get("hex")
        key, address = subject(name) if isinstance(name, str) else (-1, -1)
        if key < 0:
            return NO_SUBJECT
        claim = _claim(entry, address, now)
        if not math.isfinite(claim.latitude) or not self._newer(key, claim, "seen_pos" in entry):
            return None
        return report(claim, self._site)

    def _newer(self, key: int, claim: Claim, aged: bool) -> bool:
        """Whether a position is another than the newest there was. Where its age is not told, it
        must be another place.
        """
        last = self._seen.get(key)
        if last is not None and claim.t > last.t - FORGOTTEN and (
                claim.t - last.t < SAME or (not aged and not claim.on_ground and (claim.latitude, claim.longitude)
                    == last[1:])):
            return False
        if len(self._seen) > MOST_AIRCRAFT:
            self._seen.clear()
        self._seen[key] = _Seen(claim.t, claim.latitude, claim.longitude)
        return True

    def _trace(self, document: dict[str, Any], arrived: float) -> Iterator[Batch]:
        """One aircraft's positions: rows of seconds after `timestamp`, latitude, longitude,
        altitude, speed, track, flags, rate, details …
        """
        begin, (key, address) = seconds(document.get("timestamp")), subject(str(document.get("icao", "")))
        begin = begin if math.isfinite(begin) else 0.0
        callsign = ""
        rows = [row for row in document["trace"] if isinstance(row, list) and len(row) >= 6
            and math.isfinite(finite(row[0]))]
        rows = [row for row in rows if abs(finite(row[0])) < SECONDS[0][0]]
        yield Batch(math.nan, received=len(document["trace"]), rejected=_some(NO_TIME,
            len(document["trace"]) - len(rows)), arrived=arrived)
        for row in sorted(rows, key=lambda row: finite(row[0])):
            details = row[8] if len(row) > 8 and isinstance(row[8], dict) else {}
            callsign = str(details.get("flight", callsign))
            made: Report | int = NO_SUBJECT if key < 0 else report(_row(row, details, begin, address, callsign),
                self._site)
            t = begin + finite(row[0])
            yield Batch(t, (made,), arrived=arrived) if isinstance(made, Report) else Batch(t, rejected=_some(made, 1),
                arrived=arrived)


class AircraftFile:
    """aircraft.json: one document in the whole file, or one on each line."""

    live, dated, relative, simulated = False, True, False, False

    def __init__(self, path: Path, site: Site) -> None:
        self.name = f"aircraft {path.name}"
        self._path, self._decoder = path, AircraftDecoder(site)
        must_be_text(path, "receivers' JSON", r'^\s*[\[{]')
        self._whole = _document(path)

    def __iter__(self) -> Iterator[Batch]:
        if self._whole is not None:
            yield from self._decoder.take(self._whole)
        else:
            for line in text_lines(self._path):
                yield from self._decoder.decode(line)
        yield self._decoder.flush()

    def poll(self) -> list[Batch]:
        """Nothing: a file is iterated, not polled."""
        return []

    def close(self) -> None:
        """The file is open only while it is read."""


class AircraftTcp(Live):
    """JSON objects from a receiver, one a line."""

    def __init__(self, host: str, port: int, site: Site) -> None:
        decoder = AircraftDecoder(site)
        super().__init__(
            f"aircraft tcp {host}:{port}", Lines(host, port), lambda line, arrived, wall, _: decoder.decode(line,
                arrived, wall), site.policy.frame_s)


def parsed(text: bytes) -> Any:
    """A JSON document; None where it is none.

    text  the JSON document
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def understood(document: Any) -> bool:
    """Whether a document is one of those that are read here."""
    if isinstance(document, list):
        return any(isinstance(entry, dict) and ("hex" in entry or "Icao" in entry) for entry in document)
    if not isinstance(document, dict):
        return False
    return isinstance(document.get("trace"), list) or any(isinstance(document.get(name), list)
        for name in LISTS) or "hex" in document or "Icao" in document


def listed(document: Any) -> list[Any]:
    """The aircraft of a snapshot that is understood.

    document  the document, decoded
    """
    if isinstance(document, list):
        return document
    found = next((document[name] for name in LISTS if isinstance(document.get(name), list)), None)
    return [document] if found is None else list(found)


def seconds(value: Any) -> float:
    """A time since 1970 that may be in seconds, milli-, micro- or nanoseconds, in seconds; nan
    where it is none.

    value  the time as the document has it
    """
    t = finite(value)
    return next((t * unit for limit, unit in SECONDS if 0.0 < t < limit), math.nan)


def _usual(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry with the names that readsb gives its values."""
    if "Icao" in entry and "hex" not in entry:
        entry = {VIRTUAL_RADAR.get(name, name): value for name, value in entry.items()}
        if entry.get("Gnd") is True:
            entry["alt_baro"] = "ground"
    return entry


def _claim(entry: dict[str, Any], address: int, now: float) -> Claim:
    """What one aircraft in a snapshot of time `now` [s] says; without a place where it gives none."""
    said = entry.get("alt_baro", entry.get("altitude"))
    ground = said == "ground"
    place = entry if "lat" in entry and entry.get("validposition", 1) not in (0, False) else {}
    seen = _value(entry, "seen_pos")
    rate = next((x for x in (_value(entry, name) for name in ("baro_rate", "geom_rate", "vert_rate"))
        if math.isfinite(x)), math.nan)
    speed = _value(entry, "gs")
    return Claim(
        now - (seen if 0.0 <= seen < 3600.0 else 0.0), address, ADSB, str(entry.get("flight", "")),
        math.radians(_value(place, "lat")), math.radians(_value(place, "lon")), altitude=math.nan if ground
        else _value(entry, "alt_geom") * FOOT,
        pressure_altitude=math.nan if ground else finite(said) * FOOT, speed=(speed if math.isfinite(speed)
            else _value(entry, "speed")) * KNOT,
        heading=math.radians(_value(entry, "track")), climb=rate * FEET_A_MINUTE, nic=_integrity(entry, "nic"),
        nacp=_integrity(entry, "nac_p"),
        on_ground=ground)


def _row(row: list[Any], details: dict[str, Any], begin: float, address: int, callsign: str) -> Claim:
    """What one row of a trace says. Where its flags call the altitude geometric, the pressure
    altitude is that of the details, if they give one.
    """
    ground = row[3] == "ground"
    flags = finite(row[6]) if len(row) > 6 else math.nan
    geometric = math.isfinite(flags) and bool(int(flags) & GEOMETRIC)
    altitude = finite(row[10]) if len(row) > 10 else math.nan
    if math.isnan(altitude):
        altitude = finite(row[3]) if geometric else _value(details, "alt_geom")
    pressure = _value(details, "alt_baro") if geometric else finite(row[3])
    return Claim(
        begin + finite(row[0]), address, ADSB, callsign, math.radians(finite(row[1])), math.radians(finite(row[2])),
        altitude=math.nan if ground else altitude * FOOT, pressure_altitude=math.nan if ground else pressure * FOOT,
        speed=finite(row[4]) * KNOT, heading=math.radians(finite(row[5])), climb=finite(row[7]) * FEET_A_MINUTE
        if len(row) > 7 else math.nan,
        nic=_integrity(details, "nic"), nacp=_integrity(details, "nac_p"), on_ground=ground)


def _some(cause: int, count: int) -> Counts:
    return {cause: count} if count else {}


def _value(entry: dict[str, Any], key: str) -> float:
    return finite(entry.get(key))


def _integrity(entry: dict[str, Any], key: str) -> int:
    value = _value(entry, key)
    return int(value) if 0.0 <= value <= 15.0 else -1


def _document(path: Path) -> Any:
    """The one document that a file is; None where its lines stand for themselves or it is too long
    to be one.

    Raises FeedError where it is JSON of some other kind.
    """
    whole = bytearray()
    for line in text_lines(path):
        whole += line
        if len(whole) > LONGEST:
            return None
    document = parsed(bytes(whole))
    if document is None or understood(document):
        return document
    keys = ", ".join(str(key) for key in document)[:120] if isinstance(document, dict) else type(document).__name__
    raise FeedError(f"{path} is JSON, but no list of aircraft that is known here ({keys or 'empty'}); give "
        "aircraft.json, a readsb trace, or BaseStation text")
