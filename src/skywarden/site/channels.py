"""The site's [[channels]]: which way which zones are told, in which languages, and for which kind
of session; no secret stands in the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

from skywarden.files.toml import Table
from skywarden.site.model import Channel, Zone

KINDS = ("live", "exercise", "simulation")
STEPS = (
    "pre-alert",
    "take-cover",
    "stay",
    "impacts-over",
    "all-clear",
    "corrected",
    "test",
    "exercise",
    "simulation",
    "seconds",
)
SECRETIVE = re.compile(r"(?i)token|secret|passw|api_?key|^key$|^auth|signature|^sig$|credential")
_URL = re.compile(r"[a-z][a-z0-9+]*:\S+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_NAME = re.compile(r"[^\x00-\x1f]{1,60}")


def read_channels(root: Table, zones: Sequence[Zone]) -> tuple[Channel, ...]:
    """Every channel declared; faults are noted in the document.

    root   the whole document
    zones  the zones
    """
    tables = root.tables("channels")
    channels = tuple(_channel(table, zones) for table in tables)
    for k, (table, channel) in enumerate(zip(tables, channels, strict=True)):
        for other in channels[:k]:
            if channel.name == other.name:
                table.fault("name", f'the name "{channel.name}" is used twice', "Give each its own name.")
            if (
                channel.kind != other.kind
                and channel.url == other.url
                and not channel.url.startswith(("mqtt", "siren+mqtt"))
            ):
                table.fault(
                    "url",
                    f'"{channel.name}" ({channel.kind}) and "{other.name}" ({other.kind}) send to the same address',
                    "What is live and what is not never share a receiver: give each its own address.",
                )
            if channel.kind != other.kind and channel.secret and channel.secret == other.secret:
                table.fault(
                    "secret",
                    f'"{channel.name}" ({channel.kind}) and "{other.name}" ({other.kind}) are signed with the same key',
                    "Make another key for one of them: openssl rand -hex 32 > NAME.key",
                )
    return channels


def read_wording(root: Table) -> dict[str, Mapping[str, str]]:
    """The site's own words, by language and step, from [wording.LANGUAGE].

    root  the whole document
    """
    table = root.table("wording")
    found: dict[str, Mapping[str, str]] = {}
    for language in table.data:
        own = table.table(language)
        words = {step: own.text(step) for step in STEPS if own.has(step)}
        if "seconds" in words and "{seconds}" not in words["seconds"]:
            own.fault(
                "seconds",
                '"seconds" does not say where the number stands',
                'Write it with {seconds}, as in "Impact in {seconds} seconds."',
            )
            del words["seconds"]
        own.finish()
        found[language] = words
    return found


def _channel(table: Table, zones: Sequence[Zone]) -> Channel:
    name, url = table.text("name"), table.text("url")
    if not _NAME.fullmatch(name):
        table.fault("name", f'"name" is {name[:80]!r}', "Write a short name in one line.")
    _check_url(table, url)
    kind = table.text("kind", "simulation", KINDS)
    told = table.texts("zones")
    known = [zone.name for zone in zones]
    for zone in told:
        if zone not in known:
            table.fault("zones", f'there is no zone "{zone}"', f"Zones here: {', '.join(known)}.")
    languages = table.texts("languages", ("en",)) or ["en"]
    for language in languages:
        if not _LANGUAGE.fullmatch(language):
            table.fault("languages", f'"{language}" is no language', 'Write codes such as "en", "fa" or "uk".')
    channel = Channel(
        name,
        url,
        kind,
        tuple(told),
        _secret(table, "secret"),
        _secret(table, "password"),
        table.text("user", ""),
        tuple(table.texts("relays")),
        tuple(languages),
        table.flag("monthly_test", False),
        table.flag("tracks", False),
        table.integer("test_day", Channel.test_day, 1, 28),
        table.integer("test_hour_utc", Channel.test_hour, 0, 23),
    )
    if channel.tracks and channel.kind != "simulation":
        table.fault(
            "tracks",
            f"tracks are asked for on a channel of kind {channel.kind}",
            'Tracks leave a simulation only: delete it, or set kind = "simulation".',
        )
    table.finish()
    return channel


def _check_url(table: Table, url: str) -> None:
    """No password and no key may stand in an address: the file is copied into every record."""
    try:
        parts = urlsplit(url)
        said = (
            parts.password is not None
            or parts.username is not None
            or any(SECRETIVE.search(name) for name, _ in parse_qsl(parts.query))
        )
    except ValueError:
        parts, said = None, False
    if parts is None or not _URL.fullmatch(url):
        table.fault(
            "url",
            '"url" is no address',
            'Write it as "mqtts://HOST:PORT", "siren+http://HOST:PORT/" or "cap+file:/FOLDER".',
        )
    elif said:
        table.fault(
            "url",
            '"url" holds a user, a password or a key, and this file is copied into every record',
            'Take it out; write user = "NAME" and password = "file:NAME", with the password in that file.',
        )


def _secret(table: Table, key: str) -> str:
    """Where a secret is; the fault never repeats what was written."""
    value = table.raw(key, None)
    if value is None:
        return ""
    if not isinstance(value, str) or not value.startswith("file:") or len(value) < 6 or len(value) > 300:
        table.fault(
            key,
            f'"{key}" names no file',
            f'Write the secret into a file of its own and {key} = "file:NAME": this file is copied into every record.',
        )
        return ""
    return value
