"""The compiled heart of `fall`: 96 rounds at a time in step, laid out so that the processor's
vector units do the arithmetic and its first cache holds them.

    a lane         holds one round; when it lands the next round of the batch takes its place
    one step       classical Runge-Kutta, each lane with its own length, chosen from its drag and
                   from how sharply drag changes nearby
    the air        density, 1 / speed of sound and wind by height as one table of straight pieces,
                   16 m each
    drag           C(M) as a table of parabolas, 0.0025 Mach each
    the last step  is shortened to the ground by a cubic through its ends, flown again, and
                   corrected by the fall speed

A row of a table is one or half a cache line: one load serves value and slopes. Straight pieces of
air cost 1e-6 of the drag, millimetres at impact.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.kernels.ballistics.air import Air, density_and_sound, wind_at
from skywarden.kernels.ballistics.drag import Drags, drag_factor
from skywarden.kernels.ballistics.flight import Earth
from skywarden.kernels.geometry.ground import Ground, ground_up

Array = NDArray[Any]

LANES = 96
RISE = 16.0             # m, piece of the air table
PIECE = 0.0025          # Mach, piece of the drag table
TOP_MACH = 6.0          # drag held constant above
LOOK = 0.10             # Mach; a step looks this far for a change of drag
TOUCH = 1e-6            # m above the ground: a round has left it
# m; the step that is flown again ends this near the ground, or nearer where it was never high, the rest is slid along
# the velocity
NEAR = 0.02
STEP_DRAG = 0.13        # a step's length times the rate at which drag acts and changes, see `_stiffness`
STEP_RISE = 400.0       # m; a step climbs or falls no further, for the air changes with it
STEP_WIND = 200.0       # m; the same where wind changes with height, in corners at the profile's heights


class Tables(NamedTuple):
    """Air and drag laws, sampled for the lanes."""

    base: float         # height of the first air row [m]
    # (rows, 8): density, 1 / sound, wind east, wind north, each followed by its rise to the next row
    air: Array
    # (laws * pieces, 4): C = first + f second + f² third, f from 0 to 1 over the piece; stiffness nearby
    drag: Array
    pieces: int         # of one law
    windy: bool         # wind changes with height; if not, row 0 holds it


@njit(cache=True, error_model="numpy")
def tabulate(drags: Drags, air: Air, base: float, top: float) -> Tables:
    """Sample air between two heights above the origin [m], and every law.

    drags  the drag laws, tabulated over Mach number
    base   lowest height sampled, up [m]
    top    greatest height sampled, up [m]
    """
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
            bend = 2.0 * (here + there) - 4.0 * drag_factor(drags, law, (i + 0.5) * PIECE)
            drag[at + i, 0], drag[at + i, 1], drag[at + i, 2] = here, there - here - bend, bend
        drag[at + pieces - 1, 1] = drag[at + pieces - 1, 2] = 0.0
        _stiffness(drag[at : at + pieces])
    return Tables(base, table, drag, pieces, air.wind_up.shape[0] > 1)


@njit(cache=True, error_model="numpy")
def _stiffness(drag: Array) -> None:
    """Column 3: how many times faster than plain quadratic drag the deceleration may change within
    LOOK of each Mach number, at most.
    """
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
        drag[i, 3] = worst


@njit(cache=True, error_model="numpy")
def _forces(
    z: Array, u: Array, v: Array, w: Array, law: Array, inverse: Array, tables: Tables, earth: Earth,
    work: Array, k: Array, ax: Array, ay: Array, az: Array, c: Array, stiff: Array,
) -> None:
    """Accelerations of all lanes [m/s²]; c becomes drag deceleration per speed [1/s], stiff the
    last column of the drag table.
    """
    rho, sound, east, north, f, g = work[0], work[1], work[2], work[3], work[4], work[5]
    air, table, base = tables.air, tables.drag, tables.base
    last = air.shape[0] - 1.0
    for i in range(LANES):
        a = (z[i] - base) * (1.0 / RISE)
        a = min(max(a, 0.0), last)
        k[i] = np.int32(a)
        f[i] = a - k[i]
    if tables.windy:
        for i in range(LANES):
            r = np.uint64(k[i])
            east[i], north[i] = air[r, 4] + f[i] * air[r, 5], air[r, 6] + f[i] * air[r, 7]
    for i in range(LANES):
        r = np.uint64(k[i])
        rho[i], sound[i] = air[r, 0] + f[i] * air[r, 1], air[r, 2] + f[i] * air[r, 3]
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
        r = np.uint64(k[i])
        f[i] = table[r, 0] + f[i] * (table[r, 1] + f[i] * table[r, 2])
        stiff[i] = table[r, 3]
    g0, per_radius, datum = earth.gravity, 1.0 / earth.radius, earth.datum
    se, sn, su = 2.0 * earth.spin[0], 2.0 * earth.spin[1], 2.0 * earth.spin[2]
    for i in range(LANES):
        d = g[i] * f[i]
        c[i] = d
        q = (z[i] + datum) * per_radius
        ax[i] = -d * (u[i] - east[i]) - sn * w[i] + su * v[i]
        ay[i] = -d * (v[i] - north[i]) - su * u[i] + se * w[i]
        az[i] = -d * w[i] - se * v[i] + sn * u[i] - g0 * (1.0 - q * (2.0 - 3.0 * q))


@njit(cache=True, error_model="numpy")
def _part(p: Array, rate: Array, bend: Array, h: Array, f: float, g: float, out: Array) -> None:
    """p after the part f of each lane's step at `rate`, itself changed by `bend` over the part g."""
    for i in range(LANES):
        out[i] = p[i] + f * h[i] * (rate[i] + g * h[i] * bend[i])


