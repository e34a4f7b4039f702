"""What strangers send, hold open or try: it is refused with a sentence, audited, and shuts nobody else out."""

from __future__ import annotations

import http.client
import json
import socket
import time

import pytest
from test_console import PASSWORD, SITE, ZONE, Page, Play, console, newest, users
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from skywarden.console import gate, requests
from skywarden.console.access import audit, sessions, throttle
from skywarden.console.access import users as accounts
from skywarden.console.access.audit import Audit
from skywarden.console.gate import Gate

patience = 30.0         # s that a loaded machine may take
HALF = "\ud83d"         # half an emoji: JSON can carry it, UTF-8 cannot


def until(true, what="it"):
    """Wait for a state."""
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, f"{what} never came true"
        time.sleep(0.01)


def raw_post(page, path, body, cookie=None):
    """Send bytes as they are."""
    link = http.client.HTTPConnection(page.at.hostname, page.at.port, timeout=patience)
    headers = {"origin": f"http://{page.at.netloc}", "content-type": "application/json", "x-csrf-token": page.csrf,
        "cookie": page.cookie}
    link.request("POST", path, body, headers)
    answer = link.getresponse()
    data = answer.read()
    link.close()
    return answer.status, json.loads(data)


@pytest.mark.parametrize(("subject", "why"), [
    (ZONE, "half " + HALF), (ZONE + HALF, "why"), (ZONE, "\u202ereversed"), (ZONE, "bell \x07"), (ZONE, "nul \x00"),
    (ZONE, "x" * 201), ("z" * 5000, "why"),
    (ZONE, "\x1b[2Jgone"), (ZONE, "\ud800\udc00\udfff")])
def test_text_that_no_record_can_hold_is_refused_with_a_sentence_and_audited(subject, why, tmp_path):
    log = tmp_path / "audit.jsonl"
    with console(audit=log) as served:
        served.take(Play(SITE).moment(1.0))
        page = Page(served)
        with page.enter() as (link, _):
            status, told = page.command("alarm", subject, why)
            assert status == 400
            assert told["error"].endswith(".")
            assert served.commands() == ()
            assert page.command("alarm", ZONE, "a good reason, with ünïcode, فارسی and 👩‍🚒")[0] == 200
            assert page.ask("GET", "/api/audit")[0] == 200
            served.take(Play(SITE).moment(2.0, served.commands()))
            assert newest(link)["t"]
    refused, carried_out = [json.loads(line) for line in log.read_text("utf-8").splitlines()][1:]
    assert (refused["what"], refused["allowed"], carried_out["allowed"]) == ("alarm", False, True)
    assert all(len(str(value)) <= audit.LONGEST for value in refused.values())


@pytest.mark.parametrize("kind", ["consent", "reclassify"])
@pytest.mark.parametrize("number", ["9" * 5000, "9" * 19, "-1", "1.5", "", "٣", "²", "0x10", "1e3", " 7", "nan"])
def test_what_is_no_track_number_is_refused(kind, number):
    with console() as served:
        page = Page(served)
        with page.enter():
            assert page.command(kind, number if kind == "consent" else f"{number} aircraft", "why")[0] == 400
            assert page.command(kind, "7" if kind == "consent" else "7 aircraft", "why")[0] == 200


def test_a_record_with_an_impossible_track_number_does_not_break_a_page():
    from skywarden.console.memory import Memory
    from skywarden.messages.commands import CONSENT, RECLASSIFY, SHELVE, Command

    memory = Memory(SITE)
    for kind, subject in ((CONSENT, "9" * 5000), (RECLASSIFY, "9" * 5000 + " aircraft"), (CONSENT, "-" * 50),
            (SHELVE, f"soon {ZONE}"), (SHELVE, ZONE)):
        memory.see(Play(SITE).moment(1.0)._replace(frame=Play(SITE).moment(1.0).frame._replace(commands=(Command(1.0,
            kind, subject, "x", ""),))))
    assert memory.frames == 5


@pytest.mark.parametrize("body", [
    b'{"kind": 1e999}', b'{"kind": ' + b"9" * 5000 + b"}", b'{"kind": "alarm", "subject": {"a": ["\\ud83d"]}}',
    b'{"\\ud83d": 1}', b"[]", b"null",
    b"\xff\xfe{}",
    b'{"kind": ["alarm"]}', b'{"kind": "alarm", "kind": NaN}', b'{"kind": ' + b"[" * 200 + b"]" * 200 + b"}", b""])
