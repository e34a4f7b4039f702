"""Zones as other programs write them: read for what they mean, or refused by name; never taken for something else."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import numpy as np
import pytest

from skywarden.errors import Fault
from skywarden.site.model import Origin, Zone
from skywarden.site.zones import read_zones

ORIGIN = Origin(math.radians(10.0), math.radians(20.0), 100.0)
PROPERTIES = {"name": "hall", "kind": "building", "people": 5, "shelter_s": 6, "warn": "yes"}


def square(longitude: float = 20.0, latitude: float = 10.0, size: float = 0.001) -> list[list[float]]:
    w, s = longitude, latitude
    return [[w, s], [w + size, s], [w + size, s + size], [w, s + size], [w, s]]


def collection(geometry: Any = None, properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    geometry = geometry or {"type": "Polygon", "coordinates": [square()]}
    return {
        "type": "FeatureCollection",
        **more,
        "features": [{"type": "Feature", "properties": properties or PROPERTIES, "geometry": geometry}],
    }


def told(data: Any, origin: Origin = ORIGIN) -> tuple[tuple[Zone, ...], list[Fault]]:
    faults: list[Fault] = []
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    return read_zones("zones.geojson", content, origin, faults), faults


def named(name: Any) -> dict[str, Any]:
    return {"type": "name", "properties": {"name": name}}


@pytest.mark.parametrize(
    "crs",
    [
        None,
        named("urn:ogc:def:crs:OGC:1.3:CRS84"),
        named("urn:ogc:def:crs:EPSG::4326"),
        named("EPSG:4326"),
        named("urn:ogc:def:crs:EPSG:6.9:4326"),
        named("http://www.opengis.net/def/crs/OGC/1.3/CRS84"),
        named("http://www.opengis.net/def/crs/EPSG/0/4326"),
        named("urn:ogc:def:crs:OGC::CRS84h"),
        {"type": "EPSG", "properties": {"code": 4326}},
    ],
)
def test_wgs_84_is_read_however_it_is_called(crs: Any) -> None:
    zones, faults = told(collection(crs=crs))
    assert not faults
    assert len(zones) == 1


@pytest.mark.parametrize(
    ("crs", "word"),
    [
        (named("urn:ogc:def:crs:EPSG::4255"), "Herat North (EPSG:4255)"),
        (named("EPSG:4284"), "Pulkovo 1942"),
        (named("urn:ogc:def:crs:EPSG::3857"), "Mercator"),
        (named("urn:ogc:def:crs:OGC:1.3:CRS83"), "CRS83"),
        (named("EPSG:999999"), "unknown"),
        ({"type": "EPSG", "properties": {"code": 4267}}, "NAD27"),
        ({"type": "link", "properties": {"href": "http://127.0.0.1:9/crs", "type": "proj4"}}, "not named"),
        ("EPSG:32642", "UTM zone 42N"),
        (named("+proj=utm"), "utm"),
        (7.5, "not named"),
    ],
)
def test_another_system_is_refused_by_name_wherever_it_stands(crs: Any, word: str) -> None:
    for place in ("collection", "feature", "geometry"):
        data = collection()
        feature = data["features"][0]
        {"collection": data, "feature": feature, "geometry": feature["geometry"]}[place]["crs"] = crs
        zones, faults = told(data)
        assert not zones
        assert word in faults[0].what
        assert len(faults) == 1


@pytest.mark.parametrize("turns", [-360.0, 360.0])
def test_a_longitude_counted_on_over_the_date_line_means_the_same_place(turns: float) -> None:
    west = Origin(ORIGIN.latitude, math.radians(-179.9995), ORIGIN.elevation)
    for origin, longitude in ((ORIGIN, 20.0), (west, -179.9995), (west, -180.0005)):
        (here,), none = told(collection({"type": "Polygon", "coordinates": [square(longitude)]}), origin)
        turned = longitude + turns
        if abs(turned) < 359.0:
            (there,), some = told(collection({"type": "Polygon", "coordinates": [square(turned)]}), origin)
            assert not none
            assert not some
            assert np.abs(here.polygon - there.polygon).max() < 1e-6
        assert np.abs(here.polygon).max() < 200.0


def test_degrees_beyond_a_turn_are_no_longitudes() -> None:
    ring = [[519_000, 1_100_000], [519_100, 1_100_000], [519_100, 1_100_100], [519_000, 1_100_000]]
    _, (fault,) = told(collection({"type": "Polygon", "coordinates": [ring]}))
    assert "projected system" in fault.do


def test_collections_are_read_as_their_polygons_however_deep_and_refused_where_they_hold_others() -> None:
    one, two, three = ({"type": "Polygon", "coordinates": [square(20.0 + 0.01 * k)]} for k in range(3))
    inner = {
        "type": "GeometryCollection",
        "geometries": [two, {"type": "MultiPolygon", "coordinates": [three["coordinates"]]}],
    }
    zones, faults = told(collection({"type": "GeometryCollection", "geometries": [one, inner]}))
    assert not faults
    assert [zone.name for zone in zones] == ["hall 1", "hall 2", "hall 3"]
    zones, faults = told(collection({"type": "GeometryCollection", "geometries": [one]}))
    assert [zone.name for zone in zones] == ["hall"]
    for others in ([], [one, {"type": "Point", "coordinates": [20.0, 10.0]}], [{"type": "GeometryCollection"}]):
        zones, (fault,) = told(collection({"type": "GeometryCollection", "geometries": others}))
        assert not zones
        assert "collection" in fault.what
        assert "split" in fault.do
    deep: Any = one
    for _ in range(200):
        deep = {"type": "GeometryCollection", "geometries": [deep]}
    assert told(collection(deep))[1]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"name": 7}, {"name": "7"}),
        ({"name": 7.0}, {"name": "7"}),
        ({"name": 7.5}, {"name": "7.5"}),
        ({"warn": "1"}, {"warn": True}),
        ({"warn": 0.0}, {"warn": False}),
        ({"warn": "N"}, {"warn": False}),
        ({"warn": " TRUE "}, {"warn": True}),
        ({"people": "1 200"}, {"people": 1200.0}),
        ({"people": "12\u00a0345.0"}, {"people": 12345.0}),
        ({"people": "120"}, {"people": 120.0}),
        ({"shelter_s": None}, {"shelter_s": 10.0}),
    ],
)
def test_attributes_are_read_as_editors_write_them(written: dict[str, Any], read: dict[str, Any]) -> None:
    (zone,), faults = told(collection(properties={**PROPERTIES, **written}))
    assert not faults
    assert {key: getattr(zone, key) for key in read} == read


@pytest.mark.parametrize(
    ("properties", "do"),
    [
        ({"Name": "hall", "kind": "building"}, '"name"'),
        ({"NAME": "hall", "kind": "building"}, '"name"'),
        ({"name": "hall", "Kind": "building"}, '"kind"'),
        ({**PROPERTIES, "People": 40, "people": None}, '"people"'),
        ({"name": "hall", "kind": "building", "shelter": 5}, '"shelter_s"'),
        ({"name": "hall", "kind": "Building"}, '"building"'),
        ({"name": "hall", "kind": "aprons"}, '"apron"'),
    ],
)
def test_an_attribute_that_is_nearly_ours_is_not_passed_over(properties: dict[str, Any], do: str) -> None:
    _, (fault,) = told(collection(properties=properties))
    assert fault.do.startswith(f"Did you mean {do}?")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b'{"type": "Feature"}\n{"type": "Feature"}\n', "by lines"),
        (b'\x1e{"type": "Feature"}\n', "by lines"),
        (b"[]", "JSON list"),
        (b"[1,2]", "JSON list"),
        (json.dumps(collection()["features"][0]).encode(), "a Feature,"),
        (b'{"type": "Topology"}', "a Topology"),
        (b"<kml/>", "XML"),
        (b"PK\x03\x04....", "ZIP"),
        (json.dumps(collection()).encode("utf-16"), "UTF-16"),
        (b'{"type": "FeatureCollection"}', "something else"),
        (b"7", "something else"),
    ],
)
def test_what_is_no_collection_of_features_is_named(content: bytes, word: str) -> None:
    zones, faults = told(content)
    assert not zones
    assert word in faults[0].what


def test_a_million_corners_and_ten_thousand_zones_are_refused_within_seconds() -> None:
    head, tail = json.dumps(collection(geometry="HERE")).encode().split(b'"HERE"')
    ring = b'{"type": "Polygon", "coordinates": [[' + b"[20,10]," * 1_000_000 + b"[20,10]]]}"
    parts = b'{"type": "MultiPolygon", "coordinates": [' + b",".join([json.dumps([square()]).encode()] * 10_000) + b"]}"
    many = json.dumps({**collection(), "features": collection()["features"] * 10_000}).encode()
    for content, word in (
        (head + ring + tail, "1,000,001 corners"),
        (head + parts + tail, "2000 zones"),
        (many, "10,000 features"),
    ):
        begun = time.process_time()
        _, (fault,) = told(content)
        assert word in fault.what
        assert time.process_time() - begun < 10.0
