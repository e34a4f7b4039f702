"""Siren relays: signed, replay-proof, answered for, over HTTP and MQTT; and the reference relay of examples/."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from alert_builders import (
    KEY,
    Broker,
    Receiver,
    a_channel,
    a_told_moment,
    a_told_site,
    cleared,
    free_port,
    listening,
    mosquitto,
    wait_for,
    warned,
)

from skywarden.alerts.alert import ExerciseAlert, LiveAlert, SimulationAlert, areas
from skywarden.alerts.opening import open_alerts
from skywarden.alerts.secret import Secret
from skywarden.alerts.setting import Setting
from skywarden.alerts.siren import Sealer
from skywarden.errors import UsageError
from skywarden.messages.receipts import UNANSWERED, WORKING

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "siren_relay.py"
ZONE = "zone 1"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "key.txt").write_bytes(KEY)
    return tmp_path


@contextmanager
def a_relay(folder, *options, name="north", zone=ZONE, key="key.txt"):
    """The reference relay in a process of its own; gives what it did as (state, id)."""
    log = folder / f"relay-{name}.log"
    with log.open("a") as out:
        process = subprocess.Popen(
            [sys.executable, str(EXAMPLE), "--key", str(folder / key), "--name", name, "--zone", zone, "--memory",
                str(folder / f"{name}.json"), *options],
            stdout=out, stderr=subprocess.STDOUT)
    try:
        yield lambda: [tuple(line.split(": ", 1)[1].split(" ")[:2]) for line in log.read_text().splitlines()
            if ": " in line]
    finally:
        process.kill()
        process.wait()


@contextmanager
def sirens(folder, url, made=LiveAlert, **changes):
    """The sink of a session with one siren channel."""
    site = a_told_site(a_channel(url, kind=made.kind, relays=("north",), zones=(ZONE,), **changes))
    alerts = open_alerts(site, time.time_ns(), made, state=folder, folder=folder, wall=made is LiveAlert)
    try:
        yield alerts
    finally:
        alerts.close()


def a_sealer(made=LiveAlert, key=KEY):
    site = a_told_site(a_channel("siren+mqtt://127.0.0.1", kind=made.kind, relays=("north",)))
    return Sealer(Setting(site.channels[0], site, made, areas(site), Secret(key)))


def listens(port):
    try:
        httpx.post(f"http://127.0.0.1:{port}/", content=b"x", timeout=1.0)
    except httpx.HTTPError:
        return False
    return True


def test_a_relay_by_http_sounds_answers_and_stops(folder):
    port = free_port()
    with a_relay(folder, "--listen", str(port), "--host", "127.0.0.1") as done, sirens(folder,
            f"siren+http://127.0.0.1:{port}/") as alerts:
        wait_for(lambda: listens(port))
        alerts.take(a_told_moment(0.0, warned(0.0, (1, 0.0))))
        wait_for(lambda: alerts.couriers[0].report().delivered == 1)
        assert alerts.couriers[0].report().state == WORKING
        alerts.take(a_told_moment(1.0, cleared(1.0, (1, 0.0))))
        wait_for(lambda: "all-clear" in [state for state, _ in done()])
        heard = [state for state, _ in done()]
        assert heard.index("take-cover") < heard.index("all-clear")
        wait_for(lambda: alerts.couriers[0].report().delivered == 2)
        assert alerts.test("out", "amina") == 1
        wait_for(lambda: "test" in [state for state, _ in done()])
        wait_for(lambda: alerts.couriers[0].tested > 0.0)


def test_a_relay_whose_siren_does_not_start_gives_no_answer_until_it_does(folder):
    port, horn = free_port(), folder / "horn.sh"
    horn.write_text(f"#!/bin/sh\necho $1 >> {folder}/sounded\n")     # and nobody has made it executable
    with a_relay(folder, "--listen", str(port), "--host", "127.0.0.1", "--run", str(horn)) as done, sirens(folder,
            f"siren+http://127.0.0.1:{port}/") as alerts:
        wait_for(lambda: listens(port))
        begun = time.monotonic()

        def said():
            """The loop's frames: the warning stands."""
            t = time.monotonic() - begun
            alerts.take(a_told_moment(t, warned(t, (1, 0.0))))
            return alerts.couriers[0].report()

        wait_for(lambda: said().state == UNANSWERED)
        assert said().delivered == 0
        assert not [state for state, _ in done() if state == "take-cover"]
        horn.chmod(0o755)
        wait_for(lambda: said().delivered == 1)
        wait_for(lambda: (folder / "sounded").is_file() and "take-cover" in (folder / "sounded").read_text())


