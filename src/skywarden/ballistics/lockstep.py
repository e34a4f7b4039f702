"""The compiled heart of `fall`: 32 rounds at a time in step, laid out so that the processor's vector units do the arithmetic.

    a lane         holds one round; when it lands the next round of the batch takes its place
    one step       classical Runge-Kutta, each lane with its own length, chosen from its drag and from how sharply drag changes nearby
    the air        density, 1 / speed of sound and wind by height as one table of straight pieces, 32 m each
    drag           C(M) as a table of straight pieces, 0.0025 Mach each
    the last step  is shortened to the ground by a cubic through its ends, flown again, and corrected by the fall speed

Tables are straight pieces because one load then serves value and slope; what that costs is 1e-6 of the drag, some millimetres at impact.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.ballistics.air import Air, density_and_sound, wind_at
from skywarden.ballistics.drag import Drags, drag_factor
from skywarden.ballistics.flight import Earth
from skywarden.geometry.ground import Ground, ground_up

Array = NDArray[Any]

LANES = 32
RISE = 32.0             # m, piece of the air table
PIECE = 0.0025          # Mach, piece of the drag table
TOP_MACH = 6.0          # drag held constant above
LOOK = 0.10             # Mach; a step looks this far for a change of drag
TOUCH = 1e-6            # m above the ground: a round has left it
STEP_DRAG = 0.16        # a step's length times the rate at which drag acts and changes, see `_stiffness`
MAX_ROUNDS_OF_STEPS = 100_000


class Tables(NamedTuple):
    """Air and drag laws, sampled for the lanes."""

    base: float         # height of the first air row [m]
    air: Array          # (rows, 8): density, 1 / sound, wind east, wind north, each followed by its rise to the next row
    drag: Array         # (laws * pieces, 4): C, its rise to the next piece, stiffness nearby, nothing
    pieces: int         # of one law
    windy: bool         # wind changes with height; if not, row 0 holds it


@njit(cache=True)
def tabulate(drags: Drags, air: Air, base: float, top: float) -> Tables:
    """Sample air between two heights above the origin [m], and every law."""
    rows = int((top - base) / RISE) + 2
    table = np.empty((rows, 8))
    value = np.empty((rows + 1, 4))
    for i in range(rows + 1):
        up = base + i * RISE
        rho, sound = density_and_sound(air, up)
        east, north = wind_at(air, up)
        value[i, 0], value[i, 1], value[i, 2], value[i, 3] = rho, 1.0 / sound, east, north
    for i in range(rows):
        for j in range(4):
            table[i, 2 * j], table[i, 2 * j + 1] = value[i, j], value[i + 1, j] - value[i, j]
    laws, pieces = drags.mach.shape[0], int(TOP_MACH / PIECE)
    drag = np.zeros((laws * pieces, 4))
    for law in range(laws):
        at = law * pieces
        for i in range(pieces):
            here, there = drag_factor(drags, law, i * PIECE), drag_factor(drags, law, (i + 1) * PIECE)
            drag[at + i, 0], drag[at + i, 1] = here, there - here
        drag[at + pieces - 1, 1] = 0.0
        _stiffness(drag[at : at + pieces])
    return Tables(base, table, drag, pieces, air.wind_up.shape[0] > 1)


@njit(cache=True)
def _stiffness(drag: Array) -> None:
    """Column 2: how many times faster than plain quadratic drag the deceleration may change within LOOK of each Mach number, at most."""
    pieces, reach = drag.shape[0], int(LOOK / PIECE)
    own = np.empty(pieces)
    for i in range(pieces):
        own[i] = 2.0
        if drag[i, 0] > 0.0:
            own[i] += abs(drag[i, 1] / PIECE) * (i + 0.5) * PIECE / drag[i, 0]
    for i in range(pieces):
        worst = 2.0
        for j in range(max(0, i - reach), min(pieces, i + reach + 1)):
            worst = max(worst, own[j])
        drag[i, 2] = worst


@njit(cache=True)
def _forces(
    z: Array, u: Array, v: Array, w: Array, law: Array, inverse: Array, tables: Tables, earth: Earth,
    work: Array, k: Array, ax: Array, ay: Array, az: Array, c: Array, stiff: Array,
) -> None:
    """Accelerations of all lanes [m/s²]; c becomes drag deceleration per speed [1/s], stiff the third column of the drag table."""
    rho, sound, east, north, f, g = work[0], work[1], work[2], work[3], work[4], work[5]
    last = tables.air.shape[0] - 1.0
    for i in range(LANES):
        a = (z[i] - tables.base) * (1.0 / RISE)
        a = min(max(a, 0.0), last)
        k[i] = np.int32(a)
        f[i] = a - k[i]
    if tables.windy:
        for i in range(LANES):
            r = tables.air[np.uint32(k[i])]
            rho[i], sound[i] = r[0] + f[i] * r[1], r[2] + f[i] * r[3]
            east[i], north[i] = r[4] + f[i] * r[5], r[6] + f[i] * r[7]
    else:
        for i in range(LANES):
            r = tables.air[np.uint32(k[i])]
            rho[i], sound[i] = r[0] + f[i] * r[1], r[2] + f[i] * r[3]
    top = tables.pieces - 1.0
    for i in range(LANES):
        ux, uy = u[i] - east[i], v[i] - north[i]
        speed = math.sqrt(ux * ux + uy * uy + w[i] * w[i])
        m = min(speed * sound[i] * (1.0 / PIECE), top)
        k[i] = np.int32(m)
        f[i] = m - k[i]
        k[i] += law[i]
        g[i] = 0.5 * rho[i] * speed * inverse[i]
    for i in range(LANES):
        d = tables.drag[np.uint32(k[i])]
        f[i] = d[0] + f[i] * d[1]
        stiff[i] = d[2]
    g0, per_radius, datum = earth.gravity, 1.0 / earth.radius, earth.datum
    se, sn, su = 2.0 * earth.spin[0], 2.0 * earth.spin[1], 2.0 * earth.spin[2]
    for i in range(LANES):
        d = g[i] * f[i]
        c[i] = d
        q = (z[i] + datum) * per_radius
        ax[i] = -d * (u[i] - east[i]) - sn * w[i] + su * v[i]
        ay[i] = -d * (v[i] - north[i]) - su * u[i] + se * w[i]
        az[i] = -d * w[i] - se * v[i] + sn * u[i] - g0 * (1.0 - q * (2.0 - 3.0 * q))


@njit(cache=True)
def _cubic(p0: float, v0: float, p1: float, v1: float, h: float, s: float) -> float:
    """Position at the fraction s of a step h, from position and velocity at both ends."""
    d = p1 - p0
    return p0 + s * (v0 * h + s * (3.0 * d - h * (2.0 * v0 + v1) + s * (h * (v0 + v1) - 2.0 * d)))


@njit(cache=True)
def _ground_in_step(a: Array, b: Array, i: int, h: float, left: bool, ground: Ground) -> tuple[float, bool]:
    """First fraction of lane i's step from a to b (rows x y z u v w) at which it meets the ground, 2 if it does not; and whether it has left it."""
    n = 1 if ground.up.size == 1 else min(max(2, int(2.0 * h * math.hypot(a[3, i], a[4, i]) / ground.step) + 1), 64)
    if not left:
        n = max(n, 4)
    before = 0.0
    for j in range(1, n + 1):
        s = j / n
        if _clear(a, b, i, h, s, ground) <= 0.0:
            if left:
                low, high = before, s
                for _ in range(30):
                    middle = 0.5 * (low + high)
                    if _clear(a, b, i, h, middle, ground) > 0.0:
                        low = middle
                    else:
                        high = middle
                return high, True
        elif _clear(a, b, i, h, s, ground) > TOUCH:
            left = True
        before = s
    return 2.0, left


