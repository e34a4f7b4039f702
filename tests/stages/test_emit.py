"""What a simulation shows to others: read by libasterix and by tshark to the same values, always
marked as simulated, never in a live run.
"""

from __future__ import annotations

import math
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from feed_builders import block, ethernet, pcap
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.emit.forms import FORMS, target
from skywarden.emit.sink import Emit
from skywarden.errors import FeedError, UsageError
from skywarden.feeds.asterix import Decoder
from skywarden.feeds.merge import Merged
from skywarden.feeds.opening import open_source
from skywarden.feeds.simulated import Simulated
from skywarden.formats import dis
from skywarden.formats.asterix_out import (
    PlotOut,
    ReportOut,
    TrackOut,
    blocks,
    plot_015,
    plot_048,
    report_021,
    service_034,
    track_062,
)
from skywarden.formats.network import Payload
from skywarden.messages.frame import MARKED
from skywarden.messages.moment import Moment
from skywarden.messages.picture import RAISE
from skywarden.pipeline.live import watching
from skywarden.record.secret import draw_secret
from skywarden.run.clock import NoClock
from skywarden.session.exercise import Exercise, _told
from skywarden.session.outputs import Boxes
from skywarden.session.request import Request
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.site.load import load as load_site

nan = math.nan
FEET = 0.3048
angles = st.floats(0.0, 2.0 * math.pi - 1e-9)
places = {"latitude": st.floats(-1.5, 1.5), "longitude": st.floats(-math.pi, math.pi)}
plots = st.builds(
    PlotOut,
    t=st.floats(0.0, 86_399.0),
    range=st.floats(50.0, 400_000.0),
    azimuth=angles,
    elevation=st.floats(-0.5, 1.5) | st.just(nan),
    range_rate=st.floats(-500.0, 500.0) | st.just(nan),
    snr=st.floats(-10.0, 60.0) | st.just(nan),
    pressure_altitude=st.floats(-300.0, 15_000.0) | st.just(nan),
    address=st.integers(1, 0xFFFFFE) | st.just(-1),
)
tracks = st.builds(
    TrackOut,
    t=st.floats(0.0, 86_399.0),
    number=st.integers(0, 10**9),
    **places,
    altitude=st.floats(-500.0, 20_000.0),
    velocity=st.tuples(*[st.floats(-900.0, 900.0)] * 3),
    address=st.integers(1, 0xFFFFFE) | st.just(-1),
)
reports = st.builds(
    ReportOut,
    t=st.floats(0.0, 86_399.0),
    address=st.integers(1, 0xFFFFFE),
    callsign=st.sampled_from(("", "MORT27", "AB1 2")),
    **places,
    altitude=st.floats(-500.0, 20_000.0) | st.just(nan),
    pressure_altitude=st.floats(-300.0, 20_000.0) | st.just(nan),
    speed=st.floats(0.0, 600.0),
    heading=angles,
    climb=st.floats(-60.0, 60.0) | st.just(nan),
    nic=st.integers(-1, 11),
    nacp=st.integers(-1, 11),
    on_ground=st.booleans(),
)
quick = settings(max_examples=60, deadline=None, derandomize=True)


def read_by_libasterix(category: int, data: bytes) -> Any:
    """The record as libasterix has it; it must be read to its last bit."""
    import asterix.generated as generated
    from asterix.base import Bits, RawDatablock

    spec = getattr(
        generated,
        {15: "Cat_015_1_2", 21: "Cat_021_2_7", 34: "Cat_034_1_29", 48: "Cat_048_1_32", 62: "Cat_062_1_21"}[category],
    )
    raw = RawDatablock.parse(Bits.from_bytes(block(category, data)))
    assert not isinstance(raw, ValueError), raw
    found = spec.cv_uap.parse(raw[0].get_raw_records())
    assert not isinstance(found, ValueError), found
    assert len(found) == 1
    return found[0]


def value(record: Any, *names: str) -> float:
    """A quantity in the unit of its specification."""
    item = record.get_item(names[0])
    assert item is not None, names
    at = item.variation
    for name in names[1:]:
        got = at.get_item(name)
        assert got is not None, names
        at = got.variation
    content = at.content
    return float(
        content.as_quantity()
        if hasattr(content, "as_quantity")
        else content.as_uint()
        if hasattr(content, "as_uint")
        else at.as_uint()
    )


