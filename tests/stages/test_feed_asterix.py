"""ASTERIX: every container, every category in use, midnight, junk, and a plain twin on a real radar's recording."""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from feed_builders import (
    SHARED,
    a_surveillance_site,
    a_turn,
    block,
    ethernet,
    frames_of,
    gathered,
    items_of,
    north_mark,
    pcap,
    pcapng,
    plot_048,
)

from skywarden.errors import FeedError, UsageError
from skywarden.feeds.opening import open_source
from skywarden.messages.frame import NO_ADDRESS, SYSTEM_TRACK

REAL = SHARED / "asterix"
real_data = pytest.mark.skipif(not REAL.is_dir(), reason="the shared recordings are not beside this checkout")
MILE, FOOT = 1852.0, 0.3048


def written(folder: Path, data: bytes, name: str = "made.bin") -> str:
    (folder / name).write_bytes(data)
    return f"asterix+file:{folder / name}"


def test_a_plot_is_where_its_bits_say(tmp_path):
    plots, _, _ = items_of(written(tmp_path, block(48, plot_048(3600.5, 12.5, 90.0, 0x4B1234, 230.0))))
    assert len(plots) == 1
    p = plots[0]
    assert (p.t, p.address, p.sensor) == (3600.5, 0x4B1234, 1)
    assert p.range == pytest.approx(12.5 * MILE, abs=1e-9)
    assert p.azimuth == pytest.approx(math.pi / 2, abs=1e-12)
    assert p.pressure_altitude == pytest.approx(23_000 * FOOT, abs=1e-6)
    assert math.isnan(p.elevation)


@pytest.mark.parametrize(("name", "wrap"), [
    ("raw", lambda data, at: data),
    ("pcap little-endian", lambda data, at: pcap([(at, ethernet(data))])),
    ("pcap big-endian nanoseconds", lambda data, at: pcap([(at, ethernet(data))], ">", nano=True)),
    ("pcap with VLAN", lambda data, at: pcap([(at, ethernet(data, vlan=True))])),
    ("pcap raw IP", lambda data, at: pcap([(at, ethernet(data)[14:])], link=101)),
    ("pcap Linux cooked", lambda data, at: pcap([(at, bytes(14) + ethernet(data)[12:])], link=113)),
    ("pcapng", lambda data, at: pcapng([(at, ethernet(data))])),
    ("pcapng big-endian", lambda data, at: pcapng([(at, ethernet(data))], ">")),
    ("framed, 8 bytes", lambda data, at: struct.pack("<II", len(data), 0) + data),
    ("framed, 12 bytes", lambda data, at: struct.pack("<IQ", len(data), 7) + data),
    ("final format", lambda data, at: struct.pack(">HBBB3s", len(data) + 12, 0, 0, 1, b"\0\0\0") + data + b"\xa5" * 4),
])
def test_every_container_gives_the_same_plots(tmp_path, name, wrap):
    data = a_turn(40_000.0)
    plain = items_of(written(tmp_path, data, "plain"))[0]
    day = 20_000 * 86_400.0
    plots = items_of(written(tmp_path, wrap(data, day + 40_003.0)))[0]
    assert len(plots) == 10
    shift = plots[0].t - plain[0].t
    assert shift in (0.0, day)
    assert [p._replace(t=p.t - shift)[:4] for p in plots] == [p[:4] for p in plain]


def test_time_passes_midnight_without_a_jump(tmp_path):
    plots, _, _ = items_of(written(tmp_path, a_turn(86_398.0)))
    assert [p.t for p in plots] == [86_398.0 + 0.5 * k for k in range(10)]


def test_a_missing_time_is_that_of_the_radars_last_message(tmp_path):
    data = block(34, north_mark(100.0)) + block(48, plot_048(None, 10.0, 1.0, 1)) + block(34,
        north_mark(105.0)) + block(48, plot_048(None, 10.0, 1.0, 2))
    plots, _, _ = items_of(written(tmp_path, data))
    assert [(p.address, p.t) for p in plots] == [(1, 100.0), (2, 105.0)]


def test_one_wrong_time_does_not_move_the_clock(tmp_path):
    data = a_turn(1000.0, 6) + block(48, plot_048(50_000.0, 10.0, 1.0, 7)) + a_turn(1003.0, 6)
    frames = frames_of(written(tmp_path, data))
    detections, _, inputs = gathered(frames)
    assert len(detections.t) == 12
    assert inputs.rejected[0] == 1
    assert frames[-1].t < 10.0


