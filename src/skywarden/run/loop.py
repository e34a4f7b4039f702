"""The loop itself: frame, picture, drill, sinks. It is told what to call and knows no part by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from skywarden.messages.drill import Drill
from skywarden.messages.frame import Frame
from skywarden.messages.moment import Moment
from skywarden.messages.picture import Picture
from skywarden.run.clock import Clock
from skywarden.run.ports import Feed, Sink


class Wire(NamedTuple):
    """A sink and what its kind may see."""

    sink: Sink
    drill: bool = False
    truth: bool = False


class Stepper:
    """Holds the one value a run carries from frame to frame, and steps it: `watch` always,
    `rehearse` only where it was given.

    watch      Frame -> Picture, remembering inside
    rehearse   (Frame, Picture) -> Drill, likewise; None on live data, on which nothing of the kind
               is ever computed
    """

    def __init__(
        self, watch: Callable[[Frame], Picture], rehearse: Callable[[Frame, Picture], Drill] | None = None
    ) -> None:
        self._watch, self._rehearse = watch, rehearse
        # s of the wall that the newest frame was worked on; shown, and never part of what is believed or recorded
        self.took = 0.0

    def step(self, frame: Frame) -> tuple[Picture, Drill | None]:
        """One frame on."""
        begun = time.perf_counter()
        picture = self._watch(frame)
        drill = self._rehearse(frame, picture) if self._rehearse is not None else None
        self.took = time.perf_counter() - begun
        return picture, drill


def run(feed: Feed, stepper: Stepper, wires: Sequence[Wire], clock: Clock) -> int:
    """Step every frame of `feed` and hand it round; returns how many frames there were.

    Lateness is measured here and written into the frame before anything sees it, so that the record
    and a replay carry it.
    """
    frames = 0
    for frame, truth in feed:
        frame = frame._replace(late_s=max(frame.late_s, clock.wait_until(frame.t)))
        picture, drill = stepper.step(frame)
        for sink, sees_drill, sees_truth in wires:
            sink.take(Moment(frame, picture, drill if sees_drill else None, truth if sees_truth else None))
        frames += 1
    return frames
