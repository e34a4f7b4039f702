"""The `new-site` verb: a site's folder for an airport of the open list, its runways drawn,
everything else illustrative and marked so.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import MultiPoint

from skywarden.errors import UsageError
from skywarden.kernels.geometry.earth import to_earth, to_site
from skywarden.site.airports import Airport, Runway, find_airport
from skywarden.site.model import Array

ROUND = 400.0       # distance that the notional airfield zone reaches beyond the runways [m]
DIGITS = 6          # decimals of a degree written, about a decimetre

TOML = """\
# {name} ({icao}). Place, elevation and runways from OurAirports, public domain, as of 2022-10-11;
# everything else is illustrative: put yours in its place.
# What each key means: docs/guide/own-site.md. After every change: skywarden check {folder}
name = {key}
title = {title}
drag_laws = ["constant", "G1", "G7"]

[origin]                        # airport reference point
latitude_deg = {latitude:.5f}
longitude_deg = {longitude:.5f}
elevation_m = {elevation:.1f}

# [terrain]                     # hills hide low flight from the radar: name the tiles about the origin
# files = ["tiles"]             # a folder, or GeoTIFF, DTED or SRTM .hgt files

[weather]                       # believed until something better is known
wind_up_m = [0, 1000, 5000]
wind_east_mps = [0.0, 2.0, 6.0]
wind_north_mps = [0.0, 0.0, 0.0]
wind_sigma_mps = 4.0

[[radars]]                      # a generic counter-battery array: illustrative
name = "cram"
kind = "staring"
east_m = {east:.0f}
north_m = {north:.0f}
height_m = 12.0
revisit_s = 0.25
range_min_m = 300.0
range_max_m = 20000.0
elevation_min_deg = 0.7
elevation_max_deg = 85.0
range_sigma_m = 15.0
azimuth_sigma_mrad = 3.0
elevation_sigma_mrad = 3.0
range_rate_sigma_mps = 1.5
detection_probability = 0.9
false_alarms = 3.0

[[receivers]]                   # ADS-B
height_m = 20.0

[policy]                        # what the site's owners decide
warn_probability = 0.25
warn_margin_s = 4.0
all_clear_s = 30.0
hazard_radius_m = 40.0
"""


def new_site(asked: str, out: Path | None = None) -> tuple[Airport, Path]:
    """Write the folder of a site for an airport: `site.toml` and `zones.geojson`; returns the
    airport and the folder.

    asked  ICAO or IATA code, or a name
    out    folder to make; the code in small letters where there is none

    The folder is whole or not there. Raises UsageError where the airport is not known, the folder
    is there already or cannot be made.
    """
    airport = find_airport(asked)
    folder = out if out is not None else Path(airport.icao.lower())
    if folder.exists() or folder.is_symlink():
        raise UsageError(f"{folder} is there already: give another folder with --out, or move it away")
    try:
        with tempfile.TemporaryDirectory(dir=folder.absolute().parent, prefix=".new-site-") as made:
            (Path(made) / "site.toml").write_text(_toml(airport, folder), "utf-8")
            (Path(made) / "zones.geojson").write_text(_zones(airport), "utf-8")
            whole = Path(made) / "whole"
            whole.mkdir()
            for name in ("site.toml", "zones.geojson"):
                shutil.move(Path(made) / name, whole / name)
            os.rename(whole, folder)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror or error}; choose another folder with "
            "--out") from None
    return airport, folder


def _toml(airport: Airport, folder: Path) -> str:
    strip = _corners(airport, airport.runways[0])
    beside = strip.mean(axis=0) + _across(strip) * 250.0
    return TOML.format(
        name=airport.name, icao=airport.icao, folder=folder, key=json.dumps(airport.icao.lower()),
        title=json.dumps(airport.name, ensure_ascii=False),
        latitude=airport.latitude, longitude=airport.longitude, elevation=airport.elevation, east=beside[0],
        north=beside[1])


def _across(strip: Array) -> Array:
    """The unit vector (2,) from a runway's middle to its side."""
    side = strip[3] - strip[0]
    return np.asarray(side / np.hypot(*side))


def _corners(airport: Airport, runway: Runway) -> Array:
    """Corners (4, 2) of a runway in the site frame [m], from its ends and its width."""
    ends = np.radians([runway.first, runway.second])
    place = (math.radians(airport.latitude), math.radians(airport.longitude), airport.elevation)
    a, b = to_site(*place, ends[:, 0], ends[:, 1], airport.elevation)[:, :2]
    along = (b - a) / np.hypot(*(b - a))
    side = 0.5 * runway.width * np.array([along[1], -along[0]])
    return np.array([a - side, b - side, b + side, a + side])


def _zones(airport: Airport) -> str:
    """The runways, and a notional zone about them, as GeoJSON."""
    strips = [_corners(airport, runway) for runway in airport.runways]
    about = MultiPoint(np.concatenate(strips)).convex_hull.buffer(ROUND, join_style="mitre", mitre_limit=2.0)
    features = [
        _feature(airport, strip, {"name": f"runway {runway.name}", "kind": "runway", "people": 0, "shelter_s": 0,
            "warn": "no",
                                  "note": "Runway ends and width from OurAirports, public domain."})
        for strip, runway in zip(strips, airport.runways, strict=True)]
    features.append(_feature(airport, np.asarray(about.exterior.coords)[:-1], {
        "name": "airfield", "kind": "alert-zone", "people": 100, "shelter_s": 8, "warn": "yes",
        "note": "Notional: draw the real zones in its place."}))
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in features)
    name = json.dumps(f"{airport.name} ({airport.icao}), runways from OurAirports, the rest notional",
        ensure_ascii=False)
    return f'{{\n"type": "FeatureCollection",\n"name": {name},\n"features": [\n{lines}\n]\n}}\n'


def _feature(airport: Airport, corners: Array, properties: dict[str, Any]) -> dict[str, Any]:
    place = (math.radians(airport.latitude), math.radians(airport.longitude), airport.elevation)
    latitude, longitude, _ = to_earth(*place, np.column_stack([corners, np.zeros(len(corners))]))
    ring = [[round(math.degrees(x), DIGITS), round(math.degrees(y), DIGITS)] for x, y in zip(longitude, latitude,
        strict=True)]
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon",
        "coordinates": [[*ring, ring[0]]]}}
