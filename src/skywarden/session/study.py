"""A study: its file read, its runs made through `session.once`, its page written. Everything that
knows all the parts of a study is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from skywarden.errors import Fault, InputError, StudyError, UsageError
from skywarden.session import once
from skywarden.session.many import in_order
from skywarden.session.siting import Choice, chosen, free, written_site
from skywarden.simulator.scenario.load import from_sources as scenario_from_sources
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.simulator.scenario.load import site_of
from skywarden.site.load import from_sources as site_from_sources
from skywarden.site.load import load as load_site
from skywarden.study import analysis, keys, rare, report
from skywarden.study.designs import DesignError, scenario_files, site_files
from skywarden.study.engines import Engine, LocalPool
from skywarden.study.plan import Condition, Design, Stop, Study
from skywarden.study.reading import read
from skywarden.study.running import Cell, Conducted, Progress, conduct
from skywarden.study.siting.selection import select
from skywarden.study.store import Store, written
from skywarden.study.wording import FIGURES, SCORES

Files = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class Asked:
    """What the command line adds to a study's file.

    out       folder of everything that is written
    engine    "local", or "ray:HOST:PORT"
    workers   processes of the local engine
    write     folder to write the sited design into; None: not
    """

    file: Path
    out: Path
    engine: str = "local"
    workers: int = 1
    write: Path | None = None


def run_study(
    asked: Asked,
    told: Callable[[Progress], None] = lambda progress: None,
    stopped: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda sentence: None,
) -> report.Told:
    """Do everything that a study asks for and write its page; what was kept by an earlier start is
    not made again.

    told     is handed the progress after each run
    stopped  asked after each run whether to end
    say      is handed sentences on what is being done

    Raises StudyError with every fault of the file, UsageError, or EngineError.
    """
    study = read(asked.file)
    if asked.write is not None:
        if study.siting is None:
            raise UsageError("--write writes the design that a siting selects, and the study has no [siting]")
        free(asked.write)
    faults: list[Fault] = []
    _cells(study, asked.file, faults)
    if faults:
        raise StudyError(*faults)
    say("compiling what is not compiled yet …")
    once.ready()
    choice = None
    if study.siting is not None:
        say(f"choosing where {study.siting.what} should stand …")
        choice = chosen(study, asked.file)
        study = replace(study, designs=(*study.designs, *choice.designs))
    cells = _cells(study, asked.file, faults)
    if faults:
        raise StudyError(*faults)
    store, engine = Store(asked.out / "store"), _engine(asked)
    try:
        conducted = _conducted(study, cells, store, engine, told, stopped)
        tables = _tables(study, cells, conducted, store, asked.out)
        rarely = _rare(study, cells, engine, say, stopped) if study.rare is not None and not stopped() else {}
    finally:
        engine.close()
        store.close()
    made = _told(study, conducted, tables, rarely, asked, cells, choice, not stopped())
    report.write(made, asked.out)
    return made


def _engine(asked: Asked) -> Engine:
    if asked.engine == "local":
        return LocalPool(once.run, asked.workers)
    kind, _, address = asked.engine.partition(":")
    if kind != "ray" or not address:
        raise UsageError(f"--engine {asked.engine}: it is local, or ray:HOST:PORT")
    from skywarden.study.cluster import RayEngine

    return RayEngine(once.run_ready, address)


def _cells(study: Study, file: Path, faults: list[Fault]) -> list[Cell]:
    """Every design under every condition of every scenario, as files; what does not fit goes into
    `faults`.
    """
    cells: list[Cell] = []
    told: set[str] = set()

    def fault(line: int | None, what: str, do: str) -> None:
        if what not in told:
            told.add(what)
            faults.append(Fault(str(file), line, what, do))

    for name in study.scenarios:
        for design in study.designs:
            try:
                own = near(file, design.site, "site.toml") if design.site is not None else site_of(near(file, name))
                base = load_site(own)
                files = tuple(sorted(site_files(base.sources, design).items()))
                site = site_from_sources(dict(files), base.name)
                scenario = load_scenario(near(file, name), site)
            except DesignError as error:
                fault(design.line, f'design "{design.name}" on the site of {name}: {error.what}', error.do)
                continue
            except (UsageError, InputError) as error:
                says = "; ".join(str(error).splitlines())
                fault(design.line, f'design "{design.name}" with {name}: {says}', "Mend what it names.")
                continue
            for condition in study.conditions:
                try:
                    varied = scenario_files(scenario.sources, condition)
                    scenario_from_sources(varied, site)
                except (DesignError, InputError) as error:
                    says = "; ".join(str(error).splitlines())
                    fault(1, f'{name} under "{condition.name}": {says}', "Mend the factor's values.")
                    continue
                cells.append(_cell(study, design, name, condition, files, tuple(sorted(varied.items()))))
    return cells


def _cell(study: Study, design: Design, name: str, condition: Condition, site: Files, scenario: Files) -> Cell:
    of_site, of_scenario = keys.of_files(site), keys.of_files(scenario)
    return Cell(
        design.name,
        name,
        condition.name,
        site,
        scenario,
        lambda seed: keys.key(of_site, of_scenario, seed, study.duration, keys.code()),
    )


def near(file: Path, name: str, inside: str = "") -> str:
    """A path beside the study's file where there is one, else the name as it is.

    inside  folder within the package where shipped ones are
    """
    beside = file.parent / name
    return str(beside) if (beside / inside if inside else beside).exists() else name


def _job(
    study: Study, cell: Cell, seed: int, record: Path | None = None, redrawn: tuple[tuple[str, int], ...] = ()
) -> once.Job:
    return once.Job(cell.files, cell.site, seed, study.duration, record, redrawn)


def _conducted(
    study: Study,
    cells: Sequence[Cell],
    store: Store,
    engine: Engine,
    told: Callable[[Progress], None],
    stopped: Callable[[], bool],
) -> Conducted:
    stop = study.stop or Stop()
    seeds = range(
        study.first_seed, study.first_seed + max(min(study.seeds, stop.runs_at_most // max(len(cells), 1)), 1)
    )
    asks = analysis.asks_to_stop(study.measures)

    def enough(so_far: range, look: int) -> bool:
        blocks = _blocks(study, cells, so_far, store.figures)
        found = analysis.findings(
            study.measures, blocks, study.baseline.name, (so_far[0], so_far[-1]), stop.confidence, look
        )
        return analysis.enough(study.measures, found)

    return conduct(
        cells,
        seeds,
        lambda cell, seed: _job(study, cell, seed),
        store,
        engine,
        enough=enough if asks else None,
        seconds_at_most=3600.0 * stop.hours_at_most,
        told=told,
        stopped=stopped,
    )


def _blocks(
    study: Study,
    cells: Sequence[Cell],
    seeds: range,
    known: Mapping[str, Mapping[str, Any]],
    only: Callable[[Cell], bool] = lambda cell: True,
) -> dict[str, list[list[Mapping[str, Any]]]]:
    """By design, of each seed that has every row, the figures of its runs."""
    whole = [seed for seed in seeds if all(cell.key_of(seed) in known for cell in cells)]
    return {
        design.name: [
            [known[cell.key_of(seed)] for cell in cells if cell.design == design.name and only(cell)]
            for seed in whole
        ]
        for design in study.designs
    }


@dataclass(frozen=True)
class _Tables:
    runs: pl.DataFrame
    rounds: pl.DataFrame
    figures: Mapping[str, Mapping[str, Any]]


def _tables(study: Study, cells: Sequence[Cell], conducted: Conducted, store: Store, out: Path) -> _Tables:
    """Write this study's own rows, in an order that nothing but its file decides."""
    rows = []
    for cell in cells:
        for seed in range(study.first_seed, study.first_seed + conducted.seeds):
            key = cell.key_of(seed)
            if key in store:
                rows.append(
                    {
                        "design": cell.design,
                        "scenario": cell.scenario,
                        "condition": cell.condition,
                        "seed": seed,
                        "key": key,
                        **store.figures[key],
                    }
                )
    names = {"design": pl.String, "scenario": pl.String, "condition": pl.String, "seed": pl.Int64, "key": pl.String}
    runs = pl.DataFrame(rows, schema=names if not rows else None, infer_schema_length=None)
    about = runs.select(*names).join(store.about(), on="key", how="left", maintain_order="left")
    rounds = runs.select(*names).join(
        store.rounds(runs["key"].to_list()), on="key", how="inner", maintain_order="left_right"
    )
    written(runs, out / "runs.parquet")
    written(rounds, out / "rounds.parquet")
    written(about, out / "executions.parquet")
    return _Tables(runs, rounds, {key: store.figures[key] for key in runs["key"].to_list()})


