"""What a file is, by its first bytes: the encoding of its text, or the wrapping that has to come
off before it can be read.
"""

from __future__ import annotations

import re
from typing import NamedTuple

HEAD = 65_536  # bytes that are enough for a look
FEWEST_PAIRS = 4  # pairs of bytes below which nothing is taken for UTF-16 without a byte order mark
FEWEST_ZEROS = 0.3  # share of zero bytes on one side of all pairs that tells UTF-16 without a byte order mark

UNNAMED = "binary data"  # a file that is no text and none of those known here
TEXT, MARKUP, JSON, JSON_LINES, BINARY, EMPTY = "text", "markup", "json", "json lines", "binary", "empty"


class Look(NamedTuple):
    """What the first bytes say.

    kind      str   text | json | json lines | markup (text that only a browser or an office program
                    reads) | binary | empty
    name      str   what it is called: "UTF-8", "UTF-16", "gzip", "an HTML page" …
    encoding  str   Python's name of the encoding, byte order mark left out; "" where it is no text
    do        str   what to do where this is not what was wanted
    cr        bool  its lines end with a carriage return alone, as on a Macintosh of old
    """

    kind: str
    name: str
    encoding: str = ""
    do: str = ""
    cr: bool = False


_EXPORT = "Open it in the program that wrote it, and export the table as CSV in UTF-8."
_AGAIN = "It was saved in the place of the file: download the file itself again."

# Beginnings of files that are no text, what they are called, and what to do about them.
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "gzip-compressed", "Unpack it first, e.g. with gunzip."),
    (b"\x28\xb5\x2f\xfd", "Zstandard-compressed", "Unpack it first, e.g. with unzstd."),
    (b"BZh", "bzip2-compressed", "Unpack it first, e.g. with bunzip2."),
    (b"\xfd7zXZ\x00", "xz-compressed", "Unpack it first, e.g. with unxz."),
    (b"\x04\x22\x4d\x18", "LZ4-compressed", "Unpack it first, e.g. with unlz4."),
    (b"\x1f\x9d", "compressed by compress", "Unpack it first, e.g. with gunzip."),
    (
        b"PK\x03\x04",
        "a ZIP archive (workbooks of Excel and LibreOffice are such)",
        f"Unpack it first. Of a workbook: {_EXPORT[0].lower()}{_EXPORT[1:]}",
    ),
    (b"PK\x05\x06", "an empty ZIP archive", "Name the file that was to be in it."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it first."),
    (b"Rar!", "a RAR archive", "Unpack it first."),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file", _EXPORT),
    (b"PAR1", "a Parquet table", "Name a text file, or give the table where one is read."),
    (b"ARROW1", "an Arrow (Feather) table", "Write it as Parquet or CSV."),
    (b"SQLite format 3\x00", "an SQLite database, such as a Skywarden record", "Name a text file."),
    (b"%PDF", "a PDF document", "Name the data itself."),
    (b"\x89PNG", "a PNG picture", "Name the data itself."),
    (b"\xff\xd8\xff", "a JPEG picture", "Name the data itself."),
    (b"GIF8", "a GIF picture", "Name the data itself."),
    (b"II*\x00", "a TIFF picture", "Name the data itself; terrain goes under [terrain] files."),
    (b"MM\x00*", "a TIFF picture", "Name the data itself; terrain goes under [terrain] files."),
    (b"II+\x00", "a BigTIFF picture", "Name the data itself; terrain goes under [terrain] files."),
    (b"\x89HDF", "an HDF5 file", "Export what is needed of it."),
    (b"CDF\x01", "a NetCDF file", "Export what is needed of it."),
    (b"CDF\x02", "a NetCDF file", "Export what is needed of it."),
    (b"\xd4\xc3\xb2\xa1", "a packet capture", "Read it as a feed: asterix+file:PATH."),
    (b"\xa1\xb2\xc3\xd4", "a packet capture", "Read it as a feed: asterix+file:PATH."),
    (b"\x0a\x0d\x0d\x0a", "a packet capture", "Read it as a feed: asterix+file:PATH."),
    (b"\x7fELF", "a program", "Name the data itself."),
    (b"\x00\x05\x16\x07", "what macOS keeps beside a file (._name)", "Name the file without ._ before its name."),
    (b"\x00\x05\x16\x00", "what macOS keeps beside a file", "Name the file itself."),
)

