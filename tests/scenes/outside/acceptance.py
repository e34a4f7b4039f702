"""The bars a defence is held to, and which of them a table of figures falls short of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import beta

from .score import AT_LEAST, BEFORE, FAR, NEAR, Scored
from .table import DOUBT, calibration, interval

HELD = 0.86, 0.94           # share of 90 % ellipses that hold the truth
# median share of the possible lead, of rounds in sight for so many seconds by looks no further apart
LEAD, LONG, SHORT_LOOK = 0.85, 10.0, 1.0
LEAD_RATIO = 0.9            # of the reference's warner, for all others
MISSED = 0.01               # upper end of the pooled share of zones missed
FAR_OF_2000 = 12            # zones warned with no hit within FAR, of 2,000
# over the reference, or clairvoyant
NEAR_RATIO, RMS_RATIO, AREA_RATIO, ENERGY_RATIO, BRIER_RATIO, MINUTES_RATIO = 1.1, 1.15, 1.3, 1.1, 1.1, 1.8
SLOPE, SLOPE_ERROR = (0.85, 1.15), 0.075
TRACKS = 1.05               # projectile tracks a round
LEAST_BRIER = 1e-4          # added to both scores: where nothing is in doubt, a ratio says nothing
FEWEST = 20                 # rows from which a bar is applied


def missed(scored: list[Scored]) -> float:
    zones = [z for s in scored for z in s.zones if z.eligible]
    return float(np.mean([not z.raised <= z.hit - AT_LEAST for z in zones])) if zones else np.nan


def shares(scored: list[Scored], plain: bool, ruled: bool = False) -> list[float]:
    """Shares of the possible lead, of zones whose round is plain to see (for LONG, by looks of
    SHORT_LOOK or less) or of the others.

    ruled  by the reference's warner
    """
    out = []
    for s in scored:
        rule = dict(s.rule or ())
        for z in s.zones:
            if z.eligible and (z.possible >= LONG and s.revisit <= SHORT_LOOK) == plain:
                raised = rule.get(z.zone, np.nan) if ruled else z.raised
                out.append(max((z.hit - raised) / z.possible, 0.0) if np.isfinite(raised) else 0.0)
    return out


def lead(scored: list[Scored]) -> float:
    """Median share of the possible lead where rounds are plain to see."""
    own = shares(scored, plain=True)
    return float(np.median(own)) if own else np.nan


def lead_elsewhere(scored: list[Scored]) -> float:
    """The same where they are not, over the reference's warner."""
    own, told = shares(scored, plain=False), shares(scored, plain=False, ruled=True)
    if any(s.rule is None for s in scored) or len(own) < FEWEST or not np.median(told):
        return np.nan
    return float(np.median(own) / np.median(told))


def far(scored: list[Scored]) -> float:
    """Of 2,000 zones, those warned with no hit within FAR."""
    zones = [z for s in scored for z in s.zones]
    return 2000.0 * float(np.mean([np.isfinite(z.raised) and np.isnan(z.hit) and z.nearest > FAR for z in zones]))


def near(scored: list[Scored]) -> float:
    """Zones warned with no hit within NEAR, but one within FAR, over those of the reference's
    warner (one more is granted).
    """
    if any(s.rule is None for s in scored):
        return np.nan
    own = [(z, z.zone in dict(s.rule or ())) for s in scored for z in s.zones if np.isnan(z.hit)
        and NEAR < z.nearest <= FAR]
    return sum(bool(np.isfinite(z.raised)) for z, _ in own) / (1.0 + sum(ruled for _, ruled in own))


def minutes(scored: list[Scored]) -> float:
    zones = [z for s in scored for z in s.zones]
    wise = sum(z.people * z.clairvoyant for z in zones)
    return sum(z.people * z.seconds for z in zones) / wise if wise else np.nan


def surely_missed(scored: list[Scored]) -> float:
    """Upper end of the exact 95 % interval (Clopper and Pearson 1934) of the share missed."""
    zones = [z for s in scored for z in s.zones if z.eligible]
    wrong = sum(not z.raised <= z.hit - AT_LEAST for z in zones)
    return float(beta.ppf(0.975, wrong + 1, len(zones) - wrong)) if wrong < len(zones) else 1.0


