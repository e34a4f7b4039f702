"""Zones from GeoJSON, as any editor writes it: WGS-84 polygons in, checked, site-frame polygons
out.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from pyproj import CRS
from pyproj.exceptions import CRSError
from shapely.geometry import Polygon
from shapely.validation import explain_validity

from skywarden.errors import Fault
from skywarden.files.first_look import HEAD, JSON_LINES, look
from skywarden.files.text import as_text
from skywarden.kernels.geometry.earth import to_site
from skywarden.site.model import Origin, Zone

KINDS = ("runway", "apron", "building", "housing", "fuel", "alert-zone")
ATTRIBUTES = ("name", "kind", "people", "shelter_s", "warn", "ambient_db")
FARTHEST = 50_000.0         # distance from the origin [m]; a zone beyond is a slip of the pen
MOST_CORNERS = 5000         # corners of one zone
MOST_ZONES = 2000           # zones of one site
DEEPEST = 10                # geometry collections inside one another
NEARLY = 0.8                # likeness from which another attribute's name is taken for a misspelt one of ours
WGS_84 = frozenset({4326, 4979})        # EPSG codes of WGS-84 itself, flat and with heights above the ellipsoid
_YES = {**dict.fromkeys(("yes", "true", "y", "t", "1", "on"), True), **dict.fromkeys(("no", "false", "n", "f", "0",
    "off"), False)}
_GROUPED = re.compile(r"\d{1,3}(?:[ '\u00a0\u2009\u202f]\d{3})+(?:\.\d*)?")
_EPSG = re.compile(r"EPSG(?::[\d.]*:|/[\d.]+/|:|\.xml#)(\d{1,6})$", re.IGNORECASE)
_LONGITUDE_FIRST = re.compile(r"(?:^|[:/])(?:CRS84h?|WGS ?84)$", re.IGNORECASE)

Told = Callable[[str, str], None]       # a fault of one feature: what is wrong, and what to do


def read_zones(name: str, content: bytes, origin: Origin, faults: list[Fault]) -> tuple[Zone, ...]:
    """Every zone of a GeoJSON FeatureCollection; faults are added to `faults`.

    name     name of the file, for faults
    content  the file's bytes
    origin   latitude, longitude and height of the site's origin
    """
    if look(content[:HEAD]).kind == JSON_LINES:
        faults.append(
            Fault(
                name,
                1,
                "is GeoJSON by lines (GeoJSONSeq), a feature a line",
                "Export it as GeoJSON, one FeatureCollection.",
            )
        )
        return ()
    text = as_text(name, content, faults, "json", utf8_only=True)
    if text is None:
        return ()
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: besides bad JSON, a number of thousands of digits
        faults.append(
            Fault(
                name,
                getattr(error, "lineno", 1),
                f"is not valid JSON: {error}",
                "Export it again as GeoJSON, or mend the line.",
            )
        )
        return ()
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list) or data.get("type") != "FeatureCollection":
        faults.append(
            Fault(
                name,
                1,
                f"is {_instead(data)}, not a GeoJSON FeatureCollection",
                'It must be {"type": "FeatureCollection", "features": [ … ]}.',
            )
        )
        return ()
    if len(features) > MOST_ZONES:
        faults.append(
            Fault(
                name,
                1,
                f"holds {len(features):,} features",
                f"A site has at most {MOST_ZONES} zones: keep those that are to be protected.",
            )
        )
        return ()
    if not _wgs84(data, lambda what, do: faults.append(Fault(name, _line_of(text, '"crs"'), what, do))):
        return ()
    return _all_zones(name, text, features, origin, faults)


def _all_zones(name: str, text: str, features: list[Any], origin: Origin, faults: list[Fault]) -> tuple[Zone, ...]:
    """The zones of a collection that may hold some, each of another name."""
    zones: list[Zone] = []
    lines = _feature_lines(text, len(features))
    count = 0
    for line, feature in zip(lines, features, strict=True):
        count += len(polygons_of(feature.get("geometry") if isinstance(feature, dict) else None) or ())
        if count > MOST_ZONES:
            faults.append(
                Fault(name, line, f"more than {MOST_ZONES} zones up to here", "Keep those that are to be protected.")
            )
            return ()
        zones.extend(_zones(name, line, feature, origin, faults))
    seen: dict[str, int] = {}
    for zone in zones:
        seen[zone.name] = seen.get(zone.name, 0) + 1
    last = {_name(feature): line for line, feature in zip(lines, features, strict=True)}
    for zone_name, count in seen.items():
        if count > 1:
            faults.append(
                Fault(
                    name,
                    last.get(zone_name, 1),
                    f'the name "{zone_name}" is used {count} times',
                    "Give each zone its own name.",
                )
            )
    return tuple(zones)


def _instead(data: Any) -> str:
    """What a JSON document is that is no collection of features."""
    if isinstance(data, list):
        return "a JSON list"
    kind = data.get("type") if isinstance(data, dict) else None
    return f"a {kind[:40]}" if isinstance(kind, str) and kind != "FeatureCollection" else "something else"


def _line_of(text: str, word: str) -> int:
    at = text.find(word)
    return text.count("\n", 0, at) + 1 if at >= 0 else 1


def _wgs84(thing: dict[str, Any], fault: Told) -> bool:
    """Whether the coordinates of a GeoJSON object are in WGS-84, as they are where it says nothing;
    another system is a fault that names it.

    `crs` is of the GeoJSON of 2008; the standard of today (RFC 7946) has WGS-84 alone, but programs
    go on writing it.
    """
    crs = thing.get("crs")
    if crs is None:
        return True
    properties = crs.get("properties") if isinstance(crs, dict) else None
    said = properties.get("name", properties.get("code")) if isinstance(properties, dict) else crs
    said = f"EPSG:{said}" if isinstance(said, int) and not isinstance(said, bool) else said
    if isinstance(said, str) and len(said) <= 300:
        code = _EPSG.search(said.strip())
        if _LONGITUDE_FIRST.search(said.strip()) or (code and int(code[1]) in WGS_84):
            return True
        try:
            called = f"{CRS.from_epsg(int(code[1])).name} (EPSG:{code[1]})" if code else f'"{said[:80]}"'
        except CRSError:
            called = f'"{said[:80]}", which is unknown here'
    else:
        called = "a system that is not named"
    fault(
        f"its coordinates are in {called}, not in WGS-84",
        "Export it in WGS-84 (EPSG:4326): taken as they are, the zones would lie elsewhere.",
    )
    return False


def _name(feature: Any) -> str | None:
    """The name of a feature as a text; editors write the name 7 as a number."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return _as_name(properties.get("name")) if isinstance(properties, dict) else None


