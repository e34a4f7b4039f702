"""What happens to all tracks at once: move on, gate, take a detection, fit again. Compiled; works
in place on arrays made for this frame.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from skywarden.defence.tracking.bias import disagreement, shared_anew
from skywarden.defence.tracking.state import CROSS_SECTIONS, KAPPA_MEDIAN, SIZES, Block, Model
from skywarden.kernels.estimation.fit import fit
from skywarden.kernels.estimation.kalman import closeness, innovation, update
from skywarden.kernels.estimation.measure import cartesian, measure, residual
from skywarden.kernels.estimation.motion import ASKEW, DRAG, LIFT, STATES, STRAIGHT, WIND, carry, drag_doubt, flow
from skywarden.messages.tables import Array

STRESSED = 1.9          # fading mean innovation at which noise is added (1 expected, standard deviation 0.24)
RELIEF = 2.0            # m²/s³ per squared excess of it
CALM, TURNING = 0.05, 60.0      # m²/s³, process noise of straight and of turning flight
FIRST_TURN = 0.1        # probability that flight which is not ballistic turns when it is first seen
TO_TURN, TO_CALM = 0.05, 0.25   # 1/s, rates of beginning and of ending a turn
FASTEST = 1500.0        # m/s: nothing that this system is for flies faster
GATE = 30.0             # chi-squared; 4 degrees of freedom hold 5e-6 outside
# detections, variance of ln(kappa) gained, up to which a flight is fitted by one drag as a whole
SURELY_RIGID, RIGID = 8, 0.004
FADE = 0.2
# variance of a detection over that of its noise alone, for the radars' errors, from which no fit of a start uses it
WIDENED = 2.0
# m/s², steady acceleration across the flight from which a thing is carried by wings, not a round that flies askew
MOST_LIFT = 4.0
SIZE_FADE = 0.96        # an echo: some 25 echoes tell a track's cross-section
AFRESH = 5              # detections from which a burnt-out rocket's flight is fitted afresh
AFRESH_COST = 3.0       # log-likelihood that every such trial costs: it is a hypothesis more
LONGEST_BURN = 14.0     # s after birth until which that is tried
USUAL_BURN, CLIMBING = 6.0, 20.0        # s, m/s: younger and steeper, a start afresh is likely
LATE_COST = 20.0        # log-likelihood that every other one costs: aircraft turn, and are tried often
BURNING_SPEED, DIVING = 100.0, 0.2      # m/s, share of the speed: a rocket under power is faster, and sinks no steeper
SHED = 4                # first detections at most that a flight which obeys its law is tried without
TRIED_WHOLE = 8         # detections, and twice as many, with which it is
MENDED = 11             # detections up to which a young track is searched for one that is not its own
POOR = 1.5              # fading mean innovation from which it is: one sound track in fifty
# 1e4 m²/kg over a subsonic C of 1, and spread of its logarithm: drag of tumbling pieces, BC 55 to 180 kg/m² within one;
# illustrative
TORN = 100.0, 0.6
TORN_LEAST = 30.0       # the same of the least of them, BC 330 kg/m²: a tenth of a round's
# Log-likelihoods behind the best from which a drag law is no longer followed, in the first detections and later, and
# the loose hypothesis: small lift shows late
EARLY_BEHIND, BEHIND, LOOSE_BEHIND = 20.0, 12.0, 20.0
# log-likelihood that a detection left out counts as having lost; its own is 2.8 on average (chi-squared of 20 among 4)
STRANGE = 7.0


@njit(cache=True, error_model="numpy")
def kind_of(m: int, laws: int, model: Model) -> tuple[int, int]:
    """Drag law and number of living states of hypothesis `m`, of which the first `laws` are
    ballistic; STRAIGHT and 6 of the others.

    model  laws, priors, air and sensors that all tracks share

    Asked for instead of written out: a number that stands in a call would have everything below it
    compiled once more for just that number.
    """
    return (model.curve[m], model.living[m]) if m < laws else (STRAIGHT, 6)


@njit(cache=True, error_model="numpy")
def onward(x: Array, P: Array, dt: float, m: int, relief: float, model: Model, F: Array, T: Array) -> None:
    """State `x` and covariance `P` of ballistic hypothesis `m` move on by `dt` seconds, in place,
    with all that may act on it.

    relief  m²/s³, white acceleration beyond what the hypothesis expects
    model   laws, priors, air and sensors that all tracks share
    F       (6, STATES) growth of errors, written
    T       (6, STATES) work space
    """
    before = x.copy()
    n = model.living[m]
    flow(x, dt, model.curve[m], model.drags, model.air, model.earth, n, F)
    carry(P, F, n, model.doubt[m, 0] + relief, dt, T)
    loosen(before, x, P, m, model)


@njit(cache=True, error_model="numpy")
def loosen(first: Array, last: Array, P: Array, m: int, model: Model) -> None:
    """Covariance `P` of a flight from state `first` to state `last` by hypothesis `m` gains, in
    place, the doubt of drag curve and wind along it.

    model  laws, priors, air and sensors that all tracks share
    """
    P[DRAG, DRAG] += model.doubt[m, 1] * last[DRAG] * last[DRAG] * drag_doubt(first, last)
    if model.living[m] > WIND:
        gained = model.doubt[m, 2] * abs(last[2] - first[2])
        P[WIND, WIND] += gained
        P[WIND + 1, WIND + 1] += gained


@njit(cache=True, error_model="numpy")
def pays(count: int) -> bool:
    """Whether a track of `count` detections is fitted again from its start: beyond 24, filter and
    fit agree (figures in docs/models/filters.md).
    """
    return (count == 3 or count == 4 or count == 5 or count == 6 or count == 8 or count == 11 or count == 16
        or count == 24)


@njit(cache=True, error_model="numpy")
def rigid(b: Block, i: int, law: int) -> bool:
    """Whether one drag for all that track `i` has flown is close enough to fit it: a few
    detections, or little change of Mach number.

    b    the track table
    law  row of the drag law
    """
    return b.kept[i] < SURELY_RIGID or drag_doubt(b.anchor[i, law], b.x[i, law]) < RIGID


@njit(cache=True, error_model="numpy")
def advance(b: Block, t: float, which: Array, model: Model) -> None:
    """Moves the tracks of mask `which` (n,) on to time `t`, never back.

    b      the track table
    model  laws, priors, air and sensors that all tracks share
    """
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
            onward(b.x[i, law], b.p[i, law], dt, law, RELIEF * over * over, model, F, T)
        if b.alive[i, laws]:
            _mix(b, i, laws, dt)
            straight, six = kind_of(laws, laws, model)
            for m in range(laws, laws + 2):
                flow(b.x[i, m], dt, straight, model.drags, model.air, model.earth, six, F)
                carry(b.p[i, m], F, six, CALM if m == laws else TURNING, dt, T)
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
                b.p[i, calm + m, r, c] = (1.0 - w) * pa[r, c] + w * pb[r, c] + w * (1.0 - w) * (xa[r] - xb[r]) * (xa[c]
                    - xb[c])
    b.turn[i] = after


@njit(cache=True, error_model="numpy")
def best_law(b: Block, i: int) -> int:
    """The drag law of track `i` with the greatest evidence among those still followed; -1 none.

    b  the track table
    """
    best = -1
    for law in range(b.x.shape[1] - 2):
        if b.alive[i, law] and (best < 0 or b.ll[i, law] > b.ll[i, best]):
            best = law
    return best


@njit(cache=True, error_model="numpy")
def odds(b: Block, i: int) -> float:
    """Log odds of ballistic against any other flight of track `i`, from evidence and birth place.

    b  the track table
    """
    laws = b.x.shape[1] - 2
    top = -np.inf
    for law in range(laws):
        top = max(top, b.ll[i, law])
    total = 0.0
    for law in range(laws):
        total += math.exp(b.ll[i, law] - top)
    return b.prior[i] + top + math.log(total / (laws - 1)) - b.ll[i, laws]


@njit(cache=True, error_model="numpy")
def gate(
    b: Block, which: Array, t: float, sensor: int, z: Array, ratio: Array, free: Array, floor: Array, model: Model,
) -> tuple[Array, Array, Array]:
    """Pairs (track, detection, cost) worth considering among tracks `which` and detections `free`
    (masks) of one sensor and time.

    z, ratio   (k, 4), (k,)  detections, rising in range, and their noise ratio
    floor      (k,)          log density of false alarms, for the dimensions each detection has
    b          the track table
    t          time of the detections [s]
    model      laws, priors, air and sensors that all tracks share
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
    apart = np.zeros(4)
    noisiest = 0.0
    for d in range(z.shape[0]):
        noisiest = max(noisiest, ratio[d])
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
            law, n = kind_of(m, laws, model)
            lagged = slopes(b.x[i, m], t - b.time[i], law, n, sensor, model, expected[used], H6, H)
            innovation(b.p[i, m], n, H if lagged else H6, S[used], T)
            weight[used] = math.log(w)
            wide = max(wide, S[used, 0, 0])
            used += 1
        if used == 0:
            continue
        leader = best_law(b, i)
        disagreement(b, i, leader if leader >= 0 else laws, sensor, model, apart)
        reach = math.sqrt(1.5 * GATE * (wide + books[0] * noisiest + apart[0]) + 1e4 * (used > 1))
        for d in range(first_beyond(z, expected[0, 0] - reach), z.shape[0]):
            if z[d, 0] > expected[0, 0] + reach:
                break
            if not free[d]:
                continue
            best, ll = np.inf, -np.inf
            for a in range(4):
                R[a] = books[a] * ratio[d] + apart[a]
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
def first_beyond(z: Array, least: float) -> int:
    """First of the detections `z` (k, 4), rising in range, whose range is at least `least`; k where
    none is.
    """
    low, high = 0, z.shape[0]
    while low < high:
        middle = (low + high) // 2
        if z[middle, 0] < least:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, error_model="numpy")
