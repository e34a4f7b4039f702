"""Reading what people write: TOML tables and text files, with every fault collected, each with its
line and what to do about it.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from skywarden.errors import Fault
from skywarden.files.text import as_text

LONGEST_HEADING = 2000          # characters of a line in which a table's or a key's name is looked for
# a name of so many parts: reading it takes time by the square of their number
_DEEP = re.compile(r"""(?:\.\s{0,3}[\w"'-]{1,50}\s{0,3}){40}""")
_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*([A-Za-z0-9_-]+|"[^"]*"|'[^']*')\s*(\.\s*[A-Za-z0-9_.-]+\s*)?=""")
REQUIRED = object()
MOST_KEYS = 100_000             # keys and tables of one file; five thousand raids have some fifty thousand
LONGEST_KEY = 200               # characters of a key that may be meant for another
MOST_TABLES = 10_000            # tables of one name
MOST_FAULTS = 200               # faults of one file that are told one by one


class Document:
    """One TOML file being read: its tables, the line of every key, and the faults found so far."""

    def __init__(self, name: str, content: bytes, faults: list[Fault]) -> None:
        self.name, self.faults, self._told = name, faults, 0
        self.lines: dict[tuple[str | int, ...], int] = {}
        self.data: dict[str, Any] | None = None
        text = as_text(name, content, faults, utf8_only=True)
        if text is None:
            return
        deep = _DEEP.search(text)
        if deep:
            line = text.count("\n", 0, deep.start()) + 1
            faults.append(Fault(name, line, "a key of more than 40 parts joined by dots",
                "No key here is nested so deeply; mend the line."))
            return
        try:
            self.data = tomllib.loads(text)
        # ValueError: besides bad TOML, a number of thousands of digits
        except (ValueError, RecursionError) as error:
            where = re.search(r"line (\d+)", str(error))
            faults.append(Fault(name, int(where[1]) if where else None, f"is not valid TOML: {error}",
                "Mend the line; text values need quotes."))
            return
        self.lines = _locate(text)
        if len(self.lines) > MOST_KEYS:
            faults.append(Fault(name, None, f"holds {len(self.lines):,} keys, more than {MOST_KEYS:,}",
                "Split it, or name the right file."))
            self.data = None

    def line(self, path: Sequence[str | int]) -> int | None:
        """Line of a key, or of the nearest thing around it.

        path  keys and indices from the document's root
        """
        for k in range(len(path), 0, -1):
            if tuple(path[:k]) in self.lines:
                return self.lines[tuple(path[:k])]
        return 1

    def fault(self, path: Sequence[str | int], what: str, do: str) -> None:
        """Note a fault of the file, the first MOST_FAULTS of them.

        path  keys and indices from the document's root
        what  what is wrong
        do    what to do about it
        """
        self._told += 1
        if self._told <= MOST_FAULTS:
            self.faults.append(Fault(self.name, self.line(path), what, do))
        elif self._told == MOST_FAULTS + 1:
            self.faults.append(Fault(self.name, self.line(path), "more faults from here on", "Mend those above first."))

    def root(self) -> Table:
        """The document as a table; an empty one where it could not be parsed."""
        return Table(self, self.data or {}, ())


def _locate(text: str) -> dict[tuple[str | int, ...], int]:
    """Line of every table header and key, by path; arrays of tables are numbered from 0."""
    lines: dict[tuple[str | int, ...], int] = {}
    counts: dict[tuple[str | int, ...], int] = {}
    prefix: tuple[str | int, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line[:LONGEST_HEADING])
        key = _KEY.match(line[:LONGEST_HEADING])
        if header and not key:
            prefix = ()
            names = [part.strip().strip("\"'") for part in header[2].split(".")]
            for part in names[:-1]:
                prefix = (*prefix, part)
                lines.setdefault(prefix, number)
                if prefix in counts:
                    prefix = (*prefix, counts[prefix] - 1)
            prefix = (*prefix, names[-1])
            if header[1] == "[[":
                counts[prefix] = counts.get(prefix, 0) + 1
                lines.setdefault(prefix, number)
                prefix = (*prefix, counts[prefix] - 1)
            lines.setdefault(prefix, number)
        elif key:
            path: tuple[str | int, ...] = (*prefix, key[1].strip("\"'"))
            lines.setdefault(path, number)
            if key[2]:
                lines.setdefault((*path, *(part.strip() for part in key[2].strip(" .").split("."))), number)
    return lines


