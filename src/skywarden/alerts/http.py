"""What the channels that POST over HTTP have in common: one client kept open, and what its answers
mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

from skywarden.alerts.alert import Alert
from skywarden.alerts.setting import Setting
from skywarden.alerts.transport import Answer, Link, RefusedError
from skywarden.messages.receipts import DELIVERED

LATER = frozenset((408, 425, 429))  # answers below 500 that ask for another try
SLOWEST_S = 4.0  # seconds an answer may take


class HttpTransport:
    """A channel that POSTs each message to its address; how a message looks is its children's."""

    relays: tuple[str, ...] = ()
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=5.0)

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        host, port = setting.host_port(443 if setting.url.scheme == "https" else 80)
        self._url, self._who = setting.url.geturl(), f"{host}:{port}"
        self._client: httpx.AsyncClient | None = None

    async def run(self, link: Link) -> None:
        """Keep connections open for as long as the channel is.

        link  where the channel says that it is up or down
        """
        headers = (
            {}
            if self._setting.password is None
            else {"authorization": f"Bearer {self._setting.password.reveal().decode('latin-1')}"}
        )
        async with httpx.AsyncClient(
            headers=headers, timeout=SLOWEST_S, limits=self.limits, follow_redirects=False, trust_env=False
        ) as client:
            self._client = client
            link.up()
            await asyncio.Event().wait()

    async def post(self, body: bytes, headers: dict[str, str], outcome: int = DELIVERED) -> Answer:
        """One POST, and what its answer means; `outcome` where it was taken.

        body     the request's body
        headers  the request's headers

        Raises ConnectionError where it is worth another try, RefusedError where it is not.
        """
        if self._client is None:
            raise ConnectionError("not open yet")
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise ConnectionError(f"{self._who}: {type(error).__name__}") from None
        return judged(answer.status_code, self._who, outcome)

    async def again(self, standing: Mapping[str, Alert]) -> None:
        """Such a channel is told of changes only.

        standing  what is in force, by zone
        """

    async def bye(self) -> None:
        """Nothing to say."""


def judged(status: int, who: str, outcome: int = DELIVERED) -> Answer:
    """What an HTTP status means for the message.

    who      name of the receiver
    outcome  what the receipt says where the message was taken
    """
    if 200 <= status < 300:
        return Answer(outcome, who)
    if status >= 500 or status in LATER:
        raise ConnectionError(f"{who} answered {status}")
    raise RefusedError(f"{who} refused the message: HTTP {status}")
