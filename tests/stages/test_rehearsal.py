"""The rehearsed interception: what may be engaged, who must agree, when everybody holds. Simulated
orders only, and never without a clearance.
"""

from __future__ import annotations

import copy
import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import a_frame, a_picture, a_radar, a_site, a_zone, an_effector, some_impacts, some_threats, some_tracks

from skywarden.messages.drill import Drill
from skywarden.messages.frame import NO_ADDRESS, Aircraft, Frame
from skywarden.messages.picture import Picture
from skywarden.messages.tables import join
from skywarden.rehearsal import rehearse
from skywarden.rehearsal.aircraft.lost import bias_of
from skywarden.rehearsal.aircraft.reachable import tubes_of
from skywarden.rehearsal.aircraft.reports import heard
from skywarden.site.model import Site
from skywarden.verification.drills import violations

STEP = 0.25
FLIGHT = 14.0       # s from first sight to impact
GRAVITY = 9.80665
one_millimetre = 1e-3


def the_site(**changes: Any) -> Site:
    """A gun 500 m from an apron."""
    policy = changes.pop("policy", {})
    plain = a_site(**{"zones": (a_zone(north=500.0),), "effectors": (an_effector(magazine=5),), **changes})
    return replace(plain, policy=replace(plain.policy, **policy))


def falling(t: float, *east: float, seen: float | None = None) -> dict[str, Any]:
    """Rounds that fall on the apron's north at FLIGHT, as they are at `t`, and what is believed of them."""
    left = FLIGHT - t
    up, climb = 60.0 * left + 0.5 * GRAVITY * left * t, -60.0 + 0.5 * GRAVITY * (FLIGHT - 2.0 * t)
    up, climb = 60.0 * left + 0.5 * GRAVITY * left * t, -60.0 + 0.5 * GRAVITY * (FLIGHT - 2.0 * t)
    rows = [(e, 500.0 + 90.0 * left, up, 0.0, -90.0, climb) for e in east]
    tracks = some_tracks(*rows, t=t, drag=0.0)
    tracks = tracks if seen is None else tracks._replace(seen=np.full(len(rows), seen))
    return {
        "tracks": tracks, "impacts": some_impacts(*[(1.0, FLIGHT, e, 500.0) for e in east]),
        "threats": some_threats(*[(k + 1, 0, 0.9, FLIGHT) for k in range(len(east))])}


class Exercise:
    """A raid of so many rounds, frame after frame, with what is said and seen beside it."""

    def __init__(self, site: Site, *east: float) -> None:
        self.site, self.east = site, east or (0.0,)
        self.plan, self.moments = rehearse.start(site), []

    def frame(
        self, t: float, *commands: tuple[str, str, str], aircraft: Aircraft | None = None, **picture: Any
    ) -> Drill:
        frame: Frame = a_frame(t, *commands, **({} if aircraft is None else {"aircraft": aircraft}))
        belief: Picture = a_picture(t, len(self.site.radars), **{**falling(t, *self.east), **picture})
        self.plan, drill = rehearse.rehearse(self.plan, frame, belief, self.site)
        self.moments.append((frame, belief, drill))
        return drill

    def run(
        self, *, t: float = 0.0, until: float = FLIGHT - 1.0,
        say: dict[float, tuple[tuple[str, str, str], ...]] | None = None, **picture: Any
    ) -> None:
        for k in range(round((until - t) / STEP)):
            now = t + k * STEP
            more = {name: value(now) if callable(value) else value for name, value in picture.items()}
            self.frame(now, *(say or {}).get(now, ()), **more)

    @property
    def orders(self) -> list[tuple[float, int, int]]:
        return [(drill.t, order.track, order.effector) for _, _, drill in self.moments for order in drill.orders]

    @property
    def reasons(self) -> set[str]:
        return {clearance.reason for _, _, drill in self.moments for clearance in drill.clearances}

    @property
    def awaiting(self) -> set[int]:
        return {track for _, _, drill in self.moments for track in drill.awaiting}

    def sound(self) -> bool:
        """Whether the independent checker finds nothing."""
        assert violations(self.site, self.moments) == []
        return True


def a_report(t: float, east: float, north: float, up: float, **columns: Any) -> Aircraft:
    return Aircraft.empty(1)._replace(
        t=np.array([t]), address=np.array([0xABCDEF]), position=np.array([[east, north, up]]),
        velocity=np.zeros((1, 3)),
        nacp=np.array([9], np.int8))._replace(**columns)


