"""CAP 1.2 out: an alert a zone, an update or a cancel that refers to what was said before, in
English and the channel's languages.

Only a live alert is Actual. An exercise is Exercise; a simulation and a test are Test, which
receivers are told to disregard.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lxml import etree

from skywarden.alerts.alert import Alert
from skywarden.alerts.http import HttpTransport
from skywarden.alerts.setting import Setting
from skywarden.alerts.transport import Answer, Link
from skywarden.alerts.words import headline, say
from skywarden.errors import UsageError
from skywarden.formats.cap import NAMESPACE, faults_of
from skywarden.messages.picture import ALL_CLEAR, IMPACTS_OVER, NO_STAGE, PRE_ALERT, STAY, TAKE_COVER
from skywarden.messages.receipts import ACCEPTED

STATUS = {"live": "Actual", "exercise": "Exercise", "simulation": "Test", "test": "Test"}
# stage: response, urgency, severity, certainty
VALUES = {
    NO_STAGE: ("Monitor", "Unknown", "Unknown", "Unknown"),
    PRE_ALERT: ("Prepare", "Expected", "Severe", "Possible"),
    TAKE_COVER: ("Shelter", "Immediate", "Extreme", "Likely"),
    STAY: ("Shelter", "Immediate", "Extreme", "Likely"),
    IMPACTS_OVER: ("Shelter", "Past", "Severe", "Observed"),
    ALL_CLEAR: ("AllClear", "Past", "Minor", "Observed"),
}
EVENT = "Incoming rocket, artillery or mortar fire"


def document(setting: Setting, alert: Alert) -> bytes:
    """The alert as CAP 1.2.

    setting  the channel as declared
    """
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})
    sender = setting.site.sender or f"skywarden@{setting.site.name}"
    _add(root, "identifier", identifier(alert.message))
    _add(root, "sender", _token(sender))
    _add(root, "sent", when(alert.sent))
    _add(root, "status", STATUS[alert.kind])
    over = alert.stage == ALL_CLEAR
    _add(root, "msgType", "Cancel" if alert.wrong else "Update" if alert.before else "Alert")
    _add(root, "scope", "Public")
    if alert.kind != "live":
        _add(
            root,
            "note",
            {
                "exercise": "Exercise. Nobody is in danger.",
                "simulation": "A simulation. Nobody is in danger.",
                "test": "Test of a channel. Nobody is in danger.",
            }[alert.kind],
        )
    elif alert.wrong:
        _add(root, "note", alert.reason)
    if alert.before:
        _add(
            root,
            "references",
            " ".join(f"{_token(sender)},{identifier(message)},{when(sent)}" for message, sent in alert.before),
        )
    _add(root, "incidents", alert.id)
    for language in dict.fromkeys(("en", *setting.channel.languages)):
        _info(root, setting, alert, language, over)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _info(root: Any, setting: Setting, alert: Alert, language: str, over: bool) -> None:
    own, area = setting.site.wording, setting.areas.get(alert.zone)
    info = _add(root, "info")
    _add(info, "language", language)
    for category in ("Safety", "Security"):
        _add(info, "category", category)
    _add(info, "event", EVENT)
    response, urgency, severity, certainty = VALUES[alert.stage]
    if alert.stage == TAKE_COVER and alert.probability >= 0.9:
        certainty = "Observed"
    _add(info, "responseType", response)
    for name, value in (("urgency", urgency), ("severity", severity), ("certainty", certainty)):
        _add(info, name, value)
    _add(info, "effective", when(alert.sent))
    if alert.due is not None and not over:
        _add(info, "onset", when(alert.due))
    _add(info, "expires", when(max(alert.expires, alert.sent + 1.0)))
    _add(info, "senderName", setting.site.title)
    _add(info, "headline", headline(alert, language, own)[:160])
    _add(info, "description", alert.reason)
    _add(info, "instruction", say(alert, language, own))
    for name, value in (
        ("skywarden:warning", alert.id),
        ("skywarden:stage", alert.stage_name),
        ("skywarden:kind", alert.kind),
    ):
        parameter = _add(info, "parameter")
        _add(parameter, "valueName", name)
        _add(parameter, "value", value)
    if area is not None:
        place = _add(info, "area")
        _add(place, "areaDesc", area.name)
        _add(place, "polygon", " ".join(f"{latitude:.6f},{longitude:.6f}" for latitude, longitude in area.ring))


class CapHttp(HttpTransport):
    """POST each document to an aggregator."""

    async def send(self, alert: Alert) -> Answer:
        """One document.

        alert  the message
        """
        return await self.post(document(self._setting, alert), {"content-type": "application/cap+xml"}, ACCEPTED)


class CapFolder:
    """Each document as a file of its own in a folder that something else watches."""

    relays: tuple[str, ...] = ()

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._folder = Path(unquote(setting.channel.url.partition(":")[2].removeprefix("//")))
        if not self._folder.is_dir():
            raise UsageError(
                f'channel "{setting.channel.name}": there is no folder {self._folder}: make it, or name another in '
                'cap+file:FOLDER'
            )

    async def run(self, link: Link) -> None:
        """A folder is always there, or each file says that it is not.

        link  where the channel says whether it is up
        """
        link.up()
        await asyncio.Event().wait()

    async def send(self, alert: Alert) -> Answer:
        """One file, there as a whole or not at all.

        alert  the message
        """
        await asyncio.to_thread(self._write, f"{identifier(alert.message)}.cap.xml", document(self._setting, alert))
        return Answer(ACCEPTED, self._folder.name)

    async def again(self, standing: Mapping[str, Alert]) -> None:
        """A folder keeps what it has.

        standing  what is in force, by zone
        """

    async def bye(self) -> None:
        """Nothing to say."""

    def _write(self, name: str, content: bytes) -> None:
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".cap-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, self._folder / name)


def identifier(message: str) -> str:
    """A message's id as CAP allows it: no blanks, commas, < or &."""
    return _token(message)


def when(t: float) -> str:
    """A time as CAP wants it: seconds, +00:00 and never Z.

    t  time [s since 1970, UTC]
    """
    return datetime.fromtimestamp(int(t), UTC).isoformat()


def faults(content: bytes) -> list[str]:
    """What is wrong with a document, in sentences.

    content  the document's bytes
    """
    return [str(fault) for fault in faults_of(content)]


def _token(text: str) -> str:
    return re.sub(r"[\s,<&]+", "-", text)


def _add(parent: Any, name: str, text: str | None = None) -> Any:
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if text is not None:
        element.text = "".join(
            c
            for c in text
            if c == "\n" or c == "\t" or (ord(c) >= 32 and not 0xD800 <= ord(c) < 0xE000 and c not in "\ufffe\uffff")
        )
    return element
