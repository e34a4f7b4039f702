"""What the commands, reports, tracks and orders of a record add up to, frame by frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from skywarden.messages.drill import Order
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.site.model import Site
from skywarden.verification.limits import (
    ABSENT_S,
    AGREE,
    AGREE_SHARE,
    CONSENT_S,
    DEVIATIONS,
    DOWN_S,
    EARLIER,
    FINAL,
    LANDING,
    NEAR,
    NEWEST_S,
    NEWS_S,
    NORTH,
    ROLLING_S,
    SAME,
    SILENCE_S,
    SPLINTER_S,
    TRUST_S,
    TURN,
    Array,
)
from skywarden.verification.path import far_off, farthest_radar, ground_at, in_view, path_of
from skywarden.verification.physics import TICK


class Report(NamedTuple):
    """One report."""

    t: float
    address: int
    position: Array
    velocity: Array
    pressure: float
    nacp: int
    nic: int
    grounded: bool


class LostTrack(NamedTuple):
    """A track that may have been of an aircraft, as it was last known."""

    number: int
    address: int
    unknown: bool
    seen: float
    t: float
    state: Array        # (6,)
    covariance: Array   # (6, 6)


class Shot(NamedTuple):
    """An order given, as far as it says where no aircraft was."""

    track: int
    bound: float
    t: Array            # (k,)
    place: Array        # (k, 3)
    room: Array         # (k,) [m]


@dataclass
class Ledger:
    """What the commands, reports and orders so far add up to."""

    status: str
    holds: set[str] = field(default_factory=set)
    consents: list[tuple[float, str, str]] = field(default_factory=list)
    reports: dict[int, Report] = field(default_factory=dict)      # the newest by address
    nameless: list[Report] = field(default_factory=list)          # without one
    # by address: time, range, azimuth, radar
    answers: dict[int, tuple[float, float, float, int]] = field(default_factory=dict)
    orders: list[tuple[float, Order]] = field(default_factory=list)
    # by effector: engagements of this magazine, when it is full again
    spent: dict[int, tuple[int, float]] = field(default_factory=dict)
    # by address: when a radar last agreed, -inf never, and the newest report
    agreed: dict[int, tuple[float, Report]] = field(default_factory=dict)
    # by number: out of every radar's view in the last picture
    low: dict[int, LostTrack] = field(default_factory=dict)
    gone: dict[int, LostTrack] = field(default_factory=dict)     # likewise, and lost since
    shots: list[Shot] = field(default_factory=list)
    pieces: dict[int, Shot] = field(default_factory=dict)   # by number: tracks of what a shot left

    def read(self, frame: Frame) -> None:
        """Take in one frame's commands, reports and replies."""
        for report, kind, subject, who, *_ in frame.commands:
            if kind == "weapons" and subject in ("hold", "tight", "free"):
                self.status = subject
            elif kind == "hold":
                self.holds.add(subject)
            elif kind == "release":
                self.holds = set() if subject == "all" else self.holds - {subject}
            elif kind == "consent":
                self.consents.append((min(report, frame.t), subject, who.strip().casefold()))
        self.consents = [consent for consent in self.consents if frame.t - consent[0] <= CONSENT_S]
        a, d = frame.aircraft, frame.detections
        for k in range(a.t.size):
            if not np.isfinite(a.position[k, :2]).all():
                continue
            newest = Report(float(a.t[k]), int(a.address[k]), a.position[k], a.velocity[k],
                float(a.pressure_altitude[k]), int(a.nacp[k]), int(a.nic[k]),
                            bool(a.on_ground[k]))
            if newest.address < 0:
                self.nameless.append(newest)
            elif newest.address not in self.reports or newest.t >= self.reports[newest.address].t:
                self.reports[newest.address] = newest
        for k in range(d.t.size):
            mark = int(d.address[k])
            if mark >= 0 and math.isfinite(d.range[k] + d.azimuth[k]) and (mark not in self.answers
                    or d.t[k] >= self.answers[mark][0]):
                self.answers[mark] = (float(d.t[k]), float(d.range[k]), float(d.azimuth[k]), int(d.sensor[k]))
        self.reports = {address: report for address, report in self.reports.items() if report.t >= frame.t - NEWS_S}
        self.nameless = [report for report in self.nameless if report.t > frame.t - 1.0]
        self.answers = {address: report for address, report in self.answers.items() if report[0] >= frame.t - NEWS_S}

    def look(self, frame: Frame, picture: Picture, site: Site) -> None:
        """Take in what the picture says of reports, of what is lost, and of fragments.

        frame  what came in at this frame
        site   the site as its defender declared it
        """
        self.shots = [shot for shot in self.shots if picture.t - shot.t[0] <= DOWN_S]
        self._splinters(picture, site)
        self._corroborated(frame, picture, site)
        self._absent(picture, site)

    def _splinters(self, picture: Picture, site: Site) -> None:
        tracks, here = picture.tracks, {}
        for k, number in enumerate(tracks.number.tolist()):
            if int(tracks.address[k]) >= 0:
                continue
            if number in self.pieces:
                if any(self.pieces[number] is shot for shot in self.shots):
                    here[number] = self.pieces[number]
                continue
            if float(tracks.kind[k, 0]) >= site.policy.projectile_probability:
                continue
            for shot in self.shots:
                begun = float(tracks.born[k]) >= shot.t[0] - EARLIER or number == shot.track
                if begun and shot.t[0] <= picture.t <= shot.t[-1] + SPLINTER_S and _cannot_fly(tracks.state[k],
                        tracks.covariance[k], picture.t, shot, site):
                    here[number] = shot
                    break
        self.pieces = here

    def _corroborated(self, frame: Frame, picture: Picture, site: Site) -> None:
        tracks, now = picture.tracks, {}
        for address, report in self.reports.items():
            if report.t < frame.t - SILENCE_S or not np.isfinite(report.velocity).all():
                continue
            report = report._replace(position=placed(report, frame, site))
            when = self.answers[address][0] if answered(address, report.t, report.position, report.velocity, site,
                self) else -math.inf
            rows = [k for k in range(tracks.number.size) if int(tracks.address[k]) == address
                and float(tracks.covariance[k, 6, 6]) > 1e-11]
            if rows:
                off = far_off(report.position + (picture.t - report.t) * report.velocity - tracks.state[rows[0], :3])
                if off <= AGREE + AGREE_SHARE * math.hypot(report.position[0], report.position[1]):
                    when = max(when, float(tracks.seen[rows[0]]))
            if address in self.agreed:
                past, old = self.agreed[address]
                leap = far_off(report.position - old.position - (report.t - old.t) * old.velocity)
                if report.t - old.t <= SILENCE_S and leap <= AGREE:
                    when = max(when, past)
            now[address] = (when if when >= frame.t - TRUST_S else -math.inf, report)
        self.agreed = now

    def _absent(self, picture: Picture, site: Site) -> None:
        tracks, low = picture.tracks, {}
        present = set(tracks.number.tolist())
        for k, number in enumerate(tracks.number.tolist()):
            address = int(tracks.address[k])
            if number in self.pieces or address in self.reports:
                continue
            if float(tracks.kind[k, 0]) >= site.policy.projectile_probability and address < 0:
                continue
            if not in_view(tracks.state[k, :3], math.sqrt(max(float(tracks.covariance[k, 2, 2]), 0.0)), site,
                    with_transponders=False):
                low[number] = LostTrack(
                    number, address, not float(tracks.kind[k, 1]) >= 0.5, float(tracks.seen[k]), picture.t,
                    tracks.state[k, :6], tracks.covariance[k, :6, :6])
        new = {number: them for number, them in self.low.items() if number not in present and not _crashed(them, site)}
        self.gone = {
            number: them for number, them in {**self.gone, **new}.items()
            if number not in present and picture.t - them.seen <= (ABSENT_S if landing(them, site) is None
                else ROLLING_S)}
        self.low = low

    def trusted(self, address: int, place: Array, t: float, site: Site) -> float:
        """Seconds since a radar agreed with a report that none can see now; inf where that does not
        count.

        address  ICAO 24-bit address
        place    (3,) east north up [m]
        t        time of the frame [s]
        site     the site as its defender declared it
        """
        when = self.agreed[address][0] if address in self.agreed else -math.inf
        if when == -math.inf or not math.isfinite(place[2]) or in_view(place, 0.0, site, with_transponders=True):
            return math.inf
        return t - when

    def replaced(self, k: int, picture: Picture) -> bool:
        """Whether a newer report stands for a radar's track that is not seen any more.

        k        row of the track in the picture
        picture  what is believed at this frame
        """
        tracks, address = picture.tracks, int(picture.tracks.address[k])
        if address not in self.agreed:
            return False
        when, report = self.agreed[address]
        if when == -math.inf or report.t <= float(tracks.seen[k]) or report.t < picture.t - NEWEST_S:
            return False
        off = far_off(report.position + (picture.t - report.t) * report.velocity - tracks.state[k, :3])
        return off <= SAME + 3.0 * math.sqrt(float(np.trace(tracks.covariance[k, :3, :3])))


