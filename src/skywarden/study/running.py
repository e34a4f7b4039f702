"""The driver of a study: which runs are missing, handed out by looks, kept as they come back, until
enough is known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from skywarden.errors import SkywardenError
from skywarden.study import stopping
from skywarden.study.engines import Engine
from skywarden.study.store import Row, Store

TRIES_BEFORE_DOUBT = 5  # runs that may fail at the start before the study is given up
FAILED_SHARE = 0.05  # of the runs that may fail later on


class RunsError(SkywardenError):
    """Too many runs of a study failed."""


class Cell(NamedTuple):
    """One design under one condition of one scenario: what is flown with every seed."""

    design: str
    scenario: str
    condition: str
    site: tuple[tuple[str, bytes], ...]
    files: tuple[tuple[str, bytes], ...]
    key_of: Callable[[int], str]


class Progress(NamedTuple):
    """How far it is: runs made now, runs found, runs to come until the next look, all wanted at
    most, and the rate [runs/s].
    """

    made: int
    found: int
    wanted: int
    at_most: int
    rate: float

    @property
    def left_s(self) -> float:
        """Seconds until the next look, at the rate so far; inf unknown."""
        return (self.wanted - self.made) / self.rate if self.rate > 0.0 else float("inf")


class Conducted(NamedTuple):
    """How a study went."""

    seeds: int  # for which every cell has its row
    look: int  # at which it stopped; 0 where the number of runs was fixed in advance
    made: int
    found: int
    failed: tuple[str, ...]
    why: str  # it stopped


def conduct(
    cells: Sequence[Cell],
    seeds: range,
    job_of: Callable[[Cell, int], Any],
    store: Store,
    engine: Engine,
    *,
    enough: Callable[[range, int], bool] | None,
    seconds_at_most: float,
    told: Callable[[Progress], None],
    stopped: Callable[[], bool],
) -> Conducted:
    """Make every run that is missing, up to the look at which `enough` says so.

    enough           (seeds so far, number of the look) -> whether to stop; None: all seeds, fixed
                     in advance
    stopped          whether somebody wants it to end now
    cells            designs and seeds to be flown
    job_of           makes the job of a cell
    store            where rows are kept
    engine           where runs are flown
    seconds_at_most  time after which no further run is begun [s]
    told             function that is told of the progress
    """
    begun, made, found, failed = time.monotonic(), 0, 0, list[str]()
    stages = list(stopping.looks(len(seeds))) if enough is not None else [(0, len(seeds))]
    before, whole, look, why = 0, 0, 0, "all seeds are flown"
    for look, until in stages:
        missing = [(cell, seed) for seed in seeds[before:until] for cell in cells if cell.key_of(seed) not in store]
        found += (until - before) * len(cells) - len(missing)
        over = _fly(
            missing,
            job_of,
            store,
            engine,
            begun,
            made,
            found,
            len(seeds) * len(cells),
            seconds_at_most,
            told,
            stopped,
            failed,
        )
        made += over.made
        before, whole = until, whole if over.why else until
        if over.why:
            why = over.why
            break
        if enough is not None and enough(seeds[:until], look):
            why = "what was asked for is known"
            break
    store.fold()
    return Conducted(
        whole if enough is not None else _whole(cells, seeds, store), look, made, found, tuple(failed), why
    )


def _whole(cells: Sequence[Cell], seeds: range, store: Store) -> int:
    """How many seeds from the first on have every row; a seed that cannot be flown ends nothing,
    its rows are left out later.
    """
    done = [k for k, seed in enumerate(seeds) if all(cell.key_of(seed) in store for cell in cells)]
    return done[-1] + 1 if done else 0


class _Over(NamedTuple):
    made: int
    why: str


def _fly(
    missing: list[tuple[Cell, int]],
    job_of: Callable[[Cell, int], Any],
    store: Store,
    engine: Engine,
    begun: float,
    made: int,
    found: int,
    at_most: int,
    seconds_at_most: float,
    told: Callable[[Progress], None],
    stopped: Callable[[], bool],
    failed: list[str],
) -> _Over:
    left, done, since = list(enumerate(missing))[::-1], 0, time.monotonic()
    while True:
        while left and engine.room:
            number, (cell, seed) = left.pop()
            engine.submit(number, job_of(cell, seed))
        answer = engine.next()
        if answer is None:
            return _Over(done, "")
        cell, seed = missing[answer.number]
        if answer.error:
            failed.append(f"{cell.design}, {cell.scenario}, seed {seed}: {answer.error}")
            if len(failed) >= TRIES_BEFORE_DOUBT and len(failed) > FAILED_SHARE * (made + done):
                raise RunsError("\n".join([f"{len(failed)} runs failed:", *failed[:TRIES_BEFORE_DOUBT]]))
        else:
            result = answer.result
            about = {
                "cpu_s": result.cpu_s,
                "machine": result.machine,
                "versions": result.versions,
                "attempts": answer.attempts,
            }
            store.put(Row(cell.key_of(seed), result.figures, result.rounds, about))
            done += 1
        now = time.monotonic()
        told(Progress(made + done, found, made + len(missing), at_most, done / max(now - since, 1e-9)))
        if stopped():
            return _Over(done, "it was interrupted")
        if now - begun > seconds_at_most:
            return _Over(done, "its time was up")
