"""The console behind a reverse proxy: another name, another scheme, a path before the page, with
the Host kept or rewritten.
"""

from __future__ import annotations

import http.client
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from test_console import PASSWORD, SITE

from skywarden.console.access.users import add_user
from skywarden.console.address import Public, public
from skywarden.console.server import Console
from skywarden.errors import UsageError

OUTSIDE = "https://skywarden.example.org"


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.toml"
    add_user(path, "mira", "operator", PASSWORD)
    return path


@contextmanager
def console(url, users):
    made = Console(SITE, "SIMULATION", "A test", port=0, users=users, public_url=url)
    try:
        yield made
    finally:
        made.close()


def ask(port, method, path, headers, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, None if body is None else json.dumps(body), {"content-type": "application/json",
        **headers})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


@pytest.mark.parametrize("host", ["SKYWARDEN.example.org", "skywarden.example.org:443", "127.0.0.1:8080"])
@pytest.mark.parametrize(("path", "asked"), [("", ""), ("/kabul", ""), ("/a/b", "/a/b")])
def test_a_person_logs_in_and_commands_through_the_proxy(users, host, path, asked):
    """`asked` is what the proxy leaves of the path before the page's own."""
    with console(OUTSIDE + path + "/", users) as served:
        code, headers, page = ask(served.port, "GET", f"{asked}/", {"host": host})
        assert code == 200
        script = page.decode().split('src="')[1].split('"')[0]
        assert script.startswith("./")          # found under whatever path the page itself was found
        assert ask(served.port, "GET", f"{asked}/{script[2:]}", {"host": host})[0] == 200
        sent = {"host": host, "origin": OUTSIDE}
        code, headers, _ = ask(served.port, "POST", f"{asked}/api/login", sent, {"name": "mira", "password": PASSWORD})
        assert code == 200
        cookie = headers["set-cookie"]
        assert cookie.startswith("__Host-skywarden=")
        assert "Secure" in cookie
        assert ask(served.port, "GET", f"{asked}/api/session", {"host": host, "cookie": cookie.split(";")[0]})[
            2].startswith(b'{"user":"mira"')
        code, _, said = ask(served.port, "POST", f"{asked}/api/command", sent | {"cookie": cookie.split(";")[0]},
            {"kind": "alarm"})
        # without the page's token it is still nobody's command
        assert (code, b"own page" in said) == (403, True)


def test_a_page_elsewhere_is_refused_by_name_and_by_origin(users):
    with console(OUTSIDE, users) as served:
        assert ask(served.port, "GET", "/", {"host": "evil.example.org"})[0] == 421
        others = ("https://evil.example.org", "http://skywarden.example.org", f"{OUTSIDE}:8443", f"{OUTSIDE}.evil",
            "null", "")
        for origin in others:
            for host in ("skywarden.example.org", "127.0.0.1"):
                code, _, said = ask(served.port, "POST", "/api/login", {"host": host, "origin": origin},
                    {"name": "mira", "password": PASSWORD})
                assert code == 403, origin
                assert b"--public-url" in said
    with console(None, users) as served:
        assert ask(served.port, "GET", "/", {"host": "skywarden.example.org"})[0] == 421
        assert ask(served.port, "GET", "/", {"host": "LocalHost"})[0] == 200


def test_the_page_asked_for_without_its_last_slash_is_found(users):
    with console(f"{OUTSIDE}/kabul", users) as served:
        code, headers, _ = ask(served.port, "GET", "/kabul", {"host": "skywarden.example.org"})
        assert (code, headers["location"]) == (308, "/kabul/")
        assert ask(served.port, "GET", "/kabulish/", {"host": "skywarden.example.org"})[0] == 404


def test_a_console_that_others_can_reach_needs_users():
    with pytest.raises(UsageError, match="needs users"):
        Console(SITE, "SIMULATION", "A test", port=0, public_url=OUTSIDE)


@pytest.mark.parametrize("url", ["", "skywarden.example.org", "ftp://a.b", "https://", "https://a b/",
    "https://a/?q=1", "https://a/#x", "https://u:p@a/", "https://a:99999/",
                                 "https://a/../b", "https://a/x y", "https://a/\r\nset-cookie: x", "https://[::1",
                                 "https://a;b/"])
def test_what_is_no_address_is_refused_with_an_example(url):
    with pytest.raises(UsageError, match="such as https://"):
        public(url)


def test_usual_ports_and_capitals_do_not_matter():
    assert public("HTTPS://Example.ORG:443/Kabul/") == Public("https://example.org", "example.org", "/Kabul", True)
    assert public("http://[2001:DB8::1]:8080") == Public("http://[2001:db8::1]:8080", "[2001:db8::1]", "", False)


class Proxy(BaseHTTPRequestHandler):
    """What a simple reverse proxy does with pages and requests, not with websockets."""

    def do_GET(self) -> None:
        self.server.seen.append(self.path)
        code, headers, content = ask(self.server.behind, "GET", self.path, {"host": "127.0.0.1"})
        self.send_response(code)
        for name in ("content-type", "content-security-policy"):
            if headers.get(name):
                self.send_header(name, headers[name])
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def test_everything_the_page_asks_for_stays_under_its_path(users):
    """All addresses in the page's own files are relative: none begins with a slash."""
    with console("http://127.0.0.1/kabul/", users) as served:
        proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        proxy.behind, proxy.seen = served.port, []
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            at = urlsplit(f"http://127.0.0.1:{proxy.server_port}/kabul/")
            page = ask(at.port, "GET", at.path, {})[2].decode()
            assert 'src="/' not in page
            assert 'href="/' not in page
            script = ask(at.port, "GET", at.path + page.split('src="./')[1].split('"')[0], {})[2].decode()
            for address in ("/api/", "/ws", "/symbols/", "/report/", "/export/"):
                assert not any(quote + address in script for quote in "\"'`"), address
        finally:
            proxy.shutdown()
            proxy.server_close()
