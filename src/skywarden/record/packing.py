"""Records packed with Zstandard once they are closed, and opened again."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path

import zstandard

from skywarden.errors import RecordError

SUFFIX = ".zst"
LEVEL = 3  # of Zstandard: half to a third of the size at some 100 MB/s
LARGEST = 16 * 1024**3  # bytes that a packed record may have when it is opened
PIECE = 1024 * 1024


def pack(path: Path) -> Path:
    """Pack a closed record, and give the packed file's name; the record is removed once that is
    whole on the disk.

    path  the record's file

    Raises OSError or sqlite3.Error where that cannot be; the record is then as it was.
    """
    fold(path)
    packed, part = path.with_name(path.name + SUFFIX), path.with_name(path.name + SUFFIX + ".part")
    try:
        with path.open("rb") as plain, open(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as out:
            zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).copy_stream(plain, out, size=path.stat().st_size)
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, packed)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    path.unlink()
    return packed


def fold(path: Path) -> None:
    """Fold what a killed process left beside a record into it. Raises sqlite3.Error.

    path  the record's file
    """
    if path.with_name(path.name + "-wal").exists():
        with contextlib.closing(sqlite3.connect(path)) as base:
            base.execute("PRAGMA journal_mode=DELETE")


def unpack(path: Path) -> Path:
    """A packed record unpacked into a temporary file, which is the caller's to remove.

    path  the record's file

    Raises RecordError where it is damaged, or larger than any record.
    """
    handle, name = tempfile.mkstemp(prefix="skywarden-", suffix=".rec")
    try:
        with path.open("rb") as packed, os.fdopen(handle, "wb") as plain:
            size = 0
            for piece in zstandard.ZstdDecompressor().read_to_iter(packed, write_size=PIECE):
                size += len(piece)
                if size > LARGEST:
                    raise RecordError(f"{path} is larger than any record when it is unpacked")
                plain.write(piece)
    except (zstandard.ZstdError, OSError, RecordError) as error:
        os.unlink(name)
        if isinstance(error, RecordError):
            raise
        raise RecordError(
            f"{path} cannot be unpacked: {error}. Copy it again, or make room in {tempfile.gettempdir()}"
        ) from None
    return Path(name)
