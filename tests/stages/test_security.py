"""What keeps strangers out of the console and its people honest; docs/guide/security.md says which
requirement of OWASP ASVS each test stands for.
"""

from __future__ import annotations

import http.client
import json
import logging

import pytest
from argon2 import extract_parameters
from test_console import PASSWORD, ZONE, Page, console, drain, users
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from skywarden.console import app
from skywarden.console.access import sessions
from skywarden.console.access import users as accounts
from skywarden.errors import UsageError

# what a stranger may ask: the empty page, whether to log in, and to log in
OPEN = {("GET", "/"), ("GET", "/api/session"), ("POST", "/api/login")}


def status(page, method, path, **headers):
    return page.ask(method, path, {} if method == "POST" else None, **headers)[0]


def every_route(served):
    """Method and path of everything the server answers, read from its own table, so that a new one
    cannot be forgotten here.
    """
    inner = app.application(served).app
    inner = getattr(inner, "inner", inner)          # around the pages of an exercise stands what notes each try
    for route in inner.routes:
        for method in sorted(getattr(route, "methods", None) or ()):
            if method != "HEAD":
                yield method, route.path.replace("{name}", "night.rec").replace("{form}", "kml")


def test_a_stranger_gets_the_empty_page_and_the_log_in_and_nothing_else(tmp_path):
    with console(users=users(tmp_path, mira="operator"), records=tmp_path) as served:
        page, routes = Page(served), set(every_route(served))
        assert routes > OPEN
        for method, path in routes - OPEN:
            assert status(page, method, path) == 401, path
        with pytest.raises(ConnectionClosed, match="4401"), connect(f"ws://{page.at.netloc}/ws",
                origin=f"http://{page.at.netloc}") as link:
            link.recv(5)


def test_everything_that_changes_something_wants_the_token_of_the_page_and_its_own_origin():
    with console() as served:
        page = Page(served)
        with page.enter():
            for method, path in set(every_route(served)):
                if method == "POST":
                    assert status(page, method, path, origin="http://elsewhere.example") == 403, path
                    if path != "/api/login":
                        assert status(page, method, path, x_csrf_token="guess") == 403, path


def test_a_session_is_new_at_every_log_in_and_one_put_into_the_browser_counts_for_nothing(tmp_path):
    with console(users=users(tmp_path, mira="operator")) as served:
        page = Page(served)
        page.cookie = "skywarden=chosen-by-somebody-else"
        assert page.log_in("mira") == 200
        first = page.cookie
        assert "chosen" not in first
        assert len(first.split("=")[1]) >= 43       # 256 bits
        assert page.log_in("mira") == 200
        assert page.cookie != first
        assert page.ask("GET", "/api/events", cookie=first)[0] == 401
        with page.connected() as (link, _):
            kept = page.cookie
            assert page.ask("POST", "/api/logout", {})[0] == 200
            with pytest.raises(ConnectionClosed):
                drain(link)
        assert page.ask("GET", "/api/events", cookie=kept)[0] == 401


def test_passwords_are_hashed_slowly_enough_and_easy_ones_refused(tmp_path):
    path = users(tmp_path, mira="operator")
    parameters = extract_parameters(accounts.load_users(path)["mira"].hash)
    assert parameters.type.name == "ID"
    assert parameters.memory_cost >= 19 * 1024      # KiB, time cost and all: OWASP's least
    assert parameters.time_cost >= 2
    assert parameters.salt_len >= 16
    accounts.add_user(path, "tom", "operator", "π × r² and 🦉 in a pass phrase")
    assert sessions.Authenticator(path).log_in("tom", "π × r² and 🦉 in a pass phrase", "a") is not None
    for easy in ("short", "a" * 12, "ababababababab", "the name is Tom", "x" * 129):
        with pytest.raises(UsageError):
            accounts.add_user(path, "tom", "operator", easy)


def test_an_unknown_name_costs_as_much_as_a_wrong_password(tmp_path, monkeypatch):
    door, verified = sessions.Authenticator(users(tmp_path, mira="operator")), []
    real = door._hasher.verify
    monkeypatch.setattr(door, "_hasher", type("Hasher", (), {"verify": lambda self, *given: verified.append(1)
        or real(*given)})())
    assert door.log_in("nobody", PASSWORD, "a") is door.log_in("mira", "wrong", "a") is None
    assert len(verified) == 2


