"""An exercise: a simulation with an instructor and trainees, injects fired live, and branches flown
again to the same bits.

Only alerts of an exercise can leave it: what tells people here is of the type
`Alerts[ExerciseAlert]`, which no live channel takes.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from skywarden.alerts.alert import ExerciseAlert
from skywarden.alerts.opening import open_alerts
from skywarden.alerts.sink import Alerts
from skywarden.console.access.sessions import Authenticator
from skywarden.console.instructor import Instructor, Wish
from skywarden.console.server import Console as Page
from skywarden.emit.sink import Emit
from skywarden.errors import UsageError
from skywarden.feeds.simulated import Simulated
from skywarden.measures.tally import Measures
from skywarden.messages.commands import BREAK, OBSERVER, PACE, TAKE, WATCH, Command
from skywarden.messages.frame import Frame
from skywarden.messages.moment import Moment
from skywarden.messages.truth import Truth
from skywarden.pipeline.simulated import stepper
from skywarden.pipeline.simulated_warming import EXTRA
from skywarden.pipeline.warming import warm
from skywarden.record.header import Header
from skywarden.record.reader import Record
from skywarden.record.secret import Secret, draw_secret, keep_secret, kept_secret
from skywarden.record.writer import Recorder, reveal
from skywarden.run.aside import Aside
from skywarden.run.clock import ScaledClock
from skywarden.run.loop import Wire, run
from skywarden.session.again import Again
from skywarden.session.ending import Until, stopping
from skywarden.session.feeds import say
from skywarden.session.outputs import RECORD_WAITING, Boxes, lost_of
from skywarden.session.page import in_the_clear, open_page
from skywarden.session.request import Request, folder_of
from skywarden.session.simulation import place
from skywarden.simulator.scenario.load import from_sources
from skywarden.simulator.scenario.model import Inject, Post, Scenario
from skywarden.site import coverage
from skywarden.site.load import from_sources as site_from
from skywarden.site.model import Site

OURS = "skywarden"  # who says what nobody in particular said


@dataclass
class Leading:
    """What the instructor wants of the session, from the page's thread to the loop's."""

    turn: threading.Event = field(default_factory=threading.Event)  # set: this flight ends
    next: Wish | None = None
    fire: Any = None  # (name, who) -> None, of the flight that goes on
    page: Page | None = None
    clock: ScaledClock | None = None
    now: float = 0.0
    over: bool = False

    def wish(self, wish: Wish) -> str:
        """Carry out a wish, or say why not."""
        assert self.page is not None
        if self.page.flying_again:
            return "The exercise is being flown again; wait until it stands."
        if wish.do == "fire":
            self.fire(wish.what, wish.who)
        elif wish.do in ("freeze", "blank", "on"):
            self.page.blanked = wish.do == "blank"
            wall = round(1e3 * time.time())
            self.page.order(Command(0.0, PACE, "1" if wish.do == "on" else "0", wish.who, "", wall))
            self.page.order(Command(0.0, BREAK, wish.do, wish.who, "", wall))
        elif wish.do == "end":
            self.over = True
            self.turn.set()
        elif not 0.0 <= wish.t <= self.now:
            return f"The exercise has come to {self.now:.1f} s: name a moment before that."
        else:
            self.page.flying_again = True  # at once: nothing more is to be seen of this way
            self.next = wish
            self.turn.set()
        return ""

    def take(self, moment: Moment) -> None:
        """How far the exercise has come.

        moment  frame, picture, and what else a sink of this kind may see
        """
        self.now = moment.frame.t

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True)
class Past:
    """A record to be flown again up to a moment [s]; inf: to its end. `word` is what the record
    says of the break.
    """

    path: Path
    until: float
    word: str


@dataclass(frozen=True)
class Exercise:
    """What an exercise is made of. Its alerts are an exercise's own: anything else is refused."""

    request: Request
    site: Site
    scenario: Scenario
    secret: Secret
    seats: Mapping[str, str]
    alerts: Alerts[ExerciseAlert] | None

    def __post_init__(self) -> None:
        if self.alerts is not None and self.alerts.made is not ExerciseAlert:
            raise TypeError(
                f"an exercise tells people with exercise alerts alone, not with {self.alerts.made.__name__}"
            )