# Byte order marks, longest first, and what they stand for.
_MARKS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xfe\x00\x00", "UTF-32", "utf-32"),
    (b"\x00\x00\xfe\xff", "UTF-32", "utf-32"),
    (b"\xef\xbb\xbf", "UTF-8 with a byte order mark", "utf-8-sig"),
    (b"\xff\xfe", "UTF-16", "utf-16"),
    (b"\xfe\xff", "UTF-16", "utf-16"),
)

# Beginnings of texts that are no table, no JSON and no TOML.
_MARKUP: tuple[tuple[str, str, str], ...] = (
    (r"<!doctype\s+html|<html|<head|<body|<script", "an HTML page, perhaps an error or a log-in page", _AGAIN),
    (
        r"<VRTDataset",
        "a GDAL virtual raster (VRT), which points to other files or addresses",
        "Name those files themselves.",
    ),
    (
        r"<\?xml|<kml|<gpx|<svg|<gml|<osm",
        "an XML file (KML, GPX, GML and others are such)",
        "Export it as the form that is read here.",
    ),
    (r"\{\\rtf", "a Rich Text document of a word processor", "Save it as plain text in UTF-8."),
    (r"version https://git-lfs", "not the file but a pointer of Git LFS to it", "Fetch the file itself: git lfs pull."),
    (r"-----BEGIN PGP|-----BEGIN AGE", "an encrypted file", "Decrypt it first."),
)
_MARKUP_START = tuple((re.compile(pattern, re.IGNORECASE), name, do) for pattern, name, do in _MARKUP)
_JSON_LIST = re.compile(r'\[\s*(?:[{"]|\[\s*-?\d|-?\d+(?:\.\d+)?\s*,)')
_SECOND_OBJECT = re.compile(r"^[^\n]*\}[ \t]*\r?\n\s*\{")


def look(head: bytes) -> Look:
    """What a file is whose first bytes are `head`: up to `HEAD` of them, all where it is shorter."""
    if not head.strip():
        return Look(EMPTY, "empty", "utf-8", "Name the file with the data in it.")
    for mark, name, encoding in _MARKS:
        if head.startswith(mark):
            return _text(head, name, encoding)
    for magic, name, do in _MAGIC:
        if head.startswith(magic):
            return Look(BINARY, name, "", do)
    unmarked = _without_mark(head)
    if unmarked:
        return _text(head, "UTF-16", unmarked)
    if b"\0" in head:
        return Look(BINARY, UNNAMED, "", "Name the right file: this is no text.")
    return _text(head, "UTF-8", "utf-8")


def _without_mark(head: bytes) -> str:
    """UTF-16 that does not say so: in Western text, every second byte of it is zero. "" where it is
    something else.
    """
    even, odd = head[0 : len(head) // 2 * 2 : 2], head[1 : len(head) // 2 * 2 : 2]
    if len(odd) < FEWEST_PAIRS:
        return ""
    high_last, high_first = odd.count(0) / len(odd), even.count(0) / len(even)
    if high_last > FEWEST_ZEROS and high_first == 0.0:
        encoding = "utf-16-le"
    elif high_first > FEWEST_ZEROS and high_last == 0.0:
        encoding = "utf-16-be"
    else:
        return ""
    start = head[: len(odd) * 2].decode(encoding, "replace")
    return encoding if all(c.isprintable() or c in "\r\n\t" for c in start.rstrip("\ufffd")) else ""


def _text(head: bytes, name: str, encoding: str) -> Look:
    """A text of this encoding, and of what kind it is by how it begins."""
    unit = 4 if "32" in encoding else 2 if "16" in encoding else 1
    start = head[: len(head) // unit * unit].decode(encoding, "replace")
    cr = "\r" in start.rstrip("\r") and "\n" not in start
    begin = start.lstrip()
    for pattern, what, do in _MARKUP_START:
        if pattern.match(begin):
            return Look(MARKUP, what, encoding, do, cr)
    if start.startswith("\x1e") or (begin.startswith("{") and _SECOND_OBJECT.match(begin)):
        return Look(JSON_LINES, name, encoding, "Export it as one JSON document.", cr)
    if begin.startswith("{") or _JSON_LIST.match(begin):
        return Look(JSON, name, encoding, "Name the file that holds what is read here, not JSON.", cr)
    return Look(TEXT, name, encoding, "Save it as plain text in UTF-8.", cr)
