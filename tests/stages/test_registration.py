"""Registration: how each radar is wrong, learnt from aircraft that say where they are, and what no
forged report may do to it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import a_radar, a_site, a_zone
from test_late import measured
from test_tracking import a_round
from traffic import aircraft, frames, some_errors, some_traffic

from skywarden.defence import integrity, watch
from skywarden.defence.registration import learn as registration
from skywarden.defence.registration import state as registers
from skywarden.defence.tracking import tracker
from skywarden.defence.tracking.realigned import realigned, resting_on
from skywarden.messages.frame import Aircraft, Frame, Inputs, Radars, Weather
from skywarden.messages.picture import RAISE, UNKNOWN_DIRECTION
from skywarden.messages.tables import join, rows, take

ONE = a_site(a_radar())
PLACES = (np.zeros(3), np.array([1800.0, -900.0, 0.0]), np.array([-2500.0, 1500.0, 20.0]))
THREE = a_site(*(replace(a_radar(), name=f"radar {k}", place=place) for k, place in enumerate(PLACES)))
FIFTH = np.array([3.0, 0.6e-3, 0.6e-3, 0.1])  # m, rad, rad of the declared noise; s
NONE = np.zeros((3, 4))


def learnt(site, traffic, errors, rng, duration=60.0, ghosts=None):
    """The state after so many seconds of traffic."""
    state = registers.start(site)
    for frame in frames(site, traffic, errors, rng, duration, ghosts):
        state, _ = registration.learn(state, frame, site)
    return state


def square_of(state, errors, r):
    """Normalised squared error of radar `r`'s estimate."""
    own, off = slice(4 * r, 4 * r + 4), state.estimate[r] - errors[r]
    return float(off @ np.linalg.solve(state.covariance[own, own], off))


def test_errors_of_three_radars_are_found_within_a_minute_of_four_aircraft():
    off, squares = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        errors = some_errors(rng, 3)
        state = learnt(THREE, some_traffic(rng), errors, rng)
        assert registration.believed(state).all()
        assert state.engaged.all()
        off += list(state.estimate - errors)
        squares += [square_of(state, errors, r) for r in range(3)]
    rms = np.sqrt((np.array(off) ** 2).mean(0))
    assert (rms < FIFTH).all(), rms
    # 12 values of chi-squared with 4 degrees of freedom: 99.9 % of their means
    assert 1.8 < np.mean(squares) < 7.2


def test_a_radar_without_errors_is_left_alone():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        state = learnt(ONE, some_traffic(rng), NONE, rng, 40.0)
        assert registration.believed(state).all()
        assert not state.engaged.any()
        assert not state.applied.any()


def test_what_is_learnt_is_taken_from_the_detections_and_what_is_left_is_told_to_the_tracker():
    rng = np.random.default_rng(1)
    errors = np.array([[120.0, 0.02, -0.03, 0.3]])
    traffic = some_traffic(rng)
    state = learnt(ONE, traffic, errors, rng)
    frame = next(frames(ONE, traffic, errors, np.random.default_rng(2)))
    d, e = frame.detections, registration.corrected(state, frame).detections
    assert (
        rows(d) == rows(e)
    )
    assert (
        np.allclose(d.range - e.range, 120.0, atol=3.0)
    )
    assert (
        np.allclose(d.elevation - e.elevation, -0.03, atol=6e-4)
    )
    books = registration.books(state, ONE, np.zeros((1, 3)))
    assert 0.0 < books.radars[0].range_bias < 3.0
    assert 0.0 < books.radars[0].azimuth_bias < 6e-4
    assert registration.books(registers.start(ONE), ONE, np.zeros((1, 3))) is ONE


def test_two_aircraft_are_not_believed():
    rng = np.random.default_rng(3)
    state = learnt(ONE, some_traffic(rng, 2), np.array([[120.0, 0.02, 0.0, 0.0]]), rng)
    assert not registration.believed(state).any()
    assert not state.applied.any()


