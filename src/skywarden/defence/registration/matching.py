"""Which detections of a radar are of which reference aircraft, and where a radar that is turned far
sees them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skywarden.defence.registration.geometry import seen_from, wrapped
from skywarden.defence.registration.state import SEGMENT, TERMS
from skywarden.defence.registration.trajectory import Trajectories
from skywarden.messages.frame import NO_ADDRESS, Detections
from skywarden.messages.tables import Array, take
from skywarden.site.model import LEAST_NOISE_DB, Radar

# squared normalised distance in range, azimuth and elevation up to which a detection may be of an aircraft
GATE = 25.0
# m, difference in range up to which a radar turned far may still mean the same aircraft: its range and Doppler do not
# turn
RANGE_REACH = 350.0
RATE_REACH = 6.0  # m/s, likewise in Doppler, beyond five deviations
SAME_PLACE = math.radians(1.5)  # spread of azimuths and elevations of one aircraft beside where it says it is
# offset in azimuth up to which an echo belongs to an aircraft there, and to none that claims to be elsewhere
AT_HOME = math.radians(4.0)
MOST_SIGMA = 1e4  # m or rad, deviation of a dimension that a radar does not measure
SHARE_SEEN = 0.4  # of the looks in a segment that must have seen an aircraft for it to count as seen
LOOK = 0.3  # revisits within which two detections are of one look
NEAR_HORIZON = 1.0  # resolution cells of elevation below which the ground's reflection bends what is seen


class Matches(NamedTuple):
    """Pairs of aircraft and detection of one radar, one row each, with what is expected there."""

    of: Array  # (m,) row of the trajectories
    s: Array  # (m,) time within the segment, -1 … 1
    z: Array  # (m, 3) measured less expected in range, azimuth and elevation; nan not measured
    slope: Array  # (m, 3, 3) of the expected with the aircraft's place
    rate: Array  # (m, 3) of the expected in time
    variance: Array  # (m, 3) of the radar's noise
    t: Array  # (m,) time of the detection [s]


class Sighting(NamedTuple):
    """What one radar saw of the trajectories in a segment."""

    matches: Matches
    # (n, 2) of each aircraft, where it is seen beside where it says it is, azimuth and elevation [rad]; nan not seen
    offset: Array


def sighted(d: Detections, w: Trajectories, radar: Radar, believed: Array, covariance: Array, scale: Array) -> Sighting:
    """Pairs the detections `d` of one radar with the trajectories.

    believed    (4,) its errors as estimated; covariance (4, 4) of them
    scale       (3,) variance of its noise over that in its books
    w           smoothed trajectories of aircraft
    """
    n = w.address.shape[0]
    offset = np.full((n, 2), np.nan)
    d = _nearby(d, w, radar)
    pair_of, pair_at = _close_in_range(d, w, radar, float(believed[3]))
    if pair_of.shape[0] == 0:
        return Sighting(_none(), offset)
    s = (d.t[pair_at] - believed[3] - w.middle) / w.half
    keep = (s >= -1.0) & (s < 1.0)
    pair_of, pair_at, s = pair_of[keep], pair_at[keep], s[keep]
    position, velocity, spread = _flown(w, pair_of, s)
    expected, slope, rate, doppler = seen_from(position, velocity, radar.place)
    z = np.stack([d.range[pair_at], d.azimuth[pair_at], d.elevation[pair_at]], 1) - expected
    z = z - believed[3] * rate  # as if compared at the time that is stamped
    z[:, 1] = wrapped(z[:, 1])
    variance = _noise(d, pair_at, radar) * scale
    named = d.address[pair_at] != NO_ADDRESS
    fits = np.where(
        named, d.address[pair_at] == w.address[pair_of], _same_doppler(d.range_rate[pair_at] - doppler, radar)
    )
    within = (expected[:, 0] <= radar.range_max) & (expected[:, 2] >= radar.elevation_min)
    m = Matches(pair_of, s, z, slope, rate, variance, d.t[pair_at])
    beside = wrapped(z[:, 1] - believed[1])
    home = fits & within & (np.abs(beside) < AT_HOME)
    owned = np.zeros(d.t.shape[0], np.bool_)
    owned[pair_at[home]] = True
    away = fits & within & ~owned[pair_at]
    # an echo that several claim to be, each from elsewhere, speaks for none of them
    away &= named | (np.bincount(pair_at[away], minlength=d.t.shape[0])[pair_at] == 1)
    rows = np.flatnonzero(home | away)
    offset = _offsets(take(m, rows), named[rows], radar, n)
    inside = (
        fits
        & within
        & (_distance(m, believed, covariance, spread) < GATE)
        & (expected[:, 2] >= NEAR_HORIZON * radar.elevation_cell)
    )
    return Sighting(take(m, _unambiguous(m, pair_at, inside, radar, n)), offset)


def _none() -> Matches:
    z = np.zeros(0)
    return Matches(
        np.zeros(0, np.int64), z, np.zeros((0, 3)), np.zeros((0, 3, 3)), np.zeros((0, 3)), np.zeros((0, 3)), z
    )


def _nearby(d: Detections, w: Trajectories, radar: Radar) -> Detections:
    """The detections of the segment in order of range, without those that measure no place."""
    ok = np.isfinite(d.range + d.azimuth + d.t) & (np.abs(d.t - w.middle) < w.half + 1.0)
    rows = np.flatnonzero(ok)
    return take(d, rows[np.argsort(d.range[rows], kind="stable")])


def _close_in_range(d: Detections, w: Trajectories, radar: Radar, late: float) -> tuple[Array, Array]:
    """Rows of trajectories and detections (m,) each whose ranges agree within RANGE_REACH at some
    time of the segment.
    """
    ends = np.stack(
        [
            np.linalg.norm(np.einsum("i,nia->na", np.array([1.0, s, s * s]), w.coefficient) - radar.place, axis=1)
            for s in (-1.0, 0.0, 1.0)
        ]
    )
    low = np.searchsorted(d.range, ends.min(0) - RANGE_REACH)
    high = np.searchsorted(d.range, ends.max(0) + RANGE_REACH)
    count = np.maximum(high - low, 0)
    of = np.repeat(np.arange(w.address.shape[0]), count)
    start = np.repeat(np.cumsum(count) - count, count)
    return of, np.arange(of.shape[0]) - start + np.repeat(low, count)


def _flown(w: Trajectories, of: Array, s: Array) -> tuple[Array, Array, Array]:
    """Position and velocity (m, 3), and the variance of the position along each axis (m, 3)."""
    basis = np.stack([np.ones_like(s), s, s * s], 1)
    slope = np.stack([np.zeros_like(s), np.ones_like(s), 2.0 * s], 1) / w.half
    c = w.coefficient[of]
    spread = np.einsum("mi,maij,mj->ma", basis, w.covariance[of], basis)
    return np.einsum("mi,mia->ma", basis, c), np.einsum("mi,mia->ma", slope, c), spread


def _noise(d: Detections, rows: Array, radar: Radar) -> Array:
    """Variance (m, 3) of the noise by the radar's books at the strength of each detection."""
    sigma = np.array(
        [
            radar.range_sigma,
            radar.azimuth_sigma,
            radar.elevation_sigma if math.isfinite(radar.elevation_sigma) else MOST_SIGMA,
        ]
    )
    ratio = np.ones(rows.shape[0])
    if math.isfinite(radar.reference_snr):
        snr = d.snr[rows]
        ratio = np.where(
            np.isfinite(snr), 10.0 ** (np.clip(radar.reference_snr - snr, LEAST_NOISE_DB, 20.0) / 10.0), 1.0
        )
    return np.asarray(ratio[:, None] * sigma**2)