@njit(cache=True, error_model="numpy")
def _whole(p: Array, v: Array, a1: Array, a2: Array, a3: Array, a4: Array, h: Array, p1: Array, v1: Array) -> None:
    """Position and velocity after a whole step, one coordinate, from the four accelerations."""
    for i in range(LANES):
        e = h[i] * (1.0 / 6.0)
        p1[i] = p[i] + h[i] * (v[i] + e * (a1[i] + a2[i] + a3[i]))
    for i in range(LANES):
        v1[i] = v[i] + h[i] * (1.0 / 6.0) * (a1[i] + 2.0 * (a2[i] + a3[i]) + a4[i])


@njit(cache=True, error_model="numpy")
def _cubic(p0: float, v0: float, p1: float, v1: float, h: float, s: float) -> float:
    """Position at the fraction s of a step h, from position and velocity at both ends."""
    d = p1 - p0
    return p0 + s * (v0 * h + s * (3.0 * d - h * (2.0 * v0 + v1) + s * (h * (v0 + v1) - 2.0 * d)))


@njit(cache=True, error_model="numpy")
def _ground_in_step(a: Array, b: Array, i: int, h: float, left: bool, ground: Ground) -> tuple[float, bool]:
    """First fraction of lane i's step from a to b (rows x y z u v w) at which it meets the ground,
    2 if it does not; and whether it has left it.
    """
    end = _clear(a, b, i, h, 1.0, ground)
    flat = ground.up.size == 1
    if flat and end > TOUCH:
        return 2.0, True        # a fall bends downwards only: above flat ground at both ends, above it between
    n = 1 if flat else min(max(4, int(2.0 * h * math.hypot(a[3, i], a[4, i]) / ground.step) + 1), 64)
    low, rising = 0.0, not left and a[5, i] > 0.0
    if rising:
        # it rises from the ground; on flat ground it is highest, and has left it, where it rises no more
        rises = a[5, i] / (a[5, i] - b[5, i]) if b[5, i] < 0.0 else 1.0
        low = rises if flat else 0.5 * min(rises, 1.0 / n)
    above = _clear(a, b, i, h, low, ground)
    left = left or (rising and above > TOUCH)
    for j in range(1, n + 1):
        high = j / n
        below = _clear(a, b, i, h, high, ground) if j < n else end
        if left and below <= 0.0:
            return _root(a, b, i, h, low, above, high, below, ground), True
        left = left or below > TOUCH
        low, above = high, below
    return 2.0, left


@njit(cache=True, error_model="numpy")
def _root(
    a: Array, b: Array, i: int, h: float, low: float, above: float, high: float, below: float, ground: Ground
) -> float:
    """Where lane i meets the ground between two fractions of its step, to about a centimetre: false
    position, Illinois variant.
    """
    s, near = high, min(NEAR, 0.01 * above)
    for _ in range(20):
        s = high - below * (high - low) / (below - above)
        g = _clear(a, b, i, h, s, ground)
        if abs(g) < near:
            break
        if g > 0.0:
            low, above, below = s, g, 0.5 * below
        else:
            high, below, above = s, g, 0.5 * above
    return s


@njit(cache=True, error_model="numpy")
def _clear(a: Array, b: Array, i: int, h: float, s: float, ground: Ground) -> float:
    """Height above the ground at the fraction s of lane i's step [m]."""
    east, north = _cubic(a[0, i], a[3, i], b[0, i], b[3, i], h, s), _cubic(a[1, i], a[4, i], b[1, i], b[4, i], h, s)
    return _cubic(a[2, i], a[5, i], b[2, i], b[5, i], h, s) - ground_up(ground, east, north)


