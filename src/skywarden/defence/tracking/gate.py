"""The gate of association: which detections may belong to which tracks, and at what cost."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from skywarden.defence.tracking.bias import disagreement
from skywarden.defence.tracking.filter import best_law, kind_of, odds, slopes
from skywarden.defence.tracking.state import Block, Model
from skywarden.kernels.estimation.kalman import closeness, innovation
from skywarden.kernels.estimation.measure import residual
from skywarden.kernels.estimation.motion import STATES
from skywarden.messages.tables import Array

GATE = 30.0             # chi-squared; 4 degrees of freedom hold 5e-6 outside


@njit(cache=True, error_model="numpy")
def gate(
    b: Block, which: Array, t: float, sensor: int, z: Array, ratio: Array, free: Array, floor: Array, model: Model,
) -> tuple[Array, Array, Array]:
    """Pairs (track, detection, cost) worth considering among tracks `which` and detections `free`
    (masks) of one sensor and time.

    z, ratio   (k, 4), (k,)  detections, rising in range, and their noise ratio
    floor      (k,)          log density of false alarms, for the dimensions each detection has
    b          the track table
    t          time of the detections [s]
    model      laws, priors, air and sensors that all tracks share
    A cost is minus the log-likelihood ratio of belonging against being a false alarm and a miss.
    """
    laws = b.x.shape[1] - 2
    size = 256
    row, column, cost = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size)
    pairs = 0
    expected = np.empty((3, 4))
    S = np.empty((3, 4, 4))
    weight = np.empty(3)
    H6 = np.empty((4, 6))
    H = np.zeros((4, STATES))
    T = np.empty((4, STATES))
    v = np.empty(4)
    R = np.empty(4)
    L = np.zeros((4, 4))
    apart = np.zeros(4)
    noisiest = 0.0
    for d in range(z.shape[0]):
        noisiest = max(noisiest, ratio[d])
    gain = math.log(model.pd[sensor] / (1.0 - model.pd[sensor]))
    books, span = model.sensors.variance[sensor], model.sensors.span[sensor]
    for i in range(b.time.shape[0]):
        if not which[i]:
            continue
        used, wide = _expectations(b, i, t, sensor, model, expected, S, weight, H6, H, T)
        if used == 0:
            continue
        leader = best_law(b, i)
        disagreement(b, i, leader if leader >= 0 else laws, sensor, model, apart)
        reach = math.sqrt(1.5 * GATE * (wide + books[0] * noisiest + apart[0]) + 1e4 * (used > 1))
        for d in range(first_beyond(z, expected[0, 0] - reach), z.shape[0]):
            if z[d, 0] > expected[0, 0] + reach:
                break
            if not free[d]:
                continue
            for a in range(4):
                R[a] = books[a] * ratio[d] + apart[a]
            best, ll = _nearness(z[d], R, span, used, expected, S, weight, v, L)
            if best > GATE:
                continue
            if pairs == row.shape[0]:
                row = np.concatenate((row, np.empty(pairs, np.int64)))
                column = np.concatenate((column, np.empty(pairs, np.int64)))
                cost = np.concatenate((cost, np.empty(pairs)))
            row[pairs], column[pairs], cost[pairs] = i, d, -(ll - floor[d] + gain)
            pairs += 1
    return row[:pairs], column[:pairs], cost[:pairs]


@njit(cache=True, error_model="numpy")
def _expectations(
    b: Block, i: int, t: float, sensor: int, model: Model, expected: Array, S: Array, weight: Array, H6: Array,
    H: Array, T: Array,
) -> tuple[int, float]:
    """What a radar should measure of track `i` by its leading ballistic hypothesis and by other
    flight: measurements, innovation covariances and logarithms of their weights, written; how many
    they are, and the greatest variance in range [m²].
    """
    laws = b.x.shape[1] - 2
    used = 0
    o = odds(b, i)
    share = 1.0 / (1.0 + math.exp(-min(max(o, -40.0), 40.0)))
    wide = 0.0
    for c in range(3):
        m = best_law(b, i) if c == 0 else laws + c - 1
        if m < 0 or not b.alive[i, m if c < 2 else laws]:
            continue
        w = share if c == 0 else (1.0 - share) * ((1.0 - b.turn[i]) if c == 1 else b.turn[i])
        if w < 1e-3:
            continue
        law, n = kind_of(m, laws, model)
        lagged = slopes(b.x[i, m], t - b.time[i], law, n, sensor, model, expected[used], H6, H)
        innovation(b.p[i, m], n, H if lagged else H6, S[used], T)
        weight[used] = math.log(w)
        wide = max(wide, S[used, 0, 0])
        used += 1
    return used, wide


@njit(cache=True, error_model="numpy")
def _nearness(
    z: Array, R: Array, span: float, used: int, expected: Array, S: Array, weight: Array, v: Array, L: Array
) -> tuple[float, float]:
    """Least normalised squared distance of detection `z` (4,) of variances `R` (4,) from what is
    expected, and its log-likelihood under all of it; inf outside the gate.
    """
    best, ll = np.inf, -np.inf
    for a in range(used):
        # what one dimension alone rules out needs no joint distance: range and Doppler speak first
        e, f = z[0] - expected[a, 0], z[3] - expected[a, 3]
        if e * e > GATE * (S[a, 0, 0] + R[0]) or (span > 1e30 and f * f > GATE * (S[a, 3, 3] + R[3])):
            continue
        residual(z, expected[a], span, v)
        if v[1] * v[1] > GATE * (S[a, 1, 1] + R[1]) or v[2] * v[2] > GATE * (S[a, 2, 2] + R[2]):
            continue
        d2, one = closeness(S[a], v, R, L)
        best = min(best, d2)
        one += weight[a]
        ll = max(ll, one) + math.log1p(math.exp(-abs(ll - one))) if ll > -1e300 else one
    return best, ll


@njit(cache=True, error_model="numpy")
def first_beyond(z: Array, least: float) -> int:
    """First of the detections `z` (k, 4), rising in range, whose range is at least `least`; k where
    none is.
    """
    low, high = 0, z.shape[0]
    while low < high:
        middle = (low + high) // 2
        if z[middle, 0] < least:
            low = middle + 1
        else:
            high = middle
    return low
