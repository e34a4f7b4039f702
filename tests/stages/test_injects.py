"""Injects change the world when they are fired, and nothing else: every other draw of chance stays as it was."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import a_flight, a_radar, a_raid, a_scenario, a_site, no_clutter, square

from skywarden.errors import ScenarioError
from skywarden.feeds.simulated import Simulated
from skywarden.files.shipped import shelf
from skywarden.messages.commands import Command
from skywarden.messages.moment import Moment
from skywarden.messages.picture import STAY, Health, Impacts, Inbound, Picture, Threats, Tracks, Warnings
from skywarden.messages.receipts import DELIVERED, NOT_ANSWERED, UNANSWERED, WORKING
from skywarden.messages.truth import FLYING, WAITING
from skywarden.record.codec import encode
from skywarden.simulator.scenario.load import load
from skywarden.simulator.scenario.model import Inject, Post, Siren
from skywarden.simulator.sensing.targets import CLUTTER, FALSE_ALARM, GHOST
from skywarden.site.load import load as load_site
from skywarden.site.model import Zone

AT = 6.0        # s, when each is fired
SITE = a_site(a_radar(), a_radar(name="second", place=np.array([400.0, 0.0, 0.0])))
SALVO = a_raid(name="salvo", start=0.0, count=3)
EVERY = (
    Inject("salvo", "raid", math.inf, True, raid=SALVO),
    Inject("ghosts", "ghosts", math.inf, True, subject="second", radar=1, raid=SALVO),
    Inject("false flight", "adsb", math.inf, True, flight=a_flight(address=0xFA15E0, t=np.arange(0.0, 61.0))),
    Inject("turned", "turn", math.inf, True, subject="second", radar=1, turn=math.radians(107.0)),
    Inject("silent", "outage", math.inf, True, 8.0, subject="second", radar=1),
    Inject("late", "delay", math.inf, True, 8.0, subject="second", radar=1, by=2.0),
    Inject("birds", "clutter", math.inf, True, 8.0, clutter=no_clutter(birds=40, false_alarm_factor=0.0)),
    Inject("noise", "clutter", math.inf, True, 8.0, clutter=no_clutter(false_alarm_factor=4.0)),
)
POSTS = (
    Post("all clear", math.inf, True, "message", "tower", ("Clear.", "", "")),
    Post("wrong word", 4.0, False, "message", "gate", ("Nothing here.", "", ""), False, expect="no"),
)
READY = a_scenario(injects=EVERY, posts=POSTS, duration=20.0, raids=(a_raid(start=1.0),), flights=(a_flight(),))


def flown(scenario=READY, fire=(), at=AT, site=SITE, heard=()):
    """Every frame of a scenario, the injects named fired at `at` by an instructor."""
    feed = Simulated(scenario, site, duration=20.0)
    frames, step = iter(feed), site.policy.frame_s
    out = []
    for n in range(int(20.0 / step) + 1):
        if n == round(at / step):
            for name in fire:
                feed.fire(name, "omid")
        frame, truth = next(frames)
        told = tuple(c for c in heard if frame.t - step < c.t <= frame.t)
        feed.take(Moment(frame._replace(commands=told), quiet(frame.t), None, None))
        out.append((frame, truth))
    return out


def quiet(t, warnings=None):
    return Picture(t, Tracks.empty(), Impacts.empty(), Threats.empty(), warnings or Warnings.empty(),
        Health(np.zeros(2, np.int8), 0.0, 0, 0, 0.0), Inbound.empty())


def without(frame, truth, *origins):
    """The detections of a frame that are of none of these origins, as bytes."""
    keep = ~np.isin(truth.origin, origins)
    return b"".join(np.ascontiguousarray(column[keep]).tobytes() for column in frame.detections)


HELD = flown()


def test_what_is_held_is_in_nobodys_sight_and_the_same_as_if_it_were_not_there():
    bare = flown(replace(READY, injects=(), posts=()))
    for (frame, truth), (alone, _) in zip(HELD, bare, strict=True):
        assert encode(frame._replace(delivered=())) == encode(alone)
        assert (truth.rounds.outcome[5:] == WAITING).all()
    assert [row.state for row in HELD[0][1].injects] == ["held"] * (len(EVERY) + len(POSTS))


@pytest.mark.parametrize("inject", EVERY, ids=lambda inject: inject.name)
def test_firing_one_leaves_every_other_draw_as_it_was(inject):
    fired = flown(fire=[inject.name])
    touched = {"turned": 1, "silent": 1, "late": 1}.get(inject.name)
    changed = 0
    for (frame, truth), (before, was) in zip(fired, HELD, strict=True):
        if frame.t < AT:
            assert encode(frame) == encode(before)
            continue
        changed += encode(frame) != encode(before)
        if touched is not None:     # the other radar's detections are the same
            assert frame.detections.range[frame.detections.sensor == 0].tobytes() == before.detections.range[
                before.detections.sensor == 0].tobytes()
        elif inject.name in ("salvo", "ghosts", "birds"):
            assert without(frame, truth, 5, 6, 7, GHOST, CLUTTER) == without(before, was, 5, 6, 7, GHOST, CLUTTER)
        elif inject.name == "noise":
            assert without(frame, truth, FALSE_ALARM) == without(before, was, FALSE_ALARM)
        else:
            assert encode(frame.detections) == encode(before.detections)
    assert changed > 5
    rows = [row for _, truth in fired for row in truth.injects if row.name == inject.name]
    assert [(row.state, row.who) for row in rows][:2] == [("held", ""), ("fired", "omid")]
    assert rows[1].t == AT
    assert (rows[-1].state == "over") == math.isfinite(inject.lasts)


def test_a_held_raid_flies_when_it_is_fired_and_the_same_path_whenever_that_is():
    early, late = flown(fire=["salvo"], at=4.0), flown(fire=["salvo"], at=7.0)
    assert (early[-1][1].rounds.outcome[5:] != WAITING).any()
    shift = late[-1][1].rounds.t_impact[5:] - early[-1][1].rounds.t_impact[5:]
    assert np.allclose(shift, 3.0)
    assert early[-1][1].rounds.impact[5:].tobytes() == late[-1][1].rounds.impact[5:].tobytes()
    assert any((truth.rounds.outcome[5:] == FLYING).any() for _, truth in early)


def test_ghosts_are_seen_by_one_radar_and_are_nothing():
    fired = flown(fire=["ghosts"])
    origins = [(int(s), int(o)) for frame, truth in fired for s, o in zip(frame.detections.sensor, truth.origin,
        strict=True)]
    assert (1, GHOST) in origins
    assert (0, GHOST) not in origins


def test_a_false_flight_reports_itself_and_is_not_among_the_true_aircraft():
    fired = flown(fire=["false flight"])
    assert any(0xFA15E0 in frame.aircraft.address for frame, _ in fired)
    assert not any(0xFA15E0 in truth.aircraft.address for _, truth in fired)


def test_a_turned_radar_measures_everything_turned():
    for (frame, _), (before, _) in zip(flown(fire=["turned"]), HELD, strict=True):
        second = before.detections.sensor == 1
        off = np.where(second & (before.detections.t > AT), math.radians(107.0), 0.0)
        assert np.allclose(frame.detections.azimuth, np.mod(before.detections.azimuth + off, 2.0 * math.pi))


def test_a_message_is_delivered_under_a_neutral_name_and_marked_when_it_is_answered():
    answer = Command(AT + 2.0, "answer", "m2", "mira", "yes")
    fired = flown(fire=["all clear"], heard=(answer,))
    told = [message for frame, _ in fired for message in frame.delivered]
    assert [(message.name, message.sender, message.t) for message in told] == [("m1", "gate", 4.0), ("m2", "tower", AT)]
    rows = [row for _, truth in fired for row in truth.injects if row.kind == "message" and row.state != "held"]
    assert [(row.name, row.state, row.says, row.who) for row in rows] == [
        ("wrong word", "fired", "false", "scenario"), ("all clear", "fired", "true", "omid"),
        ("all clear", "answered", "true", "mira")]


def test_a_planned_inject_that_is_held_falls_due_and_waits_for_somebody():
    planned = replace(READY, injects=(replace(EVERY[0], at=5.0),), posts=())
    states = [(row.state, row.t) for _, truth in flown(planned, fire=["salvo"]) for row in truth.injects]
    assert states == [("held", 0.0), ("due", 5.0), ("fired", AT)]


def test_a_dead_siren_answers_nothing_any_more():
    zone = Zone("apron", "apron", square(0.0, 0.0, 100.0), 10.0, 10.0, True)
    scenario = a_scenario(raids=(), sirens=(Siren("north", ()), Siren("south", ())), duration=20.0, injects=(
        Inject("dead", "siren", 4.0, False, subject="north"),))
    feed = Simulated(scenario, a_site(zones=(zone,)), duration=20.0)
    heard, states = [], []
    for frame, _ in feed:
        stage = STAY if frame.t >= 6.0 else 0
        warned = Warnings(np.zeros(1, np.int32), np.ones(1, np.int8), np.ones(1), np.ones(1), np.ones(1), np.ones(1),
            np.ones(1), np.ones(1, np.int32), np.zeros(1, np.int32), np.zeros(1, bool), np.full(1, stage, np.int8))
        feed.take(Moment(frame, quiet(frame.t, warned if stage else None), None, None))
        heard += list(zip(frame.receipts.channel.tolist(), frame.receipts.outcome.tolist(), strict=True))
        states.append(frame.channels.state.tolist())
    assert sorted(heard) == [(0, NOT_ANSWERED), (1, DELIVERED)]
    assert states[0] == [WORKING, WORKING]
    assert states[-1] == [UNANSWERED, WORKING]


@pytest.mark.parametrize("scripts", [3, pytest.param(50, marks=pytest.mark.prove)])
def test_random_inject_scripts_fly_again_bit_for_bit(scripts):
    chance = np.random.default_rng(17)
    scenario = replace(READY, raids=(a_raid(start=1.0, count=2),), flights=())
    for _ in range(scripts):
        names = chance.permutation([one.name for one in (*EVERY, *POSTS)])[: chance.integers(1, 8)].tolist()
        at = float(chance.integers(0, 60)) * 0.25
        for (frame, truth), (again, true) in zip(flown(scenario, names, at), flown(scenario, names, at), strict=True):
            assert encode(frame) == encode(again)
            assert encode(truth) == encode(true)


def test_faults_of_injects_are_named_with_line_and_what_to_do(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text("""site = "kabul"
[[injects]]
name = "a"
kind = "turn"
held = false
radar = "cram"
turn_deg = 107
[[injects]]
kind = "siren"
[[messages]]
name = "a"
text = "x"
ends = "b"
""")
    with pytest.raises(ScenarioError) as told:
        load(path, load_site("kabul"))
    said = str(told.value)
    for part in ("neither held nor has it a time", "no [[sirens]]", 'the name "a" is used twice', 'ends a message "b"'):
        assert part in said




def test_the_course_has_eight_exercises_that_can_be_flown_and_speak_three_languages():
    site = load_site("kabul")
    names = sorted(name for name in shelf("scenarios") if name.startswith("course-"))
    assert len(names) == 8
    for name in names:
        scenario = load(name, site)
        assert all(all(post.texts) for post in scenario.posts)
        feed = Simulated(scenario, site, duration=0.0)      # draws every round, those of held raids too
        assert feed.world.last_impact < scenario.duration
    assert scenario.duration == 45 * 60.0
