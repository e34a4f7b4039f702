"""What a track is: projectile, aircraft or something else, decided by a probability ratio with
hysteresis.
"""

from __future__ import annotations

import math

import numpy as np

from skywarden.defence.tracking.maintain import drags_now, kind_odds
from skywarden.defence.tracking.refit import TORN_LEAST
from skywarden.defence.tracking.state import (
    AIRCRAFT_CLIMB,
    AIRCRAFT_SPEED,
    CROSS_SECTIONS,
    KAPPA_MEDIAN,
    KAPPA_SPREAD,
    PROJECTILE_SPEED,
    SURE_AIRCRAFT,
    SURE_PROJECTILE,
    UNDECIDED,
    Block,
    likeliest,
)
from skywarden.kernels.estimation.motion import DRAG
from skywarden.kernels.geometry.ground import Ground, ground_up
from skywarden.messages.tables import Array

LOW, LOW_ANGLE = 300.0, 0.05     # m, rad: born lower than this above the ground may have come from it
BORN_HIGH = -3.0        # log odds of what appears in the middle of the sky
SOONEST, FEWEST = 0.5, 4    # s of flight seen, and detections, until a decision
SURE = 5.0              # log odds at which a decision falls (0.993); it is turned round only at the opposite bound
UNDONE = 1.0            # log odds from which a dismissal no longer stands
CORRELATED = 2.0        # log odds that an aircraft's own report at the same place adds: evidence, never enough alone
SLOW = 35.0             # m/s: below this most flying things are birds, drones or rotors
SLOWEST_START = 55.0    # m/s: no round leaves the ground slower (a light mortar's least charge: 70 m/s; illustrative)
SLOW_START = 100.0      # m/s: what starts slower, as aircraft land and leave, must show twice PROVEN
TOO_SLOW = 12.0         # log odds that starting slower costs
UNTOLD = -0.1           # log odds at most of what has shown too little: neither dismissed nor assumed
HASTY = 6.0             # s of flight before which what is fast and came from low is dismissed only by a decision
NOT_YET = -2.0          # log odds at least of what is fast, came from low and has shown too little
SURE_TORN = 8.0         # log evidence over all else from which what falls like a light, torn piece is thought one
# m/s, s: what has so much drag is no faster after so long; it then falls at 25 … 80 m/s
TORN_FASTEST, TORN_SLOWED = 110.0, 3.0
# m/s, share of its speed: no helicopter sinks so fast and so steeply, nor an aeroplane so slowly
SINKING, STEEP = 18.0, 0.8
# log odds at most that speed and climb of the first moment add: an aircraft may climb or dive steeply too
LOOKS = 3.0
# log odds that the path itself must have shown before a projectile is decided; thrice that for what was not born low
PROVEN = 4.0
# log odds against an aircraft that flies a parabola, its thrust against its drag, before drag is seen
PARABOLA = 4.0
# 1e4 m²/kg over a subsonic C of 1: deviation of thrust less drag of an aircraft that flies a parabola
THRUST_SPREAD = 0.3
# log odds that the strength of the echoes takes and adds at most: sizes vary with aspect and with radars' books
SIZE_TELLS = -8.0, 3.0
# log odds of size below which a path must show five times PROVEN, and half of it: a thing echoes like an aircraft, or
# nearly
BULKY, SMALLISH = -1.5, 1.0
SMALL_FIRE = -2.0       # log odds of a bullet or a small-calibre shell among all that flies as a round
NODES = np.linspace(-3.5, 3.5, 29)      # standard deviations, over which a round's prior of ln(kappa) is summed
WEIGHTS = np.exp(-0.5 * NODES**2) / np.exp(-0.5 * NODES**2).sum()


def _sizes(middle: float, spread: float) -> Array:
    """Weights (SIZES,) of cross-sections normally distributed in decibels about `middle` with
    deviation `spread` [dB of 1 m²].
    """
    weight = np.exp(-0.5 * ((10.0 * np.log10(CROSS_SECTIONS) - middle) / spread) ** 2)
    return np.asarray(weight / weight.sum())


