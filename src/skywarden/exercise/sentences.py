"""Scores as a terminal shows them."""

from __future__ import annotations

from typing import Any


def scores(found: dict[str, Any]) -> str:
    """Everybody's competencies and axes, a line each.

    found  the scores, as `score_record` gives them
    """
    lines = []
    for who, person in found["people"].items():
        lines.append(f"{who or 'nobody named'}: {len(person['trials'])} trials")
        for competency, told in person["competencies"].items():
            if told["n"]:
                gate = f", {told['gate_events']} gate events" if told["gate_events"] else ""
                low, high = told["interval"]
                share = f"{told['right']} of {told['n']} right ({low:.2f} to {high:.2f})"
                lines.append(f"  {competency} {told['name']}: {share}: {told['state']}{gate}")
        for task, told in person["tasks"].items():
            lines += _task(task, told)
        quality = person["decision_quality"]
        lines.append(f"  decision quality {'—' if quality is None else f'{quality:.3f}'}")
        lines += [f"  gate event at {gate['at_s']} s: {gate['why']} ({gate['about']})" for gate in person["gates"]]
        exam = person["exam"]
        lines.append("  as an exam: " + ("passed" if exam["passed"] else "not passed: " + "; ".join(exam["why_not"])))
        luck = found["luck"].get(who, {}).get("people")
        if luck is not None:
            lines.append(f"  luck {luck:+.1f} people (shown, not graded)")
    return "\n".join(lines) or "Nobody was on duty, and nobody gave a command."


def _task(task: str, told: dict[str, Any]) -> list[str]:
    lines = []
    detection = told.get("detection")
    if detection and "d_prime" in detection:
        low, high = detection["d_prime_interval"]
        lines.append(f"  {task}: d' {detection['d_prime']:.2f} ({low:.2f} to {high:.2f}), c {detection['c']:+.2f}")
    times = told["times"]
    if times and times["n"]:
        median = times["median_s"]
        said = "half never acted" if median is None else f"median {median:.1f} s"
        lines.append(f"  {task}: {said}, {times['missed']} of {times['n']} missed")
    return lines


def standings(found: dict[str, Any]) -> str:
    """Where everybody stands, what is missing, and how ready each shift is.

    found  the standings, as `standing.report` gives them
    """
    lines = [f"{found['exercises']} sealed exercises"]
    lines += [f"not used: {fault}" for fault in found["refused"]]
    for who, person in found["people"].items():
        lines.append(f"{who}: {person['rung']} after {person['exercises']} exercises")
        for competency, told in person["competencies"].items():
            if told["n"]:
                refresh = ", to be refreshed" if told["refresh"] else ""
                share = f"{told['right']} of {told['n']} right"
                lines.append(f"  {competency}: {told['state']}, {share}, current with {told['current']:.2f}{refresh}")
        lines += [f"  missing: {what}" for what in person["missing"]]
        if person["train_next"]:
            lines.append(f"  train next: {person['train_next']}")
    for name, shift in found["shifts"].items():
        of = f"{shift['needed']} of {len(shift['people'])} needed"
        lines.append(f"shift {name}: ready with {shift['ready']:.2f} ({of})")
    return "\n".join(lines)
