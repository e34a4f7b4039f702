"""Everybody's standing, recomputed each time from sealed records: nothing of it is kept anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from joserfc.jwk import OKPKey

from skywarden.errors import SkywardenError, UsageError
from skywarden.exercise import readiness
from skywarden.exercise.course import DAY, Course, Sitting, course
from skywarden.exercise.of_record import Exercise, read_exercise
from skywarden.exercise.reading import NOTE
from skywarden.exercise.roster import Shift
from skywarden.exercise.score import counts_towards
from skywarden.exercise.seal import check_seal
from skywarden.exercise.sequential import MASTERED
from skywarden.exercise.stimulus import COMPETENCIES, TRAPS
from skywarden.messages.commands import SHADOWING

OBSERVE, SHADOW, SUPERVISED, SOLO = "observe", "shadow", "supervised", "solo"
RUNGS = (OBSERVE, SHADOW, SUPERVISED, SOLO)
SHADOWED = ("C1", "C2", "C7")       # competencies to be mastered in a shadow seat
FORMS_SHADOWED, FORMS_SOLO, DAYS_SOLO = 3, 6, 3
WATCH_S = 45 * 60.0                 # length of the watch that has to be stood at night [s]
NIGHT_H = (18.0, 6.0)               # hours of the day, UTC, from and to which a watch counts as one at night
CLEAN = 60                          # newest trials that must hold no gate event
ASSESSORS = 2
WEEKS = 13                          # weeks ahead that a shift's readiness is told for
CAUGHT, MET = 0.8, 3                # share of the traps of a family to be caught, and how many at least


class Folder(NamedTuple):
    """The sealed exercises of a folder, and what could not be used, in words."""

    exercises: tuple[Exercise, ...]
    refused: tuple[str, ...]


class Standing(NamedTuple):
    """Where one person stands; `missing` is what the next rung still asks for."""

    who: str
    rung: str
    missing: tuple[str, ...]
    courses: Mapping[str, Course]
    sittings: tuple[Sitting, ...]


def sealed_in(folder: Path, key: OKPKey) -> Folder:
    """Every record in a folder that its seal vouches for, oldest first.

    key  the site's key, of which the public half is enough
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder: name the one that holds the exercises' records and their seals")
    found, refused = [], []
    for path in sorted(folder.glob("*.rec")):
        sealed = check_seal(path, key)
        if sealed.fault:
            refused.append(sealed.fault)
            continue
        try:
            found.append(read_exercise(path))
        except SkywardenError as error:
            refused.append(str(error))
    distinct = {exercise.seal: exercise for exercise in found}      # the same record twice is one exercise
    return Folder(tuple(sorted(distinct.values(), key=lambda e: (e.epoch_s, e.seal))), tuple(refused))


def sittings(exercises: Iterable[Exercise]) -> dict[str, list[Sitting]]:
    """By person: their part of each exercise, oldest first.

    exercises  the exercises
    """
    found: dict[str, list[Sitting]] = {}
    for exercise in exercises:
        sheet = exercise.sheet
        for seating in sheet.seatings:
            mine = found.setdefault(seating.who, [])
            notes = [act for act in sheet.acts if act.kind == NOTE and act.who != seating.who]
            words = [(act.who, act.subject.split()) for act in notes]
            begun, ended = max(seating.since, sheet.span[0]), min(seating.until, sheet.span[1])
            mine.append(Sitting(
                exercise.name, exercise.seal, exercise.form, exercise.epoch_s + begun, exercise.epoch_s + ended,
                    seating.seat,
                tuple(sorted(sheet.trials(seating), key=lambda t: t.stimulus.opened)), any(s.form == exercise.form
                    and s.seal != exercise.seal for s in mine),
                tuple((who, w[2] == "yes") for who, w in words if w[:2] == ["assessed", seating.who] and len(w) == 3),
                tuple(who for who, w in words if w == ["mentor", seating.who])))
    return found


def standing(who: str, mine: Sequence[Sitting], now: float) -> Standing:
    """The highest rung whose every condition, and that of those below it, holds now [s since
    1970].

    who   pseudonym of the person
    mine  the person's parts of exercises, oldest first
    """
    mine = [sitting for sitting in mine if sitting.at <= now]
    courses = {competency: course(mine, competency, now) for competency in COMPETENCIES}
    rung, missing = OBSERVE, _for_shadow(courses)
    if not missing:
        rung, missing = SHADOW, _for_supervised(mine, now)
    if rung == SHADOW and not missing:
        rung, missing = SUPERVISED, _for_solo(mine, courses)
    if rung == SUPERVISED and not missing:
        rung = SOLO
    return Standing(who, rung, tuple(missing), courses, tuple(mine))


def told(of: Standing, now: float) -> dict[str, Any]:
    """A standing as plain values.

    of   the standing
    now  present time [s since 1970]
    """
    skills = {c: skill_of(of.sittings, c) for c in COMPETENCIES}
    current = {c: 0.0 if skill is None else skill.enough(now) for c, skill in skills.items()}
    weakest = min(current, key=lambda c: (current[c], c))
    return {
        "rung": of.rung, "missing": list(of.missing), "exercises": len(of.sittings),
        "seals": sorted({s.seal for s in of.sittings}),
        "competencies": {c: _course_told(found, current[c], skills[c], now) for c, found in of.courses.items()},
        "train_next": weakest if current[weakest] < readiness.CURRENT else None}


