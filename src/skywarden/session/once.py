"""A simulation without anybody to look at it: for studies, notebooks and tests. It can be handed to
another process, and imports no console.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from skywarden.feeds.simulated import Simulated
from skywarden.measures.tally import Measures
from skywarden.pipeline.simulated import stepper
from skywarden.record.header import Header
from skywarden.record.writer import Recorder
from skywarden.run.clock import NoClock
from skywarden.run.loop import Wire, run
from skywarden.run.ports import Sink
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.simulator.scenario.load import site_of
from skywarden.site.load import load as load_site


@dataclass(frozen=True)
class Once:
    """One run as it is asked for: plain values only, so that it can be pickled, kept and compared.

    scenario   name or file
    site       name or folder; None: the scenario's own
    seed       None: the scenario's own
    duration   seconds of the run; None: the scenario's own
    record     file to write; None: none
    """

    scenario: str
    site: str | None = None
    seed: int | None = None
    duration: float | None = None
    record: Path | None = None


def run_once(asked: Once, sinks: Sequence[Sink] = ()) -> dict[str, Any]:
    """Run it as fast as it goes and return the summary; the same `asked` gives the same summary on
    the same machine.

    asked  what to run
    sinks  more sinks, each handed frames and pictures

    Raises SiteError, ScenarioError or RecordError.
    """
    site = load_site(asked.site if asked.site is not None else site_of(asked.scenario))
    scenario = load_scenario(asked.scenario, site)
    scenario = scenario if asked.seed is None else replace(scenario, seed=asked.seed)
    feed = Simulated(scenario, site, duration=asked.duration)
    measures = Measures(site, True, [c.name for c in scenario.classes])
    wires = [Wire(feed, drill=True), Wire(measures, drill=True, truth=True), *(Wire(sink) for sink in sinks)]
    recorder = None
    if asked.record is not None:
        header = Header("simulation", scenario.epoch_ns, site.name, site.sources, scenario.name, scenario.sources,
            scenario.seed, asked.duration)
        recorder = Recorder(asked.record, header)
        wires.append(Wire(recorder, drill=True, truth=True))
    try:
        run(feed, stepper(site, True), wires, NoClock())
        if recorder is not None:
            recorder.conclude(measures.summary())
    finally:
        feed.close()
        if recorder is not None:
            recorder.close()
    return measures.summary()
