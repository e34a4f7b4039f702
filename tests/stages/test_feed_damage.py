"""Damage costs what is damaged and no more: bad records, padding, IP fragments, frames cut short;
and what a radar itself calls no target.
"""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from feed_builders import SHARED, a_turn, block, ethernet, frames_of, gathered, items_of, pcap, pcapng, plot_048

from skywarden.formats import capture, layout
from skywarden.formats.capture import blocks, payloads
from skywarden.formats.network import FRAGMENT
from skywarden.messages.frame import CATEGORY, MARKED, NO_ADDRESS, TWICE

MILE = 1852.0
BEGIN = 20_000 * 86_400.0 + 1_000.0


def written(folder, data: bytes, name: str = "made.bin") -> str:
    (folder / name).write_bytes(data)
    return f"asterix+file:{folder / name}"


def counted(folder, data: bytes) -> tuple[int, int, int]:
    """Detections, messages and undecodable bytes."""
    detections, _, inputs = gathered(frames_of(written(folder, data)))
    return len(detections.t), int(inputs.received[0]), int(inputs.undecodable[0])


def records(t: float, n: int = 4) -> list[bytes]:
    return [plot_048(t, 20.0 + k, 10.0, 0x400000 + k) for k in range(n)]


def with_expansion(record: bytes, body: bytes, says: int) -> bytes:
    """A CAT048 record with a reserved expansion field (FRN 27) that says a size."""
    specification = bytes([record[0] | 1, record[1] | 1, 0x01, 0x04])
    return specification + record[2:] + bytes([says]) + body


BAD = {
    "an item that says too little": lambda good: with_expansion(good, b"\x03\xfa\x94\x00\x00\x00\x00\x11", 3),
    "an item that says too much": lambda good: with_expansion(good, b"\x01", 200),
    "a bit of an item that does not exist": lambda good: bytes([good[0] | 1, good[1] | 1, 0x01, 0x01, 0xFE]) + good[2:],
    "cut short": lambda good: good[:9],
    "nothing but noise": lambda good: bytes(range(130, 160)),
}


@pytest.mark.parametrize("how", list(BAD))
@pytest.mark.parametrize("place", [1, 3])
def test_a_bad_record_costs_itself_and_what_follows_it_not_what_stands_before(tmp_path, how, place):
    turns = []
    for k in range(12):
        good = records(1_000.0 + 5 * k)
        turns.append(block(48, *good[:place], BAD[how](good[place])))
    found, received, undecodable = counted(tmp_path, pcap([(BEGIN + 5 * k, ethernet(turn)) for k,
        turn in enumerate(turns)]))
    assert found == received == 12 * place
    assert undecodable == sum(len(turn) - 3 - sum(len(r) for r in records(0.0)[:place]) for turn in turns)


@pytest.mark.parametrize("padding", [b"\0", b"\0\0\0", b"\xff\xff", bytes(64)])
def test_padding_behind_the_records_costs_nothing(tmp_path, padding):
    turns = [block(48, *records(1_000.0 + 5 * k), padding) for k in range(12)]
    assert counted(tmp_path, b"".join(turns)) == (48, 48, 12 * len(padding))


@pytest.mark.parametrize(("codes", "seen"), [((1,), False), ((2,), False), ((4,), False), ((10,), False),
    ((13, 10), False), ((3,), True), ((11, 17), True)])
def test_what_the_radar_itself_calls_a_reflection_or_a_phantom_is_no_target(tmp_path, codes, seen):
    data = a_turn(1_000.0)
    for k in range(4):
        plain = plot_048(1_005.0 + k, 30.0, 200.0, 0x123456)
        warning = bytes((code << 1) | (j < len(codes) - 1) for j, code in enumerate(codes))
        data += block(48, bytes([plain[0], plain[1] | 1, 0x40]) + plain[2:] + warning)     # I048/030 is FRN 16
    detections, _, inputs = gathered(frames_of(written(tmp_path, data)))
    assert (0x123456 in detections.address) == seen
    assert inputs.causes[0, MARKED] == (0 if seen else 4)
    assert inputs.undecodable[0] == 0


