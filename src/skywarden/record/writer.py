"""Writes a record: one SQLite file, a transaction a frame, so that a killed process loses at most the frame it was writing.

    moments   n  t  frame  frame_digest  picture  picture_digest  drill  drill_digest  truth  truth_digest
              |                 ^
              |                 '-- of the frame AND the digest before it: a missing or swapped row shows
              '-- from 1, one row a frame

In WAL mode with synchronous=NORMAL a commit is one write to the page cache and no fsync: it survives `kill -9` whole, and after a power
failure the file is consistent but may lack the last seconds. A clean close leaves one plain file that also opens on read-only media.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import msgspec

from skywarden.errors import RecordError
from skywarden.messages.moment import Moment
from skywarden.record.codec import encode
from skywarden.record.header import APPLICATION, FORMAT, Header, digest, machine

__all__ = ["Header", "Recorder"]

TABLES = """
CREATE TABLE header (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE sources (part TEXT, name TEXT, content BLOB, PRIMARY KEY (part, name));
CREATE TABLE moments (
    n INTEGER PRIMARY KEY, t REAL NOT NULL, frame BLOB NOT NULL, frame_digest BLOB NOT NULL, picture BLOB NOT NULL, picture_digest BLOB NOT NULL,
    drill BLOB, drill_digest BLOB, truth BLOB, truth_digest BLOB);
CREATE INDEX moments_by_time ON moments (t);
"""
PAGE = 16384                    # bytes; a frame of fifty rounds spans a few pages instead of dozens


class Recorder:
    """A sink that writes every moment it takes into a new file. Raises RecordError where that cannot be done, saying what to do."""

    def __init__(self, path: Path | str, header: Header) -> None:
        self._path = Path(path)
        self._n = 0
        self._last = header.digest()
        self._broken = False
        _claim(self._path)
        try:
            self._base = _open(self._path, header)
        except (sqlite3.Error, OSError) as error:
            self._path.unlink(missing_ok=True)
            raise _cannot(self._path, error) from None

    def take(self, moment: Moment) -> None:
        """Write one moment; when this returns, no kill of the process can lose it."""
        if self._broken:
            return
        frame, picture = encode(moment.frame), encode(moment.picture)
        drill = None if moment.drill is None else encode(moment.drill)
        truth = None if moment.truth is None else encode(moment.truth)
        n = self._n + 1
        mark = digest(self._last, n.to_bytes(8, "little"), frame)
        row = (
            n, moment.frame.t, frame, mark, picture, digest(mark, picture), drill, None if drill is None else digest(mark, drill),
            truth, None if truth is None else digest(mark, truth),
        )
        try:
            self._base.execute("INSERT INTO moments VALUES (?,?,?,?,?,?,?,?,?,?)", row)
        except (sqlite3.Error, OSError) as error:
            self._broken = True
            raise _cannot(self._path, error, f"It holds the {self._n} frames before and still opens.") from None
        self._n, self._last = n, mark

    def conclude(self, outcome: dict[str, Any]) -> None:
        """Say how the run ended, for lists of records; whoever wants to be sure counts again, as the report does."""
        if not self._broken:
            with contextlib.suppress(sqlite3.Error, OSError):       # the record itself is whole without it
                self._base.execute("INSERT OR REPLACE INTO header VALUES ('outcome', ?)", (msgspec.json.encode(outcome).decode(),))

    def close(self) -> None:
        """Fold everything into the one file. Where even that fails the `-wal` beside it stays, and the record opens with it."""
        # everything committed is safe in the write-ahead log; somebody reading just now, or a full disk, may keep it from being folded in
        with contextlib.suppress(sqlite3.Error, OSError):
            self._base.execute("PRAGMA journal_mode=DELETE")
        self._base.close()


def _claim(path: Path) -> None:
    """Create `path`, refusing to touch what is already there."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        raise RecordError(f"{path} is already there and is not overwritten: name another file with --record, or delete it") from None
    except FileNotFoundError:
        raise RecordError(f"{path}: the folder {path.parent} does not exist: create it, or name another file with --record") from None
    except OSError as error:
        raise _cannot(path, error) from None


def _open(path: Path, header: Header) -> sqlite3.Connection:
    base = sqlite3.connect(path, isolation_level=None)      # every statement commits itself
    try:
        base.execute(f"PRAGMA page_size={PAGE}")
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=NORMAL")
        base.execute("BEGIN")
        for statement in TABLES.split(";"):
            base.execute(statement)
        base.executemany("INSERT INTO header VALUES (?,?)", _entries(header))
        for part, sources in (("site", header.site_sources), ("scenario", header.scenario_sources)):
            base.executemany("INSERT INTO sources VALUES (?,?,?)", [(part, name, bytes(content)) for name, content in sorted(sources.items())])
        base.execute(f"PRAGMA application_id={APPLICATION}")
        base.execute(f"PRAGMA user_version={FORMAT}")
        base.execute("COMMIT")
    except BaseException:
        base.close()
        raise
    return base


def _entries(header: Header) -> list[tuple[str, object]]:
    return [
        ("kind", header.kind), ("epoch_ns", header.epoch_ns), ("site", header.site), ("scenario", header.scenario), ("seed", _integer(header.seed)),
        ("duration_s", header.duration), ("feeds", msgspec.json.encode(list(header.feeds)).decode()),
        ("digest", header.digest()), ("created_unix_s", time.time()), ("machine", msgspec.json.encode(machine()).decode()),
    ]


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
