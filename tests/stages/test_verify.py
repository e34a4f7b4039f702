"""The independent checker: silent about good drills, loud about each kind of forged one."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_frame, a_picture, a_radar, a_site, a_zone, an_effector, some_impacts, some_threats, some_tracks
from typer.testing import CliRunner

from skywarden.cli import app
from skywarden.messages.drill import NO_EVIDENCE, Airport, Clearance, Drill, Order
from skywarden.messages.frame import Aircraft
from skywarden.messages.moment import Moment
from skywarden.messages.tables import join, take
from skywarden.messages.truth import Truth
from skywarden.record.header import Header
from skywarden.record.writer import Recorder
from skywarden.rehearsal.aircraft.reachable import tubes_of
from skywarden.rehearsal.aircraft.reports import heard, remembered
from skywarden.rehearsal.clearance import clear
from skywarden.rehearsal.corridor import corridor_of, look_ahead
from skywarden.site.load import load as load_site
from skywarden.site.model import Site
from skywarden.verification.drills import violations

FALLING = (0.0, 1_500.0, 1_200.0, 0.0, -100.0, -100.0)      # a round 12 s from an apron, a gun beside it
NOW = 10.0


def the_site(**policy: Any) -> Site:
    plain = a_site(zones=(a_zone(north=300.0),), effectors=(an_effector(magazine=3),))
    return replace(plain, policy=replace(plain.policy, **policy))


def asked(site: Site, frame: Any, picture: Any, row: int = 0, effector: int = 0) -> Clearance | None:
    """The answer to one threat and one effector; None where it is out of reach."""
    space = corridor_of(look_ahead(row, picture, frame, site), site.effectors[effector])
    tubes = tubes_of(heard(remembered(Aircraft.empty(), frame), frame, site), frame, picture, site)
    return None if space is None else clear(row, effector, space, tubes, frame, picture, site)


def a_clearance(t: float = NOW, **changes: Any) -> Clearance:
    """As it is given when nothing else flies."""
    given = asked(the_site(), a_frame(t), the_picture(t))
    assert given is not None
    assert given.cleared, given.reason
    return replace(given, **changes)


def a_drill(t: float = NOW, clearance: Clearance | None = None, ordered: bool = True) -> Drill:
    c = a_clearance(t) if clearance is None else clearance
    orders = (Order(c.track, c.effector, c.t_from, c.t_to, c),) if ordered else ()
    return Drill(t, "free", (c,), orders, (), Airport(True, 0, 0.0))


def the_picture(t: float = NOW, **changes: Any) -> Any:
    tracks = some_tracks(FALLING, t=t)
    return a_picture(t, tracks=tracks, impacts=some_impacts((1.0, t + 12.0, 0.0, 300.0)),
        threats=some_threats((1, 0, 0.8, t + 12.0)))._replace(**changes)


def rules(site: Site, *moments: Any) -> set[str]:
    """The rules broken, beside that the evidence is of another picture."""
    return {violation.rule for violation in violations(site, moments)} - {"evidence"}


def an_airliner(*state: float, t: float = NOW, seen: float | None = None) -> Any:
    """The falling round, and an aircraft beside it."""
    tracks = join(some_tracks(FALLING, t=t), some_tracks(state, t=t, projectile=0.0))  # type: ignore[arg-type]
    return tracks._replace(number=np.array([1, 2]), seen=np.array([t, t if seen is None else seen]))


def a_report(east: float, north: float, up: float, **columns: Any) -> Aircraft:
    return Aircraft.empty(1)._replace(
        t=np.array([NOW]), address=np.array([0xABCDEF]), position=np.array([[east, north, up]]),
        velocity=np.array([[100.0, 0.0, 0.0]]),
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
    found = [v for v in violations(the_site(), [(a_frame(NOW), picture, a_drill(ordered=False))])
        if v.rule != "evidence"]
    assert [(v.rule, v.track, v.effector) for v in found] == [("aircraft", 1, 0)]
    assert "track 2" in found[0].what


def test_an_aircraft_that_flies_away_is_not() -> None:
    assert rules(the_site(), (a_frame(NOW), the_picture(tracks=an_airliner(9_000.0, 0.0, 3_000.0, 200.0, 0.0, 0.0)),
        a_drill())) == set()


def test_an_aircraft_not_seen_for_long_may_be_anywhere_near() -> None:
    far = (2_600.0, 600.0, 500.0, 0.0, 0.0, 0.0)
    assert rules(the_site(), (a_frame(NOW), the_picture(tracks=an_airliner(*far)), a_drill())) == set()
    assert rules(the_site(), (a_frame(NOW), the_picture(tracks=an_airliner(*far, seen=NOW - 12.0)),
        a_drill())) == {"aircraft"}


def test_a_raw_report_counts_where_no_track_has_taken_it_over() -> None:
    near, far = a_report(-300.0, 600.0, 500.0), a_report(9_000.0, 600.0, 500.0)
    assert rules(the_site(), (a_frame(NOW, aircraft=near), the_picture(), a_drill())) == {"aircraft"}
    assert rules(the_site(), (a_frame(NOW, aircraft=far), the_picture(), a_drill())) == set()


def test_a_report_of_unknown_height_may_be_at_any() -> None:
    assert rules(the_site(), (a_frame(NOW, aircraft=a_report(-300.0, 600.0, math.nan)), the_picture(),
        a_drill())) == {"aircraft"}


def test_a_report_of_the_frame_before_is_not_forgotten() -> None:
    before = (a_frame(NOW - 1.0, aircraft=a_report(-300.0, 600.0, 500.0, t=np.array([NOW - 1.0]))),
        a_picture(NOW - 1.0), None)
    assert rules(the_site(), before, (a_frame(NOW), the_picture(), a_drill())) == {"aircraft"}


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("projectile", {"tracks": some_tracks(FALLING, t=NOW, projectile=0.94)}),
        ("projectile", {"tracks": some_tracks(FALLING, t=NOW)._replace(address=np.array([0xABCDEF]))}),
        ("threat", {"threats": some_threats((1, 0, 0.1, NOW + 12.0))}),
        ("unknown", {"tracks": some_tracks(FALLING, t=NOW)._replace(number=np.array([7]))}),
        ("sensors", {"health": a_picture().health._replace(radars=np.ones(1, np.int8))}),
        ("reach", {"tracks": some_tracks((0.0, 9_000.0, 4_000.0, 0.0, -100.0, -100.0), t=NOW),
            "impacts": some_impacts((1.0, NOW + 60.0, 0.0, 300.0))}),
    ])
def test_each_forged_belief_is_found(rule: str, changes: dict[str, Any]) -> None:
    assert rule in rules(the_site(), (a_frame(NOW), the_picture(**changes), a_drill()))


def test_a_window_in_the_past_is_found() -> None:
    assert "clearance" in rules(the_site(), (a_frame(NOW), the_picture(),
        a_drill(clearance=a_clearance(t_from=NOW - 3.0))))


def test_a_shot_out_of_the_sector_is_found() -> None:
    site = replace(the_site(), effectors=(an_effector(azimuth_from=math.radians(90.0),
        azimuth_width=math.radians(90.0)),))
    assert rules(site, (a_frame(NOW), the_picture(), a_drill())) == {"sector"}


@pytest.mark.parametrize(("arc", "found"), [((-0.1, 0.2), {"sector"}), ((0.2, 1.0), set()), ((1.0, 5.28), {"sector"}),
    ((1.0, 5.0), set())])
def test_a_shot_into_a_no_fire_arc_is_found(arc: tuple[float, float], found: set[str]) -> None:
    site = replace(the_site(), effectors=(an_effector(no_fire=(arc,)),))
    assert rules(site, (a_frame(NOW), the_picture(), a_drill())) == found


def test_an_interception_low_over_people_is_found() -> None:
    low = the_picture(
        tracks=some_tracks((0.0, 480.0, 320.0, 0.0, -10.0, -90.0), t=NOW), impacts=some_impacts((1.0, NOW + 3.2, 0.0,
            380.0)),
        threats=some_threats((1, 0, 0.8, NOW + 3.2)))
    nobody = asked(replace(the_site(), zones=()), a_frame(NOW), low)
    assert nobody is not None
    assert nobody.cleared
    assert "fallout" in rules(the_site(), (a_frame(NOW), low, a_drill(clearance=nobody, ordered=False)))
    there = asked(the_site(), a_frame(NOW), low)
    assert there is not None
    assert there.reason == "fallout"


def test_an_order_whose_clearance_was_never_recorded_is_found() -> None:
    forged = a_drill()._replace(clearances=())
    assert rules(the_site(), (a_frame(NOW), the_picture(), forged)) == {"clearance"}


def test_orders_under_hold_are_found() -> None:
    said = [("weapons", "hold", "Ann"), ("hold", "all", "Ann"), ("hold", "gun", "Ann"), ("hold", "1", "Ann")]
    for words in said:
        assert rules(the_site(), (a_frame(NOW, words), the_picture(), a_drill())) == {"hold"}
    for words in said[1:]:
        before = (a_frame(NOW - 1.0, words), a_picture(NOW - 1.0), None)
        assert rules(the_site(), before, (a_frame(NOW, ("release", words[1], "Ann")), the_picture(),
            a_drill())) == set()
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


def a_scene(rng: np.random.Generator) -> tuple[Site, Any, Any]:
    """A round that comes down on an apron beside a runway, an effector of any kind, and traffic on
    radar, by broadcast, silent and unknown.
    """
    kind = str(rng.choice(["gun", "interceptor", "directed-energy"]))
    effector = an_effector(
        kind=kind, place=np.array([*rng.uniform(-500.0, 500.0, 2), 0.0]), speed=math.inf if kind == "directed-energy"
        else rng.uniform(400.0, 1_000.0),
        reach_max=rng.uniform(1_500.0, 4_000.0), burst=int(rng.integers(1, 40)), dud_share=rng.uniform(0.0, 0.0002),
        engagement_s=rng.uniform(1.0, 3.0))
    site = a_site(
        a_radar(place=np.array([*rng.uniform(-800.0, 800.0, 2), 10.0])), effectors=(effector,),
        zones=(a_zone(north=rng.uniform(200.0, 500.0), people=20.0), a_zone("runway", kind="runway", people=0.0,
            polygon=np.array(
            [[-30.0, -1500.0], [30.0, -1500.0], [30.0, 1500.0], [-30.0, 1500.0]]))))
    left, north = rng.uniform(11.0, 16.0), site.zones[0].polygon[:, 1].mean()
    pace = rng.uniform(60.0, 120.0)
    state = (rng.uniform(-60.0, 60.0), north + pace * left, 60.0 * left, 0.0, -pace, -60.0 + 0.5 * 9.80665 * left)
    n, m = int(rng.integers(1, 6)), int(rng.integers(0, 3))
    places = [(*rng.uniform(4_000.0, 9_000.0, 2) * rng.choice([-1.0, 1.0], 2), rng.uniform(300.0, 4_000.0))
        for _ in range(n + m)]
    paces = [(*rng.uniform(-120.0, 120.0, 2), rng.uniform(-5.0, 5.0)) for _ in range(n + m)]
    tracks = join(
        some_tracks(state, t=NOW, drag=float(rng.choice([0.0, 1e-4]))),
        some_tracks(*[a + b for a, b in zip(places[:n], paces[:n], strict=True)], t=NOW, projectile=rng.uniform(0.0,
            0.6, n), sigma=rng.uniform(3.0, 30.0)))
    tracks = tracks._replace(number=np.arange(1, n + 2), seen=NOW - np.append(0.0, rng.uniform(0.0, 2.0, n)),
                             address=np.append(-1, np.where(rng.random(n) < 0.5, 0x700000 + np.arange(n), -1)))
    heard = Aircraft.empty(m)._replace(
        t=NOW - rng.uniform(0.0, 0.5, m), address=0x800000 + np.arange(m), position=np.array(places[n:]).reshape(-1, 3),
        velocity=np.array(paces[n:]).reshape(-1, 3), nacp=rng.integers(-1, 10, m).astype(np.int8), nic=rng.integers(5,
            9, m).astype(np.int8))
    picture = a_picture(
        NOW, tracks=tracks, impacts=some_impacts((1.0, NOW + left, state[0], north)),
        threats=some_threats((1, 0, 0.8, NOW + left), people=20.0))
    return site, a_frame(NOW, aircraft=heard), picture


def tampered(clearance: Clearance, rng: np.random.Generator) -> tuple[str, Clearance]:
    """The clearance with one thing in it changed enough to matter, and what that was."""
    e = clearance.evidence
    n = e.tubes.number.size
    row = int(rng.integers(n))
    sign = float(rng.choice([-1.0, 1.0]))
    some = rng.uniform(0.1, 1.0)
    way = rng.normal(size=3)
    way /= np.linalg.norm(way)

    def tubes(**columns: Any) -> Clearance:
        return replace(clearance, evidence=replace(e, tubes=e.tubes._replace(**columns)))

    def moved(column: np.ndarray, by: Any) -> np.ndarray:
        out = column.copy()
        out[row] = out[row] + by
        return out

    def evidence(**changes: Any) -> Clearance:
        return replace(clearance, evidence=replace(e, **changes))

    falls, sectors = e.fallout, e.approaches
    cause, sector = int(rng.integers(falls.cause.size)), int(rng.integers(sectors.zone.size))
    fall, end = np.arange(falls.cause.size) == cause, np.arange(sectors.zone.size) == sector
    keep = np.arange(n) != row
    lines = np.array(e.ends)
    lines[int(rng.integers(len(lines)))] += way * 500.0 * (some + 0.1)
    made: dict[str, Any] = {
        "window begins later": lambda: replace(clearance, t_from=clearance.t_from + some),
        "window begins sooner": lambda: replace(clearance, t_from=clearance.t_from - some),
        "window ends sooner": lambda: replace(clearance, t_to=clearance.t_to - some * 0.5),
        "window ends later": lambda: replace(clearance, t_to=clearance.t_to + some),
        "window moved": lambda: replace(clearance, t_from=clearance.t_from + some, t_to=clearance.t_to + some),
        "meets elsewhere": lambda: replace(clearance, t_hit=clearance.t_hit + 0.25 * sign * float(rng.integers(1, 4))),
        "another track": lambda: replace(clearance, track=int(rng.integers(2, 9))),
        "another effector": lambda: replace(clearance, effector=int(rng.integers(1, 4))),
        "another closest aircraft": lambda: replace(clearance, aircraft=clearance.aircraft + int(rng.integers(1, 9))),
        "another distance": lambda: replace(clearance, distance=clearance.distance + sign * (20.0 + 500.0 * some)),
        "no evidence": lambda: replace(clearance, evidence=NO_EVIDENCE),
        "evidence of another time": lambda: evidence(t=e.t + sign * some),
        "the effector moved": lambda: evidence(place=e.place + way * 100.0 * some),
        "a line bent": lambda: evidence(ends=lines),
        "lines shortened": lambda: evidence(ends=e.place + (e.ends - e.place) * (1.0 - 0.5 * some)),
        "lines turned": lambda: evidence(ends=e.place + (e.ends - e.place) @ np.array([[0.9, 0.43589, 0.0],
            [-0.43589, 0.9, 0.0], [0.0, 0.0, 1.0]])),
        "cones narrowed": lambda: evidence(spread=e.spread * (1.0 - some * 0.9)),
        "a meeting higher up": lambda: evidence(hit_height=e.hit_height + 20.0 + 300.0 * some),
        "no no-fire arc": lambda: evidence(arc=()),
        "another arc": lambda: evidence(arc=(e.arc[0], e.arc[1] - some)),
        "a radar forgotten": lambda: evidence(radars=e.radars[:-1]),
        "a doubtful radar": lambda: evidence(radars=e.radars + np.int8(2)),
        "a tube dropped": lambda: replace(clearance, evidence=replace(e, tubes=take(e.tubes, keep))),
        "a tube twice": lambda: replace(clearance, evidence=replace(e, tubes=join(e.tubes, take(e.tubes, ~keep)))),
        "a tube moved": lambda: tubes(position=moved(e.tubes.position, way * 50.0 * some)),
        "a tube slowed": lambda: tubes(velocity=moved(e.tubes.velocity, way * 20.0 * some)),
        "a tube seen later": lambda: tubes(seen=moved(e.tubes.seen, some)),
        "a tube of another time": lambda: tubes(t=moved(e.tubes.t, sign * some)),
        "another aircraft's number": lambda: tubes(number=moved(e.tubes.number, 50)),
        "another aircraft's address": lambda: tubes(address=moved(e.tubes.address, 1)),
        "an unknown declared known": lambda: tubes(unknown=~e.tubes.unknown),
        "a claim declared backed": lambda: tubes(backed=~e.tubes.backed),
        "reach shrunk": lambda: tubes(reach=moved(e.tubes.reach, -e.tubes.reach[row] * (0.1 + 0.9 * some))),
        "gap widened": lambda: tubes(gap=moved(e.tubes.gap, 20.0 + 1_000.0 * some)),
        "nearest at another time": lambda: tubes(when=moved(e.tubes.when, 20.0 * sign * some)),
        "another risk": lambda: tubes(risk=moved(e.tubes.risk, 1e-6 * some)),
        "a sector dropped": lambda: evidence(approaches=take(sectors, ~end)),
        "a sector turned": lambda: evidence(approaches=sectors._replace(bearing=sectors.bearing + end * some * 3.0)),
        "a sector moved": lambda: evidence(approaches=sectors._replace(place=sectors.place + end[:, None] * 50.0)),
        "a sector emptied or filled": lambda: evidence(approaches=sectors._replace(aircraft=sectors.aircraft
            + end.astype(np.int32) * 3)),
        "a cause dropped": lambda: evidence(fallout=take(falls, ~fall)),
        "the footprint moved": lambda: evidence(fallout=falls._replace(place=falls.place + fall[:,
            None] * falls.radius[:, None] * (0.2 + some))),
        "the footprint shrunk": lambda: evidence(fallout=falls._replace(radius=falls.radius * np.where(fall,
            0.8 - 0.5 * some, 1.0))),
        "fewer pieces": lambda: evidence(fallout=falls._replace(pieces=falls.pieces * np.where(fall, 0.5 * some, 1.0))),
        "more people": lambda: evidence(fallout=falls._replace(people=falls.people
            + fall * (0.01 + 2.0 * np.maximum(falls.people, 0.0)))),
        "unseen belittled": lambda: evidence(unseen=e.unseen * 0.5 * some),
        "outside belittled": lambda: evidence(outside=e.outside + 1e-9 + e.outside * some),
        "claims belittled": lambda: evidence(claims=e.claims * 0.5 * some + 1e-9 * (e.claims == 0.0)),
        "fragments belittled": lambda: evidence(fragments=e.fragments + 1e-9 + e.fragments * some),
        "a bound that is none": lambda: evidence(**{str(rng.choice(["unseen", "outside", "claims",
            "fragments"])): math.nan}),
        "another stake": lambda: evidence(stake=e.stake * (1.0 + some)),
    }
    what = str(rng.choice(list(made)))
    return what, made[what]()


@pytest.mark.parametrize("count", [240, pytest.param(1_000, marks=pytest.mark.prove)])
def test_every_tampered_clearance_is_found_and_no_honest_one_is(count: int, evidence: Any) -> None:
    rng = np.random.default_rng([20210830, count])
    kinds: set[str] = set()
    tried = honest = 0
    while tried < count:
        site, frame, picture = a_scene(rng)
        clearance = asked(site, frame, picture)
        if clearance is None or not clearance.cleared:
            continue
        assert violations(site, [(frame, picture, a_drill(clearance=clearance, ordered=False))]) == []
        honest += 1
        for _ in range(12):
            what, forged = tampered(clearance, rng)
            assert violations(site, [(frame, picture, a_drill(clearance=forged, ordered=False))]), what
            kinds.add(what)
            tried += 1
    assert len(kinds) >= 45
    if count == 1_000:
        evidence("clearances-tampered", "tampered clearances", tried=tried, found=tried, kinds=len(kinds),
            honest_ones=honest, honest_ones_objected_to=0)


def test_check_takes_a_record_and_says_which_clearance_is_wrong(tmp_path: Path) -> None:
    site = load_site("range")
    for name, forged in (("good.rec", False), ("forged.rec", True)):
        header = Header("simulation", 0, site.name, site.sources, "test", {}, 1, None, ())
        recorder = Recorder(tmp_path / name, header)
        frame, picture = a_frame(NOW), a_picture(NOW, len(site.radars))
        drill = a_drill(clearance=replace(a_clearance(), track=77)) if forged else Drill(NOW, "free", (), (), (),
            Airport(True, 0, 0.0))
        recorder.take(Moment(frame, picture, drill, Truth.nothing(NOW)))
        recorder.close()
    good = CliRunner().invoke(app, ["check", str(tmp_path / "good.rec")])
    assert good.exit_code == 0, good.output
    assert "0 simulated orders: good" in good.output.replace("\n", " ")
    wrong = CliRunner().invoke(app, ["check", "--json", str(tmp_path / "forged.rec")])
    assert wrong.exit_code == 1, wrong.output
    told = json.loads(wrong.stdout)[str(tmp_path / "forged.rec")]
    found = {v["rule"] for v in told["violations"]}
    assert "unknown" in found
    # read back, the order's clearance is still the one given, its values that are no numbers included
    assert "clearance" not in found
    assert (told["clearances"], told["orders"], told["faults"]) == (1, 1, [])


def test_the_checkers_own_flight_agrees_with_the_kernels_it_does_not_use():
    from skywarden.kernels.ballistics.air import with_weather
    from skywarden.kernels.ballistics.flight import acceleration as kernel
    from skywarden.verification.physics import acceleration, surroundings

    chance, relative = np.random.default_rng(3), 1e-9
    for name in ("kabul", "range", "range-weather"):
        site = load_site(name)
        w = site.weather
        air = with_weather(site.air, w.up, w.wind, w.temperature_offset, w.pressure_ratio)
        here = surroundings(site, w)
        for law in range(len(site.laws)):
            for _ in range(50):
                y = np.concatenate((chance.uniform(-9_000.0, 9_000.0, 2), chance.uniform(-50.0, 15_000.0, 1),
                    chance.uniform(-700.0, 700.0, 3)))
                asked = float(chance.uniform(0.0, 3e-3))
                assert acceleration(y, law, asked, here) == pytest.approx(kernel(*y, law, asked, 0.0, 0.0, site.drags,
                    air, site.earth), rel=relative)


def test_the_checkers_own_chance_to_stop_a_round_agrees_with_the_one_it_does_not_use():
    from skywarden.site.effect import kill_probability
    from skywarden.verification.physics import stopping_probability

    chance, gun = np.random.default_rng(4), an_effector(kill_probability=0.6, reach_min=100.0, reach_max=3_000.0,
        crossing_loss=0.5)
    for _ in range(200):
        line, velocity = chance.normal(0.0, 1_200.0, 3), chance.normal(0.0, 200.0, 3)
        assert stopping_probability(gun, line, velocity) == pytest.approx(kill_probability(gun, line, velocity))
