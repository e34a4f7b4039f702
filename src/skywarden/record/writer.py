"""Writes a record: one SQLite file, a transaction a frame, so that a killed process loses at most
the frame it was writing.

    moments   n  t  frame  frame_digest  picture  picture_digest  drill  drill_digest  truth
              truth_digest
              |                 ^                        ^                      ^
                                ^
              |                 |                        '----- of each AND the frame's digest
                                                         --------'
              |                 '-- of the frame AND all four digests of the row before: what is
                                missing, swapped or rewritten shows
              '-- from 1, one row a frame

In WAL mode with synchronous=NORMAL a commit is one write to the page cache and no fsync: it
survives `kill -9` whole, and after a power failure the file is consistent but may lack the last
seconds. A clean close leaves one plain file that also opens on read-only media.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from skywarden.errors import RecordError
from skywarden.messages.moment import Moment, Remembered
from skywarden.record.codec import encode
from skywarden.record.header import APPLICATION, FORMAT, Gap, Header, chained, digest, link, machine
from skywarden.record.secret import Secret, forget_secret
from skywarden.record.snapshot import freeze

__all__ = ["Header", "Recorder"]

TABLES = """
CREATE TABLE header (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE sources (part TEXT, name TEXT, content BLOB, PRIMARY KEY (part, name));
CREATE TABLE moments (
    n INTEGER PRIMARY KEY, t REAL NOT NULL, frame BLOB NOT NULL, frame_digest BLOB NOT NULL, picture BLOB NOT NULL,
    picture_digest BLOB NOT NULL,
    drill BLOB, drill_digest BLOB, truth BLOB, truth_digest BLOB);
CREATE TABLE snapshots (n INTEGER PRIMARY KEY, watch BLOB NOT NULL, rehearsal BLOB, digest BLOB NOT NULL);
CREATE TABLE gaps (n INTEGER PRIMARY KEY, frames INTEGER NOT NULL, why TEXT NOT NULL);
CREATE INDEX moments_by_time ON moments (t);
"""
KEEP = "INSERT OR REPLACE INTO snapshots VALUES (?,?,?,?)"
INSERT = "INSERT INTO moments VALUES (?,?,?,?,?,?,?,?,?,?)"
KEEP_S = 60.0                   # seconds between two snapshots of what is remembered
RETRY_S = 0.5                   # seconds between two attempts to write on after a fault
LOOK_S = 1.0                    # seconds between two looks at whether the file is still there
MOST_KEPT = 128 * 1024 * 1024   # bytes of encoded frames that wait in memory for room on the disk
# OSErrors that may pass
PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.ENOMEM, errno.EMFILE, errno.ENFILE,
    errno.ESTALE})
PAGE = 16384                    # bytes; a frame of fifty rounds spans a few pages instead of dozens


class Recorder:
    """A sink that writes every moment it takes into a new file.

    A disk that is full, or fails, ends nothing: `fault` says so, what cannot be written waits in
    memory up to `MOST_KEPT`, and goes into the file as soon as there is room. What is more than
    that is left out, and the file says how many frames and why (table `gaps`), inside the chain of
    digests.

    path    Path    of the new file; readable by its owner only
    header  Header  what the record says of itself

    Raises RecordError for what the user must change: a file that is there, a folder that is not, no
    right to write.
    """

    def __init__(self, path: Path | str, header: Header, now: Callable[[], float] = time.monotonic) -> None:
        self._path, self._header, self._now = Path(path), header, now
        self._n = 0
        self._last = header.digest()
        self._skipped, self._why = 0, ""
        self._kept: deque[_Kept] = deque()
        self._bytes = 0
        self.written_bytes = 0      # of encoded frames so far, those that wait included
        self._remembered_at = -math.inf     # t of the newest snapshot [s]
        self._next_try = self._next_look = -math.inf
        self._closed = False
        self.fault = ""             # why nothing is written just now; empty while all is
        self.missing = 0            # frames left out so far
        _claim(self._path)
        self._base: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        try:
            self._begin()
        except (sqlite3.Error, OSError) as error:
            if not _passing(error):
                self._path.unlink(missing_ok=True)
                raise _cannot(self._path, error) from None
            self._say(error)

    @property
    def waiting(self) -> int:
        """Frames that wait in memory for room on the disk."""
        return len(self._kept)

    def take(self, moment: Moment) -> None:
        """Write one moment; when this returns without a `fault`, no kill of the process can lose
        it.
        """
        if self._closed:
            return
        self._look()
        if self._bytes > MOST_KEPT:
            self._write()
        if self._bytes > MOST_KEPT:
            self._skip(1, self.fault or "it could not be written in time")
            return
        self._kept.append(self._row(moment))
        self._bytes += self._kept[-1].bytes
        self.written_bytes += self._kept[-1].bytes
        self._write()

    def missed(self, moments: int) -> None:
        """Moments before the next one never reached the recorder.

        moments  number of moments lost
        """
        self._skip(moments, "the recorder was too slow")

    @property
    def link(self) -> bytes:
        """What the record that goes on from this one says of it, once this one is closed."""
        return chained(self._header, self._last)

    def conclude(self, outcome: dict[str, Any], after: Remembered | None = None) -> None:
        """Say how the run ended, for lists of records; whoever wants to be sure counts again, as
        the report does.

        after    what is remembered at the end: where the next run takes up this one
        outcome  summary of how the run ended
        """
        kept = None if after is None or self._skipped else self._snapshot(self._n + 1, self._last, after)
        if kept is not None and self._base is not None and not self._kept:
            with contextlib.suppress(sqlite3.Error, OSError):
                self._base.execute(KEEP, kept)
        if self._base is not None:
            with contextlib.suppress(sqlite3.Error, OSError):       # the record itself is whole without it
                self._base.execute("INSERT OR REPLACE INTO header VALUES ('outcome', ?)",
                    (msgspec.json.encode(outcome).decode(),))

    def close(self) -> None:
        """Fold everything into the one file. Where even that fails the `-wal` beside it stays, and
        the record opens with it.
        """
        if self._closed:
            return
        self._next_try = -math.inf
        self._write()
        self._closed = True
        whole = not self._kept
        self.missing += len(self._kept)
        self._kept.clear()
        if self._base is not None:
            # the seal tells a record that was cut short, or whose last row was rewritten, from one that is whole
            if whole:
                with contextlib.suppress(sqlite3.Error, OSError):
                    self._base.execute("INSERT OR REPLACE INTO header VALUES ('seal', ?)", (self._last,))
            # everything committed is safe in the write-ahead log; somebody reading just now, or a full disk, may keep
            # it from being folded in
            with contextlib.suppress(sqlite3.Error, OSError):
                self._base.execute("PRAGMA journal_mode=DELETE")
            self._base.close()

    def _begin(self) -> None:
        """Make the file a record without a frame. Raises sqlite3.Error or OSError."""
        self._base = _open(self._path, self._header)
        about = self._path.stat()
        self._file = about.st_dev, about.st_ino

    def _row(self, moment: Moment) -> _Kept:
        """A moment as it will stand in the file, behind the gap before it if there is one."""
        frame, picture = encode(moment.frame, FORMAT), encode(moment.picture, FORMAT)
        drill = None if moment.drill is None else encode(moment.drill, FORMAT)
        truth = None if moment.truth is None else encode(moment.truth, FORMAT)
        gap = Gap(self._n + self._skipped + 1, self._skipped, self._why) if self._skipped else None
        last = self._last if gap is None else gap.digest(self._last)
        n = self._n + self._skipped + 1
        mark = digest(last, n.to_bytes(8, "little"), frame)
        seen = digest(mark, picture)
        rehearsed, true = (None if part is None else digest(mark, part) for part in (drill, truth))
        row = (n, moment.frame.t, frame, mark, picture, seen, drill, rehearsed, truth, true)
        self._n, self._last, self._skipped = n, link(mark, seen, rehearsed, true, FORMAT), 0
        snapshot = self._due(moment, n, last, gap is not None)
        size = sum(len(part) for part in (*row, *(snapshot or ())) if isinstance(part, bytes))
        return _Kept(row, gap, snapshot, size)

    def _due(self, moment: Moment, n: int, last: bytes, gap: bool) -> tuple[Any, ...] | None:
        """The snapshot before frame `n`, where it is time for one: at the beginning, each minute,
        and after a gap.
        """
        before = moment.before
        if before is None or not (n == 1 or gap or before.taken_up or moment.frame.t - self._remembered_at >= KEEP_S):
            return None
        self._remembered_at = moment.frame.t
        return self._snapshot(n, last, before)

    def _snapshot(self, n: int, last: bytes, before: Remembered) -> tuple[Any, ...] | None:
        if before.watch is None:
            return None
        watch = freeze(before.watch)
        rehearsal = None if before.rehearsal is None else freeze(before.rehearsal)
        return n, watch, rehearsal, digest(last, n.to_bytes(8, "little"), watch, rehearsal)

    def _skip(self, frames: int, why: str) -> None:
        self._why = why[:200] if not self._skipped else self._why
        self._skipped += frames
        self.missing += frames

    def _write(self) -> None:
        """Put everything that waits into the file, a transaction a frame, as far as that goes; on a
        fault try again a little later.
        """
        if not self._kept or self._now() < self._next_try:
            return
        try:
            if self._base is None:
                self._begin()
            while self._kept:
                self._insert(self._kept[0])
                self._bytes -= self._kept.popleft().bytes
        except (sqlite3.Error, OSError) as error:
            self._say(error)
        else:
            self.fault = ""

    def _insert(self, kept: _Kept) -> None:
        assert self._base is not None
        if kept.gap is None and kept.snapshot is None:
            self._base.execute(INSERT, kept.row)
            return
        self._base.execute("BEGIN")
        try:
            if kept.gap is not None:
                self._base.execute("INSERT INTO gaps VALUES (?,?,?)", kept.gap)
            if kept.snapshot is not None:
                self._base.execute(KEEP, kept.snapshot)
            self._base.execute(INSERT, kept.row)
            self._base.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._base.execute("ROLLBACK")
            raise

    def _say(self, error: Exception) -> None:
        told = _cannot(self._path, error, f"{len(self._kept)} frames wait in memory, {self.missing} are lost.")
        self.fault = " ".join(str(told).split())
        self._next_try = self._now() + RETRY_S

    def _look(self) -> None:
        """Begin again where somebody has taken the file away: what SQLite would go on writing to
        could never be found.
        """
        if self._file is None or self._now() < self._next_look:
            return
        self._next_look = self._now() + LOOK_S
        with contextlib.suppress(OSError):
            about = self._path.stat()
            if (about.st_dev, about.st_ino) == self._file:
                return
            self.fault = (f"{self._path} was put in the place of this run's record, which is lost. Move it away: "
                "recording then begins again.")
            self._next_try = self._now() + 2.0 * LOOK_S
            return
        with contextlib.suppress(sqlite3.Error, OSError, RecordError):
            _claim(self._path)
            if self._base is not None:
                self._base.close()
            self._base = self._file = None
            gone = (self._kept[0].row[0] if self._kept else self._n + 1) - 1
            self._kept.clear()
            self._bytes, self._last, self._skipped = 0, self._header.digest(), 0
            self.missing += self._n - gone
            self._skipped, self._n, self._why = self._n, 0, "the file was taken away while it was written"
            self._begin()


def reveal(path: Path, secret: Secret) -> None:
    """Write the seed that a record's header commits to into it, now that the run has ended, and
    forget the file beside it.

    path  the record's file

    Where the record cannot be written the secret stays in that file, and nothing is lost.
    """
    with contextlib.suppress(sqlite3.Error):
        base = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=rw", uri=True, isolation_level=None)
        try:
            said = msgspec.json.encode([secret.seed, secret.salt]).decode()
            base.execute("INSERT OR REPLACE INTO header VALUES ('revealed', ?)", (said,))
        finally:
            base.close()
        forget_secret(path)


class _Kept(NamedTuple):
    """A frame that has not been written yet."""

    row: tuple[Any, ...]
    gap: Gap | None     # frames left out before it
    snapshot: tuple[Any, ...] | None    # what was remembered before it, where that is kept
    bytes: int


def _claim(path: Path) -> None:
    """Create `path`, refusing to touch what is already there."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise RecordError(f"{path} is already there and is not overwritten: name another file with --record, or delete "
            "it") from None
    except FileNotFoundError:
        raise RecordError(f"{path}: the folder {path.parent} does not exist: create it, or name another file with "
            "--record") from None
    except OSError as error:
        raise _cannot(path, error) from None


