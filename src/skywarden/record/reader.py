"""Opens a record, read-only and suspicious: finished, crashed or still being written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
import numpy as np

from skywarden.errors import RecordError, SkywardenError
from skywarden.messages.drill import Drill
from skywarden.messages.frame import Frame
from skywarden.messages.moment import Moment
from skywarden.messages.picture import Picture
from skywarden.messages.tables import Array
from skywarden.messages.truth import Truth
from skywarden.record.codec import MOST_BYTES, decode
from skywarden.record.header import APPLICATION, FORMAT, OLDEST, Gap, Header, chained, digest, link
from skywarden.record.packing import SUFFIX, unpack
from skywarden.record.secret import Secret

# Tables and indexes that a record may hold.
PARTS = frozenset({"header", "sources", "moments", "moments_by_time", "gaps", "snapshots", "sqlite_autoindex_sources_1",
    "sqlite_autoindex_header_1"})
LATEST_S = 1e9          # seconds from the epoch that a frame's time may be, either way; a day has 86,400
# rows read at a time: a long read would keep a running recorder from folding its log into the file
BATCH = 64
COLUMNS = "n, t, frame, frame_digest, picture, picture_digest, drill, drill_digest, truth, truth_digest"


class Snapshot(NamedTuple):
    """What was remembered before a frame."""

    n: int              # number of the frame; one more than the last at the end of a record
    watch: bytes
    rehearsal: bytes | None
    digest: bytes

    def fault(self, before: bytes) -> str | None:
        """What is wrong with it behind the link `before`, in words; None where nothing is."""
        sound = digest(before, self.n.to_bytes(8, "little"), self.watch, self.rehearsal) == self.digest
        return None if sound else f"the snapshot before frame {self.n} is not as it was recorded"


class Row(NamedTuple):
    """One moment as it stands in the file."""

    n: int
    t: float
    frame: bytes
    frame_digest: bytes
    picture: bytes
    picture_digest: bytes
    drill: bytes | None
    drill_digest: bytes | None
    truth: bytes | None
    truth_digest: bytes | None

    def link(self, form: int = FORMAT) -> bytes:
        """What the next row's digest is chained to, in a record of format `form`."""
        return link(self.frame_digest, self.picture_digest, self.drill_digest, self.truth_digest, form)

    def fault(self, before: bytes, n: int) -> str | None:
        """What is wrong with this row as number `n` behind the link `before`, in words; None where
        nothing is.
        """
        if self.n != n:
            return f"frame {n} is missing"
        if digest(before, n.to_bytes(8, "little"), self.frame) != self.frame_digest:
            return f"frame {n} at {self.t:.2f} s is not as it was recorded"
        for name in ("picture", "drill", "truth"):
            blob, mark = getattr(self, name), getattr(self, f"{name}_digest")
            if (None if blob is None else digest(self.frame_digest, blob)) != mark:
                return f"the {name} of frame {n} at {self.t:.2f} s is not as it was recorded"
        return None


