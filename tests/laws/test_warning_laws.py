"""Laws of warning: a stricter threshold never warns more, more danger never warns less, acts alternate, nothing clears
before its time, no zone flaps, and no outage clears anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import a_frame, a_site, a_zone, some_impacts, some_threats
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from skywarden.defence import warning
from skywarden.defence.salvo import at_least_one
from skywarden.messages.picture import CLEAR, RAISE, TAKE_COVER, Impacts, Threats
from skywarden.site.model import Costs, Site

STEP = 0.25
Story = list[tuple[int, list[tuple[int, float, float]]]]
stories = st.lists(
    st.tuples(
        st.integers(1, 12),  # frames it goes on
        # zone, probability, seconds left
        st.lists(st.tuples(st.integers(0, 2), st.floats(0.001, 1.0), st.floats(0.0, 30.0)), max_size=4),
    ),
    min_size=1,
    max_size=8,
)
# a failing example is printed as it is: shrinking it would take minutes
law = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)


class Act:
    """One thing raised or cleared."""

    def __init__(self, zone: int, action: int, t: float, until: float, raid: int, stage: int) -> None:
        self.zone, self.action, self.t, self.until, self.raid, self.stage = zone, action, t, until, raid, stage


def the_site(threshold: float = 0.25, **changes: Any) -> Site:
    plain = a_site(zones=tuple(a_zone(name, 1_000.0 * k) for k, name in enumerate("abc")))
    changes = {"warn_probability": threshold, "all_clear_s": 2.0, "raid_gap_s": 5.0, **changes}
    return replace(plain, policy=replace(plain.policy, **changes))


def told(story: Story, site: Site, blind_after: float = float("inf"), after: int = 100) -> list[Act]:
    """Everything raised and cleared, in order. No radar works from `blind_after` [s] on."""
    latches, t, acts = warning.start(site), 0.0, []
    for frames, rows in [*story, (after, [])]:
        falls = [(k + 1, zone, p, t + left) for k, (zone, p, left) in enumerate(rows)]
        impacts = some_impacts(*[(1.0, row[3], 0.0, 0.0) for row in falls]) if falls else Impacts.empty()
        threats = some_threats(*falls) if falls else Threats.empty()
        for _ in range(frames):
            around = warning.Around(healthy=t < blind_after)
            latches, decided = warning.decide(latches, impacts, threats, a_frame(t), site, around)
            seen = decided.warnings
            assert len(set(seen.zone.tolist())) == seen.zone.size
            for zone, action, until, raid, stage in zip(
                seen.zone, seen.action, seen.until, seen.raid, seen.stage, strict=True
            ):
                if action in (RAISE, CLEAR):
                    acts.append(Act(int(zone), int(action), t, float(until), int(raid), int(stage)))
            t += STEP
    return acts


def first_raises(acts: list[Act]) -> dict[int, float]:
    found: dict[int, float] = {}
    for act in acts:
        if act.action == RAISE:
            found.setdefault(act.zone, act.t)
    return found


@law
@given(stories, st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_a_higher_threshold_never_warns_another_zone(story: Story, one: float, other: float) -> None:
    low, high = sorted((one, other))
    strict, lax = (first_raises(told(story, the_site(p), after=4)) for p in (high, low))
    assert strict.keys() <= lax.keys()


@law
@given(stories, st.floats(0.05, 0.95))
def test_every_raise_has_its_clear_and_none_comes_early(story: Story, threshold: float) -> None:
    acts = told(story, the_site(threshold), after=200)
    for zone in range(3):
        mine = [act for act in acts if act.zone == zone]
        assert [act.action for act in mine] == [RAISE, CLEAR] * (len(mine) // 2)
        assert all(act.t >= act.until for act in mine if act.action == CLEAR)
    assert all(act.stage == TAKE_COVER for act in acts if act.action == RAISE)


@law
@given(st.lists(stories, min_size=1, max_size=3), st.floats(1.0, 60.0))
def test_no_zone_flaps_more_than_once_a_raid(parts: list[Story], gap: float) -> None:
    story = [step for part in parts for step in [*part, (30, [])]]
    acts = told(story, the_site(raid_gap_s=gap, dwell_s=0.0, fallout_s=0.0))
    raises = Counter((act.zone, act.raid) for act in acts if act.action == RAISE)
    assert max(raises.values(), default=0) <= 2


@pytest.mark.parametrize("stated", [False, True])
@law
@given(story=stories, more=st.floats(0.0, 1.0))
def test_more_probability_never_warns_less_or_later(stated: bool, story: Story, more: float) -> None:
    site = replace(the_site(), costs=Costs(stated=stated))
    worse = [(frames, [(zone, p + more * (1.0 - p), left) for zone, p, left in rows]) for frames, rows in story]
    plain, graver = (first_raises(told(each, site, after=4)) for each in (story, worse))
    assert plain.keys() <= graver.keys()
    assert all(graver[zone] <= t for zone, t in plain.items())


@law
@given(stories, st.floats(0.0, 20.0))
def test_an_outage_never_clears(story: Story, blind_after: float) -> None:
    acts = told(story, the_site(), blind_after)
    assert not [act for act in acts if act.action == CLEAR and act.t >= blind_after]


@law
@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12),
    st.floats(0.0, 0.9),
    st.integers(0, 11),
    st.floats(0.0, 1.0),
)
def test_at_least_one_lies_between_the_greatest_and_independence_and_grows(
    each: list[float], shared: float, which: int, more: float
) -> None:
    p, zone = np.array(each), np.zeros(len(each), np.int64)
    joint = at_least_one(p, zone, 1, shared)[0]
    assert p.max() - 1e-12 <= joint <= 1.0 - np.prod(1.0 - p) + 1e-12
    p[which % p.size] += more * (1.0 - p[which % p.size])
    assert at_least_one(p, zone, 1, shared)[0] >= joint - 1e-12
