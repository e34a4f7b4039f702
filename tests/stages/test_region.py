"""Several bases in one picture: what a base says, what the region makes of it, and what it never does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import replace

import pytest
from alert_builders import Broker, a_told_moment, wait_for, warned
from builders import a_site, a_zone, some_impacts, some_tracks
from hypothesis import given
from hypothesis import strategies as st

from skywarden.errors import UsageError
from skywarden.messages.commands import FORETOLD
from skywarden.messages.picture import TAKE_COVER
from skywarden.region.bases import GREY_S, MOST_BASES, Bases, _box, _near, distance
from skywarden.region.hub import Region
from skywarden.region.lean import lean, place
from skywarden.region.saying import Saying
from skywarden.standby import brokers
from skywarden.standby.words import PICTURE, PLACE, Word

KEY = b"a key that all bases and their region share"
EPOCH_NS = 1_700_000_000 * 10**9
NORTH = a_site(name="north", title="North base", zones=(a_zone("apron"), a_zone("housing", 900.0)))
SOUTH = a_site(name="south", title="South base", zones=(a_zone("hangar", 0.0, -200.0),))


class Clock:
    def __init__(self):
        self.t = 1000.0

    def __call__(self):
        return self.t


def told(base, kind, content, number=1, replica="a"):
    return Word(f"{base}/{replica}", 0, 1, number, kind, content)


def heard(bases, name, site, t=0.0, warnings=None, replica="a", number=1, **tables):
    bases.hear(told(name, PLACE, place(site, f"https://{name}.example/"), replica=replica))
    picture = lean(a_told_moment(t, warnings, **tables), site, EPOCH_NS)
    return bases.hear(told(name, PICTURE, picture, number, replica))


def base_of(bases, name):
    return next(each for each in bases.view() if each["name"] == name)


def test_a_base_tells_its_warnings_and_nothing_of_where_a_round_came_from():
    said = lean(a_told_moment(5.0, warned(5.0, (0, 4.0))), NORTH, EPOCH_NS, ["a fault"])
    [[zone, stage, since, *_]] = said["warnings"]
    assert (zone, stage) == (0, TAKE_COVER)
    assert since == pytest.approx(1_700_000_000 + 4.0)
    assert said["health"][2] == ["a fault"]
    assert set(said) == {"t", "rounds", "aircraft", "warnings", "pre_alerts", "health"}
    assert set(place(NORTH, "")) == {"title", "console", "latitude", "longitude", "zones"}
    assert len(json.dumps(said)) < 400


def test_a_lost_link_greys_the_base_and_its_warnings_stand_as_of_then():
    steady, wall = Clock(), Clock()
    wall.t = 1_700_000_005.0
    bases = Bases(wall, steady)
    heard(bases, "north", NORTH, 5.0, warned(5.0, (0, 4.0)))
    assert not base_of(bases, "north")["grey"]
    assert [w["zone"] for w in base_of(bases, "north")["warnings"]] == ["apron"]
    steady.t += GREY_S + 0.1
    wall.t += 600.0
    lost = base_of(bases, "north")
    assert lost["grey"]
    assert lost["as_of"] == pytest.approx(1_700_000_005.0)
    assert [w["zone"] for w in lost["warnings"]] == ["apron"], "what stood when it was heard last goes on standing"
    heard(bases, "north", NORTH, 700.0, number=2)
    assert not base_of(bases, "north")["grey"]
    assert base_of(bases, "north")["warnings"] == []


def test_of_two_watchers_either_warns_and_one_that_has_not_seen_it_takes_nothing_back():
    steady, wall = Clock(), Clock()
    wall.t = 1_700_000_005.0
    bases = Bases(wall, steady)
    heard(bases, "north", NORTH, 5.0, warned(5.0, (0, 4.0)), replica="a")
    heard(bases, "north", NORTH, 5.0, replica="b")
    assert [w["zone"] for w in base_of(bases, "north")["warnings"]] == ["apron"]


def test_there_is_room_for_twenty_bases_and_the_next_is_counted():
    bases = Bases(Clock(), Clock())
    for k in range(MOST_BASES + 2):
        bases.hear(told(f"base {k}", PLACE, place(NORTH, "")))
    assert len(bases.view()) == MOST_BASES
    assert bases.turned_away == 2


def test_a_round_foreseen_in_another_bases_zone_is_told_to_that_base_and_to_no_other():
    bases = Bases(Clock(), Clock())
    for name, site in (("north", NORTH), ("south", SOUTH)):
        bases.hear(told(name, PLACE, place(site, "")))
    latitude, longitude = place(SOUTH, "")["zones"][0][2][0]
    picture = {"t": 1.0, "rounds": [[0, 0, 900, 12, latitude, longitude, 30]], "warnings": [], "pre_alerts": []}
    bases.hear(told("north", PICTURE, picture))
    assert [(f.base, f.zone, f.seconds, f.by) for f in bases.foretold("north")] == [("south", "hangar", 12.0, "north")]
    bases.hear(told("south", PICTURE, picture))
    assert bases.foretold("south") == [], "its own zone is its own to warn, and the north's apron is 200 m off"


@given(st.integers(-8_000_000, 8_000_000), st.integers(-17_000_000, 17_000_000), st.floats(-60e3, 60e3),
    st.floats(-60e3, 60e3), st.floats(0.0, 5e3))
def test_no_round_that_is_near_a_zone_is_passed_over_for_being_far_from_its_base(north, east, up, across, margin):
    ring = [[north, east], [north + 300, east], [north + 300, east + 500], [north, east + 500]]
    latitude = int(north + up)
    longitude = int(east + across)
    box = _box({"zones": [["zone", "people", ring]]})
    assert _near(latitude, longitude, box, margin) or distance(latitude, longitude, ring) > margin


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    made = Broker(tmp_path_factory.mktemp("broker"))
    yield made
    made.kill()


def test_a_region_hears_its_bases_over_a_real_broker_and_a_foretold_zone_comes_back_as_a_command(broker):
    links = [brokers.Broker("127.0.0.1", broker.port)]
    far = replace(SOUTH, name="south")
    region = Region(KEY, links)
    north = Saying(NORTH, "north", "a", EPOCH_NS, KEY, links, "https://north.example/")
    south = Saying(far, "south", "a", EPOCH_NS, KEY, links)
    stranger = Saying(NORTH, "forged", "a", EPOCH_NS, b"another key, not the bases' own", links)
    try:
        url = region.show("127.0.0.1", 0)
        wait_for(lambda: not (region.lost or north.fault or south.fault or stranger.fault), 15.0, "all links are up")
        impacts = some_impacts((0.99, 20.0, 0.0, -200.0))
        tracks = some_tracks((0.0, 400.0, 900.0, 0.0, -60.0, -90.0), t=5.0)
        moments = iter(range(1000))

        def both():
            for saying in (north, south, stranger):
                saying._next = 0.0
                t = 5.0 + next(moments) * 0.01
                saying.take(a_told_moment(t, warned(5.0, (0, 4.0)), tracks=tracks, impacts=impacts))
            return json.load(urllib.request.urlopen(f"{url}api/bases"))["bases"]

        wait_for(lambda: {"north", "south"} <= {base["name"] for base in both()}, 15.0, "both bases are shown")
        commands = []
        wait_for(lambda: both() and (commands.extend(south.commands()) or commands), 15.0, "the south is foretold")
        assert {(c.kind, c.who, c.subject.split(" ", 1)[1]) for c in commands} == {(FORETOLD, "region", "hangar")}
        assert "forged" not in {base["name"] for base in both()}
        assert region.refused > 0
        page = urllib.request.urlopen(url)
        assert "default-src 'none'" in page.headers["content-security-policy"]
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(urllib.request.Request(url, headers={"host": "elsewhere.example"}))
        assert north.bytes < 3000
    finally:
        for each in (north, south, stranger, region):
            each.close()


def test_the_page_stays_on_this_machine():
    region = Region(KEY, [])
    with pytest.raises(UsageError, match="log-in"):
        region.show("0.0.0.0", 0)
    region.close()