def test_test_targets_simulated_targets_and_field_monitors_are_refused(tmp_path):
    simulated, monitor = 0xB0, 0xA2
    data = a_turn(1000.0) + b"".join(block(48, plot_048(1004.0, 9.0, 9.0, 5, flags=flags)) for flags in (simulated,
        monitor))
    detections, _, inputs = gathered(frames_of(written(tmp_path, data)))
    assert 5 not in detections.address
    assert (inputs.received[0], inputs.rejected[0], inputs.undecodable[0]) == (12, 2, 0)


def test_an_unvalidated_or_garbled_height_is_no_height(tmp_path):
    record = bytearray(plot_048(1000.0, 9.0, 9.0, None, 100.0))
    record[-2] |= 0x80
    plots, _, _ = items_of(written(tmp_path, block(48, bytes(record))))
    assert math.isnan(plots[0].pressure_altitude)
    assert plots[0].address == NO_ADDRESS


def test_the_radar_is_the_one_of_its_identity(tmp_path):
    from dataclasses import replace

    site = a_surveillance_site()
    named = replace(site, radars=(*site.radars, replace(site.radars[1], name="other", sac_sic=(7, 8))))
    data = block(48, plot_048(1000.0, 9.0, 9.0, 5, identity=(7, 8))) + block(48, plot_048(1000.0, 9.0, 9.0, 6))
    plots, _, _ = items_of(written(tmp_path, data), named)
    assert [(p.address, p.sensor) for p in plots] == [(5, 2), (6, 1)]
    strict = replace(site, radars=(replace(site.radars[1], sac_sic=(7, 8)),))
    detections, _, inputs = gathered(frames_of(written(tmp_path, data), site=strict))
    assert detections.address.tolist() == [5]
    assert inputs.rejected[0] == 1


def test_two_radars_put_at_one_place_do_not_tear_an_aircraft_in_two(tmp_path):
    data = b"".join(block(48, plot_048(1000.0 + k, 9.0 + 50.0 * who, 9.0, 5, identity=(1, who))) for k in range(5)
        for who in (1, 2))
    plots, _, _ = items_of(written(tmp_path, data))
    assert {round(p.range / MILE) for p in plots} == {59}


def test_undecodable_bytes_are_counted_skipped_and_survived(tmp_path):
    junk = b"\x30\x00\x10" + b"\xff" * 13 + b"\x00" * 57
    data = a_turn(1000.0, 5) + junk + a_turn(1002.5, 5)
    detections, _, inputs = gathered(frames_of(written(tmp_path, data)))
    assert len(detections.t) == 10
    assert inputs.undecodable[0] == len(junk)


def test_a_file_of_junk_alone_ends_with_a_frame_that_counts_it(tmp_path):
    frames = frames_of(written(tmp_path, b"\xff\x00\x81" * 5_000))
    assert len(frames) >= 1
    assert frames[-1].inputs.undecodable[0] == 15_000
    assert not frames[-1].radars.up.any()


def test_the_beam_goes_round_with_the_messages(tmp_path):
    data = b"".join(block(48, plot_048(1000.0 + 0.05 * k, 20.0, (3.6 * k) % 360, 100 + k % 50)) for k in range(300))
    frames = frames_of(written(tmp_path, data))
    width = np.array([f.radars.sector_width[1] for f in frames])
    assert width[2:-1] == pytest.approx(math.radians(18.0), abs=math.radians(3.7))
    assert width[2:-1].sum() / (len(width) - 3) == pytest.approx(math.radians(18.0), abs=math.radians(0.2))
    assert all(f.radars.up[1] and not f.radars.up[0] for f in frames)


def test_cat015_carries_elevation_doppler_and_signal(tmp_path):
    """A record made by libasterix from physical values comes back as these."""
    from asterix.generated import Cat_015_1_2 as Spec

    record = Spec.cv_record.create({
        "010": (("SAC", 3), ("SIC", 4)), "000": (("MT", 1), ("RG", 0)), "015": 1, "020": ((0, 0, 0, 0, None),),
        "145": (1000.0, "s"), "625": {"R": (4321.5, "m")}, "626": {"DV": (-187.25, "m/s")},
        "627": {"AZ": (123.75, "°")}, "628": {"EL": (22.5, "°")},
        "630": {"DPS": (17.0, "dB")}})
    plots, _, _ = items_of(written(tmp_path, Spec.create([record]).unparse().to_bytes()))
    assert len(plots) == 1
    p = plots[0]
    assert p.sensor == 0
    assert p.range == pytest.approx(4321.5, abs=0.05)
    assert (math.degrees(p.azimuth), math.degrees(p.elevation)) == pytest.approx((123.75, 22.5), abs=0.003)
    assert (p.range_rate, p.snr) == pytest.approx((-187.25, 17.0), abs=0.01)


