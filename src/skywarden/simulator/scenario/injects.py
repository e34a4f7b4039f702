"""What an exercise holds ready: injects that change the world when they are fired, and messages
from people outside the room.

[[injects]]                      [[messages]]
name = "second salvo"            name = "tower clears the apron"
kind = "raid"                    sender = "tower"
held = true                      at_s = 95
class = "small rocket"           text = "Apron 2 is clear of aircraft."
…as in [[raids]]                 true = false
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from skywarden.files.toml import Table
from skywarden.messages.frame import DELIVERED_KINDS, LANGUAGES
from skywarden.messages.truth import INJECTS
from skywarden.simulator.scenario.flights import scripted
from skywarden.simulator.scenario.model import Clutter, Inject, Post, Raid, Siren
from skywarden.site.model import Site

LATEST_S = 86_400.0  # seconds into a run that anything may be planned for
MOST_OF_ONE = 1000  # rounds or birds of one inject
OWN_MESSAGE = "message"  # kind of an inject that is a message and changes nothing of the world


def read_injects(
    root: Table,
    site: Site,
    sirens: Sequence[Siren],
    raid: Callable[[Table, str], Raid],
    duration: float,
) -> tuple[tuple[Inject, ...], tuple[Post, ...]]:
    """The [[injects]] and [[messages]] of a scenario.

    raid      reads what [[raids]] have, out of an inject's table
    root      the whole document
    site      the site as its defender declared it
    sirens    the scenario's sirens
    duration  length of the scenario [s]
    """
    injects = tuple(
        _inject(table, row, site, sirens, raid, duration) for row, table in enumerate(root.tables("injects"))
    )
    posts = tuple(post(table, row) for row, table in enumerate(root.tables("messages")))
    own_names(root, injects, posts)
    return injects, posts


def read_sirens(root: Table, site: Site) -> tuple[Siren, ...]:
    """The [[sirens]] of a scenario: simulated, each with the zones it is heard in.

    root  the whole document
    site  the site as its defender declared it
    """
    zones = {zone.name for zone in site.zones}
    sirens: list[Siren] = []
    for row, table in enumerate(root.tables("sirens")):
        siren = Siren(table.text("name", f"siren {row + 1}"), tuple(table.texts("zones")))
        for name in siren.zones:
            if name not in zones:
                table.fault("zones", f'there is no zone "{name}"', f"Use one of: {', '.join(sorted(zones))}.")
        if siren.name in {other.name for other in sirens}:
            table.fault("name", f'the name "{siren.name}" is used twice', "Give each siren its own name.")
        table.finish()
        sirens.append(siren)
    return tuple(sirens)


def _inject(
    table: Table,
    row: int,
    site: Site,
    sirens: Sequence[Siren],
    raid: Callable[[Table, str], Raid],
    duration: float,
) -> Inject:
    name, at, held = head(table, f"inject {row + 1}")
    kind = table.text("kind", choices=kinds())
    lasts = table.number("lasts_s", math.inf, 0.0, LATEST_S)
    made = Inject(name, kind, at, held, lasts)
    radars = [radar.name for radar in site.radars]
    if kind in ("turn", "outage", "delay", "ghosts"):
        radar = table.text("radar", radars[0] if radars else "", radars)
        made = replace(made, subject=radar, radar=radars.index(radar) if radar in radars else -1)
    if kind == "turn":
        made = replace(made, turn=table.number("turn_deg", low=-360.0, high=360.0, scale=math.pi / 180.0))
    elif kind == "delay":
        made = replace(made, by=table.number("by_s", low=0.0, high=60.0))
    elif kind == "siren":
        names = [siren.name for siren in sirens]
        if not names:
            table.fault("siren", "the scenario has no [[sirens]]", 'Declare one: [[sirens]] name = "siren north".')
        made = replace(made, subject=table.text("siren", names[0] if names else "", names))
    elif kind in ("raid", "ghosts"):
        drawn = raid(table, name)
        if drawn.count > MOST_OF_ONE:
            table.fault("count", f"{drawn.count} rounds are more than {MOST_OF_ONE}", "Make two injects of it.")
        made = replace(made, raid=drawn)
    elif kind == "clutter":
        birds, flock = table.integer("birds", 0, 0, MOST_OF_ONE), table.number("flock", 1.0, 1.0, 1000.0)
        rotors, factor = table.integer("rotors", 0, 0, 500), table.number("false_alarm_factor", 0.0, 0.0, 1000.0)
        made = replace(made, clutter=Clutter(birds, flock, rotors, (), 0.0, factor))
    elif kind == "adsb":
        made = replace(made, flight=scripted(table, site.origin, duration))  # names unknown keys itself
        return made
    table.finish()
    return made


def head(table: Table, default: str) -> tuple[str, float, bool]:
    """Name, planned time and whether it is held, of an inject or a message; what has no time is
    held.

    table    the table as it was read
    default  name where none is given
    """
    name = table.text("name", default)
    timed = table.has("at_s")
    at = table.number("at_s", math.inf, 0.0, LATEST_S)
    held = table.flag("held", not timed)
    if not timed and not held:
        table.fault(
            "held",
            f'"{name}" is neither held nor has it a time: it would never happen',
            "Add at_s = …, or held = true.",
        )
    return name, at, held


def post(table: Table, row: int) -> Post:
    """One [[messages]] table.

    row  number of the message among the scenario's, from 0
    """
    name, at, held = head(table, f"message {row + 1}")
    kind = table.text("kind", "message", DELIVERED_KINDS)
    sender = table.text("sender", "tower")
    texts = tuple(
        table.text("text" if code == "en" else f"text_{code}", "") if code == "en" or table.has(f"text_{code}") else ""
        for code in LANGUAGES
    )
    ends = table.text("ends", "") if table.has("ends") else ""
    if not texts[0] and kind != "end":
        table.fault(
            "text", f'the message "{name}" says nothing', 'Write text = "…", and text_fa, text_ps where they are known.'
        )
    made = Post(
        name,
        at,
        held,
        kind,
        sender,
        texts,
        table.flag("true", True),
        tuple(table.texts("facts")),
        table.number("answer_s", math.nan, 0.0, LATEST_S),
        tuple(table.texts("choices")),
        table.text("expect", "") if table.has("expect") else "",
        ends,
    )
    table.finish()
    return made


def own_names(root: Table, injects: Sequence[Inject], posts: Sequence[Post]) -> None:
    """Every inject and message has a name of its own: firing goes by it, and so does its chance.

    root     the whole document
    injects  the injects
    posts    the messages
    """
    seen: set[str] = set()
    for key, names in (("injects", [inject.name for inject in injects]), ("messages", [one.name for one in posts])):
        for name in names:
            if name in seen:
                root.fault(
                    key, f'the name "{name}" is used twice among injects and messages', "Give each its own name."
                )
            seen.add(name)
    for one in posts:
        if one.ends and one.ends not in {other.name for other in posts}:
            root.fault(
                "messages", f'"{one.name}" ends a message "{one.ends}" that is none', "Name a message of this scenario."
            )


def kinds() -> tuple[str, ...]:
    """The kinds that [[injects]] may have."""
    return tuple(kind for kind in INJECTS if kind != OWN_MESSAGE)
