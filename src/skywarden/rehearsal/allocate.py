"""Which effector for which threat: most people in danger first, each by the effector that meets it soonest."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from skywarden.ballistics.air import Air, with_weather
from skywarden.messages.frame import Frame
from skywarden.messages.picture import PROJECTILE, Picture
from skywarden.rehearsal.airspace import Space, space_of
from skywarden.site.model import Site

MOST = 32       # threats looked at in a frame, the worst ones


class Pair(NamedTuple):
    """A threat and the effector it would be engaged with."""

    row: int                # of the picture's tracks
    effector: int           # row of the site's effectors
    space: Space | None     # None: out of every free effector's reach


def pair(picture: Picture, frame: Frame, site: Site, taken: set[int], free: tuple[int, ...]) -> list[Pair]:
    """Pairs in the order of danger. Only what is surely a projectile and threatens something is ever engaged."""
    tracks, threats = picture.tracks, picture.threats
    if threats.track.size == 0 or not free:
        return []
    row_of = {int(n): k for k, n in enumerate(tracks.number)}
    danger: dict[int, tuple[float, float]] = {}
    for k in range(threats.track.size):
        if threats.probability[k] >= site.policy.engage_probability:
            track = int(threats.track[k])
            people, worst = danger.get(track, (0.0, 0.0))
            danger[track] = people + float(threats.people[k]), max(worst, float(threats.probability[k]))
    wanted = [
        track for track in sorted(danger, key=lambda n: (*(-d for d in danger[n]), n))
        if track in row_of and track not in taken and tracks.kind[row_of[track], PROJECTILE] >= site.policy.projectile_probability]
    pairs, open_for = [], list(free)
    for track in wanted[:MOST]:
        if not open_for:
            break
        row = row_of[track]
        spaces = [(space_of(row, site.effectors[k], picture, site, _air(site, frame), frame.t), k) for k in open_for]
        reached = [(space.t_hit, k, space) for space, k in spaces if space is not None]
        if reached:
            _, effector, space = min(reached, key=lambda r: r[:2])
            pairs.append(Pair(row, effector, space))
            open_for.remove(effector)
        else:
            pairs.append(Pair(row, open_for[0], None))
    return pairs


def _air(site: Site, frame: Frame) -> Air:
    w = frame.weather
    return _with(site, w.up.tobytes(), w.wind.tobytes(), w.temperature_offset, w.pressure_ratio)


@lru_cache(maxsize=16)
def _with(site: Site, up: bytes, wind: bytes, offset: float, ratio: float) -> Air:
    return with_weather(site.air, np.frombuffer(up), np.frombuffer(wind).reshape(-1, 2), offset, ratio)
