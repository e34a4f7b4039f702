"""Raids on a busy base: traffic like Balad's over a shipped site, drawn raids, and a judge that
knows the truth of what could have been stopped safely.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skywarden.feeds.simulated import Simulated
from skywarden.kernels.geometry.ground import ground_up
from skywarden.kernels.geometry.polygon import distance
from skywarden.measures.tally import Measures
from skywarden.messages.drill import Order
from skywarden.messages.moment import Moment
from skywarden.messages.truth import STOPPED
from skywarden.pipeline.simulated import stepper
from skywarden.run.clock import NoClock
from skywarden.run.loop import Wire, run
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.simulator.sensing.radar import covered
from skywarden.simulator.world import engagement, rounds, traffic
from skywarden.site.effect import kill_probability
from skywarden.site.load import load as load_site
from skywarden.site.model import Effector, Site

PER_WEEK = 5_000            # operations within five nautical miles: Balad, af.mil
BEGUN = 150.0               # s: every aircraft has been seen for long by then, those that have landed included
STEP = 0.5                  # s between the moments the judge looks at
SOME_USE = 0.1              # chance to stop a round from which an engagement counts as one that could have
HARDEST = 15.0              # m/s²: as hard as the rehearsal lets any aircraft turn
VANISHED = 20.0             # s, as long as it lets a silent one count
LOOK = 0.25                 # s
ROOM, G = 100.0, 9.80665    # m kept from what falls; m/s²
OVERHEAD, BESIDE = 250.0, 150.0     # m above the ground, and from people: lower and nearer no round is to be met
SEEN = 5.0                  # s in a radar's view, after which nobody may be endangered
AIRCRAFT, PEOPLE = ("aircraft", "unknown"), ("fallout",)
HELD = ("traffic", "people_below", "other_reasons")
COULD = ("stopped_safely", "stopped_by_luck", "only_over_heads", "only_unsafely", "never")
JUDGED = ("threatening", "engaged", "stopped", "could_be_stopped_safely", "of_these_engaged")
HEAD = """
name = "busy"
site = "kabul"
duration_s = 210
seed = {seed}
[traffic]
operations_per_week = {rate}
silent = 0.05
[weather]
wind_error_mps = 1.0
[clutter]
birds = {birds}
flock = 3.0
[[areas]]
name = "north-west"
latitude_deg = 34.61651
longitude_deg = 69.19148
radius_m = 700
[[areas]]
name = "east"
latitude_deg = 34.56378
longitude_deg = 69.27551
radius_m = 700
[[areas]]
name = "south"
latitude_deg = 34.53481
longitude_deg = 69.19733
radius_m = 400
[[areas]]
name = "field north"
latitude_deg = 34.57069
longitude_deg = 69.21193
radius_m = 700
[[areas]]
name = "field middle"
latitude_deg = 34.56532
longitude_deg = 69.21448
radius_m = 900
[[areas]]
name = "field south"
latitude_deg = 34.56171
longitude_deg = 69.21199
radius_m = 500
"""
RAID = """
[[raids]]
class = "{kind}"
count = {count}
start_s = {start:.1f}
interval_s = [2.0, 6.0]
launch = "{launch}"
fall = "{fall}"
fall_angle_deg = {angle}
fall_speed_mps = {speed}
"""
CONSENT = """
[[operator]]
t_s = {t}
kind = "consent"
subject = "any"
who = "watch officer"
"""
KINDS = (
    ("small rocket", "north-west", "field north", [40, 50], [194, 214]), ("medium rocket", "east", "field middle",
        [40, 50], [208, 226]),
    ("heavy mortar", "south", "field south", [52, 62], [160, 180]), ("light mortar", "south", "field south", [50, 58],
        [144, 156]))


def written(folder: Path, seed: int, birds: int = 0) -> Path:
    """The scenario of one raid: two of the kinds, one to four rounds of each, within half a minute."""
    rng = np.random.default_rng([seed, 505])
    text = HEAD.format(seed=seed, rate=PER_WEEK, birds=birds)
    for k in rng.choice(len(KINDS), 2, replace=False).tolist():
        kind, launch, fall, angle, speed = KINDS[k]
        text += RAID.format(kind=kind, count=int(rng.integers(1, 5)), start=BEGUN + rng.uniform(0.0, 10.0),
            launch=launch, fall=fall, angle=angle, speed=speed)
    text += "".join(CONSENT.format(t=t) for t in range(130, 210, 20))
    path = folder / f"busy-{seed}.toml"
    path.write_text(text)
    return path


class Shot(NamedTuple):
    """An order as given: when, by which effector, leaving when."""

    t: float
    effector: int
    t_from: float


# where the effect meets the round [m], its velocity there [m/s], when [s]
Meeting = tuple[np.ndarray, np.ndarray, float]


class Watcher:
    """A sink that remembers orders, and for how long the runway was closed."""

    def __init__(self, feed: Simulated) -> None:
        self.feed = feed
        self.shots: list[Shot] = []
        self.minutes_closed = 0.0
        self.given: dict[tuple[int, int], tuple[float, Order]] = {}
        self.endangered = self.endangered_unseen = 0

    def take(self, moment: Moment) -> None:
        assert moment.drill is not None
        assert moment.truth is not None
        self.given.update({(o.effector, o.track): (moment.frame.t, o) for o in moment.drill.orders})
        e, site = moment.truth.engagements, self.feed.site
        for k in np.flatnonzero(e.nearest_aircraft < site.policy.safety_distance).tolist():
            given, order = self.given[int(e.effector[k]), int(e.track[k])]
            table = self.feed.world.traffic
            unseen = {row: traffic.path(np.zeros(0), np.zeros((0, 3))) for row in range(len(table.address))
                if not known(self.feed, row, given)}
            near = engagement.nearest_aircraft(
                site.effectors[order.effector], e.place[k], order.t_from, order.t_to, traffic.repathed(table, unseen))
            self.endangered += near < site.policy.safety_distance
            self.endangered_unseen += near >= site.policy.safety_distance
        self.shots += [Shot(moment.frame.t, o.effector, o.t_from) for o in moment.drill.orders]
        self.minutes_closed = moment.drill.airport.minutes_lost

    def close(self) -> None:
        """Nothing is held."""


def base(hears_the_runway: bool) -> Site:
    """Kabul as shipped; or with an approach radar that aircraft on the runway, below its horizon, answer to."""
    site = load_site("kabul")
    low = tuple(replace(radar, elevation_min=math.radians(-4.0)) if radar.mode_s else radar for radar in site.radars)
    return replace(site, radars=low) if hears_the_runway else site


def fly(path: Path, site: Site) -> tuple[Counter[str], list[str]]:
    """One raid flown and judged: what is to be counted, and a line for each threatening round that
    was not engaged though it could have been.
    """
    scenario = load_scenario(path, site)
    feed, measures = Simulated(scenario, site), Measures(site, True, [c.name for c in scenario.classes])
    watcher = Watcher(feed)
    run(feed, stepper(site, True), [Wire(feed, drill=True), Wire(measures, drill=True, truth=True),
        Wire(watcher, drill=True, truth=True)], NoClock())
    told = measures.summary()
    lost = [line for line in measures.movements.values() if line.late >= 1.0]
    people = {zone.name for zone in site.zones if zone.people > 0.0}
    count: Counter[str] = Counter(
        raids=1, aircraft=told["aircraft"], rounds=told["rounds"], let_fall=sum(not x.inside_zones and not x.orders
            for x in measures.ledger()),
        aircraft_endangered=watcher.endangered, aircraft_endangered_that_nobody_could_see=watcher.endangered_unseen,
        flights_under_the_tower=len(measures.movements), of_these_late=len(lost),
        **dict.fromkeys((*JUDGED, *(f"through_for_{held}" for held in HELD), *(f"through_though_{word}"
            for word in COULD)), 0))
    said = []
    for line in measures.ledger():
        if not people & set(line.inside_zones):
            continue
        count["threatening"] += 1
        count["engaged"] += line.orders > 0
        count["stopped"] += line.outcome == STOPPED
        chance = could_be(feed, line.number, line.tracked_at, watcher.shots)
        safely = chance == "stopped_safely"
        count["could_be_stopped_safely"] += safely
        count["of_these_engaged"] += safely and line.orders > 0
        reasons = {reason for _, reason in line.advice}
        if line.outcome != STOPPED and not line.orders:
            held = "traffic" if reasons & set(AIRCRAFT) else "people_below" if reasons & set(
                PEOPLE) else "other_reasons"
            count[f"through_for_{held}"] += 1
            count[f"through_though_{chance}"] += 1
            if safely:
                said.append(f"round {line.number} of {path.stem}: "
                    f"{[(round(t, 1), reason) for t, reason in line.advice][-6:]}, falls at {line.t_impact:.1f}")
    return count, said


def known(feed: Simulated, row: int, now: float) -> bool:
    """Whether an aircraft could be known of: it transponds, or some radar has had it in view for SEEN seconds."""
    table, site, seen = feed.world.traffic, feed.site, 0.0
    if table.transponder[row]:
        return True
    for t in np.arange(max(float(table.t[table.first[row]]), 0.0), now, LOOK).tolist():
        there = traffic.states(table, t)[row : row + 1, :3]
        seen += LOOK * any(bool(covered(radar, site.ground, there)[0]) for radar in site.radars if not radar.mode_s)
        if seen >= SEEN:
            return True
    return False


def could_be(feed: Simulated, number: int, known: float | None, shots: list[Shot]) -> str:
    """How an engagement of a round could have stopped it, one of COULD; by luck: an aircraft could
    have come near and did not.

    Every STEP from its being tracked on, every effector that was free and had a shot left, as the
    run was flown.
    """
    table, site, best = feed.world.rounds, feed.site, 0
    for t in np.arange(known if known is not None else math.inf, table.t_impact[number], STEP).tolist():
        for k, effector in enumerate(site.effectors):
            spent = [shot for shot in shots if shot.effector == k and shot.t <= t]
            if len(spent) >= effector.magazine or any(shot.t_from + effector.engagement_s > t for shot in spent):
                continue
            t_from = t + effector.reaction_s
            met = meeting(table, number, effector, t_from)
            if met is None or kill_probability(effector, met[0] - effector.place, met[1]) < SOME_USE:
                continue
            burnt = t_from + effector.engagement_s + min(effector.reach_max / effector.speed, effector.self_destruct_s)
            if nearest(feed, number, effector, met, t, t_from, burnt) >= site.policy.safety_distance:
                if not showered(feed, *met, t):
                    return COULD[0]
                best = max(best, 2)
                continue
            near = engagement.nearest_aircraft(effector, met[0], t_from, burnt, feed.world.traffic)
            best = max(best, 3 if near >= site.policy.safety_distance and not showered(feed, *met, t) else 1)
    return ("never", "only_unsafely", "only_over_heads", "stopped_by_luck")[best]


def nearest(
    feed: Simulated, number: int, effector: Effector, met: Meeting, now: float, t_from: float, t_to: float
) -> float:
    """`reachable` for all that the engagement may be: a gun goes on firing at its round, an interceptor is one body."""
    places = [met[0]]
    if effector.kind != "interceptor":
        later = [rounds.states(feed.world.rounds, met[2] + share * effector.engagement_s)[number, :3]
            for share in (0.5, 1.0)]
        places += [place for place in later if np.isfinite(place).all()]
    return min(reachable(feed, effector, place, now, t_from, t_to) for place in places)


def showered(feed: Simulated, place: np.ndarray, velocity: np.ndarray, t_met: float, now: float) -> bool:
    """Whether pieces of a round stopped there come down on somebody: it is low over people, or an
    aircraft flies, or rolls, where they can fall if it goes on as it truly does now: between
    straight below and the fall without air, 20 m/s beside that, and no slower than 15 m/s.
    """
    up = max(float(place[2]) - ground_up(feed.site.ground, float(place[0]), float(place[1])), 1.0)
    below = (zone for zone in feed.site.zones if zone.people > 0.0)
    if up < OVERHEAD and any(distance(zone.polygon, float(place[0]), float(place[1])) < BESIDE for zone in below):
        return True
    climb = float(velocity[2])
    falls = (climb + math.sqrt(climb * climb + 2.0 * G * up)) / G
    radius = 0.5 * falls * float(np.hypot(*velocity[:2])) + 20.0 * math.sqrt(2.0 * up / G) + 20.0
    known_now = traffic.states(feed.world.traffic, now)
    for after in np.arange(0.0, min(up / 15.0 + 5.0, 60.0), STEP).tolist():
        there = known_now[:, :3] + known_now[:, 3:] * (t_met + after - now)
        part = min(after / falls, 1.0)
        beside = np.hypot(*(there[:, :2] - place[:2] - 0.5 * part * falls * velocity[:2]).T)
        low = float(place[2]) + min(climb, 0.0) * after - 0.5 * G * after * after - ROOM
        high = float(place[2]) + max(climb, 0.0) * min(after, 2.0) - 15.0 * max(after - 2.0, 0.0) + ROOM
        if ((beside <= part * radius + ROOM) & (there[:, 2] >= low) & (there[:, 2] <= high)).any():
            return True
    return False


def reachable(feed: Simulated, effector: Effector, place: np.ndarray, now: float, t_from: float, t_to: float) -> float:
    """How near an aircraft could come to an engagement [m] if it were known exactly where it is and
    how it flies now, and turned as hard as it may.

    It flies on and may leave that path by half HARDEST times the time squared. One that ended its
    flight within VANISHED is still about.
    """
    table = feed.world.traffic
    there, since = traffic.states(table, now), np.full(len(table.address), now)
    for k in np.flatnonzero(~np.isfinite(there[:, 0])).tolist():
        rows = slice(int(table.first[k]), int(table.first[k + 1]))
        if len(table.t[rows]) and now - VANISHED <= table.t[rows][-1] < now:
            there[k], since[k] = np.concatenate([table.position[rows][-1], table.velocity[rows][-1]]), table.t[rows][-1]
    on = np.isfinite(there[:, 0])
    there, since = there[on], since[on]
    if not len(there):
        return math.inf
    line = place - effector.place
    along, far = line / max(float(np.linalg.norm(line)), 1e-9), min(effector.reach_max,
        effector.speed * effector.self_destruct_s)
    lasts, best = 0.0 if effector.kind == "interceptor" else effector.engagement_s, math.inf
    for t in np.arange(t_from, t_to + LOOK, LOOK).tolist():
        at = there[:, :3] + there[:, 3:] * (t - since)[:, None] - effector.place
        share = np.clip(at @ along, min(effector.speed * max(t - LOOK - t_from - lasts, 0.0), far),
            min(effector.speed * (t - t_from), far))
        gap = np.linalg.norm(at - share[:, None] * along, axis=1) - 0.5 * HARDEST * (t - since) ** 2
        best = min(best, float(gap.min()))
    return best


def meeting(table: Any, number: int, effector: Effector, t_from: float) -> Meeting | None:
    """Where the effect that leaves at t_from meets a round, its velocity there, and when; None
    where it comes too late or out of reach.
    """
    t = t_from
    for _ in range(12):
        state = rounds.states(table, t)[number]
        if not np.isfinite(state).all():
            return None
        t = t_from + float(np.linalg.norm(state[:3] - effector.place)) / effector.speed
    state = rounds.states(table, t)[number]
    if not np.isfinite(state).all() or state[2] < effector.height_min:
        return None
    away = float(np.linalg.norm(state[:3] - effector.place))
    return (state[:3], state[3:], t) if effector.reach_min <= away <= effector.reach_max else None