def slopes(
    x: Array, lag: float, law: int, n: int, sensor: int, model: Model, expected: Array, H6: Array, H: Array
) -> bool:
    """Expected measurement of state `x` seen `lag` seconds off its time (negative: earlier), into
    `expected`.

    law     row of the drag law
    n       number of living states
    sensor  index of the radar among the site's
    model   laws, priors, air and sensors that all tracks share

    Its slopes go into `H6` (4, 6) where there is no lag, otherwise into `H` (4, 18). Returns
    whether there is one.
    """
    if lag == 0.0:
        measure(x, model.sensors.place[sensor], expected, H6)
        return False
    y = x.copy()
    H[:] = 0.0
    F = np.zeros((6, STATES))
    flow(y, lag, law, model.drags, model.air, model.earth, n, F)
    measure(y, model.sensors.place[sensor], expected, H6)
    for a in range(4):
        for j in range(n):
            total = 0.0
            for k in range(6):
                total += H6[a, k] * F[k, j]
            H[a, j] = total
    return True


@njit(cache=True, error_model="numpy")
def improve(
    x: Array, P: Array, z: Array, R: Array, lag: float, law: int, n: int, sensor: int, model: Model, H6: Array,
    H: Array,
) -> tuple[float, float, int]:
    """State `x` and covariance `P` take detection `z` (4,) of variances `R` (4,), in place; as
    `update` returns.

    lag     time from the state to the detection [s]
    law     row of the drag law
    n       number of living states
    sensor  index of the radar among the site's
    model   laws, priors, air and sensors that all tracks share
    H6      (4, 6) slopes without lag, written
    H       (4, STATES) slopes with lag, written
    """
    expected, v = np.empty(4), np.empty(4)
    lagged = slopes(x, lag, law, n, sensor, model, expected, H6, H)
    residual(z, expected, model.sensors.span[sensor], v)
    return update(x, P, n, v, H if lagged else H6, R)


