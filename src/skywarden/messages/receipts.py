"""What became of the warnings that were sent: how each channel fares, and who acknowledged which
message. Both come in with the next frame.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skywarden.messages.tables import Array

WORKING, FAILING, UNANSWERED, STARTING, OVERDUE = range(5)  # `Channels.state`
CHANNEL_STATES = ("working", "failing", "nobody answers", "starting", "test overdue")

ACCEPTED, DELIVERED, REFUSED, EXPIRED, NOT_ANSWERED = range(5)  # `Receipts.outcome`
OUTCOMES = ("accepted", "delivered", "refused", "expired", "nobody answered")


class Channels(NamedTuple):
    """How each channel fares, one row a channel, in the order the site declares them."""

    name: Array  # (n,) S64
    state: Array  # (n,) int8     WORKING, FAILING (tried again), UNANSWERED, STARTING or OVERDUE (its monthly test)
    waiting: Array  # (n,) int32    messages not yet accepted
    accepted: Array  # (n,) int64    messages that the next machine took, since the start
    delivered: Array  # (n,) int64    messages that a receiver acknowledged, since the start
    expired: Array  # (n,) int64    messages given up because nobody may act on them any more
    # (n,) float64  from the frame to the newest acknowledgement, or acceptance where none is asked for [s]; nan none
    latency: Array
    heard: Array  # (n,) float64  age of the last sign of life from the other side [s]; inf never
    fault: Array  # (n,) S120     what is wrong, without any secret; blank nothing

    @classmethod
    def none(cls) -> Channels:
        """No channel."""
        i8, f = np.zeros(0, np.int64), np.zeros(0)
        return cls(
            np.zeros(0, "S64"), np.zeros(0, np.int8), np.zeros(0, np.int32), i8, i8, i8, f, f, np.zeros(0, "S120")
        )


class Receipts(NamedTuple):
    """What was heard about single messages since the last frame, one row an event."""

    t: Array  # (n,) float64  when [s from the record's epoch]
    channel: Array  # (n,) int32    row of `Channels`
    zone: Array  # (n,) int32    row of `Site.zones`; -1 none
    stage: Array  # (n,) int8     the stage that was said
    outcome: Array  # (n,) int8     ACCEPTED, DELIVERED, REFUSED, EXPIRED or NOT_ANSWERED
    latency: Array  # (n,) float64  since the frame that the message rests on [s]; nan unknown
    message: Array  # (n,) S160     id of the message
    who: Array  # (n,) S64      the receiver that answered; blank none

    @classmethod
    def none(cls) -> Receipts:
        """No event."""
        f, i4, i1 = np.zeros(0), np.zeros(0, np.int32), np.zeros(0, np.int8)
        return cls(f, i4, i4, i1, i1, f, np.zeros(0, "S160"), np.zeros(0, "S64"))
