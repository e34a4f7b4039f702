"""Whatever bytes come in, nothing is thrown, every byte is accounted for, time never runs backwards
and nothing impossible goes on.
"""

from __future__ import annotations

import math
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

from feed_builders import SHARED, a_surveillance_site, a_turn, block, ethernet, frames_of, pcap

from skywarden.feeds.aircraft import AircraftDecoder
from skywarden.feeds.asterix import Decoder
from skywarden.feeds.sbs import SbsDecoder
from skywarden.formats import capture
from skywarden.formats.network import Payload

SITE = a_surveillance_site(48.0, 11.0)
QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=3_000, deadline=None, suppress_health_check=list(HealthCheck))
SEEDS = [a_turn(1000.0), pcap([(1e9 + k, ethernet(a_turn(1000.0 + k))) for k in range(4)]),
    block(34, b"\xf0\x01\x02\x01\x00\x10\x00\x00")]
if (SHARED / "asterix").is_dir():
    SEEDS += [path.read_bytes()[:6_000] for path in sorted((SHARED / "asterix").iterdir())]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A recording with bytes changed, cut out, put in, or its end cut off."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 12))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        how = draw(st.sampled_from(("flip", "cut", "put", "end")))
        if how == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "cut":
            del data[at:at + draw(st.integers(1, 40))]
        elif how == "put":
            data[at:at] = draw(st.binary(max_size=40))
        elif how == "end" and draw(st.booleans()):
            del data[at:]
    return bytes(data)


def survives(data: bytes, folder: Path) -> None:
    """The whole way from a file to frames."""
    path = folder / "fuzzed"
    path.write_bytes(data or b"\0")
    pieces = list(capture.payloads(path))
    if data[:4] not in (*capture.PCAP, capture.PCAPNG):
        assert sum(len(p.data) + p.junk for p in pieces) <= max(len(data), 1)
    frames = frames_of(f"asterix+file:{path}", site=SITE)
    assert frames
    assert (np.diff([f.t for f in frames]) > 0).all()
    for f in frames:
        d, a = f.detections, f.aircraft
        assert np.isfinite(d.t).all()
        assert (d.t <= f.t + 1e-9).all()
        assert np.isfinite(d.range).all()
        assert (d.range > 0).all()
        assert ((d.azimuth >= 0) & (d.azimuth < 2 * math.pi)).all()
        assert np.isfinite(a.t).all()
        assert (np.hypot(a.position[:, 0], a.position[:, 1]) <= 500_000).all()
        assert (f.radars.sector_width >= 0).all()
    assert 0 <= frames[-1].inputs.undecodable[0] <= max(len(data), 1)


@QUICK
@given(data=mutated())
def test_a_damaged_recording_is_survived(tmp_path_factory, data):
    survives(data, tmp_path_factory.mktemp("fuzz"))


@QUICK
@given(data=st.binary(max_size=4_000))
def test_junk_is_survived(tmp_path_factory, data):
    survives(data, tmp_path_factory.mktemp("fuzz"))


@pytest.mark.prove
@LONG
@given(data=mutated())
def test_thousands_of_damaged_recordings_are_survived(tmp_path_factory, data):
    survives(data, tmp_path_factory.mktemp("fuzz"))


@QUICK
@given(category=st.sampled_from((15, 21, 34, 48, 62, 65, 1, 240, 7)), data=st.binary(min_size=1, max_size=200))
def test_every_byte_of_a_datagram_is_read_or_counted(category, data):
    batch = Decoder(SITE).decode(Payload(block(category, data)))[0]
    assert 0 <= batch.undecodable <= len(data) + 3
    assert batch.received > 0 or batch.undecodable == len(data) + 3


@QUICK
@given(lines=st.lists(st.one_of(st.binary(max_size=120), st.lists(st.text(max_size=6), min_size=18, max_size=22).map(
    lambda fields: ",".join(["MSG", "3", *fields]).encode("utf-8", "replace"))), max_size=20))
def test_any_line_is_survived(lines):
    sbs, aircraft = SbsDecoder(SITE), AircraftDecoder(SITE)
    for text in lines:
        sbs.decode(text)
        list(aircraft.decode(text))
    sbs.flush()


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(),
    max_size=2))
KEYS = st.sampled_from(("hex", "flight", "alt_baro", "alt_geom", "gs", "track", "baro_rate", "lat", "lon", "nic",
    "nac_p", "seen_pos", "seen"))


@QUICK
@given(st.fixed_dictionaries({"now": VALUES, "aircraft": st.lists(st.one_of(VALUES, st.dictionaries(KEYS, VALUES)),
    max_size=6)}),
       st.lists(st.one_of(VALUES, st.lists(VALUES, max_size=12)), max_size=6))
def test_any_json_is_survived(document, trace):
    import json

    decoder = AircraftDecoder(SITE)
    list(decoder.decode(json.dumps(document).encode()))
    for batch in decoder.decode(json.dumps({"icao": "3c6444", "timestamp": document["now"], "trace": trace}).encode()):
        assert all(math.isfinite(item.t) for item in batch.items)


def test_much_junk_is_streamed_not_kept(tmp_path):
    size = 24 << 20
    (tmp_path / "junk").write_bytes(np.random.default_rng(1).integers(0, 256, size, np.uint8).tobytes())
    tracemalloc.start()
    total = sum(len(p.data) + p.junk for p in capture.payloads(tmp_path / "junk"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == size
    assert peak < 80 << 20      # some windows of a megabyte with their index arrays, whatever the file's size


@pytest.mark.prove
def test_a_gigabyte_of_junk_ends_cleanly(tmp_path):
    rng = np.random.default_rng(2)
    with (tmp_path / "junk").open("wb") as file:
        for _ in range(64):
            file.write(rng.integers(0, 256, 16 << 20, np.uint8).tobytes())
    frames = frames_of(f"asterix+file:{tmp_path / 'junk'}", site=SITE)
    assert frames[-1].inputs.undecodable[0] > 0.99 * (1 << 30)