def a_track(latitude: float, longitude: float) -> bytes:
    from asterix.generated import Cat_062_1_20 as Spec

    record = Spec.cv_record.create({
        "010": (("SAC", 25), ("SIC", 100)), "070": (1000.0, "s"), "105": (("LAT", (latitude, "°")),
            ("LON", (longitude, "°"))),
        "185": (("VX", (100.0, "m/s")), ("VY", (-50.0, "m/s"))), "380": {"ADR": 0x3C6444, "ID": "DLH9CK  "}, "040": 7,
        "136": (100.0, "FL"),
        "220": (600.0, "ft/min")})
    return Spec.create([record]).unparse().to_bytes()


def test_a_system_track_is_a_report_at_its_place(tmp_path):
    site = a_surveillance_site(45.0, 16.0)
    _, reports, _ = items_of(written(tmp_path, a_track(45.0, 16.5)), site)
    assert len(reports) == 1
    r = reports[0]
    assert (r.address, r.callsign, r.source) == (0x3C6444, b"DLH9CK", SYSTEM_TRACK)
    # Half a degree of longitude on the parallel of 45°, WGS-84: 78,846.8 m a degree along the surface at sea level,
    # 0.05 % more at 3 km.
    assert r.position[0] == pytest.approx(39_442.0, abs=20.0)
    # meridians meet: a parallel curves towards the pole
    assert r.position[1] == pytest.approx(39_442.0**2 / 2 / 6_378e3, abs=2.0)
    assert r.position[2] == pytest.approx(3048.0 - site.origin.elevation - 39_442.0**2 / 2 / 6_380e3, abs=5.0)
    turn = math.radians(0.5 * math.sin(math.radians(45.0)))
    assert r.velocity[:2] == pytest.approx((100 * math.cos(turn) + 50 * math.sin(turn),
        -50 * math.cos(turn) + 100 * math.sin(turn)), abs=0.3)
    assert r.velocity[2] == pytest.approx(3.048, abs=0.04)


def test_a_system_track_of_another_place_is_refused_and_counted(tmp_path):
    _, aircraft, inputs = gathered(frames_of(written(tmp_path, a_track(45.0, 16.0)), site=a_surveillance_site(34.5,
        69.2)))
    assert len(aircraft.t) == 0
    assert (inputs.received[0], inputs.rejected[0], inputs.undecodable[0]) == (1, 1, 0)


def test_adsb_in_cat021_old_and_new(tmp_path):
    import asterix.generated as generated

    flown = {"010": (("SAC", 1), ("SIC", 1)), "080": 0x4B1234, "145": (50.0, "FL"), "170": "SWR12   "}
    new = generated.Cat_021_2_4.cv_record.create({
        **flown, "040": ((0, 0, 0, 0, None),), "073": (1000.0, "s"), "131": (("LAT", (34.7, "°")),
            ("LON", (68.9, "°"))),
        "160": (0, ("GS", (0.05, "NM/s")), ("TA", (90.0, "°")))})
    old = generated.Cat_021_0_26.cv_record.create({
        **flown, "040": (0, 0, 0, 0, 0, 0, 0, 0, ("ATP", 1), 0, 0), "030": (1000.0, "s"), "130": (("LAT", (34.7, "°")),
            ("LON", (68.9, "°"))),
        "160": (("GS", (0.05, "NM/s")), ("TA", (90.0, "°")))})
    both = [spec.create([record]).unparse().to_bytes() for spec, record in ((generated.Cat_021_2_4, new),
        (generated.Cat_021_0_26, old))]
    site = a_surveillance_site(34.5, 69.0)
    first, second = (items_of(written(tmp_path, data), site)[1] for data in both)
    assert first[0].address == second[0].address == 0x4B1234
    assert first[0].position == pytest.approx(second[0].position, abs=2.0)
    assert first[0].velocity[0] == pytest.approx(0.05 * MILE, abs=0.2)
    assert first[0].callsign == b"SWR12"


