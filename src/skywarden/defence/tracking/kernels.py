"""What happens to all tracks at once: move on, gate, take a detection, fit again. Compiled; works in place on arrays made for this frame."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from skywarden.defence.tracking.memory import Block, Model
from skywarden.estimation.fit import fit
from skywarden.estimation.kalman import closeness, innovation, update
from skywarden.estimation.measure import measure, residual
from skywarden.estimation.motion import STATES, STRAIGHT, carry, flow
from skywarden.messages.tables import Array

QUIET = 1e-4            # m²/s³, process noise of a flight that obeys its law: wind gusts, law's finer shape
STRESSED = 1.9          # fading mean innovation at which noise is added (1 expected, standard deviation 0.24)
RELIEF = 2.0            # m²/s³ per squared excess of it
CALM, TURNING = 0.05, 60.0      # m²/s³, process noise of straight and of turning flight
TO_TURN, TO_CALM = 0.05, 0.25   # 1/s, rates of beginning and of ending a turn
GATE = 30.0             # chi-squared; 4 degrees of freedom hold 5e-6 outside
FADE = 0.2
AFRESH = 5              # detections from which a burnt-out rocket's flight is fitted afresh
AFRESH_COST = 3.0       # log-likelihood that every such trial costs: it is a hypothesis more
LONGEST_BURN = 6.0      # s after birth until which that is tried


@njit(cache=True, error_model="numpy")
def advance(b: Block, t: float, which: Array, model: Model) -> None:
    """Moves the tracks of mask `which` (n,) on to time `t`, never back."""
    laws = b.x.shape[1] - 2
    F = np.zeros((6, STATES))
    T = np.empty((6, STATES))
    for i in range(b.time.shape[0]):
        dt = t - b.time[i]
        if not which[i] or dt <= 0.0:
            continue
        for law in range(laws):
            if not b.alive[i, law]:
                continue
            over = max(0.0, b.stress[i, law] - STRESSED)
            flow(b.x[i, law], dt, law, model.drags, model.air, model.earth, model.n, F)
            carry(b.p[i, law], F, model.n, QUIET + RELIEF * over * over, dt, T)
        if b.alive[i, laws]:
            _mix(b, i, laws, dt)
            for m in range(laws, laws + 2):
                flow(b.x[i, m], dt, STRAIGHT, model.drags, model.air, model.earth, 6, F)
                carry(b.p[i, m], F, 6, CALM if m == laws else TURNING, dt, T)
        b.time[i] = t


@njit(cache=True, error_model="numpy")
def _mix(b: Block, i: int, calm: int, dt: float) -> None:
    """The interacting step between straight and turning flight (Blom and Bar-Shalom 1988)."""
    up, down = 1.0 - math.exp(-dt * TO_TURN), 1.0 - math.exp(-dt * TO_CALM)
    turn = b.turn[i]
    after = turn * (1.0 - down) + (1.0 - turn) * up
    into_calm = turn * down / max(1.0 - after, 1e-12)         # share of turning within new calm
    into_turn = turn * (1.0 - down) / max(after, 1e-12)
    xa, xb = b.x[i, calm].copy(), b.x[i, calm + 1].copy()
    pa, pb = b.p[i, calm].copy(), b.p[i, calm + 1].copy()
    for m in range(2):
        w = into_calm if m == 0 else into_turn
        for r in range(6):
            b.x[i, calm + m, r] = (1.0 - w) * xa[r] + w * xb[r]
        for r in range(6):
            for c in range(6):
                b.p[i, calm + m, r, c] = (1.0 - w) * pa[r, c] + w * pb[r, c] + w * (1.0 - w) * (xa[r] - xb[r]) * (xa[c] - xb[c])
    b.turn[i] = after


@njit(cache=True, error_model="numpy")
def best_law(b: Block, i: int) -> int:
    """The drag law of track `i` with the greatest evidence among those still followed; -1 none."""
    best = -1
    for law in range(b.x.shape[1] - 2):
        if b.alive[i, law] and (best < 0 or b.ll[i, law] > b.ll[i, best]):
            best = law
    return best


@njit(cache=True, error_model="numpy")
def odds(b: Block, i: int) -> float:
    """Log odds of ballistic against any other flight of track `i`, from evidence and birth place."""
    laws = b.x.shape[1] - 2
    top = -np.inf
    for law in range(laws):
        top = max(top, b.ll[i, law])
    total = 0.0
    for law in range(laws):
        total += math.exp(b.ll[i, law] - top)
    return b.prior[i] + top + math.log(total / laws) - b.ll[i, laws]


@njit(cache=True, error_model="numpy")
def gate(
    b: Block, which: Array, t: float, sensor: int, z: Array, ratio: Array, free: Array, floor: Array, model: Model,
) -> tuple[Array, Array, Array]:
    """Pairs (track, detection, cost) worth considering among tracks `which` and detections `free` (masks) of one sensor and time.

    z, ratio   (k, 4), (k,)  detections and their noise ratio
    floor      (k,)          log density of false alarms, for the dimensions each detection has
    A cost is minus the log-likelihood ratio of belonging against being a false alarm and a miss.
    """
    laws = b.x.shape[1] - 2
    size = 256
    row, column, cost = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size)
    pairs = 0
    expected = np.empty((3, 4))
    S = np.empty((3, 4, 4))
    weight = np.empty(3)
    H6 = np.empty((4, 6))
    H = np.zeros((4, STATES))
    T = np.empty((4, STATES))
    v = np.empty(4)
    R = np.empty(4)
    L = np.zeros((4, 4))
    gain = math.log(model.pd[sensor] / (1.0 - model.pd[sensor]))
    books, span = model.sensors.variance[sensor], model.sensors.span[sensor]
    for i in range(b.time.shape[0]):
        if not which[i]:
            continue
        used = 0
        o = odds(b, i)
        share = 1.0 / (1.0 + math.exp(-min(max(o, -40.0), 40.0)))
        wide = 0.0
        for c in range(3):
            m = best_law(b, i) if c == 0 else laws + c - 1
            if m < 0 or not b.alive[i, m if c < 2 else laws]:
                continue
            w = share if c == 0 else (1.0 - share) * ((1.0 - b.turn[i]) if c == 1 else b.turn[i])
            if w < 1e-3:
                continue
            n = model.n if c == 0 else 6
            slopes(b.x[i, m], t - b.time[i], m if c == 0 else STRAIGHT, n, sensor, model, expected[used], H6, H)
            innovation(b.p[i, m], n, H, S[used], T)
            weight[used] = math.log(w)
            wide = max(wide, S[used, 0, 0])
            used += 1
        if used == 0:
            continue
        for d in range(z.shape[0]):
            if not free[d]:
                continue
            e = z[d, 0] - expected[0, 0]
            if e * e > 1.5 * GATE * (wide + books[0] * ratio[d]) + 1e4 * (used > 1):
                continue
            best, ll = np.inf, -np.inf
            for a in range(4):
                R[a] = books[a] * ratio[d]
            for a in range(used):
                # what one dimension alone rules out needs no joint distance: range and Doppler speak first
                e, f = z[d, 0] - expected[a, 0], z[d, 3] - expected[a, 3]
                if e * e > GATE * (S[a, 0, 0] + R[0]) or (span > 1e30 and f * f > GATE * (S[a, 3, 3] + R[3])):
                    continue
                residual(z[d], expected[a], span, v)
                if v[1] * v[1] > GATE * (S[a, 1, 1] + R[1]) or v[2] * v[2] > GATE * (S[a, 2, 2] + R[2]):
                    continue
                d2, one = closeness(S[a], v, R, L)
                best = min(best, d2)
                one += weight[a]
                ll = max(ll, one) + math.log1p(math.exp(-abs(ll - one))) if ll > -1e300 else one
            if best > GATE:
                continue
            if pairs == row.shape[0]:
                row = np.concatenate((row, np.empty(pairs, np.int64)))
                column = np.concatenate((column, np.empty(pairs, np.int64)))
                cost = np.concatenate((cost, np.empty(pairs)))
            row[pairs], column[pairs], cost[pairs] = i, d, -(ll - floor[d] + gain)
            pairs += 1
    return row[:pairs], column[:pairs], cost[:pairs]


@njit(cache=True, error_model="numpy")
def slopes(x: Array, lag: float, law: int, n: int, sensor: int, model: Model, expected: Array, H6: Array, H: Array) -> None:
    """Expected measurement of state `x` seen `lag` seconds off its time (negative: earlier), into `expected`, and its slopes into `H` (4, 9)."""
    H[:] = 0.0
    if lag == 0.0:
        measure(x, model.sensors.place[sensor], expected, H6)
        H[:, :6] = H6
        return
    y = x.copy()
    F = np.zeros((6, STATES))
    flow(y, lag, law, model.drags, model.air, model.earth, n, F)
    measure(y, model.sensors.place[sensor], expected, H6)
    for a in range(4):
        for j in range(n):
            total = 0.0
            for k in range(6):
                total += H6[a, k] * F[k, j]
            H[a, j] = total


@njit(cache=True, error_model="numpy")
def absorb(b: Block, taken: Array, t: float, sensor: int, z: Array, ratio: Array, gains: Array, refit: Array, model: Model) -> None:
    """Each track takes the detection `taken` (n,) gives it, -1 none: all hypotheses improve, the evidence grows.

    gains  (n,) what the detection adds to the track's score
    refit  (kept at most + 1,) bool: with how many detections the whole start is fitted again
    """
    laws = b.x.shape[1] - 2
    H6 = np.empty((4, 6))
    H = np.zeros((4, STATES))
    expected = np.empty(4)
    v = np.empty(4)
    R = np.empty(4)
    for i in range(taken.shape[0]):
        d = taken[i]
        if d < 0:
            continue
        lag = t - b.time[i]
        for a in range(4):
            R[a] = model.sensors.variance[sensor, a] * ratio[d]
        k = b.kept[i]
        if k < b.t.shape[1]:
            b.t[i, k], b.sensor[i, k], b.ratio[i, k], b.past[i, k] = t, sensor, ratio[d], b.ll[i, laws]
            b.z[i, k] = z[d]
            b.kept[i] = k + 1
        for law in range(laws):
            if not b.alive[i, law]:
                continue
            slopes(b.x[i, law], lag, law, model.n, sensor, model, expected, H6, H)
            residual(z[d], expected, model.sensors.span[sensor], v)
            ll, nis, dims = update(b.x[i, law], b.p[i, law], model.n, v, H, R)
            b.ll[i, law] += ll
            b.stress[i, law] += FADE * (nis / max(dims, 1) - b.stress[i, law])
        if b.alive[i, laws]:
            slopes(b.x[i, laws], lag, STRAIGHT, 6, sensor, model, expected, H6, H)
            residual(z[d], expected, model.sensors.span[sensor], v)
            la, _, _ = update(b.x[i, laws], b.p[i, laws], 6, v, H, R)
            slopes(b.x[i, laws + 1], lag, STRAIGHT, 6, sensor, model, expected, H6, H)
            residual(z[d], expected, model.sensors.span[sensor], v)
            lb, _, _ = update(b.x[i, laws + 1], b.p[i, laws + 1], 6, v, H, R)
            la += math.log(max(1.0 - b.turn[i], 1e-12))
            lb += math.log(max(b.turn[i], 1e-12))
            top = max(la, lb)
            total = top + math.log(math.exp(la - top) + math.exp(lb - top))
            b.ll[i, laws] += total
            b.turn[i] = min(max(math.exp(lb - total), 1e-4), 1.0 - 1e-4)
        b.hits[i] += 1
        b.misses[i] = 0
        b.seen[i] = max(b.seen[i], t)
        b.score[i] = min(b.score[i] + gains[i], 200.0)
        if k < b.t.shape[1]:
            if refit[k + 1]:
                for law in range(laws):
                    if b.alive[i, law]:
                        refit_one(b, i, law, model)
            afresh(b, i, model)
        prune(b, i)


@njit(cache=True, error_model="numpy")
def refit_one(b: Block, i: int, law: int, model: Model) -> None:
    """Fits law `law` of track `i` to every detection kept, and restates its belief and evidence from that."""
    x = np.empty(STATES)
    P = np.empty((STATES, STATES))
    x0 = b.anchor[i, law].copy()
    k = b.kept[i]
    evidence = fit(
        b.t[i], b.sensor[i], b.z[i], b.ratio[i], k, law, model.n, model.drags, model.air, model.earth, model.sensors,
        model.mean[law], model.variance[law], 4 if k < 6 else 2, x0, x, P)
    if math.isfinite(evidence):
        b.anchor[i, law] = x0
        b.x[i, law] = x
        b.p[i, law] = P
        b.ll[i, law] = evidence + b.past[i, 0]


@njit(cache=True, error_model="numpy")
def afresh(b: Block, i: int, model: Model) -> None:
    """Where a young, climbing track does not obey its law, tries whether its latest detections do: the motor may just have burnt out.

    The detections before count as flight under power, with the evidence that turning flight gave them. Each such start costs AFRESH_COST.
    """
    laws = b.x.shape[1] - 2
    k = b.kept[i]
    best = best_law(b, i)
    if k < AFRESH + 1 or best < 0 or not b.alive[i, laws] or b.seen[i] - b.born[i] > LONGEST_BURN or b.prior[i] < -1.5:
        return
    if b.stress[i, best] < STRESSED or odds(b, i) > 3.0:
        return
    m = laws + 1 if b.turn[i] > 0.5 else laws
    v = b.x[i, m]
    if v[5] < 20.0 or v[3] * v[3] + v[4] * v[4] + v[5] * v[5] < 1e4:
        return
    x0, x, P = np.empty(STATES), np.empty(STATES), np.empty((STATES, STATES))
    s = k - AFRESH
    for law in range(laws):
        x0[:] = model.mean[law]
        x0[:6] = b.x[i, m, :6]
        for r in range(3):
            x0[r] -= x0[3 + r] * (b.t[i, k - 1] - b.t[i, s])
        evidence = fit(
            b.t[i, s:k], b.sensor[i, s:k], b.z[i, s:k], b.ratio[i, s:k], AFRESH, law, model.n, model.drags, model.air, model.earth,
            model.sensors, model.mean[law], model.variance[law], 5, x0, x, P)
        if not math.isfinite(evidence) or evidence + b.past[i, s] - AFRESH_COST <= b.ll[i, best]:
            if law == 0:
                return
            b.ll[i, law] = -1e6
            b.alive[i, law] = False
            continue
        b.alive[i, law] = True
        b.anchor[i, law], b.x[i, law], b.p[i, law] = x0, x, P
        b.ll[i, law] = evidence + b.past[i, s] - AFRESH_COST
        b.stress[i, law] = 1.0
    for d in range(AFRESH):
        b.t[i, d], b.sensor[i, d], b.ratio[i, d] = b.t[i, s + d], b.sensor[i, s + d], b.ratio[i, s + d]
        b.z[i, d] = b.z[i, s + d]
        b.past[i, d] = b.past[i, s + d] - AFRESH_COST
    b.kept[i] = AFRESH


@njit(cache=True, error_model="numpy")
def prune(b: Block, i: int) -> None:
    """Stops following hypotheses that the evidence has left far behind."""
    laws = b.x.shape[1] - 2
    best = best_law(b, i)
    age = b.seen[i] - b.born[i]
    if best < 0:
        return
    for law in range(laws):
        if b.ll[i, law] < b.ll[i, best] - 20.0:
            b.alive[i, law] = False
    if b.alive[i, laws]:
        if age > 6.0 and b.ll[i, best] < b.ll[i, laws] - 40.0:
            b.alive[i, :laws] = False
        elif age > 2.0 and b.ll[i, best] > b.ll[i, laws] + 60.0:
            b.alive[i, laws] = False
            b.alive[i, laws + 1] = False
    elif b.stress[i, best] > 5.0:
        # surely a projectile, it was thought, yet it does not fly like one: let other flight be judged again, from here
        for m in range(laws, laws + 2):
            b.alive[i, m] = True
            b.x[i, m] = b.x[i, best]
            b.p[i, m] = b.p[i, best]
            for r in range(3):
                b.p[i, m, r, r] += 400.0
                b.p[i, m, 3 + r, 3 + r] += 900.0
        b.ll[i, laws] = b.ll[i, best] - 10.0
        b.turn[i] = 0.5
