"""A table of recorded detections as a source, so that it can be merged with others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from skywarden.errors import Fault, TableError
from skywarden.feeds.source import Batch, Item, Look, Plot
from skywarden.feeds.table import frames, read
from skywarden.messages.frame import TWICE
from skywarden.site.model import Site


class TableFile:
    """Detections of a CSV or Parquet file; its times are the run's own. Raises TableError with
    every fault found.
    """

    live, dated, relative, simulated = False, False, True, False

    def __init__(self, path: Path, site: Site) -> None:
        self.name = f"table {path.name}"
        runs = read(path, site)
        if len(runs) > 1:
            raise TableError(Fault(
                str(path), None, f"the table holds {len(runs)} runs, a feed is one",
                "use `skywarden track`, or keep one value of column run"))
        self._detections, self._twice, self._site = runs[0].detections, runs[0].twice, site

    def __iter__(self) -> Iterator[Batch]:
        if self._twice:
            yield Batch(math.nan, received=self._twice, rejected={TWICE: self._twice})
        for frame in frames(self._detections, self._site):
            d = frame.detections
            items: list[Item] = [Plot(*row) for row in zip(*(column.tolist() for column in d), strict=True)]
            for k, heard in enumerate(frame.radars.heard.tolist()):
                if heard > float("-inf"):
                    items.append(Look(min(heard, frame.t), k, float(frame.radars.sector_from[k]),
                        float(frame.radars.sector_width[k])))
            yield Batch(frame.t, tuple(items), received=len(d.t))

    def poll(self) -> list[Batch]:
        """Nothing: a file is iterated, not polled."""
        return []

    def close(self) -> None:
        """Nothing stays open."""