@njit(cache=True, error_model="numpy")
def absorb(
    b: Block, taken: Array, t: float, sensor: int, z: Array, ratio: Array, excess: Array, gains: Array, model: Model,
    longer: Array,
) -> None:
    """Each track takes the detection `taken` (n,) gives it, -1 none: all hypotheses improve, the
    evidence grows.

    excess  (k,) power over noise power of each detection beyond the threshold; nan unknown
    gains   (n,) what the detection adds to the track's score
    longer  (n,) mask, set for the tracks that keep one detection more now
    b       the track table
    t       time of the detections [s]
    sensor  index of the radar among the site's
    z       (k, 4) range [m], azimuth, elevation [rad], range rate [m/s]
    ratio   (k,) noise variance of each detection over the declared one
    model   laws, priors, air and sensors that all tracks share
    `reconsider` is due afterwards.
    """
    laws = b.x.shape[1] - 2
    H6 = np.empty((4, 6))
    H = np.zeros((4, STATES))
    R = np.empty(4)
    apart = np.zeros(4)
    for i in range(taken.shape[0]):
        d = taken[i]
        if d < 0:
            continue
        lag = t - b.time[i]
        leader = best_law(b, i)
        disagreement(b, i, leader if leader >= 0 else laws, sensor, model, apart)
        loose = 1.0
        for a in range(4):
            R[a] = model.sensors.variance[sensor, a] * ratio[d] + apart[a]
            if a < 2 and apart[a] > 0.0 and math.isfinite(R[a]) and apart[a] < R[a]:
                loose = max(loose, R[a] / (R[a] - apart[a]))
        shared_anew(b, i, sensor, loose)
        k = b.kept[i]
        if k == b.t.shape[1] and loose < WIDENED and powered(b, i):
            keep_from(b, i, 1, 0.0)     # where a motor burns, the flight that matters has yet to begin
            k -= 1
        if k < b.t.shape[1] and loose < WIDENED:
            b.t[i, k], b.sensor[i, k], b.ratio[i, k], b.past[i, k] = t, sensor, ratio[d] * loose, b.ll[i, laws]
            b.z[i, k] = z[d]
            b.kept[i] = k + 1
            longer[i] = True
        for law in range(laws):
            if not b.alive[i, law]:
                continue
            ll, nis, dims = improve(b.x[i, law], b.p[i, law], z[d], R, lag, model.curve[law], model.living[law],
                sensor, model, H6, H)
            b.ll[i, law] += ll
            b.stress[i, law] += FADE * (nis / max(dims, 1) - b.stress[i, law])
            if law == leader and loose >= WIDENED:      # no fit uses it, yet what it told counts in every later one
                for r in range(b.kept[i]):
                    b.past[i, r] += ll
        if b.alive[i, laws]:
            straight, six = kind_of(laws, laws, model)
            la, _, _ = improve(b.x[i, laws], b.p[i, laws], z[d], R, lag, straight, six, sensor, model, H6, H)
            lb, _, _ = improve(b.x[i, laws + 1], b.p[i, laws + 1], z[d], R, lag, straight, six, sensor, model, H6, H)
            la += math.log(max(1.0 - b.turn[i], 1e-12))
            lb += math.log(max(b.turn[i], 1e-12))
            top = max(la, lb)
            total = top + math.log(math.exp(la - top) + math.exp(lb - top))
            b.ll[i, laws] += total
            b.turn[i] = min(max(math.exp(lb - total), 1e-4), 1.0 - 1e-4)
        weigh(b.size[i], z[d, 0], excess[d], sensor, model)
        b.hits[i] += 1
        b.misses[i] = 0
        b.seen[i] = max(b.seen[i], t)
        b.score[i] = min(b.score[i] + gains[i], 200.0)


