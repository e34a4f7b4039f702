"""Says everything that is wrong with a file somebody wrote: a site, its zones, a scenario, a
recording of flights.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from skywarden.alerts.opening import maker_of
from skywarden.errors import Fault, InputError, ScenarioError, SkywardenError, UsageError
from skywarden.files.shipped import find
from skywarden.files.text import read_bytes
from skywarden.files.toml import Document
from skywarden.formats import cap
from skywarden.simulator.scenario import flights
from skywarden.simulator.scenario.load import LARGEST_RECORDING, faults_of, load, site_of
from skywarden.simulator.sensing.chance import Chance
from skywarden.simulator.world.doubts import doubts as of_scenario
from skywarden.simulator.world.world import World
from skywarden.site import load as sites
from skywarden.site.doubts import doubts as of_site
from skywarden.site.model import Origin, Site
from skywarden.site.zones import read_zones


class Verdict(NamedTuple):
    """What is to be said of one file or folder."""

    faults: tuple[Fault, ...]       # what is wrong; it is not read before they are mended
    doubts: tuple[str, ...]         # why what is without fault may still protect nobody


def judge_file(path: Path) -> Verdict:
    """Everything wrong with a file or folder, and of a good site or scenario what makes it one that
    protects nobody.

    path  the file or folder
    """
    faults = check_file(path)
    return Verdict(tuple(faults), () if faults else _doubts(_meant(path)))


def _doubts(path: Path | None) -> tuple[str, ...]:
    """Doubts about a site or a scenario without faults."""
    if path is None:
        return ()
    if path.is_dir() or path.name == sites.TOML:
        return of_site(sites.load(path))
    if path.suffix.lower() == ".toml":
        site = sites.load(site_of(path))
        scenario = load(path, site)
        return (*of_site(site), *of_scenario(scenario, World(scenario, site, Chance(scenario.seed))))
    return ()


def _meant(path: Path) -> Path | None:
    """The file or folder that a user meant: a path, or the name of a shipped site or scenario."""
    if path.exists():
        return path
    for kind in ("sites", "scenarios"):
        try:
            return find(str(path), kind)
        except SkywardenError:
            continue
    return None


def check_file(path: Path) -> list[Fault]:
    """Every fault of one file or folder, none where it is good. A shipped site's or scenario's name
    will do.

    path  the file or folder
    """
    try:
        meant = _meant(path)
    except (OSError, ValueError) as error:
        return [Fault(str(path)[:200], None, f"cannot be a file: {getattr(error, 'strerror', None) or error}",
            "Check the name.")]
    if meant is None:
        return [Fault(str(path), None, "there is no such file",
            "Check the name; `skywarden list` shows what is at hand.")]
    path = meant
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
                            "Name a site's folder, site.toml, zones.geojson, a scenario .toml, a .csv of flights, or a "
                            "CAP alert .xml."))
    return faults


def _channels(folder: Path) -> list[Fault]:
    """Channels of a good site that nothing here can open."""
    try:
        for channel in sites.load(folder).channels:
            maker_of(channel)
    except UsageError as error:
        return [Fault(str(folder / sites.TOML), None, str(error),
            "See docs/guide/own-siren.md for what each scheme is.")]
    return []


def _alert(path: Path) -> list[Fault]:
    """An alert of the Common Alerting Protocol."""
    faults: list[Fault] = []
    content = read_bytes(path, faults)
    return faults if content is None else [Fault(str(path), fault.line, fault.what, fault.do)
        for fault in cap.faults_of(content)]


def _zones(path: Path) -> list[Fault]:
    """Zones are judged against the origin of the site.toml beside them."""
    faults: list[Fault] = []
    content = read_bytes(path, faults)
    if content is None:
        return faults
    site = path.parent / sites.TOML
    if not site.exists():
        return [*faults, Fault(str(path), None, f"there is no {sites.TOML} beside it",
            "Zones are checked against their site's origin: keep them together.")]
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
    """Raids whose rounds cannot come from where they are said to come from; told only by flying
    them.
    """
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
