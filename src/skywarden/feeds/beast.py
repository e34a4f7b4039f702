"""Beast binary, what readsb and dump1090 give on port 30005: Mode S messages, decoded by rs1090
(MIT).
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from skywarden.errors import FeedError
from skywarden.feeds.live import Live
from skywarden.feeds.places import report
from skywarden.feeds.sockets import Piece, Stream
from skywarden.feeds.source import Batch, Report
from skywarden.formats.claim import Claim
from skywarden.formats.numbers import finite
from skywarden.messages.frame import ADSB, NO_SUBJECT
from skywarden.site.model import Site
from skywarden.units import FOOT, KNOT

ESCAPE = 0x1A
SIZES = {0x31: 2 + 7, 0x32: 7 + 7, 0x33: 14 + 7}  # bytes after the kind: six of clock, one of signal, and the message
SQUITTERS = (17, 18)  # downlink formats that aircraft broadcast themselves by
PAIR_S = 10.0  # seconds that an even and an odd position may be apart
FRESH = 12.0  # seconds for which velocity and height are worth repeating beside a newer position
FORGOTTEN = 60.0  # seconds without a message until what an aircraft said is forgotten
MOST_AIRCRAFT = 65_536  # remembered; junk invents them without end
LONGEST = 1 << 16  # bytes without the end of a message


class _Said(NamedTuple):
    """What an aircraft has said so far, each with its time [s]."""

    heard: float
    callsign: str = ""
    even: tuple[float, str] = (-math.inf, "")
    odd: tuple[float, str] = (-math.inf, "")
    speed: float = math.nan
    heading: float = math.nan
    climb: float = math.nan
    moved: float = -math.inf


class BeastStream(Stream):
    """Cuts the stream into messages, each with its kind, escapes taken out."""

    def _split(self, data: bytes) -> list[Piece]:
        import time

        self._rest += data
        found, at, arrived = [], 0, time.monotonic()
        rest = self._rest
        while True:
            begin = rest.find(ESCAPE, at)
            if begin < 0:
                self._undecodable += len(rest) - at
                at = len(rest)
                break
            self._undecodable += begin - at
            size = SIZES.get(rest[begin + 1]) if begin + 1 < len(rest) else None
            if begin + 1 >= len(rest):
                at = begin
                break
            if size is None:
                self._undecodable += 2
                at = begin + 2
                continue
            message, end = _unescaped(rest, begin + 2, size)
            if end < 0:  # another message begins within it, or it has not come whole yet
                at = begin
                break
            if message:
                found.append(Piece(arrived, (), bytes([rest[begin + 1]]) + message))
            else:
                self._undecodable += end - begin
            at = end
        self._rest = rest[at:]
        if len(self._rest) > LONGEST:
            self._undecodable += len(self._rest)
            self._rest = b""
        return found


def _unescaped(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    """So many bytes from an offset on, and where they end; nothing where another message begins
    first, -1 where they are not all there.
    """
    out = bytearray()
    while len(out) < size:
        if at >= len(data):
            return b"", -1
        if data[at] == ESCAPE:
            if at + 1 >= len(data):
                return b"", -1
            if data[at + 1] != ESCAPE:
                return b"", at
            at += 1
        out.append(data[at])
        at += 1
    return bytes(out), at


class BeastDecoder:
    """Messages in, batches out; a report goes out whenever an aircraft says where it is."""

    def __init__(self, site: Site) -> None:
        import rs1090

        self._decode: Any = rs1090.decode
        self._site = site
        self._said: dict[int, _Said] = {}

    def decode(self, data: bytes, arrived: float, wall: float) -> Iterator[Batch]:
        """One message's worth. Nothing in it can raise.

        data     the message's bytes
        arrived  when it arrived [s, monotonic clock]
        wall     when it arrived [s since 1970]
        """
        body = data[8:]
        if len(body) not in (7, 14):  # Mode A and C tell no address
            yield Batch(wall, received=1, rejected={NO_SUBJECT: 1}, arrived=arrived, kinds={"Mode A/C": 1})
            return
        kind = body[0] >> 3
        told = self._decode(body.hex()) if len(body) == 14 and kind in SQUITTERS else None
        made = self._report(told, body.hex(), wall) if told else None
        kinds = {f"DF{kind}": 1}
        if isinstance(made, Report):
            yield Batch(wall, (made,), received=1, arrived=arrived, kinds=kinds)
        else:
            yield Batch(wall, received=1, rejected={made: 1} if made is not None else {}, arrived=arrived, kinds=kinds)

    def _report(self, told: dict[str, Any], message: str, now: float) -> Report | int | None:
        """The report in a message that says where its aircraft is; why it is none; None where it
        says nothing of that.
        """
        address = int(str(told.get("icao24") or "0"), 16)
        if not 0 < address < 0xFFFFFF:
            return NO_SUBJECT
        said = self._said.get(address, _Said(now))
        said = (said if now - said.heard <= FORGOTTEN else _Said(now))._replace(heard=now)
        bds = told.get("bds")
        if bds == "08":
            said = said._replace(callsign=str(told.get("callsign") or ""))
        elif bds == "09":
            said = said._replace(
                speed=finite(told.get("groundspeed")) * KNOT,
                heading=math.radians(finite(told.get("track"))),
                climb=finite(told.get("vertical_rate")) * FOOT / 60.0,
                moved=now,
            )
        elif bds in ("05", "06") and told.get("parity") == "even":
            said = said._replace(even=(now, message))
        elif bds in ("05", "06") and told.get("parity") == "odd":
            said = said._replace(odd=(now, message))
        if len(self._said) > MOST_AIRCRAFT:
            self._said.clear()
        self._said[address] = said
        if bds != "05" or abs(said.even[0] - said.odd[0]) > PAIR_S:
            return None
        first, last = sorted((said.even, said.odd))
        pair = self._decode([first[1], last[1]], [first[0], last[0]])
        place = pair[-1] if isinstance(pair, list) and pair and isinstance(pair[-1], dict) else {}
        latitude, longitude = math.radians(finite(place.get("latitude"))), math.radians(finite(place.get("longitude")))
        if not math.isfinite(latitude):
            return None
        fresh = now - said.moved <= FRESH
        barometric = told.get("source") != "GNSS"
        height = finite(told.get("altitude")) * FOOT
        return report(
            Claim(
                now,
                address,
                ADSB,
                said.callsign,
                latitude,
                longitude,
                altitude=math.nan if barometric else height,
                pressure_altitude=height if barometric else math.nan,
                speed=said.speed if fresh else math.nan,
                heading=said.heading if fresh else math.nan,
                climb=said.climb if fresh else math.nan,
            ),
            self._site,
        )


class BeastTcp(Live):
    """Mode S from a receiver."""

    def __init__(self, host: str, port: int, site: Site) -> None:
        if importlib.util.find_spec("rs1090") is None:
            raise FeedError(
                "beast+tcp needs the package rs1090 (MIT), which is not installed here: pip install rs1090, or read "
                "the same receiver by sbs+tcp (port 30003) or aircraft+http"
            )
        decoder = BeastDecoder(site)
        super().__init__(
            f"beast tcp {host}:{port}",
            BeastStream(host, port),
            lambda data, arrived, wall, _: decoder.decode(data, arrived, wall),
            site.policy.frame_s,
        )