def landing(them: LostTrack, site: Site) -> tuple[Array, Array, float] | None:
    """The runway it is landing on, the way it lands: threshold (2,) [m], direction (2,), length
    [m]; None where it is not.

    them  the track that was lost
    site  the site as its defender declared it
    """
    for zone in site.zones:
        if zone.kind != "runway":
            continue
        middle = zone.polygon.mean(axis=0)
        axis = np.linalg.svd(zone.polygon - middle)[2][0]
        half = float(np.abs((zone.polygon - middle) @ axis).max())
        # of two ways at most one is flown at this pace
        for along in (axis, -axis):
            s = float((them.state[:2] - middle) @ along) + half
            beside = abs(float(np.cross(np.append(along, 0.0), np.append(them.state[:2] - middle, 0.0))[2]))
            if -FINAL <= s <= 2.0 * half and beside <= 150.0 + 0.05 * max(-s,
                    0.0) and float(them.state[3:5] @ along) >= LANDING:
                return middle - half * along, along, 2.0 * half
    return None


def _crashed(them: LostTrack, site: Site) -> bool:
    """Whether it sank so fast and low that no aircraft could have been saved."""
    sink = -float(them.state[5]) - 3.0 * math.sqrt(max(float(them.covariance[5, 5]), 0.0))
    height = float(them.state[2] - (them.t - them.seen) * them.state[5]) - ground_at(site, float(them.state[0]),
        float(them.state[1]))
    height += 3.0 * math.sqrt(max(float(them.covariance[2, 2]), 0.0))
    return sink > 0.0 and sink**2 / (2.0 * TURN) > max(height, 0.0)


