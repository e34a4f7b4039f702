"""From threats to warnings: which zones are told what, since when, until when and why. Latched:
once raised, a warning stands until its all-clear.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.defence import loss, prealert, warning_stages
from skywarden.defence.salvo import at_least_one
from skywarden.messages.commands import ACKNOWLEDGE, ALARM, CANCEL, CORRECT, GIVE_CLEAR, Command
from skywarden.messages.frame import Frame
from skywarden.messages.picture import (
    ALL_CLEAR,
    BRIEF,
    BY_HAND,
    CLEAR,
    COSTLY,
    HELD,
    IMPROBABLE,
    NOBODY_TO_WARN,
    PROBABLE,
    RAISE,
    UNSETTLED,
    URGENT,
    WARNED,
    WORTH,
    Impacts,
    Inbound,
    Losses,
    PreAlerts,
    Threats,
    Warnings,
)
from skywarden.messages.tables import among
from skywarden.site.hearing import hearing
from skywarden.site.model import Policy, Site

Array = NDArray[Any]

SURE = 0.8  # from this probability on, a broad ellipse is no reason to wait
# hazard radii of standard deviation up to which a place of impact is known well enough to warn the zones about it
KNOWN = 2.5
# m; with a place known no better, even urgency waits, lest the impact be half a kilometre off, until half the shelter
# time is left
ROUGH = 200.0
LIKELY = 0.5  # a warning rests only on tracks that are more probably projectiles than anything else
WEIGHTY = 0.1  # probability from which a round's place is among those that have to be known
CALM_FRAMES = 3  # in a row over the threshold before a warning is raised; one frame is a blip
URGENT_FRAMES = 2  # the same where people already need every second
LAST_FRAMES = 2.0  # frames' time before the impact from which a single frame must do
NOBODY: Array = np.zeros(0, np.int64)


class Around(NamedTuple):
    """What else bears on warnings than the threats of this frame.

    healthy    whether a radar that finds what says nothing of itself works
    lag        seconds its detections come late
    tentative  (zones,) bool, something not yet confirmed may come down there; None nowhere
    dismissed  (n,) int64 tracks that a person says are no projectiles
    adrift     (n,) int64 tracks that rest on radars whose direction cannot be believed
    coming     powered objects that head for zones
    """

    healthy: bool = True
    lag: float = 0.0
    tentative: Array | None = None
    dismissed: Array = NOBODY
    adrift: Array = NOBODY
    coming: Inbound = Inbound.empty()


class State(NamedTuple):
    """One row a zone of the site, but for the last six."""

    standing: Array  # bool
    since: Array  # when raised [s]
    peak: Array  # highest probability while standing
    until: Array  # earliest all-clear [s]
    streak: Array  # int, frames in a row over the threshold
    raid: Array  # int, the raid it belongs to; 0 none
    manual: Array  # bool
    stages: warning_stages.State
    raids: int  # so far
    active: float  # last time any warning of a raid stood [s]
    unknown: int  # commands about zones nobody knows, ignored
    expected: warning_stages.Expected
    settling: loss.Settling
    alerts: prealert.State


class Danger(NamedTuple):
    """What threatens each zone in this frame, one row a zone."""

    probability: Array  # that at least one projectile endangers it
    believed: Array  # the same, counting only what is more probably a projectile than not
    due: Array  # earliest impact of what is likely enough to count [s]; nan none
    # standard deviation of the place known best, among those that weigh, along its ellipse's long axis [m]; inf none
    spread: Array
    tracks: Array  # int, how many endanger it


class Told(NamedTuple):
    """What is decided in one frame."""

    warnings: Warnings
    pre_alerts: PreAlerts
    losses: Losses


def start(site: Site) -> State:
    """No zone is warned.

    site  the site as its defender declared it
    """
    n = len(site.zones)
    no, zero = np.zeros(n, np.bool_), np.zeros(n)
    whole = np.zeros(n, np.int64)
    return State(
        no, zero, zero, zero, whole, whole, no, warning_stages.start(n), 0, -math.inf, 0, warning_stages.nothing(),
        loss.nothing(), prealert.start(n))


def decide(latches: State, impacts: Impacts, threats: Threats, frame: Frame, site: Site,
    around: Around | None = None) -> tuple[State, Told]:
    """Raise, hold and clear the warnings of every zone that can be warned, and say of each
    endangered zone what it stands to lose.

    latches  the warnings' state before this frame
    impacts  where and when tracks are expected to fall
    threats  which impacts endanger which zones
    around   what else bears on warnings: inbound objects, other bases; None for nothing

    Where the site states its costs a zone is told to take cover when that costs least, of now,
    never and one frame later; elsewhere when it is endangered with at least the policy's
    probability, and either the place of impact is known well enough not to warn the wrong people,
    or waiting would cost people the time they need. Both in several frames running.
    docs/models/warning.md argues it.
    """
    if not site.zones:
        return latches, Told(Warnings.empty(), PreAlerts.empty(), Losses.empty())
    around = around or Around()
    policy, t, n, spreads = site.policy, frame.t, len(site.zones), _spreads(impacts.covariance)
    ear, shelter, may_warn, _ = _zones(site)
    rows, own = _rows_of(impacts, threats, around.adrift)
    danger = _danger(spreads, threats, rows, own, n, policy)
    rates = loss.settling(latches.settling, impacts.track, spreads, t, policy.frame_s)
    expected_loss = _losses(impacts, threats, rows, own, rates, danger, ear, site, t)
    over, ripe = _asked(danger, expected_loss, ear, shelter, site, t)
    over &= may_warn
    streak = np.where(over, latches.streak + 1, 0)
    enough, urgent = _enough(danger, streak, ear, shelter, t, policy)

    hand = _by_hand(frame.commands, site, may_warn)
    streak = np.where(hand.wrong, 0, streak)
    due_now = over & ripe & enough & ~hand.wrong
    raised = due_now & ~latches.standing
    by_hand = hand.on & ~latches.standing & ~raised
    fresh, standing = raised | by_hand, latches.standing | raised | by_hand
    manual = (latches.manual | by_hand) & ~hand.off
    raid, raids = _raids(latches, due_now & standing, by_hand, t, policy.raid_gap_s)
    because = _because(by_hand, urgent, danger, site)
    now = warning_stages.Now(
        t, latches.standing, standing, fresh, manual, hand.wrong, hand.clear, raid, danger.probability, because,
            around.healthy, around.lag,
        np.zeros(n, np.bool_) if around.tentative is None else around.tentative, around.dismissed, latches.active)
    stages, expected, until, cleared, lasting = warning_stages.staged(
        latches.stages, latches.expected, latches.until, now, impacts, threats, policy)
    left = standing & ~cleared
    threatened = prealert.Threatened(danger.believed, danger.due, may_warn & ~standing)
    alerts, pre_alerts = prealert.alerted(
        latches.alerts, threatened, impacts, around.adrift, around.coming, frame.commands, t, site)
    state = State(
        left, np.where(fresh, t, latches.since), np.where(fresh, danger.probability, np.fmax(latches.peak,
            danger.probability)), until, streak,
        np.where(left, raid, 0), manual & left, stages, raids, t if (lasting & (raid > 0)).any() else latches.active,
            latches.unknown + hand.unknown,
        expected, rates, alerts)
    action = np.where(fresh, RAISE, np.where(cleared, CLEAR, HELD)).astype(np.int8)
    told = Told(
        _table(standing, action, raid, manual, warning_stages.first(expected, n, t), danger, state), pre_alerts,
        _judged(danger, expected_loss, standing, over, ripe, may_warn, stages, site))
    return state, told


def _asked(danger: Danger, expected: loss.Loss, ear: Array, shelter: Array, site: Site, t: float) -> tuple[Array,
    Array]:
    """Zones probable enough to be warned, and those for which the time to warn has come."""
    policy = site.policy
    with np.errstate(invalid="ignore"):
        left = danger.due - ear - t
        last = left <= LAST_FRAMES * policy.frame_s
        if site.costs.stated:
            worth = danger.believed >= expected.threshold
            return worth & (danger.believed > 0.0), np.ones(worth.shape[0], np.bool_)
        known = (danger.spread <= KNOWN * policy.hazard_radius) | (danger.believed >= SURE)
        urgent = (left <= shelter + policy.warn_margin_s) & ((danger.spread <= ROUGH) | (left <= 0.5 * shelter))
    return danger.believed >= policy.warn_probability, np.asarray(known | urgent | last)


def _enough(danger: Danger, streak: Array, ear: Array, shelter: Array, t: float, policy: Policy) -> tuple[Array, Array]:
    """Zones that have been over their threshold in enough frames running, and those where every
    second counts.
    """
    with np.errstate(invalid="ignore"):
        left = danger.due - ear - t
        urgent, last = left <= shelter + policy.warn_margin_s, left <= LAST_FRAMES * policy.frame_s
    return (streak >= np.where(urgent, URGENT_FRAMES, CALM_FRAMES)) | last, urgent


def _rows_of(impacts: Impacts, threats: Threats, adrift: Array) -> tuple[Array, Array]:
    """Of each threat the row of its impact (n,), and whether it may raise a warning: a
    projectile more probably than not, seen in a direction to believe.
    """
    if threats.track.size == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.bool_)
    order = np.argsort(impacts.track, kind="stable")
    row = order[np.searchsorted(impacts.track, threats.track, sorter=order)]
    return row, (impacts.p_projectile[row] >= LIKELY) & ~among(threats.track, adrift)


def _danger(spreads: Array, threats: Threats, row: Array, own: Array, n: int, policy: Policy) -> Danger:
    """The rows of `threats` put together by zone; spreads (impacts,) as of `_spreads` [m]."""
    due, spread, tracks = np.full(n, math.nan), np.full(n, math.inf), np.zeros(n, np.int64)
    zone, p = threats.zone.astype(np.int64), threats.probability
    counts = p >= policy.clear_probability  # anything less likely does not set the countdown
    np.fmin.at(due, zone[counts], threats.t[counts])
    np.add.at(tracks, zone[counts], 1)
    weighty = own & (p >= min(WEIGHTY, 0.5 * policy.warn_probability))
    np.minimum.at(spread, zone[weighty], spreads[row[weighty]])
    return Danger(
        at_least_one(p, zone, n, policy.shared_error), at_least_one(p[own], zone[own], n, policy.shared_error), due,
            spread, tracks)


def _spreads(covariance: Array) -> Array:
    """Standard deviation (n,) of each place of impact along the long axis of its ellipse [m]."""
    half = np.hypot(0.5 * (covariance[:, 0, 0] - covariance[:, 1, 1]), covariance[:, 0, 1])
    return np.asarray(np.sqrt(np.maximum(0.5 * (covariance[:, 0, 0] + covariance[:, 1, 1]) + half, 0.0)))


def _losses(
    impacts: Impacts, threats: Threats, row: Array, own: Array, rates: loss.Settling, danger: Danger, ear: Array,
        site: Site, t: float,
) -> loss.Loss:
    """Expected losses of every zone, by the site's costs or, where it states none, by
    illustrative ones.
    """
    zone = threats.zone.astype(np.int64)[own]
    rows = loss.Rows(
        zone, threats.probability[own], threats.t[own] - ear[zone] - t, threats.t_sigma[own],
        loss.settled(rates, site.policy)[row[own]], loss.spent(rates, impacts.t, t)[row[own]])
    _, shelter, _, people = _zones(site)
    return loss.expect(rows, danger.believed, danger.due - ear - t, shelter, people, site.policy, site.costs)


def _judged(
    danger: Danger, expected: loss.Loss, standing: Array, over: Array, ripe: Array, may_warn: Array,
    stages: warning_stages.State, site: Site,
) -> Losses:
    """The table of what each endangered zone stands to lose, and why it is warned or not."""
    rows = np.flatnonzero((danger.probability > 0.0) | standing)
    if site.costs.stated:
        threshold = expected.threshold
        spared = np.where(expected.warned > expected.unwarned, COSTLY, UNSETTLED)
    else:
        threshold = np.full(standing.shape[0], site.policy.warn_probability)
        spared = np.full(standing.shape[0], IMPROBABLE)
    why = np.where(over & ripe, BRIEF, np.where(over, UNSETTLED, spared))
    why = np.where(standing, WARNED, np.where(may_warn, why, NOBODY_TO_WARN)).astype(np.int8)
    return Losses(
        rows.astype(np.int32), expected.unwarned[rows], expected.warned[rows], expected.waited[rows],
        danger.believed[rows], threshold[rows], danger.due[rows], why[rows], stages.reason[rows], stages.over[rows])


def _because(by_hand: Array, urgent: Array, danger: Danger, site: Site) -> Array:
    """The reason of each zone's warning, were it raised now."""
    early = urgent & (danger.spread > KNOWN * site.policy.hazard_radius)
    return np.where(by_hand, BY_HAND, np.where(site.costs.stated, WORTH, np.where(early, URGENT, PROBABLE)))


