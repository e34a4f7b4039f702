"""Zones from GeoJSON, as any editor writes it: WGS-84 polygons in, checked, site-frame polygons out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from shapely.geometry import Polygon
from shapely.validation import explain_validity

from skywarden.errors import Fault
from skywarden.files.toml import as_text
from skywarden.kernels.geometry.earth import to_site
from skywarden.site.model import Origin, Zone

KINDS = ("runway", "apron", "building", "housing", "fuel", "alert-zone")
FARTHEST = 50_000.0         # m from the origin; a zone beyond is a slip of the pen
MOST_CORNERS = 5000


def read_zones(name: str, content: bytes, origin: Origin, faults: list[Fault]) -> tuple[Zone, ...]:
    """Every zone of a GeoJSON FeatureCollection; faults are added to `faults`."""
    text = as_text(name, content, faults, "json", utf8_only=True)
    if text is None:
        return ()
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:       # ValueError: besides bad JSON, a number of thousands of digits
        faults.append(Fault(name, getattr(error, "lineno", 1), f"is not valid JSON: {error}", "Export it again as GeoJSON, or mend the line."))
        return ()
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list) or data.get("type") != "FeatureCollection":
        faults.append(Fault(name, 1, "is not a GeoJSON FeatureCollection", 'It must be {"type": "FeatureCollection", "features": [ … ]}.'))
        return ()
    zones: list[Zone] = []
    lines = _feature_lines(text, len(features))
    for line, feature in zip(lines, features, strict=True):
        zones.extend(_zones(name, line, feature, origin, faults))
    seen: dict[str, int] = {}
    for zone in zones:
        seen[zone.name] = seen.get(zone.name, 0) + 1
    for zone_name, count in seen.items():
        if count > 1:
            spots = [line for line, feature in zip(lines, features, strict=True) if _name(feature) == zone_name]
            faults.append(Fault(name, spots[-1] if spots else 1, f'the name "{zone_name}" is used {count} times', "Give each zone its own name."))
    return tuple(zones)


def _name(feature: Any) -> Any:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return properties.get("name") if isinstance(properties, dict) else None


def _feature_lines(text: str, count: int) -> list[int]:
    """Line on which each feature starts, found by decoding one after the other."""
    opening = re.search(r'"features"\s*:\s*\[', text)
    lines, decoder = [], json.JSONDecoder()
    at = opening.end() if opening else 0
    for _ in range(count):
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        lines.append(text.count("\n", 0, at) + 1)
        try:
            _, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            break
    return lines + [lines[-1] if lines else 1] * (count - len(lines))


def _zones(file: str, line: int, feature: Any, origin: Origin, faults: list[Fault]) -> Iterator[Zone]:
    def fault(what: str, do: str) -> None:
        faults.append(Fault(file, line, what, do))

    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        fault("is not a GeoJSON Feature", 'Each entry of "features" must be {"type": "Feature", …}.')
        return
    properties = feature.get("properties")
    # an attribute left blank in an editor is written as null: the same as none
    properties = {key: value for key, value in properties.items() if value is not None} if isinstance(properties, dict) else {}
    name = properties.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > 100:
        fault(f'zone without a usable "name": {name!r}', 'Add a property "name", a short text.')
        name = "?"
    kind = properties.get("kind")
    if kind not in KINDS:
        fault(f'zone "{name}": kind is {kind!r}', f"Use one of: {', '.join(KINDS)}.")
        kind = KINDS[-1]
    people = _number(properties.get("people", 0), 0.0, 1e7)
    if people is None:
        fault(f'zone "{name}": people is {properties.get("people")!r}', "Write how many people are usually there, 0 or more.")
    shelter = _number(properties.get("shelter_s", 10.0), 0.0, 3600.0)
    if shelter is None:
        fault(f'zone "{name}": shelter_s is {properties.get("shelter_s")!r}', "Write the seconds people need to reach shelter, 0 to 3600.")
    warn = _yes(properties.get("warn", "yes"))
    if warn is None:
        fault(f'zone "{name}": warn is {properties.get("warn")!r}', "Write yes or no.")
    rings = list(_rings(feature.get("geometry"), name, fault))
    for k, ring in enumerate(rings):
        polygon = _polygon(ring, name, origin, fault)
        if polygon is not None:
            part = name if len(rings) == 1 else f"{name} {k + 1}"
            yield Zone(part, kind, people or 0.0, shelter if shelter is not None else 10.0, bool(warn), polygon)


def _rings(geometry: Any, name: str, fault: Any) -> Iterator[Any]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    corners = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if kind == "Polygon" and isinstance(corners, list):
        polygons = [corners]
    elif kind == "MultiPolygon" and isinstance(corners, list):
        polygons = corners      # each part becomes a zone of its own, numbered
    else:
        fault(f'zone "{name}": its geometry is {kind or "missing"}', "Draw it as a polygon (a line or a point has no area to protect).")
        return
    for rings in polygons:
        if not isinstance(rings, list) or not rings:
            fault(f'zone "{name}": the polygon has no ring', "Draw it again.")
        elif len(rings) > 1:
            fault(f'zone "{name}": the polygon has a hole', "Split it into polygons without holes: a warning cannot leave out a hole.")
        else:
            yield rings[0]


def _polygon(ring: Any, name: str, origin: Origin, fault: Any) -> np.ndarray[Any, Any] | None:
    try:
        corners = np.array([[float(c[0]), float(c[1])] for c in ring], np.float64)
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        fault(f'zone "{name}": a corner is not [longitude, latitude]', "Each corner is a list of two numbers, degrees.")
        return None
    if len(corners) > 1 and (corners[0] == corners[-1]).all():
        corners = corners[:-1]
    if not 3 <= len(corners) <= MOST_CORNERS:
        fault(f'zone "{name}": polygon has {len(corners)} corners, needs at least 3 and at most {MOST_CORNERS}',
              "Add corners, or delete the zone." if len(corners) < 3 else "Simplify the outline (in QGIS: Vector, Geometry Tools, Simplify).")
        return None
    if not np.isfinite(corners).all() or np.abs(corners).max() > 180.0:
        fault(f'zone "{name}": a corner is not a longitude and latitude in degrees', "Export in WGS-84 (EPSG:4326), not in a projected system.")
        return None
    if not math.isfinite(origin.latitude + origin.longitude):      # an origin with faults of its own: only the shape can be judged
        origin = Origin(math.radians(float(np.clip(corners[0, 1], -89.0, 89.0))), math.radians(float(corners[0, 0])), 0.0)
    straight, swapped = _to_site(corners, origin), _to_site(corners[:, ::-1], origin)
    if straight is None or np.abs(straight).max() > FARTHEST:
        if swapped is not None and np.abs(swapped).max() <= FARTHEST:
            fault(f'zone "{name}": latitude and longitude are swapped', "GeoJSON wants [longitude, latitude]; swap them, or the site's origin.")
        else:
            fault(f'zone "{name}": lies more than {FARTHEST / 1000:.0f} km from the site\'s origin', "Check the coordinates and the site's origin.")
        return None
    shape = Polygon(straight)
    if not shape.is_valid:
        fault(f'zone "{name}": {explain_validity(shape).split("[")[0].strip().lower()} (the outline crosses or touches itself)', "Redraw it without crossing.")
        return None
    if shape.area < 1.0:
        fault(f'zone "{name}": its area is {shape.area:.2f} m²', "Draw it larger, or delete it.")
        return None
    return np.ascontiguousarray(straight if shape.exterior.is_ccw else straight[::-1])


def _to_site(corners: np.ndarray[Any, Any], origin: Origin) -> np.ndarray[Any, Any] | None:
    longitude, latitude = np.radians(corners[:, 0]), np.radians(corners[:, 1])
    if np.abs(latitude).max() > math.pi / 2:
        return None
    place = to_site(origin.latitude, origin.longitude, origin.elevation, latitude, longitude, origin.elevation)[:, :2]
    return place if np.isfinite(place).all() else None


def _number(value: Any, low: float, high: float) -> float | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and low <= number <= high else None


def _yes(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"yes": True, "true": True, "no": False, "false": False}.get(value.strip().lower())
    return {0: False, 1: True}.get(value) if isinstance(value, int) else None
