"""A second opinion on a drill: every clearance given, all of its evidence and every simulated order checked again, from the record alone.

Shares no code with what gave them: its own path, its own tubes, its own footprint, its own book of commands. Source of the rules: docs/models/airspace.md
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.kernels.ballistics.air import with_weather
from skywarden.kernels.ballistics.flight import acceleration
from skywarden.messages.drill import Clearance, Drill, Evidence, Order
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.site.effect import kill_probability
from skywarden.site.model import Effector, Site, Zone

Array = NDArray[Any]

GRAVITY = 9.80665           # m/s², standard
TURN = 15.0                 # m/s², what an aircraft is taken to be able to do in any direction
TOP_SPEED = 350.0           # m/s, over the ground
DEVIATIONS = 5.0            # of an aircraft's and of the track's position
METRES_95 = {1: 18_520.0, 2: 7_408.0, 3: 3_704.0, 4: 1_852.0, 5: 926.0, 6: 555.6, 7: 185.2, 8: 92.6, 9: 30.0, 10: 10.0, 11: 3.0}  # DO-260B, NACp
METRES_NIC = {1: 37_040.0, 2: 14_816.0, 3: 7_408.0, 4: 3_704.0, 5: 1_852.0, 6: 1_111.2, 7: 370.4, 8: 185.2, 9: 75.0, 10: 25.0, 11: 7.5}  # DO-260B, NIC
UNSAID = 200.0              # m, where a category says nothing
DOUBT, BLIND = 2.0, 300.0   # m/s, deviation of a velocity reported; of one that was not, at most
UNBACKED = 1_000.0          # m more, where no radar backs a claim
NORTH, NEAR = 0.009, 30.0   # rad and m by which a radar may be off without being doubted
NEWS_S = 20.0               # s that a report counts on
CONSENT_S = 30.0            # s that a consent stands
TICK = 0.25                 # s between the moments looked at
GLANCE = 0.125              # s likewise, for aircraft
FAST, TARDY = 1.05, 0.95    # times its mean speed, between which the effect goes along its lines
PATIENCE_S = 6.0            # s before an effector must react that a clearance is worked out at the earliest
LIGHT_END = 20_000.0        # m
DISPERSION = 0.005          # rad
FAN = 9                     # lines from the first to the last direction
LEAVES = 8                  # looks between a line and the next, at least
TOO_LOW = 30.0              # m above the ground, where a track's path ends
LOW, SCATTER = 250.0, 150.0     # m: an interception lower than this, nearer than that to people, is refused
RISK = 1e-5                 # the bound that no clearance exceeds
METRE, SECOND = 2.0, 0.02   # by which two honest computations of a place, and of a time, may differ
PEOPLE = {"none": 0, "one": 1, "two": 2}
AGREE, AGREE_SHARE = 300.0, 0.02    # m, and of the range: so near a radar and a claim agree
TRUST_S, SILENCE_S, NEWEST_S = 240.0, 5.0, 2.0      # s that agreement counts out of view; of silence that end it; age of a claim that replaces a track
JUST_S = 0.6                # s since a radar saw what a claim says
SAME = 60.0                 # m, and three deviations: a claim where its radar's track would be
ABOVE_VIEW = 30.0           # m, and five deviations, above a radar's lowest elevation: surely in view
ABSENT_S, ROLLING_S = 20.0, 75.0    # s that what was lost low counts; that what was landing does
SOFT, BRAKING = 5.0, 4.0    # m/s²: low above the ground; rolling out
NEAR_GROUND = 100.0         # m above it, that low
STILL, SHUT_DOWN_S = 2.0, 5.0   # m/s; s of silence after which what stood has shut down
DOWN, DOWN_FOR = 50.0, 4.0  # m above it, three deviations included: rolling; s for which SOFT then holds
FOUND_S, STAYS_S = 2.0, 6.0     # s until it would be seen again; that what has landed stays on the runway
FINAL, LANDING, QUICKER = 4_000.0, 25.0, 10.0   # m before a runway; m/s along it; m/s more than it had
DISC, DISCS = 125.0, 150.0  # m: discs along a runway, their radius and distance
SPLINTER_S, DOWN_S = 6.0, 90.0  # s after an engagement that its pieces show, and that they count as pieces
EARLIER = 0.5               # s before it that a piece's track may have begun


class Violation(NamedTuple):
    """One thing that should not have been."""

    t: float
    rule: str           # one word: aircraft, evidence, risk, projectile, threat, sensors, hold, consent, sector, reach, fallout, magazine, busy, …
    track: int
    effector: int
    what: str           # with the values found


class Said(NamedTuple):
    """One report."""

    t: float
    address: int
    position: Array
    velocity: Array
    pressure: float
    nacp: int
    nic: int
    grounded: bool


class Gone(NamedTuple):
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
class Book:
    """What the commands, reports and orders so far add up to."""

    status: str
    holds: set[str] = field(default_factory=set)
    consents: list[tuple[float, str, str]] = field(default_factory=list)
    reports: dict[int, Said] = field(default_factory=dict)      # the newest by address
    nameless: list[Said] = field(default_factory=list)          # without one
    answers: dict[int, tuple[float, float, float, int]] = field(default_factory=dict)     # by address: time, range, azimuth, radar
    orders: list[tuple[float, Order]] = field(default_factory=list)
    spent: dict[int, tuple[int, float]] = field(default_factory=dict)    # by effector: engagements of this magazine, when it is full again
    agreed: dict[int, tuple[float, Said]] = field(default_factory=dict)     # by address: when a radar last agreed, -inf never, and the claim now
    low: dict[int, Gone] = field(default_factory=dict)      # by number: out of every radar's view in the last picture
    gone: dict[int, Gone] = field(default_factory=dict)     # likewise, and lost since
    shots: list[Shot] = field(default_factory=list)
    pieces: dict[int, Shot] = field(default_factory=dict)   # by number: tracks of what a shot left

    def read(self, frame: Frame) -> None:
        """Take in one frame's commands, reports and replies."""
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
        a, d = frame.aircraft, frame.detections
        for k in range(a.t.size):
            if not np.isfinite(a.position[k, :2]).all():
                continue
            said_now = Said(float(a.t[k]), int(a.address[k]), a.position[k], a.velocity[k], float(a.pressure_altitude[k]), int(a.nacp[k]), int(a.nic[k]),
                            bool(a.on_ground[k]))
            if said_now.address < 0:
                self.nameless.append(said_now)
            elif said_now.address not in self.reports or said_now.t >= self.reports[said_now.address].t:
                self.reports[said_now.address] = said_now
        for k in range(d.t.size):
            mark = int(d.address[k])
            if mark >= 0 and math.isfinite(d.range[k] + d.azimuth[k]) and (mark not in self.answers or d.t[k] >= self.answers[mark][0]):
                self.answers[mark] = (float(d.t[k]), float(d.range[k]), float(d.azimuth[k]), int(d.sensor[k]))
        self.reports = {address: said for address, said in self.reports.items() if said.t >= frame.t - NEWS_S}
        self.nameless = [said for said in self.nameless if said.t > frame.t - 1.0]
        self.answers = {address: said for address, said in self.answers.items() if said[0] >= frame.t - NEWS_S}

    def look(self, frame: Frame, picture: Picture, site: Site) -> None:
        """Take in what the picture says of claims, of what is lost, and of pieces."""
        self.shots = [shot for shot in self.shots if picture.t - shot.t[0] <= DOWN_S]
        self._splinters(picture, site)
        self._claims(frame, picture, site)
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
                if begun and shot.t[0] <= picture.t <= shot.t[-1] + SPLINTER_S and _cannot_fly(tracks.state[k], tracks.covariance[k], picture.t, shot, site):
                    here[number] = shot
                    break
        self.pieces = here

    def _claims(self, frame: Frame, picture: Picture, site: Site) -> None:
        tracks, now = picture.tracks, {}
        for address, said in self.reports.items():
            if said.t < frame.t - SILENCE_S or not np.isfinite(said.velocity).all():
                continue
            said = said._replace(position=_placed(said, frame, site))
            when = self.answers[address][0] if _answered(address, said.t, said.position, said.velocity, site, self) else -math.inf
            rows = [k for k in range(tracks.number.size) if int(tracks.address[k]) == address and float(tracks.covariance[k, 6, 6]) > 1e-11]
            if rows:
                off = _far_off(said.position + (picture.t - said.t) * said.velocity - tracks.state[rows[0], :3])
                if off <= AGREE + AGREE_SHARE * math.hypot(said.position[0], said.position[1]):
                    when = max(when, float(tracks.seen[rows[0]]))
            if address in self.agreed:
                past, old = self.agreed[address]
                leap = _far_off(said.position - old.position - (said.t - old.t) * old.velocity)
                if said.t - old.t <= SILENCE_S and leap <= AGREE:
                    when = max(when, past)
            now[address] = (when if when >= frame.t - TRUST_S else -math.inf, said)
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
            if not _in_view(tracks.state[k, :3], math.sqrt(max(float(tracks.covariance[k, 2, 2]), 0.0)), site, with_transponders=False):
                low[number] = Gone(
                    number, address, not float(tracks.kind[k, 1]) >= 0.5, float(tracks.seen[k]), picture.t, tracks.state[k, :6], tracks.covariance[k, :6, :6])
        new = {number: them for number, them in self.low.items() if number not in present and not _crashed(them, site)}
        self.gone = {
            number: them for number, them in {**self.gone, **new}.items()
            if number not in present and picture.t - them.seen <= (ABSENT_S if _landing(them, site) is None else ROLLING_S)}
        self.low = low

    def trusted(self, address: int, place: Array, t: float, site: Site) -> float:
        """Seconds since a radar agreed with a claim that none can see now; inf where that does not count."""
        when = self.agreed[address][0] if address in self.agreed else -math.inf
        if when == -math.inf or not math.isfinite(place[2]) or _in_view(place, 0.0, site, with_transponders=True):
            return math.inf
        return t - when

    def replaced(self, k: int, picture: Picture) -> bool:
        """Whether a newer claim stands for a radar's track that is not seen any more."""
        tracks, address = picture.tracks, int(picture.tracks.address[k])
        if address not in self.agreed:
            return False
        when, said = self.agreed[address]
        if when == -math.inf or said.t <= float(tracks.seen[k]) or said.t < picture.t - NEWEST_S:
            return False
        off = _far_off(said.position + (picture.t - said.t) * said.velocity - tracks.state[k, :3])
        return off <= SAME + 3.0 * math.sqrt(float(np.trace(tracks.covariance[k, :3, :3])))