@njit(cache=True, error_model="numpy")
def keep_from(b: Block, i: int, first: int, cost: float) -> None:
    """Track `i` keeps its detections from `first` on only; `cost` is taken off the evidence of
    other flight before each.

    b  the track table
    """
    left = b.kept[i] - first
    for d in range(left):
        b.t[i, d], b.sensor[i, d], b.ratio[i, d] = b.t[i, first + d], b.sensor[i, first + d], b.ratio[i, first + d]
        b.z[i, d] = b.z[i, first + d]
        b.past[i, d] = b.past[i, first + d] - cost
    b.kept[i] = left


@njit(cache=True, error_model="numpy")
def refit_one(b: Block, i: int, law: int, model: Model) -> None:
    """Fits law `law` of track `i` to every detection kept, and restates its belief and evidence
    from that.

    b      the track table
    model  laws, priors, air and sensors that all tracks share
    """
    x = np.empty(STATES)
    P = np.empty((STATES, STATES))
    x0 = b.anchor[i, law].copy()
    k = b.kept[i] + 0         # as wide as a literal: one compiled fit serves all
    evidence = fit(
        b.t[i], b.sensor[i], b.z[i], b.ratio[i], k, model.curve[law], model.living[law], model.drags, model.air,
        model.earth, model.sensors,
        model.mean[law], model.variance[law], 4 if k < 6 else 2, x0, x, P)
    if math.isfinite(evidence):
        b.anchor[i, law] = x0
        loosen(x0, x, P, law, model)
        b.x[i, law] = x
        b.p[i, law] = P
        b.ll[i, law] = evidence + b.past[i, 0] + model.favour[law]
        to_now(b, i, law, model)


@njit(cache=True, error_model="numpy")
def to_now(b: Block, i: int, m: int, model: Model) -> None:
    """Hypothesis `m` of track `i`, just fitted and so standing at its latest detection, moves on to
    the track's time: that detection may be a late one.

    b      the track table
    model  laws, priors, air and sensors that all tracks share
    """
    dt = b.time[i] - b.t[i, b.kept[i] - 1]
    if dt != 0.0:
        F, T = np.zeros((6, STATES)), np.empty((6, STATES))
        if m < b.x.shape[1] - 2:
            onward(b.x[i, m], b.p[i, m], dt, m, 0.0, model, F, T)
        else:
            straight, six = kind_of(m, b.x.shape[1] - 2, model)
            flow(b.x[i, m], dt, straight, model.drags, model.air, model.earth, six, F)
            carry(b.p[i, m], F, six, CALM, dt, T)


