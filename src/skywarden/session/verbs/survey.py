"""`skywarden survey RECORD`: what should be declared of a radar."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from skywarden.errors import UsageError
from skywarden.session.verbs.speaking import example, talk

SURVEY = example("skywarden survey night.rec --html survey.html")


def survey_command(
    record: Annotated[Path, typer.Argument(help="A record file, live or simulated; some minutes of traffic.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the report as one self-contained page, too.")] = None,
) -> None:
    """Measure the radars of a record: errors, noise, detection probability, false alarms, blind
    sectors, with intervals.
    """
    from skywarden.tools.survey import report
    from skywarden.tools.survey.reading import survey_record

    if html is not None and html.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--html {html}: name a file that ends in .html")
    with talk.status("measuring …"):
        found = survey_record(record)
    if html is not None:
        html.write_text(report.page(found, record.name), "utf-8")
        talk.print(f"page: {html}", highlight=False)
    print(json.dumps(report.plain(found)) if as_json else report.text(found))
