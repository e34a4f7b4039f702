"""Two detections that a target could have caused make a track: pairs with their likelihood ratio,
and the first belief.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from skywarden.defence.tracking.filter import FASTEST, weigh
from skywarden.defence.tracking.gate import first_beyond
from skywarden.defence.tracking.refit import begin
from skywarden.defence.tracking.state import MOST_SHARES, Block, Model, Seeds
from skywarden.kernels.estimation.measure import wrap
from skywarden.messages.tables import Array

TANGENTIAL = 220.0      # m/s, standard deviation of each component across the line of sight before anything is known
UNAMBIGUOUS = 900.0     # m/s: a Doppler span that holds every round, coming or going
PULL = 12.0             # m/s², standard deviation of the unknown acceleration along the line of sight


@njit(cache=True, error_model="numpy")
def ratios(
    seeds: Seeds, t: float, sensor: int, z: Array, ratio: Array, free: Array, floor: Array, least: float, model: Model,
) -> tuple[Array, Array, Array]:
    """Pairs (seed, detection, log-likelihood ratio) above `least`: one target caused both, against
    a false alarm for the second.

    seeds   tentative detections, which no track took
    t       time of the detections [s]
    sensor  index of the radar among the site's
    z       (k, 4) range [m], azimuth, elevation [rad], range rate [m/s]
    free    (k,) whether a detection is taken by no track
    floor   (k,) expected false alarms in the detection's resolution cell
    model   laws, priors, air and sensors that all tracks share

    The Doppler carries the range: it must have moved by the mean rate, and the rate must have
    changed by v²/r of the crossing speed.
    """
    size = 256
    row, column, out = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size)
    pairs = 0
    var = model.sensors.variance[sensor]
    log_pd = math.log(model.pd[sensor])
    noisiest = 0.0
    for d in range(z.shape[0]):
        noisiest = max(noisiest, ratio[d])
    for s in range(seeds.t.shape[0]):
        dt = t - seeds.t[s]
        if seeds.sensor[s] != sensor or dt <= 0.0 or dt > model.gap[sensor] or not math.isfinite(seeds.z[s, 2]):
            continue
        reach = FASTEST * dt + math.sqrt(20.0 * var[0] * (noisiest + seeds.ratio[s]))
        for d in range(first_beyond(z, seeds.z[s, 0] - reach), z.shape[0]):
            if z[d, 0] > seeds.z[s, 0] + reach:
                break
            if not free[d] or not math.isfinite(z[d, 2]):
                continue
            lr = _ratio(seeds.z[s], z[d], dt, ratio[d] + seeds.ratio[s], log_pd - floor[d], sensor, model)
            if lr < least:
                continue
            if pairs == row.shape[0]:
                row = np.concatenate((row, np.empty(pairs, np.int64)))
                column = np.concatenate((column, np.empty(pairs, np.int64)))
                out = np.concatenate((out, np.empty(pairs)))
            row[pairs], column[pairs], out[pairs] = s, d, lr
            pairs += 1
    return row[:pairs], column[:pairs], out[:pairs]


@njit(cache=True, error_model="numpy")
def _ratio(a: Array, z: Array, dt: float, scale: float, against: float, sensor: int, model: Model) -> float:
    """Log-likelihood ratio of one target behind detections `a` and, `dt` seconds later, `z` (4,),
    of `scale` times the books' variance together; -inf where none moves so.

    against  log-likelihood of a detection less that of a false alarm
    """
    var, span = model.sensors.variance[sensor], model.sensors.span[sensor]
    e = z[0] - a[0]
    with_doppler = math.isfinite(var[3]) and math.isfinite(z[3]) and math.isfinite(a[3]) and span >= UNAMBIGUOUS
    if with_doppler:
        e -= 0.5 * (z[3] + a[3]) * dt
        ve = var[0] * scale + 0.25 * var[3] * scale * dt * dt + 4.0
    else:
        ve = var[0] * scale + (TANGENTIAL * dt) ** 2
    if e * e > 20.0 * ve:
        return -np.inf
    r = 0.5 * (z[0] + a[0])
    cos_el = max(math.cos(z[2]), 0.05)
    across = r * cos_el * wrap(z[1] - a[1])
    over = r * (z[2] - a[2])
    va = (TANGENTIAL * dt) ** 2 + var[1] * scale * (r * cos_el) ** 2
    vo = (TANGENTIAL * dt) ** 2 + var[2] * scale * r * r
    d2 = across * across / va + over * over / vo
    if d2 > 20.0:
        return -np.inf
    lr = against - 0.5 * (e * e / ve + d2 + math.log(ve * va * vo)) - 1.5 * math.log(2.0 * math.pi) + math.log(
        r * r * cos_el)
    if with_doppler:
        # of the squared crossing, both axes
        noise = (var[1] * cos_el * cos_el + var[2]) * scale * r * r
        crossing = max((across * across + over * over - noise) / (dt * dt), 0.0)
        g = z[3] - a[3] - crossing / r * dt
        vg = var[3] * scale + (PULL * dt) ** 2 + 4.0 * (crossing + 0.5 * noise / (dt * dt)) * 0.5 * noise / (r * r)
        if g * g > 25.0 * vg:
            return -np.inf
        lr -= 0.5 * (g * g / vg + math.log(2.0 * math.pi * vg))
    elif math.isfinite(z[3]):
        # a Doppler that says nothing of the motion is as likely for a target as for clutter
        lr -= math.log(model.extent[sensor, 3])
    return lr


@njit(cache=True, error_model="numpy")
def found(
    b: Block, first: int, seeds: Seeds, seed: Array, t: float, sensor: int, z: Array, ratio: Array, excess: Array,
    chosen: Array, lr: Array,
    model: Model,
) -> None:
    """Fills rows `first`, `first` + 1, … of `b` with tracks from pairs of `seed` (k,) and detection
    `chosen` (k,), every hypothesis fitted.

    seeds   tentative detections, which no track took
    t       time of the detections [s]
    sensor  index of the radar among the site's
    z       (k, 4) range [m], azimuth, elevation [rad], range rate [m/s]
    ratio   (k,) noise variance of each detection over the declared one
    excess  (k,) signal-to-noise ratio of each detection [dB]
    lr      (k,) log-likelihood ratio of each pair
    model   laws, priors, air and sensors that all tracks share
    """
    for k in range(seed.shape[0]):
        i, s, d = first + k, seed[k], chosen[k]
        b.time[i], b.seen[i], b.born[i], b.hits[i], b.score[i] = t, t, seeds.t[s], 2, lr[k]
        b.t[i, 0], b.t[i, 1] = seeds.t[s], t
        b.sensor[i, 0], b.sensor[i, 1] = sensor, sensor
        b.z[i, 0], b.z[i, 1] = seeds.z[s], z[d]
        b.ratio[i, 0], b.ratio[i, 1] = seeds.ratio[s], ratio[d]
        b.kept[i] = 2
        if sensor < MOST_SHARES:
            b.share[i, sensor] = 1.0
        weigh(b.size[i], seeds.z[s, 0], seeds.excess[s], sensor, model)
        weigh(b.size[i], z[d, 0], excess[d], sensor, model)
        begin(b, i, model)
