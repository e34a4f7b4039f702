"""One decoded ASTERIX record turned into what it says: a plot, a claim of an aircraft, or a radar's
sign of life.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from skywarden.formats.claim import Claim
from skywarden.formats.layout import Record
from skywarden.messages.frame import ADSB, NO_ADDRESS, SYSTEM_TRACK
from skywarden.units import FOOT, NAUTICAL_MILE

FLIGHT_LEVEL = 100.0 * FOOT         # m
FEET_A_MINUTE = FOOT / 60.0         # m/s
ON_GROUND_STATES = (1, 3)           # I048/230 STAT: on ground without and with alert
NORTH_MARK, SECTOR = 1, 2           # I034/000
# I048/030, what the radar itself says of a plot. Multipath reply, reply due to a sidelobe, second time around reply,
# phantom SSR plot: nothing is there.
NO_TARGET = frozenset((1, 2, 4, 10))
NO_HEIGHT = frozenset((12, 18))     # Mode C abnormal, undecodable
NO_IDENTITY = frozenset((16,))      # duplicated or illegal Mode S address
# flags of I048/020 and I021/040 that refuse a record, by whether simulated counts
REAL = {False: ("SIM", "TST", "RAB"), True: ("TST", "RAB")}
SIMULATED = 3                       # I015/020 TTAX: simulated or replayed target
MEASUREMENTS = (1, 2, 3, 4)         # I015/000: plots and tracks; the others end a track or are statistics


class PlotRecord(NamedTuple):
    """A radar plot as its record has it: SI, radians, still without a site. `t` is a time of day
    [s]; nan missing.
    """

    identity: tuple[int, int]
    t: float
    range: float
    azimuth: float
    elevation: float
    range_rate: float
    snr: float
    pressure_altitude: float
    address: int


class ClaimRecord(NamedTuple):
    """An aircraft's claim from a track or ADS-B record; its `t` is a time of day [s]; nan missing."""

    identity: tuple[int, int]
    t: float
    claim: Claim


class LookRecord(NamedTuple):
    """A radar's sign of life; azimuth [rad] of its beam, nan unknown."""

    identity: tuple[int, int]
    t: float
    azimuth: float


class Refused(NamedTuple):
    """A record that was understood and says itself that it is no target: simulated, a test, a fixed
    transponder.
    """

    identity: tuple[int, int]
    t: float


Read = PlotRecord | ClaimRecord | LookRecord | Refused


def read(category: int, record: Record, simulated: bool = False) -> Read | None:
    """What a record says; None where it says nothing of use here.

    simulated   whether plots and ADS-B reports that are marked as simulated count; system tracks so
                marked never do
    category    ASTERIX category
    """
    reader = READERS.get(category)
    return reader(record, simulated) if reader is not None else None


def _plot_048(record: Record, simulated: bool) -> Read | None:
    """Monoradar target report, a plot of a surveillance radar."""
    identity, t = _identity(record), record.number("140")
    conditions = record.codes("030") if "030" in record else ()
    if any(record.flag("020", name) for name in REAL[simulated]) or any(code in NO_TARGET for code in conditions):
        return Refused(identity, t)
    rho, theta = record.number("040", "RHO"), record.number("040", "THETA")
    if not rho > 0.0 or math.isnan(theta):
        return LookRecord(identity, t, math.nan)
    level = math.nan
    if not record.flag("090", "V") and not record.flag("090", "G") and not any(code in NO_HEIGHT
            for code in conditions):
        level = record.number("090", "FL") * FLIGHT_LEVEL
    rate = math.nan if record.flag("120", "CAL", "D") else record.number("120", "CAL", "CAL")
    return PlotRecord(
        identity, t, rho * NAUTICAL_MILE, math.radians(theta), math.nan, rate, math.nan, level,
        NO_ADDRESS if any(code in NO_IDENTITY for code in conditions) else record.whole("220"))


def _look_034(record: Record, _: bool) -> Read | None:
    """Monoradar service message: north mark, sector crossing."""
    kind = record.whole("000")
    azimuth = math.nan
    if kind == NORTH_MARK:
        azimuth = 0.0
    elif kind == SECTOR:
        azimuth = math.radians(record.number("020"))
    return LookRecord(_identity(record), record.number("030"), azimuth)


