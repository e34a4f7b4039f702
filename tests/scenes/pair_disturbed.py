"""Two services that watch one base, a third that nobody disturbs, and raids as real plots over loopback; then each kind
of trouble for one of the two.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
from alert_builders import Broker, free_port, listening, wait_for

from skywarden.emit.asterix import AsterixOut
from skywarden.emit.forms import target
from skywarden.emit.shown import Shown, Stage
from skywarden.feeds.simulated import Simulated
from skywarden.formats import asterix_out
from skywarden.messages.picture import Tracks
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.site.load import load as load_site

ROOT = Path(__file__).resolve().parents[2]
TWO = ("a", "b")
WARNED = "take-cover"
SAME_S = 6.0            # seconds within which two services' first words are of one warning
EVERY_S = 28.0          # seconds between two rounds: the warning of each is over before that of the next begins
REAL_TARGET = 0         # I015/020 TTAX: an actual target

CHANNEL = '\n[[channels]]\nname = "broker"\nkind = "live"\nurl = "mqtt://127.0.0.1:{port}"\n'
SERVICE = """site = "{site}"
feeds = ["asterix+udp://127.0.0.1:{feed}"]
state = "state"
[console]
port = -1
[health]
host = "127.0.0.1"
port = {health}
[records]
folder = "records"
[clock]
watch = false
"""
BESIDE = """[pair]
replica = "{name}"
rank = {rank}
brokers = {brokers}
secret = "file:pair.key"
"""


class Cut:
    """A way to a broker that can be cut: nothing passes then, and nobody is told."""

    def __init__(self, to: int) -> None:
        self.to, self.cut, self.closed = to, threading.Event(), threading.Event()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.door.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.to), 2.0)
                except OSError:
                    near.close()
                    continue
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            one.settimeout(None)
            while data := one.recv(65536):
                while self.cut.is_set() and not self.closed.is_set():
                    time.sleep(0.01)
                other.sendall(data)
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.closed.set()
        self.door.close()


class Service:
    """`skywarden serve` of one folder, in a process of its own."""

    def __init__(self, folder: Path, health: int) -> None:
        self.folder, self.health = folder, health
        self.process: subprocess.Popen[bytes] | None = None
        self.log = (folder / "log").open("ab")

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "skywarden.cli", "serve", str(self.folder / "service.toml")],
            stdout=self.log, stderr=self.log)

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()

    def ready(self) -> bool:
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(
                f"http://127.0.0.1:{self.health}/readyz", timeout=1.0) as answer:
            return bool(answer.status == 200)
        return False

    def numbers(self) -> dict[str, float]:
        """What /metrics says, by name without labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/metrics", timeout=5.0) as answer:
            lines = answer.read().decode().splitlines()
        return {line.split("{")[0].split(" ")[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line[:1] != "#"}

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(20.0)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


class Raids(threading.Thread):
    """A scenario's plots of the battle radar, again and again in real time, to each of the ports.

    The plots are those of a simulation; only here, in a test's own process, are they sent as a real radar would send
    them, since the live channels stay silent for simulated targets.
    """

    def __init__(self, scenario: str, ports: list[int], began: float) -> None:
        super().__init__(daemon=True)
        site = load_site("kabul")
        made = load_scenario(scenario, site)
        self.stop = threading.Event()
        self.shown = [Shown(frame.t, frame, Tracks.empty(), truth) for frame, truth in Simulated(made, site)
            if frame.t >= began]
        self.stage = Stage(made, site)
        self.out = AsterixOut(target("asterix+udp://127.0.0.1:9?send=radar"), self.stage)
        self.door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ports = ports

    def run(self) -> None:
        while not self.stop.is_set():
            first, begun = self.shown[0].t, time.time() + 0.2
            self.stage._epoch_ns = int((begun - first) * 1e9)
            self.out._alive = [-np.inf] * len(self.stage.site.radars)
            for shown in self.shown:
                if self.stop.wait(max(0.0, begun + shown.t - first - time.time())):
                    return
                for datagram in self.out.datagrams(shown):
                    if datagram[0] != 48:
                        for port in self.ports:
                            self.door.sendto(datagram, ("127.0.0.1", port))


class Base:
    """Two services and the undisturbed third, each heard on its own broker."""

    def __init__(self, folder: Path, scenario: str, began: float, ending: ExitStack) -> None:
        asterix_out.SIMULATED_TARGET = REAL_TARGET
        ending.callback(setattr, asterix_out, "SIMULATED_TARGET", 3)
        self.brokers = [Broker(folder / f"broker{k}") for k in range(2)]
        self.calm = Broker(folder / "calm-broker")
        for broker in (*self.brokers, self.calm):
            ending.callback(broker.kill)
        self.ways = {(name, k): Cut(broker.port) for name in TWO for k, broker in enumerate(self.brokers)}
        for way in self.ways.values():
            ending.callback(way.close)
        ports = [free_port() for _ in range(3)]
        channels = "".join(CHANNEL.format(port=b.port).replace('"broker"', f'"broker{k}"')
            for k, b in enumerate(self.brokers))
        self.two = {name: self._service(folder, name, rank, ports[rank], channels, [
            f"mqtt://127.0.0.1:{self.ways[name, k].port}" for k in range(2)]) for rank, name in enumerate(TWO)}
        self.undisturbed = self._service(folder, "calm", 0, ports[2], CHANNEL.format(port=self.calm.port), [])
        self.raids = Raids(scenario, ports, began)
        for service in (self.undisturbed, *self.two.values()):
            service.start()
            ending.callback(service.end)
        self.raids.start()
        ending.callback(self.raids.join)
        ending.callback(self.raids.stop.set)
        for service in (self.undisturbed, *self.two.values()):
            wait_for(service.ready, 300.0, f"{service.folder.name} is ready")
        topics = "skywarden/+/live/event/#"
        self.theirs: list[list[Any]] = [ending.enter_context(listening(broker.port, topics)) for broker in self.brokers]
        self.reference: list[Any] = ending.enter_context(listening(self.calm.port, topics))

    def _service(self, folder: Path, name: str, rank: int, feed: int, channels: str, brokers: list[str]) -> Service:
        place = folder / name
        shutil.copytree(ROOT / "sites" / "kabul", place / "site")
        site = place / "site" / "site.toml"
        text = site.read_text()     # each round is a raid of its own here, and its warning a new one
        text = text.replace("all_clear_s = 30.0", "all_clear_s = 3.0").replace("raid_gap_s = 120.0", "raid_gap_s = 5.0")
        site.write_text(text + channels)
        (place / "pair.key").write_bytes(b"a-planted-key-of-thirty-two-bytes")
        health = free_port()
        told = SERVICE.format(site="site", feed=feed, health=health)
        if brokers:
            told += BESIDE.format(name=name, rank=rank, brokers=json.dumps(brokers))
        (place / "service.toml").write_text(told)
        return Service(place, health)


def onsets(got: list[Any]) -> list[tuple[str, float]]:
    """Each warning once, by the first word to take cover of it: zone and when it was heard [s, monotonic]."""
    found: dict[tuple[str, str], float] = {}
    for at, _, payload, _ in list(got):
        said = json.loads(payload)
        if said["stage"] == WARNED:
            key = (said["zone"], said["id"])
            found[key] = min(found.get(key, np.inf), at)
    return [(zone, at) for (zone, _), at in found.items()]


def lateness(theirs: list[list[Any]], reference: list[Any], after: float) -> list[tuple[str, float, float]]:
    """For each warning of the undisturbed service after a moment: zone, when it was heard, and how much later the first
    of the two said it [s]; inf where neither did.
    """
    heard = [each for got in theirs for each in onsets(got)]
    made = []
    for zone, at in onsets(reference):
        if at >= after:
            near = [other - at for where, other in heard if where == zone and abs(other - at) < SAME_S]
            made.append((zone, at, min(near, default=np.inf)))
    return made


def troubles(base: Base, draw: random.Random) -> dict[str, Any]:
    """What can be done to one of the two, by name; each does it, waits, and mends it."""

    def killed() -> None:
        service = base.two[draw.choice(TWO)]
        service.send(signal.SIGKILL)
        time.sleep(draw.uniform(0.5, 3.0))
        service.start()
        wait_for(service.ready, 120.0, "it is ready again")

    def stopped() -> None:
        service = base.two[draw.choice(TWO)]
        service.send(signal.SIGSTOP)
        time.sleep(draw.uniform(0.7, 3.0))
        service.send(signal.SIGCONT)

    def parted() -> None:
        """One of the two hears neither the other nor a broker of the pair."""
        name = draw.choice(TWO)
        for k in range(2):
            base.ways[name, k].cut.set()
        time.sleep(draw.uniform(1.0, 5.0))
        for k in range(2):
            base.ways[name, k].cut.clear()

    def broker_killed() -> None:
        broker = draw.choice(base.brokers)
        broker.kill()
        time.sleep(draw.uniform(0.5, 3.0))
        broker.start()

    def upgraded() -> None:
        """Ended in order and started again, first the one, then the other, as the guide says."""
        for name in draw.sample(TWO, 2):
            service = base.two[name]
            assert service.process is not None
            service.process.terminate()
            service.process.wait(30.0)
            service.start()
            wait_for(service.ready, 120.0, "it is ready again")
            wait_for(lambda service=service: service.numbers().get("skywarden_frames_total", 0.0) > 8.0, 60.0,
                "it follows")

    def reloaded() -> None:
        service = base.two[draw.choice(TWO)]
        service.send(signal.SIGHUP)
        wait_for(lambda: not service.ready(), 20.0, "the old configuration ends")
        wait_for(service.ready, 120.0, "the new one is taken up")

    return {"kill -9": killed, "both ended and started again": upgraded, "a configuration taken up": reloaded,
        "SIGSTOP, SIGCONT": stopped, "parted from the other and the brokers": parted, "a broker killed": broker_killed}


def scenario_of(seconds: float, seed: int) -> str:
    """A round every EVERY_S or so, each into a zone drawn anew: a scenario's text."""
    draw, site = random.Random(seed), load_site("kabul")
    zones = [zone.name for zone in site.zones if zone.warn]
    text = f"""name = "one after another"
site = "kabul"
epoch = "2021-08-25T21:10:00Z"
duration_s = {seconds}
seed = {seed}
[[areas]]
name = "launch south"
latitude_deg = 34.53433
longitude_deg = 69.20285
radius_m = 350
"""
    for k in range(int((seconds - 30.0) / EVERY_S)):
        text += f"""[[raids]]
name = "round {k}"
class = "medium mortar"
count = 1
start_s = {2.0 + EVERY_S * k + draw.uniform(0.0, 4.0):.2f}
launch = "launch south"
fall = "{draw.choice(zones)}"
fall_angle_deg = [52, 60]
fall_speed_mps = [140, 170]
"""
    return text


def own_priority() -> None:
    """Where a session of the scheduler may be preferred, this one is, so that other work does not count as lateness."""
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("-15")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
