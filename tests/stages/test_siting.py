"""Where sirens and radars should stand, on sites small enough to see the answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import a_radar, a_site, a_zone

from skywarden.errors import StudyError
from skywarden.session.siting import chosen, written_site
from skywarden.site.load import load as load_site
from skywarden.study.plan import Siting
from skywarden.study.reading import read
from skywarden.study.siting import radars, sirens
from skywarden.study.siting.places import PlacesError, candidates, costs

FILE = """
scenarios = ["kabul-2021-08-30"]
seeds = { first = 1, at_most = 1 }
[[measures]]
name = "reached_share"
[siting]
what = "sirens"
equipment = { level_db = 112, height_m = 10 }
candidates = { grid_m = 500, within = "zones" }
count = [1, 3]
cost_per_km = 0.5
shortlist = 2
"""


def asking(folder, text=FILE):
    file = folder / "siting.toml"
    file.write_text(text)
    return read(file), file


def test_sirens_stand_where_they_reach_most_people(tmp_path):
    study, file = asking(tmp_path)
    choice = chosen(study, file)
    one, three = choice.sited.answers
    assert len(one.sites) <= 1 < len(three.sites) <= 3
    assert one.value <= three.value <= choice.sited.total
    assert min(three.bound, three.solver) >= three.value - 1e-6
    assert "<svg" in choice.sited.picture
    folder = written_site(study, file, choice.designs[0], tmp_path / "new")
    site = load_site(folder)
    assert len(site.sirens) == len(three.sites)
    points, people, ambient = sirens.listeners(site)
    assert float(people[sirens.already(site, points, ambient) > 0].sum()) == pytest.approx(three.value)
    assert float(people.sum()) == pytest.approx(sum(zone.people for zone in site.zones))


def test_candidates_that_are_no_places_are_told(tmp_path):
    study, file = asking(tmp_path, FILE.replace('"zones"', '"nowhere"'))
    with pytest.raises(StudyError, match='no zone "nowhere"'):
        chosen(study, file)
    fine = Siting("sirens", {}, (1,), grid=5.0, margin=20_000.0)
    with pytest.raises(PlacesError, match="coarser"):
        candidates(fine, load_site("kabul"))


def test_places_cost_more_the_farther_they_are():
    siting = Siting("radars", {}, (1,), places=((0.0, 0.0), (3000.0, 4000.0)), cost=2.0, cost_per_km=1.0)
    assert costs(siting, candidates(siting, a_site())).tolist() == [2.0, 7.0]


def test_a_radar_covers_what_it_would_see_from_a_place():
    radar = replace(a_radar(), range_max=1000.0, elevation_min=0.0)
    site = a_site(radars=(radar,))
    points = np.array([[0.0, 0.0, 300.0], [5000.0, 0.0, 300.0]])
    seen = radars.covers(radar, 2.0, np.array([[0.0, 100.0], [5000.0, 100.0]]), site, points)
    assert seen.tolist() == [[True, False], [False, True]]


def test_people_are_spread_over_their_zones():
    site = a_site(zones=(a_zone(people=80.0), a_zone(name="empty", people=0.0)))
    points, people, _ = sirens.listeners(site)
    assert people.sum() == pytest.approx(80.0)
    assert len(points) > 10
