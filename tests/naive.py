"""Plain slow twins: ten obvious lines against which the compiled kernels are tested."""

from __future__ import annotations

import math

import numpy as np


def point_in_polygon(polygon, east, north):
    """Winding number by summed angles."""
    turn = 0.0
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        a, b = (x0 - east, y0 - north), (x1 - east, y1 - north)
        turn += math.atan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1])
    return abs(turn) > math.pi


def flight(state, drag_per_speed_squared, wind, gravity=9.80665, ground=0.0, step=0.002):
    """Impact time and state of a point mass; drag_per_speed_squared(height, airspeed) in 1/m. Midpoint steps, straight last one."""

    def rate(s):
        air = s[3:] - wind
        speed = math.sqrt(air @ air)
        return np.concatenate([s[3:], -drag_per_speed_squared(s[2], speed) * speed * air - [0.0, 0.0, gravity]])

    t, s = 0.0, np.array(state, float)
    while True:
        after = s + step * rate(s + 0.5 * step * rate(s))
        if after[2] <= ground and after[5] < 0.0:
            f = (s[2] - ground) / (s[2] - after[2])
            return t + f * step, s + f * (after - s)
        t, s = t + step, after
