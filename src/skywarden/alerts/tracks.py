"""Tracks for other systems' maps, out of a simulation only: where each is and, where it comes down,
where and when. Never where it came from.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from skywarden.kernels.geometry.earth import to_earth
from skywarden.messages.picture import KIND_NAMES, Picture
from skywarden.site.model import Site


class TrackRow(NamedTuple):
    """One track as other systems want it."""

    number: int
    kind: str  # projectile, aircraft or other
    confidence: float
    latitude: float  # WGS-84 [deg]
    longitude: float  # [deg]
    altitude: float  # above mean sea level [m]
    sigma: float  # standard deviation of its horizontal place [m]
    course: float  # clockwise from north [deg]
    speed: float  # over the ground [m/s]
    velocity: tuple[float, float, float]  # east north up [m/s]
    impact: tuple[float, float, float] | None  # latitude, longitude [deg], time [s since 1970]


def tracks_of(site: Site, picture: Picture, shift: float) -> tuple[TrackRow, ...]:
    """Every track of a picture; `shift` [s] is what makes its times UTC.

    site  the site as its defender declared it
    """
    tracks, impacts, origin = picture.tracks, picture.impacts, site.origin
    n = tracks.number.shape[0]
    if n == 0:
        return ()
    latitude, longitude, altitude = to_earth(origin.latitude, origin.longitude, origin.elevation, tracks.state[:, :3])
    falls: dict[int, tuple[float, float, float]] = {}
    if impacts.track.shape[0]:
        a, o, _ = to_earth(origin.latitude, origin.longitude, origin.elevation, impacts.place)
        for row, number in enumerate(impacts.track.tolist()):
            if math.isfinite(a[row]) and math.isfinite(impacts.t[row]):
                falls[number] = (
                    math.degrees(float(a[row])),
                    math.degrees(float(o[row])),
                    float(impacts.t[row]) + shift,
                )
    rows = []
    for row in range(n):
        east, north, up = (float(v) for v in tracks.state[row, 3:6])
        kind = int(tracks.kind[row].argmax())
        spread = max(float(tracks.covariance[row, 0, 0]), float(tracks.covariance[row, 1, 1]), 0.0)
        if not math.isfinite(latitude[row] + altitude[row] + east + north + up):
            continue
        rows.append(
            TrackRow(
                int(tracks.number[row]),
                KIND_NAMES[kind],
                float(tracks.kind[row, kind]),
                math.degrees(float(latitude[row])),
                math.degrees(float(longitude[row])),
                float(altitude[row]),
                math.sqrt(spread),
                math.degrees(math.atan2(east, north)) % 360.0,
                math.hypot(east, north),
                (east, north, up),
                falls.get(int(tracks.number[row])),
            )
        )
    return tuple(rows)
