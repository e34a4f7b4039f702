"""Which zones are told that something was fired, before anybody is told to take cover."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from skywarden.messages.commands import FORETOLD, Command
from skywarden.messages.picture import (
    COMING,
    FIRED,
    FORETOLD_THERE,
    NO_REASON,
    UNKNOWN_DIRECTION,
    Impacts,
    Inbound,
    PreAlerts,
)
from skywarden.messages.tables import Array, among
from skywarden.site.model import Policy, Site

FRAMES = 2  # in a row over the threshold before a zone is told; one frame is a blip
LONGEST_S = 600.0  # s ahead that another base may foresee a round
LIKELY = 0.5  # probability of being a projectile from which something was fired


class State(NamedTuple):
    """One row a zone, but for the last two."""

    since: Array  # when it was told [s]; nan it is not
    until: Array  # earliest end [s]
    cause: Array  # int8, row of REASONS
    streak: Array  # int, frames in a row with a cause
    foretold: Array  # until when another base's word stands [s]
    adrift: float  # until when something fired from an unknown direction is reckoned with [s]
    drifting: int  # frames in a row in which it was seen


class Threatened(NamedTuple):
    """What bears on pre-alerts, one row a zone."""

    believed: Array  # probability that at least one projectile endangers it
    due: Array  # earliest impact [s]; nan none
    free: Array  # bool, can be warned and is not under warning


def start(zones: int) -> State:
    """Nobody is told anything.

    zones  number of zones
    """
    nan = np.full(zones, math.nan)
    return State(nan, nan, np.zeros(zones, np.int8), np.zeros(zones, np.int64), np.full(zones, -math.inf), -math.inf, 0)


def alerted(
    state: State, threatened: Threatened, impacts: Impacts, adrift: Array, coming: Inbound,
    commands: tuple[Command, ...], t: float, site: Site,
) -> tuple[State, PreAlerts]:
    """The pre-alerts one frame on.

    adrift      (k,) int64 tracks that rest on radars whose direction cannot be believed: they may
                come down anywhere
    coming      powered objects that head for zones
    state       pre-alerts before this frame
    threatened  probability that each round endangers each zone
    impacts     where and when tracks are expected to fall
    commands    what people commanded in this frame
    t           time of the frame [s]
    site        the site as its defender declared it

    A pre-alert ends when its zone is warned, or when its cause has been gone for the policy's
    dwell; one of another base's word, or of a radar's unknown direction, stands until its impact
    and the all-clear's time have passed.
    """
    policy, n = site.policy, threatened.free.shape[0]
    foretold = _foretold(state.foretold, commands, t, site)
    mine = among(impacts.track, adrift) & (impacts.p_projectile >= LIKELY)
    drifting = state.drifting + 1 if mine.any() else 0
    until_adrift = state.adrift
    if drifting >= FRAMES:
        until_adrift = max(until_adrift, float(impacts.t[mine].max()) + policy.all_clear_s)
    due, arrives = threatened.due, np.full(n, math.nan)
    np.fmin.at(arrives, coming.zone, coming.t)
    cause = _causes(threatened, np.isfinite(arrives), foretold > t, until_adrift > t, policy)
    streak = np.where(cause != NO_REASON, state.streak + 1, 0)
    at_once = (cause != NO_REASON) & (cause != FIRED)
    begins = np.isnan(state.since) & threatened.free & ((streak >= FRAMES) | at_once)
    stands = threatened.free & (begins | ~np.isnan(state.since))
    until = np.where(cause != NO_REASON, t + policy.dwell_s, state.until)
    stands &= ~((cause == NO_REASON) & (t >= until))
    since = np.where(begins, t, state.since)
    shown = np.where(cause != NO_REASON, cause, state.cause).astype(np.int8)
    after = State(np.where(stands, since, math.nan), until, shown, streak, foretold, until_adrift, drifting)
    rows = np.flatnonzero(stands)
    first = np.fmin(due, arrives)
    return after, PreAlerts(
        rows.astype(np.int32), since[rows], threatened.believed[rows], first[rows], until[rows], shown[rows])


def _causes(threatened: Threatened, arriving: Array, foretold: Array, adrift: bool, policy: Policy) -> Array:
    """Why each zone would be told; NO_REASON it would not. What is nearest to an impact there
    counts.
    """
    cause = np.full(threatened.free.shape[0], NO_REASON)
    if adrift:
        cause[:] = UNKNOWN_DIRECTION
    cause[foretold] = FORETOLD_THERE
    cause[arriving] = COMING
    cause[(threatened.believed >= policy.pre_alert_probability) & (policy.pre_alert_probability < 1.0)] = FIRED
    return cause


def _foretold(before: Array, commands: tuple[Command, ...], t: float, site: Site) -> Array:
    """Until when another base's word stands (zones,) [s]; a word that makes no sense changes
    nothing.
    """
    until = before
    for command in commands:
        if command.kind != FORETOLD:
            continue
        said, _, name = command.subject.partition(" ")
        rows = [k for k, zone in enumerate(site.zones) if zone.name == name and zone.warn]
        try:
            seconds = float(said)
        except ValueError:
            continue
        if rows and 0.0 <= seconds <= LONGEST_S:
            until = until.copy()
            until[rows[0]] = max(until[rows[0]], t + seconds + site.policy.all_clear_s)
    return until
