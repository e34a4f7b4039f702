"""Places where something might stand: a grid over the site's own ground, or those that are named."""

from __future__ import annotations

import numpy as np
from shapely import contains_xy
from shapely.geometry import MultiPoint, Polygon
from shapely.geometry.base import BaseGeometry

from skywarden.messages.tables import Array
from skywarden.site.model import Site
from skywarden.study.plan import Siting

MOST_PLACES = 2000  # candidates; more are asked for with a coarser grid


class PlacesError(Exception):
    """What is wrong with the candidates asked for."""


def candidates(siting: Siting, site: Site) -> Array:
    """East, north (n, 2) [m] of every candidate. Raises PlacesError.

    siting  what is to be sited
    site    the site as its defender declared it
    """
    if siting.places:
        return np.array(siting.places, float)
    area = _area(siting, site)
    west, south, east, north = area.bounds
    columns = np.arange(np.ceil(west / siting.grid), np.floor(east / siting.grid) + 1.0) * siting.grid
    rows = np.arange(np.ceil(south / siting.grid), np.floor(north / siting.grid) + 1.0) * siting.grid
    if columns.size * rows.size > 50 * MOST_PLACES:
        raise PlacesError(
            f"a grid of {siting.grid:g} m has {columns.size * rows.size:,} points there: make it coarser"
        )
    places = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    places = places[contains_xy(area, places[:, 0], places[:, 1])]
    if not len(places):
        raise PlacesError(f"no point of a grid of {siting.grid:g} m lies there: make it finer")
    if len(places) > MOST_PLACES:
        raise PlacesError(f"{len(places)} candidates are more than {MOST_PLACES}: make the grid coarser")
    return places


def _area(siting: Siting, site: Site) -> BaseGeometry:
    if siting.within == "zones":
        if not site.zones:
            raise PlacesError("the site has no zones to stand within")
        return MultiPoint(np.concatenate([zone.polygon for zone in site.zones])).convex_hull.buffer(siting.margin)
    for zone in site.zones:
        if zone.name == siting.within:
            return Polygon(zone.polygon).buffer(siting.margin)
    raise PlacesError(
        f'the site has no zone "{siting.within}"; it has: {", ".join(zone.name for zone in site.zones)}'
    )


def costs(siting: Siting, places: Array) -> Array:
    """Of each candidate (n,): the same for all, and more by the kilometre to the site's origin.

    siting  what is to be sited
    places  (n, 2) east, north [m]
    """
    return np.asarray(siting.cost + siting.cost_per_km * np.hypot(places[:, 0], places[:, 1]) / 1000.0)
