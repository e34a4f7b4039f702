"""A second opinion on a drill: every clearance given and every simulated order checked again, in plain numpy, from the record alone.

Shares no code with what gave them: its own path, its own tubes, its own book of commands. Source of the rules: docs/models/airspace.md
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.drill import Clearance, Drill, Order
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.site.model import Effector, Site

Array = NDArray[Any]

GRAVITY = 9.80665           # m/s², standard; only where no impact says how a track bends
TURN = 15.0                 # m/s², what an aircraft is taken to be able to do in any direction
DEVIATIONS = 4.0            # of an aircraft's position and velocity
METRES_95 = {1: 18_520.0, 2: 7_408.0, 3: 3_704.0, 4: 1_852.0, 5: 926.0, 6: 555.6, 7: 185.2, 8: 92.6, 9: 30.0, 10: 10.0, 11: 3.0}  # DO-260B, NACp
UNKNOWN_95 = 100.0          # m, where it says nothing
DOUBT, BLIND = 10.0, 300.0  # m/s, of a velocity reported and of one that was not
NEWS_S = 10.0               # s that a report of an aircraft without a track counts on
CONSENT_S = 30.0            # s that a consent stands
TICK = 0.1                  # s between the moments looked at
ALLOWANCE = 25.0            # m by which two honest computations may differ
LOW, SCATTER = 200.0, 100.0     # m: an interception lower than this, nearer than that to people, is too low by any reckoning
PEOPLE = {"none": 0, "one": 1, "two": 2}


class Violation(NamedTuple):
    """One thing that should not have been."""

    t: float
    rule: str           # one word: aircraft, projectile, threat, sensors, hold, consent, sector, reach, fallout, magazine, busy, twice, clearance, unknown
    track: int
    effector: int
    what: str           # with the values found


@dataclass
class Book:
    """What the commands and orders so far add up to."""

    status: str
    holds: set[str] = field(default_factory=set)
    consents: list[tuple[float, str, str]] = field(default_factory=list)
    reports: dict[int, tuple[float, Array, Array, int]] = field(default_factory=dict)     # by address: time, position, velocity, NACp
    orders: list[tuple[float, Order]] = field(default_factory=list)

    def read(self, frame: Frame) -> None:
        """Take in one frame's commands and reports."""
        for said, kind, subject, who, _ in frame.commands:
            if kind == "weapons" and subject in ("hold", "tight", "free"):
                self.status = subject
            elif kind == "hold":
                self.holds.add(subject)
            elif kind == "release":
                self.holds = set() if subject == "all" else self.holds - {subject}
            elif kind == "consent":
                self.consents.append((min(said, frame.t), subject, who.strip().casefold()))
        self.consents = [consent for consent in self.consents if frame.t - consent[0] <= CONSENT_S]
        said_now = frame.aircraft
        for k in range(said_now.t.size):
            if int(said_now.address[k]) >= 0 and np.isfinite(said_now.position[k, :2]).all():
                self.reports[int(said_now.address[k])] = (float(said_now.t[k]), said_now.position[k], said_now.velocity[k], int(said_now.nacp[k]))
        self.reports = {address: report for address, report in self.reports.items() if frame.t - report[0] <= NEWS_S}


def violations(site: Site, moments: Iterable[tuple[Frame, Picture, Drill | None]]) -> list[Violation]:
    """Everything in the drills of a record, from its beginning, that breaks a rule; empty where all is well."""
    book, found = Book(site.policy.weapons), []
    for frame, picture, drill in moments:
        book.read(frame)
        if drill is None:
            continue
        for clearance in drill.clearances:
            if clearance.cleared:
                wrong = _unsafe(clearance, frame, picture, site, book)
                found += [Violation(picture.t, rule, clearance.track, clearance.effector, what) for rule, what in wrong]
        for order in drill.orders:
            found += [Violation(picture.t, rule, order.track, order.effector, what) for rule, what in _unlawful(order, drill, frame, site, book)]
            book.orders.append((frame.t, order))
    return found