class Table:
    """One TOML table being read. Every getter answers with a usable value and notes a fault where
    the file had none.
    """

    def __init__(self, document: Document, data: Mapping[str, Any], path: tuple[str | int, ...]) -> None:
        self.document, self.data, self.path = document, data, path
        self._asked: set[str] = set()

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self.data

    def fault(self, key: str, what: str, do: str) -> None:
        """Note a fault of one key.

        what  what is wrong
        do    what to do about it
        """
        self.document.fault((*self.path, key), what, do)

    def number(
        self, key: str, default: Any = REQUIRED, low: float = -math.inf, high: float = math.inf, scale: float = 1.0
    ) -> float:
        """A finite number between `low` and `high` as written, times `scale`; `default` is already
        in SI.

        key  name of the key
        """
        value = self._get(key, default, "a number")
        if value is default or value is None:
            return math.nan if value is None or default is REQUIRED else float(default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault(key, f'"{key}" is {value!r}, not a number',
                "Write a number without quotes or unit; the unit is in the key's name.")
            return math.nan if default is REQUIRED else float(default)
        number = float(value) if abs(value) < 1e300 else math.inf
        if not math.isfinite(number) or not low <= number <= high:
            self.fault(key, f'"{key}" is {value!r}, outside {_span(low, high)}',
                "Check the unit in the key's name and the value.")
            return math.nan if default is REQUIRED else float(default)
        return number * scale

    def longitude(self, key: str, default: Any = REQUIRED) -> float:
        """A longitude [deg] as radians from -pi to pi; one counted on over the date line, such as
        180.002, is the same place. `default` is in radians.

        key  name of the key
        """
        angle = self.number(key, default, -180.0, 360.0, math.pi / 180.0)
        return angle - 2.0 * math.pi if angle > math.pi else angle

    def integer(self, key: str, default: Any = REQUIRED, low: int = -(2**62), high: int = 2**62) -> int:
        """A whole number from `low` to `high`.

        key      name of the key
        default  value where the key is missing
        """
        value = self._get(key, default, "a whole number")
        if value is default or value is None:
            return 0 if value is None or default is REQUIRED else int(default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fault(key, f'"{key}" is {value!r}, not a whole number from {low} to {high}',
                "Write a whole number without quotes.")
            return 0 if default is REQUIRED else int(default)
        return value

    def text(self, key: str, default: Any = REQUIRED, choices: Sequence[str] = ()) -> str:
        """A text, one of `choices` where there are any.

        key      name of the key
        default  value where the key is missing
        """
        value = self._get(key, default, "a text in quotes")
        if value is default or value is None:
            return "" if value is None or default is REQUIRED else str(default)
        if not isinstance(value, str) or (choices and value not in choices):
            self.fault(key, f'"{key}" is {value!r}', f"Use one of: {', '.join(choices)}." if choices
                else "Write a text in quotes.")
            return str(choices[0]) if choices else ""
        if not choices and (not value.strip() or len(value) > 300):
            self.fault(key, f'"{key}" is blank or longer than 300 characters', "Write a short text.")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """True or false.

        key      name of the key
        default  value where the key is missing
        """
        value = self._get(key, default, "true or false")
        if not isinstance(value, bool):
            self.fault(key, f'"{key}" is {value!r}', "Write true or false, without quotes.")
            return default
        return value

    def numbers(
        self, key: str, default: Any = REQUIRED, length: int | None = None, low: float = -math.inf,
        high: float = math.inf
    ) -> list[float]:
        """A list of finite numbers, of the given length if one is given.

        key      name of the key
        default  value where the key is missing
        low      least value allowed
        high     greatest value allowed
        """
        value = self._get(key, default, "a list of numbers")
        if value is default or value is None:
            return [] if value is None or default is REQUIRED else list(default)
        good = isinstance(value, list) and all(isinstance(v, int | float) and not isinstance(v, bool)
            and math.isfinite(v) and low <= v <= high for v in value)
        if not good or (length is not None and len(value) != length):
            size = f"{length} " if length is not None else ""
            self.fault(key, f'"{key}" is {_short(value)}',
                f"Write a list of {size}numbers in {_span(low, high)}, as in [1.0, 2.0].")
            return [] if default is REQUIRED else list(default)
        return [float(v) for v in value]

    def texts(self, key: str, default: Sequence[str] = ()) -> list[str]:
        """A list of texts.

        key      name of the key
        default  value where the key is missing
        """
        value = self._get(key, default, "a list of texts")
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            self.fault(key, f'"{key}" is {_short(value)}', 'Write a list of texts, as in ["a", "b"].')
            return list(default)
        return list(value)

    def raw(self, key: str, default: Any) -> Any:
        """The value as written, for the caller to check.

        key      name of the key
        default  value where the key is missing
        """
        self._asked.add(key)
        return self.data.get(key, default)

    def table(self, key: str) -> Table:
        """A sub-table; an empty one where it is absent.

        key  name of the key
        """
        self._asked.add(key)
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            self.fault(key, f'"{key}" is {_short(value)}, not a table',
                f"Write [{'.'.join(map(str, (*self.path, key)))}] with its keys below.")
            value = {}
        return Table(self.document, value, (*self.path, key))

    def tables(self, key: str) -> list[Table]:
        """An array of tables; none where it is absent.

        key  name of the key
        """
        self._asked.add(key)
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            self.fault(key, f'"{key}" is {_short(value)}, not a list of tables',
                f"Write [[{key}]] once for each, with its keys below.")
            return []
        if len(value) > MOST_TABLES:
            self.fault(key, f"[[{key}]] stands {len(value):,} times, more than {MOST_TABLES:,}",
                "Keep those that are needed.")
            return []
        return [Table(self.document, v, (*self.path, key, k)) for k, v in enumerate(value)]

    def finish(self) -> None:
        """Name every key nobody asked for: a misspelt one must not be silently without effect."""
        strange = [key for key in self.data if key not in self._asked]
        for key in strange[: MOST_FAULTS + 1]:
            if len(key) > LONGEST_KEY:
                self.fault(key, f"unknown key of {len(key):,} characters", "Delete it.")
            else:
                near = difflib.get_close_matches(key.lower(), sorted(self._asked), 1)
                self.fault(key, f'unknown key "{key}"', f'Did you mean "{near[0]}"?' if near
                    else f"Known here: {', '.join(sorted(self._asked))}.")

    def _get(self, key: str, default: Any, kind: str) -> Any:
        self._asked.add(key)
        if key not in self.data:
            if default is REQUIRED:
                self.fault(key, f'"{key}" is missing', f"Add {key} = … ({kind}).")
                return None
            return default
        return self.data[key]


def _span(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "the finite numbers"
    return f"{low:g} … {high:g}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "…"