@pytest.mark.parametrize(("url", "kind", "says"), [
    ("asterix+fiel:a.pcap", UsageError, "asterix+udp://HOST:PORT"),
    ("nonsense", UsageError, "sbs+file:PATH"),
    ("asterix+udp://127.0.0.1", UsageError, "port between 1 and 65535"),
    ("sbs+tcp://:30003", UsageError, "host"),
    ("asterix+file:there-is-no-such.pcap", FeedError, "check the path"),
    ("asterix+file:.", FeedError, "folder"),
])
def test_a_wrong_url_gets_a_sentence_that_helps(url, kind, says):
    with pytest.raises(kind, match=says.replace("+", r"\+").replace(".", r"\.")):
        open_source(url, a_surveillance_site())


def test_a_pipe_is_refused_as_opening_it_could_wait_for_ever(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for kind in ("asterix", "sbs", "aircraft", "table"):
        with pytest.raises(FeedError, match="pipe"):
            open_source(f"{kind}+file:{tmp_path / 'pipe'}", a_surveillance_site())


def test_an_empty_file_gets_a_sentence_that_helps(tmp_path):
    with pytest.raises(FeedError, match="is empty"):
        open_source(written(tmp_path, b""), a_surveillance_site())


@real_data
def test_a_real_radar_agrees_with_a_plain_twin():
    """Time, range, azimuth and address of every plot against a reader of ten lines that knows only
    the items' lengths.
    """
    path = REAL / "jahorina_first_40s.raw"
    expected = twin_048(path.read_bytes())
    plots, _, looks = items_of(f"asterix+file:{path}")
    assert len(plots) == len(expected) == 1057
    for p, (t, rho, theta, address) in zip(sorted(plots), sorted(expected), strict=True):
        assert p.t == t / 128
        assert p.range == pytest.approx(rho / 256 * MILE, abs=1e-6)
        assert p.azimuth == pytest.approx(theta / 65536 * 2 * math.pi, abs=1e-9)
        assert p.address == address
    marks = sorted(look.t for look in looks if look.azimuth == 0.0)
    assert np.diff(marks) == pytest.approx(5.016, abs=0.01)


def twin_048(data: bytes) -> list[tuple[int, int, int, int]]:
    """Time of day [1/128 s], range [1/256 NM], azimuth [turn/65536], address of CAT048 records: 010
    140 020 040 070 090 130 220 at the front.
    """
    found, at = [], 0
    while at < len(data):
        end = at + (data[at + 1] << 8 | data[at + 2])
        category, i = data[at], at + 3
        while category == 48 and i < end:
            flags = []
            while True:
                flags += [data[i] >> (7 - k) & 1 for k in range(7)]
                i += 1
                if not data[i - 1] & 1:
                    break
            flags += [0] * 28
            value = {}
            for frn, length in enumerate((2, 3, "fx", 4, 2, 2, "sub", 3, 6, "rep8", 2, 4, 4, "fx", 4, "fx", 2, 4, 2,
                    "sub2", 2, 7, 1, 2, 1, 2, "len", "len")):
                if not flags[frn]:
                    continue
                begin = i
                if length == "fx":
                    while data[i] & 1:
                        i += 1
                    i += 1
                elif length == "sub":
                    i += 1 + bin(data[i] >> 1).count("1")
                elif length == "rep8":
                    i += 1 + 8 * data[i]
                elif length == "len":
                    i += data[i]
                else:
                    assert isinstance(length, int), "I048/120 does not occur in this recording"
                    i += length
                value[frn] = data[begin:i]
            rho, theta = struct.unpack(">HH", value[3])
            found.append((int.from_bytes(value[1], "big"), rho, theta, int.from_bytes(value[7], "big") if 7 in value
                else NO_ADDRESS))
        at = end
    return found


@real_data
@pytest.mark.parametrize(("name", "received", "undecodable"), [
    ("jahorina_first_40s.raw", 1067, 0), ("ccl_cat_034_048.pcap", 162, 0), ("ccl_cat_062_065.pcap", 3, 0),
    ("akap_ARTAS.rply", 573, 0)])
def test_real_recordings_decode_to_the_last_byte(name, received, undecodable):
    inputs = frames_of(f"asterix+file:{REAL / name}")[-1].inputs
    assert (inputs.received[0], inputs.undecodable[0]) == (received, undecodable)


@real_data
def test_an_old_edition_is_counted_and_survived():
    frames = frames_of(f"asterix+file:{REAL / 'ccl_asterix.pcap'}")
    inputs = frames[-1].inputs
    assert inputs.undecodable[0] > 3_000
    assert sum(len(f.aircraft.t) for f in frames) == 0
