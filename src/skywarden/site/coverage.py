"""What the site's radars can see as they are declared: at a height above the ground, over the
terrain and the earth's curve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from shapely import Polygon, make_valid, union_all
from shapely.geometry.base import BaseGeometry

from skywarden.kernels.geometry.sight import lowest_seen
from skywarden.site.model import Array, Radar, Site

TURN = 2.0 * math.pi
DIRECTIONS = 1440           # a quarter of a degree each, all round
CELLS = 800                 # of distance, to the radar's greatest range
MOST_BETWEEN = 9            # samples of the ground a cell, at most
FARTHEST = 200_000.0        # m; beyond, a tangent plane and a parabola for the ray no longer do
SMALLEST = 10.0             # m²; smaller holes are where wedges meet at the radar itself


@dataclass(frozen=True, eq=False)
class Seen:
    """Where one radar sees things of one height: a grid about it, directions by distances."""

    azimuth: Array      # (m + 1,) edges of the directions, clockwise from north [rad]
    distance: Array     # (k + 1,) edges of the distances along the ground [m]
    seen: Array         # (m, k) bool, at the middle of each cell


def within_declared(radar: Radar, distance: Array, azimuth: Array, elevation: Array) -> Array:
    """Which places, polar about a radar [m, rad, rad], lie within its declared ranges, elevations
    and sector; bool of their shape.

    distance   (n,) distance from the radar [m]
    azimuth    (n,) azimuth, clockwise from north [rad]
    elevation  (n,) elevation [rad]
    """
    with np.errstate(invalid="ignore"):
        near = (distance >= radar.range_min) & (distance <= radar.range_max)
        near &= (elevation >= radar.elevation_min) & (elevation <= radar.elevation_max)
        if radar.azimuth_width < TURN - 1e-9:
            near &= np.mod(azimuth - radar.azimuth_from, TURN) <= radar.azimuth_width
    return np.asarray(near)


def coverage(site: Site, radar: Radar, height: float) -> Seen:
    """Where `radar` sees what flies `height` [m] above the ground. Model: docs/models/radar.md.

    A place is seen when it lies within the declared ranges, elevations and sector, and neither
    terrain nor horizon hides it. How low the radar sees is found once a site and radar; another
    height is a comparison.
    """
    azimuth, distance, surface, least = _lowest(site, radar)
    along = 0.5 * (distance[1:] + distance[:-1])
    up = surface + height - radar.place[2]
    middle = np.broadcast_to(0.5 * (azimuth[1:] + azimuth[:-1])[:, None], up.shape)
    seen = (height >= least) & within_declared(radar, np.hypot(along, up), middle, np.arctan2(up, along))
    return Seen(azimuth, distance, seen)


def outline(seen: Seen, place: Array) -> BaseGeometry:
    """What is seen as polygons of the site frame [m]; empty where nothing is.

    place  (3,) place of the radar, east north up [m]
    """
    from rasterio.features import shapes  # heavy, and not for a run that nobody looks at

    whole = seen.azimuth[-1] - seen.azimuth[0] > TURN - 1e-9
    directions = len(seen.azimuth) - 1
    parts = []
    for shape, _ in shapes(seen.seen.astype(np.uint8), mask=seen.seen, connectivity=4):
        rings = []
        for ring in shape["coordinates"]:
            corners = _densified(np.array(ring))
            row = corners[:, 1].astype(int)
            angle = seen.azimuth[row % directions if whole else row]        # one seam, so that it closes without a gap
            far = np.maximum(seen.distance[corners[:, 0].astype(int)], 1.0)
            rings.append(np.stack([place[0] + far * np.sin(angle), place[1] + far * np.cos(angle)], axis=1))
        parts.append(make_valid(Polygon(rings[0], rings[1:])))
    return union_all(parts)


def outlines(site: Site, height: float) -> tuple[list[list[Array]], list[list[list[Array]]]]:
    """What all radars together see at `height` above the ground, and what each one sees.

    site  the site as its defender declared it

    Each is a list of polygons, each polygon a list of rings (k, 2) east, north [m], whole metres,
    the outer one first.
    """
    each = [outline(coverage(site, radar, height), radar.place) for radar in site.radars]
    return _rings(union_all(each)), [_rings(shape) for shape in each]


def ready(site: Site) -> None:
    """Compile what coverage needs, so that no run is held up when somebody first asks for it.

    site  the site as its defender declared it
    """
    lowest_seen(site.ground, np.zeros(3), np.zeros(1), 1.0, 1, 1)


@lru_cache(maxsize=8)       # 9 MB each
def _lowest(site: Site, radar: Radar) -> tuple[Array, Array, Array, Array]:
    """Edges of directions and of distances, and of each cell's middle the ground's height and the
    least height seen over it.
    """
    directions = max(8, round(DIRECTIONS * radar.azimuth_width / TURN))
    azimuth = radar.azimuth_from + radar.azimuth_width * np.arange(directions + 1) / directions
    distance = min(radar.range_max, FARTHEST) * np.arange(CELLS + 1) / CELLS
    step = float(distance[1])
    between = 1 if site.ground.up.size == 1 else min(MOST_BETWEEN, 1 + 2 * int(step / site.ground.step))
    surface, least = lowest_seen(site.ground, radar.place, 0.5 * (azimuth[1:] + azimuth[:-1]), step, CELLS, between)
    return azimuth, distance, surface.astype(np.float32), least.astype(np.float32)


def _densified(ring: Array) -> Array:
    """A ring of the grid with a corner at every direction it passes: an arc is no straight line."""
    pieces = []
    for start, end in pairwise(ring):
        count = max(1, int(abs(end[1] - start[1])))
        pieces.append(start + (end - start) * (np.arange(count) / count)[:, None])
    return np.concatenate(pieces)


def _rings(shape: BaseGeometry) -> list[list[Array]]:
    """A shape's polygons as rings, thinned to a tenth of a percent of its width at most and rounded
    to metres.
    """
    if shape.is_empty:
        return []
    west, south, east, north = shape.bounds
    thinned = shape.simplify(max(2.0, 2e-4 * max(east - west, north - south)))
    polygons = [p for p in getattr(thinned, "geoms", [thinned]) if isinstance(p, Polygon) and not p.is_empty]
    return [
        [np.round(np.asarray(ring.coords)) for ring in (p.exterior, *(hole for hole in p.interiors
            if Polygon(hole).area > SMALLEST))] for p in polygons
    ]
