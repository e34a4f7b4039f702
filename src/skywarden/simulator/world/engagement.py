"""How simulated interceptions end. The one place where a simulated order has an effect: on a
simulated round.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.drill import Order
from skywarden.messages.picture import Tracks
from skywarden.messages.truth import DUD, KILLED, MISSED, PARTLY, Engagements
from skywarden.simulator.sensing.chance import Keyed
from skywarden.simulator.world import rounds as flights
from skywarden.simulator.world import traffic as aircraft
from skywarden.simulator.world.rounds import Rounds
from skywarden.simulator.world.traffic import Traffic
from skywarden.site.effect import kill_probability
from skywarden.site.model import Effector, Site

Array = NDArray[Any]

SAME = 150.0            # m; the round nearest to the track an order names, if this near, is the one engaged
PART = 0.15             # of the rounds stopped are only broken off their path, and come down whole; illustrative
SAMPLE = 0.1            # s between looks at the traffic around an engagement
LIGHT = 20_000.0        # m that directed energy goes on


class Pending(NamedTuple):
    """An order given, waiting for its time."""

    order: Order
    number: int         # the round that was there when the order was given; -1 none
    place: Array        # (6,) state of the track then, nan where the picture had none
    given: float        # [s]
    t: float            # when it takes effect [s]


def pending(order: Order, tracks: Tracks, now: float, rounds: Rounds, t_stopped: Array, site: Site) -> Pending:
    """Find out what an order is really about: the flying round nearest to the track it names, and
    when the effect gets there.

    tracks     the picture's tracks
    now        time of the frame [s]
    rounds     true rounds
    t_stopped  (n,) when each round was stopped [s]; inf not
    site       the site as its defender declared it
    """
    row = np.flatnonzero(tracks.number == order.track)
    place = np.array(tracks.state[row[0], :6]) if len(row) else np.full(6, np.nan)
    there = flights.states(rounds, now)
    there[now >= t_stopped] = np.nan
    away = np.linalg.norm(there[:, :3] - place[:3], axis=1)
    number = -1
    if np.isfinite(away).any() and np.nanmin(away) <= SAME:
        number = int(np.nanargmin(away))
    return Pending(order, number, place, now, _arrival(order, number, place, now, rounds,
        site.effectors[order.effector]))


def adjudicate(
    due: list[Pending], rounds: Rounds, t_stopped: Array, traffic: Traffic, site: Site, luck: Keyed, shots: Array
) -> tuple[Engagements, Array, Array]:
    """Decide the engagements that are due, in order of time.

    t_stopped  (n,) when each round was stopped; inf not
    shots      (n,) how often each round has been engaged
    rounds     true rounds
    traffic    the true aircraft
    site       the site as its defender declared it

    Returns the engagements and the new `t_stopped` and `shots`; nothing handed in is changed.

    A round's luck is its own: the draw is keyed by the round and the ordinal of the shot at it. Who
    shoots, and when, changes the chance and never the draw: that is what pairs runs of two sites.
    """
    stopped_at, so_far, rows = t_stopped.copy(), shots.copy(), []
    for p in sorted(due, key=lambda p: (p.t, p.order.effector)):
        effector = site.effectors[p.order.effector]
        place = _place(p, rounds, p.t)
        there = p.number >= 0 and np.isfinite(place).all() and p.t < stopped_at[p.number]
        chance = kill_probability(effector, place - effector.place, flights.states(rounds, p.t)[p.number,
            3:]) if there else 0.0
        drawn = luck.uniform(p.number, np.array([so_far[p.number]]), 1)[0, 0] if there else 1.0
        outcome = how_it_ends(drawn, chance, effector) if there else MISSED
        stopped = outcome in (KILLED, PARTLY)
        if stopped:
            stopped_at[p.number] = p.t
        if there:
            so_far[p.number] += 1
        near = nearest_aircraft(effector, place, p.order.t_from, p.order.t_to, traffic)
        rows.append((p.order.effector, p.order.track, p.number if there else -1, p.t, place, stopped, near, outcome))
    columns = list(zip(*rows, strict=True)) if rows else [()] * 8
    return Engagements(
        np.array(columns[0], np.int32), np.array(columns[1], np.int64), np.array(columns[2], np.int32),
        np.array(columns[3], np.float64),
        np.array(columns[4], np.float64).reshape(-1, 3), np.array(columns[5], np.bool_), np.array(columns[6],
            np.float64),
        np.array(columns[7], np.int8)), stopped_at, so_far


def how_it_ends(drawn: float, chance: float, effector: Effector) -> int:
    """How an engagement ends, from one uniform number: stopped with `chance`, a part of these only
    broken off; of interceptors, a part of the rest are duds.

    drawn     uniform random number in [0, 1)
    effector  the simulated effector, as declared
    """
    if drawn < chance:
        return PARTLY if drawn >= (1.0 - PART) * chance else KILLED
    failed = min(effector.dud_share, 1.0 - chance) if effector.kind == "interceptor" else 0.0
    return DUD if drawn >= 1.0 - failed else MISSED


def nearest_aircraft(effector: Effector, place: Array, t_from: float, t_to: float, traffic: Traffic) -> float:
    """True distance [m] between any aircraft and the effect, all the way through `place` (3,) to
    burn-out or self-destruct, while it is there; inf without aircraft.

    effector  the simulated effector, as declared
    t_from    time at which the effect leaves [s]
    t_to      time at which it ends [s]
    traffic   the true aircraft

    A gun's burst and a beam go on leaving for `engagement_s`; an interceptor is one body. Between
    two looks everything it passed counts.
    """
    line = place - effector.place if np.isfinite(place).all() else np.zeros(3)
    away = float(np.linalg.norm(line))
    along = line / away if away > 0.0 else line
    far = LIGHT if math.isinf(effector.speed) else min(effector.reach_max, effector.speed * effector.self_destruct_s)
    lasts = 0.0 if effector.kind == "interceptor" else effector.engagement_s
    best = math.inf
    for t in np.linspace(t_from, t_to, max(math.ceil((t_to - t_from) / SAMPLE), 1) + 1).tolist():
        there = aircraft.states(traffic, t)[:, :3]
        there = there[np.isfinite(there[:, 0])] - effector.place
        if len(there):
            first, last = (0.0, far) if math.isinf(effector.speed) else (effector.speed * max(t - SAMPLE - t_from
                - lasts, 0.0), effector.speed * (t - t_from))
            share = np.clip(there @ along, min(first, far), min(last, far))
            best = min(best, float(np.linalg.norm(there - share[:, None] * along, axis=1).min()))
    return best


def _arrival(order: Order, number: int, place: Array, given: float, rounds: Rounds, effector: Effector) -> float:
    """When the effect meets what it was sent at, within the order's window."""
    t = order.t_from
    for _ in range(8):      # converges as the ratio of round to effect speed
        there = _there(number, place, given, rounds, t)
        if not np.isfinite(there).all():
            break
        t = min(order.t_from + float(np.linalg.norm(there - effector.place)) / effector.speed, order.t_to)
    return t


def _place(p: Pending, rounds: Rounds, t: float) -> Array:
    return _there(p.number, p.place, p.given, rounds, t)


def _there(number: int, place: Array, given: float, rounds: Rounds, t: float) -> Array:
    """Where the round is at t, or where the track would be that had none."""
    if number >= 0:
        return np.asarray(flights.states(rounds, t)[number, :3])
    return np.asarray(place[:3] + place[3:6] * (t - given))
