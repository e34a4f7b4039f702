"""A study's page and summary: every figure with its interval, its number of runs and its seeds. One
file, no network, no script.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from skywarden.files.whole import write_whole
from skywarden.messages.tables import Array
from skywarden.review.html import table, text
from skywarden.review.page import STYLE
from skywarden.study import figures
from skywarden.study.analysis import Finding
from skywarden.study.plan import Study
from skywarden.study.rare import Estimate
from skywarden.study.running import Conducted
from skywarden.study.siting.covering import Answer
from skywarden.study.siting.selection import Selected
from skywarden.study.wording import FIGURES

SMALL = 10.0  # per cent; smaller shares are told with a decimal more


class Flown:
    """A shortlist that was flown: names of its designs, what came of it, and the confidence of the
    choice.
    """

    def __init__(
        self, names: Sequence[str], outcome: Selected, confidence: float, matters: float, measure: str
    ) -> None:
        self.names, self.outcome, self.confidence = tuple(names), outcome, confidence
        self.matters, self.measure = matters, measure


@dataclass(frozen=True)
class Sited:
    """What a siting came to: the answers by count, their places, and a picture."""

    what: str
    model: str  # of coverage, in a sentence
    covered: str  # what is covered, with its unit
    total: float  # of that, at most
    answers: Sequence[Answer]
    places: Array  # (candidates, 2) [m]
    picture: str
    curve: str
    written: Path | None = None
    flown: Flown | None = None


@dataclass(frozen=True)
class Told:
    """All that a study's page tells."""

    study: Study
    conducted: Conducted
    found: Sequence[Finding]
    groups: Sequence[Finding] = ()
    spread: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)  # by measure, by design: values of runs
    worst: Sequence[tuple[str, str, int, str, float, Path]] = ()  # design, scenario, seed, measure, value, record
    rare: Mapping[str, Estimate] = field(default_factory=dict)
    sited: Sited | None = None
    confidence: float = 0.95


def write(told: Told, folder: Path) -> None:
    """Write `study.html` and `summary.json` into a folder.

    told  everything the study found
    """
    write_whole(folder / "study.html", _page(told).encode())
    write_whole(folder / "summary.json", (json.dumps(summary(told), indent=1, ensure_ascii=False) + "\n").encode())


def summary(told: Told) -> dict[str, Any]:
    """Everything of the page as plain values.

    told  everything the study found
    """
    made: dict[str, Any] = {
        "study": told.study.name,
        "scenarios": list(told.study.scenarios),
        "confidence": told.confidence,
        "seeds": [told.study.first_seed, told.study.first_seed + max(told.conducted.seeds - 1, 0)],
        "runs_made": told.conducted.made,
        "runs_found": told.conducted.found,
        "stopped_because": told.conducted.why,
        "look": told.conducted.look,
        "failed": list(told.conducted.failed),
        "baseline": told.study.baseline.name,
        "findings": [_plain(f) for f in told.found],
        "groups": [_plain(f) for f in told.groups],
    }
    if told.rare:
        made["rare"] = {
            design: {"value": e.value, "low": e.low, "high": e.high, "repeats": len(e.repeats), "runs": e.runs}
            for design, e in told.rare.items()
        }
    if told.sited is not None:
        made["siting"] = _sited(told.sited)
    return made


def sentences(told: Told) -> list[str]:
    """The findings for a terminal, a line each.

    told  everything the study found
    """
    lines = [
        f"{told.conducted.made} runs made, {told.conducted.found} found; "
        f"{told.conducted.seeds} seeds; {told.conducted.why}"
    ]
    for f in told.found:
        low, high = _said(f.measure, f.figure.low), _said(f.measure, f.figure.high)
        line = f"{f.measure}  {f.design}: {_said(f.measure, f.figure.value)} ({low} to {high})"
        if f.against is not None:
            d = f.against
            low, high = _said(f.measure, d.low, True), _said(f.measure, d.high, True)
            line += f"; {_said(f.measure, d.value, True)} ({low} to {high}) against the baseline: {_verdict(f)}"
        lines.append(line)
    for design, e in told.rare.items():
        lines.append(f"rare event  {design}: {e.value:.3g} ({e.low:.3g} to {e.high:.3g}), {e.runs} runs")
    if told.sited is not None:
        for a in told.sited.answers:
            most = min(a.bound, a.solver)
            covered = f"{a.value:.1f} {told.sited.covered}, at most {most:.1f}"
            lines.append(f"{len(a.sites)} {told.sited.what}: {covered}; cost {a.cost:g}")
        if told.sited.flown is not None:
            lines.append(f"selected: {told.sited.flown.names[told.sited.flown.outcome.best]}")
    return lines


def _verdict(f: Finding) -> str:
    return "different" if f.differs else "not shown to differ"


