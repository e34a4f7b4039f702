"""What people command, what happened, and who has the watch."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from skywarden.console import exercising, requests
from skywarden.console.access.users import AUDIT
from skywarden.console.answers import address_of, body_of, json_of
from skywarden.console.pages.callers import Callers
from skywarden.console.requests import RefusedError
from skywarden.messages.commands import PACE, TAKE


class Commands:
    """Commands on their way into the session, the events that came of them, and the audit log."""

    def __init__(self, callers: Callers) -> None:
        self._callers, self.console = callers, callers.console

    async def command(self, request: Request) -> Response:
        """One command into the session's inbox; its effect is seen when it comes back in a frame.

        request  the browser's request
        """
        session = self._callers.changing(request)
        asked = await body_of(request)
        user, address = session.user, address_of(request)
        what, about, why = (str(asked.get(key, ""))[:200] for key in ("kind", "subject", "why"))
        try:
            if self.console.authenticator.hurried(session):
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

    async def events(self, request: Request) -> Response:
        """What happened after event number `after`.

        request  the browser's request
        """
        session = self._callers.reading(request)
        after = requests.seconds(request.query_params, "after", 0, 1e12)
        user, last = session.user, self.console.memory.last_event
        return json_of({"events": self.console.events(int(after), user.name, user.role), "last": last})

    async def audit(self, request: Request) -> Response:
        """The newest entries of the audit log, for those who may see it.

        request  the browser's request
        """
        session = self._callers.reading(request)
        if AUDIT not in exercising.rights(session.user.role, self.console.exercise):
            raise RefusedError(403, "The audit log is for supervisors.")
        return json_of({"entries": list(self.console.audit.entries)[-500:]})

    async def handover(self, request: Request) -> Response:
        """The checklist of who takes the watch: the critical facts of now, and which of them this
        person has read back.

        request  the browser's request
        """
        session = self._callers.reading(request)
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
