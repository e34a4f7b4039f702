"""The reference filter: batch least squares on each round's own detections, told the shape of its
drag curve but not the coefficient.

It knows the noise of every detection, when the motor stops (what is seen before does not count),
the law by which the true wind errs, and how large lift and drift may be; it never sees a false
alarm or another round's echo.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from . import flight
from .flight import AIR_STEP, BURN, DRIFT, INVERSE, LIFT, PUSH, ROLL, World, _step
from .places import Place, distance
from .radar import FLOOR, Plots
from .raids import KINDS, Raid

STEP = 0.1              # s, longest Runge-Kutta step of the reference's flights
# m, heights between which the wind's error is taken linear
KNOTS = np.array([0.0, 500.0, 1_000.0, 1_500.0, 2_000.0, 3_000.0, 4_500.0, 6_500.0, 9_500.0])
PRIOR = math.log(1.0 / 1_500.0), 1.2    # of the logarithm of the inverse coefficient: middle and standard deviation
TEMPERATURE = 3.0       # K, standard deviation of the temperature's error
FEWEST = 4              # detections
ITERATIONS = 14
ENOUGH = 0.01           # by which the last iteration lessened the cost, in chi-squared
KEEP = 2                # iterations that share one set of derivatives
# finite differences
NUDGE = np.array([1.0, 1.0, 1.0, 0.2, 0.2, 0.2, 0.01] + 2 * len(KNOTS) * [0.5] + [0.05, 0.05, 1e-4, 0.5])
WIND = 7                # first of the wind's parameters
EXTRA = WIND + 2 * len(KNOTS)   # lift up, lift to the right, drift, error of the temperature
SIZE = EXTRA + 4
UNIT = np.eye(SIZE)
EVERY = 0.5             # s between the looks of its warner
P_WARN, P_CLEAR, SURE, ROUGH = 0.25, 0.02, 0.8, 200.0      # of the plain rule: probabilities, and m
FARTHEST = 4.5          # standard deviations beyond which nothing is reckoned with
COUNT = 2_048           # nodes of a probability


class Foreseen(NamedTuple):
    """What the reference expects of one round at one time."""

    t: float                # of impact [s]
    place: np.ndarray       # (2,)
    covariance: np.ndarray  # (2, 2)


class Fit(NamedTuple):
    """One round's batch: its own detections and the belief before any of them."""

    t: np.ndarray           # (k,)
    z: np.ndarray           # (k, 4)
    inverse: np.ndarray     # (k, 4) inverse variances; 0 where not measured
    place: np.ndarray       # (k, 3) of the radar
    arrival: np.ndarray     # (k,)
    span: float
    prior: np.ndarray       # (SIZE,) middle
    weight: np.ndarray      # (SIZE, SIZE) inverse covariance of the prior
    free: np.ndarray        # parameters that are estimated
    curve: np.ndarray
    told: np.ndarray        # parameters of the flight that it is told
    age: float              # of the round at the first detection [s]


