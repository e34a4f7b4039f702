"""What the channels that POST over HTTP have in common: a few connections kept open, and what their
answers mean.

    message --> a free lane --> POST over its connection --> judged(status)
                 LANES of them; one whose connection has ended opens the next

A raid may warn thirty zones in one frame. httpx, with a connection a message in its pool, needs
3 ms of processor for each of those, nine tenths of it to choose a connection; httpcore's connection
by itself needs a third of one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import httpcore
import httpx

from skywarden.alerts.alert import Alert
from skywarden.alerts.setting import Setting
from skywarden.alerts.transport import Answer, Link, RefusedError
from skywarden.messages.receipts import DELIVERED

LATER = frozenset((408, 425, 429))  # answers below 500 that ask for another try
SLOWEST_S = 4.0  # seconds an answer may take
LANES = 8  # connections to one receiver, opened as they are needed
IDLE_S = 120.0  # seconds a connection is kept without a message
LONGEST = 65_536  # bytes of an answer that are read


class Lanes:
    """Connections to one address, the one used last first: a receiver that is quick sees few.

    url      the receiver's address, of http or https
    slowest  seconds an answer may take
    """

    def __init__(self, url: str, slowest: float = SLOWEST_S) -> None:
        self._waits = dict.fromkeys(("connect", "read", "write", "pool"), slowest)
        address = httpx.URL(url)
        secure = address.scheme == "https"
        self._ssl = httpx.create_ssl_context(trust_env=False) if secure else None
        self._origin = httpcore.Origin(address.raw_scheme, address.raw_host, address.port or (443 if secure else 80))
        self._target, self._host = address.raw_path, address.netloc
        self._free: asyncio.LifoQueue[httpcore.AsyncHTTPConnection | None] = asyncio.LifoQueue()
        for _ in range(LANES):
            self._free.put_nowait(None)

    async def post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """One POST; gives the answer's status, and its content as far as it is read.

        body     the request's body
        headers  the request's headers, besides host and length

        Raises ConnectionError, by the name of what failed.
        """
        told = [(b"host", self._host), (b"content-length", str(len(body)).encode())]
        told += [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        request = httpcore.Request(
            b"POST",
            httpcore.URL(
                scheme=self._origin.scheme, host=self._origin.host, port=self._origin.port, target=self._target
            ),
            headers=told,
            content=body,
            extensions={"timeout": self._waits},
        )
        try:
            async with self._lane() as lane:
                answer = await lane.handle_async_request(request)
                content = bytearray()
                try:
                    async for part in answer.aiter_stream():
                        content += part
                        if len(content) > LONGEST:
                            break
                finally:
                    await answer.aclose()
        except (
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            httpcore.ConnectionNotAvailable,
        ) as error:
            raise ConnectionError(type(error).__name__) from None
        return answer.status, bytes(content[:LONGEST])

    async def aclose(self) -> None:
        """Close what is idle; what is on its way closes itself."""
        while not self._free.empty():
            lane = self._free.get_nowait()
            if lane is not None:
                await lane.aclose()

    @contextlib.asynccontextmanager
    async def _lane(self) -> AsyncIterator[httpcore.AsyncHTTPConnection]:
        """A connection that may be used, alone; given back open or not at all."""
        lane = await self._free.get()
        try:
            if lane is not None and (not lane.is_available() or lane.has_expired()):
                await _close(lane)
                lane = None
            if lane is None:
                lane = httpcore.AsyncHTTPConnection(self._origin, self._ssl, keepalive_expiry=IDLE_S)
            yield lane
        finally:
            if lane is not None and not lane.is_idle():
                await _close(lane)
                lane = None
            self._free.put_nowait(lane)


async def _close(lane: httpcore.AsyncHTTPConnection) -> None:
    """Close a connection that is of no more use, as far as can be."""
    with contextlib.suppress(Exception):
        await lane.aclose()


class HttpTransport:
    """A channel that POSTs each message to its address; how a message looks is its children's."""

    relays: tuple[str, ...] = ()

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        host, port = setting.host_port(443 if setting.url.scheme == "https" else 80)
        self._url, self._who = setting.url.geturl(), f"{host}:{port}"
        self._lanes: Lanes | None = None
        self._headers: dict[str, str] = {"user-agent": "skywarden", "accept": "*/*"}
        if setting.password is not None:
            self._headers["authorization"] = f"Bearer {setting.password.reveal().decode('latin-1')}"

    async def run(self, link: Link) -> None:
        """Keep connections open for as long as the channel is.

        link  where the channel says that it is up or down
        """
        self._lanes = Lanes(self._url)
        link.up()
        try:
            await asyncio.Event().wait()
        finally:
            lanes, self._lanes = self._lanes, None
            await lanes.aclose()

    async def post(self, body: bytes, headers: dict[str, str], outcome: int = DELIVERED) -> Answer:
        """One POST, and what its answer means; `outcome` where it was taken.

        body     the request's body
        headers  the request's headers

        Raises ConnectionError where it is worth another try, RefusedError where it is not.
        """
        if self._lanes is None:
            raise ConnectionError("not open yet")
        try:
            status, _ = await self._lanes.post(body, self._headers | headers)
        except ConnectionError as error:
            raise ConnectionError(f"{self._who}: {error}") from None
        return judged(status, self._who, outcome)

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
