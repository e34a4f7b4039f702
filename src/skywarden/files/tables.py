"""Tables that people and other programs write, CSV or Parquet: their cells, the line each row
stands in, and sentences about what is wrong with them.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skywarden.errors import Fault, TableError
from skywarden.files.first_look import HEAD, look
from skywarden.files.parquet import DamagedError, LackingError, TooLongError, read_parquet
from skywarden.files.text import as_text, read_bytes

if TYPE_CHECKING:
    import polars as pl  # heavy: where no table is read it is not loaded

LARGEST_TABLE = 512 * 2**20  # bytes of a file
MOST_ROWS = 20_000_000  # rows of a Parquet table, whose bytes say nothing of them
MOST_COLUMNS = 1000  # of any table
LONGEST_HEADING = 100_000  # characters
MOST_FAULTS = 20  # lines of one fault listed one by one; the rest is counted
LINE = "\0line"  # column of line numbers beside the table's own; no text file holds a zero byte

_OTHERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}  # what separates cells elsewhere
_BLANK = b" \t\r\n\x0b\x0c,"  # what a row without a cell is made of
_HINT = re.compile(rb'"?sep=[^\r\n]"?[ \t]*\r?(?:\n|$)')
_DECIMAL_COMMA = re.compile(r"\d,\d")


def read_table(
    path: Path, needed: Sequence[str], optional: Sequence[str] = (), largest: int = LARGEST_TABLE
) -> pl.DataFrame:
    """The table of a file, CSV or Parquet by its first bytes; see `table_of` for a CSV. Raises
    TableError with every fault found.

    path     the file
    largest  greatest size of the file [bytes]

    Of a Parquet table only the needed and optional columns are read, with their own types and
    without the column `LINE`.
    """
    faults: list[Fault] = []
    content = read_bytes(path, faults, largest)
    if content is None:
        raise TableError(
            *(
                fault._replace(do=f"Write a heading ({','.join(needed)}) and a line a row.")
                if fault.what == "is empty"
                else fault
                for fault in faults
            )
        )
    if content[:4] == b"PAR1":
        return _parquet(str(path), content, needed, optional)
    return table_of(str(path), content, needed, optional)


def table_of(name: str, content: bytes, needed: Sequence[str], optional: Sequence[str] = ()) -> pl.DataFrame:
    """A CSV table, every cell as text without blanks around it, None where it is empty.

    name     as the user named the file
    needed   columns without which it is no such table; each is there, once
    content  the file's bytes
    optional columns that are read where they are there, at most once; all others are of no matter

    Column `LINE` holds the line each row begins in. Rows blank throughout are left out. UTF-8 with
    and without a mark, UTF-16 and every kind of line end are read. Raises TableError with a
    sentence for everything else: another separator, a heading twice or missing, cells too many, no
    text at all.
    """
    import polars as pl

    data = _plain(name, content)
    data, first = _from_heading(name, data)
    heading = _heading(name, data, first)
    _judge_heading(name, first, heading, data, needed, optional)
    columns = _unique(heading)
    try:
        table = pl.read_csv(data, infer_schema=False, truncate_ragged_lines=False, raise_if_empty=False)
    except pl.exceptions.PolarsError as problem:
        raise TableError(*_unreadable(name, data, first, len(heading), problem)) from None
    if table.width != len(columns):  # a heading over several lines, or quotes that do not close
        raise TableError(
            Fault(name, first, "the heading cannot be told from the rows", "Close its quotes, or write it without.")
        )
    table.columns = columns
    cells = table.with_columns(pl.all().str.strip_chars())
    cells = cells.with_columns(pl.when(pl.all().str.len_bytes() > 0).then(pl.all()))
    numbers = pl.int_range(first + 1, first + 1 + table.height, dtype=pl.Int64, eager=True)
    if b'"' in data:  # a cell may hold line feeds
        inside = pl.sum_horizontal(pl.all().str.count_matches("\n").fill_null(0)).cum_sum().shift(1, fill_value=0)
        numbers = numbers + table.select(inside.cast(pl.Int64)).to_series()
    cells = cells.with_columns(numbers.alias(LINE)).filter(~pl.all_horizontal(pl.exclude(LINE).is_null()))
    again = cells.filter(pl.all_horizontal(pl.col(c).is_not_null() & (pl.col(c) == c) for c in needed))
    if again.height:
        raise TableError(
            *(
                Fault(
                    name,
                    line,
                    "the heading stands here again",
                    "Delete this line: tables were joined with their headings.",
                )
                for line in again[LINE][:MOST_FAULTS].to_list()
            )
        )
    return cells


def _plain(name: str, content: bytes) -> bytes:
    """The table as UTF-8 with line feeds, whatever it came as."""
    seen = look(content[:HEAD])
    if seen.kind == "text" and seen.encoding == "utf-8" and not seen.cr and b"\0" not in content:
        if content.isascii():
            return content
        try:
            content.decode()
            return content
        except UnicodeDecodeError:
            pass  # said below, with its line
    faults: list[Fault] = []
    text = as_text(name, content, faults)
    if text is None:
        raise TableError(
            *(
                fault._replace(do="Save the table as CSV in UTF-8.") if "UTF-8 text" in fault.what else fault
                for fault in faults
            )
        )
    return text.encode()


def _from_heading(name: str, data: bytes) -> tuple[bytes, int]:
    """The table from its heading on, and the heading's line: blank rows and the hint `sep=,` that
    Excel writes stand before it.
    """
    start = len(data) - len(data.lstrip(_BLANK))
    hint = _HINT.match(data, start)
    if hint:
        start = hint.end() + len(data[hint.end() :]) - len(data[hint.end() :].lstrip(_BLANK))
    start = data.rfind(b"\n", 0, start) + 1  # blanks before the first name belong to it
    if start >= len(data):
        raise TableError(Fault(name, 1, "is empty", "Write a heading and a line a row."))
    return data[start:], data.count(b"\n", 0, start) + 1


def _heading(name: str, data: bytes, line: int) -> list[str]:
    """The names of the columns, without blanks around them."""
    row = data[: data.find(b"\n")] if b"\n" in data else data
    if len(row) > LONGEST_HEADING:
        raise TableError(
            Fault(
                name,
                line,
                f"begins with a line of {len(row):,} characters, which is no heading",
                "Write the columns' names in it.",
            )
        )
    try:
        heading = [cell.strip() for cell in next(csv.reader([row.decode().strip("\r")]), [])]
    except csv.Error as problem:
        raise TableError(
            Fault(name, line, f"the heading cannot be read: {problem}", "Write the columns' names with commas between.")
        ) from None
    if len(heading) > MOST_COLUMNS:
        raise TableError(
            Fault(
                name,
                line,
                f"the heading names {len(heading):,} columns",
                f"Keep the columns that are needed, {MOST_COLUMNS} at most.",
            )
        )
    return heading


def _judge_heading(
    name: str, line: int, heading: list[str], data: bytes, needed: Sequence[str], optional: Sequence[str]
) -> None:
    """Raises TableError where the heading is not that of such a table: other separators, a column
    twice, columns missing.
    """
    known = {*needed, *optional}
    text = data[: data.find(b"\n")].decode() if b"\n" in data else data.decode()
    if not known & set(heading):
        for mark, called in _OTHERS.items():
            if {cell.strip().strip('"').lower() for cell in text.split(mark)} & {
                c.lower() for c in known
            } and mark in text:
                rows = data.split(b"\n", 3)[1:3]
                comma = any(
                    _DECIMAL_COMMA.search(cell) for row in rows for cell in row.decode("utf-8", "replace").split(mark)
                )
                what = f"its cells are separated by {called}" + (", its numbers have decimal commas" if comma else "")
                raise TableError(
                    Fault(
                        name,
                        line,
                        what,
                        f"Write commas between the cells{' and points in the numbers' if comma else ''}: "
                        f"{','.join(needed)}",
                    )
                )
        if len(heading) == 1 and len(known & set(text.split())) > 1:
            raise TableError(
                Fault(
                    name,
                    line,
                    "its cells are separated by blanks",
                    f"Write commas between the cells: {','.join(needed)}",
                )
            )
    faults = [
        Fault(
            name,
            line,
            f'column "{column}" stands {_times(heading.count(column))} in the heading',
            "Keep one of them, or give the others another name.",
        )
        for column in dict.fromkeys(heading)
        if column in known and heading.count(column) > 1
    ]
    faults += [_missing(name, line, column, heading, known) for column in needed if column not in heading]
    if faults:
        raise TableError(*faults)


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def _missing(name: str, line: int | None, column: str, heading: Sequence[str], known: set[str]) -> Fault:
    """The fault of a column that is not there; which one may be meant by it."""
    others = [c for c in heading if c and c not in known]
    low = {c.strip("#").strip().lower(): c for c in others}
    near = difflib.get_close_matches(column, low, 1, 0.75)
    shown = ", ".join(c for c in heading if c)
    do = f'Did you mean "{low[near[0]]}"? Name it {column}.' if near else f"Add a column {column}."
    return Fault(name, line, f'column "{column}" is missing; found {ascii(shown[:200])[1:-1] or "no columns"}', do)


def _unique(heading: Sequence[str]) -> list[str]:
    """The columns' names, those without one and doubles of no matter numbered."""
    taken: set[str] = set()
    names = []
    for k, column in enumerate(heading):
        names.append(column if column and column not in taken else f"\0{k}")
        taken.add(column)
    return names


