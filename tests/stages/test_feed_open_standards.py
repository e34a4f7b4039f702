"""SAPIENT sensors, tar1090's aircraft.json over HTTP, Beast binary and the weather: real sockets,
foreign messages, faults survived and counted.
"""

from __future__ import annotations

import contextlib
import json
import math
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from feed_builders import SHARED, a_surveillance_site

from skywarden.errors import FeedError
from skywarden.feeds import web
from skywarden.feeds.merge import Merged
from skywarden.feeds.opening import open_source
from skywarden.feeds.sapient import SapientDecoder
from skywarden.feeds.source import Batch, Look, Plot, Report, Source
from skywarden.formats.sapient import HEAD, framed, from_bytes, from_dict, from_json
from skywarden.formats.weather import weather_from
from skywarden.messages.frame import CATEGORY, IMPOSSIBLE, UNKNOWN_SENDER

SITE = a_surveillance_site(48.0, 11.0)
NODE = "a8654cdf-4328-47de-81fa-c495589e30c8"
ULID = "01GGYFBAXGDG7AGAHRZ6XSNY12"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(source: Source, true: Callable[[list[Batch]], bool], limit: float = 30.0) -> list[Batch]:
    """Batches until something is true of them."""
    found, end = [], time.monotonic() + limit
    while not true(found):
        assert time.monotonic() < end, f"never: {found[-3:]}"
        found += source.poll()
        time.sleep(0.01)
    return found


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{int(time.time() % 1 * 1e6):06d}Z"


def told(**content: Any) -> Any:
    return from_dict({"timestamp": now(), "node_id": NODE, **content})


def a_registration() -> Any:
    message, faults = (
        from_json((SHARED / "sapient" / "Default.Registration.json").read_text("utf-8"))
        if (SHARED / "sapient").is_dir()
        else (None, ["absent"])
    )
    if faults:
        pytest.skip(f"../shared/data/sapient: {faults}")
    message.node_id = NODE
    return message


def a_detection(**where: Any) -> Any:
    return told(detection_report={"report_id": ULID, "object_id": ULID, **where})


def bearing(
    distance: float, azimuth: float, elevation: float | None, datum: str = "TRUE", unit: str = "DEGREES_M"
) -> dict[str, Any]:
    found = {
        "range": distance,
        "azimuth": azimuth,
        "coordinate_system": f"RANGE_BEARING_COORDINATE_SYSTEM_{unit}",
        "datum": f"RANGE_BEARING_DATUM_{datum}",
    }
    return {"range_bearing": found if elevation is None else {**found, "elevation": elevation}}


class Sensor:
    """A foreign client."""

    def __init__(self, port: int) -> None:
        self.stream = socket.create_connection(("127.0.0.1", port), timeout=20.0)

    def send(self, message: Any) -> None:
        self.stream.sendall(framed(message))

    def answer(self) -> Any:
        (size,) = HEAD.unpack(self._exactly(HEAD.size))
        message, faults = from_bytes(self._exactly(size))
        assert not faults
        return message

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.stream.recv(size - len(data))
            assert more, "closed"
            data += more
        return data


@pytest.fixture
def sensor() -> Iterator[tuple[Sensor, Source]]:
    port = free_port()
    source = open_source(f"sapient+tcp://127.0.0.1:{port}", SITE)
    made = Sensor(port)
    yield made, source
    made.stream.close()
    source.close()


def test_a_sensor_registers_reports_and_is_answered(sensor):
    node, source = sensor
    node.send(a_detection(**bearing(1000.0, 10.0, 5.0)))
    assert "register first" in node.answer().error.error_message[0]
    node.send(a_registration())
    assert node.answer().registration_ack.acceptance
    for k in range(8):
        node.send(a_detection(**bearing(5000.0 + k, 90.0, 10.0)))
    node.send(a_detection(**bearing(5.0, 0.5, 0.1, unit="RADIANS_KM")))
    node.send(a_detection(**bearing(5.0, 0.5, 0.1, datum="MAGNETIC")))
    assert "from true north" in " ".join(node.answer().error.error_message)
    batches = until(source, lambda b: sum(x.received for x in b) >= 12)
    plots = [item for batch in batches for item in batch.items if isinstance(item, Plot)]
    assert len(plots) == 9
    assert np.allclose(
        [plots[0].range, plots[0].azimuth, plots[0].elevation], [5000.0, math.pi / 2, math.radians(10.0)], atol=1e-3
    )
    assert np.allclose([plots[8].range, plots[8].azimuth, plots[8].elevation], [5000.0, 0.5, 0.1], atol=1e-3)
    assert plots[0].sensor == 0
    assert sum(batch.rejected.get(UNKNOWN_SENDER, 0) for batch in batches) == 1
    assert sum(batch.rejected.get(IMPOSSIBLE, 0) for batch in batches) == 1