@njit(cache=True, error_model="numpy")
def weigh(size: Array, distance: float, excess: float, sensor: int, model: Model) -> None:
    """Log-likelihood of each cross-section, `size` (SIZES,) in place, hears one echo more.

    distance  range of the echo [m]
    excess    signal-to-noise ratio of the echo [dB]
    sensor    index of the radar among the site's
    model     laws, priors, air and sensors that all tracks share

    Power beyond the threshold is exponential with the mean of the power itself where the
    cross-section is (Swerling 1, square-law detection): what lies below it was not seen. Older
    echoes fade, as the aspect changes.
    """
    if not math.isfinite(excess) or not math.isfinite(model.strength[sensor]):
        return
    for g in range(SIZES):
        mean = 1.0 + model.strength[sensor] * CROSS_SECTIONS[g] / distance**4
        size[g] = SIZE_FADE * size[g] - math.log(mean) - excess / mean


@njit(cache=True, error_model="numpy")
def from_ends(
    t: Array, sensor: Array, z: Array, ratio: Array, k: int, m: int, model: Model, x0: Array, x: Array, P: Array,
) -> float:
    """Fits hypothesis `m` to `k` detections, guessing from the first and the last of them; `x0`,
    `x`, `P` and what is returned are as of `fit`.

    t       (k,) times of the detections [s]
    sensor  (k,) index of the radar of each detection
    z       (k, 4) range [m], azimuth, elevation [rad], range rate [m/s]
    ratio   (k,) noise variance of each detection over the declared one
    model   laws, priors, air and sensors that all tracks share
    """
    a, c = np.empty(3), np.empty(3)
    first, last = model.sensors.place[sensor[0]], model.sensors.place[sensor[k - 1]]
    cartesian(z[0, 0], z[0, 1], z[0, 2], first, a)
    cartesian(z[k - 1, 0], z[k - 1, 1], z[k - 1, 2], last, c)
    dt = t[k - 1] - t[0]
    along = 0.0
    for j in range(3):
        along += (a[j] - first[j]) / z[0, 0] * (c[j] - a[j]) / dt
    rate = z[0, 3] if math.isfinite(z[0, 3]) else along
    x0[:] = model.mean[m]
    for j in range(3):
        x0[j] = a[j]
        x0[3 + j] = (c[j] - a[j]) / dt + (rate - along) * (a[j] - first[j]) / z[0, 0]
    law, n = kind_of(m, model.mean.shape[0] - 1, model)
    return fit(
        t, sensor, z, ratio, k, law, n, model.drags, model.air, model.earth, model.sensors,
        model.mean[m], model.variance[m], 4 if k == 2 else 6, x0, x, P)


@njit(cache=True, error_model="numpy")
def begin(b: Block, i: int, model: Model) -> None:
    """Fits every hypothesis of track `i` to the detections that it keeps, from nothing.

    b      the track table
    model  laws, priors, air and sensors that all tracks share
    """
    laws = b.x.shape[1] - 2
    k = b.kept[i] + 0         # as wide as a literal: one compiled fit serves all
    x, P = np.empty(STATES), np.empty((STATES, STATES))
    for m in range(laws + 1):
        x0 = b.anchor[i, m]
        evidence = from_ends(b.t[i], b.sensor[i], b.z[i], b.ratio[i], k, m, model, x0, x, P)
        b.alive[i, m] = math.isfinite(evidence)
        if not b.alive[i, m]:
            evidence = -1e6
            x[:] = x0
            P[:] = 0.0
            for j in range(STATES):
                P[j, j] = 1e4
        elif m < laws:
            evidence += model.favour[m]
            loosen(x0, x, P, m, model)
        b.x[i, m], b.p[i, m], b.ll[i, m], b.stress[i, m] = x, P, evidence, 1.0
        to_now(b, i, m, model)
    b.alive[i, laws + 1] = b.alive[i, laws]
    b.x[i, laws + 1], b.p[i, laws + 1] = b.x[i, laws], b.p[i, laws]
    b.turn[i] = FIRST_TURN
    if b.alive[i, laws]:
        turning(b, i, k, x, P, model)


