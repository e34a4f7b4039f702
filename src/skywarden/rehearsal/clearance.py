"""Is a simulated engagement safe for every aircraft and for the people below? Default: no. Every
answer carries its evidence.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.drill import (
    AIRCRAFT_NEAR,
    CLEAR_TO_ENGAGE,
    FALLOUT,
    NO_FIRE_ARC,
    OUT_OF_REACH,
    SENSORS_DOUBTFUL,
    UNKNOWN_NEAR,
    Clearance,
    Evidence,
    Fallout,
    Reached,
)
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.rehearsal.aircraft.approaches import approaches
from skywarden.rehearsal.aircraft.reachable import Tubes
from skywarden.rehearsal.aircraft.reports import REMEMBERED
from skywarden.rehearsal.corridor import Corridor
from skywarden.rehearsal.fallout import Below, below_of, footprint, low_over_people, threatened
from skywarden.rehearsal.fragments import AIRFRAME
from skywarden.rehearsal.separation import Separation, free_after, nearest, separation
from skywarden.site.model import Effector, Site

Array = NDArray[Any]

# per hour, a position beyond the containment it claims (SIL 2; SIL is not transmitted by every source)
CLAIM_WRONG = 1e-5
ASK_AGAIN = 1.0         # s
AHEAD = 6.0             # s before an effector must react that a clearance is worked out: time for a person to consent
LATER = 90.0            # s looked ahead for the time at which an aircraft will be out of the way
# 1/km³: aircraft that neither any sensor sees nor says where it is, while all sensors work; assumed, illustrative
UNSEEN = 1e-8
MOST_RISK = 1e-5        # the bound on the probability of touching an aircraft, above which nothing is cleared


def clear(
    row: int, effector: int, corridor: Corridor, tubes: Tubes, frame: Frame, picture: Picture, site: Site
) -> Clearance:
    """The clearance, given or refused, for one track (row of the picture's tracks) and one
    effector.

    corridor  the corridor that the engagement occupies
    tubes     where each aircraft may be: dead reckoning and its error
    frame     what came in at this frame
    site      the site as its defender declared it
    """
    track, declared = int(picture.tracks.number[row]), site.effectors[effector]

    def answer(
        reason: str, until: float = math.nan, aircraft: int = -1, gap: float = math.inf,
        evidence: Evidence | None = None
    ) -> Clearance:
        base = (
            track, effector, corridor.t_from, corridor.t_to, reason == CLEAR_TO_ENGAGE, reason, until, aircraft, gap,
            corridor.t_hit)
        return Clearance(*base) if evidence is None else Clearance(*base, evidence)

    if sensors_doubtful(picture):
        return answer(SENSORS_DOUBTFUL, frame.t + ASK_AGAIN)
    if not _in_sector(corridor, declared.azimuth_from, declared.azimuth_width) or any(_points_into(corridor, *arc)
            for arc in declared.no_fire):
        return answer(NO_FIRE_ARC)
    if corridor.t_from - frame.t > declared.reaction_s + AHEAD:
        return answer(OUT_OF_REACH, corridor.t_from - declared.reaction_s - AHEAD)
    below = below_of(corridor, row, declared, frame, picture, site)
    found = separation(corridor, tubes, site.policy.safety_distance, below.falling)
    near = nearest(found)
    number, gap = (int(tubes.number[near]), float(found.gap[near])) if near >= 0 else (-1, math.inf)
    parts = _bound(corridor, tubes, found, below, declared, site, frame)
    # not `>=`: a gap or a bound that is not a number is none
    blocked = near >= 0 and not gap >= site.policy.safety_distance
    if not blocked and not sum(parts) <= MOST_RISK and near >= 0:
        near = int(np.argmax(found.risk + found.falls + found.whole))
        number, gap, blocked = int(tubes.number[near]), float(found.gap[near]), True
    if blocked:
        rows = np.array([near])
        until = _until(corridor, tubes, near, float(found.reach[near]), float(found.when[near]),
            site.policy.safety_distance, frame.t)
        shown = _evidence(corridor, tubes, found, rows, parts, Fallout.none(), math.nan, declared, frame, picture, site)
        return answer(UNKNOWN_NEAR if tubes.unknown[near] else AIRCRAFT_NEAR, until, number, gap, shown)
    falls, stake = footprint(below, site), threatened(track, picture)
    every = np.arange(tubes.t.size)
    shown = _evidence(corridor, tubes, found, every, parts, falls, stake, declared, frame, picture, site)
    if low_over_people(corridor.hit, corridor.hit_height, site) or not shown.people <= stake:
        return answer(FALLOUT, aircraft=number, gap=gap, evidence=shown)
    if not sum(parts) <= MOST_RISK:
        return answer(FALLOUT, aircraft=number, gap=gap, evidence=shown)
    return answer(CLEAR_TO_ENGAGE, aircraft=number, gap=gap, evidence=shown)


def sensors_doubtful(picture: Picture) -> bool:
    """Whether any radar of the site is silent or doubtful: who may not see every aircraft does not
    engage.

    picture  what is believed at this frame
    """
    return bool((picture.health.radars != 0).any())


def _in_sector(corridor: Corridor, azimuth_from: float, width: float) -> bool:
    return width >= 2.0 * math.pi - 1e-9 or not _points_into(corridor, azimuth_from + width, 2.0 * math.pi - width)


def _points_into(corridor: Corridor, azimuth_from: float, width: float) -> bool:
    """Whether any of the lines, the directions between them or their cones point into an arc; a
    steep cone is seen under a wider angle from above.
    """
    away = (corridor.ends - corridor.start)[:, :2]
    broad = corridor.spread * float(np.linalg.norm(corridor.ends[0] - corridor.start))
    chord = np.diff(away, axis=0)
    # the triangle between two lines may be steeper than either
    part = np.clip(-(away[:-1] * chord).sum(axis=1) / np.maximum((chord * chord).sum(axis=1), 1e-12), 0.0, 1.0)
    level = float(np.hypot(*np.concatenate([away, away[:-1] + part[:, None] * chord]).T).min())
    if not broad < level:
        return True     # straight up is in it, and with that every bearing
    opening = math.asin(broad / level)
    bearing = np.unwrap(np.arctan2(away[:, 0], away[:, 1]))
    begin, swept = float(bearing.min()) - opening, float(np.ptp(bearing)) + 2.0 * opening
    return (azimuth_from - begin) % (2.0 * math.pi) <= swept or (begin - azimuth_from) % (2.0 * math.pi) <= width


def _bound(
    corridor: Corridor, tubes: Tubes, found: Separation, below: Below, effector: Effector, site: Site, frame: Frame,
) -> tuple[float, float, float, float]:
    """The parts of the bound: unseen, outside, claims, fragments. Each is tested on its own:
    tests/scenes/test_clearances.py.
    """
    length = float(np.linalg.norm(corridor.ends[0] - corridor.start))
    wide = site.policy.safety_distance + corridor.spread * length
    swept = float(np.linalg.norm(corridor.ends[-1] - corridor.ends[0]))
    # a box about the lines and their cones, safety distance around
    unseen = UNSEEN * 1e-9 * (length + 2.0 * site.policy.safety_distance) * 2.0 * wide * (2.0 * wide
        + swept) + tubes.assumed
    outside = float(found.risk.sum())
    alone = np.count_nonzero(~tubes.backed)
    claims = CLAIM_WRONG / 3_600.0 * ((corridor.t_to - frame.t + REMEMBERED) * alone
        + (corridor.t_to - frame.t) * tubes.trusting + tubes.unchecked)
    fragments = float((found.falls * min(below.pieces * AIRFRAME / max(below.area, 1.0),
        1.0) + found.whole * below.whole).sum())
    # what fails to destroy itself flies on along its line, or falls short of it
    beyond = float(found.behind.sum()) * min(effector.burst * effector.dud_share, 1.0)
    return unseen, outside, claims, fragments + beyond


def _evidence(
    corridor: Corridor, tubes: Tubes, found: Separation, rows: Array, parts: tuple[float, float, float, float],
    falls: Fallout, stake: float,
    effector: Effector, frame: Frame, picture: Picture, site: Site,
) -> Evidence:
    """What an answer rests on, with the tubes of the given rows."""
    reached = Reached(
        tubes.number[rows], tubes.address[rows], tubes.unknown[rows], tubes.backed[rows], tubes.seen[rows],
        tubes.t[rows], tubes.position[rows],
        tubes.velocity[rows], found.when[rows], found.reach[rows], found.gap[rows], found.risk[rows])
    return Evidence(
        frame.t, corridor.start, corridor.ends, corridor.spread, corridor.hit_height,
        (effector.azimuth_from, effector.azimuth_width, *(x for arc in effector.no_fire for x in arc)),
        picture.health.radars, reached,
        approaches(tubes, frame.t, site), falls, *parts, stake)


def _until(corridor: Corridor, tubes: Tubes, row: int, reach: float, when: float, safety: float, now: float) -> float:
    """Earliest time at which the engagement, later by so much, would be clear of this tube, were it
    seen again till then [s]; nan not within LATER.
    """
    needed = reach + safety + 0.5 * float(np.linalg.norm(tubes.velocity[row])) * (corridor.t_to - corridor.t_from)
    clear_of = free_after(corridor, tubes, row, when, needed, LATER)
    return math.nan if math.isnan(clear_of) else now + max(clear_of, ASK_AGAIN)