def test_who_came_who_failed_and_who_was_refused_is_logged_in_lines_that_cannot_be_forged(tmp_path, caplog):
    log = tmp_path / "audit.jsonl"
    with console(users=users(tmp_path, otto="observer"), audit=log) as served, caplog.at_level(logging.DEBUG):
        page = Page(served)
        page.log_in('x"\n{"who": "tom"}\r\x1b[2J', "a secret guess")
        assert page.log_in("otto", "a secret guess") == 403
        assert page.log_in("otto") == 200
        with page.connected():
            assert page.command("alarm", ZONE, "why\nnot")[0] == 403
            secrets = (page.cookie, page.csrf)
            assert page.ask("POST", "/api/logout", {})[0] == 200
        for _ in range(6):
            page.log_in("otto", "a secret guess")
    lines = log.read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    assert [(e["what"], e["allowed"]) for e in entries] == [
        ("log in", False), ("log in", False), ("log in", True), ("alarm", False), ("log out", True),
        *[("log in", False)] * 6]
    assert "\x1b" not in log.read_text("utf-8")
    # that one is the test's own
    said = " ".join(record.getMessage() for record in caplog.records if not record.name.startswith("websockets.client"))
    assert all({"time", "who", "from"} <= e.keys() and e["from"] == "127.0.0.1" for e in entries)
    for secret in (PASSWORD, "a secret guess", secrets[0].split("=")[1], secrets[1]):
        assert secret
        assert secret not in log.read_text("utf-8") + said
    assert log.stat().st_mode & 0o077 == 0


def test_files_are_served_by_name_only_with_their_type_and_no_folder_is_listed():
    with console() as served:
        page = Page(served)
        body = page.ask("GET", "/")[2].decode()
        script = body.split('src="')[1].split('"')[0]
        sheet = next(part.split('"')[0] for part in body.split('href="') if part.split('"')[0].endswith(".css"))
        assert script.startswith("./assets/")       # relative: the page also stands under a path
        assert sheet.startswith("./assets/")
        script, sheet = script[1:], sheet[1:]
        for path, kind in (("/", "text/html; charset=utf-8"), (script, "text/javascript"), (sheet, "text/css")):
            code, headers, _ = page.ask("GET", path)
            assert (code, headers["content-type"].startswith(kind)) == (200, True), path
        for path in ("/assets", "/assets/", "/symbols/", "/.sources", "/%2e%2e/app.py", "/..%2fapp.py", "/../app.py",
                "/assets/../../app.py", "//etc/passwd"):
            assert page.ask("GET", path)[0] in (400, 404, 405), path


def test_other_methods_and_other_forms_are_refused_and_too_much_is_cut_off():
    with console() as served:
        page = Page(served)
        for method, path in (("GET", "/api/command"), ("TRACE", "/"), ("PUT", "/api/session"),
                ("DELETE", "/report/night.rec"), ("OPTIONS", "/api/command")):
            assert page.ask(method, path)[0] in (404, 405), (method, path)
        with page.enter() as (link, _):
            assert page.ask("POST", "/api/command", {}, content_type="text/plain")[0] == 415
            raw = http.client.HTTPConnection(page.at.hostname, page.at.port, timeout=5)
            deep = {"cookie": page.cookie, "origin": f"http://{page.at.netloc}", "content-type": "application/json",
                "x-csrf-token": page.csrf}
            raw.request("POST", "/api/command", b"[" * 200_000, deep)
            assert raw.getresponse().status == 400
            raw.close()
            link.send("[" * 60_000)                 # thrown away; the connection stands
            assert json.loads(link.recv(5))["type"]
            link.send("x" * 70_000)
            with pytest.raises(ConnectionClosed, match="1009"):
                drain(link)


def test_another_name_of_this_machine_is_turned_away_also_at_the_websocket():
    with console() as served:
        page = Page(served)
        with page.enter():
            pass
        for host in ("rebound.example", "127.0.0.1.rebound.example", "", "localhost.rebound.example:80"):
            assert page.ask("GET", "/api/session", host=host)[0] in (400, 421), host
        with pytest.raises(InvalidStatus), connect(
            f"ws://{page.at.netloc}/ws", origin=f"http://{page.at.netloc}", additional_headers={"cookie": page.cookie,
                "host": "rebound.example"},
        ):
            pass
        with pytest.raises(ConnectionClosed, match="4401"), connect(f"ws://{page.at.netloc}/ws",
                additional_headers={"cookie": page.cookie}) as link:
            link.recv(5)


def test_a_fault_of_ours_tells_a_stranger_nothing_and_nothing_is_kept_by_caches(monkeypatch):
    with console() as served:
        page = Page(served)
        with page.enter():
            monkeypatch.setattr(served, "events", lambda after: 1 / 0)
            code, headers, body = page.ask("GET", "/api/events?after=0")
            assert (code, body) == (500, b"Internal Server Error")
            for path in ("/api/events", "/api/session", "/nothing", "/"):
                headers = page.ask("GET", path)[1]
                assert headers["cache-control"] == "no-store"
                assert "default-src 'none'" in headers["content-security-policy"]
                assert headers["referrer-policy"] == "no-referrer"
                assert "server" not in headers
                assert "access-control-allow-origin" not in headers
