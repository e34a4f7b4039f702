"""Warnings on their way, measured: from the frame to the wire, and ten thousand of them while
broker and process are killed.
"""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "stages"))

from alert_builders import KEY, Broker, Receiver, a_channel, a_told_moment, a_told_site, listening, wait_for, warned  # noqa: E402 — found by the line above
from builders import a_flight, a_raid, a_scenario, a_site, a_zone, some_impacts, some_tracks, square  # noqa: E402

from skywarden.alerts.alert import SimulationAlert, slug, warning_id  # noqa: E402
from skywarden.alerts.opening import open_alerts, outbox_path  # noqa: E402
from skywarden.alerts.outbox import WAITING  # noqa: E402
from skywarden.feeds.simulated import Simulated  # noqa: E402
from skywarden.messages.moment import Moment  # noqa: E402
from skywarden.messages.picture import RAISE, STAGE_NAMES, TAKE_COVER  # noqa: E402
from skywarden.messages.receipts import DELIVERED, WORKING  # noqa: E402
from skywarden.pipeline.simulated import watching  # noqa: E402
from skywarden.pipeline.warming import warm  # noqa: E402
from skywarden.run.mailbox import Mailbox  # noqa: E402
from skywarden.simulator.scenario.model import Area  # noqa: E402

CHILD, RELAY = Path(__file__).with_name("warnings_child.py"), ROOT / "examples" / "siren_relay.py"
EPOCH = 1_700_000_000           # s, of the child's warnings
ZONES = 30
STANDS = 10                     # of the child's warnings, one of so many stands until it is acknowledged


class Stuck:
    """A recorder whose disk hangs until it is let go."""

    def __init__(self):
        self.go, self.done = threading.Event(), 0

    def take(self, moment):
        self.go.wait(120.0)
        self.done += 1

    def close(self):
        pass


def crowded(t, zone):
    """A picture of 200 projectiles and 30 aircraft in which one zone is warned."""
    tracks = some_tracks(*[(10.0 * k, 20.0 * k, 900.0, -50.0, 80.0, -20.0) for k in range(230)],
        projectile=[1.0] * 200 + [0.0] * 30)
    impacts = some_impacts(*[(0.99, t + 12.0, 10.0 * k, 5.0 * k) for k in range(200)])
    return a_told_moment(t, warned(t, (zone, t), due=t + 12.0), tracks=tracks, impacts=impacts)


