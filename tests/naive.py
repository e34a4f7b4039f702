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
    """Impact time and state of a point mass; drag_per_speed_squared(height, airspeed) in 1/m.
    Midpoint steps, straight last one.
    """

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


# --- tracking: filters and association
# --------------------------------------------------------------------------------------------------


def joint_update(x, P, v, H, R):
    """The Kalman update as the textbook writes it, all dimensions at once."""
    S = H @ P @ H.T + np.diag(R)
    K = P @ H.T @ np.linalg.inv(S)
    return x + K @ v, (np.eye(len(x)) - K @ H) @ P, -0.5 * (v @ np.linalg.solve(S,
        v) + np.log(np.linalg.det(2.0 * np.pi * S)))


def seen_from(position, velocity, place):
    """Range, azimuth, elevation, range rate by plain trigonometry."""
    d = position - place
    r = np.linalg.norm(d)
    return np.array([r, np.arctan2(d[0], d[1]), np.arcsin(d[2] / r), d @ velocity / r])


def cheapest_by_trying(row, column, cost, rows, columns):
    """The least total cost over every way of giving each row at most one column, by trying them all."""
    best = {(r, c): w for r, c, w in zip(row, column, cost, strict=True)}

    def least(r, free):
        if r == rows:
            return 0.0
        options = [least(r + 1, free)]
        options += [best[r, c] + least(r + 1, free - {c}) for c in free if (r, c) in best and best[r, c] < 0.0]
        return min(options)

    return least(0, frozenset(range(columns)))


# --- sight
# --------------------------------------------------------------------------------------------------


def sees(height_at, place, target, radius=6_371_000.0, pieces=4000):
    """Line of sight on a round earth of four thirds its size, where rays are straight: every metre
    or so of the ground is looked at.

    height_at(east, north) is the ground's height in the site frame, a plane that touches the true
    earth at the origin.
    """
    def over_the_larger_earth(east, north,
            up):     # height over a sphere of radius R is height over the plane plus d²/2R, and the same over 4/3 R
        along = math.hypot(east - place[0], north - place[1])
        return up + along**2 / (2 * radius) - along**2 / (2 * radius * 4 / 3)

    start, end = place[2], over_the_larger_earth(*target)
    for f in np.linspace(0, 1, pieces)[1:-1]:
        east, north = place[0] + f * (target[0] - place[0]), place[1] + f * (target[1] - place[1])
        if start + f * (end - start) < over_the_larger_earth(east, north, height_at(east, north)):
            return False
    return target[2] >= height_at(target[0], target[1])
