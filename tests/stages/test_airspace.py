"""Airspace: distances against plain ones, tubes against aircraft that really turn."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from builders import (
    a_frame,
    a_picture,
    a_scenario,
    a_site,
    a_zone,
    an_effector,
    some_impacts,
    some_threats,
    some_tracks,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.kernels.ballistics.air import with_weather
from skywarden.messages.drill import Order
from skywarden.messages.frame import NO_ADDRESS, Aircraft, Weather
from skywarden.messages.tables import join
from skywarden.messages.truth import FRAGMENT, KILLED, PARTLY
from skywarden.rehearsal import airport
from skywarden.rehearsal.aircraft.reachable import Tubes, tubes_of
from skywarden.rehearsal.aircraft.reports import REMEMBERED, heard, remembered
from skywarden.rehearsal.clearance import _in_sector, _points_into, clear
from skywarden.rehearsal.corridor import STEP, Corridor, corridor_of, look_ahead
from skywarden.rehearsal.fallout import below_of
from skywarden.rehearsal.separation import closest, separation
from skywarden.simulator.sensing.chance import Chance
from skywarden.simulator.world import debris
from skywarden.simulator.world.rounds import states

one_millimetre = 1e-3


def a_space(
    end: tuple[float, float, float] = (0.0, 0.0, 2000.0), t_from: float = 0.0, t_to: float = 4.0, spread: float = 0.0
) -> Corridor:
    """A line from the origin."""
    ends = np.array([end])
    return Corridor(t_from, t_to, t_to, np.zeros(3), ends[0], ends[0, 2], ends, spread)


def a_tube(
    position: Any, velocity: Any = (0.0, 0.0, 0.0), radius: float = 0.0, t: float = 0.0, seen: float | None = None
) -> Tubes:
    one, no = np.ones(1), np.zeros(1, bool)
    return Tubes(
        np.array([7]), np.array([NO_ADDRESS]), no, ~no, t * one, (t if seen is None else seen) * one,
        np.array([position], float),
        np.array([velocity], float), np.zeros((1, 6, 6)), radius * one, no)


def a_falling_round(east: float = 0.0, north: float = 1500.0, up: float = 1500.0) -> dict[str, Any]:
    tracks = some_tracks((east, north, up, 0.0, -120.0, -80.0))
    return {"tracks": tracks, "impacts": some_impacts((1.0, 12.0, east, 0.0)),
        "threats": some_threats((1, 0, 0.9, 12.0))}


def a_report(t: float, address: int, *position: float) -> Aircraft:
    return Aircraft.empty(1)._replace(t=np.array([t]), address=np.array([address]), position=np.array([position]),
        velocity=np.zeros((1, 3)))


def test_a_hovering_thing_seen_a_moment_ago_is_as_near_as_geometry_and_its_reach_say() -> None:
    # seen 1 s before the window's end at the latest: half of 15 m/s² over the time, and half the eighth of a second
    # between looks
    near, gap = closest(a_space(t_to=1.0), a_tube((800.0, 0.0, 1000.0)))
    assert near == 0
    assert gap == pytest.approx(800.0 - 0.5 * 15.0 * 1.0625**2, abs=one_millimetre)


def test_what_was_seen_long_ago_may_be_anywhere() -> None:
    assert closest(a_space(t_from=60.0, t_to=62.0), a_tube((9000.0, 0.0, 1000.0)))[1] < 0.0


def test_what_has_no_height_is_at_every_height() -> None:
    level, anywhere = closest(a_space(), a_tube((500.0, 0.0, 9000.0)))[1], closest(a_space(),
        a_tube((500.0, 0.0, math.nan)))[1]
    assert level > 6000.0
    assert anywhere < 500.0


def test_what_is_not_a_number_is_no_distance() -> None:
    assert not closest(a_space(), a_tube((math.nan, 0.0, 0.0)))[1] >= 300.0


def test_the_cone_widens_with_the_distance() -> None:
    here = a_tube((600.0, 0.0, 2000.0))
    assert closest(a_space(), here)[1] - closest(a_space(spread=0.1), here)[1] == pytest.approx(200.0,
        abs=one_millimetre)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(-1.0, 1.0)] * 2, st.floats(0.2, 1.0)), min_size=2, max_size=5),
    st.tuples(*[st.floats(-4_000.0, 4_000.0)] * 3),
    st.floats(0.0, 0.1), st.booleans())
def test_a_beam_may_be_anywhere_between_two_of_its_lines(
    ways: list[Any], place: Any, spread: float, anywhere: bool
) -> None:
    """The gap is that to the nearest of a great many lines laid between them, spheres on each."""
    far = 2_000.0
    ends = far * np.array(ways) / np.linalg.norm(ways, axis=1)[:, None]
    space = Corridor(0.0, 0.0, 0.0, np.zeros(3), ends[0], 1_000.0, ends, spread)
    gap = closest(space, a_tube((*place[:2], math.nan) if anywhere else place))[1]
    axes = 2 if anywhere else 3
    along = np.linspace(0.0, 1.0, 201)
    lines = np.concatenate([a + along[:, None] * (b - a) for a, b in pairwise(ends)])
    off = np.linalg.norm(np.array(place)[:axes] - along[:, None, None] * lines[:, :axes],
        axis=2) - (spread * far * along)[:, None]
    assert float(off.min()) - 40.0 <= gap <= float(off.min()) + one_millimetre
    if float(off.min()) > 200.0:
        # what lies between the places looked at is no nearer than by the square of that distance
        assert gap >= float(off.min()) - 2.0


@pytest.mark.parametrize("wind", [0.0, 15.0])
def test_pieces_of_what_is_stopped_come_down_within_the_air_said_to_hold_them(wind: float) -> None:
    """Flown by the world; seen from within that air by an aircraft in the place of each."""
    rng = np.random.default_rng(17)
    blows = Weather(np.array([0.0, 2_000.0]), np.array([[0.0, 0.0], [wind, 0.0]]), 0.0, 0.0, 1.0)
    site, scenario, luck = a_site(), a_scenario(), Chance(5).keyed("pieces")
    air = with_weather(site.air, blows.up, blows.wind, 0.0, 1.0)
    gun, inside, whole, elsewhere = site.effectors[0], [], [], []
    for k in range(24):
        bearing, climb, pace = rng.uniform(0.0, 2.0 * math.pi), rng.uniform(-1.2, 0.3), rng.uniform(80.0, 320.0)
        way = np.array([math.sin(bearing) * math.cos(climb), math.cos(bearing) * math.cos(climb), math.sin(climb)])
        state = np.concatenate([[0.0, 1_000.0, rng.uniform(150.0, 2_500.0)], pace * way])
        pieces, _ = debris.left_by(PARTLY if k % 3 == 0 else KILLED, 0, 0, 10.0, state, gun, k * debris.KEYS, scenario,
            site, air, luck)
        space = a_space(tuple(state[:3]))._replace(hit_height=state[2], t_hit=10.0)
        below = below_of(space, 0, gun, a_frame(10.0)._replace(weather=blows),
            a_picture(10.0, tracks=some_tracks(tuple(state), t=10.0)), site)
        for after in np.arange(0.5, 60.0, 1.0):
            for place, sort in zip(states(pieces.paths, 10.0 + after)[:, :3], pieces.sort, strict=True):
                if np.isfinite(place).all():
                    # there at that moment and nowhere near at any other
                    found = separation(space, a_tube(place, (1e5, 0.0, 0.0), t=10.0 + after), 300.0, below.falling)
                    if sort == FRAGMENT:
                        inside.append(found.falls[0])
                    else:
                        whole.append(found.whole[0] * 2.0 * math.pi * (25.0 * max(after, 4.0 / 3.0)) ** 2 / 300.0)
            beside = state[:3] + np.array([-500.0, -500.0, 700.0])
            elsewhere.append(separation(space, a_tube(beside, (1e5, 0.0, 0.0), t=10.0 + after), 300.0,
                below.falling).falls[0])
    assert np.mean(inside) == 1.0
    # within three and a half deviations, nearly each
    assert np.mean(np.array(whole) >= math.exp(-0.5 * 3.5**2)) > 0.97
    assert np.mean(elsewhere) == 0.0


def fan_over(*ways: tuple[float, float, float], spread: float = 0.02) -> Corridor:
    """Lines of 2 km in these directions."""
    ends = 2_000.0 * np.array(ways) / np.linalg.norm(ways, axis=1)[:, None]
    return Corridor(0.0, 0.0, 4.0, np.zeros(3), ends[0], 1_000.0, ends, spread)


@pytest.mark.parametrize(("space", "into"), [
    (fan_over((0.5, 0.0, 1.0), (0.6, 0.0, 1.0)), (80.0, 100.0)), (fan_over((0.001, 0.0, 1.0)), (250.0, 290.0)),
    (fan_over((-0.9, 0.004, 1.0), (0.8, 0.004, 1.0)), (170.0, 190.0)), (fan_over((0.3, -0.3, 1.0), (0.3, 0.3, 1.0)),
        (85.0, 86.0))])
def test_steep_lines_point_into_every_arc_that_their_cones_lie_in(space: Corridor, into: tuple[float, float]) -> None:
    """Straight above is every bearing, and so is what lies between two lines that pass it by less
    than their opening.
    """
    begin, end = np.radians(into)
    assert _points_into(space, begin, end - begin)
    level = fan_over((0.5, 0.0, 1.0), (0.6, 0.0, 1.0))
    assert not _points_into(level, math.radians(120.0), 1.0)
    assert not _in_sector(level, math.radians(120.0), math.pi)
    assert _in_sector(level, 0.0, math.pi)


@pytest.mark.parametrize("height", [0.0, 1.0])
def test_duds_fly_on_over_aircraft_of_unknown_height(height: float) -> None:
    space = fan_over((1.0, 0.0, height))
    for share in (1.1, 2.0, 2.9):
        known, unknown = (
            separation(space, a_tube((*(share * space.ends[0, :2]), up)), 300.0, np.zeros(11)).behind[0]
            for up in (share * space.ends[0, 2], math.nan))
        assert unknown >= known > 0.0
        beside = separation(space, a_tube((share * space.ends[0, 0], 2_000.0, math.nan)), 300.0, np.zeros(11)).behind[0]
        assert beside == 0.0


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.data())
def test_no_aircraft_flies_out_of_its_tube(data: st.DataObject) -> None:
    """Flown with whatever acceleration up to 1.5 g, changing at will, it is never nearer to the
    line than its tube says.
    """
    number = st.floats(-1.0, 1.0)
    start = 3000.0 * np.array([data.draw(number) for _ in range(3)])
    velocity = 250.0 * np.array([data.draw(number) for _ in range(3)])
    space = a_space((1500.0, 0.0, 1200.0), t_from=data.draw(st.floats(0.0, 8.0)), t_to=12.0)
    gap = closest(space, a_tube(start, velocity))[1]
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    dt, place, pace, line = 0.01, start.copy(), velocity.copy(), space.ends[0]
    for k in range(1200):
        if k % 100 == 0:
            # now and then straight towards the line: the worst it can do
            toward = -(place - np.clip(place @ line / (line @ line), 0.0, 1.0) * line)
            pull = toward if rng.random() < 0.5 else rng.normal(size=3)
            pull *= 15.0 / max(float(np.linalg.norm(pull)), 1e-9)
        place = place + pace * dt + 0.5 * pull * dt * dt
        pace = pace + pull * dt
        if (k + 1) * dt >= space.t_from:
            off = float(np.linalg.norm(place - np.clip(place @ line / (line @ line), 0.0, 1.0) * line))
            assert off >= gap - one_millimetre


def test_every_one_of_a_frames_reports_counts_and_the_last_of_every_address_for_a_while() -> None:
    said = remembered(Aircraft.empty(), a_frame(10.0, aircraft=join(a_report(9.8, 5, 1.0, 2.0, 3.0),
        a_report(9.9, NO_ADDRESS, 4.0, 5.0, 6.0))))
    assert sorted(said.address.tolist()) == [NO_ADDRESS, 5]
    later = remembered(said, a_frame(12.0, aircraft=a_report(11.9, 5, 7.0, 8.0, 9.0)))
    assert later.address.tolist() == [5]
    assert later.position[0].tolist() == [7.0, 8.0, 9.0]
    assert remembered(later, a_frame(11.9 + REMEMBERED + 0.1)).t.size == 0


def test_a_track_and_the_report_that_contradicts_it_both_count() -> None:
    tracks = some_tracks((5000.0, 0.0, 900.0, 100.0, 0.0, 0.0), projectile=0.0)._replace(address=np.array([5]))
    frame = a_frame(0.0, aircraft=a_report(0.0, 5, -400.0, 0.0, 900.0))
    tubes = tubes_of(heard(remembered(Aircraft.empty(), frame), frame, a_site()), frame, a_picture(tracks=tracks),
        a_site())
    assert tubes.number.tolist() == [1, -1]


def test_the_effect_leaves_in_time_to_meet_the_round() -> None:
    effector = an_effector(reach_max=1800.0, speed=600.0, reaction_s=1.5)
    ahead = look_ahead(0, a_picture(**a_falling_round()), a_frame(), a_site())
    space = corridor_of(ahead, effector)
    assert space is not None
    assert space.t_from >= effector.reaction_s
    assert float(np.linalg.norm(space.hit - effector.place)) == pytest.approx((space.t_hit
        - space.t_from) * effector.speed, abs=one_millimetre)
    assert float(np.linalg.norm(space.hit - ahead.path[round(space.t_hit / STEP)])) < one_millimetre
    assert space.t_to >= space.t_hit
    assert np.linalg.norm(space.ends - effector.place, axis=1) == pytest.approx(effector.reach_max)


def test_directed_energy_goes_on_far_beyond() -> None:
    space = corridor_of(look_ahead(0, a_picture(**a_falling_round()), a_frame(), a_site()), an_effector(speed=math.inf,
        reach_max=2500.0))
    assert space is not None
    assert np.linalg.norm(space.ends, axis=1).min() >= 19_999.0


def test_a_round_that_never_comes_within_reach_has_no_space() -> None:
    ahead = look_ahead(0, a_picture(**a_falling_round(east=9000.0)), a_frame(), a_site())
    assert corridor_of(ahead, an_effector()) is None


def test_the_path_ahead_is_a_parabola_where_there_is_no_drag() -> None:
    picture = a_picture(tracks=some_tracks((100.0, 200.0, 1500.0, 50.0, -120.0, 30.0), drag=0.0))
    ahead = look_ahead(0, picture, a_frame(), a_site())
    t = STEP * np.arange(len(ahead.path))
    expected = np.stack([100.0 + 50.0 * t, 200.0 - 120.0 * t, 1500.0 + 30.0 * t - 0.5 * 9.80665 * t**2], 1)
    assert np.abs(ahead.path - expected).max() < one_millimetre
    assert 30.0 <= ahead.height[-1] < 60.0


def test_a_runway_opens_again_when_the_round_turns_out_to_miss_and_stays_shut_when_it_came() -> None:
    site = a_site(zones=(a_zone(kind="runway"),))
    danger = {"impacts": some_impacts((1.0, 10.0, 0.0, 0.0)), "threats": some_threats((1, 0, 0.6, 10.0))}
    state, (is_open, *_) = airport.step(airport.start(), a_frame(2.0), a_picture(2.0, **danger), site)
    assert not is_open
    assert airport.step(state, a_frame(3.0), a_picture(3.0, impacts=danger["impacts"]), site)[1][0]
    gone, (is_open, *_) = airport.step(state, a_frame(3.0), a_picture(3.0), site)
    assert not is_open
    after, (is_open, _, lost, *_) = airport.step(gone, a_frame(11.0), a_picture(11.0), site)
    assert not is_open
    assert lost == pytest.approx(9.0 / 60.0)
    assert not airport.step(after, a_frame(10.0 + airport.INSPECTION_S - 1.0), a_picture(), site)[1][0]
    assert airport.step(after, a_frame(10.0 + airport.INSPECTION_S), a_picture(), site)[1][0]


def test_while_the_runway_is_closed_flights_wait_go_around_and_divert_and_each_counts_once() -> None:
    site = a_site(zones=(a_zone(kind="runway"),))
    danger = {"impacts": some_impacts((1.0, 10.0, 0.0, 0.0)), "threats": some_threats((1, 0, 0.6, 10.0))}
    # one on final, one that waits near by, one far off
    tracks = some_tracks((2_500.0, 0.0, 150.0, -70.0, 0.0, -4.0), (6_000.0, 0.0, 1_000.0, 100.0, 0.0, 0.0),
        (30_000.0, 0.0, 1_000.0, 90.0, 0.0, 0.0),
                         projectile=0.0)._replace(number=np.array([11, 12, 13]))
    state, shown = airport.step(airport.start(), a_frame(2.0), a_picture(2.0, tracks=tracks, **danger), site)
    assert shown[1:4] == (2, 0.0, airport.THREATENED)
    assert shown[4:] == (10.0 + airport.INSPECTION_S, 1, 0, 2)
    state, shown = airport.step(state, a_frame(11.0), a_picture(11.0, tracks=tracks), site)
    assert shown[3:] == (airport.INSPECTED, 10.0 + airport.INSPECTION_S, 1, 0, 2)
    late = airport.step(state._replace(closed_until=1e6), a_frame(3.0 + airport.PATIENCE_S), a_picture(tracks=tracks),
        site)[1]
    assert (late[1], *late[5:]) == (0, 1, 2, 2)
    assert airport.step(state, a_frame(10.0 + airport.INSPECTION_S), a_picture(tracks=tracks), site)[1][:2] == (True, 0)


def test_debris_on_the_runway_is_looked_for_before_it_opens() -> None:
    site = a_site(zones=(a_zone(kind="runway", people=0.0),))
    picture = a_picture(**a_falling_round(north=900.0, up=1500.0))
    effector = an_effector(reach_max=2500.0)
    space = corridor_of(look_ahead(0, picture, a_frame(), site), effector)
    assert space is not None
    tubes = tubes_of(heard(Aircraft.empty(), a_frame(), site), a_frame(), picture, site)
    given = clear(0, 0, space, tubes, a_frame(), picture, a_site(zones=site.zones, effectors=(effector,)))
    assert given.cleared
    order = Order(1, 0, given.t_from, given.t_to, given)
    _, shown = airport.step(airport.start(), a_frame(1.0), a_picture(1.0), site, (order,))
    near = math.hypot(*given.evidence.fallout.place[0]) <= given.evidence.fallout.radius[0]
    assert near
    assert shown[0] is False
    assert shown[4] == pytest.approx(given.t_hit + airport.SWEEP_S)
