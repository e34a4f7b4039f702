"""Threat: the probability of coming down near a zone, against closed forms and plain chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import a_frame, a_site, a_zone, some_impacts, square
from shapely import contains_xy
from shapely.geometry import Polygon

from skywarden.defence import threat

a_hundredth = 0.01      # of a probability: what the warning thresholds can feel
exact = 1e-4
RNG = np.random.default_rng(20)


def phi(x: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def by_chance(
    place: np.ndarray, covariance: np.ndarray, polygon: np.ndarray, radius: float, draws: int = 200_000
) -> float:
    """The share of drawn impacts within the radius of the polygon, by shapely's own disc of many corners."""
    at = RNG.multivariate_normal(place, covariance, draws)
    near = Polygon(polygon).buffer(radius, quad_segs=64)
    return float(np.mean(contains_xy(near, at[:, 0], at[:, 1])))


@pytest.mark.parametrize(("sigma_east", "sigma_north"), [(10.0, 10.0), (50.0, 5.0), (300.0, 200.0), (0.5, 800.0)])
def test_a_rectangle_without_hazard_radius_is_a_product_of_error_functions(
    sigma_east: float, sigma_north: float
) -> None:
    place = np.array([30.0, -20.0])
    corners = np.array([[-40.0, -60.0], [80.0, -60.0], [80.0, 10.0], [-40.0, 10.0]])
    expected = (phi(50.0 / sigma_east) - phi(-70.0 / sigma_east)) * (phi(30.0 / sigma_north) - phi(-40.0 / sigma_north))
    assert threat.probability_near(place, np.diag([sigma_east**2, sigma_north**2]), corners,
        0.0) == pytest.approx(expected, abs=exact)


@pytest.mark.parametrize("off", [-2.0, -0.5, 0.0, 0.5, 2.0])
def test_a_wide_zone_seen_from_its_edge_is_a_half_plane(off: float) -> None:
    """The edge of a zone a hundred deviations wide, with and without a hazard radius."""
    sigma, far = 25.0, 5_000.0
    corners = np.array([[0.0, -far], [far, -far], [far, far], [0.0, far]])
    for radius in (0.0, 40.0):
        p = threat.probability_near(np.array([off * sigma - radius, 0.0]), np.eye(2) * sigma**2, corners, radius)
        # the radius is of equal area: 0.13 m too long on a straight edge
        assert p == pytest.approx(phi(off), abs=3e-3 if radius else exact)


def test_a_point_like_zone_with_a_hazard_radius_is_a_rayleigh_probability() -> None:
    sigma, radius = 30.0, 40.0
    p = threat.probability_near(np.zeros(2), np.eye(2) * sigma**2, square(0.0, 0.0, 1e-3), radius)
    assert p == pytest.approx(1.0 - math.exp(-0.5 * (radius / sigma) ** 2), abs=1e-3)


CONCAVE = np.array([[0.0, 0.0], [300.0, 0.0], [300.0, 60.0], [60.0, 60.0], [60.0, 200.0], [0.0, 200.0]])
RUNWAY = np.array([[-1_750.0, -30.0], [1_750.0, 10.0], [1_750.0, 70.0], [-1_750.0, 30.0]])


@pytest.mark.parametrize("polygon", [CONCAVE, RUNWAY, CONCAVE[::-1]], ids=["concave", "runway", "clockwise"])
@pytest.mark.parametrize(("long", "wide", "turned"), [(20.0, 20.0, 0.0), (400.0, 30.0, 0.7), (60.0, 3.0, 2.0),
    (1_500.0, 900.0, 1.0)])
def test_plain_chance_gives_the_same_probability(polygon: np.ndarray, long: float, wide: float, turned: float) -> None:
    turn = np.array([[math.cos(turned), -math.sin(turned)], [math.sin(turned), math.cos(turned)]])
    covariance = turn @ np.diag([long**2, wide**2]) @ turn.T
    for radius in (0.0, 40.0):
        place = RNG.uniform(-100.0, 300.0, 2)
        assert threat.probability_near(place, covariance, polygon, radius) == pytest.approx(by_chance(place,
            covariance, polygon, radius), abs=a_hundredth)


def test_a_known_place_is_in_or_out() -> None:
    surely = np.zeros((2, 2))
    assert threat.probability_near(np.zeros(2), surely, square(0.0, 0.0, 50.0), 40.0) == pytest.approx(1.0, abs=exact)
    assert threat.probability_near(np.array([89.0, 0.0]), surely, square(0.0, 0.0, 50.0), 40.0) == pytest.approx(1.0,
        abs=exact)
    assert threat.probability_near(np.array([91.0, 0.0]), surely, square(0.0, 0.0, 50.0), 40.0) == pytest.approx(0.0,
        abs=exact)


def test_what_may_be_an_aircraft_threatens_less() -> None:
    site = a_site(zones=(a_zone(),))
    sure = threat.assess(some_impacts((1.0, 10.0, 0.0, 0.0)), a_frame(), site)
    half = threat.assess(some_impacts((0.5, 10.0, 0.0, 0.0)), a_frame(), site)
    assert sure.probability[0] == pytest.approx(1.0, abs=exact)
    assert half.probability[0] == pytest.approx(0.5 * sure.probability[0])
    assert half.people[0] == pytest.approx(50.0 * half.probability[0])


def test_rows_name_their_track_zone_and_time() -> None:
    site = a_site(zones=(a_zone("west", -1_000.0), a_zone("east", 1_000.0)))
    threats = threat.assess(some_impacts((1.0, 10.0, 1_000.0, 0.0), (1.0, 12.0, -1_000.0, 0.0),
        (1.0, 14.0, 0.0, 5_000.0)), a_frame(), site)
    assert list(zip(threats.track.tolist(), threats.zone.tolist(), threats.t.tolist(), strict=True)) == [(1, 1, 10.0),
        (2, 0, 12.0)]
    assert threats.t_sigma.tolist() == [0.5, 0.5]


def test_no_zone_or_no_impact_is_no_threat() -> None:
    assert threat.assess(some_impacts((1.0, 10.0, 0.0, 0.0)), a_frame(), a_site()).track.size == 0
    assert threat.assess(some_impacts(), a_frame(), a_site(zones=(a_zone(),))).track.size == 0


def test_an_unknown_impact_threatens_nobody_and_spoils_no_other() -> None:
    impacts = some_impacts((1.0, 10.0, math.nan, 0.0), (1.0, 12.0, 0.0, 0.0))
    threats = threat.assess(impacts, a_frame(), a_site(zones=(a_zone(),)))
    assert threats.track.tolist() == [2]