def _open(path: Path, header: Header) -> sqlite3.Connection:
    # every statement commits itself; the session opens it and the recorder's own thread writes, never both at once
    base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        base.execute(f"PRAGMA page_size={PAGE}")
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=NORMAL")
        base.execute("BEGIN")
        for statement in TABLES.split(";"):
            base.execute(statement)
        base.executemany("INSERT INTO header VALUES (?,?)", _entries(header))
        for part, sources in (("site", header.site_sources), ("scenario", header.scenario_sources)):
            base.executemany("INSERT INTO sources VALUES (?,?,?)", [(part, name, bytes(content)) for name,
                content in sorted(sources.items())])
        base.execute(f"PRAGMA application_id={APPLICATION}")
        base.execute(f"PRAGMA user_version={FORMAT}")
        base.execute("COMMIT")
    except BaseException:
        base.close()
        raise
    return base


def _entries(header: Header) -> list[tuple[str, object]]:
    return [
        ("kind", header.kind), ("epoch_ns", header.epoch_ns), ("site", header.site), ("scenario", header.scenario),
        ("seed", _integer(header.seed)),
        ("duration_s", header.duration), ("feeds", msgspec.json.encode(list(header.feeds)).decode()),
        ("digest", header.digest()), ("created_unix_s", time.time()), ("follows", header.follows),
        ("machine", msgspec.json.encode(machine()).decode()),
        ("commitment", header.commitment), ("continues", header.continues),
    ]


def _passing(error: Exception) -> bool:
    """Whether waiting may help: a full disk may have room again, a missing right will not come by
    itself.
    """
    if isinstance(error, sqlite3.Error):
        return any(word in str(error) for word in ("full", "I/O", "locked"))
    return isinstance(error, OSError) and error.errno in PASSING


def _integer(value: int | None) -> int | str | None:
    """SQLite holds 64 bits; a longer seed is kept as text."""
    return value if value is None or -(1 << 63) <= value < 1 << 63 else str(value)


def _cannot(path: Path, error: Exception, rest: str = "") -> RecordError:
    said = str(error)
    do = f"check that you may write into {path.parent}, or name another file with --record"
    if "full" in said or getattr(error, "errno", None) == 28:
        do = "make room on that disk, or record onto another with --record"
    elif "I/O" in said or "malformed" in said:
        do = "the disk, or the mount, failed or ran full: check it, or record onto another with --record"
    return RecordError(f"{path} cannot be written: {said}\n    {do[0].upper()}{do[1:]}. {rest}".rstrip())
