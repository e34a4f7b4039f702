"""Filters, fits and assignment: against plain twins, finite differences and a published benchmark problem."""

from __future__ import annotations

import math

import numpy as np
import pytest
from naive import cheapest_by_trying, joint_update, seen_from

from skywarden.kernels.ballistics.air import exponential
from skywarden.kernels.ballistics.drag import drags
from skywarden.kernels.ballistics.flight import plain_earth
from skywarden.kernels.estimation.descent import NOISES, descend
from skywarden.kernels.estimation.fit import fit
from skywarden.kernels.estimation.hills import unbend
from skywarden.kernels.estimation.kalman import closeness, innovation, invert, update
from skywarden.kernels.estimation.measure import Sensors, measure, residual, wrap
from skywarden.kernels.estimation.motion import (
    LIFT,
    SHAPE,
    SHEAR,
    SHEAR_DEPTH,
    SIDE,
    STATES,
    STRAIGHT,
    carry,
    flow,
)
from skywarden.kernels.estimation.pair import assign
from skywarden.kernels.estimation.single import follow, pack
from skywarden.kernels.geometry.ground import Ground, flat

AIR, EARTH = exponential(1790.0), plain_earth(1790.0)
TRANSONIC = (np.array([0.0, 0.85, 1.05, 1.3, 2.0]), np.array([1.0, 1.0, 2.0, 1.9, 1.6]), "linear")
DRAGS = drags([(np.zeros(1), np.ones(1), "linear"), TRANSONIC])
STATE = np.array([-3000.0, 2000.0, 600.0, 160.0, -90.0, 110.0, 2.4, 3.0, -2.0, 0.0015, 1.5, -1.0, 0.05, -0.1, 0.1, 0.05,
    -0.5, 0.3])
STILL_AIR = np.zeros(NOISES)        # nothing acts on the way down but what the state knows
SIGMA = np.array([15.0, 3e-3, 3e-3, 1.5])


def moved(x, dt, law):
    y = x.copy()
    flow(y, dt, law, DRAGS, AIR, EARTH, STATES, np.zeros((6, STATES)))
    return y


@pytest.mark.parametrize("law", [0, 1, STRAIGHT])
@pytest.mark.parametrize("dt", [0.25, 2.0, -0.4])
def test_error_growth_is_the_slope_of_the_flight(law, dt):
    F = np.zeros((6, STATES))
    flow(STATE.copy(), dt, law, DRAGS, AIR, EARTH, STATES, F)
    steps = np.array([1.0] * 3 + [0.1] * 3 + [0.01, 0.1, 0.1, 1e-4, 0.1, 0.1] + [0.01] * 4 + [0.1, 0.1])
    for j in range(STATES if law != STRAIGHT else 6):
        d = np.zeros(STATES)
        d[j] = steps[j]
        slope = (moved(STATE + d, dt, law) - moved(STATE - d, dt, law))[:6] / (2.0 * steps[j])
        # second-order in the step: at two seconds through the transonic rise a hundredth is what can be asked
        share = (5e-3 if SHEAR <= j < SHAPE else 2e-3) if abs(dt) < 1.0 else 1e-2
        assert np.allclose(F[:, j], slope, rtol=share, atol=share * max(abs(slope).max(), 1e-3)), j


def test_a_step_there_and_back_ends_where_it_began():
    assert np.allclose(moved(moved(STATE, 1.5, 1), -1.5, 1), STATE, atol=1e-4)


def test_wind_error_moves_the_air_and_not_the_round():
    still = STATE.copy()
    still[7:9] = 0.0
    still[SHEAR : SHEAR + 2] = 0.0
    windy = exponential(1790.0)._replace(wind=np.array([[3.0, -2.0]]))
    y = still.copy()
    flow(y, 1.0, 0, DRAGS, windy, EARTH, STATES, np.zeros((6, STATES)))
    steady = STATE.copy()
    steady[SHEAR : SHEAR + 2] = 0.0
    assert np.allclose(y[:6], moved(steady, 1.0, 0)[:6], atol=1e-9)


