"""A TCP server for nodes that connect to us and send framed messages: four bytes of length,
little-endian, and the message.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import threading
import time

from skywarden.errors import FeedError
from skywarden.feeds.sockets import Peer, Piece
from skywarden.formats.sapient import HEAD, LARGEST

MOST_NODES = 64  # connections at once; a further one is closed
MOST_UNREAD = 1 << 20  # bytes of answers that a node may leave unread until it is let go
AT_ONCE = 1 << 18  # bytes taken from one connection before the next is looked at
FIRST_MESSAGE = 30.0  # seconds a connection has for its first message


class _Connection:
    """One node's connection."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.begun = time.monotonic()
        self.spoken = False  # whether a whole message has come
        self.rest = bytearray()  # what has come of the next message
        self.answers = b""  # what waits to be read by it


class Nodes:
    """Gives whole messages and sends answers. Raises FeedError where the port cannot be had."""

    def __init__(self, host: str, port: int) -> None:
        self._where = f"{host}:{port}"
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._server = socket.create_server((host, port), family=family)
        except (OSError, UnicodeError) as error:
            why = (
                "another program is using the port"
                if getattr(error, "errno", 0) == errno.EADDRINUSE
                else "give an address of this machine and a free port"
            )
            raise FeedError(
                f"{self._where} cannot be listened on ({getattr(error, 'strerror', None) or error}): {why}"
            ) from error
        self._server.setblocking(False)
        self._peers: dict[Peer, _Connection] = {}
        self._lock = threading.Lock()
        self._undecodable = 0

    @property
    def note(self) -> str:
        """How many nodes are connected, in words."""
        return f"{len(self._peers)} sensors connected to {self._where}"

    def gather(self, wait: float) -> list[Piece]:
        """Whole messages that have come, after waiting for the first at most `wait` seconds."""
        streams = {connection.stream: peer for peer, connection in self._peers.items()}
        try:
            ready = select.select([self._server, *streams], [], [], wait)[0]
        except (OSError, ValueError):
            self._sweep()
            return []
        found: list[Piece] = []
        for stream in ready:
            if stream is self._server:
                self._welcome()
            else:
                found += self._read(streams[stream])
        self._sweep()
        return found

    def reply(self, peer: Peer, data: bytes) -> None:
        """Send an answer as far as the node takes it; the rest waits.

        peer  the node's connection
        data  the answer's bytes
        """
        with self._lock:
            connection = self._peers.get(peer)
            if connection is not None:
                connection.answers += data
                self._push(connection)

    def lost(self) -> tuple[int, int]:
        """Bytes that were no whole message since the last call."""
        count, self._undecodable = self._undecodable, 0
        return count, 0

    def close(self) -> None:
        """Hang up on every node, and stop listening."""
        for peer in list(self._peers):
            self._drop(peer)
        self._server.close()

    def _welcome(self) -> None:
        try:
            stream, address = self._server.accept()
        except OSError:
            return
        if len(self._peers) >= MOST_NODES:
            stream.close()
            return
        stream.setblocking(False)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._peers[str(address[0]), str(address[1])] = _Connection(stream)

    def _read(self, peer: Peer) -> list[Piece]:
        connection = self._peers[peer]
        try:
            data = connection.stream.recv(AT_ONCE)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            self._drop(peer)
            return []
        connection.rest += data
        found, arrived = [], time.monotonic()
        while len(connection.rest) >= HEAD.size:
            (size,) = HEAD.unpack_from(connection.rest)
            if size > LARGEST:  # it speaks something else, or is lost in its own stream
                self._drop(peer)
                break
            if len(connection.rest) < HEAD.size + size:
                break
            found.append(Piece(arrived, peer, bytes(connection.rest[HEAD.size : HEAD.size + size])))
            del connection.rest[: HEAD.size + size]
            connection.spoken = True
        return found

    def _sweep(self) -> None:
        """Let go of who says nothing, or reads nothing; push what waits."""
        now = time.monotonic()
        for peer, connection in list(self._peers.items()):
            with self._lock:
                self._push(connection)
            silent = not connection.spoken and now - connection.begun > FIRST_MESSAGE
            if silent or len(connection.answers) > MOST_UNREAD or connection.stream.fileno() < 0:
                self._drop(peer)

    def _push(self, connection: _Connection) -> None:
        if connection.answers:
            try:
                connection.answers = connection.answers[connection.stream.send(connection.answers) :]
            except BlockingIOError:
                return
            except OSError:
                connection.answers = b"\0" * (MOST_UNREAD + 1)

    def _drop(self, peer: Peer) -> None:
        with self._lock:
            connection = self._peers.pop(peer)
        self._undecodable += len(connection.rest)
        with contextlib.suppress(OSError):
            connection.stream.close()
