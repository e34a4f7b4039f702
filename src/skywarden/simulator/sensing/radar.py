"""What one radar makes of what is there: which things it looks at and when, which it detects, and
with what errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from skywarden.kernels.geometry.ground import Ground
from skywarden.kernels.geometry.polar import to_polar, wrap
from skywarden.kernels.geometry.sight import EARTH_RADIUS, in_sight
from skywarden.messages.frame import NO_ADDRESS, Detections
from skywarden.messages.tables import join, take
from skywarden.simulator.sensing.chance import Chance
from skywarden.simulator.sensing.clutter import FalseAlarms, Rain
from skywarden.simulator.sensing.returns import cell_of, fluctuation, mean_snr, power, same_cell, threshold
from skywarden.simulator.sensing.targets import Targets
from skywarden.site.coverage import within_declared
from skywarden.site.model import LEAST_NOISE_DB, Radar

Array = NDArray[Any]

TURN = 2.0 * math.pi
# standard deviation of what is left of the refraction after the radar's own correction, of all of it
REFRACTION_LEFT = 0.3
MULTIPATH = 0.04            # of a beam width: greatest elevation error from the ground's reflection, at the horizon
LOBES = 4.0                 # swings of that error within a beam width
SEARCH_SHARE = 0.5          # of a scheduled array's dwells that searching keeps, however many things it follows
FOLLOWED = 2.0              # s after a target's last detection for which a scheduled array goes on looking at it
SEARCH_BEAM = math.radians(3.0)     # searching uses broadened beams, following the array's own
FENCE_ROWS = 2              # lowest rows of search beams: what is fired from the ground crosses them
FENCE_SHARE = 0.75          # of the dwells left for searching that go to the fence
# slots of the draws of a look
FLUCTUATION, NOISE, RANGE, AZIMUTH, ELEVATION, RATE, SPREAD, ORDER = 0, slice(1, 3), 3, 4, 5, 6, 7, 8
SLOTS = 9


class Plots(NamedTuple):
    """Detections with what a simulation alone knows of them."""

    detections: Detections
    origin: Array       # (n,) int32    as in `Truth.origin`
    order: Array        # (n,) float64  drawn; sorts detections of one instant without betraying anything

    @classmethod
    def none(cls) -> Plots:
        """A table without rows."""
        return cls(Detections.empty(), np.zeros(0, np.int32), np.zeros(0))


def joined(plots: list[Plots]) -> Plots:
    """All of them in one table.

    plots  plots of several sources
    """
    if len(plots) < 2:
        return plots[0] if plots else Plots.none()
    return Plots(
        join(plots[0].detections, *(p.detections for p in plots[1:])), np.concatenate([p.origin for p in plots]),
        np.concatenate([p.order for p in plots]))


def chosen(plots: Plots, which: Array) -> Plots:
    """The rows that `which`, (n,) bool or (k,) indices, names.

    plots  the plots
    """
    return Plots(take(plots.detections, which), plots.origin[which], plots.order[which])


class Sector(NamedTuple):
    """Where a radar looked between two frames: azimuth it began at, and how far it went clockwise
    [rad].
    """

    begin: float
    width: float


def covered(radar: Radar, ground: Ground, position: Array) -> Array:
    """Which of positions (n, 3) lie within a radar's range, elevations and sector, and are not
    hidden by the terrain, (n,) bool.

    ground    heights of the terrain
    position  (n, 3) east, north, up [m]
    """
    distance, azimuth, elevation, _ = to_polar(position, np.zeros_like(position), radar.place)
    near = within_declared(radar, distance, azimuth, elevation)
    if near.any():
        near[near] = in_sight(ground, radar.place, position[near])
    return near


class Sensor:
    """One radar at work: its draws and, for a scheduled array, what it follows and where its search
    stands.
    """

    def __init__(
        self, radar: Radar, row: int, ground: Ground, chance: Chance, false_alarm_factor: float = 1.0,
        rain: Rain | None = None
    ) -> None:
        self.radar, self._row, self._ground = radar, row, ground
        self._keyed = chance.keyed(f"radar-{radar.name} noise")
        self._false_alarms = FalseAlarms(radar, chance, false_alarm_factor)
        # what makes false alarms on top of its own, by time
        self.more_alarms: Callable[[float], list[FalseAlarms]] = lambda t: []
        self._rain = None if radar.mode_s else rain
        self._rain_name, self._chance = f"radar-{radar.name} rain", chance
        self._threshold = threshold(radar)
        self._cell = cell_of(radar)
        still = chance.stream(f"radar-{radar.name} errors")
        self._refraction, self._lobe = REFRACTION_LEFT * float(still.standard_normal()), TURN * float(still.random())
        self._followed: dict[int, float] = {}       # key of a thing: when a scheduled array last detected it
        self._beam = self._post = 0     # where the search of the raster, and of its fence, goes on

    def look(
        self, frame: int, t_from: float, t_to: float, before: Targets, now: Targets,
        between: list[tuple[float, int, Targets]]
    ) -> Plots:
        """Everything seen in (t_from, t_to].

        frame        number of the frame, names the draws of a rotating radar
        before, now  the same rows at both ends
        between      staring and scheduled radars: (time, number of the look, the same rows then), a
                     look each
        """
        if self.radar.kind == "rotating":
            return self._turn(frame, t_from, t_to, before, now)
        plots = []
        for t, number, targets in between:
            see = covered(self.radar, self._ground, targets.position)
            if self.radar.kind == "scheduled" and math.isfinite(self.radar.budget):
                see &= self._scheduled(t, targets)
            rows = np.flatnonzero(see)
            seen, keys = self._observe(number, np.full(len(rows), t), take(targets, rows))
            if self.radar.kind == "scheduled":
                self._followed.update((int(key), t) for key in keys)
            plots += [seen, self._unwanted(number, t, t, Sector(0.0, TURN))]
        return joined(plots)

    def sector(self, t_from: float, t_to: float, looks: int) -> Sector:
        """Where it looked in (t_from, t_to].

        looks  number of looks in that time, of a staring radar
        """
        if self.radar.kind != "rotating":
            return Sector(0.0, TURN if looks else 0.0)
        return Sector(TURN * ((t_from / self.radar.revisit) % 1.0),
            min(TURN * max(t_to - t_from, 0.0) / self.radar.revisit, TURN))

    def _turn(self, frame: int, t_from: float, t_to: float, before: Targets, now: Targets) -> Plots:
        """A rotating beam meets each thing when it points at it: where the beam's lead over the
        thing passes a whole turn.
        """
        duration = t_to - t_from
        if duration <= 0.0:
            return Plots.none()
        radar, speed = self.radar, TURN / self.radar.revisit
        _, azimuth, _, _ = to_polar(before.position, before.velocity, radar.place)
        _, later, _, _ = to_polar(now.position, now.velocity, radar.place)
        lead = np.mod(speed * t_from - azimuth, TURN)
        gain = speed * duration - wrap(later - azimuth)
        with np.errstate(invalid="ignore"):
            met = np.flatnonzero((lead + gain >= TURN) & (gain > 0.0))
        share = np.clip((TURN - lead[met]) / gain[met], 0.0, 1.0)
        targets = take(before, met)
        position, velocity = _hermite(targets, take(now, met), duration, share)
        see = covered(radar, self._ground, position)
        times = t_from + share[see] * duration
        targets = take(targets._replace(position=position, velocity=velocity), see)
        seen, _ = self._observe(frame, times, targets)
        return joined([seen, self._unwanted(frame, t_from, t_to, self.sector(t_from, t_to, 1))])

    def _scheduled(self, t: float, targets: Targets) -> Array:
        """Which things get a dwell in this look, (n,) bool, out of `budget` times `revisit` dwells.

        First what it detected within FOLLOWED, longest unseen first, up to the share that searching
        does not keep. Of the rest, FENCE_SHARE steps on through a fence of the lowest FENCE_ROWS of
        beams, which everything fired from the ground must cross, the other dwells through the whole
        raster. Searching uses beams no narrower than SEARCH_BEAM.
        """
        radar = self.radar
        self._followed = {key: when for key, when in self._followed.items() if t - when <= FOLLOWED}
        dwells = max(round(radar.budget * radar.revisit), 1)
        follow = sorted(self._followed, key=lambda key: self._followed[key])[: int(dwells * (1.0 - SEARCH_SHARE))]
        wide, high = max(radar.azimuth_cell, SEARCH_BEAM), max(radar.elevation_cell, SEARCH_BEAM)
        columns, rows = max(math.ceil(radar.azimuth_width / wide),
            1), max(math.ceil((radar.elevation_max - radar.elevation_min) / high), 1)
        left = dwells - len(follow)
        fence = min(FENCE_ROWS, rows)
        along = min(round(FENCE_SHARE * left), columns * fence)
        search = min(left - along, columns * rows)
        _, azimuth, elevation, _ = to_polar(targets.position, targets.velocity, radar.place)
        known = np.isfinite(azimuth)
        column = np.clip(np.mod(np.where(known, azimuth, 0.0) - radar.azimuth_from, TURN) // wide, 0,
            columns - 1).astype(np.int64)
        row = np.clip((np.where(known, elevation, 0.0) - radar.elevation_min) // high, 0, rows - 1).astype(np.int64)
        searched = np.mod(column * rows + row - self._beam, columns * rows) < search
        searched |= (row < fence) & (np.mod(column * fence + row - self._post, columns * fence) < along)
        self._beam, self._post = (self._beam + search) % (columns * rows), (self._post + along) % (columns * fence)
        return np.asarray(searched | np.isin(targets.key, follow))

    def _observe(self, number: int, t: Array, targets: Targets) -> tuple[Plots, Array]:
        """Detections of things that are looked at, at times t (n,), and the keys of what was
        detected.
        """
        radar = self.radar
        if radar.mode_s:
            replies = targets.address != NO_ADDRESS
            t, targets = t[replies], take(targets, replies)
        if len(t) == 0:
            return Plots.none(), np.zeros(0, np.int64)
        u = self._keyed.uniform(number, targets.key, SLOTS)
        z = ndtri(u)
        polar = np.stack(to_polar(targets.position, targets.velocity, radar.place), axis=1)
        polar[:, 3] += targets.spread * (2.0 * u[:, SPREAD] - 1.0)
        signal = not math.isnan(radar.reference_range) and not radar.mode_s
        if signal:
            strength = power(mean_snr(radar, polar[:, 0], targets.cross_section) * fluctuation(targets.swerling,
                u[:, FLUCTUATION]), z[:, NOISE])
            polar[:, 2] += self._bent(polar[:, 0], polar[:, 2])
        else:
            strength = np.where(u[:, FLUCTUATION] < radar.detection_probability, 1.0, 0.0)
        if math.isfinite(radar.range_rate_span):
            polar[:, 3] = folded(polar[:, 3], radar.range_rate_span)
        if self._cell is not None and not radar.mode_s:
            polar, strength = self._merged(polar, strength)
        rows = np.flatnonzero(strength > (self._threshold if signal else 0.5))
        ratio = strength[rows] if signal else np.full(len(rows), np.nan)
        noise = np.sqrt(np.maximum(10.0 ** (radar.reference_snr / 10.0) / ratio,
            10.0 ** (LEAST_NOISE_DB / 10.0))) if signal else np.ones(len(rows))
        polar = polar[rows] + z[rows][:, [RANGE, AZIMUTH, ELEVATION, RATE]] * noise[:, None] * np.array(
            [radar.range_sigma, radar.azimuth_sigma, radar.elevation_sigma, radar.range_rate_sigma])
        return self._plots(t[rows], polar, 10.0 * np.log10(ratio), take(targets, rows),
            u[rows, ORDER]), targets.key[rows]

    def _plots(self, t: Array, polar: Array, snr: Array, targets: Targets, order: Array) -> Plots:
        """Measured values in the radar's own terms."""
        n, secondary = len(t), self.radar.mode_s
        rate = polar[:, 3]
        if math.isfinite(self.radar.range_rate_span):
            rate = folded(rate, self.radar.range_rate_span)
        unknown = np.full(n, np.nan)
        detections = Detections(
            t, np.full(n, self._row, np.int32), np.maximum(polar[:, 0], 0.0), np.mod(polar[:, 1], TURN), unknown
            if secondary else polar[:, 2],
            unknown.copy() if secondary else rate, snr, targets.pressure_altitude if secondary else unknown.copy(),
            targets.address if secondary else np.full(n, NO_ADDRESS, np.int64))
        return Plots(detections, targets.origin, order)

    def _bent(self, distance: Array, elevation: Array) -> Array:
        """Errors of elevation (n,) that no averaging removes: what is left of refraction, and the
        ground's reflection below a beam width.
        """
        error = self._refraction * distance / (8.0 * EARTH_RADIUS)
        beam = self.radar.elevation_cell
        if beam > 0.0:
            low = np.clip(1.0 - elevation / beam, 0.0, 1.0)
            error = error + MULTIPATH * beam * low * np.sin(TURN * LOBES * elevation / beam + self._lobe)
        return np.asarray(error)

    def _merged(self, polar: Array, strength: Array) -> tuple[Array, Array]:
        """Echoes of one cell as the strongest's row at their power-weighted mean with their power
        together; the others' power becomes 0.
        """
        assert self._cell is not None
        span = self.radar.range_rate_span
        group = same_cell(polar, self._cell, span)
        shared = np.flatnonzero(np.bincount(group) > 1)
        if not shared.size:
            return polar, strength
        polar, strength = polar.copy(), strength.copy()
        for g in shared.tolist():
            members = np.flatnonzero(group == g)
            weight = strength[members]
            if weight.sum() <= 0.0:
                continue
            first = members[np.argmax(weight)]
            offset = polar[members] - polar[first]
            offset[:, 1] = wrap(offset[:, 1])
            if math.isfinite(span):
                offset[:, 3] = folded(offset[:, 3], span)
            polar[first] += weight @ offset / weight.sum()
            total = weight.sum()
            strength[members] = 0.0
            strength[first] = total
        return polar, strength

    def _unwanted(self, number: int, t_from: float, t_to: float, sector: Sector) -> Plots:
        """Thermal false alarms and rain of one look."""
        plots = [
            Plots(*alarms.look(number, t_from, t_to, sector.begin, sector.width, self._row))
            for alarms in (self._false_alarms, *self.more_alarms(t_to))]
        if self._rain is not None:
            rain = self._rain.look(self._chance.stream(self._rain_name, number), t_to)
            if len(rain.key):
                rain = take(rain, covered(self.radar, self._ground, rain.position))
                t = t_to + np.zeros(len(rain.key))
                if self.radar.kind == "rotating":
                    _, azimuth, _, _ = to_polar(rain.position, rain.velocity, self.radar.place)
                    after = np.mod(azimuth - sector.begin, TURN)
                    rain, t = take(rain, after < sector.width), t_from + after[after
                        < sector.width] / TURN * self.radar.revisit
                plots.append(self._observe(number, np.minimum(t, t_to), rain)[0])
        return joined(plots)


def folded(rate: Array, span: float) -> Array:
    """Range rates as a radar with an ambiguity of `span` shows them: between -span/2 and span/2
    [m/s].

    rate  (n,) range rates [m/s]
    """
    return np.asarray(rate - span * np.floor(rate / span + 0.5))


def _hermite(before: Targets, now: Targets, duration: float, share: Array) -> tuple[Array, Array]:
    """Positions and velocities (n, 3) at shares (n,) of the way between two instants `duration`
    apart.
    """
    s = share[:, None]
    p0, p1, m0, m1 = before.position, now.position, before.velocity * duration, now.velocity * duration
    position = p0 + s * (m0 + s * (3.0 * (p1 - p0) - 2.0 * m0 - m1 + s * (2.0 * (p0 - p1) + m0 + m1)))
    velocity = (m0 + s * (2.0 * (3.0 * (p1 - p0) - 2.0 * m0 - m1) + 3.0 * s * (2.0 * (p0 - p1) + m0 + m1))) / duration
    return position, velocity
