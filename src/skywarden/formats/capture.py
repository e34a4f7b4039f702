"""Recorded ASTERIX as payloads: pcap and pcapng captures, framed files, and data blocks written one
after the other. Streamed, never slurped.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from skywarden.formats.network import Payload, Reassembly

CHUNK = 1 << 20             # bytes read at a time
LARGEST_BLOCK = 65_535      # bytes, the length field's end
LARGEST_FRAME = 1 << 20     # bytes of one captured packet or frame; more is no such file
CHAIN = 3                   # further headers in a row that must fit before bytes amid junk are taken for data blocks
LONGEST_SOUGHT = 8192       # bytes of such a block; a network's packets hold 1,500
FIRST_WINDOW = 4096         # bytes searched at first; doubled until a chain is found
CATEGORIES = frozenset((*range(1, 35), 48, *range(61, 66), 129, *range(150, 160), 204, 205, *range(240, 253)))
KNOWN = np.isin(np.arange(256), list(CATEGORIES))

PCAP = {b"\xd4\xc3\xb2\xa1": ("<", 1e-6), b"\xa1\xb2\xc3\xd4": (">", 1e-6), b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9)}
PCAPNG = b"\x0a\x0d\x0d\x0a"


def payloads(path: Path) -> Iterator[Payload]:
    """Every payload of a recording, in its order. What is none is counted in `junk`, the last of it
    with an empty payload.

    path  the recording's file
    """
    with path.open("rb") as file:
        head = file.read(CHUNK)
        if head[:4] in PCAP:
            yield from _pcap(_Reader(file, head), *PCAP[head[:4]])
        elif head[:4] == PCAPNG:
            yield from _pcapng(_Reader(file, head))
        elif (framing := _framing(head)) is not None:
            yield from _framed(_Reader(file, head), framing)
        else:
            yield from _raw(_Reader(file, head))


class _Reader:
    """Bytes of a file, looked at ahead of where it stands."""

    def __init__(self, file: BinaryIO, head: bytes) -> None:
        self._file, self._data, self._at = file, head, 0

    def peek(self, n: int) -> bytes:
        """The next `n` bytes, fewer at the end."""
        while len(self._data) - self._at < n:
            more = self._file.read(max(CHUNK, n))
            if not more:
                break
            self._data, self._at = self._data[self._at:] + more, 0
        return self._data[self._at:self._at + n]

    def skip(self, n: int) -> None:
        self._at += n

    def take(self, n: int) -> bytes:
        data = self.peek(n)
        self._at += len(data)
        return data

    def drain(self) -> int:
        """Pass over all that is left; how many bytes that was."""
        count = len(self._data) - self._at
        self._data, self._at = b"", 0
        while more := self._file.read(CHUNK):
            count += len(more)
        return count


def _pcap(reader: _Reader, order: str, fraction: float) -> Iterator[Payload]:
    """Classic pcap: a 24-byte head, then packets behind 16 bytes each."""
    head = reader.take(24)
    if len(head) < 24:
        yield Payload(b"", junk=len(head))
        return
    link = struct.unpack(order + "I", head[20:24])[0] & 0xFFFF
    network = Reassembly()
    while header := reader.take(16):
        if len(header) < 16:
            yield Payload(b"", junk=len(header))
            break
        seconds, parts, size, _ = struct.unpack(order + "IIII", header)
        if size > LARGEST_FRAME:
            yield Payload(b"", junk=16 + reader.drain())
            break
        packet = reader.take(size)
        if len(packet) < size:
            yield Payload(b"", junk=16 + len(packet))
            break
        yield from network.payloads(packet, link, seconds + parts * fraction)
    yield from network.rest()


def _pcapng(reader: _Reader) -> Iterator[Payload]:
    """pcapng: sections, interfaces and packets as blocks that give their length at both ends."""
    order = "<"
    links: list[tuple[int, float]] = []
    network = Reassembly()
    while head := reader.peek(12):
        if len(head) < 12:
            yield Payload(b"", junk=reader.drain())
            break
        if head[:4] == PCAPNG:
            order, links = (">" if head[8:12] == b"\x1a\x2b\x3c\x4d" else "<"), []
        kind, size = struct.unpack(order + "II", head[:8])
        if size < 12 or size > LARGEST_FRAME or size % 4 or len(block := reader.take(size)) < size:
            yield Payload(b"", junk=(len(block) if 12 <= size <= LARGEST_FRAME and not size % 4 else 0)
                + reader.drain())
            break
        body = block[8:-4]
        if kind == 1 and len(body) >= 8:
            links.append((struct.unpack(order + "H", body[:2])[0], _resolution(body[8:], order)))
        elif kind == 6 and len(body) >= 20:
            interface, high, low, captured, _ = struct.unpack(order + "IIIII", body[:20])
            if interface < len(links):
                link, unit = links[interface]
                yield from network.payloads(body[20:20 + captured], link, ((high << 32) | low) * unit)
        elif kind == 3 and len(body) >= 4 and links:        # a simple packet: of the first interface, without a time
            yield from network.payloads(body[4:4 + struct.unpack(order + "I", body[:4])[0]], links[0][0], math.nan)
    yield from network.rest()


def _resolution(options: bytes, order: str) -> float:
    """Length of a time unit [s] of a pcapng interface: option 9, a microsecond without it."""
    at = 0
    while at + 4 <= len(options):
        code, size = struct.unpack(order + "HH", options[at:at + 4])
        if code == 0:
            break
        if code == 9 and size >= 1 and at + 4 < len(options):
            value = options[at + 4]
            return float(2.0 ** -(value & 0x7F) if value & 0x80 else 10.0**-value)
        at += 4 + (size + 3) // 4 * 4
    return 1e-6


class _Framing(NamedTuple):
    """Where a framed file keeps the length of each frame: `header` bytes stand before the payload,
    `trailer` bytes behind it.
    """

    header: int
    offset: int
    form: str       # of struct
    whole: bool     # the length counts header and trailer too
    trailer: int

    def size(self, head: bytes) -> int:
        """Bytes of the payload of the frame that begins with `head`."""
        value = int(struct.unpack_from(self.form, head, self.offset)[0])
        return value - self.header - self.trailer if self.whole else value


# A length and a time of four bytes each (.rply), alike with longer times, and final format: big-endian length of all,
# four bytes behind.
FRAMINGS = (
    _Framing(8, 0, "<I", False, 0), _Framing(12, 0, "<I", False, 0), _Framing(16, 0, "<I", False, 0),
    _Framing(8, 0, ">I", False, 0),
    _Framing(12, 0, ">I", False, 0), _Framing(8, 0, ">H", True, 4), _Framing(12, 8, "<I", False, 0),
    _Framing(8, 4, "<I", False, 0),
)
JUDGED = 1 << 16            # bytes by which a framing is judged


def _framing(head: bytes) -> _Framing | None:
    """The framing that holds most of the beginning in whole frames of whole data blocks; None for
    blocks without frames.
    """
    if _blocks_fit(head[:LARGEST_BLOCK + 3], whole=False):
        return None
    judged = head[:JUDGED]
    best, most = None, 0
    for framing in FRAMINGS:
        good = _well_framed(judged, framing, complete=len(judged) == len(head))
        if good > most:
            best, most = framing, good
    return best


def _well_framed(data: bytes, framing: _Framing, complete: bool) -> int:
    """Bytes in frames that hold whole data blocks and nothing else. A frame alone amid what is none
    counts for nothing.

    complete   whether the data end where the file does
    """
    good, at = 0, 0
    while 0 <= at < len(data):
        begin, frames = at, 0
        while (end := _frame_end(data, at, framing)) > 0:
            at, frames = end, frames + 1
        if frames > 1 or (frames and begin == 0 and at >= len(data)):
            good += min(at, len(data)) - begin
        at = _next_frame(data, at, framing, complete)
    return good


def _frame_end(data: bytes, at: int, framing: _Framing) -> int:
    """Where the frame that begins at an offset ends, behind its trailer; -1 where there is no whole
    one that holds whole blocks.
    """
    begin = at + framing.header
    if begin + 3 > len(data) or data[begin] not in CATEGORIES:
        return -1
    size = framing.size(data[at:begin])
    if size < 4 or begin + size > len(data) or not _blocks_fit(data[begin:begin + size], whole=True):
        return -1
    return begin + size + framing.trailer


def _next_frame(data: bytes, at: int, framing: _Framing, complete: bool) -> int:
    """The first offset behind `at` where a frame begins that another follows, or the end of the
    file; -1 where there is none.
    """
    octets = np.frombuffer(data, np.uint8)
    first = at + 1 + framing.header
    if first + 4 > len(data):
        return -1
    size = octets[first + 1:-2].astype(np.int32) * 256 + octets[first + 2:-1]
    likely = KNOWN[octets[first:-3]] & (size >= 4) & (octets[first + 3:] >= 0x80)
    for place in (at + 1 + np.flatnonzero(likely)).tolist():
        end = _frame_end(data, place, framing)
        if end > 0 and (_frame_end(data, end, framing) > 0 or (complete and end == len(data))):
            return int(place)
    return -1


def _framed(reader: _Reader, framing: _Framing) -> Iterator[Payload]:
    """Frames one after the other. Behind a damaged one the next is sought from its own beginning
    on: it may be shorter than it says.
    """
    while reader.peek(1):
        head = reader.peek(framing.header)
        size = framing.size(head) if len(head) == framing.header else -1
        total = framing.header + size + framing.trailer
        window = reader.peek(total + framing.header + LARGEST_BLOCK) if 0 <= size <= LARGEST_FRAME else b""
        fits = size > 0 and len(window) >= total
        if fits and _follows(window, total, framing):
            reader.skip(total)
            yield Payload(window[framing.header:framing.header + size])
            continue
        window = reader.peek(CHUNK)
        complete = len(window) < CHUNK
        found = _next_frame(window, 0, framing, complete)
        # itself it is good: what follows is not
        if fits and _frame_end(window, 0, framing) == total and not 0 <= found < total:
            reader.skip(total)
            yield Payload(window[framing.header:framing.header + size])
            continue
        if found < 0:
            skipped = len(window) if complete else max(len(window) - LARGEST_BLOCK, 1)
            reader.skip(skipped)
            yield Payload(b"", junk=skipped)
            continue
        reader.skip(found)
        yield Payload(b"", junk=found)


def _follows(window: bytes, end: int, framing: _Framing) -> bool:
    """Whether a frame that ends there may be believed: the next begins there with a data block, or
    the file ends.
    """
    if end >= len(window):
        return True
    rest = window[end:end + framing.header + 3]
    if len(rest) < framing.header + 3:
        return True
    return framing.size(rest[:framing.header]) >= 4 and rest[framing.header] in CATEGORIES


def _raw(reader: _Reader) -> Iterator[Payload]:
    """Data blocks without frames, one a payload; amid junk the next place is sought where several
    headers follow one another.
    """
    junk = 0
    while head := reader.peek(3):
        size = _block_size(head)
        if size > 0 and len(block := reader.peek(size)) == size:
            reader.skip(size)
            yield Payload(block, junk=junk)
            junk = 0
            continue
        begin, window, found = 1, FIRST_WINDOW, False
        while not found and reader.peek(1):
            skipped, found = _seek(reader, begin, window)
            junk, begin, window = junk + skipped, 0, min(2 * window, CHUNK)
            if junk >= CHUNK:
                yield Payload(b"", junk=junk)
                junk = 0
    if junk:
        yield Payload(b"", junk=junk)


def _seek(reader: _Reader, begin: int, window: int) -> tuple[int, bool]:
    """Move on to where a chain of data blocks begins, `begin` to `window` bytes ahead; bytes
    passed, and whether one was found there.
    """
    data = np.frombuffer(reader.peek(window + CHAIN * LONGEST_SOUGHT), np.uint8)
    total = len(data)
    n = total if total < window + CHAIN * LONGEST_SOUGHT else window
    padded = np.concatenate([data, np.zeros(4, np.uint8)]).astype(np.int64)
    size = padded[1:-3] * 256 + padded[2:-2]
    # Every category's first item is the data source, which every record must have: the first bit of the field
    # specification is set.
    # the end of the data fits, too
    header = np.append(KNOWN[data] & (size >= 4) & (size <= LONGEST_SOUGHT) & (padded[3:-1] >= 0x80), True)
    size = np.append(size, 0)
    start = np.flatnonzero(header[:n])
    start = start[(start >= begin) & (start < total)]
    place = start.copy()
    alive = np.ones(len(start), np.bool_)
    for _ in range(CHAIN):
        place = place + size[np.minimum(place, total)]
        alive &= place <= total
        place = np.minimum(place, total)
        alive &= header[place]
    if alive.any():
        at = int(start[alive.argmax()])
        reader.skip(at)
        return at, True
    reader.skip(n)
    return n, False


def _block_size(head: bytes) -> int:
    """Length [bytes] of the data block that begins so; 0 where none does."""
    if len(head) < 3 or head[0] not in CATEGORIES:
        return 0
    size = head[1] << 8 | head[2]
    return size if size >= 4 else 0


def _blocks_fit(data: bytes, whole: bool) -> bool:
    """Whether data blocks follow one another here: to the very end if `whole`, else for the first
    few or all there are.
    """
    at, count = 0, 0
    while at < len(data):
        size = _block_size(data[at:at + 3])
        if size == 0:
            return False
        at, count = at + size, count + 1
        if not whole and count == CHAIN:
            return True
    return at == len(data) if whole else count > 0


def blocks(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """The data blocks of a payload: category and records, without their headers. Category -1: the
    rest, which holds no block.
    """
    at = 0
    while at < len(payload):
        size = payload[at + 1] << 8 | payload[at + 2] if at + 3 <= len(payload) else 0
        if size < 3 or at + size > len(payload):
            yield -1, payload[at:]
            return
        yield payload[at], payload[at + 3:at + size]
        at += size
