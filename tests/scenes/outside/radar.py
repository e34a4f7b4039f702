"""The judge's own radars: radar equation, Swerling fluctuation, a threshold, noise that falls with
the signal, false alarms and merged echoes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from . import flight

TURN = 2.0 * math.pi
FLOOR = 0.01            # of the declared variance that stays however strong the echo
FALSE_UP = math.radians(70.0)   # elevation up to which false alarms are spread
FALSE_RATE = 450.0      # m/s of range rate, either way, over which they are spread
LIKELY = 0.5            # chance of detection from which a radar counts as able to see a body


@dataclass(frozen=True)
class Set:
    """One radar as it is declared, and what is wrong with it."""

    name: str = "cram"
    place: tuple[float, float, float] = (-250.0, 120.0, 12.0)   # east north up [m]
    turning: bool = False           # rotating, else staring
    revisit: float = 0.25           # [s]
    doppler: bool = True
    least: float = 300.0            # range [m]
    most: float = 20_000.0          # range [m]
    low: float = math.radians(0.7)
    high: float = math.radians(85.0)
    # range, azimuth, elevation, range rate at the reference ratio
    sigma: tuple[float, float, float, float] = (15.0, 3e-3, 3e-3, 1.5)
    reference: float = 16.0         # [dB]
    reference_range: float = 24_000.0   # where 1 m² gives it [m]
    false_alarms: float = 3.0       # a revisit
    cell: tuple[float, float, float, float] = (30.0, math.radians(0.9), math.radians(0.9), 4.0)
    span: float = 1200.0            # of unambiguous range rate [m/s]
    lag: float = 0.0                # by which its data come late [s]
    azimuth_bias: float = 0.0       # [rad]
    range_bias: float = 0.0         # [m]

    @property
    def threshold(self) -> float:
        """Power over noise power that counts as a detection."""
        cells = (self.most - self.least) / self.cell[0] * TURN / self.cell[1] * (self.high - self.low) / self.cell[2]
        cells *= self.span / self.cell[3] if self.doppler else 1.0
        return -math.log(self.false_alarms / cells)


class Body(NamedTuple):
    """Something that echoes."""

    path: flight.Path
    section: float          # mean radar cross-section [m²]
    order: float            # of the gamma law of its fluctuation: 1 Swerling 1, 2 Swerling 3, inf steady
    role: str               # round | aircraft | bird | shot | flare | drone


class Plots(NamedTuple):
    """Detections of one radar in time order, with whose they are."""

    t: np.ndarray
    polar: np.ndarray       # (n, 4) range, azimuth, elevation, range rate
    power: np.ndarray       # (n,) over the noise's
    origin: np.ndarray      # (n,) row of the bodies; -1 false alarm


def polar(state: np.ndarray, place: tuple[float, float, float]) -> np.ndarray:
    """Range, azimuth, elevation and range rate (…, 4) of states (…, 6) about a place."""
    d = state[..., :3] - np.array(place)
    r = np.sqrt((d * d).sum(-1))
    return np.stack([r, np.arctan2(d[..., 0], d[..., 1]) % TURN, np.arcsin(np.clip(d[..., 2] / r, -1.0, 1.0)),
        (d * state[..., 3:]).sum(-1) / r], -1)


def ratio(radar: Set, distance: np.ndarray, section: float) -> np.ndarray:
    """Mean signal over noise by the radar equation."""
    return 10.0 ** (radar.reference / 10.0) * section * (radar.reference_range / distance) ** 4


def covered(radar: Set, seen: np.ndarray) -> np.ndarray:
    """Which polar places (…, 4) the radar looks at."""
    return (seen[..., 0] >= radar.least) & (seen[..., 0] <= radar.most) & (seen[..., 2] >= radar.low) & (seen[...,
        2] <= radar.high)


def able(radar: Set, body: Body, t: np.ndarray) -> np.ndarray:
    """At which times t the radar could detect the body with LIKELY or more: Swerling 1's closed
    form.
    """
    seen = polar(flight.at(body.path, t), radar.place)
    with np.errstate(invalid="ignore"):
        chance = np.exp(-radar.threshold / (1.0 + ratio(radar, seen[:, 0], body.section)))
        return covered(radar, seen) & (chance >= LIKELY)


def look_times(radar: Set, body: Body, until: float) -> np.ndarray:
    """When the radar looks at the body while it is there."""
    first, last = math.ceil(body.path.t / radar.revisit), math.floor(min(until, body.path.end) / radar.revisit)
    t = np.arange(first - radar.turning, last + 1) * radar.revisit
    if radar.turning:
        start = t
        t = t + 0.5 * radar.revisit
        for _ in range(4):      # the beam meets the body where it is by then
            state = flight.at(body.path, np.clip(t, body.path.t, body.path.end - 1e-6))
            t = start + polar(state, radar.place)[:, 1] / TURN * radar.revisit
    return t[(t >= body.path.t) & (t < min(until, body.path.end)) & (t >= 0.0)]


def observe(radar: Set, bodies: list[Body], until: float, draw: np.random.Generator) -> Plots:
    """All that the radar detects until `until`."""
    t, seen, strength, origin = [], [], [], []
    for k, body in enumerate(bodies):
        when = look_times(radar, body, until)
        where = polar(flight.at(body.path, when), radar.place)
        see = covered(radar, where)
        when, where = when[see], where[see]
        mean = ratio(radar, where[:, 0], body.section)
        fluctuation = draw.gamma(body.order, 1.0 / body.order,
            len(when)) if math.isfinite(body.order) else np.ones(len(when))
        noise = draw.normal(0.0, math.sqrt(0.5), (2, len(when)))
        t.append(when)
        seen.append(where)
        strength.append((np.sqrt(mean * fluctuation) + noise[0]) ** 2 + noise[1] ** 2)
        origin.append(np.full(len(when), k))
    plots = Plots(*(np.concatenate(part) if part else empty for part, empty in zip(
        (t, seen, strength, origin), (np.zeros(0), np.zeros((0, 4)), np.zeros(0), np.zeros(0, int)), strict=True)))
    plots = _take(plots, np.argsort(plots.t, kind="stable"))
    if not radar.turning:
        _merge(plots.t, plots.polar, plots.power, np.array(radar.cell), radar.doppler)
    plots = _take(plots, plots.power > radar.threshold)
    spread = np.sqrt(np.maximum(10.0 ** (radar.reference / 10.0) / plots.power, FLOOR))
    plots = plots._replace(polar=plots.polar + draw.normal(size=plots.polar.shape) * spread[:,
        None] * np.array(radar.sigma))
    plots.polar[:, 0] += radar.range_bias
    plots.polar[:, 1] += radar.azimuth_bias
    plots = _with_false(radar, plots, until, draw)
    plots.polar[:, 1] %= TURN
    plots.polar[:, 3] -= radar.span * np.floor(plots.polar[:, 3] / radar.span + 0.5)
    return plots


def _with_false(radar: Set, plots: Plots, until: float, draw: np.random.Generator) -> Plots:
    """The plots with thermal false alarms among them, in time order, equal times in drawn order."""
    looks = int(until / radar.revisit) + 1
    n = draw.poisson(radar.false_alarms, looks)
    look = np.repeat(np.arange(looks), n)
    total = len(look)
    azimuth = draw.uniform(0.0, TURN, total)
    t = (look + (azimuth / TURN if radar.turning else 0.0)) * radar.revisit
    place = np.stack([draw.uniform(radar.least, radar.most, total), azimuth, draw.uniform(radar.low, FALSE_UP, total),
                      draw.uniform(-FALSE_RATE, FALSE_RATE, total)], 1)
    power = radar.threshold + draw.exponential(1.0, total)
    both = Plots(np.concatenate([plots.t, t]), np.concatenate([plots.polar, place]),
        np.concatenate([plots.power, power]),
                 np.concatenate([plots.origin, np.full(total, -1)]))
    return _take(both, np.lexsort((draw.random(len(both.t)), both.t)))


def _take(plots: Plots, which: np.ndarray) -> Plots:
    return Plots(*(column[which] for column in plots))


@njit(cache=True)
def _merge(t, place, power, cell, doppler):
    """Of echoes in one cell of one look the strongest stays, with their powers together."""
    n = len(t)
    for i in range(n):
        j = i + 1
        while j < n and t[j] == t[i]:
            turn = abs(place[i, 1] - place[j, 1])
            turn = min(turn, 2.0 * math.pi - turn)
            near = abs(place[i, 0] - place[j, 0]) < cell[0] and turn < cell[1] and abs(place[i, 2] - place[j,
                2]) < cell[2]
            if near and (not doppler or abs(place[i, 3] - place[j, 3]) < cell[3]) and power[i] > 0.0 and power[j] > 0.0:
                if power[i] >= power[j]:
                    power[i] += power[j]
                    power[j] = 0.0
                else:
                    power[j] += power[i]
                    power[i] = 0.0
            j += 1
