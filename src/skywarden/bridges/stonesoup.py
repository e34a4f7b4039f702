"""Stone Soup's detections in, Skywarden's tracks out, in Stone Soup's own types: an adapter that
needs the extra `stonesoup`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from skywarden.defence.watch import start, watch
from skywarden.errors import Fault, TableError
from skywarden.feeds.table import MOST_FRAMES, frame_number, frame_of
from skywarden.messages.frame import Detections
from skywarden.messages.picture import PROJECTILE, Picture
from skywarden.messages.tables import Array, take
from skywarden.site.model import Site

try:
    from stonesoup.models.measurement.nonlinear import (
        CartesianToElevationBearingRange,
        CartesianToElevationBearingRangeRate,
    )
    from stonesoup.types.detection import Detection
    from stonesoup.types.state import GaussianState
    from stonesoup.types.track import Track
except ImportError as e:
    raise ImportError("skywarden.bridges.stonesoup needs Stone Soup: pip install 'skywarden[stonesoup]'") from e

ORDER = np.array([0, 3, 1, 4, 2, 5])    # of our state (places, then rates) in x, vx, y, vy, z, vz
SAME_PLACE = 1.0                        # m: a sensor so near to one of the site's radars is that radar

Row = tuple[float, int, float, float, float, float]     # t, sensor, range, azimuth, elevation, range rate


def track(
    detector: Iterable[tuple[datetime, set[Detection]]], site: Site, model: Any = None, epoch: datetime | None = None,
) -> Iterator[tuple[datetime, set[Track]]]:
    """What `watch` believes is flying, at every frame of the site, empty ones included: as Stone
    Soup's trackers give it.

    detector  (time, detections) in order of time: a DetectionReader, a feeder, any iterable.
              Measurement models are
              CartesianToElevationBearingRange or ...RangeRate: elevation, bearing counter-clockwise
              from east [rad], range [m], range rate, positive receding [m/s]; x, y, z are east,
              north, up in the site's frame. `translation_offset` says which radar of the site saw
              it, `rotation_offset` is undone. Noise is the radar's own, from the site; the model's
              covariance is not read
    model     the measurement model of detections that carry none, as a CSVDetectionReader's do
    epoch     frames stand every `site.policy.frame_s` from here; the first time of `detector` where
              None

    Yields the frame's time and the confirmed tracks at it. A Track keeps its `id` (the track's
    number) and gathers its states: GaussianState x, vx, y, vy, z, vz [m, m/s] with its 6 by 6
    covariance; `metadata` holds p_projectile and inverse_ballistic_coefficient [m²/kg]. A frame is
    given when something later has come, so that a live detector is followed one of its steps
    behind.

    Raises TableError where a detection cannot be understood, its sensor is none of the site's
    radars, or time runs backwards.
    """
    state, heard = start(site), np.full(len(site.radars), -np.inf)
    known: dict[int, Track] = {}
    waiting: list[Row] = []
    k: int | None = None        # the frame that gathers
    last: datetime | None = None
    for time, found in detector:
        if time is None and not found:      # an empty CSV ends so
            continue
        epoch = time if epoch is None else epoch
        if last is not None and _seconds(time, last) < 0.0:
            raise _refused(f"{time} comes after {last}", "put a stonesoup.feeder.time.TimeBufferedFeeder before it")
        last = time
        now = frame_number(_seconds(time, epoch), site)
        if k is not None and now - k > MOST_FRAMES:
            raise _refused(f"{time} is {now - k} frames after the time before it", "give one session at a time")
        rows = [_row(d, time, epoch, model, site) for d in found]
        k = now if k is None else k
        while k < now:
            frame = frame_of(k, _columns(waiting), heard, site)
            state, picture = watch(state, frame, site)
            heard, waiting, k = frame.radars.heard, [], k + 1
            yield _tracks(known, picture, epoch)
        waiting += rows
    if k is not None and epoch is not None:
        _, picture = watch(state, frame_of(k, _columns(waiting), heard, site), site)
        yield _tracks(known, picture, epoch)


def _row(d: Detection, time: datetime, epoch: datetime, model: Any, site: Site) -> Row:
    """One detection as the radar of the site that it names would give it."""
    m = model if d.measurement_model is None else d.measurement_model
    if m is None:
        raise _refused(f"the detection at {d.timestamp} has no measurement model",
            "give the one its reader means as model=")
    if not isinstance(m, CartesianToElevationBearingRange | CartesianToElevationBearingRangeRate):
        raise _refused(f"measurement model {type(m).__name__} is not understood",
            "use CartesianToElevationBearingRange or ...RangeRate")
    if d.timestamp is None or _seconds(d.timestamp, time) > 0.0:
        raise _refused(f"a detection of {d.timestamp} comes at {time}",
            "give every detection its timestamp, none later than its set's")
    if np.any(np.asarray(getattr(m, "velocity", 0.0), np.float64)):
        raise _refused("the measurement model's sensor moves", "use a radar that stands: velocity zero")
    z = np.asarray(d.state_vector, np.float64).ravel()
    if z.shape[0] != m.ndim_meas or not np.isfinite(z).all() or z[2] <= 0.0 or abs(z[0]) > 0.5 * math.pi:
        raise _refused(f"state vector {z.tolist()} at {d.timestamp} is no measurement of {type(m).__name__}",
            "give elevation, bearing [rad], range [m] and, "
                       "for ...RangeRate, range rate [m/s], all finite")
    which = _radar(np.asarray(m.translation_offset, np.float64).ravel(), site)
    radar = site.radars[which]
    level = math.cos(z[0])
    east, north, up = m.rotation_matrix.T @ (level * math.cos(z[1]), level * math.sin(z[1]), math.sin(z[0]))
    elevation = math.asin(min(1.0, max(-1.0, up))) if math.isfinite(radar.elevation_sigma) else math.nan
    rate = float(z[3]) if z.shape[0] == 4 and math.isfinite(radar.range_rate_sigma) else math.nan
    return _seconds(d.timestamp, epoch), which, float(z[2]), math.atan2(east, north) % (2.0 * math.pi), elevation, rate


def _radar(place: Array, site: Site) -> int:
    """The row of the site's radar that stands at `place` (3,) [m]."""
    off = [float(np.linalg.norm(radar.place - place)) for radar in site.radars]
    if not off or min(off) > SAME_PLACE:
        there = "; ".join(f"{r.name} at {', '.join(f'{x:.1f}' for x in r.place)}" for r in site.radars) or "it has none"
        raise _refused(f'no radar of site "{site.name}" stands at translation_offset '
            f'{", ".join(f"{x:.1f}" for x in place)} m',
                       f"give east, north, up of one of its radars ({there}), or put the sensor into the site")
    return int(np.argmin(off))


