"""Everything Skywarden can complain about, as one tree.

    SkywardenError
    ├── InputError          a file somebody wrote is wrong: every fault at once, each with file,
                            line, value and what to do
    │   ├── SiteError
    │   ├── ScenarioError
    │   ├── StudyError      asked wrongly, too: exit 2
    │   └── TableError      detections, rounds, recorded flights
    ├── FeedError           the outside world: a socket, a missing device, a stream that is not what
                            its URL says
    ├── RecordError         a record that cannot be opened, written or continued
    └── UsageError          asked wrongly: the command line answers with exit 2
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One thing wrong in one file.

    file  str        as the user named it
    line  int | None from 1; None where a line has no meaning (binary data, a missing file)
    what  str        what is wrong, with the value found
    do    str        what to do about it
    """

    file: str
    line: int | None
    what: str
    do: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}  {self.what}\n    {self.do}"


class SkywardenError(Exception):
    """Anything that is reported to the user as a sentence, never as a traceback."""


class InputError(SkywardenError):
    """A file somebody wrote is wrong. Carries every `Fault` found, not just the first."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class SiteError(InputError):
    """A site's `site.toml`, `zones.geojson` or terrain is wrong."""


class ScenarioError(InputError):
    """A scenario, or the recorded flights it names, is wrong."""


class StudyError(InputError):
    """A study's file is wrong; the command line answers with exit 2."""


class TableError(InputError):
    """A table of detections, rounds or flights is wrong."""


class FeedError(SkywardenError):
    """The outside world did not give what its URL promised."""


class RecordError(SkywardenError):
    """A record cannot be opened, written or read on."""


class UsageError(SkywardenError):
    """The command was asked wrongly; exit code 2."""
