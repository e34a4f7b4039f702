"""Where sirens or radars should stand: the covering problem of a study's site solved, its answers
as designs, and one written as a site.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skywarden.errors import Fault, StudyError, UsageError
from skywarden.files.whole import write_whole
from skywarden.kernels.geometry.ground import ground_up
from skywarden.messages.tables import Array
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.simulator.scenario.load import site_of
from skywarden.site.load import TOML, ZONES
from skywarden.site.load import from_sources as site_from_sources
from skywarden.site.load import load as load_site
from skywarden.site.model import Site
from skywarden.study import figures
from skywarden.study.designs import DesignError, site_files
from skywarden.study.plan import Design, Edit, Siting, Study
from skywarden.study.report import Sited
from skywarden.study.siting import places, radars, sirens
from skywarden.study.siting.covering import Answer, Problem, frontier, solve

POOLED_SEEDS = 3  # seeds of each scenario whose flights are pooled
MOST_SECONDS = 60.0  # for one count


class Choice(NamedTuple):
    """What was chosen, and the shortlist as designs, most covering first."""

    sited: Sited
    designs: tuple[Design, ...]


def chosen(study: Study, file: Path) -> Choice:
    """Solve a study's siting. Raises StudyError where its candidates or equipment do not fit the
    site.

    file  the study's file
    """
    assert study.siting is not None
    siting, site = study.siting, _site(study, file)
    try:
        where = places.candidates(siting, site)
        problem, covered, model = (
            _of_radars(study, siting, site, where, file)
            if siting.what == "radars"
            else _of_sirens(siting, site, where)
        )
    except (places.PlacesError, DesignError) as error:
        raise StudyError(
            Fault(str(file), None, f"[siting]: {error}", getattr(error, "do", "Mend it there."))
        ) from None
    counts = tuple(count for count in siting.counts if count <= len(where)) or (len(where),)
    answers = sorted((solve(problem, count, MOST_SECONDS) for count in counts), key=lambda a: len(a.sites))
    front = frontier(answers)
    best = answers[-1]
    standing = np.array([thing.place[:2] for thing in getattr(site, siting.what, ())]).reshape(-1, 2)
    zones = [(zone.name, zone.polygon) for zone in site.zones]
    picture = figures.site_map(zones, where, where[list(best.sites)], standing, siting.what)
    curve = figures.pareto(
        [(a.cost, a.value, a.bound, len(a.sites)) for a in front],
        "cost" if siting.cost_per_km else "cost (number)",
        covered,
    )
    sited = Sited(siting.what, model, covered, float(problem.weight.sum()), answers, where, picture, curve)
    listed = sorted(front, key=lambda a: -a.value)[: siting.shortlist]
    return Choice(sited, tuple(_design(siting, answer, where) for answer in listed))


def _site(study: Study, file: Path) -> Site:
    """The baseline's site, with the baseline's changes."""
    name = str(_near(file, study.scenarios[0]))
    own = study.baseline.site
    base = load_site(str(_near(file, own)) if own is not None else site_of(name))
    return site_from_sources(site_files(base.sources, study.baseline), base.name)


def _near(file: Path, name: str) -> Path | str:
    return file.parent / name if (file.parent / name).exists() else name


def _of_sirens(siting: Siting, site: Site, where: Array) -> tuple[Problem, str, str]:
    """The covering problem of sirens, what its weight is, and its model in words."""
    siren = next(s for s in _probe(siting, site, where).sirens if s.name == PROBE)
    points, people, ambient = sirens.listeners(site)
    covers = sirens.covers(siren, where, points, ambient)
    already = sirens.already(site, points, ambient)
    problem = Problem.of(covers, people, siting.folds, already, places.costs(siting, where))
    says = (
        f"Reached are the people of zones who hear {siting.folds} siren(s) loud enough over the zone's noise, as "
        f"declared and by docs/models/warning.md; they are spread over their zones' ground, {len(points)} points."
    )
    return problem, "people reached", says


def _of_radars(study: Study, siting: Siting, site: Site, where: Array, file: Path) -> tuple[Problem, str, str]:
    """The covering problem of radars, what its weight is, and its model in words."""
    radar = next(r for r in _probe(siting, site, where).radars if r.name == PROBE)
    height = float(radar.place[2] - ground_up(site.ground, float(radar.place[0]), float(radar.place[1])))
    scenarios = [load_scenario(_near(file, name), site) for name in study.scenarios]
    points = radars.flight_points(scenarios, site, range(study.first_seed, study.first_seed + POOLED_SEEDS))
    covers = radars.covers(radar, height, where, site, points)
    weight, cost = np.ones(len(points)), places.costs(siting, where)
    problem = Problem.of(covers, weight, siting.folds, radars.already(site, points), cost)
    says = (
        f"Covered is a second of a round's flight that {siting.folds} radar(s) could see, within their declared "
        f"ranges and elevations and over the terrain; {len(points)} seconds of {POOLED_SEEDS} seeds of each "
        "scenario are pooled."
    )
    return problem, "seconds of flight covered", says


PROBE = "sited 0"  # name of the equipment put up to read what it is


def _probe(siting: Siting, site: Site, where: Array) -> Site:
    files = site_files(site.sources, Design("probe", edits=(_added(siting, PROBE, where[0]),)))
    return site_from_sources(files, site.name)


def _added(siting: Siting, name: str, place: Array) -> Edit:
    values: Mapping[str, Any] = siting.equipment
    return Edit(
        "add", (siting.what,), {**values, "name": name, "east_m": float(place[0]), "north_m": float(place[1])}
    )


def _design(siting: Siting, answer: Answer, where: Array) -> Design:
    """An answer as a design that can be flown."""
    edits = tuple(_added(siting, f"sited {k + 1}", where[row]) for k, row in enumerate(answer.sites))
    return Design(f"{len(answer.sites)} {siting.what}", edits=edits)


def written_site(study: Study, file: Path, design: Design, folder: Path) -> Path:
    """Write the baseline's site with a design's changes as a folder of its own. Raises UsageError
    where there is one already.

    study  the study
    file   the study's file
    """
    free(folder)
    files = site_files(_site(study, file).sources, design)
    for name in (TOML, ZONES):
        if name in files:
            write_whole(folder / name, files[name])
    return folder


def free(folder: Path) -> None:
    """Raise UsageError where a folder to be written holds something already."""
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: name another folder with --write")
