"""From impacts to zones: with what probability does each projectile come down where it endangers each zone."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.geometry.polygon import distance
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Impacts, Threats
from skywarden.site.model import Site

Array = NDArray[Any]

LEAST = 0.001           # probability below which a zone is not named
RINGS, SPOKES = 24, 48  # equal-probability nodes over the ellipse: within 0.01 of the true integral, tests/stages/test_threat.py
CELLS = 32              # a side, over a zone that is small against the ellipse


def assess(impacts: Impacts, frame: Frame, site: Site) -> Threats:
    """One row for each track and zone with a probability worth naming.

    The probability is that the track is a projectile, times that its impact lies within the policy's hazard radius of the zone.
    Source: docs/models/threat.md
    """
    if impacts.track.size == 0 or not site.zones:
        return Threats.empty()
    corners, first = _zones(site)
    probability = _endangered(
        np.ascontiguousarray(impacts.place[:, :2]), np.ascontiguousarray(impacts.covariance[:, :2, :2]), corners, first, site.policy.hazard_radius)
    probability = probability * impacts.p_projectile[:, None]
    row, zone = np.nonzero(probability >= LEAST)
    chance = probability[row, zone]
    people = np.array([z.people for z in site.zones])
    return Threats(
        impacts.track[row], zone.astype(np.int32), chance, impacts.t[row], np.sqrt(np.maximum(impacts.covariance[row, 2, 2], 0.0)), chance * people[zone])


def probability_near(place: Array, covariance: Array, polygon: Array, radius: float) -> float:
    """Probability that a normal (east, north) place lies within `radius` [m] of a polygon.

    place (2,) [m], covariance (2, 2) [m²], polygon (k, 2) [m]
    """
    first = np.array([0, len(polygon)], np.int64)
    return float(_endangered(place.reshape(1, 2), covariance.reshape(1, 2, 2), np.ascontiguousarray(polygon), first, radius)[0, 0])


@lru_cache(maxsize=8)
def _zones(site: Site) -> tuple[Array, Array]:
    """All corners below one another, and where each zone's begin."""
    corners = np.concatenate([zone.polygon for zone in site.zones])
    return np.ascontiguousarray(corners), np.cumsum([0, *(len(zone.polygon) for zone in site.zones)]).astype(np.int64)


@njit(cache=True, error_model="numpy")
def _endangered(place: Array, covariance: Array, corners: Array, first: Array, radius: float) -> Array:
    """(n, zones) probability that each impact lies within `radius` of each zone."""
    n, zones = place.shape[0], first.shape[0] - 1
    out = np.zeros((n, zones))
    for i in range(n):
        see, sen, snn = covariance[i, 0, 0], covariance[i, 0, 1], covariance[i, 1, 1]
        if not (see >= 0.0 and snn >= 0.0 and math.isfinite(place[i, 0] + place[i, 1] + see + sen + snn)):
            continue
        # lower triangle of the Cholesky factor, kept from being singular
        a = math.sqrt(max(see, 1e-6))
        b = sen / a
        c = math.sqrt(max(snn - b * b, 1e-6))
        largest = math.sqrt(0.5 * (see + snn) + math.sqrt(0.25 * (see - snn) ** 2 + sen * sen)) + 1e-3
        smallest = a * c / largest
        for z in range(zones):
            polygon = corners[first[z] : first[z + 1]]
            away = distance(polygon, place[i, 0], place[i, 1]) - radius
            if away > 4.5 * largest:
                continue
            low_e, high_e = polygon[:, 0].min() - radius, polygon[:, 0].max() + radius
            low_n, high_n = polygon[:, 1].min() - radius, polygon[:, 1].max() + radius
            if max(high_e - low_e, high_n - low_n) < 4.0 * smallest:
                out[i, z] = _over_zone(place[i, 0], place[i, 1], a, b, c, polygon, radius, low_e, high_e, low_n, high_n)
            else:
                out[i, z] = _over_ellipse(place[i, 0], place[i, 1], a, b, c, polygon, radius)
    return out


@njit(cache=True, error_model="numpy")
def _over_ellipse(east: float, north: float, a: float, b: float, c: float, polygon: Array, radius: float) -> float:
    """Share of equally probable nodes that lie near enough."""
    hits = 0
    for k in range(RINGS):
        r = math.sqrt(-2.0 * math.log(1.0 - (k + 0.5) / RINGS))
        for s in range(SPOKES):
            angle = 2.0 * math.pi * (s + 0.5 * (k % 2) + 0.25) / SPOKES
            x, y = r * math.cos(angle), r * math.sin(angle)
            if distance(polygon, east + a * x, north + b * x + c * y) <= radius:
                hits += 1
    return hits / (RINGS * SPOKES)


@njit(cache=True, error_model="numpy")
def _over_zone(
    east: float, north: float, a: float, b: float, c: float, polygon: Array, radius: float, low_e: float, high_e: float, low_n: float, high_n: float,
) -> float:
    """Density summed over cells of the zone's surroundings."""
    de, dn = (high_e - low_e) / CELLS, (high_n - low_n) / CELLS
    total = 0.0
    for i in range(CELLS):
        for j in range(CELLS):
            e, n = low_e + (i + 0.5) * de, low_n + (j + 0.5) * dn
            if distance(polygon, e, n) <= radius:
                x = (e - east) / a
                y = (n - north - b * x) / c
                total += math.exp(-0.5 * (x * x + y * y))
    return min(total * de * dn / (2.0 * math.pi * a * c), 1.0)
