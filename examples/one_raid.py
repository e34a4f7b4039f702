"""Fly one scenario in simulation and print, each second, what the radars saw: detections, reports,
and rounds in the air.

    python examples/one_raid.py mortar-raid
"""

from __future__ import annotations

import sys

from skywarden.feeds.simulated import Simulated
from skywarden.messages.truth import FLYING
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.simulator.scenario.load import site_of
from skywarden.site.load import load as load_site


def main(name: str = "mortar-raid", duration: float | None = None) -> None:
    site = load_site(site_of(name))
    scenario = load_scenario(name, site)
    detections = reports = 0
    print(f"{scenario.title} at {site.title}")
    for frame, truth in Simulated(scenario, site, duration=duration):
        detections += len(frame.detections.t)
        reports += len(frame.aircraft.t)
        if abs(frame.t - round(frame.t)) < 1e-9:
            flying = int((truth.rounds.outcome == FLYING).sum())
            print(f"{frame.t:6.0f} s  {detections:4d} detections  {reports:3d} aircraft reports  {flying:2d} rounds in "
                "the air")
            detections = reports = 0


if __name__ == "__main__":
    main(*sys.argv[1:2])
