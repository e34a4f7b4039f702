"""One predict and update of one target, called from Python, against FilterPy's EKF with the same
model: python benchmarks/tracking_update.py

FilterPy twice: with the model in NumPy, as its users write one (Runge-Kutta, slopes of the flight
and of the measurement in closed form), and with our compiled flight and slopes inside. CPU time,
one thread, one run.
"""

from __future__ import annotations

import importlib.util
import time
from typing import Any

import numpy as np

from skywarden.kernels.ballistics.air import exponential
from skywarden.kernels.ballistics.drag import standard_drags
from skywarden.kernels.ballistics.flight import plain_earth
from skywarden.kernels.estimation.measure import measure
from skywarden.kernels.estimation.motion import STATES, flow
from skywarden.kernels.estimation.single import follow, pack

AIR, EARTH, DRAGS = exponential(1790.0), plain_earth(1790.0), standard_drags(["constant"])
START = np.array([-3000.0, 2000.0, 600.0, 160.0, -90.0, 110.0, 2.4, 0.0, 0.0])
SPREAD = np.diag([400.0, 400.0, 400.0, 100.0, 100.0, 100.0, 0.64, 0.0, 0.0])
R = np.array([225.0, 9e-6, 9e-6, 2.25])


def rate_of_ours(n: int = 20_000) -> float:
    z, H6 = np.empty(4), np.empty((4, 6))
    measure(START, np.zeros(3), z, H6)
    place, world = np.zeros(3), pack(AIR, EARTH, DRAGS)
    follow(START, SPREAD, z, 0.25, place, R, world)
    begun = time.process_time()
    for _ in range(n):
        follow(START, SPREAD, z, 0.25, place, R, world)
    return n / (time.process_time() - begun)


def plain_flight(x: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """The same constant-drag flight and its transition matrix, in NumPy: state (7,) and (7, 7)."""
    def slope(y: np.ndarray) -> np.ndarray:
        v = y[3:6]
        drag = -0.5e-4 * AIR.rho0 * np.exp(-(y[2] + AIR.datum) / AIR.scale) * np.sqrt(v @ v) * y[6]
        return np.concatenate((v, drag * v - np.array([0.0, 0.0, EARTH.gravity]), [0.0]))

    a = slope(x)
    b = slope(x + 0.5 * dt * a)
    c = slope(x + 0.5 * dt * b)
    y = x + dt / 6.0 * (a + 2.0 * b + 2.0 * c + slope(x + dt * c))
    v = 0.5 * (x[3:6] + y[3:6])
    s = np.sqrt(v @ v)
    per = -0.5e-4 * AIR.rho0 * np.exp(-(0.5 * (x[2] + y[2]) + AIR.datum) / AIR.scale) * s
    A = np.zeros((7, 7))
    A[:3, 3:6] = np.eye(3)
    A[3:6, 3:6] = per * x[6] * (np.eye(3) + np.outer(v, v) / (s * s))
    A[3:6, 2] = -per * x[6] / AIR.scale * v
    A[3:6, 6] = per * v
    return y, np.eye(7) + dt * A + 0.5 * dt * dt * A @ A


def plain_measure(x: np.ndarray) -> np.ndarray:
    """Range, azimuth, elevation, range rate of a state (7,), in NumPy."""
    r = np.sqrt(x[:3] @ x[:3])
    return np.array([r, np.arctan2(x[0], x[1]), np.arcsin(x[2] / r), x[:3] @ x[3:6] / r])


def plain_slopes(x: np.ndarray) -> np.ndarray:
    """Its slopes (4, 7)."""
    p, v = x[:3], x[3:6]
    r, h2 = np.sqrt(p @ p), x[0] ** 2 + x[1] ** 2
    h, H = np.sqrt(h2), np.zeros((4, 7))
    H[0, :3] = p / r
    H[1, :2] = x[1] / h2, -x[0] / h2
    H[2, :3] = np.array([-x[0] * x[2] / h, -x[1] * x[2] / h, h]) / r**2
    H[3, :3], H[3, 3:6] = v / r - (p @ v) * p / r**3, p / r
    return H


def compiled_flight(x: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    y, F = np.append(x, [0.0, 0.0]), np.zeros((6, STATES))
    flow(y, dt, 0, DRAGS, AIR, EARTH, 7, F)
    return y[:7], np.vstack((F[:, :7], np.eye(7)[6:]))


def compiled_measure(x: np.ndarray) -> np.ndarray:
    z, H6 = np.empty(4), np.empty((4, 6))
    measure(np.append(x, [0.0, 0.0]), np.zeros(3), z, H6)
    return z


def compiled_slopes(x: np.ndarray) -> np.ndarray:
    z, H6 = np.empty(4), np.empty((4, 6))
    measure(np.append(x, [0.0, 0.0]), np.zeros(3), z, H6)
    return np.hstack((H6, np.zeros((4, 1))))


def rate_of_filterpy(flight: Any, measured: Any, slopes: Any, n: int = 3_000) -> float:
    from filterpy.kalman import ExtendedKalmanFilter

    class Ballistic(ExtendedKalmanFilter):
        def predict_x(self, u: float = 0) -> None:
            self.x, self.F = flight(self.x, 0.25)

    ekf = Ballistic(dim_x=7, dim_z=4)
    ekf.R, ekf.Q = np.diag(R), np.eye(7) * 1e-4
    z = measured(START[:7])
    begun = 0.0
    for k in range(n + 10):
        if k == 10:
            begun = time.process_time()
        ekf.x, ekf.P = START[:7].copy(), SPREAD[:7, :7].copy()
        ekf.predict()
        ekf.update(z, slopes, measured)
    return n / (time.process_time() - begun)


def main() -> None:
    mine = rate_of_ours()
    print(f"skywarden: {mine:,.0f} updates/s, called one by one from Python")
    if importlib.util.find_spec("filterpy") is None:
        print("FilterPy skipped: not installed; `pip install -e .[bench]`")
        return
    y, F = plain_flight(START[:7], 0.25)
    other, G = compiled_flight(START[:7], 0.25)
    assert np.abs(y - other).max() < 1e-6, "the two flights differ"
    assert np.abs(F - G).max() < 1e-3, "the two transitions differ"
    for title, model in (("the model in NumPy", (plain_flight, plain_measure, plain_slopes)),
                         ("our compiled flight and slopes inside", (compiled_flight, compiled_measure,
                             compiled_slopes))):
        theirs = rate_of_filterpy(*model)
        print(f"FilterPy EKF, {title}: {theirs:,.0f} updates/s; ratio {mine / theirs:.0f}")


if __name__ == "__main__":
    main()
