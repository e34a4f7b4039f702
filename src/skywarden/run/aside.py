"""What becomes of a frame that `watch` cannot work on: the part that makes it raise is left out,
counted and told, and the defence goes on. One that `rehearse` cannot work on is warned of like
others; nothing is engaged in it.

`watch` is pure, so what it remembers is as it was before the frame. What goes on, and is recorded,
is the frame that it did work on: a replay of the record gives the same pictures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from skywarden.messages.drill import Drill
from skywarden.messages.frame import Aircraft, Frame
from skywarden.messages.picture import Picture
from skywarden.messages.tables import Array, rows, take
from skywarden.messages.truth import Truth
from skywarden.run.mailbox import SinkState

SHOWN_S = 30.0      # seconds that the newest failure is shown
LONGEST = 200       # characters of an error that are told
MOST_SAID = 20      # failures told in a sentence each; the rest is counted
NOTHING_IN_A_ROW = 20       # frames of which not even the empty one can be worked on, after which it begins anew

Step = Callable[[Frame], tuple[Picture, Drill | None]]


class Stepped(NamedTuple):
    """A frame that was worked on after all, and what came of it."""

    frame: Frame
    truth: Truth | None
    picture: Picture
    drill: Drill | None


class Aside:
    """Counts the frames of which something was set aside.

    say     told a sentence of each, the first `MOST_SAID`
    anew    makes `watch` forget everything; used when not even empty frames can be worked on
    now     clock [s]
    """

    def __init__(
        self,
        say: Callable[[str], object],
        anew: Callable[[], object] = lambda: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say, self._anew, self._now = say, anew, now
        self.frames = 0         # of which something was set aside
        self.lost = 0           # of which nothing could be worked on
        self._in_a_row = 0
        self._fault, self._at = "", -np.inf
        self.unrehearsed = 0    # frames in which nothing was engaged, because `rehearse` raised
        self._unrehearsed, self._unrehearsed_at = "", -np.inf

    def without_rehearsal(self, frame: Frame, error: Exception) -> None:
        """Count and tell a frame that made `rehearse` raise; the warnings of its picture go out
        like others.

        error  the error
        """
        self.unrehearsed += 1
        told = _words(error)
        self._unrehearsed_at = self._now()
        self._unrehearsed = f"frame at {frame.t:.2f} s: nothing engaged ({told}); {self.unrehearsed} so far"
        if self.unrehearsed <= MOST_SAID:
            self._say(f"the rehearsal could not work on the frame at {frame.t:.2f} s: nothing is engaged in it "
                f"({told}); the defence goes on")

    def retry(self, step: Step, frame: Frame, truth: Truth | None, error: Exception) -> Stepped | None:
        """Work on what is left of a frame that raised; None where nothing of it can be worked on.

        step   the frame's step that raised
        truth  the truth, None on live data
        error  the error
        """
        self.frames += 1
        for part, less, kept in _less(frame):
            try:
                picture, drill = step(less)
            except Exception as again:      # whatever it is, there is less to try
                error = again
                continue
            self._in_a_row = 0
            self._told(frame, f"{part} set aside", error)
            if truth is not None and rows(less.detections) != rows(frame.detections):
                truth = truth._replace(origin=truth.origin[kept])
            return Stepped(less, truth, picture, drill)
        self.lost, self._in_a_row = self.lost + 1, self._in_a_row + 1
        self._told(frame, "the whole frame set aside", error)
        if self._in_a_row >= NOTHING_IN_A_ROW:
            self._in_a_row = 0
            self._anew()
            self._say("watch begins anew: nothing that it remembered could be worked on")
        return None

    def state(self) -> SinkState:
        """How `watch` fares, beside the sinks."""
        shown = self._now() - self._at <= SHOWN_S
        return SinkState("watch", None, 0, self.lost, self.frames, self._fault if shown else "", float("nan"))

    def rehearsal_state(self) -> SinkState:
        """How `rehearse` fares, beside the sinks."""
        shown = self._now() - self._unrehearsed_at <= SHOWN_S
        return SinkState("rehearsal", None, 0, 0, self.unrehearsed, self._unrehearsed if shown else "", float("nan"))

    def _told(self, frame: Frame, what: str, error: Exception) -> None:
        told = _words(error)
        self._fault, self._at = f"frame at {frame.t:.2f} s: {what} ({told}); {self.frames} so far", self._now()
        if self.frames <= MOST_SAID:
            self._say(f"watch could not work on the frame at {frame.t:.2f} s: {what} ({told}); the defence goes on")


def _words(error: Exception) -> str:
    """An error as one line of printable text."""
    return "".join(c if c.isprintable() else " " for c in f"{type(error).__name__}: {error}")[:LONGEST]


def _less(frame: Frame) -> Iterator[tuple[str, Frame, Array]]:
    """The frame with less and less in it: what is left out, the rest, and which detections are
    kept.
    """
    d = frame.detections
    everything = np.ones(rows(d), np.bool_)
    if rows(frame.aircraft):
        yield "aircraft reports", frame._replace(aircraft=Aircraft.empty()), everything
    sensors = np.unique(d.sensor).tolist()
    for sensor in sensors if len(sensors) > 1 else ():
        kept = d.sensor != sensor
        yield f"detections of radar {sensor}", frame._replace(detections=take(d, kept)), kept
    none = ~everything
    if rows(d):
        yield "detections", frame._replace(detections=take(d, none)), none
    empty = frame._replace(detections=take(d, none), aircraft=Aircraft.empty())
    yield "detections and reports", empty, none
    if frame.commands:
        yield "detections, reports and commands", empty._replace(commands=()), none
