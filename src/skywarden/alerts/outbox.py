"""Messages on their way, in one small SQLite file: what a killed process had not delivered is found
again by the next one.

    messages  a row a message and channel: the alert, until when it may be acted on, what became of
              it
    answers   every receiver that acknowledged a message, and when
    standing  what each zone was last told
    asked     what `skywarden alert` asks of the running service
    service   its sign of life, and when each channel last passed a test

Writing is done by one thread. Whoever puts a message waits for the disk `PATIENCE_S` at most: a
full or hung disk is counted and shown, and costs the memory of a message after a crash, never the
message.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from skywarden.alerts.alert import Alert, from_bytes, to_bytes
from skywarden.errors import UsageError
from skywarden.messages.receipts import ACCEPTED, DELIVERED, EXPIRED, NOT_ANSWERED, REFUSED

PATIENCE_S = 0.02  # seconds, the longest that a warning waits for the outbox's disk
KEPT_S = 35 * 86_400.0  # seconds that what was told to whom is kept for `skywarden alert show`
MOST_UNWRITTEN = 50_000  # writes that may wait for a disk that hangs; what comes after is sent and not kept
WAITING = -1  # state of a message that nobody has taken yet; the others are those of a receipt
OPEN = (WAITING, ACCEPTED, NOT_ANSWERED)  # states that an acknowledgement may still change

TABLES = """
CREATE TABLE IF NOT EXISTS messages (
    n INTEGER PRIMARY KEY, channel TEXT NOT NULL, message TEXT NOT NULL, zone TEXT NOT NULL, stage INTEGER NOT NULL,
    kind TEXT NOT NULL,
    alert BLOB NOT NULL, made REAL NOT NULL, expires REAL NOT NULL, state INTEGER NOT NULL, told REAL, done REAL,
    who TEXT NOT NULL DEFAULT '',
    UNIQUE (message, channel));
