"""Captured packets as the datagrams they carry: Ethernet and its kin, IPv4 and IPv6, fragments put
together as the receiving machine would.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import NamedTuple

# link types of pcap
ETHERNET, LINUX_COOKED, LINUX_COOKED_2, LOOPBACK, LOOPBACK_BIG, RAW_IP = 1, 113, 276, 0, 108, (12, 14, 101, 228, 229)
IPV4, IPV6, VLANS = 0x0800, 0x86DD, (0x8100, 0x88A8, 0x9100)        # of Ethernet
UDP, FRAGMENT = 17, 44                  # of IP
# headers of IPv6 before the datagram: hop-by-hop and destination options, routing
SKIPPED = (0, 43, 60)
MOST_INCOMPLETE = 1_024                 # datagrams whose fragments are waited for; the oldest is given up
MOST_PARTS = 256                        # fragments of one datagram; more are no network's doing
PATIENCE = 30.0                         # s a datagram's fragments may be apart, by the capture's clock


class Payload(NamedTuple):
    """A piece of the recording: whole data blocks as far as its sender wrote them, and when it was
    captured [s since 1970, UTC]; nan unknown.

    junk   bytes before it that belong to no payload
    """

    data: bytes
    stamp: float = math.nan
    junk: int = 0


class _Incomplete:
    """A datagram of which fragments have come."""

    def __init__(self, stamp: float) -> None:
        self.stamp = stamp
        self.parts: dict[int, bytes] = {}       # by offset [bytes]
        self.total = -1                         # its size, once the last fragment has come

    def whole(self) -> bytes | None:
        """The datagram, once nothing of it is missing."""
        if self.total < 0 or self.held() < self.total:
            return None
        data, at = bytearray(), 0
        while at < self.total:
            # Of fragments that overlap, as repeated ones do, the one that reaches furthest is taken.
            reach = max(((begin + len(part), begin) for begin, part in self.parts.items() if begin <= at
                < begin + len(part)), default=None)
            if reach is None:
                return None
            end, begin = reach
            data += self.parts[begin][at - begin:]
            at = end
        return bytes(data[:self.total])

    def held(self) -> int:
        """Bytes of it that have come."""
        return sum(len(part) for part in self.parts.values())


class Reassembly:
    """Takes captured packets and gives UDP payloads."""

    def __init__(self) -> None:
        self._incomplete: dict[tuple[bytes, bytes], _Incomplete] = {}       # by addresses and identification

    def payloads(self, packet: bytes, link: int, stamp: float) -> Iterator[Payload]:
        """The payload of a packet. A packet that carries none is not undecodable, it is somebody
        else's: an empty payload.

        link   link-layer type of the capture, as pcap numbers it
        stamp  time of the packet [s since 1970]
        """
        ip = _ip(packet, link)
        version = ip[0] >> 4 if ip else 0
        if version == 4 and len(ip) >= 20:
            yield from self._version_4(ip, stamp)
        elif version == 6 and len(ip) >= 40:
            yield from self._version_6(ip, stamp)
        else:
            yield Payload(b"", stamp)

    def rest(self) -> Iterator[Payload]:
        """What was still incomplete when the capture ended, as junk."""
        for each in self._incomplete.values():
            yield Payload(b"", each.stamp, each.held())
        self._incomplete.clear()

    def _version_4(self, ip: bytes, stamp: float) -> Iterator[Payload]:
        header, total = (ip[0] & 15) * 4, struct.unpack(">H", ip[2:4])[0]
        if ip[9] != UDP:
            yield Payload(b"", stamp)
            return
        body = ip[header:total if total >= header else None]        # 0: left to the network card
        flags = struct.unpack(">H", ip[6:8])[0]
        if flags & 0x3FFF:
            yield from self._fragment((ip[12:20], ip[4:6]), 8 * (flags & 0x1FFF), bool(flags & 0x2000), body, stamp)
        else:
            yield _payload(body, stamp)

    def _version_6(self, ip: bytes, stamp: float) -> Iterator[Payload]:
        size, kind, at = struct.unpack(">H", ip[4:6])[0], ip[6], 40
        end = at + size if size else len(ip)
        while kind in SKIPPED and at + 8 <= len(ip):
            kind, at = ip[at], at + 8 + 8 * ip[at + 1]
        if kind == FRAGMENT and at + 8 <= len(ip) and ip[at] == UDP:
            flags = struct.unpack(">H", ip[at + 2:at + 4])[0]
            yield from self._fragment((ip[8:40], ip[at + 4:at + 8]), flags & 0xFFF8, bool(flags & 1), ip[at + 8:end],
                stamp)
        else:
            yield _payload(ip[at:end], stamp) if kind == UDP else Payload(b"", stamp)

    def _fragment(
        self, key: tuple[bytes, bytes], offset: int, more: bool, body: bytes, stamp: float
    ) -> Iterator[Payload]:
        """Keep a fragment; the payload once the datagram is whole, and what is given up for it as
        junk.
        """
        junk = 0
        held = self._incomplete.get(key)
        # its sender counts round: another datagram of the same number
        if held is not None and stamp - held.stamp > PATIENCE:
            junk += self._incomplete.pop(key).held()
            held = None
        if held is None:
            if len(self._incomplete) >= MOST_INCOMPLETE:
                junk += self._incomplete.pop(next(iter(self._incomplete))).held()
            held = self._incomplete[key] = _Incomplete(stamp)
        held.parts[offset] = max(held.parts.get(offset, b""), body, key=len)
        if not more:
            held.total = offset + len(body)
        whole = held.whole()
        if whole is None:
            if len(held.parts) > MOST_PARTS:
                junk += self._incomplete.pop(key).held()
            yield Payload(b"", stamp, junk)
        else:
            del self._incomplete[key]
            yield _payload(whole, stamp)._replace(junk=junk)


def _payload(datagram: bytes, stamp: float) -> Payload:
    """What a UDP datagram carries."""
    if len(datagram) < 8:
        return Payload(b"", stamp)
    size = struct.unpack(">H", datagram[4:6])[0]
    return Payload(datagram[8:size] if size >= 8 else datagram[8:], stamp)


def _ip(packet: bytes, link: int) -> bytes:
    """The IP packet in a captured one; nothing where it holds none."""
    if link in RAW_IP:
        return packet
    if link in (LOOPBACK, LOOPBACK_BIG):
        return packet[4:]
    at = {ETHERNET: 12, LINUX_COOKED: 14, LINUX_COOKED_2: 0}.get(link)
    if at is None or len(packet) < at + 2:
        return b""
    kind = struct.unpack(">H", packet[at:at + 2])[0]
    at += 2
    while kind in VLANS and len(packet) >= at + 4:
        kind = struct.unpack(">H", packet[at + 2:at + 4])[0]
        at += 4
    if kind not in (IPV4, IPV6):
        return b""
    return packet[20:] if link == LINUX_COOKED_2 else packet[at:]