def _rare(
    study: Study,
    cells: Sequence[Cell],
    engine: Engine,
    say: Callable[[str], None],
    stopped: Callable[[], bool],
) -> dict[str, rare.Estimate]:
    """The rare event's probability for each design, over the first scenario and condition."""
    assert study.rare is not None
    asked = study.rare
    column, less = SCORES[asked.score]
    found = {}
    for design in study.designs:
        if stopped():
            break
        cell = next(cell for cell in cells if cell.design == design.name)

        def score(luck: Sequence[rare.Luck], cell: Cell = cell) -> list[tuple[float, Sequence[str]]]:
            results = in_order(engine, [_job(study, cell, one.seed, None, one.redrawn) for one in luck])
            worst = float("inf") if less else -float("inf")
            reached = [r.figures[column] for r in results]
            return [(worst if x is None else float(x), r.streams) for x, r in zip(reached, results, strict=True)]

        say(f"splitting for the rare event, {design.name} …")
        found[design.name] = rare.estimate(
            score,
            asked.level,
            less,
            asked.particles,
            asked.repeats,
            asked.moves,
            (study.stop or Stop()).confidence,
            study.first_seed,
            partial(_say_repeat, say, f"{design.name}: repeat {{}} of {asked.repeats}, {{}} runs"),
        )
    return found


