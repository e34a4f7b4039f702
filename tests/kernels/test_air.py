"""The atmosphere and gravity, against the published table and against plain words."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from skywarden.kernels.ballistics.air import (
    GAMMA,
    GAS,
    GEOPOTENTIAL_RADIUS,
    density_and_sound,
    exponential,
    icao,
    icao_geometric,
    wind_at,
    with_weather,
)
from skywarden.kernels.ballistics.drag import standard_drags
from skywarden.kernels.ballistics.flight import EARTH_RADIUS, STANDARD_GRAVITY, acceleration, plain_earth, real_earth

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "flight"

# Rows that the document tabulates at round geopotential heights; it prints their geometric height to the metre only.
GEOPOTENTIAL = {-4996.0: -5_000.0, 11_019.0: 11_000.0, 20_063.0: 20_000.0, 32_162.0: 32_000.0}


def rows() -> list[dict[str, str]]:
    file = SHARED / "icao_doc7488_atmosphere.csv"
    if not file.exists():
        pytest.skip("the shared data folder is not here")
    return list(csv.DictReader(line for line in file.read_text().splitlines() if not line.startswith("#")))


def last_digit(text: str) -> float:
    """Two units of the sixth digit, the last that is printed: the document carried rounded values
    from layer to layer (2e-6 of them).
    """
    return 2.0 * 10.0 ** -len(text.partition(".")[2])


def values(up: float) -> dict[str, float]:
    density, sound = density_and_sound(icao(0.0), up)
    temperature = sound**2 / (GAMMA * GAS)
    _, _, fall = acceleration(0.0, 0.0, up, 0.0, 0.0, 0.0, 0, 0.0, 0.0, 0.0, standard_drags(["constant"]), icao(0.0),
                              plain_earth(0.0)._replace(radius=EARTH_RADIUS))
    return {"T_K": temperature, "p_Pa": density * GAS * temperature, "rho_kgm3": density, "a_mps": sound,
        "g_mps2": -fall}


@pytest.mark.parametrize("column", ["T_K", "p_Pa", "rho_kgm3", "a_mps", "g_mps2"])
def test_the_icao_table_is_met_to_its_printed_digits_from_below_the_sea_to_its_end(column):
    for row in rows():
        up = float(row["geometric_h_m"])
        if up in GEOPOTENTIAL:
            up = GEOPOTENTIAL_RADIUS * GEOPOTENTIAL[up] / (GEOPOTENTIAL_RADIUS - GEOPOTENTIAL[up])
        ours = values(up)[column]
        assert abs(ours - float(row[column])) <= last_digit(row[column]), (row["geometric_h_m"], ours, row[column])


def test_every_layer_to_80_km_agrees_with_an_independent_program():
    ambiance = pytest.importorskip("ambiance")
    for up in np.arange(-4_900.0, 80_000.0, 700.0):
        theirs, (density, sound) = ambiance.Atmosphere(up), density_and_sound(icao(0.0), up)
        assert density == pytest.approx(theirs.density[0], rel=2e-5)
        assert sound == pytest.approx(theirs.speed_of_sound[0], rel=1e-6)


def test_geometric_height_gives_the_formula_without_the_geopotential_step():
    up = 1_790.0 + 3_000.0
    temperature = 288.15 - 0.0065 * up
    density = 101_325.0 * (temperature / 288.15) ** (STANDARD_GRAVITY / (GAS * 0.0065)) / (GAS * temperature)
    assert density_and_sound(icao_geometric(1_790.0), 3_000.0) == pytest.approx((density,
        math.sqrt(GAMMA * GAS * temperature)), rel=1e-14)


def test_a_warmer_day_thins_the_air_at_unchanged_pressure():
    usual, warm = icao(0.0), with_weather(icao(0.0), [0.0], [[0.0, 0.0]], temperature_offset=20.0, pressure_ratio=0.9)
    density, sound = density_and_sound(usual, 0.0)
    thinner, faster = density_and_sound(warm, 0.0)
    assert thinner == pytest.approx(0.9 * density * 288.15 / 308.15, rel=1e-12)
    assert faster == pytest.approx(sound * math.sqrt(308.15 / 288.15), rel=1e-12)


def test_the_exponential_air_is_the_range_sites():
    assert density_and_sound(exponential(1_790.0), 0.0) == pytest.approx((1.225 * math.exp(-1_790.0 / 10_200.0),
        340.3 - 0.0041 * 1_790.0))


def test_wind_is_linear_between_heights_and_held_beyond_them():
    air = with_weather(icao(0.0), [100.0, 300.0, 1_000.0], [[1.0, 0.0], [5.0, -4.0], [9.0, 9.0]])
    assert wind_at(air, 0.0) == (1.0, 0.0)
    assert wind_at(air, 200.0) == (3.0, -2.0)
    assert wind_at(air, 5_000.0) == (9.0, 9.0)


@pytest.mark.parametrize(("up", "wind"), [([0.0, 0.0], [[0, 0], [1, 1]]), ([0.0], [[0.0, math.nan]]),
    ([], np.zeros((0, 2))), ([0.0], [0.0, 1.0])])
def test_what_is_no_wind_profile_is_refused(up, wind):
    with pytest.raises(ValueError, match="wind profile"):
        with_weather(icao(0.0), up, wind)


def test_gravity_at_the_pole_and_the_equator_is_the_published_one():
    # WGS-84, NIMA TR8350.2
    assert real_earth(0.0, 0.0).gravity == pytest.approx(9.7803253359, abs=1e-10)
    assert real_earth(math.pi / 2, 0.0).gravity == pytest.approx(9.8321849378, abs=1e-8)            # the same
    assert real_earth(math.pi / 2, 0.0).spin @ [0, 0, 1] == pytest.approx(7.292115e-5)
    assert np.linalg.norm(real_earth(0.6, 0.0).spin) == pytest.approx(7.292115e-5)
