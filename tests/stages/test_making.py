"""A site made from the open list of airports, and recorded flights made of traffic as other programs keep it."""

from __future__ import annotations

import csv
import gzip
import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from skywarden.errors import TableError, UsageError
from skywarden.kernels.geometry.polygon import area
from skywarden.site.airports import airports, find_airport
from skywarden.site.doubts import doubts
from skywarden.site.load import load
from skywarden.tools.check import judge_file
from skywarden.tools.convert import convert
from skywarden.tools.new_site import new_site

FOOT = 0.3048


def test_kabul_is_made_with_its_runway_where_it_lies(tmp_path: Path) -> None:
    airport, folder = new_site("oakb", tmp_path / "mine")
    assert judge_file(folder) == ((), ())
    site = load(folder)
    (runway,) = (zone for zone in site.zones if zone.kind == "runway")
    assert runway.name == "runway 11/29"
    assert area(runway.polygon) == pytest.approx(3500.0 * 50.0, rel=0.02)
    assert site.origin.elevation == pytest.approx(5877.0 * FOOT, abs=0.1)
    assert [airport.icao, airport.iata] == ["OAKB", "KBL"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]
    assert not runway.warn
    assert any(zone.warn for zone in site.zones)


@pytest.mark.parametrize("code", sorted(airports())[::400])
def test_every_airport_of_the_list_makes_a_site_without_fault_or_doubt(code: str, tmp_path: Path) -> None:
    _, folder = new_site(code, tmp_path / code)
    assert judge_file(folder) == ((), ())
    for runway, zone in zip(airports()[code].runways, load(folder).zones, strict=False):
        assert area(zone.polygon) > 1400.0 * runway.width


def test_the_list_is_plain_numbers_of_places_on_earth() -> None:
    assert len(airports()) > 3000
    for airport in airports().values():
        assert abs(airport.latitude) < 90.0
        assert abs(airport.longitude) <= 180.0
        assert -430.0 < airport.elevation < 5000.0
        assert all(15.0 <= runway.width <= 100.0 for runway in airport.runways)


def test_an_airport_is_found_by_code_or_name_and_suggested_where_it_is_not() -> None:
    assert find_airport("KBL").icao == find_airport(" oakb ").icao == find_airport("Kabul International").icao == "OAKB"
    for asked, word in (
        ("OAKX", "OAKB"),
        ("Zurich Airprt", "Did you mean"),
        ("", "ICAO"),
        ("Frankfurt", "EDDF Frankfurt Airport; EDFH"),
        ("x" * 500, "ICAO"),
    ):
        with pytest.raises(UsageError, match=word):
            find_airport(asked)


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(UsageError, match="there already"):
        new_site("OAKB", tmp_path / "mine")
    assert not [*(tmp_path / "mine").iterdir()]
    with pytest.raises(UsageError, match="cannot be made"):
        new_site("OAKB", tmp_path / "nowhere" / "mine")


def test_an_elevation_in_feet_is_doubted_by_the_list_where_there_is_no_terrain(tmp_path: Path) -> None:
    _, folder = new_site("OAKB", tmp_path / "mine")
    toml = folder / "site.toml"
    toml.write_text(toml.read_text().replace("elevation_m = 1791.3", "elevation_m = 5877"))
    (said,) = doubts(load(folder))
    assert "elevation_m in feet" in said


def rows(count: int = 30) -> list[tuple[float, float, float, float]]:
    """Time, latitude, longitude, height [m] of an aeroplane that flies eastward and climbs."""
    return [(1_600_000_000.0 + k, 47.5, 8.5 + 0.001 * k, 1524.0 + 3.048 * k) for k in range(count)]


def opensky() -> str:
    return "time,icao24,lat,lon,velocity,callsign,baroaltitude\n" + "".join(
        f"{t:.0f},4b1800,{la},{lo},80,TEST1   ,{h}\n" for t, la, lo, h in rows()
    )


def traffic(scale: float = 1000.0) -> list[dict[str, Any]]:
    return [
        {
            "timestamp": int(t * scale),
            "icao24": "4b1800",
            "latitude": la,
            "longitude": lo,
            "altitude": h / FOOT,
            "callsign": "TEST1",
        }
        for t, la, lo, h in rows()
    ]


def columns() -> dict[str, dict[str, Any]]:
    return {name: {str(k): row[name] for k, row in enumerate(traffic())} for name in traffic()[0]}


def trace() -> dict[str, Any]:
    first = rows()[0][0]
    return {
        "icao": "4b1800",
        "timestamp": first,
        "trace": [
            [t - first, la, lo, h / FOOT, 150, 90, 0, 600, {"flight": "TEST1   "} if k == 0 else None]
            for k, (t, la, lo, h) in enumerate(rows())
        ],
    }