def _raids(latches: State, due: Array, by_hand: Array, t: float, gap: float) -> tuple[Array, int]:
    """The raid of each zone: what is raised within `gap` [s] of a raid's last warning belongs
    to it. A manual alarm joins one when danger follows.
    """
    raid = np.where(by_hand, 0, latches.raid)
    joins = due & (raid == 0)
    if not joins.any():
        return raid, latches.raids
    raids = latches.raids if latches.raids and t - latches.active <= gap else latches.raids + 1
    return np.where(joins, raids, raid), raids


def _table(standing: Array, action: Array, raid: Array, manual: Array, due: Array, danger: Danger,
    state: State) -> Warnings:
    """The table: most urgent first, then most probable; what is cleared comes last."""
    rows = np.flatnonzero(standing)
    urgency = np.where(action[rows] == CLEAR, math.inf, np.where(np.isfinite(due[rows]), due[rows], 1e12))
    rows = rows[np.lexsort((rows, -danger.probability[rows], urgency))]
    stage = np.where(action == CLEAR, ALL_CLEAR, state.stages.stage)
    return Warnings(
        rows.astype(np.int32), action[rows], state.since[rows], danger.probability[rows], state.peak[rows], due[rows],
            state.until[rows],
        danger.tracks[rows].astype(np.int32), raid[rows].astype(np.int32), manual[rows], stage[rows].astype(np.int8))


