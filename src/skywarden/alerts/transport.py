"""The way out of one channel, seen from its courier: what a transport does, what comes back of a
message, and the other watcher who may say it, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from skywarden.alerts.alert import Alert
from skywarden.messages.moment import Moment


class RefusedError(Exception):
    """The other side will never take this message; trying again is no use."""


class Answer(NamedTuple):
    """What came back from sending: taken by the next machine, or acknowledged by a receiver."""

    outcome: int  # ACCEPTED or DELIVERED
    who: str = ""


class Link(Protocol):
    """What a transport tells its courier."""

    def up(self) -> None:
        """Connected: messages may be sent."""

    def heard(self, who: str, message: str = "") -> None:
        """A sign of life of a receiver, and which message it acknowledges.

        who      name of the receiver
        message  the message's identifier, empty for a mere sign of life
        """


class Peer(Protocol):
    """Another watcher of the same site that speaks, too; `standby.pair.Pair` is one."""

    def timely(self, moment: Moment) -> bool:
        """Whether a moment may still be told, or is late and left to the other.

        moment  frame, picture, and what else a sink of this kind may see
        """

    def stale(self, since: float) -> bool:
        """Whether what rests on a frame of `since` [s, monotonic] is from before a sleep of this
        process.
        """

    def wait_of(self, made: float) -> float:
        """Seconds that a message made at `made` [s since 1970] still waits for the other to say it
        first.
        """

    def said(self, channel: str, message: str) -> bool:
        """Whether the other has said it.

        channel  name of the channel
        message  the message's identifier
        """

    def tell_said(self, channel: str, message: str) -> None:
        """Tell the other that it was said.

        channel  name of the channel
        message  the message's identifier
        """


class Transport(Protocol):
    """One way out. Every coroutine may raise what it likes: it is counted, shown and tried again.
    """

    relays: tuple[str, ...]  # receivers that must answer; empty: none is expected to

    async def run(self, link: Link) -> None:
        """Connect, call `link.up()`, and stay until the connection is lost."""

    async def send(self, alert: Alert) -> Answer:
        """Hand one message over. Raises RefusedError where the other side will never take it.

        alert  the message
        """

    async def again(self, standing: Mapping[str, Alert]) -> None:
        """Say again what every zone is told now.

        standing  what is in force, by zone
        """

    async def bye(self) -> None:
        """The run has ended in order."""


class Report(NamedTuple):
    """How a channel fares, as a row of `messages.receipts.Channels`."""

    name: str
    state: int
    waiting: int
    accepted: int
    delivered: int
    expired: int
    latency: float
    heard: float
    fault: str


class Event(NamedTuple):
    """One thing heard about one message, as a row of `messages.receipts.Receipts`."""

    unix: float
    alert: Alert
    outcome: int
    latency: float
    who: str
