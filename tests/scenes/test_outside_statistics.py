"""Raids, salutes, aircraft and drones by the outside judge, in number. Long; `make prove` writes
docs/evidence/outside-*.md, a row a kind as it comes.
"""

from __future__ import annotations

import math
import os
import pickle
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from evidence_store import KEPT, state_of_sources
from outside import acceptance, flight, others, raids, real
from outside.__main__ import many
from outside.run import fly
from outside.score import BEFORE, scene
from outside.table import DOUBT, row, scenes

RAIDS = int(os.environ.get("OUTSIDE_RAIDS", "600"))     # of each kind
SEED = int(os.environ.get("OUTSIDE_SEED", "2026"))
PART = 50                   # raids that are kept together
COMPARED = 60               # of each kind beside the reference's warner, which is slow
# of each manner of flight, for 6,300 aircraft in all
MANNER_RUNS = -(-6_300 // (others.TOGETHER * len(others.MANNERS)))
SALUTES = 473
VARIANTS = tuple(name for name in raids.CASES if name not in raids.MAIN and name not in others.SCENES)
CORES = os.cpu_count() or 1
FLIGHTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "adsb"

pytestmark = [pytest.mark.prove, pytest.mark.timeout(0)]


@lru_cache(maxsize=64)
def judged(name: str, count: int, beside: str = "filter"):
    """The raids of a kind, from what was kept of these very sources where a run was broken off."""
    out = []
    KEPT.mkdir(exist_ok=True)
    for k in range(0, count, PART):
        part = f"{SEED}-{name.replace(' ', '-')}-{beside}-{k}-{min(PART, count - k)}"
        file = KEPT / f"outside-{state_of_sources()}-{part}.pickle"
        if not file.exists():
            file.write_bytes(pickle.dumps(many(name, min(PART, count - k), SEED, CORES, beside, first=k)))
        out += pickle.loads(file.read_bytes())
    return out


@pytest.mark.parametrize("name", raids.MAIN)
def test_raids_of_every_kind_are_warned_of_in_time_with_honest_doubt(name, evidence):
    found = judged(name, RAIDS)
    figures = row(found)
    low, high = acceptance.interval(acceptance.missed, found)
    evidence("outside-raids", name, raids=len(found), eligible=figures["eligible"], missed=figures["missed"],
        missed_95=f"{low:.3f} to {high:.3f}",
             lead=figures["lead"], far=figures["far"], near=figures["near"], of_zones=figures["zones"],
                 minutes_x=figures["minutes_x"],
             tracks_a_round=figures["tracks_a_round"], never_tracked=figures["never_tracked"],
                 never_believed=figures["never_believed"])
    for before in BEFORE:
        one = [p for s in found for p in acceptance.one_round(s) if p.before == before]
        low, high = acceptance.interval(acceptance.held(before), found)
        slope, error, cut, pairs = acceptance.slope(found, before)
        evidence("outside-ellipses", f"{name} {before:g}", rounds=len(one), held=round(acceptance.held(before)(found),
            3), held_95=f"{low:.3f} to {high:.3f}",
                 reference_held=figures.get(f"ref_in90_{before:g}"), rms_m=figures[f"rms_{before:g}"],
                     rms_x=figures.get(f"rms_x_{before:g}"),
                 area_x=figures.get(f"area_x_{before:g}"), energy_x=figures.get(f"energy_x_{before:g}"),
                     brier_x=figures.get(f"brier_x_{before:g}"),
                 slope="" if math.isnan(slope) else f"{slope:.2f} ± {error:.2f}, {cut:+.2f}", doubted=pairs)
    assert figures["missed"] <= max(2, 0.0064 * figures["eligible"])


@pytest.mark.parametrize("name", raids.MAIN)
def test_no_more_neighbours_are_warned_than_by_the_reference_under_the_plain_rule(name, evidence):
    figures = row(judged(name, min(COMPARED, RAIDS), "warner"))
    evidence("outside-neighbours", name, raids=figures["raids"], near=figures["near"],
        reference_near=figures["rule_near"], far=figures["far"],
             reference_far=figures["rule_far"], lead=figures["lead"], reference_lead=figures["rule_lead"],
                 reference_missed=figures["rule_missed"])
    assert figures["near"] <= 1.1 * figures["rule_near"] + 3.0 * math.sqrt(1.0 + figures["rule_near"])


@pytest.mark.parametrize("name", VARIANTS)
def test_what_no_model_holds_is_warned_of_too(name, evidence):
    found = judged(name, RAIDS // 5)
    figures = row(found)
    evidence("outside-variants", name, raids=len(found), eligible=figures["eligible"], missed=figures["missed"],
        lead=figures["lead"], far=figures["far"],
             near=figures["near"], tracks_a_round=figures["tracks_a_round"], never_tracked=figures["never_tracked"],
                 never_believed=figures["never_believed"],
             **{f"held_{b:g}": figures[f"in90_{b:g}"] for b in BEFORE}, **{f"rms_{b:g}_m": figures[f"rms_{b:g}"]
                 for b in BEFORE})


@pytest.mark.parametrize("name", sorted(others.SCENES))
def test_what_is_no_raid_alarms_nobody_and_what_comes_is_named(name, evidence):
    figures = scenes(judged(name, MANNER_RUNS if name in others.MANNERS else SALUTES if name == "salute"
        else RAIDS // 5, ""))
    evidence("outside-no-raids", name, **{key: value for key, value in figures.items() if value is not None})
    if name in others.MANNERS:
        assert figures["alarmed"] == 0


def test_a_salute_beside_a_raid_costs_it_no_lead(evidence):
    beside, alone = (many(name, RAIDS // 5, SEED, CORES) for name in ("salute_beside", "mortar"))
    lost = [(a.hit - a.raised) - (b.hit - b.raised) for x, y in zip(alone, beside, strict=True) for a,
        b in zip(x.zones, y.zones, strict=True)
            if a.eligible and np.isfinite(a.raised) and np.isfinite(b.raised)]
    more = sum(bool(np.isfinite(b.raised)) for y in beside for b in y.zones) - sum(bool(np.isfinite(a.raised))
        for x in alone for a in x.zones)
    evidence("outside-no-raids", "salute beside a mortar raid", runs=len(alone),
        lead_lost_mean_s=round(float(np.mean(lost)), 2),
             lead_lost_most_s=round(float(np.max(lost)), 2), zones_more=more)
    assert np.mean(lost) <= 0.5


def test_the_published_probability_is_honest_where_the_reference_doubts(evidence):
    kinds = (*raids.MAIN, "edge")       # the last: raids aimed where the hazard of a zone ends, in doubt until late
    found = [s._replace(pairs=[q._replace(raid=k * RAIDS + q.raid) for q in s.pairs]) for k, name in enumerate(kinds)
        for s in judged(name, RAIDS)]
    for before in BEFORE[:-1]:
        slope, error, cut, pairs = acceptance.slope(found, before)
        evidence("outside-reliability", f"{before:g}", pairs=pairs, between=f"{DOUBT[0]} and {DOUBT[1]}",
            slope=round(slope, 3), standard_error=round(error, 3),
                 intercept=round(cut, 3), brier_x=round(acceptance.brier(before)(found), 3))
        assert error <= 0.075 or pairs < 400


def test_pooled_over_all_kinds_hardly_a_zone_is_missed_or_warned_for_nothing(evidence):
    found = [s for name in raids.MAIN for s in judged(name, RAIDS)]
    figures = row(found)
    evidence("outside-raids", "pooled", raids=len(found), eligible=figures["eligible"], missed=figures["missed"],
             missed_95=f"at most {acceptance.surely_missed(found):.4f}", lead=figures["lead"], far=figures["far"],
                 near=figures["near"],
             of_zones=figures["zones"], minutes_x=figures["minutes_x"])
    assert acceptance.surely_missed(found) <= acceptance.MISSED
    assert acceptance.far(found) <= acceptance.FAR_OF_2000


@pytest.mark.parametrize("name", raids.MAIN)
def test_ellipses_hold_by_range_and_by_time_of_flight(name, evidence):
    found = judged(name, RAIDS)
    for by, unit in (("range", "m"), ("flight", "s")):
        for before in BEFORE:
            thirds = {f"third_{k + 1}": f"{share:.2f} to {end:.0f} {unit}" for k,
                (end, share) in enumerate(acceptance.held_by(found, before, by))}
            evidence("outside-ellipses-by", f"{name} {by} {before:g}", **thirds)


@pytest.mark.skipif(not FLIGHTS.is_dir(), reason="the recorded flights are not beside the repository")
def test_nobody_takes_cover_from_a_real_flight(evidence):
    paths = [path for file in sorted(FLIGHTS.glob("traffic_*.json.gz")) for path in real.stretches(file)]
    found = []
    for k in range(0, len(paths), others.TOGETHER):
        raid = real.scene(paths[k : k + others.TOGETHER], k)
        found.append(scene(raid, fly(raid)))
    figures = scenes(found)
    hours = sum(len(path) for path in paths) * flight.STEP / 3600.0
    evidence("outside-no-raids", "real flights", hours=round(hours, 1), **{key: value for key, value in figures.items()
        if value is not None})
    assert figures["alarmed"] == 0
    assert figures["named"] <= 3