def test_a_threatening_round_is_engaged_and_the_checker_agrees() -> None:
    exercise = Exercise(the_site())
    exercise.run()
    assert [order[1:] for order in exercise.orders[:1]] == [(1, 0)]
    assert exercise.sound()
    first = next(drill for _, _, drill in exercise.moments if drill.orders)
    assert first.orders[0].clearance in first.clearances


def test_hold_means_hold() -> None:
    for site, say in (
        (the_site(policy={"weapons": "hold"}), {}), (the_site(), {0.0: (("weapons", "hold", "Ann"),)}),
        (the_site(), {0.0: (("hold", "all", "Ann"),)}),
        (the_site(), {0.0: (("hold", "gun", "Ann"),)}), (the_site(), {0.0: (("hold", "1", "Ann"),)})):
        exercise = Exercise(site)
        exercise.run(say=say)
        assert exercise.orders == []
        assert exercise.reasons == {"hold"}


def test_a_hold_released_is_a_hold_no_more() -> None:
    exercise = Exercise(the_site())
    exercise.run(say={0.0: (("hold", "all", "Ann"),), 2.0: (("release", "all", "Ann"),)})
    assert exercise.orders
    assert min(exercise.orders)[0] >= 2.0
    assert exercise.sound()


def test_words_that_mean_nothing_change_nothing() -> None:
    quiet, loud = Exercise(the_site()), Exercise(the_site())
    quiet.run()
    loud.run(say={0.0: (("weapons", "loose", "Ann"), ("hold", "moon", "Ann"), ("release", "moon", "Ann"),
        ("consent", "77", "Ann"))})
    assert loud.orders == quiet.orders


@pytest.mark.parametrize(("policy", "said", "ordered"), [
    ("none", (), True),
    ("one", (), False),
    ("one", (("consent", "1", "Ann"),), True),
    ("one", (("consent", "any", "Ann"),), True),
    ("one", (("consent", "2", "Ann"),), False),
    ("one", (("consent", "1", "  "),), False),
    ("two", (("consent", "1", "Ann"),), False),
    ("two", (("consent", "1", "Ann"), ("consent", "1", "ANN ")), False),
    ("two", (("consent", "1", "Ann"), ("consent", "any", "Ben")), True),
])
def test_as_many_different_people_must_agree_as_the_policy_says(
    policy: str, said: tuple[tuple[str, str, str], ...], ordered: bool
) -> None:
    exercise = Exercise(the_site(policy={"consent": policy}))
    exercise.run(say={1.0: said})
    assert bool(exercise.orders) is ordered
    assert exercise.sound()
    assert exercise.awaiting == (set() if policy == "none" else {1})


def test_a_consent_lapses() -> None:
    exercise = Exercise(the_site(policy={"consent": "one"}))
    exercise.frame(-31.0, ("consent", "any", "Ann"), tracks=some_tracks(), impacts=some_impacts(),
        threats=some_threats())
    exercise.run()
    assert exercise.orders == []


def test_only_what_is_surely_a_projectile_is_engaged() -> None:
    for sure in (0.94, 0.5, math.nan):
        exercise = Exercise(the_site())
        exercise.run(tracks=lambda t, sure=sure: falling(t, 0.0)["tracks"]._replace(kind=np.array([[sure, 1.0 - sure,
            0.0]])))
        assert exercise.orders == []


def test_what_answers_with_an_address_is_never_engaged() -> None:
    """However much it falls like a round."""
    exercise = Exercise(the_site())
    exercise.run(tracks=lambda t: falling(t, 0.0)["tracks"]._replace(address=np.array([0xABCDEF])))
    assert exercise.orders == []


def test_what_threatens_nothing_is_let_fall() -> None:
    exercise = Exercise(the_site())
    exercise.run(threats=some_threats((1, 0, 0.1, FLIGHT)))
    assert exercise.orders == []
    assert exercise.reasons == {"no-threat"}


def test_a_silent_or_doubtful_radar_stops_everything() -> None:
    for state in (1, 2):
        exercise = Exercise(the_site())
        exercise.run(health=a_picture().health._replace(radars=np.array([state], np.int8)))
        assert exercise.orders == []
        assert "sensors" in exercise.reasons


