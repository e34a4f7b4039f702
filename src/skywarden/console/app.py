"""What the console answers to which request: the page, its data, log-in, commands, and the
websocket that carries the picture.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from skywarden.console import exercising, library, requests, views
from skywarden.console.access.audit import Audit
from skywarden.console.access.sessions import (
    AUDIT,
    DEVICE_S,
    EDIT,
    MAY,
    RECORDS,
    TRUTH,
    Door,
    Limiter,
    Session,
)
from skywarden.console.address import Public, host_of, names_of, ours, under_prefix
from skywarden.console.gate import Gate
from skywarden.console.hub import Hub, Viewer
from skywarden.console.instructor import Instructor
from skywarden.console.memory import Memory
from skywarden.console.playback import DOINGS, Player, Veiled
from skywarden.console.requests import RefusedError
from skywarden.console.tape import Tape
from skywarden.errors import SkywardenError, UsageError
from skywarden.measures.watch import Watch
from skywarden.messages.commands import PACE, TAKE, Command
from skywarden.run.clock import Paced
from skywarden.site.editing import draft
from skywarden.site.editing.draft import EditError
from skywarden.site.model import Site

STATIC = Path(__file__).with_name("static")
COOKIE = "skywarden"            # with TLS as __Host-skywarden: no other name and no other port's page can set it
LARGEST_BODY = 512 * 1024       # bytes of a request: five hundred zones
LARGEST_LOG_IN = 4 * 1024       # bytes of a request to log in, which strangers may send
# log-ins of browsers not known that wait for their password to be checked; more are asked to come again
MOST_HASHED = 8
WISHES, WISH_S = 200, 5.0       # messages of one page within so many seconds, after which it is closed
MOST_PAGES = 30                 # open pages of one session
MOST_HEIGHT = 30_000            # m above the ground of a coverage asked for
MOST_COVERAGES = 32             # kept
NOT_LOGGED_IN = 4401            # close codes of the websocket, read by the page
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
STRICT_TRANSPORT = "max-age=31536000"
HEADERS = {
    "x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=(), payment=()",
}
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Skywarden</title>
<h1>The console's page was not built</h1>
<p>This installation of Skywarden has no web page in it: when it was installed, the packages that
the page is built
from could not be reached.
The server behind it runs; the live view in the terminal, the record and the report work as
always.</p>
<p>To build the page, install again with the npm registry within reach: <code>pip install --force-
reinstall --no-deps
.</code></p></html>"""



class Desk(Protocol):
    """What the pages need of the console that serves them; see `server.Console`, which is one."""

    site: Site
    mode: str
    kind: str
    title: str
    epoch_ns: int | None
    server_id: str
    host: str
    local: bool
    public: Public | None
    tls: tuple[Path, Path] | None
    site_folder: Path | None
    tiles: str | None
    records: Path | None
    recording: Path | None
    clock: Paced | None
    ended: bool
    latest: dict[str, Any] | None
    door: Door
    audit: Audit
    hub: Hub
    tape: Tape
    gate: Gate

    memory: Memory
    instructor: Instructor | None

    @property
    def exercise(self) -> bool: ...

    @property
    def veiled(self) -> bool: ...

    @property
    def watch(self) -> Watch: ...

    @property
    def now(self) -> float: ...

    def trained(self, viewer: Viewer) -> bool: ...

    def pulse(self) -> dict[str, Any]: ...

    def events(self, after: int, user: str = "", role: str = "") -> list[dict[str, Any]]: ...

    def order(self, command: Command) -> bool: ...


def application(console: Desk) -> ASGIApp:
    """The ASGI application of one console."""
    pages = Pages(console)
    routes = [
        Route("/", pages.index), Route("/api/session", pages.session), Route("/api/login", pages.log_in,
            methods=["POST"]),
        Route("/api/logout", pages.log_out, methods=["POST"]), Route("/api/terrain", pages.terrain),
        Route("/api/events", pages.events),
        Route("/api/command", pages.command, methods=["POST"]), Route("/api/audit", pages.audit),
        Route("/api/coverage", pages.coverage), Route("/api/draft", pages.draft), Route("/api/draft", pages.edit,
            methods=["POST"]),
        Route("/api/records", pages.records), Route("/report/{name}", pages.report),
        Route("/export/{name}/{form}", pages.export),
        Route("/api/handover", pages.handover), Route("/api/exercise", pages.exercise),
        Route("/api/exercise", pages.lead, methods=["POST"]),
        WebSocketRoute("/ws", pages.socket),
    ]
    if STATIC.is_dir():
        routes.append(Mount("/", Shown(directory=STATIC)))
    # outermost, so that its headers are on an answer to a fault of ours, too
    names = names_of(console.host, console.local, console.public)
    inner: ASGIApp = Starlette(routes=routes, exception_handlers={RefusedError: _refusal})
    if console.exercise:
        inner = exercising.Watched(inner, console.door, console.audit, pages.cookie)
    return Guard(inner, names, console.public,
        console.tls is not None, console.tiles)


