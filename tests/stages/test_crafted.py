"""Records made to do harm: each is answered with a sentence, by every reader, before it costs memory or time."""

from __future__ import annotations

import io
import os
import sqlite3
import stat
import time
import zipfile

import numpy as np
import pytest
from builders import a_moment

from skywarden.console import library
from skywarden.errors import RecordError, SkywardenError
from skywarden.messages.picture import Warnings
from skywarden.pipeline import compiled
from skywarden.record.reader import Record
from skywarden.record.writer import Header, Recorder
from skywarden.review import export, report
from skywarden.site.load import load

SITE = load("range")
HEADER = Header("live", 5, "range", SITE.sources)
LIVE = a_moment(1.0, n=0, live=True)


def recorded(path, *moments, header=HEADER):
    recorder = Recorder(path, header)
    for moment in moments:
        recorder.take(moment)
    recorder.close()


def answered(work):
    """The sentence that some work ended with; any other error is a fault of ours and comes through."""
    try:
        work()
    except SkywardenError as error:
        return str(error)
    return "done"


def changed(path, *statements):
    base = sqlite3.connect(path)
    for statement in statements:
        base.execute(statement)
    base.commit()
    base.close()


def warned(zone):
    """A moment that warns a zone of this row."""
    columns = {name: np.zeros(1, column.dtype) for name, column in zip(Warnings._fields, Warnings.empty(), strict=True)}
    warnings = Warnings.empty()._replace(**{**columns, "zone": np.array([zone], Warnings.empty().zone.dtype)})
    return LIVE._replace(picture=LIVE.picture._replace(warnings=warnings._replace(action=np.ones(1,
        warnings.action.dtype))))


def bomb():
    """Two megabytes that say they are two gigabytes of terrain."""
    made, header = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (16_000, 16_000)})
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("up.npy", "w") as file:
        file.write(header.getvalue())
        for _ in range(200):
            file.write(bytes(10_000_000))
    return made.getvalue()


