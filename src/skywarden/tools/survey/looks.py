"""When a radar looked: its revisit or turn and their phase, found in the times and azimuths of
everything it detected.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skywarden.messages.tables import Array
from skywarden.site.model import Radar

SPREAD = 0.05  # of the declared period: how far the real one may lie from it
TRIED = 2001  # periods tried
TOGETHER = 0.5  # mean resultant length of the phases from which the looks are known
MOST = 4000  # detections that the phase is read from


class Looks(NamedTuple):
    """A radar's rhythm: it looks at azimuth a when t / period - turns * a / 2 pi is `phase`, up to
    whole numbers.
    """

    period: float  # [s]
    phase: float
    turns: bool
    known: bool


def rhythm(t: Array, azimuth: Array, radar: Radar) -> Looks:
    """The rhythm in detections at times `t` (n,) [s] and azimuths (n,) [rad].

    azimuth  (n,) azimuth, clockwise from north [rad]
    radar    the radar as declared
    """
    turns = radar.kind == "rotating"
    if t.shape[0] < 10:
        return Looks(radar.revisit, 0.0, turns, False)
    pick = np.linspace(0, t.shape[0] - 1, min(t.shape[0], MOST)).astype(np.int64)
    t, swept = t[pick], azimuth[pick] / (2.0 * math.pi) if turns else np.zeros(pick.shape[0])
    periods = (
        radar.revisit * np.concatenate([[1.0], np.linspace(1.0 - SPREAD, 1.0 + SPREAD, TRIED)])
        if turns
        else np.array([radar.revisit])
    )
    middle = float(t.mean())
    strength = np.array([abs(np.exp(2j * np.pi * ((t - middle) / p - swept)).mean()) for p in periods])
    best = 0 if strength[0] >= 0.98 * strength.max() else int(strength.argmax())
    period = float(periods[best])
    mean = np.exp(2j * np.pi * (t / period - swept)).mean()
    return Looks(period, float(np.angle(mean)) / (2.0 * math.pi) % 1.0, turns, bool(abs(mean) >= TOGETHER))


def times(looks: Looks, begin: float, end: float) -> Array:
    """The instants (n,) [s] of a radar's looks in [begin, end), of one that does not turn."""
    first = math.ceil(begin / looks.period - looks.phase)
    last = math.ceil(end / looks.period - looks.phase)
    return (np.arange(first, last) + looks.phase) * looks.period


def passes(looks: Looks, begin: float, end: float, azimuth: Array) -> tuple[Array, Array]:
    """Rows and times of the beam's passes in [begin, end) over places whose azimuths at those ends
    are given (n, 2).

    looks    the radar's rhythm: period and phase of its looks
    azimuth  (n, 2) azimuths at both ends [rad]
    """
    speed = np.mod(azimuth[:, 1] - azimuth[:, 0] + math.pi, 2.0 * math.pi) - math.pi
    slope = speed / (2.0 * math.pi * (end - begin))
    # t / period - (a0 / 2 pi + slope (t - begin)) = phase + k
    scale = 1.0 / looks.period - slope
    base = looks.phase + azimuth[:, 0] / (2.0 * math.pi) - slope * begin
    first = np.ceil(scale * begin - base - 1e-9)
    rows, out = [], []
    for k in range(math.ceil((end - begin) / looks.period) + 2):
        t = (first + k + base) / scale
        inside = (t >= begin) & (t < end)
        rows.append(np.flatnonzero(inside))
        out.append(t[inside])
    return np.concatenate(rows), np.concatenate(out)