def test_a_relay_behind_a_broker_sounds_and_answers(folder):
    broker = Broker(folder / "broker")
    with a_relay(folder, "--broker", f"127.0.0.1:{broker.port}", "--site", "test") as done, \
            sirens(folder, f"siren+mqtt://127.0.0.1:{broker.port}") as alerts:
        wait_for(lambda: alerts.couriers[0].report().state == WORKING, 20.0)
        alerts.take(a_told_moment(0.0, warned(0.0, (1, 0.0))))
        wait_for(lambda: alerts.couriers[0].report().delivered == 1)
        wait_for(lambda: [state for state, _ in done()][-1:] == ["take-cover"])
        # pictures stop: the relay keeps the stage, and never says all-clear by itself
        wait_for(lambda: alerts.couriers[0].report().heard > 4.0)
        assert [state for state, _ in done()][-1] == "take-cover"
    broker.kill()


def test_nobody_answers_is_said_within_seconds(folder):
    server = Receiver(lambda body, headers: (200, b""))       # takes lines and answers nothing
    with sirens(folder, f"siren+{server.url}") as alerts:
        begun = time.monotonic()
        alerts.take(a_told_moment(0.0, warned(0.0, (1, 0.0))))
        wait_for(lambda: alerts.couriers[0].report().state == UNANSWERED)
        assert time.monotonic() - begun < 10.0
        assert "north" in alerts.couriers[0].report().fault
    server.close()


def test_an_answer_that_is_forged_does_not_count(folder):
    from hashlib import sha256
    from hmac import new

    def forged(body, headers):
        told = json.loads(body.partition(b" ")[2])
        answer = json.dumps({"v": 1, "relay": "north", "message": told["message"], "counter": told["counter"]}).encode()
        return 200, new(b"another key", answer, sha256).hexdigest().encode() + b" " + answer

    server = Receiver(forged)
    with sirens(folder, f"siren+{server.url}") as alerts:
        alerts.take(a_told_moment(0.0, warned(0.0, (1, 0.0))))
        wait_for(lambda: alerts.couriers[0].report().state == UNANSWERED)
        assert alerts.couriers[0].report().delivered == 0
    server.close()


