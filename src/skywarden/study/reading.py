"""From a study's file to a `Study`: everything wrong with it is told at once, and what would rank
places to fire from is refused.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skywarden.errors import Fault, StudyError
from skywarden.files.text import read_bytes
from skywarden.files.toml import Document, Table
from skywarden.study.plan import (
    CONDITIONS,
    EQUIPMENT,
    GROUPS,
    TABLES,
    Condition,
    Design,
    Edit,
    Rare,
    Siting,
    Stop,
    Study,
    Wanted,
)
from skywarden.study.wording import FIGURES, SCORES

MOST_SEEDS = 1_000_000
MOST_CONDITIONS = 200
# Words of a scenario's hostile part, however they are written or joined
HOSTILE = re.compile(
    r"area|raid|launch|origin|fired|firing|shooter|azimuth|bearing|approach|fall|aim|interval_s|start_s",
    re.IGNORECASE,
)
BOUNDARY = (
    "a study never varies, groups or tells runs by who fires what from where: that would rank places to fire from.",
    f"Vary the site in a design, or one of {', '.join(CONDITIONS)} as a factor; group by {', '.join(GROUPS)}.",
)


def read(path: Path) -> Study:
    """The study of a file. Raises StudyError carrying every fault found.

    path  the study's file
    """
    faults: list[Fault] = []
    content = read_bytes(path, faults)
    study = parsed(content, str(path), faults) if content is not None else None
    if faults or study is None:
        raise StudyError(*faults)
    return study


def parsed(content: bytes, name: str, faults: list[Fault]) -> Study | None:
    """The study that a file's bytes ask for; every fault goes into `faults`.

    content  the file's bytes
    name     name of the file, for faults
    """
    document = Document(name, content, faults)
    if document.data is None:
        return None
    root = document.root()
    scenarios = tuple(root.texts("scenarios"))
    if not scenarios:
        root.fault("scenarios", "there is no scenario", 'Name at least one, as in scenarios = ["kabul-2021-08-30"].')
    first, seeds = _seeds(root)
    designs = _designs(root)
    measures = _measures(root)
    stop = _stop(root.table("stop")) if root.has("stop") else None
    root.table("stop")
    worst, kept = _kept(root)
    study = Study(
        name=root.text("name", Path(name).stem),
        scenarios=scenarios,
        first_seed=first,
        seeds=seeds,
        designs=designs,
        measures=measures,
        conditions=_conditions(root),
        duration=_duration(root),
        stop=stop,
        keep_worst=worst,
        keep_seeds=kept,
        group=_group(root),
        rare=_rare(root.table("rare")) if root.has("rare") else None,
        siting=_siting(root.table("siting"), measures) if root.has("siting") else None,
        sources={"study.toml": content},
    )
    for key in ("rare", "siting"):
        root.table(key)
    _columns(root)
    _strange(root)
    root.finish()
    return study


def _duration(root: Table) -> float | None:
    return root.number("duration_s", low=1.0, high=86_400.0) if root.has("duration_s") else None


def _seeds(root: Table) -> tuple[int, int]:
    if not root.has("seeds"):
        root.fault(
            "seeds", '"seeds" is missing', "Write seeds = { first = 1, at_most = 100 }: the same for every design."
        )
        root.raw("seeds", None)
        return 1, 1
    table = root.table("seeds")
    first, most = table.integer("first", 1, 0, 2**53), table.integer("at_most", 100, 1, MOST_SEEDS)
    table.finish()
    return first, most


def _kept(root: Table) -> tuple[int, tuple[int, ...]]:
    """How many of the worst runs' records are kept, or those of which seeds."""
    value = root.raw("keep_records", 0)
    if isinstance(value, str) and (found := re.fullmatch(r"worst (\d{1,3})", value)):
        return int(found[1]), ()
    if isinstance(value, list) and all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in value):
        return 0, tuple(value)
    if value != 0:
        root.fault("keep_records", f'"keep_records" is {value!r}', 'Write "worst 5", or a list of seeds.')
    return 0, ()


def _group(root: Table) -> str:
    name = root.text("group", "scenario") if root.has("group") else ""
    if name and HOSTILE.search(name):
        root.fault("group", f'"group" is "{name}": {BOUNDARY[0]}', BOUNDARY[1])
    elif name and name not in GROUPS:
        root.fault("group", f'"group" is "{name}"', f"Use one of: {', '.join(GROUPS)}.")
    return name


def _columns(root: Table) -> None:
    """Columns of the tables are what they are; asking for more of them is refused, for launch above
    all.
    """
    for name in root.texts("columns"):
        if HOSTILE.search(name):
            root.fault(
                "columns",
                f'a column "{name}": {BOUNDARY[0]}',
                "Delete it; docs/models/study.md lists what the tables hold.",
            )
        else:
            root.fault("columns", f'a column "{name}": the tables always hold the same columns', "Delete it.")


