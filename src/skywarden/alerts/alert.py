"""What one zone is told at one moment, as a type of its own for live data, for an exercise and for
a simulation.

A channel is made for one of the three and takes no other: `Courier.offer` refuses what is not its
own, and the three differ in topic, key, wording and tone as well, so that nothing of a
simulation or an exercise is believed where a live warning is. A test of a channel is a fourth type:
every channel takes it, no receiver acts on it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, ClassVar, NamedTuple, TypeVar

import msgspec

from skywarden.errors import UsageError
from skywarden.kernels.geometry.earth import to_earth
from skywarden.messages.picture import IMPACTS_OVER, PRE_ALERT, STAGE_NAMES, STAY, TAKE_COVER
from skywarden.site.model import Site, Zone

SHORTEST_S = 30.0  # seconds, the least time that a warning may be acted on after it was said
LONGEST_S = 900.0  # seconds an all-clear may still arrive and be of use
STANDING = (PRE_ALERT, TAKE_COVER, STAY, IMPACTS_OVER)  # stages in which a zone is still under warning


class Ellipse(NamedTuple):
    """Where the likeliest round that endangers a zone may come down, hazard radius included."""

    latitude: float  # of its middle, WGS-84 [deg]
    longitude: float  # [deg]
    major: float  # half axis, two standard deviations and the hazard radius [m]
    minor: float  # [m]
    turn: float  # of the long axis, clockwise from north [deg], 0 … 180


class Area(NamedTuple):
    """A zone as other systems want it."""

    name: str
    slug: str
    people: float
    ring: tuple[tuple[float, float], ...]  # corners as latitude, longitude [deg], the last the same as the first
    middle: tuple[float, float]  # latitude, longitude [deg]
    height: float  # of its ground above mean sea level [m]


@dataclass(frozen=True)
class Alert:
    """One message about one zone. Times are seconds since 1970, UTC; None where there is none.

    id        of the warning, the same through all its stages: from the zone's name and the UTC
              onset
    message   of this very message: the warning's id, the stage and when it began
    before    (message, sent) of what was said of the same warning earlier, oldest first
    text      what a person wrote; empty where the stage says it all
    wrong     the warning was wrong and is taken back, in words that say so
    """

    id: str
    message: str
    site: str
    zone: str
    stage: int
    onset: float
    sent: float
    due: float | None
    until: float | None
    expires: float
    probability: float
    people: float
    manual: bool
    reason: str
    hazard: Ellipse | None = None
    before: tuple[tuple[str, float], ...] = ()
    text: str = ""
    wrong: bool = False

    kind: ClassVar[str] = ""

    @property
    def stage_name(self) -> str:
        """The stage in words, as topics and receivers use it."""
        return STAGE_NAMES[self.stage]

    @property
    def standing(self) -> bool:
        """Whether the zone is under warning after this message."""
        return self.stage in STANDING

    def view(self) -> dict[str, Any]:
        """The alert as other programs read it: times as UTC text, names for codes."""
        return {
            "version": 1,
            "kind": self.kind,
            "site": self.site,
            "zone": self.zone,
            "id": self.id,
            "message": self.message,
            "stage": self.stage_name,
            "onset": utc(self.onset),
            "sent": utc(self.sent),
            "due": utc(self.due),
            "until": utc(self.until),
            "expires": utc(self.expires),
            "probability": None if math.isnan(self.probability) else round(self.probability, 3),
            "people": round(self.people),
            "manual": self.manual,
            "reason": self.reason,
            "text": self.text,
            "before": [message for message, _ in self.before],
            "wrong": self.wrong,
        }


class LiveAlert(Alert):
    """Of real radars: people act on it. Made in a live session only (`live.py`)."""

    kind = "live"


class ExerciseAlert(Alert):
    """Of an exercise with people in it; nobody is in danger."""

    kind = "exercise"


class SimulationAlert(Alert):
    """Of a simulated world."""

    kind = "simulation"


class ChannelTest(Alert):
    """Only whether a channel works; a receiver answers it and does not act on it."""

    kind = "test"


A = TypeVar("A", bound=Alert)

TYPES: dict[str, type[Alert]] = {
    made.__name__: made for made in (LiveAlert, ExerciseAlert, SimulationAlert, ChannelTest)
}
KINDS = ("live", "exercise", "simulation")  # a channel is declared for one of them


def warning_id(site: str, zone: str, onset: float) -> str:
    """The id of the warning of a zone that began then [s since 1970, UTC]: the same on every
    machine that sees the same onset.

    site  name of the site
    """
    return f"{slug(site)}.{slug(zone)}.{stamp(onset)}"


def slug(name: str) -> str:
    """A name as it stands in topics and ids: ASCII letters, digits and dashes; a name with others
    carries its digest to stay apart.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    short = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    if re.fullmatch(r"[A-Za-z0-9 _-]{1,48}", name) and short:
        return short
    return f"{short[:40].strip('-') or 'zone'}-{blake2b(name.encode(), digest_size=4).hexdigest()}"


