"""From a file's bytes to text: one look at its first bytes, then its characters, or a fault that
says what it is instead.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from skywarden.errors import Fault
from skywarden.files.first_look import BINARY, HEAD, JSON, JSON_LINES, MARKUP, Look, look

LARGEST_TEXT = 16 * 2**20  # bytes; nobody writes a longer site or scenario by hand
LONGEST_LINE = 1 << 26  # bytes of one line of a streamed file; a longer one comes in pieces


def read_bytes(path: Path, faults: list[Fault], largest: int = LARGEST_TEXT) -> bytes | None:
    """The bytes of a file, or None and a fault: missing, a folder, unreadable, empty or too large
    to be what it should be.

    path     the file
    faults   faults found so far; new ones are added
    largest  greatest size of the file [bytes]
    """
    try:
        if path.is_dir():
            faults.append(Fault(str(path), None, "is a folder", "Name the file inside it."))
            return None
        if path.exists() and not path.is_file():
            faults.append(Fault(str(path), None, "is a device or a pipe, not a file", "Save it as a file first."))
            return None
        size = path.stat().st_size
        if size > largest:
            faults.append(
                Fault(
                    str(path),
                    None,
                    f"is {size / 2**20:.0f} MiB, far more than such a file needs",
                    f"Keep it below {largest // 2**20} MiB.",
                )
            )
            return None
        content = path.read_bytes()
    except FileNotFoundError:
        faults.append(
            Fault(str(path), None, "there is no such file", "Check the name; `skywarden list` shows what is at hand.")
        )
        return None
    except PermissionError:
        faults.append(Fault(str(path), None, "may not be read", f"Give yourself permission, e.g. chmod u+r {path}"))
        return None
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        faults.append(
            Fault(
                str(path),
                None,
                f"cannot be read: {getattr(error, 'strerror', None) or error}",
                "Check the file and the disk it is on.",
            )
        )
        return None
    if not content.strip():
        faults.append(Fault(str(path), 1, "is empty", "Start from one of the shipped ones."))
        return None
    return content


def as_text(name: str, content: bytes, faults: list[Fault], wanted: str = "", utf8_only: bool = False) -> str | None:
    """`content` as text with line feeds alone, or None and a fault that says what it is instead.

    wanted     "json" where a JSON document is asked for; anywhere else one is a fault, as web
               pages, archives and pictures are
    utf8_only  UTF-16 is a fault, too: forms that their standards write in UTF-8 (TOML, GeoJSON)
    name       name of the file, for faults
    faults     faults found so far; new ones are added
    """
    seen = look(content[:HEAD])
    if seen.kind == BINARY or seen.kind == MARKUP or (seen.kind in (JSON, JSON_LINES) and wanted != "json"):
        what = "is JSON" if seen.kind in (JSON, JSON_LINES) else f"is {seen.name}"
        faults.append(Fault(name, None if seen.kind == BINARY else 1, what, seen.do))
        return None
    if utf8_only and not seen.encoding.startswith("utf-8"):
        faults.append(Fault(name, 1, f"is {seen.name} text", "Save it as UTF-8."))
        return None
    if seen.cr and utf8_only and wanted != "json":
        what = "ends its lines with carriage returns alone, as a Macintosh of old"
        faults.append(Fault(name, 1, what, "Save it with the line ends of Unix or Windows."))
        return None
    try:
        text = content.decode(seen.encoding)
    except UnicodeDecodeError as error:
        faults.append(_undecodable(name, content, seen, error))
        return None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x00" in text:
        faults.append(
            Fault(
                name,
                text[: text.index("\x00")].count("\n") + 1,
                "contains NUL bytes",
                "It is not a text file; name the right one.",
            )
        )
        return None
    return text


def _undecodable(name: str, content: bytes, seen: Look, error: UnicodeDecodeError) -> Fault:
    """The fault of a text that stops being text; of what most likely wrote it, where that can be
    told.
    """
    before = content[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not seen.encoding.startswith("utf-8"):
        return Fault(
            name,
            None,
            f"is not whole {seen.name} text: it breaks off or is mixed at byte {error.start}",
            "Save it again, as UTF-8.",
        )
    line, byte = before.count(b"\n") + 1, content[error.start]
    shown = bytes([byte]).decode("cp1252", "replace")
    like = f', "{shown}" in Windows-1252 or Latin-1' if shown.isprintable() and shown != "�" else ""
    return Fault(
        name,
        line,
        f"is not UTF-8 text (byte 0x{byte:02x}{like})",
        "Save it as UTF-8; if it is binary, it is the wrong file.",
    )


def lines(path: Path, longest: int = LONGEST_LINE) -> Iterator[bytes]:
    """Lines of a text file however long it is, as UTF-8 that ends with a line feed; a line beyond
    `longest` comes in pieces.

    path  the file

    Byte order mark, UTF-16 and lone carriage returns are understood by the file's first bytes, gzip
    is unpacked on the way. What is none of these comes as it is. Raises OSError where the file
    cannot be read on, or its gzip is damaged.
    """
    with path.open("rb") as file:
        yield from _lines(file, longest, 1)


def _lines(file: BinaryIO, longest: int, wrappings: int) -> Iterator[bytes]:
    head = file.read(HEAD)
    seen = look(head)
    file.seek(0)
    if head.startswith(b"\x1f\x8b") and wrappings:
        try:
            with gzip.open(file) as inside:
                yield from _lines(cast(BinaryIO, inside), longest, wrappings - 1)
        except (EOFError, zlib.error) as error:
            raise OSError(f"its gzip is damaged: {error}") from error
        return
    if seen.encoding in ("", "utf-8", "utf-8-sig") and not seen.cr:
        file.seek(3 if seen.encoding == "utf-8-sig" else 0)
        while line := file.readline(longest):
            yield line
        return
    how = "surrogateescape" if seen.encoding.startswith("utf-8") else "replace"
    text = io.TextIOWrapper(file, encoding=seen.encoding, errors=how, newline=None)
    while piece := text.readline(longest):
        yield piece.encode("utf-8", how)
