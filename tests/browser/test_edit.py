"""What is drawn, placed and written in the page ends up in the site's own files, by keyboard alone and by pointer."""

from __future__ import annotations

import math
import re
import shutil

import numpy as np
import pytest

from skywarden.files.shipped import find
from skywarden.kernels.geometry.earth import to_earth, to_site
from skywarden.site.load import load

playwright = pytest.importorskip("playwright.sync_api",
    reason="playwright is not installed: the console's page is not tested")
expect = playwright.expect


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(find("kabul", "sites"), tmp_path / "kabul")
    return tmp_path / "kabul"


BACK = "Shift+Tab"


def says(page):
    return page.locator('[data-test="edit-says"]')


def tabber(page):
    def tab_to(label, key="Tab"):
        for _ in range(120):
            page.keyboard.press(key)
            if page.evaluate("(document.activeElement.closest('label') ?? "
                    "document.activeElement).innerText.trim()").startswith(label):
                return
        raise AssertionError(f"{label} cannot be reached by keyboard")

    return tab_to


def write(page, tab_to, label, text, key="Tab"):
    tab_to(label, key)
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def numbers(page, *labels):
    return [float(page.get_by_label(label).input_value()) for label in labels]


def read_out(page, origin):
    """Where the pointer is, east and north, by the latitude and longitude at the map's foot."""
    north, minutes, east, more = map(float, re.match(r"(\d+)°([\d.]+)′N (\d+)°([\d.]+)′E",
        page.locator(".readout").inner_text()).groups())
    latitude, longitude = math.radians(north + minutes / 60), math.radians(east + more / 60)
    return to_site(origin.latitude, origin.longitude, origin.elevation, latitude, longitude, origin.elevation)[0, :2]


def test_zone_radar_and_effector_are_made_and_saved_by_keyboard_alone(run, visit, folder):
    made = run(rounds=0, start=5.0, folder=folder)
    page = visit(made.url)
    expect(page.locator('[data-test="track"]').first).to_be_visible()
    page.keyboard.press("e")
    expect(page.get_by_role("tab", name="Edit site")).to_be_visible()
    expect(page.locator('[data-test="edit-kind"]')).to_be_focused()
    tab_to = tabber(page)
    tab_to("New zone")
    page.keyboard.press("Enter")
    write(page, tab_to, "Name", "tents")
    write(page, tab_to, "Corners", "1000, 900\n1100, 900\n1100")
    expect(page.locator(".edit")).to_contain_text("Line 3: write east, north")
    page.keyboard.type(", 1000\n1000, 1000")

    tab_to("What", BACK)                                # the first radar is moved and narrowed
    page.keyboard.press("R")
    write(page, tab_to, "East", "-321.5")
    write(page, tab_to, "Sector from", "250")
    write(page, tab_to, "Sector's width", "140")
    tab_to("Everything else")
    page.keyboard.press("Enter")
    write(page, tab_to, "False alarms", "5")
    tab_to("New radar", BACK)                           # a second one, faulty first
    page.keyboard.press("Enter")
    write(page, tab_to, "Name", "hill")
    write(page, tab_to, "Latitude", "34.58")
    write(page, tab_to, "Greatest range", "5")
    tab_to("Save")
    page.keyboard.press("Enter")
    expect(says(page)).to_contain_text('radar "hill": "range_max_m" is 5.0, outside 100')
    expect(page.get_by_label("Greatest range [m]")).to_have_attribute("aria-invalid", "true")
    assert len(load(folder).radars) == 2
    write(page, tab_to, "Greatest range", "9000", BACK)

    tab_to("What", BACK)
    page.keyboard.press("E")
    tab_to("Effector")
    page.keyboard.press("ArrowDown")
    tab_to("Delete effector")
    page.keyboard.press("Enter")
    write(page, tab_to, "Greatest reach", "1800")
    tab_to("Save")
    page.keyboard.press("Enter")
    expect(says(page)).to_contain_text("Saved")

    site = load(folder)
    assert site.zones[-1].name == "tents"
    np.testing.assert_allclose(sorted(site.zones[-1].polygon.round(1).tolist()), [[1000, 900], [1000, 1000],
        [1100, 900], [1100, 1000]], atol=0.05)
    cram, _, hill = site.radars
    assert cram.place[0] == -321.5
    np.testing.assert_allclose(np.degrees([cram.azimuth_from, cram.azimuth_width]), [250.0, 140.0])
    assert cram.false_alarms == 5.0
    assert (hill.name, hill.range_max) == ("hill", 9000.0)
    origin = site.origin
    latitude, _, _ = to_earth(origin.latitude, origin.longitude, origin.elevation, hill.place)
    assert np.degrees(latitude)[0] == pytest.approx(34.58, abs=2e-6)
    assert [(e.name, e.reach_max) for e in site.effectors] == [("gun north", 1800.0)]
    assert "# where 1 m² gives the reference signal to noise" in (folder / "site.toml").read_text()

    # and what was saved is edited further, not the site as the run began
    write(page, tab_to, "Greatest reach", "1900", BACK)
    tab_to("Save")
    page.keyboard.press("Enter")
    expect(says(page)).to_contain_text("Saved")
    assert len(load(folder).radars) == 3
    assert load(folder).effectors[0].reach_max == 1900.0


