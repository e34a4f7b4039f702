"""Ellipses of impacts that hold are left alone; those that are too small are said to be."""

from __future__ import annotations

import numpy as np
import pytest

from skywarden.defence import coverage
from skywarden.messages.picture import Health, Impacts

HEALTH = Health(np.zeros(1, np.int8), 0.0, 0, 0, 0.0)
EARLY, LATE = 5.0, 0.5      # s before the fall
DEVIATIONS = 30.0, 5.0      # m, of the place as foreseen then


def foreseen(k, place, deviation, due):
    """What is foreseen of round `k`."""
    covariance = np.zeros((1, 3, 3))
    covariance[0] = np.diag([deviation**2, deviation**2, 0.01])
    return Impacts.empty()._replace(track=np.array([k]), p_projectile=np.ones(1), t=np.full(1, due),
        place=np.array([[*place, 0.0]]), covariance=covariance, speed=np.full(1, 200.0), fall_angle=np.ones(1))


def after(rounds, true_over_told, seed=3):
    """Health after `rounds` rounds whose early place errs so many times as much as it is said to."""
    rng, state = np.random.default_rng(seed), coverage.start()
    for k in range(rounds):
        t = 20.0 * k
        late = rng.normal(size=2) * DEVIATIONS[1]
        learnt = np.sqrt(DEVIATIONS[0] ** 2 - DEVIATIONS[1] ** 2) * true_over_told
        early = late + rng.normal(size=2) * learnt
        state = coverage.look_back(state, foreseen(k, early, DEVIATIONS[0], t + EARLY + 0.1), t)
        state = coverage.look_back(state, foreseen(k, late, DEVIATIONS[1], t + EARLY), t + EARLY - LATE)
        state = coverage.look_back(state, Impacts.empty(), t + EARLY + 0.5)
    return coverage.told(state, HEALTH)


def test_nine_of_ten_honest_ellipses_hold_and_nothing_is_said():
    shares = [after(50, 1.0, seed).held / 50 for seed in range(40)]
    three_deviations = 3 * np.sqrt(0.9 * 0.1 / (40 * 50))
    assert np.mean(shares) == pytest.approx(0.9, abs=three_deviations)
    assert not any(after(50, 1.0, seed).unkept for seed in range(40))


def test_ellipses_half_as_wide_as_they_should_be_are_said_to_be_unkept():
    assert all(after(50, 2.0, seed).unkept for seed in range(40))


def test_nothing_is_said_of_a_few_rounds_nor_of_ellipses_that_are_too_wide():
    assert not after(19, 3.0).unkept
    told = after(50, 0.5)
    assert (told.judged, told.unkept) == (50, False)
    assert told.held >= 48


@pytest.mark.parametrize(("why", "first", "last"), [
    ("it was foreseen too late", 3.0, 0.5), ("it was lost long before its fall", 5.0, 3.0)])
def test_a_round_is_not_judged_where(why, first, last):
    state = coverage.look_back(coverage.start(), foreseen(1, (0.0, 0.0), 30.0, first + 0.01), 0.0)
    state = coverage.look_back(state, foreseen(1, (500.0, 0.0), 5.0, first), first - last)
    state = coverage.look_back(state, Impacts.empty(), first + 1.0)
    assert coverage.told(state, HEALTH).judged == 0, why
    assert state.track.size == 0
