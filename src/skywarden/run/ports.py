"""The two shapes everything is wired from: a `Feed` gives frames, a `Sink` takes moments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from skywarden.messages.frame import Frame
from skywarden.messages.moment import Moment
from skywarden.messages.truth import Truth


class Feed(Protocol):
    """Frames in time order; truth beside them only in a simulation. Closing it releases its files
    and sockets.
    """

    def __iter__(self) -> Iterator[tuple[Frame, Truth | None]]: ...

    def close(self) -> None:
        """Release files and sockets."""
        ...


class Sink(Protocol):
    """Takes moments in time order. Never changes what it is handed."""

    def take(self, moment: Moment) -> None:
        """Take one moment, of which the sink's kind sees no more than its wire lets through."""
        ...

    def close(self) -> None:
        """Finish: no moment comes after this."""
        ...