def _unsafe(clearance: Clearance, frame: Frame, picture: Picture, site: Site, book: Book) -> list[tuple[str, str]]:
    """What is wrong with a clearance that was given."""
    rows = np.flatnonzero(picture.tracks.number == clearance.track)
    if rows.size != 1 or not 0 <= clearance.effector < len(site.effectors):
        return [("unknown", f"track {clearance.track} or effector {clearance.effector} is not there")]
    row, effector, policy = int(rows[0]), site.effectors[clearance.effector], site.policy
    wrong = []
    sure = float(picture.tracks.kind[row, 0])
    if not sure >= policy.projectile_probability or int(picture.tracks.address[row]) >= 0:
        wrong.append(("projectile", f"a projectile with probability {sure:.3f} and address {int(picture.tracks.address[row])}"))
    danger = float(picture.threats.probability[picture.threats.track == clearance.track].max(initial=0.0))
    if not danger >= policy.engage_probability:
        wrong.append(("threat", f"endangers a zone with probability {danger:.3f} at most"))
    if any(picture.health.radars[k] != 0 for k, radar in enumerate(site.radars) if not radar.mode_s):
        wrong.append(("sensors", "a radar is silent or doubtful"))
    if not frame.t - 1e-9 <= clearance.t_from <= clearance.t_to:
        wrong.append(("clearance", f"window {clearance.t_from:.2f} to {clearance.t_to:.2f} s was given at {frame.t:.2f} s"))
        return wrong
    hit = _meeting(row, clearance, effector, picture)
    if hit is None:
        return [*wrong, ("reach", "the effector meets the track nowhere in the window")]
    bearing = math.atan2(hit[0] - effector.place[0], hit[1] - effector.place[1])
    if (bearing - effector.azimuth_from + 0.01) % (2.0 * math.pi) > effector.azimuth_width + 0.02:
        wrong.append(("sector", f"bearing {math.degrees(bearing) % 360.0:.0f}° is outside the effector's sector"))
    wrong += _over_people(hit, site)
    return wrong + _near_aircraft(hit, clearance, effector, frame, picture, site, book)


def _meeting(row: int, clearance: Clearance, effector: Effector, picture: Picture) -> Array | None:
    """Where the effect would first meet the track: (3,) [m], or None."""
    when = np.arange(clearance.t_from, clearance.t_to + 0.5 * TICK, TICK)
    path = _path(row, picture, when)
    away = np.linalg.norm(path - effector.place, axis=1)
    flown = (when - clearance.t_from + TICK) * effector.speed if math.isfinite(effector.speed) else np.full(when.size, math.inf)
    within = (away >= effector.reach_min - ALLOWANCE) & (away <= effector.reach_max + ALLOWANCE)
    met = np.flatnonzero((flown + ALLOWANCE >= away) & within)
    return None if met.size == 0 else np.asarray(path[met[0]])


def _path(row: int, picture: Picture, when: Array) -> Array:
    """(k, 3) where a track will be [m]: the parabola from its position and velocity to the impact foretold, which so holds the mean drag."""
    position, velocity = picture.tracks.state[row, :3], picture.tracks.state[row, 3:6]
    ends = np.flatnonzero(picture.impacts.track == picture.tracks.number[row])
    bend = np.array([0.0, 0.0, -GRAVITY])
    if ends.size and picture.impacts.t[ends[0]] - picture.t > 0.5:
        flight = float(picture.impacts.t[ends[0]]) - picture.t
        bend = 2.0 * (picture.impacts.place[ends[0]] - position - velocity * flight) / flight**2
    after = (when - picture.t)[:, None]
    return np.asarray(position + velocity * after + 0.5 * bend * after**2)


def _over_people(hit: Array, site: Site) -> list[tuple[str, str]]:
    ground = site.ground
    row, column = (round((v - v0) / ground.step) for v, v0 in ((hit[1], ground.north0), (hit[0], ground.east0)))
    height = float(hit[2] - ground.up[min(max(row, 0), ground.up.shape[0] - 1), min(max(column, 0), ground.up.shape[1] - 1)])
    if height >= LOW:
        return []
    return [
        ("fallout", f"met {height:.0f} m above {zone.name}") for zone in site.zones
        if zone.people > 0.0 and _off(zone.polygon, hit[:2]) <= SCATTER]


def _off(polygon: Array, place: Array) -> float:
    """Distance of a place from a polygon [m], 0 inside: the angle its corners turn through, then every edge."""
    spokes = polygon - place
    bearing = np.arctan2(spokes[:, 1], spokes[:, 0])
    turn = np.diff(np.append(bearing, bearing[0]))
    if abs(np.sum((turn + np.pi) % (2.0 * np.pi) - np.pi)) > np.pi:
        return 0.0
    edge = np.roll(polygon, -1, axis=0) - polygon
    share = np.clip(-(spokes * edge).sum(axis=1) / np.maximum((edge**2).sum(axis=1), 1e-12), 0.0, 1.0)
    return float(np.linalg.norm(spokes + share[:, None] * edge, axis=1).min())


