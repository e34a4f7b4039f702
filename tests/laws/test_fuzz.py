"""Every decoder and reader of feeds, given damaged and made-up input: nothing is thrown, nothing
takes a second, memory stays within bounds.

The corpus is what the builders write; `make test` tries some thousands of each, `make prove` a million.
"""

from __future__ import annotations

import contextlib
import json
import math
import random
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

from feed_builders import a_surveillance_site, a_turn, block, ethernet, north_mark, pcap, pcapng, plot_048
from test_feed_open_standards import NODE, ULID, WEATHER, bearing, beast

from skywarden.errors import FeedError
from skywarden.feeds.aircraft import AircraftDecoder
from skywarden.feeds.asterix import Decoder
from skywarden.feeds.beast import BeastDecoder, BeastStream
from skywarden.feeds.nodes import Nodes
from skywarden.feeds.sapient import SapientDecoder
from skywarden.feeds.sbs import SbsDecoder
from skywarden.feeds.sockets import Lines, Piece
from skywarden.formats.asterix_out import PlotOut, ReportOut, TrackOut, plot_015, report_021, track_062
from skywarden.formats.capture import payloads
from skywarden.formats.network import Payload
from skywarden.formats.sapient import from_dict
from skywarden.formats.weather import weather_from

SITE = a_surveillance_site(48.0, 11.0)
LONGEST = 1.0  # s of processor time that one input may take
MOST_MEMORY = 256 << 20  # bytes the process may grow by
WALL = 20_000 * 86_400.0 + 40_000.0
nan = math.nan

Target = Callable[[bytes], object]


def damaged(chance: random.Random, seeds: list[bytes]) -> bytes:
    """A seed with bytes changed, cut out, put in, doubled or joined with another; sometimes plain junk."""
    if chance.random() < 0.05:
        return chance.randbytes(chance.randrange(0, 200))
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randrange(0, 8)):
        at = chance.randrange(0, len(data) + 1)
        how = chance.randrange(6)
        if how == 0 and data:
            data[at % len(data)] ^= 1 << chance.randrange(8)
        elif how == 1 and data:
            data[at % len(data)] = chance.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF, 0x1A, 0x0A, 0x2C))
        elif how == 2:
            del data[at : at + chance.randrange(1, 30)]
        elif how == 3:
            data[at:at] = chance.randbytes(chance.randrange(1, 20))
        elif how == 4:
            data[at:at] = data[at : at + chance.randrange(1, 60)]
        else:
            other = chance.choice(seeds)
            data[at:] = other[chance.randrange(0, len(other) + 1) :]
    return bytes(data[:4_000])


def asterix() -> tuple[list[bytes], Target]:
    plot = PlotOut(40_000.0, 5_000.0, 0.1, 0.2, 30.0, 20.0, nan, -1)
    seeds = [
        a_turn(40_000.0, 4),
        block(34, north_mark(40_000.0)),
        block(15, plot_015((1, 1), plot), plot_015((1, 1), plot)),
        block(62, track_062((0, 255), TrackOut(40_000.0, 7, 0.84, 0.19, 1e4, (100.0, 50.0, 1.0), 0x3C6444))),
        block(
            21,
            report_021((0, 254), ReportOut(40_000.0, 5, "AB1", 0.84, 0.19, 1e4, 1e4, 200.0, 1.0, 2.0, 8, 9, False))
            or b"",
        ),
        block(48, plot_048(40_000.0, 20.0, 10.0), plot_048(None, 30.0, 20.0, None, None)),
        block(65, bytes(9)),
        block(7, b"\x80"),
    ]
    decoder, count = Decoder(SITE, simulated=True), [0]

    def take(data: bytes) -> None:
        count[0] += 1
        now = 1_000.0 + count[0] * 0.01
        if count[0] % 2:
            batches = decoder.decode(Payload(data, WALL + count[0] * 0.01), now, "10.0.0.1")
        else:
            batches = decoder.decode_many(
                [Piece(now, ("10.0.0.1",), data), Piece(now, ("10.0.0.1",), seeds[0])], WALL - 1_000.0
            )
        for batch in batches:
            assert 0 <= batch.undecodable <= len(data)
            assert all(math.isfinite(item.t) for item in batch.items)

    return seeds, take


