"""A site or a scenario without fault may still protect nobody: `check` says so, the run says so,
the console knows it; none is refused.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_radar, a_site, square

from skywarden.console.views import site_view
from skywarden.site.doubts import doubts
from skywarden.site.load import load
from skywarden.site.model import Radar, Site, Zone
from skywarden.tools.check import judge_file

ROOT = Path(__file__).resolve().parents[2]
DEG = math.pi / 180.0


def a_zone(name: str = "hall", east: float = 0.0, warn: bool = True) -> Zone:
    return Zone(name, "building", 10.0, 5.0, warn, square(east, 0.0, 20.0))


def with_radars(*radars: Radar, zones: tuple[Zone, ...] = (a_zone(),), **changes: Any) -> Site:
    return a_site(a_radar(), zones=zones, **changes) if not radars else a_site(*radars, zones=zones, **changes)


@pytest.mark.parametrize("name", ["bagram", "kabul", "range", "range-weather"])
def test_what_ships_leaves_no_doubt(name: str) -> None:
    assert doubts(load(name)) == ()
    assert judge_file(Path(name)).doubts == ()


@pytest.mark.parametrize(
    ("radars", "word"),
    [
        ([], "no radar"),
        ([a_radar(mode_s=True)], "secondary"),
        ([a_radar(elevation_sigma=math.nan)], "no radar measures elevation"),
        ([a_radar(revisit=12.0, kind="rotating")], "every 12 s"),
        ([a_radar(elevation_min=80.0 * DEG, elevation_max=89.0 * DEG)], "elevations from 80 to 89"),
        ([a_radar(elevation_min=-2.0 * DEG, elevation_max=1.0 * DEG)], "elevations"),
        ([a_radar(range_max=250.0, range_min=0.0)], "ranges are from 0 to 250"),
        ([a_radar(range_min=20_000.0, range_max=40_000.0)], "ranges are from 20000"),
        ([a_radar(detection_probability=0.02)], "detection probability is 0.02"),
        ([a_radar(azimuth_from=0.0, azimuth_width=10.0 * DEG, place=np.array([0.0, 5000.0, 10.0]))], "looks elsewhere"),
        ([a_radar(reference_range=800.0, reference_snr=16.0)], "too faint"),
    ],
)
def test_a_radar_that_can_never_track_a_round_is_told_with_its_reason(radars: list[Radar], word: str) -> None:
    said = doubts(replace(with_radars(), radars=tuple(radars)))
    assert len(said) == 1
    assert word in said[0]


def test_a_radar_beside_one_that_tracks_leaves_no_doubt_unless_it_is_of_no_use() -> None:
    assert doubts(with_radars(a_radar(name="a"), a_radar(name="b", mode_s=True))) == ()
    (said,) = doubts(with_radars(a_radar(name="a"), a_radar(name="slow", revisit=30.0)))
    assert 'radar "slow"' in said


def test_zones_out_of_every_radars_view_are_named() -> None:
    zones = (a_zone(), *(a_zone(f"far {k}", 40_000.0 + 100.0 * k) for k in range(5)))
    (said,) = doubts(with_radars(zones=zones))
    assert "far 0, far 1, far 2 and 2 more" in said


def test_where_nobody_can_be_warned_that_is_said() -> None:
    assert "no zone" in doubts(with_radars(zones=()))[0]
    assert "warn is no everywhere" in doubts(with_radars(zones=(a_zone(warn=False),)))[0]


def test_hills_that_hide_everything_are_the_reason() -> None:
    from skywarden.kernels.geometry.ground import Ground

    side = 81
    wall = np.zeros((side, side))
    wall[66:75, 66:75], wall[69:72, 69:72] = 9000.0, 0.0  # a radar at the bottom of a shaft
    ground = Ground(-8000.0, -8000.0, 200.0, wall, 9000.0, 1.0)
    (said,) = doubts(with_radars(a_radar(place=np.array([6000.0, 6000.0, 12.0])), ground=ground))
    assert "the ground hides them" in said


def test_the_console_knows_the_doubts() -> None:
    assert site_view(with_radars(zones=()))["doubts"] == ["there is no zone: nobody is warned"]
    assert site_view(load("kabul"))["doubts"] == []


def scenario(folder: Path, text: str) -> Path:
    file = folder / "raid.toml"
    file.write_text(text)
    return file


RAID = """site = "range"
duration_s = 60
[[areas]]
name = "away"
east_m = -3000
north_m = 0
radius_m = 1500
[[areas]]
name = "here"
east_m = 0
north_m = 0
radius_m = 300
[[raids]]
name = "late"
class = "heavy mortar"
launch = "away"
fall = "here"
fall_angle_deg = [45, 70]
fall_speed_mps = [120, 220]
start_s = {}
"""


def test_a_raid_after_the_end_is_doubted(tmp_path: Path) -> None:
    assert judge_file(scenario(tmp_path, RAID.format(10))).doubts == ()
    faults, told = judge_file(scenario(tmp_path, RAID.format(300)))
    assert not faults
    assert any('raid "late" begins at 300 s, after the end (duration_s 60)' in doubt for doubt in told)


def test_check_says_good_but_and_goes_out_well(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    text = (ROOT / "sites/kabul/site.toml").read_text()
    (site / "site.toml").write_text(text.replace("elevation_sigma_mrad = 3.0\n", ""))
    (site / "zones.geojson").write_text((ROOT / "sites/kabul/zones.geojson").read_text())
    command = [sys.executable, "-m", "skywarden.cli", "check", str(site)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert told.returncode == 0
    assert told.stdout.startswith(f"{site}: good, but\n    no radar measures elevation")
    (answer,) = json.loads(
        subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=300, check=False).stdout
    ).values()
    assert answer["good"]
    assert len(answer["doubts"]) == 1
