"""The force on a point mass: gravity, Mach-dependent drag through moving air, the earth's rotation. Everything that flies uses this one function."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import njit
from numpy.typing import NDArray

from skywarden.ballistics.air import Air, density_and_sound, wind_at
from skywarden.ballistics.drag import Drags, drag_factor

STANDARD_GRAVITY = 9.80665      # m/s², CGPM 1901
EARTH_RADIUS = 6_356_766.0      # m, nominal radius of Doc 7488 for geopotential height


class Earth(NamedTuple):
    """Gravity and rotation at the site."""

    gravity: float          # at mean sea level [m/s²]
    radius: float           # g(h) = gravity (radius / (radius + h))² [m]; inf: constant gravity
    datum: float            # height of the site's origin above mean sea level [m]
    spin: NDArray[Any]      # (3,) rotation vector in east north up [rad/s]; zeros: no rotation


@njit(cache=True)
def acceleration(
    x: float, y: float, z: float, vx: float, vy: float, vz: float,
    law: int, inverse_coefficient: float, push: float, drift: float, drags: Drags, air: Air, earth: Earth,
) -> tuple[float, float, float]:
    """Acceleration of a point mass in the site frame, east north up [m/s²].

    law, inverse_coefficient  drag law (row of `drags`) and 1 / BC [m²/kg]
    push                      motor, along the velocity through the air [m/s²]
    drift                     sideways (to the right of the velocity), per speed [1/s]: spin drift, used by the world only

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
