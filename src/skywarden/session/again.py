"""A record flown again: seed, commands and injects to a moment, compared with the record frame by
frame, and the world ready to fly on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from skywarden.errors import RecordError
from skywarden.feeds.simulated import Simulated
from skywarden.messages.frame import Frame
from skywarden.messages.truth import FIRED, Truth
from skywarden.record.codec import differences, encode
from skywarden.record.reader import Record

COMPUTED = (
    "detections",
    "aircraft",
    "weather",
    "radars",
    "inputs",
    "delivered",
)  # what the simulated world puts into a frame
BY_SCENARIO = "scenario"


class Again:
    """Flies a record's world again, up to a moment.

    simulated   the same scenario, site and seed, at its beginning
    record      what was flown
    until       last moment to be flown again [s]; inf: all that was recorded

    Raises RecordError where the world that is flown now is not the recorded one to the last bit.
    """

    def __init__(self, simulated: Simulated, record: Record, until: float) -> None:
        self._simulated, self._record = simulated, record
        span = record.span()
        if span is None:
            raise RecordError(f"{record.path}: there is no frame in it to go on from")
        self.until = min(until, span[1])
        last = None
        for row in record.rows():
            if row.t <= self.until:
                last = row
        self.link = "" if last is None else last.link(record.form).hex()
        self.frames = 0

    def flown(self, frames: Iterator[tuple[Frame, Truth]]) -> Iterator[tuple[Frame, Truth]]:
        """The recorded frames, with the truth as it is flown now; `frames` is the simulated world's
        own iterator.
        """
        for moment in self._record.moments():
            if moment.frame.t > self.until + 1e-9:
                return
            if moment.truth is None:
                raise RecordError(f"{self._record.path}: it holds no truth: only a simulation can be flown again")
            for event in moment.truth.injects:
                if event.state == FIRED and event.who != BY_SCENARIO:
                    self._simulated.fire(event.name, event.who)
            frame, truth = next(frames, (None, None))
            if frame is None or truth is None:
                raise RecordError(f"{self._record.path}: flown again, the run ends before {moment.frame.t:.2f} s")
            self._same(moment.frame, frame)
            if encode(truth) != encode(moment.truth):
                raise self._other(moment.frame.t, differences(moment.truth, truth))
            self.frames += 1
            yield moment.frame, truth

    def _same(self, then: Frame, now: Frame) -> None:
        found = [] if math.isclose(then.t, now.t, abs_tol=1e-9) else [f"time {then.t} was recorded, now {now.t}"]
        for name in COMPUTED:
            was, is_ = getattr(then, name), getattr(now, name)
            if encode(was) != encode(is_):
                found += differences(was, is_, name)
        if found:
            raise self._other(then.t, found)

    def _other(self, t: float, found: list[str]) -> RecordError:
        return RecordError(
            f"{self._record.path}: flown again, the frame at {t:.2f} s is another: {'; '.join(found[:3])[:300]}. "
            "Fly it with the version and on the kind of machine that recorded it."
        )
