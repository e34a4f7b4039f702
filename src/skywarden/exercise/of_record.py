"""The scores of a recorded exercise: from the record alone, the same bytes each time."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from skywarden.exercise import luck, sheet
from skywarden.exercise.examination import examine
from skywarden.exercise.luck import Fall, Falls
from skywarden.exercise.reading import instants
from skywarden.exercise.score import number, score
from skywarden.exercise.seal import seal_of
from skywarden.exercise.sheet import Sheet
from skywarden.record.header import digest
from skywarden.record.reader import Record, foreign
from skywarden.site.load import from_sources
from skywarden.site.model import Site

SCHEMA = "skywarden.exercise.score/1"


class Exercise(NamedTuple):
    """A recorded exercise as it was read.

    seal     of the whole record; empty where it was not closed in order, or is not as it was
             recorded
    faults   what is not as it was recorded, in words
    falls    what really fell, for the luck alone
    form     which form it was: equal for the same scenario under the same seed
    epoch_s  UTC of its beginning [s since 1970]
    """

    name: str
    site: Site
    sheet: Sheet
    seal: str
    faults: tuple[str, ...]
    falls: tuple[Fall, ...]
    form: str
    epoch_s: float
    simulation: bool


def read_exercise(path: Path | str) -> Exercise:
    """Read a record once from end to end. Raises RecordError where it cannot be read, or is not
    as it was recorded.

    path  the record's file
    """
    with foreign(Path(path)), Record(path) as record:
        site = from_sources(record.header.site_sources, record.header.site)
        falls = Falls(site)
        found = sheet.read(instants(falls.watching(record.moments())), site)
        seal, faults = seal_of(record)
        return Exercise(
            Path(path).name, site, found, seal, faults, tuple(falls.found()), form_of(record),
                record.header.epoch_ns / 1e9,
            record.simulation)


def form_of(record: Record) -> str:
    """A name for the scenario and the seed that were flown, which tells neither.

    record  the opened record
    """
    header = record.header
    parts = [part for name, content in sorted(header.scenario_sources.items()) for part in (name.encode(), content)]
    return digest(*parts, str(header.seed).encode(), getattr(header, "commitment", "").encode()).hex()


def score_record(path: Path | str) -> dict[str, Any]:
    """Scores as plain values for JSON. Everything but `record` and `luck` rests on what could
    be known, and on nothing else.

    path  the record's file
    """
    exercise = read_exercise(path)
    scored = score(exercise.sheet)
    for who, told in scored["people"].items():
        found = examine(exercise.sheet.of(who))
        told["exam"] = {"passed": found.passed, "why_not": list(found.why)}
    return {
        "schema": SCHEMA,
        "record": {"seal": exercise.seal or None, "form": exercise.form, "faults": list(exercise.faults),
            "simulation": exercise.simulation},
        **scored,
        "luck": {who: _luck(exercise, who) for who in dict.fromkeys(s.who for s in exercise.sheet.seatings)}}


def _luck(exercise: Exercise, who: str) -> dict[str, Any]:
    """What chance added to each decision: shown, part of no grade."""
    trials = [(trial, luck.luck(trial, exercise.falls)) for trial in exercise.sheet.of(who) if not trial.stimulus.void]
    known = [(trial, value) for trial, value in trials if math.isfinite(value)]
    return {
        "people": number(math.fsum(value for _, value in known)), "decisions": len(known),
        "each": [{"about": t.stimulus.about, "opened_s": t.stimulus.opened, "people": value} for t, value in known]}
