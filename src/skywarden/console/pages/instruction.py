"""The instructor's page of an exercise."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from skywarden.console import exercising, requests
from skywarden.console.answers import address_of, body_of, json_of
from skywarden.console.pages.callers import Callers
from skywarden.console.requests import RefusedError


class Instruction:
    """What an instructor sees and asks for."""

    def __init__(self, callers: Callers) -> None:
        self._callers, self.console = callers, callers.console

    async def exercise(self, request: Request) -> Response:
        """The instructor's page: what is true, ready, and looked at.

        request  the browser's request
        """
        exercising.lead(self._callers.reading(request).user.role, self.console.exercise)
        assert self.console.instructor is not None
        return json_of(self.console.instructor.view())

    async def lead(self, request: Request) -> Response:
        """What an instructor asks for: fire, freeze, blank, on, rewind, branch, end.

        request  the browser's request
        """
        session = self._callers.changing(request)
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
