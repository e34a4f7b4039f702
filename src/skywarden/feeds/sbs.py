"""ADS-B as BaseStation text (SBS-1, what dump1090 and its kin give on port 30003), from files and
sockets, however its writer bent the form.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from skywarden.feeds.live import Live
from skywarden.feeds.places import report
from skywarden.feeds.sockets import Lines
from skywarden.feeds.source import NONE, Batch, Counts, Report, both
from skywarden.feeds.timeline import DAY, Timeline
from skywarden.feeds.unwrap import must_be_text, subject, text_lines
from skywarden.formats.claim import Claim
from skywarden.messages.frame import ADSB, NO_SUBJECT, WRONG_TIME
from skywarden.site.model import Site
from skywarden.units import FOOT, KNOT

FEET_A_MINUTE = FOOT / 60.0     # m/s
FORGOTTEN = 60.0                # s without a message until what an aircraft said is forgotten
FRESH = 12.0                    # s for which velocity and height are worth repeating beside a newer position
# of a whole message; what a writer leaves out at the end is blank, what it adds is left out
COLUMNS = 22
FEWEST_COLUMNS = 10             # of a message: its kind, its address and its times
LONGEST = 512                   # bytes of a line
# messages without a time at the beginning of a file, after which it is taken to have none
SURELY_UNDATED = 50
EARLIEST_YEAR = 1990            # a clock that says less has not been set
SLOW, FAR = 5.0, 20_000.0       # m/s and m within which a file without times is paced by its aircraft's speeds
EARTH = 6.371e6                 # m, mean radius
OFTEN = 0.5                     # s between two position messages of one aircraft, DO-260B
MOST_AIRCRAFT = 20_000          # remembered; junk invents them without end
DATE = re.compile(r"(\d{4})\D?(\d\d?)\D?(\d\d?)")
CLOCK = re.compile(r"(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?")
CODES = ("1", "2", "3", "4", "5", "6", "7", "8")
CHANGES = ("SEL", "ID", "AIR", "STA", "CLK")        # of the receiver's list


class _Said(NamedTuple):
    """What one aircraft has said so far, each with its time."""

    heard: float
    callsign: str = ""
    speed: float = math.nan
    heading: float = math.nan
    climb: float = math.nan
    moved: float = -math.inf        # time of speed, heading and climb
    altitude: float = math.nan      # pressure altitude
    level: float = -math.inf        # time of it
    on_ground: bool = False
    place: tuple[float, float] = (math.nan, math.nan)       # latitude and longitude [rad]


class SbsDecoder:
    """BaseStation lines in, batches out; a report goes out whenever an aircraft says where it is."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._timeline: Timeline[list[str]] = Timeline()
        self._said: dict[int, _Said] = {}
        # messages without a time at the beginning of a file; None once it is known to have none
        self._undated: list[list[str]] | None = []
        self._pace = 0.0        # time in such a file

    def decode(self, line: bytes, arrived: float = math.nan, wall: float = math.nan) -> Batch:
        """One line's worth. Nothing in it can raise.

        arrived, wall   when it came in, by the monotonic clock and in UTC [s]; nan in a file
        """
        fields = _fields(line)
        if fields is None:
            return Batch(self._timeline.now, undecodable=len(line.strip()), arrived=arrived)
        if fields[0] in CHANGES:
            return Batch(self._timeline.now, received=1, arrived=arrived, kinds={fields[0]: 1})
        return self._read(fields, arrived, wall)._replace(kinds={f"{fields[0]},{fields[1].strip()}": 1})

    def _read(self, fields: list[str], arrived: float, wall: float) -> Batch:
        """A message's worth."""
        t = _when(fields, wall if math.isfinite(wall) else self._timeline.now)
        if math.isfinite(t):
            released = self._timeline.admit(t, fields, wall)
            if self._undated and released:
                released = [*((released[0][0], early) for early in self._undated), *released]
                self._undated = []
            return self._batch(released, 1, arrived)
        now = wall if math.isfinite(wall) else self._timeline.now
        if math.isfinite(now):
            return self._batch([(now, fields)], 1, arrived)
        if self._undated is None:
            return self._batch([(self._paced(fields), fields)], 1, arrived)
        self._undated.append(fields)
        return self._by_pace(1) if len(self._undated) >= SURELY_UNDATED else Batch(math.nan, received=1,
            arrived=arrived)

    def flush(self) -> Batch:
        """What was still held back when the input ended."""
        if self._undated and math.isnan(self._timeline.now):
            return self._by_pace(0)
        return self._batch(self._timeline.flush(), 0, math.nan)

    def _by_pace(self, received: int) -> Batch:
        """The messages of a file that tells no time at all, timed by how far their aircraft come."""
        waiting, self._undated = self._undated or [], None
        batches = [self._batch([(self._paced(fields), fields)], 0, math.nan) for fields in waiting]
        refused: Counts = NONE
        for batch in batches:
            refused = both(refused, batch.rejected)
        return Batch(self._pace, tuple(item for batch in batches for item in batch.items), received, 0, refused)

    def _paced(self, fields: list[str]) -> float:
        """The time of a message in a file that tells none: an aircraft takes as long from place to
        place as its speed says.
        """
        said = self._said.get(subject(fields[4])[0])
        place = math.radians(_float(fields[14])), math.radians(_float(fields[15]))
        if said is not None and math.isfinite(place[0]) and math.isfinite(said.place[0]):
            step = math.hypot(place[0] - said.place[0], (place[1] - said.place[1]) * math.cos(place[0])) * EARTH
            self._pace = max(self._pace, said.heard + (step / said.speed if said.speed > SLOW and step < FAR
                else OFTEN))
        return self._pace

    def _batch(self, released: list[tuple[float, list[str]]], received: int, arrived: float) -> Batch:
        refused: dict[int, int] = {}
        if self._timeline.rejected:
            refused[WRONG_TIME], self._timeline.rejected = self._timeline.rejected, 0
        steps, self._timeline.steps = tuple(self._timeline.steps), []
        reports: list[Report] = []
        now = self._timeline.now
        for t, fields in released:
            made = self._report(t, fields)
            if isinstance(made, Report):
                reports.append(made)
            elif made is not None:
                refused[made] = refused.get(made, 0) + 1
            now = t if math.isnan(now) else max(now, t)
        return Batch(now, tuple(reports), received, 0, refused, arrived, (), steps)

    def _report(self, t: float, fields: list[str]) -> Report | int | None:
        """The report in a message that says where its aircraft is; why it is none; None where it
        says nothing of that.
        """
        claim = self._hear(t, fields)
        if claim is None:
            return NO_SUBJECT
        return report(claim, self._site) if math.isfinite(claim.latitude) or math.isfinite(claim.longitude) else None

    def _hear(self, t: float, f: list[str]) -> Claim | None:
        """Remember what a message says; the aircraft's claim, without a place where it gives none,
        None where it names no aircraft.
        """
        key, address = subject(f[4])
        if key < 0:
            return None
        said = self._said.get(key, _Said(t))
        if abs(t - said.heard) > FORGOTTEN:
            said = _Said(t)
        said = said._replace(heard=t)
        if f[10].strip():
            said = said._replace(callsign=f[10])
        altitude, speed, heading, climb = _float(f[11]) * FOOT, _float(f[12]) * KNOT, math.radians(
            _float(f[13])), _float(f[16]) * FEET_A_MINUTE
        if math.isfinite(altitude):
            said = said._replace(altitude=altitude, level=t)
        if math.isfinite(speed) or math.isfinite(heading):
            said = said._replace(speed=speed, heading=heading, climb=climb, moved=t)
        if f[21].strip() in ("-1", "1"):
            said = said._replace(on_ground=True)
        elif f[21].strip() == "0":
            said = said._replace(on_ground=False)
        place = math.radians(_float(f[14])), math.radians(_float(f[15]))
        if math.isfinite(place[0]) and math.isfinite(place[1]):
            said = said._replace(place=place)
        self._said[key] = said
        if len(self._said) > MOST_AIRCRAFT:
            self._said = {a: s for a, s in self._said.items() if abs(t - s.heard) <= FORGOTTEN}
            if len(self._said) > MOST_AIRCRAFT:
                self._said.clear()
        fresh = abs(t - said.moved) <= FRESH
        return Claim(
            t, address, ADSB, said.callsign, place[0], place[1],
            pressure_altitude=said.altitude if abs(t - said.level) <= FRESH and not said.on_ground else math.nan,
            speed=said.speed if fresh else math.nan, heading=said.heading if fresh else math.nan, climb=said.climb
            if fresh else math.nan,
            on_ground=said.on_ground)


