"""What aircraft say of themselves, how exact they say it is, and which of it their answers to a
radar bear out.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.frame import NO_ADDRESS, Aircraft, Frame
from skywarden.messages.tables import join, take
from skywarden.site.model import Site

Array = NDArray[Any]

REMEMBERED = 20.0       # s, a report counts on
# m and rad: so far what a radar sees and a claim of the same address may differ
BACKED_WITHIN, BACKED_ANGLE = 300.0, 0.02
REPORT_RADIUS = 200.0   # m, 95 %, of a report whose accuracy is unknown
REPORT_PACE = 2.0       # m/s, standard deviation of a reported velocity
# m, 95 %, by NACp (DO-260B)
NACP_RADIUS = (0.0, 18_520.0, 7_408.0, 3_704.0, 1_852.0, 926.0, 555.6, 185.2, 92.6, 30.0, 10.0, 3.0)
# m, containment, by NIC (DO-260B)
NIC_RADIUS = (0.0, 37_040.0, 14_816.0, 7_408.0, 3_704.0, 1_852.0, 1_111.2, 370.4, 185.2, 75.0, 25.0, 7.5)
RAYLEIGH_95 = 2.4477    # radius of 95 % of a plane normal distribution, in standard deviations
ANSWERED = 3            # `Aircraft.source` of what is remembered of replies, here only
PRESSURE_SIGMA = 40.0   # m, of a height by pressure altitude, corrected for the weather, at the ground
PRESSURE_SHARE = 0.02   # of the height, likewise
EARTH_DIAMETER = 12_742_000.0       # m
SEA_TEMPERATURE, LAPSE, PRESSURE_POWER = 288.15, 0.0065, 5.25588      # K, K/m, 1: standard troposphere (ISO 2533)


class Heard(NamedTuple):
    """What counts of all that was said, worked out once a frame."""

    reports: Aircraft   # (m,) the newest of every address, heights by pressure filled in
    by_pressure: Array  # (m,) bool, whose height is by pressure
    blind: Array        # (m,) bool, who does not say all of its velocity
    velocity: Array     # (m, 3) zero where blind [m/s]
    answered: Array     # (m,) when a radar was answered by that address from where it says it was then [s]; -inf never
    answers: Aircraft   # what transponders answered to radars, by rising address


def remembered(before: Aircraft, frame: Frame) -> Aircraft:
    """The newest report of every address, those of this frame first of all; none older than
    REMEMBERED.

    before  newest report of every address before this frame

    What a transponder answered to a radar is kept beside it (source ANSWERED): not a report, but it
    may back one.
    """
    new, answers = frame.aircraft, np.flatnonzero(frame.detections.address != NO_ADDRESS)
    if not new.t.size and not before.t.size and not answers.size:
        return before
    every = join(before, new)
    every = take(every, np.flatnonzero((every.t >= frame.t - REMEMBERED) & np.isfinite(every.position[:,
        :2]).all(axis=1)))
    if answers.size:
        every = join(every, _replies(frame, answers))
    order = np.argsort(every.t, kind="stable")[::-1]
    # one key for address and kind of row: addresses have 24 bits
    _, newest = np.unique(every.address[order] * 2 + (every.source[order] == ANSWERED), return_index=True)
    keep = order[newest]
    # what has no address cannot be told apart: all of this frame's
    nameless = np.flatnonzero((every.address == NO_ADDRESS) & (every.t > frame.t - 1.0))
    return take(every, np.sort(np.concatenate([keep[every.address[keep] != NO_ADDRESS], nameless])))


def _replies(frame: Frame, rows: Array) -> Aircraft:
    """Replies to radars as rows of (range, azimuth, number of the radar) in the columns of a
    position.
    """
    d = frame.detections
    n = rows.size
    where = np.column_stack([d.range[rows], d.azimuth[rows], d.sensor[rows].astype(np.float64)])
    good = np.isfinite(where).all(axis=1)
    said = Aircraft.empty(n)._replace(
        t=d.t[rows], address=d.address[rows], position=where, source=np.full(n, ANSWERED, np.int8),
        callsign=np.zeros(n, "S8"))
    return take(said, good)


def heard(kept: Aircraft, frame: Frame, site: Site) -> Heard:
    """What is said, as it counts in this frame; kept is what `remembered` keeps.

    site  the site as its defender declared it
    """
    answer = kept.source == ANSWERED
    rows = np.flatnonzero(answer)
    reports, answers = take(kept, ~answer) if rows.size else kept, take(kept,
        rows[np.argsort(kept.address[rows], kind="stable")])
    by_pressure = np.isnan(reports.position[:, 2]) & np.isfinite(reports.pressure_altitude)
    if by_pressure.any():
        position = reports.position.copy()
        position[by_pressure, 2] = height_by_pressure(reports.pressure_altitude[by_pressure], position[by_pressure,
            :2], frame, site)
        reports = reports._replace(position=position)
    blind: Array = np.logical_not(np.isfinite(reports.velocity).all(axis=1))
    velocity = np.where(blind[:, None], 0.0, reports.velocity)
    return Heard(reports, by_pressure, blind, velocity, answered_at(answers, reports.address, reports.t,
        reports.position, velocity, site), answers)


def answered_at(answers: Aircraft, address: Array, t: Array, position: Array, velocity: Array, site: Site) -> Array:
    """(n,) when a radar was answered by that address, within REMEMBERED, from where it is said to
    have been then [s]; -inf never.

    answers   by rising address, as `Heard` has them
    t         (n,) times of the reports [s]
    position  (n, 3) east, north, up [m]
    velocity  (n, 3) velocity [m/s]
    site      the site as its defender declared it
    """
    out = np.full(address.size, -math.inf)
    if not answers.t.size or (address == NO_ADDRESS).all():
        return out
    at = np.minimum(np.searchsorted(answers.address, address), answers.t.size - 1)
    same = np.flatnonzero((answers.address[at] == address) & (address != NO_ADDRESS))
    if same.size:
        rows, places = at[same], _places(site)
        sensor = answers.position[rows, 2].astype(np.int64)
        # no such radar is nowhere
        there = places[np.where((sensor >= 0) & (sensor < len(places) - 1), sensor, -1)]
        line = position[same] + velocity[same] * (answers.t[rows] - t[same])[:, None] - there
        line[:, 2] = np.where(np.isnan(line[:, 2]), 0.0, line[:, 2])
        reach = np.sqrt((line * line).sum(axis=1))
        turned = (np.arctan2(line[:, 0], line[:, 1]) - answers.position[rows, 1] + math.pi) % (2.0 * math.pi) - math.pi
        off = np.hypot(reach - answers.position[rows, 0], np.hypot(line[:, 0], line[:, 1]) * turned)
        out[same] = np.where(off <= BACKED_WITHIN + BACKED_ANGLE * reach, answers.t[rows], -math.inf)
    return out


@lru_cache(maxsize=8)
def _places(site: Site) -> Array:
    """(radars + 1, 3) where each radar stands [m]; the last row is nan."""
    return np.array([*(radar.place for radar in site.radars), np.full(3, np.nan)])


def accuracy(reports: Aircraft, by_pressure: Array) -> tuple[Array, Array]:
    """(m, 6, 6) covariance of each report's position and velocity [m, m/s], and (m,) what its
    integrity category adds [m].

    by_pressure  (m,) bool, whose height is by pressure
    reports      reports of aircraft
    """
    nacp, nic = reports.nacp.astype(np.int64), reports.nic.astype(np.int64)
    good = (nacp >= 1) & (nacp < len(NACP_RADIUS))
    radius = np.where(good, np.take(NACP_RADIUS, np.where(good, nacp, 0)), REPORT_RADIUS)
    covariance = np.zeros((nacp.size, 6, 6))
    for k in range(3):
        covariance[:, k, k] = (radius / RAYLEIGH_95) ** 2
        covariance[:, 3 + k, 3 + k] = REPORT_PACE**2
    covariance[by_pressure, 2,
        2] = (PRESSURE_SIGMA + PRESSURE_SHARE * np.abs(reports.pressure_altitude[by_pressure])) ** 2
    known = (nic >= 1) & (nic < len(NIC_RADIUS))
    return covariance, np.where(known, np.take(NIC_RADIUS, np.where(known, nic, 0)), REPORT_RADIUS)


def height_by_pressure(pressure_altitude: Array, place: Array, frame: Frame, site: Site) -> Array:
    """(n,) height above the site's origin [m] of pressure altitudes (n,), corrected for the
    weather; place (n, 2) east, north for the earth's curve.

    pressure_altitude  (n,) pressure altitudes [m]

    The standard atmosphere's troposphere, its pressure scaled and its temperature shifted as the
    frame's weather says.
    """
    w = frame.weather
    level = 1.0 - LAPSE / SEA_TEMPERATURE * pressure_altitude
    height = (1.0 - level / max(w.pressure_ratio, 1e-6) ** (1.0 / PRESSURE_POWER)) * SEA_TEMPERATURE / LAPSE
    height = height * (1.0 + w.temperature_offset / (SEA_TEMPERATURE - 0.5 * LAPSE * height))
    return np.asarray(height - site.origin.elevation - (place * place).sum(axis=1) / EARTH_DIAMETER)
