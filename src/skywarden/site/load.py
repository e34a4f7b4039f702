"""From a site's folder to a `Site`: reads `site.toml`, `zones.geojson` and terrain, checks
everything, and names every fault at once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from skywarden.errors import Fault, SiteError
from skywarden.files.shipped import find
from skywarden.files.text import read_bytes
from skywarden.files.toml import Document, Table
from skywarden.kernels.ballistics import air as airs
from skywarden.kernels.ballistics import drag
from skywarden.kernels.ballistics.air import Air
from skywarden.kernels.ballistics.drag import Drags
from skywarden.kernels.ballistics.flight import Earth, plain_earth, real_earth
from skywarden.kernels.geometry.earth import to_site
from skywarden.kernels.geometry.ground import Ground, flat, ground_up
from skywarden.messages.frame import Weather
from skywarden.site import terrain
from skywarden.site.channels import read_channels, read_wording
from skywarden.site.model import Array, Display, Effector, Origin, Radar, Receiver, Siren, Site
from skywarden.site.policy import read_costs, read_policy
from skywarden.site.zones import read_zones
from skywarden.units import FOOT

TOML, ZONES, TERRAIN = "site.toml", "zones.geojson", "terrain.npz"
FULL_TURN = 2.0 * math.pi


def load(name: str | Path) -> Site:
    """The site of a folder (or its site.toml), or the shipped one of that name.

    Raises SiteError carrying every fault found; UsageError where there is no such site.
    """
    folder = find(name, "sites")
    folder = folder.parent if folder.is_file() else folder
    faults: list[Fault] = []
    site = _build(_read(folder, faults), folder.name, str(folder), faults)
    if faults or site is None:
        raise SiteError(*faults)
    return site


def from_sources(sources: Mapping[str, bytes], name: str = "") -> Site:
    """The very same site, from the files a record carries.

    sources  the files' contents, by name
    name     name of the site
    """
    faults: list[Fault] = []
    site = _build(dict(sources), name, name or "record", faults)
    if faults or site is None:
        raise SiteError(*faults)
    return site


def faults_of(folder: Path) -> list[Fault]:
    """Everything wrong with a site's folder; nothing where it is good."""
    faults: list[Fault] = []
    _build(_read(folder, faults), folder.name, str(folder), faults)
    return faults


def _read(folder: Path, faults: list[Fault]) -> dict[str, bytes]:
    sources = {}
    for file in (TOML, ZONES):
        content = read_bytes(folder / file, faults)
        if content is not None:
            sources[file] = content
    if TOML in sources:
        document = Document(str(folder / TOML), sources[TOML], [])
        if document.data is not None:
            # Terrain is resampled once here, and the grid, not the tiles, is what a record carries.
            origin = origin_of(document.root())
            if not document.faults:
                grid = terrain.read(document.root().table("terrain"), folder, origin)
                faults.extend(document.faults)
                if grid is not None:
                    sources[TERRAIN] = grid
    return sources


def origin_of(root: Table) -> Origin:
    """The site's zero, as declared.

    root  the whole document
    """
    table = root.table("origin")
    origin = Origin(
        math.radians(table.number("latitude_deg", low=-89.0, high=89.0)), table.longitude("longitude_deg"),
        table.number("elevation_m", low=-500.0, high=9000.0))
    table.finish()
    return origin


