"""From threats to warnings: which zones are warned, since when and until when. Latched: once raised, a warning stands until its all-clear."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.geometry.polygon import area
from skywarden.messages.commands import ALARM, CANCEL, Command
from skywarden.messages.frame import Frame
from skywarden.messages.picture import CLEAR, HELD, RAISE, Impacts, Threats, Warnings
from skywarden.site.model import Site

Array = NDArray[Any]

SURE = 0.7              # from this probability on, a broad ellipse is no reason to wait
STREAK = 3              # frames in a row over the threshold; one frame is a blip
HURRY_S = 3.0           # less time than this left beyond shelter: one frame must do


class State(NamedTuple):
    """One row a zone of the site, but for the last two."""

    standing: Array     # bool
    since: Array        # when raised [s]
    peak: Array         # highest probability while standing
    until: Array        # earliest all-clear [s]
    due: Array          # last earliest impact time expected [s]; nan none
    streak: Array       # int, frames in a row over the threshold
    raid: Array         # int, the raid it belongs to
    manual: Array       # bool
    raids: int          # so far
    active: float       # last time any warning stood [s]


def start(site: Site) -> State:
    n = len(site.zones)
    no, zero, unknown = np.zeros(n, np.bool_), np.zeros(n), np.full(n, math.nan)
    return State(no, zero, zero, zero, unknown, np.zeros(n, np.int64), np.zeros(n, np.int64), no, 0, -math.inf)


def decide(latches: State, impacts: Impacts, threats: Threats, frame: Frame, site: Site) -> tuple[State, Warnings]:
    """Raise, hold and clear the warnings of every zone that can be warned.

    A zone is raised when it is endangered with at least the policy's probability in several frames running, and either the place of impact is known
    well enough not to warn the wrong people, or waiting would cost people the time they need to reach shelter. docs/models/warning.md argues it.
    """
    if not site.zones:
        return latches, Warnings.empty()
    policy, t = site.policy, frame.t
    size, shelter, may_warn = _zones(site)
    probability, due, spread, last, tracks = _by_zone(impacts, threats, len(site.zones), policy.clear_probability)
    over = (probability >= policy.warn_probability) & may_warn
    streak = np.where(over, latches.streak + 1, 0)
    left = due - t - shelter
    known = (spread <= np.maximum(policy.hazard_radius, 0.35 * size)) | (probability >= SURE)
    urgent = left <= policy.warn_margin_s
    raised = over & ~latches.standing & (((known | urgent) & (streak >= STREAK)) | (left <= HURRY_S))
    manual_on, manual_off = _by_hand(frame.commands, site)
    by_hand = manual_on & ~latches.standing & ~raised
    standing = latches.standing | raised | by_hand
    until = np.where(standing & np.isfinite(last), np.fmax(latches.until, last + policy.all_clear_s), latches.until)
    until = np.where(by_hand, t, until)
    manual = (latches.manual | by_hand) & ~manual_off
    held_by_hand = manual & standing
    cleared = latches.standing & (t >= until) & (probability < max(policy.clear_probability, 1e-9)) & ~held_by_hand
    raids = latches.raids
    raid = latches.raid
    if raised.any():
        raids += 0 if raids and t - latches.active <= policy.raid_gap_s else 1
        raid = np.where(raised, raids, raid)
    raid = np.where(by_hand, 0, raid)
    new = State(
        standing & ~cleared, np.where(raised | by_hand, t, latches.since), np.where(raised | by_hand, probability, np.fmax(latches.peak, probability)),
        until, due, streak, raid, manual & ~cleared, raids, t if (standing & ~cleared).any() else latches.active)
    rows = np.flatnonzero(standing)
    action = np.where(raised | by_hand, RAISE, np.where(cleared, CLEAR, HELD)).astype(np.int8)
    urgency = np.where(action[rows] == CLEAR, math.inf, np.where(np.isfinite(due[rows]), due[rows], 1e12))
    rows = rows[np.lexsort((rows, -probability[rows], urgency))]
    return new, Warnings(
        rows.astype(np.int32), action[rows], new.since[rows], probability[rows], new.peak[rows], due[rows], new.until[rows], tracks[rows].astype(np.int32),
        raid[rows].astype(np.int32), manual[rows])


def _by_zone(impacts: Impacts, threats: Threats, n: int, least: float) -> tuple[Array, Array, Array, Array, Array]:
    """Per zone: probability of being endangered at all, earliest impact, spread of the likeliest impact, latest impact, rounds."""
    survive, due, last = np.ones(n), np.full(n, math.nan), np.full(n, math.nan)
    spread, likeliest, tracks = np.full(n, math.inf), np.zeros(n), np.zeros(n, np.int64)
    row = {int(track): k for k, track in enumerate(impacts.track)}
    for k in range(threats.track.size):
        z, p = int(threats.zone[k]), float(threats.probability[k])
        survive[z] *= 1.0 - p
        if p < max(least, 0.01):
            continue        # too unlikely to set the countdown by
        due[z], last[z] = np.fmin(due[z], threats.t[k]), np.fmax(last[z], threats.t[k])
        tracks[z] += 1
        if p > likeliest[z]:
            likeliest[z] = p
            c = impacts.covariance[row[int(threats.track[k])], :2, :2]
            spread[z] = math.sqrt(max(0.5 * (c[0, 0] + c[1, 1]) + math.hypot(0.5 * (c[0, 0] - c[1, 1]), c[0, 1]), 0.0))
    return 1.0 - survive, due, spread, last, tracks


def _by_hand(commands: tuple[Command, ...], site: Site) -> tuple[Array, Array]:
    """Zones a person put under warning or released in this frame, by name; a name nobody knows has no effect."""
    on, off = np.zeros(len(site.zones), np.bool_), np.zeros(len(site.zones), np.bool_)
    names = {zone.name: k for k, zone in enumerate(site.zones)}
    for command in commands:
        k = names.get(command.subject)
        if k is not None and command.kind in (ALARM, CANCEL):
            (on if command.kind == ALARM else off)[k] = True
    return on, off


@lru_cache(maxsize=8)
def _zones(site: Site) -> tuple[Array, Array, Array]:
    """Of each zone: the side of a square as large, the time to shelter, whether it can be warned."""
    return (
        np.array([math.sqrt(abs(area(zone.polygon))) for zone in site.zones]), np.array([zone.shelter_s for zone in site.zones]),
        np.array([zone.warn for zone in site.zones]))
