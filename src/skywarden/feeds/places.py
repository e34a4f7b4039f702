"""Reports from anywhere on earth brought into the site frame, and weighed: what cannot be is
refused here.
"""

from __future__ import annotations

import math

from skywarden.feeds.source import Beyond, Report
from skywarden.formats.claim import Claim, callsign
from skywarden.kernels.ballistics.air import (
    GAS,
    GEOPOTENTIAL_RADIUS,
    LAYER_HEIGHT,
    LAYER_LAPSE,
    LAYER_PRESSURE,
    LAYER_TEMPERATURE,
    STANDARD_GRAVITY,
)
from skywarden.kernels.geometry.earth import to_site
from skywarden.messages.frame import ELSEWHERE, IMPOSSIBLE, NO_ADDRESS
from skywarden.site.model import Site

FARTHEST = 500_000.0        # m from the site: a report from further away concerns another place
HIGHEST = 30_000.0          # m: 98,000 ft; nothing that reports itself flies higher
LOWEST = -1_500.0           # m
FASTEST = 700.0             # m/s: 1,360 kt over ground
FASTEST_CLIMB = 200.0       # m/s: 39,000 ft/min


def report(claim: Claim, site: Site) -> Report | int:
    """The claim in the site frame; the cause, IMPOSSIBLE or ELSEWHERE, where it is none."""
    if not _possible(claim):
        return IMPOSSIBLE
    altitude = claim.altitude
    if math.isnan(altitude) and claim.on_ground:
        altitude = math.nan
    elif math.isnan(altitude) and math.isfinite(claim.pressure_altitude):
        altitude = height_of(claim.pressure_altitude, site.weather.pressure_ratio)
    o = site.origin
    turn = 0.0
    if math.isfinite(claim.latitude):
        known = altitude if math.isfinite(altitude) else o.elevation
        east, north, up = to_site(o.latitude, o.longitude, o.elevation, claim.latitude, claim.longitude,
            known)[0].tolist()
        turn = (claim.longitude - o.longitude + math.pi) % (2.0 * math.pi) - math.pi
        turn *= math.sin(o.latitude)            # meridians meet: its north is not the site's north
    else:
        east, north = claim.plane
        up = altitude - o.elevation
    if not math.hypot(east, north) <= FARTHEST:
        return Beyond(ELSEWHERE, (claim.latitude, claim.longitude)) if math.isfinite(claim.latitude) else ELSEWHERE
    course = claim.heading - turn
    velocity = (claim.speed * math.sin(course), claim.speed * math.cos(course), claim.climb)
    return Report(
        claim.t, claim.address if 0 < claim.address < 0xFFFFFF else NO_ADDRESS, callsign(claim.callsign),
        (east, north, up if math.isfinite(altitude) else math.nan), velocity, claim.pressure_altitude, claim.nic,
        claim.nacp, claim.source, claim.on_ground)


def height_of(pressure_altitude: float, pressure_ratio: float) -> float:
    """Height above mean sea level [m] at which a transponder set to 1013.25 hPa reports
    `pressure_altitude` [m].

    pressure_ratio   of the site's air to the standard atmosphere's at the same height
    """
    h = _height(_pressure(pressure_altitude) / pressure_ratio)
    return GEOPOTENTIAL_RADIUS * h / (GEOPOTENTIAL_RADIUS - h)


def _pressure(height: float) -> float:
    """Standard pressure [Pa] at a geopotential height [m]."""
    i = _layer(height, LAYER_HEIGHT)
    rise, lapse, foot = height - LAYER_HEIGHT[i], LAYER_LAPSE[i], LAYER_TEMPERATURE[i]
    if lapse == 0.0:
        return LAYER_PRESSURE[i] * math.exp(-STANDARD_GRAVITY * rise / (GAS * foot))
    return float(LAYER_PRESSURE[i] * (1.0 + lapse * rise / foot) ** (-STANDARD_GRAVITY / (GAS * lapse)))


def _height(pressure: float) -> float:
    """Geopotential height [m] of a standard pressure [Pa]."""
    i = _layer(-pressure, tuple(-p for p in LAYER_PRESSURE))
    lapse, foot, ratio = LAYER_LAPSE[i], LAYER_TEMPERATURE[i], pressure / LAYER_PRESSURE[i]
    if lapse == 0.0:
        return LAYER_HEIGHT[i] - GAS * foot / STANDARD_GRAVITY * math.log(ratio)
    return float(LAYER_HEIGHT[i] + foot / lapse * (ratio ** (-GAS * lapse / STANDARD_GRAVITY) - 1.0))


def _layer(value: float, feet: tuple[float, ...]) -> int:
    i = 0
    while i < len(feet) - 1 and value >= feet[i + 1]:
        i += 1
    return i


def _possible(c: Claim) -> bool:
    """Whether nothing in the claim is impossible. What it does not say is no reason to doubt it,
    but it must say where.
    """
    if math.isfinite(c.latitude) and math.isfinite(c.longitude):
        if abs(c.latitude) > math.pi / 2 or abs(c.longitude) > math.pi or (c.latitude == 0.0 and c.longitude == 0.0):
            return False
    elif not (math.isfinite(c.plane[0]) and math.isfinite(c.plane[1])):
        return False
    heights = all(not math.isfinite(h) or LOWEST <= h <= HIGHEST for h in (c.altitude, c.pressure_altitude))
    return heights and not c.speed > FASTEST and not c.speed < 0.0 and not abs(c.climb) > FASTEST_CLIMB