def test_zone_radar_and_effector_are_drawn_placed_dragged_and_deleted_by_pointer(run, visit, folder):
    made = run(rounds=0, aircraft=0, others=0, start=5.0, folder=folder)
    before = load(folder)
    page = visit(made.url)
    page.get_by_role("button", name="Radar coverage").click()
    page.get_by_label("Height above ground").select_option("300")
    page.get_by_role("button", name="Radar coverage").click()
    page.get_by_role("button", name="Edit site").click()
    page.get_by_role("button", name="Draw on the map").click()
    box = page.locator(".canvas").bounding_box()
    for x, y in ((300, 450), (360, 450), (360, 500)):
        page.mouse.click(box["x"] + x, box["y"] + y)
        page.wait_for_timeout(300)
    page.mouse.dblclick(box["x"] + 300, box["y"] + 500)
    expect(page.get_by_label("Name")).to_have_value("new zone")
    page.locator('[data-test="edit-chosen"]').select_option(label="hospital")
    page.get_by_role("button", name="Delete zone").click()

    kind = page.locator('[data-test="edit-kind"]')
    kind.select_option("effectors")
    spots, placed = np.array([[200.0, 420.0], [500.0, 200.0]]), []
    for x, y in spots:
        page.get_by_role("button", name="Place on the map").click()
        page.mouse.click(box["x"] + x, box["y"] + y)
        expect(page.get_by_label("Name")).to_have_value("new effector" if not placed else "new effector 2")
        placed.append(numbers(page, "East [m]", "North [m]"))
        three_metres = 3.0              # a thousandth of a minute, and half a pixel
        assert np.hypot(*(read_out(page, before.origin) - placed[-1])) < three_metres
    page.get_by_label("East [m]").fill("30000")         # far out, and back: the page's own formulas against PROJ's
    page.get_by_label("North [m]").fill("-20000")
    expect(page.get_by_label("Latitude")).not_to_have_value(re.compile(r"34\.5.*"))
    longitude, latitude = np.radians(numbers(page, "Longitude", "Latitude"))
    o, twenty_centimetres = before.origin, 0.2          # the form shows six decimals
    assert np.hypot(*(to_site(o.latitude, o.longitude, o.elevation, latitude, longitude, o.elevation)[0, :2] - [30000,
        -20000])) < twenty_centimetres
    for label, value in zip(("East [m]", "North [m]"), placed[-1], strict=True):
        page.get_by_label(label).fill(str(value))

    kind.select_option("radars")                        # the first radar is dragged by 60 and 40 pixels
    metre = (placed[1][0] - placed[0][0]) / (spots[1] - spots[0])[0]
    east, north = before.radars[0].place[:2]
    x = round(box["x"] + spots[0, 0] + (east - placed[0][0]) / metre)
    y = round(box["y"] + spots[0, 1] - (north - placed[0][1]) / metre)
    page.wait_for_timeout(200)      # until it is drawn, as a hand would
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y - 20, steps=3)
    page.mouse.move(x + 60, y - 40, steps=3)
    page.mouse.up()
    expect(page.get_by_label("East [m]")).not_to_have_value("-250")
    moved = numbers(page, "East [m]", "North [m]")
    np.testing.assert_allclose(moved, [east + 60 * metre, north + 40 * metre], atol=3 * metre)
    page.get_by_role("button", name="Check").click()
    expect(says(page)).to_contain_text("No fault found.")
    expect(page.locator('[data-test="coverage"]')).to_contain_text("of the edited site")
    page.get_by_role("button", name="Save").click()
    expect(says(page)).to_contain_text("Saved")
    site = load(folder)
    names = [zone.name for zone in site.zones]
    assert "new zone" in names
    assert "hospital" not in names
    np.testing.assert_allclose(site.radars[0].place[:2], moved, atol=0.06)
    np.testing.assert_allclose([effector.place[:2] for effector in site.effectors[-2:]], placed, atol=0.06)
    assert site.radars[1].place.tolist() == before.radars[1].place.tolist()


def test_a_faulty_site_is_told_and_not_saved_and_the_form_is_for_everybody(run, visit, folder):
    from test_access import serious

    made = run(rounds=0, aircraft=0, others=0, start=5.0, folder=folder)
    before = (folder / "zones.geojson").read_bytes()
    page = visit(made.url)
    page.keyboard.press("x")
    page.keyboard.press("n")
    page.get_by_role("button", name="Edit site").click()
    page.get_by_label("Name").fill("hospital")
    page.get_by_role("button", name="Save").click()
    expect(says(page)).to_contain_text("used 2 times")
    expect(says(page)).to_be_in_viewport(ratio=1.0)
    faults = serious(page)
    page.keyboard.press("t")
    page.locator('[data-test="edit-kind"]').select_option("radars")
    page.get_by_text("Everything else").click()
    assert not [*faults, *serious(page)]
    assert (folder / "zones.geojson").read_bytes() == before
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("tab", name="Edit site")).to_have_count(0)
