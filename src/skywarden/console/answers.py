"""How pages are answered, and what they may send: JSON of a bounded size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from skywarden.console import views
from skywarden.console.requests import RefusedError

LARGEST_BODY = 512 * 1024       # bytes of a request: five hundred zones
LARGEST_LOG_IN = 4 * 1024       # bytes of a request to log in, which strangers may send


def json_of(value: Mapping[str, Any], status: int = 200) -> Response:
    """`value` as the JSON answer of HTTP `status`."""
    return Response(views.encode(value), status, media_type="application/json")


async def refusal(request: Request, error: Exception) -> Response:
    """The sentence of a `RefusedError` as the answer to `request`; starlette calls it with the
    `error`.
    """
    assert isinstance(error, RefusedError)
    return json_of({"error": error.sentence}, error.status)


async def body_of(request: Request, most: int = LARGEST_BODY) -> dict[str, Any]:
    """The JSON object of a `request` of `most` bytes. Raises `RefusedError` for all else."""
    if request.headers.get("content-type", "").split(";")[0] != "application/json":
        raise RefusedError(415, "Send JSON.")
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise RefusedError(413, f"More than {most} bytes.")
    try:
        asked = json.loads(data)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise RefusedError(400, "Send one JSON object.")
    return asked


def address_of(request: HTTPConnection) -> str:
    """The network address that a `request` came from."""
    return request.client.host if request.client else "unknown"
