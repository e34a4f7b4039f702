"""A site's own files changed from the outside: zones, radars and effectors put into them, checked
as they are read, and saved without losing a comment.
"""

from __future__ import annotations

import copy
import json
import math
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tomlkit
from tomlkit.exceptions import TOMLKitError

from skywarden.errors import SiteError
from skywarden.kernels.geometry.earth import to_earth, to_site
from skywarden.site.editing.fields import KINDS, PLACE, Field, fields
from skywarden.site.load import TERRAIN, TOML, ZONES, from_sources
from skywarden.site.model import Array, Site, Zone
from skywarden.site.zones import polygons_of

DEGREES = 8             # decimals written, about a millimetre
MOST_ZONES, MOST_CORNERS, MOST_EQUIPMENT = 500, 5000, 200
_HEADER = re.compile(r"""^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$""")
_UNSAFE = ("site.toml is written in a way that its {kind} cannot be changed here without losing something. Change them "
    "in the file.")
_WORDS = {"radars": "radar", "effectors": "effector"}


class EditError(Exception):
    """What cannot be put into the files, as a sentence."""


class Original(NamedTuple):
    """A site's files as they lie on disk."""

    site: Site                      # what they declare
    files: dict[str, bytes]         # site.toml and zones.geojson
    version: str                    # changes with any byte of either


def read(folder: Path, running: Site) -> Original:
    """The files in `folder` as they are now, over the terrain of the `running` site.

    Raises EditError where they cannot be read, are faulty, or lie about another origin than the
    running site's map.
    """
    try:
        files = {name: (folder / name).read_bytes() for name in (TOML, ZONES)}
    except OSError as error:
        raise EditError(f"The site's files cannot be read: {error.strerror or error}.") from None
    wrong = faults(files, running)
    if wrong:
        raise EditError("The site's files have faults already. Mend them first: " + "; ".join(wrong))
    site = from_sources(_with_terrain(files, running), running.name)
    if site.origin != running.origin:
        raise EditError("The site's origin was changed on disk after this run began, so the map no longer fits it. "
            "Start again.")
    return Original(site, files, _version(files))


def view(original: Original) -> dict[str, Any]:
    """What can be edited, for a form: zones, radars and effectors with the keys their file gives
    them, and the keys they may have.

    original  the files as they stand on disk
    """
    data = _data(original)
    return {
        "version": original.version,
        "zones": [{"of": i, **_zone_view(zone)} for i, zone in enumerate(original.site.zones)],
        **{kind: [{"of": i, "values": _simple(table, fields(kind))} for i, table in enumerate(data.get(kind, []))]
            for kind in KINDS},
        "fields": {kind: [field._asdict() for field in fields(kind)] for kind in KINDS},
    }


def edited(original: Original, wanted: Mapping[str, Any]) -> dict[str, bytes]:
    """The files as they would be with what is wanted: lists of zones, radars and effectors as
    `view` gives them.

    original  the files as they stand on disk

    `of` names the one in the file that an entry was; entries without are new, and those of the file
    that no entry names are removed. Only what differs is touched. Raises EditError where a request
    is not even of the right shape; everything else is for `faults` to find.
    """
    files = {ZONES: _zones(original, _list(wanted, "zones", MOST_ZONES))} if "zones" in wanted else {}
    text = original.files[TOML].decode("utf-8-sig")
    for kind in KINDS:
        if kind in wanted:
            text = _tables(text, kind, _list(wanted, kind, MOST_EQUIPMENT))
    bom = b"\xef\xbb\xbf" if original.files[TOML].startswith(b"\xef\xbb\xbf") else b""
    return {**original.files, **files, TOML: bom + text.encode()}


def faults(files: Mapping[str, bytes], running: Site) -> list[str]:
    """Everything wrong with a site of these files, in sentences with file, line, what it is about
    and what to do; empty where it is good.

    running  the site that runs now
    """
    try:
        from_sources(_with_terrain(files, running), running.name)
    except SiteError as error:
        about = _owners(files[TOML].decode("utf-8-sig", "replace"))
        said = []
        for fault in error.faults:
            file = fault.file.rsplit("/", 1)[-1]
            owner = about.get(fault.line or 0, "") if file == TOML else ""
            said.append(f"{file}{f':{fault.line}' if fault.line else ''} {owner}{fault.what}. {fault.do}")
        return said
    return []


def site_of(files: Mapping[str, bytes], running: Site) -> Site:
    """The site that files without faults declare.

    running  the site that runs now
    """
    return from_sources(_with_terrain(files, running), running.name)


