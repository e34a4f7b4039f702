"""From a scenario's file to a `Scenario`: reads, checks everything against its site, and names
every fault at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np
from shapely.geometry import Polygon

from skywarden.errors import Fault, ScenarioError
from skywarden.files.shipped import find
from skywarden.files.text import read_bytes
from skywarden.files.toml import Document, Table
from skywarden.kernels.ballistics import drag
from skywarden.kernels.geometry.earth import to_site
from skywarden.messages.commands import SCRIPTED, Command
from skywarden.simulator.scenario.flights import read_recording, scripted
from skywarden.simulator.scenario.injects import read_injects, read_sirens
from skywarden.simulator.scenario.model import (
    Area,
    Array,
    Clutter,
    Delay,
    Flight,
    Flow,
    Misalignment,
    Outage,
    Raid,
    RoundClass,
    Scenario,
    Span,
    WeatherTruth,
)
from skywarden.site.load import laws_of
from skywarden.site.model import Site

SCENARIO = "scenario.toml"
LARGEST_RECORDING = 512 * 2**20
MOST_ROUNDS = 5000
DEG = math.pi / 180.0


def load(name: str | Path, site: Site) -> Scenario:
    """The scenario of a file, or the shipped one of that name, checked against `site`.

    Raises ScenarioError carrying every fault found; UsageError where there is no such scenario.
    """
    path = find(name, "scenarios")
    faults: list[Fault] = []
    scenario = _build(_read(path, faults), path.stem, str(path), site, faults)
    if faults or scenario is None:
        raise ScenarioError(*faults)
    return scenario


def from_sources(sources: Mapping[str, bytes], site: Site) -> Scenario:
    """The very same scenario, from the files a record carries.

    sources  the files' contents, by name
    site     the site as its defender declared it
    """
    faults: list[Fault] = []
    scenario = _build(dict(sources), "record", "record", site, faults)
    if faults or scenario is None:
        raise ScenarioError(*faults)
    return scenario


def site_of(name: str | Path) -> str:
    """The name of the site a scenario was written for; a site folder beside the scenario's file
    goes before a shipped one.
    """
    path = find(name, "scenarios")
    faults: list[Fault] = []
    content = read_bytes(path, faults)
    document = Document(str(path), content, faults) if content is not None else None
    if document is None or document.data is None:
        raise ScenarioError(*faults)
    site = document.root().text("site")
    if faults:
        raise ScenarioError(*faults)
    near = path.parent / site
    return str(near) if (near / "site.toml").exists() else site


def faults_of(path: Path, site: Site) -> list[Fault]:
    """Everything wrong with a scenario's file; nothing where it is good.

    path  the scenario's file
    site  the site as its defender declared it
    """
    faults: list[Fault] = []
    _build(_read(path, faults), path.stem, str(path), site, faults)
    return faults


def _read(path: Path, faults: list[Fault]) -> dict[str, bytes]:
    content = read_bytes(path, faults)
    if content is None:
        return {}
    sources = {SCENARIO: content}
    document = Document(str(path), content, [])
    for table in document.root().tables("recordings") if document.data is not None else []:
        name = table.text("file")
        if name:
            recording = read_bytes(path.parent / name, faults, LARGEST_RECORDING)
            if recording is not None:
                sources[name] = recording
    return sources


def _build(sources: dict[str, bytes], name: str, where: str, site: Site, faults: list[Fault]) -> Scenario | None:
    if SCENARIO not in sources:
        return None
    document = Document(where, sources[SCENARIO], faults)
    if document.data is None:
        return None
    root = document.root()
    duration = root.number("duration_s", 120.0, 1.0, 86_400.0)
    laws, classes = _classes(root, faults)
    areas = _areas(root, site)
    flights = [scripted(table, site.origin, duration) for table in root.tables("flights")]
    for table in root.tables("recordings"):
        flights.extend(read_recording(table, sources.get(table.text("file"), b""), site.origin))
    raid = partial(_raid, classes=classes, areas=areas)
    sirens = read_sirens(root, site)
    injects, posts = read_injects(root, site, sirens, raid, duration)
    scenario = Scenario(
        name=root.text("name", name), title=root.text("title", root.text("name", name)), site=root.text("site",
            site.name), epoch_ns=_epoch(root),
        duration=duration, seed=root.integer("seed", 1, 0, 2**63 - 1), classes=classes, drags=laws, raids=_raids(root,
            raid),
        flights=tuple(f for f in flights if f is not None), weather=_weather(root.table("weather"), site),
        clutter=_clutter(root.table("clutter"), areas),
        outages=tuple(_outage(table, site) for table in root.tables("outages")), delays=tuple(_delay(table, site)
            for table in root.tables("delays")),
        operator=tuple(_command(t) for t in root.tables("operator")), flow=_flow(root.table("traffic")),
        injects=injects, posts=posts, sirens=sirens,
        misalignments=tuple(_misalignment(table, site, duration) for table in root.tables("misalignments")),
        sources=sources)
    _one_address_each(scenario.flights, root)
    root.finish()
    return scenario


def _flow(table: Table) -> Flow:
    flow = Flow(
        table.number("operations_per_week", 0.0, 0.0, 100_000.0), table.number("crossings", 0.2, 0.0, 1.0),
        table.number("helicopters", 0.25, 0.0, 1.0),
        table.number("silent", 0.0, 0.0, 1.0))
    table.finish()
    return flow


def _outage(table: Table, site: Site) -> Outage:
    outage = Outage(_radar(table, site), table.number("start_s", low=0.0), table.number("end_s", low=0.0))
    _rising(table, outage.start, outage.end)
    table.finish()
    return outage


def _delay(table: Table, site: Site) -> Delay:
    delay = Delay(_radar(table, site), table.number("start_s", low=0.0), table.number("end_s", low=0.0),
        table.number("by_s", low=0.0, high=60.0))
    _rising(table, delay.start, delay.end)
    table.finish()
    return delay


def _misalignment(table: Table, site: Site, duration: float) -> Misalignment:
    """One of [[misalignments]]: how a radar is set up wrongly, and from when to when; without
    times, all the while.
    """
    wrong = Misalignment(
        _radar(table, site), table.number("start_s", 0.0, 0.0), table.number("end_s", max(duration, 86_400.0), 0.0),
        table.number("range_m", 0.0, -1e4, 1e4), table.number("azimuth_deg", 0.0, -360.0, 360.0, DEG),
        table.number("elevation_deg", 0.0, -45.0, 45.0, DEG), table.number("time_s", 0.0, -30.0, 30.0),
        table.number("tilt_deg", 0.0, 0.0, 45.0, DEG), table.number("tilt_towards_deg", 0.0, -360.0, 360.0, DEG))
    _rising(table, wrong.start, wrong.end)
    table.finish()
    return wrong


def _rising(table: Table, start: float, end: float) -> None:
    if end <= start:
        table.fault("end_s", f"end_s {end:g} is not after start_s {start:g}", "Swap or mend them.")


def _epoch(root: Table) -> int:
    text = root.raw("epoch", "2021-01-01T00:00:00Z")
    try:
        moment = text if isinstance(text, datetime) else datetime.fromisoformat(str(text).replace("Z", "+00:00"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        since = moment - datetime(1970, 1, 1, tzinfo=UTC)
        if not 1970 <= moment.year < 2200:
            raise ValueError("nanoseconds since 1970 would not fit")
        return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
    except (ValueError, OverflowError):
        root.fault("epoch", f'"epoch" is {text!r}, not a date and time from 1970 to 2199',
            'Write UTC as in epoch = "2021-08-30T02:20:00Z".')
        return 0


def _classes(root: Table, faults: list[Fault]) -> tuple[drag.Drags, tuple[RoundClass, ...]]:
    shipped = Document("classes.toml", (resources.files("skywarden.simulator.scenario") / "classes.toml").read_bytes(),
        faults)
    own = laws_of(root, "laws")
    laws: dict[str, tuple[Array, Array, str]] = {name: (*drag.law(name), "pchip") for name in ("constant", "G1",
        "G7")} | own
    names = list(laws)
    by_name: dict[str, RoundClass] = {}
    for table in [*shipped.root().tables("classes"), *root.tables("classes")]:
        law = table.text("drag", "G1")
        if law not in laws:
            table.fault("drag", f'unknown drag law "{law}"',
                f"Use one of: {', '.join(names)}, or declare it under [[laws]].")
            law = "G1"
        burn = table.number("burn_acceleration_mps2", 0.0, 0.0, 2000.0)
        kind = table.text("kind", "mortar", ("mortar", "rocket", "shell"))
        made = RoundClass(
            table.text("name"), kind, names.index(law), table.number("coefficient_kgm2", low=10.0, high=1e6),
            table.number("spread", 0.1, 0.0, 0.5), burn,
            table.number("burn_out_height_m", 60.0 if burn > 0.0 else 0.0, 0.0, 5000.0), table.number("burn_spread",
                0.0, 0.0, 0.5),
            table.number("drift_per_s", 0.0, -0.1, 0.1), table.number("cross_section_m2", 0.01, 1e-5, 100.0),
            table.integer("swerling", 1, 0, 4))
        table.finish()
        by_name[made.name] = made
    return drag.drags([laws[name] for name in names]), tuple(by_name.values())


def _areas(root: Table, site: Site) -> dict[str, Area]:
    """The site's zones and the scenario's own areas, by name."""
    areas = {zone.name: Area(zone.name, zone.polygon) for zone in site.zones}
    own: set[str] = set()
    for table in root.tables("areas"):
        name = table.text("name")
        polygon = None
        if table.has("polygon"):
            polygon = _corners(table, site)
        elif table.has("east_m") or table.has("north_m"):
            polygon = _circle(np.array([table.number("east_m", low=-1e5, high=1e5), table.number("north_m", low=-1e5,
                high=1e5)]), table)
        else:
            latitude, longitude = table.number("latitude_deg", low=-90.0, high=90.0), table.longitude("longitude_deg")
            origin = site.origin
            middle = to_site(origin.latitude, origin.longitude, origin.elevation, latitude * DEG, longitude,
                origin.elevation)[0, :2]
            if np.isfinite(middle).all() and np.hypot(*middle) > 100_000.0:
                table.fault("latitude_deg", f"the area is {np.hypot(*middle) / 1000:.0f} km from the site",
                    "Are latitude and longitude swapped?")
            polygon = _circle(middle, table)
        table.finish()
        if name in own:
            table.fault("name", f'the name "{name}" is used twice', "Give each area its own name.")
        own.add(name)
        if polygon is not None:
            areas[name] = Area(name, polygon)
    return areas


def _circle(middle: Array, table: Table) -> Array:
    radius = table.number("radius_m", low=1.0, high=50_000.0)
    angle = np.linspace(0.0, 2.0 * math.pi, 48, endpoint=False)
    return middle + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _corners(table: Table, site: Site) -> Array | None:
    value = table.raw("polygon", None)
    try:
        corners = np.array([[float(lon), float(lat)] for lon, lat in value])
    except (TypeError, ValueError, OverflowError):
        corners = np.zeros((0, 2))
    if len(corners) < 3 or not np.isfinite(corners).all() or np.abs(corners[:, 1]).max() > 90.0:
        table.fault("polygon", "the polygon is not a list of at least three [longitude, latitude]",
            "Write polygon = [[69.1, 34.5], …]")
        return None
    origin = site.origin
    place = to_site(origin.latitude, origin.longitude, origin.elevation, corners[:, 1] * DEG, corners[:, 0] * DEG,
        origin.elevation)[:, :2]
    if np.abs(place).max() > 100_000.0:
        table.fault("polygon", "the polygon lies more than 100 km from the site",
            "GeoJSON order: [longitude, latitude]; are they swapped?")
        return None
    shape = Polygon(place)
    if not shape.is_valid or shape.area < 1.0:
        table.fault("polygon", "the polygon's outline crosses itself, or it has no area",
            "List its corners in order, once around.")
        return None
    return np.ascontiguousarray(place)


def _raids(root: Table, raid: Callable[[Table, str], Raid]) -> tuple[Raid, ...]:
    raids: list[Raid] = []
    for k, table in enumerate(root.tables("raids")):
        raids.append(raid(table, f"raid {k + 1}"))
        table.finish()
    if sum(raid.count for raid in raids) > MOST_ROUNDS:
        root.fault("raids", f"more than {MOST_ROUNDS} rounds in all", "Split the scenario.")
    return tuple(raids)


def _raid(table: Table, name: str, classes: tuple[RoundClass, ...], areas: dict[str, Area]) -> Raid:
    names = [c.name for c in classes]
    kind = table.text("class", choices=names)
    launch, fall = _area(table, "launch", areas), _area(table, "fall", areas)
    count = table.integer("count", 1, 1, MOST_ROUNDS)
    return Raid(
        table.text("name", name), names.index(kind) if kind in names else 0, count,
        table.number("start_s", 0.0, 0.0, 86_400.0),
        _span(table, "interval_s", (0.0, 0.0), 0.0, 3600.0), launch, fall, _span(table, "fall_angle_deg", None,
            5.0, 88.0, DEG),
        _span(table, "fall_speed_mps", None, 30.0, 900.0))


def _area(table: Table, key: str, areas: dict[str, Area]) -> Area:
    name = table.text(key)
    if name and name not in areas:
        table.fault(key, f'there is no area or zone "{name}"',
            f"Declare it under [[areas]], or use one of: {', '.join(list(areas)[:12])}.")
    return areas.get(name, Area(name, np.zeros((3, 2))))


def _span(table: Table, key: str, default: Span | None, low: float, high: float, scale: float = 1.0) -> Span:
    if isinstance(table.data.get(key), int | float) and not isinstance(table.data.get(key), bool):
        one = table.number(key, low=low, high=high, scale=scale)
        return one, one
    values = table.numbers(key, low=low, high=high, length=2) if default is None else table.numbers(key, list(default),
        2, low, high)
    if len(values) != 2:
        return 0.0, 0.0
    if values[0] > values[1]:
        table.fault(key, f'"{key}" is {values}, which falls', "Write the smaller number first.")
    return values[0] * scale, values[1] * scale


def _weather(table: Table, site: Site) -> WeatherTruth:
    """The air as it is; what is not declared is as the site believes."""
    believed = site.weather
    up = table.numbers("wind_up_m", believed.up.tolist(), low=-1000.0, high=40_000.0)
    own = table.has("wind_up_m")
    east = table.numbers("wind_east_mps", [0.0] * len(up) if own else believed.wind[:, 0].tolist(), low=-120.0,
        high=120.0)
    north = table.numbers("wind_north_mps", [0.0] * len(up) if own else believed.wind[:, 1].tolist(), low=-120.0,
        high=120.0)
    if not len(up) == len(east) == len(north) or not up or any(b <= a for a, b in pairwise(up)):
        table.fault("wind_up_m", "the wind profile does not fit: heights must rise, with one east and one north value "
            "each",
                    "Give wind_up_m, wind_east_mps and wind_north_mps the same length, heights rising.")
        up, east, north = [0.0], [0.0], [0.0]
    weather = WeatherTruth(
        np.array(up), np.stack([east, north], axis=1).astype(np.float64),
        table.number("temperature_offset_k", believed.temperature_offset, -80.0, 80.0), table.number("pressure_ratio",
            believed.pressure_ratio, 0.8, 1.2),
        table.number("wind_error_mps", 1.0, 0.0, 30.0))
    table.finish()
    return weather


def _clutter(table: Table, areas: dict[str, Area]) -> Clutter:
    rain = [areas[name].polygon for name in table.texts("rain_areas") if name in areas]
    for name in table.texts("rain_areas"):
        if name not in areas:
            table.fault("rain_areas", f'there is no area "{name}"', "Declare it under [[areas]].")
    clutter = Clutter(
        table.integer("birds", 0, 0, 5000), table.number("flock", 1.0, 1.0, 1000.0), table.integer("rotors", 0, 0,
            500), tuple(rain),
        table.number("rain_rate", 0.0, 0.0, 100.0), table.number("false_alarm_factor", 1.0, 0.0, 1000.0))
    table.finish()
    return clutter


def _radar(table: Table, site: Site) -> int:
    names = [radar.name for radar in site.radars]
    name = table.text("radar", names[0] if names else "", names)
    return names.index(name) if name in names else 0


def _command(table: Table) -> Command:
    command = Command(
        table.number("t_s", low=0.0, high=86_400.0), table.text("kind", choices=SCRIPTED), table.text("subject",
            "any"), table.text("who", "script"),
        table.text("why", "scripted"))
    table.finish()
    return command


def _one_address_each(flights: tuple[Flight, ...], root: Table) -> None:
    """Two aircraft never reply with one address at one time; the pieces of one recorded flight may
    share theirs.
    """
    spans: dict[int, list[Span]] = {}
    for flight in flights:
        if flight.address >= 0 and flight.transponder:
            spans.setdefault(flight.address, []).append((float(flight.t[0]), float(flight.t[-1])))
    for address, times in spans.items():
        times.sort()
        if any(after[0] < before[1] for before, after in pairwise(times)):
            root.fault("flights", f"the address {address:06x} is flown by two aircraft at once",
                "Give each aircraft its own icao24.")