def _cannot_fly(state: Array, covariance: Array, now: float, shot: Shot, site: Site) -> bool:
    """Whether an aircraft would have had to be nearer to a shot than its clearance let any be."""
    more = NEAR + NORTH * farthest_radar(state[:3], site)
    for when, place, room in zip(shot.t.tolist(), shot.place, shot.room.tolist(), strict=True):
        ago = now - when
        back = np.hstack([np.eye(3), -ago * np.eye(3)])
        deviation = math.sqrt(float(np.abs(back @ covariance[:6, :6] @ back.T).sum(axis=1).max()))
        if ago >= 0.0 and float(np.linalg.norm(back @ state[:6]
                - place)) + DEVIATIONS * deviation + 0.5 * TURN * ago**2 + more <= room:
            return True
    return False


def shots_of(order: Order, frame: Frame, picture: Picture, site: Site) -> list[Shot]:
    """What an order says of where no aircraft was.

    frame    what came in at this frame
    picture  what is believed at this frame
    site     the site as its defender declared it
    """
    rows = np.flatnonzero(picture.tracks.number == order.track)
    if rows.size != 1 or not 0 <= order.effector < len(site.effectors):
        return []
    effector, c = site.effectors[order.effector], order.clearance
    path = path_of(int(rows[0]), frame, picture, site)[0]
    lasts = 0.0 if effector.kind == "interceptor" else effector.engagement_s
    steps = [k for k in range(len(path)) if c.t_hit - 1e-6 <= frame.t + k * TICK <= c.t_hit + lasts + 1e-6]
    room = site.policy.safety_distance + c.evidence.spread * np.linalg.norm(path[steps] - effector.place, axis=1)
    return [Shot(order.track, c.evidence.bound, frame.t + TICK * np.array(steps), path[steps], room)] if steps else []


def placed(report: Report, frame: Frame, site: Site) -> Array:
    """Where it says it is (3,), east north up [m], its height by pressure where it has no other.

    report  the aircraft's report
    frame   what came in at this frame
    site    the site as its defender declared it
    """
    place = report.position.copy()
    if math.isnan(place[2]) and math.isfinite(report.pressure):
        place[2] = _by_pressure(report, frame, site)
    return place


def _by_pressure(report: Report, frame: Frame, site: Site) -> float:
    """Height of a pressure altitude in this weather, above the site's origin [m]."""
    pressure = (1.0 - 0.0065 / 288.15 * report.pressure) ** 5.25588 / max(frame.weather.pressure_ratio, 1e-6)
    standard = (1.0 - pressure ** (1.0 / 5.25588)) * 288.15 / 0.0065
    warmer = standard * (1.0 + frame.weather.temperature_offset / (288.15 - 0.00325 * standard))
    return warmer - site.origin.elevation - float(report.position[0] ** 2 + report.position[1] ** 2) / 12_742_000.0


def answered(address: int, t: float, place: Array, pace: Array, site: Site, ledger: Ledger) -> bool:
    """Whether a radar was answered by this address from where it is said to have been then.

    t       time of the report [s]
    place   (3,) east north up [m]
    pace    (3,) reported velocity, east north up [m/s]
    site    the site as its defender declared it
    ledger  what the checker has noted of the record so far
    """
    if address not in ledger.answers:
        return False
    when, distance, azimuth, radar = ledger.answers[address]
    if not 0 <= radar < len(site.radars):
        return False
    line = place + pace * (when - t) - site.radars[radar].place
    line = np.where(np.isnan(line), 0.0, line)
    reach, plan = float(np.linalg.norm(line)), float(np.hypot(line[0], line[1]))
    turned = abs((math.atan2(line[0], line[1]) - azimuth + math.pi) % (2.0 * math.pi) - math.pi)
    return math.hypot(reach - distance, plan * turned) <= 300.0 + 0.02 * reach
