"""The seal of a record: one value that any change of it changes, signed by the site's key in a file
of its own.

The digests in a record are no signature: who can write the file can write new ones. A seal is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from joserfc.jwk import OKPKey

from skywarden.errors import RecordError
from skywarden.exercise import keys
from skywarden.record.header import digest
from skywarden.record.reader import Record, foreign

KIND = "skywarden-seal+jws"
SUFFIX = ".seal"


class Sealed(NamedTuple):
    """What became of checking a record against its seal; `fault` is empty where it is as it was
    sealed.
    """

    seal: str
    fault: str


def seal_of(record: Record) -> tuple[str, tuple[str, ...]]:
    """A record's seal, and what is not as it was recorded, in words; the seal is empty where
    anything is not.
    """
    faults = record.faults()
    before, n = record.header.digest(record.form), 0
    for row in record.rows():
        before, n = row.link(record.form), row.n
    if not record.outcome:
        faults = [*faults, "it did not end in order: it has no seal of its own"]
    if faults or not n:
        return "", tuple(faults or ["it holds no frame"])
    # what the chain does not hold, too: by what it was made, how it ended, and the seed that was revealed
    beside = [record.machine, record.outcome, record.created_unix_s, repr(record.revealed)]
    said = json.dumps(beside, sort_keys=True).encode()
    return digest(b"skywarden exercise", record.header.digest(record.form), before, n.to_bytes(8, "little"),
        said).hex(), ()


def write_seal(path: Path, key: OKPKey) -> Path:
    """Sign a record's seal into the file beside it. Raises RecordError where it is not as it
    was recorded, or not ended in order.

    path  the record's file
    key   the site's key
    """
    with foreign(path), Record(path) as record:
        seal, faults = seal_of(record)
        frames, site = len(record), record.header.site
    if faults:
        raise RecordError(f"{path} cannot be sealed: {'; '.join(faults[:3])}")
    beside = path.with_name(path.name + SUFFIX)
    beside.write_text(keys.sign(key, {"seal": seal, "frames": frames, "site": site}, KIND) + "\n", encoding="utf-8")
    return beside


def check_seal(path: Path, key: OKPKey) -> Sealed:
    """A record against the signed seal beside it: whatever was changed, cut or added since then
    is found.

    path  the record's file
    key   the site's key
    """
    beside = path.with_name(path.name + SUFFIX)
    try:
        token = beside.read_text("utf-8", errors="replace")
    except OSError:
        return Sealed("", f"{beside} is missing: the record was never sealed, or its seal was taken away")
    said = keys.opened(key, token)
    if said is None or not isinstance(said.get("seal"), str):
        return Sealed("", f"{beside} was not signed with this key")
    try:
        with foreign(path), Record(path) as record:
            seal, faults = seal_of(record)
    except RecordError as error:
        return Sealed("", str(error))
    if faults:
        return Sealed("", f"{path}: {faults[0]}")
    if seal != said["seal"]:
        return Sealed("", f"{path} is not the record that was sealed: its digests were written anew")
    return Sealed(seal, "")
