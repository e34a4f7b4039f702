"""The map's own tools: coverage, layers, rings, ruler, terrain and tiles, by keyboard and by pointer."""

from __future__ import annotations

import io
import math
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from skywarden.console.guard import tile_origin
from skywarden.errors import UsageError
from skywarden.kernels.geometry.earth import to_site

playwright = pytest.importorskip("playwright.sync_api",
    reason="playwright is not installed: the console's page is not tested")
expect = playwright.expect


def picture(page):
    """What is on the map, as (rows, columns, 3)."""
    from PIL import Image

    page.wait_for_timeout(300)
    return np.asarray(Image.open(io.BytesIO(page.locator(".map").screenshot())).convert("RGB"), float)


def differs(one, other):
    """Share of the map's pixels that changed."""
    return float((np.abs(one - other).max(axis=2) > 8).mean())


def test_coverage_layers_and_ruler_by_keyboard_alone(run, visit):
    made = run(rounds=0, aircraft=0, others=0, start=5.0, terrain=True)
    page = visit(made.url)
    says = page.locator('[data-test="coverage"]')
    expect(page.locator(".canvas canvas").first).to_be_visible()
    page.wait_for_timeout(500)
    for _ in range(8):
        page.keyboard.press("-")        # out to where terrain hides something from the radars
    page.wait_for_timeout(400)
    empty = picture(page)
    shown = {}
    for height in (100, 300, 1000, 3000):
        page.keyboard.press("x")
        expect(says).to_contain_text(f"seen at {height} m above ground by all radars together")
        if height in (100, 3000):
            shown[height] = picture(page)
    assert all(differs(empty, each) > 0.02 for each in shown.values())
    assert differs(shown[100], shown[3000]) > 0.02, "another height must look different"
    page.keyboard.press("x")
    expect(says).to_have_count(0)
    assert differs(empty, picture(page)) < 0.002

    page.keyboard.press("z")            # terrain off and on
    assert differs(empty, picture(page)) > 0.03
    page.keyboard.press("z")
    page.keyboard.press("n")            # every layer from the list
    boxes = page.locator(".layers input")
    expect(boxes.first).to_be_focused()
    for at in range(boxes.count()):
        expect(boxes.nth(at)).to_be_focused()
        was = boxes.nth(at).is_checked()
        page.keyboard.press(" ")
        expect(boxes.nth(at)).to_be_checked(checked=not was)
        page.keyboard.press("Tab")
    assert differs(empty, picture(page)) > 0.03
    page.keyboard.press("n")
    expect(boxes).to_have_count(0)

    page.keyboard.press("d")            # the ruler, from the map's middle
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(150)
    page.keyboard.press("Enter")
    expect(page.locator(".ruler text")).to_have_text(re.compile(r"\d.* (km|m) 090°"))


def test_coverage_layers_and_ruler_by_pointer(run, visit):
    made = run(rounds=0, aircraft=0, others=0, start=5.0)
    page = visit(made.url)
    page.get_by_role("button", name="Radar coverage").click()
    page.get_by_label("Height above ground").select_option(label="1000 m")
    page.get_by_label("Seen by").select_option("cram")
    expect(page.locator('[data-test="coverage"]')).to_contain_text("1000 m above ground by cram")
    page.get_by_role("button", name="Layers").click()
    page.get_by_label("range rings").uncheck()
    expect(page.get_by_label("terrain")).to_have_count(0)       # this site has none
    expect(page.get_by_label("map tiles")).to_have_count(0)
    page.get_by_role("button", name="Ruler").click()
    box = page.locator(".canvas").bounding_box()
    page.mouse.click(box["x"] + 300, box["y"] + 200)
    page.wait_for_timeout(300)          # a second click too soon would be a double click
    page.mouse.move(box["x"] + 300, box["y"] + 390)
    expect(page.locator(".ruler.shown")).to_have_count(1)
    page.mouse.click(box["x"] + 300, box["y"] + 400)
    expect(page.locator(".ruler text")).to_have_text(re.compile(r"\d.* (km|m) 180°"))


RED, BLUE = (220, 20, 20), (20, 20, 220)


@contextmanager
def tiles():
    """A server of map tiles: red and blue squares in turn, so that the corners of every tile can be
    found on the map.
    """
    from PIL import Image

    asked = []

    class Tile(BaseHTTPRequestHandler):
        def do_GET(self):
            found = re.fullmatch(r"/(\d+)/(\d+)/(\d+)\.png", self.path)
            z, x, y = map(int, found.groups())
            asked.append((z, x, y))
            data = io.BytesIO()
            Image.new("RGB", (256, 256), RED if (x + y) % 2 else BLUE).save(data, "PNG")
            self.send_response(200)
            self.send_header("content-type", "image/png")
            self.end_headers()
            self.wfile.write(data.getvalue())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def corner(z, x, y):
    """Longitude and latitude [rad] of a tile's north-west corner. Source: the OpenStreetMap wiki,
    Slippy map tilenames.
    """
    return 2 * math.pi * x / 2**z - math.pi, math.atan(math.sinh(math.pi * (1 - 2 * y / 2**z)))