def test_a_wind_error_that_grows_with_height_is_half_grown_three_kilometres_up():
    steady, growing = STATE.copy(), STATE.copy()
    for x in (steady, growing):
        x[2] = SHEAR_DEPTH
    steady[7:9] += 0.5 * steady[SHEAR : SHEAR + 2]
    steady[SHEAR : SHEAR + 2] = 0.0
    short = 0.01
    assert np.allclose(moved(growing, short, 0)[:6], moved(steady, short, 0)[:6], atol=1e-6)


def test_a_drag_curve_departs_from_its_law_where_its_ramps_say():
    x = STATE.copy()
    x[SIDE], x[LIFT:], x[7:9], x[SHEAR : SHEAR + 2] = 0.0, 0.0, 0.0, 0.0
    x[2] = -1790.0                          # at sea level, where sound goes 340 m/s here
    for speed, share in ((0.40, 0.0), (0.86, x[SHAPE] + 0.5 * x[SHAPE + 1]), (2.0, x[SHAPE : SHAPE + 4].sum())):
        x[3:6] = 340.0 * speed, 0.0, 0.0
        plain = x.copy()
        plain[SHAPE : SHAPE + 4] = 0.0
        plain[6] *= math.exp(share)
        moment = 1e-3
        assert np.allclose(moved(x, moment, 0)[3:6], moved(plain, moment, 0)[3:6], atol=1e-4)


def test_measurement_and_its_slopes_against_plain_trigonometry():
    place = np.array([100.0, -50.0, 20.0])
    z, H = np.empty(4), np.empty((4, 6))
    measure(STATE, place, z, H)
    assert np.allclose(z, seen_from(STATE[:3], STATE[3:6], place), atol=1e-12)
    for j in range(6):
        d = np.zeros(6)
        d[j] = 0.01
        up, down = STATE[:6] + d, STATE[:6] - d
        slope = (seen_from(up[:3], up[3:], place) - seen_from(down[:3], down[3:], place)) / 0.02
        assert np.allclose(H[:, j], slope, atol=1e-7)


def test_residuals_go_the_short_way_round_and_doppler_folds():
    v = np.empty(4)
    residual(np.array([10.0, 0.01, 0.0, 95.0]), np.array([9.0, 2.0 * math.pi - 0.01, 0.0, -100.0]), 200.0, v)
    assert np.allclose(v, [1.0, 0.02, 0.0, -5.0])
    assert -math.pi <= wrap(7.0) <= math.pi


def random_belief(rng, n):
    A = rng.normal(size=(n, n))
    P = np.zeros((STATES, STATES))
    P[:n, :n] = A @ A.T + np.eye(n)
    return rng.normal(size=STATES), P


@pytest.mark.parametrize("n", [6, 7, 9])
def test_scalar_updates_equal_the_joint_update(n):
    rng = np.random.default_rng(n)
    x, P = random_belief(rng, n)
    H = np.zeros((4, STATES))
    H[:, :6] = rng.normal(size=(4, 6))
    v, R = rng.normal(size=4), rng.uniform(0.5, 2.0, 4)
    want_x, want_P, want_ll = joint_update(x[:n], P[:n, :n], v, H[:, :n], R)
    S, T = np.empty((4, 4)), np.empty((4, STATES))
    innovation(P, n, H, S, T)
    d2, ll_joint = closeness(S, v, R, np.zeros((4, 4)))
    ll, nis, dims = update(x, P, n, v, H, R)
    assert np.allclose(x[:n], want_x)
    assert np.allclose(P[:n, :n], want_P)
    assert np.allclose([ll, ll_joint], want_ll)
    assert nis == pytest.approx(d2)
    assert dims == 4


