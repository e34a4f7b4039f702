"""Two watchers of one site: the same frames, the same pictures; either goes on alone, and nothing is fatal to both."""

from __future__ import annotations

import time
from contextlib import contextmanager

import numpy as np
import pytest
from alert_builders import wait_for
from builders import a_frame
from pair_builders import KEY, Cable, Counting, Grid, Replica, plots

from skywarden.messages.commands import ALARM, Command
from skywarden.messages.receipts import Channels, Receipts
from skywarden.standby.bridging import bridge
from skywarden.standby.pair import FOLLOWING, LEADING
from skywarden.standby.receipts import both, named
from skywarden.standby.words import Sealer


@contextmanager
def two(arrived=lambda a, b: (), jitter=0.0, **second):
    """A pair in step."""
    cable = Cable()
    a = Replica(cable, "a", 0, Grid(arrived), watch=second.pop("first", None))
    wait_for(lambda: a.role == LEADING, what="the first frames")
    b = Replica(cable, "b", 1, Grid(arrived, jitter=jitter), **second)
    try:
        wait_for(lambda: b.role == FOLLOWING and b.pair.status().compared > 3, what="the second follows")
        yield cable, a, b
    finally:
        a.close()
        b.close()


def every(period=0.1):
    """A plot every so often, told by when it came."""
    return lambda begin, end: [
        round(k * period % 50_000, 3) for k in range(int(begin / period) + 1, int(end / period) + 1)
    ]


def test_both_see_the_same_pictures_to_the_last_bit():
    with two(every(), jitter=0.02) as (_, a, b):
        wait_for(lambda: b.pair.status().compared > 20)
        assert b.pair.status().different == 0
        assert b.watch.state == a.watch.state or len(b.watch.state[0]) >= len(a.watch.state[0]) - 2


def test_the_second_goes_on_alone_and_no_plot_is_lost_or_taken_twice():
    with two(every(0.02), jitter=0.02) as (_, a, b):
        wait_for(lambda: b.pair.status().compared > 10)
        begun = time.time()
        a.close()
        wait_for(lambda: b.role == LEADING)
        wait_for(lambda: any(at > begun for at, _ in b.seen))
        count = b.pair.n
        wait_for(lambda: b.pair.n > count + 10)
        seen = np.array(b.watch.state[0])
        steps = np.diff(seen)
        assert min(steps) > 0.019, "a plot was taken twice"
        lost = sum(steps > 0.021)
        assert lost <= b.pair.status().left_out, "a plot is missing that was in no frame that died with the first"


def test_it_is_never_silent_for_long():
    with two() as (_, a, b):
        a.close()
        died = time.time()
        wait_for(lambda: b.role == LEADING)
        wait_for(lambda: b.seen[-1][0] > died + 0.6)
        times = [at for at, _ in b.seen if at > died - 0.2]
        assert max(np.diff(times)) < 0.75 or len(times) < 3


def test_a_frame_that_kills_one_is_left_out_by_the_other():
    poisoned = []

    def arrived(begin, end):
        if poisoned and begin < poisoned[0] <= end:
            return [Counting.POISON, 1.0]
        return every(0.1)(begin, end)

    with two(arrived, first=Counting(survives=False), watch=Counting(survives=False)) as (_, a, b):
        now = a.seen[-1][1].frame.t
        poisoned.append(round(now / 0.05) * 0.05 + 0.26)
        wait_for(lambda: a.error is not None)
        wait_for(lambda: b.role == LEADING)
        count = b.pair.n
        wait_for(lambda: b.pair.n > count + 10)
        assert b.error is None
        assert Counting.POISON not in b.watch.state[0]
        assert b.pair.status().left_out == 1
        assert "left out" in b.pair.fault


def test_a_command_at_either_console_acts_in_both_once_and_within_two_frames():
    with two() as (_, a, b):
        for replica, zone in ((a, "one"), (b, "two")):
            asked = a.pair.n
            replica.commands.append(Command(0.0, ALARM, zone, "amina", ""))
            wait_for(lambda zone=zone: all(zone in each.watch.state[1] for each in (a, b)))
            first = next(k for k, (_, m) in enumerate(a.seen) if zone in [c.subject for c in m.frame.commands])
            assert first <= asked + 3
        time.sleep(0.3)
        assert a.watch.state[1] == b.watch.state[1] == ("one", "two")


