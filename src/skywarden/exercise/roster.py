"""Who is behind which pseudonym, and who is on which shift. Names stand in this one file and
nowhere else.

    [[people]]
    id = "p-7k2m9x4q"
    name = "…"

    [[shifts]]
    name = "night A"
    needed = 2
    people = ["p-7k2m9x4q", "p-…"]
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import tomlkit
from tomlkit.exceptions import TOMLKitError

from skywarden.errors import UsageError

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
PSEUDONYM = re.compile(r"p-[2-9a-hjkmnp-z]{8}")
MOST_BYTES = 10_000_000         # of the file


class Shift(NamedTuple):
    """People who are on duty together, and how many of them are needed."""

    name: str
    needed: int
    people: tuple[str, ...]


def pseudonymous(who: str) -> bool:
    """Whether a name is one that tells nobody anything.

    who  the name
    """
    return PSEUDONYM.fullmatch(who) is not None


def enrol(file: Path, name: str) -> str:
    """Give somebody a pseudonym, to be used as the name to log in with. The file is made where
    there is none.
    """
    document = _read(file) if file.exists() else tomlkit.document()
    if not name.strip():
        raise UsageError("a name is needed: it stands in the roster alone")
    made = "p-" + "".join(secrets.choice(ALPHABET) for _ in range(8))
    person = tomlkit.table()
    person["id"], person["name"] = made, name
    document.setdefault("people", tomlkit.aot()).append(person)
    _write(file, document)
    return made


def shifts(file: Path) -> tuple[Shift, ...]:
    """Every shift of a roster. Raises UsageError for one that names no people or needs none.

    file  the roster's file
    """
    found = []
    for told in _read(file).get("shifts", []):
        people, needed = told.get("people"), told.get("needed", 1)
        if not isinstance(people, list) or not isinstance(needed, int) or not 0 < needed <= len(people):
            said = f"the shift {told.get('name', '')!r}"
            raise UsageError(f"{file}: {said} needs `people`, a list, and `needed`, how many of them")
        found.append(Shift(str(told.get("name", "")), int(needed), tuple(map(str, people))))
    return tuple(found)


def forget(file: Path, who: str, folders: Iterable[Path]) -> tuple[int, tuple[Path, ...]]:
    """Take a person's name out of the roster; returns how many entries lost it, and the files
    that still hold the name.

    who      a pseudonym, which stays: records and certificates go on to verify, and lead to nobody
    file     the roster's file
    folders  folders of sealed records

    Raises UsageError where the roster does not know the pseudonym.
    """
    document = _read(file)
    mine = [person for person in document.get("people", []) if person.get("id") == who]
    if not mine:
        raise UsageError(f"{file} knows no {who}: name one of its ids")
    names = {str(person["name"]) for person in mine if person.get("name")}
    for person in mine:
        for key in [key for key in person if key != "id"]:
            del person[key]
    _write(file, document)
    return len(mine), tuple(path for folder in folders for path in _holding(folder, names))


def _holding(folder: Path, names: Iterable[str]) -> list[Path]:
    """Files in a folder that hold one of the names, in their bytes or in what they are called."""
    wanted = [name.casefold().encode() for name in names]
    found = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        if path.is_file() and any(
                name in path.read_bytes().lower() or name in path.name.casefold().encode() for name in wanted):
            found.append(path)
    return found


def _read(file: Path) -> Any:
    try:
        content = file.read_bytes()
        return tomlkit.parse(content[:MOST_BYTES].decode("utf-8"))
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise UsageError(f"{file} is no roster: {error}. `skywarden exercise enrol` makes one") from None


def _write(file: Path, document: Any) -> None:
    """Whole or not at all, readable by its owner alone."""
    beside = file.with_name(file.name + ".new")
    with os.fdopen(os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8") as opened:
        opened.write(tomlkit.dumps(document))
    beside.replace(file)
