"""The rehearsed interception, simulations only: which threats to engage, with what, whether it is safe, and the simulated orders."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skywarden.messages.drill import Airport, Drill
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.rehearsal import airport, allocate, engage
from skywarden.site.model import Site


class Plan(NamedTuple):
    """Everything `rehearse` remembers from one frame to the next."""

    status: str                                 # weapon control status: hold, tight or free
    holds: tuple[str, ...]                      # what operators hold: "all" or effectors' names
    consents: tuple[tuple[float, str, str], ...]  # (time, subject, who), still valid
    busy: tuple[float, ...]                     # per effector: until when [s]
    left: tuple[int, ...]                       # per effector: engagements in the magazine
    engaged: tuple[tuple[int, float], ...]      # (track, until) under engagement
    airport: airport.State


def start(site: Site) -> Plan:
    """The plan before the first frame."""
    n = len(site.effectors)
    return Plan(site.policy.weapons, (), (), (-np.inf,) * n, tuple(e.magazine for e in site.effectors), (), airport.start())


def rehearse(plan: Plan, frame: Frame, picture: Picture, site: Site) -> tuple[Plan, Drill]:
    """One frame on: clearances asked for, orders simulated where they were given. Pure, like `watch`."""
    t = frame.t
    status, holds, consents = engage.obey(plan.status, plan.holds, plan.consents, frame)
    engaged = tuple((track, until) for track, until in plan.engaged if until > t)
    free = tuple(k for k in range(len(site.effectors)) if plan.busy[k] <= t)
    pairs = allocate.pair(picture, frame, site, {track for track, _ in engaged}, free)
    clearances, orders, awaiting = engage.decide(pairs, status, holds, consents, plan.left, frame, picture, site)
    busy, left = list(plan.busy), list(plan.left)
    for order in orders:
        busy[order.effector] = t + site.effectors[order.effector].engagement_s
        left[order.effector] -= 1
    engaged += tuple((order.track, order.t_to) for order in orders)
    runway, shown = airport.step(plan.airport, frame, picture, site)
    drill = Drill(t, status, clearances, orders, awaiting, Airport(*shown))
    return Plan(status, holds, consents, tuple(busy), tuple(left), engaged, runway), drill
