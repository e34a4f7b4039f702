"""The URL of a feed turned into the source it means, or into a sentence that helps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from skywarden.errors import FeedError, UsageError
from skywarden.feeds.aircraft import AircraftFile, AircraftTcp
from skywarden.feeds.asterix import AsterixFile, AsterixUdp
from skywarden.feeds.sbs import SbsFile, SbsTcp
from skywarden.feeds.source import Source
from skywarden.feeds.table_source import TableFile
from skywarden.site.model import Site

FORMS = (
    ("asterix+file:PATH", "ASTERIX from a pcap, raw or framed file"),
    ("asterix+udp://HOST:PORT", "ASTERIX datagrams; a multicast address is joined (?interface=eth0&source=10.1.2.3)"),
    ("sbs+file:PATH", "BaseStation text"),
    ("sbs+tcp://HOST:PORT", "BaseStation text from a receiver (dump1090's port 30003)"),
    ("aircraft+file:PATH", "aircraft.json of dump1090 or readsb, one snapshot or one a line, or a readsb trace"),
    ("aircraft+tcp://HOST:PORT", "the same, one JSON object a line"),
    ("table+file:PATH", "detections as CSV or Parquet"),
)

OPTIONS = {"asterix+udp": ("interface", "source")}      # that may stand behind a ? in a URL of this scheme


def open_source(url: str, site: Site) -> Source:
    """The source a URL means; its radars and places are those of `site`.

    Raises UsageError for a URL of no known form, FeedError for a file or socket that cannot be
    opened, TableError for a faulty table.
    """
    files: dict[str, Callable[[Path, Site], Source]] = {
        "asterix+file": AsterixFile, "sbs+file": SbsFile, "aircraft+file": AircraftFile, "table+file": TableFile}
    sockets: dict[str, Callable[..., Source]] = {"asterix+udp": AsterixUdp, "sbs+tcp": SbsTcp,
        "aircraft+tcp": AircraftTcp}
    scheme, colon, rest = url.partition(":")
    if colon and scheme in files and rest:
        path = Path(rest.removeprefix("//") if rest.startswith("//") else rest).expanduser()
        _readable(path, url)
        return files[scheme](path, site)
    if colon and scheme in sockets and rest.startswith("//"):
        where, _, options = rest[2:].partition("?")
        host, port = _address(where, url)
        return sockets[scheme](host, port, site, **_options(options, OPTIONS.get(scheme, ()), url))
    raise _unknown(url, "is no feed that Skywarden knows")


def _unknown(url: str, why: str) -> UsageError:
    width = max(len(form) for form, _ in FORMS)
    return UsageError(f'feed "{url}" {why}; feeds are written\n' + "\n".join(f"    {form:{width}}  {what}" for form,
        what in FORMS))


def _readable(path: Path, url: str) -> None:
    """Raises FeedError where a file cannot be read at all."""
    try:
        if path.is_dir():
            raise FeedError(f"{url}: {path} is a folder; name one file in it")
        if path.is_fifo():
            raise FeedError(f"{url}: {path} is a pipe, and opening it may wait for ever; save it as a file, or send it "
                "over the network")
        with path.open("rb") as file:
            if not file.read(1) and path.is_file():
                raise FeedError(f"{url}: {path} is empty; record again, or name another file")
    except FileNotFoundError as error:
        raise FeedError(f"{url}: there is no file {path}; check the path (it is taken from the folder you are "
            "in)") from error
    except PermissionError as error:
        raise FeedError(f"{url}: {path} may not be read; change its permissions, or copy it to a place you may "
            "read") from error
    except (OSError, ValueError) as error:
        raise FeedError(f"{url}: {path} cannot be read: {error}; check the path and the disk") from error


def _options(text: str, known: tuple[str, ...], url: str) -> dict[str, str]:
    """Names and values of what stands behind the `?` of a URL."""
    found: dict[str, str] = {}
    for part in text.split("&") if text else ():
        name, equals, value = part.partition("=")
        if name not in known or not equals or not value or name in found:
            which = " and ".join(f"{each}=" for each in known) or "nothing"
            raise UsageError(f'feed "{url}": "{part}" is no option of it; behind the ? may stand {which}, each once, '
                'with a value')
        found[name] = unquote(value)
    return found


def _address(text: str, url: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `[IPv6]:PORT` included."""
    host, colon, port = text.rstrip("/").rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise _unknown(url, "names no port between 1 and 65535")
    if not host:
        raise _unknown(url, "names no host (0.0.0.0 listens on every address)")
    return host, int(port)
