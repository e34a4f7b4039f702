"""What is at hand: the shipped sites and scenarios, a line each."""

from __future__ import annotations

import tomllib

from skywarden.site.shipped import shelf


def sites() -> list[str]:
    """Name and title of every shipped site."""
    return [_line(name, (folder / "site.toml").read_text()) for name, folder in shelf("sites").items()]


def scenarios() -> list[str]:
    """Name and title of every shipped scenario."""
    return [_line(name, file.read_text()) for name, file in shelf("scenarios").items()]


def _line(name: str, text: str) -> str:
    try:
        title = tomllib.loads(text).get("title", "")
    except tomllib.TOMLDecodeError:
        title = "(not valid TOML: try `skywarden check`)"
    return f"{name:<20} {title}"