def _same_doppler(off: Array, radar: Radar) -> Array:
    """Whether a range rate may be the expected one; where none is measured it may."""
    if math.isfinite(radar.range_rate_span):
        off = off - radar.range_rate_span * np.floor(off / radar.range_rate_span + 0.5)
    sigma = radar.range_rate_sigma if math.isfinite(radar.range_rate_sigma) else 0.0
    return np.isnan(off) | (np.abs(off) <= RATE_REACH + 5.0 * sigma)


def blocks(rate: Array) -> Array:
    """Slopes (m, 3, TERMS) of what a radar measures with its errors.

    rate  (m,) range rate of each detection [m/s]
    """
    B = np.zeros((rate.shape[0], 3, TERMS))
    B[:, (0, 1, 2), (0, 1, 2)] = 1.0
    B[:, :, 3] = -rate
    return B


def _distance(m: Matches, believed: Array, covariance: Array, spread: Array) -> Array:
    """Squared normalised distance (m,) of each pair from what the errors as believed would give."""
    B = blocks(m.rate)
    v = m.z - B @ believed
    v[:, 1] = wrapped(v[:, 1])
    S = np.einsum("mia,ma,mja->mij", m.slope, np.minimum(spread, 1e8), m.slope) + np.einsum(
        "mik,kl,mjl->mij", B, covariance, B
    )
    missing = np.isnan(v)
    v = np.where(missing, 0.0, v)
    S[:, (0, 1, 2), (0, 1, 2)] += np.where(missing, 1e12, m.variance)
    return np.asarray(np.einsum("mi,mi->m", v, np.linalg.solve(S, v[..., None])[..., 0]))


