"""The simulated radars, tracks and traffic as ASTERIX datagrams, every target marked as simulated."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from skywarden.emit.forms import Target
from skywarden.emit.sending import DatagramsOut
from skywarden.emit.shown import Shown, Stage
from skywarden.errors import UsageError
from skywarden.formats.asterix_out import (
    Identity,
    PlotOut,
    ReportOut,
    TrackOut,
    blocks,
    plot_015,
    plot_048,
    report_021,
    service_034,
    track_062,
)
from skywarden.messages.frame import ADSB, Aircraft, Detections
from skywarden.messages.tables import Array, rows

SENT = ("radar", "tracks", "traffic")
TRACKS_EVERY = 1.0  # seconds between two system track updates
ALIVE_EVERY = 1.0  # seconds between two north marks of a radar that does not turn
SECTORS = 32  # sector crossings a turn
SYSTEM: Identity = (0, 255)  # identity of the system that tracks
GROUND_STATION: Identity = (0, 254)  # identity of the receiver of ADS-B


class AsterixOut(DatagramsOut):
    """Sends one instant after another.

    A radar of the site keeps its own `sac_sic`; one that has none is 0/1, 0/2 … in the order of the
    site.
    """

    def __init__(self, target: Target, stage: Stage) -> None:
        wanted = tuple(target.options.get("send", ",".join(SENT)).split(","))
        unknown = [each for each in wanted if each not in SENT]
        if unknown:
            raise UsageError(f'send={target.options["send"]}: "{unknown[0]}" is none of {", ".join(SENT)}')
        self._wanted, self._stage = wanted, stage
        super().__init__(target)
        self._identity = [
            radar.sac_sic if radar.sac_sic != (-1, -1) else (0, k + 1) for k, radar in enumerate(stage.site.radars)
        ]
        self._alive = [-math.inf] * len(stage.site.radars)
        self._tracked = -math.inf

    def datagrams(self, shown: Shown) -> Iterator[bytes]:
        """The data blocks of one instant, each a datagram.

        shown  what of this instant is shown to other systems
        """
        if "radar" in self._wanted:
            yield from blocks(34, self._service(shown))
            yield from self._plots(shown.frame.detections)
        if "tracks" in self._wanted and shown.t - self._tracked >= TRACKS_EVERY - 1e-9:
            self._tracked = shown.t
            yield from blocks(62, self._tracks(shown))
        if "traffic" in self._wanted:
            yield from blocks(21, self._reports(shown.frame.aircraft))

    def _plots(self, d: Detections) -> Iterator[bytes]:
        made: dict[int, list[bytes]] = {15: [], 48: []}
        for k in range(rows(d)):
            sensor = int(d.sensor[k])
            if not 0 <= sensor < len(self._identity):
                continue
            radar, identity = self._stage.site.radars[sensor], self._identity[sensor]
            plot = PlotOut(
                self._stage.time_of_day(float(d.t[k])),
                float(d.range[k]),
                float(d.azimuth[k]),
                float(d.elevation[k]),
                float(d.range_rate[k]),
                float(d.snr[k]),
                float(d.pressure_altitude[k]),
                int(d.address[k]),
            )
            measures_elevation = not radar.mode_s and math.isfinite(radar.elevation_sigma)
            record = plot_015(identity, plot) if measures_elevation else plot_048(identity, plot)
            if record is not None:
                made[15 if measures_elevation else 48].append(record)
        for category, records in made.items():
            yield from blocks(category, records)

    def _service(self, shown: Shown) -> Iterator[bytes]:
        """Signs of life of each radar that works: sector crossings and north marks as its beam
        turns, else a mark a second.
        """
        radars = shown.frame.radars
        for k, radar in enumerate(self._stage.site.radars):
            if not radars.up[k]:
                continue
            if radar.kind != "rotating":
                if shown.t - self._alive[k] >= ALIVE_EVERY - 1e-9:
                    self._alive[k] = shown.t
                    yield service_034(self._identity[k], self._stage.time_of_day(shown.t), 0.0)
                continue
            begin, width = float(radars.sector_from[k]), float(radars.sector_width[k])
            step = 2.0 * math.pi / SECTORS
            for number in range(math.floor(begin / step) + 1, math.floor((begin + width) / step + 1e-9) + 1):
                ago = (begin + width - number * step) / (2.0 * math.pi) * radar.revisit
                at = self._stage.time_of_day(shown.t - ago)
                turn = radar.revisit if number % SECTORS == 0 else math.nan
                yield service_034(self._identity[k], at, number % SECTORS * step, turn)

    def _tracks(self, shown: Shown) -> Iterator[bytes]:
        tracks = shown.tracks
        latitude, longitude, altitude = self._stage.earth(tracks.state[:, :3])
        velocity = self._stage.local(tracks.state[:, 3:6], longitude)
        for k in np.flatnonzero(np.isfinite(latitude)):
            yield track_062(
                SYSTEM,
                TrackOut(
                    self._stage.time_of_day(shown.t),
                    int(tracks.number[k]),
                    float(latitude[k]),
                    float(longitude[k]),
                    float(altitude[k]),
                    (float(velocity[k, 0]), float(velocity[k, 1]), float(velocity[k, 2])),
                    int(tracks.address[k]),
                ),
            )

    def _reports(self, a: Aircraft) -> Iterator[bytes]:
        for report in reports(a, self._stage):
            record = report_021(GROUND_STATION, report)
            if record is not None:
                yield record


def reports(a: Aircraft, stage: Stage) -> Iterator[ReportOut]:
    """What aircraft say of themselves by ADS-B, in degrees of the earth; those without a place are
    left out.

    stage  where and when the run takes place
    """
    latitude, longitude, altitude = stage.earth(
        np.column_stack([a.position[:, :2], np.where(np.isfinite(a.position[:, 2]), a.position[:, 2], 0.0)])
    )
    velocity = stage.local(a.velocity, longitude)
    speed: Array = np.hypot(velocity[:, 0], velocity[:, 1])
    heading: Array = np.arctan2(velocity[:, 0], velocity[:, 1]) % (2.0 * math.pi)
    for k in np.flatnonzero((a.source == ADSB) & np.isfinite(latitude)):
        known = math.isfinite(a.position[k, 2])
        yield ReportOut(
            stage.time_of_day(float(a.t[k])),
            int(a.address[k]),
            bytes(a.callsign[k]).decode("ascii", "replace"),
            float(latitude[k]),
            float(longitude[k]),
            float(altitude[k]) if known else math.nan,
            float(a.pressure_altitude[k]),
            float(speed[k]),
            float(heading[k]),
            float(velocity[k, 2]),
            int(a.nic[k]),
            int(a.nacp[k]),
            bool(a.on_ground[k]),
        )
