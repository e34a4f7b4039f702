"""The two sites that the judge defends: a copy of the shipped airport's zones, and a camp by the
sea. Written as files, read by the product's loader.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .radar import Set

SHIPPED = Path(__file__).resolve().parents[3] / "sites" / "kabul"
EQUATOR, FLATTENING = 6_378_137.0, 1.0 / 298.257223563      # WGS-84: metres, of 1


class Zone(NamedTuple):
    name: str
    people: float
    shelter: float          # [s]
    ring: np.ndarray        # (k, 2) east, north [m]
    warn: bool


class Place(NamedTuple):
    """A site as the judge knows it."""

    name: str
    latitude: float         # [rad]
    longitude: float        # [rad]
    elevation: float        # [m]
    zones: tuple[Zone, ...]
    wind_up: np.ndarray     # (k,)
    wind: np.ndarray        # (k, 2) as the defender believes it [m/s]
    wind_sigma: float       # [m/s]
    temperature: float      # offset as believed [K]
    hazard: float           # radius [m]
    warn_margin: float      # [s]
    all_clear: float        # [s]
    frame: float            # [s]


def metres_a_radian(latitude: float) -> tuple[float, float]:
    """East and north metres a radian of longitude and latitude on WGS-84."""
    e2 = FLATTENING * (2.0 - FLATTENING)
    w = 1.0 - e2 * math.sin(latitude) ** 2
    return EQUATOR / math.sqrt(w) * math.cos(latitude), EQUATOR * (1.0 - e2) / w**1.5


def airport() -> Place:
    """The shipped airport: the zones that people wrote, read as plain JSON."""
    latitude, longitude = math.radians(34.5659), math.radians(69.2123)
    east, north = metres_a_radian(latitude)
    zones = []
    for feature in json.loads((SHIPPED / "zones.geojson").read_text())["features"]:
        told = feature["properties"]
        ring = np.radians(np.array(feature["geometry"]["coordinates"][0])[:-1])
        zones.append(Zone(told["name"], told["people"], told["shelter_s"], (ring - [longitude, latitude]) * [east,
            north], told["warn"] == "yes"))
    return Place("kabul", latitude, longitude, 1791.0, tuple(zones), np.array([0.0, 500.0, 1500.0, 3000.0, 6000.0]),
                 np.array([[1.0, -1.0], [3.0, -2.0], [5.0, -2.0], [8.0, -3.0], [12.0, -4.0]]), 2.5, 8.0, 40.0, 4.0,
                     30.0, 0.25)


def camp() -> Place:
    """A camp by the sea, wholly invented: sixteen quarters on a bent street, a pier and a depot."""
    zones = []
    for k in range(16):
        east, north = 260.0 * (k % 6) - 700.0, 230.0 * (k // 6) - 300.0 + 30.0 * (k % 3)
        wide, high = 60.0 + 11.0 * (k % 4), 40.0 + 13.0 * (k % 5)
        turn = 0.15 * k
        corner = np.array([[-wide, -high], [wide, -high], [wide, high], [-wide, high]]) @ [[math.cos(turn),
            math.sin(turn)], [-math.sin(turn), math.cos(turn)]]
        zones.append(Zone(f"quarter {k + 1}", 40.0 + 25.0 * (k % 7), 6.0 + 2.0 * (k % 3),
            corner + np.array([east, north]), True))
    zones.append(Zone("pier", 15.0, 12.0, np.array([[900.0, -900.0], [960.0, -920.0], [1010.0, -620.0],
        [950.0, -600.0]]), True))
    zones.append(Zone("depot", 0.0, 8.0, np.array([[-1300.0, 500.0], [-1150.0, 500.0], [-1150.0, 640.0],
        [-1300.0, 640.0]]), False))
    return Place("camp", math.radians(52.0), math.radians(4.0), 5.0, tuple(zones),
        np.array([0.0, 400.0, 1200.0, 2500.0, 5000.0, 9000.0]),
                 np.array([[4.0, 1.0], [6.0, 2.0], [8.0, 3.0], [11.0, 5.0], [15.0, 6.0], [20.0, 8.0]]), 2.5, -3.0,
                     40.0, 4.0, 30.0, 0.25)


def write(place: Place, radars: tuple[Set, ...], folder: Path) -> Path:
    """The site as site.toml and zones.geojson in `folder`, for the product's loader."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f'name = "{place.name}"', f'title = "{place.name}, for the outside judge"',
        'drag_laws = ["constant", "G1", "G7"]', "[origin]",
             f"latitude_deg = {math.degrees(place.latitude):.9f}",
                 f"longitude_deg = {math.degrees(place.longitude):.9f}",
             f"elevation_m = {place.elevation}", "[weather]", f"wind_up_m = {place.wind_up.tolist()}",
                 f"wind_east_mps = {place.wind[:, 0].tolist()}",
             f"wind_north_mps = {place.wind[:, 1].tolist()}", f"wind_sigma_mps = {place.wind_sigma}",
                 f"temperature_offset_k = {place.temperature}"]
    for radar in radars:
        lines += _radar(radar)
    lines += ["[[receivers]]", "east_m = -400.0", "north_m = -280.0", "height_m = 30.0", "[policy]",
        f"frame_s = {place.frame}",
              "warn_probability = 0.25", "clear_probability = 0.02", f"warn_margin_s = {place.warn_margin}",
                  f"all_clear_s = {place.all_clear}",
              f"hazard_radius_m = {place.hazard}"]
    (folder / "site.toml").write_text("\n".join(lines) + "\n")
    east, north = metres_a_radian(place.latitude)
    features = []
    for zone in place.zones:
        ring = np.degrees(zone.ring / [east, north] + [place.longitude, place.latitude])
        told = {"name": zone.name, "kind": "building", "people": zone.people, "shelter_s": zone.shelter, "warn": "yes"
            if zone.warn else "no"}
        features.append({"type": "Feature", "properties": told, "geometry": {"type": "Polygon",
            "coordinates": [[*ring.tolist(), ring[0].tolist()]]}})
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return folder


