"""A record: every bit comes back, damage is found and named, and whatever is no record is answered with a sentence."""

from __future__ import annotations

import os
import shutil
import sqlite3

import numpy as np
import pytest
from builders import a_moment, a_step

from skywarden.errors import RecordError
from skywarden.messages.commands import Command
from skywarden.record import header as headers
from skywarden.record import writer
from skywarden.record.codec import decode, differences, encode
from skywarden.record.reader import Record
from skywarden.record.writer import Header, Recorder
from skywarden.verification.repeat import check_record

SIMULATION = Header("simulation", 1_630_290_000_000_000_000, "kabul", {"site.toml": b"name = 'x'"}, "raid",
    {"raid.toml": b"seed = 1"}, 7, 60.0)


def written(path, frames=20, live=False, header=None):
    recorder = Recorder(path, header or (Header("live", 5, "kabul", {"site.toml": b""}) if live else SIMULATION))
    moments = [a_moment(0.25 * i, live=live) for i in range(frames)]
    for moment in moments:
        recorder.take(moment)
    recorder.close()
    return moments


def change_one_byte(path, n, column="frame", at=-20):
    base = sqlite3.connect(path)
    blob = bytearray(base.execute(f"SELECT {column} FROM moments WHERE n=?", (n,)).fetchone()[0])
    blob[at] ^= 1
    base.execute(f"UPDATE moments SET {column}=? WHERE n=?", (bytes(blob), n))
    base.commit()
    base.close()


def test_everything_comes_back_bit_for_bit(tmp_path):
    moments = written(tmp_path / "a.rec")
    with Record(tmp_path / "a.rec") as record:
        assert record.header == SIMULATION
        assert len(record) == 20
        assert record.span() == (0.0, 4.75)
        assert record.faults() == []
        for before, after in zip(moments, record.moments(), strict=True):
            assert not differences(before.frame, after.frame)
            assert not differences(before.picture, after.picture)
            assert not differences(before.drill, after.drill)
            assert not differences(before.truth, after.truth)


def test_a_record_of_the_format_before_is_still_read(tmp_path, monkeypatch):
    """As format 3 wrote it: no stage of a warning, no channels, no receipts."""
    from skywarden.record import codec, writer

    shorter = {"Frame": 3, "Health": 1, "Warnings": 1, "Command": 1, "Truth": 1, "Picture": 2}
    earlier = {kind: (name, fields[: len(fields) - shorter.get(name, 0)]) for kind,
        (name, fields) in codec.NAMES.items()}
    with monkeypatch.context() as then:
        then.setattr(codec, "NAMES", earlier)
        then.setattr(writer, "FORMAT", 3)
        then.setattr(Header, "digest", lambda self, form=3, honest=Header.digest: honest(self, 3))
        moments = written(tmp_path / "a.rec")
    with Record(tmp_path / "a.rec") as record:
        assert record.form == 3
        assert record.faults() == []
        for before, after in zip(moments, record.moments(), strict=True):
            assert not differences(before.frame._replace(channels=after.frame.channels), after.frame)
            warnings = after.picture.warnings
            assert warnings.stage.shape == warnings.zone.shape
            assert after.picture.health.channels.name.size == 0


def test_a_record_of_format_5_has_no_losses(tmp_path, monkeypatch):
    from skywarden.record import codec, writer

    shorter = {"Frame": 1, "Command": 1, "Truth": 1, "Picture": 2}
    earlier = {kind: (name, fields[: len(fields) - shorter.get(name, 0)]) for kind,
        (name, fields) in codec.NAMES.items()}
    with monkeypatch.context() as then:
        then.setattr(codec, "NAMES", earlier)
        then.setattr(writer, "FORMAT", 5)
        then.setattr(Header, "digest", lambda self, form=5, honest=Header.digest: honest(self, 5))
        moments = written(tmp_path / "a.rec")
    with Record(tmp_path / "a.rec") as record:
        assert record.form == 5
        for before, after in zip(moments, record.moments(), strict=True):
            assert not differences(before.picture.warnings, after.picture.warnings)
            assert after.picture.losses.zone.size == after.picture.pre_alerts.zone.size == 0