class Shown(StaticFiles):
    """The files of the page; what begins with a dot is none of them."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """As its parent does."""
        return ("", None) if any(part.startswith(".") for part in path.split("/")) else super().lookup_path(path)


class Guard:
    """Security headers on every answer, and only requests that name this very server: a page
    elsewhere cannot reach it by another name.
    """

    def __init__(
        self, app: ASGIApp, names: frozenset[str] | None, known: Public | None, secure: bool, tiles: str | None
    ) -> None:
        self.app, self.names, self.public = app, names, known
        # pictures from one more place, where the user named a tile server: the only thing that can ever leave this one
        policy = POLICY if tiles is None else POLICY.replace("img-src 'self'", f"img-src 'self' {tile_origin(tiles)}")
        transport = {"strict-transport-security": STRICT_TRANSPORT} if secure else {}
        self.headers = {**HEADERS, **transport, "content-security-policy": policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421 to a host name that is not ours."""
        if self.names is not None and host_of(HTTPConnection(scope)) not in self.names:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await self._send_with_headers(send, scope)({"type": "http.response.start", "status": 421,
                    "headers": []})
                await send({"type": "http.response.body", "body": b"Not a name of this server."})
            return
        elsewhere = under_prefix(scope, self.public)
        app = self.app if elsewhere is None or scope["type"] != "http" else RedirectResponse(elsewhere, 308)
        await app(scope, receive, self._send_with_headers(send, scope))

    def _send_with_headers(self, send: Send, scope: Scope) -> Send:
        cache = b"no-cache" if scope.get("path", "").startswith("/assets/") else b"no-store"

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                extra = [(name.encode(), value.encode()) for name, value in self.headers.items()
                    if name.encode() not in given]
                message["headers"] = [*message["headers"], *extra, (b"cache-control", cache)]
            await send(message)

        return sending