def test_a_task_is_answered_that_it_is_not_supported_and_nothing_else_happens(sensor):
    node, source = sensor
    node.send(a_registration())
    node.answer()
    tried = 0
    for path in sorted((SHARED / "sapient" / "valid").glob("Task.*.json")):
        message, faults = from_json(path.read_text("utf-8"))
        assert not faults
        message.node_id = NODE
        node.send(message)
        answer = node.answer()
        assert answer.WhichOneof("content") == "task_ack"
        assert (answer.task_ack.task_status, list(answer.task_ack.reason)) == (2, ["not supported"])
        tried += 1
    assert tried >= 20
    batches = until(source, lambda b: sum(x.received for x in b) >= tried + 1)
    assert not [item for batch in batches for item in batch.items]
    assert sum(batch.rejected.get(CATEGORY, 0) for batch in batches) == tried


def test_valid_vectors_are_taken_and_invalid_ones_are_answered_with_an_error():
    if not (SHARED / "sapient").is_dir():
        pytest.skip("../shared/data/sapient is not there")
    answers: list[Any] = []
    decoder = SapientDecoder(SITE, lambda peer, data: answers.append(from_bytes(data[HEAD.size :])[0]))
    valid = invalid = 0
    for folder in ("valid", "invalid"):
        for path in sorted((SHARED / "sapient" / folder).glob("*.json")):
            message, faults = from_json(path.read_text("utf-8"))
            if message is None:
                continue  # no message at all: it cannot travel
            before = len(answers)
            batches = list(decoder.decode(message.SerializeToString(), 1.0, time.time(), (path.name,)))
            refused = sum(batch.undecodable for batch in batches) > 0
            assert refused == bool(faults), path.name
            if refused:
                assert answers[before].WhichOneof("content") == "error"
                assert not [item for batch in batches for item in batch.items]
            valid, invalid = valid + (not refused), invalid + refused
    assert valid >= 38
    assert invalid >= 50


def test_places_on_the_earth_and_signs_of_life():
    decoder, items = SapientDecoder(SITE, lambda peer, data: None), []
    list(decoder.decode(a_registration().SerializeToString(), 1.0, time.time(), ("a",)))
    where = [
        {"x": 11.1, "y": 48.05, "z": 1500.0, "coordinate_system": "LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M"},
        {"x": 0.5 * math.pi, "y": 1.0, "coordinate_system": "LOCATION_COORDINATE_SYSTEM_LAT_LNG_RAD_M"},
        {
            "x": 707_000.0,
            "y": 5_325_000.0,
            "z": 1500.0,
            "coordinate_system": "LOCATION_COORDINATE_SYSTEM_UTM_M",
            "utm_zone": "32U",
        },
    ]
    for place in where:
        for _ in range(5):
            for batch in decoder.decode(
                a_detection(location={**place, "datum": "LOCATION_DATUM_WGS84_E"}).SerializeToString(),
                1.0,
                time.time(),
                ("a",),
            ):
                items += [item for item in batch.items if isinstance(item, Plot)]
    far = {round(item.range, -3) for item in items}
    assert len(items) == 10  # the second is 4,000 km away
    assert all(5_000.0 < x < 60_000.0 for x in far)
    status = told(status_report={"report_id": ULID, "system": "SYSTEM_OK", "info": "INFO_NEW", "mode": "any"})
    looks = [
        item for batch in decoder.decode(status.SerializeToString(), 1.0, time.time(), ("a",)) for item in batch.items
    ]
    assert isinstance(looks[0], Look)


def test_junk_silence_and_crowds_cost_the_server_nothing(sensor):
    node, source = sensor
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            other = stack.enter_context(
                socket.create_connection(("127.0.0.1", node.stream.getpeername()[1]), timeout=5.0)
            )
            with contextlib.suppress(OSError):
                other.sendall(struct.pack("<I", 0xFFFFFFFF) + b"junk")
        node.send(a_registration())
        assert node.answer().registration_ack.acceptance
    node.stream.sendall(HEAD.pack(5) + b"\xff\xff\xff\xff\xff")
    assert node.answer().WhichOneof("content") == "error"
    until(source, lambda b: sum(x.undecodable for x in b) > 0)


