"""The clock of one input, kept from the times its messages carry: one wrong time must not move it."""

from __future__ import annotations

import math
from typing import Generic, TypeVar

T = TypeVar("T")

DAY = 86_400.0
STEP = 30.0         # s: a message further than this from the clock is doubted until others agree with it
AGREE = 600.0       # s: doubted messages that follow one another and are no further apart agree
ENOUGH = 3          # doubted messages in a row that agree move the clock
BEGIN = 5           # messages from which the clock is first set: to the middle one


class Timeline(Generic[T]):
    """Holds back what is doubtful until more is known, and counts what is not believed."""

    def __init__(self) -> None:
        self.now = math.nan
        self._held: list[tuple[float, T]] = []
        self.rejected = 0

    def unroll(self, time_of_day: float, stamp: float = math.nan) -> float:
        """The time [s] with this time of day that is nearest to `stamp`, or to the clock: midnight is passed without a jump."""
        near = stamp if math.isfinite(stamp) else self.now if math.isfinite(self.now) else self._held[-1][0] if self._held else time_of_day
        return time_of_day + DAY * round((near - time_of_day) / DAY)

    def admit(self, t: float, what: T) -> list[T]:
        """What may go on now that `what` of time `t` [s] has come: itself, nothing yet, or it and what was held back."""
        if not math.isfinite(t):
            self.rejected += 1
            return []
        if math.isnan(self.now):
            self._held.append((t, what))
            return self._begin() if len(self._held) >= BEGIN else []
        if abs(t - self.now) <= STEP:
            self.rejected += len(self._held)
            self._held.clear()
            self.now = max(self.now, t)
            return [what]
        if self._held and abs(t - self._held[-1][0]) > AGREE:
            self.rejected += len(self._held)
            self._held.clear()
        self._held.append((t, what))
        if len(self._held) < ENOUGH:
            return []
        self.now = max(t for t, _ in self._held)
        return self._release()

    def flush(self) -> list[T]:
        """What is still held back at the end, as far as it can be believed."""
        if not self._held:
            return []
        if math.isnan(self.now):
            return self._begin()
        believed = [(t, what) for t, what in self._held if 0.0 < t - self.now <= AGREE]
        self.rejected += len(self._held) - len(believed)
        self._held = believed
        if believed:
            self.now = max(t for t, _ in believed)
        return self._release()

    def _begin(self) -> list[T]:
        middle = sorted(t for t, _ in self._held)[(len(self._held) - 1) // 2]
        believed = [(t, what) for t, what in self._held if abs(t - middle) <= AGREE]
        self.rejected += len(self._held) - len(believed)
        self._held = believed
        self.now = max(t for t, _ in believed)
        return self._release()

    def _release(self) -> list[T]:
        released = [what for _, what in self._held]
        self._held = []
        return released
