"""Designs and conditions put into the files of a site and a scenario, so that what is flown,
recorded and replayed is the very same.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from skywarden.study.plan import Condition, Design, Edit

TOML, ZONES, SCENARIO = "site.toml", "zones.geojson", "scenario.toml"
PLACES = (
    ("latitude_deg", "longitude_deg"),
    ("east_m", "north_m"),
)  # two ways to say a place: a copy keeps only the one it is given
ZONE_KEYS = ("people", "shelter_s", "warn", "ambient_db")


class DesignError(Exception):
    """What of a design does not fit the site it is put on: what is wrong, and what to do."""

    def __init__(self, what: str, do: str) -> None:
        super().__init__(what)
        self.what, self.do = what, do


def site_files(files: Mapping[str, bytes], design: Design) -> dict[str, bytes]:
    """A site's files with a design's changes; everything else in them stays as it is written.
    Raises DesignError.
    """
    if not design.edits:
        return dict(files)
    try:
        document: Any = tomlkit.parse(files[TOML].decode("utf-8-sig"))
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise DesignError(f"the site's site.toml cannot be read: {error}", "Mend it first.") from None
    zones = files.get(ZONES, b"")
    for edit in design.edits:
        if edit.where[0] == "zones":
            zones = _zone(zones, edit)
        elif edit.act == "set" and len(edit.where) == 2:
            table, key = edit.where
            if table not in document:
                document[table] = tomlkit.table()
            document[table][key] = edit.value
        elif edit.act == "set":
            _named(document, edit.where[0], edit.where[1])[edit.where[2]] = edit.value
        elif edit.act == "add":
            _add(document, edit.where[0], edit.value)
        else:
            rows = document.get(edit.where[0], [])
            rows.remove(_named(document, edit.where[0], edit.value))
    return {**files, TOML: tomlkit.dumps(document).encode(), **({ZONES: zones} if zones else {})}


def _named(document: Any, table: str, name: str) -> Any:
    rows = document.get(table, [])
    for row in rows:
        if row.get("name") == name:
            return row
    known = ", ".join(str(row.get("name")) for row in rows) or "none"
    raise DesignError(f'the site has nothing called "{name}" among its {table}', f"It has: {known}.")


def _add(document: Any, table: str, wanted: Mapping[str, Any]) -> None:
    values = {key: value for key, value in wanted.items() if key != "copy"}
    made: dict[str, Any] = {}
    if "copy" in wanted:
        made = copy.deepcopy(_named(document, table, wanted["copy"]).unwrap())
        for own, other in (PLACES, PLACES[::-1]):
            if any(key in values for key in own):
                made = {key: value for key, value in made.items() if key not in other}
    made.update(values)
    if any(row.get("name") == made["name"] for row in document.get(table, [])):
        raise DesignError(f'the name "{made["name"]}" is taken among the site\'s {table}', "Give it another name.")
    row = tomlkit.table()
    for key, value in made.items():
        row[key] = value
    if table not in document:
        document[table] = tomlkit.aot()
    document[table].append(row)


def _zone(content: bytes, edit: Edit) -> bytes:
    data = json.loads(content.decode("utf-8-sig"))
    _, name, key = edit.where
    if key not in ZONE_KEYS:
        raise DesignError(f'"{key}" of a zone cannot be changed by a design', f"Use one of: {', '.join(ZONE_KEYS)}.")
    found = [feature for feature in data.get("features", []) if (feature.get("properties") or {}).get("name") == name]
    if not found:
        known = ", ".join(str((f.get("properties") or {}).get("name")) for f in data.get("features", []))
        raise DesignError(f'the site has no zone called "{name}"', f"It has: {known}.")
    for feature in found:
        feature["properties"][key] = ("yes" if edit.value else "no") if key == "warn" else edit.value
    return json.dumps(data, ensure_ascii=False).encode()


def scenario_files(files: Mapping[str, bytes], condition: Condition) -> dict[str, bytes]:
    """A scenario's files under a condition. Raises DesignError."""
    if not condition.values:
        return dict(files)
    document: Any = tomlkit.parse(files[SCENARIO].decode("utf-8-sig"))
    for key, value in condition.values:
        table, _, rest = key.partition(".")
        if not rest:
            document.pop(table, None)
            document[table] = value
            continue
        if table not in document:
            document[table] = tomlkit.table()
        if not hasattr(document[table], "keys"):
            raise DesignError(
                f'"{table}" of the scenario is a list: "{key}" names nothing in it',
                f'Give all of it, as in key = "{table}".',
            )
        document[table][rest] = value
    return {**files, SCENARIO: tomlkit.dumps(document).encode()}
