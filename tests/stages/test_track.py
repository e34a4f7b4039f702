"""The `track` verb: a table in, three tables and a summary out."""

from __future__ import annotations

import json
import math

import numpy as np
import polars as pl
import pytest
from builders import a_site, square
from naive import seen_from

from skywarden.errors import TableError
from skywarden.kernels.estimation.motion import STATES, flow
from skywarden.site.model import Zone
from skywarden.tools.track import IMPACTS, TRACKS, WARNINGS, track_file

ZONE = Zone("camp", "housing", 100.0, 10.0, True, square(-200.0, 500.0, 900.0))
SITE = a_site(zones=(ZONE,))


def salvo(tmp_path):
    """Two runs of one mortar round that falls in the zone, written as a table."""
    rng, lines = np.random.default_rng(1), ["run,time_s,range_m,azimuth_rad,elevation_rad,range_rate_mps"]
    for run in (3, 4):
        x = np.array([-2400.0, 1500.0, 20.0, 90.0, -38.0, 155.0, 2.5, 0.0, 0.0])
        for k in range(4, 160):
            m = seen_from(x[:3], x[3:6], np.zeros(3)) + rng.normal(size=4) * [15.0, 3e-3, 3e-3, 1.5]
            if x[2] > 0.0 and m[2] > math.radians(1.0) and rng.random() < 0.9:
                lines.append(f"{run},{0.25 * k},{m[0]},{m[1] % (2 * math.pi)},{m[2]},{m[3]}")
            flow(x, 0.25, 0, SITE.drags, SITE.air, SITE.earth, 7, np.zeros((6, STATES)))
    (tmp_path / "d.csv").write_text("\n".join(lines))
    return tmp_path / "d.csv", len(lines) - 1


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tracks_impacts_warnings_and_summary_are_written_run_by_run(tmp_path, kind):
    table, rows = salvo(tmp_path)
    summary = track_file(table, SITE, tmp_path / "out", kind)
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == summary
    assert summary["detections"] == rows
    assert 0.0 < summary["step_ms_median"] <= summary["step_ms_p99"] <= summary["step_ms_max"]
    load = pl.read_csv if kind == "csv" else pl.read_parquet
    tracks, impacts, warnings = (load(tmp_path / "out" / f"{name}.{kind}") for name in ("tracks", "impacts",
        "warnings"))
    assert tuple(tracks.columns) == ("run", *TRACKS)
    assert tuple(impacts.columns) == ("run", *IMPACTS)
    assert tuple(warnings.columns) == ("run", *WARNINGS)
    assert tracks["run"].unique().sort().to_list() == [3, 4]
    assert tracks.group_by("run").agg(pl.col("track").min())["track"].to_list() == [1, 1]      # every run begins afresh
    # in the second run two looks after the second detection are missed: so young a track is given up, and begun again
    # under the next number
    later = tracks.filter(pl.col("time_s") > 3.5)
    assert later.group_by("run").agg(pl.col("track").n_unique())["track"].to_list() == [1, 1]
    assert {"raise"} <= set(warnings["action"]) <= {"pre-alert", "raise", "clear"}
    assert warnings.filter(pl.col("action") == "raise")["zone"].to_list() == ["camp", "camp"]
    assert tracks.filter(pl.col("time_s") > 8.0)["p_projectile"].min() > 0.9
    assert (impacts["cov_ee_m2"] * impacts["cov_nn_m2"] > impacts["cov_en_m2"] ** 2).all()


def test_the_same_table_twice_gives_the_same_tables(tmp_path):
    table, _ = salvo(tmp_path)
    for out in ("one", "two"):
        track_file(table, SITE, tmp_path / out)
    for name in ("tracks", "impacts", "warnings"):
        assert (tmp_path / "one" / f"{name}.csv").read_bytes() == (tmp_path / "two" / f"{name}.csv").read_bytes()


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path):
    table, _ = salvo(tmp_path)
    (tmp_path / "out").write_text("a file stands here")
    with pytest.raises(TableError, match="folder"):
        track_file(table, SITE, tmp_path / "out")