def _columns(rows: list[Row]) -> Detections:
    """The rows as a table, in an order of their own: a set has none, and the same input shall give
    the same tracks.
    """
    if not rows:
        return Detections.empty()
    t, sensor, far, azimuth, elevation, rate = (np.array(column) for column in zip(*rows, strict=True))
    table = Detections.empty(len(rows))._replace(
        t=t, sensor=sensor.astype(np.int32), range=far, azimuth=azimuth, elevation=elevation, range_rate=rate)
    return take(table, np.lexsort((rate, elevation, azimuth, far, sensor, t)))


def _tracks(known: dict[int, Track], picture: Picture, epoch: datetime) -> tuple[datetime, set[Track]]:
    """The picture's tracks, each appended to the Track of its number; `known` forgets those that
    have ended.
    """
    now = epoch + timedelta(seconds=picture.t)
    tracks = picture.tracks
    for number in known.keys() - set(tracks.number.tolist()):
        del known[number]
    for i, number in enumerate(tracks.number.tolist()):
        one = known.setdefault(number, Track(id=str(number)))
        one.append(GaussianState(tracks.state[i, ORDER], tracks.covariance[i][np.ix_(ORDER, ORDER)], timestamp=now))
        one.metadata.update(p_projectile=float(tracks.kind[i, PROJECTILE]),
            inverse_ballistic_coefficient=float(tracks.state[i, 6]))
    return now, set(known.values())


def _seconds(time: datetime, since: datetime) -> float:
    try:
        return (time - since).total_seconds()
    except TypeError:
        raise _refused(f"{time!r} and {since!r} cannot be compared",
            "give datetimes, all with a time zone or all without") from None


def _refused(what: str, do: str) -> TableError:
    return TableError(Fault("Stone Soup's detections", None, what, do))
