"""How a run ends: in order, at the first Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from skywarden.messages.frame import Frame
from skywarden.messages.truth import Truth
from skywarden.run.ports import Feed


class Until:
    """A feed that ends when it is told to stop."""

    def __init__(self, feed: Feed, stop: threading.Event) -> None:
        self._feed, self._stop = feed, stop

    def __iter__(self) -> Iterator[tuple[Frame, Truth | None]]:
        for item in self._feed:
            if self._stop.is_set():
                return
            yield item

    def close(self) -> None:
        """Close the feed."""
        self._feed.close()


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C (or a polite kill) sets, so that the frame under way is
    finished and recorded; the second one interrupts.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