def told_over_three_channels(folder, site, frames, pause=0.25):
    """Seconds until each client's socket has each zone's first warning, by channel, while the
    recorder hangs.

    frames   yields functions that make one moment each; the seconds count from the call, so from
             the frame
    Gives {channel: {zone: seconds}} and {zone: seconds from the frame's oldest plot to the frame}.
    """
    import socket

    (folder / "key.txt").write_bytes(KEY)
    hook, broker = Receiver(), Broker(folder / "broker")
    cot = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    cot.bind(("127.0.0.1", 0))
    drawn = []

    def hear():
        while data := cot.recv(65536):
            drawn.append((time.monotonic(), data))

    threading.Thread(target=hear, daemon=True).start()
    site = replace(site, channels=(
        a_channel(f"webhook+{hook.url}", "hook", "simulation"), a_channel(f"mqtt://127.0.0.1:{broker.port}", "mqtt",
            "simulation", secret=""),
        a_channel(f"cot+udp://127.0.0.1:{cot.getsockname()[1]}", "cot", "simulation", secret="")))
    alerts = open_alerts(site, EPOCH * 10**9, SimulationAlert, state=folder, folder=folder)
    stuck = Stuck()
    boxes = [Mailbox("alerts", alerts), Mailbox("record", stuck)]
    began, waited = {}, {}
    with listening(broker.port, "skywarden/#") as got:
        wait_for(lambda: all(courier.report().state == WORKING for courier in alerts.couriers))
        for make in frames:
            begun = time.monotonic()
            moment = make()
            plots = moment.frame.detections.t
            for zone, action in zip(moment.picture.warnings.zone.tolist(), moment.picture.warnings.action.tolist(),
                    strict=True):
                if action == RAISE:
                    began.setdefault(site.zones[zone].name, begun)
                    waited.setdefault(site.zones[zone].name, moment.frame.t - float(plots.min()) if plots.size else 0.0)
            for box in boxes:
                box.take(moment)
            time.sleep(max(0.0, pause - (time.monotonic() - begun)))
        boxes[0].drain(30.0)
        wait_for(lambda: all(courier.report().waiting == 0 for courier in alerts.couriers), 60.0)

        def arrivals():
            """When each zone's first word to take cover came; pre-alerts before it are none."""
            found = {"hook": {}, "mqtt": {}, "cot": {}}
            heard = [("hook", at, body) for at, _, body in list(hook.got)]
            heard += [("mqtt", at, body) for at, topic, body, _ in list(got) if "/event/" in topic]
            for name, at, body in heard:
                said = json.loads(body)
                if said["stage"] == STAGE_NAMES[TAKE_COVER]:
                    found[name].setdefault(said["zone"], at)
            for at, data in list(drawn):
                for zone in began:
                    if f".{slug(zone)}.2".encode() in data and b"Take cover" in data:
                        found["cot"].setdefault(zone, at)
            return found

        wait_for(lambda: all(len(found) >= len(began) for found in arrivals().values()), 30.0)
        arrived = arrivals()
    assert stuck.done == 0, "everything arrived while the recorder hung"
    stuck.go.set()
    boxes[0].close()
    broker.kill()
    hook.close()
    cot.close()
    return {name: {zone: found[zone] - at for zone, at in began.items()} for name, found in arrived.items()}, waited


def test_each_channel_is_told_of_every_zone_while_the_recorder_hangs(tmp_path):
    frames = ((lambda zone=zone: crowded(float(zone), zone)) for zone in range(ZONES))
    late, _ = told_over_three_channels(tmp_path, a_told_site(zones=ZONES), frames, pause=0.05)
    for name, found in late.items():
        assert len(found) == ZONES, name        # how soon is asked of a machine that does nothing else: `make prove`