def _plain(f: Finding) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "measure": f.measure,
        "group": f.group,
        "design": f.design,
        "value": _number(f.figure.value),
        "low": _number(f.figure.low),
        "high": _number(f.figure.high),
        "runs": f.figure.runs,
        "seeds": list(f.seeds),
    }
    if f.against is not None:
        plain["difference"] = {
            "value": _number(f.against.value),
            "low": _number(f.against.low),
            "high": _number(f.against.high),
            "pairs": f.against.runs,
            "p_holm": f.p,
            "differs": f.differs,
            "gain_of_pairing": _number(f.against.gain),
        }
    return plain


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _sited(s: Sited) -> dict[str, Any]:
    made: dict[str, Any] = {
        "what": s.what,
        "covered": s.covered,
        "total": s.total,
        "answers": [
            {
                "count": len(a.sites),
                "value": a.value,
                "own_bound": a.bound,
                "solver_bound": _number(a.solver),
                "gap": a.gap,
                "proven": a.proven,
                "cost": a.cost,
                "places": [[round(float(x), 1) for x in s.places[k]] for k in a.sites],
            }
            for a in s.answers
        ],
    }
    if s.written is not None:
        made["written"] = str(s.written)
    if s.flown is not None:
        made["selected"] = {
            "design": s.flown.names[s.flown.outcome.best],
            "confidence": s.flown.confidence,
            "runs": dict(zip(s.flown.names, s.flown.outcome.runs, strict=True)),
            "finished": s.flown.outcome.finished,
        }
    return made


# --- the page ------------------------------------------------------------------------------------------------------


def _page(told: Told) -> str:
    study, conducted = told.study, told.conducted
    last = study.first_seed + max(conducted.seeds - 1, 0)
    about = (
        f"{len(study.designs)} design(s) over {', '.join(study.scenarios)}; "
        f"seeds {study.first_seed} to {last}, the same "
        f"for every design; {conducted.made} runs made now, {conducted.found} found from before. "
        f"It ended because {conducted.why}."
    )
    parts = [
        f'<header><p class="kind simulation">SIMULATION</p><h1>{text(study.name)}</h1><p>{text(about)}</p>'
        f"<p>Intervals hold with {100.0 * told.confidence:g} %{_looked(told)}. {text(_failed(conducted))}</p></header>"
    ]
    for wanted in study.measures:
        own = [f for f in told.found if f.measure == wanted.name]
        if own:
            parts.append(_measure(told, own))
    if told.groups:
        parts.append(_section("Told apart", _table(told.groups)))
    if told.rare and study.rare is not None:
        parts.append(_rare(told))
    if told.sited is not None:
        parts.append(_siting(told.sited))
    if told.worst:
        parts.append(_worst(told))
    parts.append(_section("What this rests on", f"<p>{text(LIMITS)}</p>"))
    body = "\n".join(parts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{text(study.name)}</title><style>{STYLE}{MORE}</style></head><body><main>{body}</main></body></html>\n"
    )


MORE = "figure{margin:14px 0 0}figcaption{color:var(--faint);font-size:.85rem}.wide{margin-top:10px}"
LIMITS = (
    "Simulated runs of generic classes with illustrative parameters. A difference is between the same seeds of both "
    "designs: the same rounds, weather, noise and luck of each shot. Holm's p counts all designs of a measure, and all "
    "looks. Runs, not rounds, are what intervals rest on. Nothing here says where anything came from. How it is "
    "reckoned: docs/models/study.md."
)


def _looked(told: Told) -> str:
    return f", at this look and all before it (look {told.conducted.look})" if told.conducted.look else ""


