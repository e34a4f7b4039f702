"""MQTT 5: one retained message a zone that runs out by itself, said again each second, and every
change as an event of its own.

    skywarden/SITE/KIND/zone/ZONE/REPLICA     retained, expires after 3 s: what the zone is told
                                              now; "none" while it is not warned
    skywarden/SITE/KIND/event/ZONE/REPLICA    each change once, QoS 1, expires with the message:
                                              for receivers with a session of their own
    skywarden/SITE/KIND/status/REPLICA        "speaking"; "stopped" after a run has ended; "silent"
                                              by the broker when we are lost, and never "clear"
    skywarden/SITE/KIND/ack/RELAY             what a receiver answers: {"relay": …, "message": …}

A receiver that hears nothing for 3 s has no contact: it keeps the last stage until its `until` and
says so; silence is never an all-clear.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from typing import Any

import aiomqtt
import msgspec
from aiomqtt import ProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from skywarden.alerts.alert import Alert
from skywarden.alerts.setting import Setting, tls
from skywarden.alerts.transport import Answer, Link
from skywarden.messages.picture import NO_STAGE, STAGE_NAMES
from skywarden.messages.receipts import ACCEPTED

EXPIRES_S = 3  # seconds a retained message lives at the broker
KEEPALIVE_S = 3  # seconds between signs of life to the broker; it gives us up after one and a half
LONGEST_ACK = 4096  # bytes of an answer that are read

_log = logging.getLogger("skywarden.mqtt")
_log.addHandler(logging.NullHandler())
_log.propagate = False


class MqttTransport:
    """One connection to one broker, with a last will."""

    merges = True  # receivers merge what several watchers say
    prefix = ""  # before each kind of topic, so that two channels on one broker stay apart

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.relays = setting.channel.relays
        self._host, self._port = setting.host_port(8883 if setting.url.scheme == "mqtts" else 1883)
        self._base = f"{setting.root}/{setting.made.kind}"
        self._replica = setting.site.replica
        self._client: aiomqtt.Client | None = None

    async def run(self, link: Link) -> None:
        """Connect, listen for answers, until the broker is lost.

        link  where the channel says that it is up or down
        """
        setting, status = self.setting, f"{self._base}/{self.prefix}status/{self._replica}"
        password = None if setting.password is None else setting.password.reveal().decode("utf-8", "replace")
        try:
            async with aiomqtt.Client(
                self._host,
                self._port,
                username=setting.channel.user or None,
                password=password,
                protocol=ProtocolVersion.V5,
                logger=_log,
                will=aiomqtt.Will(status, b"silent", qos=1, retain=True),
                keepalive=KEEPALIVE_S,
                tls_context=tls(setting.url.scheme == "mqtts"),
                timeout=5.0,
                max_queued_outgoing_messages=10_000,
                # else the second of two small messages waits 40 ms for the first one's acknowledgement
                socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            ) as client:
                client.pending_calls_threshold = 1000
                self._client = client
                for kind in (setting.made.kind, "test"):
                    await client.subscribe(f"{setting.root}/{kind}/{self.prefix}ack/+", qos=1)
                await client.publish(status, b"speaking", qos=1, retain=True)
                link.up()
                async for message in client.messages:
                    payload = bytes(message.payload) if isinstance(message.payload, bytes | bytearray) else b""
                    heard = self.answered(str(message.topic), payload[:LONGEST_ACK])
                    if heard is not None:
                        link.heard(*heard)
        except aiomqtt.MqttError as error:
            raise ConnectionError(f"{self._host}:{self._port}: {error}") from None
        finally:
            self._client = None

    async def send(self, alert: Alert) -> Answer:
        """The zone's retained message, then the event.

        alert  the message
        """
        client, base = self._connected(), f"{self.setting.root}/{alert.kind}"
        zone = self.setting.areas[alert.zone].slug if alert.zone in self.setting.areas else "all"
        packed = self.pack(alert)
        left = max(1, round(alert.expires - alert.sent))
        try:
            if alert.stage != NO_STAGE:
                await client.publish(
                    f"{base}/{self.prefix}zone/{zone}/{self._replica}", packed, 0, True, _expiry(EXPIRES_S)
                )
            await client.publish(f"{base}/{self.prefix}event/{zone}/{self._replica}", packed, 1, False, _expiry(left))
        except aiomqtt.MqttError as error:
            raise ConnectionError(f"{self._host}:{self._port}: {error}") from None
        return Answer(ACCEPTED)

    async def again(self, standing: Mapping[str, Alert]) -> None:
        """Every zone's state of now, warned or not.

        standing  what is in force, by zone
        """
        client = self._connected()
        try:
            for name in self.setting.told:
                alert = standing.get(name)
                packed = self.pack(alert) if alert is not None else self.pack_none(name)
                await client.publish(
                    f"{self._base}/{self.prefix}zone/{self.setting.areas[name].slug}/{self._replica}",
                    packed,
                    0,
                    True,
                    _expiry(EXPIRES_S),
                )
        except aiomqtt.MqttError as error:
            raise ConnectionError(f"{self._host}:{self._port}: {error}") from None

    async def bye(self) -> None:
        """The run has ended in order: whoever listens is told that nobody speaks any more."""
        if self._client is not None:
            await self._client.publish(
                f"{self._base}/{self.prefix}status/{self._replica}", b"stopped", qos=1, retain=True
            )

    def pack(self, alert: Alert) -> bytes:
        """An alert as it travels."""
        return msgspec.json.encode(self.setting.view(alert))

    def pack_none(self, zone: str) -> bytes:
        """A zone that is not warned."""
        return msgspec.json.encode(
            {
                "version": 1,
                "kind": self.setting.made.kind,
                "site": self.setting.site.name,
                "zone": zone,
                "stage": STAGE_NAMES[NO_STAGE],
                "id": None,
            }
        )

    def answered(self, topic: str, payload: bytes) -> tuple[str, str] | None:
        """Who answered, and which message; None for what cannot be read.

        topic    topic that the answer came by
        payload  the answer's bytes
        """
        try:
            told: Any = msgspec.json.decode(payload)
        except msgspec.DecodeError:
            return None
        if not isinstance(told, dict) or not isinstance(told.get("relay"), str):
            return None
        message = told.get("message")
        return told["relay"][:64], message if isinstance(message, str) else ""

    def _connected(self) -> aiomqtt.Client:
        if self._client is None:
            raise ConnectionError(f"{self._host}:{self._port}: not connected")
        return self._client


def _expiry(seconds: int) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.MessageExpiryInterval = seconds
    return properties
