"""Whatever is done to a sink, a feed, the page or the files it reads: frames go on, warnings are raised
when they would have been, and the console names what is wrong.

One run in real time for each row of the table (`make prove`); in `make test` all rows that can stand
beside each other in a single, quicker run.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import io
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from rich.console import Console
from websockets.sync.client import connect

from skywarden.feeds import asterix
from skywarden.messages.picture import RAISE
from skywarden.run.loop import Wire
from skywarden.session import running
from skywarden.session.request import Request
from skywarden.session.starting import run_request

WITHIN, NAMED = 0.3, 2.0    # s a warning may be later than undisturbed; s until the page names what is wrong
LOADED = 20.0               # s that either may take where other tests keep the machine busy
UNTIL = 13.0                # s of the scenario that are flown: its warnings are raised by then
SCENARIO = """
name = "four-rounds"
title = "Four rounds"
site = "kabul"
epoch = "2021-08-25T21:10:00Z"
duration_s = 60
seed = 5
[[areas]]
name = "launch"
latitude_deg = 34.53433
longitude_deg = 69.20285
radius_m = 350
[[raids]]
name = "group"
class = "medium mortar"
count = 4
start_s = 1
interval_s = [0.5, 0.5]
launch = "launch"
fall = "terminal"
fall_angle_deg = [52, 60]
fall_speed_mps = [158, 170]
"""
SINKS = {"record": "Recorder", "terminal": "Terminal", "figures": "Measures", "journal": "Journal", "page": "Page"}


@dataclass
class Stage:
    """What a row of the table may spoil, and what is seen meanwhile."""

    patch: pytest.MonkeyPatch
    folder: object
    port: int
    go: threading.Event = field(default_factory=threading.Event)        # set at the end: what hangs may end
    begun: dict = field(default_factory=dict)       # name to when it was first spoilt
    named: dict = field(default_factory=dict)       # name to when the page first named it
    frames: list = field(default_factory=list)      # (t, wall, zones raised) at the first wire
    shown: list = field(default_factory=list)       # wall of pictures at an honest page
    attacks: list = field(default_factory=list)     # called with the page's address once it is open
    running: list = field(default_factory=list)     # threads and processes of attacks

    def begin(self, name):
        self.begun.setdefault(name, time.monotonic())

    def raised(self):
        first = self.frames[0][1]
        found = {}
        for t, wall, zones in self.frames:
            for zone in zones:
                found.setdefault(zone, (t, wall - first))
        return found


# --- what is done to a sink

class Bad:
    """Stands for a sink's `take`."""

    def __init__(self, stage, name, how, real):
        self.stage, self.name, self.how, self.real = stage, name, how, real

    def __call__(self, sink, moment):
        if moment.frame.t < 2.0:
            return self.real(sink, moment)
        self.stage.begin(self.name)
        if self.how == "raises":
            raise RuntimeError("made to fail")
        if self.how == "fills":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.how == "junk":
            raise ValueError("\x1b[2J\ud83d" + "x" * 100_000 + "\n" * 1000)
        if self.how == "is killed":
            raise SystemExit(1)
        if self.how == "hangs":
            return self.stage.go.wait(60.0)
        time.sleep(1.2)         # floods: more comes than it can take
        return self.real(sink, moment)


def sink(name, how):
    def spoil(stage):
        part = getattr(running, SINKS[name])
        bad = Bad(stage, name, how, part.take)
        stage.patch.setattr(part, "take", lambda self, moment: bad(self, moment))
        return [name]

    return spoil


# --- what is done to a feed

SENDER = """
import random, socket, sys, time
port, how, chance = int(sys.argv[1]), sys.argv[2], random.Random(3)
plot = bytes.fromhex("30000dfd0003010280000000ff") * 20
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
    out.connect(("127.0.0.1", port))
    while True:
        try:
            for _ in range(200 if how == "floods" else 5):
                out.send(chance.randbytes(chance.choice((3, 40, 400, 9_000))) if how == "junk" else plot)
        except OSError:
            pass
        time.sleep(0.001 if how == "floods" else 0.02)
"""


def feed(how):
    def spoil(stage):
        def bad(*_, **__):
            stage.begin("feed")
            if how == "hangs":
                stage.go.wait(60.0)
            if how == "fills":
                raise MemoryError
            raise RuntimeError("made to fail")

        if how in ("raises", "hangs", "fills"):
            stage.patch.setattr(asterix.Decoder, "decode", bad)
            stage.patch.setattr(asterix.Decoder, "decode_many", bad)

        def attack(_url):
            stage.begin("feed")
            stage.running.append(subprocess.Popen([sys.executable, "-I", "-c", SENDER, str(stage.port), how]))

        stage.attacks.append(attack)
        return ["feed"]

    return spoil


