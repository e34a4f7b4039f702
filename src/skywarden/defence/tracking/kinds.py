"""What a track is: projectile, aircraft or something else, decided by a probability ratio with hysteresis."""

from __future__ import annotations

import numpy as np

from skywarden.defence.tracking.life import kind_odds
from skywarden.defence.tracking.memory import SURE_AIRCRAFT, SURE_PROJECTILE, Block
from skywarden.messages.frame import Frame
from skywarden.messages.tables import Array
from skywarden.site.model import Site

SURE = 5.0              # log odds at which a decision falls (0.993); it is turned round only at the opposite bound
SLOW = 35.0             # m/s: below this most flying things are birds, drones or rotors


def settle(b: Block, frame: Frame, site: Site, clutter: Array) -> Block:
    """Decides what the evidence allows."""
    o = kind_odds(b)
    decided = b.decided.copy()
    decided[o > SURE] = SURE_PROJECTILE
    decided[o < -SURE] = SURE_AIRCRAFT
    return b._replace(decided=decided)


def probabilities(b: Block) -> Array:
    """Probability of projectile, aircraft and other (n, 3)."""
    o = np.clip(kind_odds(b), -30.0, 30.0)
    o = np.where(b.decided == SURE_PROJECTILE, np.maximum(o, 3.0), np.where(b.decided == SURE_AIRCRAFT, np.minimum(o, -3.0), o))
    p = 1.0 / (1.0 + np.exp(-o))
    straight = b.x.shape[1] - 2
    speed = np.sqrt((b.x[:, straight, 3:6] ** 2).sum(1))
    slow = 1.0 / (1.0 + np.exp((speed - SLOW) / 5.0))
    return np.stack((p, (1.0 - p) * (1.0 - slow), (1.0 - p) * slow), 1)
