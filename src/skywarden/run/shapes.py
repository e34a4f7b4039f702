"""The two shapes everything is wired from: a `Feed` gives frames, a `Sink` takes moments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from skywarden.messages.drill import Drill
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.messages.truth import Truth


class Moment(NamedTuple):
    """All there is at one instant. A sink is handed only what its kind may see; the rest is None."""

    frame: Frame
    picture: Picture
    drill: Drill | None     # simulations only
    truth: Truth | None     # simulations only; recorder and tally


class Feed(Protocol):
    """Frames in time order; truth beside them only in a simulation. Closing it releases its files and sockets."""

    def __iter__(self) -> Iterator[tuple[Frame, Truth | None]]: ...

    def close(self) -> None: ...


class Sink(Protocol):
    """Takes moments in time order. Never changes what it is handed."""

    def take(self, moment: Moment) -> None: ...

    def close(self) -> None: ...