@njit(cache=True)
def _clear(a: Array, b: Array, i: int, h: float, s: float, ground: Ground) -> float:
    """Height above the ground at the fraction s of lane i's step [m]."""
    east, north = _cubic(a[0, i], a[3, i], b[0, i], b[3, i], h, s), _cubic(a[1, i], a[4, i], b[1, i], b[4, i], h, s)
    return _cubic(a[2, i], a[5, i], b[2, i], b[5, i], h, s) - ground_up(ground, east, north)


@njit(cache=True)
def fall_all(
    state: Array, laws: Array, inverses: Array, ground: Ground, tables: Tables, earth: Earth, t_max: float, step: float,
    out_t: Array, out_position: Array, out_velocity: Array, out_apex: Array,
) -> None:
    """Fly every row of state (n, 6) to the ground; results go into the `out_` arrays, rows of rounds still up are left as they are."""
    n = state.shape[0]
    now, new = np.zeros((6, LANES)), np.zeros((6, LANES))
    x, y, z, u, v, w = now[0], now[1], now[2], now[3], now[4], now[5]
    x1, y1, z1, u1, v1, w1 = new[0], new[1], new[2], new[3], new[4], new[5]
    work, half = np.zeros((6, LANES)), np.zeros((4, LANES))
    zs, us, vs, ws = half[0], half[1], half[2], half[3]
    acc = np.zeros((12, LANES))
    a1, b1, c1, a2, b2, c2, a3, b3, c3, a4, b4, c4 = (
        acc[0], acc[1], acc[2], acc[3], acc[4], acc[5], acc[6], acc[7], acc[8], acc[9], acc[10], acc[11])
    more = np.zeros((7, LANES))
    t, h, inverse, top, drag, stiff, fixed = more[0], more[1], more[2], more[3], more[4], more[5], more[6]
    k, law, row = np.zeros(LANES, np.int32), np.zeros(LANES, np.int32), np.full(LANES, -1, np.int64)
    left, look = np.zeros(LANES, np.bool_), np.zeros(LANES, np.int32)
    work[2, :], work[3, :] = tables.air[0, 4], tables.air[0, 6]
    following = flying = 0
    for i in range(LANES):
        following, taken = _take(i, following, state, laws, inverses, ground, tables.pieces, now, t, law, inverse, top, fixed, left, row,
                                 out_t, out_position, out_velocity, out_apex)
        flying += taken
    while flying > 0:
        _forces(z, u, v, w, law, inverse, tables, earth, work, k, a1, b1, c1, drag, stiff)
        for i in range(LANES):
            longest = min(step, STEP_DRAG / (drag[i] * stiff[i] + 1e-12))
            h[i] = fixed[i] if fixed[i] > 0.0 else longest
        for i in range(LANES):
            g = 0.5 * h[i]
            zs[i], us[i], vs[i], ws[i] = z[i] + g * w[i], u[i] + g * a1[i], v[i] + g * b1[i], w[i] + g * c1[i]
        _forces(zs, us, vs, ws, law, inverse, tables, earth, work, k, a2, b2, c2, drag, stiff)
        for i in range(LANES):
            g = 0.5 * h[i]
            zs[i], us[i], vs[i], ws[i] = z[i] + g * (w[i] + g * c1[i]), u[i] + g * a2[i], v[i] + g * b2[i], w[i] + g * c2[i]
        _forces(zs, us, vs, ws, law, inverse, tables, earth, work, k, a3, b3, c3, drag, stiff)
        for i in range(LANES):
            g = h[i]
            zs[i], us[i], vs[i], ws[i] = z[i] + g * (w[i] + 0.5 * g * c2[i]), u[i] + g * a3[i], v[i] + g * b3[i], w[i] + g * c3[i]
        _forces(zs, us, vs, ws, law, inverse, tables, earth, work, k, a4, b4, c4, drag, stiff)
        for i in range(LANES):
            g = h[i]
            e = g * (1.0 / 6.0)
            x1[i] = x[i] + g * (u[i] + e * (a1[i] + a2[i] + a3[i]))
            y1[i] = y[i] + g * (v[i] + e * (b1[i] + b2[i] + b3[i]))
            z1[i] = z[i] + g * (w[i] + e * (c1[i] + c2[i] + c3[i]))
            u1[i] = u[i] + e * (a1[i] + 2.0 * (a2[i] + a3[i]) + a4[i])
            v1[i] = v[i] + e * (b1[i] + 2.0 * (b2[i] + b3[i]) + b4[i])
            w1[i] = w[i] + e * (c1[i] + 2.0 * (c2[i] + c3[i]) + c4[i])
        some = 0
        for i in range(LANES):
            # a lane needs a closer look near the ground, over the top, when landing, or when out of time
            close = (min(z[i], z1[i]) <= ground.highest) | (fixed[i] > 0.0) | ((w[i] > 0.0) & (w1[i] <= 0.0)) | (t[i] + h[i] > t_max)
            look[i] = 1 if close else 0
            some += look[i]
        if some > 0:
            for i in range(LANES):
                if look[i] == 0 or row[i] < 0:
                    continue
                if fixed[i] > 0.0:
                    if t[i] + h[i] <= t_max:
                        _put(row[i], i, now, new, t[i], h[i], c4[i], top[i], ground, out_t, out_position, out_velocity, out_apex)
                    row[i] = -1
                else:
                    s, left[i] = _ground_in_step(now, new, i, h[i], left[i], ground)
                    if s <= 1.0:
                        # fly this step again, shortened to the ground; the lane's state must stay as it was
                        fixed[i] = max(s * h[i], 1e-9)
                        new[:, i] = now[:, i]
                        t[i] -= h[i]
                    elif t[i] + h[i] > t_max:
                        row[i] = -1
                    elif w[i] > 0.0 and w1[i] <= 0.0:
                        top[i] = max(top[i], _cubic(z[i], w[i], z1[i], w1[i], h[i], w[i] / (w[i] - w1[i])))
                if row[i] < 0:
                    following, taken = _take(i, following, state, laws, inverses, ground, tables.pieces, new, t, law, inverse, top, fixed, left, row,
                                             out_t, out_position, out_velocity, out_apex)
                    t[i] -= h[i]
                    flying += taken - 1
        for i in range(LANES):
            t[i] += h[i]
        now[:, :] = new