def snapshots(now: float = 1.0) -> str:
    return "".join(
        json.dumps(
            {
                "now": (t + 0.5) * now,
                "aircraft": [
                    {"hex": "4b1800", "flight": "TEST1 ", "lat": la, "lon": lo, "alt_baro": h / FOOT, "seen_pos": 0.5},
                    {"hex": "4b1801"},
                ],
            }
        )
        + "\n"
        for t, la, lo, h in rows()
    )


def basestation() -> str:
    text = "MSG,1,1,1,4B1800,1,2020/09/13,12:26:40.000,2020/09/13,12:26:40.000,TEST1,,,,,,,,,,,\n"
    return text + "".join(
        f"MSG,3,1,1,4B1800,1,2020/09/13,12:26:{40 + k % 20:02d}.000,,,,{h / FOOT:.2f},,,{la},{lo},,,,,,0\n"
        for k, (_, la, lo, h) in enumerate(rows(20))
    )


@pytest.mark.parametrize(
    "content",
    [
        opensky().encode(),
        opensky().encode("utf-16"),
        json.dumps(traffic()).encode(),
        json.dumps(traffic(1e9)).encode(),
        gzip.compress(json.dumps(traffic()).encode()),
        json.dumps(columns()).encode(),
        json.dumps(trace()).encode(),
        gzip.compress(json.dumps(trace()).encode()),
        snapshots().encode(),
        snapshots().replace('"aircraft"', '"ac"').encode(),
        basestation().encode(),
        b"\xef\xbb\xbf" + basestation().replace("\n", "\r\n").encode(),
    ],
    ids=[
        "opensky",
        "utf-16",
        "traffic",
        "nanoseconds",
        "gzip",
        "columns",
        "trace",
        "trace gzip",
        "snapshots",
        "v2",
        "basestation",
        "windows",
    ],
)
def test_traffic_of_every_form_becomes_the_same_flight(content: bytes, tmp_path: Path) -> None:
    source, out = tmp_path / "traffic", tmp_path / "flights.csv"
    source.write_bytes(content)
    said = convert(source, out)
    assert "1 aircraft" in said
    with out.open() as file:
        made = list(csv.DictReader(file))
    assert len(made) >= 20
    assert {(row["icao24"], row["callsign"]) for row in made} == {("4b1800", "TEST1")}
    for row, (t, latitude, longitude, height) in zip(made, rows(), strict=False):
        assert float(row["time_s"]) == pytest.approx(t - rows()[0][0], abs=0.002)
        assert (float(row["latitude_deg"]), float(row["longitude_deg"])) == pytest.approx(
            (latitude, longitude), abs=1e-6
        )
        assert float(row["altitude_m"]) == pytest.approx(height, abs=0.1)
    assert judge_file(out) == ((), ())


def test_parquet_units_and_headings_of_others_are_understood(tmp_path: Path) -> None:
    source, out = tmp_path / "traffic.parquet", tmp_path / "flights.csv"
    pl.DataFrame(traffic()).with_columns(pl.from_epoch("timestamp", time_unit="ms")).write_parquet(source)
    assert "30 positions" in convert(source, out)
    source.write_text(
        'Timestamp,UTC,Callsign,Position,Altitude,Speed,Direction\n1600000000,2020-09-13T12:26:40Z,TEST1,"47.5,8.5",5000,0,0\n'
    )
    convert(source, out)
    assert out.read_text().splitlines()[1].endswith("47.5000000,8.5000000,1524.0")
    convert(source, out, "m")
    assert out.read_text().splitlines()[1].endswith("5000.0")
    with pytest.raises(UsageError, match="ft or m"):
        convert(source, out, "furlong")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty|no position"),
        (b"a,b\n1,2\n", "no position"),
        (b"{}", "no position"),
        (b"[1, 2]", "no position"),
        (b"<html>", "HTML"),
        (b"PK\x03\x04", "ZIP"),
        (b"PAR1junkPAR1", "damaged Parquet"),
        (b'{"states": [[1]]}', "no position"),
        (b'{"trace": [[1, null, "x", 4], 7]}', "no position"),
    ],
)
def test_what_holds_no_traffic_is_told_so(content: bytes, word: str, tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(TableError, match=word):
        convert(tmp_path / "t", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_whatever_the_values_nothing_ends_in_a_traceback(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    odd = [None, True, "", "ground", -1, 1e400, math.nan, "x" * 50, [], {}, 10**40, "2020-13-40", "~2b1234", 0]
    for _ in range(300):
        row = {
            name: odd[chance.integers(len(odd))] if chance.random() < 0.5 else value
            for name, value in traffic()[0].items()
        }
        document = [
            row,
            {"aircraft": [row, 7]},
            {"trace": [list(row.values())], "timestamp": row["timestamp"]},
            {"states": [list(row.values()) * 2]},
        ][chance.integers(4)]
        (tmp_path / "t").write_text(json.dumps(document))
        with suppress(TableError):
            convert(tmp_path / "t", tmp_path / "out.csv")
