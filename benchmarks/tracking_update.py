"""One predict and update of one target, called from Python, against FilterPy's EKF with the same model: python benchmarks/tracking_update.py"""

from __future__ import annotations

import importlib.util
import time

import numpy as np
from numba import njit

from skywarden.ballistics.air import exponential
from skywarden.ballistics.drag import standard_drags
from skywarden.ballistics.flight import plain_earth
from skywarden.estimation.kalman import update
from skywarden.estimation.measure import measure, residual
from skywarden.estimation.motion import STATES, carry, flow

AIR, EARTH, DRAGS = exponential(1790.0), plain_earth(1790.0), standard_drags(["constant"])
START = np.array([-3000.0, 2000.0, 600.0, 160.0, -90.0, 110.0, 2.4, 0.0, 0.0])
SPREAD = np.diag([400.0, 400.0, 400.0, 100.0, 100.0, 100.0, 0.64, 0.0, 0.0])
R = np.array([225.0, 9e-6, 9e-6, 2.25])


@njit(cache=True)
def ours(x, P, z, place, variance, air, earth, drags, F, T, H6, H, expected, v):  # type: ignore[no-untyped-def]
    flow(x, 0.25, 0, drags, air, earth, 7, F)
    carry(P, F, 7, 1e-4, 0.25, T)
    measure(x, place, expected, H6)
    H[:, :6] = H6
    residual(z, expected, np.inf, v)
    return update(x, P, 7, v, H, variance)


def rate_of_ours(n: int = 20_000) -> float:
    x, P, z, H6 = START.copy(), SPREAD.copy(), np.empty(4), np.empty((4, 6))
    measure(x, np.zeros(3), z, H6)
    arguments = (np.zeros(3), R, AIR, EARTH, DRAGS, np.zeros((6, STATES)), np.zeros((6, STATES)), H6, np.zeros((4, STATES)), np.empty(4), np.empty(4))
    ours(x, P, z, *arguments)
    begun = time.perf_counter()
    for _ in range(n):
        x[:], P[:] = START, SPREAD
        ours(x, P, z, *arguments)
    return n / (time.perf_counter() - begun)


def rate_of_filterpy(n: int = 3_000) -> float:
    from filterpy.kalman import ExtendedKalmanFilter

    def h(x: np.ndarray) -> np.ndarray:
        z, slopes = np.empty(4), np.empty((4, 6))
        measure(np.append(x.ravel(), [0.0, 0.0]), np.zeros(3), z, slopes)
        return z

    def slopes(x: np.ndarray) -> np.ndarray:
        z, H6 = np.empty(4), np.empty((4, 6))
        measure(np.append(x.ravel(), [0.0, 0.0]), np.zeros(3), z, H6)
        return np.hstack((H6, np.zeros((4, 1))))

    class Ballistic(ExtendedKalmanFilter):
        def predict_x(self, u: float = 0) -> None:
            y = np.append(self.x, [0.0, 0.0])
            F = np.zeros((6, STATES))
            flow(y, 0.25, 0, DRAGS, AIR, EARTH, 7, F)
            self.x, self.F = y[:7], np.vstack((F[:, :7], np.eye(7)[6:]))

    ekf = Ballistic(dim_x=7, dim_z=4)
    ekf.R, ekf.Q = np.diag(R), np.eye(7) * 1e-4
    z = h(START[:7])
    begun = time.perf_counter()
    for _ in range(n):
        ekf.x, ekf.P = START[:7].copy(), SPREAD[:7, :7].copy()
        ekf.predict()
        ekf.update(z, slopes, h)
    return n / (time.perf_counter() - begun)


if __name__ == "__main__":
    mine = rate_of_ours()
    print(f"skywarden: {mine:,.0f} updates/s, called one by one from Python")
    if importlib.util.find_spec("filterpy") is None:
        print("FilterPy skipped: not installed; `pip install -e .[bench]`")
    else:
        other = rate_of_filterpy()
        print(f"FilterPy EKF with our compiled flight and slopes inside: {other:,.0f} updates/s; ratio {mine / other:.0f}")
