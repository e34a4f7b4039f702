"""Real input: a Mode-S radar and real flights. Aircraft are tracked with their addresses; nothing
real is ever a projectile, warned of or endangered.
"""

from __future__ import annotations

import csv
import gzip
import json
from datetime import datetime

import numpy as np
import pytest
from scenes.runs import SHARED, asked_json, fly

from skywarden.messages.picture import PROJECTILE
from skywarden.record.reader import Record
from skywarden.simulator.scenario.flights import COLUMNS

RADAR = SHARED / "data" / "asterix" / "jahorina_first_40s.raw"
FLIGHTS = SHARED / "data" / "adsb"
needs_shared = pytest.mark.skipif(not FLIGHTS.is_dir(), reason="the shared test data are not beside the repository")


@needs_shared
def test_a_real_radar_gives_aircraft_with_addresses_and_never_a_projectile(tmp_path):
    path = tmp_path / "live.rec"
    told = asked_json("run", "--site", "kabul", "--feed", f"asterix+file:{RADAR}", "--speed", "max", "--no-console",
        "--record", path)
    assert told["aircraft"] > 90
    assert (told["projectiles_tracked"], told["warned"], told["engaged"]) == (0, 0, 0)
    with Record(path) as record:
        assert not record.simulation
        seen = set()
        for moment in record.moments():
            assert moment.drill is None
            assert moment.truth is None
            assert not moment.picture.warnings.zone.size
            assert not (moment.picture.tracks.kind[:, PROJECTILE] > 0.5).any()
            seen.update(moment.picture.tracks.address.tolist())
    assert len(seen - {-1}) > 90


@needs_shared
def test_undecodable_bytes_are_counted_and_survived():
    told = asked_json(
        "run", "--site", "kabul", "--feed", f"asterix+file:{RADAR.parent / 'ccl_asterix.pcap'}", "--speed", "max",
        "--no-console")
    assert told["undecodable"] > 1000
    assert (told["projectiles_tracked"], told["warned"]) == (0, 0)


def scenario_of(name, transponder, folder, seconds):
    """A real recording as the traffic of a scenario at Kabul."""
    with gzip.open(FLIGHTS / f"{name}.json.gz") as file:
        rows = json.load(file)

    def when(row):
        t = row["timestamp"]
        return t / 1000.0 if isinstance(t, int | float) else datetime.fromisoformat(str(t).replace("Z",
            "+00:00")).timestamp()

    start = min(when(row) for row in rows)
    with open(folder / "flights.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for row in rows:
            height = row.get("altitude")
            table.writerow([
                when(row) - start, row["icao24"], row.get("callsign") or "", row.get("latitude") or "",
                row.get("longitude") or "",
                "" if height is None else 0.3048 * height])
    scenario = folder / f"{name}.toml"
    scenario.write_text(
        f'name = "{name}"\nsite = "kabul"\nduration_s = {seconds}\nseed = 3\n[[recordings]]\nfile = '
        f'"flights.csv"\ntransponder = {str(transponder).lower()}\n')
    return scenario


@needs_shared
@pytest.mark.parametrize("transponder", [True, False])
@pytest.mark.parametrize(("name", "seconds"), [
    ("traffic_rega_zh", 300.0), ("traffic_noisy_landing", 400.0), *(
        pytest.param(name, 300.0, marks=pytest.mark.prove) for name in ("traffic_munich", "traffic_zurich_airport"))])
def test_a_real_flight_is_never_warned_of_nor_endangered(name, seconds, transponder, tmp_path):
    path = tmp_path / "flight.rec"
    told = fly(scenario_of(name, transponder, tmp_path, seconds), record=path)
    assert (told["warned"], told["false_warnings"], told["engaged"], told["aircraft_endangered"]) == (0, 0, 0, 0)
    assert told["aircraft"] >= 1
    with Record(path) as record:
        for moment in record.moments():
            assert not moment.picture.warnings.zone.size
            if moment.truth.aircraft.position.size and moment.picture.tracks.number.size:
                near = np.linalg.norm(moment.picture.tracks.state[:, None, :3] - moment.truth.aircraft.position[None],
                    axis=2).min(axis=1) < 200.0
                assert not (near & (moment.picture.tracks.kind[:, PROJECTILE] > 0.5)).any(), moment.frame.t
