"""The console's server, over real sockets: what pages are sent, what they may ask, and that none of
them can hold up the session.
"""

from __future__ import annotations

import http.client
import io
import json
import socket
import sys
import time
import wave
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from websockets.sync.client import connect

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
from fake import Play, kabul

from skywarden.console import views
from skywarden.console.access import sessions
from skywarden.console.access import users as accounts
from skywarden.console.hub import WAITING, Viewer
from skywarden.console.memory import Memory
from skywarden.console.server import Console, is_loopback
from skywarden.console.tape import Tape
from skywarden.errors import InputError, UsageError
from skywarden.messages.commands import ACKNOWLEDGE, ALARM, SHELVE, Command

SITE = kabul()
ZONE = SITE.zones[0].name
PASSWORD = "correct horse battery"


@contextmanager
def console(mode="SIMULATION", **options):
    made = Console(SITE, mode, "A test", port=0, **options)
    try:
        yield made
    finally:
        made.close()


class Page:
    """What a browser does, without one."""

    def __init__(self, served: Console) -> None:
        self.at = urlsplit(served.url)
        self.cookie, self.csrf = "", ""

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(self.at.hostname, self.at.port, timeout=60)
        sent = {"cookie": self.cookie, "origin": f"http://{self.at.netloc}", "content-type": "application/json",
            "x-csrf-token": self.csrf}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        connection.request(method, path, None if body is None else json.dumps(body), {k: v for k, v in sent.items()
            if v is not None})
        answer = connection.getresponse()
        data = answer.read()
        if answer.headers.get("set-cookie"):
            self.cookie = answer.headers["set-cookie"].split(";")[0]
        connection.close()
        return answer.status, answer.headers, data

    def enter(self):
        status, *_ = self.ask("GET", "/api/session")
        assert status == 200
        return self.connected()

    def log_in(self, name, password=PASSWORD):
        return self.ask("POST", "/api/login", {"name": name, "password": password})[0]

    @contextmanager
    def connected(self):
        with connect(f"ws://{self.at.netloc}/ws", origin=f"http://{self.at.netloc}",
                additional_headers={"cookie": self.cookie}, close_timeout=0.5) as link:
            hello = json.loads(link.recv(5))
            assert hello["type"] == "hello"
            self.csrf = hello["csrf"]
            yield link, hello

    def command(self, kind, subject, why="", **headers):
        status, _, data = self.ask("POST", "/api/command", {"kind": kind, "subject": subject, "why": why}, **headers)
        return status, json.loads(data)


def newest(link, kind="frame", within=30.0):
    until = time.monotonic() + within
    while time.monotonic() < until:
        message = json.loads(link.recv(until - time.monotonic()))
        if message["type"] == kind:
            return message
    raise AssertionError(f"no {kind} within {within} s")


def drain(link):
    while True:
        link.recv(5)


def users(folder, **roles):
    path = folder / "users.toml"
    for name, role in roles.items():
        accounts.add_user(path, name, role, PASSWORD)
    return path


def test_a_page_gets_hello_then_the_newest_picture():
    play = Play(SITE)
    with console() as served:
        served.take(play.moment(20.0))
        page = Page(served)
        with page.enter() as (link, hello):
            assert (hello["mode"], hello["user"], hello["users"]) == ("SIMULATION", sessions.LOCAL, False)
            assert [zone["name"] for zone in hello["site"]["zones"]] == [zone.name for zone in SITE.zones]
            assert newest(link)["t"] == 20.0
            served.take(play.moment(20.5))
            assert newest(link)["t"] == 20.5


def test_a_moment_is_shown_as_it_is():
    moment = Play(SITE).moment(25.0)
    memory = Memory(SITE)
    memory.see(moment)
    view = json.loads(views.encode(views.moment_view(moment, memory)))
    tracks = moment.picture.tracks
    assert view["tracks"]["id"] == tracks.number.tolist()
    assert view["tracks"]["x"] == np.round(tracks.state[:, 0], 1).tolist()
    assert view["tracks"]["call"][view["tracks"]["id"].index(900)] == "RCH871"
    assert {w["zone"] for w in view["warnings"]} == set(moment.picture.warnings.zone.tolist())
    assert view["claims"]["call"] == ["GHOST1"]
    assert [c["track"] for c in view["drill"]["clearances"]]
    assert "drill" not in views.moment_view(moment._replace(drill=None), memory)


def test_unknown_numbers_become_null():
    moment = Play(SITE).moment(25.0)
    impacts = moment.picture.impacts
    holed = moment._replace(picture=moment.picture._replace(impacts=impacts._replace(t=np.full_like(impacts.t,
        np.nan))))
    view = json.loads(views.encode(views.moment_view(holed, Memory(SITE))))
    assert view["impacts"]["t"] == [None] * len(impacts.t)


