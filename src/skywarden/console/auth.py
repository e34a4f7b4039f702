"""Who may do what: named users with roles, passwords kept as argon2 hashes, sessions, and a limit on guessing.

The file of users is TOML, one table a user:

    [users.mira]
    role = "operator"            # observer | operator | supervisor | instructor
    password = "$argon2id$…"     # written by `add_user`
"""

from __future__ import annotations

import os
import secrets
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from skywarden.errors import Fault, InputError, UsageError
from skywarden.messages import commands

ROLES = ("observer", "operator", "supervisor", "instructor")
LOCAL = "local operator"        # the single user of a console on this machine with no users configured
SHORTEST_PASSWORD = 12          # characters
LONGEST_PASSWORD = 256          # a longer one only serves to keep the hasher busy
IDLE_S = 8 * 3600.0             # a watch: a session unused for so long has ended
LONGEST_S = 24 * 3600.0         # and so has one that old
GUESSES, GUESS_S = 5, 300.0     # failed log-ins of one name, or from one address, within so many seconds
COMMANDS, COMMAND_S = 60, 10.0  # commands of one session within so many seconds

OPERATE = frozenset({
    commands.ACKNOWLEDGE, commands.SHELVE, commands.ALARM, commands.CANCEL, commands.RECLASSIFY, commands.CONSENT, commands.HOLD, commands.RELEASE,
})
MAY: dict[str, frozenset[str]] = {
    "observer": frozenset(),
    "operator": OPERATE,
    "supervisor": OPERATE | {commands.WEAPONS, "edit", "audit"},
    "instructor": OPERATE | {commands.WEAPONS, "edit", "audit"},
}


@dataclass(frozen=True)
class User:
    """A person with an account. `hash` is empty for the single local operator, who has no password."""

    name: str
    role: str
    hash: str = ""


@dataclass
class Session:
    """One log-in of one user, in one browser."""

    user: User
    token: str                  # in the cookie
    csrf: str                   # asked back in a header of every request that changes anything
    started: float
    used: float


@dataclass
class Limiter:
    """At most `most` events of one key within `seconds`."""

    most: int
    seconds: float
    now: Callable[[], float] = time.monotonic
    _seen: dict[str, list[float]] = field(default_factory=dict)

    def full(self, key: str) -> bool:
        """Whether `key` has no event left."""
        recent = [t for t in self._seen.get(key, ()) if t > self.now() - self.seconds]
        if recent:
            self._seen[key] = recent
        else:
            self._seen.pop(key, None)
        return len(recent) >= self.most

    def count(self, key: str) -> None:
        """One more event of `key`."""
        self._seen.setdefault(key, []).append(self.now())


class Door:
    """Lets people in and remembers who they are. With no users every page is the local operator's."""

    def __init__(self, users: dict[str, User], now: Callable[[], float] = time.monotonic) -> None:
        self.users = users
        self._now = now
        self._sessions: dict[str, Session] = {}
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))     # so that an unknown name costs as much time as a wrong password
        self._guesses = Limiter(GUESSES, GUESS_S, now)
        self._commands = Limiter(COMMANDS, COMMAND_S, now)

    @property
    def open(self) -> bool:
        """No users configured: everybody on this machine is the local operator."""
        return not self.users

    def find(self, token: str | None) -> Session | None:
        """The session of a cookie, if it still stands."""
        session = self._sessions.get(token or "")
        if session is None:
            return None
        now = self._now()
        if now - session.used > IDLE_S or now - session.started > LONGEST_S:
            del self._sessions[session.token]
            return None
        session.used = now
        return session

    def enter_locally(self) -> Session:
        """A session for the local operator. Only where no users are configured."""
        if not self.open:
            raise PermissionError("users are configured: log in")
        return self._begin(User(LOCAL, "supervisor"))

    def log_in(self, name: str, password: str, address: str) -> Session | None:
        """A new session, or None: wrong name, wrong password, or too many tries (see `too_many`). Takes tens of milliseconds on purpose."""
        if self.too_many(name, address):
            return None
        user = self.users.get(name)
        try:
            self._hasher.verify(user.hash if user else self._nobody, password[:LONGEST_PASSWORD])
        except (VerificationError, InvalidHashError):
            user = None
        if user is None:
            self._guesses.count(f"name {name}")
            self._guesses.count(f"address {address}")
            return None
        return self._begin(user)

    def too_many(self, name: str, address: str) -> bool:
        """Whether this name or this address has failed too often lately."""
        return self._guesses.full(f"name {name}") or self._guesses.full(f"address {address}")

    def log_out(self, token: str) -> None:
        """End a session."""
        self._sessions.pop(token, None)

    def hurried(self, session: Session) -> bool:
        """Whether this session gives commands faster than a person can; counts this one."""
        if self._commands.full(session.token):
            return True
        self._commands.count(session.token)
        return False

    def _begin(self, user: User) -> Session:
        now = self._now()
        for old in [s.token for s in self._sessions.values() if now - s.used > IDLE_S or now - s.started > LONGEST_S]:
            del self._sessions[old]
        session = Session(user, secrets.token_urlsafe(32), secrets.token_urlsafe(32), now, now)
        self._sessions[session.token] = session
        return session


def load_users(path: Path) -> dict[str, User]:
    """The users of a file. Raises `InputError` with every fault found."""
    try:
        text = path.read_text("utf-8")
        tables = tomllib.loads(text).get("users", {})
    except OSError as error:
        raise InputError(Fault(str(path), None, f"the file of users cannot be read: {error.strerror}", "Give the path of a TOML file.")) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(Fault(str(path), None, f"not TOML: {error}", "Write one [users.NAME] table a user, with role and password.")) from None
    users, faults = {}, []
    for name, table in tables.items() if isinstance(tables, dict) else ():
        role, password = (table.get("role"), table.get("password")) if isinstance(table, dict) else (None, None)
        if role not in ROLES:
            faults.append(Fault(str(path), None, f"user {name!r}: role {role!r} is none of ours", f"Use one of {', '.join(ROLES)}."))
        elif not isinstance(password, str) or not password.startswith("$argon2id$"):
            faults.append(Fault(str(path), None, f"user {name!r}: the password is not an argon2id hash", "Let `add_user` write it."))
        else:
            users[name] = User(name, role, password)
    if not users and not faults:
        faults.append(Fault(str(path), None, "no users in it", "Write at least one [users.NAME] table, or run without a file of users."))
    if faults:
        raise InputError(*faults)
    return users


def add_user(path: Path, name: str, role: str, password: str) -> None:
    """Write `name` into the file of users, or change role and password; the file is readable by its owner only."""
    if role not in ROLES:
        raise UsageError(f"role {role!r}: it is one of {', '.join(ROLES)}")
    if not (name.isascii() and name.isidentifier()):
        raise UsageError(f"user name {name!r}: letters, digits and underscores, not starting with a digit")
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise UsageError(f"the password has {len(password)} characters, it needs {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}")
    users = load_users(path) if path.exists() else {}
    users[name] = User(name, role, PasswordHasher().hash(password))
    lines = [f'[users.{user.name}]\nrole = "{user.role}"\npassword = "{user.hash}"\n' for user in users.values()]
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))
    os.chmod(temporary, 0o600)
    os.replace(temporary, path)
