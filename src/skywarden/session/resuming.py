"""Takes up a run where its record ends: tracks, warnings and holds to the last bit, and its time
goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from skywarden.errors import RecordError, UsageError
from skywarden.messages.frame import Frame
from skywarden.messages.moment import Moment
from skywarden.messages.truth import Truth
from skywarden.record.header import Header
from skywarden.record.reader import Record, foreign
from skywarden.run.loop import Stepper
from skywarden.run.ports import Feed, Sink
from skywarden.site.model import Site


class TakenUp(NamedTuple):
    """Where a run goes on from."""

    header: Header
    t: float  # of the record's last frame [s]
    link: bytes  # what the next record says that it follows
    frames: int  # stepped since the newest snapshot


def header_of(path: Path, site: Site, kind: str) -> Header:
    """What the record that is to be taken up says of itself.

    path  the record's file

    Raises UsageError where it is of another site, of another kind of run, or holds no snapshot.
    """
    with foreign(path), Record(path) as record:
        if record.header.kind != kind:
            raise UsageError(f"--resume {path}: it is of a {record.header.kind} run, and this one is {kind}")
        if dict(record.header.site_sources) != dict(site.sources):
            raise UsageError(
                f"--resume {path}: the site's files are not those of that run, and what it remembers is told by "
                "their rows: put them back, or start without --resume"
            )
        if not record.snapshots():
            raise UsageError(f"--resume {path}: it holds nothing of what that run remembered (format {record.form})")
        return record.header


def link_of(path: Path) -> bytes:
    """What a record that goes on from this one says of it.

    path  the record's file
    """
    with foreign(path), Record(path) as record:
        return record.link()


def take_up(path: Path, steps: Stepper) -> TakenUp:
    """Bring `steps` to where the record ends: the newest snapshot, then the frames after it.

    path  the record's file

    Raises RecordError where the record, or what it remembers, cannot be read.
    """
    with foreign(path), Record(path) as record:
        snapshot = record.snapshot(record.snapshots()[-1])
        assert snapshot is not None
        steps.put_back(snapshot.watch, snapshot.rehearsal)
        frames = 0
        for row, _, fault in record.chained():
            if fault is not None:
                raise RecordError(f"{path}: {fault}")
            if row.n >= snapshot.n:
                steps.step(record.moment(row).frame)
                frames += 1
        span = record.span()
        return TakenUp(record.header, span[1] if span else 0.0, record.link(), frames)


class Continued:
    """A simulated feed that goes on where a record of it ends: its world is flown there again with
    what was recorded.

    world   Feed and Sink, at its beginning; the same scenario, site and seed fly the same
    path    of the record
    """

    def __init__(self, world: Feed, sink: Sink, path: Path) -> None:
        self._world, self._sink, self._path = world, sink, path

    def __iter__(self) -> Iterator[tuple[Frame, Truth | None]]:
        frames = iter(self._world)
        with foreign(self._path), Record(self._path) as record:
            for moment in record.moments():
                frame, _ = next(frames)
                if frame.t != moment.frame.t:
                    raise RecordError(f"{self._path}: frame at {moment.frame.t:.2f} s is not one of this scenario's")
                self._sink.take(Moment(moment.frame, moment.picture, moment.drill, None))
        yield from frames

    def close(self) -> None:
        """Close the world."""
        self._world.close()
