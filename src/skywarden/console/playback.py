"""One page's own time: live, or a cursor on the tape that stands still or moves at a speed of its
own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from skywarden.console import requests, views
from skywarden.console.hub import Viewer

DOINGS = ("live", "seek", "pause", "play")    # what a page can wish for
TICK_S = 0.1            # between looks at the tape while it plays


class Reel(Protocol):
    """Something messages can be read from at any time of it."""

    def span(self) -> tuple[float, float] | None:
        """First and last time that can be read [s]; None while there is nothing."""
        ...

    def at(self, t: float) -> tuple[float, bytes] | None:
        """The newest message at or before a time, with its time; None where there is none.

        t  time looked at [s]
        """
        ...


class Veiled:
    """A reel of which nothing can be seen while `veiled()`."""

    def __init__(self, reel: Reel, veiled: Callable[[], bool]) -> None:
        self._reel, self._veiled = reel, veiled

    def span(self) -> tuple[float, float] | None:
        """As the reel's own."""
        return None if self._veiled() else self._reel.span()

    def at(self, t: float) -> tuple[float, bytes] | None:
        """As the reel's own.

        t  time looked at [s]
        """
        return None if self._veiled() else self._reel.at(t)


class Player:
    """Moves one viewer through a reel. `endless`: its end is now. Else it is a record, of which
    `growing` says whether more will come.
    """

    def __init__(
        self, viewer: Viewer, reel: Reel, endless: bool = True, growing: Callable[[], bool] | None = None
    ) -> None:
        self._viewer, self._reel, self._endless, self._growing = viewer, reel, endless, growing
        self._cursor = 0.0
        self._speed = 1.0
        self._moving = False
        self._shown: float | None = None
        self._changed = asyncio.Event()
        if not endless:                 # a record plays from its beginning as soon as somebody looks
            viewer.live, self._moving, self._cursor = False, True, -float("inf")
            self._changed.set()

    @property
    def cursor(self) -> float:
        """The moment it stands at, where it is not live [s]."""
        return self._cursor

    def asked(self, wish: Mapping[str, Any]) -> None:
        """Carry out a page's wish: {"do": "live"}, {"do": "pause"}, {"do": "play", "speed": 2},
        {"do": "seek", "t": 81.5}. Raises `RefusedError`.
        """
        span = self._reel.span()
        if span is None:
            return
        do = wish.get("do")
        if do == "live" and self._endless:
            self._go_live()
        elif do == "seek":
            self._leave_live(requests.seconds(wish, "t", -1e12, 1e12))
        elif do == "pause":
            self._leave_live(span[1] if self._viewer.live else self._cursor)
            self._moving = False
        elif do == "play":
            self._speed = requests.seconds(wish, "speed", requests.SLOWEST, requests.FASTEST)
            again = not self._endless and self._cursor >= span[1]
            self._leave_live(span[0] if again else span[1] if self._viewer.live else self._cursor)
            self._moving = True
        self._changed.set()

    async def play(self) -> None:
        """Send what the cursor passes, until cancelled."""
        before = time.monotonic()
        while True:
            if self._viewer.live or not self._moving:
                await self._changed.wait()
                before = time.monotonic()
            self._changed.clear()
            now = time.monotonic()
            if not self._viewer.live:
                self._step((now - before) * self._speed if self._moving else 0.0)
            before = now
            if self._moving and not self._viewer.live:
                await asyncio.sleep(TICK_S)

    def _step(self, seconds: float) -> None:
        span = self._reel.span()
        if span is None:
            return
        self._cursor = min(max(self._cursor + seconds, span[0]), span[1])
        if self._moving and self._cursor >= span[1]:
            if self._endless:
                self._go_live()
                return
            self._moving = self._waiting_for_more()
        found = self._reel.at(self._cursor)
        if found is not None and found[0] != self._shown:
            self._shown = found[0]
            self._viewer.offer(found[1])
        self._say()

    def _waiting_for_more(self) -> bool:
        """At the end of a record that is still being read there may be more in a moment."""
        return self._growing is not None and self._growing()

    def _leave_live(self, t: float) -> None:
        self._viewer.live = False
        self._viewer.forget()
        self._cursor, self._shown = t, None

    def _go_live(self) -> None:
        self._viewer.live, self._moving, self._shown = True, False, None
        span = self._reel.span()
        found = self._reel.at(span[1]) if span else None
        self._viewer.forget()
        if found is not None:
            self._viewer.offer(found[1])
        self._say()

    def _say(self) -> None:
        self._viewer.offer(views.encode({
            "type": "time", "live": self._viewer.live, "moving": self._moving, "speed": self._speed,
            "t": round(self._cursor, 3),
        }))
