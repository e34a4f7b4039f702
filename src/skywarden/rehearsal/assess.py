"""Shoot, then look: what the tracks say of an engagement once its time and the look's delay are
over.
"""

from __future__ import annotations

from typing import NamedTuple

from skywarden.messages.drill import FLIES_ON, SEEMS_STOPPED
from skywarden.messages.picture import Picture
from skywarden.site.model import Site


class Engaged(NamedTuple):
    """One engagement under way."""

    track: int
    effector: int
    t_hit: float        # the effect should meet the round [s]
    until: float        # its window ends [s]


def look(
    engaged: tuple[Engaged, ...], picture: Picture, site: Site
) -> tuple[tuple[Engaged, ...], tuple[tuple[int, int, float, str], ...]]:
    """What is still under way, and of the rest (track, effector, t_hit, verdict).

    engaged  engagements under way before this frame
    picture  what is believed at this frame
    site     the site as its defender declared it

    A round is looked at `policy.look_s` after the effect should have met it, not before its window
    has ended. Seen since: it flies on. Not seen, or its track has ended: it seems stopped; a radar
    misses live rounds too, and sees fragments, so this is evidence and cancels nothing.
    """
    t = picture.t
    if not engaged:
        return (), ()
    seen = {int(n): float(s) for n, s in zip(picture.tracks.number, picture.tracks.seen, strict=True)}
    still, done = [], []
    for e in engaged:
        if t < max(e.t_hit + site.policy.look_s, e.until):
            still.append(e)
        else:
            flies = seen.get(e.track, -1.0) > e.t_hit
            done.append((e.track, e.effector, e.t_hit, FLIES_ON if flies else SEEMS_STOPPED))
    return tuple(still), tuple(done)
