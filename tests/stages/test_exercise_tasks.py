"""Each task of an exercise: what asks for it, what does it, and what fails by itself."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from exercise_builders import Problem, moments, range_site

from skywarden.exercise.on_words import answered
from skywarden.exercise.reading import instants
from skywarden.exercise.settle import longest_common
from skywarden.exercise.sheet import read
from skywarden.exercise.stimulus import Trial
from skywarden.messages.frame import Delivered
from skywarden.messages.picture import Losses
from skywarden.messages.receipts import UNANSWERED, WORKING, Channels
from skywarden.site.model import Costs

TAKE = (0.0, "take", "watch", "amina")


def told(t: float, name: str, *facts: str, kind: str = "message", answer_s: float = math.nan) -> Delivered:
    return Delivered(t, name, "tower", kind, ("words",), facts, answer_s, ())


def trials(made: list[Any], task: str, who: str = "amina") -> list[Trial]:
    return [t for t in read(instants(made), range_site(2)).of(who) if t.stimulus.task == task]


def delivered(made: list[Any], *words: Delivered) -> list[Any]:
    return [m._replace(frame=m.frame._replace(delivered=tuple(w for w in words if w.t == m.frame.t))) for m in made]


def awaiting(made: list[Any], track: int, first: float, last: float) -> list[Any]:
    """The same with an engagement that waits for consent."""
    def drill(m: Any) -> Any:
        return m.drill._replace(awaiting=(track,) if first <= m.frame.t <= last else ())

    return [type(m)(m.frame, m.picture, drill(m), m.truth) for m in made]


def test_consent_is_right_unless_somebody_told_of_an_aircraft_there() -> None:
    problems = [Problem(10.0, 0.9, track=7)]
    made = awaiting(moments(problems, [TAKE, (15.0, "consent", "7", "amina")], 40.0, drill=True), 7, 12.0, 20.0)
    good, = trials(made, "consent")
    assert good.right
    assert good.seconds == 3.0
    assert not good.gate
    bad, = trials(delivered(made, told(11.0, "m1", "aircraft=zone-0")), "consent")
    assert not bad.right
    assert bad.gate == "consented although told of an aircraft there"
    elsewhere, = trials(delivered(made, told(11.0, "m1", "aircraft=zone-1")), "consent")
    assert elsewhere.right
    ended = delivered(made, told(11.0, "m1", "aircraft=any"), told(13.0, "m1", kind="end"))
    assert trials(ended, "consent")[0].right
    silent = awaiting(moments(problems, [TAKE], 40.0, drill=True), 7, 12.0, 20.0)
    assert not trials(silent, "consent")[0].right
    assert trials(delivered(silent, told(11.0, "m1", "aircraft=any")), "consent")[0].right


def test_doubt_asks_for_a_hold_in_the_rehearsal() -> None:
    for held, right in (([(22.0, "hold", "all", "amina")], True), ([], False), ([(35.0, "hold", "all", "amina")],
        False)):
        made = delivered(moments([], [TAKE, *held], 60.0, drill=True), told(20.0, "m1", "aircraft=any", "until=50"))
        assert [t.right for t in trials(made, "hold")] == [right]
    # nothing is rehearsed
    assert trials(delivered(moments([], [TAKE], 60.0), told(20.0, "m1", "aircraft=any")), "hold") == []


def test_a_message_is_read_back_in_time_with_every_field_and_the_word_exercise() -> None:
    word = told(10.0, "m1", "readback=north gate", "readback=six", answer_s=15.0)
    for words, t, share in (
            ("Exercise: six by the North Gate", 14.0, 1.0), ("six by the north gate", 14.0, 2 / 3),
                ("exercise, sixteen", 14.0, 1 / 3),
            ("Exercise: six by the north gate", 30.0, 0.0), ("تمرین six north gate", 14.0, 1.0)):
        made = delivered(moments([], [TAKE, (t, "say", "m1 tower", "amina", words)], 60.0), word)
        found, = trials(made, "message")
        assert math.isclose(found.protocol, share), words
        assert found.right == (share == 1.0), words
    assert answered(("north gate",), "northgate") == 0


def test_probes_are_answered_by_what_the_picture_held() -> None:
    problems = [Problem(10.0, 0.9, warned=1.0), Problem(40.0, 0.9, warned=1.0, zone=1)]
    for ask, right, wrong in (("ask=warned", "1", "2"), ("ask=next", "zone-0", "zone-1"), ("ask=future zone-1", "yes",
        "no"),
                              ("ask=raids", "1", "3")):
        for value, good in ((right, True), (wrong, False)):
            made = moments(problems, [TAKE, (22.0, "answer", "m1", "amina", value)], 80.0)
            found, = trials(delivered(made, told(20.0, "m1", ask, kind="probe")), "probe")
            assert (found.right, found.seconds) == (good, 2.0), (ask, value)
    question = told(20.0, "m2", "item=ellipse", kind="question")
    found, = trials(delivered(moments([], [TAKE, (24.0, "answer", "m2", "amina", "b")], 60.0), question), "question")
    assert found.right
    assert found.stimulus.competency == "C0"


def test_a_radar_and_a_channel_that_fail_are_noted_and_told_in_order() -> None:
    def failing(commands: list[Any]) -> list[Any]:
        made = moments([], [TAKE, *commands], 70.0)
        channels = [Channels.none()._replace(
            name=np.array([b"siren-1"], "S64"), state=np.array([UNANSWERED if m.frame.t >= 40.0 else WORKING],
                np.int8)) for m in made]
        dead = [m.picture._replace(health=m.picture.health._replace(radars=np.array([int(m.frame.t >= 10.0)],
            np.int8))) for m in made]
        return [m._replace(frame=m.frame._replace(channels=c), picture=p) for m, c, p in zip(made, channels, dead,
            strict=True)]

    whole = [(13.0, "note", "radar benchmark", "amina"), (14.0, "say", "- crew", "amina", "radar silent"),
             (44.0, "note", "channel siren-1", "amina"), (45.0, "say", "- gate", "amina", "take cover")]
    for task, seconds in (("radar", 3.0), ("channel", 4.0)):
        found, = trials(failing(whole), task)
        assert found.right
        assert found.protocol == 1.0
        assert found.seconds == seconds
        missed, = trials(failing([]), task)
        assert not missed.right
        assert missed.protocol == 0.0
    backwards, = trials(failing([(12.0, "say", "- crew", "amina", "x"), (13.0, "note", "radar benchmark", "amina")]),
        "radar")
    assert backwards.protocol == 0.5
    assert not backwards.right
    assert longest_common("abcd", "acbd") == 3


def test_seven_of_nine_facts_read_back_right_score_seven_of_nine() -> None:
    right = {"warned": "1", "next": "zone-0", "unacknowledged": "1", "shelved": "0", "rounds": "1", "radars": "0",
        "channels": "0"}
    given = {**right, "held": "all", "status": "tight"}       # none is held, and nothing is rehearsed
    commands = [TAKE, *((15.0, "answer", f"handover {fact}", "omid", value) for fact, value in given.items()),
                (18.0, "take", "watch", "omid", "relief")]
    found = trials(moments([Problem(10.0, 0.9, warned=1.0)], commands, 60.0), "handover", "omid")
    assert (sum(t.right for t in found), len(found)) == (7, 9)
    assert trials(moments([], [TAKE], 20.0), "handover") == []      # the very beginning is no hand-over


def test_who_shadows_reads_back_at_a_hand_over_and_is_scored_by_the_same_facts() -> None:
    shadow = [TAKE, (0.0, "take", "shadow", "lina"), (15.0, "answer", "handover warned", "lina", "1")]
    for passing in ((18.0, "take", "watch", "omid", "relief"), (18.0, "shadow", "take watch", "lina")):
        found = trials(moments([Problem(10.0, 0.9, warned=1.0)], [*shadow, passing], 60.0), "handover", "lina")
        assert (sum(t.right for t in found), len(found)) == (1, 9)


def test_the_mode_is_stated_before_the_first_act_and_a_try_at_a_live_channel_fails_by_itself() -> None:
    acts = [(12.0, "alarm", "zone-0", "amina")]
    first, = trials(moments([], [TAKE, (5.0, "note", "mode exercise", "amina"), *acts], 30.0), "mode")
    late, = trials(moments([], [TAKE, *acts, (14.0, "note", "mode exercise", "amina")], 30.0), "mode")
    assert first.right
    assert not late.right
    tried, = trials(moments([], [TAKE, (5.0, "note", "mode exercise", "amina"), (9.0, "note", "attempt siren-1",
        "amina")], 30.0), "mode")
    assert tried.gate
    assert not tried.right


def test_a_round_that_no_radar_sees_and_an_observer_tells_of_has_to_be_warned_of() -> None:
    word = told(10.0, "m1", "danger=zone-0", "due=34", "sure=0.95", "until=60")
    made = delivered(moments([], [TAKE, (14.0, "alarm", "zone-0", "amina")], 80.0), word)
    seen, = trials(made, "detect")
    assert seen.right
    assert seen.seconds == 4.0
    assert seen.stimulus.traps == ("gone",)
    assert not trials(delivered(moments([], [TAKE], 80.0), word), "detect")[0].right


def test_a_warning_that_was_right_when_it_was_given_is_not_wrong_because_the_round_misses() -> None:
    missing = [Problem(10.0, 0.6, warned=1.0, lasts=20.0, seen=6.0)]       # from then on nothing endangers the zone
    alarm, = trials(moments(missing, [TAKE], 80.0), "alarm")
    assert alarm.stimulus.best == "warn"
    assert alarm.right
    assert alarm.regret == 0.0


def test_where_the_site_states_its_costs_the_losses_that_the_picture_carries_decide() -> None:
    site = replace(range_site(), costs=Costs(stated=True))
    made = moments([Problem(10.0, 0.9, warned=1.0)], [TAKE], 60.0)

    def carrying(warned: float) -> list[Any]:
        losses = Losses.empty()._replace(
            zone=np.array([0], np.int32), unwarned=np.array([4.5]), warned=np.array([warned]),
                waited=np.array([warned]),
            probability=np.array([0.9]), threshold=np.array([0.2]), t_impact=np.array([30.0]), why=np.zeros(1, np.int8),
            reason=np.zeros(1, np.int8), over=np.array([math.nan]))
        return [m._replace(picture=m.picture._replace(losses=losses if m.picture.threats.zone.size else Losses.empty()))
                for m in made]

    for warned, best in ((1.0, "warn"), (6.0, "spare")):
        alarm = next(t for t in read(instants(carrying(warned)), site).of("amina") if t.stimulus.task == "alarm")
        assert (alarm.stimulus.best, alarm.regret) == (best, max(0.0, warned - 4.5))
