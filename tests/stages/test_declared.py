"""What the readers make of good files: places, terrain, recorded flights, defaults."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from skywarden.kernels.geometry.ground import ground_up
from skywarden.kernels.geometry.polygon import area
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.simulator.scenario.model import Flight, Scenario
from skywarden.site.load import from_sources, load
from skywarden.tools import listing

ROOT = Path(__file__).resolve().parents[2]
DTED = ROOT.parent / "shared" / "data" / "kabul" / "dted0"
KABUL = load("kabul")
HEADER = "time_s,icao24,callsign,latitude_deg,longitude_deg,altitude_m\n"


def test_the_list_names_every_shipped_site_and_scenario() -> None:
    assert {line.split()[0] for line in listing.sites()} == {"bagram", "kabul", "range", "range-weather"}
    assert {line.split()[0] for line in listing.scenarios()} >= {"kabul-2021-08-30", "quiet-night", "mortar-raid",
        "mixed-salvo-50"}


def test_the_runway_is_3500_by_50_metres_and_runs_107_degrees() -> None:
    (runway,) = (zone for zone in KABUL.zones if zone.kind == "runway")
    assert area(runway.polygon) == pytest.approx(3500.0 * 50.0, rel=0.02)
    edges = [b - a for a, b in pairwise([*runway.polygon, runway.polygon[0]])]
    east, north = max(edges, key=lambda edge: float(np.hypot(*edge)))
    assert np.degrees(np.arctan2(east, north)) % 180.0 == pytest.approx(107.0, abs=0.5)


def test_a_site_says_how_heights_of_aircraft_are_told(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sites" / "kabul", tmp_path / "kabul")
    assert load(tmp_path / "kabul").display.aircraft_height == "metres"
    with (tmp_path / "kabul" / "site.toml").open("a") as file:
        file.write('\n[display]\naircraft_height = "flight-level"\ntransition_altitude_ft = 13000\n')
    display = load(tmp_path / "kabul").display
    assert display.aircraft_height == "flight-level"
    assert display.transition_altitude == pytest.approx(13_000 * 0.3048)


def test_the_range_is_the_benchmarks_world() -> None:
    site = load("range")
    radar = site.radars[0]
    assert (radar.range_sigma, radar.azimuth_sigma, radar.elevation_sigma,
        radar.range_rate_sigma) == pytest.approx((15.0, 0.003, 0.003, 1.5))
    assert (radar.revisit, radar.detection_probability, radar.false_alarms, radar.range_min, radar.range_max) == (0.25,
        0.9, 5.0, 300.0, 15_000.0)
    assert (site.origin.elevation, site.air.rho0, site.air.scale, site.air.sound0, site.air.sound_lapse) == (1790.0,
        1.225, 10_200.0, 340.3, 0.0041)
    assert not site.earth.spin.any()
    assert site.weather.wind_sigma == 0.0
    assert load("range-weather").weather.wind_sigma == 6.0
    assert load("range-weather").laws == ("constant", "transonic")


@pytest.mark.skipif(not DTED.exists(), reason="the elevation tiles are not in this checkout's neighbourhood")
def test_elevation_tiles_give_the_height_of_the_airport_and_travel_as_a_grid(tmp_path: Path) -> None:
    for name in ("site.toml", "zones.geojson"):
        shutil.copy(ROOT / "sites/kabul" / name, tmp_path)
    with open(tmp_path / "site.toml", "a") as file:
        file.write(f'\n[terrain]\nfiles = ["{DTED}"]\nstep_m = 200\nextent_m = 15000\n')
    site = load(tmp_path)
    five_metres = 5.0       # bilinear between posts some 900 m apart
    assert site.origin.elevation + ground_up(site.ground, 0.0, 0.0) == pytest.approx(1795.0, abs=five_metres)
    again = from_sources(site.sources, site.name)
    assert np.array_equal(again.ground.up, site.ground.up)
    assert again.ground[:3] == site.ground[:3]


def recorded(tmp_path: Path, rows: list[str], options: str = "") -> Scenario:
    (tmp_path / "flights.csv").write_text(HEADER + "\n".join(rows) + "\n")
    (tmp_path / "traffic.toml").write_text(f'site = "kabul"\n[[recordings]]\nfile = "flights.csv"\n{options}\n')
    return load_scenario(tmp_path / "traffic.toml", KABUL)


def straight(address: str = "4b1800", start: float = 0.0, count: int = 60) -> list[str]:
    """Eastward at some 76 m/s, level at 1500 m, near Zurich."""
    return [f"{start + k},{address},TEST1,47.45,{8.5 + 0.001 * k:.6f},1500" for k in range(count)]


def fastest(flight: Flight) -> float:
    return float((np.linalg.norm(np.diff(flight.position, axis=0), axis=1) / np.diff(flight.t)).max())


def test_a_recording_is_moved_over_the_site_and_lifted_above_its_ground(tmp_path: Path) -> None:
    (flight,) = recorded(tmp_path, straight(), "start_s = 30").flights
    assert flight.address == 0x4B1800
    assert flight.callsign == "TEST1"
    assert flight.t[0] == 30.0
    assert np.abs(flight.position[:, :2]).max() < 3000.0
    assert flight.position[:, 2].min() >= -1.0
    assert 70.0 < fastest(flight) < 80.0


@pytest.mark.parametrize("shift", [171.4705, 171.5, -188.5295, 300.0])
def test_a_recording_over_the_date_line_lies_about_the_site_all_the_same(shift: float, tmp_path: Path) -> None:
    def moved(row: str) -> str:
        cells = row.split(",")
        cells[4] = f"{(float(cells[4]) + shift + 180.0) % 360.0 - 180.0:.6f}"
        return ",".join(cells)

    (near,), (far,) = recorded(tmp_path, straight()).flights, recorded(tmp_path,
        [moved(row) for row in straight()]).flights
    assert np.abs(far.position - near.position).max() < 1.0


def test_unsorted_repeated_blank_and_broken_rows_are_survived(tmp_path: Path) -> None:
    rows = straight()
    rows[20] = rows[20].replace("47.45", "52.0")            # 500 km away for a second
    rows[30] = rows[30].rsplit(",", 1)[0] + ","             # no height
    rows[31] = "31,4b1800,TEST1,,,"                         # nothing at all
    rows += [rows[5], rows[6]]
    (flight,) = recorded(tmp_path, rows[::-1]).flights
    assert fastest(flight) < 90.0
    assert np.isfinite(flight.position).all()
    assert np.abs(flight.said).max() > 100_000.0            # the broken position was broadcast all the same


def test_a_turned_recording_flies_south_instead_of_east(tmp_path: Path) -> None:
    (flight,) = recorded(tmp_path, straight(), "rotate_deg = 90\ntransponder = false").flights
    way = flight.position[-1] - flight.position[0]
    assert way[1] < -4000.0
    assert abs(way[0]) < 100.0
    assert not flight.transponder


def test_several_aircraft_in_one_file_and_a_long_silence_keep_their_addresses(tmp_path: Path) -> None:
    flights = recorded(tmp_path, [*straight("4b1801"), *straight("4b1802"), *straight("4b1801", 400.0)]).flights
    assert sorted(flight.address for flight in flights) == [0x4B1801, 0x4B1801, 0x4B1802]
