"""The one room that knows all the parts: it wires feed, watch, rehearse, sinks and clock for each use, and nothing else."""

from __future__ import annotations

import math
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from skywarden.alerts.alert import SimulationAlert
from skywarden.alerts.opening import open_alerts
from skywarden.alerts.sink import Alerts
from skywarden.console.inbox import Commanded
from skywarden.console.journal import Journal, left_standing, path_of
from skywarden.console.server import Console as Page
from skywarden.console.server import is_loopback
from skywarden.console.terminal import Terminal
from skywarden.errors import UsageError
from skywarden.feeds import open_source
from skywarden.feeds.merge import Merged
from skywarden.feeds.simulated import Simulated
from skywarden.measures.tally import Measures
from skywarden.messages.drill import Drill
from skywarden.messages.frame import Frame
from skywarden.messages.moment import Moment
from skywarden.messages.picture import Picture
from skywarden.messages.truth import Truth
from skywarden.pipeline.simulated import stepper
from skywarden.pipeline.warming import warm
from skywarden.record.header import Header
from skywarden.record.reader import Record
from skywarden.record.writer import Recorder
from skywarden.run.clock import Clock, NoClock, Paced, ScaledClock
from skywarden.run.loop import Wire, run
from skywarden.run.ports import Feed
from skywarden.session.live import live_alerts
from skywarden.session.outputs import RECORD_WAITING, TERMINAL_WAITING, Boxes, ProgressBar, lost_of, tell_people
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.simulator.scenario.load import site_of
from skywarden.simulator.scenario.model import Scenario
from skywarden.simulator.world.doubts import doubts as of_scenario
from skywarden.site import coverage
from skywarden.site.doubts import doubts as of_site
from skywarden.site.load import from_sources
from skywarden.site.load import load as load_site
from skywarden.site.model import Site
from skywarden.verification.drills import Violation, violations
from skywarden.verification.repeat import Comparison
from skywarden.verification.repeat import check_record as compare

FIRST_SCENARIO = "kabul-2021-08-30"
PORT = 8080


@dataclass(frozen=True)
class Request:
    """What the user asked a run to be. `speed` is None for as fast as it goes."""

    scenario: str | None = None
    site: str | None = None
    feeds: Sequence[str] = ()
    speed: float | None = 1.0
    duration: float | None = None
    seed: int | None = None
    record: Path | None = None
    console: bool = True
    port: int | None = None     # of the console's page; None: the usual one, or a free one where it is taken
    host: str = "127.0.0.1"     # where it listens; others than loopback need users
    users: Path | None = None   # file of users; None: one local operator
    audit: Path | None = None   # file that every action at the console is appended to
    tls: tuple[Path, Path] | None = None    # certificate and key
    stay: bool | None = None    # serve the page after the run has ended, until Ctrl-C; None: where a person sits at a terminal
    tiles: str | None = None    # address of map tiles
    public_url: str | None = None   # address that people type, where a reverse proxy stands in front of the page
    state: Path | None = None   # folder of what must survive this process; None: the service's or the user's own


