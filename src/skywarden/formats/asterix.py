"""One decoded ASTERIX record turned into what it says: a plot, a claim of an aircraft, or a radar's sign of life."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from skywarden.formats.claim import Claim
from skywarden.messages.frame import ADSB, SYSTEM_TRACK
from skywarden.units import FOOT, NAUTICAL_MILE

FLIGHT_LEVEL = 100.0 * FOOT         # m
FEET_A_MINUTE = FOOT / 60.0         # m/s
ON_GROUND_STATES = (1, 3)           # I048/230 STAT: on ground without and with alert
NORTH_MARK, SECTOR = 1, 2           # I034/000
MEASUREMENTS = (1, 2, 3, 4)         # I015/000: plots and tracks; the others end a track or are statistics


class PlotRecord(NamedTuple):
    """A radar plot as its record has it: SI, radians, still without a site. `t` is a time of day [s]; nan missing."""

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
    """A record that was understood and says itself that it is no target: simulated, a test, a fixed transponder."""

    identity: tuple[int, int]
    t: float


Read = PlotRecord | ClaimRecord | LookRecord | Refused


def read(category: int, record: Any) -> Read | None:
    """What a record says; None where it says nothing of use here."""
    reader = READERS.get(category)
    return reader(record) if reader is not None else None


def _plot_048(record: Any) -> Read | None:
    """Monoradar target report, a plot of a surveillance radar."""
    identity, t = _identity(record), _number(record, "140")
    if any(_flag(record, "020", name) for name in ("SIM", "TST", "RAB")):
        return Refused(identity, t)
    rho, theta = _number(record, "040", "RHO"), _number(record, "040", "THETA")
    if not rho > 0.0 or math.isnan(theta):
        return LookRecord(identity, t, math.nan)
    level = math.nan
    if not _flag(record, "090", "V") and not _flag(record, "090", "G"):
        level = _number(record, "090", "FL") * FLIGHT_LEVEL
    rate = math.nan if _flag(record, "120", "CAL", "D") else _number(record, "120", "CAL", "CAL")
    return PlotRecord(
        identity, t, rho * NAUTICAL_MILE, math.radians(theta), math.nan, rate, math.nan, level, _whole(record, "220", otherwise=0))


def _look_034(record: Any) -> Read | None:
    """Monoradar service message: north mark, sector crossing."""
    kind = _whole(record, "000", otherwise=0)
    azimuth = math.nan
    if kind == NORTH_MARK:
        azimuth = 0.0
    elif kind == SECTOR:
        azimuth = math.radians(_number(record, "020"))
    return LookRecord(_identity(record), _number(record, "030"), azimuth)


def _plot_015(record: Any) -> Read | None:
    """Non-cooperative (independent) sensor report, with elevation and Doppler."""
    identity, t = _identity(record), _number(record, "145")
    if _whole(record, "000", "MT", otherwise=0) not in MEASUREMENTS:
        return LookRecord(identity, t, math.nan)
    if _whole(record, "020", "TTAX", otherwise=0) != 0:
        return Refused(identity, t)
    distance, azimuth = _number(record, "625", "R"), _number(record, "627", "AZ")
    if not distance > 0.0 or math.isnan(azimuth):
        return LookRecord(identity, t, math.nan)
    doppler = _number(record, "626", "DV")
    rate = doppler if math.isfinite(doppler) else _number(record, "625", "RR")
    return PlotRecord(
        identity, t, distance, math.radians(azimuth) % (2.0 * math.pi), math.radians(_number(record, "628", "EL")), rate,
        _number(record, "630", "DPS"), math.nan, 0)


def _claim_062(record: Any) -> Read | None:
    """System track of a surveillance tracker."""
    identity, t = _identity(record), _number(record, "070")
    if _flag(record, "080", "SIM"):
        return Refused(identity, t)
    if _flag(record, "080", "TSE"):             # the last message of a track repeats an old place
        return LookRecord(identity, t, math.nan)
    east, north = _number(record, "185", "VX"), _number(record, "185", "VY")
    level = _number(record, "136")
    if math.isnan(level) and not _flag(record, "135", "QNH"):
        level = _number(record, "135", "CTB")
    climb = _number(record, "220")
    claim = Claim(
        math.nan, _whole(record, "380", "ADR", otherwise=0), SYSTEM_TRACK, _text(record, "380", "ID") or _text(record, "245", "CHR"),
        math.radians(_number(record, "105", "LAT")), math.radians(_number(record, "105", "LON")),
        (_number(record, "100", "X"), _number(record, "100", "Y")), _number(record, "130") * FOOT, level * FLIGHT_LEVEL,
        math.hypot(east, north), math.atan2(east, north), climb * FEET_A_MINUTE,
        on_ground=_flag(record, "080", "SFC") or _whole(record, "380", "COM", "STAT", otherwise=0) in ON_GROUND_STATES
        or _flag(record, "380", "SAB", "GBS"))
    return ClaimRecord(identity, t, claim)


def _claim_021(record: Any) -> Read | None:
    """ADS-B report, editions 2.x and 0.2x: the items of the two mean the same where they have the same number and name."""
    identity = _identity(record)
    new = "071" in record.cv_items_dict
    t = next((x for x in (_number(record, n) for n in (("071", "073", "077") if new else ("030",))) if math.isfinite(x)), math.nan)
    if any(_flag(record, "040", name) for name in ("SIM", "TST", "RAB")):
        return Refused(identity, t)
    fine = new and "131" in record.items_regular
    place = "131" if fine else "130"
    if place not in record.items_regular:
        return LookRecord(identity, t, math.nan)
    icao = (0, 5) if new else (1,)              # I021/040 ATP: the kinds of address that are a 24-bit ICAO address; 5 was so until edition 2.2
    kind = _whole(record, "040", "ATP", otherwise=icao[0])
    over = _flag(record, "160", "RE")
    climb = next((x for x in (_rate(record, "157", "GVR", new), _rate(record, "155", "BVR", new)) if math.isfinite(x)), math.nan)
    claim = Claim(
        math.nan, _whole(record, "080", otherwise=0) if kind in icao else 0, ADSB, _text(record, "170"),
        math.radians(_number(record, place, "LAT")), math.radians(_number(record, place, "LON")), altitude=_number(record, "140") * FOOT,
        pressure_altitude=_number(record, "145") * FLIGHT_LEVEL, speed=math.nan if over else _number(record, "160", "GS") * NAUTICAL_MILE,
        heading=math.radians(_number(record, "160", "TA")), climb=climb * FEET_A_MINUTE,
        nic=_whole(record, "090", "NUCPNIC", otherwise=-1) if new and _whole(record, "210", "VN", otherwise=0) >= 1 else -1,
        nacp=_whole(record, "090", "NACP", otherwise=-1), on_ground=_flag(record, "040", "GBS"))
    return ClaimRecord(identity, t, claim)


def _rate(record: Any, item: str, name: str, group: bool) -> float:
    if group:
        return math.nan if _flag(record, item, "RE") else _number(record, item, name)
    return _number(record, item)


READERS = {15: _plot_015, 21: _claim_021, 34: _look_034, 48: _plot_048, 62: _claim_062}


def _identity(record: Any) -> tuple[int, int]:
    return _whole(record, "010", "SAC", otherwise=-1), _whole(record, "010", "SIC", otherwise=-1)


def _part(record: Any, item: str, names: tuple[str, ...]) -> Any:
    """The innermost part that a path of names means; None where the record has it not, or its edition knows it not."""
    part = record.items_regular.get(item)
    for name in names:
        if part is None:
            return None
        try:
            part = part.variation.get_item(name)
        except (ValueError, KeyError, AttributeError):
            return None
    return part


def _number(record: Any, item: str, *names: str) -> float:
    """A quantity in the unit of its specification; nan where it is missing."""
    part = _part(record, item, names)
    return math.nan if part is None else float(part.variation.content.as_quantity())


def _whole(record: Any, item: str, *names: str, otherwise: int) -> int:
    part = _part(record, item, names)
    return otherwise if part is None else int(part.as_uint())


def _flag(record: Any, item: str, *names: str) -> bool:
    return _whole(record, item, *names, otherwise=0) != 0


def _text(record: Any, item: str, *names: str) -> str:
    part = _part(record, item, names)
    return "" if part is None else str(part.variation.content.as_string())
