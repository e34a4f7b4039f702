"""One radar's detections of one instant meet the tracks: whose they are, and which two of the
others may begin a new track. Compiled.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from skywarden.defence.tracking.filter import absorb, advance
from skywarden.defence.tracking.gate import first_beyond, gate
from skywarden.defence.tracking.initiate import ratios
from skywarden.defence.tracking.state import RINGS, SECTORS, Block, Model, Seeds
from skywarden.kernels.estimation.measure import wrap
from skywarden.kernels.estimation.pair import assign
from skywarden.messages.frame import NO_ADDRESS, Detections
from skywarden.messages.tables import Array
from skywarden.site.model import LEAST_NOISE_DB

LATEST = 1.0            # s: a detection older than its track by more is refused and counted
BUSY = 0.03             # detections a frame in one cell from which clutter there counts as thicker than elsewhere
# log-likelihood ratio asked of a pair up to which it is only tried, and with how many partners at most
SURELY_WORTH, SEVERAL = 1.0, 3
SPLIT = 1.3             # cells between two echoes of one target at most: closer targets are one echo


@njit(cache=True, error_model="numpy")
def usable(d: Detections) -> tuple[Array, bool]:
    """Rows that this tracker follows itself, rising in range: sound, with elevation, without a
    transponder's answer.

    d  detections of the frame

    Also says whether they are of one instant and one radar with no range twice: then this order is
    already the canonical one.
    """
    n = d.t.shape[0]
    rows = np.empty(n, np.int64)
    k = 0
    for i in range(n):
        told = math.isfinite(d.t[i] + d.range[i] + d.azimuth[i] + d.elevation[i]) and d.range[i] > 0.0
        if told and d.address[i] == NO_ADDRESS and not math.isfinite(d.pressure_altitude[i]):
            rows[k] = i
            k += 1
    rows = rows[:k]
    rows = rows[np.argsort(d.range[rows], kind="mergesort")]
    plain = True
    for i in range(1, k):
        a, b = rows[i - 1], rows[i]
        if d.range[a] == d.range[b] or d.t[a] != d.t[b] or d.sensor[a] != d.sensor[b]:
            plain = False
    return rows, plain


def groups(d: Detections) -> list[tuple[float, int, Array]]:
    """The usable detections by time and radar, in time order: (time, radar, rows). Within a group
    in a canonical order: permuting changes nothing.

    d  detections of the frame
    """
    rows, plain = usable(d)
    if rows.shape[0] == 0:
        return []
    if plain:
        return [(float(d.t[rows[0]]), int(d.sensor[rows[0]]), rows)]
    rows = rows[np.lexsort(tuple(c[rows] for c in (d.snr, d.range_rate, d.elevation, d.azimuth, d.range, d.sensor,
        d.t)))]
    t, sensor = d.t[rows], d.sensor[rows]
    cuts = np.flatnonzero((np.diff(t) != 0.0) | (np.diff(sensor) != 0)) + 1
    return [(float(t[part[0]]), int(sensor[part[0]]), np.ascontiguousarray(rows[part]))
        for part in np.split(np.arange(t.shape[0]), cuts)]


@njit(cache=True, error_model="numpy")
def cell_of(z: Array, range_max: float) -> tuple[int, int]:
    """Ring and sector of the clutter map in which detection `z` (4,) lies.

    range_max  greatest range of the radar [m]
    """
    turn = z[1] / (2.0 * math.pi)
    return min(int(z[0] / range_max * RINGS), RINGS - 1), min(int((turn - math.floor(turn)) * SECTORS), SECTORS - 1)


@njit(cache=True, error_model="numpy")
def prepared(
    d: Detections, rows: Array, sensor: int, rate: float, busy: Array, with_rate: bool, weakest: float, model: Model,
) -> tuple[Array, Array, Array, Array]:
    """What detections `rows` measured (k, 4), their noise variance over the books', their strength
    and the log density of false alarms where each lies.

    rate       false alarms a look; `busy` (radars, RINGS, SECTORS) the clutter map
    d          detections of the frame
    sensor     index of the radar among the site's
    with_rate  whether the radar measures Doppler
    model      laws, priors, air and sensors that all tracks share
    Noise goes as reference over actual signal to noise, 1 where either is unknown. Strength is
    power over noise power beyond `weakest` [dB], the least that is detected; nan unknown. The
    density is per volume of the dimensions each one has.
    """
    k = rows.shape[0]
    z, ratio, floor, excess = np.empty((k, 4)), np.ones(k), np.empty(k), np.full(k, math.nan)
    least = 10.0 ** (0.1 * weakest)
    reference = model.reference[sensor]
    for j in range(k):
        r = rows[j]
        z[j, 0], z[j, 1], z[j, 2], z[j, 3] = d.range[r], d.azimuth[r], d.elevation[r], d.range_rate[
            r] if with_rate else math.nan
        if math.isfinite(d.snr[r]) and math.isfinite(reference):
            ratio[j] = 10.0 ** (min(max(reference - d.snr[r], LEAST_NOISE_DB), 20.0) / 10.0)
        if math.isfinite(d.snr[r]):
            excess[j] = max(10.0 ** (0.1 * min(d.snr[r], 120.0)) - least, 0.0)
        volume = 0.0
        for a in range(4):
            if math.isfinite(z[j, a]):
                volume += math.log(model.extent[sensor, a])
        ring, sector = cell_of(z[j], model.limits[sensor, 1])
        local = busy[sensor, ring, sector]
        dense = max(rate, local * RINGS * SECTORS) if local > BUSY else rate
        floor[j] = math.log(max(dense, 0.05)) - volume
    return z, ratio, floor, excess


@njit(cache=True, error_model="numpy")
def unsplit(z: Array, free: Array, near: Array) -> None:
    """Free detections within `near` (4,) of one that a confirmed track took are second echoes of
    its target: they begin nothing. Changes `free`.

    z  (k, 4) range [m], azimuth, elevation [rad], range rate [m/s]
    """
    own = ~free
    for j in range(z.shape[0]):
        if own[j]:
            for k in range(first_beyond(z, z[j, 0] - near[0]), z.shape[0]):
                if z[k, 0] > z[j, 0] + near[0]:
                    break
                off = abs(z[k, 3] - z[j, 3]) > near[3]      # an unknown rate is not off
                if free[k] and not off and abs(wrap(z[k, 1] - z[j, 1])) <= near[1] and abs(z[k, 2] - z[j,
                        2]) <= near[2]:
                    free[k] = False


@njit(cache=True, error_model="numpy")
def remember(busy: Array, sensor: Array, z: Array, weight: Array, model: Model) -> None:
    """Detections `z` (k, 4) of radars `sensor` (k,) enter the clutter map with weights (k,), in
    place.

    busy    (radars, rings, sectors) clutter map: false alarms a look in each cell
    weight  (k,) weight of each detection
    model   laws, priors, air and sensors that all tracks share
    """
    for k in range(sensor.shape[0]):
        ring, sector = cell_of(z[k], model.limits[sensor[k], 1])
        busy[sensor[k], ring, sector] += weight[k]


@njit(cache=True, error_model="numpy")
def _picked(order: Array, seed: Array, det: Array, seeds: int, most: int, free: Array) -> Array:
    """Rows of the pairs that begin tracks, best first: each seed and detection in `most` of them at
    most. Changes `free`.
    """
    spent, used = np.zeros(seeds, np.int64), np.zeros(free.shape[0], np.int64)
    pick = np.empty(order.shape[0], np.int64)
    picked = 0
    for p in order:
        if free[det[p]] and used[det[p]] < most and spent[seed[p]] < most:
            used[det[p]] += 1
            spent[seed[p]] += 1
            free[det[p]] = most > 1         # what is only tried goes on waiting for a better one
            pick[picked] = p
            picked += 1
    return pick[:picked]


@njit(cache=True, error_model="numpy")
def observe(
    b: Block, seeds: Seeds, d: Detections, rows: Array, t: float, sensor: int, rate: float, busy: Array,
    with_rate: bool, weakest: float,
    model: Model,
) -> tuple[Array, Array, Array, Array, int, Array, Array, Array, Array, Array]:
    """Known tracks take their detections first, then tentative ones; what is left is compared with
    the seeds. Changes `b` in place.

    d          detections of the frame
    rows       rows of the detections of this radar and instant
    t          time of the detections [s]
    sensor     index of the radar among the site's
    rate       expected false alarms a look
    busy       (radars, rings, sectors) clutter map: false alarms a look in each cell
    with_rate  whether the radar measures Doppler
    weakest    weakest signal-to-noise ratio that the radar has detected [dB]
    model      laws, priors, air and sensors that all tracks share

    `reconsider` is due afterwards: with the masks (n,) returned last, of the tracks that took a
    detection and of those that keep one more. Where two detections say little (no Doppler, long
    turns), each may try SEVERAL partners; the third tells which was right. Returns first the
    detections (k, 4), their noise ratio (k,) and strength (k,); which are free (k,), how many were
    before any pair took its one; and the pairs that begin a track, best first: seed, detection,
    log-likelihood ratio (p,) each.
    """
    z, ratio, floor, excess = prepared(d, rows, sensor, rate, busy, with_rate, weakest, model)
    free = np.ones(rows.shape[0], np.bool_)
    n = b.time.shape[0]
    took, longer = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    if n > 0:
        which = np.empty(n, np.bool_)
        for i in range(n):
            which[i] = t - b.time[i] > -LATEST
        advance(b, t, which, model)
        for stage in range(2):
            chosen = which & ((b.number > 0) == (stage == 0))
            row, column, cost = gate(b, chosen, t, sensor, z, ratio, free, floor, model)
            taken = assign(row, column, cost, n, rows.shape[0])
            gains = np.zeros(n)
            for p in range(row.shape[0]):
                if taken[row[p]] == column[p]:
                    gains[row[p]] = -cost[p] + math.log(1.0 - model.pd[sensor])
            absorb(b, taken, t, sensor, z, ratio, excess, gains, model, longer)
            for i in range(n):
                if taken[i] >= 0:
                    free[taken[i]] = False
                    took[i] = True
            if stage == 0 and model.cell[sensor, 0] > 0.0:
                unsplit(z, free, SPLIT * model.cell[sensor])
    strange = 0
    for j in range(free.shape[0]):
        strange += free[j]
    seed, det, lr = ratios(seeds, t, sensor, z, ratio, free, floor, model.worth[sensor], model)
    order = np.argsort(-lr, kind="mergesort")
    most = 1 if model.worth[sensor] > SURELY_WORTH else SEVERAL
    pick = _picked(order, seed, det, seeds.t.shape[0], most, free)
    return z, ratio, excess, free, strange, seed[pick], det[pick], lr[pick], took, longer