def run_exercise(
    request: Request, talk: Console, seats: Mapping[str, str] | None = None, past: Past | None = None
) -> dict[str, Any]:
    """Run an exercise until it ends, or the instructor ends it, and return the summary of the last
    branch.

    request  with users (an instructor and at least one trainee) and a record
    seats    who sits where at the beginning; exactly one person has the watch
    past     a record to go on from; the site and scenario are then its own
    talk     where people are spoken to: standard error

    Raises UsageError for what the request lacks.
    """
    if request.users is None or request.record is None:
        raise UsageError("an exercise has people and a record: name --users, made by `skywarden user`, and --record")
    site, scenario, secret = _place(request, past)
    seats = seated(request.users, seats or {})
    with stopping() as stop, ExitStack() as ending:
        alerts = open_alerts(site, scenario.epoch_ns, ExerciseAlert, state=request.state, folder=folder_of(request))
        exercise = Exercise(request, site, scenario, secret, seats, alerts)
        if alerts is not None:
            ending.callback(alerts.close)
        leading = Leading()
        clock = ScaledClock(request.speed, sleep=lambda seconds: leading.turn.wait(seconds) or stop.is_set())
        instructor = Instructor(scenario.title, planned(scenario), leading.wish)
        page = open_page(
            site, "SIMULATION", "", replace(request, stay=None), scenario.epoch_ns, clock, instructor=instructor
        )
        ending.callback(page.close)
        leading.page, leading.clock = page, clock
        talk.print(f"console: {page.url}{in_the_clear(request)}", highlight=False)
        with talk.status(f"{site.title}: compiling kernels … (a minute the first time, a moment after)"):
            warm(site, EXTRA)
            coverage.ready(site)
        written: list[Path] = []
        try:
            while True:
                path = (
                    request.record
                    if not written
                    else request.record.with_name(f"{request.record.stem}-branch-{len(written)}.rec")
                )
                written.append(path)
                summary = _fly(exercise, path, past, page, instructor, leading, clock, stop, talk)
                wish, leading.next = leading.next, None
                if wish is None or stop.is_set() or leading.over:
                    break
                leading.turn.clear()
                past = Past(path, wish.t, "branched")
        finally:
            for path in written:
                reveal(path, secret)
        page.over()
        if not stop.is_set() and (talk.is_terminal if request.stay is None else request.stay):
            talk.print(f"the exercise has ended; look back at {page.url} until Ctrl-C", highlight=False)
            stop.wait()
    return {**summary, "records": len(written)}


def seated(users: Path, seats: Mapping[str, str]) -> dict[str, str]:
    """Who sits where at the beginning: as asked, the watch with the first trainee where nobody was
    named for it. Raises UsageError.

    users  file of the users
    seats  seat of each person
    """
    people = Authenticator(users).users
    trainees = [name for name, user in people.items() if user.role != "instructor"]
    if not trainees or len(trainees) == len(people):
        raise UsageError(
            f"{users}: an exercise has an instructor and at least one trainee (observer, operator or supervisor)"
        )
    for name in seats:
        if name not in trainees:
            raise UsageError(f"--seat {name}: no trainee of {users} has this name")
    holders = [name for name, seat in seats.items() if seat == WATCH]
    if len(holders) > 1:
        raise UsageError(f"exactly one person has the watch; {', '.join(holders)} were named for it")
    operators = [name for name in trainees if people[name].role != "observer"] or trainees
    free = [name for name in operators if name not in seats] or operators
    return {**seats, **({} if holders else {free[0]: WATCH})}