def _unambiguous(m: Matches, at: Array, inside: Array, radar: Radar, n: int) -> Array:
    """Rows of the pairs inside the gate that no other pair of the same detection, or of the same
    aircraft and look, contradicts.
    """
    rows = np.flatnonzero(inside)
    if rows.shape[0] == 0:
        return rows
    rows = rows[np.bincount(at[rows])[at[rows]] == 1]
    rows = rows[np.lexsort((m.t[rows], m.of[rows]))]
    near = (np.diff(m.of[rows]) == 0) & (np.diff(m.t[rows]) < LOOK * radar.revisit)
    twice = np.zeros(rows.shape[0], np.bool_)
    twice[:-1] |= near
    twice[1:] |= near
    rows = rows[~twice]
    seen = np.bincount(m.of[rows], minlength=n)
    return rows[seen[m.of[rows]] >= _least_seen(radar)]


def _least_seen(radar: Radar) -> float:
    """How often an aircraft must be detected in a segment to count as seen."""
    return max(1.0, SHARE_SEEN * SEGMENT / radar.revisit)


def _offsets(m: Matches, named: Array, radar: Radar, n: int) -> Array:
    """Where each aircraft (n, 2) is seen beside where it says it is: the densest place among all
    pairs of the same range and Doppler; nan nowhere dense.
    """
    out = np.full((n, 2), np.nan)
    least = _least_seen(radar)
    for k in np.unique(m.of):
        rows = np.flatnonzero(m.of == k)
        if rows.shape[0] < least:
            continue
        azimuth = m.z[rows, 1]
        order = np.argsort(azimuth, kind="stable")
        around = np.concatenate([azimuth[order], azimuth[order] + 2.0 * np.pi])
        ends = np.searchsorted(around, azimuth[order] + 2.0 * SAME_PLACE, side="right") - np.arange(rows.shape[0])
        best = int(np.argmax(ends))
        inside = rows[order[np.arange(best, best + min(int(ends[best]), rows.shape[0])) % rows.shape[0]]]
        middle = float(azimuth[order[best]]) + float(np.median(wrapped(m.z[inside, 1] - azimuth[order[best]])))
        looks = np.unique(np.round(m.t[inside] / max(LOOK * radar.revisit, 1e-3))).shape[0]
        if looks >= least and (named[inside].all() or inside.shape[0] >= 2):
            e = m.z[inside, 2]
            out[k] = (
                float(wrapped(np.array(middle))),
                float(np.median(e[np.isfinite(e)])) if np.isfinite(e).any() else 0.0,
            )
    return out