class Ball(NamedTuple):
    """An aircraft, or what may be one, as known now."""

    number: int
    address: int
    unknown: bool
    backed: bool
    seen: float
    t: float
    position: Array     # (3,)
    velocity: Array     # (3,)
    covariance: Array   # (6, 6)
    more: float         # beyond DEVIATIONS of that [m]
    blind: bool
    trusted: float = math.inf   # s since a radar agreed with this claim, where it is backed by that alone


def violations(site: Site, moments: Iterable[tuple[Frame, Picture, Drill | None]]) -> list[Violation]:
    """Everything in the drills of a record, from its beginning, that breaks a rule; empty where all is well."""
    book, found = Book(site.policy.weapons), []
    for frame, picture, drill in moments:
        book.read(frame)
        book.look(frame, picture, site)
        if drill is None:
            continue
        for clearance in drill.clearances:
            if clearance.cleared:
                wrong = _unsafe(clearance, frame, picture, site, book)
                found += [Violation(picture.t, rule, clearance.track, clearance.effector, what) for rule, what in wrong]
        for order in drill.orders:
            found += [Violation(picture.t, rule, order.track, order.effector, what) for rule, what in _unlawful(order, drill, frame, site, book)]
            book.orders.append((frame.t, order))
            book.shots += _shot(order, frame, picture, site)
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
    if picture.health.radars.any():
        wrong.append(("sensors", "a radar is silent or doubtful"))
    if not frame.t - 1e-9 <= clearance.t_from <= clearance.t_to:
        return [*wrong, ("clearance", f"window {clearance.t_from:.2f} to {clearance.t_to:.2f} s was given at {frame.t:.2f} s")]
    path, height = _path(row, frame, picture, site)
    met = _meeting(path, height, clearance, effector, frame)
    if isinstance(met, str):
        return [*wrong, ("reach", met)]
    evidence = clearance.evidence
    wrong += [("evidence", what) for what in (
        *_space_wrong(path, height, met, row, clearance, effector, frame, picture, site), *_frame_wrong(clearance, effector, frame, picture))]
    if evidence.ends.shape != (FAN, 3):
        return wrong
    plan = (_between_lines(evidence.ends, 64) - effector.place)[:, :2]
    level = np.hypot(*plan.T)
    bearing = np.arctan2(*plan.T)
    broad = evidence.spread * _far(effector)
    opening = np.where(level > broad, np.arcsin(np.minimum(broad / np.maximum(level, 1e-9), 1.0)), math.pi)
    closed = [("points into a no-fire arc", arc) for arc in effector.no_fire]
    if effector.azimuth_width < 2.0 * math.pi - 1e-9:
        closed.append(("leaves the effector's sector", (effector.azimuth_from + effector.azimuth_width, 2.0 * math.pi - effector.azimuth_width)))
    for what, (begin, width) in closed:
        middle = begin + 0.5 * width
        off = np.angle(np.exp(1j * (bearing - middle)))     # from the arc's middle, the short way round
        crossed = (np.sign(off[1:]) != np.sign(off[:-1])) & (np.abs(off[1:] - off[:-1]) < math.pi)
        if not (np.abs(off) > 0.5 * width + opening).all() or crossed.any():
            wrong.append(("sector", f"bearing {math.degrees(bearing[0]) % 360.0:.0f}° {what}"))
    balls = _balls(frame, picture, site, book)
    wrong += _near_aircraft(balls, clearance, met, row, effector, frame, picture, site, book)
    wrong += [("evidence", what) for what in _approaches_wrong(balls, evidence, frame, site, book)]
    return wrong + _on_people(clearance, met, row, effector, picture, site)


@njit(cache=True, error_model="numpy")
def _flight(state: Array, law: int, drags: Any, air: Any, earth: Any, steps: int) -> Array:
    """(steps + 1, 3) where a projectile will be, every TICK (Runge and Kutta's fourth order)."""
    out = np.empty((steps + 1, 3))
    y = state[:6].copy()
    inverse = max(state[6], 0.0)
    slopes = np.zeros((4, 6))
    for k in range(steps + 1):
        out[k] = y[:3]
        for stage in range(4):
            at = y if stage == 0 else y + slopes[stage - 1] * (TICK if stage == 3 else 0.5 * TICK)
            ax, ay, az = acceleration(at[0], at[1], at[2], at[3], at[4], at[5], law, inverse, 0.0, 0.0, drags, air, earth)
            slopes[stage, :3] = at[3:]
            slopes[stage, 3], slopes[stage, 4], slopes[stage, 5] = ax, ay, az
        y = y + TICK / 6.0 * (slopes[0] + 2.0 * slopes[1] + 2.0 * slopes[2] + slopes[3])
    return out


@njit(cache=True, error_model="numpy")
def _pull(state: Array, law: int, inverse: float, drags: Any, air: Any, earth: Any) -> Array:
    """(3,) acceleration now, with a given inverse ballistic coefficient [m/s²]."""
    return np.array(acceleration(state[0], state[1], state[2], state[3], state[4], state[5], law, inverse, 0.0, 0.0, drags, air, earth))


