"""Merging: frames on time, nothing dropped, several clocks, silence, and a simulation beside real inputs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import a_flight, a_scenario
from feed_builders import (
    SHARED,
    a_surveillance_site,
    a_turn,
    block,
    ethernet,
    frames_of,
    gathered,
    north_mark,
    pcap,
    plot_048,
)

from skywarden.errors import TableError
from skywarden.feeds.merge import Merged
from skywarden.feeds.opening import open_source
from skywarden.feeds.simulated import Simulated
from skywarden.feeds.source import Batch, Plot
from skywarden.messages.truth import FELL

SITE = a_surveillance_site(34.0, 69.0)
DAY = 86_400.0


def written(folder, data: bytes, name: str) -> str:
    (folder / name).write_bytes(data)
    return f"asterix+file:{folder / name}"


def test_a_datum_is_in_the_first_frame_at_or_after_its_time(tmp_path):
    frames = frames_of(written(tmp_path, a_turn(1000.1, 40), "a"), site=SITE)
    period = SITE.policy.frame_s
    assert [f.t for f in frames] == [k * period for k in range(len(frames))]
    for f in frames:
        assert (f.detections.t <= f.t + 1e-9).all()
        assert (f.detections.t > f.t - period - 1e-9).all()
    assert sum(len(f.detections.t) for f in frames) == 40


def test_what_is_recorded_a_little_late_is_still_in_its_frame(tmp_path):
    times = [1000.0 + 0.25 * k for k in range(20)]
    swapped = [t for pair in zip(times[1::2], times[::2], strict=True) for t in pair]
    data = b"".join(block(48, plot_048(t, 20.0, 10.0, k + 1)) for k, t in enumerate(swapped))
    frames = frames_of(written(tmp_path, data, "a"), site=SITE)
    detections, _, _ = gathered(frames)
    assert (np.diff(detections.t) > 0).all()
    assert [len(f.detections.t) for f in frames] == [1] * 20


def test_recordings_of_different_days_are_laid_side_by_side_by_time_of_day(tmp_path):
    raw = written(tmp_path, a_turn(1000.0), "raw")
    dated = written(tmp_path, pcap([(17_000 * DAY + 1001.0, ethernet(a_turn(1000.0, level=110.0)))]), "dated")
    later = written(tmp_path, pcap([(18_000 * DAY + 1001.0, ethernet(a_turn(1002.0, level=120.0)))]), "later")
    merged = Merged([open_source(url, SITE) for url in (raw, later, dated)], SITE)
    frames = [frame for frame, _ in merged]
    assert merged.epoch_ns == round((17_000 * DAY + 1000.0) * 1e9)
    assert frames[-1].t == 6.5
    assert frames[-1].inputs.received.tolist() == [10, 10, 10]
    assert len(frames[0].detections.t) == 2


def test_a_given_epoch_is_kept(tmp_path):
    merged = Merged([open_source(written(tmp_path, a_turn(1000.0), "a"), SITE)], SITE,
        round((19_000 * DAY + 990.0) * 1e9))
    frames = [frame for frame, _ in merged]
    assert frames[0].t == 0.0
    assert gathered(frames)[0].t[0] == pytest.approx(10.0, abs=1e-6)


def test_a_long_silence_is_shortened_but_not_hidden(tmp_path):
    frames = frames_of(written(tmp_path, a_turn(1000.0) + a_turn(9000.0), "a"), site=SITE)
    steps = np.diff([f.t for f in frames])
    assert len(frames) < 700
    assert (steps > SITE.policy.frame_s + 1e-9).sum() == 1
    assert sum(len(f.detections.t) for f in frames) == 20
    silent = [f for f in frames if 60.0 < f.t < 120.0]
    assert not any(f.radars.up[1] for f in silent)


def test_counts_are_cumulative_and_duration_ends(tmp_path):
    frames = frames_of(written(tmp_path, a_turn(1000.0, 100), "a"), site=SITE, duration=10.0)
    received = [int(f.inputs.received[0]) for f in frames]
    assert frames[-1].t == 10.0
    assert received == sorted(received)
    assert frames[-1].inputs.heard[0] == 10.0


def test_a_table_beside_a_radar(tmp_path):
    rows = "".join(f"{k * 0.25},5000,1.0,0.3,-100\n" for k in range(1, 9))
    (tmp_path / "d.csv").write_text("time_s,range_m,azimuth_rad,elevation_rad,range_rate_mps\n" + rows)
    frames = frames_of(f"table+file:{tmp_path / 'd.csv'}", written(tmp_path, a_turn(1000.0), "a"), site=SITE)
    detections, _, inputs = gathered(frames)
    assert inputs.received.tolist() == [8, 10]
    assert np.bincount(detections.sensor).tolist() == [8, 10]
    assert frames[3].radars.up.all()
    assert frames[3].radars.sector_width[0] == pytest.approx(2 * math.pi)


def test_a_faulty_table_names_its_faults(tmp_path):
    (tmp_path / "d.csv").write_text("time_s,range_m\n1,2\n")
    with pytest.raises(TableError, match="azimuth_rad"):
        open_source(f"table+file:{tmp_path / 'd.csv'}", SITE)


def test_beside_a_scenario_truth_passes_and_real_detections_are_nobodys(tmp_path):
    site = a_surveillance_site()
    scenario = replace(a_scenario(flights=(a_flight(),)), duration=15.0)
    simulated = Simulated(scenario, site)
    merged = Merged([open_source(written(tmp_path, a_turn(50_000.0), "a"), site)], site, scenario.epoch_ns,
        scenario_feed=simulated)
    plain = list(Simulated(scenario, site))
    mixed = list(merged)
    assert merged.epoch_ns == scenario.epoch_ns
    assert not merged.live
    assert merged.world is simulated
    assert len(mixed) == len(plain)
    added = sum(len(f.detections.t) for f, _ in mixed) - sum(len(f.detections.t) for f, _ in plain)
    assert added == 10
    for (frame, truth), (before, _) in zip(mixed, plain, strict=True):
        assert truth is not None
        assert len(truth.origin) == len(frame.detections.t)
        assert (truth.origin[len(before.detections.t):] == -2).all()
    assert (mixed[-1][1].rounds.outcome == FELL).all()
    assert mixed[0][0].detections.address[-1] == 0x400000


class Wall:
    """A clock that moves only when slept on, and tells what came in by then."""

    def __init__(self) -> None:
        self.t = 500.0

    def now(self) -> float:
        return self.t

    def sleep(self, seconds: float) -> None:
        self.t += seconds


class Sender:
    """A live source that sends a plot every 0.1 s by its own clock."""

    name, live, dated, relative, simulated = "made", True, False, False, False

    def __init__(self, wall: Wall, ahead: float, delay: float) -> None:
        self._wall, self._ahead, self._delay, self._sent = wall, ahead, delay, 0
        self._start = wall.t

    def poll(self) -> list[Batch]:
        found = []
        while (t := self._start + 0.1 * self._sent) + self._delay <= self._wall.t:
            found.append(Batch(t + self._ahead, (Plot(t + self._ahead, 1, 9e3, 1.0, address=5),), 1,
                arrived=t + self._delay))
            self._sent += 1
        return found

    def close(self) -> None:
        pass


@pytest.mark.parametrize("ahead", [0.0, 3_600.0, -40_000.0])
def test_live_data_are_timed_by_arrival_whatever_the_senders_clock(ahead):
    wall = Wall()
    merged = Merged([Sender(wall, ahead, delay=0.3)], SITE, duration=5.0, now=wall.now, sleep=wall.sleep)
    assert merged.live
    frames = [frame for frame, _ in merged]
    detections, _, inputs = gathered(frames)
    assert [f.t for f in frames] == pytest.approx([0.25 * k for k in range(1, 21)])
    assert inputs.received[0] == len(detections.t) == 48
    assert np.diff(detections.t) == pytest.approx(0.1, abs=1e-6)
    assert all((f.detections.t <= f.t + 1e-9).all() and (f.detections.t > f.t - 1.0).all() for f in frames)
    assert not any(f.late_s for f in frames)


def test_a_late_loop_merges_frames_and_says_so_and_drops_nothing():
    wall = Wall()
    merged = Merged([Sender(wall, 0.0, delay=0.0)], SITE, duration=6.0, now=wall.now, sleep=wall.sleep)
    frames = []
    for frame, _ in merged:
        frames.append(frame)
        if len(frames) == 4:
            wall.t += 2.0       # the defence was busy
    detections, _, _ = gathered(frames)
    assert len(detections.t) == len(np.unique(detections.t)) == 61
    assert max(f.late_s for f in frames) == pytest.approx(1.75)
    assert len(frames) == 17
    assert [f.t for f in frames] == sorted({f.t for f in frames})


def test_a_radar_that_falls_silent_is_down_after_two_and_a_half_turns(tmp_path):
    data = b"".join(block(34, north_mark(1000.0 + 5.0 * k)) for k in range(4)) + a_turn(1045.0, 6)
    up = [(f.t, bool(f.radars.up[1])) for f in frames_of(written(tmp_path, data, "a"), site=SITE)]
    assert [t for t, working in up if not working] == pytest.approx([27.75 + 0.25 * k for k in range(69)])


@pytest.mark.skipif(not (SHARED / "asterix").is_dir(), reason="the shared recordings are not beside this checkout")
def test_a_real_radar_through_a_whole_live_session_gives_aircraft_and_nothing_else():
    """The acceptance line of the job: tracks with their addresses, no projectile, no warning."""
    from rich.console import Console

    from skywarden.session.request import Request
    from skywarden.session.starting import run_request

    url = f"asterix+file:{SHARED / 'asterix' / 'jahorina_first_40s.raw'}"
    summary = run_request(Request(site="kabul", feeds=(url,), speed=None, console=False), Console(quiet=True))
    assert (summary["detections"], summary["undecodable"]) == (1057, 0)
    assert summary["aircraft"] >= 100
    assert (summary["projectiles_tracked"], summary["warned"], summary["false_warnings"]) == (0, 0, 0)
