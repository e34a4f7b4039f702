"""A base's way to its region: a sink that says a lean picture each second, and hears what other
bases foresee here.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from skywarden.messages.commands import FORETOLD, Command
from skywarden.messages.moment import Moment
from skywarden.region.lean import lean, place
from skywarden.site.model import Site
from skywarden.standby.brokers import Broker, Brokers
from skywarden.standby.words import FORETELL, PICTURE, PLACE, Sealer

EVERY_S = 1.0  # seconds between two pictures
PLACE_S = 30.0  # seconds between two descriptions of the base
AGAIN_S = 5.0  # seconds after which a zone that is still foretold is told to the frames again
ROOT = "skywarden-region"  # what all topics between bases and regions begin with


class Saying:
    """A sink, in a mailbox of one: after a lost link the newest picture is said, and nothing that
    is over.

    name     of the base in topics; replica its watcher
    key      shared by the bases and their region
    console  address of this base's own console, that the region links to
    faults   () -> what is wrong here, in words
    """

    def __init__(
        self,
        site: Site,
        name: str,
        replica: str,
        epoch_ns: int,
        key: bytes,
        brokers: Sequence[Broker],
        console: str = "",
        faults: Callable[[], Sequence[str]] = tuple,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._site, self._epoch_ns, self._faults, self._now = site, epoch_ns, faults, now
        self._topic = f"{ROOT}/{name}/{replica}"
        self._sealer = Sealer(key, f"{name}/{replica}", 0)
        self._place = place(site, console)
        self._next = self._next_place = 0.0
        self._zones = {zone.name for zone in site.zones}
        self._told: dict[str, float] = {}
        self._commands: deque[Command] = deque(maxlen=100)
        self._lock = threading.Lock()
        self.bytes = 0  # of the newest picture, signed
        self._brokers = Brokers(brokers, (f"{ROOT}/{name}/foretell",), self._heard)

    @property
    def fault(self) -> str:
        """Brokers of the region that are not reached; the base goes on without."""
        lost = self._brokers.lost
        return f"the region is not reached at {', '.join(lost)}" if lost else ""

    def take(self, moment: Moment) -> None:
        """Say the moment, once a second."""
        now = self._now()
        if now >= self._next_place and self._brokers.say(self._topic, self._seal(PLACE, self._place), expires=60):
            self._next_place = now + PLACE_S
        if now < self._next:
            return
        word = self._seal(PICTURE, lean(moment, self._site, self._epoch_ns, list(self._faults())))
        self.bytes = len(word)
        if self._brokers.say(self._topic, word):        # else at once when a broker is back
            self._next = max(self._next + EVERY_S, now + 0.5 * EVERY_S)

    def commands(self) -> tuple[Command, ...]:
        """What other bases foresee here, for the next frame: a pre-alert at most, whoever says it."""
        with self._lock:
            waiting = tuple(self._commands)
            self._commands.clear()
        return waiting

    def close(self) -> None:
        """Take leave of the region."""
        self._brokers.close()

    def _seal(self, kind: str, content: dict[str, object]) -> bytes:
        with self._lock:
            return self._sealer.seal(kind, content)

    def _heard(self, _: str, payload: bytes) -> None:
        with self._lock:
            word = self._sealer.open(payload)
            if word is None or word.kind != FORETELL:
                return
            zone, seconds = str(word.content["zone"]), float(word.content["seconds"])
            if zone not in self._zones or not 0.0 <= seconds <= 600.0:
                return
            if self._now() - self._told.get(zone, -AGAIN_S) >= AGAIN_S:
                self._told[zone] = self._now()
                why = f"foreseen by {str(word.content.get('base', ''))[:60]}"
                self._commands.append(Command(0.0, FORETOLD, f"{seconds:.0f} {zone}", "region", why))
