"""Hours of watch: memory stays flat, and thirty aircraft are still thirty aircraft."""

from __future__ import annotations

import os

import numpy as np
import pytest

from skywarden.feeds.simulated import Simulated
from skywarden.pipeline.simulated import stepper
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.site.load import load as load_site

HOURS = 24.0
FLAT = 0.05             # of the memory after the first hour
CIRCUITS, CROSSING = 20, 10     # aircraft in the air at a time: round and round all day, and passing by within PASS
PASS, LEG = 900.0, 150.0        # s
FALSE_ALARMS = 5.0      # a scan of the staring radar


def traffic(seconds: float) -> str:
    """Thirty aircraft at any time of the day: some fly circuits near the site all day long, others
    come and go on straight lines past it.
    """
    rng, text = np.random.default_rng(1), ""
    for k in range(CIRCUITS + round(CROSSING * seconds / PASS)):
        up, bearing, side = rng.uniform(800.0, 6000.0), rng.uniform(0.0, 2.0 * np.pi), rng.uniform(-6000.0, 6000.0)
        along, across = np.array([np.sin(bearing), np.cos(bearing)]), np.array([np.cos(bearing), -np.sin(bearing)])
        if k < CIRCUITS:
            size = LEG * rng.uniform(55.0, 90.0)
            corners = [side * across + size * (a * along + b * across) for a, b in ((-0.5, -0.5), (0.5, -0.5),
                (0.5, 0.5), (-0.5, 0.5))]
            way = [(LEG * i, corners[(i + k) % 4]) for i in range(round(seconds / LEG) + 1)]
        else:
            start = float(rng.uniform(0.0, seconds - PASS))
            way = [(start, side * across - 40_000.0 * along), (start + PASS, side * across + 40_000.0 * along)]
        text += f'[[flights]]\ncallsign = "SOAK{k}"\nicao24 = "71{k:04x}"\nframe = "site"\n'
        text += f"waypoints = [{', '.join(f'[{t}, {p[0]:.1f}, {p[1]:.1f}, {up:.1f}]' for t, p in way)}]\n"
    return text


def resident() -> int:
    """Bytes of memory this process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.prove
@pytest.mark.timeout(14_400)
def test_memory_is_flat_over_a_day(tmp_path, evidence):
    seconds = HOURS * 3600.0
    site = load_site("kabul")
    scenario = tmp_path / "soak.toml"
    scenario.write_text(f'name = "soak"\nsite = "kabul"\nduration_s = {seconds}\nseed = 1\n[clutter]\nbirds = '
        '12\nflock = 4.0\n'
                        f"false_alarm_factor = {FALSE_ALARMS / site.radars[0].false_alarms}\n{traffic(seconds)}")
    step, memory, tracks, warned = stepper(site, simulation=True), [], [], 0
    for frame, _ in Simulated(load_scenario(scenario, site), site):
        picture, _ = step.step(frame)
        warned += picture.warnings.zone.size
        if frame.t % 600.0 == 0.0:
            memory.append((frame.t, resident()))
            tracks.append(picture.tracks.number.size)
    hour = next(size for t, size in memory if t >= 3600.0)
    growth = memory[-1][1] / hour - 1.0
    evidence("soak", f"{HOURS:g} hours, 30 aircraft, {FALSE_ALARMS:g} false alarms a scan",
        tracks_mean=round(float(np.mean(tracks)), 1),
             megabytes_after_1_h=round(hour / 2**20), megabytes_at_end=round(memory[-1][1] / 2**20),
             growth_percent=round(100.0 * growth, 2),
             warnings=warned)
    assert growth <= FLAT
    assert warned == 0
