"""Whom a siren would reach from each candidate place: the people of zones, spread over their
ground.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from shapely import contains_xy
from shapely.geometry import Polygon

from skywarden.messages.tables import Array
from skywarden.site.hearing import ABOVE, level_at
from skywarden.site.model import Siren, Site

MOST_POINTS = 400  # samples of a zone's ground


def listeners(site: Site) -> tuple[Array, Array, Array]:
    """Points of the zones' ground (n, 2) [m], the people at each (n,), and the ambient level there
    (n,) [dB]; zones with people only.

    site  the site as its defender declared it
    """
    points, people, ambient = [], [], []
    for zone in site.zones:
        if zone.people > 0.0:
            own = _spread(zone.polygon)
            points.append(own)
            people.append(np.full(len(own), zone.people / len(own)))
            ambient.append(np.full(len(own), zone.ambient_db))
    if not points:
        return np.zeros((0, 2)), np.zeros(0), np.zeros(0)
    return np.concatenate(points), np.concatenate(people), np.concatenate(ambient)


def covers(siren: Siren, places: Array, points: Array, ambient: Array) -> Array:
    """Which points hear such a siren from each place, (places, points) bool.

    ambient  (n,) ambient level at each point [dB]
    """
    made = np.zeros((len(places), len(points)), np.bool_)
    for k, (east, north) in enumerate(places):
        made[k] = level_at(replace(siren, place=np.array([east, north, siren.place[2]])), points) >= ambient + ABOVE
    return made


def already(site: Site, points: Array, ambient: Array) -> Array:
    """How many sirens that stand each point hears, (n,).

    site     the site as its defender declared it
    points   (n, 2) east, north [m]
    ambient  (n,) ambient level at each point [dB]
    """
    heard = np.zeros(len(points), np.int64)
    for siren in site.sirens:
        heard += level_at(siren, points) >= ambient + ABOVE
    return heard


def _spread(polygon: Array) -> Array:
    """Points of a regular grid inside a polygon, about MOST_POINTS at most; one where it is too
    narrow for any.
    """
    shape = Polygon(polygon)
    step = max((shape.area / MOST_POINTS) ** 0.5, 10.0)
    west, south, east, north = shape.bounds
    columns, rows = np.arange(west + 0.5 * step, east, step), np.arange(south + 0.5 * step, north, step)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    inside = grid[contains_xy(shape, grid[:, 0], grid[:, 1])] if len(grid) else grid
    point = shape.representative_point()
    return inside if len(inside) else np.array([[point.x, point.y]])