def save(folder: Path, original: Original, files: Mapping[str, bytes]) -> str:
    """Put changed files in the place of the site's own, each at once or not at all; returns the new
    version.

    folder    folder of the site
    original  the files as they stand on disk

    Raises EditError where somebody else changed them since they were read: nothing is written then.
    OSError where they cannot be written.
    """
    if _version({name: (folder / name).read_bytes() for name in original.files}) != original.version:
        raise EditError("The site's files were changed on disk meanwhile. Nothing was saved; leave, and edit them as "
            "they are now.")
    ready: list[tuple[str, Path]] = []
    try:
        for name, content in files.items():
            if content == original.files[name]:
                continue
            goal = (folder / name).resolve()
            handle, temporary = tempfile.mkstemp(dir=goal.parent, prefix=f".{name}.")
            ready.append((temporary, goal))
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            shutil.copymode(goal, temporary)
        for temporary, goal in ready:
            os.replace(temporary, goal)
    finally:
        for temporary, _ in ready:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
    return _version(files)


def _with_terrain(files: Mapping[str, bytes], running: Site) -> dict[str, bytes]:
    return {**files, **({TERRAIN: running.sources[TERRAIN]} if TERRAIN in running.sources else {})}


def _version(files: Mapping[str, bytes]) -> str:
    made = blake2b(digest_size=12)
    for name in sorted(files):
        made.update(f"{name} {len(files[name])}\n".encode() + files[name])
    return made.hexdigest()


def _list(wanted: Mapping[str, Any], key: str, most: int) -> list[dict[str, Any]]:
    entries = wanted[key]
    if not isinstance(entries, list) or len(entries) > most or not all(isinstance(entry, dict) for entry in entries):
        raise EditError(f"{key}: up to {most} objects in a list.")
    named = [entry["of"] for entry in entries if entry.get("of") is not None]
    if any(not isinstance(of, int) or isinstance(of, bool) or of < 0 for of in named) or len(set(named)) < len(named):
        raise EditError(f"{key}: no two entries can come from the same one of the file.")
    return entries


# --- site.toml ------------------------------------------------------------------------------------


class _Piece(NamedTuple):
    """The lines of one table, from its header to before what belongs to the next."""

    name: str           # of the table; "" before the first header
    body: str
    tail: str           # blank lines and comments after its last key: they may belong to the next table, and stay


def _pieces(text: str) -> list[_Piece]:
    lines: list[list[str]] = [[]]
    names = [""]
    for line in text.splitlines(keepends=True):
        header = _HEADER.match(line)
        if header:
            lines.append([])
            names.append(header[2].strip("\"'") if header[1] == "[[" else f"[{header[2]}]")
        lines[-1].append(line)
    pieces = []
    for name, own in zip(names, lines, strict=True):
        last = len(own)
        while last > 1 and (not own[last - 1].strip() or own[last - 1].lstrip().startswith("#")):
            last -= 1
        pieces.append(_Piece(name, "".join(own[:last]), "".join(own[last:])))
    return pieces


def _tables(text: str, kind: str, wanted: list[dict[str, Any]]) -> str:
    """The text with the tables [[kind]] as wanted. What the result says is compared with what was
    meant, to the last key.
    """
    before = tomllib.loads(text)
    old: list[dict[str, Any]] = before.get(kind, [])
    pieces = _pieces(text)
    rows = [i for i, piece in enumerate(pieces) if piece.name == kind]
    if len(rows) != len(old):
        raise EditError(f"site.toml does not write its {kind} as tables of their own. "
            f"Write each under a line [[{kind}]] to edit them here.")
    meant: list[dict[str, Any]] = []
    kept: dict[int, _Piece | None] = dict.fromkeys(rows)
    fresh: list[str] = []
    for entry in sorted(wanted, key=lambda e: math.inf if e.get("of") is None else e["of"]):
        of = entry.get("of")
        if of is not None and of >= len(old):
            raise EditError(f"{kind}: there is no number {of} in the file.")
        table = old[of] if of is not None else {}
        after = _merged(table, entry.get("values"), kind)
        meant.append(after)
        if of is None:
            fresh.append(_table_text(f"[[{kind}]]\n", {}, after, kind))
        else:
            piece = pieces[rows[of]]
            kept[rows[of]] = piece._replace(body=_table_text(piece.body, table, after, kind))
    last = rows[-1] if rows else len(pieces) - 1
    made = ""
    for i, piece in enumerate(pieces):
        chosen = kept.get(i, piece)
        body, tail = "" if chosen is None else chosen.body, piece.tail
        if fresh and i == last:
            before_it, after_it = (body, tail) if rows else (body + tail, "")
            made += before_it
            made += _gap(made) + "\n".join(fresh) + ("\n" if after_it == "" and i + 1 < len(pieces) else "") + after_it
        else:
            made += body + tail
    expected = {**copy.deepcopy(before), kind: meant}
    if not meant:
        expected.pop(kind)
    try:
        same = tomllib.loads(made) == expected
    except ValueError:
        same = False
    if not same:
        raise EditError(_UNSAFE.format(kind=kind))
    return made