def _failed(conducted: Conducted) -> str:
    return (
        f"{len(conducted.failed)} runs failed; their seeds are left out in every design." if conducted.failed else ""
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{text(title)}</h2>{body}</section>"


def _measure(told: Told, own: Sequence[Finding]) -> str:
    figure = FIGURES[own[0].measure]
    if not any(math.isfinite(f.figure.value) for f in own):
        return _section(f"{own[0].measure}: {figure.says}", "<p>No run gives this figure.</p>")
    body = [
        _table(own),
        _drawn(figures.intervals(own), own, "Each design with its interval; the baseline is the diamond."),
    ]
    if any(f.against is not None for f in own):
        body.append(
            _drawn(
                figures.differences(own),
                own,
                "Differences from the baseline, paired by seed; a diamond is called different.",
            )
        )
    values = told.spread.get(own[0].measure, {})
    if any(np.isfinite(of_runs).any() for of_runs in values.values()):
        body.append(
            _drawn(figures.distribution(values, own[0].measure, "Spread of single runs"), own, "Single runs.")
        )
    return _section(f"{own[0].measure}: {figure.says}", "".join(body))


def _drawn(svg: str, own: Sequence[Finding], says: str) -> str:
    first = own[0]
    most = max(f.figure.runs for f in own)
    rests = f"n = {most} runs a design, seeds {first.seeds[0]} to {first.seeds[1]}."
    return f"<figure>{svg}<figcaption>{text(says)} {rests}</figcaption></figure>"


def _table(found: Sequence[Finding]) -> str:
    rows = []
    for f in found:
        against = (
            ("baseline", "", "", "")
            if f.against is None
            else (
                _said(f.measure, f.against.value, True),
                f"{_said(f.measure, f.against.low, True)} to {_said(f.measure, f.against.high, True)}",
                f"{f.p:.3g}",
                "different" if f.differs else "not shown to differ",
            )
        )
        rows.append(
            (
                *((f.group,) if f.group else ()),
                f.design,
                _said(f.measure, f.figure.value),
                f"{_said(f.measure, f.figure.low)} to {_said(f.measure, f.figure.high)}",
                f.figure.runs,
                f"{f.seeds[0]}-{f.seeds[1]}",
                *against,
            )
        )
    head = ("design", "figure", "interval", "runs", "seeds", "difference", "its interval", "p (Holm)", "")
    return table((("group", *head) if found and found[0].group else head), rows)


def _said(measure: str, value: float, signed: bool = False) -> str:
    """A figure for people: shares as percentages."""
    if not math.isfinite(value):
        return "—"
    figure = FIGURES[measure]
    if figure.kind in ("share", "proportion"):
        percent = 100.0 * value
        return f"{percent:{'+' if signed else ''}.{2 if abs(percent) < SMALL else 1}f} %"
    decimals = 4 if 0.0 < abs(value) < 0.1 else 3 if 0.0 < abs(value) < 1.0 else 2
    return f"{value:{'+' if signed else ''}.{decimals}f}{f' {figure.unit}' if figure.unit else ''}"


def _rare(told: Told) -> str:
    assert told.study.rare is not None
    rows = [
        (design, f"{e.value:.3g}", f"{e.low:.3g} to {e.high:.3g}", len(e.repeats), e.runs)
        for design, e in told.rare.items()
    ]
    return _section(
        f"Rare event: {told.study.rare.score} beyond {told.study.rare.level:g}",
        table(("design", "probability a run", "interval", "repeats", "runs"), rows)
        + "<p>By adaptive multilevel splitting: the interval is of the mean of independent repeats.</p>",
    )


def _siting(s: Sited) -> str:
    rows = [
        (
            len(a.sites),
            f"{a.cost:g}",
            f"{a.value:.1f}",
            f"{100.0 * a.value / s.total:.1f} %" if s.total else "—",
            f"{a.bound:.1f}",
            f"{a.solver:.1f}",
            f"{100.0 * a.gap:.2f} %",
            "proven" if a.proven else "not closed in time",
            "; ".join(f"{s.places[k][0]:.0f}, {s.places[k][1]:.0f}" for k in a.sites),
        )
        for a in s.answers
    ]
    body = [
        f"<p>{text(s.model)} The optimum is of this model of coverage, and of nothing else.</p>",
        table(
            ("number", "cost", s.covered, "of all", "own bound", "solver's bound", "gap", "", "east, north [m]"), rows
        ),
        f"<figure>{s.picture}</figure>",
        f"<figure>{s.curve}</figure>",
    ]
    if s.flown is not None:
        best, flown = s.flown.names[s.flown.outcome.best], s.flown
        runs = ", ".join(f"{text(n)}: {r}" for n, r in zip(flown.names, flown.outcome.runs, strict=True))
        certain = (
            f"with probability {100.0 * flown.confidence:g} % at least, "
            f"where it is better than the others by {flown.matters:g}"
            if flown.outcome.finished
            else "though the runs at hand did not suffice to be sure"
        )
        body.append(
            f"<p>Flown with common seeds ({runs}"
            f" runs), <strong>{text(best)}</strong> is best by {text(flown.measure)}, {certain} (Kim and Nelson).</p>"
        )
    if s.written is not None:
        body.append(f"<p>Written as a site: {text(s.written)}</p>")
    return _section(f"Where {s.what} should stand", "".join(body))


def _worst(told: Told) -> str:
    rows = [
        f"<tr><td>{text(d)}</td><td>{text(s)}</td><td>{seed}</td><td>{text(m)}</td><td>{value:.3g}</td>"
        f'<td><a href="{text(path.as_posix())}">{text(path.name)}</a></td></tr>'
        for d, s, seed, m, value, path in told.worst
    ]
    head = "".join(
        f'<th scope="col">{name}</th>' for name in ("design", "scenario", "seed", "measure", "value", "record")
    )
    return _section(
        "Runs kept whole",
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        "<p>A record opens with <code>skywarden replay FILE --console</code>.</p>",
    )
