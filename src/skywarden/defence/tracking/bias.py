"""Errors that all detections of one radar share: no averaging takes them away, and two radars
disagree by them. Considered, not estimated.

A constant error of a radar turns and shifts everything it sees about the radar itself. So a track
that one radar feeds moves with that radar's error as a whole, and what another radar should see of
it is off by both radars' errors.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from skywarden.defence.tracking.state import MOST_SHARES, Block, Model, likeliest
from skywarden.kernels.estimation.measure import measure
from skywarden.messages.tables import Array, take

# chi-squared of 3 dimensions (99.9 %), within which two tracks of different radars may be of one target
SAME = 16.3
# m/s, difference of their velocities up to which they may: young tracks of a burning rocket know theirs badly
SAME_SPEED = 60.0
SHARE_FADE = 0.1        # of a track's shares that one more detection replaces, were the radars without such errors


@njit(cache=True, error_model="numpy")
def displaced(x: Array, place: Array, sigma: Array, out: Array) -> None:
    """How state `x` (>= 6,) is off when the radar at `place` (3,) errs by `sigma` (3,) in range,
    azimuth and elevation: rows of `out` (3, 6).
    """
    px, py, pz = x[0] - place[0], x[1] - place[1], x[2] - place[2]
    level = max(math.sqrt(px * px + py * py), 1.0)
    r = math.sqrt(level * level + pz * pz)
    e, n = px / level, py / level           # towards the target, level
    ahead = x[3] * e + x[4] * n
    out[:] = 0.0
    out[0, 0], out[0, 1], out[0, 2] = sigma[0] * px / r, sigma[0] * py / r, sigma[0] * pz / r
    out[1, 0], out[1, 1], out[1, 3], out[1, 4] = sigma[1] * py, -sigma[1] * px, sigma[1] * x[4], -sigma[1] * x[3]
    # tilted about the level axis across the line of sight
    out[2, 0], out[2, 1], out[2, 2] = -sigma[2] * pz * e, -sigma[2] * pz * n, sigma[2] * level
    out[2, 3], out[2, 4], out[2, 5] = -sigma[2] * x[5] * e, -sigma[2] * x[5] * n, sigma[2] * ahead


@njit(cache=True, error_model="numpy")
def disagreement(b: Block, i: int, m: int, sensor: int, model: Model, out: Array) -> None:
    """Variance (4,) by which radar `sensor` may see track `i`, hypothesis `m`, elsewhere than it is
    believed, for the radars' errors; into `out`.

    b      the track table
    model  laws, priors, air and sensors that all tracks share
    """
    out[:] = 0.0
    radars = min(model.bias.shape[0], MOST_SHARES)
    some = False
    for r in range(model.bias.shape[0]):
        some |= model.bias[r, 0] + model.bias[r, 1] + model.bias[r, 2] > 0.0
    if not some:
        return
    own = 1.0 - (b.share[i, sensor] if sensor < MOST_SHARES else 0.0)
    for a in range(3):
        out[a] = (own * model.bias[sensor, a]) ** 2
    off, z, H = np.empty((3, 6)), np.empty(4), np.empty((4, 6))
    measure(b.x[i, m], model.sensors.place[sensor], z, H)
    for r in range(radars):
        if r == sensor or b.share[i, r] < 1e-3:
            continue
        displaced(b.x[i, m], model.sensors.place[r], model.bias[r], off)
        for a in range(4):
            for k in range(3):
                moved = 0.0
                for c in range(6):
                    moved += H[a, c] * off[k, c]
                out[a] += (b.share[i, r] * moved) ** 2


@njit(cache=True, error_model="numpy")
def shared_anew(b: Block, i: int, sensor: int, loose: float) -> None:
    """Track `i` rests a little more on radar `sensor` now; `loose` >= 1 is the variance of its
    detection over that of its noise alone.

    b  the track table
    """
    gain = SHARE_FADE / loose
    for r in range(MOST_SHARES):
        b.share[i, r] *= 1.0 - gain
    if sensor < MOST_SHARES:
        b.share[i, sensor] += gain


@njit(cache=True, error_model="numpy")
def _add(b: Block, p: Array, model: Model) -> None:
    off = np.empty((3, 6))
    for i in range(p.shape[0]):
        for m in range(p.shape[1]):
            if not b.alive[i, m]:
                continue
            for r in range(min(model.bias.shape[0], MOST_SHARES)):
                if b.share[i, r] < 1e-3:
                    continue
                displaced(b.x[i, m], model.sensors.place[r], model.bias[r], off)
                w = b.share[i, r] ** 2
                for k in range(3):
                    for c in range(6):
                        for d in range(6):
                            p[i, m, c, d] += w * off[k, c] * off[k, d]


def united(b: Block, fresh: Array, model: Model) -> tuple[Block, Array]:
    """Tracks about to be confirmed (rows `fresh`) that are, as far as the radars' errors let one
    tell, a confirmed one seen by another radar.

    b      the track table
    model  laws, priors, air and sensors that all tracks share

    They wait; where the confirmed one has just been missed and they have not, they take its place
    and its number. Returns the tracks and what is left of `fresh`.
    """
    shown = np.flatnonzero(b.number > 0)
    if fresh.shape[0] == 0 or shown.shape[0] == 0 or not model.bias.any():
        return b, fresh
    c = considered(b, model)
    laws = b.x.shape[1] - 2
    best = np.where(b.alive[:, :laws].any(1), likeliest(b), laws)
    main = b.share.argmax(1)
    number, gone, left = b.number.copy(), np.zeros(b.number.shape[0], np.bool_), []
    for j in fresh.tolist():
        others = shown[(main[shown] != main[j]) & ~gone[shown]]
        off = c.x[others, best[others], :6] - c.x[j, best[j], :6]
        spread = c.p[others, best[others], :3, :3] + c.p[j, best[j], :3, :3] + 1e-6 * np.eye(3)
        squared = np.einsum("ki,ki->k", off[:, :3], np.linalg.solve(spread, off[:, :3, None])[...,
            0]) if others.size else np.zeros(0)
        squared = np.where(np.linalg.norm(off[:, 3:], axis=1) < SAME_SPEED, squared, np.inf)
        if not (squared < SAME).any():
            left.append(j)
            continue
        i = int(others[squared.argmin()])
        if b.misses[i] > 0 and b.misses[j] == 0:
            number[j], gone[i] = number[i], True
    b = b._replace(number=number)
    if not gone.any():
        return b, np.array(left, np.int64)
    rows = np.flatnonzero(~gone)
    return take(b, rows), np.searchsorted(rows, np.array(left, np.int64))


def considered(b: Block, model: Model) -> Block:
    """The tracks with covariances that hold the errors of the radars that they rest on; the same
    where no radar is said to have any.

    b      the track table
    model  laws, priors, air and sensors that all tracks share
    """
    if not model.bias.any() or b.number.shape[0] == 0:
        return b
    p = b.p.copy()
    _add(b, p, model)
    return b._replace(p=p)
