"""The page of a region in a real browser: twenty bases, one that is lost, one that a round comes down on."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from page_actions import expect

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

from alert_builders import a_told_moment, warned
from builders import a_site, a_zone, some_impacts, some_tracks

from skywarden.messages.picture import TAKE_COVER
from skywarden.region.hub import Region
from skywarden.region.lean import lean, place
from skywarden.standby.words import PICTURE, PLACE, Word

BASES, ROUNDS = 20, 50
SITE = a_site(zones=tuple(a_zone(f"hangar of the {k}th squadron", 400.0 * k - 600.0) for k in range(4)))


class Evening:
    """Bases told to a region by hand: the first is warned, the last one says nothing more after a while."""

    def __init__(self) -> None:
        self.region, self.begun, self.number = Region(b"x" * 32, []), time.time(), 0
        draw = np.random.default_rng(3)
        self.rounds = draw.uniform(-2500.0, 2500.0, (ROUNDS, 2))
        for k in range(BASES):
            site = replace(SITE, title=f"Base {k} in the valley")
            self._hear(k, PLACE, place(site, f"https://base{k}.example/"))

    def _hear(self, base: int, kind: str, content: dict) -> None:
        self.number += 1
        self.region.bases.hear(Word(f"base-{base:02d}/a", 0, 1, self.number, kind, content))

    def say(self, bases: range, warning: bool) -> None:
        t = time.time() - self.begun
        tracks = some_tracks(*[(x, y, 900.0, 0.0, -60.0, -90.0) for x, y in self.rounds], t=t)
        impacts = some_impacts(*[(0.99, t + 12.0, x, y) for x, y in self.rounds])
        for k in bases:
            told = warned(t, (0, t), due=t + 12.0, stage=TAKE_COVER) if warning and k in (0, BASES - 1) else None
            moment = a_told_moment(t, told, tracks=tracks, impacts=impacts)
            self._hear(k, PICTURE, lean(moment, SITE, int(self.begun * 1e9)))


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
def test_twenty_bases_stand_in_one_page_and_one_that_is_lost_is_grey_with_its_warnings_as_of_then(visit, size):
    evening = Evening()
    try:
        page = visit(evening.region.show("127.0.0.1", 0), *size)
        cards = page.locator("article")
        evening.say(range(BASES), True)
        expect(cards).to_have_count(BASES)
        first, last = cards.nth(0), cards.nth(BASES - 1)
        expect(first).to_contain_text("hangar of the 0th squadron: TAKE COVER, impact in ")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut at the side"
        deadline = time.monotonic() + 30.0
        while "NO CONTACT" not in last.inner_text():
            assert time.monotonic() < deadline
            evening.say(range(BASES - 1), True)         # all but the last one go on
            time.sleep(0.3)
        expect(last).to_contain_text("hangar of the 0th squadron: TAKE COVER")
        expect(last).to_contain_text("as of")
        evening.say(range(BASES - 1), True)
        expect(page.get_by_role("status")).to_contain_text(f"{BASES} bases, 1 warned, 1 without contact")
        link = first.get_by_role("link", name="Base 0 in the valley")
        assert link.get_attribute("href") == "https://base0.example/"
        evening.say(range(BASES), False)                # it is back, and its warning is over
        expect(last).to_contain_text("no warning stands")
        expect(last).not_to_contain_text("NO CONTACT")
    finally:
        evening.region.close()