def _build(sources: dict[str, bytes], name: str, where: str, faults: list[Fault]) -> Site | None:
    if TOML not in sources:
        return None
    document = Document(f"{where}/{TOML}", sources[TOML], faults)
    if document.data is None:
        return None
    root = document.root()
    origin = origin_of(root)
    if not math.isfinite(origin.elevation):
        origin = replace(origin, elevation=0.0)     # its fault is noted; the rest of the files is still judged
    laws, drags = _laws(root)
    ground = _ground(sources, where, faults)
    root.table("terrain")
    zones = read_zones(f"{where}/{ZONES}", sources[ZONES], origin, faults) if ZONES in sources else ()
    site = Site(
        name=root.text("name", name), title=root.text("title", root.text("name", name)), origin=origin,
        air=_air(root, origin.elevation),
        earth=_earth(root, origin), weather=weather_of(root.table("weather")), laws=laws, drags=drags, ground=ground,
        radars=_radars(root, origin, ground), receivers=tuple(_receiver(t, origin, ground)
            for t in root.tables("receivers")),
        effectors=_effectors(root, origin, ground), zones=zones, policy=read_policy(root),
        costs=read_costs(root), sirens=_sirens(root, origin, ground), channels=read_channels(root, zones),
        wording=read_wording(root), display=_display(root), **_speaker(root), sources=sources)
    root.finish()
    return site


def _speaker(root: Table) -> dict[str, str]:
    """Who signs the alerts, and which of several watchers of the site this is."""
    table = root.table("alerts")
    said = {"sender": table.text("sender", ""), "replica": table.text("replica", "a")}
    for key, value in said.items():
        if re.search(r"[\s,<&/+#]", value):
            table.fault(key, f'"{key}" is {value!r}', "It may hold neither blanks nor any of , < & / + #.")
    table.finish()
    return said


def _display(root: Table) -> Display:
    table = root.table("display")
    transition = table.number("transition_altitude_ft", Display.transition_altitude, 0.0, 60_000.0, FOOT)
    display = Display(table.text("aircraft_height", "metres", ("metres", "feet", "flight-level")), transition)
    table.finish()
    return display


def _ground(sources: Mapping[str, bytes], where: str, faults: list[Fault]) -> Ground:
    """The grid that a site was read with; flat ground without one."""
    if TERRAIN not in sources:
        return flat()
    try:
        return terrain.from_bytes(sources[TERRAIN])
    except ValueError as error:
        faults.append(Fault(f"{where}/{TERRAIN}", None, f"is no terrain that a site was read with: {error}",
            "Take the record from where it was written."))
        return flat()


def _air(root: Table, datum: float) -> Air:
    table = root.table("atmosphere")
    kind = table.text("kind", "icao", ("icao", "isa-geometric", "exponential"))
    if kind == "exponential":
        air = airs.exponential(
            datum, table.number("density_kgm3", 1.225, 0.1, 3.0), table.number("scale_height_m", 10_200.0, 1000.0,
                50_000.0),
            table.number("sound_mps", 340.3, 200.0, 500.0), table.number("sound_lapse_per_s", 0.0041, 0.0, 0.02))
    else:
        air = airs.icao(datum) if kind == "icao" else airs.icao_geometric(datum)
    table.finish()
    return air


def _earth(root: Table, origin: Origin) -> Earth:
    table = root.table("gravity")
    kind = table.text("kind", "real", ("real", "constant"))
    rotation = table.flag("rotation", kind == "real")
    if kind == "constant":
        earth = plain_earth(origin.elevation, table.number("gravity_mps2", 9.80665, 9.0, 10.5))
        if rotation:
            earth = earth._replace(spin=real_earth(origin.latitude, origin.elevation).spin)
    else:
        earth = real_earth(origin.latitude, origin.elevation)
        if not rotation:
            earth = earth._replace(spin=np.zeros(3))
    table.finish()
    return earth


def weather_of(table: Table, sigma: float = 2.0) -> Weather:
    """A wind profile and offsets; a site's belief, or (with a `sigma` nobody reads) a scenario's
    truth.

    table  the table as it was read
    """
    up = table.numbers("wind_up_m", [0.0], low=-1000.0, high=40_000.0)
    east = table.numbers("wind_east_mps", [0.0] * len(up), low=-120.0, high=120.0)
    north = table.numbers("wind_north_mps", [0.0] * len(up), low=-120.0, high=120.0)
    if not len(up) == len(east) == len(north) or any(b <= a for a, b in pairwise(up)) or not up:
        table.fault("wind_up_m", "the wind profile does not fit: heights must rise, with one east and one north value "
            "each",
                    "Give wind_up_m, wind_east_mps and wind_north_mps the same length, heights rising.")
        up, east, north = [0.0], [0.0], [0.0]
    weather = Weather(
        np.array(up), np.stack([east, north], axis=1).astype(np.float64), table.number("wind_sigma_mps", sigma, 0.0,
            50.0),
        table.number("temperature_offset_k", 0.0, -80.0, 80.0), table.number("pressure_ratio", 1.0, 0.8, 1.2))
    table.finish()
    return weather