def test_json_of_any_make_is_answered_with_a_sentence(body):
    with console() as served:
        page = Page(served)
        with page.enter():
            status, told = raw_post(page, "/api/command", body)
            assert status == 400
            assert told["error"]
            assert page.ask("GET", "/api/audit")[0] == 200


@pytest.mark.parametrize("name", [HALF, "a" * 65, "x\x1b[2J", "\u202eotto", 'x"\n{"who": "tom"}', ["otto"], 7, None,
    {"a": HALF}])
def test_a_log_in_under_any_name_stands_in_the_audit_log_and_breaks_no_line_of_it(name, tmp_path):
    log = tmp_path / "audit.jsonl"
    with console(users=users(tmp_path, sven="supervisor"), audit=log) as served:
        page = Page(served)
        status, told = raw_post(page, "/api/login", json.dumps({"name": name, "password": PASSWORD}).encode())
        assert status in (400, 403)
        assert told["error"]
        assert raw_post(page, "/api/login", json.dumps({"name": "sven", "password": "guess" + HALF}).encode())[0] == 400
        assert raw_post(page, "/api/login", b'{"name": "sven", "password": "' + b"x" * 5000 + b'"}')[0] == 413
        assert page.log_in("sven") == 200
        assert page.ask("GET", "/api/audit")[0] == 200
    entries = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [(e["what"], e["allowed"]) for e in entries] == [("log in", False)] * 3 + [("log in", True)]


def test_numbers_in_requests_for_time_or_height_are_bounded():
    with console() as served:
        page = Page(served)
        with page.enter() as (link, _):
            for wrong in ("nan", "inf", "-1", "9" * 400, "", "1e400"):
                assert page.ask("GET", f"/api/coverage?height={wrong}")[0] == 400
                assert page.ask("GET", f"/api/events?after={wrong}")[0] == 400 or wrong in ("-1",)
            served.take(Play(SITE).moment(1.0))
            newest(link)
            for t in ("9" * 400, '"' + HALF.encode("unicode_escape").decode() + '"', "1e999", "[]", "null"):
                link.send(f'{{"do": "seek", "t": {t}}}')
            link.send('{"do": "live"}')
            assert newest(link, "pulse")["age"] >= 0.0


# --- guessing passwords

def test_five_wrong_tries_of_a_stranger_do_not_shut_the_owner_out(tmp_path):
    door = sessions.Authenticator(users(tmp_path, mira="operator", tom="operator"))
    for i in range(200):
        assert door.log_in("mira", f"guess {i}", "10.0.0.66") is None
    assert door.too_many("mira", "10.0.0.66")
    assert door.log_in("mira", PASSWORD, "10.0.0.66") is None, "the stranger's own machine has to wait"
    assert door.log_in("mira", PASSWORD, "10.0.0.7") is not None, "the owner's has not"
    assert door.log_in("mira", PASSWORD, "127.0.0.1") is not None


def test_behind_one_address_a_browser_known_for_its_owner_is_never_shut_out_by_others(tmp_path):
    door = sessions.Authenticator(users(tmp_path, mira="operator", tom="operator"))
    session = door.log_in("mira", PASSWORD, "10.0.0.1")
    device = door.device_of(session.user)
    for i in range(30):
        door.log_in("mira", f"guess {i}", "10.0.0.1")
    assert door.log_in("mira", PASSWORD, "10.0.0.1") is None
    assert door.log_in("mira", PASSWORD, "10.0.0.1", device) is not None
    assert not door.knows("tom", device), "it is known for one person"
    assert door.log_in("tom", PASSWORD, "10.0.0.1") is not None, "and one name's failures are not another's"


def test_a_stolen_or_made_up_device_gains_five_tries_and_no_more(tmp_path):
    path = users(tmp_path, mira="operator")
    door = sessions.Authenticator(path)
    device = door.device_of(door.users["mira"])
    for i in range(5):
        assert not door.too_many("mira", "10.0.0.5", device)
        door.log_in("mira", f"guess {i}", "10.0.0.5", device)
    for i in range(5):
        door.log_in("mira", f"guess {i}", "10.0.0.5", device)
    assert door.too_many("mira", "10.0.0.5", device)
    for made_up in ("", ".", "x.y", HALF, "x." + "0" * 32, "." * 100):
        assert not door.knows("mira", made_up)
    accounts.add_user(path, "mira", "operator", PASSWORD + " anew")
    assert not sessions.Authenticator(path).knows("mira", device), "a new password makes old browsers strangers"


