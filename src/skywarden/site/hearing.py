"""Who hears which siren, how loud and how long after it sounds."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from skywarden.kernels.ballistics.air import density_and_sound, with_weather
from skywarden.site.model import Array, Siren, Site, Zone

MEASURED_AT = 30.0  # m from a siren at which its level is stated
DOUBLED = 10.0  # dB lost for each doubling of the distance, over mixed ground; FEMA CPG 1-17 (1980)
ABOVE = 10.0  # dB over the ambient level from which a siren is heard as one; FEMA CPG 1-17 (1980)
GRID = 7  # points a side looked at in a zone


class Hearing(NamedTuple):
    """One row a zone."""

    siren: Array  # (n,) int64 row of `Site.sirens` whose sound is there first; -1 none is loud enough
    level: Array  # (n,) of the loudest siren where it is heard worst [dB]; nan no sirens
    share: Array  # (n,) share of the zone in which one is loud enough
    # (n,) until nine tenths of those who hear one do [s]; 0 where none is heard: those are told in another way
    delay: Array


@lru_cache(maxsize=8)
def hearing(site: Site) -> Hearing:
    """What every zone of the site hears of its sirens; without sirens nothing, at once."""
    n = len(site.zones)
    siren, level, share, delay = np.full(n, -1, np.int64), np.full(n, math.nan), np.zeros(n), np.zeros(n)
    if not site.sirens:
        return Hearing(siren, level, share, delay)
    speed = sound_speed_of(site)
    for k, zone in enumerate(site.zones):
        points = inside(zone)
        apart = np.stack([np.hypot(*(points - each.place[:2]).T) for each in site.sirens])
        levels = np.stack([level_at(each, points) for each in site.sirens])
        loud = levels >= zone.ambient_db + ABOVE
        first = np.where(loud, apart, math.inf).min(axis=0)
        level[k], share[k] = float(levels.max(axis=0).min()), float(loud.any(axis=0).mean())
        if loud.any():
            siren[k] = int(np.where(loud, apart, math.inf).min(axis=1).argmin())
            delay[k] = float(np.quantile(first[np.isfinite(first)], 0.9)) / speed
    return Hearing(siren, level, share, delay)


def level_at(siren: Siren, points: Array) -> Array:
    """Its level (n,) [dB] at points (n, 2) east, north [m].

    siren  the siren as declared
    """
    apart = np.maximum(np.hypot(*(np.asarray(points, np.float64) - siren.place[:2]).T), 1.0)
    return np.asarray(siren.level_db - DOUBLED * np.log2(apart / MEASURED_AT))


def inside(zone: Zone) -> Array:
    """Points (k, 2) east, north [m] spread evenly over a zone, its corners among them."""
    low, high = zone.polygon.min(axis=0), zone.polygon.max(axis=0)
    steps = (np.arange(GRID) + 0.5) / GRID
    east, north = np.meshgrid(low[0] + steps * (high[0] - low[0]), low[1] + steps * (high[1] - low[1]))
    grid = np.column_stack([east.ravel(), north.ravel()])
    a, b = zone.polygon, np.roll(zone.polygon, -1, axis=0)
    crossing = (a[:, 1] > grid[:, 1:]) != (b[:, 1] > grid[:, 1:])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = a[:, 0] + (grid[:, 1:] - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
    within = (crossing & (grid[:, :1] < at)).sum(axis=1) % 2 == 1
    return np.concatenate([grid[within], zone.polygon])


def sound_speed_of(site: Site) -> float:
    """Speed of sound at the site's ground in its believed weather [m/s]."""
    w = site.weather
    return float(density_and_sound(with_weather(site.air, w.up, w.wind, w.temperature_offset, w.pressure_ratio),
        0.0)[1])
