"""Tells systemd that the service is ready, alive or stopping, by its own socket; says nothing where
there is none.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time

BEAT_S = 0.5  # seconds between two signs of life


class Notifier:
    """sd_notify(3), by hand. `beat` is called by the loop: a loop that hangs is restarted by
    whoever listens.
    """

    def __init__(self, supervisor: int | None = None) -> None:
        name = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._pipe = supervisor
        self._last = 0.0

    def say(self, *lines: str) -> None:
        """READY=1, STATUS=…, STOPPING=1, WATCHDOG=1."""
        if self._address:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.setblocking(False)
                out.sendto("\n".join(lines).encode(), self._address)

    def beat(self) -> None:
        """The loop is alive. Microseconds."""
        now = time.monotonic()
        if now - self._last < BEAT_S:
            return
        self._last = now
        self.say("WATCHDOG=1")
        if self._pipe is not None:
            with contextlib.suppress(OSError):
                os.write(self._pipe, b".")
