"""Sockets that are read by a thread of their own, so that a busy defence loses nothing: datagrams, and lines of a TCP stream that reconnects."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
import time
from collections import deque

from skywarden.errors import FeedError

ROOM = 200_000              # pieces kept until they are asked for: minutes of the busiest radar
ROOM_BYTES = 256 << 20      # bytes of them
WAIT = 0.2                  # s between looks at whether to stop
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0      # s between attempts to connect
LONGEST_LINE = 1 << 22      # bytes: a JSON object of every aircraft in sight fits


class _Inbox:
    """Pieces in order of arrival, put in by a thread of its own. Bounded: the oldest fall out, and their bytes are counted."""

    def __init__(self, name: str) -> None:
        self._pieces: deque[tuple[float, bytes]] = deque()
        self._bytes, self._lost = 0, 0
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._fill, name=name, daemon=True)
        self._thread.start()

    def take(self) -> list[tuple[float, bytes]]:
        """What has arrived since the last call, each piece with its moment by the monotonic clock [s]."""
        with self._lock:
            pieces, self._pieces, self._bytes = list(self._pieces), deque(), 0
        return pieces

    def lost(self) -> int:
        """Bytes thrown away since the last call: fallen out of the full inbox, or a line without end."""
        with self._lock:
            count, self._lost = self._lost, 0
        return count

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join(2.0)

    def _fill(self) -> None:
        """Read until told to stop."""
        raise NotImplementedError

    def _put(self, data: bytes) -> None:
        with self._lock:
            self._pieces.append((time.monotonic(), data))
            self._bytes += len(data)
            while len(self._pieces) > ROOM or self._bytes > ROOM_BYTES:
                gone = len(self._pieces.popleft()[1])
                self._bytes -= gone
                self._lost += gone

    def _lose(self, count: int) -> None:
        with self._lock:
            self._lost += count


class Datagrams(_Inbox):
    """UDP datagrams sent to a port; a multicast group is joined. Raises FeedError where the port cannot be had."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = _bound(host, port)
        super().__init__(f"udp {host}:{port}")

    def close(self) -> None:
        super().close()
        self._socket.close()

    def _fill(self) -> None:
        while not self._stop.is_set():
            try:
                self._put(self._socket.recv(65_535))
            except TimeoutError:
                continue
            except OSError:         # an unreachable peer's answer, or the interface went down: it may come back
                self._stop.wait(WAIT)


class Lines(_Inbox):
    """Lines of a TCP stream, without their ends; a lost connection is made again, with growing pauses."""

    def __init__(self, host: str, port: int) -> None:
        self._where = (host, port)
        self.connected = False
        super().__init__(f"tcp {host}:{port}")

    def _fill(self) -> None:
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            try:
                with socket.create_connection(self._where, timeout=3.0) as stream:
                    stream.settimeout(WAIT)
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                    self.connected, pause = True, FIRST_PAUSE
                    self._read(stream)
            except OSError:
                pass
            self.connected = False
            self._stop.wait(pause)
            pause = min(2.0 * pause, LONGEST_PAUSE)

    def _read(self, stream: socket.socket) -> None:
        rest = b""
        while not self._stop.is_set():
            try:
                data = stream.recv(65_536)
            except TimeoutError:
                continue
            if not data:
                self._lose(len(rest))
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._put(line)
            if len(rest) > LONGEST_LINE:
                self._lose(len(rest))
                rest = b""


def _bound(host: str, port: int) -> socket.socket:
    """A UDP socket that hears what is sent to the address."""
    try:
        address = ipaddress.IPv4Address(socket.gethostbyname(host))
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    except OSError as error:
        raise FeedError(f"{host}:{port} cannot be listened on: {error}; give an address of this machine, 0.0.0.0, or a multicast group") from error
    try:
        if address.is_multicast:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((str(address), port))
            made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("=4sl", address.packed, socket.INADDR_ANY))
        else:
            made.bind((str(address), port))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
        made.settimeout(WAIT)
    except OSError as error:
        made.close()
        raise FeedError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}; "
            "is another program using the port, or is the address not one of this machine (0.0.0.0 listens on all)?") from error
    return made
