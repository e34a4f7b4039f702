"""Scores of an exercise come from what could be known, from nothing else, and are those that one
works out by hand.
"""

from __future__ import annotations

import json
import math
import sqlite3
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from exercise_builders import PEOPLE, Problem, moments, recorded

from skywarden.exercise import keys, reaction, sequential, signal
from skywarden.exercise.of_record import read_exercise, score_record
from skywarden.exercise.reaction import Wait
from skywarden.exercise.seal import check_seal, write_seal
from skywarden.exercise.signal import Counts
from skywarden.record.header import FORMAT, digest, link
from skywarden.record.reader import Record

PRICE = 0.25        # of a warning, a person: the policy's own threshold
EVERY_S = 60.0      # between two problems
ACKNOWLEDGED_S = (1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 5.0, 9.0)     # after the warning, of ten


def forty() -> tuple[list[Problem], list[tuple[float, str, str, str]]]:
    """Ten each of: warned rightly; nothing to warn of; not seen by the system; warned wrongly.
    And what was done.
    """
    problems, commands = [], [(0.0, "take", "watch", "amina"), (1.0, "note", "mode exercise", "amina")]
    for k in range(40):
        begins = 30.0 + EVERY_S * k
        dangerous, warned = k // 10 in (0, 2), k // 10 in (0, 3)
        problems.append(Problem(begins, 0.9 if dangerous else 0.1, warned=1.0 if warned else None))
    for k, wait in enumerate(ACKNOWLEDGED_S):
        commands.append((31.0 + EVERY_S * k + wait, "acknowledge", "zone-0", "amina"))
    commands += [(30.0 + EVERY_S * k + 4.0, "alarm", "zone-0", "amina") for k in (10, 11)]
    commands += [(30.0 + EVERY_S * k + 4.0, "alarm", "zone-0", "amina") for k in range(20, 27)]
    commands += [(30.0 + EVERY_S * k + 3.0, "correct", "zone-0", "amina") for k in range(30, 36)]
    return problems, commands


def a_record(path: Path, falls: Any = (), **changes: Any) -> Path:
    problems, commands = forty()
    return recorded(path, moments(problems, commands, 30.0 + 40 * EVERY_S, falls=falls), **changes)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    path = a_record(tmp_path_factory.mktemp("exercise") / "forty.rec")
    return path, score_record(path)


def test_forty_trials_worked_by_hand_come_out_to_a_trillionth(scored: tuple[Path, dict[str, Any]]) -> None:
    person = scored[1]["people"]["amina"]
    z = NormalDist().inv_cdf
    alarm = person["tasks"]["alarm"]
    # ten warned by the system and seven by hand of twenty; two and four of twenty
    hit, false = 17.5 / 21.0, 6.5 / 21.0
    found = alarm["detection"]
    assert (found["hits"], found["signals"], found["false_alarms"], found["noises"]) == (17, 20, 6, 20)
    for name, by_hand in (("hit_rate", hit), ("false_alarm_rate", false), ("d_prime", z(hit) - z(false)),
                          ("c", -0.5 * (z(hit) + z(false)))):
        assert abs(found[name] - by_hand) < 1e-12, name

    missed, needless = (0.9 - PRICE) * PEOPLE, (PRICE - 0.1) * PEOPLE      # not warned, and warned for nothing
    regret = 3 * missed + (2 + 4) * needless
    assert abs(alarm["regret_people"] - regret) < 1e-12
    assert abs(person["decision_quality"] - (1.0 - regret / (10 * missed + 10 * needless))) < 1e-12

    times = person["tasks"]["acknowledge"]["times"]
    by_hand = [(1.0, 19 / 20), (2.0, 11 / 20), (3.0, 9 / 20), (4.0, 8 / 20), (5.0, 7 / 20), (9.0, 6 / 20)]
    assert times["missed"] == 6
    assert times["median_s"] == 3.0
    assert all(abs(t - at) < 1e-12 and abs(s - still) < 1e-12
               for (t, s), (at, still) in zip(times["not_yet_acted"], by_hand, strict=False))
    assert person["tasks"]["detect"]["right"] == 7
    assert person["tasks"]["detect"]["times"]["median_s"] == 4.0

    # mastery: what asked for an act, or in which one was done; not the ten that the system warned rightly
    ratio = 0.0
    for right in [False] * 2 + [True] * 7 + [False] * 3 + [True] * 6 + [False] * 4:
        ratio += math.log(0.95 / 0.8) if right else math.log(0.05 / 0.2)
        if not math.log(0.1 / 0.95) < ratio < math.log(0.9 / 0.05):
            break
    c3 = person["competencies"]["C3"]
    assert (c3["n"], c3["right"], c3["state"]) == (22, 13, "mastered" if ratio > 0.0 else "not yet")
    assert abs(c3["log_likelihood_ratio"] - ratio) < 1e-12
    # as an exam: 13 of 22 is less than 0.65
    assert not person["exam"]["passed"]
    assert any(why.startswith("C3: 13 of 22") for why in person["exam"]["why_not"])
    reliance = person["reliance"]
    assert reliance["system_wrong"] == 20
    assert reliance["followed_when_wrong"] == 7 / 20
    assert reliance["overrode_when_right"] == 2 / 60        # twenty about zones, forty about tracks
    assert reliance["traps"]["gone"] == {"n": 20, "caught": 14}
    assert reliance["traps"]["wrong"] == {"n": 10, "caught": 6}