# --- what is done to the page

def hammer(stage, turn):
    """Do `turn` again and again, whatever it meets."""
    def work():
        while not stage.go.is_set():
            with contextlib.suppress(Exception):
                turn()
            stage.go.wait(0.01)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    stage.running.append(thread)


def page(how):
    def spoil(stage):
        def attack(url):
            at = urlsplit(url)
            held = []

            def silent():
                if len(held) < 150:
                    held.append(socket.create_connection((at.hostname, at.port), timeout=2.0))

            def junk():
                with socket.create_connection((at.hostname, at.port), timeout=0.5) as link:
                    link.sendall(random.randbytes(2_000) + b"\r\n\r\n")
                    link.recv(100)

            def huge():
                link = http.client.HTTPConnection(at.hostname, at.port, timeout=1.0)
                link.request("POST", "/api/command", b"x" * 600_000, {"content-type": "application/json"})
                link.getresponse().read()

            def flood():
                cookie = session(at)
                with connect(f"ws://{at.netloc}/ws", origin=f"http://{at.netloc}",
                        additional_headers={"cookie": cookie}, max_size=None, close_timeout=0.2) as link:
                    for _ in range(1_000):
                        link.send('{"do": "seek", "t": 1}')

            def unread():
                if len(held) < 5:
                    held.append(connect(f"ws://{at.netloc}/ws", origin=f"http://{at.netloc}",
                        additional_headers={"cookie": session(at)}, max_queue=1))

            hammer(stage, {"hangs": silent, "junk": junk, "fills": huge, "floods": flood, "raises": unread}[how])

        stage.attacks.append(attack)
        return []

    return spoil


def files(how):
    """Records that a page is asked to list and to report on, while the run goes on."""
    def spoil(stage):
        if how == "hangs":
            os.mkfifo(stage.folder / "pipe.rec")
        elif how == "raises":
            (stage.folder / "folder.rec").mkdir()
            os.symlink("loop.rec", stage.folder / "loop.rec")
        elif how == "floods":
            for k in range(2_000):
                (stage.folder / f"{k}.rec").write_bytes(b"SQLite format 3\0" + bytes(84))
        elif how == "fills":
            with (stage.folder / "huge.rec").open("wb") as made:
                made.write(b"SQLite format 3\0")
                made.truncate(1 << 36)
        else:
            (stage.folder / "junk.rec").write_bytes(random.Random(1).randbytes(100_000))

        def attack(url):
            at = urlsplit(url)
            cookie = session(at)
            names = [path.name for path in stage.folder.iterdir()][:20]

            def ask():
                for path in ("/api/records", *(f"/api/records/{name}/report" for name in names)):
                    link = http.client.HTTPConnection(at.hostname, at.port, timeout=5.0)
                    link.request("GET", path, headers={"cookie": cookie})
                    assert link.getresponse().status < 500

            hammer(stage, ask)

        stage.attacks.append(attack)
        return []

    return spoil


def busy(processes):
    """Other programs that keep the processors busy."""
    def spoil(stage):
        def attack(_url):
            for _ in range(processes):
                stage.running.append(subprocess.Popen([sys.executable, "-I", "-c", "while True: pass"]))

        stage.attacks.append(attack)
        return []

    return spoil


WAYS = ("raises", "hangs", "floods", "fills", "junk")
TABLE = {
    **{f"{name} {how}": sink(name, how) for name in SINKS for how in (*WAYS, "is killed")},
    **{f"feed {how}": feed(how) for how in WAYS},
    **{f"page {how}": page(how) for how in WAYS},
    **{f"files {how}": files(how) for how in WAYS},
    "machine busy": busy(4),
}


# --- the run

def session(at):
    """The cookie of a new session of the local operator."""
    asked = http.client.HTTPConnection(at.hostname, at.port, timeout=20.0)
    asked.request("GET", "/api/session")
    answer = asked.getresponse()
    answer.read()
    return answer.headers["set-cookie"].split(";")[0]


