"""What an exercise closes to those who are trained, who may say what from which seat, and the
instructor's requests.

In an exercise everybody but instructors is a trainee: no truth, title, record, report, export or
log, and no other
person's notes, answers or shadow acts. Every try stands in the audit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skywarden.console.access.audit import Audit
from skywarden.console.access.sessions import Authenticator
from skywarden.console.access.users import AUDIT, EDIT, LEAD, MAY, RECORDS, TRUTH
from skywarden.console.instructor import ACTS, Wish
from skywarden.console.requests import RefusedError, number
from skywarden.measures.watch import FACTS, Watch
from skywarden.messages import commands
from skywarden.messages.commands import Command

INSTRUCTOR = "instructor"
CLOSED = frozenset({EDIT, AUDIT, RECORDS, TRUTH, commands.PACE})  # rights that nobody has who is trained
OWN = frozenset({commands.NOTE, commands.ANSWER, commands.SHADOW})  # kinds of events that are their person's own affair
WORDS = frozenset({commands.SAY, commands.NOTE, commands.ANSWER})  # kinds for which no seat is needed
SINKS = frozenset({"page", "terminal"})  # sinks of the run that a trainee is told of


def rights(role: str, exercise: bool) -> frozenset[str]:
    """What a role may do; in an exercise trainees have none of the rights that lead to the truth."""
    return MAY[role] - CLOSED if exercise and role != INSTRUCTOR else MAY[role]


def trained(role: str, exercise: bool) -> bool:
    """Whether somebody of this role is a trainee here.

    exercise  whether the run is an exercise
    """
    return exercise and role != INSTRUCTOR


def seated(command: Command, role: str, watch: Watch, t: float, exercise: bool) -> Command:
    """The command as it goes into the record: in an exercise a shadow's is wrapped, so that nobody
    believes it.

    role  role of the person
    t     time of the frame that it goes into [s]

    Raises RefusedError where the watch cannot be taken just now, or without a seat.
    """
    if command.kind == commands.TAKE:
        _may_take(command, watch, t)
        return command
    if not exercise or role == INSTRUCTOR or command.kind in WORDS:
        return command
    seat = watch.seats.get(command.who, commands.OBSERVER)
    if seat in (commands.WATCH, commands.SECOND):
        return command
    if seat == commands.SHADOWING:
        return command._replace(kind=commands.SHADOW, subject=f"{command.kind} {command.subject}")
    raise RefusedError(409, "Take a seat first.")


def _may_take(command: Command, watch: Watch, t: float) -> None:
    """Whether a seat can be taken: the watch not over an unacknowledged warning, nor in the middle
    of a rehearsed engagement, nor unread, without a reason.
    """
    if command.subject != commands.WATCH:
        if command.who == watch.holder:
            raise RefusedError(409, "You have the watch: somebody else has to take it first.")
        return
    if command.who == watch.holder:
        raise RefusedError(409, "You have the watch already.")
    if command.why:
        return
    if watch.unacknowledged:
        raise RefusedError(
            409, "A warning is not acknowledged. Let it be seen first, or say why you take the watch now."
        )
    if t < watch.engaged:
        left = f"{watch.engaged - t:.0f} s more"
        raise RefusedError(
            409, f"A rehearsed engagement is under way for {left}. Wait for its end, or say why you take the watch now."
        )
    if len(watch.read_back(command.who, t)) < len(FACTS):
        raise RefusedError(409, "Read back every fact of the checklist first, or say why you take the watch now.")


def wish(asked: Mapping[str, Any], who: str) -> Wish:
    """What an instructor asks for. Raises RefusedError.

    asked  what the page sent
    who    name of the person
    """
    do, what = asked.get("do"), asked.get("what", "")
    t = number(asked.get("t", 0.0))
    if do not in ACTS or not isinstance(what, str) or not math.isfinite(t):
        raise RefusedError(400, "An instructor can fire, freeze, blank, on, rewind, branch or end.")
    return Wish(str(do), what[:200], t, who)


def events_for(events: list[dict[str, Any]], user: str, role: str, exercise: bool) -> list[dict[str, Any]]:
    """The events that somebody may know of: other people's notes, answers and shadow acts are not
    among them.

    user      name of the person
    role      role of the person
    exercise  whether the run is an exercise
    """
    if not trained(role, exercise):
        return events
    return [event for event in events if event["kind"] not in OWN or event["who"] == user]


def pulse_for(pulse: Mapping[str, Any], role: str, exercise: bool) -> dict[str, Any]:
    """The sign of life as somebody may have it: how a record fares, and under which name, is no
    trainee's business.

    pulse     the console's state as pages hear it
    role      role of the person
    exercise  whether the run is an exercise
    """
    if not trained(role, exercise):
        return dict(pulse)
    return {
        **pulse,
        "fault": "",
        "channels": [
            {**channel, "fault": ""} if channel["name"] in SINKS else channel
            for channel in pulse["channels"]
            if channel["name"] not in ("record", "figures", "journal", "instructor")
        ],
    }


def may(what: str, role: str, exercise: bool) -> None:
    """Raise RefusedError where a role has no right to something.

    what      name of the right
    exercise  whether the run is an exercise
    """
    if what not in rights(role, exercise):
        raise RefusedError(
            403, "An exercise keeps this closed." if trained(role, exercise) else "Your role has no leave for this."
        )


def lead(role: str, exercise: bool) -> None:
    """Only instructors lead, and only an exercise can be led. Raises RefusedError.

    role  role of the person
    """
    if not exercise:
        raise RefusedError(404, "This run is no exercise.")
    may(LEAD, role, exercise)


class Watched:
    """Around the pages of an exercise: whatever is refused to anybody stands in the audit, unknown
    addresses included.
    """

    def __init__(self, app: ASGIApp, authenticator: Authenticator, audit: Audit, cookie: str) -> None:
        self.inner, self._authenticator, self._audit, self._cookie = app, authenticator, audit, cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note how it was answered."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        session = self._authenticator.find(connection.cookies.get(self._cookie))
        who = session.user.name if session is not None else ""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                address = connection.client.host if connection.client else "unknown"
                path = f"{scope['method']} {scope['path']}"
                self._audit.write(who, "try", address, allowed=False, about=path, why=str(message["status"]))
            await send(message)

        await self.inner(scope, receive, sending)
