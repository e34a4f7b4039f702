"""Sockets that live inputs are read from: datagrams of a port or a multicast group, and lines of a
TCP stream that is connected again.
"""

from __future__ import annotations

import errno
import ipaddress
import select
import socket
import struct
import time
from typing import NamedTuple

from skywarden.errors import FeedError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Peer = tuple[str, ...]      # who sent a piece; empty where it does not matter

AT_ONCE = 4_096             # pieces taken from a socket before they are looked at
LARGEST_DATAGRAM = 65_535   # bytes
BUFFER = 1 << 23            # bytes asked of the machine for datagrams that wait to be taken
LONGEST_LINE = 1 << 22      # bytes: a JSON object of every aircraft in sight fits
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0      # s between attempts to connect
CONNECT = 2.0               # s an attempt may take
# s of silence until the peer's machine is asked, s between, times without an answer
KEEPALIVE_IDLE, KEEPALIVE_EVERY, KEEPALIVE_MOST = 2, 1, 3
# s without data after which a stream that had some is connected anew; doubled while it stays silent
SILENCE, LONGEST_SILENCE = 15.0, 120.0
REJOIN = 30.0               # s without a datagram after which a multicast group is joined anew
JOIN_GROUP, LEAVE_GROUP, JOIN_SOURCE, LEAVE_SOURCE = 42, 45, 46, 47     # MCAST_… of Linux, which Python does not name
# SO_MEMINFO of Linux, which Python does not name: nine numbers, the last of which counts what was dropped
MEMORY = 55
DROPPED = getattr(socket, "SO_RXQ_OVFL", 40)        # datagrams that the machine had no room for, told beside the next


class Piece(NamedTuple):
    """A datagram or a line, when it came by the monotonic clock [s], and who sent it."""

    arrived: float
    peer: Peer
    data: bytes


class Datagrams:
    """UDP datagrams sent to a port; a multicast group is joined. Raises FeedError where the port or
    the group cannot be had.

    interface   name or address of the interface a group is joined on; empty: the one its route says
    source      address whose datagrams alone are taken; empty: any. A group is joined for it alone
    """

    def __init__(self, host: str, port: int, interface: str = "", source: str = "") -> None:
        self._where = f"{host}:{port}"
        group = _resolved(host, port, self._where)
        self._source = str(_literal(source, self._where)) if source else ""
        self._membership = _membership(group, interface, self._source, self._where) if group.is_multicast else None
        if interface and self._membership is None:
            raise FeedError(f"{self._where} is no multicast group, so that no interface is chosen for it: leave out "
                "interface=, or give the group's address")
        self._socket = _bound(group, port, self._where)
        try:
            self._join()
        except OSError as error:
            self._socket.close()
            raise FeedError(_sentence(self._where, error)) from error
        self._heard = time.monotonic()
        self._dropped, self._told = 0, 0

    def gather(self, wait: float) -> list[Piece]:
        """Datagrams that have come, after waiting for the first at most `wait` seconds."""
        try:
            if not select.select([self._socket], [], [], wait)[0]:
                self._rejoin()
                return []
            data, beside, _, peer = self._socket.recvmsg(LARGEST_DATAGRAM, 64)
            for level, kind, value in beside:
                if level == socket.SOL_SOCKET and kind == DROPPED and len(value) >= 4:
                    self._dropped = int(struct.unpack("=I", value[:4])[0])
            found = [self._piece(data, peer)]
            while len(found) < AT_ONCE:
                found.append(self._piece(*self._socket.recvfrom(LARGEST_DATAGRAM)))
        except BlockingIOError:
            pass
        except (OSError, ValueError):       # an unreachable peer's answer, or the interface went down: it may come back
            time.sleep(min(wait, 0.05))
            return []
        self._heard = time.monotonic()
        return [piece for piece in found if not self._source or piece.peer[0] == self._source]

    def lost(self) -> tuple[int, int]:
        """Nothing undecodable; datagrams the machine had no room for since the last call."""
        try:        # the count itself, where the machine tells it; else the one beside the newest datagram
            dropped = struct.unpack("=9I", self._socket.getsockopt(socket.SOL_SOCKET, MEMORY, 36))[8]
        except (OSError, struct.error):
            dropped = self._dropped
        count, self._told = (dropped - self._told) & 0xFFFFFFFF, dropped
        return 0, count

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _piece(self, data: bytes, peer: tuple[str, int]) -> Piece:
        return Piece(time.monotonic(), (peer[0].partition("%")[0], str(peer[1])), data)

    def _join(self) -> None:
        if self._membership is not None:
            level, option, _, request = self._membership
            self._socket.setsockopt(level, option, request)

    def _rejoin(self) -> None:
        """Join the group anew after a long silence: its interface may have gone and come back, a
        switch may have forgotten.
        """
        if self._membership is None or time.monotonic() - self._heard < REJOIN:
            return
        self._heard = time.monotonic()
        level, _, leave, request = self._membership
        for option in (leave, None):
            try:
                if option is not None:
                    self._socket.setsockopt(level, option, request)
                else:
                    self._join()
            except OSError:
                continue


