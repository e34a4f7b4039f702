"""The operators' part of the after-action report: what people did, when after the warning, and what
nobody did.
"""

from __future__ import annotations

import math
from statistics import median

from skywarden.measures.ledger import WarningLine
from skywarden.measures.watch import AFTER_S, FACTS
from skywarden.messages import commands
from skywarden.review.html import number, seconds, table, text
from skywarden.review.story import Story

DEEDS = {
    commands.ACKNOWLEDGE: "acknowledged", commands.SHELVE: "put aside", commands.ALARM: "raised by hand",
    commands.CANCEL: "cancelled a manual alarm",
    commands.GIVE_CLEAR: "gave the all-clear",
    commands.CORRECT: "corrected: the warning was wrong", commands.RECLASSIFY: "reclassified",
    commands.CONSENT: "consented (simulated)",
    commands.HOLD: "held (simulated)", commands.RELEASE: "released a hold (simulated)",
    commands.WEAPONS: "weapon control status (simulated)",
    commands.PACE: "pace of the run",
}
SOON = " (soon after a hand-over)"       # said of what was done within ten minutes of one
FIGURES = (commands.ACKNOWLEDGE, commands.RECLASSIFY, commands.ALARM, commands.CORRECT, commands.SHELVE,
    commands.CONSENT, commands.HOLD)


def section(told: Story) -> str:
    """Figures, every act in its order, and the warnings that nobody acknowledged.

    told  everything the record tells of the run
    """
    operators = told.measures.operators
    if not operators.acts:
        return "<p>Nobody gave a command.</p>" + _unseen(told) + _handovers(told)
    rows = [
        (seconds(act.t), act.who or "nobody",
         DEEDS.get(act.kind, act.kind) + (SOON if act.soon else ""), _about(act.kind, act.subject),
         seconds(None if math.isnan(act.after) else act.after), act.why or "—")
        for act in operators.acts
    ]
    more = f"<p>{operators.more} more commands are in the record.</p>" if operators.more else ""
    return _figures(told) + table(("at", "who", "did what", "about", "after the warning", "why"),
        rows) + more + _unseen(told) + _handovers(told)


def seen(line: WarningLine) -> str:
    """Who acknowledged a warning, and how long after it was raised.

    line  the warning
    """
    return ("nobody" if line.seen_at is None else f"{line.seen_by or 'nobody named'}, "
        f"{seconds(line.seen_at - line.raised)} after")


def because(line: WarningLine) -> str:
    """The tracks a warning was raised for: how probably each comes down there, and how surely it is
    a round.

    line  the warning
    """
    if line.manual and not line.because:
        return "by hand"
    told = [f"track {track}: {100 * p:.0f} %" + ("" if math.isnan(sure) else f", a round by {100 * sure:.0f} %")
        for track, p, sure in line.because]
    return "; ".join(told) or "—"


def _figures(told: Story) -> str:
    operators, lines = told.measures.operators, told.measures.warnings()
    waited = operators.until_seen(lines)
    shown: list[tuple[str, str]] = [
        ("people who commanded", number(len({act.who for act in operators.acts}))), ("warnings acknowledged",
            f"{len(waited)} of {len(lines)}"),
        ("median time to acknowledge", seconds(median(waited) if waited else None)), ("longest time to acknowledge",
            seconds(max(waited, default=None))),
    ]
    counts = {kind: sum(act.kind == kind for act in operators.acts) for kind in FIGURES}
    shown += [(DEEDS[kind], number(n)) for kind, n in counts.items() if n]
    return '<dl class="figures">' + "".join(f"<div><dt>{text(label)}</dt><dd>{text(value)}</dd></div>" for label,
        value in shown) + "</dl>"


def _handovers(told: Story) -> str:
    """Who passed the watch to whom, what they had read back, and what was done soon after, when
    errors cluster.
    """
    watch = told.measures.operators.watch
    passed = [one for one in watch.now.handovers if one.before]
    if not passed:
        return ""
    acts = told.measures.operators.acts
    after = [sum(0.0 <= act.t - one.t < AFTER_S for act in acts) for one in passed]
    rows = [
        (seconds(one.t), one.before, one.after, f"{one.right} of {len(FACTS)}", str(one.unacknowledged), one.why or "—",
         str(count))
        for one, count in zip(passed, after, strict=True)]
    head = ("at", "from", "to", "facts read back right", "warnings not acknowledged", "reason",
        "acts within ten minutes")
    return "<h3>The watch was handed over</h3>" + table(head, rows)


def _unseen(told: Story) -> str:
    names = [told.site.zones[line.zone].name for line in told.measures.warnings() if line.seen_at is None]
    return f'<p class="note">Acknowledged by nobody: {text(", ".join(names))}.</p>' if names else ""


def _about(kind: str, subject: str) -> str:
    """A command's subject as a sentence has it."""
    first, _, rest = subject.partition(" ")
    if kind == commands.SHELVE:
        return f"{rest}: brought back" if first == "0" else f"{rest}: for {first} s"
    if kind == commands.RECLASSIFY:
        return f"track {first}: the mark taken back" if rest == commands.UNMARKED else f"track {first}: {rest}"
    if kind == commands.PACE:
        return "stands still" if first == "0" else f"{first} times"
    return f"track {subject}" if kind == commands.CONSENT and subject != "any" else subject
