"""What the console answers to which request: the page, its data, log-in, commands, and the
websocket that carries the picture.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from skywarden.console import exercising, library, requests, views
from skywarden.console.access.sessions import DEVICE_S, Session
from skywarden.console.access.throttle import Throttle
from skywarden.console.access.users import AUDIT, EDIT, MAY, RECORDS, TRUTH
from skywarden.console.address import names_of, ours
from skywarden.console.answers import LARGEST_LOG_IN, address_of, body_of, json_of, refusal
from skywarden.console.clips import Clips
from skywarden.console.guard import Guard, Shown
from skywarden.console.hub import Viewer
from skywarden.console.playback import DOINGS, Player, Veiled
from skywarden.console.requests import RefusedError
from skywarden.console.state import ConsoleState
from skywarden.errors import SkywardenError
from skywarden.messages.commands import PACE, TAKE
from skywarden.site.editing import draft
from skywarden.site.editing.draft import EditError

STATIC = Path(__file__).with_name("static")
COOKIE = "skywarden"            # with TLS as __Host-skywarden: no other name and no other port's page can set it
# log-ins of browsers not known that wait for their password to be checked; more are asked to come again
MOST_HASHED = 8
WISHES, WISH_S = 200, 5.0       # messages of one page within so many seconds, after which it is closed
MOST_PAGES = 30                 # open pages of one session
MOST_HEIGHT = 30_000            # m above the ground of a coverage asked for
MOST_COVERAGES = 32             # kept
NOT_LOGGED_IN = 4401            # close codes of the websocket, read by the page
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Skywarden</title>
<h1>The console's page was not built</h1>
<p>This installation of Skywarden has no web page in it: when it was installed, the packages that the page
is built from could not be reached.
The server behind it runs; the live view in the terminal, the record and the report work as always.</p>
<p>To build the page, install again with the npm registry within reach:
<code>pip install --force-reinstall --no-deps .</code></p></html>"""


