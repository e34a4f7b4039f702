"""Whether a track should have been seen, when it ends, and what its hypotheses say together."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from skywarden.defence.tracking.filter import CALM, FASTEST, TURNING, advance, best_law, kind_of, odds, onward
from skywarden.defence.tracking.state import Block, Model
from skywarden.kernels.estimation.measure import measure, wrap
from skywarden.kernels.estimation.motion import DRAG, KAPPA, STATES, carry, drag_now, flow
from skywarden.kernels.geometry.ground import Ground, ground_up
from skywarden.kernels.geometry.sight import in_sight
from skywarden.messages.tables import Array

# s outside all coverage until a track ends; overhead too
UNSEEN_YOUNG, UNSEEN_AIRCRAFT, UNSEEN_PROJECTILE = 4.0, 12.0, 12.0
EDGE = 60.0             # m, at most so near the limits of coverage a track may be unseen without being missed
ESTABLISHED = 20        # detections from which a track is no longer young
# probability that a track still there would be missed so often: with 2, up to 4, more, ESTABLISHED detections
MISSED = (2e-2, 2e-3, 1e-5, 1e-7)
UNRESOLVED = 0.3        # probability of a detection of its own, where another track in the same resolution cell had one
WITHIN = 1.3            # cells apart, as far as the tracks know, at most for that


@njit(cache=True, error_model="numpy")
def conclude(
    b: Block, before: Array, now: float, t: float, looked: Array, sector_from: Array, sector_width: Array,
    model: Model, ground: Ground,
) -> tuple[bool, Array, bool]:
    """All looks of a frame done, every track stands at time `now`, its misses are counted, and a
    mask (n,) says which end; in place.

    before        (n,) hits before the frame
    b             the track table
    t             time by which a track would have been seen [s]
    looked        (radars,) time of each radar's latest look [s]
    sector_from   (radars,) azimuth where the look began [rad]
    sector_width  (radars,) width of the look [rad]
    model         laws, priors, air and sensors that all tracks share
    ground        heights of the terrain
    Returns first whether any number is not one: then nothing has been counted; and last whether any
    track ends.
    """
    advance(b, now, np.ones(b.time.shape[0], np.bool_), model)
    if broken(b):
        return True, np.zeros(b.time.shape[0], np.bool_), False
    lead = leading(b)
    chance, above = coverage(b, lead, before, looked, sector_from, sector_width, model, ground)
    ending = missed(b, lead, before, chance, above, t, model)
    return False, ending, bool(ending.any())


@njit(cache=True, error_model="numpy")
def leading(b: Block) -> Array:
    """The hypothesis (n,) that is believed most of each track.

    b  the track table
    """
    laws = b.x.shape[1] - 2
    out = np.empty(b.time.shape[0], np.int64)
    for i in range(out.shape[0]):
        best = best_law(b, i)
        out[i] = laws if b.turn[i] < 0.5 else laws + 1
        if best >= 0 and (not b.alive[i, laws] or odds(b, i) > 0.0):
            out[i] = best
    return out


@njit(cache=True, error_model="numpy")
def coverage(
    b: Block, lead: Array, before: Array, looked: Array, sector_from: Array, sector_width: Array, model: Model,
    ground: Ground,
) -> tuple[Array, Array]:
    """For each track: probability that this frame's looks would have seen it (0 outside coverage),
    and its height above the ground.

    lead          (n,) each track's leading hypothesis
    before        (n,) hits before the frame: only where a track had none now it is asked whether
                  terrain hides it or a neighbour's echo holds its own
    b             the track table
    looked        (radars,) time of each radar's latest look [s]
    sector_from   (radars,) azimuth where the look began [rad]
    sector_width  (radars,) width of the look [rad]
    model         laws, priors, air and sensors that all tracks share
    """
    n = b.time.shape[0]
    place = np.empty((1, 3))
    hilly = ground.up.size > 1
    chance = np.zeros(n)
    above = np.zeros(n)
    for i in range(n):
        x, p = b.x[i, lead[i]], b.p[i, lead[i]]
        above[i] = x[2] - ground_up(ground, x[0], x[1])
        for s in range(looked.shape[0]):
            if not looked[s]:
                continue
            dx, dy, dz = x[0] - model.sensors.place[s, 0], x[1] - model.sensors.place[s,
                1], x[2] - model.sensors.place[s, 2]
            h = math.sqrt(dx * dx + dy * dy)
            r = math.sqrt(h * h + dz * dz)
            spread = min(math.sqrt((p[0, 0] + p[1, 1] + p[2, 2]) / 3.0), EDGE)
            low = model.limits[s]
            if r < low[0] + spread or r > low[1] - spread:
                continue
            el, margin = math.atan2(dz, h), spread / max(r, 1.0)
            if el < low[2] + margin or el > low[3] - margin:
                continue
            az = math.atan2(dx, dy)
            if low[5] < 6.28 and (az - low[4]) % (2.0 * math.pi) > low[5]:
                continue
            if sector_width[s] < 6.28 and (az - sector_from[s]) % (2.0 * math.pi) > sector_width[s]:
                continue
            seen = model.pd[s]
            if b.hits[i] <= before[i]:
                place[0] = x[:3]
                if hilly and not in_sight(ground, model.sensors.place[s], place)[0]:
                    continue
                if model.cell[s, 0] > 0.0 and shared(b, i, lead, before, s, model):
                    seen = min(seen, UNRESOLVED)
            chance[i] = 1.0 - (1.0 - chance[i]) * (1.0 - seen)
    return chance, above


@njit(cache=True, error_model="numpy")
def shared(b: Block, i: int, lead: Array, before: Array, s: int, model: Model) -> bool:
    """Whether a track that had a detection in this frame is within radar `s`'s resolution of track
    `i`, which had none.

    b       the track table
    lead    (n,) leading hypothesis of each track
    before  (n,) hits of each track before the frame
    model   laws, priors, air and sensors that all tracks share
    """
    one, other, H = np.empty(4), np.empty(4), np.empty((4, 6))
    measure(b.x[i, lead[i]], model.sensors.place[s], one, H)
    for j in range(b.time.shape[0]):
        if j == i or b.hits[j] <= before[j]:
            continue
        measure(b.x[j, lead[j]], model.sensors.place[s], other, H)
        if abs(one[0] - other[0]) < WITHIN * model.cell[s, 0] and abs(wrap(one[1] - other[1])) < WITHIN * model.cell[s,
                1] and (
                abs(one[2] - other[2]) < WITHIN * model.cell[s, 2] and abs(one[3] - other[3]) < WITHIN * model.cell[s,
                    3]):
            return True
    return False


@njit(cache=True, error_model="numpy")
def missed(b: Block, lead: Array, before: Array, chance: Array, above: Array, t: float, model: Model) -> Array:
    """Counts this frame's hits and misses, and says which tracks end (mask).

    b       the track table
    lead    (n,) leading hypothesis of each track
    before  (n,) hits of each track before the frame
    chance  (n,) probability that the frame's looks would have seen each track
    above   (n,) whether each track is above the ground
    t       time by which a track would have been seen [s]
    model   laws, priors, air and sensors that all tracks share
    """
    n = b.time.shape[0]
    ending = np.zeros(n, np.bool_)
    laws = b.x.shape[1] - 2
    for i in range(n):
        if b.hits[i] > before[i]:
            b.rate[i] += 0.1 * (1.0 - b.rate[i])
        elif chance[i] > 0.0:
            b.misses[i] += 1
            b.rate[i] += 0.1 * (0.0 - b.rate[i])
            b.score[i] += math.log(1.0 - chance[i])
        # how well it was seen before it was missed: each miss took a tenth
        seen = b.rate[i] / 0.9 ** b.misses[i]
        pd = min(max(min(seen, chance[i] if chance[i] > 0.0 else 1.0), 0.3), 0.98)
        bound = MISSED[3] if b.hits[i] >= ESTABLISHED else MISSED[2] if b.hits[i] > 4 else MISSED[1] if b.hits[
            i] > 2 else MISSED[0]
        allowed = max(2, math.ceil(math.log(bound) / math.log(1.0 - pd) - 1e-9))
        m = lead[i]
        if b.number[i] == 0:
            ending[i] = b.score[i] < 0.5 * model.worth[b.sensor[i, 0]] or b.misses[i] >= 2 or t - b.seen[i] > max(2.5,
                model.patience)
        else:
            unseen = UNSEEN_PROJECTILE if m < laws else (UNSEEN_AIRCRAFT if b.hits[i] > ESTABLISHED else UNSEEN_YOUNG)
            ending[i] = b.misses[i] >= allowed or (chance[i] == 0.0 and t - b.seen[i] > max(unseen, model.patience))
        if above[i] < 0.0 and t > b.seen[i]:
            ending[i] = True
        if above[i] < -50.0:
            ending[i] = True
        v2 = b.x[i, m, 3] ** 2 + b.x[i, m, 4] ** 2 + b.x[i, m, 5] ** 2
        if not (math.isfinite(b.x[i, m, 0]) and v2 < FASTEST * FASTEST):
            ending[i] = True
    return ending


@njit(cache=True, error_model="numpy")
def opinions(b: Block, rows: Array, t: float, model: Model) -> tuple[Array, Array, Array]:
    """State (n, 7), covariance (n, 7, 7) and likeliest drag law of tracks `rows` (n,), hypotheses
    matched in mean and covariance, at time `t`.

    b      the track table
    model  laws, priors, air and sensors that all tracks share
    """
    n = rows.shape[0]
    laws = b.x.shape[1] - 2
    state, covariance, law = np.zeros((n, 7)), np.zeros((n, 7, 7)), np.zeros(n, np.int32)
    w = np.zeros(laws + 2)
    F = np.zeros((6, STATES))
    T = np.empty((6, STATES))
    slope = np.empty(STATES)
    x, P = np.empty((laws + 2, STATES)), np.empty((laws + 2, STATES, STATES))
    for k in range(n):
        i = rows[k]
        best = best_law(b, i)
        law[k] = model.curve[max(best, 0)]
        _weights(b, i, best, w)
        total = 0.0
        for m in range(laws + 2):
            if w[m] < 1e-3:
                w[m] = 0.0
                continue
            total += w[m]
            x[m], P[m] = b.x[i, m], b.p[i, m]
            dt = t - b.time[i]
            if dt != 0.0:
                if m < laws:
                    onward(x[m], P[m], dt, m, 0.0, model, F, T)
                else:
                    straight, six = kind_of(m, laws, model)
                    flow(x[m], dt, straight, model.drags, model.air, model.earth, six, F)
                    carry(P[m], F, six, CALM if m == laws else TURNING, dt, T)
        for m in range(laws + 2):
            if w[m] > 0.0:
                for r in range(6):
                    state[k, r] += w[m] / total * x[m, r]
        kappa, weight, kappa_variance = _drag_of(b, i, w, best, model.earth.datum, slope)
        state[k, 6] = kappa / weight * KAPPA if weight > 0.0 else 0.0
        covariance[k, 6, 6] = kappa_variance / weight * KAPPA * KAPPA if weight > 0.0 else KAPPA * KAPPA
        for m in range(laws + 2):
            if w[m] == 0.0:
                continue
            for r in range(6):
                for c in range(6):
                    covariance[k, r, c] += w[m] / total * (P[m, r, c] + (x[m, r] - state[k, r]) * (x[m, c] - state[k,
                        c]))
                if m < laws:
                    drag_now(x[m], model.earth.datum, slope)
                    for c in range(STATES):
                        covariance[k, r, 6] += w[m] / total * P[m, r, c] * slope[c] * KAPPA
                    covariance[k, 6, r] = covariance[k, r, 6]
    return state, covariance, law


@njit(cache=True, error_model="numpy")
def drags_now(b: Block, law: Array, datum: float) -> tuple[Array, Array]:
    """Kappa (n,) of each track by hypothesis `law` (n,) at its present Mach number, and its
    variance.

    datum  height of the site's origin above the sea [m]
    b      the track table
    """
    n = law.shape[0]
    kappa, variance, slope = np.empty(n), np.zeros(n), np.empty(STATES)
    for i in range(n):
        kappa[i] = drag_now(b.x[i, law[i]], datum, slope)
        for r in range(DRAG, STATES):
            if slope[r] != 0.0:
                for c in range(DRAG, STATES):
                    variance[i] += slope[r] * b.p[i, law[i], r, c] * slope[c]
    return kappa, variance


@njit(cache=True, error_model="numpy")
def _weights(b: Block, i: int, best: int, w: Array) -> None:
    """Probability of every hypothesis of track `i`, into `w` (laws + 2,); `best` is its likeliest
    law, -1 none.
    """
    laws = b.x.shape[1] - 2
    share = 0.0
    if best >= 0:
        share = 1.0 / (1.0 + math.exp(-min(max(odds(b, i), -40.0), 40.0))) if b.alive[i, laws] else 1.0
    w[:] = 0.0
    if best >= 0:
        total = 0.0
        for m in range(laws):
            if b.alive[i, m]:
                w[m] = math.exp(b.ll[i, m] - b.ll[i, best])
                total += w[m]
        for m in range(laws):
            w[m] *= share / total
    if b.alive[i, laws]:
        w[laws], w[laws + 1] = (1.0 - share) * (1.0 - b.turn[i]), (1.0 - share) * b.turn[i]


@njit(cache=True, error_model="numpy")
def _drag_of(b: Block, i: int, w: Array, best: int, datum: float, slope: Array) -> tuple[float, float, float]:
    """Kappa of track `i` and its variance, both as sums over hypotheses of weights `w`, and the sum
    of weights.
    """
    kappa, weight, kappa_variance = 0.0, 0.0, 0.0
    for m in range(b.x.shape[1] - 2):
        if w[m] > 0.0 or m == best:
            u = max(w[m], 1e-9)
            kappa += u * drag_now(b.x[i, m], datum, slope)
            for r in range(STATES):
                for c in range(STATES):
                    kappa_variance += u * slope[r] * b.p[i, m, r, c] * slope[c]
            weight += u
    return kappa, weight, kappa_variance


@njit(cache=True, error_model="numpy")
def kind_odds(b: Block) -> Array:
    """Log odds (n,) of projectile against anything else, for every track.

    b  the track table
    """
    out = np.empty(b.time.shape[0])
    for i in range(out.shape[0]):
        out[i] = odds(b, i)
    return out


@njit(cache=True, error_model="numpy")
def broken(b: Block) -> bool:
    """Whether any number of any hypothesis is not one.

    b  the track table
    """
    for i in range(b.time.shape[0]):
        for m in range(b.x.shape[1]):
            total = b.ll[i, m] * 0.0
            for r in range(STATES):
                total += b.x[i, m, r] * 0.0
                for c in range(STATES):
                    total += b.p[i, m, r, c] * 0.0
            if total != 0.0:        # nan and infinity make it nan
                return True
    return False
