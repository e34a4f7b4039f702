"""What libasterix's tables say of one item of an edition: how long it is, and how its fields are
read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

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


def read_nothing(_data: bytes, _at: int) -> None:
    """None: a field that this edition does not have, whatever `_data` holds from `_at` on."""


def kind_of(variation: Any) -> str:
    """Which of libasterix's structures a variation is.

    variation  structure of an item, or content of a field, from the edition's tables
    """
    return str(variation.__mro__[1].__name__)


def variation_of(rule: Any) -> Any:
    """The structure of an item; of one that depends on others, the one it has by default (they are
    equally long).

    rule  rule of the item, from the edition's tables
    """
    return getattr(rule, "cv_variation", None) or rule.cv_default_variation


def item_of(entry: Any) -> Item | None:
    """An entry of an edition's list of items; None where its bit must not be set.

    entry  of libasterix's tables
    """
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


def field_of(variation: Any, name: str) -> tuple[Any, int, tuple[int, ...]] | None:
    """Of one field of an extended item: its structure, its bit from the item's beginning, and the
    last bytes of the parts before it, whose extension bits must be set; None without such a field.

    variation  structure of the item, from the edition's tables
    name       name of the field
    """
    ends: list[int] = []
    at = 0
    for size, fields in parts_of(variation):
        for called, rule, bit in fields:
            if called == name:
                return rule, bit, tuple(ends)
        at += size
        ends.append(at - 1)
    return None


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
    """The bytes of a part of a compound item; None where they must be measured.

    item  the part, from the edition's tables
    """
    size, sizer = _extent(variation_of(item.cv_rule))
    return size if sizer is None else None


def _place_of(item: Any) -> Item:
    size, sizer = _extent(variation_of(item.cv_rule))
    return Item(item.cv_name, size, sizer)


def reader_of(variation: Any, names: tuple[str, ...], raw: bool, bit: int = 0) -> Reader | None:
    """How to read a field of an item by its names; None where this edition has it not.

    variation  structure of the item, from the edition's tables
    names      of the field, from the outermost structure inwards
    raw        whether bits are read as they stand, whatever they mean
    bit        of the structure within the item, from its first
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
                return reader_of(variation_of(item.cv_rule), names[1:], raw, bit)
            bit += size
        return None
    if kind == "Extended" and names:
        return _extended_reader(variation, names, raw)
    if kind == "Compound" and names:
        return _compound_reader(variation, names, raw)
    return None


def _extended_reader(variation: Any, names: tuple[str, ...], raw: bool) -> Reader | None:
    found = field_of(variation, names[0])
    if found is None:
        return None
    rule, bit, ends = found
    inner = reader_of(variation_of(rule), names[1:], raw, bit)
    return None if inner is None else _behind(ends, inner)


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
            inner = reader_of(variation_of(item.cv_rule), names[1:], raw)
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
