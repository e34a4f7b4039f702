"""A Parquet table is read in a process of its own: what ends that process is a sentence here."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest

from skywarden.errors import TableError
from skywarden.files import parquet
from skywarden.files.parquet import DamagedError, LackingError, TooLongError, read_parquet
from skywarden.files.tables import read_table
from skywarden.tools.convert import convert


def a_table(rows=40):
    return pl.DataFrame({"time_s": np.arange(float(rows)), " sensor ": ["north"] * rows, "beside": [1] * rows})


def packed(table):
    made = io.BytesIO()
    table.write_parquet(made)
    return made.getvalue()


def test_the_columns_that_are_asked_for_come_back_in_their_own_types():
    found = read_parquet(packed(a_table()), ["time_s"], ["sensor", "snr_db"])
    assert found.equals(a_table().select("time_s", pl.col(" sensor ").alias("sensor")))
    assert read_parquet(packed(a_table()), None).columns == ["time_s", "sensor", "beside"]


def test_what_is_missing_too_long_or_damaged_is_told_apart():
    with pytest.raises(LackingError) as lacking:
        read_parquet(packed(a_table()), ["time_s", "range_m"])
    assert lacking.value.heading == ["time_s", "sensor", "beside"]
    with pytest.raises(TooLongError) as long:
        read_parquet(packed(a_table()), ["time_s"], most_rows=39)
    assert long.value.rows == 40
    with pytest.raises(DamagedError):
        read_parquet(packed(a_table())[:-40], ["time_s"])


@pytest.mark.parametrize("ending", ["import os; os.abort()", "import os; os._exit(0)", "print('no answer')",
    "b = bytearray(1 << 45)"])
def test_a_reader_that_ends_its_process_is_a_sentence_here(ending, tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    path.write_bytes(packed(a_table()))
    real = parquet.subprocess.run
    monkeypatch.setattr(parquet.subprocess, "run",
        lambda words, **how: real([words[0], "-c", ending], **how))
    with pytest.raises(TableError, match=r"t\.parquet.*damaged Parquet table: its reader ended without an answer"):
        read_table(path, ["time_s"])
    with pytest.raises(TableError, match="damaged Parquet table"):
        convert(path, tmp_path / "out.csv")
