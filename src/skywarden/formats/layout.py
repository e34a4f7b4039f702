"""How the published editions of ASTERIX lay out their records: cut to items and read field by
field, from libasterix's tables.

libasterix decodes some thousand records a second, and a block that fits no edition costs it
seconds. Its tables are therefore compiled once into sizes and bit places; what is read is what
libasterix reads, to the last bit (tests/stages/test_feed_layout.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

MOST_PATTERNS = 4096        # field specifications remembered by one edition; junk invents them without end
# end of the item that begins at an offset; -1 where it does not fit
Sizer = Callable[[bytes, int], int]
# value of a field of the item that begins at an offset; None where it is not there
Reader = Callable[[bytes, int], Any]


class Item(NamedTuple):
    """One item of a layout: its name, its size [bytes] where that is fixed, else 0 and how to find
    its end.
    """

    name: str
    size: int
    sizer: Sizer | None


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
        self._places = [_place(entry) for entry in record.cv_items_list]
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
            found = _nothing if variation is None else _reader(variation, path[1:], raw) or _nothing
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


def _nothing(_data: bytes, _at: int) -> None:
    """Reads a field that this edition does not have."""


def kind_of(variation: Any) -> str:
    """Which of libasterix's structures a variation is."""
    return str(variation.__mro__[1].__name__)


def variation_of(rule: Any) -> Any:
    """The structure of an item; of one that depends on others, the one it has by default (they are
    equally long).

    rule  rule of the item, from the edition's tables
    """
    return getattr(rule, "cv_variation", None) or rule.cv_default_variation


def _place(entry: Any) -> Item | None:
    """An entry of an edition's list of items; None where its bit must not be set."""
    item = getattr(entry, "cv_non_spare", None)
    if item is None:        # spare; random field sequencing occurs in categories that are not read here
        return None
    size, sizer = _extent(variation_of(item.cv_rule))
    return Item(item.cv_name, size, sizer)


def _extent(variation: Any) -> tuple[int, Sizer | None]:
    """The size of an item [bytes] where it is fixed, else 0 and how to find its end."""
    kind = kind_of(variation)
    if kind in ("Element", "Group"):
        return variation.cv_bit_size // 8, None
    if kind == "Explicit":
        return 0, _explicit
    if kind == "Extended":
        return 0, _extended([size for size, _ in parts_of(variation)], variation.cv_items_list[-1][-1] is None)
    if kind == "Repetitive":
        return 0, _repetitive(variation)
    return 0, _compound(variation)


def _explicit(data: bytes, at: int) -> int:
    size = data[at] if at < len(data) else 0
    return at + size if size else -1