def test_nouns_have_names_of_their_own_and_not_those_of_their_classes(tmp_path):
    import msgspec

    from skywarden.record.codec import NOUNS, WRITTEN, unlike

    assert set(WRITTEN) == set(NOUNS)
    assert len(set(WRITTEN.values())) == len(WRITTEN)
    moment = written(tmp_path / "a.rec")[0]
    for noun in moment[:4]:
        assert msgspec.msgpack.decode(encode(noun))[1] == type(noun).__name__.lower()
        before = encode(noun, 4)        # as the format before had it
        assert msgspec.msgpack.decode(before)[1] == type(noun).__name__
        assert not differences(decode(before, type(noun)), noun)
        assert unlike(before, noun, 4) == []
    assert unlike(encode(moment.picture, 4), moment.picture._replace(t=9.0), 4)


@pytest.mark.parametrize("column", ["picture", "drill", "truth"])
@pytest.mark.parametrize("n", [7, 20])
def test_what_is_rewritten_together_with_its_own_digest_is_found(tmp_path, column, n):
    from skywarden.record.header import digest

    moments = written(tmp_path / "a.rec")
    forged = encode(getattr(moments[3 if n == 7 else 4], column))
    with sqlite3.connect(tmp_path / "a.rec") as base:
        mark, = base.execute("SELECT frame_digest FROM moments WHERE n = ?", (n,)).fetchone()
        base.execute(f"UPDATE moments SET {column} = ?, {column}_digest = ? WHERE n = ?",
            (forged, digest(mark, forged), n))
    with Record(tmp_path / "a.rec") as record:
        assert len(record.faults()) == 1


def test_a_record_whose_last_frames_were_cut_off_is_told_from_a_whole_one(tmp_path):
    written(tmp_path / "a.rec")
    with Record(tmp_path / "a.rec") as record:
        assert record.faults() == []
    with sqlite3.connect(tmp_path / "a.rec") as base:
        base.execute("DELETE FROM moments WHERE n > 15")
    with Record(tmp_path / "a.rec") as record:
        assert "not the last" in record.faults()[0]


def test_a_clean_close_leaves_one_file_and_it_opens_where_nothing_can_be_written(tmp_path):
    folder = tmp_path / "read-only"
    folder.mkdir()
    written(folder / "a.rec")
    assert os.listdir(folder) == ["a.rec"]
    (folder / "a.rec").chmod(0o444)
    folder.chmod(0o555)
    with Record(folder / "a.rec") as record:
        assert len(list(record.moments())) == 20
    folder.chmod(0o755)


def test_a_live_record_holds_neither_drill_nor_truth(tmp_path):
    written(tmp_path / "a.rec", live=True)
    with Record(tmp_path / "a.rec") as record:
        assert not record.simulation
        assert all(moment.drill is None and moment.truth is None for moment in record.moments())


def test_the_same_run_twice_is_the_same_record_but_for_wall_times(tmp_path):
    for name in "ab":
        written(tmp_path / f"{name}.rec")
    dumps = []
    for name in "ab":
        base = sqlite3.connect(tmp_path / f"{name}.rec")
        dumps.append([line for line in base.iterdump() if "created_unix_s" not in line])
        base.close()
    assert dumps[0] == dumps[1]


def test_a_record_is_read_while_it_is_written(tmp_path):
    recorder = Recorder(tmp_path / "a.rec", SIMULATION)
    recorder.take(a_moment(0.0))
    with Record(tmp_path / "a.rec") as record:
        assert len(record) == 1
        recorder.take(a_moment(0.25))
        assert len(record) == 2
        assert record.faults() == []
    recorder.close()


def test_reading_starts_at_a_time_and_the_newest_moment_before_a_time_is_found(tmp_path):
    written(tmp_path / "a.rec")
    with Record(tmp_path / "a.rec") as record:
        assert [m.frame.t for m in record.moments(4.1)] == [4.25, 4.5, 4.75]
        assert list(record.moments(99.0)) == []
        assert record.at(3.3).frame.t == 3.25
        assert record.at(-1.0) is None


def test_an_empty_record_opens_and_says_so(tmp_path):
    written(tmp_path / "a.rec", frames=0)
    with Record(tmp_path / "a.rec") as record:
        assert len(record) == 0
        assert record.span() is None
        assert list(record.moments()) == []
        assert check_record(record, a_step).same


@pytest.mark.parametrize("column", ["frame", "picture", "drill", "truth"])
def test_one_changed_byte_is_found_and_its_frame_named(tmp_path, column):
    written(tmp_path / "a.rec")
    change_one_byte(tmp_path / "a.rec", 13, column)
    with Record(tmp_path / "a.rec") as record:
        assert record.faults() == [f"{'frame 13' if column == 'frame' else f'the {column} of frame 13'} at 3.00 s is "
            "not as it was recorded"]
        found = check_record(record, a_step)
        assert (found.same, found.frames, found.n, found.t) == (False, 12, 13, 3.0)
        assert "frame 13" in found.sentence
        with pytest.raises(RecordError, match="frame 13"):
            list(record.moments())