def _near_aircraft(
    hit: Array, clearance: Clearance, effector: Effector, frame: Frame, picture: Picture, site: Site, book: Book,
) -> list[tuple[str, str]]:
    """Aircraft, and what may be one, whose reachable tube comes too near to the line of the engagement."""
    along = hit - effector.place
    reach = effector.reach_max if math.isfinite(effector.speed) else float(np.linalg.norm(along))
    end = effector.place + along / max(float(np.linalg.norm(along)), 1e-9) * reach
    least = site.policy.safety_distance - ALLOWANCE
    when = np.append(np.arange(clearance.t_from, clearance.t_to, TICK), clearance.t_to)
    wrong, tracks = [], picture.tracks
    for k in np.flatnonzero(~(tracks.kind[:, 0] >= site.policy.projectile_probability) | (tracks.address >= 0)):
        wide = DEVIATIONS * math.sqrt(max(float(np.linalg.norm(tracks.covariance[k, :3, :3], 2)), 0.0))
        pace = DEVIATIONS * math.sqrt(max(float(np.linalg.norm(tracks.covariance[k, 3:6, 3:6], 2)), 0.0))
        grown = wide + pace * (when - picture.t) + 0.5 * TURN * (when - min(float(tracks.seen[k]), picture.t)) ** 2
        gap = _gap(tracks.state[k, :3], tracks.state[k, 3:6], when - picture.t, grown, effector.place, end)
        if not gap >= least:
            wrong.append(("aircraft", f"track {int(tracks.number[k])} may come within {gap:.0f} m"))
    followed = set(tracks.address[tracks.address >= 0].tolist())
    for address, (t, position, velocity, nacp) in book.reports.items():
        if address in followed and t < frame.t - site.policy.frame_s - 1e-9:
            continue
        known = bool(np.isfinite(velocity).all())
        since = when - t
        grown = 2.0 * METRES_95.get(nacp, UNKNOWN_95) + (DOUBT if known else BLIND) * since + 0.5 * TURN * since**2
        gap = _gap(position, velocity if known else np.zeros(3), since, grown, effector.place, end)
        if not gap >= least:
            wrong.append(("aircraft", f"address {address:06X} may come within {gap:.0f} m"))
    return wrong


def _gap(position: Array, velocity: Array, after: Array, grown: Array, start: Array, end: Array) -> float:
    """Least distance between a growing ball, dead reckoned, and a straight line [m]; of unknown height: in the plan."""
    axes = 3 if np.isfinite(position[2]) else 2
    ball = position[:axes] + velocity[:axes] * after[:, None] - start[:axes]
    line = end[:axes] - start[:axes]
    share = np.clip(ball @ line / max(float(line @ line), 1e-12), 0.0, 1.0)
    return float((np.linalg.norm(ball - share[:, None] * line, axis=1) - grown).min())


def _unlawful(order: Order, drill: Drill, frame: Frame, site: Site, book: Book) -> list[tuple[str, str]]:
    """What is wrong with an order, beyond its clearance."""
    wrong = []
    if order.clearance not in drill.clearances:
        wrong.append(("clearance", "its clearance is not in the record"))
    if not 0 <= order.effector < len(site.effectors):
        return [*wrong, ("unknown", f"effector {order.effector} is not there")]
    effector = site.effectors[order.effector]
    held = book.holds & {"all", effector.name, str(order.track)}
    if book.status == "hold" or held:
        wrong.append(("hold", f"weapons {book.status}, holds {sorted(held)}"))
    people = {who for _, subject, who in book.consents if subject in ("any", str(order.track)) and who}
    if len(people) < PEOPLE[site.policy.consent]:
        wrong.append(("consent", f"{len(people)} agreed, policy asks for {site.policy.consent}"))
    mine = [(t, earlier) for t, earlier in book.orders if earlier.effector == order.effector]
    if len(mine) >= effector.magazine:
        wrong.append(("magazine", f"order {len(mine) + 1} of {effector.magazine}"))
    if mine and frame.t - mine[-1][0] < effector.engagement_s - 1e-9:
        wrong.append(("busy", f"ordered again after {frame.t - mine[-1][0]:.2f} s, an engagement takes {effector.engagement_s} s"))
    if any(earlier.track == order.track and earlier.t_to > order.t_from + 1e-9 for _, earlier in book.orders):
        wrong.append(("twice", "the track is still engaged"))
    return wrong