def _path(row: int, frame: Frame, picture: Picture, site: Site) -> tuple[Array, Array]:
    """(k, 3) where a track will be every TICK from now, as long as it is TOO_LOW above the ground, and its height above it (k,)."""
    w = frame.weather
    air = with_weather(site.air, w.up, w.wind, w.temperature_offset, w.pressure_ratio)
    path = _flight(picture.tracks.state[row], int(picture.tracks.law[row]), site.drags, air, site.earth, 180)
    height = path[:, 2] - np.array([_ground(site, east, north) for east, north in path[:, :2]])
    below = np.flatnonzero(~(height >= TOO_LOW))
    end = int(below[0]) if below.size else len(path)
    return path[:end], height[:end]


def _ground(site: Site, east: float, north: float) -> float:
    """Height of the ground [m], between the four nearest points of its grid."""
    g = site.ground
    rows, columns = g.up.shape
    if rows == 1 or columns == 1:
        return float(g.up[0, 0])
    y, x = min(max((north - g.north0) / g.step, 0.0), rows - 1.0), min(max((east - g.east0) / g.step, 0.0), columns - 1.0)
    r, c = min(int(y), rows - 2), min(int(x), columns - 2)
    weights = np.outer([1.0 - (y - r), y - r], [1.0 - (x - c), x - c])
    return float((weights * g.up[r : r + 2, c : c + 2]).sum())


def _meeting(path: Array, height: Array, clearance: Clearance, effector: Effector, frame: Frame) -> Array | str:
    """Where the effect would meet the track: (3,) [m]; or why it would not as the clearance says."""
    index = (clearance.t_hit - frame.t) / TICK
    if not len(path) or not 0.0 <= index <= len(path) - 1 or abs(index - round(index)) > 1e-6:
        return f"the effect does not meet the track at {clearance.t_hit:.2f} s"
    hit, up = path[round(index)], float(height[round(index)])
    away = float(np.linalg.norm(hit - effector.place))
    far = _far(effector)
    if not effector.reach_min - METRE <= away <= min(effector.reach_max, far) + METRE or up < effector.height_min - METRE:
        return f"the track is {away:.0f} m off and {up:.0f} m high, out of the effector's reach"
    if abs(clearance.t_hit - clearance.t_from - away / effector.speed) > SECOND + METRE / effector.speed:
        return f"the effect needs {away / effector.speed:.2f} s to the track, not {clearance.t_hit - clearance.t_from:.2f} s"
    turn = math.pi / effector.slew_rate
    if not effector.reaction_s - 1e-6 <= clearance.t_from - frame.t <= effector.reaction_s + turn + PATIENCE_S + 1e-6:
        return f"the effect leaves {clearance.t_from - frame.t:.2f} s from now, the effector needs {effector.reaction_s} s"
    dwell = 0.0 if effector.kind == "interceptor" else effector.engagement_s
    ends = max(clearance.t_from + far / effector.speed + dwell, clearance.t_hit, clearance.t_from + TICK)
    if abs(ends - clearance.t_to) > 1e-6:
        return f"the engagement lasts until {ends:.2f} s, not {clearance.t_to:.2f} s"
    return np.asarray(hit)


def _far(effector: Effector) -> float:
    if math.isinf(effector.speed):
        return LIGHT_END
    return effector.reach_max if math.isinf(effector.self_destruct_s) else effector.speed * effector.self_destruct_s


def _space_wrong(
    path: Array, height: Array, hit: Array, row: int, clearance: Clearance, effector: Effector, frame: Frame, picture: Picture, site: Site,
) -> Iterator[str]:
    """What is wrong with the space that the evidence says is occupied."""
    e = clearance.evidence
    if e.ends.shape != (FAN, 3) or e.place.shape != (3,) or not np.abs(e.place - effector.place).max() <= 1e-6:
        yield "the space does not begin at the effector"
        return
    far, now = _far(effector), frame.t
    lines = e.ends - effector.place
    if not np.abs(np.linalg.norm(lines, axis=1) - far).max() <= 0.01:
        yield f"a line of the space is not {far:.0f} m long"
    first, last = (clearance.t_from, clearance.t_hit) if effector.kind == "interceptor" else (clearance.t_hit, clearance.t_hit + effector.engagement_s)
    index = np.clip(np.linspace(first - now, last - now, FAN) / TICK, 0.0, len(path) - 1)
    low = np.floor(index).astype(int)
    mine = path[low] + (index - low)[:, None] * (path[np.minimum(low + 1, len(path) - 1)] - path[low]) - effector.place
    away = np.linalg.norm(mine, axis=1)
    # a path that ends a step sooner or later for a metre of height is no lie
    slack = 2.0 * float(np.linalg.norm(path[-1] - path[-2])) if len(path) > 1 and (last - now) / TICK >= len(path) - 2 else 0.0
    off = np.linalg.norm(mine / away[:, None] * far - lines, axis=1)
    if not (off <= (METRE + slack) / away * far + 0.01).all():
        yield f"a line of the space passes {float((off * away / far).max()):.0f} m beside the track"
    w, state, c = frame.weather, picture.tracks.state[row], picture.tracks.covariance[row]
    air = with_weather(site.air, w.up, w.wind, w.temperature_offset, w.pressure_ratio)
    inverse = max(float(state[6]), 0.0)
    pull = [_pull(state, int(picture.tracks.law[row]), k, site.drags, air, site.earth) for k in (inverse, inverse + math.sqrt(max(float(c[6, 6]), 0.0)))]
    lost, beside = float(np.linalg.norm(pull[1] - pull[0])), []
    for after, where, off in zip(np.linspace(first - now, last - now, FAN).tolist(), mine, away.tolist(), strict=True):
        spread = c[:3, :3] + after * (c[:3, 3:6] + c[3:6, :3]) + after**2 * c[3:6, 3:6]
        doubt = DEVIATIONS * math.hypot(math.sqrt(float(np.abs(spread).sum(axis=1).max())), 0.5 * after**2 * lost)
        beside.append((doubt + NORTH * _farthest_radar(where + effector.place, site)) / max(off, effector.reach_min, 1.0))
    opening = DISPERSION + max(beside) + _bent(path - effector.place, index, mine, lines, far)
    if not abs(e.spread - opening) <= 0.01 * opening + 1e-4 + 2.0 * (METRE + slack) / float(away.min()) * (slack > 0.0):
        yield f"the lines open by {e.spread:.4f} rad, not {opening:.4f}"
    up = float(height[min(round((clearance.t_hit - now) / TICK), len(height) - 1)])
    if not abs(e.hit_height - up) <= METRE:
        yield f"the meeting is {up:.0f} m above the ground, not {e.hit_height:.0f}"


def _bent(path: Array, index: Array, mine: Array, lines: Array, far: float) -> float:
    """The widest angle by which what is between two lines leaves the triangle they span, and by how much its end is short of the arc [rad].

    path, mine  (k, 3) and (FAN, 3) a track's way and its places on the lines, from the effector; index  (FAN,) where on that way these are
    """
    worst = 0.0
    for j in range(FAN - 1):
        chord = mine[j + 1] - mine[j]
        between = path[math.ceil(index[j]) : math.floor(index[j + 1]) + 1]
        share = np.clip((between - mine[j]) @ chord / max(float(chord @ chord), 1e-12), 0.0, 1.0)
        off = np.linalg.norm(between - mine[j] - share[:, None] * chord, axis=1) / np.maximum(np.linalg.norm(between, axis=1), 1.0)
        short = 1.0 - float(np.linalg.norm(lines[j] + lines[j + 1])) / (2.0 * far)
        worst = max(worst, short + float(off.max(initial=0.0)))
    return worst


