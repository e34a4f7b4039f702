"""The air a round flies through: density and speed of sound by height, and the wind profile."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import njit
from numpy.typing import NDArray

ICAO, ICAO_GEOMETRIC, EXPONENTIAL = 0, 1, 2     # `Air.kind`


class Air(NamedTuple):
    """An atmosphere and a wind profile, ready for kernels.

    ICAO            the standard atmosphere on geopotential height (Doc 7488), with offsets
    ICAO_GEOMETRIC  the same formula fed with geometric height, as some published references do
    EXPONENTIAL     density rho0 exp(-h / scale), speed of sound sound0 - sound_lapse h
    """

    kind: int                   # ICAO, ICAO_GEOMETRIC or EXPONENTIAL
    datum: float                # height of the site's origin above mean sea level [m]
    temperature_offset: float   # [K]
    pressure_ratio: float       # of the standard atmosphere's pressure
    rho0: float                 # EXPONENTIAL: density at sea level [kg/m³]
    scale: float                # EXPONENTIAL: scale height [m]
    sound0: float               # EXPONENTIAL: speed of sound at sea level [m/s]
    sound_lapse: float          # EXPONENTIAL: its fall per metre [1/s]
    wind_up: NDArray[Any]       # (k,) float64 heights above the origin, rising [m]
    wind: NDArray[Any]          # (k, 2) float64 towards east, north [m/s]

SEA_LEVEL_TEMPERATURE = 288.15      # K, Doc 7488
SEA_LEVEL_PRESSURE = 101_325.0      # Pa, Doc 7488
LAPSE = 0.0065                      # K/m, Doc 7488, below 11 km
TROPOPAUSE = 11_000.0               # m geopotential
GAS = 287.05287                     # J/(kg K), Doc 7488
GAMMA = 1.4
GEOPOTENTIAL_RADIUS = 6_356_766.0   # m, Doc 7488
EXPONENT = 9.80665 / (GAS * LAPSE)


@njit(cache=True)
def density_and_sound(air: Air, up: float) -> tuple[float, float]:
    """Density [kg/m³] and speed of sound [m/s] at height `up` above the site's origin [m]."""
    h = up + air.datum
    if air.kind == EXPONENTIAL:
        return air.rho0 * math.exp(-h / air.scale), air.sound0 - air.sound_lapse * h
    if air.kind == ICAO:
        h = GEOPOTENTIAL_RADIUS * h / (GEOPOTENTIAL_RADIUS + h)
    if h <= TROPOPAUSE:
        standard = SEA_LEVEL_TEMPERATURE - LAPSE * h
        pressure = SEA_LEVEL_PRESSURE * (standard / SEA_LEVEL_TEMPERATURE) ** EXPONENT
    else:
        standard = SEA_LEVEL_TEMPERATURE - LAPSE * TROPOPAUSE
        pressure = SEA_LEVEL_PRESSURE * (standard / SEA_LEVEL_TEMPERATURE) ** EXPONENT * math.exp(
            -9.80665 * (h - TROPOPAUSE) / (GAS * standard))
    temperature = standard + air.temperature_offset
    return pressure * air.pressure_ratio / (GAS * temperature), math.sqrt(GAMMA * GAS * temperature)


@njit(cache=True)
def wind_at(air: Air, up: float) -> tuple[float, float]:
    """Wind towards east and north [m/s] at height `up` [m], linear between the profile's heights, held beyond them."""
    n = air.wind_up.shape[0]
    if n == 1 or up <= air.wind_up[0]:
        return air.wind[0, 0], air.wind[0, 1]
    for i in range(1, n):
        if up < air.wind_up[i]:
            f = (up - air.wind_up[i - 1]) / (air.wind_up[i] - air.wind_up[i - 1])
            return (1.0 - f) * air.wind[i - 1, 0] + f * air.wind[i, 0], (1.0 - f) * air.wind[i - 1, 1] + f * air.wind[i, 1]
    return air.wind[n - 1, 0], air.wind[n - 1, 1]
