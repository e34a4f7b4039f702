"""Writes what a record believed, for other programs: GeoJSON, KML, CZML, Parquet, MCAP. Belief and
warnings, never truth, orders or clearances.

Places are WGS-84 with heights above mean sea level; CZML counts heights from the ellipsoid, and the
few ten metres between the two are left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import polars as pl

from skywarden import __version__
from skywarden.errors import RecordError, UsageError
from skywarden.kernels.geometry.earth import to_earth
from skywarden.messages.picture import CLEAR, KIND_NAMES, Picture
from skywarden.record.reader import Record, foreign
from skywarden.site.load import from_sources
from skywarden.site.model import Site

Place = tuple[float, float, float]      # longitude, latitude [deg], height above mean sea level [m]


@dataclass
class Flown:
    """One track over its life."""

    number: int
    t: list[float] = field(default_factory=list)
    place: list[Place] = field(default_factory=list)
    kind: str = ""
    impact_t: float = math.nan
    impact: Place | None = None


@dataclass
class Warned:
    """One zone under one warning; `end` is nan where it still stood at the end of the record."""

    zone: int
    raid: int
    start: float
    end: float = math.nan
    peak: float = 0.0


@dataclass
class Told:
    """A record as it is exported."""

    title: str
    simulation: bool
    epoch_ns: int
    span: tuple[float, float]
    zones: list[tuple[str, str, list[Place]]]
    tracks: dict[int, Flown]
    warnings: list[Warned]

    def iso(self, t: float) -> str:
        """Time of the run as UTC.

        t  time of the run [s]
        """
        return datetime.fromtimestamp(self.epoch_ns / 1e9 + t, UTC).isoformat(timespec="milliseconds").replace(
            "+00:00", "Z")


def write(source: Record | Path | str, form: str, path: Path | str) -> None:
    """Write the record `source` as `form` (one of FORMS) to `path`. Raises UsageError for another
    form, RecordError where either cannot be.
    """
    if form not in FORMS:
        raise UsageError(f"--to {form}: it is one of {', '.join(FORMS)}")
    record = source if isinstance(source, Record) else Record(source)
    try:
        with foreign(record.path):
            FORMS[form](record, Path(path))
    except OSError as error:
        raise RecordError(f"{path}: the export cannot be written: {error.strerror or error}. Name another "
            "file") from None
    finally:
        if record is not source:
            record.close()


def tell(record: Record) -> Told:
    """Read a record through once."""
    site = from_sources(record.header.site_sources, record.header.site)
    told = Told(
        f"{record.header.scenario or 'live data'} · {site.title}", record.simulation, record.header.epoch_ns,
        record.span() or (0.0, 0.0),
        [(zone.name, zone.kind, _places(site, np.column_stack([zone.polygon, np.zeros(len(zone.polygon))])))
            for zone in site.zones], {}, [],
    )
    standing: dict[int, Warned] = {}
    for moment in record.moments():
        picture = moment.picture
        _fly(told, picture, _places(site, picture.tracks.state[:, :3]), _places(site, picture.impacts.place))
        _warn(told, standing, picture)
    return told


def _fly(told: Told, picture: Picture, places: list[Place], impacts: list[Place]) -> None:
    tracks = picture.tracks
    for i, number in enumerate(tracks.number.tolist()):
        flown = told.tracks.setdefault(number, Flown(number))
        flown.t.append(picture.t)
        flown.place.append(places[i])
        flown.kind = KIND_NAMES[int(tracks.kind[i].argmax())]
    for i, number in enumerate(picture.impacts.track.tolist()):
        if number in told.tracks and math.isfinite(float(picture.impacts.t[i])):
            told.tracks[number].impact_t, told.tracks[number].impact = float(picture.impacts.t[i]), impacts[i]


def _warn(told: Told, standing: dict[int, Warned], picture: Picture) -> None:
    w, now = picture.warnings, set()
    for i, zone in enumerate(w.zone.tolist()):
        if int(w.action[i]) == CLEAR:
            continue
        now.add(zone)
        if zone not in standing:
            standing[zone] = Warned(zone, int(w.raid[i]), picture.t)
            told.warnings.append(standing[zone])
        standing[zone].peak = max(standing[zone].peak, float(w.peak[i]))
    for zone in standing.keys() - now:
        standing.pop(zone).end = picture.t


def _places(site: Site, position: Any) -> list[Place]:
    origin = site.origin
    latitude, longitude, height = to_earth(origin.latitude, origin.longitude, origin.elevation, np.asarray(position,
        float).reshape(-1, 3))
    columns = (np.degrees(longitude).round(7), np.degrees(latitude).round(7), height.round(1))
    return [(float(x), float(y), float(z)) for x, y, z in zip(*columns, strict=True)]


def geojson(record: Record, path: Path) -> None:
    """One FeatureCollection: zones, tracks, where they were last expected to fall, warnings.

    record  the opened record
    path    the file or folder to write
    """
    told = tell(record)

    def feature(what: str, shape: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
        return {"type": "Feature", "properties": {"what": what, "simulation": told.simulation, **properties},
                "geometry": {"type": shape, "coordinates": coordinates}}

    features = [feature("zone", "Polygon", [[p[:2] for p in _closed(ring)]], name=name, kind=kind) for name, kind,
        ring in told.zones]
    for flown in told.tracks.values():
        properties = {"name": f"track {flown.number}", "kind": flown.kind, "start": told.iso(flown.t[0]),
            "end": told.iso(flown.t[-1])}
        if len(flown.place) > 1:
            features.append(feature("track", "LineString", flown.place, **properties))
        if flown.impact is not None:
            features.append(feature("impact", "Point", flown.impact, name=f"track {flown.number}",
                time=told.iso(flown.impact_t)))
    for warned in told.warnings:
        name, _, ring = told.zones[warned.zone]
        end = None if math.isnan(warned.end) else told.iso(warned.end)
        features.append(feature("warning", "Polygon", [[p[:2] for p in _closed(ring)]], name=name, raid=warned.raid,
            start=told.iso(warned.start),
                                end=end, peak=round(warned.peak, 3)))
    path.write_text(json.dumps({"type": "FeatureCollection", "name": told.title, "features": features},
        ensure_ascii=False), "utf-8")


def kml(record: Record, path: Path) -> None:
    """A KML document with a folder each for zones, tracks, impacts and warnings.

    record  the opened record
    path    the file or folder to write
    """
    told = tell(record)

    def mark(name: str, shape: str, start: str = "", end: str = "", said: str = "") -> str:
        begin, finish = f"<begin>{start}</begin>" if start else "", f"<end>{end}</end>" if end else ""
        span = f"<TimeSpan>{begin}{finish}</TimeSpan>" if start else ""
        described = f"<name>{escape(name)}</name><description>{escape(said)}</description>"
        return f"<Placemark>{described}{span}{shape}</Placemark>\n"

    def polygon(ring: list[Place]) -> str:
        boundary = f"<LinearRing><coordinates>{_coordinates(_closed(ring), 2)}</coordinates></LinearRing>"
        return f"<Polygon><outerBoundaryIs>{boundary}</outerBoundaryIs></Polygon>"

    folders: Mapping[str, list[str]] = {
        "zones": [mark(name, polygon(ring), said=kind) for name, kind, ring in told.zones],
        "tracks": [
            mark(f"track {f.number}", "<LineString><altitudeMode>absolute</altitudeMode>"
                 f"<coordinates>{_coordinates(f.place, 3)}</coordinates></LineString>", told.iso(f.t[0]),
                 told.iso(f.t[-1]), f.kind)
            for f in told.tracks.values() if len(f.place) > 1
        ],
        "impacts": [
            mark(f"track {f.number}", f"<Point><coordinates>{_coordinates([f.impact], 2)}</coordinates></Point>",
                told.iso(f.impact_t), "", f.kind)
            for f in told.tracks.values() if f.impact is not None
        ],
        "warnings": [
            mark(told.zones[w.zone][0], polygon(told.zones[w.zone][2]), told.iso(w.start), "" if math.isnan(w.end)
                else told.iso(w.end), f"raid {w.raid}")
            for w in told.warnings
        ],
    }
    kind = "SIMULATION: every round in it is simulated" if told.simulation else "LIVE data"
    body = "".join(f"<Folder><name>{name}</name>\n{''.join(marks)}</Folder>\n" for name, marks in folders.items())
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"<name>{escape(told.title)}</name><description>{kind}</description>\n{body}</Document></kml>\n", "utf-8")


def czml(record: Record, path: Path) -> None:
    """CZML: tracks that move with time, impacts, and zones that light up while they are warned.

    record  the opened record
    path    the file or folder to write
    """
    told = tell(record)
    start, stop = (told.iso(t) for t in told.span)
    packets: list[dict[str, Any]] = [{
        "id": "document", "version": "1.0", "name": told.title,
        "clock": {"interval": f"{start}/{stop}", "currentTime": start, "multiplier": 1.0},
    }]
    for i, (name, kind, ring) in enumerate(told.zones):
        spans = [(w.start, told.span[1] if math.isnan(w.end) else w.end) for w in told.warnings if w.zone == i]
        colours: list[dict[str, Any]] = [{"interval": f"{start}/{stop}", "rgba": [147, 164, 181, 60]}]
        colours += [{"interval": f"{told.iso(a)}/{told.iso(b)}", "rgba": [213, 94, 0, 160]} for a, b in spans if b > a]
        packets.append({
            "id": f"zone {name}", "name": name, "description": kind,
            "polygon": {"positions": {"cartographicDegrees": [x for lon, lat, _ in ring for x in (lon, lat, 0.0)]},
                        "material": {"solidColor": {"color": colours}}},
        })
    for flown in told.tracks.values():
        samples = [x for t, p in zip(flown.t, flown.place, strict=True) for x in (round(t - told.span[0], 3), *p)]
        packets.append({
            "id": f"track {flown.number}", "name": f"track {flown.number} ({flown.kind})",
            "availability": f"{told.iso(flown.t[0])}/{told.iso(flown.t[-1])}", "position": {"epoch": start,
                "cartographicDegrees": samples},
            "point": {"pixelSize": 8, "color": {"rgba": [213, 94, 0, 255] if flown.kind == "projectile" else [86, 180,
                233, 255]}},
            "path": {"trailTime": 12.0, "leadTime": 0.0, "width": 1.5},
        })
        if flown.impact is not None:
            packets.append({
                "id": f"impact {flown.number}", "name": f"where track {flown.number} was last expected to fall",
                "position": {"cartographicDegrees": list(flown.impact)}, "point": {"pixelSize": 6,
                    "color": {"rgba": [230, 159, 0, 255]}},
            })
    path.write_text(json.dumps(packets, ensure_ascii=False), "utf-8")


def parquet(record: Record, path: Path) -> None:
    """A folder with tracks.parquet, impacts.parquet and warnings.parquet; times in seconds of the
    run and in UTC.

    record  the opened record
    path    the file or folder to write
    """
    told = tell(record)
    path.mkdir(parents=True, exist_ok=True)
    rows = [(f.number, f.kind, t, *p) for f in told.tracks.values() for t, p in zip(f.t, f.place, strict=True)]
    tracks = pl.DataFrame(rows, schema={
        "track": pl.Int64, "kind": pl.String, "t_s": pl.Float64, "longitude_deg": pl.Float64,
        "latitude_deg": pl.Float64, "altitude_m": pl.Float64,
    }, orient="row")
    impacts = pl.DataFrame([(f.number, f.impact_t, *f.impact) for f in told.tracks.values() if f.impact is not None],
        schema={
        "track": pl.Int64, "t_s": pl.Float64, "longitude_deg": pl.Float64, "latitude_deg": pl.Float64,
        "altitude_m": pl.Float64,
    }, orient="row")
    warnings = pl.DataFrame(
        [(told.zones[w.zone][0], w.raid, w.start, None if math.isnan(w.end) else w.end, w.peak) for w in told.warnings],
        schema={"zone": pl.String, "raid": pl.Int64, "t_s": pl.Float64, "end_s": pl.Float64, "peak": pl.Float64},
        orient="row")
    for name, table in (("tracks", tracks), ("impacts", impacts), ("warnings", warnings)):
        utc = pl.from_epoch((pl.lit(told.epoch_ns) + pl.col("t_s") * 1e9).cast(pl.Int64),
            time_unit="ns").dt.replace_time_zone("UTC")
        table.with_columns(utc.alias("utc"), pl.lit(told.simulation).alias("simulation")).write_parquet(
            path / f"{name}.parquet")


def mcap(record: Record, path: Path) -> None:
    """MCAP with a JSON message a frame on /tracks, /impacts and /warnings.

    record  the opened record
    path    the file or folder to write
    """
    from mcap.writer import Writer

    site = from_sources(record.header.site_sources, record.header.site)
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start(profile="", library=f"skywarden {__version__}")
        channels = {}
        for name in ("tracks", "impacts", "warnings"):
            schema = writer.register_schema(name=f"skywarden.{name}", encoding="jsonschema",
                data=json.dumps(_schema(name)).encode())
            channels[name] = writer.register_channel(topic=f"/{name}", message_encoding="json", schema_id=schema)
        writer.add_metadata("record", {
            "kind": record.header.kind, "site": record.header.site, "scenario": record.header.scenario or "",
            "epoch_ns": str(record.header.epoch_ns)})
        for n, moment in enumerate(record.moments()):
            stamp = record.header.epoch_ns + round(moment.frame.t * 1e9)
            for name, rows in _messages(site, moment.picture).items():
                writer.add_message(channels[name], stamp, json.dumps({"t": moment.frame.t, name: rows}).encode(),
                    stamp, n)
        writer.finish()     # type: ignore[no-untyped-call]


def _messages(site: Site, picture: Picture) -> dict[str, list[dict[str, Any]]]:
    tracks, impacts, w = picture.tracks, picture.impacts, picture.warnings
    at, fall = _places(site, tracks.state[:, :3]), _places(site, impacts.place)
    return {
        "tracks": [
            {"track": number, "kind": KIND_NAMES[int(tracks.kind[i].argmax())], "longitude": at[i][0],
                "latitude": at[i][1], "altitude": at[i][2]}
            for i, number in enumerate(tracks.number.tolist())
        ],
        "impacts": [
            {"track": number, "t": float(impacts.t[i]), "longitude": fall[i][0], "latitude": fall[i][1],
                "altitude": fall[i][2]}
            for i, number in enumerate(impacts.track.tolist()) if math.isfinite(float(impacts.t[i]))
        ],
        "warnings": [
            {"zone": site.zones[zone].name, "raid": int(w.raid[i]), "since": float(w.since[i]),
                "probability": float(w.probability[i])}
            for i, zone in enumerate(w.zone.tolist()) if int(w.action[i]) != CLEAR
        ],
    }


def _schema(name: str) -> dict[str, Any]:
    row = {"type": "object", "additionalProperties": {"type": ["number", "string"]}}
    return {"type": "object", "required": ["t", name], "properties": {"t": {"type": "number"}, name: {"type": "array",
        "items": row}}}


def _closed(ring: list[Place]) -> list[Place]:
    return [*ring, ring[0]]


def _coordinates(places: list[Place], count: int) -> str:
    return " ".join(",".join(f"{x:.7g}" if k == 2 else f"{x:.7f}" for k, x in enumerate(place[:count]))
        for place in places)


FORMS: Mapping[str, Callable[[Record, Path], None]] = {"geojson": geojson, "kml": kml, "czml": czml,
    "parquet": parquet, "mcap": mcap}