def test_a_command_not_yet_in_a_frame_is_in_the_first_of_our_own_after_a_take_over():
    with two() as (cable, a, b):
        cable.cut = True
        b.commands.append(Command(0.0, ALARM, "zone", "amina", ""))
        wait_for(lambda: "zone" in b.watch.state[1])
        assert b.role == LEADING
        assert "zone" not in a.watch.state[1]


def test_after_a_partition_the_longer_unbroken_picture_is_followed_and_both_agree_again():
    with two(every()) as (cable, a, b):
        cable.cut = True
        wait_for(lambda: b.role == LEADING)
        assert a.role == LEADING
        cable.cut = False
        wait_for(lambda: b.role == FOLLOWING)
        assert a.role == LEADING
        compared = b.pair.status().compared
        wait_for(lambda: b.pair.status().compared > compared + 5)
        assert b.pair.status().different == 0


def test_one_that_starts_again_takes_up_the_others_picture_and_follows_whatever_its_rank():
    with two(every()) as (cable, a, b):
        a.close()
        wait_for(lambda: b.role == LEADING)
        again = Replica(cable, "c", 0, Grid(every()))
        wait_for(lambda: again.role == FOLLOWING and again.pair.status().compared > 3)
        assert b.role == LEADING
        assert again.pair.status().different == 0
        again.close()


def test_pictures_that_differ_are_told_at_once():
    with two() as (_, _, b):
        b.watch.state = ((1.0,), ())
        wait_for(lambda: "pictures differ" in b.pair.fault, 1.5)
        assert "zones warned differ" in b.pair.fault


def test_the_other_lost_is_told():
    with two() as (_, a, b):
        a.close()
        wait_for(lambda: "other watcher is lost" in b.pair.fault)


def test_from_the_others_frames_to_our_own_each_datum_counts_once():
    theirs = [a_frame(0.25 * k)._replace(detections=plots(*ranges)) for k, ranges in enumerate([(1, 2), (3, 4), (5,)])]
    # the same plots, framed a little later here; 6 came at once, 9 died with the frame that they began
    ours = [
        a_frame(0.25 * k)._replace(detections=plots(*r))
        for k, r in enumerate([(1,), (2, 3), (4, 5.5), (5, 6, 9), (7,)])
    ]
    suspect = a_frame(0.75)._replace(detections=plots(9))
    left = bridge(theirs, ours, [suspect])
    assert [frame.detections.range.tolist() for frame in left] == [[5.5, 6.0], [7.0]]
    assert [frame.t for frame in left] == [0.75, 1.0]


def test_words_that_are_forged_stale_repeated_or_our_own_are_not_heard():
    clock = [1e9]
    mine, theirs, forger = (
        Sealer(key, name, 0, lambda: clock[0]) for key, name in ((KEY, "a"), (KEY, "b"), (b"x" * 32, "b"))
    )
    word = theirs.seal("here", {"n": 1})
    assert mine.open(word).content == {"n": 1}
    assert mine.open(word) is None
    assert mine.open(forger.seal("here", {})) is None
    assert mine.open(word[:-1] + b"?") is None
    assert mine.open(b"") is None
    assert mine.open(mine.seal("here", {})) is None
    late = theirs.seal("here", {"n": 2})
    assert mine.open(theirs.seal("here", {"n": 3})).content == {"n": 3}
    assert mine.open(late).content == {"n": 2}, "one that another has overtaken still counts"
    old = theirs.seal("here", {"n": 4})
    clock[0] += 120.0
    assert mine.open(old) is None
    with pytest.raises(ValueError, match="16 bytes"):
        Sealer(b"short", "a", 0)


def test_receipts_of_both_stand_in_one_table_under_their_replicas_names():
    one = Channels.none()._replace(
        **{name: np.zeros(1, column.dtype) for name, column in zip(Channels._fields, Channels.none(), strict=True)}
    )
    one = one._replace(name=np.array([b"siren"], "S64"))
    receipt = Receipts(*(np.zeros(1, column.dtype) for column in Receipts.none()))
    channels = both(named(one, "a"), named(one, "b"))
    assert channels.name.tolist() == [b"siren@a", b"siren@b"]
    assert both(receipt, receipt, 1).channel.tolist() == [0, 1]
    assert both(receipt, Receipts.none(), 1) is receipt
