"""From another watcher's frames to our own: every datum once, none twice, and nothing of a frame
that nobody survived.

The two framed for themselves: a plot that came just before the edge of a frame here may have come
just after it there. Data are told by what was measured, not by their times, which each reckons from
its own arrivals.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skywarden.messages.frame import Aircraft, Detections, Frame
from skywarden.messages.tables import Array, join, take

WINDOW_S = 2.0  # seconds before the last frame in which the two may have framed a datum differently


def bridge(seen: Sequence[Frame], own: Sequence[Frame], suspects: Sequence[Frame] = ()) -> list[Frame]:
    """Our own frames after the last one seen, with what the other had already, or died of, left
    out.

    seen      frames of the other that were worked on, oldest first; at least one
    own       frames of our own, oldest first, from before the last one seen on
    suspects  frames that the other began and did not survive

    Shortly after joining, what came before the first frame seen is in the state that was taken
    over: own frames up to that one are left out.
    """
    last = seen[-1].t
    since = max(last - 0.5 * WINDOW_S, seen[0].t)
    had = [frame for frame in (*seen, *suspects) if frame.t > last - WINDOW_S]
    plots = _keys(join(*(frame.detections for frame in had)), PLOT)
    reports = _keys(join(*(frame.aircraft for frame in had)), REPORT)
    left = [_without(frame, plots, reports) for frame in own if frame.t > since]
    late = [frame for frame in left if frame.t <= last + 1e-9]
    ours = [frame for frame in left if frame.t > last + 1e-9]
    if not ours or not late:
        return ours
    first = ours[0]._replace(
        detections=join(*(frame.detections for frame in late), ours[0].detections),
        aircraft=join(*(frame.aircraft for frame in late), ours[0].aircraft),
    )
    return [first, *ours[1:]]


PLOT = ("sensor", "range", "azimuth", "elevation", "range_rate", "snr", "pressure_altitude", "address")
REPORT = ("address", "callsign", "position", "velocity", "pressure_altitude", "source")


def _without(frame: Frame, plots: set[bytes], reports: set[bytes]) -> Frame:
    new = np.array([key not in plots for key in _rows(frame.detections, PLOT)], np.bool_)
    fresh = np.array([key not in reports for key in _rows(frame.aircraft, REPORT)], np.bool_)
    return frame._replace(
        detections=frame.detections if new.all() else take(frame.detections, np.flatnonzero(new)),
        aircraft=frame.aircraft if fresh.all() else take(frame.aircraft, np.flatnonzero(fresh)),
    )


def _keys(table: Detections | Aircraft, columns: Sequence[str]) -> set[bytes]:
    return set(_rows(table, columns))


def _rows(table: Detections | Aircraft, columns: Sequence[str]) -> list[bytes]:
    """Each row of some columns as bytes."""
    parts: list[Array] = [np.ascontiguousarray(getattr(table, name)) for name in columns]
    n = len(parts[0])
    if n == 0:
        return []
    flat = [part.reshape(n, -1).view(np.uint8).reshape(n, -1) for part in parts]
    return [bytes(row) for row in np.concatenate(flat, axis=1)]
