"""The rehearsed interception, simulations only: which threats to engage, with what, whether it is
safe, and the simulated orders.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from skywarden.messages.drill import Airport, Allocation, Assessment, Drill, Order
from skywarden.messages.frame import Aircraft, Frame
from skywarden.messages.picture import Picture
from skywarden.rehearsal import airport, assess, engage
from skywarden.rehearsal.aircraft import memory, reports
from skywarden.rehearsal.allocation import value
from skywarden.rehearsal.assess import Engaged
from skywarden.site.model import Site


class Arms(NamedTuple):
    """How one effector stands."""

    left: int           # engagements in the magazine
    busy: float         # until when it is occupied [s]
    full: float         # when an empty magazine is full again [s]; inf never
    pointing: float     # bearing of its last engagement [rad]; nan none


class Plan(NamedTuple):
    """Everything `rehearse` remembers from one frame to the next."""

    status: str                                 # weapon control status: hold, tight or free
    holds: tuple[str, ...]                      # what operators hold: "all" or effectors' names
    consents: tuple[tuple[float, str, str], ...]  # (time, subject, who), still valid
    arms: tuple[Arms, ...]                      # per effector
    engaged: tuple[Engaged, ...]                # shoot, look, shoot again if it still flies
    reports: Aircraft                           # what aircraft said last
    airport: airport.State
    known: memory.AirMemory                     # reports once corroborated, aircraft lost low, fragments


def start(site: Site) -> Plan:
    """The plan before the first frame.

    site  the site as its defender declared it
    """
    arms = tuple(Arms(e.magazine, -math.inf, math.inf, math.nan) for e in site.effectors)
    return Plan(site.policy.weapons, (), (), arms, (), Aircraft.empty(), airport.start(), memory.AirMemory.none())


def rehearse(plan: Plan, frame: Frame, picture: Picture, site: Site) -> tuple[Plan, Drill]:
    """One frame on: clearances asked for, orders simulated where they were given. Pure, like
    `watch`.

    plan     the plan before this frame
    picture  what is believed at this frame
    site     the site as its defender declared it
    """
    t = frame.t
    status, holds, consents = engage.obey(plan.status, plan.holds, plan.consents, frame)
    said = reports.remembered(plan.reports, frame)
    heard = reports.heard(said, frame, site)
    air = memory.remember(plan.known, heard, frame, picture, site)
    arms = tuple(_reloaded(a, t, e.magazine) for a, e in zip(plan.arms, site.effectors, strict=True))
    engaged, assessed = assess.look(plan.engaged, picture, site)
    under_way = {e.track for e in engaged}
    number = picture.tracks.number
    threats = [w for w in value.wanted(picture, site) if int(number[w.row]) not in under_way]
    free = tuple(k for k, a in enumerate(arms) if a.busy <= t)
    means = engage.Means(status, holds, consents, free, tuple(a.left for a in arms), tuple(a.pointing for a in arms))
    seen = engage.glance([w.row for w in threats], means, heard, air, frame, picture, site)
    worths, kept = [value.worth(w, t) for w in threats], value.kept(means.left, site)
    for _ in range(len(free) + engage.SPARE + 1):       # what is chosen is cleared; what is refused is chosen no more
        pairs, weighed = value.pairing(worths, seen.chance, kept)
        before, seen = seen, engage.ask(seen, pairs, means, frame, picture, site)
        if seen.chance is before.chance:
            break
    seen = engage.show(seen, means, frame, picture, site)
    if seen.cut:
        pairs, weighed = value.pairing(worths, engage.cleared(seen), kept)
    clearances, orders, awaiting = engage.decide(seen, pairs, means, frame, picture, site)
    clearances += engage.let_fall(picture, site, under_way | {int(number[w.row]) for w in threats})
    clearances += engage.looked_at(under_way, picture)
    arms = _spent(arms, orders, picture, site)
    air = memory.engaged(air, orders, frame, picture, site)
    engaged += tuple(Engaged(o.track, o.effector, o.clearance.t_hit, o.t_to) for o in orders)
    # a consent to one track is used up by its engagement; "any" stands for its time
    given = {str(order.track) for order in orders}
    consents = tuple(c for c in consents if c[1] not in given)
    runway, shown = airport.step(plan.airport, frame, picture, site, orders)
    allocation = Allocation(len(threats), weighed.objective, weighed.lower_bound)
    drill = Drill(t, status, clearances, orders, awaiting, Airport(*shown), tuple(Assessment(*a) for a in assessed),
        allocation)
    return Plan(status, holds, consents, arms, engaged, said, runway, air), drill


def _reloaded(arms: Arms, t: float, magazine: int) -> Arms:
    return arms._replace(left=magazine, full=math.inf) if arms.full <= t else arms


def _spent(arms: tuple[Arms, ...], orders: tuple[Order, ...], picture: Picture, site: Site) -> tuple[Arms, ...]:
    """The effectors after this frame's orders."""
    after = list(arms)
    row_of = {int(n): k for k, n in enumerate(picture.tracks.number)}
    for order in orders:
        declared, now = site.effectors[order.effector], after[order.effector]
        done = order.t_from + declared.engagement_s
        after[order.effector] = Arms(
            now.left - 1, done, done + declared.reload_s if now.left == 1 else now.full,
            engage.bearing(declared, picture.tracks.state[row_of[order.track], :3]))
    return tuple(after)
