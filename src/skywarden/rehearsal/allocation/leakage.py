"""How many rounds leak through: closed forms of one volley, and of shooting, looking and shooting
again, against like threats.

All threats are worth the same and every shot has the same chance: what remains to decide is how
many shots to fire before looking. A look may err: it takes a live round for a stopped one, or a
stopped one for a live one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Look(NamedTuple):
    """What an assessment after a shot says, as a confusion matrix."""

    alive_seen: float = 1.0     # probability that a round that still flies is said to fly
    dead_seen: float = 1.0      # probability that a round that was stopped is said to be stopped


PERFECT = Look()


def volley(threats: int, shots: int, chance: float) -> tuple[float, float]:
    """Expected leakers, and the probability that none leaks, when `shots` are spread evenly over
    `threats`.

    chance  kill probability of one shot
    """
    if threats == 0:
        return 0.0, 1.0
    each, more = divmod(shots, threats)
    few, many = (1.0 - chance) ** each, (1.0 - chance) ** (each + 1)
    return (threats - more) * few + more * many, (1.0 - few) ** (threats - more) * (1.0 - many) ** more


def shoot_look_shoot(threats: int, shots: int, chance: float, look: Look = PERFECT) -> tuple[float, int]:
    """Fewest expected leakers over two stages, and how many shots the first should have.

    chance  kill probability of one shot
    look    how well the assessment between the stages tells a stopped threat

    The first stage is spread evenly over all threats, the rest evenly over those said to be still
    flying. Exact, by enumeration.
    """
    reached = [_two_stages(threats, first, shots - first, chance, look) for first in range(shots + 1)]
    best = min(reached)
    return best, next(first for first, leakers in enumerate(reached) if leakers <= best + 1e-12)


def _two_stages(threats: int, first: int, rest: int, chance: float, look: Look) -> float:
    """Expected leakers with `first` shots before the look and `rest` after it."""
    if threats == 0:
        return 0.0
    each, more = divmod(first, threats)
    # joint[a, d]: probability that so many live rounds and so many stopped ones are said to be flying
    joint = np.zeros((threats + 1, threats + 1))
    joint[0, 0], hidden = 1.0, 0.0
    for k in range(threats):
        live = (1.0 - chance) ** (each + (k < more))
        seen, ghost = live * look.alive_seen, (1.0 - live) * (1.0 - look.dead_seen)
        hidden += live * (1.0 - look.alive_seen)
        grown = joint * (1.0 - seen - ghost)
        grown[1:] += joint[:-1] * seen
        grown[:, 1:] += joint[:, :-1] * ghost
        joint = grown
    leakers = hidden
    for a in range(1, threats + 1):
        for d in range(threats - a + 1):
            if joint[a, d] > 0.0:
                leakers += joint[a, d] * a * volley(a + d, rest, chance)[0] / (a + d)
    return leakers
