"""The clock of one sender, kept from the times its messages carry: one wrong time must not move it,
and one that is set anew is followed.
"""

from __future__ import annotations

import math
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from skywarden.messages.tables import Array

T = TypeVar("T")

DAY = 86_400.0
STEP = 30.0         # s: a message further than this from the clock is doubted until others agree with it
# s: doubted messages that follow one another and are no further apart agree, where it is not known when they came
AGREE = 600.0
ENOUGH = 3          # doubted messages in a row that agree move the clock
BEGIN = 5           # messages from which the clock is first set: to the middle one
# s of which a step is taken to be a multiple, so that two networks that carry one sender agree in it
WHOLE = 0.25
NEAR = 3.0          # s: a message no further than this from the moment it came in is never held back


class _Held(NamedTuple, Generic[T]):
    """A message that is doubted: its time by its own clock, when it came in, and what it says."""

    t: float
    arrived: float
    what: T


class Timeline(Generic[T]):
    """Holds back what is doubtful until more is known, and counts what is not believed.

    Times that go out run on through a clock that is set back, or set forward while messages keep
    coming: they stay in the clock there was before.
    """

    def __init__(self) -> None:
        self.now = math.nan             # newest time given out
        self.rejected = 0
        # how far the clock was found to have been set, each time [s]; whoever reads them clears them
        self.steps: list[float] = []
        self._shift = 0.0               # from the sender's clock to the times that go out
        self._arrived = math.nan        # when the newest message came in
        self._held: list[_Held[T]] = []

    def unroll(self, time_of_day: float, stamp: float = math.nan) -> float:
        """The time [s] with this time of day that is nearest to `stamp`, or to the clock: midnight
        is passed without a jump.

        time_of_day  time since midnight, UTC [s]
        """
        own = self.now - self._shift
        near = stamp if math.isfinite(stamp) else own if math.isfinite(own) else self._held[
            -1].t if self._held else time_of_day
        return time_of_day + DAY * round((near - time_of_day) / DAY)

    def reckoned(self, arrived: float = math.nan) -> float:
        """What the sender's own clock should say now, for a message that tells no time [s]; its
        arrival while the clock is not set.

        arrived  when the message arrived [s]
        """
        expected = self._expected(arrived) - self._shift
        if math.isfinite(expected):
            return expected
        return self._held[-1].t if self._held else arrived

    def admit(self, t: float, what: T, arrived: float = math.nan) -> list[tuple[float, T]]:
        """What may go on now that `what` of time `t` [s] has come: itself, nothing yet, or it and
        what was held back; each with its time.

        arrived   when it came in, by a clock of our own that counts as `t` does [s]; nan in a file
                  that does not tell
        """
        if not math.isfinite(t):
            self.rejected += 1
            return []
        if self._believable(t, arrived):
            self.rejected += len(self._held)
            self._held.clear()
            return [self._accept(t, arrived, what)]
        if self._held and not self._agree(t, arrived):
            self.rejected += len(self._held)
            self._held.clear()
        self._held.append(_Held(t, arrived, what))
        if math.isnan(self.now):
            return self._begin() if len(self._held) >= BEGIN else []
        if len(self._held) < ENOUGH:
            return []
        first, last = self._held[0], self._held[-1]
        # In a file that does not tell when they came, messages are taken to follow one another as they do now.
        between = 0.0 if math.isfinite(first.arrived) else max((last.t - first.t) / (len(self._held) - 1), 0.0)
        jump = first.t + self._shift - self._expected(first.arrived) - min(between, STEP)
        if jump < 0.0 or math.isfinite(first.arrived):      # forward in a file that does not tell: a silence
            self._shift = WHOLE * round((self._shift - jump) / WHOLE)
            self.steps.append(jump)
            self.now = -math.inf
        return self._release()

    def admit_all(self, time_of_day: Array, arrived: Array) -> Array | None:
        """The times of many messages, where none of them needs to be doubted; None where one does:
        then nothing has been taken, and each is to be admitted alone.

        time_of_day   (n,) as told [s]; nan missing
        arrived       (n,) when each came in, by a clock of our own that counts as they do [s]
        """
        if self._held or not math.isfinite(self.now) or not np.isfinite(time_of_day).all():
            return None
        out = time_of_day + DAY * np.round((arrived - time_of_day) / DAY) + self._shift
        expected = self.now + (arrived - self._arrived if math.isfinite(self._arrived) else 0.0)
        # within half a step of where the clock stood before, each is within a step of where the others leave it
        if not (np.abs(out - expected) <= 0.5 * STEP).all():
            return None
        newest = int(np.argmax(out))
        if not out[newest] <= self.now:
            self.now, self._arrived = float(out[newest]), float(arrived[newest])
        return out

    def flush(self) -> list[tuple[float, T]]:
        """What is still held back at the end, as far as it can be believed."""
        if not self._held:
            return []
        if math.isnan(self.now):
            return self._begin()
        believed = [held for held in self._held if 0.0 < held.t + self._shift - self.now <= AGREE]
        self.rejected += len(self._held) - len(believed)
        self._held = believed
        return self._release()

    def _believable(self, t: float, arrived: float) -> bool:
        """Whether a time needs no others to agree with it."""
        if math.isfinite(arrived) and abs(t - arrived) <= NEAR and self._shift == 0.0:
            return True
        return abs(t + self._shift - self._expected(arrived)) <= STEP

    def _expected(self, arrived: float) -> float:
        """What the clock should say now; nan while it is not set."""
        passed = arrived - self._arrived
        return self.now + passed if math.isfinite(passed) else self.now

    def _agree(self, t: float, arrived: float) -> bool:
        """Whether a doubted message agrees with the one before it."""
        last = self._held[-1]
        passed = arrived - last.arrived
        return abs(t - last.t - passed) <= STEP if math.isfinite(passed) else abs(t - last.t) <= AGREE

    def _accept(self, t: float, arrived: float, what: T) -> tuple[float, T]:
        out = t + self._shift
        if not out <= self.now:
            self.now, self._arrived = out, arrived
        return out, what

    def _begin(self) -> list[tuple[float, T]]:
        middle = sorted(held.t for held in self._held)[(len(self._held) - 1) // 2]
        believed = [held for held in self._held if abs(held.t - middle) <= AGREE]
        self.rejected += len(self._held) - len(believed)
        self._held = believed
        return self._release()

    def _release(self) -> list[tuple[float, T]]:
        released = [self._accept(held.t, held.arrived, held.what) for held in self._held]
        self._held = []
        return released
