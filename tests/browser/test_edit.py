"""Zones drawn and changed in the page end up in the site's own files."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from skywarden.site.load import load
from skywarden.site.shipped import find

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the console's page is not tested")
expect = playwright.expect


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(find("kabul", "sites"), tmp_path / "kabul")
    return tmp_path / "kabul"


def says(page):
    return page.locator('[data-test="edit-says"]')


def test_a_zone_is_made_and_saved_by_keyboard_alone(run, visit, folder):
    made = run(rounds=0, start=5.0, folder=folder)
    page = visit(made.url)
    expect(page.locator('[data-test="track"]').first).to_be_visible()
    page.keyboard.press("e")

    def tab_to(label):
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("(document.activeElement.closest('label') ?? document.activeElement).innerText.trim()").startswith(label):
                return
        raise AssertionError(f"{label} cannot be reached by keyboard")

    tab_to("New zone")
    page.keyboard.press("Enter")
    tab_to("Name")
    page.keyboard.press("Control+a")
    page.keyboard.type("tents")
    tab_to("Corners")
    page.keyboard.press("Control+a")
    page.keyboard.type("1000, 900\n1100, 900\n1100")
    expect(page.locator(".edit")).to_contain_text("Line 3: write east, north")
    page.keyboard.type(", 1000\n1000, 1000")
    tab_to("Save")
    page.keyboard.press("Enter")
    expect(says(page)).to_contain_text("Saved")
    zone = load(folder).zones[-1]
    assert zone.name == "tents"
    np.testing.assert_allclose(sorted(zone.polygon.round(1).tolist()), [[1000, 900], [1000, 1000], [1100, 900], [1100, 1000]], atol=0.05)


def test_a_zone_is_drawn_and_another_one_deleted_by_pointer(run, visit, folder):
    made = run(rounds=0, aircraft=0, others=0, start=5.0, folder=folder)
    page = visit(made.url)
    page.get_by_role("button", name="Edit zones").click()
    page.get_by_role("button", name="Draw on the map").click()
    box = page.locator(".canvas").bounding_box()
    for x, y in ((300, 450), (360, 450), (360, 500)):
        page.mouse.click(box["x"] + x, box["y"] + y)
        page.wait_for_timeout(300)
    page.mouse.dblclick(box["x"] + 300, box["y"] + 500)
    expect(page.get_by_label("Name")).to_have_value("new zone")
    page.locator('[data-test="edit-zone"]').select_option(label="hospital")
    page.get_by_role("button", name="Delete zone").click()
    page.get_by_role("button", name="Check").click()
    expect(says(page)).to_contain_text("No fault found.")
    page.get_by_role("button", name="Save").click()
    expect(says(page)).to_contain_text("Saved")
    names = [zone.name for zone in load(folder).zones]
    assert "new zone" in names
    assert "hospital" not in names


def test_a_faulty_zone_is_told_and_not_saved(run, visit, folder):
    made = run(rounds=0, start=5.0, folder=folder)
    before = (folder / "zones.geojson").read_bytes()
    page = visit(made.url)
    page.get_by_role("button", name="Edit zones").click()
    page.get_by_label("Name").fill("hospital")
    page.get_by_role("button", name="Save").click()
    expect(says(page)).to_contain_text("used 2 times")
    assert (folder / "zones.geojson").read_bytes() == before
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("tab", name="Edit zones")).to_have_count(0)
