"""Who was told: how each warning channel fared, and what became of each message, from the record
alone.
"""

from __future__ import annotations

import math

from skywarden.messages.receipts import CHANNEL_STATES
from skywarden.review.html import seconds, table
from skywarden.review.story import Story

MOST_CHANGES = 12  # changes of a channel's state shown


def section(told: Story) -> str:
    """Two tables: the channels, and the messages with who took them, who acknowledged them, how
    long after the frame.

    told  everything the record tells of the run
    """
    states = [
        (name, "; ".join(_state(*change) for change in changes[-MOST_CHANGES:]))
        for name, changes in told.channels.items()
    ]
    messages = [
        (
            seconds(r.t),
            r.channel,
            r.zone or "—",
            r.stage,
            r.outcome,
            r.who or "—",
            "—" if math.isnan(r.latency) else f"{r.latency:.2f} s",
        )
        for r in told.told
    ]
    head = ("at", "channel", "zone", "said", "became of it", "by", "after the frame")
    heard = table(head, messages) if messages else "<p>No message went out.</p>"
    return table(("channel", "how it fared"), states) + heard


def _state(t: float, state: int, fault: str) -> str:
    word = CHANNEL_STATES[state] if 0 <= state < len(CHANNEL_STATES) else "?"
    return f"{word} from {seconds(t)}{f': {fault}' if fault else ''}"
