"""The stages in their order, each with what it remembers held between frames: the one place where `rehearse` is wired, in simulations only."""

from __future__ import annotations

from collections.abc import Callable

from skywarden.defence import watch as belief
from skywarden.messages.drill import Drill
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Inbound, Picture
from skywarden.rehearsal import rehearse as rehearsal
from skywarden.rehearsal import separation
from skywarden.run.loop import Stepper
from skywarden.site.model import Site


def stepper(site: Site, simulation: bool) -> Stepper:
    """A fresh stepper: with `rehearse` in a simulation and its replay, without it on live data and on a replay of live data."""
    return Stepper(watching(site), rehearsing(site) if simulation else None)


def watching(site: Site) -> Callable[[Frame], Picture]:
    """`watch` with its state held between frames."""
    state = belief.start(site)

    def step(frame: Frame) -> Picture:
        nonlocal state
        state, picture = belief.watch(state, frame, site)
        return picture

    return step


def rehearsing(site: Site) -> Callable[[Frame, Picture], Drill]:
    """`rehearse` with its plan held between frames. Wired in simulations only."""
    plan = rehearsal.start(site)

    def step(frame: Frame, picture: Picture) -> Drill:
        nonlocal plan
        plan, drill = rehearsal.rehearse(plan, frame, picture._replace(inbound=Inbound.empty()), site)     # nothing is rehearsed against these
        return drill

    return step


def compile_the_rare() -> None:
    """Compiles what a rehearsal asks only where an aircraft stands in the way, which no invented flight shows."""
    separation.compile_the_rare()