@pytest.fixture
def relay(folder, monkeypatch):
    """The reference relay's own class, in this process."""
    import importlib.util
    from types import SimpleNamespace

    spec = importlib.util.spec_from_file_location("siren_relay", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.Relay(SimpleNamespace(key=folder / "key.txt", kind="live", memory=folder / "m.json", zone=ZONE,
        name="north", run="", broker=""))
    made.done = []
    monkeypatch.setattr(made, "act", lambda state, told: made.done.append(state))
    return made


def an_alert(made=LiveAlert, **changes):
    from dataclasses import replace

    from skywarden.alerts.teller import Teller

    alert, = Teller(a_told_site(), time.time_ns(), made, True).tell(a_told_moment(0.0, warned(0.0, (1, 0.0))))
    return replace(alert, **changes)


def test_a_line_heard_once_is_not_accepted_again_nor_one_of_before(relay):
    sealer = a_sealer()
    first, second = sealer.seal(an_alert()), sealer.seal_none(ZONE)
    assert relay.hear(second) is not None
    assert relay.hear(second) is None
    assert relay.hear(first) is None
    assert "take-cover" not in relay.done


@pytest.mark.parametrize("made", [SimulationAlert, ExerciseAlert])
def test_a_line_of_a_simulation_or_an_exercise_never_verifies_at_a_live_relay(relay, made):
    assert relay.hear(a_sealer(made).seal(an_alert(made))) is None, "signed with the very same secret"
    line = a_sealer(made).seal(an_alert(made))
    assert relay.hear(line.replace(made.kind.encode(), b"live")) is None
    assert relay.done == []


def test_what_is_changed_expired_or_for_another_zone_is_not_acted_on(relay):
    sealer = a_sealer()
    line = sealer.seal(an_alert())
    assert relay.hear(line.replace(b"take-cover", b"all-clear-")) is None
    assert relay.hear(sealer.seal(an_alert(expires=time.time() - 1.0))) is None
    assert relay.hear(sealer.seal(an_alert(zone="zone 2"))) is None
    assert relay.hear(a_sealer(key=b"another key of thirty-two bytes!!").seal(an_alert())) is None
    for junk in (b"", b" ", b"\xff\xfe", b"x" * 70000, b"00 {}", line[:50]):
        assert relay.hear(junk) is None
    assert relay.done == []


def test_either_of_two_watchers_raises_and_silence_is_no_all_clear(relay, monkeypatch):
    sealer = a_sealer()
    assert relay.hear(sealer.seal(an_alert(until=time.time() + 60.0))) is not None
    other = sealer.seal_none(ZONE)
    _mac, _, body = other.partition(b" ")
    told = {**json.loads(body), "replica": "b"}
    body = json.dumps(told).encode()
    assert relay.hear(sealer._out["live"].sign(body).encode() + b" " + body) is not None
    assert relay.state[0] == "take-cover", "one says cover, the other nothing"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 20.0)
    relay.settle()
    assert relay.state[0] == "take-cover", "no word of anybody: it holds"
    monkeypatch.setattr(time, "time", lambda: now + 200.0)
    relay.settle()
    assert relay.state[0] == "no-contact"
    assert "all-clear" not in relay.done


def test_a_siren_channel_needs_a_key_and_names_who_must_answer(folder):
    for changes, said in (({"secret": ""}, "must be signed"), ({"relays": ()}, "name the relays")):
        site = a_told_site(a_channel("siren+http://127.0.0.1:9/", **{"relays": ("north",), **changes}))
        with pytest.raises(UsageError, match=said):
            open_alerts(site, 0, LiveAlert, state=folder, folder=folder, wall=True)
    (folder / "key.txt").write_text("short")
    with pytest.raises(UsageError, match="shorter than 16"):
        open_alerts(a_told_site(a_channel("siren+http://127.0.0.1:9/", relays=("north",))), 0, LiveAlert, state=folder,
            folder=folder, wall=True)


def test_the_reference_relay_is_short_and_needs_nothing_of_ours():
    text = EXAMPLE.read_text()
    assert len(text.splitlines()) < 100
    assert "import skywarden" not in text
    assert "from skywarden" not in text


