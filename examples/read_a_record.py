"""Fly a scenario, record it, and read the record into tables; with pandas installed, into pandas.

python examples/read_a_record.py mortar-raid mortar.rec mortar.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from skywarden import api


def main(
    scenario: str = "mortar-raid", record: str = "run.rec", picture: str = "run.png", duration: float | None = None
) -> None:
    if not Path(record).exists():
        print(api.run(scenario, record=record, duration=duration).summary)
    tracks = api.table(record, "tracks")
    print(
        tracks.group_by("track")
        .agg(pl.col("t").min().alias("from"), pl.col("t").max().alias("to"), pl.col("projectile").last())
        .sort("track")
    )
    warnings = api.table(record, "warnings")
    print(
        warnings.group_by("zone").agg(pl.col("since").min(), pl.col("probability").max())
        if warnings.height
        else "nobody was warned"
    )
    api.plot(record).savefig(picture)
    print(picture)


if __name__ == "__main__":
    main(*sys.argv[1:4])
