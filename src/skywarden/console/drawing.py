"""Zones drawn on the map: checked exactly as the site's own files are, and written back into them. They count from the next run on."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skywarden.errors import SiteError
from skywarden.geometry.earth import to_earth
from skywarden.site.load import ZONES, from_sources
from skywarden.site.model import Site

DEGREES = 7             # decimals written, about a centimetre
MOST_ZONES, MOST_CORNERS = 500, 500


def geojson(site: Site, zones: Sequence[Any]) -> bytes:
    """The zones of a request, polygons in the site frame [m], as the site's GeoJSON; notes of zones that keep their name stay.

    Raises ValueError with a sentence where a request is not even of the right shape; everything else is for `faults` to find.
    """
    if not zones or len(zones) > MOST_ZONES:
        raise ValueError(f"There are {len(zones)} zones; a site has from 1 to {MOST_ZONES}.")
    before = _properties(site)
    features = []
    for zone in zones:
        if not isinstance(zone, dict):
            raise ValueError("A zone is an object with name, kind, people, shelter, warn and polygon.")
        name = zone.get("name")
        properties = {
            **before.get(str(name), {}), "name": name, "kind": zone.get("kind"), "people": zone.get("people"), "shelter_s": zone.get("shelter"),
            "warn": "yes" if zone.get("warn") is True else "no",
        }
        features.append({"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [_ring(site, name, zone)]}})
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False, allow_nan=False) for feature in features)
    title = json.dumps(_whole(site).get("name", site.title), ensure_ascii=False)
    return f'{{\n"type": "FeatureCollection",\n"name": {title},\n"features": [\n{lines}\n]\n}}\n'.encode()


def faults(site: Site, content: bytes) -> list[str]:
    """Everything wrong with the site if its zones were these, in sentences; empty where it is good."""
    try:
        from_sources({**site.sources, ZONES: content}, site.name)
    except SiteError as error:
        return [f"{fault.what}. {fault.do}" for fault in error.faults]
    return []


def save(folder: Path, content: bytes) -> None:
    """Put the zones in the place of the site's own, at once or not at all. Raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{ZONES}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, folder / ZONES)
    except OSError:
        os.unlink(temporary)
        raise


def _ring(site: Site, name: Any, zone: dict[str, Any]) -> list[list[float]]:
    """A polygon of the request as a closed GeoJSON ring, longitude first [deg]."""
    corners = zone.get("polygon")
    pairs = corners if isinstance(corners, list) else []
    good = len(pairs) <= MOST_CORNERS and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x) for x in pair)
        for pair in pairs
    )
    if not pairs or not good:
        raise ValueError(f'Zone "{name}": write each corner as east, north in metres, up to {MOST_CORNERS} of them.')
    ground = np.array([[*pair, 0.0] for pair in [*pairs, pairs[0]]], np.float64)
    origin = site.origin
    latitude, longitude, _ = to_earth(origin.latitude, origin.longitude, origin.elevation, ground)
    return [[round(math.degrees(x), DEGREES), round(math.degrees(y), DEGREES)] for x, y in zip(longitude, latitude, strict=True)]


def _whole(site: Site) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(site.sources.get(ZONES, b"{}"))
    return data


def _properties(site: Site) -> dict[str, dict[str, Any]]:
    """What the site's file says of each zone, by name."""
    return {str(feature["properties"].get("name")): feature["properties"] for feature in _whole(site).get("features", [])}
