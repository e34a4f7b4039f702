"""Where a run's moments go: each sink in its mailbox, in order, and what a summary says of those
that did not get all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from skywarden.alerts.sink import Alerts
from skywarden.console.inbox import Commanded
from skywarden.messages.commands import Command
from skywarden.messages.moment import Moment
from skywarden.messages.receipts import Channels, Receipts
from skywarden.record.writer import Recorder
from skywarden.run.clock import Clock, ScaledClock
from skywarden.run.guard import Guarded
from skywarden.run.loop import Wire
from skywarden.run.mailbox import MOST_WAITING, Mailbox, SinkState
from skywarden.run.patience import patiently
from skywarden.run.ports import Feed, Sink
from skywarden.run.receipts import Receipted

RECORD_WAITING = 600    # moments that may wait for the recorder; a few hundred megabytes at most
TERMINAL_WAITING = 64   # moments that may wait for a terminal nobody reads


class Boxes:
    """The mailboxes of a run by name, in the order in which they are handed each moment."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._boxes = clock, dict[str, Mailbox]()
        self.beside: list[Callable[[], SinkState]] = []     # states shown beside those of the sinks
        self.inputs: Callable[[], list[SinkState]] = list   # those of inputs that something is wrong with

    def add(self, name: str, sink: Sink, most: int = MOST_WAITING, whole: bool = False) -> Mailbox:
        """A mailbox around `sink`; `whole`: at full speed the loop waits for it rather than that it
        lacks a moment.

        name  name of the sink, as health shows it
        most  greatest number of moments that may wait
        """
        self._boxes[name] = Mailbox(name, sink, most=most, holds=self._unpaced if whole else None)
        return self._boxes[name]

    def states(self) -> list[SinkState]:
        """How each sink fares, and each warning channel behind the one that tells people."""
        boxes = self.inputs() + [each() for each in self.beside] + [box.state() for box in self._boxes.values()]
        return boxes + [state for box in self._boxes.values() if isinstance(box.sink, Alerts)
            for state in box.sink.states()]

    def drain(self) -> set[str]:
        """Wait until all of them are done; the names of those that make no progress."""
        return {name for name, box in self._boxes.items() if not box.drain()}

    def close(self, *names: str) -> None:
        """Close those sinks; all of them where none is named. One that is closed already stays so."""
        for name in names or self._boxes:
            if name in self._boxes:
                self._boxes[name].close()

    def _unpaced(self) -> bool:
        return not isinstance(self._clock, ScaledClock) or self._clock.speed is None


def tell_people(alerts: Alerts[Any] | None, feed: Feed, boxes: Boxes, wires: list[Wire]) -> Feed:
    """Hand each moment to the warning channels before anything else, and put what they report into
    the feed's frames.

    alerts  the warning channels, None for none
    boxes   the sinks' mailboxes
    wires   the sinks, each with what it may see
    """
    if alerts is None:
        return feed
    wires.append(Wire(boxes.add("alerts", alerts)))
    commands: Guarded[tuple[Command, ...]] = Guarded("alert requests", alerts.commands, ())
    receipts = Guarded("receipts", alerts.receipts, (Channels.none(), Receipts.none()))
    boxes.beside += [commands.state, receipts.state]
    return Receipted(Commanded(feed, commands), receipts)


def lost_of(recorder: Recorder | None, boxes: Boxes) -> dict[str, Any]:
    """What a summary says of sinks that did not get all: frames that are in no record, moments that
    others lack.

    recorder  the recorder, None for none
    boxes     the sinks' mailboxes
    """
    said: dict[str, Any] = {}
    if recorder is not None and recorder.missing:
        said["frames_not_recorded"] = recorder.missing
    lacking = {
        state.name: state.lost for state in boxes.states() if state.lost and state.name not in ("record", "watch")}
    return said | ({"moments_lost": ", ".join(f"{name} {lost}" for name, lost in lacking.items())} if lacking else {})


class ProgressBar:
    """A sink that shows how far a run without a live view has come."""

    def __init__(self, talk: Console, duration: float | None) -> None:
        self._bar = Progress(TextColumn("{task.fields[words]}"), BarColumn(), TimeElapsedColumn(), console=talk,
            transient=True)
        self._task = self._bar.add_task("run", total=duration, words="starting")

    def __enter__(self) -> ProgressBar:
        patiently(self._bar.start)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def take(self, moment: Moment) -> None:
        """Move the bar on to the moment's time."""
        self._bar.update(self._task, completed=moment.frame.t,
            words=f"{moment.frame.t:7.1f} s, {moment.picture.tracks.number.size} tracks")

    def close(self) -> None:
        """Take the bar off the terminal."""
        patiently(self._bar.stop)
