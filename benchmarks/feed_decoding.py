"""Plots a second from datagram to frame on one core, beside libasterix's own decoder and the
record-by-record path, in one run.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "stages"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from feed_builders import a_surveillance_site

from skywarden.feeds.asterix import Decoder
from skywarden.feeds.merge import Merged
from skywarden.feeds.sockets import Piece
from skywarden.feeds.source import Batch
from skywarden.formats.asterix_out import PlotOut, blocks, plot_015, plot_048
from skywarden.formats.layout import layouts
from skywarden.formats.network import Payload

SITE = a_surveillance_site(48.0, 11.0)
DATAGRAMS = 2_000  # of each category, some thirty plots each


def datagrams(category: int, begin: float) -> list[bytes]:
    """Datagrams of a radar as a busy one sends them."""
    nan, found = math.nan, []
    for k in range(DATAGRAMS):
        t, records = begin + k * 0.01, []
        for n in range(30):
            plot = PlotOut(
                t,
                5_000.0 + 37.0 * n + k,
                0.01 * n + 0.001 * k,
                0.3,
                40.0,
                20.0,
                nan if category == 15 else 3_000.0,
                -1 if category == 15 else 1 + n + 30 * k,
            )
            record = plot_015((1, 1), plot) if category == 15 else plot_048((1, 2), plot)
            records.append(record or b"")
        found += list(blocks(category, records))
    return found


class Given:
    """A live source that hands over what was decoded."""

    live, dated, relative, simulated, name = True, False, False, False, "given"

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def poll(self) -> list[Batch]:
        found, self.batches = self.batches, []
        return found

    def close(self) -> None:
        """Nothing is open."""


def to_frames(data: list[bytes], decode: Callable[[Decoder, list[Piece], float], list[Batch]]) -> tuple[float, int]:
    """CPU seconds from datagrams to frames, and the detections in them; each frame holds 0.25 s of datagrams."""
    decoder, source, wall = Decoder(SITE, simulated=True), Given(), [0.0]
    day = time.time() // 86_400.0 * 86_400.0
    to_utc = day + 40_000.0
    merged = Merged([source], SITE, now=lambda: wall[0], sleep=lambda s: wall.__setitem__(0, wall[0] + max(s, 1e-6)))
    frames = iter(merged)
    next(frames)
    a_frame, begun, seen = 25, time.process_time(), 0
    for k in range(0, len(data), a_frame):
        run = [Piece(wall[0] + 0.01 * n, ("10.0.0.1", "1"), each) for n, each in enumerate(data[k : k + a_frame])]
        source.batches += decode(decoder, run, to_utc)
        frame, _ = next(frames)
        seen += len(frame.detections.t)
    return time.process_time() - begun, seen


def alone(decoder: Decoder, run: list[Piece], to_utc: float) -> list[Batch]:
    return [b for p in run for b in decoder.decode(Payload(p.data, p.arrived + to_utc), p.arrived, p.peer[0])]


def libasterix(category: int, data: list[bytes]) -> tuple[float, int]:
    """CPU seconds of libasterix to parse the same and to read four fields of each record."""
    import asterix.generated as generated
    from asterix.base import Bits, RawDatablock

    spec = {15: generated.Cat_015_1_2, 48: generated.Cat_048_1_32}[category]
    begun, seen = time.process_time(), 0
    for each in data:
        for raw in RawDatablock.parse(Bits.from_bytes(each)):
            for record in spec.cv_uap.parse(raw.get_raw_records()):
                for item in ("010", "145" if category == 15 else "140"):
                    record.get_item(item)
                seen += 1
    return time.process_time() - begun, seen


def main() -> dict[str, dict[str, float]]:
    """Rates of each way and category, and ratios."""
    layouts()  # libasterix's tables are compiled once, before the first datagram
    told: dict[str, dict[str, float]] = {}
    for category in (48, 15):
        data = datagrams(category, 40_000.0)
        rates = {}
        for name, (took, seen) in {
            "columns": to_frames(data, Decoder.decode_many),
            "record by record": to_frames(data[: len(data) // 8], alone),
            "libasterix (decoding alone)": libasterix(category, data[: len(data) // 20]),
        }.items():
            rates[name] = round(seen / took)
        rates["times libasterix"] = round(rates["columns"] / rates["libasterix (decoding alone)"], 1)
        told[f"CAT{category:03d} plots/s"] = rates
    return told


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
