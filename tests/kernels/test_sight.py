"""Sight: against a plain twin that walks every ray, against the closed formula of the horizon, and
the two kernels against each other.
"""

from __future__ import annotations

import math
from dataclasses import replace

import naive
import numpy as np
import pytest
from shapely import Point, contains_xy

from skywarden.kernels.geometry.ground import Ground, flat
from skywarden.kernels.geometry.sight import EARTH_RADIUS, in_sight, lowest_seen, surface_up
from skywarden.site.coverage import coverage, outline, outlines
from skywarden.site.load import load

SITE = load("kabul")
HALF, STEP = 6_000.0, 100.0


def hills(seed=2, height=150.0):
    """Smooth hills of about `height` on a grid of 12 km."""
    axis = np.arange(-HALF, HALF + 1.0, STEP)
    east, north = np.meshgrid(axis, axis)
    chance = np.random.default_rng(seed)
    up = sum(
        height / 4.0 * np.sin(east / chance.uniform(400, 1500) + chance.uniform(0,
            6)) * np.cos(north / chance.uniform(400, 1500) + chance.uniform(0, 6))
        for _ in range(8))
    up = up - (east**2 + north**2) / (2.0 * EARTH_RADIUS)
    return Ground(-HALF, -HALF, STEP, up, float(up.max()), 0.0)


def horizon(mast, height):
    """Distance of the horizon [m] of a sensor and a target over a smooth earth with 4/3 refraction;
    4.12 (√h₁ + √h₂) km.
    """
    return math.sqrt(2.0 * 4.0 / 3.0 * EARTH_RADIUS) * (math.sqrt(mast) + math.sqrt(height))


@pytest.mark.parametrize(("mast", "height"), [(12.0, 30.0), (20.0, 300.0), (0.0, 1000.0), (100.0, 3000.0)])
def test_over_flat_ground_the_horizon_is_where_the_formula_says(mast, height):
    place, far = np.array([0.0, 0.0, mast]), horizon(mast, height)
    # the textbook's rule, in metres
    assert far == pytest.approx(4_121.0 * (math.sqrt(mast) + math.sqrt(height)), rel=2e-3)
    for share, seen in ((0.99, True), (1.02, False)):
        d = share * far
        over_the_earth = np.array([[0.6 * d, 0.8 * d, height - d * d / (2.0 * EARTH_RADIUS)]])
        assert in_sight(flat(), place, over_the_earth)[0] == seen
    step, count = far / 200.0, 300
    _, least = lowest_seen(flat(), place, np.array([0.0, 1.0]), step, count, 1)
    sees_it = (least <= height).sum(axis=1) * step
    np.testing.assert_allclose(sees_it, far, rtol=0.01)


def test_flat_ground_in_the_grid_gives_the_same_horizon_as_flat_ground_without_one():
    axis = np.arange(-40_000.0, 40_001.0, 500.0)
    east, north = np.meshgrid(axis, axis)
    curved = -(east**2 + north**2) / (2.0 * EARTH_RADIUS)
    grid = Ground(-40_000.0, -40_000.0, 500.0, curved, 0.0, 0.0)
    place = np.array([0.0, 0.0, 20.0])
    _, plain = lowest_seen(flat(), place, np.array([0.3]), 250.0, 320, 1)
    # 80 km: half of it beyond the grid's edge
    _, sampled = lowest_seen(grid, place, np.array([0.3]), 250.0, 320, 3)
    two_metres = 2.0        # the half metre forgiven at the horizon has grown to 1.7 m here
    assert np.abs(plain - sampled).max() < two_metres