def _frame_wrong(clearance: Clearance, effector: Effector, frame: Frame, picture: Picture) -> Iterator[str]:
    """What is wrong with the evidence that is merely copied."""
    e = clearance.evidence
    if not abs(e.t - frame.t) <= 1e-9:
        yield f"it was worked out at {e.t:.2f} s"
    if e.arc != (effector.azimuth_from, effector.azimuth_width, *np.ravel(effector.no_fire).tolist()):
        yield "the no-fire arc is not the effector's"
    if not np.array_equal(e.radars, picture.health.radars):
        yield "the state of the radars is not the picture's"
    if not math.isnan(clearance.until):
        yield f"it is given, yet names {clearance.until:.2f} s for asking again"


def _farthest_radar(place: Array, site: Site) -> float:
    return max((float(np.linalg.norm(place - radar.place)) for radar in site.radars if not radar.mode_s), default=0.0)


def _balls(frame: Frame, picture: Picture, site: Site, book: Book) -> list[Ball]:
    """Everything that is, or may be, an aircraft."""
    tracks, made, words = picture.tracks, [], []
    followed, backed_addresses, certain = set[int](), set[int](), dict[int, int]()
    for k in range(tracks.number.size):
        address, number = int(tracks.address[k]), int(tracks.number[k])
        if (float(tracks.kind[k, 0]) >= site.policy.projectile_probability and address < 0) or number in book.pieces:
            continue
        own = address < 0 or float(tracks.covariance[k, 6, 6]) > 1e-11
        if own and address >= 0:
            backed_addresses.add(address)
        if address >= 0 and book.replaced(k, picture):
            continue
        followed.add(address)
        if address >= 0 and own and float(tracks.seen[k]) >= picture.t - JUST_S:
            certain.setdefault(address, k)
        place, pace = tracks.state[k, :3], tracks.state[k, 3:6]
        backed = own or _answered(address, picture.t, place, pace, site, book)
        ago = math.inf if backed else book.trusted(address, place, frame.t, site)
        more = NEAR + NORTH * _farthest_radar(place, site) + (0.0 if backed or ago < math.inf else UNBACKED)
        made.append(Ball(number, address, not float(tracks.kind[k, 1]) >= 0.5, backed or ago < math.inf, float(tracks.seen[k]), picture.t, place, pace,
                         tracks.covariance[k, :6, :6], more, False, ago))
        words.append(False)
    for said in (*book.reports.values(), *book.nameless):
        if said.address >= 0 and said.address in followed and said.t < frame.t - site.policy.frame_s - 1e-9:
            continue
        known = bool(np.isfinite(said.velocity).all())
        if known and said.address in certain and said.t >= picture.t - JUST_S:
            k = certain[said.address]
            off = _far_off(_placed(said, frame, site) + (picture.t - said.t) * said.velocity - tracks.state[k, :3])
            if off <= SAME + 3.0 * math.sqrt(float(np.trace(tracks.covariance[k, :3, :3]))):
                continue
        pace, place = said.velocity if known else np.zeros(3), _placed(said, frame, site)
        sigma = METRES_95.get(said.nacp, UNSAID) / 2.4477
        covariance = np.diag([sigma**2] * 3 + [DOUBT**2] * 3)
        if math.isnan(said.position[2]) and math.isfinite(said.pressure):
            covariance[2, 2] = (40.0 + 0.02 * abs(said.pressure)) ** 2
        backed = said.address >= 0 and (said.address in backed_addresses or _answered(said.address, said.t, place, pace, site, book))
        ago = math.inf if backed or said.address < 0 else book.trusted(said.address, place, frame.t, site)
        more = METRES_NIC.get(said.nic, UNSAID) + (0.0 if backed or ago < math.inf else UNBACKED)
        made.append(Ball(-1, said.address, False, backed or ago < math.inf, said.t, said.t, place, pace, covariance, more, not known, ago))
        words.append(said.grounded)
    rolling = [_rolls(ball, ball.number >= 0, made, says, picture, site) for ball, says in zip(made, words, strict=True)]
    made = [ball for them, rolls in zip(made, rolling, strict=True) for ball in _hidden(_slowly(them, picture.t) if rolls else them, picture.t, site)]
    return made + [ball for them in book.gone.values() for ball in _where_gone(them, picture.t, site)]


def _rolls(ball: Ball, tracked: bool, balls: list[Ball], says: bool, picture: Picture, site: Site) -> bool:
    """Whether it is an aircraft on the ground: a track by its height, a report by its word or as a track of its address is.

    says  what the report says
    """
    above = float(ball.position[2]) - _ground(site, float(ball.position[0]), float(ball.position[1]))
    if not ball.backed or ball.unknown or math.isnan(above) or picture.t - ball.seen > FOUND_S:
        return False
    if tracked:
        return above + 3.0 * math.sqrt(max(float(ball.covariance[2, 2]), 0.0)) <= DOWN
    if says and above <= NEAR_GROUND:
        return True
    for other in balls:
        if other.number >= 0 and other.address == ball.address >= 0 and not ball.blind:
            off = _far_off(ball.position + (picture.t - ball.t) * ball.velocity - other.position)
            near = off <= SAME + 3.0 * math.sqrt(float(np.trace(other.covariance[:3, :3])))
            if near and _rolls(other._replace(seen=picture.t), True, [], False, picture, site):
                return True
    return False


def _slowly(ball: Ball, now: float) -> Ball:
    """The same with SOFT in place of TURN for DOWN_FOR seconds: the parabola of TURN that touches that motion from above."""
    late = DOWN_FOR * (TURN - SOFT) / TURN
    return ball._replace(more=ball.more + 0.5 * SOFT * DOWN_FOR * late, seen=ball.seen + late)


def _hidden(ball: Ball, now: float, site: Site) -> list[Ball]:
    """The same, with the reach of what is not seen any more and flies, if it flies, low and below every radar; nothing where it has come to stand."""
    ago = now - ball.seen
    if not ago > FOUND_S or math.isnan(ball.position[2]):
        return [ball]
    for when in (ball.seen, now):
        there = ball.position + (when - ball.t) * ball.velocity
        if there[2] - _ground(site, float(there[0]), float(there[1])) > NEAR_GROUND or _in_view(there, 0.0, site, with_transponders=False):
            return [ball]
    counts = SHUT_DOWN_S if float(np.linalg.norm(ball.velocity)) <= STILL else ABSENT_S
    return [ball._replace(more=ball.more + 0.5 * SOFT * ago**2, seen=now - FOUND_S)] if ago <= counts else []


def _where_gone(them: Gone, now: float, site: Site) -> Iterator[Ball]:
    """Where what was lost low may be."""
    ago = now - them.seen
    if ago <= ABSENT_S:
        more = NEAR + NORTH * _farthest_radar(them.state[:3], site)
        yield from _hidden(
            Ball(them.number, them.address, them.unknown, True, them.seen, them.t, them.state[:3], them.state[3:6], them.covariance, more, False), now, site)
    runway = _landing(them, site)
    if runway is None:
        return
    begin, along, length = runway
    s, pace = float((them.state[:2] - begin) @ along), float(them.state[3:5] @ along)
    stopping = min(ago, pace / BRAKING)
    nearest = max(s + pace * stopping - 0.5 * BRAKING * stopping**2, -FINAL)
    farthest = min(max(s + (pace + QUICKER) * ago, nearest), length + DISCS)
    nearest = min(nearest, farthest)
    pieces = max(math.ceil((farthest - nearest) / DISCS), 1)
    for k in range(pieces + 1):
        east, north = begin + (nearest + (farthest - nearest) * k / pieces) * along
        place = np.array([east, north, _ground(site, float(east), float(north))])
        yield Ball(them.number, them.address, them.unknown, True, now + STAYS_S, now, place, np.zeros(3), np.zeros((6, 6)), DISC, False)


