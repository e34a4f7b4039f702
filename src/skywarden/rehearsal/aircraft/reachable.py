"""Each aircraft, or what may be one, as what is known of it now: what an engagement has to keep
away from.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.frame import NO_ADDRESS, Frame
from skywarden.messages.picture import AIRCRAFT, Picture
from skywarden.messages.tables import among, take
from skywarden.rehearsal.aircraft.lost import FOUND_S, bias_of, gently, hidden, shadows
from skywarden.rehearsal.aircraft.memory import (
    REPORTED_ONLY,
    AirMemory,
    confirmed,
    corroboration_age,
    grounded,
    superseded,
)
from skywarden.rehearsal.aircraft.reports import Heard, accuracy, answered_at
from skywarden.rehearsal.corridor import surely_projectiles
from skywarden.site.model import Site

Array = NDArray[Any]

# m added to a claim that no radar backs: a position-only report may be wrong beyond what it says
ALONE = 1_000.0


class Tubes(NamedTuple):
    """Each aircraft, or what may be one, as what is known of it now; how far it can get follows
    from that.
    """

    number: Array       # (n,) track number; -1 a report no track belongs to
    address: Array      # (n,)
    unknown: Array      # (n,) bool, not known to be an aircraft
    backed: Array       # (n,) bool, a radar has seen it there
    t: Array            # (n,) of the position [s]
    seen: Array         # (n,) last seen or heard: it may have manoeuvred since [s]
    position: Array     # (n, 3) [m]; up is nan where the height is unknown: then it may be at any
    velocity: Array     # (n, 3) [m/s]; zero where unknown
    covariance: Array   # (n, 6, 6) of both
    # (n,) beyond SIGMAS of that: bias of radars, containment a report claims, claims nobody backs [m]
    extra: Array
    blind: Array        # (n,) bool, velocity unknown
    unchecked: float = 0.0  # s since radars agreed with claims that they cannot see any more, all such together
    trusting: int = 0       # how many they are
    shadows: int = 0        # how many of the last rows are of what was lost: several may be one aircraft
    # bounds of the earlier clearances because of which tracks are known to be fragments, and not here
    assumed: float = 0.0


def tubes_of(heard: Heard, frame: Frame, picture: Picture, site: Site, known: AirMemory | None = None) -> Tubes:
    """Every aircraft, and everything not surely a projectile, with what is known of it. What may be
    an aircraft counts as one.

    heard    what is said. Reports of this frame count even where a track has taken them over,
             unless they agree.
    known    fragments of what was stopped are left out, and what was lost low goes on counting
    picture  what is believed at this frame
    site     the site as its defender declared it
    """
    known = AirMemory.none() if known is None else known
    tracks = picture.tracks
    # not `<`: a probability that is not a number makes nothing a projectile
    maybe: Array = np.flatnonzero(~surely_projectiles(tracks, site))
    maybe = maybe[~among(tracks.number[maybe], np.array([n for n, _ in known.fragments], np.int64))]
    # a radar's own track says how heavy a thing is; one made of claims alone has nothing to say of that
    seeing = tracks.address[maybe[tracks.covariance[maybe, 6, 6] > REPORTED_ONLY]]
    maybe = maybe[~superseded(known, maybe, picture)]
    count = _counting(heard, maybe, frame, picture, site)
    told, blind, said = take(heard.reports, count), heard.blind[count], heard.velocity[count]
    n, m = maybe.size, told.t.size
    spread, contained = accuracy(told, heard.by_pressure[count])
    covariance = np.concatenate([tracks.covariance[maybe, :6, :6], spread])
    now = np.full(n, picture.t)
    t, address = np.concatenate([now, told.t]), np.concatenate([tracks.address[maybe], told.address])
    position = np.concatenate([tracks.state[maybe, :3], told.position])
    velocity = np.concatenate([tracks.state[maybe, 3:6], said])
    own: Array = np.logical_or(tracks.address[maybe] == NO_ADDRESS, tracks.covariance[maybe, 6, 6] > REPORTED_ONLY)
    # what a radar's track and a report of the same address have in common, the radar backs
    backed = np.concatenate([own, np.logical_and(among(told.address, seeing), told.address != NO_ADDRESS)])
    backed[:n] |= answered_at(heard.answers, address[:n], now, position[:n], velocity[:n], site) > -math.inf
    backed[n:] |= heard.answered[count] > -math.inf
    ages = np.where(backed, math.inf, corroboration_age(known, address, position, frame.t, site))
    backed |= np.isfinite(ages)
    extra = np.concatenate([bias_of(tracks.state[maybe, :3], site), contained]) + np.where(backed, 0.0, ALONE)
    last = np.concatenate([tracks.seen[maybe], told.t])
    farther, seen = hidden(position, velocity, t, last, picture.t, site)
    # what is not seen any more has been granted gentle motion by `hidden` already
    rolls = grounded(told, maybe, backed, position, covariance, picture, site) & (picture.t - last <= FOUND_S)
    slowly, seen = gently(seen, rolls, picture.t)
    extra += farther + slowly
    rows: tuple[Array, ...] = (
        np.concatenate([tracks.number[maybe], np.full(m, -1)]), address,
        np.concatenate([~(tracks.kind[maybe, AIRCRAFT] >= 0.5), np.zeros(m, np.bool_)]),
        backed, t, seen, position, velocity, covariance, extra, np.concatenate([np.zeros(n, np.bool_), blind]))
    # what has shut down counts no more, what was lost goes on counting
    flies, lost = np.flatnonzero(~np.isnan(seen)), shadows(known.lost, picture.t, site)
    no = np.zeros(lost.number.size, np.bool_)
    more = (lost.number, lost.address, lost.unknown, ~no, lost.t, lost.seen, lost.position, lost.velocity,
        lost.covariance, lost.extra, no)
    ages = ages[flies]
    unseen = ages[np.isfinite(ages)]
    assumed = float(sum(known.stopped[k].bound for k in {k for _, k in known.fragments}))
    if no.size or flies.size < seen.size:
        rows = tuple(np.concatenate([row.take(flies, 0), others]) for row, others in zip(rows, more, strict=True))
    return Tubes._make([*rows, float(unseen.sum()), unseen.size, no.size, assumed])


def _counting(heard: Heard, maybe: Array, frame: Frame, picture: Picture, site: Site) -> Array:
    """Rows of the reports that count beside the tracks `maybe`: no track of their address, or just
    heard and not what a radar has just seen.
    """
    reports, address = heard.reports, picture.tracks.address[maybe]
    followed = among(reports.address, address[address != NO_ADDRESS])
    return np.flatnonzero(~followed | ((reports.t > frame.t - site.policy.frame_s - 1e-9) & ~confirmed(reports, maybe,
        picture)))
