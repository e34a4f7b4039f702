"""What a base tells its region: a lean picture each second, and once where its zones are. Never a
place of origin.

picture   t            of the picture [s since 1970]
          rounds       each [latitude, longitude (1e-5 deg), height (m), seconds to impact,
                       latitude, longitude of the impact (1e-5 deg),
                       half axis of its doubt (m)]; no velocity, and nothing of where a round was
                       first seen
          aircraft     how many are followed
          warnings     each [zone, stage, onset, until, due]: rows of `place`, seconds since 1970
          pre_alerts   rows of zones under a pre-alert
          health       radars that work, radars, sentences of what is wrong
place     title, console, latitude, longitude, zones: each [name, kind, ring of latitude and
          longitude (1e-5 deg)]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from skywarden.kernels.geometry.earth import to_earth
from skywarden.messages.moment import Moment
from skywarden.messages.picture import CLEAR, PROJECTILE
from skywarden.messages.tables import Array
from skywarden.site.model import Site

MOST_ROUNDS = 200  # of one picture, those that come down first
LIKELY = 0.5  # probability of being a projectile from which a track is told
MOST_FAULTS = 8
SCALE = 1e5  # of degrees in whole numbers: 1.1 m


def lean(moment: Moment, site: Site, epoch_ns: int, faults: Sequence[str] = ()) -> dict[str, Any]:
    """The picture of a moment as a region is told it: some 30 bytes a round.

    site      the site as its defender declared it
    epoch_ns  the record's epoch, ns since 1970
    faults    what is wrong at the base, in sentences
    """
    picture, epoch = moment.picture, epoch_ns * 1e-9
    warnings = picture.warnings
    standing = np.flatnonzero(warnings.action != CLEAR)
    pre_alerts = getattr(picture, "pre_alerts", None)
    return {
        "t": round(epoch + picture.t, 3),
        "rounds": _rounds(moment, site),
        "aircraft": int((np.argmax(picture.tracks.kind, axis=1) != PROJECTILE).sum())
        if picture.tracks.number.size
        else 0,
        "warnings": [
            [
                int(warnings.zone[k]),
                int(warnings.stage[k]),
                round(epoch + float(warnings.since[k]), 3),
                _time(epoch, warnings.until[k]),
                _time(epoch, warnings.t_impact[k]),
            ]
            for k in standing.tolist()
        ],
        "pre_alerts": [] if pre_alerts is None else sorted(set(map(int, pre_alerts.zone.tolist()))),
        "health": [
            int(moment.frame.radars.up.sum()),
            int(moment.frame.radars.up.size),
            [f[:120] for f in faults[:MOST_FAULTS]],
        ],
    }


def place(site: Site, console: str) -> dict[str, Any]:
    """Where a base is, and its zones.

    site     the site as its defender declared it
    console  address of the base's own console, empty for none
    """
    origin = site.origin
    return {
        "title": site.title[:120],
        "console": console[:300],
        "latitude": round(math.degrees(origin.latitude), 5),
        "longitude": round(math.degrees(origin.longitude), 5),
        "zones": [
            [zone.name, zone.kind, _whole(site, np.column_stack([zone.polygon, np.zeros(len(zone.polygon))]))]
            for zone in site.zones
        ],
    }


def _rounds(moment: Moment, site: Site) -> list[list[int]]:
    picture = moment.picture
    impacts, tracks = picture.impacts, picture.tracks
    rows = np.flatnonzero((impacts.p_projectile >= LIKELY) & np.isfinite(impacts.t))
    rows = rows[np.argsort(impacts.t[rows], kind="stable")][:MOST_ROUNDS]
    found = {number: k for k, number in enumerate(tracks.number.tolist())}
    rows = np.array([k for k in rows.tolist() if int(impacts.track[k]) in found], np.int64)
    if not rows.size:
        return []
    now = tracks.state[[found[int(impacts.track[k])] for k in rows.tolist()], :3]
    here, there = _whole(site, now), _whole(site, impacts.place[rows])
    doubt = np.sqrt(np.maximum(np.trace(impacts.covariance[rows][:, :2, :2], axis1=1, axis2=2), 0.0))
    return [
        [
            *here[k],
            round(float(now[k, 2])),
            max(0, round(float(impacts.t[row] - picture.t))),
            *there[k],
            min(99_999, round(float(doubt[k]))),
        ]
        for k, row in enumerate(rows.tolist())
    ]


def _whole(site: Site, places: Array) -> list[list[int]]:
    origin = site.origin
    latitude, longitude, _ = to_earth(origin.latitude, origin.longitude, origin.elevation, places)
    return [
        [round(math.degrees(a) * SCALE), round(math.degrees(o) * SCALE)]
        for a, o in zip(latitude, longitude, strict=True)
    ]


def _time(epoch: float, t: Any) -> float | None:
    return round(epoch + float(t), 1) if math.isfinite(float(t)) else None
