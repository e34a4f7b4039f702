"""The site's files edited in the browser: read, checked, saved."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from skywarden.console import exercising, requests, views
from skywarden.console.access.sessions import Session
from skywarden.console.access.users import EDIT
from skywarden.console.answers import address_of, body_of, json_of
from skywarden.console.pages.callers import Callers
from skywarden.console.pages.place import MOST_HEIGHT
from skywarden.console.requests import RefusedError
from skywarden.site.editing import draft
from skywarden.site.editing.draft import EditError


class Editing:
    """A draft of the site, for those who may edit it."""

    def __init__(self, callers: Callers) -> None:
        self._callers, self.console = callers, callers.console
        self._editing = asyncio.Lock()              # one save at a time

    async def draft(self, request: Request) -> Response:
        """The site's own files as they lie on disk, for editing.

        request  the browser's request
        """
        self._editor(self._callers.reading(request), request)
        try:
            return json_of(draft.view(await asyncio.to_thread(draft.read, self._folder(), self.console.site)))
        except EditError as error:
            raise RefusedError(409, str(error)) from None

    async def edit(self, request: Request) -> Response:
        """Zones, radars and effectors as edited: checked, saved where asked and good, and what the
        edited radars would see where asked.

        request  the browser's request
        """
        session = self._callers.changing(request)
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