@njit(cache=True)
def _take(
    i: int, following: int, state: Array, laws: Array, inverses: Array, ground: Ground, pieces: int,
    lanes: Array, t: Array, law: Array, inverse: Array, top: Array, fixed: Array, left: Array, row: Array,
    out_t: Array, out_position: Array, out_velocity: Array, out_apex: Array,
) -> tuple[int, int]:
    """The next round that flies at all takes lane i. Returns the one after it, and 1; or the end, and 0 for an idle lane."""
    n = state.shape[0]
    while following < n:
        r = following
        following += 1
        s = state[r]
        clear = s[2] - ground_up(ground, s[0], s[1])
        rise = ground_up(ground, s[0] + 1e-3 * s[3], s[1] + 1e-3 * s[4]) - ground_up(ground, s[0], s[1])
        if not math.isfinite(s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + inverses[r]):
            continue
        if clear <= TOUCH and s[5] - rise * 1e3 <= 0.0:
            out_t[r], out_apex[r] = 0.0, s[2]
            out_position[r], out_velocity[r] = s[:3], s[3:]
            continue
        for j in range(6):
            lanes[j, i] = s[j]
        t[i], law[i], inverse[i], top[i], fixed[i], left[i], row[i] = 0.0, laws[r] * pieces, inverses[r], s[2], 0.0, clear > TOUCH, r
        return following, 1
    # idle: parked high and still, so that it needs no look; its arithmetic is harmless
    for j in range(6):
        lanes[j, i] = 0.0
    lanes[2, i] = ground.highest + 1e6
    t[i], law[i], inverse[i], fixed[i], row[i] = 0.0, 0, 0.0, 0.0, -1
    return following, 0


