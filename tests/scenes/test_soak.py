"""Hours of watch: memory stays flat, and thirty aircraft are still thirty aircraft."""

from __future__ import annotations

import os

import numpy as np
import pytest

from skywarden import session
from skywarden.feeds.simulated import Simulated
from skywarden.scenario.load import load as load_scenario
from skywarden.site.load import load as load_site

HOURS = 6.0
FLAT = 0.05             # of the memory after the first hour


def traffic(count: int, seconds: float) -> str:
    """Aircraft that come and go all day on straight lines past the site."""
    rng, text = np.random.default_rng(1), ""
    for k in range(count):
        start = float(rng.uniform(0.0, seconds - 700.0)) if k % 3 else 0.0
        end = start + 600.0 if k % 3 else seconds
        bearing, side = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(-6000.0, 6000.0)
        along, across = np.array([np.sin(bearing), np.cos(bearing)]), np.array([np.cos(bearing), -np.sin(bearing)])
        far = 30_000.0 if k % 3 else 120_000.0
        a, b = (side * across + s * far * along for s in (-1.0, 1.0))
        up = rng.uniform(800.0, 6000.0)
        text += f'[[flights]]\ncallsign = "SOAK{k}"\nicao24 = "71{k:04x}"\nframe = "site"\n'
        text += f"waypoints = [[{start}, {a[0]}, {a[1]}, {up}], [{end}, {b[0]}, {b[1]}, {up}]]\n"
    return text


def resident() -> int:
    """Bytes of memory this process holds."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.prove
@pytest.mark.timeout(7200)
def test_memory_is_flat_over_hours(tmp_path, evidence):
    seconds = HOURS * 3600.0
    scenario = tmp_path / "soak.toml"
    scenario.write_text(f'name = "soak"\nsite = "kabul"\nduration_s = {seconds}\nseed = 1\n[clutter]\nbirds = 12\nflock = 4.0\n{traffic(90, seconds)}')
    site = load_site("kabul")
    step, memory, warned = session.stepper(site, simulation=True), [], 0
    for frame, _ in Simulated(load_scenario(scenario, site), site):
        picture, _ = step.step(frame)
        warned += picture.warnings.zone.size
        if frame.t % 600.0 == 0.0:
            memory.append((frame.t, resident()))
    hour = next(size for t, size in memory if t >= 3600.0)
    growth = memory[-1][1] / hour - 1.0
    evidence("soak", f"{HOURS:g} hours, about 30 aircraft at a time", megabytes_after_1_h=round(hour / 2**20), megabytes_at_end=round(memory[-1][1] / 2**20),
             growth_percent=round(100.0 * growth, 2), warnings=warned)
    assert growth <= FLAT
    assert warned == 0
