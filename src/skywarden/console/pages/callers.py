"""Who sends a request: the session that it carries, and whether it may change anything."""

from __future__ import annotations

import secrets

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from skywarden.console.access.sessions import Session
from skywarden.console.address import ours
from skywarden.console.requests import RefusedError
from skywarden.console.state import ConsoleState

COOKIE = "skywarden"            # with TLS as __Host-skywarden: no other name and no other port's page can set it


class Callers:
    """The sessions behind requests, known by the cookie of one console."""

    def __init__(self, console: ConsoleState) -> None:
        self.console = console
        self.secure = console.tls is not None or (console.public is not None and console.public.secure)
        self.cookie = f"__Host-{COOKIE}" if self.secure else COOKIE
        self.device = "skywarden-device" if console.tls is None else "__Host-skywarden-device"

    def found(self, connection: HTTPConnection) -> Session | None:
        """The session that a request carries, if it stands; its connection is then no stranger's.

        connection  a request, or an open page's connection
        """
        session = self.console.authenticator.find(connection.cookies.get(self.cookie))
        peer = (connection.client.host, connection.client.port) if connection.client is not None else None
        if session is not None and not self.console.gate.greet(peer, session.token):
            raise RefusedError(503, "This log-in holds too many connections already.")
        return session

    def reading(self, request: Request) -> Session:
        """The session of somebody who may look. Raises `RefusedError`.

        request  the browser's request
        """
        session = self.found(request)
        if session is None:
            raise RefusedError(401, "Log in first.")
        return session

    def changing(self, request: Request) -> Session:
        """The session of a request that changes something: it came from the console's own page.
        Raises `RefusedError`.

        request  the browser's request
        """
        session = self.reading(request)
        self.same_origin(request)
        if not secrets.compare_digest(request.headers.get("x-csrf-token", "").encode(), session.csrf.encode()):
            raise RefusedError(403, "This request did not come from the console's own page.")
        return session

    def same_origin(self, request: HTTPConnection) -> None:
        """A browser says where a request comes from; it must be this server. Raises `RefusedError`.

        request  a request, or an open page's connection
        """
        if not ours(request, self.console.public):
            raise RefusedError(403, "This request did not come from the console's own page. Behind a proxy, name the "
                "public address with --public-url.")

    def with_cookie(self, answer: Response, session: Session) -> Response:
        """The answer with the session's cookie on it.

        answer   the answer
        session  whose cookie it is
        """
        answer.set_cookie(self.cookie, session.token, httponly=True, samesite="strict", secure=self.secure, path="/")
        return answer
