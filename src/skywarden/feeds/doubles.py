"""Equal detections counted once: redundant networks, a file joined twice and repeating switches
give them twice, to the last bit.
"""

from __future__ import annotations

import struct
from collections import deque

import numpy as np

from skywarden.feeds.source import Item, Plot, Report
from skywarden.feeds.timeline import DAY
from skywarden.messages.frame import Detections
from skywarden.messages.tables import Array

KEPT = 15.0             # s of the frames' time for which an equal one is known
MOST = 400_000          # known at most
PLOT, REPORT = struct.Struct("<qi6dq"), struct.Struct("<qq8s7diii?")
PLOTS = np.dtype([("t", "<i8"), ("sensor", "<i4"), ("values", "<f8", (6,)), ("address", "<i8")])    # `PLOT` as rows
MICROSECONDS = 1e6      # of a second, to which times are compared


class Before:
    """Remembers what has been given out lately."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()
        self._order: deque[tuple[float, list[bytes]]] = deque()

    def seen(self, item: Item, when: float) -> bool:
        """Whether an equal plot or report came before, from whatever source; if not, it is
        remembered.

        when   the frames' time of it [s]; the time in `item` is its sender's, in which equal ones
               agree
        """
        if isinstance(item, Plot):
            key = PLOT.pack(round(item.t % DAY * MICROSECONDS), *item[1:])
        elif isinstance(item, Report):
            key = REPORT.pack(
                round(item.t % DAY * MICROSECONDS), item.address, item.callsign, *item.position, *item.velocity,
                item.pressure_altitude, item.nic, item.nacp, item.source, item.on_ground)
        else:
            return False
        if key in self._known:
            return True
        self._remember(when, [key])
        return False

    def seen_of(self, plots: Detections, when: Array) -> Array:
        """(n,) which plots came before, or twice among these; the others are remembered.

        when   (n,) the frames' times of them [s]
        """
        rows = np.empty(len(when), PLOTS)
        rows["t"] = np.rint(plots.t % DAY * MICROSECONDS)
        rows["sensor"], rows["address"] = plots.sensor, plots.address
        for k, column in enumerate(plots[2:8]):
            rows["values"][:, k] = column
        known, fresh, twice = self._known, [], np.zeros(len(when), np.bool_)
        for k, key in enumerate(rows.view(f"V{PLOTS.itemsize}").tolist()):
            if key in known:
                twice[k] = True
            else:
                known.add(key)
                fresh.append(key)
        if fresh:
            self._remember(float(when.max()), fresh)
        return twice

    def forget(self, t: float) -> None:
        """Let go of what came long before the frames' time `t` [s]."""
        while self._order and self._order[0][0] < t - KEPT:
            self._known.difference_update(self._order.popleft()[1])

    def _remember(self, when: float, keys: list[bytes]) -> None:
        self._known.update(keys)
        self._order.append((when, keys))
        while len(self._known) > MOST and len(self._order) > 1:
            self._known.difference_update(self._order.popleft()[1])
