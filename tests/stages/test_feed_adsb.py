"""BaseStation text and aircraft.json: what is merged, what is refused, and what a garbage line does (nothing)."""

from __future__ import annotations

import gzip
import json
import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from feed_builders import SHARED, a_surveillance_site, frames_of, gathered, items_of

from skywarden.errors import FeedError
from skywarden.feeds.opening import open_source
from skywarden.feeds.places import height_of
from skywarden.feeds.sbs import SbsDecoder
from skywarden.formats.claim import callsign
from skywarden.messages.frame import ADSB, ELSEWHERE, NO_ADDRESS, TWICE

REAL = SHARED / "adsb"
real_data = pytest.mark.skipif(not REAL.is_dir(), reason="the shared recordings are not beside this checkout")
SITE = a_surveillance_site(48.0, 11.0)
KNOT, FOOT = 1852.0 / 3600.0, 0.3048


def line(kind: int, second: float, address: str = "3C6444", **fields: object) -> str:
    names = ("callsign", "altitude", "speed", "track", "lat", "lon", "rate", "squawk", "alert", "emergency", "spi",
        "ground")
    stamp = f"2026/11/23,12:{int(second // 60):02d}:{second % 60:06.3f}"
    return ",".join(["MSG", str(kind), "1", "1", address, "1", stamp, stamp, *(str(fields.get(name, ""))
        for name in names)])


def sbs(folder, *lines: str) -> str:
    (folder / "made.txt").write_text("\r\n".join(lines) + "\r\n", encoding="latin-1")
    return f"sbs+file:{folder / 'made.txt'}"


def a_flight(n: int = 8) -> list[str]:
    out = [line(1, 0.0, callsign="DLH9CK  "), line(4, 0.1, speed=400, track=90, rate=600)]
    return out + [line(3, 0.2 + k, altitude=10_000, lat=48.1, lon=11.0 + 0.01 * k, ground=0) for k in range(n)]


def test_messages_of_one_aircraft_are_merged(tmp_path):
    _, reports, _ = items_of(sbs(tmp_path, *a_flight()), SITE)
    assert len(reports) == 8
    r = reports[-1]
    assert (r.address, r.callsign, r.source, r.on_ground) == (0x3C6444, b"DLH9CK", ADSB, False)
    assert math.hypot(*r.velocity[:2]) == pytest.approx(400 * KNOT, abs=1e-9)
    assert r.velocity[2] == pytest.approx(600 * FOOT / 60, abs=1e-9)
    assert r.pressure_altitude == pytest.approx(3048.0, abs=1e-9)
    assert r.position[1] == pytest.approx(11_119.0, abs=60.0)     # 0.1° of latitude: 111.19 km a degree at 48°, WGS-84
    assert reports[1].t - reports[0].t == pytest.approx(1.0, abs=1e-6)


def test_what_was_said_long_ago_is_not_repeated(tmp_path):
    lines = [*a_flight(6), *(line(3, 20.0 + k, lat=48.1, lon=11.2, altitude=10_000) for k in range(4))]
    _, reports, _ = items_of(sbs(tmp_path, *lines), SITE)
    assert len(reports) == 10
    assert math.isnan(reports[-1].velocity[0])
    assert reports[-1].callsign == b"DLH9CK"


@pytest.mark.parametrize("broken", [
    {"lat": 91.0, "lon": 11.0}, {"lat": 48.1, "lon": 181.0}, {"lat": 0.0, "lon": 0.0}, {"lat": 48.1, "lon": 11.0,
        "altitude": 126_000},
    {"lat": 48.1, "lon": 11.0, "altitude": -9_000}, {"lat": 34.5, "lon": 69.2}])
def test_what_cannot_be_is_refused_and_counted(tmp_path, broken):
    _, aircraft, inputs = gathered(frames_of(sbs(tmp_path, *a_flight(), line(3, 9.0, address="ABCDEF", **broken)),
        site=SITE))
    assert len(aircraft.t) == 8
    assert inputs.rejected[0] == 1


def test_an_impossible_speed_and_an_address_that_is_none_are_refused(tmp_path):
    place = {"lat": 48.1, "lon": 11.0}
    lines = [*a_flight(), line(4, 8.3, speed=2_000, track=90), line(3, 8.4, altitude=1_000, **place),
        line(3, 8.5, address="xyz", **place)]
    _, aircraft, inputs = gathered(frames_of(sbs(tmp_path, *lines), site=SITE))
    assert len(aircraft.t) == 8
    assert inputs.rejected[0] == 2


