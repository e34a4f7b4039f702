"""The loop itself: frame, picture, drill, sinks. It is told what to call and knows no part by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from skywarden.messages.drill import Drill
from skywarden.messages.frame import Frame
from skywarden.messages.moment import Moment, Remembered
from skywarden.messages.picture import Picture
from skywarden.run.aside import Aside
from skywarden.run.clock import Clock
from skywarden.run.ports import Feed, Sink


class Wire(NamedTuple):
    """A sink and what its kind may see."""

    sink: Sink
    drill: bool = False
    truth: bool = False
    state: bool = False     # what was remembered before the frame; for whoever keeps it


class Stepper:
    """Holds the one value a run carries from frame to frame, and steps it: `watch` always,
    `rehearse` only where it was given.

    watch      Frame -> Picture, remembering inside
    rehearse   (Frame, Picture) -> Drill, likewise; None on live data, on which nothing of the kind
               is ever computed

    Where `survived` is given, a frame that makes `rehearse` raise has the drill that the stage's
    `without(frame)` gives, in which nothing is engaged, and `survived` is told the frame and the
    error.
    """

    def __init__(
        self, watch: Callable[[Frame], Picture], rehearse: Callable[[Frame, Picture], Drill] | None = None
    ) -> None:
        self._watch, self._rehearse = watch, rehearse
        # s of the wall that the newest frame was worked on; shown, and never part of what is believed or recorded
        self.took = 0.0
        self._taken_up = False
        self.watching = False       # whether it is `watch` that is being stepped; still so after it raised
        self.survived: Callable[[Frame, Exception], object] | None = None

    def remembered(self) -> Remembered:
        """What is remembered now, before the next frame; nothing where the stages do not show it."""
        watch, rehearsal = (getattr(stage, "state", None) for stage in (self._watch, self._rehearse))
        return Remembered(watch, rehearsal, self._taken_up)

    def begin_anew(self) -> None:
        """Let `watch` forget everything, where it can."""
        getattr(self._watch, "begin_anew", lambda: None)()

    def keep(self) -> bytes:
        """What `watch` remembers, as bytes."""
        stage: Any = self._watch
        return bytes(stage.keep())

    def put_back(self, kept: bytes, rehearsal: bytes | None = None) -> None:
        """Go on from what was kept of `watch`, and of `rehearse`. Raises RecordError where it
        cannot be read.

        rehearsal  kept state of the rehearsal, None where nothing is rehearsed
        """
        stages: tuple[Any, ...] = self._watch, self._rehearse
        stages[0].put_back(kept)
        if self._rehearse is not None and rehearsal is not None:
            stages[1].put_back(rehearsal)
        self._taken_up = True

    def step(self, frame: Frame) -> tuple[Picture, Drill | None]:
        """One frame on."""
        begun = time.perf_counter()
        self.watching = True
        picture = self._watch(frame)
        self.watching = False
        drill = self._rehearsed(frame, picture)
        self.took = time.perf_counter() - begun
        self._taken_up = False
        return picture, drill

    def _rehearsed(self, frame: Frame, picture: Picture) -> Drill | None:
        """What `rehearse` makes of a frame; where it raises and that is survived, a drill without
        engagement.
        """
        stage: Any = self._rehearse
        if stage is None:
            return None
        try:
            drill: Drill = stage(frame, picture)
        except Exception as error:
            if self.survived is None or not hasattr(stage, "without"):
                raise
            drill = stage.without(frame)
            self.survived(frame, error)
        return drill


def run(
    feed: Feed, stepper: Stepper, wires: Sequence[Wire], clock: Clock, aside: Aside | None = None
) -> int:
    """Step every frame of `feed` and hand it round; returns how many frames there were.

    aside    takes what makes `watch` raise out of a frame, so that the run goes on; None: it ends
             there
    stepper  what turns frames into moments
    wires    the sinks, each with what it may see
    clock    the clock that frames wait for

    Lateness is measured here and written into the frame before anything sees it, so that the record
    and a replay carry it.
    """
    frames = 0
    for frame, truth in feed:
        frame = frame._replace(late_s=max(frame.late_s, clock.wait_until(frame.t)))
        before = stepper.remembered()
        try:
            picture, drill = stepper.step(frame)
        except Exception as error:
            if aside is None or not stepper.watching:
                raise
            stepped = aside.retry(stepper.step, frame, truth, error)
            if stepped is None:
                continue
            frame, truth, picture, drill = stepped
        for sink, sees_drill, sees_truth, sees_state in wires:
            sink.take(Moment(
                frame, picture, drill if sees_drill else None, truth if sees_truth else None,
                before if sees_state else None))
        frames += 1
    return frames
