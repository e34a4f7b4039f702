"""Who may do what: named users with roles, passwords kept as argon2 hashes, sessions, and a limit
on guessing.

The file of users is TOML, one table a user:

    [users.mira]
    role = "operator"            # observer | operator | supervisor | instructor
    password = "$argon2id$…"     # written by `add_user`

Beside it, in a file only its owner can read, stand the sessions, so that a restarted server still
knows who is logged in: the digest of each session's token, never the token. A changed file of users
counts within seconds; whoever is gone from it, or has a new password, is logged out.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import ipaddress
import json
import os
import secrets
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from skywarden.errors import Fault, InputError, SkywardenError, UsageError
from skywarden.files.text import as_text, read_bytes
from skywarden.messages import commands

ROLES = ("observer", "operator", "supervisor", "instructor")
LOCAL = "local operator"        # the single user of a console on this machine with no users configured
SHORTEST_PASSWORD = 12          # characters
LONGEST_PASSWORD = 128          # a longer one only serves to keep the hasher busy
FEWEST_LETTERS = 5              # different characters in a password
# a session unused for so long has ended (OWASP ASVS 3.3.2, level 2); an open page uses its own
IDLE_S = 30 * 60.0
LONGEST_S = 12 * 3600.0         # and so has one that old
NOTED_S = 60.0                  # the use of a session is written down this often
LOOK_S = 2.0                    # between two looks at whether the file of users has changed
# failed log-ins of one name from one address, or from one browser known for that name, within so many seconds
GUESSES, GUESS_S = 5, 300.0
ADDRESS_GUESSES = 20            # failed log-ins from one address within `GUESS_S`, whatever the names
# failed log-ins of one name from other machines by browsers not known for it, within so many seconds
NAME_GUESSES, NAME_S = 100, 3600.0
LANES = 1                       # processors that hashing a password may take; the others are the defence's
DEVICE_S = 90 * 24 * 3600       # seconds that a browser which has logged a person in stays known for that person
MOST_KEYS = 20_000              # names, addresses and browsers that failures are remembered of
MOST_SESSIONS = 50              # of one user; the one unused longest gives way
COMMANDS, COMMAND_S = 60, 10.0  # commands of one session within so many seconds

_STARTED = time.time() - time.monotonic()       # sessions age by a clock that nobody can set while the server runs

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


@dataclass
class Session:
    """One log-in of one user, in one browser. Times are of the wall [s since 1970]."""

    user: User
    token: str                  # in the cookie; empty for one read from the file, until its browser comes back
    started: float
    used: float
    noted: float = 0.0

    @property
    def csrf(self) -> str:
        """Asked back in a header of every request that changes anything; made from the token, which
        a script in a page cannot read.
        """
        return hmac.new(self.token.encode(), b"skywarden csrf", hashlib.sha256).hexdigest()


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
        if len(self._seen) >= MOST_KEYS:        # a flood of made-up names must not fill the memory
            since = self.now() - self.seconds
            self._seen = {k: times for k, times in self._seen.items() if times[-1] > since}
            while len(self._seen) >= MOST_KEYS:
                self._seen.pop(next(iter(self._seen)))
        self._seen.setdefault(key, []).append(self.now())

    def forget(self, key: str) -> None:
        """As if `key` had had no event."""
        self._seen.pop(key, None)


class Door:
    """Lets people in and remembers who they are. With no file of users every page is the local
    operator's. Raises `InputError` for a faulty file.

    path  Path  of the file of users; None: one local operator, whose sessions are kept nowhere
    """

    def __init__(
        self, path: Path | None = None, now: Callable[[], float] = lambda: _STARTED + time.monotonic()
    ) -> None:
        self.path = path
        self.users = load_users(path) if path is not None else {}
        self._now = now
        self._looked, self._stamp = now(), _stamp(path)
        self._hasher = PasswordHasher(parallelism=LANES)
        # so that an unknown name costs as much time as a wrong password
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))
        self._guesses = Limiter(GUESSES, GUESS_S, now)
        self._of_address = Limiter(ADDRESS_GUESSES, GUESS_S, now)
        self._of_name = Limiter(NAME_GUESSES, NAME_S, now)
        self._key = secrets.token_bytes(32)         # that known browsers are recognised by; kept with the sessions
        self._commands = Limiter(COMMANDS, COMMAND_S, now)
        self._sessions: dict[str, Session] = self._kept()               # by digest of the token
        # passwords are checked in a thread, all else happens on the server's event loop
        self._lock = threading.RLock()

    @property
    def open(self) -> bool:
        """No users configured: everybody on this machine is the local operator."""
        return self.path is None

    def find(self, token: str | None) -> Session | None:
        """The session of a cookie, if it still stands."""
        with self._lock:
            self._look()
            key = _digest(token or "")
            session = self._sessions.get(key)
            if session is None or token is None:
                return None
            now = self._now()
            if not self._stands(session):
                del self._sessions[key]
                self._keep()
                return None
            session.token, session.used = token, now
            if now - session.noted > NOTED_S:
                self._keep()
            return session

    def first_holder(self) -> str:
        """Who has the watch before anybody takes it: the first operator of the file, else the first who may take it."""
        if self.path is None:
            return LOCAL
        able = [user for user in self.users.values() if commands.TAKE in MAY[user.role]]
        first = next((user for user in able if user.role == "operator"), None)
        return first.name if first is not None else able[0].name if able else next(iter(self.users))

    def enter_locally(self) -> Session:
        """A session for the local operator. Only where no users are configured."""
        if not self.open:
            raise PermissionError("users are configured: log in")
        return self._begin(User(LOCAL, "supervisor"))

    def log_in(self, name: str, password: str, address: str, device: str = "") -> Session | None:
        """A new session, or None: wrong name, wrong password, or too many tries (see `too_many`).
        Takes tens of milliseconds on purpose.

        device  what `device_of` gave this browser at an earlier log-in; empty where it gave nothing
        """
        if self.too_many(name, address, device):
            return None
        with self._lock:
            self._look()
        user = self.users.get(name)
        try:
            self._hasher.verify(user.hash if user else self._nobody, password[:LONGEST_PASSWORD])
        except (VerificationError, InvalidHashError, UnicodeError):
            user = None
        if user is None:
            if self.knows(name, device) and not self._guesses.full(f"device {device}"):
                self._guesses.count(f"device {device}")
                return None
            self._guesses.count(f"{address} {name}")
            self._of_address.count(address)
            if not _near(address):
                self._of_name.count(name)
            return None
        self._guesses.forget(f"{address} {name}")
        return self._begin(user)

    def too_many(self, name: str, address: str, device: str = "") -> bool:
        """Whether there were too many failures lately: from a browser known for this name its own;
        else this address's, for this name and in all.

        A stranger's failures thus count against the stranger: neither a browser that this person
        has logged in with before nor this very machine is ever shut out by them.
        """
        if self.knows(name, device) and not self._guesses.full(f"device {device}"):
            return False
        if self._guesses.full(f"{address} {name}") or self._of_address.full(address):
            return True
        return not _near(address) and self._of_name.full(name)

    def knows(self, name: str, device: str) -> bool:
        """Whether this browser has logged this person in before, under the password of now."""
        user, (made, _, mark) = self.users.get(name), device.partition(".")
        return bool(mark) and user is not None and hmac.compare_digest(mark.encode("utf-8", "replace"),
            self._mark(user, made).encode())

    def device_of(self, user: User) -> str:
        """What a browser is to keep, and to show at its next log-in as this person; worth nothing
        without the password.
        """
        made = secrets.token_urlsafe(9)
        return f"{made}.{self._mark(user, made)}"

    def _mark(self, user: User, made: str) -> str:
        return hmac.new(self._key, "\0".join((made, user.name, user.hash)).encode("utf-8", "replace"),
            hashlib.sha256).hexdigest()[:32]

    def log_out(self, token: str) -> None:
        """End a session."""
        with self._lock:
            if self._sessions.pop(_digest(token), None) is not None:
                self._keep()

    def log_out_everywhere(self, name: str) -> int:
        """End every session of a user; returns how many there were."""
        with self._lock:
            theirs = [key for key, session in self._sessions.items() if session.user.name == name]
            for key in theirs:
                del self._sessions[key]
            self._keep()
            return len(theirs)

    def hurried(self, session: Session) -> bool:
        """Whether this session gives commands faster than a person can; counts this one."""
        if self._commands.full(session.token):
            return True
        self._commands.count(session.token)
        return False

    def _begin(self, user: User) -> Session:
        with self._lock:
            now = self._now()
            self._sessions = {key: session for key, session in self._sessions.items() if self._stands(session)}
            theirs = sorted((session.used, key) for key, session in self._sessions.items() if session.user.name
                == user.name)
            for _, key in theirs[: max(0, len(theirs) - MOST_SESSIONS + 1)]:
                del self._sessions[key]
            session = Session(user, secrets.token_urlsafe(32), now, now)
            self._sessions[_digest(session.token)] = session
            self._keep()
            return session

    def _stands(self, session: Session) -> bool:
        now = self._now()
        # a start in what is the future now: the machine's clock was set back between two starts of the server
        return -LONGEST_S <= now - session.started <= LONGEST_S and now - session.used <= IDLE_S

    def _look(self) -> None:
        """Read the file of users again where it has changed; one that has become faulty changes nothing."""
        now = self._now()
        if self.path is None or now - self._looked < LOOK_S:
            return
        self._looked, before = now, self._stamp
        self._stamp = _stamp(self.path)
        if self._stamp == before:
            return
        with contextlib.suppress(SkywardenError):
            self.users = load_users(self.path)
            self._sessions = {
                key: Session(self.users[s.user.name], s.token, s.started, s.used, s.noted) for key,
                s in self._sessions.items()
                if s.user.name in self.users and self.users[s.user.name].hash == s.user.hash}
            self._keep()

    def _keep(self) -> None:
        """Write the sessions down. Where that cannot be done, a restart asks everybody to log in
        again, and nothing worse.
        """
        if self.path is None:
            return
        now, rows = self._now(), []
        for key, session in self._sessions.items():
            session.noted = now
            rows.append({"digest": key, "user": session.user.name, "of": _digest(session.user.hash),
                "started": session.started, "used": session.used})
        with contextlib.suppress(OSError):
            _write_private(_sessions_file(self.path), json.dumps({"sessions": rows, "devices": self._key.hex()}))

    def _kept(self) -> dict[str, Session]:
        """The sessions that were written down and still stand."""
        kept: dict[str, Session] = {}
        if self.path is None:
            return kept
        try:
            told: Any = json.loads(_sessions_file(self.path).read_text("utf-8"))
            key = bytes.fromhex(told.get("devices", ""))
            self._key = key if len(key) == len(self._key) else self._key
            for row in told["sessions"]:
                user, started, used = self.users.get(row["user"]), float(row["started"]), float(row["used"])
                session = Session(user, "", started, used, used) if user is not None and _digest(user.hash) == row[
                    "of"] else None
                if session is not None and self._stands(session):
                    kept[str(row["digest"])] = session
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        return kept


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _near(address: str) -> bool:
    """Whether an address is this very machine's, where whoever knows the passwords' file can help himself anyway."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _sessions_file(users: Path) -> Path:
    return users.with_name(f"{users.name}.sessions")


def _stamp(path: Path | None) -> tuple[int, int, int]:
    """What changes when the file does."""
    try:
        about = path.stat() if path is not None else None
    except OSError:
        about = None
    return (0, 0, 0) if about is None else (about.st_mtime_ns, about.st_size, about.st_ino)


def _write_private(path: Path, text: str) -> None:
    """Put `text` in the place of the file, at once or not at all, readable by its owner only. Raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o600)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def load_users(path: Path) -> dict[str, User]:
    """The users of a file. Raises `InputError` with every fault found."""
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
    """Write `name` into the file of users, or change role and password; the file is readable by its owner only."""
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
    _write_private(path, "\n".join(lines))