def test_garbage_lines_are_counted_in_bytes_and_harm_nothing(tmp_path):
    garbage = ["MSG,3,1", "\xff\xfe\x00", "hello world", "MSG,9" + "," * 20, "x" * 5_000]
    lines = [text for pair in zip(a_flight(), [*garbage, *[""] * 5], strict=True) for text in pair]
    _, aircraft, inputs = gathered(frames_of(sbs(tmp_path, *lines), site=SITE))
    assert len(aircraft.t) == 8
    assert inputs.undecodable[0] == sum(len(text.strip().encode("latin-1")) for text in garbage)


def test_on_the_ground_height_is_not_told(tmp_path):
    lines = [line(2, k, speed=12, track=80, lat=48.0, lon=11.0, ground=-1) for k in range(6)]
    _, reports, _ = items_of(sbs(tmp_path, *lines), SITE)
    assert all(r.on_ground and math.isnan(r.position[2]) and math.isnan(r.pressure_altitude) for r in reports)


def snapshot(now: float, **changes: object) -> dict[str, object]:
    plain = {"hex": "3c6444", "flight": "DLH9CK ", "alt_baro": 10_000, "alt_geom": 10_400, "gs": 400.0, "track": 90.0,
        "baro_rate": 600, "lat": 48.1,
             "lon": 11.0, "nic": 8, "nac_p": 9, "seen_pos": 1.5}
    return {"now": now, "aircraft": [{**plain, **changes}, {"hex": "abcdef", "seen": 3.0}]}


def test_a_snapshot_is_a_report_of_every_aircraft_with_a_place(tmp_path):
    (tmp_path / "aircraft.json").write_text(json.dumps(snapshot(1_700_000_000.0), indent=1))
    _, reports, _ = items_of(f"aircraft+file:{tmp_path / 'aircraft.json'}", SITE)
    assert len(reports) == 1
    r = reports[0]
    assert (r.t, r.nic, r.nacp) == (1_699_999_998.5, 8, 9)
    assert r.position[2] == pytest.approx(10_400 * FOOT - SITE.origin.elevation, abs=15.0)
    assert r.pressure_altitude == pytest.approx(3048.0)


def test_snapshots_one_a_line_repeat_no_position(tmp_path):
    lines = [json.dumps(snapshot(1_700_000_000.0 + k, seen_pos=1.5 + (k % 2))) for k in range(6)]
    (tmp_path / "log").write_text("\n".join([*lines, '{"broken', "[1, 2]", '{"now": 1e999, "aircraft": [3, null, '
        '{"hex": 7}]}']))
    _, aircraft, inputs = gathered(frames_of(f"aircraft+file:{tmp_path / 'log'}", site=SITE))
    assert len(aircraft.t) == 3
    assert inputs.undecodable[0] == len('{"broken') + len("[1, 2]")
    assert inputs.rejected[0] == 3


def test_ground_and_addresses_that_are_not_icao(tmp_path):
    (tmp_path / "a").write_text(json.dumps(snapshot(1.7e9, alt_baro="ground")) + "\n" + json.dumps(snapshot(1.7e9 + 5,
        hex="~abc123")))
    _, reports, _ = items_of(f"aircraft+file:{tmp_path / 'a'}", SITE)
    assert [(r.address, r.on_ground) for r in reports] == [(0x3C6444, True), (NO_ADDRESS, False)]


def test_the_height_of_a_pressure_altitude():
    """In standard air it is the geometric height; the site's pressure shifts it as an altimeter setting does."""
    # Doc 7488: 11,000 m geopotential are 11,019 m
    assert height_of(11_000.0, 1.0) == pytest.approx(11_019.07, abs=0.1)
    assert height_of(20_000.0, 1.0) == pytest.approx(20_063.1, abs=0.2)
    assert height_of(0.0, 1_023.25 / 1_013.25) == pytest.approx(83.0, abs=1.5)  # 27 to 28 ft a hPa near sea level


@pytest.mark.parametrize(("text", "kept"), [("DLH9CK  ", b"DLH9CK"), ("@@@@@", b""), ("ÄÖ", b""), ("n123ab-verylong",
    b"N123AB-V"), ("", b"")])
