"""The state between frames, as a pair of watchers hands it over."""

from __future__ import annotations

from typing import Protocol


class Memory(Protocol):
    """What holds the state between frames; a `Stepper` is one."""

    def keep(self) -> bytes:
        """The state as bytes."""

    def put_back(self, kept: bytes) -> None:
        """Go on from such bytes. RecordError where they cannot be read.

        kept  what was kept of the state
        """
