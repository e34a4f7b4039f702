"""What stands before every page: security headers, and only requests that name this very server."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skywarden.console.address import Public, host_of, under_prefix
from skywarden.errors import UsageError

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
STRICT_TRANSPORT = "max-age=31536000"
HEADERS = {
    "x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=(), payment=()",
}


class Guard:
    """Security headers on every answer, and only requests that name this very server: a page
    elsewhere cannot reach it by another name.
    """

    def __init__(
        self, app: ASGIApp, names: frozenset[str] | None, known: Public | None, secure: bool, tiles: str | None
    ) -> None:
        self.app, self.names, self.public = app, names, known
        # pictures from one more place, where the user named a tile server: the only thing that can ever leave this one
        policy = POLICY if tiles is None else POLICY.replace("img-src 'self'", f"img-src 'self' {tile_origin(tiles)}")
        transport = {"strict-transport-security": STRICT_TRANSPORT} if secure else {}
        self.headers = {**HEADERS, **transport, "content-security-policy": policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421 to a host name that is not ours."""
        if self.names is not None and host_of(HTTPConnection(scope)) not in self.names:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await self._send_with_headers(send, scope)({"type": "http.response.start", "status": 421,
                    "headers": []})
                await send({"type": "http.response.body", "body": b"Not a name of this server."})
            return
        elsewhere = under_prefix(scope, self.public)
        app = self.app if elsewhere is None or scope["type"] != "http" else RedirectResponse(elsewhere, 308)
        await app(scope, receive, self._send_with_headers(send, scope))

    def _send_with_headers(self, send: Send, scope: Scope) -> Send:
        cache = b"no-cache" if scope.get("path", "").startswith("/assets/") else b"no-store"

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                extra = [(name.encode(), value.encode()) for name, value in self.headers.items()
                    if name.encode() not in given]
                message["headers"] = [*message["headers"], *extra, (b"cache-control", cache)]
            await send(message)

        return sending


class Shown(StaticFiles):
    """The files of the page; what begins with a dot is none of them."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """As its parent does.

        path  path asked for, below the folder that is served
        """
        return ("", None) if any(part.startswith(".") for part in path.split("/")) else super().lookup_path(path)


def tile_origin(tiles: str) -> str:
    """Where tiles come from: scheme, host and port of an address such as
    http://127.0.0.1:9000/{z}/{x}/{y}.png. Raises `UsageError`.
    """
    try:
        parts = urlsplit(tiles)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        parts, port = urlsplit(""), ""
    good = parts.scheme in ("http", "https") and re.fullmatch(r"[A-Za-z0-9.-]+|[0-9a-f:]+", parts.hostname
        or "") and parts.username is None
    if not good or not all(part in tiles for part in ("{z}", "{x}", "{y}")) or any(c in tiles for c in " ;,'\"\\\n\t"):
        raise UsageError(f"--tiles {tiles}: give an address with the tile's numbers in it, such as "
            f"http://127.0.0.1:9000/{{z}}/{{x}}/{{y}}.png")
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return f"{parts.scheme}://{host}{port}"
