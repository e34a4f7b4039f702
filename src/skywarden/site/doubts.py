"""What makes a site without fault one that protects nobody all the same: said by `check`, at the
start of a run and on the console, never refused.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np

from skywarden.kernels.geometry.ground import Ground, ground_up
from skywarden.site.airports import airports
from skywarden.site.coverage import within_declared
from skywarden.site.model import Array, Radar, Site, Zone
from skywarden.site.terrain import unknown_share

TERRAIN = "terrain.npz"
LEAST_UNKNOWN = 1e-3            # share of the ground unknown to its tiles from which it is worth a word
FEET_A_METRE = 1.0 / 0.3048
LIKE_FEET = 0.05                # relative difference from feet up to which a height is taken for one in feet
FEWEST_METRES = 30.0            # difference of two heights [m] below which their ratio tells nothing
# degrees of latitude and longitude from an airport within which a site is taken to be there
AT_AIRPORT = 0.03
# difference of the origin's height from its own terrain [m] that no coarse tile explains
FAR_OFF = 150.0
FEWEST_DETECTIONS = 5.0         # expected detections below which no round is tracked and warned of in time
LATEST = 3.0                    # time before impact [s] after which a warning helps nobody
EARLIEST = 30.0                 # time before impact [s] that is looked at: about a mortar round's whole flight
STEP = 0.25                     # between the moments that are looked at [s]
ANGLES = (35.0, 55.0, 75.0)     # of fall below the horizontal [deg]
BEARINGS = 12                   # directions rounds come from, all round
SPEED = 200.0                   # at impact [m/s]; illustrative
GRAVITY = 9.80665               # m/s², standard, CGPM 1901
ECHO = 0.01                     # radar cross-section of a mortar round [m²]; illustrative
HEARD_DB = 10.0                 # signal to noise that makes a detection likely [dB]
TOUCH = 20.0                    # height [m] that a ray may lie within the ground: the nearest grid point stands for it
SAMPLES = 48                    # of the ground along one ray
CHUNK = 2_000                   # rays at a time
MOST_ZONES = 20                 # zones looked at, spread over all
MOST_NAMED = 3                  # zones named one by one


@lru_cache(maxsize=8)
def doubts(site: Site) -> tuple[str, ...]:
    """Why this site may protect nobody, a sentence each; nothing where all is well. Illustrative
    rounds in vacuum, the radars as they are declared.
    """
    return (*_of_ground(site), *_of_warned(site), *_of_radars(site))


def _of_ground(site: Site) -> list[str]:
    if TERRAIN not in site.sources:
        return _beside_the_list(site)
    said = []
    share = unknown_share(site.sources[TERRAIN])
    if share >= LEAST_UNKNOWN:
        said.append(f"{100.0 * share:.2g} % of the ground is unknown to the terrain's tiles and taken to lie at the "
            "origin's height")
    declared, off = site.origin.elevation, float(ground_up(site.ground, 0.0, 0.0))
    there = declared + off
    ratio = declared / there if there > 0.0 else 0.0
    if abs(off) > FEWEST_METRES and abs(ratio / FEET_A_METRE - 1.0) < LIKE_FEET:
        said.append(f"elevation_m is {declared:g}, the terrain at the origin lies at {there:.0f} m: is elevation_m in "
            "feet?")
    elif abs(off) > FEWEST_METRES and abs(ratio * FEET_A_METRE - 1.0) < LIKE_FEET:
        said.append(f"elevation_m is {declared:g}, the terrain at the origin lies at {there:.0f}: are the terrain's "
            "heights in feet?")
    elif abs(off) > FAR_OFF:
        said.append(f"elevation_m is {declared:g}, but the terrain at the origin lies at {there:.0f} m: one of them is "
            "wrong, or the origin's place is")
    return said


def _beside_the_list(site: Site) -> list[str]:
    """Without terrain: an origin at an airport of the open list, but at another height."""
    here = (math.degrees(site.origin.latitude), math.degrees(site.origin.longitude))
    for airport in airports().values():
        if abs(airport.latitude - here[0]) < AT_AIRPORT and abs(airport.longitude
                - here[1]) < AT_AIRPORT and airport.elevation > FEWEST_METRES:
            declared, there = site.origin.elevation, airport.elevation
            if abs(declared / there / FEET_A_METRE - 1.0) < LIKE_FEET:
                return [f"elevation_m is {declared:g}, {airport.icao} {airport.name} lies at {there:.0f} m: is "
                    "elevation_m in feet?"]
            if abs(declared - there) > FAR_OFF:
                return [f"elevation_m is {declared:g}, but {airport.icao} {airport.name} beside the origin lies at "
                    f"{there:.0f} m"]
    return []


def _of_warned(site: Site) -> list[str]:
    if not site.zones:
        return ["there is no zone: nobody is warned"]
    if not any(zone.warn for zone in site.zones):
        return ["no zone can be warned (warn is no everywhere): nobody is warned"]
    return []


def _of_radars(site: Site) -> list[str]:
    if not site.radars:
        return ["there is no radar: nothing is seen, and nobody is warned"]
    primary = [radar for radar in site.radars if not radar.mode_s]
    if not primary:
        return ["every radar is a secondary one (mode_s), which sees transponders alone: no round is seen, and nobody "
            "is warned"]
    measuring = [radar for radar in primary if math.isfinite(radar.elevation_sigma)]
    if not measuring:
        return ["no radar measures elevation (elevation_sigma_mrad), and rounds are tracked only by one that does: "
            "nobody is warned"]
    zones = [zone for zone in site.zones if zone.warn] or list(site.zones)
    if not zones:
        return []
    zones = zones[:: max(1, math.ceil(len(zones) / MOST_ZONES))]
    paths = np.stack([_falling_on(site, zone) for zone in zones])          # (zones, ways, moments, 3)
    tracked = {radar.name: _tracked(site, radar, paths) for radar in measuring}
    said = [_why_never(site, radar, paths) for radar in measuring if not tracked[radar.name].any()]
    together = np.any(list(tracked.values()), axis=0)                      # (zones, ways)
    blind = [zone.name for zone, ways in zip(zones, together, strict=True) if not ways.any()]
    if together.any() and blind:
        more = f" and {len(blind) - MOST_NAMED} more" if len(blind) > MOST_NAMED else ""
        said.append(f"no radar can track a round that falls on {', '.join(blind[:MOST_NAMED])}{more}: they are warned "
            "late or never")
    return said


def _falling_on(site: Site, zone: Zone) -> Array:
    """Where rounds are that fall on a zone's middle, (ways, moments, 3) [m], from LATEST to
    EARLIEST before; nan where they have not left the ground.
    """
    middle = zone.polygon.mean(axis=0)
    up = float(ground_up(site.ground, float(middle[0]), float(middle[1])))
    angle, bearing = np.meshgrid(np.radians(ANGLES), 2.0 * math.pi * np.arange(BEARINGS) / BEARINGS, indexing="ij")
    before = np.arange(LATEST, EARLIEST + STEP, STEP)
    away = SPEED * np.cos(angle.ravel())[:, None] * before
    height = up + SPEED * np.sin(angle.ravel())[:, None] * before - 0.5 * GRAVITY * before**2
    east = middle[0] + away * np.sin(bearing.ravel())[:, None]
    north = middle[1] + away * np.cos(bearing.ravel())[:, None]
    path = np.stack([east, north, height], axis=-1)
    path[height <= up] = np.nan
    return path


def _tracked(site: Site, radar: Radar, paths: Array, over_ground: bool = True) -> Array:
    """Which of the rounds, paths (zones, ways, moments, 3), a radar detects often enough to track,
    (zones, ways) bool.
    """
    flat = paths.reshape(-1, 3)
    d = flat - radar.place
    distance = np.sqrt((d**2).sum(axis=1))
    with np.errstate(invalid="ignore"):
        near = within_declared(radar, distance, np.arctan2(d[:, 0], d[:, 1]), np.arcsin(d[:, 2] / np.maximum(distance,
            1e-9)))
        near &= distance <= _heard_to(radar)
    if over_ground and near.any():
        near[near] = _clear(site, radar.place, flat[near])
    seconds = STEP * near.reshape(paths.shape[:3]).sum(axis=2)
    return np.asarray(radar.detection_probability * seconds / max(radar.revisit, site.policy.frame_s)
        >= FEWEST_DETECTIONS)


def _clear(site: Site, place: Array, positions: Array) -> Array:
    """Which of positions (n, 3) the terrain does not hide from a place, by samples of the ground
    along each ray, (n,) bool.

    Plain and coarse beside `kernels.geometry.sight`: what is asked here is whether anything is seen
    at all, before a kernel is compiled.
    """
    if site.ground.up.size == 1:
        return np.ones(len(positions), np.bool_)
    share = (np.arange(SAMPLES) + 0.5) / SAMPLES
    clear = np.ones(len(positions), np.bool_)
    for k in range(0, len(positions), CHUNK):
        ray = place + share[:, None] * (positions[k : k + CHUNK, None, :] - place)
        clear[k : k + CHUNK] = (ray[..., 2] + TOUCH >= _ground_below(site.ground, ray[..., 0], ray[..., 1])).all(axis=1)
    return clear


def _ground_below(ground: Ground, east: Array, north: Array) -> Array:
    """Height of the nearest grid point [m], of the edge's beyond it."""
    rows, columns = ground.up.shape
    i = np.clip(np.rint((east - ground.east0) / ground.step), 0, columns - 1).astype(int)
    j = np.clip(np.rint((north - ground.north0) / ground.step), 0, rows - 1).astype(int)
    return np.asarray(ground.up[j, i])


