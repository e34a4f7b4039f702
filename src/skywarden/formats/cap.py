"""Common Alerting Protocol 1.2 (OASIS): read with suspicion, checked element by element, and beyond
the schema.

The schema lets pass what no receiver can use: an open ring, longitude first, an update that refers
to nothing. What is checked beyond it stands in `_rules`. A document type, an entity or a file of
another namespace is refused before anything in it is believed; nothing named in a document is ever
fetched. A signature is let stand and not verified.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from lxml import etree

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
LOCATIONS = tuple(
    f"{{http://www.w3.org/2001/XMLSchema-instance}}{name}" for name in ("schemaLocation", "noNamespaceSchemaLocation")
)
LARGEST = 2**20  # bytes of one alert; the largest public ones are a tenth of it
MANY = 10**6  # how often an element may stand where the standard sets no bound
MOST_FAULTS = 50  # told of one document

STATUS = ("Actual", "Exercise", "System", "Test", "Draft")
MESSAGE_TYPES = ("Alert", "Update", "Cancel", "Ack", "Error")
SCOPES = ("Public", "Restricted", "Private")
CATEGORIES = (
    "Geo",
    "Met",
    "Safety",
    "Security",
    "Rescue",
    "Fire",
    "Health",
    "Env",
    "Transport",
    "Infra",
    "CBRNE",
    "Other",
)
RESPONSES = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
_LANGUAGE = re.compile(r"(?:[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*)?")
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
_INTEGER = re.compile(r"[+-]?\d+")
_UNFIT = re.compile(r"[\s,<&]")


class CapFault(NamedTuple):
    """One thing wrong with one alert: line of the file, what is wrong with the value found, and
    what to do.
    """

    line: int
    what: str
    do: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}. {self.do}"


class _Element(NamedTuple):
    """What may stand at one place: name, how often at least and at most, what its text must be, or
    what it holds.
    """

    name: str
    least: int
    most: int
    text: Callable[[str], bool] | tuple[str, ...] | None = None
    holds: tuple[_Element, ...] = ()


def read(content: bytes) -> tuple[Any, list[CapFault]]:
    """The document's root and everything wrong with it; root None where there is none to speak of.
    Never raises, never fetches.

    content  the document's bytes
    """
    if len(content) > LARGEST:
        return None, [CapFault(1, f"the alert has {len(content)} bytes", f"Keep it below {LARGEST}.")]
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        return None, [
            CapFault(
                getattr(error, "lineno", None) or 1,
                f"is no well-formed XML: {_short(str(error))}",
                "Mend it, or name another file.",
            )
        ]
    if root is None or root.getroottree().docinfo.doctype:
        return None, [
            CapFault(
                1,
                "has a document type",
                "An alert needs none: entities and outside files are never read. Delete the DOCTYPE.",
            )
        ]
    name = etree.QName(root)
    if name.localname != "alert" or name.namespace != NAMESPACE:
        other = f"of {name.namespace}" if name.namespace else "without a namespace"
        return None, [
            CapFault(
                root.sourceline or 1,
                f"is a <{_short(name.localname)}> {_short(other)}",
                f"CAP 1.2 is <alert> of {NAMESPACE}.",
            )
        ]
    faults: list[CapFault] = []
    for fault in (*_structure(root, _ALERT), *_rules(root)):
        faults.append(fault)
        if len(faults) >= MOST_FAULTS:
            break
    return root, faults


def faults_of(content: bytes) -> list[CapFault]:
    """Everything wrong with an alert; nothing where it is valid.

    content  the document's bytes
    """
    return read(content)[1]


def _structure(element: Any, wanted: tuple[_Element, ...]) -> Iterator[CapFault]:
    """Order, number and text of what an element holds, as the schema has them."""
    yield from _bare(element)
    children = [child for child in element if isinstance(child.tag, str)]
    at, top = 0, wanted is _ALERT
    for place in wanted:
        count = 0
        while at < len(children) and children[at].tag == f"{{{NAMESPACE}}}{place.name}" and count < place.most:
            yield from _content(children[at], place)
            at, count = at + 1, count + 1
        if count < place.least:
            yield CapFault(
                element.sourceline or 1,
                f"<{_local(element)}> has no <{place.name}> where one belongs",
                f"Add <{place.name}>.",
            )
    while top and at < len(children) and etree.QName(children[at]).namespace == SIGNATURE:
        at += 1
    if at < len(children):
        child = children[at]
        yield CapFault(
            child.sourceline or 1,
            f"<{_short(_local(child))}> stands where it does not belong in <{_local(element)}>",
            "Check the order of the elements, their number and their names.",
        )


def _content(element: Any, place: _Element) -> Iterator[CapFault]:
    if place.holds:
        yield from _structure(element, place.holds)
        return
    yield from _bare(element)
    if any(isinstance(child.tag, str) for child in element):
        yield CapFault(element.sourceline or 1, f"<{place.name}> holds other elements", "It holds text only.")
        return
    text = "".join(element.itertext())
    good = True if place.text is None else text in place.text if isinstance(place.text, tuple) else place.text(text)
    if not good:
        what = f"one of {', '.join(place.text)}" if isinstance(place.text, tuple) else _WANTED[place.text]
        yield CapFault(element.sourceline or 1, f"<{place.name}> is {_short(repr(text))}", f"Write {what}.")


def _bare(element: Any) -> Iterator[CapFault]:
    """Attributes have no place in CAP, nor text between the elements that hold others."""
    for name in element.attrib:
        if name not in LOCATIONS:
            yield CapFault(
                element.sourceline or 1,
                f"<{_local(element)}> has the attribute {_short(str(name))}",
                "CAP has no attributes: delete it.",
            )
    children = [child for child in element if isinstance(child.tag, str)]
    if children and "".join([element.text or "", *(child.tail or "" for child in element)]).strip():
        yield CapFault(
            element.sourceline or 1,
            f"<{_local(element)}> has text between its elements",
            "Put the text into an element.",
        )


def _rules(root: Any) -> Iterator[CapFault]:
    """What the schema lets pass and no receiver can use."""
    found = {_local(child): child for child in root if isinstance(child.tag, str)}

    def text(name: str, of: Any = None) -> str:
        element = (
            found.get(name)
            if of is None
            else next((c for c in of if isinstance(c.tag, str) and _local(c) == name), None)
        )
        return "" if element is None else "".join(element.itertext()).strip()

    for name in ("identifier", "sender"):
        if name in found and (not text(name) or _UNFIT.search(text(name))):
            yield CapFault(
                found[name].sourceline or 1,
                f"<{name}> is {_short(repr(text(name)))}",
                "It may hold neither blanks, commas, < nor &.",
            )
    kind = text("msgType")
    if kind in ("Update", "Cancel", "Ack", "Error") and not text("references"):
        yield CapFault(
            root.sourceline or 1,
            f"an {kind} refers to no message",
            "Add <references> with sender,identifier,sent of each one it is about.",
        )
    for reference in text("references").split():
        parts = reference.split(",")
        if len(parts) != 3 or not all(parts) or not _is_time(parts[2]):
            yield CapFault(
                found["references"].sourceline or 1,
                f"the reference {_short(repr(reference))} names no message",
                "Write sender,identifier,sent, without blanks.",
            )
    if text("scope") == "Restricted" and not text("restriction"):
        yield CapFault(
            root.sourceline or 1, "the scope is Restricted and no <restriction> says to whom", "Add <restriction>."
        )
    if text("scope") == "Private" and not text("addresses"):
        yield CapFault(root.sourceline or 1, "the scope is Private and there are no <addresses>", "Add <addresses>.")
    if kind == "Error" and not text("note"):
        yield CapFault(root.sourceline or 1, "an Error says nothing in <note>", "Add <note>.")
    infos = [child for child in root if isinstance(child.tag, str) and _local(child) == "info"]
    if kind in ("Alert", "Update") and not infos:
        yield CapFault(root.sourceline or 1, f"an {kind} has no <info>", "Add one a language.")
    for info in infos:
        yield from _info_rules(info, text)


def _info_rules(info: Any, text: Callable[..., str]) -> Iterator[CapFault]:
    begins, ends = (text(name, info) for name in ("effective", "expires"))
    if _is_time(begins) and _is_time(ends) and datetime.fromisoformat(ends) <= datetime.fromisoformat(begins):
        yield CapFault(
            info.sourceline or 1,
            f"it expires at {ends}, before it takes effect at {begins}",
            "Mend <expires> or <effective>.",
        )
    for area in (child for child in info if isinstance(child.tag, str) and _local(child) == "area"):
        for child in (c for c in area if isinstance(c.tag, str)):
            said = "".join(child.itertext())
            what = (
                _polygon_fault(said)
                if _local(child) == "polygon"
                else _circle_fault(said)
                if _local(child) == "circle"
                else ""
            )
            if what:
                yield CapFault(
                    child.sourceline or 1,
                    f"the {_local(child)} {what}",
                    "Write latitude,longitude pairs in degrees, the first one again at the end."
                    if _local(child) == "polygon"
                    else "Write latitude,longitude and, after a blank, the radius in kilometres.",
                )
        if text("ceiling", area) and not text("altitude", area):
            yield CapFault(
                area.sourceline or 1,
                "an area has a <ceiling> and no <altitude>",
                "Add <altitude>, or delete <ceiling>.",
            )


def _polygon_fault(said: str) -> str:
    points = [_point(pair) for pair in said.split()]
    if any(point is None for point in points):
        return "has corners that are no latitude and longitude on the earth"
    if len(points) < 4:
        return f"has {len(points)} points, fewer than four"
    return "" if points[0] == points[-1] else "is not closed"


def _circle_fault(said: str) -> str:
    parts = said.split()
    if len(parts) != 2 or _point(parts[0]) is None:
        return "names no middle on the earth"
    return "" if _DECIMAL.fullmatch(parts[1]) and float(parts[1]) >= 0.0 else "has no radius"


def _point(pair: str) -> tuple[float, float] | None:
    parts = pair.split(",")
    if len(parts) != 2 or not all(len(part) < 40 and _DECIMAL.fullmatch(part) for part in parts):
        return None
    latitude, longitude = float(parts[0]), float(parts[1])
    return (
        (latitude, longitude) if abs(latitude) <= 90.0 and abs(longitude) <= 180.0 and math.isfinite(latitude) else None
    )


def _is_time(text: str) -> bool:
    text = text.strip()
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return int(text[-5:-3]) * 60 + int(text[-2:]) <= 14 * 60 and int(text[-2:]) < 60


def _is_language(text: str) -> bool:
    return _LANGUAGE.fullmatch(text.strip()) is not None


def _is_decimal(text: str) -> bool:
    return _DECIMAL.fullmatch(text.strip()) is not None


def _is_integer(text: str) -> bool:
    return _INTEGER.fullmatch(text.strip()) is not None


def _is_filled(text: str) -> bool:
    return bool(text.strip())


_WANTED: dict[Any, str] = {
    _is_time: "a time such as 2021-11-23T02:14:03+00:00; Z is not allowed",
    _is_language: "a language such as en or fa-AF",
    _is_decimal: "a decimal number",
    _is_integer: "a whole number",
    _is_filled: "some text",
}
_NAMED = (_Element("valueName", 1, 1), _Element("value", 1, 1))
_RESOURCE = (
    _Element("resourceDesc", 1, 1),
    _Element("mimeType", 1, 1),
    _Element("size", 0, 1, _is_integer),
    _Element("uri", 0, 1),
    _Element("derefUri", 0, 1),
    _Element("digest", 0, 1),
)
_AREA = (
    _Element("areaDesc", 1, 1),
    _Element("polygon", 0, MANY),
    _Element("circle", 0, MANY),
    _Element("geocode", 0, MANY, None, _NAMED),
    _Element("altitude", 0, 1, _is_decimal),
    _Element("ceiling", 0, 1, _is_decimal),
)
_INFO = (
    _Element("language", 0, 1, _is_language),
    _Element("category", 1, MANY, CATEGORIES),
    _Element("event", 1, 1, _is_filled),
    _Element("responseType", 0, MANY, RESPONSES),
    _Element("urgency", 1, 1, URGENCIES),
    _Element("severity", 1, 1, SEVERITIES),
    _Element("certainty", 1, 1, CERTAINTIES),
    _Element("audience", 0, 1),
    _Element("eventCode", 0, MANY, None, _NAMED),
    _Element("effective", 0, 1, _is_time),
    _Element("onset", 0, 1, _is_time),
    _Element("expires", 0, 1, _is_time),
    _Element("senderName", 0, 1),
    _Element("headline", 0, 1),
    _Element("description", 0, 1),
    _Element("instruction", 0, 1),
    _Element("web", 0, 1),
    _Element("contact", 0, 1),
    _Element("parameter", 0, MANY, None, _NAMED),
    _Element("resource", 0, MANY, None, _RESOURCE),
    _Element("area", 0, MANY, None, _AREA),
)
_ALERT = (
    _Element("identifier", 1, 1),
    _Element("sender", 1, 1),
    _Element("sent", 1, 1, _is_time),
    _Element("status", 1, 1, STATUS),
    _Element("msgType", 1, 1, MESSAGE_TYPES),
    _Element("source", 0, 1),
    _Element("scope", 1, 1, SCOPES),
    _Element("restriction", 0, 1),
    _Element("addresses", 0, 1),
    _Element("code", 0, MANY),
    _Element("note", 0, 1),
    _Element("references", 0, 1),
    _Element("incidents", 0, 1),
    _Element("info", 0, MANY, None, _INFO),
)


def _local(element: Any) -> str:
    return etree.QName(element).localname


def _short(text: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain if len(plain) <= 80 else plain[:77] + "…"
