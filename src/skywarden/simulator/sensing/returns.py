"""How strong an echo is, whether it is detected, and which echoes a radar cannot tell apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import gammaincinv

from skywarden.site.model import Radar

Array = NDArray[Any]

PULSES = 8                              # averaged in one look; Swerling 2 and 4 fluctuate from pulse to pulse
# of the gamma law of the cross-section seen in a look, by Swerling model
CHI_ORDER = (math.inf, 1.0, 1.0 * PULSES, 2.0, 2.0 * PULSES)
LEAST_FALSE, MOST_FALSE = 1e-10, 1e-3   # false-alarm probability a cell
PLAIN_FALSE = 1e-6                      # where a radar declares no cells or no false alarms


def false_alarm_probability(radar: Radar) -> float:
    """Per resolution cell: the declared false alarms a revisit over the number of cells looked at;
    PLAIN_FALSE where either is not declared.

    radar  the radar as declared
    """
    cells = (radar.range_max - radar.range_min) / radar.range_cell if radar.range_cell > 0.0 else 0.0
    cells *= radar.azimuth_width / radar.azimuth_cell if radar.azimuth_cell > 0.0 else 0.0
    if math.isfinite(radar.elevation_sigma) and radar.elevation_cell > 0.0:
        cells *= max((radar.elevation_max - radar.elevation_min) / radar.elevation_cell, 1.0)
    if math.isfinite(radar.range_rate_sigma) and radar.range_rate_cell > 0.0 and math.isfinite(radar.range_rate_span):
        cells *= max(radar.range_rate_span / radar.range_rate_cell, 1.0)
    if cells <= 0.0 or radar.false_alarms <= 0.0:
        return PLAIN_FALSE
    return min(max(radar.false_alarms / cells, LEAST_FALSE), MOST_FALSE)


def threshold(radar: Radar) -> float:
    """Power over noise power above which a cell is called a detection: exp(-threshold) is the
    false-alarm probability.

    radar  the radar as declared
    """
    return -math.log(false_alarm_probability(radar))


def mean_snr(radar: Radar, distance: Array, cross_section: Array) -> Array:
    """Mean signal-to-noise ratio (n,), a power ratio, by the radar equation: falling with the
    fourth power of range.

    distance       (n,) distance from the radar [m]
    cross_section  (n,) mean radar cross-section [m²]
    """
    return np.asarray(10.0 ** (radar.reference_snr / 10.0) * cross_section * (radar.reference_range / distance) ** 4)


def fluctuation(swerling: Array, uniform: Array) -> Array:
    """Cross-section in this look over its mean (n,), from uniform numbers (n,).

    swerling  (n,) Swerling case of each target

    Swerling 1 exponential and 3 chi-squared of four degrees, constant over a look; 2 and 4 the same
    from pulse to pulse, averaged over PULSES; 0 steady. Source: Swerling, IRE Trans. IT-6 (1960)
    269.
    """
    out = np.ones(len(swerling))
    for model in (1, 2, 3, 4):
        rows = swerling == model
        if rows.any():
            order = CHI_ORDER[model]
            out[rows] = gammaincinv(order, uniform[rows]) / order
    return out


def power(snr: Array, noise: Array) -> Array:
    """Power over noise power (n,), a ratio, in the cell: signal amplitude plus circular normal
    noise (n, 2).

    With an exponential cross-section it is exponential of mean 1 + snr, hence Pd = Pfa^(1 / (1 +
    snr)): the closed form of Swerling 1.
    """
    return np.asarray((np.sqrt(snr) + noise[:, 0] * math.sqrt(0.5)) ** 2 + 0.5 * noise[:, 1] ** 2)


def cell_of(radar: Radar) -> Array | None:
    """Size of a resolution cell (4,): range [m], azimuth, elevation [rad], range rate [m/s]; inf
    where not measured; None where nothing ever merges.

    radar  the radar as declared
    """
    size = np.array([
        radar.range_cell, radar.azimuth_cell, radar.elevation_cell if math.isfinite(radar.elevation_sigma)
        else math.inf,
        radar.range_rate_cell if math.isfinite(radar.range_rate_sigma) else math.inf])
    return size if (size > 0.0).all() else None


@njit(cache=True, error_model="numpy")
def same_cell(polar: Array, size: Array, span: float) -> Array:
    """Number of the group each echo belongs to, (n,): echoes closer than a cell in every dimension
    are one (and so are chains of them).

    polar  (n, 4) range, azimuth, elevation, range rate
    size   (4,)   of a cell
    span   ambiguity of the range rate; inf none
    """
    n = polar.shape[0]
    group = np.arange(n)
    for i in range(n):
        for j in range(i):
            if abs(polar[i, 0] - polar[j, 0]) >= size[0]:
                continue
            turn = abs(polar[i, 1] - polar[j, 1])
            if min(turn, 2.0 * math.pi - turn) >= size[1] or abs(polar[i, 2] - polar[j, 2]) >= size[2]:
                continue
            rate = abs(polar[i, 3] - polar[j, 3])
            if math.isfinite(span):
                rate = min(rate % span, span - rate % span)
            if rate >= size[3]:
                continue
            a, b = group[i], group[j]
            if a != b:
                for k in range(i + 1):
                    if group[k] == a:
                        group[k] = b
    return group
