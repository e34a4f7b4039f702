"""The judge's own flight of a body: point mass through moving air over flat ground on a turning
earth, with motor, lift, drift and base bleed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

STEP = 0.05             # s of a Runge-Kutta step and between the kept points of a path
LONGEST = 150.0         # s that a path is followed
RADIUS = 6_371_000.0    # m of the earth
SPIN = 7.2921e-5        # rad/s of the earth
GAS = 287.053           # J/(kg K) of dry air
CURVE_STEP = 0.02       # Mach between the points of a drag curve
AIR_STEP = 50.0         # m between the points of the air
HIGHEST = 30_000.0      # m to which it is known

# Columns of the parameters of a body
INVERSE, PUSH, BURN, LIFT, ROLL, DRIFT, BLEED, BLEED_END = range(8)
PARAMETERS = 8
# INVERSE    form factor times diameter squared over mass [m²/kg], of the curve it goes with
# PUSH       acceleration by the motor, along the velocity through the air [m/s²]
# BURN       seconds the motor burns
# LIFT       acceleration square to the velocity [m/s²]
# ROLL       direction of the lift about the velocity: 0 up, a quarter turn to the right [rad]
# DRIFT      acceleration to the right per speed [1/s]
# BLEED      share of the drag that base bleed takes away
# BLEED_END  seconds it lasts


class World(NamedTuple):
    """The air and the earth at a site, as they truly are."""

    elevation: float        # of the site's origin above sea level [m]
    latitude: float         # [rad]
    # (k, 4) each AIR_STEP from the origin up: density [kg/m³], speed of sound, wind towards east and north [m/s]
    air: np.ndarray


class Path(NamedTuple):
    """One body's way: states each STEP from `t`, the last at or before its end."""

    t: float                # of the first state [s]
    states: np.ndarray      # (n, 6) east north up [m] and rates [m/s]
    end: float              # when it came down or vanished [s]
    place: np.ndarray       # (3,) where [m]


def world(elevation: float, latitude: float, temperature: float, pressure: float, up: np.ndarray,
    wind: np.ndarray) -> World:
    """The standard atmosphere to 32 km with an offset of temperature [K] and a ratio of
    pressure, and a wind profile.

    up, wind  (k,) heights above the origin, rising [m], and (k, 2) towards east, north there [m/s]
    """
    at = np.arange(0.0, HIGHEST + AIR_STEP / 2, AIR_STEP)
    h = (at + elevation) * 6_356_766.0 / (6_356_766.0 + at + elevation)     # geopotential
    kelvin = np.where(h < 11_000.0, 288.15 - 0.0065 * h, np.where(h < 20_000.0, 216.65,
        216.65 + 0.001 * (h - 20_000.0)))
    pascal = np.where(h < 11_000.0, 101_325.0 * (kelvin / 288.15) ** 5.25588, np.where(
        h < 20_000.0, 22_632.06 * np.exp(-(h - 11_000.0) / 6_341.62), 5_474.889 * (216.65 / kelvin) ** 34.1632))
    kelvin = kelvin + temperature
    columns = [pascal * pressure / (GAS * kelvin), np.sqrt(1.4 * GAS * kelvin), np.interp(at, up, wind[:, 0]),
        np.interp(at, up, wind[:, 1])]
    return World(elevation, latitude, np.ascontiguousarray(np.stack(columns, 1)))


