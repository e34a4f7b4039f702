"""What radars see that is neither round nor aircraft: thermal false alarms, birds, rotors and rain."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skywarden.kernels.geometry.ground import Ground, ground_up
from skywarden.kernels.geometry.polygon import inside
from skywarden.messages.frame import NO_ADDRESS, Detections
from skywarden.messages.tables import take
from skywarden.simulator.scenario.model import Clutter
from skywarden.simulator.sensing.chance import Chance
from skywarden.simulator.sensing.returns import threshold
from skywarden.simulator.sensing.targets import BIRD_KEY, CLUTTER, FALSE_ALARM, ROTOR_KEY, Targets
from skywarden.site.model import Radar

Array = NDArray[Any]

TURN = 2.0 * math.pi
HIGHEST_FALSE = math.radians(70.0)      # thermal false alarms are spread up to here: as shared benchmarks have it
FASTEST_FALSE = 450.0                   # m/s, either way, likewise
BIRD_SPEED = (10.0, 20.0)               # m/s
BIRD_HEIGHT = (30.0, 800.0)             # m above the ground
# m²; gulls to geese at X band, order of magnitude: Skolnik, Radar Handbook, ch. 2
BIRD_SECTION = (0.003, 0.03)
FLOCK_WIDTH = 40.0                      # m, standard deviation of a bird's place in its flock
HOME = 8_000.0                          # m; birds turn back at the edges of this square about the origin
# m and s: a bird's path swings about the flock's straight line with these amplitudes and periods
WANDER = ((60.0, 90.0), (5.0, 18.0))
ROTOR_RANGE = (800.0, 6_000.0)          # m from the origin
ROTOR_HEIGHT = (5.0, 60.0)              # m above the ground
ROTOR_SECTION = 2.0                     # m²
ROTOR_SPREAD = 60.0                     # m/s; blades turn towards and away
RAIN_HEIGHT = (100.0, 3_000.0)          # m
RAIN_FALL = 7.0                         # m/s, large drops; Gunn and Kinzer, J. Meteorol. 6 (1949) 243
RAIN_SECTION = 0.05                     # m²; of a cell's worth of drops


class FalseAlarms:
    """Thermal noise above a radar's threshold: uniform in range, azimuth, elevation and range rate."""

    def __init__(self, radar: Radar, chance: Chance, factor: float, name: str = "") -> None:
        self._radar, self._chance, self._rate = radar, chance, radar.false_alarms * factor
        self._name, self._threshold = f"{name or f'radar-{radar.name}'} false alarms", threshold(radar)

    def look(
        self, number: int, t_from: float, t_to: float, begin: float, width: float, row: int
    ) -> tuple[Detections, Array, Array]:
        """Detections of one look over a sector, their origin (n,) and drawn order (n,).

        number  number of the frame
        t_from  time at which the look begins [s]
        t_to    time at which the look ends [s]
        begin   azimuth at which the look begins [rad]
        width   width of the look [rad]
        row     index of the radar among the site's
        """
        if self._rate <= 0.0:
            return Detections.empty(), np.zeros(0, np.int32), np.zeros(0)
        radar, draw = self._radar, self._chance.stream(self._name, number)
        whole = radar.azimuth_width >= TURN - 1e-9
        share = width / TURN if radar.kind == "rotating" else 1.0
        n = int(draw.poisson(self._rate * share))
        u = draw.random((n, 7))
        along = u[:, 0] if radar.kind == "rotating" else np.ones(n)
        azimuth = begin + width * along if radar.kind == "rotating" else radar.azimuth_from + radar.azimuth_width * u[
            :, 0]
        azimuth = np.mod(azimuth, TURN)
        top = max(min(radar.elevation_max, HIGHEST_FALSE), radar.elevation_min)
        fastest = min(FASTEST_FALSE, 0.5 * radar.range_rate_span)
        signal = not math.isnan(radar.reference_range)
        nothing = np.full(n, np.nan)
        elevation = radar.elevation_min + (top - radar.elevation_min) * u[:,
            2] if math.isfinite(radar.elevation_sigma) and not radar.mode_s else nothing
        rate = fastest * (2.0 * u[:, 3] - 1.0) if math.isfinite(
            radar.range_rate_sigma) and not radar.mode_s else nothing
        snr = 10.0 * np.log10(self._threshold - np.log1p(-u[:, 4])) if signal else nothing
        detections = Detections(
            t_from + (t_to - t_from) * along, np.full(n, row, np.int32),
            radar.range_min + (radar.range_max - radar.range_min) * u[:, 1], azimuth,
            elevation, rate, snr, nothing, np.full(n, NO_ADDRESS, np.int64))
        keep = np.ones(n, np.bool_) if whole else np.mod(azimuth - radar.azimuth_from, TURN) <= radar.azimuth_width
        return take(detections, keep), np.full(int(keep.sum()), FALSE_ALARM, np.int32), u[keep, 5]


