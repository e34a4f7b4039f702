"""Between the earth and the site frame: WGS-84 latitude, longitude and height to east-north-up
about the site's origin, and back.

Heights are above mean sea level. The geoid's undulation is taken as constant over a site, so it
cancels out of every difference; what is left is a few centimetres in 10 km. Every place outside the
ellipsoid's own curvature is exact: the frame is a tangent plane, so ground 10 km away lies 8 m
below it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer

Array = NDArray[Any]


def to_site(
    origin_lat: float, origin_lon: float, origin_elevation: float, latitude: ArrayLike, longitude: ArrayLike,
    altitude: ArrayLike,
) -> Array:
    """Positions in the site frame, (n, 3) east north up [m].

    origin_…                       WGS-84 latitude and longitude [rad], height above mean sea level
                                   [m] of the site's origin
    latitude, longitude, altitude  (n,) or single: [rad], [rad], above mean sea level [m]
    origin_lat                     latitude of the origin [rad]
    origin_lon                     longitude of the origin [rad]
    origin_elevation               height of the origin above mean sea level [m]

    nan stays nan.
    """
    lat, lon, alt = np.broadcast_arrays(*(np.atleast_1d(np.asarray(a, np.float64)) for a in (latitude, longitude,
        altitude)))
    east, north, up = _frame(origin_lat, origin_lon, origin_elevation).transform(lon, lat, alt, radians=True)
    return _unknown_as_nan(np.stack([east, north, up], axis=1))


def to_earth(
    origin_lat: float, origin_lon: float, origin_elevation: float, position: ArrayLike
) -> tuple[Array, Array, Array]:
    """Latitude, longitude [rad] and height above mean sea level [m], (n,) each, of positions (n, 3)
    in the site frame [m].

    origin_lat        latitude of the origin [rad]
    origin_lon        longitude of the origin [rad]
    origin_elevation  height of the origin above mean sea level [m]
    position          (n, 3) east north up [m]
    """
    p = np.atleast_2d(np.asarray(position, np.float64))
    lon, lat, alt = _frame(origin_lat, origin_lon, origin_elevation).transform(p[:, 0], p[:, 1], p[:, 2], radians=True,
        direction="INVERSE")
    known = np.isfinite(p).all(axis=1)
    return np.where(known, lat, np.nan), np.where(known, lon, np.nan), np.where(known, alt, np.nan)


@lru_cache(maxsize=64)
def _frame(latitude: float, longitude: float, elevation: float) -> Transformer:
    """Geodetic to topocentric, one pipeline an origin; PROJ's own implementation of both steps."""
    lat, lon = math.degrees(latitude), math.degrees(longitude)
    return Transformer.from_pipeline(
        "+proj=pipeline +step +proj=cart +ellps=WGS84 "
        f"+step +proj=topocentric +ellps=WGS84 +lat_0={lat!r} +lon_0={lon!r} +h_0={float(elevation)!r}"
    )


def _unknown_as_nan(position: Array) -> Array:
    return np.where(np.isfinite(position).all(axis=1, keepdims=True), position, np.nan)