@njit(cache=True)
def _push(s, age, p, curve, world, out):
    """Rates of change of the state `s` of a body of age `age`."""
    f = min(max(s[2] / AIR_STEP, 0.0), world.air.shape[0] - 1.001)
    i = int(f)
    f -= i
    rho = world.air[i, 0] + f * (world.air[i + 1, 0] - world.air[i, 0])
    sound = world.air[i, 1] + f * (world.air[i + 1, 1] - world.air[i, 1])
    ux = s[3] - world.air[i, 2] - f * (world.air[i + 1, 2] - world.air[i, 2])
    uy = s[4] - world.air[i, 3] - f * (world.air[i + 1, 3] - world.air[i, 3])
    uz = s[5]
    speed = math.sqrt(ux * ux + uy * uy + uz * uz)
    m = min(speed / sound / CURVE_STEP, curve.shape[0] - 1.001)
    i = int(m)
    drag = curve[i] + (m - i) * (curve[i + 1] - curve[i])
    if age < p[BLEED_END]:
        drag *= 1.0 - p[BLEED]
    along = -0.5 * rho * speed * 0.25 * math.pi * drag * p[INVERSE]
    if age < p[BURN]:
        along += p[PUSH] / max(speed, 1.0)
    sine, cosine = math.sin(world.latitude), math.cos(world.latitude)
    high = RADIUS + world.elevation + s[2]
    g = 9.780325 * (1.0 + 0.00193185 * sine * sine) / math.sqrt(1.0 - 0.00669438 * sine * sine) * (RADIUS / high) ** 2
    out[0], out[1], out[2] = s[3], s[4], s[5]
    out[3] = along * ux - g * s[0] / high + 2.0 * SPIN * (sine * s[4] - cosine * s[5])
    out[4] = along * uy - g * s[1] / high - 2.0 * SPIN * sine * s[3]
    out[5] = along * uz - g + 2.0 * SPIN * cosine * s[3]
    level = math.sqrt(ux * ux + uy * uy)
    if (p[LIFT] != 0.0 or p[DRIFT] != 0.0) and level > 1e-6:
        rx, ry = uy / level, -ux / level                        # to the right
        # upward, square to the velocity
        lx, ly, lz = -ux * uz / (level * speed), -uy * uz / (level * speed), level / speed
        a, b = p[LIFT] * math.cos(p[ROLL]), p[LIFT] * math.sin(p[ROLL]) + p[DRIFT] * speed
        out[3] += a * lx + b * rx
        out[4] += a * ly + b * ry
        out[5] += a * lz


@njit(cache=True)
def _step(s, age, h, p, curve, world, k1, k2, k3, k4, m):
    _push(s, age, p, curve, world, k1)
    for j in range(6):
        m[j] = s[j] + 0.5 * h * k1[j]
    _push(m, age + 0.5 * h, p, curve, world, k2)
    for j in range(6):
        m[j] = s[j] + 0.5 * h * k2[j]
    _push(m, age + 0.5 * h, p, curve, world, k3)
    for j in range(6):
        m[j] = s[j] + h * k3[j]
    _push(m, age + h, p, curve, world, k4)
    for j in range(6):
        s[j] += h / 6.0 * (k1[j] + 2.0 * k2[j] + 2.0 * k3[j] + k4[j])


@njit(cache=True)
def _fly(start, age, p, curve, world, h, out):
    """Fills `out` (n, 6) with states each `h` from `start`; returns how many, and the time of
    landing after the start, nan still up.
    """
    s = start.copy()
    k1, k2, k3, k4, m = np.empty(6), np.empty(6), np.empty(6), np.empty(6), np.empty(6)
    out[0] = s
    for i in range(1, out.shape[0]):
        _step(s, age, h, p, curve, world, k1, k2, k3, k4, m)
        age += h
        out[i] = s
        if s[2] < 0.0 and s[5] < 0.0:
            return i + 1, h * (i - 1 + out[i - 1, 2] / (out[i - 1, 2] - s[2]))
    return out.shape[0], math.nan


def fly(start: np.ndarray, parameters: np.ndarray, curve: np.ndarray, world: World, t: float = 0.0,
    age: float = 0.0) -> Path:
    """The path of a body from the state `start` (6,) at time `t` to the ground, or for LONGEST.

    Between the last two points the fall is taken straight: 5 cm over a step at most.
    """
    out = np.empty((int(LONGEST / STEP) + 1, 6))
    n, after = _fly(start, age, parameters, curve, world, STEP, out)
    if math.isnan(after):
        return Path(t, out[:n].copy(), t + (n - 1) * STEP, out[n - 1, :3].copy())
    share = after / STEP - (n - 2)
    place = out[n - 2, :3] + share * (out[n - 1, :3] - out[n - 2, :3])
    return Path(t, out[:n].copy(), t + after, place)


def at(path: Path, t: np.ndarray) -> np.ndarray:
    """States (k, 6) at times t (k,): cubic between the points; nan before the start and from
    the end on.
    """
    s = (np.asarray(t, float) - path.t) / STEP
    i = np.clip(s.astype(int), 0, max(len(path.states) - 2, 0))
    f = (s - i)[:, None]
    a, b = path.states[i], path.states[np.minimum(i + 1, len(path.states) - 1)]
    p0, p1, m0, m1 = a[:, :3], b[:, :3], STEP * a[:, 3:], STEP * b[:, 3:]
    c2, c3 = 3.0 * (p1 - p0) - 2.0 * m0 - m1, 2.0 * (p0 - p1) + m0 + m1
    out = np.hstack([p0 + f * (m0 + f * (c2 + f * c3)), (m0 + f * (2.0 * c2 + 3.0 * f * c3)) / STEP])
    out[(t < path.t) | (t >= path.end)] = np.nan
    return out
