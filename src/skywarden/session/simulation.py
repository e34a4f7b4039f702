"""A simulation: a scenario's world, with or without real feeds beside it, the rehearsal, and every
sink. The only session that can make an order.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from rich.console import Console

from skywarden.alerts.alert import SimulationAlert
from skywarden.alerts.opening import open_alerts
from skywarden.emit.sink import Emit
from skywarden.errors import UsageError
from skywarden.feeds.merge import Merged
from skywarden.feeds.opening import open_source
from skywarden.feeds.simulated import Simulated
from skywarden.measures.tally import Measures
from skywarden.pipeline.simulated import stepper
from skywarden.pipeline.simulated_warming import EXTRA
from skywarden.pipeline.warming import warm
from skywarden.record.header import Header
from skywarden.run.loop import Wire
from skywarden.run.ports import Feed
from skywarden.session.feeds import clock_of, say
from skywarden.session.outputs import Boxes
from skywarden.session.request import FIRST_SCENARIO, Request, folder_of
from skywarden.session.resuming import Continued, header_of, link_of, take_up
from skywarden.session.running import Parts, run_parts
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.simulator.scenario.load import site_of
from skywarden.simulator.scenario.model import Scenario
from skywarden.simulator.world.doubts import doubts as of_scenario
from skywarden.site.doubts import doubts as of_site
from skywarden.site.load import load as load_site
from skywarden.site.model import Site


def run_simulation(request: Request, talk: Console) -> dict[str, Any]:
    """Run a scenario, with the request's feeds beside it if it names any, to its end, and return
    the summary.

    talk  where people are spoken to: standard error
    """
    site, scenario = place(request)
    if request.resume is not None:
        _resumable(request, site, scenario)

    def opened(ending: ExitStack) -> Parts:
        simulated = Simulated(scenario, site, duration=request.duration)
        feed = beside(simulated, request, site, scenario, talk)
        steps, link = stepper(site, True), None
        if request.resume is not None:
            feed, link = Continued(feed, simulated, request.resume), link_of(request.resume)

        def ready() -> None:
            warm(site, EXTRA)
            if request.resume is not None:
                take_up(request.resume, steps)

        header = Header(
            "simulation", scenario.epoch_ns, site.name, site.sources, scenario.name, scenario.sources, scenario.seed,
            request.duration, tuple(request.feeds), follows=link)
        until = math.inf if request.duration is None else request.duration
        emits = [Emit(url, scenario, site) for url in request.emits]
        return Parts(
            site=site, feed=feed, header=header, title=scenario.title, duration=request.duration or scenario.duration,
            steps=steps,
            measures=Measures(site, True, [c.name for c in scenario.classes]),
            # the simulated world acts on what was rehearsed before its next frame: the one sink without a mailbox
            direct=[Wire(simulated, drill=True)], warm=ready,
            tell=lambda: open_alerts(site, scenario.epoch_ns, SimulationAlert, state=request.state,
                folder=folder_of(request)),
            doubts=(*of_site(site), *of_scenario(scenario, simulated.world, until)),
            shown=lambda boxes: [wire_to(emit, boxes) for emit in emits])

    return run_parts(request, talk, opened, lambda parts, stop: clock_of(request.speed, stop, changing=request.console))


def wire_to(emit: Emit, boxes: Boxes) -> Wire:
    """The wire to a sink that shows the simulation to another system, in a mailbox of its own.

    emit   what is sent to other systems
    boxes  the sinks' mailboxes
    """
    return Wire(boxes.add(emit.name, emit, whole=True), truth=True)


def _resumable(request: Request, site: Site, scenario: Scenario) -> None:
    """Check the record that is taken up. Raises UsageError where it is not of this very run."""
    assert request.resume is not None
    before = header_of(request.resume, site, "simulation")
    if request.feeds:
        raise UsageError("--resume: what feeds gave beside a scenario cannot be given again: leave them out")
    if before.seed != scenario.seed or dict(before.scenario_sources) != dict(scenario.sources):
        raise UsageError(f"--resume {request.resume}: it is of scenario {before.scenario}, seed {before.seed}")


def place(request: Request) -> tuple[Site, Scenario]:
    """The site and the scenario that a request means."""
    name = request.scenario if request.scenario is not None else FIRST_SCENARIO
    site = load_site(request.site if request.site is not None else site_of(name))
    scenario = load_scenario(name, site)
    return site, scenario if request.seed is None else replace(scenario, seed=request.seed)


def beside(simulated: Simulated, request: Request, site: Site, scenario: Scenario, talk: Console) -> Feed:
    """The feed of a simulation: the simulated one alone, or merged with what the request's sources
    give.

    site      the site as its defender declared it
    scenario  the scenario as it was read
    talk      where people are spoken to: standard error
    """
    if not request.feeds:
        return simulated
    sources = [open_source(url, site) for url in request.feeds]
    return Merged(sources, site, scenario.epoch_ns, duration=request.duration, scenario_feed=simulated,
        say=lambda sentence: say(sentence, talk))
