"""What had to be answered: messages to read back, probes of the picture, questions."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from skywarden.exercise.questions import RIGHT
from skywarden.exercise.reading import ANSWER, SAY, Instant, Told
from skywarden.exercise.stimulus import Stimulus
from skywarden.messages.picture import CLEAR
from skywarden.messages.tables import rows
from skywarden.site.model import Site

READ_BACK_S = 15.0      # time to read a message back where it says none [s]
PROBE_S = 30.0          # time to answer a probe where it says none [s]
AHEAD_S = 60.0          # how far ahead a probe about the future looks [s]
# What has to be said with every message of an exercise, in each language that it may be said in.
EXERCISE = ("exercise", "تمرین", "تمرين")
YES, NO, NONE = "yes", "no", "none"


class Words:
    """Collects what was told and asked; fed instants in their order."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._ahead: list[tuple[float, str, int]] = []      # until when, which zone, which stimulus
        self.stimuli: list[Stimulus] = []

    def take(self, now: Instant) -> None:
        """One instant.

        now  this instant of the record
        """
        self._look_ahead(now)
        for told in now.told:
            if told.kind == "message" and (told.fact("readback") is not None or math.isfinite(told.answer_s)):
                fields = tuple(value for key, value in told.facts if key == "readback")
                self.stimuli.append(_asked("message", told, now.t, READ_BACK_S, SAY, ("|".join(EXERCISE), *fields)))
            elif told.kind == "probe":
                self._probe(told, now)
            elif told.kind == "question" and told.fact("item") in RIGHT:
                right = RIGHT[str(told.fact("item"))]
                self.stimuli.append(_asked("question", told, now.t, PROBE_S, ANSWER, (right,)))

    def _probe(self, told: Told, now: Instant) -> None:
        ask, _, name = (told.fact("ask") or "").partition(" ")
        made = _asked("probe", told, now.t, PROBE_S, ANSWER, (self._answer(ask, name, now),))
        if ask == "future":
            self._ahead.append((now.t + AHEAD_S, name, len(self.stimuli)))
        if made.fields[0] or ask == "future":
            self.stimuli.append(made)

    def _look_ahead(self, now: Instant) -> None:
        """Zones that a probe about the future asked for, and that are warned now."""
        warned = self._warned(now)
        for until, name, row in self._ahead:
            if name in warned and now.t <= until:
                self.stimuli[row] = replace(self.stimuli[row], fields=(YES,))
        self._ahead = [(until, name, row) for until, name, row in self._ahead if until >= now.t]

    def _warned(self, now: Instant) -> set[str]:
        warnings = now.picture.warnings
        zones = warnings.zone[warnings.action != CLEAR].tolist()
        return {self._site.zones[zone].name for zone in zones if zone < len(self._site.zones)}

    def _answer(self, ask: str, name: str, now: Instant) -> str:
        """The right answer as the picture has it; empty of a question that is not known."""
        picture = now.picture
        if ask == "warned":
            return str(len(self._warned(now)))
        if ask == "tracks":
            return str(rows(picture.tracks))
        if ask == "raids":
            return str(len(set(picture.warnings.raid[picture.warnings.raid > 0].tolist())))
        if ask == "next":
            due = np.where(picture.warnings.action == CLEAR, math.nan, picture.warnings.t_impact)
            if not np.isfinite(due).any():
                return NONE
            return self._site.zones[int(picture.warnings.zone[int(np.nanargmin(due))])].name
        if ask == "radar":
            states = {radar.name: state for radar, state in zip(self._site.radars, picture.health.radars.tolist(),
                strict=False)}
            return "" if name not in states else YES if states[name] == 0 else NO
        return NO if ask == "future" else ""


def answered(fields: tuple[str, ...], words: str) -> int:
    """How many of the texts a person's words hold; one with | in it is held by any of its
    parts. Case and spaces do not count.

    fields  texts that a right answer holds
    """
    said = f" {_plain(words)} "
    return sum(any(f" {_plain(part)} " in said for part in wanted.split("|")) for wanted in fields)


def _plain(text: str) -> str:
    kept = "".join(character if character.isalnum() else " " for character in text.casefold())
    return " ".join(kept.split())


def _asked(task: str, told: Told, t: float, usual: float, act: str, fields: tuple[str, ...]) -> Stimulus:
    window = told.answer_s if math.isfinite(told.answer_s) and told.answer_s > 0.0 else usual
    return Stimulus(
        task, told.name, t, t + window, t + window, act, known=t, fields=fields,
        shown=(("from", told.sender), ("text", told.text)))