def test_an_ellipse_has_the_axes_and_the_turn_of_its_covariance():
    chance = np.random.default_rng(1)
    roots = chance.normal(size=(50, 2, 2))
    covariance = roots @ roots.transpose(0, 2, 1)
    a, b, turn = views.ellipses(covariance)
    for i in range(50):
        values, vectors = np.linalg.eigh(covariance[i])
        np.testing.assert_allclose([b[i] ** 2, a[i] ** 2], values, atol=1e-12)
        long = np.array([np.cos(turn[i]), np.sin(turn[i])])
        assert abs(long @ vectors[:, 1]) == pytest.approx(1.0, abs=1e-9)


def test_memory_keeps_who_acknowledged_until_the_warning_is_over_and_raised_anew():
    play, memory = Play(SITE, rounds=0), Memory(SITE)
    memory.see(play.moment(1.0, (Command(1.0, ALARM, ZONE, "mira", "siren test"),)))
    assert (memory.mark(0).alarm_by, memory.mark(0).alarm_why) == ("mira", "siren test")
    memory.see(play.moment(2.0, (Command(2.0, ACKNOWLEDGE, ZONE, "tom", ""),)))
    memory.see(play.moment(3.0, (Command(3.0, SHELVE, f"60 {ZONE}", "tom", ""),)))
    assert (memory.mark(0).seen_by, memory.mark(0).shelved_until) == ("tom", 63.0)
    play.manual.clear()
    memory.see(play.moment(60.0))
    assert memory.mark(0).seen_by == ""
    memory.see(play.moment(61.0, (Command(61.0, ALARM, ZONE, "mira", "again"),)))
    assert memory.mark(0).seen_by == ""
    kinds = [event["kind"] for event in memory.since(0)]
    assert kinds == ["raise", "alarm", "acknowledge", "shelve", "clear", "raise", "alarm"]


def test_what_was_put_aside_comes_back_when_its_time_is_up():
    play, memory = Play(SITE, rounds=0), Memory(SITE)
    memory.see(play.moment(1.0, (Command(1.0, ALARM, ZONE, "mira", "siren test"), Command(1.0, ACKNOWLEDGE, ZONE,
        "tom", ""))))
    memory.see(play.moment(2.0, (Command(2.0, SHELVE, f"60 {ZONE}", "tom", "known"),)))
    assert memory.mark(0).shelved_why == "known"
    memory.see(play.moment(61.9))
    assert memory.mark(0).shelved_until == 62.0
    memory.see(play.moment(62.0))
    assert (memory.mark(0).shelved_until, memory.mark(0).back, memory.mark(0).seen_by) == (None, "time", "tom")
    assert memory.since(0)[-1]["kind"] == "unshelve"


def test_what_was_put_aside_comes_back_unseen_when_it_gets_worse():
    play, memory = Play(SITE, rounds=30), Memory(SITE)
    play.manual.update(dict.fromkeys(range(len(SITE.zones)), 1.0))
    every = range(len(SITE.zones))
    told = tuple(Command(1.5, kind, subject, "tom", "") for z in SITE.zones for kind,
        subject in ((ACKNOWLEDGE, z.name), (SHELVE, f"600 {z.name}")))
    memory.see(play.moment(1.0))
    memory.see(play.moment(1.5, told))
    assert all(memory.mark(z).shelved_until == 601.5 for z in every)
    hit, back = set(), set()
    for t in np.arange(2.0, 50.0, 0.5):
        moment = play.moment(float(t))
        memory.see(moment)
        hit |= {int(z) for z, due in zip(moment.picture.warnings.zone, moment.picture.warnings.t_impact, strict=True)
            if due > t}
        back |= {z for z in every if memory.mark(z).shelved_until is None}
        assert back == hit
    assert 0 < len(back) < len(SITE.zones)
    assert all(memory.mark(z).seen_by == "" and memory.mark(z).back == "worse" for z in back)


def test_a_mark_of_a_track_is_shown_with_its_author_until_it_is_taken_back():
    play, memory = Play(SITE, rounds=0), Memory(SITE)

    def said(t, *commands):
        moment = play.moment(t, commands)
        memory.see(moment)
        return views.moment_view(moment, memory)["tracks"]["said"]

    assert said(1.0) == {}
    assert said(2.0, Command(2.0, "reclassify", "950 aircraft", "mira", "balloon")) == {
        "950": {"kind": "aircraft", "who": "mira", "why": "balloon", "t": 2.0}}
    assert said(3.0, Command(3.0, "reclassify", "950 none", "mira", "")) == {}