@njit(cache=True, error_model="numpy")
def turning(b: Block, i: int, k: int, x: Array, P: Array, model: Model) -> None:
    """Lets turning flight explain the first `k` detections of track `i` too, each in its turn, and
    weighs it against straight flight.

    x, P   (18,), (18, 18) scratch
    b      the track table
    model  laws, priors, air and sensors that all tracks share

    Straight flight fitted to them as a whole cannot: whatever pulls up or brakes would pass for a
    round, which has drag to explain it.
    """
    laws = b.x.shape[1] - 2
    straight, six = kind_of(laws, laws, model)
    x0, H6, H, R = model.mean[laws].copy(), np.empty((4, 6)), np.zeros((4, STATES)), np.empty(4)
    F, T, start = np.zeros((6, STATES)), np.empty((6, STATES)), np.empty(3)
    place = model.sensors.place[b.sensor[i, 0]]
    cartesian(b.z[i, 0, 0], b.z[i, 0, 1], b.z[i, 0, 2], place, start)
    rate = b.z[i, 0, 3] if math.isfinite(b.z[i, 0, 3]) else 0.0
    for r in range(3):
        x0[r] = start[r]
        x0[3 + r] = rate * (start[r] - place[r]) / b.z[i, 0, 0]
    one = min(k, 1)         # as wide as a literal: one compiled fit serves all
    evidence = fit(
        b.t[i], b.sensor[i], b.z[i], b.ratio[i], one, straight, six, model.drags, model.air, model.earth, model.sensors,
        model.mean[laws], model.variance[laws], 4, x0, x, P)
    for d in range(1, k):
        dt = b.t[i, d] - b.t[i, d - 1]
        if dt != 0.0:
            flow(x, dt, straight, model.drags, model.air, model.earth, six, F)
            carry(P, F, six, TURNING, dt, T)
        for a in range(4):
            R[a] = model.sensors.variance[b.sensor[i, d], a] * b.ratio[i, d]
        gain, _, _ = improve(x, P, b.z[i, d], R, 0.0, straight, six, b.sensor[i, d], model, H6, H)
        evidence += gain
    if not math.isfinite(evidence):
        return
    calm, turn = b.ll[i, laws] + math.log(1.0 - FIRST_TURN), evidence + math.log(FIRST_TURN)
    top = max(calm, turn)
    b.ll[i, laws] = top + math.log(math.exp(calm - top) + math.exp(turn - top))
    b.turn[i] = min(max(math.exp(turn - b.ll[i, laws]), 1e-4), 1.0 - 1e-4)
    b.x[i, laws + 1], b.p[i, laws + 1] = x, P
    to_now(b, i, laws + 1, model)


@njit(cache=True, error_model="numpy")
def mend(b: Block, i: int, model: Model) -> None:
    """Where a young track agrees with itself poorly, leaves out one detection, or its first two, if
    the rest then agree so much better.

    b      the track table
    i      row of the track
    model  laws, priors, air and sensors that all tracks share

    Rounds fired side by side start within each other's reach: a track may begin with a detection of
    its neighbour. Each one left out counts as having lost STRANGE; the latest stays, as it may be
    the first of its own.
    """
    k = b.kept[i] + 0         # as wide as a literal: one compiled fit serves all
    best = best_law(b, i)
    if k > MENDED or best < 0 or b.stress[i, best] < POOR:
        return
    laws = b.x.shape[1] - 2
    before = max(b.ll[i, best], b.ll[i, laws]) if b.alive[i, laws] else b.ll[i, best]
    t, sensor, z, ratio = np.empty(k), np.empty(k, np.int32), np.empty((k, 4)), np.empty(k)
    x0, x, P = np.empty(STATES), np.empty(STATES), np.empty((STATES, STATES))
    most, choice = 0.0, -1
    for trial in range(k):          # the first; one of those between; the first two
        drops = 1 if trial < k - 1 else 2
        if k - drops < 2:
            continue
        n = 0
        for d in range(k):
            if (drops == 2 and d < 2) or (drops == 1 and d == trial):
                continue
            t[n], sensor[n], z[n], ratio[n] = b.t[i, d], b.sensor[i, d], b.z[i, d], b.ratio[i, d]
            n += 1
        evidence = from_ends(t, sensor, z, ratio, k - drops, best, model, x0, x, P)
        if evidence - STRANGE * drops - before > most:
            most, choice = evidence - STRANGE * drops - before, trial
    if choice < 0:
        return
    n = 0
    for d in range(k):
        if (choice == k - 1 and d < 2) or (choice < k - 1 and d == choice):
            continue
        b.t[i, n], b.sensor[i, n], b.z[i, n], b.ratio[i, n] = b.t[i, d], b.sensor[i, d], b.z[i, d], b.ratio[i, d]
        n += 1
    b.kept[i] = n
    b.born[i] = b.t[i, 0]
    begin(b, i, model)
    for d in range(n):              # of straight flight's evidence no history is left: in equal parts
        b.past[i, d] = b.ll[i, laws] * max(d - 1, 0) / n if b.alive[i, laws] else 0.0


