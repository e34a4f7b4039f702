"""The runway in the rehearsal: threatened, hit, inspected, open again; who has to wait, go around
or divert meanwhile, and the minutes it costs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from skywarden.kernels.geometry.polygon import distance
from skywarden.messages.drill import DEBRIS, PARTIAL, Order
from skywarden.messages.frame import Frame
from skywarden.messages.picture import AIRCRAFT, Picture
from skywarden.messages.tables import Array
from skywarden.site.model import Site

CLOSE_FROM = 0.2        # probability of an impact endangering a runway
INSPECTION_S = 900.0    # s to inspect a runway after an impact, illustrative
# s to look a runway over for fragments after an interception that may have left some there, illustrative
SWEEP_S = 300.0
APPROACH = 15_000.0     # m from the origin within which aircraft are asked to hold while the airport is closed
LOW = 1500.0            # m above the origin up to which they are asked
# m from a runway, and above the origin, within which an aircraft that descends while it is closed goes around
FINAL, FINAL_UP = 4_000.0, 350.0
SINKING = -1.0          # m/s of climb below which an aircraft there is landing
PATIENCE_S = 1_200.0    # s of holding after which an aircraft diverts, illustrative
PASSED = 1.5            # s before the time of an impact from which it counts as having come, if its track is gone

OPEN, THREATENED, INSPECTED = "open", "threatened", "inspected"


class State(NamedTuple):
    """What is expected, and what it has cost."""

    expected: tuple[tuple[int, float], ...]     # (track, time of impact [s]) on a runway
    closed_until: float
    lost_s: float
    last: float
    holding: tuple[tuple[int, float], ...] = ()     # (track, since when [s]) held or gone around, not yet diverted
    went_around: int = 0
    diverted: int = 0
    delayed: int = 0                            # flights that had to wait, each once
    gone: tuple[int, ...] = ()                  # tracks that diverted


def start() -> State:
    """Open, nothing expected."""
    return State((), -math.inf, 0.0, math.nan)


def step(
    state: State, frame: Frame, picture: Picture, site: Site, orders: Sequence[Order] = (),
) -> tuple[State, tuple[bool, int, float, str, float, int, int, int]]:
    """State after this frame, and the columns of `Airport`: open, aircraft asked to hold, minutes
    lost so far, and so on.

    orders   simulated in this frame: where their debris may come down on a runway, it is looked
             over afterwards
    state    the airport's state before this frame
    picture  what is believed at this frame
    site     the site as its defender declared it

    An impact that is no longer expected, because its track turned out to miss, opens the runway
    again; one whose track is gone by its time, or was stopped over it, is inspected for.
    """
    runways, threats = _runways(site), picture.threats
    rows = [k for k in range(threats.track.size) if int(threats.zone[k]) in runways and threats.probability[k]
        >= CLOSE_FROM]
    soonest: dict[int, float] = {}
    for k in rows:
        track = int(threats.track[k])
        soonest[track] = min(soonest.get(track, math.inf), float(threats.t[k]))
    flying = set(picture.impacts.track.tolist())
    gone = [(track, t) for track, t in state.expected if track not in soonest and (track not in flying or t - PASSED
        <= frame.t)]
    come = [t for _, t in gone if t <= frame.t]
    swept = [order.clearance.t_hit + SWEEP_S for order in orders if _littered(order, runways, site)]
    until = max([state.closed_until, *(t + INSPECTION_S for t in come), *swept])
    waiting = (*soonest.items(), *((track, t) for track, t in gone if t > frame.t))
    is_open = not waiting and frame.t >= until
    lost = state.lost_s + (0.0 if is_open or math.isnan(state.last) else max(frame.t - state.last, 0.0))
    state, holds = _flights(state, is_open, frame.t, picture, site)
    word = OPEN if is_open else THREATENED if waiting else INSPECTED
    reopens = math.nan if is_open else max([until, *(t + INSPECTION_S for _, t in waiting)])
    after = state._replace(expected=waiting, closed_until=until, lost_s=lost, last=frame.t)
    return after, (is_open, holds, lost / 60.0, word, reopens, after.went_around, after.diverted, after.delayed)


def _flights(state: State, is_open: bool, t: float, picture: Picture, site: Site) -> tuple[State, int]:
    """What a closed runway means for each flight near it, and how many are asked to hold now."""
    if is_open:
        return state._replace(holding=(), gone=()), 0
    tracks = picture.tracks
    near = (tracks.kind[:, AIRCRAFT] > 0.5) & (np.hypot(tracks.state[:, 0], tracks.state[:, 1])
        < APPROACH) & (tracks.state[:, 2] < LOW)
    since = dict(state.holding)
    around = delayed = diverted = 0
    away = list(state.gone)
    for k in np.flatnonzero(near).tolist():
        number = int(tracks.number[k])
        if number in since or number in away:
            continue
        since[number] = t
        delayed += 1
        around += _landing(tracks.state[k], site)
    for number, begun in list(since.items()):
        if t - begun > PATIENCE_S:
            del since[number]
            away.append(number)
            diverted += 1
    present = set(tracks.number[near].tolist())
    after = state._replace(
        holding=tuple(since.items()), went_around=state.went_around + around, diverted=state.diverted + diverted,
        delayed=state.delayed + delayed,
        gone=tuple(away))
    return after, len(present - set(away))


def _landing(state: Array, site: Site) -> bool:
    """Whether an aircraft is on final: low, sinking, close to a runway."""
    if not (state[2] < FINAL_UP and state[5] < SINKING):
        return False
    return any(distance(site.zones[k].polygon, state[0], state[1]) < FINAL for k in _runways(site))


def _littered(order: Order, runways: frozenset[int], site: Site) -> bool:
    """Whether debris of an engagement, or a round only partly stopped, may come down on a runway."""
    falls = order.clearance.evidence.fallout
    return any(
        distance(site.zones[k].polygon, falls.place[row, 0], falls.place[row, 1]) <= falls.radius[row]
        for row in np.flatnonzero((falls.cause == DEBRIS) | (falls.cause == PARTIAL)).tolist() for k in runways)


@lru_cache(maxsize=8)
def _runways(site: Site) -> frozenset[int]:
    return frozenset(k for k, zone in enumerate(site.zones) if zone.kind == "runway")
