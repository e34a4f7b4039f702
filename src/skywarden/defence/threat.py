"""From impacts to zones: with what probability does each projectile come down where it endangers
each zone.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

from skywarden.messages.frame import Frame
from skywarden.messages.picture import Impacts, Threats
from skywarden.site.model import Site

Array = NDArray[Any]

LEAST = 0.001           # probability below which a zone is not named
BEYOND = 3.1            # standard deviations; a zone wholly further off, east or north, is hit with less than LEAST
FAR = 6.5               # standard deviations beyond which the density is nothing: exp(-FAR²/2) = 7e-10
MILLIMETRE = 1e-3      # m; a smaller hazard radius is none, and shapely answers the smallest with nothing at all
PANEL = 1.0             # standard deviations a panel of three Gauss nodes; 1e-6 of a probability
# standard deviations; an edge no longer than this is its middle: 1e-4 of a probability, all edges together
SHORT = 0.2
# straight pieces in a quarter of the circle about a corner: 0.1 % of the hazard radius off the arc
SEGMENTS = 8


class Outlines(NamedTuple):
    """Zones grown by the hazard radius, as edges, all zones below one another. What is solid lies
    to the left.
    """

    edges: Array        # (k, 4) from east north to east north [m]
    first: Array        # (zones + 1,) int64 row where each zone's edges begin
    box: Array          # (zones, 4) least east, north, most east, north [m]


def assess(impacts: Impacts, frame: Frame, site: Site) -> Threats:
    """One row for each track and zone with a probability worth naming.

    impacts  where and when tracks are expected to fall
    frame    what came in at this frame
    site     the site as its defender declared it

    The probability is that the track is a projectile, times that its impact lies within the
    policy's hazard radius of the zone. Source: docs/models/threat.md
    """
    if impacts.track.size == 0 or not site.zones:
        return Threats.empty()
    outlines, people = _zones(site)
    near = _near(
        np.ascontiguousarray(impacts.place[:, :2]), np.ascontiguousarray(impacts.covariance[:, :2, :2]),
        outlines.edges, outlines.first, outlines.box)
    probability = near * np.clip(impacts.p_projectile, 0.0, 1.0)[:, None]
    row, zone = np.nonzero(probability >= LEAST)
    chance = probability[row, zone]
    return Threats(
        impacts.track[row], zone.astype(np.int32), chance, impacts.t[row],
        np.sqrt(np.maximum(impacts.covariance[row, 2, 2], 0.0)), chance * people[zone])


def probability_near(place: Array, covariance: Array, polygon: Array, radius: float) -> float:
    """Probability that a normally distributed place lies within `radius` of a polygon.

    place (2,) east, north [m]; covariance (2, 2) [m²]; polygon (k, 2) [m], not crossing itself;
    radius [m], 0 or more
    """
    edges = outlined([polygon], radius).edges
    return float(_integral(float(place[0]), float(place[1]), float(covariance[0, 0]), float(covariance[0, 1]),
        float(covariance[1, 1]), edges))


def outlined(polygons: list[Array], radius: float) -> Outlines:
    """The polygons, (k, 2) corners [m] each, grown by `radius` [m]: corners rounded, notches and
    courtyards too narrow for it filled.
    """
    parts, boxes = [np.zeros((0, 4))], []
    for corners in polygons:
        shape = Polygon(corners)
        edges = _edges(shape.buffer(_mean_radius(radius), quad_segs=SEGMENTS) if radius >= MILLIMETRE else shape)
        parts.append(edges)
        boxes.append((edges[:, 0].min(), edges[:, 1].min(), edges[:, 0].max(), edges[:, 1].max()))
    first = np.cumsum([len(part) for part in parts]).astype(np.int64)
    return Outlines(np.ascontiguousarray(np.concatenate(parts)), first, np.array(boxes).reshape(-1, 4))


def _mean_radius(radius: float) -> float:
    """The radius at which a circle of straight pieces encloses as much as the true circle of
    `radius`.
    """
    angle = 0.5 * math.pi / SEGMENTS
    return radius * math.sqrt(angle / math.sin(angle))


def _edges(shape: Any) -> Array:
    rings = []
    for part in shape.geoms if isinstance(shape, MultiPolygon) else [shape]:
        for ring, anticlockwise in ((part.exterior, True), *((hole, False) for hole in part.interiors)):
            corners = np.asarray(ring.coords)[:, :2]
            corners = corners if ring.is_ccw == anticlockwise else corners[::-1]
            rings.append(np.hstack([corners[:-1], corners[1:]]))
    return np.concatenate(rings)


@lru_cache(maxsize=8)
def _zones(site: Site) -> tuple[Outlines, Array]:
    """Every zone grown by the policy's hazard radius, and the people there."""
    return outlined([zone.polygon for zone in site.zones], site.policy.hazard_radius), np.array([zone.people
        for zone in site.zones])


