"""What is known turned into ASTERIX records, always marked as simulated: plots, service messages,
system tracks and ADS-B reports.

Written bit by bit after the published editions, without the library that reads them: tests decode
all of it with libasterix and tshark and compare every value.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from skywarden.units import FOOT, NAUTICAL_MILE

DAY = 86_400.0  # seconds of a day, after which times of day begin anew
LARGEST_BLOCK = 1_400  # bytes of a data block, so that a datagram is not fragmented on Ethernet
FLIGHT_LEVEL = 100.0 * FOOT  # metres
FEET_A_MINUTE = FOOT / 60.0  # metres a second
TURN_STEPS = 65_536  # steps of a 16-bit azimuth
NORTH_MARK, SECTOR = 1, 2  # I034/000: message types
SIMULATED_TARGET = 3  # I015/020 TTAX: simulated or replayed target
BLANK = 32  # ICAO's six-bit code of a space; letters are from 1 on, digits from 48 on

Identity = tuple[int, int]  # SAC, SIC


class PlotOut(NamedTuple):
    """One plot of a radar: time of day [s], SI, radians; nan where the radar gives none, address -1
    none.
    """

    t: float
    range: float
    azimuth: float
    elevation: float
    range_rate: float
    snr: float
    pressure_altitude: float
    address: int


class TrackOut(NamedTuple):
    """One system track: time of day [s], WGS-84 [rad], SI; address -1 none."""

    t: float
    number: int
    latitude: float
    longitude: float
    altitude: float
    velocity: tuple[float, float, float]  # towards true east and north where it is, and up [m/s]
    address: int


class ReportOut(NamedTuple):
    """One ADS-B report: time of day [s], WGS-84 [rad], SI; nan unknown, categories -1 unknown."""

    t: float
    address: int
    callsign: str
    latitude: float
    longitude: float
    altitude: float
    pressure_altitude: float
    speed: float
    heading: float
    climb: float
    nic: int
    nacp: int
    on_ground: bool


def blocks(category: int, records: Iterable[bytes]) -> Iterator[bytes]:
    """Data blocks of a category, each small enough for one datagram.

    records  encoded records
    """
    held: list[bytes] = []
    size = 3
    for record in records:
        if held and size + len(record) > LARGEST_BLOCK:
            yield _block(category, held)
            held, size = [], 3
        held.append(record)
        size += len(record)
    if held:
        yield _block(category, held)


def plot_015(identity: Identity, plot: PlotOut) -> bytes:
    """CAT015 ed. 1.2, a measurement plot of an independent sensor, marked as a simulated target.

    identity  system area code and system identification code
    """
    items = {
        1: bytes(identity),
        2: bytes([1 << 1]),
        3: b"\x01",
        4: bytes([SIMULATED_TARGET << 4]),
        6: _time(plot.t),
        20: b"\x80" + _signed(plot.range / 0.1, 24),
        22: b"\x80" + _turn(plot.azimuth),
    }
    if math.isfinite(plot.range_rate):
        items[21] = b"\x80" + _signed(plot.range_rate / 0.01, 24)
    if math.isfinite(plot.elevation):
        items[23] = b"\x80" + _signed(math.degrees(plot.elevation) * TURN_STEPS / 180.0, 16)
    if math.isfinite(plot.snr):
        items[24] = b"\x40" + _signed(plot.snr, 8)
    return _record(items)


def plot_048(identity: Identity, plot: PlotOut) -> bytes | None:
    """CAT048 ed. 1.32, a plot of a surveillance radar, marked as simulated; None beyond the item's
    256 NM.

    identity  system area code and system identification code
    """
    rho = round(plot.range / NAUTICAL_MILE * 256.0)
    if not 0 < rho < 65_536:
        return None
    replied = plot.address > 0
    kind = 5 if replied else 2 if math.isfinite(plot.pressure_altitude) else 1  # I048/020 TYP: roll-call, SSR, PSR
    items = {
        1: bytes(identity),
        2: _time(plot.t),
        3: bytes([kind << 5 | 0x10]),
        4: struct.pack(">H", rho) + _turn(plot.azimuth),
    }
    if math.isfinite(plot.pressure_altitude):
        items[6] = struct.pack(">H", _limited(plot.pressure_altitude / FLIGHT_LEVEL * 4.0, 14) & 0x3FFF)
    if replied:
        items[8] = plot.address.to_bytes(3, "big")
    if math.isfinite(plot.range_rate):
        items[20] = b"\x80" + struct.pack(">H", _limited(plot.range_rate, 10) & 0x03FF)
    return _record(items)


def service_034(identity: Identity, t: float, azimuth: float, turn: float = math.nan) -> bytes:
    """CAT034 ed. 1.29: a north mark where the azimuth [rad] is 0, else a sector crossing. The
    category has no bit for simulated.

    t         time of day [s]
    turn      seconds of a rotation; nan left out
    identity  system area code and system identification code
    """
    sector = round(math.degrees(azimuth) / 1.40625) % 256
    items = {1: bytes(identity), 2: bytes([SECTOR if sector else NORTH_MARK]), 3: _time(t)}
    if sector:
        items[4] = bytes([sector])
    if math.isfinite(turn):
        items[5] = struct.pack(">H", min(round(turn * 128.0), 65_535))
    return _record(items)


def track_062(identity: Identity, track: TrackOut) -> bytes:
    """CAT062 ed. 1.21, a system track, marked as simulated.

    identity  system area code and system identification code
    """
    east, north, up = track.velocity
    degree = (1 << 25) / 180.0
    items = {
        1: bytes(identity),
        3: b"\x01",
        4: _time(track.t),
        5: _signed(math.degrees(track.latitude) * degree, 32) + _signed(math.degrees(track.longitude) * degree, 32),
        7: _signed(east * 4.0, 16) + _signed(north * 4.0, 16),
        12: struct.pack(">H", track.number % 65_536),
        13: bytes([0x28 | 1, 0x80]),  # geometric altitude more reliable, from a 3D radar; simulated
        18: _signed(track.altitude / FOOT / 6.25, 16),
        20: _signed(up / FEET_A_MINUTE / 6.25, 16),
    }
    if track.address > 0:
        items[11] = b"\x80" + track.address.to_bytes(3, "big")
    return _record(items)


def report_021(identity: Identity, report: ReportOut) -> bytes | None:
    """CAT021 ed. 2.7, an ADS-B report, marked as simulated; None without an address or a place.

    identity  system area code and system identification code
    """
    if report.address <= 0 or not math.isfinite(report.latitude):
        return None
    degree = (1 << 30) / 180.0
    items = {
        1: bytes(identity),
        2: bytes([0x01, 0x20 | (0x40 if report.on_ground else 0)]),
        5: _time(report.t),
        7: _signed(math.degrees(report.latitude) * degree, 32) + _signed(math.degrees(report.longitude) * degree, 32),
        11: report.address.to_bytes(3, "big"),
        18: bytes([2 << 3 | 2]),
    }
    if math.isfinite(report.altitude):
        items[16] = _signed(report.altitude / FOOT / 6.25, 16)
    if report.nic >= 0 or report.nacp >= 0:
        items[17] = bytes([max(report.nic, 0) << 1 | 1, max(report.nacp, 0) << 1])
    if math.isfinite(report.pressure_altitude):
        items[21] = _signed(report.pressure_altitude / FLIGHT_LEVEL * 4.0, 16)
    if math.isfinite(report.climb):
        items[25] = struct.pack(">H", _limited(report.climb / FEET_A_MINUTE / 6.25, 15) & 0x7FFF)
    if math.isfinite(report.speed) and math.isfinite(report.heading):
        items[26] = struct.pack(">H", min(round(report.speed / NAUTICAL_MILE * 16_384.0), 0x7FFF)) + _turn(
            report.heading
        )
    if report.callsign.strip():
        items[29] = _six_bits(report.callsign)
    return _record(items)


def _record(items: Mapping[int, bytes]) -> bytes:
    """Items by their field reference number, from 1, behind the field specification that names
    them.
    """
    size = (max(items) + 6) // 7
    specification = bytearray(size)
    for number in items:
        specification[(number - 1) // 7] |= 0x80 >> (number - 1) % 7
    for k in range(size - 1):
        specification[k] |= 1
    return bytes(specification) + b"".join(items[number] for number in sorted(items))


def _block(category: int, records: list[bytes]) -> bytes:
    data = b"".join(records)
    return struct.pack(">BH", category, 3 + len(data)) + data


def _time(t: float) -> bytes:
    """A time of day in 1/128 s."""
    return (round((t % DAY) * 128.0) % round(DAY * 128.0)).to_bytes(3, "big")


def _turn(angle: float) -> bytes:
    """An angle [rad] in 1/65536 of a turn."""
    return struct.pack(">H", round(angle / (2.0 * math.pi) * TURN_STEPS) % TURN_STEPS)


def _limited(value: float, bits: int) -> int:
    """The nearest whole number that so many bits of two's complement hold."""
    half = 1 << (bits - 1)
    return max(-half, min(half - 1, round(value)))


def _signed(value: float, bits: int) -> bytes:
    return _limited(value, bits).to_bytes(bits // 8, "big", signed=True)


def _six_bits(text: str) -> bytes:
    value = 0
    for character in text.upper().ljust(8)[:8]:
        code = ord(character) - 64 if "A" <= character <= "Z" else ord(character) if "0" <= character <= "9" else BLANK
        value = value << 6 | code
    return value.to_bytes(6, "big")
