"""Parquet tables, read in a process of their own: their reader panics on some damaged files, and
ends the process it runs in on others.

    file's bytes -> child: columns asked for, bounded -> Arrow -> table        a child that ends: a sentence
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl  # heavy: where no table is read it is not loaded

MEMORY = 8 << 30  # bytes of address space that reading a table may take
SECONDS = 300  # seconds of processor time that it may take
LONGEST = 200  # characters of what the reader says that are told


class DamagedError(Exception):
    """A Parquet table cannot be read; its text says why."""


class LackingError(Exception):
    """Columns that are needed are not in the table.

    heading  names of the columns that are
    """

    def __init__(self, heading: list[str]) -> None:
        super().__init__("columns are missing")
        self.heading = heading


class TooLongError(Exception):
    """The table holds more rows than may be read.

    rows  how many it holds
    """

    def __init__(self, rows: int) -> None:
        super().__init__(f"{rows} rows")
        self.rows = rows


def read_parquet(
    content: bytes, needed: Sequence[str] | None, optional: Sequence[str] = (), most_rows: int = 20_000_000
) -> pl.DataFrame:
    """Columns of a Parquet table, in their own types, blanks around their names left out.

    content    the file's bytes
    needed     names of the columns without which it is no such table; None: every column is read
    optional   names of those that are read where they are there
    most_rows  rows it may hold

    Raises DamagedError, LackingError or TooLongError; whatever the file is, this process goes on.
    """
    import polars as pl

    asked = json.dumps({"needed": needed, "optional": list(optional), "most_rows": most_rows})
    done = subprocess.run(
        [sys.executable, "-P", "-m", "skywarden.files.parquet", asked], input=content, capture_output=True, check=False
    )
    head, _, body = done.stdout.partition(b"\n")
    try:
        said: dict[str, Any] = json.loads(head)
    except ValueError:
        raise DamagedError("its reader ended without an answer") from None
    _judged(said)
    return pl.read_ipc(io.BytesIO(body))


def read_here(
    content: bytes, needed: Sequence[str] | None, optional: Sequence[str] = (), most_rows: int = 20_000_000
) -> pl.DataFrame:
    """As `read_parquet`, in this very process, which some damaged files end.

    content    the file's bytes
    needed     names of the columns without which it is no such table; None: every column is read
    optional   names of those that are read where they are there
    most_rows  rows it may hold
    """
    import polars as pl

    try:
        scan = pl.scan_parquet(io.BytesIO(content))
        heading = {column.strip(): column for column in scan.collect_schema().names()}
        if any(column not in heading for column in needed or ()):
            raise LackingError([*heading])
        rows = int(scan.select(pl.len()).collect().item())
        if rows > most_rows:
            raise TooLongError(rows)
        wanted = [*heading] if needed is None else [c for c in (*needed, *optional) if c in heading]
        return scan.select(pl.col(heading[column]).alias(column) for column in wanted).collect()
    except (KeyboardInterrupt, SystemExit, LackingError, TooLongError):
        raise
    except BaseException as problem:  # besides many kinds of its own it panics, which is no Exception
        lines = str(problem).strip().splitlines()
        raise DamagedError(lines[0][:LONGEST] if lines else type(problem).__name__) from None


def _judged(said: dict[str, Any]) -> None:
    """Raise what the child said."""
    if "damaged" in said:
        raise DamagedError(str(said["damaged"]))
    if "heading" in said:
        raise LackingError([str(name) for name in said["heading"]])
    if "rows" in said:
        raise TooLongError(int(said["rows"]))


def _answer(content: bytes, asked: dict[str, Any]) -> bytes:
    """A line of what became of it, and the table as Arrow where it could be read."""
    try:
        table = read_here(content, asked["needed"], asked["optional"], asked["most_rows"])
    except DamagedError as error:
        return json.dumps({"damaged": str(error)}).encode()
    except LackingError as error:
        return json.dumps({"heading": error.heading}).encode()
    except TooLongError as error:
        return json.dumps({"rows": error.rows}).encode()
    packed = io.BytesIO()
    table.write_ipc(packed)
    return b"{}\n" + packed.getvalue()


def _child() -> None:
    for what, limit in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        with suppress(OSError, ValueError):
            resource.setrlimit(what, (limit, limit))
    sys.stdout.buffer.write(_answer(sys.stdin.buffer.read(), json.loads(sys.argv[1])))


if __name__ == "__main__":
    _child()
