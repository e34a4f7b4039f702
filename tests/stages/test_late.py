"""Data that come late, as a whole or out of order, are used as well as if they had come in time,
and what is lost is counted by cause.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import a_radar, a_site
from naive import seen_from
from test_tracking import SIGMA, a_frame, a_round

from skywarden.defence import watch as whole
from skywarden.defence.integrity import LATE, WORKING
from skywarden.defence.tracking import lateness, tracker
from skywarden.defence.tracking.history import REACH
from skywarden.messages.frame import Detections, Radars
from skywarden.messages.tables import join, take

SECOND = np.array([1800.0, -900.0, 0.0])
REGISTERED = {"range_bias": 0.0, "azimuth_bias": 0.0, "elevation_bias": 0.0}
TWO = a_site(a_radar(**REGISTERED), a_radar(**REGISTERED, name="other", place=SECOND))
ONE = a_site()


def measured(path, site, seed, detected=0.9, false_alarms=2.0):
    """Detections of `path` (k, 6), a state every quarter of a second from second 1, by every radar
    of the site; a table in time order.
    """
    rng, t, sensor, z = np.random.default_rng(seed), [], [], []
    for i in range(-4, len(path)):
        for k, radar in enumerate(site.radars):
            m = seen_from(path[max(i, 0), :3], path[max(i, 0), 3:], radar.place)
            if i >= 0 and m[2] > radar.elevation_min and rng.random() < detected:
                t, sensor, z = [*t, 1.0 + 0.25 * i], [*sensor, k], [*z, m + rng.normal(size=4) * SIGMA]
            for _ in range(rng.poisson(false_alarms)):
                wrong = np.array([rng.uniform(300, 15e3), rng.uniform(0, 2 * math.pi), rng.uniform(0.02, 1.2),
                    rng.uniform(-450, 450)])
                t, sensor, z = [*t, 1.0 + 0.25 * i], [*sensor, k], [*z, wrong]
    z = np.array(z)
    return Detections.empty(len(t))._replace(
        t=np.array(t), sensor=np.array(sensor, np.int32), range=z[:, 0].copy(), azimuth=z[:, 1] % (2 * math.pi),
        elevation=z[:, 2].copy(),
        range_rate=z[:, 3].copy())


def arriving(d, site, delay, until, lag=(0.0, 0.0)):
    """Frames up to second `until` in which detection i of `d` comes `delay[i]` seconds after it was
    made; radar k looks `lag[k]` late.
    """
    number = np.ceil((d.t + delay) / 0.25 - 1e-6).astype(int)
    for k in range(round(until / 0.25) + 1):
        n = len(site.radars)
        width = np.array([2.0 * math.pi if 0.25 * k >= lag[r] else 0.0 for r in range(n)])
        radars = Radars(np.ones(n, np.bool_), np.full(n, 0.25 * k), np.zeros(n), width)
        yield a_frame(0.25 * k, [])._replace(detections=take(d, np.flatnonzero(number == k)), radars=radars)


def followed(d, site, delay, until, lag=(0.0, 0.0)):
    """(time, state, tracks) after every frame of `arriving`."""
    state, out = tracker.start(site), []
    for frame in arriving(d, site, delay, until, lag):
        state, tracks = tracker.track(state, frame, site)
        out.append((frame.t, state, tracks))
    return out


def same(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("lag", [0.5, 2.0, 5.0, 10.0])
def test_a_radar_that_is_late_as_a_whole_is_followed_to_the_last_bit_as_a_punctual_one_only_later(lag):
    path = a_round()
    d = measured(path, ONE, 1)
    prompt = followed(d, ONE, np.zeros(len(d.t)), 20.0)
    behind = followed(d, ONE, np.full(len(d.t), lag), 20.0 + lag, (lag,))
    for (_, one, _), (_, other, _) in zip(prompt[8:], behind[8 + round(4 * lag):], strict=True):
        assert same(one.block, other.block)
        assert one.t == other.t
    assert behind[-1][1].late == 0
    assert lateness.lags(behind[-1][1].delays)[0] == pytest.approx(lag)


@pytest.mark.parametrize("lag", [1.75, 5.0, 10.0])
def test_late_detections_of_a_second_radar_are_put_in_their_place_to_the_last_bit(lag):
    d = measured(a_round(), TWO, 2)
    prompt = {t: state for t, state, _ in followed(d, TWO, np.zeros(len(d.t)), 24.0)}
    late = followed(d, TWO, np.where(d.sensor == 1, lag, 0.0), 24.0, (0.0, lag))
    last = late[-1][1]
    compared = 0
    for step in last.past:
        before = step.before
        if before is not None and 12.0 < before.t < 24.0 - lag - 1.0:
            compared += 1
            assert same(before.block._replace(address=prompt[before.t].block.address), prompt[before.t].block)
    assert compared >= (3 if lag < 9.0 else 1)
    assert last.late == 0
    assert {int(n) for _, _, tracks in late for n in tracks.number} == {1}


def test_what_two_radars_of_very_different_lag_say_together_is_as_sure_as_it_claims():
    """Mean normalised error squared (6 dimensions, expected 6) and error of the tracks, the second
    radar 5 s late, against both in order.
    """
    squares, errors = {0.0: [], 5.0: [], math.inf: []}, {0.0: [], 5.0: [], math.inf: []}
    for seed in range(5):
        rng = np.random.default_rng(seed)
        path = a_round(p=(*rng.uniform(-3000, -2000, 2), 5.0), v=(*rng.uniform(60, 100, 2), rng.uniform(130, 170)),
            kappa=2.3 + 0.5 * rng.normal())
        d = measured(path, TWO, seed)
        for lag in squares:
            there = take(d, np.flatnonzero((d.sensor == 0) | math.isfinite(lag)))
            delay = np.where(there.sensor == 1, lag if math.isfinite(lag) else 0.0, 0.0)
            for t, _, tracks in followed(there, TWO, delay, 18.0, (0.0, lag))[40::8]:
                truth = path[round((t - 1.0) / 0.25)]
                e = truth - tracks.state[0, :6]
                squares[lag].append(e @ np.linalg.solve(tracks.covariance[0, :6, :6], e))
                errors[lag].append(np.linalg.norm(e[:3]))
    mean = {lag: float(np.mean(s)) for lag, s in squares.items()}
    rms = {lag: float(np.sqrt(np.mean(np.square(e)))) for lag, e in errors.items()}
    assert mean[5.0] == pytest.approx(mean[0.0], abs=1.5)
    assert rms[0.0] < rms[5.0] < rms[math.inf]          # late data help, though not as much as fresh ones


@pytest.mark.parametrize("most", [4.0, 10.0])
def test_a_radar_whose_detections_come_in_any_order_is_followed(most):
    path = a_round()
    d = measured(path, ONE, 5)
    delay = np.random.default_rng(6).uniform(0.0, most, len(d.t))
    out = followed(d, ONE, delay, 30.0)
    assert out[-1][1].late == 0
    assert len({int(n) for _, _, tracks in out for n in tracks.number}) == 1
    assert all(tracks.number.shape[0] == 1 for t, _, tracks in out if 4.0 + most < t < 28.0)
    truth = path[round((22.0 - 1.0) / 0.25)]
    fifty_metres = 50.0
    assert np.linalg.norm(out[88][2].state[0, :3] - truth[:3]) < fifty_metres
    assert lateness.lags(out[80][1].delays)[0] == pytest.approx(0.9 * most, abs=0.12 * most + 0.25)


def test_a_number_once_shown_stays_with_its_round_when_the_past_is_done_again():
    one, other = a_round(), a_round(p=(2500.0, 2200.0, 5.0), v=(-70.0, -60.0, 160.0))
    d, e = measured(one, TWO, 8), measured(other, TWO, 9, false_alarms=0.0)
    both = join(d, e)
    both = take(both, np.argsort(both.t, kind="stable"))
    out = followed(both, TWO, np.where(both.sensor == 1, 4.0, 0.0), 20.0, (0.0, 4.0))
    near = {}
    for t, _, tracks in out[20:]:
        for path in (one, other):
            gap = np.linalg.norm(tracks.state[:, :3] - path[round((t - 1.0) / 0.25), :3], axis=1)
            near.setdefault(id(path), set()).add(int(tracks.number[gap.argmin()]))
    assert all(len(numbers) == 1 for numbers in near.values())


def test_what_comes_too_late_or_says_too_little_is_counted_by_cause_and_the_radar_is_called_late():
    site = replace(TWO, radars=(TWO.radars[0], replace(TWO.radars[1], elevation_sigma=math.nan)))
    d = measured(a_round(), site, 3, false_alarms=1.0)
    flat = d._replace(elevation=np.where(d.sensor == 1, np.nan, d.elevation))
    odd = np.flatnonzero(d.sensor == 0)[5::7]
    delay = np.zeros(len(d.t))
    delay[odd] = REACH + 3.0
    state, late, unusable = whole.start(site), 0, 0
    for frame in arriving(flat, site, delay, 30.0):
        state, picture = whole.watch(state, frame, site)
        late, unusable = late + picture.health.late, unusable + picture.health.unusable
        assert picture.health.rejected == 0
    assert unusable == int((d.sensor == 1).sum())
    assert late == int((d.t[odd] + REACH + 3.0 <= 30.0).sum())

    behind = measured(a_round(), ONE, 4)
    state, states = whole.start(ONE), []
    for frame in arriving(behind, ONE, np.full(len(behind.t), 5.0), 20.0, (5.0,)):
        state, picture = whole.watch(state, frame, ONE)
        states.append(int(picture.health.radars[0]))
    assert picture.health.lag[0] == pytest.approx(5.0)
    assert states[-1] == LATE
    assert states[0] == WORKING
