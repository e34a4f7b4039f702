"""How the published editions of ASTERIX lay out their records: cut to items and read field by
field, from libasterix's tables.

libasterix decodes some thousand records a second, and a block that fits no edition costs it
seconds. Its tables are therefore compiled once into sizes and bit places; what is read is what
libasterix reads, to the last bit (tests/stages/test_feed_layout.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from skywarden.formats.structure import Item, Reader, Sizer, item_of, kind_of, read_nothing, reader_of, variation_of

MOST_PATTERNS = 4096        # field specifications remembered by one edition; junk invents them without end


class Pattern:
    """What one field specification of an edition holds: where each of its items begins.

    Items of a fixed size follow one another in runs; a run ends with an item that must be measured.

    layout   the edition
    places   of each item: its run, and its offset in it [bytes]
    steps    of each run but the last: its bytes of fixed size, and how to find the end of what ends
             it
    tail     bytes of the last run
    """

    __slots__ = ("_complete", "layout", "places", "steps", "tail")

    def __init__(self, layout: Layout, items: tuple[Item, ...]) -> None:
        self.layout = layout
        self.places: dict[str, tuple[int, int]] = {}
        self.steps: list[tuple[int, Sizer]] = []
        self.tail = 0
        for name, size, sizer in items:
            self.places[name] = (len(self.steps), self.tail)
            if sizer is None:
                self.tail += size
            else:
                self.steps.append((self.tail, sizer))
                self.tail = 0
        self._complete: dict[tuple[str, ...], bool] = {}

    def has(self, items: tuple[str, ...]) -> bool:
        """Whether all of these items are in it."""
        known = self._complete.get(items)
        if known is None:
            known = self._complete[items] = all(item in self.places for item in items)
        return known


class Record:
    """One record, cut into its items. Fields are asked for by item and names; what is not there is
    nan, 0, or nothing.

    pattern   which items it has
    data      bytes it stands in
    starts    where each of the pattern's runs begins in them
    """

    __slots__ = ("data", "pattern", "starts")

    def __init__(self, pattern: Pattern, data: bytes, starts: list[int]) -> None:
        self.pattern, self.data, self.starts = pattern, data, starts

    def __contains__(self, item: str) -> bool:
        return item in self.pattern.places

    def has(self, items: tuple[str, ...]) -> bool:
        """Whether it has all of these items."""
        return self.pattern.has(items)

    def knows(self, item: str) -> bool:
        """Whether the record's edition has this item at all."""
        return item in self.pattern.layout.variations

    def sized(self) -> bool:
        """Whether it holds an item that says its own size, and so may say it wrongly."""
        variations = (self.pattern.layout.variations[name] for name in self.pattern.places)
        return any(
            kind_of(v) == "Explicit" or (kind_of(v) == "Repetitive" and v.cv_rep_bytes is not None) for v in variations)

    def _place(self, item: str) -> int | None:
        """Where an item begins; None where it is missing."""
        place = self.pattern.places.get(item)
        return None if place is None else self.starts[place[0]] + place[1]

    def number(self, item: str, *names: str) -> float:
        """A quantity in the unit of its specification; nan where it is missing.

        item  the item's name
        """
        at = self._place(item)
        if at is None:
            return math.nan
        value = self.pattern.layout.reader((item, *names))(self.data, at)
        return math.nan if value is None else float(value)

    def whole(self, item: str, *names: str, otherwise: int = 0) -> int:
        """A field's bits as an unsigned number; `otherwise` where it is missing.

        item  the item's name
        """
        at = self._place(item)
        if at is None:
            return otherwise
        value = self.pattern.layout.reader((item, *names), raw=True)(self.data, at)
        return otherwise if value is None else int(value)

    def flag(self, item: str, *names: str) -> bool:
        """Whether a field is there and not zero.

        item  the item's name
        """
        return self.whole(item, *names) != 0

    def text(self, item: str, *names: str) -> str:
        """Characters; none where the field is missing.

        item  name of the item
        """
        at = self._place(item)
        value = None if at is None else self.pattern.layout.reader((item, *names))(self.data, at)
        return "" if value is None else str(value)

    def codes(self, item: str) -> tuple[int, ...]:
        """The values of an item that is a list of elements joined by extension bits; none where it
        is missing.
        """
        at = self._place(item)
        variation = self.pattern.layout.variations.get(item)
        if at is None or variation is None or kind_of(variation) != "Repetitive" or variation.cv_rep_bytes is not None:
            return ()
        bits, found = variation.cv_variation.cv_bit_size + 1, []
        width = bits // 8
        while True:
            value = int.from_bytes(self.data[at:at + width], "big")
            found.append(value >> 1)
            at += width
            if not value & 1:
                return tuple(found)


