"""Which effector for which threat: those who endanger most people soonest first, and how far from the best possible plan that can be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.picture import Picture
from skywarden.site.model import Site

Array = NDArray[Any]

MOST = 32               # threats looked at in a frame, the worst ones
PATIENCE = 30.0         # s; a threat so much later counts 1/e as much


class Wanted(NamedTuple):
    """A round that would be stopped, if it surely is one and that is safe."""

    row: int            # of the picture's tracks
    worth: float        # people endangered, the later the less


class Plan(NamedTuple):
    """Pairs, and what they are worth beside the most that any plan could be."""

    pairs: tuple[tuple[int, int], ...]      # (row, column) of the values, best first
    value: float
    bound: float

    @property
    def gap(self) -> float:
        """Share of the bound that the plan may fall short of the best."""
        return 0.0 if self.bound <= 0.0 else 1.0 - self.value / self.bound


def wanted(picture: Picture, site: Site) -> list[Wanted]:
    """What threatens something, worst first. Only what threatens something is ever engaged."""
    tracks, threats = picture.tracks, picture.threats
    people: dict[int, float] = {}
    soonest: dict[int, float] = {}
    for k in np.flatnonzero(threats.probability >= site.policy.engage_probability).tolist():
        track = int(threats.track[k])
        # a thing can be worth stopping where nobody is: a runway
        people[track] = people.get(track, 0.0) + max(float(threats.people[k]), float(threats.probability[k]))
        soonest[track] = min(soonest.get(track, math.inf), float(threats.t[k]))
    row_of = {int(number): k for k, number in enumerate(tracks.number)}
    found = [Wanted(row_of[n], p * math.exp(-max(soonest[n] - picture.t, 0.0) / PATIENCE)) for n, p in people.items() if n in row_of]
    return sorted(found, key=lambda w: (-w.worth, w.row))[:MOST]


def values(worth: Sequence[float], reach: Array, site: Site) -> Array:
    """What each engagement would be worth: people spared times the chance to stop the round.

    worth (n,); reach (n, effectors) distance at which each effector would meet each round [m], nan where it must not or cannot.
    The chance is as declared at half reach, half as much again very near, half as much at full reach. Returns (n, effectors); 0 where there is none.
    """
    declared = np.array([effector.kill_probability for effector in site.effectors])
    full = np.array([effector.reach_max for effector in site.effectors])
    chance = np.clip(declared * (1.5 - reach / full), 0.0, 1.0)
    return np.asarray(np.nan_to_num(np.asarray(worth)[:, None] * chance, nan=0.0))


def greedy(values: Array) -> Plan:
    """Pair rows and columns, each at most once, largest value first. Only pairs of positive value.

    values (n, m). The bound is the smaller of what rows, and what columns, could be worth if none stood in another's way.
    """
    positive = np.maximum(np.nan_to_num(values, nan=0.0), 0.0)
    bound = 0.0 if positive.size == 0 else float(min(positive.max(axis=1).sum(), positive.max(axis=0).sum()))
    pairs: list[tuple[int, int]] = []
    rows, columns, value = set(), set(), 0.0
    for flat in np.argsort(-positive, axis=None, kind="stable").tolist():
        row, column = divmod(flat, positive.shape[1])
        if positive[row, column] <= 0.0:
            break
        if row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            pairs.append((row, column))
            value += float(positive[row, column])
    return Plan(tuple(pairs), value, max(bound, value))