def test_a_missing_and_a_swapped_frame_are_found(tmp_path):
    written(tmp_path / "a.rec")
    shutil.copy(tmp_path / "a.rec", tmp_path / "b.rec")
    base = sqlite3.connect(tmp_path / "a.rec")
    base.execute("DELETE FROM moments WHERE n=9")
    base.commit()
    base.close()
    with Record(tmp_path / "a.rec") as record:
        assert "frame 9 is missing" in record.faults()[0]
        assert check_record(record, a_step).n == 9
    base = sqlite3.connect(tmp_path / "b.rec")
    for new, old in ((100, 5), (5, 6), (6, 100)):
        base.execute("UPDATE moments SET n=? WHERE n=?", (new, old))
    base.commit()
    base.close()
    with Record(tmp_path / "b.rec") as record:
        assert check_record(record, a_step).n == 5


def test_a_check_passes_on_what_was_recorded_and_names_the_column_that_differs(tmp_path):
    written(tmp_path / "a.rec")

    def slightly_off(frame):
        picture, drill = a_step(frame)
        if frame.t == 2.5:
            state = picture.tracks.state.copy()
            state[1, 4] = np.nextafter(state[1, 4], np.inf)
            picture = picture._replace(tracks=picture.tracks._replace(state=state))
        return picture, drill

    with Record(tmp_path / "a.rec") as record:
        assert check_record(record, a_step).same
        found = check_record(record, slightly_off)
    assert (found.same, found.n, found.t) == (False, 11, 2.5)
    assert "picture of frame 11" in found.sentence
    assert "tracks.state[1, 4]" in found.sentence


def test_a_drill_that_appears_or_goes_missing_is_a_difference(tmp_path):
    written(tmp_path / "a.rec")
    with Record(tmp_path / "a.rec") as record:
        assert "drill of frame 1 " in check_record(record, lambda frame: (a_step(frame)[0], None)).sentence


def test_a_changed_header_is_found(tmp_path):
    written(tmp_path / "a.rec")
    base = sqlite3.connect(tmp_path / "a.rec")
    base.execute("UPDATE sources SET content=? WHERE part='site'", (b"name = 'y'",))
    base.commit()
    base.close()
    with Record(tmp_path / "a.rec") as record:
        assert "header" in record.faults()[0]
        assert not check_record(record, a_step).same


def test_what_is_there_is_never_overwritten(tmp_path):
    (tmp_path / "a.rec").write_bytes(b"somebody's work")
    with pytest.raises(RecordError, match="already there"):
        Recorder(tmp_path / "a.rec", SIMULATION)
    assert (tmp_path / "a.rec").read_bytes() == b"somebody's work"
    with pytest.raises(RecordError, match="does not exist"):
        Recorder(tmp_path / "no" / "a.rec", SIMULATION)


def small_disk(recorder, room):
    """SQLite then answers exactly as on a full disk; None: there is room again."""
    pages = recorder._base.execute("PRAGMA page_count").fetchone()[0]
    recorder._base.execute(f"PRAGMA max_page_count={pages + 4 if room is not None else 1 << 30}")


