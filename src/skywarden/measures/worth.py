"""What a run was worth in plain numbers: a row of figures for the run, a row for each round that
was due to be warned of. Simulations only. Definitions: docs/models/measures.md.
"""

from __future__ import annotations

import math
from typing import Any

from skywarden.measures.ledger import RoundLine, WarningLine
from skywarden.measures.tally import Measures
from skywarden.messages.truth import FELL, FLYING, STOPPED, WAITING
from skywarden.site.hearing import hearing
from skywarden.site.model import Site

OUTCOMES = {WAITING: "waiting", FLYING: "flying", FELL: "fell", STOPPED: "stopped"}
# Outcomes of rounds that came to their end: one still flying when a run ends is due to nobody yet
OVER = (FELL, STOPPED)
MINUTE = 60.0

Figures = dict[str, float | int | None]


def figures(measures: Measures, site: Site) -> Figures:
    """A run's figures. Those that no round, or no engagement, gives are None.

    measures  what has been counted of the run
    site      the site as its defender declared it
    """
    lines = measures.ledger()
    due = [line for line in lines if line.zones and line.outcome in OVER]
    warned = [line for line in due if line.lead_time_s is not None]
    raised = [w for zone in measures.zone_ledger() for w in zone.warnings if not w.manual]
    people = {zone.name for zone in site.zones if zone.people > 0.0}
    aimed = [line for line in lines if people.intersection(line.inside_zones) and line.outcome in OVER]
    predicted = [line.first_report[2] for line in lines if line.first_report is not None]
    false = sum(bool(w.false) for w in raised)
    late = _sound(site)
    reached, endangered = _people(due, site, late)
    return {
        "rounds": len(lines),
        "detected": sum(line.seen_at is not None for line in lines),
        "tracked": sum(line.tracked_at is not None for line in lines),
        "predicted": len(predicted),
        "error_sum_m": math.fsum(predicted),
        "due": len(due),
        "warned": len(warned),
        "unwarned": len(due) - len(warned),
        "any_unwarned": int(len(warned) < len(due)),
        "in_time": sum(_lead(line, late) >= needed(line, site) for line in warned),
        "lead_sum_s": math.fsum(_lead(line, late) for line in warned),
        "least_lead_s": min((_lead(line, late) for line in due), default=None),
        "people_due": endangered,
        "people_reached": reached,
        "aimed": len(aimed),
        "leaked": sum(line.outcome == FELL for line in aimed),
        "fell_inside": sum(line.outcome == FELL and line.inside for line in lines),
        "engaged": sum(line.engagements > 0 for line in lines),
        "stopped": sum(line.outcome == STOPPED for line in lines),
        "warnings": len(raised),
        "false_warnings": false,
        "any_false_warning": int(false > 0),
        "person_minutes": math.fsum(_person_minutes(w, site, measures.end) for w in raised),
        "needless_person_minutes": math.fsum(_person_minutes(w, site, measures.end) for w in raised if w.false),
        "peak_unhit_probability": max((w.peak for w in raised if w.false), default=0.0),
        "runway_minutes": measures.minutes_closed,
        "aircraft_endangered": measures.endangered,
        "any_aircraft_endangered": int(measures.endangered > 0),
        "nearest_aircraft_m": measures.nearest_aircraft if math.isfinite(measures.nearest_aircraft) else None,
    }


def rounds_due(measures: Measures, site: Site) -> list[dict[str, Any]]:
    """A row for every round that fell into a zone that can be warned, or would have; nothing of
    where it came from.

    measures  what has been counted of the run
    site      the site as its defender declared it
    """
    return [
        {
            "number": line.number,
            "kind": line.kind,
            "zones": "; ".join(line.zones),
            "t_impact_s": line.t_impact,
            "tracked_s": line.tracked_at,
            "warned_s": line.warned_at,
            "lead_s": line.lead_time_s,
            "needed_s": needed(line, site),
            "first_error_m": line.first_report[2] if line.first_report else None,
            "engagements": line.engagements,
            "outcome": OUTCOMES[line.outcome],
        }
        for line in measures.ledger()
        if line.zones and line.outcome in OVER
    ]


def needed(line: RoundLine, site: Site) -> float:
    """The longest time that people need to reach shelter in the zones a round was due in [s].

    line  what became of the round
    site  the site as its defender declared it
    """
    return max((zone.shelter_s for zone in site.zones if zone.name in line.zones), default=0.0)


def _sound(site: Site) -> dict[str, tuple[float, float]]:
    """Of each zone, the time until a siren is heard there [s] and the share of it that hears one;
    without sirens all, at once.
    """
    found = hearing(site)
    everybody = not site.sirens
    return {
        zone.name: (float(found.delay[k]), 1.0 if everybody else float(found.share[k]))
        for k, zone in enumerate(site.zones)
    }


def _lead(line: RoundLine, late: dict[str, tuple[float, float]]) -> float:
    """The lead time less the time the sound takes [s]; 0 where nobody was warned."""
    if line.lead_time_s is None:
        return 0.0
    return max(line.lead_time_s - max((late[name][0] for name in line.zones), default=0.0), 0.0)


def _people(due: list[RoundLine], site: Site, late: dict[str, tuple[float, float]]) -> tuple[float, float]:
    """People of the zones that rounds were due in: those who heard of it in time to reach shelter,
    and all.
    """
    reached = endangered = 0.0
    for line in due:
        for zone in site.zones:
            if zone.name in line.zones:
                delay, share = late[zone.name]
                endangered += zone.people
                if line.lead_time_s is not None and line.lead_time_s - delay >= zone.shelter_s:
                    reached += share * zone.people
    return reached, endangered


def _person_minutes(w: WarningLine, site: Site, end: float) -> float:
    return site.zones[w.zone].people * max((w.cleared if w.cleared is not None else end) - w.raised, 0.0) / MINUTE
