"""Keys and passwords: read from files that the site names, never written anywhere, never shown.

site.toml is copied into every record, so a key cannot stand in it: `secret = "file:siren.key"`
names a file beside the site, or `secret = "file:$CREDENTIALS_DIRECTORY/siren"` one that systemd
hands the service.
"""

from __future__ import annotations

import hmac
import os
import re
from hashlib import sha256
from pathlib import Path

from skywarden.errors import UsageError

LARGEST = 64 * 1024  # bytes of a secret's file
SHORTEST = 16  # bytes of a key that messages are signed with


class Secret:
    """A value that never shows itself: not by print, not by format, not in an error."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """The value, for the library that needs it."""
        return self._value

    def derive(self, purpose: str) -> Secret:
        """Another key for one purpose: what is signed for a simulation can never pass for a live
        message.
        """
        return Secret(hmac.new(self._value, purpose.encode(), sha256).digest())

    def sign(self, message: bytes) -> str:
        """HMAC-SHA-256 of `message`, hex."""
        return hmac.new(self._value, message, sha256).hexdigest()

    def accepts(self, message: bytes, signature: str) -> bool:
        """Whether `signature` is that of `message`; takes the same time for every wrong one."""
        return hmac.compare_digest(self.sign(message).encode(), signature.encode("utf-8", "replace"))

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")


def read_secret(where: str, folder: Path | None, channel: str) -> Secret:
    """The secret that `where`, as in "file:siren.key", names; relative to the site's `folder`.

    channel  name of the channel, for the error

    Raises UsageError, which names the file and never its content.
    """
    name = re.sub(r"\$\{?(\w+)\}?", lambda found: os.environ.get(found[1], found[0]), where.removeprefix("file:"))
    path = Path(name).expanduser() if name.startswith("~") else Path(name)
    if not path.is_absolute():
        if folder is None:
            raise UsageError(
                f'channel "{channel}": the secret {where} is relative, and this site has no folder of its own: name it '
                'from the root'
            )
        path = folder / path
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            raise UsageError(
                f'channel "{channel}": {path} is missing, or is no file of a secret: write the key into it, one line'
            )
        value = path.read_bytes().strip()
    except OSError as error:
        raise UsageError(f'channel "{channel}": {path} cannot be read: {error.strerror}') from None
    if not value:
        raise UsageError(f'channel "{channel}": {path} is empty: write the key into it, one line')
    return Secret(value)


def read_key(where: str, folder: Path | None, channel: str) -> Secret:
    """A secret that messages are signed with; refused where it is too short to be one.

    folder   folder of the site, to which files are relative; None without one
    channel  name of the channel, for the error
    """
    secret = read_secret(where, folder, channel)
    if len(secret.reveal()) < SHORTEST:
        raise UsageError(
            f'channel "{channel}": the key in {where} is shorter than {SHORTEST} bytes. Make one: openssl rand -hex 32'
        )
    return secret