class Pages:
    """The handlers, each a few lines: find the session, check, answer."""

    def __init__(self, console: Desk) -> None:
        self.console = console
        self.secure = console.tls is not None or (console.public is not None and console.public.secure)
        self.cookie = f"__Host-{COOKIE}" if self.secure else COOKIE
        self._terrain = views.terrain(console.site)
        self._site = views.site_view(console.site)
        self._coverage: dict[int, bytes] = {}       # by height; the site does not change while it runs
        self._editing = asyncio.Lock()              # one save at a time
        # checking a password costs 64 MB and a processor for a while, which the defence needs more: one at a time,
        # known browsers in a line of their own
        self._hashing = {known: asyncio.Lock() for known in (True, False)}
        self._hashed = 0
        self.device = "skywarden-device" if console.tls is None else "__Host-skywarden-device"

    async def index(self, request: Request) -> Response:
        """The page itself."""
        page = STATIC / "index.html"
        return FileResponse(page) if page.is_file() else HTMLResponse(NOT_BUILT, 503)

    async def session(self, request: Request) -> Response:
        """Who is looking. Where no users are configured it lets the local operator in."""
        door = self.console.door
        session = self._found(request)
        if session is None and door.open:
            session = door.enter_locally()
            self.console.audit.write(session.user.name, "enter", _address(request), allowed=True)
        if session is None:
            return _json({"user": None, "users": True, "mode": self.console.mode})       # an answer, not an error
        return self._with_cookie(_json({"user": session.user.name, "role": session.user.role, "users": not door.open}),
            session)

    async def log_in(self, request: Request) -> Response:
        """Name and password to a session. Whatever is sent, the attempt stands in the audit log."""
        self._same_origin(request)
        address, door = _address(request), self.console.door
        asked: dict[str, Any] = {}
        try:
            asked = await _body(request, LARGEST_LOG_IN)
            name, password = asked.get("name", ""), asked.get("password", "")
            unfit = requests.unfit_text(asked)
            if unfit or not isinstance(name, str) or not isinstance(password, str) or len(name) > requests.LONGEST_NAME:
                raise RefusedError(400, unfit
                    or f"A name has up to {requests.LONGEST_NAME} characters, and name and password are text.")
            session = await self._entered(name, password, address, request.cookies.get(self.device, ""))
        except RefusedError as refused:
            self.console.audit.write(str(asked.get("name", "")), "log in", address, allowed=False, why=refused.sentence
                if refused.status != 403 else "")
            raise
        self.console.audit.write(name, "log in", address, allowed=True)
        old = request.cookies.get(self.cookie)
        if old:
            door.log_out(old)
        answer = self._with_cookie(_json({"user": session.user.name, "role": session.user.role, "users": True}),
            session)
        answer.set_cookie(
            self.device, door.device_of(session.user), max_age=DEVICE_S, httponly=True, samesite="strict",
            secure=self.console.tls is not None, path="/")
        return answer

    async def _entered(self, name: str, password: str, address: str, device: str) -> Session:
        """The session of a right password. Raises `RefusedError`."""
        door = self.console.door
        known = door.knows(name, device)
        if not known and self._hashed >= MOST_HASHED:
            raise RefusedError(503, "Too many people log in at once. Try again in a few seconds.")
        self._hashed += not known
        try:
            async with self._hashing[known]:
                if door.too_many(name, address, device):
                    raise RefusedError(429,
                        "Too many failed tries. Wait five minutes, or use a browser that you have logged in with "
                        "before.")
                session = await asyncio.to_thread(door.log_in, name, password, address, device)
        finally:
            self._hashed -= not known
        if session is None:
            raise RefusedError(403, "Name or password is wrong.")
        return session

    async def log_out(self, request: Request) -> Response:
        """End the session and every websocket of it; with {"everywhere": true} all sessions of the same person."""
        session = self._changing(request)
        asked = await _body(request)
        if asked.get("everywhere") is True and not self.console.door.open:
            self.console.door.log_out_everywhere(session.user.name)
        self.console.door.log_out(session.token)
        about = "everywhere" if asked.get("everywhere") is True else ""
        self.console.audit.write(session.user.name, "log out", _address(request), allowed=True, about=about)
        answer = _json({"user": None})
        answer.delete_cookie(self.cookie, path="/", httponly=True, samesite="strict", secure=self.secure)
        return answer

    async def terrain(self, request: Request) -> Response:
        """Heights of the ground, see `views.terrain`."""
        self._reading(request)
        return Response(self._terrain, media_type="application/octet-stream")

    async def events(self, request: Request) -> Response:
        """What happened after event number `after`."""
        session = self._reading(request)
        after = requests.seconds(request.query_params, "after", 0, 1e12)
        user, last = session.user, self.console.memory.last_event
        return _json({"events": self.console.events(int(after), user.name, user.role), "last": last})

    async def audit(self, request: Request) -> Response:
        """The newest entries of the audit log, for those who may see it."""
        session = self._reading(request)
        if AUDIT not in exercising.rights(session.user.role, self.console.exercise):
            raise RefusedError(403, "The audit log is for supervisors.")
        return _json({"entries": list(self.console.audit.entries)[-500:]})

    async def command(self, request: Request) -> Response:
        """One command into the session's inbox; its effect is seen when it comes back in a frame."""
        session = self._changing(request)
        asked = await _body(request)
        user, address = session.user, _address(request)
        what, about, why = (str(asked.get(key, ""))[:200] for key in ("kind", "subject", "why"))
        try:
            if self.console.door.hurried(session):
                raise RefusedError(429, "Too many commands at once. Wait a few seconds.")
            if self.console.ended:
                raise RefusedError(409, "The run has ended.")
            command = requests.command(asked, user, self.console.site, self.console.mode,
                self.console.clock is not None)
            command = exercising.seated(
                command, user.role, self.console.watch, self.console.now, self.console.exercise)
            if command.kind == PACE:
                exercising.may(PACE, user.role, self.console.exercise)
            if not self.console.order(command):
                raise RefusedError(503, "Too many commands wait already: is the session still running?")
        except RefusedError as refused:
            self.console.audit.write(user.name, what, address, allowed=False, about=about, why=refused.sentence)
            raise
        self.console.audit.write(user.name, what, address, allowed=True, about=about, why=why)
        return _json({"accepted": True})

    async def coverage(self, request: Request) -> Response:
        """What the site's radars see at `height` metres above the ground, see `views.coverage`."""
        self._reading(request)
        height = round(requests.seconds(request.query_params, "height", 0.0, MOST_HEIGHT))
        if height not in self._coverage:
            if len(self._coverage) >= MOST_COVERAGES:
                self._coverage.clear()
            self._coverage[height] = views.encode(await asyncio.to_thread(views.coverage, self.console.site, height))
        return Response(self._coverage[height], media_type="application/json")

    async def draft(self, request: Request) -> Response:
        """The site's own files as they lie on disk, for editing."""
        self._editor(self._reading(request), request)
        try:
            return _json(draft.view(await asyncio.to_thread(draft.read, self._folder(), self.console.site)))
        except EditError as error:
            raise RefusedError(409, str(error)) from None

    async def edit(self, request: Request) -> Response:
        """Zones, radars and effectors as edited: checked, saved where asked and good, and what the
        edited radars would see where asked.
        """
        session = self._changing(request)
        self._editor(session, request)
        asked = await _body(request)
        unfit = requests.unfit_text(asked)
        if unfit:
            self.console.audit.write(session.user.name, "edit site", _address(request), allowed=False, why=unfit)
            return _json({"faults": [unfit], "saved": False})
        async with self._editing:
            try:
                answer = await asyncio.to_thread(self._edited, asked)
            except EditError as error:
                return _json({"faults": [str(error)], "saved": False})
            except OSError as error:
                raise RefusedError(409, f"The site's folder cannot be written: {error.strerror or error}.") from None
        if answer["saved"]:
            about = f"{self.console.site.name}: {', '.join(answer['changed']) or 'nothing changed'}"
            self.console.audit.write(session.user.name, "edit site", _address(request), allowed=True, about=about)
        return _json(answer)

    def _edited(self, asked: dict[str, Any]) -> dict[str, Any]:
        folder, running = self._folder(), self.console.site
        original = draft.read(folder, running)
        if asked.get("version") != original.version:
            raise EditError("The site's files were changed on disk meanwhile. Nothing was saved; leave, and edit them "
                "as they are now.")
        files = draft.edited(original, asked)
        found = draft.faults(files, running)
        answer: dict[str, Any] = {"faults": found, "saved": False, "version": original.version}
        if found:
            return answer
        height = asked.get("height")
        if isinstance(height, int) and 0 <= height <= MOST_HEIGHT:
            answer["coverage"] = views.coverage(draft.site_of(files, running), height)
        if asked.get("save") is True:
            answer["changed"] = [name for name in files if files[name] != original.files[name]]
            answer["version"], answer["saved"] = draft.save(folder, original, files), True
        return answer

    def _editor(self, session: Session, request: Request) -> None:
        """Only those who may edit go on. Raises `RefusedError`."""
        if EDIT not in exercising.rights(session.user.role, self.console.exercise):
            self.console.audit.write(session.user.name, "edit site", _address(request), allowed=False)
            raise RefusedError(403, "A site is edited by supervisors.")

    def _folder(self) -> Path:
        if self.console.site_folder is None:
            raise EditError("This site was not read from a folder that could be written.")
        return self.console.site_folder

    async def records(self, request: Request) -> Response:
        """The records at hand, newest first."""
        exercising.may(RECORDS, self._reading(request).user.role, self.console.exercise)
        folder = self.console.records
        return _json({"records": [] if folder is None else await asyncio.to_thread(library.records, folder,
            self.console.recording)})

    async def report(self, request: Request) -> Response:
        """The report of one record, the page `skywarden review` writes."""
        session = self._reading(request)
        path = self._record(request, session)
        try:
            html, policy = await asyncio.to_thread(library.page, path)
        except (SkywardenError, OSError) as error:
            raise RefusedError(409, str(error)) from None
        self.console.audit.write(session.user.name, "read report", _address(request), allowed=True, about=path.name)
        return HTMLResponse(html, headers={"content-security-policy": policy})

    async def export(self, request: Request) -> Response:
        """One record in the form of another program, to be kept as a file."""
        session = self._reading(request)
        path = self._record(request, session)
        try:
            folder = Path(tempfile.mkdtemp(prefix="skywarden-export-"))
        except OSError as error:
            raise RefusedError(507, f"The temporary folder takes no more: {error.strerror or error}.") from None
        gone = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
        try:
            made = await asyncio.to_thread(library.exported, path, request.path_params["form"], folder)
        except (SkywardenError, OSError) as error:
            await gone()
            raise RefusedError(409, str(error)) from None
        self.console.audit.write(session.user.name, "export", _address(request), allowed=True, about=made.name)
        return FileResponse(made, filename=made.name, media_type="application/octet-stream", background=gone)

    async def socket(self, socket: WebSocket) -> None:
        """The picture out, the page's wishes about time in."""
        session = self._found(socket)
        try:
            self._same_origin(socket)
        except RefusedError:
            session = None
        if session is not None and sum(viewer.token == session.token
                for viewer in self.console.hub.viewers) >= MOST_PAGES:
            await socket.close(1008)        # before it is accepted: the browser is answered 403
            return
        await socket.accept()
        if session is None:
            await socket.close(NOT_LOGGED_IN)
            return
        viewer = Viewer(session.user.name, session.user.role, session.token)
        viewer.offer(views.encode(self._hello(session)), keep=True)
        trained = self.console.trained(viewer)
        viewer.offer(views.encode(exercising.pulse_for(self.console.pulse(), viewer.role, self.console.exercise)))
        if self.console.latest is not None and not (trained and self.console.veiled):
            viewer.offer(views.encode(self.console.latest))
        reel = Veiled(self.console.tape, lambda: trained and self.console.veiled)
        player = Player(viewer, reel, endless=self.console.mode != "REPLAY",
            growing=lambda: not self.console.ended)
        self.console.hub.viewers.add(viewer)
        tasks = [asyncio.create_task(work) for work in (self._sending(socket, viewer),
            self._hearing(socket, player, viewer), player.play())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.console.hub.viewers.discard(viewer)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _sending(self, socket: WebSocket, viewer: Viewer) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            while (session := self.console.door.find(viewer.token)) is not None and session.user.role == viewer.role:
                await socket.send_bytes(await viewer.next())
            await socket.close(NOT_LOGGED_IN)

    async def _hearing(self, socket: WebSocket, player: Player, viewer: Viewer) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            wishes = Limiter(WISHES, WISH_S)
            while True:
                text = await socket.receive_text()
                wishes.count("")
                if wishes.full(""):
                    await socket.close(1008, "too many messages")
                    return
                with contextlib.suppress(RefusedError, ValueError, OverflowError, RecursionError):
                    asked = json.loads(text)
                    if isinstance(asked, dict):
                        self._hear(asked, player, viewer, _address(socket))

    def _hear(self, asked: dict[str, Any], player: Player, viewer: Viewer, address: str) -> None:
        """One wish of a page: about its own time, or what it looks at, which an instructor sees."""
        if asked.get("do") == "select":
            track = asked.get("track")
            viewer.selected = track if isinstance(track, int) and not isinstance(track, bool) else None
        elif asked.get("do") in DOINGS:
            player.asked(asked)
        elif self.console.exercise:
            self.console.audit.write(viewer.user, "try", address, allowed=False, about=f"websocket {str(asked)[:100]}")
        if self.console.instructor is not None and viewer.role != exercising.INSTRUCTOR:
            seat = self.console.watch.seats.get(viewer.user, "")
            self.console.instructor.saw(viewer.user, seat, viewer.selected, None if viewer.live else player.cursor)

    def _hello(self, session: Session) -> dict[str, Any]:
        console = self.console
        may = exercising.rights(session.user.role, console.exercise)
        return {
            "type": "hello", "protocol": views.PROTOCOL, "server": console.server_id, "mode": console.mode,
            "kind": console.kind, "exercise": console.exercise,
            "title": console.title,
            "site": self._site, "epoch_ms": None if console.epoch_ns is None else console.epoch_ns / 1e6,
            "user": session.user.name,
            "role": session.user.role, "may": sorted(may), "csrf": session.csrf,
            "users": not console.door.open,
            "editable": console.site_folder is not None and EDIT in may,
            "records": console.records is not None and RECORDS in may, "tiles": console.tiles,
            "paced": console.clock is not None, "roles": {role: sorted(acts) for role, acts in MAY.items()},
        }

    def _record(self, request: Request, session: Session) -> Path:
        """The record a request names, where it may be read. Raises `RefusedError`."""
        exercising.may(RECORDS, session.user.role, self.console.exercise)
        folder = self.console.records
        path = None if folder is None else library.find(folder, request.path_params["name"])
        if path is None:
            raise RefusedError(404, "There is no such record.")
        if library.telling(path, self.console.recording):       # it tells what is true while people still act on it
            exercising.may(TRUTH, session.user.role, self.console.exercise)
        return path

    async def handover(self, request: Request) -> Response:
        """The checklist of who takes the watch: the critical facts of now, and which of them this
        person has read back.
        """
        session = self._reading(request)
        if TAKE not in exercising.rights(session.user.role, self.console.exercise):
            raise RefusedError(403, "Your role has no leave for this.")
        watch = self.console.watch
        log = [one._asdict() for one in watch.handovers]
        if exercising.trained(session.user.role, self.console.exercise):
            # how well others read is not theirs
            log = [{key: one[key] for key in ("t", "before", "after")} for one in log]
        return _json({
            "facts": watch.facts, "read": sorted(watch.read_back(session.user.name, self.console.now)),
            "unacknowledged": list(watch.unacknowledged), "holder": watch.holder, "since": watch.since, "log": log})

    async def exercise(self, request: Request) -> Response:
        """The instructor's page: what is true, ready, and looked at."""
        exercising.lead(self._reading(request).user.role, self.console.exercise)
        assert self.console.instructor is not None
        return _json(self.console.instructor.view())

    async def lead(self, request: Request) -> Response:
        """What an instructor asks for: fire, freeze, blank, on, rewind, branch, end."""
        session = self._changing(request)
        asked = await _body(request)
        exercising.lead(session.user.role, self.console.exercise)
        unfit = requests.unfit_text(asked)
        if unfit:
            raise RefusedError(400, unfit)
        wish = exercising.wish(asked, session.user.name)
        assert self.console.instructor is not None
        why = "The run has ended." if self.console.ended else self.console.instructor.wish(wish)
        about = f"{wish.what} {wish.t:g}".strip()
        self.console.audit.write(wish.who, wish.do, _address(request), allowed=not why, about=about, why=why)
        if why:
            raise RefusedError(409, why)
        return _json({"accepted": True})

    def _found(self, connection: HTTPConnection) -> Session | None:
        """The session that a request carries, if it stands; its connection is then no stranger's."""
        session = self.console.door.find(connection.cookies.get(self.cookie))
        peer = (connection.client.host, connection.client.port) if connection.client is not None else None
        if session is not None and not self.console.gate.greet(peer, session.token):
            raise RefusedError(503, "This log-in holds too many connections already.")
        return session

    def _reading(self, request: Request) -> Session:
        session = self._found(request)
        if session is None:
            raise RefusedError(401, "Log in first.")
        return session

    def _changing(self, request: Request) -> Session:
        session = self._reading(request)
        self._same_origin(request)
        if not secrets.compare_digest(request.headers.get("x-csrf-token", "").encode(), session.csrf.encode()):
            raise RefusedError(403, "This request did not come from the console's own page.")
        return session

    def _same_origin(self, request: HTTPConnection) -> None:
        """A browser says where a request comes from; it must be this server. Raises `RefusedError`."""
        if not ours(request, self.console.public):
            raise RefusedError(403, "This request did not come from the console's own page. Behind a proxy, name the "
                "public address with --public-url.")

    def _with_cookie(self, answer: Response, session: Session) -> Response:
        answer.set_cookie(self.cookie, session.token, httponly=True, samesite="strict", secure=self.secure, path="/")
        return answer


def tile_origin(tiles: str) -> str:
    """Where tiles come from: scheme, host and port of an address such as
    http://127.0.0.1:9000/{z}/{x}/{y}.png. Raises `UsageError`.
    """
    try:
        parts = urlsplit(tiles)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        parts, port = urlsplit(""), ""
    good = parts.scheme in ("http", "https") and re.fullmatch(r"[A-Za-z0-9.-]+|[0-9a-f:]+", parts.hostname
        or "") and parts.username is None
    if not good or not all(part in tiles for part in ("{z}", "{x}", "{y}")) or any(c in tiles for c in " ;,'\"\\\n\t"):
        raise UsageError(f"--tiles {tiles}: give an address with the tile's numbers in it, such as "
            f"http://127.0.0.1:9000/{{z}}/{{x}}/{{y}}.png")
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def _json(value: Mapping[str, Any], status: int = 200) -> Response:
    return Response(views.encode(value), status, media_type="application/json")


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return _json({"error": error.sentence}, error.status)


async def _body(request: Request, most: int = LARGEST_BODY) -> dict[str, Any]:
    """The JSON object of a request. Raises `RefusedError` for anything else, and for what is too long."""
    if request.headers.get("content-type", "").split(";")[0] != "application/json":
        raise RefusedError(415, "Send JSON.")
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise RefusedError(413, f"More than {most} bytes.")
    try:
        asked = json.loads(data)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise RefusedError(400, "Send one JSON object.")
    return asked


def _address(request: HTTPConnection) -> str:
    return request.client.host if request.client else "unknown"
