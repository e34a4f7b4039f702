"""Laws of the rehearsal: whatever flies and whatever is said, the independent checker finds nothing to object to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import a_frame, a_picture, a_site, a_zone, an_effector, some_impacts, some_threats, some_tracks
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.messages.frame import Aircraft
from skywarden.messages.tables import join
from skywarden.rehearsal import rehearse
from skywarden.verification.drills import violations

STEP, FLIGHT, GRAVITY = 0.5, 14.0, 9.80665
KINDS = ("gun", "interceptor", "directed-energy")

places = st.tuples(st.floats(-9_000.0, 9_000.0), st.floats(-9_000.0, 9_000.0), st.floats(0.0, 4_000.0))
speeds = st.tuples(st.floats(-250.0, 250.0), st.floats(-250.0, 250.0), st.floats(-30.0, 30.0))
words = st.tuples(
    st.sampled_from(["consent", "consent", "hold", "release", "release", "weapons"]),
    st.sampled_from(["any", "all", "1", "2", "gun", "free", "hold"]),
    st.sampled_from(["Ann", "Ben", ""]))
agreed = (("consent", "any", "Ann"), ("consent", "any", "Ben"))


@st.composite
def guns(draw: st.DrawFn) -> tuple:
    kind = draw(st.sampled_from(KINDS))
    return (an_effector(
        name="gun", kind=kind, place=np.array([draw(st.floats(-600.0, 600.0)), draw(st.floats(-600.0, 600.0)), 0.0]),
        speed=float("inf") if kind == "directed-energy" else draw(st.floats(300.0, 1_000.0)),
        reach_max=draw(st.floats(800.0, 4_000.0)),
        azimuth_from=draw(st.floats(0.0, 6.2)), azimuth_width=draw(st.sampled_from([3.0, 6.283185307179586,
            6.283185307179586])),
        engagement_s=draw(st.floats(0.5, 4.0)), magazine=draw(st.integers(0, 3))),)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    guns(), st.sampled_from(["none", "one", "two"]), st.lists(st.tuples(places, speeds, st.floats(0.0, 3.0)),
        max_size=2),
    st.lists(st.tuples(places, speeds), max_size=1), st.dictionaries(st.integers(1, 24), st.lists(words, max_size=2),
        max_size=2),
    st.lists(st.sampled_from([0.3, 0.94, 0.96, 0.99, 1.0]), min_size=2, max_size=2))
def test_no_raid_traffic_or_talk_makes_it_break_a_rule(
    effectors: tuple, consent: str, traffic: list, reports: list, said: dict[int, list], sure: list[float]) -> None:
    plain = a_site(zones=(a_zone(north=500.0),), effectors=effectors)
    site = replace(plain, policy=replace(plain.policy, consent=consent))
    plan, moments = rehearse.start(site), []
    for k in range(25):
        t = k * STEP
        left = FLIGHT - t
        up, climb = 60.0 * left + 0.5 * GRAVITY * left * t, -60.0 + 0.5 * GRAVITY * (FLIGHT - 2.0 * t)
        rounds = [(e, 500.0 + 90.0 * left, up, 0.0, -90.0, climb) for e in (-50.0, 50.0)]
        tracks = some_tracks(*rounds, t=t, projectile=sure, drag=0.0)
        if traffic:
            flying = [tuple(np.array(place) + np.array(speed) * t) + speed for place, speed, _ in traffic]
            others = some_tracks(*flying, t=t, projectile=0.0)
            tracks = join(tracks, others._replace(number=10 + np.arange(len(traffic)),
                seen=t - np.array([age for _, _, age in traffic])))
        heard = Aircraft.empty(len(reports))
        if reports and k % 3 == 0:
            heard = heard._replace(
                t=np.full(len(reports), t), address=1 + np.arange(len(reports)),
                position=np.array([np.array(p) + np.array(v) * t for p, v in reports]),
                velocity=np.array([v for _, v in reports]), nacp=np.full(len(reports), 9, np.int8))
        else:
            heard = Aircraft.empty()
        frame = a_frame(t, *({0: agreed, **said}.get(k, ())), aircraft=heard)
        picture = a_picture(
            t, tracks=tracks, impacts=some_impacts((sure[0], FLIGHT, -50.0, 500.0), (sure[1], FLIGHT, 50.0, 500.0)),
            threats=some_threats((1, 0, 0.9 * sure[0], FLIGHT), (2, 0, 0.9 * sure[1], FLIGHT)))
        plan, drill = rehearse.rehearse(plan, frame, picture, site)
        assert all(order.clearance in drill.clearances and order.clearance.cleared for order in drill.orders)
        moments.append((frame, picture, drill))
    assert violations(site, moments) == []


@pytest.mark.parametrize("speed", [95.0, 105.0, 140.0])
@pytest.mark.parametrize("age", [1.5, 2.5, 3.0])
def test_an_aircraft_on_the_ground_unseen_for_a_while_is_held_to_gentle_motion_once(speed: float, age: float) -> None:
    gun = an_effector(name="gun", kind="gun", place=np.zeros(3), speed=300.0, reach_max=800.0, azimuth_from=0.0,
        azimuth_width=3.0, engagement_s=0.5, magazine=1)
    law = test_no_raid_traffic_or_talk_makes_it_break_a_rule.hypothesis.inner_test
    law((gun,), "none", [((0.0, 0.0, 0.0), (0.0, speed, 0.0), age)], [], {}, [0.96, 0.96])
