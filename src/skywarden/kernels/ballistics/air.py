"""The air a round flies through: density and speed of sound by height, and the wind profile."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

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


GAS = 287.05287                     # J/(kg K), Doc 7488
GAMMA = 1.4                         # Doc 7488
GEOPOTENTIAL_RADIUS = 6_356_766.0   # m, Doc 7488
STANDARD_GRAVITY = 9.80665          # m/s², Doc 7488

# The layers of Doc 7488: temperature rises linearly within each. A constant lapse continues below the first; the last
# ends the document.
LAYER_HEIGHT = (0.0, 11_000.0, 20_000.0, 32_000.0, 47_000.0, 51_000.0, 71_000.0, 80_000.0)    # geopotential [m]
LAYER_LAPSE = (-0.0065, 0.0, 0.001, 0.0028, 0.0, -0.0028, -0.002, 0.0)                        # [K/m]
SEA_LEVEL_TEMPERATURE = 288.15      # K
SEA_LEVEL_PRESSURE = 101_325.0      # Pa


def _layers() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Temperature [K] and pressure [Pa] at the foot of each layer, by going up from sea level."""
    temperature, pressure = [SEA_LEVEL_TEMPERATURE], [SEA_LEVEL_PRESSURE]
    for i in range(len(LAYER_HEIGHT) - 1):
        t, rise, lapse = temperature[-1], LAYER_HEIGHT[i + 1] - LAYER_HEIGHT[i], LAYER_LAPSE[i]
        temperature.append(t + lapse * rise)
        pressure.append(pressure[-1] * (
            math.exp(-STANDARD_GRAVITY * rise / (GAS * t)) if lapse == 0.0
            else (1.0 + lapse * rise / t) ** (-STANDARD_GRAVITY / (GAS * lapse))))
    return tuple(temperature), tuple(pressure)


LAYER_TEMPERATURE, LAYER_PRESSURE = _layers()


def icao(datum: float) -> Air:
    """The ICAO standard atmosphere on geopotential height over a site whose origin is `datum` above
    mean sea level [m]; no wind.
    """
    return Air(ICAO, datum, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, np.zeros(1), np.zeros((1, 2)))


def icao_geometric(datum: float) -> Air:
    """The same formula fed with geometric height, as some published references do; no wind.

    datum  height of the site's origin above mean sea level [m]
    """
    return icao(datum)._replace(kind=ICAO_GEOMETRIC)


def exponential(
    datum: float, rho0: float = 1.225, scale: float = 10_200.0, sound0: float = 340.3, sound_lapse: float = 0.0041
) -> Air:
    """Density rho0 exp(-h / scale) [kg/m³] and speed of sound sound0 - sound_lapse h [m/s], h above
    mean sea level; no wind.

    datum  height of the site's origin above mean sea level [m]
    """
    return Air(EXPONENTIAL, datum, 0.0, 1.0, rho0, scale, sound0, sound_lapse, np.zeros(1), np.zeros((1, 2)))


def with_weather(
    air: Air, up: ArrayLike, wind: ArrayLike, temperature_offset: float = 0.0, pressure_ratio: float = 1.0
) -> Air:
    """The same atmosphere in some weather.

    up                  (k,) heights above the site's origin, rising [m]
    wind                (k, 2) towards east, north at these heights [m/s]
    temperature_offset  added at unchanged pressure [K]
    pressure_ratio      of the standard pressure
    air                 density, speed of sound and wind over height

    Raises ValueError where shapes do not fit, heights do not rise or a value is not finite.
    """
    heights, motion = np.array(up, np.float64), np.array(wind, np.float64)
    if heights.ndim != 1 or len(heights) == 0 or motion.shape != (len(heights), 2):
        raise ValueError(f"a wind profile needs heights (k,) and winds (k, 2); got {heights.shape} and {motion.shape}")
    if not (np.isfinite(heights).all() and np.isfinite(motion).all() and (np.diff(heights) > 0.0).all()):
        raise ValueError("a wind profile's heights must rise, and every value must be finite")
    return air._replace(
        wind_up=heights, wind=motion, temperature_offset=float(temperature_offset),
        pressure_ratio=float(pressure_ratio))


@njit(cache=True, error_model="numpy")
def density_and_sound(air: Air, up: float) -> tuple[float, float]:
    """Density [kg/m³] and speed of sound [m/s] at height `up` above the site's origin [m].

    air  density, speed of sound and wind over height
    """
    h = up + air.datum
    if air.kind == EXPONENTIAL:
        return air.rho0 * math.exp(-h / air.scale), air.sound0 - air.sound_lapse * h
    if air.kind == ICAO:
        h = GEOPOTENTIAL_RADIUS * h / (GEOPOTENTIAL_RADIUS + h)
    i = 0
    while i < 7 and h >= LAYER_HEIGHT[i + 1]:
        i += 1
    rise, lapse, foot = h - LAYER_HEIGHT[i], LAYER_LAPSE[i], LAYER_TEMPERATURE[i]
    standard = foot + lapse * rise
    if lapse == 0.0:
        pressure = LAYER_PRESSURE[i] * math.exp(-STANDARD_GRAVITY * rise / (GAS * foot))
    else:
        pressure = LAYER_PRESSURE[i] * (standard / foot) ** (-STANDARD_GRAVITY / (GAS * lapse))
    temperature = standard + air.temperature_offset
    return pressure * air.pressure_ratio / (GAS * temperature), math.sqrt(GAMMA * GAS * temperature)


@njit(cache=True, error_model="numpy")
def wind_at(air: Air, up: float) -> tuple[float, float]:
    """Wind towards east and north [m/s] at height `up` [m], linear between the profile's heights,
    held beyond them.

    air  density, speed of sound and wind over height
    """
    n = air.wind_up.shape[0]
    if n == 1 or up <= air.wind_up[0]:
        return air.wind[0, 0], air.wind[0, 1]
    for i in range(1, n):
        if up < air.wind_up[i]:
            f = (up - air.wind_up[i - 1]) / (air.wind_up[i] - air.wind_up[i - 1])
            return (1.0 - f) * air.wind[i - 1, 0] + f * air.wind[i, 0], (1.0 - f) * air.wind[i - 1,
                1] + f * air.wind[i, 1]
    return air.wind[n - 1, 0], air.wind[n - 1, 1]
