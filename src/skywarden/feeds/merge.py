"""Several sources merged in time order into frames: recordings by their own times, sockets by
arrival, beside a simulation where there is one.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np

from skywarden.feeds.clocks import Clock
from skywarden.feeds.doubles import Before
from skywarden.feeds.scans import Looks
from skywarden.feeds.source import Batch, Item, Look, Plot, Report, Sender, Source, both
from skywarden.feeds.timeline import DAY
from skywarden.feeds.web import WeatherSource
from skywarden.messages.frame import CAUSES, SHED, TWICE, Aircraft, Detections, Frame, Inputs
from skywarden.messages.tables import Array, join, rows, take
from skywarden.messages.truth import Truth
from skywarden.run.mailbox import SHOWN_S, SinkState, sentence
from skywarden.run.ports import Feed
from skywarden.site.model import Site

AHEAD = 3.0             # s a recording is read beyond the frame, for what was written a little late
MOST_AHEAD = 200_000    # items so held at most
SILENCE = 120.0         # s of silence in all recordings that are given out as empty frames; the rest of it is skipped
ENOUGH = 50             # messages of a live input by which it is judged
MOST_CLOCKS = 4_096     # senders whose clocks are followed; junk invents them without end
NOT_OURS = -2           # `Truth.origin` of a detection that no simulated thing caused


class Merged:
    """A Feed of everything the sources give, a frame every `site.policy.frame_s`.

    sources        recordings are read as fast as they are asked for, sockets are followed by the
                   wall
    epoch_ns       t = 0 of the frames [ns since 1970, UTC]; None: the first recorded moment (raw
                   recordings know no date: theirs is taken to be
                   that of a dated one beside them, else 1970-01-01). Where a socket is read it is
                   now, whatever is given
    duration       frames end after so long [s]; None: with the last recording, never with a socket
    scenario_feed  a simulation beside the sources: its frames are the clock, recordings begin with
                   it, and what sources give is added
    aligned        sockets too are followed on the grid of `epoch_ns`: watchers of one site then
                   frame at the same instants, and a run goes on with the time of the one before it
    now, sleep     wall clock [s], replaceable in tests
    say            told in a sentence, once, what people should know of an input

    A datum goes into the first frame at or after its own time, a late one into the next frame there
    is; none is dropped.
    """

    def __init__(
        self, sources: Sequence[Source], site: Site, epoch_ns: int | None = None, duration: float | None = None,
        scenario_feed: Feed | None = None, now: Callable[[], float] = time.monotonic, sleep: Callable[[float],
            object] = time.sleep,
        say: Callable[[str], object] = lambda sentence: None, aligned: bool = False,
    ) -> None:
        self._say, self._aligned = say, aligned
        self.site, self.world = site, scenario_feed
        self.live = scenario_feed is None and any(source.live for source in sources)
        self.simulated = any(source.simulated for source in sources)    # what is marked as simulated is used
        self._duration, self._now, self._sleep = duration, now, sleep
        self._sources = list(sources)
        self._queue: list[tuple[float, int, int, Item]] = []       # time, tie-breaker, source, item
        self._number = count()
        self._columns: list[Detections] = []        # plots of live inputs for the next frame, at the frames' times
        self._looks = Looks(site)
        n = len(sources)
        self._received, self._undecodable = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._causes = np.zeros((n, len(CAUSES)), np.int64)
        self._steps = np.zeros(n, np.int64)
        self._alarmed: set[tuple[int, Sender]] = set()      # whose clock has been said to wander
        self._doubted: set[int] = set()     # inputs that have been said to be of little use
        self._failures: dict[int, tuple[str, float]] = {}   # what asking an input raised last, and when
        self._flooded: set[int] = set()     # inputs of which more comes than can be decoded
        self._before = Before()
        self._weather = site.weather        # as the site has it, until a source of weather tells
        self._heard = np.full(n, -math.inf)
        self._files = [_Recording(k, source) for k, source in enumerate(sources) if not source.live]
        self._clocks: dict[tuple[int, Sender], Clock] = {}
        self.epoch_ns = self._begin(epoch_ns)
        # of the epoch, where sockets are followed
        self._start = now() - ((time.time_ns() - self.epoch_ns) * 1e-9 if aligned and self.live else 0.0)

    def __iter__(self) -> Iterator[tuple[Frame, Truth | None]]:
        if self.world is not None:
            return self._beside(self.world)
        return self._following() if self.live else self._reading()

    def close(self) -> None:
        """Close every source."""
        for source in self._sources:
            source.close()
        if self.world is not None:
            self.world.close()

    def _begin(self, epoch_ns: int | None) -> int:
        """Read each recording's first moment, agree on an epoch, and shift each clock onto it."""
        for file in self._files:
            file.prime()
        period = self.site.policy.frame_s
        absolute = [file for file in self._files if not file.source.relative and math.isfinite(file.first)]
        if self.world is not None or self.live:
            reference = min((file.first for file in absolute if file.source.dated),
                default=min((f.first for f in absolute), default=0.0))
            shifted = [file.first + _days(file.first, reference) for file in absolute]
            for file, first in zip(absolute, shifted, strict=True):
                file.shift = first - file.first - min(shifted)
            return epoch_ns if epoch_ns is not None and (self.world is not None or self._aligned) else time.time_ns()
        dated = [file.first for file in absolute if file.source.dated]
        reference = epoch_ns / 1e9 if epoch_ns is not None else min(dated, default=min((f.first for f in absolute),
            default=0.0))
        for file in absolute:
            file.shift = _days(file.first, reference)
        begin = min((file.first + file.shift for file in absolute), default=0.0)
        epoch = epoch_ns / 1e9 if epoch_ns is not None else math.ceil(begin / period - 1e-6) * period
        for file in absolute:
            file.shift -= epoch
        return epoch_ns if epoch_ns is not None else round(epoch * 1e9)

    def _reading(self) -> Iterator[tuple[Frame, Truth | None]]:
        """Frames by the recordings' own times, as fast as asked."""
        period = self.site.policy.frame_s
        self._read_to(-math.inf)
        number = max(0, math.ceil(self._queue[0][0] / period - 1e-6)) if self._queue and self._queue[0][
            0] > SILENCE else 0
        busy = number * period
        while self._duration is None or number * period <= self._duration + 1e-9:
            t = number * period
            self._read_to(t)
            plots, reports, looks = self._due(t)
            if plots or reports or looks:
                busy = t
            yield self._frame(t, plots, reports, looks, 0.0), None
            if not self._queue and all(file.done for file in self._files):
                self._doubt(1)
                return
            number += 1
            following = self._queue[0][0] if self._queue else t
            if number * period - busy > SILENCE and following > (number + 1) * period:
                number = math.ceil(following / period - 1e-6)
                busy = number * period

    def _following(self) -> Iterator[tuple[Frame, Truth | None]]:
        """Frames by the wall, from now on. When the loop is late, frames are merged and say so;
        what they would have held is in the next.
        """
        period, start = self.site.policy.frame_s, self._start
        number = math.floor((self._now() - start) / period) + 1
        begin = (number - 1) * period
        for file in self._files:
            file.shift += begin
        while self._duration is None or number * period - begin <= self._duration + 1e-9:
            ahead = start + number * period - self._now()
            if ahead > 0.0:
                self._sleep(ahead)
                continue        # a sleep cut short, or woken early, is slept on
            behind = -ahead
            number += int(behind / period)
            t = number * period
            self._poll(lambda arrived: arrived - start, t)
            self._read_to(t)
            plots, reports, looks = self._due(t)
            self._doubt(ENOUGH)
            yield self._frame(t, plots, reports, looks, behind if behind > period else 0.0), None
            number += 1

    def _beside(self, world: Feed) -> Iterator[tuple[Frame, Truth | None]]:
        """A simulation's frames with what the sources give added."""
        for frame, truth in world:
            if self._duration is not None and frame.t > self._duration + 1e-9:
                return
            t = frame.t
            self._poll(lambda _, t=t: t, t)         # type: ignore[misc]
            self._read_to(t)
            plots, reports, looks = self._due(t)
            mine = self._frame(t, plots, reports, looks, 0.0)
            seen = rows(mine.detections)
            detections = join(frame.detections, mine.detections) if seen else frame.detections
            aircraft = join(frame.aircraft, mine.aircraft) if reports else frame.aircraft
            radars = frame.radars._replace(up=frame.radars.up | mine.radars.up, heard=np.maximum(frame.radars.heard,
                mine.radars.heard))
            if truth is not None and seen:
                truth = truth._replace(origin=np.concatenate([truth.origin, np.full(seen, NOT_OURS,
                    truth.origin.dtype)]))
            yield frame._replace(detections=detections, aircraft=aircraft, radars=radars, inputs=mine.inputs), truth

    def _read_to(self, t: float) -> None:
        """Read every recording until it is safely beyond `t`."""
        for file in self._files:
            while not file.done and file.clock < t + AHEAD and len(self._queue) < MOST_AHEAD:
                try:
                    batch = file.read()
                except Exception as error:      # the disk, or a fault of a reader: what was read so far counts
                    file.done = True
                    self._failed(file.number, f"cannot be read on: {sentence(error)}")
                    continue
                if batch is not None:
                    self._take(file.number, batch, lambda when, shift=file.shift: when + shift)    # type: ignore[misc]

    def _poll(self, run_time: Callable[[Any], Any], t: float) -> None:
        """Take what has arrived from every socket. `run_time` gives the frames' time of an arrival."""
        for number, source in enumerate(self._sources):
            if not source.live:
                continue
            for batch in self._asked(number, source.poll):
                arrived = min(run_time(batch.arrived), t) if math.isfinite(batch.arrived) else t
                clock = self._clock(number, batch.sender)
                if batch.steps:
                    clock.restart(arrived)
                for item in batch.items:        # all before any: what was held back came earlier than the batch
                    clock.note(item.t, arrived)
                if len(batch.arrivals):
                    self._take_columns(number, batch, np.minimum(run_time(batch.arrivals) + 0.0 * batch.arrivals, t),
                        clock)
                self._take(number, batch, lambda when, a=arrived, c=clock: c.time_of(when, a))     # type: ignore[misc]
                if clock.steps:
                    self._stepped(number, batch.sender, clock.steps)
                    clock.steps.clear()
                if clock.wanders and (number, batch.sender) not in self._alarmed:
                    self._alarmed.add((number, batch.sender))
                    self._say(f"{self._called(number, batch.sender)}: its clock has wandered {clock.drift:+.2f} s from "
                        "ours since it was first heard; "
                              "it is followed, but have it synchronised")

    def _asked(self, number: int, what: Callable[[], Iterable[Batch]]) -> list[Batch]:
        """What a source gives; where asking it raises, nothing, and the fault is told and shown."""
        try:
            return list(what())
        except Exception as error:
            self._failed(number, f"cannot be read: {sentence(error)}; it is asked again with each frame")
            return []

    def _failed(self, number: int, words: str) -> None:
        """Show what is wrong with an input from now on; said once."""
        if number not in self._failures:
            self._say(f"{self._sources[number].name}: {words}")
        self._failures[number] = (words, self._now())

    def states(self) -> list[SinkState]:
        """What is wrong with inputs, beside how the sinks fare; from any thread."""
        found = []
        for number, source in enumerate(self._sources):
            words, at = self._failures.get(number, ("", -math.inf))
            gone = not source.live or self._now() - at < SHOWN_S
            fault = words if words and gone else str(getattr(source, "fault", ""))
            if fault:
                found.append(SinkState(f"feed {source.name}", None, 0, 0, 0, fault, math.nan))
        return found

    def _clock(self, number: int, sender: Sender) -> Clock:
        """The clock of one of the senders of a source."""
        clock = self._clocks.get((number, sender))
        if clock is None:
            if len(self._clocks) > MOST_CLOCKS:
                self._clocks.clear()
            clock = self._clocks[number, sender] = Clock(self.epoch_ns)
        return clock

    def _called(self, number: int, sender: Sender) -> str:
        """A sender's name for people."""
        name = self._sources[number].name
        return f"{name}, sender {sender[0]}/{sender[1]}" if len(sender) >= 2 else name

    def _stepped(self, number: int, sender: Sender, steps: Sequence[float]) -> None:
        """A sender's clock was found to have been set: counted each time, said once."""
        if not self._steps[number]:
            way = "back" if steps[0] < 0.0 else "forward"
            self._say(f"{self._called(number, sender)}: its clock was set {way} by {abs(steps[0]):,.0f} s; it is taken "
                "as a new clock")
        self._steps[number] += len(steps)

    def _take(self, number: int, batch: Batch, time_of: Callable[[float], float]) -> None:
        """Count a batch and queue its items at the frames' times."""
        self._received[number] += batch.received
        self._undecodable[number] += batch.undecodable
        for cause, rejected in batch.rejected.items():
            self._causes[number, cause] += rejected
        if batch.steps:
            self._stepped(number, batch.sender, batch.steps)
        if batch.weather is not None:
            self._weather = batch.weather
        for item in batch.items:
            when = time_of(item.t)
            if self._before.seen(item, when):
                self._causes[number, TWICE] += 1
            else:
                heapq.heappush(self._queue, (when, next(self._number), number, item))

    def _doubt(self, enough: int) -> None:
        """Say once of an input that little or nothing of it can be used, of `enough` messages or
        thousands of bytes.
        """
        refused = self._causes.sum(axis=1) - self._causes[:, TWICE] - self._causes[:, SHED]
        for number, source in enumerate(self._sources):
            received, undecodable = int(self._received[number]), int(self._undecodable[number])
            if number not in self._flooded and self._causes[number, SHED] >= enough:
                self._flooded.add(number)
                self._say(f"{source.name}: more comes than can be decoded; the newest is read, the rest is shed and "
                    "counted")
            if number in self._doubted or not (received >= enough or undecodable >= 1_000 * enough):
                continue
            if received and refused[number] > received // 2:
                self._doubted.add(number)
                causes = ", ".join(f"{cause} {count}" for cause, count in zip(CAUSES, self._causes[number].tolist(),
                    strict=True) if count)
                self._say(f"{source.name}: {refused[number]} of {received} messages are not used ({causes}); is it of "
                    "this site, and its clock right?")
            elif not received and undecodable:
                self._doubted.add(number)
                self._say(f"{source.name}: nothing in {undecodable} bytes can be read; is it what the URL says?")

    def _take_columns(self, number: int, batch: Batch, arrived: Array, clock: Clock) -> None:
        """Keep a live batch's columns of plots, at the frames' times, for the frame that is made
        next.
        """
        clock.note_all(batch.plots.t, arrived)
        when = clock.times_of(batch.plots.t, arrived)
        twice = self._before.seen_of(batch.plots, when)
        self._causes[number, TWICE] += int(twice.sum())
        self._heard[number] = max(self._heard[number], float(when.max()))
        plots = batch.plots._replace(t=when)
        self._columns.append(take(plots, ~twice) if twice.any() else plots)

    def _due(self, t: float) -> tuple[list[Plot], list[Report], list[Look]]:
        """Take from the queue what belongs into the frame at `t`, at the frames' times."""
        plots: list[Plot] = []
        reports: list[Report] = []
        looks: list[Look] = []
        while self._queue and self._queue[0][0] <= t + 1e-9:
            when, _, number, item = heapq.heappop(self._queue)
            self._heard[number] = max(self._heard[number], when)
            if isinstance(item, Plot):
                plots.append(item._replace(t=when))
            elif isinstance(item, Report):
                reports.append(item._replace(t=when))
            else:
                looks.append(item._replace(t=when))
        return plots, reports, looks

    def _frame(self, t: float, plots: list[Plot], reports: list[Report], looks: list[Look], late_s: float) -> Frame:
        self._before.forget(t)
        drift = np.full(len(self._sources), math.nan)
        for (number, _), clock in self._clocks.items():
            if not abs(clock.drift) <= abs(drift[number]):
                drift[number] = clock.drift
        for number, source in enumerate(self._sources):
            for batch in self._asked(number, source.newest) if isinstance(source, WeatherSource) else ():
                self._take(number, batch, lambda when: when)
        found = detections(plots)
        if self._columns:
            found = join(*self._columns, found)
            found, self._columns = take(found, np.argsort(found.t, kind="stable")), []
        inputs = Inputs(
            np.array([source.name.encode("utf-8", "replace") for source in self._sources], "S64"),
            self._received.copy(), self._undecodable.copy(),
            self._causes.sum(axis=1), self._heard.copy(), self._causes.copy(), self._steps.copy(), drift)
        return Frame(
            t, found, aircraft(reports), self._weather, (), self._looks.state(t, looks), inputs, late_s)