def _landing(them: Gone, site: Site) -> tuple[Array, Array, float] | None:
    """The runway it is landing on, the way it lands: threshold, direction, length; None where it is not."""
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
            if -FINAL <= s <= 2.0 * half and beside <= 150.0 + 0.05 * max(-s, 0.0) and float(them.state[3:5] @ along) >= LANDING:
                return middle - half * along, along, 2.0 * half
    return None


def _crashed(them: Gone, site: Site) -> bool:
    """Whether it sank so fast and low that no aircraft could have been saved."""
    sink = -float(them.state[5]) - 3.0 * math.sqrt(max(float(them.covariance[5, 5]), 0.0))
    height = float(them.state[2] - (them.t - them.seen) * them.state[5]) - _ground(site, float(them.state[0]), float(them.state[1]))
    height += 3.0 * math.sqrt(max(float(them.covariance[2, 2]), 0.0))
    return sink > 0.0 and sink**2 / (2.0 * TURN) > max(height, 0.0)


def _in_view(place: Array, sigma: float, site: Site, with_transponders: bool) -> bool:
    """Whether a radar surely looks there."""
    for radar in site.radars:
        line = place - radar.place
        flat = float(np.hypot(line[0], line[1]))
        sees = with_transponders or not radar.mode_s
        if sees and flat < radar.range_max and line[2] - ABOVE_VIEW - 5.0 * sigma > math.tan(radar.elevation_min) * flat:
            return True
    return False


def _cannot_fly(state: Array, covariance: Array, now: float, shot: Shot, site: Site) -> bool:
    """Whether an aircraft would have had to be nearer to a shot than its clearance let any be."""
    more = NEAR + NORTH * _farthest_radar(state[:3], site)
    for when, place, room in zip(shot.t.tolist(), shot.place, shot.room.tolist(), strict=True):
        ago = now - when
        back = np.hstack([np.eye(3), -ago * np.eye(3)])
        deviation = math.sqrt(float(np.abs(back @ covariance[:6, :6] @ back.T).sum(axis=1).max()))
        if ago >= 0.0 and float(np.linalg.norm(back @ state[:6] - place)) + DEVIATIONS * deviation + 0.5 * TURN * ago**2 + more <= room:
            return True
    return False


def _shot(order: Order, frame: Frame, picture: Picture, site: Site) -> list[Shot]:
    """What an order says of where no aircraft was."""
    rows = np.flatnonzero(picture.tracks.number == order.track)
    if rows.size != 1 or not 0 <= order.effector < len(site.effectors):
        return []
    effector, c = site.effectors[order.effector], order.clearance
    path = _path(int(rows[0]), frame, picture, site)[0]
    lasts = 0.0 if effector.kind == "interceptor" else effector.engagement_s
    steps = [k for k in range(len(path)) if c.t_hit - 1e-6 <= frame.t + k * TICK <= c.t_hit + lasts + 1e-6]
    room = site.policy.safety_distance + c.evidence.spread * np.linalg.norm(path[steps] - effector.place, axis=1)
    return [Shot(order.track, c.evidence.bound, frame.t + TICK * np.array(steps), path[steps], room)] if steps else []


def _placed(said: Said, frame: Frame, site: Site) -> Array:
    """Where it says it is, its height by pressure where it has no other."""
    place = said.position.copy()
    if math.isnan(place[2]) and math.isfinite(said.pressure):
        place[2] = _by_pressure(said, frame, site)
    return place


def _far_off(line: Array) -> float:
    """Length of a line, a height that is not known left out [m]."""
    return math.sqrt(float(np.nansum(line**2)))


def _by_pressure(said: Said, frame: Frame, site: Site) -> float:
    """Height of a pressure altitude in this weather, above the site's origin [m]."""
    pressure = (1.0 - 0.0065 / 288.15 * said.pressure) ** 5.25588 / max(frame.weather.pressure_ratio, 1e-6)
    standard = (1.0 - pressure ** (1.0 / 5.25588)) * 288.15 / 0.0065
    warmer = standard * (1.0 + frame.weather.temperature_offset / (288.15 - 0.00325 * standard))
    return warmer - site.origin.elevation - float(said.position[0] ** 2 + said.position[1] ** 2) / 12_742_000.0


def _answered(address: int, t: float, place: Array, pace: Array, site: Site, book: Book) -> bool:
    """Whether a radar was answered by this address from where it is said to have been then."""
    if address not in book.answers:
        return False
    when, distance, azimuth, radar = book.answers[address]
    if not 0 <= radar < len(site.radars):
        return False
    line = place + pace * (when - t) - site.radars[radar].place
    line = np.where(np.isnan(line), 0.0, line)
    reach, plan = float(np.linalg.norm(line)), float(np.hypot(line[0], line[1]))
    turned = abs((math.atan2(line[0], line[1]) - azimuth + math.pi) % (2.0 * math.pi) - math.pi)
    return math.hypot(reach - distance, plan * turned) <= 300.0 + 0.02 * reach


def _near_aircraft(
    balls: list[Ball], clearance: Clearance, hit: Array, row: int, effector: Effector, frame: Frame, picture: Picture, site: Site, book: Book,
) -> list[tuple[str, str]]:
    """Aircraft, and what may be one, that come too near; tubes of the evidence that are not theirs; a bound that is not the sum of its parts."""
    e, safety, wrong = clearance.evidence, site.policy.safety_distance, []
    tubes = e.tubes
    left = list(range(tubes.number.size))
    found: list[tuple[int, float]] = []
    risks = 0.0
    for ball in balls:
        name = f"track {ball.number}" if ball.number >= 0 else f"address {ball.address:06X}" if ball.address >= 0 else "a nameless report"
        quick, fine = _nearest(ball, clearance, effector, safety, exact=False), 1
        row_of = [k for k in left if _same_ball(ball, tubes, k)]
        if row_of and quick[0] > 4.0 * safety and abs(float(tubes.gap[row_of[0]]) - quick[0]) <= 0.5:
            gap, reach, when, risk = quick
        else:
            gap, reach, when, risk = _nearest(ball, clearance, effector, safety, exact=True)
            fine = 16 if gap < safety else 1
            if fine > 1:
                gap, reach, when, risk = _nearest(ball, clearance, effector, safety, exact=True, fine=fine)
        if not gap >= safety:
            wrong.append(("aircraft", f"{name} may come within {gap:.0f} m"))
        if not row_of:
            wrong.append(("evidence", f"{name} is not among the tubes, or not as it was known"))
            continue
        k = row_of[0]
        left.remove(k)
        told = (float(tubes.gap[k]), float(tubes.reach[k]), float(tubes.when[k]), float(tubes.risk[k]))
        honest = (gap, reach, when, risk)
        # of several moments equally near any may be named; what is then said must be true of that moment
        near = abs(told[0] - honest[0]) <= METRE and abs(told[1] - honest[1]) <= 0.02 * abs(honest[1]) + 5.0
        moment = abs(told[2] - honest[2]) <= GLANCE + 1e-6 or abs(_at(ball, clearance, effector, told[2], fine) - told[0]) <= METRE
        if not (near and moment and _like(told[3], honest[3])):
            wrong.append(("evidence", f"the tube of {name} is said to come within {told[0]:.0f} m, it comes within {honest[0]:.0f} m"))
        risks += honest[3]
        found.append((ball.number, told[0]))
    if left:
        wrong.append(("evidence", f"{len(left)} tubes belong to nothing that flies"))
    if found:
        nearest = min(found, key=lambda pair: pair[1])
        if abs(clearance.distance - nearest[1]) > METRE or clearance.aircraft not in {n for n, gap in found if gap <= nearest[1] + METRE}:
            wrong.append(("evidence", f"the closest is {nearest[0]} at {nearest[1]:.0f} m, not {clearance.aircraft} at {clearance.distance:.0f} m"))
    elif clearance.aircraft != -1 or clearance.distance != math.inf:
        wrong.append(("evidence", f"nothing flies, yet the closest is {clearance.aircraft} at {clearance.distance:.0f} m"))
    far = _far(effector)
    wide = safety + e.spread * far
    unseen = 1e-17 * (far + 2.0 * safety) * 2.0 * wide * (2.0 * wide + float(np.linalg.norm(e.ends[-1] - e.ends[0])))
    unseen += sum({id(shot): shot.bound for shot in book.pieces.values()}.values())
    claims = 1e-5 / 3_600.0 * sum(
        clearance.t_to - frame.t + (ball.trusted if ball.backed else NEWS_S) for ball in balls if not ball.backed or ball.trusted < math.inf)
    circles = _circles(hit, row, clearance, effector, picture, site)
    fragments = _fragments(balls, circles, hit, clearance, effector, row, frame, picture)
    for part, own in (("unseen", unseen), ("outside", risks), ("claims", claims), ("fragments", fragments)):
        said = float(getattr(e, part))
        if not _like(said, own):
            wrong.append(("evidence", f"the part {part} of the bound is {said:.2g}, not {own:.2g}"))
    total = unseen + risks + claims + fragments
    if not total <= RISK * 1.1 and not any(rule == "aircraft" for rule, _ in wrong):
        wrong.append(("risk", f"the bound is {total:.2g}"))
    return wrong


