"""Recorded flights as bodies before the judge's radar: cut into stretches, moved over the site,
with or without their transponder.
"""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from . import flight, others, places, raids
from .radar import Body

FOOT = 0.3048
GAP = 30.0              # s without a report that ends a stretch
LONG, LEAST = 100.0, 40.0   # s of a stretch at most, at least
SMOOTH = 1.5            # s of the smoothing that undoes the rounding of reported heights to 25 ft
AMONG = 4_000.0         # m from the origin within which a stretch's middle is moved


def stretches(file: Path) -> list[np.ndarray]:
    """Positions (n, 3) each flight.STEP of every stretch in a recording with the columns of the
    `traffic` library, about its own middle.
    """
    with gzip.open(file) as told:
        rows = json.load(told)
    if isinstance(rows, dict):      # a table by columns
        names = list(rows)
        rows = [dict(zip(names, values, strict=True)) for values in zip(*(rows[name].values() for name in names),
            strict=True)]
    out = []
    for address in sorted({row["icao24"] for row in rows}):
        mine = [row for row in rows if row["icao24"] == address and not any(row.get(c) is None for c in ("latitude",
            "longitude", "altitude"))]
        if len(mine) < 4:
            continue
        t = np.array([_when(row) for row in mine])
        place = np.array([(row["latitude"], row["longitude"], FOOT * row["altitude"]) for row in mine])
        order = np.argsort(t, kind="stable")
        t, place = t[order], place[order]
        keep = np.flatnonzero(np.diff(t, prepend=-np.inf) > 0.2)
        t, place = t[keep], place[keep]
        cuts = np.flatnonzero(np.diff(t) > GAP) + 1
        for times, spots in zip(np.split(t, cuts), np.split(place, cuts), strict=True):
            out += _pieces(times, spots)
    return out


def _when(row: dict[str, Any]) -> float:
    t = row["timestamp"]
    return t / 1000.0 if isinstance(t, int | float) else datetime.fromisoformat(str(t).replace("Z",
        "+00:00")).timestamp()


def _pieces(t: np.ndarray, place: np.ndarray) -> list[np.ndarray]:
    if len(t) < 4 or t[-1] - t[0] < LEAST:
        return []
    latitude, longitude = np.radians(place[:, 0]), np.unwrap(np.radians(place[:, 1]))
    east, north = places.metres_a_radian(float(latitude.mean()))
    xyz = np.stack([(longitude - longitude.mean()) * east, (latitude - latitude.mean()) * north, place[:, 2]], 1)
    at = np.arange(t[0], t[-1], flight.STEP)
    path = gaussian_filter1d(PchipInterpolator(t, xyz)(at), SMOOTH / flight.STEP, axis=0, mode="nearest")
    n = int(LONG / flight.STEP)
    return [part for k in range(0, len(path), n) if len(part := path[k : k + n]) * flight.STEP >= LEAST]


def scene(paths: list[np.ndarray], seed: int) -> raids.Raid:
    """A few stretches in the air at once, each moved over the site."""
    draw = np.random.default_rng([seed, 9])
    place = (places.airport, places.camp)[seed % 2]()
    bodies = []
    for path in paths:
        own = path - [*path[len(path) // 2, :2], 0.0] + [*draw.uniform(-AMONG, AMONG, 2), 0.0]
        own[:, 2] += max(25.0 - own[:, 2].min(), 0.0) - max(own[:, 2].min() - 3_000.0, 0.0)
        bodies.append(Body(others.sampled(own), draw.uniform(2.0, 40.0), 1.0, "aircraft" if draw.random() < 0.5
            else "unreported"))
    case = raids.Case("level")
    return raids.Raid(case, seed, place, raids.world_of(place, case.wind, draw), [], bodies,
        max(len(path) for path in paths) * flight.STEP + 1.0)
