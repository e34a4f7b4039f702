"""What strangers stumbled over on their first day with the console: small screens, silent keys,
heights, and why a zone is warned or is not.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import Run
from fake import Play
from page_actions import PASSWORD, at, button, card, expect, log_in, ready, soon

from skywarden.console.access.users import add_user
from skywarden.console.server import Console
from skywarden.messages.picture import Picture
from skywarden.site.model import Display

PHONES = pytest.mark.parametrize("size", [(390, 844), (844, 390)], ids=["upright", "on its side"])


@PHONES
def test_a_telephone_shows_one_column_with_the_countdown_first(run, visit, size):
    page = visit(run(rounds=12, start=20.0).url, *size)
    expect(at(page, "next")).to_contain_text(re.compile(r"^\d+ s to impact, "))
    order = [page.locator(part).first.bounding_box() for part in ('[data-test="next"]', ".card", ".picture", ".tabs",
        ".time")]
    # the order on the screen is the order of the page
    assert [box["y"] for box in order] == sorted(box["y"] for box in order)
    assert all(box["x"] >= 0.0 and box["x"] + box["width"] <= size[0] + 1 for box in order)
    assert order[0]["y"] + order[0]["height"] < size[1]                             # without scrolling
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    # what is not acknowledged stays in sight
    up = at(page, "to-warnings")
    expect(up).to_be_in_viewport()
    up.click()
    expect(at(page, "next")).to_be_in_viewport()
    for each in page.locator(".card button.primary").all()[:3]:
        assert each.bounding_box()["height"] >= 36.0                                # a finger finds it


def test_every_column_is_there_at_1280(run, visit):
    page = ready(visit(run(rounds=12, start=20.0).url, 1280, 720))
    expect(at(page, "track").first).to_be_visible()
    heads = page.locator(".tracks th")
    expect(heads).to_have_count(9)
    scroll = page.locator(".tracks .scroll").bounding_box()
    for head in heads.all():
        expect(head).to_be_visible()
        box = head.bounding_box()
        assert box["x"] + box["width"] <= scroll["x"] + scroll["width"] + 1


def test_a_key_that_does_nothing_says_why(run, visit):
    made = run(rounds=0, start=5.0)
    page = ready(visit(made.url))
    for key, why in {
        "a": "No warning waits to be acknowledged.", "A": "No warning waits", "s": "No warning stands",
        "S": "No warning stands", "b": "Nothing is put aside",
        "c": "No manual alarm stands", "r": "Select a track first", "y": "No engagement waits for consent",
        "g": "You see the live picture already",
        "o": "This run keeps no records", "e": "This site cannot be edited", "z": "declares no terrain",
        "Q": "Q does nothing. ? shows the keys.",
        "[": "You see the run as it goes", "9": "9 does nothing",
    }.items():
        page.keyboard.press(key)
        expect(at(page, "toast")).to_contain_text(why)
        expect(page.get_by_role("dialog")).to_have_count(0)
    assert not made.commands


def test_caps_lock_does_not_turn_one_acknowledgement_into_all(run, visit):
    made = run(rounds=0, start=5.0)
    page = ready(visit(made.url))
    for zone in ("hospital", "tower"):
        made.alarm(zone)
    expect(page.locator(".card.open")).to_have_count(2)
    page.evaluate("""document.body.dispatchEvent(
        new KeyboardEvent('keydown', {key: 'A', bubbles: true, modifierCapsLock: true}))""")
    expect(page.locator(".card.open")).to_have_count(1)


def test_escape_closes_the_list_of_layers_and_the_focus_goes_back(run, visit):
    page = ready(visit(run(rounds=0, start=5.0).url))
    page.keyboard.press("n")
    expect(page.get_by_role("group", name="Layers")).to_be_visible()
    expect(page.get_by_role("checkbox").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("group", name="Layers")).to_have_count(0)
    expect(button(page, "Layers")).to_be_focused()
    button(page, "Radar coverage").click()
    page.get_by_label("Height above ground").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_role("group", name="Radar coverage")).to_have_count(0)


def test_one_command_waits_and_two_commands_wait(run, visit):
    made = run(rounds=0, start=5.0)
    page = ready(visit(made.url))
    page.keyboard.press("p")
    expect(at(page, "still")).to_be_visible()
    for words in ("1 command waits", "2 commands wait"):
        page.keyboard.press("m")
        page.get_by_role("dialog").get_by_label("Why").fill("smoke")
        page.keyboard.press("Enter")
        expect(at(page, "still")).to_contain_text(words)


def test_the_map_has_a_scale_and_says_where_north_is(run, visit):
    page = ready(visit(run(rounds=0, start=5.0).url))
    expect(at(page, "scale")).to_contain_text("North is up.")
    before = at(page, "scale").inner_text()
    assert re.search(r"\d+ k?m", before)
    for _ in range(3):
        page.keyboard.press("-")
    soon(lambda: at(page, "scale").inner_text() != before)


@pytest.mark.parametrize(("told", "first", "last"), [
    ("metres", "600 m", "1050 m"), ("feet", re.compile(r"7[89]\d\d ft"), re.compile(r"93\d\d ft")),
    ("flight-level", re.compile(r"7[89]\d\d ft"), "FL095")])
def test_heights_of_aircraft_are_told_as_the_site_wants(visit, told, first, last):
    """They circle 600 to 1050 m above an airport that lies 1791 m above the sea; the transition
    altitude is 9,000 ft.
    """
    made = Run(rounds=0, others=0, start=5.0, display=Display(told, 9_000 * 0.3048))
    try:
        page = ready(visit(made.url))
        for call, height in (("RCH871", first), ("RCH874", last)):
            expect(at(page, "track").filter(has_text=call)).to_contain_text(height)
    finally:
        made.close()


class Doubtful(Play):
    """One zone that a track endangers which is more probably no round, one whose place of impact is
    not known yet, one below the limit.
    """

    def moment(self, t, commands=()):
        moment = super().moment(t, commands)
        picture: Picture = moment.picture
        n = picture.impacts.track.shape[0]
        if n < 3:
            return moment
        names = [zone.name for zone in self.site.zones]
        p_round, p = np.array([0.42, 0.9, 0.9]), np.array([0.4, 0.6, 0.1])
        threats = picture.threats._replace(
            track=picture.impacts.track[:3], zone=np.array([names.index(z) for z in ("hospital", "tower",
                "fuel farm")], np.int32), probability=p,
            t=picture.impacts.t[:3], t_sigma=np.full(3, 0.3), people=np.full(3, 5.0))
        covariance = picture.impacts.covariance[:3].copy()
        covariance[1, 0, 0], covariance[1, 1, 1], covariance[1, 0, 1], covariance[1, 1,
            0] = 300.0**2, 100.0**2, 0.0, 0.0
        rows = {name: column[:3] for name, column in picture.impacts._asdict().items()} | {"p_projectile": p_round,
            "covariance": covariance}
        warnings = type(picture.warnings)(*(column[:0] for column in picture.warnings))
        return moment._replace(picture=picture._replace(threats=threats, impacts=picture.impacts._replace(**rows),
            warnings=warnings))


def test_why_a_zone_is_not_warned_can_be_read(visit):
    made = Run(rounds=14, start=58.0, again=40.0, frames=Doubtful)
    try:
        page = ready(visit(made.url))
        page.keyboard.press("p")                        # between two raids there is nothing to explain
        page.keyboard.press("p")
        page.keyboard.press("5")
        row = {name: at(page, "zone-row").filter(has_text=name) for name in ("hospital", "tower", "fuel farm",
            "camp east")}
        expect(row["tower"]).to_contain_text("60 %", timeout=60_000)
        page.keyboard.press("p")
        says = {}
        for name, each in row.items():
            each.get_by_role("button").click()
            says[name] = each.inner_text()
            expect(at(each, "zone-why")).to_be_visible()
            says[name] = each.inner_text()
        assert ("40 % with every track, <1 % by those more probably rounds than not; a warning is raised from 25 %"
            in says["hospital"])
        assert "42 % a round × 95 % falls there" in says["hospital"]
        assert "more probably no round: does not count" in says["hospital"]
        assert "60 %, over the limit of 25 %, but where it comes down is known to ± 300 m only" in says["tower"]
        assert "Not warned: together 10 %; a warning is raised from 25 %." in says["fuel farm"]
        assert "Not warned: no track endangers it." in says["camp east"]
    finally:
        made.close()


def test_why_a_zone_is_warned_is_one_click_from_its_warning(run, visit):
    page = visit(run(rounds=12, start=20.0).url)
    first = at(page, "warning").first
    expect(first).to_be_visible()
    page.keyboard.press("p")
    expect(at(page, "still")).to_be_visible()
    zone = first.get_attribute("data-zone")
    card(page, zone).get_by_title("Why it is warned, or is not").click()
    row = at(page, "zone-row").filter(has_text=zone).first
    expect(at(row, "zone-why")).to_contain_text(
        re.compile(r"Warned since T\+\d\d:\d\d: together .* at most .*; a warning is raised from 25 %\."))
    expect(row).to_contain_text(re.compile(r"track \d+: .* % = .* % a round × .* % falls there"))
    page.keyboard.press("4")
    expect(at(page, "event").filter(has_text=f"WARNED {zone}: ").first).to_contain_text("(limit 25 %)")


def test_before_the_first_picture_nothing_is_called_quiet(visit):
    made = Run(rounds=0, start=5.0)
    site = replace(made.site)
    made.close()
    console = Console(site, "LIVE", "no feed yet", port=0)
    try:
        page = visit(console.url)
        expect(page.locator(".banner")).to_contain_text("Waiting for the first picture")
        expect(page.locator(".situation")).to_contain_text("No picture yet: nothing is known.")
        expect(page.locator(".urgent")).not_to_contain_text("No zone is under warning")
        expect(page.locator(".tracks")).not_to_contain_text("Nothing is tracked")
        expect(at(page, "clock")).to_have_text(re.compile(r"^T —\s*$"))
    finally:
        console.close()


def test_behind_a_proxy_with_a_path_the_whole_page_works(visit, tmp_path):
    """Picture, map symbols, log-in, a command, the events, the records: all under /kabul/, nothing beside it."""
    users = tmp_path / "users.toml"
    add_user(users, "mira", "operator", PASSWORD)
    made = Run(rounds=0, start=5.0, users=users, records=tmp_path, public_url="http://127.0.0.1/kabul")
    try:
        asked: list[str] = []
        page = visit(f"{made.url}kabul")
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))
        log_in(page, "mira")
        ready(page)
        made.alarm("tower")
        expect(card(page, "tower")).to_be_visible()
        page.keyboard.press("a")
        made.told("acknowledge")
        page.keyboard.press("4")
        expect(at(page, "event").filter(has_text="seen").first).to_be_visible()
        page.keyboard.press("o")
        expect(page.get_by_role("dialog")).to_contain_text("No records in the folder")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        soon(lambda: page.evaluate("[...document.querySelectorAll('dialog img')].every(image => image.complete && "
            "image.naturalWidth > 0)"))
        assert any(url.startswith("ws://") for url in asked)
        assert all(url.split("/", 3)[3].startswith("kabul/") for url in asked), asked
    finally:
        made.close()
