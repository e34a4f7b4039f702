"""The throttle on guessing and hurrying: so many events of one key within so many seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_KEYS = 20_000              # names, addresses and browsers that failures are remembered of


@dataclass
class Throttle:
    """At most `most` events of one key within `seconds`."""

    most: int
    seconds: float
    now: Callable[[], float] = time.monotonic
    _seen: dict[str, list[float]] = field(default_factory=dict)

    def full(self, key: str) -> bool:
        """Whether `key` has no event left."""
        recent = [t for t in self._seen.get(key, ()) if t > self.now() - self.seconds]
        if recent:
            self._seen[key] = recent
        else:
            self._seen.pop(key, None)
        return len(recent) >= self.most

    def count(self, key: str) -> None:
        """One more event of `key`."""
        if len(self._seen) >= MOST_KEYS:        # a flood of made-up names must not fill the memory
            since = self.now() - self.seconds
            self._seen = {k: times for k, times in self._seen.items() if times[-1] > since}
            while len(self._seen) >= MOST_KEYS:
                self._seen.pop(next(iter(self._seen)))
        self._seen.setdefault(key, []).append(self.now())

    def forget(self, key: str) -> None:
        """As if `key` had had no event."""
        self._seen.pop(key, None)
