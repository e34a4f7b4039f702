"""Puts what people commanded at the console into the frames, so that it is believed, recorded and
replayed like everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from skywarden.messages.commands import Command
from skywarden.messages.frame import Frame
from skywarden.messages.truth import Truth
from skywarden.run.ports import Feed


class Commanded:
    """A Feed of the same frames with the waiting commands added, each with the time of the frame it
    came in.

    feed       Feed
    commands   () -> tuple[Command, ...]   empties the inbox, as `Console.commands` does
    """

    def __init__(self, feed: Feed, commands: Callable[[], tuple[Command, ...]]) -> None:
        self._feed, self._commands = feed, commands

    def __iter__(self) -> Iterator[tuple[Frame, Truth | None]]:
        for frame, truth in self._feed:
            told = tuple(command._replace(t=frame.t) for command in self._commands())
            yield (frame._replace(commands=(*frame.commands, *told)) if told else frame), truth

    def close(self) -> None:
        """Close the feed."""
        self._feed.close()
