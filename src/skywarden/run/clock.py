"""What a run keeps time by: the wall scaled by a factor, or nothing at all. A clock measures its
own lateness; nobody prints it, it becomes data.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Protocol

LOOK_S = 0.25       # s of the wall between two looks at whether the pace was changed


class Clock(Protocol):
    """Waits until a moment of the run is due."""

    def wait_until(self, t: float) -> float:
        """Return when `t` [s from the epoch] is due; the answer is how late it already was [s], 0
        or more.
        """
        ...


class Paced(Protocol):
    """A clock whose pace people can change while it runs."""

    @property
    def speed(self) -> float | None:
        """Seconds of the run a second; 0 stands still, None as fast as it goes."""
        ...

    def pace(self, speed: float | None) -> None:
        """Go on at another speed, or stand still."""
        ...


class NoClock:
    """As fast as it goes; nothing is ever late."""

    def wait_until(self, t: float) -> float:
        """Return at once.

        t  time of the frame [s]
        """
        return 0.0


class ScaledClock:
    """Follows the wall at `speed` seconds of the run a second, from the first frame it is asked
    for; people may change that, or stop it, as it goes.

    speed   seconds of the run a second; 0 stands still; None as fast as it goes
    sleep   waits so many seconds, or less where something ends the run; then it answers True
    """

    def __init__(
        self, speed: float | None = 1.0, now: Callable[[], float] = time.monotonic, sleep: Callable[[float],
            object] = time.sleep,
    ) -> None:
        self._speed, self._now, self._sleep = speed, now, sleep
        self._from: tuple[float, float] | None = None       # a wall time and the time of the run then
        self._lock = threading.Lock()

    @property
    def speed(self) -> float | None:
        """As it is now."""
        return self._speed

    def pace(self, speed: float | None) -> None:
        """Go on at another speed from this moment; from any thread. Lateness of the pace before is
        forgiven.
        """
        with self._lock:
            self._speed, self._from = speed, None

    def wait_until(self, t: float) -> float:
        """Return when `t` is due, or the run is to end; the answer is how late it already was [s of
        the wall].
        """
        waited = False
        while True:
            with self._lock:
                if self._speed is None:
                    return 0.0
                now = self._now()
                if self._from is None:
                    self._from = now, t
                ahead = (t - self._from[1]) / self._speed - (now - self._from[0]) if self._speed else math.inf
            if ahead <= 0.0:
                return 0.0 if waited else -ahead
            waited = True
            if self._sleep(min(ahead, LOOK_S)) is True:
                return 0.0
