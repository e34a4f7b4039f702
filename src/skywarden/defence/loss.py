"""What telling a zone to take cover saves and costs: expected loss if it is told now, if never, if
one frame later, and the probability that this asks for.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from skywarden.messages.tables import Array
from skywarden.site.model import Costs, Policy

# of a zone's shelter time: mean and deviation of the time people need; 19 of 20 are in after all of it
SHELTERED_BY, SHELTER_SPREAD = 0.7, 0.18
SLOW, SLOWER = 0.1, 2.0  # share of people who need longer than that, and by how much on average: of the shelter time
MOVING_SPREAD = 1.0  # s, deviation of the time until people lie down
KNOWN = 2.5  # hazard radii of deviation up to which the next frames hardly change whom a place of impact endangers
SETTLING = 0.5  # 1/s at which the ellipse of a round just found is taken to shrink
QUICKEST = 1.0  # 1/s, most that is expected of any ellipse
SMOOTHING = 1.0  # s over which the rate of shrinking is smoothed
# s from the first detection that could be made of a round until it is foreseen, and until a zone is told
CONFIRMING = 3.0
COUNTS = 0.1  # probability from which a round's place is one of those that waiting would settle
HOUR = 3600.0


class Settling(NamedTuple):
    """How fast the places of impact become known, one row a track."""

    track: Array  # (n,) int64
    spread: Array  # (n,) deviation along the long axis of its ellipse [m]
    rate: Array  # (n,) at which that shrinks, smoothed [1/s]
    begun: Array  # (n,) when it was first foreseen [s]


class Rows(NamedTuple):
    """What endangers each zone, one row a round and zone."""

    zone: Array  # (n,) int64
    probability: Array  # (n,)
    left: Array  # (n,) time from the sound's arrival to the impact [s]
    t_sigma: Array  # (n,) deviation of the time of impact [s]
    settles: Array  # (n,) probability that one frame more settles whether it endangers the zone
    spent: Array  # (n,) share of the lead that was possible which has passed


class Loss(NamedTuple):
    """One row a zone, in people hurt or their equal."""

    unwarned: Array  # nobody is told
    warned: Array  # told now, the cost of the warning included
    waited: Array  # told one frame later, unless the place is known by then and the zone not endangered
    threshold: Array  # probability of at least one hit from which telling now is least; 1 never


def nothing() -> Settling:
    """No round was seen yet."""
    return Settling(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0))


def settling(before: Settling, track: Array, spread: Array, t: float, step: float) -> Settling:
    """The rates one frame on.

    track   (n,) int64 rounds foreseen now
    spread  (n,) deviation of their places along the long axis [m]
    step    since the frame before [s]
    t       time of the frame [s]
    """
    rate, begun = np.full(track.shape[0], SETTLING), np.full(track.shape[0], t)
    if before.track.shape[0] and track.shape[0] and step > 0.0:
        order = np.argsort(before.track, kind="stable")
        spot = order[np.minimum(np.searchsorted(before.track[order], track), order.shape[0] - 1)]
        same = before.track[spot] == track
        shrunk = np.log(np.maximum(before.spread[spot], 1e-3) / np.maximum(spread, 1e-3)) / step
        weight = 1.0 - math.exp(-step / SMOOTHING)
        rate = np.where(same, np.maximum(before.rate[spot] + weight * (shrunk - before.rate[spot]), 0.0), rate)
        begun = np.where(same, before.begun[spot], begun)
    return Settling(track, spread, rate, begun)


def settled(rates: Settling, policy: Policy) -> Array:
    """Probability (n,) that one frame more settles whether a round endangers a zone: all the
    less, the better its place is known already.

    rates   how fast doubts settle
    policy  the site's policy
    """
    unknown = rates.spread**2 / (rates.spread**2 + (KNOWN * policy.hazard_radius) ** 2)
    return np.asarray(1.0 - np.exp(-np.minimum(rates.rate, QUICKEST) * unknown * policy.frame_s))


def spent(rates: Settling, t_impact: Array, t: float) -> Array:
    """Share (n,) of the lead that was possible of each round which has passed.

    rates     how fast doubts settle
    t_impact  (n,) expected times of impact [s]
    t         time of the frame [s]
    """
    gone = t - rates.begun + CONFIRMING
    return np.asarray(gone / np.maximum(gone + t_impact - t, 1e-3))


def hurt(left: Array, t_sigma: Array, shelter: Array, costs: Costs) -> Array:
    """Share (n,) of the people hurt by a round that comes down `left` [s] after they were told;
    those who do not heed stand in the open.

    t_sigma  (n,) standard deviations of the times of impact [s]
    shelter  (n,) time that people need to reach shelter [s]
    costs    the site's costs: compliance, reaction time, harm in the open and sheltered
    """
    moving = left - costs.reaction_s
    lying = ndtr(moving / np.hypot(MOVING_SPREAD, t_sigma))
    over = moving - SHELTERED_BY * shelter
    inside = (1.0 - SLOW) * ndtr(over / np.hypot(np.maximum(SHELTER_SPREAD * shelter, 0.1), t_sigma))
    inside += SLOW * -np.expm1(-np.maximum(over, 0.0) / np.maximum(SLOWER * shelter, 0.1))
    heeding = (1.0 - lying) * costs.hurt_open + np.maximum(lying - inside, 0.0) * costs.hurt_lying + np.minimum(inside,
        lying) * costs.hurt_sheltered
    return np.asarray(costs.compliance * heeding + (1.0 - costs.compliance) * costs.hurt_open)


def expect(rows: Rows, joint: Array, due: Array, shelter: Array, people: Array, policy: Policy, costs: Costs) -> Loss:
    """The losses of every zone.

    joint    (zones,) probability that at least one round endangers it
    due      (zones,) time to the earliest impact [s]; nan none
    shelter  (zones,) time people need to reach shelter [s]
    people   (zones,)
    rows     a row for each pair of round and zone that it may hit
    policy   the site's policy
    costs    the site's costs: compliance, reaction time, harm in the open and sheltered

    Each round hurts its share of the people anew, so that a further round never makes a warning
    worth less. The number of people cancels in every comparison. Source: docs/models/warning.md
    """
    n, zone, p = joint.shape[0], rows.zone, rows.probability
    now = hurt(rows.left, rows.t_sigma, shelter[zone], costs)
    later = np.maximum(hurt(rows.left - policy.frame_s, rows.t_sigma, shelter[zone], costs), now)
    unwarned, harm, delayed = np.zeros(n), np.zeros(n), np.zeros(n)
    np.add.at(unwarned, zone, p * costs.hurt_open)
    np.add.at(harm, zone, p * now)
    np.add.at(delayed, zone, p * (later - now))
    # where no round counts by itself much may still be learnt; the one known best tells how little where some do
    settles, counts = np.full(n, 1.0 - math.exp(-QUICKEST * policy.frame_s)), p >= COUNTS
    np.minimum.at(settles, zone[counts], rows.settles[counts])
    hours = (np.nan_to_num(np.maximum(due, 0.0)) + policy.all_clear_s) / HOUR
    cost = costs.compliance * (costs.hurt_running + hours / costs.hours_per_casualty)
    fatigue = costs.false_alarm * costs.compliance * (costs.hurt_open - costs.hurt_sheltered)
    false = 1.0 - joint
    warned = harm + cost + false * fatigue
    # a delay that would take more of the lead than the site allows is worth nothing
    late = np.zeros(n, np.bool_)
    late[zone[counts & (rows.spent >= 1.0 - costs.least_lead)]] = True
    settles = np.where(late, 0.0, settles)
    waited = settles * (harm + delayed + joint * cost) + (1.0 - settles) * (warned + delayed)
    threshold = _threshold(unwarned - harm, delayed, settles, cost, fatigue, joint)
    return Loss(people * unwarned, people * warned, people * waited, threshold)


def _threshold(saved: Array, delayed: Array, settles: Array, cost: Array, fatigue: float, joint: Array) -> Array:
    """The probability at which telling now is as good as never and as one frame later, what a
    hit means staying the same.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        saves, delays = saved / joint, delayed / joint
        never = (cost + fatigue) / (saves + fatigue)
        later = np.where(settles > 0.0, settles * (cost + fatigue) / (delays + settles * (cost + fatigue)), 0.0)
    return np.asarray(np.minimum(np.nan_to_num(np.maximum(never, later), nan=1.0), 1.0))