def honest(stage, url):
    """An honest page: when it was shown pictures, and when it was first told of each thing that is wrong."""
    at = urlsplit(url)
    while not stage.go.is_set():
        with contextlib.suppress(Exception), connect(f"ws://{at.netloc}/ws", origin=f"http://{at.netloc}",
                additional_headers={"cookie": session(at)}, max_size=None, close_timeout=0.2) as link:
            while not stage.go.is_set():
                message, now = json.loads(link.recv(1.0)), time.monotonic()
                if message["type"] == "frame":
                    stage.shown.append(now)
                    if any(each["undecodable"] or each["rejected"] for each in message["health"]["inputs"]):
                        stage.named.setdefault("feed", now)
                for each in message.get("channels", ()) if message["type"] == "pulse" else ():
                    if each["fault"]:
                        stage.named.setdefault("feed" if each["name"].startswith("feed ") else each["name"], now)
        stage.go.wait(0.05)


def flown(tmp_path, rows, speed):
    """Run the scenario with these rows' harm done to it."""
    scenario, folder = tmp_path / "four-rounds.toml", tmp_path / "records"
    scenario.write_text(SCENARIO)
    folder.mkdir()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        stage = Stage(patch, folder, port)
        patch.setattr("skywarden.run.mailbox.CLOSING_S", 0.2)
        expected = [name for row in rows for name in TABLE[row](stage)]
        real_run, real_page = running.run, running.open_page

        def opened(*words, **more):
            made = real_page(*words, **more)
            threading.Thread(target=honest, args=(stage, made.url), daemon=True).start()
            stage.attacks.insert(0, made.url)
            return made

        class First:
            def take(self, moment):
                warned = moment.picture.warnings
                stage.frames.append((moment.frame.t, time.monotonic(),
                    warned.zone[warned.action == RAISE].tolist()))
                if len(stage.frames) == 1:
                    url, *attacks = stage.attacks
                    for attack in attacks:
                        threading.Thread(target=attack, args=(url,), daemon=True).start()

            def close(self):
                pass

        def watched(given, steps, wires, *rest, **more):
            return real_run(given, steps, [Wire(First()), *wires], *rest, **more)

        patch.setattr(running, "run", watched)
        patch.setattr(running, "open_page", opened)
        try:
            request = Request(str(scenario), speed=speed, duration=UNTIL, record=folder / "run.rec", port=0, stay=False,
                feeds=[f"asterix+udp://127.0.0.1:{port}"])
            run_request(request, Console(file=io.StringIO()))
        finally:
            stage.go.set()
            for each in stage.running:
                if isinstance(each, subprocess.Popen):
                    each.kill()
                    each.wait()
                else:
                    each.join(5.0)
    return stage, expected


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The same run, undisturbed, by its speed."""
    kept = {}

    def at(speed):
        if speed not in kept:
            kept[speed] = flown(tmp_path_factory.mktemp("calm"), [], speed)[0]
        return kept[speed]

    return at


def held(stage, calm, expected, within, named):
    assert [t for t, _, _ in stage.frames] == [t for t, _, _ in calm.frames]
    undisturbed, disturbed = calm.raised(), stage.raised()
    assert undisturbed
    assert {zone: t for zone, (t, _) in disturbed.items()} == {zone: t for zone, (t, _) in undisturbed.items()}
    later = max(wall - undisturbed[zone][1] for zone, (_, wall) in disturbed.items())
    assert later <= within
    for name in expected:
        assert name in stage.named, f"the page never named {name}"
        assert stage.named[name] - stage.begun[name] <= named
    return later


def test_many_things_go_wrong_at_once_and_the_warnings_are_raised_in_the_same_frames(tmp_path, calm):
    rows = ["record fills", "terminal hangs", "figures raises", "journal is killed", "feed junk", "page junk",
        "page hangs", "files junk"]
    stage, expected = flown(tmp_path, rows, 6.0)
    held(stage, calm(6.0), expected, LOADED, LOADED)


@pytest.mark.prove
@pytest.mark.parametrize("row", TABLE)
def test_each_row_costs_no_frame_and_no_warning_and_is_named(row, tmp_path, calm):
    stage, expected = flown(tmp_path, [row], 1.0)
    later = held(stage, calm(1.0), expected, 1.0 if row == "machine busy" else WITHIN, NAMED)
    shown = [b - a for a, b in zip(stage.shown, stage.shown[1:], strict=False)]
    print(f"{row}: warnings {later * 1e3:+.0f} ms, named after "
        f"{max([stage.named[n] - stage.begun[n] for n in expected], default=0.0):.2f} s, "
        f"longest without a picture {max(shown, default=0.0):.2f} s")
