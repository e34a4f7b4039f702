"""Something asked once a frame that must never end the run: where it raises, an answer that stands
in for it is given, and the fault is shown beside the sinks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from skywarden.run.mailbox import SHOWN_S, SinkState, sentence

T = TypeVar("T")


class Guarded(Generic[T]):
    """Calls like `asked`, and never raises.

    name       under which its state is shown
    asked      () -> T    what is asked; may raise
    otherwise  T          what stands in for the answer where it does
    """

    def __init__(
        self, name: str, asked: Callable[[], T], otherwise: T, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.name, self._asked, self._otherwise, self._now = name, asked, otherwise, now
        self._failures, self._fault, self._at = 0, "", -math.inf

    def __call__(self) -> T:
        try:
            return self._asked()
        except Exception as error:      # a boundary: whatever it is, the frame goes on without the answer
            self._failures, self._fault, self._at = self._failures + 1, sentence(error), self._now()
            return self._otherwise

    def state(self) -> SinkState:
        """How it fares; a failure is told for `SHOWN_S` after it."""
        shown = self._fault if self._now() - self._at < SHOWN_S else ""
        return SinkState(self.name, None, 0, 0, self._failures, shown, math.nan)