def _heard_to(radar: Radar) -> float:
    """The range up to which a round's echo makes a detection likely [m]; inf without a signal
    model.
    """
    if not math.isfinite(radar.reference_range):
        return math.inf
    return radar.reference_range * (ECHO * 10.0 ** ((radar.reference_snr - HEARD_DB) / 10.0)) ** 0.25


def _why_never(site: Site, radar: Radar, paths: Array) -> str:
    """The sentence for a radar that tracks no round: which one of its declarations, were it
    another, would let it.
    """
    deg = 180.0 / math.pi
    ways = [
        (replace(radar, revisit=0.05), f"it looks every {radar.revisit:g} s, which is too seldom for a flight of half "
            "a minute"),
        (replace(radar, detection_probability=1.0), f"its detection probability is {radar.detection_probability:g}"),
        (replace(radar, elevation_min=-0.5 * math.pi, elevation_max=0.5 * math.pi),
         f"it sees elevations from {radar.elevation_min * deg:g} to {radar.elevation_max * deg:g} degrees alone"),
        (replace(radar, azimuth_from=0.0, azimuth_width=2.0 * math.pi),
         f"its sector of {radar.azimuth_width * deg:g} degrees from {radar.azimuth_from * deg:g} on looks elsewhere"),
        (replace(radar, range_min=0.0, range_max=1e6),
            f"its ranges are from {radar.range_min:g} to {radar.range_max:g} m"),
        (replace(radar, reference_range=math.nan),
            f"the echo of a round ({ECHO:g} m²) is too faint for it beyond {_heard_to(radar):.0f} m"),
    ]
    why = [reason for other, reason in ways if _tracked(site, other, paths).any()]
    if not why and _tracked(site, radar, paths, over_ground=False).any():
        why = ["the ground hides them"]
    reasons = "; ".join(why) or "its ranges, elevations, sector and revisit leave too little"
    return f'radar "{radar.name}" can never track a round that falls on a zone: {reasons}'