class SbsFile:
    """BaseStation text, read to its end. Its times are the receiver's local times."""

    live, dated, relative, simulated = False, True, False, False

    def __init__(self, path: Path, site: Site) -> None:
        self.name = f"sbs {path.name}"
        self._path, self._decoder = path, SbsDecoder(site)
        must_be_text(path, "BaseStation text", r"^(?:MSG|MLAT|SEL|ID|AIR|STA|CLK),")

    def __iter__(self) -> Iterator[Batch]:
        for line in text_lines(self._path):
            yield self._decoder.decode(line)
        yield self._decoder.flush()

    def poll(self) -> list[Batch]:
        """Nothing: a file is iterated, not polled."""
        return []

    def close(self) -> None:
        """The file is open only while it is read."""


class SbsTcp(Live):
    """BaseStation text from a receiver."""

    def __init__(self, host: str, port: int, site: Site) -> None:
        decoder = SbsDecoder(site)
        super().__init__(
            f"sbs tcp {host}:{port}", Lines(host, port), lambda line, arrived, wall,
            _: iter((decoder.decode(line, arrived, wall),)), site.policy.frame_s)


def _fields(line: bytes) -> list[str] | None:
    """The 22 columns of a message, made up to so many or cut; those of a change of the receiver's
    list; None where a line is neither.
    """
    if len(line) > LONGEST:
        return None
    try:
        # a spreadsheet that was saved puts its cells into quotes
        fields = line.decode("ascii").replace('"', "").strip("\ufeff\x00 \t\r\n").split(",")
    except UnicodeDecodeError:
        return None
    kind = fields[0].strip().upper()
    if kind in ("MSG", "MLAT") and len(fields) >= FEWEST_COLUMNS and fields[1].strip() in CODES:
        return [kind, *fields[1:COLUMNS], *[""] * (COLUMNS - len(fields))]
    return [kind, *fields[1:]] if kind in CHANGES and len(fields) >= FEWEST_COLUMNS else None


def _when(fields: list[str], near: float) -> float:
    """Seconds since 1970 of a message, read as UTC: when it was generated, else when it was logged;
    nan where neither is told.

    near   the clock [s]; a time of day without a date is the nearest to it
    """
    for date, clock in ((fields[6], fields[7]), (fields[8], fields[9]), (fields[6] or fields[8], fields[7]
            or fields[9])):
        found = CLOCK.fullmatch(clock.strip())
        if found is None:
            continue
        hour, minute, second = (int(x) for x in found.groups()[:3])
        if hour > 24 or minute > 59 or second > 60:
            continue
        of_day = 3600.0 * hour + 60.0 * minute + second + (float(f"0.{found[4]}") if found[4] else 0.0)
        day = DATE.fullmatch(date.strip())
        if day is not None:
            try:
                begin = datetime(int(day[1]), int(day[2]), int(day[3]), tzinfo=UTC)
            except ValueError:
                continue
            if begin.year >= EARLIEST_YEAR:
                return begin.timestamp() + of_day
        elif not date.strip() and math.isfinite(near):
            return of_day + DAY * round((near - of_day) / DAY)
    return math.nan


def _float(text: str) -> float:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
