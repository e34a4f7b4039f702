"""The browser console: a sink that shows the newest picture to every connected page, and an inbox
of what people command.

    session's loop --take--> mailbox of one --> encode once --> a small queue a page --> websocket
                  <--commands-- inbox <-- checked request <-- POST with session cookie and CSRF
                  header

The server runs in a thread with an event loop of its own; neither a slow page nor a stalled one can
hold up the session.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import uvicorn

from skywarden.console import exercising, views
from skywarden.console.access.audit import Audit
from skywarden.console.access.sessions import Authenticator
from skywarden.console.address import public
from skywarden.console.app import application
from skywarden.console.gate import Gate, GatedServer
from skywarden.console.guard import tile_origin
from skywarden.console.hub import Hub, Viewer
from skywarden.console.instructor import Instructor
from skywarden.console.memory import Memory
from skywarden.console.shown import Shown, shown
from skywarden.console.tape import Tape
from skywarden.errors import SkywardenError, UsageError
from skywarden.measures.watch import Watch
from skywarden.messages.commands import PACE, Command
from skywarden.messages.moment import Moment
from skywarden.run.clock import Paced
from skywarden.run.mailbox import RESTART_S, SILENT_S, SinkState
from skywarden.site.model import Site

MODES = ("SIMULATION", "LIVE", "REPLAY")
GAP_S = 0.08            # no two frames leave closer together than this: 12 a second are more than an eye needs
# a sign of life, with the age of the newest picture: pages call a longer silence than 1.2 s stale
PULSE_S = 0.25
MOST_COMMANDS = 200     # waiting for the session's next frame
LOADED_AT_ONCE = 20     # moments of a record between two looks at anything else
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"     # of TLS 1.2: forward secret and authenticated; those of 1.3 are all so
BACKLOG = 256           # connections that the system holds for us until they are accepted
KEPT_PACE_S = 2.0       # s of the wall over which the pace that was kept is measured


class Console:
    """Shows moments to browsers and collects commands.

    site    Site   of the run
    mode    str    SIMULATION, LIVE or REPLAY
    title   str    shown on top
    host, port     where to listen; port 0 takes a free one, see `url`
    users   Path   file of users, see `auth`; None: one local operator, and only on a loopback
                   address
    audit   Path   file that every action is appended to; None keeps the newest in memory
    tls     (certificate, key) files; None plain HTTP
    site_folder Path  of the site, where zones drawn on the map are saved; None: they are not
    tiles   str    address of map tiles with {z}, {x} and {y} in it; pages then load pictures from
                   there too. None: nothing leaves this server
    records Path   folder whose records are listed, each with its report
    epoch_ns int   UTC of t = 0; None where the run has no calendar
    moments Iterator   REPLAY only: what is replayed; read through once, in the background, and
                       shown to every page at its own time and speed
    kind    str    REPLAY only: what the record is of, SIMULATION or LIVE
    recording Path    the record that this run writes; None for none
    public_url str    address that people type, where a reverse proxy stands in front, such as
                      https://example.org/kabul/; see `address.public`
    clock   Paced  of a simulated run, whose pace those who may can change; None where time is not
                   ours to change
    took    () -> float   how long the newest frame took to be worked out [s]
    instructor Instructor   of an exercise, in which everybody else is a trainee; None: this run is
                            none
    channels () -> list[SinkState]   how everything fares that takes this run's pictures, this page
                                     included

    Raises `UsageError` when the port is taken, others can reach it and there are no users,
    `public_url` is no address, or `tiles` is no address of tiles.
    """

    def __init__(
        self, site: Site, mode: str, title: str, host: str = "127.0.0.1", port: int = 8080, *,
        users: Path | None = None,
        audit: Path | None = None, tls: tuple[Path, Path] | None = None, epoch_ns: int | None = None,
        moments: Iterator[Moment] | None = None,
        kind: str = "SIMULATION", site_folder: Path | None = None, records: Path | None = None,
        tiles: str | None = None, clock: Paced | None = None,
        recording: Path | None = None, public_url: str | None = None, took: Callable[[], float] = lambda: float("nan"),
        channels: Callable[[], list[SinkState]] = list, instructor: Instructor | None = None,
    ) -> None:
        if mode not in MODES or kind not in MODES[:2]:
            raise ValueError(f"mode {mode!r} of kind {kind!r} is none of {MODES}")
        if (mode == "REPLAY") != (moments is not None):
            raise ValueError("a replay needs moments, and nothing else takes them")
        if users is None and not is_loopback(host):
            raise UsageError(f"--host {host}: a console that others can reach needs users. Add some, or stay on "
                "127.0.0.1.")
        self.public = None if public_url is None else public(public_url)
        if users is None and self.public is not None:
            raise UsageError(f"--public-url {public_url}: a console that others can reach needs users. Add some with "
                "--users.")
        if tiles is not None:
            tile_origin(tiles)
        self.tiles = tiles
        self.site, self.mode, self.title, self.epoch_ns = site, mode, title, epoch_ns
        self.kind = kind if mode == "REPLAY" else mode
        self.site_folder, self.records, self.recording = site_folder, records, recording
        self.unread = ""                            # why a record could not be read on
        self._moments = moments
        self.clock = clock if self.mode == "SIMULATION" else None
        self.channels = channels                    # the session sets it as it opens them
        self.instructor = instructor
        self.blanked = False                        # an instructor has blanked the trainees' screens
        self.flying_again = False                   # what was flown before is flown again: nothing to look at yet
        self.paced_by = ""                          # who last changed the pace
        self._took = took
        self._kept: deque[tuple[float, float]] = deque(maxlen=200)      # wall and run time of the newest pictures
        self.authenticator = Authenticator(users)
        self.audit = Audit(audit)
        self.gate = Gate()
        self.hub, self.tape, self.memory = Hub(), Tape(), Memory(site)
        self.server_id = secrets.token_hex(8)       # a page that sees another one knows that the server was restarted
        self.host, self.local = host, is_loopback(host)
        self.tls = tls
        self.ended = False
        self.latest: dict[str, Any] | None = None   # newest view, read on the event loop only
        self._socket = _listen(host, port)
        self.port = int(self._socket.getsockname()[1])
        self._lock = threading.Lock()               # around `memory` and the mailbox; held for microseconds
        self._mailbox: Shown | None = None
        # when a picture was last sent to the pages; when the event loop last had its turn
        self._shown = self._alive = time.monotonic()
        self._unshown = ""                          # why the newest picture was not
        self._restarts = 0
        self._inbox: deque[Command] = deque()
        self._closed = threading.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="skywarden-console", daemon=True)
        self._thread.start()
        self._started.wait(10.0)

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}/"

    def take(self, moment: Moment) -> None:
        """Keep the newest moment for the pages, and remember what no later one repeats."""
        seen = shown(moment)
        with self._lock:
            now = time.monotonic()
            self.memory.step_s = self._took()
            self.memory.see(seen)
            self._kept.append((now, seen.t))
            fresh = self._mailbox is None
            self._mailbox = seen
        if fresh:
            self._wake()

    @property
    def fault(self) -> str:
        """What keeps pages from seeing the newest picture, or from looking back; empty where
        nothing does.
        """
        silent = time.monotonic() - self._alive
        if silent > SILENT_S and self._started.is_set() and not self._closed.is_set():
            return f"the server of the pages has not answered for {silent:.0f} s"
        return self._unshown or self.audit.fault or (f"looking back: {self.tape.fault}" if self.tape.fault else "")

    def commands(self) -> tuple[Command, ...]:
        """What people commanded since the last call, in order. The session puts them into its next
        frame, with that frame's time.
        """
        waiting = []
        while self._inbox:
            waiting.append(self._inbox.popleft())
        return tuple(waiting)

    def order(self, command: Command) -> bool:
        """Put a checked command into the inbox; False when too many wait already. The clock obeys
        at once: while it stands there is no next frame.
        """
        if command.kind == PACE and self.clock is not None:
            self.clock.pace(float(command.subject))
            self.paced_by = command.who
            self._kept.clear()
        elif len(self._inbox) >= MOST_COMMANDS:
            return False
        self._inbox.append(command)
        return True

    @property
    def exercise(self) -> bool:
        """Whether this is an exercise: everybody but instructors is then a trainee."""
        return self.instructor is not None

    @property
    def veiled(self) -> bool:
        """Whether trainees may see no picture just now."""
        return self.instructor is not None and (self.blanked or self.flying_again)

    def begin_again(self) -> None:
        """Forget everything shown so far: another flight of the same exercise begins."""
        with self._lock:
            self.memory, self._mailbox, self.latest = Memory(self.site), None, None
            self.tape.clear()

    def over(self) -> None:
        """The run has ended: pages say so and can still look back."""
        self.ended = True

    def close(self) -> None:
        """Stop serving and give back port, thread and tape."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._started.is_set():
            self._server.should_exit = True
        self._wake()
        self._thread.join(5.0)
        self._socket.close()
        self.tape.close()
        self.audit.close()

    def pulse(self) -> dict[str, Any]:
        """The sign of life: how old the newest picture is, what can be scrubbed, and the warnings
        of now for pages that look back.
        """
        latest = self.latest
        return {
            "type": "pulse", "age": round(time.monotonic() - self._shown, 2), "over": self.ended,
            "span": self.tape.span(),
            "t": latest["t"] if latest else None, "warnings": latest["warnings"] if latest else [],
            "pages": len(self.hub.viewers),
            "fault": self.unread, "pace": self._pace(), "blank": self.blanked, "again": self.flying_again,
            "channels": [
                {"name": s.name, "age": None if s.age is None else round(s.age, 1), "waiting": s.waiting,
                    "lost": s.lost, "failures": s.failures,
                 "fault": s.fault} for s in self.channels()],
        }

    def _pace(self) -> dict[str, Any] | None:
        """The run's own pace: asked for, by whom, and kept; None where it is not ours to change."""
        if self.clock is None or self.ended:
            return None
        kept = tuple(self._kept)
        first = next((row for row in kept if row[0] > time.monotonic() - KEPT_PACE_S), None)
        long = kept[-1][0] - first[0] if first is not None else 0.0
        rate = round((kept[-1][1] - first[1]) / long, 1) if first is not None and long > 0.25 * KEPT_PACE_S else None
        return {"speed": self.clock.speed, "by": self.paced_by, "kept": rate, "waiting": len(self._inbox)}

    def events(self, after: int, user: str = "", role: str = "") -> list[dict[str, Any]]:
        """Events of the run after number `after`, as far as somebody may know of them.

        user  name of the person
        role  role of the person
        """
        with self._lock:
            return exercising.events_for(self.memory.since(after), user, role, self.exercise)

    @property
    def watch(self) -> Watch:
        """Who sits where, as of the newest moment."""
        with self._lock:
            return self.memory.watch

    @property
    def now(self) -> float:
        """The run's time of the newest moment [s]."""
        return self.memory.t

    def _serve(self) -> None:
        """Serve until closed; a server that ends by a fault of its own is started again on the same
        socket.
        """
        while not self._closed.is_set():
            try:
                asyncio.run(self._main())
            except BaseException as error:      # a boundary: the defence does not end with its pages
                self._unshown = f"the server of the pages ended and was started again: {type(error).__name__}"
            if not self._closed.is_set():
                self._restarts += 1
                self._closed.wait(RESTART_S)

    async def _main(self) -> None:
        config = uvicorn.Config(
            application(self), lifespan="off", log_level="critical", access_log=False, ws="websockets-sansio",
            ws_per_message_deflate=False,
            ws_max_size=1 << 16, server_header=False, date_header=False, timeout_graceful_shutdown=1,
            proxy_headers=False,
            http="h11", h11_max_incomplete_event_size=1 << 15, backlog=BACKLOG,
            ssl_certfile=str(self.tls[0]) if self.tls else None, ssl_keyfile=str(self.tls[1]) if self.tls else None,
            ssl_ciphers=CIPHERS,
        )
        self.gate = Gate()
        self._server = GatedServer(config, self.gate, self._socket)
        self._loop = asyncio.get_running_loop()
        self._due = asyncio.Event()
        picture = self._pump() if self._moments is None else self._load(self._moments)
        tasks = [asyncio.create_task(work) for work in (picture, self._beat())]
        self._started.set()
        try:
            await self._server.serve()
        finally:
            for task in tasks:
                task.cancel()

    def _wake(self) -> None:
        if self._started.is_set() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._due.set)

    async def _pump(self) -> None:
        """Mailbox to pages: each moment that is still the newest is shown; one that cannot be is
        told, and the next one tried.
        """
        while True:
            await self._due.wait()
            self._due.clear()
            begun = time.monotonic()
            try:
                self._show()
            except Exception as error:      # a boundary: the picture grows old, pages say so, and the fault is named
                self._unshown = f"a picture could not be shown: {type(error).__name__}: {error}"[:300]
            await asyncio.sleep(max(0.0, GAP_S - (time.monotonic() - begun)))

    def _show(self) -> None:
        """Encode the newest moment once, queue it for every page and keep it on the tape."""
        with self._lock:
            moment, self._mailbox = self._mailbox, None
            memory = self.memory.copy()
        if moment is None:
            return
        latest = views.moment_view(moment, memory)
        message = views.encode(latest)
        self.latest = latest
        self.hub.publish(message, live_only=True, to=self._may_look)
        self._shown, self._unshown = time.monotonic(), ""
        self.tape.append(latest["t"], message)

    async def _load(self, moments: Iterator[Moment]) -> None:
        """A record onto the tape, a few moments at a time and off the event loop."""
        def some() -> list[tuple[float, bytes]]:
            packed = []
            for moment in islice(moments, LOADED_AT_ONCE):
                with self._lock:
                    self.memory.see(moment)
                view = views.moment_view(moment, self.memory)
                packed.append((view["t"], views.encode(view)))
            return packed

        try:
            while batch := await asyncio.to_thread(some):
                for t, message in batch:
                    self.tape.append(t, message)
        except SkywardenError as error:
            self.unread = str(error)
        except Exception as error:      # a boundary: what was read before can still be looked at
            self.unread = f"The record cannot be read on: {type(error).__name__}: {error}"[:300]
        self.ended = True

    def trained(self, viewer: Viewer) -> bool:
        """Whether the page is a trainee's.

        viewer  the open page
        """
        return exercising.trained(viewer.role, self.exercise)

    def _may_look(self, viewer: Viewer) -> bool:
        return not (self.veiled and self.trained(viewer))

    async def _beat(self) -> None:
        while True:
            self._alive = time.monotonic()
            # a boundary: a pulse that cannot be made is missed by the pages, who then say so
            with contextlib.suppress(Exception):
                pulse = self.pulse()
                for trained in (False, True):
                    role = "" if trained else exercising.INSTRUCTOR
                    told = views.encode(exercising.pulse_for(pulse, role, self.exercise))
                    self.hub.publish(told, to=lambda viewer, t=trained: self.trained(viewer) == t)  # type: ignore[misc]
                if self.instructor is not None:
                    led = views.encode(self.instructor.view())
                    self.hub.publish(led, to=lambda viewer: viewer.role == exercising.INSTRUCTOR)
            await asyncio.sleep(PULSE_S)


def is_loopback(host: str) -> bool:
    """Whether `host` can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)   # at once: a page opened before the server is up waits instead of being turned away
    except OSError as error:
        raise UsageError(f"the console cannot listen on {host}:{port}: {error.strerror or error}. Give another "
            "--port.") from None
    return listening
