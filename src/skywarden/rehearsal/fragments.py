"""Whether an aircraft meets what comes after an engagement: fragments that fall, a round broken off
but whole, an effect that flies on behind its corridor.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from skywarden.rehearsal.cones import INNER, Array, Cones, Tube
from skywarden.rehearsal.fallout import ASIDE, BROKEN_OFF, GRAVITY, KEPT, RISE, SLOWED, SLOWEST, THROWN

AIRFRAME = 300.0        # m², of an aircraft from below
ROOM = 100.0            # m kept by dead reckoning from what falls


@njit(**INNER)
def cloud_of(falling: Array) -> Array:
    """(k, 5) twice a second after the meeting: how far pieces are thrown aside, how far they have
    gone on with the round's velocity at most, how far they have fallen at least and at most, and
    the standard deviation of a round broken off but whole [m].
    falling  (11,) what falls, as `Below` has it
    """
    out = np.empty((int(2.0 * falling[7]) + 1, 5))
    pace = math.sqrt(falling[3] ** 2 + falling[4] ** 2 + falling[5] ** 2)
    for k in range(out.shape[0]):
        after = 0.5 * k
        out[k, 0] = min(SLOWED * math.log(1.0 + THROWN * after / SLOWED), ASIDE)
        out[k, 1] = SLOWED * math.log(1.0 + pace * after / SLOWED)
        out[k, 2] = SLOWEST * max(after - RISE, 0.0)
        # from rest, through air that slows them so
        out[k, 3] = SLOWED * math.log(math.cosh(after * math.sqrt(GRAVITY / SLOWED)))
        out[k, 4] = max(BROKEN_OFF * after, ROOM / 3.0)
    return out


@njit(**INNER)
def fragments_met(tube: Tube, falling: Array, cloud: Array) -> tuple[float, float]:
    """1 where the tube's dead reckoning, looked at twice a second, flies through the pieces that
    fall, 0 elsewhere; and the probability that it meets a round broken off but whole, were there
    one.

    Pieces keep at most the round's velocity, at least none of it, are thrown to all sides, fall,
    drift, and are slowed by the square of their speed.
    falling  (11,) what falls, as `Below` has it
    cloud    (k, 5) as `cloud_of` gives it
    """
    level = math.sqrt(falling[3] ** 2 + falling[4] ** 2)
    pace = math.sqrt(level * level + falling[5] ** 2)
    east, north = (falling[3] / level, falling[4] / level) if level > 0.0 else (1.0, 0.0)
    flat, climb = (level / pace, falling[5] / pace) if pace > 0.0 else (1.0, 0.0)
    through, whole = 0.0, 0.0
    for k in range(cloud.shape[0]):
        after = 0.5 * k
        dt, room = falling[6] + after - tube.t, cloud[k, 0] + ROOM + falling[10] * after
        # from where the wind has the middle of them
        x = tube.position[0] + tube.velocity[0] * dt - falling[0] - falling[8] * after
        y = tube.position[1] + tube.velocity[1] * dt - falling[1] - falling[9] * after
        z = tube.position[2] + tube.velocity[2] * dt - falling[2]
        anywhere = math.isnan(z)
        along, aside = x * east + y * north, x * north - y * east
        # in the plane of the round's way, the nearest place of pieces not thrown: straight above or below, else of the
        # highest, or of the lowest
        for turn in range(1 if anywhere else 3):
            gone = along / max(flat, 1e-9) if turn == 0 else along * flat + (z + cloud[k, 1 + turn]) * climb
            gone = min(max(gone, 0.0), cloud[k, 1])
            up = 0.0 if anywhere else max(z - gone * climb + cloud[k, 2], gone * climb - cloud[k, 3] - z, 0.0)
            # not `<=`: what is not a number is not elsewhere
            if not (along - gone * flat) ** 2 + aside * aside + up * up > room * room:
                through = 1.0
        # slowed by air, such a round has gone half as far at the least
        mx, mz = KEPT * falling[3] * after, 0.0 if anywhere else KEPT * falling[
            5] * after - 0.5 * GRAVITY * after * after
        my, height = KEPT * falling[4] * after, 0.0 if anywhere else z
        far2 = mx * mx + my * my + mz * mz
        part = min(max((x * mx + y * my + height * mz) / far2, 0.5), 1.0) if far2 > 0.0 else 1.0
        off2 = (x - part * mx) ** 2 + (y - part * my) ** 2 + (height - part * mz) ** 2
        variance = cloud[k, 4] ** 2
        whole = max(whole, math.exp(-0.5 * off2 / variance) * AIRFRAME / (2.0 * math.pi * variance))
    return through, whole


@njit(**INNER)
def stray_met(cones: Cones, tube: Tube, ends: Array, half: float) -> float:
    """Probability that one piece of what does not destroy itself meets it: within a cone of the
    same lines, wider by `half` the angle to the next, up to three times as long.
    cones  the corridor of the engagement
    tube   the aircraft
    ends   (k, 3) ends of the lines of the engagement's corridor [m]
    """
    most, far, start = 0.0, cones.far, cones.start
    dt = 0.5 * (cones.t_from + cones.t_to) - tube.t
    anywhere = math.isnan(tube.position[2])
    x, y = tube.position[0] + tube.velocity[0] * dt - start[0], tube.position[1] + tube.velocity[1] * dt - start[1]
    z = 0.0 if anywhere else tube.position[2] + tube.velocity[2] * dt - start[2]
    for j in range(ends.shape[0]):
        dx, dy = (ends[j, 0] - start[0]) / far, (ends[j, 1] - start[1]) / far
        dz = 0.0 if anywhere else (ends[j, 2] - start[2]) / far
        level2 = dx * dx + dy * dy + dz * dz
        # how far along the line the place is; seen from above a vertical one has it anywhere
        along = (x * dx + y * dy + z * dz) / level2 if level2 > 1e-9 else 2.0 * far
        if far < along < 3.0 * far:
            off = math.sqrt(max(x * x + y * y + z * z - along * along * level2, 0.0))
            broad = max(cones.spread * along, 1.0)
            if off < broad + half * along + tube.extra + 100.0:
                most = max(most, min(AIRFRAME / (math.pi * broad * broad), 1.0))
    return most
