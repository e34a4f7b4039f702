"""The rehearsed interception, simulations only: which threats to engage, with what, whether it is safe, and the simulated orders."""

from __future__ import annotations

import math
from typing import NamedTuple

from skywarden.messages.drill import Airport, Drill
from skywarden.messages.frame import Aircraft, Frame
from skywarden.messages.picture import Picture
from skywarden.rehearsal import airport, airspace, allocate, engage
from skywarden.site.model import Site


class Plan(NamedTuple):
    """Everything `rehearse` remembers from one frame to the next."""

    status: str                                 # weapon control status: hold, tight or free
    holds: tuple[str, ...]                      # what operators hold: "all" or effectors' names
    consents: tuple[tuple[float, str, str], ...]  # (time, subject, who), still valid
    busy: tuple[float, ...]                     # per effector: until when [s]
    left: tuple[int, ...]                       # per effector: engagements in the magazine
    engaged: tuple[tuple[int, float], ...]      # (track, until) under engagement: shoot, look, shoot again if it still flies
    reports: Aircraft                           # what aircraft said last
    airport: airport.State


def start(site: Site) -> Plan:
    """The plan before the first frame."""
    n = len(site.effectors)
    return Plan(site.policy.weapons, (), (), (-math.inf,) * n, tuple(e.magazine for e in site.effectors), (), Aircraft.empty(), airport.start())


def rehearse(plan: Plan, frame: Frame, picture: Picture, site: Site) -> tuple[Plan, Drill]:
    """One frame on: clearances asked for, orders simulated where they were given. Pure, like `watch`."""
    t = frame.t
    status, holds, consents = engage.obey(plan.status, plan.holds, plan.consents, frame)
    reports = airspace.remembered(plan.reports, frame)
    engaged = tuple((track, until) for track, until in plan.engaged if until > t)
    under_way = {track for track, _ in engaged}
    number = picture.tracks.number
    threats = [w for w in allocate.wanted(picture, site) if int(number[w.row]) not in under_way]
    means = engage.Means(status, holds, consents, tuple(k for k in range(len(site.effectors)) if plan.busy[k] <= t), plan.left)
    asked = engage.ask([w.row for w in threats], means, reports, frame, picture, site)
    pairs = allocate.greedy(allocate.values([w.worth for w in threats], asked.reach, site)).pairs
    clearances, orders, awaiting = engage.decide(asked, pairs, means, frame, site)
    clearances += engage.let_fall(picture, site, under_way | {int(number[w.row]) for w in threats})
    busy, left = list(plan.busy), list(plan.left)
    for order in orders:
        busy[order.effector] = order.t_from + site.effectors[order.effector].engagement_s
        left[order.effector] -= 1
    engaged += tuple((order.track, order.t_to) for order in orders)
    # a consent to one track is used up by its engagement; "any" stands for its time
    given = {str(order.track) for order in orders}
    consents = tuple(c for c in consents if c[1] not in given)
    runway, shown = airport.step(plan.airport, frame, picture, site)
    drill = Drill(t, status, clearances, orders, awaiting, Airport(*shown))
    return Plan(status, holds, consents, tuple(busy), tuple(left), engaged, reports, runway), drill
