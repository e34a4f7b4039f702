"""Scores of one exercise, a person and a task at a time. There is no total: each axis stands for
itself.

Every figure is defined in docs/models/scoring.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from skywarden.exercise import reaction, sequential, signal
from skywarden.exercise.oracle import DISMISS, KEEP, SPARE, WARN
from skywarden.exercise.reaction import Wait
from skywarden.exercise.reading import Seating
from skywarden.exercise.sheet import SCALES, Sheet
from skywarden.exercise.signal import Counts
from skywarden.exercise.stimulus import COMPETENCIES, COMPETENCY, Trial
from skywarden.messages.commands import ALARM, HOLD

YES_OR_NO = ("judge", "alarm", "consent")       # tasks with signals and noise
WEIGHED = ("alarm", "judge")                    # tasks with expected losses
HOUR = 3600.0                                   # s


def score(sheet: Sheet) -> dict[str, Any]:
    """The scores of everybody who had a scored seat, as plain values; the same sheet gives the
    same values.
    """
    people = dict.fromkeys(seating.who for seating in sheet.seatings)
    return {
        "resolution_s": sheet.frame_s, "frames": sheet.frames, "from_s": number(sheet.span[0]),
            "to_s": number(sheet.span[1]),
        "people": {who: person(sheet, who) for who in people}}


def person(sheet: Sheet, who: str) -> dict[str, Any]:
    """All axes of one person.

    sheet  everything there was to decide, and what people did
    who    pseudonym of the person
    """
    seatings = [seating for seating in sheet.seatings if seating.who == who]
    trials = sheet.of(who)
    counted = [trial for trial in trials if not trial.stimulus.void]
    return {
        "seats": [{"seat": s.seat, "from_s": number(s.since), "to_s": number(min(s.until, sheet.span[1]))}
            for s in seatings],
        "competencies": competencies([counted]),
        "tasks": {task: axis(task, [counted]) for task in COMPETENCY if any(t.stimulus.task == task for t in counted)},
        "decision_quality": number(decision_quality(counted)),
        "false_alarms_per_hour": false_alarms(sheet, who, seatings),
        "false_holds_per_hour": false_holds(sheet, who, seatings),
        "reliance": reliance(counted),
        "workload": workload(sheet.workload(who)),
        "vigilance": vigilance(counted),
        "gates": [{"at_s": number(t.at), "task": t.stimulus.task, "about": t.stimulus.about, "why": t.gate}
            for t in counted if t.gate],
        "void": len(trials) - len(counted),
        "trials": [told(trial) for trial in trials],
    }


def competencies(forms: Sequence[Sequence[Trial]], attempts: dict[str, int] | None = None) -> dict[str, Any]:
    """By competency: trials, share done right with its exact interval, state of the sequential
    test, gate events.

    forms     the trials of each exercise, oldest first
    attempts  number of earlier attempts by competency, None for a first one
    """
    found: dict[str, Any] = {}
    for competency, name in COMPETENCIES.items():
        mine = [t for form in forms for t in form if t.stimulus.competency == competency and counts_towards(t)]
        right = sum(trial.right for trial in mine)
        gates = sum(bool(trial.gate) for trial in mine)
        attempt = (attempts or {}).get(competency, 1)
        verdict = sequential.verdict((trial.right for trial in mine), attempt)
        state = sequential.NOT_YET if gates else verdict.state
        low, high = signal.proportion(right, len(mine))
        found[competency] = {
            "name": name, "n": len(mine), "right": right, "share": right / len(mine) if mine else None,
                "interval": [low, high],
            "state": state, "decided_after": verdict.used if verdict.state != sequential.UNKNOWN else None,
            "log_likelihood_ratio": verdict.ratio, "attempt": attempt, "gate_events": gates,
            "gate_events_at_most": sequential.at_most(gates, len(mine))}
    return found


def axis(task: str, forms: Sequence[Sequence[Trial]]) -> dict[str, Any]:
    """The figures of one task over some exercises.

    forms  trials of each exercise
    """
    mine = [[t for t in form if t.stimulus.task == task] for form in forms]
    flat = [trial for form in mine for trial in form]
    right = sum(trial.right for trial in flat)
    told_of: dict[str, Any] = {
        "n": len(flat), "right": right, "share": right / len(flat) if flat else None,
        "interval": list(signal.proportion(right, len(flat))), "times": times(waits(flat))}
    if task in YES_OR_NO:
        told_of["detection"] = detected([counts(form) for form in mine if form])
    if task in WEIGHED:
        told_of["decision_quality"] = number(decision_quality(flat))
        told_of["regret_people"] = math.fsum(trial.regret for trial in flat)
    steps = [trial.protocol for trial in flat if not math.isnan(trial.protocol)]
    if steps:
        told_of["protocol"] = math.fsum(steps) / len(steps)
    return told_of


def counts(trials: Sequence[Trial]) -> Counts:
    """Answers to signals and to noise.

    trials  decisions as they were met
    """
    signals = [t for t in trials if t.stimulus.signal]
    noises = [t for t in trials if t.stimulus.signal is False]
    return Counts(sum(bool(t.yes) for t in signals), len(signals), sum(bool(t.yes) for t in noises), len(noises))


def decision_quality(trials: Sequence[Trial]) -> float:
    """1 - regret / regret of doing nothing, over every decision with expected losses; nan where
    doing nothing was best.

    trials  decisions as they were met
    """
    weighed = [trial for trial in trials if trial.stimulus.task in WEIGHED]
    passive = math.fsum(trial.passive for trial in weighed)
    return 1.0 - math.fsum(trial.regret for trial in weighed) / passive if passive > 0.0 else math.nan


def waits(trials: Sequence[Trial]) -> list[Wait]:
    """Times of the trials that called for an act, at pace 1."""
    return [Wait(t.seconds if t.acted else max(t.stimulus.closes - _since(t), 0.0), t.acted) for t in trials
            if t.stimulus.timed and called_for(t) and not (t.acted and math.isnan(t.seconds))]


def called_for(trial: Trial) -> bool:
    """Whether the best was to do something: not so where the system's own act was the best, or
    nothing was.

    trial  a decision as it was met
    """
    s = trial.stimulus
    if s.task == "alarm":
        return s.best != s.automation[0]
    return s.best == DISMISS if s.task == "judge" else s.signal is not False


def counts_towards(trial: Trial) -> bool:
    """Whether a trial says anything of mastery: it asked for an act, or one was done. Who sits
    still masters nothing.
    """
    return not trial.stimulus.void and (trial.stimulus.task == "consent" or trial.acted or called_for(trial))


def reliance(trials: Sequence[Trial]) -> dict[str, Any]:
    """How somebody leaned on the system where it was right and where it was wrong, and whether
    the two are told apart.

    trials  decisions as they were met
    """
    acted = [t for t in trials if t.stimulus.automation[0] in (WARN, SPARE, KEEP, DISMISS)
        and t.stimulus.task in WEIGHED]
    wrong = [t for t in acted if t.stimulus.automation[0] != t.stimulus.best]
    right = [t for t in acted if t.stimulus.automation[0] == t.stimulus.best]
    followed = sum(t.act == t.stimulus.automation[0] for t in wrong)
    overridden = sum(t.act != t.stimulus.automation[0] for t in right)
    families = sorted({trap for t in trials for trap in t.stimulus.traps})
    traps = {family: [t for t in trials if family in t.stimulus.traps] for family in families}
    return {
        "system_wrong": len(wrong), "followed_when_wrong": followed / len(wrong) if wrong else None,
        "system_right": len(right), "overrode_when_right": overridden / len(right) if right else None,
        # an override is the answer yes to: the system is wrong here
        "trust": detected([Counts(len(wrong) - followed, len(wrong), overridden, len(right))]),
        "traps": {family: {"n": len(met), "caught": sum(t.right for t in met)} for family, met in traps.items()}}


def false_alarms(sheet: Sheet, who: str, seatings: Sequence[Seating]) -> dict[str, Any] | None:
    """Manual alarms while nothing was to be decided, an hour of such time.

    sheet     everything there was to decide, and what people did
    who       pseudonym of the person
    seatings  who sat where, when
    """
    spans = _within(sheet.quiet, seatings)
    given = [act.t for act in sheet.acts if act.who == who and act.kind == ALARM]
    return _per_hour(sum(any(a <= t < b for a, b in spans) for t in given), math.fsum(b - a for a, b in spans) / HOUR)


def false_holds(sheet: Sheet, who: str, seatings: Sequence[Seating]) -> dict[str, Any] | None:
    """Holds without a doubt, an hour on duty.

    sheet     everything there was to decide, and what people did
    who       pseudonym of the person
    seatings  who sat where, when
    """
    on_duty = _within([sheet.span], seatings)
    given = [act.t for act in sheet.acts if act.who == who and act.kind == HOLD]
    false = sum(not any(a <= t <= b for a, b in sheet.doubted) for t in given)
    return _per_hour(false, math.fsum(b - a for a, b in on_duty) / HOUR)


def workload(scales: dict[str, float]) -> dict[str, Any] | None:
    """The raw task load index: the mean of its six scales; None unless all six were given."""
    if not scales:
        return None
    whole = math.fsum(scales[scale] for scale in SCALES) / len(SCALES) if len(scales) == len(SCALES) else None
    return {"scales": {scale: scales.get(scale) for scale in SCALES}, "raw_tlx": whole}


def vigilance(trials: Sequence[Trial]) -> dict[str, Any] | None:
    """Change of hits and times over a long watch, of the trials that called for an act."""
    asked = [t for t in trials if called_for(t) and t.stimulus.timed]
    found = reaction.slope(
        [t.stimulus.opened for t in asked], [t.right for t in asked], [t.seconds if t.acted else math.nan
            for t in asked])
    if found is None:
        return None
    return {"n": len(asked), **{f"{name}_per_10_min": number(value) for name, value in found._asdict().items()}}


def times(given: Sequence[Wait]) -> dict[str, Any] | None:
    """Kaplan-Meier as plain values.

    given  seconds to each act, or until it was too late to act
    """
    found = reaction.times(given)
    if found is None:
        return None
    return {
        "n": found.n, "missed": found.missed, "median_s": found.median, "quartiles_s": list(found.quartiles),
        "median_interval_s": list(found.median_interval), "not_yet_acted": [list(point) for point in found.curve]}


def detected(forms: Sequence[Counts]) -> dict[str, Any] | None:
    """Detection theory as plain values; the counts alone where there is no signal, or no noise.

    forms  counts of each exercise
    """
    if not forms or not any(sum(form) for form in forms):
        return None
    total = Counts(*(sum(column) for column in zip(*forms, strict=True)))
    found = signal.detection(forms)
    figures = {} if found is None else {
        "hit_rate": found.rates[0], "false_alarm_rate": found.rates[1], "d_prime": found.d_prime, "c": found.criterion,
        "d_prime_interval": list(found.d_prime_interval), "c_interval": list(found.criterion_interval)}
    return {**total._asdict(), **figures}


def told(trial: Trial) -> dict[str, Any]:
    """One trial as plain values."""
    s = trial.stimulus
    return {
        "task": s.task, "competency": s.competency, "about": s.about, "opened_s": number(s.opened),
            "decide_s": number(s.decide),
        "closes_s": number(s.closes), "known_s": number(s.known), "knowable": {k: plain(v) for k, v in s.shown},
        "system": s.automation[0], "best": s.best, "act": trial.act, "at_s": number(trial.at), "right": trial.right,
        "acted": trial.acted, "seconds": number(trial.seconds), "regret_people": number(trial.regret),
        "passive_regret_people": number(trial.passive), "protocol": number(trial.protocol), "gate": trial.gate,
        "traps": list(s.traps), "timed": s.timed, "void": s.void}


def number(value: float) -> float | None:
    """None for what is no number: JSON knows neither nan nor infinity.

    value  the number
    """
    return value if math.isfinite(value) else None


def plain(value: float | str) -> float | str | None:
    """A value that JSON knows."""
    return number(value) if isinstance(value, float) else value


def _since(trial: Trial) -> float:
    return trial.stimulus.opened if math.isnan(trial.stimulus.known) else trial.stimulus.known


def _within(spans: Sequence[tuple[float, float]], seatings: Sequence[Seating]) -> list[tuple[float, float]]:
    cut = [(max(a, s.since), min(b, s.until)) for a, b in spans for s in seatings]
    return [(a, b) for a, b in cut if b > a]


def _per_hour(events: int, hours: float) -> dict[str, Any] | None:
    found = signal.rate_per_hour(events, hours)
    if found is None:
        return None
    return {"events": events, "hours": hours, "rate": found[0], "interval": [found[1], found[2]]}
