"""A whole run with channels: whom it tells, what stands in its record and report, and that no
secret stands anywhere.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import shutil
import socket
import sys
import threading
from pathlib import Path

import pytest
from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "stages"))

from alert_builders import Broker, Receiver, wait_for  # noqa: E402 — found by the line above

from skywarden.record.reader import Record  # noqa: E402
from skywarden.review import export, report  # noqa: E402
from skywarden.session.checks import check_record  # noqa: E402
from skywarden.session.live import open_told  # noqa: E402
from skywarden.session.request import Request  # noqa: E402
from skywarden.session.starting import run_request  # noqa: E402
from skywarden.site.load import load  # noqa: E402

PLANTED = {"hook.key": b"planted-hook-key-0123456789abcdef", "north.key": b"planted-siren-key-0123456789abcd",
    "broker.pass": b"planted-broker-password",
           "token.txt": b"planted-bearer-token"}


def a_place(folder: Path, channels: str) -> Path:
    """Kabul's site in a folder of its own, with channels and files of secrets."""
    shutil.copytree(ROOT / "sites" / "kabul", folder)
    for name, secret in PLANTED.items():
        (folder / name).write_bytes(secret)
    (folder / "site.toml").write_text((folder / "site.toml").read_text() + channels)
    return folder


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """One simulated raid with channels of every kind declared; what each receiver was sent, and
    everything the run wrote and said.
    """
    folder = tmp_path_factory.mktemp("told")
    server, live = Receiver(), Receiver()
    place = a_place(folder / "site", f"""
[[channels]]
name = "hook"
url = "webhook+{server.url}"
kind = "simulation"
secret = "file:hook.key"
password = "file:token.txt"
languages = ["en", "fa"]

[[channels]]
name = "siren"
url = "siren+http://127.0.0.1:9/"
kind = "simulation"
secret = "file:north.key"
relays = ["north"]

[[channels]]
name = "broker"
url = "mqtt://127.0.0.1:9"
kind = "simulation"
user = "skywarden"
password = "file:broker.pass"

[[channels]]
name = "the real siren"
url = "webhook+{live.url}"
kind = "live"
secret = "file:no-such-file"
""")
    said, logged = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(logged)
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        request = Request("mortar-raid", str(place), speed=None, duration=60.0, record=folder / "a.rec", console=False,
            state=folder / "state")
        summary = run_request(request, Console(file=said, width=200))
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.WARNING)
    yield {"folder": folder, "place": place, "server": server, "live": live,
        "said": said.getvalue() + logged.getvalue() + json.dumps(summary)}
    server.close()
    live.close()


def test_a_simulations_own_channel_is_told_and_every_message_says_that_it_is_one(told):
    bodies = [json.loads(body) for _, _, body in told["server"].got]
    assert "take-cover" in [body["stage"] for body in bodies]
    assert {body["kind"] for body in bodies} == {"simulation"}
    assert all("SIMULATION" in body["say"]["en"] and "شبیه‌سازی" in body["say"]["fa"] for body in bodies)


def test_nothing_of_a_simulation_reaches_the_live_channel_and_its_key_is_not_even_read(told):
    assert told["live"].got == []


def test_who_was_told_stands_in_the_record_and_the_report_and_the_record_repeats(told):
    record = told["folder"] / "a.rec"
    with Record(record) as opened:
        moments = list(opened.moments())
    names = [name.decode() for name in moments[-1].picture.health.channels.name.tolist()]
    assert names == ["hook", "siren", "broker"]
    assert moments[-1].picture.health.channels.state.tolist()[1:] == [1,
        1], "channels nobody listens on are failing, and shown"
    assert check_record(record, Console(file=io.StringIO())).same
    report.write(record, told["folder"] / "report.html")
    page = (told["folder"] / "report.html").read_text()
    assert "Who was told" in page


def test_no_planted_secret_stands_in_any_record_log_report_export_or_outbox(told):
    folder, record = told["folder"], told["folder"] / "a.rec"
    report.write(record, folder / "again.html")
    for form in ("geojson", "parquet", "mcap"):
        export.write(record, form, folder / f"out.{form}")
    searched = 0
    for file in folder.rglob("*"):
        if file.is_file() and file.parent != told["place"]:
            content = file.read_bytes()
            searched += 1
            assert not [name for name, secret in PLANTED.items() if secret in content
                or secret.hex().encode() in content], file
    assert searched > 6
    assert not [name for name, secret in PLANTED.items() if secret.decode() in told["said"]]
    assert all(secret not in body for secret in PLANTED.values() for _, _, body in told["server"].got)


def test_skywarden_alert_shows_who_was_told(told):
    from typer.testing import CliRunner

    from skywarden.cli import app

    done = CliRunner().invoke(app, ["alert", "show", str(told["place"]), "--kind", "simulation", "--state",
        str(told["folder"] / "state")])
    assert done.exit_code == 0, done.output
    assert "take-cover" in done.output
    assert "delivered by 127.0.0.1" in done.output