class Stream:
    """Pieces of a TCP stream; what a piece is, a class below says. A connection that is lost, half
    open or long silent is made again.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._stream: socket.socket | None = None
        self._rest = b""
        self._undecodable = 0
        self._pause, self._again = FIRST_PAUSE, 0.0
        self._heard, self._patience = 0.0, SILENCE
        self.note = "not connected yet"     # how the connection stands, in words

    @property
    def connected(self) -> bool:
        """Whether there is a connection now, as far as is known."""
        return self._stream is not None

    def gather(self, wait: float) -> list[Piece]:
        """Pieces that have come, after waiting for the first at most `wait` seconds."""
        if self._stream is None and not self._connect():
            time.sleep(min(wait, max(self._again - time.monotonic(), 0.0)))
            return []
        stream = self._stream
        assert stream is not None
        found: list[Piece] = []
        try:
            if not select.select([stream], [], [], wait)[0]:
                if time.monotonic() - self._heard > self._patience:
                    self._patience = min(2.0 * self._patience, LONGEST_SILENCE)
                    self._drop()
                return []
            while len(found) < AT_ONCE:
                data = stream.recv(65_536)
                if not data:
                    self._drop()
                    break
                self._heard, self._patience = time.monotonic(), SILENCE
                found += self._split(data)
        except BlockingIOError:
            pass
        except (OSError, ValueError):
            self._drop()
        return found

    def lost(self) -> tuple[int, int]:
        """Bytes of pieces without an end since the last call; a stream's machine waits rather than
        drop.
        """
        count, self._undecodable = self._undecodable, 0
        return count, 0

    def close(self) -> None:
        """Close the connection."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _split(self, data: bytes) -> list[Piece]:
        """The pieces that are whole now that `data` has come; the rest waits in `_rest`."""
        raise NotImplementedError

    def _connect(self) -> bool:
        if time.monotonic() < self._again:
            return False
        try:
            stream = socket.create_connection((self._host, self._port), timeout=CONNECT)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            self.note = f"no connection to {self._host}:{self._port}: {why}; tried again"
            self._again = time.monotonic() + self._pause
            self._pause = min(2.0 * self._pause, LONGEST_PAUSE)
            return False
        stream.setblocking(False)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", KEEPALIVE_IDLE), ("TCP_KEEPINTVL", KEEPALIVE_EVERY),
                ("TCP_KEEPCNT", KEEPALIVE_MOST)):
            if hasattr(socket, name):
                stream.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self._stream, self._pause, self._heard = stream, FIRST_PAUSE, time.monotonic()
        self.note = f"connected to {self._host}:{self._port}"
        return True

    def _drop(self) -> None:
        """Let a connection go; half a line goes with it."""
        self._undecodable += len(self._rest)
        self._rest = b""
        self.close()
        self.note = f"the connection to {self._host}:{self._port} was lost or fell silent; tried again"
        self._again = time.monotonic() + self._pause


class Lines(Stream):
    """Lines of a TCP stream, without their ends."""

    def _split(self, data: bytes) -> list[Piece]:
        *lines, self._rest = (self._rest + data).split(b"\n") if b"\n" in data else (self._rest + data,)
        # a sender that ends its lines with carriage returns alone
        if not lines and b"\r" in data and b"\r" in self._rest[:-1]:
            *lines, self._rest = self._rest.split(b"\r")
        if len(self._rest) > LONGEST_LINE:
            self._undecodable += len(self._rest)
            self._rest = b""
        arrived = time.monotonic()
        return [Piece(arrived, (), line) for line in lines]


