"""How a projectile goes on from where a track has it, and what an effect does to it: the checker's
own physics, of declared numbers only.

Written again from the published sources, so that a mistake in the functions that a drill was worked
out with does not excuse itself here.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.messages.frame import Weather
from skywarden.site.model import Effector, Site

Array = NDArray[Any]

TICK = 0.25             # seconds between two places of a path
SUREST = 0.95           # highest chance any effector has to stop a round
EARTH = 6_356_766.0     # radius in metres of the geopotential, Doc 7488
GAS = 287.05287         # J/(kg K), specific gas constant of air, Doc 7488
GAMMA = 1.4             # ratio of specific heats of air, Doc 7488
WEIGHT = 9.80665        # m/s², gravity in the barometric formula, Doc 7488
# kinds of declared air: density by scale height; the standard's layers on geometric height
EXPONENTIAL, GEOMETRIC = 2, 1

# Layers of the standard atmosphere, Doc 7488: geopotential height of the foot [m], lapse [K/m], temperature [K] and
# pressure [Pa] there
FOOT = np.array([0.0, 11e3, 20e3, 32e3, 47e3, 51e3, 71e3, 80e3])
LAPSE = np.array([-6.5e-3, 0.0, 1e-3, 2.8e-3, 0.0, -2.8e-3, -2e-3, 0.0])
KELVIN = 288.15 + np.concatenate(([0.0], np.cumsum(LAPSE[:-1] * np.diff(FOOT))))


def _pascal() -> Array:
    """Pressure at the foot of each layer [Pa]: hydrostatic, from 1013.25 hPa at sea level."""
    made = [101_325.0]
    for k in range(len(FOOT) - 1):
        ratio = KELVIN[k + 1] / KELVIN[k]
        shift = math.exp(-WEIGHT * (FOOT[k + 1] - FOOT[k]) / (GAS * KELVIN[k])) if ratio == 1.0 else ratio ** (
            -WEIGHT / (GAS * LAPSE[k]))
        made.append(made[-1] * shift)
    return np.array(made)


PASCAL = _pascal()


class Surroundings(NamedTuple):
    """What acts on a round at a site in some weather, as plain numbers for a kernel."""

    kind: int               # of the declared air
    datum: float            # height of the site's origin above mean sea level [m]
    warmer: float           # than the standard [K]
    denser: float           # ratio to the standard's pressure
    # (4,) density at sea level [kg/m³], scale height [m], sound speed there [m/s], its fall by height [1/s]
    exponential: Array
    wind_up: Array          # (k,) heights of the wind profile above the origin [m]
    wind: Array             # (k, 2) wind towards east and north at these [m/s]
    mach: Array             # (laws, nodes) Mach numbers of each declared drag law, padded with inf
    cubic: Array            # (laws, nodes, 4) its cubic from each node
    gravity: float          # at mean sea level [m/s²]
    radius: float           # at which it falls with the square [m]; inf constant
    spin: Array             # (3,) earth's rotation, east north up [rad/s]


def surroundings(site: Site, weather: Weather) -> Surroundings:
    """The declared air, drag laws and earth of a site, in the weather that a frame carries."""
    a, e = site.air, site.earth
    return Surroundings(
        a.kind, a.datum, weather.temperature_offset, weather.pressure_ratio, np.array([a.rho0, a.scale, a.sound0,
            a.sound_lapse]),
        np.asarray(weather.up, np.float64), np.asarray(weather.wind, np.float64), site.drags.mach, site.drags.cubic,
        e.gravity, e.radius, e.spin)


@njit(cache=True, error_model="numpy")
def air_at(s: Surroundings, up: float) -> tuple[float, float]:
    """Density [kg/m³] and speed of sound [m/s] at a height above the site's origin [m].

    up  height above the site's origin [m]
    """
    height = up + s.datum
    if s.kind == EXPONENTIAL:
        return s.exponential[0] * math.exp(-height / s.exponential[1]), s.exponential[2] - s.exponential[3] * height
    if s.kind != GEOMETRIC:
        height = height * EARTH / (EARTH + height)
    layer = max(int(np.searchsorted(FOOT, height, side="right")) - 1, 0)
    above = height - FOOT[layer]
    kelvin = KELVIN[layer] + LAPSE[layer] * above
    if LAPSE[layer] == 0.0:
        pascal = PASCAL[layer] * math.exp(-above * WEIGHT / GAS / KELVIN[layer])
    else:
        pascal = PASCAL[layer] * math.exp(-WEIGHT / GAS / LAPSE[layer] * math.log(kelvin / KELVIN[layer]))
    kelvin += s.warmer
    return s.denser * pascal / (GAS * kelvin), math.sqrt(GAMMA * GAS * kelvin)


@njit(cache=True, error_model="numpy")
def acceleration(y: Array, law: int, inverse: float, s: Surroundings) -> Array:
    """(3,) acceleration of a point mass, east north up [m/s²]: drag through moving air, Coriolis,
    gravity.

    y        (6,) place [m] and velocity [m/s]
    law      row of the drag laws
    inverse  1 / ballistic coefficient [m²/kg]

    Source: docs/models/flight.md (point-mass equations). Agrees with the kernels to 1e-9:
    tests/stages/test_verify.py
    """
    through = y[3:6].copy()
    through[0] -= np.interp(y[2], s.wind_up, s.wind[:, 0])
    through[1] -= np.interp(y[2], s.wind_up, s.wind[:, 1])
    speed = math.sqrt(np.sum(through * through))
    density, sound = air_at(s, y[2])
    nodes = s.mach[law]
    at = max(int(np.searchsorted(nodes, speed / sound, side="right")) - 1, 0)
    rise = speed / sound - nodes[at]
    c = s.cubic[law, at]
    factor = c[0] + c[1] * rise + c[2] * rise * rise + c[3] * rise * rise * rise
    out = through * (-0.5 * density * speed * inverse * factor)
    turned = np.cross(s.spin, y[3:6])
    out -= 2.0 * turned
    out[2] -= s.gravity / (1.0 + (y[2] + s.datum) / s.radius) ** 2
    return out


@njit(cache=True, error_model="numpy")
def flight(state: Array, law: int, s: Surroundings, steps: int) -> Array:
    """(steps + 1, 3) places of a projectile now and every TICK from now, by Runge and Kutta's
    fourth order [m].

    state   (7,) or more: place [m], velocity [m/s], 1 / ballistic coefficient [m²/kg]
    law     row of the drag laws
    steps   how many ticks
    """
    out = np.empty((steps + 1, 3))
    y = state[:6].copy()
    inverse = max(state[6], 0.0)
    slopes = np.zeros((4, 6))
    for k in range(steps + 1):
        out[k] = y[:3]
        for stage in range(4):
            at = y if stage == 0 else y + slopes[stage - 1] * (TICK if stage == 3 else 0.5 * TICK)
            slopes[stage, :3] = at[3:]
            slopes[stage, 3:] = acceleration(at, law, inverse, s)
        y = y + TICK / 6.0 * (slopes[0] + 2.0 * slopes[1] + 2.0 * slopes[2] + slopes[3])
    return out


def stopping_probability(effector: Effector, line: Array, velocity: Array) -> float:
    """Chance that one engagement stops a round, as the site declares it.

    line      (3,) from the effector to where the round is met [m]
    velocity  (3,) the round's there [m/s]

    The declared chance holds at half reach along the line of sight; it falls straight from one and
    a half times that at the effector to half of it at full reach, and by `crossing_loss` with the
    squared sine of the crossing angle. 0 out of reach, SUREST at most.
    """
    far, pace = float(np.linalg.norm(line)), float(np.linalg.norm(velocity))
    if far < effector.reach_min or far > effector.reach_max:
        return 0.0
    declared = effector.kill_probability * (1.0 + 0.5 - far / effector.reach_max)
    crossing = float(np.linalg.norm(np.cross(line, velocity))) / (far * pace) if far * pace > 0.0 else 0.0
    return min(declared * (1.0 - effector.crossing_loss * crossing**2), SUREST)
