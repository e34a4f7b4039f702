"""A mailbox between the loop and a sink: its own thread, an error boundary, and a state that says
how the sink fares.

    loop --take, microseconds--> bounded queue --thread--> sink.take       raises, hangs, falls
      behind: counted and told,
                                     |                                     never felt by the loop or
                                       by another sink
                                     '--> state(): age, waiting, lost, failures, fault

A sink that cannot keep up loses its oldest waiting moments, and is told how many where it asks for
that (`missed`).
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from skywarden.messages.moment import Moment
from skywarden.run.ports import Sink

MOST_WAITING = 1200     # moments of a queue whose owner names no other bound; five minutes at four frames a second
SILENT_S = 1.0          # seconds one moment may be worked on, or wait, before the sink is said to be late
RESTART_S = 1.0         # seconds between two attempts to open a failed sink anew; doubled up to `SLOWEST_S`
SLOWEST_S = 30.0        # seconds, the longest pause between two such attempts
GIVEN_UP_S = 10.0       # seconds of work on one moment after which a sink that can be opened anew is left to itself
CLOSING_S = 5.0         # seconds without progress that the end of a run waits for a sink
SHOWN_S = 10.0          # seconds that a failure or a loss which is over is still told
LONGEST_FAULT = 300     # characters of a fault that are kept


class SinkState(NamedTuple):
    """How a sink fares, as the console shows it."""

    name: str
    age: float | None   # since it last finished a moment [s]; None while it has finished none
    waiting: int        # moments in its queue
    lost: int           # moments it never got, because its queue was full
    failures: int       # times that it raised
    fault: str          # what is wrong now, a sentence; empty where nothing is
    latency: float      # from the loop to the end of its work, of the newest moment [s]; nan before the first


class Mailbox:
    """A Sink that hands everything on to another one, in order, from a thread of its own. `take`
    never waits and never raises.

    name    str            under which its state is shown
    sink    Sink           what is handed the moments; its `missed(moments)`, where it has one, is
                           told of
                           moments it never got before it is handed the next, and its `fault`, where
                           it has one and it is not empty, is shown although nothing was raised
    most    int            moments that may wait; above it the oldest is given up. 1: only the
                           newest counts
    holds   () -> bool     whether a full queue may hold the loop back while the sink makes
                           progress, as the
                           recorder's may at full speed; never in real time
    again   () -> Sink     opens the sink anew after it failed or hung; None: it stays the same one
    """

    def __init__(
        self, name: str, sink: Sink, *, most: int = MOST_WAITING, holds: Callable[[], bool] | None = None,
        again: Callable[[], Sink] | None = None, now: Callable[[], float] = time.monotonic,
    ) -> None:
        if most < 1:
            raise ValueError(f"a mailbox holds at least one moment; got {most}")
        self.name, self.sink = name, sink
        self._most, self._holds, self._again, self._now = most, holds, again, now
        self._turn = threading.Condition()
        self._waiting: deque[tuple[Moment, float]] = deque()
        self._busy: float | None = None         # since when a moment is being worked on
        self._ended = False
        self._lost = self._untold = self._failures = 0
        self._fault, self._standing = "", False
        self._failed_at = self._lost_at = -math.inf
        self._done: float | None = None
        self._latency = math.nan
        self._next_try, self._pause = -math.inf, RESTART_S
        self._thread = self._begin()

    def take(self, moment: Moment) -> None:
        """Queue one moment; the oldest gives way where too many wait. Microseconds, unless `holds`
        says otherwise.
        """
        with self._turn:
            if self._ended:
                return
            if len(self._waiting) >= self._most and self._holds is not None:
                self._hold()
            if len(self._waiting) >= self._most:
                self._waiting.popleft()
                self._untold += 1
                if self._most > 1:          # where only the newest counts, skipping the others is no loss
                    self._lost, self._lost_at = self._lost + 1, self._now()
            self._waiting.append((moment, self._now()))
            self._watch()
            self._turn.notify_all()

    def state(self) -> SinkState:
        """How the sink fares now; from any thread, at any time."""
        with self._turn:
            now = self._now()
            age = None if self._done is None else now - self._done
            return SinkState(self.name, age, len(self._waiting), self._lost, self._failures, self._said(now),
                self._latency)

    def drain(self, patience: float | None = None) -> bool:
        """Wait until everything queued is done; False where the sink made no progress for
        `patience` seconds (`CLOSING_S`).
        """
        patience = CLOSING_S if patience is None else patience
        with self._turn:
            while self._waiting or self._busy is not None:
                before = len(self._waiting), self._busy
                if not self._turn.wait(patience) and before == (len(self._waiting), self._busy):
                    return False
            return True

    def close(self, patience: float | None = None) -> None:
        """Hand on what waits, then close the sink, in its own thread; one that makes no progress is
        left behind.

        patience  seconds to wait, None for the usual
        """
        if self._ended:
            return
        self.drain(patience)
        with self._turn:
            self._ended = True
            self._turn.notify_all()
        self._thread.join(CLOSING_S if patience is None else patience)

    def _begin(self, opens: bool = False) -> threading.Thread:
        """A new thread that hands moments on; the one before, where there was one, then stops at
        its next step.
        """
        self._thread = threading.Thread(target=self._work, args=(opens,), name=f"skywarden-{self.name}", daemon=True)
        self._thread.start()
        return self._thread

    def _work(self, opens: bool) -> None:
        """Hand moments on until the end, or until this thread was replaced by another."""
        if opens:
            self._reopen(leaving=True)
        while (item := self._next()) is not None:
            moment, since, missed = item
            fault = None
            try:
                if missed and (told := getattr(self.sink, "missed", None)) is not None:
                    told(missed)
                self.sink.take(moment)
            except BaseException as error:      # a boundary: whatever it is, it concerns this sink alone
                fault = sentence(error)
            if not self._finished(since, fault):
                return
            if fault is not None:
                self._reopen()
        if self._thread is threading.current_thread():
            with contextlib.suppress(BaseException):    # the run is over: there is nobody left to tell
                self.sink.close()

    def _next(self) -> tuple[Moment, float, int] | None:
        """The oldest waiting moment with the time it was queued and how many before it were given
        up; None at the end.
        """
        with self._turn:
            while not self._waiting and not self._ended:
                self._turn.wait()
            if not self._waiting or self._thread is not threading.current_thread():
                return None
            moment, since = self._waiting.popleft()
            missed, self._untold = self._untold, 0
            self._busy = self._now()
            self._turn.notify_all()
            return moment, since, missed

    def _finished(self, since: float, fault: str | None) -> bool:
        """Note how a moment went; False where this thread was given up meanwhile."""
        with self._turn:
            if self._thread is not threading.current_thread():
                return False
            now = self._now()
            self._busy = None
            if fault is None:
                self._done, self._latency, self._standing, self._pause = now, now - since, False, RESTART_S
            else:
                self._failed(fault)
            self._turn.notify_all()
            return True

    def _failed(self, fault: str) -> None:
        """Count a failure and keep its sentence; it stands until a moment is done without."""
        self._failures, self._fault, self._standing, self._failed_at = self._failures + 1, fault, True, self._now()

    def _reopen(self, leaving: bool = False) -> None:
        """Open a failed sink anew, where that can be done, now and then; `leaving` one that hangs
        unclosed.
        """
        if self._again is None or (self._now() < self._next_try and not leaving):
            return
        self._next_try, self._pause = self._now() + self._pause, min(2.0 * self._pause, SLOWEST_S)
        if not leaving:
            with contextlib.suppress(BaseException):
                self.sink.close()
        try:
            self.sink = self._again()
        except BaseException as error:
            with self._turn:
                self._failed(sentence(error))

    def _hold(self) -> None:
        """Let the loop wait for room while the sink makes progress and the run is not in real time."""
        while len(self._waiting) >= self._most and self._holds is not None and self._holds():
            if self._busy is not None and self._now() - self._busy > SILENT_S:
                return
            self._turn.wait(0.05)

    def _watch(self) -> None:
        """Replace a thread that has died, or that hangs although its sink can be opened anew."""
        hung = self._busy is not None and self._now() - self._busy > GIVEN_UP_S and self._again is not None
        if hung or not self._thread.is_alive():
            self._busy = None
            self._failed("it hung and was started anew" if hung else "its thread ended and was started anew")
            self._begin(opens=hung)

    def _said(self, now: float) -> str:
        """What is wrong now, the gravest first; a failure or a loss is still told for `SHOWN_S`
        after it.
        """
        if self._busy is not None and now - self._busy > SILENT_S:
            return f"has not answered for {now - self._busy:.0f} s"
        if self._standing:
            return self._fault
        told = str(getattr(self.sink, "fault", ""))[:LONGEST_FAULT]
        if told:
            return told
        if self._waiting and self._most > 1 and now - self._waiting[0][1] > SILENT_S:
            return f"is {now - self._waiting[0][1]:.0f} s behind"
        if self._lost and now - self._lost_at < SHOWN_S:
            return f"was too slow: {self._lost} moments never reached it"
        return f"failed {now - self._failed_at:.0f} s ago: {self._fault}" if now - self._failed_at < SHOWN_S else ""


def sentence(error: BaseException) -> str:
    """An error as one line of printable text."""
    said = str(error) or type(error).__name__
    words = said if isinstance(error, Exception) and said != type(error).__name__ else f"{type(error).__name__}: {said}"
    return "".join(c if c.isprintable() else " " for c in words)[:LONGEST_FAULT]
