"""SAPIENT sensors in (BSI Flex 335 v2): we are the fusion node that they connect to, register
with and report detections to.

Each message is checked against the standard's own marks; what is not valid is answered with an
Error and never used. A Task or an Alert is answered that it is not supported: we neither act on one
nor send one.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from skywarden.feeds.live import Live
from skywarden.feeds.nodes import Nodes
from skywarden.feeds.sockets import Peer
from skywarden.feeds.source import Batch, Item, Look, Plot
from skywarden.feeds.timeline import Timeline
from skywarden.formats.sapient import framed, from_bytes, from_dict
from skywarden.kernels.geometry.earth import to_site
from skywarden.messages.frame import CATEGORY, ELSEWHERE, IMPOSSIBLE, MARKED, NO_TIME, UNKNOWN_SENDER, WRONG_TIME
from skywarden.site.model import Site

MOST_NODES = 256  # sensors told apart
FARTHEST = 500_000.0  # metres from the site: a detection from further away concerns another place
TRUE_NORTH = 1  # RangeBearing.datum
DEGREES, KILOMETRES = (1, 3), (3, 4)  # RangeBearing.coordinate_system: those in degrees, those in kilometres
LATITUDE_DEGREES, LATITUDE_RADIANS, UTM = 1, 2, 5  # Location.coordinate_system
GOODBYE = 5  # StatusReport.system
OURS = str(uuid.uuid5(uuid.NAMESPACE_URL, "skywarden:sensor-server"))  # our node's UUID, always the same

Reply = Callable[[Peer, bytes], None]


class _Node:
    """One sensor."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.timeline: Timeline[Any] = Timeline()


class SapientDecoder:
    """Messages of sensors in, batches out, and answers back.

    reply   sends bytes to a peer; whatever becomes of them
    """

    def __init__(self, site: Site, reply: Reply) -> None:
        self._site, self._reply = site, reply
        self._nodes: dict[str, _Node] = {}  # registered, by node id
        self._of: dict[Peer, str] = {}  # which node each peer registered as

    def decode(self, data: bytes, arrived: float, wall: float, peer: Peer) -> Iterator[Batch]:
        """One message's worth. What it says can raise nothing.

        data     the message's bytes
        arrived  when it arrived [s, monotonic clock]
        wall     when it arrived [s since 1970]
        peer     the connection that it came by
        """
        message, faults = from_bytes(data)
        if message is None or faults:
            self._error(peer, data, faults or ["is no SAPIENT message"])
            yield Batch(math.nan, undecodable=len(data), arrived=arrived)
            return
        kind = str(message.WhichOneof("content"))
        counts = {kind: 1}
        if kind == "registration":
            self._register(message, peer)
            yield Batch(math.nan, received=1, arrived=arrived, kinds=counts)
            return
        node = self._nodes.get(message.node_id) if self._of.get(peer) == message.node_id else None
        if node is None:
            self._error(peer, data, ["register first: this connection has not registered this node_id"])
            yield Batch(math.nan, received=1, rejected={UNKNOWN_SENDER: 1}, arrived=arrived, kinds=counts)
        elif kind in ("status_report", "detection_report"):
            yield self._told(node, message, kind, arrived, wall, peer)._replace(kinds=counts)
        else:
            self._refuse(message, kind, peer)
            yield Batch(math.nan, received=1, rejected={CATEGORY: 1}, arrived=arrived, kinds=counts)

    def _register(self, message: Any, peer: Peer) -> None:
        """Take up a sensor, and acknowledge it."""
        if len(self._nodes) >= MOST_NODES and message.node_id not in self._nodes:
            self._answer(
                peer,
                message,
                {
                    "registration_ack": {
                        "acceptance": False,
                        "ack_response_reason": [f"more than {MOST_NODES} sensors are not taken"],
                    }
                },
            )
            return
        self._nodes.setdefault(message.node_id, _Node(message.registration.name))
        self._of = {who: node for who, node in self._of.items() if node != message.node_id}
        self._of[peer] = message.node_id
        self._answer(peer, message, {"registration_ack": {"acceptance": True}})

    def _refuse(self, message: Any, kind: str, peer: Peer) -> None:
        """Answer what is no sensor's business with us."""
        if kind == "task":
            self._answer(
                peer,
                message,
                {
                    "task_ack": {
                        "task_id": message.task.task_id,
                        "task_status": "TASK_STATUS_REJECTED",
                        "reason": ["not supported"],
                    }
                },
            )
        elif kind == "alert":
            self._answer(
                peer,
                message,
                {
                    "alert_ack": {
                        "alert_id": message.alert.alert_id,
                        "alert_ack_status": "ALERT_ACK_STATUS_REJECTED",
                        "reason": ["not supported"],
                    }
                },
            )

    def _told(self, node: _Node, message: Any, kind: str, arrived: float, wall: float, peer: Peer) -> Batch:
        """A status or a detection in terms of the site."""
        t = message.timestamp.seconds + message.timestamp.nanos / 1e9
        rejected: dict[int, int] = {} if t > 0.0 else {NO_TIME: 1}
        released = node.timeline.admit(t, message, wall) if t > 0.0 else []
        if node.timeline.rejected:
            rejected[WRONG_TIME], node.timeline.rejected = node.timeline.rejected, 0
        steps, node.timeline.steps = tuple(node.timeline.steps), []
        items: list[Item] = []
        for when, each in released:
            made = self._item(node, each, when)
            if isinstance(made, int):
                rejected[made] = rejected.get(made, 0) + 1
                if made == IMPOSSIBLE:
                    self._error(
                        peer,
                        b"",
                        [
                            "the place of this detection cannot be used: give range and bearing from true "
                            "north, or WGS-84 or UTM coordinates"
                        ],
                    )
            elif made is not None:
                items.append(made)
                if isinstance(made, Plot):
                    items.append(Look(made.t, made.sensor))
        return Batch(
            node.timeline.now,
            tuple(items),
            1,
            0,
            rejected,
            arrived,
            (node.name or "sensor", message.node_id[:8]),
            steps,
        )

    def _item(self, node: _Node, message: Any, t: float) -> Item | int | None:
        """What a message says at its time; the cause where it is refused."""
        if message.WhichOneof("content") == "status_report":
            sensor = self._sensor(node, blind=False)
            return None if sensor < 0 or message.status_report.system == GOODBYE else Look(t, sensor)
        report = message.detection_report
        if report.state.strip().lower() in ("lost", "simulated"):
            return MARKED
        polar = _polar(report.range_bearing) if report.WhichOneof("location_oneof") == "range_bearing" else None
        sensor = self._sensor(node, blind=polar is not None and math.isnan(polar[2]))
        if sensor < 0:
            return UNKNOWN_SENDER
        if polar is None and report.WhichOneof("location_oneof") == "location":
            polar = self._about(sensor, report.location)
        if polar is None or not polar[0] > 0.0 or math.isnan(polar[1]):
            return IMPOSSIBLE
        if polar[0] > FARTHEST:
            return ELSEWHERE
        return Plot(t, sensor, polar[0], polar[1] % (2.0 * math.pi), polar[2])

    def _sensor(self, node: _Node, blind: bool) -> int:
        """The site's radar that a node is: the one of its name, else the first that answers to
        any and is of its kind.
        """
        radars = self._site.radars
        named = [k for k, radar in enumerate(radars) if radar.name == node.name]
        free = [k for k, radar in enumerate(radars) if radar.sac_sic == (-1, -1)]
        alike = [k for k in free if radars[k].mode_s == blind]
        return (named or alike or free or [-1])[0]

    def _about(self, sensor: int, location: Any) -> tuple[float, float, float] | None:
        """Range, azimuth and elevation of a place on the earth from a radar of the site; None where
        it is none.
        """
        found = _degrees(location)
        if found is None:
            return None
        o = self._site.origin
        height = location.z if location.HasField("z") else math.nan
        known = height if math.isfinite(height) else o.elevation
        place = to_site(o.latitude, o.longitude, o.elevation, math.radians(found[0]), math.radians(found[1]), known)[0]
        east, north, up = (place - self._site.radars[sensor].place).tolist()
        level = math.hypot(east, north)
        distance = math.hypot(level, up)
        return distance, math.atan2(east, north), math.atan2(up, level) if math.isfinite(height) else math.nan

    def _error(self, peer: Peer, packet: bytes, faults: list[str]) -> None:
        self._answer(
            peer, None, {"error": {"packet": packet[:4096], "error_message": [each[:200] for each in faults[:8]]}}
        )

    def _answer(self, peer: Peer, message: Any, content: dict[str, Any]) -> None:
        """Send an answer, if one that is valid can be made."""
        told: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(time.time(), UTC).isoformat().replace("+00:00", "Z"),
            "node_id": OURS,
            **content,
        }
        if message is not None:
            told["destination_id"] = message.node_id
        try:
            if "error" in told:
                import base64

                told["error"]["packet"] = base64.b64encode(told["error"]["packet"] or b"-").decode()
            self._reply(peer, framed(from_dict(told)))
        except ValueError:
            return


