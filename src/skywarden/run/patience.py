"""Words for a terminal that may be stopped (Ctrl-S): said by a thread of their own, and waited for
only so long.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

MOST_WAITING = 200      # sentences that may wait to be said; further ones are left out
PATIENCE_S = 3.0        # seconds that a terminal has to take what is said at the end of a run

_stuck: list[threading.Thread] = []     # what was not taken yet: the newest such saying


def patiently(say: Callable[[], object], patience: float = PATIENCE_S) -> bool:
    """Say something, and go on after `patience` seconds whether it was taken or not; whether it
    was.

    say  function that says it, and may block

    While something is still not taken, nothing more is said.
    """
    if held():
        return False
    failed: list[BaseException] = []

    def work() -> None:
        try:
            say()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, name="skywarden-words", daemon=True)
    thread.start()
    thread.join(patience)
    if thread.is_alive():
        _stuck[:] = [thread]
        return False
    if failed:
        raise failed[0]
    return True


def held() -> bool:
    """Whether something said is not taken yet: the program must then end without waiting for its
    output.
    """
    return any(thread.is_alive() for thread in _stuck)


@contextlib.contextmanager
def busy(status: Any) -> Iterator[None]:
    """While something takes long and a terminal shows it (rich's `status`), be it stopped or not."""
    patiently(status.start)
    try:
        yield
    finally:
        patiently(status.stop)


class Words:
    """Says things in their order from a thread of its own: whoever has something to say never
    waits.
    """

    def __init__(self) -> None:
        self._waiting: queue.Queue[Callable[[], object]] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None

    def say(self, say: Callable[[], object]) -> None:
        """Have something said soon; where too much waits, never.

        say  function that says it, and may block
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="skywarden-sentences", daemon=True)
            self._thread.start()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(say)

    def flush(self) -> None:
        """Wait until everything has been said, but only so long."""
        if self._thread is not None:
            patiently(self._waiting.join)

    def _work(self) -> None:
        while True:
            say = self._waiting.get()
            with contextlib.suppress(Exception):
                say()
            self._waiting.task_done()
