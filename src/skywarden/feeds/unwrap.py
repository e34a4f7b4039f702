"""Recorded text as its lines, whatever encoding or wrapping it is in; and who a message of an
aircraft is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from skywarden.errors import FeedError
from skywarden.files.first_look import BINARY, HEAD, JSON, JSON_LINES, MARKUP, look
from skywarden.files.text import lines

GZIP = b"\x1f\x8b"
LINES_LOOKED_AT = 50        # lines among which one of the right form must be, in a file that has so many
NOT_ICAO = 1 << 24          # added to an address that its sender marks as none of ICAO's
SUBJECT = re.compile(r"(~?)(?:0[xX])?([0-9a-fA-F]{1,6})")


def text_lines(path: Path) -> Iterator[bytes]:
    """Lines of a recorded text, as UTF-8: byte order mark, UTF-16, lone carriage returns and gzip
    are seen through. Raises FeedError.

    path  the recording's file
    """
    try:
        yield from lines(path)
    except OSError as error:
        raise FeedError(f"{path} cannot be read on: {error}; check the disk, or copy the file") from error


def must_be_text(path: Path, what: str, form: str) -> None:
    """Raises FeedError where a file's first bytes say that it is something else than `what`, of
    which a line matches the pattern `form`.

    path  the recording's file
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise FeedError(f"{path} cannot be read: {error}; check the disk, or copy the file") from error
    seen = look(head)
    if head.startswith(GZIP) or re.search(form, head.decode(seen.encoding or "latin-1", "replace"), re.MULTILINE):
        return
    if seen.kind in (BINARY, MARKUP):
        raise FeedError(f"{path} is {seen.name}, not {what}. {seen.do}")
    if seen.kind in (JSON, JSON_LINES):
        raise FeedError(f"{path} is JSON, not {what}. Read it as aircraft+file:{path}")


def subject(text: str) -> tuple[int, int]:
    """What tells an aircraft from others, and its ICAO address; both from the hexadecimal digits of
    a receiver, which may leave out leading zeros.

    A `~` marks an address that is none of ICAO's: such an aircraft is told apart by it, and has no
    address. -1 where the text is no address.
    """
    found = SUBJECT.fullmatch(text.strip())
    if found is None:
        return -1, -1
    number = int(found[2], 16)
    if found[1]:
        return number + NOT_ICAO, -1
    return (number, number) if 0 < number < 0xFFFFFF else (-1, -1)