# Cross-sections, illustrative: of rounds beside aircraft (0.002 to 0.3 m²) and beside bullets (0.003 to 0.1 m²), of
# bullets and shells of small calibre
# (0.3 to 20 cm²), of aircraft (0.3 to 100 m²)
ROUND_SIZE, LIGHT_SIZE, SMALL_SIZE, AIRCRAFT_SIZE = _sizes(-16.0, 7.0), _sizes(-17.0, 5.0), _sizes(-37.0,
    5.0), _sizes(8.0, 8.0)
# Beside one another: small aircraft without people (0.01 to 0.4 m²) and aircraft with (0.5 to 50 m²)
DRONE_SIZE, MANNED_SIZE = _sizes(-12.0, 5.0), _sizes(8.0, 7.0)
SURELY_BULKY = 3.0      # log odds of the second


def bulky(b: Block) -> Array:
    """Numbers (k,) of the confirmed tracks that surely echo like an aircraft with people in it, not
    like a small one without.

    b  the track table
    """
    told = (b.number > 0) & (np.ptp(b.size, 1) > 0.0)
    return np.asarray(b.number[told & (evidence_of_size(b, DRONE_SIZE, MANNED_SIZE) < -SURELY_BULKY)])


def settle(b: Block, mean: Array) -> tuple[Block, Array]:
    """Decides what the evidence allows; also returns the log odds (n,) of projectile.

    b     the track table
    mean  (laws + 2, STATES) means of the priors of a new track's state

    What falls freely, by its path, is never dismissed for want of drag alone, and a dismissal is
    undone sooner than a projectile is: people are under it.
    """
    o, shown = judged(b, mean)
    decided = b.decided.copy()
    decided[(decided == SURE_AIRCRAFT) & (o > UNDONE) & (shown > PROVEN)] = UNDECIDED
    decided[(o > SURE) & (shown > PROVEN)] = SURE_PROJECTILE
    decided[(o < -SURE) & ~((shown > PROVEN) & (kind_odds(b) > 0.0))] = SURE_AIRCRAFT
    return b._replace(decided=decided), o


def judged(b: Block, mean: Array) -> tuple[Array, Array]:
    """Log odds (n,) of projectile: flight, birth place, drag, and what an aircraft nearby says of
    itself; and what the path alone shows of them.

    b     the track table
    mean  (laws + 2, STATES) means of the priors of a new track's state

    Speed and climb of the first moment may raise the odds by LOOKS, no further. Whatever falls
    freely is weighed against an aircraft that flies a parabola, its thrust against its drag: the
    less drag a track shows, the more it may be one, but nothing is dismissed for want of drag
    alone. What appeared in the middle of the sky, or starts slowly, is left undecided until its
    path has shown more.
    """
    o = kind_odds(b) - CORRELATED * (b.address >= 0)
    shown = o - looks(b)
    o = np.where(o > 0.0, np.clip(shown + LOOKS, 0.0, o), o)
    larger = np.clip(evidence_of_size(b, ROUND_SIZE, AIRCRAFT_SIZE), *SIZE_TELLS)
    o = larger - np.logaddexp(-o, -(thrustless(b, mean) + PARABOLA * (1.0 + np.minimum(b.prior, 0.0) / -BORN_HIGH)))
    o = np.where(torn(b, mean), np.minimum(o, -SURE - 1.0), o)
    start = starting_speed(b)
    o -= TOO_SLOW / (1.0 + np.exp(np.clip((start - SLOWEST_START) / 5.0, -30.0, 30.0)))
    young = (b.seen - b.born < SOONEST) | (b.hits < FEWEST)
    early = (b.seen - b.born < HASTY) & (o > -SURE) & (start > 2.0 * SLOWEST_START)
    early |= young & (start > SLOWEST_START)
    o = np.where(early & (b.prior > 0.5 * BORN_HIGH), np.maximum(o, NOT_YET), o)
    unknown = ((b.prior < -0.5) & (shown < 3.0 * PROVEN)) | young
    unknown |= (start < SLOW_START) & (shown < 2.0 * PROVEN)
    unknown |= measured(b) & (((larger < BULKY) & (shown < 5.0 * PROVEN)) | ((larger < SMALLISH)
        & (shown < 0.5 * PROVEN)))
    return np.where(unknown, np.minimum(o, UNTOLD), o), shown


