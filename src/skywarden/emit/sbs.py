"""The simulated traffic as BaseStation text, to whoever connects on this machine: the format has
no mark for simulated.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from skywarden.emit.asterix import reports
from skywarden.emit.forms import Target
from skywarden.emit.shown import Shown, Stage
from skywarden.errors import FeedError, UsageError
from skywarden.formats.asterix_out import ReportOut
from skywarden.units import FOOT, KNOT

LOOPBACK = ("127.0.0.1", "::1", "localhost")
MOST_CLIENTS = 16  # programs that may listen at once
MOST_WAITING = 1 << 18  # bytes that may wait for a client; one that reads slower is let go


class SbsOut:
    """Listens on the loopback and sends every client the same lines."""

    def __init__(self, target: Target, stage: Stage) -> None:
        if target.host not in LOOPBACK:
            raise UsageError(
                f"sbs+tcp://{target.host}:{target.port}: BaseStation text cannot say that an aircraft is simulated, so "
                "it is served on this machine alone: give 127.0.0.1, or send asterix+udp"
            )
        family = socket.AF_INET6 if target.host == "::1" else socket.AF_INET
        try:
            self._server = socket.create_server((target.host, target.port), family=family)
        except OSError as error:
            raise FeedError(
                f"{target.host}:{target.port} cannot be served on: {error.strerror or error}; "
                "another program uses the port perhaps"
            ) from error
        self._server.setblocking(False)
        self._stage = stage
        self._clients: dict[socket.socket, bytes] = {}
        self.fault = ""

    def send(self, shown: Shown) -> None:
        """Send one instant's lines to everybody there.

        shown  what of this instant is shown to other systems
        """
        self._welcome()
        data = "".join(f"{line}\r\n" for line in self.lines(shown)).encode("ascii")
        for client in list(self._clients):
            self._push(client, data)

    def close(self) -> None:
        """Hang up on everybody, and stop listening."""
        for client in self._clients:
            client.close()
        self._server.close()

    def lines(self, shown: Shown) -> Iterator[str]:
        """MSG 1, 3 and 4 of each report, without line ends.

        shown  what of this instant is shown to other systems
        """
        midnight = datetime.fromtimestamp(self._stage.seconds(shown.t) // 86_400.0 * 86_400.0, UTC)
        for report in reports(shown.frame.aircraft, self._stage):
            if report.address > 0:
                yield from _messages(report, midnight + timedelta(seconds=report.t))

    def _welcome(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except (BlockingIOError, OSError):
                return
            if len(self._clients) >= MOST_CLIENTS:
                client.close()
                continue
            client.setblocking(False)
            self._clients[client] = b""

    def _push(self, client: socket.socket, data: bytes) -> None:
        waiting = self._clients[client] + data
        try:
            waiting = waiting[client.send(waiting) :] if waiting else waiting
        except BlockingIOError:
            pass
        except OSError:
            waiting = b"\0" * (MOST_WAITING + 1)
        if len(waiting) > MOST_WAITING:
            client.close()
            del self._clients[client]
        else:
            self._clients[client] = waiting


def _messages(r: ReportOut, when: datetime) -> Iterator[str]:
    stamp = f"{when:%Y/%m/%d},{when:%H:%M:%S}.{when.microsecond // 1000:03d}"
    head = f"1,1,{r.address:06X},1,{stamp},{stamp}"
    ground = "-1" if r.on_ground else "0"
    if r.callsign.strip():
        yield f"MSG,1,{head},{r.callsign.strip()},,,,,,,,,,,"
    if math.isfinite(r.speed):
        climb = f"{r.climb / FOOT * 60.0:.0f}" if math.isfinite(r.climb) else ""
        yield f"MSG,4,{head},,,{r.speed / KNOT:.1f},{math.degrees(r.heading):.1f},,,{climb},,,,,{ground}"
    level = f"{r.pressure_altitude / FOOT:.0f}" if math.isfinite(r.pressure_altitude) else ""
    yield f"MSG,3,{head},,{level},,,{math.degrees(r.latitude):.6f},{math.degrees(r.longitude):.6f},,,0,0,0,{ground}"
