"""The watch: exactly one person holds it, who takes it reads back what stands, and none of it is believed."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
from fake import Play, kabul

from skywarden.console.exercising import seated
from skywarden.console.requests import RefusedError
from skywarden.measures.watch import FACTS, WatchLog
from skywarden.messages import commands
from skywarden.messages.commands import Command
from skywarden.messages.drill import CLEAR_TO_ENGAGE, Clearance, Order

SITE = kabul()
ZONE = SITE.zones[0].name


def told(t, kind, subject, who, why=""):
    return Command(t, kind, subject, who, why)


def flown(*by_time):
    """The watch after each of the moments (t, commands…) of a made-up run."""
    log, play = WatchLog(SITE), Play(SITE)
    for t, *said in by_time:
        log.take(play.moment(t, tuple(said)))
        yield log


def last(*by_time):
    return list(flown(*by_time))[-1].now


def test_exactly_one_person_has_the_watch_after_every_frame():
    said = [
        (0.0, told(0.0, commands.TAKE, "watch", "mira")), (1.0,), (2.0, told(2.0, commands.TAKE, "watch", "tom")),
        (3.0, told(3.0, commands.TAKE, "watch", "mira"), told(3.0, commands.TAKE, "watch", "zoe")),
        (4.0, told(4.0, commands.TAKE, "observer", "zoe"))]
    for log in flown(*said):
        assert list(log.now.seats.values()).count("watch") == 1
        assert log.now.seats[log.now.holder] == "watch"
    assert [(one.before, one.after) for one in log.now.handovers] == [("", "mira"), ("mira", "tom"), ("tom", "mira"),
        ("mira", "zoe")]


def test_seven_facts_of_nine_read_back_right_are_seven_of_nine():
    before = last((0.0, told(0.0, commands.TAKE, "watch", "mira")), (12.0,))
    assert set(before.facts) == set(FACTS)
    said = {fact: value if row < 7 else "nonsense" for row, (fact, value) in enumerate(before.facts.items())}
    answers = [told(12.0, commands.ANSWER, f"handover {fact}", "tom", value) for fact, value in said.items()]
    after = last((0.0, told(0.0, commands.TAKE, "watch", "mira")), (12.0,), (12.1, *answers),
        (12.2, told(12.2, commands.TAKE, "watch", "tom")))
    assert (after.handovers[-1].read, after.handovers[-1].right) == (9, 7)


def test_a_fact_that_changed_while_it_was_read_is_right_and_one_that_is_long_over_is_not():
    start = (0.0, told(0.0, commands.TAKE, "watch", "mira"))
    alarm = (1.0, told(1.0, commands.ALARM, ZONE, "mira", "x"))
    soon, late = (3.0, told(3.0, commands.ANSWER, "handover warned", "tom", "0")), (90.0, told(90.0, commands.ANSWER,
        "handover warned", "tom", "0"))
    assert last(start, alarm, (2.0,), soon)._read["tom"]["warned"] == (3.0, True)
    quiet = [(float(t),) for t in range(2, 90)]
    assert last(start, alarm, *quiet, late)._read["tom"]["warned"][1] is False


def test_an_unacknowledged_warning_is_named_until_somebody_sees_it_or_puts_it_aside():
    start, alarm = (0.0, told(0.0, commands.TAKE, "watch", "mira")), (1.0, told(1.0, commands.ALARM, ZONE, "mira", "x"))
    assert last(start, alarm).unacknowledged == (ZONE,)
    assert last(start, alarm, (1.2, told(1.2, commands.ACKNOWLEDGE, ZONE, "tom"))).unacknowledged == ()
    aside = (1.2, told(1.2, commands.SHELVE, f"2 {ZONE}", "tom"))
    assert last(start, alarm, aside).facts["shelved"] == "1"
    assert last(start, alarm, aside, (4.0,)).unacknowledged == (ZONE,)


def test_in_the_middle_of_a_rehearsed_engagement_the_watch_is_taken_with_a_reason_only():
    log, play = WatchLog(SITE), Play(SITE)
    moment = play.moment(5.0, (told(5.0, commands.TAKE, "watch", "mira"),))
    clearance = Clearance(1, 0, 5.0, 9.0, True, CLEAR_TO_ENGAGE, math.nan, -1, math.inf)
    log.take(moment._replace(drill=moment.drill._replace(orders=(Order(1, 0, 5.0, 9.0, clearance),))))
    asked = told(0.0, commands.TAKE, "watch", "tom")
    with pytest.raises(RefusedError, match="under way for 3 s more"):
        seated(asked, "operator", log.now, 6.0, False)
    assert seated(asked._replace(why="he has fainted"), "operator", log.now, 6.0, False).why
    with pytest.raises(RefusedError, match="Read back every fact"):
        seated(asked, "operator", log.now, 9.0, False)


def test_what_people_do_within_ten_minutes_of_a_handover_is_marked():
    log = list(flown(
        (0.0, told(0.0, commands.TAKE, "watch", "mira")), (1.0, told(1.0, commands.HOLD, "all", "mira")),
        (2.0, told(2.0, commands.TAKE, "watch", "tom")), (3.0, told(3.0, commands.RELEASE, "all", "tom"))))[-1]
    assert [command.kind for _, command in log.after_handover] == [commands.RELEASE]
