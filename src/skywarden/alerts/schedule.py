"""When a channel is tested by itself: once a month, in the hour that the site declares."""

from __future__ import annotations

from datetime import UTC, datetime

AGAIN_S = 600.0  # seconds between two tries within that hour
PASSED_S = 20 * 86_400.0  # seconds within which a passed test is this month's


def due(now: float, tested: float, tried: float, day: int, hour: int) -> bool:
    """Whether a test is due.

    now     seconds since 1970
    tested  when the channel last passed one; nan never
    tried   when one was last sent by itself; -inf never
    day     of the month, 1 to 28
    hour    of that day, UTC
    """
    at = datetime.fromtimestamp(now, UTC)
    return at.day == day and at.hour == hour and now - tried >= AGAIN_S and not now - tested < PASSED_S