def test_a_known_browser_is_known_to_a_restarted_server(tmp_path):
    path = users(tmp_path, mira="operator")
    door = sessions.Authenticator(path)
    device = door.device_of(door.log_in("mira", PASSWORD, "a").user)
    assert sessions.Authenticator(path).knows("mira", device)


def test_many_machines_guessing_one_name_are_slowed_together_and_this_machine_is_not(tmp_path):
    door = sessions.Authenticator(users(tmp_path, mira="operator"))
    door._hasher = type("Quick", (), {"verify": lambda self, kept,
        given: (_ for _ in ()).throw(sessions.VerificationError())})()
    tried = 0
    for i in range(60):
        for k in range(5):
            tried += not door.too_many("mira", f"10.0.1.{i}")
            door.log_in("mira", f"guess {k}", f"10.0.1.{i}")
    assert tried == sessions.NAME_GUESSES
    assert not door.too_many("mira", "127.0.0.1")


def test_failures_remembered_are_bounded(monkeypatch):
    monkeypatch.setattr(throttle, "MOST_KEYS", 100)
    limiter = throttle.Throttle(5, 300.0)
    for i in range(1000):
        limiter.count(f"name {i}")
    assert len(limiter._seen) <= 100


def test_local_pages_without_end_do_not_fill_the_memory():
    door = sessions.Authenticator()
    first = door.enter_locally()
    for _ in range(200):
        last = door.enter_locally()
    assert len(door._sessions) <= sessions.MOST_SESSIONS
    assert door.find(last.token) is last
    assert door.find(first.token) is None


def test_a_clock_set_back_or_forward_ends_no_session(monkeypatch, tmp_path):
    door = sessions.Authenticator(users(tmp_path, mira="operator"))
    session = door.log_in("mira", PASSWORD, "a")
    for wall in (0.0, 4e9):
        monkeypatch.setattr(sessions.time, "time", lambda wall=wall: wall)
        assert door.find(session.token) is session


# --- connections

def silent(page, number):
    """Sockets that are opened and say nothing."""
    return [socket.create_connection((page.at.hostname, page.at.port), timeout=patience) for _ in range(number)]


def test_three_hundred_silent_sockets_shut_nobody_out():
    play = Play(SITE)
    with console() as served:
        page = Page(served)
        with page.enter() as (link, _):
            served.take(play.moment(1.0))
            newest(link)
            held = silent(page, 300)
            try:
                until(lambda: sum(served.gate.counts()) and served.gate.turned_away >= 200, "the oldest are cut off")
                newcomer = Page(served)
                with newcomer.enter() as (other, _):
                    served.take(play.moment(2.0))
                    for each in (other, link):
                        until(lambda each=each: newest(each)["t"] == 2.0, "the newest picture")
                    assert page.command("acknowledge", ZONE)[0] == 200
                assert served.gate.counts()[0] <= gate.STRANGERS_OF_ONE
            finally:
                for each in held:
                    each.close()


