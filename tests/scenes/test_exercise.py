"""An exercise from log-in to its end: what trainees can get out of it, what an instructor can do, and that it flies
again.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console as Talk

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))
from test_console import PASSWORD, Page, drain, newest
from test_security import every_route
from websockets.exceptions import ConnectionClosed

from skywarden.console import server
from skywarden.console.access.users import add_user
from skywarden.errors import UsageError
from skywarden.feeds.simulated import Simulated
from skywarden.messages.commands import UNBELIEVED
from skywarden.messages.moment import Moment
from skywarden.pipeline.simulated import stepper
from skywarden.record.codec import encode
from skywarden.record.reader import Record
from skywarden.record.secret import secret_file
from skywarden.session import exercise
from skywarden.session.again import Again
from skywarden.session.exercise import Past, run_exercise, seated
from skywarden.session.request import Request
from skywarden.simulator.scenario.load import from_sources
from skywarden.site.load import from_sources as site_from

SEED = 730_519_264
CLOSED = ("/api/exercise", "/api/records", "/report/", "/export/", "/api/audit", "/api/draft")
CANARY = "canary"           # in every name that a trainee must not read
SCENARIO = f"""
site = "kabul"
name = "{CANARY}-scenario"
title = "{CANARY} title"
duration_s = 600
[[areas]]
name = "{CANARY} launch"
latitude_deg = 34.61651
longitude_deg = 69.19148
radius_m = 600
[[raids]]
name = "{CANARY} raid"
class = "small rocket"
start_s = 1
launch = "{CANARY} launch"
fall = "housing north-west"
fall_angle_deg = [40, 50]
fall_speed_mps = [194, 200]
[[injects]]
name = "{CANARY} salvo"
kind = "raid"
class = "small rocket"
launch = "{CANARY} launch"
fall = "housing north-west"
fall_angle_deg = [40, 50]
fall_speed_mps = [194, 200]
[[injects]]
name = "{CANARY} turn"
kind = "turn"
at_s = 3
held = false
radar = "cram"
turn_deg = 107
[[messages]]
name = "{CANARY} word"
at_s = 1
held = false
text = "Apron two is clear of aircraft."
true = false
expect = "{CANARY} no"
facts = ["aircraft={CANARY}"]
"""


@contextmanager
def going(folder, monkeypatch, past=None, seats=None, record="watch.rec", duration=None, speed=4.0):
    """An exercise in a thread of its own, its page, and the session's answer when it has ended."""
    pages, answers = [], []

    class Seen(server.Console):
        def __init__(self, *given, **named):
            super().__init__(*given, **named)
            pages.append(self)

    monkeypatch.setattr("skywarden.session.page.Page", Seen)
    users, scenario = folder / "users.toml", folder / "s.toml"
    scenario.write_text(SCENARIO)
    if not users.exists():
        for name, role in (("omid", "instructor"), ("mira", "operator"), ("tom", "operator"), ("zoe", "supervisor")):
            add_user(users, name, role, PASSWORD)
    request = Request(None if past else str(scenario), users=users, record=folder / record, port=0, stay=False,
        audit=folder / "audit.jsonl", seed=SEED, duration=duration, speed=speed)

    def work():
        try:
            answers.append(run_exercise(request, Talk(quiet=True), seats, past))
        except BaseException as error:
            answers.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    until = time.monotonic() + 240.0
    while not (pages and pages[0].latest is not None) and not answers and time.monotonic() < until:
        time.sleep(0.05)
    assert pages, answers
    assert not answers, answers
    try:
        yield pages[0], answers
    finally:
        if thread.is_alive():
            pages[0].instructor.wish(exercise.Wish("end", "", 0.0, "omid"))
        thread.join(60.0)
        assert not thread.is_alive()


def entered(served, name):
    page = Page(served)
    assert page.log_in(name) == 200
    return page


def asked(page, **wish):
    status, _, data = page.ask("POST", "/api/exercise", wish)
    return status, json.loads(data)