SPOILT = {
    "a number in the place of a file": ["UPDATE sources SET content = 4000000000 WHERE name = 'site.toml'"],
    "an endless view": [
        "DROP TABLE moments", """CREATE VIEW moments AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM
        c) SELECT n, n * 0.25 AS t, x'00' AS frame,
        x'00' AS frame_digest, x'00' AS picture, x'00' AS picture_digest, NULL AS drill, NULL AS drill_digest, NULL AS
        truth, NULL AS truth_digest FROM c"""],
    "an endless header": [
        "ALTER TABLE header RENAME TO gone",
        "CREATE VIEW header AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) SELECT n AS key, n AS "
        "value FROM c"],
    "a column that computes": [
        "DROP TABLE gaps",
        "CREATE TABLE gaps (n INTEGER, frames INTEGER, why TEXT GENERATED ALWAYS AS (hex(zeroblob(100000000))))",
        "INSERT INTO gaps VALUES (2, 1)"],
    "a trigger": ["CREATE TRIGGER t AFTER INSERT ON moments BEGIN SELECT 1; END"],
    "a table of its own": ["CREATE TABLE mine (x)"],
    "a time without end": ["UPDATE moments SET t = 9e999"],
    "a huge time": ["UPDATE moments SET t = 1e300"],
    "a huge epoch": ["UPDATE header SET value = 9e999 WHERE key = 'epoch_ns'"],
    "text for a number": ["UPDATE header SET value = 'noon' WHERE key = 'epoch_ns'"],
    "a duration without end": ["UPDATE header SET value = 'nan' WHERE key = 'created_unix_s'",
        "UPDATE header SET value = x'00' WHERE key = 'outcome'",
                               "UPDATE moments SET frame = 7"],
    "no terrain": ["INSERT INTO sources VALUES ('site', 'terrain.npz', x'504b0304')"],
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_crafted_record_is_answered_with_a_sentence_by_report_and_export(spoilt, tmp_path):
    path = tmp_path / "crafted.rec"
    recorded(path, LIVE)
    changed(path, *SPOILT[spoilt])
    begun = time.process_time()
    told = answered(lambda: report.write(path, tmp_path / "r.html"))
    if told == "done":
        told = (tmp_path / "r.html").read_text()        # what can be read is reported, with the reason why not more
    assert any(words in told for words in ("not a record", "damaged", "not as it was recorded", "impossible",
        "something else", "no terrain", "gaps"))
    assert answered(lambda: export.write(path, "geojson", tmp_path / "e.geojson")) != "done"
    library.records(tmp_path)
    assert time.process_time() - begun < 5.0


@pytest.mark.parametrize("zone", [-1, 10_000])
def test_a_warning_of_a_zone_that_is_not_there_is_no_crash(zone, tmp_path):
    path = tmp_path / "crafted.rec"
    recorded(path, warned(zone))
    with pytest.raises(RecordError, match=r"zone that no site can have|no run of Skywarden"):
        export.write(path, "geojson", tmp_path / "e.geojson")


def test_terrain_that_says_it_is_two_gigabytes_is_refused_unread(tmp_path):
    path = tmp_path / "crafted.rec"
    recorded(path, LIVE, header=Header("live", 5, "range", {**SITE.sources, "terrain.npz": bomb()}))
    with pytest.raises(SkywardenError):
        report.write(path, tmp_path / "r.html")


def read_whole(path):
    with Record(path) as record:
        record.faults()
        list(record.moments())


def test_a_record_cut_anywhere_or_with_any_bit_turned_opens_or_says_why(tmp_path):
    path, spoilt = tmp_path / "a.rec", tmp_path / "b.rec"
    recorded(path, *(a_moment(0.25 * i, n=1, live=True) for i in range(4)))
    whole, chance = path.read_bytes(), np.random.default_rng(5)
    for i in range(200):
        data = bytearray(whole)
        if i % 2:
            data[int(chance.integers(len(data)))] ^= 1 << int(chance.integers(8))
        else:
            del data[int(chance.integers(len(data))):]
        spoilt.write_bytes(data)
        assert answered(lambda: read_whole(spoilt))


def test_two_writers_never_share_a_record(tmp_path):
    first = Recorder(tmp_path / "a.rec", HEADER)
    with pytest.raises(RecordError, match="already there"):
        Recorder(tmp_path / "a.rec", HEADER)
    first.take(LIVE)
    first.close()
    with Record(tmp_path / "a.rec") as record:
        assert record.faults() == []


# --- where compiled kernels are kept

def test_a_user_without_a_home_keeps_kernels_in_a_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(compiled.Path, "home",
        lambda: (_ for _ in ()).throw(RuntimeError("Could not determine home directory.")))
    monkeypatch.setattr(compiled, "PACKAGE", tmp_path / "nothing" / "here")
    monkeypatch.setattr(compiled.tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / "nothing").write_text("a file, so that no folder can be made beneath it")
    assert compiled._home().parent == tmp_path
    assert stat.S_IMODE(compiled._home().stat().st_mode) == 0o700


def test_kernels_are_never_read_from_a_folder_that_others_can_write_or_that_is_anothers(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "PACKAGE", tmp_path / "nothing" / "here")
    (tmp_path / "nothing").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nothing"))
    monkeypatch.setattr(compiled.tempfile, "gettempdir", lambda: str(tmp_path))
    planted = tmp_path / f"skywarden-kernels-{os.getuid()}"
    planted.mkdir()
    planted.chmod(0o777)
    assert compiled._home() is None
    planted.rmdir()
    (tmp_path / "elsewhere").mkdir()
    planted.symlink_to(tmp_path / "elsewhere")
    assert compiled._home() is None
    planted.unlink()
    planted.mkdir(mode=0o700)
    assert compiled._home() == planted
    monkeypatch.setattr(compiled.os, "getuid", lambda: 12345)
    planted.rename(tmp_path / "skywarden-kernels-12345")
    assert compiled._home() is None or os.geteuid() == 0, "somebody else's"
