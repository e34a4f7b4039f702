"""What is remembered between frames can be kept and put back, and a run goes on from there to the last bit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from skywarden.errors import RecordError
from skywarden.feeds.simulated import Simulated
from skywarden.messages.moment import Moment
from skywarden.pipeline.simulated import Rehearsing, Watching
from skywarden.record.codec import encode
from skywarden.record.snapshot import freeze, thaw
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.site.load import load as load_site


def test_a_run_goes_on_from_what_was_kept_to_the_last_bit():
    site = load_site("kabul")
    world = Simulated(load_scenario("kabul-2021-08-30", site), site, seed=5, duration=42.0)
    watch, rehearse = Watching(site), Rehearsing(site)
    kept, frames, after = None, [], []
    for frame, _ in world:
        if frame.t >= 36.0 and kept is None:
            kept = watch.keep(), rehearse.keep()
        picture = watch(frame)
        drill = rehearse(frame, picture)
        world.take(Moment(frame, picture, drill, None))
        if kept is not None:
            frames.append(frame)
            after.append((encode(picture), encode(drill)))
    assert kept is not None
    assert picture.tracks.number.size
    watch, rehearse = Watching(site), Rehearsing(site)
    watch.put_back(kept[0])
    rehearse.put_back(kept[1])
    assert (watch.keep(), rehearse.keep()) == kept
    again = []
    for frame in frames:
        picture = watch(frame)
        again.append((encode(picture), encode(rehearse(frame, picture))))
    assert again == after


class Pair(NamedTuple):
    left: np.ndarray
    right: dict


def test_a_snapshot_makes_only_the_classes_it_was_told_and_names_its_damage():
    state = Pair(np.array([[1.0, np.nan]]), {3: (np.int32(4), frozenset({"b", "a"}), None)})
    name = f"{Pair.__module__}.{Pair.__qualname__}"
    back = thaw(freeze(state), {name: Pair})
    assert freeze(back) == freeze(state)
    back.left[0, 0] = 2.0       # fresh and writable
    with pytest.raises(RecordError, match="is no class of this state"):
        thaw(freeze(state), {})
    for damaged in (freeze(state)[:-3], b"", b"\x93\x02\x03"):
        with pytest.raises(RecordError, match="cannot be read"):
            thaw(damaged, {name: Pair})
    with pytest.raises(TypeError, match="no place in a state"):
        freeze(open)