def test_a_callsign_is_letters_and_digits(text, kept):
    assert callsign(text) == kept


def a_form(*lines: str, change) -> list[str]:
    return [",".join(change(text.split(","))) for text in lines]


def without_times(f: list[str]) -> list[str]:
    return [*f[:6], "", "", "", "", *f[10:]]


BENT = {
    "no generated times": lambda f: [*f[:6], "", "", *f[8:]],
    "a generated clock that was never set": lambda f: [*f[:6], "1970/01/01", "00:00:07.000", *f[8:]],
    "dashes and no fraction": lambda f: [*f[:6], f[6].replace("/", "-"), f[7][:8] + f[7][8:], *f[8:]],
    "only times of day, some lines dated": lambda f: [*f[:6], "" if f[1] == "4" else f[6], f[7], "", "", *f[10:]],
    "blank columns at the end left out": lambda f: f[:18],
    "more columns than there are": lambda f: [*f, "", "", "7"],
    "21 columns": lambda f: f[:21],
    "cells in quotes": lambda f: [f'"{cell}"' for cell in f],
    "lower case and a 0x": lambda f: [*f[:4], "0x3c6444", *f[5:]],
    "multilateration": lambda f: ["MLAT", *f[1:], "", "4", "35"],
    "blanks about the columns": lambda f: [f[0], f" {f[1]} ", *f[2:4], f" {f[4]} ", *f[5:]],
}


@pytest.mark.parametrize("how", list(BENT))
def test_basestation_text_is_read_however_its_writer_bent_it(tmp_path, how):
    plain = gathered(frames_of(sbs(tmp_path, *a_flight()), site=SITE))[1]
    _, bent, inputs = gathered(frames_of(sbs(tmp_path, *a_form(*a_flight(), change=BENT[how])), site=SITE))
    assert (inputs.received[0], inputs.rejected[0], inputs.undecodable[0]) == (10, 0, 0)
    assert bent.address.tolist() == [0x3C6444] * 8
    assert bent.t == pytest.approx(plain.t, abs=1e-4)
    assert bent.position == pytest.approx(plain.position, nan_ok=True)


def test_lines_without_any_time_take_their_arrival_and_in_a_file_their_aircrafts_pace(tmp_path):
    lines = a_form(*a_flight(), change=without_times)
    decoder = SbsDecoder(SITE)
    live = [item for k, text in enumerate(lines) for item in decoder.decode(text.encode(), 5.0 + k, 1.7e9 + k).items]
    assert [r.t for r in live] == [1.7e9 + k for k in range(2, 10)]
    _, reports, _ = items_of(sbs(tmp_path, *lines), SITE)
    assert len(reports) == 8
    step = math.dist(reports[0].position[:2], reports[1].position[:2]) / math.hypot(*reports[1].velocity[:2])
    assert [b.t - a.t for a, b in pairwise(reports)] == pytest.approx([step] * 7, rel=0.02)


def test_lines_without_a_time_among_others_take_the_clock(tmp_path):
    lines = a_flight()
    lines[5] = ",".join(without_times(lines[5].split(",")))
    _, aircraft, inputs = gathered(frames_of(sbs(tmp_path, *lines), site=SITE))
    assert len(aircraft.t) == 8
    assert inputs.rejected[0] == 0


def test_addresses_that_are_not_icaos_keep_their_aircraft_apart_and_short_ones_are_filled_up(tmp_path):
    place = {"lat": 48.1, "altitude": 9_000}
    lines = [line(3, k / 2 + who, address=name, lon=11.0 + who + k / 100, **place) for k in range(6) for who,
        name in ((0, "~3C6444"), (0.25, "D001D"))]
    lines += [line(4, 3.1, address="~3C6444", speed=300, track=90), line(3, 3.2, address="~3C6444", lon=11.2, **place)]
    _, reports, _ = items_of(sbs(tmp_path, *lines), SITE)
    assert [r.address for r in reports].count(0x0D001D) == 6
    assert [r.address for r in reports].count(NO_ADDRESS) == 7
    assert math.hypot(*reports[-1].velocity[:2]) == pytest.approx(300 * KNOT, abs=1e-9)
    assert all(math.isnan(r.velocity[0]) for r in reports[:-1])
    documents = [json.dumps(snapshot(1.7e9 + k, hex=name, lat=48.0 + k / 100)) for k in range(3)
        for name in ("~00d1e5", "d1e5")]
    (tmp_path / "a").write_text("\n".join(documents))
    _, reports, _ = items_of(f"aircraft+file:{tmp_path / 'a'}", SITE)
    assert sorted(r.address for r in reports) == [NO_ADDRESS] * 3 + [0x00D1E5] * 3


