"""What the tracker remembers from one frame to the next: tracks with all their hypotheses, lone detections, the clutter's density."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from skywarden.kernels.ballistics.air import Air
from skywarden.kernels.ballistics.drag import Drags, drag_factor
from skywarden.kernels.ballistics.flight import Earth
from skywarden.kernels.estimation.measure import Sensors
from skywarden.kernels.estimation.motion import STATES
from skywarden.messages.tables import Array
from skywarden.site.model import Site

DETECTIONS = 32             # kept a track: all of its first 8 s at four looks a second
RINGS, SECTORS = 50, 64     # cells of the clutter map
MOST_SHARES = 8             # radars, the first of a site, whose share in a track is kept
UNDECIDED, SURE_PROJECTILE, SURE_AIRCRAFT = 0, 1, 2
DOPPLER_EXTENT = 900.0      # m/s: false alarms are taken to spread over -450 … 450


class Block(NamedTuple):
    """All tracks, one row a track. `m` hypotheses: the site's drag laws in order, then straight flight, then turning flight."""

    number: Array       # (n,) int64    0 while tentative
    time: Array         # (n,) float64  of the states [s]
    born: Array         # (n,) float64
    seen: Array         # (n,) float64
    hits: Array         # (n,) int32
    misses: Array       # (n,) int32    looks in a row that did not see it
    rate: Array         # (n,) float64  share of looks that saw it, fading
    score: Array        # (n,) float64  log-likelihood ratio: a target, against false alarms
    x: Array            # (n, m, 9)
    p: Array            # (n, m, 9, 9)
    ll: Array           # (n, m) float64 log evidence (turning shares straight's); the last column: of a torn piece's fall, over all else; 0 untried
    turn: Array         # (n,) float64  probability of turning, within flight that is not ballistic
    stress: Array       # (n, m) float64 normalised innovation squared a dimension, fading; 1 when all is well
    alive: Array        # (n, m) bool   hypotheses still followed
    prior: Array        # (n,) float64  log odds of projectile from birth place
    decided: Array      # (n,) int8
    address: Array      # (n,) int64
    t: Array            # (n, DETECTIONS) float64 detections kept for fitting
    sensor: Array       # (n, DETECTIONS) int32
    z: Array            # (n, DETECTIONS, 4)
    ratio: Array        # (n, DETECTIONS)   noise variance over the books'
    past: Array         # (n, DETECTIONS)   evidence of straight or turning flight before each of them
    kept: Array         # (n,) int32
    share: Array        # (n, MOST_SHARES) how much the track rests on each radar, sum 1
    anchor: Array       # (n, m, 9)     fitted state at t[0]


class Seeds(NamedTuple):
    """Detections that belong to nothing yet, one row each."""

    t: Array            # (k,)
    sensor: Array       # (k,) int32
    z: Array            # (k, 4)
    ratio: Array        # (k,)


class Model(NamedTuple):
    """Everything about the site that the kernels need."""

    drags: Drags
    air: Air
    earth: Earth
    sensors: Sensors
    mean: Array         # (laws + 1, 9) prior of a fit, by hypothesis
    variance: Array     # (laws + 1, 9)
    n: int              # states alive in ballistic flight, 7 or 9
    extent: Array       # (radars, 4) over which false alarms spread
    limits: Array       # (radars, 6) range min, max, elevation min, max, azimuth from, width
    pd: Array           # (radars,)
    reference: Array    # (radars,) signal to noise at which the books' noise holds [dB]; nan always
    patience: float     # a bit over three of the slowest radar's revisits [s]
    gap: Array          # (radars,) float64 longest time between the two detections that start a track [s]
    bias: Array         # (radars, 3) deviation of each radar's constant error in range [m], azimuth and elevation [rad]; 0 none considered
    cell: Array         # (radars, 4) resolution in range, azimuth, elevation, range rate; 0 perfect, inf not measured


