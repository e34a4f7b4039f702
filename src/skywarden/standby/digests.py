"""By what two watchers tell whether they believe the same."""

from __future__ import annotations

import logging
import math
from hashlib import blake2b

from skywarden.messages.picture import CLEAR, Picture
from skywarden.record.codec import encode

SHOWN_S = 60.0  # seconds for which a difference that is over is still told
RESYNC_S = 5.0  # seconds of differing pictures after which one that follows takes the other's state anew
RESYNC_AGAIN_S = 60.0  # seconds, the least time between two such

Seen = tuple[bytes, tuple[int, ...]]  # digest of a picture, and the zones under warning in it

_log = logging.getLogger("skywarden.pair")


class Likeness:
    """How far the pictures of two watchers were the same."""

    def __init__(self) -> None:
        self.compared = self.different = 0
        self._since, self._last, self._resynced = math.inf, -math.inf, -math.inf
        self._told = ""

    def anew(self) -> None:
        """One of them has taken the other's state."""
        self._since = math.inf

    def fault(self, now: float) -> str:
        """In what they differ, a sentence; empty where they do not, and have not lately.

        now  present time [s, monotonic clock]
        """
        return self._told if now - self._last < SHOWN_S else ""

    def compare(self, n: int, mine: Seen, theirs: Seen, peer: str, now: float) -> bool:
        """Compare picture `n`; whether it is time to take the other's state anew.

        mine    digest of this replica's picture and what it warns
        theirs  digest of the other's picture and what it warns
        peer    name of the other replica
        now     present time [s, monotonic clock]
        """
        self.compared += 1
        if mine[0] == theirs[0]:
            self._since = math.inf
            return False
        self.different += 1
        alike = "the zones warned are the same" if mine[1] == theirs[1] else "the zones warned differ, too"
        if math.isinf(self._since):
            self._since = now
            self._told = f"pictures differ from those of {peer} since frame {n}; {alike}"
            _log.error("%s", self._told)
        self._last = now
        if now - self._since <= RESYNC_S or now - self._resynced <= RESYNC_AGAIN_S:
            return False
        self._resynced = now
        return True


def digest_of(picture: Picture) -> bytes:
    """What two pictures that are the same to the last bit have in common.

    picture  what is believed at this frame
    """
    return blake2b(encode(picture), digest_size=16).digest()


def standing(picture: Picture) -> tuple[int, ...]:
    """Rows of the zones under warning.

    picture  what is believed at this frame
    """
    warnings = picture.warnings
    return tuple(sorted(int(z) for z, a in zip(warnings.zone, warnings.action, strict=True) if int(a) != CLEAR))
