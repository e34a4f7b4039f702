"""Hands every page the newest message: one small queue a page that drops its oldest, so that a slow
page holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

WAITING = 3     # messages a page may be behind before its oldest is dropped


class Viewer:
    """One connected page: what it has not been sent yet. Used on the server's event loop only."""

    def __init__(self, user: str, role: str, token: str) -> None:
        self.user, self.role, self.token = user, role, token
        # False while it looks back: frames come from the tape, warnings of now still reach it
        self.live = True
        self.dropped = 0
        self.selected: int | None = None    # track picked on the page
        self._first: deque[bytes] = deque()
        self._waiting: deque[bytes] = deque()
        self._filled = asyncio.Event()

    def offer(self, message: bytes, keep: bool = False) -> None:
        """Queue `message`; the oldest waiting one gives way when there are too many. `keep`: this
        one never does, and goes first.
        """
        if keep:
            self._first.append(message)
            self._filled.set()
            return
        if len(self._waiting) >= WAITING:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(message)
        self._filled.set()

    async def next(self) -> bytes:
        """The oldest waiting message, as soon as there is one."""
        while not self._first and not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        return self._first.popleft() if self._first else self._waiting.popleft()

    def forget(self) -> None:
        """Drop whatever waits: it belongs to another time."""
        self._waiting.clear()


class Hub:
    """All connected pages."""

    def __init__(self) -> None:
        self.viewers: set[Viewer] = set()

    def publish(
        self, message: bytes, live_only: bool = False, to: Callable[[Viewer], bool] = lambda viewer: True
    ) -> None:
        """Queue the very same bytes for every page (`live_only`: those that do not look back; `to`:
        those it is for).

        message  the message, encoded
        """
        for viewer in self.viewers:
            if (viewer.live or not live_only) and to(viewer):
                viewer.offer(message)