@njit(cache=True, error_model="numpy", nogil=True)
def fall_all(
    state: Array, laws: Array, inverses: Array, ground: Ground, tables: Tables, earth: Earth, t_max: float,
    step: float, out: Array,
) -> None:
    """Fly every row of state (n, 6) to the ground; results go into out (n, 8): time, position,
    velocity, apex; rows of rounds still up are left as they are.

    laws      (n,) row of the drag law of each round
    inverses  (n,) 1 / BC of each round [m²/kg]
    tables    drag and air, tabulated
    earth     gravity, radius and rotation of the earth at the site
    t_max     longest flight [s]
    step      longest time step [s]
    """
    now, new = np.zeros((6, LANES)), np.zeros((6, LANES))
    z, w, z1, w1 = now[2], now[5], new[2], new[5]
    work, half, acc = np.zeros((6, LANES)), np.zeros((4, LANES)), np.zeros((12, LANES))
    lane, whole, more = np.zeros((4, LANES)), np.zeros((3, LANES), np.int32), np.zeros((3, LANES))
    t, fixed, row, h = lane[0], lane[3], whole[1], more[0]
    k, look = np.zeros(LANES, np.int32), np.zeros(LANES, np.int32)
    work[2, :], work[3, :] = tables.air[0, 4], tables.air[0, 6]
    rise = STEP_WIND if tables.windy else STEP_RISE
    following = flying = 0
    for i in range(LANES):
        following, taken = _take(i, following, state, laws, inverses, ground, tables.pieces, now, lane, whole, out)
        flying += taken
    while flying > 0:
        _advance(now, new, lane, whole, more, step, rise, tables, earth, work, half, acc, k)
        some = 0
        for i in range(LANES):
            # a lane needs a closer look near the ground, over the top, when landing, or when out of time
            close = (min(z[i], z1[i]) <= ground.highest) | (fixed[i] > 0.0) | ((w[i] > 0.0) & (w1[i] <= 0.0)) | (t[i]
                + h[i] > t_max)
            look[i] = 1 if close else 0
            some += look[i]
        if some > 0:
            for i in range(LANES):
                if look[i] == 0 or row[i] < 0:
                    continue
                _inspect(i, now, new, lane, whole, h[i], acc[11, i], t_max, ground, out)
                if row[i] < 0:
                    following, taken = _take(i, following, state, laws, inverses, ground, tables.pieces, new, lane,
                        whole, out)
                    t[i] -= h[i]
                    flying += taken - 1
        for i in range(LANES):
            t[i] += h[i]
        now[:, :] = new


@njit(cache=True, error_model="numpy")
def _advance(
    now: Array, new: Array, lane: Array, whole: Array, more: Array, step: float, rise: float, tables: Tables,
    earth: Earth, work: Array, half: Array, acc: Array, k: Array,
) -> None:
    """One Runge-Kutta step of every lane from `now` to `new` (rows x y z u v w), each as long as it
    may be.
    """
    x, y, z, u, v, w = now[0], now[1], now[2], now[3], now[4], now[5]
    zs, us, vs, ws = half[0], half[1], half[2], half[3]
    a1, b1, c1, a2, b2, c2, a3, b3, c3, a4, b4, c4 = (
        acc[0], acc[1], acc[2], acc[3], acc[4], acc[5], acc[6], acc[7], acc[8], acc[9], acc[10], acc[11])
    inverse, fixed, law = lane[1], lane[3], whole[0]
    h, drag, stiff = more[0], more[1], more[2]
    _forces(z, u, v, w, law, inverse, tables, earth, work, k, a1, b1, c1, drag, stiff)
    for i in range(LANES):
        longest = min(step, STEP_DRAG / (drag[i] * stiff[i] + 1e-12), rise / (abs(w[i]) + 1e-12))
        h[i] = fixed[i] if fixed[i] > 0.0 else longest
    _part(z, w, c1, h, 0.5, 0.0, zs)
    _part(u, a1, a1, h, 0.5, 0.0, us)
    _part(v, b1, b1, h, 0.5, 0.0, vs)
    _part(w, c1, c1, h, 0.5, 0.0, ws)
    _forces(zs, us, vs, ws, law, inverse, tables, earth, work, k, a2, b2, c2, drag, stiff)
    _part(z, w, c1, h, 0.5, 0.5, zs)
    _part(u, a2, a2, h, 0.5, 0.0, us)
    _part(v, b2, b2, h, 0.5, 0.0, vs)
    _part(w, c2, c2, h, 0.5, 0.0, ws)
    _forces(zs, us, vs, ws, law, inverse, tables, earth, work, k, a3, b3, c3, drag, stiff)
    _part(z, w, c2, h, 1.0, 0.5, zs)
    _part(u, a3, a3, h, 1.0, 0.0, us)
    _part(v, b3, b3, h, 1.0, 0.0, vs)
    _part(w, c3, c3, h, 1.0, 0.0, ws)
    _forces(zs, us, vs, ws, law, inverse, tables, earth, work, k, a4, b4, c4, drag, stiff)
    _whole(x, u, a1, a2, a3, a4, h, new[0], new[3])
    _whole(y, v, b1, b2, b3, b4, h, new[1], new[4])
    _whole(z, w, c1, c2, c3, c4, h, new[2], new[5])