def _unreadable(name: str, data: bytes, first: int, width: int, problem: Exception) -> Iterator[Fault]:
    """Why a CSV cannot be read: lines with too many cells, each named; else what the reader says."""
    reader = csv.reader(io.StringIO(data.decode(), newline=""))
    long: list[tuple[int, int]] = []
    try:
        for cells in reader:
            if len(cells) > width:
                long.append((first + reader.line_num - 1, len(cells)))
    except csv.Error as error:
        yield Fault(
            name, first + reader.line_num - 1, f"is not CSV: {error}", "Export it again as comma-separated text."
        )
        return
    for line, count in long[:MOST_FAULTS]:
        yield Fault(
            name,
            line,
            f"the line has {count} cells, the heading {width}",
            "Write one cell a column; a number has a decimal point, no comma.",
        )
    if len(long) > MOST_FAULTS:
        yield Fault(
            name,
            long[MOST_FAULTS][0],
            f"{len(long) - MOST_FAULTS} more lines with too many cells",
            "Mend them likewise.",
        )
    if not long:
        yield Fault(
            name,
            None,
            f"the table cannot be read: {_said(problem)}",
            "Export it again as comma-separated text in UTF-8.",
        )


def _said(problem: BaseException) -> str:
    lines = str(problem).strip().splitlines()
    return lines[0][:200] if lines else type(problem).__name__


def _parquet(name: str, content: bytes, needed: Sequence[str], optional: Sequence[str]) -> pl.DataFrame:
    """The columns of a Parquet table that are asked for."""
    try:
        return read_parquet(content, needed, optional, MOST_ROWS)
    except LackingError as error:
        raise TableError(
            *(
                _missing(name, None, column, error.heading, {*needed, *optional})
                for column in needed
                if column not in error.heading
            )
        ) from None
    except TooLongError as error:
        raise TableError(
            Fault(name, None, f"holds {error.rows:,} rows, more than {MOST_ROWS:,}", "Split it, by run or by time.")
        ) from None
    except DamagedError as error:
        raise TableError(Fault(name, None, f"is a damaged Parquet table: {error}", "Write it again.")) from None