def test_a_raid_of_fifty_raises_one_event_a_zone_not_one_a_round():
    play, memory = Play(SITE, rounds=50), Memory(SITE)
    for t in np.arange(0.0, 60.0, 0.5):
        memory.see(play.moment(float(t)))
    raised = [event["zone"] for event in memory.since(0) if event["kind"] == "raise"]
    assert len(raised) == len(set(raised)) <= len(SITE.zones)


def test_commands_reach_the_session_once_in_order_with_who_and_why():
    with console() as served:
        page = Page(served)
        with page.enter():
            assert page.command("alarm", ZONE, "  siren   test ") == (200, {"accepted": True})
            assert page.command("consent", "7")[0] == 200
        told = served.commands()
        assert all(abs(command.wall_ms / 1e3 - time.time()) < 60.0 for command in told)     # when it was given
        assert tuple(command._replace(wall_ms=0) for command in told) == (Command(0.0, "alarm", ZONE, sessions.LOCAL,
            "siren test"), Command(0.0, "consent", "7", sessions.LOCAL, ""))
        assert served.commands() == ()


@pytest.mark.parametrize(("kind", "subject", "why", "status"), [
    ("acknowledge", "no such zone", "", 400), ("alarm", ZONE, "", 400), ("shelve", f"9999 {ZONE}", "", 400),
    ("shelve", f"nan {ZONE}", "", 400),
    ("reclassify", "7 dragon", "x", 400), ("consent", "any", "", 400), ("hold", "catapult", "", 400),
    ("weapons", "loose", "x", 400),
    ("launch", "7", "x", 400), ("alarm", ZONE, "y" * 201, 400),
])
def test_a_command_that_makes_no_sense_is_refused_with_a_sentence(kind, subject, why, status):
    with console() as served:
        page = Page(served)
        with page.enter():
            answered, said = page.command(kind, subject, why)
        assert answered == status
        assert said["error"].endswith(".")
        assert served.commands() == ()
        assert served.audit.entries[-1]["allowed"] is False


def test_nothing_is_rehearsed_on_live_data_and_nothing_commanded_in_a_replay():
    with console("LIVE") as served:
        page = Page(served)
        with page.enter():
            assert page.command("consent", "7")[0] == 409
            assert page.command("acknowledge", ZONE)[0] == 200
    with console("REPLAY", moments=iter(())) as served:
        page = Page(served)
        with page.enter():
            assert page.command("acknowledge", ZONE)[0] == 409


class AClock:
    """The pace of a run, as its clock keeps it."""

    def __init__(self, speed=1.0):
        self.speed = speed

    def pace(self, speed):
        self.speed = speed


def test_the_pace_of_a_simulated_run_reaches_its_clock_at_once_and_the_next_frame_for_the_record():
    clock = AClock()
    with console(clock=clock) as served:
        page = Page(served)
        with page.enter() as (link, hello):
            assert hello["paced"]
            assert page.command("pace", "0")[0] == 200
            assert clock.speed == 0.0
            while (pace := newest(link, "pulse")["pace"])["speed"] != 0.0:
                pass
            assert (pace["by"], pace["waiting"]) == (sessions.LOCAL, 1)
            assert page.command("pace", "16")[0] == 200
            assert clock.speed == 16.0
            for wrong in ("17", "0.4", "-1", "nan", "fast"):
                assert page.command("pace", wrong)[0] == 400
        assert [(c.kind, c.subject, c.who) for c in served.commands()] == [("pace", "0", sessions.LOCAL),
            ("pace", "16", sessions.LOCAL)]
        assert ("pace", "16", True) in {(e["what"], e["about"], e["allowed"]) for e in served.audit.entries}


@pytest.mark.parametrize(("mode", "clock", "said"), [
    ("LIVE", AClock(), "This is live data: its time cannot be stopped."), ("SIMULATION", None,
        "This run keeps the time of its feeds."),
])
def test_the_time_of_live_data_cannot_be_stopped(mode, clock, said):
    with console(mode, clock=clock) as served:
        page = Page(served)
        with page.enter() as (_, hello):
            assert not hello["paced"]
            assert page.command("pace", "0") == (409, {"error": said})
        assert served.commands() == ()
        assert clock is None or clock.speed == 1.0


@pytest.mark.parametrize("role", accounts.ROLES)
def test_each_role_may_do_exactly_what_the_table_says(tmp_path, role):
    subjects = {
        "acknowledge": ZONE, "shelve": f"60 {ZONE}", "alarm": ZONE, "cancel": ZONE, "reclassify": "7 other",
        "consent": "7", "hold": "all", "release": "all",
        "weapons": "tight", "pace": "2"}
    with console(users=users(tmp_path, mira=role), clock=AClock(), site_folder=tmp_path) as served:
        page = Page(served)
        assert page.log_in("mira") == 200
        with page.connected() as (_, hello):
            for kind, subject in subjects.items():
                assert (page.command(kind, subject, "because")[0] == 200) == (kind in accounts.MAY[role]), kind
            assert (page.ask("GET", "/api/audit")[0] == 200) == (accounts.AUDIT in accounts.MAY[role])
            assert (page.ask("POST", "/api/draft", {"zones": []})[0] == 200) == (accounts.EDIT in accounts.MAY[role])
            assert hello["roles"][role] == sorted(accounts.MAY[role])


