"""Writes the after-action report of a record: one page that needs no network, no script and no
other file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from skywarden.errors import RecordError
from skywarden.measures import calibration
from skywarden.measures.calibration import Share
from skywarden.measures.ledger import RoundLine, ZoneLine
from skywarden.messages import truth as spoken
from skywarden.messages.drill import FLIES_ON, SEEMS_STOPPED
from skywarden.messages.truth import DUD, FELL, FLYING, FRAGMENT, KILLED, LIVE, MISSED, PARTLY, SPENT, STOPPED
from skywarden.record.reader import Record, foreign
from skywarden.review import decisions, operators, plots, receipts, story
from skywarden.review.html import number, seconds, table, text
from skywarden.review.page import STYLE
from skywarden.review.story import Story

ENDINGS = {MISSED: "missed", KILLED: "stopped", PARTLY: "broken off, whole", DUD: "dud"}
SORTS = {FRAGMENT: "fragment", LIVE: "live round, not gone off", SPENT: "spent, not self-destructed"}
OUTCOMES = {FLYING: "still flying", FELL: "fell", STOPPED: "stopped (simulated)"}
REASONS = {
    "clear": "cleared", "aircraft": "refused: aircraft near", "unknown": "refused: unknown near",
    "not-sure": "refused: not surely a projectile",
    "no-threat": "refused: endangers nothing", "reach": "refused: out of reach", "arc": "refused: no-fire arc",
    "fallout": "refused: fallout on people",
    "sensors": "refused: sensors doubtful", "hold": "refused: on hold", "empty": "refused: magazine empty",
    "look": "engaged: outcome looked at first",
}
WORDS = {
    spoken.AS_PLANNED: "as planned", spoken.HELD: "holding", spoken.WENT_AROUND: "gone around, holding",
    spoken.DIVERTED: "diverted",
    spoken.WAITS: "waiting to start", spoken.LANDED: "landed", spoken.DEPARTED: "started",
    spoken.CANCELLED: "called off"}
# letting a harmless round fall is the normal case, and a decision
FALLS = {"no-threat": "let fall: endangers nothing"}
SECTORS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
BANDS = (5_000.0, 10_000.0, 20_000.0)      # m
MOST_ADVICE = 4         # changes of advice shown of one round
FIGURES = (
    ("rounds", "rounds"), ("detected", "detected"), ("tracked", "tracked"), ("warned", "warned"),
    ("lead_time_s", "median lead [s]"),
    ("engaged", "engaged (simulated)"), ("stopped", "stopped (simulated)"), ("fell_inside", "fell inside"),
    ("fell_outside", "fell outside"),
    ("false_warnings", "false warnings"), ("aircraft", "aircraft"), ("projectiles_tracked", "projectile tracks"),
    ("inbound", "inbound objects"), ("aircraft_endangered", "aircraft endangered"), ("frames", "frames"),
    ("detections", "detections"),
    ("undecodable", "undecodable bytes"), ("rejected", "messages rejected"),
    ("clock_steps", "senders' clocks set anew"),
    ("not_believed", "not believed"), ("too_late", "too late to use"), ("unusable", "without elevation or address"),
)
LIVE_FIGURES = frozenset((
    "warned", "aircraft", "projectiles_tracked", "inbound", "frames", "detections", "undecodable", "rejected",
    "clock_steps",
    "not_believed", "too_late", "unusable"))


def write(record: Record | Path | str, path: Path | str) -> None:
    """Write the report of `record` (open, or the path of one) to `path`. Raises RecordError where
    either cannot be.
    """
    source = record.path if isinstance(record, Record) else Path(record)
    if Path(path).exists() and source.exists() and Path(path).samefile(source):
        raise RecordError(f"{path} is the record itself, which the report would overwrite. Name another file with "
            "--out")
    opened = record if isinstance(record, Record) else Record(record)
    try:
        with foreign(source):
            made = page(story.read(opened))
    finally:
        if opened is not record:
            opened.close()
    try:
        Path(path).write_text(made, encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{path}: the report cannot be written: {error.strerror or error}. Name another file with "
            "--out") from None


def page(told: Story) -> str:
    """The whole page as text; the same record always gives the same page.

    told  everything the record tells of the run
    """
    header, simulation = told.record.header, told.record.simulation
    title = f"{header.scenario or 'Live'} · {told.site.title}"
    ledger = told.measures.ledger()
    sections = [
        _section("In figures", _figures(told)),
        _section("Map", plots.site_map(told)),
        _section("Every round: known, advised, done, happened", _rounds(ledger, told)) if simulation else "",
        _section("First report against truth", _first_report(told, ledger)) if simulation else "",
        _section("What came down after interceptions", _remains(told)) if simulation and told.measures.remains else "",
        _section("The airport", _airport(told)) if simulation and (told.measures.movements or told.measures.closures)
        else "",
        _section("Warnings by zone", plots.timeline(told) + _zones(told.measures.zone_ledger(), simulation)),
        _section("Why each zone was told, or was not", decisions.section(told)),
        _section("Inbound: named as heading for a zone", _inbound(told)) if told.measures.inbound else "",
        _section("What the operators did", operators.section(told)),
        _section("Who was told", receipts.section(told)) if told.channels else "",
        _section("Predicted against true impact", plots.prediction(told)) if simulation else "",
        _section("Were the doubts honest", _calibrated(told, ledger)) if simulation else "",
        _section("Load", plots.load(told)),
        _section("This record", _about(told)),
    ]
    kind = "SIMULATION" if simulation else "LIVE"
    said = "Every round and every interception in it is simulated." if simulation else (
        "Nobody knows what truly flew: what follows is what was believed and whom it warned. No engagement is computed "
        "on live data.")
    top = (f'<p class="kind {kind.lower()}">{kind}</p><h1>{text(title)}</h1><p>{_when(header.epoch_ns)} · '
        f'{said}</p>{_notes(told)}')
    body = f'<header>{top}</header>{"".join(sections)}'
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{kind} · {text(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{_unique(body)}</main></body></html>\n")


def _notes(told: Story) -> str:
    notes = []
    if not told.load:
        notes.append("The record holds no frame.")
    if told.cut is not None:
        notes.append(f"Reading stopped early: {told.cut}")
    planned = told.record.header.duration
    if told.load and planned is not None and told.measures.end < planned - 2.0 * told.site.policy.frame_s:
        notes.append(f"The record ends at {told.measures.end:.1f} s of {planned:.0f} s planned: the run was ended, or "
            "killed, before.")
    return "".join(f'<p class="note">{text(note)}</p>' for note in notes)


def _figures(told: Story) -> str:
    summary = told.measures.summary()
    shown = [(key, label) for key, label in FIGURES if told.record.simulation or key in LIVE_FIGURES]
    cells = "".join(f"<div><dt>{label}</dt><dd>{number(summary[key])}</dd></div>" for key, label in shown)
    return f'<dl class="figures">{cells}</dl>'


def _rounds(ledger: list[RoundLine], told: Story) -> str:
    head = (
        "round", "class", *(("first seen in the",) if told.record.simulation else ()), "known: seen, tracked",
        "first predicted",
        "zones it fell on, or would have", "warned at", "lead", "advised",
        "operator", "simulated orders and their end", "outcome", "at", "error at warning, last")
    body = []
    for x in ledger:
        at_warning = [s.error for s in x.samples if x.warned_at is not None and s.t >= x.warned_at - 1e-9][:1]
        errors = [f"{e:.0f} m" for e in at_warning + [s.error for s in x.samples[-1:]]]
        first = ("—" if x.first_report is None
            else f"{seconds(x.first_report[0])}: {x.first_report[1]:.1f} people endangered, {x.first_report[2]:.0f} m "
                "off")
        where = "on a zone" if x.inside_zones else "inside, no zone" if x.inside else "off the field"
        ends = [ENDINGS.get(e, "—") for e in x.endings]
        body.append((
            x.number, x.kind, *((_origin(x),) if told.record.simulation else ()),
            f"{seconds(x.seen_at)}, {seconds(x.tracked_at)}", first, ", ".join(x.inside_zones) or where,
            seconds(x.warned_at),
            seconds(x.lead_time_s), _advised(x), "; ".join(f"{kind} by {who or 'nobody'} at {seconds(t)}" for t, kind,
                who in x.said) or "—",
            f"{x.orders}: {', '.join(ends) or 'none adjudicated'}" if x.orders else "—",
            OUTCOMES.get(x.outcome, "—"), seconds(x.t_end if x.t_end is not None else x.t_impact), ", ".join(errors)
            or "—"))
    return table(head, body) if body else "<p>No round was launched.</p>"


def _inbound(told: Story) -> str:
    """Powered objects without a corroborated transponder whose course led to a zone; nobody was
    told to take cover because of them.
    """
    names = [zone.name for zone in told.site.zones]
    return table(("track", "named at", "last expected at", "zones, as named",
        "highest probability if it kept its course"), [
        (line.track, seconds(line.named), seconds(line.arrives), ", ".join(names[z] for z in line.zones),
            f"{line.peak:.2f}")
        for line in told.measures.inbound.values()])


def _advised(line: RoundLine) -> str:
    """The rehearsal's reasons in their order, the same one after the other once, the last few of
    many.
    """
    words = [f"{FALLS.get(reason, REASONS.get(reason, reason))} ({seconds(t)})" for t, reason in line.advice]
    return "; ".join((["…"] if len(words) > MOST_ADVICE else []) + words[-MOST_ADVICE:]) or "—"


def _first_report(told: Story, ledger: list[RoundLine]) -> str:
    """What those on the spot would have said at once, beside what was true."""
    measures = told.measures
    looks, stopped = measures.looks, sum(x.outcome == STOPPED for x in ledger)
    said_stopped = sum(n for (verdict, _), n in looks.items() if verdict == SEEMS_STOPPED)
    rows = [
        ("rounds", sum(x.tracked_at is not None for x in ledger), len(ledger)),
        ("engaged (simulated)", sum(x.orders > 0 for x in ledger), sum(x.engagements > 0 for x in ledger)),
        ("stopped (simulated)", said_stopped, stopped),
        ("fell inside", "—", sum(x.outcome == FELL and x.inside for x in ledger)),
        ("fell off the field", "—", sum(x.outcome == FELL and not x.inside for x in ledger)),
    ]
    said = table(("", "first report", "truth"), rows)
    if not looks:
        return said + "<p>No engagement was looked at.</p>"
    right = looks.get((SEEMS_STOPPED, True), 0), looks.get((FLIES_ON, False), 0)
    return said + (
        f"<p>Of {sum(looks.values())} looks after an engagement, {sum(right)} were right: {right[0]} stopped and said "
        f"so, {right[1]} flying on and said so; "
        f"{looks.get((SEEMS_STOPPED, False), 0)} flying rounds were taken for stopped, "
        f"{looks.get((FLIES_ON, True), 0)} stopped ones for flying.</p>")


def _remains(told: Story) -> str:
    """Live rounds and spent ones piece by piece, fragments by engagement."""
    pieces = sorted(told.measures.remains, key=lambda p: (p.sort == FRAGMENT, p.t))
    whole = [(SORTS.get(p.sort, "—"), p.number if p.number >= 0 else "—", seconds(p.t),
        f"{p.place[0]:.0f} m east, {p.place[1]:.0f} m north",
              p.zone or "no zone")
             for p in pieces if p.sort != FRAGMENT]
    fragments = [p for p in pieces if p.sort == FRAGMENT]
    on = sum(p.zone is not None for p in fragments)
    said = f"<p>{len(fragments)} larger fragments came down, {on} of them on a zone. Illustrative.</p>"
    return (table(("what", "of round", "lands at", "where", "on"), whole) if whole
        else "<p>Nothing came down whole.</p>") + said


def _airport(told: Story) -> str:
    """When the runway was closed, and what that cost each flight under the scenario's tower."""
    measures = told.measures
    closed = "; ".join(f"{seconds(c.begun)} to {'the end' if c.ended is None else seconds(c.ended)} "
        f"({', then '.join(c.why)})" for c in measures.closures)
    lines = sorted(measures.movements.values(), key=lambda x: -x.late)
    said = (f"<p>Runway closed for {measures.minutes_closed:.1f} minutes: {text(closed)}.</p>" if measures.closures
        else "<p>The runway stayed open.</p>")
    if not lines:
        return said + "<p>No flight of this scenario is under its tower.</p>"
    count = {word: sum(x.word == word for x in lines) for word in WORDS}
    late = [x for x in lines if x.late >= 1.0]
    said += (
        f"<p>Of {len(lines)} flights under the tower {count[spoken.LANDED]} landed and {count[spoken.DEPARTED]} "
        f"started; {len(late)} were late, by "
        f"{sum(x.late for x in late) / 60.0:.1f} minutes in all; {sum(x.around for x in lines)} went around; "
        f"{count[spoken.DIVERTED]} diverted and "
        f"{count[spoken.CANCELLED]} were called off.</p>")
    rows = [(x.callsign or "—", "to land" if x.arrives else "to start", WORDS.get(x.word, "—"), "yes" if x.around
        else "no", seconds(x.late)) for x in late]
    return said + (table(("flight", "plan", "in the end", "went around", "behind its plan"), rows) if rows else "")