def _gap(text: str) -> str:
    """What a new table needs before it: the end of the line, and a blank one."""
    return "" if text.endswith("\n\n") or not text else "\n" if text.endswith("\n") else "\n\n"


def _merged(table: dict[str, Any], values: Any, kind: str) -> dict[str, Any]:
    """A table with the values of a form in the place of its own; keys that no form knows stay, and
    so does a number written 20000.0.
    """
    known = {field.key: field for field in fields(kind)}
    if not isinstance(values, dict) or not set(values) <= {*known, *PLACE}:
        raise EditError(f"{kind}: values are an object of keys such as {', '.join([*known][:3])}.")
    after = {key: value for key, value in table.items() if key in values or key not in {*known, *PLACE}}
    for key, value in values.items():
        if key in table and _equal(_plain(table[key]), value):
            after[key] = table[key]
        else:
            after[key] = _value(key, value, known.get(key))
    return after


def _value(key: str, value: Any, field: Field | None) -> Any:
    """A value of the request as TOML may hold it; whether it is a good one the loader says."""
    if isinstance(value, str):
        return value[:300]
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and math.isfinite(value) and abs(value) < 1e15:
        whole = field is not None and field.kind == "integer" and float(value).is_integer()
        return int(value) if whole else float(value)
    if isinstance(value, list) and len(value) <= 20 and all(isinstance(v, int | float) and not isinstance(v, bool)
        and math.isfinite(v) for v in value):
        return [int(v) if float(v).is_integer() else float(v) for v in value]
    raise EditError(f"{key}: a text, a number, true or false, or a list of numbers.")


def _table_text(body: str, before: Mapping[str, Any], after: Mapping[str, Any], kind: str) -> str:
    """The text of one table with other values; every other character stays."""
    if before == after:
        return body
    try:
        whole = tomlkit.parse(body if body.endswith("\n") else f"{body}\n")
        table: Any = whole[kind][0]
    except (TOMLKitError, KeyError, IndexError):
        raise EditError(_UNSAFE.format(kind=kind)) from None
    for key in before:
        if key not in after:
            del table[key]
    for key, value in after.items():
        if key not in before or before[key] != value or isinstance(before[key], bool) != isinstance(value, bool):
            table[key] = value
    text = tomlkit.dumps(whole)
    return text if text.endswith("\n") else f"{text}\n"


def _owners(text: str) -> dict[int, str]:
    """Of every line of site.toml, which radar or effector it is about, as the start of a sentence."""
    owners, line = {}, 1
    for piece in _pieces(text):
        count = (piece.body + piece.tail).count("\n") + 1
        if piece.name in _WORDS:
            name = re.search(r"""^\s*name\s*=\s*["'](.*?)["']\s*(#.*)?$""", piece.body, re.MULTILINE)
            for k in range(line, line + count):
                owners[k] = f'{_WORDS[piece.name]} "{name[1] if name else "?"}": '
        line += count - 1
    return owners


def _data(original: Original) -> dict[str, Any]:
    return tomllib.loads(original.files[TOML].decode("utf-8-sig"))


def _simple(table: Mapping[str, Any], known: tuple[Field, ...]) -> dict[str, Any]:
    """The values of a table that a form can show."""
    keys = {*(field.key for field in known), *PLACE}
    return {key: _plain(value) for key, value in table.items() if key in keys and isinstance(value,
        str | bool | int | float | list)}


def _plain(value: Any) -> Any:
    return value if not isinstance(value, float) or math.isfinite(value) else None


def _equal(a: Any, b: Any) -> bool:
    return isinstance(a, bool) == isinstance(b, bool) and a == b


# --- zones.geojson --------------------------------------------------------------------------------


def _zone_view(zone: Zone) -> dict[str, Any]:
    corners = np.round(zone.polygon, 2).tolist()
    return {"name": zone.name, "kind": zone.kind, "people": zone.people, "shelter": zone.shelter_s, "warn": zone.warn,
        "polygon": corners}


class _Part(NamedTuple):
    """Where in the file a zone stands: a feature, and which part of a multipolygon."""

    feature: int
    of: int
    parts: int


