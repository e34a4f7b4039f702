"""The mailbox of a sink: whatever the sink does, the loop and the other sinks go on, and its state
says what is wrong.
"""

from __future__ import annotations

import threading
import time

import pytest
from builders import a_moment
from test_loop import Frames, picture

from skywarden.run import mailbox
from skywarden.run.clock import NoClock
from skywarden.run.loop import Stepper, Wire, run
from skywarden.run.mailbox import Mailbox

MOMENTS = [a_moment(0.25 * i) for i in range(8)]
patience = 20.0     # s that a loaded machine may take for what happens at once on a quiet one


def until(true, what="it"):
    """Wait for a state."""
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, f"{what} never came true"
        time.sleep(0.002)


class Takes:
    """A sink that keeps what it takes, and does first what a test wants of it."""

    def __init__(self, first=lambda moment: None) -> None:
        self.first, self.taken, self.told, self.closed = first, [], [], 0

    def take(self, moment) -> None:
        self.first(moment)
        self.taken.append(moment.frame.t)

    def missed(self, moments) -> None:
        self.told.append((len(self.taken), moments))

    def close(self) -> None:
        self.closed += 1


class Hangs(Takes):
    """A sink that answers only when it is let go."""

    def __init__(self) -> None:
        self.go, self.begun = threading.Event(), threading.Event()
        super().__init__(lambda moment: (self.begun.set(), self.go.wait(patience)))


def fails(times):
    """What raises so many times and then works."""
    left = [times]

    def first(moment):
        if left[0]:
            left[0] -= 1
            raise OSError(28, "No space left on device")

    return first


def test_moments_arrive_in_order_and_the_end_waits_for_the_last_one():
    sink = Takes(lambda moment: time.sleep(0.001))
    box = Mailbox("test", sink)
    for moment in MOMENTS:
        box.take(moment)
    box.close()
    assert sink.taken == [moment.frame.t for moment in MOMENTS]
    assert sink.closed == 1
    state = box.state()
    assert (state.waiting, state.lost, state.failures, state.fault) == (0, 0, 0, "")
    assert state.latency >= 0.0


@pytest.mark.parametrize("raised", [RuntimeError("a fault of ours"), MemoryError(), SystemExit(3), KeyboardInterrupt(),
    OSError(28, "No space left on device")])
def test_a_sink_that_raises_is_counted_and_named_and_the_others_go_on(raised):
    def bad(moment):
        raise raised

    bad_box, good = Mailbox("bad", Takes(bad)), Takes()
    good_box = Mailbox("good", good)
    assert run(Frames(*(0.25 * i for i in range(8))), Stepper(picture), [Wire(bad_box), Wire(good_box)], NoClock()) == 8
    until(lambda: bad_box.state().failures == 8, "eight failures")
    assert type(raised).__name__ in bad_box.state().fault or str(raised) in bad_box.state().fault
    good_box.close()
    assert len(good.taken) == 8
    bad_box.close()


def test_a_sink_that_hangs_holds_up_nobody_and_gets_everything_when_it_answers_again():
    hung, good = Hangs(), Takes()
    now = [100.0]
    boxes = Mailbox("hung", hung, now=lambda: now[0]), Mailbox("good", good)
    assert run(Frames(*(0.25 * i for i in range(8))), Stepper(picture), [Wire(box) for box in boxes], NoClock()) == 8
    until(lambda: len(good.taken) == 8, "the other sink's last moment")
    until(hung.begun.is_set)
    now[0] += 1.5
    assert "not answered for 2 s" in boxes[0].state().fault or "not answered for 1 s" in boxes[0].state().fault
    assert hung.taken == []
    hung.go.set()
    for box in boxes:
        box.close()
    assert len(hung.taken) == 8
    assert boxes[0].state().lost == 0


def test_a_sink_too_far_behind_loses_its_oldest_moments_and_is_told_how_many():
    hung = Hangs()
    box = Mailbox("behind", hung, most=3)
    box.take(MOMENTS[0])
    until(hung.begun.is_set)
    for moment in MOMENTS[1:]:
        box.take(moment)
    assert box.state().lost == 4
    hung.go.set()
    box.close()
    assert hung.taken == [MOMENTS[i].frame.t for i in (0, 5, 6, 7)]
    assert hung.told == [(1, 4)], "after the first moment four are missing"
    assert "4 moments never reached it" in box.state().fault