def report(folder: Path, key: OKPKey, now: float, shifts: Sequence[Shift] = ()) -> dict[str, Any]:
    """Everybody's standing and every shift's readiness now [s since 1970], as plain values.

    folder  folder of the sealed records
    key     the site's key, of which the public half is enough
    shifts  the shifts
    """
    found = sealed_in(folder, key)
    people = sittings(found.exercises)
    weeks = [now + 7.0 * DAY * k for k in range(WEEKS)]
    return {
        "exercises": len(found.exercises), "refused": list(found.refused),
        "people": {who: told(standing(who, mine, now), now) for who, mine in sorted(people.items())},
        "shifts": {
            shift.name: {
                "needed": shift.needed, "people": list(shift.people),
                "ready": shift_ready([people.get(who, []) for who in shift.people], shift.needed, now),
                "ready_by_week": [
                    shift_ready([people.get(who, []) for who in shift.people], shift.needed, t) for t in weeks]}
            for shift in shifts}}


def skill_of(mine: Sequence[Sitting], competency: str) -> readiness.Skill | None:
    """What is believed of a person's skill in a competency.

    mine  the person's parts of exercises, oldest first
    """
    days = []
    for sitting in mine:
        outcomes = [t.right for t in sitting.trials if t.stimulus.competency == competency and counts_towards(t)]
        if outcomes:
            days.append((sitting.at, sum(outcomes), len(outcomes)))
    return readiness.follow(days)


def shift_ready(people: Sequence[Sequence[Sitting]], needed: int, now: float) -> float:
    """Probability that a shift has enough people who are current in every competency.

    needed  number of people the shift needs
    now     present time [s since 1970]
    """
    skills = [[skill_of(mine, c) for mine in people] for c in COMPETENCIES]
    return readiness.ready([[0.0 if s is None else s.enough(now) for s in row] for row in skills], needed)


def _course_told(found: Course, current: float, skill: readiness.Skill | None, now: float) -> dict[str, Any]:
    low, high = found.interval
    return {
        "state": found.state, "attempt": found.attempt, "n": found.n, "right": found.right, "interval": [low, high],
        "gate_events": found.gates, "expired": found.expired, "since_s": found.since, "current": current,
        "share_now": None if skill is None else list(skill.interval(now)), "refresh": current < readiness.CURRENT}


def _for_shadow(courses: Mapping[str, Course]) -> list[str]:
    return [] if courses["C0"].state == MASTERED else [f"C0 ({COMPETENCIES['C0']}) is {courses['C0'].state}"]


def _for_supervised(mine: Sequence[Sitting], now: float) -> list[str]:
    shadowed = [s for s in mine if s.seat == SHADOWING]
    later = [s for s in mine if s.seat != SHADOWING]
    missing = []
    for competency in SHADOWED:
        # what was shown in the shadow seat may be lost again in another one
        state = course(shadowed, competency, now).state
        lost = bool(later) and state == MASTERED and course([*shadowed, *later], competency, now).state != MASTERED
        if state != MASTERED or lost:
            said = "lost again" if lost else state
            missing.append(f"{competency} ({COMPETENCIES[competency]}) is {said} in a shadow seat")
    forms = len({s.form for s in shadowed})
    return missing + ([] if forms >= FORMS_SHADOWED else [f"{forms} of {FORMS_SHADOWED} forms in a shadow seat"])


def _for_solo(mine: Sequence[Sitting], courses: Mapping[str, Course]) -> list[str]:
    missing = [f"{c} ({COMPETENCIES[c]}) is {courses[c].state}" for c in COMPETENCIES if courses[c].state != MASTERED]
    unseen = [s for s in mine if not s.seen]
    forms, days = len({s.form for s in unseen}), len({int(s.at // DAY) for s in unseen})
    missing += [] if forms >= FORMS_SOLO else [f"{forms} of {FORMS_SOLO} unseen forms"]
    missing += [] if days >= DAYS_SOLO else [f"exercises on {days} of {DAYS_SOLO} days"]
    missing += [] if any(_night_watch(s) for s in unseen) else ["no watch of 45 minutes at night"]
    trials = [t for s in mine for t in s.trials if not t.stimulus.void]
    for family in TRAPS:
        met = [t.right for t in trials if family in t.stimulus.traps]
        if len(met) < MET or sum(met) < CAUGHT * len(met):
            missing.append(f"traps ({family}): {sum(met)} of {len(met)} caught")
    if any(t.gate for t in trials[-CLEAN:]):
        missing.append(f"a gate event in the last {CLEAN} trials")
    mentors = {who for s in mine for who in s.mentors}
    said: dict[str, bool] = {}
    for s in mine:
        said.update({who: yes for who, yes in s.assessed if who not in mentors})
    agreed = sum(said.values())
    return missing + ([] if agreed >= ASSESSORS else [f"{agreed} of {ASSESSORS} assessors who did not teach"])


def _night_watch(sitting: Sitting) -> bool:
    hour = sitting.at % DAY / 3600.0
    return sitting.until - sitting.at >= WATCH_S and (hour >= NIGHT_H[0] or hour < NIGHT_H[1])
