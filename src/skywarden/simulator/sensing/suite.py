"""All radars of a site at work: who looks when, whose data are late or missing, and what arrives by
the time of a frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.frame import Radars
from skywarden.simulator.scenario.model import Delay, Misalignment, Outage, Scenario
from skywarden.simulator.sensing.chance import Chance
from skywarden.simulator.sensing.clutter import FalseAlarms, Rain
from skywarden.simulator.sensing.radar import Plots, Sector, Sensor, chosen, joined
from skywarden.simulator.sensing.targets import Targets, together
from skywarden.site.model import Radar, Site

Array = NDArray[Any]

SILENT = 2.0            # s without a word after which a radar counts as down
GRAIN = 1e-6            # s; times nearer than this are the same
TURN = 2.0 * math.pi


class _Parcel(NamedTuple):
    """What one radar sends at one moment: its word that it is alive, where it looked, what it saw."""

    arrives: float
    radar: int
    sector: Sector
    plots: Plots


class Disturbed(Protocol):
    """What injects do to radars; see `world.injects.Injects`, which is one."""

    def outages(self) -> list[Outage]:
        """Times for which radars are silent."""
        ...

    def delays(self) -> list[Delay]:
        """Times for which radars' data come late."""
        ...

    def turned(self, radar: int, t: Array) -> Array:
        """(n,) angle by which a radar is turned at times `t` [rad]."""
        ...

    def alarms(self, radar: int, t: float) -> list[FalseAlarms]:
        """False alarms that injects add to one radar's own at a time.

        t  time [s] since the record's epoch
        """
        ...

    def ghosts(self, radar: int, t: float) -> Targets | None:
        """Echoes that one radar makes up, always the same rows; None for none.

        t  time [s] since the record's epoch
        """
        ...


