"""Datagrams decoded many at once give what they give one by one: the same plots, times, counts
and clocks, to the last bit.
"""

from __future__ import annotations

import math
import random
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from feed_builders import SHARED, a_surveillance_site, block, north_mark, plot_048

from skywarden.feeds.asterix import Decoder
from skywarden.feeds.clocks import Clock
from skywarden.feeds.doubles import Before
from skywarden.feeds.sockets import Piece
from skywarden.feeds.source import Batch, Plot
from skywarden.formats.asterix import read
from skywarden.formats.asterix_out import PlotOut, blocks, plot_015
from skywarden.formats.blocks import BlockReader
from skywarden.formats.capture import blocks as cut
from skywarden.formats.capture import payloads
from skywarden.formats.network import Payload
from skywarden.formats.plots import read_many
from skywarden.messages.frame import Detections

SITE = a_surveillance_site(48.0, 11.0)
DAY_BEGAN = 20_000 * 86_400.0


def made(seed: int) -> list[tuple[int, bytes]]:
    """Records of both categories with items in all mixtures; no two radars see one address."""
    chance, found = random.Random(seed), []
    for k in range(300):
        if chance.random() < 0.5:
            identity = chance.choice(((1, 2), (1, 3)))
            time_of_day = None if chance.random() < 0.1 else 40_000.0 + k / 64
            address = chance.choice((None, 0, 0xFFFFFF, 1_000 * identity[1] + k % 40))
            level, flags = chance.choice((None, 100.0, -4.0)), chance.choice((0xA0, 0xA0, 0xA0, 0xB0, 0x20))
            place = chance.uniform(1, 200), chance.uniform(0, 360)
            found.append((48, plot_048(time_of_day, *place, address, level, identity, flags)))
        else:
            nan = math.nan
            plot = PlotOut(
                40_000.0 + k / 64,
                chance.uniform(50, 4e5),
                chance.uniform(0, 6.28),
                chance.choice((nan, 0.4)),
                chance.choice((nan, -120.0)),
                chance.choice((nan, 12.0)),
                nan,
                -1,
            )
            found.append((15, plot_015((5, 6), plot)))
    return found


def same(one: object, other: object) -> bool:
    return one == other or (one != one and other != other)  # nan


@pytest.mark.parametrize("simulated", [False, True])
def test_every_field_is_what_it_is_alone(simulated):
    reader, records = BlockReader(), []
    for category, data in made(1):
        records += [(category, record) for record in reader.read(category, data)[0]]
    if (SHARED / "asterix").is_dir():
        for name in (
            "jahorina_first_40s.raw",
            "ccl_cat_034_048.pcap",
            "jasterix_cat048ed1.15.bin",
            "jasterix_cat048ed1.23.bin",
        ):
            for payload in payloads(SHARED / "asterix" / name):
                for category, data in cut(payload.data):
                    records += [(category, record) for record in reader.read(category, data)[0] if category in (15, 48)]
    many = read_many(records, simulated)
    for k, (category, record) in enumerate(records):
        one, other = read(category, record, simulated), many.row(k)
        assert type(one) is type(other)
        assert all(map(same, one, other)), (one, other)


def pieces(seed: int) -> list[Piece]:
    found = []
    for k, (category, data) in enumerate(made(seed)):
        tail = b"\xff\xff" if k % 50 == 7 else b""
        found.append(Piece(1_000.0 + k / 64, ("10.0.0.1", "8600"), block(category, data) + tail))
        if k % 40 == 0:
            found.append(
                Piece(1_000.0 + k / 64, ("10.0.0.1", "8600"), block(34, north_mark(40_000.0 + k / 64, (1, 2))))
            )
    return found


def counted(batches: list[Batch]) -> tuple[int, int, dict[int, int], dict[str, int], list[Plot]]:
    rejected: dict[int, int] = {}
    kinds: dict[str, int] = {}
    plots: list[Plot] = []
    for batch in batches:
        for cause, count in batch.rejected.items():
            rejected[cause] = rejected.get(cause, 0) + count
        for kind, count in batch.kinds.items():
            kinds[kind] = kinds.get(kind, 0) + count
        plots += [item for item in batch.items if isinstance(item, Plot)]
        plots += [Plot(*row) for row in zip(*(column.tolist() for column in batch.plots), strict=True)]
    return sum(b.received for b in batches), sum(b.undecodable for b in batches), rejected, kinds, plots


