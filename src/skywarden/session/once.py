"""A simulation without anybody to look at it: for studies, notebooks and tests.

A `Job` can be handed to another process, or another machine, and so can its `Result`. Nothing here
sets a signal, prints, or imports a console; a run that does not come to its end gives no result.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from skywarden.feeds.simulated import Simulated
from skywarden.measures import worth
from skywarden.measures.tally import Measures
from skywarden.pipeline import compiled
from skywarden.pipeline.simulated import stepper
from skywarden.pipeline.simulated_warming import EXTRA
from skywarden.pipeline.warming import warm
from skywarden.record.header import Header
from skywarden.record.writer import Recorder
from skywarden.run.clock import NoClock
from skywarden.run.loop import Wire
from skywarden.run.loop import run as loop
from skywarden.run.ports import Sink
from skywarden.simulator.scenario.load import from_sources as scenario_from_sources
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.simulator.scenario.load import site_of
from skywarden.simulator.scenario.model import Scenario
from skywarden.site.load import from_sources as site_from_sources
from skywarden.site.load import load as load_site
from skywarden.site.model import Site

Files = tuple[tuple[str, bytes], ...]       # names and bytes of the files that declare something


@dataclass(frozen=True)
class Job:
    """One run as it is asked for: plain values only, so that it can be pickled, kept and compared.

    scenario   name or file; or its files themselves, as in `Scenario.sources`
    site       name or folder; or its files; None: the scenario's own
    seed       None: the scenario's own
    duration   seconds of the run; None: the scenario's own
    record     file to write; None: none
    redrawn    streams of chance drawn anew, each with the number of its draw
    """

    scenario: str | Files
    site: str | Files | None = None
    seed: int | None = None
    duration: float | None = None
    record: Path | None = None
    redrawn: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Result:
    """What a whole run came to.

    summary    as `skywarden run --json` gives it
    figures    what it was worth, by the names in docs/models/measures.md
    rounds     a row for each round that was due to be warned of
    streams    names of the streams of chance it drew from
    cpu_s      time of the processor it took [s]
    machine    kind of machine: floating point may differ in the last bit between two
    versions   of Python, numpy and numba
    """

    summary: Mapping[str, Any]
    figures: Mapping[str, float | int | None]
    rounds: Sequence[Mapping[str, Any]]
    streams: tuple[str, ...]
    cpu_s: float
    machine: str
    versions: str


def run(job: Job, sinks: Sequence[Sink] = ()) -> Result:
    """Run a job as fast as it goes; the same job gives the same figures on the same kind of
    machine.

    job    what to run
    sinks  more sinks, each handed frames and pictures

    Raises SiteError, ScenarioError or RecordError. Whatever ends it before its end raises, too.
    """
    begun = time.process_time()
    site = _site(job.site if job.site is not None else _own_site(job.scenario))
    scenario = _scenario(job.scenario, site)
    scenario = scenario if job.seed is None else replace(scenario, seed=job.seed)
    feed = Simulated(scenario, site, duration=job.duration, redrawn=dict(job.redrawn))
    measures = Measures(site, True, [c.name for c in scenario.classes])
    wires = [Wire(feed, drill=True), Wire(measures, drill=True, truth=True), *(Wire(sink) for sink in sinks)]
    recorder = None
    if job.record is not None:
        header = Header("simulation", scenario.epoch_ns, site.name, site.sources, scenario.name, scenario.sources,
                        scenario.seed, job.duration)
        recorder = Recorder(job.record, header)
        wires.append(Wire(recorder, drill=True, truth=True))
    try:
        loop(feed, stepper(site, True), wires, NoClock())
        if recorder is not None:
            recorder.conclude(measures.summary())
    finally:
        feed.close()
        if recorder is not None:
            recorder.close()
    return Result(
        measures.summary(), worth.figures(measures, site), worth.rounds_due(measures, site), feed.streams,
        time.process_time() - begun, machine(), versions())


def ready() -> None:
    """Compile all kernels that a run needs, once on this machine: whoever else wants them waits for
    it.

    Call it before many processes start, and in each process of a cluster: then it is a glance at a
    file.
    """
    if compiled.are_kept(EXTRA.kind):
        return
    with compiled.alone():
        if not compiled.are_kept(EXTRA.kind):
            warm(load_site("kabul"), EXTRA)


def run_ready(job: Job) -> Result:
    """`run`, on a machine where perhaps nothing has been compiled yet: what a cluster is handed.

    job  the run
    """
    ready()
    return run(job)


def machine() -> str:
    """The kind of this machine."""
    return f"{platform.system()} {platform.machine()}"


@lru_cache(maxsize=1)
def versions() -> str:
    """Of what the figures rest on."""
    import numba
    import numpy

    return f"Python {platform.python_version()}, numpy {numpy.__version__}, numba {numba.__version__}"


def _site(site: str | Files) -> Site:
    return load_site(site) if isinstance(site, str) else _site_of_files(site)


def _scenario(scenario: str | Files, site: Site) -> Scenario:
    return load_scenario(scenario, site) if isinstance(scenario, str) else _scenario_of_files(scenario, site)


@lru_cache(maxsize=8)       # one object a design: what is derived of a site is kept by the object
def _site_of_files(files: Files) -> Site:
    return site_from_sources(dict(files), "site")


@lru_cache(maxsize=8)
def _scenario_of_files(files: Files, site: Site) -> Scenario:
    return scenario_from_sources(dict(files), site)


def _own_site(scenario: str | Files) -> str:
    if isinstance(scenario, str):
        return site_of(scenario)
    raise ValueError("a scenario handed over as files needs its site beside it")
