"""A rocket comes down on the runway: it closes, the one on final goes around, the next hold, a
departure waits; the review counts it, a replay repeats it.
"""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console
from scenes.runs import fly, measured

from skywarden.messages.truth import AS_PLANNED, HELD, WAITS, WENT_AROUND
from skywarden.record.reader import Record
from skywarden.review import report, story
from skywarden.session import checks

SCENARIO = """
name = "shut"
site = "kabul"
duration_s = 70
seed = 3
[[areas]]
name = "there"
latitude_deg = 34.61651
longitude_deg = 69.19148
radius_m = 600
[[raids]]
class = "small rocket"
start_s = 3
launch = "there"
fall = "runway 11/29"
fall_angle_deg = [40, 50]
fall_speed_mps = [170, 230]
[weather]
wind_error_mps = 1.0
"""
FLIGHT = """
[[flights]]
callsign = "{name}"
icao24 = "{address:06x}"
tower = "{tower}"
frame = "site"
waypoints = {points}
"""
CONSENT = """
[[operator]]
t_s = 1
kind = "weapons"
subject = "hold"
"""
ALONG = math.radians(104.0)     # the runway's bearing, clockwise from north: landings come from the west-north-west


def final(planned: float, far: float = 22_000.0, pace: float = 70.0) -> list[list[float]]:
    """Way-points in the site frame of a landing: level, then three degrees down."""
    def at(s: float, up: float) -> list[float]:
        return [planned - s / pace, -s * math.sin(ALONG), -s * math.cos(ALONG), up]
    return [at(far, 800.0), at(15_300.0, 800.0), at(60.0, 2.0), at(0.0, 2.0)]


def start(planned: float) -> list[list[float]]:
    return [[planned, -900.0, 230.0, 2.0], [planned + 30.0, 100.0, -20.0, 2.0], [planned + 150.0, 9_000.0, -2_300.0,
        700.0]]


@pytest.fixture(scope="module")
def shut(tmp_path_factory):
    """The record of such a day."""
    folder = tmp_path_factory.mktemp("shut")
    flights = [("FINAL1", "arrival", final(70.0)), ("NEXT2", "arrival", final(230.0)), ("OUT3", "departure",
        start(45.0)), ("THRU4", "none", final(60.0))]
    text = SCENARIO + "".join(FLIGHT.format(name=n, address=0x70F001 + k, tower=tower, points=points) for k,
        (n, tower, points) in enumerate(flights)) + CONSENT
    (folder / "shut.toml").write_text(text)
    fly(folder / "shut.toml", record=folder / "shut.rec")
    return folder / "shut.rec"


def test_traffic_does_what_the_tower_says_and_the_review_counts_it(shut):
    measures = measured(shut)
    lines = {line.callsign: line for line in measures.movements.values()}
    assert {name: line.word for name, line in lines.items()} == {"FINAL1": WENT_AROUND, "NEXT2": HELD, "OUT3": WAITS}
    assert lines["FINAL1"].around
    assert lines["OUT3"].late > 15.0
    assert measures.minutes_closed > 0.5
    assert measures.closures[-1].ended is None
    assert measures.closures[-1].why == ("threatened", "inspected")
    with Record(shut) as record:
        moments = list(record.moments())
        words = [moment.truth.movements for moment in moments if moment.truth is not None]
        assert words[0].word.tolist() == [AS_PLANNED, AS_PLANNED][: len(words[0].word)]
        up = {name: [float(m.truth.aircraft.position[m.truth.aircraft.callsign == name][0, 2]) for m in moments
            if m.truth is not None
                     and name in m.truth.aircraft.callsign.tolist()] for name in (b"FINAL1", b"THRU4")}
        assert up[b"FINAL1"][-1] > min(up[b"FINAL1"]) + 150.0, "it climbs away"
        assert up[b"THRU4"][-1] < 10.0, "who is not under the tower lands"
        page = report.page(story.read(record))
    assert "3 flights under the tower" in page
    assert "gone around, holding" in page


def test_a_replay_of_it_repeats_every_bit(shut):
    assert checks.check_record(shut, Console(file=io.StringIO())).same
