"""A live input: received and decoded by a thread of its own, within a share of the machine, so that
no flood and no damage makes a frame late.

    socket -> queue of each peer -> decoder -> batches, which the loop takes when it makes a frame

What cannot be decoded within a frame's time is shed and counted: the oldest of the peer that sends
most, so that one who floods costs itself, not others.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from skywarden.feeds.sockets import Peer, Piece
from skywarden.feeds.source import NO_ARRIVALS, NO_PLOTS, Batch
from skywarden.messages.frame import SHED

SHARE = 0.5                 # of one processor that taking and decoding may use while more waits
STINT = 0.004               # s of decoding between two looks at the socket
WAIT = 0.05                 # s waited for something to come
FIRST_RATE = 2e6            # bytes decoded a second, until it has been measured
SMOOTH = 0.05               # weight of a newer measurement of it
OVERHEAD = 64               # bytes that a piece costs beside its own
MOST_PEERS = 256            # told apart; what more send counts as one peer's
MOST_ITEMS = 50_000         # plots and reports kept until a frame takes them; the oldest fall out
EVERYBODY: Peer = ()
RUN = 32_768                # bytes of one peer's pieces that are decoded together at most
SLOW_S = 1.0                # s at one message, or at a look at the socket, after which the input is said to hang
TOLD_S = 10.0               # s that a failure which is over is still told
MANY = 1_024                # bytes from which on pieces are decoded together

# data, arrival by the monotonic clock and in UTC [s], who sent it
Decode = Callable[[bytes, float, float, Peer], Iterator[Batch]]


# pieces of one peer, what gives UTC of their arrival [s]
DecodeMany = Callable[[list[Piece], float], list[Batch]]


class Receiver(Protocol):
    """What pieces come from."""

    def gather(self, wait: float) -> list[Piece]:
        """What has come, perhaps after waiting `wait` seconds for it."""
        ...

    def lost(self) -> tuple[int, int]:
        """Since the last call: bytes that were no whole piece, and pieces that the machine had no
        room for.
        """
        ...

    def close(self) -> None:
        """Close its sockets."""
        ...


class Live:
    """A Source that is polled; its thread runs from the beginning."""

    live, dated, relative, simulated = True, False, False, False

    def __init__(
        self, name: str, receiver: Receiver, decode: Decode, frame_s: float, decode_many: DecodeMany | None = None
    ) -> None:
        self.name, self._receiver, self._decode, self._decode_many = name, receiver, decode, decode_many
        self._frame_s = frame_s
        self._to_utc = time.time() - time.monotonic()
        self._queues: dict[Peer, deque[Piece]] = {}
        self._waiting = 0           # bytes in them, overhead included
        self._rate = FIRST_RATE
        self._batches: deque[Batch] = deque()
        self._items = 0
        self._busy = time.monotonic()       # since when one thing is done
        self._failed, self._failed_at = "", -math.inf
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Batch]:
        while not self._stop.is_set():
            yield from self.poll()
            time.sleep(0.02)

    def poll(self) -> list[Batch]:
        """What has been decoded since the last call."""
        with self._lock:
            found, self._batches, self._items = list(self._batches), deque(), 0
        return found

    @property
    def note(self) -> str:
        """How the way in stands, in words; nothing where there is nothing to say."""
        return str(getattr(self._receiver, "note", ""))

    @property
    def fault(self) -> str:
        """What is wrong with the input now, in words; empty where nothing is known to be."""
        now = time.monotonic()
        if not self._thread.is_alive() and not self._stop.is_set():
            return "is not read any more: its thread ended"
        if now - self._busy > SLOW_S:
            return f"has been at one message for {now - self._busy:.0f} s"
        if now - self._failed_at < TOLD_S:
            return f"cannot be read: {self._failed}; tried again"
        return self.note if getattr(self._receiver, "connected", True) is False else ""

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join(3.0)
        self._receiver.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._busy, begun = time.monotonic(), time.thread_time()
            for piece in self._gathered():
                peer = piece.peer if piece.peer in self._queues or len(self._queues) < MOST_PEERS else EVERYBODY
                self._queues.setdefault(peer, deque()).append(piece)
                self._waiting += len(piece.data) + OVERHEAD
            self._shed()
            self._stint(time.perf_counter() + STINT)
            used = time.thread_time() - begun       # taking from the socket too, which a flood makes the larger part
            if self._queues or used > STINT:
                self._stop.wait(used * (1.0 / SHARE - 1.0))

    def _gathered(self) -> list[Piece]:
        """What has come; whatever is wrong with what it comes from, it is asked again."""
        try:
            return self._receiver.gather(0.0 if self._queues else WAIT)
        except Exception as error:
            self._failed, self._failed_at = f"{type(error).__name__}: {error}"[:160], time.monotonic()
            self._stop.wait(WAIT)
            return []

    def _shed(self) -> None:
        """Let fall what could not be decoded within a frame: the oldest of whoever has most
        waiting.
        """
        undecodable, pieces = self._receiver.lost()
        room = self._rate * SHARE * self._frame_s
        while self._waiting > room:
            peer, queue = max(self._queues.items(), key=lambda each: len(each[1]))
            if len(self._queues) == 1 and len(queue) == 1:
                break
            for _ in range(max(1, len(queue) // 8)):
                self._waiting -= len(queue.popleft().data) + OVERHEAD
                pieces += 1
            if not queue:
                del self._queues[peer]
        if undecodable or pieces:
            self._put(Batch(math.nan, undecodable=undecodable, rejected={SHED: pieces} if pieces else {}))

    def _stint(self, until: float) -> None:
        """Decode the peers' pieces in turn, each one's in order, for a moment."""
        while self._queues:
            for peer, queue in list(self._queues.items()):
                run: list[Piece] = []
                size = 0
                while queue and size < RUN and (self._decode_many is not None or not run):
                    run.append(queue.popleft())
                    size += len(run[-1].data) + OVERHEAD
                if not queue:
                    del self._queues[peer]
                self._waiting -= size
                begun = time.perf_counter()
                self._busy = time.monotonic()
                self._read(run, size)
                now = time.perf_counter()
                self._rate += min(SMOOTH * len(run), 0.5) * (size / max(now - begun, 1e-6) - self._rate)
                if now > until:
                    return

    def _read(self, run: list[Piece], size: int) -> None:
        """Decode pieces of one peer: many at once where that is quicker."""
        if self._decode_many is not None and size >= MANY:
            try:
                for batch in self._decode_many(run, self._to_utc):
                    self._put(batch)
            except BaseException:   # each alone, so that what cannot be decoded costs itself; copies are known as such
                run = list(run)
            else:
                return
        for piece in run:
            try:
                for batch in self._decode(piece.data, piece.arrived, piece.arrived + self._to_utc, piece.peer):
                    self._put(batch)
            except BaseException:   # whatever a decoder makes of junk, a library's panic too, must not end the input
                self._put(Batch(math.nan, undecodable=len(piece.data), arrived=piece.arrived))

    def _put(self, batch: Batch) -> None:
        with self._lock:
            self._batches.append(batch)
            self._items += _held(batch)
            if self._items > MOST_ITEMS:
                self._items = 0
                for k in range(len(self._batches) - 1, -1, -1):
                    old = self._batches[k]
                    self._items += _held(old)
                    if self._items > MOST_ITEMS // 2:
                        gone = _held(old)
                        self._items -= gone
                        self._batches[k] = old._replace(items=(), plots=NO_PLOTS, arrivals=NO_ARRIVALS,
                            rejected={**old.rejected,
                            SHED: old.rejected.get(SHED, 0) + gone})


def _held(batch: Batch) -> int:
    """How many plots, reports and signs of life a batch holds."""
    return len(batch.items) + len(batch.arrivals)
