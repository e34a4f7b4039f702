"""A record given out again as the frames it holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from skywarden.messages.frame import Frame
from skywarden.messages.truth import Truth
from skywarden.record.reader import Record


class Replay:
    """A Feed of a record's frames from the first at or after `start` [s], bit for bit as they came
    in, truth beside them where there was any.

    record   a `Record`, left open by `close`, or the path of one
    Raises RecordError at the first row that is not as it was recorded.
    """

    def __init__(self, record: Record | Path | str, start: float = 0.0) -> None:
        self._own = not isinstance(record, Record)
        self.record = record if isinstance(record, Record) else Record(record)
        self._start = start

    def __iter__(self) -> Iterator[tuple[Frame, Truth | None]]:
        for moment in self.record.moments(self._start):
            yield moment.frame, moment.truth

    def close(self) -> None:
        """Close the file, if it was opened here."""
        if self._own:
            self.record.close()
