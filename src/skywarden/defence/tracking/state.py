"""What the tracker remembers from one frame to the next: tracks with all their hypotheses, lone
detections, the clutter's density.
"""

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
CROSS_SECTIONS = 10.0 ** (np.arange(-54.0, 25.0, 6.0) / 10.0)      # m², among which a track's is estimated
SIZES = CROSS_SECTIONS.shape[0]
DOPPLER_EXTENT = 900.0      # m/s: false alarms are taken to spread over -450 … 450


class Block(NamedTuple):
    """All tracks, one row a track.

    `m` hypotheses: the site's drag laws in order, then the loose one (a drag law that holds
    roughly, with steady lift), straight and turning flight.
    """

    number: Array       # (n,) int64    0 while tentative
    time: Array         # (n,) float64  of the states [s]
    born: Array         # (n,) float64
    seen: Array         # (n,) float64
    hits: Array         # (n,) int32
    misses: Array       # (n,) int32    looks in a row that did not see it
    rate: Array         # (n,) float64  share of looks that saw it, fading
    score: Array        # (n,) float64  log-likelihood ratio: a target, against false alarms
    x: Array            # (n, m, 18)
    p: Array            # (n, m, 18, 18)
    # (n, m) float64 log evidence (turning shares straight's); the last column: of a torn piece's fall, over all else; 0
    # untried
    ll: Array
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
    anchor: Array       # (n, m, 18)    fitted state at t[0]
    # (n, SIZES) float64 log-likelihood of each cross-section of CROSS_SECTIONS, from the strength of the echoes
    size: Array


def likeliest(b: Block) -> Array:
    """The ballistic hypothesis (n,) with the greatest evidence among those that each track still
    follows; the first where it follows none.

    b  the track table
    """
    laws = b.x.shape[1] - 2
    return np.asarray(np.where(b.alive[:, :laws], b.ll[:, :laws], -np.inf).argmax(1))


class Seeds(NamedTuple):
    """Detections that belong to nothing yet, one row each."""

    t: Array            # (k,)
    sensor: Array       # (k,) int32
    z: Array            # (k, 4)
    ratio: Array        # (k,)
    excess: Array       # (k,) power over noise power beyond the detection threshold; nan unknown


class Model(NamedTuple):
    """Everything about the site that the kernels need."""

    drags: Drags
    air: Air
    earth: Earth
    sensors: Sensors
    mean: Array         # (laws + 2, 18) prior of a fit, by hypothesis; of kappa its median
    variance: Array     # (laws + 2, 18) of kappa, of its logarithm
    n: int              # states alive in ballistic flight by a law, 7 or 16
    curve: Array        # (laws + 1,) int64 row of the drag laws that each ballistic hypothesis flies by
    living: Array       # (laws + 1,) int64 states alive in each
    doubt: Array        # (laws + 1, 3) noise that acts on each: as `descend` takes it
    favour: Array       # (laws + 1,) log prior of each
    extent: Array       # (radars, 4) over which false alarms spread
    limits: Array       # (radars, 6) range min, max, elevation min, max, azimuth from, width
    pd: Array           # (radars,)
    reference: Array    # (radars,) signal to noise at which the books' noise holds [dB]; nan always
    patience: float     # a bit over three of the slowest radar's revisits [s]
    gap: Array          # (radars,) float64 longest time between the two detections that start a track [s]
    # (radars, 3) deviation of each radar's constant error in range [m], azimuth and elevation [rad]; 0 none considered
    bias: Array
    cell: Array         # (radars, 4) resolution in range, azimuth, elevation, range rate; 0 perfect, inf not measured
    worth: Array        # (radars,) log-likelihood ratio of two detections from which they make a tentative track
    strength: Array     # (radars,) power over noise power of 1 m² at 1 m, by the radar equation; nan no signal model


@lru_cache(maxsize=8)
def sensors_of(site: Site) -> tuple[Sensors, Array, Array, Array, Array]:
    """Kernel tables of the site's radars: sensors, extents, limits, detection probability,
    resolution.
    """
    radars = site.radars
    place = np.array([r.place for r in radars], np.float64).reshape(-1, 3)
    sigma = np.array([(r.range_sigma, r.azimuth_sigma, r.elevation_sigma, r.range_rate_sigma) for r in radars],
        np.float64).reshape(-1, 4)
    span = np.array([r.range_rate_span for r in radars], np.float64)
    extent = np.array([
        (r.range_max - r.range_min, r.azimuth_width, max(min(r.elevation_max, 1.22) - r.elevation_min, 0.02),
            min(DOPPLER_EXTENT, r.range_rate_span))
        for r in radars], np.float64).reshape(-1, 4)
    limits = np.array([
        (r.range_min, r.range_max, r.elevation_min, r.elevation_max, r.azimuth_from, r.azimuth_width) for r in radars],
        np.float64).reshape(-1, 6)
    pd = np.clip(np.array([r.detection_probability for r in radars], np.float64), 0.05, 0.995)
    cell = np.array([(r.range_cell, r.azimuth_cell, r.elevation_cell, r.range_rate_cell) for r in radars],
        np.float64).reshape(-1, 4)
    cell = np.where((cell > 0.0).all(axis=1, keepdims=True), np.where(np.isfinite(sigma), cell, np.inf), 0.0)
    return Sensors(place, sigma**2, span), extent, limits, pd, cell