def _laws(root: Table) -> tuple[tuple[str, ...], Drags]:
    names = root.texts("drag_laws", ("constant", "G1", "G7"))
    laws, own = laws_of(root, "laws"), []
    for name in names:
        if name in ("constant", "G1", "G7"):
            own.append((name, (*drag.law(name), "pchip")))
        elif name in laws:
            own.append((name, laws[name]))
        else:
            root.fault("drag_laws", f'unknown drag law "{name}"',
                f"Use constant, G1, G7 or one of [[laws]]: {', '.join(laws) or 'none declared'}.")
    if not own:
        own = [("constant", (*drag.law("constant"), "pchip"))]
    return tuple(name for name, _ in own), drag.drags([law for _, law in own])


def laws_of(root: Table, key: str) -> dict[str, tuple[Array, Array, str]]:
    """Drag laws declared as tables: name to (mach, factor, interpolation).

    root  the whole document
    key   name of the array of tables
    """
    laws = {}
    for table in root.tables(key):
        name = table.text("name")
        mach, factor = table.numbers("mach", low=0.0, high=20.0), table.numbers("factor", low=0.0, high=100.0)
        how = table.text("interpolation", "pchip", ("pchip", "linear"))
        if not mach or len(mach) != len(factor) or any(b <= a for a, b in pairwise(mach)):
            table.fault("mach", f'drag law "{name}" has {len(mach)} Mach numbers and {len(factor)} factors; they must '
                'pair up and rise',
                        "Give mach and factor the same length, Mach numbers rising.")
        else:
            laws[name] = (np.array(mach), np.array(factor), how)
        table.finish()
    return laws


def place_of(table: Table, origin: Origin, ground: Ground) -> Array:
    """A place (3,) east north up [m], given as latitude, longitude or as east, north, and height
    above the ground there.

    table   the table as it was read
    origin  latitude, longitude and height of the site's origin
    """
    height = table.number("height_m", 0.0, -100.0, 5000.0)
    if table.has("latitude_deg") or table.has("longitude_deg"):
        latitude, longitude = table.number("latitude_deg", low=-90.0, high=90.0), table.longitude("longitude_deg")
        place = to_site(origin.latitude, origin.longitude, origin.elevation, math.radians(latitude), longitude,
            origin.elevation)[0]
        if math.isfinite(origin.latitude + origin.longitude) and not np.hypot(place[0], place[1]) < 100_000.0:
            table.fault("latitude_deg",
                f"the place {latitude:g}, {math.degrees(longitude):g} is more than 100 km from the origin",
                        "Check the signs, and that latitude and longitude are not swapped.")
            return np.zeros(3)
    else:
        place = np.array([table.number("east_m", 0.0, -1e5, 1e5), table.number("north_m", 0.0, -1e5, 1e5), 0.0])
    place[2] = ground_up(ground, place[0], place[1]) + height
    return place


def _unique(tables: Sequence[Table], names: Sequence[str]) -> None:
    for k, (table, name) in enumerate(zip(tables, names, strict=True)):
        if name in names[:k]:
            table.fault("name", f'the name "{name}" is used twice', "Give each its own name.")


def _radars(root: Table, origin: Origin, ground: Ground) -> tuple[Radar, ...]:
    tables = root.tables("radars")
    radars = tuple(radar_of(table, origin, ground) for table in tables)
    _unique(tables, [radar.name for radar in radars])
    return radars