def test_aircraft_that_lie_or_tell_wrong_times_are_left_out_while_more_tell_the_truth():
    errors = np.array([[60.0, 0.015, -0.01, 0.1]])
    for seed in range(3):
        rng = np.random.default_rng(seed)
        lie, late = np.zeros((8, 3)), np.zeros(8)
        lie[0], lie[1], late[2] = [400.0, -300.0, 0.0], [-350.0, 350.0, 200.0], 3.0
        state = learnt(ONE, some_traffic(rng, 8, lie=lie, late=late), errors, rng)
        assert (np.abs(state.estimate - errors) < 1.5 * FIFTH).all(), state.estimate - errors


def ghosts_of(rng, n=200):
    """Calls of reports of `n` aircraft that do not exist, moving."""
    place = np.concatenate([rng.uniform(-12_000.0, 12_000.0, (n, 2)), rng.uniform(500.0, 3_000.0, (n, 1))], 1)
    velocity = np.concatenate([rng.uniform(-150.0, 150.0, (n, 2)), np.zeros((n, 1))], 1)
    return lambda t: aircraft(
        [
            (t, 0x700000 + k, place[k] + t * velocity[k] + rng.normal(size=3) * 8.0, velocity[k])
            for k in range(n)
            if rng.random() < 0.5
        ]
    )


def test_two_hundred_spoofed_aircraft_neither_register_a_radar_wrongly_nor_make_it_astray():
    errors = np.array([[60.0, 0.015, -0.01, 0.1]])
    for wrong, honest in ((errors, 4), (NONE[:1], 0)):
        rng = np.random.default_rng(7)
        traffic = some_traffic(rng, max(honest, 3))
        traffic.silent[:] = honest == 0
        state = learnt(ONE, traffic, wrong, rng, 60.0, ghosts_of(np.random.default_rng(8)))
        assert not state.astray.any()
        assert not state.disputed.any()
        off = np.abs(state.estimate - wrong)
        assert (off < 2.0 * FIFTH).all() if honest else not state.applied.any()


def test_a_radar_107_degrees_off_north_is_astray_within_a_minute_and_not_corrected():
    rng = np.random.default_rng(4)
    state = learnt(ONE, some_traffic(rng), np.array([[0.0, math.radians(107.0), 0.0, 0.0]]), rng, 40.0)
    assert state.astray[0]
    assert not state.applied.any()
    assert math.degrees(state.offset[0, 0]) == pytest.approx(107.0, abs=1.0)


def test_ghosts_beside_real_echoes_do_not_make_a_radar_astray_that_sees_honest_aircraft_where_they_say():
    rng = np.random.default_rng(5)
    traffic = some_traffic(rng)
    turn = math.radians(107.0)
    c, s = math.cos(turn), math.sin(turn)
    turned = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])

    def beside(t):
        return aircraft(
            [
                (t, 0x700000 + 10 * j + k, turned @ (f[:3] + t * f[3:]) + rng.normal(size=3) * 8.0, turned @ f[3:])
                for k, f in enumerate(traffic.flights)
                for j in range(3)
            ]
        )

    state = learnt(ONE, traffic, NONE[:1], rng, 60.0, beside)
    assert not state.astray.any()
    assert not state.applied.any()


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ((0.0, math.radians(107.0), 0.0, 0.0), integrity.ASTRAY),
        ((0.0, 0.0, 0.0, 0.5), integrity.MISALIGNED),
        ((0.0, 0.0, math.radians(1.8), 0.0), integrity.MISALIGNED),
        ((0.0, 0.0, 0.0, 0.0), integrity.WORKING),
    ],
)
def test_the_health_says_how_a_radar_is_wrong(wrong, status):
    rng = np.random.default_rng(6)
    state = registers.start(ONE)
    trust = integrity.start(ONE)
    for frame in frames(ONE, some_traffic(rng), np.array([wrong]), rng, 40.0):
        trust, frame, health = integrity.examine(trust, frame, ONE)
        state, _ = registration.learn(state, frame, ONE)
        health = integrity.aligned(health, integrity.Registered(*registration.told(state)), ONE)
    assert health.radars.tolist() == [status]
    assert health.references[0] >= 3 or status == integrity.ASTRAY


def test_a_tilted_radar_is_disputed():
    rng = np.random.default_rng(9)
    traffic = some_traffic(rng, 8)
    state = registers.start(ONE)
    for frame in frames(ONE, traffic, NONE[:1], rng, 40.0):
        d = frame.detections
        frame = frame._replace(detections=d._replace(elevation=d.elevation + math.radians(5.0) * np.cos(d.azimuth)))
        state, _ = registration.learn(state, frame, ONE)
    assert state.disputed[0]