class Hand(NamedTuple):
    """What people said in this frame, one row a zone, the last word counting."""

    on: Array  # bool, put under warning
    off: Array  # bool, a manual alarm taken back
    wrong: Array  # bool, the warning was wrong
    clear: Array  # bool, the all-clear is given
    unknown: int  # commands that named no zone to warn


def _by_hand(commands: tuple[Command, ...], site: Site, may_warn: Array) -> Hand:
    """A correction clears at once, whatever is foreseen; a danger that is still seen then
    raises the zone anew, as any other does.
    """
    on, off, wrong, clear = (np.zeros(len(site.zones), np.bool_) for _ in range(4))
    unknown = 0
    mine = [command for command in commands if command.kind in (ALARM, CANCEL, CORRECT, GIVE_CLEAR, ACKNOWLEDGE)]
    names = {zone.name: k for k, zone in enumerate(site.zones) if may_warn[k]} if mine else {}
    for command in mine:
        k, kind = names.get(command.subject), command.kind
        if k is None:
            unknown += 1
        elif kind != ACKNOWLEDGE:  # an acknowledgement is kept in the record and shown; it changes no belief
            on[k], off[k], wrong[k], clear[k] = kind == ALARM, kind in (CANCEL,
                CORRECT), kind == CORRECT, kind == GIVE_CLEAR
    return Hand(on, off, wrong, clear, unknown)


@lru_cache(maxsize=8)
def _zones(site: Site) -> tuple[Array, Array, Array, Array]:
    """Of each zone: how long its siren's sound takes to it [s], the time to shelter [s],
    whether it can be warned, its people.
    """
    return (
        hearing(site).delay, np.array([zone.shelter_s for zone in site.zones]),
        np.array([zone.warn for zone in site.zones], np.bool_), np.array([zone.people for zone in site.zones]))
