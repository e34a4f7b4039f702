"""What is at hand: the shipped sites and scenarios, a line each."""

from __future__ import annotations

import tomllib
from pathlib import Path

from skywarden.errors import Fault
from skywarden.files.shipped import shelf
from skywarden.files.text import as_text, read_bytes


def sites() -> list[str]:
    """Name and title of every shipped site."""
    return [_line(name, folder / "site.toml") for name, folder in shelf("sites").items()]


def scenarios() -> list[str]:
    """Name and title of every shipped scenario."""
    return [_line(name, file) for name, file in shelf("scenarios").items()]


def _line(name: str, file: Path) -> str:
    faults: list[Fault] = []
    content = read_bytes(file, faults)
    text = as_text(str(file), content, faults, utf8_only=True) if content is not None else None
    try:
        title = tomllib.loads(text).get("title",
            "") if text is not None else f"({faults[0].what}: try `skywarden check`)"
    except (ValueError, RecursionError):
        title = "(not valid TOML: try `skywarden check`)"
    return f"{name:<20} {title}"
