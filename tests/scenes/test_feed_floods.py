"""Several radars on one port, networks A and B, drift over a day, silence before a raid, a flood:
nothing lost that can be had, all counted.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

from feed_builders import a_surveillance_site, block, plot_048

from skywarden.feeds.asterix import Decoder
from skywarden.feeds.merge import Merged
from skywarden.feeds.opening import open_source
from skywarden.feeds.sockets import Piece
from skywarden.feeds.source import Batch
from skywarden.messages.frame import CAUSES, SHED, TWICE

SITE = a_surveillance_site(48.0, 11.0)
fifty_milliseconds = 0.05  # s, by which a plot may be stamped beside the truth
DAY_BEGAN = 20_000 * 86_400.0


class Network:
    """A live source of datagrams at made times: what a thread of a real one would have decoded by now."""

    live, dated, relative, simulated = True, False, False, False

    def __init__(self, name: str, clock: list[float], sent: list[tuple[float, str, bytes]]) -> None:
        self.name, self._clock, self._sent = name, clock, sorted(sent)
        self._decoder, self._at = Decoder(SITE), 0

    def poll(self) -> list[Batch]:
        run = []
        while self._at < len(self._sent) and self._sent[self._at][0] <= self._clock[0]:
            arrived, peer, data = self._sent[self._at]
            run.append(Piece(arrived, (peer, "8600"), data))
            self._at += 1
        return self._decoder.decode_many(run, DAY_BEGAN - START) if run else []

    def close(self) -> None:
        """Nothing is open."""


START = 1_000.0  # s of the monotonic clock at which the run begins; UTC is midnight then


def followed(
    networks: dict[str, list[tuple[float, str, bytes]]], seconds: float, monkeypatch: Any, frame_s: float = 0.25
) -> tuple[Any, Any, list[str]]:
    """All detections and the last counts of a live run, on a made clock."""
    clock, said = [START], []
    site = replace(SITE, policy=replace(SITE.policy, frame_s=frame_s))
    monkeypatch.setattr(time, "time_ns", lambda: int(DAY_BEGAN * 1e9))
    merged = Merged(
        [Network(name, clock, sent) for name, sent in networks.items()],
        site,
        duration=seconds,
        now=lambda: clock[0],
        sleep=lambda s: clock.__setitem__(0, clock[0] + s),
        say=said.append,
    )
    frames = [frame for frame, _ in merged]
    t = np.concatenate([frame.detections.t for frame in frames])
    address = np.concatenate([frame.detections.address for frame in frames])
    return (t, address), frames[-1].inputs, said


def radar(
    identity: tuple[int, int],
    ahead: float,
    seconds: float,
    first: int,
    every: float = 0.1,
    drift: float = 0.0,
    delay: Any = lambda k: 0.02,
    begin: float = 0.5,
) -> tuple[list[tuple[float, str, bytes]], dict[int, float]]:
    """Datagrams of one radar, and when each address was really seen: one address a plot."""
    sent, truth = [], {}
    for k in range(int((seconds - begin) / every)):
        t = begin + k * every
        truth[first + k] = t
        said = (t * (1.0 + drift) + ahead) % 86_400
        sent.append(
            (
                START + t + delay(k),
                f"10.0.0.{identity[1]}",
                block(48, plot_048(said, 20.0, 10.0, first + k, identity=identity)),
            )
        )
    return sent, truth


def as_it_was(found: Any, truth: dict[int, float], settled: float = 0.0) -> None:
    """Nothing lost, nothing twice, everything stamped as it was."""
    t, address = found
    assert sorted(address.tolist()) == sorted(truth)
    off = np.array([when - truth[who] for when, who in zip(t.tolist(), address.tolist(), strict=True)])
    late = np.array([truth[who] >= settled for who in address.tolist()])
    assert np.abs(off[late]).max() <= fifty_milliseconds


def test_two_radars_on_one_port_with_clocks_forty_seconds_apart(monkeypatch):
    one, seen = radar((1, 2), 0.0, 30.0, 1)
    two, seen_too = radar((1, 3), 40.0, 30.0, 100_001)
    found, inputs, _ = followed({"port": one + two}, 32.0, monkeypatch)
    as_it_was(found, seen | seen_too)
    assert inputs.rejected[0] == 0


def test_networks_a_and_b_carry_one_radar_once(monkeypatch):
    one, seen = radar((1, 2), 0.0, 30.0, 1)
    other = [(when + 0.004, "10.0.1.2", data) for when, _, data in one]
    found, inputs, _ = followed({"A": one, "B": other}, 32.0, monkeypatch)
    as_it_was(found, seen)
    assert inputs.causes[:, TWICE].sum() == len(one)
    assert inputs.rejected.sum() == len(one)
    halves = {"A": one[: len(one) // 2], "B": other[len(one) // 3 :]}  # one network fails, the other goes on
    found, _, _ = followed(halves, 32.0, monkeypatch)
    as_it_was(found, seen)


def test_a_clock_that_drifts_fifty_millionths_for_a_day_is_followed_and_said(monkeypatch):
    sent, seen = radar((1, 2), 0.0, 86_000.0, 1, every=20.0, drift=50e-6)
    found, inputs, said = followed({"port": sent}, 86_010.0, monkeypatch, frame_s=16.0)
    as_it_was(found, seen)
    assert inputs.rejected[0] == 0
    assert any("wandered" in sentence for sentence in said)


def test_a_silence_of_thirty_seconds_before_a_raid_costs_none_of_its_plots(monkeypatch):
    before, seen = radar((1, 2), 0.0, 10.0, 1)
    after, seen_too = radar((1, 2), 0.0, 60.0, 100_001, begin=40.5)
    for drift in (0.0, 50e-6):
        again, _ = radar((1, 2), 0.0, 60.0, 100_001, begin=40.5, drift=drift)
        found, _, _ = followed({"port": before + (again if drift else after)}, 62.0, monkeypatch)
        as_it_was(found, seen | seen_too)


def flood(port: int, a_second: int, seconds: float, sent: Any) -> None:
    """Send so many datagrams a second, from a process of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        begin, count, data = time.monotonic(), 0, b""
        out.connect(("127.0.0.1", port))
        while (passed := time.monotonic() - begin) < seconds:
            due = int(passed * a_second)
            while count < due and count % 500 != 499:
                data = (
                    block(48, plot_048((time.time()) % 86_400, 1.0 + count % 200, 10.0, 1 + count % 60_000))
                    if count % 50 == 0
                    else data
                )
                with contextlib.suppress(OSError):
                    out.send(data)
                count += 1
            count += count % 500 == 499     # a breath after so many
            time.sleep(0.0005)
        sent.value = count - count // 500