def test_where_only_the_newest_counts_skipping_the_others_is_no_fault():
    hung = Hangs()
    box = Mailbox("view", hung, most=1)
    box.take(MOMENTS[0])
    until(hung.begun.is_set)
    for moment in MOMENTS[1:]:
        box.take(moment)
    hung.go.set()
    box.close()
    assert hung.taken == [MOMENTS[0].frame.t, MOMENTS[7].frame.t]
    assert (box.state().lost, box.state().fault) == (0, "")


def test_a_failure_that_is_over_is_still_told_for_a_while_and_then_no_more():
    now = [100.0]
    box = Mailbox("once", Takes(fails(1)), now=lambda: now[0])
    for moment in MOMENTS[:2]:
        box.take(moment)
    assert box.drain()
    assert "No space left on device" in box.state().fault
    now[0] += mailbox.SHOWN_S + 1.0
    assert box.state().fault == ""
    assert box.state().failures == 1
    box.close()


def test_a_sink_that_can_be_opened_anew_is_after_a_failure():
    opened = [Takes(fails(99))]

    def again():
        opened.append(Takes())
        return opened[-1]

    box = Mailbox("again", opened[0], again=again)
    for moment in MOMENTS[:3]:
        box.take(moment)
    box.close()
    assert opened[0].closed == 1
    assert opened[1].taken == [MOMENTS[1].frame.t, MOMENTS[2].frame.t]


def test_a_sink_that_hangs_is_left_behind_for_a_new_one():
    now, hung, fresh = [100.0], Hangs(), Takes()
    box = Mailbox("again", hung, again=lambda: fresh, now=lambda: now[0])
    box.take(MOMENTS[0])
    until(hung.begun.is_set)
    now[0] += mailbox.GIVEN_UP_S + 1.0
    box.take(MOMENTS[1])
    until(lambda: fresh.taken == [MOMENTS[1].frame.t], "the new sink's first moment")
    assert "hung and was started anew" in box.state().fault
    hung.go.set()       # what answers too late does not count any more
    box.take(MOMENTS[2])
    until(lambda: fresh.taken == [MOMENTS[1].frame.t, MOMENTS[2].frame.t])
    box.close()
    assert (fresh.closed, hung.closed) == (1, 0)


def test_at_full_speed_a_slow_sink_may_hold_the_loop_back_and_then_nothing_is_lost():
    slow = Takes(lambda moment: time.sleep(0.003))
    box = Mailbox("record", slow, most=2, holds=lambda: True)
    run(Frames(*(0.25 * i for i in range(20))), Stepper(picture), [Wire(box)], NoClock())
    box.close()
    assert len(slow.taken) == 20
    assert box.state().lost == 0


def test_even_at_full_speed_a_sink_that_hangs_does_not_hold_the_loop_back(monkeypatch):
    monkeypatch.setattr(mailbox, "SILENT_S", 0.05)
    hung = Hangs()
    box = Mailbox("record", hung, most=2, holds=lambda: True)
    assert run(Frames(*(0.25 * i for i in range(8))), Stepper(picture), [Wire(box)], NoClock()) == 8
    assert box.state().lost > 0
    hung.go.set()
    box.close()


def test_the_end_does_not_wait_for_a_sink_that_never_answers():
    hung = Hangs()
    box = Mailbox("hung", hung)
    box.take(MOMENTS[0])
    assert not box.drain(patience=0.05)
    box.close(patience=0.05)
    assert hung.closed == 0
    hung.go.set()


def test_a_fault_that_a_sink_tells_without_raising_is_shown():
    sink = Takes()
    sink.fault = "no room on the disk"
    box = Mailbox("record", sink)
    box.take(MOMENTS[0])
    assert box.drain()
    assert box.state().fault == "no room on the disk"
    sink.fault = ""
    assert box.state().fault == ""
    box.close()


def test_what_a_fault_says_is_one_short_printable_line():
    def bad(moment):
        raise ValueError("\ud83d \x1b[2J\n" + "9" * 5000)

    box = Mailbox("bad", Takes(bad))
    box.take(MOMENTS[0])
    until(lambda: box.state().failures == 1)
    assert len(box.state().fault) <= mailbox.LONGEST_FAULT
    assert box.state().fault.isprintable()
    box.state().fault.encode("utf-8")
    box.close()
