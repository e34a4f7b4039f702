"""What the command line says, on terminals of few characters and into logs without a width."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TITLE = ("Zürich — Flughafen · 東京 … and a title that is longer than the eighty columns that a log without a terminal "
    "was broken at")


def said(*arguments: str, encoding: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    setting = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "COLUMNS": "40", **environment}
    return subprocess.run(
        [sys.executable, "-m", "skywarden.cli", *arguments], capture_output=True, timeout=300, check=False, env=setting
    )


def a_site(folder: Path) -> Path:
    (folder / "site.toml").write_text(
        f'title = "{TITLE}"\n[origin]\nlatitude_deg = 47.0\nlongitude_deg = 8.0\nelevation_m = 400\n', encoding="utf-8"
    )
    (folder / "zones.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    (folder / "aircraft.json").write_text('{"now": 1700000000, "aircraft": []}\n{"now": 1700000060, "aircraft": []}\n')
    return folder


@pytest.mark.parametrize("encoding", ["ascii", "latin-1:strict"])
def test_a_run_ends_with_its_summary_whatever_the_terminal_can_show(encoding: str, tmp_path: Path) -> None:
    site = a_site(tmp_path)
    done = said(
        "run",
        "--site",
        str(site),
        "--feed",
        f"aircraft+file:{site / 'aircraft.json'}",
        "--speed",
        "max",
        "--no-console",
        encoding=encoding,
    )
    text = done.stdout.decode(encoding.partition(":")[0])
    assert done.returncode == 0, done.stderr
    assert "frames" in text
    assert "\ufffd" not in text


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", b"Z?rich - Flughafen - ?? ..."), ("latin-1", "Zürich - Flughafen · ?? ...".encode("latin-1"))],
)
def test_what_cannot_be_shown_is_shown_as_something_like_it(encoding: str, shown: bytes, tmp_path: Path) -> None:
    (tmp_path / "Zürich — Flughafen · 東京 ….toml").write_text("x")
    done = said("check", str(tmp_path / "Zürich — Flughafen · 東京 ….toml"), encoding=encoding)
    assert shown in done.stdout
    assert done.returncode == 1


def test_lines_of_a_log_are_whole(tmp_path: Path) -> None:
    site = a_site(tmp_path)
    done = said(
        "run",
        "--site",
        str(site),
        "--feed",
        f"aircraft+file:{site / 'aircraft.json'}",
        "--speed",
        "max",
        "--port",
        "0",
        encoding="utf-8",
    )
    lines = done.stderr.decode().splitlines()
    assert f"LIVE: {TITLE}" in lines
    assert "note: there is no zone: nobody is warned" in lines
    assert any(line.startswith("console: http://") and len(line) > 40 for line in lines) or any(
        line.startswith("console: ") for line in lines
    )
