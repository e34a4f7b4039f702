"""The websocket of an open page: the picture out, the page's wishes about time in."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from skywarden.console import exercising, views
from skywarden.console.access.sessions import Session
from skywarden.console.access.throttle import Throttle
from skywarden.console.access.users import EDIT, MAY, RECORDS
from skywarden.console.answers import address_of
from skywarden.console.hub import Viewer
from skywarden.console.pages.callers import Callers
from skywarden.console.playback import DOINGS, Player, Veiled
from skywarden.console.requests import RefusedError

WISHES, WISH_S = 200, 5.0       # messages of one page within so many seconds, after which it is closed
MOST_PAGES = 30                 # open pages of one session
NOT_LOGGED_IN = 4401            # close codes of the websocket, read by the page


class Live:
    """Open pages, each with its own time."""

    def __init__(self, callers: Callers) -> None:
        self._callers, self.console = callers, callers.console
        self._site = views.site_view(self.console.site)

    async def socket(self, socket: WebSocket) -> None:
        """The picture out, the page's wishes about time in.

        socket  the open page's connection
        """
        session = self._callers.found(socket)
        try:
            self._callers.same_origin(socket)
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
            find = self.console.authenticator.find
            while (session := find(viewer.token)) is not None and session.user.role == viewer.role:
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
            "users": not console.authenticator.open,
            "editable": console.site_folder is not None and EDIT in may,
            "records": console.records is not None and RECORDS in may, "tiles": console.tiles,
            "paced": console.clock is not None, "roles": {role: sorted(acts) for role, acts in MAY.items()},
        }