@pytest.mark.parametrize("n", [6, 7, 9])
def test_one_target_followed_from_python_is_flight_growth_and_joint_update(n):
    rng = np.random.default_rng(n)
    air, earth = exponential(1790.0), plain_earth(1790.0)
    laws = drags([(np.zeros(1), np.ones(1), "pchip"), (np.array([0.0, 0.9, 1.1, 2.0]), np.array([1.0, 1.1, 2.0, 1.6]),
        "pchip")])
    law = -1 if n == 6 else 1
    x, P = (part[..., :9].copy() for part in random_belief(rng, n))       # a state of nine: no drift, no lift
    P = P[:9].copy()
    variance, place = np.array([225.0, 9e-6, 9e-6, 2.25]), np.array([30.0, -20.0, 5.0])
    expected, H6, F, T = np.empty(4), np.empty((4, 6)), np.zeros((6, 9)), np.empty((6, 9))
    y, Q = x.copy(), P.copy()
    flow(y, 0.4, law, laws, air, earth, n, F)
    carry(Q, F, n, 1e-4, 0.4, T)
    measure(y, place, expected, H6)
    z = expected + rng.normal(size=4) * np.sqrt(variance)
    v, H = np.empty(4), np.zeros((4, 9))
    residual(z, expected, math.inf, v)
    H[:, :6] = H6
    fit, _, _ = update(y, Q, n, v, H, variance)
    kept = x.tobytes(), P.tobytes()
    after, spread, told = follow(x, P, z, 0.4, place, variance, pack(air, earth, laws), law, n)
    assert (x.tobytes(), P.tobytes()) == kept
    assert np.allclose(after, y, rtol=1e-12)
    assert np.allclose(spread, Q, rtol=1e-9)
    assert told == pytest.approx(fit, rel=1e-9)


def test_one_target_followed_refuses_what_it_cannot_follow():
    world = pack(exponential(0.0), plain_earth(0.0), drags([(np.zeros(1), np.ones(1), "pchip")]))
    x, P, z = np.array([3000.0, 1.0, 500.0, 50.0, 0.0, 10.0, 2.3, 0.0, 0.0]), np.eye(9), np.array([3000.0, 1.5, 0.2,
        50.0])
    good = (x, P, z, 0.25, np.zeros(3), np.ones(4), world)
    follow(*good)
    for place, wrong in ((0, x[:7].copy()), (1, np.eye(7)), (0, np.full(9, np.nan)), (2, z[:3].copy())):
        with pytest.raises(ValueError, match="follow needs"):
            follow(*(wrong if k == place else part for k, part in enumerate(good)))
    with pytest.raises(ValueError, match="law 3"):
        follow(*good, 3)


def test_a_missing_dimension_changes_nothing_but_its_own_weight():
    rng = np.random.default_rng(3)
    x, P = random_belief(rng, 7)
    H = np.zeros((4, STATES))
    H[:, :6] = rng.normal(size=(4, 6))
    v, R = np.array([0.3, np.nan, -0.2, 0.1]), np.ones(4)
    keep = [0, 2, 3]
    want_x, want_P, want_ll = joint_update(x[:7], P[:7, :7], v[keep], H[keep, :7], R[keep])
    S, T = np.empty((4, 4)), np.empty((4, STATES))
    innovation(P, 7, H, S, T)
    _, ll_joint = closeness(S, v, R, np.zeros((4, 4)))
    ll, _, dims = update(x, P, 7, v, H, R)
    assert dims == 3
    assert np.allclose(x[:7], want_x)
    assert np.allclose(P[:7, :7], want_P)
    assert np.allclose([ll, ll_joint], want_ll)


def test_inverse_and_determinant():
    rng = np.random.default_rng(4)
    A = rng.normal(size=(7, 7))
    J = A @ A.T + np.eye(7)
    out = np.zeros((7, 7))
    assert invert(J, 7, out) == pytest.approx(np.linalg.slogdet(J)[1])
    assert np.allclose(out, np.linalg.inv(J))
    assert math.isnan(invert(-J, 7, out))