def held_by(scored: list[Scored], before: float, name: str) -> list[tuple[float, float]]:
    """By thirds of the range flown or the time of flight: upper end of the third, and the share
    of ellipses that hold.
    """
    rows = [p for s in scored for p in s.places if p.counted and p.before == before]
    if len(rows) < 3 * FEWEST:
        return []
    value = np.array([getattr(p, name) for p in rows])
    inside = np.array([p.inside for p in rows])
    ends = np.quantile(value, [1 / 3, 2 / 3, 1.0])
    which = np.searchsorted(ends, value)
    return [(float(end), float(inside[np.minimum(which, 2) == k].mean())) for k, end in enumerate(ends)]


def held(before: float) -> Callable[[list[Scored]], float]:
    """Share of ellipses that hold; one round of each raid, drawn by its number."""
    def share(scored: list[Scored]) -> float:
        rows = [p.inside for s in scored for p in one_round(s) if p.before == before]
        return float(np.mean(rows)) if rows else np.nan
    return share


def one_round(s: Scored) -> list[Any]:
    """The rows of one round of the raid that has been in sight long enough."""
    counted = [p for p in s.places if p.counted]
    rounds = sorted({p.round for p in counted})
    if not rounds:
        return []
    chosen = rounds[counted[0].raid % len(rounds)]
    return [p for p in counted if p.round == chosen]


def over_reference(name: str, before: float) -> Callable[[list[Scored]], float]:
    """A figure of the places over the reference's, over rounds of which both say something."""
    def share(scored: list[Scored]) -> float:
        rows = [(getattr(p, name), getattr(r, name)) for s in scored for p, r in zip(s.places, s.reference, strict=True)
                if p.before == before and p.counted and np.isfinite(p.miss) and np.isfinite(r.miss)]
        if len(rows) < FEWEST:
            return np.nan
        own, told = np.array(rows).T
        middle = {"miss": lambda x: np.sqrt(np.mean(x**2)), "area": np.median, "energy": np.mean}[name]
        return float(middle(own) / middle(told))
    return share


def brier(before: float) -> Callable[[list[Scored]], float]:
    def share(scored: list[Scored]) -> float:
        rows = [(p.published, r.published, float(p.hit)) for s in scored for p, r in zip(s.pairs, s.expected,
            strict=True) if p.before == before and p.counted]
        if not rows:
            return np.nan
        said, told, truth = np.array(rows).T
        return float((np.mean((said - truth) ** 2) + LEAST_BRIER) / (np.mean((told - truth) ** 2) + LEAST_BRIER))
    return share


def slope(scored: list[Scored], before: float) -> tuple[float, float, float, int]:
    """Reliability where the reference doubts: slope, standard error, intercept, pairs."""
    rows = [(p.published, float(p.hit), p.raid) for s in scored for p, r in zip(s.pairs, s.expected, strict=True)
            if p.before == before and p.counted and DOUBT[0] <= r.published <= DOUBT[1]]
    if len(rows) < FEWEST:
        return np.nan, np.nan, np.nan, len(rows)
    said, truth, raid = np.array(rows).T
    return (*calibration(said, truth, raid), len(rows))


def bars(scored: list[Scored]) -> dict[str, tuple[float, bool]]:
    """Every bar: the figure, and whether it is kept; nan (too little to say) is kept."""
    out = {"missed": (v := missed(scored), not v > MISSED), "lead": (v := lead(scored), not v < LEAD),
           "lead elsewhere": (v := lead_elsewhere(scored), not v < LEAD_RATIO), "far": (v := far(scored),
               not v > FAR_OF_2000),
           "near": (v := near(scored), not v > NEAR_RATIO), "minutes": (v := minutes(scored), not v > MINUTES_RATIO)}
    for before in BEFORE:
        v = held(before)(scored)
        out[f"held {before:g} s"] = v, not (v < HELD[0] or v > HELD[1])
        if any(s.reference for s in scored):
            for name, most in (("miss", RMS_RATIO), ("area", AREA_RATIO), ("energy", ENERGY_RATIO)):
                v = over_reference(name, before)(scored)
                out[f"{name} {before:g} s"] = v, not v > most
            if before != BEFORE[-1]:
                v = brier(before)(scored)
                out[f"brier {before:g} s"] = v, not v > BRIER_RATIO
                v = slope(scored, before)[0]
                out[f"slope {before:g} s"] = v, not (v < SLOPE[0] or v > SLOPE[1])
    tracks, believed = sum(s.tracks for s in scored), sum(s.believed for s in scored)
    v = tracks / believed if believed else np.nan
    out["tracks"] = v, not v > TRACKS
    return out


def short(scored: list[Scored]) -> set[str]:
    """Names of the bars that are not kept."""
    return {name for name, (_, kept) in bars(scored).items() if not kept}


__all__ = ["bars", "interval", "short"]
