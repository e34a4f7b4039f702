"""A frame that makes `watch` raise is set aside, counted and shown; what was remembered stays,
and the defence goes on.
"""

from __future__ import annotations

import math

import pytest
from builders import a_frame

from skywarden.defence import watch as belief
from skywarden.feeds.simulated import Simulated
from skywarden.messages.commands import HOLD
from skywarden.messages.picture import RAISE
from skywarden.pipeline.simulated import Rehearsing, stepper
from skywarden.record.reader import Record
from skywarden.rehearsal import rehearse as rehearsal
from skywarden.run.aside import NOTHING_IN_A_ROW, Aside
from skywarden.run.clock import NoClock
from skywarden.run.loop import Wire, run
from skywarden.session.checks import check_record
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.site.load import load as load_site


class Kept:
    def __init__(self):
        self.moments = []

    def take(self, moment):
        self.moments.append(moment)

    def close(self):
        pass


def flown(until=60.0):
    site = load_site("kabul")
    simulated, kept, said = Simulated(load_scenario("mortar-raid", site), site, duration=until), Kept(), []
    steps = stepper(site, True)
    aside = Aside(said.append, steps.begin_anew, now=lambda: 0.0)
    steps.survived = aside.without_rehearsal
    wires = [Wire(simulated, drill=True), Wire(kept, drill=True, truth=True)]
    frames = run(simulated, steps, wires, NoClock(), aside)
    return frames, kept.moments, aside, said


def raised(moments):
    return {(int(z), round(m.frame.t, 2)) for m in moments
            for z in m.picture.warnings.zone[m.picture.warnings.action == RAISE]}


def breaking(monkeypatch, when):
    """`watch` raises on frames of which `when` is true."""
    real = belief.watch

    def watch(state, frame, site):
        if when(frame):
            raise ZeroDivisionError("made to fail \x1b[2J")
        return real(state, frame, site)

    monkeypatch.setattr(belief, "watch", watch)


def test_a_frame_that_makes_watch_raise_costs_its_detections_and_nothing_else(monkeypatch):
    calm = flown()
    breaking(monkeypatch, lambda frame: math.isclose(frame.t, 20.0) and len(frame.detections.t) > 0)
    frames, moments, aside, said = flown()
    assert frames == calm[0]
    assert len(moments) == len(calm[1])
    assert (aside.frames, aside.lost) == (1, 0)
    assert "frame at 20.00 s: detections set aside (ZeroDivisionError: made to fail  [2J)" in aside.state().fault
    assert len(said) == 1
    assert said[0].startswith("watch could not work on the frame at 20.00 s: detections set aside")
    spoilt = next(m for m in moments if math.isclose(m.frame.t, 20.0))
    assert len(spoilt.frame.detections.t) == len(spoilt.truth.origin) == 0
    assert {zone for zone, _ in raised(moments)} == {zone for zone, _ in raised(calm[1])}
    assert max(abs(a[1] - b[1]) for a, b in zip(sorted(raised(moments)), sorted(raised(calm[1])), strict=True)) <= 0.5


def test_one_radar_or_the_reports_alone_are_left_out_where_they_are_the_cause(monkeypatch):
    breaking(monkeypatch, lambda frame: bool((frame.detections.sensor == 1).any()))
    _, moments, aside, _ = flown(30.0)
    assert aside.frames > 0
    assert not any((m.frame.detections.sensor == 1).any() for m in moments)
    assert sum(len(m.frame.detections.t) for m in moments) > 100
    monkeypatch.undo()
    breaking(monkeypatch, lambda frame: len(frame.aircraft.t) > 0)
    _, moments, aside, _ = flown(30.0)
    assert all(len(m.frame.aircraft.t) == 0 for m in moments)
    assert aside.lost == 0


def test_frames_of_which_nothing_can_be_worked_on_are_left_out_and_watch_begins_anew(monkeypatch):
    begun = []
    monkeypatch.setattr("skywarden.pipeline.live.Watching.begin_anew", lambda self: begun.append(1))
    breaking(monkeypatch, lambda frame: 10.0 < frame.t < 10.0 + 0.25 * (NOTHING_IN_A_ROW + 5))
    frames, moments, aside, said = flown(30.0)
    assert aside.lost == NOTHING_IN_A_ROW + 4
    assert len(moments) == frames == 121 - aside.lost
    assert begun == [1]
    assert any("begins anew" in sentence for sentence in said)


def unrehearsed(monkeypatch, when):
    """`rehearse` raises on frames of which `when` is true."""
    real = rehearsal.rehearse

    def rehearse(plan, frame, picture, site):
        if when(frame):
            raise ZeroDivisionError("made to fail")
        return real(plan, frame, picture, site)

    monkeypatch.setattr(rehearsal, "rehearse", rehearse)


def test_a_rehearsal_that_raises_engages_nothing_and_every_warning_goes_out_as_before(monkeypatch):
    calm = flown()
    unrehearsed(monkeypatch, lambda frame: frame.t >= 5.0)
    frames, moments, aside, said = flown()
    assert frames == calm[0]
    assert aside.frames == 0
    assert aside.unrehearsed == sum(m.frame.t >= 5.0 for m in moments)
    assert "nothing engaged (ZeroDivisionError: made to fail)" in aside.rehearsal_state().fault
    assert len(said) == 20      # a sentence each at first, then they are counted
    assert min(t for _, t in raised(moments)) == min(t for _, t in raised(calm[1]))
    assert {zone for zone, _ in raised(moments)} >= {zone for zone, _ in raised(calm[1])}
    assert not any(m.drill.orders or m.drill.clearances for m in moments if m.frame.t >= 5.0)


def test_a_hold_ordered_in_a_frame_that_cannot_be_rehearsed_is_kept():
    site = load_site("kabul")
    stage = Rehearsing(site)
    frame = a_frame(1.0, (HOLD, "all", "someone"))
    drill = stage.without(frame)
    assert stage.state.holds == ("all",)
    assert (drill.orders, drill.clearances, drill.airport.runway_open) == ((), (), True)


def test_the_record_of_a_run_that_could_not_be_rehearsed_replays_the_same(monkeypatch, tmp_path):
    from scenes.runs import fly, silent

    unrehearsed(monkeypatch, lambda frame: 10.0 <= frame.t < 12.0)
    summary = fly("mortar-raid", duration=15.0, record=tmp_path / "a.rec")
    assert summary["frames_not_rehearsed"] == 8
    assert check_record(tmp_path / "a.rec", silent()).same


def test_without_it_an_error_of_ours_is_not_hidden(monkeypatch):
    breaking(monkeypatch, lambda frame: frame.t > 1.0)
    site = load_site("kabul")
    with pytest.raises(ZeroDivisionError):
        run(Simulated(load_scenario("mortar-raid", site), site, duration=3.0), stepper(site, True), [], NoClock())


def test_the_record_of_such_a_run_replays_to_the_same_pictures(monkeypatch, tmp_path):
    from scenes.runs import fly, silent

    breaking(monkeypatch, lambda frame: frame.t in (12.0, 15.0, 17.5, 20.0) and len(frame.detections.t) > 0)
    summary = fly("mortar-raid", duration=20.0, record=tmp_path / "a.rec")
    monkeypatch.undo()
    assert summary["frames_set_aside"] >= 2
    assert check_record(tmp_path / "a.rec", silent()).same
    with Record(tmp_path / "a.rec") as record:
        assert len(record) == 81
