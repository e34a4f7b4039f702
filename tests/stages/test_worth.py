"""What a run was worth in plain numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import a_site, a_zone

from skywarden.measures import worth
from skywarden.measures.ledger import RoundLine
from skywarden.messages.truth import FELL, FLYING
from skywarden.site.model import Siren


class Told:
    """Measures with a ledger that is given."""

    def __init__(self, *lines):
        self.lines, self.end, self.minutes_closed, self.endangered, self.nearest_aircraft = (
            lines,
            100.0,
            0.5,
            0,
            np.inf,
        )

    def ledger(self):
        return list(self.lines)

    def zone_ledger(self):
        return []


def a_line(**changes):
    plain = RoundLine(
        0, "mortar", 50.0, (0.0, 0.0, 0.0), inside_zones=("apron",), zones=("apron",), outcome=FELL, lead_time_s=9.0
    )
    return replace(plain, **changes)


SITE = a_site(zones=(a_zone(people=50.0, shelter_s=8.0),))


def test_a_round_still_flying_when_the_run_ends_is_due_to_nobody_yet():
    told = Told(a_line(), a_line(number=1, outcome=FLYING, lead_time_s=None))
    found = worth.figures(told, SITE)
    assert (found["rounds"], found["due"], found["unwarned"], found["aimed"]) == (2, 1, 0, 1)
    assert [line["number"] for line in worth.rounds_due(told, SITE)] == [0]


def test_the_sound_of_a_siren_takes_its_time():
    siren = Siren("far", np.array([1020.0, 0.0, 10.0]), 150.0)
    near, far = worth.figures(Told(a_line()), SITE), worth.figures(Told(a_line()), replace(SITE, sirens=(siren,)))
    assert near["lead_sum_s"] == 9.0
    assert 5.0 < far["lead_sum_s"] < 7.0
    assert (near["in_time"], far["in_time"]) == (1, 0)
    assert (near["people_reached"], far["people_reached"], far["people_due"]) == (50.0, 0.0, 50.0)


def test_nobody_warned_is_no_lead():
    found = worth.figures(Told(a_line(lead_time_s=None)), SITE)
    assert (found["unwarned"], found["any_unwarned"], found["least_lead_s"], found["lead_sum_s"]) == (1, 1, 0.0, 0.0)
    assert found["nearest_aircraft_m"] is None
    assert worth.figures(Told(), SITE)["least_lead_s"] is None
    assert found["runway_minutes"] == pytest.approx(0.5)