class Record:
    """One recorded run. Raises RecordError, with a sentence, for whatever cannot be read."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise RecordError(f"{self.path}: there is no such file" if not self.path.exists()
                else f"{self.path} is not a file")
        self._base = _opened(self.path)
        try:
            self._recognise()
            self._only_tables()
            said = {str(key): value for key, value in self._ask("SELECT key, value FROM header")}
            self.header = self._header(said)
            self._seal = said.get("seal")       # the last row's link, written when a record is closed in order
            self.revealed = self._revealed(said)    # the seed that the header commits to; None before it is told
            self.created_unix_s = float(said.get("created_unix_s") or 0.0)
            # empty: it did not end in order
            self.outcome: dict[str, Any] = msgspec.json.decode(str(said.get("outcome") or "{}"), type=dict[str, Any])
            self.machine: dict[str, str] = msgspec.json.decode(str(said.get("machine") or "{}"), type=dict[str, str])
        except (KeyError, ValueError, TypeError, OverflowError, msgspec.DecodeError) as error:
            self.close()
            raise RecordError(f"{self.path}: the header of this record is damaged: {error}") from None
        except RecordError:
            self.close()
            raise
        self.header_sound = said.get("digest") == self.header.digest(self.form)

    @property
    def seed(self) -> int | None:
        """The run's seed; None on live data, and while it is still secret."""
        return self.header.seed if self.revealed is None else self.revealed.seed

    @property
    def secret(self) -> bool:
        """Whether the header commits to a seed that has not been revealed: an exercise that goes
        on, or was killed.
        """
        return bool(self.header.commitment) and self.revealed is None

    def __len__(self) -> int:
        return int(self._ask("SELECT count(*) FROM moments")[0][0])

    def __enter__(self) -> Record:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def simulation(self) -> bool:
        """Whether this was a simulation; a replay of it still is."""
        return self.header.kind == "simulation"

    def times(self) -> Array:
        """(n,) time of every frame [s]."""
        return np.array([t for (t,) in self._ask("SELECT t FROM moments ORDER BY n")], np.float64)

    def span(self) -> tuple[float, float] | None:
        """Time of the first and of the last frame [s]; None while there is none."""
        first, last = self._ask("SELECT min(t), max(t) FROM moments")[0]
        return None if first is None else (float(first), float(last))

    def rows(self, start: float = 0.0) -> Iterator[Row]:
        """Every row from the first at or after `start` [s], as it stands in the file; neither
        decoded nor checked.
        """
        found = self._ask("SELECT n FROM moments WHERE t >= ? ORDER BY t, n LIMIT 1",
            start) if start > 0.0 else [(-1 << 62,)]
        n = found[0][0] - 1 if found else None
        while n is not None:
            batch = self._ask(f"SELECT {COLUMNS} FROM moments WHERE n > ? ORDER BY n LIMIT {BATCH}", n)
            for values in batch:
                yield self._row(values)
            n = batch[-1][0] if batch else None

    def chained(self, start: float = 0.0) -> Iterator[tuple[Row, Gap | None, str | None]]:
        """Every row from `start` [s] on, the declared gap right before it, and what is wrong with
        it, in words.
        """
        gaps, kept = self.gaps(), set(self.snapshots())
        before: bytes | None = None
        n = 0
        for row in self.rows(start):
            gap = gaps.get(row.n)
            if before is None:
                n, before = (1, self.header.digest(self.form)) if start <= 0.0 else (row.n - (gap.frames if gap
                    else 0), self._before(row.n))
            if gap is not None and row.n == n + gap.frames:
                n, before = row.n, gap.digest(before)
            snapshot = self.snapshot(row.n) if row.n in kept else None
            yield row, gap, row.fault(before, n) or (None if snapshot is None else snapshot.fault(before))
            n, before = row.n + 1, row.link(self.form)

    def gaps(self) -> dict[int, Gap]:
        """Frames that the record itself says are missing, by the number of the frame after them."""
        if not self._ask("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'gaps'"):
            return {}
        found = self._ask("SELECT n, frames, why FROM gaps ORDER BY n LIMIT 100000")
        if not all(isinstance(n, int) and isinstance(frames, int) and 0 < frames < n and isinstance(why, str) for n,
                frames, why in found):
            raise RecordError(f"{self.path}: its list of frames that were not recorded is damaged")
        return {n: Gap(n, frames, why) for n, frames, why in found}

    def snapshots(self) -> list[int]:
        """Numbers of the frames before which it was written down what is remembered, rising."""
        if not self._ask("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'snapshots'"):
            return []
        found = self._ask("SELECT n FROM snapshots ORDER BY n LIMIT 1000000")
        if not all(isinstance(n, int) and n > 0 for (n,) in found):
            raise RecordError(f"{self.path}: its list of snapshots is damaged")
        return [n for (n,) in found]

    def snapshot(self, n: int) -> Snapshot | None:
        """What was remembered before frame `n`; None where that was not written down."""
        found = self._ask("SELECT n, watch, rehearsal, digest FROM snapshots WHERE n = ?", n)
        if not found:
            return None
        number, watch, rehearsal, mark = found[0]
        whole = isinstance(watch, bytes) and isinstance(mark, bytes)
        if not whole or not (rehearsal is None or isinstance(rehearsal, bytes)):
            raise RecordError(f"{self.path}: the snapshot before frame {n} holds something else than was recorded")
        return Snapshot(number, watch, rehearsal, mark)

    def last(self) -> tuple[int, bytes]:
        """Number of the last frame, 0 for none, and the link after it."""
        found = self._ask(f"SELECT {COLUMNS} FROM moments ORDER BY n DESC LIMIT 1")
        if not found:
            return 0, self.header.digest(self.form)
        row = self._row(found[0])
        return row.n, row.link(self.form)

    def link(self) -> bytes:
        """What a record that goes on from this one says of it."""
        return chained(self.header, self.last()[1], self.form)

    def moments(self, start: float = 0.0) -> Iterator[Moment]:
        """Every moment from `start` [s] on, decoded; stops with a RecordError at the first row that
        is not as it was recorded.
        """
        for row, _, fault in self.chained(start):
            if fault is not None:
                raise RecordError(f"{self.path}: {fault}")
            yield self.moment(row)

    def moment(self, row: Row) -> Moment:
        """A row decoded. Raises RecordError naming the frame where that fails."""
        try:
            frame, picture = decode(row.frame, Frame), decode(row.picture, Picture)
            if not abs(frame.t) <= LATEST_S:
                raise RecordError(f"it says it is at an impossible time, {frame.t:g} s")
            tables = (picture.warnings, picture.threats, picture.pre_alerts, picture.losses)
            if min((int(table.zone.min()) for table in tables if table.zone.size), default=0) < 0:
                raise RecordError("it warns a zone that no site can have")
            return Moment(
                frame, picture, None if row.drill is None else decode(row.drill, Drill), None if row.truth is None
                else decode(row.truth, Truth))
        except RecordError as error:
            raise RecordError(f"{self.path}: frame {row.n} at {row.t:.2f} s: {error}") from None

    def at(self, t: float) -> Moment | None:
        """The newest moment not after `t` [s]; None where there is none."""
        found = self._ask(f"SELECT {COLUMNS} FROM moments WHERE t <= ? ORDER BY t DESC, n DESC LIMIT 1", t)
        return self.moment(self._row(found[0])) if found else None

    def faults(self) -> list[str]:
        """Everything in the file that is not as it was recorded, in words, and what was not; empty
        where all is.
        """
        found = [] if self.header_sound else ["the header is not as it was recorded"]
        if self.revealed is not None and self.revealed.commitment != self.header.commitment:
            found.append("the seed revealed is not the one that the header commits to")
        row = None
        for row, gap, fault in self.chained():  # noqa: B007
            found += [] if gap is None else [str(gap)]
            found += [] if fault is None else [fault]
        if not found and row is not None and self._seal is not None and self._seal != row.link(self.form):
            found.append(f"frame {row.n} at {row.t:.2f} s is not the last that was recorded, or its picture, drill or "
                "truth is not as it was")
        return found

    def close(self) -> None:
        """Give the file back."""
        self._base.close()

    def _before(self, n: int) -> bytes:
        """The digest the chain holds before row `n`, or before the gap in front of it."""
        found = self._ask(f"SELECT {COLUMNS} FROM moments WHERE n < ? ORDER BY n DESC LIMIT 1", n)
        return self._row(found[0]).link(self.form) if found else self.header.digest(self.form)

    def _recognise(self) -> None:
        application, = self._ask("PRAGMA application_id")[0]
        form, = self._ask("PRAGMA user_version")[0]
        if application != APPLICATION:
            raise RecordError(f"{self.path} is not a record of Skywarden's, or is one that was never begun")
        if form > FORMAT:
            raise RecordError(f"{self.path} has format {form}, this Skywarden reads format {FORMAT}: install a newer "
                "one")
        if form < OLDEST:
            raise RecordError(f"{self.path} has format {form}, this Skywarden reads {OLDEST} to {FORMAT}: open it with "
                "the version that wrote it")
        self.form = int(form)

    def _only_tables(self) -> None:
        """Refuse whatever could compute when it is read: views, triggers, virtual tables, columns
        made from others. Raises RecordError.
        """
        for kind, name, statement in self._ask("SELECT type, name, substr(sql, 1, 4000) FROM sqlite_master LIMIT 50"):
            words = str(statement or "").upper()
            if kind not in ("table", "index") or "VIRTUAL" in words or " AS " in words or "GENERATED" in words or str(
                    name) not in PARTS:
                raise RecordError(f"{self.path} is not a record of Skywarden's: it holds a {kind} {str(name)[:40]!r}")

    def _header(self, said: dict[str, Any]) -> Header:
        sources: dict[str, dict[str, bytes]] = {"site": {}, "scenario": {}}
        for part, name, content in self._ask("SELECT part, name, content FROM sources"):
            if not isinstance(content, bytes):
                raise ValueError(f"{part} {name} is no file")
            sources[part][str(name)] = content
        return Header(
            str(said["kind"]), int(said["epoch_ns"]), str(said["site"]), sources["site"], None
            if said["scenario"] is None else str(said["scenario"]),
            sources["scenario"], None if said["seed"] is None else int(said["seed"]), None
            if said["duration_s"] is None else float(said["duration_s"]),
            msgspec.json.decode(str(said["feeds"]), type=tuple[str, ...]), str(said.get("commitment") or ""),
            str(said.get("continues") or ""), _link(said.get("follows")))

    @staticmethod
    def _revealed(said: dict[str, Any]) -> Secret | None:
        told = said.get("revealed")
        return None if told is None else Secret(*msgspec.json.decode(str(told), type=tuple[int, str]))

    def _row(self, values: tuple[Any, ...]) -> Row:
        n, t, *blobs = values
        needed = blobs[:4]
        if not isinstance(n, int) or not isinstance(t, float) or not all(isinstance(b, bytes) for b in needed) \
                or not all(b is None or isinstance(b, bytes) for b in blobs):
            raise RecordError(f"{self.path}: frame {n} holds something else than was recorded")
        if not abs(t) <= LATEST_S:
            raise RecordError(f"{self.path}: frame {n} is at an impossible time, {t:g} s")
        return Row(n, t, *blobs)

    def _ask(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._base.execute(question, values).fetchall()
        except (sqlite3.Error, OverflowError) as error:
            raise _unreadable(self.path, error) from None


def _link(said: object) -> bytes | None:
    if said is not None and not isinstance(said, bytes):
        raise ValueError("what it follows is no digest")
    return said


@contextmanager
def foreign(path: Path) -> Iterator[None]:
    """Around all that works on what a record holds: whatever that breaks becomes a RecordError with
    a sentence.

    path  the record's file, for the error

    A record may come from anywhere. Its form is checked when it is decoded; what it says (a zone
    that the site has not, a time that is infinite) is met only by those who use it, and is no fault
    of theirs.
    """
    try:
        yield
    except SkywardenError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, MemoryError, RecursionError,
        AssertionError) as error:
        said = str(error)[:200] or "it asks for too much"
        raise RecordError(f"{path}: it holds what no run of Skywarden's writes: {type(error).__name__}: "
            f"{said}") from error


