"""Exports open in other programs' readers, and say there what the record says."""

from __future__ import annotations

import json
import math

import numpy as np
import polars as pl
import pytest
from test_console import SITE, Play, a_record

from skywarden.errors import UsageError
from skywarden.kernels.geometry.earth import to_site
from skywarden.record.reader import Record
from skywarden.review import export

ROUNDS, AIRCRAFT, OTHERS = 12, 4, 2


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return a_record(tmp_path_factory.mktemp("export"))


def flown(record, number):
    """Times and places of a track, from the record's own pictures."""
    t, places = [], []
    with Record(record) as opened:
        for moment in opened.moments():
            for row in np.flatnonzero(moment.picture.tracks.number == number):
                t.append(moment.frame.t)
                places.append(moment.picture.tracks.state[row, :3])
    return np.array(t), np.array(places)


def back(places):
    """Longitude, latitude [deg], height to the site frame."""
    lon, lat, height = np.asarray(places, float).T
    o = SITE.origin
    return to_site(o.latitude, o.longitude, o.elevation, np.radians(lat), np.radians(lon), height)


def warned_zones():
    play, zones = Play(SITE, drill=False), set()
    for i in range(80):
        zones |= set(play.moment(0.5 * i).picture.warnings.zone.tolist())
    return {SITE.zones[zone].name for zone in zones}


@pytest.mark.parametrize("form", ["geojson", "kml"])
def test_gdal_reads_tracks_zones_impacts_and_warnings(record, tmp_path, form):
    pyogrio = pytest.importorskip("pyogrio", reason="pyogrio, which carries GDAL, is not installed")
    import shapely
    from pyogrio.raw import read

    path = tmp_path / f"night.{form}"
    export.write(record, form, path)
    found = {}
    if form == "kml":
        for layer, _ in pyogrio.list_layers(path):
            meta, _, shapes, columns = read(path, layer=layer)
            found[layer] = dict(zip(columns[list(meta["fields"]).index("Name")], shapely.from_wkb(shapes),
                strict=False))
    else:
        meta, _, shapes, columns = read(path)
        fields = dict(zip(meta["fields"], columns, strict=True))
        for what, name, shape in zip(fields["what"], fields["name"], shapely.from_wkb(shapes), strict=True):
            found.setdefault(f"{what}s", {})[name] = shape
        assert not fields["simulation"].any()
    assert len(found["tracks"]) == ROUNDS + AIRCRAFT + OTHERS
    assert found["zones"].keys() == {zone.name for zone in SITE.zones}
    assert found["warnings"].keys() == warned_zones()
    assert len(found["impacts"]) == ROUNDS
    line = shapely.get_coordinates(found["tracks"]["track 3"], include_z=True)
    _, places = flown(record, 3)
    twenty_centimetres = 0.2
    assert np.abs(back(line) - places).max() < twenty_centimetres
    zone = shapely.get_coordinates(found["zones"][SITE.zones[1].name])
    assert np.abs(back(np.column_stack([zone, np.full(len(zone), SITE.origin.elevation)]))[:-1,
        :2] - SITE.zones[1].polygon).max() < 1.0


def test_a_czml_reader_reads_it(record, tmp_path):
    czml3 = pytest.importorskip("czml3", reason="czml3 is not installed")
    path = tmp_path / "night.czml"
    export.write(record, "czml", path)
    packets = json.loads(path.read_text())
    document = czml3.Document(packets=[czml3.Packet(**packet) for packet in packets])
    assert len(document.packets) == 1 + len(SITE.zones) + (ROUNDS + AIRCRAFT + OTHERS) + ROUNDS
    packet = next(packet for packet in packets if packet["id"] == "track 3")
    samples = np.array(packet["position"]["cartographicDegrees"]).reshape(-1, 4)
    t, places = flown(record, 3)
    np.testing.assert_allclose(samples[:, 0], t)
    assert np.abs(back(samples[:, 1:]) - places).max() < 0.2
    lit = [packet["name"] for packet in packets if "polygon" in packet
        and len(packet["polygon"]["material"]["solidColor"]["color"]) > 1]
    assert set(lit) == warned_zones()


def test_polars_reads_the_tables(record, tmp_path):
    export.write(record, "parquet", tmp_path / "night")
    tracks, impacts, warnings = (pl.read_parquet(tmp_path / "night" / f"{name}.parquet") for name in ("tracks",
        "impacts", "warnings"))
    assert tracks["track"].n_unique() == ROUNDS + AIRCRAFT + OTHERS
    one = tracks.filter(pl.col("track") == 3)
    t, places = flown(record, 3)
    np.testing.assert_allclose(one["t_s"].to_numpy(), t)
    assert np.abs(back(one.select("longitude_deg", "latitude_deg", "altitude_m").to_numpy()) - places).max() < 0.2
    assert str(one["utc"][0]).startswith("2021-08-30 00:00:")
    assert len(impacts) == ROUNDS
    assert set(warnings["zone"]) == warned_zones()
    assert not warnings["simulation"].any()


def test_an_mcap_reader_reads_it(record, tmp_path):
    reader = pytest.importorskip("mcap.reader", reason="mcap is not installed")
    path = tmp_path / "night.mcap"
    export.write(record, "mcap", path)
    seen: dict[str, int] = {}
    with path.open("rb") as file:
        for _, channel, message in reader.make_reader(file).iter_messages():
            said = json.loads(message.data)
            seen[channel.topic] = seen.get(channel.topic, 0) + 1
            assert message.log_time == 1_630_281_600 * 10**9 + round(said["t"] * 1e9)
    assert seen == {"/tracks": 80, "/impacts": 80, "/warnings": 80}


def test_an_unknown_form_is_a_sentence(record, tmp_path):
    with pytest.raises(UsageError, match="geojson, kml, czml, parquet, mcap"):
        export.write(record, "docx", tmp_path / "x")


def test_nothing_of_truth_or_drill_is_exported(record, tmp_path):
    path = tmp_path / "night.geojson"
    export.write(record, "geojson", path)
    text = path.read_text().lower()
    assert not any(word in text for word in ("launch", "order", "clearance", "truth"))
    assert math.isfinite(sum(p for f in json.loads(path.read_text())["features"] if f["geometry"]["type"] == "Point"
        for p in f["geometry"]["coordinates"]))
