"""What became of the messages of two replicas, in one table: each channel under its replica's name."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from skywarden.messages.receipts import Channels, Receipts
from skywarden.messages.tables import join

T = TypeVar("T", Channels, Receipts)


def named(channels: Channels, replica: str) -> Channels:
    """The channels as CHANNEL@REPLICA, as frames of a pair carry them.

    replica  name of the replica
    """
    if channels.name.size == 0:
        return channels
    tail = f"@{replica}".encode()[:16]
    return channels._replace(name=np.array([name[: 64 - len(tail)] + tail for name in channels.name.tolist()], "S64"))


def both(first: T, second: T, offset: int = 0) -> T:
    """One table of both; the second's receipts are of channels that stand `offset` rows further
    down.

    first  the table whose channels come first
    """
    if second[0].size == 0:
        return first
    if isinstance(second, Receipts):
        second = second._replace(channel=(second.channel + offset).astype(np.int32))
    return join(first, second)