@pytest.mark.parametrize("run", [1, 7, 64, 400])
def test_datagrams_decoded_together_give_what_they_give_alone(run):
    to_utc = DAY_BEGAN + 39_000.0
    alone, together = Decoder(SITE), Decoder(SITE)
    given = pieces(2)
    apart = [b for p in given for b in alone.decode(Payload(p.data, p.arrived + to_utc), p.arrived, p.peer[0])]
    many = [b for k in range(0, len(given), run) for b in together.decode_many(given[k : k + run], to_utc)]
    first, second = counted(apart), counted(many)
    assert first[:4] == second[:4]
    # a plot that tells no time gets its sender's, which service messages set to the next step of 1/128 s
    one, other = (sorted(each, key=lambda plot: repr(plot[1:])) for each in (first[4], second[4]))
    assert [repr(plot[1:]) for plot in one] == [repr(plot[1:]) for plot in other]
    assert np.allclose([plot.t for plot in one], [plot.t for plot in other], rtol=0.0, atol=0.02)


def test_a_clock_and_what_came_twice_are_the_same_many_at_once():
    chance = np.random.default_rng(3)
    arrived = np.cumsum(chance.exponential(0.05, 4_000)) + 500.0
    when = (arrived + 40.0 - chance.exponential(0.2, 4_000)) * (1.0 + 50e-6)
    one, many = Clock(0), Clock(0)
    for k in range(0, 4_000, 100):
        for t, a in zip(when[k : k + 100], arrived[k : k + 100], strict=True):
            one.note(float(t), float(a))
        many.note_all(when[k : k + 100], arrived[k : k + 100])
        times = [one.time_of(float(t), float(a)) for t, a in zip(when[k : k + 100], arrived[k : k + 100], strict=True)]
        assert np.allclose(times, many.times_of(when[k : k + 100], arrived[k : k + 100]), atol=1e-9)
    assert abs(one.drift - many.drift) < 1e-9
    plots = Detections.empty(6)._replace(t=np.array([1.0, 2.0, 1.0, 3.0, 2.0, 4.0]))
    before = Before()
    assert before.seen(Plot(*(column[0].item() for column in plots)), 1.0) is False
    assert before.seen_of(plots, plots.t).tolist() == [True, False, True, False, True, False]
    assert before.seen(Plot(*(column[5].item() for column in plots)), 4.0) is True
    before.forget(1e6)
    assert before.seen_of(plots, plots.t).tolist() == [False, False, True, False, True, False]


@pytest.mark.prove
def test_fifty_thousand_plots_a_second_from_datagram_to_frame_on_one_core():
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
    import feed_decoding

    told = feed_decoding.main()
    for rates in told.values():
        assert rates["columns"] >= 50_000, told


def test_decoding_together_is_quicker_than_alone():
    nan = math.nan
    given = [
        Piece(1_000.0 + k / 64, ("10.0.0.1", "1"), data)
        for k, data in enumerate(
            blocks(
                15,
                [
                    plot_015((5, 6), PlotOut(40_000.0 + k / 1000, 5_000.0 + k, 0.1, 0.2, 10.0, 20.0, nan, -1))
                    for k in range(6_000)
                ],
            )
        )
    ]
    to_utc, took = DAY_BEGAN + 39_000.0, {False: math.inf, True: math.inf}
    for many in (False, True) * 4:
        decoder = Decoder(SITE, simulated=True)
        decoder.decode_many(given[:5], to_utc)
        begun = time.thread_time()
        if many:
            decoder.decode_many(given, to_utc)
        else:
            for p in given:
                decoder.decode(Payload(p.data, p.arrived + to_utc), p.arrived, p.peer[0])
        took[many] = min(took[many], time.thread_time() - begun)
    assert took[True] < 0.7 * took[False]
