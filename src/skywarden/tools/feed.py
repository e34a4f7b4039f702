"""What arrives at a feed, watched before anything is believed: who sends what how often, by which
clock, and what is refused and why.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from skywarden.feeds.clocks import Clock
from skywarden.feeds.opening import open_source
from skywarden.feeds.source import Batch, Plot, Report, Sender, Source
from skywarden.feeds.web import WeatherSource
from skywarden.messages.frame import CAUSES, NO_ADDRESS
from skywarden.site.load import load
from skywarden.site.model import Site

SHOWN_S = 10.0  # seconds that a place stays in the picture
MOST_PLACES = 4_000  # places kept for the picture
MOST_AIRCRAFT = 2_000  # aircraft kept; the longest unheard give way
MOST_SENDERS = 256  # senders told apart; further ones are counted as one
PAUSE = 0.05  # seconds between two looks at a live input
RATE_S = 5.0  # seconds over which a rate is taken
JSON_PLACES = 200  # places told in a line of JSON
JSON_AIRCRAFT = 100  # aircraft told in a line of JSON


@dataclass
class Speaker:
    """One sender."""

    name: str
    radar: str = ""  # of the site that it is taken for; nothing: none
    plots: int = 0
    reports: int = 0
    signs: int = 0  # messages that are signs of life alone
    clock: Clock = field(default_factory=lambda: Clock(0))
    timed: bool = False  # whether its clock could be compared with ours
    heard: float = math.nan  # by the monotonic clock [s]


@dataclass
class Flying:
    """One aircraft."""

    callsign: str = ""
    height: float = math.nan  # above sea level, or pressure altitude [m]
    messages: int = 0
    heard: float = 0.0


class Probe:
    """Takes batches and counts what they hold. Everything in it is bounded."""

    def __init__(self, site: Site, to_utc: float = math.nan) -> None:
        self.site = site
        self._to_utc = time.time() - time.monotonic() if math.isnan(to_utc) else to_utc
        self.received = self.undecodable = 0
        self.kinds: Counter[str] = Counter()
        self.refused: Counter[int] = Counter()
        self.speakers: dict[Sender, Speaker] = {}
        self.aircraft: dict[int, Flying] = {}
        self.places: deque[tuple[float, float, float, bool]] = deque(maxlen=MOST_PLACES)  # when, east, north, a report
        self.steps = 0
        self._rate: deque[tuple[float, int]] = deque()

    def take(self, batch: Batch, now: float) -> None:
        """Count a batch that has come at `now` by the monotonic clock [s]."""
        self.received += batch.received
        self.undecodable += batch.undecodable
        self.kinds.update(batch.kinds)
        self.refused.update(batch.rejected)
        self.steps += len(batch.steps)
        self._rate.append((now, batch.received))
        if not batch.items and not len(batch.arrivals):
            return
        speaker = self._speaker(batch.sender)
        speaker.heard = now
        if math.isfinite(batch.arrived):
            speaker.timed = True
        if len(batch.arrivals):
            speaker.clock.note_all(batch.plots.t, batch.arrivals + self._to_utc)
        for row in zip(*(column.tolist() for column in batch.plots), strict=True):
            self._plot(speaker, Plot(*row), now)
        for item in batch.items:
            if math.isfinite(batch.arrived):
                speaker.clock.note(item.t, batch.arrived + self._to_utc)
            if isinstance(item, Plot):
                self._plot(speaker, item, now)
            elif isinstance(item, Report):
                self._report(speaker, item, now)
            else:
                speaker.signs += 1
                speaker.radar = self.site.radars[item.sensor].name

    def rate(self, now: float) -> float:
        """Messages a second of late.

        now  present time [s, monotonic clock]
        """
        while self._rate and self._rate[0][0] < now - RATE_S:
            self._rate.popleft()
        span = now - self._rate[0][0] if self._rate else 0.0
        return sum(count for _, count in self._rate) / max(span, 1.0)

    def told(self, now: float, since: float, source: Source) -> dict[str, Any]:
        """Everything, as it goes into a line of JSON.

        now     present time [s, monotonic clock]
        since   when the watching began [s, monotonic clock]
        source  the feed's source
        """
        while self.places and self.places[0][0] < now - SHOWN_S and source.live:
            self.places.popleft()
        recent = list(self.places)[-JSON_PLACES:]
        heard = sorted(self.aircraft.items(), key=lambda each: -each[1].heard)[:JSON_AIRCRAFT]
        return {
            "seconds": round(now - since, 2),
            "feed": source.name,
            "state": str(getattr(source, "note", "")),
            "messages": self.received,
            "messages_per_s": round(self.rate(now), 1),
            "undecodable_bytes": self.undecodable,
            "kinds": dict(sorted(self.kinds.items())),
            "senders": [self._sender(speaker, now) for speaker in self.speakers.values()],
            "aircraft": len(self.aircraft),
            "aircraft_heard": [
                {
                    "address": f"{a:06X}",
                    "callsign": f.callsign,
                    "height_m": _or_none(f.height, 0),
                    "messages": f.messages,
                }
                for a, f in heard
            ],
            "refused": {CAUSES[cause]: count for cause, count in sorted(self.refused.items()) if count},
            "clock_steps": self.steps,
            "places": [
                [round(math.degrees(math.atan2(e, n)) % 360.0, 2), round(math.hypot(e, n))] for _, e, n, _ in recent
            ],
        }

    def _speaker(self, sender: Sender) -> Speaker:
        speaker = self.speakers.get(sender)
        if speaker is None:
            if len(self.speakers) >= MOST_SENDERS:
                sender = ("others",)
            speaker = self.speakers.setdefault(sender, Speaker(name_of(sender)))
        return speaker

    def _plot(self, speaker: Speaker, plot: Plot, now: float) -> None:
        speaker.plots += 1
        radar = self.site.radars[plot.sensor]
        speaker.radar = radar.name
        level = plot.range * math.cos(plot.elevation) if math.isfinite(plot.elevation) else plot.range
        east, north = level * math.sin(plot.azimuth), level * math.cos(plot.azimuth)
        self.places.append((now, float(radar.place[0]) + east, float(radar.place[1]) + north, False))
        if plot.address != NO_ADDRESS:
            self._heard(plot.address, "", plot.pressure_altitude, now)

    def _report(self, speaker: Speaker, report: Report, now: float) -> None:
        speaker.reports += 1
        east, north, up = report.position
        if math.isfinite(east):
            self.places.append((now, east, north, True))
        height = up + self.site.origin.elevation if math.isfinite(up) else report.pressure_altitude
        if report.address != NO_ADDRESS:
            self._heard(report.address, report.callsign.decode("ascii", "replace"), height, now)

    def _heard(self, address: int, callsign: str, height: float, now: float) -> None:
        if address not in self.aircraft and len(self.aircraft) >= MOST_AIRCRAFT:
            del self.aircraft[min(self.aircraft, key=lambda each: self.aircraft[each].heard)]
        flying = self.aircraft.setdefault(address, Flying())
        flying.messages += 1
        flying.heard = now
        flying.callsign = callsign or flying.callsign
        flying.height = height if math.isfinite(height) else flying.height

    def _sender(self, s: Speaker, now: float) -> dict[str, Any]:
        return {
            "name": s.name,
            "radar": s.radar or None,
            "plots": s.plots,
            "reports": s.reports,
            "signs_of_life": s.signs,
            "clock_ahead_s": _or_none(s.clock.ahead, 3) if s.timed else None,
            "clock_drift_s": _or_none(s.clock.drift, 3) if s.timed else None,
            "silent_s": _or_none(now - s.heard, 1),
        }


def name_of(sender: Sender) -> str:
    """A sender for people: SAC/SIC and address, or what it is called."""
    if len(sender) >= 2 and isinstance(sender[0], int):
        return f"{sender[0]}/{sender[1]}" + (f" from {sender[2]}" if len(sender) > 2 and sender[2] else "")
    return " ".join(str(part) for part in sender) or "the input"


def nowhere(latitude: float = 0.0, longitude: float = 0.0) -> Site:
    """A stand-in for a site nobody named: two radars that take any sender, at a place [rad].

    latitude   latitude [rad]
    longitude  longitude [rad]
    """
    site = load("range")
    radar = replace(site.radars[0], name="any tracking radar", place=site.radars[0].place * 0.0, sac_sic=(-1, -1))
    turning = replace(
        radar,
        name="any surveillance radar",
        kind="rotating",
        revisit=5.0,
        range_max=500e3,
        elevation_sigma=math.nan,
        range_rate_sigma=math.nan,
        mode_s=True,
    )
    origin = replace(site.origin, latitude=latitude, longitude=longitude, elevation=0.0)
    return replace(site, name="nowhere", title="no site", origin=origin, radars=(radar, turning))


def watch_feed(
    url: str,
    site: Site | None,
    seconds: float | None,
    stop: threading.Event,
    shown: Callable[[Probe, Source, float, float], None],
) -> tuple[Probe, Source]:
    """Open a feed and look at what comes until it ends, `seconds` have passed or `stop` is set.

    site    None: a stand-in, which moves to where the first aircraft report themselves
    shown   called now and then with the probe, the source, now and the beginning [s, monotonic]
    url     the feed's URL

    Returns the probe and the source, closed. Raises UsageError and FeedError as opening does.
    """
    source, probe, beyond = _looked(url, site if site is not None else nowhere(), seconds, stop, shown, site is None)
    if beyond is not None:
        source, probe, _ = _looked(url, nowhere(*beyond), seconds, stop, shown, False)
    return probe, source


def _looked(
    url: str,
    site: Site,
    seconds: float | None,
    stop: threading.Event,
    shown: Callable[[Probe, Source, float, float], None],
    searching: bool,
) -> tuple[Source, Probe, tuple[float, float] | None]:
    """Look until the end; where `searching`, until something reports itself beyond reach of the
    site, whose place is then told.
    """
    source, probe = open_source(url, site), Probe(site)
    begin = time.monotonic()        # opening takes its time: the tables of ASTERIX, a first request
    try:
        for batch in _batches(source, stop):
            now = time.monotonic()
            if batch is not None:
                probe.take(batch, now)
                if searching and batch.beyond is not None and not probe.aircraft:
                    return source, probe, batch.beyond
            shown(probe, source, now, begin)
            if stop.is_set() or (seconds is not None and now - begin >= seconds):
                break
    finally:
        source.close()
    return source, probe, None


def _batches(source: Source, stop: threading.Event) -> Iterator[Batch | None]:
    """What a source gives, and None where nothing has come for a moment."""
    if isinstance(source, WeatherSource):
        yield from source.newest()
        return
    if not source.live:
        yield from source
        return
    while not stop.is_set():
        found = source.poll()
        yield from found
        yield None
        stop.wait(PAUSE)


def _or_none(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
