"""Every action of every person, allowed or refused, one JSON line each; actions that were carried
out stand in the record as commands as well.
"""

from __future__ import annotations

import json
import os
import queue
import stat
import threading
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from skywarden.errors import UsageError

KEPT = 2000             # newest entries shown on the page; all of them are in the file
LONGEST = 300           # characters of one field of an entry
MOST_WAITING = 20_000   # lines that wait for a disk that takes none just now; above it the oldest is given up
RETRY_S = 1.0           # seconds between two attempts to write to a disk that refused
CLOSING_S = 5.0         # seconds that the end waits for lines still to be written


class Audit:
    """Appends to `path`, if one was given, and keeps the newest entries for the page.

    Lines are written by a thread of their own: neither a full disk nor a hanging one holds up an
    action, and what could not be written waits until it can be. `fault` says so meanwhile. Raises
    UsageError where the file cannot be opened.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.entries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.fault = ""
        self.lost = 0           # lines that found no room
        self._path = path
        self._lines: queue.Queue[str | None] = queue.Queue(MOST_WAITING)
        self._ended = threading.Event()
        if path is not None:
            self._file = _opened(path)
            self._thread = threading.Thread(target=self._work, name="skywarden-audit", daemon=True)
            self._thread.start()

    def write(self, who: str, what: str, address: str, *, allowed: bool, about: str = "", why: str = "") -> None:
        """One action: by whom, what, about what, from where, and whether it was allowed; never
        waits, never raises.

        who      name of the person, as far as known
        address  the peer's network address
        why      reason of a refusal, empty for none

        Characters that no log should hold are written as their numbers, and what is too long is
        cut.
        """
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"), "who": printable(who),
            "what": printable(what), "about": printable(about),
            "why": printable(why), "from": printable(address), "allowed": allowed,
        }
        self.entries.append(entry)
        if self._path is None:
            return
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        while True:
            try:
                self._lines.put_nowait(line)
                return
            except queue.Full:
                self.lost += 1
                self._drop()

    def close(self) -> None:
        """Write what waits and close the file; a disk that takes nothing is left behind after a
        while.
        """
        if self._path is None or self._ended.is_set():
            return
        self._ended.set()
        try:
            self._lines.put_nowait(None)
        except queue.Full:
            self._drop()
        self._thread.join(CLOSING_S)

    def _drop(self) -> None:
        try:
            self._lines.get_nowait()
        except queue.Empty:
            return

    def _work(self) -> None:
        while (line := self._lines.get()) is not None:
            data = line.encode()
            while data:
                data = data[self._append(data):]
                if data and self._ended.wait(RETRY_S):
                    data = data[self._append(data):]    # a last attempt
                    break
        os.close(self._file)

    def _append(self, data: bytes) -> int:
        """How many of the bytes could be written; `fault` says why not all."""
        try:
            written = os.write(self._file, data)
        except OSError as error:
            lacking = f", {self.lost} lines are lost" if self.lost else ""
            self.fault = (f"the audit file cannot be written: {error.strerror or error}; {self._lines.qsize() + 1} "
                f"lines wait{lacking}")
            return 0
        self.fault = "" if written == len(data) else self.fault
        return written


def printable(text: object) -> str:
    """Any text as one line that a log and a screen can hold."""
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in str(text)[: LONGEST + 1])
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def _opened(path: Path) -> int:
    """The file, to be appended to, readable by its owner only whatever the machine's custom is.
    Raises UsageError.
    """
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise UsageError(f"--audit {path}: the file cannot be written: {error.strerror or error}") from None
    about = os.fstat(file)
    if stat.S_ISREG(about.st_mode) and about.st_uid == os.getuid() and about.st_mode & 0o077:
        os.fchmod(file, 0o600)
    os.set_blocking(file, True)
    return file
