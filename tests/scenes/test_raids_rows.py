"""Each fault that an outside expert found in the tracker, flown anew by the outside judge: a few
raids a kind, no zone missed, nobody warned for a salute.
"""

from __future__ import annotations

import pytest
from outside import raids
from outside.run import fly
from outside.score import scene, score
from outside.table import row

RAIDS = 4
SEED = 31_000       # of the first raid; none of them was used to choose a number of the tracker


def judged(kind: str) -> dict:
    scored = []
    for k in range(RAIDS):
        raid = raids.drawn(raids.CASES[kind], SEED + k)
        scored.append(score(raid, fly(raid), k))
    return row(scored)


@pytest.mark.parametrize("kind", [
    "heavy_shell", "heavy_rocket", "own_curves", "lift1", "bleed", "long_burn", "very_light", "turning_doppler"])
def test_no_zone_that_could_be_warned_is_missed(kind):
    told = judged(kind)
    assert told["eligible"] > 0
    assert told["missed"] == 0
    assert told["never_believed"] == 0


def test_rounds_under_a_slow_rotating_radar_without_doppler_are_tracked():
    told = judged("turning")
    assert told["never_tracked"] <= 0.2 * told["visible"]


def test_a_salute_warns_nobody():
    for k in range(RAIDS):
        raid = raids.drawn(raids.CASES["salute"], SEED + k)
        assert not scene(raid, fly(raid)).zones
