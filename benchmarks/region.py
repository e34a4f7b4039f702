"""A region of twenty bases with fifty rounds each over one broker: how old what its page has is, what a base sends,
and what the region costs; then its broker is away for a while.

    .venv/bin/python benchmarks/region.py [--seconds 60] [--away 20]

Prints the age of the shown pictures (median, 99th percentile, greatest), the kilobits a second of a base, the share of
a core that the region's process takes, and after how long every base is fresh and every standing warning right again
once the broker is back. Goals: 1.5 s, 25 kbit/s, one core, 2 s. No peer does the same. Needs mosquitto.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "stages"))

import numpy as np
from alert_builders import Broker, a_told_moment, free_port, wait_for, warned
from builders import a_site, a_zone, some_impacts, some_tracks

from skywarden.messages.moment import Moment
from skywarden.region.saying import Saying
from skywarden.standby import brokers

BASES, ROUNDS, ZONES, FRAME_S = 20, 50, 8, 0.25
WARN_S = 7.0  # seconds between two changes of what is warned
KEY = b"a key that all bases and their region share"


class Bases(threading.Thread):
    """Twenty bases that take their frames in turn, four a second each."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.epoch = time.time()
        links = [brokers.Broker("127.0.0.1", port)]
        zones = tuple(a_zone(f"zone {k}", 400.0 * k) for k in range(ZONES))
        site = a_site(zones=zones)
        self.sayings = []
        for k in range(BASES):
            origin = replace(site.origin, latitude=site.origin.latitude + 0.005 * k)     # 32 km from one to the next
            base = replace(site, name=f"base {k}", title=f"Base {k}", origin=origin)
            self.sayings.append(Saying(base, f"base-{k}", "a", int(self.epoch * 1e9), KEY, links))
        self.stop, self.draw = threading.Event(), np.random.default_rng(20)

    def run(self) -> None:
        begun, n = time.time(), 0
        while not self.stop.wait(max(0.0, begun + n * FRAME_S - time.time())):
            t = time.time() - self.epoch
            for k, saying in enumerate(self.sayings):
                saying.take(self.moment(t, self.warned(k, t)))
            n += 1

    def warned(self, base: int, t: float) -> tuple[int, int]:
        """The two zones that a base warns at a time of its run [s]."""
        first = int((t + base) // WARN_S) % ZONES
        return first, (first + 3) % ZONES

    def moment(self, t: float, zones: tuple[int, int]) -> Moment:
        """Fifty rounds at drawn places, and two zones warned."""
        place = self.draw.uniform(-3000.0, 3000.0, (ROUNDS, 3))
        tracks = some_tracks(*[(x, y, 900.0 + abs(z), 20.0, -60.0, -90.0) for x, y, z in place], t=t)
        impacts = some_impacts(*[(0.99, t + 8.0 + k % 10, x, y) for k, (x, y, _) in enumerate(place)])
        since = t - (t % WARN_S)
        warnings = warned(t, *((zone, since) for zone in zones), due=t + 9.0)
        return a_told_moment(t, warnings, tracks=tracks, impacts=impacts)

    def close(self) -> None:
        self.stop.set()
        self.join()
        for saying in self.sayings:
            saying.close()


def shown(url: str) -> list[dict[str, Any]]:
    """What the page is given."""
    with urllib.request.urlopen(f"{url}api/bases", timeout=5.0) as answer:
        return list(json.load(answer)["bases"])


def cpu(process: int) -> float:
    """Seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def right(bases: Bases, url: str) -> bool:
    """Whether every base is fresh, and shown with what it warned of at the time that the page says."""
    told = {base["name"]: base for base in shown(url)}
    return len(told) == BASES and all(
        not each["grey"] and {w["zone"] for w in each["warnings"]}
        == {f"zone {zone}" for zone in bases.warned(k, each["as_of"] - bases.epoch)}
        for k, each in ((k, told[f"base-{k}"]) for k in range(BASES))
    )


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seconds", type=float, default=60.0)
    asked.add_argument("--away", type=float, default=20.0)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as ending:
        folder, port = Path(name), free_port()
        broker = Broker(folder / "broker")
        ending.callback(broker.kill)
        (folder / "region.key").write_bytes(KEY)
        (folder / "region.toml").write_text(
            f'brokers = ["mqtt://127.0.0.1:{broker.port}"]\nsecret = "file:region.key"\nport = {port}\n')
        region = subprocess.Popen([sys.executable, "-m", "skywarden.cli", "region", str(folder / "region.toml")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ending.callback(region.wait)
        ending.callback(region.terminate)
        bases = Bases(broker.port)
        ending.callback(bases.close)
        url = f"http://127.0.0.1:{port}/"

        def listens() -> bool:
            try:
                return bool(shown(url) or True)
            except OSError:
                return False

        wait_for(listens, 60.0, "the region's page")
        bases.start()
        wait_for(lambda: right(bases, url), 60.0, "all bases are shown")
        begun, spent, ages = time.monotonic(), cpu(region.pid), []
        while time.monotonic() < begun + given.seconds:
            now = time.time()
            ages += [now - base["as_of"] for base in shown(url)]
            time.sleep(0.5)
        share = (cpu(region.pid) - spent) / (time.monotonic() - begun)
        size = max(saying.bytes for saying in bases.sayings)
        p99 = np.quantile(ages, 0.99)
        print(
            f"{BASES} bases of {ROUNDS} rounds: age median {np.median(ages):.2f} s, p99 {p99:.2f} s, "
            f"most {max(ages):.2f} s; {size * 8 / 1000:.1f} kbit/s a base; region {100 * share:.0f} % of a core")
        broker.kill()
        time.sleep(given.away)
        grey = sum(base["grey"] for base in shown(url))
        stood = sum(bool(base["warnings"]) for base in shown(url))
        broker.start()
        back = time.monotonic()
        wait_for(lambda: right(bases, url), 60.0, "all bases are right again")
        print(f"broker away {given.away:.0f} s: {grey} of {BASES} grey, {stood} with their warnings as of then; all "
            f"fresh and right {time.monotonic() - back:.2f} s after it is back")


if __name__ == "__main__":
    main()
