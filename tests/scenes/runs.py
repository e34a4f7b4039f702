"""Whole runs for the scenes: through the session, or through the installed command as a user gives it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from skywarden.measures.tally import Measures
from skywarden.record.reader import Record
from skywarden.session.request import Request
from skywarden.session.starting import run_request
from skywarden.site.load import from_sources

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
KEYS = [
    "rounds", "detected", "tracked", "warned", "lead_time_s", "engaged", "stopped", "fell_inside", "fell_outside",
    "false_warnings", "aircraft",
    "projectiles_tracked", "inbound", "aircraft_endangered", "frames", "detections", "undecodable", "rejected",
    "rejected_by_cause", "clock_steps",
    "not_believed", "too_late", "unusable"]


def silent() -> Console:
    return Console(file=io.StringIO())


def fly(scenario: str | Path | None = None, **asked: Any) -> dict[str, Any]:
    """Run a scenario, or feeds, as fast as it goes; returns the summary."""
    return run_request(Request(str(scenario) if scenario else None, speed=None, console=False, **asked), silent())


def measured(path: Path) -> Measures:
    """The measures of a record."""
    with Record(path) as record:
        measures = Measures(from_sources(record.header.site_sources, record.header.site), record.simulation)
        for moment in record.moments():
            measures.take(moment)
    return measures


def command(*words: str | Path, **how: Any) -> subprocess.CompletedProcess[str]:
    """The installed command, as a user gives it."""
    return subprocess.run([sys.executable, "-m", "skywarden.cli", *map(str, words)], capture_output=True, text=True,
        timeout=400, check=False, **how)


def asked_json(*words: str | Path) -> dict[str, Any]:
    done = command(*words, "--json")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return dict(json.loads(done.stdout))
