"""Drag laws: the published tables, interpolated as everybody else does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from skywarden.kernels.ballistics.drag import STANDARD, drag_factor, drags, law, standard_drags

same_curve = 1e-12


@pytest.mark.parametrize("name", ["G1", "G7"])
def test_a_standard_law_is_the_shape_keeping_cubic_through_its_published_nodes(name):
    mach, cd = STANDARD[name]
    twin = PchipInterpolator(mach, 0.25 * math.pi * cd)
    table = standard_drags(["G1", "G7", "constant"])
    row = ["G1", "G7"].index(name)
    where = np.concatenate([np.linspace(0.0, 5.0, 3001), mach, np.nextafter(mach[1:], 0.0)])
    ours = np.array([drag_factor(table, row, m) for m in where])
    assert np.abs(ours - twin(where)).max() < same_curve


def test_a_law_is_held_constant_below_its_first_and_above_its_last_node():
    table = drags([(np.array([0.3, 0.5, 1.0]), np.array([0.2, 0.2, 0.5]), "pchip")])
    assert drag_factor(table, 0, 0.0) == 0.2
    assert drag_factor(table, 0, 50.0) == 0.5
    assert math.isnan(drag_factor(table, 0, math.nan))


def test_a_users_table_of_any_shape_is_the_same_curve_as_scipys():
    rng = np.random.default_rng(7)
    for size in (3, 4, 9, 60):
        mach, factor = np.cumsum(rng.uniform(0.001, 0.4, size)), rng.uniform(0.0, 1.0, size)
        table = drags([(*law("constant"), "pchip"), (mach, factor, "pchip"), (mach, factor, "linear")])
        where = np.linspace(mach[0], mach[-1], 500)
        smooth = np.array([drag_factor(table, 1, m) for m in where])
        straight = np.array([drag_factor(table, 2, m) for m in where])
        assert np.abs(smooth - PchipInterpolator(mach, factor)(where)).max() < same_curve
        assert np.abs(straight - np.interp(where, mach, factor)).max() < same_curve


@pytest.mark.parametrize(("mach", "factor", "how"), [
    ([0.0, 0.0, 1.0], [1.0, 1.0, 1.0], "pchip"),
    ([0.0, 1.0], [1.0, -1.0], "pchip"),
    ([0.0, 1.0], [1.0, math.nan], "linear"),
    ([0.0, 1.0], [1.0], "linear"),
    ([], [], "linear"),
    ([-0.1, 1.0], [1.0, 1.0], "linear"),
    ([0.0, 1.0], [1.0, 1.0], "spline"),
])
def test_what_is_no_drag_table_is_refused(mach, factor, how):
    with pytest.raises(ValueError, match="drag law"):
        drags([(np.array(mach), np.array(factor), how)])
