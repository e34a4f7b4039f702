"""Senders' clocks: several on one port, drift, steps, silence, one wrong time; what is within three
seconds of the wall is never held back.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from feed_builders import a_surveillance_site, block, ethernet, frames_of, gathered, pcap, plot_048

from skywarden.feeds.asterix import Decoder
from skywarden.feeds.clocks import Clock
from skywarden.feeds.merge import Merged
from skywarden.feeds.source import Batch, Plot
from skywarden.feeds.timeline import DAY, Timeline
from skywarden.formats.network import Payload
from skywarden.messages.frame import WRONG_TIME

SITE = a_surveillance_site(34.0, 69.0)
NOON = 1_700_000_000.0 // DAY * DAY + 43_200.0       # UTC of some day
fifty_ms = 0.05


class Line:
    """Senders on one network: each sends a plot every 0.2 s, late by a random delay, by a clock
    that is wrong in its own way.
    """

    live, dated, relative, simulated, name = True, False, False, False, "line"

    def __init__(self, clocks: list, delays: list[float], seconds: float, every: float = 0.2, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        self.decoder, self.truth, self.sent = Decoder(SITE), {}, []
        for who, (clock, delay) in enumerate(zip(clocks, delays, strict=True)):
            for k in range(int(seconds / every)):
                t = k * every + 0.01 * who
                if clock(t) is None:
                    continue
                address = 1 + who * 100_000 + k
                self.truth[address] = t
                shown = (NOON + clock(t)) % DAY
                self.sent.append((t + delay + float(rng.exponential(0.03)), block(48, plot_048(shown, 20.0, 10.0,
                    address, identity=(1, who)))))
        self.sent.sort()
        self.now = 0.0

    def poll(self) -> list[Batch]:
        found: list[Batch] = []
        while self.sent and self.sent[0][0] <= self.now:
            arrived, data = self.sent.pop(0)
            found += self.decoder.decode(Payload(data, NOON + arrived), arrived)
        return found

    def close(self) -> None:
        pass


def run(
    line: Line, seconds: float, monkeypatch: pytest.MonkeyPatch, say: list[str] | None = None
) -> tuple[dict[int, float], object]:
    """Error of each plot's time [s] by its address, and the last counts."""
    monkeypatch.setattr("skywarden.feeds.merge.time.time_ns", lambda: round(NOON * 1e9))

    def sleep(wait: float) -> None:
        line.now += wait

    said = [] if say is None else say
    merged = Merged([line], SITE, duration=seconds, now=lambda: line.now, sleep=sleep, say=said.append)
    detections, _, inputs = gathered([frame for frame, _ in merged])
    assert len(np.unique(detections.address)) == len(detections.address)
    return {int(a): float(t) - line.truth[int(a)] for a, t in zip(detections.address, detections.t,
        strict=True)}, inputs


def test_two_radars_of_one_port_with_clocks_forty_seconds_apart_lose_nothing(monkeypatch):
    line = Line([lambda t: t, lambda t: t + 40.0], [0.3, 0.02], 60.0)
    errors, inputs = run(line, 62.0, monkeypatch)
    assert len(errors) == len(line.truth) == 600
    assert inputs.rejected[0] == 0
    # in time: believed, whatever its messages take; 1/128 s
    assert max(abs(e) for a, e in errors.items() if a < 100_000) < 1e-2
    # Not in time: its quickest message is taken to take no time, and the quickest of the first seconds is not that
    # quick yet.
    assert max(abs(e) for a, e in errors.items() if a > 100_000 + 25) < fifty_ms


def test_a_clock_that_drifts_is_followed_and_said_to(monkeypatch):
    """Fifty parts in a million for a day, sped up two hundred times: 10 ms a second; without
    following it, 2 s off after 200 s.
    """
    said: list[str] = []
    line = Line([lambda t: t * 1.005], [0.4], 200.0)
    errors, inputs = run(line, 202.0, monkeypatch, said)
    assert len(errors) == 1_000
    assert max(abs(e) for e in errors.values()) < 0.2       # 30 s of it at most; at the true rate 1.5 ms
    assert abs(inputs.drift[0]) > 0.5
    assert sum("wandered" in sentence for sentence in said) == 1


