"""The figures of many raids in one row, with their intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .score import AT_LEAST, BEFORE, FAR, NEAR, Scene, Scored

DOUBT = 0.02, 0.98      # probabilities by the reference between which the reliability is judged


def row(scored: list[Scored]) -> dict[str, Any]:
    """All figures of a kind."""
    zones = [z for s in scored for z in s.zones]
    hit = [z for z in zones if z.eligible]
    missed = [z for z in hit if not z.raised <= z.hit - AT_LEAST]
    share = [min(max((z.hit - z.raised) / z.possible, 0.0), 1.0) if np.isfinite(z.raised) else 0.0 for z in hit
        if z.possible >= 10.0]
    warned = [z for z in zones if np.isfinite(z.raised) and np.isnan(z.hit)]
    out: dict[str, Any] = {
        "raids": len(scored), "eligible": len(hit), "missed": len(missed), "lead": round(float(np.median(share)), 3)
            if share else None,
        "far": sum(z.nearest > FAR for z in warned), "near": sum(NEAR < z.nearest <= FAR for z in warned),
            "zones": len(zones),
        "minutes_x": ratio(sum(z.people * z.seconds for z in zones), sum(z.people * z.clairvoyant for z in zones))}
    for before in BEFORE:
        places = [p for s in scored for p in s.places if p.before == before and p.counted]
        known = [p for p in places if np.isfinite(p.miss)]
        out |= {f"n_{before:g}": len(places), f"in90_{before:g}": mean([p.inside for p in places]),
                f"rms_{before:g}": round(float(np.sqrt(np.mean([p.miss**2 for p in known]))), 1) if known else None,
                f"med_{before:g}": round(float(np.median([p.miss for p in known])), 1) if known else None,
                f"area_{before:g}": round(float(np.median([p.area for p in known]))) if known else None}
        pairs = [p for s in scored for p in s.pairs if p.before == before and p.counted]
        if before != BEFORE[-1] and pairs:
            published, truth = np.array([p.published for p in pairs]), np.array([p.hit for p in pairs], float)
            slope, error, _ = calibration(published, truth, np.array([p.raid for p in pairs]))
            out |= {f"slope_{before:g}": f"{slope:.2f}±{error:.2f}",
                f"brier_{before:g}": round(float(np.mean((published - truth) ** 2)), 4)}
    if any(s.reference for s in scored):
        out |= beside_reference(scored)
    rounds, visible = sum(s.rounds for s in scored), sum(s.visible for s in scored)
    out |= {"rounds": rounds, "visible": visible, "never_tracked": visible - sum(s.tracked for s in scored),
            "never_believed": visible - sum(s.believed for s in scored),
            "tracks_a_round": ratio(sum(s.tracks for s in scored), sum(s.believed for s in scored)),
                "stray": sum(s.stray for s in scored)}
    return out


def calibration(published: np.ndarray, truth: np.ndarray, raid: np.ndarray) -> tuple[float, float, float]:
    """Slope of what came true over what was published, its standard error over raids, and the
    intercept: least squares, clustered by raid.
    """
    x = np.stack([np.ones(len(published)), published], 1)
    inverse = np.linalg.pinv(x.T @ x)
    b = inverse @ x.T @ truth
    rest = x * (truth - x @ b)[:, None]
    _, group = np.unique(raid, return_inverse=True)
    sums = np.zeros((group.max() + 1, 2))
    np.add.at(sums, group, rest)
    return float(b[1]), float(np.sqrt((inverse @ (sums.T @ sums) @ inverse)[1, 1])), float(b[0])


def ratio(a: float, b: float) -> float | None:
    return round(a / b, 3) if b else None


def mean(values: list[Any]) -> float | None:
    return round(float(np.mean(values)), 3) if values else None


def scenes(found: list[Scene]) -> dict[str, Any]:
    """All figures of scenes in which nobody fires at the site."""
    leads = [s.lead for s in found if np.isfinite(s.lead)]
    return {"runs": len(found), "alarmed": sum(s.alarmed for s in found), "zones": sum(s.zones for s in found),
        "bodies": sum(s.bodies for s in found),
            "tracked": sum(s.tracked for s in found), "named": sum(s.named for s in found), "stray": sum(s.stray
                for s in found),
            "hits": sum(s.hits for s in found), "warned": sum(s.warned for s in found), "false_inbound": sum(s.false
                for s in found),
            "lead_s": round(float(np.median(leads)), 1) if leads else None}


def beside_reference(scored: list[Scored]) -> dict[str, Any]:
    """Ratios to the reference filter, on the rows where both say something, and the reliability
    where the reference doubts.
    """
    out: dict[str, Any] = {}
    for before in BEFORE:
        rows = [(p, r) for s in scored for p, r in zip(s.places, s.reference, strict=True) if p.before == before
            and p.counted]
        known = [(p, r) for p, r in rows if np.isfinite(p.miss) and np.isfinite(r.miss)]
        if known:
            out |= {f"ref_in90_{before:g}": mean([r.inside for _, r in rows if np.isfinite(r.miss)]),
                    f"rms_x_{before:g}": ratio(*(float(np.sqrt(np.mean([q[k].miss ** 2 for q in known])))
                        for k in (0, 1))),
                    f"area_x_{before:g}": ratio(*(float(np.median([q[k].area for q in known])) for k in (0, 1))),
                    f"energy_x_{before:g}": ratio(*(float(np.mean([q[k].energy for q in known])) for k in (0, 1)))}
        if before == BEFORE[-1]:
            continue
        pairs = [(p, r) for s in scored for p, r in zip(s.pairs, s.expected, strict=True) if p.before == before
            and p.counted]
        if not pairs:
            continue
        doubt = [(p, r) for p, r in pairs if DOUBT[0] <= r.published <= DOUBT[1]]
        said, told, truth = (np.array([float(getattr(q[k], name)) for q in pairs]) for k, name in ((0, "published"),
            (1, "published"), (0, "hit")))
        out[f"brier_x_{before:g}"] = ratio(float(np.mean((said - truth) ** 2)), float(np.mean((told - truth) ** 2)))
        out[f"doubts_{before:g}"] = len(doubt)
        if len(doubt) > 4:
            for name, k in (("slope_d", 0), ("ref_slope_d", 1)):
                slope, error, cut = calibration(np.array([q[k].published for q in doubt]),
                    np.array([float(q[0].hit) for q in doubt]),
                                                np.array([q[0].raid for q in doubt]))
                out[f"{name}_{before:g}"] = f"{slope:.2f}±{error:.2f} {cut:+.2f}"
    if all(s.rule is not None for s in scored):
        rule = [dict(s.rule or ()) for s in scored]
        own = [(z, r) for s, r in zip(scored, rule, strict=True) for z in s.zones]
        far_near = [z for z, r in own if z.zone in r and np.isnan(z.hit)]
        seen = [(z, r[z.zone]) for z, r in own if z.eligible and z.possible >= 10.0 and z.zone in r]
        out |= {"rule_near": sum(NEAR < z.nearest <= FAR for z in far_near), "rule_far": sum(z.nearest > FAR
            for z in far_near),
                "rule_missed": sum(z.eligible and not r.get(z.zone, np.inf) <= z.hit - AT_LEAST for z, r in own),
                "rule_lead": round(float(np.median([max(min((z.hit - t) / z.possible, 1.0), 0.0) for z, t in seen])),
                    3) if seen else None}
    return out


def interval(statistic: Callable[[list[Scored]], float], scored: list[Scored], seed: int = 1,
    draws: int = 400) -> tuple[float, float]:
    """95 % interval of a statistic by the bootstrap over raids."""
    draw = np.random.default_rng(seed)
    values = [statistic([scored[i] for i in draw.integers(len(scored), size=len(scored))]) for _ in range(draws)]
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)