@njit(cache=True)
def _predict(theta, t, place, curve, told, age, world, out, knots, until_ground):
    """Fills `out` (k, 4) with the polar places at times `t`; returns time after t[0] and place
    of impact, nan where it stays up.
    """
    p = told.copy()
    p[INVERSE] = math.exp(theta[6])
    p[LIFT] = math.sqrt(theta[EXTRA] ** 2 + theta[EXTRA + 1] ** 2)
    p[ROLL] = math.atan2(theta[EXTRA + 1], theta[EXTRA])
    p[DRIFT] = theta[EXTRA + 2]
    table = world.air.copy()
    m, j = knots.shape[0], 0
    for i in range(table.shape[0]):
        h = min(i * AIR_STEP, knots[m - 1])
        while j < m - 2 and h > knots[j + 1]:
            j += 1
        f = (h - knots[j]) / (knots[j + 1] - knots[j])
        for c in range(2):
            table[i, 2 + c] += theta[7 + 2 * j + c] * (1.0 - f) + theta[7 + 2 * (j + 1) + c] * f
    for i in range(table.shape[0]):
        # of the speed of sound; that of the density is the coefficient's
        table[i, 1] *= 1.0 + 0.5 * theta[EXTRA + 3] / 280.0
    air = World(world.elevation, world.latitude, table)
    s = theta[:6].copy()
    k1, k2, k3, k4, mid = np.empty(6), np.empty(6), np.empty(6), np.empty(6), np.empty(6)
    now = t[0]
    for i in range(t.shape[0]):
        left = t[i] - now
        n = math.ceil(left / STEP - 1e-9)
        for _ in range(n):
            _step(s, age, left / n, p, curve, air, k1, k2, k3, k4, mid)
            age += left / n
        now = t[i]
        dx, dy, dz = s[0] - place[i, 0], s[1] - place[i, 1], s[2] - place[i, 2]
        r = math.sqrt(dx * dx + dy * dy + dz * dz)
        out[i, 0], out[i, 1], out[i, 2] = r, math.atan2(dx, dy), math.asin(min(max(dz / r, -1.0), 1.0))
        out[i, 3] = (dx * s[3] + dy * s[4] + dz * s[5]) / r
    if not until_ground:
        return 0.0, 0.0, 0.0
    last, before = s.copy(), now
    for _ in range(1600):
        last[:] = s
        before = now
        _step(s, age, STEP, p, curve, air, k1, k2, k3, k4, mid)
        age += STEP
        now += STEP
        if s[2] < 0.0 and s[5] < 0.0:
            share = 0.5
            low, high = 0.0, 1.0
            for _ in range(24):
                s[:] = last
                _step(s, age - STEP, share * STEP, p, curve, air, k1, k2, k3, k4, mid)
                if s[2] < 0.0:
                    high = share
                else:
                    low = share
                share = 0.5 * (low + high)
            return before + share * STEP, s[0], s[1]
    return math.nan, math.nan, math.nan


def prepared(raid: Raid, plots: list[Plots], row: int, burnt: bool = True) -> Fit | None:
    """The batch of one round; None where it is never seen often enough."""
    r = raid.rounds[row]
    t, z, inverse, place, arrival = [], [], [], [], []
    after = r.launched + (r.parameters[BURN] if burnt else 0.0)
    for radar, seen in zip(raid.case.radars, plots, strict=True):
        mine = np.flatnonzero((seen.origin == row) & (seen.t >= after))
        t.append(seen.t[mine])
        z.append(seen.polar[mine])
        variance = np.array(radar.sigma) ** 2 * np.maximum(10.0 ** (radar.reference / 10.0) / seen.power[mine],
            FLOOR)[:, None]
        inverse.append(1.0 / variance * [1.0, 1.0, 1.0, float(radar.doppler)])
        place.append(np.tile(radar.place, (len(mine), 1)))
        arrival.append(seen.t[mine] + radar.lag)
    order = np.argsort(np.concatenate(t), kind="stable")
    columns = [np.concatenate(c)[order] for c in (t, z, inverse, place, arrival)]
    if len(order) < FEWEST:
        return None
    prior, weight, free = _prior(raid, row)
    told = r.parameters.copy()
    told[[INVERSE, LIFT, ROLL, DRIFT, PUSH]] = 0.0
    return Fit(*columns, raid.case.radars[0].span, prior, weight, free, r.curve, told,
        float(columns[0][0] - r.launched))