def flooded(a_second: int, seconds: float) -> tuple[list[Any], int, float]:
    """Frames of a live feed under a flood, how many datagrams were sent, and how much the process grew [bytes]."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    merged = Merged([open_source(f"asterix+udp://127.0.0.1:{port}", SITE)], SITE, duration=seconds + 60.0)
    made = multiprocessing.get_context("spawn")
    sent = made.Value("q", 0)
    sender = made.Process(target=flood, args=(port, a_second, seconds, sent), daemon=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sender.start()
    frames, after = [], 0
    for frame, _ in merged:
        if len(frames) or frame.inputs.received[0]:      # from the first datagram on
            frames.append(frame)
        after += not sender.is_alive()
        if after > 6:
            break
    sender.join(30.0)
    merged.close()
    return frames, int(sent.value), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before


def judged(frames: list[Any], sent: int, grown: float, seconds: float) -> None:
    counts = frames[-1].inputs
    shed = int(counts.causes[0, SHED])
    assert grown < 256 << 20
    late = np.array([frame.late_s for frame in frames])
    assert len(frames) >= 0.6 * seconds / 0.25, f"{len(frames)} frames, {late.max():.2f} s late"
    assert counts.received[0] > 0
    told = dict(zip(CAUSES, counts.causes[0].tolist(), strict=True))
    assert 0.99 * sent <= shed + int(counts.received[0]) <= sent + 1
    print(f"{sent} sent, {int(counts.received[0])} read, {told}")
    print(f"{len(frames)} frames, latest {late.max():.2f} s late, grown {grown / 1e6:.0f} MB")


def test_a_short_flood_sheds_and_counts_and_keeps_the_frames():
    frames, sent, grown = flooded(60_000, 2.0)
    judged(frames, sent, grown, 2.0)


@pytest.mark.prove
def test_a_flood_of_a_hundred_thousand_messages_a_second_for_twenty_seconds():
    frames, sent, grown = flooded(100_000, 20.0)
    judged(frames, sent, grown, 20.0)
    assert frames[-1].inputs.causes[0, SHED] > 0 or frames[-1].inputs.received[0] > 0.99 * sent