@njit(cache=True, error_model="numpy")
def _near(place: Array, covariance: Array, edges: Array, first: Array, box: Array) -> Array:
    """(n, zones) probability that each impact lies inside each outline; 0 where it is surely less
    than LEAST or the impact is unknown.
    """
    n, zones = place.shape[0], first.shape[0] - 1
    out = np.zeros((n, zones))
    for i in range(n):
        east, north = place[i, 0], place[i, 1]
        see, sen, snn = covariance[i, 0, 0], covariance[i, 0, 1], covariance[i, 1, 1]
        if not (see >= 0.0 and snn >= 0.0 and math.isfinite(east + north + see + sen + snn)):
            continue
        wide, high = BEYOND * math.sqrt(see), BEYOND * math.sqrt(snn)
        for z in range(zones):
            if east + wide < box[z, 0] or east - wide > box[z, 2] or north + high < box[z, 1] or north - high > box[z,
                    3]:
                continue
            out[i, z] = _integral(east, north, see, sen, snn, edges[first[z] : first[z + 1]])
    return out


@njit(cache=True, error_model="numpy")
def _integral(east: float, north: float, see: float, sen: float, snn: float, edges: Array) -> float:
    """Normal density over the region that the edges enclose, by Green's theorem along them.

    Where the ellipse is the unit circle, the density is the divergence of u g(|u|²), g(q) = (1 -
    exp(-q/2)) / (2 pi q), which is smooth everywhere.
    """
    a = math.sqrt(max(see, 1e-6))       # lower triangle of the Cholesky factor, kept from being singular: a millimetre
    b = sen / a
    c = math.sqrt(max(snn - b * b, 1e-6))
    total = 0.0
    for k in range(edges.shape[0]):
        x0 = (edges[k, 0] - east) / a
        y0 = (edges[k, 1] - north - b * x0) / c
        x1 = (edges[k, 2] - east) / a
        y1 = (edges[k, 3] - north - b * x1) / c
        total += _along(x0, y0, x1, y1)
    return min(max(total / (2.0 * math.pi), 0.0), 1.0)


@njit(cache=True, error_model="numpy")
def _along(x0: float, y0: float, x1: float, y1: float) -> float:
    """The integral of (1 - exp(-|u|²/2)) over the angle under which an edge is seen from the centre
    [rad].
    """
    dx, dy = x1 - x0, y1 - y0
    length = math.sqrt(dx * dx + dy * dy)
    if length < 1e-12:
        return 0.0
    dx /= length
    dy /= length
    # distance of the edge's line from the centre, positive where the centre lies to its left
    h = x0 * dy - y0 * dx
    s0, s1 = x0 * dx + y0 * dy, x1 * dx + y1 * dy
    if h == 0.0:
        return 0.0
    if abs(h) > FAR or s0 > FAR or s1 < -FAR:
        return math.atan2(h * (s1 - s0), h * h + s0 * s1)
    if length < SHORT:
        middle = 0.5 * (s0 + s1)
        return h * length * _smooth(h * h + middle * middle)
    low, high = max(s0, -FAR), min(s1, FAR)
    panels = math.ceil((high - low) / PANEL)
    half = 0.5 * (high - low) / panels
    total = 0.0
    for p in range(panels):
        middle = low + (2 * p + 1) * half
        total += 8.0 / 9.0 * _smooth(h * h + middle * middle)
        reach = half * 0.7745966692414834       # sqrt(3/5), Gauss-Legendre with three nodes
        total += 5.0 / 9.0 * (_smooth(h * h + (middle - reach) ** 2) + _smooth(h * h + (middle + reach) ** 2))
    total *= h * half
    if low > s0:
        total += math.atan2(h * (low - s0), h * h + s0 * low)
    if high < s1:
        total += math.atan2(h * (s1 - high), h * h + s1 * high)
    return total


@njit(cache=True, error_model="numpy")
def _smooth(q: float) -> float:
    """(1 - exp(-q/2)) / q, its limit 1/2 at 0 included."""
    if q > 0.1:
        return (1.0 - math.exp(-0.5 * q)) / q
    return 0.5 - q * (0.125 - q * (1.0 / 48.0 - q * (1.0 / 384.0 - q / 3840.0)))   # its series, to 1e-10
