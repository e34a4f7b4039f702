"""Cursor on Target out: the warned zone as a drawing, the hazard as an ellipse, both said again
each second and gone with the warning.

In a simulation, and only there, tracks too. TCP and TLS to a TAK server, UDP to a group or a host.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from pathlib import Path

from skywarden.alerts.alert import Alert, Ellipse, SimulationAlert, slug
from skywarden.alerts.setting import Setting
from skywarden.alerts.tracks import TrackRow
from skywarden.alerts.transport import Answer, Link
from skywarden.alerts.words import headline, say
from skywarden.errors import UsageError
from skywarden.formats.cot import UNKNOWN, Event, element, to_xml
from skywarden.messages.picture import ALL_CLEAR, IMPACTS_OVER, PRE_ALERT, STAY, TAKE_COVER
from skywarden.messages.receipts import ACCEPTED

OPEX = {"live": "o-", "exercise": "e-", "simulation": "s-", "test": "e-test-"}
STALE_S = 6.0  # seconds after which a map forgets what is not said again
HOPS = 1  # networks that a datagram to a group may cross

# stage: colour as Android writes it, alpha red green blue, signed
COLOURS = {
    PRE_ALERT: 0xFFFFC000,
    TAKE_COVER: 0xFFFF0000,
    STAY: 0xFFFF0000,
    IMPACTS_OVER: 0xFFFF8000,
    ALL_CLEAR: 0xFF00A000,
}
TRACK_TYPES = {"projectile": "a-u-A-W", "aircraft": "a-u-A", "other": "a-u-A"}


def events(setting: Setting, alert: Alert, now: float) -> list[bytes]:
    """What a map is told: zone and hazard while the warning stands, that they are gone after it.

    setting  the channel as declared
    alert    the message
    now      present time [s since 1970]
    """
    area = setting.areas.get(alert.zone)
    if area is None:
        return []
    opex = f"{OPEX[alert.kind]}{setting.site.name}"
    uid = f"skywarden.{alert.kind}.{alert.id}"
    if alert.kind != "test" and not alert.standing and not alert.text:
        return [_gone(f"{uid}.{what}", area.middle, opex, now, setting, alert) for what in ("zone", "hazard")]
    language = setting.channel.languages[0]
    told = (
        element("contact", callsign=headline(alert, language, setting.site.wording)[:80]),
        element("remarks", f"{say(alert, language, setting.site.wording)} {alert.reason}"),
        element("archive"),
    )
    links = [element("link", point=f"{latitude},{longitude}") for latitude, longitude in area.ring]
    stale = now + (STALE_S if alert.kind != "test" else 60.0)
    colour = _signed(COLOURS.get(alert.stage, 0xFF808080))
    drawn = (
        element("strokeColor", value=colour),
        element("strokeWeight", value=4.0),
        element("fillColor", value=_faded(colour)),
        element("labels_on", value="true"),
    )
    details = (*links, *told, *drawn)
    made = [Event(f"{uid}.zone", "u-d-f", now, stale, *area.middle, area.height, UNKNOWN, "m-g", opex, details)]
    if alert.hazard is not None:
        made.append(_hazard(f"{uid}.hazard", alert, alert.hazard, area.height, opex, now, stale))
    return [to_xml(event) for event in made]


def _hazard(uid: str, alert: Alert, hazard: Ellipse, height: float, opex: str, now: float, stale: float) -> Event:
    """The ellipse in which rounds are expected to come down."""
    shape = element("shape", "", element("ellipse", major=hazard.major, minor=hazard.minor, angle=hazard.turn))
    details = (
        shape,
        element("contact", callsign=f"{_prefix(alert)}hazard {alert.zone}"[:80]),
        element("strokeColor", value=_signed(COLOURS.get(alert.stage, 0xFF808080))),
    )
    return Event(
        uid, "u-d-c-e", now, stale, hazard.latitude, hazard.longitude, height, hazard.major, "m-p", opex, details
    )


def track_events(setting: Setting, rows: tuple[TrackRow, ...], now: float) -> list[bytes]:
    """Tracks of a simulation.

    setting  the channel as declared
    rows     tracks, a row each
    now      present time [s since 1970]
    """
    opex = f"{OPEX['simulation']}{setting.site.name}"
    return [
        to_xml(
            Event(
                f"skywarden.simulation.{slug(setting.site.name)}.track.{row.number}",
                TRACK_TYPES[row.kind],
                now,
                now + STALE_S,
                row.latitude,
                row.longitude,
                row.altitude,
                round(2.0 * row.sigma, 1),
                "m-s",
                opex,
                (
                    element("contact", callsign=f"SIMULATION {row.kind} {row.number}"),
                    element("track", course=round(row.course, 1), speed=round(row.speed, 1)),
                    element("remarks", f"simulated {row.kind}, {100.0 * row.confidence:.0f} %"),
                ),
            )
        )
        for row in rows
    ]


class CotTransport:
    """What both ways of sending share."""

    relays: tuple[str, ...] = ()

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.shows = setting.channel.tracks
        if self.shows and setting.made is not SimulationAlert:
            raise TypeError("tracks leave a simulation only")
        self.host, self.port = setting.host_port(8089 if setting.url.scheme == "tls" else 8087)

    async def put(self, events: list[bytes]) -> None:
        """Send events."""
        raise NotImplementedError

    async def send(self, alert: Alert) -> Answer:
        """Zone and hazard of one alert."""
        await self.put(events(self.setting, alert, time.time()))
        return Answer(ACCEPTED)

    async def again(self, standing: Mapping[str, Alert]) -> None:
        """Zones and hazards that stand.

        standing  what is in force, by zone
        """
        now = time.time()
        await self.put([event for alert in standing.values() for event in events(self.setting, alert, now)])

    async def show(self, rows: tuple[TrackRow, ...]) -> None:
        """Tracks of a simulation.

        rows  tracks, a row each
        """
        await self.put(track_events(self.setting, rows, time.time()))

    async def bye(self) -> None:
        """What stands goes stale by itself."""


class CotStream(CotTransport):
    """TCP or TLS to a TAK server."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._writer: asyncio.StreamWriter | None = None
        self._context: ssl.SSLContext | None = None
        if setting.url.scheme == "tls":
            self._context = ssl.create_default_context()
            if setting.key is not None:
                self._own_certificate(setting)

    async def run(self, link: Link) -> None:
        """Connect, read what others say and forget it, until the server is lost.

        link  where the channel says that it is up or down
        """
        reader, self._writer = await asyncio.open_connection(self.host, self.port, ssl=self._context)
        try:
            link.up()
            while await reader.read(65536):
                pass
            raise ConnectionError(f"{self.host}:{self.port} closed the connection")
        finally:
            self._writer.close()
            self._writer = None

    async def put(self, events: list[bytes]) -> None:
        """Send events over the connection. Raises ConnectionError without one, OSError where it is
        lost.
        """
        if self._writer is None:
            raise ConnectionError(f"{self.host}:{self.port}: not connected")
        self._writer.write(b"".join(event + b"\n" for event in events))
        await self._writer.drain()

    def _own_certificate(self, setting: Setting) -> None:
        """The certificate that a TAK server knows us by: `secret` names one PEM file with key and
        certificate.
        """
        path = Path(setting.channel.secret.removeprefix("file:"))
        folder = setting.folder
        try:
            assert self._context is not None
            self._context.load_cert_chain(path if path.is_absolute() or folder is None else folder / path)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(
                f'channel "{setting.channel.name}": {path.name} is no PEM file with key and certificate: '
                f'{type(error).__name__}'
            ) from None