def _zones(lines: list[ZoneLine], simulation: bool) -> str:
    body: list[tuple[str, ...]] = []
    for z in lines:
        hits = ", ".join(f"round {n} at {t:.1f} s" for n, t in z.hits) or "—"
        for w in z.warnings:
            judged = ("by hand" if w.manual else "—" if w.false is None else "false" if w.false else "hit" if z.hits
                else "impact near")
            body.append((z.name, z.kind, hits, seconds(w.raised), seconds(w.cleared), f"{w.probability:.2f}",
                f"{w.peak:.2f}", operators.because(w),
                         operators.seen(w), judged))
        if z.hits and not z.warnings:
            body.append((z.name, z.kind, hits, "—", "—", "—", "—", "—", "—", "never warned" if z.warn
                else "nobody to warn"))
    head: tuple[str, ...] = (
        "zone", "kind", "impacts inside, real or prevented", "raised", "cleared", "probability then", "at most",
        "raised for", "seen by", "judged")
    if not simulation:
        head, body = (*head[:2], *head[3:]), [(*row[:2], *row[3:]) for row in body]
    return table(head, body) if body else "<p>No zone was hit and none was warned.</p>"


def _calibrated(told: Story, ledger: list[RoundLine]) -> str:
    judged = calibration.judge(ledger)
    if judged is None:
        return "<p>No round was followed by a track.</p>"

    def held(shares: Iterable[Share]) -> str:
        return ", ".join(f"{100 * s.nominal:.0f} %: {100 * s.held:.0f} ({100 * s.low:.0f} to {100 * s.high:.0f})"
            for s in shares)

    mean, low, high = judged.nees
    return plots.calibration(judged, told.measures.reliability) + (
        f"<p>{judged.samples} samples, a second apart, of {judged.rounds} rounds; bounds at 95 %, rounds drawn anew. "
        "Ellipses held, of "
        f"{held(judged.place)} %; times of impact, of {held(judged.time)} %. Error of the tracks over what they state "
        "(NEES a state, 1 is honest): "
        f"{mean:.2f} ({low:.2f} to {high:.2f}). On the right, numbers count tracks a second that surely were of a "
        "round or an aircraft.</p>")


def _origin(line: RoundLine) -> str:
    """Where a round came from, as coarsely as a review may say it: an eighth of the sky and a band
    of distance.
    """
    if line.seen_from is None:
        return "—"
    bearing, distance = line.seen_from
    far = next((f"within {b / 1000:.0f} km" for b in BANDS if distance <= b), f"beyond {BANDS[-1] / 1000:.0f} km")
    return f"{SECTORS[round(bearing / (2.0 * math.pi) * 8) % 8]}, {far}"


def _about(told: Story) -> str:
    header = told.record.header
    pairs = [
        ("site", header.site), ("scenario", header.scenario), ("seed", told.record.seed), ("planned duration",
            seconds(header.duration)),
        ("feeds", ", ".join(header.feeds) or "—"), *sorted(told.record.machine.items())]
    return "<dl class='about'>" + "".join(f"<div><dt>{text(k)}</dt><dd>{text('—' if v is None else v)}</dd></div>"
        for k, v in pairs) + "</dl>"


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


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
