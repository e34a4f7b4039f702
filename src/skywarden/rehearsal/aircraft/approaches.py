"""Approach and departure sectors of the runways, and how many aircraft are in each."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.kernels.geometry.polygon import long_axis
from skywarden.messages.drill import Approaches
from skywarden.rehearsal.aircraft.reachable import Tubes
from skywarden.site.model import Site

Array = NDArray[Any]

# m, m, rad: approach and departure sectors
SECTOR_LENGTH, SECTOR_HALF_WIDTH, SECTOR_HALF_ANGLE = 10_000.0, 150.0, math.radians(3.0)
# their ceiling rises so from so many metres above the runway
SECTOR_SLOPE, SECTOR_ABOVE = math.tan(math.radians(6.0)), 300.0


def approaches(tubes: Tubes, t: float, site: Site) -> Approaches:
    """The runways' approach and departure sectors, and how many aircraft are in each or on its
    runway at time t, by dead reckoning.

    tubes  where each aircraft may be: dead reckoning and its error
    site   the site as its defender declared it
    """
    s = _sectors(site)
    if not s.zone.size:
        return Approaches(s.zone, s.place, s.bearing, np.zeros(0, np.int32))
    there = tubes.position + tubes.velocity * (t - tubes.t)[:, None]
    away = there[None, :, :2] - s.place[:, None, :]
    sine, cosine = np.sin(s.bearing)[:, None], np.cos(s.bearing)[:, None]
    along, across = away[:, :, 0] * sine + away[:, :, 1] * cosine, np.abs(away[:, :, 0] * cosine - away[:, :, 1] * sine)
    out = np.maximum(along, 0.0)
    within = (along >= -s.length[:, None]) & (along <= SECTOR_LENGTH) & (across <= SECTOR_HALF_WIDTH
        + math.tan(SECTOR_HALF_ANGLE) * out)
    # not `>`: what has no height is at any
    within &= ~(there[None, :, 2] > SECTOR_ABOVE + SECTOR_SLOPE * out) & ~tubes.unknown[None, :]
    seen = tubes.number.size - tubes.shadows
    count = within[:, :seen].sum(axis=1)
    if tubes.shadows:
        count += [np.unique(tubes.number[seen:][row]).size for row in within[:, seen:]]
    return Approaches(s.zone, s.place, s.bearing, count.astype(np.int32))


class _Sectors(NamedTuple):
    """Approach and departure sectors, two for each runway."""

    zone: Array
    place: Array
    bearing: Array
    length: Array       # of the runway [m]


@lru_cache(maxsize=8)
def _sectors(site: Site) -> _Sectors:
    rows = []
    for k, zone in enumerate(site.zones):
        if zone.kind == "runway":
            middle, axis, half = long_axis(zone.polygon)
            for way in (axis, -axis):
                rows.append((k, *(middle + way * half), math.atan2(way[0], way[1]) % (2.0 * math.pi), 2.0 * half))
    table = np.array(rows, np.float64).reshape(-1, 5)
    return _Sectors(table[:, 0].astype(np.int32), table[:, 1:3].copy(), table[:, 3].copy(), table[:, 4].copy())