def test_memory_does_not_grow_with_time():
    rng = np.random.default_rng(10)
    state = registers.start(ONE)
    largest = 0
    for n, frame in enumerate(frames(ONE, some_traffic(rng), NONE[:1], rng, 40.0, ghosts_of(rng, 300))):
        state, _ = registration.learn(state, frame, ONE)
        largest = max(largest, rows(state.waiting.detections), rows(state.waiting.aircraft)) if n > 40 else 0
    assert rows(state.references) <= registers.MOST_REFERENCES + 4 * registers.MOST_REFERENCES
    assert largest <= registers.MOST_REPORTS


def test_tracks_stay_tracks_when_a_correction_is_made_in_mid_flight():
    """Detections of a round corrected from its eighth second on: the same track goes on, and comes out
    where it would have been.
    """
    off = np.array([[60.0, math.radians(1.5), math.radians(-1.0), 0.3]])
    path = a_round(v=np.array([95.0, -45.0, 150.0]))
    right = measured(path, ONE, 1, false_alarms=0.0)
    wrong = right._replace(
        t=right.t + 0.3,
        range=right.range + 60.0,
        azimuth=right.azimuth + off[0, 1],
        elevation=right.elevation + off[0, 2],
    )
    tracks = {}
    for name, late in (("corrected", True), ("right", False)):
        state = tracker.start(ONE)
        for k in range(1, 57):
            t = 0.25 * k
            d = wrong if late and t < 8.0 else right
            if late and k == 32:
                state = realigned(state, off, ONE)
            here = take(d, np.flatnonzero(np.abs(right.t - t) < 0.01))
            frame = Frame(t, here, Aircraft.empty(), Weather.still(), (), Radars.staring(1, t), Inputs.none(), 0.0)
            state, tracks[name] = tracker.track(state, frame, ONE)
    assert tracks["corrected"].number.tolist() == tracks["right"].number.tolist() == [1]
    apart = tracks["corrected"].state[0, :3] - tracks["right"].state[0, :3]
    assert np.linalg.norm(apart) < 2.0 * math.sqrt(np.trace(tracks["right"].covariance[0, :3, :3]))
    assert resting_on(state.block, np.array([1, 7]), np.array([True])).tolist() == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize("degrees", [107.0, 0.0])
def test_a_raid_seen_by_an_astray_radar_alone_warns_everybody_of_an_unknown_direction(degrees):
    """Thirty seconds of traffic, then four rounds onto the first zone; the radar is the only one."""
    rng = np.random.default_rng(11)
    paths = [a_round(v=np.array([95.0 + k, -45.0, 150.0])) for k in range(4)]
    east, north = paths[0][-1, :2]
    zones = (a_zone("here", east, north, 150.0), a_zone("there", 0.0, -4e3, 150.0))
    site = a_site(a_radar(false_alarms=0.5), zones=zones)
    errors = np.array([[0.0, math.radians(degrees), 0.0, 0.0]])
    d = join(*(measured(path, site, k, false_alarms=0.0) for k, path in enumerate(paths)))
    d = d._replace(t=d.t + 39.0, azimuth=(d.azimuth + errors[0, 1]) % (2.0 * math.pi))
    state, told, raised = watch.start(site), False, []
    for frame in frames(site, some_traffic(rng), errors, rng, 72.0):
        here = take(d, np.flatnonzero((d.t > frame.t - 0.25) & (d.t <= frame.t)))
        both = join(frame.detections, here)
        frame = frame._replace(detections=take(both, np.argsort(both.t, kind="stable")))
        state, picture = watch.watch(state, frame, site)
        told |= bool((picture.pre_alerts.cause == UNKNOWN_DIRECTION).any()) and rows(picture.pre_alerts) == 2
        raised += picture.warnings.zone[picture.warnings.action == RAISE].tolist()
    assert picture.health.radars[0] == (integrity.ASTRAY if degrees else integrity.WORKING)
    assert (told, raised) == ((True, []) if degrees else (False, [0]))
