"""How late each radar's detections come, estimated from the newest of them; what is too late, or of
no use, is counted by cause.
"""

from __future__ import annotations

import math

import numpy as np

from skywarden.messages.frame import Detections
from skywarden.messages.tables import Array

REMEMBERED = 64         # delays kept a radar
A_FRAME = 16            # delays of one frame kept a radar at most, evenly spread over its detections
SHARE = 0.9             # share of a radar's detections that come within its lag


def noted(delays: Array, d: Detections, t: float) -> Array:
    """The remembered delays (radars, REMEMBERED) of each radar's detections [s], with those of a
    frame at time `t`; nan where there is none yet.

    d  detections of the frame
    """
    if d.t.shape[0] == 0 or delays.shape[0] == 0:
        return delays
    out = delays.copy()
    for k in range(delays.shape[0]):
        mine = d.t[d.sensor == k]
        mine = mine[np.isfinite(mine)]
        if mine.shape[0] == 0:
            continue
        new = np.maximum(t - mine[:: max(1, math.ceil(mine.shape[0] / A_FRAME))], 0.0)
        out[k] = np.concatenate((out[k, new.shape[0]:], new))
    return out


def lags(delays: Array) -> Array:
    """Seconds (radars,) within which SHARE of each radar's detections come; nan where it has not
    detected anything yet.

    delays  (radars, REMEMBERED) delays of each radar's latest detections [s]
    """
    out = np.full(delays.shape[0], math.nan)
    ordered = np.sort(delays, axis=1)       # nan last
    known = np.isfinite(ordered).sum(1)
    for k, n in enumerate(known.tolist()):
        if n:
            out[k] = ordered[k, min(math.ceil(SHARE * n), n) - 1]
    return out