@njit(cache=True, error_model="numpy")
def powered(b: Block, i: int) -> bool:
    """Whether track `i` may be a rocket whose motor burns or has just burnt out: young, fast and
    not diving.

    b  the track table
    """
    laws = b.x.shape[1] - 2
    if not b.alive[i, laws] or b.seen[i] - b.born[i] > LONGEST_BURN:
        return False
    v = b.x[i, laws + 1 if b.turn[i] > 0.5 else laws]
    speed = math.sqrt(v[3] * v[3] + v[4] * v[4] + v[5] * v[5])
    return speed >= BURNING_SPEED and v[5] >= -DIVING * speed


@njit(cache=True, error_model="numpy")
def burnt_out(b: Block, i: int, model: Model) -> None:
    """Tries whether the latest detections of a track that may be a rocket obey a drag law without
    those before: its motor may just have burnt out.

    b      the track table
    i      row of the track
    model  laws, priors, air and sensors that all tracks share

    A flight that does not obey its law is tried from its last AFRESH detections; one that does, now
    and then, without its first few: the motor's last moment may be among them.
    """
    laws = b.x.shape[1] - 2
    k = b.kept[i] + 0         # as wide as a literal: one compiled fit serves all
    best = best_law(b, i)
    if k < AFRESH + 1 or not powered(b, i):
        return
    climbs = b.x[i, laws + 1 if b.turn[i] > 0.5 else laws, 5] >= CLIMBING and b.seen[i] - b.born[i] <= USUAL_BURN
    cost = AFRESH_COST if climbs else LATE_COST
    if best < 0 or b.stress[i, best] >= STRESSED:
        guess = b.x[i, laws + 1 if b.turn[i] > 0.5 else laws].copy()
        for r in range(3):
            guess[r] -= guess[3 + r] * (b.t[i, k - 1] - b.t[i, k - AFRESH])
        afresh(b, i, k - AFRESH, max(best, 0), guess, True, cost, model)
    elif k == TRIED_WHOLE or k == 2 * TRIED_WHOLE:
        for s in range(1, min(SHED, k - AFRESH) + 1):
            guess = b.x[i, best].copy()
            flow(
                guess, b.t[i, s] - b.time[i], model.curve[best], model.drags, model.air, model.earth,
                model.living[best],
                np.empty((6, STATES)))
            if afresh(b, i, s, best, guess, False, cost, model):
                return


@njit(cache=True, error_model="numpy")
def afresh(b: Block, i: int, s: int, best: int, guess: Array, unsure: bool, cost: float, model: Model) -> bool:
    """Restates track `i` from its detections `s` and later, if law `best` explains them so much
    better; says whether it did.

    guess   (18,) state at detection `s`, of which drag and wind are taken only where it is not
            `unsure`

    cost    log-likelihood that the start costs
    b       the track table
    model   laws, priors, air and sensors that all tracks share

    The detections before count as flight under power, with the evidence that straight or turning
    flight gave them.
    """
    laws = b.x.shape[1] - 2
    k = b.kept[i] + 0
    x0, x, P = np.empty(STATES), np.empty(STATES), np.empty((STATES, STATES))
    t, sensor, z, ratio = b.t[i, s:k].copy(), b.sensor[i, s:k].copy(), b.z[i, s:k].copy(), b.ratio[i, s:k].copy()
    before = b.ll[i, best] if b.alive[i, best] else -np.inf
    for turn in range(laws + 1):
        law = best if turn == 0 else turn - 1
        if turn > 0 and law == best:
            continue
        x0[:] = model.mean[law]
        x0[:6] = guess[:6]
        if not unsure:
            x0[DRAG] = max(guess[DRAG] * model.mean[law, DRAG] / model.mean[best, DRAG], 0.05 * model.mean[law, DRAG])
        evidence = model.favour[law] + fit(
            t, sensor, z, ratio, k - s, model.curve[law], model.living[law], model.drags, model.air, model.earth,
            model.sensors, model.mean[law], model.variance[law], 6, x0, x, P)
        if turn == 0 and not evidence + b.past[i, s] - cost > before:
            return False
        b.alive[i, law] = math.isfinite(evidence)
        if not b.alive[i, law]:
            b.ll[i, law] = -1e6
            continue
        b.anchor[i, law] = x0
        loosen(x0, x, P, law, model)
        b.x[i, law], b.p[i, law] = x, P
        b.ll[i, law] = evidence + b.past[i, s] - cost
        b.stress[i, law] = 1.0
        to_now(b, i, law, model)
    keep_from(b, i, s, cost)
    return True