def _prior(raid: Raid, row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middle and inverse covariance of what is believed before the first detection, and which
    parameters are free.
    """
    case, kind = raid.case, KINDS[raid.rounds[row].kind]
    covariance = np.diag(np.concatenate([[1e10] * 3, [1e6] * 3, [PRIOR[1] ** 2], np.zeros(2 * len(KNOTS) + 4)]))
    for i, a in enumerate(KNOTS):       # the wind's error: a start and a walk, as the world draws it
        for j, b in enumerate(KNOTS):
            both = case.wind**2 * (1.0 + 0.25 * min(a, b) / 500.0)
            for c in range(2):
                covariance[WIND + 2 * i + c, WIND + 2 * j + c] = both
    lift = max(case.lift[1], 0.0) * 0.6
    drift = case.drift if case.drift[1] > 0.0 else kind.drift
    covariance[EXTRA, EXTRA] = covariance[EXTRA + 1, EXTRA + 1] = lift**2
    covariance[EXTRA + 2, EXTRA + 2] = (drift[1] - drift[0]) ** 2 / 12.0
    covariance[EXTRA + 3, EXTRA + 3] = TEMPERATURE**2
    prior = np.zeros(SIZE)
    prior[6], prior[EXTRA + 2] = PRIOR[0], 0.5 * (drift[0] + drift[1])
    free = np.flatnonzero(np.diag(covariance) > 0.0)
    weight = np.zeros((SIZE, SIZE))
    weight[np.ix_(free, free)] = np.linalg.inv(covariance[np.ix_(free, free)])
    return prior, weight, free


def believed_world(place: Place) -> World:
    """The air as the defender believes it."""
    return flight.world(place.elevation, place.latitude, place.temperature, 1.0, place.wind_up, place.wind)


def foresee(fit: Fit, now: float, world: World, theta: np.ndarray | None = None) -> tuple[Foreseen | None,
    np.ndarray | None]:
    """What is expected at time `now` from the detections that have come in, and the estimate,
    to begin the next from.
    """
    n = int((fit.arrival <= now + 1e-9).sum())
    if n < FEWEST:
        return None, None
    if theta is None:       # from few detections to many, lest a long arc start far from its truth
        fewer = float(fit.arrival[min(max(n // 2, 12), n) - 1])
        if fewer < now and int((fit.arrival <= fewer + 1e-9).sum()) < n:    # several radars' may come at one time
            theta = foresee(fit, fewer, world)[1]
        if theta is None:
            theta = _first_guess(fit, n)
    theta = theta.copy()
    t, place, z, inverse = fit.t[:n], fit.place[:n], fit.z[:n], fit.inverse[:n]
    def seen(x: np.ndarray) -> np.ndarray:
        out = np.empty((n, 4))
        _predict(x, t, place, fit.curve, fit.told, fit.age, world, out, KNOTS, False)
        return out

    def cost(x: np.ndarray, rest: np.ndarray) -> float:
        off = (fit.prior - x)[fit.free]
        return float((inverse * rest * rest).sum() + off @ weight @ off)

    weight = fit.weight[np.ix_(fit.free, fit.free)]
    base = seen(theta)
    rest = _wrapped(z - base, fit.span)
    now_cost, jacobian, age = cost(theta, rest), None, 0
    for _ in range(ITERATIONS):
        if jacobian is None or age >= KEEP:
            jacobian = np.stack([_wrapped(seen(theta + NUDGE[i] * UNIT[i]) - base, fit.span) / NUDGE[i]
                for i in fit.free], 2)
            information, age = np.einsum("kci,kc,kcj->ij", jacobian, inverse, jacobian) + weight, 0
        age += 1
        move = np.linalg.solve(information, np.einsum("kci,kc->i", jacobian,
            inverse * rest) + weight @ (fit.prior - theta)[fit.free])
        for share in (1.0, 0.3, 0.1, 0.03):
            trial = theta.copy()
            trial[fit.free] += share * move
            trial[6] = min(max(trial[6], -11.0), -3.0)
            there = seen(trial)
            new_rest = _wrapped(z - there, fit.span)
            new_cost = cost(trial, new_rest)
            if new_cost < now_cost:
                break
        else:
            if age == 1:
                break
            jacobian = None
            continue
        gained, theta, base, rest, now_cost = now_cost - new_cost, trial, there, new_rest, new_cost
        if gained < ENOUGH:
            break
    out = np.empty((n, 4))
    here = _predict(theta, t, place, fit.curve, fit.told, fit.age, world, out, KNOTS, True)
    fall = np.stack([(np.array(_predict(theta + NUDGE[i] * UNIT[i], t, place, fit.curve, fit.told, fit.age, world, out,
        KNOTS, True)) - here) / NUDGE[i]
                     for i in fit.free], 1)
    if not (math.isfinite(here[0]) and np.isfinite(fall).all()):
        return None, None
    covariance = fall[1:] @ np.linalg.solve(information, fall[1:].T)
    return Foreseen(here[0], np.array(here[1:]), 0.5 * (covariance + covariance.T)), theta


def _first_guess(fit: Fit, n: int) -> np.ndarray:
    """A straight and bent line through the detections' places."""
    z, t = fit.z[:n], fit.t[:n] - fit.t[0]
    level = z[:, 0] * np.cos(z[:, 2])
    xyz = fit.place[:n] + np.stack([level * np.sin(z[:, 1]), level * np.cos(z[:, 1]), z[:, 0] * np.sin(z[:, 2])], 1)
    m = min(n, max(FEWEST, int((t <= 4.0).sum())))
    bent = xyz[:m] + np.array([0.0, 0.0, 0.5 * 9.8]) * t[:m, None] ** 2
    line = np.linalg.lstsq(np.stack([np.ones(m), t[:m]], 1), bent, rcond=None)[0]
    theta = fit.prior.copy()
    theta[:3], theta[3:6] = line[0], line[1]
    return theta


def _wrapped(rest: np.ndarray, span: float) -> np.ndarray:
    out = rest.copy()
    out[:, 1] = (out[:, 1] + math.pi) % (2.0 * math.pi) - math.pi
    out[:, 3] -= span * np.floor(out[:, 3] / span + 0.5)
    return out


def _halton(base: int, count: int) -> np.ndarray:
    out = np.zeros(count)
    for i in range(count):
        f, k = 1.0, i + 1
        while k:
            f /= base
            out[i] += f * (k % base)
            k //= base
    return out


_U, _V = _halton(2, COUNT), _halton(3, COUNT)
NODES = np.sqrt(-2.0 * np.log(_U))[:, None] * np.stack([np.cos(2 * np.pi * _V), np.sin(2 * np.pi * _V)], 1)


def probability(seen: Foreseen, ring: np.ndarray, radius: float) -> float:
    """That the round comes down within `radius` of a polygon."""
    low, high, reach = ring.min(0) - radius, ring.max(0) + radius, FARTHEST * np.sqrt(np.diag(seen.covariance))
    if (seen.place + reach < low).any() or (seen.place - reach > high).any():
        return 0.0
    places = seen.place + NODES @ np.linalg.cholesky(seen.covariance + 1e-6 * np.eye(2)).T
    near = ((places >= low) & (places <= high)).all(1)
    if not near.any():
        return 0.0
    return float((distance(places[near], ring) <= radius).sum() / COUNT)


def warnings(raid: Raid, plots: list[Plots]) -> list[tuple[int, float]]:
    """Zones that the reference's expectations would have warned by the plain rule, and when:
    docs/models/outside-judge.md.

    A zone is raised where it is endangered with P_WARN or more at two looks half a second apart,
    and its place is known to the hazard radius, or the danger is sure, or people have no more time
    than they need.
    """
    air, place = believed_world(raid.place), raid.place
    ends = [r.body.path.end for r in raid.rounds]
    fits = [prepared(raid, plots, row) for row in range(len(ends))]
    last: list[np.ndarray | None] = [None] * len(ends)
    streak, raised = np.zeros(len(place.zones), int), {}
    for now in np.arange(0.0, max(ends), EVERY):
        safe, due, spread, best = np.ones(len(place.zones)), np.full(len(place.zones),
            np.inf), np.full(len(place.zones), np.inf), np.zeros(len(place.zones))
        for row, fit in enumerate(fits):
            if fit is None or now >= ends[row] or fit.arrival[FEWEST - 1] > now:
                continue
            seen, last[row] = foresee(fit, float(now), air, last[row])
            if seen is None:
                continue
            axis = math.sqrt(max(np.linalg.eigvalsh(seen.covariance)[-1], 0.0))
            for k, zone in enumerate(place.zones):
                p = probability(seen, zone.ring, place.hazard) if zone.warn and axis < 3_000.0 else 0.0
                safe[k] *= 1.0 - p
                if p > best[k]:
                    best[k], spread[k] = p, axis
                if p >= P_CLEAR:
                    due[k] = min(due[k], seen.t)
        danger = 1.0 - safe
        streak = np.where(danger >= P_WARN, streak + 1, 0)
        for k, zone in enumerate(place.zones):
            urgent = due[k] - now <= zone.shelter + place.warn_margin and spread[k] <= ROUGH
            if k not in raised and streak[k] >= 2 and (spread[k] <= place.hazard or danger[k] >= SURE or urgent):
                raised[k] = float(now)
    return sorted(raised.items())
