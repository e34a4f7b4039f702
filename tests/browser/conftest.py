"""A real Chromium, the console's own page, and a made-up run behind it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(ROOT))

from fake import Play, kabul  # noqa: E402 — found by the line above

from skywarden.console.app import STATIC  # noqa: E402
from skywarden.console.journal import Journal, left_standing  # noqa: E402
from skywarden.console.server import Console  # noqa: E402
from skywarden.run.clock import ScaledClock  # noqa: E402
from skywarden.run.mailbox import SinkState  # noqa: E402
from skywarden.site.model import Display  # noqa: E402

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync", "--autoplay-policy=no-user-gesture-required",
)
FRAME_S = 0.1


def _chromium() -> str | None:
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update"], capture_output=True, timeout=300, check=False)
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
            capture_output=True, timeout=900, check=False)
        found = next((path for path in map(shutil.which, NAMES) if path), None)
    return found


def _skip(reason: str) -> None:
    warnings.warn(f"THE CONSOLE'S PAGE IS NOT TESTED: {reason}", stacklevel=2)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium():
    """One headless Chromium for all tests; every test has its own profile in it."""
    playwright = pytest.importorskip("playwright.sync_api",
        reason="playwright is not installed: the console's page is not tested")
    from hatch_build import build

    with (ROOT / ".page.lock").open("w") as held:      # several workers test side by side, one of them builds
        fcntl.flock(held, fcntl.LOCK_EX)
        trouble = build(ROOT / "web", STATIC)
    if trouble:
        _skip(trouble)
    path = _chromium()
    if path is None:
        _skip("no Chromium on this machine, and none could be installed")
    # a shared machine may be slow; claims about time measure it themselves
    playwright.expect.set_options(timeout=30_000)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


class Run:
    """A console with a made-up run driven at ten frames a second by a clock whose pace can be
    changed, and what people commanded of it.

    journal  file that the standing warnings are written to, and taken up from
    """

    def __init__(self, mode: str = "SIMULATION", port: int = 0, terrain: bool = False, title: str = "A made-up raid",
            start: float = 0.0,
                 users: Path | None = None, folder: Path | None = None, journal: Path | None = None,
                 records: Path | None = None, consent: str = "one", tiles: str | None = None,
                 display: Display | None = None, public_url: str | None = None,
                 frames: type[Play] = Play, **play: object) -> None:
        site = kabul(terrain)
        self.site = replace(site, policy=replace(site.policy, consent=consent), display=display or site.display)
        self.play = frames(self.site, drill=mode == "SIMULATION", **play)   # type: ignore[arg-type]
        self.play.needed = {"none": 0, "one": 1, "two": 2}[consent]
        self.others: list[SinkState] = []       # how further sinks fare
        self._going, self._frozen = threading.Event(), threading.Event()
        self.clock = ScaledClock(1.0, sleep=self._going.wait)
        self.console = Console(
            self.site, mode, title, port=port, users=users, epoch_ns=1_630_281_600 * 10**9, site_folder=folder,
            records=records, tiles=tiles,
            public_url=public_url,
            clock=self.clock if mode == "SIMULATION" else None, took=lambda: 0.004,
            channels=lambda: [SinkState("terminal", 0.1, 0, 0, 0, "", 0.01), *self.others])
        for command in left_standing(journal, self.site) if journal is not None else ():
            self.console.order(command)
        self.journal = Journal(journal, self.site) if journal is not None else None
        self.url = self.console.url
        self.commands: list[object] = []
        self.t = start
        self._thread = threading.Thread(target=self._drive, daemon=True)
        self._thread.start()

    def _drive(self) -> None:
        while not self._going.is_set():
            late = self.clock.wait_until(self.t)
            if self._frozen.is_set():
                self._going.wait(FRAME_S)
                continue
            told = tuple(command._replace(t=self.t) for command in self.console.commands())
            self.commands += told
            moment = self.play.moment(self.t, told)
            self.console.take(moment)
            if self.journal is not None:
                self.journal.take(moment)
            self.t += FRAME_S
            if late > 1.0:
                self.clock.pace(self.clock.speed)       # this machine is slow: it is not what is tested

    def freeze(self) -> None:
        """No more pictures, until `thaw`: a feed that has fallen silent."""
        self._frozen.set()

    def thaw(self) -> None:
        self.clock.pace(self.clock.speed)
        self._frozen.clear()

    def calm(self) -> None:
        """As at the start for the next test: nothing is warned, held or stopped."""
        self.thaw()
        self.clock.pace(1.0)
        self.play.manual.clear()
        self.play.since.clear()
        self.play.held.clear()
        self.play.said.clear()
        self.play.status = self.site.policy.weapons
        self.commands.clear()

    def alarm(self, zone: str) -> None:
        """A warning of that zone, as if a person had raised it."""
        self.play.manual[next(i for i, z in enumerate(self.site.zones) if z.name == zone)] = self.t

    def told(self, kind: str, within: float = 5.0):
        """The newest command of a kind, as the session got it."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            found = [command for command in self.commands if command.kind == kind]
            if found:
                return found[-1]
            time.sleep(0.05)
        raise AssertionError(f"no {kind} arrived; {self.commands}")

    def close(self) -> None:
        self._going.set()
        self._thread.join(5.0)
        self.console.close()


@pytest.fixture
def run():
    """Makes runs and closes them."""
    made: list[Run] = []

    def make(**options: object) -> Run:
        made.append(Run(**options))     # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def visit(chromium):
    """Opens pages, each in a profile of its own, and fails the test for any console error or any
    request that leaves the server.
    """
    yield from visiting(chromium)


@pytest.fixture(scope="module")
def visit_all(chromium):
    """The same for pages that several tests share."""
    yield from visiting(chromium)


def visiting(chromium):
    contexts, faults = [], []

    def open_page(
        url: str, width: int = 1280, height: int = 720, scripts: tuple[str, ...] = (), allow: str = "",
        **options: object
    ):
        context = chromium.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce",
            color_scheme="dark", **options)
        contexts.append(context)
        page = context.new_page()
        hosts = {url.split("/")[2], *allow.split("/")[2:3]}      # `allow`: a server of map tiles the test named itself
        page.on("console", lambda message: message.type == "error" and not page.quiet and faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: request.url.split("/")[2] not in hosts
            and faults.append(f"left the server: {request.url}"))
        page.quiet = False      # set while a test breaks the connection on purpose
        for script in scripts:
            page.add_init_script(script)
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults, faults
