"""The door for programs: runs, watching one's own arrays, records as tables, and the examples that show them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from skywarden import api

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example(name):
    found = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    path = tmp_path_factory.mktemp("api") / "run.rec"
    result = api.run("mortar-raid", seed=3, duration=36.0, record=path)
    assert result.figures["rounds"] >= 1
    return path


def test_a_record_is_tables(record):
    tracks, impacts = api.table(record, "tracks"), api.table(record, "impacts")
    assert {"t", "track", "east", "north", "up", "east_rate", "projectile", "aircraft", "other"} <= set(
        tracks.columns
    )
    assert tracks["t"].is_sorted()
    assert set(impacts["track"]) <= set(tracks["track"])
    assert api.table(record, "warnings").columns == ["t", "zone", "since", "probability", "t_impact"]
    pandas = pytest.importorskip("pandas")
    assert len(pandas.DataFrame(tracks.to_dict(as_series=False))) == tracks.height
    with pytest.raises(ValueError, match="no table"):
        api.table(record, "orders")


def test_what_is_handed_in_wrongly_is_told():
    watcher = api.Watcher(api.site("kabul"))
    watcher.step(1.0)
    for wrong, says in (
        ({"t": 0.5}, "come after"),
        ({"t": 2.0, "range": [1.0, 2.0], "azimuth": [1.0]}, "shape"),
        ({"t": 2.0, "range": [np.nan], "azimuth": [1.0]}, "finite"),
        ({"t": 2.0, "range": [1.0], "azimuth": [1.0], "radar": 9}, "the site has 2"),
    ):
        with pytest.raises(ValueError, match=says):
            watcher.step(**wrong)


def test_many_runs_are_a_table():
    rows = api.many("mortar-raid", [1, 2], duration=4.0)
    assert rows["seed"].to_list() == [1, 2]
    assert "unwarned" in rows.columns


def test_what_is_seen_around_a_zone_is_a_share():
    found = api.covered(api.site("kabul"))
    assert set(found) == {zone.name for zone in api.site("kabul").zones}
    assert all(0.5 < share <= 1.0 for share in found.values())
    assert max(api.covered(api.site("kabul"), height=0.0).values()) < min(found.values())


def test_is_my_airport_covered(capsys):
    example("is_my_airport_covered").main("kabul", "kabul-2021-08-30", 2, 20.0)
    said = capsys.readouterr().out
    assert "of the ground within 3 km" in said
    assert "over 2 raids, seeds 1 to 2" in said


def test_ones_own_detections_are_watched(capsys):
    assert example("my_own_detections").main() > 0
    assert "falls at" in capsys.readouterr().out


def test_a_record_is_read_and_drawn(record, tmp_path, capsys):
    example("read_a_record").main("mortar-raid", str(record), str(tmp_path / "run.png"))
    assert (tmp_path / "run.png").stat().st_size > 10_000
    assert "track" in capsys.readouterr().out
