"""Plots of CAT048 and CAT015 read many at once: the same values that `asterix.read` finds in each
record alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skywarden.formats.asterix import (
    FLIGHT_LEVEL,
    MEASUREMENTS,
    NO_HEIGHT,
    NO_IDENTITY,
    NO_TARGET,
    REAL,
    SIMULATED,
    LookRecord,
    PlotRecord,
    Read,
    Refused,
)
from skywarden.formats.columns import Columns
from skywarden.formats.layout import Pattern, Record
from skywarden.messages.frame import NO_ADDRESS
from skywarden.messages.tables import Array
from skywarden.units import NAUTICAL_MILE

PLOT, LOOK, REFUSED = 0, 1, 2       # `PlotColumns.sort`: a plot, a sign of life alone, no target by its own word


class PlotColumns(NamedTuple):
    """Records as columns, in their order; a row has the fields of `PlotRecord`, and what sort of
    thing it is.
    """

    sort: Array         # (n,) int64
    sac: Array          # (n,) int64
    sic: Array          # (n,) int64
    t: Array            # (n,) float64  time of day [s]; nan missing
    range: Array        # (n,) float64
    azimuth: Array      # (n,) float64
    elevation: Array    # (n,) float64
    range_rate: Array   # (n,) float64
    snr: Array          # (n,) float64
    pressure_altitude: Array    # (n,) float64
    address: Array      # (n,) int64

    def taken(self, which: Array) -> PlotColumns:
        """The rows that `which`, (n,) bool or (k,) indices, names."""
        return PlotColumns(*(column[which] for column in self))

    def row(self, k: int) -> Read:
        """One of them, as `asterix.read` gives it.

        k  row of the plot
        """
        identity = int(self.sac[k]), int(self.sic[k])
        if self.sort[k] == REFUSED:
            return Refused(identity, float(self.t[k]))
        if self.sort[k] == LOOK:
            return LookRecord(identity, float(self.t[k]), float("nan"))
        numbers = [float(column[k]) for column in self[3:-1]]
        return PlotRecord(identity, *numbers, int(self.address[k]))      # type: ignore[call-arg, arg-type]


READABLE = (15, 48)         # categories of which many are read at once


def read_many(records: list[tuple[int, Record]], simulated: bool) -> PlotColumns:
    """All of them, in their order.

    records    category and record each, of READABLE categories
    simulated  whether plots marked as simulated count
    """
    groups: dict[int, tuple[int, Pattern, list[int]]] = {}
    for k, (category, record) in enumerate(records):
        group = groups.get(id(record.pattern))
        if group is None:
            group = groups[id(record.pattern)] = category, record.pattern, []
        group[2].append(k)
    made = [
        READERS[category](Columns(pattern, [records[k][1] for k in rows]), simulated)
        for category, pattern, rows in groups.values()]
    if len(made) == 1:
        return made[0]
    order = np.argsort(np.concatenate([np.array(rows) for _, _, rows in groups.values()]), kind="stable")
    return PlotColumns(*(np.concatenate(columns)[order] for columns in zip(*made, strict=True)))


def _plots_048(c: Columns, simulated: bool) -> PlotColumns:
    n = len(c)
    no_target, no_height, no_identity = np.zeros(n, np.bool_), np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    if "030" in c:
        for k, codes in enumerate(c.codes("030")):
            told = set(codes)
            no_target[k], no_height[k] = bool(told & NO_TARGET), bool(told & NO_HEIGHT)
            no_identity[k] = bool(told & NO_IDENTITY)
    for name in REAL[simulated]:
        no_target = no_target | c.flag("020", name)
    rho, theta = c.number("040", "RHO"), c.number("040", "THETA")
    seen = (rho > 0.0) & ~np.isnan(theta)
    hidden = c.flag("090", "V") | c.flag("090", "G") | no_height
    level = np.where(hidden, np.nan, c.number("090", "FL") * FLIGHT_LEVEL)
    rate = np.where(c.flag("120", "CAL", "D"), np.nan, c.number("120", "CAL", "CAL"))
    nothing = np.full(n, np.nan)
    return PlotColumns(
        np.where(no_target, REFUSED, np.where(seen, PLOT, LOOK)), *_identity(c), c.number("140"), rho * NAUTICAL_MILE,
        np.radians(theta), nothing, rate, nothing, level, np.where(no_identity, NO_ADDRESS, c.whole("220")))


def _plots_015(c: Columns, simulated: bool) -> PlotColumns:
    n = len(c)
    measured = np.isin(c.whole("000", "MT"), MEASUREMENTS)
    marked = ~np.isin(c.whole("020", "TTAX"), (0, SIMULATED) if simulated else (0,))
    distance, azimuth = c.number("625", "R"), c.number("627", "AZ")
    seen = measured & (distance > 0.0) & ~np.isnan(azimuth)
    doppler = c.number("626", "DV")
    rate = np.where(np.isfinite(doppler), doppler, c.number("625", "RR"))
    return PlotColumns(
        np.where(measured & marked, REFUSED, np.where(seen, PLOT, LOOK)), *_identity(c), c.number("145"), distance,
        np.radians(azimuth) % (2.0 * np.pi), np.radians(c.number("628", "EL")), rate, c.number("630", "DPS"),
        np.full(n, np.nan), np.zeros(n, np.int64))


READERS = {15: _plots_015, 48: _plots_048}


def _identity(c: Columns) -> tuple[Array, Array]:
    return c.whole("010", "SAC", otherwise=-1), c.whole("010", "SIC", otherwise=-1)
