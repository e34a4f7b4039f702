"""Every screen at four sizes: nothing runs out of its box. `SKYWARDEN_SCREENS=1` also writes the
pictures of the guide.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from skywarden.files.shipped import find
from skywarden.messages.commands import Command

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))
from test_console import a_record

playwright = pytest.importorskip("playwright.sync_api",
    reason="playwright is not installed: the console's page is not tested")
expect = playwright.expect

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "screens"
SIZES = [(390, 844), (844, 390), (1280, 720), (1920, 1080)]     # a telephone upright and on its side, a laptop, a desk
NAMES = [str(width) for width, _ in SIZES]
BOTH_SIZES = ("quiet", "raid", "replay", "stale", "edit", "report")      # the guide has these large, too
# What sticks out of the window, or is cut off by its own box where its author did not mean it to be.
STICKS_OUT = """() => { const page = document.documentElement, long = page.scrollHeight > innerHeight + 1;
  const all = document.querySelectorAll('header *, footer *, .banner *, .situation *, .warnings *, [role=tab], '
    + 'dialog *, .maptools *, .corner *, .edit *');
  return [...(page.scrollWidth > innerWidth ? [page] : []), ...[...all]
  .filter(e => e.checkVisibility() && !e.closest('.hidden, svg, .title, .user')
    && !e.matches('canvas, small.hidden, option'))
  .filter(e => { const r = e.getBoundingClientRect();
    const scrolls = long || e.closest('.warnings, dialog, [role=tabpanel]');
    const wide = e.closest('.scroll, [role=tablist]');
    return r.width > 0 && ((!wide && (r.left < -1 || r.right > innerWidth + 1))
      || (!scrolls && (r.top < -1 || r.bottom > innerHeight + 1))
      || (e.matches('button, .count, .mode, .chip, h2, [role=tab], .card .zone, .card .told')
        && e.scrollWidth > e.clientWidth + 2)) })
  ].map(e => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 60)}`) }"""


def shot(page, name, size):
    page.wait_for_timeout(400)
    out = page.evaluate(STICKS_OUT)
    if os.environ.get("SKYWARDEN_SCREENS") and (size[0] == 1280 or (size[0] == 1920 and name in BOTH_SIZES)
            or (size[0] == 390 and name in ("raid", "why"))):
        GUIDE.mkdir(exist_ok=True)
        page.screenshot(path=GUIDE / f"{name}-{size[0]}.png")
    assert not out, f"{name} at {size[0]} x {size[1]}: {out}"


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_nothing_is_cut_at_the_peak_of_a_raid(run, visit, size):
    made = run(rounds=50, start=26.0, title="A made-up raid of fifty rounds · Kabul airport (zones notional)")
    page = visit(made.url, *size)
    expect(page.locator('[data-test="warning"]').first).to_be_visible()
    shot(page, "raid", size)
    page.keyboard.press("j")
    page.keyboard.press("2")
    expect(page.locator('[data-test="airport"]')).to_contain_text(re.compile(
        r"CLOSED an impact is expected on it, opens at T\+\d+:\d+ at the earliest, in \d+ s "
        r"· closed for 3.5 minutes so far, 2 holding now, 3 delayed, 1 gone around$"))
    shot(page, "rehearsal", size)
    page.keyboard.press("Escape")
    page.keyboard.press("5")
    page.locator('[data-test="zone-row"] button').first.click()
    expect(page.locator('[data-test="zone-why"]')).to_contain_text("a warning is raised from 25 %")
    shot(page, "why", size)
    page.keyboard.press("Escape")
    for key, name in (("?", "keys"), ("i", "people")):
        page.keyboard.press(key)
        shot(page, name, size)
        assert page.evaluate("document.querySelector('dialog').scrollTop") == 0, "it is read from its beginning"
        page.keyboard.press("Escape")
    for zone in ("hospital", "tower"):
        made.alarm(zone)
        made.console.order(Command(0.0, "shelve", f"600 {zone}", "mira", "exercise of the fire brigade"))
    expect(page.locator('[data-test="shelved"]')).to_contain_text("2 put aside")
    page.keyboard.press("b")
    shot(page, "shelf", size)
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(page.locator('[data-test="still"]')).to_be_visible()
    shot(page, "paused", size)
    page.keyboard.press("p")
    page.keyboard.press("ArrowLeft")
    expect(page.locator('[data-test="back"]')).to_be_visible()
    page.keyboard.press("4")
    shot(page, "replay", size)
    page.keyboard.press("g")
    expect(page.locator('[data-test="back"]')).to_have_count(0)
    made.freeze()
    expect(page.locator('[data-test="stale"]')).to_be_visible()
    page.keyboard.press("3")
    shot(page, "stale", size)


def test_a_wall_is_read_from_across_the_room(run, visit):
    made = run(rounds=50, start=26.0)
    page = visit(made.url, 3840, 2160)
    expect(page.locator('[data-test="warning"]').first).to_be_visible()
    shot(page, "wall", (3840, 2160))
    assert page.locator(".card .zone").first.bounding_box()["height"] > 25.0


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_nothing_is_cut_on_a_quiet_day_or_while_editing(run, visit, size, tmp_path):
    shutil.copytree(find("kabul", "sites"), tmp_path / "kabul")
    made = run(rounds=0, start=26.0, title="A quiet day · Kabul airport (zones notional)", folder=tmp_path / "kabul")
    page = visit(made.url, *size)
    expect(page.locator('[data-test="track"]').first).to_be_visible()
    page.keyboard.press("j")
    shot(page, "quiet", size)
    page.keyboard.press("t")
    shot(page, "light", size)
    page.keyboard.press("t")
    page.keyboard.press("e")
    page.locator('[data-test="edit-kind"]').select_option("radars")
    shot(page, "edit", size)


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_nothing_is_cut_over_terrain_with_the_radars_coverage(run, visit, size):
    page = visit(run(rounds=0, start=26.0, terrain=True, title="A quiet day among made-up hills").url, *size)
    expect(page.locator('[data-test="track"]').first).to_be_visible()
    for _ in range(5):
        page.keyboard.press("-")
    page.keyboard.press("x")
    page.keyboard.press("n")
    page.get_by_role("button", name="Radar coverage").click()
    expect(page.locator('[data-test="coverage"]')).to_contain_text("Shaded")
    shot(page, "coverage", size)


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_nothing_is_cut_in_a_report(visit, size, tmp_path):
    from test_console import SITE

    from skywarden.console.server import Console

    a_record(tmp_path)
    console = Console(SITE, "LIVE", "reports", port=0, records=tmp_path)
    try:
        page = visit(console.url, *size)
        expect(page.locator('[data-test="user"]')).to_be_visible()      # the page has been let in
        page.goto(f"{console.url}report/night.rec")
        expect(page.locator("svg").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        shot(page, "report", size)
    finally:
        console.close()


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_the_page_reads_from_right_to_left_where_a_language_does(run, visit, size):
    made = run(rounds=12, start=20.0)
    page = visit(made.url, *size)
    expect(page.locator('[data-test="warning"]').first).to_be_visible()
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert page.locator(".urgent").bounding_box()["x"] < 1.0
    out = page.evaluate(STICKS_OUT)
    assert not out, out
