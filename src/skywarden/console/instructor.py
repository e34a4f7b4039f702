"""The instructor's side of an exercise: what is true, what is ready to be fired, what each trainee
looks at, and what the instructor wants.

    session's loop --take (with the truth)--> Instructor --views--> pages of instructors, and of
    nobody else
                   <--wishes: fire, freeze, rewind, branch-- POST /api/exercise

Nothing here is reachable from what builds a trainee's page: those modules know `Shown`, which has
no place for a truth.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from skywarden.messages.commands import ANSWER, NOTE, SHADOW, Command
from skywarden.messages.frame import Delivered
from skywarden.messages.moment import Moment
from skywarden.messages.truth import FLYING, INJECT_STATES, Truth

MOST_ROUNDS = 200  # true rounds shown at once
MOST_MARKS = 100  # newest marks of one trainee
ACTS = ("fire", "freeze", "blank", "on", "rewind", "branch", "end")


class Wish(NamedTuple):
    """What an instructor asked the session for."""

    do: str  # one of ACTS
    what: str  # the inject's name; else empty
    t: float  # of rewind and branch: the moment of the run [s]
    who: str


@dataclass
class Trainee:
    """What one trainee does just now, as the instructor sees it."""

    name: str
    seat: str = ""
    selected: int | None = None  # track picked on the page
    looks_at: float | None = None  # moment of the run that the page shows [s]; None: the newest
    marks: list[dict[str, Any]] = field(default_factory=list)  # notes, answers and shadow acts


class Instructor:
    """A sink that is handed the truth, and an inbox of what the instructor wants. Belongs to one
    exercise.

    title     of the scenario, which trainees are not told
    planned   by inject or message: what it is, in words, with its planned time
    wishes    takes what the session has to do
    """

    def __init__(self, title: str, planned: dict[str, dict[str, Any]], wishes: Callable[[Wish], str]) -> None:
        self.title, self._planned, self._wishes = title, planned, wishes
        self._lock = threading.Lock()
        self._states: dict[str, dict[str, Any]] = {}
        self._trainees: dict[str, Trainee] = {}
        self._messages: dict[str, dict[str, Any]] = {}
        self._truth: dict[str, Any] = {}
        self._t = 0.0
        self.scores: dict[str, Any] = {}  # whatever the session wants shown beside; never sent to trainees

    def begin(self) -> None:
        """Forget what was flown: the run begins anew, as on another branch."""
        with self._lock:
            self._states, self._messages, self._truth, self._t = {}, {}, {}, 0.0
            for trainee in self._trainees.values():
                trainee.marks.clear()

    def take(self, moment: Moment) -> None:
        """One moment with its truth."""
        with self._lock:
            self._t = moment.frame.t
            for message in moment.frame.delivered:
                self._messages[message.name] = _message(message)
            for command in moment.frame.commands:
                self._mark(moment.frame.t, command)
            if moment.truth is not None:
                self._true(moment.truth)

    def close(self) -> None:
        """Nothing is held."""

    def saw(self, user: str, seat: str, selected: int | None, looks_at: float | None) -> None:
        """What a trainee's page says of itself.

        user      name of the person
        seat      seat of the person
        selected  number of the track selected on the page, None for none
        looks_at  time the page looks back to [s], None for the present
        """
        with self._lock:
            trainee = self._trainees.setdefault(user, Trainee(user))
            trainee.seat, trainee.selected, trainee.looks_at = seat, selected, looks_at

    def wish(self, wish: Wish) -> str:
        """Hand a wish on to the session; the answer is why it cannot be, empty where it will be."""
        if wish.do == "fire" and wish.what not in self._planned:
            return f"There is no inject {wish.what!r}."
        return self._wishes(wish)

    def view(self) -> dict[str, Any]:
        """All of it, for an instructor's page."""
        with self._lock:
            injects = [
                {"name": name, **planned, **self._states.get(name, {"state": INJECT_STATES[0], "t": None, "who": ""})}
                for name, planned in self._planned.items()
            ]
            return {
                "type": "instructor",
                "t": round(self._t, 3),
                "title": self.title,
                "injects": injects,
                "truth": self._truth,
                "messages": list(self._messages.values()),
                "scores": self.scores,
                "trainees": [
                    {
                        "name": t.name,
                        "seat": t.seat,
                        "selected": t.selected,
                        "looks_at": t.looks_at,
                        "marks": t.marks[-MOST_MARKS:],
                    }
                    for t in self._trainees.values()
                ],
            }

    def _true(self, truth: Truth) -> None:
        for row in truth.injects:
            self._states[row.name] = {
                "state": row.state,
                "t": round(row.t, 2),
                "who": row.who,
                "number": row.number,
                "subject": row.subject,
            }
        r, a = truth.rounds, truth.aircraft
        flying = np.flatnonzero((r.outcome == FLYING) & np.isfinite(r.position[:, 0]))[:MOST_ROUNDS]
        self._truth = {
            "rounds": {
                "number": r.number[flying].tolist(),
                "x": np.round(r.position[flying, 0], 1).tolist(),
                "y": np.round(r.position[flying, 1], 1).tolist(),
                "z": np.round(r.position[flying, 2], 1).tolist(),
                "impact": np.round(r.t_impact[flying], 2).tolist(),
                "ix": np.round(r.impact[flying, 0], 1).tolist(),
                "iy": np.round(r.impact[flying, 1], 1).tolist(),
            },
            "aircraft": {
                "call": [bytes(c).decode("ascii", "replace").strip() for c in a.callsign],
                "x": np.round(a.position[:, 0], 1).tolist(),
                "y": np.round(a.position[:, 1], 1).tolist(),
                "z": np.round(a.position[:, 2], 1).tolist(),
                "transponder": a.transponder.tolist(),
            },
            "counts": {"rounds": len(r.outcome), "flying": int((r.outcome == FLYING).sum())},
        }

    def _mark(self, t: float, command: Command) -> None:
        if command.kind in (NOTE, ANSWER, SHADOW):
            trainee = self._trainees.setdefault(command.who, Trainee(command.who))
            trainee.marks.append(
                {"t": round(t, 2), "kind": command.kind, "subject": command.subject, "why": command.why}
            )
            if command.kind == ANSWER and command.subject in self._messages:
                self._messages[command.subject].setdefault("answers", []).append(
                    {"who": command.who, "t": round(t, 2), "said": command.why}
                )


def _message(message: Delivered) -> dict[str, Any]:
    return {
        "name": message.name,
        "t": round(message.t, 2),
        "kind": message.kind,
        "sender": message.sender,
        "texts": list(message.texts),
    }
