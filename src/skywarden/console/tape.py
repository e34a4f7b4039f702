"""What a page can scrub back through: every message of the run so far, compressed, in two unnamed
files that take turns.

The tape is a convenience of the running console; the record, which is written elsewhere, is the
evidence.
"""

from __future__ import annotations

import errno
import os
import tempfile
import zlib
from array import array
from bisect import bisect_right
from typing import IO

TAPE_BYTES = 1 << 30        # disk space for both halves together; an hour of 200 tracks at 10 Hz is about 350 MB


class _Half:
    def __init__(self) -> None:
        # unbuffered: what a full disk refuses is known at once, and nothing half written is left behind to fail again
        self.file: IO[bytes] = tempfile.TemporaryFile(prefix="skywarden-tape-", buffering=0)  # noqa: SIM115 — held until `close`
        self.t, self.start = array("d"), array("q")
        self.end = 0

    def append(self, t: float, packed: bytes) -> None:
        self.file.seek(self.end)
        if self.file.write(packed) != len(packed):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.t.append(t)
        self.start.append(self.end)
        self.end += len(packed)

    def read(self, row: int) -> bytes:
        stop = self.start[row + 1] if row + 1 < len(self.start) else self.end
        self.file.seek(self.start[row])
        return self.file.read(stop - self.start[row])


class Tape:
    """Append in time order, read anywhere. When both halves are full the older one is given up.

    A temporary folder without room costs only what could be looked back at: `fault` says so, and
    ends with it.
    """

    def __init__(self, limit: int = TAPE_BYTES) -> None:
        self._limit = limit // 2
        self._halves: list[_Half] = []
        self.fault = ""

    def append(self, t: float, message: bytes) -> None:
        """Keep `message` of time `t` [s], not before the last one's, if there is room for it."""
        try:
            if not self._halves or self._halves[-1].end >= self._limit:
                self._halves.append(_Half())
                for half in self._halves[:-2]:
                    half.file.close()
                self._halves = self._halves[-2:]
            self._halves[-1].append(t, zlib.compress(message, 1))
            self.fault = ""
        except OSError as error:
            self.fault = f"the temporary folder takes no more: {error.strerror or error}"

    def span(self) -> tuple[float, float] | None:
        """Earliest and latest time kept [s]; None while there is nothing."""
        filled = [half for half in self._halves if half.t]
        return (filled[0].t[0], filled[-1].t[-1]) if filled else None

    def at(self, t: float) -> tuple[float, bytes] | None:
        """The newest message not after `t`, else the earliest one, with its own time; None while
        there is nothing.
        """
        filled = [half for half in self._halves if half.t]
        if not filled:
            return None
        half = filled[-1] if t >= filled[-1].t[0] else filled[0]
        row = max(0, bisect_right(half.t, t) - 1)
        try:
            return half.t[row], zlib.decompress(half.read(row))
        except (OSError, zlib.error):
            return None

    def clear(self) -> None:
        """Forget everything."""
        halves, self._halves = self._halves, []
        for half in halves:
            half.file.close()

    def close(self) -> None:
        """Give the disk space back."""
        for half in self._halves:
            half.file.close()
