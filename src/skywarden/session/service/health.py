"""/healthz, /readyz and /metrics, on a port and in threads of their own."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from skywarden.errors import UsageError
from skywarden.messages.moment import Moment
from skywarden.session.service.metrics import Gauges

ALIVE_S = 3.0  # seconds without a turn of the loop after which it is not healthy
SILENT_S = 10.0  # seconds without a word of any radar after which nothing can be warned of


class Health:
    """What others are told of this service. A sink (of the newest moment) and an HTTP server.

    gauges  Gauges that /metrics shows
    alive   () -> s since the loop last went round; None while it has not begun
    """

    def __init__(self, gauges: Gauges, alive: Callable[[], float | None]) -> None:
        self.gauges, self._alive = gauges, alive
        self._moment: Moment | None = None
        self._taken = -1.0
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    def take(self, moment: Moment) -> None:
        """Keep the newest.

        moment  frame, picture, and what else a sink of this kind may see
        """
        self._moment, self._taken = moment, time.monotonic()
        self.gauges.see(moment)

    def listen(self, host: str, port: int) -> None:
        """Serve. Raises UsageError where the port is taken.

        host  address to listen on
        """
        health = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                health._answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        try:
            self._server = ThreadingHTTPServer((host, port), Answers)
        except OSError as error:
            raise UsageError(
                f"health cannot listen on {host}:{port}: {error.strerror or error}. Give another port."
            ) from None
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, name="skywarden-health", daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def unhealthy(self) -> str:
        """Why this service should be started anew; empty where it should not."""
        silent = self._alive()
        return "" if silent is None or silent < ALIVE_S else f"the loop has not gone round for {silent:.0f} s"

    def unready(self) -> str:
        """Why nobody could be warned by it now; empty where somebody could."""
        moment = self._moment
        if self._alive() is None:
            return "kernels are being compiled or loaded"
        if moment is None or time.monotonic() - self._taken > ALIVE_S:
            return self.unhealthy() or "there is no picture yet"
        radars = moment.frame.radars
        if radars.heard.size and not (moment.frame.t - radars.heard < SILENT_S).any():
            return "every radar is silent"
        return self.unhealthy()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        status, kind, body = 404, "text/plain; charset=utf-8", b"healthz, readyz or metrics\n"
        if path == "/healthz":
            why = self.unhealthy()
            status, body = (503, why.encode() + b"\n") if why else (200, b"healthy\n")
        elif path == "/readyz":
            why = self.unready()
            status, body = (503, why.encode() + b"\n") if why else (200, b"ready\n")
        elif path == "/metrics":
            self.gauges.refresh(not self.unready())
            status, kind, body = 200, CONTENT_TYPE_LATEST, generate_latest(self.gauges.registry)
        with contextlib.suppress(OSError):
            request.send_response(status)
            for name, value in (
                ("content-type", kind),
                ("content-length", str(len(body))),
                ("cache-control", "no-store"),
            ):
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(body)
