"""What is really out there: rounds drawn by their fall, traffic, and how simulated interceptions end."""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import a_class, a_flight, a_raid, a_real_radar, a_scenario, a_site, an_effector
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.errors import ScenarioError
from skywarden.kernels.ballistics.drag import standard_drags
from skywarden.kernels.geometry.ground import ground_up
from skywarden.kernels.geometry.polygon import inside
from skywarden.messages.drill import Clearance, Order
from skywarden.messages.picture import Tracks
from skywarden.messages.truth import DUD, KILLED, MISSED, PARTLY
from skywarden.simulator.scenario.model import WeatherTruth
from skywarden.simulator.sensing.chance import Chance
from skywarden.simulator.sensing.targets import DEBRIS_KEY
from skywarden.simulator.world import rounds, traffic
from skywarden.simulator.world.air import true_air
from skywarden.simulator.world.engagement import how_it_ends, nearest_aircraft
from skywarden.simulator.world.world import World
from skywarden.site.effect import kill_probability

SITE = a_site(a_real_radar())


def drawn(scenario, seed=1, site=SITE):
    chance = Chance(seed)
    return rounds.draw(scenario, site, true_air(site.air, scenario.weather, chance), chance)


def test_rounds_end_in_their_fall_area_as_declared_and_come_from_the_launch_area():
    rocket = a_class(name="rocket", kind="rocket", burn_acceleration=120.0, burn_out_height=60.0, burn_spread=0.05,
        drift=2e-4)
    windy = WeatherTruth(np.array([0.0, 3_000.0]), np.array([[3.0, 1.0], [9.0, -4.0]]), 5.0, 0.99, 2.0)
    scenario = a_scenario(classes=(a_class(), rocket), raids=(a_raid(), a_raid(round_class=1, fall_speed=(180.0,
        230.0))), weather=windy)
    table = drawn(scenario)
    assert len(table.kind) == 10
    for i in range(10):
        raid = scenario.raids[table.raid[i]]
        first, last = table.points[table.first[i]], table.points[table.first[i + 1] - 1]
        assert inside(raid.launch.polygon, first[0], first[1])
        assert abs(first[2]) < 0.05
        assert inside(raid.fall.polygon, last[0], last[1])
        assert abs(last[2]) < 1e-6
        speed, angle = np.linalg.norm(last[3:]), math.atan2(-last[5], math.hypot(last[3], last[4]))
        assert raid.fall_speed[0] <= speed <= raid.fall_speed[1]
        assert raid.fall_angle[0] - 1e-9 <= angle <= raid.fall_angle[1] + 1e-9
        np.testing.assert_allclose(table.impact[i], last[:3])
    gaps = np.diff(table.t_launch[:5])
    assert table.t_launch[0] == 2.0
    assert (gaps >= 0.5).all()
    assert (gaps <= 1.5).all()


def test_a_round_is_where_it_should_be_between_its_points():
    table = drawn(a_scenario())
    t = table.t_launch[0] + 3.0 + np.arange(400) * 0.01
    path = np.array([rounds.states(table, x)[0] for x in t])
    slope = (path[2:, :3] - path[:-2, :3]) / 0.02
    np.testing.assert_allclose(slope, path[1:-1, 3:], atol=0.01)
    assert np.isnan(rounds.states(table, 0.0)).all()
    assert np.isnan(rounds.states(table, 500.0)).all()


def test_another_raid_behind_leaves_the_first_rounds_as_they_were():
    one, two = drawn(a_scenario()), drawn(a_scenario(raids=(a_raid(), a_raid(name="more"))))
    np.testing.assert_array_equal(one.points, two.points[: two.first[5]])
    np.testing.assert_array_equal(one.t_launch, two.t_launch[:5])


def test_a_raid_that_cannot_be_says_why():
    with pytest.raises(ScenarioError, match=r"whose middle is \d+ m from there; they came from \d+ to \d+ m away"):
        drawn(a_scenario(raids=(a_raid(fall_speed=(60.0, 70.0)),)))


def test_the_wind_error_has_its_size_and_is_smooth():
    weather = WeatherTruth(np.zeros(1), np.zeros((1, 2)), 0.0, 1.0, 3.0)
    winds = np.array([true_air(SITE.air, weather, Chance(seed)).wind for seed in range(300)])
    assert winds.std() == pytest.approx(3.0, rel=0.1)
    assert np.diff(winds, axis=1).std() < 0.4 * 3.0