@pytest.mark.parametrize("back_s", [60.0, 1_200.0, 3_600.0, 90_000.0])
def test_a_clock_set_back_is_a_new_clock_said_once_and_counted(tmp_path, back_s):
    """Of BaseStation text and of snapshots; nothing is lost, the run is as long as it was."""
    def shown(second: float) -> float:
        return second if second < 30.0 else second - back_s

    begin = datetime(2026, 3, 1, 12, tzinfo=UTC)
    lines = []
    for k in range(60):
        stamp = (begin + timedelta(seconds=shown(k))).strftime("%Y/%m/%d,%H:%M:%S.000")
        lines.append(f"MSG,3,1,1,3C6444,1,{stamp},{stamp},,10000,,,48.1,{11 + k / 100},,,,,,0")
    (tmp_path / "log").write_text("\n".join(json.dumps(snapshot(1.7e9 + shown(k), lon=11.0 + k / 100, seen_pos=0.2))
        for k in range(60)))
    for url in (sbs(tmp_path, *lines), f"aircraft+file:{tmp_path / 'log'}"):
        said: list[str] = []
        frames = frames_of(url, site=SITE, say=said.append)
        _, aircraft, inputs = gathered(frames)
        assert len(aircraft.t) == 60
        assert frames[-1].t == pytest.approx(59.0, abs=2.0)
        assert max(len(f.aircraft.t) for f in frames) <= 3
        assert (inputs.steps[0], inputs.rejected[0]) == (1, 0)
        assert len(said) == 1
        assert "set back" in said[0]


@pytest.mark.parametrize("unit", [1.0, 1e3, 1e6, 1e9])
def test_times_in_milli_micro_and_nanoseconds_are_told_from_seconds(tmp_path, unit):
    (tmp_path / "a").write_text("\n".join(json.dumps({**snapshot(0.0, lat=48.0 + k / 100), "now": (1.7e9 + k) * unit})
        for k in range(6)))
    _, reports, _ = items_of(f"aircraft+file:{tmp_path / 'a'}", SITE)
    assert [r.t for r in reports] == pytest.approx([1.7e9 + k - 1.5 for k in range(6)], abs=1e-3)


def test_the_other_lists_of_aircraft_are_read(tmp_path):
    one = snapshot(1.7e9)["aircraft"][0]
    old = {"hex": "3c6444", "flight": "DLH9CK", "lat": 48.1, "lon": 11.0, "validposition": 1, "altitude": 10_000,
        "vert_rate": 600, "track": 90, "speed": 400}
    virtual = {"Icao": "3C6444", "Call": "DLH9CK", "Lat": 48.1, "Long": 11.0, "Alt": 10_000, "Spd": 400.0,
        "Trak": 90.0, "Vsi": 600}
    forms = ([old, {**old, "validposition": 0}], {"ac": [one], "now": 1.7e12}, {"acList": [virtual], "stm": 1.7e12},
        {**one, "now": 1.7e9})
    for document in forms:
        (tmp_path / "a").write_text(json.dumps(document))
        _, reports, _ = items_of(f"aircraft+file:{tmp_path / 'a'}", SITE)
        assert [(r.address, r.callsign) for r in reports] == [(0x3C6444, b"DLH9CK")]
        assert reports[0].pressure_altitude == pytest.approx(3048.0)
        assert math.hypot(*reports[0].velocity[:2]) == pytest.approx(400 * KNOT)


def test_a_traces_geometric_altitude_is_no_pressure_altitude(tmp_path):
    rows = [[0.0, 48.1, 11.0, 13_000, 180.0, 95.0, 8, 640, None], [4.0, 48.1, 11.01, 13_000, 180.0, 95.0, 8 + 2, 640,
        {"alt_baro": 12_000}],
            [8.0, 48.1, 11.02, 12_000, 180.0, 95.0, 0, 640, {"alt_geom": 13_000}]]
    (tmp_path / "t").write_text(json.dumps({"icao": "3c6444", "timestamp": 1.7e9, "trace": rows}))
    _, reports, _ = items_of(f"aircraft+file:{tmp_path / 't'}", SITE)
    assert [r.pressure_altitude / FOOT for r in reports] == pytest.approx([math.nan, 12_000, 12_000], nan_ok=True)
    assert [r.position[2] for r in reports] == pytest.approx([13_000 * FOOT - SITE.origin.elevation] * 3, abs=15.0)


