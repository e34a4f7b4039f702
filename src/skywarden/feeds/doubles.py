"""Equal detections counted once: redundant networks, a file joined twice and repeating switches
give them twice, to the last bit.
"""

from __future__ import annotations

import struct
from collections import deque

from skywarden.feeds.source import Item, Plot, Report
from skywarden.feeds.timeline import DAY

KEPT = 15.0             # s of the frames' time for which an equal one is known
MOST = 400_000          # known at most
PLOT, REPORT = struct.Struct("<di6dq"), struct.Struct("<dq8s7diii?")


class Before:
    """Remembers what has been given out lately."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()
        self._order: deque[tuple[float, bytes]] = deque()

    def seen(self, item: Item, when: float) -> bool:
        """Whether an equal plot or report came before, from whatever source; if not, it is
        remembered.

        when   the frames' time of it [s]; the time in `item` is its sender's, in which equal ones
               agree
        """
        if isinstance(item, Plot):
            key = PLOT.pack(round(item.t % DAY, 6), *item[1:])
        elif isinstance(item, Report):
            key = REPORT.pack(
                round(item.t % DAY, 6), item.address, item.callsign, *item.position, *item.velocity,
                item.pressure_altitude, item.nic, item.nacp,
                item.source, item.on_ground)
        else:
            return False
        if key in self._known:
            return True
        self._known.add(key)
        self._order.append((when, key))
        if len(self._order) > MOST:
            self._known.discard(self._order.popleft()[1])
        return False

    def forget(self, t: float) -> None:
        """Let go of what came long before the frames' time `t` [s]."""
        while self._order and self._order[0][0] < t - KEPT:
            self._known.discard(self._order.popleft()[1])
