"""What an engagement leaves behind comes down somewhere: where, and whom it endangers there."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.kernels.geometry.polygon import area, area_within, distance
from skywarden.messages.drill import DEBRIS, DUD, PARTIAL, SPENT, Fallout
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.rehearsal.corridor import Corridor
from skywarden.site.effect import kill_probability
from skywarden.site.model import Effector, Site

Array = NDArray[Any]

GRAVITY = 9.80665           # m/s², standard, CGPM 1901
# m above the ground: an interception below it, over people, is refused for what falls from it
LOW = 250.0
FRAGMENTS = 150.0           # m around the place below a low interception that fragments are taken to reach
# m/s of most fragments beside their fall till they are down: ejected by the burst, carried by the wind; illustrative
DRIFT = 20.0
# m/s at most with which the burst ejects fragments; m over which air takes 1 - 1/e of a speed; illustrative
THROWN, SLOWED = 125.0, 130.0
# m aside at most, as fragments are slowed the more while they fall; s for which they rise at most
ASIDE, RISE = 350.0, 2.0
# share of its velocity that a round broken off but whole keeps; m/s, standard deviation about that; illustrative
KEPT, BROKEN_OFF = 0.7, 25.0
PIECES = 30.0               # fragments of a stopped round that are heavy enough to hurt; illustrative
PIECE_AREA = 0.5            # m² in which somebody is hurt by one fragment; illustrative
SPENT_AREA = 0.1            # m² in which somebody is hurt by the remains of one spent round of the effect
DUD_AREA = 20.0             # m² in which somebody is hurt by a spent round that comes down whole
PARTLY = 0.15               # share of stopped rounds that come down with their charge; illustrative
SLOWEST, LONGEST = 20.0, 60.0   # m/s at least with which fragments fall; s for which they are followed


class Below(NamedTuple):
    """What comes down, and the air it comes through."""

    pieces: float       # of the stopped round, expected
    area: float         # of the ground that they come down on [m²]
    # (11,) east, north, up of the meeting [m], the round's velocity then, east, north, up [m/s], time then, how long
    # pieces are
    falling: Array
                        # followed [s], the middle of the winds they may drift with, east, north, and how far from it
                        # the others are [m/s]
    whole: float        # rounds broken off but whole, expected
    circles: Array      # (4, 5) by cause: east, north, radius [m], pieces, area that one piece endangers [m²]


def below_of(corridor: Corridor, row: int, effector: Effector, frame: Frame, picture: Picture, site: Site) -> Below:
    """Where what the engagement leaves comes down.

    corridor  the corridor that the engagement occupies
    row       row of the picture's tracks
    effector  the simulated effector, as declared
    frame     what came in at this frame
    picture   what is believed at this frame
    site      the site as its defender declared it

    Pieces keep at most the round's velocity, at least none of it: they come down between straight
    below and as far as it would go without air.
    """
    vx, vy, vz = _velocity(corridor, row, picture)
    sx, sy, sz = corridor.start.tolist()
    hx, hy, hz = corridor.hit.tolist()
    height = max(corridor.hit_height, 1.0)
    fall = (vz + math.sqrt(vz**2 + 2.0 * GRAVITY * height)) / GRAVITY
    stops = kill_probability(effector, (hx - sx, hy - sy, hz - sz), (vx, vy, vz))
    mx, my = hx + 0.5 * fall * vx, hy + 0.5 * fall * vy
    gone, beside = fall * math.hypot(vx, vy), DRIFT * math.sqrt(2.0 * height / GRAVITY) + 20.0
    ex, ey, ez = corridor.ends.mean(axis=0).tolist()
    swept = 0.5 * math.dist(corridor.ends[-1].tolist(), corridor.ends[0].tolist())
    far = math.hypot(ex - sx, ey - sy)
    light = not math.isfinite(effector.speed)
    burst, dud = (0.0, 0.0) if light else (float(effector.burst), effector.burst * effector.dud_share)
    high = max(ez - sz, 1.0)
    impact = np.flatnonzero(picture.impacts.track == picture.tracks.number[row])
    px, py = picture.impacts.place[impact[0], :2].tolist() if impact.size else (mx, my)
    circles = np.array([
        (mx, my, 0.5 * gone + beside, stops * PIECES, PIECE_AREA),
        (0.5 * (hx + px), 0.5 * (hy + py), 0.5 * math.hypot(px - hx, py - hy) + 100.0, stops * PARTLY,
            math.pi * site.policy.hazard_radius**2),
        (ex, ey, swept + corridor.spread * far + DRIFT * math.sqrt(2.0 * high / GRAVITY) + 20.0, burst - dud,
            SPENT_AREA),
        # a dud goes on behind the end of its line, or falls short of it
        (sx + 1.5 * (ex - sx), sy + 1.5 * (ey - sy), max(1.5 * far, 200.0), dud, DUD_AREA)])
    lasts = min(height / SLOWEST + 5.0, LONGEST)
    falling = np.array([hx, hy, hz, vx, vy, vz, corridor.t_hit, lasts, *_winds(hz, frame)])
    return Below(stops * PIECES, beside * (math.pi * beside + 2.0 * gone), falling, stops * PARTLY, circles)


def _winds(up: float, frame: Frame) -> tuple[float, float, float]:
    """The middle of no wind and of those believed up to a height, east, north, and how far from it
    the others are, two deviations more [m/s].
    """
    w = frame.weather
    there = [[0.0, 0.0], [float(np.interp(up, w.up, w.wind[:, k])) for k in (0, 1)], *w.wind[w.up < up].tolist()]
    low, high = np.min(there, axis=0), np.max(there, axis=0)
    east, north = (0.5 * (low + high)).tolist()
    return east, north, 0.5 * float(np.hypot(*(high - low))) + 2.0 * w.wind_sigma


def footprint(below: Below, site: Site) -> Fallout:
    """The circles on the ground that hold what comes down, and the people expected to be endangered
    there.

    below  what the engagement leaves
    site   the site as its defender declared it
    """
    used = np.flatnonzero(below.circles[:, 3] > 0.0)
    circles = below.circles[used]
    corners, first, crowd, bounds = _crowded(site)
    people = _endangered(circles, corners, first, crowd, bounds)
    return Fallout(_CAUSES[used], circles[:, :2].copy(), circles[:, 2].copy(), circles[:, 3].copy(), people)


_CAUSES = np.array([DEBRIS, PARTIAL, SPENT, DUD], np.int8)


def threatened(track: int, picture: Picture) -> float:
    """People expected to be endangered by letting a round through; at least its probability, so
    that a runway counts.

    track    number of the track
    picture  what is believed at this frame
    """
    t = picture.threats
    mine = t.track == track
    return float(np.maximum(t.people[mine], t.probability[mine]).sum())


def low_over_people(place: Array, height: float, site: Site) -> bool:
    """Whether an interception would be so low over people that the burst itself endangers them.

    place   (3,) where the burst would be, east north up [m]
    height  its height above the ground [m]
    site    the site as its defender declared it
    """
    return height < LOW and any(zone.people > 0.0 and distance(zone.polygon, place[0], place[1]) <= FRAGMENTS
        for zone in site.zones)


def _velocity(corridor: Corridor, row: int, picture: Picture) -> tuple[float, float, float]:
    """Of the round where it is met [m/s]: from its state now and the fall till then, drag left
    aside.
    """
    x, y, z, vx, vy, vz = picture.tracks.state[row, :6].tolist()
    dt = max(corridor.t_hit - picture.t, 0.0)
    if dt < 0.5:
        return vx, vy, vz
    hx, hy, hz = corridor.hit.tolist()
    return 2.0 * (hx - x) / dt - vx, 2.0 * (hy - y) / dt - vy, 2.0 * (hz - z) / dt - vz


@lru_cache(maxsize=8)
def _crowded(site: Site) -> tuple[Array, Array, Array, Array]:
    """Zones with people: corners one after the other, where each begins, people a square metre, (n,
    3) middle and radius.
    """
    zones = [zone for zone in site.zones if zone.people > 0.0 and abs(area(zone.polygon)) > 0.0]
    corners = np.concatenate([np.zeros((0, 2)), *(zone.polygon for zone in zones)])
    first = np.concatenate([[0], np.cumsum([len(zone.polygon) for zone in zones])]).astype(np.int64)
    crowd = np.array([zone.people / abs(area(zone.polygon)) for zone in zones])
    bounds = []
    for zone in zones:
        middle = zone.polygon.mean(axis=0)
        bounds.append((*middle, float(np.linalg.norm(zone.polygon - middle, axis=1).max())))
    return corners, first, crowd, np.array(bounds, np.float64).reshape(-1, 3)


@njit(cache=True, error_model="numpy")
def _endangered(circles: Array, corners: Array, first: Array, crowd: Array, bounds: Array) -> Array:
    """(n,) people expected to be endangered in each circle: pieces spread evenly over it, people
    over their zones.
    """
    out = np.zeros(circles.shape[0])
    for i in range(circles.shape[0]):
        east, north, radius = circles[i, 0], circles[i, 1], circles[i, 2]
        for z in range(crowd.shape[0]):
            if math.hypot(bounds[z, 0] - east, bounds[z, 1] - north) > radius + bounds[z, 2]:
                continue
            polygon = corners[first[z] : first[z + 1]]
            share = area_within(polygon, east, north, radius) / (math.pi * radius * radius)
            out[i] += circles[i, 3] * circles[i, 4] * crowd[z] * share
    return out
