"""What two watchers say to one another: signed, numbered words, each of one kind.

    MAC BODY    MAC: HMAC-SHA-256 of the body, 32 bytes; body: MessagePack
                [version, replica, rank, boot, number, sent, kind, content]

    enter     n, frame, since, epoch, commands    a frame is about to be worked on
    left      n, digest, standing                 it has been survived, and the digest of its picture
    joining                                       somebody wants the state
    snapshot  n, state, to                        the state after frame n
    command   id, command                         said at the other's console
    receipts  channels, receipts                  what became of the other's messages
    said      channel, message                    a channel that cannot merge was told
    here      n, role                             a sign of life of one that follows

`boot` and `number` rise across restarts: a word that comes twice, by two brokers or by somebody who
kept it, counts once.
"""

from __future__ import annotations

import hmac
import time
from typing import Any, NamedTuple

import msgspec

VERSION = 1
MAC_BYTES = 32
LARGEST = 64 * 1024 * 1024  # bytes of one word; a snapshot of 500 rounds has some 4 MB
FRESH_S = 60.0  # seconds by which two hosts' clocks may differ before their words are refused
ENTER, LEFT, JOINING, SNAPSHOT = "enter", "left", "joining", "snapshot"
COMMAND, RECEIPTS, SAID, HERE = "command", "receipts", "said", "here"
WINDOW = 1000  # numbers of a replica's words by which one may come late
PICTURE, PLACE, FORETELL = "picture", "place", "foretell"  # between a base and its region, see `region.words`
KINDS = frozenset((PICTURE, PLACE, FORETELL, ENTER, LEFT, JOINING, SNAPSHOT, COMMAND, RECEIPTS, SAID, HERE))


class Word(NamedTuple):
    """One word of another replica, verified."""

    replica: str
    rank: int
    boot: int  # when its process began [ns since 1970]
    number: int
    kind: str
    content: dict[str, Any]


class Sealer:
    """Signs our words and opens the other's.

    key       shared by the replicas of one site; nobody else can say a word
    replica   our name, rank our place in the order
    now       wall clock [s since 1970], replaceable in tests
    """

    def __init__(self, key: bytes, replica: str, rank: int, now: Any = time.time) -> None:
        if len(key) < 16:
            raise ValueError("the key that replicas sign with has at least 16 bytes")
        self._key = hmac.digest(key, b"skywarden pair 1", "sha256")
        self.replica, self.rank, self._now = replica, rank, now
        self.boot, self._number = time.time_ns(), 0
        self._heard: dict[str, _Numbers] = {}
        self.refused = 0  # words that were forged, stale or unreadable

    def seal(self, kind: str, content: dict[str, Any]) -> bytes:
        """One word as it travels.

        kind     kind of the word
        content  what it says
        """
        self._number += 1
        body = msgspec.msgpack.encode(
            [VERSION, self.replica, self.rank, self.boot, self._number, self._now(), kind, content]
        )
        return hmac.digest(self._key, body, "sha256") + body

    def open(self, data: bytes) -> Word | None:
        """The word in `data`; None where it is forged, stale, our own, heard before or unreadable."""
        mac, body = data[:MAC_BYTES], data[MAC_BYTES:]
        if len(data) > LARGEST or not hmac.compare_digest(hmac.digest(self._key, body, "sha256"), mac):
            self.refused += 1
            return None
        try:
            version, replica, rank, boot, number, sent, kind, content = msgspec.msgpack.decode(body)
            word = Word(str(replica), int(rank), int(boot), int(number), str(kind), dict(content))
            stale = version != VERSION or kind not in KINDS or abs(self._now() - float(sent)) > FRESH_S
        except (msgspec.DecodeError, ValueError, TypeError):
            self.refused += 1
            return None
        if word.replica == self.replica:
            return None
        if stale:
            self.refused += 1
            return None
        return word if self._heard.setdefault(word.replica, _Numbers()).first(word.boot, word.number) else None


class _Numbers:
    """Which numbers of one replica have been heard: by two brokers a word comes twice, and may
    overtake another.
    """

    def __init__(self) -> None:
        self._boot, self._highest, self._recent = 0, 0, set[int]()

    def first(self, boot: int, number: int) -> bool:
        """Whether the word is new; it is not any more."""
        if boot > self._boot:
            self._boot, self._highest, self._recent = boot, 0, set()
        if boot < self._boot or number <= self._highest - WINDOW or number in self._recent:
            return False
        self._recent.add(number)
        self._highest = max(self._highest, number)
        if len(self._recent) > 2 * WINDOW:
            self._recent = {each for each in self._recent if each > self._highest - WINDOW}
        return True
