"""The `fly` verb: tables in, impacts out, and a sentence for everything that is wrong with them."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import polars as pl
import pytest

from skywarden.errors import TableError, UsageError
from skywarden.tools.fly import fly_rounds

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "flight"
LB_PER_SQUARE_INCH = 703.0695796391593      # kg/m²
HEADER = "drag,ballistic_coefficient_kgm2,speed_mps,elevation_deg,bearing_deg,height_m\n"
GOOD = "G1,1000,300,45,90,0\n"
decimetre = 0.1


def test_impacts_agree_with_the_references_within_a_decimetre(tmp_path):
    file = SHARED / "highprec_reference_impacts.csv"
    if not file.exists():
        pytest.skip("the shared data folder is not here")
    for i, row in enumerate(csv.DictReader(line for line in file.read_text().splitlines() if not line.startswith("#"))):
        rounds, out = tmp_path / f"rounds-{i}.csv", tmp_path / f"out-{i}.csv"
        rounds.write_text(HEADER
            + f"{row['drag']},{float(row['bc_lbin2']) * LB_PER_SQUARE_INCH!r},{row['v0']},{row['elev_deg']},90,0\n")
        wind, ground = (float(row["wind_x"]), float(row["wind_y"])), float(row["site_z_m"])
        assert fly_rounds(rounds, out, wind, "isa-geometric", 0.0, ground) == 1
        ours = pl.read_csv(out).row(0, named=True)
        assert math.hypot(ours["impact_east_m"] - float(row["x_m"]),
            ours["impact_north_m"] - float(row["y_m"])) < decimetre
        assert ours["time_of_flight_s"] == pytest.approx(float(row["tof_s"]), abs=1e-3)
        assert ours["impact_speed_mps"] == pytest.approx(math.hypot(float(row["vx"]), float(row["vy"]),
            float(row["vz"])), abs=1e-3)
        assert ours["apex_m"] == pytest.approx(float(row["apex_above_site_m"]), abs=decimetre)


def test_csv_and_parquet_mean_the_same_and_columns_may_stand_in_any_order(tmp_path):
    plain, packed = tmp_path / "rounds.csv", tmp_path / "rounds.parquet"
    plain.write_text(
        "height_m, drag,note,ballistic_coefficient_kgm2,speed_mps,elevation_deg,bearing_deg\n20, G7 "
        ",x,900,500,50,10\n0,constant,,2000,300,45,-90\n")
    pl.DataFrame({"drag": ["G7", "constant"], "ballistic_coefficient_kgm2": [900, 2000], "speed_mps": [500.0, 300.0],
        "elevation_deg": [50, 45],
                  "bearing_deg": [10, -90], "height_m": [20.0, 0.0]}).write_parquet(packed)
    assert fly_rounds(plain, tmp_path / "a.parquet") == fly_rounds(packed, tmp_path / "b.csv") == 2
    a, b = pl.read_parquet(tmp_path / "a.parquet"), pl.read_csv(tmp_path / "b.csv")
    assert a.columns == b.columns == ["impact_east_m", "impact_north_m", "time_of_flight_s", "impact_speed_mps",
        "apex_m"]
    assert (a - b).select(pl.all().abs().max()).row(0) == pytest.approx((0.0,) * 5, abs=1e-6)
    assert a["impact_north_m"][0] > 0.0 > a["impact_east_m"][1]       # bearing 10° is north, -90° west


def test_a_warm_day_a_tail_wind_and_the_thinner_exponential_air_carry_further(tmp_path):
    rounds = tmp_path / "rounds.csv"
    rounds.write_text(HEADER + GOOD)

    def reach(**options):
        fly_rounds(rounds, tmp_path / "out.csv", **options)
        return pl.read_csv(tmp_path / "out.csv")["impact_east_m"][0]

    usual = reach()
    assert reach(isa_offset=20.0) > usual + 10.0
    assert reach(wind=(5.0, 0.0)) > usual + 10.0
    assert reach(ground_height=0.0) < usual - 50.0
    assert abs(reach(atmosphere="isa-geometric") - usual) < 1.0
    assert 0.1 < abs(reach(atmosphere="exponential") - usual) < 200.0


def test_every_wrong_value_is_named_at_once_with_its_line_and_what_to_do(tmp_path):
    rounds = tmp_path / "rounds.csv"
    rounds.write_text(HEADER + GOOD + "\nG9,,300,95,0,-1\n" + GOOD + "G1,1000,fast,45,0,0\n\n")
    with pytest.raises(TableError) as refused:
        fly_rounds(rounds, tmp_path / "out.csv")
    faults = refused.value.faults
    assert [(f.line, f.what.split("'")[1]) for f in faults] == [
        (4, "drag"), (4, "ballistic_coefficient_kgm2"), (4, "elevation_deg"), (4, "height_m"), (6, "speed_mps")]
    assert "'fast'" in faults[-1].what
    assert all(f.do for f in faults)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(("content", "says"), [
    (b"", "empty"),
    (b"a,b\n1,2\n", 'column "drag" is missing'),
    (HEADER.encode(), "no round"),
    (HEADER.encode() + b"G1,1000,300,45,90,0,7\nG1,1000\n", "7 cells"),
    (bytes(range(256)) * 40, "binary"),
    (b"\xff\xfe" + HEADER.encode("utf-16-le"), "no round"),
    (HEADER.encode() + b"G1,1000,nan,45,90,0\n", "speed_mps"),
    (HEADER.encode() + b"G1,1e400,300,45,90,0\n", "ballistic_coefficient_kgm2"),
    (b'"' + HEADER.encode() + GOOD.encode(), "missing"),
    (HEADER.encode() + b"constant,1e9,5000,90,0,0\n", "still up"),
])
def test_a_file_that_is_no_table_of_rounds_is_told_so(tmp_path, content, says):
    rounds = tmp_path / "rounds.csv"
    rounds.write_bytes(content)
    with pytest.raises(TableError, match=says):
        fly_rounds(rounds, tmp_path / "out.csv")


def test_files_that_cannot_be_read_or_written_are_told_so(tmp_path):
    rounds = tmp_path / "rounds.csv"
    rounds.write_text(HEADER + GOOD)
    junk = tmp_path / "junk.parquet"
    junk.write_bytes(b"PAR1junk")
    for source, out, says in [(tmp_path / "none.csv", rounds, "no such file"), (tmp_path, rounds, "folder"),
            (junk, rounds, "damaged Parquet table"),
                              (rounds, tmp_path / "no" / "out.csv", "cannot be written"), (rounds, tmp_path,
                                  "cannot be written")]:
        with pytest.raises(TableError, match=says):
            fly_rounds(source, out)


def test_a_file_too_large_to_be_a_table_of_rounds_is_refused_before_it_is_read(tmp_path):
    rounds = tmp_path / "rounds.csv"
    with rounds.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(TableError, match="1024 MiB"):
        fly_rounds(rounds, tmp_path / "out.csv")


@pytest.mark.parametrize("options", [{"atmosphere": "mars"}, {"wind": (math.nan, 0.0)}, {"wind": (1e4, 0.0)},
    {"isa_offset": 1e3}, {"ground_height": math.inf},
                                     {"atmosphere": "exponential", "isa_offset": 5.0}])
def test_options_out_of_bounds_are_a_wrong_question(tmp_path, options):
    rounds = tmp_path / "rounds.csv"
    rounds.write_text(HEADER + GOOD)
    with pytest.raises(UsageError):
        fly_rounds(rounds, tmp_path / "out.csv", **options)