def test_one_silent_radar_of_two_is_enough() -> None:
    exercise = Exercise(the_site(radars=(a_radar(), a_radar(name="second"))))
    exercise.run(health=a_picture().health._replace(radars=np.array([0, 1], np.int8)))
    assert exercise.orders == []


def test_nothing_is_engaged_low_over_people() -> None:
    site = the_site(zones=(a_zone(north=500.0), a_zone("town", north=800.0, half=900.0)),
        effectors=(an_effector(reach_max=300.0),))
    exercise = Exercise(site)
    exercise.run()
    assert exercise.orders == []


def test_the_magazine_empties() -> None:
    site = the_site(effectors=(an_effector(magazine=1, engagement_s=0.5),))
    exercise = Exercise(site, -60.0, 0.0, 60.0)
    exercise.run()
    assert len(exercise.orders) == 1
    assert "empty" in exercise.reasons
    assert exercise.sound()


def test_an_empty_gun_does_not_stand_in_a_full_ones_way() -> None:
    site = the_site(effectors=(an_effector(magazine=0), an_effector(name="second")))
    exercise = Exercise(site)
    exercise.run()
    assert exercise.orders
    assert {order[2] for order in exercise.orders} == {1}
    assert exercise.sound()


def test_one_round_is_engaged_by_one_effector_at_a_time() -> None:
    exercise = Exercise(the_site(effectors=(an_effector(), an_effector(name="second",
        place=np.array([50.0, 0.0, 0.0])))))
    exercise.run()
    assert len({order[0] for order in exercise.orders}) == len(exercise.orders)
    assert exercise.orders
    assert exercise.sound()


def test_two_rounds_are_shared_between_two_effectors() -> None:
    exercise = Exercise(the_site(effectors=(an_effector(), an_effector(name="second"))), -60.0, 60.0)
    exercise.run()
    assert {order[1] for order in exercise.orders} == {1, 2}
    assert {order[2] for order in exercise.orders} == {0, 1}
    assert exercise.sound()


def test_a_round_that_flies_on_is_engaged_again_after_the_window() -> None:
    exercise = Exercise(the_site(effectors=(an_effector(engagement_s=1.0, reach_max=1_000.0),)))
    exercise.run()
    windows = [order for _, _, drill in exercise.moments for order in drill.orders]
    assert all(b.t_from >= a.t_to for a, b in itertools.pairwise(windows))
    assert exercise.sound()


def test_nothing_is_engaged_out_of_the_sector() -> None:
    exercise = Exercise(the_site(effectors=(an_effector(azimuth_from=math.radians(90.0),
        azimuth_width=math.radians(180.0)),)))
    exercise.run()
    assert exercise.orders == []
    assert "arc" in exercise.reasons


def test_nothing_of_an_engagement_points_into_a_no_fire_arc() -> None:
    """The round of `falling` comes from the north: an arc there forbids it, one beside does not,
    one a cone's width off it does.
    """
    for begin, width, orders in ((-10.0, 30.0, 0), (20.0, 40.0, 1), (0.2, 5.0, 0), (90.0, 265.0, 1)):
        exercise = Exercise(the_site(effectors=(an_effector(no_fire=((math.radians(begin), math.radians(width)),)),)))
        exercise.run()
        assert (len(exercise.orders) > 0) == orders, begin
        assert orders or "arc" in exercise.reasons
        assert exercise.sound()


def beside(t: float, aircraft: tuple[float, ...], seen: float | None = None) -> Any:
    """The round of `falling` and an aircraft."""
    when = np.array([t if seen is None else seen])
    other = some_tracks(aircraft, t=t, projectile=0.0)._replace(number=np.array([9]), seen=when)
    return join(falling(t, 0.0)["tracks"], other)


def test_an_aircraft_in_the_way_stops_it_and_is_named() -> None:
    exercise = Exercise(the_site())
    exercise.run(tracks=lambda t: beside(t, (0.0, 900.0, 500.0, 30.0, 0.0, 0.0)))
    assert exercise.orders == []
    refused = [c for _, _, drill in exercise.moments for c in drill.clearances if c.reason == "aircraft"]
    assert refused
    assert {c.aircraft for c in refused} == {9}
    assert all(c.distance < 300.0 for c in refused)


def test_something_unknown_in_the_way_stops_it_too() -> None:
    exercise = Exercise(the_site())
    exercise.run(tracks=lambda t: beside(t, (0.0, 900.0, 500.0, 0.0, 0.0, 0.0))._replace(kind=np.array([[1.0, 0.0,
        0.0], [0.5, 0.1, 0.4]])))
    assert exercise.orders == []
    assert "unknown" in exercise.reasons


