"""The runway in the rehearsal: closed from an expected impact on it until it has been inspected; minutes lost are counted."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skywarden.messages.frame import Frame
from skywarden.messages.picture import AIRCRAFT, Picture
from skywarden.site.model import Site

CLOSE_FROM = 0.2        # probability of an impact endangering the runway
INSPECTION_S = 900.0    # s to inspect it afterwards
APPROACH = 10_000.0     # m: aircraft nearer than this are asked to hold while it is closed
LOW = 1500.0            # m above the field


class State(NamedTuple):
    closed_until: float
    lost_s: float
    last: float


def start() -> State:
    return State(-math.inf, 0.0, math.nan)


def step(state: State, frame: Frame, picture: Picture, site: Site) -> tuple[State, tuple[bool, int, float]]:
    """State after this frame, and (open, aircraft asked to hold, minutes lost so far)."""
    runways = {k for k, zone in enumerate(site.zones) if zone.kind == "runway"}
    until = state.closed_until
    for k in range(picture.threats.track.size):
        if int(picture.threats.zone[k]) in runways and picture.threats.probability[k] >= CLOSE_FROM:
            until = max(until, float(picture.threats.t[k]) + INSPECTION_S)
    is_open = frame.t >= until
    lost = state.lost_s + (0.0 if is_open or math.isnan(state.last) else max(frame.t - state.last, 0.0))
    tracks = picture.tracks
    near = (tracks.kind[:, AIRCRAFT] > 0.5) & (np.hypot(tracks.state[:, 0], tracks.state[:, 1]) < APPROACH) & (tracks.state[:, 2] < LOW)
    return State(until, lost, frame.t), (bool(is_open), 0 if is_open else int(np.count_nonzero(near)), lost / 60.0)
