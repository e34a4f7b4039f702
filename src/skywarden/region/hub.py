"""The region itself: hears its bases at their brokers, tells one base what another foresees there,
and serves the page.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from skywarden.errors import UsageError
from skywarden.region.bases import Bases
from skywarden.region.saying import ROOT
from skywarden.standby.brokers import Broker, Brokers
from skywarden.standby.words import FORETELL, PICTURE, Sealer

STATIC = Path(__file__).with_name("static")
FILES = {
    "/": ("index.html", "text/html"),
    "/region.js": ("region.js", "text/javascript"),
    "/region.css": ("region.css", "text/css"),
}
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action "
    "'none'; frame-ancestors 'none'")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Region:
    """Hears and shows. It has no authority: a pre-alert is the most that a base makes of what it
    says.

    key   shared with the bases
    """

    def __init__(self, key: bytes, brokers: Sequence[Broker]) -> None:
        self.bases = Bases()
        self._sealer, self._lock = Sealer(key, "region", 0), threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.url = ""
        self._brokers = Brokers(brokers, (f"{ROOT}/+/+",), self._heard)

    @property
    def refused(self) -> int:
        """Words that were forged, stale or unreadable."""
        return self._sealer.refused

    @property
    def lost(self) -> list[str]:
        """Brokers that are not reached."""
        return self._brokers.lost

    def show(self, host: str, port: int) -> str:
        """Serve the page; its address. Raises UsageError for one that others could reach, or a port
        that is taken.

        host  address to listen on
        """
        if host not in LOOPBACK:
            raise UsageError(
                f"host {host}: the region's page has no log-in of its own: keep it on 127.0.0.1 and put a proxy with "
                "log-in "
                "and TLS in front of it"
            )
        region = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                region._answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        try:
            self._server = ThreadingHTTPServer((host, port), Answers)
        except OSError as error:
            raise UsageError(f"the region's page cannot listen on {host}:{port}: {error.strerror or error}") from None
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="skywarden-region", daemon=True).start()
        self.url = f"http://{host}:{self._server.server_address[1]}/"
        return self.url

    def close(self) -> None:
        """Stop."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self._brokers.close()

    def _heard(self, _: str, payload: bytes) -> None:
        with self._lock:
            word = self._sealer.open(payload)
        if word is None:
            return
        name = self.bases.hear(word)
        if name is None or word.kind != PICTURE:
            return
        for told in self.bases.foretold(name):
            content = {"zone": told.zone, "seconds": told.seconds, "base": told.by}
            with self._lock:
                line = self._sealer.seal(FORETELL, content)
            self._brokers.say(f"{ROOT}/{told.base}/foretell", line)

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path, status, kind, body = request.path.partition("?")[0], 404, "text/plain", b"nothing is here\n"
        named = request.headers.get("host", "").rsplit(":", 1)[0].strip("[]")
        if named not in LOOPBACK:
            status, body = 421, b"another name of this machine\n"
        elif path == "/api/bases":
            told = {"bases": self.bases.view(), "lost": self.lost, "turned_away": self.bases.turned_away}
            status, kind, body = 200, "application/json", json.dumps(told).encode()
        elif path in FILES:
            name, kind = FILES[path]
            status, body = 200, (STATIC / name).read_bytes()
        with contextlib.suppress(OSError):
            request.send_response(status)
            for header, value in (
                ("content-type", f"{kind}; charset=utf-8"),
                ("content-length", str(len(body))),
                ("cache-control", "no-store"),
                ("content-security-policy", POLICY),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
            ):
                request.send_header(header, value)
            request.end_headers()
            request.wfile.write(body)
