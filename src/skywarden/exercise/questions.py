"""Questions of knowledge, asked by a message of kind `question` whose fact `item=NAME` names one;
the right choice stays here.

    [[messages]]
    kind = "question"
    text = "A zone's probability is 0.6. What does that mean?"
    choices = ["a", "b", "c"]
    facts = ["item=probability"]
"""

from __future__ import annotations

from typing import NamedTuple


class Question(NamedTuple):
    """What is asked, and the answers to choose from."""

    text: str
    choices: tuple[str, ...]
    right: str


QUESTIONS: dict[str, Question] = {
    "probability": Question(
        "A zone stands at 0.6. What does that say?",
        ("a: six of ten such zones are hit", "b: six rounds are coming", "c: the zone is hit for certain"), "a"),
    "ellipse": Question(
        "An impact's ellipse is twice as long as it was. What changed?",
        ("a: the round is bigger", "b: the place is known less well", "c: the impact comes later"), "b"),
    "all-clear": Question(
        "The round missed. When does the all-clear come?",
        ("a: at once", "b: when you give it", "c: a set time after the last impact expected"), "c"),
    "acknowledge": Question(
        "What does acknowledging a warning change?",
        ("a: it ends the warning", "b: nothing but that it is known to be seen", "c: it warns the zone again"), "b"),
    "alarm": Question(
        "A zone is in danger and the system does not warn it. What do you do?",
        ("a: wait for the system", "b: raise the alarm by hand", "c: reclassify the track"), "b"),
    "correct": Question(
        "The system warned a zone that is surely in no danger. What do you do?",
        ("a: correct it", "b: acknowledge it", "c: shelve it"), "a"),
    "reclassify": Question(
        "A track has 0.97 of being a round and people are under it. The gate says it is a drone. What do you do?",
        ("a: call it an aircraft", "b: leave it a round", "c: shelve its warning"), "b"),
    "radar": Question(
        "A radar is shown as doubtful. What comes first?",
        ("a: note it", "b: switch it off", "c: nothing"), "a"),
    "channel": Question(
        "A siren does not answer while its zone is warned. What do you do?",
        ("a: raise the alarm again", "b: wait for the monthly test", "c: tell the people on another channel"), "c"),
    "aircraft": Question(
        "The tower says an aircraft crosses the apron. An engagement there (simulated) waits. What do you do?",
        ("a: consent, the screen is clear", "b: give no consent", "c: consent and hold"), "b"),
    "hold": Question(
        "In the rehearsal you doubt what a track is. What do you do?",
        ("a: hold", "b: consent", "c: release"), "a"),
    "mode": Question(
        "What do you say before your first act?",
        ("a: your name", "b: whether this is an exercise or live", "c: the time"), "b"),
    "exercise": Question(
        "What word belongs into every message in a drill?",
        ("a: exercise", "b: urgent", "c: test"), "a"),
    "relief": Question(
        "When may you take the watch?",
        ("a: when the other one leaves", "b: at the full hour", "c: after you have read back the facts"), "c"),
    "shelter": Question(
        "A zone's people need eight seconds. The impact is in ten. How long may you wait?",
        ("a: two seconds", "b: eight seconds", "c: ten seconds"), "a"),
    "lost": Question(
        "A track vanished before its impact. What became of the round?",
        ("a: it was stopped", "b: nobody knows: its time stands", "c: it never was"), "b"),
    "raid": Question(
        "Four zones are warned at once. Which do you see to first?",
        ("a: the largest", "b: the one that was warned first", "c: the one whose people have the least time"), "c"),
    "price": Question(
        "Why is not everybody warned of everything?",
        ("a: people stop heeding warnings", "b: sirens wear out", "c: it is forbidden"), "a"),
    "simulated": Question(
        "What does an order in this system reach?",
        ("a: the nearest effector", "b: the simulation, and nothing else", "c: the tower"), "b"),
    "truth": Question(
        "What are you graded by?",
        ("a: what really fell", "b: how fast you were alone", "c: what could be known when you acted"), "c"),
}
RIGHT = {name: question.right for name, question in QUESTIONS.items()}
