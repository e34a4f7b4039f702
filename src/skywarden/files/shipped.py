"""Where sites and scenarios are found by name: a path first, then what ships with Skywarden."""

from __future__ import annotations

import difflib
from pathlib import Path

from skywarden.errors import UsageError

_PACKAGE = Path(__file__).resolve().parents[1]
_SHELVES = (_PACKAGE.parents[1], _PACKAGE / "shipped")      # a clone's root; an installed wheel


def shelf(kind: str) -> dict[str, Path]:
    """What ships, by name: kind is "sites" (folders) or "scenarios" (files)."""
    for root in _SHELVES:
        folder = root / kind
        if folder.is_dir():
            if kind == "sites":
                return {path.parent.name: path.parent for path in sorted(folder.glob("*/site.toml"))}
            return {path.stem: path for path in sorted(folder.glob("*.toml"))}
    return {}


def find(name: str | Path, kind: str) -> Path:
    """The path a user meant. Raises UsageError naming what is at hand.

    name  a name, or the path of a file
    kind  what is sought: "sites" or "scenarios"
    """
    path = Path(name)
    if path.exists():
        if kind == "sites" and path.is_dir() and not (path / "site.toml").exists():
            raise UsageError(f"{path}: a site is a folder with site.toml and zones.geojson in it; there is no "
                "site.toml")
        return path
    known = shelf(kind)
    if str(name) in known:
        return known[str(name)]
    near = difflib.get_close_matches(str(name), known, 1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise UsageError(f"no {kind[:-1]} {name}: neither a path nor a shipped one. {hint}Shipped: "
        f"{', '.join(known) or 'none'}.")
