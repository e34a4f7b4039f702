"""The words of one replica on their way to the other, and theirs to us."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from skywarden.standby.brokers import Broker, Brokers
from skywarden.standby.words import ENTER, Sealer, Word


class Link(Protocol):
    """What a pair needs of the way between its replicas."""

    boot: int
    """When this process began [ns since 1970]."""

    def say(self, kind: str, content: dict[str, Any]) -> None:
        """Send one word. Never waits, never raises.

        kind     kind of the word
        content  what it says
        """

    def listen(self, told: Callable[[Word], None]) -> None:
        """Call `told` with each word from now on, on a thread of the link's own."""

    def faults(self) -> list[str]:
        """What is wrong with the way, in words."""

    def close(self) -> None:
        """Take leave."""


class MqttLink:
    """A Link over one broker a host.

    topic    of the site's pair; each replica speaks under its own name below it
    sealer   signs and opens
    brokers  at least one
    """

    def __init__(self, topic: str, sealer: Sealer, brokers: Sequence[Broker]) -> None:
        self.boot, self._sealer, self._topic = sealer.boot, sealer, f"{topic}/{sealer.replica}"
        self._told: Callable[[Word], None] | None = None
        self._early: deque[Word] = deque(maxlen=64)
        self._lock = threading.Lock()
        self.epoch_ns: int | None = None  # of the frames that are spoken of
        self._brokers = Brokers(brokers, (f"{topic}/+",), self._came)

    def epoch(self, reach_s: float, hear_s: float) -> int | None:
        """Epoch of the frames that the other replica gives [ns since 1970]; None where none is
        heard.

        Waits `reach_s` for a broker, and then `hear_s` for a word.
        """
        if not self._brokers.wait(reach_s):
            return None
        until = time.monotonic() + hear_s
        while self.epoch_ns is None and time.monotonic() < until:
            time.sleep(0.02)
        return self.epoch_ns

    def say(self, kind: str, content: dict[str, Any]) -> None:
        """Send one word to every broker.

        kind     kind of the word
        content  what it says
        """
        with self._lock:  # numbers are sealed and leave in one order
            self._brokers.say(self._topic, self._sealer.seal(kind, content))

    def listen(self, told: Callable[[Word], None]) -> None:
        """Hand every word on, first those that came before.

        told  function that takes each word heard
        """
        self._told = told
        while self._early:
            told(self._early.popleft())

    def faults(self) -> list[str]:
        """Brokers that are not reached."""
        return [f"broker {lost} is not reached" for lost in self._brokers.lost]

    @property
    def refused(self) -> int:
        """Words that were forged, stale or unreadable."""
        return self._sealer.refused

    def close(self) -> None:
        """Take leave of the brokers."""
        self._brokers.close()

    def _came(self, _: str, payload: bytes) -> None:
        with self._lock:
            word = self._sealer.open(payload)
        if word is None:
            return
        if word.kind == ENTER and isinstance(word.content.get("epoch"), int):
            self.epoch_ns = word.content["epoch"]
        if self._told is None:
            self._early.append(word)
        else:
            self._told(word)
