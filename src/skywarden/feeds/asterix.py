"""ASTERIX, the language of surveillance radars, from files and sockets: plots, system tracks, ADS-B reports and the radars' signs of life."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from skywarden.errors import FeedError
from skywarden.feeds.places import report
from skywarden.feeds.sockets import Datagrams
from skywarden.feeds.source import Batch, Item, Look, Plot
from skywarden.feeds.timeline import Timeline
from skywarden.formats.asterix import ClaimRecord, LookRecord, PlotRecord, Read, Refused, read
from skywarden.formats.capture import Payload, blocks, payloads
from skywarden.messages.frame import NO_ADDRESS
from skywarden.site.model import Site

SAME_RADAR = 30.0           # s for which an address stays with the radar that sees it, where several share one place in the site
MANDATORY = {15: ("010", "000"), 21: ("010", "040", "080"), 34: ("010", "000"), 48: ("010",), 62: ("010", "070", "040")}


class Decoder:
    """Payloads in, batches out. Remembers the editions that fit, the clock, and which radar is which."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._timeline: Timeline[Read] = Timeline()
        self._last: dict[tuple[int, int], float] = {}           # time of the last message of each sender
        self._edition: dict[int, int] = {}                      # of each category, the one that fitted last
        self._owner: dict[tuple[int, int], tuple[tuple[int, int], float]] = {}     # (sensor, address): who reported it, when

    def decode(self, payload: Payload, arrived: float = math.nan) -> Batch:
        """One payload's worth. Nothing in it can raise."""
        received, undecodable, released = 0, payload.junk, []
        for category, data in blocks(payload.data):
            found = self._records(category, data)
            if found is None:
                undecodable += len(data) + (3 if category >= 0 else 0)
                continue
            received += len(found)
            for record in found:
                what = read(category, record)
                if what is not None:
                    t = self._time(what, payload.stamp)
                    released += self._timeline.admit(t, what._replace(t=t))
        return self._batch(released, received, undecodable, arrived)

    def flush(self) -> Batch:
        """What was still held back when the input ended."""
        return self._batch(self._timeline.flush(), 0, 0, math.nan)

    def _records(self, category: int, data: bytes) -> list[Any] | None:
        """The records of a data block by the first edition that reads all of it strictly; None where none does."""
        specs = _editions().get(category)
        if not specs or not data:
            return None
        first = self._edition.get(category, 0)
        fallback = None
        for k in (first, *(k for k in range(len(specs)) if k != first)):
            found = _strict(specs[k], data)
            if found is None:
                continue
            if all(item in record.items_regular for record in found for item in MANDATORY.get(category, ())):
                self._edition[category] = k
                return found
            fallback = fallback or found
        return fallback if category not in MANDATORY else None

    def _time(self, what: Read, stamp: float) -> float:
        """When a message was true, by its time of day, else by its sender's last, else by the clock."""
        if math.isfinite(what.t):
            t = self._timeline.unroll(what.t, stamp)
        else:
            t = self._last.get(what.identity, self._timeline.now)
            t = t if math.isfinite(t) else stamp
        self._last[what.identity] = t
        if len(self._last) > 4096:          # junk invents senders without end
            self._last.clear()
        return t

    def _batch(self, released: list[Read], received: int, undecodable: int, arrived: float) -> Batch:
        items: list[Item] = []
        rejected = self._timeline.rejected
        self._timeline.rejected = 0
        for what in released:
            item = self._item(what)
            if item is None:
                rejected += 1
            else:
                items += item
        return Batch(self._timeline.now, tuple(items), received, undecodable, rejected, arrived)

    def _item(self, what: Read) -> list[Item] | None:
        """The message in terms of the site; None where it is refused."""
        if isinstance(what, Refused):
            return None
        if isinstance(what, ClaimRecord):
            made = report(what.claim._replace(t=what.t), self._site)
            return None if made is None else [made]
        if isinstance(what, LookRecord):
            sensor = self._sensor(what.identity, cooperative=True)
            return [] if sensor < 0 else [Look(what.t, sensor, what.azimuth)]
        cooperative = math.isnan(what.elevation)
        sensor = self._sensor(what.identity, cooperative)
        address = what.address if 0 < what.address < 0xFFFFFF else NO_ADDRESS
        if sensor < 0 or not self._owns(sensor, address, what):
            return None
        turning = self._site.radars[sensor].kind == "rotating"
        return [
            Plot(what.t, sensor, what.range, what.azimuth, what.elevation, what.range_rate, what.snr, what.pressure_altitude, address),
            Look(what.t, sensor, what.azimuth if turning else math.nan)]

    def _sensor(self, identity: tuple[int, int], cooperative: bool) -> int:
        """The site's radar that a sender is: the one of its identity, else the first that answers to any and is of its kind; -1 none."""
        radars = self._site.radars
        for k, radar in enumerate(radars):
            if radar.sac_sic == identity:
                return k
        free = [k for k, radar in enumerate(radars) if radar.sac_sic == (-1, -1)]
        alike = [k for k in free if radars[k].mode_s == cooperative]
        return (alike or free or [-1])[0]

    def _owns(self, sensor: int, address: int, plot: PlotRecord) -> bool:
        """Whether this sender may place this address: two radars put at one place would tear an aircraft in two."""
        if address == NO_ADDRESS:
            return True
        owner, since = self._owner.get((sensor, address), (plot.identity, plot.t))
        if owner != plot.identity and plot.t - since <= SAME_RADAR:
            return False
        if len(self._owner) > 65_536:
            self._owner.clear()
        self._owner[sensor, address] = (plot.identity, plot.t)
        return True


