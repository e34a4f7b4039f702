"""What happens to all tracks at once: they move on in time and take detections. Compiled; works in
place on arrays made for this frame.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from skywarden.defence.tracking.bias import disagreement, shared_anew
from skywarden.defence.tracking.state import CROSS_SECTIONS, SIZES, Block, Model
from skywarden.kernels.estimation.kalman import update
from skywarden.kernels.estimation.measure import measure, residual
from skywarden.kernels.estimation.motion import DRAG, STATES, STRAIGHT, WIND, carry, drag_doubt, flow
from skywarden.messages.tables import Array

STRESSED = 1.9          # fading mean innovation at which noise is added (1 expected, standard deviation 0.24)
RELIEF = 2.0            # m²/s³ per squared excess of it
CALM, TURNING = 0.05, 60.0      # m²/s³, process noise of straight and of turning flight
TO_TURN, TO_CALM = 0.05, 0.25   # 1/s, rates of beginning and of ending a turn
FASTEST = 1500.0        # m/s: nothing that this system is for flies faster
# detections, variance of ln(kappa) gained, up to which a flight is fitted by one drag as a whole
SURELY_RIGID, RIGID = 8, 0.004
FADE = 0.2
# variance of a detection over that of its noise alone, for the radars' errors, from which no fit of a start uses it
WIDENED = 2.0
SIZE_FADE = 0.96        # an echo: some 25 echoes tell a track's cross-section
LONGEST_BURN = 14.0     # s after birth until which that is tried
BURNING_SPEED, DIVING = 100.0, 0.2      # m/s, share of the speed: a rocket under power is faster, and sinks no steeper


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
    H6, H, R, apart = np.empty((4, 6)), np.zeros((4, STATES)), np.empty(4), np.zeros(4)
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
            _improve_other(b, i, z[d], R, lag, sensor, model, H6, H)
        weigh(b.size[i], z[d, 0], excess[d], sensor, model)
        b.hits[i] += 1
        b.misses[i] = 0
        b.seen[i] = max(b.seen[i], t)
        b.score[i] = min(b.score[i] + gains[i], 200.0)


@njit(cache=True, error_model="numpy")
def _improve_other(
    b: Block, i: int, z: Array, R: Array, lag: float, sensor: int, model: Model, H6: Array, H: Array
) -> None:
    """Straight and turning flight of track `i` take detection `z` (4,); which of them it is, and
    the evidence for either, follow.
    """
    laws = b.x.shape[1] - 2
    straight, six = kind_of(laws, laws, model)
    la, _, _ = improve(b.x[i, laws], b.p[i, laws], z, R, lag, straight, six, sensor, model, H6, H)
    lb, _, _ = improve(b.x[i, laws + 1], b.p[i, laws + 1], z, R, lag, straight, six, sensor, model, H6, H)
    la += math.log(max(1.0 - b.turn[i], 1e-12))
    lb += math.log(max(b.turn[i], 1e-12))
    top = max(la, lb)
    total = top + math.log(math.exp(la - top) + math.exp(lb - top))
    b.ll[i, laws] += total
    b.turn[i] = min(max(math.exp(lb - total), 1e-4), 1.0 - 1e-4)


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