def _plot_015(record: Record, simulated: bool) -> Read | None:
    """Non-cooperative (independent) sensor report, with elevation and Doppler."""
    identity, t = _identity(record), record.number("145")
    if record.whole("000", "MT") not in MEASUREMENTS:
        return LookRecord(identity, t, math.nan)
    if record.whole("020", "TTAX") not in ((0, SIMULATED) if simulated else (0,)):
        return Refused(identity, t)
    distance, azimuth = record.number("625", "R"), record.number("627", "AZ")
    if not distance > 0.0 or math.isnan(azimuth):
        return LookRecord(identity, t, math.nan)
    doppler = record.number("626", "DV")
    rate = doppler if math.isfinite(doppler) else record.number("625", "RR")
    return PlotRecord(
        identity, t, distance, math.radians(azimuth) % (2.0 * math.pi), math.radians(record.number("628", "EL")), rate,
        record.number("630", "DPS"), math.nan, 0)


def _claim_062(record: Record, _: bool) -> Read | None:
    """System track of a surveillance tracker."""
    identity, t = _identity(record), record.number("070")
    if record.flag("080", "SIM"):
        return Refused(identity, t)
    if record.flag("080", "TSE"):             # the last message of a track repeats an old place
        return LookRecord(identity, t, math.nan)
    east, north = record.number("185", "VX"), record.number("185", "VY")
    level = record.number("136")
    if math.isnan(level) and not record.flag("135", "QNH"):
        level = record.number("135", "CTB")
    climb = record.number("220")
    claim = Claim(
        math.nan, record.whole("380", "ADR"), SYSTEM_TRACK, record.text("380", "ID") or record.text("245", "CHR"),
        math.radians(record.number("105", "LAT")), math.radians(record.number("105", "LON")),
        (record.number("100", "X"), record.number("100", "Y")), record.number("130") * FOOT, level * FLIGHT_LEVEL,
        math.hypot(east, north), math.atan2(east, north), climb * FEET_A_MINUTE,
        on_ground=record.flag("080", "SFC") or record.whole("380", "COM", "STAT") in ON_GROUND_STATES
        or record.flag("380", "SAB", "GBS"))
    return ClaimRecord(identity, t, claim)


def _claim_021(record: Record, simulated: bool) -> Read | None:
    """ADS-B report, editions 2.x and 0.2x: the items of the two mean the same where they have the
    same number and name.
    """
    identity = _identity(record)
    new = record.knows("071")
    t = next((x for x in (record.number(n) for n in (("071", "073", "077") if new else ("030",))) if math.isfinite(x)),
        math.nan)
    if any(record.flag("040", name) for name in REAL[simulated]):
        return Refused(identity, t)
    fine = new and "131" in record
    place = "131" if fine else "130"
    if place not in record:
        return LookRecord(identity, t, math.nan)
    # I021/040 ATP: the kinds of address that are a 24-bit ICAO address; 5 was so until edition 2.2
    icao = (0, 5) if new else (1,)
    kind = record.whole("040", "ATP", otherwise=icao[0])
    over = record.flag("160", "RE")
    climb = next((x for x in (_rate(record, "157", "GVR", new), _rate(record, "155", "BVR", new)) if math.isfinite(x)),
        math.nan)
    claim = Claim(
        math.nan, record.whole("080") if kind in icao else 0, ADSB, record.text("170"),
        math.radians(record.number(place, "LAT")), math.radians(record.number(place, "LON")),
        altitude=record.number("140") * FOOT,
        pressure_altitude=record.number("145") * FLIGHT_LEVEL, speed=math.nan if over else record.number("160",
            "GS") * NAUTICAL_MILE,
        heading=math.radians(record.number("160", "TA")), climb=climb * FEET_A_MINUTE,
        nic=record.whole("090", "NUCPNIC", otherwise=-1) if new and record.whole("210", "VN") >= 1 else -1,
        nacp=record.whole("090", "NACP", otherwise=-1), on_ground=record.flag("040", "GBS"))
    return ClaimRecord(identity, t, claim)


def _rate(record: Record, item: str, name: str, group: bool) -> float:
    if group:
        return math.nan if record.flag(item, "RE") else record.number(item, name)
    return record.number(item)


READERS = {15: _plot_015, 21: _claim_021, 34: _look_034, 48: _plot_048, 62: _claim_062}


def _identity(record: Record) -> tuple[int, int]:
    return record.whole("010", "SAC", otherwise=-1), record.whole("010", "SIC", otherwise=-1)
