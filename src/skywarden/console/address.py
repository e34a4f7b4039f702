"""Where the console is found: by which names, and behind a reverse proxy under which public
address, perhaps with a path.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from starlette.requests import HTTPConnection
from starlette.types import Scope

from skywarden.errors import UsageError

USUAL_PORTS = {"http": 80, "https": 443}    # left out of a browser's Origin and Host headers
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


class Public(NamedTuple):
    """The address that people type, where a reverse proxy stands in front."""

    origin: str     # as a browser says it: scheme, name and, where it is not the usual one, port; in small letters
    host: str       # name alone, an IPv6 address in brackets
    prefix: str     # path before every path of the page, as in "/kabul"; empty for none
    secure: bool    # reached by HTTPS


def public(url: str) -> Public:
    """The public address `url`, such as https://skywarden.example.org/kabul/. Raises `UsageError`
    for anything else.
    """
    try:
        parts = urlsplit(url)
        port, name = parts.port, parts.hostname or ""
    except ValueError:
        parts, port, name = SplitResult("", "", "", "", ""), None, ""
    host = f"[{name}]" if ":" in name else name
    prefix = parts.path.rstrip("/")
    plain = not (parts.query or parts.fragment or parts.username
        or parts.password) and "?" not in url and "#" not in url
    named = bool(HOST.fullmatch(name) or re.fullmatch(r"[0-9a-f:.]+", name))
    if parts.scheme not in USUAL_PORTS or not named or not plain or not PATH.fullmatch(prefix) or {".",
            ".."} & set(prefix.split("/")):
        raise UsageError(f"--public-url {url}: give the address that people type, such as "
            "https://skywarden.example.org/ or https://example.org/kabul/")
    return Public(_origin(parts.scheme, host, port), host, prefix, parts.scheme == "https")


def names_of(host: str, local: bool, known: Public | None) -> frozenset[str] | None:
    """Names that requests may call the server by, in small letters; None: any, since a log-in's
    cookie belongs to the one name it was made under.

    local  whether only this machine can reach `host`, where it listens
    known  public address of the server, None where it has none
    """
    return frozenset({*LOOPBACK, host.lower(), *([known.host] if known else [])}) if local else None


def host_of(request: HTTPConnection) -> str:
    """The name a request calls the server by, in small letters and without a port."""
    host = request.headers.get("host", "").lower()
    return host if host.endswith("]") else host.rpartition(":")[0] if ":" in host else host


def ours(request: HTTPConnection, known: Public | None) -> bool:
    """Whether a browser sent this from a page of this very server: under the name it was called by,
    or under the public address.

    request  the request
    known    public address of the server, None where it has none
    """
    try:
        origin = urlsplit(request.headers.get("origin", "").lower())
        said = _origin(origin.scheme, f"[{origin.hostname}]" if ":" in (origin.hostname or "") else origin.hostname
            or "", origin.port)
    except ValueError:
        return False
    if not origin.netloc:
        return False
    if known is not None and known.secure and host_of(request) == known.host:
        return said == known.origin         # the same name without TLS is somebody between the browser and the proxy
    return origin.netloc == request.headers.get("host", "").lower() or (known is not None and said == known.origin)


def under_prefix(scope: Scope, known: Public | None) -> str | None:
    """Take the public address's path off a request that still has it; a proxy may have done so
    before.

    scope  the connection, as ASGI describes it
    known  public address of the server, None where it has none

    Returns where the request should go instead, which is the page itself asked for without its last
    slash; None where it may go on.
    """
    if known is None or not known.prefix:
        return None
    path = scope["path"]
    if path == known.prefix:
        return f"{known.prefix}/"
    if path.startswith(f"{known.prefix}/"):
        scope["path"] = path[len(known.prefix):]
        scope["raw_path"] = scope["path"].encode()
    return None


def _origin(scheme: str, host: str, port: int | None) -> str:
    return f"{scheme}://{host}" + ("" if port is None or port == USUAL_PORTS.get(scheme) else f":{port}")