def test_a_height_or_an_address_that_the_radar_doubts_is_none(tmp_path):
    def doubted(code: int) -> bytes:
        plain = plot_048(1_000.0, 30.0, 200.0, 0x123456)
        return block(48, bytes([plain[0], plain[1] | 1, 0x40]) + plain[2:] + bytes([code << 1]))

    plots, _, _ = items_of(written(tmp_path, doubted(12) + doubted(16)))
    assert [(math.isnan(p.pressure_altitude), p.address) for p in plots] == [(True, 0x123456), (False, NO_ADDRESS)]


def test_categories_that_are_not_read_are_counted_as_that(tmp_path):
    data = a_turn(1_000.0) + block(1, b"\xf4\x01\x02\x20" + bytes(8)) + block(30,
        b"\xf4\x01\x02\x20" + bytes(8)) + a_turn(1_005.0)
    inputs = frames_of(written(tmp_path, data))[-1].inputs
    assert (inputs.received[0], inputs.causes[0, CATEGORY], inputs.undecodable[0]) == (22, 2, 0)


def in_pieces(payload: bytes, number: int, size: int, order: list[int] | None = None, version: int = 4) -> list[bytes]:
    """Ethernet frames of the fragments of one UDP datagram."""
    datagram = struct.pack(">HHHH", 8600, 8600, 8 + len(payload), 0) + payload
    cuts = list(range(0, len(datagram), size))
    found = []
    for k, at in enumerate(cuts):
        part, more = datagram[at:at + size], k < len(cuts) - 1
        if version == 4:
            head = struct.pack(
                ">BBHHHBBH4s4s", 0x45, 0, 20 + len(part), number, (0x2000 if more else 0) | at // 8, 64, 17, 0,
                bytes((10, 0, 0, 1)), bytes((239, 0, 0, 1)))
            found.append(bytes(12) + b"\x08\x00" + head + part)
        else:
            head = struct.pack(">IHBB16s16s", 6 << 28, 8 + len(part), FRAGMENT, 64, bytes(16),
                bytes(16)) + struct.pack(">BBHI", 17, 0, at | more, number)
            found.append(bytes(12) + b"\x86\xdd" + head + part)
    return [found[k] for k in order] if order else found


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("order", [None, [2, 0, 1], [1, 2, 0], [0, 1, 1, 2], [0, 0, 2, 1]])
def test_fragments_are_put_together_as_the_receiving_machine_would(tmp_path, version, order):
    packets: list[tuple[float, bytes]] = []
    for k in range(6):
        turn = block(48, *records(1_000.0 + 5 * k, 4))
        other = block(48, *records(1_002.0 + 5 * k, 4))
        mine, theirs = (in_pieces(turn, 2 * k, 32, order, version), in_pieces(other, 2 * k + 1, 32, order, version))
        # interleaved
        packets += [(BEGIN + 5 * k, packet) for pair in zip(mine, theirs, strict=True) for packet in pair]
    for wrapped in (pcap(packets), pcapng(packets)):
        assert counted(tmp_path, wrapped) == (48, 48, 0)


def test_a_datagram_of_which_a_fragment_is_missing_is_counted_and_harms_no_other(tmp_path):
    packets = [(BEGIN + 5 * k, packet) for k in range(6) for packet in in_pieces(block(48, *records(1_000.0 + 5 * k)),
        k % 3, 32)[k == 2:]]
    found, _, undecodable = counted(tmp_path, pcap(packets))
    assert found == 20
    assert undecodable == len(block(48, *records(0.0))) + 8 - 32


def final_format(data: bytes) -> bytes:
    return struct.pack(">HBBB3s", len(data) + 12, 0, 0, 1, b"\0\0\0") + data + b"\xa5" * 4


def reply(data: bytes) -> bytes:
    return struct.pack("<II", len(data), 0) + data


@pytest.mark.parametrize("framed", [final_format, reply])
@pytest.mark.parametrize("damaged", [0, 1, 2, 9, 23])
@pytest.mark.parametrize("how", ["a byte missing", "a byte too many", "noise"])
def test_a_damaged_frame_costs_itself_wherever_it_stands(tmp_path, framed, damaged, how):
    frames = [framed(block(48, *records(1_000.0 + 5 * k))) for k in range(24)]
    one = frames[damaged]
    middle = len(one) // 2
    frames[damaged] = {"a byte missing": one[:middle] + one[middle + 1:], "a byte too many": one[:middle] + b"\x55"
        + one[middle:],
                       "noise": bytes(len(one))}[how]
    found, received, undecodable = counted(tmp_path, b"".join(frames))
    assert found == received
    assert 92 <= found <= 95
    assert 0 < undecodable <= 2 * len(one)


