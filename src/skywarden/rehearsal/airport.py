"""The runway in the rehearsal: closed while an impact on it is expected, and after one until it has been inspected; minutes lost are counted."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from skywarden.messages.frame import Frame
from skywarden.messages.picture import AIRCRAFT, Picture
from skywarden.site.model import Site

CLOSE_FROM = 0.2        # probability of an impact endangering a runway
INSPECTION_S = 900.0    # s to inspect it afterwards, illustrative
APPROACH = 10_000.0     # m: aircraft nearer than this to the origin are asked to hold while it is closed
LOW = 1500.0            # m above the origin, likewise
PASSED = 1.5            # s before its time from which an impact whose track is gone counts as having come


class State(NamedTuple):
    """What is expected, and what it has cost."""

    expected: tuple[tuple[int, float], ...]     # (track, time of impact [s]) on a runway
    closed_until: float
    lost_s: float
    last: float


def start() -> State:
    """Open, nothing expected."""
    return State((), -math.inf, 0.0, math.nan)


def step(state: State, frame: Frame, picture: Picture, site: Site) -> tuple[State, tuple[bool, int, float]]:
    """State after this frame, and (open, aircraft asked to hold, minutes lost so far).

    An impact that is no longer expected, because its track turned out to miss, opens the runway again; one whose track is gone by its time,
    or was stopped over it, is inspected for.
    """
    runways, threats = _runways(site), picture.threats
    rows = [k for k in range(threats.track.size) if int(threats.zone[k]) in runways and threats.probability[k] >= CLOSE_FROM]
    soonest: dict[int, float] = {}
    for k in rows:
        track = int(threats.track[k])
        soonest[track] = min(soonest.get(track, math.inf), float(threats.t[k]))
    flying = set(picture.impacts.track.tolist())
    gone = [(track, t) for track, t in state.expected if track not in soonest and (track not in flying or t - PASSED <= frame.t)]
    come = [t for _, t in gone if t <= frame.t]
    until = max([state.closed_until, *(t + INSPECTION_S for t in come)])
    waiting = (*soonest.items(), *((track, t) for track, t in gone if t > frame.t))
    is_open = not waiting and frame.t >= until
    lost = state.lost_s + (0.0 if is_open or math.isnan(state.last) else max(frame.t - state.last, 0.0))
    tracks = picture.tracks
    near = (tracks.kind[:, AIRCRAFT] > 0.5) & (np.hypot(tracks.state[:, 0], tracks.state[:, 1]) < APPROACH) & (tracks.state[:, 2] < LOW)
    holds = 0 if is_open else int(np.count_nonzero(near))
    return State(waiting, until, lost, frame.t), (is_open, holds, lost / 60.0)


@lru_cache(maxsize=8)
def _runways(site: Site) -> frozenset[int]:
    return frozenset(k for k, zone in enumerate(site.zones) if zone.kind == "runway")
