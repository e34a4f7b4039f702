"""BaseStation text and aircraft.json: what is merged, what is refused, and what a garbage line does (nothing)."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import pytest
from feed_builders import SHARED, a_surveillance_site, frames_of, gathered, items_of

from skywarden.feeds.places import height_of
from skywarden.formats.claim import callsign
from skywarden.messages.frame import ADSB

REAL = SHARED / "adsb"
real_data = pytest.mark.skipif(not REAL.is_dir(), reason="the shared recordings are not beside this checkout")
SITE = a_surveillance_site(48.0, 11.0)
KNOT, FOOT = 1852.0 / 3600.0, 0.3048


def line(kind: int, second: float, address: str = "3C6444", **fields: object) -> str:
    names = ("callsign", "altitude", "speed", "track", "lat", "lon", "rate", "squawk", "alert", "emergency", "spi", "ground")
    stamp = f"2026/11/23,12:{int(second // 60):02d}:{second % 60:06.3f}"
    return ",".join(["MSG", str(kind), "1", "1", address, "1", stamp, stamp, *(str(fields.get(name, "")) for name in names)])


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
    {"lat": 91.0, "lon": 11.0}, {"lat": 48.1, "lon": 181.0}, {"lat": 0.0, "lon": 0.0}, {"lat": 48.1, "lon": 11.0, "altitude": 126_000},
    {"lat": 48.1, "lon": 11.0, "altitude": -9_000}, {"lat": 34.5, "lon": 69.2}])
def test_what_cannot_be_is_refused_and_counted(tmp_path, broken):
    _, aircraft, inputs = gathered(frames_of(sbs(tmp_path, *a_flight(), line(3, 9.0, address="ABCDEF", **broken)), site=SITE))
    assert len(aircraft.t) == 8
    assert inputs.rejected[0] == 1


def test_an_impossible_speed_and_an_address_that_is_none_are_refused(tmp_path):
    place = {"lat": 48.1, "lon": 11.0}
    lines = [*a_flight(), line(4, 8.3, speed=2_000, track=90), line(3, 8.4, altitude=1_000, **place), line(3, 8.5, address="~abc12", **place)]
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
    plain = {"hex": "3c6444", "flight": "DLH9CK ", "alt_baro": 10_000, "alt_geom": 10_400, "gs": 400.0, "track": 90.0, "baro_rate": 600, "lat": 48.1,
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
    (tmp_path / "log").write_text("\n".join([*lines, '{"broken', "[1, 2]", '{"now": 1e999, "aircraft": [3, null, {"hex": 7}]}']))
    _, aircraft, inputs = gathered(frames_of(f"aircraft+file:{tmp_path / 'log'}", site=SITE))
    assert len(aircraft.t) == 3
    assert inputs.undecodable[0] == len('{"broken') + len("[1, 2]")
    assert inputs.rejected[0] == 3


def test_ground_and_addresses_that_are_not_icao(tmp_path):
    (tmp_path / "a").write_text(json.dumps(snapshot(1.7e9, alt_baro="ground")) + "\n" + json.dumps(snapshot(1.7e9 + 5, hex="~abc123")))
    _, reports, _ = items_of(f"aircraft+file:{tmp_path / 'a'}", SITE)
    assert len(reports) == 1
    assert reports[0].on_ground


def test_the_height_of_a_pressure_altitude():
    """In standard air it is the geometric height; the site's pressure shifts it as an altimeter setting does."""
    assert height_of(11_000.0, 1.0) == pytest.approx(11_019.07, abs=0.1)        # Doc 7488: 11,000 m geopotential are 11,019 m
    assert height_of(20_000.0, 1.0) == pytest.approx(20_063.1, abs=0.2)
    assert height_of(0.0, 1_023.25 / 1_013.25) == pytest.approx(83.0, abs=1.5)  # 27 to 28 ft a hPa near sea level


@pytest.mark.parametrize(("text", "kept"), [("DLH9CK  ", b"DLH9CK"), ("@@@@@", b""), ("ÄÖ", b""), ("n123ab-verylong", b"N123AB-V"), ("", b"")])
def test_a_callsign_is_letters_and_digits(text, kept):
    assert callsign(text) == kept


@real_data
def test_a_real_receivers_text_and_json_are_read():
    _, aircraft, inputs = gathered(frames_of(f"sbs+file:{REAL / 'sbs1_port30003_from_dump1090.txt'}", site=a_surveillance_site(49.0, 2.55)))
    assert len(aircraft.t) == 163       # lines of types 2 and 3 with a latitude
    assert set(aircraft.address.tolist()) == {0x393322}
    assert (inputs.received[0], inputs.undecodable[0], inputs.rejected[0]) == (1500, 0, 0)
    _, reports, _ = items_of(f"aircraft+file:{REAL / 'dump1090_aircraft.json'}", a_surveillance_site(-34.9, 138.5))
    assert [r.callsign for r in reports] == [b"RXA4362"]


@real_data
def test_a_real_trace_is_followed_where_it_passes_the_site():
    _, reports, _ = items_of(f"aircraft+file:{REAL / 'traffic_trace_full_ac671b.json'}", a_surveillance_site(33.0, -90.0))
    assert len(reports) > 100
    speed = [math.dist(a.position[:2], b.position[:2]) / (b.t - a.t) for a, b in pairwise(reports) if 5.0 < b.t - a.t < 60.0]
    said = [math.hypot(*r.velocity[:2]) for r in reports if math.isfinite(r.velocity[0])]
    assert abs(sorted(speed)[len(speed) // 2] - sorted(said)[len(said) // 2]) < 8.0
