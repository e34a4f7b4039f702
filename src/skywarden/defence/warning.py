"""From threats to warnings: which zones are warned, since when and until when. Latched: once
raised, a warning stands until its all-clear.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.commands import ACKNOWLEDGE, ALARM, CANCEL, CORRECT, Command
from skywarden.messages.frame import Frame
from skywarden.messages.picture import ALL_CLEAR, CLEAR, HELD, RAISE, STAY, TAKE_COVER, Impacts, Threats, Warnings
from skywarden.messages.tables import among
from skywarden.site.model import Policy, Site

Array = NDArray[Any]

SURE = 0.8              # from this probability on, a broad ellipse is no reason to wait
# hazard radii of standard deviation up to which a place of impact is known well enough to warn the zones about it
KNOWN = 2.5
# m; with a place known no better, even urgency waits, lest the impact be half a kilometre off, until half the shelter
# time is left
ROUGH = 200.0
LIKELY = 0.5            # a warning rests only on tracks that are more probably projectiles than anything else
CALM_FRAMES = 3         # in a row over the threshold before a warning is raised; one frame is a blip
URGENT_FRAMES = 2       # the same where people already need every second
LAST_FRAMES = 2.0       # frames' time before the impact from which a single frame must do
NOBODY: Array = np.zeros(0, np.int64)


class Expected(NamedTuple):
    """Impacts that endanger a zone, one row a zone and track: those foreseen now, and those of
    tracks since stopped or lost from sight.
    """

    zone: Array         # (n,) int64
    track: Array        # (n,) int64
    t: Array            # (n,) [s]


class State(NamedTuple):
    """One row a zone of the site, but for the last four."""

    standing: Array     # bool
    since: Array        # when raised [s]
    peak: Array         # highest probability while standing
    until: Array        # earliest all-clear [s]
    streak: Array       # int, frames in a row over the threshold
    raid: Array         # int, the raid it belongs to; 0 none
    manual: Array       # bool
    raids: int          # so far
    active: float       # last time any warning of a raid stood [s]
    unknown: int        # commands about zones nobody knows, ignored
    expected: Expected


class Danger(NamedTuple):
    """What threatens each zone in this frame, one row a zone."""

    probability: Array  # that at least one projectile endangers it
    believed: Array     # the same, counting only what is more probably a projectile than not
    due: Array          # earliest impact of what is likely enough to count [s]; nan none
    spread: Array       # standard deviation of the likeliest impact's place along its ellipse's long axis [m]; inf none
    tracks: Array       # int, how many endanger it


def start(site: Site) -> State:
    """No zone is warned."""
    n = len(site.zones)
    no, zero, none = np.zeros(n, np.bool_), np.zeros(n), np.zeros(0, np.int64)
    return State(no, zero, zero, zero, np.zeros(n, np.int64), np.zeros(n, np.int64), no, 0, -math.inf, 0,
        Expected(none, none, np.zeros(0)))


def decide(
    latches: State, impacts: Impacts, threats: Threats, frame: Frame, site: Site, dismissed: Array = NOBODY,
) -> tuple[State, Warnings]:
    """Raise, hold and clear the warnings of every zone that can be warned.

    dismissed  (n,) int64 tracks that a person says are no projectiles: a zone warned because of
               them alone gets its all-clear at once

    A zone is raised when it is endangered with at least the policy's probability in several frames
    running, and either the place of impact is known well enough not to warn the wrong people, or
    waiting would cost people the time they need to reach shelter. docs/models/warning.md argues it.
    """
    if not site.zones:
        return latches, Warnings.empty()
    policy, t = site.policy, frame.t
    shelter, may_warn = _zones(site)
    danger = _danger(impacts, threats, len(site.zones), policy.clear_probability)
    over = (danger.believed >= policy.warn_probability) & may_warn
    streak = np.where(over, latches.streak + 1, 0)
    due_now = over & _ripe(danger, streak, shelter, t, policy)

    on, off, wrong, unknown = _by_hand(frame.commands, site, may_warn)
    streak = np.where(wrong, 0, streak)
    due_now = due_now & ~wrong
    raised = due_now & ~latches.standing
    by_hand = on & ~latches.standing & ~raised
    fresh, standing = raised | by_hand, latches.standing | raised | by_hand
    manual = (latches.manual | by_hand) & ~off
    before, released = _dismissed(latches.expected, dismissed, len(site.zones))
    before = Expected(*(column[~wrong[before.zone]] for column in before))
    expected = _expected(before, standing, impacts, threats, t, policy)
    due, last = _first_and_last(expected, len(site.zones), t)
    # where nothing is expected any more the all-clear stays where it was: there is no early cancel
    until = np.where(standing & np.isfinite(last), last + policy.all_clear_s, np.where(fresh | released, t,
        latches.until))
    cleared = latches.standing & ~manual & (t >= until) & (danger.probability < max(policy.clear_probability,
        1e-9)) | latches.standing & wrong

    raid, raids = _raids(latches, due_now & standing, by_hand, t, policy.raid_gap_s)
    active = t if (standing & ~cleared & (raid > 0)).any() else latches.active
    left = standing & ~cleared
    state = State(
        left, np.where(fresh, t, latches.since), np.where(fresh, danger.probability, np.fmax(latches.peak,
            danger.probability)), until,
        streak, np.where(left, raid, 0), manual & left, raids, active, latches.unknown + unknown, expected)
    action = np.where(fresh, RAISE, np.where(cleared, CLEAR, HELD)).astype(np.int8)
    return state, _rows(standing, action, raid, manual, due, danger, state)


def _ripe(danger: Danger, streak: Array, shelter: Array, t: float, policy: Policy) -> Array:
    """Zones for which the time to warn has come: the place is known, the danger is plain, or people
    would run out of time.
    """
    with np.errstate(invalid="ignore"):
        left = danger.due - t
        known = (danger.spread <= KNOWN * policy.hazard_radius) | (danger.believed >= SURE)
        urgent = (left <= shelter + policy.warn_margin_s) & ((danger.spread <= ROUGH) | (left <= 0.5 * shelter))
        last = left <= LAST_FRAMES * policy.frame_s
    enough = np.where(urgent, URGENT_FRAMES, CALM_FRAMES)
    return np.asarray((known | urgent) & (streak >= enough) | last)


def _expected(
    before: Expected, standing: Array, impacts: Impacts, threats: Threats, t: float, policy: Policy
) -> Expected:
    """What is foreseen now, and what was foreseen of tracks that are gone, where a warning stands:
    a round out of sight is not a round stopped.
    """
    now = np.flatnonzero(threats.probability >= policy.clear_probability)
    gone = standing[before.zone] & ~among(before.track, impacts.track) & (before.t + policy.all_clear_s >= t)
    return Expected(
        np.concatenate([before.zone[gone], threats.zone[now].astype(np.int64)]),
        np.concatenate([before.track[gone], threats.track[now]]),
        np.concatenate([before.t[gone], threats.t[now]]))


def _dismissed(before: Expected, dismissed: Array, n: int) -> tuple[Expected, Array]:
    """What is expected without the dismissed tracks, and the zones (n,) for which nothing else was."""
    no = np.zeros(n, np.bool_)
    if dismissed.size == 0:
        return before, no
    gone = among(before.track, dismissed)
    released, still = no, no.copy()
    released[before.zone[gone]] = True
    still[before.zone[~gone]] = True
    return Expected(before.zone[~gone], before.track[~gone], before.t[~gone]), released & ~still


def _first_and_last(expected: Expected, n: int, t: float) -> tuple[Array, Array]:
    """Of each zone: the earliest impact still to come, and the latest of all, past or to come; nan none."""
    first, last, ahead = np.full(n, math.nan), np.full(n, math.nan), expected.t >= t
    np.fmin.at(first, expected.zone[ahead], expected.t[ahead])
    np.fmax.at(last, expected.zone, expected.t)
    return first, last


def _raids(latches: State, due: Array, by_hand: Array, t: float, gap: float) -> tuple[Array, int]:
    """The raid of each zone: what is raised within `gap` [s] of a raid's last warning belongs to
    it. A manual alarm joins one when danger follows.
    """
    raid = np.where(by_hand, 0, latches.raid)
    joins = due & (raid == 0)
    if not joins.any():
        return raid, latches.raids
    raids = latches.raids if latches.raids and t - latches.active <= gap else latches.raids + 1
    return np.where(joins, raids, raid), raids


def _rows(
    standing: Array, action: Array, raid: Array, manual: Array, due: Array, danger: Danger, state: State
) -> Warnings:
    """The table: most urgent first, then most probable; what is cleared comes last."""
    rows = np.flatnonzero(standing)
    urgency = np.where(action[rows] == CLEAR, math.inf, np.where(np.isfinite(due[rows]), due[rows], 1e12))
    rows = rows[np.lexsort((rows, -danger.probability[rows], urgency))]
    return Warnings(
        rows.astype(np.int32), action[rows], state.since[rows], danger.probability[rows], state.peak[rows], due[rows],
        state.until[rows],
        danger.tracks[rows].astype(np.int32), raid[rows].astype(np.int32), manual[rows], _stages(action[rows],
            manual[rows], due[rows]))


def _stages(action: Array, manual: Array, due: Array) -> Array:
    """What the people of each warned zone are told: cover while an impact is to come or a person
    says so, then to stay, then the all-clear.
    """
    return np.where(action == CLEAR, ALL_CLEAR, np.where(np.isfinite(due) | manual | (action == RAISE), TAKE_COVER,
        STAY)).astype(np.int8)


def _danger(impacts: Impacts, threats: Threats, n: int, least: float) -> Danger:
    """The rows of `threats` put together by zone, as if the impacts were independent of one another."""
    safe, spared = np.ones(n), np.ones(n)
    due, spread, tracks = np.full(n, math.nan), np.full(n, math.inf), np.zeros(n, np.int64)
    if threats.track.size == 0:
        return Danger(1.0 - safe, 1.0 - spared, due, spread, tracks)
    order = np.argsort(impacts.track, kind="stable")
    row = order[np.searchsorted(impacts.track, threats.track, sorter=order)]
    believed = impacts.p_projectile[row] >= LIKELY
    zone, p = threats.zone.astype(np.int64), threats.probability
    np.multiply.at(safe, zone, 1.0 - p)
    np.multiply.at(spared, zone[believed], 1.0 - p[believed])
    counts = p >= least     # anything less likely does not set the countdown
    np.fmin.at(due, zone[counts], threats.t[counts])
    np.add.at(tracks, zone[counts], 1)
    known = np.flatnonzero(counts & believed)
    known = known[np.argsort(p[known], kind="stable")]      # the likeliest is written last, and stays
    c = impacts.covariance[row[known]]
    half = np.hypot(0.5 * (c[:, 0, 0] - c[:, 1, 1]), c[:, 0, 1])
    spread[zone[known]] = np.sqrt(np.maximum(0.5 * (c[:, 0, 0] + c[:, 1, 1]) + half, 0.0))
    return Danger(1.0 - safe, 1.0 - spared, due, spread, tracks)


def _by_hand(commands: tuple[Command, ...], site: Site, may_warn: Array) -> tuple[Array, Array, Array, int]:
    """Zones a person put under warning, released or corrected in this frame, the last word
    counting, and how many commands named no zone to warn.

    A correction clears at once, whatever is foreseen; a danger that is still seen then raises the
    zone anew, as any other does.
    """
    on, off, wrong = (np.zeros(len(site.zones), np.bool_) for _ in range(3))
    unknown = 0
    mine = [command for command in commands if command.kind in (ALARM, CANCEL, CORRECT, ACKNOWLEDGE)]
    names = {zone.name: k for k, zone in enumerate(site.zones) if may_warn[k]} if mine else {}
    for command in mine:
        k = names.get(command.subject)
        if k is None:
            unknown += 1
        elif command.kind != ACKNOWLEDGE:   # an acknowledgement is kept in the record and shown; it changes no belief
            on[k], off[k], wrong[k] = command.kind == ALARM, command.kind in (CANCEL, CORRECT), command.kind == CORRECT
    return on, off, wrong, unknown


@lru_cache(maxsize=8)
def _zones(site: Site) -> tuple[Array, Array]:
    """Of each zone: the time to shelter, whether it can be warned."""
    return np.array([zone.shelter_s for zone in site.zones]), np.array([zone.warn for zone in site.zones], np.bool_)