@quick
@given(plots)
def test_a_plot_of_a_tracking_radar_is_read_by_libasterix_as_it_was_written(plot):
    record = read_by_libasterix(15, plot_015((12, 34), plot))
    assert abs(value(record, "145") - plot.t) <= 1 / 256 + 1e-9
    assert abs(value(record, "625", "R") - plot.range) <= 0.05 + 1e-6
    assert abs((value(record, "627", "AZ") - math.degrees(plot.azimuth) + 180.0) % 360.0 - 180.0) <= 0.00275
    assert (value(record, "010", "SAC"), value(record, "010", "SIC")) == (12, 34)
    if math.isfinite(plot.elevation):
        assert abs(value(record, "628", "EL") - math.degrees(plot.elevation)) <= 0.00138
    if math.isfinite(plot.range_rate):
        assert abs(value(record, "626", "DV") - plot.range_rate) <= 0.005 + 1e-9


@quick
@given(plots)
def test_a_plot_of_a_surveillance_radar_is_read_by_libasterix_as_it_was_written(plot):
    record = read_by_libasterix(48, plot_048((12, 34), plot))
    assert abs(value(record, "040", "RHO") * 1852.0 - plot.range) <= 3.7
    assert abs((value(record, "040", "THETA") - math.degrees(plot.azimuth) + 180.0) % 360.0 - 180.0) <= 0.00275
    if plot.address > 0:
        assert value(record, "220") == plot.address
    if math.isfinite(plot.pressure_altitude):
        assert abs(value(record, "090", "FL") * 100.0 * FEET - plot.pressure_altitude) <= 3.9


@quick
@given(tracks, reports)
def test_tracks_and_reports_are_read_by_libasterix_as_they_were_written(track, report):
    record = read_by_libasterix(62, track_062((0, 255), track))
    assert abs(value(record, "105", "LAT") - math.degrees(track.latitude)) < 3e-6
    assert abs(value(record, "105", "LON") - math.degrees(track.longitude)) < 6e-6
    assert abs(value(record, "185", "VX") - track.velocity[0]) <= 0.125
    assert abs(value(record, "130") * FEET - track.altitude) <= 0.96
    assert value(record, "040") == track.number % 65_536
    record = read_by_libasterix(21, report_021((0, 254), report))
    assert abs(value(record, "131", "LAT") - math.degrees(report.latitude)) < 1e-7
    assert abs(value(record, "160", "GS") * 1852.0 - report.speed) <= 0.06
    assert value(record, "080") == report.address


@quick
@given(plots, tracks, reports)
def test_every_target_is_marked_as_simulated_and_refused_unless_it_is_asked_for(plot, track, report):
    site = load_site("kabul")
    written = [
        (15, plot_015((0, 1), plot)),
        (48, plot_048((0, 2), plot)),
        (62, track_062((0, 255), track)),
        (21, report_021((0, 254), report)),
    ]
    for category, record in written:
        assert record is not None
        decoder = Decoder(site)
        for _ in range(6):
            batches = decoder.decode(Payload(block(category, record), 86_400.0 * 20_000 + 40_000))
        batches = [*batches, *decoder.flush()]
        assert not [item for batch in batches for item in batch.items]
        decoder = Decoder(site, simulated=True)
        batches = [
            b for _ in range(6) for b in decoder.decode(Payload(block(category, record), 86_400.0 * 20_000 + 40_000))
        ]
        used = any(batch.items or set(batch.rejected) - {MARKED, *range(4)} for batch in batches)
        assert used or category in (
            62,
            21,
        )  # a system track so marked is never used; reports from elsewhere are refused as such


def test_a_service_message_is_a_north_mark_or_a_sector():
    north, sector = (
        read_by_libasterix(34, service_034((1, 2), 100.0, 0.0, 5.0)),
        read_by_libasterix(34, service_034((1, 2), 100.0, math.pi / 2)),
    )
    assert value(north, "000") == 1
    assert value(north, "041") == 5.0
    assert (value(sector, "000"), value(sector, "020")) == (2, 90.0)


