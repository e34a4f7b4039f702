"""The debrief of one person: one page that needs no network, no script and no other file, in that
person's language.

Decision by decision, side by side: what could be known, what was done, the best, what an expert
policy did, and the picture of that moment. What was true is nowhere in it but in the luck.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from skywarden.errors import RecordError, UsageError
from skywarden.exercise import luck, policies
from skywarden.exercise.drawing import STYLE_OF_PICTURES, draw
from skywarden.exercise.of_record import Exercise, read_exercise
from skywarden.exercise.score import competencies, person
from skywarden.exercise.sequential import MASTERED
from skywarden.exercise.stimulus import NOTHING, Trial
from skywarden.exercise.words import Words
from skywarden.record.reader import Record, foreign
from skywarden.review.html import table, text
from skywarden.review.page import STYLE

MOST_PICTURES = 150         # pictures drawn on a page, the decisions that were not right first
WORST = 3                   # tasks named to do better
ENOUGH = 0.95               # share done right that is worth keeping up
LEAST = 3                   # trials of a competency from which something is said of it


def write(record: Path, out: Path, who: str = "", language: str = "en") -> None:
    """Write the debrief of a record. Raises RecordError or UsageError where it cannot be.

    out       the HTML file to write
    who       pseudonym of the person, empty for who sat longest
    language  code of the language
    """
    exercise = read_exercise(record)
    person_of = who or longest(exercise)
    if person_of not in {seating.who for seating in exercise.sheet.seatings}:
        names = ", ".join(sorted({seating.who for seating in exercise.sheet.seatings})) or "nobody"
        raise UsageError(f"{record}: {person_of or 'nobody'} had no scored seat; {names} had. Name one with --who")
    made = page(exercise, person_of, record, Words(language))
    try:
        out.write_text(made, encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{out}: the debrief cannot be written: {error.strerror}. Name another with --out") from None


def longest(exercise: Exercise) -> str:
    """Who had a scored seat for the longest time; empty: nobody.

    exercise  the exercise as read from its record
    """
    had: dict[str, float] = {}
    for seating in exercise.sheet.seatings:
        until = min(seating.until, exercise.sheet.span[1])
        had[seating.who] = had.get(seating.who, 0.0) + until - max(seating.since, exercise.sheet.span[0])
    return min(had, key=lambda who: (-had[who], who)) if had else ""


def page(exercise: Exercise, who: str, record: Path, say: Words) -> str:
    """The whole page; the same record gives the same one.

    exercise  the exercise as read from its record
    who       pseudonym of the person
    say       sentences of the page in its language
    """
    trials = exercise.sheet.of(who)
    expert = _expert(exercise, trials)
    began = datetime.fromtimestamp(int(exercise.epoch_s), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    head = (
        f'<header><span class="kind simulation">{text(say("exercise"))}</span><h1>{text(say("title"))}</h1>'
        f'<p>{text(say("of", who=who))} · <bdi>{began}</bdi></p>'
        f'<p>{text(say("seal"))} <bdi>{text(exercise.seal or say("unsealed"))}</bdi></p>'
        f'<p class="note">{text(say("graded"))}</p></header>')
    sections = (
        (say("competencies"), _competencies(trials, say)), (say("axes"), _axes(exercise, who, trials, say)),
        (say("sustain"), _sustain(trials, say)), (say("improve"), _improve(trials, say)),
            (say("next"), _next(trials, say)),
        (say("decisions"), _decisions(exercise, record, trials, expert, say)))
    body = "".join(f"<section><h2>{text(name)}</h2>{content}</section>" for name, content in sections)
    return (
        f'<!doctype html><html lang="{text(say.language)}" dir="{say.direction}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">'
        f'<title>{text(say("title"))}</title><style>{STYLE}{STYLE_OF_PICTURES}{CARDS}</style></head>'
        f"<body><main>{head}{body}</main></body></html>\n")


def _expert(exercise: Exercise, trials: Sequence[Trial]) -> dict[tuple[str, str, float], str]:
    """What the expert policy does about each stimulus, always the same for the same record."""
    stimuli = [trial.stimulus for trial in trials if trial.stimulus.task not in ("handover", "mode")]
    chance = np.random.Generator(np.random.PCG64(int(exercise.form[:16], 16)))
    played = policies.trials(stimuli, policies.EXPERT, chance)
    return {(t.stimulus.task, t.stimulus.about, t.stimulus.opened): _act(t) for t in played}


def _act(trial: Trial) -> str:
    after = "" if not trial.acted or math.isnan(trial.seconds) else f"|{trial.seconds:.1f}"
    return trial.act + after


def _competencies(trials: Sequence[Trial], say: Words) -> str:
    found = competencies([[t for t in trials if not t.stimulus.void]])
    rows = [(f"{c} {say(c)}", told["n"], told["right"], f"{told['interval'][0]:.2f} – {told['interval'][1]:.2f}",
        say(told["state"]))
            for c, told in found.items() if told["n"]]
    return table([say(k) for k in ("competency", "trials", "right", "interval", "state")], rows)


def _axes(exercise: Exercise, who: str, trials: Sequence[Trial], say: Words) -> str:
    found = person(exercise.sheet, who)
    rows = []
    for task, told in found["tasks"].items():
        detection, times = told.get("detection") or {}, told["times"] or {}
        rows.append((
            say(task), told["n"], told["right"], _two(detection.get("d_prime")), _two(detection.get("c")),
            _seconds(times.get("median_s")), times.get("missed", "—")))
    heads = [say(k) for k in ("task", "trials", "right", "sensitivity", "criterion", "median", "missed")]
    chance = [value for value in (luck.luck(t, exercise.falls) for t in trials if not t.stimulus.void)
        if math.isfinite(value)]
    lines = f'<p>{text(say("quality"))}: <bdi>{_two(found["decision_quality"])}</bdi>. {text(say("quality_note"))}.</p>'
    if chance:
        note = say("luck_note", people=f"{math.fsum(chance):+.1f}")
        lines += f'<p class="note">{text(say("luck"))}: {text(note)}</p>'
    return table(heads, rows) + lines


def _sustain(trials: Sequence[Trial], say: Words) -> str:
    found = competencies([[t for t in trials if not t.stimulus.void]])
    kept = [say("sustain_line", name=say(c), right=told["right"], n=told["n"]) for c, told in found.items()
            if told["n"] >= LEAST and (told["state"] == MASTERED or told["share"] >= ENOUGH)
                and not told["gate_events"]]
    return _list(kept or [say("nothing_to_sustain")])


def _improve(trials: Sequence[Trial], say: Words) -> str:
    counted = [t for t in trials if not t.stimulus.void]
    wrong = Counter(t.stimulus.task for t in counted if not t.right)
    lost = {task: math.fsum(t.regret for t in counted if t.stimulus.task == task and math.isfinite(t.regret))
        for task in wrong}
    worst = sorted(wrong, key=lambda task: (-lost[task], -wrong[task], task))[:WORST]
    lines = [say("gate", why=t.gate) for t in counted if t.gate]
    lines += [say("improve_line", task=say(task), wrong=wrong[task], n=sum(t.stimulus.task == task for t in counted),
                  regret=f"{lost[task]:.1f}") for task in worst]
    return _list(lines or [say("nothing_to_improve")])


def _next(trials: Sequence[Trial], say: Words) -> str:
    """What to train next: the competency with a gate event, else the one done worst."""
    found = competencies([[t for t in trials if not t.stimulus.void]])
    weak = {c: (not told["gate_events"], told["share"], c) for c, told in found.items()
            if told["n"] and (told["gate_events"] or told["share"] < ENOUGH)}
    return _list([say(f"next_{min(weak, key=lambda c: weak[c])}" if weak else "next_none")])


def _decisions(exercise: Exercise, record: Path, trials: Sequence[Trial], expert: dict[Any, str], say: Words) -> str:
    order = sorted(range(len(trials)), key=lambda k: (trials[k].right and not trials[k].gate, k))
    drawn = set(order[:MOST_PICTURES])
    with foreign(record), Record(record) as opened:
        return "".join(_card(exercise, opened if k in drawn else None, trial, expert, say) for k,
            trial in enumerate(trials))


def _card(exercise: Exercise, opened: Record | None, trial: Trial, expert: dict[Any, str], say: Words) -> str:
    s = trial.stimulus
    clock = f"{int(max(s.opened, 0.0)) // 60:02d}:{max(s.opened, 0.0) % 60.0:04.1f}"
    verdict = say("void") if s.void else say("good") if trial.right else say("bad")
    known = [f"{say(name)}: {_value(value)}" for name, value in s.shown] or ["—"]
    done = _told(_act(trial), say)
    if trial.gate:
        done += " · " + say("gate", why=trial.gate)
    mine = expert.get((s.task, s.about, s.opened))
    columns = [
        (say("knowable"), _list(known)), (say("done"), f"<p>{text(done)}</p>"),
            (say("best"), f"<p>{text(say(s.best))}</p>"),
        (say("expert"), f"<p>{text('—' if mine is None else _told(mine, say))}</p>")]
    if math.isfinite(trial.regret):
        columns.append((say("regret"), f"<p>{text(say('people', n=f'{trial.regret:.1f}'))}</p>"))
    chance = luck.luck(trial, exercise.falls)
    if math.isfinite(chance):
        columns.append((say("luck"), f"<p>{text(say('people', n=f'{chance:+.1f}'))}</p>"))
    moment = None if opened is None else opened.at(min(max(s.decide, s.opened), exercise.sheet.span[1]))
    picture = "" if moment is None else draw(moment.picture, exercise.site, s.about, say("picture"))
    again = say("again", record=exercise.name, t=f"{max(s.opened - 5.0, 0.0):.0f}")
    cells = "".join(f"<div><h4>{text(name)}</h4>{content}</div>" for name, content in columns)
    return (
        f'<article class="{"void" if s.void else "good" if trial.right else "bad"}"><h3>{text(say(s.task))} · '
        f"<bdi>{text(s.about)}</bdi> · {text(say('moment', t=clock))} · {text(verdict)}</h3>"
        f'<div class="side">{cells}</div>{picture}<p class="again"><bdi>{text(again)}</bdi></p></article>')


def _told(act: str, say: Words) -> str:
    """An act, and how long after it was the best one."""
    name, _, after = act.partition("|")
    said = say("nothing" if name == NOTHING else name)
    return f"{said}, {say('after', s=after)}" if after else said


def _value(value: float | str) -> str:
    return value if isinstance(value,
        str) else "—" if not math.isfinite(value) else f"{value:.2f}".rstrip("0").rstrip(".")


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{text(line)}</li>" for line in lines) + "</ul>"


def _two(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"


def _seconds(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f} s"


CARDS = """
article{border-inline-start:5px solid var(--line);padding:.2rem 1rem .6rem;margin:1rem 0;break-inside:avoid}
article.bad{border-color:#d55e00}
article.good{border-color:#0072b2}article.void{opacity:.7}h3{font-size:1rem;margin:.3rem 0}
h4{font-size:.82rem;color:var(--faint);margin:.2rem 0;font-weight:600}
.side{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:4px 18px}
.side p,.side ul{margin:.1rem 0;padding-inline-start:0;list-style:none}
.again{color:var(--faint);font-size:.8rem;overflow-wrap:anywhere}
"""
