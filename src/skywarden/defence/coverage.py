"""Whether the ellipses of impacts have held: what was foreseen some seconds before each fall,
against what is believed just before it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.picture import Health, Impacts
from skywarden.messages.tables import rows_of

Array = NDArray[Any]

EARLY, EARLIEST = 5.0, 8.0  # s before the impact from which on a round's ellipse is kept, if it is foreseen so soon
LATE = 1.5                  # s before the impact until when a round must be followed to judge that ellipse
NINE_TENTHS = 2.0 * math.log(10.0)      # chi-squared, 2 degrees of freedom, 90 %
REMEMBERED = 50             # rounds that the share is taken over, at most
PROJECTILE = 0.5            # probability from which a track counts
# Rounds from which the share that held is believed, and the share below which ellipses are called too small: 20 honest
# ones come to it in one of four hundred cases, more often where they share their errors
FEWEST, UNKEPT = 20, 0.7


class State(NamedTuple):
    """Rounds whose ellipse is kept, one row each, and how the latest fared."""

    track: Array        # (n,) int64
    place: Array        # (n, 2)     of impact as foreseen EARLY seconds before, east north [m]
    covariance: Array   # (n, 2, 2)
    due: Array          # (n,)       time of impact as last foreseen [s]
    latest: Array       # (n, 2)     place as last foreseen
    doubt: Array        # (n, 2, 2)  its covariance
    left: Array         # (n,)       seconds before the impact when that was
    held: Array         # (k,) bool  of the latest rounds, the oldest first: the ellipse held


def start() -> State:
    """Nothing has been foreseen."""
    return State(np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros((0, 2, 2)), np.zeros(0), np.zeros((0, 2)),
        np.zeros((0, 2, 2)), np.zeros(0), np.zeros(0, np.bool_))


def look_back(state: State, impacts: Impacts, t: float) -> State:
    """The state one frame on: new ellipses are kept, those of rounds that came down are judged.

    state    as this function left it a frame ago
    impacts  what is foreseen now
    t        time of the frame [s]

    A radar that errs by one amount all the time cannot be found out by this, as the later place is
    its own; a flight that is not foreseen well can. docs/models/coverage.md
    """
    left = impacts.t - t
    rows = np.flatnonzero((impacts.p_projectile >= PROJECTILE) & (left > 0.0) & (left <= EARLIEST))
    if rows.size == 0 and state.track.size == 0:
        return state
    track, place, covariance = impacts.track[rows], impacts.place[rows, :2], impacts.covariance[rows, :2, :2]
    at, known = rows_of(state.track, track)
    latest, doubt, due, near = state.latest.copy(), state.doubt.copy(), state.due.copy(), state.left.copy()
    early, spread = state.place.copy(), state.covariance.copy()
    latest[at], doubt[at] = place[known], covariance[known]
    due[at], near[at] = impacts.t[rows][known], left[rows][known]
    still = at[near[at] >= EARLY]       # the last ellipse before EARLY counts
    early[still], spread[still] = latest[still], doubt[still]
    fresh = left[rows] >= EARLY
    fresh[known] = False
    over = t > due
    over[at] = False        # what is foreseen still has not come down
    judged = np.flatnonzero(over & (near <= LATE))
    kept = np.flatnonzero(~over)
    held = np.concatenate((state.held, _held(early[judged] - latest[judged], spread[judged] - doubt[judged])))

    def grown(old: Array, new: Array) -> Array:
        return np.concatenate((old[kept], new[fresh]))
    return State(grown(state.track, track), grown(early, place), grown(spread, covariance),
        grown(due, impacts.t[rows]), grown(latest, place), grown(doubt, covariance), grown(near, left[rows]),
        held[-REMEMBERED:])


def told(state: State, health: Health) -> Health:
    """`health` with how the ellipses have fared.

    state   as `look_back` left it
    health  of this frame
    """
    judged, held = int(state.held.size), int(state.held.sum())
    return health._replace(judged=judged, held=held, unkept=judged >= FEWEST and held < UNKEPT * judged)


def _held(off: Array, covariance: Array) -> Array:
    """Which places (mask) lie within their ellipse: later (n, 2) off the earlier, whose covariance
    (n, 2, 2) is that of what was learnt in between; none where nothing was.
    """
    a, b, c = covariance[:, 0, 0], covariance[:, 0, 1], covariance[:, 1, 1]
    whole = a * c - b * b
    sound = (a > 0.0) & (c > 0.0) & (whole > 0.0)
    a, b, c, off = a[sound], b[sound], c[sound], off[sound]
    distance = (c * off[:, 0] ** 2 - 2.0 * b * off[:, 0] * off[:, 1] + a * off[:, 1] ** 2) / whole[sound]
    return np.asarray(distance <= NINE_TENTHS)
