"""What every live or recorded input looks like to the rest: a source that gives batches of plots, reports and looks, and its URL."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from skywarden.errors import FeedError, UsageError
from skywarden.messages.frame import NO_ADDRESS
from skywarden.site.model import Site

FORMS = (
    ("asterix+file:PATH", "ASTERIX from a pcap, raw or framed file"),
    ("asterix+udp://HOST:PORT", "ASTERIX datagrams; a multicast address is joined"),
    ("sbs+file:PATH", "BaseStation text"),
    ("sbs+tcp://HOST:PORT", "BaseStation text from a receiver (dump1090's port 30003)"),
    ("aircraft+file:PATH", "aircraft.json of dump1090 or readsb, one snapshot or one a line, or a readsb trace"),
    ("aircraft+tcp://HOST:PORT", "the same, one JSON object a line"),
    ("table+file:PATH", "detections as CSV or Parquet"),
)


class Plot(NamedTuple):
    """One radar detection; the fields of `Detections`. `t` [s] is in the source's own clock."""

    t: float
    sensor: int
    range: float
    azimuth: float
    elevation: float = math.nan
    range_rate: float = math.nan
    snr: float = math.nan
    pressure_altitude: float = math.nan
    address: int = NO_ADDRESS


class Report(NamedTuple):
    """One aircraft's report; the fields of `Aircraft`. `t` [s] is in the source's own clock."""

    t: float
    address: int
    callsign: bytes
    position: tuple[float, float, float]
    velocity: tuple[float, float, float]
    pressure_altitude: float
    nic: int
    nacp: int
    source: int
    on_ground: bool


class Look(NamedTuple):
    """A sign of life of a radar: it was heard at `t` [s].

    azimuth [rad] of its beam, nan unknown; width [rad] of what it has looked at from there on clockwise, nan unknown.
    """

    t: float
    sensor: int
    azimuth: float = math.nan
    width: float = math.nan


Item = Plot | Report | Look


class Batch(NamedTuple):
    """What one piece of input held. Counts are of this piece alone.

    t            clock of the source after it [s]; nan while it has none
    items        in no particular order, each with its own time
    received     messages decoded
    undecodable  bytes that could not be decoded
    rejected     messages decoded but not believed
    arrived      when it came in, by the monotonic clock [s]; nan from a file
    """

    t: float
    items: tuple[Item, ...] = ()
    received: int = 0
    undecodable: int = 0
    rejected: int = 0
    arrived: float = math.nan


class Source(Protocol):
    """One input. A file is iterated to its end as fast as asked; a live one is polled."""

    name: str       # shown beside its counts
    live: bool      # polled, and timed by arrival
    dated: bool     # `t` counts from 1970-01-01 UTC; else from some midnight
    relative: bool  # `t` is already the run's own time

    def __iter__(self) -> Iterator[Batch]: ...

    def poll(self) -> list[Batch]:
        """Everything that has arrived since the last call, perhaps nothing."""
        ...

    def close(self) -> None: ...


def open_source(url: str, site: Site) -> Source:
    """The source a URL means; its radars and places are those of `site`.

    Raises UsageError for a URL of no known form, FeedError for a file or socket that cannot be opened, TableError for a faulty table.
    """
    from skywarden.feeds import adsb, asterix, recorded

    files: dict[str, Callable[[Path, Site], Source]] = {
        "asterix+file": asterix.AsterixFile, "sbs+file": adsb.SbsFile, "aircraft+file": adsb.AircraftFile, "table+file": recorded.TableFile}
    sockets: dict[str, Callable[[str, int, Site], Source]] = {
        "asterix+udp": asterix.AsterixUdp, "sbs+tcp": adsb.SbsTcp, "aircraft+tcp": adsb.AircraftTcp}
    scheme, colon, rest = url.partition(":")
    if colon and scheme in files and rest:
        path = Path(rest.removeprefix("//") if rest.startswith("//") else rest).expanduser()
        _readable(path, url)
        return files[scheme](path, site)
    if colon and scheme in sockets and rest.startswith("//"):
        host, port = _address(rest[2:], url)
        return sockets[scheme](host, port, site)
    raise _unknown(url, "is no feed that Skywarden knows")


def _unknown(url: str, why: str) -> UsageError:
    width = max(len(form) for form, _ in FORMS)
    return UsageError(f'feed "{url}" {why}; feeds are written\n' + "\n".join(f"    {form:{width}}  {what}" for form, what in FORMS))


def _readable(path: Path, url: str) -> None:
    """Raises FeedError where a file cannot be read at all."""
    try:
        if path.is_dir():
            raise FeedError(f"{url}: {path} is a folder; name one file in it")
        with path.open("rb") as file:
            if not file.read(1) and path.is_file():
                raise FeedError(f"{url}: {path} is empty; record again, or name another file")
    except FileNotFoundError as error:
        raise FeedError(f"{url}: there is no file {path}; check the path (it is taken from the folder you are in)") from error
    except PermissionError as error:
        raise FeedError(f"{url}: {path} may not be read; change its permissions, or copy it to a place you may read") from error
    except (OSError, ValueError) as error:
        raise FeedError(f"{url}: {path} cannot be read: {error}; check the path and the disk") from error


def _address(text: str, url: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `[IPv6]:PORT` included."""
    host, colon, port = text.rstrip("/").rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise _unknown(url, "names no port between 1 and 65535")
    if not host:
        raise _unknown(url, "names no host (0.0.0.0 listens on every address)")
    return host, int(port)
