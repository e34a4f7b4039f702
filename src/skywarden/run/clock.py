"""What a run keeps time by: the wall scaled by a factor, or nothing at all. A clock measures its own lateness; nobody prints it, it becomes data."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Waits until a moment of the run is due."""

    def wait_until(self, t: float) -> float:
        """Return when `t` [s from the epoch] is due; the answer is how late it already was [s], 0 or more."""
        ...


class NoClock:
    """As fast as it goes; nothing is ever late."""

    def wait_until(self, t: float) -> float:
        return 0.0


class ScaledClock:
    """Follows the wall at `speed` seconds of the run a second, from the first frame it is asked for."""

    def __init__(self, speed: float = 1.0, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] = time.sleep) -> None:
        self._speed, self._now, self._sleep = speed, now, sleep
        self._start: float | None = None

    def wait_until(self, t: float) -> float:
        if self._start is None:
            self._start = self._now() - t / self._speed
        ahead = self._start + t / self._speed - self._now()
        if ahead > 0.0:
            self._sleep(ahead)
            return 0.0
        return -ahead
