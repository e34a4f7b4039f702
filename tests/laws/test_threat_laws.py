"""Laws of the threat integral: it is a probability, grows with the hazard radius, and does not care
how the map is turned.
"""

from __future__ import annotations

import math

import numpy as np
from builders import square
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.defence import threat

slack = 2e-3            # of a probability: corners of straight pieces
metres = st.floats(-800.0, 800.0)
sigmas = st.floats(1.0, 500.0)
angles = st.floats(0.0, 2.0 * math.pi)


def turned(angle: float) -> np.ndarray:
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def spread(long: float, wide: float, angle: float) -> np.ndarray:
    return turned(angle) @ np.diag([long**2, wide**2]) @ turned(angle).T


@st.composite
def stars(draw: st.DrawFn) -> np.ndarray:
    """A polygon of three to nine corners about a middle, never crossing itself, often concave."""
    reach = np.array(draw(st.lists(st.floats(20.0, 600.0), min_size=3, max_size=9)))
    angle = np.arange(reach.size) * 2.0 * math.pi / reach.size
    return np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(stars(), metres, metres, sigmas, sigmas, angles, st.floats(0.0, 100.0), st.floats(0.0, 100.0))
def test_a_probability_that_grows_with_the_hazard_radius(
    polygon: np.ndarray, east: float, north: float, long: float, wide: float, angle: float, one: float,
    other: float) -> None:
    place, covariance = np.array([east, north]), spread(long, wide, angle)
    small, large = (threat.probability_near(place, covariance, polygon, radius) for radius in sorted((one, other)))
    assert 0.0 <= small <= 1.0
    assert 0.0 <= large <= 1.0
    assert small <= large + slack


@settings(max_examples=100, deadline=None, derandomize=True)
@given(stars(), metres, metres, sigmas, sigmas, angles, angles, metres, metres, st.sampled_from([0.0, 40.0]))
def test_moving_or_turning_the_whole_map_changes_nothing(
    polygon: np.ndarray, east: float, north: float, long: float, wide: float, angle: float, turn: float,
    by_east: float, by_north: float, radius: float,
) -> None:
    place, covariance, by = np.array([east, north]), spread(long, wide, angle), np.array([by_east, by_north])
    there = threat.probability_near(turned(turn) @ place + by, turned(turn) @ covariance @ turned(turn).T,
        polygon @ turned(turn).T + by, radius)
    assert abs(there - threat.probability_near(place, covariance, polygon, radius)) <= slack


@settings(max_examples=60, deadline=None, derandomize=True)
@given(metres, metres, sigmas, sigmas, angles)
def test_places_apart_share_one_certainty(east: float, north: float, long: float, wide: float, angle: float) -> None:
    """Tiles of a chessboard, each its own zone: together never more than once, and the whole board is their sum."""
    place, covariance = np.array([east, north]), spread(long, wide, angle)
    tiles = [square(200.0 * i, 200.0 * j, 100.0) for i in range(-2, 3) for j in range(-2, 3)]
    parts = [threat.probability_near(place, covariance, tile, 0.0) for tile in tiles]
    assert sum(parts) <= 1.0 + 1e-6
    assert abs(sum(parts) - threat.probability_near(place, covariance, square(0.0, 0.0, 500.0), 0.0)) < 1e-4