def radar_of(table: Table, origin: Origin, ground: Ground) -> Radar:
    """One of [[radars]].

    table   the table as it was read
    origin  latitude, longitude and height of the site's origin
    ground  heights of the terrain
    """
    deg, milli = math.pi / 180.0, 1e-3
    kind = table.text("kind", "staring", ("staring", "rotating", "scheduled"))
    mode_s = table.flag("mode_s", False)
    nan = math.nan
    sac = table.numbers("sac_sic", [-1.0, -1.0], length=2, low=-1.0, high=255.0)
    radar = Radar(
        name=table.text("name"), kind=kind, place=place_of(table, origin, ground), revisit=table.number("revisit_s",
            low=0.02, high=60.0),
        range_min=table.number("range_min_m", 0.0, 0.0, 1e5), range_max=table.number("range_max_m", low=100.0,
            high=1e6),
        elevation_min=table.number("elevation_min_deg", 0.0, -10.0, 90.0, deg) if table.has("elevation_min_deg")
        else 0.0,
        elevation_max=table.number("elevation_max_deg", math.pi / 2, 0.0, 90.0, deg),
        azimuth_from=table.number("azimuth_from_deg", 0.0, -360.0, 360.0, deg),
        azimuth_width=table.number("azimuth_width_deg", FULL_TURN, 1.0, 360.0, deg),
        range_sigma=table.number("range_sigma_m", low=0.01, high=1e4), azimuth_sigma=table.number("azimuth_sigma_mrad",
            low=0.01, high=100.0, scale=milli),
        elevation_sigma=table.number("elevation_sigma_mrad", nan, 0.01, 100.0, milli),
        range_rate_sigma=table.number("range_rate_sigma_mps", nan, 0.01, 100.0),
        reference_snr=table.number("reference_snr_db", nan, 0.0, 60.0),
        detection_probability=table.number("detection_probability", 0.9, 0.01, 1.0),
        false_alarms=table.number("false_alarms", 0.0, 0.0, 10_000.0), range_cell=table.number("range_cell_m", 0.0,
            0.0, 1e4),
        azimuth_cell=table.number("azimuth_cell_deg", 0.0, 0.0, 90.0, deg),
        elevation_cell=table.number("elevation_cell_deg", 0.0, 0.0, 90.0, deg),
        range_rate_cell=table.number("range_rate_cell_mps", 0.0, 0.0, 1000.0),
        range_rate_span=table.number("range_rate_span_mps", math.inf, 10.0, 1e5),
        reference_range=table.number("reference_range_m", nan, 10.0, 1e6), budget=table.number("budget_per_s",
            math.inf, 1.0, 1e6),
        mode_s=mode_s, sac_sic=(int(sac[0]), int(sac[1])), range_bias=table.number("range_bias_m", nan, 0.0, 1e4),
        azimuth_bias=table.number("azimuth_bias_deg", nan, 0.0, 10.0, deg),
        elevation_bias=table.number("elevation_bias_deg", nan, 0.0, 10.0, deg))
    if radar.range_max <= radar.range_min:
        table.fault("range_max_m", f"range_max_m {radar.range_max:g} is not above range_min_m {radar.range_min:g}",
            "Swap or mend them.")
    if radar.elevation_max <= radar.elevation_min:
        table.fault("elevation_max_deg", "elevation_max_deg is not above elevation_min_deg", "Swap or mend them.")
    if math.isnan(radar.reference_range) != math.isnan(radar.reference_snr):
        table.fault("reference_snr_db", "reference_snr_db and reference_range_m belong together",
                    "Give both (a signal model) or neither (constant detection probability and noise).")
    table.finish()
    return radar


def _sirens(root: Table, origin: Origin, ground: Ground) -> tuple[Siren, ...]:
    tables = root.tables("sirens")
    sirens = tuple(siren_of(table, origin, ground) for table in tables)
    _unique(tables, [siren.name for siren in sirens])
    return sirens


