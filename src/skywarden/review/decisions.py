"""Why each zone was told what it was told, and why others were not warned: the report's section."""

from __future__ import annotations

import math

from skywarden.review.html import seconds, table, text
from skywarden.review.story import Story
from skywarden.site.hearing import hearing

MOST_SHOWN = 400  # changes in the table; the rest is in the record
COUNTS = 0.5  # probability of being a projectile from which a track counts in a warning


def section(told: Story) -> str:
    """The costs that decided, every change with its reason, and the zones that were spared.

    told  everything the record tells of the run
    """
    decisions, site = told.measures.decisions, told.site
    changes = [
        (
            seconds(c.t),
            site.zones[c.zone].name,
            c.told,
            c.reason or "—",
            _percent(c.probability),
            _percent(c.threshold),
            _loss(c.unwarned),
            _loss(c.warned),
        )
        for c in decisions.changes[:MOST_SHOWN]
    ]
    spared = [
        (
            site.zones[zone].name,
            seconds(s.t),
            s.reason,
            _percent(s.probability),
            _percent(s.threshold),
            _loss(s.unwarned),
            _loss(s.warned),
        )
        for zone, s in sorted(decisions.spared.items(), key=lambda item: -item[1].probability)
    ]
    more = len(decisions.changes) - len(changes) + decisions.more
    head = ("probability", "asked for", "loss if not told", "loss if told now")
    return (
        f"<p>{text(_rule(told))}</p>"
        + (table(("at", "zone", "told", "because", *head), changes) if changes else "<p>No zone was told anything.</p>")
        + (f"<p>{more} more changes are in the record.</p>" if more else "")
        + ("<h3>Endangered, and not warned</h3>" if spared else "")
        + (table(("zone", "likeliest at", "because", *head), spared) if spared else "")
        + f"<p>{text(_seen(told))}</p>"
        + _heard(told)
    )


def _rule(told: Story) -> str:
    """By what the site decides."""
    costs, policy = told.site.costs, told.site.policy
    if not costs.stated:
        return (
            f"This site states no costs: a zone is warned from a probability of {100 * policy.warn_probability:.0f} %, "
            "once the place of impact is known or no time is left to wait. The losses, in people hurt or their "
            "equal, are by illustrative costs."
        )
    return (
        "This site states its costs: a zone is told to take cover when the expected loss is then least. Of people in "
        f"the open a round hurts {100 * costs.hurt_open:g} %, lying {100 * costs.hurt_lying:g} %, in shelter "
        f"{100 * costs.hurt_sheltered:g} %; {100 * costs.compliance:g} % do as told; {1000 * costs.hurt_running:g} of "
        f"1,000 are hurt running; {costs.hours_per_casualty:g} hours of work weigh as much as one person hurt; after "
        f"a false warning {100 * costs.false_alarm:g} % fewer heed the next."
    )


def _seen(told: Story) -> str:
    """What was tracked and warned nobody, and why."""
    rounds = [path for path in told.paths.values() if path.sure >= COUNTS]
    apart, other = sum(not path.endangered for path in rounds), len(told.paths) - len(rounds)
    if not told.paths:
        return "Nothing was tracked."
    said = []
    if rounds:
        said.append(
            f"{_many(len(rounds), 'track was', 'tracks were')} at some time more probably of a projectile than not; "
            f"{apart} of them {'was' if apart == 1 else 'were'} never foreseen in or beside a zone: outgoing fire, and "
            "what passes over or falls elsewhere, warn nobody."
        )
    if other:
        said.append(
            f"{_many(other, 'track', 'tracks')} of other things (aircraft, birds, small arms, flares, objects under "
            f"power) {'was' if other == 1 else 'were'} never more probably of a projectile than not; no order to take "
            "cover is made of those, at most a pre-alert."
        )
    return " ".join(said)


def _many(count: int, one: str, many: str) -> str:
    """A count and its noun."""
    return f"{count} {one if count == 1 else many}"


def _heard(told: Story) -> str:
    """How long the sirens' sound takes to each zone; nothing where none is declared."""
    site = told.site
    if not site.sirens:
        return ""
    heard = hearing(site)
    rows = [
        (
            zone.name,
            site.sirens[heard.siren[k]].name if heard.siren[k] >= 0 else "none",
            f"{100 * heard.share[k]:.0f} %",
            f"{heard.level[k]:.0f} dB over {zone.ambient_db:.0f} dB",
            f"{heard.delay[k]:.1f} s",
        )
        for k, zone in enumerate(site.zones)
        if zone.warn
    ]
    return "<h3>Heard</h3>" + table(
        ("zone", "nearest siren heard", "heard in", "where it is faintest", "sound's way"), rows
    )


def _percent(value: float) -> str:
    return "—" if math.isnan(value) else f"{100 * value:.0f} %"


def _loss(value: float) -> str:
    return "—" if math.isnan(value) else f"{value:.3g}"
