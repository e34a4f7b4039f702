"""One look at the first bytes of a file tells what it is, and every reader of text asks it."""

import gzip
import json

import pytest

from skywarden.files.first_look import BINARY, EMPTY, JSON, JSON_LINES, MARKUP, TEXT, look
from skywarden.files.text import as_text, lines

TABLE = "time_s,name\n1.0,Köln\n2.0,東京\n"
WESTERN = "time_s,name\n1.0,north\n2.0,south\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_text_is_the_same_however_it_is_encoded_and_its_lines_end(encoding, end, tmp_path):
    faults = []
    content = TABLE.replace("\n", end).encode(encoding)
    assert as_text("t.csv", content, faults) == TABLE
    assert not faults
    file = tmp_path / "t.csv"
    file.write_bytes(content)
    assert b"".join(lines(file)).replace(b"\r\n", b"\n").decode() == TABLE


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_told_by_its_zeros(encoding):
    faults = []
    assert as_text("t.csv", WESTERN.encode(encoding), faults) == WESTERN
    assert "UTF-16" in look(WESTERN.encode(encoding)).name
    assert not faults


def test_gzip_is_unpacked_on_the_way_where_lines_are_streamed(tmp_path):
    file = tmp_path / "t.json"
    file.write_bytes(gzip.compress(b"\xef\xbb\xbf{}\n[]\n"))
    assert list(lines(file)) == [b"{}\n", b"[]\n"]
    file.write_bytes(gzip.compress(b"{}\n" * 1000)[:-12])
    with pytest.raises(OSError, match="gzip is damaged"):
        list(lines(file))
    file.write_bytes(gzip.compress(gzip.compress(b"{}\n")))  # one wrapping is the sender's habit, two are a trick
    assert b"{}\n" not in b"".join(lines(file))


def test_a_line_without_an_end_comes_in_pieces(tmp_path):
    for encoding in ("utf-8", "utf-16"):
        file = tmp_path / "t"
        file.write_bytes(("x" * 1000).encode(encoding))
        pieces = list(lines(file, longest=64))
        assert b"".join(pieces) == b"x" * 1000
        assert max(map(len, pieces)) <= 64


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (gzip.compress(b"x", mtime=0), "gzip"),
        (b"\x28\xb5\x2f\xfd....", "Zstandard"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\x00\x00", "xz"),
        (b"PK\x03\x04\x14", "ZIP"),
        (b"PAR1....", "Parquet"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"%PDF-1.7", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1..", "Excel"),
        (b"<!DOCTYPE html><title>Log in</title>", "HTML"),
        (b"\xef\xbb\xbf \n<HTML>", "HTML"),
        (b"<?xml version='1.0'?><kml/>", "XML"),
        (b"{\\rtf1\\ansi", "Rich Text"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
        (b"\x00\x05\x16\x07\x00\x02", "macOS"),
        (b"\x01\x02\x00\x04\x00", "binary"),
        ('<html lang="de">'.encode("utf-16"), "HTML"),
    ],
)
def test_what_is_no_text_of_ours_is_named_with_what_to_do(content, name):
    faults = []
    assert as_text("t.csv", content, faults) is None
    (fault,) = faults
    assert name in fault.what
    assert fault.do
    assert look(content).kind in (BINARY, MARKUP)


def test_json_is_known_from_text_and_by_lines():
    one, two = {"type": "Feature", "a": [1, 2]}, {"type": "Feature", "a": [3]}
    for text, kind in (
        (json.dumps(one), JSON),
        (json.dumps(one, indent=1), JSON),
        (json.dumps([one, two]), JSON),
        ("[1, 2]", JSON),
        ("[[1, 2], [3, 4]]", JSON),
        (f"{json.dumps(one)}\n{json.dumps(two)}\n", JSON_LINES),
        (f"{json.dumps(one)}\r\n{json.dumps(two)}\r\n", JSON_LINES),
        (f"\x1e{json.dumps(one)}\n\x1e{json.dumps(two)}\n", JSON_LINES),
        ("[origin]\nlatitude_deg = 1\n", TEXT),
        ("[[radars]]\n", TEXT),
        ('name = "x"\n', TEXT),
        ("2 2 1\n0.5\n", TEXT),
        ("", EMPTY),
        (" \n", EMPTY),
    ):
        assert look(text.encode()).kind == kind, text
    faults = []
    assert as_text("t.toml", b'{"name": 1}', faults) is None
    assert "JSON" in faults[0].what


def test_a_byte_that_is_no_utf_8_is_named_with_its_line_and_what_it_may_be():
    faults = []
    assert as_text("t.csv", "time_s,name\r1,north\r2,Köln\r".encode("latin-1"), faults) is None
    (fault,) = faults
    assert fault.line == 3
    assert '0xf6, "ö" in Windows-1252' in fault.what


def test_forms_that_their_standards_write_in_utf_8_say_so():
    faults = []
    assert as_text("site.toml", 'name = "x"'.encode("utf-16"), faults, utf8_only=True) is None
    assert "UTF-16" in faults[0].what
    assert as_text("site.toml", b'a = 1\rb = 2\r', faults, utf8_only=True) is None
    assert "carriage returns" in faults[1].what
    assert as_text("site.toml", 'name = "x"'.encode("utf-8-sig"), [], utf8_only=True) == 'name = "x"'


def test_a_look_never_raises_whatever_the_bytes():
    import random

    chance = random.Random(1)
    starts = [b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\x00\x00", b"{", b"[", b"\x1f\x8b", b"<"]
    for _ in range(3000):
        content = chance.choice(starts) + chance.randbytes(chance.randrange(80))
        look(content)
        faults = []
        assert (as_text("t", content, faults) is None) == bool(faults)