def captures(folder: Path) -> tuple[list[bytes], Target]:
    seeds = [
        a_turn(1000.0, 3),
        pcap([(1e9, ethernet(a_turn(1000.0, 2)))] * 2),
        pcapng([(1e9, ethernet(a_turn(1000.0, 2)))] * 2),
    ]
    path = folder / "fuzzed"

    def take(data: bytes) -> None:
        path.write_bytes(data or b"\0")
        assert sum(len(piece.data) for piece in payloads(path)) <= max(len(data), 1)

    return seeds, take


def lines() -> tuple[list[bytes], Target]:
    seeds = [
        b"MSG,3,1,1,3C6444,1,2026/11/23,12:00:01.000,2026/11/23,12:00:01.000,,10000,,,48.1,11.1,,,,,,0",
        b"MSG,4,1,1,3C6444,1,,,,,,,300,90,,,64,,,,,0",
        b"MLAT,3,1,1,~3C6444,1,2026-11-23,12:00:01,,,,,,,48,11,,,,,,",
        b"STA,,5,179,400AE7,10103,a,b,c,d,RM",
    ]
    decoder = SbsDecoder(SITE)
    return seeds, lambda data: decoder.decode(data, 1.0, WALL)


def documents() -> tuple[list[bytes], Target]:
    entry = {
        "hex": "3c6444",
        "flight": "DLH1",
        "lat": 48.1,
        "lon": 11.1,
        "alt_baro": 10_000,
        "gs": 300,
        "track": 90,
        "seen_pos": 0.1,
    }
    seeds = [
        json.dumps({"now": WALL, "aircraft": [entry, {**entry, "hex": "~1"}]}).encode(),
        json.dumps(
            {
                "icao": "3c6444",
                "timestamp": WALL,
                "trace": [[0, 48.1, 11.1, "ground", 1, 2], [1, 48.1, 11.1, 900, 1, 2, 8, 0, {}]],
            }
        ).encode(),
        json.dumps([{"Icao": "3C6444", "Lat": 48.0, "Long": 11.0, "Gnd": True}]).encode(),
    ]
    decoder = AircraftDecoder(SITE)
    return seeds, lambda data: list(decoder.decode(data, 1.0, WALL))


def sapient() -> tuple[list[bytes], Target]:
    base = {"timestamp": "2026-11-23T12:00:00Z", "node_id": NODE}
    detection = {"report_id": ULID, "object_id": ULID}
    where = {
        "x": 11.1,
        "y": 48.05,
        "coordinate_system": "LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M",
        "datum": "LOCATION_DATUM_WGS84_E",
    }
    seeds = [
        from_dict({**base, **content}).SerializeToString()
        for content in (
            {"detection_report": {**detection, **bearing(5e3, 10.0, 5.0)}},
            {"detection_report": {**detection, "location": where}},
            {"status_report": {"report_id": ULID, "system": "SYSTEM_OK", "info": "INFO_NEW", "mode": "any"}},
            {"error": {"packet": "AA==", "error_message": ["no"]}},
        )
    ]
    sent: list[int] = []
    decoder = SapientDecoder(SITE, lambda peer, data: sent.append(len(data)))
    decoder._of["a",] = NODE
    decoder._nodes[NODE] = __import__("skywarden.feeds.sapient", fromlist=["_Node"])._Node("radar")

    def take(data: bytes) -> None:
        list(decoder.decode(data, 1.0, WALL, ("a",)))
        assert max(sent, default=0) < 20_000
        sent.clear()

    return seeds, take


def beasts() -> tuple[list[bytes], Target]:
    pytest.importorskip("rs1090", reason="rs1090 is not installed")
    known = (
        "8D40621D58C382D690C8AC2863A7",
        "8D40621D58C386435CC412692AD6",
        "8D485020994409940838175B284F",
        "20000F1F684A6C",
        "A800178D10010080F50000D5893C",
    )
    seeds = [b"".join(map(beast, known)), beast(known[0]), beast(known[3])]
    stream, decoder = BeastStream("127.0.0.1", 9), BeastDecoder(SITE)

    def take(data: bytes) -> None:
        for piece in stream._split(data):
            list(decoder.decode(piece.data, 1.0, WALL))
        assert len(stream._rest) <= 1 << 17

    return seeds, take