@pytest.mark.parametrize("seed", range(40))
def test_assignment_is_the_cheapest_of_all(seed):
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 6, 2)
    pairs = [(r, c) for r in range(rows) for c in range(columns) if rng.random() < 0.6]
    row = np.array([p[0] for p in pairs], np.int64)
    column = np.array([p[1] for p in pairs], np.int64)
    cost = rng.normal(-1.0, 3.0, len(pairs))
    taken = assign(row, column, cost, int(rows), int(columns))
    used = taken[taken >= 0]
    assert len(set(used.tolist())) == len(used)
    total = sum(w for r, c, w in zip(row, column, cost, strict=True) if taken[r] == c)
    assert total == pytest.approx(cheapest_by_trying(row, column, cost, int(rows), int(columns)))


def detections(x0, law, times, rng, noise=1.0):
    x, z, before = x0.copy(), [], times[0]
    for t in times:
        flow(x, t - before, law, DRAGS, AIR, EARTH, STATES, np.zeros((6, STATES)))
        before = t
        z.append(seen_from(x[:3], x[3:6], np.zeros(3)) + noise * rng.normal(size=4) * SIGMA)
    return np.array(z), x


SPREAD = 0.35       # standard deviation of ln(kappa) among the rounds that are fitted


def fitted(times, z, law, sensors, truth):
    mean, variance = np.zeros(STATES), np.full(STATES, np.inf)
    mean[6] = 2.3
    variance[3:7] = 250.0**2, 250.0**2, 250.0**2, SPREAD**2
    x0, x, P = truth + 0.0, np.empty(STATES), np.empty((STATES, STATES))
    x0[:6] += [40.0, -40.0, 30.0, 30.0, -20.0, 20.0]
    k = len(times)
    ll = fit(times, np.zeros(k, np.int32), z, np.ones(k), k, law, 7, DRAGS, AIR, EARTH, sensors, mean, variance, 5, x0,
        x, P)
    return ll, x, P


def test_a_fit_of_perfect_detections_finds_the_flight_and_its_law():
    sensors = Sensors(np.zeros((1, 3)), SIGMA[None] ** 2, np.array([np.inf]))
    truth = STATE.copy()
    truth[3:6] *= 2.0
    truth[7:] = 0.0
    times = np.arange(40) * 0.25
    z, last = detections(truth, 1, times, np.random.default_rng(1), noise=0.0)
    right, x, _ = fitted(times, z, 1, sensors, truth)
    wrong, _, _ = fitted(times, z, 0, sensors, truth)
    assert np.allclose(x[:3], last[:3], atol=1.0)
    assert x[6] == pytest.approx(2.4, abs=0.05)
    assert right > wrong + 5.0


def test_fits_are_as_sure_as_they_claim():
    """Normalised squared error of 300 fits: chi-squared with 7 x 300 degrees of freedom, within
    four standard deviations.
    """
    sensors = Sensors(np.zeros((1, 3)), SIGMA[None] ** 2, np.array([np.inf]))
    rng = np.random.default_rng(2)
    times = np.arange(24) * 0.25
    total, runs = 0.0, 300
    for _ in range(runs):
        truth = STATE.copy()
        truth[6], truth[7:] = 2.3 * math.exp(SPREAD * rng.normal()), 0.0
        z, last = detections(truth, 0, times, rng)
        _, x, P = fitted(times, z, 0, sensors, truth)
        e = (x - last)[:7]
        total += e @ np.linalg.solve(P[:7, :7], e)
    assert abs(total - 7.0 * runs) < 4.0 * math.sqrt(2.0 * 7.0 * runs)


