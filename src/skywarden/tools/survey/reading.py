"""A record's radars, surveyed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from skywarden.record.reader import Record
from skywarden.site.load import from_sources
from skywarden.tools.survey.figures import Surveyed
from skywarden.tools.survey.measure import Seen, survey


def survey_record(path: Path) -> list[Surveyed]:
    """The survey of every radar in a record. Raises RecordError where it cannot be read.

    path  the record's file
    """
    with Record(path) as record:
        site = from_sources(record.header.site_sources, record.header.site)

        def seen() -> Iterator[Seen]:
            for moment in record.moments():
                yield Seen(moment.frame, moment.picture.tracks, moment.picture.health.corrected)

        return survey(seen, site)
