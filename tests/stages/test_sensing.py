"""What radars and receivers make of what is there, against theory and declared numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import a_flight, a_radar, a_real_radar, a_site

from skywarden.kernels.geometry.ground import Ground, flat
from skywarden.kernels.geometry.polar import from_polar
from skywarden.kernels.geometry.sight import EARTH_RADIUS, in_sight
from skywarden.simulator.scenario.model import Clutter
from skywarden.simulator.sensing.adsb import LOSS, PERIOD, Reports
from skywarden.simulator.sensing.chance import Chance
from skywarden.simulator.sensing.clutter import BIRD_HEIGHT, Rain, Wildlife
from skywarden.simulator.sensing.radar import Sensor, covered
from skywarden.simulator.sensing.returns import PULSES, false_alarm_probability, fluctuation, mean_snr
from skywarden.simulator.sensing.targets import Targets
from skywarden.simulator.world import traffic
from skywarden.simulator.world.air import ALTIMETER_STEP, Altimeter

FLAT = flat()


def ring(n, distance, elevation=0.3, cross_section=0.02, swerling=1, speed=0.0):
    """n targets all round at one range and elevation, receding at `speed`."""
    azimuth = np.arange(n) * 2.0 * math.pi / n
    position = from_polar(np.full(n, distance), azimuth, np.full(n, elevation), np.zeros(3))
    velocity = position / distance * speed
    return Targets.plain(np.arange(n), np.arange(n), position, velocity, np.full(n, cross_section),
        np.full(n, swerling))


def looks(radar, targets, n, seed=1, ground=FLAT):
    """All plots of n looks, and the sensor."""
    sensor = Sensor(radar, 0, ground, Chance(seed))
    return [sensor.look(k, k * 0.25 - 0.25, k * 0.25, targets, targets, [(k * 0.25, k, targets)]) for k in range(n)]


@pytest.mark.parametrize("distance", [8_000.0, 10_000.0, 14_000.0])
def test_detection_of_an_exponential_cross_section_follows_its_closed_form(distance):
    radar = a_real_radar(false_alarms=1.0, azimuth_cell=1e-4)      # cells so narrow that the ring does not merge
    targets, n = ring(500, distance, cross_section=0.05), 40
    seen = sum((plots.origin >= 0).sum() for plots in looks(radar, targets, n)) / (500 * n)
    snr = float(mean_snr(radar, np.array([distance]), np.array([0.05]))[0])
    theory = false_alarm_probability(radar) ** (1.0 / (1.0 + snr))
    four_sigmas = 4.0 * math.sqrt(theory * (1.0 - theory) / (500 * n))
    assert 0.02 < theory < 0.99
    assert abs(seen - theory) < four_sigmas


def test_the_cross_section_keeps_its_mean_and_fluctuates_as_its_model_says():
    u = Chance(3).keyed("u").uniform(0, np.arange(200_000), 1)[:, 0]
    for model, variance in ((0, 0.0), (1, 1.0), (2, 1.0 / PULSES), (3, 0.5), (4, 0.5 / PULSES)):
        drawn = fluctuation(np.full(len(u), model), u)
        assert drawn.mean() == pytest.approx(1.0, abs=0.01)
        assert drawn.var() == pytest.approx(variance, rel=0.03, abs=1e-12)


def test_noise_shrinks_with_the_reported_signal_to_noise():
    radar = a_real_radar(false_alarms=0.0, azimuth_cell=1e-4)
    plots = looks(radar, ring(400, 8_000.0, cross_section=0.05), 60)
    snr = np.concatenate([p.detections.snr for p in plots])
    error = np.concatenate([p.detections.range for p in plots]) - 8_000.0
    rate = np.concatenate([p.detections.range_rate for p in plots])
    for low, high in ((16.0, 19.0), (22.0, 25.0), (26.0, 29.0)):
        rows = (snr >= low) & (snr < high)
        expected = np.sqrt(np.mean(10.0 ** ((radar.reference_snr - snr[rows]) / 10.0)))
        assert error[rows].std() / radar.range_sigma == pytest.approx(expected, rel=0.05)
        assert rate[rows].std() / radar.range_rate_sigma == pytest.approx(expected, rel=0.05)


def test_no_signal_is_so_strong_that_less_than_a_tenth_of_the_error_stays():
    radar = a_real_radar(false_alarms=0.0, azimuth_cell=1e-4)
    plots = looks(radar, ring(200, 1_000.0, cross_section=10.0, swerling=0), 40)
    assert min(p.detections.snr.min() for p in plots) > radar.reference_snr + 20.0
    error = np.concatenate([p.detections.range for p in plots]) - 1_000.0
    assert error.std() / radar.range_sigma == pytest.approx(0.1, rel=0.05)


def test_two_things_in_one_cell_give_one_detection_between_them():
    radar = a_real_radar(false_alarms=0.0, reference_snr=40.0)
    place = from_polar(np.array([5_000.0, 5_020.0]), np.full(2, 1.0), np.full(2, 0.3), np.zeros(3))
    pair = Targets.plain([0, 1], [0, 1], place, np.zeros((2, 3)), [1.0, 3.0], [0, 0])
    plots = looks(radar, pair, 50)
    assert all(len(p.origin) == 1 for p in plots)
    # weighted by power 1 : 3
    assert np.mean([p.detections.range[0] for p in plots]) == pytest.approx(5_015.0, abs=1.0)
    apart = pair._replace(position=from_polar(np.array([5_000.0, 5_040.0]), np.full(2, 1.0), np.full(2, 0.3),
        np.zeros(3)))
    assert all(len(p.origin) == 2 for p in looks(radar, apart, 5))


def test_a_fast_round_shows_its_doppler_folded():
    radar = a_radar(false_alarms=0.0, range_rate_span=400.0)
    rates = np.concatenate([p.detections.range_rate for p in looks(radar, ring(50, 5_000.0, speed=-250.0), 10)])
    assert (np.abs(rates) <= 200.0).all()
    assert rates.mean() == pytest.approx(150.0, abs=0.5)


def ridge(height):
    """A ridge running north, 2 km east, on a grid of 100 m."""
    up = np.zeros((101, 101))
    up[:, 70] = height
    return Ground(-5_000.0, -5_000.0, 100.0, up, height, 0.0)


def test_a_ridge_hides_what_is_behind_and_below_it():
    place = np.array([0.0, 0.0, 10.0])
    ground = ridge(200.0)
    low, high, beside = [4_000.0, 0.0, 150.0], [4_000.0, 0.0, 500.0], [-4_000.0, 0.0, 150.0]
    assert in_sight(ground, place, np.array([low, high, beside, [np.nan] * 3])).tolist() == [False, True, True, False]
    radar = a_radar(place=place, elevation_min=0.0)
    assert covered(radar, ground, np.array([low, high])).tolist() == [False, True]


def test_the_air_bends_rays_over_a_ridge_as_four_thirds_of_the_earth_would():
    place, target = np.array([-4_000.0, 0.0, 100.0]), np.array([[4_000.0, 0.0, 100.0]])
    # 0.22 m over the chord, above the far edge of a ridge 400 m wide
    rise = 6_200.0 * 1_800.0 / (8.0 * EARTH_RADIUS)
    for share, seen in ((0.85, True), (1.15, False)):
        ground = ridge(0.0)
        ground.up[:, 68:73] = 100.0 + 0.5 + share * rise     # half a metre is forgiven
        assert in_sight(ground._replace(highest=101.0), place, target)[0] == seen


def test_a_plain_radar_has_the_declared_statistics():
    radar, n = a_radar(), 400
    targets = ring(100, 6_000.0, elevation=0.5, speed=100.0)
    plots = looks(radar, targets, n)
    false = np.array([(p.origin == -1).sum() for p in plots])
    assert false.mean() == pytest.approx(5.0, abs=4.0 * math.sqrt(5.0 / n))
    assert false.var() == pytest.approx(5.0, rel=0.3)
    rows = [p.origin >= 0 for p in plots]
    d = [p.detections for p in plots]
    origin = np.concatenate([p.origin[r] for p, r in zip(plots, rows, strict=True)])
    assert len(origin) / (100 * n) == pytest.approx(0.9, abs=0.006)
    azimuth = np.concatenate([x.azimuth[r] for x, r in zip(d, rows, strict=True)]) - origin * 2.0 * math.pi / 100
    errors = {
        "range": (np.concatenate([x.range[r] for x, r in zip(d, rows, strict=True)]) - 6_000.0, 15.0),
        "azimuth": ((azimuth + math.pi) % (2.0 * math.pi) - math.pi, 3e-3),
        "elevation": (np.concatenate([x.elevation[r] for x, r in zip(d, rows, strict=True)]) - 0.5, 3e-3),
        "range rate": (np.concatenate([x.range_rate[r] for x, r in zip(d, rows, strict=True)]) - 100.0, 1.5)}
    for name, (error, sigma) in errors.items():
        assert error.std() == pytest.approx(sigma, rel=0.02), name
        assert abs(error.mean()) < 4.0 * sigma / math.sqrt(len(error)), name
    thermal = np.concatenate([x.range[p.origin == -1] for x, p in zip(d, plots, strict=True)])
    assert thermal.min() > 300.0
    assert thermal.max() < 15_000.0
    assert thermal.mean() == pytest.approx(7_650.0, rel=0.05)


def test_one_thing_less_leaves_the_luck_of_all_others():
    radar = a_real_radar(azimuth_cell=1e-4)
    targets = ring(40, 9_000.0)
    gone = targets._replace(position=np.where(np.arange(40)[:, None] == 7, np.nan, targets.position))
    for whole, less in zip(looks(radar, targets, 20), looks(radar, gone, 20), strict=True):
        keep = whole.origin != 7
        for a, b in zip(whole.detections, less.detections, strict=True):
            np.testing.assert_array_equal(a[keep], b)


def test_a_turning_radar_meets_each_thing_once_a_turn_when_it_points_at_it():
    radar = a_radar(kind="rotating", revisit=4.0, detection_probability=1.0, false_alarms=0.0, azimuth_sigma=1e-6)
    sensor, targets = Sensor(radar, 0, FLAT, Chance(1)), ring(36, 5_000.0)
    plots = [sensor.look(k, (k - 1) * 0.25, k * 0.25, targets, targets, []) for k in range(1, 33)]     # two turns
    t, azimuth = np.concatenate([p.detections.t for p in plots]), np.concatenate([p.detections.azimuth for p in plots])
    assert np.bincount(np.concatenate([p.origin for p in plots])).tolist() == [2] * 36
    behind = (2.0 * math.pi * t / 4.0 - azimuth + math.pi) % (2.0 * math.pi) - math.pi
    assert np.abs(behind).max() < 1e-4
    for k, p in enumerate(plots, 1):
        assert ((p.detections.t > (k - 1) * 0.25 - 1e-9) & (p.detections.t <= k * 0.25)).all()


def test_a_scheduled_array_spends_no_more_dwells_than_it_has():
    radar = a_radar(
        kind="scheduled", budget=400.0, detection_probability=1.0, false_alarms=0.0, azimuth_cell=math.radians(2.0),
        elevation_cell=math.radians(2.0))
    counts = [len(p.origin) for p in looks(radar, ring(360, 5_000.0), 40)]
    # 100 dwells: at most 50 single follows, and a beam of 2 degrees holds two of the ring
    assert max(counts) <= 100 * 2 + 50
    assert sum(counts) > 0
    alone = [len(p.origin) for p in looks(radar, ring(3, 5_000.0), 120)]
    found = next(k for k, n in enumerate(alone) if n)
    assert sum(alone[found:]) > 100           # once found it is followed: no longer only when the search comes by


def test_a_secondary_radar_hears_transponders_only():
    radar = a_radar(mode_s=True, elevation_sigma=math.nan, range_rate_sigma=math.nan, false_alarms=0.0,
        detection_probability=1.0)
    targets = ring(4, 8_000.0)._replace(address=np.array([-1, 0x123456, -1, 0x654321]),
        pressure_altitude=np.array([np.nan, 900.0, np.nan, 1_200.0]))
    plots = looks(radar, targets, 1)[0]
    assert plots.detections.address.tolist() == [0x123456, 0x654321]
    assert plots.detections.pressure_altitude.tolist() == [900.0, 1_200.0]
    assert np.isnan(plots.detections.elevation).all()
    assert np.isnan(plots.detections.range_rate).all()


def test_clutter_hangs_together():
    wild = Wildlife(Clutter(30, 10.0, 2, (), 0.0, 1.0), FLAT, Chance(5))
    path = np.array([wild.at(t).position for t in np.arange(0.0, 600.0, 0.25)])
    speed = np.linalg.norm(np.diff(path[:, :30], axis=0), axis=2) / 0.25
    assert speed.max() < 30.0
    assert 5.0 < np.median(speed) < 25.0
    assert (path[:, :30, 2] >= 1.0).all()
    assert path[:, :30, 2].max() < BIRD_HEIGHT[1] + 100.0
    assert (path[:, 30:] == path[0, 30:]).all()
    step = 1e-3
    slope = (wild.at(100.0 + step).position - wild.at(100.0 - step).position) / (2.0 * step)
    np.testing.assert_allclose(slope, wild.at(100.0).velocity, atol=1e-3)


def test_rain_falls_within_its_drifting_cell():
    cell = np.array([[1_000.0, 0.0], [3_000.0, 0.0], [3_000.0, 2_000.0]])      # a triangle of 2 km²
    rain = Rain(Clutter(0, 1.0, 0, (cell,), 5.0, 1.0), np.array([10.0, 0.0]))
    looks = [rain.look(np.random.default_rng(k), 100.0) for k in range(300)]
    counts = np.array([len(x.key) for x in looks])
    assert counts.mean() == pytest.approx(10.0, abs=4.0 * math.sqrt(10.0 / 300))
    east = np.concatenate([x.position[:, 0] for x in looks])
    assert east.min() >= 2_000.0
    assert east.max() <= 4_000.0


def test_reports_come_twice_a_second_with_losses_gaps_and_lies():
    flights = (a_flight(gap=((20.0, 30.0),)), a_flight(address=0x2, lie=np.array([5_000.0, 0.0, 0.0]), nic=3),
        a_flight(address=0x3, transponder=False))
    site, table = a_site(), traffic.traffic(flights)
    reports = Reports(flights, site.receivers, FLAT, Chance(2))
    heard = []
    for k in range(1, 241):
        before, now = traffic.states(table, (k - 1) * 0.25), traffic.states(table, k * 0.25)
        heard.append(reports.heard((k - 1) * 0.25, k * 0.25, before, now, np.full(3, 1_500.0), np.full((3, 6), np.nan)))
    t = np.concatenate([h.t for h in heard])
    address, position = np.concatenate([h.address for h in heard]), np.concatenate([h.position for h in heard])
    assert set(address) == {0xABCDEF, 0x2}
    assert (np.diff(t) >= 0.0).all()
    honest = address == 0xABCDEF
    assert not ((t[honest] >= 20.0) & (t[honest] < 30.0)).any()
    expected = 60.0 / PERIOD * (1.0 - LOSS)
    assert abs((~honest).sum() - expected) < 4.0 * math.sqrt(expected * LOSS) + 2.0
    truth = -3_000.0 + 100.0 * t
    assert np.median(np.abs(position[honest, 0] - truth[honest])) < 15.0
    assert np.median(position[~honest, 0] - truth[~honest]) == pytest.approx(5_000.0, abs=5.0)
    assert all((h.nic[h.address == 0x2] == 3).all() for h in heard)


def test_altimeters_read_the_standard_height_in_standard_air_in_steps_of_25_feet():
    from skywarden.kernels.ballistics.air import icao, with_weather

    place = np.array([[0.0, 0.0, 3_000.0]])
    read = Altimeter(icao(1_790.0)).read(place)[0]
    assert read == pytest.approx(4_790.0, abs=0.5 * ALTIMETER_STEP + 0.5)
    assert read / ALTIMETER_STEP == pytest.approx(round(read / ALTIMETER_STEP))
    low = Altimeter(with_weather(icao(1_790.0), [0.0], [[0.0, 0.0]], pressure_ratio=0.98)).read(place)[0]
    assert 100.0 < low - read < 250.0         # 2 % less pressure reads about 8 m a hectopascal higher