def _radar(radar: Set) -> list[str]:
    told = ["[[radars]]", f'name = "{radar.name}"', f'kind = "{"rotating" if radar.turning else "staring"}"',
        f"east_m = {radar.place[0]}",
            f"north_m = {radar.place[1]}", f"height_m = {radar.place[2]}", f"revisit_s = {radar.revisit}",
                f"range_min_m = {radar.least}",
            f"range_max_m = {radar.most}", f"elevation_min_deg = {math.degrees(radar.low):.6f}",
                f"elevation_max_deg = {math.degrees(radar.high):.6f}",
            f"range_sigma_m = {radar.sigma[0]}", f"azimuth_sigma_mrad = {radar.sigma[1] * 1e3}",
                f"elevation_sigma_mrad = {radar.sigma[2] * 1e3}",
            f"reference_snr_db = {radar.reference}", f"reference_range_m = {radar.reference_range}",
                "detection_probability = 0.9",
            f"false_alarms = {radar.false_alarms}", f"range_cell_m = {radar.cell[0]}",
                f"azimuth_cell_deg = {math.degrees(radar.cell[1]):.6f}",
            f"elevation_cell_deg = {math.degrees(radar.cell[2]):.6f}"]
    if radar.doppler:
        told += [f"range_rate_sigma_mps = {radar.sigma[3]}", f"range_rate_cell_mps = {radar.cell[3]}",
            f"range_rate_span_mps = {radar.span}"]
    return told


def distance(places: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """Distance (n,) of places (n, 2) to a polygon; 0 inside."""
    a, b = ring, np.roll(ring, -1, axis=0)
    d, rel = b - a, places[:, None, :] - a
    along = np.clip((rel * d).sum(-1) / (d * d).sum(-1), 0.0, 1.0)
    best = np.linalg.norm(rel - along[..., None] * d, axis=-1).min(-1)
    x, y = places[:, :1], places[:, 1:]
    straddles = (a[:, 1] > y) != (b[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        crosses = straddles & (x < (b[:, 0] - a[:, 0]) * (y - a[:, 1]) / (b[:, 1] - a[:, 1]) + a[:, 0])
    return np.where(crosses.sum(-1) % 2 == 1, 0.0, best)
