"""The loop and its clock: every frame is stepped once, lateness becomes data, and a sink is handed
only what its kind may see.
"""

from __future__ import annotations

import numpy as np
import pytest

from skywarden.messages.drill import Airport, Drill
from skywarden.messages.frame import Aircraft, Detections, Frame, Inputs, Radars, Weather
from skywarden.messages.picture import Health, Impacts, Picture, Threats, Tracks, Warnings
from skywarden.messages.truth import Truth
from skywarden.run.clock import NoClock, ScaledClock
from skywarden.run.loop import Stepper, Wire, run


def frame(t: float) -> Frame:
    return Frame(t, Detections.empty(), Aircraft.empty(), Weather.still(), (), Radars.staring(1, t), Inputs.none(), 0.0)


def picture(seen: Frame) -> Picture:
    return Picture(seen.t, Tracks.empty(), Impacts.empty(), Threats.empty(), Warnings.empty(),
        Health(np.zeros(1, np.int8), seen.late_s, 0, 0, 0.0))


def drill(seen: Frame, believed: Picture) -> Drill:
    return Drill(seen.t, "hold", (), (), (), Airport(True, 0, 0.0))


class Frames:
    def __init__(self, *times: float) -> None:
        self.times = times

    def __iter__(self):
        return iter([(frame(t), Truth.nothing(t)) for t in self.times])

    def close(self) -> None:
        pass


class Keeps:
    def __init__(self) -> None:
        self.moments = []

    def take(self, moment) -> None:
        self.moments.append(moment)

    def close(self) -> None:
        pass


class FakeWall:
    """A wall clock that a test moves by hand."""

    def __init__(self) -> None:
        self.at, self.slept = 100.0, []

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


def test_a_sink_is_handed_only_what_its_kind_may_see():
    all_seeing, console, alert = Keeps(), Keeps(), Keeps()
    frames = run(Frames(0.0, 0.25), Stepper(picture, drill), [Wire(all_seeing, True, True), Wire(console, drill=True),
        Wire(alert)], NoClock())
    assert frames == 2
    assert [(m.drill is not None, m.truth is not None) for m in (all_seeing.moments[0], console.moments[0],
        alert.moments[0])] == [
        (True, True), (True, False), (False, False)]


def test_a_live_stepper_has_no_drill_to_hand_round():
    sink = Keeps()
    run(Frames(0.0), Stepper(picture), [Wire(sink, True, True)], NoClock())
    assert sink.moments[0].drill is None


def test_the_scaled_clock_waits_for_each_frame_at_its_own_speed():
    wall = FakeWall()
    clock = ScaledClock(2.0, wall.now, wall.sleep)
    assert [clock.wait_until(t) for t in (10.0, 10.5, 11.0)] == [0.0, 0.0, 0.0]
    assert wall.slept == pytest.approx([0.25, 0.25])


def test_the_pace_changes_from_the_next_moment_on_and_nothing_is_late_for_having_stood_still():
    wall = FakeWall()
    clock = ScaledClock(1.0, wall.now, wall.sleep)
    clock.wait_until(0.0)
    clock.pace(0.0)
    looks = 0

    def sleep(seconds):
        nonlocal looks
        wall.sleep(seconds)
        looks += 1
        if looks == 400:        # a hundred seconds later somebody lets it go on, four times as fast
            clock.pace(4.0)

    clock._sleep = sleep
    assert clock.wait_until(1.0) == 0.0
    assert wall.at == pytest.approx(200.0)
    assert [clock.wait_until(t) for t in (2.0, 3.0)] == [0.0, 0.0]
    assert wall.at == pytest.approx(200.5)
    wall.at += 3.0              # the machine is slow: that is late, and forgiven with the next pace
    assert clock.wait_until(4.0) == pytest.approx(2.75)
    clock.pace(1.0)
    assert clock.wait_until(4.5) == 0.0


def test_a_run_that_stands_still_can_be_ended():
    clock = ScaledClock(0.0, FakeWall().now, lambda seconds: True)
    clock.wait_until(0.0)
    assert clock.wait_until(1.0) == 0.0


def test_lateness_is_measured_and_written_into_the_frame_before_anything_sees_it():
    wall, sink = FakeWall(), Keeps()

    class Slow(Keeps):
        def take(self, moment) -> None:
            wall.at += 0.4

    run(Frames(0.0, 0.25), Stepper(picture), [Wire(Slow()), Wire(sink)], ScaledClock(1.0, wall.now, wall.sleep))
    assert [m.frame.late_s for m in sink.moments] == pytest.approx([0.0, 0.15])
    assert sink.moments[1].picture.health.late_s == pytest.approx(0.15)


def test_without_a_clock_nothing_is_late():
    assert NoClock().wait_until(1e9) == 0.0