def test_the_same_record_gives_the_same_bytes_and_needs_no_other_file(
    scored: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, first = scored
    moved = tmp_path / "moved.rec"
    moved.write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert json.dumps(score_record(moved), sort_keys=True) == json.dumps(first, sort_keys=True)


def test_another_truth_under_the_same_pictures_and_acts_changes_luck_and_no_grade(
    scored: tuple[Path, dict[str, Any]], tmp_path: Path,
) -> None:
    fell = [(30.0 + EVERY_S * k + 20.0, 0.0, 0.0) for k in range(40)]
    other = score_record(a_record(tmp_path / "other.rec", falls=fell))
    apart = {"luck", "record"}
    assert {k: v for k, v in other.items() if k not in apart} == {k: v for k, v in scored[1].items() if k not in apart}
    assert other["luck"]["amina"]["people"] != scored[1]["luck"]["amina"]["people"]
    # without one round, chance spared everybody whom an unwarned danger threatened
    spared = -(3 * 0.9 + (8 + 6) * 0.1) * PEOPLE
    assert abs(scored[1]["luck"]["amina"]["people"] - spared) < 1e-9


def test_times_count_at_pace_one_only_and_what_a_break_tears_apart_is_void(tmp_path: Path) -> None:
    problems = [Problem(30.0 + EVERY_S * k, 0.9, warned=1.0) for k in range(3)]
    commands = [
        (0.0, "take", "watch", "amina"), (33.0, "acknowledge", "zone-0", "amina"), (80.0, "pace", "4", "teacher"),
        (93.0, "acknowledge", "zone-0", "amina"), (120.0, "pace", "1", "teacher"), (152.0, "break", "resumed",
            "skywarden"),
        (153.0, "acknowledge", "zone-0", "amina")]
    told = score_record(recorded(tmp_path / "torn.rec", moments(problems, commands, 220.0)))["people"]["amina"]
    seen = [t for t in told["trials"] if t["task"] == "acknowledge"]
    assert [(t["timed"], t["void"]) for t in seen] == [(True, False), (False, False), (True, True)]
    assert told["tasks"]["acknowledge"]["n"] == 2
    assert told["tasks"]["acknowledge"]["times"]["n"] == 1


def test_what_came_before_a_branch_counts_in_the_record_that_was_branched_from_alone(tmp_path: Path) -> None:
    problems = [Problem(30.0 + EVERY_S * k, 0.9) for k in range(2)]
    commands = [(0.0, "take", "watch", "amina"), (70.0, "break", "branched", "teacher"), (95.0, "alarm", "zone-0",
        "amina")]
    told = score_record(recorded(tmp_path / "branch.rec", moments(problems, commands, 160.0)))["people"]["amina"]
    assert told["tasks"]["detect"]["n"] == told["tasks"]["detect"]["right"] == 1
    assert told["void"] >= 2


def test_a_shadow_seat_is_scored_by_what_it_would_have_done(tmp_path: Path) -> None:
    problems = [Problem(30.0, 0.9)]
    commands = [
        (0.0, "take", "watch", "amina"), (0.0, "take", "shadow", "omid"), (35.0, "shadow", "alarm zone-0", "omid")]
    people = score_record(recorded(tmp_path / "shadow.rec", moments(problems, commands, 80.0)))["people"]
    assert people["omid"]["tasks"]["detect"]["right"] == 1
    assert people["amina"]["tasks"]["detect"]["right"] == 0
    assert people["omid"]["decision_quality"] == 1.0
    assert people["amina"]["decision_quality"] == 0.0


def test_calling_a_sure_round_an_aircraft_fails_by_itself(tmp_path: Path) -> None:
    problems = [Problem(30.0, 0.9, sure=0.99, track=7)]
    commands = [(0.0, "take", "watch", "amina"), (40.0, "reclassify", "7 aircraft", "amina")]
    told = score_record(recorded(tmp_path / "gate.rec", moments(problems, commands, 80.0)))["people"]["amina"]
    assert [gate["about"] for gate in told["gates"]] == ["track 7"]
    assert told["competencies"]["C2"]["state"] == "not yet"


@pytest.mark.parametrize("careers", [400, pytest.param(2000, marks=pytest.mark.prove)])
def test_who_does_eight_of_ten_right_is_not_promoted_and_who_does_nineteen_of_twenty_is(careers: int) -> None:
    chance = np.random.default_rng(careers)

    def promoted(share: float) -> float:
        states = [sequential.verdict(bool(x < share) for x in chance.random(600)).state for _ in range(careers)]
        return states.count(sequential.MASTERED) / careers

    assert promoted(0.80) <= 0.08
    assert promoted(0.95) >= 0.88


def test_attempt_after_attempt_does_not_wear_the_test_down() -> None:
    chance, ever = np.random.default_rng(7), 0
    for _ in range(400):
        ever += any(sequential.verdict((bool(x < 0.8) for x in chance.random(600)),
            attempt).state == sequential.MASTERED
                    for attempt in range(1, 11))
    assert ever / 400 <= 0.10


@pytest.mark.parametrize("runs", [60, pytest.param(1000, marks=pytest.mark.prove)])
def test_intervals_of_sensitivity_hold_what_they_say(runs: int) -> None:
    chance, normal = np.random.default_rng(runs), NormalDist()
    for trials, runs_of in ((120, runs), (30, runs)):
        for d_prime, c in ((0.5, 0.0), (1.5, -0.5), (2.5, 0.5)):
            held = 0
            for _ in range(runs_of):
                hits, false = (int(chance.binomial(trials, normal.cdf(side * 0.5 * d_prime - c))) for side in (1, -1))
                found = signal.detection([Counts(hits, trials, false, trials)])
                assert found is not None
                held += found.d_prime_interval[0] <= d_prime <= found.d_prime_interval[1]
            slack = 0.0 if runs >= 1000 else 0.08      # of so few runs
            high = 1.0 if trials < signal.FEW or slack else 0.98
            assert 0.92 - slack <= held / runs_of <= high, (trials, d_prime, c, held / runs_of)


def test_a_miss_is_no_fast_time_and_a_long_watch_shows_its_slope() -> None:
    found = reaction.times([Wait(2.0, True), Wait(3.0, False), Wait(5.0, True), Wait(9.0, False)])
    assert found is not None
    assert found.curve[0] == (2.0, 0.75)
    assert abs(dict(found.curve)[5.0] - 0.375) < 1e-12      # half of the two that were still at risk
    at = np.arange(0.0, 3600.0, 30.0)
    slope = reaction.slope(at.tolist(), [True] * len(at), np.exp(0.1 * at / 600.0).tolist())
    assert slope is not None
    assert abs(slope.log_seconds - 0.1) < 1e-9
    assert abs(slope.log_odds_of_a_hit) < 0.1
    assert reaction.slope(at[:60].tolist(), [True] * 60, [1.0] * 60) is None


def forged(path: Path, chance: np.random.Generator) -> None:
    """One byte of one blob changed, and every digest that a forger can work out written anew."""
    base = sqlite3.connect(path)
    rows = base.execute("SELECT n, frame, picture, drill, truth FROM moments ORDER BY n").fetchall()
    which, column = int(chance.integers(len(rows))), int(chance.choice([1, 2, 4]))
    blob = bytearray(rows[which][column])
    place = int(chance.integers(len(blob)))
    blob[place] ^= 1 << int(chance.integers(8))
    rows[which] = (*rows[which][:column], bytes(blob), *rows[which][column + 1:])
    with Record(path) as record:
        before = record.header.digest(FORMAT)
    for n, frame, picture, drill, truth in rows:
        mark = digest(before, n.to_bytes(8, "little"), frame)
        others = [None if part is None else digest(mark, part) for part in (picture, drill, truth)]
        base.execute(
            "UPDATE moments SET frame=?, frame_digest=?, picture=?, picture_digest=?, drill_digest=?, truth=?,"
            " truth_digest=? WHERE n=?", (frame, mark, picture, others[0], others[1], truth, others[2], n))
        before = link(mark, others[0], others[1], others[2], FORMAT)
    base.execute("UPDATE header SET value=? WHERE key='seal'", (before,))
    base.commit()
    base.close()


@pytest.mark.parametrize("mutations", [50, pytest.param(1000, marks=pytest.mark.prove)])
def test_no_changed_record_passes_for_the_sealed_one(mutations: int, tmp_path: Path) -> None:
    key = keys.make_key(tmp_path / "site.key")
    path = recorded(tmp_path / "sealed.rec", moments([Problem(3.0, 0.9, lasts=6.0)], [(0.0, "take", "watch", "amina")],
        12.0))
    seal = write_seal(path, key)
    assert check_seal(path, key).fault == ""
    assert (tmp_path / "site.key").stat().st_mode & 0o777 == 0o600
    whole, chance = path.read_bytes(), np.random.default_rng(3)
    for k in range(mutations):
        if k % 2:
            forged(path, chance)
        else:
            bad = bytearray(whole)
            bad[int(chance.integers(len(bad)))] ^= 1 << int(chance.integers(8))
            path.write_bytes(bytes(bad))
        found = check_seal(path, key)
        if path.read_bytes() != whole and not same_rows(path, whole, tmp_path):
            assert found.fault, k
        path.write_bytes(whole)
    other = keys.make_key(tmp_path / "other.key")
    assert "not signed with this key" in check_seal(path, other).fault
    seal.unlink()
    assert "never sealed" in check_seal(path, key).fault


def same_rows(path: Path, whole: bytes, folder: Path) -> bool:
    """Whether a changed file still holds, row for row, what was recorded: bytes of SQLite's
    that hold nothing were changed.
    """
    plain = folder / "plain.rec"
    plain.write_bytes(whole)
    try:
        with Record(path) as changed, Record(plain) as sound:
            return changed.header == sound.header and changed.machine == sound.machine \
                and list(changed.rows()) == list(sound.rows())
    except Exception:
        return False


def test_a_form_is_the_same_for_the_same_scenario_and_seed_alone(tmp_path: Path) -> None:
    made = moments([], [(0.0, "take", "watch", "amina")], 3.0)
    forms = [read_exercise(recorded(tmp_path / f"{k}.rec", made, seed=seed, epoch_ns=at)).form
             for k, (seed, at) in enumerate([(1, 10), (1, 20), (2, 10)])]
    assert forms[0] == forms[1] != forms[2]
