"""Earth to site frame, polygons, polar measurements, against independent programs and plain twins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from naive import point_in_polygon

from skywarden.kernels.geometry.earth import to_earth, to_site
from skywarden.kernels.geometry.ground import Ground, flat, ground_up
from skywarden.kernels.geometry.polar import from_polar, to_polar, wrap
from skywarden.kernels.geometry.polygon import area, area_within, distance, inside

millimetre = 1e-3
STAR = np.array([[0.0, 0.0], [40.0, 10.0], [80.0, 0.0], [60.0, 40.0], [80.0, 90.0], [40.0, 60.0], [0.0, 80.0],
    [20.0, 40.0]])


@pytest.mark.parametrize("azimuth_deg", [0.0, 37.0, 90.0, 181.0, 300.0])
@pytest.mark.parametrize("metres", [100.0, 20_000.0, 300_000.0])
def test_a_place_at_a_geodesic_distance_and_bearing_is_seen_there(azimuth_deg, metres):
    geodesic = pytest.importorskip("geographiclib.geodesic")
    lat, lon = 34.5659, 69.2124
    there = geodesic.Geodesic.WGS84.Direct(lat, lon, azimuth_deg, metres)
    ours = to_site(math.radians(lat), math.radians(lon), 0.0, math.radians(there["lat2"]), math.radians(there["lon2"]),
        0.0)[0]
    # the geodesic runs along the ellipsoid, of radius R there: its end lies s²/2R below the tangent plane and slightly
    # nearer
    radius = 6_370_000.0
    assert math.hypot(ours[0], ours[1]) == pytest.approx(radius * math.sin(metres / radius), abs=2e-6 * metres)
    assert ours[2] == pytest.approx(-(metres**2) / (2.0 * radius), rel=0.01)
    assert abs(wrap(math.atan2(ours[0], ours[1]) - math.radians(azimuth_deg))) < 1e-5


def test_up_is_up_and_unknown_stays_unknown():
    assert to_site(0.6, 1.2, 1790.0, 0.6, 1.2, 2790.0) == pytest.approx(np.array([[0.0, 0.0, 1000.0]]), abs=1e-6)
    mixed = to_site(0.6, 1.2, 0.0, [0.6, np.nan], [1.2, 1.2], [5.0, 5.0])
    assert np.isfinite(mixed[0]).all()
    assert np.isnan(mixed[1]).all()
    assert all(np.isnan(column[0]) for column in to_earth(0.6, 1.2, 0.0, [[np.nan, 0.0, 0.0]]))
    assert to_site(0.6, 1.2, 0.0, [], [], []).shape == (0, 3)


@pytest.mark.parametrize("lat_deg", [-89.0, -33.0, 0.0, 34.5, 78.0])
def test_to_the_site_and_back_again(lat_deg):
    rng = np.random.default_rng(3)
    places = rng.uniform(-200_000.0, 200_000.0, (200, 3)) * [1.0, 1.0, 0.1]
    lat, lon, alt = to_earth(math.radians(lat_deg), 1.2, 1790.0, places)
    assert np.abs(to_site(math.radians(lat_deg), 1.2, 1790.0, lat, lon, alt) - places).max() < millimetre


def test_inside_agrees_with_a_plain_twin_and_distance_and_area_with_shapely():
    shapely = pytest.importorskip("shapely")
    rng, figure = np.random.default_rng(5), shapely.Polygon(STAR)
    for east, north in rng.uniform(-50.0, 150.0, (400, 2)):
        assert inside(STAR, east, north) == point_in_polygon(STAR, east, north)
        assert distance(STAR, east, north) == pytest.approx(figure.distance(shapely.Point(east, north)), abs=1e-9)
    assert area(STAR) == pytest.approx(figure.area)
    assert area(STAR[::-1]) == pytest.approx(-figure.area)


def test_polar_there_and_back_again_about_a_displaced_sensor():
    rng = np.random.default_rng(6)
    place, position, velocity = np.array([100.0, -50.0, 20.0]), rng.normal(0.0, 5_000.0, (300, 3)), rng.normal(0.0,
        200.0, (300, 3))
    r, azimuth, elevation, rate = to_polar(position, velocity, place)
    assert np.abs(from_polar(r, azimuth, elevation, place) - position).max() < 1e-8
    assert ((azimuth >= 0.0) & (azimuth <= 2.0 * math.pi)).all()
    later = to_polar(position + 1e-4 * velocity, velocity, place)[0]
    assert np.abs((later - r) / 1e-4 - rate).max() < 0.01
    east = to_polar(np.array([[1.0, 0.0, 0.0]]), np.zeros((1, 3)), np.zeros(3))
    assert east[1][0] == pytest.approx(math.pi / 2)       # azimuth runs clockwise from north


def test_wrap_is_the_same_angle_within_half_a_turn():
    angles = np.linspace(-20.0, 20.0, 401)
    assert (np.abs(wrap(angles)) <= math.pi + 1e-12).all()
    assert np.abs(np.exp(1j * wrap(angles)) - np.exp(1j * angles)).max() < 1e-12
    assert wrap(4.0) == pytest.approx(4.0 - 2.0 * math.pi)


def test_ground_is_bilinear_and_its_edge_holds_on():
    ground = Ground(-100.0, 50.0, 10.0, np.array([[0.0, 10.0], [20.0, 50.0]]), 50.0, 0.0)
    assert ground_up(ground, -95.0, 55.0) == pytest.approx(20.0)
    assert ground_up(ground, -1e6, -1e6) == 0.0
    assert ground_up(ground, 1e6, 1e6) == 50.0
    assert ground_up(flat(7.0), 3.0, 4.0) == 7.0


def test_what_a_circle_holds_of_a_polygon_is_what_a_general_library_says() -> None:
    shapely = pytest.importorskip("shapely")
    rng = np.random.default_rng(6)
    for corners in (STAR, STAR[::-1].copy(), np.array([[-30.0, -1500.0], [30.0, -1500.0], [30.0, 1500.0],
            [-30.0, 1500.0]])):
        low, high = corners.min(axis=0) - 20.0, corners.max(axis=0) + 20.0
        for _ in range(100):
            east, north = rng.uniform(low, high)
            radius = float(10.0 ** rng.uniform(0.0, 3.5))
            whole = shapely.Point(east, north).buffer(radius, quad_segs=500)
            assert abs(area_within(corners, east, north,
                radius) - whole.intersection(shapely.Polygon(corners)).area) <= 1e-3 * math.pi * radius**2