def _like(a: float, b: float) -> bool:
    """Whether two probabilities are the same for all purposes."""
    return max(a, b) < 1e-13 or (min(a, b) >= 0.0 and abs(a - b) <= 0.25 * max(a, b)) if math.isfinite(a) and math.isfinite(b) else False


def _same_ball(ball: Ball, tubes: Any, k: int) -> bool:
    flags = (int(tubes.number[k]), int(tubes.address[k]), bool(tubes.unknown[k]), bool(tubes.backed[k]))
    if flags != (ball.number, ball.address, ball.unknown, ball.backed) or abs(tubes.seen[k] - ball.seen) + abs(tubes.t[k] - ball.t) > 1e-9:
        return False
    told, own = (np.append(a, b) for a, b in ((tubes.position[k], tubes.velocity[k]), (ball.position, ball.velocity)))
    return bool(np.allclose(told, own, rtol=0.0, atol=0.01, equal_nan=True))


def _reach_of(ball: Ball, since: float, dt: float, speed: float) -> float:
    """How far it can be from its dead reckoning for what it may have done [m]."""
    if ball.blind:
        return BLIND * dt
    return min(0.5 * TURN * since**2, (TOP_SPEED + speed) * max(since, dt))


def _nearest(ball: Ball, clearance: Clearance, effector: Effector, safety: float, exact: bool, fine: int = 1) -> tuple[float, float, float, float]:
    """Least distance of a ball's tube from the space, how far it reaches, when, and the risk that it is nearer than `safety` after all.

    exact  False: the plain bound by which far ones are told
    fine   so many looks for one where GLANCE is too coarse to tell
    """
    e = clearance.evidence
    ticks = min(max(math.ceil((clearance.t_to - clearance.t_from) / GLANCE), 1), 2000) * fine
    step = (clearance.t_to - clearance.t_from) / ticks
    speed = float(np.linalg.norm(ball.velocity))
    if not exact:
        far = float(np.linalg.norm(e.ends - e.place, axis=1).max())
        late = max(clearance.t_to - ball.t, ball.t - clearance.t_from, 0.0)
        widest = float(np.trace(ball.covariance[:3, :3]) + late**2 * np.trace(ball.covariance[3:, 3:]))
        most = DEVIATIONS * math.sqrt(2.0 * max(widest, 0.0)) + ball.more
        most += _reach_of(ball, max(clearance.t_to - ball.seen, 0.0) + step, late + step, speed)
        away = ball.position - e.place
        least = math.sqrt(float(np.nansum(away**2))) - speed * (late + step) - far * (1.0 + e.spread) - most
        return least, most, clearance.t_from, 0.0
    when = clearance.t_from + step * np.arange(ticks + 1)
    gap, reach, risk = _gaps_at(ball, clearance, effector, when, step, safety)
    k = int(np.argmin(np.where(np.isnan(gap), -math.inf, gap)))
    return float(gap[k]), float(reach[k]), float(when[k]), float(risk[k])


def _at(ball: Ball, clearance: Clearance, effector: Effector, when: float, fine: int) -> float:
    ticks = min(max(math.ceil((clearance.t_to - clearance.t_from) / GLANCE), 1), 2000) * fine
    if not clearance.t_from - 1e-6 <= when <= clearance.t_to + 1e-6:
        return math.nan
    return float(_gaps_at(ball, clearance, effector, np.array([when]), (clearance.t_to - clearance.t_from) / ticks, 0.0)[0][0])


def _gaps_at(ball: Ball, clearance: Clearance, effector: Effector, when: Array, step: float, safety: float) -> tuple[Array, Array, Array]:
    """(k,) distance of the tube from the cones at each moment, how far it reaches, and the risk. Half a step of motion belongs to the tube."""
    e = clearance.evidence
    axes = 3 if np.isfinite(ball.position[2]) else 2
    dt, speed = when - ball.t, float(np.linalg.norm(ball.velocity))
    grown = ball.more + 0.5 * step * speed + np.array([
        _reach_of(ball, max(at - ball.seen, 0.0) + 0.5 * step, abs(at - ball.t) + 0.5 * step, speed) for at in when.tolist()])
    place = (ball.position + ball.velocity * dt[:, None] - e.place)[:, None, None, :axes]
    # what is between two lines is as good as lines close together
    apart = float(np.linalg.norm(np.diff(e.ends, axis=0), axis=1).max())
    fan = _between_lines(e.ends, min(max(math.ceil(apart / 100.0), LEAVES), 64))
    lines = (fan - e.place)[None, :, None, :axes]
    opening = e.spread * float(np.linalg.norm(e.ends - e.place, axis=1).max())
    # the nearest of each cone's spheres, by looking ever closer
    first, last = np.zeros(when.size), np.ones(when.size)
    if math.isfinite(effector.speed):
        pace, dwell = effector.speed / _far(effector), 0.0 if effector.kind == "interceptor" else effector.engagement_s
        last = np.clip(FAST * pace * (when + 0.5 * step - clearance.t_from), 0.0, 1.0)
        first = np.minimum(np.clip(TARDY * pace * (when - 0.5 * step - clearance.t_from - dwell), 0.0, 1.0), last)
    least, most = (np.repeat(edge[:, None, None], len(fan), axis=1) for edge in (first, last))
    low, high = least, most
    for _ in range(5):
        share = low + (high - low) * np.linspace(0.0, 1.0, 13)
        off = np.sqrt(((place - share[..., None] * lines) ** 2).sum(axis=3)) - opening * share
        best = np.argmin(off, axis=2)[..., None]
        here, width = np.take_along_axis(share, best, 2), 1.2 * (high - low) / 12.0
        low, high = np.maximum(here - width, least), np.minimum(here + width, most)
    off = np.take_along_axis(off, best, 2)[..., 0]
    away = (place - here[..., None] * lines)[:, :, 0]
    length = np.sqrt((away**2).sum(axis=2))
    way = np.where(length[..., None] > 0.0, away / np.maximum(length, 1e-12)[..., None], np.eye(axes)[0])
    c, late = ball.covariance, dt[:, None, None]
    spread = (c[:3, :3] + late * (c[:3, 3:] + c[3:, :3]) + late * late * c[3:, 3:])[:, :axes, :axes]
    sigma = np.sqrt(np.maximum(np.einsum("tla,tab,tlb->tl", way, spread, way), 0.0))
    gap = off - DEVIATIONS * sigma - grown[:, None]
    line = np.argmin(gap, axis=1)
    row = np.arange(when.size)
    gap, sigma = gap[row, line], sigma[row, line]
    spare = gap - safety + DEVIATIONS * sigma
    risk = np.array([0.5 * math.erfc(a / b / math.sqrt(2.0)) if b > 0.0 else float(a < 0.0) for a, b in zip(spare.tolist(), sigma.tolist(), strict=True)])
    return gap, DEVIATIONS * sigma + grown, risk


