"""Standing is worked out from sealed records, certificates can be worked out again, and neither
leads to a name.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exercise_builders import Problem, moments, recorded
from typer.testing import CliRunner

from skywarden.cli import app
from skywarden.exercise import credential, keys, readiness
from skywarden.exercise.course import DAY, LASTS_S, Sitting, course
from skywarden.exercise.of_record import read_exercise
from skywarden.exercise.roster import pseudonymous
from skywarden.exercise.seal import write_seal
from skywarden.exercise.sequential import MASTERED, NOT_YET, UNKNOWN
from skywarden.exercise.standing import report, sealed_in, sittings, standing
from skywarden.exercise.statements import lines
from skywarden.exercise.stimulus import COMPETENCY, TRAPS, Stimulus, Trial

WHO = "p-7k2m9x4q"
BEGAN = 1_700_000_000.0


def a_trial(competency: str = "C3", right: bool = True, at: float = 10.0, gate: str = "",
    traps: tuple[str, ...] = ()) -> Trial:
    task = next(task for task, shown in COMPETENCY.items() if shown == competency)
    stimulus = Stimulus(task, "zone x", at, at + 5.0, at + 5.0, "warn", traps=traps)
    return Trial(stimulus, WHO, "warn", at, right, acted=True, gate=gate)


def a_sitting(at: float, *trials: Trial, seat: str = "watch", form: str = "", **changes: Any) -> Sitting:
    plain = Sitting("a.rec", f"seal {at}", form or f"form {at}", at, at + 3600.0, seat, trials)
    return plain._replace(**changes)


def everything(right: bool = True, each: int = 5, trapped: bool = True) -> tuple[Trial, ...]:
    competencies = dict.fromkeys(COMPETENCY.values())
    trials = [a_trial(c, right, 10.0 * k) for c in competencies for k in range(each)]
    return (*trials, *(a_trial("C3", right, 500.0, traps=(trap,)) for trap in TRAPS if trapped))


def test_mastery_is_lost_by_a_gate_event_and_by_a_year_without_a_trial() -> None:
    good = [a_sitting(BEGAN + DAY * k, *[a_trial() for _ in range(10)]) for k in range(2)]
    assert course(good, "C3", BEGAN + 3 * DAY).state == MASTERED
    assert course(good, "C3", BEGAN + 2 * DAY + LASTS_S).state == UNKNOWN
    bad = [*good, a_sitting(BEGAN + 3 * DAY, a_trial(right=False, gate="dismissed a round"))]
    assert course(bad, "C3", BEGAN + 4 * DAY).state == NOT_YET


def test_another_attempt_begins_a_week_later_and_asks_for_more() -> None:
    first = a_sitting(BEGAN, *[a_trial(right=False) for _ in range(5)])
    soon = a_sitting(BEGAN + DAY, *[a_trial() for _ in range(40)])
    assert course([first, soon], "C3", BEGAN + 9 * DAY).state == NOT_YET
    later = a_sitting(BEGAN + 8 * DAY, *[a_trial() for _ in range(18)])
    found = course([first, later], "C3", BEGAN + 9 * DAY)
    assert (found.state, found.attempt) == (UNKNOWN, 2)        # eighteen are enough for a first attempt
    more = a_sitting(BEGAN + 9 * DAY, *[a_trial() for _ in range(10)])
    assert course([first, later, more], "C3", BEGAN + 10 * DAY).state == MASTERED


def test_the_ladder_is_climbed_rung_by_rung_and_one_falls_from_it() -> None:
    now = BEGAN + 30 * DAY
    assert standing(WHO, [], now).rung == "observe"
    known = a_sitting(BEGAN, *[a_trial("C0") for _ in range(20)], form="lesson")
    assert standing(WHO, [known], now).rung == "shadow"
    shadowed = [a_sitting(BEGAN + DAY * (1 + k), *everything(each=8), seat="shadow") for k in range(3)]
    assert standing(WHO, [known, *shadowed], now).rung == "supervised"
    assert standing(WHO, [known, *shadowed[:2]], now).rung == "shadow"
    night = math.floor(BEGAN / DAY) * DAY + 20 * 3600.0 + 5 * DAY
    stood = [a_sitting(night + DAY * k, *everything(each=8)) for k in range(6)]
    stood[-1] = stood[-1]._replace(assessed=(("m", True), ("b", True), ("c", True)), mentors=("m",))
    solo = standing(WHO, [known, *shadowed, *stood], now)
    assert solo.rung == "solo"
    assert solo.missing == ()
    one = [*stood[:-1], stood[-1]._replace(assessed=(("m", True), ("b", True)))]
    assert standing(WHO, [known, *shadowed, *one], now).missing == ("1 of 2 assessors who did not teach",)
    fallen = a_sitting(night + 7 * DAY, a_trial("C4", False, gate="consented although told of an aircraft there"))
    assert standing(WHO, [known, *shadowed, *stood, fallen], now).rung == "supervised"
    assert standing(WHO, [known, *shadowed, *stood], now + 2 * LASTS_S).rung == "observe"
    seen_before = [s._replace(seen=True) for s in stood]
    assert "0 of 6 unseen forms" not in solo.missing
    assert any("unseen forms" in what for what in standing(WHO, [known, *shadowed, *seen_before], now).missing)


@pytest.mark.parametrize("people", [60, pytest.param(1000, marks=pytest.mark.prove)])
def test_skill_that_fades_as_the_prior_says_lies_in_its_interval_four_times_of_five(people: int) -> None:
    chance, held = np.random.default_rng(people), 0
    for _ in range(people):
        skill, fades = chance.normal(0.0, 1.0), chance.normal(readiness.FADES, readiness.FADES_SIGMA)
        days, at = [], 0.0
        for k in range(6):
            skill -= fades * (2.0 if k else 0.0)
            at += 2.0 * readiness.MONTH if k else 0.0
            skill += chance.normal(0.0, readiness.PRACTICE_SIGMA)
            share = 0.5 * math.erfc(-skill / math.sqrt(2.0))
            days.append((at, int(chance.binomial(60, share)), 60))
        found = readiness.follow(days)
        assert found is not None
        low, high = found.interval(at + 3.0 * readiness.MONTH)
        held += low <= 0.5 * math.erfc(-(skill - 3.0 * fades) / math.sqrt(2.0)) <= high
    slack = 0.0 if people >= 1000 else 0.13
    assert 0.75 - slack <= held / people <= 0.85 + slack


def test_a_shift_is_ready_when_enough_of_it_are_current_in_everything() -> None:
    assert readiness.ready([[0.9, 0.8]], 2) == pytest.approx(0.72)
    assert readiness.ready([[0.9, 0.8]], 1) == pytest.approx(0.98)
    assert readiness.ready([[0.9, 0.8], [0.5, 0.5]], 1) == pytest.approx(0.98 * 0.75)
    assert readiness.ready([[0.9]], 2) == 0.0


@pytest.fixture
def exercises(tmp_path: Path) -> tuple[Path, Any]:
    """A folder of two sealed exercises, and the key."""
    key = keys.make_key(tmp_path / "site.key")
    folder = tmp_path / "exercises"
    folder.mkdir()
    for k in range(2):
        problems = [Problem(10.0 + 40.0 * j, 0.9, warned=None if j % 2 else 1.0) for j in range(6)]
        commands = [(0.0, "take", "watch", WHO), (2.0, "note", "mode exercise", WHO)]
        commands += [(14.0 + 40.0 * j, "alarm" if j % 2 else "acknowledge", "zone-0", WHO) for j in range(5 + k)]
        path = recorded(folder / f"{k}.rec", moments(problems, commands, 260.0), seed=k,
            epoch_ns=int((BEGAN + k * DAY) * 1e9))
        write_seal(path, key)
    return folder, key


def test_a_certificate_is_worked_out_again_from_the_records_and_one_changed_figure_is_found(exercises: tuple[Path,
    Any]) -> None:
    folder, key = exercises
    now = BEGAN + 3 * DAY
    token = credential.certify(sealed_in(folder, key), WHO, key, now)
    public = keys.read_key(folder.parent / "site.key")
    good = credential.verify(token, folder, public, now + DAY)
    assert good == (WHO, "observe", ())
    said = keys.opened(key, token)
    assert said is not None
    said["credentialSubject"]["result"][3]["value"] = "mastered; 40 of 40 right"
    assert "credentialSubject" in credential.verify(keys.sign(key, said, credential.TOKEN), folder, key,
        now + DAY).faults[0]
    head, body, signature = token.split(".")
    for changed in (f"{head}.{body[:-4]}AAAA.{signature}", f"{head}.{body}.{signature[:-4]}AAAA", token[:-1]):
        assert credential.verify(changed, folder, key, now + DAY).faults
    stranger = keys.make_key(folder.parent / "stranger.key")
    assert credential.verify(keys.sign(stranger, said, credential.TOKEN), folder, key, now + DAY).faults
    assert credential.verify(token, folder, key, now + 400 * DAY).faults == ("it is not valid at this time",)
    (folder / "1.rec").unlink()
    assert "is in no sealed record" in credential.verify(token, folder, key, now + DAY).faults[0]


def test_a_revoked_certificate_counts_no_more(exercises: tuple[Path, Any]) -> None:
    folder, key = exercises
    now, listed = BEGAN + 3 * DAY, folder.parent / "revoked.jws"
    token = credential.certify(sealed_in(folder, key), WHO, key, now)
    credential.revoke(listed, token, key)
    assert credential.verify(token, folder, key, now, credential.revocations(listed, key)).faults == ("it was revoked",)


def test_another_maker_s_checker_accepts_our_badge_and_refuses_a_changed_one(exercises: tuple[Path, Any]) -> None:
    ob3 = pytest.importorskip("openbadgeslib.ob3", reason="openbadgeslib is not installed")
    folder, key = exercises
    import time
    token = credential.certify(sealed_in(folder, key), WHO, key, time.time())
    checker = ob3.OB3Verifier(key.as_pem(private=False))
    assert checker.verify(token).recipient_id == credential.PERSON + WHO
    assert ob3.OB3Verifier.for_issuer_did(credential.did_of(key)).verify(token).recipient_id == credential.PERSON + WHO
    head, body, signature = token.split(".")
    with pytest.raises(ob3.OB3VerificationError):
        checker.verify(f"{head}.{body[:-6]}AAAAAA.{signature}")


def test_another_maker_s_checker_accepts_our_statements(exercises: tuple[Path, Any]) -> None:
    statements = pytest.importorskip("ralph.models.xapi.base.statements", reason="ralph-malph is not installed")
    told = [json.loads(line) for line in lines(read_exercise(exercises[0] / "0.rec"))]
    assert len(told) > 10
    for statement in told:
        statements.BaseXapiStatement(**statement)
    wrong = replace_score(told[-1])
    with pytest.raises(Exception, match=r"1\.7|less than or equal"):
        statements.BaseXapiStatement(**wrong)


def replace_score(statement: dict[str, Any]) -> dict[str, Any]:
    return {**statement, "result": {**statement["result"], "score": {"scaled": 1.7}}}


def test_forgetting_somebody_leaves_no_name_and_the_certificate_still_verifies(tmp_path: Path) -> None:
    name, run = "Amina Example", CliRunner()
    roster, key, folder = tmp_path / "roster.toml", tmp_path / "site.key", tmp_path / "exercises"
    folder.mkdir()
    who = run.invoke(app, ["exercise", "enrol", name, "--roster", str(roster)]).stdout.strip()
    assert pseudonymous(who)
    assert roster.stat().st_mode & 0o777 == 0o600
    assert run.invoke(app, ["exercise", "key", str(key)]).exit_code == 0
    made = moments([Problem(10.0, 0.9)], [(0.0, "take", "watch", who), (14.0, "alarm", "zone-0", who)], 60.0)
    path = recorded(folder / "a.rec", made)
    assert run.invoke(app, ["exercise", "seal", str(path), "--key", str(key)]).exit_code == 0
    badge, told = tmp_path / "badge.jwt", tmp_path / "told.jsonl"
    common = ["--records", str(folder), "--key"]
    assert run.invoke(app, ["exercise", "certificate", who, "--out", str(badge), *common, str(key)]).exit_code == 0
    assert run.invoke(app, ["exercise", "statements", str(path), "--out", str(told)]).exit_code == 0
    left = run.invoke(app, ["exercise", "forget", who, "--roster", str(roster), "--records", str(tmp_path)])
    assert left.exit_code == 0, left.output
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert all(name.encode() not in file.read_bytes() for file in files)
    assert all(str(tmp_path).encode() not in file.read_bytes() for file in (badge, told))
    public = key.with_name("site.key.public")
    checked = run.invoke(app, ["exercise", "verify", str(badge), str(path), *common, str(public)])
    assert checked.exit_code == 0
    assert checked.stdout.count("good") == 2
    badge.write_text(badge.read_text()[:-9] + "AAAAAAAA\n")
    assert run.invoke(app, ["exercise", "verify", str(badge), *common, str(public)]).exit_code == 1


def test_forgetting_says_which_files_still_hold_the_name(tmp_path: Path) -> None:
    run, roster = CliRunner(), tmp_path / "roster.toml"
    who = run.invoke(app, ["exercise", "enrol", "Omid", "--roster", str(roster)]).stdout.strip()
    (tmp_path / "old").mkdir()
    recorded(tmp_path / "old" / "named.rec", moments([], [(0.0, "take", "watch", "Omid")], 3.0))
    left = run.invoke(app, ["exercise", "forget", who, "--roster", str(roster), "--records", str(tmp_path / "old")])
    assert left.exit_code == 1
    assert "named.rec still holds the name" in left.stdout


def test_a_certificate_names_nobody(exercises: tuple[Path, Any]) -> None:
    with pytest.raises(Exception, match="is no pseudonym"):
        credential.certify(sealed_in(*exercises), "Amina", exercises[1], BEGAN)


def test_only_sealed_records_count_towards_standing(exercises: tuple[Path, Any]) -> None:
    folder, key = exercises
    (folder / "1.rec.seal").unlink()
    found = report(folder, key, BEGAN + 3 * DAY)
    assert found["exercises"] == 1
    assert "never sealed" in found["refused"][0]
    assert found["people"][WHO]["rung"] == "observe"
    assert found["people"][WHO]["competencies"]["C3"]["n"] == 3


def test_an_exercise_flown_again_is_no_unseen_form(tmp_path: Path) -> None:
    made = [moments([], [(0.0, "take", "watch", WHO)], 3.0 + k) for k in range(2)]
    flown = [read_exercise(recorded(tmp_path / f"{k}.rec", each)) for k, each in enumerate(made)]
    assert [sitting.seen for sitting in sittings(flown)[WHO]] == [False, True]
