"""Records, captures and sites made by hand for the tests of the feeds."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

from builders import a_radar, a_site

from skywarden.feeds.merge import Merged
from skywarden.feeds.opening import open_source
from skywarden.feeds.source import Look, Plot, Report
from skywarden.messages.frame import Frame
from skywarden.messages.tables import join
from skywarden.site.model import Site

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


def a_surveillance_site(
    latitude_deg: float = 0.6 * 180 / math.pi, longitude_deg: float = 1.2 * 180 / math.pi, **changes: Any
) -> Site:
    """A site with a counter-battery array and a secondary radar that turns in 5 s."""
    mode_s = a_radar(name="approach", kind="rotating", revisit=5.0, range_max=150e3, elevation_sigma=math.nan,
        range_rate_sigma=math.nan, mode_s=True)
    site = a_site(a_radar(), mode_s)
    origin = replace(site.origin, latitude=math.radians(latitude_deg), longitude=math.radians(longitude_deg))
    return replace(site, **{"origin": origin, **changes})


def frames_of(*urls: str, site: Site | None = None, **options: Any) -> list[Frame]:
    site = site or a_surveillance_site()
    merged = Merged([open_source(url, site) for url in urls], site, **options)
    try:
        return [frame for frame, _ in merged]
    finally:
        merged.close()


def gathered(frames: list[Frame]) -> tuple[Any, Any, Any]:
    """All detections, all reports, and the last counts."""
    return join(*(f.detections for f in frames)), join(*(f.aircraft for f in frames)), frames[-1].inputs


def items_of(url: str, site: Site | None = None) -> tuple[list[Plot], list[Report], list[Look]]:
    source = open_source(url, site or a_surveillance_site())
    items = [item for batch in source for item in batch.items]
    return tuple([i for i in items if isinstance(i, kind)] for kind in (Plot, Report, Look))      # type: ignore[return-value]


def block(category: int, *records: bytes) -> bytes:
    data = b"".join(records)
    return struct.pack(">BH", category, 3 + len(data)) + data


def plot_048(time_of_day: float | None, range_nm: float, azimuth_deg: float, address: int | None = 0xABCDEF,
        level: float | None = 100.0,
             identity: tuple[int, int] = (1, 2), flags: int = 0xA0) -> bytes:
    """A CAT048 record written bit by bit: 010, 140, 020, 040, 090, 220."""
    first = 0x80 | (0x40 if time_of_day is not None else 0) | 0x20 | 0x10 | (0x04 if level is not None else 0) | (0x01
        if address is not None else 0)
    fspec = bytes([first]) + (b"\x80" if address is not None else b"")
    out = fspec + bytes(identity)
    if time_of_day is not None:
        out += round(time_of_day * 128).to_bytes(3, "big")
    out += bytes([flags]) + struct.pack(">HH", round(range_nm * 256), round(azimuth_deg / 360 * 65536) % 65536)
    if level is not None:
        out += struct.pack(">H", round(level * 4) & 0x3FFF)
    return out + (address.to_bytes(3, "big") if address is not None else b"")


def north_mark(time_of_day: float, identity: tuple[int, int] = (1, 2)) -> bytes:
    """A CAT034 record: 010, 000, 030."""
    return b"\xe0" + bytes(identity) + b"\x01" + round(time_of_day * 128).to_bytes(3, "big")


def a_turn(begin: float, count: int = 10, **changes: Any) -> bytes:
    """Data blocks of `count` plots of different aircraft, half a second apart."""
    return b"".join(block(48, plot_048((begin + 0.5 * k) % 86_400, 20.0 + k, 36.0 * k, 0x400000 + k, **changes))
        for k in range(count))


def ethernet(payload: bytes, vlan: bool = False) -> bytes:
    """An Ethernet frame around an IPv4 UDP datagram."""
    udp = struct.pack(">HHHH", 8600, 8600, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes((10, 0, 0, 1)),
        bytes((239, 0, 0, 1))) + udp
    return bytes(12) + (b"\x81\x00\x00\x07" if vlan else b"") + b"\x08\x00" + ip


def pcap(packets: list[tuple[float, bytes]], order: str = "<", nano: bool = False, link: int = 1) -> bytes:
    unit = 1e9 if nano else 1e6
    out = struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)
    for stamp, packet in packets:
        out += struct.pack(order + "IIII", int(stamp), round((stamp % 1) * unit), len(packet), len(packet)) + packet
    return out


def pcapng(packets: list[tuple[float, bytes]], order: str = "<") -> bytes:
    def piece(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))

    out = piece(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)) + piece(1, struct.pack(order + "HHI", 1,
        0, 0))
    for stamp, packet in packets:
        ticks = round(stamp * 1e6)
        out += piece(6, struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet))
            + packet)
    return out
