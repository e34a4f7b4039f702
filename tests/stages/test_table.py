"""Tables of detections: what is read, and what is said about one that is wrong."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from builders import a_radar, a_site

from skywarden.errors import TableError
from skywarden.feeds.table import Table, frames, read

SITE = a_site()
HEAD = "time_s,range_m,azimuth_rad,elevation_rad,range_rate_mps"


def written(tmp_path, text):
    file = tmp_path / "d.csv"
    file.write_text(text)
    return file


def faults(tmp_path, text):
    with pytest.raises(TableError) as caught:
        read(written(tmp_path, text), SITE)
    return [(f.line, f.what) for f in caught.value.faults]


def test_rows_in_any_order_become_frames_at_the_sites_period_empty_ones_included(tmp_path):
    file = written(tmp_path, f"{HEAD}\n1.0,5000,-0.1,0.2,\n0.3,4000,1,0.1,-50\n")
    (run,) = read(file, SITE)
    assert run.detections.t.tolist() == [0.3, 1.0]
    assert run.detections.azimuth[1] == pytest.approx(2.0 * math.pi - 0.1)
    assert math.isnan(run.detections.range_rate[1])
    given = list(frames(run.detections, SITE))
    assert [f.t for f in given] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert [f.detections.t.shape[0] for f in given] == [0, 0, 1, 0, 1]
    assert all((f.detections.t <= f.t).all() for f in given)
    assert [t for t, _ in ((f.t, x) for f, x in Table(file, SITE))] == [f.t for f in given]


def test_runs_stay_apart_and_sensors_are_found_by_name_or_number(tmp_path):
    site = a_site(a_radar(name="north"), a_radar(name="south"))
    file = written(tmp_path, f"{HEAD},run,sensor\n1,5000,1,0.2,3,b,south\n2,5000,1,0.2,3,a,0\n0,5000,1,0.2,3,b,1\n")
    b, a = read(file, site)
    assert (b.name, a.name) == ("b", "a")
    assert b.detections.t.tolist() == [0.0, 1.0]
    assert b.detections.sensor.tolist() == [1, 1]
    with pytest.raises(TableError, match="2 runs"):
        next(iter(Table(file, site)))


def test_parquet_reads_like_csv(tmp_path):
    values = {name: np.arange(3.0) / 10.0 + 0.1 for name in HEAD.split(",")}
    pl.DataFrame(values).write_parquet(tmp_path / "d.parquet")
    (run,) = read(tmp_path / "d.parquet", SITE)
    assert run.detections.range.tolist() == pytest.approx(values["range_m"].tolist())


def test_every_fault_is_named_at_once_with_its_line(tmp_path):
    found = faults(tmp_path, f"{HEAD}\n1,2000,3,0.1,5\nnan,-5,200,0.1,x\n2,,1,90,\n")
    said = {line: " ".join(what for at, what in found if at == line) for line in (2, 3, 4)}
    assert said[2] == ""
    assert all(word in said[3] for word in ("time_s: nan", "-5.0 is not positive", "is it in degrees",
        '"x" is not a number'))
    assert all(word in said[4] for word in ("range_m: nan", "beyond the zenith"))


def test_many_rows_with_one_fault_are_counted_not_listed(tmp_path):
    found = faults(tmp_path, HEAD + "\n" + "1,-1,1,0.1,5\n" * 1000)
    assert len(found) == 6
    assert "995 more rows" in found[-1][1]


@pytest.mark.parametrize(("text", "word"), [
    ("", "empty"), (HEAD + "\n", "no detections"), ("time_s,range_m\n1,2\n", 'column "azimuth_rad" is missing'),
    ("\0\1\2\3" * 50, "binary"),
    (f"{HEAD}\n1,2,3\n1,2,3,4,5,6,7,8\n", ""), (f"{HEAD},sensor\n1,2000,1,0.1,5,west\n", "not a radar")])
def test_what_is_no_table_is_said_so(tmp_path, text, word):
    assert any(word in what for _, what in faults(tmp_path, text))


def test_a_missing_file_a_folder_and_absurd_times_are_told(tmp_path):
    for path, word in ((tmp_path / "nope.csv", "no such file"), (tmp_path, "folder")):
        with pytest.raises(TableError, match=word):
            read(path, SITE)
    (run,) = read(written(tmp_path, f"{HEAD}\n1,2000,3,0.1,5\n1e9,2000,3,0.1,5\n"), SITE)
    with pytest.raises(TableError, match="frames"):
        next(iter(frames(run.detections, SITE)))
    (run,) = read(written(tmp_path, f"{HEAD}\n1e308,2000,3,0.1,5\n"), SITE)
    with pytest.raises(TableError, match=r"1e[+]308"):
        next(iter(frames(run.detections, SITE)))
