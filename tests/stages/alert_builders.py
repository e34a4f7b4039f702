"""Alerts, channels, receivers and brokers for tests; each server listens on a free port of this machine."""

from __future__ import annotations

import math
import shutil
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_picture, a_site, a_zone

from skywarden.messages.moment import Moment
from skywarden.messages.picture import CLEAR, HELD, RAISE, TAKE_COVER, Warnings
from skywarden.site.model import Channel

KEY = b"a-planted-key-of-thirty-two-bytes"


def a_channel(url: str, name: str = "out", kind: str = "live", **changes: Any) -> Channel:
    """A channel signed with the key in key.txt."""
    return Channel(**{"name": name, "url": url, "kind": kind, "zones": (), "secret": "file:key.txt", **changes})


def a_told_site(*channels: Channel, zones: int = 3, **changes: Any) -> Any:
    """A site of a few square zones, its channels declared."""
    made = tuple(a_zone(f"zone {k}", 400.0 * k, 0.0) for k in range(zones))
    return a_site(zones=made, channels=channels, **changes)


def warned(
    t: float, *rows: tuple[int, float], stage: int = TAKE_COVER, action: int | None = None, due: float = 20.0,
    manual: bool = False
) -> Warnings:
    """Warnings of zones as (zone, since)."""
    n = len(rows)
    zone, since = np.array([r[0] for r in rows], np.int32), np.array([r[1] for r in rows], float)
    acts = np.where(since == t, RAISE, HELD) if action is None else np.full(n, action)
    return Warnings(
        zone, acts.astype(np.int8), since, np.full(n, 0.87), np.full(n, 0.9), np.full(n, due), np.full(n, due + 30.0),
        np.ones(n, np.int32),
        np.ones(n, np.int32), np.full(n, manual), np.full(n, stage, np.int8))


def a_told_moment(t: float, warnings: Warnings | None = None, *commands: Any, **tables: Any) -> Moment:
    """A live moment with these warnings."""
    from builders import a_frame

    frame = a_frame(t)._replace(commands=commands)
    return Moment(frame, a_picture(t, warnings=warnings or Warnings.empty(), **tables), None, None)


def cleared(t: float, *rows: tuple[int, float]) -> Warnings:
    """The same zones, cleared in this frame."""
    return warned(t, *rows, action=CLEAR, stage=5, due=math.nan)


def wait_for(said: Callable[[], Any], within: float = 15.0, what: str = "") -> Any:
    """What `said` gives as soon as it is true; fails where it does not come."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        found = said()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited {within} s in vain{': ' + what if what else ''}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Receiver:
    """An HTTP server that keeps what it is sent, and answers as told."""

    def __init__(
        self, answer: Callable[[bytes, dict[str, str]], tuple[int, bytes]] = lambda body, headers: (204, b"")
    ) -> None:
        self.got: list[tuple[float, dict[str, str], bytes]] = []
        outer = self
        self.answer = answer

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {k.lower(): v for k, v in self.headers.items()}
                outer.got.append((time.monotonic(), headers, body))
                status, said = outer.answer(body, headers)
                self.send_response(status)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads, self.server.handle_error = True, lambda *_: None
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Broker:
    """A mosquitto of its own, that can be killed and started again on the same port with the same store."""

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(exist_ok=True)
        (folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location "
            f"{folder}/\nautosave_interval 1\n"
            "max_queued_messages 100000\nmax_inflight_messages 100\nset_tcp_nodelay true\n")
        if hasattr(shutil, "chown") and __import__("os").geteuid() == 0:
            (folder / "mosquitto.conf").open("a").write("user root\n")
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen([mosquitto(), "-c", str(self._folder / "mosquitto.conf")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._listens, 10.0, "the broker listens")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _installed(package: str, program: str) -> str | None:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None and hasattr(__import__("os"), "geteuid") and __import__("os").geteuid() == 0 and shutil.which(
            "apt-get"):
        subprocess.run(["apt-get", "update"], capture_output=True, timeout=300, check=False)
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", package], capture_output=True,
            timeout=300, check=False)
        found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    return found


def mosquitto() -> str:
    """The broker's program; the test is skipped, loudly, where there is none and none can be installed."""
    return _program("mosquitto", "mosquitto",
        "THE MQTT CHANNELS ARE NOT TESTED: no mosquitto on this machine, and none could be installed")


def espeak() -> str:
    """The speaking program, likewise."""
    return _program("espeak-ng", "espeak-ng",
        "SPOKEN WARNINGS ARE NOT TESTED: no espeak-ng on this machine, and none could be installed")


def _program(package: str, program: str, reason: str) -> str:
    found = _installed(package, program)
    if found is None:
        warnings.warn(reason, stacklevel=3)
        pytest.skip(reason)
    return found


@contextmanager
def listening(port: int, *topics: str, **options: Any) -> Iterator[list[Any]]:
    """What an MQTT 5 subscriber gets, as (monotonic time, topic, payload, retained)."""
    import paho.mqtt.client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    got: list[Any] = []
    ready = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5, **options)
    client.on_connect = lambda c, *_: [c.subscribe(topic, 1) for topic in topics]
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = lambda c, u, m: got.append((time.monotonic(), m.topic, bytes(m.payload), m.retain))
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert ready.wait(10.0)
    try:
        yield got
    finally:
        client.disconnect()
        client.loop_stop()
