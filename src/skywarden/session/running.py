"""One run from its wired parts to its end: what live and simulated sessions have in common. It
knows neither rehearsal nor simulator.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.console import Console

from skywarden.alerts.sink import Alerts
from skywarden.console.inbox import Commanded
from skywarden.console.journal import Journal, left_standing, left_watch, path_of
from skywarden.console.server import Console as Page
from skywarden.console.terminal import Terminal
from skywarden.measures.tally import Measures
from skywarden.messages.commands import TAKE, WATCH, Command
from skywarden.record.header import Header
from skywarden.record.writer import Recorder
from skywarden.run.aside import Aside
from skywarden.run.clock import Clock, ScaledClock
from skywarden.run.guard import Guarded
from skywarden.run.loop import Stepper, Wire, run
from skywarden.run.patience import busy, patiently
from skywarden.run.ports import Feed
from skywarden.session.ending import Until, stopping
from skywarden.session.feeds import WORDS, is_live, say
from skywarden.session.outputs import RECORD_WAITING, TERMINAL_WAITING, Boxes, ProgressBar, lost_of, tell_people
from skywarden.session.page import in_the_clear, open_page
from skywarden.session.request import Request
from skywarden.site import coverage
from skywarden.site.model import Site


@dataclass(frozen=True)
class Parts:
    """What a session hands to a run.

    feed         gives the frames
    header       what the record says of itself; its kind says whether drills and truth travel
    title        of the page and the terminal
    duration     seconds that the run is meant to last; None: nobody knows
    steps        what is done with each frame
    measures     takes every moment and makes the summary
    direct       wires of sinks that are handed each moment before the next frame, without a mailbox
    warm         compiles the kernels
    tell         opens the sink that tells people; None where nobody is told
    doubts       sentences to be said before the run
    shown        wires of sinks that show a simulation to other systems, in their mailboxes; none in
                 a live run
    """

    site: Site
    feed: Feed
    header: Header
    title: str
    duration: float | None
    steps: Stepper
    measures: Measures
    direct: Sequence[Wire]
    warm: Callable[[], None]
    tell: Callable[[], Alerts[Any] | None]
    doubts: Sequence[object]
    shown: Callable[[Boxes], list[Wire]] = lambda boxes: []


def run_parts(
    request: Request, talk: Console, opened: Callable[[ExitStack], Parts],
    clock_for: Callable[[Parts, threading.Event], Clock]
) -> dict[str, Any]:
    """Run to the end, or until it is interrupted, and return the summary.

    opened     opens the parts; what it gives to the stack is closed when the run has ended
    clock_for  the run's clock
    request    what was asked for on the command line
    talk       where people are spoken to: standard error
    """
    with stopping() as stop, ExitStack() as ending:
        parts = opened(ending)
        ending.callback(parts.feed.close)
        clock = clock_for(parts, stop)
        boxes = Boxes(clock)
        boxes.inputs = getattr(parts.feed, "states", boxes.inputs)
        ending.callback(boxes.close)
        recorder = Recorder(request.record, parts.header) if request.record is not None else None
        page = _page(request, parts, clock, boxes, talk, ending) if request.console else None
        for doubt in parts.doubts:
            say(f"note: {doubt}", talk)
        WORDS.flush()
        with busy(talk.status(f"{parts.site.title}: compiling kernels … (a minute the first time, a moment after)")):
            parts.warm()
            if page is not None:
                coverage.ready(parts.site)
        feed, wires = _wired(request, parts, recorder, page, boxes, talk, ending)
        aside = Aside(lambda sentence: say(sentence, talk), parts.steps.begin_anew)
        parts.steps.survived = aside.without_rehearsal
        boxes.beside += [aside.state, aside.rehearsal_state] if parts.header.kind == "simulation" else [aside.state]
        run(Until(feed, stop), parts.steps, wires, clock, aside)
        summary = _concluded(request, parts, recorder, boxes, talk)
        if aside.frames:
            summary["frames_set_aside"] = aside.frames
        if aside.unrehearsed:
            summary["frames_not_rehearsed"] = aside.unrehearsed
        WORDS.flush()
        if stop.is_set():
            patiently(lambda: talk.print("interrupted: ended cleanly", highlight=False))
        elif page is not None and (talk.is_terminal if request.stay is None else request.stay):
            page.over()
            words = f"the run has ended; look back at {page.url} until Ctrl-C"
            patiently(lambda: talk.print(words, highlight=False))
            stop.wait()
    return summary


def mode_of(parts: Parts) -> str:
    """What the page and the terminal call the run.

    parts  what the run is made of
    """
    return "SIMULATION" if parts.header.kind == "simulation" else "LIVE"


def _page(request: Request, parts: Parts, clock: Clock, boxes: Boxes, talk: Console, ending: ExitStack) -> Page:
    """The page, open before the kernels are compiled: a browser that comes meanwhile is told what
    it waits for.
    """
    simulation = parts.header.kind == "simulation"
    paced = clock if isinstance(clock, ScaledClock) and simulation and not is_live(parts.feed) else None
    page = open_page(parts.site, mode_of(parts), parts.title, request, parts.header.epoch_ns, paced,
        lambda: parts.steps.took)
    ending.callback(page.close)
    page.channels = boxes.states    # and, once they are open, the warning channels
    talk.print(f"console: {page.url}{in_the_clear(request)}", highlight=False)
    return page


def _wired(
    request: Request, parts: Parts, recorder: Recorder | None, page: Page | None, boxes: Boxes, talk: Console,
    ending: ExitStack,
) -> tuple[Feed, list[Wire]]:
    """The feed with what operators say in it, and the wires to every sink, those that tell people
    first.
    """
    simulation = parts.header.kind == "simulation"
    wires = list(parts.direct)
    feed = tell_people(parts.tell(), parts.feed, boxes, wires)
    if page is not None:        # somebody has the watch from the first frame on: who had it before a restart
        before = "" if request.record is None else left_watch(path_of(request.record.parent, parts.site))
        page.order(Command(0.0, TAKE, WATCH, page.authenticator.first_holder(before), ""))
    if page is not None and request.record is not None:
        journal = path_of(request.record.parent, parts.site)
        for command in left_standing(journal, parts.site) if request.resume is None else ():
            page.order(command)
        kept = Journal(journal, parts.site, not simulation, partial(_holder, page))
        wires.append(Wire(boxes.add("journal", kept, most=1)))
    if recorder is not None:
        wires.append(Wire(boxes.add("record", recorder, most=RECORD_WAITING, whole=True), drill=simulation,
            truth=simulation, state=True))
    measures: Measures = parts.measures
    wires.append(Wire(boxes.add("figures", measures, whole=True), drill=simulation, truth=simulation))
    if page is not None:
        commands: Guarded[tuple[Command, ...]] = Guarded("commands", page.commands, ())
        boxes.beside.append(commands.state)
        feed = Commanded(feed, commands)
        wires.append(Wire(boxes.add("page", page, whole=True), drill=simulation))
        terminal = Terminal(parts.site, mode_of(parts), parts.title, talk, boxes.states)
        wires.append(Wire(boxes.add("terminal", terminal, most=TERMINAL_WAITING, whole=True), drill=simulation))
    elif talk.is_terminal:
        bar = ending.enter_context(ProgressBar(talk, parts.duration))
        wires.append(Wire(boxes.add("progress", bar, most=1)))
    return feed, wires + parts.shown(boxes)


def _holder(page: Page) -> str:
    """Who has the watch, as the page knows it."""
    return page.watch.holder


def _concluded(
    request: Request, parts: Parts, recorder: Recorder | None, boxes: Boxes, talk: Console
) -> dict[str, Any]:
    """The summary, once every sink has all that it will get; what the record lacks is said."""
    stuck = boxes.drain()
    summary = parts.measures.summary()
    if recorder is not None and "record" not in stuck:
        recorder.conclude(summary, parts.steps.remembered())
    boxes.close("record", "journal", "terminal")
    summary |= lost_of(recorder, boxes)
    if recorder is not None and recorder.missing:
        why = f" {recorder.fault}" if recorder.fault else ""
        words = f"{recorder.missing} frames of this run are not in {request.record}.{why}"
        patiently(lambda: talk.print(words, highlight=False, soft_wrap=True))
    return summary