def _parts(data: Mapping[str, Any]) -> Iterator[_Part]:
    for i, feature in enumerate(data["features"]):
        parts = len(polygons_of(feature["geometry"]) or ())
        for k in range(parts):
            yield _Part(i, k, parts)


def _zones(original: Original, wanted: list[dict[str, Any]]) -> bytes:
    """The zones as GeoJSON: features nobody changed stay as they are written, with ids and notes."""
    if not wanted:
        raise EditError(f"There are no zones; a site has from 1 to {MOST_ZONES}.")
    data = json.loads(original.files[ZONES].decode("utf-8-sig"))
    parts, before = list(_parts(data)), [_zone_view(zone) for zone in original.site.zones]
    new = [{key: zone.get(key) for key in ("name", "kind", "people", "shelter", "warn", "polygon")} for zone in wanted]
    of = [zone.get("of") for zone in wanted]
    if any(i is not None and i >= len(parts) for i in of):
        raise EditError("A zone comes from none of the file.")
    same = [i is not None and zone == before[i] for i, zone in zip(of, new, strict=True)]
    if all(same) and of == list(range(len(parts))):
        return original.files[ZONES]
    untouched = {i for i, good in zip(of, same, strict=True) if good}
    features, whole = [], set()
    for i, zone in zip(of, new, strict=True):
        part = parts[i] if i is not None else None
        if part is not None and all(k in untouched for k, other in enumerate(parts) if other.feature == part.feature):
            if part.feature not in whole:
                features.append(data["features"][part.feature])
                whole.add(part.feature)
            continue
        features.append(_feature(original.site, zone, data["features"][part.feature] if part else None, part, before[i]
            if i is not None else None))
    others = "".join(
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},\n" for key, value in data.items()
            if key not in ("type", "features"))
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False, allow_nan=False) for feature in features)
    return f'{{\n"type": "FeatureCollection",\n{others}"features": [\n{lines}\n]\n}}\n'.encode()


def _feature(site: Site, zone: dict[str, Any], feature: dict[str, Any] | None, part: _Part | None,
    before: dict[str, Any] | None) -> dict[str, Any]:
    """One zone as a feature, over what the file says of it."""
    if feature is None or part is None or before is None:
        feature, before = {"type": "Feature", "properties": {}}, {}
    properties = dict(feature.get("properties") or {})
    for key, value in (("name", zone["name"]), ("kind", zone["kind"]), ("people", zone["people"]),
        ("shelter_s", zone["shelter"]),
                       ("warn", "yes" if zone["warn"] is True else "no")):
        asked = key.removesuffix("_s")
        # a part that becomes a feature of its own keeps its number
        numbered = part is not None and part.parts > 1 and key == "name"
        if numbered or asked not in before or before[asked] != zone[asked]:
            properties[key] = value
    if before.get("polygon") == zone["polygon"] and part is not None:
        geometry = {"type": "Polygon", "coordinates": (polygons_of(feature["geometry"]) or [])[part.of]}
        return {**feature, "properties": properties, "geometry": geometry}
    geometry = {"type": "Polygon", "coordinates": [_ring(site, zone)]}
    return {**{key: value for key, value in feature.items() if key != "bbox"}, "properties": properties,
        "geometry": geometry}


def _ring(site: Site, zone: dict[str, Any]) -> list[list[float]]:
    """A polygon of the request as a closed GeoJSON ring, longitude first [deg]."""
    corners = zone.get("polygon")
    pairs = corners if isinstance(corners, list) else []
    good = len(pairs) <= MOST_CORNERS and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(x, int | float) and not isinstance(x, bool)
            and abs(x) < 1e7 for x in pair)
        for pair in pairs
    )
    if not pairs or not good:
        raise EditError(f'Zone "{zone.get("name")}": write each corner as east, north in metres, '
            f"up to {MOST_CORNERS} of them.")
    return [[round(math.degrees(x), DEGREES), round(math.degrees(y), DEGREES)] for x, y in _longitude_latitude(site,
        np.array([*pairs, pairs[0]], float))]


def _longitude_latitude(site: Site, ground: Array) -> Array:
    """Longitude and latitude (n, 2) [rad] that the loader reads as these places (n, 2): it takes
    them at the origin's height above sea level.
    """
    origin = site.origin
    frame = (origin.latitude, origin.longitude, origin.elevation)
    at = np.column_stack([ground, np.zeros(len(ground))])
    for _ in range(3):
        latitude, longitude, _ = to_earth(*frame, at)
        at[:, 2] = to_site(*frame, latitude, longitude, origin.elevation)[:, 2]
    return np.stack([longitude, latitude], axis=1)