def test_impact_slopes_against_flying_twice_on_flat_and_on_tilted_ground():
    tilt = np.add.outer(0.02 * np.arange(-8000.0, 8001.0, 100.0), 0.05 * np.arange(-8000.0, 8001.0, 100.0))
    for ground in (flat(0.0), Ground(-8000.0, -8000.0, 100.0, tilt, float(tilt.max()), 0.0)):
        place, J = np.empty(3), np.empty((3, STATES))
        t, _, _ = descend(STATE, 1, STATES, ground, DRAGS, AIR, EARTH, STILL_AIR, place, J, np.empty((3, 3)))
        assert math.isfinite(t)
        step = np.array([1.0] * 3 + [0.2] * 3 + [0.02, 0.3, 0.3, 1e-4, 0.3, 0.3] + [0.02] * 4 + [0.1, 0.1])
        for j in range(STATES):
            ends = []
            for sign in (1.0, -1.0):
                x = STATE.copy()
                x[j] += sign * step[j]
                at, unused = np.empty(3), np.empty((3, STATES))
                when, _, _ = descend(x, 1, STATES, ground, DRAGS, AIR, EARTH, STILL_AIR, at, unused, np.empty((3, 3)))
                ends.append(np.array([at[0], at[1], when]))
            slope = (ends[0] - ends[1]) / (2.0 * step[j])
            assert np.allclose(J[:, j], slope, rtol=0.02, atol=0.02 * abs(slope).max()), j


def ridge(east):
    """A ridge of 250 m running north, half as wide as high, on the ground of the tests' state."""
    grid = np.arange(-6000.0, 6001.0, 50.0)
    up = np.maximum(250.0 - np.abs(grid - east), 0.0)
    return Ground(-6000.0, -6000.0, 50.0, np.tile(up, (grid.size, 1)), 250.0, 0.0)


def held(flown, mean, covariance, share):
    """The share of places that lie in the ellipse said to hold `share` of them."""
    off = flown[:, :2] - mean[:2]
    return float(((off @ np.linalg.inv(covariance[:2, :2]) * off).sum(1) <= -2.0 * math.log(1.0 - share)).mean())


def test_behind_and_before_a_ridge_the_region_of_impact_holds_what_it_says():
    """1,500 states drawn from a track's own covariance and flown down, over ridges at many places
    about where it would fall on flat ground.
    """
    P = np.zeros((STATES, STATES))
    P[:6, :6] = np.diag([30.0, 30.0, 30.0, 4.0, 4.0, 4.0]) ** 2
    P[6, 6] = 0.15**2
    place, J = np.empty(3), np.empty((3, STATES))
    descend(STATE, 1, 7, flat(0.0), DRAGS, AIR, EARTH, STILL_AIR, place, J, np.empty((3, 3)))
    level, drawn = place[0], np.random.default_rng(3).multivariate_normal(np.zeros(7), P[:7, :7], 1500)
    by_slopes, bent, changed = [], [], []
    for off in range(-600, 601, 100):
        ground = ridge(level + off)
        left, _, _ = descend(STATE, 1, 7, ground, DRAGS, AIR, EARTH, STILL_AIR, place, J, np.empty((3, 3)))
        mean, covariance = np.array([place[0], place[1], left]), J[:, :7] @ P[:7, :7] @ J[:, :7].T
        plain = mean.copy(), covariance.copy()
        changed.append(unbend(STATE, P, 1, 7, ground, DRAGS, AIR, EARTH, J, left, mean, covariance))
        flown, at, unused = [], np.empty(3), np.empty((3, STATES))
        for error in drawn:
            x = STATE.copy()
            x[:7] += error
            t, _, _ = descend(x, 1, 7, ground, DRAGS, AIR, EARTH, STILL_AIR, at, unused, np.empty((3, 3)))
            flown.append((at[0], at[1], t))
        flown = np.array(flown)
        by_slopes.append(held(flown, *plain, 0.9))
        bent.append(held(flown, mean, covariance, 0.9))
        if changed[-1]:
            assert np.abs(mean - flown.mean(0)).max() < 0.15 * math.sqrt(np.linalg.eigvalsh(covariance[:2, :2])[-1])
    assert any(changed)
    assert not all(changed)
    assert min(by_slopes) < 0.75
    assert min(bent) > 0.84
    assert max(bent) < 0.95


