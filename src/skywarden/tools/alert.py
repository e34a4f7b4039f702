"""The verbs of `skywarden alert`: test a channel end to end, say a message, correct a wrong
warning, show who was told what when.

Nothing is sent from here: what is asked goes into the outbox of the running service, which sends,
signs and records it.
"""

from __future__ import annotations

import getpass
import time
from pathlib import Path
from typing import Any

import msgspec

from skywarden.alerts.alert import utc
from skywarden.alerts.opening import outbox_path
from skywarden.alerts.outbox import WAITING, Told, ask_service, history, state_name
from skywarden.errors import UsageError
from skywarden.messages.picture import NO_STAGE, STAGE_NAMES
from skywarden.messages.receipts import ACCEPTED, DELIVERED
from skywarden.site.model import Site

ANSWERED_S = 8.0  # seconds a test waits for the receivers' answers
LOOK_S = 0.1  # seconds between two looks at what became of it


def try_channels(
    site: Site, kind: str, channel: str = "", state: Path | None = None, patience: float = ANSWERED_S
) -> list[Told]:
    """Send a test along one channel, or all, and say what became of it on each.

    site      the site as its defender declared it
    kind      kind of the channels: "live", "simulation" or "exercise"
    state     folder of the outbox, None for the service's own
    patience  seconds to wait for answers

    UsageError where no such channel is declared.
    """
    names = [declared.name for declared in site.channels if declared.kind == kind]
    if not names:
        raise UsageError(f"{site.name} declares no channel of kind {kind}: add [[channels]] to its site.toml")
    if channel and channel not in names:
        raise UsageError(f'{site.name} has no channel "{channel}" of kind {kind}; it has: {", ".join(names)}')
    path, begun = outbox_path(site.name, kind, state), time.time()
    ask_service(path, "test", msgspec.json.encode({"channel": channel}).decode(), who())
    wanted, until = {channel} if channel else set(names), time.monotonic() + patience
    silent = {
        declared.name for declared in site.channels if not declared.relays
    }  # nobody is expected to answer on these
    while True:
        told = [
            line
            for line in history(path)
            if line.kind == "test" and line.made >= begun - 1.0 and line.channel in wanted
        ]
        done = {
            line.channel
            for line in told
            if line.state == DELIVERED
            or (line.state == ACCEPTED and line.channel in silent)
            or line.state not in (WAITING, ACCEPTED)
        }
        if done >= wanted or time.monotonic() > until:
            return told
        time.sleep(LOOK_S)


def passed(line: Told, site: Site) -> bool:
    """Whether a test went as far as it can: acknowledged, or taken where nobody is to acknowledge.

    line  what became of the test on one channel
    site  the site as its defender declared it
    """
    expected = any(declared.name == line.channel and declared.relays for declared in site.channels)
    return line.state == DELIVERED or (line.state == ACCEPTED and not expected)


def say(site: Site, kind: str, text: str, zones: list[str], state: Path | None = None) -> int:
    """Hand a person's words to the running service; the answer is the number of zones they go to.

    site   the site as its defender declared it
    kind   kind of the channels: "live", "simulation" or "exercise"
    text   the person's words
    state  folder of the outbox, None for the service's own
    """
    told = _zones(site, zones)
    if not text.strip() or len(text) > 500:
        raise UsageError("a message has 1 to 500 characters")
    ask_service(
        outbox_path(site.name, kind, state), "say", msgspec.json.encode({"zones": told, "text": text}).decode(), who()
    )
    return len(told)


def correct(site: Site, kind: str, why: str, zones: list[str], state: Path | None = None) -> None:
    """Take back standing warnings that are wrong, in some zones or all: one act, said on every
    channel.

    site   the site as its defender declared it
    kind   kind of the channels: "live", "simulation" or "exercise"
    why    the reason given
    state  folder of the outbox, None for the service's own
    """
    asked = {"zones": _zones(site, zones) if zones else [], "why": why}
    ask_service(outbox_path(site.name, kind, state), "correct", msgspec.json.encode(asked).decode(), who())


def lines(told: list[Told]) -> list[str]:
    """Who was told what when, a line a message and channel."""
    return [
        f"{utc(line.made)}  {line.kind:<10}  {line.channel:<16}  {line.zone:<20}  {word(line):<13}  "
        f"{state_name(line.state)}"
        f"{f' by {line.who}' if line.who else ''}{_after(line)}"
        for line in told
    ]


def rows(told: list[Told]) -> list[dict[str, Any]]:
    """The same for programs.

    told  messages as the outbox tells of them
    """
    return [
        {
            **line._asdict(),
            "stage": word(line),
            "state": state_name(line.state),
            "made": utc(line.made),
            "told": utc(line.told),
            "done": utc(line.done),
        }
        for line in told
    ]


def word(line: Told) -> str:
    """What was said, in a word.

    line  one message as the outbox tells of it
    """
    return "test" if line.kind == "test" else "message" if line.stage == NO_STAGE else STAGE_NAMES[line.stage]


def who() -> str:
    """Who asks, as the record names them."""
    try:
        return getpass.getuser()[:60]
    except (KeyError, OSError, ImportError):  # a user the machine has no name for
        return "somebody"


def _zones(site: Site, zones: list[str]) -> list[str]:
    known = [zone.name for zone in site.zones if zone.warn]
    for zone in zones:
        if zone not in known:
            raise UsageError(f'{site.name} has no zone "{zone}" that can be told; it has: {", ".join(known)}')
    return zones or known


def _after(line: Told) -> str:
    end = line.done if line.done is not None and line.state == DELIVERED else line.told
    return "" if end is None else f" after {max(end - line.made, 0.0):.2f} s"
