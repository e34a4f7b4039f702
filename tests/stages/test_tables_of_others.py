"""Tables as other programs write them: read, or refused in one sentence that says what is different about them."""

from __future__ import annotations

import gzip

import polars as pl
import pytest
from builders import a_site

from skywarden.errors import TableError
from skywarden.feeds.table import read
from skywarden.files.tables import LINE, table_of
from skywarden.simulator.scenario.flights import unwrapped
from skywarden.tools.allocate import read as read_instance
from skywarden.tools.fly import fly_rounds

NEEDED = ("time_s", "range_m", "azimuth_rad", "elevation_rad", "range_rate_mps")
HEAD = ",".join(NEEDED)
ROWS = ["1.0,5000.5,1,0.2,-7.25", "2.0,4000,1,0.2,-8.5", "3.0,3000,1,0.2,"]
TABLE = "\n".join([HEAD, *ROWS]) + "\n"
SITE = a_site()


def ranges(content: bytes, tmp_path):
    file = tmp_path / "d.csv"
    file.write_bytes(content)
    (run,) = read(file, SITE)
    return run.detections.range.tolist()


def refused(content: bytes):
    with pytest.raises(TableError) as caught:
        table_of("d.csv", content, NEEDED, ("sensor",))
    return caught.value.faults


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        TABLE.encode("utf-16-le"),
        TABLE.replace("\n", "\r").encode(),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("\n", ",\n").encode(),
        TABLE.replace("\n", "\r\n\r\n").encode(),
        ("\n \n" + TABLE).encode(),
        (",,,,\n , ,,,\r\n" + TABLE).encode(),
        ("sep=,\r\n" + TABLE).encode(),
        (TABLE + ',,,,\n\n \n , ,,\t,\n"",,,,\n').encode(),
        TABLE.replace(",", " , ").encode(),
        (HEAD + ",note,note,\n" + "".join(f"{row},a,b,\n" for row in ROWS)).encode(),
    ],
    ids=[
        "plain",
        "mark",
        "utf-16",
        "utf-16 unmarked",
        "cr",
        "crlf",
        "comma at the end",
        "every second line blank",
        "blank before",
        "blank rows of commas before",
        "excel's hint",
        "blank rows",
        "blanks around",
        "columns of no matter twice",
    ],
)
def test_a_table_means_the_same_however_it_was_written(content, tmp_path):
    assert ranges(content, tmp_path) == [5000.5, 4000.0, 3000.0]


def test_lines_are_counted_over_blank_ones_hints_and_cells_with_line_feeds():
    table = table_of("d.csv", ("sep=,\n\n" + HEAD + ',note\n1,2,3,4,5,"a\nb"\n\n1,2,3,4,6,c\n').encode(), NEEDED)
    assert table[LINE].to_list() == [4, 7]
    assert table["range_rate_mps"].to_list() == ["5", "6"]


@pytest.mark.parametrize(
    ("mark", "called"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars"), (" ", "blanks")]
)
def test_another_separator_is_one_fault_that_names_it(mark, called):
    (fault,) = refused(TABLE.replace(",", mark).encode())
    assert called in fault.what
    assert "decimal" not in fault.what
    assert HEAD in fault.do
    (again,) = refused(TABLE.replace(",", mark).encode("utf-16"))
    assert again == fault


def test_decimal_commas_are_named_beside_the_semicolons_they_come_with():
    (fault,) = refused(TABLE.replace(",", ";").replace(".", ",").encode())
    assert "semicolons" in fault.what
    assert "decimal commas" in fault.what
    assert "points" in fault.do


@pytest.mark.parametrize("second", ["range_m", " range_m", '"range_m "'])
def test_a_column_twice_in_the_heading_is_a_fault_of_line_1(second):
    (fault,) = refused(TABLE.replace("range_rate_mps", f"range_rate_mps,{second}", 1).encode())
    assert (fault.line, fault.what) == (1, 'column "range_m" stands twice in the heading')


def test_a_heading_among_the_rows_is_named_with_its_line():
    (fault,) = refused((TABLE + TABLE).encode())
    assert (fault.line, "again" in fault.what) == (5, True)


def test_a_column_that_may_be_meant_is_named():
    (fault,) = refused(TABLE.replace("range_m", "Range_m").replace("time_s", "time_s").encode())
    assert fault.do == 'Did you mean "Range_m"? Name it range_m.'
    (fault,) = refused(TABLE.replace("azimuth_rad", "azimut_rad").encode())
    assert "azimut_rad" in fault.do


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (gzip.compress(TABLE.encode(), mtime=0), "gzip"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 40, "Zstandard"),
        (b"<html><body>Not found</body></html>", "HTML"),
        (b'[{"time_s": 1.0}]', "JSON"),
        (b"PK\x03\x04" + b"x" * 40, "ZIP"),
        (b"", "empty"),
        (b"\n\n", "empty"),
        (TABLE.encode() + b"4,\xe9,1,1,1\n", "line 5"),
    ],
)
def test_what_is_no_table_is_named(content, word):
    (fault,) = refused(content)
    assert word in f"{fault.what} line {fault.line}"


def test_cells_too_many_are_named_with_their_lines():
    faults = refused((TABLE + "4,1,234.5,1,1,1\n" * 30).encode())
    assert (faults[0].line, faults[0].what) == (5, "the line has 6 cells, the heading 5")
    assert "10 more lines" in faults[-1].what


def test_parquet_tables_without_a_column_damaged_or_far_too_long_are_refused(tmp_path):
    file = tmp_path / "d.parquet"
    whole = pl.DataFrame({name: [1.0, 2.0] for name in NEEDED})
    whole.rename({"time_s": "times_s"}).write_parquet(file)
    with pytest.raises(TableError, match="times_s"):
        read(file, SITE)
    pl.DataFrame({name: pl.repeat(1.0, 20_000_001, eager=True) for name in NEEDED}).write_parquet(file)
    assert file.stat().st_size < 10_000_000
    with pytest.raises(TableError, match="20,000,001 rows"):
        read(file, SITE)
    whole.write_parquet(file)
    file.write_bytes(file.read_bytes()[:-60] + b"\0" * 52 + b"\x10\0\0\0PAR1")
    with pytest.raises(TableError, match="damaged Parquet"):
        read(file, SITE)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_rounds_and_instances_are_read_in_the_same_encodings(encoding, tmp_path):
    rounds, instance = tmp_path / "r.csv", tmp_path / "i.txt"
    rounds.write_bytes(
        "drag,ballistic_coefficient_kgm2,speed_mps,elevation_deg,bearing_deg,height_m\rG1,1000,300,45,90,0\r\r".encode(
            encoding
        )
    )
    assert fly_rounds(rounds, tmp_path / "out.csv") == 1
    instance.write_bytes("1 1 1\r\n5\r\n0 0 0.5\r\n".encode(encoding))
    assert read_instance(instance).values.tolist() == [5.0]
    instance.write_bytes("1 1 1\n5\n0 0 0,5\n".encode(encoding))
    with pytest.raises(TableError, match="decimal point"):
        read_instance(instance)


def test_longitudes_on_both_sides_of_the_date_line_are_one_stretch():
    assert unwrapped(pl.Series([179.9, -179.9, 180.0, -180.0]).to_numpy()) == pytest.approx(
        [179.9, 180.1, 180.0, 180.0], abs=1e-9
    )
    assert unwrapped(pl.Series([69.1, 69.3]).to_numpy()) == pytest.approx([69.1, 69.3])
    assert unwrapped(pl.Series([359.9, 0.1]).to_numpy()) == pytest.approx([-0.1, 0.1], abs=1e-9)