def test_the_guide_has_the_same_table_of_roles():
    guide = (Path(__file__).resolve().parents[2] / "docs" / "guide" / "console.md").read_text("utf-8")
    table = [[cell.strip() for cell in line.strip("| ").split("|")] for line in guide.splitlines()
        if line.startswith(("| may |", "| `"))]
    head, rows = table[0][1:], {row[0].strip("`"): row[1:] for row in table[1:]
        if row[0].strip("`") in set().union(*accounts.MAY.values())}
    assert head == list(accounts.ROLES)
    assert rows.keys() == set().union(*accounts.MAY.values())
    for act, cells in rows.items():
        assert [cell == "yes" for cell in cells] == [act in accounts.MAY[role] for role in accounts.ROLES], act


@pytest.mark.parametrize("page", ["console.md", "security.md"])
def test_every_test_that_the_guide_names_is_there(page):
    import re

    root = Path(__file__).resolve().parents[2]
    named = set(re.findall(r"`(test_\w+)`", (root / "docs" / "guide" / page).read_text("utf-8")))
    there = set(re.findall(r"^def (test_\w+)", "\n".join(file.read_text("utf-8")
        for file in (root / "tests").rglob("test_*.py")), re.MULTILINE))
    assert len(named) > 10
    assert named <= there


def test_a_request_from_elsewhere_is_refused():
    with console() as served:
        page = Page(served)
        with page.enter():
            assert page.command("acknowledge", ZONE, origin="http://elsewhere.example")[0] == 403
            assert page.command("acknowledge", ZONE, origin=None)[0] == 403
            assert page.command("acknowledge", ZONE, x_csrf_token="guess")[0] == 403
            assert page.command("acknowledge", ZONE, cookie="")[0] == 401
            assert page.ask("GET", "/", host="rebound.example")[0] == 421
            assert page.ask("POST", "/api/command", {"kind": "x" * 600_000})[0] == 413
        with pytest.raises(Exception, match="4401"), connect(
            f"ws://{page.at.netloc}/ws", origin="http://elsewhere.example", additional_headers={"cookie": page.cookie},
        ) as link:
            link.recv(5)
        assert served.commands() == ()


def test_the_sound_of_a_zone_and_stage_is_served_to_those_who_may_look_and_no_other_file_is():
    with console() as served:
        page = Page(served)
        page.ask("GET", "/api/session", cookie="")
        status, headers, body = page.ask("GET", "/clips/1.take-cover.en")
        assert status == 200
        assert headers["content-type"] == "audio/wav"
        with wave.open(io.BytesIO(body)) as clip:
            assert clip.getnframes() > clip.getframerate()      # more than a second
        for name in ("1.none.en", "999.stay.en", "-1.stay.en", "1.stay.xx", "1.stay", "..", "1.stay.en%2f..%2fx"):
            assert page.ask("GET", f"/clips/{name}")[0] in (404, 421), name
        assert page.ask("GET", "/clips/1.stay.en", cookie="")[0] == 401


