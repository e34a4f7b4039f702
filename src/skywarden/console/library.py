"""The records in a folder, and the report of one as a page that needs no exception from the
console's strict policy.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from html import unescape
from pathlib import Path
from typing import Any

from skywarden.errors import RecordError, SkywardenError
from skywarden.record.reader import Record, foreign
from skywarden.review import export

GROWING_S = 5.0         # since a record last grew; one of a run that goes on grows with every frame
MOST = 500              # records listed, newest first
MOST_MEMORY = 3 << 30   # bytes of address space of the process that makes a report or an export
LONGEST_S = 300         # seconds of processor time that it may take
_ONE_AT_A_TIME = threading.Lock()
_LIMITED = """import os, resource, sys
memory, seconds = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
os.nice(10)
os.execv(sys.argv[3], sys.argv[3:])
"""
SUFFIX = ".rec"
STYLED = re.compile(r'<([a-zA-Z][\w:-]*)((?:\s[^<>]*?)?)\sstyle="([^"]*)"([^<>]*)>')
CLASS = re.compile(r'(\sclass=")([^"]*)"')
SHEET = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


def records(folder: Path, writing: Path | None = None) -> list[dict[str, Any]]:
    """Every record of a folder, newest first, with what it says of itself; one that cannot be read
    says why.

    writing  the record of the run that is going on, which has no outcome yet; of other runs one is
             known by having grown a moment ago
    """
    found = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime,
        reverse=True)[:MOST] if folder.is_dir() else []
    return [_about(path, writing) for path in found]


def find(folder: Path, name: str) -> Path | None:
    """The record of that file name; None where there is none. Never anything outside the folder."""
    return next((path for path in folder.glob(f"*{SUFFIX}") if path.name == name), None) if folder.is_dir() else None


def telling(path: Path, writing: Path | None = None) -> bool:
    """Whether a record tells what is true of a simulation that still goes on: it is being written,
    or its seed is secret.

    path     the record's file
    writing  record that is being written, None for none
    """
    try:
        with foreign(path), Record(path) as record:
            return record.simulation and (record.secret or (_grows(path, writing) and not record.outcome))
    except SkywardenError:
        return _grows(path, writing)


def page(path: Path) -> tuple[str, str]:
    """The report of a record as HTML, and the Content-Security-Policy that lets just its own styles
    through. Raises `SkywardenError`.

    path  the record's file
    """
    with tempfile.TemporaryDirectory(prefix="skywarden-report-") as folder:
        made = Path(folder) / "report.html"
        _worker("review", path, "--out", made)
        return seal(made.read_text("utf-8"))


def exported(path: Path, form: str, folder: Path) -> Path:
    """The record written as `form` into `folder`; a form of several files comes as one ZIP. Raises
    `SkywardenError`.

    path  the record's file
    """
    if form not in export.FORMS:
        raise RecordError(f"{form[:40]!r} is no form of export; {', '.join(export.FORMS)} are")
    made = folder / f"{path.stem}.{form}"
    _worker("export", path, "--to", form, "--out", made)
    return Path(shutil.make_archive(str(made), "zip", made)) if made.is_dir() else made


def _worker(verb: str, record: Path, *words: object) -> None:
    """Have a process of its own work on a record that may come from anywhere, with limits on its
    memory and time.

    One at a time, and gently: the defence runs beside it. Raises RecordError with the sentence it
    ended with.
    """
    program = shutil.which("skywarden", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if program is None:
        raise RecordError(f"{record.name}: the program skywarden is not beside this Python; install it whole")
    command = [program, verb, *(str(word) for word in words), "--", str(record)]
    with _ONE_AT_A_TIME:
        try:
            told = subprocess.run(
                [sys.executable, "-c", _LIMITED, str(MOST_MEMORY), str(LONGEST_S), *command], capture_output=True,
                timeout=LONGEST_S + 30.0, check=False)
        except subprocess.TimeoutExpired:
            raise RecordError(f"{record.name}: this takes longer than {LONGEST_S} s; try it with `skywarden "
                f"{verb}`") from None
        except OSError as error:
            raise RecordError(f"{record.name}: no process could be started for it: {error.strerror or error}") from None
    if told.returncode:
        said = told.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[-1].removeprefix("skywarden: "
            "") if said else f"it ended with {told.returncode}, beyond the limits of memory or time perhaps"
        raise RecordError(f"{record.name}: {why[:300]}")


def seal(html: str) -> tuple[str, str]:
    """The same page with every style attribute turned into a class, so that style sheets named by
    their hash are all it needs.

    html  the page's text
    """
    classes: dict[str, str] = {}

    def turned(match: re.Match[str]) -> str:
        tag, before, style, after = match.groups()
        rest, style = before + after, unescape(style)
        # a style that could close the sheet is none of the report's: it is dropped
        if not set(style) & set("<{}"):
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
    grows = _grows(path, writing)
    said: dict[str, Any] = {"name": path.name, "bytes": about.st_size}
    try:
        with foreign(path), Record(path) as record:
            header, span = record.header, record.span()
            said |= {
                "kind": "SIMULATION" if record.simulation else "LIVE", "site": header.site, "scenario": ""
                if record.secret else header.scenario or "",
                "created": record.created_unix_s, "epoch_ms": header.epoch_ns / 1e6, "seconds": 0.0 if span is None
                else round(span[1] - span[0], 1),
                "outcome": record.outcome, "running": grows and not record.outcome,
            }
    except SkywardenError as error:
        said["fault"] = str(error)
    return said


def _grows(path: Path, writing: Path | None) -> bool:
    """Whether a record is being written now: by this run, or by another one a moment ago."""
    mine = writing is not None and path.resolve() == writing.resolve()
    return mine or 0.0 <= time.time() - path.stat().st_mtime < GROWING_S
