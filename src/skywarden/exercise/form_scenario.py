"""A form as the scenario that is flown: raids drawn by where they come down, and what else happens.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from skywarden.errors import UsageError
from skywarden.exercise.forms import (
    BLIND,
    CLEAR,
    GHOST,
    MESSAGE,
    PROBE,
    RADAR,
    SIREN,
    Form,
    Item,
    accepted,
    blueprint_of,
    secret_of,
)
from skywarden.site.load import load
from skywarden.site.model import Site, Zone

# Speed [m/s] and angle [degrees] at impact, and distance of the region drawn from [m], by class of round; illustrative
FALLS = {
    "small rocket": ((195.0, 208.0), (42.0, 48.0), 5_900.0),
    "medium rocket": ((208.0, 222.0), (42.0, 48.0), 6_400.0),
    "heavy mortar": ((163.0, 176.0), (53.0, 60.0), 3_600.0),
}
AREA_M = 1_500.0            # radius of the area that a raid comes from [m]
FALL_M = 30.0               # radius of the place a round falls into, in the middle of a zone [m]
BESIDE_M = 600.0            # how far beside everything a harmless round falls [m]
BEFORE_S = 8.0              # flight before a round is first seen, about [s]
OUTAGE_S = 25.0             # a radar is silent [s]
PROBES = (
    ("ask=warned", "How many zones are warned now?"),
        ("ask=next", "Which zone is the next impact expected in? Say none if in none."),
    ("ask=raids", "How many raids stand now?"))
SENTENCES = (
    ("gate", "Convoy of six enters by the north gate.", ("six", "north gate")),
    ("tower", "Two aircraft will taxi to the cargo apron.", ("two", "cargo apron")),
    ("neighbour", "Our siren is under repair until noon.", ("siren", "noon")),
    ("command", "Report at minute thirty by radio two.", ("thirty", "radio two")))


def write_form(site: str, secret: Path, number: int, blueprint: str, out: Path) -> str:
    """Draw a form and write it as a scenario; returns what is said of it.

    secret     file of the secret that forms are drawn with
    number     number of the form
    blueprint  name of the blueprint, or its TOML file
    out        the scenario's file, which must not exist

    Raises UsageError where the site has too few zones to warn, or no form is as hard as its pool.
    """
    declared, plan = load(site), blueprint_of(blueprint)
    key = secret_of(secret)
    form, found = accepted(plan, key, number, declared)
    try:
        with os.fdopen(os.open(out, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as opened:
            opened.write(scenario(form, declared))
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}. Name another file with --out") from None
    low, high = found.interval
    apart = f"{found.difference:+.3f} ({low:+.3f} to {high:+.3f})"
    return f"{out}: form {number} of {plan.name}, {apart} from its pool's decision quality"


def scenario(form: Form, site: Site) -> str:
    """The scenario's text. What it holds is secret until it was flown.

    form  the form as it was drawn
    site  the site as its defender declared it
    """
    ends = max(item.t + item.lead for item in form.items) + 60.0
    lines = [
        f'name = "form-{form.blueprint.name}-{form.number}"', f'title = "Form {form.number}"', f'site = "{site.name}"',
        'epoch = "2026-01-01T18:00:00Z"', f"duration_s = {math.ceil(max(ends, form.blueprint.lasts))}",
            f"seed = {form.seed}", ""]
    for k, item in enumerate(form.items):
        lines += [*_item(k, item, site), ""]
    if any(item.family == SIREN for item in form.items):
        lines += ["[[sirens]]", 'name = "siren one"', ""]
    return "\n".join(lines)


def _item(k: int, item: Item, site: Site) -> Iterator[str]:
    if item.family in (MESSAGE, PROBE):
        yield from _said(k, item)
    elif item.family == RADAR:
        yield from _outage(k, item.t, site, OUTAGE_S)
    else:
        for j, zone in enumerate(item.zones):
            yield from _raid(f"{k}-{j}", item, site, site.zones[zone])
        if item.family == BLIND:
            yield from _outage(k, item.t - 12.0, site, item.lead + 20.0)
            yield from _seen(k, item, site.zones[item.zones[0]])
        elif item.family == GHOST:
            yield from _denied(k, item, site.zones[item.zones[0]])
        elif item.family == SIREN:
            yield from ("[[injects]]", f'name = "siren {k}"', 'kind = "siren"', 'siren = "siren one"',
                f"at_s = {item.t:.1f}", "lasts_s = 60.0")


def _raid(name: str, item: Item, site: Site, zone: Zone) -> Iterator[str]:
    """Where rounds come down, and the area they come from: a whole region, no place."""
    speeds, angles, away = FALLS[item.sort]
    middle = zone.polygon.mean(axis=0)
    east, north = (float(value) for value in middle)
    if item.family == CLEAR:        # beyond all zones, across the way it comes
        edge = max(float(math.hypot(*corner)) for each in site.zones for corner in each.polygon)
        east = (edge + BESIDE_M) * math.sin(item.bearing + 0.5 * math.pi)
        north = (edge + BESIDE_M) * math.cos(item.bearing + 0.5 * math.pi)
    yield from (
        "[[areas]]", f'name = "fall {name}"', f"east_m = {east:.0f}", f"north_m = {north:.0f}",
            f"radius_m = {FALL_M:.0f}",
        "[[areas]]", f'name = "from {name}"', f"east_m = {east + away * math.sin(item.bearing):.0f}",
        f"north_m = {north + away * math.cos(item.bearing):.0f}", f"radius_m = {AREA_M:.0f}")
    start = max(item.t - BEFORE_S, 0.0)
    ghost = item.family == GHOST
    yield from ("[[injects]]", f'name = "ghosts {name}"', 'kind = "ghosts"', f"at_s = {start:.1f}") if ghost else (
        "[[raids]]", f'name = "raid {name}"')
    yield from (
        f'class = "{item.sort}"', "count = 1", f"start_s = {0.0 if ghost else start:.1f}", f'launch = "from {name}"',
            f'fall = "fall {name}"',
        f"fall_angle_deg = [{angles[0]}, {angles[1]}]", f"fall_speed_mps = [{speeds[0]}, {speeds[1]}]")


def _outage(k: int, t: float, site: Site, lasts: float) -> Iterator[str]:
    if site.radars:
        yield from (
            "[[injects]]", f'name = "outage {k}"', 'kind = "outage"', f'radar = "{site.radars[0].name}"',
                f"at_s = {t:.1f}",
            f"lasts_s = {lasts:.1f}")


def _denied(k: int, item: Item, zone: Zone) -> Iterator[str]:
    """The technician, who feeds the radar with test targets, in time to be heard."""
    yield from (
        "[[messages]]", f'name = "denied {k}"', f"at_s = {item.t + 2.0:.1f}", 'sender = "technician"',
        f'text = "Test targets are fed into the radar over {zone.name}. What you have there is no round."',
        f'facts = ["zone={zone.name}", "kind=other", "sure=0.999", "until={item.t + item.lead + 30.0:.1f}"]')


def _seen(k: int, item: Item, zone: Zone) -> Iterator[str]:
    """An observer's word of a round that no radar sees."""
    due = item.t + item.lead
    yield from (
        "[[messages]]", f'name = "seen {k}"', f"at_s = {item.t:.1f}", 'sender = "observer"',
        f'text = "A round is coming down on {zone.name}, in about {item.lead:.0f} seconds."',
        f'facts = ["danger={zone.name}", "due={due:.1f}", "sure=0.95", "until={due + 30.0:.1f}"]')


def _said(k: int, item: Item) -> Iterator[str]:
    if item.family == PROBE:
        ask, text = PROBES[k % len(PROBES)]
        yield from (
            "[[messages]]", f'name = "probe {k}"', 'kind = "probe"', f"at_s = {item.t:.1f}", 'sender = "instructor"',
                f'text = "{text}"',
            f'facts = ["{ask}"]', "answer_s = 30.0")
        return
    sender, text, fields = SENTENCES[k % len(SENTENCES)]
    facts = ", ".join(f'"readback={field}"' for field in fields)
    yield from (
        "[[messages]]", f'name = "message {k}"', f"at_s = {item.t:.1f}", f'sender = "{sender}"', f'text = "{text}"',
            f"facts = [{facts}]",
        "answer_s = 15.0")


