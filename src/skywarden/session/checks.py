"""A record run again, or judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from skywarden.messages.drill import Drill
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.pipeline.simulated import stepper
from skywarden.record.reader import Record, foreign
from skywarden.site.load import from_sources
from skywarden.verification.drills import Violation, violations
from skywarden.verification.repeat import Comparison
from skywarden.verification.repeat import check_record as compare


def check_record(path: Path, talk: Console) -> Comparison:
    """Run a record's frames through the same functions again; says where they first differ.

    path  the record's file
    talk  where people are spoken to: standard error
    """
    with foreign(path), Record(path) as record, Progress(console=talk, transient=True,
            disable=not talk.is_terminal) as bar:
        site = from_sources(record.header.site_sources, record.header.site)
        task = bar.add_task("comparing", total=len(record))
        steps = stepper(site, record.simulation)
        steps.survived = lambda frame, error: None      # as in the run itself; its drill is compared like others
        return compare(record, steps.step, lambda frames: bar.update(task, completed=frames), steps.put_back)


@dataclass(frozen=True)
class Judgement:
    """What the independent checker found in the drills of a record."""

    frames: int
    clearances: int             # given
    orders: int
    violations: tuple[Violation, ...]
    faults: tuple[str, ...]     # of the record itself: it is not as it was written


def judge_record(path: Path, talk: Console) -> Judgement:
    """Check every clearance given and every order of a record, with code that shares nothing with
    what gave them.

    path  the record's file
    talk  where people are spoken to: standard error
    """
    with foreign(path), Record(path) as record, Progress(console=talk, transient=True,
            disable=not talk.is_terminal) as bar:
        site = from_sources(record.header.site_sources, record.header.site)
        task = bar.add_task("checking", total=len(record))
        counts = [0, 0, 0]

        def moments() -> Iterator[tuple[Frame, Picture, Drill | None]]:
            for moment in record.moments():
                counts[0] += 1
                if moment.drill is not None:
                    counts[1] += sum(c.cleared for c in moment.drill.clearances)
                    counts[2] += len(moment.drill.orders)
                bar.update(task, completed=counts[0])
                yield moment.frame, moment.picture, moment.drill

        found = tuple(violations(site, moments()))
        return Judgement(counts[0], counts[1], counts[2], found, tuple(record.faults()))
