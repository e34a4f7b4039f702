"""Flights to the ground per second on one core, ours against openballistics and py-ballisticcalc,
each at a p99 impact error of 0.1 m or less.

    .venv/bin/python benchmarks/flight.py [ROUNDS]

Three generic rounds, each varied by a few per cent in speed, elevation and coefficient. Every
engine is measured against its own converged answer, so that small differences of the atmosphere do
not count as error; the fastest setting of each peer that keeps to 0.1 m is the one compared.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np

from skywarden.kernels.ballistics.air import icao, with_weather
from skywarden.kernels.ballistics.drag import STANDARD, drag_factor, standard_drags
from skywarden.kernels.ballistics.fall import fall, fall_exactly
from skywarden.kernels.ballistics.flight import STANDARD_GRAVITY, plain_earth
from skywarden.kernels.ballistics.path import fly
from skywarden.kernels.geometry.ground import flat

LB_PER_SQUARE_INCH = 703.0695796391593      # kg/m²
SITE = 1_790.0                              # m above mean sea level
ALLOWED = 0.1                               # m, p99 of the distance between an impact and the converged one
LAWS = standard_drags(["G1", "G7"])
# generic, illustrative rounds: law, coefficient [lb/in²], speed [m/s], elevation [deg], wind towards east, north [m/s]
CASES = {"M4": (0, 1.50, 225.0, 55.0, (-4.0, 6.0)), "R7": (0, 1.60, 340.0, 42.0, (-5.0, 8.0)), "S15": (1, 1.30, 560.0,
    45.0, (-5.0, 8.0))}


class Rounds(NamedTuple):
    law: int
    coefficient: np.ndarray     # (n,) kg/m²
    speed: np.ndarray           # (n,) m/s
    elevation: np.ndarray       # (n,) rad
    wind: tuple[float, float]


def rounds_of(case: str, n: int) -> Rounds:
    law, coefficient, speed, elevation, wind = CASES[case]
    rng = np.random.default_rng(11)
    return Rounds(law, coefficient * LB_PER_SQUARE_INCH * rng.uniform(0.95, 1.05, n), speed * rng.uniform(0.95, 1.05,
        n),
                  np.radians(elevation + rng.uniform(-5.0, 5.0, n)), wind)


def states(r: Rounds) -> np.ndarray:
    still = np.zeros(len(r.speed))
    return np.stack([still, still, still, r.speed * np.cos(r.elevation), still, r.speed * np.sin(r.elevation)], axis=1)


def timed(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Shortest CPU time of several runs [s] and the last result: all engines run on one core, and
    what else the machine does must not count.
    """
    best, result = math.inf, None
    for _ in range(repeats):
        t0 = time.process_time()
        result = work()
        best = min(best, time.process_time() - t0)
    return best, result


def ours(r: Rounds) -> tuple[float, float]:
    """Flights per second and p99 error [m]."""
    air, earth, state, inverse = with_weather(icao(SITE), [0.0],
        [r.wind]), plain_earth(SITE), states(r), 1.0 / r.coefficient
    fall(state, r.law, inverse, flat(), LAWS, air, earth)
    seconds, falls = timed(lambda: fall(state, r.law, inverse, flat(), LAWS, air, earth), 7)
    some = slice(0, 2_000)
    exact = fall_exactly(state[some], r.law, inverse[some], flat(), LAWS, air, earth)
    return len(state) / seconds, float(np.quantile(np.linalg.norm(falls.position[some] - exact.position, axis=1), 0.99))


def on_two_cores(r: Rounds) -> float:
    """Flights per second of wall time, by two threads."""
    air, earth, state, inverse = with_weather(icao(SITE), [0.0],
        [r.wind]), plain_earth(SITE), states(r), 1.0 / r.coefficient
    best = math.inf
    for _ in range(15):
        t0 = time.perf_counter()
        fall(state, r.law, inverse, flat(), LAWS, air, earth, threads=2)
        best = min(best, time.perf_counter() - t0)
    return len(state) / best


def one_warm_call(r: Rounds) -> tuple[float, float]:
    """Seconds of one flight called from Python: by the batch of one, and by the exact flight."""
    air, earth, state = with_weather(icao(SITE), [0.0], [r.wind]), plain_earth(SITE), states(r)[0]
    inverse, ground = float(1.0 / r.coefficient[0]), flat()
    return (timed(lambda: [fall(state, r.law, inverse, ground, LAWS, air, earth) for _ in range(100)], 5)[0] / 100,
            timed(lambda: [fly(state, r.law, inverse, ground, LAWS, air, earth) for _ in range(20)], 5)[0] / 20)


