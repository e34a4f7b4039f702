"""What is commanded at either console, on its way into a frame: each command once, whoever frames
it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from skywarden.messages.commands import Command
from skywarden.record.codec import encode
from skywarden.standby.words import COMMAND

SAY_AGAIN_S = 0.25  # seconds after which a command that is in no frame yet is said again
MOST_IDS = 10_000  # commands whose numbers are remembered


class Pool:
    """Commands that are in no frame yet.

    name  begins the number of each of ours; no two processes share one
    say   sends a word to the other
    """

    def __init__(self, name: str, say: Callable[[str, dict[str, Any]], None]) -> None:
        self._name, self._say = name, say
        self._count = 0
        self._ours: OrderedDict[str, Command] = OrderedDict()
        self._theirs: OrderedDict[str, Command] = OrderedDict()
        self._done: OrderedDict[str, None] = OrderedDict()
        self._said = 0.0

    def add(self, commands: Iterable[Command]) -> bool:
        """Keep what was commanded here; whether there was anything.

        commands  commands to be pooled
        """
        before = self._count
        for command in commands:
            self._count += 1
            self._ours[f"{self._name}-{self._count}"] = command
        return self._count > before

    def offer(self, now: float, fresh: bool) -> None:
        """Say what was commanded here, until it is in a frame of the other's.

        now    present time [s, monotonic clock]
        fresh  whether it is said for the first time
        """
        if self._ours and (fresh or now - self._said > SAY_AGAIN_S):
            self._said = now
            for number, command in self._ours.items():
                self._say(COMMAND, {"id": number, "command": encode(command)})

    def heard(self, number: str, command: Command) -> None:
        """Keep what was commanded at the other's console, unless it has been in a frame.

        number   identifier of the command
        command  what a person commanded
        """
        if number not in self._done:
            self._theirs.setdefault(number, command)

    def take(self) -> list[tuple[str, Command]]:
        """All there is, with numbers, for a frame of ours; it is done with that."""
        told = [*self._ours.items(), *self._theirs.items()]
        self.done(number for number, _ in told)
        return told

    def done(self, numbers: Iterable[str]) -> None:
        """These have been in a frame, ours or the other's.

        numbers  identifiers of commands
        """
        for number in numbers:
            self._ours.pop(number, None)
            self._theirs.pop(number, None)
            self._done[number] = None
        while len(self._done) > MOST_IDS:
            self._done.popitem(last=False)