CREATE INDEX IF NOT EXISTS messages_waiting ON messages (channel, state);
CREATE TABLE IF NOT EXISTS answers (message TEXT, channel TEXT, who TEXT, at REAL, PRIMARY KEY (message, channel,
who)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS standing (zone TEXT PRIMARY KEY, alert BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asked (n INTEGER PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL, who TEXT NOT NULL,
made REAL NOT NULL, taken REAL);
CREATE TABLE IF NOT EXISTS service (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
"""


class Parcel(NamedTuple):
    """One message for one channel, on its way."""

    channel: str
    alert: Alert
    since: float  # monotonic time of the frame it rests on [s]; nan after a restart
    made: float  # when it was put in [s since 1970]


class Told(NamedTuple):
    """One line of who was told what when."""

    made: float
    channel: str
    zone: str
    stage: int
    kind: str
    message: str
    state: int
    told: float | None
    done: float | None
    who: str


class Outbox:
    """The outbox of one site and kind. Every method may be called from any thread; none raises
    because of the disk after the start.

    Raises UsageError where the file cannot be made at the start.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self.path, self._now = path, now
        self.fault = ""  # what is wrong with the disk, a sentence; empty where nothing is
        self._turn = threading.Condition()
        self._work: deque[tuple[str, tuple[Any, ...]]] = deque()
        self._written = self._ordered = self._asked = 0
        self._ended = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(_connect(path)) as base:
                base.executescript(TABLES)
                base.execute("DELETE FROM messages WHERE made < ?", (now() - KEPT_S,))
                base.execute("DELETE FROM asked WHERE made < ?", (now() - KEPT_S,))
                base.execute("DELETE FROM answers WHERE at < ?", (now() - KEPT_S,))
        except (sqlite3.Error, OSError) as error:
            raise UsageError(
                f"{path}: the outbox of the warning channels cannot be opened: {error}. Name another folder with "
                "--state"
            ) from None
        self._thread = threading.Thread(target=self._write, name="skywarden-outbox", daemon=True)
        self._thread.start()

    def put(self, parcels: Sequence[Parcel]) -> None:
        """Keep messages before they are sent; waits for the disk `PATIENCE_S` at most.

        parcels  what is to be sent

        A message put twice is kept once.
        """
        ticket = 0
        for parcel in parcels:
            alert = parcel.alert
            ticket = self._order(
                "INSERT OR IGNORE INTO messages (channel, message, zone, stage, kind, alert, made, expires, state) "
                "VALUES (?,?,?,?,?,?,?,?,?)",
                parcel.channel,
                alert.message,
                alert.zone,
                alert.stage,
                alert.kind,
                to_bytes(alert),
                parcel.made,
                alert.expires,
                WAITING,
            )
        with self._turn:
            self._turn.wait_for(lambda: self._written >= ticket or bool(self.fault), PATIENCE_S)

    def settle(self, channel: str, message: str, state: int, who: str = "") -> None:
        """Note what became of a message; an acknowledgement is never undone by an expiry.

        channel  name of the channel
        state    one of the states of OPEN, or DELIVERED, REFUSED, EXPIRED
        who      name of the receiver
        """
        now = self._now()
        if state == ACCEPTED:
            self._order(
                "UPDATE messages SET state=?, told=? WHERE channel=? AND message=? AND state=?",
                state,
                now,
                channel,
                message,
                WAITING,
            )
        else:
            self._order(
                f"UPDATE messages SET state=?, done=?, told=coalesce(told, ?), who=? WHERE channel=? AND message=? AND "
                f"state IN {OPEN}",
                state,
                now,
                now if state == DELIVERED else None,
                who,
                channel,
                message,
            )
        if state == DELIVERED and who:
            self._order("INSERT OR IGNORE INTO answers VALUES (?,?,?,?)", message, channel, who, now)

    def standing(self, alert: Alert) -> None:
        """What a zone was last told; forgotten once it is no longer under warning.

        alert  the message
        """
        if alert.standing:
            self._order("INSERT OR REPLACE INTO standing VALUES (?,?)", alert.zone, to_bytes(alert))
        else:
            self._order("DELETE FROM standing WHERE zone=?", alert.zone)

    def left_standing(self) -> dict[str, Alert]:
        """What each zone was last told, by name: the warnings that a process before this one had
        raised and not cleared.
        """
        found: dict[str, Alert] = {}
        for zone, data in self._ask("SELECT zone, alert FROM standing"):
            with contextlib.suppress(ValueError, TypeError, KeyError):
                found[str(zone)] = from_bytes(data)
        return found

    def left_waiting(self, channel: str) -> list[Parcel]:
        """Messages of a channel that nobody has taken and that may still be acted on, oldest first;
        the others are noted as expired.
        """
        now, found = self._now(), []
        self._order(
            "UPDATE messages SET state=?, done=? WHERE channel=? AND state=? AND expires<=?",
            EXPIRED,
            now,
            channel,
            WAITING,
            now,
        )
        rows = self._ask(
            "SELECT alert, made FROM messages WHERE channel=? AND state=? AND expires>? ORDER BY n",
            channel,
            WAITING,
            now,
        )
        for data, made in rows:
            with contextlib.suppress(ValueError, TypeError, KeyError):
                found.append(Parcel(channel, from_bytes(data), float("nan"), float(made)))
        return found

    def number(self, key: str) -> float:
        """A number that `say` kept, also by a process before this one; nan none.

        key  name under which it is kept
        """
        rows = self._ask("SELECT value FROM service WHERE key=?", key)
        try:
            return float(rows[0][0]) if rows else float("nan")
        except (TypeError, ValueError):
            return float("nan")

    def say(self, key: str, value: str | float) -> None:
        """A sign of life, or another value that `skywarden alert` reads.

        key  name under which it is kept
        """
        self._order("INSERT OR REPLACE INTO service VALUES (?,?)", key, value)

    def requests(self) -> list[tuple[int, str, str, str]]:
        """What was asked of the running service and not taken yet, oldest first: (number, kind,
        text, who). Each is given once.
        """
        rows = self._ask(
            "SELECT n, kind, text, who FROM asked WHERE taken IS NULL AND n > ? AND made > ? ORDER BY n",
            self._asked,
            self._now() - 60.0,
        )
        if rows:
            self._asked = int(rows[-1][0])
            self._order("UPDATE asked SET taken=? WHERE n<=? AND taken IS NULL", self._now(), rows[-1][0])
        return [(int(n), str(kind), str(text), str(who)) for n, kind, text, who in rows]

    def flush(self, patience: float = 5.0) -> bool:
        """Wait until everything ordered so far is on the disk; False where it is not within
        `patience` [s].
        """
        with self._turn:
            ticket = self._ordered
            return self._turn.wait_for(lambda: self._written >= ticket, patience)

    def close(self) -> None:
        """Write what waits and give the file back."""
        self.flush()
        with self._turn:
            self._ended = True
            self._turn.notify_all()
        self._thread.join(5.0)

    def _order(self, statement: str, *values: Any) -> int:
        with self._turn:
            if len(self._work) >= MOST_UNWRITTEN:
                self.fault = "the outbox's disk hangs: messages are sent, and not kept"
                return self._written
            self._work.append((statement, values))
            self._ordered += 1
            self._turn.notify_all()
            return self._ordered

    def _write(self) -> None:
        """Everything ordered, many at a time in one transaction, until the end; a disk that fails
        is tried again.
        """
        base: sqlite3.Connection | None = None
        while (batch := self._batch()) is not None:
            try:
                base = base or _connect(self.path)
                base.execute("BEGIN IMMEDIATE")
                for statement, values in batch:
                    base.execute(statement, values)
                base.execute("COMMIT")
                self._done(len(batch), "")
            except (sqlite3.Error, OSError) as error:
                if base is not None:
                    with contextlib.suppress(sqlite3.Error):
                        base.close()
                base = None
                self._done(0, f"the outbox cannot be written: {error}")
                time.sleep(0.1)
        if base is not None:
            base.close()

    def _batch(self) -> list[tuple[str, tuple[Any, ...]]] | None:
        with self._turn:
            self._turn.wait_for(lambda: bool(self._work) or self._ended)
            if not self._work or (self._ended and self.fault):
                return None
            return list(self._work)[:1000]

    def _done(self, count: int, fault: str) -> None:
        with self._turn:
            for _ in range(min(count, len(self._work))):
                self._work.popleft()
            self._written += count
            self.fault = fault
            self._turn.notify_all()

    def _ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        try:
            with contextlib.closing(_connect(self.path)) as base:
                return base.execute(question, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            self.fault = f"the outbox cannot be read: {error}"
            return []


def ask_service(path: Path, kind: str, text: str, who: str) -> int:
    """Ask the running service for something; the answer is the request's number.

    path  the outbox's file
    kind  what the service is asked for
    text  what goes with it
    who   name of the person who asks

    Raises UsageError where no service keeps this outbox.
    """
    with _asked(path) as base:
        row = base.execute("SELECT value FROM service WHERE key='alive'").fetchone()
        if row is None or time.time() - float(row[0]) > 10.0:
            raise UsageError(
                f"{path}: the service that keeps this outbox does not run: a message goes out through it, start it "
                "first"
            )
        made = base.execute(
            "INSERT INTO asked (kind, text, who, made) VALUES (?,?,?,?)", (kind, text, who, time.time())
        )
        return int(made.lastrowid or 0)


def history(path: Path, most: int = 200) -> list[Told]:
    """Who was told what when, newest last; UsageError where there is no outbox.

    path  the outbox's file
    most  greatest number of messages
    """
    with _asked(path) as base:
        rows = base.execute(
            "SELECT made, channel, zone, stage, kind, message, state, told, done, who FROM messages ORDER BY n DESC "
            "LIMIT ?",
            (most,),
        ).fetchall()
        answers: dict[tuple[str, str], list[str]] = {}
        for message, channel, who in base.execute("SELECT message, channel, who FROM answers ORDER BY at"):
            answers.setdefault((message, channel), []).append(who)
    said = [Told(*row) for row in reversed(rows)]
    return [line._replace(who=", ".join(answers.get((line.message, line.channel), [])) or line.who) for line in said]


@contextlib.contextmanager
def _asked(path: Path) -> Iterator[sqlite3.Connection]:
    """An outbox that somebody else keeps; UsageError, with a sentence, where it is none."""
    if not path.is_file():
        raise UsageError(
            f"{path}: no service has kept an outbox here: start one whose site declares [[channels]], or name its "
            "folder with --state"
        )
    try:
        with contextlib.closing(_connect(path)) as base:
            yield base
    except sqlite3.Error as error:
        raise UsageError(f"{path}: this outbox cannot be read: {error}") from None


def state_name(state: int) -> str:
    """The state of a message in words."""
    return {
        WAITING: "waiting",
        ACCEPTED: "accepted",
        DELIVERED: "delivered",
        REFUSED: "refused",
        EXPIRED: "expired",
        NOT_ANSWERED: "nobody answered",
    }.get(state, "?")


def _connect(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=2.0, isolation_level=None, check_same_thread=False)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=NORMAL")
    return base