def openballistics(r: Rounds) -> tuple[float, float, str]:
    """Impact by asking for the position at a time of flight until it lies on the ground: that is
    all its forward interface offers.
    """
    import openballistics as peer

    def impacts(setting: float, n: int) -> np.ndarray:
        """A setting of 0.005 or more is a fixed step [s], a smaller one a tolerance."""
        found = np.empty((n, 2))
        environment = peer.Environment.isa()
        environment.gravity, environment.wind_velocity = np.array([0.0, 0.0, -STANDARD_GRAVITY]), np.array([*r.wind,
            0.0])
        curve = peer.Interpolator(lambda m: drag_factor(LAWS, r.law, max(float(m), 0.0)) * 4.0 / math.pi, 0.0025)
        start = np.array([0.0, 0.0, SITE])
        integrator = peer.RK4(step=setting) if setting >= 0.005 else peer.RK45(absolute_tolerance=setting,
            relative_tolerance=setting)
        projectile = peer.Projectile(mass=1.0, diameter=math.sqrt(1.0 / r.coefficient[0]), drag_force_coefficient=curve)
        solver = peer.Ballistics(model="pm", integrator=integrator, environment=environment, projectile=projectile)
        guess = 0.9 * 2.0 * float(r.speed[0]) * math.sin(float(r.elevation[0])) / STANDARD_GRAVITY
        for i in range(n):
            projectile.diameter = math.sqrt(1.0 / r.coefficient[i])
            solver.projectile = projectile
            heading, speed = np.array([math.cos(r.elevation[i]), 0.0, math.sin(r.elevation[i])]), float(r.speed[i])
            t, sink, before = guess, 0.75 * speed * math.sin(r.elevation[i]), None
            for _ in range(12):
                p = solver.compute_final_position(launch_position=start, launch_direction=heading,
                    muzzle_velocity=speed, time_of_flight=t)
                up = p[2] - SITE
                if before is not None and t != before[0]:
                    sink = max(-(up - before[1]) / (t - before[0]), 1.0)
                if abs(up) < 0.005:
                    break
                before, t = (t, up), t + up / sink
            found[i], guess = p[:2], t
        return found

    return _fastest("step or tolerance", impacts, (1.0, 0.5, 0.25, 0.1, 0.05, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8,
        1e-9), 1e-12, 200)


def py_ballisticcalc(r: Rounds) -> tuple[float, float, str]:
    """Its own fall to the ground: the shot ends where it drops below the launch height."""
    import py_ballisticcalc as peer

    logging.getLogger("py_balcalc").setLevel(logging.WARNING)
    table = [{"Mach": float(m), "CD": float(c)} for m, c in zip(*STANDARD[("G1", "G7")[r.law]], strict=True)]
    wind = peer.Wind(peer.Velocity.MPS(math.hypot(*r.wind)), peer.Angular.Radian(math.atan2(r.wind[1], r.wind[0])))

    def impacts(step: float, n: int) -> np.ndarray:
        found = np.empty((n, 2))
        config = {"cStepMultiplier": step, "cMinimumVelocity": 0.0, "cMaximumDrop": -1.0,
            "cMinimumAltitude": SITE / 0.3048 - 10_000.0}
        calculator = peer.Calculator(engine="python+rk4", config=config)
        for i in range(n):
            model = peer.DragModel(float(r.coefficient[i]) / LB_PER_SQUARE_INCH, table)
            ammunition = peer.Ammo(model, peer.Velocity.MPS(float(r.speed[i])))
            shot = peer.Shot(ammo=ammunition, weapon=peer.Weapon(),
                relative_angle=peer.Angular.Radian(float(r.elevation[i])),
                             atmo=peer.Atmo.icao(peer.Distance.Meter(SITE)), winds=[wind])
            result = calculator.fire(shot, trajectory_range=peer.Distance.Meter(30_000.0),
                trajectory_step=peer.Distance.Meter(30_000.0),
                                     flags=peer.TrajFlag.ZERO_DOWN, raise_range_error=False)
            rows = [row for row in result.records if row.flag & peer.TrajFlag.ZERO_DOWN]
            fell = rows[-1] if rows else result.records[-1]
            found[i] = fell.distance >> peer.Distance.Meter, fell.windage >> peer.Distance.Meter
        return found

    return _fastest("python+rk4, step", impacts, (8.0, 4.0, 2.0, 1.0), 0.5, 4)


def _fastest(
    name: str, impacts: Callable[[float, int], np.ndarray], settings: tuple[float, ...], converged: float, n: int
) -> tuple[float, float, str]:
    """Flights per second, p99 error [m] and setting: the fastest that keeps to the allowed error,
    or the most exact if none does.
    """
    truth, best = impacts(converged, n), (0.0, math.inf, "none")
    for setting in settings:
        seconds, found = timed(lambda setting=setting: impacts(setting, n), 2)
        error = float(np.quantile(np.linalg.norm(found - truth, axis=1), 0.99))
        if (error <= ALLOWED and (best[1] > ALLOWED or n / seconds > best[0])) or (best[1] > ALLOWED
                and error < best[1]):
            best = (n / seconds, error, f"{name} {setting:g}")
    return best


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    peers = {"openballistics": openballistics, "py-ballisticcalc": py_ballisticcalc}
    for case in CASES:
        r = rounds_of(case, n)
        rate, error = ours(r)
        batch, exact = one_warm_call(r)
        warm = f"one warm call: batch of one {1e6 * batch:.1f} µs, exact {1e6 * exact:.1f} µs"
        print(f"{case:4} skywarden         {rate / 1e3:9.1f} k/s  p99 {error:.3f} m   {warm}, two cores "
            f"{on_two_cores(r) / 1e3:.1f} k/s")
        for name, peer in peers.items():
            try:
                theirs, miss, setting = peer(r)
            except ImportError as problem:
                print(f"{'':4} {name:17} skipped: {problem}")
                continue
            fair = "" if miss <= ALLOWED else "   (never within 0.1 m)"
            print(f"{'':4} {name:17} {theirs / 1e3:9.3f} k/s  p99 {miss:.3f} m   {setting}   ratio "
                f"{rate / theirs:,.0f}x{fair}", flush=True)


if __name__ == "__main__":
    main()