def curves_of(site: Site) -> Array:
    """Drag law by which each ballistic hypothesis flies, (laws + 1,): each of the site's, and the
    middle one for the loose hypothesis.
    """
    laws = len(site.laws)
    return np.array([*range(laws), laws // 2], np.int64)


def hypotheses(site: Site) -> int:
    """How many hypotheses each track carries.

    site  the site as its defender declared it
    """
    return len(site.laws) + 3


# 1/s, deviation of the sideways acceleration a unit of speed of a round that obeys its law: spin; illustrative
DRIFT_SIGMA = 0.0004
# m/s², of steady acceleration upwards and to the right of a round that obeys none: fins bent, body askew; illustrative
LIFT_SIGMA, ASKEW_SIGMA = 1.5, 0.7
# Deviations of a drag curve's departures from its law, one a ramp of `motion.RAMPS` [ln]: of the stated random family
# of curves (docs/models/outside-judge.md) about G1 and G7
SHAPE_SIGMA = 0.09, 0.17, 0.18, 0.10
# Deviation of the wind error's change with height, over that of its error at the ground
SHEAR_SIGMA = 1.3
LOOSE = -3.0            # log prior of the loose hypothesis beside a law: one round in twenty flies by none
# Noise that acts on a flight by a law, and by it loosely: white acceleration [m²/s³], multiple of the drag curve's
# doubt
QUIET, ROUGHLY = (1e-4, 0.1), (1e-2, 4.0)
WIND_DEPTH = 40_000.0   # m of height over which what is left of the wind's error gains its own variance once more
# 1e4 m²/kg over a subsonic C of 1, of all rounds: half of them weigh more for their area; illustrative
KAPPA_MEDIAN = 1.8
# standard deviation of its logarithm: 0.4 (heaviest shells and rockets) to 8 (light bombs) holds nine of ten;
# illustrative
KAPPA_SPREAD = 0.9
PROJECTILE_SPEED = 250.0                # m/s, standard deviation of each component before anything is known
# m/s, likewise: wide enough for a fighter's climb to be judged by its path, not by its speed
AIRCRAFT_SPEED, AIRCRAFT_CLIMB = 160.0, 35.0


@lru_cache(maxsize=8)
def priors_of(site: Site, wind_sigma: float) -> tuple[Array, Array]:
    """Mean and variance (laws + 2, 18) of a new track's state by hypothesis; inf where nothing is
    known. The last row is straight flight.

    site        the site as its defender declared it
    wind_sigma  standard deviation of the wind, a component [m/s]

    Of kappa, the median and the variance of its logarithm.
    """
    laws = len(site.laws) + 1
    curve = curves_of(site)
    mean, variance = np.zeros((laws + 1, STATES)), np.full((laws + 1, STATES), np.inf)
    aloft = (SHEAR_SIGMA * max(wind_sigma, 1e-3)) ** 2
    for law in range(laws):
        subsonic = max(float(drag_factor(site.drags, curve[law], 0.6)), 1e-3)
        mean[law, 6] = KAPPA_MEDIAN / subsonic
        variance[law, 3:] = (
            (PROJECTILE_SPEED**2,) * 3 + (KAPPA_SPREAD**2, max(wind_sigma, 1e-3) ** 2, max(wind_sigma, 1e-3) ** 2,
             DRIFT_SIGMA**2, *(aloft, aloft), *(v**2 for v in SHAPE_SIGMA),
             LIFT_SIGMA**2, ASKEW_SIGMA**2))
    variance[laws, 3:6] = AIRCRAFT_SPEED**2, AIRCRAFT_SPEED**2, AIRCRAFT_CLIMB**2
    return mean, variance


def empty_block(m: int, n: int = 0) -> Block:
    """`n` blank tracks of `m` hypotheses."""
    i4, f8, k = np.int32, np.float64, DETECTIONS
    return Block(
        number=np.zeros(n, np.int64), time=np.zeros(n), born=np.zeros(n), seen=np.zeros(n), hits=np.zeros(n, i4),
        misses=np.zeros(n, i4),
        rate=np.ones(n), score=np.zeros(n), x=np.zeros((n, m, STATES)), p=np.zeros((n, m, STATES, STATES)),
        ll=np.zeros((n, m)),
        turn=np.full(n, 0.1), stress=np.ones((n, m)), alive=np.ones((n, m), np.bool_), prior=np.zeros(n),
        decided=np.zeros(n, np.int8),
        address=np.full(n, -1, np.int64), t=np.zeros((n, k)), sensor=np.zeros((n, k), i4), z=np.full((n, k, 4),
            np.nan), ratio=np.ones((n, k), f8),
        past=np.zeros((n, k)), kept=np.zeros(n, i4), share=np.zeros((n, MOST_SHARES)), anchor=np.zeros((n, m, STATES)),
        size=np.zeros((n, SIZES)),
    )


# m, rad, rad, deviations where a site of several radars says none
RANGE_BIAS, AZIMUTH_BIAS, ELEVATION_BIAS = 30.0, math.radians(0.3), math.radians(0.1)


def biases_of(site: Site) -> Array:
    """Deviations (radars, 3) of the radars' constant errors: declared; else the assumed ones where
    several radars follow the same targets, 0 otherwise.

    site  the site as its defender declared it
    """
    following = sum(not radar.mode_s and math.isfinite(radar.elevation_sigma) for radar in site.radars)
    assumed = (RANGE_BIAS, AZIMUTH_BIAS, ELEVATION_BIAS) if following > 1 else (0.0, 0.0, 0.0)
    told = np.array([(r.range_bias, r.azimuth_bias, r.elevation_bias) for r in site.radars], np.float64).reshape(-1, 3)
    return np.where(np.isfinite(told), told, np.array(assumed))


def empty_seeds() -> Seeds:
    """A table without tentative detections."""
    return Seeds(np.zeros(0), np.zeros(0, np.int32), np.zeros((0, 4)), np.zeros(0), np.zeros(0))