class AsterixFile:
    """A recording, read to its end. pcap carries a date; raw and framed files only times of day."""

    live, relative = False, False

    def __init__(self, path: Path, site: Site) -> None:
        self.name = f"asterix {path.name}"
        self.dated = False
        self._path, self._decoder = path, Decoder(site)

    def __iter__(self) -> Iterator[Batch]:
        try:
            for payload in payloads(self._path):
                self.dated = self.dated or math.isfinite(payload.stamp)
                yield self._decoder.decode(payload)
        except OSError as error:
            raise FeedError(f"{self._path} cannot be read on: {error}; check the disk, or copy the file") from error
        yield self._decoder.flush()

    def poll(self) -> list[Batch]:
        return []

    def close(self) -> None:
        """The file is open only while it is read."""


class AsterixUdp:
    """Datagrams from a radar's network, unicast or multicast."""

    live, dated, relative = True, False, False

    def __init__(self, host: str, port: int, site: Site) -> None:
        self.name = f"asterix udp {host}:{port}"
        self._decoder = Decoder(site)
        _editions()         # before the first datagram: it takes a second
        self._inbox = Datagrams(host, port)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            yield from self.poll()
            time.sleep(0.02)

    def poll(self) -> list[Batch]:
        found = [self._decoder.decode(Payload(data), arrived) for arrived, data in self._inbox.take()]
        lost = self._inbox.lost()
        return [*found, Batch(math.nan, undecodable=lost)] if lost else found

    def close(self) -> None:
        self._inbox.close()


@lru_cache(maxsize=1)
def _editions() -> dict[int, list[Any]]:
    """Every category that libasterix knows: its editions, newest first. Categories whose records come in kinds are left out."""
    import asterix.generated as generated  # takes 1.4 s: only when it is needed

    found: dict[int, list[tuple[int, int, Any]]] = {}
    for name in dir(generated):
        match = re.fullmatch(r"Cat_(\d{3})_(\d+)_(\d+)", name)
        if match is not None:
            category, major, minor = (int(x) for x in match.groups())
            found.setdefault(category, []).append((major, minor, getattr(generated, name)))
    return {category: [spec for _, _, spec in sorted(several, key=lambda e: e[:2], reverse=True)] for category, several in found.items()}


def _strict(spec: Any, data: bytes) -> list[Any] | None:
    """The records of a block by one edition; None where it does not fit to the last bit."""
    from asterix.base import Bits

    try:
        found = spec.cv_uap.parse(Bits.from_bytes(data))
    except Exception:       # whatever a decoder makes of junk from a network must not end the defence
        return None
    return None if isinstance(found, ValueError) else list(found)