def test_every_answer_carries_the_strict_policy():
    with console() as served:
        page = Page(served)
        for path in ("/", "/api/session", "/api/terrain", "/nothing", "/api/command"):
            headers = page.ask("GET", path)[1]
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "http:" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
        cookie = page.ask("GET", "/api/session", cookie="")[1]["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()


def test_users_log_in_with_roles_and_log_out(tmp_path):
    path = users(tmp_path, mira="operator", otto="observer", sven="supervisor")
    assert path.stat().st_mode & 0o077 == 0
    assert PASSWORD not in path.read_text()
    log = tmp_path / "audit.jsonl"
    with console(users=path, audit=log) as served:
        page = Page(served)
        assert json.loads(page.ask("GET", "/api/session")[2])["user"] is None
        assert page.log_in("mira", "wrong password") == 403
        assert page.log_in("nobody") == 403
        assert page.log_in("mira") == 200
        with page.connected() as (link, hello):
            assert (hello["user"], hello["role"]) == ("mira", "operator")
            assert page.command("acknowledge", ZONE)[0] == 200
            assert page.command("weapons", "free", "because")[0] == 403
            assert page.ask("GET", "/api/audit")[0] == 403
            assert page.ask("POST", "/api/logout", {})[0] == 200
            with pytest.raises(Exception, match="4401"):
                drain(link)
        watcher = Page(served)
        assert watcher.log_in("otto") == 200
        with watcher.connected():
            assert watcher.command("acknowledge", ZONE) == (403, {"error": "An observer may not acknowledge."})
        chief = Page(served)
        assert chief.log_in("sven") == 200
        with chief.connected():
            assert chief.command("weapons", "hold", "visitors")[0] == 200
            told = json.loads(chief.ask("GET", "/api/audit")[2])["entries"]
        assert ("otto", "acknowledge", False) in {(e["who"], e["what"], e["allowed"]) for e in told}
        assert [c.who for c in served.commands()] == ["mira", "sven"]
    written = [json.loads(line) for line in log.read_text().splitlines()]
    assert [e["what"] for e in written][:4] == ["log in", "log in", "log in", "acknowledge"]
    assert PASSWORD not in log.read_text()


def test_guessing_a_password_is_slowed_down(tmp_path):
    with console(users=users(tmp_path, mira="operator")) as served:
        page = Page(served)
        assert [page.log_in("mira", f"guess number {i}") for i in range(6)] == [403] * 5 + [429]
        assert page.log_in("mira") == 429


def test_a_session_ends_when_it_is_not_used():
    clock = [0.0]
    door = sessions.Authenticator(now=lambda: clock[0])
    session = door.enter_locally()
    clock[0] += sessions.IDLE_S - 1.0
    assert door.find(session.token) is session
    clock[0] += sessions.IDLE_S + 1.0
    assert door.find(session.token) is None


def test_sessions_survive_a_restart_of_the_server_as_digests_only(tmp_path):
    path = users(tmp_path, mira="operator", tom="operator")
    with console(users=path) as served:
        page = Page(served)
        assert page.log_in("mira") == 200
        with page.connected():
            pass
        port = served.port
    kept = path.with_name("users.toml.sessions")
    assert kept.stat().st_mode & 0o077 == 0
    assert page.cookie.split("=")[1] not in kept.read_text()
    again = Console(SITE, "SIMULATION", "A test", port=port, users=path)
    try:
        with page.connected() as (_, hello):
            assert hello["user"] == "mira"
            assert page.command("acknowledge", ZONE)[0] == 200
            assert page.ask("POST", "/api/logout", {})[0] == 200
    finally:
        again.close()
    assert "digest" not in kept.read_text()


def test_a_session_ends_with_the_account_a_new_password_or_a_log_out_everywhere(tmp_path):
    path, clock = users(tmp_path, mira="operator", tom="supervisor"), [1e9]
    door = sessions.Authenticator(path, lambda: clock[0])
    first, second, other = door.log_in("mira", PASSWORD, "a"), door.log_in("mira", PASSWORD, "b"), door.log_in("tom",
        PASSWORD, "c")
    assert len({first.token, second.token, other.token}) == len({first.csrf, second.csrf, other.csrf}) == 3
    assert door.log_out_everywhere("mira") == 2
    assert door.find(first.token) is door.find(second.token) is None
    accounts.add_user(path, "tom", "observer", PASSWORD + " anew")
    clock[0] += sessions.LOOK_S + 0.1
    assert door.find(other.token) is None
    assert door.log_in("tom", PASSWORD, "c") is None
    assert door.log_in("tom", PASSWORD + " anew", "c").user.role == "observer"
    path.with_name("users.toml.sessions").write_text("{broken")
    assert sessions.Authenticator(path, lambda: clock[0]).find("x") is None


def test_a_session_is_over_after_twelve_hours_however_much_it_is_used(tmp_path):
    path, clock = users(tmp_path, mira="operator"), [1e9]
    door = sessions.Authenticator(path, lambda: clock[0])
    session = door.log_in("mira", PASSWORD, "a")
    for _ in range(int(sessions.LONGEST_S / 1000.0)):
        clock[0] += 1000.0
        assert door.find(session.token) is session
    clock[0] += 1000.0
    assert door.find(session.token) is None


def test_who_has_the_watch_when_a_run_is_killed_has_it_in_the_next_one(tmp_path):
    from skywarden.console import journal

    play, path = Play(SITE, rounds=0), journal.path_of(tmp_path, SITE)
    holders = ["tom"]
    kept = journal.Journal(path, SITE, holder=lambda: holders[0])
    kept.take(play.moment(1.0))
    door = sessions.Authenticator(users(tmp_path, mira="operator", tom="operator", otto="observer"))
    assert door.first_holder() == "mira"
    assert door.first_holder(journal.left_watch(path)) == "tom"
    assert journal.left_standing(path, SITE) == ()
    holders[0] = "otto"                                 # who may not take it is not given it
    kept.take(play.moment(1.1))
    assert door.first_holder(journal.left_watch(path)) == "mira"
    told = json.loads(path.read_text())
    for spoilt in ({**told, "unix_s": told["unix_s"] - journal.LONGEST_S - 1}, {**told, "watch": 7}, {}, []):
        path.write_text(json.dumps(spoilt))
        assert journal.left_watch(path) == ""
    kept.close()                                        # a run that ended in order leaves the watch to nobody
    assert not path.exists()


def test_a_killed_run_leaves_its_standing_alarms_to_the_next_one_and_an_old_or_broken_journal_none(tmp_path):
    from skywarden.console import journal

    play, path = Play(SITE, rounds=0), journal.path_of(tmp_path, SITE)
    kept = journal.Journal(path, SITE)
    kept.take(play.moment(1.0))
    assert not path.exists()
    play.manual[0] = 2.0
    kept.take(play.moment(2.0))
    assert [(c.kind, c.subject, c.who) for c in journal.left_standing(path, SITE)] == [("alarm", ZONE, journal.BY)]
    told = json.loads(path.read_text())
    for spoilt in ({**told, "unix_s": told["unix_s"] - journal.LONGEST_S - 1}, {**told, "unix_s": told["unix_s"] + 60},
            {**told, "zones": ["nowhere"]}, {}, []):
        path.write_text(json.dumps(spoilt))
        assert journal.left_standing(path, SITE) == ()
    path.write_bytes(b"\x00{")
    assert journal.left_standing(path, SITE) == ()
    play.manual.clear()
    kept.take(play.moment(60.0))
    assert not path.exists()
    kept.close()


def test_whoever_lets_others_in_without_tls_is_told():
    from skywarden.session.page import in_the_clear
    from skywarden.session.request import Request

    assert "without TLS" in in_the_clear(Request(host="0.0.0.0"))
    assert in_the_clear(Request()) == in_the_clear(Request(host="0.0.0.0", tls=(Path("c"), Path("k")))) == ""


def test_a_click_storm_is_slowed_down():
    with console() as served:
        page = Page(served)
        with page.enter():
            answers = [page.command("acknowledge", ZONE)[0] for _ in range(sessions.COMMANDS + 1)]
        assert answers == [200] * sessions.COMMANDS + [429]


def test_a_faulty_file_of_users_is_told_in_sentences(tmp_path):
    path = tmp_path / "users.toml"
    path.write_text('[users.a]\nrole = "king"\npassword = "$argon2id$x"\n[users.b]\nrole = "operator"\npassword = '
        '"plain"\n')
    with pytest.raises(InputError) as caught:
        accounts.load_users(path)
    assert len(caught.value.faults) == 2
    for name, role, password in (("x", "king", PASSWORD), ("no spaces", "operator", PASSWORD),
            ("x", "operator", "short")):
        with pytest.raises(UsageError):
            accounts.add_user(tmp_path / "new.toml", name, role, password)


def test_a_console_that_others_can_reach_needs_users():
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")
    with pytest.raises(UsageError, match="needs users"):
        Console(SITE, "LIVE", "x", "0.0.0.0", 0)


def test_a_taken_port_is_a_sentence():
    with console() as served, pytest.raises(UsageError, match="--port"):
        Console(SITE, "LIVE", "x", port=served.port)


def test_a_stalled_page_slows_nobody():
    play = Play(SITE, rounds=100, others=100)
    with console() as served:
        served.take(play.moment(30.0))
        stalled, lively = Page(served), Page(served)
        with stalled.enter() as (silent, _), lively.enter() as (link, _):
            silent.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slowest, seen = 0.0, []
            for i in range(30):
                begun = time.perf_counter()
                served.take(play.moment(30.0 + 0.1 * i))
                slowest = max(slowest, time.perf_counter() - begun)
                time.sleep(0.1)
            until = time.monotonic() + 5.0
            while time.monotonic() < until and (not seen or seen[-1] < 32.85):
                message = json.loads(link.recv(5))
                if message["type"] == "frame":
                    seen.append(message["t"])
            assert seen[-1] == pytest.approx(32.9)
            assert slowest < 0.5      # generous: the machine may be shared; the claim is that nothing waits for a page


def test_a_slow_page_loses_its_oldest_messages_but_never_its_hello():
    viewer = Viewer("a", "operator", "t")
    viewer.offer(b"hello", keep=True)
    for i in range(10):
        viewer.offer(str(i).encode())

    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    async def all_waiting():
        return [await viewer.next() for _ in range(1 + WAITING)]

    # the browser's driver, where it is up, has a loop of its own in this thread
    with ThreadPoolExecutor() as apart:
        waiting = apart.submit(lambda: asyncio.run(all_waiting())).result()
    assert waiting == [b"hello", b"7", b"8", b"9"]
    assert viewer.dropped == 10 - WAITING


def test_the_tape_is_read_at_any_time_and_gives_up_its_oldest_half():
    tape = Tape(limit=20_000)
    assert tape.span() is None
    assert tape.at(1.0) is None
    chance = np.random.default_rng(0)
    messages = {float(t): chance.bytes(1000) for t in range(50)}
    for t, message in messages.items():
        tape.append(t, message)
    first, last = tape.span()
    assert last == 49.0
    assert 25.0 < first < 45.0
    for t in np.arange(first, last, 0.5):
        assert tape.at(float(t)) == (np.floor(t), messages[np.floor(t)])
    assert tape.at(-5.0) == (first, messages[first])
    assert tape.at(1e9) == (49.0, messages[49.0])
    tape.close()


def test_looking_back_pausing_and_going_live_concern_one_page_only():
    play = Play(SITE)
    with console() as served:
        for i in range(8):
            served.take(play.moment(10.0 + i))
            time.sleep(0.12)
        one, other = Page(served), Page(served)
        with one.enter() as (link, _), other.enter() as (theirs, _):
            newest(link)
            link.send(json.dumps({"do": "seek", "t": 12.4}))
            assert newest(link, "time") == {"type": "time", "live": False, "moving": False, "speed": 1.0, "t": 12.4}
            served.take(play.moment(18.0))
            newest(theirs)
            while newest(theirs)["t"] != 18.0:
                pass
            while (pulse := newest(link, "pulse"))["t"] != 18.0:
                pass
            assert pulse["span"] == [10.0, 18.0]
            assert {w["zone"] for w in pulse["warnings"]} == set(play.moment(18.0).picture.warnings.zone.tolist())
            link.send(json.dumps({"do": "play", "speed": 16}))
            until = time.monotonic() + 5
            while not (said := newest(link, "time"))["live"]:
                assert time.monotonic() < until
            link.send("nonsense")
            link.send(json.dumps({"do": "play", "speed": 1e9}))
            served.take(play.moment(19.0))
            assert newest(link)["t"] >= said["t"] - 1


def test_a_record_starts_playing_from_its_beginning_and_can_be_scrubbed():
    play = Play(SITE)
    with console("REPLAY", moments=(play.moment(0.5 * i) for i in range(60)), kind="LIVE") as served:
        page = Page(served)
        with page.enter() as (link, hello):
            assert (hello["mode"], hello["kind"]) == ("REPLAY", "LIVE")
            assert newest(link)["t"] < 3.0
            link.send(json.dumps({"do": "pause"}))
            until = time.monotonic() + 10
            while served.tape.span() != (0.0, 29.5):
                assert time.monotonic() < until
                time.sleep(0.05)
            link.send(json.dumps({"do": "seek", "t": 20.2}))
            while newest(link)["t"] != 20.0:
                pass


def test_a_server_without_its_page_says_so(monkeypatch, tmp_path):
    from skywarden.console import app

    monkeypatch.setattr(app, "STATIC", tmp_path / "nowhere")
    with console() as served:
        status, _, data = Page(served).ask("GET", "/")
        assert status == 503
        assert b"was not built" in data


def test_commands_go_into_the_next_frame_with_its_time():
    from skywarden.console.inbox import Commanded

    class Feed:
        closed = False

        def __iter__(self):
            play = Play(SITE, rounds=0)
            return iter([(play.moment(t, (Command(t, ACKNOWLEDGE, ZONE, "script", ""),)).frame, None)
                for t in (1.0, 2.0)])

        def close(self):
            self.closed = True

    waiting = [(Command(0.0, ALARM, ZONE, "mira", "x"),), ()]
    feed = Feed()
    made = Commanded(feed, lambda: waiting.pop(0))
    frames = [frame for frame, _ in made]
    assert [[(c.t, c.kind) for c in frame.commands] for frame in frames] == [[(1.0, ACKNOWLEDGE), (1.0, ALARM)],
        [(2.0, ACKNOWLEDGE)]]
    made.close()
    assert feed.closed


def a_record(folder, seconds=40, conclude=True):
    from skywarden.record.header import Header
    from skywarden.record.writer import Recorder

    play = Play(SITE, drill=False)
    path = folder / "night.rec"
    recorder = Recorder(path, Header("live", 1_630_281_600 * 10**9, SITE.name, SITE.sources))
    for i in range(seconds * 2):
        recorder.take(play.moment(0.5 * i))
    if conclude:
        recorder.conclude({"warned": 3, "projectiles_tracked": 12, "aircraft": 5})
    recorder.close()
    return path


def test_a_record_that_is_being_written_is_not_called_badly_ended(tmp_path):
    """Its own run's, however long that stands still; another run's, which grew a moment ago; a
    killed run's is told as what it is.
    """
    import os

    from skywarden.console import library

    for name in ("own", "other", "killed"):
        a_record(tmp_path, seconds=2, conclude=False).rename(tmp_path / f"{name}.rec")
    for name in ("own", "killed"):
        os.utime(tmp_path / f"{name}.rec", (time.time() - 3600.0,) * 2)
    a_record(tmp_path)
    with console(records=tmp_path, recording=tmp_path / "own.rec") as served:
        page = Page(served)
        with page.enter():
            listed = {r["name"]: r["running"] for r in json.loads(page.ask("GET", "/api/records")[2])["records"]}
    assert listed == {"own.rec": True, "other.rec": True, "killed.rec": False, "night.rec": False}
    assert not any(r["running"] for r in library.records(tmp_path) if r["name"] == "own.rec")


def test_records_are_listed_and_their_report_needs_no_unsafe_style(tmp_path):
    import base64
    import hashlib
    import re

    a_record(tmp_path)
    (tmp_path / "broken.rec").write_bytes(b"not a record")
    (tmp_path.parent / "outside.rec").write_bytes(b"secret")
    with console(records=tmp_path) as served:
        page = Page(served)
        assert page.ask("GET", "/api/records")[0] == 401
        with page.enter():
            listed = {r["name"]: r for r in json.loads(page.ask("GET", "/api/records")[2])["records"]}
            assert listed.keys() == {"night.rec", "broken.rec"}
            assert (listed["night.rec"]["kind"], listed["night.rec"]["seconds"]) == ("LIVE", 39.5)
            assert listed["night.rec"]["outcome"]["warned"] == 3
            assert "not a record" in listed["broken.rec"]["fault"]
            status, headers, data = page.ask("GET", "/report/night.rec")
            assert status == 200
            policies = headers.get_all("content-security-policy")
            assert len(policies) == 1
            assert "unsafe" not in policies[0]
            html = data.decode()
            assert ' style="' not in html
            for sheet in re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL):
                assert base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode() in policies[0]
            assert page.ask("GET", "/report/broken.rec")[0] == 409
            for form, start in (("geojson", b"{"), ("kml", b"<?xml"), ("czml", b"["), ("parquet", b"PK"),
                    ("mcap", b"\x89MCAP")):
                status, headers, data = page.ask("GET", f"/export/night.rec/{form}")
                assert status == 200
                assert "attachment" in headers["content-disposition"]
                assert data.startswith(start)
            assert page.ask("GET", "/export/night.rec/docx")[0] == 409
            assert page.ask("GET", "/export/outside.rec/kml")[0] == 404
            for name in ("outside.rec", "..%2Foutside.rec", "%2e%2e/outside.rec"):
                assert page.ask("GET", f"/report/{name}")[0] == 404


