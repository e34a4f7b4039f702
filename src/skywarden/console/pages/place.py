"""What does not change while a run goes on: terrain, coverage of the radars, sounds of the zones."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from skywarden.console import requests, views
from skywarden.console.clips import Clips
from skywarden.console.pages.callers import Callers
from skywarden.console.requests import RefusedError

MOST_HEIGHT = 30_000            # m above the ground of a coverage asked for
MOST_COVERAGES = 32             # kept


class Place:
    """The site as pages draw and hear it."""

    def __init__(self, callers: Callers) -> None:
        self._callers, self.console = callers, callers.console
        self._terrain = views.terrain(self.console.site)
        self._clips = Clips(self.console.site, self.console.mode, bool(self.console.exercise))
        self._coverage: dict[int, bytes] = {}       # by height; the site does not change while it runs

    async def terrain(self, request: Request) -> Response:
        """Heights of the ground, see `views.terrain`.

        request  the browser's request
        """
        self._callers.reading(request)
        return Response(self._terrain, media_type="application/octet-stream")

    async def clip(self, request: Request) -> Response:
        """What is heard of a zone and stage, as WAV.

        request  the browser's request
        """
        self._callers.reading(request)
        content = await self._clips.clip(request.path_params["name"])
        if content is None:
            raise RefusedError(404, "There is no such sound.")
        return Response(content, media_type="audio/wav", headers={"cache-control": "private, max-age=3600"})

    async def coverage(self, request: Request) -> Response:
        """What the site's radars see at `height` metres above the ground, see `views.coverage`.

        request  the browser's request
        """
        self._callers.reading(request)
        height = round(requests.seconds(request.query_params, "height", 0.0, MOST_HEIGHT))
        if height not in self._coverage:
            if len(self._coverage) >= MOST_COVERAGES:
                self._coverage.clear()
            self._coverage[height] = views.encode(await asyncio.to_thread(views.coverage, self.console.site, height))
        return Response(self._coverage[height], media_type="application/json")
