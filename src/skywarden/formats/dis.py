"""What flies turned into DIS (IEEE 1278.1-2012): Entity State and Detonation, and no other protocol
data unit.

There is no Fire PDU: nothing here has a place to say where a round came from. Written by hand
because the one library there is (opendis 1.0) wants numpy below 2 and fails on the newer units;
tests have tshark name every field.
"""

from __future__ import annotations

import math
import struct
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from pyproj import Transformer

VERSION = 7  # IEEE 1278.1-2012
ENTITY_STATE, DETONATION = 1, 3  # PDU types
ENTITY_FAMILY, WARFARE_FAMILY = 1, 2
OTHER_FORCE = 0  # force identifier: other; sides are not told
CONSTANT_VELOCITY = 2  # dead reckoning DRM(F, P, W): constant velocity, no turning
GROUND_IMPACT, AIR_BURST = 3, 5  # detonation results: ground impact, detonation
DEACTIVATED = 1 << 23  # appearance: the entity has left the exercise
ASCII = 1  # character set of the marking
HOUR_UNITS = 2**31  # units of an hour in a timestamp

Vector = tuple[float, float, float]


class Kind(NamedTuple):
    """An entity type: kind, domain, country, category, subcategory, specific, extra (SISO-REF-010)."""

    kind: int
    domain: int
    country: int = 0
    category: int = 0
    subcategory: int = 0
    specific: int = 0
    extra: int = 0


ROUND = Kind(2, 9, 0, 2)  # munition, battlefield support, ballistic: generic, of no country
AIRCRAFT = Kind(1, 2, 0, 0)  # platform, air, other


class Exercise(NamedTuple):
    """Who sends: exercise, site and application identifiers."""

    number: int = 1
    site: int = 1
    application: int = 1


class Placed(NamedTuple):
    """Where something is on the earth, and how it moves there: WGS-84 [rad], height [m], towards
    east, north and up [m/s].
    """

    latitude: float
    longitude: float
    altitude: float
    velocity: Vector


def entity_state(
    exercise: Exercise,
    entity: int,
    kind: Kind,
    marking: str,
    placed: Placed,
    seconds: float,
    gone: bool = False,
) -> bytes:
    """An Entity State PDU of 144 bytes.

    entity    number of the entity, 1 to 65533
    marking   up to eleven characters
    seconds   UTC since 1970 that it is valid at
    gone      whether this is its last
    exercise  numbers of site, application and exercise
    kind      kind of the entity
    placed    place, orientation and velocity, earth-centred
    """
    location, velocity = _location(placed), _turned(placed, placed.velocity)
    body = struct.pack(
        ">HHHBB8s8s3f3d3fI",
        exercise.site,
        exercise.application,
        entity,
        OTHER_FORCE,
        0,
        _kind(kind),
        _kind(kind),
        *velocity,
        *location,
        *_orientation(placed),
        DEACTIVATED if gone else 0,
    )
    body += struct.pack(">B15s3f3f", CONSTANT_VELOCITY, b"", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    body += struct.pack(">B11sI", ASCII, marking.encode("ascii", "replace")[:11], 0)
    return _header(exercise, ENTITY_STATE, ENTITY_FAMILY, seconds, body)


def detonation(
    exercise: Exercise,
    event: int,
    entity: int,
    kind: Kind,
    placed: Placed,
    seconds: float,
    result: int,
) -> bytes:
    """A Detonation PDU of 104 bytes: a round's end. It names nobody who fired, and no target.

    exercise  numbers of site, application and exercise
    event     number of the event
    entity    number of the entity
    kind      kind of the entity
    placed    place, orientation and velocity, earth-centred
    seconds   time of day [s since midnight, UTC]
    result    result as SISO-REF-010 enumerates it
    """
    nobody = struct.pack(">HHH", 0, 0, 0)
    body = nobody + nobody + struct.pack(">HHH", exercise.site, exercise.application, entity)
    body += struct.pack(">HHH", exercise.site, exercise.application, event % 65_536)
    body += struct.pack(">3f3d", *_turned(placed, placed.velocity), *_location(placed))
    body += _kind(kind) + struct.pack(">HHHH", 0, 0, 1, 0)
    body += struct.pack(">3fBBH", 0.0, 0.0, 0.0, result, 0, 0)
    return _header(exercise, DETONATION, WARFARE_FAMILY, seconds, body)


def _header(exercise: Exercise, kind: int, family: int, seconds: float, body: bytes) -> bytes:
    units = int((seconds % 3600.0) / 3600.0 * HOUR_UNITS) & (HOUR_UNITS - 1)
    return struct.pack(">BBBBIHBB", VERSION, exercise.number, kind, family, units << 1 | 1, 12 + len(body), 0, 0) + body


def _kind(kind: Kind) -> bytes:
    return struct.pack(">BBHBBBB", *kind)


@lru_cache(maxsize=1)
def _geocentric() -> Transformer:
    return Transformer.from_pipeline("+proj=cart +ellps=WGS84")


def _location(placed: Placed) -> Vector:
    """The place in the earth's own axes [m]."""
    x, y, z = _geocentric().transform(placed.longitude, placed.latitude, placed.altitude, radians=True)
    return float(x), float(y), float(z)


def _turned(placed: Placed, local: Vector) -> Vector:
    """A vector of east, north, up at a place, in the earth's own axes."""
    (sin_lat, cos_lat), (sin_lon, cos_lon) = ((math.sin(a), math.cos(a)) for a in (placed.latitude, placed.longitude))
    east, north, up = local
    x = -sin_lon * east - sin_lat * cos_lon * north + cos_lat * cos_lon * up
    y = cos_lon * east - sin_lat * sin_lon * north + cos_lat * sin_lon * up
    return x, y, cos_lat * north + sin_lat * up


def _orientation(placed: Placed) -> Vector:
    """Euler angles psi, theta, phi [rad] of a body that flies nose first, wings level."""
    east, north, up = placed.velocity
    speed, level = math.sqrt(east * east + north * north + up * up), math.hypot(east, north)
    if not speed > 0.0:
        nose, right = (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)
    else:
        nose = east / speed, north / speed, up / speed
        right = (north / level, -east / level, 0.0) if level > 0.0 else (1.0, 0.0, 0.0)
    x, y = np.array(_turned(placed, nose)), np.array(_turned(placed, right))
    z = np.cross(x, y)
    return math.atan2(x[1], x[0]), math.asin(max(-1.0, min(1.0, -float(x[2])))), math.atan2(y[2], z[2])