def _strange(root: Table) -> None:
    """Hostile parts of a scenario written straight into a study."""
    for key in root.data:
        if HOSTILE.search(key):
            root.raw(key, None)
            root.fault(key, f'"{key}": {BOUNDARY[0]}', BOUNDARY[1])


def _designs(root: Table) -> tuple[Design, ...]:
    tables = root.tables("designs")
    if not tables and not root.has("siting"):
        root.fault(
            "designs",
            "there is no design",
            "Write [[designs]] with a name once for each; the plain site is one with a name alone.",
        )
    designs = tuple(_design(table) for table in tables) or (Design("as it stands", True),)
    for k, (table, design) in enumerate(zip(tables, designs, strict=False)):
        if design.name in [other.name for other in designs[:k]]:
            table.fault("name", f'the name "{design.name}" is used twice', "Give each design its own name.")
    if sum(design.baseline for design in designs) > 1:
        root.fault(
            "designs",
            "more than one design says baseline = true",
            "Only one can be what the others are compared with.",
        )
    return designs


def _design(table: Table) -> Design:
    name = table.text("name")
    site = table.text("site") if table.has("site") else None
    edits = [*_set(table), *_added(table), *_removed(table)]
    for key in table.data:
        if key not in ("set", "add", "remove") and HOSTILE.search(key):
            table.raw(key, None)
            table.fault(key, f'"{key}": {BOUNDARY[0]}', BOUNDARY[1])
    design = Design(name, table.flag("baseline", False), site, tuple(edits), table.document.line(table.path))
    table.finish()
    return design


def _mapping(table: Table, key: str) -> Mapping[str, Any]:
    value = table.raw(key, {})
    if not isinstance(value, dict):
        table.fault(
            key, f'"{key}" is {value!r}, not a table', f"Write {key}.policy.warn_probability = 0.15, or the like."
        )
        return {}
    return value


def _set(table: Table) -> list[Edit]:
    """`set.policy.KEY`, `set.weather.KEY`, `set.radars.NAME.KEY` and so on, `set.zones.NAME.KEY`."""
    edits = []
    for part, values in _mapping(table, "set").items():
        inner = _below(table, ("set", part), values)
        if part in TABLES:
            edits += [Edit("set", (part, key), value) for key, value in inner.items()]
        elif part in (*EQUIPMENT, "zones"):
            for name, changed in inner.items():
                edits += [
                    Edit("set", (part, name, k), v) for k, v in _below(table, ("set", part, name), changed).items()
                ]
        else:
            _refused(table, ("set", part), (*TABLES, *EQUIPMENT, "zones"))
    return edits


def _below(table: Table, path: tuple[str, ...], value: Any) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    table.document.fault(
        (*table.path, *path),
        f'"{".".join(path)}" is {value!r}, not a table of keys',
        "Name the key, as in set.policy.warn_probability.",
    )
    return {}


def _refused(table: Table, path: tuple[str, ...], known: tuple[str, ...]) -> None:
    what = f'"{".".join(path)}"'
    if HOSTILE.search(path[-1]):
        table.document.fault((*table.path, *path), f"{what}: {BOUNDARY[0]}", BOUNDARY[1])
    elif path[-1] in CONDITIONS:
        table.document.fault(
            (*table.path, *path),
            f"{what} is of the scenario, and a design changes the site",
            "Write it under [[factors]].",
        )
    else:
        table.document.fault(
            (*table.path, *path), f"{what} is nothing that a design can change", f"Use one of: {', '.join(known)}."
        )


def _added(table: Table) -> list[Edit]:
    edits = []
    for part, values in _mapping(table, "add").items():
        if part not in EQUIPMENT:
            _refused(table, ("add", part), EQUIPMENT)
        elif not isinstance(values, list) or not all(
            isinstance(v, dict) and isinstance(v.get("name"), str) for v in values
        ):
            table.document.fault(
                (*table.path, "add", part),
                f'"add.{part}" is no list of tables with a name each',
                f'Write add.{part} = [{{ copy = "one of the site\'s", name = "another", east_m = 100, north_m = 0 }}].',
            )
        else:
            edits += [Edit("add", (part,), value) for value in values]
    return edits


def _removed(table: Table) -> list[Edit]:
    edits = []
    for part, names in _mapping(table, "remove").items():
        if part not in EQUIPMENT:
            _refused(table, ("remove", part), EQUIPMENT)
        elif not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            table.document.fault(
                (*table.path, "remove", part),
                f'"remove.{part}" is no list of names',
                f'Write remove.{part} = ["name"].',
            )
        else:
            edits += [Edit("remove", (part,), name) for name in names]
    return edits


def _conditions(root: Table) -> tuple[Condition, ...]:
    """Every choice of one value of each factor."""
    factors = [factor for factor in (_factor(table) for table in root.tables("factors")) if factor]
    if math.prod(len(f) for f in factors) > MOST_CONDITIONS:
        root.fault(
            "factors", f"the factors have more than {MOST_CONDITIONS} combinations", "Vary fewer things at once."
        )
        return (Condition("", ()),)
    made = []
    for choice in itertools.product(*factors):
        made.append(
            Condition(", ".join(label for label, _, _ in choice), tuple((key, value) for _, key, value in choice))
        )
    return tuple(made)


