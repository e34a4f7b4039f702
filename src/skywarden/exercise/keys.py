"""The site's key: one Ed25519 pair that signs seals and certificates, kept in a file that its owner
alone can read.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from skywarden.errors import UsageError

# Name of the signature in the token's header: RFC 9864 calls it Ed25519, yet foreign badge checkers know this one only.
ALGORITHM = "EdDSA"
MAKE = "Make a key with: skywarden exercise key FILE"
MOST_BYTES = 4_000_000      # of a token that is read


def make_key(path: Path) -> OKPKey:
    """A new key in a new file, 0600. Raises UsageError where a file is there already.

    path  the key's file
    """
    key = OKPKey.generate_key("Ed25519", private=True)
    try:
        opened = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} is already there: a key that is overwritten is lost. Name another file") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}. Name another file") from None
    with os.fdopen(opened, "w", encoding="utf-8") as file:
        json.dump(key.as_dict(private=True), file)
    return key


def read_key(path: Path) -> OKPKey:
    """A key, whole or its public half, from a JWK or PEM file. Raises UsageError, saying what
    is wrong with it.

    path  the key's file
    """
    try:
        content = path.read_bytes()[:MOST_BYTES]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. {MAKE}") from None
    try:
        made: Any = OKPKey.import_key(json.loads(content) if content.lstrip().startswith(b"{") else content)
        if made.curve_name != "Ed25519":
            raise ValueError(f"it is of the curve {made.curve_name}")
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{path} is no Ed25519 key (JWK or PEM): {error}. {MAKE}") from None
    return made


def public(key: OKPKey) -> dict[str, Any]:
    """The half that everybody may have, as a JWK.

    key  the key
    """
    return dict(key.as_dict(private=False))


def thumbprint(key: OKPKey) -> str:
    """The key's name (RFC 7638)."""
    return str(key.thumbprint())


def sign(key: OKPKey, payload: dict[str, Any], kind: str) -> str:
    """A compact token over a payload: sorted keys, so that the same payload gives the same token.

    kind  type of the token, in its header
    key   the key, with its private half
    """
    if not key.is_private:
        raise UsageError("this is the public half of a key: it checks signatures and makes none. Name the key itself")
    header = {"alg": ALGORITHM, "typ": kind, "kid": thumbprint(key), "jwk": public(key)}
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    with _named_as_others_do():
        return jws.serialize_compact(header, text, key, [ALGORITHM])


def opened(key: OKPKey, token: str) -> dict[str, Any] | None:
    """What a token says, if this key signed it; None of any other text. The key that the token
    brings along counts for nothing.
    """
    if len(token) > MOST_BYTES:
        return None
    try:
        with _named_as_others_do():
            found = jws.deserialize_compact(token.strip(), key, [ALGORITHM])
        said = json.loads(found.payload)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


class _named_as_others_do(warnings.catch_warnings):  # noqa: N801
    """Without the library's word that the algorithm has a newer name."""

    def __enter__(self) -> Any:
        found = super().__enter__()
        warnings.simplefilter("ignore")
        return found