def _polar(bearing: Any) -> tuple[float, float, float] | None:
    """Range [m], azimuth and elevation [rad] from true north; None where it is from another
    north, or without a range.
    """
    if bearing.datum != TRUE_NORTH or not bearing.HasField("range") or not bearing.HasField("azimuth"):
        return None
    angle = math.pi / 180.0 if bearing.coordinate_system in DEGREES else 1.0
    metre = 1000.0 if bearing.coordinate_system in KILOMETRES else 1.0
    elevation = bearing.elevation * angle if bearing.HasField("elevation") else math.nan
    found = bearing.range * metre, bearing.azimuth * angle, elevation
    if not all(math.isfinite(x) for x in found[:2]) or abs(elevation) > math.pi / 2:
        return None
    return found


def _degrees(location: Any) -> tuple[float, float] | None:
    """Latitude and longitude [degrees]; x is the longitude or easting, y the latitude or northing."""
    if location.coordinate_system == UTM:
        return _from_utm(location)
    unit = 180.0 / math.pi if location.coordinate_system == LATITUDE_RADIANS else 1.0
    latitude, longitude = location.y * unit, location.x * unit
    good = math.isfinite(latitude) and math.isfinite(longitude) and abs(latitude) <= 90.0 and abs(longitude) <= 180.0
    return (latitude, longitude) if good else None


def _from_utm(location: Any) -> tuple[float, float] | None:
    from pyproj import Transformer

    zone, band = location.utm_zone[:-1], location.utm_zone[-1:].upper()
    if (
        not zone.isascii()
        or not zone.isdigit()
        or not 1 <= int(zone) <= 60
        or band not in "CDEFGHJKLMNPQRSTUVWX"
        or not band
    ):
        return None
    south = " +south" if band < "N" else ""
    longitude, latitude = Transformer.from_pipeline(f"+proj=utm +inv +zone={int(zone)}{south} +ellps=WGS84").transform(
        location.x, location.y
    )
    return (latitude, longitude) if math.isfinite(latitude) and math.isfinite(longitude) else None


class SapientTcp(Live):
    """Sensors that connect to a port of this machine."""

    def __init__(self, host: str, port: int, site: Site) -> None:
        nodes = Nodes(host, port)
        decoder = SapientDecoder(site, nodes.reply)
        super().__init__(f"sapient tcp {host}:{port}", nodes, decoder.decode, site.policy.frame_s)
