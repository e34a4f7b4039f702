"""A terminal that was stopped (Ctrl-S) holds up neither the run nor its end."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
import termios
import threading
import time

from scenes.runs import ROOT

from skywarden.record.reader import Record
from skywarden.run import patience
from skywarden.run.patience import Words, patiently


def test_a_run_on_a_stopped_terminal_ends_with_its_record_whole(tmp_path):
    ours, theirs = pty.openpty()
    path = tmp_path / "night.rec"
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "skywarden.cli",
            "run",
            "mortar-raid",
            "--duration",
            "4",
            "--speed",
            "max",
            "--no-console",
            "--record",
            str(path),
        ],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        close_fds=True,
    )

    read = threading.Event()

    def reading() -> None:
        with contextlib.suppress(OSError):
            while not read.is_set() and os.read(ours, 4096):
                pass

    reader = threading.Thread(target=reading, daemon=True)
    reader.start()
    end = time.monotonic() + 120.0
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.02)
    termios.tcflow(theirs, termios.TCOOFF)  # what Ctrl-S does: every write to the terminal waits
    try:
        assert child.wait(120.0) == 0
    finally:
        termios.tcflow(theirs, termios.TCOON)
        child.kill()
        read.set()
    with Record(path) as record:
        assert record.faults() == []
        assert record.outcome


def test_words_are_waited_for_only_so_long_and_then_no_more(monkeypatch):
    monkeypatch.setattr(patience, "_stuck", [])
    never, said = threading.Event(), []
    assert patiently(lambda: said.append(1))
    begun = time.monotonic()
    assert not patiently(never.wait, 0.1)
    assert not patiently(lambda: said.append(2))
    assert time.monotonic() - begun < 5.0
    assert said == [1]
    assert patience.held()
    never.set()
    end = time.monotonic() + 10.0
    while patience.held() and time.monotonic() < end:
        time.sleep(0.01)
    assert patiently(lambda: said.append(3))        # the terminal runs again


def test_sentences_are_said_in_their_order_and_nobody_waits_for_them(monkeypatch):
    monkeypatch.setattr(patience, "_stuck", [])
    words, said, go = Words(), [], threading.Event()
    words.say(go.wait)
    for k in range(400):
        words.say(lambda k=k: said.append(k))
    go.set()
    words.flush()
    assert said[:50] == list(range(50))
    assert len(said) < 400