def run_request(request: Request, talk: Console) -> dict[str, Any]:
    """Run what was asked for to its end, or until it is interrupted, and return the summary.

    A scenario, with or without feeds beside it, is a simulation; feeds alone are live, and a live session has no line that could make an order.
    """
    site, scenario = place(request)
    simulation = scenario is not None
    with stopping() as stop, ExitStack() as ending:
        feed, epoch_ns = open_feed(request, site, scenario, lambda sentence: talk.print(sentence, highlight=False, markup=False))
        ending.callback(feed.close)
        header = Header(
            "simulation" if simulation else "live", epoch_ns, site.name, site.sources, scenario.name if scenario else None,
            scenario.sources if scenario else {}, None if scenario is None else scenario.seed, request.duration, tuple(request.feeds))
        mode, title = "SIMULATION" if simulation else "LIVE", scenario.title if scenario else site.title
        clock = clock_of(request.speed if simulation or not is_live(feed) else None, stop, changing=request.console)
        boxes = Boxes(clock)
        ending.callback(boxes.close)
        recorder = Recorder(request.record, header) if request.record is not None else None
        measures = Measures(site, simulation, [c.name for c in scenario.classes] if scenario else ())
        steps = stepper(site, simulation)
        paced = clock if isinstance(clock, ScaledClock) and simulation and not is_live(feed) else None
        page = open_page(site, mode, title, request, epoch_ns, paced, lambda: steps.took) if request.console else None
        if page is not None:        # before the kernels are compiled: a browser opened meanwhile is told what it waits for
            ending.callback(page.close)
            page.channels = boxes.states    # and, once they are open, the warning channels
            talk.print(f"console: {page.url}{in_the_clear(request)}", highlight=False)
        _say_doubts(request, site, scenario, feed, talk)
        with talk.status(f"{site.title}: compiling kernels … (a minute the first time, a moment after)"):
            warm(site, simulation)
            if page is not None:
                coverage.ready(site)
        # the simulated world acts on what was rehearsed before its next frame: the one sink without a mailbox
        wires = [Wire(part, drill=True) for part in (feed, getattr(feed, "world", None)) if isinstance(part, Simulated)]
        given = tell_people(open_told(request, site, epoch_ns, simulation, is_live(feed), talk), feed, boxes, wires)
        if page is not None and request.record is not None:
            journal = path_of(request.record.parent, site)
            for command in left_standing(journal, site):
                page.order(command)
            wires.append(Wire(boxes.add("journal", Journal(journal, site, lasting=not simulation), most=1)))
        if recorder is not None:
            wires.append(Wire(boxes.add("record", recorder, most=RECORD_WAITING, whole=True), drill=simulation, truth=simulation))
        wires.append(Wire(boxes.add("figures", measures, whole=True), drill=simulation, truth=simulation))
        if page is not None:
            given = Commanded(given, page.commands)
            wires.append(Wire(boxes.add("page", page, whole=True), drill=simulation))
            wires.append(Wire(boxes.add("terminal", Terminal(site, mode, title, talk, boxes.states), most=TERMINAL_WAITING, whole=True), drill=simulation))
        elif talk.is_terminal:
            bar = ProgressBar(talk, request.duration or (scenario.duration if scenario else None))
            wires.append(Wire(boxes.add("progress", ending.enter_context(bar), most=1)))
        run(Until(given, stop), steps, wires, clock)
        stuck = boxes.drain()
        summary = measures.summary()
        if recorder is not None and "record" not in stuck:
            recorder.conclude(summary)
        boxes.close("record", "journal", "terminal")
        summary |= lost_of(recorder, boxes)
        if recorder is not None and recorder.missing:
            why = f" {recorder.fault}" if recorder.fault else ""
            talk.print(f"{recorder.missing} frames of this run are not in {request.record}.{why}", highlight=False, soft_wrap=True)
        if stop.is_set():
            talk.print("interrupted: ended cleanly", highlight=False)
        elif page is not None and (talk.is_terminal if request.stay is None else request.stay):
            page.over()
            talk.print(f"the run has ended; look back at {page.url} until Ctrl-C", highlight=False)
            stop.wait()
    return summary


def _say_doubts(request: Request, site: Site, scenario: Scenario | None, feed: Feed, talk: Console) -> None:
    """What makes a site or scenario without fault one that protects nobody: said before the run, on the page all the time."""
    simulated = feed if isinstance(feed, Simulated) else getattr(feed, "world", None)
    until = math.inf if request.duration is None else request.duration
    more = of_scenario(scenario, simulated.world, until) if scenario is not None and isinstance(simulated, Simulated) else ()
    for doubt in (*of_site(site), *more):
        talk.print(f"note: {doubt}", highlight=False, markup=False, soft_wrap=True)


def open_told(request: Request, site: Site, epoch_ns: int, simulation: bool, live: bool, talk: Console) -> Alerts[Any] | None:
    """The sink that tells people: live channels in a live session, a simulation's own in a simulation; None where none is declared."""
    folder = folder_of(request)
    if simulation:
        return open_alerts(site, epoch_ns, SimulationAlert, state=request.state, folder=folder)
    if not live and any(channel.kind == "live" for channel in site.channels):
        talk.print("the live warning channels stay silent: what is read from a file happened before", highlight=False)
    return live_alerts(site, epoch_ns, live, request.state, folder)


def check_record(path: Path, talk: Console) -> Comparison:
    """Run a record's frames through the same functions again; says where they first differ."""
    with Record(path) as record, Progress(console=talk, transient=True, disable=not talk.is_terminal) as bar:
        site = from_sources(record.header.site_sources, record.header.site)
        task = bar.add_task("comparing", total=len(record))
        return compare(record, stepper(site, record.simulation).step, lambda frames: bar.update(task, completed=frames))


@dataclass(frozen=True)
class Judgement:
    """What the independent checker found in the drills of a record."""

    frames: int
    clearances: int             # given
    orders: int
    violations: tuple[Violation, ...]
    faults: tuple[str, ...]     # of the record itself: it is not as it was written


def judge_record(path: Path, talk: Console) -> Judgement:
    """Check every clearance given and every order of a record, with code that shares nothing with what gave them."""
    with Record(path) as record, Progress(console=talk, transient=True, disable=not talk.is_terminal) as bar:
        site = from_sources(record.header.site_sources, record.header.site)
        task = bar.add_task("checking", total=len(record))
        counts = [0, 0, 0]

        def moments() -> Iterator[tuple[Frame, Picture, Drill | None]]:
            for moment in record.moments():
                counts[0] += 1
                if moment.drill is not None:
                    counts[1] += sum(c.cleared for c in moment.drill.clearances)
                    counts[2] += len(moment.drill.orders)
                bar.update(task, completed=counts[0])
                yield moment.frame, moment.picture, moment.drill

        found = tuple(violations(site, moments()))
        return Judgement(counts[0], counts[1], counts[2], found, tuple(record.faults()))


