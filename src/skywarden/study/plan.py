"""What a study is asked to be. A design changes the site; of a scenario only CONDITIONS may vary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

CONDITIONS = ("weather", "outages", "delays", "traffic", "clutter")  # parts of a scenario that a study may vary
EQUIPMENT = (
    "radars",
    "effectors",
    "sirens",
)  # tables of site.toml that a design may add, remove or change one by one, by name
TABLES = ("policy", "weather")  # tables of site.toml that a design may change key by key
GROUPS = ("scenario", "zone", "kind")  # what figures may be told apart by


class Edit(NamedTuple):
    """One change of a site's files.

    act     set | add | remove
    where   path of the table or key: ("policy", "warn_probability"), ("radars", "cram", "east_m"),
            ("radars",)
    value   what is written there; of `remove` the name
    """

    act: str
    where: tuple[str, ...]
    value: Any


@dataclass(frozen=True)
class Design:
    """A site as it might be: another one's folder, or the scenario's own with changes."""

    name: str
    baseline: bool = False
    site: str | None = None
    edits: tuple[Edit, ...] = ()
    line: int | None = None


class Condition(NamedTuple):
    """One choice of everything that varies of the scenarios: a name for tables, and what is put
    into their files.
    """

    name: str
    values: tuple[tuple[str, Any], ...]  # (dotted key, value)


@dataclass(frozen=True)
class Wanted:
    """One measure asked for."""

    name: str
    better: str  # less | more
    matters: float | None = None  # differences smaller than this are of no interest
    half_width: float | None = None  # runs go on until the figure is known to so much


@dataclass(frozen=True)
class Stop:
    """When to stop."""

    confidence: float = 0.95
    runs_at_most: int = 100_000
    hours_at_most: float = 24.0


@dataclass(frozen=True)
class Rare:
    """A rare event: a score of a run, and from where on it has happened."""

    score: str
    level: float
    particles: int = 100
    repeats: int = 10
    moves: int = 5


@dataclass(frozen=True)
class Siting:
    """Where sirens or radars should stand."""

    what: str  # sirens | radars
    equipment: Mapping[str, Any]  # values of each one put up, or {"copy": name}
    counts: tuple[int, ...]
    grid: float = 200.0  # between candidates [m]
    within: str = "zones"  # "zones": the smallest convex area around all of them; or a zone's name
    margin: float = 0.0  # around that area [m]
    places: tuple[tuple[float, float], ...] = ()  # candidates named one by one instead, east, north [m]
    folds: int = 1  # radars that must see a point at once
    cost: float = 1.0  # of one
    cost_per_km: float = 0.0  # and of each kilometre to the site's origin
    shortlist: int = 3
    measure: str = ""  # that the shortlist is selected by


@dataclass(frozen=True)
class Study:
    """A whole study, as its file asks for it."""

    name: str
    scenarios: tuple[str, ...]
    first_seed: int
    seeds: int
    designs: tuple[Design, ...]
    measures: tuple[Wanted, ...]
    conditions: tuple[Condition, ...] = (Condition("", ()),)
    duration: float | None = None
    stop: Stop | None = None
    keep_worst: int = 0
    keep_seeds: tuple[int, ...] = ()
    group: str = ""
    rare: Rare | None = None
    siting: Siting | None = None
    sources: Mapping[str, bytes] = field(default_factory=dict)  # the file it was read from

    @property
    def baseline(self) -> Design:
        """The design that the others are compared with: the one that says so, else the first."""
        return next((design for design in self.designs if design.baseline), self.designs[0])


class Variant(NamedTuple):
    """A site or scenario as files, ready to be flown: what a job carries."""

    name: str
    sources: tuple[tuple[str, bytes], ...]
    label: Path | str = ""