def test_sealing_keeps_every_style_and_drops_what_could_close_the_sheet():
    from skywarden.console.library import seal

    html = ('<head></head><p style="color: red" class="a">x</p><path style="fill: &quot;b&quot;"/><i '
        'style="}</style><script>">y</i>')
    sealed, policy = seal(html)
    assert '<p class="a y0">' in sealed
    assert '<path class="y1"/>' in sealed
    assert "<i>y</i>" in sealed
    assert "script" not in sealed
    assert policy.count("sha256-") == 1


def test_the_console_speaks_tls_where_asked(tmp_path):
    import ssl
    import subprocess
    from shutil import which

    if which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            str(key), "-out", str(certificate),
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True,
         capture_output=True)
    with console(tls=(certificate, key)) as served:
        assert served.url.startswith("https://")
        trusting = ssl.create_default_context(cafile=certificate)
        connection = http.client.HTTPSConnection("127.0.0.1", served.port, context=trusting, timeout=5)
        connection.request("GET", "/api/session")
        answer = connection.getresponse()
        assert answer.status == 200
        assert "secure" in answer.headers["set-cookie"].lower()
        assert answer.headers["set-cookie"].startswith("__Host-skywarden=")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_what_a_page_is_made_from_has_no_place_for_the_truth_nor_for_what_radars_measured():
    """Every type that can be reached from the one way in, by its annotations."""
    import typing

    from skywarden.console.shown import Shown
    from skywarden.messages import moment
    from skywarden.messages.frame import Detections, Frame
    from skywarden.messages.truth import Injected, TrueAircraft, TrueRounds, Truth

    met, left = set(), [Shown]
    while left:
        kind = left.pop()
        left += [part for part in typing.get_args(kind) if part not in met]
        if isinstance(kind, type) and kind not in met and hasattr(kind, "__annotations__"):
            met.add(kind)
            left += list(typing.get_type_hints(kind).values())
    assert len(met) > 15
    assert not met & {Truth, TrueRounds, TrueAircraft, Injected, Detections, Frame, moment.Moment}