def test_an_aircraft_far_off_stops_nothing_until_it_is_lost_from_sight() -> None:
    far = (6_000.0, -3_000.0, 2_000.0, 0.0, 0.0, 0.0)
    seen, lost = Exercise(the_site()), Exercise(the_site())
    seen.run(tracks=lambda t: beside(t, far))
    lost.run(tracks=lambda t: beside(t, far, seen=t - 40.0))
    assert seen.orders
    assert seen.sound()
    assert lost.orders == []


@pytest.mark.parametrize("columns", [
    {}, {"position": np.array([[0.0, 900.0, math.nan]])}, {"velocity": np.full((1, 3), math.nan)},
    {"on_ground": np.ones(1, bool)},
    {"address": np.array([NO_ADDRESS])}, {"nacp": np.array([-1], np.int8)},
], ids=["plain", "no height", "no velocity", "on the ground", "no address", "no accuracy"])
def test_a_report_no_track_belongs_to_stops_it(columns: dict[str, Any]) -> None:
    exercise = Exercise(the_site())
    exercise.run(aircraft=lambda t: a_report(t, 0.0, 900.0, 500.0, **columns))
    assert exercise.orders == []


def test_a_report_heard_once_is_not_forgotten_at_once() -> None:
    exercise = Exercise(the_site())
    exercise.run(aircraft=lambda t: a_report(t, 0.0, 900.0, 500.0) if t == 0.0 else Aircraft.empty())
    assert all(t >= 10.0 for t, _, _ in exercise.orders)


def test_a_report_without_a_place_neither_fails_nor_clears_the_way() -> None:
    exercise = Exercise(the_site())
    exercise.run(aircraft=lambda t: a_report(t, math.nan, math.nan, math.nan))
    assert exercise.orders
    assert exercise.sound()


def test_a_site_without_effectors_orders_nothing() -> None:
    exercise = Exercise(the_site(effectors=()))
    exercise.run()
    assert exercise.orders == []
    assert exercise.reasons <= {"reach"}


