"""Puts how the channels fare, and what became of each message, into the frames: believed, recorded
and replayed like everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from skywarden.messages.frame import Frame
from skywarden.messages.receipts import Channels, Receipts
from skywarden.messages.truth import Truth
from skywarden.run.ports import Feed


class Receipted:
    """A Feed of the same frames with the receipts that came in meanwhile.

    receipts   () -> (Channels, Receipts)   as `Alerts.receipts` gives them
    """

    def __init__(self, feed: Feed, receipts: Callable[[], tuple[Channels, Receipts]]) -> None:
        self._feed, self._receipts = feed, receipts

    def __iter__(self) -> Iterator[tuple[Frame, Truth | None]]:
        for frame, truth in self._feed:
            channels, receipts = self._receipts()
            yield frame._replace(channels=channels, receipts=receipts), truth

    def close(self) -> None:
        """Close the feed."""
        self._feed.close()
