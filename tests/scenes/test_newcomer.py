"""What a newcomer meets: help with examples, sentences for mistakes, Ctrl-C that ends cleanly, a
second run, a full disk.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time

import pytest
from scenes.runs import ROOT, command

from skywarden.record.reader import Record

VERBS = ("run", "track", "fly", "replay", "review", "export", "user", "check", "list")


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_shows_an_example(verb):
    told = command(verb, "--help")
    assert told.returncode == 0
    assert "Example: skywarden" in told.stdout


@pytest.mark.parametrize("words", [
    ("fly",), ("run", "--speed", "fast"), ("run", "no-such-scenario"), ("run", "--seed", "x"), ("run", "--seed", "-1"),
    ("run", "--seed", "9" * 30),
    ("fire",), ("run", "--feed", "gopher://x"),
    ("run", "--feed", "asterix+file:x.raw"), ("run", "--site", "nowhere", "quiet-night"), ("replay", "x.rec", "--from",
        "noon"),
    ("replay", "x.rec", "--from", "nan"),
    ("run", "quiet-night", "--duration", "-1")])
def test_asking_wrongly_gets_a_sentence_and_exit_2(words):
    told = command(*words)
    assert told.returncode == 2, told.stderr
    assert told.stderr.strip()
    assert "Traceback" not in told.stderr
    assert not told.stdout


@pytest.mark.parametrize(("name", "content"), [
    ("empty.toml", b""), ("junk.toml", bytes(range(256)) * 40), ("half.toml", b'name = "x'),
    ("unit.toml", b'site = "kabul"\nduration_s = "2 minutes"\n'),
    ("key.toml", b'site = "kabul"\nduraton_s = 60\n'), ("site.toml", b'[origin]\nlatitude_deg = 69.2\n')])
def test_a_faulty_file_gets_its_line_and_what_to_do(name, content, tmp_path):
    file = tmp_path / name
    file.write_bytes(content)
    told = command("check", file)
    assert told.returncode == 1
    assert name in told.stdout
    assert "Traceback" not in told.stdout + told.stderr
    ran = command("run", file if name != "site.toml" else "quiet-night", *(("--site", tmp_path) if name == "site.toml"
        else ()), "--no-console")
    assert ran.returncode in (1, 2)
    assert "Traceback" not in ran.stderr
    assert "fault of Skywarden" not in ran.stderr


def start(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "skywarden.cli", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, cwd=ROOT)


def wait_for(word, run):
    """Read what a run says until it shows life."""
    for line in run.stderr:
        if word in line:
            return
    raise AssertionError(f"the run ended with {run.wait()} before it said {word}")


def test_ctrl_c_ends_cleanly_with_a_summary_and_a_whole_record(tmp_path):
    path = tmp_path / "cut.rec"
    run = start("run", "kabul-2021-08-30", "--record", path)
    wait_for("SIMULATION", run)
    time.sleep(2.0)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=30)
    assert run.returncode == 0, err
    assert "interrupted" in err
    assert "rounds" in out
    with Record(path) as record:
        assert len(record) >= 4
        assert not record.faults()


def test_a_killed_run_leaves_a_record_that_opens_and_checks(tmp_path):
    path = tmp_path / "killed.rec"
    run = start("run", "kabul-2021-08-30", "--speed", "8", "--record", path)
    wait_for("SIMULATION", run)
    time.sleep(2.5)
    run.kill()
    run.communicate(timeout=30)
    checked = command("replay", path, "--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_record_is_never_overwritten(tmp_path):
    path = tmp_path / "one.rec"
    path.write_bytes(b"something dear to somebody")
    told = command("run", "quiet-night", "--speed", "max", "--duration", "1", "--no-console", "--record", path)
    assert told.returncode == 1
    assert path.name in told.stderr
    assert path.read_bytes() == b"something dear to somebody"


def test_an_empty_record_is_replayed_reviewed_and_checked_without_fault(tmp_path):
    path = tmp_path / "short.rec"
    assert command("run", "quiet-night", "--speed", "max", "--duration", "0.1", "--no-console", "--record",
        path).returncode == 0
    assert command("replay", path, "--check").returncode == 0
    assert command("replay", path, "--speed", "max").returncode == 0
    assert command("review", path, "--out", tmp_path / "r.html").returncode == 0
    before = path.read_bytes()
    told = command("review", path, "--out", path)
    assert told.returncode == 1
    assert "record itself" in told.stderr
    assert path.read_bytes() == before


def test_a_disk_that_stays_full_ends_no_run_and_the_record_and_the_answer_say_what_is_missing(tmp_path):
    path = tmp_path / "full.rec"
    limit = 3 * 2**20

    def small_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    told = command("run", "mixed-salvo-50", "--speed", "max", "--no-console", "--record", path, "--json",
        preexec_fn=small_disk)
    assert told.returncode == 1, told.stderr
    assert "Traceback" not in told.stderr
    assert path.name in told.stderr
    summary = json.loads(told.stdout)
    with Record(path) as record:
        assert len(record) > 10
        assert summary["frames"] == len(record) + summary["frames_not_recorded"], "the run went on to its end"