def test_whoever_sends_a_request_byte_by_byte_is_cut_off_after_a_while(monkeypatch):
    monkeypatch.setattr(gate, "LONGEST_STRANGE_S", 0.2)
    with console() as served:
        (slow,) = silent(Page(served), 1)
        at = Page(served).at.netloc.encode()
        slow.sendall(b"POST /api/login HTTP/1.1\r\nHost: " + at + b"\r\nOrigin: http://" + at
                     + b"\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        assert slow.recv(100) == b""
        slow.close()


def test_a_gate_gives_each_address_its_share_and_never_cuts_off_who_is_logged_in():
    class Sock:
        open = True

        def fileno(self):
            return 1 if self.open else -1

    now, cut = [0.0], []
    held = Gate(lambda: now[0])
    socks = {}

    def come(address, port):
        socks[address, port] = Sock()
        held.admit((address, port), socks[address, port], lambda: cut.append((address, port)))

    come("10.0.0.1", 1)
    assert held.greet(("10.0.0.1", 1), "mira")
    for port in range(gate.STRANGERS_OF_ONE + 5):
        come("10.0.0.66", port)
    assert cut == [("10.0.0.66", port) for port in range(5)], "the oldest of that address give way"
    for i in range(gate.STRANGERS + 10):
        come(f"10.1.0.{i}", 1)
    assert held.counts() == (gate.STRANGERS, 1)
    assert ("10.0.0.1", 1) not in cut
    now[0] += gate.LONGEST_STRANGE_S + 1.0
    held.sweep()
    assert held.counts() == (0, 1)
    greeted = 0
    for port in range(2, gate.KNOWN_OF_ONE + 10):
        come("10.0.0.1", port)
        greeted += held.greet(("10.0.0.1", port), "mira")
    assert greeted == gate.KNOWN_OF_ONE - 1
    for sock in socks.values():
        sock.open = False
    assert held.counts() == (0, 0)


def test_what_a_proxy_header_says_is_not_believed(tmp_path):
    with console(users=users(tmp_path, mira="operator")) as served:
        page = Page(served)
        for i in range(5):
            assert page.ask("POST", "/api/login", {"name": "mira", "password": "x"},
                x_forwarded_for=f"10.0.0.{i}")[0] == 403
        assert page.ask("POST", "/api/login", {"name": "mira", "password": "x"}, x_forwarded_for="10.0.0.9")[0] == 429
        assert {entry["from"] for entry in served.audit.entries} == {"127.0.0.1"}


def test_one_session_holds_so_many_pages_and_no_more(monkeypatch):
    from skywarden.console.pages import live

    monkeypatch.setattr(live, "MOST_PAGES", 2)
    with console() as served:
        page = Page(served)
        with page.enter(), page.connected(), pytest.raises(Exception, match="403"), connect(
            f"ws://{page.at.netloc}/ws", origin=f"http://{page.at.netloc}", additional_headers={"cookie": page.cookie},
        ):
            pass


def flood(link):
    """Sends until the other end closes: page and server share this process, and on a loaded machine
    the server comes late to it.
    """
    given_up = time.monotonic() + 120.0
    while time.monotonic() < given_up:
        for _ in range(1_000):
            link.send('{"do": "pause"}' + " " * 1000)
        time.sleep(0.01)


def test_a_flood_over_the_websocket_ends_at_the_sender_and_is_felt_by_nobody_else():
    play = Play(SITE)
    with console() as served:
        page, other = Page(served), Page(served)
        with page.enter() as (link, _), other.enter() as (quiet, _):
            served.take(play.moment(1.0))
            newest(quiet)
            with pytest.raises(ConnectionClosed):
                flood(link)
            served.take(play.moment(2.0))
            until(lambda: newest(quiet)["t"] == 2.0, "the newest picture")


# --- the audit file

def test_an_audit_file_on_a_full_disk_holds_up_nobody_and_is_written_when_there_is_room(tmp_path, monkeypatch):
    path, full, real = tmp_path / "audit.jsonl", [True], audit.os.write

    def write(file, data):
        if full[0]:
            raise OSError(28, "No space left on device")
        return real(file, data)

    monkeypatch.setattr(audit.os, "write", write)
    monkeypatch.setattr(audit, "RETRY_S", 0.01)
    log = Audit(path)
    for i in range(50):
        log.write("mira", "alarm", "a", allowed=True, about=str(i))
    until(lambda: "No space left" in log.fault, "the fault is said")
    full[0] = False
    until(lambda: log.fault == "", "it is well again")
    log.close()
    assert [json.loads(line)["about"] for line in path.read_text().splitlines()] == [str(i) for i in range(50)]


def test_an_audit_file_that_is_there_becomes_its_owners_alone(tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_text("")
    path.chmod(0o644)
    Audit(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_fit_is_let_through_and_what_is_not_is_named():
    for good in ("", "plain", "line\nand\ttab", "فارسی", "👩‍🚒 🇦🇫", "ﷺ", "𝔘", 0, -1.5, True, None, [1, {"a": ["b"]}],
            2**53):
        assert requests.unfit_text(good) == "", good
    for bad in (HALF, "\x00", "\x1b", "\u202e", "\u2066", "\u2028", "\x85", 2**53 + 1, float("inf"), float("nan"),
            {HALF: 1}, [[HALF]]):
        assert requests.unfit_text(bad), bad
