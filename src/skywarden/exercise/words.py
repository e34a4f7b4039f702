"""What a debrief says, by language. A language that lacks a text falls back on English; whoever
translates adds a table here.

Keys are the same in every language. `{...}` stands where a figure or a name goes. Numbers and clock
times keep Latin digits.
"""

from __future__ import annotations

from collections.abc import Mapping

from skywarden.exercise.dari import DARI
from skywarden.exercise.pashto import PASHTO

RIGHT_TO_LEFT = ("fa", "fa-AF", "ps")

ENGLISH: Mapping[str, str] = {
    "title": "Debrief",
    "exercise": "EXERCISE",
    "of": "Of {who}",
    "record": "Record",
    "seal": "Seal",
    "unsealed": "not closed in order",
    "graded": "Everything here is graded by what could be known when you acted. What really fell is in no grade.",
    "competencies": "What you showed",
    "competency": "Competency",
    "trials": "Trials",
    "right": "Right",
    "interval": "95 % interval",
    "state": "State",
    "mastered": "mastered",
    "not yet": "not yet",
    "unknown": "not yet known",
    "axes": "Each axis for itself",
    "task": "Task",
    "sensitivity": "d' (telling apart)",
    "criterion": "c (leaning to no above 0)",
    "median": "Half had acted after",
    "missed": "Missed",
    "quality": "Decision quality",
    "quality_note": "1 is the best that could be done then, 0 is worth no more than the empty chair",
    "luck": "Luck",
    "luck_note": "{people} people: what chance added to your decisions. It is shown, and graded nowhere.",
    "decisions": "Decision by decision",
    "moment": "at {t}",
    "knowable": "What could be known",
    "done": "What you did",
    "best": "The best",
    "expert": "An expert",
    "regret": "Cost of the difference",
    "people": "{n} people",
    "after": "{s} s after it was the best act",
    "nothing": "nothing",
    "again": "Look again: skywarden replay {record} --from {t} --console",
    "good": "right",
    "bad": "not right",
    "gate": "Fails by itself: {why}",
    "void": "void: the run was broken off",
    "untimed": "not timed",
    "sustain": "Keep doing",
    "improve": "Do better",
    "next": "Next exercise",
    "sustain_line": "{name}: {right} of {n} right",
    "improve_line": "{task}: {wrong} of {n} not right, {regret} people lost to it",
    "nothing_to_improve": "Nothing stood out.",
    "nothing_to_sustain": "Too little was shown yet.",
    "next_none": "A longer watch, with traps among long reliable stretches.",
    "next_C0": "The questions of knowledge, until each is plain.",
    "next_C1": "A watch with several raids: see every warning, and what the system does not see.",
    "next_C2": "A form with ghosts and drones among the rounds.",
    "next_C3": "A form in which the system is at times silent and at times wrong.",
    "next_C4": "A rehearsal with traffic: hold on doubt, and listen to the tower.",
    "next_C5": "A watch in which a radar and a siren fail.",
    "next_C6": "A watch with many messages to read back.",
    "next_C7": "Two hand-overs in one watch.",
    "next_C8": "Say the mode first; then a short drill.",
    "next_C9": "A watch of 45 minutes with probes.",
    "C0": "know",
    "C1": "see",
    "C2": "judge",
    "C3": "warn",
    "C4": "rehearse safely",
    "C5": "degraded modes",
    "C6": "communicate",
    "C7": "hand over",
    "C8": "drill or live",
    "C9": "endure",
    "acknowledge": "acknowledge a warning",
    "detect": "see what the system does not",
    "judge": "round or none",
    "alarm": "warn or spare",
    "hold": "hold on doubt",
    "consent": "consent (simulated)",
    "radar": "a radar fails",
    "channel": "a channel fails",
    "message": "read a message back",
    "handover": "facts of a hand-over",
    "mode": "state the mode",
    "probe": "probe",
    "question": "question",
    "warn": "warn",
    "spare": "do not warn",
    "keep": "leave it a round",
    "dismiss": "call it no round",
    "note": "note it",
    "say": "say it",
    "answer": "answer",
    "probability": "probability",
    "seconds to impact": "seconds to impact",
    "tracks": "tracks",
    "radars in doubt": "radars in doubt",
    "system's probability": "the system's probability",
    "people under it": "people under it",
    "because": "because",
    "it is": "it is",
    "told of an aircraft there": "told of an aircraft there",
    "from": "from",
    "text": "text",
    "it was": "it was",
    "read back": "read back",
    "picture": "The picture then: zones, the warned ones filled; tracks and where they are expected to fall",
}
LANGUAGES: dict[str, Mapping[str, str]] = {"en": ENGLISH, "fa": DARI, "ps": PASHTO}


class Words:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._table = LANGUAGES.get(language) or LANGUAGES.get(language.partition("-")[0]) or ENGLISH

    @property
    def direction(self) -> str:
        """How a page of this language is laid out."""
        return "rtl" if self.language in RIGHT_TO_LEFT and self._table is not ENGLISH else "ltr"

    def __call__(self, key: str, **figures: object) -> str:
        """A text; the key itself where no language has it, as of a person's own words."""
        text = self._table.get(key) or ENGLISH.get(key, key)
        return text.format(**figures) if figures else text
