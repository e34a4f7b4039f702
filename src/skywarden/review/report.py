"""Writes the after-action report of a record: one page that needs no network, no script and no other file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from skywarden.errors import RecordError
from skywarden.messages.truth import FELL, FLYING, STOPPED
from skywarden.record.reader import Record
from skywarden.review import plots, story
from skywarden.review.aftermath import RoundLine, ZoneLine
from skywarden.review.page import STYLE
from skywarden.review.story import Story

OUTCOMES = {FLYING: "still flying", FELL: "fell", STOPPED: "stopped (simulated)"}
REASONS = {
    "clear": "cleared", "aircraft": "refused: aircraft near", "unknown": "refused: unknown near", "not-sure": "refused: not surely a projectile",
    "no-threat": "refused: endangers nothing", "reach": "refused: out of reach", "arc": "refused: no-fire arc", "fallout": "refused: fallout on people",
    "sensors": "refused: sensors doubtful", "hold": "refused: on hold", "empty": "refused: magazine empty",
}
FIGURES = (
    ("rounds", "rounds"), ("detected", "detected"), ("tracked", "tracked"), ("warned", "warned"), ("lead_time_s", "median lead [s]"),
    ("engaged", "engaged (simulated)"), ("stopped", "stopped (simulated)"), ("fell_inside", "fell inside"), ("fell_outside", "fell outside"),
    ("false_warnings", "false warnings"), ("aircraft", "aircraft"), ("projectiles_tracked", "projectile tracks"),
    ("aircraft_endangered", "aircraft endangered"), ("frames", "frames"), ("detections", "detections"), ("undecodable", "undecodable bytes"),
)
LIVE_FIGURES = frozenset(("warned", "aircraft", "projectiles_tracked", "frames", "detections", "undecodable"))


def write(record: Record | Path | str, path: Path | str) -> None:
    """Write the report of `record` (open, or the path of one) to `path`. Raises RecordError where either cannot be."""
    source = record.path if isinstance(record, Record) else Path(record)
    if Path(path).exists() and source.exists() and Path(path).samefile(source):
        raise RecordError(f"{path} is the record itself, which the report would overwrite. Name another file with --out")
    opened = record if isinstance(record, Record) else Record(record)
    try:
        text = page(story.read(opened))
    finally:
        if opened is not record:
            opened.close()
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{path}: the report cannot be written: {error.strerror or error}. Name another file with --out") from None


def page(told: Story) -> str:
    """The whole page as text; the same record always gives the same page."""
    header, simulation = told.record.header, told.record.simulation
    title = f"{header.scenario or 'Live'} · {told.site.title}"
    ledger = told.measures.ledger()
    sections = [
        _section("In figures", _figures(told)),
        _section("Map", plots.site_map(told)),
        _section("Every round", _rounds(ledger)) if simulation else "",
        _section("Warnings by zone", plots.timeline(told) + _zones(told.measures.zone_ledger(), simulation)),
        _section("Predicted against true impact", plots.prediction(told) + _coverage(ledger)) if simulation else "",
        _section("Load", plots.load(told)),
        _section("This record", _about(told)),
    ]
    kind = "SIMULATION" if simulation else "LIVE"
    said = "Every round and every interception in it is simulated." if simulation else (
        "Nobody knows what truly flew: what follows is what was believed and whom it warned. No engagement is computed on live data.")
    top = f'<p class="kind {kind.lower()}">{kind}</p><h1>{_text(title)}</h1><p>{_when(header.epoch_ns)} · {said}</p>{_notes(told)}'
    body = f'<header>{top}</header>{"".join(sections)}'
    return f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">' \
           f"<title>{kind} · {_text(title)}</title><style>{STYLE}</style></head><body><main>{_unique(body)}</main></body></html>\n"


def _notes(told: Story) -> str:
    notes = []
    if not told.load:
        notes.append("The record holds no frame.")
    if told.cut is not None:
        notes.append(f"Reading stopped early: {told.cut}")
    planned = told.record.header.duration
    if told.load and planned is not None and told.measures.end < planned - 2.0 * told.site.policy.frame_s:
        notes.append(f"The record ends at {told.measures.end:.1f} s of {planned:.0f} s planned: the run was ended, or killed, before.")
    return "".join(f'<p class="note">{_text(note)}</p>' for note in notes)


def _figures(told: Story) -> str:
    summary = told.measures.summary()
    shown = [(key, label) for key, label in FIGURES if told.record.simulation or key in LIVE_FIGURES]
    cells = "".join(f"<div><dt>{label}</dt><dd>{_number(summary[key])}</dd></div>" for key, label in shown)
    return f'<dl class="figures">{cells}</dl>'


def _rounds(ledger: list[RoundLine]) -> str:
    head = (
        "round", "class", "seen at", "tracked at", "zones it fell on, or would have", "warned at", "lead", "rehearsed decision", "outcome", "at",
        "error at warning, last")
    body = []
    for x in ledger:
        at_warning = [s.error for s in x.samples if x.warned_at is not None and s.t >= x.warned_at - 1e-9][:1]
        errors = [f"{e:.0f} m" for e in at_warning + [s.error for s in x.samples[-1:]]]
        decision = "—" if x.decision is None else REASONS.get(x.decision, x.decision)
        decision += f", {x.orders} simulated order{'s' if x.orders > 1 else ''}" if x.orders else ""
        where = "on a zone" if x.inside_zones else "inside, no zone" if x.inside else "off the field"
        body.append((
            x.number, x.kind, _s(x.seen_at), _s(x.tracked_at), ", ".join(x.inside_zones) or where, _s(x.warned_at), _s(x.lead_time_s), decision,
            OUTCOMES.get(x.outcome, "—"), _s(x.t_end if x.t_end is not None else x.t_impact), ", ".join(errors) or "—"))
    return _table(head, body) if body else "<p>No round was launched.</p>"


def _zones(lines: list[ZoneLine], simulation: bool) -> str:
    body: list[tuple[str, ...]] = []
    for z in lines:
        hits = ", ".join(f"round {number} at {t:.1f} s" for number, t in z.hits) or "—"
        for w in z.warnings:
            judged = "by hand" if w.manual else "—" if w.false is None else "false" if w.false else "hit" if z.hits else "impact near"
            body.append((z.name, z.kind, hits, _s(w.raised), _s(w.cleared), f"{w.probability:.2f}", f"{w.peak:.2f}", judged))
        if z.hits and not z.warnings:
            body.append((z.name, z.kind, hits, "—", "—", "—", "—", "never warned" if z.warn else "nobody to warn"))
    head: tuple[str, ...] = ("zone", "kind", "impacts inside, real or prevented", "raised", "cleared", "probability then", "at most", "judged")
    if not simulation:
        head, body = (*head[:2], *head[3:]), [(*row[:2], *row[3:]) for row in body]
    return _table(head, body) if body else "<p>No zone was hit and none was warned.</p>"


def _coverage(ledger: list[RoundLine]) -> str:
    samples = [s for x in ledger for s in x.samples]
    if not samples:
        return "<p>No round was followed by a track.</p>"
    inside = sum(s.covered for s in samples)
    share = f"{inside} of {len(samples)} ({100.0 * inside / len(samples):.0f} %)"
    return f"<p>The ellipse meant to hold 90 % of true impacts held {share}, sampled each second.</p>"


def _about(told: Story) -> str:
    header = told.record.header
    pairs = [
        ("site", header.site), ("scenario", header.scenario), ("seed", header.seed), ("planned duration", _s(header.duration)),
        ("feeds", ", ".join(header.feeds) or "—"), *sorted(told.record.machine.items())]
    return "<dl class='about'>" + "".join(f"<div><dt>{_text(k)}</dt><dd>{_text('—' if v is None else v)}</dd></div>" for k, v in pairs) + "</dl>"


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


def _table(head: Iterable[str], body: Iterable[Iterable[object]]) -> str:
    top = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in head)
    rest = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in body)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{rest}</tbody></table></div>'


def _text(value: object) -> str:
    return escape(str(value), quote=True)


def _number(value: Any) -> str:
    return "—" if value is None else f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def _s(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f}\N{NO-BREAK SPACE}s"


def _when(epoch_ns: int) -> str:
    try:
        return datetime.fromtimestamp(epoch_ns // 1_000_000_000, UTC).strftime("%-d %B %Y, %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return "at an unknown time"


def _unique(body: str) -> str:
    """Identifiers of the drawings made unique in the page: each SVG numbers its own from the start."""
    parts = body.split("<svg")
    for k in range(1, len(parts)):
        parts[k] = re.sub(r'(\bid="|"#|url\(#)', rf"\g<1>p{k}-", parts[k])
    return "<svg".join(parts)
