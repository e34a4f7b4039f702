"""Which request is answered where: the routes of the console's server, and the page itself."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp

from skywarden.console import exercising
from skywarden.console.address import names_of
from skywarden.console.answers import refusal
from skywarden.console.guard import Guard, Shown
from skywarden.console.pages.callers import Callers
from skywarden.console.pages.commands import Commands
from skywarden.console.pages.editing import Editing
from skywarden.console.pages.instruction import Instruction
from skywarden.console.pages.live import Live
from skywarden.console.pages.log_in import LogIn
from skywarden.console.pages.place import Place
from skywarden.console.pages.records import Records
from skywarden.console.requests import RefusedError
from skywarden.console.state import ConsoleState

STATIC = Path(__file__).with_name("static")
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Skywarden</title>
<h1>The console's page was not built</h1>
<p>This installation of Skywarden has no web page in it: when it was installed, the packages that the page
is built from could not be reached.
The server behind it runs; the live view in the terminal, the record and the report work as always.</p>
<p>To build the page, install again with the npm registry within reach:
<code>pip install --force-reinstall --no-deps .</code></p></html>"""


def application(console: ConsoleState) -> ASGIApp:
    """The ASGI application of one console.

    console  whose picture is shown, and which takes the commands
    """
    callers = Callers(console)
    log_in, place, commands, editing = LogIn(callers), Place(callers), Commands(callers), Editing(callers)
    records, instruction = Records(callers), Instruction(callers)
    routes = [
        Route("/", index),
        Route("/api/session", log_in.session), Route("/api/login", log_in.log_in, methods=["POST"]),
        Route("/api/logout", log_in.log_out, methods=["POST"]),
        Route("/api/terrain", place.terrain), Route("/api/coverage", place.coverage),
        Route("/clips/{name}", place.clip),
        Route("/api/command", commands.command, methods=["POST"]), Route("/api/events", commands.events),
        Route("/api/audit", commands.audit), Route("/api/handover", commands.handover),
        Route("/api/draft", editing.draft), Route("/api/draft", editing.edit, methods=["POST"]),
        Route("/api/records", records.records), Route("/report/{name}", records.report),
        Route("/export/{name}/{form}", records.export),
        Route("/api/exercise", instruction.exercise), Route("/api/exercise", instruction.lead, methods=["POST"]),
        WebSocketRoute("/ws", Live(callers).socket),
    ]
    if STATIC.is_dir():
        routes.append(Mount("/", Shown(directory=STATIC)))
    # outermost, so that its headers are on an answer to a fault of ours, too
    names = names_of(console.host, console.local, console.public)
    inner: ASGIApp = Starlette(routes=routes, exception_handlers={RefusedError: refusal})
    if console.exercise:
        inner = exercising.Watched(inner, console.authenticator, console.audit, callers.cookie)
    return Guard(inner, names, console.public,
        console.tls is not None, console.tiles)


async def index(request: Request) -> Response:
    """The page itself.

    request  the browser's request
    """
    page = STATIC / "index.html"
    return FileResponse(page) if page.is_file() else HTMLResponse(NOT_BUILT, 503)