def test_aircraft_fly_smoothly_and_survive_a_jump_in_the_recording():
    t = np.arange(0.0, 20.0, 1.0)
    position = np.column_stack([100.0 * t, 0.5 * 3.0 * t**2, 1_000.0 + 0.0 * t])
    table = traffic.traffic((a_flight(t=t, position=position),))
    np.testing.assert_allclose(traffic.states(table, 7.5)[0], [750.0, 84.375, 1_000.0, 100.0, 22.5, 0.0], atol=1e-9)
    position[10:, 0] += 50_000.0
    broken = traffic.traffic((a_flight(t=t, position=position),))
    states = np.array([traffic.states(broken, x)[0] for x in np.arange(0.0, 19.0, 0.1)])
    assert np.linalg.norm(states[:, 3:], axis=1).max() < 130.0
    assert np.isnan(traffic.states(broken, 19.5)).all()


def order_on(track, t_from, t_to):
    clearance = Clearance(track, 0, t_from, t_to, True, "clear", math.nan, -1, math.inf)
    return Order(track, 0, t_from, t_to, clearance)


def tracks_at(state):
    n = len(state)
    return Tracks(
        np.arange(1, n + 1), np.column_stack([state, np.full(n, 2.5e-4)]), np.zeros((n, 7, 7)), np.zeros(n),
        np.zeros(n), np.zeros(n, np.int32),
        np.tile([1.0, 0.0, 0.0], (n, 1)), np.zeros(n, np.int32), np.full(n, -1))


def test_a_stopped_round_is_gone_and_all_others_fly_on():
    site = a_site(effectors=(an_effector(kill_probability=1.0, speed=math.inf, reach_max=20_000.0),))
    scenario = a_scenario(flights=(a_flight(),))
    world, untouched = World(scenario, site, Chance(1)), World(scenario, site, Chance(1))
    t = float(world.rounds.t_launch[2]) + 8.0
    state = rounds.states(world.rounds, t)
    flying = np.flatnonzero(np.isfinite(state[:, 0]))
    aim = state[2] + np.array([20.0, -10.0, 5.0, 0.0, 0.0, 0.0])       # a track is never quite where the round is
    for attempt in range(30):
        world.order((order_on(1, t + 0.1 * attempt, t + 0.1 * attempt + 3.0),), tracks_at(aim[None]), t)
    done, remains = world.engage(t + 4.0)
    assert (done.round[done.stopped] == 2).all()
    assert done.stopped.sum() == 1
    assert (done.round[np.flatnonzero(done.stopped)[0] + 1 :] == -1).all()      # what is gone cannot be hit again
    assert np.isfinite(done.nearest_aircraft).all()
    after, whole = world.targets(t + 4.0), untouched.targets(t + 4.0)
    assert np.isnan(after.position[2]).all()
    assert np.isfinite(whole.position[2]).all()
    others = (np.arange(len(after.key)) != 2) & (after.key < DEBRIS_KEY)
    np.testing.assert_array_equal(after.position[others], whole.position[others])
    truth = world.true_rounds(t + 4.0, np.zeros(5, np.bool_), np.zeros(0, np.int32))
    assert truth.outcome[2] == 3
    assert t <= truth.t_end[2] <= t + 4.0
    assert truth.t_impact[2] == untouched.rounds.t_impact[2]
    assert len(flying) > 1
    # and it comes down somewhere: the radars see the pieces until they land, below where they came from
    assert len(remains.t) >= 1
    in_the_air = after.position[after.key >= DEBRIS_KEY]
    in_the_air = in_the_air[np.isfinite(in_the_air[:, 0])]
    assert len(in_the_air) == (remains.t > t + 4.0).sum()
    assert (remains.t > truth.t_end[2]).all()
    assert (remains.round == 2).all()
    ground = [ground_up(site.ground, east, north) for east, north, _ in remains.place]
    np.testing.assert_allclose(remains.place[:, 2], ground, atol=1e-3)
    assert np.isnan(world.targets(float(remains.t.max()) + 0.1).position[after.key >= DEBRIS_KEY]).all()


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.floats(0.0, 0.95), st.floats(0.0, 1.0))
def test_engagements_end_as_often_as_declared(chance, duds):
    drawn = (np.arange(2_000) + 0.5) / 2_000
    effector = an_effector(kind="interceptor", dud_share=duds)
    ends = np.array([how_it_ends(d, chance, effector) for d in drawn])
    share = [float((ends == end).mean()) for end in (MISSED, KILLED, PARTLY, DUD)]
    assert share[1] + share[2] == pytest.approx(chance, abs=1e-3)
    assert share[2] == pytest.approx(0.15 * chance, abs=1e-3)
    assert share[3] == pytest.approx(min(duds, 1.0 - chance), abs=1e-3)


