"""`skywarden feed`: what arrives at any feed is told before anything is believed; the help, the
errors and the guide name the same forms.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from feed_builders import a_surveillance_site, a_turn, block, plot_048
from typer.testing import CliRunner

from skywarden.cli import app
from skywarden.errors import FeedError, UsageError
from skywarden.feeds.opening import open_source
from skywarden.feeds.registry import SCHEMES, help_text
from skywarden.session.verbs.feed import picture
from skywarden.tools.feed import watch_feed

ROOT = Path(__file__).resolve().parents[2]
runner = CliRunner()


def test_help_errors_and_guide_name_the_same_feeds():
    page = (ROOT / "docs" / "guide" / "own-radar.md").read_text("utf-8")
    with pytest.raises(UsageError) as error:
        open_source("radar://somewhere", a_surveillance_site())
    shown = re.sub(r"\s", "", runner.invoke(app, ["run", "--help"], terminal_width=200).output)
    for scheme in SCHEMES:
        assert f"| `{scheme.form}` | {scheme.what} |" in page
        assert scheme.form in help_text()
        assert scheme.form in shown
        assert scheme.form in str(error.value)
        assert scheme.what in str(error.value)
        for option, what in scheme.options.items():
            assert f"`{option}=` ({what})" in page
    told = re.findall(r"^\| `([a-z0-9+]+)[:/]", page, re.M)
    assert sorted(told) == sorted(scheme.name for scheme in SCHEMES)


def test_a_recording_is_told_by_category_sender_and_picture(tmp_path):
    path = tmp_path / "turn.raw"
    path.write_bytes(a_turn(1000.0, 20) + block(48, plot_048(1010.0, 30.0, 10.0, 7, flags=0xB0)) + b"\xff\xff")
    told = runner.invoke(app, ["feed", f"asterix+file:{path}", "--json"])
    assert told.exit_code == 0, told.output
    last = json.loads(told.output.splitlines()[-1])
    assert last["kinds"] == {"CAT048": 21}
    assert last["messages"] == 21
    assert last["undecodable_bytes"] == 2
    assert last["refused"] == {"marked": 1}
    assert last["aircraft"] == 20
    assert [(s["name"], s["plots"]) for s in last["senders"]] == [("1/2", 20)]
    assert len(last["places"]) == 20
    shown = runner.invoke(app, ["feed", f"asterix+file:{path}"]).output
    assert "refused: marked 1" in shown
    assert "rings at" in shown


def test_traffic_without_a_site_is_looked_at_from_where_it_is(tmp_path):
    path = tmp_path / "traffic.txt"
    path.write_text(
        "".join(
            f"MSG,3,1,1,3C64{k:02X},1,2026/11/23,12:00:{k:02d}.000,2026/11/23,12:00:{k:02d}.000,,10000,,,48.{k:02d},11.5,,,,,,0\n"
            for k in range(20)
        )
    )
    last = json.loads(runner.invoke(app, ["feed", f"sbs+file:{path}", "--json"]).output.splitlines()[-1])
    assert last["kinds"] == {"MSG,3": 20}
    assert last["aircraft"] == 20
    assert last["refused"] == {}
    assert max(distance for _, distance in last["places"]) < 60_000


def test_live_senders_are_told_apart_with_their_clocks():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stop, told = threading.Event(), []

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            while not stop.is_set():
                now = time.time() % 86_400
                for identity, off in (((1, 2), 0.0), ((1, 3), 40.0)):
                    out.sendto(
                        block(48, plot_048((now + off) % 86_400, 20.0, 10.0, identity[1], identity=identity)),
                        ("127.0.0.1", port),
                    )
                time.sleep(0.02)

    def shown(probe, source, now, begin):
        told.append(probe.told(now, begin, source))
        senders = {s["name"].split()[0]: s for s in told[-1]["senders"]}
        if len(senders) == 2 and all(s["plots"] > 20 for s in senders.values()):
            stop.set()

    sender = threading.Thread(target=send)
    sender.start()
    watch_feed(f"asterix+udp://127.0.0.1:{port}", None, 60.0, stop, shown)
    stop.set()
    sender.join()
    ahead = {s["name"].split()[0]: s["clock_ahead_s"] for s in told[-1]["senders"]}
    assert abs(ahead["1/2"]) < 0.3
    assert abs(ahead["1/3"] - 40.0) < 0.3


def test_silence_is_said_with_what_to_try_and_an_interruption_ends_politely():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    child = subprocess.Popen(
        [sys.executable, "-m", "skywarden.cli", "feed", f"sbs+tcp://127.0.0.1:{port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    out, said = child.communicate(timeout=60)
    assert child.returncode == 1
    assert "nothing has come" in said
    assert "Connection refused" in said
    assert "Traceback" not in said + out


def test_the_picture_has_north_up_and_a_scale():
    drawn = picture([(0.0, 9_000.0), (90.0, 9_000.0)]).splitlines()
    assert drawn[-1] == "rings at 5 and 10 km"
    assert any("o" in line for line in drawn[:5])
    assert drawn[14].rstrip().endswith("o  ·") or "o" in drawn[14][45:]


def test_why_a_web_address_gives_nothing_is_told():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = runner.invoke(app, ["feed", f"aircraft+http://127.0.0.1:{port}", "--seconds", "0.3"])
    assert told.exit_code == 1
    assert "requests failed" in told.output


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("aircraft+http://", "names no host"),
        ("asterix+udp://127.0.0.1", "names no port"),
        ("sbs+file:/nowhere/at/all", "there is no file"),
        ("asterix+udp://127.0.0.1:9?simulated=perhaps", "it is yes or no"),
    ],
)
def test_a_wrong_url_gets_a_sentence(url, says):
    with pytest.raises((UsageError, FeedError), match=says):
        open_source(url, a_surveillance_site())
