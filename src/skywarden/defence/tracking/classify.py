"""What a track is: projectile, aircraft or something else, decided by a probability ratio with hysteresis."""

from __future__ import annotations

import math

import numpy as np

from skywarden.defence.tracking.maintain import kind_odds
from skywarden.defence.tracking.state import AIRCRAFT_CLIMB, AIRCRAFT_SPEED, KAPPA_MEAN, KAPPA_SIGMA, PROJECTILE_SPEED, SURE_AIRCRAFT, SURE_PROJECTILE, Block
from skywarden.kernels.geometry.ground import Ground, ground_up
from skywarden.messages.tables import Array

LOW, LOW_ANGLE = 300.0, 0.05     # m, rad: born lower than this above the ground may have come from it
BORN_HIGH = -3.0        # log odds of what appears in the middle of the sky
NO_DRAG = 0.4           # share of an ordinary projectile's drag (BC beyond 11,000 kg/m²) below which nothing that falls freely is known
SOONEST, FEWEST = 0.5, 4    # s of flight seen, and detections, until a decision
SURE = 5.0              # log odds at which a decision falls (0.993); it is turned round only at the opposite bound
CORRELATED = 2.0        # log odds that an aircraft's own report at the same place adds: evidence, never enough alone
SLOW = 35.0             # m/s: below this most flying things are birds, drones or rotors
SLOWEST_START = 55.0    # m/s: no round leaves the ground slower (a light mortar's least charge: 70 m/s; illustrative)
SLOW_START = 100.0      # m/s: what starts slower, as aircraft land and leave, must show twice PROVEN
TOO_SLOW = 6.0          # log odds that starting slower costs
UNTOLD = -0.1           # log odds at most of what has shown too little: neither dismissed nor assumed
HASTY = 6.0             # s of flight before which what is fast and came from low is dismissed only by a decision
NOT_YET = -2.0          # log odds at least of what is fast, came from low and has shown too little
SURE_TORN = 8.0         # log evidence over all else from which what falls like a light, torn piece is thought one
TORN_FASTEST, TORN_SLOWED = 110.0, 3.0      # m/s, s: what has so much drag is no faster after so long; it then falls at 25 … 80 m/s
SINKING, STEEP = 18.0, 0.8      # m/s, share of its speed: no helicopter sinks so fast and so steeply, nor an aeroplane so slowly
LOOKS = 3.0             # log odds at most that speed and climb of the first moment add: an aircraft may climb or dive steeply too
PROVEN = 4.0            # log odds that the path itself must have shown before a projectile is decided; thrice that for what was not born low
PARABOLA = 3.0          # log odds against an aircraft that flies a parabola, its thrust against its drag, before drag is seen
DRAG_SPREAD = 0.35, 0.15     # standard deviation of drag as a share of an ordinary round's: of rounds about 1, of such aircraft about 0


def settle(b: Block, mean: Array) -> tuple[Block, Array]:
    """Decides what the evidence allows; also returns the log odds (n,) of projectile."""
    o, shown = judged(b, mean)
    decided = b.decided.copy()
    decided[(o > SURE) & (shown > PROVEN)] = SURE_PROJECTILE
    decided[o < -SURE] = SURE_AIRCRAFT
    return b._replace(decided=decided), o


