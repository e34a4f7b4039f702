"""Cursor on Target, version 2.0: events as XML, and back with suspicion."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, NamedTuple

from lxml import etree

LARGEST = 64 * 1024  # bytes of one event
UNKNOWN = 9999999.0  # what the format writes for a height or an error that nobody knows


class Event(NamedTuple):
    """One event. Times are seconds since 1970, UTC; places WGS-84 [deg], height [m], errors [m]."""

    uid: str
    type: str
    time: float
    stale: float
    latitude: float
    longitude: float
    height: float = UNKNOWN
    circular: float = UNKNOWN
    how: str = "m-g"
    opex: str = ""  # "o-NAME" operation, "e-NAME" exercise, "s-NAME" simulation
    detail: tuple[Any, ...] = ()  # elements of <detail>, as `element` makes them


def element(name: str, text: str = "", *inside: Any, **attributes: object) -> Any:
    """An element of <detail>; an attribute's trailing underscore is dropped, for names that Python
    keeps to itself.

    name  name of the element
    text  the element's text
    """
    made = etree.Element(name, {key.rstrip("_"): _clean(str(value)) for key, value in attributes.items()})
    made.text = _clean(text) or None
    made.extend(inside)
    return made


def to_xml(event: Event) -> bytes:
    """The event in one piece, as it travels; on a stream they follow one another."""
    attributes = {
        "version": "2.0",
        "uid": _clean(event.uid),
        "type": event.type,
        "time": when(event.time),
        "start": when(event.time),
        "stale": when(event.stale),
        "how": event.how,
    }
    if event.opex:
        attributes["opex"] = _clean(event.opex)
    root = etree.Element("event", attributes)
    etree.SubElement(
        root,
        "point",
        {
            "lat": f"{event.latitude:.7f}",
            "lon": f"{event.longitude:.7f}",
            "hae": f"{event.height:.1f}",
            "ce": f"{event.circular:.1f}",
            "le": f"{UNKNOWN:.1f}",
        },
    )
    detail = etree.SubElement(root, "detail")
    detail.extend(event.detail)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def from_xml(content: bytes) -> Event | str:
    """The event, or a sentence that says why it is none.

    content  the document's bytes

    Never raises, never fetches, knows no entities.
    """
    if len(content) > LARGEST:
        return f"has {len(content)} bytes, more than an event needs"
    try:
        root = etree.fromstring(
            content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        )
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        return f"is no well-formed XML: {str(error)[:80]}"
    if root.getroottree().docinfo.doctype:
        return "has a document type, which an event needs none of"
    point = root.find("point")
    if root.tag != "event" or point is None:
        return "is no event with a point"
    try:
        latitude, longitude, height, circular = (float(point.get(name, "nan")) for name in ("lat", "lon", "hae", "ce"))
        begins, ends = (datetime.fromisoformat(str(root.get(name))).timestamp() for name in ("time", "stale"))
    except ValueError as error:
        return f"holds no usable number or time: {str(error)[:80]}"
    if not (abs(latitude) <= 90.0 and abs(longitude) <= 180.0 and math.isfinite(height) and math.isfinite(circular)):
        return "has a place that is not on the earth"
    uid, kind = root.get("uid", ""), root.get("type", "")
    if not uid or not kind:
        return "has no uid or no type"
    detail = root.find("detail")
    return Event(
        uid,
        kind,
        begins,
        ends,
        latitude,
        longitude,
        height,
        circular,
        root.get("how", ""),
        root.get("opex", ""),
        () if detail is None else tuple(detail),
    )


def when(t: float) -> str:
    """A time as the format wants it.

    t  time [s since 1970, UTC]
    """
    return datetime.fromtimestamp(round(t, 3), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clean(text: str) -> str:
    """Text without what XML cannot hold."""
    return "".join(
        c for c in text if c in "\n\t" or (ord(c) >= 32 and not 0xD800 <= ord(c) < 0xE000 and c not in "\ufffe\uffff")
    )