class Wall:
    """A clock that every question moves on, so that no attempt has to be waited for."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        self.at += 1.0
        return self.at


def test_a_full_disk_is_said_loses_nothing_and_recording_goes_on_by_itself_when_there_is_room(tmp_path):
    recorder = Recorder(tmp_path / "a.rec", SIMULATION, Wall())
    moments = [a_moment(0.25 * i) for i in range(60)]
    small_disk(recorder, 4)
    for moment in moments[:50]:
        recorder.take(moment)
    assert "Make room" in recorder.fault
    assert 0 < recorder.waiting < 50
    assert len(recorder.fault.splitlines()) <= 3
    with Record(tmp_path / "a.rec") as record:
        assert 0 < len(record) == 50 - recorder.waiting
        assert check_record(record, a_step).same
    small_disk(recorder, None)
    for moment in moments[50:]:
        recorder.take(moment)
    assert (recorder.fault, recorder.waiting, recorder.missing) == ("", 0, 0)
    recorder.close()
    with Record(tmp_path / "a.rec") as record:
        assert len(record) == 60
        assert record.faults() == []
        assert check_record(record, a_step).same


def test_what_memory_cannot_hold_is_left_out_and_the_record_says_which_frames_and_why(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "MOST_KEPT", 40_000)
    recorder = Recorder(tmp_path / "a.rec", SIMULATION, Wall())
    moments = [a_moment(0.25 * i) for i in range(120)]
    small_disk(recorder, 4)
    for moment in moments[:100]:
        recorder.take(moment)
    left = recorder.missing
    assert 0 < left < 100
    small_disk(recorder, None)
    for moment in moments[100:]:
        recorder.take(moment)
    recorder.close()
    assert recorder.missing == left
    with Record(tmp_path / "a.rec") as record:
        assert len(record) == 120 - left
        (gap,) = record.gaps().values()
        assert gap.frames == left
        assert "full" in gap.why
        assert record.faults() == [str(gap)]
        assert [m.frame.t for m in record.moments()] == [m.frame.t for i, m in enumerate(moments, 1)
            if not gap.n - left <= i < gap.n]
        assert next(record.moments(moments[gap.n - 1].frame.t)).frame.t == moments[gap.n - 1].frame.t
        found = check_record(record, a_step)
        assert found.same
        assert found.frames == gap.n - left - 1
        assert "not recorded" in found.sentence


@pytest.mark.parametrize("change", ["DELETE FROM gaps", "UPDATE gaps SET frames = frames - 1",
    "UPDATE gaps SET why = 'nothing'", "UPDATE gaps SET n = n + 1"])
def test_a_gap_that_was_changed_afterwards_is_found(tmp_path, change):
    recorder = Recorder(tmp_path / "a.rec", SIMULATION)
    for i in range(3):
        recorder.take(a_moment(0.25 * i))
    recorder.missed(5)
    for i in range(8, 12):
        recorder.take(a_moment(0.25 * i))
    recorder.close()
    with Record(tmp_path / "a.rec") as record:
        assert record.faults() == ["frames 4 to 8 were not recorded: the recorder was too slow"]
    base = sqlite3.connect(tmp_path / "a.rec")
    base.execute(change)
    base.commit()
    base.close()
    with Record(tmp_path / "a.rec") as record:
        assert any("missing" in fault or "not as it was" in fault for fault in record.faults())
        assert not check_record(record, a_step).same


def test_a_record_begun_on_a_full_disk_begins_when_there_is_room(tmp_path, monkeypatch):
    real, full = writer._open, [True]

    def opened(path, header):
        if full[0]:
            raise OSError(28, "No space left on device")
        return real(path, header)

    monkeypatch.setattr(writer, "_open", opened)
    recorder = Recorder(tmp_path / "a.rec", SIMULATION, Wall())
    recorder.take(a_moment(0.0))
    assert "Make room" in recorder.fault
    full[0] = False
    recorder.take(a_moment(0.25))
    assert recorder.fault == ""
    recorder.close()
    with Record(tmp_path / "a.rec") as record:
        assert len(record) == 2
        assert record.faults() == []


def test_a_record_taken_away_while_it_is_written_begins_again_and_says_what_it_lacks(tmp_path):
    recorder = Recorder(tmp_path / "a.rec", SIMULATION, Wall())
    for i in range(5):
        recorder.take(a_moment(0.25 * i))
    shutil.move(tmp_path / "a.rec", tmp_path / "moved.rec")
    for i in range(5, 9):
        recorder.take(a_moment(0.25 * i))
    recorder.close()
    with Record(tmp_path / "a.rec") as record:
        assert record.faults() == ["frames 1 to 5 were not recorded: the file was taken away while it was written"]
        assert [m.frame.t for m in record.moments()] == [1.25, 1.5, 1.75, 2.0]


def test_another_file_in_the_place_of_a_record_is_said_and_not_touched(tmp_path):
    recorder = Recorder(tmp_path / "a.rec", SIMULATION, Wall())
    recorder.take(a_moment(0.0))
    shutil.move(tmp_path / "a.rec", tmp_path / "moved.rec")
    (tmp_path / "a.rec").write_bytes(b"somebody's work")
    recorder.take(a_moment(0.25))
    assert "in the place of" in recorder.fault
    recorder.close()
    assert (tmp_path / "a.rec").read_bytes() == b"somebody's work"


def test_a_record_is_readable_by_its_owner_only(tmp_path):
    recorder = Recorder(tmp_path / "a.rec", SIMULATION)
    recorder.take(a_moment(0.0))
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {"a.rec": 0o600,
        "a.rec-wal": 0o600, "a.rec-shm": 0o600}
    recorder.close()
    assert (tmp_path / "a.rec").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("content", "sentence"), [
    (b"", "not a record"), (b"junk" * 1000, "no SQLite file"), (b"SQLite format 3\0" + b"\xff" * 4000,
        "no SQLite file|damaged"),
])
def test_what_is_no_record_is_answered_with_a_sentence(tmp_path, content, sentence):
    (tmp_path / "a.rec").write_bytes(content)
    with pytest.raises(RecordError, match=sentence):
        Record(tmp_path / "a.rec")


def test_a_folder_a_missing_file_a_foreign_and_a_newer_record_are_named(tmp_path):
    with pytest.raises(RecordError, match="no such file"):
        Record(tmp_path / "a.rec")
    with pytest.raises(RecordError, match="not a file"):
        Record(tmp_path)
    base = sqlite3.connect(tmp_path / "other.db")
    base.execute("CREATE TABLE header (key, value)")
    base.close()
    with pytest.raises(RecordError, match="not a record of Skywarden"):
        Record(tmp_path / "other.db")
    written(tmp_path / "a.rec", frames=1)
    base = sqlite3.connect(tmp_path / "a.rec")
    base.execute(f"PRAGMA user_version={headers.FORMAT + 1}")
    base.close()
    with pytest.raises(RecordError, match="install a newer one"):
        Record(tmp_path / "a.rec")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_a_record_cut_short_is_said_to_be(tmp_path, part):
    written(tmp_path / "a.rec")
    whole = (tmp_path / "a.rec").read_bytes()
    (tmp_path / "a.rec").write_bytes(whole[: int(len(whole) * part)])
    assert noticed(tmp_path / "a.rec")


def noticed(path):
    """What is said of a damaged record, by opening it or by looking at its digests."""
    try:
        with Record(path) as record:
            return record.faults()
    except RecordError as error:
        return [str(error)]


def test_an_order_without_its_clearance_cannot_come_out_of_a_file():
    drill = a_moment(1.0).drill
    blob = encode(drill)
    forged = blob.replace(b"clear", b"arc\0\0")
    assert forged != blob
    with pytest.raises(RecordError, match="Drill"):
        decode(forged, type(drill))


def test_what_people_say_and_what_is_said_to_them_comes_back_as_it_was(tmp_path):
    from skywarden.messages.frame import Delivered
    from skywarden.messages.truth import Injected

    moment = a_moment(0.25)
    told = Delivered(0.25, "m1", "tower", "message", ("Clear.", "", ""), ("aircraft=apron",), 20.0, ("yes", "no"))
    said = Command(0.25, "answer", "m1", "mira", "yes", 1_630_281_600_000)
    event = Injected(0.25, "second salvo", "raid", "fired", "omid", "", "", "", 0)
    moment = moment._replace(
        frame=moment.frame._replace(delivered=(told,), commands=(said,)), truth=moment.truth._replace(injects=(event,)))
    assert decode(encode(moment.frame), type(moment.frame)).delivered == (told,)
    assert decode(encode(moment.frame), type(moment.frame)).commands == (said,)
    assert decode(encode(moment.truth), type(moment.truth)).injects == (event,)


def test_a_header_commits_to_a_seed_that_is_told_at_the_end_and_another_seed_is_found(tmp_path):
    from skywarden.record.secret import Secret, draw_secret, keep_secret, kept_secret, secret_file
    from skywarden.record.writer import reveal

    path, secret = tmp_path / "a.rec", draw_secret(771_177)
    header = Header("simulation", 0, "test", {}, "s", {}, None, commitment=secret.commitment)
    recorder = Recorder(path, header)
    keep_secret(path, secret)
    recorder.take(a_moment(0.25))
    recorder.close()
    assert secret_file(path).stat().st_mode & 0o077 == 0
    assert b"771177" not in path.read_bytes()
    with Record(path) as record:
        assert record.secret
        assert record.seed is None
    assert kept_secret(path) == secret
    reveal(path, secret)
    assert not secret_file(path).exists()
    with Record(path) as record:
        assert record.seed == 771_177
        assert record.faults() == []
    reveal(path, Secret(771_178, secret.salt))
    with Record(path) as record:
        assert record.faults() == ["the seed revealed is not the one that the header commits to"]