class CotDatagram(CotTransport):
    """UDP to a group or a host, an event a datagram."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._socket: socket.socket | None = None

    async def run(self, link: Link) -> None:
        """Open a socket and keep it.

        link  where the channel says that it is up or down
        """
        found = await asyncio.get_running_loop().getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as opened:
            if ipaddress.ip_address(str(address[0]).partition("%")[0]).is_multicast:
                level, option = (
                    (socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS)
                    if family == socket.AF_INET6
                    else (socket.IPPROTO_IP, socket.IP_MULTICAST_TTL)
                )
                opened.setsockopt(level, option, HOPS)
            opened.setblocking(False)
            self._socket, self._address = opened, address
            try:
                link.up()
                await asyncio.Event().wait()
            finally:
                self._socket = None

    async def put(self, events: list[bytes]) -> None:
        """Send each event as a datagram. Raises ConnectionError where no socket is open.

        events  the events, encoded
        """
        if self._socket is None:
            raise ConnectionError(f"{self.host}:{self.port}: not open")
        for event in events:
            await asyncio.get_running_loop().sock_sendto(self._socket, event, self._address)


def _gone(uid: str, middle: tuple[float, float], opex: str, now: float, setting: Setting, alert: Alert) -> bytes:
    remarks = say(alert, setting.channel.languages[0], setting.site.wording)
    return to_xml(
        Event(
            uid,
            "t-x-d-d",
            now,
            now + STALE_S,
            *middle,
            UNKNOWN,
            UNKNOWN,
            "m-g",
            opex,
            (
                element("link", uid=uid, relation="none", type="none"),
                element("__forcedelete"),
                element("remarks", remarks),
            ),
        )
    )


def _prefix(alert: Alert) -> str:
    return "" if alert.kind == "live" else f"{alert.kind.upper()} "


def _signed(colour: int) -> int:
    return colour - 2**32 if colour >= 2**31 else colour


def _faded(colour: int) -> int:
    return _signed((colour % 2**24) | 0x40000000)
