"""The file of users: names, roles and argon2 hashes of passwords; and what each role may do.

It is TOML, one table a user:

    [users.mira]
    role = "operator"            # observer | operator | supervisor | instructor
    password = "$argon2id$…"     # written by `add_user`
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher

from skywarden.errors import Fault, InputError, UsageError
from skywarden.files.text import as_text, read_bytes
from skywarden.messages import commands

ROLES = ("observer", "operator", "supervisor", "instructor")
SHORTEST_PASSWORD = 12          # characters
LONGEST_PASSWORD = 128          # a longer one only serves to keep the hasher busy
FEWEST_LETTERS = 5              # different characters in a password
LANES = 1                       # processors that hashing a password may take; the others are the defence's

OPERATE = frozenset({
    commands.ACKNOWLEDGE, commands.SHELVE, commands.ALARM, commands.CANCEL, commands.CORRECT, commands.GIVE_CLEAR,
    commands.RECLASSIFY, commands.CONSENT, commands.HOLD, commands.RELEASE, commands.TAKE, commands.SAY, commands.NOTE,
    commands.ANSWER,
})
EDIT, AUDIT = "edit", "audit"   # what else there is to be allowed: the site's own files, and reading who did what
# records and their reports; those of a simulation that still goes on, which tell what is true; leading an exercise
RECORDS, TRUTH, LEAD = "records", "truth", "lead"
MAY: dict[str, frozenset[str]] = {
    "observer": frozenset({RECORDS}),
    "operator": OPERATE | {RECORDS},
    "supervisor": OPERATE | {commands.WEAPONS, commands.PACE, EDIT, AUDIT, RECORDS, TRUTH},
    # leads an exercise from outside: the time, the higher command's word, and a look at who did what; what the trainees
    # decide stays theirs
    "instructor": frozenset({
        commands.WEAPONS, commands.PACE, commands.SAY, commands.NOTE, AUDIT, RECORDS, TRUTH, LEAD}),
}


@dataclass(frozen=True)
class User:
    """A person with an account. `hash` is empty for the single local operator, who has no password."""

    name: str
    role: str
    hash: str = ""


def load_users(path: Path) -> dict[str, User]:
    """The users of a file. Raises `InputError` with every fault found.

    path  file of the users
    """
    told: list[Fault] = []
    content = read_bytes(path, told)
    text = as_text(str(path), content, told, utf8_only=True) if content is not None else None
    if text is None:
        raise InputError(*told)
    try:
        tables = tomllib.loads(text).get("users", {})
    except (ValueError, RecursionError) as error:       # ValueError: besides bad TOML, a number of thousands of digits
        raise InputError(Fault(str(path), None, f"not TOML: {error}",
            "Write one [users.NAME] table a user, with role and password.")) from None
    users, faults = {}, []
    for name, table in tables.items() if isinstance(tables, dict) else ():
        role, password = (table.get("role"), table.get("password")) if isinstance(table, dict) else (None, None)
        if role not in ROLES:
            faults.append(Fault(str(path), None, f"user {name!r}: role {role!r} is none of ours",
                f"Use one of {', '.join(ROLES)}."))
        elif not isinstance(password, str) or not password.startswith("$argon2id$"):
            faults.append(Fault(str(path), None, f"user {name!r}: the password is not an argon2id hash",
                "Let `add_user` write it."))
        else:
            users[name] = User(name, role, password)
    if not users and not faults:
        faults.append(Fault(str(path), None, "no users in it",
            "Write at least one [users.NAME] table, or run without a file of users."))
    if faults:
        raise InputError(*faults)
    return users


def add_user(path: Path, name: str, role: str, password: str) -> None:
    """Write `name` into the file of users, or change role and password; the file is readable by its
    owner only.

    path  file of the users
    """
    if role not in ROLES:
        raise UsageError(f"role {role!r}: it is one of {', '.join(ROLES)}")
    if not (name.isascii() and name.isidentifier()):
        raise UsageError(f"user name {name!r}: letters, digits and underscores, not starting with a digit")
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise UsageError(f"the password has {len(password)} characters, it needs {SHORTEST_PASSWORD} to "
            f"{LONGEST_PASSWORD}")
    if len(set(password)) < FEWEST_LETTERS or name.casefold() in password.casefold():
        raise UsageError(f"the password is too easy: it needs {FEWEST_LETTERS} different characters, and not the "
            "user's name")
    users = load_users(path) if path.exists() else {}
    users[name] = User(name, role, PasswordHasher(parallelism=LANES).hash(password))
    lines = [f'[users.{user.name}]\nrole = "{user.role}"\npassword = "{user.hash}"\n' for user in users.values()]
    write_private(path, "\n".join(lines))


def write_private(path: Path, text: str) -> None:
    """Put `text` in the place of the file, at once or not at all, readable by its owner only.
    Raises OSError.

    path  the file to write
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o600)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
