"""The secret seed of an exercise: committed to before the run, kept beside its record, revealed
when it has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from skywarden.errors import RecordError

SALT_BYTES = 32
COMMITMENT_BYTES = 32


class Secret(NamedTuple):
    """A seed, and the salt that keeps it from being guessed out of its commitment."""

    seed: int
    salt: str  # hexadecimal

    @property
    def commitment(self) -> str:
        """What a header says of the seed before it is revealed, hexadecimal: BLAKE2b-256 of
        "seed:salt".
        """
        return blake2b(f"{self.seed}:{self.salt}".encode(), digest_size=COMMITMENT_BYTES).hexdigest()


def draw_secret(seed: int | None = None) -> Secret:
    """A seed nobody knows, or the one given, with a fresh salt."""
    return Secret(secrets.randbits(62) if seed is None else seed, secrets.token_hex(SALT_BYTES))


def secret_file(record: Path) -> Path:
    """Where the secret of a record is kept while its run goes on."""
    return record.with_name(f"{record.name}.seed")


def keep_secret(record: Path, secret: Secret) -> None:
    """Keep a secret beside its record, for its owner alone, so that a killed run can be flown
    again. Raises OSError.
    """
    path = secret_file(record)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({"seed": secret.seed, "salt": secret.salt}, file)


def kept_secret(record: Path) -> Secret:
    """The secret kept beside a record whose run did not end. Raises RecordError."""
    try:
        told = json.loads(secret_file(record).read_text("utf-8"))
        return Secret(int(told["seed"]), str(told["salt"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise RecordError(
            f"{record}: its seed was never revealed, and {secret_file(record).name} beside it, which holds it, cannot "
            "be read"
        ) from None


def forget_secret(record: Path) -> None:
    """The secret is revealed: the file beside the record goes."""
    with contextlib.suppress(OSError):
        secret_file(record).unlink()
