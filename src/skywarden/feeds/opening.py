"""The URL of a feed turned into the source it means, or into a sentence that helps."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from skywarden.errors import FeedError, UsageError
from skywarden.feeds.registry import ADDRESS, FILE, Scheme, find, lines, option_lines
from skywarden.feeds.source import Source
from skywarden.site.model import Site


def open_source(url: str, site: Site) -> Source:
    """The source a URL means; its radars and places are those of `site`.

    url  the feed's URL

    Raises UsageError for a URL of no known form, FeedError for a file or socket that cannot be
    opened, TableError for a faulty table.
    """
    name, colon, rest = url.partition(":")
    scheme = find(name) if colon else None
    if scheme is None or not rest:
        raise _unknown(url, "is no feed that Skywarden knows")
    made = cast(
        Callable[..., Source], getattr(importlib.import_module(f"skywarden.feeds.{scheme.module}"), scheme.maker)
    )
    if scheme.kind == FILE:
        path = Path(rest.removeprefix("//") if rest.startswith("//") else rest).expanduser()
        _readable(path, url)
        return made(path, site)
    if not rest.startswith("//"):
        raise _unknown(url, "is no feed that Skywarden knows")
    where, _, behind = rest[2:].partition("?")
    if scheme.kind == ADDRESS:
        return made(_web(name, rest, url), site)
    host, port = _address(where, url)
    return made(host, port, site, **_options(behind, scheme, url))


def _unknown(url: str, why: str) -> UsageError:
    return UsageError(f'feed "{url}" {why}; feeds are written\n{lines()}')


def _readable(path: Path, url: str) -> None:
    """Raises FeedError where a file cannot be read at all."""
    try:
        if path.is_dir():
            raise FeedError(f"{url}: {path} is a folder; name one file in it")
        if path.is_fifo():
            raise FeedError(
                f"{url}: {path} is a pipe, and opening it may wait for ever; save it as a file, "
                "or send it over the network"
            )
        with path.open("rb") as file:
            if not file.read(1) and path.is_file():
                raise FeedError(f"{url}: {path} is empty; record again, or name another file")
    except FileNotFoundError as error:
        raise FeedError(
            f"{url}: there is no file {path}; check the path (it is taken from the folder you are in)"
        ) from error
    except PermissionError as error:
        raise FeedError(
            f"{url}: {path} may not be read; change its permissions, or copy it to a place you may read"
        ) from error
    except (OSError, ValueError) as error:
        raise FeedError(f"{url}: {path} cannot be read: {error}; check the path and the disk") from error


def _options(text: str, scheme: Scheme, url: str) -> dict[str, Any]:
    """Names and values of what stands behind the `?` of a URL; `simulated` as yes or no."""
    found: dict[str, Any] = {}
    for part in text.split("&") if text else ():
        name, equals, value = part.partition("=")
        if name not in scheme.options or not equals or not value or name in found:
            raise UsageError(
                f'feed "{url}": "{part}" is no option of it; behind the ? may stand {option_lines(scheme)}, '
                "each once, with a value"
            )
        found[name] = unquote(value)
    if "simulated" in found:
        if found["simulated"] not in ("yes", "no"):
            raise UsageError(f'feed "{url}": simulated={found["simulated"]}: it is yes or no')
        found["simulated"] = found["simulated"] == "yes"
    return found


def _web(name: str, rest: str, url: str) -> str:
    """The web address of a URL, without the word before the +."""
    address = f"{name.partition('+')[2]}:{rest}"
    try:
        parts = urlsplit(address)
        good = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise _unknown(url, "names no host that can be asked")
    return address


def _address(text: str, url: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `[IPv6]:PORT` included."""
    host, colon, port = text.rstrip("/").rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise _unknown(url, "names no port between 1 and 65535")
    if not host:
        raise _unknown(url, "names no host (0.0.0.0 listens on every address)")
    return host, int(port)
