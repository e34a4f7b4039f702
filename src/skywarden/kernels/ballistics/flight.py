"""The force on a point mass: gravity, Mach-dependent drag through moving air, the earth's rotation.
Everything that flies uses this one function.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.kernels.ballistics.air import Air, density_and_sound, wind_at
from skywarden.kernels.ballistics.drag import Drags, drag_factor

STANDARD_GRAVITY = 9.80665      # m/s², CGPM 1901
EARTH_RADIUS = 6_356_766.0      # m, nominal radius of Doc 7488 for geopotential height
EARTH_SPIN = 7.292115e-5        # rad/s, WGS-84
EQUATOR_GRAVITY = 9.7803253359  # m/s², WGS-84
SOMIGLIANA = 0.00193185265241   # WGS-84
ECCENTRICITY2 = 0.00669437999014    # first eccentricity squared, WGS-84


class Earth(NamedTuple):
    """Gravity and rotation at the site."""

    gravity: float          # at mean sea level [m/s²]
    radius: float           # g(h) = gravity (radius / (radius + h))² [m]; inf: constant gravity
    datum: float            # height of the site's origin above mean sea level [m]
    spin: NDArray[Any]      # (3,) rotation vector in east north up [rad/s]; zeros: no rotation


def plain_earth(datum: float, gravity: float = STANDARD_GRAVITY) -> Earth:
    """Constant gravity [m/s²], no rotation: the idealised range.

    datum  height of the site's origin above mean sea level [m]
    """
    return Earth(gravity, math.inf, datum, np.zeros(3))


def real_earth(latitude: float, datum: float) -> Earth:
    """Gravity and rotation at a latitude [rad], for an origin `datum` above mean sea level [m].

    Gravity at sea level by Somigliana's formula on WGS-84 (NIMA TR8350.2), falling with the square
    of the distance from the earth's centre as Doc 7488 has it. It contains the centrifugal part, so
    rotation adds only Coriolis.
    """
    sine2 = math.sin(latitude) ** 2
    gravity = EQUATOR_GRAVITY * (1.0 + SOMIGLIANA * sine2) / math.sqrt(1.0 - ECCENTRICITY2 * sine2)
    return Earth(gravity, EARTH_RADIUS, datum, EARTH_SPIN * np.array([0.0, math.cos(latitude), math.sin(latitude)]))


@njit(cache=True, error_model="numpy")
def acceleration(
    x: float, y: float, z: float, vx: float, vy: float, vz: float,
    law: int, inverse_coefficient: float, push: float, drift: float, drags: Drags, air: Air, earth: Earth,
) -> tuple[float, float, float]:
    """Acceleration of a point mass in the site frame, east north up [m/s²].

    law, inverse_coefficient  drag law (row of `drags`) and 1 / BC [m²/kg]
    push                      motor, along the velocity through the air [m/s²]
    drift                     sideways (to the right of the velocity), per speed [1/s]: spin drift,
                              used by the world only
    x                         east [m]
    y                         north [m]
    z                         up [m]
    vx                        velocity towards east [m/s]
    vy                        velocity towards north [m/s]
    vz                        velocity upwards [m/s]
    earth                     gravity, radius and rotation of the earth at the site

    Source: docs/models/flight.md (point-mass equations).
    """
    wind_east, wind_north = wind_at(air, z)
    ux, uy, uz = vx - wind_east, vy - wind_north, vz
    speed = math.sqrt(ux * ux + uy * uy + uz * uz)
    rho, sound = density_and_sound(air, z)
    c = -0.5 * rho * speed * inverse_coefficient * drag_factor(drags, law, speed / sound)
    if push != 0.0 and speed > 0.0:
        c += push / speed
    ratio = 1.0 / (1.0 + (z + earth.datum) / earth.radius)
    ax = c * ux - 2.0 * (earth.spin[1] * vz - earth.spin[2] * vy) + drift * vy
    ay = c * uy - 2.0 * (earth.spin[2] * vx - earth.spin[0] * vz) - drift * vx
    az = c * uz - 2.0 * (earth.spin[0] * vy - earth.spin[1] * vx) - earth.gravity * ratio * ratio
    return ax, ay, az
