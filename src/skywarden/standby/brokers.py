"""The way between two watchers: every word goes to every broker, one a host, and is heard from
whichever is quicker.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from skywarden.errors import UsageError

KEEPALIVE_S = 3  # seconds between signs of life to a broker
EXPIRES_S = 5  # seconds a word lives at a broker
AGAIN_S = 1  # seconds between two attempts to reach a broker


class Broker(NamedTuple):
    """Where one broker is, and who we are there."""

    host: str
    port: int
    secure: bool = False
    user: str = ""
    password: str = ""


def broker_of(url: str, user: str = "", password: str = "") -> Broker:
    """The broker that `mqtt://HOST:PORT` or `mqtts://HOST:PORT` means; UsageError for anything
    else.

    url       address of the broker
    user      name to log in with, empty for none
    password  password to log in with, empty for none
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError(f"broker {url[:80]}: write it as mqtt://HOST:PORT or mqtts://HOST:PORT") from None
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.username or parts.password:
        raise UsageError(f"broker {url[:80]}: write it as mqtt://HOST:PORT or mqtts://HOST:PORT, the user beside it")
    secure = parts.scheme == "mqtts"
    return Broker(parts.hostname, port or (8883 if secure else 1883), secure, user, password)


class Brokers:
    """Publishes to several brokers at once and listens to all of them, each in a thread of its own.

    brokers   Broker
    topics    subscribed to at each
    heard     (topic, payload), called on a broker's thread
    will      (topic, payload) that a broker says when we are lost without a farewell; None none

    Never waits for a broker and never raises because of one; `lost` says how many are not reached.
    """

    def __init__(
        self,
        brokers: Sequence[Broker],
        topics: Sequence[str],
        heard: Callable[[str, bytes], None],
        will: tuple[str, bytes] | None = None,
    ) -> None:
        self.brokers, self._topics, self._heard = tuple(brokers), tuple(topics), heard
        self._up = [False] * len(self.brokers)
        self._ready = threading.Event()
        self._clients = [self._client(k, broker, will) for k, broker in enumerate(self.brokers)]

    @property
    def lost(self) -> list[str]:
        """Brokers that are not reached now, as HOST:PORT."""
        return [f"{b.host}:{b.port}" for b, up in zip(self.brokers, self._up, strict=True) if not up]

    def wait(self, seconds: float) -> bool:
        """Wait until one broker is reached; whether one is.

        seconds  longest time to wait [s]
        """
        return self._ready.wait(seconds)

    def say(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False, expires: int = EXPIRES_S) -> bool:
        """Publish at every broker that is reached; whether one is. Microseconds.

        topic    the MQTT topic
        payload  the message's body
        qos      MQTT quality of service
        retain   whether the broker keeps it
        expires  seconds until it expires
        """
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.MessageExpiryInterval = expires
        for client, up in zip(self._clients, self._up, strict=True):
            if up:
                with contextlib.suppress(ValueError, OSError):
                    client.publish(topic, payload, qos, retain, properties)
        return any(self._up)

    def close(self) -> None:
        """Take leave of every broker."""
        for client in self._clients:
            with contextlib.suppress(Exception):
                client.disconnect()
            with contextlib.suppress(Exception):
                client.loop_stop()

    def _client(self, number: int, broker: Broker, will: tuple[str, bytes] | None) -> Any:
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.reconnect_delay_set(AGAIN_S, AGAIN_S)
        if broker.user:
            client.username_pw_set(broker.user, broker.password or None)
        if broker.secure:
            client.tls_set_context(ssl.create_default_context())
        if will is not None:
            client.will_set(will[0], will[1], 0)

        def connected(it: Any, _: Any, __: Any, reason: Any, ___: Any) -> None:
            if getattr(reason, "is_failure", False):
                return
            for topic in self._topics:
                it.subscribe(topic, 1)
            self._up[number] = True
            self._ready.set()

        def gone(*_: Any) -> None:
            self._up[number] = False

        def message(_: Any, __: Any, what: Any) -> None:
            with contextlib.suppress(Exception):  # a boundary: what comes from outside ends no thread of ours
                self._heard(str(what.topic), bytes(what.payload))

        client.on_connect, client.on_disconnect, client.on_message = connected, gone, message
        with contextlib.suppress(Exception):
            client.connect_async(broker.host, broker.port, keepalive=KEEPALIVE_S)
        client.loop_start()
        return client