def _between_lines(ends: Array, parts: int) -> Array:
    """Ends of lines (k, 3) with so many more between each and the next."""
    between = ends[:-1, None] + np.arange(parts)[:, None] / parts * (ends[1:] - ends[:-1])[:, None]
    return np.concatenate([between.reshape(-1, 3), ends[-1:]])


class Circles(NamedTuple):
    """What comes down where: one row a cause."""

    place: Array        # (4, 2)
    radius: Array       # (4,)
    pieces: Array       # (4,)
    area: Array         # (4,) that one piece endangers [m²]


def _circles(hit: Array, row: int, clearance: Clearance, effector: Effector, picture: Picture, site: Site) -> Circles:
    """Debris of a stopped round, one partly stopped, the spent effect, its duds."""
    e, state = clearance.evidence, picture.tracks.state[row]
    dt = clearance.t_hit - picture.t
    velocity = state[3:6] if dt < 0.5 else 2.0 * (hit - state[:3]) / dt - state[3:6]
    up = max(e.hit_height, 1.0)
    fall = (velocity[2] + math.sqrt(velocity[2] ** 2 + 2.0 * GRAVITY * up)) / GRAVITY
    line = hit - effector.place
    stops = kill_probability(effector, tuple(line.tolist()), tuple(velocity.tolist()))
    pace = float(np.hypot(*velocity[:2]))
    mine = picture.impacts.place[picture.impacts.track == clearance.track, :2]
    middle = hit[:2] + 0.5 * fall * velocity[:2]
    lands = mine[0] if len(mine) else middle
    end = e.ends.mean(axis=0)
    out = end[:2] - effector.place[:2]
    far, high = float(np.hypot(*out)), max(float(end[2] - effector.place[2]), 1.0)
    shots = 0.0 if math.isinf(effector.speed) else float(effector.burst)
    return Circles(
        np.array([middle, 0.5 * (hit[:2] + lands), end[:2], effector.place[:2] + 1.5 * out]),
        np.array([0.5 * fall * pace + 20.0 * math.sqrt(2.0 * up / GRAVITY) + 20.0, 0.5 * float(np.hypot(*(lands - hit[:2]))) + 100.0,
                  0.5 * float(np.linalg.norm(e.ends[-1] - e.ends[0])) + e.spread * far + 20.0 * math.sqrt(2.0 * high / GRAVITY) + 20.0, max(1.5 * far, 200.0)]),
        np.array([stops * 30.0, stops * 0.15, shots * (1.0 - effector.dud_share), shots * effector.dud_share]),
        np.array([0.5, math.pi * site.policy.hazard_radius**2, 0.1, 20.0]))


def _fragments(
    balls: list[Ball], circles: Circles, hit: Array, clearance: Clearance, effector: Effector, row: int, frame: Frame, picture: Picture,
) -> float:
    """Probability that what comes down, or flies on, meets an aircraft there by dead reckoning."""
    e, total = clearance.evidence, 0.0
    along = circles.place[0] - hit[:2]      # halfway to where it would come down without air
    beside = float(circles.radius[0] - np.hypot(*along))
    share = min(float(circles.pieces[0]) * 300.0 / (math.pi * beside**2 + 4.0 * beside * float(np.hypot(*along))), 1.0)
    lasts = min(max(e.hit_height, 1.0) / 20.0 + 5.0, 60.0)
    after = 0.5 * np.arange(int(2.0 * lasts) + 1)
    dt = clearance.t_hit - picture.t
    state = picture.tracks.state[row]
    pace = state[3:6] if dt < 0.5 else 2.0 * (hit - state[:3]) / dt - state[3:6]
    speed = float(np.linalg.norm(pace))
    # pieces are thrown at 125 m/s, go on with the round's velocity and fall, all of it slowed by the square of the speed within 130 m
    cast = np.minimum(130.0 * np.log1p(125.0 * after / 130.0), 350.0)
    gone = 130.0 * np.log1p(speed * after / 130.0)
    least, most = 20.0 * np.maximum(after - 2.0, 0.0), 130.0 * np.log(np.cosh(after * math.sqrt(GRAVITY / 130.0)))
    # all of it drifts with no wind to the strongest up to there
    w = frame.weather
    blows = np.array([(0.0, 0.0), *w.wind[w.up < hit[2]], [np.interp(hit[2], w.up, column) for column in w.wind.T]])
    middle, strays = blows.min(axis=0) + 0.5 * np.ptp(blows, axis=0), 0.5 * float(np.linalg.norm(np.ptp(blows, axis=0))) + 2.0 * w.wind_sigma
    drift = after[:, None] * np.append(middle, 0.0)
    # one broken off but whole keeps seven tenths of its velocity, give or take 25 m/s in each direction
    body = 0.7 * pace * after[:, None] - [0.0, 0.0, 0.5 * GRAVITY] * after[:, None] ** 2
    loose = np.maximum(25.0 * after, 100.0 / 3.0)
    far = float(np.linalg.norm(e.ends - e.place, axis=1).max())
    half = max(math.asin(min(0.5 * float(np.linalg.norm(b - a)) / far, 1.0)) for a, b in pairwise(e.ends))
    for ball in balls:
        there = ball.position + ball.velocity * (clearance.t_hit + after - ball.t)[:, None] - hit - drift
        axes = 3 if np.isfinite(ball.position[2]) else 2
        total += share * bool((_off_pieces(there, pace, gone, least, most) <= cast + 100.0 + strays * after - METRE).any())
        part = np.clip((there * body)[:, :axes].sum(axis=1) / np.maximum((body**2)[:, :axes].sum(axis=1), 1e-9), 0.5, 1.0)
        apart = ((there - part[:, None] * body)[:, :axes] ** 2).sum(axis=1)
        total += float(circles.pieces[1] * (np.exp(-0.5 * apart / loose**2) * 300.0 / (2.0 * math.pi * loose**2)).max())
        away = (ball.position + ball.velocity * (0.5 * (clearance.t_from + clearance.t_to) - ball.t) - e.place)[:axes]
        way = ((e.ends - e.place) / far)[:, :axes]
        level = (way**2).sum(axis=1)
        distance = np.where(level > 1e-9, way @ away / np.maximum(level, 1e-9), 2.0 * far)
        off = np.sqrt(np.maximum(float(away @ away) - distance**2 * level, 0.0))
        wide = np.maximum(e.spread * distance, 1.0)
        met = (distance > far) & (distance < 3.0 * far) & (off < wide + half * distance + ball.more + 100.0)
        total += min(effector.burst * effector.dud_share, 1.0) * float(np.minimum(300.0 / (math.pi * wide[met] ** 2), 1.0).max(initial=0.0))
    return total


def _off_pieces(there: Array, pace: Array, gone: Array, least: Array, most: Array) -> Array:
    """(k,) how far a place (k, 3) is from where pieces would be that were not thrown: up to `gone` along the round's way, `least` to `most` below that."""
    speed = max(float(np.linalg.norm(pace)), 1e-9)
    low, high = np.zeros(len(gone)), gone
    # the nearest along the way, by looking ever closer: the distance is convex
    for _ in range(6):
        share = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, 13)
        point = there[:, None, :] - share[..., None] * (pace / speed)
        above = np.fmax(np.fmax(point[..., 2] + least[:, None], -most[:, None] - point[..., 2]), 0.0)
        off = np.sqrt(point[..., 0] ** 2 + point[..., 1] ** 2 + above**2)
        best, width = np.argmin(off, axis=1)[:, None], (high - low) / 12.0
        here = np.take_along_axis(share, best, 1)[:, 0]
        low, high = np.maximum(here - width, 0.0), np.minimum(here + width, gone)
    return np.asarray(np.take_along_axis(off, best, 1)[:, 0])


