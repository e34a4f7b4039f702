"""What the radars of a live or recorded input have looked at, told from their messages."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from skywarden.feeds.source import Look
from skywarden.messages.frame import Radars
from skywarden.site.model import Site

TURN = 2.0 * math.pi
SILENT_TURNS = 2.5      # a radar not heard for so many turns is taken to be down
SHORTEST = 2.0          # s: but not before this


class Looks:
    """Remembers each radar's last message and where its beam stood."""

    def __init__(self, site: Site) -> None:
        n = len(site.radars)
        self._turn = np.array([max(radar.revisit, 1e-3) for radar in site.radars])
        self._rotating = [radar.kind == "rotating" for radar in site.radars]
        self._heard = np.full(n, -math.inf)
        self._beam = np.full(n, math.nan)
        self._then = np.full(n, -math.inf)      # when the beam stood there

    def state(self, t: float, looks: Sequence[Look]) -> Radars:
        """The radars at the frame's time `t` [s], after what was heard since the last.

        looks  what the radars said of their scans, oldest first
        """
        n = len(self._turn)
        sector_from, width = np.zeros(n), np.zeros(n)
        newest: dict[int, Look] = {}
        for look in looks:
            self._heard[look.sensor] = max(self._heard[look.sensor], look.t)
            if math.isfinite(look.width):
                if look.width > 0.0:
                    sector_from[look.sensor], width[look.sensor] = look.azimuth, look.width
            elif not self._rotating[look.sensor]:
                width[look.sensor] = TURN
            elif math.isfinite(look.azimuth) and (look.sensor not in newest or look.t >= newest[look.sensor].t):
                newest[look.sensor] = look
        for k, look in newest.items():
            sector_from[k], width[k] = self._advance(k, look)
        up = t - self._heard <= np.maximum(SILENT_TURNS * self._turn, SHORTEST)
        return Radars(up, self._heard.copy(), sector_from, width)

    def _advance(self, k: int, look: Look) -> tuple[float, float]:
        """Where the beam of radar `k` was and how far it has come: what its newest message says,
        not beyond what its turn allows.
        """
        before, elapsed = self._beam[k], look.t - self._then[k]
        if elapsed <= 0.0:
            return 0.0, 0.0
        known = math.isfinite(before) and elapsed < SILENT_TURNS * self._turn[k]
        if known and elapsed >= self._turn[k]:
            moved = TURN
        else:
            moved = (look.azimuth - before) % TURN if known else 0.0
            # a plot from a little behind the beam
            if known and moved > TURN * elapsed / self._turn[k] + math.pi / 2:
                return 0.0, 0.0
        self._beam[k], self._then[k] = look.azimuth, look.t
        return (float(before) if known else look.azimuth), moved
