"""Says everything that is wrong with a file somebody wrote: a site, its zones, a scenario, a recording of flights."""

from __future__ import annotations

from pathlib import Path

from skywarden.alerts.opening import maker_of
from skywarden.errors import Fault, InputError, ScenarioError, SkywardenError, UsageError
from skywarden.files.shipped import find
from skywarden.files.text import read_bytes
from skywarden.files.toml import Document
from skywarden.formats import cap
from skywarden.simulator.scenario import flights
from skywarden.simulator.scenario.load import LARGEST_RECORDING, faults_of, load, site_of
from skywarden.simulator.sensing.chance import Chance
from skywarden.simulator.world.world import World
from skywarden.site import load as sites
from skywarden.site.model import Origin, Site
from skywarden.site.zones import read_zones


def check_file(path: Path) -> list[Fault]:
    """Every fault of one file or folder, none where it is good. A shipped site's or scenario's name will do."""
    try:
        there = path.exists()
    except (OSError, ValueError) as error:
        return [Fault(str(path)[:200], None, f"cannot be a file: {getattr(error, 'strerror', None) or error}", "Check the name.")]
    if not there:
        for kind in ("sites", "scenarios"):
            try:
                path = find(str(path), kind)
                break
            except SkywardenError:
                continue
        else:
            return [Fault(str(path), None, "there is no such file", "Check the name; `skywarden list` shows what is at hand.")]
    if path.is_dir():
        return sites.faults_of(path) or _channels(path)
    if path.name == sites.TOML:
        return sites.faults_of(path.parent) or _channels(path.parent)
    suffix = path.suffix.lower()
    if suffix in (".geojson", ".json"):
        return _zones(path)
    if suffix == ".toml":
        return _scenario(path)
    if suffix == ".csv":
        return _recording(path)
    if suffix in (".cap", ".xml"):
        return _alert(path)
    faults: list[Fault] = []
    if read_bytes(path, faults) is not None:
        faults.append(Fault(str(path), None, f'does not look like anything Skywarden reads ("{suffix or path.name}")',
                            "Name a site's folder, site.toml, zones.geojson, a scenario .toml, a .csv of flights, or a CAP alert .xml."))
    return faults


def _channels(folder: Path) -> list[Fault]:
    """Channels of a good site that nothing here can open."""
    try:
        for channel in sites.load(folder).channels:
            maker_of(channel)
    except UsageError as error:
        return [Fault(str(folder / sites.TOML), None, str(error), "See docs/guide/own-siren.md for what each scheme is.")]
    return []


def _alert(path: Path) -> list[Fault]:
    """An alert of the Common Alerting Protocol."""
    faults: list[Fault] = []
    content = read_bytes(path, faults)
    return faults if content is None else [Fault(str(path), fault.line, fault.what, fault.do) for fault in cap.faults_of(content)]


def _zones(path: Path) -> list[Fault]:
    """Zones are judged against the origin of the site.toml beside them."""
    faults: list[Fault] = []
    content = read_bytes(path, faults)
    if content is None:
        return faults
    site = path.parent / sites.TOML
    if not site.exists():
        return [*faults, Fault(str(path), None, f"there is no {sites.TOML} beside it", "Zones are checked against their site's origin: keep them together.")]
    document = Document(str(site), read_bytes(site, faults) or b"", faults)
    if document.data is not None:
        origin = sites.origin_of(document.root())
        if not faults:
            read_zones(str(path), content, origin, faults)
    return faults


def _scenario(path: Path) -> list[Fault]:
    try:
        site = sites.load(site_of(path))
    except InputError as error:
        return list(error.faults)
    except SkywardenError as error:
        return [Fault(str(path), None, str(error), "Mend the key `site`.")]
    return faults_of(path, site) or _unflyable(path, site)


def _unflyable(path: Path, site: Site) -> list[Fault]:
    """Raids whose rounds cannot come from where they are said to come from; told only by flying them."""
    scenario = load(path, site)
    try:
        World(scenario, site, Chance(scenario.seed))
    except ScenarioError as error:
        return [fault._replace(file=str(path)) for fault in error.faults]
    return []


def _recording(path: Path) -> list[Fault]:
    faults: list[Fault] = []
    content = read_bytes(path, faults, LARGEST_RECORDING)
    if content is not None:
        document = Document(str(path), b"file = 'flights.csv'\n", faults)
        flights.read_recording(document.root(), content, Origin(0.0, 0.0, 0.0))
        faults = [fault._replace(file=str(path)) for fault in faults]
    return faults