def test_the_same_frames_give_the_same_drills_and_nothing_handed_in_changes() -> None:
    one, other = Exercise(the_site(), -60.0, 60.0), Exercise(the_site(), -60.0, 60.0)
    one.run()
    other.run()
    assert [drill for _, _, drill in one.moments] == [drill for _, _, drill in other.moments]
    frame, belief, _ = one.moments[8]
    before = rehearse.start(one.site)
    kept = copy.deepcopy((before, frame, belief))
    rehearse.rehearse(before, frame, belief, one.site)
    for a, b in zip(_leaves((before, frame, belief)), _leaves(kept), strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def _leaves(value: Any) -> list[Any]:
    return [leaf for part in value for leaf in _leaves(part)] if isinstance(value, tuple) else [value]


def test_a_runway_under_threat_is_closed_and_the_minutes_are_counted() -> None:
    exercise = Exercise(the_site(zones=(a_zone("runway", north=500.0, kind="runway", people=0.0),)))
    exercise.run(until=10.0)
    airport = exercise.moments[-1][2].airport
    assert not airport.runway_open
    assert airport.minutes_lost == pytest.approx(9.75 / 60.0, abs=0.01)
    nothing = {"tracks": some_tracks(), "impacts": some_impacts(), "threats": some_threats()}
    exercise.frame(FLIGHT + 3_600.0, **nothing)
    assert exercise.moments[-1][2].airport.runway_open


RUNWAY = a_zone("runway", kind="runway", people=0.0, polygon=np.array([[-130.0, -1_500.0], [-70.0, -1_500.0],
    [-70.0, 1_500.0], [-130.0, 1_500.0]]))


def landing(t: float, braking: float, down: float) -> np.ndarray:
    """State (6,) of a silent aircraft that comes over the southern threshold at t = 0 with 65 m/s,
    and brakes from `down` on.
    """
    flown, rolls = min(t, down), min(max(t - down, 0.0), 65.0 / braking)
    north = -1_500.0 + 65.0 * flown + 65.0 * rolls - 0.5 * braking * rolls**2
    return np.array([-100.0, north, max(15.0 - 3.0 * t, 0.0), 0.0, 65.0 - braking * rolls, -3.0 if t < 5.0 else 0.0])


def with_one_more(t: float, state: Any, **columns: Any) -> dict[str, Any]:
    """The round, and another track beside it."""
    picture = falling(t, 0.0)
    more = some_tracks(tuple(state), t=t, projectile=0.0)
    both = join(picture["tracks"], more._replace(number=np.array([7]), **columns))
    return {**picture, "tracks": both}


def the_tubes(exercise: Exercise) -> Any:
    """What counts as an aircraft after the newest frame."""
    frame, picture, _ = exercise.moments[-1]
    return tubes_of(heard(exercise.plan.reports, frame, exercise.site), frame, picture, exercise.site,
        exercise.plan.known)


@pytest.mark.parametrize(("braking", "down"), [(1.0, 12.0), (1.8, 5.0), (3.5, 2.0)])
def test_an_aircraft_lost_low_on_its_final_is_somewhere_on_the_runway_until_it_must_have_left_it(
    braking: float, down: float
) -> None:
    exercise = Exercise(the_site(zones=(a_zone(north=500.0), RUNWAY)))
    exercise.frame(0.0, **with_one_more(0.0, landing(0.0, braking, down)))
    for t in range(1, 74, 3):
        exercise.frame(float(t), **falling(min(float(t), 10.0), 0.0))
        tubes, there = the_tubes(exercise), landing(float(t), braking, down)[:3]
        assert set(tubes.number.tolist()) == {7}
        away = np.linalg.norm(tubes.position + tubes.velocity * (t - tubes.t)[:, None] - there, axis=1)
        assert (away <= tubes.extra + 25.0).any(), (t, away.min())
    exercise.frame(76.0, **falling(10.0, 0.0))
    assert the_tubes(exercise).number.size == 0


def test_what_is_lost_in_full_view_or_surely_fell_is_forgotten_and_a_helicopter_lost_low_counts_for_a_while() -> None:
    for state, counts in (((900.0, 900.0, 700.0, 40.0, 0.0, -3.0), False), ((900.0, 900.0, 15.0, 20.0, 0.0, -60.0),
            False),
                          ((900.0, 900.0, 12.0, 5.0, 0.0, -1.0), True)):
        exercise = Exercise(the_site())
        exercise.frame(0.0, **with_one_more(0.0, state))
        exercise.frame(8.0, **falling(8.0, 0.0))
        assert the_tubes(exercise).number.tolist() == [7] * counts
        exercise.frame(21.0, **falling(8.0, 0.0))
        assert the_tubes(exercise).number.size == 0


def test_nothing_is_engaged_over_an_aircraft_that_landed_unseen_and_the_checker_asks_the_same() -> None:
    exercise = Exercise(the_site(zones=(a_zone(north=500.0), RUNWAY)))
    exercise.frame(0.0, **with_one_more(0.0, landing(0.0, 1.8, 5.0)))
    exercise.run(t=0.25)
    assert exercise.orders == []
    assert "aircraft" in exercise.reasons
    free = Exercise(exercise.site)
    free.run(t=0.25)
    assert free.orders
    assert free.sound()
    # the same orders with the aircraft's track before them
    found = {v.rule for v in violations(exercise.site, [exercise.moments[0], *free.moments])}
    assert found >= {"aircraft", "evidence"}


def after_the_first(beside: float, **columns: Any) -> Exercise:
    """A raid; from 1.5 s after its round is met a new track, so far beside the place of the meeting, drifting down."""
    exercise = Exercise(the_site(effectors=(an_effector(magazine=5),
        replace(an_effector(magazine=5, place=np.array([80.0, 0.0, 0.0])), name="other"))))
    order, where = None, np.zeros(3)
    for k in range(round(12.0 / STEP)):
        t = k * STEP
        picture = falling(t, 0.0)
        if order is not None and t >= order.clearance.t_hit + 1.5:
            since = t - order.clearance.t_hit
            state = (where[0] + beside, where[1] - 10.0 * since, where[2] - 30.0 * since, 0.0, -10.0, -30.0)
            more = some_tracks(state, t=t, projectile=0.0)._replace(**{"number": np.array([7]),
                "born": np.array([order.clearance.t_hit + 0.5]), **columns})
            picture["tracks"] = join(picture["tracks"], more)
        drill = exercise.frame(t, **picture)
        if drill.orders and order is None:
            order = drill.orders[0]
            where = falling(order.clearance.t_hit, 0.0)["tracks"].state[0, :3]
    assert order is not None
    return exercise


def test_a_piece_of_what_was_stopped_is_no_aircraft_because_none_was_there() -> None:
    exercise = after_the_first(40.0)
    assert 7 not in the_tubes(exercise).number.tolist()
    assert exercise.plan.known.fragments
    assert the_tubes(exercise).assumed > 0.0
    assert exercise.sound()


@pytest.mark.parametrize(("beside", "columns"), [
    (700.0, {}), (40.0, {"address": np.array([0xABCDEF])}), (40.0, {"born": np.array([-20.0])}),
    (40.0, {"covariance": np.eye(7)[None] * 2_000.0})])
def test_what_may_have_come_from_elsewhere_or_was_there_before_or_has_an_address_goes_on_counting(
    beside: float, columns: dict[str, Any]
) -> None:
    exercise = after_the_first(beside, **columns)
    assert 7 in the_tubes(exercise).number.tolist()
    assert exercise.plan.known.fragments == ()


def test_a_claim_that_a_radar_confirmed_goes_on_being_backed_where_none_can_see_it_but_not_after_a_leap_or_silence(

) -> None:
    site = the_site()
    up, down = (2_000.0, 900.0, 400.0), (2_000.0, 900.0, 3.0)

    def tubes(*said: tuple[float, tuple[float, float, float]], seen: bool = True) -> Any:
        exercise = Exercise(site)
        own = {"address": np.array([0xABCDEF])}
        exercise.frame(0.0, aircraft=a_report(0.0, *up), **(with_one_more(0.0, (*up, 0.0, 0.0, 0.0), **own) if seen
            else {}))
        for t, place in said:
            exercise.frame(t, aircraft=a_report(t, *place), **falling(min(t, 10.0), 0.0))
        return the_tubes(exercise)

    way = [(2.0 * k, (2_000.0, 900.0, max(400.0 - 50.0 * k, 3.0))) for k in range(1, 11)]
    there = tubes(*way)
    assert there.backed.tolist() == [True]
    assert there.trusting == 1
    assert there.unchecked == pytest.approx(20.0)
    assert tubes(*way, seen=False).backed.tolist() == [False]
    assert tubes(*way[:3]).backed.tolist() == [False]       # still where the radar would see it
    assert tubes(*way, (26.0, down)).backed.tolist() == [False]
    assert tubes(*way, (21.0, (2_600.0, 900.0, 3.0))).backed.tolist() == [False]


def test_a_report_that_says_what_a_radar_has_just_seen_is_not_an_aircraft_more() -> None:
    exercise = Exercise(the_site())
    place = (3_000.0, 900.0, 400.0)
    own = with_one_more(0.0, (*place, 0.0, 0.0, 0.0), address=np.array([0xABCDEF]))
    exercise.frame(0.0, aircraft=a_report(0.0, 3_020.0, 900.0, 400.0), **own)
    assert the_tubes(exercise).number.tolist() == [7]
    exercise.frame(0.0, aircraft=a_report(0.0, 3_220.0, 900.0, 400.0), **own)
    assert the_tubes(exercise).number.tolist() == [7, -1]


def test_what_rolls_on_the_ground_reaches_less_far_than_what_flies_and_no_less_than_half_a_g_takes_it() -> None:
    def reach(up: float, **columns: Any) -> Any:
        exercise = Exercise(the_site())
        place = (3_000.0, 900.0, up)
        exercise.frame(0.0, aircraft=a_report(0.0, *place, **columns), **with_one_more(0.0, (*place, 0.0, 0.0, 0.0),
            address=np.array([0x123456])))
        return the_tubes(exercise)

    rolls, flies, says = reach(3.0), reach(300.0), reach(3.0, on_ground=np.ones(1, bool))
    assert rolls.seen[0] > flies.seen[0] == 0.0
    assert rolls.extra[0] > flies.extra[0]
    # a claim that no radar backs gains nothing by its word
    assert says.seen[1] == flies.seen[1] == 0.0
    for t in np.arange(0.0, 12.0, 0.1).tolist():
        soft = 2.5 * t * t if t <= 4.0 else 2.5 * 16.0 + 20.0 * (t - 4.0) + 7.5 * (t - 4.0) ** 2
        assert rolls.extra[0] - bias_of(rolls.position[:1], a_site())[0] + 7.5 * max(t - rolls.seen[0],
            0.0) ** 2 >= soft - one_millimetre