@lru_cache(maxsize=8)
def sensors_of(site: Site) -> tuple[Sensors, Array, Array, Array, Array]:
    """Kernel tables of the site's radars: sensors, extents, limits, detection probability, resolution."""
    radars = site.radars
    place = np.array([r.place for r in radars], np.float64).reshape(-1, 3)
    sigma = np.array([(r.range_sigma, r.azimuth_sigma, r.elevation_sigma, r.range_rate_sigma) for r in radars], np.float64).reshape(-1, 4)
    span = np.array([r.range_rate_span for r in radars], np.float64)
    extent = np.array([
        (r.range_max - r.range_min, r.azimuth_width, max(min(r.elevation_max, 1.22) - r.elevation_min, 0.02), min(DOPPLER_EXTENT, r.range_rate_span))
        for r in radars], np.float64).reshape(-1, 4)
    limits = np.array([
        (r.range_min, r.range_max, r.elevation_min, r.elevation_max, r.azimuth_from, r.azimuth_width) for r in radars], np.float64).reshape(-1, 6)
    pd = np.clip(np.array([r.detection_probability for r in radars], np.float64), 0.05, 0.995)
    cell = np.array([(r.range_cell, r.azimuth_cell, r.elevation_cell, r.range_rate_cell) for r in radars], np.float64).reshape(-1, 4)
    cell = np.where((cell > 0.0).all(axis=1, keepdims=True), np.where(np.isfinite(sigma), cell, np.inf), 0.0)
    return Sensors(place, sigma**2, span), extent, limits, pd, cell


KAPPA_MEAN, KAPPA_SIGMA = 2.29, 0.69    # 1e4 m²/kg over a subsonic C of 1: of rounds whose BC is anything from 2,500 to 7,000 kg/m²; illustrative
PROJECTILE_SPEED = 250.0                # m/s, standard deviation of each component before anything is known
AIRCRAFT_SPEED, AIRCRAFT_CLIMB = 160.0, 35.0      # m/s, likewise: wide enough for a fighter's climb to be judged by its path, not by its speed


@lru_cache(maxsize=8)
def priors_of(site: Site, wind_sigma: float) -> tuple[Array, Array]:
    """Mean and variance (laws + 1, 9) of a new track's state by hypothesis; inf where nothing is known. The last row is straight flight."""
    laws = len(site.laws)
    mean, variance = np.zeros((laws + 1, STATES)), np.full((laws + 1, STATES), np.inf)
    for law in range(laws):
        subsonic = max(float(drag_factor(site.drags, law, 0.6)), 1e-3)
        mean[law, 6] = KAPPA_MEAN / subsonic
        variance[law, 3:] = (PROJECTILE_SPEED**2,) * 3 + ((KAPPA_SIGMA / subsonic) ** 2, max(wind_sigma, 1e-3) ** 2, max(wind_sigma, 1e-3) ** 2)
    variance[laws, 3:6] = AIRCRAFT_SPEED**2, AIRCRAFT_SPEED**2, AIRCRAFT_CLIMB**2
    return mean, variance


def empty_block(m: int, n: int = 0) -> Block:
    """`n` blank tracks of `m` hypotheses."""
    i4, f8, k = np.int32, np.float64, DETECTIONS
    return Block(
        number=np.zeros(n, np.int64), time=np.zeros(n), born=np.zeros(n), seen=np.zeros(n), hits=np.zeros(n, i4), misses=np.zeros(n, i4),
        rate=np.ones(n), score=np.zeros(n), x=np.zeros((n, m, STATES)), p=np.zeros((n, m, STATES, STATES)), ll=np.zeros((n, m)),
        turn=np.full(n, 0.1), stress=np.ones((n, m)), alive=np.ones((n, m), np.bool_), prior=np.zeros(n), decided=np.zeros(n, np.int8),
        address=np.full(n, -1, np.int64), t=np.zeros((n, k)), sensor=np.zeros((n, k), i4), z=np.full((n, k, 4), np.nan), ratio=np.ones((n, k), f8),
        past=np.zeros((n, k)), kept=np.zeros(n, i4), share=np.zeros((n, MOST_SHARES)), anchor=np.zeros((n, m, STATES)),
    )


RANGE_BIAS, AZIMUTH_BIAS, ELEVATION_BIAS = 30.0, math.radians(0.3), math.radians(0.1)   # m, rad, rad, deviations where a site of several radars says none


def biases_of(site: Site) -> Array:
    """Deviations (radars, 3) of the radars' constant errors: declared; else the assumed ones where several radars follow the same targets, 0 otherwise."""
    following = sum(not radar.mode_s and math.isfinite(radar.elevation_sigma) for radar in site.radars)
    assumed = (RANGE_BIAS, AZIMUTH_BIAS, ELEVATION_BIAS) if following > 1 else (0.0, 0.0, 0.0)
    told = np.array([(r.range_bias, r.azimuth_bias, r.elevation_bias) for r in site.radars], np.float64).reshape(-1, 3)
    return np.where(np.isfinite(told), told, np.array(assumed))


def empty_seeds() -> Seeds:
    return Seeds(np.zeros(0), np.zeros(0, np.int32), np.zeros((0, 4)), np.zeros(0))