SCAN, SCANS, STARTED = 2.0, 60, 12      # s, scans, and detections fitted at once before the filter takes over
# s: error over bound of an EKF for the position along the ground, computed for the issue
ANCHORS = {40: 1.04, 80: 1.00, 118: 1.05}
REENTRY = np.array([232e3, 0.0, 88e3, 2290.0 * math.cos(math.radians(190.0)), 0.0,
    2290.0 * math.sin(math.radians(190.0)), 9.81 / 4.0, *np.zeros(11)])
LOW_AIR, HIGH_AIR, G981 = exponential(0.0, 1.227, 1.0 / 1.093e-4), exponential(0.0, 1.754,
    1.0 / 1.49e-4), plain_earth(0.0, 9.81)
LAYER = 9_144.0                                 # m, below which the first of these airs holds
SHAKE = np.array([[SCAN**3 / 3, SCAN**2 / 2], [SCAN**2 / 2, SCAN]])     # process noise of an axis, 1 m²/s³
REENTRY_SIGMA = np.array([100.0, np.nan, 0.017, np.nan])
PLANE = [0, 3, 2, 5]                            # along the ground, its rate, up, its rate


def reentry(x, F, noise=((0.0, 0.0), (0.0, 0.0))):
    """A scan of the problem of Farina, Ristic and Benvenuti 2002, with process noise (2, 2): each
    axis's position and rate.
    """
    flow(x, SCAN, 0, DRAGS, LOW_AIR if x[2] < LAYER else HIGH_AIR, G981, 6, F)
    x[[0, 3]] += noise[0]
    x[[2, 5]] += noise[1]


def reentry_slopes(x):
    """What the radar at the origin expects of `x`, and the slopes of range and elevation with
    respect to PLANE, (2, 4).
    """
    expected, H = np.empty(4), np.empty((4, 6))
    measure(x, np.zeros(3), expected, H)
    return expected, H[np.ix_([0, 2], PLANE)]


def reentry_noise():
    q = np.zeros((STATES, STATES))
    for i in (0, 2):
        q[np.ix_([i, 3 + i], [i, 3 + i])] = SHAKE
    return q


def reentry_bounds():
    """Root of the posterior Cramér-Rao bound (4,) by time: recursion of Tichavsky et al. 1998 along
    the nominal path, from its first two detections.
    """
    x, F, out = REENTRY.copy(), np.zeros((6, STATES)), {}
    weight, q = np.diag(REENTRY_SIGMA[[0, 2]] ** -2), reentry_noise()[np.ix_(PLANE, PLANE)]
    first = np.linalg.inv(reentry_slopes(x)[1][:, ::2].T @ weight @ reentry_slopes(x)[1][:, ::2])
    for k in range(1, SCANS):
        reentry(x, F)
        h = reentry_slopes(x)[1]
        if k == 1:
            second = np.linalg.inv(h[:, ::2].T @ weight @ h[:, ::2])
            bound = np.zeros((4, 4))
            bound[::2, ::2], bound[1::2, 1::2] = second, (first + second) / SCAN**2
            bound[::2, 1::2] = bound[1::2, ::2] = second / SCAN
        else:
            f = F[np.ix_(PLANE, PLANE)]
            bound = np.linalg.inv(np.linalg.inv(f @ bound @ f.T + q) + h.T @ weight @ h)
        if SCAN * k in ANCHORS:
            out[int(SCAN * k)] = np.sqrt(np.diag(bound))
    return out


