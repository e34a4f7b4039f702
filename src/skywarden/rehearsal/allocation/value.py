"""What is at stake with each round, and what one engagement would save: the numbers that allocation
weighs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.picture import Picture
from skywarden.rehearsal.allocation import assign
from skywarden.site.model import Site

Array = NDArray[Any]

MOST = 256              # threats looked at in a frame, the worst ones
PATIENCE = 30.0         # s; a threat so much later counts 1/e as much just now


class Wanted(NamedTuple):
    """A round that would be stopped, if it surely is one and that is safe."""

    row: int            # of the picture's tracks
    people: float       # expected to be endangered
    soonest: float      # time of the earliest impact that endangers somebody [s]


def wanted(picture: Picture, site: Site) -> list[Wanted]:
    """What threatens something, worst first. Only what threatens something is ever engaged.

    picture  what is believed at this frame
    site     the site as its defender declared it
    """
    tracks, threats = picture.tracks, picture.threats
    people: dict[int, float] = {}
    soonest: dict[int, float] = {}
    for k in np.flatnonzero(threats.probability >= site.policy.engage_probability).tolist():
        track = int(threats.track[k])
        # a thing can be worth stopping where nobody is: a runway
        people[track] = people.get(track, 0.0) + max(float(threats.people[k]), float(threats.probability[k]))
        soonest[track] = min(soonest.get(track, math.inf), float(threats.t[k]))
    row_of = {int(number): k for k, number in enumerate(tracks.number)}
    found = [Wanted(row_of[n], p, soonest[n]) for n, p in people.items() if n in row_of]
    return sorted(found, key=lambda w: (-worth(w, picture.t), w.row))[:MOST]


def worth(threat: Wanted, t: float) -> float:
    """What stopping a threat is worth at time t: the people, less the longer there is still time."""
    return threat.people * math.exp(-max(threat.soonest - t, 0.0) / PATIENCE)


def kept(left: Sequence[int], site: Site) -> Array:
    """What a shot that is kept is worth (effectors,): nothing with a full magazine, the policy's
    `reserve` for its last shot.

    left  (effectors,) shots left
    site  the site as its defender declared it
    """
    full = np.array([max(effector.magazine, 1) for effector in site.effectors])
    return np.asarray(site.policy.reserve * (1.0 - np.maximum(np.asarray(left) - 1, 0) / np.maximum(full - 1, 1)))


def pairing(worths: Sequence[float], chance: Array, keep: Array) -> tuple[tuple[tuple[int, int], ...], assign.Plan]:
    """Which threat which effector takes now, each at most once, and the plan with its bound.

    worths (n,); chance (n, effectors) to stop it, 0 where it must not or cannot; keep (effectors,)
    worth of a shot kept.

    One engagement at a time for each threat: after it comes the look. Where the best plan would
    spend two at once, the surer one goes ahead, and the other effector is offered to the threats
    that have none.
    """
    some: Array = np.flatnonzero(chance.any(axis=1))
    spared = float(sum(worths)) - float(sum(worths[k] for k in some.tolist()))      # nothing can be done about these
    shots, chance = np.ones(chance.shape[1], np.int64), chance[some]
    asked = assign.problem(np.asarray(worths, float)[some], chance, shots, keep)
    plan = assign.fast(asked)
    counts = np.zeros_like(plan.counts)
    offered, planned = asked, plan.counts
    for _ in range(chance.shape[1]):
        for row in np.flatnonzero(planned.sum(axis=1)).tolist():
            counts[row, int(np.argmax(np.where(planned[row] > 0, chance[row], -1.0)))] = 1
        spent, met = counts.sum(axis=0), counts.sum(axis=1)
        if planned.sum() <= (planned.sum(axis=1) > 0).sum():
            break
        offered = asked._replace(chance=np.where(met[:, None] > 0, 0.0, chance), shots=shots - spent)
        planned = assign.fast(offered).counts
    rows, columns = np.nonzero(counts)
    pairs = tuple(zip(some[rows].tolist(), columns.tolist(), strict=True))
    return pairs, plan._replace(counts=counts, objective=assign.objective(asked, counts) + spared,
        lower_bound=plan.lower_bound + spared)