@njit(cache=True, error_model="numpy")
def _inspect(
    i: int, now: Array, new: Array, lane: Array, whole: Array, h: float, fall: float, t_max: float, ground: Ground,
    out: Array,
) -> None:
    """Lane i after a step that may have met the ground, its apex or the end of its time; its row
    becomes -1 where its flight is over.
    """
    t, top, fixed, row, left = lane[0], lane[2], lane[3], whole[1], whole[2]
    if fixed[i] > 0.0:
        if t[i] + h <= t_max:
            _put(out[row[i]], i, now, new, t[i], h, fall, top[i], ground)
        row[i] = -1
        return
    s, gone = _ground_in_step(now, new, i, h, left[i] > 0, ground)
    left[i] = 1 if gone else 0
    if s <= 1.0:
        # fly this step again, shortened to the ground; the lane's state must stay as it was
        fixed[i] = max(s * h, 1e-9)
        new[:, i] = now[:, i]
        t[i] -= h
    elif t[i] + h > t_max:
        row[i] = -1
    elif now[5, i] > 0.0 and new[5, i] <= 0.0:
        top[i] = max(top[i], _cubic(now[2, i], now[5, i], new[2, i], new[5, i], h, now[5, i] / (now[5, i] - new[5, i])))


@njit(cache=True, error_model="numpy")
def _take(
    i: int, following: int, state: Array, laws: Array, inverses: Array, ground: Ground, pieces: int,
    lanes: Array, lane: Array, whole: Array, out: Array,
) -> tuple[int, int]:
    """The next round that flies at all takes lane i. Returns the one after it, and 1; or the end,
    and 0 for an idle lane.
    """
    n = state.shape[0]
    while following < n:
        r = following
        following += 1
        s = state[r]
        if not math.isfinite(s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + inverses[r]):
            continue
        here = ground_up(ground, s[0], s[1])
        clear = s[2] - here
        rise = ground_up(ground, s[0] + 1e-3 * s[3], s[1] + 1e-3 * s[4]) - here
        if clear <= TOUCH and s[5] - rise * 1e3 <= 0.0:
            out[r, 0], out[r, 7] = 0.0, s[2]
            for j in range(6):
                out[r, 1 + j] = s[j]
            continue
        for j in range(6):
            lanes[j, i] = s[j]
        lane[0, i], lane[1, i], lane[2, i], lane[3, i] = 0.0, inverses[r], s[2], 0.0
        whole[0, i], whole[1, i], whole[2, i] = laws[r] * pieces, r, 1 if clear > TOUCH else 0
        return following, 1
    # idle: parked high and still, so that it needs no look; its arithmetic is harmless
    for j in range(6):
        lanes[j, i] = 0.0
    lanes[2, i] = ground.highest + 1e6
    lane[0, i], lane[1, i], lane[3, i], whole[0, i], whole[1, i] = 0.0, 0.0, 0.0, 0, -1
    return following, 0


@njit(cache=True, error_model="numpy")
def _put(
    out: Array, i: int, now: Array, new: Array, t: float, h: float, fall: float, top: float, ground: Ground
) -> None:
    """Results of a lane whose last step ended at the ground but for millimetres: slide along the
    velocity onto it.
    """
    late = 0.0
    for _ in range(3):
        east, north = new[0, i] + late * new[3, i], new[1, i] + late * new[4, i]
        clear = new[2, i] + late * new[5, i] - ground_up(ground, east, north)
        slope = (ground_up(ground, east + 1e-3 * new[3, i], north + 1e-3 * new[4, i]) - ground_up(ground, east,
            north)) * 1e3
        sink = new[5, i] - slope
        if sink >= 0.0:
            break
        late = min(max(late - clear / sink, -h), h)
    if new[5, i] < 0.0 < now[5, i]:
        top = max(top, _cubic(now[2, i], now[5, i], new[2, i], new[5, i], h, now[5, i] / (now[5, i] - new[5, i])))
    out[0], out[7] = t + h + late, max(top, new[2, i])
    for j in range(3):
        out[1 + j] = new[j, i] + late * new[3 + j, i]
        out[4 + j] = new[3 + j, i]
    out[6] += late * fall