def planned(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """What is ready to be fired or sent, by name, for the instructor's list.

    scenario  the scenario as it was read
    """
    ready: dict[str, dict[str, Any]] = {}
    every: tuple[Inject | Post, ...] = (*scenario.injects, *scenario.posts)
    for one in every:
        ready[one.name] = {
            "kind": one.kind if isinstance(one, Inject) else "message",
            "at": one.at if math.isfinite(one.at) else None,
            "by_hand": one.held,
            "about": one.subject if isinstance(one, Inject) else one.sender,
            "text": "" if isinstance(one, Inject) else one.texts[0],
            "true": None if isinstance(one, Inject) else one.true,
        }
    return ready


def _place(request: Request, past: Past | None) -> tuple[Site, Scenario, Secret]:
    """Site, scenario and secret seed: of the request, or of the record it goes on from."""
    if past is None:
        site, scenario = place(request)
        secret = draw_secret(request.seed)
    else:
        with Record(past.path) as record:
            header = record.header
            site = site_from(header.site_sources, header.site)
            scenario = from_sources(header.scenario_sources, site)
            secret = record.revealed or kept_secret(past.path)
    return site, replace(scenario, seed=secret.seed), secret


def _fly(
    exercise: Exercise,
    path: Path,
    past: Past | None,
    page: Page,
    instructor: Instructor,
    leading: Leading,
    clock: ScaledClock,
    stop: threading.Event,
    talk: Console,
) -> dict[str, Any]:
    """One flight: what was flown before again, then on, into a record of its own."""
    site, scenario, secret, request = exercise.site, exercise.scenario, exercise.secret, exercise.request
    with ExitStack() as ending:
        simulated = Simulated(scenario, site, duration=request.duration)
        ending.callback(simulated.close)
        leading.fire = simulated.fire
        before = None
        if past is not None:
            before = Again(simulated, ending.enter_context(Record(past.path)), past.until)
        header = Header(
            "simulation", scenario.epoch_ns, site.name, site.sources, scenario.name, scenario.sources, None,
            request.duration, commitment=secret.commitment, continues="" if before is None else before.link,
        )
        boxes = Boxes(clock)
        ending.callback(boxes.close)
        recorder = Recorder(path, header)
        keep_secret(path, secret)
        measures = Measures(site, True, [c.name for c in scenario.classes])
        page.flying_again = before is not None
        page.begin_again()
        instructor.begin()
        page.channels = boxes.states
        wires = [Wire(simulated, drill=True), Wire(leading), *_told(exercise, boxes, before)]
        wires += [
            Wire(boxes.add("record", recorder, most=RECORD_WAITING, whole=True), drill=True, truth=True),
            Wire(boxes.add("figures", measures, whole=True), drill=True, truth=True),
            Wire(boxes.add("page", Kept(page), whole=True), drill=True),
            Wire(boxes.add("instructor", instructor, whole=True), truth=True),
        ]
        feed = Led(simulated, before, page, clock, exercise, past.word if past is not None else "")
        if before is not None:
            talk.print(f"flown again to {before.until:.1f} s …", highlight=False)
        steps = stepper(site, True)
        aside = Aside(lambda sentence: say(sentence, talk), steps.begin_anew)
        steps.survived = aside.without_rehearsal
        boxes.beside += [aside.state, aside.rehearsal_state]
        run(Until(feed, _Either(leading.turn, stop)), steps, wires, clock, aside)
        stuck = boxes.drain()
        summary = measures.summary()
        if "record" not in stuck:
            recorder.conclude(summary)
        boxes.close()
        return summary | lost_of(recorder, boxes)


def _told(exercise: Exercise, boxes: Boxes, before: Again | None) -> list[Wire]:
    """The wires to the warning channels and to other systems that the exercise is shown to, if
    there are any: what was said before is not said again.
    """
    wires = []
    if exercise.alerts is not None:
        told = boxes.add("alerts", Kept(exercise.alerts))
        wires.append(Wire(told if before is None else Gated(told, before.until)))
    for url in exercise.request.emits:
        emit = Emit(url, exercise.scenario, exercise.site)
        shown = boxes.add(emit.name, emit, whole=True)
        wires.append(Wire(shown if before is None else Gated(shown, before.until), truth=True))
    return wires


class Led:
    """The feed of an exercise: what was flown before, unpaced; then the simulated world with what
    people say in it.
    """

    def __init__(
        self, simulated: Simulated, before: Again | None, page: Page, clock: ScaledClock, exercise: Exercise, word: str
    ) -> None:
        self._simulated, self._before, self._page, self._clock, self._exercise, self._word = (
            simulated,
            before,
            page,
            clock,
            exercise,
            word,
        )

    def __iter__(self) -> Iterator[tuple[Frame, Truth | None]]:
        frames = iter(self._simulated)
        first = self._first()
        if self._before is not None:
            self._clock.pace(None)
            try:
                yield from self._before.flown(frames)
            finally:
                self._page.commands()  # what was asked meanwhile belongs to no moment
                self._clock.pace(0.0)
                self._page.flying_again = False
        for frame, truth in frames:
            told = (*first, *(command._replace(t=frame.t) for command in self._page.commands()))
            first = ()
            frame = frame._replace(commands=(*frame.commands, *(command._replace(t=frame.t) for command in told)))
            if self._exercise.alerts is not None:
                channels, receipts = self._exercise.alerts.receipts()
                if len(channels.name):
                    frame = frame._replace(channels=channels, receipts=receipts)
            yield frame, truth

    def close(self) -> None:
        """Nothing stays open."""

    def _first(self) -> tuple[Command, ...]:
        """What the first new frame says: who sits where at the beginning, or why the run was
        broken.
        """
        if self._before is not None:
            return (Command(0.0, BREAK, self._word, OURS, f"flown again to {self._before.until:.2f} s"),)
        order = sorted(self._exercise.seats.items(), key=lambda one: one[1] != WATCH)
        return tuple(Command(0.0, TAKE, seat, name, "") for name, seat in order if seat != OBSERVER)


class Gated:
    """A sink behind a moment of the run."""

    def __init__(self, sink: Any, t: float) -> None:
        self._sink, self._t = sink, t

    def take(self, moment: Moment) -> None:
        """Hand on what is new.

        moment  frame, picture, and what else a sink of this kind may see
        """
        if moment.frame.t > self._t:
            self._sink.take(moment)

    def close(self) -> None:
        """Close what is behind."""
        self._sink.close()


class Kept:
    """A sink that outlives one flight: its closing is left to the exercise."""

    def __init__(self, sink: Any) -> None:
        self._sink = sink

    def take(self, moment: Moment) -> None:
        """Hand on.

        moment  frame, picture, and what else a sink of this kind may see
        """
        self._sink.take(moment)

    @property
    def fault(self) -> str:
        """As the sink's own."""
        return str(getattr(self._sink, "fault", ""))

    def close(self) -> None:
        """Stays open."""


class _Either(threading.Event):
    """Set when either of two events is."""

    def __init__(self, first: threading.Event, second: threading.Event) -> None:
        super().__init__()
        self._first, self._second = first, second

    def is_set(self) -> bool:
        return self._first.is_set() or self._second.is_set()
