"""Simulated sirens: each answers what its zones are warned of, until an inject makes it dead.

They stand in for real channels where a simulation has none, so that people can learn what a siren
that does not answer looks like.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.picture import NO_STAGE, Warnings
from skywarden.messages.receipts import DELIVERED, NOT_ANSWERED, UNANSWERED, WORKING, Channels, Receipts
from skywarden.simulator.scenario.model import Siren
from skywarden.simulator.sensing.chance import Chance
from skywarden.site.model import Site

Array = NDArray[Any]

SIGN_S = 2.0  # seconds between two signs of life of a siren
SILENT_S = 5.0  # seconds without one, or without an answer, after which it is said not to answer
ANSWER_S = (0.3, 1.2)  # seconds that an answer takes


class Sirens:
    """All simulated sirens of a run. Fed the warnings of each picture; asked once a frame."""

    def __init__(self, sirens: tuple[Siren, ...], site: Site, chance: Chance) -> None:
        self._sirens, self._site = sirens, site
        self._zones = [{i for i, zone in enumerate(site.zones) if not s.zones or zone.name in s.zones} for s in sirens]
        self._latency = [chance.keyed(f"siren {s.name}") for s in sirens]
        self._told: dict[int, int] = {}  # by zone: the stage last said
        self._due: list[
            tuple[float, int, int, int, float, str]
        ] = []  # when heard, siren, zone, stage, latency, message
        self._count = 0
        n = len(sirens)
        self._delivered, self._expired = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._newest, self._died = np.full(n, np.nan), np.full(n, np.inf)

    def warn(self, t: float, warnings: Warnings, dead: frozenset[str]) -> None:
        """Tell every siren what has changed in its zones by the picture at t.

        warnings  the picture's warnings
        dead      names of sirens that are dead
        """
        for zone, stage in zip(warnings.zone.tolist(), warnings.stage.tolist(), strict=True):
            if stage == NO_STAGE or self._told.get(zone) == stage:
                continue
            self._told[zone] = stage
            self._count += 1
            for k, siren in enumerate(self._sirens):
                if zone in self._zones[k]:
                    low, high = ANSWER_S
                    drawn = float(self._latency[k].uniform(self._count, np.array([zone]), 1)[0, 0])
                    latency = math.nan if siren.name in dead else low + (high - low) * drawn
                    heard = t + (SILENT_S if math.isnan(latency) else latency)
                    self._due.append((heard, k, zone, stage, latency, f"{self._site.zones[zone].name}/{self._count}"))

    def report(self, t: float, dead: frozenset[str]) -> tuple[Channels, Receipts]:
        """How the sirens fare at t, and what was heard of single messages by then.

        dead  names of sirens that are dead
        """
        here = sorted(one for one in self._due if one[0] <= t)
        self._due = [one for one in self._due if one[0] > t]
        for _, k, _, _, latency, _ in here:
            if math.isnan(latency):
                self._expired[k] += 1
            else:
                self._delivered[k] += 1
                self._newest[k] = latency
        for k, siren in enumerate(self._sirens):
            self._died[k] = min(self._died[k], t) if siren.name in dead else math.inf
        alive = np.isinf(self._died)
        age = np.where(alive, t % SIGN_S, t - np.where(alive, 0.0, self._died))
        silent = ~alive & (age > SILENT_S)
        waiting = np.array([sum(one[1] == k for one in self._due) for k in range(len(self._sirens))], np.int32)
        channels = Channels(
            np.array([s.name.encode() for s in self._sirens], "S64"),
            np.where(silent, UNANSWERED, WORKING).astype(np.int8),
            waiting,
            self._delivered.copy(),
            self._delivered.copy(),
            self._expired.copy(),
            self._newest.copy(),
            age,
            np.where(silent, b"no answer", b"").astype("S120"),
        )
        n = len(here)
        receipts = Receipts(
            np.array([one[0] for one in here], np.float64),
            np.array([one[1] for one in here], np.int32),
            np.array([one[2] for one in here], np.int32),
            np.array([one[3] for one in here], np.int8),
            np.array([NOT_ANSWERED if math.isnan(one[4]) else DELIVERED for one in here], np.int8),
            np.array([one[4] for one in here], np.float64),
            np.array([one[5].encode() for one in here], "S160").reshape(n),
            np.array(
                [b"" if math.isnan(one[4]) else self._sirens[one[1]].name.encode() for one in here], "S64"
            ).reshape(n),
        )
        return channels, receipts