def _on_people(clearance: Clearance, hit: Array, row: int, effector: Effector, picture: Picture, site: Site) -> list[tuple[str, str]]:
    """What comes down on people, and what the evidence says of it."""
    e = clearance.evidence
    wrong = [
        ("fallout", f"met {e.hit_height:.0f} m above {zone.name}") for zone in site.zones
        if zone.people > 0.0 and e.hit_height < LOW - METRE and _off(zone.polygon, hit[:2]) <= SCATTER - METRE]
    t = picture.threats
    stake = sum(max(float(t.people[k]), float(t.probability[k])) for k in np.flatnonzero(t.track == clearance.track))
    if not abs(e.stake - stake) <= 1e-6 * max(stake, 1.0):
        wrong.append(("evidence", f"{stake:.2f} people are at stake, not {e.stake:.2f}"))
    circles = _circles(hit, row, clearance, effector, picture, site)
    causes = [k for k in range(4) if circles.pieces[k] > 0.0]
    if e.fallout.cause.tolist() != causes:
        return [*wrong, ("evidence", "the footprint names other causes than there are")]
    people = 0.0
    for k, cause in enumerate(causes):
        own = _people_in(circles, cause, site)
        people += own
        f = e.fallout
        apart = float(np.hypot(*(f.place[k] - circles.place[cause])))
        near = apart <= 0.02 * circles.radius[cause] + 2.0 * METRE and abs(f.radius[k] - circles.radius[cause]) <= 0.02 * circles.radius[cause] + 2.0 * METRE
        # the grid over a zone may miss a strip of one part in sixty at its edge
        slack = 0.05 * max(own, float(f.people[k])) + 0.02 * _people_in(circles, cause, site, whole=True) + 1e-6
        if not (near and _like(float(f.pieces[k]), float(circles.pieces[cause])) and abs(f.people[k] - own) <= slack):
            wrong.append(("evidence", f"cause {cause} of the footprint is not where, or what, it is said to be"))
    if not people <= 1.5 * stake + 1e-2:
        wrong.append(("fallout", f"what comes down endangers {people:.2f} people, the round {stake:.2f}"))
    return wrong


def _people_in(circles: Circles, cause: int, site: Site, whole: bool = False) -> float:
    """People expected to be endangered in one circle: pieces spread evenly over it, people over their zones. By a fine grid over each zone.

    whole  as if the circle held every zone that it reaches into
    """
    total, radius = 0.0, float(circles.radius[cause])
    for zone in site.zones:
        corners = zone.polygon
        size = 0.5 * abs(float(np.sum(corners[:, 0] * np.roll(corners[:, 1], -1) - np.roll(corners[:, 0], -1) * corners[:, 1])))
        if not (zone.people > 0.0 and size > 0.0):
            continue
        low, high = corners.min(axis=0), corners.max(axis=0)
        if (np.maximum(low - circles.place[cause], circles.place[cause] - high) > radius).any():
            continue
        inner = _inner(zone)
        met = np.hypot(*(inner - circles.place[cause]).T) <= radius
        covered = (1.0 if whole else float(met.mean())) * size / (math.pi * radius**2)
        total += float(circles.pieces[cause] * circles.area[cause]) * zone.people / size * covered
    return total


@lru_cache(maxsize=256)
def _inner(zone: Zone) -> Array:
    """(k, 2) places evenly over a zone [m]; its middle where it is too thin for them."""
    low, high = zone.polygon.min(axis=0), zone.polygon.max(axis=0)
    grid = np.stack(np.meshgrid(*(a + (b - a) * (np.arange(30) + 0.5) / 30.0 for a, b in zip(low, high, strict=True))), -1).reshape(-1, 2)
    inner = grid[[_off(zone.polygon, spot) == 0.0 for spot in grid]]
    return inner if len(inner) else zone.polygon.mean(axis=0)[None, :]


def _approaches_wrong(balls: list[Ball], e: Evidence, frame: Frame, site: Site, book: Book) -> Iterator[str]:
    """What is wrong with the runways' approach and departure sectors in use."""
    own = []
    for k, zone in enumerate(site.zones):
        if zone.kind == "runway":
            middle = zone.polygon.mean(axis=0)
            _, _, axes = np.linalg.svd(zone.polygon - middle)
            half = float(np.abs((zone.polygon - middle) @ axes[0]).max())
            own += [(k, middle + side * half * axes[0], side * axes[0], 2.0 * half) for side in (1.0, -1.0)]
    a = e.approaches
    if a.zone.size != len(own):
        yield f"{a.zone.size} approach sectors, not {len(own)}"
        return
    for row in range(a.zone.size):
        same = [o for o in own if o[0] == a.zone[row] and float(np.hypot(*(a.place[row] - o[1]))) <= METRE]
        if not same or not abs((a.bearing[row] - math.atan2(same[0][2][0], same[0][2][1]) + math.pi) % (2.0 * math.pi) - math.pi) <= 0.01:
            yield "an approach sector is not at its runway's end"
            continue
        _, place, way, length = same[0]
        counts, lost = [0, 0], (set[int](), set[int]())
        for ball in balls:
            there = ball.position + ball.velocity * (frame.t - ball.t)
            along, across = float((there[:2] - place) @ way), abs(float((there[0] - place[0]) * way[1] - (there[1] - place[1]) * way[0]))
            out = max(along, 0.0)
            for number, slack in enumerate((-0.5, 0.5)):
                inside = -length - slack <= along <= 10_000.0 + slack and across <= 150.0 + math.tan(math.radians(3.0)) * out + slack
                if not ball.unknown and inside and not there[2] > 300.0 + math.tan(math.radians(6.0)) * out + slack:
                    # one that was lost may be in several places, and is one
                    counts[number] += ball.number not in book.gone or ball.number not in lost[number]
                    lost[number].add(ball.number)
        if not counts[0] <= a.aircraft[row] <= counts[1]:
            yield f"{int(a.aircraft[row])} aircraft are said to be in an approach sector, {counts[1]} are"


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


def _same(a: Clearance, b: Clearance) -> bool:
    """Whether two clearances are equal in every field, what is not a number included: read back from a file it is no longer itself."""
    pairs = ((getattr(a, name), getattr(b, name)) for name in Clearance.__slots__)
    return all(x == y or (isinstance(x, float) and isinstance(y, float) and math.isnan(x) and math.isnan(y)) for x, y in pairs)


def _unlawful(order: Order, drill: Drill, frame: Frame, site: Site, book: Book) -> list[tuple[str, str]]:
    """What is wrong with an order, beyond its clearance."""
    wrong = []
    if not any(_same(order.clearance, given) for given in drill.clearances):
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
    mine = [t for t, earlier in book.orders if earlier.effector == order.effector]
    spent, full = book.spent.get(order.effector, (0, math.inf))
    if full <= frame.t + 1e-9:
        spent, full = 0, math.inf
    if spent >= effector.magazine:
        wrong.append(("magazine", f"order {spent + 1} of {effector.magazine}"))
    if mine and frame.t - mine[-1] < effector.engagement_s - 1e-9:
        wrong.append(("busy", f"ordered again after {frame.t - mine[-1]:.2f} s, an engagement takes {effector.engagement_s} s"))
    if spent + 1 == effector.magazine:
        full = order.t_from + effector.engagement_s + effector.reload_s
    book.spent[order.effector] = (spent + 1, full)
    if any(earlier.track == order.track and earlier.t_to > order.t_from + 1e-9 for _, earlier in book.orders):
        wrong.append(("twice", "the track is still engaged"))
    return wrong
