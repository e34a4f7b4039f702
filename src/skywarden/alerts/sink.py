"""The sink that tells people: pictures in, messages out on every channel, receipts back for the
next frame.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic

import msgspec
import numpy as np

from skywarden.alerts.alert import A, ChannelTest, expiry, slug, stamp
from skywarden.alerts.courier import Courier
from skywarden.alerts.outbox import Outbox, Parcel
from skywarden.alerts.schedule import due
from skywarden.alerts.teller import Teller
from skywarden.alerts.tracks import tracks_of
from skywarden.alerts.transport import Peer
from skywarden.messages.commands import CORRECT, Command
from skywarden.messages.moment import Moment
from skywarden.messages.picture import NO_STAGE
from skywarden.messages.receipts import CHANNEL_STATES, STARTING, WORKING, Channels, Receipts
from skywarden.run.mailbox import SinkState

ASKED_S = 0.25  # seconds between two looks at what `skywarden alert` asks for


class Alerts(Generic[A]):
    """A Sink. Takes moments of one kind of session, and only makes that kind of alert.

    Refuses, by an error that its mailbox shows, a moment that holds a drill or the truth where the
    alerts are live: such a moment is of a simulation, and nothing of one goes out on a live
    channel.
    """

    def __init__(self, teller: Teller[A], couriers: Sequence[Courier[A]], outbox: Outbox, made: type[A]) -> None:
        self.teller, self.couriers, self.outbox, self._made = teller, tuple(couriers), outbox, made
        for courier in self.couriers:
            if courier.takes is not made:
                raise TypeError(
                    f"channel {courier.name} carries {courier.takes.kind} alerts, this session makes {made.kind} ones"
                )
        self.made = made  # the type of alert that it tells people with
        self._timely: Callable[[Moment], bool] = lambda moment: True
        self._lock = threading.Lock()
        self._epoch = 0.0  # UTC of t = 0, as the wall has it now [s since 1970]
        self.shows = made.kind == "simulation" and any(courier.shows for courier in self.couriers)
        self._commands: list[Command] = list(teller.left_standing())
        self._tried: dict[str, float] = {}  # when each channel's monthly test was last sent
        self._ended = threading.Event()
        for courier in self.couriers:
            courier.start()
        self._helper = threading.Thread(target=self._listen, name="skywarden-alert-requests", daemon=True)
        self._helper.start()

    @property
    def fault(self) -> str:
        """What is wrong with the outbox; the channels' own faults are in their receipts."""
        return self.outbox.fault

    def resume(self) -> None:
        """The run before this one is taken up: nothing that stood becomes an alarm by hand."""
        self.teller.resume()
        with self._lock:
            self._commands = []

    def beside(self, peer: Peer) -> None:
        """Another watcher speaks, too: what is late is left to it, and what cannot merge is said
        once.

        peer  the other watcher, as far as it says what it has sent
        """
        self._timely = peer.timely
        for courier in self.couriers:
            courier.peer = peer

    def take(self, moment: Moment) -> None:
        """Tell everybody whom this moment concerns, then remember what was told."""
        if not self._timely(moment):
            return
        if self._made.kind == "live" and (moment.drill is not None or moment.truth is not None):
            raise TypeError("a moment of a simulation has no way onto a live channel")
        since = time.monotonic()
        self._epoch = time.time() - moment.frame.t
        alerts = self.teller.tell(moment)
        self._send(alerts, since)
        standing = dict(self.teller.standing)
        shown = (self.shows and tracks_of(self.teller.site, moment.picture, self._epoch)) or ()
        for courier in self.couriers:
            courier.hold(standing, shown)
        for alert in alerts:
            self.outbox.standing(alert)

    def _send(self, alerts: Sequence[A | ChannelTest], since: float, only: str = "") -> None:
        """Put messages into the outbox and hand them to their channels."""
        ready: list[tuple[Courier[A], Parcel]] = [
            (courier, courier.parcel(alert, since))
            for alert in alerts
            for courier in self.couriers
            if courier.tells(alert.zone) and only in ("", courier.name)
        ]
        if ready:
            self.outbox.put([parcel for _, parcel in ready])
        for courier, parcel in ready:
            courier.offer(parcel)

    def receipts(self) -> tuple[Channels, Receipts]:
        """How the channels fare, and what was heard of single messages since the last call: for the
        next frame.
        """
        reports = [courier.report() for courier in self.couriers]
        columns: list[tuple[Any, ...]] = list(zip(*reports, strict=True)) if reports else [()] * 9
        channels = Channels(
            *(_column(values, empty.dtype) for values, empty in zip(columns, Channels.none(), strict=True))
        )
        zones = {zone.name: row for row, zone in enumerate(self.teller.site.zones)}
        rows: list[tuple[Any, ...]] = []
        for row, courier in enumerate(self.couriers):
            rows += [
                (
                    event.unix - self._epoch,
                    row,
                    zones.get(event.alert.zone, -1),
                    event.alert.stage,
                    event.outcome,
                    event.latency,
                    event.alert.message,
                    event.who,
                )
                for event in courier.events()
            ]
        if not rows:
            return channels, Receipts.none()
        made = list(zip(*rows, strict=True))
        return channels, Receipts(
            *(_column(values, empty.dtype) for values, empty in zip(made, Receipts.none(), strict=True))
        )

    def states(self) -> list[SinkState]:
        """How each channel fares, as the console shows sinks."""
        return [
            SinkState(
                r.name,
                None if math.isinf(r.heard) else r.heard,
                r.waiting,
                r.expired,
                0,
                r.fault or ("" if r.state in (WORKING, STARTING) else CHANNEL_STATES[r.state]),
                r.latency,
            )
            for r in (c.report() for c in self.couriers)
        ]

    def commands(self) -> tuple[Command, ...]:
        """What people asked of the running service through `skywarden alert`, and what stood before
        a restart; for the next frame.
        """
        with self._lock:
            waiting, self._commands = tuple(self._commands), []
        return waiting

    def test(self, channel: str = "", who: str = "") -> int:
        """Send a test along one channel, or all; the answer is along how many.

        who  name of the person
        """
        told = [courier for courier in self.couriers if channel in ("", courier.name)]
        for courier in told:
            zone = next((zone.name for zone in self.teller.site.zones if zone.warn and courier.tells(zone.name)), "")
            self._send(
                [self._by_hand(ChannelTest, zone, "", f"asked by {who}" if who else "monthly test")],
                time.monotonic(),
                courier.name,
            )
        return len(told)

    def say(self, zones: Sequence[str], text: str, who: str) -> None:
        """A person's own words to some zones, or to all that can be warned; changes no stage.

        text  the person's words
        who   name of the person
        """
        chosen = [zone.name for zone in self.teller.site.zones if zone.warn and (not zones or zone.name in zones)]
        self._send([self._by_hand(self._made, zone, text, f"said by {who}") for zone in chosen], time.monotonic())

    def close(self) -> None:
        """Let what is on its way arrive, then stop."""
        self._ended.set()
        self._helper.join(2.0)
        closing = [threading.Thread(target=courier.close, daemon=True) for courier in self.couriers]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join(8.0)
        self.outbox.close()

    def _by_hand(self, made: Callable[..., Any], zone: str, text: str, reason: str) -> Any:
        now = time.time()
        warning = f"{slug(self.teller.site.name)}.{slug(zone) if zone else 'all'}.by-hand.{stamp(now)}"
        return made(
            id=warning,
            message=warning,
            site=self.teller.site.name,
            zone=zone,
            stage=NO_STAGE,
            onset=now,
            sent=now,
            due=None,
            until=None,
            expires=expiry(NO_STAGE, now, None, None),
            probability=math.nan,
            people=0.0,
            manual=True,
            reason=reason,
            text=text,
        )

    def _listen(self) -> None:
        """What `skywarden alert` asks for, and the monthly test; the service's sign of life."""
        alive = -math.inf
        while not self._ended.wait(ASKED_S):
            if time.monotonic() - alive > 2.0:
                alive = time.monotonic()
                self.outbox.say("alive", time.time())
            with contextlib.suppress(Exception):
                self._monthly(time.time())
            for _, kind, text, who in self.outbox.requests():
                with contextlib.suppress(Exception):  # whatever was asked, the warnings go on
                    self._asked(kind, text, who)

    def _monthly(self, now: float) -> None:
        """Send the tests that are due by the site's schedule; none while a zone is told anything."""
        declared = {channel.name: channel for channel in self.teller.site.channels if channel.monthly_test}
        for courier in self.couriers:
            channel = declared.get(courier.name)
            if channel is None or self.teller.standing:
                continue
            tried = self._tried.get(courier.name, -math.inf)
            if due(now, courier.tested, tried, channel.test_day, channel.test_hour):
                self._tried[courier.name] = now
                self.test(courier.name)

    def _asked(self, kind: str, text: str, who: str) -> None:
        asked = msgspec.json.decode(text, type=dict[str, Any])
        if kind == "test":
            self.test(str(asked.get("channel", "")), who)
        elif kind == "say":
            self.say([str(zone) for zone in asked.get("zones", [])], str(asked.get("text", ""))[:500], who)
        elif kind == "correct":
            standing = [zone for zone in self.teller.standing if not asked.get("zones") or zone in asked["zones"]]
            with self._lock:
                self._commands += [
                    Command(0.0, CORRECT, zone, who[:64], str(asked.get("why", ""))[:200]) for zone in standing
                ]


def _column(values: Sequence[Any], kind: Any) -> Any:
    """One column of a table; text cut to what the column holds, at a whole character."""
    if kind.kind == "S":
        return np.array([str(v).encode()[: kind.itemsize].decode("utf-8", "ignore").encode() for v in values], kind)
    return np.array(values, kind)
