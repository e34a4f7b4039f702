"""The siren relay's protocol, version 1: one signed line a message, one signed line back.

    MAC JSON    MAC: HMAC-SHA-256 of the JSON as it stands, 64 hex digits; a space; JSON, one line

    to the relay    {"v":1, "kind":"live", "site":…, "zone":…, "stage":"take-cover", "id":…,
                     "message":…, "due":…, "until":…, "expires":…, "wrong":false, "say":{"en":…},
                     "counter":…, "replica":…, "sent":…}     times: seconds since 1970, UTC
    back            {"v":1, "relay":"north", "message":…, "counter":…, "state":"take-cover"}
                                                             counter: that of the line it answers

The keys are made from the site's secret, one for each kind and direction, so that no line of a
simulation, an exercise or a test ever verifies as a live one: HMAC-SHA-256(secret, "skywarden siren
1 KIND") and HMAC-SHA-256(secret, "skywarden answer 1 KIND"). `counter` rises with every line of a
replica, across restarts: a relay that keeps the greatest one accepts no line twice. A line comes
each second for each zone, warned or not: the heartbeat.

Over MQTT the topics are those of `mqtt.py` with siren- before zone, event, status and ack; over
HTTP each line is POSTed, and the answer is the body of the response.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from skywarden.alerts.alert import Alert
from skywarden.alerts.http import Lanes, judged
from skywarden.alerts.mqtt import MqttTransport
from skywarden.alerts.secret import Secret
from skywarden.alerts.setting import Setting
from skywarden.alerts.transport import Answer, Link
from skywarden.alerts.words import say
from skywarden.errors import UsageError
from skywarden.messages.picture import NO_STAGE, STAGE_NAMES
from skywarden.messages.receipts import ACCEPTED, DELIVERED

FRESH_S = 30.0  # seconds an answer may lie behind the line that it answers
SLOWEST_S = 2.0  # seconds a relay may take to answer by HTTP


class Sealer:
    """Signs lines to relays, and checks theirs."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        secret = setting.need_key()
        kinds = (setting.made.kind, "test")
        self._out: dict[str, Secret] = {kind: secret.derive(f"skywarden siren 1 {kind}") for kind in kinds}
        self._in: dict[str, Secret] = {kind: secret.derive(f"skywarden answer 1 {kind}") for kind in kinds}
        self._counter = 0
        if not setting.channel.relays:
            raise UsageError(
                f'channel "{setting.channel.name}": name the relays that must answer, as in relays = ["north"]'
            )

    def seal(self, alert: Alert) -> bytes:
        """The line that says an alert."""
        own = self._setting.site.wording
        return self._line(
            alert.kind,
            {
                "zone": alert.zone,
                "stage": "test" if alert.kind == "test" else alert.stage_name,
                "id": alert.id,
                "message": alert.message,
                "due": _rounded(alert.due),
                "until": _rounded(alert.until),
                "expires": _rounded(alert.expires),
                "wrong": alert.wrong,
                "say": {language: say(alert, language, own) for language in self._setting.channel.languages},
            },
        )

    def seal_none(self, zone: str) -> bytes:
        """The line that says that a zone is not warned: the heartbeat."""
        return self._line(
            self._setting.made.kind,
            {
                "zone": zone,
                "stage": STAGE_NAMES[NO_STAGE],
                "id": "",
                "message": "",
                "due": None,
                "until": None,
                "expires": round(time.time() + 3.0, 3),
                "wrong": False,
                "say": {},
            },
        )

    def open(self, line: bytes) -> tuple[str, str] | None:
        """Who answered, and which message; None for a line that is forged, stale or unreadable."""
        mac, _, body = line.strip().partition(b" ")
        if not any(key.accepts(body, mac.decode("ascii", "replace")) for key in self._in.values()):
            return None
        try:
            told: Any = msgspec.json.decode(body)
            counter, who, message = int(told["counter"]), str(told["relay"])[:64], str(told.get("message", ""))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError):
            return None
        return (who, message) if 0.0 <= time.time() - counter * 1e-9 <= FRESH_S else None

    def _line(self, kind: str, told: dict[str, Any]) -> bytes:
        # the wall's nanoseconds, or one more than last time where it stood still or was set back
        self._counter = max(self._counter + 1, time.time_ns())
        body = msgspec.json.encode(
            {
                "v": 1,
                "kind": kind,
                "site": self._setting.site.name,
                **told,
                "counter": self._counter,
                "replica": self._setting.site.replica,
                "sent": round(self._counter * 1e-9, 3),
            }
        )
        return f"{self._out[kind].sign(body)} ".encode() + body


class SirenMqtt(MqttTransport):
    """Relays behind a broker. The retained message and the event are signed lines."""

    prefix = "siren-"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._sealer = Sealer(setting)

    def pack(self, alert: Alert) -> bytes:
        """The alert as the relay reads it, sealed with the site's secret."""
        return self._sealer.seal(alert)

    def pack_none(self, zone: str) -> bytes:
        """The line of a zone that is not warned, sealed likewise."""
        return self._sealer.seal_none(zone)

    def answered(self, topic: str, payload: bytes) -> tuple[str, str] | None:
        """Which relay answered, and which message; None for what the secret does not open.

        topic    topic that the answer came by
        payload  the answer's bytes
        """
        return self._sealer.open(payload)


class SirenHttp:
    """One relay that is asked directly."""

    merges = True

    def __init__(self, setting: Setting) -> None:
        self._setting, self._sealer = setting, Sealer(setting)
        self.relays = setting.channel.relays
        host, port = setting.host_port(443 if setting.url.scheme == "https" else 80)
        self._url, self._who = setting.url.geturl(), f"{host}:{port}"
        self._link: Link | None = None
        self._lanes: Lanes | None = None

    async def run(self, link: Link) -> None:
        """Keep a connection open for as long as the channel is.

        link  where the channel says that it is up or down
        """
        self._lanes, self._link = Lanes(self._url, SLOWEST_S), link
        link.up()
        try:
            await asyncio.Event().wait()
        finally:
            lanes, self._lanes = self._lanes, None
            await lanes.aclose()

    async def send(self, alert: Alert) -> Answer:
        """One line, and the relay's answer to it.

        alert  the message
        """
        heard = await self._post(self._sealer.seal(alert))
        return Answer(DELIVERED, heard[0]) if heard is not None and heard[1] == alert.message else Answer(ACCEPTED)

    async def again(self, standing: Mapping[str, Alert]) -> None:
        """Each zone's line of now.

        standing  what is in force, by zone
        """
        for name in self._setting.told:
            alert = standing.get(name)
            heard = await self._post(self._sealer.seal(alert) if alert is not None else self._sealer.seal_none(name))
            if heard is not None and self._link is not None:
                self._link.heard(*heard)

    async def bye(self) -> None:
        """Silence says it."""

    async def _post(self, line: bytes) -> tuple[str, str] | None:
        if self._lanes is None:
            raise ConnectionError("not open yet")
        try:
            status, said = await self._lanes.post(line, {"content-type": "text/plain; charset=utf-8"})
        except ConnectionError as error:
            raise ConnectionError(f"{self._who}: {error}") from None
        judged(status, self._who)
        return self._sealer.open(said[:4096])


def _rounded(t: float | None) -> float | None:
    return None if t is None or math.isnan(t) else round(t, 3)
