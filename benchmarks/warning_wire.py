"""How soon a warning is on the wire: 200 projectiles and 30 aircraft through the same function as a live radar's, over
loopback, to a webhook, an MQTT subscriber and a Cursor on Target listener, while the recorder hangs.

    .venv/bin/python benchmarks/warning_wire.py

Prints, for each channel, the median and the 99th percentile of the time from the frame and from its oldest plot to the
socket, and what `watch` took of it. The goal is 100 ms from the frame, on a machine that does nothing else. No peer
does the same. Needs mosquitto.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("NUMBA_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "scenes"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "stages"))

import numpy as np
from builders import a_flight, a_raid, a_scenario, a_site, a_zone, square
from test_told_statistics import ZONES, told_over_three_channels

from skywarden.feeds.simulated import Simulated
from skywarden.messages.moment import Moment
from skywarden.pipeline.simulated import watching
from skywarden.pipeline.warming import warm
from skywarden.simulator.scenario.model import Area, Scenario
from skywarden.site.model import Site

ROUNDS, AIRCRAFT = 200, 30


def crowd() -> tuple[Site, Scenario]:
    """A site of thirty zones and a raid of two hundred rounds onto them, among thirty airliners."""
    zones = tuple(a_zone(f"zone {k}", 250.0 * (k % 6) - 600.0, 250.0 * (k // 6) - 500.0, 60.0) for k in range(ZONES))
    plain = a_flight()
    flights = tuple(
        replace(
            plain,
            callsign=f"TEST{k}",
            address=0xA00000 + k,
            position=plain.position + np.array([0.0, 300.0 * k, 60.0 * k]),
        )
        for k in range(AIRCRAFT)
    )
    raid = a_raid(count=ROUNDS, start=2.0, interval=(0.02, 0.06), fall=Area("zones", square(0.0, 0.0, 700.0)))
    return a_site(zones=zones), a_scenario(raids=(raid,), flights=flights, duration=30.0)


def main() -> None:
    site, scenario = crowd()
    feed = list(Simulated(scenario, site))
    watch = watching(site)
    warm(site)
    steps: list[float] = []

    def moments() -> Iterator[Callable[[], Moment]]:
        for frame, _ in feed:

            def make(frame=frame) -> Moment:  # type: ignore[no-untyped-def]
                begun = time.perf_counter()
                moment = Moment(frame, watch(frame), None, None)
                steps.append(time.perf_counter() - begun)
                return moment

            yield make

    with tempfile.TemporaryDirectory() as folder:
        late, waited = told_over_three_channels(Path(folder), site, moments())
    print(f"{ROUNDS} projectiles, {AIRCRAFT} aircraft, {len(waited)} zones warned; ms, median (99 %)")
    print(f"  watch alone, all {len(steps)} frames: {_said(steps)}")
    for name, found in late.items():
        plots = [found[zone] + waited[zone] for zone in found]
        print(f"  {name}: frame to wire {_said(list(found.values()))}, plot to wire {_said(plots)}")


def _said(seconds: list[float]) -> str:
    middle, most = np.percentile(1e3 * np.array(seconds), [50, 99])
    return f"{middle:.1f} ({most:.1f})"


if __name__ == "__main__":
    main()