class _Recording:
    """A file being read: how far its clock is, at the frames' times."""

    def __init__(self, number: int, source: Source) -> None:
        self.number, self.source = number, source
        self.first = math.nan       # its first moment, by its own clock
        self.shift = 0.0            # from its own clock to the frames' time
        self.done = False
        self._last = -math.inf
        self._batches = iter(source)
        self._kept: list[Batch] = []

    @property
    def clock(self) -> float:
        return self._last + self.shift

    def prime(self) -> None:
        """Read to the first moment there is, and keep what was read."""
        tallied = Batch(math.nan)
        for batch in self._batches:
            if batch.items:
                self._kept = [tallied, batch]
                self.first = min(item.t for item in batch.items)
                return
            tallied = tallied._replace(
                received=tallied.received + batch.received, undecodable=tallied.undecodable + batch.undecodable,
                rejected=both(tallied.rejected, batch.rejected), steps=tallied.steps + batch.steps)
        self._kept = [tallied]

    def read(self) -> Batch | None:
        """The next batch; None at the end."""
        batch = self._kept.pop(0) if self._kept else next(self._batches, None)
        if batch is None:
            self.done = True
        elif math.isfinite(batch.t):
            self._last = max(self._last, batch.t)
        return batch


def detections(plots: Sequence[Plot]) -> Detections:
    """The plots as a table, in the order of their times."""
    if not plots:
        return Detections.empty()
    columns = list(zip(*sorted(plots, key=lambda p: p.t), strict=True))
    like = Detections.empty()
    return Detections(*(np.array(column, old.dtype) for column, old in zip(columns, like, strict=True)))


def aircraft(reports: Sequence[Report]) -> Aircraft:
    """The reports as a table, in the order of their times."""
    if not reports:
        return Aircraft.empty()
    columns = list(zip(*sorted(reports, key=lambda r: r.t), strict=True))
    like = Aircraft.empty()
    return Aircraft(*(np.array(column, old.dtype) for column, old in zip(columns, like, strict=True)))


def _days(first: float, reference: float) -> float:
    """Whole days [s] that bring a clock nearest to a reference."""
    return DAY * round((reference - first) / DAY)
