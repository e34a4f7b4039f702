"""Logging in and out; passwords are checked one at a time, and only so many wait."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from skywarden.console import requests
from skywarden.console.access.sessions import DEVICE_S, Session
from skywarden.console.answers import LARGEST_LOG_IN, address_of, body_of, json_of
from skywarden.console.pages.callers import Callers
from skywarden.console.requests import RefusedError

# log-ins of browsers not known that wait for their password to be checked; more are asked to come again
MOST_HASHED = 8


class LogIn:
    """Who is looking, and how they come and go."""

    def __init__(self, callers: Callers) -> None:
        self._callers, self.console = callers, callers.console
        # checking a password costs 64 MB and a processor for a while, which the defence needs more: one at a time,
        # known browsers in a line of their own
        self._hashing = {known: asyncio.Lock() for known in (True, False)}
        self._hashed = 0

    async def session(self, request: Request) -> Response:
        """Who is looking. Where no users are configured it lets the local operator in.

        request  the browser's request
        """
        authenticator = self.console.authenticator
        session = self._callers.found(request)
        if session is None and authenticator.open:
            session = authenticator.enter_locally()
            self.console.audit.write(session.user.name, "enter", address_of(request), allowed=True)
        if session is None:
            return json_of({"user": None, "users": True, "mode": self.console.mode})       # an answer, not an error
        who = {"user": session.user.name, "role": session.user.role, "users": not authenticator.open}
        return self._callers.with_cookie(json_of(who), session)

    async def log_in(self, request: Request) -> Response:
        """Name and password to a session. Whatever is sent, the attempt stands in the audit log.

        request  the browser's request
        """
        self._callers.same_origin(request)
        address, authenticator = address_of(request), self.console.authenticator
        asked: dict[str, Any] = {}
        try:
            asked = await body_of(request, LARGEST_LOG_IN)
            name, password = asked.get("name", ""), asked.get("password", "")
            unfit = requests.unfit_text(asked)
            if unfit or not isinstance(name, str) or not isinstance(password, str) or len(name) > requests.LONGEST_NAME:
                raise RefusedError(400, unfit
                    or f"A name has up to {requests.LONGEST_NAME} characters, and name and password are text.")
            session = await self._entered(name, password, address, request.cookies.get(self._callers.device, ""))
        except RefusedError as refused:
            self.console.audit.write(str(asked.get("name", "")), "log in", address, allowed=False, why=refused.sentence
                if refused.status != 403 else "")
            raise
        self.console.audit.write(name, "log in", address, allowed=True)
        old = request.cookies.get(self._callers.cookie)
        if old:
            authenticator.log_out(old)
        answer = self._callers.with_cookie(
            json_of({"user": session.user.name, "role": session.user.role, "users": True}), session)
        answer.set_cookie(
            self._callers.device, authenticator.device_of(session.user), max_age=DEVICE_S, httponly=True,
            samesite="strict", secure=self.console.tls is not None, path="/")
        return answer

    async def _entered(self, name: str, password: str, address: str, device: str) -> Session:
        """The session of a right password. Raises `RefusedError`."""
        authenticator = self.console.authenticator
        known = authenticator.knows(name, device)
        if not known and self._hashed >= MOST_HASHED:
            raise RefusedError(503, "Too many people log in at once. Try again in a few seconds.")
        self._hashed += not known
        try:
            async with self._hashing[known]:
                if authenticator.too_many(name, address, device):
                    raise RefusedError(429,
                        "Too many failed tries. Wait five minutes, or use a browser that you have logged in with "
                        "before.")
                session = await asyncio.to_thread(authenticator.log_in, name, password, address, device)
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
        session = self._callers.changing(request)
        asked = await body_of(request)
        if asked.get("everywhere") is True and not self.console.authenticator.open:
            self.console.authenticator.log_out_everywhere(session.user.name)
        self.console.authenticator.log_out(session.token)
        about = "everywhere" if asked.get("everywhere") is True else ""
        self.console.audit.write(session.user.name, "log out", address_of(request), allowed=True, about=about)
        answer = json_of({"user": None})
        answer.delete_cookie(
            self._callers.cookie, path="/", httponly=True, samesite="strict", secure=self._callers.secure)
        return answer