@pytest.mark.parametrize("step", [-1_200.0, -5.0, 5.0, 3_600.0, -40_000.0])
def test_a_clock_that_is_set_is_a_new_clock_said_once_and_costs_seconds(monkeypatch, step):
    said: list[str] = []
    line = Line([lambda t: t if t < 40.0 else t + step], [0.3], 80.0)
    errors, inputs = run(line, 82.0, monkeypatch, said)
    assert len(errors) == 400
    late = {a: e for a, e in errors.items() if not 40.0 <= line.truth[a] <= 47.0}
    assert max(abs(e) for e in late.values()) < 0.2
    assert inputs.steps[0] >= 1
    assert ["was set" in sentence for sentence in said] == [True]
    assert not abs(inputs.drift[0]) > 0.2


def test_after_a_silence_of_half_a_minute_the_first_plot_is_there_at_once(monkeypatch):
    line = Line([lambda t: t if t < 5.0 or t > 40.0 else None], [0.1], 45.0)
    errors, inputs = run(line, 46.0, monkeypatch)
    assert len(errors) == len(line.truth)
    assert inputs.rejected[0] == 0
    assert max(abs(e) for e in errors.values()) < fifty_ms


def test_the_very_first_plot_near_the_wall_is_given_out_at_once():
    decoder = Decoder(SITE)
    batches = decoder.decode(Payload(block(48, plot_048((NOON - 2.0) % DAY, 20.0, 10.0, 7)), NOON), 5.0)
    assert [item.address for b in batches for item in b.items if isinstance(item, Plot)] == [7]


def test_one_message_with_a_wrong_time_moves_nothing(monkeypatch):
    line = Line([lambda t: t + 500.0 if abs(t - 20.0) < 0.05 else t], [0.1], 40.0)
    errors, inputs = run(line, 42.0, monkeypatch)
    assert len(errors) == 199
    assert inputs.causes[0, WRONG_TIME] == inputs.rejected[0] == 1
    assert max(abs(e) for e in errors.values()) < fifty_ms


def test_over_midnight_nothing_jumps():
    clock = Clock(round((NOON + 43_190.0) * 1e9))
    times = []
    for t in np.arange(0.0, 30.0, 0.5):
        clock.note((NOON + 43_190.0 + t) % DAY, t + 0.2)
        times.append(clock.time_of((NOON + 43_190.0 + t) % DAY, t + 0.2))
    assert times == pytest.approx(np.arange(0.0, 30.0, 0.5), abs=1e-6)


@pytest.mark.parametrize("stamped", [True, False])
def test_in_a_recording_too_each_sender_has_its_own_clock(tmp_path, stamped):
    packets = []
    for k in range(40):
        packets += [(NOON + k, block(48, plot_048(43_200.0 + k, 20.0, 10.0, 100 + k, identity=(1, 1)))),
                    (NOON + k + 0.1, block(48, plot_048(43_240.0 + k + 0.1, 20.0, 20.0, 200 + k, identity=(1, 2))))]
    data = pcap([(stamp, ethernet(payload)) for stamp, payload in packets]) if stamped else b"".join(payload for _,
        payload in packets)
    (tmp_path / "two").write_bytes(data)
    frames = frames_of(f"asterix+file:{tmp_path / 'two'}", site=SITE)
    detections, _, inputs = gathered(frames)
    assert (len(detections.t), inputs.rejected[0]) == (80, 0)
    assert frames[-1].t < 41.0
    apart = detections.t[detections.address >= 200] - detections.t[detections.address < 200]
    assert np.abs(apart - 0.1).max() < 0.2


def test_two_networks_agree_in_a_clock_that_is_set_so_that_equal_plots_stay_one():
    networks: list[Timeline[int]] = [Timeline(), Timeline()]
    given: list[list[float]] = [[], []]
    for k in range(40):
        t = 1_000.0 + 0.2 * k - (1_200.0 if k >= 20 else 0.0)
        for number, line in enumerate(networks):
            given[number] += [out for out, _ in line.admit(t, k, 1_000.05 + 0.2 * k + 0.004 * number)]
    assert given[0] == given[1]
    assert given[0] == pytest.approx([1_000.0 + 0.2 * k for k in range(40)], abs=0.13)


def test_times_that_belong_to_no_clock_are_held_back_until_enough_agree():
    line: Timeline[int] = Timeline()
    assert [line.admit(1_000.0 + k, k, 90_000.0 + k) for k in range(4)] == [[], [], [], []]
    assert [t for t, _ in line.admit(1_004.0, 4, 90_004.0)] == [1_000.0, 1_001.0, 1_002.0, 1_003.0, 1_004.0]
    assert line.admit(math.nan, 5) == []
    assert line.rejected == 1