class Server:
    """A web server that answers as it is told."""

    def __init__(self) -> None:
        self.how: Callable[[BaseHTTPRequestHandler], None] = lambda handler: None
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer.how(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def answering(body: bytes, code: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(body)

    return answer


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.server.shutdown()
    made.server.server_close()


def aircraft(k: int) -> bytes:
    return json.dumps(
        {
            "now": time.time(),
            "aircraft": [
                {
                    "hex": "3c6444",
                    "flight": "DLH1",
                    "lat": 48.05 + 1e-4 * k,
                    "lon": 11.1,
                    "alt_baro": 10_000,
                    "gs": 300,
                    "track": 90,
                    "seen_pos": 0.1,
                }
            ],
        }
    ).encode()


def test_aircraft_json_is_asked_for_again_and_again_whatever_the_server_answers(server, monkeypatch):
    monkeypatch.setattr(web, "EVERY", 0.02)
    monkeypatch.setattr(web, "SLOWEST", 0.05)
    monkeypatch.setattr(web, "PATIENCE", 0.3)
    server.how = answering(aircraft(0))
    source = open_source(f"aircraft+http://127.0.0.1:{server.port}/tar1090", SITE)
    reports = [item for batch in until(source, lambda b: any(x.items for x in b)) for item in batch.items]
    assert isinstance(reports[0], Report)
    assert server.asked[0] == "/tar1090/data/aircraft.json"

    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.wfile.write(b'{"now":')
        handler.close_connection = True

    def hang(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.6)

    for how in (
        answering(b"busy", 503),
        answering(b"", 301),
        cut,
        hang,
        answering(b"<html>not found</html>"),
        answering(b"\xff\xfe{]"),
    ):
        server.how = how
        until(source, lambda b: sum(x.undecodable for x in b) > 0)
    source.poll()
    server.how = answering(aircraft(1))
    until(source, lambda b: any(x.items for x in b))
    assert "requests failed" in str(getattr(source, "note", ""))
    source.close()


def test_nobody_at_the_address_is_no_error(monkeypatch):
    monkeypatch.setattr(web, "SLOWEST", 0.05)
    source = open_source(f"aircraft+http://127.0.0.1:{free_port()}", SITE)
    until(source, lambda b: sum(x.undecodable for x in b) > 1)
    source.close()


WEATHER = b"wind_up_m = [0, 1000]\nwind_east_mps = [1, 2]\nwind_north_mps = [3, 4]\ntemperature_offset_k = 5\n"


def test_the_weather_of_a_file_is_in_the_frames_and_follows_it(tmp_path, monkeypatch):
    path = tmp_path / "weather.toml"
    path.write_bytes(WEATHER)
    source = open_source(f"weather+file:{path}", SITE)
    table = tmp_path / "d.csv"
    table.write_text("time_s,range_m,azimuth_rad,elevation_rad,range_rate_mps\n1,5000,0.1,0.2,10\n2,5000,0.1,0.2,10\n")
    frames = [frame for frame, _ in Merged([open_source(f"table+file:{table}", SITE), source], SITE)]
    assert frames[-1].weather.wind.tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert frames[-1].inputs.received[1] == 1
    path.write_bytes(b"wind_up_m = []")
    source._look()  # type: ignore[attr-defined]
    batch = source.newest()[-1]  # type: ignore[attr-defined]
    assert batch.undecodable == 1
    assert batch.weather is None
    source.close()
    with pytest.raises(FeedError, match="wind_east_mps is not a list"):
        open_source(f"weather+file:{path}", SITE)


def test_the_weather_of_a_service(server):
    server.how = answering(
        json.dumps({"weather": {"wind_up_m": [0], "wind_east_mps": [7.5], "wind_north_mps": [0]}}).encode()
    )
    source = open_source(f"weather+http://127.0.0.1:{server.port}/now", SITE)
    assert source.newest()[0].weather.wind.tolist() == [[7.5, 0.0]]  # type: ignore[attr-defined]
    source.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "neither JSON nor TOML"),
        (b"[1]", "no table|neither"),
        (b'{"wind_up_m": [1, 0], "wind_east_mps": [0, 0], "wind_north_mps": [0, 0]}', "must rise"),
        (b'{"wind_up_m": [0], "wind_east_mps": [900], "wind_north_mps": [0]}', "stronger"),
        (b'{"wind_up_m": [0], "wind_east_mps": [NaN], "wind_north_mps": [0]}', "no finite"),
        (WEATHER + b"pressure_ratio = 9\n", "pressure_ratio"),
        (b'{"wind_up_m": ' + b"[" * 100_000, "neither"),
    ],
)
def test_a_wrong_weather_gets_a_sentence(text, says):
    with pytest.raises(ValueError, match=says):
        weather_from(text)


def beast(message: str) -> bytes:
    body = bytes(6) + b"\x40" + bytes.fromhex(message)
    return b"\x1a" + (b"\x33" if len(message) == 28 else b"\x32") + body.replace(b"\x1a", b"\x1a\x1a")


def test_beast_messages_of_a_receiver_become_reports_whole_and_in_pieces():
    pytest.importorskip("rs1090", reason="rs1090 is not installed")
    site = a_surveillance_site(52.3, 4.0)
    # The example of "The 1090 Megahertz Riddle" (Sun): positions even and odd, velocity, identification.
    known = ["8D40621D58C382D690C8AC2863A7", "8D40621D58C386435CC412692AD6"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = open_source(f"beast+tcp://127.0.0.1:{server.getsockname()[1]}", site)
        peer, _ = server.accept()
        with peer:
            data = b"junk" + b"".join(map(beast, known)) + beast("20000F1F684A6C") + b"\x1a\x77" + beast(known[0])[:9]
            for k in range(0, len(data), 5):
                peer.sendall(data[k : k + 5])
            batches = until(source, lambda b: sum(x.received for x in b) >= 3)
    source.close()
    report = next(item for batch in batches for item in batch.items)
    assert isinstance(report, Report)
    assert report.address == 0x40621D
    assert abs(report.pressure_altitude - 38_000 * 0.3048) < 1.0
    assert math.hypot(report.position[0], report.position[1]) < 10_000.0
    kinds = {kind for batch in batches for kind in batch.kinds}
    assert kinds == {"DF17", "DF4"}
