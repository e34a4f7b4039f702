"""What is remembered stands in the record, and a run is taken up from it to the last bit."""

from __future__ import annotations

import io
import sqlite3
from dataclasses import replace

import pytest
from rich.console import Console

from skywarden.errors import UsageError
from skywarden.feeds.simulated import Simulated
from skywarden.pipeline.live import Watching
from skywarden.pipeline.simulated import stepper
from skywarden.record.codec import encode
from skywarden.record.reader import Record
from skywarden.record.snapshot import freeze
from skywarden.run.loop import Wire, run
from skywarden.session.checks import check_record
from skywarden.session.request import Request
from skywarden.session.resuming import header_of, take_up
from skywarden.session.starting import run_request
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.site.load import load as load_site

QUIET = Console(file=io.StringIO())


def recorded(path, duration, resume=None, scenario="kabul-2021-08-30", seed=5):
    request = Request(
        scenario, speed=None, duration=duration, seed=seed, record=path, console=False, stay=False, resume=resume)
    run_request(request, QUIET)
    return path


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    """A raid recorded whole, and in two halves of which the second takes up the first in the middle of it."""
    folder = tmp_path_factory.mktemp("resumed")
    whole = recorded(folder / "whole.rec", 50.0)
    first = recorded(folder / "first.rec", 38.0)
    return whole, first, recorded(folder / "second.rec", 50.0, first)


def pictures(path, after=-1.0):
    with Record(path) as record:
        return [(row.t, row.picture, row.drill) for row in record.rows() if row.t > after]


def test_a_run_that_is_taken_up_goes_on_to_the_last_bit_in_the_middle_of_a_raid(halves):
    whole, first, second = halves
    with Record(first) as record:
        assert record.at(38.0).picture.tracks.number.size, "nothing flies: choose another moment"
    assert pictures(second) == pictures(whole, 38.0)
    with Record(second) as record, Record(first) as before:
        assert record.header.follows == before.link()
        assert record.snapshots()[0] == 1


def test_a_record_that_goes_on_from_another_replays_to_the_last_bit_alone(halves):
    found = check_record(halves[2], QUIET)
    assert found.same, found.sentence
    assert found.frames == len(pictures(halves[2]))


def test_a_snapshot_stands_at_the_beginning_each_minute_and_at_the_end(tmp_path):
    path = recorded(tmp_path / "quiet.rec", 70.0, scenario="quiet-night")
    with Record(path) as record:
        assert record.snapshots() == [1, 241, len(record) + 1]
        assert record.faults() == []
        watch = Watching(load_site("kabul"))
        for moment in record.moments():
            watch(moment.frame)
        assert record.snapshot(len(record) + 1).watch == watch.keep()


def test_a_snapshot_that_was_changed_is_found(halves, tmp_path):
    path = tmp_path / "changed.rec"
    path.write_bytes(halves[1].read_bytes())
    base = sqlite3.connect(path)
    (watch,), = base.execute("SELECT watch FROM snapshots WHERE n = 1").fetchall()
    base.execute("UPDATE snapshots SET watch = ? WHERE n = 1", (watch[:100] + b"?" + watch[101:],))
    base.commit()
    base.close()
    with Record(path) as record:
        assert record.faults() == ["the snapshot before frame 1 is not as it was recorded"]


def test_every_class_of_the_state_is_one_that_can_be_put_back():
    watching = Watching(load_site("kabul"))
    kept = watching.keep()
    watching.put_back(kept)
    assert watching.keep() == kept


def test_what_is_remembered_does_not_change_after_the_next_frame():
    site = load_site("kabul")
    world = Simulated(load_scenario("kabul-2021-08-30", site), site, seed=5, duration=37.0)
    kept = []

    class Keeps:
        def take(self, moment):
            kept.append((moment.before.watch, freeze(moment.before.watch)))

        def close(self):
            pass

    class Now:
        def wait_until(self, t):
            return 0.0

    run(world, stepper(site, True), [Wire(world, drill=True), Wire(Keeps(), state=True)], Now())
    assert all(freeze(state) == then for state, then in kept[::20])


def test_another_site_or_kind_of_run_is_not_taken_up(halves):
    site = load_site("kabul")
    with pytest.raises(UsageError, match="simulation run"):
        header_of(halves[1], site, "live")
    with pytest.raises(UsageError, match="site's files"):
        header_of(halves[1], replace(site, sources={"site.toml": b"other"}), "simulation")
    with pytest.raises(UsageError, match="seed 5"):
        recorded(None, 40.0, halves[1], seed=6)


def test_the_frames_after_the_newest_snapshot_are_stepped_again(halves):
    whole, first, _ = halves
    site = load_site("kabul")
    steps = stepper(site, True)
    with Record(first) as record:
        seen = record.snapshots()
    base = sqlite3.connect(first)      # as a killed run leaves it: without the snapshot at the end
    base.execute("DELETE FROM snapshots WHERE n = ?", (seen[-1],))
    base.commit()
    base.close()
    assert take_up(first, steps).frames == len(pictures(first))
    with Record(whole) as record:
        following = next(moment for moment in record.moments(38.1))
    assert encode(steps.step(following.frame)[0]) == encode(following.picture)