@pytest.mark.prove
def test_from_the_frame_to_the_wire_in_a_tenth_of_a_second(tmp_path, evidence):
    """Two hundred rounds and thirty aircraft through the same function as a live radar's, in real time."""
    zones = tuple(a_zone(f"zone {k}", 250.0 * (k % 6) - 600.0, 250.0 * (k // 6) - 500.0, 60.0) for k in range(ZONES))
    site = a_site(zones=zones, policy=replace(a_site().policy, frame_s=0.25))
    plain = a_flight()
    flights = tuple(
        replace(plain, callsign=f"TEST{k}", address=0xA00000 + k, position=plain.position + np.array([0.0, 300.0 * k,
            60.0 * k])) for k in range(30))
    raid = a_raid(count=200, start=2.0, interval=(0.02, 0.06), fall=Area("zones", square(0.0, 0.0, 700.0)))
    scenario = a_scenario(raids=(raid,), flights=flights, duration=30.0)
    feed = list(Simulated(scenario, site))
    watch = watching(site)
    warm(site, True)
    frames = ((lambda frame=frame: Moment(frame, watch(frame), None, None)) for frame, _ in feed)
    late, waited = told_over_three_channels(tmp_path, site, frames)
    for name, found in late.items():
        seconds = np.array(list(found.values()))
        plots = np.array([found[zone] + waited[zone] for zone in found])
        figures = {f"{what}_p{q}_ms": round(1000.0 * float(np.percentile(of, q)), 1)
                   for what, of in (("frame_to_wire", seconds), ("plot_to_wire", plots)) for q in (50, 99)}
        evidence("alerts", f"{name}, 200 projectiles", warnings=int(seconds.size), **figures)
        assert float(np.percentile(seconds, 99)) <= 0.1, name


def raised_and_killed(folder, many, kills, rng):
    """Raise `many` warnings while the broker and the process are killed `kills` times each; what
    the relay did, and the outbox.
    """
    (folder / "key.txt").write_bytes(KEY)
    broker = Broker(folder / "broker")
    log = folder / "relay.log"
    relay = subprocess.Popen(
        [sys.executable, str(RELAY), "--key", str(folder / "key.txt"), "--name", "north", "--zone", "zone 0", "--site",
            "test", "--memory",
         str(folder / "relay.json"), "--broker", f"127.0.0.1:{broker.port}"], stdout=log.open("w"),
         stderr=subprocess.STDOUT)
    said = folder / "child.log"

    def start():
        return subprocess.Popen([sys.executable, str(CHILD), str(folder), str(broker.port), str(many)],
            stdout=said.open("a"), stderr=subprocess.STDOUT)

    def reached():
        lines = said.read_text().split() if said.is_file() else []
        return int(lines[-1]) if lines and lines[-1].isdecimal() else 0

    child = start()
    try:
        spots = sorted((rng.randrange(1, many), way) for way in ("broker", "process") for _ in range(kills))
        for spot, way in spots:
            wait_for(lambda spot=spot, child=child: reached() >= spot or child.poll() is not None, 900.0,
                f"warning {spot}")
            if way == "broker":
                broker.kill()
                time.sleep(0.3)
                broker.start()
            else:
                child.kill()
                child.wait()
                child = start()
        assert child.wait(900.0) == 0, said.read_text()[-3000:]
    finally:
        for process in (child, relay):
            process.kill()
            process.wait()
        broker.kill()
    with closing(sqlite3.connect(outbox_path("test", "live", folder))) as base:
        rows = base.execute("SELECT message, state, expires FROM messages WHERE stage=2").fetchall()
    acted = [(float(line.split(" ")[0]), *line.split(": ", 1)[1].split(" ")[:2])
        for line in log.read_text().splitlines() if ": take-cover " in line]
    return rows, acted


def judged(rows, acted, many, kills):
    """That no warning is lost, none acted on twice, none after its expiry, and all that stood long enough
    to be heard acted on; gives how many were acted on.
    """
    expected = {warning_id("test", "zone 0", EPOCH + k) for k in range(1, many + 1)}
    kept = {message.rsplit(".take-cover", 1)[0]: (state, expires) for message, state, expires in rows}
    assert expected <= kept.keys(), f"{len(expected - kept.keys())} warnings are in no outbox"
    assert not [warning for warning in expected if kept[warning][0] == WAITING], "everything left the outbox or ran out"
    ids = [warning for _, _, warning in acted]
    assert len(ids) == len(set(ids)), "acted on twice"
    assert all(at <= kept[warning][1] + 0.5 for at, _, warning in acted), "acted on after its expiry"
    done, stood = set(ids), {warning_id("test", "zone 0", EPOCH + k) for k in (1, *range(STANDS, many + 1, STANDS))}
    assert stood <= done, f"{len(stood - done)} that stood until they were acknowledged were not acted on"
    told = {warning for warning in expected if kept[warning][0] == DELIVERED}
    assert told <= done, f"{len(told - done)} are said to be delivered and were not acted on"
    # between two that stand until somebody has heard them, and one kill, all may go by
    assert len(ids) >= many - 2 * kills * STANDS
    return len(ids)


def test_warnings_survive_a_killed_broker_and_a_killed_process(tmp_path):
    rows, acted = raised_and_killed(tmp_path, 60, 1, random.Random(4))
    judged(rows, acted, 60, kills=1)


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_ten_thousand_warnings_with_broker_and_process_killed_five_times(tmp_path, evidence):
    begun = time.monotonic()
    rows, acted = raised_and_killed(tmp_path, 10_000, 5, random.Random(15))
    done = judged(rows, acted, 10_000, kills=5)
    evidence("alerts", "10,000 warnings, broker and process killed five times each", messages=len(rows), lost=0,
        acted_on=done, twice=0, after_expiry=0,
             seconds=round(time.monotonic() - begun))
