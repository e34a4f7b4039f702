"""The records at hand: listed, as reports, and in the forms of other programs."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from skywarden.console import exercising, library
from skywarden.console.access.sessions import Session
from skywarden.console.access.users import RECORDS, TRUTH
from skywarden.console.answers import address_of, json_of
from skywarden.console.pages.callers import Callers
from skywarden.console.requests import RefusedError
from skywarden.errors import SkywardenError


class Records:
    """Records of the console's folder, for those who may read them."""

    def __init__(self, callers: Callers) -> None:
        self._callers, self.console = callers, callers.console

    async def records(self, request: Request) -> Response:
        """The records at hand, newest first.

        request  the browser's request
        """
        exercising.may(RECORDS, self._callers.reading(request).user.role, self.console.exercise)
        folder = self.console.records
        return json_of({"records": [] if folder is None else await asyncio.to_thread(library.records, folder,
            self.console.recording)})

    async def report(self, request: Request) -> Response:
        """The report of one record, the page `skywarden review` writes.

        request  the browser's request
        """
        session = self._callers.reading(request)
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
        session = self._callers.reading(request)
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
