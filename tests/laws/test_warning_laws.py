"""Laws of warning: a stricter threshold never warns more, acts alternate, nothing clears before its time."""

from __future__ import annotations

from dataclasses import replace

from builders import a_frame, a_site, a_zone, some_impacts, some_threats
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.defence import warning
from skywarden.messages.picture import CLEAR, RAISE, Impacts, Threats

STEP = 0.25
stories = st.lists(
    st.tuples(
        st.integers(1, 12),                                             # frames it goes on
        # zone, probability, seconds left
        st.lists(st.tuples(st.integers(0, 2), st.floats(0.001, 1.0), st.floats(0.0, 30.0)), max_size=4)),
    min_size=1, max_size=8)


def told(
    story: list[tuple[int, list[tuple[int, float, float]]]], threshold: float
) -> list[tuple[int, int, float, float]]:
    """Everything raised and cleared: zone, action, time, and the earliest all-clear said the frame before."""
    plain = a_site(zones=tuple(a_zone(name, 1_000.0 * k) for k, name in enumerate("abc")))
    site = replace(plain, policy=replace(plain.policy, warn_probability=threshold, all_clear_s=2.0))
    latches, t, acts, until = warning.start(site), 0.0, [], {}
    for frames, rows in [*story, (160, [])]:
        falls = [(k + 1, zone, p, t + left) for k, (zone, p, left) in enumerate(rows)]
        impacts = some_impacts(*[(1.0, row[3], 0.0, 0.0) for row in falls]) if falls else Impacts.empty()
        threats = some_threats(*falls) if falls else Threats.empty()
        for _ in range(frames):
            latches, seen = warning.decide(latches, impacts, threats, a_frame(t), site)
            assert len(set(seen.zone.tolist())) == seen.zone.size
            acts += [(int(z), int(a), t, until.get(int(z), 0.0)) for z, a in zip(seen.zone, seen.action, strict=True)
                if a in (RAISE, CLEAR)]
            until = dict(zip(seen.zone.tolist(), seen.until.tolist(), strict=True))
            t += STEP
    return acts


@settings(max_examples=60, deadline=None, derandomize=True)
@given(stories, st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_a_higher_threshold_never_warns_another_zone(story: list, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert {act[0] for act in told(story, high)} <= {act[0] for act in told(story, low)}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(stories, st.floats(0.05, 0.95))
def test_every_raise_has_its_clear_and_none_comes_early(story: list, threshold: float) -> None:
    for zone in range(3):
        mine = [act for act in told(story, threshold) if act[0] == zone]
        assert [act[1] for act in mine] == [RAISE, CLEAR] * (len(mine) // 2)
        assert all(t >= until for _, action, t, until in mine if action == CLEAR)
