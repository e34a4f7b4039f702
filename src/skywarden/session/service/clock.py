"""Whether this host's clock can be believed: synchronised, and not set while we looked."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import threading
import time
from collections.abc import Callable

LOOK_S = 1.0  # seconds between two looks
STEP_S = 0.5  # seconds by which the wall may differ from the monotonic clock within one look
SHOWN_S = 300.0  # seconds for which a step is told
ERROR = 5  # answer of adjtimex: the clock is not synchronised
LIMIT_US = 16_000_000  # µs, the kernel's own bound of error when nobody synchronises


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("rest", ctypes.c_char * 256),
    )


def synchronised() -> bool | None:
    """Whether somebody keeps the clock right, as the kernel knows it; None where that cannot be
    asked.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6", use_errno=True)
        about = _Timex()
        answer = library.adjtimex(ctypes.byref(about))
        return None if answer < 0 else answer != ERROR and about.maxerror < LIMIT_US
    return None


class ClockWatch:
    """Looks each second, in a thread of its own; `fault` is what people should know."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        asked: Callable[[], bool | None] = synchronised,
        look_s: float = LOOK_S,
    ) -> None:
        self._wall, self._steady, self._asked, self._look_s = wall, steady, asked, look_s
        self._difference = wall() - steady()
        self._stepped: tuple[float, float] | None = None
        self.synchronised: bool | None = asked()
        self.steps = 0
        self._ended = threading.Event()
        threading.Thread(target=self._run, name="skywarden-clock", daemon=True).start()

    @property
    def fault(self) -> str:
        """A sentence; empty where the clock can be believed."""
        if self._stepped is not None and self._steady() - self._stepped[0] < SHOWN_S:
            way = "forward" if self._stepped[1] > 0 else "back"
            far = f"{way} by {abs(self._stepped[1]):.1f} s"
            return f"this host's clock was set {far}: times told may be wrong by that; restart when it is right"
        return (
            "this host's clock is not synchronised: run chrony or systemd-timesyncd"
            if self.synchronised is False
            else ""
        )

    def look(self) -> None:
        """One look."""
        difference = self._wall() - self._steady()
        step, self._difference = difference - self._difference, difference
        if abs(step) > STEP_S:
            self.steps += 1
            self._stepped = self._steady(), step
        self.synchronised = self._asked()

    def close(self) -> None:
        """Stop looking."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(self._look_s):
            self.look()