def parts_of(variation: Any) -> list[tuple[int, list[tuple[str, Any, int]]]]:
    """Each part of an extended item: its bytes, and its fields as name, structure and bit from the
    item's beginning.

    variation  structure of the item, from the edition's tables
    """
    found, bit = [], 0
    for part in variation.cv_items_list:
        fields, begin = [], bit
        for entry in part:
            if entry is None:
                bit += 1
                continue
            spec, size = entry
            item = getattr(spec, "cv_non_spare", None)
            if item is not None:
                fields.append((str(item.cv_name), item.cv_rule, bit))
            bit += size
        found.append(((bit - begin) // 8, fields))
    return found


def _extended(sizes: list[int], closed: bool) -> Sizer:
    """The end of an item in parts, each ended by an extension bit; where not `closed` the last part
    has none.
    """
    def end(data: bytes, at: int) -> int:
        for k, size in enumerate(sizes):
            at += size
            if at > len(data):
                return -1
            last = k == len(sizes) - 1
            if last and not closed:
                return at
            if not data[at - 1] & 1:
                return at
        return -1       # the last part's extension bit must be zero
    return end


def _repetitive(variation: Any) -> Sizer:
    inner, counter = variation.cv_variation, variation.cv_rep_bytes
    if counter is None:
        width = (inner.cv_bit_size + 1) // 8

        def chained(data: bytes, at: int) -> int:
            while at + width <= len(data):
                at += width
                if not data[at - 1] & 1:
                    return at
            return -1
        return chained
    size = inner.cv_bit_size // 8

    def counted(data: bytes, at: int) -> int:
        begin = at + counter
        return begin + size * int.from_bytes(data[at:begin], "big") if begin <= len(data) else -1
    return counted


def _compound(variation: Any) -> Sizer:
    walk = _walker(variation)
    sizes = [_short(variation, octet) for octet in range(256)]

    def end(data: bytes, at: int) -> int:
        size = sizes[data[at]] if at < len(data) else -1
        if size > 0:
            at += size
            return at if at <= len(data) else -1
        return size if size else walk(data, at, None)[1]
    return end


def _short(variation: Any, octet: int) -> int:
    """Bytes of a compound item whose specification is this one octet; -1 where it is none, 0 where
    it must be walked.
    """
    if octet & 1:
        return 0
    total = 1
    for k in range(7):
        if octet & (0x80 >> k):
            item = variation.cv_items_list[k] if k < len(variation.cv_items_list) else None
            size = None if item is None else size_of(item)
            if item is None:
                return -1
            if size is None:
                return 0
            total += size
    return total


def _walker(variation: Any) -> Callable[[bytes, int, int | None], tuple[int, int]]:
    """Walks a compound item: where its part of a number begins (-1 absent), and where the whole
    ends (-1 where it does not fit).
    """
    places = [None if item is None else _place_of(item) for item in variation.cv_items_list]
    longest = variation.cv_fspec_max_bytes

    def walk(data: bytes, at: int, wanted: int | None) -> tuple[int, int]:
        end = at
        while end < len(data) and data[end] & 1:
            end += 1
        end += 1
        if end > len(data) or end - at > longest:
            return -1, -1
        begin = -1
        for k in range(7 * (end - at)):
            if data[at + k // 7] & (0x80 >> k % 7):
                if k >= len(places) or (place := places[k]) is None:
                    return -1, -1
                if k == wanted:
                    begin = end
                end = end + place.size if place.sizer is None else place.sizer(data, end)
                if not 0 <= end <= len(data):
                    return -1, -1
        return begin, end

    # The specification's own bytes are read as they stand; the parts begin behind them.
    return walk


def size_of(item: Any) -> int | None:
    """The bytes of a part of a compound item; None where they must be measured."""
    size, sizer = _extent(variation_of(item.cv_rule))
    return size if sizer is None else None


def _place_of(item: Any) -> Item:
    size, sizer = _extent(variation_of(item.cv_rule))
    return Item(item.cv_name, size, sizer)


def _reader(variation: Any, names: tuple[str, ...], raw: bool, bit: int = 0) -> Reader | None:
    """How to read a field of an item by its names; None where this edition has it not.

    bit   of the structure within the item, from its first
    """
    kind = kind_of(variation)
    if kind == "Element" and not names:
        return _bits(bit, variation.cv_bit_size, None if raw else content_of(variation.cv_rule))
    if kind == "Group":
        if not names:
            return _bits(bit, variation.cv_bit_size, None)
        for spec, size in variation.cv_items_list:
            item = getattr(spec, "cv_non_spare", None)
            if item is not None and item.cv_name == names[0]:
                return _reader(variation_of(item.cv_rule), names[1:], raw, bit)
            bit += size
        return None
    if kind == "Extended" and names:
        return _extended_reader(variation, names, raw)
    if kind == "Compound" and names:
        return _compound_reader(variation, names, raw)
    return None


def _extended_reader(variation: Any, names: tuple[str, ...], raw: bool) -> Reader | None:
    ends: list[int] = []        # of the parts before, each of whose extension bits must be set
    at = 0
    for size, fields in parts_of(variation):
        for name, rule, bit in fields:
            if name == names[0]:
                inner = _reader(variation_of(rule), names[1:], raw, bit)
                return None if inner is None else _behind(tuple(ends), inner)
        at += size
        ends.append(at - 1)
    return None


def _behind(ends: tuple[int, ...], inner: Reader) -> Reader:
    def read(data: bytes, at: int) -> Any:
        for end in ends:
            if not data[at + end] & 1:
                return None
        return inner(data, at)
    return read


def _compound_reader(variation: Any, names: tuple[str, ...], raw: bool) -> Reader | None:
    for k, item in enumerate(variation.cv_items_list):
        if item is not None and item.cv_name == names[0]:
            inner = _reader(variation_of(item.cv_rule), names[1:], raw)
            return None if inner is None else _within(_walker(variation), k, inner)
    return None


def _within(walk: Callable[[bytes, int, int | None], tuple[int, int]], number: int, inner: Reader) -> Reader:
    def read(data: bytes, at: int) -> Any:
        begin = walk(data, at, number)[0]
        return inner(data, begin) if begin >= 0 else None
    return read


def content_of(rule: Any) -> Any:
    """What the bits of a field mean; of one that depends on others, its default meaning.

    rule  rule of the field, from the edition's tables
    """
    return getattr(rule, "cv_content", None) or rule.cv_default_content


def _bits(bit: int, size: int, content: Any) -> Reader:
    """Reads `size` bits from a bit of the item on, as its content says; as they stand without one."""
    first, last = bit // 8, (bit + size + 7) // 8
    shift, mask = 8 * last - bit - size, (1 << size) - 1
    kind = "" if content is None else kind_of(content)

    def plain(data: bytes, at: int) -> int:
        return int.from_bytes(data[at + first:at + last], "big") >> shift & mask

    if kind in ("ContentQuantity", "ContentInteger"):
        signed = content.cv_signedness.__name__ == "Signed"
        unit = content.cv_lsb if kind == "ContentQuantity" else 1
        half, whole = 1 << (size - 1), 1 << size

        def number(data: bytes, at: int) -> Any:
            value = int.from_bytes(data[at + first:at + last], "big") >> shift & mask
            return (value - whole if signed and value >= half else value) * unit
        return number
    if kind == "ContentString":
        characters = content.cv_string_type

        def text(data: bytes, at: int) -> str:
            return str(characters.to_string(size, plain(data, at)))
        return text
    return plain
