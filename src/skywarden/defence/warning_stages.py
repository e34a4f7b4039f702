"""What the people of a warned zone are told next, and why: cover, stay, impacts over, all-clear."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skywarden.messages.picture import (
    AFTER_IMPACT,
    CORRECTED,
    IMPACT_DUE,
    IMPACTS_OVER,
    NARROWED,
    NO_REASON,
    NO_STAGE,
    OPERATOR,
    OUTAGE,
    PASSED,
    PROLONGED,
    RAID_GOES_ON,
    RELEASED,
    STAY,
    TAKE_COVER,
    TENTATIVE,
    TIME_OVER,
    Impacts,
    Threats,
)
from skywarden.messages.tables import Array, among
from skywarden.site.model import Policy

LATEST = 2.326  # standard deviations of a time of impact after which 99 of 100 have come
LATER = 2.0  # s by which the last impact must come later for the change to be told
MOST_RAISES = 2  # of one zone in one raid: the second stands until the raid is over


class Expected(NamedTuple):
    """Impacts that endanger a zone, one row a zone and track: those foreseen now, and those of
    tracks since
    stopped or lost from sight.
    """

    zone: Array  # (n,) int64
    track: Array  # (n,) int64
    t: Array  # (n,) [s]
    sigma: Array  # (n,) standard deviation of that [s]


class State(NamedTuple):
    """One row a zone, but for the last."""

    stage: Array  # int8
    reason: Array  # int8, why it is told that
    over: Array  # earliest time of IMPACTS_OVER [s]; nan nothing was ever foreseen
    calm: Array  # since when nothing has been expected although its rounds are all followed [s]; nan not now
    narrowed: Array  # bool, once in this raid
    raid: Array  # int, the raid it was last raised in
    raises: Array  # int, how often in that
    seeing: float  # since when a radar has worked [s]; inf none does


class Now(NamedTuple):
    """What bears on the stages in this frame, one row a zone but for the plain numbers."""

    t: float
    stood: Array  # bool, before this frame
    standing: Array  # bool
    fresh: Array  # bool, raised in this frame
    manual: Array  # bool, a person holds it
    wrong: Array  # bool, a person says that it was wrong
    clear: Array  # bool, a person gives the all-clear
    raid: Array  # int
    probability: Array
    because: Array  # why it would be raised
    healthy: bool
    lag: float
    tentative: Array  # bool, something not yet confirmed may come down there
    dismissed: Array  # (k,) int64 tracks that a person says are no projectiles
    active: float  # last time any warning of a raid stood, before this frame [s]


class Staged(NamedTuple):
    """The state after a frame, and what it does to the warnings."""

    state: State
    expected: Expected
    until: Array  # earliest all-clear [s]
    cleared: Array  # bool
    lasting: Array  # bool, stands for more than its being the second of its raid


def start(zones: int) -> State:
    """Nobody is told anything.

    zones  number of zones
    """
    nan, no, zero = np.full(zones, math.nan), np.zeros(zones, np.bool_), np.zeros(zones, np.int64)
    return State(
        np.full(zones, NO_STAGE, np.int8), np.full(zones, NO_REASON, np.int8), nan, nan, no, zero, zero, -math.inf
    )


def nothing() -> Expected:
    """No impact is expected."""
    none = np.zeros(0, np.int64)
    return Expected(none, none, np.zeros(0), np.zeros(0))


def staged(
    state: State, before: Expected, until: Array, now: Now, impacts: Impacts, threats: Threats, policy: Policy
) -> Staged:
    """Stages, all-clears and their reasons, one frame on.

    state    stages before this frame
    before   impacts expected before this frame
    until    (zones,) time up to which each warning stands at least [s]
    now      what holds in this frame: standing warnings, commands, health
    impacts  where and when tracks are expected to fall
    threats  which impacts endanger which zones
    policy   the site's policy
    """
    t, n = now.t, now.standing.shape[0]
    seeing = math.inf if not now.healthy else t if math.isinf(state.seeing) and state.seeing > 0.0 else state.seeing
    settled = now.healthy and t - seeing >= policy.dwell_s
    kept, released = _dismissed(before, now.dismissed, n)
    kept = Expected(*(column[~now.wrong[kept.zone]] for column in kept))
    expected, followed = _expected(kept, now, impacts, threats, policy)
    due, last = first(expected, n, t), _last(expected.zone, expected.t, n)
    latest = _last(expected.zone, expected.t + LATEST * expected.sigma, n) + policy.fallout_s + policy.dwell_s + now.lag
    foreseen = np.isfinite(last)

    again = now.fresh & (now.raid > 0) & (now.raid == state.raid)
    raises = np.where(now.wrong, 0, np.where(now.fresh & (now.raid > 0), np.where(again, state.raises + 1, 1),
        state.raises))
    raid = np.where(now.fresh & (now.raid > 0), now.raid, state.raid)
    calm = np.where(now.stood & ~foreseen & followed, np.fmin(state.calm, t), math.nan)
    had = state.narrowed & ~(now.fresh & ~again)
    narrow = settled & now.stood & ~now.manual & ~had & ~now.tentative & (t - calm >= policy.narrow_s - 1e-9)
    over = np.where(foreseen, latest, np.where(now.fresh | released, math.nan, state.over))
    over = np.where(narrow, np.fmin(over, t), over)
    # where nothing is expected any more the all-clear stays where it was, unless the zone is narrowed away
    later = np.where(now.standing & foreseen, last + policy.all_clear_s, np.where(now.fresh | released, t, until))
    later = np.where(narrow, np.minimum(later, calm + policy.all_clear_s), later)

    quiet = ~now.manual & (now.probability < max(policy.clear_probability, 1e-9)) & ~(due >= t)
    passed = np.isnan(over) | (t >= over)
    done = quiet & passed & ~now.tentative & settled
    done |= quiet & np.isnan(over)      # a person's alarm, or one that a person took back, waits for no radar
    stage = np.where(
        now.manual | now.fresh | np.isfinite(due), TAKE_COVER, np.where(done | (quiet & (state.stage == IMPACTS_OVER)),
            IMPACTS_OVER, STAY))
    cleared, lasting, repeated, waits = _all_clear(now, done & (stage == IMPACTS_OVER), later, over, raises, policy)
    reason = _reasons(state, now, stage, narrow, released, later, until, cleared, repeated, waits, settled, passed,
        quiet)
    left = now.standing & ~cleared
    after = State(
        np.where(left, stage, NO_STAGE).astype(np.int8), reason, np.where(now.standing, over, math.nan),
        np.where(left, calm, math.nan), left & (had | narrow) | ~left & had, raid, raises, seeing)
    return Staged(after, expected, later, cleared, lasting)


def _all_clear(
    now: Now, allowed: Array, later: Array, over: Array, raises: Array, policy: Policy
) -> tuple[Array, Array, Array, Array]:
    """The all-clear rule: (zones,) bool each, which zones are cleared, which warnings last, which
    were raised again too often in one raid to be cleared by time alone, which wait for a person.

    A zone is cleared where its impacts are over (`allowed`) and either a person says so, or its
    time `later` has come, no such repetition holds it and the policy leaves it to no operator; and
    where a person takes its warning back as wrong.
    """
    repeated = (raises >= MOST_RAISES) & (now.t - now.active <= policy.raid_gap_s) & ~np.isnan(over)
    waits = (policy.all_clear == "operator") & ~np.isnan(over)
    cleared = now.stood & (allowed & (now.clear | ((now.t >= later) & ~repeated & ~waits)) | now.wrong)
    lasting = now.standing & ~cleared & ~(repeated & allowed & (now.t >= later))
    return cleared, lasting, repeated, waits


def _reasons(
    state: State, now: Now, stage: Array, narrow: Array, released: Array, later: Array, until: Array, cleared: Array,
    repeated: Array, waits: Array, settled: bool, passed: Array, quiet: Array,
) -> Array:
    """Why each zone is told what it is told: changed where that changes, or where what holds it
    does.
    """
    reason = np.where(now.standing, state.reason, NO_REASON)
    reason = np.where((stage != state.stage) & (stage == TAKE_COVER), IMPACT_DUE, reason)
    reason = np.where(now.standing & ~now.fresh & (stage == TAKE_COVER) & (later > until + LATER), PROLONGED, reason)
    reason = np.where((stage != state.stage) & (stage == STAY), AFTER_IMPACT, reason)
    reason = np.where((stage != state.stage) & (stage == IMPACTS_OVER), PASSED, reason)
    ready = now.standing & quiet & passed & (stage != TAKE_COVER)
    reason = np.where(ready & (stage == STAY) & now.tentative, TENTATIVE, reason)
    reason = np.where(ready & ~np.isnan(state.over) & ~np.bool_(settled), OUTAGE, reason)
    resumed = np.bool_(settled) & (reason == OUTAGE)
    reason = np.where(resumed | ((reason == TENTATIVE) & ~now.tentative), PASSED, reason)
    held = ready & (stage == IMPACTS_OVER) & (now.t >= later) & np.bool_(settled)
    reason = np.where(held & repeated, RAID_GOES_ON, np.where(held & waits, OPERATOR, reason))
    reason = np.where(narrow, NARROWED, reason)
    reason = np.where(now.fresh, now.because, reason)
    reason = np.where(cleared, np.where(now.wrong, CORRECTED, np.where(now.clear | released, RELEASED, TIME_OVER)),
        reason)
    return np.asarray(reason.astype(np.int8))


def _expected(before: Expected, now: Now, impacts: Impacts, threats: Threats, policy: Policy) -> tuple[Expected, Array]:
    """What is foreseen now, and what was foreseen of tracks that are gone, where a warning
    stands: a round out of
    sight is not a round stopped. And the zones (n,) whose rounds are all followed still.
    """
    rows = np.flatnonzero(threats.probability >= policy.clear_probability)
    missing = ~among(before.track, impacts.track)
    gone = now.standing[before.zone] & missing & (before.t + policy.all_clear_s >= now.t)
    followed = np.ones(now.standing.shape[0], np.bool_)
    followed[before.zone[missing]] = False
    return Expected(
        np.concatenate([before.zone[gone], threats.zone[rows].astype(np.int64)]),
        np.concatenate([before.track[gone], threats.track[rows]]),
        np.concatenate([before.t[gone], threats.t[rows]]),
        np.concatenate([before.sigma[gone], threats.t_sigma[rows]]),
    ), followed


def _dismissed(before: Expected, dismissed: Array, n: int) -> tuple[Expected, Array]:
    """What is expected without the dismissed tracks, and the zones (n,) for which nothing else
    was.
    """
    no = np.zeros(n, np.bool_)
    if dismissed.size == 0:
        return before, no
    gone = among(before.track, dismissed)
    released, still = no, no.copy()
    released[before.zone[gone]] = True
    still[before.zone[~gone]] = True
    return Expected(*(column[~gone] for column in before)), released & ~still


def first(expected: Expected, n: int, t: float) -> Array:
    """The earliest impact of each zone still to come (n,) [s]; nan none.

    expected  impacts expected
    t         time of the frame [s]
    """
    found, ahead = np.full(n, math.nan), expected.t >= t
    np.fmin.at(found, expected.zone[ahead], expected.t[ahead])
    return found


def _last(zone: Array, t: Array, n: int) -> Array:
    found = np.full(n, math.nan)
    np.fmax.at(found, zone, t)
    return found
