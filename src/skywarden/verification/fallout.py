"""What comes down after an engagement, where, and on whom."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from skywarden.messages.drill import Clearance
from skywarden.messages.frame import Frame, Weather
from skywarden.messages.picture import Picture
from skywarden.site.model import Effector, Site, Zone
from skywarden.verification.aircraft import Volume
from skywarden.verification.limits import GRAVITY, LOW, METRE, SCATTER, Array
from skywarden.verification.path import alike
from skywarden.verification.physics import stopping_probability


class Circles(NamedTuple):
    """What comes down where: one row a cause."""

    place: Array        # (4, 2)
    radius: Array       # (4,)
    pieces: Array       # (4,)
    area: Array         # (4,) that one piece endangers [m²]


def circles_of(hit: Array, row: int, clearance: Clearance, effector: Effector, picture: Picture, site: Site) -> Circles:
    """Debris of a stopped round, one partly stopped, the spent effect, its duds.

    hit        (3,) where the effect meets the round, east north up [m]
    row        row of the track in the picture
    clearance  the clearance, given or refused
    effector   the simulated effector, as declared
    picture    what is believed at this frame
    site       the site as its defender declared it
    """
    e, state = clearance.evidence, picture.tracks.state[row]
    dt = clearance.t_hit - picture.t
    velocity = state[3:6] if dt < 0.5 else 2.0 * (hit - state[:3]) / dt - state[3:6]
    up = max(e.hit_height, 1.0)
    fall = (velocity[2] + math.sqrt(velocity[2] ** 2 + 2.0 * GRAVITY * up)) / GRAVITY
    line = hit - effector.place
    stops = stopping_probability(effector, line, velocity)
    pace = float(np.hypot(*velocity[:2]))
    mine = picture.impacts.place[picture.impacts.track == clearance.track, :2]
    middle = hit[:2] + 0.5 * fall * velocity[:2]
    lands = mine[0] if len(mine) else middle
    end = e.ends.mean(axis=0)
    out = end[:2] - effector.place[:2]
    far, high = float(np.hypot(*out)), max(float(end[2] - effector.place[2]), 1.0)
    shots = 0.0 if math.isinf(effector.speed) else float(effector.burst)
    return Circles(
        np.array([middle, 0.5 * (hit[:2] + lands), end[:2], effector.place[:2] + 1.5 * out]),
        np.array([0.5 * fall * pace + 20.0 * math.sqrt(2.0 * up / GRAVITY) + 20.0,
            0.5 * float(np.hypot(*(lands - hit[:2]))) + 100.0,
                  0.5 * float(np.linalg.norm(e.ends[-1] - e.ends[0])) + e.spread * far
                  + 20.0 * math.sqrt(2.0 * high / GRAVITY) + 20.0, max(1.5 * far, 200.0)]),
        np.array([stops * 30.0, stops * 0.15, shots * (1.0 - effector.dud_share), shots * effector.dud_share]),
        np.array([0.5, math.pi * site.policy.hazard_radius**2, 0.1, 20.0]))


def meets_fragments(
    volumes: list[Volume], circles: Circles, hit: Array, clearance: Clearance, effector: Effector, row: int,
    frame: Frame, picture: Picture,
) -> float:
    """Probability that what comes down, or flies on, meets an aircraft there by dead reckoning.

    volumes    protected volumes, one for each aircraft and what may be one
    circles    where debris may come down
    hit        (3,) where the effect meets the round, east north up [m]
    clearance  the clearance, given or refused
    effector   the simulated effector, as declared
    row        row of the track in the picture
    frame      what came in at this frame
    picture    what is believed at this frame
    """
    e, total = clearance.evidence, 0.0
    state, dt = picture.tracks.state[row], clearance.t_hit - picture.t
    pace = state[3:6] if dt < 0.5 else 2.0 * (hit - state[:3]) / dt - state[3:6]
    along = circles.place[0] - hit[:2]      # halfway to where it would come down without air
    beside = float(circles.radius[0] - np.hypot(*along))
    share = min(float(circles.pieces[0]) * 300.0 / (math.pi * beside**2 + 4.0 * beside * float(np.hypot(*along))), 1.0)
    lasts = min(max(e.hit_height, 1.0) / 20.0 + 5.0, 60.0)
    after = 0.5 * np.arange(int(2.0 * lasts) + 1)
    speed = float(np.linalg.norm(pace))
    # pieces are thrown at 125 m/s, go on with the round's velocity and fall, all of it slowed by the square of the
    # speed within 130 m
    cast = np.minimum(130.0 * np.log1p(125.0 * after / 130.0), 350.0)
    gone = 130.0 * np.log1p(speed * after / 130.0)
    least, most = 20.0 * np.maximum(after - 2.0, 0.0), 130.0 * np.log(np.cosh(after * math.sqrt(GRAVITY / 130.0)))
    middle, strays = _drift(frame.weather, float(hit[2]))
    drift = after[:, None] * np.append(middle, 0.0)
    # one broken off but whole keeps seven tenths of its velocity, give or take 25 m/s in each direction
    body = 0.7 * pace * after[:, None] - [0.0, 0.0, 0.5 * GRAVITY] * after[:, None] ** 2
    loose = np.maximum(25.0 * after, 100.0 / 3.0)
    far = float(np.linalg.norm(e.ends - e.place, axis=1).max())
    half = max(math.asin(min(0.5 * float(np.linalg.norm(b - a)) / far, 1.0)) for a, b in pairwise(e.ends))
    for volume in volumes:
        there = volume.position + volume.velocity * (clearance.t_hit + after - volume.t)[:, None] - hit - drift
        axes = 3 if np.isfinite(volume.position[2]) else 2
        total += share * bool((_off_pieces(there, pace, gone, least, most) <= cast + 100.0 + strays * after
            - METRE).any())
        part = np.clip((there * body)[:, :axes].sum(axis=1) / np.maximum((body**2)[:, :axes].sum(axis=1), 1e-9), 0.5,
            1.0)
        apart = ((there - part[:, None] * body)[:, :axes] ** 2).sum(axis=1)
        total += float(circles.pieces[1] * (np.exp(-0.5 * apart / loose**2) * 300.0 / (2.0 * math.pi * loose**2)).max())
        total += min(effector.burst * effector.dud_share, 1.0) * _meets_dud(volume, clearance, axes, far, half)
    return total


def _drift(weather: Weather, up: float) -> tuple[Array, float]:
    """Middle (2,) of the winds from none to the strongest below a height [m/s], and how far they
    stray from it.
    """
    w = weather
    blows = np.array([(0.0, 0.0), *w.wind[w.up < up], [np.interp(up, w.up, column) for column in w.wind.T]])
    span = np.ptp(blows, axis=0)
    return blows.min(axis=0) + 0.5 * span, 0.5 * float(np.linalg.norm(span)) + 2.0 * w.wind_sigma


def _meets_dud(volume: Volume, clearance: Clearance, axes: int, far: float, half: float) -> float:
    """Probability that one dud, flying on within three times the engagement's reach, meets an
    aircraft.

    axes  2 where the aircraft's height is unknown, else 3
    far   length of the longest line of the engagement's corridor [m]
    half  half the greatest angle between neighbouring lines [rad]
    """
    e = clearance.evidence
    away = (volume.position + volume.velocity * (0.5 * (clearance.t_from + clearance.t_to) - volume.t)
        - e.place)[:axes]
    way = ((e.ends - e.place) / far)[:, :axes]
    level = (way**2).sum(axis=1)
    distance = np.where(level > 1e-9, way @ away / np.maximum(level, 1e-9), 2.0 * far)
    off = np.sqrt(np.maximum(float(away @ away) - distance**2 * level, 0.0))
    wide = np.maximum(e.spread * distance, 1.0)
    met = (distance > far) & (distance < 3.0 * far) & (off < wide + half * distance + volume.more + 100.0)
    return float(np.minimum(300.0 / (math.pi * wide[met] ** 2), 1.0).max(initial=0.0))


def _off_pieces(there: Array, pace: Array, gone: Array, least: Array, most: Array) -> Array:
    """(k,) how far a place (k, 3) is from where pieces would be that were not thrown: up to `gone`
    along the round's way, `least` to `most` below that.
    """
    speed = max(float(np.linalg.norm(pace)), 1e-9)
    low, high = np.zeros(len(gone)), gone
    # the nearest along the way, by looking ever closer: the distance is convex
    for _ in range(6):
        share = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, 13)
        point = there[:, None, :] - share[..., None] * (pace / speed)
        above = np.fmax(np.fmax(point[..., 2] + least[:, None], -most[:, None] - point[..., 2]), 0.0)
        off = np.sqrt(point[..., 0] ** 2 + point[..., 1] ** 2 + above**2)
        best, width = np.argmin(off, axis=1)[:, None], (high - low) / 12.0
        here = np.take_along_axis(share, best, 1)[:, 0]
        low, high = np.maximum(here - width, 0.0), np.minimum(here + width, gone)
    return np.asarray(np.take_along_axis(off, best, 1)[:, 0])


def on_people(
    clearance: Clearance, hit: Array, row: int, effector: Effector, picture: Picture, site: Site
) -> list[tuple[str, str]]:
    """What comes down on people, and what the evidence says of it.

    clearance  the clearance, given or refused
    hit        (3,) where the effect meets the round, east north up [m]
    row        row of the track in the picture
    effector   the simulated effector, as declared
    picture    what is believed at this frame
    site       the site as its defender declared it
    """
    e = clearance.evidence
    wrong = [
        ("fallout", f"met {e.hit_height:.0f} m above {zone.name}") for zone in site.zones
        if zone.people > 0.0 and e.hit_height < LOW - METRE and off_polygon(zone.polygon, hit[:2]) <= SCATTER - METRE]
    t = picture.threats
    stake = sum(max(float(t.people[k]), float(t.probability[k])) for k in np.flatnonzero(t.track == clearance.track))
    if not abs(e.stake - stake) <= 1e-6 * max(stake, 1.0):
        wrong.append(("evidence", f"{stake:.2f} people are at stake, not {e.stake:.2f}"))
    circles = circles_of(hit, row, clearance, effector, picture, site)
    causes = [k for k in range(4) if circles.pieces[k] > 0.0]
    if e.fallout.cause.tolist() != causes:
        return [*wrong, ("evidence", "the footprint names other causes than there are")]
    people = 0.0
    for k, cause in enumerate(causes):
        own = _people_in(circles, cause, site)
        people += own
        f = e.fallout
        apart = float(np.hypot(*(f.place[k] - circles.place[cause])))
        near = apart <= 0.02 * circles.radius[cause] + 2.0 * METRE and abs(f.radius[k]
            - circles.radius[cause]) <= 0.02 * circles.radius[cause] + 2.0 * METRE
        # the grid over a zone may miss a strip of one part in sixty at its edge
        slack = 0.05 * max(own, float(f.people[k])) + 0.02 * _people_in(circles, cause, site, whole=True) + 1e-6
        if not (near and alike(float(f.pieces[k]), float(circles.pieces[cause])) and abs(f.people[k] - own) <= slack):
            wrong.append(("evidence", f"cause {cause} of the footprint is not where, or what, it is said to be"))
    if not people <= 1.5 * stake + 1e-2:
        wrong.append(("fallout", f"what comes down endangers {people:.2f} people, the round {stake:.2f}"))
    return wrong


def _people_in(circles: Circles, cause: int, site: Site, whole: bool = False) -> float:
    """People expected to be endangered in one circle: pieces spread evenly over it, people over
    their zones. By a fine grid over each zone.

    whole  as if the circle held every zone that it reaches into
    """
    total, radius = 0.0, float(circles.radius[cause])
    for zone in site.zones:
        corners = zone.polygon
        size = 0.5 * abs(float(np.sum(corners[:, 0] * np.roll(corners[:, 1], -1) - np.roll(corners[:, 0],
            -1) * corners[:, 1])))
        if not (zone.people > 0.0 and size > 0.0):
            continue
        low, high = corners.min(axis=0), corners.max(axis=0)
        if (np.maximum(low - circles.place[cause], circles.place[cause] - high) > radius).any():
            continue
        inner = places_in(zone)
        met = np.hypot(*(inner - circles.place[cause]).T) <= radius
        covered = (1.0 if whole else float(met.mean())) * size / (math.pi * radius**2)
        total += float(circles.pieces[cause] * circles.area[cause]) * zone.people / size * covered
    return total


@lru_cache(maxsize=256)
def places_in(zone: Zone) -> Array:
    """(k, 2) places evenly over a zone [m]; its middle where it is too thin for them."""
    low, high = zone.polygon.min(axis=0), zone.polygon.max(axis=0)
    grid = np.stack(np.meshgrid(*(a + (b - a) * (np.arange(30) + 0.5) / 30.0 for a, b in zip(low, high, strict=True))),
        -1).reshape(-1, 2)
    inner = grid[[off_polygon(zone.polygon, spot) == 0.0 for spot in grid]]
    return inner if len(inner) else zone.polygon.mean(axis=0)[None, :]


def off_polygon(polygon: Array, place: Array) -> float:
    """Distance of a place (2,) from a polygon (k, 2) [m], 0 inside: the angle its corners turn
    through, then every edge.
    """
    spokes = polygon - place
    bearing = np.arctan2(spokes[:, 1], spokes[:, 0])
    turn = np.diff(np.append(bearing, bearing[0]))
    if abs(np.sum((turn + np.pi) % (2.0 * np.pi) - np.pi)) > np.pi:
        return 0.0
    edge = np.roll(polygon, -1, axis=0) - polygon
    share = np.clip(-(spokes * edge).sum(axis=1) / np.maximum((edge**2).sum(axis=1), 1e-12), 0.0, 1.0)
    return float(np.linalg.norm(spokes + share[:, None] * edge, axis=1).min())