def replay(path: Path, start: float, speed: float | None, talk: Console) -> int:
    """Show a record again from a moment on, in the live view; returns how many frames were shown."""
    frames = 0
    with stopping() as stop, Record(path) as record:
        site = from_sources(record.header.site_sources, record.header.site)
        terminal = Terminal(site, "REPLAY", f"{record.header.scenario or 'live data'} · {path.name}", talk)
        clock = clock_of(speed, stop)
        try:
            for moment in record.moments(start):
                clock.wait_until(moment.frame.t)
                if stop.is_set():
                    break
                terminal.take(Moment(moment.frame, moment.picture, moment.drill, None))
                frames += 1
        finally:
            terminal.close()
    return frames


def open_page(
    site: Site, mode: str, title: str, request: Request, epoch_ns: int, clock: Paced | None = None, took: Callable[[], float] = lambda: math.nan,
) -> Page:
    """The browser console of a run."""
    records = request.record.parent if request.record is not None else None
    return on_a_port(request.port, lambda port: Page(
        site, mode, title, request.host, port, users=request.users, audit=request.audit, tls=request.tls, epoch_ns=epoch_ns,
        site_folder=folder_of(request), records=records, clock=clock, took=took, tiles=request.tiles,
        recording=request.record, public_url=request.public_url))


def on_a_port(asked: int | None, at: Callable[[int], Page]) -> Page:
    """The page on the port asked for, else on the usual one, else on a free one."""
    if asked is not None:
        return at(asked)
    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", PORT)) == 0
    try:
        return at(0 if taken else PORT)
    except UsageError:      # another start was quicker
        if taken:
            raise
        return at(0)


def in_the_clear(request: Request) -> str:
    """What somebody who lets others in has to know: under which address, or that there is no TLS."""
    if request.public_url is not None:
        return f"  (through your proxy: {request.public_url})"
    if request.tls is not None or is_loopback(request.host):
        return ""
    return "  (without TLS: passwords and pictures travel readable; add --tls-certificate and --tls-key, or put a TLS proxy before it)"


def folder_of(request: Request) -> Path | None:
    """The folder of the user's own site, where zones drawn on the map are saved; a shipped site is not written to."""
    folder = Path(request.site) if request.site is not None else None
    return folder if folder is not None and (folder / "site.toml").is_file() else None


def replay_page(path: Path, port: int | None, talk: Console, tiles: str | None = None) -> None:
    """Serve a record on the console's page until Ctrl-C; every page looks at its own time and speed."""
    with stopping() as stop, Record(path) as record:
        site = from_sources(record.header.site_sources, record.header.site)
        kind = "SIMULATION" if record.simulation else "LIVE"
        title = f"{record.header.scenario or 'live data'} · {path.name}"
        page = on_a_port(port, lambda at: Page(
            site, "REPLAY", title, port=at, epoch_ns=record.header.epoch_ns, moments=record.moments(), kind=kind, records=path.parent, tiles=tiles))
        talk.print(f"console: {page.url}  (Ctrl-C ends)", highlight=False)
        stop.wait()
        page.close()


def place(request: Request) -> tuple[Site, Scenario | None]:
    """The site, and the scenario where there is one, that a request means."""
    name = request.scenario if request.scenario is not None or request.feeds else FIRST_SCENARIO
    if name is None:
        if request.site is None:
            raise UsageError("feeds alone need a site: add --site kabul, or your own site's folder")
        return load_site(request.site), None
    site = load_site(request.site if request.site is not None else site_of(name))
    scenario = load_scenario(name, site)
    return site, scenario if request.seed is None else replace(scenario, seed=request.seed)


def open_feed(request: Request, site: Site, scenario: Scenario | None, say: Callable[[str], object] = lambda sentence: None) -> tuple[Feed, int]:
    """The feed a request means, and the epoch of its times [ns since 1970, UTC]. `say` is told what people should know of an input."""
    simulated = Simulated(scenario, site, duration=request.duration) if scenario is not None else None
    if not request.feeds and simulated is not None and scenario is not None:
        return simulated, scenario.epoch_ns
    sources = [open_source(url, site) for url in request.feeds]
    merged = Merged(
        sources, site, scenario.epoch_ns if scenario else None, duration=request.duration, scenario_feed=simulated, say=say)
    return merged, scenario.epoch_ns if scenario else merged.epoch_ns


def is_live(feed: Feed) -> bool:
    """Whether the feed keeps time itself, because something out there does."""
    return bool(getattr(feed, "live", False))


def clock_of(speed: float | None, stop: threading.Event, changing: bool = False) -> Clock:
    """No clock at all speed, unless people may change it; else one that an interruption wakes."""
    return NoClock() if speed is None and not changing else ScaledClock(speed, sleep=stop.wait)


class Until:
    """A feed that ends when it is told to stop."""

    def __init__(self, feed: Feed, stop: threading.Event) -> None:
        self._feed, self._stop = feed, stop

    def __iter__(self) -> Iterator[tuple[Frame, Truth | None]]:
        for item in self._feed:
            if self._stop.is_set():
                return
            yield item

    def close(self) -> None:
        self._feed.close()


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C (or a polite kill) sets, so that the frame under way is finished and recorded; the second one interrupts."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