def _say_repeat(say: Callable[[str], None], form: str, repeat: int, runs: int) -> None:
    say(form.format(repeat, runs))


# --- what is told --------------------------------------------------------------------------------------------------


def _told(
    study: Study,
    conducted: Conducted,
    tables: _Tables,
    rarely: Mapping[str, rare.Estimate],
    asked: Asked,
    cells: Sequence[Cell],
    choice: Choice | None,
    whole: bool,
) -> report.Told:
    confidence = (study.stop or Stop()).confidence
    seeds = range(study.first_seed, study.first_seed + conducted.seeds)
    ends = (study.first_seed, study.first_seed + max(conducted.seeds - 1, 0))
    blocks = _blocks(study, cells, seeds, tables.figures)
    flown = any(blocks.values())
    found = (
        analysis.findings(study.measures, blocks, study.baseline.name, ends, confidence, conducted.look)
        if flown
        else []
    )
    sited = None
    if choice is not None:
        sited = replace(choice.sited, flown=_selected(study, choice, blocks, confidence) if flown else None)
        if asked.write is not None:
            best = choice.designs[0]
            if sited.flown is not None:
                best = next(d for d in choice.designs if d.name == sited.flown.names[sited.flown.outcome.best])
            sited = replace(sited, written=written_site(study, asked.file, best, asked.write))
    return report.Told(
        study,
        conducted,
        found,
        _apart(study, cells, seeds, tables, ends, confidence, conducted.look) if flown else (),
        _spread(study, blocks),
        _worst(study, cells, seeds, tables, asked.out) if whole else (),
        rarely,
        sited,
        confidence,
    )


def _apart(
    study: Study,
    cells: Sequence[Cell],
    seeds: range,
    tables: _Tables,
    ends: tuple[int, int],
    confidence: float,
    look: int,
) -> list[analysis.Finding]:
    """Findings told apart by scenario, condition, zone or kind of round."""
    found: list[analysis.Finding] = []
    if study.group == "scenario" or len(study.conditions) > 1:
        for name, condition in dict.fromkeys((cell.scenario, cell.condition) for cell in cells):
            only = _blocks(study, cells, seeds, tables.figures, partial(_is_of, name, condition))
            label = ", ".join(part for part in (name, condition) if part)
            found += analysis.findings(study.measures, only, study.baseline.name, ends, confidence, look, label)
    if study.group in ("zone", "kind"):
        found += _by_rounds(study, cells, seeds, tables, ends, confidence, look)
    return found