def test_sight_over_hills_agrees_with_a_slow_plain_walk_along_every_ray():
    ground, chance = hills(), np.random.default_rng(5)
    place = np.array([300.0, -400.0, surface_up(ground, 300.0, -400.0) + 15.0])
    east, north = chance.uniform(-5_800, 5_800, 400), chance.uniform(-5_800, 5_800, 400)
    up = np.array([surface_up(ground, e, n) for e, n in zip(east, north, strict=True)]) + chance.uniform(1.0, 300.0,
        400)
    targets = np.stack([east, north, up], axis=1)
    seen = in_sight(ground, place, targets)
    # the kernel forgives half a metre and looks twice a grid cell: the twin with ground 0.5 m lower, and 3 m lower,
    # bounds it
    strict = [naive.sees(lambda e, n: surface_up(ground, e, n) - 0.5, place, t, pieces=600) for t in targets]
    lenient = [naive.sees(lambda e, n: surface_up(ground, e, n) - 3.0, place, t, pieces=600) for t in targets]
    assert (seen >= np.array(strict)).all()
    assert (seen <= np.array(lenient)).all()
    assert 0.2 < seen.mean() < 0.8


def test_the_lowest_seen_height_is_just_where_sight_begins():
    ground = hills(7)
    place = np.array([0.0, 0.0, surface_up(ground, 0.0, 0.0) + 10.0])
    azimuth = np.linspace(0.0, 6.0, 25)
    step, count = 50.0, 160         # 8 km: beyond the grid's edge
    surface, least = lowest_seen(ground, place, azimuth, step, count, 5)
    along = (np.arange(count) + 0.5) * step
    east, north = along * np.sin(azimuth)[:, None], along * np.cos(azimuth)[:, None]
    two_metres = 2.0                # the two sample the ground at different places
    for shift, wanted in ((two_metres, True), (-two_metres, False)):
        rows = np.stack([east, north, surface + least + shift], axis=2)[least > two_metres].reshape(-1, 3)
        agree = in_sight(ground, place, np.ascontiguousarray(rows)) == wanted
        assert agree.mean() > 0.995, shift


def test_a_radar_covers_what_its_books_and_the_horizon_allow():
    cram = replace(SITE.radars[0], azimuth_from=math.radians(270.0), azimuth_width=math.radians(120.0))
    seen = coverage(SITE, cram, 300.0)
    shape = outline(seen, cram.place)

    def there(bearing, along):
        return contains_xy(shape, cram.place[0] + along * math.sin(math.radians(bearing)),
            cram.place[1] + along * math.cos(math.radians(bearing)))

    assert there(330.0, 19_000.0)
    assert there(271.0, 10_000.0)
    assert there(29.0, 10_000.0)
    assert not there(265.0, 10_000.0)           # outside the sector
    assert not there(35.0, 10_000.0)
    assert not there(330.0, 20_100.0)           # beyond its range
    assert not there(330.0, 20.0)               # above its greatest elevation, and nearer than its least range
    beam = 288.0 / math.tan(cram.elevation_min)     # 300 m less the mast, under the beam from 23.6 km on
    assert beam > cram.range_max
    whole = outline(coverage(SITE, SITE.radars[0], 300.0), cram.place)
    assert whole.geom_type == "Polygon"
    assert whole.exterior.distance(Point(cram.place[:2])) > 19_000.0        # all round, no seam runs in to the radar
    low = outline(coverage(SITE, cram, 100.0), cram.place)
    # 100 m: the beam's lower edge
    assert 0.9 < math.sqrt(low.area / (math.pi / 3.0)) / (88.0 / math.tan(cram.elevation_min)) < 1.02


def test_all_radars_together_cover_what_any_of_them_does_and_rings_close():
    together, each = outlines(SITE, 300.0)
    assert len(each) == len(SITE.radars)
    for polygons in (together, *each):
        assert polygons
        for rings in polygons:
            for ring in rings:
                assert ring.shape[0] >= 4
                assert (ring[0] == ring[-1]).all()
    reach = max(np.hypot(*ring.T).max() for rings in together for ring in rings)
    # the secondary radar looks no lower than level: 60 km, though its books say 150
    level = math.sqrt(2.0 * EARTH_RADIUS * (300.0 - 20.0))
    assert reach == pytest.approx(level, rel=0.02)
    free = replace(SITE, radars=(replace(SITE.radars[1], elevation_min=math.radians(-5.0)),))
    reach = max(np.hypot(*ring.T).max() for rings in outlines(free, 300.0)[0] for ring in rings)
    assert reach == pytest.approx(horizon(20.0, 300.0), rel=0.02)
