"""A watch that never ends, as records of an hour: each opens, replays and checks alone, and says
what it goes on from.

    kabul-20261201T020000.000Z.rec.zst <--follows-- kabul-20261201T030000.000Z.rec.zst <--follows-- ….rec
    packed once closed; the oldest are removed by age and by size of all

Each begins with a snapshot of what is remembered. Where one begins is reckoned from the time and
from what was recorded alone: two watchers of the same frames begin theirs with the same one.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from skywarden.errors import RecordError
from skywarden.messages.moment import Moment, Remembered
from skywarden.record.header import Header
from skywarden.record.packing import SUFFIX, fold, pack
from skywarden.record.reader import Record
from skywarden.record.writer import Recorder

HOUR_S = 3600.0
SHARE = 20  # parts of the size of all that one segment may have: what is removed at a time is no more
LOOK_S = 10.0  # seconds between two looks at what has to be packed or removed
TRY_AGAIN_S = 1.0  # seconds until a segment that could not be begun is tried again
ENDINGS = (".rec", ".rec" + SUFFIX)


@dataclass(frozen=True)
class Keep:
    """How much is kept.

    segment_s  length of a segment [s]
    days       age from which segments are removed; None never
    bytes      of all segments; None as much as the disk holds
    packed     whether closed segments are packed
    """

    segment_s: float = HOUR_S
    days: float | None = None
    bytes: int | None = None
    packed: bool = True


class Segments:
    """A sink that writes every moment it takes into the segment of its hour.

    folder  of the segments; made where there is none
    header  of every segment, but for what it follows
    keep    Keep
    """

    def __init__(self, folder: Path, header: Header, keep: Keep, now: Callable[[], float] = time.time) -> None:
        self.folder, self._header, self._keep, self._now = folder, header, keep, now
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecordError(f"{folder}: the folder of records cannot be made: {error.strerror or error}") from None
        self._recorder: Recorder | None = None
        self._path: Path | None = None
        self._slot = -1
        self._missing = 0
        self._fault, self._next_try = "", 0.0
        self._follows = _link_of(newest(folder, header.site))
        self._kept_fault = ""
        self._ended, self._wake = threading.Event(), threading.Event()
        self._keeper = threading.Thread(target=self._keep_house, name="skywarden-segments", daemon=True)
        self._keeper.start()

    @property
    def path(self) -> Path | None:
        """The segment that is written now."""
        return self._path

    @property
    def missing(self) -> int:
        """Frames left out so far."""
        return self._missing + (self._recorder.missing if self._recorder is not None else 0)

    @property
    def fault(self) -> str:
        """Why nothing is written, packed or removed just now; empty while all is."""
        return self._fault or (self._recorder.fault if self._recorder is not None else "") or self._kept_fault

    def take(self, moment: Moment) -> None:
        """Write one moment; into a new segment where its hour has begun, or the state was taken
        from elsewhere.
        """
        slot = int((self._header.epoch_ns * 1e-9 + moment.frame.t) // self._keep.segment_s)
        full = (
            self._keep.bytes is not None
            and self._recorder is not None
            and (self._recorder.written_bytes > self._keep.bytes / SHARE)
        )
        taken_up = moment.before is not None and moment.before.taken_up
        if self._recorder is None or slot != self._slot or full or taken_up:
            self._begin(moment, slot)
        if self._recorder is None:
            self._missing += 1
        else:
            self._recorder.take(moment)

    def missed(self, moments: int) -> None:
        """Moments before the next one never reached the recorder.

        moments  number of moments lost
        """
        if self._recorder is not None:
            self._recorder.missed(moments)

    def conclude(self, outcome: dict[str, Any], after: Remembered | None = None) -> None:
        """Say how it ended, and what is remembered then.

        outcome  summary of how the run ended
        after    what is remembered at its end, None for nothing
        """
        if self._recorder is not None:
            self._recorder.conclude(outcome, after)

    def close(self) -> None:
        """Close the segment; it is not packed, so that the next start takes it up at once."""
        self._ended.set()
        self._end()
        self._wake.set()
        self._keeper.join(5.0)

    def _begin(self, moment: Moment, slot: int) -> None:
        self._end()
        if self._now() < self._next_try:
            return
        at = datetime.fromtimestamp(self._header.epoch_ns * 1e-9 + moment.frame.t, UTC)
        path = self.folder / f"{self._header.site}-{at:%Y%m%dT%H%M%S}.{at.microsecond // 1000:03d}Z.rec"
        self._path, before = path, self._path   # first: the keeper must not take it for a closed one
        try:
            self._recorder = Recorder(path, replace(self._header, follows=self._follows))
        except RecordError as error:
            self._fault, self._next_try = " ".join(str(error).split()), self._now() + TRY_AGAIN_S
            self._path = before
            return
        self._fault, self._slot = "", slot

    def _end(self) -> None:
        if self._recorder is None:
            return
        self._recorder.close()
        self._missing += self._recorder.missing
        self._follows = self._recorder.link
        self._recorder = self._path = None
        self._wake.set()

    def _keep_house(self) -> None:
        """Pack what is closed and remove what is too old or too much, in a thread of its own."""
        while not self._ended.is_set():
            try:
                self._pack()
                self._remove()
                self._kept_fault = ""
            except Exception as error:  # a boundary: recording goes on, and it is tried again
                self._kept_fault = f"segments of records cannot be packed or removed: {error}"
            self._wake.wait(LOOK_S)
            self._wake.clear()

    def _pack(self) -> None:
        for path in segments(self.folder, self._header.site):
            if self._keep.packed and path.suffix == ".rec" and path != self._path and not self._ended.is_set():
                pack(path)

    def _remove(self) -> None:
        """Remove the oldest segments, until the rest is young enough and small enough."""
        found = [path for path in segments(self.folder, self._header.site) if path != self._path]
        total = sum(map(_size, segments(self.folder, self._header.site)))
        for path in found:
            old = self._keep.days is not None and self._now() - began(path) > 86_400.0 * self._keep.days
            much = self._keep.bytes is not None and total > self._keep.bytes
            if not old and not much:
                return
            total -= _size(path)
            path.unlink(missing_ok=True)


def segments(folder: Path, site: str) -> list[Path]:
    """The segments of a site in a folder, oldest first."""
    found = [path for path in folder.glob(f"{site}-*Z.rec*") if path.name.endswith(ENDINGS)]
    return sorted(found, key=lambda path: path.name)


def newest(folder: Path, site: str) -> Path | None:
    """The newest segment; None where there is none.

    folder  folder of the segments
    site    name of the site
    """
    found = segments(folder, site) if folder.is_dir() else []
    return found[-1] if found else None


def began(path: Path) -> float:
    """When a segment began, by its name [s since 1970].

    path  the segment's file
    """
    stamp = path.name.split(".rec")[0][-20:]
    with contextlib.suppress(ValueError):
        return datetime.strptime(stamp, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC).timestamp()
    return path.stat().st_mtime


def faults(paths: list[Path]) -> list[str]:
    """Everything that is not as it was recorded in consecutive segments, oldest first, and between
    them.

    paths  the segments' files, oldest first
    """
    found: list[str] = []
    link: bytes | None = None
    for k, path in enumerate(paths):
        with Record(path) as record:
            found += [f"{path.name}: {fault}" for fault in record.faults()]
            if k and record.header.follows != link:
                found.append(f"{path.name} does not go on from {paths[k - 1].name}: one is missing, or was changed")
            link = record.link()
    return found


def backup(folder: Path, site: str, to: Path) -> list[Path]:
    """Copy every segment into another folder, the open one as it is at that moment; each copy opens
    alone.

    site  name of the site
    to    the folder to copy into

    Segments that are there already and whole are left. Raises RecordError where a copy cannot be
    made or opened.
    """
    copied = []
    try:
        to.mkdir(parents=True, exist_ok=True)
        for path in segments(folder, site):
            copy = to / path.name
            if copy.exists() and path.suffix != ".rec" and copy.stat().st_size == path.stat().st_size:
                continue
            part = copy.with_name(copy.name + ".part")
            part.unlink(missing_ok=True)
            if path.suffix == ".rec":
                _copy_open(path, part)
            else:
                shutil.copyfile(path, part)
            part.chmod(0o600)
            part.replace(copy)
            with Record(copy):
                pass
            copied.append(copy)
    except (OSError, sqlite3.Error) as error:
        raise RecordError(f"{to}: the backup cannot be made: {error}") from None
    return copied


def _copy_open(path: Path, to: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base,
        contextlib.closing(sqlite3.connect(to)) as copy,
    ):
        base.backup(copy, pages=1000)
        copy.execute("PRAGMA journal_mode=DELETE")


def _size(path: Path) -> int:
    """Bytes of a segment with what lies beside it."""
    total = 0
    for each in (path, path.with_name(path.name + "-wal")):
        with contextlib.suppress(OSError):
            total += each.stat().st_size
    return total


def _link_of(path: Path | None) -> bytes | None:
    """What the next segment says of the newest one; None where there is none, or it cannot be read."""
    if path is None:
        return None
    try:
        if path.suffix == ".rec":
            fold(path)
        with Record(path) as record:
            return record.link()
    except (RecordError, sqlite3.Error):
        return None