def _is_of(scenario: str, condition: str, cell: Cell) -> bool:
    return (cell.scenario, cell.condition) == (scenario, condition)


OF_ROUNDS = ("unwarned_share", "in_time_share", "lead_time_s")  # measures that can be told of single rounds


def _by_rounds(
    study: Study,
    cells: Sequence[Cell],
    seeds: range,
    tables: _Tables,
    ends: tuple[int, int],
    confidence: float,
    look: int,
) -> list[analysis.Finding]:
    wanted = [w for w in study.measures if w.name in OF_ROUNDS]
    column = "zones" if study.group == "zone" else "kind"
    found: list[analysis.Finding] = []
    for label in sorted(tables.rounds[column].unique().to_list()) if wanted else []:
        own = (
            tables.rounds.filter(pl.col(column) == label)
            .group_by("key")
            .agg(
                due=pl.len(),
                warned=pl.col("lead_s").is_not_null().sum(),
                lead_sum_s=pl.col("lead_s").sum(),
                unwarned=pl.col("lead_s").is_null().sum(),
                in_time=(pl.col("lead_s") >= pl.col("needed_s")).sum(),
            )
        )
        known = {row["key"]: row for row in own.iter_rows(named=True)}
        figures = {key: known.get(key, {}) for key in tables.figures}
        found += analysis.findings(
            wanted, _blocks(study, cells, seeds, figures), study.baseline.name, ends, confidence, look, label
        )
    return found


def _spread(study: Study, blocks: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]]) -> dict[str, dict[str, Any]]:
    """Values of single runs, of measures that have more than two of them."""
    spread: dict[str, dict[str, Any]] = {}
    for wanted in study.measures:
        figure = FIGURES[wanted.name]
        if figure.kind != "proportion":
            with np.errstate(invalid="ignore", divide="ignore"):
                spread[wanted.name] = {
                    design: np.divide(*analysis.columns(figure, rows)) for design, rows in blocks.items() if rows
                }
    return spread


def _worst(
    study: Study,
    cells: Sequence[Cell],
    seeds: range,
    tables: _Tables,
    out: Path,
) -> list[tuple[str, str, int, str, float, Path]]:
    """Fly the runs again whose records are kept: the worst of each design by the first measure, or
    those of the seeds named.
    """
    wanted = study.measures[0]
    figure = FIGURES[wanted.name]
    kept = []
    for design in study.designs:
        runs = []
        for cell in cells:
            for seed in seeds if cell.design == design.name else ():
                row = tables.figures.get(cell.key_of(seed))
                if row is not None:
                    parts, wholes = analysis.columns(figure, [[row]])
                    runs.append((float(parts[0] / wholes[0]) if wholes[0] else 0.0, cell, seed))
        runs.sort(key=lambda run: (run[0] if wanted.better == "more" else -run[0], run[2]))
        for value, cell, seed in runs[: study.keep_worst] + [run for run in runs if run[2] in study.keep_seeds]:
            where = Path("records") / f"{cell.key_of(seed)[:12]}-{seed}.rec"
            (out / "records").mkdir(exist_ok=True)
            if not (out / where).exists():
                once.run(_job(study, cell, seed, out / where))
            kept.append((cell.design, cell.scenario, seed, wanted.name, value, where))
    return kept


def _selected(
    study: Study, choice: Choice, blocks: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]], confidence: float
) -> report.Flown | None:
    assert study.siting is not None
    wanted = next(w for w in study.measures if w.name == study.siting.measure)
    figure = FIGURES[wanted.name]
    names = [design.name for design in choice.designs]
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.array([np.divide(*analysis.columns(figure, blocks[name])) for name in names])
    values = values[:, np.isfinite(values).all(axis=0)]
    if values.shape[1] < 2:
        return None
    matters = wanted.matters or max(1e-9, 0.1 * float(np.abs(values).mean()))
    return report.Flown(
        names, select(values, matters, confidence, wanted.better == "less"), confidence, matters, wanted.name
    )