def test_tiles_are_asked_for_only_where_they_are_named_and_lie_where_their_corners_say(run, visit):
    with tiles() as (server, asked):
        made = run(rounds=0, aircraft=0, others=0, start=5.0, tiles=f"{server}/{{z}}/{{x}}/{{y}}.png")
        page = visit(made.url, allow=server)
        answer = page.request.get(made.url)
        assert f"img-src 'self' {server};" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        expect(page.locator(".canvas canvas").first).to_be_visible()
        page.keyboard.press("n")
        for name in ("range rings", "radars and their range", "labels", "trails"):
            page.get_by_label(name).uncheck()
        page.wait_for_timeout(1500)
        assert len(asked) >= 4
        view = picture(page)
        redness = view[:, :, 0] - view[:, :, 2]
        assert (np.abs(redness) > 40).mean() > 0.5, "the tiles are not drawn"

        # find corners: the mouse's own read-out tells latitude and longitude, the picture tells where four tiles meet
        z = max(zoom for zoom, _, _ in asked)
        origin = made.site.origin
        box = page.locator(".map").bounding_box()

        def place_at(px, py):
            page.mouse.move(box["x"] + px, box["y"] + py)
            found = re.match(r"(\d+)°([\d.]+)′([NS]) (\d+)°([\d.]+)′([EW])", page.locator(".readout").inner_text())
            d, m, _, dd, mm, _ = found.groups()
            return to_site(origin.latitude, origin.longitude, origin.elevation, math.radians(int(d) + float(m) / 60),
                           math.radians(int(dd) + float(mm) / 60), origin.elevation)[0, :2]

        a, b = place_at(100, 600), place_at(700, 100)
        scale = (b - a) / np.array([600.0, -500.0])         # metres a pixel, east and north
        found, apart = 0, []
        for zoom, x, y in sorted(set(asked)):
            if zoom != z:
                continue
            longitude, latitude = corner(z, x, y)
            at = to_site(origin.latitude, origin.longitude, origin.elevation, latitude, longitude, origin.elevation)[0,
                :2]
            px, py = np.array([100.0, 600.0]) + (at - a) / scale * np.array([1.0, 1.0])
            if not (60 < px < view.shape[1] - 60 and 60 < py < view.shape[0] - 60):
                continue
            found += 1
            row, column = redness[int(py) + 12, int(px) - 30:int(px) + 30], redness[int(py) - 30:int(py) + 30,
                int(px) + 12]
            for line in (row, column):                      # the one change of colour along it lies at its middle
                change = np.flatnonzero(np.diff(np.sign(line)))
                apart.append(np.abs(change - 29.5).min() if change.size else 99.0)
        assert found >= 1
        two_pixels = 2.0
        assert np.median(apart) <= two_pixels, apart
        page.get_by_label("map tiles").uncheck()
        assert (np.abs((lambda v: v[:, :, 0] - v[:, :, 2])(picture(page))) > 40).mean() < 0.05


def test_a_console_without_tiles_has_no_other_place_in_its_policy(run, visit):
    made = run(rounds=0, start=5.0)
    policy = visit(made.url).request.get(made.url).headers["content-security-policy"]
    assert "img-src 'self';" in policy
    assert "http" not in policy


@pytest.mark.parametrize(("url", "origin"), [
    ("http://127.0.0.1:9000/{z}/{x}/{y}.png", "http://127.0.0.1:9000"), ("https://maps.example/a/{z}/{y}/{x}",
        "https://maps.example"),
    ("http://[::1]:9/{z}/{x}/{y}", "http://[::1]:9"), ("http://127.0.0.1:9000/tiles.png", None),
    ("ftp://x/{z}/{x}/{y}", None), ("{z}/{x}/{y}", None),
    ("http://a; script-src *;/{z}/{x}/{y}", None), ("http://*/{z}/{x}/{y}", None), ("http://u:p@host/{z}/{x}/{y}",
        None), ("http://h:99999/{z}/{x}/{y}", None),
])
def test_an_address_of_tiles_gives_one_origin_or_is_refused(url, origin):
    if origin is None:
        with pytest.raises(UsageError, match="give an address with the tile's numbers"):
            tile_origin(url)
    else:
        assert tile_origin(url) == origin