@njit(cache=True)
def _put(
    r: int, i: int, now: Array, new: Array, t: float, h: float, fall: float, top: float, ground: Ground,
    out_t: Array, out_position: Array, out_velocity: Array, out_apex: Array,
) -> None:
    """Results of a lane whose last step ended at the ground but for millimetres: slide along the velocity onto it."""
    late = 0.0
    for _ in range(3):
        east, north = new[0, i] + late * new[3, i], new[1, i] + late * new[4, i]
        clear = new[2, i] + late * new[5, i] - ground_up(ground, east, north)
        slope = (ground_up(ground, east + 1e-3 * new[3, i], north + 1e-3 * new[4, i]) - ground_up(ground, east, north)) * 1e3
        sink = new[5, i] - slope
        if sink >= 0.0:
            break
        late = min(max(late - clear / sink, -h), h)
    if new[5, i] < 0.0 < now[5, i]:
        top = max(top, _cubic(now[2, i], now[5, i], new[2, i], new[5, i], h, now[5, i] / (now[5, i] - new[5, i])))
    out_t[r], out_apex[r] = t + h + late, max(top, new[2, i])
    for j in range(3):
        out_position[r, j] = new[j, i] + late * new[3 + j, i]
        out_velocity[r, j] = new[3 + j, i]
    out_velocity[r, 2] += late * fall