def _as_name(value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
        value = str(int(value)) if float(value).is_integer() else str(value)
    return value if isinstance(value, str) and value.strip() and len(value) <= 100 else None


def _feature_lines(text: str, count: int) -> list[int]:
    """Line on which each feature starts, found by decoding one after the other."""
    opening = re.search(r'"features"\s*:\s*\[', text)
    lines, decoder = [], json.JSONDecoder()
    at = opening.end() if opening else 0
    counted, line = 0, 1
    for _ in range(count):
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        line, counted = line + text.count("\n", counted, at), at
        lines.append(line)
        try:
            _, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            break
    return lines + [lines[-1] if lines else 1] * (count - len(lines))


# of each number among a zone's attributes: the usual one, least, most, and what to do about a wrong one
LIMITS = {
    "people": (0.0, 0.0, 1e7, "Write how many people are usually there, 0 or more."),
    "shelter_s": (10.0, 0.0, 3600.0, "Write the seconds people need to reach shelter, 0 to 3600."),
    "ambient_db": (Zone.ambient_db, 20.0, 130.0,
        "Write the noise there in dB(A), 20 to 130: 45 a quiet housing area, 60 a street, 75 an apron."),
}


def _zones(file: str, line: int, feature: Any, origin: Origin, faults: list[Fault]) -> Iterator[Zone]:
    def fault(what: str, do: str) -> None:
        faults.append(Fault(file, line, what, do))

    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        fault("is not a GeoJSON Feature", 'Each entry of "features" must be {"type": "Feature", …}.')
        return
    if not _wgs84(feature, fault) or (
        isinstance(feature.get("geometry"), dict) and not _wgs84(feature["geometry"], fault)
    ):
        return
    properties = feature.get("properties")
    # an attribute left blank in an editor is written as null: the same as none
    properties = (
        {key: value for key, value in properties.items() if value is not None} if isinstance(properties, dict) else {}
    )
    name = _name_of(properties, fault)
    kind = _kind(properties, name, fault)
    numbers = {key: _attribute(key, properties, name, fault) for key in LIMITS}
    warn = _yes(properties.get("warn", "yes"))
    if warn is None:
        fault(f'zone "{name}": warn is {_short(properties.get("warn"))}', "Write yes or no.")
    rings = list(_rings(feature.get("geometry"), name, fault))
    for k, ring in enumerate(rings):
        polygon = _polygon(ring, name, origin, fault)
        if polygon is not None:
            part = name if len(rings) == 1 else f"{name} {k + 1}"
            yield Zone(
                part, kind, numbers["people"], numbers["shelter_s"], bool(warn), polygon, numbers["ambient_db"])


def _name_of(properties: dict[str, Any], fault: Callable[[str, str], None]) -> str:
    """The zone's name, "?" where it has none; attributes that are most likely misspelt are faults,
    too.
    """
    name = _as_name(properties.get("name"))
    if name is None and "name" in properties:
        fault(
            f'zone without a usable "name": {_short(properties["name"])}',
            'Write a property "name", a text of up to 100 characters.',
        )
    elif name is None and not _nearly("name", properties):
        fault('zone without a "name"', 'Add a property "name", a short text.')
    name = name if name is not None else "?"
    for key in ATTRIBUTES:
        if key not in properties and (near := _nearly(key, properties)):
            fault(f'zone "{name}": its attribute "{near}" is not read', f'Did you mean "{key}"? Name it so.')
    return name


def _kind(properties: dict[str, Any], name: str, fault: Callable[[str, str], None]) -> str:
    """The zone's kind; the last of KINDS where it has none that is known."""
    kind = properties.get("kind")
    if kind not in KINDS and ("kind" in properties or not _nearly("kind", properties)):
        meant = difflib.get_close_matches(str(kind).lower(), KINDS, 1)
        fault(
            f'zone "{name}": kind is {_short(kind)}' if kind is not None else f'zone "{name}": kind is missing',
            f'Did you mean "{meant[0]}"?' if meant else f"Use one of: {', '.join(KINDS)}.",
        )
    return kind if kind in KINDS else KINDS[-1]


def _attribute(key: str, properties: dict[str, Any], name: str, fault: Callable[[str, str], None]) -> float:
    """A number among the zone's attributes, as LIMITS has it; the usual one where it is missing or
    wrong.
    """
    usual, least, most, do = LIMITS[key]
    value = _number(properties.get(key, usual), least, most)
    if value is None:
        fault(f'zone "{name}": {key} is {_short(properties.get(key))}', do)
    return usual if value is None else value


def _nearly(key: str, properties: dict[str, Any]) -> str | None:
    """The attribute that is most likely meant by `key`, which is not there: another case, a letter
    more or less.
    """
    others = {str(other).strip().lower(): str(other) for other in properties if other not in ATTRIBUTES}
    near = difflib.get_close_matches(key, others, 1, NEARLY)
    return others[near[0]] if near else None


def polygons_of(geometry: Any, depth: int = 0) -> list[Any] | None:
    """The polygons of a geometry as GeoJSON coordinates, those of collections flattened in their
    order; None where it holds anything else.

    depth  how deep in collections the geometry stands
    """
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind == "GeometryCollection" and isinstance(geometry.get("geometries"), list) and depth < DEEPEST:
        parts = [polygons_of(part, depth + 1) for part in geometry["geometries"]]
        return None if any(part is None for part in parts) else [polygon for part in parts for polygon in part or ()]
    corners = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if kind == "Polygon" and isinstance(corners, list):
        return [corners]
    return corners if kind == "MultiPolygon" and isinstance(corners, list) else None


def _rings(geometry: Any, name: str, fault: Told) -> Iterator[Any]:
    """The outline of every polygon; each part of a multipolygon or a collection becomes a zone of
    its own, numbered.
    """
    polygons = polygons_of(geometry)
    if not polygons:
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        if kind == "GeometryCollection":
            fault(
                f'zone "{name}": its geometry is a collection that does not hold polygons alone',
                "Keep its polygons (in QGIS: Extract specific type), or split it into features.",
            )
        else:
            fault(
                f'zone "{name}": its geometry is {str(kind)[:60] if kind else "missing"}',
                "Draw it as a polygon (a line or a point has no area to protect).",
            )
        return
    for rings in polygons:
        if not isinstance(rings, list) or not rings:
            fault(f'zone "{name}": the polygon has no ring', "Draw it again.")
        elif len(rings) > 1:
            fault(
                f'zone "{name}": the polygon has a hole',
                "Split it into polygons without holes: a warning cannot leave out a hole.",
            )
        else:
            yield rings[0]


def _polygon(ring: Any, name: str, origin: Origin, fault: Told) -> np.ndarray[Any, Any] | None:
    if isinstance(ring, list) and len(ring) > MOST_CORNERS + 1:
        fault(
            f'zone "{name}": polygon has {len(ring):,} corners, at most {MOST_CORNERS}',
            "Simplify the outline (in QGIS: Vector, Geometry Tools, Simplify).",
        )
        return None
    try:
        corners = np.array([[float(c[0]), float(c[1])] for c in ring], np.float64)
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        fault(f'zone "{name}": a corner is not [longitude, latitude]', "Each corner is a list of two numbers, degrees.")
        return None
    if len(corners) > 1 and (corners[0] == corners[-1]).all():
        corners = corners[:-1]
    if len(corners) < 3:
        fault(
            f'zone "{name}": polygon has {len(corners)} corners, needs at least 3', "Add corners, or delete the zone."
        )
        return None
    if (
        not np.isfinite(corners).all() or np.abs(corners).max() > 360.0
    ):  # beyond 180 an editor went on over the date line: 180.002 is -179.998
        fault(
            f'zone "{name}": a corner is not a longitude and latitude in degrees',
            "Export in WGS-84 (EPSG:4326), not in a projected system.",
        )
        return None
    if not math.isfinite(
        origin.latitude + origin.longitude
    ):  # an origin with faults of its own: only the shape can be judged
        origin = Origin(
            math.radians(float(np.clip(corners[0, 1], -89.0, 89.0))), math.radians(float(corners[0, 0])), 0.0
        )
    straight, swapped = _to_site(corners, origin), _to_site(corners[:, ::-1], origin)
    if straight is None or np.abs(straight).max() > FARTHEST:
        if swapped is not None and np.abs(swapped).max() <= FARTHEST:
            fault(
                f'zone "{name}": latitude and longitude are swapped',
                "GeoJSON wants [longitude, latitude]; swap them, or the site's origin.",
            )
        else:
            fault(
                f'zone "{name}": lies more than {FARTHEST / 1000:.0f} km from the site\'s origin',
                "Check the coordinates and the site's origin.",
            )
        return None
    shape = Polygon(straight)
    if not shape.is_valid:
        fault(
            f'zone "{name}": {explain_validity(shape).split("[")[0].strip().lower()} (the outline crosses or touches '
            'itself)',
            "Redraw it without crossing.",
        )
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
    if isinstance(value, str) and _GROUPED.fullmatch(value.strip()):  # 1 200, as many languages group digits
        value = re.sub(r"[ '\u00a0\u2009\u202f]", "", value.strip())
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and low <= number <= high else None


def _yes(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _YES.get(value.strip().lower())
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "…"