def test_an_order_on_nothing_is_in_vain():
    world = World(a_scenario(), SITE, Chance(1))
    t = float(world.rounds.t_launch[0]) + 8.0
    far = rounds.states(world.rounds, t)[0] + np.array([0.0, 0.0, 3_000.0, 0.0, 0.0, 0.0])
    world.order((order_on(1, t, t + 2.0), order_on(99, t, t + 2.0)), tracks_at(far[None]), t)
    done, _ = world.engage(t + 2.0)
    assert done.round.tolist() == [-1, -1]
    assert not done.stopped.any()
    assert np.isinf(world.t_stopped).all()


def test_the_kill_probability_is_the_declared_one_at_half_reach_and_less_across():
    gun = an_effector(kill_probability=0.6, reach_min=100.0, reach_max=3_000.0, crossing_loss=0.5)
    towards = (0.0, 0.0, -200.0)
    assert kill_probability(gun, (0.0, 0.0, 1_500.0), towards) == pytest.approx(0.6)
    assert kill_probability(gun, (0.0, 0.0, 3_000.0), towards) == pytest.approx(0.3)
    assert kill_probability(gun, (0.0, 0.0, 50.0), towards) == 0.0
    assert kill_probability(gun, (0.0, 0.0, 3_001.0), towards) == 0.0
    assert kill_probability(gun, (0.0, 0.0, 1_500.0), (200.0, 0.0, 0.0)) == pytest.approx(0.3)
    assert kill_probability(gun, (0.0, 0.0, 1_500.0), (200.0, 0.0, -200.0)) == pytest.approx(0.45)


def test_the_distance_to_aircraft_is_that_to_the_effect_while_it_is_there():
    table = traffic.traffic((a_flight(),))           # passes 2 km north, 1500 m up, east = 0 at t = 30
    # the line goes on through (0, 2000, 1500), 2500 m off: 3.1 s at 800 m/s
    over = np.array([0.0, 1_600.0, 1_200.0])
    # a burst of 3 s passes there until 31.1
    assert nearest_aircraft(an_effector(), over, 25.0, 32.0, table) < 10.0
    # it comes when the aircraft has gone
    assert nearest_aircraft(an_effector(), over, 28.0, 35.0, table) > 80.0
    # one body has passed before
    assert nearest_aircraft(an_effector(kind="interceptor"), over, 25.0, 29.0, table) > 80.0
    # light is everywhere on its line
    assert nearest_aircraft(an_effector(speed=math.inf), over, 29.0, 31.0, table) < 10.0
    assert nearest_aircraft(an_effector(), np.array([0.0, -1_000.0, 500.0]), 29.9, 30.1,
        table) == pytest.approx(2_500.0, abs=2.0)
    assert math.isinf(nearest_aircraft(an_effector(), over, 100.0, 101.0, table))


def test_standard_drag_laws_fly_backwards_too():
    scenario = a_scenario(classes=(a_class(law=1, coefficient=700.0),), drags=standard_drags(["constant", "G1"]))
    assert len(drawn(scenario).kind) == 5


def test_a_silent_transponder_answers_nobody():
    world = World(a_scenario(flights=(a_flight(gap=((20.0, 30.0),)), a_flight(address=2, transponder=False))), SITE,
        Chance(1))
    craft = slice(5, 7)
    assert world.targets(10.0).address[craft].tolist() == [0xABCDEF, -1]
    assert world.targets(25.0).address[craft].tolist() == [-1, -1]


def test_a_recorded_broadcast_is_repeated_with_its_flaws_while_the_aircraft_flies_on():
    said_t = np.array([0.0, 1.0, 2.0, 3.0, 40.0])
    said = np.array([[0.0, 0.0, 1_000.0], [100.0, 0.0, 1_000.0], [90_000.0, 0.0, 1_000.0], [300.0, 0.0, 1_000.0],
        [400.0, 0.0, 1_000.0]])
    world = World(a_scenario(flights=(a_flight(said_t=said_t, said=said),)), SITE, Chance(1))
    assert world.claims(2.0)[0, 0] == 90_000.0
    assert abs(world.true_aircraft(2.0).position[0, 0] + 2_800.0) < 1.0
    assert np.isnan(world.claims(21.0)).all()