def evidence_of_size(b: Block, one: Array, other: Array) -> Array:
    """Log ratio (n,) of the strength of each track's echoes under sizes as of `one` to that under
    sizes as of `other`, weights (SIZES,) each.

    b  the track table
    """
    most = b.size.max(1)
    chance = np.exp(b.size - most[:, None])
    return np.asarray(np.log(np.maximum(chance @ one, 1e-300)) - np.log(np.maximum(chance @ other, 1e-300)))


def measured(b: Block) -> Array:
    """Tracks (mask) whose echoes say anything of their size: a radar with a signal model saw them.

    b  the track table
    """
    return np.asarray(np.ptp(b.size, 1) > 0.0)


def thrustless(b: Block, mean: Array) -> Array:
    """Log ratio (n,) of the drag that each track shows under a round's prior to that under an
    aircraft whose thrust holds against its drag.

    mean  (laws + 2, 18) prior of the fits, for the median drag of a round
    b     the track table

    The detections' own estimate of kappa is taken out of the belief again: normal, with the
    deviation that they leave. A round's drag is log-normal, such an aircraft's normal about none.
    """
    kappa, variance = drag_of(b, mean)
    # where a fit took its prior's slope, roughly: the belief does not say
    at = np.clip(kappa, 0.5 * KAPPA_MEDIAN, 8.0 * KAPPA_MEDIAN)
    prior = 1.0 / (KAPPA_SPREAD * at) ** 2
    information = 1.0 / np.maximum(variance, 1e-12)
    alone = 1.0 / np.maximum(information - prior, 0.2 * information)
    seen = kappa + alone * prior * at * np.log(at / KAPPA_MEDIAN)
    each = KAPPA_MEDIAN * np.exp(KAPPA_SPREAD * NODES)
    # no sharper than the nodes lie apart
    width = alone[:, None] + (0.5 * KAPPA_SPREAD * (NODES[1] - NODES[0]) * each) ** 2
    likely = -0.5 * ((seen[:, None] - each) ** 2 / width + np.log(width))
    most = likely.max(1)
    round_drag = most + np.log(np.exp(likely - most[:, None]) @ WEIGHTS)
    none = alone + THRUST_SPREAD**2
    return np.asarray(round_drag + 0.5 * (seen**2 / none + np.log(none)))


def drag_of(b: Block, mean: Array) -> tuple[Array, Array]:
    """Kappa over a subsonic C of 1 (n,) at its present Mach number by each track's likeliest drag
    law, and its variance.

    b     the track table
    mean  (laws + 2, STATES) means of the priors of a new track's state
    """
    law = likeliest(b)
    kappa, variance = drags_now(b, law, 0.0)        # near enough for sites below 2 km
    scale = mean[law, DRAG] / KAPPA_MEDIAN
    return kappa / scale, variance / scale**2


def torn(b: Block, mean: Array) -> Array:
    """Which tracks (mask) surely have so much drag that they are light, torn pieces, by their
    likeliest drag law.

    mean  (laws + 2, 18) prior of the fits, for the median drag of a round
    b     the track table
    """
    kappa, variance = drag_of(b, mean)
    return np.asarray(kappa - 2.0 * np.sqrt(np.maximum(variance, 0.0)) > TORN_LEAST)


def looks(b: Block) -> Array:
    """Log odds (n,) of projectile that speed and climb of the first moment alone give, by the
    priors of the fits.

    b  the track table
    """
    v = starting_velocity(b)
    level, climb = (v[:, :2] ** 2).sum(1), v[:, 2] ** 2
    aircraft = level / AIRCRAFT_SPEED**2 + climb / AIRCRAFT_CLIMB**2 + 2.0 * math.log(
        AIRCRAFT_SPEED**2 * AIRCRAFT_CLIMB)
    return np.asarray(0.5 * (aircraft - (level + climb) / PROJECTILE_SPEED**2 - 6.0 * math.log(PROJECTILE_SPEED)))


