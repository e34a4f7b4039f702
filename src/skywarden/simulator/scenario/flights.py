"""Civil traffic of a scenario: scripted way-points, or recorded flights moved to the site."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from skywarden.errors import Fault, TableError
from skywarden.files.tables import LINE, table_of
from skywarden.files.toml import Table
from skywarden.kernels.geometry.earth import to_site
from skywarden.simulator.scenario.model import ARRIVAL, DEPARTURE, Array, Flight, Span
from skywarden.site.model import Origin

COLUMNS = ("time_s", "icao24", "callsign", "latitude_deg", "longitude_deg", "altitude_m")
FASTEST = 350.0             # m/s over ground; a faster step between two reports is a broken position, not a flight
STEEPEST = 120.0            # m/s up or down
LONGEST_GAP = 120.0         # s; a longer silence ends a flight and starts another
# s; positions are reported in steps of 25 ft and metres, an aeroplane does not fly such steps
SMOOTHING = 2.0
LONGEST = 172_800.0         # s; way-points beyond two days are a slip of the pen
HIGHEST = 40_000.0          # m
MOST_FAULTS = 20            # named a file; the rest is counted
DEG = math.pi / 180.0


def scripted(table: Table, origin: Origin, duration: float) -> Flight | None:
    """A flight along way-points `[time_s, latitude_deg, longitude_deg, altitude_m]`, or with `frame
    = "site"` `[time_s, east, north, up]`.

    table     the flight's table in the scenario's file
    origin    latitude, longitude and height of the site's origin
    duration  length of the scenario [s]
    """
    local = table.text("frame", "earth", ("earth", "site")) == "site"
    points = table.raw("waypoints", None)
    try:
        rows = np.array([[float(v) for v in point] for point in points], np.float64)
        good = rows.ndim == 2 and rows.shape[1] == 4 and len(rows) >= 2 and bool(np.isfinite(rows).all()
            and (np.diff(rows[:, 0]) > 0.0).all())
    except (TypeError, ValueError, OverflowError):
        good = False
    if not good:
        table.fault("waypoints", "waypoints is not a list of at least two [time_s, latitude_deg, longitude_deg, "
            "altitude_m] with rising times",
                    "Write waypoints = [[0, 34.5, 69.1, 4000], [120, 34.6, 69.2, 3000]].")
        rows = np.array([[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
        local = True
    elif np.abs(rows[:, 0]).max() > LONGEST or np.abs(rows[:, 3]).max() > HIGHEST:
        table.fault("waypoints", f"a way-point's time is beyond {LONGEST:.0f} s or its height beyond {HIGHEST:.0f} m",
                    "Order: [time_s, latitude_deg, longitude_deg, altitude_m].")
        rows = np.array([[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
        local = True
    elif not local and (np.abs(rows[:, 1]).max() > 90.0 or np.abs(rows[:, 2]).max() > 360.0):
        table.fault("waypoints", "a way-point's latitude is beyond 90°",
            "Order: [time_s, latitude_deg, longitude_deg, altitude_m].")
        local = True
    t = np.arange(rows[0, 0], rows[-1, 0] + 1.0, 1.0)
    place = rows[:, 1:] if local else to_site(
        origin.latitude, origin.longitude, origin.elevation, rows[:, 1] * DEG, rows[:, 2] * DEG, rows[:, 3])
    if not local and np.abs(place[:, :2]).min(axis=0).max() > 500_000.0:
        table.fault("waypoints", "the flight never comes within 500 km of the site",
            "Check that latitude and longitude are not swapped.")
    # corners are flown as turns: way-points joined by straight legs, then rounded over some seconds
    legs = np.stack([np.interp(t, rows[:, 0], place[:, k]) for k in range(3)], axis=1)
    path = gaussian_filter1d(legs, 5.0, axis=0, mode="nearest") if len(t) > 3 else legs
    tower = table.text("tower", "none", ("none", ARRIVAL, DEPARTURE))
    flight = replace(_flight(table, table.text("callsign", ""), _address(table), t, path), tower="" if tower == "none"
        else tower)
    table.finish()
    return flight


def read_recording(table: Table, content: bytes, origin: Origin) -> list[Flight]:
    """The flights of one CSV, moved to the site.

    table    the flight's table in the scenario's file
    content  the CSV's bytes

    The recording's middle (median position of its lower half) is put over the site's origin, or
    over `to_latitude_deg`, `to_longitude_deg`; its ground is lifted to the site's where it was
    lower (`altitude_shift_m` says otherwise); `rotate_deg` turns it; `start_s` is when its first
    report happens. Broken positions are left out of what is flown, yet still broadcast.
    """
    name = table.text("file")
    rows = list(_rows(name, content, table.document.faults))
    start = table.number("start_s", 0.0, -86_400.0, 86_400.0)
    turn = table.number("rotate_deg", 0.0, -360.0, 360.0, DEG)
    shift = table.number("altitude_shift_m", math.nan, -10_000.0, 10_000.0)
    to_latitude = table.number("to_latitude_deg", origin.latitude, -90.0, 90.0, DEG)
    to_longitude = table.longitude("to_longitude_deg", origin.longitude)
    flights = _moved(table, rows, origin, (to_latitude, to_longitude), start, turn, shift) if rows else []
    if content and not flights and not table.document.faults:
        table.fault("file", f"{name}: no flight with at least two believable positions",
            f"Its columns must be {', '.join(COLUMNS)}.")
    table.finish()
    return flights


def _rows(name: str, content: bytes, faults: list[Fault]) -> Iterator[tuple[float, str, str, float, float, float]]:
    """Usable rows; each unusable one is a fault, except blank positions and heights, which real
    recordings are full of.
    """
    if not content:
        return
    try:
        table = table_of(name, content, COLUMNS)
    except TableError as error:
        faults.extend(error.faults)
        return
    numbers = ("time_s", "latitude_deg", "longitude_deg", "altitude_m")
    bad = 0
    for row in table.select(*COLUMNS, LINE).iter_rows(named=True):
        values = [_value(row[c]) for c in numbers]
        if any(v is None for v in values):
            bad += 1
            if bad <= MOST_FAULTS:
                key = numbers[values.index(None)]
                faults.append(Fault(name, row[LINE], f"{key} is {row[key]!r}",
                    "Write a number, or leave it blank where unknown."))
            continue
        t, latitude, longitude, altitude = (float(v) for v in values if v is not None)
        if math.isfinite(t + latitude + longitude) and abs(latitude) <= 90.0 and abs(longitude) <= 360.0:
            yield t, (row["icao24"] or "").lower(), row["callsign"] or "", latitude, longitude, altitude
    if bad > MOST_FAULTS:
        faults.append(Fault(name, None, f"{bad - MOST_FAULTS} further unreadable rows", "Mend them likewise."))


def _value(text: str | None) -> float | None:
    """A number, nan for blank, None for what is not a number."""
    if text is None or not text.strip() or text.strip().lower() in ("nan", "none", "null", "na"):
        return math.nan
    try:
        return float(text)
    except ValueError:
        return None


def _moved(
    table: Table, rows: list[tuple[float, str, str, float, float, float]], origin: Origin, target: tuple[float, float],
    start: float, turn: float, shift: float,
) -> list[Flight]:
    t, latitude, longitude, altitude = (np.array([row[k] for row in rows], np.float64) for k in (0, 3, 4, 5))
    longitude = unwrapped(longitude)
    low = altitude <= np.nanmedian(altitude) if np.isfinite(altitude).any() else np.ones(len(t), bool)
    middle = (float(np.median(latitude[low])) * DEG, float(np.median(longitude[low])) * DEG)
    if math.isnan(shift):
        lowest = float(np.nanquantile(altitude, 0.005)) if np.isfinite(altitude).any() else 0.0
        shift = max(0.0, origin.elevation - lowest)
    place = to_site(*middle, origin.elevation, latitude * DEG, longitude * DEG, origin.elevation)
    # a tangent plane far from its middle dips below the earth; an aeroplane keeps its height above it
    place[:, 2] = altitude + shift - origin.elevation
    east = place[:, 0] * math.cos(turn) + place[:, 1] * math.sin(turn)
    north = place[:, 1] * math.cos(turn) - place[:, 0] * math.sin(turn)
    over = to_site(origin.latitude, origin.longitude, origin.elevation, target[0], target[1], origin.elevation)[0]
    place[:, 0], place[:, 1] = east + over[0], north + over[1]
    t = t - t.min() + start
    flights: list[Flight] = []
    names = np.array([f"{row[1]}|{row[2]}" if row[1] else row[2] for row in rows])
    icao = np.array([row[1] for row in rows])
    for name in dict.fromkeys(icao.tolist() if all(icao) else names.tolist()):
        mine = np.flatnonzero((icao if all(icao) else names) == name)
        mine = mine[np.argsort(t[mine], kind="stable")]
        callsign = next((rows[k][2] for k in mine if rows[k][2]), "")
        address = int(rows[mine[0]][1], 16) if re.fullmatch(r"[0-9a-f]{6}", rows[mine[0]][1]) else -1
        flights.extend(_legs(table, callsign, address, t[mine], place[mine]))
    return flights


def unwrapped(longitude: Array) -> Array:
    """Longitudes (n,) [deg] as one stretch without a jump where the date line is crossed, perhaps
    beyond 180.

    longitude  (n,) longitudes [degrees]

    They are counted from the middle of their directions, so that it does not matter in which order
    they come.
    """
    angle = longitude * DEG
    middle = math.degrees(math.atan2(float(np.sin(angle).mean()), float(np.cos(angle).mean())))
    return middle + (longitude - middle + 180.0) % 360.0 - 180.0


def _legs(table: Table, callsign: str, address: int, t: Array, place: Array) -> Iterator[Flight]:
    """What one aircraft flew: believable positions only, in pieces where it was silent for long."""
    known = np.isfinite(place[:, 2])
    place = place.copy()
    if known.any():
        place[:, 2] = np.interp(t, t[known], place[known, 2])
    else:
        place[:, 2] = 1000.0
    good = believable(t, place)
    tg, pg = t[good], place[good]
    cuts = np.flatnonzero(np.diff(tg) > LONGEST_GAP) + 1
    for piece in np.split(np.arange(len(tg)), cuts):
        if len(piece) < 2 or tg[piece[-1]] - tg[piece[0]] < 2.0:
            continue
        first, last = tg[piece[0]], tg[piece[-1]]
        grid = np.arange(first, last + 1.0, 1.0)
        path = np.stack([np.interp(grid, tg[piece], pg[piece, c]) for c in range(3)], axis=1)
        path = gaussian_filter1d(path, SMOOTHING, axis=0, mode="nearest")
        said = (t >= first - 1.0) & (t <= last + 1.0)
        flight = _flight(table, callsign, address, grid, path)
        yield replace(flight, said_t=np.ascontiguousarray(t[said]), said=np.ascontiguousarray(place[said]))


def believable(t: Array, place: Array) -> Array:
    """Mask of the positions an aircraft can have flown: the longest chain without an impossible
    step.

    t (n,) rising [s], place (n, 3) [m]. A single broken position is left out; a spoofed stretch is,
    too, as the shorter chain.
    """
    n = len(t)
    chain = np.full(n, -1)
    ends: list[tuple[int, int]] = []        # (last index, chain id), newest chains first
    length: dict[int, int] = {}
    for i in range(n):
        for k, (last, number) in enumerate(ends):
            dt = t[i] - t[last]
            step = place[i] - place[last]
            if dt > 0.0 and math.hypot(step[0],
                    step[1]) <= FASTEST * dt + 50.0 and abs(step[2]) <= STEEPEST * dt + 60.0:
                chain[i] = number
                ends[k] = (i, number)
                length[number] += 1
                ends.insert(0, ends.pop(k))
                break
        else:
            if i and t[i] == t[i - 1]:
                continue            # the same instant twice: the first one stays
            number = len(length)
            length[number] = 1
            chain[i] = number
            ends.insert(0, (i, number))
            del ends[6:]
    best = max(length, key=lambda number: length[number]) if length else -1
    return chain == best


def _flight(table: Table, callsign: str, address: int, t: Array, path: Array) -> Flight:
    lie = table.numbers("lie_m", [0.0, 0.0, 0.0], length=3, low=-1e6, high=1e6)
    return Flight(
        callsign[:8], address, table.flag("transponder", True), table.number("cross_section_m2", 20.0, 0.001,
            10_000.0), t, path, np.array(lie),
        _gaps(table), table.integer("nic", 8, 0, 11), np.zeros(0), np.zeros((0, 3)))


def _gaps(table: Table) -> tuple[Span, ...]:
    value: Any = table.raw("gaps_s", [])
    try:
        return tuple((float(a), float(b)) for a, b in value)
    except (TypeError, ValueError, OverflowError):
        table.fault("gaps_s", '"gaps_s" is not a list of [start, end]', "Write gaps_s = [[30, 60]].")
        return ()


def _address(table: Table) -> int:
    text = table.text("icao24", "")
    if not text:
        return -1
    if not re.fullmatch(r"[0-9a-fA-F]{6}", text):
        table.fault("icao24", f'"icao24" is {text!r}', "Write six hexadecimal digits, as in icao24 = \"700abc\".")
        return -1
    return int(text, 16)
