"""The air as it really is: the scenario's weather with a smooth error that nobody at the site
knows, and what an altimeter reads in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skywarden.kernels.ballistics.air import Air, density_and_sound, icao, with_weather
from skywarden.simulator.scenario.model import WeatherTruth
from skywarden.simulator.sensing.chance import Chance
from skywarden.units import FOOT

Array = NDArray[Any]

TOP = 15_000.0              # m above the origin; the profile holds on above
LAYER = 500.0               # m between heights of the drawn error
CORRELATION = 1_500.0       # m; winds this far apart in height share three fifths of their error
ALTIMETER_STEP = 25.0 * FOOT    # m; reported altitudes come in these
GAMMA = 1.4                 # of air
EARTH_RADIUS = 6_371_000.0  # m, mean


def true_air(air: Air, weather: WeatherTruth, chance: Chance) -> Air:
    """The site's atmosphere in the scenario's weather, its wind profile off by a drawn, smooth
    error.

    air     density, speed of sound and wind over height
    chance  the named streams of random numbers

    Each wind component's error is a normal process over height: standard deviation `wind_error`,
    correlation exp(-(dh/CORRELATION)²/2).
    """
    up = np.unique(np.concatenate([weather.up, np.arange(0.0, TOP + LAYER, LAYER)]))
    wind = np.stack([np.interp(up, weather.up, weather.wind[:, k]) for k in (0, 1)], axis=1)
    if weather.wind_error > 0.0:
        heights = np.arange(0.0, TOP + LAYER, LAYER)
        covariance = np.exp(-0.5 * ((heights[:, None] - heights) / CORRELATION) ** 2) + 1e-6 * np.eye(len(heights))
        error = weather.wind_error * np.linalg.cholesky(covariance) @ chance.stream("wind").standard_normal(
            (len(heights), 2))
        wind = wind + np.stack([np.interp(up, heights, error[:, k]) for k in (0, 1)], axis=1)
    return with_weather(air, up, wind, weather.temperature_offset, weather.pressure_ratio)


class Altimeter:
    """What altimeters set to 1013.25 hPa read at a height in the true air."""

    def __init__(self, air: Air) -> None:
        standard = icao(0.0)
        self._height = np.arange(-1_000.0, 25_000.0, 50.0)                  # above mean sea level [m]
        self._here = np.log([_pressure(air, h - air.datum) for h in self._height])
        self._standard = np.log([_pressure(standard, h) for h in self._height])
        self._datum = air.datum

    def read(self, position: ArrayLike) -> Array:
        """Pressure altitude (n,) in steps of 25 ft [m], at positions (n, 3) of the site frame.

        position  (..., 3) east, north, up [m]
        """
        p = np.asarray(position, np.float64)
        above = np.sqrt((p[:, 2] + EARTH_RADIUS + self._datum) ** 2 + p[:, 0] ** 2 + p[:, 1] ** 2) - EARTH_RADIUS
        pressure = np.exp(np.interp(above, self._height, self._here))
        altitude = np.interp(-np.log(pressure), -self._standard, self._height)
        return np.asarray(np.round(altitude / ALTIMETER_STEP) * ALTIMETER_STEP)


def _pressure(air: Air, up: float) -> float:
    """Pressure [Pa]: rho c² / gamma for an ideal gas."""
    rho, sound = density_and_sound(air, up)
    return rho * sound * sound / GAMMA
