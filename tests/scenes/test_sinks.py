"""A run goes on whatever becomes of what takes its pictures: a full disk, a terminal nobody reads,
sinks that raise or hang.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import pytest
from rich.console import Console
from scenes.runs import ROOT
from websockets.sync.client import connect

from skywarden.record.reader import Record
from skywarden.session import running
from skywarden.session.request import Request
from skywarden.session.starting import run_request

patience = 120.0        # s that a loaded machine may take


def until(true, what):
    """Wait for a state."""
    end = time.monotonic() + patience
    while not (found := true()):
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)
    return found


@contextlib.contextmanager
def page_of(url):
    """What a browser is sent: yields a function that waits for a message of which something is true."""
    at = urlsplit(url)
    asked = http.client.HTTPConnection(at.hostname, at.port, timeout=patience)
    asked.request("GET", "/api/session")
    answer = asked.getresponse()
    answer.read()
    cookie = answer.headers["set-cookie"].split(";")[0]
    with connect(f"ws://{at.netloc}/ws", origin=f"http://{at.netloc}", additional_headers={"cookie": cookie},
            max_size=None, close_timeout=0.5) as link:
        def heard(true, what):
            end = time.monotonic() + patience
            while True:
                message = json.loads(link.recv(patience))
                if true(message):
                    return message
                assert time.monotonic() < end, f"never: {what}"

        yield heard


def fault_of(message, name):
    """What a pulse says is wrong with a sink; None of any other message."""
    if message["type"] != "pulse":
        return None
    return next((each["fault"] for each in message["channels"] if each["name"] == name), None)


class Child:
    """`skywarden run` in a process of its own, its talk read line by line."""

    def __init__(self, *words, preexec_fn=None):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "skywarden.cli", "run", *map(str, words), "--port", "0", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, cwd=ROOT, preexec_fn=preexec_fn)
        self.said = []
        threading.Thread(target=lambda: self.said.extend(self.process.stderr), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()

    def url(self):
        return until(lambda: next((m.group(1) for line in list(self.said) if (m := re.search(r"console: (\S+)",
            line))), None), "the page's address")

    def end(self):
        self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=patience)
        return json.loads(said)


def test_a_full_disk_is_shown_the_run_goes_on_and_so_does_the_recording_when_there_is_room(tmp_path):
    path, small = tmp_path / "night.rec", 200_000

    def small_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (small, resource.RLIM_INFINITY))

    child = Child("mixed-salvo-50", "--record", path, preexec_fn=small_disk)
    with child, page_of(child.url()) as heard:
        heard(lambda m: "cannot be written" in (fault_of(m, "record") or ""), "the full disk is named")
        heard(lambda m: m["type"] == "frame", "a picture although the disk is full")
        at = heard(lambda m: m["type"] == "frame", "another one")["t"]
        heard(lambda m: m["type"] == "frame" and m["t"] > at + 1.0, "a second later")
        resource.prlimit(child.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        heard(lambda m: fault_of(m, "record") == "", "recording goes on")
        summary = child.end()
    assert child.process.returncode == 0, child.said
    assert "frames_not_recorded" not in summary
    assert any("FAULT" in line and "record" in line for line in child.said)
    with Record(path) as record:
        assert record.faults() == []
        assert len(record) == summary["frames"]


class Bad:
    """How a part misbehaves, put in the place of its `take`."""

    def __init__(self, how):
        self.how, self.seen, self.go = how, 0, threading.Event()

    def __call__(self, part, moment):
        self.seen += 1
        if self.how == "raises":
            raise RuntimeError("made to fail")
        if self.how == "is killed":
            raise SystemExit(1)
        self.go.wait(patience)


@pytest.mark.parametrize("how", ["raises", "hangs", "is killed"])
@pytest.mark.parametrize("part", ["Recorder", "Terminal", "Measures", "Journal", "Page"])
def test_whatever_one_sink_does_every_frame_reaches_the_others(part, how, tmp_path, monkeypatch):
    bad = Bad(how)
    monkeypatch.setattr(getattr(running, part), "take", lambda self, moment: bad(self, moment))
    monkeypatch.setattr("skywarden.run.mailbox.SILENT_S", 0.1)
    monkeypatch.setattr("skywarden.run.mailbox.CLOSING_S", 0.1)
    seen, states = [], []
    other = running.Recorder if part != "Recorder" else running.Terminal
    real = other.take
    monkeypatch.setattr(other, "take", lambda self, moment: (seen.append(moment.frame.t), real(self, moment))[1])
    real_run = running.run

    def watched(feed, steps, wires, clock, *rest, **more):
        frames = real_run(feed, steps, wires, clock, *rest, **more)
        until(lambda: len(seen) == frames, "every frame at the other sink")
        states.extend(wire.sink.state() for wire in wires if hasattr(wire.sink, "state"))
        return frames

    monkeypatch.setattr(running, "run", watched)
    try:
        request = Request("quiet-night", speed=None, duration=10.0, record=tmp_path / "a.rec", port=0, stay=False)
        run_request(request, Console(file=io.StringIO()))
    finally:
        bad.go.set()
    assert len(seen) >= 40
    name = {"Recorder": "record", "Terminal": "terminal", "Measures": "figures", "Journal": "journal",
        "Page": "page"}[part]
    assert next(state.fault for state in states if state.name == name)
    assert bad.seen