@njit(cache=True, error_model="numpy")
def try_torn(b: Block, i: int, model: Model) -> None:
    """Where a young track's drag law fails, says how much better than all else the fall of a light,
    torn piece explains it: `b.ll[i, -1]`.

    model  laws, priors, air and sensors that all tracks share

    Such a piece loses half its speed in a second and is soon falling at its terminal speed, as
    nothing that flies does. Log evidence over that of the best other hypothesis; 0 where it was
    never tried or has less drag than a piece surely has.
    """
    laws = b.x.shape[1] - 2
    k = b.kept[i] + 0         # as wide as a literal: one compiled fit serves all
    best = best_law(b, i)
    if best < 0 or not b.alive[i, laws] or (b.stress[i, best] < STRESSED and odds(b, i) > 0.0):
        return
    x0, x, P = np.empty(STATES), np.empty(STATES), np.empty((STATES, STATES))
    two = min(k, 3)
    mean, variance = model.mean[best].copy(), model.variance[best].copy()
    unit = mean[6] / KAPPA_MEDIAN
    guess = from_ends(b.t[i], b.sensor[i], b.z[i], b.ratio[i], two, laws, model, x0, x, P)
    if not math.isfinite(guess):
        return
    mean[6], variance[6] = TORN[0] * unit, TORN[1] ** 2
    x0[6:] = mean[6:]
    evidence = fit(
        b.t[i], b.sensor[i], b.z[i], b.ratio[i], k, model.curve[best], model.n, model.drags, model.air, model.earth,
        model.sensors,
        mean, variance, 4 if k == 2 else 8, x0, x, P)
    other = max(b.ll[i, best], b.ll[i, laws])
    sure = math.isfinite(evidence) and x[6] - 2.0 * math.sqrt(P[6, 6]) > TORN_LEAST * unit
    if sure:
        b.ll[i, laws + 1] = max(b.ll[i, laws + 1], evidence + b.past[i, 0] - other)


@njit(cache=True, error_model="numpy")
def reconsider(b: Block, taken: Array, longer: Array, model: Model) -> None:
    """After the tracks of mask `taken` (n,) took a detection: those `longer` (n,) now are fitted
    again where it pays, and what is ruled out is dropped.

    b      the track table
    model  laws, priors, air and sensors that all tracks share

    Not part of `absorb`, though it always follows it: apart, the two compile in half the time.
    """
    for i in range(taken.shape[0]):
        if longer[i]:
            if pays(b.kept[i]):
                for law in range(b.x.shape[1] - 2):
                    if b.alive[i, law] and rigid(b, i, law):
                        refit_one(b, i, law, model)
                mend(b, i, model)
                try_torn(b, i, model)
            burnt_out(b, i, model)
        if taken[i]:
            prune(b, i)


@njit(cache=True, error_model="numpy")
def prune(b: Block, i: int) -> None:
    """Stops following hypotheses that the evidence has left far behind.

    b  the track table
    i  row of the track
    """
    laws = b.x.shape[1] - 2
    best = best_law(b, i)
    age = b.seen[i] - b.born[i]
    if best < 0:
        return
    far = EARLY_BEHIND if b.hits[i] < SURELY_RIGID else BEHIND
    for law in range(laws):
        if b.ll[i, law] < b.ll[i, best] - (far if law < laws - 1 else LOOSE_BEHIND):
            b.alive[i, law] = False
    loose = b.x[i, laws - 1]
    if b.alive[i, laws - 1] and (abs(loose[LIFT]) > MOST_LIFT or abs(loose[ASKEW]) > MOST_LIFT):
        b.alive[i, laws - 1] = False        # what is carried flies
        b.ll[i, laws - 1] = -1e6
        best = best_law(b, i)
        if best < 0:
            return
    if b.alive[i, laws]:
        if age > 6.0 and b.ll[i, best] < b.ll[i, laws] - 40.0 and not powered(b, i):
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
