"""What a region knows of its bases, from the words of their watchers; and what one base foresees in
another's zones.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from skywarden.messages.picture import NO_STAGE, STAGE_NAMES
from skywarden.region.lean import SCALE
from skywarden.standby.merge import NOTHING, Claim, Known, heard, merged
from skywarden.standby.words import PICTURE, PLACE, Word

GREY_S = 3.0  # seconds without a picture after which a base is shown grey, its warnings as of then
MOST_BASES = 20
MARGIN_M = 150.0  # metres about a zone within which an impact is foretold to it, beside the doubt of its place
METRES = 111_195.0  # a degree of latitude on the mean sphere [m]


class Base(NamedTuple):
    """One base. Pictures and their arrival (monotonic) by replica.

    box  south, west, north and east of all its zones (1e-5 deg)
    """

    place: Mapping[str, Any] | None
    box: tuple[int, int, int, int] | None
    pictures: Mapping[str, tuple[float, Mapping[str, Any]]]
    known: Known


class Foretold(NamedTuple):
    """A round foreseen in the zone of a base by another one."""

    base: str
    zone: str
    seconds: float
    by: str


class Bases:
    """Thread-safe. Knows nothing but what was said, raises nothing, clears nothing."""

    def __init__(self, now: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._now, self._steady = now, steady
        self._lock = threading.Lock()
        self._bases: dict[str, Base] = {}
        self.turned_away = 0  # words of more bases than there is room for

    def hear(self, word: Word) -> str | None:
        """Heed one word of a base, and give its name; None for one that says nothing of a base."""
        name, _, replica = word.replica.rpartition("/")
        if not name or word.kind not in (PICTURE, PLACE):
            return None
        with self._lock:
            base = self._bases.get(name)
            if base is None:
                if len(self._bases) >= MOST_BASES:
                    self.turned_away += 1
                    return None
                base = Base(None, None, {}, {})
            if word.kind == PLACE:
                base = base._replace(place=word.content, box=_box(word.content))
            else:
                pictures = {**base.pictures, replica: (self._steady(), word.content)}
                base = base._replace(pictures=pictures, known=self._claims(base.known, replica, word.content))
            self._bases[name] = base
        return name

    def view(self) -> list[dict[str, Any]]:
        """Every base as the page shows it, by name."""
        with self._lock:
            bases = dict(self._bases)
        return [self._view(name, base) for name, base in sorted(bases.items())]

    def foretold(self, by: str) -> list[Foretold]:
        """What the newest picture of base `by` foresees in other bases' zones, each zone's soonest."""
        with self._lock:
            bases = dict(self._bases)
        picture = self._newest(bases[by])
        if picture is None or self._steady() - picture[0] > GREY_S:
            return []
        found: dict[tuple[str, str], Foretold] = {}
        for _, _, _, seconds, latitude, longitude, doubt in picture[1]["rounds"]:
            for name, base in bases.items():
                if name == by or base.place is None or not _near(latitude, longitude, base.box, MARGIN_M + doubt):
                    continue
                for zone, _, ring in base.place["zones"]:
                    if distance(latitude, longitude, ring) <= MARGIN_M + doubt:
                        before = found.get((name, zone))
                        if before is None or seconds < before.seconds:
                            found[name, zone] = Foretold(name, zone, float(seconds), by)
        return list(found.values())

    def _claims(self, known: Known, replica: str, picture: Mapping[str, Any]) -> Known:
        """What a picture says of each zone, by row; a zone it does not name is not warned."""
        counter, expires = int(picture["t"] * 1000), self._now() + GREY_S
        rows = {str(row[0]): row for row in picture["warnings"]}
        zones = {*rows, *(zone for zone, of in known if of == replica)}
        for zone in zones:
            row = rows.get(zone)
            claim = (
                Claim(zone, replica, counter, NO_STAGE, "", None, None, expires)
                if row is None
                else Claim(zone, replica, counter, int(row[1]), f"{zone}@{row[2]}", row[3], row[4], expires)
            )
            known = heard(known, claim)
        return known

    @staticmethod
    def _newest(base: Base) -> tuple[float, Mapping[str, Any]] | None:
        return max(base.pictures.values(), key=lambda each: each[0], default=None)

    def _view(self, name: str, base: Base) -> dict[str, Any]:
        newest = self._newest(base)
        age = None if newest is None else self._steady() - newest[0]
        grey = age is None or age > GREY_S
        picture: Mapping[str, Any] = newest[1] if newest is not None else {}
        place: Mapping[str, Any] = base.place or {}
        names = [zone[0] for zone in place.get("zones", [])]
        heard_of = {replica: round(self._steady() - at, 1) for replica, (at, _) in base.pictures.items()}
        return {
            "name": name,
            "title": place.get("title", name),
            "console": place.get("console", ""),
            "age": _round(age),
            "grey": grey,
            "as_of": picture.get("t"),
            "replicas": heard_of,
            "silent": sorted(replica for replica, since in heard_of.items() if since > GREY_S),
            "warnings": self._warnings(base, picture, names, grey),
            "rounds": picture.get("rounds", []),
            "pre_alerts": [_name(names, row) for row in picture.get("pre_alerts", [])],
            "aircraft": picture.get("aircraft"),
            "health": picture.get("health"),
            "zones": place.get("zones", []),
            "latitude": place.get("latitude"),
            "longitude": place.get("longitude"),
        }

    def _warnings(self, base: Base, picture: Mapping[str, Any], names: list[str], grey: bool) -> list[dict[str, Any]]:
        """Of a base that speaks: what its watchers say together. Of one that does not: what the
        newest picture said.
        """
        if grey:
            return [_warning(_name(names, row[0]), int(row[1]), row[3], row[4]) for row in picture.get("warnings", [])]
        told = []
        for zone in sorted({zone for zone, _ in base.known}, key=int):
            what = merged(base.known, zone, self._now())
            if what is not NOTHING and what.stage != NO_STAGE:
                told.append(_warning(_name(names, int(zone)), what.stage, what.until, what.due))
        return told


def _box(place: Mapping[str, Any]) -> tuple[int, int, int, int] | None:
    corners = [corner for _, _, ring in place["zones"] for corner in ring]
    if not corners:
        return None
    north, east = [corner[0] for corner in corners], [corner[1] for corner in corners]
    return min(north), min(east), max(north), max(east)


def _near(latitude: int, longitude: int, box: tuple[int, int, int, int] | None, margin: float) -> bool:
    """Whether a place (1e-5 deg) can be within `margin` metres of what lies in a box: most rounds
    are far from most bases, and only the few are measured to every zone.
    """
    if box is None:
        return False
    south, west, north, east = box
    up = 1.01 * margin * SCALE / METRES
    across = up / max(0.01, math.cos(math.radians(latitude / SCALE)))
    return south - up <= latitude <= north + up and west - across <= longitude <= east + across


def distance(latitude: int, longitude: int, ring: list[list[int]]) -> float:
    """Metres from a place (1e-5 deg) to a ring of such; 0 inside it.

    latitude   latitude of the place [1e-5 deg]
    longitude  longitude of the place [1e-5 deg]
    """
    scale = METRES / SCALE
    narrow = scale * math.cos(math.radians(latitude / SCALE))
    corners = [((o - longitude) * narrow, (a - latitude) * scale) for a, o in ring]
    inside, nearest = False, math.inf
    for k, (x2, y2) in enumerate(corners):
        x1, y1 = corners[k - 1]
        if (y1 > 0.0) != (y2 > 0.0) and x1 + (x2 - x1) * (0.0 - y1) / (y2 - y1) > 0.0:
            inside = not inside
        dx, dy = x2 - x1, y2 - y1
        along = 0.0 if dx == dy == 0.0 else min(1.0, max(0.0, -(x1 * dx + y1 * dy) / (dx * dx + dy * dy)))
        nearest = min(nearest, math.hypot(x1 + along * dx, y1 + along * dy))
    return 0.0 if inside else nearest


def _warning(zone: str, stage: int, until: float | None, due: float | None) -> dict[str, Any]:
    return {
        "zone": zone,
        "stage": STAGE_NAMES[stage] if 0 <= stage < len(STAGE_NAMES) else "?",
        "until": until,
        "due": due,
    }


def _name(names: list[str], row: int) -> str:
    return names[row] if 0 <= row < len(names) else f"zone {row}"


def _round(age: float | None) -> float | None:
    return None if age is None else round(age, 1)
