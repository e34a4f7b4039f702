"""What makes a live session a service: its configuration, its health, its numbers, its watchdog and its clock."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from alert_builders import wait_for
from builders import a_frame, a_picture
from prometheus_client.parser import text_string_to_metric_families

from skywarden.defence import watch as belief
from skywarden.errors import InputError
from skywarden.messages.frame import Radars
from skywarden.messages.moment import Moment
from skywarden.run.mailbox import SinkState
from skywarden.session.serve import Reloading
from skywarden.session.service import logs
from skywarden.session.service.clock import ClockWatch
from skywarden.session.service.configuration import read
from skywarden.session.service.health import Health
from skywarden.session.service.metrics import Gauges
from skywarden.session.service.notify import Notifier
from skywarden.session.service.supervisor import supervise
from skywarden.session.standby import Watcher
from skywarden.standby.place import Status

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
GOOD = """site = "kabul"
feeds = ["asterix+udp://127.0.0.1:8600"]
[console]
port = -1
[pair]
replica = "a"
rank = 0
brokers = ["mqtt://127.0.0.1:1883"]
secret = "file:pair.key"
"""


def configured(folder, text=GOOD):
    path = folder / "service.toml"
    path.write_text(text)
    return path


def test_a_good_configuration_is_read_with_names_relative_to_its_folder(tmp_path):
    asked = read(configured(tmp_path))
    assert asked.site.name == "kabul"
    assert asked.records == tmp_path / "records"
    assert asked.keep.segment_s == 3600.0
    assert asked.pair.replica == "a"
    assert asked.console.port is None


@pytest.mark.parametrize(("before", "after", "said"), [
    ('"asterix+udp://127.0.0.1:8600"', '"smoke://x"', ":2  \"smoke://x\" is no feed"),
    ("rank = 0", 'rank = "first"', ":7  \"rank\" is 'first'"),
    ('secret = "file:pair.key"', 'secret = "hunter2"', ":9  \"secret\" names no file"),
    ("port = -1", "prot = -1", ":4  unknown key \"prot\""),
    ('site = "kabul"', 'site = "nowhere"', ":1  "),
    ('replica = "a"', 'replica = ""', ":6  "),
])
def test_a_wrong_configuration_is_refused_with_file_and_line(tmp_path, before, after, said):
    with pytest.raises(InputError) as refused:
        read(configured(tmp_path, GOOD.replace(before, after)))
    assert f"service.toml{said}" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_faults_of_the_sites_own_files_are_told_before_anything_starts(tmp_path):
    shutil.copytree(DEPLOY.parent / "sites" / "kabul", tmp_path / "base")
    site = tmp_path / "base" / "site.toml"
    site.write_text(site.read_text().replace("latitude_deg = 34.5659", "latitude_deg = 340.0"))
    with pytest.raises(InputError, match=r"site.toml:\d+ "):
        read(configured(tmp_path, GOOD.replace('"kabul"', '"base"')))


def test_a_wrong_new_configuration_is_told_and_the_old_one_runs_on_a_good_one_is_taken_up(tmp_path):
    path, stop, out = configured(tmp_path), threading.Event(), io.StringIO()
    log = logging.Logger("test")
    log.addHandler(logs.JsonLines(out))
    before = signal.getsignal(signal.SIGHUP)
    try:
        reloading = Reloading(read(path), stop, log)
        configured(tmp_path, GOOD.replace("rank = 0", "rank = -1"))
        os.kill(os.getpid(), signal.SIGHUP)
        wait_for(lambda: "runs on" in out.getvalue())
        assert "service.toml:7" in json.loads(out.getvalue().splitlines()[0])["message"]
        assert not stop.is_set()
        configured(tmp_path)
        os.kill(os.getpid(), signal.SIGHUP)
        wait_for(stop.is_set)
        assert reloading.found is not None
    finally:
        signal.signal(signal.SIGHUP, before)


def a_moment_heard(ago):
    frame = a_frame(100.0)._replace(radars=Radars.staring(1, 100.0 - ago))
    return Moment(frame, a_picture(100.0), None, None)


def asked(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5.0) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def health():
    status = Status("following", 7, 0.1, 5, 0, 1, 1, 0, "")
    gauges = Gauges("kabul", "1.0", lambda: [SinkState("siren", 1.0, 2, 0, 0, "no answer", 0.1)], lambda: status,
        lambda: [("clock", "it was set"), ("pair", "")])
    gauges.names = ("cram",)
    turned = [None]
    made = Health(gauges, lambda: turned[0])
    made.listen("127.0.0.1", 0)
    yield made, turned
    made.close()


def test_it_is_ready_once_kernels_are_warm_and_a_radar_is_heard(health):
    made, turned = health
    assert asked(made.port, "readyz") == (503, "kernels are being compiled or loaded\n")
    assert asked(made.port, "healthz")[0] == 200
    turned[0] = 0.0
    assert asked(made.port, "readyz")[1] == "there is no picture yet\n"
    made.take(a_moment_heard(60.0))
    assert asked(made.port, "readyz")[1] == "every radar is silent\n"
    made.take(a_moment_heard(1.0))
    assert asked(made.port, "readyz") == (200, "ready\n")
    turned[0] = 9.0
    assert asked(made.port, "healthz") == (503, "the loop has not gone round for 9 s\n")
    assert asked(made.port, "nothing")[0] == 404


def test_its_numbers_are_read_by_prometheus_and_the_shipped_rules_ask_for_no_other(health, tmp_path):
    made, turned = health
    turned[0] = 0.0
    made.take(a_moment_heard(1.0))
    _, text = asked(made.port, "metrics")
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    values = {(sample.name, *sorted(sample.labels.values())): sample.value for sample in samples}
    assert values["skywarden_ready",] == 1.0
    assert values["skywarden_frames_total",] == 1.0
    assert values["skywarden_pair_role", "following"] == 1.0
    assert values["skywarden_sink_fault", "siren"] == 1.0
    assert values["skywarden_fault", "clock"] == 1.0
    names = {name for name, *_ in values}
    for file in ("alerts.yml", "grafana.json"):
        wanted = set(re.findall(r"skywarden_[a-z_]+", (DEPLOY / file).read_text()))
        assert wanted <= names, f"{file} asks for what is not there"
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("PROMTOOL IS NOT ASKED: it is not on this machine")
    assert subprocess.run([promtool, "check", "metrics"], input=text, text=True, check=False).returncode == 0
    assert subprocess.run([promtool, "check", "rules", str(DEPLOY / "alerts.yml")], check=False).returncode == 0


def test_a_clock_that_is_set_or_not_synchronised_is_told():
    wall, kept = [1000.0], [True]
    clock = ClockWatch(lambda: wall[0], lambda: 50.0, lambda: kept[0], look_s=3600.0)
    clock.look()
    assert clock.fault == ""
    wall[0] += 10.0
    clock.look()
    assert "set forward by 10.0 s" in clock.fault
    assert clock.steps == 1
    other = ClockWatch(lambda: 0.0, lambda: 0.0, lambda: False, look_s=3600.0)
    assert "not synchronised" in other.fault


def test_a_loop_that_hangs_is_killed_and_started_again(tmp_path):
    log = tmp_path / "log"

    def serves(pipe):
        with log.open("a") as out:
            print(os.getpid(), time.monotonic(), file=out, flush=True)
        beats = Notifier(pipe)
        beats.beat()
        if len(log.read_text().splitlines()) > 1:
            return 0        # the second life ends in order
        time.sleep(60.0)    # the first one hangs
        return 1

    begun = time.monotonic()
    assert supervise(serves, silent_s=0.5) == 0
    assert time.monotonic() - begun < 5.0
    first, second = (line.split()[0] for line in log.read_text().splitlines())
    assert first != second


def test_systemd_is_told_by_its_socket(tmp_path, monkeypatch):
    import socket

    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(path))
        heard.settimeout(5.0)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        notifier = Notifier()
        notifier.say("READY=1", "STATUS=watching")
        notifier.beat()
        notifier.beat()     # too soon for another one
        notifier.say("STOPPING=1")
        assert [heard.recv(100) for _ in range(3)] == [b"READY=1\nSTATUS=watching", b"WATCHDOG=1", b"STOPPING=1"]


def test_what_it_says_is_one_json_object_a_line():
    out = io.StringIO()
    log = logging.Logger("skywarden.test")
    log.addHandler(logs.JsonLines(out, site="kabul"))
    log.error("two\nlines", extra={"told": {"n": np.float64(1.0)}})
    (line,) = out.getvalue().splitlines()
    said = json.loads(line)
    assert said["message"] == "two\nlines"
    assert said["site"] == "kabul"
    assert said["level"] == "error"


def test_the_shipped_units_are_units():
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("THE UNITS ARE NOT VERIFIED: no systemd-analyze on this machine")
    for unit in DEPLOY.glob("*.service"):
        said = subprocess.run([program, "verify", str(unit)], capture_output=True, text=True, check=False).stderr
        faults = [line for line in said.splitlines() if unit.name in line and "not executable" not in line]
        assert not faults


def test_an_input_that_is_well_again_is_well_in_the_numbers_too():
    states = [SinkState("feed radar", None, 0, 0, 0, "cannot be read", 0.0)]
    gauges = Gauges("kabul", "1.0", lambda: states, lambda: None, list)
    gauges.refresh(True)
    assert gauges.registry.get_sample_value("skywarden_sink_fault", {"sink": "feed radar"}) == 1.0
    states.clear()
    gauges.refresh(True)
    assert gauges.registry.get_sample_value("skywarden_sink_fault", {"sink": "feed radar"}) == 0.0


def test_a_watcher_alone_survives_what_its_defence_raises_and_shows_it(tmp_path, monkeypatch):
    real, frames, stop = belief.watch, [], threading.Event()

    def watch(state, frame, site):
        frames.append(frame)
        if len(frames) in (3, 4, 5):
            raise ZeroDivisionError("made to fail")
        return real(state, frame, site)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = f'site = "kabul"\nfeeds = ["asterix+udp://127.0.0.1:{port}"]\n[console]\nport = -1\n'
    watcher = Watcher(read(configured(tmp_path, text)), Notifier())
    monkeypatch.setattr("skywarden.session.standby.warm", lambda site: monkeypatch.setattr(belief, "watch", watch))
    thread = threading.Thread(target=watcher.run, args=(stop,), daemon=True)
    thread.start()
    try:
        wait_for(lambda: len(frames) > 8)
        said = {state.name: state.fault for state in watcher.boxes.states()}
        assert "made to fail" in said["watch"]
        assert thread.is_alive()
    finally:
        stop.set()
        thread.join(30.0)
