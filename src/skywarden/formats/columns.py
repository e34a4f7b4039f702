"""Many ASTERIX records of one make at once, field by field as columns: what `layout` reads of one,
to the last bit.

A field that lies behind an item of unknown size within its own item is read record by record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from skywarden.formats.layout import Layout, Pattern, Record
from skywarden.formats.structure import content_of, field_of, kind_of, size_of, variation_of
from skywarden.messages.tables import Array

PADDING = 16        # bytes behind the last record that a field may reach into before it is masked
# of a field in each record, and where it is there; None: everywhere
Values = tuple[Array, Array | None]
Column = Callable[[Array, Array], Values]               # bytes, and where the item begins in them


class Columns:
    """Records of one pattern.

    records   in their order; all of the same pattern
    """

    def __init__(self, pattern: Pattern, records: Sequence[Record]) -> None:
        self._pattern, self._records = pattern, records
        parts: list[bytes] = []
        bases, base, last = [], 0, None
        for record in records:
            if record.data is not last:
                base += 0 if last is None else len(last)
                last = record.data
                parts.append(last)
            bases.append(base)
        self._bytes = np.frombuffer(b"".join((*parts, bytes(PADDING))), np.uint8)
        self._starts = np.array([record.starts for record in records], np.int64) + np.array(bases, np.int64)[:, None]

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, item: str) -> bool:
        return item in self._pattern.places

    def number(self, item: str, *names: str) -> Array:
        """(n,) a quantity in the unit of its specification, such as [NM] or [s]; nan where it is
        missing.

        item  the item's name
        """
        found = self._read((item, *names), False)
        if found is None:
            return np.full(len(self), np.nan) if item not in self else np.array(
                [record.number(item, *names) for record in self._records])
        values, there = found
        out = np.asarray(values, np.float64)
        return out if there is None else np.where(there, out, np.nan)

    def whole(self, item: str, *names: str, otherwise: int = 0) -> Array:
        """(n,) a field's bits as an unsigned number; `otherwise` where it is missing.

        item  the item's name
        """
        found = self._read((item, *names), True)
        if found is None:
            return np.full(len(self), otherwise) if item not in self else np.array(
                [record.whole(item, *names, otherwise=otherwise) for record in self._records])
        values, there = found
        return values if there is None else np.where(there, values, otherwise)

    def flag(self, item: str, *names: str) -> Array:
        """(n,) whether a field is there and not zero.

        item  the item's name
        """
        return self.whole(item, *names) != 0

    def codes(self, item: str) -> list[tuple[int, ...]]:
        """Of each record the values of an item that is a list of elements joined by extension bits."""
        return [record.codes(item) for record in self._records]

    def _read(self, path: tuple[str, ...], raw: bool) -> Values | None:
        place = self._pattern.places.get(path[0])
        column = None if place is None else _column_of(self._pattern.layout, path, raw)
        if place is None or column is None:
            return None
        return column(self._bytes, self._starts[:, place[0]] + place[1])


def _column_of(layout: Layout, path: tuple[str, ...], raw: bool) -> Column | None:
    """How to read a field of many records; None where it must be read one by one."""
    known: dict[Any, Column | None] = layout.columns
    key = (raw, path)
    if key not in known:
        known[key] = _column(layout.variations[path[0]], path[1:], raw)
    return known[key]


def _column(variation: Any, names: tuple[str, ...], raw: bool, bit: int = 0) -> Column | None:
    kind = kind_of(variation)
    if kind == "Element" and not names:
        return _bits(bit, variation.cv_bit_size, None if raw else content_of(variation.cv_rule))
    if kind == "Group":
        if not names:
            return _bits(bit, variation.cv_bit_size, None)
        for spec, size in variation.cv_items_list:
            item = getattr(spec, "cv_non_spare", None)
            if item is not None and item.cv_name == names[0]:
                return _column(variation_of(item.cv_rule), names[1:], raw, bit)
            bit += size
    if kind == "Extended" and names:
        return _extended(variation, names, raw)
    if kind == "Compound" and names:
        return _compound(variation, names, raw)
    return None


def _bits(bit: int, size: int, content: Any) -> Column | None:
    """Reads `size` bits from a bit of the item on, as its content says; as they stand without one."""
    first, last = bit // 8, (bit + size + 7) // 8
    shift, mask = 8 * last - bit - size, (1 << size) - 1
    kind = "" if content is None else kind_of(content)
    if last - first > 7 or kind in ("ContentString", "ContentBds"):
        return None

    def plain(data: Array, at: Array) -> Array:
        value = data[at + first].astype(np.int64)
        for k in range(first + 1, last):
            value = value << 8 | data[at + k]
        return value >> shift & mask

    if kind in ("ContentQuantity", "ContentInteger"):
        signed = content.cv_signedness.__name__ == "Signed"
        unit = content.cv_lsb if kind == "ContentQuantity" else 1
        half, whole = 1 << (size - 1), 1 << size

        def number(data: Array, at: Array) -> Values:
            value = plain(data, at)
            return (np.where(value >= half, value - whole, value) if signed else value) * unit, None
        return number
    return lambda data, at: (plain(data, at), None)


def _extended(variation: Any, names: tuple[str, ...], raw: bool) -> Column | None:
    found = field_of(variation, names[0])
    if found is None:
        return None
    rule, bit, ends = found
    inner = _column(variation_of(rule), names[1:], raw, bit)
    return None if inner is None else _behind(ends, inner)


def _behind(ends: tuple[int, ...], inner: Column) -> Column:
    def read(data: Array, at: Array) -> Values:
        there: Array | None = None
        for end in ends:
            more = (data[np.minimum(at + end, data.size - 1)] & 1) != 0
            there = more if there is None else there & more
        values, inside = inner(data, np.minimum(at, data.size - PADDING))
        return values, inside if there is None else there if inside is None else there & inside
    return read


def _compound(variation: Any, names: tuple[str, ...], raw: bool) -> Column | None:
    sizes = [0 if item is None else size_of(item) for item in variation.cv_items_list]
    called = [None if item is None else item.cv_name for item in variation.cv_items_list]
    number = called.index(names[0]) if names[0] in called else -1
    if number < 0 or any(size is None for size in sizes[:number]):
        return None
    inner = _column(variation_of(variation.cv_items_list[number].cv_rule), names[1:], raw)
    if inner is None:
        return None
    fixed = [size or 0 for size in sizes[:number]]
    longest = variation.cv_fspec_max_bytes

    def read(data: Array, at: Array) -> Values:
        octets = [data[at]]
        more = [np.ones(at.size, np.bool_)]             # whether each octet belongs to the specification
        length = np.ones(at.size, np.int64)
        for k in range(1, longest):
            more.append(more[-1] & ((octets[-1] & 1) != 0))
            octets.append(data[np.minimum(at + k, data.size - 1)])
            length += more[-1]
        begin = at + length
        for k, size in enumerate(fixed):
            if size:
                begin = begin + size * (more[k // 7] & ((octets[k // 7] & (0x80 >> k % 7)) != 0))
        there = more[number // 7] & ((octets[number // 7] & (0x80 >> number % 7)) != 0)
        values, inside = inner(data, np.where(there, begin, 0))
        return values, there if inside is None else there & inside
    return read
