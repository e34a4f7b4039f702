"""Is a simulated engagement safe for every aircraft and for the people below? Default: no. Every answer carries its evidence."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.geometry.polygon import long_axis
from skywarden.messages.drill import (
    AIRCRAFT_NEAR,
    CLEAR_TO_ENGAGE,
    FALLOUT,
    NO_FIRE_ARC,
    OUT_OF_REACH,
    SENSORS_DOUBTFUL,
    UNKNOWN_NEAR,
    Approaches,
    Clearance,
    Evidence,
    Fallout,
    Reached,
)
from skywarden.messages.frame import NO_ADDRESS, Aircraft, Frame
from skywarden.messages.picture import AIRCRAFT, Picture
from skywarden.messages.tables import join, take
from skywarden.rehearsal.fallout import GRAVITY, SLOWEST, Below, below_of, footprint, low_over_people, threatened
from skywarden.rehearsal.known import (
    BACKED_ANGLE,
    BACKED_WITHIN,
    CLAIMED,
    MANOEUVRE,
    SIGMAS,
    Known,
    bias_of,
    confirmed,
    gently,
    grounded,
    hidden,
    kept,
    remember,
    shadows,
    superseded,
)
from skywarden.rehearsal.space import Space, surely_projectiles
from skywarden.site.model import Effector, Site

Array = NDArray[Any]

FASTEST = 350.0         # m/s over the ground, of any aircraft: nothing is reached sooner
REPORT_RADIUS = 200.0   # m, 95 %, of a report whose accuracy is unknown
REPORT_PACE = 2.0       # m/s, standard deviation of a reported velocity
BLIND_PACE = 300.0      # m/s, at most, of an aircraft that does not report its velocity: an airliner at height with the wind behind it
NACP_RADIUS = (0.0, 18_520.0, 7_408.0, 3_704.0, 1_852.0, 926.0, 555.6, 185.2, 92.6, 30.0, 10.0, 3.0)   # m, 95 %, by NACp (DO-260B)
NIC_RADIUS = (0.0, 37_040.0, 14_816.0, 7_408.0, 3_704.0, 1_852.0, 1_111.2, 370.4, 185.2, 75.0, 25.0, 7.5)  # m, containment, by NIC (DO-260B)
RAYLEIGH_95 = 2.4477    # radius of 95 % of a plane normal distribution, in standard deviations
ALONE = 1_000.0         # m added to a claim that no radar backs: a position-only report may be wrong beyond what it says
ANSWERED = 3            # `Aircraft.source` of what is remembered of replies, here only
CLAIM_WRONG = 1e-5      # per hour, a position beyond the containment it claims (SIL 2; SIL is not transmitted by every source)
PRESSURE_SIGMA = 40.0   # m, of a height by pressure altitude, corrected for the weather, at the ground
PRESSURE_SHARE = 0.02   # of the height, likewise
REMEMBERED = 20.0       # s, a report counts on
STEP = 0.125            # s between the moments at which tubes and the engagement's space are compared
FINER = 4               # times finer they are where that decides
QUICK, SLOW = 1.05, 0.95    # times the mean speed, between which the effect goes along its lines
ASK_AGAIN = 1.0         # s
AHEAD = 6.0             # s before an effector must react that a clearance is worked out: time for a person to consent
LATER = 90.0            # s looked ahead for the time at which an aircraft will be out of the way
UNSEEN = 1e-8           # 1/km³: aircraft that neither any sensor sees nor says where it is, while all sensors work; assumed, illustrative
MOST_RISK = 1e-5        # the bound on the probability of touching an aircraft, above which nothing is cleared
AIRFRAME = 300.0        # m², of an aircraft from below
ROOM = 100.0            # m kept by dead reckoning from what falls
SECTOR_LENGTH, SECTOR_HALF_WIDTH, SECTOR_HALF_ANGLE = 10_000.0, 150.0, math.radians(3.0)    # m, m, rad: approach and departure sectors
SECTOR_SLOPE, SECTOR_ABOVE = math.tan(math.radians(6.0)), 300.0     # their ceiling rises so from so many metres above the runway
EARTH_DIAMETER = 12_742_000.0       # m
SEA_TEMPERATURE, LAPSE, PRESSURE_POWER = 288.15, 0.0065, 5.25588      # K, K/m, 1: standard troposphere (ISO 2533)


class Tubes(NamedTuple):
    """Each aircraft, or what may be one, as what is known of it now; how far it can get follows from that."""

    number: Array       # (n,) track number; -1 a report no track belongs to
    address: Array      # (n,)
    unknown: Array      # (n,) bool, not known to be an aircraft
    backed: Array       # (n,) bool, a radar has seen it there
    t: Array            # (n,) of the position [s]
    seen: Array         # (n,) last seen or heard: it may have manoeuvred since [s]
    position: Array     # (n, 3) [m]; up is nan where the height is unknown: then it may be at any
    velocity: Array     # (n, 3) [m/s]; zero where unknown
    covariance: Array   # (n, 6, 6) of both
    extra: Array        # (n,) beyond SIGMAS of that: bias of radars, containment a report claims, claims nobody backs [m]
    blind: Array        # (n,) bool, velocity unknown
    unchecked: float = 0.0  # s since radars agreed with claims that they cannot see any more, all such together
    trusting: int = 0       # how many they are
    shadows: int = 0        # how many of the last rows are of what was lost: several may be one aircraft
    assumed: float = 0.0    # bounds of the earlier clearances because of which tracks are known to be pieces, and not here


def clear(row: int, effector: int, space: Space, tubes: Tubes, frame: Frame, picture: Picture, site: Site) -> Clearance:
    """The clearance, given or refused, for one track (row of the picture's tracks) and one effector."""
    track, declared = int(picture.tracks.number[row]), site.effectors[effector]

    def answer(reason: str, until: float = math.nan, aircraft: int = -1, gap: float = math.inf, evidence: Evidence | None = None) -> Clearance:
        base = (track, effector, space.t_from, space.t_to, reason == CLEAR_TO_ENGAGE, reason, until, aircraft, gap, space.t_hit)
        return Clearance(*base) if evidence is None else Clearance(*base, evidence)

    if sensors_doubtful(picture):
        return answer(SENSORS_DOUBTFUL, frame.t + ASK_AGAIN)
    if not _in_sector(space, declared.azimuth_from, declared.azimuth_width) or any(_points_into(space, *arc) for arc in declared.no_fire):
        return answer(NO_FIRE_ARC)
    if space.t_from - frame.t > declared.reaction_s + AHEAD:
        return answer(OUT_OF_REACH, space.t_from - declared.reaction_s - AHEAD)
    below = below_of(space, row, declared, picture, site)
    found = _approach(
        space.start, space.ends, space.spread, space.t_from, space.t_to, space.speed, space.dwell, tubes.t, tubes.seen, tubes.position, tubes.velocity,
        tubes.covariance, tubes.extra, tubes.blind, site.policy.safety_distance, below.falling)
    near = _nearest(found[0])
    number, gap = (int(tubes.number[near]), float(found[0][near])) if near >= 0 else (-1, math.inf)
    parts = _bound(space, tubes, found, below, declared, site, frame)
    # not `>=`: a gap or a bound that is not a number is none
    blocked = near >= 0 and not gap >= site.policy.safety_distance
    if not blocked and not sum(parts) <= MOST_RISK and near >= 0:
        near = int(np.argmax(found[3] + found[4]))
        number, gap, blocked = int(tubes.number[near]), float(found[0][near]), True
    if blocked:
        rows = np.array([near])
        until = _until(space, tubes, near, float(found[2][near]), float(found[1][near]), site.policy.safety_distance, frame.t)
        shown = _evidence(space, tubes, found, rows, parts, Fallout.none(), math.nan, declared, frame, picture, site)
        return answer(UNKNOWN_NEAR if tubes.unknown[near] else AIRCRAFT_NEAR, until, number, gap, shown)
    falls, stake = footprint(below, site), threatened(track, picture)
    shown = _evidence(space, tubes, found, np.arange(tubes.t.size), parts, falls, stake, declared, frame, picture, site)
    if low_over_people(space.hit, space.hit_height, site) or not shown.people <= stake:
        return answer(FALLOUT, aircraft=number, gap=gap, evidence=shown)
    if not sum(parts) <= MOST_RISK:
        return answer(FALLOUT, aircraft=number, gap=gap, evidence=shown)
    return answer(CLEAR_TO_ENGAGE, aircraft=number, gap=gap, evidence=shown)


def sensors_doubtful(picture: Picture) -> bool:
    """Whether any radar of the site is silent or doubtful: who may not see every aircraft does not engage."""
    return bool((picture.health.radars != 0).any())


def closest(space: Space, tubes: Tubes) -> tuple[int, float]:
    """The tube that comes nearest to the engagement's space while it lasts, and by how much [m]; -1 and inf where there is none.

    A line of the space counts as occupied from the slowest of what may have left last to the quickest of what may have left first.
    """
    gaps = _approach(
        space.start, space.ends, space.spread, space.t_from, space.t_to, space.speed, space.dwell, tubes.t, tubes.seen, tubes.position, tubes.velocity,
        tubes.covariance, tubes.extra, tubes.blind, 0.0, np.zeros(10))[0]
    near = _nearest(gaps)
    return (near, float(gaps[near])) if near >= 0 else (-1, math.inf)


def _nearest(gaps: Array) -> int:
    return -1 if gaps.size == 0 else int(np.argmin(np.where(np.isnan(gaps), -math.inf, gaps)))


def _in_sector(space: Space, azimuth_from: float, width: float) -> bool:
    if width >= 2.0 * math.pi - 1e-9:
        return True
    bearing = np.arctan2(space.ends[:, 0] - space.start[0], space.ends[:, 1] - space.start[1])
    inside = (bearing - azimuth_from) % (2.0 * math.pi)
    return bool(((inside >= space.spread) & (inside <= width - space.spread)).all())


def _points_into(space: Space, azimuth_from: float, width: float) -> bool:
    """Whether any of the lines, the directions between them or their cones point into an arc; a steep cone is seen under a wider angle from above."""
    away = space.ends - space.start
    level = np.hypot(away[:, 0], away[:, 1])
    opening = float(np.arcsin(np.minimum(space.spread * np.linalg.norm(away, axis=1) / np.maximum(level, 1e-9), 1.0)).max())
    bearing = np.arctan2(away[:, 0], away[:, 1])
    turned = (bearing - bearing[0] + math.pi) % (2.0 * math.pi) - math.pi
    begin, swept = float(bearing[0] + turned.min()) - opening, float(turned.max() - turned.min()) + 2.0 * opening
    return (azimuth_from - begin) % (2.0 * math.pi) <= swept or (begin - azimuth_from) % (2.0 * math.pi) <= width


def _bound(
    space: Space, tubes: Tubes, found: tuple[Array, ...], below: Below, effector: Effector, site: Site, frame: Frame,
) -> tuple[float, float, float, float]:
    """The parts of the bound: unseen, outside, claims, fragments. Each is tested on its own: tests/scenes/test_clearances.py."""
    length = float(np.linalg.norm(space.ends[0] - space.start))
    wide = site.policy.safety_distance + space.spread * length
    swept = float(np.linalg.norm(space.ends[-1] - space.ends[0]))
    # a box about the lines and their cones, safety distance around
    unseen = UNSEEN * 1e-9 * (length + 2.0 * site.policy.safety_distance) * 2.0 * wide * (2.0 * wide + swept) + tubes.assumed
    outside = float(found[3].sum())
    alone = np.count_nonzero(~tubes.backed)
    claims = CLAIM_WRONG / 3_600.0 * ((space.t_to - frame.t + REMEMBERED) * alone + (space.t_to - frame.t) * tubes.trusting + tubes.unchecked)
    share = AIRFRAME / (math.pi * max(below.radius, 1.0) ** 2)
    fragments = float((found[4] * min(below.pieces * share, 1.0)).sum())
    # what fails to destroy itself flies on along its line, or falls short of it
    beyond = float(found[5].sum()) * min(effector.burst * effector.dud_share, 1.0)
    return unseen, outside, claims, fragments + beyond


def _evidence(
    space: Space, tubes: Tubes, found: tuple[Array, ...], rows: Array, parts: tuple[float, float, float, float], falls: Fallout, stake: float,
    effector: Effector, frame: Frame, picture: Picture, site: Site,
) -> Evidence:
    """What an answer rests on, with the tubes of the given rows."""
    reached = Reached(
        tubes.number[rows], tubes.address[rows], tubes.unknown[rows], tubes.backed[rows], tubes.seen[rows], tubes.t[rows], tubes.position[rows],
        tubes.velocity[rows], found[1][rows], found[2][rows], found[0][rows], found[3][rows])
    return Evidence(
        frame.t, space.start, space.ends, space.spread, space.hit_height,
        (effector.azimuth_from, effector.azimuth_width, *(x for arc in effector.no_fire for x in arc)), picture.health.radars, reached,
        approaches(tubes, frame.t, site), falls, *parts, stake)


def remembered(before: Aircraft, frame: Frame) -> Aircraft:
    """The newest report of every address, those of this frame first of all; none older than REMEMBERED.

    What a transponder answered to a radar is kept beside it (source ANSWERED): not a report, but it may back one.
    """
    new, answers = frame.aircraft, np.flatnonzero(frame.detections.address != NO_ADDRESS)
    if not new.t.size and not before.t.size and not answers.size:
        return before
    every = join(before, new)
    every = take(every, np.flatnonzero((every.t >= frame.t - REMEMBERED) & np.isfinite(every.position[:, :2]).all(axis=1)))
    if answers.size:
        every = join(every, _answered(frame, answers))
    order = np.argsort(every.t, kind="stable")[::-1]
    # one key for address and kind of row: addresses have 24 bits
    _, newest = np.unique(every.address[order] * 2 + (every.source[order] == ANSWERED), return_index=True)
    keep = order[newest]
    # what has no address cannot be told apart: all of this frame's
    nameless = np.flatnonzero((every.address == NO_ADDRESS) & (every.t > frame.t - 1.0))
    return take(every, np.sort(np.concatenate([keep[every.address[keep] != NO_ADDRESS], nameless])))


def _answered(frame: Frame, rows: Array) -> Aircraft:
    """Replies to radars as rows of (range, azimuth, number of the radar) in the columns of a position."""
    d = frame.detections
    n = rows.size
    where = np.column_stack([d.range[rows], d.azimuth[rows], d.sensor[rows].astype(np.float64)])
    good = np.isfinite(where).all(axis=1)
    told = Aircraft.empty(n)._replace(
        t=d.t[rows], address=d.address[rows], position=where, source=np.full(n, ANSWERED, np.int8), callsign=np.zeros(n, "S8"))
    return take(told, good)


def remembering(before: Known, reports: Aircraft, frame: Frame, picture: Picture, site: Site) -> Known:
    """What is known of the air once this frame is over; reports is what `remembered` keeps."""
    told, _, answers = _told(reports, frame, site)
    velocity = np.where(np.isfinite(told.velocity), told.velocity, 0.0)
    answered = np.full(told.t.size, -math.inf)
    rows = np.flatnonzero(_answers_agree(answers, told.address, told.t, told.position, velocity, site))
    if rows.size:
        order = np.argsort(answers.address, kind="stable")
        answered[rows] = answers.t[order[np.searchsorted(answers.address[order], told.address[rows])]]
    return remember(before, told, answered, frame, picture, site)


def _told(reports: Aircraft, frame: Frame, site: Site) -> tuple[Aircraft, Array, Aircraft]:
    """The reports; of which of them the height is by pressure; and the answers."""
    told, answers = take(reports, reports.source != ANSWERED), take(reports, reports.source == ANSWERED)
    by_pressure = np.isnan(told.position[:, 2]) & np.isfinite(told.pressure_altitude)
    if by_pressure.any():
        position = told.position.copy()
        position[by_pressure, 2] = height_by_pressure(told.pressure_altitude[by_pressure], position[by_pressure, :2], frame, site)
        told = told._replace(position=position)
    return told, by_pressure, answers


def tubes_of(reports: Aircraft, frame: Frame, picture: Picture, site: Site, known: Known | None = None) -> Tubes:
    """Every aircraft, and everything not surely a projectile, with what is known of it. What may be an aircraft counts as one.

    reports  what `remembered` keeps. Those of this frame count even where a track has taken them over, unless they agree.
    known    what `remembering` keeps: pieces of what was stopped are left out, and what was lost low goes on counting
    """
    known = Known.none() if known is None else known
    tracks = picture.tracks
    told, by_pressure, answers = _told(reports, frame, site)
    # not `<`: a probability that is not a number makes nothing a projectile
    maybe: Array = np.flatnonzero(~surely_projectiles(tracks, site))
    maybe = maybe[~np.isin(tracks.number[maybe], [n for n, _ in known.pieces])]
    # a radar's own track says how heavy a thing is; one made of claims alone has nothing to say of that
    seeing = tracks.address[maybe[tracks.covariance[maybe, 6, 6] > CLAIMED]]
    maybe = maybe[~superseded(known, maybe, picture)]
    followed = np.isin(told.address, tracks.address[maybe[tracks.address[maybe] != NO_ADDRESS]])
    count = np.flatnonzero(~followed | ((told.t > frame.t - site.policy.frame_s - 1e-9) & ~confirmed(told, maybe, picture)))
    told, by_pressure = take(told, count), np.flatnonzero(by_pressure[count])
    n, m = maybe.size, told.t.size
    sigma, contained = _accuracy(told)
    blind: Array = np.isnan(np.where(np.isfinite(told.velocity), 0.0, np.nan).sum(axis=1))
    covariance = np.zeros((n + m, 6, 6))
    covariance[:n] = tracks.covariance[maybe, :6, :6]
    for k in range(3):
        covariance[n:, k, k] = sigma**2
        covariance[n:, 3 + k, 3 + k] = REPORT_PACE**2
    covariance[n + by_pressure, 2, 2] = (PRESSURE_SIGMA + PRESSURE_SHARE * np.abs(told.pressure_altitude[by_pressure])) ** 2
    t = np.concatenate([np.full(n, picture.t), told.t])
    address = np.concatenate([tracks.address[maybe], told.address])
    position = np.concatenate([tracks.state[maybe, :3], told.position])
    velocity = np.concatenate([tracks.state[maybe, 3:6], np.where(blind[:, None], 0.0, told.velocity)])
    own: Array = np.logical_or(tracks.address[maybe] == NO_ADDRESS, tracks.covariance[maybe, 6, 6] > CLAIMED)
    backed = np.concatenate([own, np.zeros(m, np.bool_)])
    # what a radar's track and a report of the same address have in common, the radar backs
    backed[n:] = np.logical_and(np.isin(told.address, seeing), told.address != NO_ADDRESS)
    backed |= _answers_agree(answers, address, t, position, velocity, site)
    ages = np.where(backed, math.inf, kept(known, address, position, frame.t, site))
    trusted = np.isfinite(ages)
    backed |= trusted
    extra = np.concatenate([bias_of(tracks.state[maybe, :3], site), contained]) + np.where(backed, 0.0, ALONE)
    lost = shadows(known, picture.t, site)
    more = lost.number.size
    farther, seen = hidden(position, velocity, t, np.concatenate([tracks.seen[maybe], told.t]), picture.t, site)
    slowly, seen = gently(seen, grounded(told, maybe, backed, position, covariance, picture, site), picture.t)
    extra += farther + slowly
    ages, trusted = ages[~np.isnan(seen)], trusted[~np.isnan(seen)]
    tubes = Tubes(
        np.concatenate([tracks.number[maybe], np.full(m, -1), lost.number]), np.concatenate([address, lost.address]),
        np.concatenate([~(tracks.kind[maybe, AIRCRAFT] >= 0.5), np.zeros(m, np.bool_), lost.unknown]), np.append(backed, np.ones(more, np.bool_)),
        np.append(t, lost.t), np.append(seen, lost.seen), np.concatenate([position, lost.position]), np.concatenate([velocity, lost.velocity]),
        np.concatenate([covariance, lost.covariance]), np.append(extra, lost.extra), np.concatenate([np.zeros(n, np.bool_), blind, np.zeros(more, np.bool_)]),
        float(ages[trusted].sum()), int(trusted.sum()), more, float(sum(known.stopped[k].bound for k in {k for _, k in known.pieces})))
    flies = ~np.isnan(tubes.seen)
    return tubes if flies.all() else tubes._replace(**{name: getattr(tubes, name)[flies] for name in Tubes._fields[:11]})


def _accuracy(told: Aircraft) -> tuple[Array, Array]:
    """(m,) standard deviation of each report's position, and what its integrity category adds to it [m]."""
    nacp, nic = told.nacp.astype(np.int64), told.nic.astype(np.int64)
    good = (nacp >= 1) & (nacp < len(NACP_RADIUS))
    radius = np.where(good, np.take(NACP_RADIUS, np.where(good, nacp, 0)), REPORT_RADIUS)
    known = (nic >= 1) & (nic < len(NIC_RADIUS))
    return radius / RAYLEIGH_95, np.where(known, np.take(NIC_RADIUS, np.where(known, nic, 0)), REPORT_RADIUS)


def _answers_agree(answers: Aircraft, address: Array, t: Array, position: Array, velocity: Array, site: Site) -> Array:
    """(n,) whether a radar was answered by that address, within REMEMBERED, where it is said to have been then."""
    out = np.zeros(address.size, np.bool_)
    if not answers.t.size:
        return out
    order = np.argsort(answers.address, kind="stable")
    at = order[np.minimum(np.searchsorted(answers.address[order], address), order.size - 1)]
    same = np.flatnonzero((answers.address[at] == address) & (address != NO_ADDRESS))
    if same.size:
        rows = at[same]
        sensor = answers.position[rows, 2].astype(np.int64)
        there = np.array([site.radars[k].place if 0 <= k < len(site.radars) else np.full(3, np.nan) for k in sensor.tolist()]).reshape(-1, 3)
        then = position[same] + velocity[same] * (answers.t[rows] - t[same])[:, None]
        line = then - there
        line[:, 2] = np.where(np.isnan(line[:, 2]), 0.0, line[:, 2])
        reach = np.sqrt((line * line).sum(axis=1))
        turned = (np.arctan2(line[:, 0], line[:, 1]) - answers.position[rows, 1] + math.pi) % (2.0 * math.pi) - math.pi
        off = np.hypot(reach - answers.position[rows, 0], np.hypot(line[:, 0], line[:, 1]) * turned)
        out[same] = off <= BACKED_WITHIN + BACKED_ANGLE * reach
    return out


def height_by_pressure(pressure_altitude: Array, place: Array, frame: Frame, site: Site) -> Array:
    """(n,) height above the site's origin [m] of pressure altitudes (n,), corrected for the weather; place (n, 2) east, north for the earth's curve.

    The standard atmosphere's troposphere, its pressure scaled and its temperature shifted as the frame's weather says.
    """
    w = frame.weather
    level = 1.0 - LAPSE / SEA_TEMPERATURE * pressure_altitude
    height = (1.0 - level / max(w.pressure_ratio, 1e-6) ** (1.0 / PRESSURE_POWER)) * SEA_TEMPERATURE / LAPSE
    height = height * (1.0 + w.temperature_offset / (SEA_TEMPERATURE - 0.5 * LAPSE * height))
    return np.asarray(height - site.origin.elevation - (place * place).sum(axis=1) / EARTH_DIAMETER)


class _Sectors(NamedTuple):
    """Approach and departure sectors, two for each runway."""

    zone: Array
    place: Array
    bearing: Array
    length: Array       # of the runway [m]


@lru_cache(maxsize=8)
def _sectors(site: Site) -> _Sectors:
    rows = []
    for k, zone in enumerate(site.zones):
        if zone.kind == "runway":
            middle, axis, half = long_axis(zone.polygon)
            for way in (axis, -axis):
                rows.append((k, *(middle + way * half), math.atan2(way[0], way[1]) % (2.0 * math.pi), 2.0 * half))
    table = np.array(rows, np.float64).reshape(-1, 5)
    return _Sectors(table[:, 0].astype(np.int32), table[:, 1:3].copy(), table[:, 3].copy(), table[:, 4].copy())


def approaches(tubes: Tubes, t: float, site: Site) -> Approaches:
    """The runways' approach and departure sectors, and how many aircraft are in each or on its runway at time t, by dead reckoning."""
    s = _sectors(site)
    if not s.zone.size:
        return Approaches(s.zone, s.place, s.bearing, np.zeros(0, np.int32))
    there = tubes.position + tubes.velocity * (t - tubes.t)[:, None]
    away = there[None, :, :2] - s.place[:, None, :]
    sine, cosine = np.sin(s.bearing)[:, None], np.cos(s.bearing)[:, None]
    along, across = away[:, :, 0] * sine + away[:, :, 1] * cosine, np.abs(away[:, :, 0] * cosine - away[:, :, 1] * sine)
    out = np.maximum(along, 0.0)
    within = (along >= -s.length[:, None]) & (along <= SECTOR_LENGTH) & (across <= SECTOR_HALF_WIDTH + math.tan(SECTOR_HALF_ANGLE) * out)
    # not `>`: what has no height is at any
    within &= ~(there[None, :, 2] > SECTOR_ABOVE + SECTOR_SLOPE * out) & ~tubes.unknown[None, :]
    seen = tubes.number.size - tubes.shadows
    count = within[:, :seen].sum(axis=1)
    if tubes.shadows:
        count += [np.unique(tubes.number[seen:][row]).size for row in within[:, seen:]]
    return Approaches(s.zone, s.place, s.bearing, count.astype(np.int32))


@njit(cache=True, error_model="numpy")
def _growth(dt: float, since: float, speed: float, blind: bool) -> float:
    """How far an aircraft can get from its dead reckoning [m]: `dt` s after its position was true, `since` s after it was last seen."""
    if blind:
        return BLIND_PACE * dt
    return min(0.5 * MANOEUVRE * since * since, (FASTEST + speed) * max(since, dt))


@njit(cache=True, error_model="numpy")
def _pace(since: float, speed: float, blind: bool, quickness: float, spread: float, c: Array) -> float:
    """How fast a tube and the occupied piece of a cone can come nearer to one another at most, as `_approach` reckons them [m/s]; inf where that is not known.

    since  s after it was last seen, at most
    """
    effect = QUICK * quickness * (1.0 + spread) if quickness < math.inf else 0.0
    grows = BLIND_PACE if blind else MANOEUVRE * since
    if not blind and 0.5 * MANOEUVRE * since > FASTEST + speed:
        grows = max(grows, FASTEST + speed)
    place, both, drift = c[0, 0] + c[1, 1] + c[2, 2], 2.0 * (c[0, 3] + c[1, 4] + c[2, 5]), c[3, 3] + c[4, 4] + c[5, 5]
    # the root of a square that is nowhere negative grows no faster than the root of its last part
    if not (place >= 0.0 and drift >= 0.0 and both * both <= 4.0 * place * drift * 1.000001):
        return math.inf
    return speed + effect + grows + 1.000001 * SIGMAS * math.sqrt(drift)


@njit(cache=True, error_model="numpy")
def _tail(z: float) -> float:
    """Probability that a standard normal value is beyond z."""
    return 0.5 * math.erfc(z / math.sqrt(2.0))


@njit(cache=True, error_model="numpy")
def _approach(
    start: Array, ends: Array, spread: float, t_from: float, t_to: float, quickness: float, dwell: float,
    t: Array, seen: Array, position: Array, velocity: Array, covariance: Array, extra: Array, blind: Array, safety: float,
    falling: Array,
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Each tube at its nearest approach to the cones from `start` to `ends` over the window, six columns (n,):

    gap between the two [m], negative where it reaches in; when [s]; reach from its dead reckoning towards them [m]; probability that it is nearer than
    `safety` after all; whether by dead reckoning it flies through what falls (1) or not (0); whether it may be met behind the ends (1) or not.

    The gap is a lower bound: along the line from the nearest sphere of a cone to the aircraft, an ellipsoid reaches as far as its covariance in that
    direction says, and a plane across it parts the two. A tube that cannot be the nearest, nor nearer than four safety distances, is not worked out:
    a lower bound stands for it.
    """
    n, lines = t.shape[0], ends.shape[0]
    gaps, when, reach = np.full(n, np.inf), np.full(n, t_from), np.zeros(n)
    risk, falls, behind = np.zeros(n), np.zeros(n), np.zeros(n)
    # axes of the lines, their length, how far the nearest sphere lies beyond the foot; seen from above for what may be at any height
    axes, far = np.empty((2, lines, 5)), 0.0
    for j in range(lines):
        dx, dy, dz = ends[j, 0] - start[0], ends[j, 1] - start[1], ends[j, 2] - start[2]
        far = max(far, math.sqrt(dx * dx + dy * dy + dz * dz))
        for flat in range(2):
            axes[flat, j, 0], axes[flat, j, 1], axes[flat, j, 2] = dx, dy, (0.0 if flat else dz)
            axes[flat, j, 3] = dx * dx + dy * dy + (0.0 if flat else dz * dz)
    wide = spread * far     # a cone seen from above is as wide as it is
    for flat in range(2):
        for j in range(lines):
            length = math.sqrt(axes[flat, j, 3])
            rate = min(wide / length, 0.999) if length > 0.0 else 0.0
            axes[flat, j, 4] = rate / math.sqrt(1.0 - rate * rate) / length if length > 0.0 else 0.0
    steps = min(max(math.ceil((t_to - t_from) / STEP), 1), 2000)
    coarse = (t_to - t_from) / steps
    step = coarse
    bounds, most, first = np.empty(n), np.empty(n), 0
    for i in range(n):
        anywhere = math.isnan(position[i, 2])
        speed = math.sqrt(velocity[i, 0] ** 2 + velocity[i, 1] ** 2 + velocity[i, 2] ** 2)
        late = max(t_to - t[i], t[i] - t_from, 0.0)
        c = covariance[i]
        widest = 0.0
        for a in range(6):
            widest += c[a, a] * (1.0 if a < 3 else late * late)
        most[i] = SIGMAS * math.sqrt(2.0 * max(widest, 0.0)) + extra[i] + _growth(late + step, max(t_to - seen[i], 0.0) + step, speed, blind[i])
        up = 0.0 if anywhere else position[i, 2] - start[2]
        away = math.sqrt((position[i, 0] - start[0]) ** 2 + (position[i, 1] - start[1]) ** 2 + up * up) - speed * (late + step)
        bounds[i] = away - far * (1.0 + spread) - most[i]
        if bounds[i] < bounds[first]:
            first = i
    least = math.inf
    for turn in range(n):       # what may be nearest comes first: most of the others need not be worked out then
        i = first if turn == 0 else (0 if turn == first else turn)
        anywhere = math.isnan(position[i, 2])
        flat = 1 if anywhere else 0
        speed = math.sqrt(velocity[i, 0] ** 2 + velocity[i, 1] ** 2 + velocity[i, 2] ** 2)
        c = covariance[i]
        if bounds[i] > least and bounds[i] > 4.0 * safety:
            gaps[i], reach[i] = bounds[i], most[i]
        else:
            pace = 0.0
            # backwards, as a tube grows; how much nearer it can come in a step says how many steps cannot be the nearest
            for finer in range(2):
                many, step = steps, coarse
                if finer == 1:
                    # what half a step of motion keeps too near is looked at again, with steps a FINER part of that
                    if not (gaps[i] < safety and gaps[i] + pace >= safety):
                        break
                    many, step = steps * FINER, coarse / FINER
                    gaps[i] = np.inf
                pace = step * _pace(max(t_to - seen[i], 0.0) + step, speed, blind[i], quickness, spread, c)
                k = many
                while k >= 0:
                    at = t_from + k * step
                    dt, since = at - t[i], max(at - seen[i], 0.0)
                    head, tail, nearest = 1.0, 0.0, math.inf
                    if quickness < math.inf:
                        head = min(max(QUICK * quickness * (at + 0.5 * step - t_from) / far, 0.0), 1.0)
                        tail = min(max(SLOW * quickness * (at - 0.5 * step - t_from - dwell) / far, 0.0), head)
                    x = position[i, 0] + velocity[i, 0] * dt - start[0]
                    y = position[i, 1] + velocity[i, 1] * dt - start[1]
                    z = 0.0 if anywhere else position[i, 2] + velocity[i, 2] * dt - start[2]
                    # half a step of motion between the moments looked at belongs to the tube, and of its growth
                    grown = extra[i] + _growth(abs(dt) + 0.5 * step, since + 0.5 * step, speed, blind[i]) + 0.5 * step * speed
                    trace = 0.0
                    for a in range(3):
                        trace += c[a, a] + 2.0 * dt * c[a, 3 + a] + dt * dt * c[3 + a, 3 + a]
                    # no direction has a larger standard deviation
                    rest = grown + SIGMAS * math.sqrt(1.000001 * trace)
                    for j in range(lines):
                        dx, dy, dz = axes[flat, j, 0], axes[flat, j, 1], axes[flat, j, 2]
                        length2 = axes[flat, j, 3]
                        f = 0.0
                        if length2 > 0.0:
                            f = (x * dx + y * dy + z * dz) / length2
                            off = math.sqrt(max((x - f * dx) ** 2 + (y - f * dy) ** 2 + (z - f * dz) ** 2, 0.0))
                            # the sphere of the cone that is nearest lies beyond the foot on its axis: it is wider there
                            f = min(max(f + off * axes[flat, j, 4], tail), head)
                        qx, qy, qz = x - f * dx, y - f * dy, z - f * dz
                        off = math.sqrt(qx * qx + qy * qy + qz * qz)
                        nearest = min(nearest, off - wide * f - rest)
                        if off - wide * f - rest > gaps[i]:
                            continue
                        scale = 1.0 / off if off > 0.0 else 0.0
                        nx, ny, nz = qx * scale, qy * scale, qz * scale
                        if off == 0.0:
                            nx = 1.0
                        variance = 0.0
                        for a in range(3):
                            na = nx if a == 0 else (ny if a == 1 else nz)
                            for b in range(3):
                                nb = nx if b == 0 else (ny if b == 1 else nz)
                                variance += na * nb * (c[a, b] + dt * (c[a, 3 + b] + c[3 + a, b]) + dt * dt * c[3 + a, 3 + b])
                        sigma = math.sqrt(variance) if variance > 0.0 else (0.0 if variance > -1e-6 else math.nan)
                        gap = off - wide * f - SIGMAS * sigma - grown
                        if not gap >= gaps[i]:       # also where it is not a number: that must be seen
                            gaps[i], when[i], reach[i] = gap, at, SIGMAS * sigma + grown
                            spare = gap - safety + SIGMAS * sigma
                            risk[i] = _tail(spare / sigma) if sigma > 0.0 else (0.0 if spare >= 0.0 else 1.0)
                    spare = nearest - gaps[i]
                    k -= min(int(spare / pace), k) + 1 if spare > pace else 1
        if gaps[i] < least:
            least = gaps[i]
        # what falls: by dead reckoning, twice a second; it spreads on its way, between the fall without air and that of the lightest pieces
        if falling[5] > 0.0:
            for k in range(int(2.0 * falling[9]) + 1):
                after = 0.5 * k
                dt, part = falling[7] + after - t[i], min(after / falling[8], 1.0)
                x = position[i, 0] + velocity[i, 0] * dt - falling[0] - part * (falling[3] - falling[0])
                y = position[i, 1] + velocity[i, 1] * dt - falling[1] - part * (falling[4] - falling[1])
                z = position[i, 2] + velocity[i, 2] * dt - falling[2]
                low = min(falling[6], 0.0) * after - 0.5 * GRAVITY * after * after
                high = max(falling[6], 0.0) * min(after, 2.0) - SLOWEST * max(after - 2.0, 0.0)
                # not `>`: what is not a number is not elsewhere
                if not x * x + y * y > (part * falling[5] + ROOM) ** 2 and not z > high + ROOM and not z < low - ROOM:
                    falls[i] = 1.0
        # what does not destroy itself: within a cone of the same lines, up to three times as long
        middle = 0.5 * (t_from + t_to)
        dt = middle - t[i]
        x, y = position[i, 0] + velocity[i, 0] * dt - start[0], position[i, 1] + velocity[i, 1] * dt - start[1]
        z = 0.0 if anywhere else position[i, 2] + velocity[i, 2] * dt - start[2]
        for j in range(lines):
            dx, dy = (ends[j, 0] - start[0]) / far, (ends[j, 1] - start[1]) / far
            dz = 0.0 if anywhere else (ends[j, 2] - start[2]) / far
            along = x * dx + y * dy + z * dz
            if far < along < 3.0 * far:
                off = math.sqrt(max(x * x + y * y + z * z - along * along * (dx * dx + dy * dy + dz * dz), 0.0))
                broad = max(spread * along, 1.0)
                if off < broad + extra[i] + 100.0:
                    behind[i] = max(behind[i], min(AIRFRAME / (math.pi * broad * broad), 1.0))
    return gaps, when, reach, risk, falls, behind


def in_the_way(place: Array, hit: Array, t_from: Array, t_hit: Array, tubes: Tubes, safety: float) -> tuple[Array, Array]:
    """(p,) which tube surely stands in the way of an effect going from `place` (p, 3) to `hit` (p, 3) between two moments (p,), -1 none, and its distance [m].

    A glance at where the effect is in the middle of its window, nothing more: what it finds is refused, what it does not find is not cleared by that.
    """
    return _in_the_way(place, hit, t_from, t_hit, tubes.t, tubes.seen, tubes.position, tubes.velocity, tubes.extra, tubes.blind, safety)


@njit(cache=True, error_model="numpy")
def _in_the_way(
    place: Array, hit: Array, t_from: Array, t_hit: Array, t: Array, seen: Array, position: Array, velocity: Array, extra: Array, blind: Array, safety: float,
) -> tuple[Array, Array]:
    """`in_the_way`, at four places along each line."""
    which, gaps = np.full(place.shape[0], -1, np.int64), np.full(place.shape[0], np.inf)
    for p in range(place.shape[0]):
        for i in range(t.shape[0]):
            speed = math.sqrt(velocity[i, 0] ** 2 + velocity[i, 1] ** 2 + velocity[i, 2] ** 2)
            for k in range(1, 5):
                f = 0.25 * k
                at = t_from[p] + f * (t_hit[p] - t_from[p])
                square = 0.0
                for a in range(3):
                    off = position[i, a] + velocity[i, a] * (at - t[i]) - place[p, a] - f * (hit[p, a] - place[p, a])
                    square += 0.0 if math.isnan(position[i, a]) else off * off
                gap = math.sqrt(square) - extra[i] - _growth(abs(at - t[i]), max(at - seen[i], 0.0), speed, blind[i])
                if gap < safety and gap < gaps[p]:
                    which[p], gaps[p] = i, gap
    return which, gaps


def _until(space: Space, tubes: Tubes, row: int, reach: float, when: float, safety: float, now: float) -> float:
    """Earliest time at which the engagement, later by so much, would be clear of this tube, were it seen again till then [s]; nan not within LATER."""
    clear_of = _later(
        space.start, space.ends, space.spread, tubes.position[row], tubes.velocity[row], when - tubes.t[row], reach + safety + 0.5 * float(
            np.linalg.norm(tubes.velocity[row])) * (space.t_to - space.t_from), LATER)
    return math.nan if math.isnan(clear_of) else now + max(clear_of, ASK_AGAIN)


@njit(cache=True, error_model="numpy")
def _later(start: Array, ends: Array, spread: float, position: Array, velocity: Array, after: float, needed: float, most: float) -> float:
    """Seconds until a place moving on is `needed` [m] away from every cone; nan within `most` seconds never."""
    for k in range(int(most) + 1):
        dt = after + k
        least = math.inf
        for j in range(ends.shape[0]):
            x, y = position[0] + velocity[0] * dt - start[0], position[1] + velocity[1] * dt - start[1]
            dx, dy, dz = ends[j, 0] - start[0], ends[j, 1] - start[1], ends[j, 2] - start[2]
            z = position[2] + velocity[2] * dt - start[2]
            if math.isnan(z):
                z, dz = 0.0, 0.0
            length2 = dx * dx + dy * dy + dz * dz
            f = min(max((x * dx + y * dy + z * dz) / length2, 0.0), 1.0) if length2 > 0.0 else 0.0
            least = min(least, math.sqrt((x - f * dx) ** 2 + (y - f * dy) ** 2 + (z - f * dz) ** 2) - spread * f * math.sqrt(length2))
        if least >= needed:
            return float(k)
    return math.nan