class Wildlife:
    """Birds in flocks, and rotors: things with places, so that their returns hang together from
    look to look.
    """

    def __init__(self, clutter: Clutter, ground: Ground, chance: Chance, name: str = "clutter", key: int = 0) -> None:
        self._birds, self._rotors = clutter.birds, clutter.rotors
        # an inject's have names of their own in the draws of chance
        self._bird_key, self._rotor_key = (key, key + clutter.birds) if key else (BIRD_KEY, ROTOR_KEY)
        draw = chance.stream(f"{name} birds")
        flocks = max(math.ceil(clutter.birds / max(clutter.flock, 1.0)), 1)
        flock = draw.integers(0, flocks, clutter.birds)
        self._start = draw.uniform(-HOME, HOME, (flocks, 2))[flock] + draw.normal(0.0, FLOCK_WIDTH, (clutter.birds, 2))
        heading, speed = draw.uniform(0.0, TURN, flocks)[flock], draw.uniform(*BIRD_SPEED, flocks)[flock]
        self._motion = speed[:, None] * np.stack([np.sin(heading), np.cos(heading)], axis=1)
        height = np.maximum(draw.uniform(*BIRD_HEIGHT, flocks)[flock] + draw.normal(0.0, 0.25 * FLOCK_WIDTH,
            clutter.birds), BIRD_HEIGHT[0])
        self._swing = draw.uniform(0.0, TURN, (len(WANDER), flocks, 3))[:, flock]
        self._section = draw.uniform(*BIRD_SECTION, clutter.birds)
        still = chance.stream(f"{name} rotors")
        bearing, distance = still.uniform(0.0, TURN, clutter.rotors), still.uniform(*ROTOR_RANGE, clutter.rotors)
        place = np.stack([distance * np.sin(bearing), distance * np.cos(bearing), still.uniform(*ROTOR_HEIGHT,
            clutter.rotors)], axis=1)
        for row in place:
            row[2] += ground_up(ground, row[0], row[1])
        self._places, self._height, self._ground = place, height, ground

    def at(self, t: float) -> Targets:
        """Where they are at time t."""
        far = self._start + self._motion * t + HOME
        lap = np.mod(far, 4.0 * HOME)
        back = lap > 2.0 * HOME
        position = np.zeros((self._birds, 3))
        velocity = np.zeros((self._birds, 3))
        position[:, :2] = np.where(back, 4.0 * HOME - lap, lap) - HOME
        velocity[:, :2] = np.where(back, -self._motion, self._motion)
        for (reach, period), phase in zip(WANDER, self._swing, strict=True):
            turn = TURN * t / period + phase
            scale = np.array([reach, reach, 0.1 * reach])
            position += scale * np.sin(turn)
            velocity += scale * (TURN / period) * np.cos(turn)
        _over_ground(position, self._height, self._ground)
        n = self._birds + self._rotors
        return Targets.plain(
            np.concatenate([self._bird_key + np.arange(self._birds), self._rotor_key + np.arange(self._rotors)]),
            np.full(n, CLUTTER, np.int32),
            np.concatenate([position, self._places]), np.concatenate([velocity, np.zeros((self._rotors, 3))]),
            np.concatenate([self._section, np.full(self._rotors, ROTOR_SECTION)]), np.ones(n, np.int64),
        )._replace(spread=np.concatenate([np.zeros(self._birds), np.full(self._rotors, ROTOR_SPREAD)]))


class Rain:
    """Cells of rain that drift with the wind and send returns from anywhere inside."""

    def __init__(self, clutter: Clutter, wind: Array) -> None:
        self._cells, self._rate, self._wind = clutter.rain, clutter.rain_rate, np.asarray(wind, np.float64)

    def look(self, draw: np.random.Generator, t: float) -> Targets:
        """Returns of one revisit at time t, wherever the radar looks. Keys are fresh: drops are not
        followed.

        draw  generator of random numbers
        """
        places = [np.zeros((0, 3))]
        for cell in self._cells:
            low, high = cell.min(axis=0), cell.max(axis=0)
            n = int(draw.poisson(self._rate * float(np.prod(high - low)) * 1e-6))
            place = np.column_stack([draw.uniform(low[0], high[0], n), draw.uniform(low[1], high[1], n),
                draw.uniform(*RAIN_HEIGHT, n)])
            within = np.array([inside(cell, e, north) for e, north in place[:, :2]], np.bool_)
            place[:, :2] += self._wind * t
            places.append(place[within])
        position = np.concatenate(places)
        n = len(position)
        velocity = np.column_stack([np.tile(self._wind, (n, 1)), np.full(n, -RAIN_FALL)])
        return Targets.plain(
            draw.integers(4_000_000, 2**40, n), np.full(n, CLUTTER, np.int32), position, velocity,
            np.full(n, RAIN_SECTION), np.ones(n, np.int64),
        )._replace(spread=np.full(n, 2.0))


@njit(cache=True, error_model="numpy")
def _over_ground(position: Array, height: Array, ground: Ground) -> None:
    """Lift birds (n, 3) from heights about their own level to heights above the ground, never into
    it; in place.
    """
    for i in range(position.shape[0]):
        here = ground_up(ground, position[i, 0], position[i, 1])
        position[i, 2] = max(position[i, 2] + here + height[i], 1.0 + here)