def soon(true, within=60.0):
    until = time.monotonic() + within
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_trainee_gets_no_byte_of_the_truth_by_any_way_and_each_try_is_in_the_audit(tmp_path, monkeypatch):
    with going(tmp_path, monkeypatch) as (served, _):
        leader, trainee, chief = entered(served, "omid"), entered(served, "mira"), entered(served, "zoe")
        got: list[bytes] = []
        with leader.connected() as (leading, _), trainee.connected() as (link, hello), chief.connected() as (other, _):
            got.append(json.dumps(hello).encode())
            assert hello["exercise"]
            assert hello["title"] == ""
            assert asked(leader, do="fire", what=f"{CANARY} salvo")[0] == 200
            told = newest(leading, "instructor")
            assert CANARY in json.dumps(told)                        # the canaries are alive
            for page in (trainee, chief):
                for method, path in every_route(served):
                    if path in ("/api/login", "/api/logout"):
                        continue
                    for where in {path, path.replace("night.rec", "watch.rec")}:
                        body = {"do": "freeze"} if method == "POST" else None
                        status, headers, data = page.ask(method, where, body)
                        got += [data, str(headers).encode()]
                        if where.startswith(CLOSED):
                            assert status == 403, where
                for where in ("/api/nothing", "/watch.rec", "/../watch.rec", "/%2e%2e/watch.rec", "/watch.rec.seed",
                        "/assets/../watch.rec", "/report/..%2fwatch.rec", "/api/exercise/"):
                    status, headers, data = page.ask("GET", where)
                    got += [data, str(headers).encode()]
                    assert status >= 300, where
            for wish in ({"do": "truth"}, {"do": "seek", "t": 0.0}, {"do": "live"}, {"do": "instructor"}):
                link.send(json.dumps(wish))
            until = time.monotonic() + 2.0
            while time.monotonic() < until:
                got += [link.recv(10), other.recv(10)]
        soon(lambda: "websocket" in (tmp_path / "audit.jsonl").read_text())
    written = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    for data in got:
        data = data if isinstance(data, bytes) else data.encode()
        assert CANARY.encode() not in data
        assert str(SEED).encode() not in data
    tries = {(entry["who"], entry["about"]) for entry in written if entry["what"] == "try" and not entry["allowed"]}
    for who in ("mira", "zoe"):
        for about in ("GET /api/exercise", "POST /api/exercise", "GET /api/records", "GET /report/watch.rec",
                "GET /export/watch.rec/kml", "GET /api/audit", "GET /api/draft", "GET /api/nothing", "GET /watch.rec"):
            assert (who, about) in tries
    assert ("mira", "websocket {'do': 'truth'}") in tries
    assert (tmp_path / "watch.rec").stat().st_mode & 0o077 == 0
    with Record(tmp_path / "watch.rec") as record:
        assert record.seed == SEED                              # revealed, and what was committed to
        assert record.faults() == []
    assert not secret_file(tmp_path / "watch.rec").exists()


def test_an_old_log_in_and_another_role_open_nothing(tmp_path, monkeypatch):
    with going(tmp_path, monkeypatch) as (served, _):
        page = entered(served, "omid")
        with page.connected() as (link, _):
            newest(link, "instructor")
            add_user(tmp_path / "users.toml", "omid", "operator", PASSWORD)     # an instructor no longer
            soon(lambda: page.ask("GET", "/api/exercise")[0] in (401, 403))
            with pytest.raises(ConnectionClosed, match="4401"):
                drain(link)


def test_an_instructor_fires_freezes_and_branches_and_the_branch_is_equal_up_to_its_moment(tmp_path, monkeypatch):
    with going(tmp_path, monkeypatch, seats={"tom": "watch", "mira": "shadow"}) as (served, answers):
        leader, watch, shadow = entered(served, "omid"), entered(served, "tom"), entered(served, "mira")
        with leader.connected(), watch.connected(), shadow.connected():
            assert watch.command("note", "radar cram", "it turns")[0] == 200
            assert shadow.command("hold", "all")[0] == 200       # recorded, not believed
            assert asked(leader, do="fire", what="nothing")[0] == 409
            assert asked(leader, do="fire", what=f"{CANARY} salvo") == (200, {"accepted": True})
            at = served.now + 1.0
            soon(lambda: served.now > at + 0.5)
            assert asked(leader, do="blank")[0] == 200
            assert served.veiled
            assert asked(leader, do="on")[0] == 200
            assert asked(leader, do="branch", t=at)[0] == 200
            soon(lambda: (tmp_path / "watch-branch-1.rec").exists() and not served.flying_again)
            assert served.clock.speed == 0.0                     # it stands until it is let go on
            assert asked(leader, do="on")[0] == 200
            soon(lambda: served.now > at + 0.5)
    assert answers[0]["records"] == 2
    with Record(tmp_path / "watch.rec") as first, Record(tmp_path / "watch-branch-1.rec") as second:
        before = [row for row in first.rows() if row.t <= at]
        after = [row for row in second.rows() if row.t <= at]
        for then, now in zip(before, after, strict=True):
            assert (then.frame, then.picture, then.drill, then.truth) == (now.frame, now.picture, now.drill, now.truth)
        assert second.header.continues == before[-1].link().hex()
        assert second.seed == first.seed == SEED
        moments = list(second.moments())
        said = [command for moment in moments for command in moment.frame.commands]
        assert [(c.kind, c.subject) for c in said if c.kind == "break"] == [("break", "branched"), ("break", "on")]
        kinds = [(command.kind, command.subject, command.who) for command in said]
        assert ("shadow", "hold all", "mira") in kinds
        assert ("hold", "all", "mira") not in kinds
        log = [row for moment in moments for row in moment.truth.injects]
        fired = [row for row in log if row.state == "fired" and row.who == "omid"]
        assert [row.name for row in fired] == [f"{CANARY} salvo"]
        assert all(command.wall_ms > 0 for command in said if command.kind in ("shadow", "note", "break")
            and command.who != "skywarden")