def test_equal_detections_are_one_wherever_they_come_from(tmp_path):
    turns = [(BEGIN + 5 * k, ethernet(block(48, *records(1_000.0 + 5 * k)))) for k in range(6)]
    twice = pcap([packet for packet in turns for _ in (1, 2)])
    once = gathered(frames_of(written(tmp_path, pcap(turns), "once")))[0]
    detections, _, inputs = gathered(frames_of(written(tmp_path, twice, "twice")))
    assert (len(detections.t), inputs.causes[0, TWICE]) == (24, 24)
    networks = frames_of(written(tmp_path, pcap(turns), "a"),
        written(tmp_path, pcap([(t + 0.003, p) for t, p in turns]), "b"))
    both, _, inputs = gathered(networks)
    assert (both.t == once.t).all()
    assert inputs.causes[:, TWICE].sum() == 24


@pytest.mark.skipif(not (SHARED / "asterix").is_dir(), reason="the shared recordings are not beside this checkout")
def test_records_are_cut_and_read_as_libasterix_does():
    """Every record of every recording by every edition: the same end or refusal, the same items,
    and every field that is read here.
    """
    import asterix.generated as generated
    from asterix.base import Bits

    compared = 0
    for path in sorted((SHARED / "asterix").iterdir()):
        for payload in list(payloads(path))[:60]:
            for category, data in blocks(payload.data):
                for each in layout.layouts().get(category, ()):
                    spec = getattr(generated, f"Cat_{category:03d}_{each.edition[0]}_{each.edition[1]}")
                    theirs = spec.cv_uap.parse(Bits.from_bytes(data))
                    ours = list(layout.records(each, data))
                    whole = bool(ours) and ours[-1][1] == len(data)
                    assert whole == (not isinstance(theirs, ValueError))
                    if whole:
                        for (record, _), other in zip(ours, theirs, strict=True):
                            compared += _same(record, other)
    assert compared > 5_000


FIELDS = (
    ("010", "SAC"), ("140",), ("040", "RHO"), ("040", "THETA"), ("090", "FL"), ("090", "V"), ("120", "CAL", "CAL"),
    ("220",), ("020", "SIM"),
    ("020", "TST"), ("030",), ("070",), ("080", "SIM"), ("080", "TSE"), ("105", "LAT"), ("105", "LON"), ("185", "VX"),
    ("380", "ADR"), ("380", "ID"),
    ("380", "COM", "STAT"), ("136",), ("160", "GS"), ("170",), ("131", "LAT"), ("130", "LON"), ("090", "NACP"),
    ("157", "GVR"), ("145",), ("040", "ATP"))


def _same(record: layout.Record, other) -> int:
    count = 0
    for item, *names in FIELDS:
        part = other.items_regular.get(item)
        for name in names:
            try:
                part = None if part is None else part.variation.get_item(name)
            except (ValueError, KeyError, AttributeError):
                part = None
        if part is None or not hasattr(part.variation, "content"):
            continue
        count += 1
        assert record.whole(item, *names, otherwise=-1) == part.as_uint()
        if hasattr(part.variation.content, "as_quantity"):
            assert record.number(item, *names) == float(part.variation.content.as_quantity())
        if hasattr(part.variation.content, "as_string"):
            assert record.text(item, *names) == part.variation.content.as_string()
    return count


def test_a_framing_is_judged_by_what_it_holds_not_by_its_first_frames():
    assert capture._framing(np.random.default_rng(3).integers(0, 256, 5_000, np.uint8).tobytes()) is None
    head = bytes(40) + b"".join(reply(block(48, *records(1_000.0 + k))) for k in range(20))
    found = capture._framing(head)
    assert found is not None
    assert found.size(reply(block(48, b"\x80\x01\x02"))[:found.header]) == 6
