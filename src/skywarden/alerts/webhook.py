"""A webhook: each message as JSON by HTTP POST, signed as Standard Webhooks has it (webhook-id,
webhook-timestamp, webhook-signature).

The id is the message's own, so a receiver that keeps ids never acts twice. 2xx acknowledges; 408,
425, 429 and 5xx are tried again; every other answer means that the receiver will never take it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx
import msgspec
from standardwebhooks import Webhook

from skywarden.alerts.alert import Alert
from skywarden.alerts.courier import Answer, Link, RefusedError
from skywarden.alerts.setting import Setting
from skywarden.messages.receipts import DELIVERED

LATER = frozenset((408, 425, 429))  # answers below 500 that ask for another try
SLOWEST_S = 4.0  # seconds an answer may take


class WebhookTransport:
    """POST each alert to the channel's address."""

    relays: tuple[str, ...] = ()

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        host, port = setting.host_port(443 if setting.url.scheme == "https" else 80)
        self._url, self._who = setting.url.geturl(), f"{host}:{port}"
        self._signer = Webhook(_key(setting.need_key().reveal()))
        self._client: httpx.AsyncClient | None = None

    async def run(self, link: Link) -> None:
        """Keep connections open for as long as the channel is."""
        headers = (
            {}
            if self._setting.password is None
            else {"authorization": f"Bearer {self._setting.password.reveal().decode('latin-1')}"}
        )
        limits = httpx.Limits(max_keepalive_connections=32, keepalive_expiry=120.0)
        async with httpx.AsyncClient(
            headers=headers, timeout=SLOWEST_S, limits=limits, follow_redirects=False, trust_env=False
        ) as client:
            self._client = client
            link.up()
            await asyncio.Event().wait()

    async def send(self, alert: Alert) -> Answer:
        """One signed POST."""
        if self._client is None:
            raise ConnectionError("not open yet")
        body = msgspec.json.encode(self._setting.view(alert))
        # the library reads the wall-clock fields of what it is given as UTC
        when = datetime.fromtimestamp(time.time(), UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": alert.message,
            "webhook-timestamp": str(int(when.timestamp())),
            "webhook-signature": self._signer.sign(alert.message, when, body.decode()),
        }
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise ConnectionError(f"{self._who}: {type(error).__name__}") from None
        return judged(answer.status_code, self._who)

    async def again(self, standing: Mapping[str, Alert]) -> None:
        """A webhook is told of changes only."""

    async def bye(self) -> None:
        """Nothing to say."""


def judged(status: int, who: str, outcome: int = DELIVERED) -> Answer:
    """What an HTTP status means for the message."""
    if 200 <= status < 300:
        return Answer(outcome, who)
    if status >= 500 or status in LATER:
        raise ConnectionError(f"{who} answered {status}")
    raise RefusedError(f"{who} refused the message: HTTP {status}")


def _key(secret: bytes) -> str | bytes:
    """The key as the library wants it: `whsec_…` in base64 as it stands, anything else as the bytes
    themselves.
    """
    return secret.decode("ascii") if secret.startswith(b"whsec_") else secret
