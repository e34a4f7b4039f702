"""What a radar should see of a moving place, how that changes with the place, and how it changes in
time; for many pairs at once.
"""

from __future__ import annotations

import numpy as np

from skywarden.messages.tables import Array


def seen_from(position: Array, velocity: Array, place: Array) -> tuple[Array, Array, Array, Array]:
    """Range, azimuth and elevation (n, 3), their slopes with position (n, 3, 3) and in time (n, 3),
    and the range rate (n,).

    position, velocity (n, 3) [m], [m/s]; place (3,) or (n, 3) [m]
    """
    p = position - place
    level2 = np.maximum((p[:, :2] ** 2).sum(1), 1.0)
    level = np.sqrt(level2)
    r2 = level2 + p[:, 2] ** 2
    r = np.sqrt(r2)
    z = np.stack([r, np.mod(np.arctan2(p[:, 0], p[:, 1]), 2.0 * np.pi), np.arctan2(p[:, 2], level)], 1)
    H = np.zeros((p.shape[0], 3, 3))
    H[:, 0] = p / r[:, None]
    H[:, 1, 0], H[:, 1, 1] = p[:, 1] / level2, -p[:, 0] / level2
    H[:, 2, 0], H[:, 2, 1], H[:, 2, 2] = (
        -p[:, 0] * p[:, 2] / (r2 * level),
        -p[:, 1] * p[:, 2] / (r2 * level),
        level / r2,
    )
    rate = np.einsum("nij,nj->ni", H, velocity)
    return z, H, rate, rate[:, 0]


def wrapped(angle: Array) -> Array:
    """The same angles between -pi and pi.

    angle  (n,) angles [rad]
    """
    return np.asarray(angle - 2.0 * np.pi * np.floor(angle / (2.0 * np.pi) + 0.5))
