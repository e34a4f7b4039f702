"""The scenario's tower: what simulated flights do while the runway is closed, and that an aeroplane could fly it."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from builders import a_flight, a_scenario, a_site, an_effector, square
from scipy.ndimage import gaussian_filter1d

from skywarden.errors import ScenarioError
from skywarden.messages.truth import AS_PLANNED, CANCELLED, DEPARTED, DIVERTED, HELD, LANDED, WAITS, WENT_AROUND
from skywarden.simulator.scenario.load import load
from skywarden.simulator.scenario.model import Flow
from skywarden.simulator.sensing.chance import Chance
from skywarden.simulator.world import flow, steering, tower, traffic
from skywarden.simulator.world.world import World
from skywarden.site.load import load as load_site
from skywarden.site.model import Zone

FRAME = 0.25
SITE = a_site()
BASE = a_site(zones=(
    Zone("runway", "runway", 0.0, 0.0, False, np.array([[-1_700.0, -25.0], [1_700.0, -25.0], [1_700.0, 25.0],
        [-1_700.0, 25.0]])),
    Zone("apron", "apron", 50.0, 5.0, True, square(200.0, 400.0, 100.0))))


def an_arrival(planned: float = 400.0, address: int = 1, far: float = 28_000.0, pace: float = 72.0):
    """From the east, level at 900 m, then three degrees down to the origin."""
    t = np.arange(planned - far / pace, planned + 0.5, 1.0)
    east = pace * (planned - t)
    up = np.minimum(np.maximum(east - 150.0, 0.0) * math.tan(math.radians(3.0)), 900.0)
    position = np.column_stack([east, np.zeros_like(t), gaussian_filter1d(up, 5.0, mode="nearest")])
    return a_flight(callsign=f"IN{address}", address=address, t=t, position=position, tower="arrival")


def a_departure(planned: float = 60.0, address: int = 101):
    """To the west, off the ground after half a minute."""
    t = np.arange(0.0, 200.0, 1.0)
    pace = np.minimum(2.0 * t, 75.0)
    west = np.concatenate([[0.0], np.cumsum(0.5 * (pace[1:] + pace[:-1]))])
    up = gaussian_filter1d(np.where(t < 35.0, 0.0, 5.0 * (t - 35.0)), 5.0, mode="nearest")
    return a_flight(callsign=f"OUT{address}", address=address, t=planned + t,
        position=np.column_stack([-west, np.zeros_like(t), up]), tower="departure")


class Day:
    """A world's traffic under a tower that is told, frame by frame, whether the runway is open."""

    def __init__(self, *flights, site=SITE):
        self.world = World(a_scenario(flights=flights, raids=()), site, Chance(1))
        self.t = 0.0
        self.ways = [[] for _ in flights]       # (t, state) of each flight
        self.words = {}                         # by callsign: words in their order, each once
        self.late, self.around = {}, {}

    def run(self, until: float, is_open: bool):
        while self.t < until:
            there = traffic.states(self.world.traffic, self.t)
            for way, state in zip(self.ways, there, strict=True):
                if np.isfinite(state).all():
                    way.append((self.t, state))
            told = self.world.movements(self.t)
            for callsign, word, late, around in zip(told.callsign.tolist(), told.word.tolist(), told.late.tolist(),
                    told.around.tolist(), strict=True):
                name = callsign.decode()
                said = self.words.setdefault(name, [])
                if not said or said[-1] != word:
                    said.append(word)
                self.late[name], self.around[name] = late, around
            ahead = [traffic.states(self.world.traffic, self.t + s) for s in (1.0, self.world._tower.reaction)]
            self.world.runway(is_open, self.t)
            after = [traffic.states(self.world.traffic, self.t + s) for s in (1.0, self.world._tower.reaction)]
            assert np.allclose(ahead, after, atol=1e-6, rtol=0.0,
                equal_nan=True), "what was to come within the reaction time has changed"
            self.t += FRAME
        return self

    def end(self, k: int = 0):
        return self.ways[k][-1]


def down(way):
    """Whether it ended where it was to land, to a second of flight and a few metres up."""
    east, north, up = way[-1][1][:3]
    return abs(east) < 80.0 and abs(north) < 10.0 and abs(up) < 10.0


