"""A live session that never ends: alone, or one of two watchers that both speak. It has no way to
rehearsal or world.

tests/test_house.py keeps it so.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from skywarden import __version__
from skywarden.alerts.alert import slug
from skywarden.alerts.secret import read_key, read_secret
from skywarden.alerts.sink import Alerts
from skywarden.console.inbox import Commanded
from skywarden.console.server import Console as Page
from skywarden.errors import RecordError
from skywarden.feeds.merge import Merged
from skywarden.feeds.opening import open_source
from skywarden.messages.commands import Command
from skywarden.messages.moment import Moment
from skywarden.messages.receipts import Channels, Receipts
from skywarden.pipeline.live import stepper
from skywarden.pipeline.warming import warm
from skywarden.record.header import Header
from skywarden.record.reader import Record
from skywarden.record.segments import Segments, newest
from skywarden.region.saying import Saying
from skywarden.run.aside import Aside
from skywarden.run.clock import NoClock
from skywarden.run.guard import Guarded
from skywarden.run.loop import Stepper, Wire, run
from skywarden.run.mailbox import SinkState
from skywarden.run.ports import Feed
from skywarden.run.receipts import Receipted
from skywarden.session.ending import Until
from skywarden.session.feeds import is_live
from skywarden.session.live import live_alerts
from skywarden.session.outputs import RECORD_WAITING, Boxes
from skywarden.session.resuming import take_up
from skywarden.session.service.clock import ClockWatch
from skywarden.session.service.configuration import Brokers, Configuration
from skywarden.session.service.health import Health
from skywarden.session.service.metrics import Gauges
from skywarden.session.service.notify import Notifier
from skywarden.site import coverage
from skywarden.site.model import Site
from skywarden.standby.brokers import Broker, broker_of
from skywarden.standby.link import MqttLink
from skywarden.standby.pair import Pair
from skywarden.standby.place import Place
from skywarden.standby.words import Sealer

REACH_S, HEAR_S = 2.0, 1.5  # seconds to reach a broker, and then to hear the other watcher, before we count time alone
OLDEST_S = 900.0  # seconds after which what a run remembered is not taken up any more

_log = logging.getLogger("skywarden.service")


class Watcher:
    """One watcher, from its configuration to its end.

    notifier  told that the loop is alive
    """

    def __init__(self, asked: Configuration, notifier: Notifier) -> None:
        self.asked, self.notifier = asked, notifier
        self.site: Site = replace(asked.site, replica=asked.pair.replica) if asked.pair else asked.site
        self.pair: Pair | None = None
        self.saying: Saying | None = None
        self._turned: float | None = None
        self.boxes = Boxes(NoClock())
        self.clock = ClockWatch() if asked.watch_clock else None
        self.gauges = Gauges(self.site.name, __version__, self._states, self._status, self.faults)
        self.gauges.names = tuple(radar.name for radar in self.site.radars)
        self.health = Health(self.gauges, lambda: None if self._turned is None else time.monotonic() - self._turned)

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop` is set. Raises SkywardenError for what the user must change."""
        asked, site = self.asked, self.site
        with ExitStack() as ending:
            if asked.health is not None:
                self.health.listen(*asked.health)
                ending.callback(self.health.close)
            ending.callback(self.boxes.close)
            link = self._link()
            self.notifier.say("STATUS=kernels are compiled or loaded")
            warm(site)
            epoch_ns = link.epoch(REACH_S, HEAR_S) if link is not None else None
            steps = stepper(site)
            self.gauges.took = lambda: steps.took
            joins = epoch_ns is not None
            before = None if joins else self._before()
            epoch_ns = epoch_ns or before or _midnight_ns()
            resumed = before is not None and self._take_up(steps)
            feed, wires = self._wired(epoch_ns, steps, link, joins or resumed, ending)
            self.notifier.say("READY=1", "STATUS=watching")
            _log.info(
                "watching %s", site.name, extra={"told": {"resumed": resumed, "joins": joins, "epoch_ns": epoch_ns}}
            )
            run(Until(feed, stop), steps, wires, NoClock(), self._aside(steps, link))
            self.notifier.say("STOPPING=1")
            self.boxes.drain()
            if self._segments is not None:
                self._segments.conclude({}, steps.remembered())

    def _aside(self, steps: Stepper, link: MqttLink | None) -> Aside | None:
        """What takes out of a frame what `watch` cannot work on. One of a pair ends instead, and
        the other goes on without the frame.
        """
        if link is not None:
            return None
        aside = Aside(lambda sentence: _log.error("%s", sentence), steps.begin_anew)
        self.boxes.beside.append(aside.state)
        return aside

    def turn(self) -> None:
        """The loop has gone round once more."""
        self._turned = time.monotonic()
        self.notifier.beat()

    def take(self, _: Moment) -> None:
        """As a sink: one more frame is done.

        _  the frame's moment, not looked at
        """
        self.turn()

    def close(self) -> None:
        """Nothing more to tell."""

    def faults(self) -> list[tuple[str, str]]:
        """What is wrong now."""
        found = [("pair", self.pair.fault if self.pair is not None else "")]
        found.append(("clock", self.clock.fault if self.clock is not None else ""))
        found.append(("region", self.saying.fault if self.saying is not None else ""))
        return found

    def _states(self) -> list[SinkState]:
        """How everything fares, for the console's health tab: sinks, channels, the pair and the
        clock.
        """
        here = {"pair": self.pair is not None, "clock": True, "region": self.saying is not None}
        rows = [SinkState(what, 0.0, 0, 0, 0, said, 0.0) for what, said in self.faults() if here[what]]
        return [*self.boxes.states(), *rows]

    def _status(self) -> Any:
        return None if self.pair is None else self.pair.status()

    def _link(self) -> MqttLink | None:
        pair = self.asked.pair
        if pair is None:
            return None
        key = read_key(pair.brokers.secret, self.asked.folder, "pair").reveal()
        sealer = Sealer(key, pair.replica, pair.rank)
        return MqttLink(f"skywarden/{slug(self.site.name)}/pair", sealer, brokers_of(pair.brokers, self.asked.folder))

    def _before(self) -> int | None:
        """Epoch of the newest record that can be taken up [ns]; None where there is none."""
        path = None if self.asked.records is None else newest(self.asked.records, self.site.name)
        if path is None:
            return None
        try:
            with Record(path) as record:
                same = dict(record.header.site_sources) == dict(self.site.sources)
                span = record.span()
                if not same or span is None or not record.snapshots():
                    return None
                age = time.time() - record.header.epoch_ns * 1e-9 - span[1]
                return record.header.epoch_ns if -1.0 <= age <= OLDEST_S else None
        except RecordError as error:
            _log.warning("the newest record cannot be taken up: %s", error)
            return None

    def _take_up(self, steps: Stepper) -> bool:
        path = None if self.asked.records is None else newest(self.asked.records, self.site.name)
        try:
            taken = take_up(path, steps) if path is not None else None
        except RecordError as error:
            _log.warning("the newest record cannot be taken up: %s", error)
            return False
        if taken is not None:
            _log.info("taken up: %s", path, extra={"told": {"frames": taken.frames, "t": taken.t}})
        return taken is not None

    def _wired(
        self,
        epoch_ns: int,
        steps: Stepper,
        link: MqttLink | None,
        goes_on: bool,
        ending: ExitStack,
    ) -> tuple[Feed, list[Wire]]:
        """The feed of frames to be worked on, and the wires, those that tell people first."""
        asked, site = self.asked, self.site
        own = Merged(
            [open_source(url, site) for url in asked.feeds],
            site,
            epoch_ns,
            aligned=True,
            say=lambda sentence: _log.warning("%s", sentence),
        )
        self.boxes.inputs = own.states
        if own.simulated:
            _log.warning("simulated targets are used: the live warning channels stay silent")
        alerts = live_alerts(site, epoch_ns, is_live(own) and not own.simulated, asked.state, _folder(asked))
        if alerts is not None and goes_on:
            alerts.resume()
        page = self._page(epoch_ns, steps, ending) if asked.console.port is not None else None
        self.saying = self._saying(epoch_ns, page)
        wires: list[Wire] = []
        feed: Feed
        if link is not None:
            feed = self._paired(own, steps, link, epoch_ns, alerts, page)
        else:
            feed = _spoken(own, alerts, page, self.boxes)
            if self.saying is not None:
                feed = Commanded(feed, self.saying.commands)
        ending.callback(feed.close)
        if alerts is not None:
            wires.append(Wire(self.boxes.add("alerts", alerts)))
        if self.pair is not None:
            wires.append(Wire(self.pair))
        wires.append(Wire(self))
        self._segments = None
        if asked.records is not None:
            header = Header("live", epoch_ns, site.name, site.sources, feeds=asked.feeds)
            self._segments = Segments(asked.records, header, asked.keep)
            wires.append(Wire(self.boxes.add("record", self._segments, most=RECORD_WAITING), state=True))
        if page is not None:
            wires.append(Wire(self.boxes.add("page", page)))
        if self.saying is not None:
            wires.append(Wire(self.boxes.add("region", self.saying, most=1)))
        wires.append(Wire(self.boxes.add("health", self.health, most=1)))
        return feed, wires

    def _saying(self, epoch_ns: int, page: Page | None) -> Saying | None:
        """The way to the region, where one is configured."""
        region, pair = self.asked.region, self.asked.pair
        if region is None:
            return None
        key = read_key(region.secret, self.asked.folder, "region").reveal()
        address = self.asked.console.public_url or (page.url if page is not None else "")
        return Saying(self.site, slug(self.site.name), pair.replica if pair is not None else "a", epoch_ns, key,
            brokers_of(region, self.asked.folder), address, lambda: [said for _, said in self.faults() if said])

    def _paired(
        self,
        own: Feed,
        steps: Stepper,
        link: MqttLink,
        epoch_ns: int,
        alerts: Alerts[Any] | None,
        page: Page | None,
    ) -> Feed:
        """Our own frames, or the other's."""
        pair = self.asked.pair
        assert pair is not None
        silence = max(pair.silence_s, 2.0 * self.site.policy.frame_s)
        self.pair = Pair(
            own,
            steps,
            link,
            Place(pair.replica, pair.rank, silence),
            epoch_ns,
            commands=_commands(alerts, page, self.saying),
            receipts=alerts.receipts if alerts is not None else lambda: (Channels.none(), Receipts.none()),
        )
        self.pair.turned = self.turn
        if alerts is not None:
            alerts.beside(self.pair)
        return self.pair

    def _page(self, epoch_ns: int, steps: Stepper, ending: ExitStack) -> Page:
        console = self.asked.console
        coverage.ready(self.site)
        page = Page(
            self.site,
            "LIVE",
            self.site.title,
            console.host,
            console.port or 0,
            users=console.users,
            audit=console.audit,
            tls=console.tls,
            epoch_ns=epoch_ns,
            site_folder=_folder(self.asked),
            records=self.asked.records,
            public_url=console.public_url,
            took=lambda: steps.took,
            channels=self._states,
        )
        ending.callback(page.close)
        _log.info("console: %s", page.url)
        return page

    _segments: Segments | None = None