def starting_speed(b: Block) -> Array:
    """Speed (n,) [m/s] of each track when it was first seen, by its likeliest drag law.

    b  the track table
    """
    return np.asarray(np.sqrt((starting_velocity(b) ** 2).sum(1)))


def starting_velocity(b: Block) -> Array:
    """Velocity (n, 3) [m/s] of each track when it was first seen, by its likeliest drag law.

    b  the track table
    """
    law = likeliest(b)
    return np.asarray(b.anchor[np.arange(law.shape[0]), law, 3:6])


def low_or_far(start: Array, ground: Ground, range_max: float, place: Array) -> Array:
    """Log odds of projectile from where tracks were born, `start` (n, 3): projectiles rise from the
    ground, or come in over the edge.

    range_max  the radar's greatest range [m]
    place      (3,) place of the radar, east north up [m]
    """
    height = start[:, 2] - np.array([ground_up(ground, p[0], p[1]) for p in start])
    away = np.linalg.norm(start - place, axis=1)
    low = height < LOW + np.tan(LOW_ANGLE) * away
    return np.where(low, 0.0, np.where(away > 0.93 * range_max, -1.0, BORN_HIGH))


def probabilities(b: Block, likely: Array, rows: Array, mean: Array) -> Array:
    """Probability of projectile, aircraft and other (k, 3) of tracks `rows` (k,), from the log odds
    (n,) of all.

    b       the track table
    likely  (n,) log odds of a projectile
    mean    (laws + 2, STATES) means of the priors of a new track's state

    What is slow, falls as no aircraft can, or flies as a round but is as small as a bullet, is
    other.
    """
    o, decided = np.clip(likely[rows], -30.0, 30.0), b.decided[rows]
    o = np.where(decided == SURE_PROJECTILE, np.maximum(o, 3.0), np.where(decided == SURE_AIRCRAFT,
        np.minimum(o, -3.0), o))
    small = SMALL_FIRE + evidence_of_size(b, SMALL_SIZE, LIGHT_SIZE)[rows]
    fire = np.where(measured(b)[rows], 1.0 / (1.0 + np.exp(-np.clip(small, -30.0, 30.0))), 0.0)
    p = (1.0 - fire) / (1.0 + np.exp(-o))
    straight = b.x.shape[1] - 2
    v = b.x[rows, straight, 3:6]
    speed = np.sqrt((v**2).sum(1))
    slow = 1.0 / (1.0 + np.exp((speed - SLOW) / 5.0))
    other = np.where(falling(b, rows, v, speed, mean), np.maximum(slow, 0.99), slow)
    other = np.maximum(other, fire / (1.0 + np.exp(-o)))
    return np.stack((p, (1.0 - p) * (1.0 - other), (1.0 - p) * other), 1)


def falling(b: Block, rows: Array, v: Array, speed: Array, mean: Array) -> Array:
    """Which of tracks `rows` (k,) with velocity `v` (k, 3) fall as light, torn pieces do (mask): by
    their drag when young, by how steeply they sink later.

    b      the track table
    speed  (k,) speed of each track [m/s]
    mean   (laws + 2, STATES) means of the priors of a new track's state
    """
    heavy = torn(b, mean) & (kind_odds(b) > SURE_TORN)
    piece = ((b.ll[rows, -1] > SURE_TORN) | heavy[rows]) & ((speed < TORN_FASTEST) | (b.time[rows] - b.born[rows]
        < TORN_SLOWED))
    sinking = (v[:, 2] < -SINKING) & (v[:, 2] < -STEEP * speed) & (speed < TORN_FASTEST)
    return np.asarray(piece | (sinking & (b.hits[rows] > 2 * FEWEST)))