def flyable(way, bank_deg: float = 27.0):
    """Largest excess over what an aeroplane does, of a way [(t, state)]: bank, climb, change of
    climb, of pace, leaps.
    """
    t, state = np.array([t for t, _ in way]), np.array([s for _, s in way])
    step = np.linalg.norm(np.diff(state[:, :3], axis=0), axis=1) / np.diff(t)
    pace = np.hypot(state[:, 3], state[:, 4])
    assert (step <= pace.max() + 10.0).all(), "it leaps"
    second = int(1.0 / FRAME)
    change = (state[second:, 3:] - state[:-second, 3:]) / (t[second:] - t[:-second])[:, None]
    course = np.stack([state[second:, 3], state[second:, 4]], 1) / np.maximum(pace[second:], 1.0)[:, None]
    across = np.abs(change[:, 0] * course[:, 1] - change[:, 1] * course[:, 0])
    along = np.abs(change[:, 0] * course[:, 0] + change[:, 1] * course[:, 1])
    moving = pace[second:] > 20.0
    assert across[moving].max(initial=0.0) <= 9.81 * math.tan(math.radians(bank_deg))
    assert along[moving].max(initial=0.0) <= steering.HASTE + 0.6
    assert np.abs(change[:, 2]).max(initial=0.0) <= steering.UPWARDS + 0.2
    assert state[:, 5].max() <= steering.CLIMB + 0.1
    assert state[:, 5].min() >= -steering.SINK - 0.1


def test_a_landing_flight_holds_at_its_fix_while_the_runway_is_closed_and_then_lands_where_it_was_to():
    day = Day(an_arrival()).run(100.0, True).run(700.0, False)
    held = np.array([s[:3] for t, s in day.ways[0] if t > 400.0])
    assert np.hypot(held[:, 0], held[:, 1]).min() > 7_000.0
    assert np.hypot(held[:, 0], held[:, 1]).max() < 15_000.0
    assert np.ptp(held[-200:, 2]) < 30.0
    day.run(1_100.0, True)
    t, _ = day.end()
    assert day.words["IN1"] == [AS_PLANNED, HELD, AS_PLANNED, LANDED]
    assert down(day.ways[0])
    assert day.late["IN1"] == pytest.approx(t - 400.0, abs=2.0)
    assert 300.0 < day.late["IN1"] < 600.0
    flyable(day.ways[0])


@pytest.mark.parametrize("left", [30.0, 60.0, 120.0])
def test_after_its_fix_it_goes_around_climbs_first_and_comes_again(left):
    flight = an_arrival(300.0)
    day = Day(flight).run(300.0 - left - tower.REACTION, True).run(420.0, False)
    low = min(s[2] for t, s in day.ways[0])
    turned = [s for t, s in day.ways[0] if t > 300.0 - left
        and abs(steering.wrapped(math.atan2(s[3], s[4]) + 0.5 * math.pi)) > 0.2]
    assert turned[0][2] > tower.CIRCUIT - 30.0, "it turns low"
    assert low > 30.0
    day.run(900.0, True)
    assert day.words["IN1"] == [AS_PLANNED, WENT_AROUND, AS_PLANNED, LANDED]
    assert day.around["IN1"]
    assert down(day.ways[0])
    flyable(day.ways[0])


def test_who_is_about_to_touch_down_lands_and_who_is_far_away_flies_on():
    day = Day(an_arrival(100.0, far=20_000.0), an_arrival(800.0, 2)).run(80.0, True).run(300.0, False)
    assert day.words["IN1"] == [AS_PLANNED, LANDED]
    assert set(day.words.get("IN2", [AS_PLANNED])) == {AS_PLANNED}
    assert day.run(900.0, True).words["IN2"] == [AS_PLANNED, LANDED]
    assert day.end(1)[0] == pytest.approx(800.0, abs=1.0)


def test_several_hold_a_thousand_feet_apart_and_land_one_by_one():
    day = Day(*(an_arrival(300.0 + 95.0 * k, k + 1) for k in range(4))).run(100.0, True).run(800.0, False)
    ups = sorted(way[-1][1][2] for way in day.ways)
    assert all(b - a > 200.0 for a, b in pairwise(ups))
    day.run(1_900.0, True)
    landed = sorted(way[-1][0] for way in day.ways)
    assert all(words == [AS_PLANNED, HELD, AS_PLANNED, LANDED] for words in day.words.values())
    assert all(b - a > 0.6 * tower.SPACING for a, b in pairwise(landed))
    for way in day.ways:
        flyable(way)
        assert down(way)


def test_who_holds_too_long_diverts_and_leaves():
    day = Day(an_arrival()).run(100.0, True).run(2_200.0, False)
    assert day.words["IN1"] == [AS_PLANNED, HELD, DIVERTED]
    assert np.hypot(*day.end()[1][:2]) > tower.AWAY - 200.0
    assert day.end()[0] < 2_100.0
    assert day.late["IN1"] == pytest.approx(tower.PATIENCE, abs=2.0)
    flyable(day.ways[0])