def _resolved(host: str, port: int, where: str) -> Address:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0][4][0]
        return ipaddress.ip_address(str(found).partition("%")[0])
    except (OSError, UnicodeError, ValueError) as error:
        raise FeedError(f"{where} cannot be listened on: {error}; give an address of this machine, 0.0.0.0, or a "
            "multicast group") from error


def _literal(text: str, where: str) -> Address:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError as error:
        raise FeedError(f'{where}: source "{text}" is no address; give the sender\'s, such as 10.1.2.3') from error


def _bound(address: Address, port: int, where: str) -> socket.socket:
    """A UDP socket that hears what is sent to the address."""
    made = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        if address.is_multicast:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.version == 6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((str(address), port))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        try:
            made.setsockopt(socket.SOL_SOCKET, DROPPED, 1)
            # SO_RCVBUFFORCE: beyond the machine's limit, where that is allowed
            made.setsockopt(socket.SOL_SOCKET, 33, BUFFER)
        except OSError:
            pass
        made.setblocking(False)
    except OSError as error:
        made.close()
        raise FeedError(_sentence(where, error)) from error
    return made


def _membership(group: Address, interface: str, source: str, where: str) -> tuple[int, int, int, bytes]:
    """How a group is joined and left: protocol level, the two options, and their argument
    (group_req, group_source_req).
    """
    index = _index(interface, where) if interface else 0
    level = socket.IPPROTO_IP if group.version == 4 else socket.IPPROTO_IPV6
    request = struct.pack("=II", index, 0) + _storage(group)
    if not source:
        return level, JOIN_GROUP, LEAVE_GROUP, request
    sender = ipaddress.ip_address(source)
    if sender.version != group.version:
        raise FeedError(f"{where}: source {source} and the group are of different families; give both as IPv4 or both "
            "as IPv6")
    return level, JOIN_SOURCE, LEAVE_SOURCE, request + _storage(sender)


def _storage(address: Address) -> bytes:
    """The address as a sockaddr_storage."""
    if address.version == 4:
        return struct.pack("=HH4s", socket.AF_INET, 0, address.packed).ljust(128, b"\0")
    return struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, address.packed, 0).ljust(128, b"\0")


def _index(interface: str, where: str) -> int:
    """The number of an interface that is named, or told by one of its IPv4 addresses."""
    named = {name: index for index, name in socket.if_nameindex()}
    if interface in named:
        return named[interface]
    addresses = {name: _address_of(name) for name in named}
    for name, address in addresses.items():
        if address == interface:
            return named[name]
    known = ", ".join(name + (f" ({addresses[name]})" if addresses[name] else "") for name in named)
    raise FeedError(f'{where}: there is no interface "{interface}" on this machine; there are {known}')


def _address_of(interface: str) -> str:
    """The first IPv4 address of an interface; none where it has none."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe.fileno(), 0x8915, struct.pack("256s", interface.encode()[:15]))     # SIOCGIFADDR
        except OSError:
            return ""
    return socket.inet_ntoa(answer[20:24])


def _sentence(where: str, error: OSError) -> str:
    """What is in the way, and what to do."""
    why = {
        errno.EADDRINUSE: "another program is using the port; end it, or give another port",
        errno.EADDRNOTAVAIL: "the address is not one of this machine; 0.0.0.0 listens on all of them",
        errno.EACCES: "the port is kept for the system; give one above 1023, or the right to use it",
        errno.ENODEV: "no interface leads to the multicast group; name one with ?interface=eth0, or add a route (ip "
            "route add 224.0.0.0/4 dev eth0)",
        errno.ENETUNREACH: "no route leads to the multicast group; name an interface with ?interface=eth0",
        errno.ENOBUFS: "this machine has joined as many groups as it may (net.ipv4.igmp_max_memberships)",
    }.get(error.errno or 0, "check the address, the port, and ?interface= of a multicast group")
    return f"{where} cannot be listened on ({error.strerror or error}): {why}"
