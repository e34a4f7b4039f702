"""Data blocks of ASTERIX as records: the edition that fits is found, and one bad record costs
itself, not its neighbours.
"""

from __future__ import annotations

from skywarden.formats.capture import CATEGORIES
from skywarden.formats.layout import Layout, Record, layouts

# Items that every record of a category must have.
MANDATORY = {15: ("010", "000"), 21: ("010", "040", "080"), 34: ("010", "000"), 48: ("010",), 62: ("010", "070", "040")}
JUDGED = 64             # records of a block by which an edition is judged
# share of a category's blocks whose beginning must be readable, for that of a block to be believed whose rest is not
BELIEVED = 0.6
ALIGNMENT = 4           # bytes to which senders pad blocks; fewer zeros behind a record are padding, and so are
LONGEST_DOUBTED = 16    # more than so many; between, they may be the end of an item that is longer than it says
MEMORY = 200.0          # blocks over which that share is taken


class BlockReader:
    """Remembers which edition of each category fitted last, and how much of it could be read."""

    def __init__(self) -> None:
        self._edition: dict[int, int] = {}
        # of each category: blocks of which something was read, blocks there were
        self._share: dict[int, tuple[float, float]] = {}

    def read(self, category: int, data: bytes) -> tuple[list[Record], int, int]:
        """The records of a block; bytes that could not be read; 1 where the block is a whole one of
        a category that is not read here.

        category   -1: the bytes are no block at all
        data       the block's content, without category and length
        """
        everything = len(data) + (3 if category >= 0 else 0)
        several = layouts().get(category)
        if several is None:
            plausible = category in CATEGORIES and len(data) > 0 and data[0] & 0x80
            return [], 0 if plausible else everything, 1 if plausible else 0
        records, end = self._best(category, several, data)
        good, seen = self._share.get(category, (0.0, 0.0))
        keep = 0.5 if seen > MEMORY else 1.0
        good, seen = self._share[category] = keep * good + bool(records), keep * seen + 1.0
        if end < len(data):
            if good < BELIEVED * seen:
                records, end = [], 0
            elif records and _doubtful(records, data[end:]):
                records, end = records[:-1], records[-1][1]
            if not records:
                return [], everything, 0
        return [record for record, _, _ in records], len(data) - end, 0

    def _best(
        self, category: int, several: tuple[Layout, ...], data: bytes
    ) -> tuple[list[tuple[Record, int, int]], int]:
        """What the edition reads that reads furthest, the one that fitted last if it reads
        everything; and how far that is.
        """
        needed = MANDATORY.get(category, ())
        first = self._edition.get(category, 0)
        records, end = _cut(several[first], data, needed, len(data))
        if end == len(data):
            return records, end
        for k, layout in enumerate(several):
            if k == first:
                continue
            found, reached = _cut(layout, data, needed, JUDGED)
            if len(found) == JUDGED:
                found, reached = _cut(layout, data, needed, len(data))
            if reached > end:
                records, end = found, reached
                self._edition[category] = k
            if end == len(data):
                break
        return records, end


def _cut(layout: Layout, data: bytes, needed: tuple[str, ...], most: int) -> tuple[list[tuple[Record, int, int]], int]:
    """Records with where they begin and end, at most so many, as far as an edition reads them and
    they have what they must; and where that ends.
    """
    found: list[tuple[Record, int, int]] = []
    at = 0
    while at < len(data) and len(found) < most:
        cut = layout.cut(data, at)
        # a record of one byte holds nothing
        if cut is None or cut[1] == at + 1 or not cut[0].has(needed):
            break
        found.append((cut[0], at, cut[1]))
        at = cut[1]
    return found, at


def _doubtful(records: list[tuple[Record, int, int]], rest: bytes) -> bool:
    """Whether the last record read is the bad one: it says a size itself, and neither padding nor
    what could be a record of its sender follows it.
    """
    if not records[-1][0].sized():
        return False
    if not rest.strip(b"\x00") or not rest.strip(b"\xff"):
        return ALIGNMENT <= len(rest) <= LONGEST_DOUBTED
    if not rest[0] & 0x80:
        return True
    end = 0
    while end < len(rest) and rest[end] & 1:
        end += 1
    first = records[0][0]
    identity = bytes((first.whole("010", "SAC") & 0xFF, first.whole("010", "SIC") & 0xFF))
    return not identity.startswith(rest[end + 1:end + 3])