def _opened(path: Path) -> sqlite3.Connection:
    """A connection to a record, or to one that was packed, unpacked into a file that has no name
    any more.
    """
    if path.suffix != SUFFIX:
        return _connect(path)
    plain = unpack(path)
    try:
        base = _connect(plain)
        base.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except sqlite3.Error as error:
        raise _unreadable(path, error) from None
    finally:
        plain.unlink()
    return base


def _connect(path: Path) -> sqlite3.Connection:
    try:
        base = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, check_same_thread=False)
    except sqlite3.Error as error:
        raise _unreadable(path, error) from None
    base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES)
    base.execute("PRAGMA trusted_schema=OFF")
    return base


def _unreadable(path: Path, error: Exception) -> RecordError:
    said = str(error)
    if "not a database" in said:
        return RecordError(f"{path} is not a record: it is no SQLite file")
    if "no such table" in said or "no such column" in said:
        return RecordError(f"{path} is not a record of Skywarden's: {said}")
    if "malformed" in said or "I/O" in said:
        return RecordError(f"{path} is damaged or cut short: {said}. Copy it again, with the -wal file beside it if "
            "there is one")
    if "unable to open" in said or "readonly" in said:
        return RecordError(f"{path} cannot be opened: {said}. If a -wal file lies beside it, copy both into a folder "
            "you may write and open them there")
    return RecordError(f"{path} cannot be read: {said}")