def stamp(t: float) -> str:
    """A time as ids carry it, to the millisecond: 20211123T021403.250Z.

    t  time [s since 1970, UTC]
    """
    return datetime.fromtimestamp(round(t, 3), UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"


def utc(t: float | None) -> str | None:
    """A time as text, ISO 8601 with milliseconds; None for none.

    t  time [s since 1970], None for none
    """
    return (
        None
        if t is None
        else datetime.fromtimestamp(round(t, 3), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def expiry(stage: int, sent: float, due: float | None, until: float | None) -> float:
    """Until when a receiver may still act on a message [s since 1970].

    stage  stage of the warning
    sent   when the message was sent [s since 1970]
    due    earliest impact [s since 1970], None unknown
    until  end of the warning [s since 1970], None unknown
    """
    if stage in STANDING:
        return max(sent + SHORTEST_S, until or 0.0, due or 0.0)
    return sent + LONGEST_S


def areas(site: Site) -> dict[str, Area]:
    """Every zone of a site as other systems want it, by name.

    UsageError where two could not be told apart by topic.
    """
    found = {zone.name: _area(site, zone) for zone in site.zones}
    by_slug: dict[str, str] = {}
    for area in found.values():
        other = by_slug.setdefault(area.slug, area.name)
        if other != area.name:
            raise UsageError(
                f'the zones "{other}" and "{area.name}" would both be told on topic "{area.slug}": give one another '
                'name'
            )
    return found


def _area(site: Site, zone: Zone) -> Area:
    origin = site.origin
    rows = [(float(east), float(north), 0.0) for east, north in zone.polygon]
    middle = tuple(sum(row[axis] for row in rows) / len(rows) for axis in range(3))
    latitude, longitude, _ = to_earth(origin.latitude, origin.longitude, origin.elevation, [*rows, middle])
    corners = [(round(math.degrees(a), 7), round(math.degrees(o), 7)) for a, o in zip(latitude, longitude, strict=True)]
    return Area(zone.name, slug(zone.name), zone.people, (*corners[:-1], corners[0]), corners[-1], origin.elevation)


def to_bytes(alert: Alert) -> bytes:
    """An alert as the outbox keeps it."""
    return msgspec.json.encode(
        {"type": type(alert).__name__, **{f.name: getattr(alert, f.name) for f in fields(alert)}}
    )


def from_bytes(data: bytes) -> Alert:
    """The very same alert; ValueError for anything else.

    data  the alert as an outbox keeps it
    """
    said = msgspec.json.decode(data)
    if not isinstance(said, dict) or said.get("type") not in TYPES:
        raise ValueError("these bytes are no alert")
    made = TYPES[said.pop("type")]
    said["hazard"] = None if said["hazard"] is None else Ellipse(*said["hazard"])
    said["before"] = tuple((str(message), float(sent)) for message, sent in said["before"])
    said["probability"] = math.nan if said["probability"] is None else said["probability"]
    return made(**said)
