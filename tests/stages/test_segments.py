"""Records of an hour: each alone, in a chain, packed, removed by age and size, and copied while they are written."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from builders import a_moment
from pair_builders import EPOCH_NS

from skywarden.errors import RecordError
from skywarden.messages.moment import Remembered
from skywarden.record.header import Header
from skywarden.record.reader import Record
from skywarden.record.segments import Keep, Segments, backup, began, faults, newest, segments

HEADER = Header("live", EPOCH_NS, "test", {"site.toml": b""})


def recorded(folder, begin=0.0, count=40, keep=None, taken_up=(), step=60.0, size=5):
    sink = Segments(folder, HEADER, keep or Keep(packed=False))
    for k in range(count):
        moment = a_moment(begin + step * k, size, 1)._replace(drill=None, truth=None)
        sink.take(moment._replace(before=Remembered((float(k),), None, k in taken_up)))
    return sink


def test_each_hour_is_a_record_of_its_own_that_begins_with_a_snapshot_and_goes_on_from_the_one_before(tmp_path):
    recorded(tmp_path, count=200).close()
    found = segments(tmp_path, "test")
    assert [round(began(path) - began(found[0])) for path in found[1:]] == [2820, 6420, 10020]
    assert faults(found) == []
    for path in found:
        with Record(path) as record:
            assert record.snapshots()[0] == 1
            assert record.faults() == []


def test_one_that_is_missing_or_exchanged_is_found(tmp_path):
    recorded(tmp_path, count=200).close()
    found = segments(tmp_path, "test")
    assert "does not go on from" in faults([found[0], *found[2:]])[0]


def test_a_restart_goes_on_from_the_newest_also_after_a_kill(tmp_path):
    left = recorded(tmp_path, count=5)
    left._ended.set()
    left._recorder._base.close()    # killed: without its seal
    recorded(tmp_path, begin=400.0, count=5).close()
    assert faults(segments(tmp_path, "test")) == []


def test_a_state_taken_from_elsewhere_begins_a_segment(tmp_path):
    recorded(tmp_path, count=10, taken_up=(4,)).close()
    assert len(segments(tmp_path, "test")) == 2


def test_two_watchers_of_the_same_frames_write_the_same_chain(tmp_path):
    recorded(tmp_path / "a", count=130).close()
    recorded(tmp_path / "b", begin=1800.0, count=100).close()       # it joined later
    one, other = (segments(tmp_path / name, "test")[-1] for name in "ab")
    assert one.name == other.name
    with Record(one) as first, Record(other) as second:
        assert first.last() == second.last()
        assert first.header.follows != second.header.follows


def test_closed_segments_are_packed_and_read_alike(tmp_path):
    recorded(tmp_path / "plain", count=130).close()
    sink = recorded(tmp_path / "packed", count=130, keep=Keep())
    sink._pack()
    sink.close()
    plain, packed = (segments(tmp_path / name, "test") for name in ("plain", "packed"))
    assert [p.name.removesuffix(".zst") for p in packed] == [p.name for p in plain]
    assert packed[0].name.endswith(".rec.zst")
    assert packed[0].stat().st_size < 0.7 * plain[0].stat().st_size
    assert packed[-1].suffix == ".rec", "the newest waits to be taken up"
    assert faults(packed) == []
    with Record(packed[0]) as one, Record(plain[0]) as other:
        assert list(one.rows()) == list(other.rows())
    packed[0].write_bytes(packed[0].read_bytes()[:-50])
    with pytest.raises(RecordError, match=r"damaged|unpacked"):
        Record(packed[0]).faults()


def test_all_together_stay_within_their_size_and_age(tmp_path):
    most = 1_500_000
    sink = recorded(tmp_path, count=1, keep=Keep(bytes=most, packed=False))
    for k in range(1, 200):
        sink.take(a_moment(10.0 * k, 30, 1)._replace(drill=None, truth=None, before=Remembered((float(k),))))
        if k % 20 == 0:
            sink._remove()
    sink._remove()
    total = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert 0.9 * most < total <= 1.05 * most
    sink.close()
    young = Segments(tmp_path, HEADER, Keep(days=1.0, packed=False), now=lambda: EPOCH_NS * 1e-9 + 86_400.0 + 5_000.0)
    young._remove()
    young.close()
    assert all(began(path) >= EPOCH_NS * 1e-9 + 5_000.0 for path in segments(tmp_path, "test"))


def test_a_backup_made_while_it_is_recorded_opens_elsewhere(tmp_path):
    sink = recorded(tmp_path / "records", count=130)
    copied = backup(tmp_path / "records", "test", tmp_path / "elsewhere")
    assert len(copied) == 3
    assert faults(segments(tmp_path / "elsewhere", "test")) == []
    recorded_on = a_moment(60.0 * 130, 5, 1)._replace(drill=None, truth=None, before=Remembered((1.0,)))
    sink.take(recorded_on)
    sink.close()
    assert newest(tmp_path / "elsewhere", "test").name == segments(tmp_path / "records", "test")[-1].name
    assert os.stat(copied[0]).st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_ends_nothing_and_is_told(tmp_path):
    sink = recorded(tmp_path / "records", count=1)
    sink._end()
    (tmp_path / "records").rename(tmp_path / "away")
    sink.take(a_moment(3000.0, 5, 1)._replace(drill=None, truth=None))
    assert "does not exist" in sink.fault
    assert sink.missing == 1
    (tmp_path / "away").rename(tmp_path / "records")
    sink._next_try = 0.0
    sink.take(a_moment(3060.0, 5, 1)._replace(drill=None, truth=None))
    assert sink.fault == ""
    sink.close()
    assert replace(HEADER, follows=b"x").digest() == HEADER.digest()
