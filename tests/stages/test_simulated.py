"""The simulated feed as a whole: the same bits twice, nothing lost, nothing told that must not be."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import a_flight, a_radar, a_raid, a_real_radar, a_scenario, a_site, an_effector, no_clutter

from skywarden.feeds.simulated import Simulated
from skywarden.messages.commands import Command
from skywarden.messages.drill import Airport, Clearance, Drill, Order
from skywarden.messages.moment import Moment
from skywarden.messages.picture import Health, Impacts, Picture, Threats, Tracks, Warnings
from skywarden.messages.truth import FELL, FLYING, STOPPED
from skywarden.simulator.scenario.model import Delay, Outage
from skywarden.simulator.sensing.targets import DEBRIS
from skywarden.simulator.world import rounds

ROTATING = a_radar(name="turning", kind="rotating", revisit=2.0, false_alarms=4.0)
SITE = a_site(a_real_radar(), ROTATING)
SCENARIO = a_scenario(flights=(a_flight(),), clutter=no_clutter(birds=12, flock=6.0, rotors=2))


def flown(scenario=SCENARIO, site=SITE, **how):
    return list(Simulated(scenario, site, **how))


def same(a, b):
    """Whether two nested tables hold the same bits."""
    if isinstance(a, tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    first, again, other = flown(seed=7), flown(seed=7), flown(seed=8)
    assert same(tuple(first), tuple(again))
    assert not same(tuple(first), tuple(other))


def test_every_round_is_seen_falls_and_is_where_truth_says():
    frames = flown()
    truth = frames[-1][1].rounds
    assert (truth.outcome == FELL).all()
    assert (truth.detected > 20).all()
    assert [f.t for f, _ in frames] == [k * 0.25 for k in range(len(frames))]
    assert frames[-1][0].t >= truth.t_impact.max()


def test_detections_have_their_own_times_in_order_and_an_origin_each():
    before = -1.0
    for frame, truth in flown():
        d = frame.detections
        assert len(truth.origin) == len(d.t)
        assert (np.diff(d.t) >= 0.0).all()
        assert (d.t <= frame.t).all()
        assert (d.t > before - 1e-9).all()
        before = frame.t
        assert (d.azimuth >= 0.0).all()
        assert (d.azimuth < 2.0 * math.pi).all()
        assert (d.range >= 0.0).all()
    origins = np.concatenate([t.origin for _, t in flown()])
    assert {-1, -2, -1000, 0, 1, 2, 3, 4} <= set(origins.tolist())


def test_the_order_within_an_instant_betrays_nothing():
    frames = flown(site=a_site(a_radar()), scenario=replace(SCENARIO, raids=(a_raid(count=20, interval=(0.0, 0.1)),)))
    first = [t.origin[0] >= 0 for _, t in frames if (t.origin >= 0).sum() > 10]
    share = np.mean([(t.origin >= 0).mean() for _, t in frames if (t.origin >= 0).sum() > 10])
    assert len(first) > 30
    assert abs(np.mean(first) - share) < 4.0 * math.sqrt(share * (1.0 - share) / len(first)) + 0.02


def test_no_truth_tells_where_a_round_came_from():
    frames = flown()
    launched = Simulated(SCENARIO, SITE).world.rounds
    seen = np.zeros(5, bool)
    for frame, truth in frames:
        seen |= truth.rounds.visible
        shown = np.isfinite(truth.rounds.position[:, 0])
        assert not (shown & ~seen).any()
        assert (shown <= (truth.rounds.outcome == FLYING)).all()
        for i in np.flatnonzero(shown):
            start = launched.points[launched.first[i], :3]
            assert np.linalg.norm(truth.rounds.position[i] - start) > 20.0, (frame.t, i)


def drill_for(frame, state, effector_time=2.0):
    """A picture with one perfect track and a drill with one order on it."""
    clearance = Clearance(1, 0, frame.t, frame.t + effector_time, True, "clear", math.nan, -1, math.inf)
    tracks = Tracks(
        np.array([1]), np.append(state, 2.5e-4)[None], np.zeros((1, 7, 7)), np.zeros(1), np.zeros(1),
        np.zeros(1, np.int32), np.array([[1.0, 0.0, 0.0]]),
        np.zeros(1, np.int32), np.array([-1]))
    picture = Picture(frame.t, tracks, Impacts.empty(), Threats.empty(), Warnings.empty(), Health(np.zeros(2, np.int8),
        0.0, 0, 0, 0.0))
    order = Order(1, 0, frame.t, frame.t + effector_time, clearance)
    return Moment(frame, picture, Drill(frame.t, "free", (clearance,), (order,), (), Airport(True, 0, 0.0)), None)


def test_stopping_one_round_leaves_every_other_detection_as_it_was():
    site = replace(SITE, effectors=(an_effector(kill_probability=1.0, speed=math.inf, reach_max=50_000.0),))
    plain = flown(site=site)
    feed, engaged = Simulated(SCENARIO, site), []
    for frame, truth in feed:
        engaged.append((frame, truth))
        state = rounds.states(feed.world.rounds, frame.t)[1]
        if feed.world.rounds.t_launch[1] + 8.0 < frame.t and np.isfinite(
                feed.world.t_stopped).sum() == 0 and np.isfinite(state[0]):
            feed.take(drill_for(frame, state))
    assert engaged[-1][1].rounds.outcome.tolist() == [FELL, STOPPED, FELL, FELL, FELL]
    stopped = engaged[-1][1].rounds.t_end[1]
    assert sum(t.engagements.stopped.sum() for _, t in engaged) == 1
    for (f, t), (g, u) in zip(plain, engaged, strict=True):
        keep, left = t.origin != 1, (u.origin != 1) & (u.origin != DEBRIS)     # its pieces are seen instead
        assert (g.detections.t[u.origin == 1] <= stopped).all()
        for a, b in zip(f.detections, g.detections, strict=True):
            np.testing.assert_array_equal(a[keep], b[left])


def test_an_outage_is_silence_and_then_a_radar_that_is_down():
    frames = flown(replace(SCENARIO, outages=(Outage(0, 10.0, 20.0),)))
    plain = flown()
    for (frame, truth), (before, origin) in zip(frames, plain, strict=True):
        mine = frame.detections.sensor == 0
        out = 10.0 <= frame.t < 20.0
        assert not (out and mine.any())
        assert bool(frame.radars.up[0]) == (not 11.9 < frame.t < 19.9)
        assert frame.radars.up[1]
        if out:
            assert frame.radars.heard[0] < 10.0
            assert frame.radars.sector_width[0] == 0.0
        else:
            assert same(tuple(c[mine] for c in frame.detections), tuple(c[before.detections.sensor == 0]
                for c in before.detections))
        assert len(truth.origin) <= len(origin.origin)


@pytest.mark.parametrize("radar", [0, 1])
def test_late_data_come_late_and_are_never_lost(radar):
    late = flown(replace(SCENARIO, delays=(Delay(radar, 10.1, 20.3, 3.0),)))
    plain = flown()

    def everything(frames):
        table = np.concatenate([np.column_stack([f.detections.t, f.detections.range, f.detections.sensor, t.origin])
            for f, t in frames])
        return table[np.lexsort(table.T)]

    np.testing.assert_array_equal(everything(late), everything(plain))
    behind = [float((f.t - f.detections.t[f.detections.sensor == radar]).max(initial=0.0)) for f, _ in late]
    assert 2.9 < max(behind) <= 3.5
    for frame, truth in late:
        assert (np.diff(frame.detections.t) >= 0.0).all()
        assert len(truth.origin) == len(frame.detections.t)


def test_commands_arrive_in_the_frame_of_their_time():
    orders = (Command(0.0, "weapons", "free", "script", "start"), Command(3.1, "hold", "all", "script", "test"),
        Command(3.25, "release", "all", "script", "x"))
    arrived = {f.t: [c.kind for c in f.commands] for f, _ in flown(replace(SCENARIO, operator=orders), duration=5.0)
        if f.commands}
    assert arrived == {0.0: ["weapons"], 3.25: ["hold", "release"]}


def test_frames_carry_the_weather_the_site_believes_and_not_the_true_one():
    windy = replace(SCENARIO.weather, wind=np.array([[20.0, 5.0]]))
    frame, _ = flown(replace(SCENARIO, weather=windy), duration=0.5)[0]
    assert same(frame.weather, SITE.weather)


def test_the_staring_radar_of_the_range_looks_every_quarter_second_from_the_first():
    times = {float(t) for f, _ in flown(site=a_site(a_radar()), duration=10.0) for t in f.detections.t}
    assert times == {k * 0.25 for k in range(41)}


def test_the_example_runs(capsys):
    path = Path(__file__).resolve().parents[2] / "examples" / "one_raid.py"
    spec = importlib.util.spec_from_file_location("one_raid", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main("mortar-raid", 12.0)
    assert "detections" in capsys.readouterr().out
