"""Tracks fitted again to the detections that they keep: begun, mended, turned, fitted afresh where
a rocket's motor has burnt out, or tried as a light, torn fragment.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from skywarden.defence.tracking.filter import (
    CALM,
    STRESSED,
    SURELY_RIGID,
    TURNING,
    best_law,
    improve,
    keep_from,
    kind_of,
    loosen,
    odds,
    onward,
    pays,
    powered,
    rigid,
)
from skywarden.defence.tracking.state import KAPPA_MEDIAN, Block, Model
from skywarden.kernels.estimation.fit import fit
from skywarden.kernels.estimation.measure import cartesian
from skywarden.kernels.estimation.motion import ASKEW, DRAG, LIFT, STATES, carry, flow
from skywarden.messages.tables import Array

FIRST_TURN = 0.1        # probability that flight which is not ballistic turns when it is first seen
# m/s², steady acceleration across the flight from which a thing is carried by wings, not a round that flies askew
MOST_LIFT = 4.0
AFRESH = 5              # detections from which a burnt-out rocket's flight is fitted afresh
AFRESH_COST = 3.0       # log-likelihood that every such trial costs: it is a hypothesis more
USUAL_BURN, CLIMBING = 6.0, 20.0        # s, m/s: younger and steeper, a start afresh is likely
LATE_COST = 20.0        # log-likelihood that every other one costs: aircraft turn, and are tried often
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
def from_ends(
    t: Array, sensor: Array, z: Array, ratio: Array, k: int, m: int, model: Model, x0: Array, x: Array, P: Array,
) -> float:
    """Fits hypothesis `m` to `k` detections, guessing from the first and the last of them; `x0`,
    `x`, `P` and what is returned are as of `fit`.

    t       time of the detections [s]
    sensor  index of the radar among the site's
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