class Layout:
    """One edition of one category."""

    def __init__(self, category: int, edition: tuple[int, int], record: Any) -> None:
        self.category, self.edition = category, edition
        self._places = [item_of(entry) for entry in record.cv_items_list]
        self.variations: dict[str, Any] = {name: variation_of(item.cv_rule) for name,
            item in record.cv_items_dict.items()}
        self._longest = record.cv_fspec_max_bytes
        self._patterns: dict[bytes, Pattern | None] = {}
        self._readers: dict[tuple[bool, tuple[str, ...]], Reader] = {}
        self.columns: dict[Any, Any] = {}       # how to read a field of many records at once: see `columns`

    def cut(self, data: bytes, at: int) -> tuple[Record, int] | None:
        """The record that begins at an offset, and where it ends; None where none of this edition
        does, to the last bit.

        data  the bytes
        """
        end = at
        total = len(data)
        while end < total and data[end] & 1:
            end += 1
        end += 1
        if end > total or end - at > self._longest:
            return None
        specification = data[at:end]
        try:
            pattern = self._patterns[specification]
        except KeyError:
            pattern = self._pattern(specification)
        if pattern is None:
            return None
        starts = [end]
        for size, sizer in pattern.steps:
            end = sizer(data, end + size)
            if end < 0:
                return None
            starts.append(end)
        end += pattern.tail
        return (Record(pattern, data, starts), end) if end <= total else None

    def reader(self, path: tuple[str, ...], raw: bool = False) -> Reader:
        """How to read a field: item, then names inside it. `raw`: its bits as they stand.

        path  way to the field in the layout
        """
        found = self._readers.get((raw, path))
        if found is None:
            variation = self.variations.get(path[0])
            found = read_nothing if variation is None else reader_of(variation, path[1:], raw) or read_nothing
            self._readers[raw, path] = found
        return found

    def _pattern(self, specification: bytes) -> Pattern | None:
        """The items whose bits are set; None where one of them is not defined."""
        found: list[Item] | None = []
        for k in range(7 * len(specification)):
            if specification[k // 7] & (0x80 >> k % 7):
                place = self._places[k] if k < len(self._places) else None
                if place is None:
                    found = None
                    break
                assert found is not None
                found.append(place)
        if len(self._patterns) >= MOST_PATTERNS:
            self._patterns.clear()
        pattern = self._patterns[specification] = None if found is None else Pattern(self, tuple(found))
        return pattern


@lru_cache(maxsize=1)
def layouts() -> dict[int, tuple[Layout, ...]]:
    """The layouts of every category that libasterix knows and whose records are of one kind, newest
    edition first. Takes a second, once.
    """
    import asterix.generated as generated  # takes 1.4 s: only when it is needed

    found: dict[int, list[Layout]] = {}
    for name in dir(generated):
        match = re.fullmatch(r"Cat_(\d{3})_(\d+)_(\d+)", name)
        if match is not None:
            category, major, minor = (int(x) for x in match.groups())
            record = getattr(getattr(generated, name).cv_uap, "cv_record", None)
            if record is not None:
                found.setdefault(category, []).append(Layout(category, (major, minor), record))
    return {category: tuple(sorted(several, key=lambda layout: layout.edition, reverse=True)) for category,
        several in found.items()}


def records(layout: Layout, data: bytes, at: int = 0) -> Iterator[tuple[Record, int]]:
    """The records that follow one another from an offset on, each with its end, as far as this
    edition reads them.

    layout  the category's layout
    data    the bytes
    at      offset of the first record [bytes]
    """
    while at < len(data):
        cut = layout.cut(data, at)
        if cut is None:
            return
        yield cut
        at = cut[1]