def test_departures_wait_then_start_one_by_one_and_are_called_off_in_the_end():
    day = Day(a_departure(60.0, 101), a_departure(90.0, 102), a_departure(5.0, 103)).run(20.0, True).run(500.0, False)
    assert [len(way) for way in day.ways[:2]] == [0, 0]
    assert day.words["OUT103"] == [DEPARTED]
    assert day.words["OUT101"] == [WAITS]
    day.run(800.0, True)
    assert day.words["OUT101"] == day.words["OUT102"] == [WAITS, DEPARTED]
    starts = [way[0][0] for way in day.ways[:2]]
    assert abs(starts[1] - starts[0]) >= tower.START_SPACING - 1.0
    assert min(starts) < 530.0
    assert day.late["OUT101"] == pytest.approx(starts[0] - 60.0, abs=6.0)
    never = Day(a_departure(30.0)).run(10.0, True).run(tower.CANCEL + 200.0, False)
    assert never.words["OUT101"] == [WAITS, CANCELLED]
    assert never.ways[0] == []


def test_flights_that_are_not_under_the_tower_fly_as_written_and_nothing_moves_while_it_is_open():
    flights = (replace(an_arrival(), tower=""), replace(a_departure(), tower=""))
    shut, free = Day(*flights).run(450.0, False), Day(an_arrival(), a_departure()).run(450.0, True)
    plain = traffic.traffic(flights)
    for day in (shut, free):
        for k, way in enumerate(day.ways):
            assert all(np.array_equal(state, traffic.states(plain, t)[k]) for t, state in way)
    assert shut.words == {}
    assert free.words == {"IN1": [AS_PLANNED, LANDED], "OUT101": [DEPARTED]}


def test_what_an_engagement_looks_ahead_at_is_laid_out_before():
    slow = an_effector(kind="interceptor", reach_max=9_000.0, speed=500.0, engagement_s=6.0)
    assert tower.Tower((), a_site(effectors=(slow,))).reaction == 24.0
    Day(an_arrival(), site=a_site(effectors=(slow,))).run(100.0, True).run(300.0, False).run(500.0, True)


def drawn(seed: int = 1, hours: float = 2.0, **changes):
    return flow.drawn(a_scenario(raids=(), duration=3_600.0 * hours, flow=replace(Flow(5_000.0, 0.2, 0.25, 0.1),
        **changes)), BASE, Chance(seed))


def test_traffic_is_drawn_at_its_rate_from_the_seed_alone_and_every_flight_is_flyable():
    flights = drawn()
    nearest = [np.hypot(*f.position[:, :2].T).min() for f in flights]
    expected = 5_000.0 / flow.WEEK * (2.0 * 3_600.0)
    assert max(nearest) <= flow.WITHIN + 50.0
    assert abs(len(flights) - expected) < 4.0 * math.sqrt(expected) + 8.0
    kinds = {(f.callsign[0], f.tower) for f in flights}
    assert kinds == {("A", "arrival"), ("A", "departure"), ("H", "arrival"), ("H", "departure"), ("X", "")}
    assert 0 < sum(not f.transponder for f in flights) < 0.25 * len(flights)
    assert len({f.address for f in flights}) == len(flights)
    for f in flights[:20]:
        assert f.position[:, 2].min() > -2.0
        table = traffic.traffic((f,))
        flyable([(t, traffic.states(table, t)[0]) for t in np.arange(f.t[0], f.t[-1], FRAME)])
    for f in flights:
        if f.callsign[0] == "A" and f.tower == "arrival":
            assert np.abs(f.position[-1, 1]) < 20.0, "it leaves the runway"
    again, other = drawn(), drawn(2)
    assert all(np.array_equal(a.position, b.position) and a.callsign == b.callsign for a, b in zip(flights, again,
        strict=True))
    assert len(other) != len(flights) or not np.array_equal(other[0].t, flights[0].t)
    assert drawn(per_week=0.0) == ()


def test_a_busy_base_waits_out_an_inspection_and_everybody_comes_home():
    flights = drawn(hours=0.6)
    day = Day(*flights, site=BASE).run(300.0, True).run(1_300.0, False).run(2_600.0, True)
    waited = [name for name, late in day.late.items() if late > 1.0]
    assert len(waited) >= 5
    ends = {name: words[-1] for name, words in day.words.items() if name in waited}
    assert set(ends.values()) <= {LANDED, DEPARTED, DIVERTED}
    assert sum(word == DIVERTED for word in ends.values()) <= 0.2 * len(ends)
    for f, way in zip(flights, day.ways, strict=True):
        if f.callsign in waited:
            flyable(way)


def test_a_scenario_file_declares_its_traffic(tmp_path):
    text = 'site = "kabul"\nduration_s = 60\n[traffic]\noperations_per_week = 5000\n{}'
    (tmp_path / "busy.toml").write_text(text.format("helicopters = 0.5\n"))
    kabul = load_site("kabul")
    assert load(tmp_path / "busy.toml", kabul).flow == Flow(5_000.0, 0.2, 0.5, 0.0)
    (tmp_path / "busy.toml").write_text(text.format("crossings = 2\nplanes = 3\n"))
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "busy.toml", kabul)
    assert len(caught.value.faults) == 2
