"""Trials as xAPI statements (IEEE 9274.1.1), one JSON object a line, for a learning record store.
No name, address or path is in them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID, uuid5

from skywarden.exercise.of_record import Exercise
from skywarden.exercise.roster import pseudonymous
from skywarden.exercise.stimulus import COMPETENCIES, Trial

HOME = "https://skywarden.invalid/"     # a name that resolves nowhere: these ids name things and are no addresses
VERB = {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en": "answered"}}
NAMESPACE = UUID("8d6a1a55-52a3-5c0e-8f77-5c0e5c0e5c0e")
VERSION = "1.0.3"


def lines(exercise: Exercise) -> Iterator[str]:
    """A statement a trial, in the order of time, as text; the same record gives the same lines.

    exercise  the exercise as read from its record
    """
    for who in dict.fromkeys(seating.who for seating in exercise.sheet.seatings):
        for k, trial in enumerate(exercise.sheet.of(who)):
            yield json.dumps(_statement(exercise, trial, k), sort_keys=True, ensure_ascii=False, allow_nan=False)


def actor_of(who: str, seal: str) -> str:
    """A pseudonym as it is; of any other name a value that leads back to it by nothing in the
    statements.

    who   the name in the record
    seal  seal of the record
    """
    return who if pseudonymous(who) else "x-" + blake2b(f"{seal}|{who}".encode(), digest_size=8).hexdigest()


def _statement(exercise: Exercise, trial: Trial, k: int) -> dict[str, Any]:
    s, actor = trial.stimulus, actor_of(trial.who, exercise.seal)
    result: dict[str, Any] = {"success": trial.right, "completion": trial.acted, "response": trial.act}
    if trial.acted and s.timed and math.isfinite(trial.seconds):
        result["duration"] = f"PT{max(trial.seconds, 0.0):.2f}S"
    if math.isfinite(trial.protocol):
        result["score"] = {"scaled": trial.protocol}
    extensions = {
        f"{HOME}regret-people": trial.regret if math.isfinite(trial.regret) else None, f"{HOME}gate": trial.gate
            or None,
        f"{HOME}void": s.void}
    result["extensions"] = {name: value for name, value in extensions.items() if value is not None}
    at = exercise.epoch_s + (trial.at if math.isfinite(trial.at) else s.closes)
    return {
        "id": str(uuid5(NAMESPACE, f"{exercise.seal}|{actor}|{k}")), "version": VERSION, "verb": VERB, "result": result,
        "actor": {"objectType": "Agent", "account": {"homePage": HOME, "name": actor}},
        "object": {
            "id": f"{HOME}task/{s.task}", "objectType": "Activity",
            "definition": {"type": "http://adlnet.gov/expapi/activities/assessment", "name": {"en": s.task}}},
        "context": {"contextActivities": {
            "parent": [{"id": f"{HOME}record/{exercise.seal or 'unsealed'}"}],
            "grouping": [{"id": f"{HOME}competency/{s.competency}",
                "definition": {"name": {"en": COMPETENCIES[s.competency]}}}]}},
        "timestamp": datetime.fromtimestamp(round(at, 3), UTC).isoformat(timespec="milliseconds").replace("+00:00",
            "Z")}
