"""What a track is: projectile, aircraft or something else, decided by a probability ratio with hysteresis."""

from __future__ import annotations

import numpy as np

from skywarden.defence.tracking.life import kind_odds
from skywarden.defence.tracking.memory import KAPPA_MEAN, KAPPA_SIGMA, SURE_AIRCRAFT, SURE_PROJECTILE, Block
from skywarden.geometry.ground import Ground, ground_up
from skywarden.messages.tables import Array

LOW, LOW_ANGLE = 300.0, 0.05     # m, rad: born lower than this above the ground may have come from it
BORN_HIGH = -3.0        # log odds of what appears in the middle of the sky
NO_DRAG = 0.4           # share of an ordinary projectile's drag (BC beyond 11,000 kg/m²) below which nothing that falls freely is known
SOONEST, FEWEST = 0.5, 4    # s of flight seen, and detections, until a decision
SURE = 5.0              # log odds at which a decision falls (0.993); it is turned round only at the opposite bound
CORRELATED = 2.0        # log odds that an aircraft's own report at the same place adds: evidence, never enough alone
SLOW = 35.0             # m/s: below this most flying things are birds, drones or rotors
SLOWEST_START = 55.0    # m/s: no round leaves the ground slower (a light mortar's least charge: 70 m/s; illustrative)
TOO_SLOW = 6.0          # log odds that starting slower costs
UNTOLD = -0.1           # log odds at most of what has shown too little: neither dismissed nor assumed


def settle(b: Block, mean: Array) -> tuple[Block, Array]:
    """Decides what the evidence allows; also returns the log odds (n,) of projectile."""
    o = judged(b, mean)
    decided = b.decided.copy()
    decided[o > SURE] = SURE_PROJECTILE
    decided[o < -SURE] = SURE_AIRCRAFT
    return b._replace(decided=decided), o


def judged(b: Block, mean: Array) -> Array:
    """Log odds (n,) of projectile: flight, birth place, drag, and what an aircraft nearby says of itself.

    An aircraft flying a parabola has thrust against its drag. What surely has no drag is no projectile; what appeared in the middle of the sky
    is none for sure until its drag has been seen.
    """
    o = kind_odds(b) - CORRELATED * (b.address >= 0)
    drag, doubt = drag_seen(b, mean)
    o = np.where(drag + 4.0 * doubt < NO_DRAG, np.minimum(o, -SURE - 1.0), o)
    o -= TOO_SLOW / (1.0 + np.exp(np.clip((starting_speed(b) - SLOWEST_START) / 5.0, -30.0, 30.0)))
    unknown = ((b.prior < 0.5 * BORN_HIGH) & (drag - 3.0 * doubt < 0.0)) | (b.seen - b.born < SOONEST) | (b.hits < FEWEST)
    return np.where(unknown, np.minimum(o, UNTOLD), o)


def starting_speed(b: Block) -> Array:
    """Speed (n,) [m/s] of each track when it was first seen, by its likeliest drag law."""
    laws = b.x.shape[1] - 2
    law = np.where(b.alive[:, :laws], b.ll[:, :laws], -np.inf).argmax(1)
    v = b.anchor[np.arange(law.shape[0]), law, 3:6]
    return np.asarray(np.sqrt((v * v).sum(1)))


def drag_seen(b: Block, mean: Array) -> tuple[Array, Array]:
    """Drag of each track as a share of an ordinary projectile's, and its standard deviation, (n,) each: what the detections alone say.

    mean  (laws + 1, 9) prior of the fits; its own weight is taken out of the estimate again
    """
    laws = b.x.shape[1] - 2
    law = np.where(b.alive[:, :laws], b.ll[:, :laws], -np.inf).argmax(1)
    row = np.arange(law.shape[0])
    scale = mean[law, 6]
    prior = (KAPPA_MEAN / KAPPA_SIGMA) ** 2
    known = (scale**2) / np.maximum(b.p[row, law, 6, 6], 1e-12)
    information = np.maximum(known - prior, 1e-3)
    return (b.x[row, law, 6] / scale * known - prior) / information, 1.0 / np.sqrt(information)


def low_or_far(start: Array, ground: Ground, range_max: float, place: Array) -> Array:
    """Log odds of projectile from where tracks were born, `start` (n, 3): projectiles rise from the ground, or come in over the edge."""
    height = start[:, 2] - np.array([ground_up(ground, p[0], p[1]) for p in start])
    away = np.linalg.norm(start - place, axis=1)
    low = height < LOW + np.tan(LOW_ANGLE) * away
    return np.where(low, 0.0, np.where(away > 0.93 * range_max, -1.0, BORN_HIGH))


def probabilities(b: Block, likely: Array, rows: Array) -> Array:
    """Probability of projectile, aircraft and other (k, 3) of tracks `rows` (k,), from the log odds (n,) of all."""
    o, decided = np.clip(likely[rows], -30.0, 30.0), b.decided[rows]
    o = np.where(decided == SURE_PROJECTILE, np.maximum(o, 3.0), np.where(decided == SURE_AIRCRAFT, np.minimum(o, -3.0), o))
    p = 1.0 / (1.0 + np.exp(-o))
    straight = b.x.shape[1] - 2
    speed = np.sqrt((b.x[rows, straight, 3:6] ** 2).sum(1))
    slow = 1.0 / (1.0 + np.exp((speed - SLOW) / 5.0))
    return np.stack((p, (1.0 - p) * (1.0 - slow), (1.0 - p) * slow), 1)
