"""A thousand raids of the shipped kinds: who is told, in time, and who in vain; the dummies fail the same scorer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import warned

from skywarden.site.load import load
from skywarden.site.model import Costs, Site

RAIDS = 1000  # raids of `make prove`
SAMPLE = 4  # raids of `make test`
THRESHOLDS = (0.05, 0.1, 0.25, 0.5, 0.8)
FALSE_ALARMS = (0.02, 0.1, 0.3)  # shares of people who heed the next warning less after a false one
CURVE = Path(__file__).resolve().parents[2] / "docs" / "evidence" / "warning-curve.svg"


@pytest.fixture(scope="module")
def site() -> Site:
    return load("kabul")


@pytest.fixture(scope="module")
def sample(site: Site) -> list[warned.Flown]:
    return [warned.fly(seed, site) for seed in range(SAMPLE)]


def test_dummies_fail_the_scorer_and_both_decisions_keep_to_it(site: Site, sample: list[warned.Flown]) -> None:
    rounds = sum(len(flown.t_impact) for flown in sample)
    everybody, nobody = (
        warned.figures([warned.dummy(flown, site, every) for flown in sample], rounds) for every in (True, False)
    )
    assert "wrong zones a round" in warned.faults(everybody)
    assert "people told in time" in warned.faults(nobody)
    for each in (site, replace(site, costs=Costs(stated=True))):
        found = warned.figures([warned.decided(flown, each)[0] for flown in sample], rounds)
        assert found.zones > 0
        assert warned.faults(found) == []


def test_what_is_drawn_of_the_curve_is_a_picture() -> None:
    made = warned.curve([("0.25", 0.1, 3.0, False), ("0.5", 0.3, 1.5, False), ("costs", 0.0, 1.2, True)])
    assert made.startswith("<svg")
    assert made.count("<circle") == 2
    assert "costs" in made


def decisions(site: Site) -> dict[str, Site]:
    """Every decision that is tried on the raids."""
    fixed = {
        f"P >= {p:g}": replace(site, policy=replace(site.policy, warn_probability=p)) for p in THRESHOLDS
    }
    costs = {
        f"costs, {100 * share:g} % fatigue": replace(site, costs=Costs(false_alarm=share, stated=True))
        for share in FALSE_ALARMS
    }
    return {**fixed, **costs}


@pytest.mark.prove
@pytest.mark.timeout(20_000)
def test_a_thousand_raids(site: Site, evidence: Callable[..., None]) -> None:
    warned.main(0, RAIDS)
    raids = list(warned.kept())[:RAIDS]
    rounds = sum(len(flown.t_impact) for flown in raids)
    points = []
    for name, each in decisions(site).items():
        lines, samples = zip(*(warned.decided(flown, each) for flown in raids), strict=True)
        found = warned.figures(lines, rounds)
        row(evidence, name, found)
        points.append((name, 100.0 * (1.0 - found.told), 100.0 * found.wrong_a_round, each.costs.stated))
        if name in ("P >= 0.25", "costs, 10 % fatigue"):
            assert warned.faults(found) == [], name
        if name == "P >= 0.25":
            judge([s for part in samples for s in part], evidence, "warning-calibration")
    judge([s for flown in raids for s in warned.anywhere(flown, site)], evidence, "warning-calibration-anywhere")
    CURVE.write_text(warned.curve(points))
    best = {name: (missed, wrong) for name, missed, wrong, two_sided in points if two_sided}
    missed, wrong = best["costs, 10 % fatigue"]
    assert not [p for p in points if not p[3] and p[1] <= missed and p[2] <= wrong], "a fixed threshold does better"


def row(evidence: Callable[..., None], name: str, found: warned.Figures) -> None:
    """One decision's row of the page `warnings`."""
    evidence(
        "warnings",
        name,
        raids=found.raids,
        rounds=found.rounds,
        hit_zones=found.zones,
        never_told=found.missed,
        people_told_in_time=f"{100 * found.told:.1f} % (at least {100 * found.told_low:.1f})",
        zones_told_in_time=f"{100 * found.told_zones:.1f} %",
        had_their_shelter_time=f"{100 * found.sheltered:.1f} %",
        wrong_zones_a_round=f"{found.wrong_a_round:.3f}",
        person_minutes_over_clairvoyant=f"{found.minutes:.2f}",
        most_raises_a_raid=found.most_raises,
    )


def judge(samples: list[Any], evidence: Callable[..., None], page: str) -> None:
    """The ten bins of what was published; bound where enough different zones stand in one."""
    for each in warned.calibration(samples):
        evidence(
            page,
            f"{each.low:.1f} to {each.low + 0.1:.1f}",
            samples=each.samples,
            effective=each.effective,
            published=f"{each.published:.3f}",
            came_true=f"{each.came_true:.3f}",
        )
        if each.effective >= 1000:
            assert math.isclose(each.published, each.came_true, abs_tol=0.05), each