def test_blocks_fit_into_datagrams():
    records = [plot_048((0, 1), PlotOut(1.0, 1e4 + k, 0.1, nan, nan, nan, 1000.0, k + 1)) for k in range(500)]
    made = list(blocks(48, [r for r in records if r is not None]))
    assert max(map(len, made)) <= 1400
    assert b"".join(b[3:] for b in made) == b"".join(r for r in records if r is not None)


def a_simulation(kind: str = "mortar-raid") -> tuple[Any, Any, Simulated]:
    site = load_site("kabul")
    scenario = load_scenario(kind, site)
    return site, scenario, Simulated(scenario, site)


def test_an_exercise_is_shown_to_other_systems_and_what_is_flown_again_is_not_shown_twice():
    site, scenario, simulated = a_simulation()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.settimeout(10.0)
        request = Request("mortar-raid", emits=(f"asterix+udp://127.0.0.1:{other.getsockname()[1]}",))
        boxes = Boxes(NoClock())
        exercise = Exercise(request, site, scenario, draw_secret(1), {}, None)
        again: Any = SimpleNamespace(until=1.0)
        (wire,) = _told(exercise, boxes, again)
        believe, moments = watching(site), iter(simulated)
        for frame, truth in moments:
            wire.sink.take(Moment(frame, believe(frame), None, truth))
            if frame.t == again.until:
                assert not boxes.drain()
                other.settimeout(0.0)
                with pytest.raises(BlockingIOError):
                    other.recv(65_536)
                other.settimeout(10.0)
            elif frame.t > again.until + 2.0:
                break
        assert other.recv(65_536)[0] in (34, 48, 62, 21, 15)
        boxes.close()


def test_a_moment_without_a_truth_and_a_session_without_a_scenario_are_refused():
    site, scenario, simulated = a_simulation()
    emit = Emit("asterix+udp://127.0.0.1:9", scenario, site)
    frame, _ = next(iter(simulated))
    with pytest.raises(TypeError, match="no truth"):
        emit.take(Moment(frame, watching(site)(frame), None, None))
    emit.close()
    with pytest.raises(TypeError, match="made from a scenario"):
        Emit("asterix+udp://127.0.0.1:9", None, site)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("asterix+tcp://127.0.0.1:9", "is nothing that Skywarden can send to"),
        ("asterix+udp://127.0.0.1", "names no host and port"),
        ("asterix+udp://127.0.0.1:9?sent=radar", "is no option of it"),
        ("asterix+udp://127.0.0.1:9?send=orders", "is none of radar"),
        ("sbs+tcp://0.0.0.0:30003", "on this machine alone"),
        ("dis+udp://127.0.0.1:3000?exercise=0", "from 1 to 255"),
        ("asterix+udp://127.0.0.1:9?ttl=3", "is no multicast group"),
    ],
)
def test_a_wrong_way_out_gets_a_sentence(url, says):
    site, scenario, _ = a_simulation()
    with pytest.raises(UsageError, match=says):
        Emit(url, scenario, site)


def test_a_host_nobody_knows_is_said():
    site, scenario, _ = a_simulation()
    with pytest.raises(FeedError, match="cannot be sent to"):
        Emit("asterix+udp://nowhere.invalid:8600", scenario, site)


def sent(url: str, seconds: float) -> list[bytes]:
    """What the emitter of a URL makes of the first seconds of a raid."""
    site, scenario, simulated = a_simulation()
    emit, believe, made = Emit(url, scenario, site), watching(site), []
    for frame, truth in simulated:
        if frame.t > seconds:
            break
        emit._emitter._out.send = made.append  # type: ignore[attr-defined]
        emit.take(Moment(frame, believe(frame), None, truth))
    emit.close()
    return made


needs_tshark = pytest.mark.skipif(
    shutil.which("tshark") is None,
    reason="tshark IS NOT INSTALLED: nobody else has read what we emit (apt install tshark)",
)


