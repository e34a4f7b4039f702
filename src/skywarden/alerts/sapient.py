"""SAPIENT out (BSI Flex 335 v2): we register as a node of a fusion node, report our status, and
raise alerts it acknowledges.

In a simulation, and only there, detection reports with the predicted place and time of impact too.
Node ids differ by kind of session: a fusion node never sees a simulation under the id of the live
node.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import msgspec

from skywarden.alerts.alert import Alert, SimulationAlert
from skywarden.alerts.setting import Setting
from skywarden.alerts.tracks import TrackRow
from skywarden.alerts.transport import Answer, Link
from skywarden.alerts.words import headline
from skywarden.formats.sapient import HEAD, ICD, LARGEST, framed, from_bytes, from_dict
from skywarden.messages.picture import ALL_CLEAR, IMPACTS_OVER, NO_STAGE, PRE_ALERT, STAY, TAKE_COVER
from skywarden.messages.receipts import ACCEPTED

STATUS_S = 5  # seconds between two status reports
REGISTERED_S = 10.0  # seconds a fusion node has to accept us
MOST_SENT = 5000  # alerts whose acknowledgement is waited for
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

# stage: type, priority
VALUES = {
    NO_STAGE: ("INFORMATION", "LOW"),
    PRE_ALERT: ("WARNING", "MEDIUM"),
    TAKE_COVER: ("CRITICAL", "HIGH"),
    STAY: ("CRITICAL", "HIGH"),
    IMPACTS_OVER: ("WARNING", "MEDIUM"),
    ALL_CLEAR: ("INFORMATION", "LOW"),
}
CLASSES = {"projectile": "Projectile", "aircraft": "Air Vehicle", "other": "Other"}


def node_id(setting: Setting) -> str:
    """The node's UUID: always the same for one site, replica and kind of session.

    setting  the channel as declared
    """
    return str(
        uuid.uuid5(uuid.NAMESPACE_URL, f"skywarden:{setting.made.kind}:{setting.site.name}:{setting.site.replica}")
    )


def ulid(text: str, t: float) -> str:
    """The ULID of a text and a time [s since 1970]: the same text and time always give the same.

    t  time [s since 1970]
    """
    value = (int(max(t, 0.0) * 1000.0) & (1 << 48) - 1) << 80 | int.from_bytes(
        blake2b(text.encode(), digest_size=10).digest(), "big"
    )
    return "".join(CROCKFORD[value >> shift & 31] for shift in range(125, -5, -5))


def alert_message(setting: Setting, alert: Alert, now: float) -> Any:
    """The alert as a SAPIENT message.

    setting  the channel as declared
    now      present time [s since 1970]
    """
    kind, priority = VALUES[alert.stage]
    area = setting.areas.get(alert.zone)
    told: dict[str, Any] = {
        "alertId": ulid(alert.id, alert.onset),
        "alertType": f"ALERT_TYPE_{kind}",
        "priority": f"DISCRETE_PRIORITY_{priority}",
        "status": "ALERT_STATUS_CLEAR" if alert.stage == ALL_CLEAR else "ALERT_STATUS_ACTIVE",
        "description": headline(alert, setting.channel.languages[0], setting.site.wording),
        "additionalInformation": msgspec.json.encode(alert.view()).decode(),
    }
    if alert.probability == alert.probability:
        told["confidence"] = round(alert.probability, 3)
    if area is not None:
        told["regionId"] = ulid(f"zone {setting.site.name} {area.name}", 0.0)
        told["location"] = _location(
            *((alert.hazard.latitude, alert.hazard.longitude) if alert.hazard else area.middle), area.height
        )
    return _message(setting, now, alert=told)


def registration(setting: Setting, now: float) -> Any:
    """Who we are, as the standard wants a node to say it.

    setting  the channel as declared
    now      present time [s since 1970]
    """
    second = {"units": "TIME_UNITS_SECONDS", "value": STATUS_S}
    name = f"{'' if setting.made.kind == 'live' else setting.made.kind.upper() + ' '}{setting.site.title}"
    return _message(
        setting,
        now,
        registration={
            "nodeDefinition": [{"nodeType": "NODE_TYPE_OTHER", "nodeSubType": ["Warning system"]}],
            "icdVersion": ICD,
            "name": name[:100],
            "shortName": "Skywarden",
            "capabilities": [{"category": "Warning", "type": "Incoming rocket, artillery and mortar fire"}],
            "statusDefinition": {"statusInterval": second},
            "modeDefinition": [
                {
                    "modeName": "Default",
                    "modeType": "MODE_TYPE_PERMANENT",
                    "settleTime": {"units": "TIME_UNITS_SECONDS", "value": 0},
                    "task": {
                        "concurrentTasks": 0,
                        "regionDefinition": {
                            "regionType": ["REGION_TYPE_AREA_OF_INTEREST"],
                            "settleTime": {"units": "TIME_UNITS_SECONDS", "value": 0},
                            "regionArea": [
                                {
                                    "locationUnits": "LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M",
                                    "locationDatum": "LOCATION_DATUM_WGS84_G",
                                }
                            ],
                        },
                    },
                }
            ],
            "configData": [{"manufacturer": "Skywarden", "model": "Skywarden"}],
        },
    )


def status(setting: Setting, now: float, first: bool = False, leaving: bool = False) -> Any:
    """How we are.

    setting  the channel as declared
    now      present time [s since 1970]
    first    whether it is the first report of this connection
    leaving  whether it is the last report, before the node leaves
    """
    return _message(
        setting,
        now,
        statusReport={
            "reportId": ulid(f"status {now}", now),
            "system": "SYSTEM_GOODBYE" if leaving else "SYSTEM_OK",
            "info": "INFO_NEW" if first or leaving else "INFO_UNCHANGED",
            "mode": "Default",
        },
    )


def detection(setting: Setting, row: TrackRow, now: float) -> Any:
    """A simulated track, with where and when it comes down.

    setting  the channel as declared
    row      the track
    now      present time [s since 1970]
    """
    told: dict[str, Any] = {
        "reportId": ulid(f"report {row.number} {now}", now),
        "objectId": ulid(f"track {setting.site.name} {row.number}", 0.0),
        "location": _location(row.latitude, row.longitude, row.altitude),
        "detectionConfidence": round(row.confidence, 3),
        "state": "simulated",
        "classification": [{"type": CLASSES[row.kind], "confidence": round(row.confidence, 3)}],
        "enuVelocity": dict(zip(("eastRate", "northRate", "upRate"), (round(v, 2) for v in row.velocity), strict=True)),
    }
    if row.impact is not None:
        latitude, longitude, t = row.impact
        told["predictionLocation"] = {"location": _location(latitude, longitude, None), "predictedTimestamp": _when(t)}
    return _message(setting, now, detectionReport=told)


class SapientTransport:
    """One TCP connection to one fusion node."""

    relays: tuple[str, ...] = ()

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._host, self._port = setting.host_port(5020)
        self.shows = setting.channel.tracks
        if self.shows and setting.made is not SimulationAlert:
            raise TypeError("tracks leave a simulation only")
        self._writer: asyncio.StreamWriter | None = None
        self._sent: dict[str, str] = {}  # alert id: newest message of it

    async def run(self, link: Link) -> None:
        """Register, report, and hear acknowledgements, until the fusion node is lost.

        link  where the channel says that it is up or down
        """
        reader, writer = await asyncio.open_connection(self._host, self._port)
        reporting: asyncio.Task[None] | None = None
        try:
            self._writer = writer
            await self._put(registration(self._setting, time.time()))
            patience: float | None = REGISTERED_S
            while True:
                message = await asyncio.wait_for(self._read(reader), patience)
                kind = None if message is None else message.WhichOneof("content")
                if kind == "registration_ack":
                    if not message.registration_ack.acceptance:
                        raise ConnectionError(f"{self._host}:{self._port} refused our registration")
                    patience = None
                    await self._put(status(self._setting, time.time(), first=True))
                    reporting = reporting or asyncio.create_task(self._reporting())
                    link.up()
                elif kind == "alert_ack":
                    link.heard(message.node_id[:8], self._sent.get(message.alert_ack.alert_id, ""))
        finally:
            if reporting is not None:
                reporting.cancel()
            self._writer = None
            writer.close()

    async def send(self, alert: Alert) -> Answer:
        """One alert."""
        self._sent[ulid(alert.id, alert.onset)] = alert.message
        while len(self._sent) > MOST_SENT:
            del self._sent[next(iter(self._sent))]
        await self._put(alert_message(self._setting, alert, time.time()))
        return Answer(ACCEPTED)

    async def again(self, standing: Mapping[str, Alert]) -> None:
        """A fusion node keeps an alert until it is cleared.

        standing  what is in force, by zone
        """

    async def show(self, rows: tuple[TrackRow, ...]) -> None:
        """Tracks of a simulation.

        rows  tracks, a row each
        """
        now = time.time()
        for row in rows:
            await self._put(detection(self._setting, row, now))

    async def bye(self) -> None:
        """Take our leave."""
        if self._writer is not None:
            await self._put(status(self._setting, time.time(), leaving=True))

    async def _reporting(self) -> None:
        while True:
            await asyncio.sleep(STATUS_S)
            await self._put(status(self._setting, time.time()))

    async def _put(self, message: Any) -> None:
        if self._writer is None:
            raise ConnectionError(f"{self._host}:{self._port}: not connected")
        self._writer.write(framed(message))
        await self._writer.drain()

    async def _read(self, reader: asyncio.StreamReader) -> Any:
        """The next message; None for one that is not valid."""
        try:
            (size,) = HEAD.unpack(await reader.readexactly(HEAD.size))
            if size > LARGEST:
                raise ConnectionError(f"{self._host}:{self._port} sends a message of {size} bytes")
            message, faults = from_bytes(await reader.readexactly(size))
        except asyncio.IncompleteReadError:
            raise ConnectionError(f"{self._host}:{self._port} closed the connection") from None
        return None if faults else message


def _message(setting: Setting, now: float, **content: Any) -> Any:
    return from_dict({"timestamp": _when(now), "nodeId": node_id(setting), **content})


def _location(latitude: float, longitude: float, height: float | None) -> dict[str, Any]:
    """A place: x is the longitude and y the latitude, as the standard has it and its own example
    has not.
    """
    told: dict[str, Any] = {
        "x": longitude,
        "y": latitude,
        "coordinateSystem": "LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M",
        "datum": "LOCATION_DATUM_WGS84_G",
    }
    if height is not None:
        told["z"] = round(height, 1)
    return told


def _when(t: float) -> str:
    return datetime.fromtimestamp(t, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
