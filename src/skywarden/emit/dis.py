"""The simulated world as DIS entities: rounds and aircraft as they fly, and where each round
ended. Nothing says where one began.
"""

from __future__ import annotations

import math

import numpy as np

from skywarden.emit.forms import Target
from skywarden.emit.sending import DatagramsOut
from skywarden.emit.shown import Shown, Stage
from skywarden.errors import UsageError
from skywarden.formats.dis import (
    AIR_BURST,
    AIRCRAFT,
    GROUND_IMPACT,
    ROUND,
    Exercise,
    Kind,
    Placed,
    detonation,
    entity_state,
)
from skywarden.messages.tables import Array
from skywarden.messages.truth import FELL, FLYING, STOPPED

FIRST_AIRCRAFT = 30_001  # entity numbers of aircraft begin here, of rounds at 1
AIRCRAFT_EVERY = 1.0  # seconds between two states of an aircraft
MOST_ENTITIES = 30_000  # rounds, and aircraft, that have numbers of their own


class DisOut(DatagramsOut):
    """Sends one instant after another.

    A round is shown from where a sensor can first see it, as the truth has it for everybody; its
    Detonation names nobody who fired and no target. Interceptors and simulated orders are not
    entities.
    """

    def __init__(self, target: Target, stage: Stage) -> None:
        number = target.options.get("exercise", "1")
        if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= 255:
            raise UsageError(f"exercise={number}: give a whole number from 1 to 255")
        self._exercise, self._stage = Exercise(int(number)), stage
        super().__init__(target)
        self._seen: dict[int, Placed] = {}  # rounds that have been shown, with where they last were
        self._ended: set[int] = set()
        self._aircraft: dict[tuple[int, bytes], int] = {}
        self._there: dict[int, tuple[str, Placed]] = {}
        self._told, self._events = -math.inf, 0

    def datagrams(self, shown: Shown) -> list[bytes]:
        """The protocol data units of one instant, each a datagram.

        shown  what of this instant is shown to other systems
        """
        sent = self._rounds(shown)
        if shown.t - self._told >= AIRCRAFT_EVERY - 1e-9:
            self._told = shown.t
            sent += self._flights(shown)
        return sent

    def _rounds(self, shown: Shown) -> list[bytes]:
        rounds, seconds, sent = shown.truth.rounds, self._stage.seconds(shown.t), []
        placed = self._placed(rounds.position, rounds.velocity)
        for k in range(min(len(rounds.number), MOST_ENTITIES)):
            number = k + 1
            if rounds.outcome[k] == FLYING and placed[k] is not None:
                self._seen[number] = placed[k]  # type: ignore[assignment]
                sent.append(self._state(number, ROUND, f"ROUND {number}", self._seen[number], seconds))
            elif rounds.outcome[k] in (FELL, STOPPED) and number in self._seen and number not in self._ended:
                self._ended.add(number)
                sent += self._end(
                    number, rounds.impact[k] if rounds.outcome[k] == FELL else None, float(rounds.t_end[k])
                )
        return sent

    def _end(self, number: int, impact: Array | None, t: float) -> list[bytes]:
        """A round's Detonation, and its last state: on the ground, or where it was stopped."""
        last = self._seen.pop(number)
        result = AIR_BURST
        if impact is not None:
            result = GROUND_IMPACT
            latitude, longitude, altitude = (float(x[0]) for x in self._stage.earth(impact[None, :]))
            last = last._replace(latitude=latitude, longitude=longitude, altitude=altitude)
        self._events += 1
        seconds = self._stage.seconds(t)
        return [
            detonation(self._exercise, self._events, number, ROUND, last, seconds, result),
            self._state(number, ROUND, f"ROUND {number}", last._replace(velocity=(0.0, 0.0, 0.0)), seconds, gone=True),
        ]

    def _flights(self, shown: Shown) -> list[bytes]:
        craft, seconds, sent = shown.truth.aircraft, self._stage.seconds(shown.t), []
        now: dict[int, tuple[str, Placed]] = {}
        for k, placed in enumerate(self._placed(craft.position, craft.velocity)):
            if placed is None:
                continue
            key = int(craft.address[k]), bytes(craft.callsign[k])
            number = self._aircraft.setdefault(key, FIRST_AIRCRAFT + len(self._aircraft) % MOST_ENTITIES)
            now[number] = key[1].decode("ascii", "replace").strip() or f"AC {number - FIRST_AIRCRAFT + 1}", placed
        for number, (name, placed) in now.items():
            sent.append(self._state(number, AIRCRAFT, name, placed, seconds))
        for number, (name, placed) in self._there.items():
            if number not in now:
                sent.append(self._state(number, AIRCRAFT, name, placed, seconds, gone=True))
        self._there = now
        return sent

    def _state(self, number: int, kind: Kind, name: str, placed: Placed, seconds: float, gone: bool = False) -> bytes:
        return entity_state(self._exercise, number, kind, name, placed, seconds, gone)

    def _placed(self, position: Array, velocity: Array) -> list[Placed | None]:
        """Each row on the earth; None where its place is not to be seen."""
        latitude, longitude, altitude = self._stage.earth(position)
        local = self._stage.local(velocity, longitude)
        good = np.isfinite(latitude) & np.isfinite(local).all(axis=1)
        return [
            Placed(
                float(latitude[k]),
                float(longitude[k]),
                float(altitude[k]),
                (float(local[k, 0]), float(local[k, 1]), float(local[k, 2])),
            )
            if good[k]
            else None
            for k in range(len(good))
        ]