class Suite:
    """The radars, with what is still on its way from them."""

    def __init__(
        self, scenario: Scenario, site: Site, wind: Array, chance: Chance, disturbed: Disturbed | None = None
    ) -> None:
        rain = Rain(scenario.clutter, wind) if len(scenario.clutter.rain) else None
        self._site, self._scenario = site, scenario
        self._sensors = [Sensor(r, k, site.ground, chance, scenario.clutter.false_alarm_factor, rain) for k,
            r in enumerate(site.radars)]
        self._disturbed = disturbed
        if disturbed is not None:
            for k, sensor in enumerate(self._sensors):
                sensor.more_alarms = partial(disturbed.alarms, k)
        self._heard = np.full(len(site.radars), -np.inf)
        self._under_way: list[_Parcel] = []

    @property
    def waiting(self) -> bool:
        """Whether anything seen has not arrived yet."""
        return any(len(p.plots.origin) for p in self._under_way)

    def working(self, radar: int, t: float) -> bool:
        """Whether a radar is on at time t."""
        return not any(o.radar == radar and o.start <= t < o.end for o in self._outages())

    def _outages(self) -> list[Outage]:
        return [*self._scenario.outages, *(() if self._disturbed is None else self._disturbed.outages())]

    def frame(
        self, number: int, t_from: float, t_to: float, before: Targets, now: Targets, at: Callable[[float], Targets]
    ) -> tuple[Plots, Radars]:
        """What has arrived by `t_to`, in order of time and without order within an instant, and how
        the radars stand.

        before, now  all targets at both ends of the frame, the same rows
        at           the same rows at any time between
        number       number of the frame
        t_from       time of the frame before [s]
        """
        for k, radar in enumerate(self._site.radars):
            self._send(k, radar, number, t_from, t_to, before, now, at)
        here = [p for p in self._under_way if p.arrives <= t_to + GRAIN]
        self._under_way = [p for p in self._under_way if p.arrives > t_to + GRAIN]
        begin, width = np.zeros(len(self._sensors)), np.zeros(len(self._sensors))
        for parcel in here:
            k = parcel.radar
            self._heard[k] = max(self._heard[k], min(parcel.arrives, t_to))
            if parcel.sector.width > 0.0:
                said = parcel.sector.begin + sum(w.azimuth for w in self._wrong(k, t_to))
                begin[k] = said % TURN if width[k] == 0.0 else begin[k]
                width[k] = min(width[k] + parcel.sector.width, TURN)
        plots = joined([self._misread(p) for p in here])
        plots = chosen(plots, np.lexsort((plots.order, plots.detections.t)))
        return plots, Radars(t_to - self._heard <= SILENT + GRAIN, self._heard.copy(), begin, width)

    def _wrong(self, radar: int, t: float) -> list[Misalignment]:
        return [w for w in self._scenario.misalignments if w.radar == radar and w.start <= t < w.end]

    def _misread(self, parcel: _Parcel) -> Plots:
        """What a radar that is set up wrongly says it saw."""
        d = parcel.plots.detections
        for wrong in [w for w in self._scenario.misalignments if w.radar == parcel.radar]:
            on = (d.t >= wrong.start) & (d.t < wrong.end)
            tilted = wrong.tilt * np.cos(d.azimuth - wrong.towards)
            d = d._replace(
                t=d.t + on * wrong.time, range=np.maximum(d.range + on * wrong.range, 0.0),
                azimuth=np.mod(d.azimuth + on * wrong.azimuth, TURN),
                elevation=d.elevation + on * (wrong.elevation + tilted))
        return parcel.plots._replace(detections=d)

    def _send(
        self, k: int, radar: Radar, number: int, t_from: float, t_to: float, before: Targets, now: Targets,
        at: Callable[[float], Targets]
    ) -> None:
        """Let one radar look, and put what it sends on its way: at once, or late."""
        sensor = self._sensors[k]
        # before the first frame there is nothing to sweep, but looks fall on its very instant
        looks = [(min(t, t_to), n) for t, n in _looks(radar, t_from, t_to) if self.working(k, min(t, t_to))]
        between = [(t, n, now if abs(t - t_to) < GRAIN else at(t)) for t, n in looks]
        t_from = max(t_from, 0.0)
        if self._disturbed is not None and (ghosts := self._disturbed.ghosts(k, t_to)) is not None:
            before, now = together(before, self._ghosts(k, t_from)), together(now, ghosts)
            between = [(t, n, together(there, self._ghosts(k, t))) for t, n, there in between]
        plots = sensor.look(number, t_from, t_to, before, now, between)
        if self._disturbed is not None and len(plots.origin):
            azimuth = plots.detections.azimuth + self._disturbed.turned(k, plots.detections.t)
            plots = plots._replace(detections=plots.detections._replace(azimuth=np.mod(azimuth, TURN)))
        if radar.kind == "rotating" and self._outages():
            on = np.array([self.working(k, t) for t in plots.detections.t], np.bool_)
            plots = chosen(plots, on)
        sector = sensor.sector(t_from, t_to, len(looks))
        injected = () if self._disturbed is None else self._disturbed.delays()
        delays = [d for d in (*self._scenario.delays, *injected) if d.radar == k]
        if delays:
            late = np.array([_by(delays, t) for t in plots.detections.t])
            for by in np.unique(late[late != _by(delays, t_to)]):
                # the frame in which a delay begins or ends: part of what was seen travels by itself
                rows = chosen(plots, late == by)
                self._under_way.append(_Parcel(max(float(rows.detections.t.max()) + by, t_from), k, Sector(0.0, 0.0),
                    rows))
            plots = chosen(plots, late == _by(delays, t_to))
        if self.working(k, t_to) or len(plots.origin):
            self._under_way.append(_Parcel(t_to + _by(delays, t_to), k, sector, plots))

    def _ghosts(self, radar: int, t: float) -> Targets:
        ghosts = self._disturbed.ghosts(radar, t) if self._disturbed is not None else None
        assert ghosts is not None
        return ghosts


def _looks(radar: Radar, t_from: float, t_to: float) -> list[tuple[float, int]]:
    """Times and numbers of the looks of a staring or scheduled radar in (t_from, t_to]: every
    revisit from 0.
    """
    if radar.kind == "rotating":
        return []
    first = math.floor((t_from + GRAIN) / radar.revisit) + 1 if math.isfinite(t_from) else 0
    last = math.floor((t_to + GRAIN) / radar.revisit)
    return [(n * radar.revisit, n) for n in range(max(first, 0), last + 1)]


def _by(delays: list[Delay], t: float) -> float:
    """How late what is measured at t arrives [s]."""
    return max((d.by for d in delays if d.start <= t < d.end), default=0.0)
