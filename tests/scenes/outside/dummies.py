"""Defences that the judge must see through, made from the reference filter: an honest one, and
those that cheat, each in one way.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import flight, reference
from .radar import Plots, ratio
from .raids import Raid, zones_that_warn
from .run import Moment, Told, seen
from .score import BEFORE, sight

PERIOD = 0.25           # s between the moments of a made-up defence
EARLY = 3.0             # s after a round's first sight that the honest one first looks
WEAK = 0.05             # m²; the filter that drops weak signals sees no echo that looks smaller than this
CONSTANT = 0.3


class Belief(NamedTuple):
    """What is expected of one round from a time on."""

    t: float
    place: np.ndarray
    covariance: np.ndarray
    due: float


def beliefs(raid: Raid, plots: list[Plots], least: float = 0.0) -> list[list[Belief]]:
    """The reference filter's expectations of each round, looked at soon after its first sight
    and at the times that are judged.
    """
    if least:
        sections = [p.power / ratio(radar, p.polar[:, 0], 1.0) for radar, p in zip(raid.case.radars, plots,
            strict=True)]
        plots = [p._replace(origin=np.where(section >= least, p.origin, -1)) for p, section in zip(plots, sections,
            strict=True)]
    air, first = reference.believed_world(raid.place), sight(raid)[0]
    out: list[list[Belief]] = []
    for row, r in enumerate(raid.rounds):
        fit, rows, last = reference.prepared(raid, plots, row), [], None
        if fit is not None:
            end = r.body.path.end
            wanted = (first[row] + EARLY, first[row] + 2.0 * EARLY, *(end - b for b in (25.0, *BEFORE)))
            times = sorted({PERIOD * np.floor(t / PERIOD) for t in wanted if np.isfinite(t) and t > fit.t[0]})
            for now in times:
                expected, last = reference.foresee(fit, float(now), air, last)
                if expected is not None:
                    rows.append(Belief(float(now), expected.place, expected.covariance, expected.t))
        out.append(rows)
    return out


def told(raid: Raid, plots: list[Plots], all_beliefs: list[list[Belief]], wide: float = 1.0, constant: bool = False,
    rule: str = "plain") -> Told:
    """A made-up defence's whole run.

    all_beliefs  of each round, as `beliefs` gives them
    wide         factor of its ellipses' axes
    constant     every zone's probability is the same
    rule         "plain", "everybody" or "nobody" is warned
    """
    zones, standing, moments = zones_that_warn(raid.place), set(), []
    asked: dict[tuple[int, float, int], float] = {}
    for t in np.arange(0.0, raid.until, PERIOD):
        now = [(row, max(rows, key=lambda b: b.t)) for row, every in enumerate(all_beliefs)
               if (rows := [b for b in every if b.t <= t]) and t < raid.rounds[row].body.path.end]
        threats, danger, known = [], np.zeros(len(raid.place.zones)), np.zeros(len(raid.place.zones), bool)
        for row, belief in now:
            covariance = belief.covariance * wide**2
            sharp = np.linalg.eigvalsh(covariance)[-1] <= raid.place.hazard**2
            for k, zone in zones:
                key = (row, belief.t, k)
                if key not in asked:
                    foreseen = reference.Foreseen(belief.due, belief.place, covariance)
                    asked[key] = CONSTANT if constant else reference.probability(foreseen, zone.ring, raid.place.hazard)
                threats.append((row, k, asked[key]))
                danger[k] = 1.0 - (1.0 - danger[k]) * (1.0 - asked[key])
                known[k] |= asked[key] >= reference.P_CLEAR and (sharp
                    or belief.due - t <= zone.shelter + raid.place.warn_margin)
        due = (danger >= reference.P_WARN) & (known | (danger >= reference.SURE))
        raised = [k for k, _ in zones if k not in standing and (rule == "everybody" or (rule == "plain" and due[k]))]
        standing |= set(raised)
        moments.append(_moment(float(t), raid, [row for row, _ in now], [b for _, b in now], threats, wide, standing,
            raised))
    return Told(moments, plots)


def _moment(t, raid, tracks, places, threat_rows, wide, standing, raised) -> Moment:
    n = len(tracks)
    state = np.array([flight.at(raid.rounds[row].body.path, np.array([t]))[0] for row in tracks]).reshape(n, 6)
    rows = np.array(threat_rows, float).reshape(-1, 3)
    numbers = np.array(tracks, int)
    return Moment(
        t, numbers, state[:, :3], state[:, 3:], np.ones(n), numbers, np.array([b.due for b in places]),
            np.array([b.place for b in places]).reshape(n, 2),
        np.array([b.covariance for b in places]).reshape(n, 2, 2) * wide**2, rows[:, 0].astype(int),
            rows[:, 1].astype(int), rows[:, 2],
        np.array(sorted(standing), int), np.array(raised, int), np.zeros(0, int))


def defences(raid: Raid) -> dict[str, Told]:
    """The runs of an honest defence and of each that cheats, on the same detections."""
    plots = seen(raid)
    good = beliefs(raid, plots)
    return {
        "honest": told(raid, plots, good), "warns everybody": told(raid, plots, good, rule="everybody"),
        "warns nobody": told(raid, plots, good, rule="nobody"), "a constant probability": told(raid, plots, good,
            constant=True),
        "ellipses times 1.5": told(raid, plots, good, wide=1.5), "drops weak signals": told(raid, plots,
            beliefs(raid, plots, WEAK))}
