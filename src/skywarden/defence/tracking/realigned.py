"""Tracks when it turns out how a radar is wrong: what it gave them moves with the correction, and
which tracks rest on which radars.
"""

from __future__ import annotations

import numpy as np

from skywarden.defence.tracking.bias import displaced
from skywarden.defence.tracking.history import State
from skywarden.defence.tracking.state import MOST_SHARES, Block
from skywarden.messages.tables import Array
from skywarden.site.model import Site

RANGE, AZIMUTH, ELEVATION, TIME = range(4)


def realigned(state: State, moved: Array, site: Site) -> State:
    """The tracker's memory as if the radars' detections had been corrected by `moved` more from the
    start.

    moved  (radars, 4) range [m], azimuth, elevation [rad] and time [s] that are taken from their
    state  the tracker's state
    site   the site as its defender declared it
    detections beyond what was before

    Each track moves by the share that it rests on each radar; detections kept for fitting and those
    that belong to nothing yet change as they came
    from theirs. What could still be put in its place in the past is given up: late detections from
    before are counted as late.
    """
    if not moved.any():
        return state
    n = moved.shape[0]
    places = np.array([r.place for r in site.radars[:n]]).reshape(n, 3)
    seeds, waiting = state.seeds, state.waiting
    off = _of(moved, seeds.sensor)
    z = seeds.z.copy()
    z[:, :3] -= off[:, :3]
    z[:, AZIMUTH] = np.mod(z[:, AZIMUTH], 2.0 * np.pi)
    late = _of(moved, waiting.sensor)
    return state._replace(
        block=_moved(state.block, moved, places),
        seeds=seeds._replace(z=z, t=seeds.t - off[:, TIME]),
        past=(),
        waiting=waiting._replace(
            t=waiting.t - late[:, TIME],
            range=waiting.range - late[:, RANGE],
            azimuth=np.mod(waiting.azimuth - late[:, AZIMUTH], 2.0 * np.pi),
            elevation=waiting.elevation - late[:, ELEVATION],
        ),
    )


def resting_on(block: Block, numbers: Array, radars: Array) -> Array:
    """How much (n,) each of the tracks `numbers` rests on the radars (mask): 0 not at all, 1 on
    them alone.

    block  the track table
    """
    share = block.share @ np.pad(radars.astype(np.float64), (0, MOST_SHARES))[:MOST_SHARES]
    of = dict(zip(block.number.tolist(), share.tolist(), strict=True))
    return np.array([of.get(int(number), 0.0) for number in numbers], np.float64)


def _of(moved: Array, sensor: Array) -> Array:
    """(k, 4) by which detections of radars `sensor` (k,) change."""
    return np.concatenate([moved, np.zeros((1, 4))])[np.where(sensor < moved.shape[0], sensor, -1)]


def _moved(b: Block, moved: Array, places: Array) -> Block:
    """The tracks, moved."""
    x, anchor = b.x.copy(), b.anchor.copy()
    off = np.empty((3, 6))
    for i in range(b.number.shape[0]):
        for r in range(min(moved.shape[0], MOST_SHARES)):
            share = float(b.share[i, r])
            if share < 1e-3 or not moved[r].any():
                continue
            for m in range(x.shape[1]):
                for state in (x[i, m], anchor[i, m]):
                    displaced(state, places[r], -share * moved[r, :3], off)
                    state[:6] += off.sum(0)
                x[i, m, :3] += share * moved[r, TIME] * x[i, m, 3:6]
    change = _of(moved, b.sensor.ravel()).reshape(*b.sensor.shape, 4)
    z = b.z.copy()
    z[:, :, :3] -= change[:, :, :3]
    z[:, :, AZIMUTH] = np.mod(z[:, :, AZIMUTH], 2.0 * np.pi)
    return _in_order(b._replace(x=x, anchor=anchor, z=z, t=b.t - change[:, :, TIME]))


def _in_order(b: Block) -> Block:
    """The tracks with their kept detections in order of time again, the fitted state at the first
    of them.
    """
    kept = np.arange(b.t.shape[1])[None] < b.kept[:, None]
    order = np.argsort(np.where(kept, b.t, np.inf), axis=1, kind="stable")
    if (order == np.arange(b.t.shape[1])).all():
        return b
    t = np.take_along_axis(b.t, order, 1)
    anchor = b.anchor.copy()
    anchor[:, :, :3] += anchor[:, :, 3:6] * (t[:, 0] - b.t[:, 0])[:, None, None]
    return b._replace(
        t=t,
        sensor=np.take_along_axis(b.sensor, order, 1),
        ratio=np.take_along_axis(b.ratio, order, 1),
        past=np.take_along_axis(b.past, order, 1),
        z=np.take_along_axis(b.z, order[:, :, None], 1),
        anchor=anchor,
    )
