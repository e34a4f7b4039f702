"""A webhook: each message as JSON by HTTP POST, signed as Standard Webhooks has it (webhook-id,
webhook-timestamp, webhook-signature).

The id is the message's own, so a receiver that keeps ids never acts twice. 2xx acknowledges; 408,
425, 429 and 5xx are tried again; every other answer means that the receiver will never take it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import msgspec
from standardwebhooks import Webhook

from skywarden.alerts.alert import Alert
from skywarden.alerts.http import HttpTransport
from skywarden.alerts.setting import Setting
from skywarden.alerts.transport import Answer


class WebhookTransport(HttpTransport):
    """POST each alert to the channel's address."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._signer = Webhook(_key(setting.need_key().reveal()))

    async def send(self, alert: Alert) -> Answer:
        """One signed POST.

        alert  the message
        """
        body = msgspec.json.encode(self._setting.view(alert))
        # the library reads the wall-clock fields of what it is given as UTC
        when = datetime.fromtimestamp(time.time(), UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": alert.message,
            "webhook-timestamp": str(int(when.timestamp())),
            "webhook-signature": self._signer.sign(alert.message, when, body.decode()),
        }
        return await self.post(body, headers)


def _key(secret: bytes) -> str | bytes:
    """The key as the library wants it: `whsec_…` in base64 as it stands, anything else as the bytes
    themselves.
    """
    return secret.decode("ascii") if secret.startswith(b"whsec_") else secret
