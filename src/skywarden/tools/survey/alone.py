"""What a radar's plots with addresses tell of it where nothing else says where the aircraft are:
noise beside smooth paths, and gaps.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from skywarden.messages.frame import Detections
from skywarden.messages.tables import Array
from skywarden.site.model import Radar
from skywarden.tools.survey import figures
from skywarden.tools.survey.figures import Figure

WINDOW = 5  # plots of one aircraft through which a parabola goes
LONGEST = 8.0  # periods that such a window may last
MOST = 200_000  # plots kept
LOST = 10.0  # periods without a reply after which an aircraft counts as gone, not as missed
OUTLIER = 49.0  # squared normalised residual from which a window holds a wrong plot


class Alone:
    """Plots with addresses of one radar."""

    def __init__(self) -> None:
        self.kept: list[Array] = []
        self.n = 0

    def add(self, d: Detections) -> None:
        """Keep the plots of one frame.

        d  detections of the radar in one frame
        """
        if self.n < MOST:
            self.kept.append(np.stack([d.address.astype(np.float64), d.t, d.range, d.azimuth], 1))
            self.n += d.t.shape[0]


def by_itself(alone: Alone, radar: Radar, period: float) -> tuple[tuple[Figure, ...], list[tuple[float, float, bool]]]:
    """Noise in range, azimuth, elevation and range rate (the last two unknown), and looks as
    (range, azimuth, detected); empty where nothing repeats.

    alone   plots of one radar whose aircraft no other source reports
    radar   the radar as declared
    period  time between looks [s]
    """
    if not alone.n:
        return (), []
    plots = np.concatenate(alone.kept)
    squares, freedom = np.zeros(2), 0
    trials: list[tuple[float, float, bool]] = []
    for address in np.unique(plots[:, 0]):
        own = plots[plots[:, 0] == address]
        own = own[np.argsort(own[:, 1], kind="stable")]
        own = own[np.concatenate([[True], np.diff(own[:, 1]) > 0.5 * period])]
        own[:, 3] = np.unwrap(own[:, 3])
        trials += _gaps(own, period)
        for i in range(0, own.shape[0] - WINDOW + 1, WINDOW):
            part = own[i : i + WINDOW]
            if part[-1, 1] - part[0, 1] > LONGEST * period:
                continue
            s = part[:, 1] - part[:, 1].mean()
            basis = np.stack([np.ones(WINDOW), s, s * s], 1)
            left = part[:, 2:] - basis @ np.linalg.lstsq(basis, part[:, 2:], rcond=None)[0]
            normal = (left**2).sum(0) / np.array([radar.range_sigma, radar.azimuth_sigma]) ** 2
            if (normal < OUTLIER * (WINDOW - 3)).all():
                squares += normal
                freedom += WINDOW - 3
    nothing = Figure(math.nan, math.nan, math.nan, 0)
    if freedom < 2 * WINDOW:
        return (), trials
    return (
        figures.deviation(float(squares[0]), freedom, radar.range_sigma),
        figures.deviation(float(squares[1]), freedom, radar.azimuth_sigma),
        nothing,
        nothing,
    ), trials


def _gaps(own: Array, period: float) -> list[tuple[float, float, bool]]:
    """Looks between the first and the last plot of one aircraft, missed ones in between where it
    flew then.
    """
    out: list[tuple[float, float, bool]] = []
    for a, b in itertools.pairwise(own):
        looks = round((b[1] - a[1]) / period)
        if looks > LOST:
            continue
        for k in range(1, looks):
            where = a + (b - a) * k / looks
            out.append((float(where[2]), float(where[3] % (2.0 * math.pi)), False))
        out.append((float(b[2]), float(b[3] % (2.0 * math.pi)), True))
    return out
