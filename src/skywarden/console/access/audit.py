"""Every action of every person, allowed or refused, one JSON line each; actions that were carried out stand in the record as commands as well."""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

KEPT = 2000     # newest entries shown on the page; all of them are in the file


class Audit:
    """Appends to `path`, if one was given, and keeps the newest entries for the page."""

    def __init__(self, path: Path | None = None) -> None:
        self._file: IO[str] | None = None
        if path is not None:        # readable by its owner only, whatever the machine's custom is
            self._file = open(path, "a", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115 — held until `close`
        self._lock = threading.Lock()
        self.entries: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def write(self, who: str, what: str, address: str, *, allowed: bool, about: str = "", why: str = "") -> None:
        """One action: by whom, what, about what, from where, and whether it was allowed."""
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"), "who": who, "what": what, "about": about, "why": why,
            "from": address, "allowed": allowed,
        }
        with self._lock:
            self.entries.append(entry)
            if self._file is not None:
                self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
                self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
