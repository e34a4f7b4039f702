"""Which zones something not yet confirmed may reach: nobody is told that the impacts are over while
it might.
"""

from __future__ import annotations

import numpy as np

from skywarden.defence.tracking.state import Block
from skywarden.messages.tables import Array
from skywarden.site.model import Site

GRAVITY = 9.80665  # m/s², standard, CGPM 1901
ENOUGH = 3  # detections of a tentative track from which its speed says where it falls
SLOWEST = 40.0  # m/s, speed below which it is a bird or clutter
# m around a zone within which its fall is taken to reach it: drag and two seconds of track leave as much in doubt
BEYOND = 300.0
LONGEST = 120.0  # s of fall, beyond which nothing is foreseen


def reaching(block: Block, site: Site) -> Array:
    """Mask (zones,) of what a tentative track may fall on, flown in vacuum from its best state
    onto the plane of the site.

    block  all tracks, confirmed or not
    """
    found = np.zeros(len(site.zones), np.bool_)
    rows = np.flatnonzero((block.number == 0) & (block.hits >= ENOUGH))
    if rows.shape[0] == 0 or not site.zones:
        return found
    laws = block.x.shape[1] - 2
    best = np.argmax(np.where(block.alive[rows, :laws], block.ll[rows, :laws], -np.inf), axis=1)
    state = block.x[rows, best]
    place, v = state[:, :3], state[:, 3:6]
    fall = v[:, 2] + np.sqrt(np.maximum(v[:, 2] ** 2 + 2.0 * GRAVITY * np.maximum(place[:, 2], 0.0), 0.0))
    left = fall / GRAVITY
    ground = place[:, :2] + v[:, :2] * left[:, None]
    sound = block.alive[rows,
        :laws].any(axis=1) & np.isfinite(ground).all(axis=1) & (left <= LONGEST) & (np.linalg.norm(v,
            axis=1) >= SLOWEST)
    for k, zone in enumerate(site.zones):
        low, high = zone.polygon.min(axis=0) - BEYOND, zone.polygon.max(axis=0) + BEYOND
        found[k] = bool((sound & (ground >= low).all(axis=1) & (ground <= high).all(axis=1)).any())
    return found
