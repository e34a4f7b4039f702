"""Whether this process has slept: stopped, swapped out or starved, while the other watcher went on
and was believed.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

TICK_S = 0.05  # seconds between two looks
ASLEEP_S = 0.4  # seconds without a look that count as sleep
REMEMBERED_S = 60.0  # seconds after waking for which what was made before the sleep counts as stale


class Waking:
    """Ticks in a thread of its own; the answers are right on any thread, also before the first tick
    after waking.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._tick = now()
        self._slept_from = self.woke = -math.inf  # when the last sleep began and ended [s, monotonic]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="skywarden-waking", daemon=True)
        self._thread.start()

    def stale(self, made: float) -> bool:
        """Whether something made at `made` [s, monotonic] is from before a sleep."""
        now, tick = self._now(), self._tick
        slept_from = (
            tick if now - tick > ASLEEP_S else self._slept_from if now - self.woke < REMEMBERED_S else -math.inf
        )
        return made < slept_from

    def close(self) -> None:
        """Stop ticking."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(TICK_S):
            now = self._now()
            if now - self._tick > ASLEEP_S:
                self._slept_from, self.woke = self._tick, now
            self._tick = now
