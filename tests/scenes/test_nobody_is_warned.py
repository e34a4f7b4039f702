"""Shipped scenarios of what must warn nobody: outgoing fire and shells that pass over, celebratory
fire, flares, drones; what the review says of them.
"""

from __future__ import annotations

import pytest

from skywarden.feeds.simulated import Simulated
from skywarden.messages.picture import PROJECTILE
from skywarden.pipeline.live import Watching
from skywarden.record.reader import Record
from skywarden.review import decisions, story
from skywarden.session.once import Job, run
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.site.load import load as load_site

SEEDS = 10
# scenario, whether projectiles are tracked in it, whether an object under power is named
SHIPPED = (("outgoing-fire", True, False), ("celebratory-fire", False, False), ("flares", True, False),
    ("drones", False, True))


def told_of(name, seed, duration=None):
    """Zones told to take cover, zones pre-alerted, most tracks at once that are more probably of a projectile."""
    site = load_site("kabul")
    watching, covered, alerted, most = Watching(site), set(), set(), 0
    for frame, _ in Simulated(load_scenario(name, site), site, seed=seed, duration=duration):
        picture = watching(frame)
        covered |= set(picture.warnings.zone.tolist())
        alerted |= set(picture.pre_alerts.zone.tolist())
        most = max(most, int((picture.tracks.kind[:, PROJECTILE] > 0.5).sum()))
    return covered, alerted, most


def test_a_drone_that_heads_for_a_zone_is_a_pre_alert_and_the_review_says_why(tmp_path):
    summary = run(Job("drones", seed=6, duration=24.0, record=tmp_path / "drones.rec"))
    assert summary.summary["warned"] == 0
    assert summary.summary["inbound"] == 1
    with Record(tmp_path / "drones.rec") as record:
        said = decisions.section(story.read(record))
    assert "pre-alert" in said
    assert "an object under power heads for it" in said
    assert "at most a pre-alert" in said


@pytest.mark.prove
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("name", "falls", "comes"), SHIPPED)
def test_nobody_is_told_to_take_cover(name, falls, comes, evidence):
    found = [told_of(name, seed) for seed in range(1, SEEDS + 1)]
    evidence("nobody-is-warned", name, runs=SEEDS, told_to_take_cover=sum(bool(c) for c, _, _ in found),
        pre_alerted=sum(bool(a) for _, a, _ in found), most_projectiles_at_once=max(most for _, _, most in found))
    assert not any(covered for covered, _, _ in found)
    assert all(bool(most) == falls for _, _, most in found)
    assert all(bool(alerted) == comes for _, alerted, _ in found)