@pytest.mark.parametrize(("channel", "said"), [
    ('url = "mqtt://amina:hunter2@127.0.0.1"', "holds a user, a password or a key"),
    ('url = "webhook+https://h/x?token=abc"', "holds a user, a password or a key"),
    ('url = "mqtt://h"\nsecret = "hunter2"', "names no file"), ('url = "mqtt://h"\npassword = "hunter2"',
        "names no file"),
    ('url = "mqtt://h"\nzones = ["apron nowhere"]', "there is no zone"), ('url = "mqtt://h"\nkind = "real"',
        "Use one of: live"),
    ('url = "mqtt://h"\nkind = "live"\ntracks = true', "tracks are asked for"), ('url = "pigeon://h"',
        "nothing sends to pigeon"),
    ('url = "mqtt://h"\nsercet = "file:x"', "Did you mean"), ('url = "x"', "is no address")])
def test_a_channel_declared_wrongly_is_said_to_be_without_repeating_a_secret(tmp_path, channel, said):
    from skywarden.tools.check import check_file

    place = a_place(tmp_path / "site", f'\n[[channels]]\nname = "x"\n{channel}\n')
    faults = "\n".join(map(str, check_file(place)))
    assert said in faults
    assert "hunter2" not in faults


def test_live_and_simulation_share_neither_a_receiver_nor_a_key(tmp_path):
    from skywarden.tools.check import check_file

    plain = ('\n[[channels]]\nname = "{0}"\nkind = "{0}"\nurl = "webhook+http://127.0.0.1:9/"\nsecret = '
        '"file:hook.key"\n')
    two = plain.format("live") + plain.format("simulation")
    faults = "\n".join(map(str, check_file(a_place(tmp_path / "site", two))))
    assert "send to the same address" in faults
    assert "signed with the same key" in faults


def test_a_recording_read_as_a_feed_sounds_no_siren(tmp_path):
    server = Receiver()
    place = a_place(tmp_path / "site", f'\n[[channels]]\nname = "x"\nkind = "live"\nurl = '
        f'"webhook+{server.url}"\nsecret = "file:hook.key"\n')
    said = io.StringIO()
    site, request = load(place), Request(None, str(place), state=tmp_path / "state")
    assert open_told(request, site, 0, live=False, talk=Console(file=said, width=300)) is None
    assert "stay silent" in said.getvalue()
    server.close()


def test_a_live_session_tells_its_live_channel_and_is_tested_while_it_runs(tmp_path, monkeypatch):
    """Real sockets from end to end: a radar's datagrams come in, a test goes out through the running service."""
    server = Receiver()
    place = a_place(tmp_path / "site", f'\n[[channels]]\nname = "x"\nkind = "live"\nurl = '
        f'"webhook+{server.url}"\nsecret = "file:hook.key"\n')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    request = Request(None, str(place), (f"asterix+udp://127.0.0.1:{port}",), duration=300.0, console=False,
        record=tmp_path / "a.rec", state=tmp_path / "state")
    stop = threading.Event()
    monkeypatch.setattr("skywarden.session.running.stopping", lambda: contextlib.nullcontext(stop))
    running = threading.Thread(target=lambda: run_request(request, Console(file=io.StringIO())), daemon=True)
    running.start()
    from skywarden.alerts.outbox import ask_service
    from skywarden.errors import UsageError
    from skywarden.tools import alert

    def asked():
        try:
            return ask_service(tmp_path / "state" / "alerts-kabul-live.outbox", "say", '{"text": "Hello."}', "me")
        except UsageError:
            return 0

    wait_for(asked, 400.0, "the service runs")
    line, = alert.try_channels(load(place), "live", "x", tmp_path / "state", patience=60.0)
    assert alert.passed(line, load(place))
    stop.set()
    kinds = [json.loads(body)["kind"] for _, _, body in server.got]
    assert "test" in kinds
    running.join(60.0)
    server.close()


@pytest.mark.prove
def test_a_real_broker_sees_a_simulations_zones_on_its_own_topics_only(tmp_path):
    from alert_builders import listening

    broker = Broker(tmp_path / "broker")
    place = a_place(tmp_path / "site", f'\n[[channels]]\nname = "x"\nkind = "simulation"\nurl = '
        f'"mqtt://127.0.0.1:{broker.port}"\n')
    with listening(broker.port, "skywarden/#") as got:
        run_request(Request("mortar-raid", str(place), speed=20.0, console=False, state=tmp_path / "state"),
            Console(file=io.StringIO()))
        topics = {topic.split("/")[2] for _, topic, _, _ in got}
    assert topics == {"simulation"}
    broker.kill()
