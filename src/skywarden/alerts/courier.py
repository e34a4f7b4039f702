"""Carries one channel's messages: a thread with an event loop, in order within a zone, tried again
until taken or expired, and said again.

    loop --offer, microseconds--> queue a zone --> transport.send --> accepted --> delivered
              fails: again after 0.2, 0.4 … 5 s, until the message expires     by the receiver's
                answer
    each second: transport.again(what every zone is told now), while pictures keep coming

A hung, failing or slow channel is felt by no other one and never by the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any, Generic, NamedTuple

from skywarden.alerts.alert import A, Alert, ChannelTest, SimulationAlert
from skywarden.alerts.outbox import Outbox, Parcel
from skywarden.alerts.tracks import TrackRow
from skywarden.alerts.transport import Event, Peer, RefusedError, Report, Transport
from skywarden.messages.picture import NO_STAGE
from skywarden.messages.receipts import (
    ACCEPTED,
    DELIVERED,
    EXPIRED,
    FAILING,
    NOT_ANSWERED,
    OVERDUE,
    REFUSED,
    STARTING,
    UNANSWERED,
    WORKING,
)

SAY_AGAIN_S = 1.0  # seconds between two repetitions of what every zone is told now
ALIVE_S = 3.0  # seconds after the newest picture for which it is still said again
FIRST_PAUSE_S = 0.2  # seconds before a message is tried again; doubled each time
LONGEST_PAUSE_S = 5.0  # seconds, the longest such pause
SENDING_S = 5.0  # seconds one attempt may take
ANSWER_S = 3.0  # seconds a receiver has to acknowledge a message before nobody is said to have answered
HEARD_S = 15.0  # seconds without a sign of life after which a receiver is said to be silent
AT_ONCE = 32  # zones one channel is telling at the same time
MOST_OPEN = 20_000  # messages whose acknowledgement is waited for
CLOSING_S = 2.0  # seconds that the end of a run waits for what is on its way
MONTH_S = 31 * 86_400.0  # seconds after which a channel that is tested monthly must have passed a test


class Open(NamedTuple):
    """A message that was handed over, or is just being."""

    parcel: Parcel
    since: float  # monotonic [s]
    answered: bool = False  # a receiver has acknowledged it


class Courier(Generic[A]):
    """One channel of one kind.

    name, takes   the channel's name, and the only type of alert it carries besides tests
    zones         names of the zones it tells; empty: all
    transport     Transport
    outbox        Outbox
    monthly       whether the channel has to pass a test every month
    """

    def __init__(
        self,
        name: str,
        takes: type[A],
        zones: frozenset[str],
        transport: Transport,
        outbox: Outbox,
        monthly: bool = False,
    ) -> None:
        if takes is Alert or takes is ChannelTest:
            raise TypeError("a channel takes the alerts of one kind: live, exercise or simulation")
        self.name, self.takes, self.zones, self.transport = name, takes, zones, transport
        self._outbox, self._monthly = outbox, monthly
        self.peer: Peer | None = None
        self._lock = threading.Lock()
        self._queues: dict[str, deque[Parcel]] = {}
        self._open: OrderedDict[str, Open] = OrderedDict()  # messages handed over, by id, oldest first
        self._awaited: set[str] = set()  # those of them that nobody has acknowledged in time yet
        self._events: deque[Event] = deque(maxlen=10_000)
        self._standing: Mapping[str, Alert] = {}
        self._tracks: tuple[TrackRow, ...] = ()
        self._alive = -math.inf
        self._busy: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepted = self._delivered = self._expired = 0
        self._latency, self._fault, self._connected = math.nan, "", False
        self._began = time.monotonic()
        self._heard: dict[str, float] = {}
        self._missing: tuple[str, ...] = ()
        self.tested = math.nan  # when it last passed a test [s since 1970]; nan never
        self._ended = False
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name=f"skywarden-{name}", daemon=True)

    def start(self) -> None:
        """Begin to carry, first what a process before this one left behind."""
        self._thread.start()
        self._started.wait(5.0)
        self.tested = self._outbox.number(f"tested {self.name}")
        for parcel in self._outbox.left_waiting(self.name):
            if type(parcel.alert) in (self.takes, ChannelTest):
                self._queue(parcel)

    def tells(self, zone: str) -> bool:
        """Whether the channel tells that zone."""
        return not self.zones or zone in self.zones

    def parcel(self, alert: A | ChannelTest, since: float) -> Parcel:
        """An alert made ready for this channel.

        since  when the frame that it tells of was taken [s, monotonic clock]

        TypeError for one of another kind: it has no way onto this channel.
        """
        if type(alert) not in (self.takes, ChannelTest):
            raise TypeError(
                f"channel {self.name} carries {self.takes.kind} alerts; a {alert.kind} alert has no way onto it"
            )
        return Parcel(self.name, alert, since, time.time())

    def offer(self, parcel: Parcel) -> None:
        """Send it as soon as can be. Microseconds.

        parcel  what is to be sent
        """
        if type(parcel.alert) not in (self.takes, ChannelTest):
            raise TypeError(
                f"channel {self.name} carries {self.takes.kind} alerts; a {parcel.alert.kind} alert has no way onto it"
            )
        self._queue(parcel)

    @property
    def shows(self) -> bool:
        """Whether the channel shows tracks, which leave a simulation only."""
        return bool(getattr(self.transport, "shows", False)) and self.takes is SimulationAlert

    def hold(self, standing: Mapping[str, A], tracks: tuple[TrackRow, ...] = ()) -> None:
        """What every zone is told now, to be said again each second for as long as this keeps being
        called.

        standing  what is in force, by zone
        tracks    tracks to be shown, a row each
        """
        self._tracks = tracks if self.shows else ()
        self._standing = {zone: alert for zone, alert in standing.items() if self.tells(zone)}
        self._alive = time.monotonic()

    def report(self) -> Report:
        """How the channel fares now; from any thread."""
        now = time.monotonic()
        with self._lock:
            waiting = sum(len(queue) for queue in self._queues.values())
        newest = max(self._heard.values(), default=-math.inf)
        state, fault = WORKING, self._fault
        if not self._connected:
            state = STARTING if not fault and now - self._began < HEARD_S else FAILING
        elif fault:
            state = FAILING
        elif self.transport.relays:
            silent = (
                tuple(who for who in self.transport.relays if now - self._heard.get(who, self._began) > HEARD_S)
                or self._missing
            )
            if silent:
                state, fault = UNANSWERED, f"{', '.join(silent)}: no answer"
        if state == WORKING and self._monthly and not time.time() - self.tested < MONTH_S:
            state, fault = OVERDUE, "no test was passed within a month: skywarden alert test"
        return Report(
            self.name,
            state,
            waiting,
            self._accepted,
            self._delivered,
            self._expired,
            self._latency,
            now - newest,
            fault[:120],
        )

    def events(self) -> list[Event]:
        """What was heard about single messages since the last call."""
        found = []
        while self._events:
            found.append(self._events.popleft())
        return found

    def close(self) -> None:
        """Let what is on its way arrive, say goodbye, stop."""
        until = time.monotonic() + CLOSING_S
        while time.monotonic() < until and self._connected and any(self._queues.values()):
            time.sleep(0.01)
        self._ended = True
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(CLOSING_S + 1.0)

    # what a transport calls, on the event loop

    def up(self) -> None:
        """The transport is connected."""
        self._connected, self._fault = True, ""
        self._up.set()

    def heard(self, who: str, message: str = "") -> None:
        """A receiver gave a sign of life, or acknowledged a message.

        who  name of the receiver
        """
        now = time.monotonic()
        self._heard[who] = now
        self._missing = tuple(name for name in self._missing if name != who)
        found = self._open.get(message)
        if found is None:
            return
        self._awaited.discard(message)
        if found.answered:
            self._outbox.settle(self.name, message, DELIVERED, who)  # one more receiver of the same message
        else:
            self._open[message] = found._replace(answered=True)
            self._settled(found.parcel, DELIVERED, who)

    # the thread's own

    async def _main(self) -> None:
        self._loop, self._up, self._stop = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._started.set()
        work = [asyncio.create_task(self._linking()), asyncio.create_task(self._beating())]
        await self._stop.wait()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.transport.bye(), CLOSING_S)
        for task in (*work, *self._tasks):
            task.cancel()
        await asyncio.gather(*work, *self._tasks, return_exceptions=True)

    async def _linking(self) -> None:
        """Keep the transport connected."""
        pause = FIRST_PAUSE_S
        while True:
            begun = time.monotonic()
            try:
                await self.transport.run(self)
            except Exception as error:  # a boundary: whatever it is, it concerns this channel alone
                self._failed(error)
            self._connected = False
            self._up.clear()
            if time.monotonic() - begun > LONGEST_PAUSE_S:
                pause = FIRST_PAUSE_S
            await asyncio.sleep(pause)
            pause = min(2.0 * pause, LONGEST_PAUSE_S)

    async def _beating(self) -> None:
        """Say again what stands, and notice who does not answer."""
        while True:
            await asyncio.sleep(SAY_AGAIN_S)
            now = time.monotonic()
            self._unanswered(now)
            if self._connected and now - self._alive <= ALIVE_S:
                try:
                    await asyncio.wait_for(self.transport.again(self._standing), SENDING_S)
                    if self._tracks:
                        await asyncio.wait_for(getattr(self.transport, "show")(self._tracks), SENDING_S)  # noqa: B009
                except Exception as error:
                    self._failed(error)

    def _queue(self, parcel: Parcel) -> None:
        with self._lock:
            self._queues.setdefault(parcel.alert.zone, deque()).append(parcel)
        with contextlib.suppress(RuntimeError):  # the loop has ended with the run; the outbox keeps the message
            self._loop.call_soon_threadsafe(self._wake, parcel.alert.zone)

    def _wake(self, zone: str) -> None:
        if zone not in self._busy:
            self._busy.add(zone)
            task = asyncio.create_task(self._carry(zone))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, zone: str) -> None:
        """One zone's messages, one after the other."""
        try:
            pause = FIRST_PAUSE_S
            while (parcel := self._first(zone)) is not None:
                left = parcel.alert.expires - time.time()
                if self._left_to_peer(parcel):
                    self._settled(parcel, ACCEPTED, "the other watcher")
                elif (wait := self._wait(parcel)) > 0.0:
                    await asyncio.sleep(min(wait, 0.05))
                    continue
                elif left <= 0.0 or (self.peer is not None and self._merges and self.peer.stale(parcel.since)):
                    self._expired += 1
                    self._settled(parcel, EXPIRED)
                elif not self._up.is_set():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._up.wait(), left)
                    continue
                elif not await self._tried(parcel):
                    await asyncio.sleep(min(pause, max(left, 0.0)))
                    pause = min(2.0 * pause, LONGEST_PAUSE_S)
                    continue
                pause = FIRST_PAUSE_S
                with self._lock:
                    self._queues[zone].popleft()
        finally:
            self._busy.discard(zone)

    @property
    def _merges(self) -> bool:
        return bool(getattr(self.transport, "merges", False))

    def _left_to_peer(self, parcel: Parcel) -> bool:
        """Whether a receiver that cannot merge was told by the other watcher."""
        return self.peer is not None and not self._merges and self.peer.said(self.name, parcel.alert.message)

    def _wait(self, parcel: Parcel) -> float:
        """Seconds that the other watcher is still given to say it first, where the receiver cannot
        merge.
        """
        return self.peer.wait_of(parcel.made) if self.peer is not None and not self._merges else 0.0

    def _first(self, zone: str) -> Parcel | None:
        with self._lock:
            queue = self._queues.get(zone)
            return queue[0] if queue else None

    async def _tried(self, parcel: Parcel) -> bool:
        """Whether the message need not be tried again."""
        # before it is sent: an acknowledgement may be quicker than the broker's
        self._open[parcel.alert.message] = Open(parcel, time.monotonic())
        try:
            async with self._at_once:
                answer = await asyncio.wait_for(self.transport.send(parcel.alert), SENDING_S)
        except RefusedError as error:
            self._open.pop(parcel.alert.message, None)
            self._fault = self._sentence(error)
            self._settled(parcel, REFUSED)
            return True
        except Exception as error:
            self._open.pop(parcel.alert.message, None)
            self._failed(error)
            return False
        self._fault = ""
        self._accepted += 1
        self._settled(parcel, ACCEPTED)
        if self.peer is not None and not self._merges:
            self.peer.tell_said(self.name, parcel.alert.message)
        if answer.outcome == DELIVERED:
            self.heard(answer.who, parcel.alert.message)
        elif not self._open[parcel.alert.message].answered:
            self._awaited.add(parcel.alert.message)
        while len(self._open) > MOST_OPEN:
            self._awaited.discard(self._open.popitem(last=False)[0])
        return True

    def _settled(self, parcel: Parcel, outcome: int, who: str = "") -> None:
        alert = parcel.alert
        latency = time.monotonic() - parcel.since
        if (
            outcome in (ACCEPTED, DELIVERED)
            and math.isfinite(latency)
            and (outcome == DELIVERED or not self.transport.relays)
        ):
            self._latency = latency
        if outcome == DELIVERED:
            self._delivered += 1
            if alert.kind == "test":
                self.tested = time.time()
                self._outbox.say(f"tested {self.name}", self.tested)
        self._outbox.settle(self.name, alert.message, outcome, who)
        if alert.stage != NO_STAGE or outcome not in (ACCEPTED,):
            self._events.append(Event(time.time(), alert, outcome, latency, who))

    def _unanswered(self, now: float) -> None:
        """Messages that were taken and that no receiver has acknowledged in time: the alarm "nobody
        answered".
        """
        for message in [message for message in self._awaited if now - self._open[message].since > ANSWER_S]:
            self._awaited.discard(message)
            parcel = self._open[message].parcel  # an acknowledgement that comes later still counts
            if self.transport.relays or parcel.alert.kind == "test":
                silent = [who for who in self.transport.relays if now - self._heard.get(who, -math.inf) > ANSWER_S]
                self._missing = tuple(silent) or self.transport.relays or ("any receiver",)
                self._settled(parcel, NOT_ANSWERED)

    def _failed(self, error: BaseException) -> None:
        self._fault = self._sentence(error)

    def _sentence(self, error: BaseException) -> str:
        """An error as one line; transports see to it that no secret stands in theirs."""
        said: Any = (
            "no answer in time"
            if isinstance(error, TimeoutError) and not str(error)
            else str(error) or type(error).__name__
        )
        return "".join(c if c.isprintable() else " " for c in str(said))[:120]
