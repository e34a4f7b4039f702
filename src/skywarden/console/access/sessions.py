"""Who is logged in: sessions by a cookie's token, log-in with a throttle on guessing.

Beside the file of users, in a file only its owner can read, stand the sessions, so that a restarted
server still knows who is logged in: the digest of each session's token, never the token. A changed
file of users counts within seconds; whoever is gone from it, or has a new password, is logged out.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import ipaddress
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from skywarden.console.access.throttle import Throttle
from skywarden.console.access.users import LANES, LONGEST_PASSWORD, MAY, User, load_users, write_private
from skywarden.errors import SkywardenError
from skywarden.messages import commands

LOCAL = "local operator"        # the single user of a console on this machine with no users configured
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
DEVICE_S = 90 * 24 * 3600       # seconds that a browser which has logged a person in stays known for that person
MOST_SESSIONS = 50              # of one user; the one unused longest gives way
COMMANDS, COMMAND_S = 60, 10.0  # commands of one session within so many seconds

_STARTED = time.time() - time.monotonic()       # sessions age by a clock that nobody can set while the server runs


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


class Authenticator:
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
        self._guesses = Throttle(GUESSES, GUESS_S, now)
        self._of_address = Throttle(ADDRESS_GUESSES, GUESS_S, now)
        self._of_name = Throttle(NAME_GUESSES, NAME_S, now)
        self._key = secrets.token_bytes(32)         # that known browsers are recognised by; kept with the sessions
        self._commands = Throttle(COMMANDS, COMMAND_S, now)
        self._sessions: dict[str, Session] = self._kept()               # by digest of the token
        # passwords are checked in a thread, all else happens on the server's event loop
        self._lock = threading.RLock()

    @property
    def open(self) -> bool:
        """No users configured: everybody on this machine is the local operator."""
        return self.path is None

    def find(self, token: str | None) -> Session | None:
        """The session of a cookie, if it still stands.

        token  the session's token, None for none
        """
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

    def first_holder(self, before: str = "") -> str:
        """Who has the watch before anybody takes it: the first operator of the file, else the first
        who may take it.

        before  who had it when this was last running, and has it still where they may
        """
        if self.path is None:
            return LOCAL
        able = [user for user in self.users.values() if commands.TAKE in MAY[user.role]]
        if any(user.name == before for user in able):
            return before
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

        device   what `device_of` gave this browser at an earlier log-in; empty where it gave
                 nothing
        address  the peer's network address
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

        device  mark of the browser, as it was given at an earlier log-in

        A stranger's failures thus count against the stranger: neither a browser that this person
        has logged in with before nor this very machine is ever shut out by them.
        """
        if self.knows(name, device) and not self._guesses.full(f"device {device}"):
            return False
        if self._guesses.full(f"{address} {name}") or self._of_address.full(address):
            return True
        return not _near(address) and self._of_name.full(name)

    def knows(self, name: str, device: str) -> bool:
        """Whether this browser has logged this person in before, under the password of now.

        name    name of the person
        device  mark of the browser, as it was given at an earlier log-in
        """
        user, (made, _, mark) = self.users.get(name), device.partition(".")
        return bool(mark) and user is not None and hmac.compare_digest(mark.encode("utf-8", "replace"),
            self._mark(user, made).encode())

    def device_of(self, user: User) -> str:
        """What a browser is to keep, and to show at its next log-in as this person; worth nothing
        without the password.

        user  the person who is logged in
        """
        made = secrets.token_urlsafe(9)
        return f"{made}.{self._mark(user, made)}"

    def _mark(self, user: User, made: str) -> str:
        return hmac.new(self._key, "\0".join((made, user.name, user.hash)).encode("utf-8", "replace"),
            hashlib.sha256).hexdigest()[:32]

    def log_out(self, token: str) -> None:
        """End a session.

        token  the session's token
        """
        with self._lock:
            if self._sessions.pop(_digest(token), None) is not None:
                self._keep()

    def log_out_everywhere(self, name: str) -> int:
        """End every session of a user; returns how many there were.

        name  name of the person
        """
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
        """Read the file of users again where it has changed; one that has become faulty changes
        nothing.
        """
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
            write_private(_sessions_file(self.path), json.dumps({"sessions": rows, "devices": self._key.hex()}))

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
    """Whether an address is this very machine's, where whoever knows the passwords' file can help
    himself anyway.
    """
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