def application(console: ConsoleState) -> ASGIApp:
    """The ASGI application of one console."""
    pages = Pages(console)
    routes = [
        Route("/", pages.index), Route("/api/session", pages.session), Route("/api/login", pages.log_in,
            methods=["POST"]),
        Route("/api/logout", pages.log_out, methods=["POST"]), Route("/api/terrain", pages.terrain),
        Route("/api/events", pages.events), Route("/clips/{name}", pages.clip),
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
    inner: ASGIApp = Starlette(routes=routes, exception_handlers={RefusedError: refusal})
    if console.exercise:
        inner = exercising.Watched(inner, console.door, console.audit, pages.cookie)
    return Guard(inner, names, console.public,
        console.tls is not None, console.tiles)


class Pages:
    """The handlers, each a few lines: find the session, check, answer."""

    def __init__(self, console: ConsoleState) -> None:
        self.console = console
        self.secure = console.tls is not None or (console.public is not None and console.public.secure)
        self.cookie = f"__Host-{COOKIE}" if self.secure else COOKIE
        self._terrain = views.terrain(console.site)
        self._site = views.site_view(console.site)
        self._clips = Clips(console.site, console.mode, bool(console.exercise))
        self._coverage: dict[int, bytes] = {}       # by height; the site does not change while it runs
        self._editing = asyncio.Lock()              # one save at a time
        # checking a password costs 64 MB and a processor for a while, which the defence needs more: one at a time,
        # known browsers in a line of their own
        self._hashing = {known: asyncio.Lock() for known in (True, False)}
        self._hashed = 0
        self.device = "skywarden-device" if console.tls is None else "__Host-skywarden-device"

    async def index(self, request: Request) -> Response:
        """The page itself.

        request  the browser's request
        """
        page = STATIC / "index.html"
        return FileResponse(page) if page.is_file() else HTMLResponse(NOT_BUILT, 503)

    async def session(self, request: Request) -> Response:
        """Who is looking. Where no users are configured it lets the local operator in.

        request  the browser's request
        """
        door = self.console.door
        session = self._found(request)
        if session is None and door.open:
            session = door.enter_locally()
            self.console.audit.write(session.user.name, "enter", address_of(request), allowed=True)
        if session is None:
            return json_of({"user": None, "users": True, "mode": self.console.mode})       # an answer, not an error
        who = {"user": session.user.name, "role": session.user.role, "users": not door.open}
        return self._with_cookie(json_of(who), session)

    async def log_in(self, request: Request) -> Response:
        """Name and password to a session. Whatever is sent, the attempt stands in the audit log.

        request  the browser's request
        """
        self._same_origin(request)
        address, door = address_of(request), self.console.door
        asked: dict[str, Any] = {}
        try:
            asked = await body_of(request, LARGEST_LOG_IN)
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
        answer = self._with_cookie(json_of({"user": session.user.name, "role": session.user.role, "users": True}),
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
        """End the session and every websocket of it; with {"everywhere": true} all sessions of the
        same person.

        request  the browser's request
        """
        session = self._changing(request)
        asked = await body_of(request)
        if asked.get("everywhere") is True and not self.console.door.open:
            self.console.door.log_out_everywhere(session.user.name)
        self.console.door.log_out(session.token)
        about = "everywhere" if asked.get("everywhere") is True else ""
        self.console.audit.write(session.user.name, "log out", address_of(request), allowed=True, about=about)
        answer = json_of({"user": None})
        answer.delete_cookie(self.cookie, path="/", httponly=True, samesite="strict", secure=self.secure)
        return answer

    async def terrain(self, request: Request) -> Response:
        """Heights of the ground, see `views.terrain`.

        request  the browser's request
        """
        self._reading(request)
        return Response(self._terrain, media_type="application/octet-stream")

    async def clip(self, request: Request) -> Response:
        """What is heard of a zone and stage, as WAV.

        request  the browser's request
        """
        self._reading(request)
        content = await self._clips.clip(request.path_params["name"])
        if content is None:
            raise RefusedError(404, "There is no such sound.")
        return Response(content, media_type="audio/wav", headers={"cache-control": "private, max-age=3600"})

    async def events(self, request: Request) -> Response:
        """What happened after event number `after`.

        request  the browser's request
        """
        session = self._reading(request)
        after = requests.seconds(request.query_params, "after", 0, 1e12)
        user, last = session.user, self.console.memory.last_event
        return json_of({"events": self.console.events(int(after), user.name, user.role), "last": last})

    async def audit(self, request: Request) -> Response:
        """The newest entries of the audit log, for those who may see it.

        request  the browser's request
        """
        session = self._reading(request)
        if AUDIT not in exercising.rights(session.user.role, self.console.exercise):
            raise RefusedError(403, "The audit log is for supervisors.")
        return json_of({"entries": list(self.console.audit.entries)[-500:]})

    async def command(self, request: Request) -> Response:
        """One command into the session's inbox; its effect is seen when it comes back in a frame.

        request  the browser's request
        """
        session = self._changing(request)
        asked = await body_of(request)
        user, address = session.user, address_of(request)
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
        return json_of({"accepted": True})

    async def coverage(self, request: Request) -> Response:
        """What the site's radars see at `height` metres above the ground, see `views.coverage`.

        request  the browser's request
        """
        self._reading(request)
        height = round(requests.seconds(request.query_params, "height", 0.0, MOST_HEIGHT))
        if height not in self._coverage:
            if len(self._coverage) >= MOST_COVERAGES:
                self._coverage.clear()
            self._coverage[height] = views.encode(await asyncio.to_thread(views.coverage, self.console.site, height))
        return Response(self._coverage[height], media_type="application/json")

    async def draft(self, request: Request) -> Response:
        """The site's own files as they lie on disk, for editing.

        request  the browser's request
        """
        self._editor(self._reading(request), request)
        try:
            return json_of(draft.view(await asyncio.to_thread(draft.read, self._folder(), self.console.site)))
        except EditError as error:
            raise RefusedError(409, str(error)) from None

    async def edit(self, request: Request) -> Response:
        """Zones, radars and effectors as edited: checked, saved where asked and good, and what the
        edited radars would see where asked.

        request  the browser's request
        """
        session = self._changing(request)
        self._editor(session, request)
        asked = await body_of(request)
        unfit = requests.unfit_text(asked)
        if unfit:
            self.console.audit.write(session.user.name, "edit site", address_of(request), allowed=False, why=unfit)
            return json_of({"faults": [unfit], "saved": False})
        async with self._editing:
            try:
                answer = await asyncio.to_thread(self._edited, asked)
            except EditError as error:
                return json_of({"faults": [str(error)], "saved": False})
            except OSError as error:
                raise RefusedError(409, f"The site's folder cannot be written: {error.strerror or error}.") from None
        if answer["saved"]:
            about = f"{self.console.site.name}: {', '.join(answer['changed']) or 'nothing changed'}"
            self.console.audit.write(session.user.name, "edit site", address_of(request), allowed=True, about=about)
        return json_of(answer)

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
            self.console.audit.write(session.user.name, "edit site", address_of(request), allowed=False)
            raise RefusedError(403, "A site is edited by supervisors.")

    def _folder(self) -> Path:
        if self.console.site_folder is None:
            raise EditError("This site was not read from a folder that could be written.")
        return self.console.site_folder

    async def records(self, request: Request) -> Response:
        """The records at hand, newest first.

        request  the browser's request
        """
        exercising.may(RECORDS, self._reading(request).user.role, self.console.exercise)
        folder = self.console.records
        return json_of({"records": [] if folder is None else await asyncio.to_thread(library.records, folder,
            self.console.recording)})

    async def report(self, request: Request) -> Response:
        """The report of one record, the page `skywarden review` writes.

        request  the browser's request
        """
        session = self._reading(request)
        path = self._record(request, session)
        try:
            html, policy = await asyncio.to_thread(library.page, path)
        except (SkywardenError, OSError) as error:
            raise RefusedError(409, str(error)) from None
        self.console.audit.write(session.user.name, "read report", address_of(request), allowed=True, about=path.name)
        return HTMLResponse(html, headers={"content-security-policy": policy})

    async def export(self, request: Request) -> Response:
        """One record in the form of another program, to be kept as a file.

        request  the browser's request
        """
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
        self.console.audit.write(session.user.name, "export", address_of(request), allowed=True, about=made.name)
        return FileResponse(made, filename=made.name, media_type="application/octet-stream", background=gone)

    async def socket(self, socket: WebSocket) -> None:
        """The picture out, the page's wishes about time in.

        socket  the open page's connection
        """
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
            wishes = Throttle(WISHES, WISH_S)
            while True:
                text = await socket.receive_text()
                wishes.count("")
                if wishes.full(""):
                    await socket.close(1008, "too many messages")
                    return
                with contextlib.suppress(RefusedError, ValueError, OverflowError, RecursionError):
                    asked = json.loads(text)
                    if isinstance(asked, dict):
                        self._hear(asked, player, viewer, address_of(socket))

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

        request  the browser's request
        """
        session = self._reading(request)
        if TAKE not in exercising.rights(session.user.role, self.console.exercise):
            raise RefusedError(403, "Your role has no leave for this.")
        watch = self.console.watch
        log = [one._asdict() for one in watch.handovers]
        if exercising.trained(session.user.role, self.console.exercise):
            # how well others read is not theirs
            log = [{key: one[key] for key in ("t", "before", "after")} for one in log]
        return json_of({
            "facts": watch.facts, "read": sorted(watch.read_back(session.user.name, self.console.now)),
            "unacknowledged": list(watch.unacknowledged), "holder": watch.holder, "since": watch.since, "log": log})

    async def exercise(self, request: Request) -> Response:
        """The instructor's page: what is true, ready, and looked at.

        request  the browser's request
        """
        exercising.lead(self._reading(request).user.role, self.console.exercise)
        assert self.console.instructor is not None
        return json_of(self.console.instructor.view())

    async def lead(self, request: Request) -> Response:
        """What an instructor asks for: fire, freeze, blank, on, rewind, branch, end.

        request  the browser's request
        """
        session = self._changing(request)
        asked = await body_of(request)
        exercising.lead(session.user.role, self.console.exercise)
        unfit = requests.unfit_text(asked)
        if unfit:
            raise RefusedError(400, unfit)
        wish = exercising.wish(asked, session.user.name)
        assert self.console.instructor is not None
        why = "The run has ended." if self.console.ended else self.console.instructor.wish(wish)
        about = f"{wish.what} {wish.t:g}".strip()
        self.console.audit.write(wish.who, wish.do, address_of(request), allowed=not why, about=about, why=why)
        if why:
            raise RefusedError(409, why)
        return json_of({"accepted": True})

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