def judged(b: Block, mean: Array) -> tuple[Array, Array]:
    """Log odds (n,) of projectile: flight, birth place, drag, and what an aircraft nearby says of itself; and what the path alone shows of them.

    Speed and climb of the first moment may raise the odds by LOOKS, no further. An aircraft flying a parabola has thrust against its drag: where the
    drag seen is nearer to none than to a round's, the odds are no better than that. What surely has no drag is no projectile; what appeared in the middle
    of the sky is none for sure until its path and its drag have shown it. Of these caps only sure want of drag dismisses: the others leave undecided.
    """
    o = kind_odds(b) - CORRELATED * (b.address >= 0)
    shown = o - looks(b)
    o = np.where(o > 0.0, np.clip(shown + LOOKS, 0.0, o), o)
    drag, doubt = drag_seen(b, mean)
    round_spread, none_spread = np.hypot(DRAG_SPREAD[0], doubt), np.hypot(DRAG_SPREAD[1], doubt)
    thrust = 0.5 * ((drag / none_spread) ** 2 - ((drag - 1.0) / round_spread) ** 2) + np.log(none_spread / round_spread)
    o = np.where(drag < 1.0, np.minimum(o, np.maximum(thrust + PARABOLA, UNTOLD)), o)
    o = np.where(drag + 4.0 * doubt < NO_DRAG, np.minimum(o, -SURE - 1.0), o)
    o -= TOO_SLOW / (1.0 + np.exp(np.clip((starting_speed(b) - SLOWEST_START) / 5.0, -30.0, 30.0)))
    young = (b.seen - b.born < SOONEST) | (b.hits < FEWEST)
    early = (b.seen - b.born < HASTY) & (o > -SURE) & (starting_speed(b) > 2.0 * SLOWEST_START)
    early |= young & (starting_speed(b) > SLOWEST_START)
    o = np.where(early & (b.prior > 0.5 * BORN_HIGH), np.maximum(o, NOT_YET), o)
    unknown = ((b.prior < -0.5) & ((drag - 4.0 * doubt < NO_DRAG) | (shown < 3.0 * PROVEN))) | young
    unknown |= (starting_speed(b) < SLOW_START) & (shown < 2.0 * PROVEN)
    return np.where(unknown, np.minimum(o, UNTOLD), o), shown


def looks(b: Block) -> Array:
    """Log odds (n,) of projectile that speed and climb of the first moment alone give, by the priors of the fits."""
    v = starting_velocity(b)
    level, climb = (v[:, :2] ** 2).sum(1), v[:, 2] ** 2
    aircraft = level / AIRCRAFT_SPEED**2 + climb / AIRCRAFT_CLIMB**2 + 2.0 * math.log(AIRCRAFT_SPEED**2 * AIRCRAFT_CLIMB)
    return np.asarray(0.5 * (aircraft - (level + climb) / PROJECTILE_SPEED**2 - 6.0 * math.log(PROJECTILE_SPEED)))


def starting_speed(b: Block) -> Array:
    """Speed (n,) [m/s] of each track when it was first seen, by its likeliest drag law."""
    return np.asarray(np.sqrt((starting_velocity(b) ** 2).sum(1)))


def starting_velocity(b: Block) -> Array:
    """Velocity (n, 3) [m/s] of each track when it was first seen, by its likeliest drag law."""
    laws = b.x.shape[1] - 2
    law = np.where(b.alive[:, :laws], b.ll[:, :laws], -np.inf).argmax(1)
    return np.asarray(b.anchor[np.arange(law.shape[0]), law, 3:6])


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
    """Probability of projectile, aircraft and other (k, 3) of tracks `rows` (k,), from the log odds (n,) of all.

    What is slow, or falls as no aircraft can, is other unless it is a projectile.
    """
    o, decided = np.clip(likely[rows], -30.0, 30.0), b.decided[rows]
    o = np.where(decided == SURE_PROJECTILE, np.maximum(o, 3.0), np.where(decided == SURE_AIRCRAFT, np.minimum(o, -3.0), o))
    p = 1.0 / (1.0 + np.exp(-o))
    straight = b.x.shape[1] - 2
    v = b.x[rows, straight, 3:6]
    speed = np.sqrt((v**2).sum(1))
    slow = 1.0 / (1.0 + np.exp((speed - SLOW) / 5.0))
    other = np.where(falling(b, rows, v, speed), np.maximum(slow, 0.99), slow)
    return np.stack((p, (1.0 - p) * (1.0 - other), (1.0 - p) * other), 1)


def falling(b: Block, rows: Array, v: Array, speed: Array) -> Array:
    """Which of tracks `rows` (k,) with velocity `v` (k, 3) fall as light, torn pieces do (mask): by their drag when young, by how steeply they sink later."""
    torn = (b.ll[rows, -1] > SURE_TORN) & ((speed < TORN_FASTEST) | (b.time[rows] - b.born[rows] < TORN_SLOWED))
    sinking = (v[:, 2] < -SINKING) & (v[:, 2] < -STEEP * speed) & (speed < TORN_FASTEST)
    return np.asarray(torn | (sinking & (b.hits[rows] > 2 * FEWEST)))
