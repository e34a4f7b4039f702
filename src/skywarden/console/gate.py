"""Who may hold a connection: every address a few, strangers a share, those who are logged in the
rest; the oldest silent one gives way.

    accept --> Gate.admit --> TLS, HTTP --> a request with a session's cookie --> Gate.greet: no
    stranger any more
                  |
                  '-- too many strangers, in all or of one address: the oldest of them is cut off,
                  never somebody logged in

Whoever holds hundreds of silent sockets open thus only cuts off himself: a newcomer always gets in,
an open page stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

import uvicorn

STRANGERS = 120             # connections at once of those who are not logged in
STRANGERS_OF_ONE = 40       # of them of one address
KNOWN = 200                 # connections at once of those who are
KNOWN_OF_ONE = 40           # of them of one session
LONGEST_STRANGE_S = 30.0    # seconds a stranger's connection may last, its request and answer included
HANDSHAKE_S = 8.0           # seconds a TLS handshake may take
SWEEP_S = 1.0               # seconds between two looks for strangers who have been there too long
REST_S = 0.2                # seconds of rest after the machine refused a connection, when files run out for example

Peer = tuple[str, int]      # address and port of the other side


@dataclass
class _Held:
    """One connection."""

    sock: socket.socket
    address: str
    since: float
    cut: Callable[[], object]
    session: str = ""       # of whom it is; empty: a stranger's


class Gate:
    """Counts connections and says which one has to go. Used on the server's event loop only."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._held: dict[Peer, _Held] = {}
        self.turned_away = 0        # connections cut off or refused so far

    def admit(self, peer: Peer, sock: socket.socket, cut: Callable[[], object]) -> None:
        """A new connection; where there are too many strangers the oldest is cut off for it.

        cut   ends the connection at once
        peer  address and port of the connection
        sock  the connection
        """
        self._forget_ended()
        strangers = [p for p, held in self._held.items() if not held.session]
        of_one = [p for p in strangers if self._held[p].address == peer[0]]
        if len(of_one) >= STRANGERS_OF_ONE:
            self._cut(of_one[0])
        elif len(strangers) >= STRANGERS:
            self._cut(strangers[0])
        self._held[peer] = _Held(sock, peer[0], self._now(), cut)

    def greet(self, peer: Peer | None, session: str) -> bool:
        """This connection carries a session that stands; False, and it stays a stranger's, where
        the session holds too many already.

        peer  address and port of the connection, None unknown
        """
        held = self._held.get(peer) if peer is not None else None
        if held is None or held.session == session:
            return True
        self._forget_ended()
        known = [h.session for h in self._held.values() if h.session]
        if len(known) >= KNOWN or known.count(session) >= KNOWN_OF_ONE:
            self.turned_away += 1
            return False
        held.session = session
        return True

    def sweep(self) -> None:
        """Cut off strangers who have been there too long."""
        self._forget_ended()
        for peer in [p for p, held in self._held.items() if not held.session and self._now() - held.since
                > LONGEST_STRANGE_S]:
            self._cut(peer)

    def counts(self) -> tuple[int, int]:
        """How many strangers' connections there are, and how many of people logged in."""
        self._forget_ended()
        known = sum(bool(held.session) for held in self._held.values())
        return len(self._held) - known, known

    def _cut(self, peer: Peer) -> None:
        self.turned_away += 1
        with contextlib.suppress(OSError):
            self._held.pop(peer).cut()

    def _forget_ended(self) -> None:
        for peer in [p for p, held in self._held.items() if held.sock.fileno() < 0]:
            del self._held[peer]


class GatedServer(uvicorn.Server):
    """Uvicorn's server, its connections accepted through a gate before any of them costs a
    handshake.
    """

    def __init__(self, config: uvicorn.Config, gate: Gate, listening: socket.socket) -> None:
        super().__init__(config)
        self._gate, self._listening = gate, listening
        self._work: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept; nothing is bound here, the socket was bound when the console was made.

        sockets  sockets of the parent's interface, not used
        """
        await self.lifespan.startup()
        self._listening.setblocking(False)
        self.servers = []
        self._keep(self._accepting())
        self._keep(self._sweeping())
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, then as its parent does.

        sockets  sockets of the parent's interface, handed on
        """
        for task in tuple(self._work):
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await super().shutdown(sockets)

    def _keep(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def _accepting(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(self._listening)
            # files run out, or the other side has gone already: nobody is shut out for good
            except OSError:
                await asyncio.sleep(REST_S)
                continue
            peer = str(address[0]), int(address[1])
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self._keep(self._begin(sock))
            self._gate.admit(peer, sock, lambda sock=sock, task=task: _end(sock, task))  # type: ignore[misc]

    async def _begin(self, sock: socket.socket) -> None:
        config = self.config
        handshake = HANDSHAKE_S if config.ssl is not None else None
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: config.http_protocol_class(  # type: ignore[call-arg]
                    config=config, server_state=self.server_state, app_state=self.lifespan.state),
                sock, ssl=config.ssl, ssl_handshake_timeout=handshake)
            return
        sock.close()

    async def _sweeping(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._gate.sweep()


def _end(sock: socket.socket, task: asyncio.Task[None]) -> None:
    """End a connection at once, whatever it is about to do: the other side is told, and our side
    then finds it ended.
    """
    task.cancel()
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