def test_mqtt_says_each_zone_again_each_second_lets_it_expire_and_leaves_a_will(folder):
    broker = Broker(folder / "broker")
    site = a_told_site(a_channel(f"mqtt://127.0.0.1:{broker.port}", secret=""))
    alerts = open_alerts(site, time.time_ns(), LiveAlert, state=folder, folder=folder, wall=True)
    with listening(broker.port, "skywarden/#") as got:
        wait_for(lambda: alerts.couriers[0].report().state == WORKING)
        alerts.take(a_told_moment(0.0, warned(0.0, (1, 0.0))))

        def states(zone):
            return [json.loads(p)["stage"] for _, topic, p, _ in got if topic == f"skywarden/test/live/zone/{zone}/a"]

        def alive():
            alerts.take(a_told_moment(1.0, warned(1.0, (1, 0.0))))
            return states("zone-1").count("take-cover") >= 3 and states("zone-2").count("none") >= 2

        wait_for(alive)
        assert [json.loads(p)["stage"] for _, topic, p, _ in got
            if "/event/" in topic] == ["take-cover"], "an event once"
        with listening(broker.port, "skywarden/test/live/zone/#") as late:
            wait_for(lambda: [m for m in late if m[3]], what="a late subscriber gets what is retained")
        wait_for(lambda: (b"speaking" in [p for _, topic, p, _ in got if topic.endswith("/status/a")]))
    # the process is killed: no goodbye
    courier = alerts.couriers[0]
    client = courier.transport._client
    with listening(broker.port, "skywarden/test/live/status/#") as got:
        courier._loop.call_soon_threadsafe(client._client._sock_close)
        wait_for(lambda: b"silent" in [p for _, _, p, _ in got])
    alerts.close()

    def gone():
        with listening(broker.port, "skywarden/test/live/zone/#") as later:
            time.sleep(0.5)
            return not later

    wait_for(gone, what="what is retained runs out")
    broker.kill()


def test_a_broker_that_is_killed_and_comes_back_gets_what_waited(folder):
    mosquitto()
    broker = Broker(folder / "broker")
    site = a_told_site(a_channel(f"mqtt://127.0.0.1:{broker.port}", secret=""))
    alerts = open_alerts(site, time.time_ns(), LiveAlert, state=folder, folder=folder, wall=True)
    wait_for(lambda: alerts.couriers[0].report().state == WORKING)
    broker.kill()
    alerts.take(a_told_moment(0.0, warned(0.0, (1, 0.0))))
    wait_for(lambda: alerts.couriers[0].report().state != WORKING)
    assert alerts.couriers[0].report().waiting == 1
    broker.start()
    wait_for(lambda: alerts.couriers[0].report().accepted == 1)
    alerts.close()
    broker.kill()


def test_a_siren_in_plain_shell_acts_answers_and_refuses_what_is_forged(folder):
    import shutil

    if not all(shutil.which(program) for program in ("sh", "openssl", "od", "sed")):
        pytest.skip("sh, openssl, od and sed are needed for the siren in plain shell")
    (folder / "horn.sh").write_text('#!/bin/sh\necho "horn $1"\n')
    (folder / "horn.sh").chmod(0o755)
    sealer = a_sealer()
    alert = an_alert(until=time.time() + 60.0)
    cover, none = sealer.seal(alert), sealer.seal_none(ZONE)
    lines = [cover, cover, cover.replace(b"take-cover", b"all-clear-"),
        a_sealer(SimulationAlert).seal(an_alert(SimulationAlert)), b"junk", none]
    script = EXAMPLE.with_name("siren.sh")
    done = subprocess.run(["sh", str(script), str(folder / "key.txt"), "north", str(folder / "horn.sh")],
        input=b"\n".join(lines) + b"\n",
                          capture_output=True, timeout=60, check=True)
    assert [line for line in done.stderr.decode().splitlines() if "horn" in line] == ["horn take-cover", "horn none",
        "horn no-contact"]
    answers = [sealer.open(line) for line in done.stdout.splitlines()]
    assert answers == [("north", alert.message), ("north", "")]


def test_the_monthly_test_is_due_once_in_its_hour_and_tried_again_only_after_a_while():
    from datetime import UTC, datetime

    from skywarden.alerts.schedule import due

    at = datetime(2026, 3, 5, 10, 15, tzinfo=UTC).timestamp()
    never = float("-inf")
    assert due(at, float("nan"), never, 5, 10)
    assert not due(at, float("nan"), at - 60.0, 5, 10)
    assert due(at, float("nan"), at - 700.0, 5, 10)
    assert not due(at, at - 600.0, at - 700.0, 5, 10)
    assert due(at, at - 28 * 86_400.0, never, 5, 10)
    assert not due(at, float("nan"), never, 6, 10)
    assert not due(at, float("nan"), never, 5, 11)
