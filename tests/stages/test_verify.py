"""The independent checker: silent about good drills, loud about each kind of forged one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import a_frame, a_picture, a_site, a_zone, an_effector, some_impacts, some_threats, some_tracks

from skywarden.messages.drill import Airport, Clearance, Drill, Order
from skywarden.messages.frame import Aircraft
from skywarden.messages.tables import join
from skywarden.rehearsal.verify import violations
from skywarden.site.model import Site

FALLING = (0.0, 1_500.0, 1_200.0, 0.0, -100.0, -100.0)      # a round 12 s from an apron, a gun beside it
NOW = 10.0


def the_site(**policy: Any) -> Site:
    plain = a_site(zones=(a_zone(north=300.0),), effectors=(an_effector(magazine=3),))
    return replace(plain, policy=replace(plain.policy, **policy))


def a_clearance(t: float = NOW, track: int = 1, **changes: Any) -> Clearance:
    return replace(Clearance(track, 0, t + 1.0, t + 8.0, True, "clear", math.nan, -1, math.inf), **changes)


def a_drill(t: float = NOW, clearance: Clearance | None = None, ordered: bool = True) -> Drill:
    c = a_clearance(t) if clearance is None else clearance
    orders = (Order(c.track, c.effector, c.t_from, c.t_to, c),) if ordered else ()
    return Drill(t, "free", (c,), orders, (), Airport(True, 0, 0.0))


def the_picture(t: float = NOW, **changes: Any) -> Any:
    tracks = some_tracks(FALLING, t=t)
    return a_picture(t, tracks=tracks, impacts=some_impacts((1.0, t + 12.0, 0.0, 300.0)), threats=some_threats((1, 0, 0.8, t + 12.0)))._replace(**changes)


def rules(site: Site, *moments: Any) -> set[str]:
    return {violation.rule for violation in violations(site, moments)}


def an_airliner(*state: float, t: float = NOW, seen: float | None = None) -> Any:
    """The falling round, and an aircraft beside it."""
    tracks = join(some_tracks(FALLING, t=t), some_tracks(state, t=t, projectile=0.0))  # type: ignore[arg-type]
    return tracks._replace(number=np.array([1, 2]), seen=np.array([t, t if seen is None else seen]))


def a_report(east: float, north: float, up: float, **columns: Any) -> Aircraft:
    return Aircraft.empty(1)._replace(
        t=np.array([NOW]), address=np.array([0xABCDEF]), position=np.array([[east, north, up]]), velocity=np.array([[100.0, 0.0, 0.0]]),
        nacp=np.array([9], np.int8))._replace(**columns)


def test_a_sound_drill_passes() -> None:
    assert violations(the_site(), [(a_frame(NOW), the_picture(), a_drill())]) == []


def test_a_live_record_has_nothing_to_check() -> None:
    assert violations(the_site(), [(a_frame(NOW), the_picture(), None)]) == []


def test_a_refusal_is_never_a_violation() -> None:
    refused = a_clearance(cleared=False, reason="aircraft")
    assert violations(the_site(), [(a_frame(NOW), a_picture(NOW), a_drill(clearance=refused, ordered=False))]) == []


def test_an_aircraft_in_the_line_of_fire_is_named() -> None:
    picture = the_picture(tracks=an_airliner(-300.0, 600.0, 500.0, 70.0, 0.0, 0.0))
    found = violations(the_site(), [(a_frame(NOW), picture, a_drill(ordered=False))])
    assert [(v.rule, v.track, v.effector) for v in found] == [("aircraft", 1, 0)]
    assert "track 2" in found[0].what


def test_an_aircraft_that_flies_away_is_not() -> None:
    assert rules(the_site(), (a_frame(NOW), the_picture(tracks=an_airliner(9_000.0, 0.0, 3_000.0, 200.0, 0.0, 0.0)), a_drill())) == set()


def test_an_aircraft_not_seen_for_long_may_be_anywhere_near() -> None:
    far = (2_600.0, 600.0, 500.0, 0.0, 0.0, 0.0)
    assert rules(the_site(), (a_frame(NOW), the_picture(tracks=an_airliner(*far)), a_drill())) == set()
    assert rules(the_site(), (a_frame(NOW), the_picture(tracks=an_airliner(*far, seen=NOW - 12.0)), a_drill())) == {"aircraft"}


def test_a_raw_report_counts_where_no_track_has_taken_it_over() -> None:
    near, far = a_report(-300.0, 600.0, 500.0), a_report(9_000.0, 600.0, 500.0)
    assert rules(the_site(), (a_frame(NOW, aircraft=near), the_picture(), a_drill())) == {"aircraft"}
    assert rules(the_site(), (a_frame(NOW, aircraft=far), the_picture(), a_drill())) == set()


def test_a_report_of_unknown_height_may_be_at_any() -> None:
    assert rules(the_site(), (a_frame(NOW, aircraft=a_report(-300.0, 600.0, math.nan)), the_picture(), a_drill())) == {"aircraft"}


def test_a_report_of_the_frame_before_is_not_forgotten() -> None:
    before = (a_frame(NOW - 1.0, aircraft=a_report(-300.0, 600.0, 500.0, t=np.array([NOW - 1.0]))), a_picture(NOW - 1.0), None)
    assert rules(the_site(), before, (a_frame(NOW), the_picture(), a_drill())) == {"aircraft"}


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("projectile", {"tracks": some_tracks(FALLING, t=NOW, projectile=0.94)}),
        ("projectile", {"tracks": some_tracks(FALLING, t=NOW)._replace(address=np.array([0xABCDEF]))}),
        ("threat", {"threats": some_threats((1, 0, 0.1, NOW + 12.0))}),
        ("unknown", {"tracks": some_tracks(FALLING, t=NOW)._replace(number=np.array([7]))}),
        ("sensors", {"health": a_picture().health._replace(radars=np.ones(1, np.int8))}),
        ("reach", {"tracks": some_tracks((0.0, 9_000.0, 4_000.0, 0.0, -100.0, -100.0), t=NOW), "impacts": some_impacts((1.0, NOW + 60.0, 0.0, 300.0))}),
    ])
def test_each_forged_belief_is_found(rule: str, changes: dict[str, Any]) -> None:
    assert rule in rules(the_site(), (a_frame(NOW), the_picture(**changes), a_drill()))


def test_a_window_in_the_past_is_found() -> None:
    assert "clearance" in rules(the_site(), (a_frame(NOW), the_picture(), a_drill(clearance=a_clearance(t_from=NOW - 3.0))))


def test_a_shot_out_of_the_sector_is_found() -> None:
    site = replace(the_site(), effectors=(an_effector(azimuth_from=math.radians(90.0), azimuth_width=math.radians(90.0)),))
    assert rules(site, (a_frame(NOW), the_picture(), a_drill())) == {"sector"}


def test_an_interception_low_over_people_is_found() -> None:
    low = the_picture(
        tracks=some_tracks((0.0, 400.0, 260.0, 0.0, -10.0, -100.0), t=NOW), impacts=some_impacts((1.0, NOW + 2.5, 0.0, 380.0)),
        threats=some_threats((1, 0, 0.8, NOW + 2.5)))
    assert "fallout" in rules(the_site(), (a_frame(NOW), low, a_drill(ordered=False)))


def test_an_order_whose_clearance_was_never_recorded_is_found() -> None:
    forged = a_drill()._replace(clearances=())
    assert rules(the_site(), (a_frame(NOW), the_picture(), forged)) == {"clearance"}


def test_orders_under_hold_are_found() -> None:
    said = [("weapons", "hold", "Ann"), ("hold", "all", "Ann"), ("hold", "gun", "Ann"), ("hold", "1", "Ann")]
    for words in said:
        assert rules(the_site(), (a_frame(NOW, words), the_picture(), a_drill())) == {"hold"}
    for words in said[1:]:
        before = (a_frame(NOW - 1.0, words), a_picture(NOW - 1.0), None)
        assert rules(the_site(), before, (a_frame(NOW, ("release", words[1], "Ann")), the_picture(), a_drill())) == set()
    assert rules(the_site(weapons="hold"), (a_frame(NOW), the_picture(), a_drill())) == {"hold"}


def test_orders_without_the_consent_asked_for_are_found() -> None:
    moment = the_picture(), a_drill()
    ann, again, ben = ("consent", "1", "Ann"), ("consent", "any", "ann "), ("consent", "any", "Ben")
    assert rules(the_site(consent="one"), (a_frame(NOW), *moment)) == {"consent"}
    assert rules(the_site(consent="one"), (a_frame(NOW, ("consent", "2", "Ann")), *moment)) == {"consent"}
    assert rules(the_site(consent="one"), (a_frame(NOW, ann), *moment)) == set()
    assert rules(the_site(consent="two"), (a_frame(NOW, ann, again), *moment)) == {"consent"}
    assert rules(the_site(consent="two"), (a_frame(NOW, ann, ben), *moment)) == set()
    old = (a_frame(NOW - 31.0, ann), a_picture(NOW - 31.0), None)
    assert rules(the_site(consent="one"), old, (a_frame(NOW), *moment)) == {"consent"}


def test_more_orders_than_the_magazine_holds_are_found() -> None:
    moments = [(a_frame(NOW + 20.0 * k), the_picture(NOW + 20.0 * k), a_drill(NOW + 20.0 * k)) for k in range(4)]
    assert rules(the_site(), *moments[:3]) == set()
    assert rules(the_site(), *moments) == {"magazine"}


def test_two_orders_at_once_are_found() -> None:
    moments = [(a_frame(t), the_picture(t), a_drill(t)) for t in (NOW, NOW + 1.0)]
    assert rules(the_site(), *moments) == {"busy", "twice"}