def test_what_people_say_changes_no_picture(tmp_path, monkeypatch):
    """A record flown again without what is believed by nobody gives the same pictures to the last bit."""
    with going(tmp_path, monkeypatch) as (served, _):
        page = entered(served, "mira")
        with page.connected():
            for kind, subject, why in (("note", "-", "x"), ("say", "- tower", "EXERCISE"), ("answer", "m1", "no"),
                    ("take", "second", ""), ("answer", "handover warned", "0")):
                status, said = page.command(kind, subject, why)
                assert status == (409 if kind == "take" else 200), said     # the first trainee has the watch
            soon(lambda: served.now > 5.0)
    with Record(tmp_path / "watch.rec") as record:
        steps = stepper(site_from(record.header.site_sources, record.header.site), True)
        said = 0
        for moment in record.moments():
            left = tuple(c for c in moment.frame.commands if c.kind not in UNBELIEVED)
            said += len(moment.frame.commands) - len(left)
            picture, drill = steps.step(moment.frame._replace(commands=left, delivered=()))
            assert encode(picture) == encode(moment.picture)
            assert encode(drill) == encode(moment.drill)
        assert said >= 5


def test_a_killed_exercise_is_resumed_from_its_last_frame(tmp_path, monkeypatch):
    with going(tmp_path, monkeypatch, speed=1.0) as (served, _):
        soon(lambda: served.now > 2.0)
        copy = tmp_path / "killed.rec"
        for end in ("", "-wal"):        # what a killed process leaves: a file with its log, no seal, and the seed
            copy.with_name(copy.name + end).write_bytes((tmp_path / f"watch.rec{end}").read_bytes())
        secret_file(copy).write_bytes(secret_file(tmp_path / "watch.rec").read_bytes())
        at = served.now
    with Record(copy) as record:
        assert record.secret
        assert record.seed is None
        kept = record.span()[1]
        assert at - kept <= 0.5
    with going(tmp_path, monkeypatch, Past(copy, float("inf"), "resumed"), record="on.rec") as (served, _):
        leader = entered(served, "omid")
        with leader.connected():
            soon(lambda: not served.flying_again)
            assert asked(leader, do="on")[0] == 200
            soon(lambda: served.now > kept + 1.0)
    with Record(copy) as then, Record(tmp_path / "on.rec") as now:
        for was, is_ in zip(then.rows(), now.rows(), strict=False):
            assert (was.frame, was.picture, was.truth) == (is_.frame, is_.picture, is_.truth)
        words = [c.subject for m in now.moments() for c in m.frame.commands if c.kind == "break"]
        assert words == ["resumed", "on"]


@pytest.mark.prove
def test_ten_branches_are_equal_up_to_their_moment_and_fly_again_fast(tmp_path, monkeypatch):
    with going(tmp_path, monkeypatch, duration=60.0, speed=8.0) as (_, answers):
        soon(lambda: bool(answers), 120.0)
    with Record(tmp_path / "watch.rec") as record:
        site = site_from(record.header.site_sources, record.header.site)
        scenario = from_sources(record.header.scenario_sources, site)
        for until in range(5, 55, 5):
            again = Again(Simulated(scenario, site, SEED), record, until)
            frames = iter(again._simulated)
            begun = time.monotonic()
            steps = stepper(site, True)
            for frame, _ in again.flown(frames):
                picture, drill = steps.step(frame)
                again._simulated.take(Moment(frame, picture, drill, None))
            assert until / (time.monotonic() - begun) > 20.0


def test_an_exercise_needs_its_people(tmp_path):
    with pytest.raises(UsageError, match="--users"):
        run_exercise(Request("kabul-2021-08-30"), Talk(quiet=True))
    add_user(tmp_path / "u.toml", "omid", "instructor", PASSWORD)
    with pytest.raises(UsageError, match="at least one trainee"):
        seated(tmp_path / "u.toml", {})
    add_user(tmp_path / "u.toml", "mira", "operator", PASSWORD)
    add_user(tmp_path / "u.toml", "tom", "operator", PASSWORD)
    assert seated(tmp_path / "u.toml", {"mira": "shadow"}) == {"mira": "shadow", "tom": "watch"}
    with pytest.raises(UsageError, match="exactly one"):
        seated(tmp_path / "u.toml", {"mira": "watch", "tom": "watch"})
    with pytest.raises(UsageError, match="no trainee"):
        seated(tmp_path / "u.toml", {"omid": "watch"})


def test_an_exercise_cannot_be_wired_to_a_live_channel():
    """Its type has no place for live alerts, and what is put there all the same is refused."""
    from types import SimpleNamespace

    from skywarden.alerts.alert import ExerciseAlert, LiveAlert, SimulationAlert

    assert "Alerts[ExerciseAlert]" in exercise.Exercise.__annotations__["alerts"]
    for made in (LiveAlert, SimulationAlert):
        with pytest.raises(TypeError, match="exercise alerts alone"):
            exercise.Exercise(None, None, None, None, {}, SimpleNamespace(made=made))
    exercise.Exercise(None, None, None, None, {}, SimpleNamespace(made=ExerciseAlert))
