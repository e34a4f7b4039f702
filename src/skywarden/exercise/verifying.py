"""A file that somebody shows, checked: a sealed record, or a certificate."""

from __future__ import annotations

from pathlib import Path

from joserfc.jwk import OKPKey

from skywarden.errors import UsageError
from skywarden.exercise import credential
from skywarden.exercise.keys import MOST_BYTES
from skywarden.exercise.seal import check_seal


def verify_file(
    file: Path, key: OKPKey, records: Path | None, revoked: Path | None, now: float,
) -> tuple[str, ...]:
    """Everything that is wrong with it, in words; nothing where it is good.

    file     a certificate, a sealed record or a list of revoked certificates
    key      the site's key, of which the public half is enough
    records  folder of the records it rests on, None for the file's own
    revoked  file of the signed list of revoked certificates, None for none
    now      present time [s since 1970]
    """
    try:
        with file.open("rb") as opened:
            head = opened.read(MOST_BYTES)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    if head.startswith(b"SQLite format 3"):
        sealed = check_seal(file, key)
        return (sealed.fault,) if sealed.fault else ()
    if records is None:
        raise UsageError(f"{file}: a certificate is checked against the records: name their folder with --records")
    listed = credential.revocations(revoked, key)
    return credential.verify(head.decode("utf-8", "replace"), records, key, now, listed).faults