def _factor(table: Table) -> list[tuple[str, str, Any]]:
    """(label, dotted key, value) of each choice of one factor."""
    key = table.text("key")
    values = table.raw("values", [])
    labels = table.texts("labels", [f"{key} {_word(value)}" for value in values] if isinstance(values, list) else [])
    table.finish()
    root = key.split(".")[0]
    if root not in CONDITIONS or key == "clutter.rain_areas":
        if HOSTILE.search(key):
            table.fault("key", f'"key" is "{key}": {BOUNDARY[0]}', BOUNDARY[1])
        elif key:
            table.fault(
                "key",
                f'"key" is "{key}", no condition that a study may vary',
                f"Use a key of one of: {', '.join(CONDITIONS)}.",
            )
        return []
    if not isinstance(values, list) or not values or len(labels) != len(values):
        table.fault(
            "values",
            f'"values" of the factor "{key}" is no list, or has not as many labels as values',
            "Write values = [0, 20].",
        )
        return []
    return [(label, key, value) for label, value in zip(labels, values, strict=True)]


def _word(value: Any) -> str:
    return f"{len(value)}" if isinstance(value, list) else str(value)


def _measures(root: Table) -> tuple[Wanted, ...]:
    wanted = []
    for table in root.tables("measures"):
        name = table.text("name")
        figure = FIGURES.get(name)
        if figure is None and HOSTILE.search(name):
            table.fault("name", f'a measure "{name}": {BOUNDARY[0]}', f"Use one of: {', '.join(FIGURES)}.")
        elif figure is None and name:
            table.fault("name", f'there is no measure "{name}"', f"Use one of: {', '.join(FIGURES)}.")
        better = table.text("better", figure.better if figure else "less", ("less", "more"))
        wanted.append(
            Wanted(
                name,
                better,
                table.number("matters", low=1e-9, high=1e9) if table.has("matters") else None,
                table.number("half_width", low=1e-9, high=1e9) if table.has("half_width") else None,
            )
        )
        table.finish()
    return tuple(wanted) or tuple(
        Wanted(name, FIGURES[name].better) for name in ("unwarned_share", "lead_time_s", "false_warnings")
    )


def _stop(table: Table) -> Stop:
    stop = Stop(
        table.number("confidence", 0.95, 0.5, 0.9999),
        table.integer("runs_at_most", 100_000, 1, 10_000_000),
        table.number("hours_at_most", 24.0, 0.001, 10_000.0),
    )
    table.finish()
    return stop


def _rare(table: Table) -> Rare:
    score = table.text("score", choices=tuple(SCORES))
    rare = Rare(
        score,
        table.number("level"),
        table.integer("particles", 100, 10, 100_000),
        table.integer("repeats", 10, 2, 1000),
        table.integer("moves", 5, 1, 100),
    )
    table.text("event", "the event")
    table.finish()
    return rare


def _siting(table: Table, measures: tuple[Wanted, ...]) -> Siting:
    what = table.text("what", choices=("sirens", "radars"))
    candidates = table.table("candidates")
    places = _places(candidates)
    counts = [int(v) for v in table.numbers("count", [1.0, 2.0, 3.0], low=1.0, high=200.0)]
    equipment = table.raw("equipment", {})
    if not isinstance(equipment, dict):
        table.fault(
            "equipment",
            '"equipment" is no table',
            'Write equipment = { copy = "one of the site\'s" }, or its own values.',
        )
        equipment = {}
    measure = table.text("measure", measures[0].name, [wanted.name for wanted in measures])
    siting = Siting(
        what,
        equipment,
        tuple(sorted(set(counts))),
        candidates.number("grid_m", 200.0, 5.0, 10_000.0),
        candidates.text("within", "zones"),
        candidates.number("margin_m", 0.0, 0.0, 20_000.0),
        places,
        table.integer("folds", 1, 1, 5),
        table.number("cost", 1.0, 0.0, 1e9),
        table.number("cost_per_km", 0.0, 0.0, 1e9),
        table.integer("shortlist", 3, 1, 20),
        measure,
    )
    candidates.finish()
    table.finish()
    return siting


def _places(table: Table) -> tuple[tuple[float, float], ...]:
    value = table.raw("places", [])
    try:
        places = tuple((float(east), float(north)) for east, north in value)
        if not all(math.isfinite(x) and abs(x) < 1e5 for place in places for x in place):
            raise ValueError("beyond 100 km")
        return places
    except (TypeError, ValueError, OverflowError):
        table.fault(
            "places", '"places" is no list of [east, north] in metres', "Write places = [[100, -50], [200, 300]]."
        )
        return ()
