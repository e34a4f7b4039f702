"""One exact flight: against high-precision references, closed forms, a printed range table, and
itself flown backwards.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from naive import flight
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from skywarden.kernels.ballistics.air import exponential, icao, icao_geometric, with_weather
from skywarden.kernels.ballistics.drag import drag_factor, drags, standard_drags
from skywarden.kernels.ballistics.flight import STANDARD_GRAVITY, acceleration, plain_earth, real_earth
from skywarden.kernels.ballistics.path import apex, fly, state_at
from skywarden.kernels.geometry.ground import Ground, flat

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "flight"
LAWS = standard_drags(["G1", "G7", "constant"])
LB_PER_SQUARE_INCH = 703.0695796391593      # kg/m²
micrometre, millimetre, decimetre = 1e-6, 1e-3, 0.1
# the same density everywhere, for closed forms
UNIFORM = exponential(0.0, rho0=1.0, scale=math.inf, sound0=340.0, sound_lapse=0.0)


def table(name: str) -> list[dict[str, str]]:
    file = SHARED / name
    if not file.exists():
        pytest.skip("the shared data folder is not here")
    return list(csv.DictReader(line for line in file.read_text().splitlines() if not line.startswith("#")))


def launched(speed: float, elevation_deg: float, bearing_deg: float = 90.0, up: float = 0.0) -> np.ndarray:
    e, b = math.radians(elevation_deg), math.radians(bearing_deg)
    return np.array([0.0, 0.0, up, speed * math.cos(e) * math.sin(b), speed * math.cos(e) * math.cos(b),
        speed * math.sin(e)])


def test_impacts_agree_with_high_precision_references():
    for row in table("highprec_reference_impacts.csv"):
        r = {k: float(v) for k, v in row.items() if k not in ("case", "drag")}
        air = with_weather(icao_geometric(r["site_z_m"]), [0.0], [[r["wind_x"], r["wind_y"]]])
        path = fly(launched(r["v0"], r["elev_deg"]), ["G1", "G7"].index(row["drag"]),
            1.0 / (r["bc_lbin2"] * LB_PER_SQUARE_INCH),
                   flat(), LAWS, air, plain_earth(r["site_z_m"]))
        end = path.state[-1]
        assert path.landed
        assert math.hypot(end[0] - r["x_m"], end[1] - r["y_m"]) < millimetre
        assert path.t[-1] == pytest.approx(r["tof_s"], abs=1e-5)
        assert end[3:] == pytest.approx([r["vx"], r["vy"], r["vz"]], abs=1e-5)
        assert apex(path) == pytest.approx(r["apex_above_site_m"], abs=5 * millimetre)


@pytest.mark.parametrize(("law", "speed", "elevation", "coefficient", "wind"), [
    (0, 250.0, 80.0, 700.0, (15.0, -20.0)), (0, 420.0, 20.0, 1500.0, (-12.0, 3.0)), (1, 800.0, 62.0, 1100.0,
        (9.0, 9.0)), (2, 300.0, 45.0, 2500.0, (0.0, 30.0)),
])
def test_flights_nobody_tabulated_agree_with_an_independent_integrator_in_weather_over_a_turning_earth(
    law, speed, elevation, coefficient, wind
):
    air = with_weather(icao(1_790.0), [0.0, 1_000.0, 6_000.0], [wind, (5.0, 5.0), (20.0, -10.0)],
        temperature_offset=12.0, pressure_ratio=0.97)
    earth = real_earth(0.6, 1_790.0)

    def rate(_, y):
        return [*y[3:], *acceleration(*y, law, 1.0 / coefficient, 0.0, 0.0, LAWS, air, earth)]

    def ground(_, y):
        return y[2]

    ground.terminal, ground.direction = True, -1
    start = launched(speed, elevation, 33.0)
    twin = solve_ivp(rate, (0.0, 400.0), start, method="DOP853", rtol=1e-11, atol=1e-9, events=ground, max_step=0.1)
    path = fly(start, law, 1.0 / coefficient, flat(), LAWS, air, earth)
    assert np.abs(path.state[-1, :2] - twin.y_events[0][0][:2]).max() < millimetre
    assert path.t[-1] == pytest.approx(twin.t_events[0][0], abs=1e-5)


def test_without_air_a_round_flies_the_parabola():
    for row in table("analytic_exact.csv"):
        if row["kind"] != "vacuum":
            continue
        speed, angle = float(row["v0_mps"]), math.radians(float(row["elev_deg"]))
        path = fly(launched(speed, float(row["elev_deg"])), 2, 0.0, flat(), LAWS, UNIFORM, plain_earth(0.0))
        assert path.state[-1, 0] == pytest.approx(speed**2 * math.sin(2.0 * angle) / STANDARD_GRAVITY, abs=micrometre)
        # the first row prints a rounded angle
        assert path.state[-1, 0] == pytest.approx(float(row["range_m"]), abs=10 * micrometre)
        assert path.t[-1] == pytest.approx(2.0 * speed * math.sin(angle) / STANDARD_GRAVITY, abs=1e-8)
        assert path.t[-1] == pytest.approx(float(row["tof_s"]), abs=1e-6)
        assert apex(path) == pytest.approx((speed * math.sin(angle)) ** 2 / (2.0 * STANDARD_GRAVITY), abs=micrometre)


def test_a_drop_against_quadratic_drag_meets_its_closed_form():
    for row in table("analytic_exact.csv"):
        if row["kind"] != "vertical_drop_quadratic":
            continue
        k = float(row["k_or_b"])       # deceleration k v² = rho v² / (2 BC), rho = 1
        path = fly([0.0, 0.0, float(row["drop_height_m"]), 0.0, 0.0, 0.0], 2, 2.0 * k, flat(), LAWS, UNIFORM,
            plain_earth(0.0), tolerance=1e-11)
        assert path.t[-1] == pytest.approx(float(row["tof_s"]), abs=micrometre)
        assert -path.state[-1, 5] == pytest.approx(float(row["apex_m_or_impact_speed"]), abs=micrometre)


def test_drag_in_proportion_to_speed_meets_its_closed_form():
    # deceleration b v means C(M) = c / M; a table of cubics holds that to 1e-9 where its nodes are dense enough and the
    # round stays fast enough
    sound = 340.0
    mach = np.geomspace(0.2, 1.2, 3_000)
    laws = drags([(mach, 1.0 / mach, "pchip")])
    for row in table("analytic_exact.csv"):
        if row["kind"] != "linear_drag":
            continue
        b = float(row["k_or_b"])
        path = fly(launched(float(row["v0_mps"]), float(row["elev_deg"])), 0, 2.0 * b / sound, flat(), laws, UNIFORM,
            plain_earth(0.0), tolerance=1e-11)
        assert path.state[-1, 0] == pytest.approx(float(row["range_m"]), abs=10 * micrometre)
        assert path.t[-1] == pytest.approx(float(row["tof_s"]), abs=micrometre)
        assert apex(path) == pytest.approx(float(row["apex_m_or_impact_speed"]), abs=10 * micrometre)


def test_a_naval_range_table_of_1935_is_met_by_its_own_drag_law_and_one_form_factor():
    kd8 = table("drag_kd8.csv")
    mach, kd = np.array([float(r["mach"]) for r in kd8]), np.array([float(r["kd"]) for r in kd8])
    # deceleration rho v² K_D d² / m = rho v² C / (2 BC) with BC = m / d²
    laws = drags([(mach, 2.0 * kd, "pchip")])
    air = exponential(0.0, rho0=1.2250, scale=1.0 / (0.000045 * math.log(10.0)), sound0=340.3, sound_lapse=0.0041)
    sectional = 952.544 / 0.4064**2
    rows = table("us_navy_1935_range_table.csv")

    def reach(row, factor):
        return fly(launched(792.48, float(row["departure_deg"])), 0, factor / sectional, flat(), laws, air,
            plain_earth(0.0), tolerance=1e-8)

    middle = rows[len(rows) // 3]
    factor = brentq(lambda f: reach(middle, f).state[-1, 0] - float(middle["range_m"]), 0.8, 1.4, xtol=1e-6)
    assert 0.9 < factor < 1.3
    for row in rows[::5]:
        path = reach(row, factor)
        vx, vz = path.state[-1, 3], path.state[-1, 5]
        assert path.state[-1, 0] == pytest.approx(float(row["range_m"]), rel=0.002)
        assert path.t[-1] == pytest.approx(float(row["tof_s"]), rel=0.02)
        assert math.degrees(math.atan2(-vz, vx)) == pytest.approx(float(row["fall_deg"]), abs=1.5)


def test_flat_fire_loses_speed_as_a_published_g1_table_says():
    file = SHARED / "bc1_g1_nowind.csv"
    if not file.exists():
        pytest.skip("the shared data folder is not here")
    foot, yard = 0.3048, 0.9144
    vapour = 0.378 * 0.78 * 17.05 / 1013.25     # the table's 78 % humidity at 15 °C: what it takes from the density
    air, sound = exponential(0.0, rho0=1.2250 * (1.0 - vapour), scale=1e12, sound0=340.29, sound_lapse=0.0), 340.29
    path = fly(launched(2_600.0 * foot, 0.0, 90.0, up=50.0), 0, 1.0 / (0.365 * LB_PER_SQUARE_INCH), flat(), LAWS, air,
        plain_earth(0.0))
    for line in file.read_text().splitlines():
        cells = line.split(";")
        if not cells[0].isdigit():
            continue
        at = float(cells[0]) * yard
        t = brentq(lambda t, at=at: state_at(path, t)[0] - at, 0.0, path.t[-1]) if at > 0.0 else 0.0
        speed = np.linalg.norm(state_at(path, t)[3:])
        assert speed == pytest.approx(float(cells[5]) * foot, abs=0.2)
        assert speed / sound == pytest.approx(float(cells[6]), abs=0.002)


def test_a_plain_twin_agrees():
    air = icao(0.0)

    def drag(up, speed):
        temperature = 288.15 - 0.0065 * up * 6_356_766.0 / (6_356_766.0 + up)
        density = 101_325.0 * (temperature / 288.15) ** 5.2558797 / (287.05287 * temperature)
        return 0.5 * density * drag_factor(LAWS, 0, speed / math.sqrt(1.4 * 287.05287 * temperature)) / 1_100.0

    t, end = flight(launched(240.0, 50.0), drag, np.array([4.0, -2.0, 0.0]))
    path = fly(launched(240.0, 50.0), 0, 1.0 / 1_100.0, flat(), LAWS, with_weather(air, [0.0], [[4.0, -2.0]]),
        plain_earth(0.0))
    assert np.abs(path.state[-1, :2] - end[:2]).max() < 0.02
    assert path.t[-1] == pytest.approx(t, abs=1e-3)


def test_between_its_nodes_a_flight_is_known_to_a_millimetre():
    air, earth = with_weather(icao(1_790.0), [0.0, 900.0], [[3.0, 1.0], [12.0, -5.0]]), real_earth(0.6, 1_790.0)
    path = fly(launched(600.0, 50.0), 1, 1.0 / 900.0, flat(), LAWS, air, earth)
    fine = fly(launched(600.0, 50.0), 1, 1.0 / 900.0, flat(), LAWS, air, earth, tolerance=1e-13)
    t = np.linspace(0.0, path.t[-1], 4_001)
    assert np.abs(state_at(path, t) - state_at(fine, t))[:-1].max() < millimetre
    assert np.isnan(state_at(path, -1.0)).all()
    assert np.isnan(state_at(path, path.t[-1] + 1.0)).all()


@pytest.mark.parametrize(("burn", "height"), [(0.0, 0.0), (60.0, 120.0), (180.0, 60.0)])
def test_flown_back_a_round_returns_to_where_it_was_within_a_millimetre(burn, height):
    air, earth = with_weather(icao(1_790.0), [0.0], [[-5.0, 8.0]]), real_earth(0.6, 1_790.0)
    options = {"burn_acceleration": burn, "burn_out_height": height, "drift": 2e-4}
    fall = np.array([500.0, -300.0, 0.0, 90.0, 150.0, -190.0])
    back = fly(fall, 0, 1.0 / 1_125.0, flat(), LAWS, air, earth, forward=False, **options)
    assert back.landed
    assert back.t[-1] < -20.0
    assert abs(back.state[-1, 2]) < micrometre
    assert back.state[-1, 5] > 0.0
    there = fly(back.state[-1], 0, 1.0 / 1_125.0, flat(), LAWS, air, earth, **options)
    assert np.abs(there.state[-1] - fall).max() < millimetre
    assert there.t[-1] == pytest.approx(-back.t[-1], abs=1e-5)


def test_with_a_motor_a_round_leaves_slower_than_it_would_have_coasted():
    fall, earth = np.array([0.0, 0.0, 0.0, 120.0, 0.0, -160.0]), plain_earth(0.0)
    coasting = fly(fall, 0, 1.0 / 1_100.0, flat(), LAWS, icao(0.0), earth, forward=False)
    burning = fly(fall, 0, 1.0 / 1_100.0, flat(), LAWS, icao(0.0), earth, forward=False, burn_acceleration=80.0,
        burn_out_height=150.0)
    fast, slow = np.linalg.norm(coasting.state[-1, 3:]), np.linalg.norm(burning.state[-1, 3:])
    length = 150.0 / (burning.state[-1, 5] / slow)
    assert slow < fast
    assert slow**2 == pytest.approx(fast**2 - 2.0 * 80.0 * length, rel=0.1)


def test_a_motor_too_strong_for_the_speed_still_ends_on_the_ground():
    path = fly([0.0, 0.0, 0.0, 70.0, 0.0, -90.0], 0, 1.0 / 1_100.0, flat(), LAWS, icao(0.0), plain_earth(0.0),
        forward=False,
               burn_acceleration=400.0, burn_out_height=100.0)
    assert path.landed
    assert np.isfinite(path.state).all()
    assert 10.0 < np.linalg.norm(path.state[-1, 3:]) < 70.0


def test_on_rough_ground_a_round_stops_at_the_first_hill_in_its_way():
    up = np.zeros((3, 201))
    up[:, 120:124] = 400.0       # a wall 30 to 40 m thick, 1.2 km out
    ground = Ground(0.0, -1_000.0, 10.0, up, 400.0, 0.0)
    ground = ground._replace(up=np.repeat(up, 70, axis=0))
    over = fly(launched(140.0, 60.0), 2, 1e-5, ground, LAWS, icao(0.0), plain_earth(0.0))
    into = fly(launched(140.0, 25.0), 2, 1e-5, ground, LAWS, icao(0.0), plain_earth(0.0))
    assert over.landed
    assert over.state[-1, 0] > 1_300.0
    assert into.landed
    assert 1_190.0 <= into.state[-1, 0] <= 1_200.0
    assert into.state[-1, 2] > 10.0


def test_a_round_on_the_ground_that_does_not_rise_has_landed_and_one_that_never_falls_has_not():
    down = fly([5.0, 6.0, 0.0, 10.0, 0.0, -1.0], 2, 1e-3, flat(), LAWS, icao(0.0), plain_earth(0.0))
    assert down.landed
    assert down.t[-1] == 0.0
    assert (down.state[-1, :3] == [5.0, 6.0, 0.0]).all()
    assert not fly(launched(300.0, 80.0), 2, 1e-4, flat(), LAWS, icao(0.0), plain_earth(0.0), t_max=5.0).landed


@pytest.mark.parametrize("bad", [[0.0] * 5, [math.nan] * 6, [[0.0] * 6]])
def test_what_is_no_state_is_refused(bad):
    with pytest.raises(ValueError, match="six finite numbers"):
        fly(bad, 0, 1e-3, flat(), LAWS, icao(0.0), plain_earth(0.0))


def test_the_earths_turning_moves_a_long_flight_to_the_right_in_the_north():
    still, turning = (fly(launched(340.0, 45.0, 0.0), 0, 1.0 / 1_125.0, flat(), LAWS, icao(0.0), earth).state[-1, 0]
                      for earth in (plain_earth(0.0), real_earth(0.6, 0.0)))
    assert abs(still) < micrometre
    assert 5.0 < turning < 25.0
    assert STANDARD_GRAVITY == 9.80665