def siren_of(table: Table, origin: Origin, ground: Ground) -> Siren:
    """One of [[sirens]].

    table   the table as it was read
    origin  latitude, longitude and height of the site's origin
    ground  heights of the terrain
    """
    siren = Siren(table.text("name"), place_of(table, origin, ground), table.number("level_db", low=40.0, high=160.0))
    table.finish()
    return siren


def _receiver(table: Table, origin: Origin, ground: Ground) -> Receiver:
    receiver = Receiver(place_of(table, origin, ground), table.number("range_max_m", 250_000.0, 1000.0, 1e6))
    table.finish()
    return receiver


def _effectors(root: Table, origin: Origin, ground: Ground) -> tuple[Effector, ...]:
    tables = root.tables("effectors")
    effectors = tuple(effector_of(table, origin, ground) for table in tables)
    _unique(tables, [effector.name for effector in effectors])
    return effectors


def effector_of(table: Table, origin: Origin, ground: Ground) -> Effector:
    """One of [[effectors]].

    table   the table as it was read
    origin  latitude, longitude and height of the site's origin
    ground  heights of the terrain
    """
    kind = table.text("kind", "gun", ("gun", "interceptor", "directed-energy"))
    effector = Effector(
        table.text("name"), kind, place_of(table, origin, ground), table.number("azimuth_from_deg", 0.0, -360.0, 360.0,
            math.pi / 180.0),
        table.number("azimuth_width_deg", FULL_TURN, 1.0, 360.0, math.pi / 180.0), table.number("reach_min_m", 0.0,
            0.0, 1e5),
        table.number("reach_max_m", low=10.0, high=1e5), table.number("reaction_s", 2.0, 0.0, 60.0),
        math.inf if kind == "directed-energy" and not table.has("speed_mps") else table.number("speed_mps", 800.0,
            10.0, 1e5),
        table.number("kill_probability", 0.6, 0.0, 1.0), table.number("engagement_s", 3.0, 0.1, 60.0),
        table.integer("magazine", 10, 0, 100_000),
        **_spent(table, kind), no_fire=_no_fire(table))
    if effector.reach_max <= effector.reach_min:
        table.fault("reach_max_m", f"reach_max_m {effector.reach_max:g} is not above reach_min_m "
            f"{effector.reach_min:g}", "Swap or mend them.")
    table.finish()
    return effector


def _no_fire(table: Table) -> tuple[tuple[float, float], ...]:
    """Arcs, each (clockwise from, width) [rad], from pairs of bearings."""
    said = table.numbers("no_fire_deg", [], low=-360.0, high=360.0)
    pairs = list(zip(said[::2], said[1::2], strict=False))
    if len(said) % 2 or any((end - begin) % 360.0 == 0.0 for begin, end in pairs):
        table.fault("no_fire_deg", f"no_fire_deg is {said}, no list of pairs",
            "Write from and to of each arc, clockwise, as in [350.0, 20.0, 90.0, 110.0].")
        return ()
    return tuple((math.radians(begin % 360.0), math.radians((end - begin) % 360.0)) for begin, end in pairs)


def _spent(table: Table, kind: str) -> dict[str, Any]:
    """What an engagement spends and leaves behind; illustrative where the site does not say. A beam
    leaves nothing.
    """
    light = kind == "directed-energy"
    usual = {"gun": (50, 0.01), "interceptor": (1, 0.05), "directed-energy": (1, 0.0)}.get(kind, (1, 0.0))
    return {
        "burst": table.integer("burst", usual[0], 1, 10_000), "reload_s": table.number("reload_s", math.inf, 0.0, 1e6),
        "slew_rate": table.number("slew_rate_deg_s", math.inf, 1.0, 1e4, math.pi / 180.0),
        "crossing_loss": table.number("crossing_loss", 0.3, 0.0, 1.0),
        "self_destruct_s": math.inf if light else table.number("self_destruct_s", math.inf, 0.1, 120.0),
        "dud_share": 0.0 if light else table.number("dud_share", usual[1], 0.0, 1.0),
        "height_min": table.number("height_min_m", 30.0, 0.0, 5_000.0)}
