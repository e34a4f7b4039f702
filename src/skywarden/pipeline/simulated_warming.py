"""What a second process compiles for a simulation beside the first: `python -m
skywarden.pipeline.simulated_warming`.
"""

from __future__ import annotations

from skywarden.feeds.simulated import Simulated
from skywarden.pipeline import warming
from skywarden.pipeline.simulated import compile_the_rare, rehearsing
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.site.load import load as load_site

SCENARIO = "kabul-2021-08-30"   # scenario whose world is compiled: kernels are the same in every one
EXTRA = warming.Extra("simulation", "skywarden.pipeline.simulated_warming", rehearsing, compile_the_rare)


def main() -> None:
    """Compile the last stages of a simulation and its world."""
    site = load_site(warming.SITE)
    warming.last_stages(site, EXTRA)
    world = iter(Simulated(load_scenario(SCENARIO, site), site))
    for _ in range(warming.FRAMES):
        next(world)


if __name__ == "__main__":
    main()
