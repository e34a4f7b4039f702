"""What every flight obeys, whatever its numbers: there and back, no energy out of nothing, no preferred direction."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.kernels.ballistics.air import icao, with_weather
from skywarden.kernels.ballistics.drag import standard_drags
from skywarden.kernels.ballistics.fall import fall
from skywarden.kernels.ballistics.flight import STANDARD_GRAVITY, plain_earth, real_earth
from skywarden.kernels.ballistics.path import fly, state_at
from skywarden.kernels.geometry.ground import flat

LAWS = standard_drags(["G1", "G7", "constant"])
millimetre = 1e-3

speeds, elevations, bearings = st.floats(40.0, 700.0), st.floats(5.0, 85.0), st.floats(0.0, 360.0)
coefficients, laws = st.floats(500.0, 8_000.0), st.integers(0, 2)
winds = st.tuples(st.floats(-25.0, 25.0), st.floats(-25.0, 25.0))
lean = settings(max_examples=40, deadline=None, derandomize=True)


def launched(speed: float, elevation_deg: float, bearing_deg: float) -> np.ndarray:
    e, b = math.radians(elevation_deg), math.radians(bearing_deg)
    return np.array([0.0, 0.0, 0.0, speed * math.cos(e) * math.sin(b), speed * math.cos(e) * math.cos(b),
        speed * math.sin(e)])


@lean
@given(speeds, elevations, bearings, coefficients, laws, winds)
def test_there_and_back_again(speed, elevation, bearing, coefficient, law, wind):
    air, earth = with_weather(icao(1_790.0), [0.0], [wind]), real_earth(0.6, 1_790.0)
    start = launched(speed, elevation, bearing)
    there = fly(start, law, 1.0 / coefficient, flat(), LAWS, air, earth)
    back = fly(there.state[-1], law, 1.0 / coefficient, flat(), LAWS, air, earth, forward=False)
    assert there.landed
    assert back.landed
    assert np.abs(back.state[-1, :3]).max() < millimetre
    assert np.abs(back.state[-1, 3:] - start[3:]).max() < millimetre


@lean
@given(speeds, elevations, coefficients, laws)
def test_without_wind_a_round_never_gains_energy(speed, elevation, coefficient, law):
    path = fly(launched(speed, elevation, 90.0), law, 1.0 / coefficient, flat(), LAWS, icao(0.0), plain_earth(0.0))
    states = state_at(path, np.linspace(0.0, path.t[-1], 200))
    energy = 0.5 * (states[:, 3:] ** 2).sum(axis=1) + STANDARD_GRAVITY * states[:, 2]
    assert (np.diff(energy) <= 1e-6 * energy[0]).all()


@lean
@given(speeds, elevations, bearings, coefficients, laws, winds, st.floats(0.0, 6.28))
def test_turned_about_the_vertical_everything_turns_with_it(speed, elevation, bearing, coefficient, law, wind, angle):
    c, s = math.cos(angle), math.sin(angle)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    start = launched(speed, elevation, bearing)
    turned = np.concatenate([turn @ start[:3], turn @ start[3:]])
    one = fall(start, law, 1.0 / coefficient, flat(), LAWS, with_weather(icao(0.0), [0.0], [wind]), plain_earth(0.0))
    other = fall(turned, law, 1.0 / coefficient, flat(), LAWS, with_weather(icao(0.0), [0.0], [turn[:2, :2] @ wind]),
        plain_earth(0.0))
    assert np.abs(turn @ one.position[0] - other.position[0]).max() < millimetre
    assert abs(one.t[0] - other.t[0]) < 1e-6


@lean
@given(speeds, elevations, bearings, coefficients, laws, winds)
def test_a_moving_air_mass_is_the_same_flight_seen_from_another_frame(
    speed, elevation, bearing, coefficient, law, wind
):
    drift = np.array([*wind, 0.0])
    start = launched(speed, elevation, bearing)
    still = fly(start, law, 1.0 / coefficient, flat(), LAWS, icao(0.0), plain_earth(0.0))
    moving = fly(start + np.concatenate([np.zeros(3), drift]), law, 1.0 / coefficient, flat(), LAWS,
        with_weather(icao(0.0), [0.0], [wind]), plain_earth(0.0))
    assert np.abs(moving.state[-1, :3] - still.state[-1, :3] - drift * still.t[-1]).max() < millimetre


@lean
@given(speeds, elevations, coefficients, laws)
def test_more_drag_never_carries_further(speed, elevation, coefficient, law):
    start = launched(speed, elevation, 90.0)
    reach = [fly(start, law, f / coefficient, flat(), LAWS, icao(0.0), plain_earth(0.0)).state[-1, 0]
        for f in (1.0, 1.05)]
    assert reach[1] <= reach[0]
