"""The rows of runs, found by what they follow from, kept so that no run is made twice whatever ends
the program.

    out/store/journal.jsonl     a line a run, written before the next result is waited for
    out/store/runs-0000.parquet, rounds-0000.parquet        what the journal held, folded up: whole or not there

`runs.parquet` and `rounds.parquet` beside the store hold the rows of one study in a fixed order,
`executions.parquet` where and how each was made.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
import polars as pl

from skywarden.errors import UsageError

FOLD_RUNS, FOLD_S = 64, 30.0  # a part is written after so many runs, or seconds [s]
ABOUT = {"cpu_s": pl.Float64, "machine": pl.String, "versions": pl.String, "attempts": pl.Int64}
ROUNDS = {
    "key": pl.String,
    "number": pl.Int64,
    "kind": pl.String,
    "zones": pl.String,
    "t_impact_s": pl.Float64,
    "tracked_s": pl.Float64,
    "warned_s": pl.Float64,
    "lead_s": pl.Float64,
    "needed_s": pl.Float64,
    "first_error_m": pl.Float64,
    "engagements": pl.Int64,
    "outcome": pl.String,
}


class Row(NamedTuple):
    """One run: its figures, and what became of each round due."""

    key: str
    figures: Mapping[str, float | int | None]
    rounds: Sequence[Mapping[str, Any]]
    about: Mapping[str, Any]


class Store:
    """The rows in a folder. One program at a time; close it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise UsageError(f"{folder}: another study is at work there; give this one another --out") from None
        self._folder, self._open = folder, 0
        self.figures: dict[str, Mapping[str, Any]] = {}
        self._fresh: list[Row] = []
        self._read()
        self._journal: IO[bytes] = (folder / "journal.jsonl").open("ab")
        self._folded_at = time.monotonic()

    def __contains__(self, key: str) -> bool:
        return key in self.figures

    def put(self, row: Row) -> None:
        """Keep one run: it is on disk when this returns.

        row  the row
        """
        if row.key in self.figures:
            return
        self._journal.write(msgspec.json.encode(row._asdict()) + b"\n")
        self._journal.flush()
        self.figures[row.key] = row.figures
        self._fresh.append(row)
        if len(self._fresh) >= FOLD_RUNS or time.monotonic() - self._folded_at > FOLD_S:
            self.fold()

    def fold(self) -> None:
        """Write what the journal holds as a part of its own, and begin the journal anew."""
        self._folded_at = time.monotonic()
        if not self._fresh:
            return
        part = len(list(self._folder.glob("runs-*.parquet")))
        rounds = [{"key": row.key, **line} for row in self._fresh for line in row.rounds]
        written(pl.DataFrame(rounds, schema=ROUNDS), self._folder / f"rounds-{part:04d}.parquet")
        runs = [{"key": row.key, **row.figures, **row.about} for row in self._fresh]
        written(pl.DataFrame(runs, infer_schema_length=None), self._folder / f"runs-{part:04d}.parquet")
        self._journal.truncate(0)
        self._fresh = []

    def about(self) -> pl.DataFrame:
        """Where and how every run was made."""
        self.fold()
        return (
            pl.concat([part.select("key", *ABOUT) for part in self._parts("runs")])
            if self.figures
            else pl.DataFrame(schema={"key": pl.String, **ABOUT})
        )

    def rounds(self, keys: Iterable[str]) -> pl.DataFrame:
        """The rows of the rounds due in these runs.

        keys  keys of the runs
        """
        self.fold()
        wanted = pl.DataFrame({"key": list(keys)}, schema={"key": pl.String})
        parts = [part.join(wanted, on="key", how="semi") for part in self._parts("rounds")]
        return pl.concat(parts) if parts else pl.DataFrame(schema=ROUNDS)

    def close(self) -> None:
        """Fold up what is left and let others in."""
        self.fold()
        self._journal.close()
        self._lock.close()

    def _parts(self, kind: str) -> list[pl.DataFrame]:
        return [pl.read_parquet(path) for path in sorted(self._folder.glob(f"{kind}-*.parquet"))]

    def _read(self) -> None:
        for part in self._parts("runs"):
            names = [name for name in part.columns if name not in ("key", *ABOUT)]
            for row in part.iter_rows(named=True):
                self.figures[row["key"]] = {name: row[name] for name in names}
        journal = self._folder / "journal.jsonl"
        if not journal.exists():
            return
        lines = journal.read_bytes().split(b"\n")
        for line in lines[:-1]:  # what stands after the last line's end was cut off
            try:
                kept = Row(**msgspec.json.decode(line))
            except (msgspec.DecodeError, TypeError):
                continue
            if kept.key not in self.figures:
                self.figures[kept.key] = kept.figures
                self._fresh.append(kept)
        if lines[-1]:
            whole = b"".join(line + b"\n" for line in lines[:-1])
            journal.write_bytes(whole)


def written(table: pl.DataFrame, path: Path) -> None:
    """Write a table whole or not at all.

    path  the file to write
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    table.write_parquet(temporary)
    os.replace(temporary, path)
