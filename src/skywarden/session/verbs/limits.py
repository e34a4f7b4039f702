"""What a record that came from anywhere may cost on the command line: memory and processor time
are bounded while it is worked on.
"""

from __future__ import annotations

import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from skywarden.errors import RecordError

MEMORY = 3 << 30  # bytes of address space, beside what the process has when it begins, as at the console
SECONDS = 600.0  # seconds of processor time for any record
SECONDS_A_BYTE = 1e-5  # seconds more for each byte of it: a day's record of 5 GB gets fourteen hours


@contextmanager
def limited(record: Path, timed: bool = True) -> Iterator[None]:
    """While a record is worked on. Raises RecordError where it asks for more than it may.

    timed   whether processor time is bounded too; not where somebody watches and may end it
    """
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = _address_space() + MEMORY
    if before[1] == resource.RLIM_INFINITY or limit < before[1]:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (min(limit, before[0]) if before[0] > 0 else limit, before[1]))
    timer = _Timer(record) if timed and threading.current_thread() is threading.main_thread() else None
    try:
        yield
    except MemoryError:
        raise RecordError(
            f"{record}: working on it takes more than {MEMORY >> 30} GiB of memory; "
            "it is none of ours, or damaged"
        ) from None
    finally:
        if timer is not None:
            timer.end()
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, before)


def glance(record: Path) -> None:
    """A first look at a record, before what works on it is loaded. Raises RecordError where it is
    plainly none: its tables, its header, or the size and form of its terrain are not ours.

    record  the file
    """
    from skywarden.record.packing import SUFFIX
    from skywarden.record.reader import Record, foreign
    from skywarden.site.grids import unpacked

    if record.suffix == SUFFIX:     # unpacking it for a glance would cost more than it saves
        return
    with foreign(record), Record(record) as opened:
        grid = opened.header.site_sources.get("terrain.npz")
        if grid is not None:
            try:
                unpacked(grid)
            except ValueError as error:
                raise RecordError(
                    f"{record}: terrain.npz is no terrain that a site was read with: {error}\n"
                    "    Take the record from where it was written."
                ) from None


class _Timer:
    """Interrupts once the process has worked too long."""

    def __init__(self, record: Path) -> None:
        size = record.stat().st_size if record.is_file() else 0
        self._record, self._seconds = record, SECONDS + SECONDS_A_BYTE * size
        self._before: Any = signal.signal(signal.SIGPROF, self._over)
        signal.setitimer(signal.ITIMER_PROF, self._seconds)

    def end(self) -> None:
        """It was in time."""
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, self._before)

    def _over(self, _number: int, _frame: FrameType | None) -> None:
        raise RecordError(
            f"{self._record}: working on it takes longer than {self._seconds:.0f} s of processor time; "
            "it is none of ours, or damaged"
        )


def _address_space() -> int:
    """Bytes of address space that the process has now."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0