@pytest.mark.parametrize("wrap", [
    lambda b: gzip.compress(b), lambda b: b"\xef\xbb\xbf" + b, lambda b: b.decode().encode("utf-16"),
    lambda b: b.replace(b"\r\n", b"\r"),
    lambda b: b.replace(b"\r\n", b"\n")], ids=["gzip", "byte order mark", "UTF-16", "carriage returns", "line feeds"])
def test_a_recording_is_read_in_any_wrapping(tmp_path, wrap):
    text = ("\r\n".join(a_flight()) + "\r\n").encode()
    (tmp_path / "log").write_bytes(wrap(text))
    _, aircraft, inputs = gathered(frames_of(f"sbs+file:{tmp_path / 'log'}", site=SITE))
    assert (len(aircraft.t), inputs.received[0], inputs.undecodable[0]) == (8, 10, 0)
    (tmp_path / "a.json").write_bytes(wrap((json.dumps(snapshot(1.7e9), indent=1) + "\n").replace("\n",
        "\r\n").encode()))
    assert len(items_of(f"aircraft+file:{tmp_path / 'a.json'}", SITE)[1]) == 1


@pytest.mark.parametrize(("scheme", "content", "says"), [
    ("sbs", b"<!DOCTYPE html><html><body>log in</body></html>", "HTML page"),
    ("aircraft", b"<html>502 Bad Gateway</html>", "HTML page"),
    ("sbs", b"\x28\xb5\x2f\xfd\x04\x00", "Zstandard"),
    ("aircraft", b"PK\x03\x04" + bytes(40), "ZIP archive"),
    ("sbs", b'{"now": 1.7e9, "aircraft": []}', "aircraft\\+file:"),
    ("aircraft", b'{"type": "FeatureCollection", "features": []}', "no list of aircraft"),
])
def test_another_kind_of_file_is_named(tmp_path, scheme, content, says):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(FeedError, match=says):
        open_source(f"{scheme}+file:{tmp_path / 'file'}", SITE)


def test_a_wholly_refused_input_says_so(tmp_path):
    said: list[str] = []
    far = [line(3, k, lat=-33.0, lon=151.0) for k in range(8)]
    inputs = frames_of(sbs(tmp_path, *far), site=SITE, say=said.append)[-1].inputs
    assert inputs.causes[0, ELSEWHERE] == inputs.rejected[0] == 8
    assert len(said) == 1
    assert "8 of 8" in said[0]
    assert "elsewhere 8" in said[0]


@real_data
def test_a_real_receivers_text_and_json_are_read():
    _, aircraft, inputs = gathered(frames_of(f"sbs+file:{REAL / 'sbs1_port30003_from_dump1090.txt'}",
        site=a_surveillance_site(49.0, 2.55)))
    # lines of types 2 and 3 with a latitude; some stand there twice
    assert len(aircraft.t) + inputs.causes[0, TWICE] == 163
    assert inputs.causes[0, TWICE] == 11
    assert set(aircraft.address.tolist()) == {0x393322}
    assert (inputs.received[0], inputs.undecodable[0], inputs.rejected[0]) == (1500, 0, 11)
    _, reports, _ = items_of(f"aircraft+file:{REAL / 'dump1090_aircraft.json'}", a_surveillance_site(-34.9, 138.5))
    assert [r.callsign for r in reports] == [b"RXA4362"]


@real_data
def test_a_real_trace_is_followed_where_it_passes_the_site():
    _, reports, _ = items_of(f"aircraft+file:{REAL / 'traffic_trace_full_ac671b.json'}", a_surveillance_site(33.0,
        -90.0))
    assert len(reports) > 100
    speed = [math.dist(a.position[:2], b.position[:2]) / (b.t - a.t) for a, b in pairwise(reports) if 5.0 < b.t - a.t
        < 60.0]
    said = [math.hypot(*r.velocity[:2]) for r in reports if math.isfinite(r.velocity[0])]
    assert abs(sorted(speed)[len(speed) // 2] - sorted(said)[len(said) // 2]) < 8.0
