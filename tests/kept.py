"""Where the long evidence keeps what has been shown, and of which sources."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / ".prove"
EVIDENCE = ROOT / "docs" / "evidence"


def state_of_sources() -> str:
    """A name for everything a figure may depend on: the sources, the sites and the scenarios."""
    made = blake2b(digest_size=6)
    for folder in ("src", "sites", "scenarios"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in (".py", ".toml", ".geojson", ".csv"):
                made.update(file.relative_to(ROOT).as_posix().encode() + file.read_bytes())
    return made.hexdigest()


def done_file() -> Path:
    return KEPT / f"{state_of_sources()}.json"