def brokers_of(brokers: Brokers, folder: Path) -> list[Broker]:
    """The brokers with their password.

    folder  folder of the file that names the password's file
    """
    password = read_secret(brokers.password, folder, "broker").reveal().decode() if brokers.password else ""
    return [broker_of(url, brokers.user, password) for url in brokers.urls]


def _spoken(own: Feed, alerts: Alerts[Any] | None, page: Page | None, boxes: Boxes) -> Feed:
    """Frames with what people command and what channels report in them; asking costs no frame."""
    feed = own
    if alerts is not None:
        asked: Guarded[tuple[Command, ...]] = Guarded("alert requests", alerts.commands, ())
        receipts = Guarded("receipts", alerts.receipts, (Channels.none(), Receipts.none()))
        boxes.beside += [asked.state, receipts.state]
        feed = Receipted(Commanded(feed, asked), receipts)
    if page is None:
        return feed
    commands: Guarded[tuple[Command, ...]] = Guarded("commands", page.commands, ())
    boxes.beside.append(commands.state)
    return Commanded(feed, commands)


def _commands(
    alerts: Alerts[Any] | None, page: Page | None, saying: Saying | None
) -> Callable[[], tuple[Command, ...]]:
    sources = [source.commands for source in (alerts, page, saying) if source is not None]

    def waiting() -> tuple[Command, ...]:
        return tuple(command for source in sources for command in source())

    return waiting


def _folder(asked: Configuration) -> Path | None:
    folder = Path(asked.site_name)
    return folder if (folder / "site.toml").is_file() else None


def _midnight_ns() -> int:
    now = datetime.now(UTC)
    return int(datetime(now.year, now.month, now.day, tzinfo=UTC).timestamp()) * 10**9
