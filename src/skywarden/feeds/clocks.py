"""How the clock of a live sender stands to ours, by the quickest of its newest messages: a drift is
followed, a step is taken as a new clock.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from skywarden.feeds.timeline import DAY
from skywarden.messages.tables import Array

# s a synchronised sender's message may take; more, or less than none, and its clock is taken to differ from ours
DELAY = 3.0
SETTLE = 10.0       # s from the first message until the delay that belongs to a sender is known
BUCKET = 1.0        # s over which the quickest message is sought at a time
WINDOW = 30         # such buckets that have messages, over which the quickest is sought
AGREE = 4           # buckets in a row, and messages in them, that tell a step
SMALLEST_STEP = 1.5  # s by which all messages must have become slower, or quicker, to be a step and not a drift
SPREAD = 1.0        # s within which the messages after such a step must agree
DRIFT = 0.25        # s from where it stood at first, at which a clock is said to wander


class Clock:
    """Follows one sender.

    epoch_ns   of the frames' time [ns since 1970, UTC]
    """

    def __init__(self, epoch_ns: int) -> None:
        self._epoch = (epoch_ns / 1e9) % DAY
        # from when on; the least of ours minus its clock [s]; messages
        self._buckets: deque[tuple[float, float, int]] = deque(maxlen=WINDOW)
        self._since = math.nan      # first message
        self._delay = 0.0           # that its quickest messages take [s]
        self._first = math.nan      # where its clock stood to ours, once settled
        self._low = math.nan
        self._restarted = math.nan  # when it was last told that the clock was set anew; nan once that has settled
        # how far it was found to have been set, each time [s]; whoever reads them clears them
        self.steps: list[float] = []

    @property
    def drift(self) -> float:
        """How far the clock has wandered since it was first known, positive ahead of ours [s]; nan
        until then.
        """
        return 0.0 if math.isfinite(self._restarted) else self._first - self._low

    @property
    def ahead(self) -> float:
        """How far the clock stands ahead of ours, by its quickest messages [s]; nan while none has
        come.
        """
        return -self._low

    @property
    def wanders(self) -> bool:
        """Whether it has wandered so far that somebody should know."""
        return abs(self.drift) > DRIFT

    def time_of(self, when: float, arrived: float) -> float:
        """The frames' time of a datum `when` by its sender's clock that arrived at `arrived` by
        ours, after what has been noted.

        A sender whose clock agrees with ours is believed; of another the quickest message is taken
        to have taken no time at all.
        """
        if math.isnan(self._low):
            self.note(when, arrived)
        return min(arrived - self._late(when, arrived) + self._low - self._delay, arrived)

    def _late(self, when: float, arrived: float) -> float:
        """How long after its time a message came, by the two clocks."""
        late = arrived + self._epoch - when
        return late - DAY * round((late - (0.0 if math.isnan(self._low) else self._low)) / DAY)

    def restart(self, arrived: float) -> None:
        """The clock was found to have been set anew by what arrived then: where it stands is
        learned again, what its messages take is kept.
        """
        self._buckets.clear()
        self._restarted = arrived

    def note(self, when: float, arrived: float) -> None:
        """Take into account a message of time `when` by its sender's clock that arrived at
        `arrived` by ours, or before.
        """
        self._enter(arrived, arrived, self._late(when, arrived), 1)

    def note_all(self, when: Array, arrived: Array) -> None:
        """The same of many, (n,) each, in the order in which they arrived.

        when  (n,) times that the senders gave [s since 1970]
        """
        late = arrived + self._epoch - when
        late -= DAY * np.round((late - (0.0 if math.isnan(self._low) else self._low)) / DAY)
        begin, n = 0, len(when)
        while begin < n:
            since = self._buckets[-1][0] if self._buckets else -math.inf
            since = since if arrived[begin] - since < BUCKET else float(arrived[begin])
            end = begin + max(1, int(np.searchsorted(arrived[begin:], since + BUCKET)))
            self._enter(float(arrived[begin]), float(arrived[end - 1]), float(late[begin:end].min()), end - begin)
            begin = end

    def times_of(self, when: Array, arrived: Array) -> Array:
        """What `time_of` gives of many, (n,) each, after they have been noted.

        when     (n,) times that the senders gave [s since 1970]
        arrived  (n,) times of arrival [s, monotonic clock]
        """
        late = arrived + self._epoch - when
        late -= DAY * np.round((late - self._low) / DAY)
        times: Array = np.minimum(arrived - late + self._low - self._delay, arrived)
        return times

    def _enter(self, first: float, arrived: float, late: float, messages: int) -> None:
        """Messages that arrived from `first` to `arrived`, within one bucket, the quickest of them
        `late`.
        """
        if math.isnan(self._since):
            self._since = first
        if not self._buckets or first - self._buckets[-1][0] >= BUCKET:
            self._buckets.append((first, late, messages))
            self._stepped()
        else:
            begin, least, count = self._buckets[-1]
            self._buckets[-1] = begin, min(least, late), count + messages
        lows = sorted(bucket[1] for bucket in self._buckets)
        # One message may bear a wrong time: with enough of them the second quickest second is believed.
        before, self._low = self._low, lows[1] if len(lows) > 2 and lows[1] - lows[0] > SMALLEST_STEP else lows[0]
        if before - self._low > SMALLEST_STEP and math.isfinite(self._first):
            self._first += self._low - before
            self.steps.append(before - self._low)
        if math.isfinite(self._restarted) and arrived - self._restarted >= SETTLE:
            self._first, self._restarted = self._low, math.nan
        if math.isnan(self._first) and math.isnan(self._restarted):
            self._delay = self._low if 0.0 <= self._low <= DELAY else 0.0
            if arrived - self._since >= SETTLE:
                self._first = self._low

    def _stepped(self) -> None:
        """Forget what was before, where the newest full buckets agree with one another and not with
        it.
        """
        recent = list(self._buckets)[-AGREE - 1:-1]
        if len(recent) < AGREE or math.isnan(self._low):
            return
        lows = [low for _, low, _ in recent]
        jump = min(lows) - self._low
        if jump > SMALLEST_STEP and max(lows) - min(lows) < SPREAD and sum(count for *_, count in recent) >= AGREE:
            newest = list(self._buckets)[-AGREE - 1:]
            self._buckets.clear()
            self._buckets.extend(newest)
            self._first += jump
            self.steps.append(-jump)