def streams() -> tuple[list[bytes], Target]:
    made = Lines("127.0.0.1", 9)

    def take(data: bytes) -> None:
        made._split(data)
        assert len(made._rest) <= 1 << 22

    return [b"one\ntwo\r\nthree", b"\r\r\n", b"x" * 300], take


def weathers() -> tuple[list[bytes], Target]:
    def take(data: bytes) -> None:
        with contextlib.suppress(ValueError):
            weather_from(data)

    return [
        WEATHER,
        json.dumps({"wind_up_m": [0, 10.5], "wind_east_mps": [1, 2], "wind_north_mps": [1, 2]}).encode(),
    ], take


TARGETS: dict[str, Callable[[Path], tuple[list[bytes], Target]]] = {
    "ASTERIX": lambda folder: asterix(),
    "captures": captures,
    "BaseStation": lambda folder: lines(),
    "JSON": lambda folder: documents(),
    "SAPIENT": lambda folder: sapient(),
    "Beast": lambda folder: beasts(),
    "streams": lambda folder: streams(),
    "weather": lambda folder: weathers(),
}


def tried(take: Target, data: bytes) -> BaseException | None:
    """What an input throws, Rust's panics too; a sentence is nothing."""
    try:
        take(data)
    except FeedError:
        return None
    except BaseException as error:
        return error
    return None


def fuzzed(name: str, folder: Path, inputs: int, seed: int, until: float = math.inf) -> tuple[int, float, int]:
    """How many inputs were tried until the monotonic clock showed `until` [s], the longest time one
    took [s], and how much the process grew [bytes].
    """
    seeds, take = TARGETS[name](folder)
    chance = random.Random(seed)
    for data in seeds:
        take(data)
    before, longest, k = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0.0, 0
    while k < inputs and time.monotonic() < until:
        data = damaged(chance, seeds)
        begun = time.thread_time()
        thrown = tried(take, data)
        assert thrown is None, f"{name}, input {k} of seed {seed}: {thrown!r}: {data.hex()}"
        longest = max(longest, time.thread_time() - begun)
        k += 1
    return k, longest, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_input_throws_nothing_and_takes_neither_time_nor_memory(name, tmp_path):
    _, longest, grown = fuzzed(name, tmp_path, 300 if name == "captures" else 1_500, 1)
    assert longest < LONGEST
    assert grown < MOST_MEMORY


@pytest.mark.prove
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("name", TARGETS)
def test_a_million_damaged_inputs_throw_nothing_and_take_neither_time_nor_memory(name, tmp_path):
    _, longest, grown = fuzzed(name, tmp_path, 1_000_000, 2)
    print(f"{name}: 1,000,000 inputs, longest {longest * 1e3:.1f} ms, grown {grown / 1e6:.0f} MB")
    assert longest < LONGEST
    assert grown < MOST_MEMORY


def test_the_server_of_nodes_survives_any_stream():
    chance, nodes = random.Random(3), Nodes("127.0.0.1", 0)
    import socket

    where = nodes._server.getsockname()
    for _ in range(60):
        with socket.create_connection(where) as out:
            out.sendall(chance.randbytes(chance.randrange(1, 400)))
            nodes.gather(0.01)
        nodes.gather(0.01)
    nodes.close()


def test_more_senders_in_one_payload_than_are_told_apart_cost_nothing():
    """Found by half a million damaged inputs: senders were given up while a payload of theirs was being read."""
    decoder = Decoder(SITE)
    for begin in range(0, 60_000, 900):
        who = [((begin + k) // 256 % 256, (begin + k) % 256) for k in range(900)]
        data = b"".join(block(48, plot_048(40_000.0, 20.0, 10.0, 7, identity=identity)) for identity in who)
        batches = decoder.decode(Payload(data, WALL), 1.0, "10.0.0.1")
        assert sum(batch.received for batch in batches) == 900
