"""The records in a folder, and the report of one as a page that needs no exception from the console's strict policy."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import time
from html import unescape
from pathlib import Path
from typing import Any

from skywarden.errors import SkywardenError
from skywarden.record.reader import Record
from skywarden.review import export, report, story

GROWING_S = 5.0         # since a record last grew; one of a run that goes on grows with every frame
MOST = 500              # records listed, newest first
SUFFIX = ".rec"
STYLED = re.compile(r'<([a-zA-Z][\w:-]*)((?:\s[^<>]*?)?)\sstyle="([^"]*)"([^<>]*)>')
CLASS = re.compile(r'(\sclass=")([^"]*)"')
SHEET = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


def records(folder: Path, writing: Path | None = None) -> list[dict[str, Any]]:
    """Every record of a folder, newest first, with what it says of itself; one that cannot be read says why.

    writing  the record of the run that is going on, which has no outcome yet; of other runs one is known by having grown a moment ago
    """
    found = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime, reverse=True)[:MOST] if folder.is_dir() else []
    return [_about(path, writing) for path in found]


def find(folder: Path, name: str) -> Path | None:
    """The record of that file name; None where there is none. Never anything outside the folder."""
    return next((path for path in folder.glob(f"*{SUFFIX}") if path.name == name), None) if folder.is_dir() else None


def page(path: Path) -> tuple[str, str]:
    """The report of a record as HTML, and the Content-Security-Policy that lets just its own styles through. Raises `SkywardenError`."""
    with Record(path) as record:
        return seal(report.page(story.read(record)))


def exported(path: Path, form: str, folder: Path) -> Path:
    """The record written as `form` into `folder`; a form of several files comes as one ZIP. Raises `SkywardenError`."""
    made = folder / f"{path.stem}.{form}"
    export.write(path, form, made)
    return Path(shutil.make_archive(str(made), "zip", made)) if made.is_dir() else made


def seal(html: str) -> tuple[str, str]:
    """The same page with every style attribute turned into a class, so that style sheets named by their hash are all it needs."""
    classes: dict[str, str] = {}

    def turned(match: re.Match[str]) -> str:
        tag, before, style, after = match.groups()
        rest, style = before + after, unescape(style)
        if not set(style) & set("<{}"):         # a style that could close the sheet is none of the report's: it is dropped
            name = classes.setdefault(style, f"y{len(classes)}")
            rest = CLASS.sub(rf'\1\2 {name}"', rest, count=1) if CLASS.search(rest) else f' class="{name}"{rest}'
        return f"<{tag}{rest}>"

    html = STYLED.sub(turned, html)
    rules = "\n".join(f".{name} {{ {style} }}" for style, name in classes.items())
    html = html.replace("</head>", f"<style>{rules}</style></head>", 1)
    hashes = {base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode() for sheet in SHEET.findall(html)}
    sources = " ".join(f"'sha256-{digest}'" for digest in sorted(hashes))
    return html, f"default-src 'none'; style-src {sources}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def _about(path: Path, writing: Path | None) -> dict[str, Any]:
    about = path.stat()
    grows = (writing is not None and path.resolve() == writing.resolve()) or 0.0 <= time.time() - about.st_mtime < GROWING_S
    said: dict[str, Any] = {"name": path.name, "bytes": about.st_size}
    try:
        with Record(path) as record:
            header, span = record.header, record.span()
            said |= {
                "kind": "SIMULATION" if record.simulation else "LIVE", "site": header.site, "scenario": header.scenario or "",
                "created": record.created_unix_s, "epoch_ms": header.epoch_ns / 1e6, "seconds": 0.0 if span is None else round(span[1] - span[0], 1),
                "outcome": record.outcome, "running": grows and not record.outcome,
            }
    except SkywardenError as error:
        said["fault"] = str(error)
    return said
