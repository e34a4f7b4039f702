"""Powered objects that come are named as such, and what passes by, lands, says who it is or falls is not."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import a_site, a_zone
from naive import seen_from
from test_tracking import SIGMA, a_frame

from skywarden.defence import inbound
from skywarden.messages.frame import NO_ADDRESS
from skywarden.messages.picture import Health, Impacts, Inbound, Picture, Threats, Tracks, Warnings
from skywarden.pipeline.simulated import rehearsing
from skywarden.tools.track import track_file

RUNWAY = replace(a_zone("runway"), kind="runway", warn=False, polygon=np.array([[-1500.0, -800.0], [1500.0, -800.0],
    [1500.0, -760.0], [-1500.0, -760.0]]))
SITE = a_site(zones=(a_zone("apron", 0.0, 0.0, 100.0), a_zone("camp", 2000.0, 3000.0, 100.0), RUNWAY))
REHEARSAL = Path(inbound.__file__).resolve().parents[1] / "rehearsal"


def a_track(place, velocity, **changes):
    """One track of a powered object followed for a while."""
    spread = np.diag([4.0, 4.0, 4.0, 0.25, 0.25, 0.25, 1e-10])
    plain = Tracks(
        np.array([7]), np.array([[*place, *velocity, 1e-4]], float), spread[None], np.zeros(1), np.full(1, -10.0),
        np.full(1, 40, np.int32),
        np.array([[0.01, 0.97, 0.02]]), np.zeros(1, np.int32), np.full(1, NO_ADDRESS, np.int64))
    return plain._replace(**changes)


def named(place, velocity, seconds=6.0, followed=(7,), **changes):
    """What is named of an object that flies on straight, frame by frame."""
    state, out = inbound.start(), []
    for k in range(round(4 * seconds)):
        t = 0.25 * k
        tracks = a_track(np.array(place) + t * np.array(velocity), velocity, seen=np.array([t]), **changes)
        state, coming = inbound.watch_out(state, tracks, np.array(followed, np.int64), a_frame(t, []), SITE)
        out.append(coming)
    return out


def test_what_heads_for_a_zone_is_named_after_five_seconds_with_the_zone_the_chance_and_the_time():
    out = named((-3000.0, 20.0, 200.0), (60.0, 0.0, 0.0))
    assert next(k for k, coming in enumerate(out) if coming.track.size) == 20
    last = out[-1]
    assert (last.track.tolist(), last.zone.tolist()) == ([7], [0])
    assert last.probability[0] > 0.9
    assert last.t[0] == pytest.approx(2900.0 / 60.0)
    assert (last.miss[0], last.since[0]) == (0.0, 5.0)


@pytest.mark.parametrize(("why", "place", "velocity", "changes"), [
    ("it passes by", (-3000.0, 900.0, 200.0), (60.0, 0.0, 0.0), {}),
    ("it flies away", (500.0, 0.0, 200.0), (60.0, 0.0, 0.0), {}),
    ("it has a corroborated transponder", (-3000.0, 0.0, 200.0), (60.0, 0.0, 0.0), {"address": np.array([0x4B1234])}),
    ("it is no faster than a bird", (-800.0, 0.0, 200.0), (20.0, 0.0, 0.0), {}),
    ("it is high above", (-3000.0, 0.0, 2500.0), (90.0, 0.0, 0.0), {}),
    ("it is too fast to be one", (-6000.0, 0.0, 800.0), (400.0, 0.0, 0.0), {}),
    ("it falls as a torn piece does", (-200.0, 0.0, 400.0), (20.0, 0.0, -50.0), {}),
    ("it is a projectile", (-3000.0, 0.0, 200.0), (60.0, 0.0, 0.0), {"kind": np.array([[0.9, 0.05, 0.05]])}),
    ("it has only just been seen", (-3000.0, 0.0, 200.0), (60.0, 0.0, 0.0), {"hits": np.full(1, 3, np.int32)}),
    ("no radar follows it", (-3000.0, 0.0, 200.0), (60.0, 0.0, 0.0), {"number": np.array([9])}),
    ("it leaves in a climb", (-1000.0, 0.0, 300.0), (40.0, 0.0, 60.0), {}),
])
def test_nothing_is_named_that(why, place, velocity, changes):
    assert not any(coming.track.size for coming in named(place, velocity, **changes)), why


def test_what_lands_on_a_runway_of_the_site_is_not_named_but_what_comes_level_along_its_line_is():
    slope, far = math.tan(math.radians(3.0)), 4500.0
    down = named((-1500.0 - far, -780.0, slope * far), (60.0, 0.0, -60.0 * slope))
    assert not any(coming.track.size for coming in down)
    level = named((-1500.0 - far, -780.0, slope * far), (60.0, 0.0, 0.0))
    assert level[-1].zone.tolist() == [2]


def test_a_climb_that_is_not_well_known_does_not_make_an_inbound_object_of_what_lands():
    seeming = (60.0, 0.0, 0.0)          # level by the track; with a deviation of 1.1 m/s it may well descend
    doubtful = np.diag([4.0, 4.0, 4.0, 0.25, 0.25, 1.2, 1e-10])[None]
    place = (-6000.0, -780.0, 4500.0 * math.tan(math.radians(3.0)))
    assert any(coming.track.size for coming in named(place, seeming))
    assert not any(coming.track.size for coming in named(place, seeming, covariance=doubtful))


def flying(velocity_at, bulky=False, seconds=12.0):
    """Whether an object whose velocity changes is named; it is always where it heads for the apron."""
    state, some = inbound.start(), False
    for k in range(round(4 * seconds)):
        t, v = 0.25 * k, np.asarray(velocity_at(0.25 * k), float)
        tracks = a_track((-3000.0 + 60.0 * t, 0.0, 200.0), v, seen=np.array([t]))
        state, coming = inbound.watch_out(state, tracks, np.array([7]), a_frame(t, []), SITE,
            np.array([7] if bulky else [], np.int64))
        some |= bool(coming.track.size)
    return some


def test_what_slows_down_turns_or_falls_has_shown_no_power_and_is_not_named():
    assert flying(lambda t: (60.0, 0.0, 0.0))
    assert not flying(lambda t: (150.0 - 10.0 * t, 0.0, 0.0))
    assert not flying(lambda t: (60.0 * math.cos(0.12 * t), 60.0 * math.sin(0.12 * t) * (-1.0) ** int(t / 2), 0.0))
    assert not flying(lambda t: (50.0, 0.0, -30.0))


def test_what_echoes_like_an_aircraft_with_people_is_named_only_after_twenty_seconds_of_straight_flight():
    assert not flying(lambda t: (60.0, 0.0, 0.0), bulky=True, seconds=19.0)
    assert flying(lambda t: (60.0, 0.0, 0.0), bulky=True, seconds=22.0)


def test_it_is_forgotten_when_it_turns_away_and_not_by_a_single_frame():
    state, tracks = inbound.start(), None
    shown = []
    for k in range(80):
        t = 0.25 * k
        away = k == 25 or k > 40
        tracks = a_track((-3000.0, 0.0, 200.0), (0.0, 60.0, 0.0) if away else (60.0, 0.0, 0.0))
        state, coming = inbound.watch_out(state, tracks, np.array([7]), a_frame(t, []), SITE)
        shown.append(coming.since.tolist())
    assert shown[24] == shown[26] == [5.0]
    assert not shown[-1]
    assert state.track.size == 0


def test_the_rehearsal_never_sees_them():
    coming = named((-3000.0, 20.0, 200.0), (60.0, 0.0, 0.0))[-1]
    assert coming.track.size
    tracks = a_track((-3000.0, 20.0, 200.0), (60.0, 0.0, 0.0))
    frame = a_frame(6.0, [])
    with_them = Picture(6.0, tracks, Impacts.empty(), Threats.empty(), Warnings.empty(), Health(np.zeros(1, np.int8),
        0.0, 0, 0, 0.0), coming)
    drills = [rehearsing(SITE)(frame, picture) for picture in (with_them, with_them._replace(inbound=Inbound.empty()))]
    assert repr(drills[0]) == repr(drills[1])
    assert not drills[0].orders
    assert not [path.name for path in REHEARSAL.rglob("*.py") if "inbound" in path.read_text().lower()]


def test_the_track_verb_names_the_object_among_the_threats_and_gives_a_pre_alert_never_a_raise(tmp_path):
    rng = np.random.default_rng(4)
    with open(tmp_path / "d.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("time_s", "range_m", "azimuth_rad", "elevation_rad", "range_rate_mps"))
        for k in range(80):
            x = np.array([-3000.0 + 15.0 * k, 20.0, 200.0])
            z = seen_from(x, np.array([60.0, 0.0, 0.0]), np.zeros(3)) + rng.normal(size=4) * SIGMA
            table.writerow((0.25 * k, z[0], z[1] % (2 * math.pi), z[2], z[3]))
    track_file(tmp_path / "d.csv", SITE, tmp_path)
    with open(tmp_path / "threats.csv") as file:
        threats = list(csv.DictReader(file))
    assert {(row["zone"], row["kind"]) for row in threats} == {("apron", "inbound")}
    assert float(threats[-1]["arrival_time_s"]) == pytest.approx(48.3, abs=2.0)
    with open(tmp_path / "warnings.csv") as file:
        warnings = list(csv.DictReader(file))
    assert [(row["zone"], row["action"]) for row in warnings] == [("apron", "pre-alert")]
    assert float(warnings[0]["lead_time_s"]) > 30.0