def reentry_errors(runs, seed):
    """Root mean square error (4,) by time of the tracker's own way to start and go on: the first
    STARTED detections fitted at once, then the filter.
    """
    rng, root, q = np.random.default_rng(seed), np.linalg.cholesky(SHAKE), reentry_noise()
    radar = Sensors(np.zeros((1, 3)), REENTRY_SIGMA[None] ** 2, np.array([np.inf]))
    free = np.full(STATES, np.inf)
    free[[1, 4]] = 1.0          # nothing moves across the plane
    F, scratch, t = np.zeros((6, STATES)), np.empty((6, STATES)), SCAN * np.arange(STARTED)
    errors = {when: [] for when in ANCHORS}
    for _ in range(runs):
        truth, z = REENTRY.copy(), []
        for k in range(STARTED):
            if k:
                reentry(truth, F, (root @ rng.normal(size=(2, 2))).T)
            z.append(seen_from(truth[:3], truth[3:6], np.zeros(3)) + REENTRY_SIGMA * rng.normal(size=4))
        ends = [np.array([one[0] * math.cos(one[2]), 0.0, one[0] * math.sin(one[2])]) for one in (z[0], z[-1])]
        guess = np.concatenate([ends[0], (ends[1] - ends[0]) / t[-1], REENTRY[6:]])
        x, P = np.zeros(STATES), np.zeros((STATES, STATES))
        fit(t, np.zeros(STARTED, np.int32), np.array(z), np.ones(STARTED), STARTED, 0, 6, DRAGS, HIGH_AIR, G981, radar,
            np.zeros(STATES), free, 8, guess, x, P)
        x[[1, 4]], P[[1, 4]], P[:, [1, 4]] = 0.0, 0.0, 0.0
        for k in range(STARTED, SCANS):
            reentry(truth, F, (root @ rng.normal(size=(2, 2))).T)
            reentry(x, F)
            carry(P, F, 6, 0.0, SCAN, scratch)
            P += q
            seen = seen_from(truth[:3], truth[3:6], np.zeros(3)) + REENTRY_SIGMA * rng.normal(size=4)
            expected, H, v = np.empty(4), np.zeros((4, STATES)), np.empty(4)
            slopes = np.empty((4, 6))
            measure(x, np.zeros(3), expected, slopes)
            H[:, :6] = slopes
            residual(seen, expected, np.inf, v)
            update(x, P, 6, v, H, REENTRY_SIGMA**2)
            if SCAN * k in errors:
                errors[int(SCAN * k)].append((x - truth)[PLANE])
    return {when: np.sqrt(np.mean(np.array(e) ** 2, 0)) for when, e in errors.items()}


def test_farina_reentry_benchmark_errors_stay_near_the_bound():
    """Parameters of Farina, Ristic and Benvenuti (IEEE T-AES 38(3), 2002). The bounds are the
    issue's to a twentieth; its runs scatter by 3 % here.
    """
    bounds, errors = reentry_bounds(), reentry_errors(250, 5)
    for when, known in {40: (473.0, 21.8, 1069.0, 50.5), 80: (205.0, 11.0, 373.0, 11.9), 118: (43.0, 2.7, 46.0,
            2.5)}.items():
        assert np.allclose(bounds[when], known, rtol=0.07), (when, bounds[when])
        assert abs((errors[when] / bounds[when]).mean() - 1.0) < 0.12, (when, errors[when] / bounds[when])


@pytest.mark.prove
def test_farina_reentry_benchmark_line(evidence):
    """6,000 runs: a ratio scatters by 1 %."""
    bounds, errors = reentry_bounds(), reentry_errors(6_000, 6)
    for when, anchor in ANCHORS.items():
        ratio = errors[when] / bounds[when]
        evidence("tracking-reentry", f"{when} s", **{f"{name}_over_bound": round(float(r), 3) for name,
            r in zip(("x", "vx", "y", "vy"), ratio, strict=True)},
                 mean=round(float(ratio.mean()), 3), anchor=anchor, at_most=round(1.05 * anchor, 3),
                 bound_x_m=round(float(bounds[when][0]), 1))
        assert ratio[0] <= 1.05 * anchor, (when, ratio)
        assert ratio.mean() <= 1.05 * anchor, (when, ratio)