def named_by_tshark(datagrams: list[bytes], protocol: str, folder: Any, *fields: str) -> list[list[str]]:
    """The values of fields in each datagram that tshark finds whole."""
    path = folder / "sent.pcap"
    path.write_bytes(pcap([(float(k), ethernet(data)) for k, data in enumerate(datagrams)]))
    base = ["tshark", "-r", str(path), "-d", f"udp.port==8600,{protocol}"]
    bad = subprocess.run([*base, "-Y", "_ws.malformed"], capture_output=True, text=True, timeout=120, check=False)
    assert bad.stdout == ""
    told = subprocess.run(
        [*base, "-T", "fields", *[word for field in fields for word in ("-e", field)]],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return [line.split("\t") for line in told.stdout.splitlines()]


@pytest.fixture(scope="module")
def units() -> list[bytes]:
    return sent("dis+udp://127.0.0.1:3000", 75.0)


def test_dis_holds_entity_states_and_detonations_and_nothing_else(units):
    kinds = [data[2] for data in units]
    assert set(kinds) == {dis.ENTITY_STATE, dis.DETONATION}
    assert kinds.count(dis.DETONATION) >= 4
    for data in units:
        assert len(data) == struct.unpack(">H", data[8:10])[0] == {1: 144, 3: 104}[data[2]]
        if data[2] == dis.DETONATION:
            assert data[12:24] == bytes(12)  # nobody fired, and nothing was the target


@needs_tshark
def test_tshark_names_every_field_of_dis_and_finds_the_entities_where_they_fly(units, tmp_path):
    told = named_by_tshark(units, "dis", tmp_path, "dis.pdu_type", "dis.entity_id_entity", "dis.entity_location.x")
    assert len(told) == len(units)
    assert {line[0] for line in told} == {"1", "3"}
    away = [abs(float(line[2]) - 1.86e6) for line in told if line[0] == "1"]
    assert max(away) < 1e5


@needs_tshark
def test_tshark_reads_the_same_plots_as_were_sent(tmp_path):
    data = sent("asterix+udp://127.0.0.1:9?send=radar", 3.0)
    data = [each for each in data if each[0] in (15, 48)]
    told = named_by_tshark(
        data, "asterix", tmp_path, "asterix.015_625_R_VALUE", "asterix.015_020_TTAX", "asterix.048_020_SIM"
    )
    ranges = [float(x) for line in told for x in line[0].split(",") if x]
    site, _, simulated = a_simulation()
    true = [
        float(r)
        for frame, _ in simulated
        for r, sensor in zip(frame.detections.range, frame.detections.sensor, strict=True)
        if sensor == 0 and frame.t <= 3.0
    ][: len(ranges)]
    assert len(ranges) > 20
    assert np.allclose(ranges, true[: len(ranges)], atol=0.0501)
    assert {x for line in told for x in line[1].split(",") if x} == {"3"}
    assert site.radars[0].name == "cram"


def test_traffic_is_served_as_basestation_text_to_who_connects():
    site, scenario, simulated = a_simulation()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    emit, believe = Emit(f"sbs+tcp://127.0.0.1:{port}", scenario, site), watching(site)
    source = open_source(f"sbs+tcp://127.0.0.1:{port}", site)
    items: list[Any] = []
    end = time.monotonic() + 30.0
    moments = (Moment(frame, believe(frame), None, truth) for frame, truth in simulated)
    while not items and time.monotonic() < end:
        emit.take(next(moments))
        time.sleep(0.02)
        items += [item for batch in source.poll() for item in batch.items]
    source.close()
    emit.close()
    assert items[0].address == 0x70C002
    assert items[0].callsign.strip() == b"MORT27"


def test_every_form_is_told_in_the_page_of_the_model():
    from pathlib import Path

    page = (Path(__file__).resolve().parents[2] / "docs" / "models" / "emit.md").read_text("utf-8")
    for form in FORMS:
        assert f"| `{form.form}` | {form.what} |" in page
        for option, what in form.options.items():
            assert f"`{option}=`" in page, what
    assert target("asterix+udp://[::1]:8600").host == "::1"


def lively(frames: Iterator[Any], believe: Any, until: float) -> tuple[int, int]:
    """Most projectile tracks at once, and zones warned, in a live feed's frames before `until` [s, monotonic]."""
    tracked, warned = 0, set()
    for frame, _ in frames:
        picture = believe(frame)
        tracked = max(tracked, int((picture.tracks.kind[:, 0] > 0.5).sum()))
        warned |= set(picture.warnings.zone[picture.warnings.action == RAISE].tolist())
        if warned or time.monotonic() > until:
            break
    return tracked, len(warned)


def test_a_simulated_raid_sent_over_a_socket_is_tracked_and_warned_of_by_a_live_feed():
    """Our own live path over a real loopback socket: the simulation's second group, sent as ASTERIX, in real time."""
    site, scenario, simulated = a_simulation()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    merged = Merged([open_source(f"asterix+udp://127.0.0.1:{port}?simulated=yes", site)], site)
    emit, stop = Emit(f"asterix+udp://127.0.0.1:{port}?send=radar,traffic", scenario, site), threading.Event()
    believe = watching(site)

    def send() -> None:
        from skywarden.messages.picture import Tracks

        begun, began = time.monotonic(), 44.0
        for frame, truth in simulated:
            if stop.is_set():
                return
            if frame.t < began:
                continue
            stop.wait(max(0.0, begun + frame.t - began - time.monotonic()))
            emit._emitter.send(shown_of(frame, Tracks.empty(), truth))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        tracked, warned = lively(iter(merged), believe, time.monotonic() + 60.0)
    finally:
        stop.set()
        sender.join()
        merged.close()
        emit.close()
    assert merged.simulated
    assert tracked >= 1
    assert warned >= 1


def shown_of(frame: Any, belief: Any, truth: Any) -> Any:
    from skywarden.emit.shown import Shown

    return Shown(frame.t, frame, belief, truth)


@pytest.mark.prove
def test_one_process_shows_a_raid_and_another_tracks_it_and_warns(tmp_path):
    """`run SCENARIO --emit …` into `run --feed …`, as two people would give them, in real time."""
    import json
    import sys

    from skywarden.record.reader import Record

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = [sys.executable, "-m", "skywarden.cli", "run", "--no-console", "--json"]
    record = tmp_path / "seen.rec"
    watcher = subprocess.Popen(
        [
            *base,
            "--site",
            "kabul",
            "--feed",
            f"asterix+udp://127.0.0.1:{port}?simulated=yes",
            "--duration",
            "110",
            "--record",
            str(record),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    shown = subprocess.run(
        [*base, "mortar-raid", "--duration", "90", "--emit", f"asterix+udp://127.0.0.1:{port}"],
        capture_output=True,
        text=True,
        timeout=400,
        check=True,
    )
    said, _ = watcher.communicate(timeout=400)
    told, seen = json.loads(shown.stdout), json.loads(said)
    assert told["tracked"] == 8
    assert seen["projectiles_tracked"] >= 7
    with Record(record) as opened:
        warned = {int(zone) for m in opened.moments() for zone in m.picture.warnings.zone}
        assert not any(m.frame.inputs.undecodable.any() for m in opened.moments())
    assert warned


def test_service_messages_of_a_radar_without_an_identity_go_where_its_plots_go():
    """Both radars of Kabul send CAT034; that of the array must not turn the beam of the surveillance radar."""
    from skywarden.feeds.source import Look

    site, stamp = load_site("kabul"), 86_400.0 * 20_000 + 40_000.0
    decoder = Decoder(site, simulated=True)
    plot = PlotOut(40_000.0, 5_000.0, 0.1, 0.2, 30.0, 20.0, nan, -1)
    for _ in range(6):
        decoder.decode(Payload(block(15, plot_015((0, 1), plot)), stamp))
    marks = decoder.decode(Payload(block(34, service_034((0, 1), 40_000.0, 0.0)), stamp))
    turns = decoder.decode(Payload(block(34, service_034((0, 2), 40_000.0, 1.0)), stamp))
    turns += [
        b for _ in range(6) for b in decoder.decode(Payload(block(34, service_034((0, 2), 40_000.0, 1.0)), stamp))
    ]
    assert {item.sensor for batch in marks for item in batch.items if isinstance(item, Look)} == {0}
    assert {item.sensor for batch in turns for item in batch.items if isinstance(item, Look)} == {1}
