"""Batch flights to the ground, against one exact flight each."""

from __future__ import annotations

import math

import numpy as np
import pytest

from skywarden.kernels.ballistics.air import exponential, icao, with_weather
from skywarden.kernels.ballistics.drag import drags, law, standard_drags
from skywarden.kernels.ballistics.fall import fall, fall_exactly
from skywarden.kernels.ballistics.flight import plain_earth, real_earth
from skywarden.kernels.ballistics.path import fly
from skywarden.kernels.geometry.ground import Ground, flat, ground_up

LAWS = standard_drags(["G1", "G7", "constant"])
LB_PER_SQUARE_INCH = 703.0695796391593      # kg/m²
decimetre = 0.1
WEATHER = with_weather(icao(1_790.0), [0.0, 1_500.0, 6_000.0], [[-4.0, 6.0], [8.0, 2.0], [20.0, -5.0]],
    temperature_offset=10.0)

# Generic rounds: law, ballistic coefficient [kg/m²], speed [m/s], elevation [degrees]
ROUNDS = {"lofted": (0, 1.5, 225.0, 55.0), "coasting": (0, 1.6, 340.0, 42.0), "supersonic": (1, 1.3, 560.0, 45.0),
    "constant": (2, 3.0, 300.0, 50.0)}


def batch(name: str, n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rounds of a kind, each a little different, in all directions."""
    row, coefficient, speed, elevation = ROUNDS[name]
    rng = np.random.default_rng(seed)
    v, e, b = speed * rng.uniform(0.9, 1.1, n), np.radians(elevation + rng.uniform(-15.0, 15.0, n)), rng.uniform(0.0,
        2.0 * math.pi, n)
    velocity = np.stack([v * np.cos(e) * np.sin(b), v * np.cos(e) * np.cos(b), v * np.sin(e)], 1)
    state = np.concatenate([rng.normal(0, 100, (n, 2)), rng.uniform(0, 50, (n, 1)), velocity], 1)
    return state, np.full(n, row), 1.0 / (coefficient * LB_PER_SQUARE_INCH * rng.uniform(0.9, 1.1, n))


@pytest.mark.parametrize("name", list(ROUNDS))
@pytest.mark.parametrize("real", [False, True])
def test_99_impacts_in_a_hundred_are_within_a_decimetre_of_exact_ones(name, real):
    earth, air = (real_earth(0.6, 1_790.0), WEATHER) if real else (plain_earth(1_790.0), icao(1_790.0))
    state, laws, inverse = batch(name, 1_000)
    fast, exact = (f(state, laws, inverse, flat(), LAWS, air, earth) for f in (fall, fall_exactly))
    miss = np.linalg.norm(fast.position - exact.position, axis=1)
    assert np.isfinite(miss).all()
    assert np.quantile(miss, 0.99) <= decimetre
    assert miss.max() <= 2 * decimetre
    assert np.abs(fast.t - exact.t).max() < 2e-3
    assert np.abs(fast.velocity - exact.velocity).max() < 0.02
    assert np.abs(fast.apex - exact.apex).max() < 2 * decimetre
    assert np.abs(fast.position[:, 2]).max() < 1e-3


def test_exact_batches_are_single_flights():
    state, laws, inverse = batch("supersonic", 5)
    exact = fall_exactly(state, laws, inverse, flat(), LAWS, WEATHER, real_earth(0.6, 1_790.0))
    for i in range(5):
        path = fly(state[i], int(laws[i]), float(inverse[i]), flat(), LAWS, WEATHER, real_earth(0.6, 1_790.0))
        assert (exact.position[i] == path.state[-1, :3]).all()
        assert exact.t[i] == path.t[-1]


def test_a_mixed_batch_gives_each_round_what_it_gets_alone_in_any_order():
    parts = [batch(name, 41) for name in ROUNDS]
    state, laws, inverse = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    together = fall(state, laws, inverse, flat(), LAWS, WEATHER, plain_earth(1_790.0))
    order = np.random.default_rng(2).permutation(len(state))
    shuffled = fall(state[order], laws[order], inverse[order], flat(), LAWS, WEATHER, plain_earth(1_790.0))
    assert (shuffled.position == together.position[order]).all()
    assert (shuffled.t == together.t[order]).all()
    alone = fall(state[7], laws[7], inverse[7], flat(), LAWS, WEATHER, plain_earth(1_790.0))
    assert np.abs(alone.position[0] - together.position[7]).max() < 1e-6


def test_on_rough_ground_the_batch_falls_where_single_flights_do():
    rng = np.random.default_rng(4)
    height = np.cumsum(np.cumsum(rng.normal(0.0, 1.0, (120, 120)), axis=0), axis=1)
    height = 300.0 * (height - height.min()) / np.ptp(height)
    ground = Ground(-9_000.0, -9_000.0, 150.0, height, float(height.max()), 0.0)
    state, laws, inverse = batch("coasting", 300)
    state[:, 2] += 310.0
    fast, exact = (f(state, laws, inverse, ground, LAWS, WEATHER, real_earth(0.6, 1_790.0))
        for f in (fall, fall_exactly))
    miss = np.linalg.norm(fast.position - exact.position, axis=1)
    assert np.quantile(miss, 0.99) <= 2 * decimetre     # a slope along the path stretches the error


def test_short_hops_steep_shots_and_starts_on_the_ground():
    state = np.array([[0.0, 0.0, 0.0, 3.0, 0.0, 4.0], [0.0, 0.0, 0.0, 0.0, 0.0, 200.0], [0.0, 0.0, 0.0, 5.0, 0.0,
        -5.0], [0.0, 0.0, 1_000.0, 0.0, 0.0, 0.0],
                      [0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.3, 1.0, 0.0, 0.0]])
    fast, exact = (f(state, 2, 1e-3, flat(), LAWS, icao(0.0), plain_earth(0.0)) for f in (fall, fall_exactly))
    assert np.abs(fast.position - exact.position).max() < 0.02
    assert np.abs(fast.t - exact.t).max() < 1e-3
    assert fast.t[2] == fast.t[4] == 0.0


SLOPE = Ground(-1_000.0, -1_000.0, 100.0, np.tile(np.linspace(0.0, 200.0, 21), (21, 1)), 200.0, 0.0)


@pytest.mark.parametrize("ground", [flat(), SLOPE], ids=["flat", "slope"])
def test_the_shortest_hops_are_not_lost_in_the_first_step(ground):
    climb = np.geomspace(0.02, 40.0, 60)
    still, start = np.zeros(60), np.full(60, ground_up(ground, 0.0, 0.0))
    # along a slope, so that height above it does not matter
    state = np.stack([still, still, start, still, np.full(60, 30.0), climb], axis=1)
    fast, exact = (f(state, 2, 1e-3, ground, LAWS, icao(0.0), plain_earth(0.0)) for f in (fall, fall_exactly))
    assert np.abs(fast.t - exact.t).max() < 2e-3
    assert np.abs(fast.position - exact.position).max() < 0.05


def test_two_threads_fly_the_same_flights():
    state, laws, inverse = batch("lofted", 301)
    alone, together = (fall(state, laws, inverse, flat(), LAWS, WEATHER, plain_earth(1_790.0), threads=n)
        for n in (1, 2))
    assert np.abs(together.position - alone.position).max() < 1e-9
    with pytest.raises(ValueError, match="one thread or more; got 0"):
        fall(state, laws, inverse, flat(), LAWS, WEATHER, plain_earth(1_790.0), threads=0)


def test_what_never_comes_down_or_is_not_a_number_is_nan_and_harms_no_other():
    state, laws, inverse = batch("lofted", 70)
    usual = fall(state, laws, inverse, flat(), LAWS, WEATHER, plain_earth(1_790.0))
    state[3, 5], inverse[9] = np.nan, np.inf
    state[20] = [0.0, 0.0, 0.0, 10.0, 0.0, 3_000.0]
    odd = fall(state, laws, inverse, flat(), LAWS, WEATHER, plain_earth(1_790.0), t_max=60.0)
    lost = np.zeros(70, bool)
    lost[[3, 9, 20]] = True
    assert np.isnan(odd.t[lost]).all()
    assert np.isnan(odd.position[lost]).all()
    assert np.abs(odd.position[~lost] - usual.position[~lost]).max() < 1e-6


def test_changed_weather_or_laws_never_meet_a_kept_table():
    state, laws, inverse = batch("coasting", 40)
    first = fall(state, laws, inverse, flat(), LAWS, WEATHER, plain_earth(1_790.0))
    windier = with_weather(WEATHER, [0.0], [[10.0, 0.0]])
    other = fall(state, laws, inverse, flat(), LAWS, windier, plain_earth(1_790.0))
    assert np.abs(other.position - first.position).max() > 20.0
    heavier = drags([(*law("G7"), "pchip")])
    assert np.abs(fall(state, 0, inverse, flat(), heavier, windier, plain_earth(1_790.0)).position
        - other.position).max() > 20.0
    thin = exponential(1_790.0)
    assert np.abs(fall(state, laws, inverse, flat(), LAWS, thin, plain_earth(1_790.0)).position
        - first.position).max() > 1.0
    assert (fall(state, laws, inverse, flat(), LAWS, WEATHER, plain_earth(1_790.0)).position == first.position).all()


def test_no_rounds_fall_nowhere_and_wrong_shapes_are_refused():
    assert fall(np.zeros((0, 6)), np.zeros(0, int), np.zeros(0), flat(), LAWS, WEATHER,
        plain_earth(0.0)).position.shape == (0, 3)
    with pytest.raises(ValueError, match=r"states \(n, 6\)"):
        fall(np.zeros((4, 5)), 0, 1e-3, flat(), LAWS, WEATHER, plain_earth(0.0))
    with pytest.raises(ValueError, match="drag laws 0 to 2"):
        fall(np.zeros((4, 6)), 3, 1e-3, flat(), LAWS, WEATHER, plain_earth(0.0))
